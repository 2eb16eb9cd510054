//! Reads captions: WebVTT, SubRip, SBV, TTML, SubStation Alpha, MicroDVD, LRC, bracketed lines of speech recognizers, and what people copy from videos.
//!
//! A text is read twice, both times in blocks. A [`Survey`] counts the speaker labels, since only the whole text tells a name
//! from a word before a colon. Then a [`Reader`] hands on cues: without header, comments and identifiers, with one speaker
//! each, and without the lines that rolling captions repeat. Markup inside the text of a cue stays for `clean`.

use std::borrow::Cow;

use crate::text::{Span, sentence, words};
use crate::transcript::format::clean::{MAX_NAME_BYTES, cleaned};
use crate::transcript::format::cue::{Cue, Escapes, Joint};
use crate::transcript::format::json::cursor::Cursor;
use crate::transcript::format::json::{Broken, unescaped};
use crate::transcript::format::writer::Block;

mod label;
mod lines;
mod rolling;
mod rows;
mod time;
mod xml;

pub(crate) use label::label;

use label::Labels;
use lines::Lines;
use rolling::Rolling;
use rows::Rows;
use time::Form;
use xml::Xml;

/// The kind of captions is recognized by this number of bytes.
const SAMPLE_BYTES: usize = 64 * 1024;

/// Lines of captions are hardly ever longer.
const LINE_BYTES: usize = 400;

/// What whisper.cpp writes after a caption if somebody else speaks next.
const TURN: &str = "[SPEAKER_TURN]";

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
    /// `0:01 text`, `0:01text`
    TimedLines,
    /// TTML and YouTube's timed text.
    Xml,
    Sami,
    /// SubStation Alpha.
    Ass,
    MicroDvd,
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
            Self::Sami => "sami",
            Self::Ass => "ass",
            Self::MicroDvd => "microdvd",
        }
    }
}

/// The kind of captions in a text, judged by its start. `None` if the text is something else.
pub(crate) fn kind(text: &str) -> Option<Captions> {
    let sample = text
        .split_at(text.floor_char_boundary(SAMPLE_BYTES))
        .0
        .trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if sample.starts_with("WEBVTT") {
        return Some(Captions::WebVtt);
    }
    if sample
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case("<sami"))
    {
        return Some(Captions::Sami);
    }
    if sample.starts_with('<') {
        return xml::is_captions(sample).then_some(Captions::Xml);
    }
    if sample.starts_with("[Script Info]") || sample.starts_with("[Events]") {
        return Some(Captions::Ass);
    }
    let mut lines = sample.lines().filter(|line| !line.trim().is_empty());
    if sample.starts_with('{')
        && lines
            .by_ref()
            .take(2)
            .all(|line| rows::frames(line).is_some())
    {
        return Some(Captions::MicroDvd);
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
    /// Bare times with text after them, and those that are glued to it.
    inline: usize,
    glued: usize,
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
            } else if time::is_lost(line) {
                tally.comma_arrows += 1;
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
                Form::Glued => &mut tally.glued,
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
        let texts =
            self.bracketed_starts + self.inline + self.glued + self.first_texts + self.more_texts;
        let is_cut =
            self.unfinished * 4 >= texts && self.labelled * 2 <= texts && self.long * 4 <= texts;
        if !is_cut {
            return None;
        }
        if is_most(self.bracketed_starts, self.lines) {
            return Some(Captions::Lyrics);
        }
        if is_most(self.inline, self.lines) || is_most(self.glued, self.lines) {
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
    is_change: bool,
    start: Option<i64>,
    end: Option<i64>,
    lines: Vec<Span>,
    escapes: Escapes,
}

#[derive(Debug)]
enum Source {
    Lines(Lines),
    Xml(Xml),
    Rows(Rows),
}

impl Source {
    fn new(kind: Captions) -> Self {
        match kind {
            Captions::Xml | Captions::Sami => Self::Xml(Xml::default()),
            Captions::Ass => Self::Rows(Rows::ass()),
            Captions::MicroDvd => Self::Rows(Rows::micro_dvd()),
            _ => Self::Lines(Lines::new(kind)),
        }
    }

    fn read(&mut self, block: &str, sink: &mut dyn FnMut(&Raw<'_>)) {
        match self {
            Self::Lines(lines) => lines.read(block, sink),
            Self::Xml(xml) => xml.read(block, sink),
            Self::Rows(rows) => rows.read(block, sink),
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
            is_turned: false,
        }
    }
}

/// The second pass over a text, which reads its cues. Blocks end after an empty line where possible, or else after a line.
#[derive(Debug)]
pub(crate) struct Reader {
    source: Source,
    labels: Labels,
    rolling: Rolling,
    /// The last caption ends with [`TURN`].
    is_turned: bool,
}

impl Reader {
    /// Hands on the cues of a block up to its last line end, or the last end of an element. Returns where the next block has to
    /// start.
    pub(crate) fn read_whole(&mut self, block: &Block<'_>, sink: &mut dyn FnMut(Cue<'_>)) -> usize {
        let text = block.text;
        let end = match &self.source {
            _ if block.is_last || text.ends_with('\n') => Some(text.len()),
            Source::Xml(_) => xml::end_of_last(text),
            _ => text.rfind('\n').map(|end| end + 1),
        };
        let end = block.start + end.unwrap_or(0);
        if end > block.start {
            self.read(block.up_to(end).text, sink);
        }
        end
    }

    /// Hands on the cues of the next block, with spans relative to it.
    pub(crate) fn read(&mut self, block: &str, sink: &mut dyn FnMut(Cue<'_>)) {
        let Self {
            source,
            labels,
            rolling,
            is_turned,
        } = self;
        source.read(block, &mut |raw| {
            let (mut captions, was_turned) = (raw.by_speaker(labels), *is_turned);
            if let Some(line) = captions.last_mut().and_then(|last| last.lines.last_mut()) {
                let said = line.of(block).strip_suffix(TURN).map(str::trim_end);
                *is_turned = said.is_some();
                line.end = said.map_or(line.end, |said| line.start + said.len());
            }
            if let Some(first) = captions.first_mut() {
                first.is_change |= was_turned;
            }
            for mut caption in captions {
                caption.lines.retain(|line| line.len() > 0);
                rolling.drop_repeated(block, &mut caption);
                if caption.lines.is_empty() {
                    continue;
                }
                sink(Cue {
                    speaker: caption.speaker,
                    is_change: caption.is_change,
                    start: caption.start,
                    end: caption.end,
                    confidence: raw.confidence,
                    text: caption.lines,
                    escapes: caption.escapes,
                    joint: Joint::Blank,
                });
            }
        });
    }
}

impl Reader {
    /// What a reader of the summary should know about the captions.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let (warning, strays) = match &self.source {
            Source::Lines(lines) => (lines.warning(), 0),
            Source::Xml(xml) => (xml.warning(), xml.strays),
            Source::Rows(rows) => (None, rows.strays),
        };
        let strays = (strays > 0)
            .then(|| format!("words of the file that are in no caption were left out: {strays}"));
        warning.into_iter().chain(strays).collect()
    }
}

