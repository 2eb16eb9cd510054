//! Servers as people run them, over real sockets: slow ones, busy ones, ones that restart, whose window is smaller than was
//! said or shared by all calls, or that close connections without a word.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::behaviour::{Behaviour, Completion, End};
use crate::support::chat_server::{ChatRequest, ChatServer};
use crate::support::huggingface::{client, events, failure, piece, prompt, submit};
use crate::support::obedient;
use crate::support::workplace::{Workplace, meeting};
use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use transcript_summarizer::clock::Clock;
use transcript_summarizer::job::{Done, JobError, Outcome};
use transcript_summarizer::model::{CallOptions, ErrorKind, Model, ModelClient};
use transcript_summarizer::run::Run;
use transcript_summarizer::wire::http::Timeouts;

fn obedient_answer(request: &ChatRequest) -> Behaviour {
    Behaviour::text(obedient::answer(request.message("user")))
}

/// Prompt tokens as this server counts them.
fn counted(request: &ChatRequest) -> usize {
    let words = |role| request.message(role).split_whitespace().count();
    (words("system") + words("user")) * 4 / 3
}

async fn done(place: &Workplace, words: usize) -> Box<Done> {
    let upload = place.upload("board.txt", meeting(words));
    match place.run(&upload).await {
        Ok(Outcome::Done(done)) => done,
        other => panic!("not done: {other:?}"),
    }
}

async fn failed(place: &Workplace, words: usize) -> JobError {
    let upload = place.upload("board.txt", meeting(words));
    match place.run(&upload).await {
        Err(error) => error,
        other => panic!("not failed: {other:?}"),
    }
}

