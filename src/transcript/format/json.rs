//! Reads transcripts in JSON: those of speech services and meeting tools, and lists of objects with text and speaker or time.
//!
//! Nothing is built but an outline: the paths of all values near the root, where arrays are represented by their first
//! elements. One table, [`SHAPES`], tells at which path a known format has its entries; for any other file the best list of
//! objects with text is taken. Then one walker visits the entries where they stand in the text. What their members mean is
//! told by their names, in the dictionary that tables use too ([`Field`]), so that the table needs neither names nor units of
//! most formats. Megabytes of word lists are skipped, not read.

pub(super) mod cursor;
mod damaged;
mod words;

use std::borrow::Cow;
use std::collections::HashMap;

use crate::text::Span;
use crate::transcript::format::Piece;
use crate::transcript::format::cue::{Cue, Escapes, Joint};
use crate::transcript::format::field::{
    self, Field, Rate, Role, Time, Unit, Zero, channel_label, percent, speaker_label,
};
use crate::transcript::format::writer::{Block, unescape};
pub(crate) use cursor::Broken;
use cursor::Cursor;
use words::{Group, Word};

/// Depth of the outline. Formats have their entries at most this deep.
const OUTLINE_DEPTH: usize = 10;

/// Elements of an array that represent it in the outline: the first ones of YouTube's have no text.
const OUTLINE_ELEMENTS: usize = 4;

/// Maximum number of values in the outline. Those of every format are found long before.
const OUTLINE_VALUES: usize = 4096;

/// Maximum number of lists that are tried in a file of an unknown format.
const MAX_GUESSES: usize = 12;

/// Bytes of text that a list must have to be taken for speech if it has neither speakers nor times.
const MIN_BARE_BYTES: usize = 100;

/// Average length of a word with the blank after it.
const WORD_BYTES: usize = 6;

/// Maximum number of people that a file introduces.
const MAX_PEOPLE: usize = 4096;

/// Longer names are cut.
const MAX_NAME_BYTES: usize = 200;

/// Members of an unknown file that an error message names.
const MAX_NAMED: usize = 12;

/// Length of the longest escape of a character, `\\ud83d\\ude42`.
const LONGEST_ESCAPE: usize = 12;

/// Path component of array elements.
const ELEMENT: &str = "[]";

/// Where a format has its entries.
#[derive(Debug, Clone, Copy)]
struct Shape {
    maker: &'static str,
    /// Path of the list of entries. The file may have it inside something else, as in the answer of an API.
    at: &'static str,
    /// A path that must exist too, beside the other.
    tell: &'static str,
    /// The unit of times that are bare numbers. If not known, it follows from the rate of speech.
    unit: Option<Unit>,
    /// The entries are single words.
    words: bool,
    /// Path of a list that tells who speaks when.
    turns: &'static str,
    /// Path of a list with confidences.
    confidence: &'static str,
    /// The last entry repeats all words, with speakers.
    repeats: bool,
}

impl Default for Shape {
    fn default() -> Self {
        SHAPE
    }
}

const SHAPE: Shape = Shape {
    maker: "",
    at: "",
    tell: "",
    unit: Some(Unit::Seconds),
    words: false,
    turns: "",
    confidence: "",
    repeats: false,
};

/// The known formats, in the order in which they are tried. Names are lower-case letters only.
#[rustfmt::skip]
const SHAPES: &[Shape] = &[
    Shape { maker: "amazon-transcribe", at: "results.audiosegments", confidence: "results.items", ..SHAPE },
    Shape { maker: "amazon-transcribe", at: "results.channellabels.channels", tell: "results.channellabels.channels.[].items.[].alternatives", ..SHAPE },
    Shape { maker: "amazon-transcribe", at: "results.items", tell: "results.items.[].alternatives", words: true, turns: "results.speakerlabels.segments", ..SHAPE },
    Shape { maker: "amazon-transcribe", at: "results.transcripts", ..SHAPE },
    Shape { maker: "amazon-transcribe-streaming", at: "transcript.results", tell: "transcript.results.[].alternatives", ..SHAPE },
    Shape { maker: "amazon-call-analytics", at: "transcript", tell: "transcript.[].beginoffsetmillis", ..SHAPE },
    Shape { maker: "deepgram", at: "results.utterances", ..SHAPE },
    Shape { maker: "deepgram", at: "results.channels.[].alternatives.[].paragraphs.paragraphs", ..SHAPE },
    Shape { maker: "deepgram", at: "results.channels.[].alternatives.[].words", words: true, ..SHAPE },
    Shape { maker: "deepgram", at: "results.channels", ..SHAPE },
    Shape { maker: "assemblyai", at: "utterances", tell: "audioduration", unit: Some(Unit::Millis), ..SHAPE },
    Shape { maker: "assemblyai", at: "words", tell: "audioduration", unit: Some(Unit::Millis), words: true, ..SHAPE },
    Shape { maker: "gladia", at: "transcription.utterances", ..SHAPE },
    Shape { maker: "rev", at: "monologues", tell: "monologues.[].elements", ..SHAPE },
    Shape { maker: "speechmatics", at: "results", tell: "results.[].alternatives.[].content", words: true, ..SHAPE },
    Shape { maker: "watson", at: "results", tell: "results.[].alternatives.[].timestamps", turns: "speakerlabels", ..SHAPE },
    Shape { maker: "google-speech", at: "results", tell: "results.[].alternatives", repeats: true, ..SHAPE },
    Shape { maker: "azure-speech", at: "recognizedphrases", ..SHAPE },
    Shape { maker: "azure-speech", at: "phrases", tell: "phrases.[].offsetmilliseconds", ..SHAPE },
    Shape { maker: "azure-video-indexer", at: "videos.[].insights.transcript", ..SHAPE },
    Shape { maker: "youtube", at: "events", tell: "events.[].segs", unit: Some(Unit::Millis), ..SHAPE },
    Shape { maker: "whisper.cpp", at: "transcription", tell: "transcription.[].offsets", ..SHAPE },
    Shape { maker: "hugging-face", at: "speakers", tell: "speakers.[].timestamp", ..SHAPE },
    Shape { maker: "hugging-face", at: "chunks", tell: "chunks.[].timestamp", ..SHAPE },
    Shape { maker: "podcast", at: "segments", tell: "segments.[].body", ..SHAPE },
    Shape { maker: "whisper", at: "segments", tell: "segments.[].text", unit: None, ..SHAPE },
    Shape { maker: "elevenlabs", at: "transcripts.[].words", tell: "transcripts.[].words.[].type", words: true, ..SHAPE },
    Shape { maker: "elevenlabs", at: "words", tell: "words.[].type", words: true, ..SHAPE },
    Shape { maker: "soniox", at: "tokens", tell: "tokens.[].startms", words: true, ..SHAPE },
];

/// Hands on what is said in a file, block by block.
#[derive(Debug)]
pub(crate) struct Reader {
    /// The program or service that writes this format, or `json`.
    pub(crate) maker: &'static str,
    /// Language code or name, as the file has it.
    pub(crate) language: Option<String>,
    /// The file has nothing but one string, which may itself be a transcript in plain text.
    pub(crate) bare_text: Option<BareText>,
    /// What a reader of the summary should know about the rest of the file.
    pub(crate) warnings: Vec<String>,
    known: Dictionary,
    entries: Entries,
}

/// Why a JSON file is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unknown {
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error(
        "the file is written in Python's notation, not in JSON: write it with json.dumps and upload that"
    )]
    Python,
    /// Of a recording in which nobody speaks.
    #[error("nothing was said")]
    Silent,
    #[error(
        "the file is JSON, but of no transcript format that this program knows: {}; export the transcript as text and \
         upload that",
        described(.members)
    )]
    Shape {
        /// Names of the top-level members, the first ones if there are many.
        members: Vec<String>,
    },
}

