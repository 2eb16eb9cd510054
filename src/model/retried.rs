//! The retried layer: retries a failed call if the policy of its failure allows it, within limits of attempts and time.
//!
//! A prompt that was certainly not accepted is sent up to five times with backoff. One that may have been billed is sent
//! once more, and the retry is counted. Throttling, cold starts and servers that cannot be reached don't count as attempts: the
//! rate limiter holds all calls back, and a call keeps waiting for up to 15 minutes.
//!
//! If a fallback model can take over, it does once the endpoint has been down for `FALLBACK_AFTER`. Until then a prompt that was not
//! accepted is sent again and again.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::client::ModelClient;
use crate::model::failure::Retry;
use crate::model::jitter::{Backoff, Jitter};
use crate::model::limited::Permit;
use crate::model::recorded::CallRecord;
use crate::model::{Answer, ErrorKind, ModelError};
use crate::prompt::Prompt;
use crate::run::Waiting;

/// Attempts at a prompt that was not accepted, including the first. With the backoff below, five attempts bridge up to half a
/// minute.
const MAX_FREE_ATTEMPTS: u32 = 5;

/// Attempts at a prompt that may have been billed, including the first.
pub(crate) const MAX_BILLED_ATTEMPTS: u32 = 2;

/// How long one call waits for an endpoint that throttles, is starting or cannot be reached. Cold starts of large models take minutes.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// The backoff between attempts.
const BACKOFF: Backoff = Backoff {
    shortest: Duration::from_millis(500),
    longest: Duration::from_secs(20),
};

/// The retry state of one call.
#[derive(Debug, Clone, Copy, Default)]
struct RetryState {
    free: u32,
    billed: u32,
    waits: u32,
    last_wait: Duration,
}

impl RetryState {
    /// How long to wait before the next attempt; `None` to give up. `since` is the time since the call began.
    /// With a fallback model, `left` is the time until it takes over.
    fn next(
        &mut self,
        retry: Retry,
        since: Duration,
        left: Option<Duration>,
        jitter: &Jitter,
    ) -> Option<Duration> {
        if left == Some(Duration::ZERO) {
            return None;
        }
        match retry {
            Retry::Never => return None,
            Retry::WhenAdmitted { asked } => {
                let asked = asked.unwrap_or_default();
                let fits = since + asked <= PATIENCE && left.is_none_or(|left| asked < left);
                return fits.then_some(Duration::ZERO);
            }
            // Nobody has to come back later for the job to be done, so it is worth waiting.
            Retry::Free if left.is_some() && since <= PATIENCE => {}
            Retry::Free => self.free += 1,
            Retry::MaybeBilled => self.billed += 1,
        }
        if self.free >= MAX_FREE_ATTEMPTS || self.billed >= MAX_BILLED_ATTEMPTS {
            return None;
        }
        self.waits += 1;
        self.last_wait = BACKOFF.after(self.last_wait, jitter);
        Some(left.map_or(self.last_wait, |left| self.last_wait.min(left)))
    }
}

impl RetryState {
    /// The wait of calls that have failed together and are to be in one batch again.
    fn without_jitter(&self) -> Duration {
        (BACKOFF.shortest * self.waits).min(BACKOFF.longest)
    }
}

/// Shorter waits are not told.
const TOLD_WAIT: Duration = Duration::from_secs(10);

impl ModelClient {
    /// Tells the user of a wait that is not over in a moment.
    fn tell_of_wait(&self, error: &ModelError, began: Instant) {
        let is_long = match error.kind {
            ErrorKind::Warming { .. } | ErrorKind::Unreachable => true,
            ErrorKind::Throttled { retry_after } => {
                retry_after.is_some_and(|wait| wait >= TOLD_WAIT)
            }
            _ => false,
        };
        if is_long {
            let longest = PATIENCE.saturating_sub(began.elapsed());
            let longest = self
                .time_to_takeover(error.kind)
                .map_or(longest, |left| left.min(longest));
            self.run.tell_of_wait(&Waiting {
                reason: error.message.clone(),
                longest: self.run.time_left().unwrap_or(longest).min(longest),
            });
        }
    }