#[tokio::test]
async fn workers_that_are_not_up_yet_are_starting() {
    for (status, body) in [
        (404, r#"{"error":"affinity_worker_gone"}"#),
        (
            404,
            r#"{"error":{"message":"gone","code":"affinity_worker_gone"}}"#,
        ),
        (400, r#"{"error":"timed out waiting for worker"}"#),
        (400, "Timed out waiting for worker to be ready"),
        (400, r#"{"error":"no workers available"}"#),
        (500, "No workers available"),
        (
            503,
            r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#,
        ),
    ] {
        let error = failure(Behaviour::status(status, body)).await;
        let expected = ErrorKind::Warming { retry_after: None };
        assert_eq!(error.kind, expected, "{status} {body}: {error}");
    }
}

#[tokio::test]
async fn an_answer_may_take_as_long_as_it_keeps_arriving() {
    let pieces = vec![piece("word "); 12]
        .into_iter()
        .chain([Bytes::from_static(b"data: [DONE]\n\n")]);
    let slow = Behaviour::Paced(Duration::from_millis(60), pieces.collect());
    let server = ChatServer::start(move |_| slow.clone()).await;
    let mut model = client(server.url());
    let limit = Duration::from_millis(300);
    model.timeouts = Timeouts {
        first: limit,
        idle: limit,
    };
    let began = Instant::now();
    assert_eq!(submit(&model).await.unwrap().text.split(' ').count(), 12);
    assert!(
        began.elapsed() > 2 * limit,
        "it was too fast to show anything"
    );
}

/// A server with one slot, which works on one request after the other and sends nothing to those that wait.
#[tokio::test]
async fn waiting_in_the_servers_queue_is_not_silence() {
    let slot = Duration::from_millis(150);
    let server = ChatServer::start(move |request| {
        let turn = request.number as u32;
        let text = Behaviour::Answer(Completion {
            text: "Fine.".to_owned(),
            finish: "stop",
            usage: None,
        });
        Behaviour::After(slot * turn, Box::new(text))
    })
    .await;
    let mut model = client(server.url());
    model.timeouts = Timeouts {
        first: 2 * slot,
        idle: 2 * slot,
    };
    let model = &model;
    let answers = join_all((0..8).map(|_| submit(model))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(server.requests().len(), 8);
    // A server that is silent towards everyone is not waited for.
    let silent = ChatServer::start(|_| events(Vec::new(), End::Silence)).await;
    let mut model = client(silent.url());
    model.timeouts.idle = slot;
    assert_eq!(submit(&model).await.unwrap_err().kind, ErrorKind::Ambiguous);
}

#[tokio::test]
async fn a_server_that_is_restarted_is_waited_for() {
    let first = ChatServer::start(obedient_answer).await;
    let address = first.address();
    drop(first);
    let url = format!("http://{address}/v1");
    let place = Workplace::new(Some(&url), &[]).await;
    let started = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        ChatServer::start_at(address, obedient_answer).await
    };
    let (done, server) = tokio::join!(done(&place, 3000), started);
    assert_eq!(done.report.usage.resubmitted, 0);
    assert!(!server.requests().is_empty());
}

#[tokio::test]
async fn a_wait_of_nothing_does_not_make_a_storm() {
    for headers in [
        vec![("retry-after", "0".to_owned())],
        vec![("retry-after", "Fri, 20 Nov 2020 10:00:00 GMT".to_owned())],
        vec![],
    ] {
        let began = Instant::now();
        let refused = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&refused);
        let server = ChatServer::start(move |request| match began.elapsed().as_millis() {
            0..1500 => {
                count.fetch_add(1, Ordering::SeqCst);
                let body = r#"{"error":"Rate limit reached. Please try again in 0ms."}"#;
                Behaviour::Status(429, headers.clone(), body.to_owned())
            }
            _ => obedient_answer(request),
        })
        .await;
        let place = Workplace::new(Some(server.url()), &[]).await;
        done(&place, 900).await;
        let refused = refused.load(Ordering::SeqCst);
        assert!(refused <= 3, "{refused} requests were refused in 1.5 s");
    }
}

/// llama.cpp, whose slots share one window: when they fill it, requests fail that fit by themselves.
#[tokio::test]
async fn a_shared_window_means_fewer_calls_at_a_time() {
    const FULL: &str = r#"{"error":{"code":500,"message":"Context size has been exceeded.","type":"server_error"}}"#;
    for in_the_stream in [false, true] {
        let refused = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&refused);
        let server = ChatServer::start(move |request| {
            if request.in_flight <= 2 {
                let answer = Box::new(obedient_answer(request));
                return Behaviour::After(Duration::from_millis(100), answer);
            }
            count.fetch_add(1, Ordering::SeqCst);
            match in_the_stream {
                true => events(vec![format!("data: {FULL}\n\n").into()], End::Properly),
                false => Behaviour::status(500, FULL),
            }
        })
        .await;
        let settings = [("MODEL_CONTEXT_TOKENS", "8192"), ("MODEL_CONCURRENCY", "8")];
        let place = Workplace::new(Some(server.url()), &settings).await;
        let done = done(&place, 9000).await;
        let usage = done.report.usage;
        let refused = refused.load(Ordering::SeqCst);
        assert!((1..=8).contains(&refused), "{refused} refused");
        assert_eq!(usage.resubmitted, 0, "{usage:?}");
        assert_eq!(usage.calls, server.requests().len(), "{usage:?}");
    }
}

#[tokio::test]
async fn a_request_that_fills_a_shared_window_by_itself_is_divided() {
    let server = ChatServer::start(|request| match counted(request) {
        0..3000 => obedient_answer(request),
        _ => Behaviour::status(
            500,
            r#"{"error":{"message":"Context size has been exceeded."}}"#,
        ),
    })
    .await;
    let place = Workplace::new(Some(server.url()), &[("MODEL_CONCURRENCY", "1")]).await;
    let done = done(&place, 9000).await;
    assert_eq!(done.report.coverage.degraded, 0);
}

#[tokio::test]
async fn the_window_is_learned_from_the_first_refusal() {
    let refused = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&refused);
    let server = ChatServer::start(move |request| {
        let (prompt, answer) = (counted(request), request.max_tokens());
        if prompt + answer <= 6000 {
            return obedient_answer(request);
        }
        count.fetch_add(1, Ordering::SeqCst);
        Behaviour::status(
            400,
            format!(
                r#"{{"error":{{"message":"This model's maximum context length is 6000 tokens. However, you requested {answer} output tokens and your prompt contains {prompt} input tokens.","code":400}}}}"#
            ),
        )
    })
    .await;
    let place = Workplace::new(Some(server.url()), &[]).await;
    let done = done(&place, 12_000).await;
    assert_eq!(refused.load(Ordering::SeqCst), 1);
    assert_eq!(done.report.coverage.degraded, 0);
}

