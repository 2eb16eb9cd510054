//! Adjusts requested lengths to what the model habitually writes.
//!
//! Each model writes too much or too little by a characteristic factor. The factor is remembered from job to job, measured
//! with every answer, and every requested length is divided by it.

/// Bounds for the factor.
const RATIO_RANGE: (f64, f64) = (0.4, 2.5);

/// Weight of what is known from earlier jobs, in words. It keeps a single short answer from dominating the factor.
const PRIOR_WORDS: f64 = 40.0;

/// Sections are asked to be longer than wanted by this factor: cutting a sentence is free, adding one is a call.
const MARGIN: f64 = 1.03;

/// Words requested and words written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LengthControl {
    asked: f64,
    written: f64,
}

impl LengthControl {
    /// Starts from the words that the model has written per word requested in earlier jobs.
    pub(crate) fn new(ratio: f64) -> Self {
        Self {
            asked: PRIOR_WORDS,
            written: PRIOR_WORDS * ratio,
        }
    }

    /// The number of words to request in order to get `words` words.
    pub(crate) fn ask(&self, words: usize) -> usize {
        ((words as f64 / self.ratio()).round() as usize).max(1)
    }

    /// The number of words to request in order to get at least `words` words, more often than not.
    pub(crate) fn ask_at_least(&self, words: usize) -> usize {
        self.ask((words as f64 * MARGIN).round() as usize)
    }

    /// Words written per word requested so far, within bounds.
    pub(crate) fn ratio(&self) -> f64 {
        let (low, high) = RATIO_RANGE;
        (self.written / self.asked).clamp(low, high)
    }

    /// Records words requested and words written.
    pub(crate) fn learn(&mut self, (asked, written): (usize, usize)) {
        self.asked += asked as f64;
        self.written += written as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_writes_too_little_is_asked_for_more() {
        let mut control = LengthControl::new(1.0);
        assert_eq!(control.ask(400), 400);
        control.learn((400, 300));
        assert!(control.ask(433) > 540, "{}", control.ask(433));
        assert_eq!(LengthControl::new(0.8).ask(400), 500);
    }

    #[test]
    fn one_empty_answer_leaves_the_ratio_within_its_range() {
        let mut control = LengthControl::new(1.0);
        control.learn((400, 0));
        assert!(control.ratio() >= 0.4);
    }
}
