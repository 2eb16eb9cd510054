//! Failures of the RunPod client, each produced on a real socket: how it is classified, and the message shown.

use std::time::{Duration, Instant};

use crate::support::huggingface::{SPOKEN, prompt};
use crate::support::runpod::{
    LONG, client, client_with, failure, impatient, is_clean, poll, settings, submit,
};
use crate::support::runpod_faults::{Fault, Route, Trouble};
use crate::support::runpod_jobs::JobPlan;
use crate::support::runpod_server::{KEY, RunPodServer};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use transcript_summarizer::http::Http;
use transcript_summarizer::model::{ErrorKind, Model};
use transcript_summarizer::provider::runpod::RunPodSettings;
use transcript_summarizer::provider::runpod::follow::{Polled, Queue};
use transcript_summarizer::provider::{RemoteSettings, Settings};

const FAILED: ErrorKind = ErrorKind::JobFailed { timed_out: false };

const TIMED_OUT: ErrorKind = ErrorKind::JobFailed { timed_out: true };

/// An error from the vLLM server as worker-vllm reports it: the Python `repr` of a dictionary, in a string.
fn repr(status: u16, message: &str) -> Value {
    json!(format!(
        "{{'error': {{'message': 'vLLM returned HTTP {status}: {{\"error\":{{\"message\":\"{message}\",\"type\":\"x\",\"code\":{status}}}}}', 'type': 'worker_error', 'code': None}}}}"
    ))
}

/// An exception as RunPod's SDK reports it: JSON in a string.
fn raised(kind: &str, message: &str) -> Value {
    let error = json!({
        "error_type": format!("<class '{kind}'>"),
        "error_message": message,
        "error_traceback": format!("Traceback (most recent call last):\n {SPOKEN} CUDA"),
        "hostname": "h", "worker_id": "w", "runpod_version": "1.12.0",
    });
    json!(error.to_string())
}

#[tokio::test]
async fn failed_jobs_are_classified_by_what_their_workers_say() {
    let overflow = ErrorKind::Overflow {
        window: Some(4096),
        prompt_tokens: Some(5000),
    };
    let too_long = "This model maximum context length is 4096 tokens. However, your request has 5000 input tokens";
    for (error, kind, words) in [
        (
            repr(400, too_long),
            overflow,
            "4096 tokens, with 5000 tokens",
        ),
        (raised("ValueError", too_long), overflow, "4096"),
        (
            repr(400, "temperature must be positive"),
            ErrorKind::BadInput,
            "temperature",
        ),
        (repr(422, "no"), ErrorKind::BadInput, "no"),
        (
            repr(404, "The model `x` does not exist"),
            ErrorKind::Configuration,
            "RUNPOD_MODEL",
        ),
        (
            repr(401, "Unauthorized"),
            ErrorKind::Configuration,
            "RUNPOD_API_KEY",
        ),
        (repr(403, "no"), ErrorKind::Configuration, "RUNPOD_API_KEY"),
        (
            json!({"message": "Model not found", "type": "x"}),
            ErrorKind::Configuration,
            "RUNPOD_MODEL",
        ),
        (repr(429, "busy"), FAILED, "busy"),
        (repr(500, "boom"), FAILED, "boom"),
        (repr(503, "loading"), FAILED, "loading"),
        (
            json!("Job input must contain one of: messages, prompt"),
            ErrorKind::BadInput,
            "must contain",
        ),
        (raised("KeyError", "'text'"), ErrorKind::BadInput, "'text'"),
        (
            raised("TypeError", "got an unexpected keyword argument 'x'"),
            ErrorKind::BadInput,
            "unexpected",
        ),
        (
            raised("RuntimeError", "something broke"),
            FAILED,
            "something broke",
        ),
        (
            json!("CUDA out of memory. Tried to allocate 2 GiB"),
            FAILED,
            "CUDA",
        ),
        (
            json!("vLLM server process is not running; worker is unhealthy"),
            FAILED,
            "unhealthy",
        ),
        (
            json!("Request to vLLM failed: Server disconnected"),
            FAILED,
            "disconnected",
        ),
        (
            json!({"message": "Engine core is dead", "code": null}),
            FAILED,
            "dead",
        ),
        (json!("handler: boom \ntraceback: File x"), FAILED, "boom"),
        (json!("worker exited with code 137"), FAILED, "137"),
        (
            json!("job timed out after 1 retries"),
            TIMED_OUT,
            "1 retries",
        ),
        (
            json!("executionTimeout exceeded"),
            TIMED_OUT,
            "took too long",
        ),
        (json!(null), FAILED, "job FAILED)"),
    ] {
        let failed = failure(JobPlan::failed(error.clone())).await;
        assert_eq!(failed.kind, kind, "{error}: {failed}");
        assert!(failed.message.contains(words), "{error}: {failed}");
    }
    let failed = failure(JobPlan::timed_out()).await;
    assert_eq!(failed.kind, TIMED_OUT);
    assert!(failed.message.contains("job TIMED_OUT)"), "{failed}");
}

