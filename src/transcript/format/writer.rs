//! Writes the spoken text: what a reader finds, without markup, one paragraph per turn, each beginning with its speaker's
//! name. Time stamps are kept in the segments, not in the text: a model that reads one for every turn reads, and bills, up
//! to a fifth more tokens.
//!
//! Readers hand over parts of the decoded text in order. The writer collects the parts of a turn, cleans them, leaves out
//! repetitions of a recognizer that got stuck, and notes for every stretch of its text which bytes of the source it was
//! read from. A turn in which nothing was said disappears.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::text::{Span, sentence, words};
use crate::transcript::decode::{Position, SourceMap};
use crate::transcript::format::clean::{MAX_NAME_BYTES, clean, cleaned};
use crate::transcript::format::cue::{Cue, Escapes};
use crate::transcript::format::join::{CueFacts, Joiner};
use crate::transcript::format::loops::Loops;
use crate::transcript::segment::{Recent, Segment, Speaker, Timestamp};

/// Bytes of a turn that are cleaned at once. A piece ends after a line if possible.
const PIECE_BYTES: usize = 64 * 1024;

/// A longer part that is left out is no tag, but an encoded picture or the like.
const MAX_MARKUP_BYTES: usize = 100;

/// Bytes at the end of the text that stay in reach.
const KEPT_BYTES: usize = 256;

/// Estimated milliseconds to say a byte of text: 400 for a word.
const BYTE_MILLIS: usize = 65;

/// The time that a word takes at most where only the starts of turns are known: half the pace of people in a meeting, who say 130 to
/// 170 a minute. The rest of the time until the next turn is silence. Times in whole seconds may be one too far apart.
const WORD_SECONDS: f64 = 0.9;
const ROUNDED_SECONDS: f64 = 1.0;

/// After this number of labels inside a turn, the next one begins a turn even within a sentence.
const MAX_JOINED: u8 = 40;

/// A part of the decoded text, with what leads from its characters to the bytes of the source.
#[derive(Clone, Copy)]
pub(crate) struct Block<'t> {
    pub(crate) text: &'t str,
    /// Offset in the decoded text.
    pub(crate) start: usize,
    /// Position in the source.
    pub(crate) source: Position,
    pub(crate) map: &'t SourceMap,
    /// Bytes that are to be read. What begins after them may wait for the next block.
    pub(crate) wanted: usize,
    /// Whether the text ends here. Otherwise the end of the block may cut anything but a character.
    pub(crate) is_last: bool,
}

impl<'t> Block<'t> {
    /// A whole text.
    #[cfg(test)]
    pub(crate) fn whole(text: &'t str, map: &'t SourceMap) -> Self {
        Self {
            text,
            start: 0,
            source: Position::new(0),
            map,
            wanted: usize::MAX,
            is_last: true,
        }
    }

    pub(crate) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// The part of the block before offset `end` of the decoded text.
    pub(crate) fn up_to(&self, end: usize) -> Self {
        Self {
            text: self.text.split_at(end - self.start).0,
            ..*self
        }
    }

    /// The text at a span of the decoded text.
    pub(crate) fn at(&self, span: Span) -> &str {
        Span::from(span.start - self.start..span.end - self.start).of(self.text)
    }

    /// The position in the source of the character at byte `at` of the decoded text.
    pub(crate) fn position(&self, at: usize) -> Position {
        self.map
            .position_in(self.text, (self.start, self.source), at)
    }

    /// The stretches of a span of the decoded text in which every character has its normal width in the source.
    pub(crate) fn stretches(&self, part: Span) -> impl Iterator<Item = (&str, Position)> {
        self.map
            .stretches(self.text, (self.start, self.source), part)
    }
}

/// Mean confidence in percent below which the recognizer was unsure of a turn.
const UNSURE_PERCENT: u64 = 70;

/// What is known of a speaker's share of the talk.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Talk {
    /// Number of turns.
    pub turns: usize,
    /// Words spoken.
    pub words: usize,
    /// Seconds spoken, or 0 if the transcript has no times.
    pub seconds: f64,
}

