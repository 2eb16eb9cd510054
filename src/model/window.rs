//! What an endpoint shows of its window, by its refusals and by its answers. A request that will not fit is not sent.
//!
//! - Most refusals name the window and count the prompt: the first one settles what fits.
//! - Without such numbers, a request that is not clearly smaller than the smallest one refused is not sent either. So an
//!   endpoint that refuses everything costs a request for each halving of a part.
//! - vLLM does not refuse a request whose prompt fits and whose answer may not. It lowers the limit, and the answer is cut
//!   off where the window ends: after fewer tokens than were allowed. Then the window is what prompt and answer have
//!   together. But an endpoint may also write no more than so many tokens whatever it is sent: that shows when two such
//!   answers have about the same length.
//!
//! Nothing else depends on it, in particular no request's content: a resumed job sends what it would have sent.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::{Answer, ErrorKind, Finish, ModelError, TokenUsage};
use crate::prompt::{Prompt, Task};

/// Smaller windows are not believed: no request fits them.
const LEAST_WINDOW: u64 = 512;

/// No tokenizer counts more than this many times the estimate: a server that says so is wrong.
pub(crate) const MAX_RATIO: f64 = 3.0;

/// A request is clearly smaller than another with at most this share of its tokens.
const SMALLER: f64 = 0.9;

/// An answer was cut off early if it has less than this share of the tokens that were allowed.
const EARLY: f64 = 0.9;

/// Numbers of tokens within this share of each other are about the same.
const ABOUT: f64 = 0.03;

/// The window of an endpoint, as far as a job knows.
#[derive(Debug, Default)]
pub(crate) struct LearnedWindow(Mutex<Learned>);

#[derive(Debug, Default)]
struct Learned {
    /// Tokens of input and output together, as the endpoint counts them.
    window: Option<u64>,
    /// The largest ratio seen of the endpoint's count of a prompt to the estimate.
    ratio: f64,
    /// Estimated tokens of the smallest request that was refused without numbers.
    refused: Option<usize>,
    /// The first answer that was cut off early.
    cut_off: Option<TokenUsage>,
    /// Answers end after so many tokens, whatever the window is.
    is_output_limited: bool,
    answers: usize,
    /// The last refusal.
    refusal: Option<ModelError>,
}

impl LearnedWindow {
    /// Learns from an answer.
    pub(crate) fn answered(&self, prompt: &Prompt, answer: &Answer) {
        self.lock().answered(prompt, answer);
    }

    /// Learns from a failed call. Returns whether it was refused as too long.
    pub(crate) fn failed(&self, prompt: &Prompt, error: &ModelError) -> bool {
        let ErrorKind::Overflow {
            window,
            prompt_tokens,
        } = error.kind
        else {
            return false;
        };
        let mut learned = self.lock();
        learned.refused(prompt, window, prompt_tokens);
        learned.refusal = Some(error.clone());
        true
    }

    /// Whether a request may fit. Without any knowledge it may, and is not rendered.
    pub(crate) fn may_fit(&self, prompt: &Prompt) -> bool {
        self.lock().may_fit(prompt)
    }

    /// The error for a request that is not sent because it cannot fit.
    pub(crate) fn refusal_of(&self, prompt: &Prompt) -> Option<ModelError> {
        let learned = self.lock();
        if learned.may_fit(prompt) {
            return None;
        }
        let window = learned.window;
        let kind = ErrorKind::Overflow {
            window,
            prompt_tokens: None,
        };
        let message = match (&learned.refusal, window) {
            (Some(refusal), _) => refusal.message.clone(),
            (None, Some(window)) => {
                format!("the request does not fit into the endpoint's window of {window} tokens")
            }
            (None, None) => "the request does not fit into the endpoint's window".to_owned(),
        };
        Some(ModelError::new(kind, message))
    }

    /// The last refusal, if nothing was ever answered.
    pub(crate) fn refusal_of_everything(&self) -> Option<ModelError> {
        let learned = self.lock();
        learned.refusal.clone().filter(|_| learned.answers == 0)
    }

