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
pub(crate) mod plain;
mod table;
mod writer;

pub use writer::Talk;

use captions::Captions;
use clean::entity;
use cue::Cue;
use table::Columns;
use writer::{Block, Writer, Written};

use crate::chain::chain;
use crate::text::{Span, words};
use crate::transcript::decode::{Decoded, Rejection, SourceMap};
use crate::transcript::segment::Segments;

/// Bytes of the decoded text that are read at once. Its memory is used again for the spoken text.
const BLOCK_BYTES: usize = 1024 * 1024;

/// Confidence in percent below which a transcript gets a warning.
const LOW_CONFIDENCE: u8 = 80;

/// A text of which more than one part in this many was left out as no words gets a warning.
const JUNK_SHARE: usize = 10;

/// Share of words among the tokens of a text, in percent, below which it gets a warning.
const LEAST_PROSE: usize = 50;

/// Tokens that a text must have to be judged.
const MIN_TOKENS: usize = 50;

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
    Json,
    Captions(Captions, Box<captions::Reader>),
    Table(Columns),
    Plain(lines::Reader),
}

impl Reader {
    fn of(text: &str) -> Self {
        if json::is_mostly_json(text) {
            Self::Json
        } else if let Some(kind) = captions::kind(text) {
            let mut survey = captions::Survey::new(kind);
            survey.read(text);
            Self::Captions(kind, Box::new(survey.reader()))
        } else if let Some(columns) = table::columns(text) {
            Self::Table(columns)
        } else {
            Self::Plain(lines::Reader::new(plain::analyze(text)))
        }
    }

    /// Whether a text may be read in blocks of lines.
    fn takes_blocks(&self) -> bool {
        matches!(self, Self::Captions(..) | Self::Plain(_))
    }

    /// Reads a block and returns what the format tells about the transcript.
    fn read(
        &mut self,
        block: &Block<'_>,
        writer: &mut Writer,
    ) -> Result<Option<json::Found>, Rejection> {
        let mut cue = |cue: Cue<'_>| writer.cue(block, &cue);
        match self {
            Self::Json => {
                return json::read(block.text, &mut cue)
                    .map(Some)
                    .map_err(|error| Rejection::Json(chain(&error)));
            }
            Self::Captions(_, reader) => reader.read(block.text, &mut cue),
            Self::Table(columns) => table::read(block.text, columns, &mut cue),
            Self::Plain(reader) => reader.read(block, writer),
        }
        Ok(None)
    }

    /// What a reader of the summary should know about damage to the file.
    fn warning(&self) -> Option<String> {
        match self {
            Self::Captions(_, reader) => reader.warning(),
            Self::Json | Self::Table(_) | Self::Plain(_) => None,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Captions(kind, _) => kind.name(),
            Self::Table(columns) => columns.name(),
            Self::Plain(_) => "plain",
        }
    }
}

