//! The interface to language models, and the client that makes the billable calls.
//!
//! A provider implements [`Model`], and [`Jobs`] if its endpoint has a queue. A provider never submits a prompt twice.
//! [`ModelClient`] makes the calls of one job in three layers, each in its own file with its own state:
//!
//! 1. `recorded`: a call that is in the ledger is not paid for again; an intent is recorded before each submission.
//! 2. `retried`: a failed call is retried if `ErrorKind::policy` says that this is safe.
//! 3. `limited`: all calls share one rate limiter.
//!
//! With a second model configured, `fallback` stands above them: it has three such layers of its own.

pub(crate) mod client;
pub(crate) mod failure;
pub(crate) mod fallback;
pub(crate) mod jitter;
mod limited;
mod recorded;
mod retried;
pub(crate) mod trace;
mod usage;
pub(crate) mod window;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::prompt::{Prompt, Style};
use crate::run::sleep_until;
use crate::text::Tokens;

pub use client::{CallOptions, ModelClient};
pub use failure::{ErrorKind, ModelError};
pub use fallback::Fallback;
pub use trace::Trace;
pub use usage::Usage;

/// A text-generation endpoint.
#[async_trait]
pub trait Model: Debug + Send + Sync {
    /// The model's capabilities and identity.
    fn capabilities(&self) -> &Capabilities;

    /// Submits a prompt once, without retries.
    async fn submit(&self, prompt: &Prompt) -> Result<Reply, ModelError>;

    /// The same for a caller that waits until `deadline`: what has come of an answer by then is returned, marked as interrupted.
    /// `None` if nothing has.
    async fn submit_until(
        &self,
        prompt: &Prompt,
        deadline: Option<Instant>,
    ) -> Option<Result<Reply, ModelError>> {
        tokio::select! {
            biased;
            submitted = self.submit(prompt) => Some(submitted),
            () = sleep_until(deadline) => None,
        }
    }

    /// The job interface, if the endpoint queues prompts as jobs.
    fn jobs(&self) -> Option<&dyn Jobs> {
        None
    }

    /// Fetches the key again. Returns true if it has been rotated, so that a refused request is worth sending again.
    async fn renew_key(&self) -> bool {
        false
    }

    /// The model that takes over if this one cannot be used.
    fn fallback(&self) -> Option<&Fallback> {
        None
    }

    /// Asks the endpoint about the model that it serves, where that costs nothing. Nothing is known if it does not say.
    async fn served(&self) -> Served {
        Served::default()
    }

    /// Connects to the endpoint in the background, so that the first call does not have to wait for the connection.
    fn warm_up(&self) {}
}

/// An endpoint that queues prompts as jobs. A job keeps running whether or not anyone polls it.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Waits for the answer to a job. After transient failures it polls again or reruns the job under its ticket; it never
    /// submits the prompt a second time.
    async fn wait(
        &self,
        job: Job,
        prompt: &Prompt,
        client: &ModelClient,
    ) -> Result<Answer, ModelError>;

    /// Cancels a job.
    async fn cancel(&self, ticket: &Ticket) -> Result<(), ModelError>;

    /// Whether prompts that are submitted together become one batch. Then nothing is processed before `wait` has been called
    /// for all of them, and a job that has failed cannot be rerun.
    fn in_batches(&self) -> bool {
        false
    }

    /// Whether a job that an earlier invocation has recorded was never processed, and never will be.
    async fn was_never_sent(&self, _: &Ticket, _: &ModelClient) -> Result<bool, ModelError> {
        Ok(false)
    }

    /// Whether a job that `wait` has failed for was never processed, and never will be.
    fn was_discarded(&self, _: &Ticket) -> bool {
        false
    }
}

/// What a model can do and what it needs. Code depends on these instead of on the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// The provider, as `MODEL_PROVIDER` and reports name it.
    pub provider: &'static str,
    /// The model's id, where there is one.
    pub model: Option<String>,
    /// The context window, input and output together; `None` for a model without one.
    pub context_tokens: Option<Tokens>,
    /// Output tokens kept for a model that reasons before it writes.
    pub reasoning_tokens: Tokens,
    /// How prompts for it are worded. Encoder-decoder models follow no instructions and write no headings.
    pub style: Style,
    /// It is extractive: its text consists of sentences from the transcript.
    pub quotes: bool,
    /// It runs in this process: no rate limit, no ledger, no billing.
    pub local: bool,
    /// It gets no prompts, but a link to the whole transcript, and returns a finished summary with its report.
    pub reads_links: bool,
}

/// What an endpoint says of the model that it serves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Served {
    /// The context window of one request.
    pub window: Option<Tokens>,
    /// How many requests it works on at a time.
    pub slots: Option<usize>,
}

/// The capabilities of scripted models in tests.
#[cfg(test)]
pub(crate) static SCRIPTED: Capabilities = Capabilities {
    provider: "scripted",
    model: None,
    context_tokens: None,
    reasoning_tokens: Tokens(0),
    style: Style::Full,
    quotes: false,
    local: false,
    reads_links: false,
};

/// An endpoint's reply to a prompt.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The answer.
    Done(Answer),
    /// The prompt was queued as a job.
    Queued(Ticket),
}

/// A job in an endpoint's queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Identifies the job at its endpoint.
    pub ticket: Ticket,
    /// When it was submitted, possibly by an earlier invocation.
    pub submitted: Instant,
    /// An earlier invocation submitted it, so it may already be done.
    pub resumed: bool,
}

/// Identifies a job at its endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ticket {
    /// The endpoint's id.
    pub id: String,
}

/// A finished answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The generated text, without reasoning.
    pub text: String,
    /// The server put the whole text into its field for reasoning: it may be the answer, or the thoughts before it.
    #[serde(default)]
    pub is_reasoning: bool,
    /// It is the beginning of an answer that was still arriving when its invocation had to end, and counts as cut off.
    #[serde(default)]
    pub is_interrupted: bool,
    /// Why generation ended.
    pub finish: Finish,
    /// The tokens used, if the endpoint reports them. Those of an interrupted answer are estimated otherwise.
    pub usage: Option<TokenUsage>,
    /// The time from submission to the end of the job, if the endpoint reports it.
    pub job_time: Option<Duration>,
    /// The name of the fallback model, if that gave it.
    #[serde(skip)]
    pub written_by: Option<Arc<str>>,
}

/// Why generation ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finish {
    /// The model finished its text.
    #[default]
    Stop,
    /// The output limit was reached: the text is cut off.
    Length,
    /// A content filter intervened.
    Filter,
    /// The endpoint did not say.
    Unknown,
}

/// The tokens of one call, as reported by the endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens generated, reasoning included.
    pub completion_tokens: u64,
}
