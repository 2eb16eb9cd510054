//! Writes the transcript's side of the page: who speaks, when, and what is said, with the passages that the summary rests on.
//!
//! This part may have many megabytes, so it is written straight into the page, without tables for each turn.

use maud::{Render, html};

use crate::document::page::Shown;
use crate::document::page::citations::{Citations, Piece};
use crate::summary::Summary;
use crate::text::Span;
use crate::text::sentence::{ends_sentence, is_stop, is_wide};
use crate::transcript::{Segment, Timestamp, Transcript};

/// Of a longer transcript, or one of more turns, only the passages that the summary rests on are shown. A browser takes ten
/// seconds for 200,000 turns.
const MOST_BYTES: usize = 5_000_000;
const MOST_TURNS: usize = 100_000;

/// More text than a browser lays out at once.
const LONG_BYTES: usize = 1_000_000;

/// Bytes that are shown around a passage of such a transcript.
const AROUND_BYTES: usize = 400;

/// Bytes after which a paragraph ends with its sentence, after which it ends with a word, and after which it ends within a word.
/// Speech has no paragraphs, and a browser takes a minute to break a word of millions of characters into lines.
const PARAGRAPH_BYTES: usize = 900;
const MOST_PARAGRAPH_BYTES: usize = 2500;
const MOST_WORD_BYTES: usize = 2 * MOST_PARAGRAPH_BYTES;

/// Where the same speaker goes on, times are shown this far apart.
const TIMES_SECONDS: f64 = 60.0;

/// Passages of more pieces are highlighted up to this one. The style has a rule for each.
pub(super) const MOST_PIECES: usize = 6;

/// Bytes of markup for a turn and for a passage, to reserve memory.
const TURN_MARKUP: usize = 40;
const PASSAGE_MARKUP: usize = 110;

/// The transcript, or the parts of it that are shown.
pub(super) struct Turns<'a> {
    transcript: &'a Transcript,
    summary: &'a Summary,
    citations: &'a Citations,
    /// The language of the sections' titles, where it is another one than that of the transcript.
    titles: Option<&'a str>,
    /// What is shown, in order.
    shown: Vec<Span>,
}

impl<'a> Turns<'a> {
    pub(super) fn new(
        transcript: &'a Transcript,
        summary: &'a Summary,
        citations: &'a Citations,
        titles: Option<&'a str>,
    ) -> Self {
        let text = transcript.text();
        let turns = transcript.segments.starting_in(0..text.len()).len();
        let fits = text.len() <= MOST_BYTES && turns <= MOST_TURNS;
        let shown = match fits {
            true => vec![Span::from(0..text.len())],
            false => around(transcript, citations),
        };
        Self {
            transcript,
            summary,
            citations,
            titles,
            shown,
        }
    }

    /// Leaves out what is not around a passage, however short the transcript is.
    #[cfg(test)]
    pub(super) fn around_passages(self) -> Self {
        let shown = around(self.transcript, self.citations);
        Self { shown, ..self }
    }

    /// Whether so much is shown that a browser should lay out only what is visible.
    pub(super) fn are_long(&self) -> bool {
        self.shown.iter().map(|part| part.len()).sum::<usize>() > LONG_BYTES
    }

    /// Whether the recognizer was unsure of any turn.
    pub(super) fn are_unsure(&self) -> bool {
        let segments = &self.transcript.segments;
        let text = self.transcript.text();
        let mut all = segments.starting_in(0..text.len()).iter();
        all.any(Segment::is_unsure)
    }

    /// Whether parts of the transcript are left out.
    pub(super) fn is_partial(&self) -> bool {
        self.shown != [Span::from(0..self.transcript.text().len())]
    }
}

/// The passages with what is said around them in the same turn.
fn around(transcript: &Transcript, citations: &Citations) -> Vec<Span> {
    let mut shown: Vec<Span> = Vec::new();
    for passage in &citations.passages {
        let turn = transcript.segments.at(passage.span.start);
        let turn = turn.map_or(Span::from(0..transcript.text().len()), |segment| Span {
            start: segment.start(),
            end: segment.body().end,
        });
        let start = passage.span.start.saturating_sub(AROUND_BYTES);
        let wanted = Span {
            start: start.max(turn.start),
            end: (passage.span.end + AROUND_BYTES).min(turn.end),
        };
        let part = transcript.passage(wanted).span();
        match shown.last_mut() {
            Some(last) if last.end >= part.start => last.end = last.end.max(part.end),
            _ => shown.push(part),
        }
    }
    shown
}

