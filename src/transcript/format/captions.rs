//! Reads captions: WebVTT, SubRip, SBV, TTML, LRC, bracketed lines of speech recognizers, and what people copy from videos.
//!
//! A text is read twice, both times in blocks. A [`Survey`] counts the speaker labels, since only the whole text tells a name
//! from a word before a colon. Then a [`Reader`] hands on cues: without header, comments and identifiers, with one speaker
//! each, and without the lines that rolling captions repeat. Markup inside the text of a cue stays for `clean`.

use std::borrow::Cow;

use crate::text::{Span, sentence};
use crate::transcript::format::clean::cleaned;
use crate::transcript::format::cue::{Cue, Escapes, Joint};

mod label;
mod lines;
mod rolling;
mod time;
mod xml;

pub(crate) use label::label;

use label::Labels;
use lines::Lines;
use rolling::Rolling;
use time::Form;
use xml::Xml;

/// The kind of captions is recognized by this number of bytes.
const SAMPLE_BYTES: usize = 64 * 1024;

/// A kind of captions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Captions {
    WebVtt,
    SubRip,
    Sbv,
    /// `[00:01.000 --> 00:04.000] text`
    Bracketed,
    /// `[00:01.00] text`
    Lyrics,
    /// A time on one line and text on the next.
    TimeLines,
    /// `0:01 text`
    TimedLines,
    /// TTML and YouTube's timed text.
    Xml,
}

impl Captions {
    /// The name in the report.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::WebVtt => "webvtt",
            Self::SubRip => "subrip",
            Self::Sbv => "sbv",
            Self::Bracketed => "bracketed",
            Self::Lyrics => "lrc",
            Self::TimeLines | Self::TimedLines => "timed-lines",
            Self::Xml => "ttml",
        }
    }
}

/// The kind of captions in a text, judged by its start. `None` if the text is something else.
pub(crate) fn kind(text: &str) -> Option<Captions> {
    let sample = text
        .split_at(text.floor_char_boundary(SAMPLE_BYTES))
        .0
        .trim_start();
    if sample.starts_with("WEBVTT") {
        return Some(Captions::WebVtt);
    }
    if sample.starts_with('<') {
        let is_captions = ["<p begin=", "<tt:p ", "<text start=", "<p t="]
            .iter()
            .any(|element| sample.contains(element));
        return (is_captions || sample.contains("http://www.w3.org/ns/ttml"))
            .then_some(Captions::Xml);
    }
    Tally::of(sample).kind()
}

/// Numbers of lines in a sample.
#[derive(Debug, Default)]
struct Tally {
    lines: usize,
    arrows: usize,
    comma_arrows: usize,
    pairs: usize,
    bracketed: usize,
    bracketed_starts: usize,
    /// Times on lines of their own.
    alone: usize,
    /// Bare times with text after them.
    inline: usize,
    /// Texts that follow a time on its own line directly, and those that follow another text.
    first_texts: usize,
    more_texts: usize,
    /// Texts with a speaker label, and those that end within a sentence.
    labelled: usize,
    unfinished: usize,
    long: usize,
}

impl Tally {
    fn of(sample: &str) -> Self {
        let mut tally = Self::default();
        let mut after_time = false;
        for line in lines::spans(sample)
            .map(|line| line.of(sample))
            .filter(|line| !line.is_empty())
        {
            tally.lines += 1;
            let head = time::head(line);
            let text = head.map_or(line, |head| line.split_at(head.body).1);
            if text.is_empty() {
                after_time = true;
            } else if head.is_some() {
                tally.text(text);
                after_time = false;
            } else if !(after_time && lines::is_duration(line)) {
                tally.text(text);
                tally.first_texts += usize::from(after_time);
                tally.more_texts += usize::from(!after_time);
                after_time = false;
            }
            let Some(head) = head else { continue };
            let count = match head.form {
                Form::Arrow => &mut tally.arrows,
                Form::CommaArrow => &mut tally.comma_arrows,
                Form::Pair => &mut tally.pairs,
                Form::Bracketed => &mut tally.bracketed,
                Form::BracketedStart => &mut tally.bracketed_starts,
                Form::Start if text.is_empty() => &mut tally.alone,
                Form::Start => &mut tally.inline,
            };
            *count += 1;
        }
        tally
    }

