//! Finds the cause of a failed call in its status, its headers and the words that came with it.
//!
//! A status alone says little, so words count as well, and the order in which they are looked for matters:
//!
//! - Hugging Face answers 402 or 429 when the account has no credits left; a 429 with these words never passes by waiting.
//! - A paused Inference Endpoint answers 400 in plain text.
//! - Groq's 413 or 429 "Request too large … tokens per minute" would never pass unchanged, so it means too long, not too many.
//!   All other throttling comes before the search for "too long": "too many tokens, please wait" is throttling.
//! - A custom handler answers 400 to every exception, also to running out of memory
//!   ([toolkit](https://github.com/huggingface/huggingface-inference-toolkit)). llama.cpp answers 503 while it loads a model.
//! - RunPod's worker for vLLM reports an error of its server as the words `vLLM returned HTTP 400: …`, older ones as the
//!   error's type and code, both inside Python's `repr` of a dictionary
//!   ([worker-vllm](https://github.com/runpod-workers/worker-vllm)). Searching its text finds them, so it is not parsed.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, HeaderValue};

use crate::wire::error_text::{ErrorText, mentions, starts_with_any};
use crate::wire::failure::overflow::{self, Sizes};
use crate::wire::failure::{Endpoint, Failure, JobEnd, Phase, wait};

/// Why a call failed, in the distinctions that people need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// There was no connection, so nothing was sent. The same holds for the next four.
    Unreachable,
    UnknownHost,
    /// The certificate is for another host, not trusted or not valid now.
    Certificate,
    NotTls,
    /// The request cannot be put into HTTP: a token with a line break, for example.
    Unsendable,
    /// Time ran out with the request on its way.
    TimedOut,
    /// The connection broke with the request on its way.
    Disconnected,
    /// 401.
    Token,
    Credits,
    /// 403.
    Forbidden,
    /// 404: no such model or path.
    NotFound,
    /// The path is right, but this model is not served.
    UnknownModel,
    /// 410: the address has been given up.
    Gone,
    /// The owner has paused the endpoint.
    Paused,
    /// 3xx. Not followed, because the token would go to another host.
    Redirected,
    Throttled(Option<Duration>),
    /// The endpoint is starting, or loading the model.
    Loading(Option<Duration>),
    TooLong(Sizes),
    /// Not accepted, for reasons that pass.
    Unavailable,
    /// The worker ran out of memory, or lost its GPU or its engine.
    Worker,
    /// It failed on the way or in the work.
    Failed,
    /// This request is refused, others may pass.
    Refused,
    /// The status was one of success, but the body does not follow the protocol.
    Garbled,
    /// The job failed for reasons that pass.
    JobFailed,
    /// The job was too slow, or never begun.
    JobTimedOut,
    /// The job was cancelled, and not by this program.
    JobCancelled,
    /// The job is done, with an error in place of an answer.
    JobErred,
    /// Jobs wait, and no worker is there or will come.
    NoWorkers,
    /// Jobs wait, and all workers are broken.
    Unhealthy,
    /// The job or its result is gone.
    Lost,
    /// The reply is complete and holds no text.
    Unusable,
}

impl Cause {
    /// The failure of which this is plainly the cause. `what` was seen, and is unscrubbed.
    pub(crate) fn seen(self, what: impl Into<String>) -> Failure {
        Failure::Known(self, what.into())
    }

    /// Why there was no connection, in the words of the HTTP client.
    pub(crate) fn of_connection(error: &str) -> Self {
        let words = error.to_lowercase();
        if words.contains("invalid peer certificate") {
            Self::Certificate
        } else if words.contains("corrupt message") {
            Self::NotTls
        } else if mentions(&words, "dns error|failed to lookup address")
            // getaddrinfo's EAI_AGAIN: the resolver did not answer, which says nothing about the host.
            && !mentions(&words, "temporary failure|try again")
        {
            Self::UnknownHost
        } else {
            Self::Unreachable
        }
    }

    /// Whether the same request may be accepted later.
    fn passes(self) -> bool {
        use Cause::{Failed, Loading, Throttled, Unavailable, Worker};
        matches!(
            self,
            Throttled(_) | Loading(_) | Unavailable | Worker | Failed
        )
    }
}

/// The account has no credits left, whatever the status.
const NO_CREDITS: &str = "\
    monthly included credits|insufficient_quota|insufficient credits|insufficient balance|\
    insufficient funds|exceeded your current quota, please check your plan and billing";

