//! What a failure means: one exhaustive decision, from what was seen to a cause to what is done about it (WIRE.md 7 and 9).

mod job;
mod overflow;
mod wait;
mod words;

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;

use crate::model::ErrorKind;
use crate::wire::error_text::ErrorText;
use crate::wire::failure::{Failure, Phase};
pub(crate) use job::is_error_text;
use words::{NO_CREDITS, THROTTLED, UNKNOWN_MODEL, WORKER_TROUBLE, Words};

/// Why a call failed, as exactly as people want to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The address does not answer.
    Unreachable,
    /// The host name is not known.
    UnknownHost,
    /// The certificate is not the host's, not trusted or not valid now.
    Certificate,
    /// What answers does not speak TLS.
    NotTls,
    /// Time ran out with the request on its way.
    TimedOut,
    /// The connection broke with the request on its way.
    Disconnected,
    /// The request cannot be put into HTTP.
    Unsendable,
    /// 401.
    Token,
    /// 402, or the words of it.
    Credits,
    /// 403.
    Forbidden,
    /// 404: no such model or path.
    NotFound,
    /// The model is not served here.
    UnknownModel,
    /// 410: the address has been given up.
    Gone,
    /// The owner has paused the endpoint.
    Paused,
    /// 3xx. Not followed: the token would go to another host.
    Redirected,
    /// Too many requests.
    Throttled(Option<Duration>),
    /// Starting, or loading the model.
    Loading(Option<Duration>),
    /// Too long for the model.
    TooLong {
        /// Input and output together, in tokens.
        window: Option<u64>,
        /// The input, in tokens.
        prompt: Option<u64>,
    },
    /// Not accepted, for reasons that pass.
    Unavailable,
    /// The worker ran out of memory, lost its GPU or its engine.
    Worker,
    /// Failed on the way or in the work.
    Failed,
    /// This request is refused.
    Refused,
    /// Not a reply of the protocol that is spoken.
    Garbled,
    /// The job failed for reasons that pass.
    JobFailed,
    /// The job was too slow, or never begun.
    JobTimedOut,
    /// The job was cancelled, and not by this program.
    JobCancelled,
    /// The job is done, with an error in the place of an answer.
    JobErred,
    /// There is no worker, and none will come.
    NoWorkers,
    /// All workers are broken.
    Unhealthy,
    /// The job is not known any more.
    Lost,
    /// Answered, but without a text.
    Unusable,
}

/// What is to be done about a cause.
pub(crate) fn kind(cause: Cause, phase: Phase) -> ErrorKind {
    match cause {
        Cause::Throttled(retry_after) => ErrorKind::Throttled { retry_after },
        Cause::Loading(retry_after) => ErrorKind::Warming { retry_after },
        Cause::Unreachable | Cause::Unavailable | Cause::Worker => ErrorKind::Transient,
        Cause::TimedOut | Cause::Disconnected | Cause::Failed | Cause::Garbled => match phase {
            Phase::Submit => ErrorKind::Ambiguous,
            Phase::Poll => ErrorKind::Transient,
        },
        // Paid for; it can only be asked for anew.
        Cause::JobErred => ErrorKind::Ambiguous,
        Cause::JobFailed => ErrorKind::JobFailed { timed_out: false },
        Cause::JobTimedOut => ErrorKind::JobFailed { timed_out: true },
        Cause::TooLong { window, prompt } => ErrorKind::Overflow {
            window,
            prompt_tokens: prompt,
        },
        Cause::UnknownHost
        | Cause::Certificate
        | Cause::NotTls
        | Cause::Unsendable
        | Cause::Token
        | Cause::Credits
        | Cause::Forbidden
        | Cause::NotFound
        | Cause::UnknownModel
        | Cause::Gone
        | Cause::Paused
        | Cause::Redirected
        | Cause::JobCancelled
        | Cause::NoWorkers
        | Cause::Unhealthy => ErrorKind::Configuration,
        Cause::Refused => ErrorKind::BadInput,
        Cause::Lost => ErrorKind::Lost,
        Cause::Unusable => ErrorKind::SuspectOutput,
    }
}

