//! Reads what was said out of a decoded text, whatever tool exported it.
//!
//! The format is recognized by its content, never by the name of the file. Its reader finds who speaks when and what is
//! said; [`Writer`] turns this into the spoken text, on which all later steps work.

mod captions;
mod clean;
mod cue;
mod field;
mod html;
mod join;
mod json;
mod lines;
mod loops;
mod overwritten;
pub(crate) mod plain;
mod table;
mod writer;
mod xml;

pub(crate) use clean::{without_invisible, without_tags};
pub use writer::Talk;

use captions::Captions;
use cue::Cue;
use overwritten::Overwritten;
use writer::{Block, Writer, Written};

use crate::chain::chain;
use crate::text::{Span, words};
use crate::transcript::decode::{Decoded, Rejection, SourceMap};
use crate::transcript::segment::Segments;

/// Bytes of the decoded text that are read at once. Its memory is used again for the spoken text.
const BLOCK_BYTES: usize = 1024 * 1024;

/// Confidence in percent below which a transcript gets a warning.
const LOW_CONFIDENCE: u8 = 80;

/// So many words in comments get a warning. A comment such as "page 3" has fewer.
const MIN_HIDDEN: usize = 5;

/// A text of which more than one part in this many was left out as no words gets a warning.
const JUNK_SHARE: usize = 10;

/// Share of words among the tokens of a text, in percent, below which it gets a warning.
const LEAST_PROSE: usize = 50;

/// Tokens that a text must have to be judged.
const MIN_TOKENS: usize = 50;

/// A text is a log if it has more than one level in this many tokens.
const LOG_LINE_TOKENS: usize = 25;

/// Bytes of a sample, and their number.
const SAMPLE_BYTES: usize = 4 * 1024;
const SAMPLES: usize = 16;

/// What was said, with what is known of its source.
#[derive(Debug, Clone)]
pub struct Spoken {
    /// The spoken text: one paragraph per turn, beginning with its speaker's name.
    pub text: String,
    /// Words spoken, without names and time stamps.
    pub words: usize,
    /// Shares of the talk, in the order of the speakers.
    pub talk: Vec<Talk>,
    /// Name of the format, such as `plain`, `webvtt` or `amazon-transcribe`.
    pub format: &'static str,
    /// WHATWG name of the source's encoding, such as `UTF-8` or `windows-1252`.
    pub encoding: &'static str,
    /// Size of the source in bytes.
    pub bytes: u64,
    /// Mean recognition confidence in percent, where the format has one.
    pub confidence: Option<u8>,
    /// Language code, where the format has one.
    pub language: Option<String>,
    /// What a reader of the summary should know about the transcript.
    pub warnings: Vec<String>,
    /// Maps offsets in the text to offsets in the source.
    pub source_map: SourceMap,
}

impl Spoken {
    /// A text that is not read but taken as it is.
    pub(crate) fn verbatim(text: String) -> Self {
        let decoded = Decoded::from(text);
        Self {
            words: words::count(&decoded.text),
            talk: Vec::new(),
            format: "plain",
            encoding: decoded.encoding,
            bytes: decoded.bytes,
            confidence: None,
            language: None,
            warnings: Vec::new(),
            source_map: decoded.source_map,
            text: decoded.text,
        }
    }
}

/// How a text is read.
enum Reader {
    Json(Box<json::Reader>),
    Captions(Captions, Box<captions::Reader>),
    Table(Box<table::Reader>),
    Plain(Box<lines::Reader>),
}

impl Reader {
    fn of(text: &str) -> Result<Self, Rejection> {
        if json::is_python(text) {
            return Err(Rejection::Json(json::Unknown::Python.to_string()));
        }
        // Teams puts JSON into the captions of WebVTT.
        let is_webvtt = text.trim_start().starts_with("WEBVTT");
        Ok(if !is_webvtt && json::is_mostly_json(text) {
            let reader = json::Reader::new(text).map_err(|error| match error {
                json::Unknown::Silent => Rejection::NothingSaid,
                error => Rejection::Json(chain(&error)),
            })?;
            Self::Json(Box::new(reader))
        } else if let Some(kind) = captions::kind(text) {
            let mut survey = captions::Survey::new(kind);
            survey.read(text);
            Self::Captions(kind, Box::new(survey.reader()))
        } else if let Some(reader) = table::Reader::new(text) {
            Self::Table(Box::new(reader))
        } else {
            Self::plain(text)
        })
    }