    fn lock(&self) -> MutexGuard<'_, Learned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Learned {
    fn narrow(&mut self, window: u64) {
        if window >= LEAST_WINDOW {
            self.window = Some(self.window.map_or(window, |known| known.min(window)));
        }
    }

    fn refused(&mut self, prompt: &Prompt, window: Option<u64>, counted: Option<u64>) {
        if let Some(counted) = counted {
            let ratio = counted as f64 / prompt.tokens().0.max(1) as f64;
            self.ratio = self.ratio.max(ratio.min(MAX_RATIO));
        }
        if let Some(window) = window {
            self.narrow(window);
        }
        // By its numbers it would have fitted, or it has none.
        if self.fits_window(prompt) {
            let total = total(prompt);
            self.refused = Some(self.refused.map_or(total, |known| known.min(total)));
        }
    }

    fn answered(&mut self, prompt: &Prompt, answer: &Answer) {
        self.answers += 1;
        let Some(usage) = cut_off_early(prompt, answer) else {
            return;
        };
        let about = |one: u64, two: u64| one.abs_diff(two) as f64 <= two as f64 * ABOUT;
        match self.cut_off {
            None => {
                self.narrow(usage.prompt_tokens + usage.completion_tokens);
                self.cut_off = Some(usage);
            }
            Some(first) if about(usage.completion_tokens, first.completion_tokens) => {
                let sum = first.prompt_tokens + first.completion_tokens;
                if self.window == Some(sum) && !about(usage.prompt_tokens, first.prompt_tokens) {
                    self.window = None;
                    self.is_output_limited = true;
                }
            }
            Some(_) if !self.is_output_limited => {
                self.narrow(usage.prompt_tokens + usage.completion_tokens);
            }
            Some(_) => {}
        }
    }

    fn may_fit(&self, prompt: &Prompt) -> bool {
        let is_smaller = |refused: usize| total(prompt) as f64 <= refused as f64 * SMALLER;
        self.fits_window(prompt) && self.refused.is_none_or(is_smaller)
    }

    fn fits_window(&self, prompt: &Prompt) -> bool {
        let counted = || (prompt.tokens().0 as f64 * self.ratio.max(1.0)).ceil() as usize;
        self.window.is_none_or(|window| {
            let total = counted() + prompt.max_tokens().0;
            u64::try_from(total).is_ok_and(|total| total <= window)
        })
    }
}

/// Estimated tokens of a request, input and output together.
fn total(prompt: &Prompt) -> usize {
    prompt.tokens().0 + prompt.max_tokens().0
}

/// The tokens of an answer that was cut off before its limit.
fn cut_off_early(prompt: &Prompt, answer: &Answer) -> Option<TokenUsage> {
    let usage = answer
        .usage
        .filter(|usage| usage.prompt_tokens > 0 && usage.completion_tokens > 0)?;
    let is_early = (usage.completion_tokens as f64) < prompt.max_tokens().0 as f64 * EARLY;
    (answer.finish == Finish::Length && is_early).then_some(usage)
}