/// The beginning of a turn.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Head<'t> {
    pub(crate) speaker: Option<&'t str>,
    pub(crate) from: Option<Timestamp>,
    /// The label as it is in the source, if it can stay as it is, and its position there.
    pub(crate) written: Option<(&'t str, Position)>,
    /// Whether the label is repeated where the speaker stays the same.
    pub(crate) always_named: bool,
    /// Whether somebody else begins to speak, even without a name.
    pub(crate) is_change: bool,
}

/// The turn that is being written.
#[derive(Debug, Clone, Copy, Default)]
struct Turn {
    start: usize,
    has_segment: bool,
    speaker: Option<Speaker>,
    from: Option<Timestamp>,
    /// The end, where the format tells it.
    until: Option<Timestamp>,
    /// The last time stamp, and the bytes said since.
    stamp: Option<Timestamp>,
    said: usize,
    /// Labels inside the turn.
    joined: u8,
    words: usize,
    /// Sum and number of the confidences.
    confidence: (u64, u64),
}

pub(crate) struct Writer {
    /// The text from byte `base` on.
    fresh: String,
    base: usize,
    map: SourceMap,
    /// The position in the source that follows the last character, unless something was put in there.
    next_source: Option<Position>,
    /// The position where the source of the last stretch ends. Unlike `next_source` it is behind an escape or an entity.
    end: Option<Position>,
    /// What was said in the current turn since it was last cleaned.
    raw: Marked,
    /// Bytes at the start of `raw` in which no line ends.
    unbroken: usize,
    segments: Vec<Segment>,
    speakers: Vec<String>,
    /// The speakers by the hashes of their names. There may be 60,000, whose names are in memory already.
    known: HashMap<u64, Speaker>,
    hasher: RandomState,
    recent: Recent,
    talk: Vec<Talk>,
    turn: Turn,
    joiner: Joiner,
    loops: Loops,
    /// Bytes of text that the loops have been sought in.
    heard: usize,
    words: usize,
    left: LeftOut,
    /// Sum and number of the confidences.
    confidence: (u64, u64),
}

/// What was left out of the text.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LeftOut {
    /// Bytes that are no words.
    pub(crate) junk: usize,
    /// Words in comments and declarations of HTML.
    pub(crate) hidden: usize,
}

/// A text that knows where its characters stand in the source.
struct Marked {
    text: String,
    map: SourceMap,
}

impl Marked {
    /// An empty text from the source of `map`.
    fn new(map: &SourceMap) -> Self {
        Self {
            text: String::new(),
            map: map.restarted(),
        }
    }

    fn push(&mut self, text: &str, source: Position) {
        self.map.mark(self.text.len(), source);
        self.text.push_str(text);
    }

    /// The stretches of a part between two marks, with their positions in the source.
    fn stretches(&self, part: Span) -> impl Iterator<Item = (&str, Position)> {
        self.map.stretches(&self.text, (0, Position::new(0)), part)
    }

    fn extend<'t>(&mut self, stretches: impl Iterator<Item = (&'t str, Position)>) {
        stretches.for_each(|(text, source)| self.push(text, source));
    }

    /// The text without markup, if there is any. Adds what is left out to `left`.
    fn cleaned(&self, left: &mut LeftOut) -> Option<Self> {
        let mut cleaned = Self::new(&self.map);
        let mut at = 0;
        clean(&self.text, &mut |left_out, instead| {
            cleaned.extend(self.stretches(Span::from(at..left_out.start)));
            cleaned.text.push_str(instead);
            at = left_out.end;
            let markup = self
                .text
                .get(left_out.clone())
                .unwrap_or_default()
                .trim_start();
            if markup.starts_with("<!") || markup.starts_with("<?") {
                left.hidden += words::spoken(markup);
            } else if left_out.len() > MAX_MARKUP_BYTES {
                left.junk += left_out.len();
            }
        });
        if at == 0 && cleaned.text.is_empty() {
            return None;
        }
        cleaned.extend(self.stretches(Span::from(at..self.text.len())));
        cleaned.ends_at(self.end_of(self.text.len()));
        Some(cleaned)
    }

    /// Marks where the source of what is in it ends.
    fn ends_at(&mut self, source: Position) {
        self.map.mark(self.text.len(), source);
    }

    /// The position where the source of the text before byte `at` ends.
    fn end_of(&self, at: usize) -> Position {
        self.map.position(&self.text, at)
    }

    /// Removes the text and keeps its memory.
    fn clear(&mut self) {
        self.text.clear();
        self.map.truncate(0);
    }

    /// Takes the text from byte `at` on.
    fn split_off(&mut self, at: usize) -> Self {
        let mut rest = Self::new(&self.map);
        rest.extend(self.stretches(Span::from(at..self.text.len())));
        rest.ends_at(self.end_of(self.text.len()));
        self.text.truncate(at);
        rest
    }

    /// Removes the blanks and line breaks at the end.
    fn trim_end(&mut self) {
        self.text.truncate(self.text.trim_end().len());
        self.map.truncate(self.text.len() + 1);
    }
}

