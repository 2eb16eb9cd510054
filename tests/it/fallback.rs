//! A second model takes over where the first one cannot be used, and only there. Both are simulated services over real sockets.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use transcript_summarizer::http::Http;
use transcript_summarizer::job::{Done, JobError, Outcome, Upload};

use crate::report::Validator;
use crate::support::behaviour::Behaviour;
use crate::support::chat_server::{ChatRequest, ChatServer};
use crate::support::huggingface::TOKEN;
use crate::support::obedient;
use crate::support::runpod_jobs::JobPlan;
use crate::support::runpod_server::{KEY, LongPoll, RunPodServer};
use crate::support::workplace::{Workplace, config, meeting};

const SECOND_TOKEN: &str = "hf_ZyXwVuTsRqPoNmLkJiHgFe";
const SECOND: &str = "second/model";

fn obey(request: &ChatRequest) -> Behaviour {
    Behaviour::text(obedient::answer(request.message("user")))
}

fn settings<'a>(first: &'a str, second: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("HF_API_TOKEN", TOKEN),
        ("HF_ENDPOINT_URL", first),
        ("HF_MODEL", "first/model"),
        ("FALLBACK_HF_API_TOKEN", SECOND_TOKEN),
        ("FALLBACK_HF_ENDPOINT_URL", second),
        ("FALLBACK_HF_MODEL", SECOND),
        ("CHUNK_TOKENS", "1000"),
        ("MODEL_CONCURRENCY", "2"),
        ("SUMMARY_WORDS", "1500"),
    ]
}

fn prompts(server: &ChatServer) -> Vec<String> {
    let requests = server.requests();
    let prompts = requests
        .iter()
        .map(|request| request.message("user").to_owned());
    prompts.collect()
}

fn done(ended: Result<Outcome, JobError>) -> Box<Done> {
    match ended {
        Ok(Outcome::Done(done)) => done,
        Ok(other) => panic!("{other:?}"),
        Err(error) => panic!("{error}"),
    }
}

fn upload(place: &Workplace) -> Upload {
    place.upload("board.txt", meeting(4000))
}