/// The outcome of a call, in which the answer about one part that the window has cut off counts as a refusal: halves of the
/// part fit.
pub(crate) fn without_clamped(
    prompt: &Prompt,
    outcome: Result<Answer, ModelError>,
) -> Result<Answer, ModelError> {
    let request = prompt.request();
    let is_part =
        matches!(request.task, Task::Section | Task::Notes) && request.portions.is_empty();
    let Some(usage) = outcome
        .as_ref()
        .ok()
        .and_then(|answer| cut_off_early(prompt, answer))
        .filter(|_| is_part)
    else {
        return outcome;
    };
    let (prompt_tokens, window) = (
        usage.prompt_tokens,
        usage.prompt_tokens + usage.completion_tokens,
    );
    let kind = ErrorKind::Overflow {
        window: Some(window),
        prompt_tokens: Some(prompt_tokens),
    };
    let message = format!(
        "the answer was cut off after {} of {} tokens, where the window seems to end: MODEL_CONTEXT_TOKENS must not be more \
         than the server's window",
        usage.completion_tokens,
        prompt.max_tokens().0
    );
    Err(ModelError::new(kind, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Style;
    use crate::prompt::tests::prompt;
    use crate::text::Tokens;

    fn of(max_tokens: usize) -> Prompt {
        prompt(Task::Section, Style::Full).with_max_tokens(Tokens(max_tokens))
    }

    fn refusal(window: Option<u64>, prompt_tokens: Option<u64>) -> ModelError {
        let kind = ErrorKind::Overflow {
            window,
            prompt_tokens,
        };
        ModelError::new(kind, "too long")
    }

    fn cut_off(prompt_tokens: u64, completion_tokens: u64) -> Answer {
        Answer {
            text: "The board met".to_owned(),
            finish: Finish::Length,
            usage: Some(TokenUsage {
                prompt_tokens,
                completion_tokens,
            }),
            ..Answer::default()
        }
    }

    #[test]
    fn one_refusal_with_numbers_settles_what_fits() {
        let learned = LearnedWindow::default();
        let tokens = of(1).tokens().0 as u64;
        assert!(learned.may_fit(&of(1_000_000)));
        assert!(learned.failed(&of(5000), &refusal(Some(4096), Some(tokens * 2))));
        let room = 4096 - 2 * tokens as usize;
        assert!(learned.may_fit(&of(room)));
        assert!(!learned.may_fit(&of(room + 1)));
        assert_eq!(
            learned.refusal_of(&of(room)).map(|error| error.message),
            None
        );
        let error = learned.refusal_of(&of(5000)).unwrap();
        assert_eq!(error.message, "too long");
    }

    #[test]
    fn without_numbers_only_clearly_smaller_requests_are_sent() {
        for window in [None, Some(0), Some(1_000_000)] {
            let learned = LearnedWindow::default();
            assert!(learned.failed(&of(2000), &refusal(window, None)));
            assert!(!learned.may_fit(&of(2000)), "{window:?}");
            assert!(!learned.may_fit(&of(1990)), "{window:?}");
            assert!(learned.may_fit(&of(900)), "{window:?}");
        }
    }

    #[test]
    fn an_answer_that_is_cut_off_early_shows_the_window_unless_all_end_after_as_many_tokens() {
        let learned = LearnedWindow::default();
        learned.answered(&of(2000), &cut_off(3800, 296));
        assert!(!learned.may_fit(&of(4090)), "the window has 4096 tokens");
        learned.answered(&of(2000), &cut_off(3600, 496));
        assert!(!learned.may_fit(&of(4090)), "still");

        let learned = LearnedWindow::default();
        learned.answered(&of(2000), &cut_off(3800, 296));
        learned.answered(&of(2000), &cut_off(1800, 296));
        assert!(learned.may_fit(&of(1_000_000)), "only answers are limited");
    }

    #[test]
    fn a_part_whose_answer_is_clamped_is_divided_and_other_answers_are_used() {
        let clamped = without_clamped(&of(2000), Ok(cut_off(3800, 296))).unwrap_err();
        let kind = ErrorKind::Overflow {
            window: Some(4096),
            prompt_tokens: Some(3800),
        };
        assert_eq!(clamped.kind, kind);
        assert!(clamped.message.contains("MODEL_CONTEXT_TOKENS"));
        assert!(without_clamped(&of(300), Ok(cut_off(3800, 296))).is_ok());
        let stopped = Answer {
            finish: Finish::Stop,
            ..cut_off(3800, 296)
        };
        assert!(without_clamped(&of(2000), Ok(stopped)).is_ok());
        let outline = prompt(Task::Outline, Style::Full).with_max_tokens(Tokens(2000));
        assert!(without_clamped(&outline, Ok(cut_off(3800, 296))).is_ok());
    }

    #[test]
    fn a_refusal_counts_as_one_of_everything_until_something_is_answered() {
        let learned = LearnedWindow::default();
        assert!(learned.refusal_of_everything().is_none());
        assert!(learned.failed(&of(2000), &refusal(None, None)));
        assert!(learned.refusal_of_everything().is_some());
        learned.answered(&of(2000), &Answer::default());
        assert!(learned.refusal_of_everything().is_none());
    }
}
