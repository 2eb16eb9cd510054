//! Units of selection: cleaned-up sentences with their speakers, and which of them need each other: a sentence that leans
//! on the one before, an answer its question, and a question its answer.

use std::ops::Range;

use crate::extract::clean;
use crate::extract::select::{Known, Selection};
use crate::extract::weight::Terms;
use crate::text::{leans, sentence, words};
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
    /// Whether it lacks final punctuation although most sentences of the passage have it. Its text ends with an ellipsis.
    pub(crate) is_broken_off: bool,
    /// Whether it cannot be understood without the sentence before.
    leans: bool,
}

impl Unit {
    fn is_question(&self) -> bool {
        self.text.ends_with(['?', '？', '؟'])
    }
}

/// How far back a sentence takes those that it needs: the one before, and the one that this one leans on.
const BACK: usize = 2;

/// How far on a question takes what follows, which may be another question.
const ON: usize = 2;

/// Shorter sentences, such as `Yeah, right.`, are listeners' murmurs: a sentence leans on the one before them.
const MIN_CONTENT_WORDS: usize = 3;

/// Maximum number of murmurs that are passed over.
const MURMURS: usize = 3;

/// Maximum distance of two units in the text of which one needs the other.
pub(crate) const REACH: usize = (MURMURS + 1) * if BACK > ON { BACK } else { ON };

/// The other units that a unit needs, in the order of the text.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    pub(crate) units: Box<[usize]>,
    /// Whether it leans on more than these.
    pub(crate) is_incomplete: bool,
}

impl Needs {
    fn of(all: &[Unit], at: usize) -> Self {
        let mut units = Vec::new();
        let mut first = at;
        for _ in 0..BACK {
            let Some(before) = needed_before(all, first).flatten() else {
                break;
            };
            units.insert(0, before);
            first = before;
        }
        let mut last = at;
        for _ in 0..ON {
            let Some(answer) = needed_after(all, last) else {
                break;
            };
            // The `Yes.` before the answer belongs to it.
            let speaker = all.get(answer).map(|unit| unit.speaker);
            let is_said = |at: &usize| all.get(*at).map(|unit| unit.speaker) == speaker;
            units.extend((last + 1..=answer).filter(is_said));
            last = answer;
        }
        Self {
            units: units.into(),
            is_incomplete: all.get(first).is_some_and(|unit| unit.leans),
        }
    }
}

/// The unit before `at` that it needs, if any. `Some(None)` if there is none although it leans on one.
fn needed_before(all: &[Unit], at: usize) -> Option<Option<usize>> {
    let unit = all.get(at)?;
    let (before, _) = all.split_at(at);
    let murmurs = before.iter().rev().take(MURMURS + 1);
    let passed = murmurs.take_while(|unit| unit.words < MIN_CONTENT_WORDS);
    let found = at.checked_sub(passed.count() + 1);
    let is_answer = found.and_then(|at| all.get(at)).is_some_and(|before| {
        before.is_question() && before.speaker != unit.speaker && !unit.is_question()
    });
    (unit.leans || is_answer).then_some(found)
}

/// The unit after `at` that it needs because it is a question.
fn needed_after(all: &[Unit], at: usize) -> Option<usize> {
    all.get(at).filter(|unit| unit.is_question())?;
    let mut after = (at + 1..all.len()).take(MURMURS + 1);
    let content = |at: &usize| {
        let unit = all.get(*at);
        unit.is_some_and(|unit| unit.words >= MIN_CONTENT_WORDS)
    };
    after
        .find(content)
        .or((at + 1 < all.len()).then_some(at + 1))
}

/// The units of a passage, in order.
pub(crate) struct Units {
    passage: Passage,
    pub(crate) all: Vec<Unit>,
    pub(crate) terms: Terms,
    /// What each unit needs.
    pub(crate) needs: Vec<Needs>,
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
        candidates.extend(
            Selection::of(&Units::of(&piece), Known::default(), kept)
                .units()
                .cloned(),
        );
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
            needs: (0..all.len()).map(|at| Needs::of(&all, at)).collect(),
            all,
        }
    }

    /// All units of a passage.
    fn of(passage: &Passage) -> Self {
        let mut all: Vec<Unit> = Vec::new();
        for (speaker, spoken) in passage.utterances() {
            for sentence in sentence::sentences(spoken) {
                let said = sentence.of(spoken);
                let text = clean::clean(said);
                if text.contains(char::is_alphanumeric) {
                    // The end of a sentence that was cut because it is too long.
                    let continues = said.starts_with(char::is_lowercase)
                        && all
                            .last()
                            .is_some_and(|last| last.is_broken_off && last.speaker == speaker);
                    all.push(Unit {
                        speaker,
                        words: words::count(&text),
                        is_broken_off: !sentence::ends_sentence(&text) || text.ends_with('…'),
                        leans: continues || leans(&text),
                        text,
                    });
                }
            }
        }
        // Without punctuation, sentences are cut at a length and before conjunctions.
        let broken_off = all.iter().filter(|unit| unit.is_broken_off).count();
        let is_punctuated = broken_off * 2 < all.len();
        for unit in &mut all {
            unit.is_broken_off &= is_punctuated;
            unit.leans &= is_punctuated;
            if unit.is_broken_off {
                let end = unit.text.trim_end_matches(|c: char| !c.is_alphanumeric());
                unit.text.truncate(end.len());
                unit.text.push('…');
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

    /// The unit at `at` and those that it needs.
    pub(crate) fn with_needs(&self, at: usize) -> impl Iterator<Item = usize> + Clone {
        let needs = self.needs.get(at).into_iter();
        let needed = needs.flat_map(|needs| needs.units.iter().copied());
        needed.chain([at])
    }

    /// The beginning of the first unit, of about `budget` words, if the passage has no sentences.
    pub(crate) fn beginning(&self, budget: usize) -> String {
        let first = self
            .all
            .first()
            .filter(|unit| !sentence::ends_sentence(&unit.text));
        let text = first.map_or("", |unit| words::prefix(&unit.text, budget));
        match text.trim_end_matches(|c: char| !c.is_alphanumeric()) {
            "" => String::new(),
            text => format!("{text}…"),
        }
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
