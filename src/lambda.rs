//! Lambda invocations: a payload in, the work done, the answer that its sender expects.

pub mod metrics;
pub mod telemetry;

use std::sync::LazyLock;
use std::time::Duration;

use aws_lambda_events::sqs::SqsBatchResponse;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::job::error::Error;
use crate::job::{App, Outcome};
use crate::run::Run;
use crate::trigger;
use crate::trigger::{Invocation, Record, Task, TaskResult, Upload};

/// `errorType` of a function that cannot start: its settings are wrong, or its key can't be read.
const INIT_ERROR_TYPE: &str = "ConfigurationError";

/// The runtime is on this machine.
const INIT_ERROR_TIMEOUT: Duration = Duration::from_secs(2);

/// What became of one upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct UploadOutcome {
    bucket: String,
    key: String,
    /// `done`, `skipped`, `duplicate`, `superseded`, `rejected` or `continue`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<usize>,
}

/// The answer to a direct invocation.
#[derive(Debug, Serialize)]
struct Outcomes {
    outcomes: Vec<UploadOutcome>,
}

/// Serves invocations until the sandbox is shut down.
///
/// # Errors
/// If the Lambda runtime cannot be reached.
pub async fn serve(app: &App, clock: &Clock) -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let deadline = i64::try_from(event.context.deadline).unwrap_or(i64::MAX);
        let run = Run::new(clock.clone()).until(moment(clock, deadline));
        async move { answer(app, event.payload, &run).await }
    }))
    .await
}

/// The function's name, under which its metrics are written; none outside Lambda.
static FUNCTION: LazyLock<Option<String>> =
    LazyLock::new(|| std::env::var("AWS_LAMBDA_FUNCTION_NAME").ok());

/// A function's timeout is a second at least.
const SHORTEST_TIMEOUT_MS: i64 = 1000;

/// The moment of a deadline in milliseconds since 1970. One that has passed, or is nearer than any timeout allows, is none: Lambda
/// never sends such a thing, but tools for development do.
fn moment(clock: &Clock, deadline_ms: i64) -> Option<Instant> {
    let left_ms = deadline_ms.saturating_sub(clock.now_ms());
    tracing::debug!(left_ms, "deadline");
    // A tenth may have gone by on the way here.
    (left_ms > SHORTEST_TIMEOUT_MS * 9 / 10).then(|| clock.instant(deadline_ms))
}

/// Tells the Lambda runtime that the function cannot start, so that whoever invokes it sees why.
pub async fn report_init_error(error: &lambda_runtime::Error) {
    let Ok(api) = std::env::var("AWS_LAMBDA_RUNTIME_API") else {
        return;
    };
    let told = async {
        reqwest::Client::builder()
            .no_proxy()
            .timeout(INIT_ERROR_TIMEOUT)
            .build()?
            .post(format!("http://{api}/2018-06-01/runtime/init/error"))
            .header("lambda-runtime-function-error-type", INIT_ERROR_TYPE)
            .json(&serde_json::json!({
                "errorType": INIT_ERROR_TYPE, "errorMessage": error.to_string(), "stackTrace": []}))
            .send()
            .await?
            .error_for_status()
    };
    if let Err(error) = told.await {
        tracing::warn!(%error, "could not tell the runtime");
    }
}

/// Does the work of one payload.
///
/// # Errors
/// If an upload of a direct invocation could not be finished, so that Lambda retries it, or the payload can't be understood.
/// Messages of a queue fail by themselves, in the answer.
pub async fn answer(app: &App, payload: Value, run: &Run) -> Result<Value, Error> {
    let invocation =
        trigger::parse(&payload).inspect_err(|error| tracing::error!(%error, "payload refused"))?;
    match invocation {
        Invocation::Direct(records) => {
            let outcomes = all(app, &records, run).await?;
            Ok(serde_json::to_value(Outcomes { outcomes }).unwrap_or_default())
        }
        Invocation::Batch(batch) => {
            let mut results = Vec::with_capacity(batch.tasks.len());
            for task in &batch.tasks {
                results.push(batch_result(app, task, run).await);
            }
            Ok(batch.answer(&results))
        }
        Invocation::Queue(messages) => {
            let mut answer = SqsBatchResponse::default();
            for message in messages {
                let worked = match &message.records {
                    Ok(records) => all(app, records, run).await.map(|_| ()),
                    Err(error) => {
                        tracing::error!(%error, message_id = message.id, "message refused");
                        Err(error.clone().into())
                    }
                };
                if worked.is_err() {
                    answer.add_failure(message.id);
                }
            }
            Ok(serde_json::to_value(answer).unwrap_or_default())
        }
    }
}