fn described(members: &[String]) -> String {
    match members {
        [] => "it has no members".to_owned(),
        members => format!("its top-level members are {}", members.join(", ")),
    }
}

/// Whether a text is JSON, by its beginning. A plain transcript may begin with `[00:00:03] Name:`, `[SPEAKER_00]:` or `{`.
pub(crate) fn is_json(text: &str) -> bool {
    let text = text.trim_start();
    let inner = text.trim_start_matches(|c: char| c == '[' || c.is_whitespace());
    let in_array = inner.len() < text.len();
    let mut cursor = Cursor::new(inner, 0);
    match cursor.peek() {
        Some(b'{') => {
            cursor.at += 1;
            match cursor.peek() {
                Some(b'"') => {
                    cursor.string().is_err() || matches!(cursor.peek(), Some(b':') | None)
                }
                next => matches!(next, Some(b'}') | None) && !inner.is_empty(),
            }
        }
        Some(b'"') if in_array => {
            cursor.string().is_ok() && matches!(cursor.peek(), Some(b',' | b']') | None)
        }
        // Nothing but a string, with its line ends.
        Some(b'"') => cursor.string().is_ok_and(|string| {
            string.of(inner).contains("\\n")
                && cursor.peek().is_none()
                && !inner.trim().contains('\n')
        }),
        // A list in which something is missing: `[null, {…`.
        Some(b'n') if in_array => inner
            .strip_prefix("null")
            .and_then(|rest| rest.trim_start().strip_prefix(','))
            .is_some_and(|rest| rest.trim_start().starts_with(['{', '[', '"', 'n'])),
        // A list of lists: `[[0.0, 2.5, …`.
        Some(b'0'..=b'9' | b'-')
            if text
                .get(1..)
                .is_some_and(|rest| rest.trim_start().starts_with('[')) =>
        {
            cursor.skip().is_ok() && cursor.peek() == Some(b',')
        }
        Some(b']') | None => in_array,
        _ => false,
    }
}

/// Whether a text is a list or dictionary as Python prints it: `[{'speaker': 'Ana', …`.
pub(crate) fn is_python(text: &str) -> bool {
    let inner = text.trim_start().trim_start_matches('[').trim_start();
    let key = inner
        .strip_prefix("{'")
        .and_then(|key| key.split_once('\''));
    key.is_some_and(|(key, after)| {
        key.len() <= MAX_NAME_BYTES && !key.contains('\n') && after.trim_start().starts_with(':')
    })
}

/// Whether a text is JSON, perhaps after a few lines of a log.
pub(crate) fn is_mostly_json(text: &str) -> bool {
    damaged::start(text).is_some()
}

/// The text beside JSON that is less than half of a text, as parts of it.
pub(crate) fn beside(text: &str) -> Option<Vec<Span>> {
    let values = damaged::values(text, 0).ok()?;
    let gaps: Vec<Span> = damaged::gaps(text, &values).collect();
    (!values.is_empty() && damaged::bytes(&gaps) > damaged::bytes(&values)).then_some(gaps)
}

impl Reader {
    /// Finds the spoken entries of a file.
    ///
    /// # Errors
    /// If the JSON is broken or not a transcript.
    pub(crate) fn new(text: &str) -> Result<Self, Unknown> {
        let mut file = File::new(text)?;
        if damaged::bytes(&file.values) * 2 < text.trim().len() {
            return Err(file.unknown());
        }
        let language = file.language();
        let mut warnings: Vec<String> = damaged::warning(text, &file.values).into_iter().collect();
        let mut best: Option<(List, Survey)> = None;
        let mut found: Vec<Elsewhere> = Vec::new();
        for shape in SHAPES {
            if best
                .as_ref()
                .is_some_and(|(list, _)| list.shape.maker != shape.maker)
            {
                continue;
            }
            for list in file.lists(shape) {
                let survey = file.survey(&list)?;
                found.push(Elsewhere::of(&list, &survey));
                // An excerpt may have all of the text but only a few of the words.
                let least = best.as_ref().map_or(0, |(_, best)| best.bytes * 2);
                if survey.bytes > least {
                    best = Some((list, survey));
                }
            }
        }
        let best = match best {
            // Any program may write segments, and other lists beside them or around them.
            Some((list, survey)) if list.shape.maker == "whisper" => {
                let other = file.guess(Some(&list.path))?;
                found.extend(
                    other
                        .iter()
                        .map(|(list, survey)| Elsewhere::of(list, survey)),
                );
                let other = other.filter(|(_, other)| other.is_better(&survey));
                let (list, mut survey) = other.unwrap_or((list, survey));
                survey.elsewhere = file.elsewhere(&found, &list, &survey);
                Some((list, survey))
            }
            Some(best) => Some(best),
            None => file.guess(None)?,
        };
        let (maker, entries, bare_text) = match &best {
            Some((list, survey)) => {
                let inside = format!("{}.{ELEMENT}", list.path);
                let full = file.bare_text(Some(inside.trim_start_matches('.')));
                let full = full.filter(|full| full.len() > MIN_BARE_BYTES + survey.len() * 10 / 9);
                let is_excerpt = full.is_some_and(|full| full.len() > survey.len() * 2);
                let words = |len: usize| len.div_ceil(WORD_BYTES);
                let incomplete = match full {
                    Some(full) => Some(format!(
                        "the file has a text of about {} words, but entries with speakers or times for only about {}: {} read",
                        words(full.len()),
                        words(survey.len()),
                        if is_excerpt { "the text without them was" } else { "only the entries were" },
                    )),
                    None => (survey.elsewhere > 0).then(|| format!(
                        "the file has several lists of entries: the longest was read, about {} words in others were left out",
                        words(survey.elsewhere)
                    )),
                };
                warnings.extend(incomplete);
                if survey.undivided > 0 {
                    warnings.push(format!(
                        "the file tells the speakers of only a part of its words: about {} have none",
                        words(survey.undivided)
                    ));
                }
                match full.filter(|_| is_excerpt) {
                    Some(full) => (list.shape.maker, Entries::default(), Some(BareText(full))),
                    None => (list.shape.maker, file.entries(list, survey)?, None),
                }
            }
            None => {
                let bare = file.bare_text(None).ok_or_else(|| file.unknown())?;
                ("json", Entries::default(), Some(BareText(bare)))
            }
        };
        Ok(Self {
            maker,
            language,
            bare_text,
            warnings,
            known: file.known,
            entries,
        })
    }

