//! One upload, processed from the source object to the published summary, over real HTTP.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::behaviour::Behaviour;
use crate::support::chat_server::{ChatRequest, ChatServer};
use crate::support::huggingface::TOKEN;
use crate::support::obedient;
use crate::support::workplace::{BUCKET, Workplace, meeting};
use bytes::Bytes;
use tokio::sync::Barrier;
use transcript_summarizer::clock::Clock;
use transcript_summarizer::job::{App, Done, JobError, Outcome, Upload};
use transcript_summarizer::run::Run;
use transcript_summarizer::store::{
    DirStore, Location, Object, ObjectInfo, PutOptions, Store, StoreResult, Wanted,
};
use transcript_summarizer::text::words;

fn obedient(request: &ChatRequest) -> Behaviour {
    Behaviour::text(obedient::answer(request.message("user")))
}

fn done(outcome: Outcome) -> Box<Done> {
    match outcome {
        Outcome::Done(done) => done,
        other => panic!("not done: {other:?}"),
    }
}

#[tokio::test]
async fn every_part_is_sent_once_within_the_limit_and_nothing_is_left_out() {
    // Two of the middle requests are answered only once both have arrived, which proves that calls overlap.
    let both = Arc::new(Barrier::new(2));
    let server = ChatServer::start(move |request| match request.number {
        2 | 3 => Behaviour::Together(Arc::clone(&both), Box::new(obedient(request))),
        _ => obedient(request),
    })
    .await;
    let place = Workplace::new(
        Some(server.url()),
        &[("MODEL_CONCURRENCY", "3"), ("CHUNK_TOKENS", "1500")],
    )
    .await;
    let upload = place.upload("team/board.txt", meeting(9000));
    let report = done(place.run(&upload).await.unwrap()).report;

    let requests = server.requests();
    assert_eq!(requests.len(), report.usage.calls);
    let parts: Vec<&str> = requests
        .iter()
        .flat_map(|request| {
            request
                .message("user")
                .split("The part of the transcript")
                .skip(1)
        })
        .map(|part| part.split(">>>").next().unwrap())
        .collect();
    assert_eq!(parts.len(), report.coverage.chunks);
    assert!(
        report.coverage.chunks >= 8 && server.max_in_flight() <= 3,
        "{} at once",
        server.max_in_flight()
    );
    assert!(server.max_in_flight() > 1, "calls should overlap");
    // Every turn of the transcript is in exactly one part.
    for item in 0..9000 / 24 {
        let turn = format!("item{item}, which");
        let shown = parts.iter().filter(|part| part.contains(&turn));
        assert_eq!(shown.count(), 1, "{turn}");
    }
    for request in &requests {
        assert_eq!(
            request.header("authorization"),
            Some(format!("Bearer {TOKEN}").as_str())
        );
        assert!(request.max_tokens() > 0);
    }
}

#[tokio::test]
async fn the_summary_and_its_report_are_true() {
    let server = ChatServer::start(obedient).await;
    let place = Workplace::new(Some(server.url()), &[]).await;
    let text = meeting(9000);
    let upload = place.upload("a b+(1)/é ü.txt", &text);
    let done = done(place.run(&upload).await.unwrap());

    assert_eq!(done.summary.key, "summaries/a b+(1)/é ü.txt_summary.txt");
    let summary = place.read(&done.summary.key);
    let report = place.read_json("summaries/a b+(1)/é ü.txt_summary.json");
    assert_eq!(report, serde_json::to_value(&done.report).unwrap());
    assert_eq!(report["version"], 1);
    assert_eq!(report["source"]["key"], "a b+(1)/é ü.txt");
    assert_eq!(report["source"]["bytes"], text.len());
    let spoken = text
        .lines()
        .map(|line| words::count(line) - 3)
        .sum::<usize>();
    assert_eq!(report["source"]["words"], spoken);
    assert_eq!(report["summary"]["words"], words::count(&summary));
    assert_eq!(report["summary"]["target_words"], 4000);
    assert!(
        report["summary"]["deviation"].as_f64().unwrap().abs() <= 0.05,
        "{}",
        report["summary"]
    );
    assert_eq!(report["model"]["provider"], "huggingface");
    let mut at = 0;
    let mut titles = HashSet::new();
    for section in report["sections"].as_array().unwrap() {
        assert_eq!(section["byte_start"].as_u64().unwrap(), at);
        at = section["byte_end"].as_u64().unwrap();
        assert!(summary.contains(section["title"].as_str().unwrap()));
        titles.insert(section["title"].to_string());
    }
    assert_eq!(at, text.len() as u64);
    assert!(report["usage"]["prompt_tokens"].as_u64().unwrap() > 0);
    let metadata = place.read_json("summaries/a b+(1)/.metadata/é ü.txt_summary.txt.json");
    for name in ["source-etag", "job-id"] {
        assert!(metadata.to_string().contains(name), "{name} in {metadata}");
    }
    // By the entity tag of the summary.
    let of_summary = metadata.as_object().unwrap().values().next().unwrap();
    let figure = |name: &str| of_summary[name].as_str().unwrap_or_default();
    assert_eq!(figure("words"), report["summary"]["words"].to_string());
    let deviation = report["summary"]["deviation"].as_f64().unwrap();
    assert_eq!(figure("deviation"), format!("{deviation:.4}"));
    let warnings = report["warnings"].as_array().unwrap().len();
    assert_eq!(figure("warnings"), warnings.to_string());
    assert_eq!(figure("language"), report["language"].as_str().unwrap());
    // Plain text has no confidence.
    assert_eq!(figure("confidence"), "");
}