    /// Makes a call and retries it until it is answered or no further attempt is allowed.
    /// The permit of an answer may be left in `place`.
    pub(crate) async fn call_with_retries<'s>(
        &'s self,
        record: &mut CallRecord<'_>,
        prompt: &Prompt,
        place: &mut Option<Permit<'s>>,
    ) -> Result<Answer, ModelError> {
        let began = Instant::now();
        let mut retries = RetryState::default();
        // A job that has made no progress for a long time makes only one attempt.
        let is_single = self.is_probing();
        if record.submits > 0 {
            self.count_retry();
        }
        let mut key_renewed = false;
        loop {
            let error = match self.attempt(record, prompt, place).await {
                Ok(answer) => return Ok(answer),
                Err(error) if record.may_still_run => return Err(error),
                Err(error) => error,
            };
            if error.kind == ErrorKind::Configuration
                && !std::mem::replace(&mut key_renewed, true)
                && self.model.renew_key().await
            {
                self.count_retry();
                continue;
            }
            let left = self.time_to_takeover(error.kind);
            let retry = self.recorder.retry(error.kind);
            let wait = retries.next(retry, began.elapsed(), left, &self.jitter);
            let wait = match self.in_batches {
                true => wait.map(|wait| match wait {
                    Duration::ZERO => wait,
                    _ => retries.without_jitter().min(left.unwrap_or(Duration::MAX)),
                }),
                false => wait,
            };
            let Some(wait) = wait.filter(|_| !is_single) else {
                return Err(error);
            };
            let next = Instant::now() + wait;
            if self.is_too_late_at(next) {
                return Err(error);
            }
            tracing::warn!(%error, wait_ms = wait.as_millis(), "call failed, trying again");
            self.tell_of_wait(&error, began);
            if self.pause_until(next).await.is_err() {
                return Err(error);
            }
            self.count_retry();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(kind: ErrorKind) -> usize {
        let (mut retries, jitter) = (RetryState::default(), Jitter::new(1));
        1 + (0..100)
            .take_while(|_| {
                retries
                    .next(kind.policy().retry, Duration::ZERO, None, &jitter)
                    .is_some()
            })
            .count()
    }

    #[test]
    fn the_kind_of_failure_limits_the_attempts() {
        for (kind, expected) in [
            (ErrorKind::Transient, 5),
            (ErrorKind::Ambiguous, 2),
            (ErrorKind::Lost, 2),
            (ErrorKind::Cancelled, 2),
            (
                ErrorKind::Overflow {
                    window: None,
                    prompt_tokens: None,
                },
                1,
            ),
            (ErrorKind::Configuration, 1),
            (ErrorKind::BadInput, 1),
            (ErrorKind::SuspectOutput, 1),
            (ErrorKind::BudgetSpent, 1),
            (ErrorKind::JobFailed { timed_out: true }, 1),
            (ErrorKind::OutOfTime, 1),
        ] {
            assert_eq!(attempts(kind), expected, "{kind:?}");
        }
    }

    #[test]
    fn a_server_that_cannot_be_reached_is_waited_for_as_long_as_one_that_is_starting() {
        let (mut retries, jitter) = (RetryState::default(), Jitter::new(1));
        for kind in [
            ErrorKind::Unreachable,
            ErrorKind::Warming { retry_after: None },
        ] {
            for (minutes, again) in [(0, true), (14, true), (16, false)] {
                let since = Duration::from_secs(60 * minutes);
                let next = retries.next(kind.policy().retry, since, None, &jitter);
                assert_eq!(next.is_some(), again, "{kind:?} after {minutes} min");
            }
        }
    }

    #[test]
    fn throttling_is_waited_out_for_at_most_15_minutes() {
        let (mut retries, jitter) = (RetryState::default(), Jitter::new(1));
        for (asked, minutes, again) in [
            (7, 0, true),
            (7, 14, true),
            (7, 15, false),
            (1800, 0, false),
        ] {
            let retry_after = Some(Duration::from_secs(asked));
            let since = Duration::from_secs(60 * minutes);
            let retry = ErrorKind::Throttled { retry_after }.policy().retry;
            let next = retries.next(retry, since, None, &jitter);
            assert_eq!(
                next,
                again.then_some(Duration::ZERO),
                "{asked} s after {minutes} min"
            );
        }
    }
}
