//! Turns a failed call into an error with a kind and a message for the user.
//!
//! Endpoints, gateways and workers report the same problem in many ways, so classification has three steps. A [`Failure`]
//! records the raw response or error. [`cause::of`] derives its [`Cause`] from the status code, the headers and the error
//! text. [`kind`] and [`sentence`] map every cause to an error kind and to a sentence for the user.
//!
//! - A call that submits work and gets no usable reply may have been billed, and there is no way to find out. It is
//!   `Ambiguous`, while the same failure of a poll or a cancel is `Transient`. Only a request that never got a connection
//!   is certain not to have been sent.
//! - A failed job can be run again under its id, with RunPod's
//!   [`/retry`](https://docs.runpod.io/serverless/endpoints/operation-reference). A completed job whose output is an error
//!   can only be submitted again as a new job.
//! - What an error text quotes of the request is removed before it is classified: a transcript may talk about rate limits.
//!   Secrets are removed last: a dummy token such as `x` is in many words.

mod aws;
mod cause;
mod overflow;
mod wait;

use reqwest::Url;
use reqwest::header::{HeaderMap, LOCATION};

use crate::model::{ErrorKind, ModelError, TokenUsage};
use crate::secret::Secret;
use crate::wire::error_text::ErrorText;
use crate::wire::redact;
pub(crate) use cause::{Cause, is_error_text};
use overflow::Sizes;

/// The purpose of a call, which decides whether a failed call may have been billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Submits work. An endpoint that has received the call may bill it.
    Submit,
    /// Polls or cancels a job. Free, and safe to repeat.
    Poll,
}

/// How a job without an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobEnd {
    /// The output is an error. The job cannot be run again under its id.
    Completed,
    Failed,
    /// The job ran for too long, or no worker started it in time.
    TimedOut,
    /// Someone cancelled the job or purged the queue.
    Cancelled,
}

impl JobEnd {
    /// RunPod's name for the job state.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::TimedOut => "TIMED_OUT",
            Self::Cancelled => "CANCELLED",
        }
    }
}

/// Maximum length of a request's id in a message.
const MAX_ID: usize = 64;

/// A failed call before classification. Texts are unscrubbed.
///
/// HTTP client errors are stored as text that includes their chain of sources, because the resulting error is written to
/// the ledger and read back.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The cause is already known. The text describes what was seen.
    Known(Cause, String),
    /// The status code was not 2xx.
    Refused {
        status: u16,
        headers: HeaderMap,
        /// The start of the body.
        body: Vec<u8>,
    },
    /// The status code was 2xx, but the body or a stream event is an error.
    InBand(ErrorText),
    /// The event stream of an AWS service ended with the exception of this name.
    Exception(String, ErrorText),
    /// The job ended without an answer. The text is the worker's error.
    Job(JobEnd, ErrorText),
    /// A content filter has withheld the whole answer, which took these tokens, if they are reported.
    Withheld(Option<TokenUsage>),
}

/// The names of a provider's environment variables, for use in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SettingNames {
    pub(crate) token: &'static str,
    pub(crate) model: &'static str,
    pub(crate) url: &'static str,
}

/// What kind of endpoint it is, on which it depends what to do about a failure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Site {
    /// A service with accounts, such as Hugging Face's router, RunPod or AWS.
    #[default]
    Service,
    /// A dedicated endpoint of Hugging Face. It starts on the first call, and its gateway answers 502 or 503 until it is up.
    Dedicated,
    /// A load balancer of RunPod before workers that start on demand.
    LoadBalancer,
    /// A server that somebody runs, such as vLLM or llama.cpp.
    Server,
    /// A server on this machine.
    ThisMachine,
}

impl Site {
    /// Whether it scales to zero.
    pub(crate) fn starts_on_demand(self) -> bool {
        matches!(self, Self::Dedicated | Self::LoadBalancer)
    }
}

/// An AWS operation, as permissions name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operation {
    /// `bedrock:InvokeModel`.
    pub(crate) action: &'static str,
    /// What it is allowed on.
    pub(crate) resource: String,
}

