//! Requests that an endpoint refuses: one sentence tells the user what to do, and no unnecessary request is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use crate::support::behaviour::Behaviour;
use crate::support::chat_server::{ChatRequest, ChatServer};
use crate::support::huggingface::TOKEN;
use crate::support::obedient;
use crate::support::runpod_faults::{Fault, Route, Trouble};
use crate::support::runpod_jobs::JobPlan;
use crate::support::runpod_server::{KEY, RunPodServer};
use crate::support::workplace::{Workplace, meeting};
use transcript_summarizer::job::Outcome;

/// Simulated round-trip time to a real endpoint.
const LATENCY: Duration = Duration::from_millis(150);

/// The message that users get about a job that fails this way.
async fn told(place: &Workplace, passes: bool) -> String {
    let upload = place.upload("board.txt", meeting(9000));
    let message = match place.run(&upload).await {
        Err(cause) if passes && cause.passes() => cause.to_string(),
        Err(cause) if !passes && !cause.passes() => {
            let report = place.read_json("summaries/board.txt_error.json");
            assert_eq!(report["message"], cause.to_string());
            assert_eq!(report["kind"], "ConfigurationError");
            assert!(report["next_step"].as_str().unwrap().starts_with("fix"));
            cause.to_string()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(place.exists("summaries/board.txt_error.json"), !passes);
    assert!(!place.exists("summaries/board.txt_summary.txt"));
    assert!(
        !message.contains(TOKEN) && !message.contains(KEY),
        "{message}"
    );
    assert!(
        !message.contains('\n') && message.chars().count() < 400,
        "{message}"
    );
    eprintln!("{message}");
    message
}

fn assert_says(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "no {word:?} in {message}");
    }
}

#[tokio::test]
async fn hugging_face_refuses() {
    let long = "<html><body><h1>404 Not Found</h1></body></html>";
    for (status, body, words) in [
        (
            401,
            r#"{"error":"Invalid username or password."}"#,
            ["refused the token", "check HF_API_TOKEN"],
        ),
        (
            402,
            r#"{"error":"You have exceeded your monthly included credits for Inference Providers."}"#,
            [
                "no credits are left",
                "buy credits for the account of HF_API_TOKEN",
            ],
        ),
        (
            400,
            "Bad Request: Endpoint is paused, ask a maintainer to restart it",
            [
                "the endpoint is paused",
                "resume it, or set HF_ENDPOINT_URL",
            ],
        ),
        (
            400,
            r#"{"error":{"message":"The requested model 'x/y' does not exist","type":"invalid_request_error","code":"model_not_found"}}"#,
            ["does not serve this model", "check HF_MODEL"],
        ),
        (
            404,
            long,
            [
                "knows no such model or path",
                "check HF_MODEL and HF_ENDPOINT_URL",
            ],
        ),
    ] {
        let server = ChatServer::start(move |_| {
            Behaviour::After(LATENCY, Box::new(Behaviour::status(status, body)))
        })
        .await;
        let place = Workplace::new(Some(server.url()), &[("MODEL_CONCURRENCY", "8")]).await;
        let message = told(&place, false).await;
        assert_says(&message, &words);
        // Whose server it is, is told by its address.
        assert_says(&message, &[&*server.address().to_string()]);
        assert!(!message.contains("Hugging Face"), "{message}");
        assert_eq!(server.requests().len(), 1, "{status}: nothing else is sent");
    }
}

#[tokio::test]
async fn runpod_refuses() {
    for (status, body, words) in [
        (401, "", ["refused the token", "check RUNPOD_API_KEY"]),
        (
            402,
            r#"{"error":"insufficient balance"}"#,
            ["no credits are left", "RUNPOD_API_KEY"],
        ),
        (403, "", ["lacks a permission", "RUNPOD_API_KEY"]),
        (
            404,
            r#"{"error":"endpoint not found"}"#,
            ["knows no such model or path", "RUNPOD_ENDPOINT_URL"],
        ),
    ] {
        let server = RunPodServer::start(|_| JobPlan::text("x")).await;
        let refusal = Trouble::Late(LATENCY, Box::new(Trouble::status(status, body)));
        server.fail_always(Route::Run, Fault::Before(refusal));
        let place = Workplace::runpod(&server.url(), &[("MODEL_CONCURRENCY", "8")]).await;
        assert_says(&told(&place, false).await, &words);
        assert_eq!(server.calls().len(), 1, "{status}: nothing else is sent");
    }
}

#[tokio::test]
async fn a_model_that_the_workers_do_not_serve() {
    let server = RunPodServer::start(|_| {
        JobPlan::failed(
            "{'error': {'message': 'vLLM returned HTTP 404: {\"error\":{\"message\":\"The model `x/y` does not exist.\",\
             \"type\":\"NotFoundError\",\"code\":404}}', 'type': 'worker_error', 'code': None}}",
        )
        .executing_for(LATENCY)
    })
    .await;
    let place = Workplace::runpod(&server.url(), &[("RUNPOD_MODEL", "x/y")]).await;
    let message = told(&place, false).await;
    assert_says(&message, &["no such model", "check RUNPOD_MODEL"]);
    assert_eq!(server.unaccounted(), Vec::<String>::new());
    assert_eq!(server.retries(), 0);
}

