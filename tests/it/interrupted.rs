//! Invocations that end while an answer is still arriving: what has come is kept, and the next one asks only for the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use transcript_summarizer::clock::Clock;
use transcript_summarizer::job::{Done, Outcome, Upload};
use transcript_summarizer::run::Run;

use crate::support::behaviour::{Behaviour, Completion, End, events};
use crate::support::chat_server::{ChatRequest, ChatServer};
use crate::support::huggingface::event;
use crate::support::obedient;
use crate::support::workplace::{Workplace, meeting};

const WORDS: usize = 5000;

/// How long an invocation lasts that gets as far as it has to.
const SECONDS: u64 = 6;

const SETTINGS: [(&str, &str); 2] = [("SUMMARY_WORDS", "1500"), ("MODEL_CONCURRENCY", "4")];

/// A writer that also has many corrections, none of which fits.
fn text(prompt: &str) -> String {
    let (asked, begun) = match obedient::begun(prompt) {
        Some(begun) => (
            prompt.split("\n\nThe beginning of your").next().unwrap(),
            begun,
        ),
        None => (prompt, ""),
    };
    if !obedient::reads_summary(asked) {
        return obedient::answer(prompt);
    }
    let correction = |nth| {
        format!(
            "WRONG: Nobody wrote this sentence, which is number {nth}.\nSAID: NOWHERE\nRIGHT:\n"
        )
    };
    let all: String = (0..40).map(correction).collect();
    all.strip_prefix(begun).unwrap().trim().to_owned()
}

fn upload(place: &Workplace) -> Upload {
    place.upload("board.txt", meeting(WORDS))
}

/// Runs one invocation that ends after `seconds`, before the job does.
async fn interrupted(place: &Workplace, upload: &Upload, seconds: u64) {
    let end = tokio::time::Instant::now() + Duration::from_secs(seconds);
    let run = Run::new(Clock::System).until(Some(end));
    match place.app().run(upload, &run).await {
        Err(error) => assert!(error.passes(), "{error}"),
        other => panic!("not interrupted: {other:?}"),
    }
}

async fn done(place: &Workplace, upload: &Upload) -> Box<Done> {
    match place.run(upload).await {
        Ok(Outcome::Done(done)) => done,
        other => panic!("not done: {other:?}"),
    }
}

/// The prompt of a request, and where its answer begins.
fn asked(request: &ChatRequest) -> (String, String) {
    let prompt = request.message("user");
    let begun = obedient::begun(prompt).unwrap_or_default();
    let asked = prompt.split("\n\nThe beginning of your").next().unwrap();
    (asked.to_owned(), begun.to_owned())
}

/// A job at a server that takes `word_ms` for a word, in the first `slow` invocations and of answers to requests that have one of
/// `ends` in their last line. Its summary is that of a server which is never slow, and nothing is asked for twice.
async fn is_resumed(
    ends: &'static [&'static str],
    word_ms: u64,
    slow: usize,
    settings: &[(&str, &str)],
) {
    let (invocation, paced) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, count) = (Arc::clone(&invocation), Arc::clone(&paced));
    let server = ChatServer::start(move |request| {
        let prompt = request.message("user");
        let asked = asked(request).0;
        let last = asked.lines().next_back().unwrap_or_default();
        let text = text(prompt);
        if now.load(Ordering::SeqCst) >= slow || !ends.iter().any(|end| last.contains(end)) {
            return Behaviour::text(text);
        }
        count.fetch_add(1, Ordering::SeqCst);
        let words = |role| request.message(role).split_whitespace().count() as u64;
        let written = text.split_whitespace().count() as u64;
        let completion = Completion {
            text,
            finish: "stop",
            usage: None,
        };
        Behaviour::Paced(
            Duration::from_millis(word_ms),
            events(&completion, (words("system") + words("user"), written)),
        )
    })
    .await;
    let settings = [&SETTINGS, settings].concat();
    let place = Workplace::new(Some(server.url()), &settings).await;
    let upload = upload(&place);
    for _ in 0..slow {
        let (before, mut seconds) = (paced.load(Ordering::SeqCst), SECONDS);
        loop {
            interrupted(&place, &upload, seconds).await;
            if paced.load(Ordering::SeqCst) > before {
                break;
            }
            // A busy machine has not come to what is slow.
            seconds *= 2;
        }
        invocation.fetch_add(1, Ordering::SeqCst);
    }
    let before = server.requests().len();
    let done = done(&place, &upload).await;

    let requests = server.requests();
    let usage = done.report.usage;
    assert_eq!(
        (usage.calls, usage.resubmitted),
        (requests.len(), 0),
        "{usage:?}"
    );
    let all: Vec<(String, String)> = requests.iter().map(asked).collect();
    let resumed = all[before..].iter().filter(|(_, begun)| !begun.is_empty());
    let resumed: Vec<&(String, String)> = resumed.collect();
    assert!(!resumed.is_empty(), "no answer was resumed");
    for (asked, begun) in resumed {
        // Each invocation has asked for it at most once, and its beginning grows.
        let same = all.iter().filter(|(other, _)| other == asked);
        let lengths: Vec<usize> = same.map(|(_, begun)| begun.len()).collect();
        assert!(lengths.is_sorted_by(|one, next| one < next), "{lengths:?}");
        assert!((2..=slow + 1).contains(&lengths.len()), "{lengths:?}");
        let words = begun.split_whitespace().count();
        assert!(words > 6, "only {words} words were kept");
    }
    let twice = all
        .iter()
        .enumerate()
        .find(|(at, one)| all[..*at].contains(one));
    assert!(
        twice.is_none(),
        "the same was asked for twice: {:?}",
        twice.map(|(_, (asked, _))| asked.lines().next_back())
    );

    let fast = ChatServer::start(|request| Behaviour::text(text(request.message("user")))).await;
    let other = Workplace::new(Some(fast.url()), &settings).await;
    let upload = other.upload("board.txt", meeting(WORDS));
    let whole = self::done(&other, &upload).await.report.usage;
    // What was interrupted is counted by an estimate, and prompts are paid for again.
    assert!(
        usage.prompt_tokens > whole.prompt_tokens,
        "{usage:?}, {whole:?}"
    );
    let tokens = whole.completion_tokens..2 * whole.completion_tokens;
    assert!(
        tokens.contains(&usage.completion_tokens),
        "{usage:?}, {whole:?}"
    );
    let summary = "summaries/board.txt_summary.txt";
    assert!(
        place.read(summary) == other.read(summary),
        "another summary"
    );
}

