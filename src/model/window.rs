//! Learns the window of an endpoint from its refusals. A request that will not fit is not sent.
//!
//! - Most refusals name the window and count the prompt: the first one settles what fits.
//! - Without such numbers, a request that is not clearly smaller than the smallest one refused is not sent either. So a window
//!   that nobody tells costs a refusal for each halving of a part until they fit.
//! - An endpoint that refuses everything is found out with a second request, the shortest that there can be.
//! - A server may also take a prompt that leaves little of the window, and cut the answer off where that ends. The tokens that it
//!   counts then add up to the window. Those of one such answer could also be a limit of the server for answers; if two different
//!   answers come to the same sum, as round as windows are, or the sum is a window that is known, it is the window.
//! - An endpoint that says at the beginning of a job how large its window is saves these refusals. A prompt is kept back only
//!   if it is certain to be refused, and teaches what the refusal would, so that it makes no difference whether the endpoint said
//!   so in time.
//!
//! Nothing else depends on it, in particular no request's content: a resumed job sends what it would have sent.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::{Answer, ErrorKind, Finish, ModelError, TokenUsage};
use crate::prompt::Prompt;
use crate::text::Tokens;

/// Smaller windows are not believed: no request fits them.
const LEAST_WINDOW: u64 = 512;

/// No tokenizer counts more than this many times the estimate: a server that says so is wrong.
pub(crate) const MAX_RATIO: f64 = 3.0;

/// No tokenizer counts fewer than one in so many estimated tokens. A prompt that is longer even then cannot fit.
const MAX_OVERESTIMATE: f64 = 1.6;

/// A request is clearly smaller than another with at most this share of its tokens. Half of a part has less, and two sections of
/// three as much, with the instructions that are sent with each.
const SMALLER: f64 = 0.75;

/// Tokens that a server may leave free, or not count, when an answer has filled its window.
const UNCOUNTED: u64 = 8;

/// Answers are different if their tokens are so far apart: of answers that end anywhere, some come to one sum by chance.
const UNLIKE: u64 = 32;

/// Windows are multiples of this, give or take what is left free.
const WINDOW_STEP: u64 = 256;

/// The window of an endpoint, as far as a job knows.
#[derive(Debug, Default)]
pub(crate) struct LearnedWindow(Mutex<Learned>);

#[derive(Debug, Default)]
struct Learned {
    /// Tokens of input and output together, as the endpoint counts them.
    window: Option<u64>,
    /// The window by the endpoint's own word.
    told: Option<u64>,
    /// The largest ratio seen of the endpoint's count of a prompt to the estimate.
    ratio: f64,
    /// Estimated tokens of the smallest request that was refused without numbers.
    refused: Option<usize>,
    /// The tokens of prompt and answer of the last answer that was cut off before its limit.
    cut_off: Option<TokenUsage>,
    /// Whether anything was ever answered.
    has_answered: bool,
    /// Whether it was asked if it refuses everything.
    was_in_doubt: bool,
    /// The last refusal, without which nothing is known.
    refusal: Option<ModelError>,
}

impl LearnedWindow {
    /// Learns from an answer.
    pub(crate) fn answered(&self, prompt: &Prompt, answer: &Answer) {
        let mut learned = self.lock();
        learned.has_answered = true;
        if let Some(used) = cut_off(prompt, answer) {
            learned.cut_off(used);
        }
    }

