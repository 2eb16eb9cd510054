//! Measures the information content of each part of a text: its distinct terms, weighted by idf over the parts.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use crate::text::terms;

/// The share of each part in the total information. A part's information is the sum of idf over its distinct stems.
pub(crate) fn information_shares<'a>(parts: impl Iterator<Item = &'a str>) -> Vec<f64> {
    let stems: Vec<HashSet<u64>> = parts.map(hashes).collect();
    let mut sharing: HashMap<u64, usize> = HashMap::new();
    for &stem in stems.iter().flatten() {
        *sharing.entry(stem).or_default() += 1;
    }
    let idf = |stem: &u64| {
        let shared = sharing.get(stem).copied().unwrap_or(1);
        (1.0 + stems.len() as f64 / shared as f64).ln()
    };
    // Sort before summing: the sum of floats depends on their order, and a hash set has none.
    let sums = stems.iter().map(|stems| {
        let mut values: Vec<f64> = stems.iter().map(idf).collect();
        values.sort_by(f64::total_cmp);
        values.iter().sum()
    });
    shares(&sums.collect::<Vec<f64>>())
}

/// Each part as a share of the sum of all. Equal shares if the sum is 0.
pub(crate) fn shares(parts: &[f64]) -> Vec<f64> {
    let sum: f64 = parts.iter().sum();
    let even = 1.0 / parts.len() as f64;
    let share = |part: &f64| if sum > 0.0 { part / sum } else { even };
    parts.iter().map(share).collect()
}

/// The distinct stems of a text, as hashes that are the same in every run. The stems of a long text would take as much
/// memory as the text itself.
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
        let parts = ["depot depot depot", "depot tram signal", "depot"];
        let shares = information_shares(parts.into_iter());
        assert!(shares[1] > shares[0]);
        assert!((shares[0] - shares[2]).abs() < 1e-12);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn parts_without_terms_have_equal_shares() {
        assert_eq!(information_shares(["", ""].into_iter()), [0.5, 0.5]);
    }
}
