//! Reads tables: values separated by commas, semicolons or tabs, and Markdown tables.
//!
//! The header tells the columns by name, in the dictionary that JSON uses too ([`Field`]); the lines before it, such as a
//! title, are skipped. Without a header, the columns are told by what is in them, if the speech is in quotes. In a Markdown
//! file, lines between and after tables are kept as entries without speaker and time.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::text::Span;
use crate::transcript::format::cue::{Cue, Escapes, Joint};
use crate::transcript::format::field::{
    Field, Rate, Role, Time, Unit, Zero, percent, speaker_label,
};
use crate::transcript::format::looked_at;
use crate::transcript::format::plain::shape;
use crate::transcript::format::writer::Block;

/// Rows before which the header must come.
const MAX_PREAMBLE: usize = 12;

/// Rows that must fit the header.
const CHECKED_ROWS: usize = 50;

/// Longest heading of a column: a sentence is none.
const MAX_HEADING_BYTES: usize = 48;

/// Maximum number of columns of a table without a header, and of one with tabs.
const MAX_BARE_COLUMNS: usize = 4;
const MAX_TAB_COLUMNS: usize = 12;

/// Rows from which the unit of times follows.
const RATED_ROWS: usize = 500;

/// Quoted fields that are not closed, after which quotes count as text: looking for the end of each takes too long.
const MAX_UNCLOSED: u8 = 8;

/// Words that a field must have to be a remark, and that a column of remarks must have to be missed.
const MIN_REMARK: usize = 4;
const MIN_UNREAD: usize = 12;

/// Longer names of columns are cut in messages.
const MAX_HEADING: usize = 40;

/// Maximum number of fields in a row.
const MAX_FIELDS: usize = 64;

/// The columns of a table by their header.
#[derive(Debug, Clone, PartialEq)]
struct Columns {
    delimiter: u8,
    /// Byte at which the table starts.
    start_at: usize,
    has_header: bool,
    count: usize,
    text: usize,
    speaker: Option<usize>,
    start: Option<Column>,
    end: Option<Column>,
    duration: Option<Column>,
    confidence: Option<usize>,
    /// The unit of bare numbers.
    unit: Unit,
}

/// A column with times.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Column {
    place: usize,
    unit: Option<Unit>,
}

/// A field of a row.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    span: Span,
    is_quoted: bool,
}

/// Reads the rows of a table, block by block.
#[derive(Debug)]
pub(crate) struct Reader {
    columns: Columns,
    zero: Zero,
    unclosed: u8,
    /// Words in each column that is not read.
    unread: BTreeMap<usize, usize>,
    /// The names of the columns, if they have any.
    names: Vec<String>,
}

impl Reader {
    /// `None` if the text is no table whose header names the text, or whose columns show what they are.
    pub(crate) fn new(text: &str) -> Option<Self> {
        columns(text).map(Self::of)
    }

    fn of(columns: Columns) -> Self {
        Self {
            columns,
            zero: Zero::default(),
            unclosed: 0,
            unread: BTreeMap::new(),
            names: Vec::new(),
        }
    }

