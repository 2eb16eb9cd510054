//! Feedback control of section lengths: adjusts the requested length to what the model has written so far.
//!
//! Each model writes too much or too little by a characteristic factor. This module measures the factor with every answer
//! and divides the next requested length by it. Any shortfall or excess is spread over the remaining sections.

use crate::summary::plan::apportion;

/// Bounds for the measured factor.
const RATIO_RANGE: (f64, f64) = (0.4, 2.5);

/// Minimum and maximum target of a section that makes up for others, as a share of its planned length.
const TARGET_RANGE: (f64, f64) = (0.6, 1.6);

/// Weight of the initial assumption that the model writes exactly as much as requested, in words. It keeps a single short
/// answer from dominating the measured factor.
const PRIOR_WORDS: f64 = 40.0;

/// Words requested, words written, and words still to be written.
#[derive(Debug, Clone)]
pub(crate) struct LengthControl {
    /// Planned words of each section.
    planned: Vec<usize>,
    asked: f64,
    written: f64,
    /// Words of the finished sections.
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

    /// Target lengths in words of the next `count` sections, after spreading the shortfall or excess so far over all
    /// remaining sections.
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

    /// The number of words to request in order to get `words` words.
    pub(crate) fn ask(&self, words: usize) -> usize {
        ((words as f64 / self.ratio()).round() as usize).max(1)
    }

    /// Words written per word requested so far, within bounds.
    pub(crate) fn ratio(&self) -> f64 {
        let (low, high) = RATIO_RANGE;
        ((self.written + PRIOR_WORDS) / (self.asked + PRIOR_WORDS)).clamp(low, high)
    }

    /// Records the next section, which has `words` words. `answer` holds words requested and words written, or `None` if the
    /// answer says nothing about how well the model keeps to lengths.
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