    /// Hands on the entries of a block, except one that is cut. Spans point at the raw contents of JSON strings. Returns where
    /// the next block has to start.
    pub(crate) fn read(
        &mut self,
        block: &Block<'_>,
        sink: &mut dyn FnMut(Cue<'_>),
    ) -> Result<usize, Broken> {
        let mut file = File {
            text: block.text,
            values: Vec::new(),
            outline: Vec::new(),
            known: std::mem::take(&mut self.known),
        };
        let next = self.entries.read(&mut file, block, sink);
        self.known = file.known;
        next
    }
}

/// The only text of a file: the raw contents of a string.
#[derive(Debug)]
pub(crate) struct BareText(Span);

impl BareText {
    /// Hands on the characters of a block, and returns where the next block has to start.
    pub(crate) fn read(&self, block: &Block<'_>, sink: &mut dyn FnMut(Piece)) -> usize {
        let end = self.0.end.min(block.end());
        let text = block.up_to(end.max(block.start)).text;
        let mut from = self.0.start.max(block.start) - block.start;
        let mut at = from;
        while let Some(escape) = text.get(at..).and_then(|rest| rest.find('\\')) {
            let start = at + escape;
            if end < self.0.end && text.len() - start < LONGEST_ESCAPE {
                sink(Piece::Keep(Span::from(from..start)));
                return block.start + start;
            }
            let (character, length) = unescape(text.split_at(start).1);
            sink(Piece::Keep(Span::from(from..start)));
            at = start + length;
            from = at;
            let character = match character {
                '\n' | '\u{1b}' => character,
                other if other.is_control() => ' ',
                other => other,
            };
            sink(Piece::Replace(Span::from(start..at), character));
        }
        if from < text.len() {
            sink(Piece::Keep(Span::from(from..text.len())));
        }
        // What stands before and after the string is left out.
        if end < self.0.end {
            block.end()
        } else {
            usize::MAX
        }
    }
}

/// A list of entries in the file.
struct List {
    shape: Shape,
    /// Path of the value that has the members which the shape names.
    base: String,
    /// Path of the list.
    path: String,
}

/// Whether a value is an empty list.
fn is_blank_list(value: &str) -> bool {
    let inside = value.strip_prefix('[');
    let inside = inside.and_then(|rest| rest.strip_suffix(']'));
    inside.is_some_and(is_blank)
}

/// A value of the outline.
struct Value {
    path: String,
    span: Span,
}

/// A value that may be told several times; the lowest rank wins.
#[derive(Debug, Clone, Copy)]
struct Ranked<T>(Option<(u8, T)>);

impl<T> Default for Ranked<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Ranked<T> {
    fn offer(&mut self, rank: u8, value: T) {
        if self.0.as_ref().is_none_or(|&(best, _)| rank < best) {
            self.0 = Some((rank, value));
        }
    }

    fn get(self) -> Option<T> {
        self.0.map(|(_, value)| value)
    }
}

/// An object as its members tell it.
#[derive(Debug, Default)]
struct Entry<'t> {
    text: Ranked<Span>,
    word: Ranked<Span>,
    /// Offset of the list of parts.
    parts: Ranked<usize>,
    speaker: Ranked<Cow<'t, str>>,
    channel: Ranked<Cow<'t, str>>,
    start: Ranked<Time>,
    end: Ranked<Time>,
    duration: Ranked<Time>,
    confidence: Option<f64>,
    is_mark: bool,
    is_preliminary: bool,
}

/// What the parts of an entry tell about it.
#[derive(Default)]
struct Parts<'t> {
    texts: usize,
    bytes: usize,
    /// Texts that begin or end with a blank.
    blanks: usize,
    speaker: Option<Cow<'t, str>>,
    has_speakers: bool,
    start: Option<Time>,
    end: Option<Time>,
}

impl<'t> Parts<'t> {
    /// Whether the parts tell who says what of an entry's text, of which they may be an excerpt.
    fn divide(&self, text: Span) -> bool {
        let said = self.bytes + self.texts;
        self.has_speakers && self.texts > 0 && 2 * said + MIN_BARE_BYTES > text.len()
    }

    /// The speaker, if it is the same in all parts.
    fn common_speaker(&self) -> Option<Cow<'t, str>> {
        self.speaker.clone().filter(|_| !self.has_speakers)
    }
}

/// What a first walk over a list finds out.
#[derive(Default)]
struct Survey {
    entries: usize,
    texts: usize,
    bytes: usize,
    /// Texts that begin or end with a blank.
    blanks: usize,
    speakers: usize,
    starts: usize,
    rate: Rate,
    first: Option<Time>,
    last: Option<Time>,
    latest_end: f64,
    earliest: Option<Time>,
    channel: Option<String>,
    has_channels: bool,
    is_disordered: bool,
    first_text: Option<Span>,
    /// Bytes of entries with several speakers that cannot be told apart.
    undivided: usize,
    /// Bytes of other lists beside this one that say something else.
    elsewhere: usize,
}

/// A list that was surveyed.
struct Elsewhere {
    path: String,
    bytes: usize,
    first_text: Option<Span>,
}

impl Elsewhere {
    fn of(list: &List, survey: &Survey) -> Self {
        Self {
            path: list.path.clone(),
            bytes: survey.bytes,
            first_text: survey.first_text,
        }
    }
}

impl Survey {
    fn is_speech(&self) -> bool {
        self.texts > 0 && (self.speakers > 0 || self.starts > 0 || self.bytes >= MIN_BARE_BYTES)
    }

    /// Length of all texts. Words are separated by blanks.
    fn len(&self) -> usize {
        self.bytes + self.texts
    }

    /// Whether a list tells more than another: as much of what was said with more speakers and times, or much more of it.
    fn is_better(&self, other: &Self) -> bool {
        let (tells, _, _) = self.score(false);
        let (known, _, _) = other.score(false);
        (tells > known && self.bytes * 10 >= other.bytes * 9)
            || (tells >= known && self.bytes * 4 > other.bytes * 5)
    }

    /// Whether a list is more likely the transcript than another.
    fn score(&self, words: bool) -> (u8, bool, usize) {
        let tells =
            u8::from(self.speakers * 2 > self.texts) + u8::from(self.starts * 2 > self.texts);
        (tells, !words, self.bytes)
    }
}

/// Who speaks when.
#[derive(Debug, Default)]
struct Turns {
    /// Start and index of the speaker, in order of time.
    all: Vec<(i64, usize)>,
    speakers: Vec<String>,
}

impl Turns {
    fn speaker_at(&self, start: i64) -> Option<&str> {
        let after = self.all.partition_point(|&(turn, _)| turn <= start);
        let (_, speaker) = self.all.get(after.checked_sub(1)?)?;
        self.speakers.get(*speaker).map(String::as_str)
    }
}

/// Hands on the entries of the best lists.
#[derive(Debug, Default)]
struct Entries {
    shape: Shape,
    unit: Unit,
    turns: Turns,
    /// Mean confidence, where entries have none.
    confidence: Option<f64>,
    has_channels: bool,
    /// Entries name their speakers, so that one without a name is nobody's.
    has_speakers: bool,
    /// The last cue had a speaker.
    is_named: bool,
    /// What lies between words.
    joint: Joint,
    /// Number of the only entry to read.
    only: Option<usize>,
    /// The entries have to be sorted by time, for which all are read at once.
    is_disordered: bool,
    places: Vec<Place>,
    progress: Progress,
}

/// A list in the file.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    /// Where the elements end at the latest, which tells the end of those without brackets.
    end: usize,
    /// Number of the channel that it is in.
    channel: Option<usize>,
    /// Its elements are channels.
    are_channels: bool,
    /// Its elements say the same in other words.
    are_alternatives: bool,
}

/// How far the lists have been read.
#[derive(Debug, Default, Clone, Copy)]
struct Progress {
    /// Index of the list.
    place: usize,
    /// Offset after the last element that was read.
    at: Option<usize>,
    is_array: bool,
    is_map: bool,
    /// Elements of this list, and entries of all lists.
    elements: usize,
    entries: usize,
    zero: Zero,
}

impl Progress {
    fn next_place(self) -> Self {
        Self {
            place: self.place + 1,
            at: None,
            elements: 0,
            ..self
        }
    }
}

impl Entries {
    /// As [`Reader::read`].
    fn read<'b>(
        &mut self,
        file: &mut File<'b>,
        block: &Block<'b>,
        sink: &mut dyn FnMut(Cue<'_>),
    ) -> Result<usize, Broken> {
        let (has_speakers, mut is_named) = (self.has_speakers, self.is_named);
        let next = self.in_order(file, block, &mut |mut cue| {
            cue.is_change |= has_speakers && is_named && cue.speaker.is_none();
            is_named = cue.speaker.is_some();
            sink(cue);
        });
        self.is_named = is_named;
        next
    }