    /// Remarks and translations beside what was said are not read.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let name = |place: &usize| match self.names.get(*place) {
            Some(name) => format!("\"{name}\""),
            None => (place + 1).to_string(),
        };
        let prose = self
            .unread
            .iter()
            .filter(|(_, words)| **words >= MIN_UNREAD);
        let warning = |(place, words): (&usize, &usize)| {
            format!("the column {} was left out: {words} words", name(place))
        };
        prose.map(warning).collect()
    }

    /// Name of the format.
    pub(crate) fn name(&self) -> &'static str {
        self.columns.name()
    }

    /// Hands on the rows of a block, except one that is cut. Returns where the next block has to start.
    pub(crate) fn read(&mut self, block: &Block<'_>, sink: &mut dyn FnMut(Cue<'_>)) -> usize {
        let text = block.text;
        let start = self.columns.start_at.max(block.start);
        let Some(start) = Some(start - block.start).filter(|start| *start <= text.len()) else {
            return start;
        };
        let mut rows = Rows::new(text, self.columns.delimiter, start);
        rows.unclosed = self.unclosed;
        let mut row = Vec::new();
        let mut at = start;
        while at < block.wanted && rows.next(&mut row) {
            if rows.is_at_end && !block.is_last {
                break;
            }
            let is_first = block.start + at == self.columns.start_at;
            if let Some(cue) = self.cue(text, &row, is_first) {
                sink(cue);
            }
            (at, self.unclosed) = (rows.at, rows.unclosed);
        }
        block.start + at
    }

    /// Counts the words in columns that are not read, and keeps the columns' names.
    fn note(&mut self, text: &str, row: &[Cell], is_first: bool) {
        let columns = &self.columns;
        let content = |cell: &Cell| cell.span.of(text).trim();
        if columns.is_header(text, row, is_first) {
            let named = row
                .iter()
                .map(|cell| content(cell).chars().take(MAX_HEADING));
            self.names = named.map(Iterator::collect).collect();
        } else if columns.is_row(row) && !columns.is_ruler(text, row) {
            for (place, cell) in row.iter().enumerate() {
                let words = content(cell).split_whitespace().count();
                // Ids, dates and names are no remarks.
                if words >= MIN_REMARK && !columns.reads(place) {
                    *self.unread.entry(place).or_default() += words;
                }
            }
        }
    }

    fn cue<'t>(&mut self, text: &'t str, row: &[Cell], is_first: bool) -> Option<Cue<'t>> {
        self.note(text, row, is_first);
        let Self { columns, zero, .. } = self;
        let cell = |place: Option<usize>| row.get(place?).copied();
        let value = |place: Option<usize>| cell(place).map(|cell| cell.span.of(text).trim());
        if columns.is_ruler(text, row) || columns.is_header(text, row, is_first) {
            return None;
        }
        if !columns.is_row(row) {
            // Text between the tables of a Markdown file. Other tables have rows that are cut off.
            let line = row
                .iter()
                .map(|cell| cell.span)
                .reduce(|first, last| Span::from(first.start..last.end));
            let line = line.filter(|line| !line.of(text).trim().is_empty())?;
            return Some(Cue {
                text: vec![line],
                ..Cue::default()
            });
        }
        let spoken = columns
            .spoken(row)
            .filter(|cell| !cell.span.of(text).trim().is_empty())?;
        let parsed = |value: &str, column: Column| {
            Some(Time::parse(value.trim(), column.unit)?.millis(columns.unit))
        };
        let time = |column: Option<Column>| parsed(value(Some(column?.place))?, column?);
        // `0:03.2 - 0:09.2`
        let range = columns.start.and_then(|column| {
            let (start, end) = value(Some(column.place))?.split_once(" - ")?;
            Some((parsed(start, column)?, parsed(end, column)?))
        });
        let (start, end) = match range {
            Some((start, end)) => (Some(start), Some(end)),
            None => (time(columns.start), time(columns.end)),
        };
        let start = start.map(|start| zero.relative(start));
        let end = end.map(|end| zero.relative(end));
        let speaker =
            cell(columns.speaker).map(|cell| unquoted(cell.span.of(text).trim(), cell.is_quoted));
        Some(Cue {
            speaker: speaker.and_then(speaker_label),
            is_change: false,
            start,
            end: end.or_else(|| Some(start? + time(columns.duration)?)),
            confidence: value(columns.confidence)
                .and_then(|value| value.parse().ok())
                .map(percent),
            text: vec![spoken.span],
            joint: Joint::Blank,
            escapes: if spoken.is_quoted {
                Escapes::Csv
            } else {
                Escapes::None
            },
        })
    }
}