/// What was written.
pub(crate) struct Written {
    /// The rest of the text.
    pub(crate) fresh: String,
    pub(crate) map: SourceMap,
    pub(crate) segments: Vec<Segment>,
    pub(crate) speakers: Vec<String>,
    pub(crate) talk: Vec<Talk>,
    pub(crate) words: usize,
    pub(crate) left: LeftOut,
    /// Mean recognition confidence in percent.
    pub(crate) confidence: Option<u8>,
    pub(crate) loops: Loops,
}

impl Writer {
    /// Starts a text whose characters come from a source with the encoding of `decoded`.
    pub(crate) fn new(decoded: &SourceMap) -> Self {
        Self {
            fresh: String::new(),
            base: 0,
            map: decoded.restarted(),
            next_source: None,
            end: None,
            raw: Marked::new(decoded),
            unbroken: 0,
            segments: Vec::new(),
            speakers: Vec::new(),
            known: HashMap::new(),
            hasher: RandomState::new(),
            recent: Recent::default(),
            talk: Vec::new(),
            turn: Turn::default(),
            joiner: Joiner::default(),
            loops: Loops::default(),
            heard: 0,
            words: 0,
            left: LeftOut::default(),
            confidence: (0, 0),
        }
    }

    /// Takes memory for a number of turns at once. Growing would leave copies behind.
    pub(crate) fn expect(&mut self, turns: usize) {
        self.segments.reserve_exact(turns);
    }

    fn len(&self) -> usize {
        self.base + self.fresh.len()
    }

    /// Takes the text that is finished, and of which at most `most` bytes.
    pub(crate) fn take(&mut self, most: usize) -> String {
        let finished = if self.turn.words > 0 {
            self.len()
        } else {
            self.turn.start
        };
        // The end stays, for the decision whether the next cue goes on with it.
        let finished = (finished - self.base).saturating_sub(KEPT_BYTES);
        let most = self.fresh.floor_char_boundary(most.min(finished));
        self.base += most;
        let rest = self.fresh.split_off(most);
        std::mem::replace(&mut self.fresh, rest)
    }

    /// Begins a turn.
    pub(crate) fn turn(&mut self, head: Head<'_>) {
        self.end_turn(head.from);
        if !(self.len() == 0 || self.fresh.ends_with('\n') || self.fresh.is_empty()) {
            self.insert("\n");
        }
        let before = self.turn.speaker;
        let same = before.filter(|_| !head.is_change);
        let speaker = head.speaker.map_or(same, |name| self.speaker(name));
        let start = self.len();
        self.turn = Turn {
            start,
            speaker,
            from: head.from,
            stamp: head.from,
            ..Turn::default()
        };
        if speaker != before {
            self.loops.change_speaker();
        }
        if let Some((label, source)) = head.written {
            self.push(label, source);
        } else {
            let name = speaker.filter(|_| head.always_named || speaker != before);
            if let Some(name) = name.and_then(|speaker| self.speakers.get(speaker.index())) {
                self.fresh.push_str(name);
                self.insert(": ");
            }
        }
        if let Some(mut segment) = Segment::new(start, speaker, head.from) {
            segment.set_body(self.len() - start);
            self.segments.push(segment);
            self.turn.has_segment = true;
        }
    }

    /// Adds a part of the decoded text to the current turn.
    pub(crate) fn say(&mut self, block: &Block<'_>, part: Span) {
        self.turn.said += part.len();
        for (mut stretch, mut source) in block.stretches(part) {
            while !stretch.is_empty() {
                let (piece, after) = stretch.split_at(stretch.floor_char_boundary(PIECE_BYTES));
                self.raw.push(piece, source);
                (stretch, source) = (after, block.map.after(source, piece));
                self.flush_lines();
            }
        }
    }