    fn in_order<'b>(
        &mut self,
        file: &mut File<'b>,
        block: &Block<'b>,
        sink: &mut dyn FnMut(Cue<'_>),
    ) -> Result<usize, Broken> {
        if !self.is_disordered {
            return self.cues(file, block, &mut |cue| sink(cue));
        }
        if !block.is_last {
            return Ok(block.start);
        }
        // In order of time, if several channels follow each other or the latest entry comes first.
        let mut cues = Vec::new();
        let all = Block {
            wanted: usize::MAX,
            ..*block
        };
        let next = self.cues(file, &all, &mut |cue| cues.push(cue))?;
        cues.sort_by_cached_key(|cue| cue.start);
        cues.into_iter().for_each(sink);
        Ok(next)
    }

    fn cues<'b>(
        &mut self,
        file: &mut File<'b>,
        block: &Block<'b>,
        sink: &mut dyn FnMut(Cue<'b>),
    ) -> Result<usize, Broken> {
        let mut group = Group::new(block.text);
        // What follows is read again with the next block.
        let mut done = self.progress;
        while let Some(place) = self.places.get(self.progress.place).copied() {
            let before = self.progress;
            let at = before.at.unwrap_or(place.start) - block.start;
            // The text up to the end of the list.
            let is_last = block.is_last || place.end <= block.end();
            let text = block.up_to(place.end.min(block.end())).text;
            if at >= text.len() && !is_last || group.is_empty() && at >= block.wanted {
                break;
            }
            let mut cursor = Cursor::new(text, at);
            match before.at {
                None => {
                    self.progress.is_map = cursor.opens_map();
                    let bracket = if self.progress.is_map { b'{' } else { b'[' };
                    self.progress.is_array = cursor.take(bracket) && !self.progress.is_map;
                }
                Some(_) => drop(cursor.take(b',')),
            }
            match cursor.peek() {
                None if !is_last => break,
                Some(b']') if self.progress.is_array => {}
                Some(b'}') if self.progress.is_map => {}
                Some(_) => {
                    self.progress.elements += 1;
                    let key = match self.progress.is_map {
                        true => cursor.key(),
                        false => Ok(()),
                    };
                    let entry =
                        key.and_then(|()| file.entry(&mut cursor, place, self.progress.elements));
                    if !is_last && (entry.is_err() || cursor.at >= text.len()) {
                        break;
                    }
                    self.progress.at = Some(block.start + cursor.at);
                    let begun = group.begun();
                    if let Some(entry) = entry? {
                        self.progress.entries += 1;
                        self.entry(file, entry, &mut group, sink)?;
                    }
                    if group.is_empty() {
                        done = self.progress;
                    } else if group.begun() > begun {
                        done = before;
                    }
                    continue;
                }
                None => {}
            }
            group.finish(sink);
            self.progress = self.progress.next_place();
            done = self.progress;
        }
        self.progress = done;
        let place = self.places.get(done.place);
        Ok(place.map_or(usize::MAX, |place| done.at.unwrap_or(place.start)))
    }

    fn entry<'b>(
        &mut self,
        file: &mut File<'b>,
        entry: Entry<'b>,
        group: &mut Group<'b>,
        sink: &mut dyn FnMut(Cue<'b>),
    ) -> Result<(), Broken> {
        let (shape, unit) = (&self.shape, self.unit);
        let Progress { entries, zero, .. } = &mut self.progress;
        if entry.is_preliminary || self.only.is_some_and(|only| *entries < only) {
            return Ok(());
        }
        let parts = file.parts_of(&entry)?;
        let mut millis = |time: Time| zero.relative(time.millis(unit));
        let start = entry.start.get().or(parts.start).map(&mut millis);
        let duration = entry.duration.get().map(|duration| duration.millis(unit));
        let end = entry.end.get().map(&mut millis);
        let end = end.or(start
            .zip(duration)
            .map(|(start, duration)| start + duration));
        let end = end.or(parts.end.map(&mut millis));
        let channel = entry.channel.0.filter(|_| self.has_channels);
        let speaker = entry
            .speaker
            .0
            .or(parts.common_speaker().map(|name| (0, name)));
        let speaker = speaker.map(|(_, name)| name);
        let speaker = speaker.or_else(|| channel.and_then(|(_, name)| channel_label(name)));
        let speaker = speaker.or_else(|| {
            self.turns
                .speaker_at(start?)
                .map(|name| name.to_owned().into())
        });
        let text = entry
            .text
            .get()
            .or(entry.word.get().filter(|_| shape.words));
        if shape.words {
            let joint = self.joint;
            if let Some(span) = text {
                let is_mark = entry.is_mark;
                let confidence = entry.confidence;
                group.add(
                    Word {
                        span,
                        speaker,
                        start,
                        end,
                        confidence,
                        is_mark,
                    },
                    joint,
                    sink,
                );
            }
            return Ok(());
        }
        let text = text.filter(|text| !is_blank(text.of(file.text)));
        if let Some(text) = text.filter(|text| !parts.divide(*text)) {
            sink(Cue {
                speaker,
                is_change: false,
                start,
                end,
                confidence: entry.confidence.or(self.confidence).map(percent),
                text: vec![text],
                joint: Joint::Blank,
                escapes: Escapes::Json,
            });
            return Ok(());
        }
        let Some((_, at)) = entry.parts.0 else {
            return Ok(());
        };
        let joint = joint(parts.blanks, parts.texts);
        let mut first = start;
        file.parts(at, &mut |part| {
            let Some(span) = part.text.get().or(part.word.get()) else {
                return;
            };
            let word = Word {
                span,
                speaker: part
                    .speaker
                    .0
                    .map(|(_, name)| name)
                    .or_else(|| speaker.clone()),
                start: part.start.get().map(&mut millis).or(first.take()),
                end: part.end.get().map(&mut millis),
                confidence: part.confidence,
                is_mark: part.is_mark,
            };
            group.add(word, joint, sink);
        })?;
        group.end_by(end);
        group.finish(sink);
        Ok(())
    }
}

/// A file, or the part of it that is read.
struct File<'t> {
    text: &'t str,
    /// The values of the text: one, or the records of JSON Lines. Those of a sound text count as one.
    values: Vec<Span>,
    outline: Vec<Value>,
    known: Dictionary,
}

/// Reads or skips a list.
type Visit<'v, 't> = &'v mut dyn FnMut(&mut File<'t>, &mut Cursor<'t>, Place) -> Result<(), Broken>;

/// What names in a file stand for.
#[derive(Debug, Default)]
struct Dictionary {
    /// What members are by their names.
    fields: HashMap<String, Option<Field>>,
    /// Names by number or label, from a list of the speakers beside the entries.
    people: HashMap<String, String>,
}

impl<'t> File<'t> {
    fn new(text: &'t str) -> Result<Self, Broken> {
        let start = damaged::start(text).unwrap_or(0);
        let mut reader = Self {
            text,
            values: Vec::new(),
            outline: Vec::new(),
            known: Dictionary::default(),
        };
        let whole = Span::from(start..text.len());
        let mut cursor = Cursor::new(text, start);
        let mut read = reader.outline(&mut cursor, &mut String::new(), 0);
        if read.is_ok() && cursor.peek().is_some() {
            // JSON Lines: an array without brackets.
            reader.outline.clear();
            let mut cursor = Cursor::new(text, start);
            read = reader.elements(&mut cursor, &mut String::new(), 0);
            if cursor.peek().is_some() {
                // An array may be followed by anything.
                read = read.and(Err(Broken::Invalid(cursor.at)));
            }
            reader.root(whole);
        }
        reader.values = match read {
            Ok(()) => vec![whole],
            Err(error) => reader.damaged(start, error)?,
        };
        reader.meet()?;
        Ok(reader)
    }

