//! Weighs terms: tf-idf with sublinear tf, over the units of one text.

use std::collections::HashMap;

use crate::extract::unit::Units;
use crate::text::terms;

/// How much more a number is worth: numbers are facts, such as dates, amounts and codes.
const NUMBER_WORTH: f64 = 2.0;

/// The terms of a text.
pub(crate) struct Terms {
    ids: HashMap<String, u32>,
    /// The distinct terms of each unit.
    of_unit: Vec<Box<[u32]>>,
    weight: Vec<f64>,
    stats: Vec<Stats>,
}

/// One term.
pub(crate) struct Stats {
    /// Occurrences.
    count: u32,
    /// Units that it occurs in.
    pub(crate) sentences: u32,
    /// As it is written: in lower case if it is so anywhere, for only names are capitalized everywhere.
    pub(crate) surface: String,
}

impl Terms {
    pub(crate) fn of(units: &Units) -> Self {
        let mut terms = Self {
            ids: HashMap::new(),
            of_unit: Vec::with_capacity(units.all().len()),
            weight: Vec::new(),
            stats: Vec::new(),
        };
        for unit in units.all() {
            let mut of_unit: Vec<u32> = Vec::new();
            terms::for_each(&unit.text, |word, stem| {
                terms.count(word, stem, &mut of_unit)
            });
            terms.of_unit.push(of_unit.into_boxed_slice());
        }
        let total = units.all().len().max(1) as f64;
        let weight = |term: &Stats| {
            let is_number = term.surface.contains(|c: char| c.is_ascii_digit());
            let worth = if is_number { NUMBER_WORTH } else { 1.0 };
            let frequency = 1.0 + f64::from(term.count).ln();
            worth * frequency * (total / f64::from(term.sentences)).ln().max(0.1)
        };
        terms.weight = terms.stats.iter().map(weight).collect();
        terms
    }

    fn count(&mut self, word: &str, stem: &str, of_unit: &mut Vec<u32>) {
        let next = self.stats.len() as u32;
        let id = *self.ids.entry(stem.to_owned()).or_insert(next);
        if id == next {
            self.stats.push(Stats {
                count: 0,
                sentences: 0,
                surface: word.to_owned(),
            });
        }
        let Some(term) = self.stats.get_mut(id as usize) else {
            return;
        };
        term.count += 1;
        if !of_unit.contains(&id) {
            term.sentences += 1;
            of_unit.push(id);
        }
        let is_capitalized = |word: &str| word.starts_with(char::is_uppercase);
        if is_capitalized(&term.surface) && !is_capitalized(word) {
            word.clone_into(&mut term.surface);
        }
    }

    /// What the terms of `unit` that are not covered yet are worth.
    pub(crate) fn gain(&self, unit: usize, covered: &[bool]) -> f64 {
        let uncovered = |&&term: &&u32| covered.get(term as usize) == Some(&false);
        let terms = self.terms(unit).iter().filter(uncovered);
        terms
            .filter_map(|&term| self.weight.get(term as usize))
            .sum()
    }

    pub(crate) fn cover(&self, unit: usize, covered: &mut [bool]) {
        cover(self.terms(unit).iter().copied(), covered);
    }

    /// For each term, whether it is in `known`.
    pub(crate) fn covered_by(&self, known: &str) -> Vec<bool> {
        let mut covered = vec![false; self.stats.len()];
        terms::for_each(known, |_, stem| {
            cover(self.ids.get(stem).copied(), &mut covered)
        });
        covered
    }

    fn terms(&self, unit: usize) -> &[u32] {
        self.of_unit.get(unit).map_or(&[], AsRef::as_ref)
    }

    /// All terms.
    pub(crate) fn stats(&self) -> &[Stats] {
        &self.stats
    }
}

fn cover(terms: impl IntoIterator<Item = u32>, covered: &mut [bool]) {
    for term in terms {
        if let Some(covered) = covered.get_mut(term as usize) {
            *covered = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::unit;
    use crate::transcript::Passage;

    #[test]
    fn a_covered_term_is_worth_nothing_again() {
        let text = "The tram stops here. The tram is late today. Buses run well.";
        let units = unit::candidates(&Passage::of_text(text), 10);
        let terms = Terms::of(&units);
        let mut covered = terms.covered_by("");
        let before = terms.gain(1, &covered);
        terms.cover(0, &mut covered);
        assert!(terms.gain(1, &covered) < before);
        terms.cover(1, &mut covered);
        assert!(terms.gain(1, &covered).abs() < f64::EPSILON);
    }
}