    /// Adds a blank to the current turn unless there is one.
    pub(crate) fn blank(&mut self) {
        let last = if self.raw.text.is_empty() {
            &self.fresh
        } else {
            &self.raw.text
        };
        if !last.ends_with(char::is_whitespace) {
            // The next part brings its own mark.
            self.raw.text.push(' ');
        }
    }

    /// Whether the label at the beginning of `head` interrupts a sentence of the same speaker: at most `pause` milliseconds
    /// after what was said last, or without times if the sentence `is_continued`.
    pub(crate) fn goes_on(&mut self, head: &Head<'_>, pause: i32, is_continued: bool) -> bool {
        let is_near = match self.turn.stamp.zip(head.from) {
            Some((last, from)) => {
                let said = i32::try_from(self.turn.said.saturating_mul(BYTE_MILLIS));
                let end = last.millis().saturating_add(said.unwrap_or(i32::MAX));
                from >= last && from.millis().saturating_sub(end) <= pause
            }
            None => is_continued,
        };
        let goes_on = is_near
            && !head.is_change
            && self.turn.joined < MAX_JOINED
            && self.turn.has_segment
            && self.is_speaking(head.speaker)
            && !self.is_at_sentence_end();
        if goes_on {
            self.turn.joined += 1;
            self.turn.stamp = head.from.or(self.turn.stamp);
            self.turn.said = 0;
            self.raw.trim_end();
        }
        goes_on
    }

    /// Whether `speaker` is the one of the current turn. Where a format does not name one, the speaker stays the same.
    fn is_speaking(&self, speaker: Option<&str>) -> bool {
        let current = self
            .turn
            .speaker
            .and_then(|speaker| self.speakers.get(speaker.index()));
        speaker.is_none_or(|name| current.is_some_and(|current| current == name))
    }

    fn is_at_sentence_end(&self) -> bool {
        let last = self.raw.text.trim_end();
        sentence::ends_sentence(if last.is_empty() {
            self.fresh.trim_end()
        } else {
            last
        })
    }

    /// Adds a cue, which goes on with the current turn or begins one.
    pub(crate) fn cue(&mut self, block: &Block<'_>, cue: &Cue<'_>) {
        let start = cue.start.map(Timestamp::clamped);
        let speaker = cue.speaker.as_deref().map(tidy);
        let speaker = speaker.as_deref().filter(|name| !name.is_empty());
        // What is too long for a name is what somebody says.
        let misplaced = speaker.filter(|name| name.len() > MAX_NAME_BYTES);
        let speaker = speaker.filter(|_| misplaced.is_none());
        let last = cue.text.last().map_or("", |part| part.of(block.text));
        let facts = CueFacts {
            speaker,
            is_change: cue.is_change,
            start: cue.start,
            end: cue.end,
            words: cue
                .text
                .iter()
                .map(|part| words::count(part.of(block.text)))
                .sum(),
            text: &cleaned(last),
        };
        if !(self.joiner.joins(&facts) && self.turn.has_segment) {
            self.turn(Head {
                speaker,
                from: start,
                is_change: cue.is_change,
                ..Head::default()
            });
        }
        if let Some(text) = misplaced {
            let at = cue.text.first().map_or(0, |part| part.start);
            self.raw.push(text, block.position(block.start + at));
            self.blank();
        }
        let mut before: Option<&str> = None;
        for &part in &cue.text {
            let text = part.of(block.text);
            let has_blank = before.is_none_or(|before| cue.joint.is_blank(before, text));
            if has_blank && !(self.raw.text.is_empty() && self.turn.words == 0) {
                self.blank();
            }
            // The blank above replaces those that the part brings.
            let start = match has_blank {
                true => part.end - text.trim_start().len(),
                false => part.start,
            };
            before = Some(text);
            let part = Span::from(block.start + start..block.start + part.end);
            match cue.escapes {
                Escapes::None => self.say(block, part),
                Escapes::Json => self.say_json(block, part),
                Escapes::Csv => self.say_csv(block, part),
            }
        }
        self.turn.until = self.turn.until.max(cue.end.map(Timestamp::clamped));
        self.turn.stamp = start.or(self.turn.stamp);
        if let Some(percent) = cue.confidence {
            for (sum, number) in [&mut self.confidence, &mut self.turn.confidence] {
                *sum += u64::from(percent);
                *number += 1;
            }
        }
    }