/// The columns if the text is a table whose header names the text, or whose columns show what they are.
fn columns(text: &str) -> Option<Columns> {
    let mut lines = Rows::new(text, b'\n', 0);
    let mut row = Vec::new();
    for _ in 0..MAX_PREAMBLE {
        let start = lines.at;
        if !lines.next(&mut row) {
            break;
        }
        let found = b"|\t,;".iter().find_map(|&delimiter| {
            let columns = Columns::named(text, start, delimiter)?;
            columns.fits(text).then_some(columns)
        });
        if let Some(columns) = found {
            return Some(columns.rated(text));
        }
    }
    let bare = b",;\t"
        .iter()
        .find_map(|&delimiter| Columns::bare(text, delimiter));
    bare.map(|columns| columns.rated(text))
}

impl Columns {
    /// Name of the format.
    fn name(&self) -> &'static str {
        match self.delimiter {
            b'|' => "markdown-table",
            b'\t' => "tsv",
            _ => "csv",
        }
    }

    /// Reads the header row at byte `header`.
    fn named(text: &str, header: usize, delimiter: u8) -> Option<Self> {
        let mut row = Vec::new();
        if !Rows::new(text, delimiter, header).next(&mut row) || row.len() < 2 {
            return None;
        }
        let fields: Vec<Option<Field>> =
            row.iter().map(|cell| heading(cell.span.of(text))).collect();
        if !row.iter().all(|cell| is_heading(cell.span.of(text))) {
            return None;
        }
        let column = |role: Role| {
            let named = fields
                .iter()
                .enumerate()
                .filter_map(|(place, &field)| Some((place, field?)));
            let best = named
                .filter(|(_, field)| field.role == role)
                .min_by_key(|(_, field)| field.rank)?;
            Some(Column {
                place: best.0,
                unit: best.1.unit,
            })
        };
        let place = |role| column(role).map(|column| column.place);
        // In a chat, people write from one to another; in a table of times, speech lasts from one to another.
        let from = column(Role::From);
        let (from_speaker, from_start) = if place(Role::Speaker).is_some() {
            (None, from)
        } else {
            (from, None)
        };
        let columns = Self {
            delimiter,
            start_at: header,
            has_header: true,
            count: row.len(),
            text: place(Role::Text)
                .or_else(|| place(Role::Parts))
                .or_else(|| loose_text(text, &row))?,
            speaker: place(Role::Speaker)
                .or(from_speaker.map(|column| column.place))
                .or_else(|| place(Role::Channel)),
            start: column(Role::Start).or(from_start),
            end: column(Role::End),
            duration: column(Role::Duration),
            confidence: place(Role::Confidence),
            unit: Unit::Seconds,
        };
        // Words with a comma between them are hardly a header, even if one of them names a text.
        let is_sure = columns.speaker.is_some() || columns.start.is_some() || delimiter != b',';
        (is_sure || columns.has_quotes(text)).then_some(columns)
    }

    /// Finds the columns of a table without a header: one with long texts in quotes, at most one with names that recur, and
    /// times.
    fn bare(text: &str, delimiter: u8) -> Option<Self> {
        let mut rows = Rows::new(text, delimiter, 0);
        let (mut row, mut profiles, mut count) = (Vec::new(), Vec::new(), 0);
        let mut first = Vec::new();
        while count < CHECKED_ROWS && rows.next(&mut row) {
            if let [only] = row.as_slice()
                && only.span.of(text).trim().is_empty()
            {
                continue;
            }
            let most = if delimiter == b'\t' {
                MAX_TAB_COLUMNS
            } else {
                MAX_BARE_COLUMNS
            };
            if count == 0 && (2..=most).contains(&row.len()) {
                first.clone_from(&row);
                profiles.resize_with(row.len(), Profile::default);
            }
            if row.len() != profiles.len() {
                return None;
            }
            for (profile, cell) in profiles.iter_mut().zip(&row) {
                profile.add(text, *cell);
            }
            count += 1;
        }
        let mut times = (0..profiles.len()).filter(|&place| {
            let profile = profiles.get(place);
            profile.is_some_and(|profile| profile.times == count)
        });
        let column = |place| Column { place, unit: None };
        let start = times.next().map(column);
        // ELAN writes each time twice, by the clock and in seconds.
        let time = |place: usize| {
            let cell = first.get(place)?;
            Some(Time::parse(cell.span.of(text).trim(), None)?.millis(Unit::Seconds))
        };
        let is_later = |&place: &usize| start.and_then(|start| time(start.place)) < time(place);
        let end = times.find(is_later).map(column);
        let (spoken, longest) = profiles
            .iter()
            .enumerate()
            .max_by_key(|(_, profile)| profile.bytes)?;
        let speaker = profiles
            .iter()
            .position(|profile| profile.is_of_names(count));
        // Audacity and ELAN have tabs between two times and what was said.
        let is_marked =
            longest.quoted * 2 > count || (delimiter == b'\t' && start.is_some() && end.is_some());
        let is_speech = is_marked && longest.times == 0 && longest.bytes > count * 12;
        let is_told = speaker.is_some() || start.is_some();
        (count >= 3 && is_speech && is_told && speaker != Some(spoken)).then_some(Self {
            delimiter,
            start_at: 0,
            has_header: false,
            count: profiles.len(),
            text: spoken,
            speaker,
            start,
            end,
            duration: None,
            confidence: None,
            unit: Unit::Seconds,
        })
    }

    /// Whether anything is read from the column at `place`.
    fn reads(&self, place: usize) -> bool {
        let times = [self.start, self.end, self.duration].map(|column| column.map(|it| it.place));
        let others = [Some(self.text), self.speaker, self.confidence];
        times
            .into_iter()
            .chain(others)
            .flatten()
            .any(|read| read == place)
    }

    /// Whether the text of the first row is in quotes.
    fn has_quotes(&self, text: &str) -> bool {
        let mut rows = self.rows(text);
        let mut row = Vec::new();
        rows.next(&mut row)
            && rows.next(&mut row)
            && row.get(self.text).is_some_and(|cell| cell.is_quoted)
    }

    fn rated(self, text: &str) -> Self {
        Self {
            unit: self.rate(text).unit(),
            ..self
        }
    }

    fn rows<'t>(&self, text: &'t str) -> Rows<'t> {
        Rows::new(text, self.delimiter, self.start_at)
    }

    /// Whether nine rows in ten have the columns of the header.
    fn fits(&self, text: &str) -> bool {
        let mut rows = self.rows(text);
        let mut row = Vec::new();
        let (mut good, mut all) = (0, 0);
        while all < CHECKED_ROWS && rows.next(&mut row) {
            if row.len() > 1 || !row.iter().all(|cell| cell.span.of(text).trim().is_empty()) {
                good += usize::from(self.is_row(&row));
                all += 1;
            }
        }
        let share = if self.delimiter == b'|' { 5 } else { 9 };
        // The header is one of them.
        all > 1 && good * 10 >= all * share
    }

    /// Whether a row has the columns of the header. A text in the last column may have delimiters without quotes.
    fn is_row(&self, row: &[Cell]) -> bool {
        row.len() == self.count || (row.len() > self.count && self.text + 1 == self.count)
    }

    fn is_header(&self, text: &str, row: &[Cell], is_first: bool) -> bool {
        let name = row.get(self.text).map(|cell| cell.span.of(text));
        self.has_header && row.len() == self.count && is_first
            || self.delimiter == b'|'
                && name
                    .and_then(heading)
                    .is_some_and(|field| field.role == Role::Text)
    }

    /// Whether a row is the line of dashes under a Markdown header.
    fn is_ruler(&self, text: &str, row: &[Cell]) -> bool {
        self.delimiter == b'|'
            && row.iter().all(|cell| {
                let dashes = cell.span.of(text).trim().trim_matches(':');
                dashes.len() > 1 && dashes.bytes().all(|byte| byte == b'-')
            })
    }

    /// The spoken text of a row, up to its end if that is the last column.
    fn spoken(&self, row: &[Cell]) -> Option<Cell> {
        let cell = *row.get(self.text)?;
        match row.last() {
            Some(last) if row.len() > self.count => Some(Cell {
                span: Span::from(cell.span.start..last.span.end),
                is_quoted: cell.is_quoted,
            }),
            _ => Some(cell),
        }
    }

    fn rate(&self, text: &str) -> Rate {
        let mut rate = Rate::default();
        let mut rows = self.rows(text);
        let mut row = Vec::new();
        for _ in 0..RATED_ROWS {
            if !rows.next(&mut row) {
                break;
            }
            let start = self.start.and_then(|start| row.get(start.place));
            let start = start.and_then(|cell| Time::parse(cell.span.of(text), None));
            rate.add(start, row.get(self.text).map_or(0, |cell| cell.span.len()));
        }
        rate
    }
}