/// The endpoint of a call, as described in error messages.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// Host and port.
    host: String,
    pub(crate) settings: SettingNames,
    pub(crate) site: Site,
    /// The operation that is called, if the endpoint is a service of AWS: its errors have names.
    pub(crate) operation: Option<Operation>,
}

impl Endpoint {
    pub(crate) fn new(url: &Url, settings: SettingNames) -> Self {
        Self {
            host: url.authority().to_owned(),
            settings,
            site: Site::default(),
            operation: None,
        }
    }

    /// Builds the error for a failed call. `secrets` and the texts in `sent` are removed from the endpoint's error text.
    pub(crate) fn error(
        &self,
        phase: Phase,
        failure: &Failure,
        secrets: &[Secret],
        sent: &[&str],
    ) -> ModelError {
        let (seen, said) = failure.seen();
        // A quoted transcript may talk about rate limits, so it goes first. A secret may be a short word of any message.
        let said = said.map(|text| redact::without_quotes(text, sent));
        let cause = cause::of(self, phase, failure, &said);
        let said = said.map(|text| redact::without_secrets(text, secrets));
        let SettingNames { token, model, url } = self.settings;
        let sentence = advice(cause, self.site)
            .unwrap_or_else(|| sentence(cause))
            .replace("{token}", token)
            .replace("{model}", model)
            .replace("{url}", url);
        let sentence = match &self.operation {
            Some(Operation { action, resource }) => sentence
                .replace("{action}", action)
                .replace("{resource}", resource),
            None => sentence,
        };
        let shown = match redact::shorten(&said.message) {
            shown if shown.is_empty() => shown,
            shown => format!(": {shown}"),
        };
        let (details, host) = (details(cause), &self.host);
        ModelError {
            kind: kind(cause, phase),
            message: format!(
                "{sentence}{details} ({host}{}{shown})",
                redact::without_secrets(&seen, secrets)
            ),
            usage: failure.usage(),
        }
    }
}

impl Failure {
    /// The status code if it was not 2xx.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// A description of the failure, to be shown after the host name, and the endpoint's error text.
    fn seen(&self) -> (String, ErrorText) {
        match self {
            Self::InBand(said) => (" answered".to_owned(), said.clone()),
            Self::Exception(name, said) => (format!(" answered {name}"), said.clone()),
            Self::Job(end, said) => (format!(": job {}", end.name()), said.clone()),
            Self::Refused {
                status,
                headers,
                body,
            } => {
                let target = headers.get(LOCATION).and_then(|value| value.to_str().ok());
                // The query is left out because it may hold keys.
                let target = target.and_then(|target| target.split('?').next());
                let said = match status {
                    300..=399 => ErrorText::plain(target.unwrap_or("nowhere")),
                    _ => ErrorText::from_text(&String::from_utf8_lossy(body)),
                };
                let name = headers
                    .contains_key(aws::ERROR_TYPE)
                    .then(|| aws::name(headers, body));
                let name = name.flatten().map(|name| format!(" {name}"));
                let id = request_id(headers).map(|id| format!(" to request {id}"));
                let (name, id) = (name.unwrap_or_default(), id.unwrap_or_default());
                (format!(" answered {status}{name}{id}"), said)
            }
            Self::Known(_, what) => (String::new(), ErrorText::plain(what)),
            Self::Withheld(_) => (String::new(), ErrorText::plain("no text")),
        }
    }

    fn usage(&self) -> Option<TokenUsage> {
        match self {
            Self::Withheld(usage) => *usage,
            _ => None,
        }
    }
}

/// The id by which the provider's support finds a request that its server failed on.
fn request_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get("x-request-id")?.to_str().ok()?;
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (!id.is_empty() && id.len() <= MAX_ID && id.bytes().all(is_id)).then_some(id)
}

