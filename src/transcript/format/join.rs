//! Joins cues to turns: captions cut sentences where the screen ends, and a turn puts them together again.

use crate::text::sentence;

/// A longer pause ends a turn, in milliseconds.
const MAX_PAUSE: i64 = 2_000;

/// A turn that lasts this long ends with its next sentence, in milliseconds.
const MAX_TIME: i64 = 60_000;

/// A turn of this many words ends with its next sentence.
const MAX_WORDS: usize = 120;

/// A turn of this many words ends even within a sentence.
const MAX_UNFINISHED_WORDS: usize = 240;

/// Estimated time to say a word, in milliseconds, for cues without an end.
const WORD_TIME: i64 = 400;

/// What decides whether a cue continues a turn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CueFacts<'t> {
    pub(crate) speaker: Option<&'t str>,
    /// Somebody else begins to speak.
    pub(crate) is_change: bool,
    pub(crate) start: Option<i64>,
    pub(crate) end: Option<i64>,
    pub(crate) words: usize,
    /// The spoken text, or its end.
    pub(crate) text: &'t str,
}

/// Decides for each cue of a text whether it continues the turn before it.
#[derive(Debug, Default)]
pub(crate) struct Joiner {
    speaker: Option<String>,
    words: usize,
    start: Option<i64>,
    end: Option<i64>,
    is_finished: bool,
}

impl Joiner {
    /// Takes the next cue. Returns whether it belongs to the same turn as the cue before it; otherwise it starts a turn. A cue
    /// that names no speaker has that of the cue before it.
    pub(crate) fn joins(&mut self, cue: &CueFacts<'_>) -> bool {
        let joins = self.continues(cue);
        if !joins {
            (self.words, self.start) = (0, cue.start);
            if cue.speaker.is_some() || cue.is_change {
                self.speaker = cue.speaker.map(str::to_owned);
            }
        }
        self.words += cue.words;
        self.start = self.start.or(cue.start);
        let words = i64::try_from(cue.words).unwrap_or(i64::MAX);
        let estimate = || {
            cue.start
                .map(|start| start.saturating_add(words.saturating_mul(WORD_TIME)))
        };
        self.end = cue.end.or_else(estimate).max(self.end.filter(|_| joins));
        self.is_finished = sentence::ends_sentence(cue.text);
        joins
    }

    fn continues(&self, cue: &CueFacts<'_>) -> bool {
        if self.words == 0
            || cue.is_change
            || cue
                .speaker
                .is_some_and(|name| self.speaker.as_deref() != Some(name))
        {
            return false;
        }
        let since = |time: Option<i64>| {
            cue.start
                .zip(time)
                .map_or(0, |(start, time)| start.saturating_sub(time))
        };
        let is_long = since(self.start) >= MAX_TIME || self.words >= MAX_WORDS;
        let is_too_long = self.words + cue.words > MAX_UNFINISHED_WORDS;
        since(self.end) < MAX_PAUSE && !is_too_long && !(is_long && self.is_finished)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether each cue continues the turn, given (speaker, start, end, text).
    fn joined(cues: &[(Option<&str>, i64, Option<i64>, &str)]) -> Vec<bool> {
        let mut joiner = Joiner::default();
        let facts = cues.iter().map(|&(speaker, start, end, text)| CueFacts {
            speaker,
            is_change: false,
            start: Some(start),
            end,
            words: text.split_whitespace().count(),
            text,
        });
        facts.map(|cue| joiner.joins(&cue)).collect()
    }

    #[test]
    fn a_turn_ends_with_its_speaker_or_at_a_pause() {
        let cues = [
            (Some("Anna"), 0, Some(2_000), "We need"),
            (Some("Anna"), 2_000, Some(4_000), "39 trucks."),
            (None, 5_999, Some(6_500), "Today."),
            (Some("Tom"), 6_500, Some(7_000), "Why?"),
            (Some("Tom"), 9_000, Some(9_500), "Really."),
        ];
        assert_eq!(joined(&cues), [false, true, true, false, false]);
    }

    #[test]
    fn the_end_of_a_cue_is_estimated() {
        let text = "ten words of this cue take about four seconds each";
        assert_eq!(
            joined(&[(None, 0, None, text), (None, 5_900, None, "and more")]),
            [false, true]
        );
        assert_eq!(
            joined(&[(None, 0, None, text), (None, 6_000, None, "and more")]),
            [false, false]
        );
    }

    #[test]
    fn a_long_turn_ends_with_a_sentence() {
        let words = |count: usize, end: &str| "word ".repeat(count) + end;
        let (open, closed) = (words(120, "and"), words(119, "end."));
        let long = words(119, "more");
        assert_eq!(
            joined(&[(None, 0, Some(10), &closed), (None, 10, Some(20), "Next.")]),
            [false, false]
        );
        assert_eq!(
            joined(&[(None, 0, Some(10), &open), (None, 10, Some(20), "next.")]),
            [false, true]
        );
        assert_eq!(
            joined(&[(None, 0, Some(10), &open), (None, 10, Some(20), &long)]),
            [false, false]
        );
        assert_eq!(
            joined(&[
                (None, 0, Some(60_000), "Slow."),
                (None, 60_000, Some(60_100), "Next.")
            ]),
            [false, false]
        );
        assert_eq!(
            joined(&[
                (None, 0, Some(60_000), "slow"),
                (None, 60_000, Some(60_100), "next.")
            ]),
            [false, true]
        );
    }
}