/// What is in a column of a table without a header.
#[derive(Default)]
struct Profile<'t> {
    bytes: usize,
    quoted: usize,
    times: usize,
    /// Cells that may be names.
    short: usize,
    names: Vec<&'t str>,
}

impl<'t> Profile<'t> {
    fn add(&mut self, text: &'t str, cell: Cell) {
        let value = cell.span.of(text).trim();
        self.bytes += value.len();
        self.quoted += usize::from(cell.is_quoted);
        self.times += usize::from(Time::parse(value, None).is_some());
        let is_short =
            value.starts_with(char::is_alphabetic) && (is_heading(value) || shape(value).is_some());
        self.short += usize::from(is_short);
        if is_short && !self.names.contains(&value) {
            self.names.push(value);
        }
    }

    fn is_of_names(&self, rows: usize) -> bool {
        self.short == rows && self.names.len() < rows
    }
}

/// Whether a cell may be the heading of a column: a few words, and no sentence.
fn is_heading(name: &str) -> bool {
    let name = name.trim();
    name.len() <= MAX_HEADING_BYTES
        && name.split_whitespace().count() <= 5
        && ![": ", ". ", "? ", "! "]
            .iter()
            .any(|mark| name.contains(mark))
        && !name.ends_with(['?', '!'])
}