#[tokio::test]
async fn servers_are_asked_no_more_than_it_takes() {
    let vllm = json!({"data": [{"id": "m", "owned_by": "vllm", "max_model_len": 8192}]});
    let llama = json!({"data": [{"id": "m", "owned_by": "llamacpp", "meta": {"n_ctx": 2048}}]});
    let props = json!({"default_generation_settings": {"n_ctx": 2048}, "total_slots": 4});
    let info = json!({"max_total_tokens": 4096});
    for (facts, asked, window, slots) in [
        (vec![("/v1/models", vllm)], 1, Some(8192), None),
        (
            vec![("/v1/models", llama), ("/props", props)],
            2,
            Some(2048),
            Some(4),
        ),
        (vec![("/info", info)], 3, Some(4096), None),
        (vec![], 3, None, None),
    ] {
        let server = ChatServer::start(obedient_answer).await;
        for (path, fact) in facts {
            server.say(path, fact);
        }
        let served = Model::served(&client(server.url())).await;
        assert_eq!(
            (served.window.map(|window| window.0), served.slots),
            (window, slots)
        );
        assert_eq!(server.asked().len(), asked, "{:?}", server.asked());
        assert!(server.requests().is_empty());
    }
}

/// Servers that say how large their window is are believed, but plans don't depend on it: it may not be said in time.
#[tokio::test]
async fn a_window_that_is_said_saves_the_refusals_and_changes_nothing_else() {
    const WINDOW: usize = 2500;
    let models =
        json!({"data": [{"id": "tiny", "owned_by": "llamacpp", "meta": {"n_ctx": WINDOW}}]});
    let props = json!({"default_generation_settings": {"n_ctx": WINDOW}, "total_slots": 1});
    let mut summaries = Vec::new();
    for said in [false, true] {
        let refused = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&refused);
        let server = ChatServer::start(move |request| {
            let prompt = counted(request);
            if prompt < WINDOW {
                return obedient_answer(request);
            }
            count.fetch_add(1, Ordering::SeqCst);
            let message = format!(
                "request ({prompt} tokens) exceeds the available context size ({WINDOW} tokens), try increasing it"
            );
            let error = json!({"code": 400, "message": message, "type": "exceed_context_size_error",
                "n_prompt_tokens": prompt, "n_ctx": WINDOW});
            Behaviour::status(400, json!({ "error": error }).to_string())
        })
        .await;
        if said {
            server.say("/v1/models", models.clone());
            server.say("/props", props.clone());
        }
        let settings = [("CHUNK_TOKENS", "12000"), ("MODEL_CONCURRENCY", "1")];
        let place = Workplace::new(Some(server.url()), &settings).await;
        let done = done(&place, 12_000).await;
        assert_eq!(done.report.coverage.degraded, 0);
        let refused = refused.load(Ordering::SeqCst);
        assert_eq!(refused, usize::from(!said), "refused, said: {said}");
        summaries.push(place.read("summaries/board.txt_summary.txt"));
    }
    assert_eq!(summaries[0], summaries[1]);
}

#[tokio::test]
async fn a_server_that_calls_everything_too_long_costs_two_requests() {
    let size = |tokens| format!("the request exceeds the available context size ({tokens} tokens)");
    for (window, said, most) in [
        ("4096", "the prompt is too long".to_owned(), 2),
        ("32768", "the prompt is too long".to_owned(), 2),
        ("131072", "the prompt is too long".to_owned(), 2),
        // A size that is no reason, one that is, and one that is a reason for the first refusal only.
        ("32768", size(64), 2),
        ("32768", size(600), 1),
        ("32768", size(32_768), 2),
        ("131072", size(12_000), 3),
    ] {
        let body = json!({"error": {"message": said, "code": 400}}).to_string();
        let server = ChatServer::start(move |_| Behaviour::status(400, &*body)).await;
        let place = Workplace::new(Some(server.url()), &[("MODEL_CONTEXT_TOKENS", window)]).await;
        let error = failed(&place, 9000).await;
        let requests = server.requests().len();
        assert!(
            requests <= most,
            "{requests} requests for {said} of {window}"
        );
        let report = place.read_json("summaries/board.txt_error.json");
        let message = report["message"].as_str().unwrap();
        assert!(message.contains("MODEL_CONTEXT_TOKENS"), "{message}");
        assert!(!error.passes());
    }
}

