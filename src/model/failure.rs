//! The kinds of failed calls. [`ErrorKind::policy`] is the only place that decides how each kind is handled.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::TokenUsage;

/// Kinds of failed calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorKind {
    /// The endpoint received too many requests; this one was not processed.
    Throttled {
        /// How long the endpoint asks to wait.
        retry_after: Option<Duration>,
    },
    /// The account has used up a quota that is renewed the next day; the request was not processed.
    QuotaSpent,
    /// The model is loading or its endpoint is starting; the request was not processed.
    Warming {
        /// How long the endpoint expects that to take.
        retry_after: Option<Duration>,
    },
    /// No connection could be made, so nothing was sent. The server may be restarting.
    Unreachable,
    /// The calls in flight share one window and together have filled it: fewer of them fit.
    Crowded,
    /// Nothing was sent or accepted, or the worker broke down: it is safe to send the request again.
    Transient,
    /// The request was sent, but no usable reply arrived: it may have been billed.
    Ambiguous,
    /// The request does not fit into the model's window.
    Overflow {
        /// The window in tokens as the endpoint reports it: input and output together, or for some only the input.
        window: Option<u64>,
        /// The prompt's tokens as the endpoint counts them. A lower bound, because some endpoints stop counting early.
        prompt_tokens: Option<u64>,
    },
    /// The key, credits, model or address is refused, and would be for any other call.
    Configuration,
    /// This request is refused, but others may be accepted.
    BadInput,
    /// A content filter has withheld the answer, or refused the request.
    Filtered,
    /// The endpoint answered, but without a usable text.
    SuspectOutput,
    /// The model's answers show that none will be usable: it writes no prose, or does not see its prompts.
    Unusable,
    /// The job has used up its calls; nothing was sent.
    BudgetSpent,
    /// The endpoint no longer knows the job: it may have been billed, and its result is lost.
    Lost,
    /// The job ended without a result for a transient reason: it can be rerun under its ticket.
    JobFailed {
        /// It was too slow, or expired before it was started.
        timed_out: bool,
    },
    /// Somebody cancelled the job, or purged the queue: what it had used may be billed.
    Cancelled,
    /// The time of this invocation is up; a submitted job keeps running.
    OutOfTime,
    /// The ledger cannot be read or written; nothing was sent.
    Ledger,
    /// Another worker has taken the job over; nothing was sent.
    Overtaken,
}

/// Whether and how a failed call is retried in the same invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Not at all: another attempt would fail as well.
    Never,
    /// As soon as the rate limiter, which holds all calls back, admits calls again.
    WhenAdmitted {
        /// How long the endpoint asks to wait.
        asked: Option<Duration>,
    },
    /// With backoff; the failed attempt cost nothing.
    Free,
    /// Once, after a wait; the failed attempt may have been billed.
    MaybeBilled,
}

/// Which calls a failure affects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Only the failed one; the others continue.
    OneCall,
    /// All calls; the job stops.
    AllCalls,
}

/// How a job recovers from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recovery {
    /// By itself: the failure is transient, and the job is resumed later.
    Passes,
    /// A person has to act, and is told so in `_error.json`.
    Intervention,
}

/// When the fallback model takes over from the first one, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takeover {
    /// Not because of this failure.
    Never,
    /// For the failed call only.
    OneCall,
    /// For the rest of the job, once the endpoint has failed like this for `FALLBACK_AFTER`.
    WhenDown,
    /// For the rest of the job, at once.
    AtOnce,
}

/// How a kind of failure is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) retry: Retry,
    pub(crate) scope: Scope,
    pub(crate) recovery: Recovery,
    pub(crate) takeover: Takeover,
    /// The submission was certainly not accepted, so the next attempt reuses its intent in the ledger.
    pub(crate) not_accepted: bool,
    /// The job is no longer running at the endpoint.
    pub(crate) job_is_over: bool,
    /// The name of the error for CloudWatch, invocation errors and `_error.json`.
    pub(crate) name: &'static str,
}

