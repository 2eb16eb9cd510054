//! Finds the cause of a failed call in its status, its headers and the words that came with it.
//!
//! A status alone says little, so words are asked as well, and the order of the questions matters:
//!
//! - Hugging Face answers 402 or 429 when the account has no credits left; a 429 with these words never passes by waiting.
//! - A paused Inference Endpoint answers 400 in plain text.
//! - Groq's 413 or 429 "Request too large … tokens per minute" would never pass unchanged, so it means too long, not too many.
//!   All other throttling comes before the search for "too long": "too many tokens, please wait" is throttling.
//! - A custom handler answers 400 to every exception, also to running out of memory
//!   ([toolkit](https://github.com/huggingface/huggingface-inference-toolkit)). llama.cpp answers 503 while it loads a model.
//! - RunPod's worker for vLLM reports an error of its server as the words `vLLM returned HTTP 400: …`, older ones as the
//!   error's type and code, both inside Python's `repr` of a dictionary
//!   ([worker-vllm](https://github.com/runpod-workers/worker-vllm)). These are searched for in the text: what a `repr` quotes
//!   need not be parsed for that.

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;

use crate::wire::error_text::ErrorText;
use crate::wire::failure::overflow::{self, Sizes};
use crate::wire::failure::{Endpoint, Failure, JobEnd, Phase, wait};

/// Why a call failed, in the distinctions that people need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Unreachable,
    UnknownHost,
    /// The certificate is for another host, not trusted or not valid now.
    Certificate,
    NotTls,
    /// Time ran out with the request on its way.
    TimedOut,
    /// The connection broke with the request on its way.
    Disconnected,
    Unsendable,
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
    /// The reply does not follow the protocol.
    Garbled,
    /// The job failed for reasons that pass.
    JobFailed,
    /// The job was too slow, or never begun.
    JobTimedOut,
    /// The job was cancelled, and not by this program.
    JobCancelled,
    /// The job is done, with an error in place of an answer.
    JobErred,
    /// There is no worker, and none will come.
    NoWorkers,
    /// All workers are broken.
    Unhealthy,
    Lost,
    /// The answer holds no text.
    Unusable,
}

/// The account has no credits left, whatever the status.
const NO_CREDITS: [&str; 6] = [
    "monthly included credits",
    "insufficient_quota",
    "insufficient credits",
    "insufficient balance",
    "insufficient funds",
    "exceeded your current quota, please check your plan and billing",
];

/// Too many requests, whatever the status.
const THROTTLED: [&str; 6] = [
    "throttl",
    "rate limit",
    "rate_limit",
    "please wait",
    "too many requests",
    "overloaded",
];

const UNKNOWN_MODEL: [&str; 6] = [
    "not supported by any provider",
    "model not supported by provider",
    "model_not_supported",
    "model_not_found",
    "model not found",
    "unknown model",
];

const WORKER_TROUBLE: [&str; 9] = [
    "cuda",
    "out of memory",
    "worker is unhealthy",
    "process is not running",
    "request to vllm failed",
    "enginedead",
    "engine is dead",
    "engine loop is not running",
    "connection refused",
];

/// The worker cannot use its input, and no other worker could.
const REFUSED_INPUT: [&str; 7] = [
    "job input must contain",
    "keyerror",
    "unexpected keyword argument",
    "validationerror",
    "validation error",
    // RunPod's own validator.
    "is a required input",
    "is not a valid input option",
];

/// A limit of time was reached, though the state is FAILED.
const TOO_SLOW: [&str; 3] = [
    "job timed out",
    "executiontimeout exceeded",
    "execution timeout exceeded",
];

/// The local server of RunPod's SDK forgets a job once it has told its result, and says so in a job that failed.
const UNKNOWN_JOB: &str = "job id not found";

/// What stands before a status in words.
const BEFORE_STATUS: [&str; 4] = ["returned http ", "status code ", "http error ", "'code': "];

/// What stands before the type of an error in Python's `repr`.
const BEFORE_TYPE: &str = "'type': '";

/// Types of errors, in lower case and without underscores, and the status that they come with elsewhere.
const ERROR_TYPES: [(&str, u16); 11] = [
    ("badrequest", 400),
    ("invalidrequest", 400),
    ("authentication", 401),
    ("permission", 403),
    ("notfound", 404),
    ("validation", 422),
    ("template", 422),
    ("ratelimit", 429),
    ("unavailable", 503),
    ("notsupported", 501),
    ("notimplemented", 501),
];

/// Plain handlers return what they caught as their output.
const ERROR_STARTS: [&str; 6] = [
    "error:",
    "exception:",
    "traceback (most recent call last)",
    "vllm returned http ",
    "{'error':",
    "[{'error':",
];

/// Whether a text in place of an answer is an error message.
pub(crate) fn is_error_text(text: &str) -> bool {
    let longest = ERROR_STARTS.iter().map(|start| start.len()).max();
    let start = text.trim_start().chars().take(longest.unwrap_or(0));
    let start = start.collect::<String>().to_lowercase();
    ERROR_STARTS.iter().any(|phrase| start.starts_with(phrase))
}