/// The question whether it takes the shortest request is put again after one that was throttled.
#[tokio::test]
async fn a_busy_server_that_calls_everything_too_long_costs_four_requests() {
    let count = AtomicUsize::new(0);
    let server = ChatServer::start(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        1 => Behaviour::status(429, "busy"),
        _ => Behaviour::status(400, "the prompt is too long"),
    })
    .await;
    let settings = [("MODEL_CONTEXT_TOKENS", "32768")];
    let place = Workplace::new(Some(server.url()), &settings).await;
    failed(&place, 9000).await;
    assert_eq!(server.requests().len(), 4);
    let report = place.read_json("summaries/board.txt_error.json");
    let message = report["message"].as_str().unwrap();
    assert!(
        message.contains("calls every request too long"),
        "{message}"
    );
}

/// Once it is mended, the next delivery finishes the job.
#[tokio::test]
async fn a_server_that_called_everything_too_long_is_asked_again() {
    let is_mended = Arc::new(AtomicBool::new(false));
    let mended = Arc::clone(&is_mended);
    let server = ChatServer::start(move |request| match mended.load(Ordering::SeqCst) {
        true => obedient_answer(request),
        false => Behaviour::status(400, "the prompt is too long"),
    })
    .await;
    let place = Workplace::new(Some(server.url()), &[]).await;
    failed(&place, 9000).await;
    let refused = server.requests().len();
    is_mended.store(true, Ordering::SeqCst);
    let done = done(&place, 9000).await;
    assert_eq!(done.report.coverage.degraded, 0);
    let requests = server.requests();
    let outlines = requests
        .iter()
        .filter(|request| request.message("user").ends_with(" TOPIC lines."));
    assert_eq!(outlines.count(), 2);
    let usage = done.report.usage;
    assert_eq!(
        (usage.calls, usage.resubmitted),
        (requests.len() - refused, 0)
    );
}

/// A window that nobody tells is found out with a refusal for each halving, and the summary is as good as any.
#[tokio::test]
async fn a_smaller_window_that_nobody_tells_costs_few_refusals() {
    for (window, most) in [(16_000, 1), (8000, 2), (4000, 3), (3000, 4)] {
        let refused = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&refused);
        let server = ChatServer::start(move |request| {
            if counted(request) + request.max_tokens() <= window {
                return obedient_answer(request);
            }
            count.fetch_add(1, Ordering::SeqCst);
            Behaviour::status(400, "the prompt is too long")
        })
        .await;
        let settings = [("SUMMARY_WORDS", "2000")];
        let place = Workplace::new(Some(server.url()), &settings).await;
        let done = done(&place, 9000).await;
        let refused = refused.load(Ordering::SeqCst);
        let summary = &done.report.summary;
        eprintln!(
            "{window}: {refused} refused of {}, {summary:?}",
            done.report.usage.calls
        );
        assert!(
            refused <= most,
            "{refused} refused with a window of {window}"
        );
        assert_eq!(
            done.report.coverage.degraded, 0,
            "with a window of {window}"
        );
    }
}

/// vLLM lowers the limit of an answer to what is left of the window.
#[tokio::test]
async fn answers_that_the_window_cuts_off_are_continued() {
    const WINDOW: usize = 6000;
    let server = ChatServer::start(move |request| {
        let prompt = counted(request);
        let Some(room) = WINDOW.checked_sub(prompt) else {
            return Behaviour::status(
                400,
                format!(
                    "Input length ({prompt}) exceeds model's maximum context length ({WINDOW})."
                ),
            );
        };
        let text = obedient::answer(request.message("user"));
        let words: Vec<&str> = text.split_inclusive(' ').collect();
        let (fits, finish) = match room.min(request.max_tokens()) * 3 / 4 {
            most if most < words.len() => (&words[..most], "length"),
            _ => (&words[..], "stop"),
        };
        let tokens = match finish {
            "length" => room.min(request.max_tokens()),
            _ => fits.len() * 4 / 3,
        };
        Behaviour::Answer(Completion {
            text: fits.concat(),
            finish,
            usage: Some((prompt as u64, tokens as u64)),
        })
    })
    .await;
    let settings = [("CHUNK_TOKENS", "12000"), ("MODEL_REASONING_TOKENS", "0")];
    let place = Workplace::new(Some(server.url()), &settings).await;
    let done = done(&place, 20_000).await;
    assert_eq!(done.report.coverage.degraded, 0);
}

