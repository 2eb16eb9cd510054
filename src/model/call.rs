//! One paid call, the same for every model: counted, bounded, traced.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use super::{Answer, Finish, Model, ModelError, ModelErrorKind, Reply};
use crate::prompt::{self, Request};

/// How long to wait before asking after a job again.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Makes the calls of one job.
#[derive(Debug)]
pub struct Caller<'a, M> {
    model: &'a M,
    max_calls: usize,
    trace: Option<PathBuf>,
    calls: AtomicUsize,
    prompt_tokens: AtomicU64,
    completion_tokens: AtomicU64,
}

/// What the calls of a job came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests sent.
    pub calls: usize,
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
            prompt_tokens: AtomicU64::new(0),
            completion_tokens: AtomicU64::new(0),
        }
    }

    /// What has been used so far.
    pub fn tally(&self) -> Tally {
        Tally {
            calls: self.calls.load(Ordering::Relaxed),
            prompt_tokens: self.prompt_tokens.load(Ordering::Relaxed),
            completion_tokens: self.completion_tokens.load(Ordering::Relaxed),
        }
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// If the endpoint refuses or fails, or the job has used up its calls.
    pub async fn call(&self, request: &Request) -> Result<Answer, ModelError> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if number > self.max_calls {
            self.calls.fetch_sub(1, Ordering::Relaxed);
            return Err(ModelError {
                kind: ModelErrorKind::Configuration,
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
                Reply::Pending(ticket) => {
                    tokio::time::sleep(POLL_INTERVAL).await;
                    reply = self.model.poll(&ticket).await?;
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