    /// Reads a text that has something else beside its values.
    fn damaged(&mut self, start: usize, error: Broken) -> Result<Vec<Span>, Broken> {
        self.outline.clear();
        let values = damaged::values(self.text, start)?;
        let mut path = String::new();
        match values.as_slice() {
            [] => return Err(error),
            [only] => self.outline(&mut Cursor::new(self.text, only.start), &mut path, 0)?,
            many => {
                for value in many.iter().take(OUTLINE_ELEMENTS) {
                    let mut cursor = Cursor::new(self.text, value.start);
                    self.below(ELEMENT, &mut cursor, &mut path, 0)?;
                }
                self.root(Span::from(start..self.text.len()));
            }
        }
        Ok(values)
    }

    /// Notes that the values between two bytes are the elements of an array.
    fn root(&mut self, span: Span) {
        let path = String::new();
        self.outline.push(Value { path, span });
    }

    /// Learns who is who from lists such as `"speakers": [{"id": 0, "name": "Ana"}, …]`.
    fn meet(&mut self) -> Result<(), Broken> {
        let lists = self.outline.iter().filter(|value| {
            let name = value.path.rsplit('.').next().unwrap_or_default();
            matches!(name, "speakers" | "participants" | "users" | "members")
                && value.span.of(self.text).starts_with('[')
        });
        let starts: Vec<usize> = lists.map(|value| value.span.start).collect();
        let mut people = HashMap::new();
        for start in starts {
            Cursor::new(self.text, start).elements(|cursor| {
                if cursor.peek() != Some(b'{') || people.len() >= MAX_PEOPLE {
                    return cursor.skip().map(drop);
                }
                let mut id = None;
                let mut name = Ranked::default();
                cursor.members(|key, cursor| {
                    match field::plain(key).as_str() {
                        "id" | "speakerid" | "userid" | "participantid" | "speakertag"
                        | "speakerlabel" | "speaker" | "label" => {
                            id = id.take().or(self.name(cursor)?);
                        }
                        _ => match self.field(key) {
                            Some(field) if field.role == Role::Speaker => {
                                if let Some(found) = self.name(cursor)? {
                                    name.offer(field.rank, found);
                                }
                            }
                            _ => return cursor.skip().map(drop),
                        },
                    }
                    Ok::<_, Broken>(())
                })?;
                if let Some((id, name)) = id.zip(name.get()) {
                    people.insert(id.into_owned(), name.into_owned());
                }
                Ok(())
            })?;
        }
        self.known.people = people;
        Ok(())
    }

    /// Reads a value to its end and notes it and the values inside it.
    fn outline(
        &mut self,
        cursor: &mut Cursor<'t>,
        path: &mut String,
        depth: usize,
    ) -> Result<(), Broken> {
        let next = cursor.peek();
        let start = cursor.at;
        let is_noted = self.outline.len() < OUTLINE_VALUES;
        match next {
            Some(b'{') if is_noted && depth < OUTLINE_DEPTH && !cursor.opens_map() => {
                cursor
                    .members(|key, cursor| self.below(&field::plain(key), cursor, path, depth))?;
            }
            Some(b'[' | b'{') if is_noted && depth < OUTLINE_DEPTH => {
                self.elements(cursor, path, depth)?
            }
            _ => {
                cursor.skip()?;
            }
        }
        if is_noted {
            self.outline.push(Value {
                path: path.clone(),
                span: Span::from(start..cursor.at),
            });
        }
        Ok(())
    }

    fn elements(
        &mut self,
        cursor: &mut Cursor<'t>,
        path: &mut String,
        depth: usize,
    ) -> Result<(), Broken> {
        let mut count = 0;
        cursor.elements(|cursor| {
            count += 1;
            match count {
                ..=OUTLINE_ELEMENTS => self.below(ELEMENT, cursor, path, depth),
                _ => cursor.skip().map(drop),
            }
        })
    }

    fn below(
        &mut self,
        name: &str,
        cursor: &mut Cursor<'t>,
        path: &mut String,
        depth: usize,
    ) -> Result<(), Broken> {
        let len = path.len();
        if len > 0 {
            path.push('.');
        }
        path.push_str(name);
        self.outline(cursor, path, depth + 1)?;
        path.truncate(len);
        Ok(())
    }

    fn has(&self, path: &str) -> bool {
        self.outline.iter().any(|value| value.path == path)
    }

    /// The lists of a format in this file.
    fn lists(&self, shape: &Shape) -> Vec<List> {
        let mut lists: Vec<List> = Vec::new();
        for value in &self.outline {
            let Some(base) = value.path.strip_suffix(shape.at) else {
                continue;
            };
            if (base.is_empty() || base.ends_with('.'))
                && (shape.tell.is_empty() || self.has(&format!("{base}{}", shape.tell)))
                && lists.iter().all(|list| list.path != value.path)
            {
                lists.push(List {
                    shape: *shape,
                    base: base.to_owned(),
                    path: value.path.clone(),
                });
            }
        }
        lists
    }

    /// The best list of a format that is not known, or of those near the root that are not at a known path.
    fn guess(&mut self, known: Option<&str>) -> Result<Option<(List, Survey)>, Broken> {
        let mut lists: Vec<&Value> = Vec::new();
        for element in &self.outline {
            let is_object = self.text.as_bytes().get(element.span.start) == Some(&b'{');
            if let Some(path) = element.path.strip_suffix(ELEMENT)
                && is_object
                && let Some(list) = self
                    .outline
                    .iter()
                    .find(|value| value.path == path.trim_end_matches('.'))
                && lists.iter().all(|other| other.path != list.path)
            {
                lists.push(list);
            }
        }
        lists.retain(|list| {
            known.is_none_or(|known| list.path != known && !list.path.contains('.'))
        });
        lists.sort_by_cached_key(|value| std::cmp::Reverse(value.span.len()));
        let paths: Vec<String> = lists
            .iter()
            .take(MAX_GUESSES)
            .map(|value| value.path.clone())
            .collect();
        let mut best: Option<(List, Survey)> = None;
        let mut spoken: Vec<(u8, Elsewhere)> = Vec::new();
        for path in paths {
            let name = path.rsplit('.').next().unwrap_or_default();
            let words = !matches!(name, "sentences" | "segments" | "utterances")
                && Field::named(name).is_some_and(|field| field.role == Role::Parts);
            let shape = Shape {
                maker: "json",
                unit: None,
                words,
                ..SHAPE
            };
            let list = List {
                shape,
                base: String::new(),
                path,
            };
            let survey = self.survey(&list)?;
            let is_better = best
                .as_ref()
                .is_none_or(|(other, known)| survey.score(words) > known.score(other.shape.words));
            if survey.is_speech() && !words {
                spoken.push((survey.score(words).0, Elsewhere::of(&list, &survey)));
            }
            if survey.is_speech() && is_better {
                best = Some((list, survey));
            }
        }
        if let Some((list, survey)) = &mut best {
            let parent = |path: &str| path.rsplit_once('.').map(|(parent, _)| parent.to_owned());
            let tells = survey.score(false).0;
            spoken.retain(|(told, other)| {
                *told == tells && parent(&other.path) == parent(&list.path)
            });
            let others: Vec<Elsewhere> = spoken.into_iter().map(|(_, other)| other).collect();
            survey.elsewhere = self.elsewhere(&others, list, survey);
        }
        Ok(best)
    }

