//! Turns a failed call into an error: what was seen, its cause, what is done about it, and what people are told.
//!
//! Endpoints, gateways and workers report the same trouble in many ways, so there are three steps. A [`Failure`] is what was
//! seen on the wire. [`cause::of`] finds its [`Cause`] in status, headers and words. [`meaning`] is the one table from causes
//! to kinds of error and sentences.
//!
//! - A call that submits work and gets no usable reply may have been billed, and there is no way to find out. It is
//!   `Ambiguous`, while the same failure of a question about a job is `Transient`. Only a request without a connection was
//!   certainly not sent.
//! - A job that failed can be run again under its id, by RunPod's
//!   [`/retry`](https://docs.runpod.io/serverless/endpoints/operation-reference). A job that is completed, with an error in its
//!   output, can only be submitted anew.
//! - What the endpoint said is scrubbed before anything is concluded from it: a transcript may be about rate limits.

mod cause;
mod overflow;
mod wait;

use reqwest::Url;
use reqwest::header::{HeaderMap, LOCATION};

use crate::model::{ErrorKind, ModelError};
use crate::secret::Secret;
use crate::wire::error_text::ErrorText;
use crate::wire::redact;
pub(crate) use cause::{Cause, is_error_text};
use overflow::Sizes;

/// What a call is for, which decides what a failure costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It submits work: an endpoint that has received it may bill it.
    Submit,
    /// It asks after a job or gives it up: free, and safe to repeat.
    Poll,
}

/// How a job without an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobEnd {
    /// Its output is an error. It cannot be run again under its id.
    Completed,
    Failed,
    /// It took too long, or no worker began it in time.
    TimedOut,
    /// Somebody cancelled it, or purged the queue.
    Cancelled,
}

impl JobEnd {
    /// RunPod's name of the state.
    fn name(self) -> &'static str {
        match self {
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Cancelled => "CANCELLED",
        }
    }
}

/// A failed call as it was seen. Texts are unscrubbed.
///
/// Errors of the HTTP client are kept as text with all that is behind them, because the error that follows is written to the
/// ledger and read back.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The cause shows at once. Says what was seen.
    Known(Cause, String),
    /// The status was not one of success.
    Refused {
        status: u16,
        headers: HeaderMap,
        /// The beginning of the body.
        body: Vec<u8>,
    },
    /// The status was one of success, but the body or a streamed event is an error.
    InBand(ErrorText),
    /// The job ended without an answer. Holds what its worker said.
    Job(JobEnd, ErrorText),
}

/// The environment variables of a provider, to be named in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SettingNames {
    pub(crate) token: &'static str,
    pub(crate) model: &'static str,
    pub(crate) url: &'static str,
}

/// The endpoint that calls are made to, as far as errors need to know it.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// Host and port.
    host: String,
    settings: SettingNames,
    /// Cut out of whatever the endpoint says.
    secret: Option<Secret>,
    /// It starts when it is called (scale to zero), and its gateway answers 502 or 503 until it runs.
    pub(crate) starts_on_demand: bool,
}

impl Endpoint {
    /// The same endpoint, called with the key `secret`.
    pub(crate) fn with_secret(&self, secret: Option<Secret>) -> Self {
        Self {
            secret,
            ..self.clone()
        }
    }

    pub(crate) fn new(url: &Url, settings: SettingNames, secret: Option<Secret>) -> Self {
        Self {
            host: url.authority().to_owned(),
            settings,
            secret,
            starts_on_demand: false,
        }
    }

    /// The error for a failed call. The texts that were `sent` are cut out of what the endpoint said.
    pub(crate) fn error(&self, phase: Phase, failure: &Failure, sent: &[&str]) -> ModelError {
        let (seen, said) = failure.seen();
        let said = said.map(|text| redact::scrub(text, self.secret.as_ref(), sent));
        let cause = cause::of(self, phase, failure, &said);
        let (kind, sentence) = meaning(cause, phase);
        let SettingNames { token, model, url } = self.settings;
        let sentence = sentence
            .replace("{token}", token)
            .replace("{model}", model)
            .replace("{url}", url);
        let shown = match redact::shorten(&said.message) {
            shown if shown.is_empty() => shown,
            shown => format!(": {shown}"),
        };
        let (details, host) = (details(cause), &self.host);
        ModelError {
            kind,
            message: format!("{sentence}{details} ({host}{seen}{shown})"),
        }
    }
}

impl Failure {
    /// What was seen, to follow the host's name, and what the endpoint said.
    fn seen(&self) -> (String, ErrorText) {
        match self {
            Self::InBand(said) => (" answered".to_owned(), said.clone()),
            Self::Job(end, said) => (format!(": job {}", end.name()), said.clone()),
            Self::Refused {
                status,
                headers,
                body,
            } => {
                let target = headers.get(LOCATION).and_then(|value| value.to_str().ok());
                // Without the query, which may hold keys.
                let target = target.and_then(|target| target.split('?').next());
                let said = match status {
                    300..=399 => ErrorText::plain(target.unwrap_or("nowhere")),
                    _ => ErrorText::from_body(body),
                };
                (format!(" answered {status}"), said)
            }
            Self::Known(_, what) => (String::new(), ErrorText::plain(what)),
        }
    }
}