impl Render for Turns<'_> {
    fn render_to(&self, page: &mut String) {
        let bytes: usize = self.shown.iter().map(|part| part.len()).sum();
        let segments = &self.transcript.segments;
        let parts = self.shown.iter();
        let turns: usize = parts
            .map(|part| segments.starting_in(part.start..part.end).len())
            .sum();
        let passages = self.citations.passages.len();
        page.reserve(bytes + turns * TURN_MARKUP + passages * PASSAGE_MARKUP);
        let pieces = self.citations.pieces();
        let mut starts: Vec<(usize, usize, bool)> = Vec::new();
        for (index, section) in self.summary.sections.iter().enumerate() {
            let spans = section.spans.iter().enumerate();
            starts.extend(spans.map(|(nth, span)| (span.start, index, nth == 0)));
        }
        starts.sort_unstable();
        let mut writer = Writer {
            of: self,
            page,
            pieces: &pieces,
            starts: &starts,
            speaker: None,
            time: None,
            paragraph: None,
            is_unsure: false,
        };
        let mut end = 0;
        for &part in &self.shown {
            if part.start > end {
                writer.gap();
            }
            writer.part(part);
            end = part.end;
        }
        if end < self.transcript.text().len() {
            writer.gap();
        }
        writer.sections_before(usize::MAX);
    }
}

struct Writer<'a> {
    of: &'a Turns<'a>,
    page: &'a mut String,
    /// The pieces that are still to come.
    pieces: &'a [Piece],
    /// Where sections begin that are still to come, with their indices and whether that is their first stretch.
    starts: &'a [(usize, usize, bool)],
    /// The name above the last turn, and the time shown last.
    speaker: Option<&'a str>,
    time: Option<Timestamp>,
    /// Bytes of the paragraph that is open.
    paragraph: Option<usize>,
    /// Whether the recognizer was unsure of the current turn.
    is_unsure: bool,
}

impl<'a> Writer<'a> {
    fn text(&self) -> &'a str {
        self.of.transcript.text()
    }

    fn add(&mut self, markup: &impl Render) {
        markup.render_to(self.page);
    }

    /// Says that something is left out.
    fn gap(&mut self) {
        self.add(&html! { p .gap { "[…]" } });
        (self.speaker, self.time) = (None, None);
    }

    fn part(&mut self, part: Span) {
        let segments = &self.of.transcript.segments;
        let under_way = segments.at(part.start);
        let following = segments.starting_in(part.start + 1..part.end);
        if under_way.is_none() {
            let end = following.first().map_or(part.end, Segment::start);
            self.sections_before(part.start);
            self.said(Span::from(part.start..end));
        }
        for segment in under_way.into_iter().chain(following) {
            self.turn(segment, part);
        }
    }

    /// Writes what is shown of a turn.
    fn turn(&mut self, segment: &Segment, part: Span) {
        let body = segment.body();
        self.sections_before(body.start.max(part.start));
        self.is_unsure = segment.is_unsure();
        self.head(segment);
        self.said(Span {
            start: body.start.max(part.start),
            end: body.end.min(part.end),
        });
    }

    /// Writes who speaks and when, unless that is clear from the turn before.
    fn head(&mut self, segment: &Segment) {
        let head = Span::from(segment.start()..segment.body().start).of(self.text());
        let label = head.trim().trim_end_matches([':', '：']).trim_end();
        let name = self.of.transcript.segments.name(segment.speaker);
        let is_known = self.speaker.is_some() && self.speaker == name;
        let label = match (label, name) {
            ("", Some(name)) if !is_known => name,
            (label, _) => label,
        };
        let is_due = |time: Timestamp| {
            let last = self.time.filter(|_| label.is_empty());
            last.is_none_or(|last| time.seconds_since(last).abs() >= TIMES_SECONDS)
        };
        let time = segment.from().filter(|&time| is_due(time));
        let renamings = self.of.summary.renamings.iter();
        let renaming = renamings
            .filter(|_| !label.is_empty())
            .find(|renaming| Some(renaming.label.as_str()) == name);
        self.end_paragraph();
        if !label.is_empty() || time.is_some() {
            self.begin_paragraph(0);
            self.page.push_str("<b>");
            self.add(&Shown(label));
            if let Some(renaming) = renaming {
                self.add(&html! { " " i { (Shown(&renaming.name)) } });
            }
            if let Some(time) = time {
                self.add(&html! { " " i { (time.to_string()) } });
            }
            self.page.push_str("</b>");
        }
        self.speaker = name;
        self.time = time.or(self.time);
    }

    /// Writes a part of what is said in a turn.
    fn said(&mut self, part: Span) {
        let mut at = part.start;
        while at < part.end {
            let passed = self.pieces.iter().take_while(|piece| piece.span.end <= at);
            self.pieces = self.pieces.split_at(passed.count()).1;
            let next = self.pieces.first().copied();
            let next = next.filter(|piece| piece.span.start < part.end);
            let start = next.map_or(part.end, |piece| piece.span.start.max(at));
            self.plain(Span::from(at..start));
            at = start;
            if let Some(piece) = next {
                at = piece.span.end.min(part.end);
                self.piece(piece, Span::from(start..at));
            }
        }
        self.end_paragraph();
    }

    /// Writes a text without passages, in paragraphs.
    fn plain(&mut self, part: Span) {
        let mut at = part.start;
        while at < part.end {
            self.sections_before(at);
            let end = match self.starts.first() {
                Some(&(start, ..)) if start < part.end => start,
                _ => part.end,
            };
            let rest = Span::from(at..end);
            let paragraph = paragraph_end(self.text(), rest, self.paragraph.unwrap_or(0));
            let until = paragraph.unwrap_or(end);
            self.words(Span::from(at..until).of(self.text()));
            if paragraph.is_some() {
                self.end_paragraph();
            }
            at = until;
        }
    }

    /// Writes a piece of a passage, or what is shown of it.
    fn piece(&mut self, piece: Piece, part: Span) {
        self.begin_paragraph(part.len());
        let text = part.of(self.text());
        let begins = piece.begins.and_then(|(index, pieces)| {
            let passage = self.of.citations.passages.get(index)?;
            Some((index + 1, pieces, &passage.sentences))
        });
        match begins {
            None => self.add(&html! { mark { (Shown(text)) } }),
            Some((number, pieces, sentences)) => {
                let class = (pieces > 1).then(|| format!("n{}", pieces.min(MOST_PIECES)));
                self.add(&html! {
                    mark id=(format_args!("p{number}")) class=[class] {
                        sup {
                            @for (nth, sentence) in sentences.iter().enumerate() {
                                @if nth > 0 { " " }
                                a href=(format_args!("#s{sentence}")) role="doc-backlink" {
                                    @if nth == 0 { (number) } @else { (letters(nth)) }
                                }
                            }
                        }
                        (Shown(text))
                    }
                });
            }
        }
    }

    /// Writes words of the current paragraph.
    fn words(&mut self, text: &str) {
        let is_blank = text.trim().is_empty();
        if is_blank && self.paragraph.is_none() {
            return;
        }
        self.begin_paragraph(text.len());
        self.add(&Shown(text));
    }

    fn begin_paragraph(&mut self, bytes: usize) {
        if self.paragraph.is_none() {
            let tag = match self.is_unsure {
                true => "<p class=\"unsure\">",
                false => "<p>",
            };
            self.page.push_str(tag);
        }
        let before = self.paragraph.unwrap_or(0);
        self.paragraph = Some(before + bytes);
    }

    fn end_paragraph(&mut self) {
        if self.paragraph.take().is_some() {
            self.page.push_str("</p>\n");
        }
    }

    /// Names the sections that begin at byte `at` or before.
    fn sections_before(&mut self, at: usize) {
        let begun = self.starts.partition_point(|&(start, ..)| start <= at);
        let (begun, later) = self.starts.split_at(begun);
        self.starts = later;
        for &(_, index, is_first) in begun {
            let Some(section) = self.of.summary.sections.get(index) else {
                continue;
            };
            self.end_paragraph();
            let number = index + 1;
            let id = is_first.then(|| format!("t{number}"));
            self.add(&html! {
                h3 id=[id] lang=[self.of.titles] { a href=(format_args!("#c{number}")) { (number) ". " (Shown(&section.title)) } }
            });
            (self.speaker, self.time) = (None, None);
        }
    }
}