#[tokio::test]
async fn workers_repeat_neither_key_nor_transcript() {
    for error in [
        raised("RuntimeError", &format!("cannot parse {SPOKEN} with {KEY}")),
        json!({"message": format!("bad input: {SPOKEN}"), "key": KEY}),
        repr(400, &format!("bad content {SPOKEN} {KEY}")),
        json!(format!("{KEY} {SPOKEN} ").repeat(400)),
    ] {
        // `failure` checks that neither the key nor the transcript text is shown.
        let failed = failure(JobPlan::failed(error)).await;
        assert!(failed.message.contains("[request]"), "{failed}");
    }
    let page = format!("<html><title>{SPOKEN} {KEY}</title></html>");
    let shown = failure(JobPlan::output(json!(page))).await;
    assert!(
        shown.message.contains("a web page:[request][secret]"),
        "{shown}"
    );
}

#[tokio::test]
async fn submissions_that_fail() {
    let server = RunPodServer::start(|_| JobPlan::text("x")).await;
    let model = impatient(&server);
    let quoted = format!("{{\"error\":\"bad: {SPOKEN} {KEY}\"}}");
    let retry_after = Some(Duration::from_secs(7));
    for (fault, kind, words) in [
        (
            Fault::Before(Trouble::busy(7)),
            ErrorKind::Throttled { retry_after },
            "7 s",
        ),
        (
            Fault::Before(Trouble::status(401, "")),
            ErrorKind::Configuration,
            "RUNPOD_API_KEY",
        ),
        (
            Fault::Before(Trouble::status(403, "")),
            ErrorKind::Configuration,
            "RUNPOD_API_KEY",
        ),
        (
            Fault::Before(Trouble::status(404, "")),
            ErrorKind::Configuration,
            "RUNPOD_ENDPOINT_URL",
        ),
        (
            Fault::Before(Trouble::status(400, quoted.clone())),
            ErrorKind::BadInput,
            "bad:[request][secret]",
        ),
        (
            Fault::Before(Trouble::status(413, "")),
            ErrorKind::Overflow {
                window: None,
                prompt_tokens: None,
            },
            "413",
        ),
        (
            Fault::After(Trouble::status(500, quoted)),
            ErrorKind::Ambiguous,
            "answered 500",
        ),
        (
            Fault::After(Trouble::gateway()),
            ErrorKind::Ambiguous,
            "502 Bad Gateway",
        ),
        (
            Fault::After(Trouble::Hang),
            ErrorKind::Ambiguous,
            "within 0.3 s",
        ),
        (
            Fault::After(Trouble::HangUp),
            ErrorKind::Ambiguous,
            "connection broke",
        ),
        (
            Fault::After(Trouble::Reset),
            ErrorKind::Ambiguous,
            "connection broke",
        ),
        (
            Fault::After(Trouble::Half),
            ErrorKind::Ambiguous,
            "ends in the middle",
        ),
        (
            Fault::After(Trouble::status(200, "")),
            ErrorKind::Ambiguous,
            "an empty body",
        ),
        (
            Fault::After(Trouble::status(200, "ok")),
            ErrorKind::Ambiguous,
            "2 bytes that are no JSON",
        ),
        (
            Fault::After(Trouble::status(200, "{}")),
            ErrorKind::Ambiguous,
            "without a job",
        ),
        (
            Fault::After(Trouble::status(200, "{\"status\":\"IN_QUEUE\"}")),
            ErrorKind::Ambiguous,
            "without an id",
        ),
        (
            Fault::After(Trouble::status(200, "<html><title>Sign in</title></html>")),
            ErrorKind::Ambiguous,
            "Sign in",
        ),
        (
            Fault::After(Trouble::status(200, "{\"error\":\"rate limit\"}")),
            ErrorKind::Throttled { retry_after: None },
            "rate limit",
        ),
    ] {
        let shown = format!("{fault:?}");
        let before = server.submits();
        server.fail_next(Route::Run, [fault]);
        let error = model.submit(&prompt()).await.unwrap_err();
        is_clean(&error);
        assert_eq!(error.kind, kind, "{shown}: {error}");
        assert!(error.message.contains(words), "{shown}: {error}");
        assert_eq!(server.submits(), before + 1, "sent once: {shown}");
    }
    // These jobs were accepted although the reply was lost.
    assert_eq!(server.unaccounted().len(), 12);
}

