//! Reads the head of a line: time stamps and what may be a speaker label, in any order and with any separators.
//!
//! A head is built from few parts: marks (`>> `, `- `, `**`), time stamps, a label, and a separator after it. Tools differ in
//! the order of the parts and in the separator, so the reader takes the parts as they come and says which [`Separator`] it
//! found. Whether the label is a speaker depends on the whole text.

use crate::text::Span;

use super::name::{self, Shape, is_blank, is_edge, is_invisible};
use super::stamp::{self, Stamp};

/// A head is read from the first bytes of a line. Longer ones do not occur.
const WINDOW: usize = 320;

/// A longer line that starts with a small letter is no name.
const LOWER_CASE_BYTES: usize = 24;

/// What stands between a label and the spoken text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    /// `Name: text`.
    Colon,
    /// `Name:text`.
    TightColon,
    /// `<v Name>text`.
    Voice,
    /// `Q. text`.
    Question,
    /// `NAME. text`, as in plays.
    Stop,
    /// `Mr. NAME. text`, `Name. – text`, `○Name　text`, as in parliaments.
    Address,
    /// `Name 0:12`, with the text on the next line.
    Clock,
    /// `Name` or `Name - Title`, with the text on the next line.
    Line,
    /// `Name – text`.
    Dash,
    /// `Name> text`, `<Name> text`.
    Angle,
    /// `[Name] text`, `(Name) text`, `**Name** text`.
    Bracket,
    /// `Name | text`, `Name     text`, `spk_0 text`, `[0:12] AH text`.
    Column,
    /// `Name: text` or `Name 0:12 text` in the middle of a line.
    Inline,
}

impl Separator {
    pub(super) const ALL: [Self; 13] = [
        Self::Colon,
        Self::TightColon,
        Self::Voice,
        Self::Question,
        Self::Stop,
        Self::Address,
        Self::Clock,
        Self::Line,
        Self::Dash,
        Self::Angle,
        Self::Bracket,
        Self::Column,
        Self::Inline,
    ];
}

/// The head of a line. All offsets are relative to the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Where the spoken text starts.
    pub(super) body: usize,
    /// Where it would start without the label: after the time stamps at the start of the line.
    pub(super) after_stamps: usize,
    pub(super) stamp: Option<Stamp>,
    pub(super) label: Option<Label>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) span: Span,
    pub(super) shape: Shape,
    pub(super) separator: Separator,
    /// The head can be kept as it is: `Name: `, `[time] Name: `, `time Name: ` or `Name (time): `.
    pub(super) is_regular: bool,
}

/// Whether a line has no head, as most lines of speech. One look at its bytes tells: it has only words, single blanks and
/// marks of sentences, and does not look like a name on a line of its own. `false` says nothing.
pub(super) fn is_prose(line: &str) -> bool {
    let bytes = line.as_bytes();
    let Some([first, second, third]) = bytes.first_chunk() else {
        return false;
    };
    // A label in capitals ends in a full stop, and one with a form of address does.
    let may_be_stop = first.is_ascii_uppercase()
        && (!(second.is_ascii_lowercase() || third.is_ascii_lowercase())
            || name::may_be_address(line));
    let is_dialogue = first.is_ascii_punctuation() || *first == b' ';
    let mut before = b' ';
    let is_plain = bytes.iter().take(WINDOW).all(|&byte| {
        let is_word = match byte {
            b' ' => before != b' ' && before != b'-',
            b'-' | b'.' => before != b'.' && before != b' ',
            // Latin and Cyrillic letters, and what follows their first byte.
            0x80..=0xbf | 0xc3..=0xc5 | 0xd0..=0xd1 => true,
            _ => {
                byte.is_ascii_alphabetic()
                    || matches!(byte, b',' | b'\'' | b'?' | b'!' | b';' | b'"')
            }
        };
        before = byte;
        is_word
    });
    if may_be_stop || is_dialogue || !is_plain {
        return false;
    }
    let ends_in_word = || {
        let word = line.trim_end_matches('.').rsplit(' ').next();
        word.is_some_and(|word| !name::is_abbreviation(word, true))
    };
    bytes.len() > WINDOW
        || line.ends_with(['?', '!', ',', ';'])
        || (line.ends_with('.') && ends_in_word())
        || (bytes.len() > LOWER_CASE_BYTES && line.starts_with(char::is_lowercase))
}

/// Reads the head of a line. `None` if it has neither label nor time stamp.
pub(super) fn read(line: &str) -> Option<Found> {
    usual(line).or_else(|| in_any_shape(line))
}