/// Why a call failed. `said` is what the endpoint said, scrubbed; waits until a date are counted from `now`.
pub(crate) fn of(
    endpoint: &Endpoint,
    phase: Phase,
    failure: &Failure,
    said: &ErrorText,
    now: SystemTime,
) -> Cause {
    let words = words(said);
    match failure {
        Failure::Connect(_) => unconnected(&words),
        Failure::Unsendable(_) => Cause::Unsendable,
        Failure::Timeout { .. } => Cause::TimedOut,
        Failure::Disconnected(_) => Cause::Disconnected,
        Failure::Lost(_) => Cause::Lost,
        Failure::Unusable(_) => Cause::Unusable,
        Failure::Garbled(_) => Cause::Garbled,
        Failure::NoWorkers { unhealthy: 0 } => Cause::NoWorkers,
        Failure::NoWorkers { .. } => Cause::Unhealthy,
        Failure::InBand(_) => in_band(said, &words),
        Failure::Job(end, _) => of_job(*end, said, &words),
        Failure::Refused {
            status, headers, ..
        } => {
            let wait = wait::in_headers(headers, now).or_else(|| wait(said, &words));
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

fn unconnected(words: &str) -> Cause {
    if words.contains("invalid peer certificate") {
        Cause::Certificate
    } else if words.contains("corrupt message") {
        Cause::NotTls
    } else if any(words, &["dns error", "failed to lookup address"])
        // getaddrinfo's EAI_AGAIN: the resolver did not answer, which says nothing about the host.
        && !any(words, &["temporary failure", "try again"])
    {
        Cause::UnknownHost
    } else {
        Cause::Unreachable
    }
}

/// The meaning of an error that came with a status of success.
fn in_band(said: &ErrorText, words: &str) -> Cause {
    // Without a status of its own it is a failure of the work, which may have been billed.
    let status = status(said, words).unwrap_or(500);
    match refused(status, wait(said, words), words) {
        Cause::Failed | Cause::Refused if any(words, &WORKER_TROUBLE) => Cause::Worker,
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
        Cause::Failed if any(words, &REFUSED_INPUT) => Cause::Refused,
        Cause::Failed if any(words, &TOO_SLOW) && end == JobEnd::Failed => Cause::JobTimedOut,
        Cause::Throttled(_)
        | Cause::Loading(_)
        | Cause::Unavailable
        | Cause::Worker
        | Cause::Failed
        | Cause::Unusable => passing,
        permanent => permanent,
    }
}

/// The meaning of a status and the words that came with it.
fn refused(status: u16, wait: Option<Duration>, words: &str) -> Cause {
    let too_long = || Cause::TooLong(overflow::sizes(words));
    match status {
        401 => Cause::Token,
        402 => Cause::Credits,
        _ if any(words, &NO_CREDITS) => Cause::Credits,
        403 => Cause::Forbidden,
        _ if words.contains("endpoint is paused") => Cause::Paused,
        413 => too_long(),
        _ if overflow::is_above_rate(words) => too_long(),
        429 | 529 => Cause::Throttled(wait),
        _ if words.contains("currently loading") => Cause::Loading(wait),
        503 if wait.is_some() || words.contains("loading") => Cause::Loading(wait),
        _ if any(words, &THROTTLED) => Cause::Throttled(wait),
        _ if overflow::is_recognized(words) => too_long(),
        _ if any(words, &UNKNOWN_MODEL) => Cause::UnknownModel,
        400 if any(words, &WORKER_TROUBLE) || any(words, &["timeout", "timed out"]) => {
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

/// Everything an error says, in lower case: message, code and type.
fn words(said: &ErrorText) -> String {
    let parts = [Some(&said.message), said.code.as_ref(), said.kind.as_ref()];
    let all: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    all.join("; ").to_lowercase()
}

fn any(words: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| words.contains(phrase))
}

fn wait(said: &ErrorText, words: &str) -> Option<Duration> {
    said.wait.or_else(|| wait::in_words(words))
}

/// The status inside an error that came with another status: in its code, its words or its type.
fn status(said: &ErrorText, words: &str) -> Option<u16> {
    let number = |text: &str| text.parse().ok().filter(|n| (300..600).contains(n));
    let in_words = |before: &&str| number(words.split_once(before)?.1.get(..3)?);
    let of_type = |name: &str| {
        let name = name.to_lowercase().replace('_', "");
        let known = ERROR_TYPES
            .iter()
            .find(|(start, _)| name.starts_with(start));
        known.map(|(_, status)| *status)
    };
    let kind = said.kind.as_deref();
    let kind = kind.or_else(|| Some(words.split_once(BEFORE_TYPE)?.1));
    number(said.code.as_deref().unwrap_or_default())
        .or_else(|| BEFORE_STATUS.iter().find_map(in_words))
        .or_else(|| of_type(kind?))
}