/// llama.cpp takes a prompt that leaves next to nothing of its window, and cuts the answer off where that ends.
#[tokio::test]
async fn a_part_whose_answer_fills_the_window_is_divided() {
    const WINDOW: usize = 4096;
    let models = json!({"data": [{"id": "m", "owned_by": "llamacpp", "meta": {"n_ctx": WINDOW}}]});
    let mut calls = Vec::new();
    // The first server has no end to its window; of the others, one says how large it is.
    for (window, says) in [(usize::MAX, false), (WINDOW, false), (WINDOW, true)] {
        let (cut, refused) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counts = (Arc::clone(&cut), Arc::clone(&refused));
        let server = ChatServer::start(move |request| {
            let prompt = counted(request);
            let Some(room) = window.checked_sub(prompt).filter(|room| *room > 0) else {
                counts.1.fetch_add(1, Ordering::SeqCst);
                let message = "the request exceeds the available context size, try increasing it";
                let error = json!({"code": 400, "message": message, "type": "exceed_context_size_error",
                    "n_prompt_tokens": prompt, "n_ctx": window});
                return Behaviour::status(400, json!({ "error": error }).to_string());
            };
            let text = obedient::answer(request.message("user"));
            let words: Vec<&str> = text.split_inclusive(' ').collect();
            let tokens = words.len() * 4 / 3;
            let limit = request.max_tokens().min(room);
            if tokens <= limit {
                return Behaviour::text(text);
            }
            counts.0.fetch_add(usize::from(limit == room), Ordering::SeqCst);
            Behaviour::Answer(Completion {
                text: words[..limit * 3 / 4].concat(),
                finish: "length",
                usage: Some((prompt as u64, limit as u64)),
            })
        })
        .await;
        if says {
            server.say("/v1/models", models.clone());
        }
        let settings = [
            ("MODEL_CONTEXT_TOKENS", "8192"),
            ("SUMMARY_WORDS", "1500"),
            ("CHUNK_TOKENS", "6000"),
            ("MODEL_REASONING_TOKENS", "0"),
            ("MODEL_CONCURRENCY", "1"),
        ];
        let place = Workplace::new(Some(server.url()), &settings).await;
        let done = done(&place, 9000).await;
        let (cut, refused) = (cut.load(Ordering::SeqCst), refused.load(Ordering::SeqCst));
        let (summary, usage) = (&done.report.summary, done.report.usage);
        eprintln!(
            "{window}, says {says}: {summary:?}, {usage:?}, {cut} cut off, {refused} refused"
        );
        assert_eq!(done.report.coverage.degraded, 0);
        assert!(summary.deviation.abs() <= 0.05, "{summary:?}");
        calls.push((usage.calls, cut, refused));
    }
    let (planned, cut, refused) = calls[0];
    assert_eq!((cut, refused), (0, 0));
    // Once the window is known, no answer is cut off: not those of all four parts, and of their continuations. It takes the first
    // part and its continuation, or another.
    for (calls, cut, refused) in &calls[1..] {
        assert!(
            (planned + 1..=planned * 3 / 2 + 5).contains(calls),
            "{calls} calls, {planned} planned"
        );
        assert!((1..=3).contains(cut) && *refused == 0, "{cut} cut off");
    }
}

#[tokio::test]
async fn tokens_of_an_answer_that_a_filter_withholds_are_counted() {
    let server = ChatServer::start(|_| {
        Behaviour::Answer(Completion {
            text: String::new(),
            finish: "content_filter",
            usage: Some((900, 77)),
        })
    })
    .await;
    let options = CallOptions {
        max_calls: 1,
        ..CallOptions::default()
    };
    let model = Arc::new(client(server.url()));
    let client = ModelClient::new(model, None, options, &Run::new(Clock::System));
    let error = client.call(&prompt()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Filtered, "{error}");
    let usage = client.usage();
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (900, 77));
}

/// A server that closes every connection a moment after its answer, without having said so. Requests that come in between are
/// lost. Returns its URL and the number of those.
async fn closing_late() -> (String, Arc<AtomicUsize>) {
    const ANSWER: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Fine.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let lost = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&lost);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let mut received = vec![0; 1 << 16];
                let mut length = 0;
                while !received[..length].ends_with(b"}") {
                    match socket.read(&mut received[length..]).await {
                        Ok(more) if more > 0 => length += more,
                        _ => return,
                    }
                }
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream";
                let size = ANSWER.len();
                let answer = format!("{head}\r\ncontent-length: {size}\r\n\r\n{ANSWER}");
                socket.write_all(answer.as_bytes()).await.unwrap();
                let next = tokio::time::timeout(Duration::from_millis(5), socket.readable());
                if next.await.is_ok() && socket.read(&mut received).await.is_ok_and(|more| more > 0)
                {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    (url, lost)
}

