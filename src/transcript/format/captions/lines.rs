//! Reads captions whose times stand on lines: WebVTT, SubRip, SBV, bracketed lines, LRC and copied transcripts of videos.

use crate::text::{Span, eight};
use crate::transcript::format::captions::time::{Form, Head, head, is_damaged, time};
use crate::transcript::format::captions::{Captions, Raw};
use crate::transcript::format::plain;

/// A caption of more lines is handed on in parts.
const MAX_LINES: usize = 1000;

/// Reads the lines of one text, block by block.
#[derive(Debug)]
pub(super) struct Lines {
    kind: Captions,
    place: Place,
    /// Lines read.
    lines: usize,
    /// Number of damaged times, and the line of the first.
    damaged: usize,
    first_damaged: usize,
    /// Whether the lines up to the next empty one are a comment or a style sheet.
    skips: bool,
    after_empty: bool,
    /// The last identifier, if it was a number.
    last_number: Option<u64>,
    start: Option<i64>,
    end: Option<i64>,
    confidence: Option<u8>,
    next_confidence: Option<u8>,
}

/// How far a text has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    /// In the header of WebVTT, which ends with an empty line.
    Header,
    BeforeTimes,
    AfterTimes,
}

/// A caption that is being read.
#[derive(Default)]
struct Open {
    identifier: Option<Span>,
    label: Option<Span>,
    lines: Vec<Span>,
}

impl Lines {
    pub(super) fn new(kind: Captions) -> Self {
        Self {
            kind,
            place: Place::Start,
            lines: 0,
            damaged: 0,
            first_damaged: 0,
            skips: false,
            after_empty: true,
            last_number: None,
            start: None,
            end: None,
            confidence: None,
            next_confidence: None,
        }
    }