#[tokio::test]
async fn a_failing_endpoint_is_an_error_and_leaves_nothing() {
    for (behaviour, cause) in [
        (Behaviour::status(500, "boom"), "500"),
        (
            Behaviour::status(401, format!("Incorrect API key provided: {TOKEN}")),
            "HF_API_TOKEN",
        ),
        (
            Behaviour::status(422, r#"{"error":"unknown parameter: stream_options"}"#),
            "stream_options",
        ),
        (Behaviour::HangUp, "connection"),
    ] {
        let server = ChatServer::start(move |_| behaviour.clone()).await;
        let place = Workplace::new(Some(server.url()), &[]).await;
        let upload = place.upload("board.txt", meeting(9000));
        let (error, passes) = match place.run(&upload).await {
            Ok(other) => panic!("not a failure: {other:?}"),
            Err(cause) => (cause.to_string(), cause.passes()),
        };
        assert!(error.contains(cause) && !error.contains(TOKEN), "{error}");
        // A failure that someone has to fix is reported where they look for the summary.
        assert_eq!(place.exists("summaries/board.txt_error.json"), !passes);
        assert_eq!(passes, ["500", "connection"].contains(&cause), "{error}");
        assert!(
            !place.exists("summaries/board.txt_summary.txt")
                && !place.exists("summaries/board.txt_summary.json")
        );
        assert!(
            server.requests().len() <= 2,
            "{} requests",
            server.requests().len()
        );
    }
}

#[tokio::test]
async fn what_is_not_a_transcript_is_rejected_with_its_reason() {
    let place = Workplace::new(None, &[("MAX_INPUT_BYTES", "2000")]).await;
    for (key, content, kind) in [
        ("empty.txt", Vec::new(), "NotText"),
        ("blank.txt", b" \n\n".to_vec(), "NotText"),
        ("archive.txt", b"\x1f\x8b\x08\0rest".to_vec(), "NotText"),
        ("nul.txt", b"text\0text".to_vec(), "NotText"),
        ("large.txt", vec![b'a'; 2001], "TooLarge"),
    ] {
        let upload = place.upload(key, content);
        assert!(
            matches!(place.run(&upload).await, Ok(Outcome::Rejected(_))),
            "{key}"
        );
        let report = place.read_json(&format!("summaries/{key}_error.json"));
        assert_eq!(report["kind"], kind, "{report}");
        assert_eq!(report["retryable"], false);
        assert_eq!(report["source"]["key"], key);
        assert!(
            !report["message"].as_str().unwrap().is_empty()
                && !report["next_step"].as_str().unwrap().is_empty()
        );
        assert!(!place.exists(&format!("summaries/{key}_summary.txt")));
    }
}

#[tokio::test]
async fn an_overwritten_source_is_superseded_and_a_missing_one_is_an_error() {
    let place = Workplace::new(None, &[]).await;
    let mut upload = place.upload("board.txt", meeting(800));
    upload.etag = Some("0123456789abcdef0123456789abcdef".to_owned());
    assert!(matches!(place.run(&upload).await, Ok(Outcome::Superseded)));
    assert!(!place.exists("summaries/board.txt_summary.txt"));
    let error = place
        .run(&Workplace::announced("gone.txt"))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("s3://transcripts/gone.txt"), "{error}");
}

#[tokio::test]
async fn a_key_that_arrives_encoded_is_found_under_its_other_reading() {
    let place = Workplace::new(None, &[]).await;
    let mut upload = place.upload("my notes.txt", meeting(800));
    upload.other_key = Some("my notes.txt".to_owned());
    upload.at.key = "my+notes.txt".to_owned();
    assert_eq!(
        done(place.run(&upload).await.unwrap()).summary.key,
        "summaries/my notes.txt_summary.txt"
    );
}

#[tokio::test]
async fn a_result_whose_key_arrives_encoded_is_not_summarized() {
    let place = Workplace::new(None, &[("INPUT_SUFFIXES", ".txt,.json")]).await;
    for key in [
        "summaries/.work/a/run.json",
        "summaries/a.txt_summary.txt",
        "old/a.txt_summary.json",
    ] {
        place.upload(key, meeting(800));
        let event = serde_json::json!({"source": "aws.s3", "detail-type": "Object Created",
            "detail": {"bucket": {"name": BUCKET}, "object": {"key": key.replace('/', "%2F")}}});
        let answer = place.answer(event).await.unwrap();
        assert_eq!(answer["outcomes"][0]["status"], "skipped", "{key}");
    }
}

