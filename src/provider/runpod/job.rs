//! Reads RunPod's [job object](https://docs.runpod.io/serverless/endpoints/operation-reference) and what it means.
//!
//! - `output` may be present while the job is in progress: a report of progress, which is no answer.
//! - COMPLETED without `output` happens: the handler returned nothing, or more than RunPod takes (runpod-python issue 309). It
//!   was billed.
//! - FAILED carries the worker's error as an object, as JSON in a string if the handler raised, or as Python's `repr`.
//! - TIMED_OUT means that the job expired before a worker took it, or that the worker did not report in time.
//! - Some public endpoints answer 400 with a job object that has failed.

use std::time::Duration;

use serde_json::Value;

use crate::provider::runpod::follow::Polled;
use crate::provider::runpod::output;
use crate::wire::answer::{self, is_said};
use crate::wire::error_text::ErrorText;
use crate::wire::failure::{Failure, JobEnd};

#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: Option<String>,
    pub(crate) state: State,
    output: Option<Value>,
    error: ErrorText,
    time: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// No worker has begun it.
    Queued,
    /// A worker has begun it, as far as is known.
    Running,
    Ended(JobEnd),
}

impl Job {
    /// Reads a job object.
    ///
    /// # Errors
    /// If it is none: an error in place of a job, or something else.
    pub(crate) fn read(mut value: Value) -> Result<Self, Failure> {
        let id = match value.get("id") {
            Some(Value::String(id)) if !id.is_empty() => Some(id.clone()),
            Some(Value::Number(id)) => Some(id.to_string()),
            _ => None,
        };
        let status = value.get("status").and_then(Value::as_str);
        if id.is_none() && !status.is_some_and(is_known) {
            let garbled = || Failure::Garbled("JSON without a job in it".to_owned());
            return Err(answer::error_in(&value, &[]).unwrap_or_else(garbled));
        }
        let state = state(status.unwrap_or_default());
        let error = value.get("error").filter(|error| is_said(error));
        let error = error.map(ErrorText::from_value).unwrap_or_default();
        Ok(Self {
            id,
            state,
            error,
            time: time(&value),
            output: value
                .get_mut("output")
                .map(Value::take)
                .filter(|output| !output.is_null()),
        })
    }

    /// The reply that the job stands for. `held` says that the endpoint held the question for as long as it was asked to.
    ///
    /// # Errors
    /// If the job has ended without an answer.
    pub(crate) fn into_polled(self, max_tokens: usize, held: bool) -> Result<Polled, Failure> {
        let end = match self.state {
            State::Queued | State::Running => {
                return Ok(Polled::Pending {
                    started: self.state == State::Running,
                    held,
                });
            }
            State::Ended(end) => end,
        };
        if end != JobEnd::Completed {
            return Err(Failure::Job(end, self.error));
        }
        match self.output {
            None if self.error != ErrorText::default() => Err(Failure::Job(end, self.error)),
            None => Err(Failure::Unusable(
                "the job is done and was paid, but has no output: its worker returned nothing, or more than RunPod takes"
                    .to_owned(),
            )),
            Some(output) => match output::read(&output, max_tokens) {
                Ok(answer) => Ok(Polled::Done(crate::model::Answer {
                    job_time: self.time,
                    ..answer
                })),
                Err(Failure::InBand(said)) => Err(Failure::Job(end, said)),
                Err(failure) => Err(failure),
            },
        }
    }
}

/// The failed job in the body of a refusal.
pub(crate) fn in_refusal(failure: Failure) -> Result<Job, Failure> {
    let Failure::Refused {
        status: 400, body, ..
    } = &failure
    else {
        return Err(failure);
    };
    let value = serde_json::from_slice::<Value>(body).unwrap_or_default();
    match Job::read(value) {
        Ok(job) if job.id.is_some() && matches!(job.state, State::Ended(_)) => Ok(job),
        _ => Err(failure),
    }
}

fn is_known(status: &str) -> bool {
    known_state(status).is_some()
}

fn known_state(status: &str) -> Option<State> {
    Some(match status {
        "IN_QUEUE" => State::Queued,
        "IN_PROGRESS" | "RUNNING" => State::Running,
        "COMPLETED" => State::Ended(JobEnd::Completed),
        "FAILED" => State::Ended(JobEnd::Failed),
        "TIMED_OUT" => State::Ended(JobEnd::TimedOut),
        "CANCELLED" => State::Ended(JobEnd::Cancelled),
        _ => return None,
    })
}

/// A state of unknown name counts as running: asking again costs nothing, giving up a job does.
fn state(status: &str) -> State {
    known_state(status).unwrap_or_else(|| {
        tracing::warn!(
            status,
            "a job in a state of unknown name, taken for one in progress"
        );
        State::Running
    })
}

/// Time in the queue and at work together.
fn time(value: &Value) -> Option<Duration> {
    let milliseconds = |key: &str| value.get(key).and_then(Value::as_f64);
    let times = (milliseconds("delayTime"), milliseconds("executionTime"));
    let total = match times {
        (None, None) => return None,
        (delay, execution) => delay.unwrap_or(0.0) + execution.unwrap_or(0.0),
    };
    Duration::try_from_secs_f64(total / 1000.0).ok()
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
    fn errors_and_other_json_are_no_jobs() {
        for (value, is_error) in [
            (json!({"error": "no"}), true),
            (json!({"detail": "Not Found"}), true),
            (json!({"status": "ok"}), false),
            (json!({}), false),
            (json!(null), false),
            (json!([{"id": "j", "status": "COMPLETED"}]), false),
        ] {
            let failure = Job::read(value.clone()).unwrap_err();
            assert_eq!(matches!(failure, Failure::InBand(_)), is_error, "{value}");
            assert_eq!(matches!(failure, Failure::Garbled(_)), !is_error, "{value}");
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
