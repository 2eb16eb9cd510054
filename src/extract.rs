//! Extractive summarizing: the sentences of a text that cover most of what it is about.
//!
//! Budgeted submodular term coverage by lazy greedy selection (Lin and Bilmes, 2011): a sentence is worth the terms that no
//! chosen sentence has yet, weighed by tf-idf with sublinear tf, and is taken by worth ÷ length^0.3. On 232 meetings this
//! beat LexRank, TextRank, LSA, SumBasic, MMR and the lead (ALGORITHM.md, "Extractive").

mod clean;
mod terms;
mod title;
mod unit;

use std::collections::{BTreeSet, BinaryHeap};

pub use title::title;

use terms::Terms;
use unit::Units;

/// Sentences with fewer words say too little by themselves; they are taken only when nothing longer is left.
const MIN_WORDS: usize = 6;

/// How much longer sentences are held against them.
const LENGTH_EXPONENT: f64 = 0.3;

/// Parts of the text that are each represented, as long as the budget has room for it.
const STRATA: usize = 4;

/// Words that the smallest stratum is worth a sentence for.
const STRATUM_WORDS: usize = 40;

/// About `budget` words (never more) of the most telling sentences of `text`, in their order, each turn with its speaker's
/// name. `going_on` speaks at the beginning, if the text begins in the middle of a turn.
#[must_use]
pub fn extract(text: &str, going_on: Option<&str>, budget: usize) -> String {
    let units = Units::of(text, going_on);
    let terms = Terms::of(&units);
    let mut chosen = Selection::new(&units, budget);
    if budget >= STRATA * STRATUM_WORDS {
        for stratum in 0..STRATA {
            let range = units.len() * stratum / STRATA..units.len() * (stratum + 1) / STRATA;
            chosen.take_best(&terms, range, 1, MIN_WORDS);
        }
    }
    chosen.take_best(&terms, 0..units.len(), usize::MAX, MIN_WORDS);
    chosen.take_best(&terms, 0..units.len(), usize::MAX, 1);
    chosen.render()
}

/// The units chosen so far, and what they cost.
struct Selection<'a> {
    units: &'a Units,
    budget: usize,
    words: usize,
    chosen: BTreeSet<usize>,
    covered: Vec<bool>,
}

/// A unit in the queue with the worth it had when it was last looked at.
struct Candidate {
    score: f64,
    unit: usize,
}

impl<'a> Selection<'a> {
    fn new(units: &'a Units, budget: usize) -> Self {
        Self {
            units,
            budget,
            words: 0,
            chosen: BTreeSet::new(),
            covered: Vec::new(),
        }
    }

    /// Takes up to `most` of the best units of `range` that have at least `min_words` and fit.
    fn take_best(
        &mut self,
        terms: &Terms,
        range: std::ops::Range<usize>,
        most: usize,
        min_words: usize,
    ) {
        self.covered.resize(terms.len(), false);
        let score = |covered: &[bool], unit: usize, words: usize| {
            terms.gain(unit, covered)
                / f64::from(u32::try_from(words).unwrap_or(u32::MAX)).powf(LENGTH_EXPONENT)
        };
        let mut queue: BinaryHeap<Candidate> = range
            .filter_map(|unit| {
                let words = self.units.get(unit)?.words;
                (words >= min_words && !self.chosen.contains(&unit)).then(|| Candidate {
                    score: score(&self.covered, unit, words),
                    unit,
                })
            })
            .collect();
        let mut taken = 0;
        while let Some(mut best) = queue.pop() {
            let Some(unit) = self.units.get(best.unit) else {
                break;
            };
            if taken == most || self.words >= self.budget {
                break;
            }
            // Gains only shrink, so a stale score is an upper bound: look again, and take it if it is still the best.
            best.score = score(&self.covered, best.unit, unit.words);
            if queue.peek().is_some_and(|next| next > &best) {
                queue.push(best);
                continue;
            }
            let words = self.words + unit.words + self.label_words(best.unit);
            if words <= self.budget {
                self.words = words;
                self.chosen.insert(best.unit);
                terms.cover(best.unit, &mut self.covered);
                taken += 1;
            }
        }
    }

    /// Words of the speakers' names that choosing `unit` adds: its own, and that of a turn it interrupts.
    fn label_words(&self, unit: usize) -> usize {
        let speaker = |at: usize| self.units.get(at).map(|unit| unit.speaker);
        let before = self
            .chosen
            .range(..unit)
            .next_back()
            .and_then(|&at| speaker(at));
        let after = self
            .chosen
            .range(unit + 1..)
            .next()
            .and_then(|&at| speaker(at));
        let this = speaker(unit);
        let cost = |first, second| match second {
            Some(named) if first != second => self.units.label_words(named),
            _ => 0,
        };
        (cost(before, this) + cost(this, after)).saturating_sub(cost(before, after))
    }

    /// The chosen sentences: a paragraph for each speaker in turn.
    fn render(&self) -> String {
        let mut text = String::new();
        let mut speaking = None;
        for unit in self.chosen.iter().filter_map(|&at| self.units.get(at)) {
            if speaking == Some(unit.speaker) {
                text.push(' ');
            } else {
                if !text.is_empty() {
                    text.push('\n');
                }
                if let Some(name) = self.units.name(unit.speaker) {
                    text.push_str(name);
                    text.push_str(": ");
                }
                speaking = Some(unit.speaker);
            }
            text.push_str(&unit.text);
        }
        text
    }
}

impl Ord for Candidate {
    /// By score, the earlier of equals first.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.score
            .total_cmp(&other.score)
            .then(other.unit.cmp(&self.unit))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::words;

    fn meeting() -> String {
        let topics = [
            "trams",
            "depot",
            "budget",
            "fares",
            "winter",
            "signals",
            "hiring",
            "platforms",
        ];
        (0..160)
            .map(|i| {
                let topic = topics[i / 20];
                format!("[00:{:02}:00] Speaker{}: The {topic} need {} more people by month {}. Yes. We said so about {topic}.\n", i % 60, i % 3, i * 7, i % 12)
            })
            .collect()
    }

    #[test]
    fn the_budget_is_kept_and_used() {
        let text = meeting();
        for budget in [20, 60, 200, 450, 900] {
            let words = words::count(&extract(&text, None, budget));
            assert!(
                words <= budget && words + 12 >= budget,
                "{words} of {budget}"
            );
        }
        assert_eq!(extract(&text, None, 0), "");
        assert_eq!(extract("", None, 100), "");
    }

    #[test]
    fn every_topic_is_represented_in_order() {
        let summary = extract(&meeting(), None, 200);
        let at = |topic| {
            summary
                .find(topic)
                .unwrap_or_else(|| panic!("{topic} is missing from {summary}"))
        };
        assert!(
            at("trams") < at("budget")
                && at("budget") < at("winter")
                && at("winter") < at("platforms")
        );
    }

    #[test]
    fn sentences_are_attributed() {
        let summary = extract(
            "Dana: We will close the depot in March of next year.\nLee: I would rather wait until the summer.",
            None,
            100,
        );
        assert_eq!(
            summary,
            "Dana: We will close the depot in March of next year.\nLee: I would rather wait until the summer."
        );
        let goes_on = extract(
            "and we will close the depot in March then.",
            Some("Dana"),
            100,
        );
        assert_eq!(goes_on, "Dana: And we will close the depot in March then.");
    }
}
