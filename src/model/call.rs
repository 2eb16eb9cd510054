//! One paid call, the same for every model: counted, bounded, traced.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use super::{Answer, Finish, Model, ModelError, ModelErrorKind, Reply};
use crate::prompt::{self, Request};

/// How long to wait before asking after a job again.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How often a request is sent that was surely not done, the first time included.
const MAX_ATTEMPTS: u32 = 5;

/// How often a request is sent that may have been done and billed, the first time included.
const MAX_AMBIGUOUS_ATTEMPTS: u32 = 2;

/// The wait before the second attempt; it doubles with each one.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The longest wait that an endpoint may ask for.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// Makes the calls of one job.
#[derive(Debug)]
pub struct Caller<'a, M> {
    model: &'a M,
    max_calls: usize,
    trace: Option<PathBuf>,
    calls: AtomicUsize,
    retries: AtomicUsize,
    resubmitted: AtomicUsize,
    prompt_tokens: AtomicU64,
    completion_tokens: AtomicU64,
}

/// What the calls of a job came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests sent.
    pub calls: usize,
    /// Of these, sent again after a failure.
    pub retries: usize,
    /// Of these, sent again though the first may have been billed.
    pub resubmitted: usize,
    /// Tokens of all prompts, as far as reported.
    pub prompt_tokens: u64,
    /// Tokens of all answers, as far as reported.
    pub completion_tokens: u64,
}

impl<'a, M: Model> Caller<'a, M> {
    /// Calls `model`, at most `max_calls` times. With a directory to `trace` to, requests and answers are written there: they
    /// hold what was said, so only the command line does this.
    pub fn new(model: &'a M, max_calls: usize, trace: Option<PathBuf>) -> Self {
        Self {
            model,
            max_calls,
            trace,
            calls: AtomicUsize::new(0),
            retries: AtomicUsize::new(0),
            resubmitted: AtomicUsize::new(0),
            prompt_tokens: AtomicU64::new(0),
            completion_tokens: AtomicU64::new(0),
        }
    }

    /// What has been used so far.
    pub fn tally(&self) -> Tally {
        Tally {
            calls: self.calls.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            resubmitted: self.resubmitted.load(Ordering::Relaxed),
            prompt_tokens: self.prompt_tokens.load(Ordering::Relaxed),
            completion_tokens: self.completion_tokens.load(Ordering::Relaxed),
        }
    }

    /// Sends a request and waits for its answer; sends it again where that is safe, or as good as safe.
    ///
    /// # Errors
    /// If the endpoint refuses or keeps failing, or the job has used up its calls.
    pub async fn call(&self, request: &Request) -> Result<Answer, ModelError> {
        let mut attempt = 1;
        loop {
            let error = match self.once(request).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some(wait) = wait_before_retry(error.kind, attempt) else {
                return Err(error);
            };
            tracing::warn!(%error, attempt, wait_ms = wait.as_millis(), "call failed, trying again");
            tokio::time::sleep(wait).await;
            self.retries.fetch_add(1, Ordering::Relaxed);
            if error.kind == ModelErrorKind::Ambiguous {
                self.resubmitted.fetch_add(1, Ordering::Relaxed);
            }
            attempt += 1;
        }
    }

