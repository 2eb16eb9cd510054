//! The seam to language models, and the client that makes their billable calls.
//!
//! A provider implements [`Model`] (and [`Jobs`], if its endpoint queues) and never retries by itself. [`ModelClient`] makes
//! the calls of one job in three layers, each in a file with its own state:
//!
//! 1. [`recorded`]: what the ledger knows of a call is not paid again; an intent is written before each submission.
//! 2. [`retried`]: a call that failed is made again where [`ErrorKind::policy`] says that this is safe.
//! 3. [`limited`]: all calls share one pace.

pub(crate) mod client;
pub(crate) mod failure;
pub(crate) mod jitter;
mod limited;
mod recorded;
mod retried;
mod trace;
mod usage;

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::prompt::{Prompt, Style};

pub use client::{CallOptions, ModelClient};
pub use failure::{ErrorKind, ModelError};
pub use usage::Usage;

/// A text-generation endpoint.
#[async_trait]
pub trait Model: Debug + Send + Sync {
    /// What it can do, and what distinguishes it.
    fn capabilities(&self) -> &Capabilities;

    /// Sends a prompt once.
    async fn submit(&self, prompt: &Prompt) -> Result<Reply, ModelError>;

    /// The queue behind the endpoint, if prompts become jobs.
    fn jobs(&self) -> Option<&dyn Jobs> {
        None
    }

    /// Reads the key again from where it is kept. True if it has been rotated: what was refused may be sent again.
    async fn renew_key(&self) -> bool {
        false
    }

    /// Connects to the endpoint in the background, so that the first call does not wait for that.
    fn warm_up(&self) {}
}

/// An endpoint whose prompts become jobs. A job goes on whether or not anybody asks after it.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Waits for the answer of a job. Failures that pass are met by asking again or by running the job again under its
    /// ticket; the prompt is never submitted a second time here.
    async fn wait(
        &self,
        job: Job,
        prompt: &Prompt,
        client: &ModelClient,
    ) -> Result<Answer, ModelError>;

    /// Gives a job up.
    async fn cancel(&self, ticket: &Ticket) -> Result<(), ModelError>;
}

/// What a model can do and what it needs: asked instead of which provider it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// The provider, as `MODEL_PROVIDER` and reports name it.
    pub provider: &'static str,
    /// The model's id, where there is one.
    pub model: Option<String>,
    /// The window in tokens, input and output together; `None` for a model without one.
    pub context_tokens: Option<usize>,
    /// Output tokens kept for a model that reasons before it writes.
    pub reasoning_tokens: usize,
    /// How prompts for it are worded; encoder-decoders follow no instructions and write no headings.
    pub style: Style,
    /// Its text is made of the transcript's own sentences.
    pub quotes: bool,
    /// It runs in this process: no pace to keep, nothing to record, no billing.
    pub local: bool,
}

/// Of the models that tests make up.
#[cfg(test)]
pub(crate) static SCRIPTED: Capabilities = Capabilities {
    provider: "scripted",
    model: None,
    context_tokens: None,
    reasoning_tokens: 0,
    style: Style::Full,
    quotes: false,
    local: false,
};

/// What an endpoint says to a prompt.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The answer.
    Done(Answer),
    /// The prompt has become a job.
    Queued(Ticket),
}

/// A job at an endpoint that queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The endpoint's name for it.
    pub ticket: Ticket,
    /// When it was submitted, maybe by an earlier invocation.
    pub submitted: Instant,
    /// An earlier invocation submitted it: it may be done.
    pub resumed: bool,
}

/// The name of a job at its endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ticket {
    /// The endpoint's id.
    pub id: String,
}

/// A finished answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The generated text, reasoning left out.
    pub text: String,
    /// Why generation ended.
    pub finish: Finish,
    /// Tokens, where the endpoint reports them.
    pub usage: Option<TokenUsage>,
    /// From submission to the end of the work, where the endpoint reports it.
    pub job_time: Option<Duration>,
}

/// Why generation ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finish {
    /// The model was done.
    #[default]
    Stop,
    /// The output limit was reached: the text is cut off.
    Length,
    /// A content filter intervened.
    Filter,
    /// The endpoint did not say.
    Unknown,
}

/// Tokens of one call, as the endpoint reports them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens generated, reasoning included.
    pub completion_tokens: u64,
}