    fn plain(text: &str) -> Self {
        Self::Plain(Box::new(lines::Reader::new(plain::analyze(text))))
    }

    /// Reads a block. Returns the offset in the decoded text at which the next block has to start.
    fn read(&mut self, block: &Block<'_>, writer: &mut Writer) -> Result<usize, Rejection> {
        let mut cue = |cue: Cue<'_>| writer.cue(block, &cue);
        Ok(match self {
            Self::Json(reader) => reader
                .read(block, &mut cue)
                .map_err(|error| Rejection::Json(chain(&error)))?,
            Self::Captions(_, reader) => reader.read_whole(block, &mut cue),
            Self::Table(reader) => reader.read(block, &mut cue),
            Self::Plain(reader) => reader.read(block, writer),
        })
    }

    fn language(&self) -> Option<String> {
        match self {
            Self::Json(reader) => reader.language.clone(),
            _ => None,
        }
    }

    /// What a reader of the summary should know about damage to the file.
    fn warnings(&self) -> Vec<String> {
        match self {
            Self::Captions(_, reader) => reader.warnings(),
            Self::Json(reader) => reader.warnings.clone(),
            Self::Table(reader) => reader.warnings(),
            Self::Plain(_) => Vec::new(),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Json(reader) => reader.maker,
            Self::Captions(kind, _) => kind.name(),
            Self::Table(reader) => reader.name(),
            Self::Plain(_) => "plain",
        }
    }
}

/// Reads what was said out of a decoded text.
///
/// # Errors
/// If nothing was said, or the text is JSON of an unknown format.
pub(crate) fn read(decoded: Decoded) -> Result<(Spoken, Segments), Rejection> {
    read_in_blocks(decoded, BLOCK_BYTES)
}