impl ErrorKind {
    /// The policy for this kind of failure.
    pub(crate) fn policy(self) -> Policy {
        use Recovery::{Intervention, Passes};
        use Retry::{Free, MaybeBilled, Never, WhenAdmitted};
        use Scope::{AllCalls, OneCall};
        let (retry, scope, recovery, not_accepted, job_is_over) = match self {
            Self::Throttled { retry_after } | Self::Warming { retry_after } => {
                let retry = WhenAdmitted { asked: retry_after };
                (retry, AllCalls, Passes, true, false)
            }
            Self::Unreachable | Self::Crowded => {
                (WhenAdmitted { asked: None }, AllCalls, Passes, true, false)
            }
            // Once may be a mistake or a rolling release. Twice, somebody means it.
            Self::Cancelled => (MaybeBilled, AllCalls, Intervention, false, true),
            // The rest of the invocation would be refused as well. The job is resumed when it is delivered again.
            Self::QuotaSpent => (Never, AllCalls, Passes, true, false),
            Self::Transient => (Free, AllCalls, Passes, true, false),
            Self::Ambiguous | Self::Lost => (MaybeBilled, AllCalls, Passes, false, true),
            Self::Overflow { .. } | Self::BadInput => (Never, OneCall, Intervention, true, true),
            Self::SuspectOutput | Self::Filtered => (Never, OneCall, Intervention, false, true),
            Self::Unusable => (Never, AllCalls, Intervention, false, true),
            Self::BudgetSpent => (Never, OneCall, Intervention, false, false),
            Self::JobFailed { .. } => (Never, OneCall, Passes, false, true),
            Self::Configuration => (Never, AllCalls, Intervention, true, false),
            Self::OutOfTime | Self::Overtaken | Self::Ledger => {
                (Never, AllCalls, Passes, false, false)
            }
        };
        Policy {
            retry,
            scope,
            recovery,
            takeover: match self {
                Self::Configuration | Self::QuotaSpent => Takeover::AtOnce,
                Self::Throttled { .. }
                | Self::Warming { .. }
                | Self::Unreachable
                | Self::Transient
                | Self::Ambiguous
                | Self::Lost => Takeover::WhenDown,
                Self::Filtered => Takeover::OneCall,
                // The fallback would fail as well, or somebody wants the job to end.
                Self::Crowded
                | Self::Overflow { .. }
                | Self::BadInput
                | Self::SuspectOutput
                | Self::Unusable
                | Self::BudgetSpent
                | Self::JobFailed { .. }
                | Self::Cancelled
                | Self::OutOfTime
                | Self::Ledger
                | Self::Overtaken => Takeover::Never,
            },
            not_accepted,
            job_is_over,
            name: match self {
                Self::Configuration => "ConfigurationError",
                Self::OutOfTime | Self::Overtaken => "Unfinished",
                Self::Unusable => "UnusableAnswers",
                _ => "ModelError",
            },
        }
    }

    /// Whether the failure affects only one call, whose text can be produced in another way.
    pub(crate) fn concerns_one_call(self) -> bool {
        self.policy().scope == Scope::OneCall
    }
}

/// A failed call. It is serialized to the ledger, so it holds a message instead of a source error.
#[derive(Debug, Clone, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct ModelError {
    /// The kind of failure, which decides how it is handled.
    pub kind: ErrorKind,
    /// The message for people: which endpoint failed, what it said (never the prompt or a secret), and what to do.
    pub message: String,
    /// The tokens of an answer that was generated and withheld, if the endpoint reports them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<TokenUsage>,
}

impl ModelError {
    /// Creates an error of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            usage: None,
        }
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
        // kind, retry, stops all calls, recovers by itself, not accepted, job is over, name
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
                QuotaSpent,
                Retry::Never,
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
                Unreachable,
                Retry::WhenAdmitted { asked: None },
                true,
                true,
                true,
                false,
                "ModelError",
            ),
            (
                Crowded,
                Retry::WhenAdmitted { asked: None },
                true,
                true,
                true,
                false,
                "ModelError",
            ),
            (
                Cancelled,
                Retry::MaybeBilled,
                true,
                false,
                false,
                true,
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
                Filtered,
                Retry::Never,
                false,
                false,
                false,
                true,
                "ModelError",
            ),
            (
                Unusable,
                Retry::Never,
                true,
                false,
                false,
                true,
                "UnusableAnswers",
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
