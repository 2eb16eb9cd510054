use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Pairs of texts with the scores that `rouge-score` 0.1.2 gives them: precision, recall and F-measure of `rouge1`, `rouge2` and
/// `rougeL`, without and with its stemmer.
const CASES: &str = include_str!("cases.json");

#[test]
fn scores_are_those_of_the_python_package() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    assert!(cases.len() > 15);
    for case in &cases {
        let text = |name: &str| case[name].as_str().unwrap();
        for (by, expected) in [(By::Words, &case["plain"]), (By::Stems, &case["stemmed"])] {
            let found = rouge(text("reference"), text("summary"), by);
            let found = [found.rouge1, found.rouge2, found.rouge_l];
            for (found, expected) in found.iter().zip(expected.as_array().unwrap()) {
                let found = [found.precision, found.recall, found.fmeasure];
                for (found, expected) in found.iter().zip(expected.as_array().unwrap()) {
                    let difference = found - expected.as_f64().unwrap();
                    assert!(difference.abs() < 1e-9, "{found}, {by:?}: {case}");
                }
            }
        }
    }
}

/// Words for each rule, with their stems as NLTK 3.10 finds them.
const STEMS: &str = include_str!("stems.txt");

#[test]
fn stems_are_those_of_the_python_package() {
    let stems = STEMS.lines().map(|line| line.split_once(' ').unwrap());
    let wrong: Vec<_> = stems
        .filter(|(word, stem)| porter::stem(word) != *stem)
        .collect();
    assert!(STEMS.lines().count() > 300 && wrong.is_empty(), "{wrong:?}");
}

/// By the definition: a table of all beginnings.
fn by_table(reference: &[u32], summary: &[u32]) -> usize {
    let mut row = vec![0; reference.len() + 1];
    for token in summary {
        let before = row.clone();
        for at in 0..reference.len() {
            row[at + 1] = match reference[at] == *token {
                true => before[at] + 1,
                false => before[at + 1].max(row[at]),
            };
        }
    }
    row[reference.len()]
}

proptest! {
    #[test]
    fn the_longest_common_subsequence_is_that_of_the_table(
        reference in prop::collection::vec(0_u32..6, 0..200),
        summary in prop::collection::vec(0_u32..7, 0..200),
    ) {
        let found = longest_common_subsequence(&reference, &summary);
        prop_assert_eq!(found, by_table(&reference, &summary));
    }
}