#[tokio::test]
async fn sections_that_are_still_arriving_are_kept() {
    is_resumed(&["Write the section", "Write sections"], 40, 1, &[]).await;
}

#[tokio::test]
async fn an_answer_may_take_several_invocations() {
    let alone = [("MODEL_CONCURRENCY", "1")];
    is_resumed(&["Write the section", "Write sections"], 40, 2, &alone).await;
}

#[tokio::test]
async fn an_outline_that_is_still_arriving_is_kept() {
    is_resumed(&[" TOPIC lines."], 100, 1, &[]).await;
}

#[tokio::test]
async fn corrections_and_an_overview_that_are_still_arriving_are_kept() {
    let fallback = [
        ("FALLBACK_HF_ENDPOINT_URL", "http://127.0.0.1:9/v1"),
        ("FALLBACK_HF_API_TOKEN", "hf_ZyXwVuTsRqPoNmLkJiHgFe"),
        ("FALLBACK_HF_MODEL", "second/model"),
    ];
    let ends = &["Write the corrections now.", "Write the edits now."];
    is_resumed(ends, 20, 1, &fallback).await;
    is_resumed(&["Write the overview now."], 150, 1, &fallback).await;
}

/// Thoughts, and an answer that has hardly begun, are nothing to go on from.
#[tokio::test]
async fn a_beginning_without_text_is_not_kept() {
    let thought =
        event(&json!({"choices": [{"index": 0, "delta": {"reasoning": "Who was it? "}}]}));
    let word = event(&json!({"choices": [{"index": 0, "delta": {"content": "Matters of"}}]}));
    for piece in [thought, word] {
        let is_slow = Arc::new(AtomicUsize::new(1));
        let slow = Arc::clone(&is_slow);
        let server = ChatServer::start(move |request| {
            let is_outline = request.message("user").ends_with(" TOPIC lines.");
            match slow.load(Ordering::SeqCst) {
                1 if !is_outline => {
                    Behaviour::Pieces("text/event-stream", vec![piece.clone()], End::Silence)
                }
                _ => Behaviour::text(text(request.message("user"))),
            }
        })
        .await;
        let place = Workplace::new(Some(server.url()), &[("MODEL_CONCURRENCY", "1")]).await;
        let upload = upload(&place);
        interrupted(&place, &upload, SECONDS).await;
        is_slow.store(0, Ordering::SeqCst);
        let done = done(&place, &upload).await;
        let usage = done.report.usage;
        let requests = server.requests();
        assert_eq!(
            (usage.calls, usage.resubmitted),
            (requests.len(), 1),
            "{usage:?}"
        );
        assert!(requests.iter().all(|request| asked(request).1.is_empty()));
    }
}
