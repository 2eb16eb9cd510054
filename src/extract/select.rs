//! Selects units within a budget of words, by lazy greedy selection.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::{Range, RangeInclusive};

use crate::extract::unit::{Unit, Units};

/// Minimum length of a sentence in words. Shorter ones say too little and are selected only when no longer one fits.
const MIN_WORDS: usize = 6;

/// Number of successive parts of the text that are each represented if the budget allows. There are more than ten, so that
/// every tenth of the text is represented even if it does not coincide with a part.
const STRATA: usize = 18;

/// Minimum budget per stratum, in words. With less, strata are ignored.
const STRATUM_WORDS: usize = 20;

/// A score is divided by the length of the sentence to this power. Higher exponents favour shorter sentences.
const LENGTH_EXPONENT: f64 = 0.2;

/// Factor for the score of a sentence that breaks off: readers want complete sentences.
const BROKEN_OFF: f64 = 0.5;

/// The units chosen so far, and their length in words.
pub(crate) struct Selection<'a> {
    units: &'a Units,
    budget: usize,
    words: usize,
    /// Keyed by position in the text.
    chosen: BTreeMap<usize, &'a Unit>,
    /// The weight of each term, or 0 if it is covered.
    weights: Vec<f64>,
}

impl<'a> Selection<'a> {
    /// Selects the best of `units` within `budget` words. Terms that already occur in `known` count for nothing.
    pub(crate) fn of(units: &'a Units, known: &str, budget: usize) -> Self {
        let mut selection = Self {
            units,
            budget,
            words: 0,
            chosen: BTreeMap::new(),
            weights: units.terms.weights(known),
        };
        let all = 0..units.all.len();
        if budget >= STRATA * STRATUM_WORDS {
            let strata = units.strata(STRATA);
            let count = strata.len();
            for (at, stratum) in strata.into_iter().enumerate() {
                // Divide what is left evenly, so that the last strata are not left without.
                let share = selection.left() / (count - at);
                if !selection.take_best(stratum.clone(), 1, MIN_WORDS..=share) {
                    selection.take_best(stratum, 1, 1..=share * 2);
                }
            }
        }
        selection.take_best(all.clone(), usize::MAX, MIN_WORDS..=usize::MAX);
        // Sentences such as "Perfect." tell readers nothing, so do not use them to fill the last gap. Allow them only if the
        // text offers little else.
        if known.is_empty() && selection.left() * 10 > budget {
            selection.take_best(all, usize::MAX, 1..=usize::MAX);
        }
        selection
    }

    fn left(&self) -> usize {
        self.budget.saturating_sub(self.words)
    }

    /// The score of the unit at `at`, as the bits of a non-negative float, which sort in the same order as the float. Scores
    /// only decrease as terms are covered.
    fn score(&self, at: usize, unit: &Unit) -> u64 {
        let worth = if unit.is_broken_off { BROKEN_OFF } else { 1.0 };
        // An empty sum is −0.0, and its sign bit would make it sort highest.
        let gain = worth * self.units.terms.gain(at, &self.weights).abs();
        (gain / (unit.words as f64).powf(LENGTH_EXPONENT)).to_bits()
    }

    /// Selects up to `most` of the best units in `range` that fit the budget and whose length in words is in `lengths`. Of
    /// equal units, the earlier one is selected first. Returns whether any was selected.
    fn take_best(
        &mut self,
        range: Range<usize>,
        most: usize,
        lengths: RangeInclusive<usize>,
    ) -> bool {
        let units = &self.units.all;
        let mut queue = BinaryHeap::new();
        for (at, unit) in units.iter().enumerate().take(range.end).skip(range.start) {
            if lengths.contains(&unit.words) && !self.chosen.contains_key(&at) {
                queue.push((self.score(at, unit), Reverse(at)));
            }
        }
        let mut taken = 0;
        while let Some((_, Reverse(at))) = queue.pop()
            && let Some(unit) = units.get(at)
            && taken < most
            && self.words < self.budget
        {
            // Scores only decrease, so an old score is an upper bound. Score the unit again, and select it if it is still
            // the best.
            let best = (self.score(at, unit), Reverse(at));
            if queue.peek().is_some_and(|next| *next > best) {
                queue.push(best);
                continue;
            }
            let words = self.words + unit.words + self.label_words(at, unit);
            if words <= self.budget {
                self.words = words;
                self.chosen.insert(at, unit);
                self.units.terms.cover(at, &mut self.weights);
                taken += 1;
            }
        }
        taken > 0
    }

    /// Words of speakers' names that selecting a unit adds: its own speaker's, and that of a turn it interrupts.
    fn label_words(&self, at: usize, unit: &Unit) -> usize {
        let speaker = |(_, unit): (&usize, &&Unit)| unit.speaker;
        let before = self.chosen.range(..at).next_back().map(speaker);
        let after = self.chosen.range(at + 1..).next().map(speaker);
        let this = Some(unit.speaker);
        let cost = |first, second| match second {
            Some(named) if first != second => self.units.label_words(named),
            _ => 0,
        };
        (cost(before, this) + cost(this, after)).saturating_sub(cost(before, after))
    }

    /// The chosen units, in their order in the text.
    pub(crate) fn units(&self) -> impl Iterator<Item = &'a Unit> {
        self.chosen.values().copied()
    }

    /// Renders the chosen sentences, with one paragraph per turn.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        let mut speaking = None;
        for unit in self.units() {
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

#[cfg(test)]
mod tests {
    use crate::extract::extract;
    use crate::extract::weight::tests::GAINS;
    use crate::transcript::Passage;

    /// A meeting of sentences whose words are drawn with Zipf's frequencies, from a vocabulary that grows with its length.
    fn meeting(sentences: usize) -> Passage {
        let mut state = 1_u64;
        let mut word = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let uniform = (state >> 40) as f64 / (1_u64 << 24) as f64;
            let rank = (sentences as f64).powf(uniform);
            format!("w{}", rank as usize)
        };
        let text: String = (0..sentences)
            .map(|at| {
                let words: Vec<String> = (0..6 + at % 9).map(|_| word()).collect();
                format!("Speaker{}: {}.\n", at / 4 % 5, words.join(" "))
            })
            .collect();
        Passage::of_text(text)
    }

    /// The number of gains computed to extract a fifth of the words of a meeting.
    fn gains(sentences: usize) -> usize {
        let passage = meeting(sentences);
        let before = GAINS.get();
        assert_ne!(extract(&passage, sentences * 2), "");
        GAINS.get() - before
    }

    /// The steps are counted because a time depends on the machine.
    #[test]
    fn the_work_grows_linearly_with_the_text() {
        let (small, large) = (gains(500), gains(4000));
        assert!(
            small >= 500 && large <= small * 10,
            "{small} gains for 500 sentences, {large} for 4000"
        );
    }
}