/// A person's directory. While the first record of a job is being written, another run of the same job finishes it.
#[derive(Debug)]
struct Raced {
    directory: DirStore,
    other: App,
    upload: Upload,
    has_raced: AtomicBool,
}

#[async_trait::async_trait]
impl Store for Raced {
    async fn get(&self, at: &Location, wanted: &Wanted) -> StoreResult<Object> {
        self.directory.get(at, wanted).await
    }

    async fn head(&self, at: &Location) -> StoreResult<ObjectInfo> {
        self.directory.head(at).await
    }

    async fn put(&self, at: &Location, body: Bytes, options: PutOptions) -> StoreResult<String> {
        if at.key.ends_with("/run.json") && !self.has_raced.swap(true, Ordering::SeqCst) {
            let run = Run::new(Clock::System);
            let ended = self.other.run(&self.upload, &run).await;
            assert!(matches!(ended, Ok(Outcome::Done(_))), "{ended:?}");
        }
        self.directory.put(at, body, options).await
    }

    async fn delete(&self, at: &Location, if_match: Option<&str>) -> StoreResult<()> {
        self.directory.delete(at, if_match).await
    }

    fn directory(&self) -> Option<&DirStore> {
        Some(&self.directory)
    }
}

#[tokio::test]
async fn a_run_that_starts_while_another_one_ends_pays_nothing() {
    let server = ChatServer::start(obedient).await;
    let place = Workplace::new(Some(server.url()), &[]).await;
    let upload = place.upload("board.txt", meeting(3000));
    let directory = place.directory();
    let mut app = place.app();
    app.source = Arc::new(directory.clone());
    app.target = app.source.clone();
    let raced: Arc<dyn Store> = Arc::new(Raced {
        directory,
        other: app.clone(),
        upload: upload.clone(),
        has_raced: AtomicBool::new(false),
    });
    app.target = raced;
    let run = Run::new(Clock::System);
    let ended = loop {
        match app.run(&upload, &run).await {
            Err(JobError::Busy { .. }) => {}
            ended => break ended,
        }
    };
    assert!(matches!(ended, Ok(Outcome::Duplicate { .. })), "{ended:?}");
    let asked: HashSet<Bytes> = server.requests().into_iter().map(|one| one.raw).collect();
    assert_eq!(asked.len(), server.requests().len(), "paid twice");
    let report = place.read_json("summaries/board.txt_summary.json");
    assert_eq!(report["usage"]["calls"], asked.len());
    let work = std::fs::read_dir(place.directory_path().join("summaries/.work"));
    let left: Vec<_> = work.unwrap().map(|one| one.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "habits"), "{left:?}");
}

#[tokio::test]
async fn of_a_few_words_something_is_said() {
    for (text, said) in [
        ("Hello.\n", "Hello."),
        (
            "Mara: We sold it.\nIvo: For nine.\nMara: Good.\n",
            "We sold it.",
        ),
    ] {
        let place = Workplace::new(None, &[]).await;
        let upload = place.upload("short.txt", text);
        let done = done(place.run(&upload).await.unwrap());
        let summary = place.read(&done.summary.key);
        assert!(summary.contains(said), "{summary}");
        let warnings = done.report.warnings.join(" ");
        assert!(!warnings.contains(" 1 words"), "{warnings}");
    }
}

#[tokio::test]
async fn a_length_that_is_missed_is_told_whatever_the_transcript_is() {
    const SAMPLE: &str = include_str!("../../samples/harbor-line-review.txt");
    let mut random = fastrand::Rng::with_seed(18);
    let place = Workplace::new(None, &[("SUMMARY_WORDS", "300")]).await;
    let (mut done, mut told) = (0, 0);
    for round in 0..40 {
        let mut text = SAMPLE.as_bytes()[..random.usize(1500..9000)].to_vec();
        for _ in 0..random.usize(1..6) {
            let from = random.usize(..text.len());
            let part = from..(from + random.usize(1..2500)).min(text.len());
            match random.u8(..7) {
                0 if part.len() < text.len() => drop(text.drain(part)),
                1 => text.extend(text[part].repeat(3)),
                2 => text[part]
                    .iter_mut()
                    .for_each(|byte| *byte = (*byte).max(b' ')),
                3 => text.retain(|byte| !b".,!?".contains(byte)),
                4 => text[part].make_ascii_uppercase(),
                5 => text[part].reverse(),
                _ => text[part].fill(b'x'),
            }
        }
        let upload = place.upload(&format!("{round}.txt"), text);
        let Ok(Outcome::Done(ended)) = place.run(&upload).await else {
            continue;
        };
        let report = &ended.report;
        done += 1;
        if report.summary.deviation.abs() > 0.05 {
            let is_told = |warning: &String| warning.contains("its target of");
            assert!(
                report.warnings.iter().any(is_told),
                "round {round}: {:?} {:?}",
                report.summary,
                report.warnings
            );
            told += 1;
        }
    }
    assert!(done > 20, "{done} summaries, {told} of another length");
}
