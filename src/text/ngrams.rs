//! Detects repetition loops and copied text by their n-grams (runs of n words).

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use crate::text::script::is_ideograph;
use crate::text::words;

/// Words per n-gram for loop detection. Nobody repeats a run this long three times.
const LOOP_WORDS: usize = 12;

/// Number of occurrences of an n-gram that counts as a loop.
const LOOP_TIMES: usize = 3;

/// Words per n-gram for copy detection. Two texts do not share a run this long by chance.
const COPY_WORDS: usize = 8;

/// The words of a text in lower case, without punctuation. Each ideograph is a word.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for run in words::runs(text) {
        let mut word = String::new();
        for c in run.chars().filter(|c| !matches!(c, '\'' | '’')) {
            let is_ideograph = is_ideograph(c);
            if is_ideograph && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            word.extend(c.to_lowercase());
            if is_ideograph {
                words.push(std::mem::take(&mut word));
            }
        }
        words.extend(Some(word).filter(|word| !word.is_empty()));
    }
    words
}

fn hashes(words: &[String], length: usize) -> impl Iterator<Item = u64> {
    let hasher = BuildHasherDefault::<DefaultHasher>::new();
    words.windows(length).map(move |run| hasher.hash_one(run))
}

/// Whether any n-gram occurs often enough to be a loop.
pub(crate) fn loops(words: &[String]) -> bool {
    let mut seen: HashMap<u64, usize> = HashMap::new();
    hashes(words, LOOP_WORDS).any(|run| {
        let times = seen.entry(run).or_default();
        *times += 1;
        *times >= LOOP_TIMES
    })
}

/// The hashes of the runs of `words` that are long enough to be copied.
pub(crate) fn copy_runs(words: &[String]) -> impl Iterator<Item = u64> {
    hashes(words, COPY_WORDS)
}

/// The share of the n-grams of `words` that also occur in `source`, in percent.
pub(crate) fn copied_percent(words: &[String], source: &[String]) -> usize {
    let known: HashSet<u64> = copy_runs(source).collect();
    let runs = words.len().saturating_sub(COPY_WORDS - 1);
    let copied = copy_runs(words).filter(|run| known.contains(run)).count();
    copied * 100 / runs.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_in_every_script() {
        assert_eq!(
            words("Don't say 3.5 — 预算!"),
            ["dont", "say", "3", "5", "预", "算"]
        );
    }

    #[test]
    fn a_loop_is_found() {
        let once =
            "the committee agreed that the depot would be ready by the end of march next year. ";
        assert!(loops(&words(&once.repeat(3))));
        assert!(!loops(&words(&once.repeat(2))));
    }

    #[test]
    fn a_copy_is_measured() {
        let source = words("one two three four five six seven eight nine ten eleven twelve");
        assert_eq!(copied_percent(&source, &source), 100);
        assert_eq!(
            copied_percent(
                &words("ten nine eight seven six five four three two one"),
                &source
            ),
            0
        );
        assert_eq!(copied_percent(&words("one two"), &source), 0);
    }
}