impl<'b> Raw<'b> {
    /// Splits a caption at voice tags, labels and chevrons.
    fn by_speaker(&self, labels: &Labels) -> Vec<Caption<'b>> {
        if let Some(caption) = self.object() {
            return vec![caption];
        }
        let named = self
            .label
            .map(cleaned)
            .or_else(|| self.identifier.and_then(quoted));
        let heading = self.lines.first().map(|line| line.of(self.block));
        let heading = heading
            .filter(|line| self.lines.len() > 1 && named.is_none() && labels.is_heading(line));
        let mut parts = vec![self.caption(named.or(heading.map(cleaned)))];
        for &line in self.lines.iter().skip(usize::from(heading.is_some())) {
            let mut at = line.start;
            let text = line.of(self.block);
            if label::is_bare(text) {
                self.push(&mut parts, at + dash(text)..line.end);
                continue;
            }
            while let Some(voice) = voice(self.block, Span::from(at..line.end)) {
                self.push(&mut parts, at..voice.tag.start);
                parts.push(self.caption(Some(voice.name)));
                at = voice.tag.end;
            }
            if at > line.start {
                self.push(&mut parts, at..line.end);
                continue;
            }
            while at < line.end {
                let rest = Span::from(at..line.end).of(self.block);
                let end = at + next_change(rest);
                if let Some((name, body)) =
                    label(rest).filter(|(name, _)| labels.is_speaker_of(rest, name))
                {
                    parts.push(self.caption(Some(cleaned(name))));
                    at += body;
                } else if starts_change(rest) {
                    parts.push(Caption {
                        is_change: true,
                        ..self.caption(None)
                    });
                } else {
                    at += dash(rest);
                }
                self.push(&mut parts, at..end.max(at));
                at = end.max(at);
            }
        }
        parts.retain(|part| !part.lines.is_empty());
        self.share_time(&mut parts);
        parts
    }

    /// A caption of the metadata that Teams exports: `{"speakerName": "Anna Berg", "spokenText": "Yes.", …}`.
    fn object(&self) -> Option<Caption<'b>> {
        let (first, last) = (self.lines.first()?, self.lines.last()?);
        let text = self.block.split_at(last.end).0;
        if !first.of(text).starts_with('{') {
            return None;
        }
        let (mut name, mut said) = (None, None);
        let mut cursor = Cursor::new(text, first.start);
        let read = cursor.members(|key, cursor| {
            let value = cursor.skip()?;
            let quotes = value.of(text).starts_with('"');
            let value = quotes.then(|| Span::from(value.start + 1..value.end - 1));
            match key {
                "speakerName" => name = value,
                "spokenText" => said = value,
                _ => {}
            }
            Ok::<(), Broken>(())
        });
        let said = said.filter(|_| read.is_ok())?;
        Some(Caption {
            lines: vec![said],
            escapes: Escapes::Json,
            ..self.caption(name.map(|name| unescaped(name.of(self.block))))
        })
    }

    fn caption(&self, speaker: Option<Cow<'b, str>>) -> Caption<'b> {
        Caption {
            speaker: speaker.filter(|name| !name.trim().is_empty()),
            is_change: false,
            start: self.start,
            end: self.end,
            lines: Vec::new(),
            escapes: Escapes::None,
        }
    }

    /// Adds what is said to the last part.
    fn push(&self, parts: &mut [Caption<'b>], said: std::ops::Range<usize>) {
        if let Some(part) = parts.last_mut() {
            part.push(self.block, said);
        }
    }

    /// Divides the time among several speakers by the number of their words.
    fn share_time(&self, parts: &mut [Caption<'b>]) {
        let Some((start, end)) = self.start.zip(self.end).filter(|_| parts.len() > 1) else {
            return;
        };
        let words = |part: &Caption<'_>| {
            let lines = part.lines.iter().map(|line| line.of(self.block));
            i64::try_from(lines.map(words::count).sum::<usize>()).unwrap_or(i64::MAX)
        };
        let total = parts.iter().map(words).sum::<i64>().max(1);
        let time = |said: i64| {
            start.saturating_add(end.saturating_sub(start).saturating_mul(said) / total)
        };
        let mut said = 0;
        for part in parts {
            part.start = Some(time(said));
            said += words(part);
            part.end = Some(time(said));
        }
    }
}

impl Caption<'_> {
    fn push(&mut self, block: &str, part: std::ops::Range<usize>) {
        let text = block.get(part.clone()).unwrap_or_default();
        let mut push = |from: usize, to: usize| {
            let line = text.get(from..to).unwrap_or_default();
            let start = part.start + to - line.trim_start().len();
            let end = start + line.trim().len();
            if start < end {
                self.lines.push(Span::from(start..end));
            }
        };
        // Line breaks and blanks of SubStation Alpha, which converters leave in other captions.
        let mut from = 0;
        for (at, mark) in text.match_indices('\\') {
            let (_, after) = text.split_at(at + mark.len());
            if after.starts_with(['N', 'h']) {
                push(from, at);
                from = at + "\\N".len();
            }
        }
        push(from, text.len());
    }
}