/// What became of a task of S3 Batch Operations. What passes is tried again by S3 before its job ends.
async fn batch_result(app: &App, task: &Task, run: &Run) -> (TaskResult, String) {
    let upload = match &task.upload {
        Ok(upload) => upload,
        Err(error) => return (TaskResult::PermanentFailure, error.to_string()),
    };
    match one(app, upload, run).await {
        Ok(outcome) if outcome.status == "rejected" => (
            TaskResult::PermanentFailure,
            "rejected: see its _error.json".to_owned(),
        ),
        Ok(outcome) => (TaskResult::Succeeded, outcome.status.to_owned()),
        Err(error) if error.passes() => {
            tracing::warn!(%error, kind = error.kind(), "not done yet");
            (TaskResult::TemporaryFailure, error.to_string())
        }
        Err(error) => {
            tracing::error!(%error, kind = error.kind(), "upload failed");
            (TaskResult::PermanentFailure, error.to_string())
        }
    }
}

/// Works on all records, also after one has failed.
async fn all(app: &App, records: &[Record], run: &Run) -> Result<Vec<UploadOutcome>, Error> {
    let mut outcomes = Vec::with_capacity(records.len());
    let mut failure = None;
    for record in records {
        match record {
            Record::Other { what } => tracing::info!(what, "needs no work"),
            Record::Upload(upload) => match one(app, upload, run).await {
                Ok(outcome) => outcomes.push(outcome),
                Err(error) => {
                    if error.passes() {
                        tracing::warn!(%error, kind = error.kind(), "not done yet");
                    } else {
                        tracing::error!(%error, kind = error.kind(), "upload failed");
                    }
                    failure.get_or_insert(error);
                }
            },
        }
    }
    failure.map_or(Ok(outcomes), Err)
}

async fn one(app: &App, upload: &Upload, run: &Run) -> Result<UploadOutcome, Error> {
    let outcome = |status, summary_key, words| UploadOutcome {
        bucket: upload.at.bucket.clone(),
        key: upload.at.key.clone(),
        status,
        summary_key,
        words,
    };
    if let Some(skip) = app.config.filter.skips(&upload.at.key) {
        tracing::info!(
            bucket = upload.at.bucket,
            key = upload.at.key,
            reason = skip.reason(),
            "skipped"
        );
        return Ok(outcome("skipped", None, None));
    }
    tracing::info!(bucket = upload.at.bucket, key = upload.at.key, "upload");
    let failed = |cause| Error::Job {
        at: upload.at.clone(),
        cause,
    };
    let began = Instant::now();
    let ended = app.run(upload, run).await;
    if let Some(function) = FUNCTION.as_ref() {
        metrics::emit(&metrics::line(
            function,
            &ended,
            began.elapsed(),
            run.clock.now_ms(),
            &[("bucket", &upload.at.bucket), ("key", &upload.at.key)],
        ));
    }
    Ok(match ended.map_err(failed)? {
        Outcome::Done(done) => outcome(
            "done",
            Some(done.summary.key),
            Some(done.report.summary.words),
        ),
        Outcome::Duplicate { summary } => outcome("duplicate", Some(summary.key), None),
        Outcome::Superseded => outcome("superseded", None, None),
        Outcome::Rejected(_) => outcome("rejected", None, None),
        // Whoever sent the event sends it again: then it goes on.
        Outcome::Continue(cause) => return Err(failed(cause)),
    })
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        Self {
            error_type: error.kind().to_owned(),
            error_message: error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_has_passed_is_none() {
        let clock = Clock::simulated(1_790_000_000_000);
        assert_eq!(moment(&clock, 600_000), None);
        assert_eq!(moment(&clock, 1_790_000_000_003), None);
        let later = moment(&clock, 1_790_000_006_000);
        assert_eq!(later, Some(Instant::now() + Duration::from_secs(6)));
    }
}