    fn text(&mut self, text: &str) {
        self.labelled += usize::from(label(text).is_some());
        self.unfinished += usize::from(!sentence::ends_sentence(text));
        self.long += usize::from(text.len() > 200);
    }

    fn kind(&self) -> Option<Captions> {
        // Captions have an identifier, a few lines of text and perhaps a comment each.
        let is_common = |count: usize| count > 0 && count * 10 >= self.lines;
        let arrows = self.arrows + self.comma_arrows;
        if is_common(self.bracketed) && self.bracketed > arrows {
            return Some(Captions::Bracketed);
        }
        if is_common(arrows) {
            let is_webvtt = self.arrows > self.comma_arrows;
            return Some(if is_webvtt {
                Captions::WebVtt
            } else {
                Captions::SubRip
            });
        }
        if is_common(self.pairs) {
            return Some(Captions::Sbv);
        }
        // Anything with a start time only may as well be a transcript with whole turns, which the plain reader knows best.
        let is_most = |count: usize, of: usize| count >= 3 && count * 5 >= of * 4;
        let texts = self.bracketed_starts + self.inline + self.first_texts + self.more_texts;
        let is_cut =
            self.unfinished * 4 >= texts && self.labelled * 2 <= texts && self.long * 4 <= texts;
        if !is_cut {
            return None;
        }
        if is_most(self.bracketed_starts, self.lines) {
            return Some(Captions::Lyrics);
        }
        if is_most(self.inline, self.lines) {
            return Some(Captions::TimedLines);
        }
        let alternate =
            self.alone * 10 >= self.lines * 3 && self.more_texts * 5 <= self.first_texts;
        (alternate && is_most(self.first_texts, self.alone)).then_some(Captions::TimeLines)
    }
}

/// A caption as its format delimits it. Spans are relative to the block.
struct Raw<'b> {
    block: &'b str,
    identifier: Option<&'b str>,
    /// The speaker, if the name stands before the times.
    label: Option<&'b str>,
    start: Option<i64>,
    end: Option<i64>,
    confidence: Option<u8>,
    lines: &'b [Span],
}

/// What one speaker says in a caption.
#[derive(Debug)]
struct Caption<'b> {
    speaker: Option<Cow<'b, str>>,
    start: Option<i64>,
    end: Option<i64>,
    lines: Vec<Span>,
}

#[derive(Debug)]
enum Source {
    Lines(Lines),
    Xml(Xml),
}

impl Source {
    fn new(kind: Captions) -> Self {
        match kind {
            Captions::Xml => Self::Xml(Xml::default()),
            _ => Self::Lines(Lines::new(kind)),
        }
    }

    fn read(&mut self, block: &str, sink: &mut dyn FnMut(&Raw<'_>)) {
        match self {
            Self::Lines(lines) => lines.read(block, sink),
            Self::Xml(xml) => xml.read(block, sink),
        }
    }
}

/// The first pass over a text, which counts its labels.
#[derive(Debug)]
pub(crate) struct Survey {
    kind: Captions,
    source: Source,
    labels: Labels,
}

impl Survey {
    pub(crate) fn new(kind: Captions) -> Self {
        Self {
            kind,
            source: Source::new(kind),
            labels: Labels::default(),
        }
    }

    /// Counts the labels of the next block.
    pub(crate) fn read(&mut self, block: &str) {
        let labels = &mut self.labels;
        self.source.read(block, &mut |raw| {
            labels.count(raw.lines.iter().map(|line| line.of(raw.block)))
        });
    }