#[tokio::test]
async fn questions_that_fail_lose_no_job() {
    let server = RunPodServer::start(|_| JobPlan::text("Still there.")).await;
    let model = impatient(&server);
    let ticket = submit(&model).await;
    let retry_after = Some(Duration::from_secs(7));
    for (wait, route) in [(LONG, Route::StatusSync), (Duration::ZERO, Route::Status)] {
        for (trouble, kind) in [
            (Trouble::busy(7), ErrorKind::Throttled { retry_after }),
            (Trouble::status(500, ""), ErrorKind::Transient),
            (Trouble::status(401, ""), ErrorKind::Configuration),
            (Trouble::status(408, ""), ErrorKind::Transient),
            (Trouble::gateway(), ErrorKind::Transient),
            (Trouble::status(524, "<html>"), ErrorKind::Transient),
            (Trouble::HangUp, ErrorKind::Transient),
            (Trouble::Reset, ErrorKind::Transient),
            (Trouble::Half, ErrorKind::Transient),
            (Trouble::status(200, "<html>"), ErrorKind::Transient),
            (Trouble::status(200, "null"), ErrorKind::Transient),
            (Trouble::status(200, ""), ErrorKind::Transient),
            (
                Trouble::status(200, format!("{{\"error\":\"{SPOKEN}\"}}")),
                ErrorKind::Transient,
            ),
        ] {
            let shown = format!("{trouble:?}");
            server.fail_next(route, [Fault::After(trouble)]);
            let error = poll(&model, &ticket, wait).await.unwrap_err();
            assert_eq!(error.kind, kind, "{shown}: {error}");
        }
        assert_eq!(server.unaccounted(), std::slice::from_ref(&ticket.id));
    }
    assert!(matches!(
        poll(&model, &ticket, LONG).await,
        Ok(Polled::Done(_))
    ));
    assert!(server.unaccounted().is_empty());
}

#[tokio::test]
async fn a_question_has_time_for_being_held_and_no_more() {
    let server = RunPodServer::start(|_| JobPlan::text("x")).await;
    let (patient, model) = (client(&server), impatient(&server));
    let ticket = submit(&patient).await;
    server.fail_always(Route::StatusSync, Fault::Before(Trouble::Hang));
    let began = Instant::now();
    let error = poll(&model, &ticket, Duration::from_secs(1))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient);
    assert!(error.message.contains("within 1.3 s"), "{error}");
    assert!(began.elapsed() >= Duration::from_millis(1300));
    server.heal(Route::StatusSync);
    assert!(poll(&patient, &ticket, LONG).await.is_ok());
}

#[tokio::test]
async fn another_key_another_endpoint_and_no_endpoint() {
    let server = RunPodServer::start(|_| JobPlan::text("x")).await;
    let stranger = settings("rpa_another", &server.url(), None, Map::new());
    assert!(!format!("{stranger:?}").contains("another"));
    let nobody = RemoteSettings {
        key: None,
        ..stranger.clone()
    };
    for settings in [stranger, nobody] {
        let settings = RunPodSettings {
            remote: settings,
            in_batches: false,
        };
        let model = settings.connect(&Http::default()).await.unwrap();
        assert!(!format!("{model:?}").contains("another"));
        let error = model.submit(&prompt()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Configuration, "{error}");
        assert!(error.message.contains("RUNPOD_API_KEY"), "{error}");
    }
    let elsewhere = client_with(&format!("{}x", server.url()), None, Map::new());
    let error = elsewhere.submit(&prompt()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Configuration, "{error}");
    assert!(error.message.contains("RUNPOD_ENDPOINT_URL"), "{error}");
    assert!(server.jobs().is_empty());

    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v2/x", closed.local_addr().unwrap());
    drop(closed);
    let error = client_with(&url, None, Map::new())
        .submit(&prompt())
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    assert!(error.message.contains("RUNPOD_ENDPOINT_URL"), "{error}");
}

#[tokio::test]
async fn retries_that_fail_say_why() {
    let server = RunPodServer::start(|_| JobPlan::failed("boom")).await;
    let model = client(&server);
    let ticket = submit(&model).await;
    for (status, kind) in [
        (404, ErrorKind::Lost),
        (401, ErrorKind::Configuration),
        (500, ErrorKind::Transient),
        (429, ErrorKind::Throttled { retry_after: None }),
    ] {
        let quoted = format!("{{\"error\":\"{SPOKEN} {KEY}\"}}");
        server.fail_next(
            Route::Retry,
            [Fault::Before(Trouble::status(status, quoted))],
        );
        let error = model.rerun(&ticket).await.unwrap_err();
        is_clean(&error);
        assert_eq!(error.kind, kind, "{error}");
    }
    assert_eq!(server.executions(), 1);
}