/// Where the paragraph ends that has `before` bytes already and goes on with the part `rest` of `text`: after a line that ends with
/// a sentence, or where it is long enough. `None` if it goes on after that part.
fn paragraph_end(text: &str, rest: Span, before: usize) -> Option<usize> {
    let mut last = text
        .split_at(rest.start)
        .0
        .chars()
        .next_back()
        .unwrap_or(' ');
    let mut has_words = before > 0;
    for (at, c) in rest.of(text).char_indices() {
        let (said, length) = (text.split_at(rest.start + at).0, before + at);
        let is_end = match c {
            '\n' => last == '\n' || ends_sentence(tail(said)),
            _ if length >= MOST_WORD_BYTES => true,
            c if !c.is_whitespace() && !is_wide(last) => false,
            _ if length >= MOST_PARAGRAPH_BYTES => true,
            _ => length >= PARAGRAPH_BYTES && is_stop(last) && !is_abbreviated(said),
        };
        if is_end && has_words {
            // The blank belongs to the paragraph before it.
            let blank = if c.is_whitespace() { c.len_utf8() } else { 0 };
            return Some(rest.start + at + blank);
        }
        has_words |= !c.is_whitespace();
        last = c;
    }
    None
}

/// The last characters of a text, which tell whether a sentence ends.
fn tail(text: &str) -> &str {
    text.split_at(text.ceil_char_boundary(text.len().saturating_sub(16)))
        .1
}

/// Whether the full stop at the end may be that of an abbreviation.
fn is_abbreviated(said: &str) -> bool {
    let word = tail(said).trim_end_matches('.');
    let letters = word.chars().rev().take_while(|c| c.is_alphabetic());
    said.ends_with('.') && letters.count() < 4
}

/// Letters for the second and later links back: b, c and so on.
fn letters(nth: usize) -> char {
    u8::try_from(nth)
        .ok()
        .and_then(|nth| b'a'.checked_add(nth))
        .filter(u8::is_ascii_lowercase)
        .map_or('·', char::from)
}
