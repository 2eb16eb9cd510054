//! ROUGE-1: the overlap of single words between two texts (Lin, 2004), as F1.

use std::collections::HashMap;

/// ROUGE-1 F1 of `candidate` against `reference`, in lower case, letters and digits only.
pub(crate) fn rouge_1(candidate: &str, reference: &str) -> f64 {
    let (candidate, reference) = (counts(candidate), counts(reference));
    let common: usize = reference
        .iter()
        .map(|(word, &count)| count.min(candidate.get(word).copied().unwrap_or(0)))
        .sum();
    let total = |words: &HashMap<String, usize>| words.values().sum::<usize>() as f64;
    let (precision, recall) = (
        common as f64 / total(&candidate),
        common as f64 / total(&reference),
    );
    if common == 0 {
        0.0
    } else {
        2.0 * precision * recall / (precision + recall)
    }
}

fn counts(text: &str) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for word in text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        *counts.entry(word.to_lowercase()).or_default() += 1;
    }
    counts
}