/// The head of most lines: `Name: Text`, with a name of capitalized words and a letter after the blank. No time stamp, mark or
/// other separator can be in it, so none is looked for.
pub(super) fn usual(line: &str) -> Option<Found> {
    let end = line
        .bytes()
        .take(name::MAX_BYTES)
        .position(|byte| byte == b':')?;
    let (name, after) = line.split_at(end);
    let said = after.strip_prefix(": ")?;
    let is_usual = said.starts_with(|c: char| c.is_ascii_alphabetic())
        && name::is_simple(name)
        && !name.starts_with("From ")
        && !name.eq_ignore_ascii_case("speaker")
        && !stamp::may_start(line)
        && !stamp::may_start(said);
    is_usual.then_some(Found {
        body: end + 2,
        after_stamps: 0,
        stamp: None,
        label: Some(Label {
            span: Span::from(0..end),
            shape: Shape::Strict,
            separator: Separator::Colon,
            is_regular: true,
        }),
    })
}

pub(super) fn in_any_shape(line: &str) -> Option<Found> {
    let mut text = Text::start_of(line);
    let lead = text.after_number(text.skip(0, is_lead));
    // The mark before the time of a recognizer is no heading.
    let lead = lead
        - usize::from(
            text.window.split_at(lead).0.ends_with('#')
                && stamp::read(text.rest(lead - 1)).is_some(),
        );
    let (stamp, after_stamps) = text.stamps(lead);
    let mut head = Found {
        body: after_stamps,
        after_stamps,
        stamp,
        label: None,
    };
    let mut at = text.skip(after_stamps, is_separator);
    text.is_chat = text.rest(at).starts_with("From ");
    if text.is_chat {
        at = text.skip(at + "From ".len(), is_blank);
    }
    // A short line after the mark of a change is speech.
    let is_change = stamp.is_none() && text.window.trim_start().starts_with(">>");
    let label = text.label(at, stamp.is_some());
    if let Some(found) = label.filter(|found| !is_change || found.separator != Separator::Line) {
        let found = text.time_after_colon(found, stamp.is_some());
        let is_plain_stamp = found.stamp.or(stamp).is_none_or(|stamp| stamp.is_simple);
        let between = text.window.as_bytes().get(after_stamps..found.span.start);
        let is_next = match between {
            Some([b' ']) => stamp.is_some(),
            Some([]) | None => stamp.is_none(),
            _ => false,
        };
        head.stamp = stamp.or(found.stamp);
        head.body = found.body;
        head.label = Some(Label {
            span: found.span,
            shape: found.shape,
            separator: found.separator,
            is_regular: found.is_regular && is_plain_stamp && !text.is_chat && lead == 0 && is_next,
        });
        return Some(head);
    }
    let after = text.rest(after_stamps);
    // An arrow that no time follows was said by somebody.
    let is_said =
        stamp.is_some_and(|stamp| !stamp.is_bracketed) && after.trim_start().starts_with("-->");
    head.body = text.skip(after_stamps, |c| {
        is_blank(c) || matches!(c, '-' | '–' | '—' | '|' | ':' | '*' | '_')
    });
    if is_change {
        head.body = lead;
    }
    ((stamp.is_some() && !is_said) || is_change).then_some(head)
}

/// Characters that may precede a time stamp or label.
fn is_lead(c: char) -> bool {
    is_edge(c)
        || matches!(
            c,
            '>' | '-' | '•' | '·' | '–' | '—' | '#' | '\'' | '\u{fffd}'
        )
}

/// Characters between a separator and the spoken text. A quotation mark belongs to the text.
fn is_mark(c: char) -> bool {
    is_blank(c) || matches!(c, '*' | '_' | '`')
}

/// Characters that may stand between a time stamp and a label.
fn is_separator(c: char) -> bool {
    is_edge(c) || matches!(c, '-' | '–' | '—' | '|' | ':' | ',' | '>' | '·' | '•' | ']')
}

/// A label that was found, with its surroundings.
struct Labelled {
    span: Span,
    shape: Shape,
    stamp: Option<Stamp>,
    body: usize,
    separator: Separator,
    is_regular: bool,
}

/// The first separator of each kind in a line: the span from the end of the label to the start of what follows.
#[derive(Default)]
struct Separators {
    colon: Option<Span>,
    tight_colon: Option<Span>,
    column: Option<Span>,
    dash: Option<Span>,
    angle: Option<Span>,
    stop: Option<Span>,
    /// A full stop and a dash.
    address: Option<Span>,
    quote: Option<Span>,
}

#[derive(Clone, Copy)]
struct Text<'t> {
    window: &'t str,
    /// The window is the whole line.
    is_whole: bool,
    /// `From` stands before the label.
    is_chat: bool,
}

