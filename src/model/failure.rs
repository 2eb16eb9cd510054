//! What a failed call means, decided once: [`ErrorKind::policy`] answers every question that is asked about a kind of failure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Kinds of failed calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorKind {
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
    /// The request was sent and no usable reply came: it may have been billed.
    Ambiguous,
    /// The request does not fit into the model's window.
    Overflow {
        /// The window in tokens as the endpoint names it: input and output together. Some name the input's limit alone.
        window: Option<u64>,
        /// The prompt in tokens as the endpoint counts it; at least that many, as some stop counting.
        prompt_tokens: Option<u64>,
    },
    /// Key, credits, model or address are refused: no other call would fare better.
    Configuration,
    /// This request is refused, others may pass.
    BadInput,
    /// The endpoint answered, but not with a text.
    SuspectOutput,
    /// The job has used up the calls that it may make; nothing was sent.
    BudgetSpent,
    /// The endpoint no longer knows the job: it may have been billed, and its result cannot be had.
    Lost,
    /// The job ended without a result, for reasons that pass: it can be run again under its ticket.
    JobFailed {
        /// It was too slow, or never begun.
        timed_out: bool,
    },
    /// The time of this invocation is over; a job that was submitted goes on.
    OutOfTime,
    /// The ledger cannot be read or written; nothing was sent.
    Ledger,
    /// Another worker has taken the job over; nothing was sent.
    Overtaken,
}

/// Whether and how a call that failed is made again in the same invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Never: another attempt would end alike.
    Never,
    /// As soon as the rate limiter admits calls again; all of them are held back.
    WhenAdmitted {
        /// How long the endpoint asks to wait.
        asked: Option<Duration>,
    },
    /// After a wait; the failed attempt cost nothing.
    Free,
    /// After a wait, once; the failed attempt may have been billed.
    MaybeBilled,
}

/// Which calls a failure concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The one that failed; the others go on.
    OneCall,
    /// All calls of the job: it stops.
    AllCalls,
}

/// Who can mend a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recovery {
    /// Nobody has to: it passes, and the job is continued later.
    Passes,
    /// A person, who is told in `_error.json`.
    NeedsAPerson,
}

/// Everything that is decided by the kind of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) retry: Retry,
    pub(crate) scope: Scope,
    pub(crate) recovery: Recovery,
    /// A submission that failed so was certainly not accepted: its intent in the ledger holds for the next attempt.
    pub(crate) not_accepted: bool,
    /// A job that failed so is over at the endpoint.
    pub(crate) job_is_over: bool,
    /// The name of the error for CloudWatch, invocation errors and `_error.json`.
    pub(crate) name: &'static str,
}

impl ErrorKind {
    /// What is done about a failure of this kind.
    pub(crate) fn policy(self) -> Policy {
        use Recovery::{NeedsAPerson, Passes};
        use Scope::{AllCalls, OneCall};
        let policy = |retry, scope, recovery, not_accepted, job_is_over| Policy {
            retry,
            scope,
            recovery,
            not_accepted,
            job_is_over,
            name: "ModelError",
        };
        match self {
            Self::Throttled { retry_after } | Self::Warming { retry_after } => {
                let retry = Retry::WhenAdmitted { asked: retry_after };
                policy(retry, AllCalls, Passes, true, false)
            }
            Self::Transient => policy(Retry::Free, AllCalls, Passes, true, false),
            Self::Ambiguous | Self::Lost => {
                policy(Retry::MaybeBilled, AllCalls, Passes, false, true)
            }
            Self::Overflow { .. } | Self::BadInput => {
                policy(Retry::Never, OneCall, NeedsAPerson, true, true)
            }
            Self::SuspectOutput => policy(Retry::Never, OneCall, NeedsAPerson, false, true),
            Self::BudgetSpent => policy(Retry::Never, OneCall, NeedsAPerson, false, false),
            Self::JobFailed { .. } => policy(Retry::Never, OneCall, Passes, false, true),
            Self::Configuration => Policy {
                name: "ConfigurationError",
                ..policy(Retry::Never, AllCalls, NeedsAPerson, true, false)
            },
            Self::OutOfTime | Self::Overtaken => Policy {
                name: "Unfinished",
                ..policy(Retry::Never, AllCalls, Passes, false, false)
            },
            Self::Ledger => policy(Retry::Never, AllCalls, Passes, false, false),
        }
    }

    /// Whether only the call that failed is concerned, and its text can be had in another way.
    pub(crate) fn concerns_one_call(self) -> bool {
        self.policy().scope == Scope::OneCall
    }
}

/// A failed call. It is kept in the ledger, so it holds words instead of the error behind them.
#[derive(Debug, Clone, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct ModelError {
    /// Decides what is done about it.
    pub kind: ErrorKind,
    /// What happened, for people: which endpoint, what it said (never the prompt or a secret), what to do.
    pub message: String,
}

impl ModelError {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_failure_has_one_policy() {
        use ErrorKind::*;
        let wait = Some(Duration::from_secs(7));
        let asked = Retry::WhenAdmitted { asked: wait };
        // kind, retry, all calls stop, passes by itself, certainly not accepted, over at the endpoint, name
        for (kind, retry, all, passes, refused, over, name) in [
            (
                Throttled { retry_after: wait },
                asked,
                true,
                true,
                true,
                false,
                "ModelError",
            ),
            (
                Warming { retry_after: wait },
                asked,
                true,
                true,
                true,
                false,
                "ModelError",
            ),
            (
                Transient,
                Retry::Free,
                true,
                true,
                true,
                false,
                "ModelError",
            ),
            (
                Ambiguous,
                Retry::MaybeBilled,
                true,
                true,
                false,
                true,
                "ModelError",
            ),
            (
                Lost,
                Retry::MaybeBilled,
                true,
                true,
                false,
                true,
                "ModelError",
            ),
            (
                Overflow {
                    window: None,
                    prompt_tokens: None,
                },
                Retry::Never,
                false,
                false,
                true,
                true,
                "ModelError",
            ),
            (
                Configuration,
                Retry::Never,
                true,
                false,
                true,
                false,
                "ConfigurationError",
            ),
            (
                BadInput,
                Retry::Never,
                false,
                false,
                true,
                true,
                "ModelError",
            ),
            (
                SuspectOutput,
                Retry::Never,
                false,
                false,
                false,
                true,
                "ModelError",
            ),
            (
                BudgetSpent,
                Retry::Never,
                false,
                false,
                false,
                false,
                "ModelError",
            ),
            (
                JobFailed { timed_out: true },
                Retry::Never,
                false,
                true,
                false,
                true,
                "ModelError",
            ),
            (
                OutOfTime,
                Retry::Never,
                true,
                true,
                false,
                false,
                "Unfinished",
            ),
            (Ledger, Retry::Never, true, true, false, false, "ModelError"),
            (
                Overtaken,
                Retry::Never,
                true,
                true,
                false,
                false,
                "Unfinished",
            ),
        ] {
            let policy = kind.policy();
            let found = (
                policy.retry,
                policy.scope == Scope::AllCalls,
                policy.recovery == Recovery::Passes,
                policy.not_accepted,
                policy.job_is_over,
                policy.name,
            );
            assert_eq!(found, (retry, all, passes, refused, over, name), "{kind:?}");
        }
    }
}
