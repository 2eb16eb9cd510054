//! Finds the cause of a failed call from its status code, its headers and the text of the error.
//!
//! The status code alone is not enough, so the error text is searched as well. The order of the searches matters:
//!
//! - Hugging Face answers 402 or 429 when the account has no credits left. Waiting never helps with such a 429.
//! - A paused Inference Endpoint answers 400 in plain text.
//! - Groq's 413 or 429 "Request too large … tokens per minute" fails again however long we wait, so it counts as a prompt
//!   that is too long, not as throttling. All other throttling is checked before "too long": "too many tokens, please wait"
//!   is throttling.
//! - A custom handler answers 400 to every exception, including running out of memory
//!   ([toolkit](https://github.com/huggingface/huggingface-inference-toolkit)). llama.cpp answers 503 while it loads a
//!   model.
//! - llama.cpp's slots share one window unless it is divided among them. When they fill it, all of them get 500 "Context size
//!   has been exceeded.", also those whose own request fits
//!   ([server](https://github.com/ggml-org/llama.cpp/tree/master/tools/server)).
//! - RunPod's load balancer has no queue. While no worker is up it answers 400 "timed out waiting for worker", or 404
//!   `affinity_worker_gone` for one that has been stopped.
//! - RunPod's vLLM worker reports its server's errors as text: `vLLM returned HTTP 400: …`, or in older versions the
//!   error's type and code. Both are inside Python's `repr` of a dictionary
//!   ([worker-vllm](https://github.com/runpod-workers/worker-vllm)). A text search finds them, so the `repr` is not parsed.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, HeaderValue};

use crate::wire::error_text::{ErrorText, mentions, starts_with_any};
use crate::wire::failure::overflow::{self, Sizes};
use crate::wire::failure::{Endpoint, Failure, JobEnd, Phase, aws, wait};

/// Why a call failed. Causes are kept apart where the user has to do something different about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// No connection was made, so nothing was sent. The next four variants also mean that nothing was sent.
    Unreachable,
    UnknownHost,
    /// The certificate is for another host, untrusted, expired or not yet valid.
    Certificate,
    NotTls,
    /// The request cannot be encoded as HTTP, for example because the token contains a line break.
    Unsendable,
    /// The call timed out after the request may have been sent.
    TimedOut,
    /// The connection broke after the request may have been sent.
    Disconnected,
    /// 401.
    Token,
    Credits,
    /// 403.
    Forbidden,
    /// A request to AWS cannot be signed for lack of credentials.
    NoCredentials,
    /// AWS knows no such credentials, or they or the signature have expired.
    Credentials,
    /// The policies of the AWS credentials do not allow the call.
    NotAllowed,
    /// The AWS account has not been granted the model.
    NoModelAccess,
    /// The model has to be called through an inference profile of Bedrock.
    NeedsProfile,
    /// 404: no such model or path.
    NotFound,
    /// The path is right, but this model is not served.
    UnknownModel,
    /// 410: the URL is no longer in use.
    Gone,
    /// The owner has paused the endpoint.
    Paused,
    /// 3xx. Redirects are not followed, because that would send the token to another host.
    Redirected,
    Throttled(Option<Duration>),
    /// The quota for a day.
    QuotaSpent,
    /// The model lacks a feature that the next attempt does without.
    Unsupported,
    /// The endpoint is starting, or loading the model.
    Loading(Option<Duration>),
    TooLong(Sizes),
    /// Too long together with the other calls in flight.
    Crowded,
    /// The request was not accepted, but may be accepted later.
    Unavailable,
    /// The worker ran out of memory, or lost its GPU or its engine.
    Worker,
    /// A gateway or the generation failed.
    Failed,
    /// The endpoint rejects this request, but may accept others.
    Refused,
    /// The status code was 2xx, but the body does not follow the protocol.
    Garbled,
    /// The job failed, but may succeed when run again.
    JobFailed,
    /// The job ran for too long or was never started.
    JobTimedOut,
    /// The job was cancelled by someone other than this program.
    JobCancelled,
    /// The job completed, but its output is an error.
    JobErred,
    /// Jobs are queued, but there are no workers and none will start.
    NoWorkers,
    /// Jobs are queued, but all workers are unhealthy.
    Unhealthy,
    /// The endpoint no longer has the job or its result.
    Lost,
    /// A content filter has withheld the answer, or refused the request.
    Filtered,
    /// The reply holds no usable answer.
    Unusable,
}

impl Cause {
    /// A failure whose cause is already known. `what` describes what was seen and is unscrubbed.
    pub(crate) fn seen(self, what: impl Into<String>) -> Failure {
        Failure::Known(self, what.into())
    }

