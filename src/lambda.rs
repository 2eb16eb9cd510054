//! Serves Lambda invocations: parses the payload, summarizes its uploads, and returns the response that the sender expects.

pub mod api;
mod metrics;
pub mod telemetry;

use std::sync::LazyLock;
use std::time::Duration;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde_json::{Value, json};
use tokio::time::Instant;
use tracing::{Instrument, Span, field};

use crate::chain::chain;
use crate::clock::Clock;
use crate::http::client_builder;
use crate::job::{App, JobError, Outcome, Upload};
use crate::lambda::api::Api;
use crate::run::{Phase, Run};
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
        let run = Run::new(clock.clone())
            .until(moment(clock, deadline))
            .of_invocation(&event.context.request_id);
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
    if let Some(function) = FUNCTION.as_ref() {
        metrics::emit(&metrics::not_started(function, Clock::System.now_ms()));
    }
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
            .json(&json!({
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
        let span = span_of(&upload, run);
        let ended = summarize(app, &upload, delivery, run).instrument(span.clone());
        match ended.await {
            Ok(outcome) => handled.push(Handled::new(upload.at, outcome)),
            Err(error) => {
                let (kind, reason) = (error.kind(), chain(&error));
                span.in_scope(|| match error.passes() {
                    true => tracing::warn!(error = reason, kind, "not done yet"),
                    false => tracing::error!(error = reason, kind, "upload failed"),
                });
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

/// What every log line of a job names. The job records its id and its phases in it.
///
/// A span of a lower level would be missing from all lines if the log level is raised.
fn span_of(upload: &Upload, run: &Run) -> Span {
    let (request, bucket, key) = (&*run.invocation, &upload.at.bucket, &upload.at.key);
    let phase = Phase::default().name();
    tracing::error_span!(
        "job",
        requestId = request,
        bucket,
        key,
        job_id = field::Empty,
        phase
    )
}

/// The same for lines of metrics.
fn fields_of(upload: &Upload, run: &Run) -> Value {
    let (bucket, key, phase) = (&upload.at.bucket, &upload.at.key, run.phase().name());
    json!({"requestId": *run.invocation, "bucket": bucket, "key": key, "job_id": run.job_id(), "phase": phase})
}

/// Summarizes one upload, unless its key is filtered out, and writes its metrics.
async fn summarize(
    app: &App,
    upload: &Upload,
    delivery: &Delivery,
    run: &Run,
) -> Result<Outcome, InvocationError> {
    if let Some(skip) = app.config.skips_upload(upload) {
        tracing::info!(reason = skip.reason(), "skipped");
        return Ok(Outcome::Skipped(skip));
    }
    tracing::info!("upload");
    let run = &run.clone().of_one_job();
    let metered = match FUNCTION.as_ref() {
        Some(function) => {
            let (upload, of) = (upload.clone(), run.clone());
            run.clone().metered_by(move |spending| {
                let fields = fields_of(&upload, &of);
                let now_ms = of.clock.now_ms();
                metrics::emit(&metrics::spent(function, spending, now_ms, fields));
            })
        }
        None => run.clone(),
    };
    let began = Instant::now();
    let ended = loop {
        let ended = app.run(upload, &metered).await;
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
        let fields = fields_of(upload, run);
        let now_ms = run.clock.now_ms();
        let line = metrics::ended(function, &ended, began.elapsed(), now_ms, fields);
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
    use std::collections::HashMap;
    use std::io;
    use std::path::Path;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::prelude::*;

    use super::*;
    use crate::http::Http;
    use crate::job::{Config, KnownHabits, LEASE, Surface};
    use crate::store::DirStore;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_has_passed_is_ignored() {
        let clock = Clock::simulated(1_790_000_000_000);
        assert_eq!(moment(&clock, 600_000), None);
        assert_eq!(moment(&clock, 1_790_000_000_003), None);
        let later = moment(&clock, 1_790_000_006_000);
        assert_eq!(later, Some(Instant::now() + Duration::from_secs(6)));
    }

    /// What was logged.
    #[derive(Debug, Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Log {
        fn lines(&self) -> Vec<Value> {
            let log = self.0.lock().unwrap();
            let lines = log.split(|byte| *byte == b'\n');
            let lines = lines.filter(|line| !line.is_empty());
            lines
                .map(|line| serde_json::from_slice(line).unwrap())
                .collect()
        }
    }

    /// The log lines of uploads in `dir`, where `log_level` is chosen. These are their objects, as S3 tells of them.
    async fn logged(dir: &Path, log_level: &str, objects: &[Value]) -> Vec<Value> {
        let settings = HashMap::from([("MODEL_PROVIDER", "extractive"), ("SUMMARY_WORDS", "50")]);
        let lookup = |name: &str| settings.get(name).map(|value| (*value).to_owned());
        let config = Config::from_lookup(Surface::Lambda, &lookup).unwrap();
        let store = Arc::new(DirStore::new(dir));
        let app = App {
            source: store.clone(),
            target: store,
            model: config.provider.connect(&Http::default()).await.unwrap(),
            transcriber: None,
            speaker: None,
            config: Arc::new(config),
            trace: None,
            lease: LEASE,
            durable: true,
            habits: KnownHabits::default(),
        };
        let log = Log::default();
        let writer = log.clone();
        let lines = telemetry::lines(log_level, move || writer.clone());
        let _logging = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines));
        let records = objects.iter().map(|object| {
            json!({"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {
                "bucket": {"name": "b"}, "object": object}})
        });
        let run = Run::new(Clock::System).of_invocation("request-7");
        let payload = json!({"Records": records.collect::<Vec<Value>>()});
        let _ = answer(&app, payload, &run).await;
        log.lines()
    }

    #[tokio::test]
    async fn every_line_of_a_job_names_its_upload_and_from_then_on_its_id_and_phase() {
        let dir = tempfile::tempdir().unwrap();
        let bucket = dir.path().join("b");
        std::fs::create_dir(&bucket).unwrap();
        let text =
            "The crane stops on Monday, and the ferry takes the freight until it is mended. ";
        std::fs::write(bucket.join("a.txt"), text.repeat(40)).unwrap();
        std::fs::write(bucket.join("picture.txt"), b"\x89PNG\r\n\x1a\n").unwrap();
        let objects = ["a.txt", "gone.txt", "other.pdf", "picture.txt"]
            .map(|key| json!({"key": key, "sequencer": "0A"}));
        let lines = logged(dir.path(), "info", &objects).await;
        for line in &lines {
            let span = &line["span"];
            let of = (&span["requestId"], &span["bucket"]);
            assert_eq!(of, (&json!("request-7"), &json!("b")), "{line}");
            assert!(
                span["key"].is_string() && span["phase"].is_string(),
                "{line}"
            );
        }
        let line = |key: &str, message: &str| {
            let is_meant = |line: &&Value| line["span"]["key"] == key && line["message"] == message;
            let found = lines.iter().find(is_meant);
            found.unwrap_or_else(|| panic!("no line {message:?} of {key} in {lines:?}"))
        };
        let (planned, done) = (line("a.txt", "planned"), line("a.txt", "done"));
        assert!(planned["span"]["job_id"].is_string(), "{planned}");
        assert_eq!(done["span"]["job_id"], planned["span"]["job_id"]);
        let phases = (&planned["span"]["phase"], &done["span"]["phase"]);
        assert_eq!(phases, (&json!("reading"), &json!("publishing")));
        let reason = line("gone.txt", "superseded")["reason"].as_str();
        assert!(reason.unwrap().contains("deleted"), "{reason:?}");
        line("other.pdf", "skipped");
        line("picture.txt", "rejected");
    }

    #[tokio::test]
    async fn a_raised_log_level_leaves_errors_with_their_upload() {
        let dir = tempfile::tempdir().unwrap();
        // No event has identified a state of it that might have been deleted since.
        let lines = logged(dir.path(), "error", &[json!({"key": "gone.txt"})]).await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["message"], "upload failed", "{lines:?}");
        assert_eq!(lines[0]["span"]["key"], "gone.txt");
    }
}