/// Why a call failed. `said` is what the endpoint said, scrubbed; `now` is needed for waits given as a date.
pub(crate) fn cause(
    phase: Phase,
    starts_on_demand: bool,
    failure: &Failure,
    said: &ErrorText,
    now: SystemTime,
) -> Cause {
    match failure {
        Failure::Connect(_) => unconnected(&said.message.to_lowercase()),
        Failure::Unsendable(_) => Cause::Unsendable,
        Failure::Timeout { .. } => Cause::TimedOut,
        Failure::Disconnected(_) => Cause::Disconnected,
        Failure::Lost(_) => Cause::Lost,
        Failure::Unusable(_) => Cause::Unusable,
        Failure::Garbled(_) => Cause::Garbled,
        Failure::NoWorkers { unhealthy: 0 } => Cause::NoWorkers,
        Failure::NoWorkers { .. } => Cause::Unhealthy,
        Failure::InBand(_) => in_band(said, &Words::new(said)),
        Failure::Job(end, _) => job::ended(*end, said),
        Failure::Refused {
            status, headers, ..
        } => {
            let words = Words::new(said);
            let wait = wait::in_headers(headers, now).or_else(|| words.wait(said));
            let cause = refused(phase, starts_on_demand, *status, wait, &words);
            overruled(cause, headers)
        }
    }
}

/// The meaning of an error that came with a status of success.
fn in_band(said: &ErrorText, words: &Words) -> Cause {
    // Without a status of its own it is a failure of the work, which may have been billed.
    let status = words.status(said).unwrap_or(500);
    let cause = refused(Phase::Submit, false, status, words.wait(said), words);
    if words.any(&WORKER_TROUBLE) && matches!(cause, Cause::Failed | Cause::Refused) {
        Cause::Worker
    } else {
        cause
    }
}

/// Nothing was sent: why?
fn unconnected(text: &str) -> Cause {
    let has = |words: &str| text.contains(words);
    if has("invalid peer certificate") {
        Cause::Certificate
    } else if has("corrupt message") {
        Cause::NotTls
    } else if (has("dns error") || has("failed to lookup address"))
        // getaddrinfo's EAI_AGAIN: the resolver did not answer, which says nothing about the host.
        && !has("temporary failure")
        && !has("try again")
    {
        Cause::UnknownHost
    } else {
        Cause::Unreachable
    }
}

/// The meaning of a status and the words that came with it.
fn refused(
    phase: Phase,
    starts_on_demand: bool,
    status: u16,
    wait: Option<Duration>,
    words: &Words,
) -> Cause {
    let text = words.text();
    match status {
        401 => Cause::Token,
        402 => Cause::Credits,
        _ if words.any(&NO_CREDITS) => Cause::Credits,
        403 => Cause::Forbidden,
        _ if text.contains("endpoint is paused") => Cause::Paused,
        413 => too_long(text),
        _ if overflow::is_above_rate(text) => too_long(text),
        429 | 529 => Cause::Throttled(wait),
        _ if text.contains("currently loading") => Cause::Loading(wait),
        503 if wait.is_some() || text.contains("loading") => Cause::Loading(wait),
        _ if words.any(&THROTTLED) => Cause::Throttled(wait),
        _ if overflow::recognised(text) => too_long(text),
        _ if words.any(&UNKNOWN_MODEL) => Cause::UnknownModel,
        400 if words.any(&WORKER_TROUBLE)
            || text.contains("timeout")
            || text.contains("timed out") =>
        {
            Cause::Worker
        }
        300..=399 => Cause::Redirected,
        404 => match phase {
            Phase::Submit => Cause::NotFound,
            Phase::Poll => Cause::Lost,
        },
        405 | 501 => Cause::NotFound,
        410 => Cause::Gone,
        // 424: the generation itself failed (TGI).
        408 | 424 => Cause::Failed,
        409 | 425 => Cause::Unavailable,
        400..=499 => Cause::Refused,
        502 | 503 if starts_on_demand => Cause::Loading(wait),
        // 52x: Cloudflare did not reach the server behind it, except for 520 and 524.
        503 | 521 | 522 | 523 | 525 | 526 | 530 => Cause::Unavailable,
        500..=599 => Cause::Failed,
        _ => Cause::Unusable,
    }
}

fn too_long(text: &str) -> Cause {
    let overflow::Sizes { window, prompt } = overflow::sizes(text);
    Cause::TooLong { window, prompt }
}

/// `x-should-retry` has the last word about sending again, as the clients of OpenAI and Anthropic have it.
fn overruled(cause: Cause, headers: &HeaderMap) -> Cause {
    let header = headers.get("x-should-retry").map(|value| value.as_bytes());
    match (header, cause) {
        (Some(b"true"), Cause::Refused) => Cause::Unavailable,
        (
            Some(b"false"),
            Cause::Throttled(_)
            | Cause::Loading(_)
            | Cause::Unavailable
            | Cause::Worker
            | Cause::Failed,
        ) => Cause::Refused,
        _ => cause,
    }
}

#[cfg(test)]
mod tests;