    /// Bytes in lists other than the one that is read, unless they say the same. A member that is written twice is two lists.
    fn elsewhere(&self, found: &[Elsewhere], list: &List, survey: &Survey) -> usize {
        let others = found.iter().filter(|other| {
            other.path != list.path && !self.is_same(other.first_text, survey.first_text)
        });
        let named = self.outline.iter().filter(|value| value.path == list.path);
        let mut sizes = named.map(|value| value.span.len());
        let read = sizes.next().unwrap_or(1);
        let again = match list.path.contains(ELEMENT) {
            true => 0,
            false => sizes.sum::<usize>() * survey.bytes / read.max(1),
        };
        others.map(|other| other.bytes).sum::<usize>() + again
    }

    /// Whether two lists begin with the same words.
    fn is_same(&self, one: Option<Span>, other: Option<Span>) -> bool {
        let [one, other] =
            [one, other].map(|text| text.map_or("", |text| text.of(self.text)).trim());
        one.starts_with(other) || other.starts_with(one)
    }

    /// The longest string outside of a list that is named as a transcript is.
    fn bare_text(&self, list: Option<&str>) -> Option<Span> {
        let named = self.outline.iter().filter(|value| {
            let name = value.path.rsplit('.').next().unwrap_or_default();
            matches!(
                name,
                "" | "text" | "transcript" | "transcription" | "content"
            ) && (list.is_none_or(|list| !value.path.starts_with(list)))
                && value.span.of(self.text).starts_with('"')
        });
        let longest = named.max_by_key(|value| value.span.len())?;
        let text = Span::from(longest.span.start + 1..longest.span.end.saturating_sub(1));
        (!is_blank(text.of(self.text))).then_some(text)
    }

    /// The language of the transcript: of the members that tell one, the nearest to the root.
    fn language(&self) -> Option<String> {
        let languages = self.outline.iter().filter(|value| {
            let name = value.path.rsplit('.').next().unwrap_or_default();
            value.span.of(self.text).starts_with('"')
                && Field::named(name).is_some_and(|field| field.role == Role::Language)
        });
        let nearest = languages.min_by_key(|value| value.path.split('.').count())?;
        let name = nearest.span.of(self.text).trim_matches('"');
        (!name.is_empty() && name.len() < 40).then(|| name.to_owned())
    }

    fn unknown(&self) -> Unknown {
        // Amazon Transcribe writes the first list in any case, and whisper an empty second one. Had they a text, it would have been
        // read.
        let is_silent = self.outline.iter().any(|value| match value.path.as_str() {
            "results.transcripts" => true,
            "segments" => is_blank_list(value.span.of(self.text)),
            _ => false,
        });
        if is_silent {
            return Unknown::Silent;
        }
        let mut members = Vec::new();
        let start = self.values.first().map_or(0, |value| value.start);
        let mut cursor = Cursor::new(self.text, start);
        while cursor.peek() == Some(b'[') {
            cursor.at += 1;
        }
        // The outline has read all of it without an error.
        let _read: Result<(), Broken> = cursor.members(|key, cursor| {
            if members.len() < MAX_NAMED {
                members.push(key.chars().take(40).collect());
            }
            cursor.skip().map(drop)
        });
        Unknown::Shape { members }
    }

