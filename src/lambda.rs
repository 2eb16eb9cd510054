//! Serves Lambda invocations: parses the payload, summarizes its uploads, and returns the response that the sender expects.

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
use crate::job::filter::Skip;
use crate::job::{App, Outcome, Upload};
use crate::run::Run;
use crate::trigger::{Delivery, Event, Handled, InvocationError, Item, ItemResult};

/// `errorType` if the function cannot start, because settings are invalid or the API key cannot be read.
const INIT_ERROR_TYPE: &str = "ConfigurationError";

/// Short, because the runtime API is on this machine.
const INIT_ERROR_TIMEOUT: Duration = Duration::from_secs(2);

/// The shortest timeout that Lambda allows is one second.
const SHORTEST_TIMEOUT_MS: i64 = 1000;

/// The function name, a dimension of its metrics; `None` outside Lambda.
static FUNCTION: LazyLock<Option<String>> =
    LazyLock::new(|| std::env::var("AWS_LAMBDA_FUNCTION_NAME").ok());

/// Serves invocations until Lambda shuts down the sandbox.
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
        results.push(work_on(app, item, run).await);
    }
    delivery.answer(results)
}

/// Handles all uploads of an item, continuing after a failure.
async fn work_on(app: &App, item: &Item, run: &Run) -> ItemResult {
    let events = item.events.as_ref().map_err(|error| {
        tracing::error!(%error, item = item.id, "message refused");
        error.clone()
    })?;
    let mut handled = Vec::with_capacity(events.len());
    let mut failure = None;
    for event in events {
        match event {
            Event::Other { what } => tracing::info!(what, "needs no work"),
            Event::Upload(upload) => match summarize(app, upload, run).await {
                Ok(outcome) => handled.push(Handled::new(upload.at.clone(), outcome)),
                Err(error) => {
                    let (kind, reason) = (error.kind(), chain(&error));
                    if error.passes() {
                        tracing::warn!(error = reason, kind, "not done yet");
                    } else {
                        tracing::error!(error = reason, kind, "upload failed");
                    }
                    failure.get_or_insert(error);
                }
            },
        }
    }
    failure.map_or(Ok(handled), Err)
}

/// Summarizes one upload, unless its key is filtered out, and writes its metrics.
async fn summarize(app: &App, upload: &Upload, run: &Run) -> Result<Outcome, InvocationError> {
    let (bucket, key) = (&upload.at.bucket, &upload.at.key);
    let list = app.config.lists.have(key).then_some(Skip::List);
    if let Some(skip) = app.config.filter.skips(key).or(list) {
        tracing::info!(bucket, key, reason = skip.reason(), "skipped");
        return Ok(Outcome::Skipped(skip));
    }
    tracing::info!(bucket, key, "upload");
    let began = Instant::now();
    let ended = app.run(upload, run).await;
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
