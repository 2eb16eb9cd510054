//! Weighs the terms of a text by tf-idf with sublinear tf, where each unit counts as a document.

use std::collections::HashMap;

use crate::extract::unit::Units;
use crate::text::terms;

/// Factor for the weight of numbers, because they are facts such as dates, amounts and codes.
const NUMBER_WORTH: f64 = 2.0;

/// The terms of a text.
pub(crate) struct Terms {
    /// Index in `all`, by stem.
    ids: HashMap<String, u32>,
    all: Vec<Term>,
    /// The distinct terms of each unit, as indices in `all`.
    of_unit: Vec<Box<[u32]>>,
}

pub(crate) struct Term {
    /// The word as written. Lower case if it occurs in lower case anywhere, because only names are capitalized everywhere.
    pub(crate) surface: String,
    occurrences: u32,
    /// Number of units that contain it.
    pub(crate) units: u32,
    weight: f64,
}

impl Terms {
    pub(crate) fn of(units: &Units) -> Self {
        let mut terms = Self {
            ids: HashMap::new(),
            all: Vec::new(),
            of_unit: Vec::with_capacity(units.all().len()),
        };
        for unit in units.all() {
            let mut of_unit: Vec<u32> = Vec::new();
            terms::for_each(&unit.text, |word, stem| {
                terms.count(word, stem, &mut of_unit);
            });
            terms.of_unit.push(of_unit.into_boxed_slice());
        }
        let total = units.all().len() as f64;
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
                weight: 0.0,
            });
        }
        let Some(term) = self.all.get_mut(id as usize) else {
            return;
        };
        term.occurrences += 1;
        if !of_unit.contains(&id) {
            term.units += 1;
            of_unit.push(id);
        }
        let is_capitalized = |word: &str| word.starts_with(char::is_uppercase);
        if is_capitalized(&term.surface) && !is_capitalized(word) {
            word.clone_into(&mut term.surface);
        }
    }

    pub(crate) fn all(&self) -> &[Term] {
        &self.all
    }

    /// Total weight of the terms of `unit` that are not covered yet.
    pub(crate) fn gain(&self, unit: usize, covered: &[bool]) -> f64 {
        let weight = |&id: &u32| match covered.get(id as usize) {
            Some(false) => self.all.get(id as usize).map(|term| term.weight),
            _ => None,
        };
        self.of_unit(unit).iter().filter_map(weight).sum()
    }

    pub(crate) fn cover(&self, unit: usize, covered: &mut [bool]) {
        for &id in self.of_unit(unit) {
            covered
                .get_mut(id as usize)
                .into_iter()
                .for_each(|term| *term = true);
        }
    }

    /// For each term, whether it occurs in `known`.
    pub(crate) fn covered_by(&self, known: &str) -> Vec<bool> {
        let mut covered = vec![false; self.all.len()];
        terms::for_each(known, |_, stem| {
            let id = self.ids.get(stem).map(|&id| id as usize);
            id.and_then(|id| covered.get_mut(id))
                .into_iter()
                .for_each(|term| *term = true);
        });
        covered
    }

    fn of_unit(&self, unit: usize) -> &[u32] {
        self.of_unit.get(unit).map_or(&[], AsRef::as_ref)
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
