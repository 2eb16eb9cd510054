//! Selects units within a budget of words, lazily and greedily.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::{Range, RangeInclusive};

use crate::extract::unit::{Unit, Units};
use crate::extract::weight::Terms;

/// Sentences with fewer words say too little by themselves; they are taken only when nothing longer is left.
const MIN_WORDS: usize = 6;

/// Parts of a text that are each represented, as long as the budget has room for it. More than ten, so that every tenth of
/// the text has something in the summary wherever its borders fall.
const STRATA: usize = 18;

/// Strata are represented if the budget has this many words for each.
const STRATUM_WORDS: usize = 20;

/// How much the length of a sentence counts against it.
const LENGTH_EXPONENT: f64 = 0.2;

/// What a sentence that breaks off is worth, where others end as they should: readers want whole ones.
const BROKEN_OFF: f64 = 0.5;

/// The units chosen so far, and what they cost.
pub(crate) struct Selection<'a> {
    units: &'a Units,
    terms: &'a Terms,
    budget: usize,
    words: usize,
    /// By their place in the text.
    chosen: BTreeMap<usize, &'a Unit>,
    covered: Vec<bool>,
}

impl<'a> Selection<'a> {
    /// The best of `units` that `budget` words have room for, of what `known` does not say already.
    pub(crate) fn of(units: &'a Units, terms: &'a Terms, known: &str, budget: usize) -> Self {
        let mut selection = Self {
            units,
            terms,
            budget,
            words: 0,
            chosen: BTreeMap::new(),
            covered: terms.covered_by(known),
        };
        let all = 0..units.all().len();
        if budget >= STRATA * STRATUM_WORDS {
            let strata = units.strata(STRATA);
            let count = strata.len();
            for (at, stratum) in strata.into_iter().enumerate() {
                // An even share of what is left, so that the last ones get something too.
                let share = selection.left() / (count - at);
                if !selection.take_best(stratum.clone(), 1, MIN_WORDS..=share) {
                    selection.take_best(stratum, 1, 1..=share * 2);
                }
            }
        }
        selection.take_best(all.clone(), usize::MAX, MIN_WORDS..=usize::MAX);
        // A "Perfect." here and there would fill the last gap and tell nobody anything; of a text that has little else it is all.
        if known.is_empty() && selection.left() * 10 > budget {
            selection.take_best(all, usize::MAX, 1..=usize::MAX);
        }
        selection
    }

    fn left(&self) -> usize {
        self.budget.saturating_sub(self.words)
    }

    /// What the unit at `at` is worth, as bits, which are in the order of the positive numbers that they stand for. It shrinks as
    /// terms are covered.
    fn score(&self, at: usize, unit: &Unit) -> u64 {
        let worth = if unit.is_broken_off { BROKEN_OFF } else { 1.0 };
        // The sum of no gains is −0, whose sign is a bit too.
        let gain = worth * self.terms.gain(at, &self.covered).abs();
        (gain / (unit.words as f64).powf(LENGTH_EXPONENT)).to_bits()
    }

    /// Takes up to `most` of the best units in `range`, the earlier of equals first, that have one of these `lengths` in words, and
    /// fit. Whether there was one.
    fn take_best(
        &mut self,
        range: Range<usize>,
        most: usize,
        lengths: RangeInclusive<usize>,
    ) -> bool {
        let units = self.units.all();
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
            // Gains only shrink, so an old score is an upper bound: the unit is scored again, and taken if it is still the best.
            let best = (self.score(at, unit), Reverse(at));
            if queue.peek().is_some_and(|next| *next > best) {
                queue.push(best);
                continue;
            }
            let words = self.words + unit.words + self.label_words(at, unit);
            if words <= self.budget {
                self.words = words;
                self.chosen.insert(at, unit);
                self.terms.cover(at, &mut self.covered);
                taken += 1;
            }
        }
        taken > 0
    }

    /// Words of the speakers' names that choosing a unit adds: its own, and that of a turn it interrupts.
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

    /// The chosen units, in the order of the text.
    pub(crate) fn places(self) -> impl Iterator<Item = usize> {
        self.chosen.into_keys()
    }

    /// The chosen sentences: a paragraph for each speaker in turn.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        let mut speaking = None;
        for unit in self.chosen.values() {
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