fn kind(cause: Cause, phase: Phase) -> ErrorKind {
    match cause {
        Cause::Unreachable => ErrorKind::Unreachable,
        Cause::Crowded => ErrorKind::Crowded,
        Cause::JobCancelled => ErrorKind::Cancelled,
        Cause::Unavailable | Cause::Unsupported | Cause::Worker => ErrorKind::Transient,
        // The request was sent, but there was no usable reply.
        Cause::TimedOut | Cause::Disconnected | Cause::Garbled | Cause::Failed => match phase {
            Phase::Submit => ErrorKind::Ambiguous,
            Phase::Poll => ErrorKind::Transient,
        },
        // Every other call would fail too until someone changes the configuration.
        Cause::UnknownHost
        | Cause::Certificate
        | Cause::NotTls
        | Cause::Unsendable
        | Cause::Token
        | Cause::Credits
        | Cause::Forbidden
        | Cause::NoCredentials
        | Cause::Credentials
        | Cause::NotAllowed
        | Cause::NoModelAccess
        | Cause::NeedsProfile
        | Cause::NotFound
        | Cause::UnknownModel
        | Cause::Gone
        | Cause::Paused
        | Cause::Redirected
        | Cause::NoWorkers
        | Cause::Unhealthy => ErrorKind::Configuration,
        Cause::Throttled(retry_after) => ErrorKind::Throttled { retry_after },
        Cause::QuotaSpent => ErrorKind::QuotaSpent,
        Cause::Loading(retry_after) => ErrorKind::Warming { retry_after },
        Cause::TooLong(Sizes {
            window,
            prompt: prompt_tokens,
        }) => ErrorKind::Overflow {
            window,
            prompt_tokens,
        },
        Cause::Refused => ErrorKind::BadInput,
        Cause::JobFailed => ErrorKind::JobFailed { timed_out: false },
        Cause::JobTimedOut => ErrorKind::JobFailed { timed_out: true },
        // The job was billed, and can only be submitted again as a new job.
        Cause::JobErred => ErrorKind::Ambiguous,
        Cause::Lost => ErrorKind::Lost,
        Cause::Filtered => ErrorKind::Filtered,
        Cause::Unusable => ErrorKind::SuspectOutput,
    }
}

/// The sentence for a cause where it depends on the kind of endpoint. Names of settings are placeholders.
fn advice(cause: Cause, site: Site) -> Option<&'static str> {
    use Site::{Dedicated, LoadBalancer, Server, Service, ThisMachine};
    Some(match (cause, site) {
        (Cause::Unreachable, ThisMachine) => {
            "the endpoint cannot be reached: start the server on this machine, or check {url}"
        }
        (Cause::Token, LoadBalancer) => {
            "the endpoint refused the token: check {token}, which must hold a RunPod key that may call this endpoint"
        }
        (Cause::Token, Server | ThisMachine) => {
            "the server refused the token: check {token}, which must hold the API key that it was started with"
        }
        (Cause::Credits, LoadBalancer) => {
            "no credits are left: buy credits for the RunPod account of {token}"
        }
        (Cause::NotFound, LoadBalancer | Server | ThisMachine) => {
            "the server knows no such model or path: check {model} and {url}; its /v1/models lists the models"
        }
        (Cause::UnknownModel, LoadBalancer | Server | ThisMachine) => {
            "the server does not serve this model: check {model}; its /v1/models lists the models"
        }
        (_, Service | Dedicated | LoadBalancer | Server | ThisMachine) => return None,
    })
}

