//! Closes the loop between the length that is asked for and the length that is written.
//!
//! A model misses lengths by a factor that is its own. The factor is measured with every answer and divides what is asked
//! for next; words that are missing or left over are spread over the sections that are still to be written.

use crate::summary::plan::apportion;

/// Models miss lengths by a factor, but not by any factor.
const RATIO_RANGE: (f64, f64) = (0.4, 2.5);

/// To make up for others, a section gets at least and at most these shares of what was planned for it.
const TARGET_RANGE: (f64, f64) = (0.6, 1.6);

/// Words that count as if the model had kept to them, so that one answer does not decide everything.
const PRIOR_WORDS: f64 = 40.0;

/// What a model writes of what it is asked for, and what is still to be written.
#[derive(Debug, Clone)]
pub(crate) struct LengthControl {
    /// Planned words of each section.
    planned: Vec<usize>,
    asked: f64,
    written: f64,
    /// Words of the sections that are done.
    done: usize,
    next: usize,
}

impl LengthControl {
    pub(crate) fn new(planned: Vec<usize>) -> Self {
        Self {
            planned,
            asked: 0.0,
            written: 0.0,
            done: 0,
            next: 0,
        }
    }

    /// Words that the next `count` sections should have, once what others missed is spread over all that are left.
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

    /// Words to ask for, to be given `words` words.
    pub(crate) fn ask(&self, words: usize) -> usize {
        ((words as f64 / self.ratio()).round() as usize).max(1)
    }

    /// Words written for each word asked for, so far.
    pub(crate) fn ratio(&self) -> f64 {
        let (low, high) = RATIO_RANGE;
        ((self.written + PRIOR_WORDS) / (self.asked + PRIOR_WORDS)).clamp(low, high)
    }

    /// Takes the next section into account. It has `words` words; `answer` holds words asked for and words written, unless
    /// the answer could not be used.
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
        let mut control = LengthControl::new(vec![400; 4]);
        assert_eq!((control.targets(1), control.ask(400)), (vec![400], 400));
        control.learn(300, Some((400, 300)));
        assert_eq!(control.targets(3), [434, 433, 433]);
        assert!(control.ask(433) > 540, "{}", control.ask(433));
    }

    #[test]
    fn other_sections_make_up_for_one_that_missed_its_length_within_bounds() {
        let mut control = LengthControl::new(vec![300; 3]);
        control.learn(600, Some((300, 600)));
        assert_eq!(control.targets(2), [180, 180]);
        control.learn(0, None);
        assert_eq!(control.targets(1), [300]);
    }

    #[test]
    fn one_empty_answer_leaves_the_ratio_within_its_range() {
        let mut control = LengthControl::new(vec![400; 2]);
        control.learn(0, Some((400, 0)));
        assert!(control.ratio() >= 0.4);
    }
}
