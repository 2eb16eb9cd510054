//! Selects units within a budget of words, by lazy greedy selection.
//!
//! A unit is taken together with those that it needs, or not at all. Its gain is that of all of them, its length that of
//! those that are not chosen yet. So its score can rise when a unit that it needs is chosen; it is then queued again.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::{Range, RangeInclusive};

use crate::extract::unit::{Needs, REACH, Unit, Units};
use crate::text::sentence;

/// Minimum length of a sentence in words. Shorter ones say too little and are selected only when no longer one fits.
const MIN_WORDS: usize = 6;

/// Number of successive parts of the text that are each represented if the budget allows. There are more than ten, so that
/// every tenth of the text is represented even if it does not coincide with a part.
const STRATA: usize = 18;

/// Minimum budget per stratum, in words. With less, strata are ignored.
const STRATUM_WORDS: usize = 20;

/// A score is divided by the length of the sentence to this power. Higher exponents favour shorter sentences.
const LENGTH_EXPONENT: f64 = 0.2;

/// Factor for the score of a sentence that breaks off, or leans on more than what is taken with it: readers want complete
/// sentences.
const INCOMPLETE: f64 = 0.5;

/// Shorter sentences may be repeated.
const MIN_REPEATED_WORDS: usize = 4;

/// What readers know without the selection.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Known<'a> {
    /// The text that the selection adds to. Its terms count for nothing, and its sentences are not taken.
    pub(crate) text: &'a str,
    /// Another text, whose sentences are not taken either.
    pub(crate) elsewhere: &'a str,
}

impl Known<'_> {
    fn has(&self, unit: &Unit) -> bool {
        let said = &unit.text;
        unit.words >= MIN_REPEATED_WORDS
            && (self.text.contains(said) || self.elsewhere.contains(said))
    }
}

/// The units chosen so far, and their length in words.
pub(crate) struct Selection<'a> {
    units: &'a Units,
    budget: usize,
    words: usize,
    /// Keyed by position in the text.
    chosen: BTreeMap<usize, &'a Unit>,
    /// Whether each unit may not be taken, because readers know it or one that it needs.
    barred: Vec<bool>,
    /// The weight of each term, or 0 if it is covered.
    weights: Vec<f64>,
}

impl<'a> Selection<'a> {
    /// Selects the best of `units` within `budget` words.
    pub(crate) fn of(units: &'a Units, known: Known<'_>, budget: usize) -> Self {
        let is_known: Vec<bool> = units.all.iter().map(|unit| known.has(unit)).collect();
        let is_known = |at: usize| is_known.get(at).is_some_and(|&known| known);
        let mut selection = Self {
            units,
            budget,
            words: 0,
            chosen: BTreeMap::new(),
            barred: (0..units.all.len())
                .map(|at| units.with_needs(at).any(is_known))
                .collect(),
            weights: units.terms.weights(known.text),
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
        if known.text.is_empty() && selection.left() * 10 > budget {
            selection.take_best(all, usize::MAX, 1..=usize::MAX);
        }
        selection
    }

    fn left(&self) -> usize {
        self.budget.saturating_sub(self.words)
    }

    /// The units not chosen yet that are taken with the unit at `at`, including it.
    fn missing(&self, at: usize) -> impl Iterator<Item = usize> + Clone {
        let all = self.units.with_needs(at);
        all.filter(|at| !self.chosen.contains_key(at))
    }

    /// Length in words of what is taken with the unit at `at`.
    fn words_of(&self, at: usize) -> usize {
        let missing = self.missing(at);
        let units = missing.filter_map(|at| self.units.all.get(at));
        units.map(|unit| unit.words).sum()
    }

    /// The score of the unit at `at` with those that it needs, as the bits of a non-negative float, which sort in the same
    /// order as the float. Scores only decrease as terms are covered.
    fn score(&self, at: usize, unit: &Unit) -> u64 {
        let needs = self.units.needs.get(at);
        let is_incomplete =
            unit.is_broken_off || needs.is_some_and(|needs: &Needs| needs.is_incomplete);
        let worth = if is_incomplete { INCOMPLETE } else { 1.0 };
        // An empty sum is −0.0, and its sign bit would make it sort highest.
        let gain = worth * self.units.terms.gain(self.missing(at), &self.weights).abs();
        // What it takes along counts in full: long groups would crowd out everything else.
        let (own, all) = (unit.words as f64, self.words_of(at) as f64);
        (gain * own / all / own.powf(LENGTH_EXPONENT)).to_bits()
    }

    /// Selects up to `most` of the best units in `range` that fit the budget. Each has at least the first of `lengths` in
    /// words, and with those that it needs at most the last. Of equal units, the earlier one is selected first. Returns
    /// whether any was selected.
    fn take_best(
        &mut self,
        range: Range<usize>,
        most: usize,
        lengths: RangeInclusive<usize>,
    ) -> bool {
        let units = self.units;
        let scored = |selection: &Self, at: usize| {
            let unit = units.all.get(at)?;
            let is_free = selection.barred.get(at) == Some(&false)
                && !selection.chosen.contains_key(&at)
                && unit.words >= *lengths.start()
                && selection.words_of(at) <= *lengths.end();
            is_free.then(|| (selection.score(at, unit), Reverse(at)))
        };
        let mut queue: BinaryHeap<_> = range.clone().filter_map(|at| scored(self, at)).collect();
        let mut taken = 0;
        while let Some((_, Reverse(at))) = queue.pop()
            && taken < most
            && self.words < self.budget
        {
            // An old score is an upper bound. Score the unit again, and select it if it is still the best.
            let Some(best) = scored(self, at) else {
                continue;
            };
            if queue.peek().is_some_and(|next| *next > best) {
                queue.push(best);
                continue;
            }
            let Some(new) = self.take(at) else {
                continue;
            };
            taken += 1;
            // The score of a unit that needs one of these may have risen.
            let first = new.first().map_or(at, |first| first.saturating_sub(REACH));
            let last = new.last().map_or(at, |last| last + REACH);
            for near in first.max(range.start)..(last + 1).min(range.end) {
                if units.with_needs(near).any(|needed| new.contains(&needed)) {
                    queue.extend(scored(self, near));
                }
            }
        }
        taken > 0
    }

    /// Takes the unit at `at` with those that it needs, and returns the positions of what is new; `None` if they do not
    /// fit the budget.
    fn take(&mut self, at: usize) -> Option<Vec<usize>> {
        let before = self.words;
        let new: Vec<usize> = self.missing(at).collect();
        for &at in &new {
            if let Some(unit) = self.units.all.get(at) {
                self.words += unit.words + self.label_words(at, unit);
                self.chosen.insert(at, unit);
            }
        }
        if self.words > self.budget {
            self.words = before;
            for at in &new {
                self.chosen.remove(at);
            }
            return None;
        }
        for &at in &new {
            self.units.terms.cover(at, &mut self.weights);
        }
        Some(new)
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
                text.push_str(sentence::gap(&text));
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
