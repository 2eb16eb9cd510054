//! Lazy greedy selection of units within a budget of words.

use std::collections::{BTreeSet, BinaryHeap};
use std::ops::RangeInclusive;

use crate::extract::terms::Terms;
use crate::extract::unit::Units;

/// How much longer sentences are held against them.
const LENGTH_EXPONENT: f64 = 0.2;

/// What a sentence that breaks off is worth, where others end as they should: readers want whole ones.
const BROKEN_OFF: f64 = 0.5;

/// The units chosen so far, and what they cost.
pub(crate) struct Selection<'a> {
    units: &'a Units,
    terms: &'a Terms,
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
    pub(crate) fn new(units: &'a Units, terms: &'a Terms, budget: usize) -> Self {
        Self {
            units,
            terms,
            budget,
            words: 0,
            chosen: BTreeSet::new(),
            covered: vec![false; terms.len()],
        }
    }

    /// Words that may still be chosen.
    pub(crate) fn left(&self) -> usize {
        self.budget.saturating_sub(self.words)
    }

    /// Counts the terms of `known` as covered.
    pub(crate) fn cover(&mut self, known: &str) {
        self.terms.cover_all(known, &mut self.covered);
    }

    /// Takes up to `most` of the best units of `range` that have one of these `lengths` in words, and fit. Returns how many.
    pub(crate) fn take_best(
        &mut self,
        range: std::ops::Range<usize>,
        most: usize,
        lengths: RangeInclusive<usize>,
    ) -> usize {
        let terms = self.terms;
        let units = self.units;
        let score = |covered: &[bool], unit: usize, words: usize| {
            let broken_off = units.get(unit).is_some_and(|unit| unit.broken_off);
            let worth = if broken_off { BROKEN_OFF } else { 1.0 };
            worth * terms.gain(unit, covered)
                / f64::from(u32::try_from(words).unwrap_or(u32::MAX)).powf(LENGTH_EXPONENT)
        };
        let mut queue: BinaryHeap<Candidate> = range
            .filter_map(|unit| {
                let words = self.units.get(unit)?.words;
                (lengths.contains(&words) && !self.chosen.contains(&unit)).then(|| Candidate {
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
        taken
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
    pub(crate) fn render(&self) -> String {
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
