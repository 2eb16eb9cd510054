//! Groups single words into cues.

use std::borrow::Cow;

use crate::text::Span;
use crate::transcript::format::cue::{Cue, Escapes, Joint};
use crate::transcript::format::field::percent;
use crate::transcript::format::json::is_blank;

/// A pause that ends a cue, in milliseconds.
const PAUSE: i64 = 2000;

/// Maximum number of words in a cue, for texts without full stops.
const MAX_WORDS: usize = 200;

/// A word or a punctuation mark.
#[derive(Debug, Default)]
pub(super) struct Word<'t> {
    pub(super) span: Span,
    pub(super) speaker: Option<Cow<'t, str>>,
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
    pub(super) confidence: Option<f64>,
    pub(super) is_mark: bool,
}

/// The words of the next cue: those of one speaker, up to a pause or the end of a sentence.
pub(super) struct Group<'t> {
    text: &'t str,
    cue: Cue<'t>,
    confidence: f64,
    confidences: u32,
    is_sentence: bool,
    /// Number of cues that have been begun.
    begun: usize,
}

impl<'t> Group<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            cue: Cue::default(),
            confidence: 0.0,
            confidences: 0,
            is_sentence: false,
            begun: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cue.text.is_empty()
    }

    pub(super) fn begun(&self) -> usize {
        self.begun
    }

    /// Adds a word, after the cue so far if that is complete without it.
    pub(super) fn add(&mut self, word: Word<'t>, joint: Joint, sink: &mut dyn FnMut(Cue<'t>)) {
        let written = word.span.of(self.text);
        let belongs = word.is_mark || is_blank(written) || !written.contains(char::is_alphanumeric);
        if self.cue.text.is_empty() && is_blank(written) {
            return;
        }
        if !belongs && self.is_complete_before(&word) {
            self.finish(sink);
        }
        if self.cue.text.is_empty() {
            self.begun += 1;
            self.cue.speaker = word.speaker.clone();
            self.cue.start = word.start;
            self.cue.joint = joint;
            self.cue.escapes = Escapes::Json;
        }
        if self.cue.speaker.is_none() && self.cue.text.len() == 1 {
            // Recognizers cannot place a number in time, and leave its speaker open.
            self.cue.speaker = word.speaker;
        }
        self.cue.end = word.end.or(word.start).or(self.cue.end);
        self.cue.text.push(word.span);
        if let Some(confidence) = word.confidence.filter(|_| !belongs) {
            self.confidence += confidence;
            self.confidences += 1;
        }
        if !is_blank(written) {
            self.is_sentence = ends_sentence(written);
        }
    }

    fn is_complete_before(&self, next: &Word) -> bool {
        let is_open = self.cue.speaker.is_none() && self.cue.text.len() == 1;
        let other_speaker = next.speaker.is_some() && next.speaker != self.cue.speaker && !is_open;
        let pause = self
            .cue
            .end
            .zip(next.start)
            .map_or(0, |(end, start)| start - end);
        self.is_sentence || other_speaker || pause >= PAUSE || self.cue.text.len() >= MAX_WORDS
    }

    /// Gives the cue an end if its words have no times.
    pub(super) fn end_by(&mut self, end: Option<i64>) {
        if self.cue.end <= self.cue.start {
            self.cue.end = self.cue.end.max(end);
        }
    }

    /// Hands on the words so far.
    pub(super) fn finish(&mut self, sink: &mut dyn FnMut(Cue<'t>)) {
        let mut cue = std::mem::take(&mut self.cue);
        if self.confidences > 0 {
            cue.confidence = Some(percent(self.confidence / f64::from(self.confidences)));
        }
        (self.confidence, self.confidences, self.is_sentence) = (0.0, 0, false);
        if !cue.text.is_empty() {
            sink(cue);
        }
    }
}

fn ends_sentence(word: &str) -> bool {
    let bare = word.trim_end_matches(|c: char| c.is_whitespace() || "\"'\\»”’)".contains(c));
    bare.ends_with(['.', '?', '!', '…', '。', '？', '！', '।', '؟'])
}
