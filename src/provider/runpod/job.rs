//! Parses and interprets RunPod's [job object](https://docs.runpod.io/serverless/endpoints/operation-reference).
//!
//! - A job in progress may have an `output`. That is a progress report, not the answer.
//! - COMPLETED without `output` means that the handler returned nothing, or more than RunPod accepts
//!   ([runpod-python 309](https://github.com/runpod/runpod-python/issues/309)). The job was billed.
//! - FAILED carries the worker's error as an object, as JSON in a string if the handler raised, or as Python's `repr`.
//! - TIMED_OUT means that the job expired before a worker took it, or that the worker did not report in time.
//! - Some public endpoints answer 400 with a failed job as the body.

use std::time::Duration;

use serde_json::Value;

use crate::model::Answer;
use crate::prompt::Prompt;
use crate::provider::runpod::follow::Polled;
use crate::provider::runpod::{output, transcript};
use crate::wire::answer::{self, is_said};
use crate::wire::error_text::ErrorText;
use crate::wire::failure::{Cause, Failure, JobEnd};

/// Maximum length of a job's id in bytes. RunPod's have some forty. It is in paths, tickets and logs.
const MAX_ID: usize = 256;

/// Maximum length of a status of unknown name in logs.
const MAX_STATUS: usize = 40;

#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: Option<String>,
    /// The endpoint held the request until the job changed or the wait was over.
    pub(crate) held: bool,
    state: State,
    /// The whole object.
    value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No worker has started it.
    Queued,
    /// A worker has started it, or its status is not one of the known names.
    Running,
    Ended(JobEnd),
}

impl Job {
    /// Reads a job object.
    ///
    /// # Errors
    /// If the value is not a job: an error message in its place, or anything else.
    pub(crate) fn read(value: Value) -> Result<Self, Failure> {
        let id = match value.get("id") {
            Some(Value::String(id)) if (1..=MAX_ID).contains(&id.len()) => Some(id.clone()),
            Some(Value::Number(id)) => Some(id.to_string()),
            _ => None,
        };
        let status = value.get("status").and_then(Value::as_str).unwrap_or("");
        let state = match status {
            "IN_QUEUE" => State::Queued,
            "IN_PROGRESS" | "RUNNING" => State::Running,
            "COMPLETED" => State::Ended(JobEnd::Completed),
            "FAILED" => State::Ended(JobEnd::Failed),
            "TIMED_OUT" => State::Ended(JobEnd::TimedOut),
            "CANCELLED" => State::Ended(JobEnd::Cancelled),
            // Polling again is free; giving up on the job is not.
            _ if id.is_some() => {
                let status = status.split_at(status.floor_char_boundary(MAX_STATUS)).0;
                tracing::warn!(status, "a job in a state of unknown name counts as running");
                State::Running
            }
            _ => {
                let garbled = || Cause::Garbled.seen("JSON without a job in it");
                return Err(answer::error_in(&value, "").unwrap_or_else(garbled));
            }
        };
        Ok(Self {
            id,
            held: false,
            state,
            value,
        })
    }

    /// Whether a request of a batch has ended.
    pub(crate) fn has_ended(value: &Value) -> bool {
        let status = value.get("status").and_then(Value::as_str);
        matches!(
            status,
            Some("COMPLETED" | "FAILED" | "TIMED_OUT" | "CANCELLED")
        )
    }

    /// Turns the job into the result of a poll.
    ///
    /// # Errors
    /// If the job has ended without a usable answer.
    pub(crate) fn into_polled(self, prompt: &Prompt) -> Result<Polled, Failure> {
        let (started, held) = (self.state == State::Running, self.held);
        let job_time = time(&self.value);
        let output = self.into_output().map_err(|failure| match failure {
            Failure::Job(end, said) if prompt.linked().is_some() => transcript::failure(end, said),
            failure => failure,
        })?;
        let Some(output) = output else {
            return Ok(Polled::Pending { started, held });
        };
        match read(&output, prompt) {
            Ok(answer) => Ok(Polled::Done(Answer { job_time, ..answer })),
            Err(Failure::InBand(said)) => Err(Failure::Job(JobEnd::Completed, said)),
            Err(failure) => Err(failure),
        }
    }

