//! Failures of the Hugging Face client, each produced on a real socket: how it is classified, and the message shown.

use std::time::{Duration, Instant};

use crate::support::behaviour::{Behaviour, End};
use crate::support::chat_server::ChatServer;
use crate::support::huggingface::{SPOKEN, TOKEN, client, event, events, failure, piece, submit};
use bytes::Bytes;
use serde_json::json;
use tokio::net::TcpListener;
use transcript_summarizer::model::ErrorKind;
use transcript_summarizer::wire::http::Timeouts;

#[tokio::test]
async fn refusals_say_which_setting_to_look_at() {
    for (status, body, kind, words) in [
        (
            401,
            format!("{{\"error\":\"Invalid token {TOKEN}\"}}"),
            ErrorKind::Configuration,
            "HF_API_TOKEN",
        ),
        (
            402,
            r#"{"error":"depleted your monthly included credits"}"#.to_owned(),
            ErrorKind::Configuration,
            "credits",
        ),
        (403, String::new(), ErrorKind::Configuration, "HF_API_TOKEN"),
        (
            404,
            "Not Found".to_owned(),
            ErrorKind::Configuration,
            "HF_MODEL and HF_ENDPOINT_URL",
        ),
        (
            400,
            "Bad Request: The endpoint is paused, ask a maintainer".to_owned(),
            ErrorKind::Configuration,
            "is paused: resume it",
        ),
        (
            410,
            r#"{"error":"no longer supported. Please use https://router.huggingface.co"}"#
                .to_owned(),
            ErrorKind::Configuration,
            "https://router.huggingface.co",
        ),
        (
            422,
            format!("{{\"error\":\"bad content: {SPOKEN}\"}}"),
            ErrorKind::BadInput,
            "answered 422: bad content",
        ),
        (
            500,
            format!("<html><body>oops {TOKEN} {SPOKEN}</body></html>"),
            ErrorKind::Ambiguous,
            "answered 500: oops [secret]",
        ),
        (
            502,
            "<html><title>502 Bad Gateway</title></html>".to_owned(),
            ErrorKind::Ambiguous,
            "answered 502: 502 Bad Gateway",
        ),
        (503, String::new(), ErrorKind::Transient, "answered 503)"),
        (500, "x".repeat(200_000), ErrorKind::Ambiguous, "xxx…)"),
    ] {
        let error = failure(Behaviour::status(status, body)).await;
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(words), "{error}");
    }
}

#[tokio::test]
async fn waits_are_passed_on_and_redirects_are_not_followed() {
    let busy =
        |name, value: &str| Behaviour::Status(429, vec![(name, value.to_owned())], String::new());
    for (behaviour, seconds) in [
        (busy("retry-after", "7"), 7),
        (busy("ratelimit", "\"api\";r=0;t=55"), 55),
    ] {
        let retry_after = Some(Duration::from_secs(seconds));
        assert_eq!(
            failure(behaviour).await.kind,
            ErrorKind::Throttled { retry_after }
        );
    }
    let loading = r#"{"error":"Model X is currently loading","estimated_time":20.0}"#;
    let retry_after = Some(Duration::from_secs(20));
    assert_eq!(
        failure(Behaviour::status(503, loading)).await.kind,
        ErrorKind::Warming { retry_after }
    );

    let elsewhere = vec![(
        "location",
        "https://elsewhere.example.org/v1?key=abc".to_owned(),
    )];
    let error = failure(Behaviour::Status(307, elsewhere, String::new())).await;
    assert_eq!(error.kind, ErrorKind::Configuration);
    assert!(
        error.message.contains("https://elsewhere.example.org/v1)"),
        "{error}"
    );
}

#[tokio::test]
async fn an_overflow_names_its_numbers() {
    let body = r#"{"error":{"message":"This model's maximum context length is 4096 tokens. However, your request has 5000 input tokens.","code":400}}"#;
    let error = failure(Behaviour::status(400, body)).await;
    let (window, prompt_tokens) = (Some(4096), Some(5000));
    assert_eq!(
        error.kind,
        ErrorKind::Overflow {
            window,
            prompt_tokens
        }
    );
    assert!(
        error.message.contains("of 4096 tokens, with 5000 tokens"),
        "{error}"
    );
}