    /// Whether the answer to `prompt` was cut off because both together have filled the window, as far as that is known.
    pub(crate) fn is_filled_by(&self, prompt: &Prompt, answer: &Answer) -> bool {
        let learned = self.lock();
        cut_off(prompt, answer).is_some_and(|used| learned.is_filled_by(used))
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

    /// Learns what the endpoint says of its window.
    pub(crate) fn told(&self, window: Tokens) {
        let window = u64::try_from(window.0).ok();
        self.lock().told = window.filter(|window| *window >= LEAST_WINDOW);
    }

    /// Whether a request may fit. Without any knowledge it may, and is not rendered.
    pub(crate) fn may_fit(&self, prompt: &Prompt) -> bool {
        self.refusal_of(prompt).is_none()
    }

    /// The error for a request that is not sent because it cannot fit.
    pub(crate) fn refusal_of(&self, prompt: &Prompt) -> Option<ModelError> {
        let mut learned = self.lock();
        if learned.may_fit(prompt) {
            return None;
        }
        // Learned like from the refusal that it saves.
        if let Some(told) = learned.told {
            learned.narrow(told);
        }
        let window = learned.window;
        let kind = ErrorKind::Overflow {
            window,
            prompt_tokens: None,
        };
        let told = || {
            let window = window.unwrap_or_default();
            let message = format!("the endpoint says that its window has {window} tokens");
            ModelError::new(kind, message)
        };
        let refusal = learned.refusal.get_or_insert_with(told);
        Some(ModelError::new(kind, refusal.message.clone()))
    }

    /// Whether the endpoint may refuse whatever it is sent: it has called a request too long without a size that explains it, and
    /// has answered none. True only once, unless that remains in doubt.
    pub(crate) fn is_in_doubt(&self) -> bool {
        let mut learned = self.lock();
        let is_in_doubt = learned.refused.is_some() && !learned.has_answered;
        is_in_doubt && !std::mem::replace(&mut learned.was_in_doubt, true)
    }

    /// Learns that the question whether everything is refused was not answered.
    pub(crate) fn remains_in_doubt(&self) {
        self.lock().was_in_doubt = false;
    }

    /// The last refusal, if nothing was ever answered.
    pub(crate) fn refusal_of_everything(&self) -> Option<ModelError> {
        let learned = self.lock();
        learned.refusal.clone().filter(|_| !learned.has_answered)
    }

    fn lock(&self) -> MutexGuard<'_, Learned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tokens of an answer that the server has cut off before the limit that was sent.
fn cut_off(prompt: &Prompt, answer: &Answer) -> Option<TokenUsage> {
    let limit = u64::try_from(prompt.max_tokens().0).ok()?;
    let used = answer.usage.filter(|used| used.prompt_tokens > 0)?;
    let is_cut_off = answer.finish == Finish::Length && !answer.is_interrupted;
    (is_cut_off && used.completion_tokens < limit).then_some(used)
}

fn sum(used: TokenUsage) -> u64 {
    used.prompt_tokens + used.completion_tokens
}

impl Learned {
    fn cut_off(&mut self, used: TokenUsage) {
        let is_other = |earlier: &TokenUsage| {
            sum(*earlier) == sum(used)
                && earlier.completion_tokens.abs_diff(used.completion_tokens) > UNLIKE
                && (sum(used) + UNCOUNTED) % WINDOW_STEP <= 2 * UNCOUNTED
        };
        let window = match (self.cut_off.filter(is_other), self.told) {
            (Some(earlier), _) => Some(sum(earlier).max(sum(used))),
            (None, told) => told.filter(|told| sum(used).abs_diff(*told) <= UNCOUNTED),
        };
        self.cut_off = Some(used);
        let Some(window) = window.filter(|_| !self.is_filled_by(used)) else {
            return;
        };
        self.narrow(window);
        let kind = ErrorKind::Overflow {
            window: self.window,
            prompt_tokens: None,
        };
        let message = format!(
            "the endpoint cuts answers off where prompt and answer have {window} tokens together: its window is smaller than \
             MODEL_CONTEXT_TOKENS"
        );
        tracing::warn!(window, "{message}");
        self.refusal.get_or_insert(ModelError::new(kind, message));
    }

    fn is_filled_by(&self, used: TokenUsage) -> bool {
        self.window
            .is_some_and(|window| sum(used) + UNCOUNTED >= window)
    }

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
        if let Some(window) = window.or(self.told) {
            self.narrow(window);
        }
        // By its numbers it would have fitted, or it has none.
        if self.fits_window(prompt) {
            let total = total(prompt);
            self.refused = Some(self.refused.map_or(total, |known| known.min(total)));
        }
    }

    fn may_fit(&self, prompt: &Prompt) -> bool {
        let is_smaller = |refused: usize| total(prompt) as f64 <= refused as f64 * SMALLER;
        // Not every server counts the answer.
        let is_plausible = |told| prompt.tokens().0 as f64 / MAX_OVERESTIMATE < told as f64;
        self.told.is_none_or(is_plausible)
            && self.fits_window(prompt)
            && self.refused.is_none_or(is_smaller)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::tests::{prompt, request};
    use crate::prompt::{Request, Style, Task};
    use crate::transcript::Passage;

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
    fn what_an_endpoint_says_keeps_back_only_what_cannot_fit() {
        let request = Request {
            block: Passage::of_text("Yes. ".repeat(2000)),
            ..request(Task::Section, Style::Full)
        };
        let prompt = Prompt::new(request, Tokens(1_000_000));
        let long = prompt.tokens().0;
        let told = |window| {
            let learned = LearnedWindow::default();
            learned.told(Tokens(window));
            (learned.may_fit(&prompt), learned.refusal_of_everything())
        };
        // A server that counts fewer tokens, and not the answer, takes the first two. The last is too small to be true.
        for window in [long, long * 2 / 3, 100] {
            let (may_fit, refusal) = told(window);
            assert!(may_fit && refusal.is_none(), "{window} of {long}");
        }
        let (may_fit, refusal) = told(long / 2);
        assert!(!may_fit);
        let message = refusal.unwrap().message;
        assert!(message.contains(&(long / 2).to_string()), "{message}");
    }

    #[test]
    fn answers_that_are_cut_off_at_one_sum_show_the_window() {
        let prompt = of(800);
        let answer = |(prompt_tokens, completion_tokens), finish| Answer {
            finish,
            usage: Some(TokenUsage {
                prompt_tokens,
                completion_tokens,
            }),
            ..Answer::default()
        };
        // told, tokens of prompts and answers, why the last one ended, whether it filled the window
        for (told, used, finish, expected) in [
            // It may be the server's limit for answers.
            (None, &[(3900, 196)][..], Finish::Length, false),
            (Some(4096), &[(3900, 196)], Finish::Length, true),
            (Some(4096), &[(3900, 196)], Finish::Stop, false),
            (Some(8192), &[(3900, 196)], Finish::Length, false),
            // The limit that was sent.
            (Some(4096), &[(3296, 800)], Finish::Length, false),
            (None, &[(3900, 196), (3700, 396)], Finish::Length, true),
            (None, &[(3900, 196), (3700, 395)], Finish::Length, false),
            // A limit for answers, and the same answer.
            (None, &[(3900, 196), (3700, 196)], Finish::Length, false),
            (None, &[(3900, 196), (3900, 196)], Finish::Length, false),
        ] {
            let learned = LearnedWindow::default();
            if let Some(told) = told {
                learned.told(Tokens(told));
            }
            for used in used {
                learned.answered(&prompt, &answer(*used, finish));
            }
            let last = answer(*used.last().unwrap(), finish);
            let filled = learned.is_filled_by(&prompt, &last);
            assert_eq!(filled, expected, "{told:?} {used:?} {finish:?}");
            assert_eq!(learned.lock().window.is_some(), expected);
        }
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
