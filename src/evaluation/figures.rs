//! The figures of many measured summaries.

use serde::{Deserialize, Serialize};

use crate::evaluation::measures::{Measured, Measures};
use crate::evaluation::rouge::{Rouge, Score};
use crate::evaluation::statistics::{Estimate, estimates, mean, percentile};
use crate::summary::Prices;

/// A summary within this share of its target has the length that was asked for.
const WITHIN: f64 = 0.05;

/// The figures of a configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Overlap with the references.
    pub rouge: Rouge<Estimate>,
    /// The same by stems.
    pub rouge_stemmed: Rouge<Estimate>,
    /// How close summaries come to their target length.
    pub length: Length,
    /// How much of the transcripts sentences of the summaries rest on.
    pub coverage: Coverage,
    /// What the summaries have and the transcripts do not.
    pub unsupported_per_1000_words: Unsupported,
    /// Usage of the model.
    pub usage: Totals,
    /// Seconds from the start of a summary to its end.
    pub seconds: Seconds,
}

/// How close summaries come to their target length.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Length {
    /// Mean of (words − target) ÷ target.
    pub deviation: Estimate,
    /// Mean of its size.
    pub absolute_deviation: Estimate,
    /// Share of the summaries within 5 % of their target.
    pub within_5_percent: f64,
}

/// How much of the transcripts sentences of the summaries rest on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Coverage {
    /// Mean share of a transcript.
    pub mean: Estimate,
    /// Mean shares of its tenths.
    pub tenths: [f64; 10],
    /// Share of the tenths of which nothing was used.
    pub untouched: f64,
}

/// What the summaries have and the transcripts do not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Unsupported {
    /// Numbers from 4 up.
    pub numbers: f64,
    /// Names, in those summaries in which they can be told; `null` if there are none.
    pub names: Option<f64>,
}

/// Usage of the model for all summaries.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Totals {
    /// Requests sent.
    pub calls: usize,
    /// Retries among them.
    pub retries: usize,
    /// Tokens of all prompts, as far as reported.
    pub prompt_tokens: u64,
    /// Tokens of all answers, as far as reported.
    pub completion_tokens: u64,
    /// What they cost, if prices are set.
    pub cost: Option<f64>,
}

/// Percentiles of the time that a summary takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Seconds {
    /// Half of the summaries took less.
    pub p50: f64,
    /// 95 % took less.
    pub p95: f64,
}

/// How many summaries and tokens an evaluation made in its time, without those of an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Summaries made per minute.
    pub summaries_per_minute: f64,
    /// Tokens of answers per second; `null` if the endpoint reported none.
    pub tokens_per_second: Option<f64>,
}

impl Measures {
    /// The mean share of the transcript that the summary rests on.
    pub(crate) fn coverage(&self) -> f64 {
        self.tenths.iter().sum::<f64>() / 10.0
    }

    /// So many per 1,000 words.
    pub(crate) fn per_1000_words(&self, count: usize) -> f64 {
        1000.0 * count as f64 / self.words.max(1) as f64
    }

    fn lengths(&self) -> [f64; 3] {
        [self.deviation, self.deviation.abs(), self.coverage()]
    }
}

impl Rouge {
    fn row(&self) -> [f64; 9] {
        let of = |score: Score| [score.precision, score.recall, score.fmeasure];
        let ([a, b, c], [d, e, f]) = (of(self.rouge1), of(self.rouge2));
        let [g, h, i] = of(self.rouge_l);
        [a, b, c, d, e, f, g, h, i]
    }
}

impl Rouge<Estimate> {
    fn estimated(rows: &[[f64; 9]]) -> Option<Self> {
        let score = |precision, recall, fmeasure| Score {
            precision,
            recall,
            fmeasure,
        };
        let [a, b, c, d, e, f, g, h, i] = estimates(rows)?;
        Some(Self {
            rouge1: score(a, b, c),
            rouge2: score(d, e, f),
            rouge_l: score(g, h, i),
        })
    }
}

