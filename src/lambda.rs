//! Serves Lambda invocations: parses the payload, summarizes its uploads, and returns the response that the sender expects.

pub mod api;
mod metrics;
pub mod telemetry;

use std::sync::LazyLock;
use std::time::Duration;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::Value;
use tokio::time::Instant;

use crate::chain::chain;
use crate::clock::Clock;
use crate::http::client_builder;
use crate::job::{App, JobError, Outcome, Upload};
use crate::lambda::api::Api;
use crate::run::Run;
use crate::trigger::{Delivery, Event, Handled, InvocationError, Item, ItemResult};

/// `errorType` if the function cannot start, because settings are invalid or the API key cannot be read.
const INIT_ERROR_TYPE: &str = "ConfigurationError";

/// Short, because the runtime API is on this machine.
const INIT_ERROR_TIMEOUT: Duration = Duration::from_secs(2);

/// The shortest timeout that Lambda allows is one second.
const SHORTEST_TIMEOUT_MS: i64 = 1000;

/// How often an invocation that has nobody to continue the job looks whether a recording's transcript exists.
const TRANSCRIPT_WAIT: Duration = Duration::from_secs(15);

/// The function name, a dimension of its metrics; `None` outside Lambda.
static FUNCTION: LazyLock<Option<String>> =
    LazyLock::new(|| std::env::var("AWS_LAMBDA_FUNCTION_NAME").ok());

/// What the function does.
#[derive(Debug)]
pub enum Function {
    /// Summarizes uploads.
    Summarizer(App),
    /// Answers the HTTP API.
    Api(Api),
}

/// Serves invocations until Lambda shuts down the sandbox.
///
/// # Errors
/// If the Lambda runtime cannot be reached.
pub async fn serve(function: &Function, clock: &Clock) -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let deadline = i64::try_from(event.context.deadline).unwrap_or(i64::MAX);
        let run = Run::new(clock.clone()).until(moment(clock, deadline));
        async move {
            match function {
                Function::Summarizer(app) => answer(app, event.payload, &run).await,
                Function::Api(api) => api.answer(&event.payload).await,
            }
        }
    }))
    .await
}

/// Converts a deadline in milliseconds since 1970. Deadlines that have passed, or are closer than the shortest timeout
/// allows, are ignored: Lambda never sends them, but development tools do.
fn moment(clock: &Clock, deadline_ms: i64) -> Option<Instant> {
    let left_ms = deadline_ms.saturating_sub(clock.now_ms());
    tracing::debug!(left_ms, "deadline");
    // Allow for a tenth of the timeout having passed already.
    (left_ms > SHORTEST_TIMEOUT_MS * 9 / 10).then(|| clock.instant(deadline_ms))
}

/// Logs that the function cannot start, and reports it to the Lambda runtime, so that callers see the reason.
pub async fn report_init_error(error: &lambda_runtime::Error) {
    let reason = chain(error.as_ref());
    tracing::error!(error = reason, "cannot start");
    let Ok(api) = std::env::var("AWS_LAMBDA_RUNTIME_API") else {
        return;
    };
    let reported = async {
        client_builder()
            .no_proxy()
            .timeout(INIT_ERROR_TIMEOUT)
            .build()?
            .post(format!("http://{api}/2018-06-01/runtime/init/error"))
            .header("lambda-runtime-function-error-type", INIT_ERROR_TYPE)
            .json(&serde_json::json!({
                "errorType": INIT_ERROR_TYPE, "errorMessage": reason, "stackTrace": []}))
            .send()
            .await?
            .error_for_status()
    };
    if let Err(error) = reported.await {
        tracing::warn!(
            error = chain(&error),
            "could not report the error to the Lambda runtime"
        );
    }
}

/// Handles one payload.
///
/// # Errors
/// If the payload cannot be parsed, or the sender expects a failed invocation when an upload was not finished.
pub async fn answer(app: &App, payload: Value, run: &Run) -> Result<Value, InvocationError> {
    let delivery =
        Delivery::read(&payload).inspect_err(|error| tracing::error!(%error, "payload refused"))?;
    let mut results = Vec::with_capacity(delivery.items.len());
    for item in &delivery.items {
        results.push(work_on(app, item, &delivery, run).await);
    }
    delivery.answer(results)
}