    /// Classifies a connection failure by the HTTP client's error text.
    pub(crate) fn of_connection(error: &str) -> Self {
        let words = error.to_lowercase();
        if words.contains("invalid peer certificate") {
            Self::Certificate
        } else if words.contains("corrupt message") {
            Self::NotTls
        } else if mentions(&words, "dns error|failed to lookup address")
            // getaddrinfo's EAI_AGAIN: the resolver did not answer, so the host may well exist.
            && !mentions(&words, "temporary failure|try again")
        {
            Self::UnknownHost
        } else {
            Self::Unreachable
        }
    }

    /// Whether the same request may be accepted later.
    fn passes(self) -> bool {
        use Cause::{Crowded, Failed, Loading, Throttled, Unavailable, Worker};
        matches!(
            self,
            Throttled(_) | Loading(_) | Crowded | Unavailable | Worker | Failed
        )
    }
}

/// The account has no credits left. Checked for every status code except 401 and 402.
const NO_CREDITS: &str = "\
    monthly included credits|insufficient_quota|insufficient credits|insufficient balance|\
    insufficient funds|exceeded your current quota, please check your plan and billing";

/// Too many requests, under status codes other than 429.
pub(super) const THROTTLED: &str = "throttl|rate limit|rate_limit|please wait|too many requests|overloaded|maximum pending requests exceeded";

/// No worker is up yet behind a load balancer, under whatever status code.
const STARTING: &str =
    "affinity_worker_gone|timed out waiting for worker|no workers available|no worker available";

/// Azure's code of a refused prompt, and Bedrock's and OpenAI's words for it.
const FILTERED: &str = "content_filter|contentfilter|content management policy|content filtering policy|content_policy_violation";

/// llama.cpp: the requests in its slots have filled the window that they share.
const CROWDED: &str = "context size has been exceeded";

const UNKNOWN_MODEL: &str = "\
    not supported by any provider|model not supported by provider|model_not_supported|\
    model_not_found|model not found|unknown model";

const WORKER_TROUBLE: &str = "\
    cuda|out of memory|worker is unhealthy|process is not running|request to vllm failed|\
    enginedead|engine is dead|engine loop is not running|connection refused";

/// The worker rejects its input, and so would any other worker.
const REFUSED_INPUT: &str = "\
    job input must contain|keyerror|unexpected keyword argument|validationerror|validation error|\
    is a required input|is not a valid input option";

/// The job ran into a time limit, although its state is FAILED.
const TOO_SLOW: &str = "job timed out|executiontimeout exceeded|execution timeout exceeded";

/// The local server of RunPod's SDK forgets a job once it has returned the result. A later poll yields a failed job with
/// this text.
const UNKNOWN_JOB: &str = "job id not found";

/// Text that precedes a status code in an error message.
const BEFORE_STATUS: &str = "returned http |status code |http error |'code': ";

/// Error types, in lower case and without underscores, with the status code that each corresponds to.
const ERROR_TYPES: [(&str, u16); 8] = [
    ("badrequest|invalidrequest", 400),
    ("authentication", 401),
    ("permission", 403),
    ("notfound", 404),
    ("validation|template", 422),
    ("ratelimit", 429),
    ("notsupported|notimplemented", 501),
    ("unavailable", 503),
];

/// Simple handlers return the exception they caught as their output.
const ERROR_STARTS: &str = "\
    error:|exception:|traceback (most recent call last)|vllm returned http |{'error':|[{'error':";

/// Whether an output text is an error message instead of an answer.
pub(crate) fn is_error_text(text: &str) -> bool {
    starts_with_any(text.trim_start(), ERROR_STARTS)
}

/// Finds the cause of a failed call. `said` is the endpoint's error text, scrubbed.
pub(crate) fn of(endpoint: &Endpoint, phase: Phase, failure: &Failure, said: &ErrorText) -> Cause {
    let words = words(said);
    match failure {
        Failure::Known(cause, _) => *cause,
        Failure::Withheld(_) => Cause::Filtered,
        Failure::InBand(_) => in_band(said, &words),
        Failure::Exception(name, _) => {
            let original = status(said, &words);
            aws::cause(name, original, None, &words).unwrap_or(Cause::Failed)
        }
        Failure::Job(end, _) => of_job(*end, said, &words),
        Failure::Refused {
            status,
            headers,
            body,
        } => {
            let wait = wait::in_headers(headers, SystemTime::now()).or_else(|| wait(said, &words));
            if endpoint.operation.is_some()
                && let Some(name) = aws::name(headers, body)
                && let Some(cause) = aws::cause(&name, aws::original_status(body), wait, &words)
            {
                return cause;
            }
            let cause = match (*status, refused(*status, wait, &words)) {
                (404, Cause::NotFound) if phase == Phase::Poll => Cause::Lost,
                (502 | 503, Cause::Failed | Cause::Unavailable)
                    if endpoint.site.starts_on_demand() =>
                {
                    Cause::Loading(wait)
                }
                (_, cause) => cause,
            };
            overruled(cause, headers)
        }
    }
}