/// Too many requests, whatever the status.
const THROTTLED: &str = "throttl|rate limit|rate_limit|please wait|too many requests|overloaded";

const UNKNOWN_MODEL: &str = "\
    not supported by any provider|model not supported by provider|model_not_supported|\
    model_not_found|model not found|unknown model";

const WORKER_TROUBLE: &str = "\
    cuda|out of memory|worker is unhealthy|process is not running|request to vllm failed|\
    enginedead|engine is dead|engine loop is not running|connection refused";

/// The worker cannot use its input, and no other worker could.
const REFUSED_INPUT: &str = "\
    job input must contain|keyerror|unexpected keyword argument|validationerror|validation error|\
    is a required input|is not a valid input option";

/// A limit of time was reached, though the state is FAILED.
const TOO_SLOW: &str = "job timed out|executiontimeout exceeded|execution timeout exceeded";

/// The local server of RunPod's SDK forgets a job once it has told its result, and says so in a job that failed.
const UNKNOWN_JOB: &str = "job id not found";

/// What stands before a status in words.
const BEFORE_STATUS: &str = "returned http |status code |http error |'code': ";

/// Types of errors, in lower case and without underscores, and the status that they come with elsewhere.
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

/// Plain handlers return what they caught as their output.
const ERROR_STARTS: &str = "\
    error:|exception:|traceback (most recent call last)|vllm returned http |{'error':|[{'error':";

/// Whether a text in place of an answer is an error message.
pub(crate) fn is_error_text(text: &str) -> bool {
    starts_with_any(text.trim_start(), ERROR_STARTS)
}

/// Why a call failed. `said` is what the endpoint said, scrubbed.
pub(crate) fn of(endpoint: &Endpoint, phase: Phase, failure: &Failure, said: &ErrorText) -> Cause {
    let words = words(said);
    match failure {
        Failure::Known(cause, _) => *cause,
        Failure::InBand(_) => in_band(said, &words),
        Failure::Job(end, _) => of_job(*end, said, &words),
        Failure::Refused {
            status, headers, ..
        } => {
            let wait = wait::in_headers(headers, SystemTime::now()).or_else(|| wait(said, &words));
            let cause = match (*status, refused(*status, wait, &words)) {
                (404, Cause::NotFound) if phase == Phase::Poll => Cause::Lost,
                (502 | 503, Cause::Failed | Cause::Unavailable) if endpoint.starts_on_demand => {
                    Cause::Loading(wait)
                }
                (_, cause) => cause,
            };
            overruled(cause, headers)
        }
    }
}

/// The meaning of an error that came with a status of success.
fn in_band(said: &ErrorText, words: &str) -> Cause {
    // Without a status of its own it is a failure of the work, which may have been billed.
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

/// The meaning of a status and the words that came with it.
fn refused(status: u16, wait: Option<Duration>, words: &str) -> Cause {
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
        _ if words.contains("currently loading") => Cause::Loading(wait),
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
        400..=499 => Cause::Refused,
        // 52x: Cloudflare did not reach the server behind it, except for 520 and 524.
        503 | 521 | 522 | 523 | 525 | 526 | 530 => Cause::Unavailable,
        500..=599 => Cause::Failed,
        _ => Cause::Unusable,
    }
}

/// `x-should-retry` has the last word about sending again, as in the clients of OpenAI and Anthropic.
fn overruled(cause: Cause, headers: &HeaderMap) -> Cause {
    let header = headers.get("x-should-retry");
    match header.map(HeaderValue::as_bytes) {
        Some(b"true") if cause == Cause::Refused => Cause::Unavailable,
        Some(b"false") if cause.passes() => Cause::Refused,
        _ => cause,
    }
}

/// Everything an error mentions, in lower case: message, code and type.
fn words(said: &ErrorText) -> String {
    let parts = [Some(&said.message), said.code.as_ref(), said.kind.as_ref()];
    let all: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    all.join("; ").to_lowercase()
}

fn wait(said: &ErrorText, words: &str) -> Option<Duration> {
    said.wait.or_else(|| wait::in_words(words))
}

/// The status inside an error that came with another status: in its code, its words or its type.
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
    // A `repr` names the type in words.
    let kind = said.kind.as_deref();
    let kind = kind.or_else(|| Some(words.split_once("'type': '")?.1));
    number(said.code.as_deref().unwrap_or_default())
        .or_else(|| BEFORE_STATUS.split('|').find_map(in_words))
        .or_else(|| of_type(kind?))
}