/// What a column is by its heading: `Start (ms)`, `**Speaker**`, `Speaker / role`.
fn heading(name: &str) -> Option<Field> {
    let name = name.trim();
    Field::named(name).or_else(|| {
        let (short, _) = name.split_once(['(', '[', '/'])?;
        Field::named(short)
    })
}

/// The column whose heading has a word for text in it: `Original text`, `Text (German)`.
fn loose_text(text: &str, row: &[Cell]) -> Option<usize> {
    row.iter().position(|cell| {
        let mut words = cell.span.of(text).split(|c: char| !c.is_alphanumeric());
        words.any(|word| Field::named(word).is_some_and(|field| field.role == Role::Text))
    })
}

/// The rows of a table, as cells that point into the text.
struct Rows<'t> {
    text: &'t str,
    delimiter: u8,
    at: usize,
    unclosed: u8,
    /// The end of the last row was not found: it is that of the text.
    is_at_end: bool,
}

impl<'t> Rows<'t> {
    fn new(text: &'t str, delimiter: u8, at: usize) -> Self {
        Self {
            text,
            delimiter,
            at,
            unclosed: 0,
            is_at_end: false,
        }
    }

    /// Reads the next row. `false` at the end of the text.
    fn next(&mut self, row: &mut Vec<Cell>) -> bool {
        row.clear();
        self.is_at_end = false;
        if self.at >= self.text.len() {
            return false;
        }
        let bytes = self.text.as_bytes();
        loop {
            let cell = self.cell();
            let is_last = bytes.get(self.at) != Some(&self.delimiter) || self.delimiter == b'\n';
            self.at += 1;
            if row.len() < MAX_FIELDS {
                row.push(cell);
            } else if let Some(last) = row.last_mut() {
                last.span.end = cell.span.end;
            }
            if is_last {
                break;
            }
        }
        self.is_at_end |= self.at > bytes.len();
        if self.delimiter == b'|' && row.len() > 1 {
            // The outer bars separate nothing.
            let is_empty = |cell: Option<&Cell>| {
                cell.is_some_and(|cell| cell.span.of(self.text).trim().is_empty())
            };
            if is_empty(row.last()) {
                row.pop();
            }
            if is_empty(row.first()) {
                row.remove(0);
            }
        }
        true
    }