/// Handles all uploads of an item, continuing after a failure.
async fn work_on(app: &App, item: &Item, delivery: &Delivery, run: &Run) -> ItemResult {
    let events = item.events.as_ref().map_err(|error| {
        tracing::error!(%error, item = item.id, "message refused");
        error.clone()
    })?;
    let mut handled = Vec::with_capacity(events.len());
    let mut failure = None;
    for event in events {
        let upload = match event {
            Event::Other { what } => {
                tracing::info!(what, "needs no work");
                continue;
            }
            Event::Transcription { name } => match transcribed(app, name).await {
                Some(upload) => upload,
                None => continue,
            },
            Event::Upload(upload) => upload.clone(),
        };
        match summarize(app, &upload, delivery, run).await {
            Ok(outcome) => handled.push(Handled::new(upload.at, outcome)),
            Err(error) => {
                let (kind, reason) = (error.kind(), chain(&error));
                if error.passes() {
                    tracing::warn!(error = reason, kind, "not done yet");
                } else {
                    tracing::error!(error = reason, kind, "upload failed");
                }
                failure.get_or_insert(error);
            }
        }
    }
    failure.map_or(Ok(handled), Err)
}

/// The recording of a transcription that has ended. If it cannot be found out, the recording's own event continues the job.
async fn transcribed(app: &App, name: &str) -> Option<Upload> {
    match app.recording_of_transcription(name).await {
        Ok(Some(upload)) => Some(upload),
        Ok(None) => {
            tracing::info!(
                name,
                "not a transcription of this function, or its recording is gone"
            );
            None
        }
        Err(error) => {
            tracing::warn!(
                error = chain(&error),
                name,
                "could not look up a transcription"
            );
            None
        }
    }
}

/// Summarizes one upload, unless its key is filtered out, and writes its metrics.
async fn summarize(
    app: &App,
    upload: &Upload,
    delivery: &Delivery,
    run: &Run,
) -> Result<Outcome, InvocationError> {
    let (bucket, key) = (&upload.at.bucket, &upload.at.key);
    if let Some(skip) = app.config.skips_upload(upload) {
        tracing::info!(bucket, key, reason = skip.reason(), "skipped");
        return Ok(Outcome::Skipped(skip));
    }
    tracing::info!(bucket, key, "upload");
    let began = Instant::now();
    let ended = loop {
        let ended = app.run(upload, run).await;
        // A queue delivers the message again; other senders try again once or twice, within minutes.
        let has_time = run
            .time_left()
            .is_none_or(|left| left > 2 * TRANSCRIPT_WAIT);
        if delivery.is_kept() || !has_time || !matches!(ended, Err(JobError::Transcribing)) {
            break ended;
        }
        tokio::time::sleep(TRANSCRIPT_WAIT).await;
    };
    if let Some(function) = FUNCTION.as_ref() {
        let properties = [("bucket", bucket.as_str()), ("key", key)];
        let now_ms = run.clock.now_ms();
        let line = metrics::line(function, &ended, began.elapsed(), now_ms, &properties);
        metrics::emit(&line);
    }
    ended.map_err(|error| InvocationError::Job {
        at: upload.at.clone(),
        source: Box::new(error),
    })
}

impl From<InvocationError> for Diagnostic {
    fn from(error: InvocationError) -> Self {
        Self {
            error_type: error.kind().to_owned(),
            error_message: chain(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_has_passed_is_ignored() {
        let clock = Clock::simulated(1_790_000_000_000);
        assert_eq!(moment(&clock, 600_000), None);
        assert_eq!(moment(&clock, 1_790_000_000_003), None);
        let later = moment(&clock, 1_790_000_006_000);
        assert_eq!(later, Some(Instant::now() + Duration::from_secs(6)));
    }
}