    /// Reads the captions of a block. Text at its start belongs to the last caption before it.
    pub(super) fn read(&mut self, block: &str, sink: &mut dyn FnMut(&Raw<'_>)) {
        let mut open = Open::default();
        // The last line and whether it follows an empty one: an identifier, if times come next.
        let mut held: Option<(Span, bool)> = None;
        for line in spans(block) {
            let text = line.of(block);
            self.lines += 1;
            if text.is_empty() {
                self.after_empty = true;
                self.skips = false;
                if self.place == Place::Header {
                    self.place = Place::BeforeTimes;
                }
                continue;
            }
            if self.place == Place::Start {
                let has_header = self.kind == Captions::WebVtt && text.starts_with("WEBVTT");
                self.place = match has_header {
                    true => Place::Header,
                    false => Place::BeforeTimes,
                };
            }
            let after_empty = std::mem::take(&mut self.after_empty);
            let head = self.kind.head(text);
            if head.is_some() || self.is_damaged(text) {
                let is_identifier = |&(line, follows_empty): &(Span, bool)| {
                    self.is_identifier(line.of(block), follows_empty && !after_empty)
                };
                let identifier = held.filter(is_identifier).map(|(line, _)| line);
                if let Some((line, _)) = held.take().filter(|_| identifier.is_none()) {
                    open.lines.push(line);
                }
                if let Some(number) = identifier.and_then(|line| line.of(block).parse().ok()) {
                    self.last_number = Some(number);
                }
                self.hand_on(block, &mut open, sink);
                self.begin(text, head.as_ref());
                let within =
                    |span: Span| Span::from(line.start + span.start..line.start + span.end);
                open.identifier = identifier;
                open.label = head.and_then(|head| head.label).map(within);
                if let Some(head) = head.filter(|head| head.body < text.len()) {
                    open.lines.push(within(Span::from(head.body..text.len())));
                }
                continue;
            }
            // What a recognizer prints before and after its captions.
            if (after_empty || self.place == Place::BeforeTimes)
                && self.kind == Captions::Bracketed
                && plain::is_written_by_tool(text)
            {
                self.skips = true;
            }
            let is_chapter = self.kind == Captions::TimeLines
                && (held.is_some() || self.place == Place::BeforeTimes)
                && plain::is_chapter(text);
            if self.place == Place::Header
                || self.skips
                || is_chapter
                || self.is_skipped(text, after_empty)
            {
                continue;
            }
            if let Some((held, _)) = held.replace((line, after_empty)) {
                open.lines.push(held);
            }
            if open.lines.len() == MAX_LINES {
                self.hand_on(block, &mut open, sink);
            }
        }
        // A line break at the end of the block begins no line.
        self.lines -= usize::from(block.ends_with('\n'));
        if let Some((held, after_empty)) = held {
            let is_next_number =
                after_empty && self.last_number.is_some() && self.is_next_number(held.of(block));
            if !is_next_number {
                open.lines.push(held);
            }
        }
        self.hand_on(block, &mut open, sink);
    }

    /// Begins a caption with the times in a line. Of damaged ones only the start may be known.
    fn begin(&mut self, line: &str, head: Option<&Head>) {
        self.place = Place::AfterTimes;
        self.skips = false;
        self.start = match head {
            Some(head) => Some(head.start),
            None => time(line)
                .filter(|&(_, len)| line.split_at(len).1.starts_with(' '))
                .map(|(start, _)| start),
        };
        self.end = head.and_then(|head| head.end);
        self.confidence = self.next_confidence.take();
        if head.is_none() {
            self.damaged += 1;
            if self.damaged == 1 {
                self.first_damaged = self.lines;
            }
        }
    }

    fn is_damaged(&self, line: &str) -> bool {
        matches!(self.kind, Captions::WebVtt | Captions::SubRip) && is_damaged(line)
    }

    /// What a reader of the summary should know about the captions.
    pub(super) fn warning(&self) -> Option<String> {
        let (damaged, line) = (self.damaged, self.first_damaged);
        (damaged > 0).then(|| {
            format!("time stamps of captions are damaged: {damaged}, the first in line {line}")
        })
    }

    fn hand_on(&self, block: &str, open: &mut Open, sink: &mut dyn FnMut(&Raw<'_>)) {
        if !open.lines.is_empty() {
            sink(&Raw {
                block,
                identifier: open.identifier.map(|span| span.of(block)),
                label: open.label.map(|span| span.of(block)),
                start: self.start,
                end: self.end,
                confidence: self.confidence,
                lines: &open.lines,
            });
        }
        open.lines.clear();
    }

    /// Whether a line before the times identifies the caption, rather than being the end of the last one.
    fn is_identifier(&self, line: &str, stands_alone: bool) -> bool {
        let is_word =
            || line.contains(|c: char| c.is_ascii_digit()) && !line.contains(char::is_whitespace);
        match self.kind {
            Captions::WebVtt => stands_alone || self.is_next_number(line),
            Captions::SubRip => (stands_alone && is_word()) || self.is_next_number(line),
            _ => false,
        }
    }

    fn is_next_number(&self, line: &str) -> bool {
        let number: Option<u64> = line.parse().ok();
        number.is_some_and(|number| {
            self.last_number
                .map_or(number <= 1, |last| number == last.saturating_add(1))
        })
    }

    /// Whether a line is a comment, a style sheet, metadata, or an announcement for screen readers.
    fn is_skipped(&mut self, line: &str, after_empty: bool) -> bool {
        match self.kind {
            Captions::WebVtt if after_empty => {
                let first_word = line.split_whitespace().next().unwrap_or_default();
                self.skips = first_word == "NOTE" || matches!(line, "STYLE" | "REGION");
                if let Some(confidence) = line.strip_prefix("NOTE Confidence:") {
                    self.next_confidence = percent(confidence);
                }
                self.skips || (self.place == Place::BeforeTimes && is_metadata(line))
            }
            Captions::WebVtt => self.place == Place::BeforeTimes && is_metadata(line),
            Captions::Lyrics => {
                let tag = line.strip_prefix('[').and_then(|line| line.split_once(':'));
                tag.is_some_and(|(name, _)| {
                    [
                        "ar", "al", "ti", "au", "by", "re", "ve", "length", "offset", "la", "tool",
                    ]
                    .contains(&name)
                })
            }
            Captions::TimeLines => is_duration(line),
            _ => false,
        }
    }
}

/// Whether a line tells about the captions, as it should in the header: `Kind: captions`, `duration:"00:26:52"`.
fn is_metadata(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, _)| {
        ["kind", "language", "duration", "region", "style"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
    })
}

/// Whether a line is a time in words: `1 minute, 5 seconds`.
pub(super) fn is_duration(line: &str) -> bool {
    let mut words = line
        .split([' ', ',', '\u{a0}'])
        .filter(|word| !word.is_empty())
        .peekable();
    words.peek().is_some()
        && words.enumerate().all(|(at, word)| match at % 2 {
            0 => word.bytes().all(|byte| byte.is_ascii_digit()),
            _ => matches!(word.trim_end_matches('s'), "second" | "minute" | "hour"),
        })
        && line.ends_with(char::is_alphabetic)
}

/// A confidence between 0 and 1, in percent.
pub(super) fn percent(text: &str) -> Option<u8> {
    let value: f64 = text.trim().parse().ok()?;
    // In range, so nothing is cut.
    (0.0..=1.0)
        .contains(&value)
        .then(|| (value * 100.0).round() as u8)
}

/// The lines of a block, without the blanks around them.
pub(super) fn spans(block: &str) -> impl Iterator<Item = Span> {
    eight::lines(block).map(|line| {
        let text = line.of(block);
        let start = line.end - text.trim_start().len();
        let end = line.start + text.trim_end().len();
        Span::from(start.min(end)..end)
    })
}

impl Captions {
    /// The times at the start of a line, if they are written as in this kind.
    pub(super) fn head(self, line: &str) -> Option<Head> {
        let head = head(line)?;
        let is_bare_time =
            || head.form == Form::Start && (head.body == line.len()) == (self == Self::TimeLines);
        let is_ours = match self {
            Self::Lyrics => head.form == Form::BracketedStart,
            Self::TimedLines if head.form == Form::Glued => true,
            Self::TimeLines | Self::TimedLines => is_bare_time(),
            _ => head.end.is_some(),
        };
        is_ours.then_some(head)
    }
}