/// The sentence for a cause. Names of settings are placeholders.
fn sentence(cause: Cause) -> &'static str {
    match cause {
        Cause::Unreachable => "the endpoint cannot be reached: check the network and {url}",
        Cause::UnknownHost => "the endpoint's host was not found: check {url} and the network",
        Cause::Certificate => {
            "the endpoint's certificate is not valid for it or not trusted here: check {url}"
        }
        Cause::NotTls => "the endpoint's port does not speak TLS: check {url}",
        Cause::Unsendable => {
            "the request cannot be put into HTTP: check {token} for line breaks and the like"
        }
        Cause::TimedOut => "the endpoint took too long",
        Cause::Disconnected => "the connection broke before the answer was complete",
        Cause::Garbled => "the endpoint's reply is not what was expected",
        Cause::Failed => "the endpoint failed, perhaps with the work already done",
        Cause::Token => {
            "the endpoint refused the token: check {token}, which must hold a valid token that may \
             call this endpoint"
        }
        Cause::Credits => {
            "no credits are left: buy credits for the account of {token}, or set a token of another \
             account"
        }
        Cause::Forbidden => {
            "the token lacks a permission: allow the token in {token} to call this endpoint"
        }
        Cause::NoCredentials => {
            "there are no usable AWS credentials: give the function a role, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or set \
             AWS_PROFILE to a profile that has keys or a role (for one with SSO or credential_process, first run \
             `eval \"$(aws configure export-credentials --format env)\"`)"
        }
        Cause::Credentials => {
            "AWS does not accept {token}: renew what has expired, and check the clock of this machine"
        }
        Cause::NotAllowed => "{token} must be allowed {action} on {resource}",
        Cause::NoModelAccess => {
            "the account has no access to the model: request it in the Bedrock console, with the use \
             case details if its maker asks for them, and wait some minutes"
        }
        Cause::NeedsProfile => {
            "the model is only served through inference profiles: set {model} to the id of one, which \
             is the model's id after us., eu., apac. or global., or to its ARN"
        }
        Cause::NotFound => "the endpoint knows no such model or path: check {model} and {url}",
        Cause::UnknownModel => {
            "the endpoint does not serve this model: check {model}, or set {url} to one that does"
        }
        Cause::Gone => "the endpoint's address is no longer served: set {url} to the new one",
        Cause::Paused => "the endpoint is paused: resume it, or set {url} to another one",
        Cause::Redirected => {
            "the endpoint redirects, which is not followed: set {url} to the address it leads to"
        }
        Cause::Throttled(_) => "too many requests",
        Cause::QuotaSpent => {
            "the account's quota for today is used up: the job is resumed when it is renewed, or when \
             Service Quotas grants more"
        }
        Cause::Unsupported => {
            "the model does not support a part of the request, which is sent again without it"
        }
        Cause::Loading(_) => "the endpoint is starting",
        Cause::TooLong(_) => "the request does not fit into the model's window",
        Cause::Crowded => {
            "the window of the server is full, because the calls in flight share it: fewer are made at a time"
        }
        Cause::Unavailable => "the endpoint is unavailable for the moment",
        Cause::Worker => "the endpoint's worker failed for lack of memory, GPU or time",
        Cause::Refused => "the endpoint refuses this request",
        Cause::JobFailed => "the job failed, for reasons that may pass",
        Cause::JobTimedOut => "the job took too long, or no worker started it in time",
        Cause::JobCancelled => {
            "the job was cancelled or the endpoint's queue was purged: send the transcript again \
             once that is over"
        }
        Cause::JobErred => "the worker returned an error instead of an answer",
        Cause::NoWorkers => {
            "the endpoint has no workers, so no job will ever start: its max workers is 0, or the \
             provider has set it to 0 after a week without requests; raise max workers in the settings of \
             the endpoint in {url}"
        }
        Cause::Unhealthy => {
            "all workers of the endpoint are unhealthy, so no job will start: read their logs, and \
             check image, model and GPU in the settings of the endpoint in {url}"
        }
        Cause::Lost => "the endpoint no longer knows the job",
        Cause::Filtered => "the endpoint's content filter withholds the answer",
        Cause::Unusable => "the endpoint's answer holds no usable text",
    }
}

/// The numbers that come with a cause, appended to its sentence.
fn details(cause: Cause) -> String {
    match cause {
        Cause::Throttled(Some(wait)) => {
            format!(": the endpoint asks to wait {} s", wait.as_secs_f32())
        }
        Cause::Loading(Some(wait)) => format!(", for {} s by its own estimate", wait.as_secs_f32()),
        Cause::TooLong(Sizes { window, prompt }) => {
            let window = window.map(|n| format!(" of {n} tokens"));
            let prompt = prompt.map(|n| format!(", with {n} tokens"));
            let advice =
                "; MODEL_CONTEXT_TOKENS must not be more than the server's window".to_owned();
            [window, prompt, Some(advice)]
                .into_iter()
                .flatten()
                .collect()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