#[tokio::test]
async fn no_call_is_lost_with_a_connection_that_the_server_closes() {
    const CALLS: usize = 64;
    let (url, lost) = closing_late().await;
    let model = client(&url);
    let began = Instant::now();
    for call in 0..CALLS {
        let answer = submit(&model).await;
        assert!(answer.is_ok(), "call {call}: {answer:?}");
    }
    assert_eq!(lost.load(Ordering::SeqCst), 0);
    eprintln!(
        "{:?} a call with a connection of its own",
        began.elapsed() / CALLS as u32
    );

    // The server is as bad as it is meant to be: a client that uses connections again loses requests.
    let (url, lost) = closing_late().await;
    let plain = reqwest::Client::new();
    for _ in 0..CALLS {
        if let Ok(answer) = plain.post(&url).body("{}").send().await {
            let _ = answer.bytes().await;
        }
    }
    let lost = lost.load(Ordering::SeqCst);
    eprintln!("{lost} of {CALLS} requests are lost on connections that are used again");
    assert!(lost > 0);
}

/// The list of models of a server that is this program.
fn models_of(owner: &str) -> Value {
    json!({"object": "list", "data": [{"id": "x", "owned_by": owner}]})
}

/// The members for thinking in each request of a job at a server whose list of models names `owner`.
async fn thinking_members(
    owner: &'static str,
    settings: &[(&str, &str)],
    refuse: Option<&'static str>,
) -> Vec<Value> {
    const MEMBERS: [&str; 3] = [
        "thinking_token_budget",
        "chat_template_kwargs",
        "reasoning_effort",
    ];
    let server = ChatServer::start(move |request| {
        match refuse.filter(|member| request.body.get(*member).is_some()) {
            Some(member) => Behaviour::status(
                400,
                json!({"error": {"message": format!("{member} is not supported")}}).to_string(),
            ),
            None => Behaviour::text(obedient::answer(request.message("user"))),
        }
    })
    .await;
    server.say("/v1/models", models_of(owner));
    let settings = [
        &[("HF_MODEL", "Qwen/Qwen3-8B"), ("SUMMARY_WORDS", "800")],
        settings,
    ]
    .concat();
    let place = Workplace::new(Some(server.url()), &settings).await;
    let done = done(&place, 2000).await;
    assert_eq!(done.report.coverage.degraded, 0);
    let calls = server.requests();
    assert!(server.asked().len() <= 3 && calls.len() >= 2);
    let lists = server
        .asked()
        .into_iter()
        .filter(|path| path == "/v1/models");
    assert_eq!(lists.count(), 1, "asked for the window and for thinking");
    let is_member = |name: &&str| MEMBERS.contains(name);
    let members = |request: &ChatRequest| {
        let body = request.body.as_object().unwrap();
        let found = body.iter().filter(|(name, _)| is_member(&name.as_str()));
        found
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect::<Value>()
    };
    calls.iter().map(members).collect()
}

