//! The closed loop that makes the sections add up: what a model writes is measured against what it was asked for, and what
//! is missing is spread over the sections left.

use crate::summary::plan::apportion;

/// Models miss lengths by a factor, but not by any factor.
const RATIO_RANGE: (f64, f64) = (0.4, 2.5);

/// A section never gets less than this share of what was planned for it, nor more than that, to make up for others.
const TARGET_RANGE: (f64, f64) = (0.6, 1.6);

/// Words that count as if the model had kept to them, so that one answer does not decide everything.
const PRIOR_WORDS: f64 = 40.0;

/// How much a model writes of what it is asked for, and how much is still to be written.
#[derive(Debug, Clone)]
pub(crate) struct Pace {
    /// Planned words of each section.
    planned: Vec<usize>,
    asked: f64,
    written: f64,
    /// Words of the sections that are done.
    done: usize,
    next: usize,
}

impl Pace {
    pub(crate) fn new(planned: Vec<usize>) -> Self {
        Self {
            planned,
            asked: 0.0,
            written: 0.0,
            done: 0,
            next: 0,
        }
    }

    /// What the next `count` sections should have in words, with what others missed spread over all that are left.
    pub(crate) fn targets(&self, count: usize) -> Vec<usize> {
        let left = self.planned.get(self.next..).unwrap_or_default();
        let total: usize = self.planned.iter().sum();
        let weights: Vec<f64> = left.iter().map(|&words| words as f64).collect();
        let shares = apportion(total.saturating_sub(self.done), &weights);
        let bounded = shares
            .iter()
            .zip(left)
            .take(count)
            .map(|(&share, &planned)| {
                let (low, high) = TARGET_RANGE;
                share
                    .clamp(
                        (planned as f64 * low) as usize,
                        (planned as f64 * high).ceil() as usize,
                    )
                    .max(1)
            });
        bounded.collect()
    }

    /// What to ask for, to be given `words` words.
    pub(crate) fn ask(&self, words: usize) -> usize {
        ((words as f64 / self.ratio()).round() as usize).max(1)
    }

    /// Words written for each word asked for, so far.
    pub(crate) fn ratio(&self) -> f64 {
        let (low, high) = RATIO_RANGE;
        ((self.written + PRIOR_WORDS) / (self.asked + PRIOR_WORDS)).clamp(low, high)
    }

    /// Takes the next section's measure: it has `words` words; for `asked`, the model wrote `written`, unless what it wrote
    /// could not be used.
    pub(crate) fn learn(&mut self, words: usize, answer: Option<(usize, usize)>) {
        self.next += 1;
        self.done += words;
        if let Some((asked, written)) = answer {
            self.asked += asked as f64;
            self.written += written as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_writes_too_little_is_asked_for_more() {
        let mut pace = Pace::new(vec![400; 4]);
        assert_eq!((pace.targets(1), pace.ask(400)), (vec![400], 400));
        pace.learn(300, Some((400, 300)));
        assert_eq!(pace.targets(3), [434, 433, 433]);
        assert!(pace.ask(433) > 540, "{}", pace.ask(433));
    }

    #[test]
    fn what_one_misses_the_others_make_up_within_bounds() {
        let mut pace = Pace::new(vec![300; 3]);
        pace.learn(600, Some((300, 600)));
        assert_eq!(pace.targets(2), [180, 180]);
        pace.learn(0, None);
        assert_eq!(pace.targets(1), [300]);
    }

    #[test]
    fn one_answer_cannot_ruin_the_ratio() {
        let mut pace = Pace::new(vec![400; 2]);
        pace.learn(0, Some((400, 0)));
        assert!(pace.ratio() >= 0.4);
    }
}