#[tokio::test]
async fn success_is_more_than_a_status() {
    for (body, kind) in [
        (
            r#"{"choices":null,"error":{"message":"x","code":429}}"#,
            ErrorKind::Throttled { retry_after: None },
        ),
        (
            r#"{"err":"failed","traceback":"File x"}"#,
            ErrorKind::Ambiguous,
        ),
        (r#"{"choices":null}"#, ErrorKind::SuspectOutput),
        ("null", ErrorKind::SuspectOutput),
        ("", ErrorKind::SuspectOutput),
        (
            "<html><title>Sign in</title></html>",
            ErrorKind::SuspectOutput,
        ),
        (
            r#"{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}"#,
            ErrorKind::SuspectOutput,
        ),
        (
            r#"{"choices":[{"message":{"content":"x"},"finish_reason":"error"}]}"#,
            ErrorKind::SuspectOutput,
        ),
    ] {
        let error = failure(Behaviour::body("application/json", body)).await;
        assert_eq!(error.kind, kind, "{body}: {error}");
    }
    let too_much = events(vec![Bytes::from(vec![b':'; 1 << 20]); 9], End::Properly);
    assert_eq!(failure(too_much).await.kind, ErrorKind::SuspectOutput);
}

#[tokio::test]
async fn a_stream_that_breaks_may_have_been_billed() {
    let error_event = event(&json!({"error": {"message": "upstream gone"}}));
    for (behaviour, words) in [
        (
            events(vec![piece("The"), error_event], End::Properly),
            "upstream gone",
        ),
        (
            events(vec![piece("The")], End::Properly),
            "stream ended before",
        ),
        (events(vec![piece("The")], End::Abort), "connection broke"),
        (events(vec![piece("The")], End::Reset), "connection broke"),
        (Behaviour::HangUp, "connection broke"),
    ] {
        let error = failure(behaviour).await;
        assert_eq!(error.kind, ErrorKind::Ambiguous, "{error}");
        assert!(error.message.contains(words), "{error}");
    }
}

#[tokio::test]
async fn silence_ends_a_call() {
    let began = Instant::now();
    let error = failure(events(vec![piece("The")], End::Silence)).await;
    assert_eq!(error.kind, ErrorKind::Ambiguous);
    assert!(error.message.contains("went silent for 1 s"), "{error}");
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn the_time_until_an_answer_begins_is_limited() {
    let late = Behaviour::After(Duration::from_secs(60), Box::new(Behaviour::text("late")));
    let server = ChatServer::start(move |_| late.clone()).await;
    let mut model = client(server.url());
    model.timeouts = Timeouts {
        first: Duration::from_millis(400),
        idle: Duration::from_secs(60),
    };
    let error = submit(&model).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Ambiguous);
    assert!(
        error.message.contains("gave no answer within 0.4 s"),
        "{error}"
    );
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let error = submit(&client(&format!("http://127.0.0.1:{port}/v1")))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    assert!(
        error.message.contains(
            "cannot be reached: start the server on this machine, or check HF_ENDPOINT_URL"
        ),
        "{error}"
    );

    let plain = ChatServer::start(|_| Behaviour::text("never")).await;
    let error = submit(&client(&plain.url().replace("http:", "https:")))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Configuration, "{error}");
    assert!(
        error
            .message
            .contains("does not speak TLS: check HF_ENDPOINT_URL"),
        "{error}"
    );
    assert!(plain.requests().is_empty());

    let error = submit(&client("https://nonexistent.invalid/v1"))
        .await
        .unwrap_err();
    // A resolver that does not answer proves nothing about the host, so that failure counts as transient.
    let expected = if error.message.contains("cannot be reached") {
        ErrorKind::Unreachable
    } else {
        assert!(
            error
                .message
                .contains("host does not exist: check HF_ENDPOINT_URL"),
            "{error}"
        );
        ErrorKind::Configuration
    };
    assert_eq!(error.kind, expected, "{error}");
    assert!(error.message.contains("nonexistent.invalid"), "{error}");
}