/// What a cause means: what is done about it, and what people are told, with the names of the settings left open.
fn meaning(cause: Cause, phase: Phase) -> (ErrorKind, &'static str) {
    use ErrorKind::*;
    // Sent, and without a usable reply.
    let unanswered = match phase {
        Phase::Submit => Ambiguous,
        Phase::Poll => Transient,
    };
    // No other call would fare better: a person has to change something.
    let configuration = |sentence| (Configuration, sentence);
    match cause {
        Cause::Unreachable => (
            Transient,
            "the endpoint cannot be reached: check the network and {url}",
        ),
        Cause::UnknownHost => configuration("the endpoint's host does not exist: check {url}"),
        Cause::Certificate => configuration(
            "the endpoint's certificate is not valid for it or not trusted here: check {url}",
        ),
        Cause::NotTls => configuration("the endpoint's port does not speak TLS: check {url}"),
        Cause::Unsendable => configuration(
            "the request cannot be put into HTTP: check {token} for line breaks and the like",
        ),
        Cause::TimedOut => (unanswered, "the endpoint took too long"),
        Cause::Disconnected => (
            unanswered,
            "the connection broke before the answer was complete",
        ),
        Cause::Garbled => (unanswered, "the endpoint's reply is not what was expected"),
        Cause::Failed => (
            unanswered,
            "the endpoint failed, perhaps with the work already done",
        ),
        Cause::Token => configuration(
            "the endpoint refused the token: check {token}, which must hold a valid token that may \
             call this endpoint",
        ),
        Cause::Credits => configuration(
            "no credits are left: buy credits for the account of {token}, or set a token of another \
             account",
        ),
        Cause::Forbidden => configuration(
            "the token lacks a permission: allow the token in {token} to call this endpoint",
        ),
        Cause::NotFound => {
            configuration("the endpoint knows no such model or path: check {model} and {url}")
        }
        Cause::UnknownModel => configuration(
            "the endpoint does not serve this model: check {model}, or set {url} to one that does",
        ),
        Cause::Gone => {
            configuration("the endpoint's address is no longer served: set {url} to the new one")
        }
        Cause::Paused => {
            configuration("the endpoint is paused: resume it, or set {url} to another one")
        }
        Cause::Redirected => configuration(
            "the endpoint redirects, which is not followed: set {url} to the address it leads to",
        ),
        Cause::Throttled(retry_after) => (Throttled { retry_after }, "too many requests"),
        Cause::Loading(retry_after) => (Warming { retry_after }, "the endpoint is starting"),
        Cause::TooLong(Sizes { window, prompt }) => (
            Overflow {
                window,
                prompt_tokens: prompt,
            },
            "the request does not fit into the model's window",
        ),
        Cause::Unavailable => (Transient, "the endpoint is unavailable for the moment"),
        Cause::Worker => (
            Transient,
            "the endpoint's worker failed for lack of memory, GPU or time",
        ),
        Cause::Refused => (BadInput, "the endpoint refuses this request"),
        Cause::JobFailed => (
            JobFailed { timed_out: false },
            "the job failed, for reasons that may pass",
        ),
        Cause::JobTimedOut => (
            JobFailed { timed_out: true },
            "the job took too long, or no worker began it in time",
        ),
        Cause::JobCancelled => configuration(
            "somebody cancelled the job or purged the endpoint's queue: send the transcript again \
             once that is over",
        ),
        // It was billed and can only be submitted anew.
        Cause::JobErred => (
            Ambiguous,
            "the worker put out an error in place of an answer",
        ),
        Cause::NoWorkers => configuration(
            "the endpoint has no workers, so no job will ever begin: its max workers is 0, or the \
             provider has set it to 0 after a week without requests; raise max workers in the settings of \
             the endpoint in {url}",
        ),
        Cause::Unhealthy => configuration(
            "all workers of the endpoint are unhealthy, so no job will begin: read their logs, and \
             check image, model and GPU in the settings of the endpoint in {url}",
        ),
        Cause::Lost => (Lost, "the endpoint no longer knows the job"),
        Cause::Unusable => (SuspectOutput, "the endpoint's answer holds no usable text"),
    }
}

/// The numbers of a cause, to follow its sentence.
fn details(cause: Cause) -> String {
    match cause {
        Cause::Throttled(Some(wait)) => {
            format!(": the endpoint asks to wait {} s", wait.as_secs_f32())
        }
        Cause::Loading(Some(wait)) => format!(", for {} s by its own estimate", wait.as_secs_f32()),
        Cause::TooLong(Sizes { window, prompt }) => {
            let window = window.map(|n| format!(" of {n} tokens"));
            let prompt = prompt.map(|n| format!(", with {n} tokens"));
            [window, prompt].into_iter().flatten().collect()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