    fn say_csv(&mut self, block: &Block<'_>, part: Span) {
        let mut at = part.start;
        for (quotes, _) in block.at(part).match_indices("\"\"") {
            let end = part.start + quotes + 1;
            self.say(block, Span::from(at..end));
            at = end + 1;
        }
        self.say(block, Span::from(at..part.end));
    }

    fn say_json(&mut self, block: &Block<'_>, part: Span) {
        let mut at = part.start;
        while let Some(escape) = block.at(Span::from(at..part.end)).find('\\') {
            self.say(block, Span::from(at..at + escape));
            at += escape;
            let (c, length) = unescape(block.at(Span::from(at..part.end)));
            let c = if c.is_control() && !matches!(c, '\n' | '\u{1b}') {
                ' '
            } else {
                c
            };
            self.raw
                .push(c.encode_utf8(&mut [0; 4]), block.position(at));
            at += length;
            self.raw.ends_at(block.position(at));
        }
        self.say(block, Span::from(at..part.end));
    }

    /// Moves the lines of a long turn into the text, so that not all of it is collected first.
    fn flush_lines(&mut self) {
        let text = &self.raw.text;
        if text.len() < PIECE_BYTES + self.unbroken {
            return;
        }
        let end = text.rfind('\n').or_else(|| text.rfind(' '));
        match end {
            Some(end) if end > PIECE_BYTES / 2 => {
                let rest = self.raw.split_off(end + 1);
                self.flush();
                self.raw = rest;
            }
            // A word of this length is none, or its script has no blanks.
            _ if text.len() >= 4 * PIECE_BYTES => self.flush(),
            // Looked for again only when there is much more, so that the time stays linear.
            _ => self.unbroken = text.len(),
        }
    }

    /// Cleans what has been collected and moves it into the text, leaving out repetitions.
    fn flush(&mut self) {
        self.unbroken = 0;
        if self.raw.text.is_empty() {
            return;
        }
        let mut raw = std::mem::replace(&mut self.raw, Marked::new(&self.map));
        let cleaned = raw.cleaned(&mut self.left);
        let said = cleaned.as_ref().unwrap_or(&raw);
        let start = self.fresh.len();
        let mut at = 0;
        let mut repeated = Vec::new();
        let tokens = self.loops.push(&said.text, self.heard, &mut repeated);
        let tokens = tokens.filter(|_| repeated.is_empty());
        for left_out in repeated {
            // The first copies of a loop may be in the text already, and stay there.
            let start = left_out.start.saturating_sub(self.heard);
            self.copy(said, Span::from(at..start.max(at)));
            at = left_out.end.saturating_sub(self.heard).max(at);
        }
        self.copy(said, Span::from(at..said.text.len()));
        self.heard += said.text.len();
        let words = tokens.unwrap_or_else(|| words::spoken(self.fresh.split_at(start).1));
        self.turn.words += words;
        self.words += words;
        raw.clear();
        self.raw = raw;
    }

    fn copy(&mut self, said: &Marked, part: Span) {
        for (stretch, source) in said.stretches(part) {
            self.push(stretch, source);
        }
        if part.start < part.end {
            self.end = Some(said.end_of(part.end));
        }
    }

    /// Appends a text that stands at `source` in the source.
    fn push(&mut self, text: &str, source: Position) {
        if text.is_empty() {
            return;
        }
        if self.next_source == Some(source) {
            self.map.note(self.len(), source);
        } else {
            self.map.mark(self.len(), source);
        }
        self.fresh.push_str(text);
        self.next_source = Some(self.map.after(source, text));
    }

    /// Appends a text that is not in the source.
    fn insert(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(end) = self.end.take()
            && self.next_source.is_some_and(|next| next != end)
        {
            self.map.mark(self.len(), end);
        }
        self.fresh.push_str(text);
        self.next_source = None;
    }