    /// What the worker returned; `None` if the job has not ended.
    ///
    /// # Errors
    /// If the job has ended without an output.
    pub(crate) fn into_output(mut self) -> Result<Option<Value>, Failure> {
        let State::Ended(end) = self.state else {
            return Ok(None);
        };
        let mut member = |name: &str| {
            let value = self.value.get_mut(name).map(Value::take);
            value.filter(|value| !value.is_null())
        };
        let error = member("error").filter(is_said);
        match (end, member("output"), error) {
            (JobEnd::Completed, Some(output), _) => Ok(Some(output)),
            (JobEnd::Completed, None, None) => Err(Cause::Unusable.seen(
                "the job is done and was paid, but has no output: its worker returned nothing, \
                 or more than RunPod takes",
            )),
            (end, _, error) => {
                let said = error
                    .as_ref()
                    .map(ErrorText::from_value)
                    .unwrap_or_default();
                Err(Failure::Job(end, said))
            }
        }
    }
}

/// Reads the output of a job that was sent `prompt`.
fn read(output: &Value, prompt: &Prompt) -> Result<Answer, Failure> {
    match prompt.linked() {
        Some(_) => transcript::output(output),
        None => output::read(output, prompt.max_tokens().0),
    }
}

/// The job that has ended in the body of a 400 reply; otherwise the failure itself.
pub(crate) fn in_refusal(failure: Failure) -> Result<Job, Failure> {
    if let Failure::Refused {
        status: 400, body, ..
    } = &failure
        && let Ok(value) = serde_json::from_slice(body)
        && let Ok(job) = Job::read(value)
        && job.id.is_some()
        && matches!(job.state, State::Ended(_))
    {
        return Ok(job);
    }
    Err(failure)
}

/// The time in the queue plus the execution time.
fn time(value: &Value) -> Option<Duration> {
    let seconds = |key: &str| Some(value.get(key)?.as_f64()? / 1000.0);
    let times = [seconds("delayTime"), seconds("executionTime")];
    let known = times.into_iter().flatten();
    let total = known.reduce(|delay, execution| delay + execution)?;
    Duration::try_from_secs_f64(total).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_state_is_read() {
        for (status, expected) in [
            ("IN_QUEUE", State::Queued),
            ("IN_PROGRESS", State::Running),
            ("RUNNING", State::Running),
            ("PREEMPTED", State::Running),
            ("", State::Running),
            ("COMPLETED", State::Ended(JobEnd::Completed)),
            ("FAILED", State::Ended(JobEnd::Failed)),
            ("TIMED_OUT", State::Ended(JobEnd::TimedOut)),
            ("CANCELLED", State::Ended(JobEnd::Cancelled)),
        ] {
            let job = Job::read(json!({"id": "j", "status": status})).unwrap();
            assert_eq!(job.state, expected, "{status}");
        }
    }

    #[test]
    fn errors_and_other_json_are_rejected_as_jobs() {
        for (value, is_error) in [
            (json!({"error": "no"}), true),
            (json!({"detail": "Not Found"}), true),
            (json!({"status": "ok"}), false),
            (json!({}), false),
            (json!(null), false),
            (json!([{"id": "j", "status": "COMPLETED"}]), false),
            (json!({"id": "j".repeat(300), "status": "?"}), false),
        ] {
            let failure = Job::read(value.clone()).unwrap_err();
            assert_eq!(matches!(failure, Failure::InBand(_)), is_error, "{value}");
            assert_eq!(
                matches!(failure, Failure::Known(Cause::Garbled, _)),
                !is_error,
                "{value}"
            );
        }
    }

    #[test]
    fn times_of_queue_and_work_add_up() {
        for (value, milliseconds) in [
            (json!({"delayTime": 1500, "executionTime": 250}), Some(1750)),
            (json!({"executionTime": 250}), Some(250)),
            (json!({"delayTime": "x"}), None),
            (json!({"delayTime": -5}), None),
        ] {
            assert_eq!(time(&value), milliseconds.map(Duration::from_millis));
        }
    }
}
