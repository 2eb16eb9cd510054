//! Complete summaries with each Hugging Face task, over real sockets, with endpoints that fail occasionally.

use std::collections::HashSet;

use crate::support::behaviour::Behaviour;
use crate::support::chat_server::{ChatRequest, ChatServer};
use crate::support::obedient;
use crate::support::tasks::{Faults, bart, task_api, tgi, tokens, toolkit};
use crate::support::workplace::Workplace;
use transcript_summarizer::job::{Done, Outcome};

fn sample() -> String {
    std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/samples/harbor-line-review.txt"
    ))
    .unwrap()
}

struct Written {
    done: Box<Done>,
    text: String,
    requests: Vec<ChatRequest>,
}

/// Summarizes the sample with a server that responds like this and also injects occasional failures.
async fn written(
    path: &str,
    settings: &[(&str, &str)],
    respond: impl Fn(&ChatRequest) -> Behaviour + Send + Sync + 'static,
) -> Written {
    let faults = Faults::default();
    let server = ChatServer::start(move |request| {
        faults.fault_of(request).unwrap_or_else(|| respond(request))
    })
    .await;
    let place = Workplace::new(Some(&server.at(path)), settings).await;
    let upload = place.upload("board.txt", sample());
    let done = match place.run(&upload).await.unwrap() {
        Outcome::Done(done) => done,
        other => panic!("not done: {other:?}"),
    };
    Written {
        text: place.read(&done.summary.key),
        done,
        requests: server.requests(),
    }
}

/// Checks that the summary has the right length, covers every section, is written by the model, and contains no error text.
fn assert_is_a_summary(written: &Written) {
    let report = &written.done.report;
    assert_eq!(report.summary.target_words, 4000);
    assert!(
        report.summary.deviation.abs() <= 0.05,
        "{:?}, {:?}",
        report.summary,
        report.warnings
    );
    let coverage = report.coverage;
    assert_eq!(
        (coverage.summarized, coverage.degraded),
        (coverage.chunks, 0),
        "{:?}",
        report.warnings
    );
    let mut at = 0;
    for section in &report.sections {
        assert_eq!(section.byte_start, at, "a gap or an overlap");
        at = section.byte_end;
    }
    assert_eq!(at, sample().len() as u64);
    for word in Faults::WORDS
        .into_iter()
        .chain(["{\"", "<html", "_text", "estimated_time"])
    {
        assert!(!written.text.contains(word), "{word} in {}", written.text);
    }
    let usage = &report.usage;
    assert!(
        usage.retries >= 3 && usage.retries * 10 >= usage.calls,
        "{usage:?}"
    );
    assert_eq!(usage.calls, written.requests.len());
}

#[tokio::test]
async fn chat_completions() {
    let respond =
        |request: &ChatRequest| Behaviour::text(obedient::answer(request.message("user")));
    assert_is_a_summary(&written("/v1", &[], respond).await);
}

#[tokio::test]
async fn the_overview_is_written_from_the_transcript_or_from_the_sections_if_the_server_has_no_room()
 {
    let said = "The bridge plates are priced for four platforms";
    assert!(sample().contains(said));
    let is_overview = |request: &ChatRequest| {
        let system = request.message("system");
        system.contains("You write the overview")
    };
    let settings = [("MODEL_CONTEXT_TOKENS", "131072")];
    for has_room in [true, false] {
        let refusal = r#"{"error":{"message":"This model's maximum context length is 24000 tokens. However, your request has 25000 input tokens.","code":400}}"#;
        let respond = move |request: &ChatRequest| {
            let user = request.message("user");
            match is_overview(request) && user.contains(said) && !has_room {
                true => Behaviour::status(400, refusal),
                false => Behaviour::text(obedient::answer(user)),
            }
        };
        let written = written("/v1", &settings, respond).await;
        let asked = written.requests.iter();
        let asked = asked.filter(|request| is_overview(request));
        let with: Vec<bool> = asked
            .map(|request| request.message("user").contains(said))
            .collect();
        assert!(with.contains(&true), "{with:?}");
        assert_eq!(with.contains(&false), !has_room, "{with:?}");
        assert!(written.done.report.overview.is_some());
        let warnings = &written.done.report.warnings;
        let is_lost = |warning: &String| warning.contains("no usable overview");
        assert!(!warnings.iter().any(is_lost), "{warnings:?}");
    }
}

#[tokio::test]
async fn text_generation_by_tgi() {
    for path in ["/", "/generate"] {
        let respond = |request: &ChatRequest| tgi(request, &obedient::answer(request.inputs()));
        assert_is_a_summary(&written(path, &[("HF_TASK", "text-generation")], respond).await);
    }
}

#[tokio::test]
async fn text_generation_by_a_pipeline_with_a_small_window() {
    let settings = [
        ("HF_TASK", "text-generation"),
        ("MODEL_CONTEXT_TOKENS", "4096"),
    ];
    let respond = |request: &ChatRequest| toolkit(request, &obedient::answer(request.inputs()));
    assert_is_a_summary(&written("/", &settings, respond).await);
}

#[tokio::test]
async fn summarization_by_bart() {
    let settings = [("HF_TASK", "summarization")];
    for (path, answer) in [
        ("/", bart as fn(&ChatRequest) -> Behaviour),
        ("/hf-inference/models/facebook/bart-large-cnn", task_api),
    ] {
        let written = written(path, &settings, answer).await;
        assert_is_a_summary(&written);
        assert!(
            written.done.report.warnings.is_empty(),
            "{:?}",
            written.done.report.warnings
        );
        // Every request is within BART's limits, and only retries repeat a request.
        for request in &written.requests {
            assert!(tokens(request.inputs()) <= 1024 && request.length("max_length") <= 1024);
            assert!(request.length("min_length") < request.length("max_length"));
        }
        let distinct: HashSet<_> = written
            .requests
            .iter()
            .map(|request| &request.raw)
            .collect();
        let sections = written.done.report.sections.len();
        let sent = written.requests.len() - written.done.report.usage.retries;
        assert_eq!(sent, distinct.len(), "the same text for the same length");
        assert!(
            sent <= sections + 1 + sections / 2,
            "{sent} requests for {sections} sections"
        );
    }
}

#[tokio::test]
async fn a_summarizer_that_ignores_lengths() {
    let respond = |request: &ChatRequest| {
        let short = request.inputs().lines().next().unwrap_or_default();
        let (_, said) = short.split_once(": ").unwrap_or(("", short));
        let body = serde_json::json!([{ "summary_text": format!("{} That was agreed.", said) }]);
        Behaviour::body("application/json", body.to_string())
    };
    let written = written("/", &[("HF_TASK", "summarization")], respond).await;
    assert_is_a_summary(&written);
    let warnings = &written.done.report.warnings;
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("wrote less than asked")),
        "{warnings:?}"
    );
}
