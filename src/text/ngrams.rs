//! Runs of words: what tells a loop and a copy from prose.

use std::collections::{HashMap, HashSet, hash_map::DefaultHasher};
use std::hash::{Hash, Hasher};

/// Words in a run that nobody says three times.
const LOOP_WORDS: usize = 12;

/// How often such a run makes a loop.
const LOOP_TIMES: usize = 3;

/// Words in a run that is not found twice by chance.
const COPY_WORDS: usize = 8;

/// The words of a text in lower case, punctuation left out; each ideograph is one.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        let ideograph = ('\u{3040}'..='\u{9fff}').contains(&c)
            || ('\u{f900}'..='\u{faff}').contains(&c)
            || c >= '\u{20000}';
        if c.is_alphanumeric() && !ideograph {
            word.extend(c.to_lowercase());
        } else {
            // An apostrophe keeps its word together.
            if !word.is_empty() && !matches!(c, '\'' | '’') {
                words.push(std::mem::take(&mut word));
            }
            if ideograph && c.is_alphanumeric() {
                words.push(c.to_string());
            }
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn hashes(words: &[String], length: usize) -> impl Iterator<Item = u64> {
    words.windows(length).map(|run| {
        let mut hash = DefaultHasher::new();
        run.hash(&mut hash);
        hash.finish()
    })
}

/// Whether a run of words comes again and again.
pub(crate) fn loops(words: &[String]) -> bool {
    let mut seen: HashMap<u64, usize> = HashMap::new();
    hashes(words, LOOP_WORDS).any(|run| {
        let times = seen.entry(run).or_default();
        *times += 1;
        *times >= LOOP_TIMES
    })
}

/// Percent of the runs of `words` that are in `source` too.
pub(crate) fn copied_percent(words: &[String], source: &[String]) -> usize {
    let known: HashSet<u64> = hashes(source, COPY_WORDS).collect();
    let runs = words.len().saturating_sub(COPY_WORDS - 1);
    let copied = hashes(words, COPY_WORDS)
        .filter(|run| known.contains(run))
        .count();
    copied * 100 / runs.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_every_script() {
        assert_eq!(
            words("Don't say 3.5 — 预算!"),
            ["dont", "say", "3", "5", "预", "算"]
        );
    }

    #[test]
    fn loops_are_seen() {
        let once =
            "the committee agreed that the depot would be ready by the end of march next year. ";
        assert!(loops(&words(&once.repeat(3))));
        assert!(!loops(&words(&once.repeat(2))));
    }

    #[test]
    fn copies_are_measured() {
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