fn read_in_blocks(decoded: Decoded, size: usize) -> Result<(Spoken, Segments), Rejection> {
    let is_xml = || {
        matches!(
            captions::kind(&decoded.text),
            Some(Captions::Xml | Captions::Sami)
        )
    };
    if let Some(reason) = xml::refused(&decoded.text) {
        return Err(Rejection::Xml(reason));
    }
    let is_html = html::is_html(&decoded.text) && !is_xml();
    let decoded = if is_html {
        let mut page = html::Reader::default();
        reduced(decoded, size, &mut |block, sink| page.read(block, sink))?
    } else {
        decoded
    };
    let mut reader = match Reader::of(&decoded.text) {
        Ok(reader) => reader,
        Err(rejection) => return without_json(decoded, size).unwrap_or(Err(rejection)),
    };
    if let Reader::Json(json) = &reader
        && let Some(bare) = &json.bare_text
    {
        // The only string of the file may itself be a transcript, with labels.
        let decoded = reduced(decoded, size, &mut |block, sink| bare.read(block, sink))?;
        let (mut spoken, segments) = read_in_blocks(decoded, size)?;
        spoken.format = json.maker;
        spoken.warnings.extend(reader.warnings());
        return Ok((spoken, segments));
    }
    let Decoded {
        text,
        encoding,
        bytes,
        source_map,
    } = decoded;
    let damaged = match text.is_ascii() {
        true => 0,
        false => text.matches(char::REPLACEMENT_CHARACTER).count(),
    };
    let (mut text, mut done) = write(&mut reader, text, &source_map, size)?;
    if done.words == 0 && !matches!(reader, Reader::Plain(_)) {
        // A few marks of a format may stand before plain text, such as `WEBVTT` alone.
        reader = Reader::plain(&text);
        (text, done) = write(&mut reader, text, &source_map, size)?;
    }
    if done.words == 0 {
        return Err(Rejection::NothingSaid);
    }
    let segments = Segments::new(done.segments, done.speakers, text.len());
    let mut warnings = reader.warnings();
    if damaged > 0 {
        warnings.push(format!(
            "the file is damaged: {damaged} of its characters cannot be read and are shown as \u{fffd}"
        ));
    }
    if let Some(said) = done.loops.longest() {
        warnings.push(format!(
            "the recognizer repeated itself: {} repetitions, such as of “{}”, are left out",
            done.loops.repeats(),
            said.split_whitespace().collect::<Vec<_>>().join(" ")
        ));
    }
    if let Some(percent) = done.confidence.filter(|percent| *percent < LOW_CONFIDENCE) {
        warnings.push(format!(
            "the transcript was recognized with a confidence of {percent} % (under {LOW_CONFIDENCE} %): names, numbers and whole \
             sentences may be wrong"
        ));
    }
    if done.left.hidden >= MIN_HIDDEN {
        warnings.push(format!(
            "{} words in comments of HTML (`<!-- … -->`) were left out: if they were said, put them outside",
            done.left.hidden
        ));
    }
    let junk = done.left.junk;
    if junk * JUNK_SHARE > text.len() + junk {
        let percent = 100 * junk / (text.len() + junk);
        warnings.push(format!(
            "{percent} % of the text are no words, such as encoded pictures, and were left out"
        ));
    }
    if let Some(percent) = prose_percent(&text).filter(|percent| *percent < LEAST_PROSE) {
        warnings.push(format!(
            "the file hardly reads like speech: only {percent} % of what stands between its blanks are words, the rest are \
             numbers, addresses or code; it may be no transcript"
        ));
    }
    if is_log(&text) {
        warnings
            .push("the file looks like the log of a program: it may be no transcript".to_owned());
    }
    let spoken = Spoken {
        text,
        words: done.words,
        talk: done.talk,
        format: match reader {
            Reader::Captions(..) | Reader::Table(_) | Reader::Plain(_) if is_html => "html",
            _ => reader.name(),
        },
        encoding,
        bytes,
        confidence: done.confidence,
        language: reader.language(),
        warnings,
        source_map: done.map,
    };
    Ok((spoken, segments))
}

/// Reads a text whose JSON is no transcript without that JSON, if it is less than half of it.
fn without_json(decoded: Decoded, size: usize) -> Option<Result<(Spoken, Segments), Rejection>> {
    let kept = json::beside(&decoded.text)?;
    let before = decoded.text.len();
    let read = |decoded: Decoded| {
        let left_out = before - decoded.text.len();
        let (mut spoken, segments) = read_in_blocks(decoded, size)?;
        let warning = format!("{left_out} bytes of JSON are no transcript and were left out");
        spoken.warnings.push(warning);
        Ok((spoken, segments))
    };
    let reduced = reduced(decoded, size, &mut |block, sink| {
        let in_block = |at: usize| at.clamp(block.start, block.end()) - block.start;
        let first = kept.partition_point(|part| part.end <= block.start);
        let parts = kept.iter().skip(first);
        for part in parts.take_while(|part| part.start < block.end()) {
            sink(Piece::Keep(Span::from(
                in_block(part.start)..in_block(part.end),
            )));
        }
        block.end()
    });
    Some(reduced.and_then(read))
}

/// Writes what a reader finds in a text over the text itself, which is left as it is if nothing was said.
fn write(
    reader: &mut Reader,
    text: String,
    source_map: &SourceMap,
    size: usize,
) -> Result<(String, Written), Rejection> {
    let mut writer = Writer::new(source_map);
    if let Reader::Plain(lines) = &*reader {
        writer.expect(lines.turns());
    }
    let mut text = Overwritten::new(text, source_map, size);
    while let Some(block) = text.block()? {
        let next = reader.read(&block, &mut writer)?;
        text.advance(next)?;
        text.put(&writer.take(text.room()));
    }
    let done = writer.finish();
    let text = match done.words {
        0 => text.unwritten()?,
        _ => text.finish(&done.fresh)?,
    };
    Ok((text, done))
}

