//! Text-generation endpoints: each file speaks the wire format of one, what they share is written once in [`call`].

pub mod call;

use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::prompt::Request;

/// A text-generation endpoint.
///
/// [`submit`](Model::submit) hands a request over and gets either the finished answer or a ticket for a job that goes on;
/// [`poll`](Model::poll) asks after a ticket. A synchronous endpoint never returns a ticket and needs none of what has a
/// default here.
pub trait Model: Send + Sync {
    /// Sends a request once. Never retries: whether that is safe is decided in one place, above.
    fn submit(&self, request: &Request) -> impl Future<Output = Result<Reply, ModelError>> + Send;

    /// Asks once after the job that `request` became. An endpoint that can hold the question until the job is done does so
    /// for at most `wait`.
    fn poll(
        &self,
        ticket: &Ticket,
        request: &Request,
        wait: Duration,
    ) -> impl Future<Output = Result<Reply, ModelError>> + Send {
        let _ = (request, wait);
        std::future::ready(Err(ModelError::unknown_ticket(ticket)))
    }

    /// Has a job that failed run again, under the same ticket.
    fn retry(&self, ticket: &Ticket) -> impl Future<Output = Result<(), ModelError>> + Send {
        std::future::ready(Err(ModelError::unknown_ticket(ticket)))
    }

    /// Gives a job up.
    fn cancel(&self, ticket: &Ticket) -> impl Future<Output = Result<(), ModelError>> + Send {
        std::future::ready(Err(ModelError::unknown_ticket(ticket)))
    }

    /// Asks why jobs are not begun. An error of [`ModelErrorKind::Configuration`] says that they never will be.
    fn diagnose(&self) -> impl Future<Output = Result<(), ModelError>> + Send {
        std::future::ready(Ok(()))
    }

    /// Reads the key again from where it is kept. True if it is another one now: it has been rotated, and what was refused may
    /// be sent again.
    fn renew_key(&self) -> impl Future<Output = bool> + Send {
        std::future::ready(false)
    }

    /// Whether requests become jobs: then submitting takes a moment, however long the work takes.
    fn queues(&self) -> bool {
        false
    }

    /// Whether the work is done in this process: then nothing is gained by calling at a measured pace, or by recording.
    fn is_local(&self) -> bool {
        false
    }
}

/// What an endpoint says to a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The answer.
    Done(Answer),
    /// A job has been queued, or goes on.
    Pending(Pending),
}

/// A job that is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// To ask after it.
    pub ticket: Ticket,
    /// A worker has begun it.
    pub started: bool,
    /// The endpoint held the question for as long as it was asked to: it may be asked again at once.
    pub held: bool,
}

/// A job at an endpoint that queues.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Ticket {
    /// The endpoint's id of the job.
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
    pub usage: Option<Usage>,
    /// From submission to the end of the work, where the endpoint reports it.
    pub job_time: Option<Duration>,
}

/// Why generation ended (WIRE.md 8).
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

/// Tokens of one call, as reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens generated, reasoning included.
    pub completion_tokens: u64,
}

/// What a failed call means (WIRE.md 9), which decides what is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModelErrorKind {
    /// Too many requests; nothing was done.
    Throttled {
        /// How long the endpoint asks to wait.
        retry_after: Option<Duration>,
    },
    /// The model is being loaded or its endpoint is starting; nothing was done.
    Warming {
        /// How long the endpoint expects that to take.
        retry_after: Option<Duration>,
    },
    /// Nothing was sent or accepted, or the worker broke down: safe to send again.
    Transient,
    /// Sent, and no usable reply: it may have been billed.
    Ambiguous,
    /// The request does not fit into the model's window.
    Overflow {
        /// The window as the endpoint names it: input and output together, in tokens. Some name the input's limit alone.
        window: Option<u64>,
        /// The prompt as the endpoint counts it, in tokens; at least that many, as some stop counting.
        prompt_tokens: Option<u64>,
    },
    /// Key, credits, model or URL are refused: no other call would fare better.
    Configuration,
    /// This request is refused, others may pass.
    BadInput,
    /// Answered, but not with a text.
    SuspectOutput,
    /// The calls that a job may make are used up; nothing was sent.
    BudgetSpent,
    /// The job is not known any more: it may have been billed, and its result cannot be had.
    Lost,
    /// The job ended without a result, for reasons that pass: it can be run again under its ticket.
    JobFailed {
        /// It was too slow, or never begun.
        timed_out: bool,
    },
    /// The time for this invocation is over; a job that was submitted goes on.
    OutOfTime,
    /// The ledger can't be read or written; nothing was sent.
    Ledger,
    /// Another worker has taken the job over; nothing was sent.
    Overtaken,
}

/// A failed call.
#[derive(Debug, Clone, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct ModelError {
    /// Decides what is done about it.
    pub kind: ModelErrorKind,
    /// What happened, for people: which endpoint, what it said (never the prompt or a secret), what to do.
    pub message: String,
}

impl ModelError {
    /// A synchronous model is asked after a job.
    pub(crate) fn unknown_ticket(ticket: &Ticket) -> Self {
        Self {
            kind: ModelErrorKind::SuspectOutput,
            message: format!(
                "this endpoint gives no tickets, so {} is not its own",
                ticket.id
            ),
        }
    }
}
