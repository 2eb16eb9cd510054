//! Units of selection: cleaned-up sentences with their speakers.

use std::ops::Range;

use crate::extract::clean;
use crate::extract::select::Selection;
use crate::extract::weight::Terms;
use crate::text::{sentence, words};
use crate::transcript::{Passage, Speaker};

/// Passages above this size in bytes are reduced piece by piece before selection, because weighing a sentence takes about
/// forty times its size in memory. The chunks of a transcript of 400,000 words are smaller.
const LARGE_BYTES: usize = 256 * 1024;

/// Size in bytes of the pieces in which larger passages are weighed.
const PIECE_BYTES: usize = 96 * 1024;

/// The reduced passage keeps this many times the requested words, as candidates for the final selection.
const KEPT: usize = 6;

/// Minimum number of words to keep from each piece.
const MIN_KEPT_WORDS: usize = 60;

/// One sentence.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub(crate) speaker: Option<Speaker>,
    /// The text without fillers, stutters and odd spacing.
    pub(crate) text: String,
    pub(crate) words: usize,
    /// Whether it lacks final punctuation although most sentences of the passage have it.
    pub(crate) is_broken_off: bool,
}

/// The units of a passage, in order.
pub(crate) struct Units {
    passage: Passage,
    pub(crate) all: Vec<Unit>,
    pub(crate) terms: Terms,
}

/// The units of `passage` from which to select `budget` words. For a very long passage, only the most informative units of
/// each piece.
pub(crate) fn candidates(passage: &Passage, budget: usize) -> Units {
    if passage.len() <= LARGE_BYTES {
        return Units::of(passage);
    }
    let kept = (budget * KEPT / passage.len().div_ceil(PIECE_BYTES)).max(MIN_KEPT_WORDS);
    let mut candidates = Vec::new();
    let mut rest = passage.clone();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(end_of_piece(&rest));
        candidates.extend(Selection::of(&Units::of(&piece), "", kept).units().cloned());
        rest = after;
    }
    Units::new(passage, candidates)
}

/// The byte offset at which the first piece of `text` ends: after a line if possible, else after a word, else between
/// characters.
fn end_of_piece(text: &str) -> usize {
    if text.len() <= PIECE_BYTES {
        return text.len();
    }
    let (head, _) = text.split_at(text.floor_char_boundary(PIECE_BYTES));
    let line = head.rfind('\n').filter(|at| *at > head.len() / 2);
    let end = line.or_else(|| head.rfind(' '));
    end.map_or(head.len(), |at| at + 1)
}

impl Units {
    fn new(passage: &Passage, all: Vec<Unit>) -> Self {
        Self {
            passage: passage.clone(),
            terms: Terms::of(&all),
            all,
        }
    }

    /// All units of a passage.
    fn of(passage: &Passage) -> Self {
        let mut all = Vec::new();
        for (speaker, spoken) in passage.utterances() {
            for sentence in sentence::sentences(spoken) {
                let text = clean::clean(sentence.of(spoken));
                if text.contains(char::is_alphanumeric) {
                    all.push(Unit {
                        speaker,
                        words: words::count(&text),
                        text,
                        is_broken_off: false,
                    });
                }
            }
        }
        let ends = |unit: &&Unit| sentence::ends_sentence(&unit.text);
        if all.iter().filter(ends).count() * 2 > all.len() {
            for unit in &mut all {
                unit.is_broken_off = !ends(&&*unit);
            }
        }
        Self::new(passage, all)
    }

    /// Divides the units into up to `count` successive ranges of about equal length in words.
    pub(crate) fn strata(&self, count: usize) -> Vec<Range<usize>> {
        let total: usize = self.all.iter().map(|unit| unit.words).sum();
        let mut strata = Vec::with_capacity(count);
        let (mut start, mut words) = (0, 0);
        for (at, unit) in self.all.iter().enumerate() {
            if strata.len() + 1 < count && words * count >= total * (strata.len() + 1) && at > 0 {
                strata.push(start..at);
                start = at;
            }
            words += unit.words;
        }
        strata.push(start..self.all.len());
        strata
    }

    pub(crate) fn name(&self, speaker: Option<Speaker>) -> Option<&str> {
        self.passage.name(speaker)
    }

    /// Number of words in a speaker's name.
    pub(crate) fn label_words(&self, speaker: Option<Speaker>) -> usize {
        self.name(speaker).map_or(0, words::count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::extract;

    #[test]
    fn sentences_know_their_speakers() {
        let text = "Dana: We met and so we did. It went well.\n[00:01] Lee: Um, fine. Next?\n[00:02] Dana: I I agree.";
        let (_, passage) = Passage::of_text(text).split_at(text.find("and").unwrap());
        let units = Units::of(&passage);
        let said: Vec<_> = units
            .all
            .iter()
            .map(|unit| (units.name(unit.speaker), unit.text.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                (Some("Dana"), "And so we did."),
                (Some("Dana"), "It went well."),
                (Some("Lee"), "Fine."),
                (Some("Lee"), "Next?"),
                (Some("Dana"), "I agree."),
            ]
        );
    }

    #[test]
    fn a_piece_ends_after_a_line_a_word_or_a_character() {
        let line = "Dana: The depot is late.\n";
        let text = line.repeat(20_000);
        assert!(text[..end_of_piece(&text)].ends_with(".\n"));
        let one_line = "word ".repeat(40_000);
        assert!(one_line[..end_of_piece(&one_line)].ends_with(' '));
        let unbroken = "é".repeat(100_000);
        assert_eq!(end_of_piece(&unbroken), PIECE_BYTES);
        assert_eq!(end_of_piece("short"), 5);
    }

    #[test]
    fn of_a_long_passage_something_of_every_piece_is_kept() {
        let text: String = (0..9000)
            .map(|i| {
                format!(
                    "Speaker{}: The topic{} needs {i} more people in all.\n",
                    i % 3,
                    i / 900
                )
            })
            .collect();
        assert!(text.len() > LARGE_BYTES);
        let summary = extract(&Passage::of_text(text), 400);
        for topic in 0..10 {
            assert!(
                summary.contains(&format!("topic{topic}")),
                "{topic}: {summary}"
            );
        }
        let words = words::count(&summary);
        assert!((380..=400).contains(&words), "{words}");
    }

    #[test]
    fn a_word_of_a_megabyte_is_read_and_makes_no_title() {
        let text = Passage::of_text("x".repeat(1_000_000));
        assert!(words::count(&extract(&text, 400)) <= 400);
        assert_eq!(crate::extract::title(&text), None);
    }
}
