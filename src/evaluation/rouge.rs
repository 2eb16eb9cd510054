//! ROUGE: the overlap of a summary with a reference, in single words, in pairs of words, and in the longest common subsequence.
//!
//! Lin, [ROUGE: A Package for Automatic Evaluation of Summaries](https://aclanthology.org/W04-1013/), 2004, as the Python package
//! [`rouge-score`](https://pypi.org/project/rouge-score/) 0.1.2 computes it with its default tokenizer: tokens are runs of `a` to
//! `z` and digits in lower case, so texts in other scripts have none. The longest common subsequence takes 64 tokens of the
//! reference at a time ([Hyyrö, 2004](https://www.cs.auckland.ac.nz/~cthombor/Students/hyyro/Hyyro04.pdf)): that of 4,000 and 4,000
//! tokens takes 250,000 steps instead of 16 million.

mod porter;

use std::collections::HashMap;
use std::iter;

use serde::{Deserialize, Serialize};

/// One kind of overlap, from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Score<T = f64> {
    /// Share of the summary that is in the reference.
    pub precision: T,
    /// Share of the reference that is in the summary.
    pub recall: T,
    /// Their harmonic mean.
    pub fmeasure: T,
}

/// The overlap of a summary with its reference. Named as in `rouge-score`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Rouge<T = f64> {
    /// Of single words.
    pub rouge1: Score<T>,
    /// Of pairs of words.
    pub rouge2: Score<T>,
    /// Of the longest common subsequence of words.
    #[serde(rename = "rougeL")]
    pub rouge_l: Score<T>,
}

impl Score {
    /// `common` of so many things in the reference and in the summary.
    fn of(common: usize, reference: usize, summary: usize) -> Self {
        let precision = common as f64 / summary.max(1) as f64;
        let recall = common as f64 / reference.max(1) as f64;
        let fmeasure = match common {
            0 => 0.0,
            _ => 2.0 * precision * recall / (precision + recall),
        };
        Self {
            precision,
            recall,
            fmeasure,
        }
    }
}

/// What words are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Themselves.
    Words,
    /// Their stems: `use_stemmer=True`, as most published scores.
    Stems,
}

/// Compares a summary with its reference.
#[must_use]
pub fn rouge(reference: &str, summary: &str, by: By) -> Rouge {
    let mut ids = HashMap::new();
    let mut read = |text: &str| -> Vec<u32> {
        let tokens = tokens(text, by).into_iter();
        let ids = tokens.map(|token| {
            let next = u32::try_from(ids.len()).unwrap_or(u32::MAX);
            *ids.entry(token).or_insert(next)
        });
        ids.collect()
    };
    let (reference, summary) = (read(reference), read(summary));
    Rouge {
        rouge1: overlap(&singles(&reference), &singles(&summary)),
        rouge2: overlap(&pairs(&reference), &pairs(&summary)),
        rouge_l: Score::of(
            longest_common_subsequence(&reference, &summary),
            reference.len(),
            summary.len(),
        ),
    }
}

fn tokens(text: &str, by: By) -> Vec<String> {
    let text = text.to_lowercase();
    let runs = text.split(|c: char| !matches!(c, 'a'..='z' | '0'..='9'));
    let tokens = runs.filter(|run| !run.is_empty());
    let read = |token: &str| match by {
        By::Stems if token.len() > 3 => porter::stem(token),
        _ => token.to_owned(),
    };
    tokens.map(read).collect()
}

fn singles(tokens: &[u32]) -> Vec<u64> {
    tokens.iter().copied().map(u64::from).collect()
}

fn pairs(tokens: &[u32]) -> Vec<u64> {
    let following = tokens.iter().skip(1);
    let pairs = tokens.iter().zip(following);
    pairs
        .map(|(&one, &next)| u64::from(one) << 32 | u64::from(next))
        .collect()
}

/// Each occurrence in the reference counts once.
fn overlap(reference: &[u64], summary: &[u64]) -> Score {
    let mut left: HashMap<u64, usize> = HashMap::new();
    for gram in reference {
        *left.entry(*gram).or_default() += 1;
    }
    let common = summary.iter().filter(|gram| {
        let left = left.get_mut(gram).filter(|left| **left > 0);
        left.map(|left| *left -= 1).is_some()
    });
    Score::of(common.count(), reference.len(), summary.len())
}

/// The length of the longest common subsequence. Bit `n` of `row` is 0 where the subsequence with what was read of the summary
/// becomes longer at token `n` of the reference.
fn longest_common_subsequence(reference: &[u32], summary: &[u32]) -> usize {
    let mut places: HashMap<u32, Vec<(usize, u64)>> = HashMap::new();
    for (place, &token) in reference.iter().enumerate() {
        let bit = (place / 64, 1 << (place % 64));
        places.entry(token).or_default().push(bit);
    }
    let mut row = vec![u64::MAX; reference.len().div_ceil(64)];
    let mut matches = vec![0_u64; row.len()];
    for places in summary.iter().filter_map(|token| places.get(token)) {
        for &(at, bit) in places {
            if let Some(bits) = matches.get_mut(at) {
                *bits |= bit;
            }
        }
        let mut carry = false;
        for (bits, matching) in iter::zip(&mut row, &mut matches) {
            let matching = std::mem::take(matching);
            let (sum, over) = bits.overflowing_add(*bits & matching);
            let (sum, carried) = sum.overflowing_add(u64::from(carry));
            carry = over || carried;
            *bits = sum | (*bits & !matching);
        }
    }
    row.iter().map(|bits| bits.count_zeros() as usize).sum()
}

#[cfg(test)]
mod tests;