/// A piece of a text that is reduced before it is read.
enum Piece {
    /// A part of the block.
    Keep(Span),
    /// What a part of the block stands for.
    Replace(Span, char),
    /// A character between two parts.
    Insert(char),
}

/// Hands on the pieces of a block, and returns the offset at which the next block has to start.
type Pieces<'r> = &'r mut dyn FnMut(&Block<'_>, &mut dyn FnMut(Piece)) -> usize;

/// Replaces a text by its pieces, which are never longer.
fn reduced(decoded: Decoded, size: usize, pieces: Pieces<'_>) -> Result<Decoded, Rejection> {
    let mut map = decoded.source_map.restarted();
    let mut text = Overwritten::new(decoded.text, &decoded.source_map, size);
    while let Some(block) = text.block()? {
        let mut fresh = String::new();
        let next = pieces(&block, &mut |piece| match piece {
            Piece::Keep(part) => {
                let part = Span::from(block.start + part.start..block.start + part.end);
                for (stretch, source) in block.stretches(part) {
                    map.mark(text.written() + fresh.len(), source);
                    fresh.push_str(stretch);
                }
            }
            Piece::Replace(part, character) => {
                let source = block.position(block.start + part.start);
                map.mark(text.written() + fresh.len(), source);
                fresh.push(character);
            }
            Piece::Insert(character) => fresh.push(character),
        });
        text.advance(next)?;
        text.put(&fresh);
    }
    Ok(Decoded {
        text: text.finish("")?,
        source_map: map,
        encoding: decoded.encoding,
        bytes: decoded.bytes,
    })
}

/// The share of words in samples of a text, in percent of its tokens. `None` if the text is too short to tell.
fn prose_percent(text: &str) -> Option<usize> {
    let (mut words, mut all) = (0, 0);
    let step = (text.len() / SAMPLES).max(SAMPLE_BYTES);
    for start in (0..text.len()).step_by(step) {
        let start = text.ceil_char_boundary(start);
        let end = text.floor_char_boundary(start + SAMPLE_BYTES);
        for token in Span::from(start..end).of(text).split_whitespace() {
            let token = token.trim_matches(|c: char| "\"'*-–—“”‘’«»„…¿¡".contains(c));
            let token = token
                .trim_start_matches(['(', '['])
                .trim_end_matches(['.', ',', ';', ':', '?', '!', ')', ']', '"', '”', '»', '’']);
            let is_part = |c: char| !c.is_ascii() || c.is_ascii_alphabetic() || "'-./,".contains(c);
            // Scripts without blanks have numbers and marks inside of their tokens.
            let is_letter = |c: &char| !c.is_ascii() && c.is_alphabetic();
            let is_unspaced =
                || token.chars().filter(is_letter).count() * 2 > token.chars().count();
            let is_word = token.contains(char::is_alphabetic) && token.chars().all(is_part);
            words += usize::from(is_word || is_unspaced());
            all += 1;
        }
    }
    (all >= MIN_TOKENS).then(|| 100 * words / all)
}

/// Whether the start of a text has a level such as `ERROR` again and again, as the lines of a log have.
fn is_log(text: &str) -> bool {
    let sample = text.split_at(text.floor_char_boundary(SAMPLE_BYTES)).0;
    let (mut levels, mut all) = (0, 0);
    for token in sample.split_whitespace() {
        let token = token.trim_matches(['[', ']', ':']);
        levels += usize::from(plain::LOG_LEVELS.contains(&token));
        all += 1;
    }
    all >= MIN_TOKENS && levels * LOG_LINE_TOKENS > all
}

/// Counts bytes that a scan looks at, as work that must stay linear: a time depends on the machine.
#[cfg(not(test))]
fn looked_at(_bytes: usize) {}

#[cfg(test)]
use tests::{looked_at, work};

#[cfg(test)]
mod tests;