#[tokio::test]
async fn a_model_that_is_refused_is_replaced_for_the_rest_of_the_job() {
    for (status, body) in [
        (401, r#"{"error":"Invalid username or password."}"#),
        (
            402,
            r#"{"error":"You have exceeded your monthly included credits."}"#,
        ),
        (
            400,
            r#"{"error":{"message":"no","code":"model_not_found"}}"#,
        ),
    ] {
        let first = ChatServer::start(move |request| match request.number {
            0..2 => obey(request),
            _ => Behaviour::status(status, body),
        })
        .await;
        let second = ChatServer::start(obey).await;
        let place = Workplace::configured(&settings(first.url(), second.url()))
            .await
            .unwrap();
        let done = done(place.run(&upload(&place)).await);
        // At most two calls are in flight when it refuses.
        let refused = first.requests().len() - 2;
        assert!((1..=2).contains(&refused), "{status}: {refused}");
        let (answered, asked) = (&prompts(&first)[..2], prompts(&second));
        assert!(
            answered.iter().all(|prompt| !asked.contains(prompt)),
            "{status}"
        );
        for request in second.requests() {
            assert_eq!(request.body["model"], SECOND);
            let expected = format!("Bearer {SECOND_TOKEN}");
            assert_eq!(request.header("authorization"), Some(&*expected));
        }
        let report = &done.report;
        assert_eq!(report.usage.fallback.calls, asked.len());
        assert_eq!(report.coverage.degraded, 0);
        let written_by = report
            .sections
            .iter()
            .map(|section| section.written_by.as_deref());
        let written_by: HashSet<Option<&str>> = written_by.collect();
        assert_eq!(written_by, HashSet::from([None, Some(SECOND)]), "{status}");
        let note = report
            .warnings
            .iter()
            .find(|warning| warning.contains(SECOND));
        let note = note.unwrap_or_else(|| panic!("{:?}", report.warnings));
        assert!(note.starts_with("first/model was given up"), "{note}");
        assert!(!note.contains(TOKEN), "{note}");
    }
}

#[tokio::test]
async fn a_resumed_job_stays_with_the_fallback_and_keeps_all_answers() {
    let is_mended = Arc::new(AtomicBool::new(false));
    let mended = Arc::clone(&is_mended);
    let first = ChatServer::start(move |request| {
        match request.number < 2 || mended.load(Ordering::SeqCst) {
            true => obey(request),
            false => Behaviour::status(402, ""),
        }
    })
    .await;
    let mended = Arc::clone(&is_mended);
    let second = ChatServer::start(move |request| {
        match request.number < 2 || mended.load(Ordering::SeqCst) {
            true => obey(request),
            false => Behaviour::status(401, ""),
        }
    })
    .await;
    let place = Workplace::configured(&settings(first.url(), second.url()))
        .await
        .unwrap();
    let upload = upload(&place);
    let error = place.run(&upload).await.unwrap_err().to_string();
    for words in [
        "the fallback model fails too",
        "check FALLBACK_HF_API_TOKEN",
        "the first one was given up: no credits are left",
        "the account of HF_API_TOKEN",
    ] {
        assert!(error.contains(words), "no {words:?} in {error}");
    }
    let asked = (first.requests().len(), second.requests().len());
    is_mended.store(true, Ordering::SeqCst);
    let done = done(place.run(&upload).await);
    assert_eq!(
        first.requests().len(),
        asked.0,
        "the first model is asked again"
    );
    // What either model has answered is not asked for again.
    let answered = [&prompts(&first)[..2], &prompts(&second)[..2]].concat();
    let later = &prompts(&second)[asked.1..];
    assert!(answered.iter().all(|prompt| !later.contains(prompt)));
    let unique: HashSet<&String> = later.iter().collect();
    assert_eq!(unique.len(), later.len());
    assert_eq!(done.report.usage.resubmitted, 0);
    assert_eq!(done.report.coverage.degraded, 0);
}

#[tokio::test]
async fn a_fallback_that_is_added_later_costs_nothing_that_was_answered() {
    let first = ChatServer::start(|request| match request.number {
        0..3 => obey(request),
        _ => Behaviour::status(402, ""),
    })
    .await;
    let second = ChatServer::start(obey).await;
    let all = settings(first.url(), second.url());
    let alone: Vec<_> = all
        .iter()
        .copied()
        .filter(|(name, _)| !name.starts_with("FALLBACK"))
        .collect();
    let place = Workplace::configured(&alone).await.unwrap();
    let upload = upload(&place);
    assert!(place.run(&upload).await.is_err());
    let model = config(&all)
        .unwrap()
        .provider
        .connect(&Http::default())
        .await
        .unwrap();
    let place = place.with_config(&all).with_model(model);
    let done = done(place.run(&upload).await);
    let (answered, asked) = (&prompts(&first)[..3], prompts(&second));
    assert!(answered.iter().all(|prompt| !asked.contains(prompt)));
    assert!(
        prompts(&first)[3..]
            .iter()
            .all(|prompt| !answered.contains(prompt))
    );
    assert_eq!(done.report.usage.resubmitted, 0);
    // Nor does a finished job cost anything because another fallback is configured.
    let other = [&all[..], &[("FALLBACK_HF_MODEL", "third/model")]].concat();
    let ended = place.with_config(&other).run(&upload).await;
    assert!(matches!(ended, Ok(Outcome::Duplicate { .. })), "{ended:?}");
}

#[tokio::test]
async fn only_what_a_filter_withholds_goes_to_the_fallback() {
    let refused = r#"{"error":{"message":"The response was filtered","code":"content_filter"}}"#;
    for withheld in [
        Behaviour::finished("", "content_filter"),
        Behaviour::finished("They said", "content_filter"),
        Behaviour::status(400, refused),
    ] {
        let is_withheld = |request: &ChatRequest| {
            let prompt = request.message("user");
            prompt.contains("item100,") && !prompt.ends_with(" TOPIC lines.")
        };
        let first = ChatServer::start(move |request| match is_withheld(request) {
            true => withheld.clone(),
            false => obey(request),
        })
        .await;
        let second = ChatServer::start(obey).await;
        let place = Workplace::configured(&settings(first.url(), second.url()))
            .await
            .unwrap();
        let done = done(place.run(&upload(&place)).await);
        let asked = second.requests();
        assert!(!asked.is_empty() && asked.iter().all(is_withheld));
        let filtered: Vec<_> = first.requests().into_iter().filter(is_withheld).collect();
        assert_eq!(
            filtered.len(),
            asked.len(),
            "each is asked of both models once"
        );
        let report = &done.report;
        let by_second = report
            .sections
            .iter()
            .filter(|section| section.written_by.is_some());
        assert!((1..report.sections.len()).contains(&by_second.count()));
        assert_eq!(report.coverage.degraded, 0);
        let told = |warning: &String| {
            warning.contains("that a content filter of first/model had withheld")
        };
        assert!(report.warnings.iter().any(told), "{:?}", report.warnings);
    }
}

#[tokio::test]
async fn an_endpoint_that_is_down_for_too_long_is_given_up() {
    let first = ChatServer::start(obey).await;
    let url = first.url().to_owned();
    drop(first);
    let second = ChatServer::start(obey).await;
    let mut settings = settings(&url, second.url());
    settings.push(("FALLBACK_AFTER", "1"));
    let place = Workplace::configured(&settings).await.unwrap();
    let done = done(place.run(&upload(&place)).await);
    assert_eq!(done.report.usage.fallback.calls, second.requests().len());
    let sections = &done.report.sections;
    assert!(
        sections
            .iter()
            .all(|section| section.written_by.as_deref() == Some(SECOND))
    );
}

#[tokio::test]
async fn jobs_that_no_worker_starts_are_cancelled_and_go_to_the_fallback() {
    let second =
        RunPodServer::start(|job| JobPlan::text(&obedient::answer(job.message("user")))).await;
    let first =
        RunPodServer::start(|_| JobPlan::text("late").queued_for(Duration::from_secs(3600))).await;
    let (first_url, second_url) = (first.url(), second.url());
    let settings = [
        ("RUNPOD_API_KEY", KEY),
        ("RUNPOD_ENDPOINT_URL", &*first_url),
        ("FALLBACK_RUNPOD_API_KEY", KEY),
        ("FALLBACK_RUNPOD_ENDPOINT_URL", &*second_url),
        ("FALLBACK_RUNPOD_MODEL", SECOND),
        ("FALLBACK_AFTER", "0"),
        ("MODEL_CONCURRENCY", "2"),
        ("SUMMARY_WORDS", "1500"),
    ];
    first.set_long_poll(LongPoll::AtOnce);
    let place = Workplace::configured(&settings).await.unwrap();
    let done = done(place.run(&upload(&place)).await);
    assert_eq!(first.unaccounted(), Vec::<String>::new());
    assert_eq!(second.unaccounted(), Vec::<String>::new());
    assert_eq!(done.report.coverage.degraded, 0);
    let report = place.read_json("summaries/board.txt_summary.json");
    assert_eq!(report["sections"][0]["written_by"], json!(SECOND));
}

#[tokio::test]
async fn the_page_of_a_job_that_needed_the_fallback_can_be_made_later() {
    let first = ChatServer::start(|_| Behaviour::status(401, "")).await;
    let second = ChatServer::start(obey).await;
    let all = settings(first.url(), second.url());
    let without = [&all[..], &[("SUMMARY_PAGE", "off")]].concat();
    let place = Workplace::configured(&without).await.unwrap();
    let upload = upload(&place);
    done(place.run(&upload).await);
    let report = "summaries/board.txt_summary.json";
    let before = place.read_json(report);
    let place = place.with_config(&all);
    assert!(matches!(
        place.run(&upload).await,
        Ok(Outcome::Duplicate { .. })
    ));
    assert!(place.exists("summaries/board.txt_summary.html"));
    let after = place.read_json(report);
    Validator::new().assert(&after);
    for member in ["sections", "usage", "warnings"] {
        assert_eq!(before[member], after[member], "{member}");
    }
}

#[tokio::test]
async fn the_first_model_is_asked_for_its_window_with_a_fallback_as_without() {
    let (first, second) = (ChatServer::start(obey).await, ChatServer::start(obey).await);
    first.say(
        "/v1/models",
        json!({"data": [{"id": "m", "max_model_len": 65536}]}),
    );
    let place = Workplace::configured(&settings(first.url(), second.url()))
        .await
        .unwrap();
    done(place.run(&upload(&place)).await);
    assert_eq!(first.asked(), ["/v1/models"]);
    assert!(second.asked().is_empty());
}