/// The cause of an error that arrived in a 2xx reply or a job.
fn in_band(said: &ErrorText, words: &str) -> Cause {
    // An error without a status code counts as a failed generation, which may have been billed.
    let status = status(said, words).unwrap_or(500);
    match refused(status, wait(said, words), words) {
        Cause::Failed | Cause::Refused if mentions(words, WORKER_TROUBLE) => Cause::Worker,
        cause => cause,
    }
}

fn of_job(end: JobEnd, said: &ErrorText, words: &str) -> Cause {
    let passing = match end {
        JobEnd::TimedOut => return Cause::JobTimedOut,
        JobEnd::Cancelled => return Cause::JobCancelled,
        _ if words.contains(UNKNOWN_JOB) => return Cause::Lost,
        JobEnd::Failed => Cause::JobFailed,
        JobEnd::Completed => Cause::JobErred,
    };
    match in_band(said, words) {
        Cause::Failed if mentions(words, REFUSED_INPUT) => Cause::Refused,
        Cause::Failed if mentions(words, TOO_SLOW) && end == JobEnd::Failed => Cause::JobTimedOut,
        cause if cause.passes() => passing,
        permanent => permanent,
    }
}

/// The cause for a status code and the error text that came with it.
pub(super) fn refused(status: u16, wait: Option<Duration>, words: &str) -> Cause {
    let too_long = || Cause::TooLong(overflow::sizes(words));
    match status {
        401 => Cause::Token,
        402 => Cause::Credits,
        _ if mentions(words, NO_CREDITS) => Cause::Credits,
        403 => Cause::Forbidden,
        _ if words.contains("endpoint is paused") => Cause::Paused,
        413 => too_long(),
        _ if overflow::is_above_rate(words) => too_long(),
        429 | 529 => Cause::Throttled(wait),
        _ if words.contains("currently loading") || mentions(words, STARTING) => {
            Cause::Loading(wait)
        }
        _ if words.contains(CROWDED) => Cause::Crowded,
        503 if wait.is_some() || words.contains("loading") => Cause::Loading(wait),
        _ if mentions(words, THROTTLED) => Cause::Throttled(wait),
        _ if overflow::is_recognized(words) => too_long(),
        _ if mentions(words, UNKNOWN_MODEL) => Cause::UnknownModel,
        400 if mentions(words, WORKER_TROUBLE) || mentions(words, "timeout|timed out") => {
            Cause::Worker
        }
        300..=399 => Cause::Redirected,
        404 | 405 | 501 => Cause::NotFound,
        410 => Cause::Gone,
        // 424: the generation itself failed (text-generation-inference).
        408 | 424 => Cause::Failed,
        409 | 425 => Cause::Unavailable,
        400..=499 if mentions(words, FILTERED) => Cause::Filtered,
        400..=499 => Cause::Refused,
        // 52x: Cloudflare did not reach the server behind it, except for 520 and 524.
        503 | 521 | 522 | 523 | 525 | 526 | 530 => Cause::Unavailable,
        500..=599 => Cause::Failed,
        _ => Cause::Unusable,
    }
}

/// `x-should-retry` decides whether the request may be sent again, as in the OpenAI and Anthropic clients.
fn overruled(cause: Cause, headers: &HeaderMap) -> Cause {
    let header = headers.get("x-should-retry");
    match header.map(HeaderValue::as_bytes) {
        Some(b"true") if cause == Cause::Refused => Cause::Unavailable,
        Some(b"false") if cause.passes() => Cause::Refused,
        _ => cause,
    }
}

/// The error's message, code and type, in lower case.
fn words(said: &ErrorText) -> String {
    let parts = [Some(&said.message), said.code.as_ref(), said.kind.as_ref()];
    let all: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    all.join("; ").to_lowercase()
}

fn wait(said: &ErrorText, words: &str) -> Option<Duration> {
    said.wait.or_else(|| wait::in_words(words))
}

/// The status code that an error states in its code, its text or its type.
fn status(said: &ErrorText, words: &str) -> Option<u16> {
    let number = |text: &str| text.parse().ok().filter(|n| (300..600).contains(n));
    let in_words = |before| number(words.split_once(before)?.1.get(..3)?);
    let of_type = |name: &str| {
        let name = name.replace('_', "");
        let known = ERROR_TYPES
            .iter()
            .find(|(types, _)| starts_with_any(&name, types));
        known.map(|(_, status)| *status)
    };
    // In a Python `repr`, the type is part of the text.
    let kind = said.kind.as_deref();
    let kind = kind.or_else(|| Some(words.split_once("'type': '")?.1));
    number(said.code.as_deref().unwrap_or_default())
        .or_else(|| BEFORE_STATUS.split('|').find_map(in_words))
        .or_else(|| of_type(kind?))
}