    /// The reader for the second pass.
    pub(crate) fn reader(self) -> Reader {
        Reader {
            source: Source::new(self.kind),
            labels: self.labels,
            rolling: Rolling::default(),
        }
    }
}

/// The second pass over a text, which reads its cues. Blocks end after an empty line where possible, or else after a line.
#[derive(Debug)]
pub(crate) struct Reader {
    source: Source,
    labels: Labels,
    rolling: Rolling,
}

impl Reader {
    /// Hands on the cues of the next block, with spans relative to it.
    pub(crate) fn read(&mut self, block: &str, sink: &mut dyn FnMut(Cue<'_>)) {
        let Self {
            source,
            labels,
            rolling,
        } = self;
        source.read(block, &mut |raw| {
            for mut caption in raw.by_speaker(labels) {
                rolling.drop_repeated(block, &mut caption);
                if caption.lines.is_empty() {
                    continue;
                }
                sink(Cue {
                    speaker: caption.speaker,
                    start: caption.start,
                    end: caption.end,
                    confidence: raw.confidence,
                    text: caption.lines,
                    escapes: Escapes::None,
                    joint: Joint::Blank,
                });
            }
        });
    }
}

impl<'b> Raw<'b> {
    /// Splits a caption at voice tags and labels.
    fn by_speaker(&self, labels: &Labels) -> Vec<Caption<'b>> {
        let mut parts = Vec::new();
        let mut current = self.caption(
            self.label
                .map(cleaned)
                .or_else(|| self.identifier.and_then(quoted)),
        );
        for &line in self.lines {
            let mut at = line.start;
            while let Some(voice) = voice(self.block, Span::from(at..line.end)) {
                current.push(self.block, at..voice.tag.start);
                parts.push(std::mem::replace(
                    &mut current,
                    self.caption(Some(voice.name)),
                ));
                at = voice.tag.end;
            }
            let rest = Span::from(at..line.end).of(self.block);
            if at == line.start
                && let Some((name, body)) = label(rest).filter(|(name, _)| labels.is_speaker(name))
            {
                parts.push(std::mem::replace(
                    &mut current,
                    self.caption(Some(cleaned(name))),
                ));
                at += body;
            } else if at == line.start {
                at += dash(rest);
            }
            current.push(self.block, at..line.end);
        }
        parts.push(current);
        parts.retain(|part| !part.lines.is_empty());
        parts
    }

    fn caption(&self, speaker: Option<Cow<'b, str>>) -> Caption<'b> {
        Caption {
            speaker: speaker.filter(|name| !name.trim().is_empty()),
            start: self.start,
            end: self.end,
            lines: Vec::new(),
        }
    }
}

impl Caption<'_> {
    fn push(&mut self, block: &str, part: std::ops::Range<usize>) {
        let text = block.get(part.clone()).unwrap_or_default();
        let start = part.end - text.trim_start().len();
        let end = start + text.trim().len();
        if start < end {
            self.lines.push(Span::from(start..end));
        }
    }
}

/// A voice tag of WebVTT, as `<v Anna Berg>` or `<v.loud Anna Berg>`.
struct Voice<'b> {
    name: Cow<'b, str>,
    tag: Span,
}

fn voice(block: &str, part: Span) -> Option<Voice<'_>> {
    let text = part.of(block);
    for (at, _) in text.match_indices("<v") {
        let after = text.split_at(at + "<v".len()).1;
        let Some(end) = after.bytes().position(|byte| matches!(byte, b'<' | b'>')) else {
            continue;
        };
        let (inside, rest) = after.split_at(end);
        let (classes, name) = inside
            .split_once(char::is_whitespace)
            .unwrap_or((inside, ""));
        if rest.starts_with('>') && (classes.is_empty() || classes.starts_with('.')) {
            return Some(Voice {
                name: cleaned(name.trim()),
                tag: Span::from(part.start + at..part.start + at + "<v>".len() + end),
            });
        }
    }
    None
}

/// The name in an identifier of Webex: `1 "Anna Berg" (310000077)`.
fn quoted(identifier: &str) -> Option<Cow<'_, str>> {
    let (before, after) = identifier.split_once('"')?;
    let (name, _) = after.rsplit_once('"')?;
    before
        .trim()
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| cleaned(name))
}

/// The length of a dash with which a line of dialogue starts.
fn dash(line: &str) -> usize {
    let rest = line.strip_prefix(['-', '–', '‐']).unwrap_or(line);
    if rest.starts_with([' ', '\u{a0}']) || rest.starts_with(char::is_uppercase) {
        line.len() - rest.len()
    } else {
        0
    }
}
