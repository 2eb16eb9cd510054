//! Compares two configurations by the transcripts that both summarized.
//!
//! Transcripts differ more than configurations do, so it is the differences of pairs that are sampled: an interval on one side of
//! zero tells that one configuration is better, where those of the two means may still overlap.

use std::collections::HashMap;

use serde::Serialize;

use crate::evaluation::measures::Measured;
use crate::evaluation::statistics::{Estimate, estimates};

/// Smaller differences are none.
const SAME: f64 = 1e-12;

/// What is compared, with whether more of it is better.
const COMPARED: [(&str, bool); 8] = [
    ("rouge1", true),
    ("rouge2", true),
    ("rougeL", true),
    ("absolute_deviation", false),
    ("coverage", true),
    ("unsupported_numbers", false),
    ("unsupported_names", false),
    ("seconds", false),
];

/// Two configurations, compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Number of transcripts that both have summarized.
    pub transcripts: usize,
    /// The differences. Unsupported numbers and names are those per 1,000 words.
    pub differences: Vec<Difference>,
}

/// The difference of one measure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The measure.
    pub measure: &'static str,
    /// Its mean now.
    pub this: f64,
    /// Its mean in the other evaluation.
    pub that: f64,
    /// The first minus the second.
    pub difference: Estimate,
    /// Transcripts of which this configuration made the better summary.
    pub wins: usize,
    /// Transcripts with equal results.
    pub ties: usize,
    /// Transcripts of which the other one made the better summary.
    pub losses: usize,
}

/// Compares these summaries with those of another configuration; `None` if they have no transcript with the same reference in
/// common.
#[must_use]
pub fn compare(these: &[Measured], those: &[Measured]) -> Option<Comparison> {
    let those: HashMap<&str, &Measured> = those.iter().map(|one| (&*one.digest, one)).collect();
    let pairs = these.iter().filter_map(|this| {
        let that = those.get(&*this.digest)?;
        Some((row(this), row(that)))
    });
    let pairs: Vec<([f64; 8], [f64; 8])> = pairs.collect();
    let these: Vec<[f64; 8]> = pairs.iter().map(|pair| pair.0).collect();
    let those: Vec<[f64; 8]> = pairs.iter().map(|pair| pair.1).collect();
    let differences: Vec<[f64; 8]> = (pairs.iter())
        .map(|(this, that)| {
            let mut difference = *this;
            for (this, that) in difference.iter_mut().zip(that) {
                *this -= that;
            }
            difference
        })
        .collect();
    let means = estimates(&these)?.into_iter().zip(estimates(&those)?);
    let estimated = estimates(&differences)?.into_iter().zip(means);
    let compared = COMPARED.iter().enumerate().zip(estimated);
    let differences = compared.map(|((column, &(measure, more_is_better)), of)| {
        let (difference, (this, that)) = of;
        let all = differences.iter().filter_map(|row| row.get(column));
        let signed = all.map(|difference| {
            if more_is_better {
                *difference
            } else {
                -difference
            }
        });
        let signed: Vec<f64> = signed.collect();
        let wins = signed
            .iter()
            .filter(|difference| **difference > SAME)
            .count();
        let losses = signed
            .iter()
            .filter(|difference| **difference < -SAME)
            .count();
        Difference {
            measure,
            this: this.mean,
            that: that.mean,
            difference,
            wins,
            ties: signed.len() - wins - losses,
            losses,
        }
    });
    Some(Comparison {
        transcripts: pairs.len(),
        differences: differences.collect(),
    })
}

fn row(of: &Measured) -> [f64; 8] {
    let measures = &of.measures;
    let rouge = measures.rouge;
    [
        rouge.rouge1.fmeasure,
        rouge.rouge2.fmeasure,
        rouge.rouge_l.fmeasure,
        measures.deviation.abs(),
        measures.coverage(),
        measures.per_1000_words(measures.unsupported_numbers),
        measures.per_1000_words(measures.unsupported_names.unwrap_or(0)),
        of.seconds,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(digest: usize, fmeasure: f64, seconds: f64) -> Measured {
        let mut one = Measured {
            digest: digest.to_string(),
            seconds,
            ..Measured::default()
        };
        one.measures.rouge.rouge1.fmeasure = fmeasure;
        one
    }

    #[test]
    fn a_small_advantage_shows_though_transcripts_differ_much() {
        let transcripts = || (0..40).map(|n| (n, 0.2 + 0.01 * n as f64));
        let these: Vec<_> = transcripts()
            .map(|(n, hard)| measured(n, hard + if n % 4 == 0 { -0.01 } else { 0.02 }, 2.0))
            .collect();
        // In another order, and with transcripts that the others do not have.
        let those: Vec<_> = (transcripts().rev())
            .map(|(n, hard)| measured(n, hard, if n < 10 { 2.0 } else { 1.0 }))
            .chain([measured(99, 0.9, 9.0)])
            .collect();
        let comparison = compare(&these, &those).unwrap();
        assert_eq!(comparison.transcripts, 40);
        let [rouge1, .., seconds] = &comparison.differences[..] else {
            unreachable!();
        };
        let Estimate { mean, low, high } = rouge1.difference;
        assert!(
            (mean - 0.0125).abs() < 1e-12 && low > 0.005 && high < 0.02,
            "{rouge1:?}"
        );
        assert!((rouge1.this - rouge1.that - mean).abs() < 1e-12);
        assert_eq!((rouge1.wins, rouge1.ties, rouge1.losses), (30, 0, 10));
        // Less is better.
        assert_eq!((seconds.wins, seconds.ties, seconds.losses), (0, 10, 30));
        assert_eq!(seconds.measure, "seconds");
    }

    #[test]
    fn evaluations_of_other_data_cannot_be_compared() {
        assert_eq!(
            compare(&[measured(1, 0.5, 1.0)], &[measured(2, 0.5, 1.0)]),
            None
        );
    }
}