/// A voice tag of WebVTT, as `<v Anna Berg>` or `<v.loud Anna Berg>`.
struct Voice<'b> {
    name: Cow<'b, str>,
    tag: Span,
}

fn voice(block: &str, part: Span) -> Option<Voice<'_>> {
    let text = part.of(block);
    if !text.contains('<') {
        return None;
    }
    for (at, _) in text.match_indices("<v") {
        let after = text.split_at(at + "<v".len()).1;
        let Some(end) = after.bytes().position(|byte| matches!(byte, b'<' | b'>')) else {
            continue;
        };
        let (inside, rest) = after.split_at(end);
        let (classes, name) = inside
            .split_once(char::is_whitespace)
            .unwrap_or((inside, ""));
        let is_name = name.len() <= MAX_NAME_BYTES;
        if is_name && rest.starts_with('>') && (classes.is_empty() || classes.starts_with('.')) {
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

/// Whether a text starts with the chevrons that announce another speaker.
fn starts_change(text: &str) -> bool {
    text.starts_with(">>") || text.starts_with("&gt;&gt;")
}

/// The offset of the next such chevrons inside the text, or its length.
fn next_change(text: &str) -> usize {
    // Looking for one byte at a time is fastest, if the line is not so long that this is repeated for every change.
    if text.len() <= LINE_BYTES && !text.contains('>') && !text.contains('&') {
        return text.len();
    }
    let mut before = ' ';
    let mut is_inside = false;
    for (at, c) in text.char_indices() {
        if is_inside
            && before.is_whitespace()
            && matches!(c, '>' | '&')
            && starts_change(text.split_at(at).1)
        {
            return at;
        }
        is_inside |= c.is_alphanumeric();
        before = c;
    }
    text.len()
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

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;

    use super::*;
    use crate::transcript::decode::Decoded;

    /// (speaker, start, end, text) of a cue.
    type Said = (Option<String>, Option<i64>, Option<i64>, String);

    /// Reads `text` in the given blocks.
    fn read_blocks(kind: Captions, blocks: &[&str]) -> Vec<Said> {
        let mut survey = Survey::new(kind);
        blocks.iter().for_each(|block| survey.read(block));
        let mut reader = survey.reader();
        let mut said = Vec::new();
        for block in blocks {
            reader.read(block, &mut |cue| {
                let lines: Vec<_> = cue
                    .text
                    .iter()
                    .map(|line| cleaned(line.of(block)))
                    .collect();
                let text = lines.join(" ");
                said.push((
                    cue.speaker.map(Cow::into_owned),
                    cue.start,
                    cue.end,
                    text.trim().to_owned(),
                ));
            });
        }
        said
    }

    fn read(text: &str) -> Vec<Said> {
        let kind = kind(text).unwrap_or_else(|| panic!("no captions: {text}"));
        read_blocks(kind, &[text])
    }

    fn texts(text: &str) -> Vec<String> {
        read(text).into_iter().map(|(.., text)| text).collect()
    }

    /// (speaker, text) of each cue.
    fn turns(text: &str) -> Vec<(String, String)> {
        let said = read(text).into_iter();
        said.map(|(speaker, .., text)| (speaker.unwrap_or_default(), text))
            .collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected
            .iter()
            .map(|&(who, what)| (who.to_owned(), what.to_owned()))
            .collect()
    }

    const DIALOGUE: [(&str, i64, i64, &str); 6] = [
        (
            "Ruth Adler",
            1_000,
            4_500,
            "The tender for the ferry closes",
        ),
        (
            "Ruth Adler",
            4_500,
            7_000,
            "on Monday, and 14 yards want it.",
        ),
        ("Omar Said", 7_250, 8_000, "Good."),
        (
            "Omar Said",
            9_000,
            12_000,
            "Who reads the offers? It isn't me,",
        ),
        ("Omar Said", 12_000, 13_500, "as far as I know."),
        ("Ruth Adler", 3_601_000, 3_602_750, "It is you."),
    ];

    fn clock(millis: i64, separator: char) -> String {
        let (seconds, rest) = (millis / 1000, millis % 1000);
        format!(
            "{:02}:{:02}:{:02}{separator}{rest:03}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )
    }

    #[test]
    fn every_kind_gives_the_same_cues() {
        type Write1 = fn(usize, &str, i64, i64, &str) -> String;
        let kinds: [(&str, &str, Write1); 29] = [
            ("webvtt", "WEBVTT\n\n", |_, who, from, to, text| {
                format!(
                    "{} --> {} align:start\n<v {who}>{text}</v>\n\n",
                    clock(from, '.'),
                    clock(to, '.')
                )
            }),
            (
                "webvtt",
                "WEBVTT - call\nKind: captions\n\nSTYLE\n::cue { color: red }\n\nNOTE made\nby hand\n\n",
                |at, who, from, to, text| {
                    format!(
                        "{at}\n{} --> {}\n{who}: {text}\n\n",
                        clock(from, '.'),
                        clock(to, '.')
                    )
                },
            ),
            ("webvtt", "", |at, who, from, to, text| {
                format!(
                    "NOTE Confidence: 0.93\n\n3f2a-{at}/9-0\n{} --> {}\n<v.loud {who}>{text}\n\n",
                    clock(from, '.'),
                    clock(to, '.')
                )
            }),
            ("webvtt", "WEBVTT\n\n", |at, who, from, to, text| {
                format!(
                    "{at} \"{who}\" (3100)\n{} --> {}\n{text}\n\n",
                    clock(from, '.'),
                    clock(to, '.')
                )
            }),
            ("subrip", "", |at, who, from, to, text| {
                format!(
                    "{}\n{} --> {}\n{who}: {text}\n\n",
                    at + 1,
                    clock(from, ','),
                    clock(to, ',')
                )
            }),
            ("subrip", "", |at, who, from, to, text| {
                format!(
                    "{}\r\n{} --> {}\r\n{{\\an8}}<i>{who}: {text}</i>\r\n\r\n",
                    at + 1,
                    clock(from, ','),
                    clock(to, ',')
                )
            }),
            ("subrip", "", |_, who, from, to, text| {
                format!(
                    "{} --> {}\n{who}: {text}\n\n",
                    clock(from, ','),
                    clock(to, ',')
                )
            }),
            ("subrip", "", |at, who, from, to, text| {
                format!(
                    "{}\n{} --> {}\n{who}: {text}\n",
                    at + 1,
                    clock(from, ','),
                    clock(to, ',')
                )
            }),
            ("subrip", "", |at, who, from, to, text| {
                format!(
                    "{} {} --> {} {who}: {text}\n",
                    at + 1,
                    clock(from, ','),
                    clock(to, ',')
                )
            }),
            ("sbv", "", |_, who, from, to, text| {
                format!(
                    "{},{}\n>> {who}: {text}\n\n",
                    clock(from, '.'),
                    clock(to, '.')
                )
            }),
            ("bracketed", "", |_, who, from, to, text| {
                format!(
                    "[{} --> {}]   {who}: {text}\n",
                    clock(from, '.'),
                    clock(to, '.')
                )
            }),
            ("bracketed", "Ferry call\n\n", |_, who, from, to, text| {
                format!(
                    "[{}.{:03}s -> {}.{:03}s] {who}: {text}\n",
                    from / 1000,
                    from % 1000,
                    to / 1000,
                    to % 1000
                )
            }),
            ("bracketed", "", |_, who, from, to, text| {
                format!(
                    "[{who}] [{} --> {}] {text}\n",
                    clock(from, '.'),
                    clock(to, '.')
                )
            }),
            ("bracketed", "", |_, who, from, to, text| {
                format!(
                    "{who} [{} - {}]: {text}\n\n",
                    clock(from, '.'),
                    clock(to, '.')
                )
            }),
            ("bracketed", "", |_, who, from, to, text| {
                format!(
                    "[{} --> {}] [{who}] {text}\n",
                    clock(from, '.'),
                    clock(to, '.')
                )
            }),
            ("bracketed", "", |_, who, from, to, text| {
                format!(
                    "[{} --> {}] [{who}]: {text}\n",
                    clock(from, '.'),
                    clock(to, '.')
                )
            }),
            (
                "ttml",
                "<?xml version='1.0'?><tt xmlns='http://www.w3.org/ns/ttml'><body><div>",
                |_, who, from, to, text| {
                    format!(
                        "<p begin=\"{}\" end=\"{}\"><span>{who}: {text}</span></p>\n",
                        clock(from, '.'),
                        clock(to, '.')
                    )
                },
            ),
            ("ttml", "<transcript>", |_, who, from, to, text| {
                let length = to - from;
                format!(
                    "<text start=\"{}.{:03}\" dur=\"{}.{:03}\">{who}: {}</text>",
                    from / 1000,
                    from % 1000,
                    length / 1000,
                    length % 1000,
                    text.replace('\'', "&amp;#39;")
                )
            }),
            (
                "ttml",
                "<timedtext format=\"3\"><body>",
                |_, who, from, to, text| {
                    format!("<p t=\"{from}\" d=\"{}\">{who}: {text}</p>", to - from)
                },
            ),
            ("webvtt", "WEBVTT\n\n", |_, who, from, to, text| {
                format!(
                    "{}-->{}\n<b>{who}</b>: {}\n\n",
                    clock(from, '.'),
                    clock(to, '.'),
                    text.replace(' ', "\n")
                )
            }),
            ("webvtt", "WEBVTT\n\n", |_, who, from, to, text| {
                format!(
                    "{} --> {}\n\n[{who}] {text}\n\n\n",
                    clock(from, '.'),
                    clock(to, '.')
                )
            }),
            ("webvtt", "", |_, who, from, to, text| {
                format!(
                    "{} - {}\n{who}\n{text}\n\n",
                    clock(from, '.'),
                    clock(to, '.')
                )
            }),
            ("webvtt", "", |_, who, from, to, text| {
                format!(
                    "{} --> {}\n\n{who}\n{text}\n\n",
                    clock(from, '.'),
                    clock(to, '.')
                )
            }),
            ("webvtt", "WEBVTT\n\n", |at, who, from, to, text| {
                let said = serde_json::json!({"startDateTime": at, "speakerName": who, "spokenText": text});
                format!("{} --> {}\n{said}\n\n", clock(from, '.'), clock(to, '.'))
            }),
            (
                "ass",
                "[Script Info]\n; made by hand\nTitle: Ferry\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\nComment: 0,0:00:00.00,0:00:01.00,Default,,0,0,0,,Hm\n",
                |_, who, from, to, text| {
                    format!(
                        "Dialogue: 0,{},{},Default,{who},0,0,0,,{{\\i1\\pos(20,30)}}{}\n",
                        clock(from, '.'),
                        clock(to, '.'),
                        text.replace(' ', "\\N")
                    )
                },
            ),
            (
                "ass",
                "[Script Info]\n[Events]\nFormat: Start, End, Actor, Text\n",
                |_, who, from, to, text| {
                    format!(
                        "Dialogue: {},{},{who},{}\n",
                        clock(from, '.'),
                        clock(to, '.'),
                        text.replace(' ', "\\h")
                    )
                },
            ),
            ("microdvd", "{1}{1}20.000\n", |_, who, from, to, text| {
                format!(
                    "{{{}}}{{{}}}{{y:i}}{who}: {}\n",
                    from / 50,
                    to / 50,
                    text.replace(' ', "|")
                )
            }),
            (
                "ttml",
                "<tt xml:lang=\"en\"><head><ttm:agent xml:id=\"s1\"><ttm:name type=\"full\">Ruth Adler</ttm:name></ttm:agent>\n</head><body><div>\n",
                |_, who, from, to, text| {
                    let agent = if who == "Ruth Adler" { "s1" } else { who };
                    format!(
                        "<p xml:id=\"c\" begin=\"{}\" end=\"{}\" ttm:agent=\"{agent}\">{}</p>\n",
                        clock(from, '.'),
                        clock(to, '.'),
                        text.replace(' ', "<br/>")
                    )
                },
            ),
            ("ttml", "", |_, who, from, to, text| {
                format!(
                    "<div ttm:agent=\"{who}\"><p begin=\"{}\" end=\"{}\">{text}</p></div>\n",
                    clock(from, '.'),
                    clock(to, '.')
                )
            }),
        ];
        let expected: Vec<Said> = DIALOGUE
            .map(|(who, from, to, text)| {
                (Some(who.to_owned()), Some(from), Some(to), text.to_owned())
            })
            .to_vec();
        for (at, (name, header, caption)) in kinds.into_iter().enumerate() {
            let cues = DIALOGUE
                .iter()
                .enumerate()
                .map(|(at, &(who, from, to, text))| caption(at, who, from, to, text));
            let text = header.to_owned() + &cues.collect::<String>();
            let kind = kind(&text).unwrap_or_else(|| panic!("{at}: {text}"));
            assert_eq!(kind.name(), name, "{at}");
            let said = read_blocks(kind, &[&text]);
            let timed: Vec<Said> = said.into_iter().filter(|said| said.1.is_some()).collect();
            assert_eq!(timed, expected, "{at}: {text}");
            // One block per paragraph.
            let blocks: Vec<&str> = text.split_inclusive("\n\n").collect();
            let timed: Vec<Said> = read_blocks(kind, &blocks)
                .into_iter()
                .filter(|said| said.1.is_some())
                .collect();
            assert_eq!(timed, expected, "{at} in blocks: {text}");
        }
    }

    #[test]
    fn kinds_with_start_times_only_are_recognized_if_they_cut_sentences() {
        let lines = [
            "so the tender for",
            "the ferry closes",
            "on monday and then",
            "we read the offers",
            "that came in.",
        ];
        for (name, first) in [
            ("timed-lines", "0:01\n"),
            ("timed-lines", "0:01\n1 second\n"),
            ("timed-lines", "0:01 "),
            ("lrc", "[00:01.50] "),
        ] {
            let text: String = lines
                .iter()
                .map(|line| format!("{first}{line}\n"))
                .collect();
            assert_eq!(kind(&text).map(Captions::name), Some(name), "{text}");
            assert_eq!(texts(&text), lines, "{text}");
        }
        let song = "[ar:Nobody]\n[length:03:00]\n[00:01.00] one\n[00:02.00] two\n[00:03.00] three\n[00:04.00]four\n[00:05.00]five\n[00:06.00]six\n[00:07.00]seven\n[00:08.00]eight\n";
        assert_eq!(texts(song).len(), 8);
    }

    #[test]
    fn other_texts_are_no_captions() {
        for text in [
            "",
            "Anna: Yes.\nTom: No.\n",
            "[00:00:01] Anna: The tender closes.\n[00:00:05] Tom: Good.\n[00:00:09] Anna: Then we read.\n",
            "Anna Berg\n0:03\nThe tender closes.\n\nTom Wu\n0:05\nGood.\n\nAnna Berg\n0:09\nYes.\n",
            "0:03\nAnna: The tender closes.\n0:05\nTom: Good.\n0:09\nAnna: Yes.\n",
            "10:15 Anna: Hi there\n10:16 Tom: Hello\n10:17 Anna: So\n",
            "At 02:34 --> that is when it broke.\n02:34 --> that is when it broke again.\n",
            "{\"start\": 1.0, \"end\": 2.0}",
            "<p>0:03</p><p>Anna</p>",
            "We spoke from\n10:15 - 11:00\nand then\nwent\nto\nthe\nyard\nto\nsee\nthe\nferry\nand\neat.\n",
        ] {
            assert_eq!(kind(text), None, "{text}");
        }
    }

    #[test]
    fn oddities_of_files_are_read() {
        for (text, expected) in [
            // Text after an empty line, a number that is spoken, a broken time line, a missing last line.
            (
                "1\n00:00:01,000 --> 00:00:02,000\nOne\n\ntwo.\n\n2\n00:00:02,000 --> 00:00:03,000\n1986\n\n3\n00:00:03,000 --> 00:00:0x\nThree",
                vec!["One two.", "1986", "Three"],
            ),
            (
                "1\n00:00:01,000 --> 00:00:02,000\n1986\n2\n00:00:02,000 --> 00:00:03,000\nTwo",
                vec!["1986", "Two"],
            ),
            (
                "100\n00:00:01,000 --> 00:00:02,000\nOne\n\n101\n00:00:02,000 --> 00:00:03,000\nTwo\n\n102\n",
                vec!["One", "Two"],
            ),
            (
                "WEBVTT\n\n130:00:01.000 --> 130:00:02.000\n02:34 --> that is when\n",
                vec!["02:34 --> that is when"],
            ),
            (
                "WEBVTT\n\n00:01.000 --> 00:02.000\n- Yes.\n- No.\n",
                vec!["Yes. No."],
            ),
            (
                "WEBVTT\n\n00:01.000 --> 00:02.000\n\n00:02.000 --> 00:03.000\nSo\n",
                vec!["So"],
            ),
            ("WEBVTT", vec![]),
            (
                "1\n\n00:00:01,000 --> 00:00:02,000\n\nOne\n\n2\n\n00:00:02,000 --> 00:00:03,000\n\nTwo\n",
                vec!["One", "Two"],
            ),
        ] {
            assert_eq!(texts(text), expected, "{text}");
        }
    }

    #[test]
    fn voices_and_labels_split_a_cue() {
        let two = "WEBVTT\n\n00:01.000 --> 00:04.000\n<v Ruth &amp; Co>Is it\nhere?</v> <v Omar>Yes.</v>\n\n00:04.000 --> 00:05.000\nIt is.\n";
        assert_eq!(
            turns(two),
            pairs(&[
                ("Ruth & Co", "Is it here?"),
                ("Omar", "Yes."),
                ("", "It is.")
            ])
        );
        let labels = "1\n00:00:01,000 --> 00:00:04,000\n- Ruth: Is it?\n- Omar: Yes.\n\n2\n00:00:04,000 --> 00:00:05,000\nNote: this is new.\n\n3\n00:00:05,000 --> 00:00:06,000\nRuth: Good.\n\n4\n00:00:06,000 --> 00:00:07,000\nOmar: Fine.\n";
        assert_eq!(
            turns(labels),
            pairs(&[
                ("Ruth", "Is it?"),
                ("Omar", "Yes."),
                ("", "Note: this is new."),
                ("Ruth", "Good."),
                ("Omar", "Fine.")
            ])
        );
    }

    #[test]
    fn elements_with_times_are_no_page() {
        let caption = "<div><p begin=\"00:00:01\" end=\"00:00:03\" ttm:agent=\"Ruth\">Is it<br/>here?</p></div>\n";
        let decoded = Decoded::from(caption.repeat(4));
        let (spoken, _) = crate::transcript::format::read(decoded).unwrap();
        assert_eq!(spoken.format, "ttml");
        assert!(
            spoken.text.starts_with("Ruth: Is it here?"),
            "{}",
            spoken.text
        );
    }

    #[test]
    fn speakers_of_a_cue_share_its_time_by_their_words() {
        let text =
            "WEBVTT\n\n00:01.000 --> 00:06.000\n<v Ruth>Is it here?</v>\n<v Omar>It is.</v>\n";
        let times = read(text)
            .into_iter()
            .map(|(_, start, end, _)| (start, end));
        assert_eq!(
            times.collect::<Vec<_>>(),
            [(Some(1_000), Some(4_000)), (Some(4_000), Some(6_000))]
        );
    }

    #[test]
    fn chevrons_without_a_name_change_the_speaker() {
        let cues = [
            (0, 2_000, ">> RUTH: is it here"),
            (2_000, 4_000, "today &gt;&gt; it is\n>> good"),
            (4_000, 6_000, "so then >> RUTH: we"),
            (6_000, 8_000, ">> RUTH: see 3 >> 2 --> 1"),
        ];
        let text = subrip(&cues);
        let mut survey = Survey::new(Captions::SubRip);
        survey.read(&text);
        let mut found = Vec::new();
        survey.reader().read(&text, &mut |cue| {
            let said: Vec<_> = cue
                .text
                .iter()
                .map(|line| cleaned(line.of(&text)))
                .collect();
            let speaker = cue.speaker.map(Cow::into_owned);
            found.push((speaker, cue.is_change, said.join(" ")));
        });
        let expected = [
            (Some("RUTH"), false, "is it here"),
            (None, false, "today "),
            (None, true, "it is"),
            (None, true, "good"),
            (None, false, "so then "),
            (Some("RUTH"), false, "we"),
            (Some("RUTH"), false, "see 3"),
            (None, true, "2 --> 1"),
        ];
        let said = |(who, is_change, what): (Option<&str>, bool, &str)| {
            (who.map(str::to_owned), is_change, what.trim().to_owned())
        };
        assert_eq!(found, expected.map(said));
    }

    #[test]
    fn a_mark_at_the_end_of_a_caption_changes_the_speaker() {
        let text = "[00:00:01.000 --> 00:00:02.000]   Is it here? [SPEAKER_TURN]\n[00:00:02.000 --> 00:00:03.000]   It is.\n[00:00:03.000 --> 00:00:04.000]   Today.\n";
        let mut found = Vec::new();
        Survey::new(Captions::Bracketed)
            .reader()
            .read(text, &mut |cue| {
                let said = cue.text.iter().map(|line| line.of(text));
                found.push((cue.is_change, said.collect::<Vec<_>>().join(" ")));
            });
        let expected = [(false, "Is it here?"), (true, "It is."), (false, "Today.")];
        assert_eq!(
            found,
            expected.map(|(is_change, said)| (is_change, said.to_owned()))
        );
    }

    #[test]
    fn the_confidence_of_a_note_belongs_to_the_next_cue() {
        let text = "WEBVTT\n\nNOTE Confidence: 0.93\n\n00:01.000 --> 00:02.000\nOne\n\n00:02.000 --> 00:03.000\nTwo\n";
        let mut found = Vec::new();
        Survey::new(Captions::WebVtt)
            .reader()
            .read(text, &mut |cue| found.push(cue.confidence));
        assert_eq!(found, [Some(93), None]);
    }

    /// SubRip of (start, end, text).
    fn subrip(cues: &[(i64, i64, &str)]) -> String {
        let mut text = String::new();
        for (at, (start, end, said)) in cues.iter().enumerate() {
            writeln!(
                text,
                "{}\n{} --> {}\n{said}\n",
                at + 1,
                clock(*start, ','),
                clock(*end, ',')
            )
            .unwrap();
        }
        text
    }

    #[test]
    fn rolling_captions_are_read_once() {
        let lines = [
            "so the tender for the ferry",
            "closes on monday",
            "yeah",
            "and 14 yards want it",
        ];
        let mut cues = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            let start = at as i64 * 2_000;
            let above = at
                .checked_sub(1)
                .map_or(String::new(), |above| format!("{}\n", lines[above]));
            cues.push((start, start + 1_990, format!("{above}{line}")));
            cues.push((start + 1_990, start + 2_000, (*line).to_owned()));
        }
        let cues: Vec<_> = cues
            .iter()
            .map(|(start, end, text)| (*start, *end, text.as_str()))
            .collect();
        assert_eq!(texts(&subrip(&cues)), lines);
        let tagged = "WEBVTT\n\n00:00.000 --> 00:01.990 align:start\n \nso<00:00:00.500><c> the</c><00:00:01.000><c> tender</c>\n\n00:01.990 --> 00:02.000\nso the tender\n \n\n00:02.000 --> 00:04.000\nso the tender\nis<00:00:02.500><c> closed</c>\n";
        assert_eq!(texts(tagged), ["so the tender", "is closed"]);
    }

    #[test]
    fn what_is_in_no_caption_is_counted() {
        let ass = "[Script Info]\nTitle: Ferry\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n; a note\n\
                   Dialogue: 0,0:00:01.00,0:00:02.00,Default,Ana,0,0,0,,We met.\nBen: It rained all day.\n";
        let whole = "<tt xmlns=\"http://www.w3.org/ns/ttml\"><body><p begin=\"1s\">We met.</p></body></tt>\n";
        let cut = &whole[..whole.len() - "</p></body></tt>\n".len()];
        for (kind, text, warnings) in [
            (
                Captions::Ass,
                ass.to_owned(),
                &["words of the file that are in no caption were left out: 5"][..],
            ),
            (Captions::Xml, whole.to_owned(), &[]),
            (
                Captions::Xml,
                format!("{whole}Ben: It rained all day.\n"),
                &["words of the file that are in no caption were left out: 5"],
            ),
            (
                Captions::Xml,
                cut.to_owned(),
                &["the file ends within its captions: the rest is missing"],
            ),
            (
                Captions::MicroDvd,
                "{25}{50}We met.\nIt rained.\n".to_owned(),
                &["words of the file that are in no caption were left out: 2"],
            ),
        ] {
            let mut reader = Survey::new(kind).reader();
            let mut said = Vec::new();
            reader.read(&text, &mut |cue| {
                said.push(cue.text[0].of(&text).to_owned())
            });
            assert_eq!(said, ["We met."], "{text}");
            assert_eq!(reader.warnings(), warnings, "{text}");
        }
    }

    #[test]
    fn captions_without_times_keep_all_their_words() {
        for times in [
            "00:00:00,000 --> 00:00:00,000",
            "NaN --> NaN",
            "NaN:NaN:NaN,NaN --> NaN:NaN:NaN,NaN",
        ] {
            let cues = (1..=9)
                .map(|n| format!("{n}\n{times}\nThe ferry leaves from pier {n} at noon.\n\n"));
            let text: String = cues.collect();
            assert_eq!(kind(&text), Some(Captions::SubRip), "{text}");
            let said: Vec<String> = read(&text).into_iter().map(|(.., said)| said).collect();
            let all: Vec<String> = (1..=9)
                .map(|n| format!("The ferry leaves from pier {n} at noon."))
                .collect();
            assert_eq!(said, all, "{times}");
        }
    }

    #[test]
    fn marks_of_other_formats_are_read_as_such() {
        for (text, said) in [
            (
                "1\n00:00:01,000 --> 00:00:02,000\nWe met\\Nat the\\hpier.\n\n",
                "We met at the pier.",
            ),
            (
                "<tt xmlns=\"http://www.w3.org/ns/ttml\"><body><p begin=\"1s\"><![CDATA[We met & left]]> early.</p></body></tt>",
                "We met & left early.",
            ),
        ] {
            let all: Vec<String> = read(text).into_iter().map(|(.., said)| said).collect();
            assert_eq!(all, [said], "{text}");
        }
    }

    #[test]
    fn nothing_is_lost_in_damaged_captions() {
        let one = "1\n00:00:01,000 --> 00:00:02,000\nWe met.\n\n2\n";
        let damaged = format!(
            "{one}00:00:0x,500 --> 00:00:04,000\nWe talked.\n\n3\n00:00:05,000 --\nWe left.\n\n4\n00:00:07,000 --> 00:00:08,000\nIt rained.\n"
        );
        let mut survey = Survey::new(Captions::SubRip);
        survey.read(&damaged);
        let mut reader = survey.reader();
        let mut said = Vec::new();
        reader.read(&damaged, &mut |cue| {
            said.push((cue.start, cue.text[0].of(&damaged).to_owned()))
        });
        let expected = [
            (Some(1_000), "We met."),
            (None, "We talked."),
            (Some(5_000), "We left."),
            (Some(7_000), "It rained."),
        ];
        assert_eq!(said, expected.map(|(start, text)| (start, text.to_owned())));
        let warning = reader.warnings().pop().unwrap();
        assert!(warning.ends_with("2, the first in line 6"), "{warning}");
        for (before, expected) in [
            ("WEBVTT\n\nWe begin.\n\n", "We begin."),
            (
                "WEBVTT call\nKind: captions\n\n00:01.0x0 > 00:04.000\nWe begin.\n\n",
                "We begin.",
            ),
            (
                "WEBVTT\n\nKind: captions\nLanguage: en\n\nSTYLE\n::cue { color: red }\n\n",
                "",
            ),
        ] {
            let text = format!("{before}00:05.000 --> 00:06.000\nWe left.\n");
            let texts = texts(&text);
            assert_eq!(
                texts.join(" ").trim(),
                format!("{expected} We left.").trim()
            );
        }
    }

    #[test]
    fn growing_captions_are_read_once() {
        let cues = [
            (0, 500, "we"),
            (500, 1_000, "We want"),
            (1_000, 1_500, "We want 39"),
            (1_500, 2_000, "We want 39, really"),
            (2_000, 2_500, "Then"),
        ];
        assert_eq!(
            texts(&subrip(&cues)),
            ["we", "want", "39", "really", "Then"]
        );
        let revised = [
            (0, 500, "we want the tenor"),
            (0, 1_500, "we want the tender to close"),
            (1_500, 2_000, "soon"),
        ];
        assert_eq!(
            texts(&subrip(&revised)),
            ["we want the tenor", "to close", "soon"]
        );
        let unspaced = [
            (0, 500, "我们"),
            (500, 1_000, "我们今天"),
            (1_000, 1_500, "我们今天开会"),
        ];
        assert_eq!(texts(&subrip(&unspaced)), ["我们", "今天", "开会"]);
    }

    #[test]
    fn what_people_say_twice_is_read_twice() {
        let loops = [
            (0, 2_000, "Thanks."),
            (2_000, 4_000, "Thanks."),
            (4_000, 6_000, "Thanks."),
            (6_000, 7_000, "Thanks. I mean it."),
            (9_000, 9_200, "Thanks."),
        ];
        assert_eq!(texts(&subrip(&loops)), loops.map(|(.., text)| text));
        let others = "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ruth>we do\n\n00:02.000 --> 00:03.000\n<v Omar>we do not\n";
        assert_eq!(
            turns(others),
            pairs(&[("Ruth", "we do"), ("Omar", "we do not")])
        );
    }

    proptest! {
        #[test]
        fn mutated_captions_are_read(cuts in prop::collection::vec((0..2_000_usize, 0..2_000_usize, "[<>:\\-\n0-9a ,.\\[\\]\"&é]{0,4}"), 0..6), from in 0..5_usize) {
            let cues = DIALOGUE.iter().map(|(who, from, to, text)| format!("7\n{} --> {}\n<v {who}>{who}: {text}\n<p begin=\"1s\">{text}</p>\n\n", clock(*from, '.'), clock(*to, '.')));
            let mut text = cues.collect::<String>();
            for (at, len, insert) in cuts {
                let start = text.floor_char_boundary(at.min(text.len()));
                let end = text.floor_char_boundary((start + len % 20).min(text.len()));
                text.replace_range(start..end, &insert);
            }
            kind(&text);
            let kinds = [Captions::WebVtt, Captions::SubRip, Captions::Bracketed, Captions::TimedLines, Captions::Xml];
            read_blocks(kinds[from], &[&text]);
        }
    }
}