#[tokio::test]
async fn reasoning_is_limited_where_the_server_understands_it() {
    let off = json!({"chat_template_kwargs": {"enable_thinking": false}});
    for (owner, settings, expected) in [
        (
            "vllm",
            &[("MODEL_REASONING_TOKENS", "512")][..],
            json!({"thinking_token_budget": 512}),
        ),
        ("vllm", &[("MODEL_REASONING_TOKENS", "0")], off.clone()),
        ("llamacpp", &[("MODEL_REASONING_TOKENS", "0")], off),
        ("llamacpp", &[("MODEL_REASONING_TOKENS", "512")], json!({})),
        ("someone", &[("MODEL_REASONING_TOKENS", "0")], json!({})),
        // What is only reserved by default is not told.
        ("vllm", &[], json!({})),
        (
            "vllm",
            &[
                ("MODEL_REASONING_TOKENS", "0"),
                ("MODEL_PARAMETERS", r#"{"chat_template_kwargs":{"x":1}}"#),
            ],
            json!({"chat_template_kwargs": {"x": 1}}),
        ),
        (
            "vllm",
            &[
                ("HF_MODEL", "openai/gpt-oss-20b"),
                ("MODEL_REASONING_TOKENS", "2048"),
            ],
            json!({"reasoning_effort": "medium"}),
        ),
    ] {
        let members = thinking_members(owner, settings, None).await;
        assert!(
            members.iter().all(|one| *one == expected),
            "{owner} {settings:?}: {members:?}"
        );
    }
}

#[tokio::test]
async fn a_limit_of_reasoning_that_a_server_refuses_is_sent_once() {
    let settings = [
        ("MODEL_REASONING_TOKENS", "512"),
        ("MODEL_CONCURRENCY", "1"),
    ];
    let members = thinking_members("vllm", &settings, Some("thinking_token_budget")).await;
    let sent = members
        .iter()
        .filter(|one| one.get("thinking_token_budget").is_some());
    assert_eq!(sent.count(), 1, "{members:?}");
}

#[tokio::test]
async fn a_server_that_is_starting_is_asked_again_what_it_understands() {
    let server = ChatServer::start(|request| match request.number {
        0 => Behaviour::status(503, "not yet"),
        _ => Behaviour::text(obedient::answer(request.message("user"))),
    })
    .await;
    server.say("/v1/models", Value::Null);
    let settings = [
        ("HF_MODEL", "Qwen/Qwen3-8B"),
        ("MODEL_REASONING_TOKENS", "512"),
        ("MODEL_CONCURRENCY", "1"),
    ];
    let place = Workplace::new(Some(server.url()), &settings).await;
    let is_up = async {
        while server.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.say("/v1/models", models_of("vllm"));
    };
    tokio::join!(done(&place, 2000), is_up);
    let requests = server.requests();
    let members = |request: &ChatRequest| request.body["thinking_token_budget"].clone();
    assert_eq!(members(&requests[0]), Value::Null);
    assert!(requests[1..].iter().all(|request| members(request) == 512));
}

/// Sections that are a little too long lose the sentences that the last reader names.
#[tokio::test]
async fn what_is_too_long_loses_what_the_last_reader_would_miss_least() {
    const LESS: &str = "Somebody at the back spoke of tea ";
    const NAMED: [usize; 4] = [23, 21, 19, 17];
    let too_long = |request: &ChatRequest| {
        let answer = obedient::answer(request.message("user"));
        // What begins with a pronoun holds on to the sentence before.
        let answer = answer.replace("They noted", "Dana noted");
        let mut lines: Vec<String> = answer.lines().map(str::to_owned).collect();
        let sections = lines.iter_mut().filter(|line| line.contains(". "));
        for (section, line) in sections.enumerate() {
            let mut sentences: Vec<String> =
                line.split_inclusive(". ").map(str::to_owned).collect();
            for nth in 0..3 {
                let number = section * 3 + nth;
                let at = (2 + nth * 2).min(sentences.len() - 1);
                sentences.insert(at, format!("{LESS}{number} while they waited there. "));
            }
            *line = sentences.concat();
        }
        lines.join("\n")
    };
    for is_named in [true, false] {
        let server = ChatServer::start(move |request| {
            let prompt = request.message("user");
            if prompt.contains("Write sections ") {
                return Behaviour::text(too_long(request));
            }
            let is_asked = prompt.contains(" words too long. After the edits, name the sentences");
            let is_last = prompt.ends_with("Write the edits now.");
            assert_eq!(is_asked, is_last, "{prompt}");
            if !is_last {
                return obedient_answer(request);
            }
            let named = NAMED.map(|number| format!("CUT: {LESS}{number} while they waited...\n"));
            Behaviour::text(if is_named {
                named.concat()
            } else {
                "NONE".to_owned()
            })
        })
        .await;
        let settings = [("MODEL_CONTEXT_TOKENS", "131072")];
        let place = Workplace::new(Some(server.url()), &settings).await;
        let done = done(&place, 9000).await;
        let off = done.report.summary.deviation;
        assert!(off.abs() <= 0.02, "off by {off}");
        let summary = place.read("summaries/board.txt_summary.txt");
        let is_left = |number: &&usize| summary.contains(&format!("{LESS}{number} while"));
        let left = NAMED.iter().filter(is_left).count();
        // Without being named, they stay as well as others.
        assert_eq!(left == 0, is_named, "{left} are left");
    }
}
