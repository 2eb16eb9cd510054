//! Measures how much is said in each part of a text: its distinct terms, weighted by how few of the parts have them.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use crate::text::terms;

/// What each part of a text contributes.
#[derive(Debug, Clone, PartialEq)]
pub struct Information {
    parts: Vec<f64>,
}

impl Information {
    /// The information of each of the `parts`: the sum of idf over its distinct stems.
    #[must_use]
    pub fn of<'a>(parts: impl Iterator<Item = &'a str>) -> Self {
        let stems: Vec<HashSet<u64>> = parts.map(hashes).collect();
        let mut sharing: HashMap<u64, usize> = HashMap::new();
        for &stem in stems.iter().flatten() {
            *sharing.entry(stem).or_default() += 1;
        }
        let idf = |stem: &u64| {
            let shared = sharing.get(stem).copied().unwrap_or(1);
            (1.0 + stems.len() as f64 / shared as f64).ln()
        };
        // Summed in one order, because the sum of floats depends on it.
        let sums = stems.iter().map(|stems| {
            let mut values: Vec<f64> = stems.iter().map(idf).collect();
            values.sort_by(f64::total_cmp);
            values.iter().sum()
        });
        Self {
            parts: sums.collect(),
        }
    }

    /// The share of part `at` in all information.
    #[must_use]
    pub fn share(&self, at: usize) -> f64 {
        let all: f64 = self.parts.iter().sum();
        let even = 1.0 / self.parts.len().max(1) as f64;
        self.parts
            .get(at)
            .filter(|_| all > 0.0)
            .map_or(even, |part| part / all)
    }
}

/// The distinct stems of a text as hashes, the same in every run: of a long text the stems themselves would take as much
/// memory as the text.
fn hashes(text: &str) -> HashSet<u64> {
    let hasher = BuildHasherDefault::<DefaultHasher>::new();
    let mut hashes = HashSet::new();
    terms::for_each(text, |_, stem| {
        hashes.insert(hasher.hash_one(stem));
    });
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_of_one_part_counts_more_than_a_shared_one() {
        let information =
            Information::of(["depot depot depot", "depot tram signal", "depot"].into_iter());
        assert!(information.share(1) > information.share(0));
        assert!((information.share(0) - information.share(2)).abs() < 1e-12);
        assert!(((0..3).map(|at| information.share(at)).sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn parts_without_terms_have_equal_shares() {
        assert!((Information::of(["", ""].into_iter()).share(0) - 0.5).abs() < 1e-12);
    }
}