/// Reads what was said out of a decoded text.
///
/// # Errors
/// If nothing was said, or the text is JSON of an unknown format.
pub(crate) fn read(decoded: Decoded) -> Result<(Spoken, Segments), Rejection> {
    let is_xml = || captions::kind(&decoded.text) == Some(Captions::Xml);
    let is_html = html::is_html(&decoded.text) && !is_xml();
    let decoded = if is_html { reduced(&decoded) } else { decoded };
    let Decoded {
        text,
        encoding,
        bytes: size,
        source_map,
    } = decoded;
    let damaged = text.matches(char::REPLACEMENT_CHARACTER).count();
    let mut reader = Reader::of(&text);
    let (mut text, mut done, mut found) = match write(&mut reader, text, &source_map) {
        Ok(written) => written,
        Err((rejection, text)) => {
            return without_json(&text, encoding, size, &source_map).unwrap_or(Err(rejection));
        }
    };
    if done.words == 0 && !matches!(reader, Reader::Plain(_)) {
        // A few marks of a format may stand before plain text, such as `WEBVTT` alone.
        reader = Reader::Plain(lines::Reader::new(plain::analyze(&text)));
        (text, done, found) = write(&mut reader, text, &source_map).map_err(|(why, _)| why)?;
    }
    if done.words == 0 {
        return Err(Rejection::NothingSaid);
    }
    if let Some(found) = found.as_ref().filter(|found| found.is_bare_text) {
        // The only string of the file may itself be a transcript, with labels.
        let decoded = Decoded {
            text,
            encoding,
            bytes: size,
            source_map: done.map,
        };
        let (mut spoken, segments) = self::read(decoded)?;
        spoken.format = found.maker;
        spoken.warnings.extend(found.warning.clone());
        return Ok((spoken, segments));
    }
    let segments = Segments::new(done.segments, done.speakers, text.len());
    let mut warnings: Vec<String> = reader.warning().into_iter().collect();
    warnings.extend(found.as_ref().and_then(|found| found.warning.clone()));
    if damaged > 0 {
        warnings.push(format!(
            "the file is damaged: {damaged} of its characters cannot be read and are shown as \u{fffd}"
        ));
    }
    if let Some(said) = done.loops.longest() {
        warnings.push(format!(
            "the recognizer repeated itself: {} repetitions, such as of “{said}”, count for nothing and are left out",
            done.loops.repeats()
        ));
    }
    if let Some(percent) = done.confidence.filter(|percent| *percent < LOW_CONFIDENCE) {
        warnings.push(format!(
            "the transcript was recognized with a confidence of {percent} % (under {LOW_CONFIDENCE} %): names, numbers and whole \
             sentences may be wrong"
        ));
    }
    if done.junk * JUNK_SHARE > text.len() + done.junk {
        let percent = 100 * done.junk / (text.len() + done.junk);
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
    let spoken = Spoken {
        text,
        words: done.words,
        talk: done.talk,
        format: found
            .as_ref()
            .map_or(if is_html { "html" } else { reader.name() }, |found| {
                found.maker
            }),
        encoding,
        bytes: size,
        confidence: done.confidence,
        language: found.and_then(|found| found.language),
        warnings,
        source_map: done.map,
    };
    Ok((spoken, segments))
}

/// Reads a text whose JSON is no transcript without that JSON, if it is less than half of it.
fn without_json(
    text: &str,
    encoding: &'static str,
    bytes: u64,
    source_map: &SourceMap,
) -> Option<Result<(Spoken, Segments), Rejection>> {
    let kept = json::beside(text)?;
    let mut rest = String::new();
    let mut map = source_map.restarted();
    let first = (0, source_map.position("", 0));
    for part in kept {
        for (stretch, source) in source_map.stretches(text, first, part) {
            map.mark(rest.len(), source);
            rest.push_str(stretch);
        }
    }
    let left_out = text.len() - rest.len();
    let read = self::read(Decoded {
        text: rest,
        encoding,
        bytes,
        source_map: map,
    });
    Some(read.map(|(mut spoken, segments)| {
        let warning = format!("{left_out} bytes of JSON are no transcript and were left out");
        spoken.warnings.push(warning);
        (spoken, segments)
    }))
}

/// Writes what a reader finds in a text over the text itself, which is left as it is if nothing was said. Without a
/// transcript in it, it is returned as it was.
fn write(
    reader: &mut Reader,
    text: String,
    source_map: &SourceMap,
) -> Result<(String, Written, Option<json::Found>), (Rejection, String)> {
    let mut writer = Writer::new(source_map);
    // The spoken text takes the place of what has been read, so that both never are in memory at once.
    let mut bytes = text.into_bytes();
    let (mut read, mut source, mut written) = (0, source_map.position("", 0), 0);
    let mut found = None;
    while read < bytes.len() {
        let rest = bytes.split_at(read).1;
        let length = if reader.takes_blocks() {
            end_of_block(rest)
        } else {
            rest.len()
        };
        let text = std::str::from_utf8(rest.split_at(length).0)
            .map_err(|_| (Rejection::Empty, String::new()))?;
        let block = Block {
            text,
            start: read,
            source,
            map: source_map,
        };
        match reader.read(&block, &mut writer) {
            Ok(now) => found = now.or(found),
            Err(rejection) => {
                return Err((rejection, String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
        read = block.end();
        source = block.position(read);
        let finished = writer.take(read - written);
        if let Some(place) = bytes.get_mut(written..written + finished.len()) {
            place.copy_from_slice(finished.as_bytes());
        }
        written += finished.len();
    }
    let done = writer.finish();
    if done.words > 0 {
        bytes.truncate(written);
        bytes.extend_from_slice(done.fresh.as_bytes());
        bytes.shrink_to_fit();
    }
    let text = String::from_utf8(bytes).map_err(|_| (Rejection::Empty, String::new()))?;
    Ok((text, done, found))
}

/// The lines that a browser shows of a page. Entities that may be taken for markup afterwards are left to the cleaner.
fn reduced(page: &Decoded) -> Decoded {
    let mut text = String::new();
    let mut source_map = page.source_map.restarted();
    let mut put = |piece: &str, at| {
        source_map.mark(text.len(), page.source_map.position(&page.text, at));
        text.push_str(piece);
    };
    html::pieces(&page.text, &mut |piece| match piece {
        html::Piece::Keep(span) => {
            let (mut from, mut at) = (span.start, span.start);
            while let Some(found) = Span::from(at..span.end).of(&page.text).find('&') {
                let start = at + found;
                at = start + 1;
                let rest = Span::from(start..span.end).of(&page.text);
                let decoded =
                    entity(rest).filter(|(c, _)| !matches!(c, '<' | '&') && !c.is_control());
                if let Some((c, length)) = decoded {
                    put(Span::from(from..start).of(&page.text), from);
                    put(c.encode_utf8(&mut [0; 4]), start);
                    at = start + length;
                    from = at;
                }
            }
            put(Span::from(from..span.end).of(&page.text), from);
        }
        html::Piece::Insert { at, character } => put(character.encode_utf8(&mut [0; 4]), at),
    });
    Decoded {
        text,
        encoding: page.encoding,
        bytes: page.bytes,
        source_map,
    }
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
            words += usize::from(token.contains(char::is_alphabetic) && token.chars().all(is_part));
            all += 1;
        }
    }
    (all >= MIN_TOKENS).then(|| 100 * words / all)
}

/// The length of the next block: about [`BLOCK_BYTES`], to the end of a blank line if there is one, else of a line.
fn end_of_block(rest: &[u8]) -> usize {
    let Some((_, after)) = rest.split_at_checked(BLOCK_BYTES) else {
        return rest.len();
    };
    let near = after.get(..BLOCK_BYTES / 16).unwrap_or(after);
    let blank = near
        .windows(2)
        .position(|pair| pair == b"\n\n")
        .map(|at| at + 2);
    let line = || {
        after
            .iter()
            .position(|byte| *byte == b'\n')
            .map(|at| at + 1)
    };
    blank
        .or_else(line)
        .map_or(rest.len(), |end| BLOCK_BYTES + end)
}

/// Counts bytes that a scan looks at, as work that must stay linear: a time depends on the machine.
#[cfg(not(test))]
fn looked_at(_bytes: usize) {}

#[cfg(test)]
use tests::{looked_at, work};

#[cfg(test)]
mod tests;
