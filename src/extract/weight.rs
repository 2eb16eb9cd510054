//! Weighs the terms of a text by tf-idf with sublinear tf, where each unit counts as a document.

use std::collections::HashMap;

use crate::extract::unit::Unit;
use crate::text::terms;

/// Factor for the weight of numbers, because they are facts such as dates, amounts and codes.
const NUMBER_WORTH: f64 = 2.0;

/// The terms of a text.
pub(crate) struct Terms {
    /// Index in `all`, by stem.
    ids: HashMap<String, u32>,
    pub(crate) all: Vec<Term>,
    /// The distinct terms of each unit, as indices in `all`.
    of_unit: Vec<Box<[u32]>>,
}

pub(crate) struct Term {
    /// The word as written. Lower case if it occurs in lower case anywhere, because only names are capitalized everywhere.
    pub(crate) surface: String,
    occurrences: u32,
    /// Number of units that contain it, and the number of the last one. A unit may have a hundred thousand terms, so they are
    /// not searched for it.
    pub(crate) units: u32,
    last_unit: usize,
    weight: f64,
}

impl Terms {
    pub(crate) fn of(units: &[Unit]) -> Self {
        let mut terms = Self {
            ids: HashMap::new(),
            all: Vec::new(),
            of_unit: Vec::with_capacity(units.len()),
        };
        for unit in units {
            let mut of_unit: Vec<u32> = Vec::new();
            terms::for_each(&unit.text, |word, stem| {
                terms.count(word, stem, &mut of_unit);
            });
            terms.of_unit.push(of_unit.into_boxed_slice());
        }
        let total = units.len() as f64;
        for term in &mut terms.all {
            let is_number = term.surface.contains(|c: char| c.is_ascii_digit());
            let worth = if is_number { NUMBER_WORTH } else { 1.0 };
            let frequency = 1.0 + f64::from(term.occurrences).ln();
            term.weight = worth * frequency * (total / f64::from(term.units)).ln().max(0.1);
        }
        terms
    }

    /// Counts one word. `of_unit` holds the terms of its unit so far.
    fn count(&mut self, word: &str, stem: &str, of_unit: &mut Vec<u32>) {
        let next = self.all.len() as u32;
        let id = *self.ids.entry(stem.to_owned()).or_insert(next);
        if id == next {
            self.all.push(Term {
                surface: word.to_owned(),
                occurrences: 0,
                units: 0,
                last_unit: 0,
                weight: 0.0,
            });
        }
        // Units are counted from one.
        let unit = self.of_unit.len() + 1;
        let Some(term) = self.all.get_mut(id as usize) else {
            return;
        };
        term.occurrences += 1;
        if term.last_unit != unit {
            term.last_unit = unit;
            term.units += 1;
            of_unit.push(id);
        }
        let is_capitalized = |word: &str| word.starts_with(char::is_uppercase);
        if is_capitalized(&term.surface) && !is_capitalized(word) {
            word.clone_into(&mut term.surface);
        }
    }

    /// The weights of all terms. Terms that occur in `known` have none.
    pub(crate) fn weights(&self, known: &str) -> Vec<f64> {
        let mut weights = self.all.iter().map(|term| term.weight).collect::<Vec<_>>();
        terms::for_each(known, |_, stem| cover(self.ids.get(stem), &mut weights));
        weights
    }

    /// Total weight of the distinct terms of `units`.
    pub(crate) fn gain(&self, units: impl Iterator<Item = usize>, weights: &[f64]) -> f64 {
        #[cfg(test)]
        tests::GAINS.with(|gains| gains.set(gains.get() + 1));
        let of_unit = |unit: usize| self.of_unit.get(unit).into_iter().flatten().copied();
        let mut ids: Vec<u32> = units.flat_map(of_unit).collect();
        ids.sort_unstable();
        ids.dedup();
        let weights = ids.into_iter().filter_map(|id| weights.get(id as usize));
        weights.sum()
    }

    /// Takes their weights from the terms of `unit`, since it is selected.
    pub(crate) fn cover(&self, unit: usize, weights: &mut [f64]) {
        cover(self.of_unit.get(unit).into_iter().flatten(), weights);
    }
}

fn cover<'a>(ids: impl IntoIterator<Item = &'a u32>, weights: &mut [f64]) {
    for &id in ids {
        if let Some(weight) = weights.get_mut(id as usize) {
            *weight = 0.0;
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::Cell;

    use crate::extract::unit;
    use crate::transcript::Passage;

    thread_local! {
        /// Number of gains computed on this thread.
        pub(crate) static GAINS: Cell<usize> = const { Cell::new(0) };
    }

    #[test]
    fn a_covered_term_is_worth_nothing_again() {
        let text = "The tram stops here. The tram is late today. Buses run well.";
        let terms = unit::candidates(&Passage::of_text(text), 10).terms;
        let mut weights = terms.weights("");
        let before = terms.gain([1].into_iter(), &weights);
        terms.cover(0, &mut weights);
        assert!(terms.gain([1].into_iter(), &weights) < before);
        terms.cover(1, &mut weights);
        assert!(terms.gain([1].into_iter(), &weights).abs() < f64::EPSILON);
    }
}