    /// Visits all entries at a path.
    fn visit(
        &mut self,
        path: &str,
        visit: &mut dyn FnMut(&mut Self, Entry<'t>) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        self.lists_at(path, &mut |file, cursor, place| {
            let mut elements = 0;
            cursor.elements(|cursor| {
                elements += 1;
                match file.entry(cursor, place, elements)? {
                    Some(entry) => visit(file, entry),
                    None => Ok(()),
                }
            })
        })
    }

    /// Reads an element of a list. `None` if it is none to read.
    fn entry(
        &mut self,
        cursor: &mut Cursor<'t>,
        place: Place,
        number: usize,
    ) -> Result<Option<Entry<'t>>, Broken> {
        let is_repeated = place.are_alternatives && number > 1;
        if is_repeated || !matches!(cursor.peek(), Some(b'{' | b'"')) {
            return cursor.skip().map(|_| None);
        }
        let mut entry = Entry::default();
        self.fill(cursor, &mut entry)?;
        let channel = if place.are_channels {
            Some(number - 1)
        } else {
            place.channel
        };
        if let Some(channel) = channel {
            entry.channel.offer(u8::MAX, channel.to_string().into());
        }
        Ok(Some(entry))
    }

    /// Visits the lists at a path, which `visit` has to read or skip.
    fn lists_at(&mut self, path: &str, visit: Visit<'_, 't>) -> Result<(), Broken> {
        let (outer, inner) = match path.split_once(ELEMENT) {
            Some((outer, inner)) => (outer.trim_end_matches('.'), inner.trim_start_matches('.')),
            None => (path, ""),
        };
        let Some(value) = self.outline.iter().find(|value| value.path == outer) else {
            return Ok(());
        };
        let mut rest: Vec<&str> = inner.split('.').filter(|name| !name.is_empty()).collect();
        if path.contains(ELEMENT) {
            rest.insert(0, ELEMENT);
        }
        rest.push(ELEMENT);
        if let (true, [_, _, ..], [_, rest @ ..]) = (outer.is_empty(), &*self.values, &*rest) {
            let (name, path, parts) = match rest {
                [] => ("", &[ELEMENT][..], damaged::runs(self.text, &self.values)),
                _ => (ELEMENT, rest, self.values.clone()),
            };
            for part in parts {
                let mut cursor = Cursor::new(self.text.split_at(part.end).0, part.start);
                self.walk(&mut cursor, name, path, None, visit)?;
            }
            return Ok(());
        }
        let name = outer.rsplit('.').next().unwrap_or_default();
        // Something else may follow the root.
        let text = self.text.split_at(value.span.end).0;
        self.walk(
            &mut Cursor::new(text, value.span.start),
            name,
            &rest,
            None,
            visit,
        )
    }

    /// Follows a path from a value with the given name.
    fn walk(
        &mut self,
        cursor: &mut Cursor<'t>,
        name: &str,
        path: &[&str],
        channel: Option<usize>,
        visit: Visit<'_, 't>,
    ) -> Result<(), Broken> {
        let next = cursor.peek();
        let is_list =
            next == Some(b'[') || cursor.opens_map() || (next.is_some() && name.is_empty());
        match (path.split_first(), next) {
            // Values beside each other: an array, or lines.
            (Some((&ELEMENT, [])), _) if is_list => {
                let place = Place {
                    start: cursor.at,
                    end: cursor.text.len(),
                    channel,
                    are_channels: name == "channels",
                    are_alternatives: name == "alternatives",
                };
                visit(self, cursor, place)
            }
            (Some((&ELEMENT, rest)), _) if is_list => {
                let mut count = 0;
                cursor.elements(|cursor| {
                    count += 1;
                    if name == "alternatives" && count > 1 {
                        return cursor.skip().map(drop);
                    }
                    let channel = if name == "channels" {
                        Some(count - 1)
                    } else {
                        channel
                    };
                    self.walk(cursor, ELEMENT, rest, channel, visit)
                })
            }
            (Some((&name, rest)), Some(b'{')) => cursor.members(|key, cursor| {
                if field::plain(key) == name {
                    self.walk(cursor, name, rest, channel, visit)
                } else {
                    cursor.skip().map(drop)
                }
            }),
            _ => cursor.skip().map(drop),
        }
    }

    fn field(&mut self, key: &'t str) -> Option<Field> {
        if let Some(&field) = self.known.fields.get(key) {
            return field;
        }
        let field = Field::named(key);
        // Formats have a few dozen names. A file whose keys are data must not fill the memory.
        if self.known.fields.len() < 1024 {
            self.known.fields.insert(key.to_owned(), field);
        }
        field
    }

    /// Reads what an object, or a string, tells about an entry.
    fn fill(&mut self, cursor: &mut Cursor<'t>, entry: &mut Entry<'t>) -> Result<(), Broken> {
        if cursor.peek() == Some(b'"') {
            entry.text.offer(0, cursor.string()?);
            return Ok(());
        }
        cursor.members(|key, cursor| {
            let next = cursor.peek();
            let Some(field) = self.field(key) else {
                return cursor.skip().map(drop);
            };
            let Field { role, rank, unit } = field;
            match (role, next) {
                (Role::Text | Role::Parts, Some(b'[')) => {
                    entry.parts.offer(rank, cursor.at);
                    cursor.skip().map(drop)
                }
                (Role::Text, Some(b'"')) => {
                    entry.text.offer(rank, cursor.string()?);
                    Ok(())
                }
                (Role::Text | Role::Parts, Some(b'{')) => {
                    if let Some(text) = self.text_inside(cursor)? {
                        entry.text.offer(rank, text);
                    }
                    Ok(())
                }
                // Somebody said a number, and an exporter wrote it as one.
                (Role::Text, Some(b'0'..=b'9' | b'-')) if key.eq_ignore_ascii_case("text") => {
                    entry.text.offer(rank, cursor.skip()?);
                    Ok(())
                }
                (Role::Parts, Some(b'"')) => {
                    entry.text.offer(u8::MAX, cursor.string()?);
                    Ok(())
                }
                (Role::Word, Some(b'"')) => {
                    entry.word.offer(rank, cursor.string()?);
                    Ok(())
                }
                (Role::Alternatives, Some(b'[')) => {
                    let mut is_first = true;
                    cursor.elements(|cursor| {
                        if std::mem::take(&mut is_first) && cursor.peek() == Some(b'{') {
                            self.fill(cursor, entry)
                        } else {
                            cursor.skip().map(drop)
                        }
                    })
                }
                (Role::Alternatives | Role::Channel | Role::Times, Some(b'{')) => {
                    self.fill(cursor, entry)
                }
                (Role::Times | Role::Start | Role::From, Some(b'[')) => {
                    self.range(cursor, unit, entry)
                }
                (Role::From, Some(b'{')) if self.name(&mut cursor.clone())?.is_some() => {
                    self.speaker(cursor, rank, entry)
                }
                (Role::Start | Role::End | Role::Duration | Role::From, Some(_)) => {
                    let time = self.time(cursor, unit)?;
                    let place = match role {
                        Role::End => &mut entry.end,
                        Role::Duration => &mut entry.duration,
                        _ => &mut entry.start,
                    };
                    match time {
                        Ok(time) => place.offer(rank, time),
                        Err(name) if role == Role::From => {
                            if let Some(name) = speaker_label(unescaped(name)) {
                                entry.speaker.offer(u8::MAX, name);
                            }
                        }
                        Err(_) => {}
                    }
                    Ok(())
                }
                (Role::Speaker, Some(_)) => self.speaker(cursor, rank, entry),
                (Role::Channel, Some(_)) => {
                    if let Some(name) = self.name(cursor)? {
                        entry.channel.offer(rank, name);
                    }
                    Ok(())
                }
                _ => {
                    let value = cursor.skip()?.of(self.text).trim_matches('"');
                    match role {
                        Role::Confidence => {
                            entry.confidence = value.parse().ok().or(entry.confidence)
                        }
                        Role::Kind => entry.is_mark = matches!(value, "punctuation" | "punct"),
                        Role::Partial => entry.is_preliminary |= value == "true",
                        Role::Final => entry.is_preliminary |= value == "false",
                        _ => {}
                    }
                    Ok(())
                }
            }
        })
    }

    /// Reads a time, or returns the text that is none. Objects are `{"seconds": "1", "nanos": 200000000}` or hold the time as a
    /// member: `{"relative": 1.2}`.
    fn time(
        &mut self,
        cursor: &mut Cursor<'t>,
        unit: Option<Unit>,
    ) -> Result<Result<Time, &'t str>, Broken> {
        if cursor.peek() != Some(b'{') {
            let written = cursor.skip()?.of(self.text).trim_matches('"');
            return Ok(Time::parse(written, unit).ok_or(written));
        }
        let mut told = Ranked::default();
        let mut sum = None;
        cursor.members(|key, cursor| {
            let unit = match key {
                "seconds" => Unit::Seconds,
                "nanos" => Unit::Nanos,
                _ => {
                    let rank = self
                        .field(key)
                        .filter(|field| field.role == Role::Start)
                        .map(|field| field.rank);
                    if let (Ok(time), Some(rank)) = (self.time(cursor, unit)?, rank) {
                        told.offer(rank, time);
                    }
                    return Ok(());
                }
            };
            if let Ok(Time::Millis(millis)) = self.time(cursor, Some(unit))? {
                sum = Some(sum.unwrap_or(0) + millis);
            }
            Ok::<_, Broken>(())
        })?;
        Ok(told.get().or(sum.map(Time::Millis)).ok_or(""))
    }

    /// Reads start and end from the first and last number of a list, which may be nested: `[["word", 0.1, 0.4], …]`.
    fn range(
        &mut self,
        cursor: &mut Cursor<'t>,
        unit: Option<Unit>,
        entry: &mut Entry<'t>,
    ) -> Result<(), Broken> {
        cursor.elements(|cursor| match cursor.peek() {
            Some(b'[') => self.range(cursor, unit, entry),
            Some(b'{') => self.fill(cursor, entry),
            _ => {
                if let Ok(time) = self.time(cursor, unit)? {
                    if entry.start.0.is_none() {
                        entry.start.offer(u8::MAX, time);
                    } else {
                        entry.end = Ranked(Some((u8::MAX, time)));
                    }
                }
                Ok(())
            }
        })
    }

    /// Reads who speaks in an entry.
    fn speaker(
        &mut self,
        cursor: &mut Cursor<'t>,
        rank: u8,
        entry: &mut Entry<'t>,
    ) -> Result<(), Broken> {
        let Some(name) = self.name(cursor)? else {
            return Ok(());
        };
        if let Some(known) = self.known.people.get(&*name) {
            entry.speaker.offer(0, known.clone().into());
        } else if let Some(label) = speaker_label(name) {
            entry.speaker.offer(rank, label);
        }
        Ok(())
    }

    /// Reads the name of a speaker or channel: a string, a number, or an object that has it.
    fn name(&mut self, cursor: &mut Cursor<'t>) -> Result<Option<Cow<'t, str>>, Broken> {
        match cursor.peek() {
            Some(b'"') => {
                let name = cursor.string()?.of(self.text);
                let name = name.split_at(name.floor_char_boundary(MAX_NAME_BYTES)).0;
                Ok((!is_blank(name)).then(|| unescaped(name)))
            }
            // Of several people the first one.
            Some(b'[') => {
                let mut first = None;
                cursor.elements(|cursor| {
                    let name = self.name(cursor)?;
                    first = first.take().or(name);
                    Ok::<_, Broken>(())
                })?;
                Ok(first)
            }
            Some(b'{') => {
                let mut best = Ranked::default();
                cursor.members(|key, cursor| {
                    let rank = match self.field(key) {
                        _ if key == "id" => u8::MAX,
                        Some(field) if field.role == Role::Speaker => field.rank,
                        _ => return cursor.skip().map(drop),
                    };
                    if let Some(name) = self.name(cursor)? {
                        best.offer(rank, name);
                    }
                    Ok::<_, Broken>(())
                })?;
                Ok(best.get())
            }
            _ => {
                let value = cursor.skip()?.of(self.text);
                Ok(value
                    .starts_with(|c: char| c.is_ascii_digit())
                    .then_some(Cow::Borrowed(value)))
            }
        }
    }

    /// The text in an object that stands for one, as in `"body": {"contentType": "html", "content": "…"}`.
    fn text_inside(&mut self, cursor: &mut Cursor<'t>) -> Result<Option<Span>, Broken> {
        let mut text = Ranked::default();
        cursor.members(|key, cursor| {
            let is_text = cursor.peek() == Some(b'"');
            match self
                .field(key)
                .filter(|field| field.role == Role::Text && is_text)
            {
                Some(field) => text.offer(field.rank, cursor.string()?),
                None => drop(cursor.skip()?),
            }
            Ok::<_, Broken>(())
        })?;
        Ok(text.get())
    }

    /// Visits the parts of an entry.
    fn parts(&mut self, at: usize, visit: &mut dyn FnMut(Entry<'t>)) -> Result<(), Broken> {
        let mut cursor = Cursor::new(self.text, at);
        cursor.elements(|cursor| match cursor.peek() {
            Some(b'{' | b'"') => {
                let mut part = Entry::default();
                self.fill(cursor, &mut part)?;
                visit(part);
                Ok(())
            }
            _ => cursor.skip().map(drop),
        })
    }

    /// What the parts of an entry, if it has any, tell about it.
    fn parts_of(&mut self, entry: &Entry<'t>) -> Result<Parts<'t>, Broken> {
        let mut parts = Parts::default();
        let Some((_, at)) = entry.parts.0 else {
            return Ok(parts);
        };
        let text = self.text;
        self.parts(at, &mut |part| {
            parts.start = parts.start.or(part.start.get());
            parts.end = part.end.get().or(parts.end);
            if let Some(span) = part.text.get().or(part.word.get()) {
                parts.texts += 1;
                parts.bytes += span.len();
                parts.blanks += usize::from(has_outer_blank(span.of(text)));
            }
            if let Some((_, speaker)) = part.speaker.0 {
                let known = parts.speaker.get_or_insert_with(|| speaker.clone());
                parts.has_speakers |= *known != speaker;
            }
        })?;
        Ok(parts)
    }

    /// Walks over a list without handing anything on.
    fn survey(&mut self, list: &List) -> Result<Survey, Broken> {
        let mut survey = Survey::default();
        self.visit(&list.path, &mut |reader, entry| {
            let parts = reader.parts_of(&entry)?;
            let text = entry
                .text
                .get()
                .or(entry.word.get().filter(|_| list.shape.words));
            let bytes = text.map_or(parts.bytes, Span::len);
            let start = entry.start.get().or(parts.start);
            let end = entry.end.get().or(parts.end);
            survey.entries += 1;
            survey.first_text = survey.first_text.or(text);
            survey.texts += usize::from(bytes > 0);
            if let Some(text) = text.filter(|text| parts.has_speakers && !parts.divide(*text)) {
                survey.undivided += text.len();
            }
            survey.bytes += bytes;
            survey.blanks +=
                usize::from(text.is_some_and(|text| has_outer_blank(text.of(reader.text))));
            survey.speakers += usize::from(entry.speaker.0.is_some() || parts.speaker.is_some());
            survey.starts += usize::from(start.is_some());
            survey.rate.add(start, bytes);
            survey.first = survey.first.or(start);
            survey.last = start.or(survey.last);
            // Whether times are in order does not depend on their unit.
            let number = |time: Time| time.millis(Unit::Millis) as f64;
            let earlier =
                |earliest: Time| start.is_some_and(|start| number(start) < number(earliest));
            if survey.earliest.is_none_or(earlier) {
                survey.earliest = start.or(survey.earliest);
            }
            survey.is_disordered |= start.is_some_and(|start| number(start) < survey.latest_end);
            survey.latest_end = end
                .or(start)
                .map_or(survey.latest_end, |end| number(end).max(survey.latest_end));
            if let Some((_, channel)) = entry.channel.0 {
                let known = survey
                    .channel
                    .get_or_insert_with(|| channel.clone().into_owned());
                survey.has_channels |= *known != channel;
            }
            Ok(())
        })?;
        Ok(survey)
    }

    /// What it takes to read a list.
    fn entries(&mut self, list: &List, survey: &Survey) -> Result<Entries, Broken> {
        let shape = list.shape;
        let is_reversed = survey.starts == survey.texts
            && !shape.repeats
            && survey.last == survey.earliest
            && survey.last != survey.first;
        let unit = shape.unit.unwrap_or_else(|| survey.rate.unit());
        let is_before = |last: Time, first: Time| last.millis(unit) <= first.millis(unit);
        let repeats = shape.repeats
            && survey.entries > 1
            && survey
                .last
                .zip(survey.first)
                .is_some_and(|(last, first)| is_before(last, first));
        let mut places = Vec::new();
        self.lists_at(&list.path, &mut |_, cursor, place| {
            places.push(place);
            cursor.skip().map(drop)
        })?;
        Ok(Entries {
            shape,
            unit,
            turns: self.turns(&format!("{}{}", list.base, shape.turns), unit)?,
            confidence: self.mean_confidence(&format!("{}{}", list.base, shape.confidence))?,
            has_channels: survey.has_channels,
            has_speakers: survey.speakers > 0,
            is_named: false,
            joint: joint(survey.blanks, survey.texts),
            only: repeats.then_some(survey.entries),
            is_disordered: survey.is_disordered && (survey.has_channels || is_reversed),
            places,
            progress: Progress {
                zero: Zero::at(survey.earliest.map(|first| first.millis(unit))),
                ..Progress::default()
            },
        })
    }

    fn turns(&mut self, path: &str, unit: Unit) -> Result<Turns, Broken> {
        let mut turns = Turns::default();
        let mut known = HashMap::new();
        self.visit(path, &mut |_, entry| {
            if let (Some(start), Some((_, speaker))) = (entry.start.get(), entry.speaker.0) {
                let speaker = *known.entry(speaker).or_insert_with_key(|name| {
                    turns.speakers.push(name.to_string());
                    turns.speakers.len() - 1
                });
                turns.all.push((start.millis(unit), speaker));
            }
            Ok(())
        })?;
        turns.all.sort_by_cached_key(|&(start, _)| start);
        Ok(turns)
    }

    fn mean_confidence(&mut self, path: &str) -> Result<Option<f64>, Broken> {
        let (mut sum, mut count) = (0.0, 0_u32);
        self.visit(path, &mut |_, entry| {
            if let Some(confidence) = entry.confidence.filter(|_| !entry.is_mark) {
                sum += confidence;
                count += 1;
            }
            Ok(())
        })?;
        Ok((count > 0).then(|| sum / f64::from(count)))
    }
}

/// What lies between words of which so many bring blanks.
fn joint(blanks: usize, texts: usize) -> Joint {
    if blanks * 4 > texts {
        Joint::Nothing
    } else {
        Joint::Words
    }
}

/// The characters that the raw contents of a JSON string stand for.
pub(super) fn unescaped(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return raw.into();
    }
    serde_json::from_str(&format!("\"{raw}\"")).map_or(raw.into(), Cow::Owned)
}

/// Whether the raw contents of a JSON string are blank.
fn is_blank(raw: &str) -> bool {
    trim_start(raw).is_empty()
}

fn has_outer_blank(raw: &str) -> bool {
    raw.ends_with(char::is_whitespace) || trim_start(raw).len() < raw.len()
}

fn trim_start(raw: &str) -> &str {
    let mut rest = raw;
    loop {
        let trimmed = rest.trim_start();
        let blank = ["\\n", "\\r", "\\t", "\\u00a0"]
            .iter()
            .find_map(|blank| trimmed.strip_prefix(blank));
        match blank {
            Some(after) => rest = after,
            None => return trimmed,
        }
    }
}

#[cfg(test)]
mod tests;
