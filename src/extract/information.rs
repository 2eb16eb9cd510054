//! Measures the information content of each part of a text: its distinct terms, weighted by idf over the parts.
//!
//! The stems of a text of millions of different words, as a table of part numbers, would take several times its size in memory.
//! So beyond [`MOST_STEMS`] a sample is counted: the stems whose hashes end in so many zeros. Shares of the sample estimate those
//! of the whole.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use crate::text::terms;

/// Stems of all parts that are counted at most. Of speech, an hour has some 2,000 stems, and ten parts of it together 5,000.
const MOST_STEMS: usize = 100_000;

/// The share of each part in the total information. A part's information is the sum of idf over its distinct stems.
pub(crate) fn information_shares<'a>(parts: impl Iterator<Item = &'a str>) -> Vec<f64> {
    let stems = sampled(parts, MOST_STEMS);
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
        values.sort_unstable_by(f64::total_cmp);
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

/// The distinct stems of each part, as hashes that are the same in every run. All of them if they are at most `most`.
fn sampled<'a>(parts: impl Iterator<Item = &'a str>, most: usize) -> Vec<HashSet<u64>> {
    let hasher = BuildHasherDefault::<DefaultHasher>::new();
    let mut all: Vec<HashSet<u64>> = Vec::new();
    // A stem is in the sample if none of these bits of its hash is set.
    let (mut unset, mut count) = (0_u64, 0);
    for part in parts {
        let mut stems = HashSet::new();
        terms::for_each(part, |_, stem| {
            let hash = hasher.hash_one(stem);
            if hash & unset != 0 || !stems.insert(hash) {
                return;
            }
            count += 1;
            if count > most {
                unset = unset << 1 | 1;
                for stems in all.iter_mut().chain([&mut stems]) {
                    stems.retain(|hash| hash & unset == 0);
                    stems.shrink_to_fit();
                }
                count = all.iter().map(HashSet::len).sum::<usize>() + stems.len();
            }
        });
        all.push(stems);
    }
    all
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

    #[test]
    fn of_more_stems_than_are_counted_a_sample_estimates_the_shares() {
        let words = |from: usize, to: usize| -> String {
            (from..to).map(|word| format!("word{word}x ")).collect()
        };
        let parts = [words(0, 3000), words(2000, 3000), words(3000, 9000)];
        let parts = || parts.iter().map(String::as_str);
        let sample = sampled(parts(), 1000);
        let count = |stems: &[HashSet<u64>]| stems.iter().map(HashSet::len).sum::<usize>();
        assert!((400..=1000).contains(&count(&sample)));
        assert_eq!(count(&sampled(parts(), 10_000)), 10_000);
        let (first, third) = (sample[0].len() as f64, sample[2].len() as f64);
        assert!((1.6..2.4).contains(&(third / first)), "{first} {third}");
        // What two parts share is in the sample of both.
        assert!(sample[1].is_subset(&sample[0]));
    }
}