    /// Reads a cell, up to the delimiter or newline after it.
    fn cell(&mut self) -> Cell {
        let rest = self.text.split_at(self.at).1;
        let lead = rest.len() - rest.trim_start_matches(' ').len();
        if let Some(quoted) = self.quoted(self.at + lead) {
            return quoted;
        }
        let start = self.at;
        let mut escaped = false;
        let end = rest.bytes().position(|byte| {
            let is_end = byte == b'\n' || (byte == self.delimiter && !(escaped && byte == b'|'));
            escaped = byte == b'\\';
            is_end
        });
        self.at = end.map_or(self.text.len(), |end| start + end);
        looked_at(self.at - start);
        let cell = self.text.split_at(self.at).0.split_at(start).1;
        Cell {
            span: Span::from(start..start + cell.trim_end_matches('\r').len()),
            is_quoted: false,
        }
    }

    /// Reads a quoted cell at `open`. `None` if there is none: speech may begin with a quotation.
    fn quoted(&mut self, open: usize) -> Option<Cell> {
        let bytes = self.text.as_bytes();
        let has_quotes = !matches!(self.delimiter, b'|' | b'\n') && self.unclosed < MAX_UNCLOSED;
        if !has_quotes || bytes.get(open) != Some(&b'"') {
            return None;
        }
        let mut at = open + 1;
        loop {
            let quote = bytes.get(at..)?.iter().position(|&byte| byte == b'"');
            looked_at(quote.map_or(bytes.len() - at, |quote| quote + 1));
            let Some(quote) = quote else {
                self.unclosed += 1;
                self.is_at_end = true;
                return None;
            };
            at += quote;
            if bytes.get(at + 1) != Some(&b'"') {
                break;
            }
            at += 2;
        }
        let blanks = bytes
            .get(at + 1..)?
            .iter()
            .take_while(|&&byte| matches!(byte, b' ' | b'\r'))
            .count();
        let after = at + 1 + blanks;
        if bytes
            .get(after)
            .is_some_and(|&byte| byte != self.delimiter && byte != b'\n')
        {
            return None;
        }
        self.at = after;
        Some(Cell {
            span: Span::from(open + 1..at),
            is_quoted: true,
        })
    }
}

/// The characters of a field, whose quotes are doubled if it is quoted.
fn unquoted(field: &str, is_quoted: bool) -> Cow<'_, str> {
    if is_quoted && field.contains("\"\"") {
        return field.replace("\"\"", "\"").into();
    }
    field.trim_matches('*').into()
}

#[cfg(test)]
mod tests {
    use encoding_rs::UTF_8;
    use proptest::prelude::*;

    use super::*;
    use crate::transcript::decode::SourceMap;
    use crate::transcript::format::work;