impl<'t> Text<'t> {
    fn start_of(line: &'t str) -> Self {
        Self {
            window: line.split_at(line.floor_char_boundary(WINDOW)).0,
            is_whole: line.len() <= WINDOW,
            is_chat: false,
        }
    }

    fn rest(&self, at: usize) -> &'t str {
        self.window.get(at..).unwrap_or_default()
    }

    fn skip(&self, at: usize, skipped: impl Fn(char) -> bool) -> usize {
        let rest = self.rest(at);
        at + rest.len() - rest.trim_start_matches(skipped).len()
    }

    /// The offset after the number of a turn: `12. Name: text`, `#12 Name: text`.
    fn after_number(&self, at: usize) -> usize {
        let end = self.skip(at, |c| c.is_ascii_digit());
        let is_marked = self.window.split_at(at).0.ends_with('#');
        let has_stop = self.rest(end).starts_with(['.', ')']);
        let after = end + usize::from(has_stop);
        let is_number = (1..=4).contains(&(end - at))
            // A tape counter has zeros before it.
            && (is_marked || has_stop || self.rest(at).starts_with('0') && end - at > 2)
            && self.rest(after).starts_with([' ', '\t']);
        if is_number {
            self.skip(after, is_lead)
        } else {
            at
        }
    }

    /// Reads time stamps from `at` and returns the last one and the offset after it. What follows one in brackets without any is
    /// said: `[0:12] 10:15 is fine`.
    fn stamps(&self, at: usize) -> (Option<Stamp>, usize) {
        self.stamps_that(at, &|_, _| true)
    }

    /// The same in a column of its own. Otherwise somebody says when: `Name⇥10:15 is fine`.
    fn stamps_in_column(&self, at: usize) -> (Option<Stamp>, usize) {
        self.stamps_that(at, &|stamp, rest| {
            let ends = rest.is_empty() || rest.starts_with("  ");
            stamp.is_bracketed || ends || rest.trim_start_matches(' ').starts_with(['\t', '|', '-'])
        })
    }

    /// Reads time stamps as long as `is_one`, which is also told what follows.
    fn stamps_that(
        &self,
        mut at: usize,
        is_one: &dyn Fn(&Stamp, &str) -> bool,
    ) -> (Option<Stamp>, usize) {
        let (mut last, mut end) = (None::<Stamp>, at);
        while let Some(stamp) = stamp::read(self.rest(at)) {
            let is_said = last.is_some_and(|last| last.is_bracketed && !stamp.is_bracketed);
            if is_said || !is_one(&stamp, self.rest(at + stamp.end)) {
                break;
            }
            last = Some(Stamp {
                written: Span::from(at + stamp.written.start..at + stamp.written.end),
                ..stamp
            });
            end = at + stamp.end;
            at = self.skip(end, |c| is_blank(c) || matches!(c, '-' | '|'));
        }
        (last, end)
    }

    /// A time stamp may stand after the colon: `Name: [0:12] text`, or `Name: 0:12` with the text on the next line.
    fn time_after_colon(&self, found: Labelled, has_stamp: bool) -> Labelled {
        if has_stamp || found.stamp.is_some() || found.separator != Separator::Colon {
            return found;
        }
        let (stamp, end) = self.stamps(found.body);
        let body = self.skip(end, is_mark);
        let is_line = self.is_whole && body == self.window.len();
        match stamp.filter(|stamp| stamp.is_bracketed || is_line) {
            Some(_) => Labelled {
                stamp,
                body,
                is_regular: false,
                ..found
            },
            None => found,
        }
    }

    /// Reads a label at `at`.
    fn label(&self, at: usize, has_stamp: bool) -> Option<Labelled> {
        let rest = self.rest(at);
        match rest.chars().next()? {
            '<' => self.in_angles(at),
            '[' | '【' | '(' => self
                .in_brackets(at)
                .or_else(|| self.separated(at, has_stamp)),
            '○' | '◯' => self.after_circle(at),
            _ => self
                .separated(at, has_stamp)
                .or_else(|| self.marked(at, has_stamp)),
        }
    }

    /// `○Name　text`, as the Diet of Japan writes it.
    fn after_circle(&self, at: usize) -> Option<Labelled> {
        let start = at + '○'.len_utf8();
        let end = start + self.rest(start).find('\u{3000}')?;
        self.plain(
            Span::from(start..end),
            Separator::Address,
            self.skip(end, is_blank),
        )
    }

    /// A label that only stars or capitals tell from the text: `**Name** text`, `[0:12] AH Text`.
    fn marked(&self, at: usize, has_stamp: bool) -> Option<Labelled> {
        let rest = self.rest(at);
        let is_bold = self.window.split_at(at).0.ends_with("**");
        let (label, text) = match is_bold {
            true => rest.split_once("**")?,
            false => rest.split_once(' ').filter(|_| has_stamp)?,
        };
        let end = at + label.len();
        let mut said = text.trim_start().chars();
        let is_initials = (2..=3).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_uppercase())
            && said.next().is_some_and(char::is_uppercase)
            // In a text in capitals it is a word.
            && said.next().is_some_and(|c| !c.is_uppercase());
        let separator = match (is_bold, is_initials) {
            (true, _) => Separator::Bracket,
            (false, true) => Separator::Column,
            (false, false) => return None,
        };
        self.plain(Span::from(at..end), separator, self.skip(end, is_mark))
    }

    /// `<v Name>text`, `<Name> text`.
    fn in_angles(&self, at: usize) -> Option<Labelled> {
        let (inner, _) = self.rest(at + 1).split_once('>')?;
        let voice = inner.strip_prefix('v').and_then(|voice| {
            let classes = voice.find([' ', '\t'])?;
            let is_tag = classes == 0 || voice.starts_with('.');
            is_tag.then_some(voice.split_at(classes).1)
        });
        let name = voice.unwrap_or(inner);
        let end = at + 1 + inner.len();
        let span = self.trim(Span::from(end - name.len()..end));
        // The format says that this is a name, whatever it looks like.
        let shape = match voice {
            Some(_) if span.len() <= name::MAX_BYTES && span.len() > 0 => Shape::Strict,
            _ => name::shape(span.of(self.window))?,
        };
        let body = self.skip(end + 1, |c| is_blank(c) || c == ':');
        let separator = if voice.is_some() {
            Separator::Voice
        } else {
            Separator::Angle
        };
        Some(self.labelled(span, shape, body, separator))
    }

    /// `[Name] 09:00:03`, `[Name]: text`, `[Name] text`.
    fn in_brackets(&self, at: usize) -> Option<Labelled> {
        let rest = self.rest(at);
        let (open, close) = match rest.chars().next()? {
            '[' => ('[', ']'),
            '(' => ('(', ')'),
            _ => ('【', '】'),
        };
        let end = at + rest.find(close)?;
        let span = self.trim(Span::from(at + open.len_utf8()..end));
        let shape = name::shape(span.of(self.window))?;
        // `(555) 123-4567`, `(Laughs)`.
        if open == '(' && (shape == Shape::Loose || name::is_other(span.of(self.window))) {
            return None;
        }
        let after = self.skip(end + close.len_utf8(), is_edge);
        let (stamp, after_stamp) = self.stamps(after);
        let after = if stamp.is_some() {
            self.skip(after_stamp, is_edge)
        } else {
            after
        };
        let (body, separator) = match self.rest(after).chars().next() {
            Some(colon @ (':' | '：')) => (after + colon.len_utf8(), Separator::Colon),
            _ if stamp.is_some() => (after, Separator::Clock),
            None => (after, Separator::Line),
            Some(_) => (after, Separator::Bracket),
        };
        // Round brackets are common around everything else.
        if open == '(' && separator != Separator::Bracket {
            return None;
        }
        let body = self.skip(body, is_mark);
        Some(Labelled {
            stamp,
            ..self.labelled(span, shape, body, separator)
        })
    }

    fn separated(&self, at: usize, has_stamp: bool) -> Option<Labelled> {
        let found = self.separators(at);
        let dashed = |end: usize| found.dash.filter(|dash| dash.start < end);
        if let Some(colon) = found.colon {
            let label = Span::from(at..colon.start);
            if let Some(id) = self.speaker_field(label, colon.end) {
                return Some(id);
            }
            let labelled = self.timed(label, Separator::Colon, colon.end).or_else(|| {
                let dash = dashed(colon.start)?;
                let title = self.trim(Span::from(dash.end..colon.start)).of(self.window);
                if !name::is_title(title) || name::is_other(title) {
                    return None;
                }
                self.timed(Span::from(at..dash.start), Separator::Colon, colon.end)
            });
            if let Some(labelled) = labelled {
                return Some(labelled);
            }
        }
        let line = Span::from(at..self.window.len());
        if let Some(quote) = found.quote {
            return self.plain(
                Span::from(at..quote.start),
                Separator::TightColon,
                quote.end,
            );
        }
        if self.is_whole
            && let Some((name, stamp)) = self.split_time(line)
            && let Some(labelled) = self
                .plain(name, Separator::Clock, line.end)
                .or_else(|| self.with_company(name, dashed(name.end)?, line.end))
        {
            return Some(Labelled {
                stamp: Some(stamp),
                ..labelled
            });
        }
        let question = self.question(at, has_stamp);
        if question.is_some() {
            return question;
        }
        if let Some(address) = found.address
            && let Some(labelled) = self.plain(
                Span::from(at..address.start),
                Separator::Address,
                address.end,
            )
        {
            return Some(labelled);
        }
        // `Mr. J. Hall - text`
        let goes_on = |stop: Span| {
            let dash = dashed(self.window.len()).filter(|dash| dash.start > stop.start);
            name::is_abbreviated(Span::from(at..stop.start).of(self.window))
                && dash.is_some_and(|dash| {
                    let label = self.trim(Span::from(at..dash.start));
                    name::shape(label.of(self.window)).is_some()
                })
        };
        if let Some(stop) = found.stop
            && !goes_on(stop)
            && let label = Span::from(at..stop.start)
            && let text = label.of(self.window)
            && let Some(separator) = match (name::is_address(text), name::is_capitals(text)) {
                (true, _) => Some(Separator::Address),
                (false, true) => Some(Separator::Stop),
                (false, false) => None,
            }
            && let Some(labelled) = self.plain(label, separator, stop.end)
        {
            return Some(labelled);
        }
        if let Some(column) = found.column
            && let Some(mut labelled) =
                self.plain(Span::from(at..column.start), Separator::Column, column.end)
        {
            let (stamp, end) = self.stamps_in_column(column.end);
            if stamp.is_some() {
                labelled.stamp = stamp;
                labelled.body = self.skip(end, is_separator);
            }
            return Some(labelled);
        }
        if let Some(dash) = found.dash
            && let Some(labelled) =
                self.plain(Span::from(at..dash.start), Separator::Dash, dash.end)
        {
            let title = self.rest(dash.end);
            if self.is_whole && name::is_title(title) {
                return Some(Labelled {
                    body: self.window.len(),
                    separator: Separator::Line,
                    ..labelled
                });
            }
            return Some(labelled);
        }
        if let Some(angle) = found.angle {
            let labelled = self.plain(Span::from(at..angle.start), Separator::Angle, angle.end);
            if labelled.is_some() {
                return labelled;
            }
        }
        if let Some(colon) = found.tight_colon {
            let labelled = self.plain(
                Span::from(at..colon.start),
                Separator::TightColon,
                colon.end,
            );
            if labelled.is_some() {
                return labelled;
            }
        }
        let is_lower =
            self.rest(at).starts_with(char::is_lowercase) && line.len() > LOWER_CASE_BYTES;
        if self.is_whole
            && !is_lower
            && line.len() <= name::MAX_BYTES
            && !self.window.trim_end().ends_with(['?', '!', ',', ';'])
        {
            // `0:12 - Name (Company)`.
            let (name, role) = name::split_role(line.of(self.window));
            let label = match role {
                Some(role) if has_stamp && name::is_title(role) => Span::from(at..at + name.len()),
                _ => line,
            };
            let labelled = self.plain(label, Separator::Line, line.end);
            if labelled.is_some() {
                return labelled;
            }
        }
        // A label of a recognizer, such as `spk_0`, needs no separator.
        let first = self.rest(at).split(is_blank).next().unwrap_or_default();
        let is_id = first.rsplit_once('_').is_some_and(|(name, number)| {
            name.bytes().all(|byte| byte.is_ascii_alphabetic())
                && number.bytes().all(|byte| byte.is_ascii_digit())
        });
        let end = at + first.len();
        is_id
            .then(|| self.plain(Span::from(at..end), Separator::Column, end))
            .flatten()
    }

    /// `SPEAKER: S1`, with the text on the next line.
    fn speaker_field(&self, label: Span, value: usize) -> Option<Labelled> {
        let rest = self.rest(value).trim_end_matches(is_blank);
        let is_id = rest == "UU"
            || (rest.starts_with(char::is_alphabetic)
                && rest.ends_with(|c: char| c.is_ascii_digit())
                && rest
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
        let is_field = is_id
            && self.is_whole
            && self
                .trim(label)
                .of(self.window)
                .eq_ignore_ascii_case("speaker");
        is_field
            .then(|| {
                self.plain(
                    Span::from(value..value + rest.len()),
                    Separator::Colon,
                    self.window.len(),
                )
            })
            .flatten()
    }

    /// `Name - Company` before a time on a line of its own.
    fn with_company(&self, label: Span, dash: Span, body: usize) -> Option<Labelled> {
        let name = self.trim(Span::from(label.start..dash.start));
        let company = self.trim(Span::from(dash.end..label.end)).of(self.window);
        (name::is_full(name.of(self.window)) && name::is_full(company))
            .then(|| self.labelled(label, Shape::Strict, body, Separator::Clock))
    }

    /// `Q. text` and `A. text` of a court reporter. Without the full stop it takes a gap.
    fn question(&self, at: usize, has_stamp: bool) -> Option<Labelled> {
        let rest = self.rest(at);
        let after = rest.strip_prefix(['Q', 'A'])?;
        let text = after.strip_prefix('.').unwrap_or(after);
        let blanks = text.len() - text.trim_start_matches([' ', '\t']).len();
        let has_gap = text.starts_with('\t') || blanks > 1;
        let is_question =
            blanks > 0 && (has_gap || text.len() < after.len()) || (text.is_empty() && has_stamp);
        let body = self.skip(self.window.len() - text.len(), is_blank);
        is_question.then(|| {
            self.labelled(
                Span::from(at..at + 1),
                Shape::Strict,
                body,
                Separator::Question,
            )
        })
    }

    /// Finds the separators after a label at `at`. Stops where no label can go on.
    fn separators(&self, at: usize) -> Separators {
        let mut found = Separators::default();
        let (mut depth, mut words) = (0_usize, 0);
        let bytes = self.window.as_bytes();
        let limit = name::MAX_BYTES + 2 * WINDOW / 10;
        for (here, &byte) in bytes.iter().enumerate().skip(at).take(limit) {
            let next = bytes.get(here + 1).copied();
            let follows = |from: usize| self.body(from);
            match byte {
                b'(' | b'[' | b'<' if here > at => depth += 1,
                b')' | b']' | b'>' if depth > 0 => depth -= 1,
                0xef if self.rest(here).starts_with('（') => depth += 1,
                0xef if depth > 0 && self.rest(here).starts_with('）') => depth -= 1,
                _ if depth > 0 => {}
                b'?' | b'!' | b';' => break,
                b':' => {
                    let after = self.rest(here + 1).chars().next();
                    let is_time = next.is_some_and(|next| next.is_ascii_digit())
                        && here > at
                        && bytes.get(here - 1).is_some_and(u8::is_ascii_digit);
                    if after.is_none_or(|c| is_blank(c) || matches!(c, '*' | '_' | '\\'))
                        || self.rest(here + 1).starts_with("'''")
                    {
                        found.colon = Some(Span::from(here..follows(here + 1)));
                        break;
                    }
                    if next == Some(b'/') {
                        break;
                    }
                    if !is_time && found.tight_colon.is_none() {
                        found.tight_colon = Some(Span::from(here..here + 1));
                    }
                }
                0xef if self.rest(here).starts_with('：') => {
                    found.colon = Some(Span::from(here..follows(here + '：'.len_utf8())));
                    break;
                }
                // `Name.- text`, as parliaments write it.
                b'.' if matches!(next, Some(b'-' | 0xe2))
                    && [".- ", ".– ", ".— "]
                        .iter()
                        .any(|dash| self.rest(here).starts_with(dash)) =>
                {
                    found.colon = Some(Span::from(here..self.skip(here + 1, is_separator)));
                    break;
                }
                b'.' if next == Some(b' ')
                    && [" – ", " — "]
                        .iter()
                        .any(|dash| self.rest(here + 1).starts_with(dash))
                    && !self.ends_in_suffix(at, here) =>
                {
                    found.address = Some(Span::from(here..self.skip(here + 1, is_separator)));
                    break;
                }
                b'.' if next == Some(b' ')
                    && !name::is_address_only(self.window.get(at..here).unwrap_or_default()) =>
                {
                    found
                        .stop
                        .get_or_insert(Span::from(here..follows(here + 1)));
                }
                0xe3 if self.rest(here).starts_with('「') => {
                    found.quote = Some(Span::from(here..here));
                    break;
                }
                b'\t' | b'|' => {
                    let end = self.skip(here, is_separator);
                    found.column.get_or_insert(Span::from(here..end));
                }
                b'>' => {
                    found
                        .angle
                        .get_or_insert(Span::from(here..follows(here + 1)));
                }
                b' ' => {
                    words += 1;
                    if words > 16 {
                        break;
                    }
                    let rest = self.rest(here + 1);
                    if matches!(next, Some(b'[' | b'(')) && stamp::read(rest).is_some() {
                        found.column.get_or_insert(Span::from(here..here + 1));
                    }
                    let may_be_dash = matches!(next, Some(b'-' | 0xe2));
                    let dash = ["-- ", "- ", "– ", "— "]
                        .into_iter()
                        .find(|dash| may_be_dash && rest.starts_with(dash));
                    if let Some(dash) = dash {
                        found
                            .dash
                            .get_or_insert(Span::from(here..follows(here + 1 + dash.len())));
                    } else if next == Some(b' ') {
                        let end = follows(here);
                        if !self.rest(end).starts_with([':', '|', '-', '–', '—'])
                            && end < self.window.len()
                        {
                            found.column.get_or_insert(Span::from(here..end));
                        }
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// Whether the full stop at `end` belongs to the end of a name: `Ada Holt, M.D. – text`, but not `M. H. – text`.
    fn ends_in_suffix(&self, at: usize, end: usize) -> bool {
        let label = self.window.get(at..end).unwrap_or_default().trim_start();
        let last = label.rsplit_once(is_blank).map(|(_, last)| last);
        last.is_some_and(|last| last.chars().nth(1).is_some() || !name::is_address(label))
            && name::is_abbreviated(label)
    }

    /// A label that may end in a time stamp: `Name (00:12)`, `Name - 0:12`, `Name, [03.12.24 09:00]`.
    fn timed(&self, label: Span, separator: Separator, body: usize) -> Option<Labelled> {
        let Some((name, stamp)) = self.split_time(label) else {
            return self.plain(label, separator, body);
        };
        let labelled = self.plain(name, separator, body)?;
        Some(Labelled {
            stamp: Some(stamp),
            is_regular: labelled.is_regular && stamp.is_bracketed,
            ..labelled
        })
    }

    /// Splits the time stamp from the end of a label.
    fn split_time(&self, label: Span) -> Option<(Span, Stamp)> {
        let label = self.trim(label);
        let text = label.of(self.window);
        let may_end_in_time =
            text.ends_with(|c: char| c.is_ascii_digit() || ")]}）sSmMZ.r\"″'’′".contains(c));
        if !may_end_in_time
            || text.len() > 2 * name::MAX_BYTES
            || !text.bytes().any(|byte| byte.is_ascii_digit())
        {
            return None;
        }
        let is_bracket = |c| matches!(c, '(' | '（' | '[');
        let ends = text
            .char_indices()
            .filter(|&(_, c)| is_blank(c) || c == '|' || is_bracket(c));
        let starts = ends.map(|(at, c)| if is_bracket(c) { at } else { at + c.len_utf8() });
        let mut starts = starts.filter(|&at| at > 0);
        starts.find_map(|at| {
            let at =
                at + text.split_at(at).1.len() - text.split_at(at).1.trim_start_matches('`').len();
            let (name, time) = text.split_at(at);
            let stamp = stamp::read(time).filter(|stamp| stamp.end == time.len())?;
            let is_between =
                |c| is_edge(c) || matches!(c, '-' | '–' | '—' | '|' | ',' | '·' | '•' | '/');
            let name = name.trim_end_matches(is_between);
            let name = [
                " sent the following message at",
                " sent the following messages at",
            ]
            .into_iter()
            .find_map(|sent| name.strip_suffix(sent))
            .unwrap_or(name);
            let name = Span::from(label.start..label.start + name.len());
            let start = label.start + at;
            let written = Span::from(start + stamp.written.start..start + stamp.written.end);
            Some((name, Stamp { written, ..stamp }))
        })
    }

    /// A label without a time stamp.
    fn plain(&self, label: Span, separator: Separator, body: usize) -> Option<Labelled> {
        let span = self.trim(label);
        // Chats name the recipient too.
        let text = span.of(self.window);
        let recipient = if self.is_chat {
            text.find(" to ")
        } else {
            None
        };
        let span = recipient.map_or(span, |at| {
            self.trim(Span::from(span.start..span.start + at))
        });
        // `Name <name@example.org>`.
        let text = span.of(self.window);
        let has_address = text.ends_with('>');
        let address = has_address.then(|| text.rfind(" <")).flatten();
        let span = address.map_or(span, |at| Span::from(span.start..span.start + at));
        let text = span.of(self.window);
        // Numbers may stand for speakers.
        let is_number = separator == Separator::Colon
            && (1..=2).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit());
        let shape = if is_number {
            Shape::Loose
        } else {
            name::shape(text)?
        };
        if shape == Shape::Loose && separator == Separator::Line {
            return None;
        }
        Some(self.labelled(span, shape, body, separator))
    }

    fn labelled(&self, span: Span, shape: Shape, body: usize, separator: Separator) -> Labelled {
        let between = self.window.get(span.end..body).unwrap_or_default();
        let is_plain = between == ": "
            || ([" (", " ["].iter().any(|open| between.starts_with(open))
                && between.ends_with(": "));
        let is_regular = separator == Separator::Colon && is_plain;
        Labelled {
            span,
            shape,
            stamp: None,
            body,
            separator,
            is_regular,
        }
    }

    /// Where the spoken text starts, after the marks that follow a separator at `from`.
    fn body(&self, from: usize) -> usize {
        let from = from
            + if self.rest(from).starts_with("'''") {
                3
            } else {
                0
            };
        let at = self.skip(from, is_mark);
        match self.rest(at) {
            // A line break in Markdown.
            "\\" => at + 1,
            rest if rest.starts_with("– ") || rest.starts_with("— ") => {
                self.skip(at + '–'.len_utf8(), is_mark)
            }
            _ => at,
        }
    }

    fn trim(&self, span: Span) -> Span {
        let text = span.of(self.window);
        let after = text.trim_start_matches(is_edge);
        let start = span.start + text.len() - after.len();
        let inner = after.trim_end_matches(is_edge);
        let inner = inner.strip_suffix("'''").unwrap_or(inner);
        let quoted = inner.strip_prefix("'''").unwrap_or(inner);
        let start = start + inner.len() - quoted.len();
        Span::from(start..start + quoted.len())
    }
}

/// `Name 0:12 text` in the middle of a line.
pub(super) fn before_time(text: &str) -> Option<Found> {
    let text = Text::start_of(text);
    let words = text
        .window
        .match_indices(' ')
        .take(name::MAX_WORDS as usize);
    let starts = words.map(|(at, _)| text.skip(at, |c| c == ' '));
    let (at, stamp) = starts
        .filter(|&at| {
            text.rest(at)
                .starts_with(|c: char| c.is_ascii_digit() || c == '(')
        })
        .find_map(|at| Some((at, stamp::read(text.rest(at))?)))?;
    let body = text.skip(at + stamp.end, is_blank);
    let label = text.trim(Span::from(0..at));
    let is_head = name::is_full(label.of(text.window))
        && text.rest(body).starts_with(char::is_uppercase)
        && text.rest(at).split_at(stamp.end).0.contains(':');
    is_head.then_some(Found {
        body,
        after_stamps: 0,
        stamp: Some(stamp),
        label: Some(Label {
            span: label,
            shape: Shape::Strict,
            separator: Separator::Colon,
            is_regular: false,
        }),
    })
}

/// The offset after the time stamps at the start of a line, where the spoken text starts. `None` if there are none.
pub(super) fn after_stamps(line: &str) -> Option<usize> {
    let text = Text::start_of(line);
    let (stamp, end) = text.stamps(text.skip(0, is_lead));
    stamp?;
    Some(text.skip(end, |c| {
        is_blank(c) || is_invisible(c) || matches!(c, '-' | '–' | '—' | '|' | ':' | '*' | '_')
    }))
}

/// The time at the start of a text, without brackets and with padded minutes: its milliseconds and the offset after it.
pub(super) fn bare_time(text: &str) -> Option<(i32, usize)> {
    let padded = text.as_bytes().first_chunk::<3>()?;
    let [b'0'..=b'9', b'0'..=b'9', b':'] = padded else {
        return None;
    };
    let text = Text::start_of(text);
    let stamp = stamp::read(text.window)?;
    Some((stamp.millis, text.skip(stamp.end, is_blank)))
}

/// The sender in the first field of an e-mail's head.
pub(super) fn mail_sender(line: &str) -> Option<Label> {
    let text = Text::start_of(line);
    let from = line.strip_prefix("From:").map(|_| "From:".len())?;
    let found = text.plain(
        Span::from(from..text.window.trim_end().len()),
        Separator::Clock,
        0,
    )?;
    Some(Label {
        span: found.span,
        shape: found.shape,
        separator: Separator::Clock,
        is_regular: false,
    })
}

/// The length of the time stamp in brackets at the start of a text, and its milliseconds.
pub(super) fn bracketed_stamp(text: &str) -> Option<(usize, i32)> {
    let window = text.split_at(text.floor_char_boundary(WINDOW)).0;
    let stamp = stamp::read(window)?;
    let is_clock = stamp.is_bracketed && text.get(..stamp.end)?.contains(':');
    is_clock.then_some((stamp.end, stamp.millis))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_usual_head_is_read_as_in_any_shape(line in "(From |Mon|May |Q|A|Ada|Dr|NOTE)?( ?[A-Za-z]{0,6}){0,7}:[ 0-9]{0,2}(Sat|[a-zA-Z]|'{3}|– )[A-Za-z0-9 :.]{0,30}") {
            if let Some(found) = usual(&line) {
                prop_assert_eq!(Some(found), in_any_shape(&line));
            }
        }
    }

    #[test]
    fn most_heads_are_usual() {
        for (line, is_usual) in [
            ("Grad G: Hi .", true),
            ("Ada: May we begin?", true),
            ("Dana van Holt: Yes.", false),
            ("Mon 12: Yes.", false),
            ("May Holt: At 12:30 we met.", false),
            ("Ada Holt: 12:30", false),
            ("From Ada: Yes.", false),
            ("Ada:Yes.", false),
        ] {
            assert_eq!(usual(line).is_some(), is_usual, "{line}");
        }
    }
}