    async fn once(&self, request: &Request) -> Result<Answer, ModelError> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if number > self.max_calls {
            self.calls.fetch_sub(1, Ordering::Relaxed);
            return Err(ModelError {
                kind: ModelErrorKind::BudgetSpent,
                message: format!(
                    "MAX_MODEL_CALLS ({}) is used up: raise it, or CHUNK_TOKENS",
                    self.max_calls
                ),
            });
        }
        let outcome = self.send(request).await;
        if let Some(usage) = outcome.as_ref().ok().and_then(|answer| answer.usage) {
            self.prompt_tokens
                .fetch_add(usage.prompt_tokens, Ordering::Relaxed);
            self.completion_tokens
                .fetch_add(usage.completion_tokens, Ordering::Relaxed);
        }
        self.write_trace(number, request, &outcome).await?;
        outcome
    }

    async fn send(&self, request: &Request) -> Result<Answer, ModelError> {
        let mut reply = self.model.submit(request).await?;
        loop {
            match reply {
                Reply::Done(answer) => return Ok(answer),
                Reply::Pending(pending) => {
                    if !pending.held {
                        tokio::time::sleep(POLL_INTERVAL).await;
                    }
                    reply = self
                        .model
                        .poll(&pending.ticket, request, POLL_INTERVAL)
                        .await?;
                }
            }
        }
    }

    async fn write_trace(
        &self,
        number: usize,
        request: &Request,
        outcome: &Result<Answer, ModelError>,
    ) -> Result<(), ModelError> {
        let Some(dir) = &self.trace else {
            return Ok(());
        };
        let messages = prompt::messages(request);
        let answer = match outcome {
            Ok(answer) => json!({
                "text": answer.text,
                "cut_off": answer.finish == Finish::Length,
                "usage": answer.usage.map(|usage| json!({
                    "prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.completion_tokens })),
            }),
            Err(error) => json!({ "error": error.to_string() }),
        };
        let content = json!({
            "task": request.task.name(),
            "part": request.part.0,
            "target_words": request.target_words,
            "max_tokens": request.max_tokens,
            "system": messages.system,
            "user": messages.user,
            "answer": answer,
        });
        let path = dir.join(format!(
            "{number:04}-{}-{:03}.json",
            request.task.name(),
            request.part.0
        ));
        let text = serde_json::to_vec_pretty(&content).unwrap_or_default();
        let written = async {
            tokio::fs::create_dir_all(dir).await?;
            tokio::fs::write(&path, text).await
        };
        written.await.map_err(|error| ModelError {
            kind: ModelErrorKind::BadInput,
            message: format!("could not write the trace {}: {error}", path.display()),
        })
    }
}

/// How long to wait before a request is sent again that has failed `attempt` times; `None` if it is not.
fn wait_before_retry(kind: ModelErrorKind, attempt: u32) -> Option<Duration> {
    let (most, asked) = match kind {
        ModelErrorKind::Throttled { retry_after } | ModelErrorKind::Warming { retry_after } => {
            (MAX_ATTEMPTS, retry_after)
        }
        ModelErrorKind::Transient => (MAX_ATTEMPTS, None),
        ModelErrorKind::Ambiguous => (MAX_AMBIGUOUS_ATTEMPTS, None),
        ModelErrorKind::Overflow { .. }
        | ModelErrorKind::Configuration
        | ModelErrorKind::BadInput
        | ModelErrorKind::SuspectOutput
        | ModelErrorKind::BudgetSpent
        | ModelErrorKind::Lost
        | ModelErrorKind::JobFailed { .. }
        | ModelErrorKind::OutOfTime => return None,
    };
    let doubled = FIRST_WAIT * 2_u32.pow(attempt.saturating_sub(1).min(16));
    (attempt < most).then(|| asked.unwrap_or(doubled).min(MAX_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_help_is_tried_again() {
        let retry_after = Some(Duration::from_secs(7));
        for (kind, attempt, wait) in [
            (ModelErrorKind::Transient, 1, Some(500)),
            (ModelErrorKind::Transient, 4, Some(4000)),
            (ModelErrorKind::Transient, 5, None),
            (ModelErrorKind::Throttled { retry_after }, 1, Some(7000)),
            (
                ModelErrorKind::Warming {
                    retry_after: Some(Duration::from_secs(900)),
                },
                1,
                Some(60_000),
            ),
            (ModelErrorKind::Ambiguous, 1, Some(500)),
            (ModelErrorKind::Ambiguous, 2, None),
            (ModelErrorKind::Configuration, 1, None),
            (ModelErrorKind::SuspectOutput, 1, None),
        ] {
            assert_eq!(
                wait_before_retry(kind, attempt),
                wait.map(Duration::from_millis),
                "{kind:?} {attempt}"
            );
        }
    }
}