    fn read(text: &str, columns: Columns, sink: &mut dyn FnMut(Cue<'_>)) {
        let map = SourceMap::new(UTF_8, 0);
        Reader::of(columns).read(&Block::whole(text, &map), sink);
    }

    /// The rows as `start-end Speaker: text`, in milliseconds.
    fn rows(text: &str) -> Option<Vec<String>> {
        let columns = columns(text)?;
        let mut rows = Vec::new();
        read(text, columns, &mut |cue| {
            let [span] = cue.text[..] else {
                panic!("{cue:?}")
            };
            let spoken = unquoted(span.of(text), cue.escapes == Escapes::Csv);
            let time = |time: Option<i64>| time.map(|time| time.to_string()).unwrap_or_default();
            rows.push(format!(
                "{}-{} {}: {}",
                time(cue.start),
                time(cue.end),
                cue.speaker.unwrap_or_default(),
                spoken.trim()
            ));
        });
        Some(rows)
    }

    #[test]
    fn tables_are_read_by_their_header() {
        for (text, expected) in [
            (
                "start\tend\ttext\n500\t2400\tGood morning.\n3000\t5000\t\"Yes,\" she said.\n",
                &["500-2400 : Good morning.", "3000-5000 : \"Yes,\" she said."][..],
            ),
            (
                "Speaker,Start Time,Text\r\nAna,00:00:00.5,\"Good, \"\"early\"\" morning.\nAll of you.\"\r\nBen,00:00:03,Yes\r\n",
                &[
                    "500- Ana: Good, \"early\" morning.\nAll of you.",
                    "3000- Ben: Yes",
                ],
            ),
            (
                "Sprecher;Beginn (s);Ende (s);Text\nAna;0,5;2,4;Guten Morgen.\nBen;3;5;Ja; sicher.\n",
                &["500-2400 Ana: Guten Morgen.", "3000-5000 Ben: Ja; sicher."],
            ),
            (
                "sep=,\nname,message\nAna,Hi\nBen,Hello\n",
                &["- Ana: Hi", "- Ben: Hello"],
            ),
            (
                "Weekly meeting\n\nNo.,Timestamp,Locuteur,Parole,Confidence\n1,00:03,Ana,Oui.,0.9\n2,00:05,Ben,Non.,0.8\n",
                &["3000- Ana: Oui.", "5000- Ben: Non."],
            ),
            (
                "start,duration,text\n0.5,1.9,Good morning\n3.0,2,Yes\n",
                &["500-2400 : Good morning", "3000-5000 : Yes"],
            ),
            (
                "speaker,content\n0,Good\n1,Yes\n",
                &["- Speaker 0: Good", "- Speaker 1: Yes"],
            ),
            (
                "发言人,开始时间,内容\n王,00:03,你好\n李,00:05,好\n",
                &["3000- 王: 你好", "5000- 李: 好"],
            ),
            (
                "# Notes\n\n| Time | **Speaker** | Text |\n|------|:---:|---|\n| 0:03 | **Ana** | Yes \\| no |\n| 0:05 | Ben | No. |\n\nMore\n\n| Time | Speaker | Text |\n|---|---|---|\n| 0:07 | Ana | Why? |\n",
                &[
                    "3000- Ana: Yes \\| no",
                    "5000- Ben: No.",
                    "- : More",
                    "7000- Ana: Why?",
                ],
            ),
            (
                "date,from,text\n2026-01-05 10:00:00,Ana,Hi\n2026-01-05 10:00:05,Ben,Hello\n",
                &["0- Ana: Hi", "5000- Ben: Hello"],
            ),
            (
                "Ana Ruiz,\"We met, at last, in May.\"\nBen,\"Yes, \"\"we\"\" did.\"\nAna Ruiz,\"So we agree on that.\"\n",
                &[
                    "- Ana Ruiz: We met, at last, in May.",
                    "- Ben: Yes, \"we\" did.",
                    "- Ana Ruiz: So we agree on that.",
                ],
            ),
            (
                "0:03;0:05;Ana;\"Wir trafen uns; endlich.\"\n0:05;0:08;Ben;\"Ja, das war im Mai.\"\n0:08;0:11;Ana;\"Darin sind wir einig.\"\n",
                &[
                    "3000-5000 Ana: Wir trafen uns; endlich.",
                    "5000-8000 Ben: Ja, das war im Mai.",
                    "8000-11000 Ana: Darin sind wir einig.",
                ],
            ),
            (
                "0:03,Hr. Dr. Holt,\"We met, at last, in May.\"\n0:05,Ben,\"Yes, we did meet.\"\n0:08,Hr. Dr. Holt,\"So we agree on that.\"\n",
                &[
                    "3000- Hr. Dr. Holt: We met, at last, in May.",
                    "5000- Ben: Yes, we did meet.",
                    "8000- Hr. Dr. Holt: So we agree on that.",
                ],
            ),
            (
                "speaker,text\nAna,\"never closed\nBen,No\n",
                &["- Ana: \"never closed", "- Ben: No"],
            ),
        ] {
            assert_eq!(
                rows(text).as_deref(),
                Some(expected)
                    .map(|rows| rows.iter().map(ToString::to_string).collect::<Vec<_>>())
                    .as_deref(),
                "{text}"
            );
        }
    }

    #[test]
    fn other_texts_are_no_tables() {
        for text in [
            "Ana: the text, the speaker, all of it.\nBen: yes, of course.\n",
            "12.03.26, 09:18 - Dan Ode: This message was deleted\n12.03.26, 09:19 - Pia Ray: Honestly, it was late.\n12.03.26, 09:20 - Dan Ode: Well, yes.\n",
            "Format: Layer, Start, End, Style, Name, Text\nDialogue: 0,0:00:01.00,0:00:02.00,Default,Ana,We met.\nDialogue: 0,0:00:02.00,0:00:03.00,Default,Ben,Yes.\n",
            "Once more, the message\nWe met, on a Monday\nand left, on a Friday\n",
            "\"We met,\" she said, \"in May.\"\n\"Yes,\" he said, \"we did.\"\n\"So,\" she said, \"we agree.\"\n",
            "Speaker, text and time\nwere all that we had.\nReally.\n",
            "name,value\na,1\nb,2\n",
            "text\none\ntwo\n",
            "speaker,text\n",
            "",
            "\n\n\n",
            "Name | Text\nThis is a sentence\nand one more\nand another\n",
        ] {
            assert_eq!(rows(text), None, "{text}");
        }
    }

    #[test]
    fn quotes_that_are_not_closed_take_linear_time() {
        for row in [
            "a,\"b\n",
            "a,\"\"b\n",
            "\"\"\"\n\"\",",
            "\"",
            ",",
            "\n",
            "|",
            "a,\"\"\"\"\"\"\"\n",
        ] {
            let work = |times| {
                let text = format!("speaker,text\nx,y\nx,y\n{}", row.repeat(times));
                let columns = Columns::named(&text, 0, b',').unwrap();
                let read = || {
                    let _rows = rows(&text);
                    read(&text, columns, &mut |_| {});
                };
                work(read)
            };
            let (small, large) = (work(1 << 8), work(1 << 11));
            assert!(large <= small * 10, "{row}: {small} bytes, then {large}");
        }
    }

    proptest! {
        #[test]
        fn no_table_makes_it_panic(rest in "([a-zé0-9:., \"|;\t\r-]|\"\"|\n){0,200}", delimiter in 0..4_usize) {
            let delimiter = ["|", "\t", ",", ";"][delimiter];
            let text = format!("speaker{delimiter}start{delimiter}text\n{rest}");
            let columns = Columns::named(&text, 0, delimiter.as_bytes()[0]).unwrap();
            let mut last = 0;
            read(&text, columns, &mut |cue| {
                for span in &cue.text {
                    assert!(span.start >= last && text.get(span.start..span.end).is_some());
                    last = span.end;
                }
            });
            let _rows = rows(&text);
        }
    }
}