    /// Ends the current turn, at the latest when the next one begins.
    fn end_turn(&mut self, next: Option<Timestamp>) {
        self.flush();
        let turn = self.turn;
        if turn.words == 0 {
            self.remove_turn();
            return;
        }
        let talk = turn
            .speaker
            .and_then(|speaker| self.talk.get_mut(speaker.index()));
        if let Some(talk) = talk {
            talk.turns += 1;
            talk.words += turn.words;
            if let Some((from, until)) = turn.from.zip(turn.until.or(next).or(turn.stamp)) {
                let seconds = until.seconds_since(from).max(0.0);
                talk.seconds += match turn.until {
                    Some(_) => seconds,
                    None => seconds.min(turn.words as f64 * WORD_SECONDS + ROUNDED_SECONDS),
                };
            }
        }
        if let Some((segment, until)) = self.segments.last_mut().zip(turn.until.or(turn.stamp))
            && turn.has_segment
        {
            segment.set_until(until);
        }
        let (sum, number) = turn.confidence;
        if let Some(segment) = self.segments.last_mut()
            && turn.has_segment
            && sum < UNSURE_PERCENT * number
        {
            segment.set_unsure();
        }
    }

    /// Removes the current turn, in which nothing was said.
    fn remove_turn(&mut self) {
        let Some(start) = self.turn.start.checked_sub(self.base) else {
            return;
        };
        self.fresh.truncate(start);
        self.map.truncate(self.turn.start);
        (self.next_source, self.end) = (None, None);
        if self.turn.has_segment {
            self.segments.pop();
        }
        // The speaker is unknown again if this was the only turn.
        let speaker = self
            .turn
            .speaker
            .filter(|speaker| speaker.index() + 1 == self.speakers.len());
        if speaker
            .and_then(|speaker| self.talk.get(speaker.index()))
            .is_some_and(|talk| talk.turns == 0)
        {
            // What is known by its hash is then somebody else, or nobody.
            self.speakers.pop();
            self.talk.pop();
            self.turn.speaker = None;
        }
    }

    fn speaker(&mut self, name: &str) -> Option<Speaker> {
        let is = |speaker: Speaker| {
            self.speakers
                .get(speaker.index())
                .is_some_and(|known| known == name)
        };
        if let Some(recent) = self.recent.find(is) {
            return Some(recent);
        }
        let hash = self.hasher.hash_one(name);
        let known = self
            .known
            .get(&hash)
            .copied()
            .filter(|&speaker| is(speaker));
        let speaker = match known {
            Some(known) => known,
            None => {
                let speaker = Speaker::new(self.speakers.len())?;
                self.speakers.push(name.to_owned());
                self.talk.push(Talk::default());
                self.known.insert(hash, speaker);
                speaker
            }
        };
        self.recent.add(speaker);
        Some(speaker)
    }

    pub(crate) fn finish(mut self) -> Written {
        self.end_turn(None);
        Written {
            fresh: self.fresh,
            map: self.map,
            segments: self.segments,
            speakers: self.speakers,
            talk: self.talk,
            words: self.words,
            left: self.left,
            confidence: (self.confidence.0.checked_div(self.confidence.1))
                .and_then(|mean| mean.try_into().ok()),
            loops: self.loops,
        }
    }
}

/// A name on one line, without markup and invisible characters.
fn tidy(name: &str) -> String {
    let visible = cleaned(name).replace(char::is_control, " ");
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The character that the JSON escape at the start of `text` stands for, and the length of the escape.
pub(crate) fn unescape(text: &str) -> (char, usize) {
    let unit = |text: &str| {
        let digits = text.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    match text.as_bytes().get(1) {
        Some(b'n') => ('\n', 2),
        Some(b'r' | b't' | b'b' | b'f') => (' ', 2),
        Some(b'u') => {
            let units = [unit(text), text.get(6..).and_then(unit)];
            let (first, second) = (units[0].unwrap_or(0xfffd), units[1]);
            let mut pair = char::decode_utf16([first].into_iter().chain(second));
            match pair.next() {
                Some(Ok(c)) if units[0].is_some() => (c, 6 * c.len_utf16()),
                _ if units[0].is_some() => (char::REPLACEMENT_CHARACTER, 6),
                _ => (char::REPLACEMENT_CHARACTER, 2),
            }
        }
        Some(&other) if other.is_ascii() => (char::from(other), 2),
        _ => ('\\', 1),
    }
}