#[tokio::test]
async fn a_server_without_tls_is_reported() {
    let server = ChatServer::start(|_| Behaviour::text("x")).await;
    let secure = server.url().replace("http://", "https://");
    let place = Workplace::new(Some(&secure), &[]).await;
    let words = ["does not speak TLS", "check HF_ENDPOINT_URL"];
    assert_says(&told(&place, false).await, &words);
    let secure = secure.replace("/v1", "/v2/abc");
    let place = Workplace::runpod(&secure, &[]).await;
    let words = ["does not speak TLS", "check RUNPOD_ENDPOINT_URL"];
    assert_says(&told(&place, false).await, &words);
    assert!(server.requests().is_empty());
}

/// Name resolution happens in real time even though the clock is paused; only the waits between attempts are skipped.
#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_exist() {
    let places = [
        (
            Workplace::new(Some("https://nonexistent.invalid/v1"), &[]).await,
            "HF_ENDPOINT_URL",
        ),
        (
            Workplace::runpod("https://nonexistent.invalid/v2/abc", &[]).await,
            "RUNPOD_ENDPOINT_URL",
        ),
    ];
    for (place, variable) in places {
        let upload = place.upload("board.txt", meeting(2000));
        // A resolver that does not answer proves nothing about the host, so that failure counts as transient.
        let message = match place.run(&upload).await {
            Err(cause) if cause.passes() => {
                assert_says(
                    &cause.to_string(),
                    &["cannot be reached: check the network and"],
                );
                cause.to_string()
            }
            Err(cause) => {
                assert_says(&cause.to_string(), &["host was not found: check"]);
                assert!(place.exists("summaries/board.txt_error.json"));
                cause.to_string()
            }
            other => panic!("{other:?}"),
        };
        assert_says(&message, &[variable, "nonexistent.invalid"]);
    }
}

#[tokio::test]
async fn keys_are_not_sent_in_the_clear() {
    for (key, url) in [
        ("HF_API_TOKEN", "HF_ENDPOINT_URL"),
        ("RUNPOD_API_KEY", "RUNPOD_ENDPOINT_URL"),
    ] {
        let settings = [(key, "secret"), (url, "http://example.org/v2/abc")];
        let Err(error) = Workplace::configured(&settings).await else {
            panic!("{url} was accepted");
        };
        let words = [
            url,
            "http://example.org/v2/abc",
            "would send the token unencrypted",
            "https://",
        ];
        assert_says(&error.to_string(), &words);
    }
}

/// Runs on a real clock, where load delays requests, so only requests that come too early fail. The rate limiter's own tests
/// cover the rest.
#[tokio::test]
async fn a_wait_that_is_asked_for_is_kept() {
    for as_date in [false, true] {
        let server = ChatServer::start(move |request: &ChatRequest| {
            if request.number >= 5 {
                return Behaviour::text(obedient::answer(request.message("user")));
            }
            let now = SystemTime::now();
            let wait = if as_date {
                httpdate::fmt_http_date(now + Duration::from_secs(1))
            } else {
                "1".to_owned()
            };
            let date = ("date", httpdate::fmt_http_date(now));
            let headers = vec![date, ("retry-after", wait)];
            Behaviour::Status(429, headers, "slow down".to_owned())
        })
        .await;
        let place = Workplace::new(Some(server.url()), &[("MODEL_CONCURRENCY", "8")]).await;
        let upload = place.upload("board.txt", meeting(3000));
        assert!(matches!(place.run(&upload).await, Ok(Outcome::Done(_))));
        let arrivals: Vec<_> = server.requests().iter().map(|request| request.at).collect();
        let waits = arrivals.windows(2).take(5).map(|pair| pair[1] - pair[0]);
        let waits: Vec<Duration> = waits.collect();
        eprintln!("as a date {as_date}: {waits:?}");
        let second = Duration::from_secs(1);
        assert!(
            waits.iter().all(|wait| *wait >= second),
            "too early: {waits:?}"
        );
    }
}

#[tokio::test]
async fn a_mended_server_is_asked_again() {
    let broken = Arc::new(AtomicBool::new(true));
    let mended = Arc::clone(&broken);
    let server = ChatServer::start(move |request: &ChatRequest| match broken.load(Relaxed) {
        true => Behaviour::status(400, r#"{"error":{"message":"chat template is broken"}}"#),
        false => Behaviour::text(obedient::answer(request.message("user"))),
    })
    .await;
    let place = Workplace::new(Some(server.url()), &[]).await;
    let upload = place.upload("board.txt", meeting(9000));
    let cause = place.run(&upload).await.unwrap_err();
    assert_says(&cause.to_string(), &["chat template is broken"]);
    let refused = server.requests().len();
    place.run(&upload).await.unwrap_err();
    assert!(server.requests().len() <= 2 * refused);
    mended.store(false, Relaxed);
    let outcome = place.run(&upload).await;
    assert!(matches!(outcome, Ok(Outcome::Done(_))), "{outcome:?}");
}
