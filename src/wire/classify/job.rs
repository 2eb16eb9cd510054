//! Jobs that ended without an answer (WIRE.md 1.11).

use crate::wire::classify::words::Words;
use crate::wire::classify::{Cause, in_band};
use crate::wire::error_text::ErrorText;
use crate::wire::failure::JobEnd;

/// The worker cannot do anything with what it was given, and no other could.
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

/// A limit of time, though the state is FAILED.
const TOO_SLOW: [&str; 3] = [
    "job timed out",
    "executiontimeout exceeded",
    "execution timeout exceeded",
];

/// The local server of RunPod's SDK forgets a job once it has told its result, and says so in a job that failed.
const UNKNOWN_JOB: &str = "job id not found";

/// Plain handlers return what they caught as their output.
const ERROR_STARTS: [&str; 4] = [
    "error:",
    "exception:",
    "traceback (most recent call last)",
    "vllm returned http ",
];

/// Whether a text that stands where an answer should is an error message.
pub(crate) fn is_error_text(text: &str) -> bool {
    let longest = ERROR_STARTS.iter().map(|start| start.len()).max();
    let start: String = text
        .trim_start()
        .chars()
        .take(longest.unwrap_or_default())
        .collect::<String>()
        .to_lowercase();
    ERROR_STARTS.iter().any(|phrase| start.starts_with(phrase))
}

/// Why a job gave no answer.
pub(crate) fn ended(end: JobEnd, said: &ErrorText) -> Cause {
    let passing = match end {
        JobEnd::TimedOut => return Cause::JobTimedOut,
        JobEnd::Cancelled => return Cause::JobCancelled,
        JobEnd::Failed => Cause::JobFailed,
        JobEnd::Completed => Cause::JobErred,
    };
    let words = Words::new(said);
    if words.any(&[UNKNOWN_JOB]) {
        return Cause::Lost;
    }
    match in_band(said, &words) {
        Cause::Failed if words.any(&REFUSED_INPUT) => Cause::Refused,
        Cause::Failed if words.any(&TOO_SLOW) && end == JobEnd::Failed => Cause::JobTimedOut,
        Cause::Throttled(_)
        | Cause::Loading(_)
        | Cause::Unavailable
        | Cause::Worker
        | Cause::Failed
        | Cause::Unusable => passing,
        permanent => permanent,
    }
}