impl Figures {
    /// The figures of these summaries; `None` without any.
    #[must_use]
    pub fn of(all: &[Measured], prices: Option<Prices>) -> Option<Self> {
        let rows = |row: &dyn Fn(&Measures) -> [f64; 9]| -> Vec<[f64; 9]> {
            all.iter().map(|one| row(&one.measures)).collect()
        };
        let lengths: Vec<_> = all.iter().map(|one| one.measures.lengths()).collect();
        let [deviation, absolute_deviation, covered] = estimates(&lengths)?;
        let measures = || all.iter().map(|one| &one.measures);
        let share = |holds: &dyn Fn(&Measures) -> f64| mean(measures().map(holds)).unwrap_or(0.0);
        let mut tenths = [0.0; 10];
        for one in measures() {
            for (sum, share) in tenths.iter_mut().zip(one.tenths) {
                *sum += share / all.len() as f64;
            }
        }
        let per_1000 = |counted: &dyn Fn(&Measures) -> Option<usize>| {
            let counts = measures().filter_map(|one| Some((counted(one)?, one.words)));
            let (count, words) = counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            (words > 0).then(|| 1000.0 * count as f64 / words as f64)
        };
        let usages = || measures().map(|one| one.usage);
        let (prompt_tokens, completion_tokens) = (
            usages().map(|usage| usage.prompt_tokens).sum(),
            usages().map(|usage| usage.completion_tokens).sum(),
        );
        let mut seconds: Vec<f64> = all.iter().map(|one| one.seconds).collect();
        Some(Self {
            rouge: Rouge::estimated(&rows(&|one| one.rouge.row()))?,
            rouge_stemmed: Rouge::estimated(&rows(&|one| one.rouge_stemmed.row()))?,
            length: Length {
                deviation,
                absolute_deviation,
                within_5_percent: share(&|one| f64::from(u8::from(one.deviation.abs() <= WITHIN))),
            },
            coverage: Coverage {
                mean: covered,
                tenths,
                untouched: share(&|one| {
                    one.tenths.iter().filter(|share| **share == 0.0).count() as f64 / 10.0
                }),
            },
            unsupported_per_1000_words: Unsupported {
                numbers: per_1000(&|one| Some(one.unsupported_numbers)).unwrap_or(0.0),
                names: per_1000(&|one| one.unsupported_names),
            },
            usage: Totals {
                calls: usages().map(|usage| usage.calls).sum(),
                retries: usages().map(|usage| usage.retries).sum(),
                prompt_tokens,
                completion_tokens,
                cost: prices.and_then(|prices| usages().map(|usage| prices.cost_of(&usage)).sum()),
            },
            seconds: Seconds {
                p50: percentile(&mut seconds, 50.0)?,
                p95: percentile(&mut seconds, 95.0)?,
            },
        })
    }
}

impl Speed {
    /// The speed of a run that took so many seconds; `None` if it made no summary.
    #[must_use]
    pub fn of(all: &[Measured], seconds: f64) -> Option<Self> {
        let made = || all.iter().filter(|one| !one.is_earlier);
        let tokens: u64 = made().map(|one| one.measures.usage.completion_tokens).sum();
        let summaries = made().count();
        (summaries > 0 && seconds > 0.0).then(|| Self {
            summaries_per_minute: 60.0 * summaries as f64 / seconds,
            tokens_per_second: (tokens > 0).then(|| tokens as f64 / seconds),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(fmeasure: f64, deviation: f64, unsupported_names: Option<usize>) -> Measured {
        let mut one = Measured::default();
        one.measures.rouge.rouge1.fmeasure = fmeasure;
        one.measures.deviation = deviation;
        one.measures.words = 500;
        one.measures.tenths[0] = 1.0;
        one.measures.unsupported_numbers = 3;
        one.measures.unsupported_names = unsupported_names;
        one.measures.usage.completion_tokens = 600;
        one.seconds = 10.0 * fmeasure;
        one
    }

    #[test]
    fn figures_are_means_and_totals() {
        let prices = Prices {
            input_per_mtok: 1.0,
            output_per_mtok: 2.0,
            fallback: None,
            currency: None,
        };
        let all = [measured(0.25, -0.1, Some(2)), measured(0.75, 0.04, None)];
        let figures = Figures::of(&all, Some(prices)).unwrap();
        assert_eq!(figures.rouge.rouge1.fmeasure.mean, 0.5);
        assert!((figures.length.deviation.mean + 0.03).abs() < 1e-12);
        assert!((figures.length.absolute_deviation.mean - 0.07).abs() < 1e-12);
        assert_eq!(figures.length.within_5_percent, 0.5);
        assert_eq!(
            (figures.coverage.tenths[0], figures.coverage.tenths[1]),
            (1.0, 0.0)
        );
        assert!((figures.coverage.mean.mean - 0.1).abs() < 1e-12);
        assert!((figures.coverage.untouched - 0.9).abs() < 1e-12);
        assert_eq!(figures.unsupported_per_1000_words.numbers, 6.0);
        // Of the summary in which names can be told.
        assert_eq!(figures.unsupported_per_1000_words.names, Some(4.0));
        assert_eq!(figures.usage.cost, Some(0.0024));
        assert_eq!(
            figures.seconds,
            Seconds {
                p50: 5.0,
                p95: 7.25
            }
        );
        assert_eq!(Figures::of(&[], None), None);
    }

    #[test]
    fn the_speed_leaves_out_what_an_earlier_run_made() {
        let mut all = [measured(0.5, 0.0, None), measured(0.5, 0.0, None)];
        all[0].is_earlier = true;
        let speed = Speed::of(&all, 30.0).unwrap();
        assert_eq!(speed.summaries_per_minute, 2.0);
        assert_eq!(speed.tokens_per_second, Some(20.0));
        all[1].is_earlier = true;
        assert_eq!(Speed::of(&all, 30.0), None);
    }
}
