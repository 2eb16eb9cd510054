//! Failures of the Hugging Face client, each produced on a real socket: how it is classified, and the message shown.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::behaviour::{Behaviour, End};
use crate::support::chat_server::ChatServer;
use crate::support::huggingface::{
    SPOKEN, TOKEN, client, event, events, failure, piece, request, submit,
};
use bytes::Bytes;
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};
use transcript_summarizer::clock::Clock;
use transcript_summarizer::model::{CallOptions, ErrorKind, ModelClient};
use transcript_summarizer::prompt::Prompt;
use transcript_summarizer::run::Run;
use transcript_summarizer::text::Tokens;
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
                .contains("host was not found: check HF_ENDPOINT_URL"),
            "{error}"
        );
        ErrorKind::Configuration
    };
    assert_eq!(error.kind, expected, "{error}");
    assert!(error.message.contains("nonexistent.invalid"), "{error}");
}

/// A socket whose queue of new connections is full: packets that ask for another one are dropped. The connections in the queue are
/// returned with it. On a busy machine a connection may be late although there is room, so one that is late proves nothing yet.
async fn overrun() -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    let mut late = 0;
    while late < 3 {
        match timeout(Duration::from_millis(700), TcpStream::connect(address)).await {
            Ok(made) => {
                queue.push(made.unwrap());
                late = 0;
            }
            Err(_) => late += 1,
        }
    }
    (listener, queue)
}

#[tokio::test]
async fn a_connection_that_is_not_made_in_time_is_told_with_its_own_time_and_has_cost_nothing() {
    let (listener, _queue) = overrun().await;
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let mut model = client(&url);
    model.timeouts.first = Duration::from_secs(600);
    let began = Instant::now();
    let error = submit(&model).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(9));
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    let is_told = |seconds| error.message.contains(&format!("after {seconds} s"));
    assert!((5..=8).any(is_told), "{error}");
    assert!(!error.message.contains("600"), "{error}");

    // It is asked again, and that is no second payment.
    let options = CallOptions {
        max_calls: 1,
        concurrency: 1,
        ..CallOptions::default()
    };
    let run = Run::new(Clock::System);
    let asking = Arc::new(ModelClient::new(Arc::new(model), None, options, &run));
    let call = tokio::spawn({
        let asking = Arc::clone(&asking);
        async move { asking.call(&Prompt::new(request(), Tokens(100))).await }
    });
    while asking.usage().retries == 0 {
        sleep(Duration::from_millis(20)).await;
    }
    let server = ChatServer::accepting(listener, |_| Behaviour::text("An answer."));
    let answer = call.await.unwrap().unwrap();
    assert_eq!(answer.text, "An answer.");
    assert_eq!(server.requests().len(), 1);
    assert_eq!(asking.usage().resubmitted, 0);
}

/// Names the network that a process in one of its own has left.
const LEFT_NETWORK: &str = "IT_LEFT_NETWORK";

fn network() -> PathBuf {
    std::fs::read_link("/proc/self/ns/net").unwrap_or_default()
}

/// A command in a network of its own, which has nothing but a loopback interface that is up.
fn in_own_network(command: &[&str]) -> Command {
    let mut unshare = Command::new("unshare");
    let up = "ip link set lo up && exec \"$0\" \"$@\"";
    unshare.args(["--user", "--map-root-user", "--net", "sh", "-c", up]);
    unshare.args(command).env(LEFT_NETWORK, network());
    unshare
}

#[test]
#[ignore = "long: run by the gate"]
fn a_network_that_carries_nothing_any_more_is_told_with_its_own_time() {
    let Some(left) = std::env::var_os(LEFT_NETWORK) else {
        let tried = in_own_network(&["true"]).status();
        if !tried.is_ok_and(|status| status.success()) {
            eprintln!("skipped: no network can be made here, which takes `unshare` and `ip`");
            return;
        }
        let exe = std::env::current_exe().unwrap();
        let thread = std::thread::current();
        let name = thread.name().unwrap();
        let args = [exe.to_str().unwrap(), "--exact", name, "--ignored"];
        let output = in_own_network(&args).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{told}");
        assert!(told.contains("1 passed"), "{told}");
        return;
    };
    // The network of this machine stays as it is.
    assert!(left.to_string_lossy().starts_with("net:["), "{left:?}");
    assert_ne!(network(), PathBuf::from(left));
    let devices = std::fs::read_to_string("/proc/net/dev").unwrap();
    let names = devices.lines().filter_map(|line| line.split_once(':'));
    assert!(names.into_iter().all(|(name, _)| name.trim() == "lo"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let hour = Duration::from_secs(3600);
        let never = Behaviour::After(hour, Box::new(Behaviour::text("never")));
        let server = ChatServer::start(move |_| never.clone()).await;
        let mut model = client(server.url());
        model.timeouts.first = Duration::from_secs(600);
        let (error, ()) = tokio::join!(submit(&model), async {
            while server.requests().is_empty() {
                sleep(Duration::from_millis(10)).await;
            }
            let down = ["link", "set", "lo", "down"];
            let done = Command::new("ip").args(down).status().unwrap();
            assert!(done.success());
        });
        let error = error.unwrap_err();
        // The server has received the request, so it may have answered it.
        assert_eq!(error.kind, ErrorKind::Ambiguous, "{error}");
        assert!(error.message.contains("connection broke"), "{error}");
        let after = error.message.split_once("after ").unwrap().1;
        let seconds: f32 = after.split_once(" s").unwrap().0.parse().unwrap();
        assert!((20.0..100.0).contains(&seconds), "{error}");
    });
}
