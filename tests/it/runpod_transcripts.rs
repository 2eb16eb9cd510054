//! `RUNPOD_TASK=transcript`: one job for a whole transcript, with a link to it. What the worker returns is checked before it is
//! published.

use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use serde_json::{Value, json};
use transcript_summarizer::job::{JobError, Outcome};

use crate::support::links::{SIGNATURE, output};
use crate::support::runpod_jobs::{JobPlan, SubmittedJob};
use crate::support::runpod_server::RunPodServer;
use crate::support::transcribe::{Ending, Transcribe};
use crate::support::workplace::{Workplace, config, meeting};

const KEY: &str = "board.txt";
const SUMMARY: &str = "summaries/board.txt_summary.txt";
const REPORT: &str = "summaries/board.txt_summary.json";
const PAGE: &str = "summaries/board.txt_summary.html";
const ERROR: &str = "summaries/board.txt_error.json";
const WORDS: &str = "300";

fn text() -> String {
    meeting(1500)
}

async fn place(server: &RunPodServer, settings: &[(&str, &str)]) -> Workplace {
    let task = [("RUNPOD_TASK", "transcript"), ("SUMMARY_WORDS", WORDS)];
    let place = Workplace::runpod(&server.url(), &[&task, settings].concat()).await;
    place.linking()
}

/// A server whose jobs end as planned: the first of the plans is that of the first submission or rerun, and so on.
async fn server(plans: Vec<JobPlan>) -> RunPodServer {
    RunPodServer::start(move |job: &SubmittedJob| {
        let nth = job.number + job.retries;
        plans.get(nth).or(plans.last()).unwrap().clone()
    })
    .await
}

/// The error of a job, whose link shows nowhere.
fn failure(place: &Workplace, ended: Result<Outcome, JobError>) -> JobError {
    let error = ended.unwrap_err();
    let told = format!("{error} {error:?} {}", error.next_step());
    assert!(!told.contains(SIGNATURE), "{told}");
    assert!(!place.exists(SUMMARY), "{told}");
    error
}

#[tokio::test]
async fn one_job_has_a_link_to_the_transcript_and_its_summary_is_published() {
    let output = output(text(), WORDS).await;
    let server = server(vec![JobPlan::output(output.clone())]).await;
    let settings = [("SUMMARY_INSTRUCTIONS", "Name every cost.")];
    let place = place(&server, &settings).await;
    let upload = place.upload(KEY, text());
    let Ok(Outcome::Done(done)) = place.run(&upload).await else {
        panic!("it is not done")
    };

    let jobs = server.jobs();
    assert_eq!(
        (server.submits(), jobs.len(), server.executions()),
        (1, 1, 1)
    );
    let sent = &jobs[0].input()["transcript"];
    let report = place.read_json(REPORT);
    assert_eq!(
        sent,
        &json!({
            "url": format!("https://s3.example.org/transcripts/board.txt?number=1&X-Amz-Signature={SIGNATURE}"),
            "key": KEY,
            "etag": report["source"]["etag"],
            "bytes": text().len(),
            "words": 300,
            "instructions": "Name every cost.",
        })
    );
    assert!(!jobs[0].correlation_id().is_empty());
    let policy = &jobs[0].body["policy"];
    assert_eq!(
        policy,
        &json!({"executionTimeout": 7_200_000, "ttl": 86_400_000})
    );

    assert_eq!(json!(place.read(SUMMARY)), output["summary"]);
    assert!(place.exists(PAGE));
    let worker = &output["report"];
    assert_eq!(report["model"]["provider"], "runpod");
    assert_eq!(report["source"]["key"], KEY);
    assert_eq!(report["usage"]["calls"], 1);
    for (member, expected) in [
        ("provider", &json!("extractive")),
        ("usage", &worker["usage"]),
        ("generator", &worker["generator"]),
        ("duration_ms", &worker["duration_ms"]),
    ] {
        assert_eq!(&report["worker"][member], expected, "{member}");
    }
    for same in ["sections", "overview", "coverage", "summary", "language"] {
        assert_eq!(report[same], worker[same], "{same}");
    }
    assert_eq!(done.report.summary.target_words, 300);

    // What is missing later is made of the report, without another job.
    place.remove(PAGE);
    let again = place.run(&upload).await;
    assert!(
        matches!(again, Ok(Outcome::Duplicate { page: Some(_), .. })),
        "{again:?}"
    );
    assert_eq!(place.read_json(REPORT), report);
    assert_eq!(server.submits(), 1);
}

#[tokio::test]
async fn what_cannot_be_published_is_told_and_asked_for_again_when_it_is_delivered_again() {
    let good = output(text(), WORDS).await;
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut output = good.clone();
        change(&mut output);
        output
    };
    let others = output(meeting(1400), WORDS).await;
    let long = output(text(), "500").await;
    let refusal =
        "I\u{2019}m sorry, but I can't help with that. There is nothing else to say here.";
    for (case, output, expected) in [
        (
            "a prompt's answer",
            json!({"summary": "They met."}),
            "no object with `summary` and `report`",
        ),
        ("another transcript's", others, "it is of another text"),
        ("too long", long, "words for a target of 300"),
        (
            "another text",
            changed(&|output| output["summary"] = json!("They met.")),
            "use the same version in both places",
        ),
        (
            "half a report",
            changed(&|output| output["report"] = json!({"version": 1})),
            "its report cannot be read",
        ),
        (
            "extractive for want of answers",
            changed(&|output| output["report"]["model"]["provider"] = json!("huggingface")),
            "the model gave no usable answer for",
        ),
        (
            "a refusal",
            changed(&|output| {
                let said = output["report"]["sections"][0]["text"]
                    .as_str()
                    .unwrap()
                    .to_owned();
                let refused = format!("{refusal} {said}");
                let report = &mut output["report"];
                report["model"]["provider"] = json!("huggingface");
                for section in report["sections"].as_array_mut().unwrap() {
                    section["source"] = json!("model");
                }
                report["sections"][0]["text"] = json!(refused);
                let summary = output["summary"].as_str().unwrap().replace(&said, &refused);
                output["summary"] = json!(summary);
            }),
            "a part of it is a refusal",
        ),
    ] {
        let server = server(vec![JobPlan::output(output), JobPlan::output(good.clone())]).await;
        let place = place(&server, &[]).await;
        let upload = place.upload(KEY, text());
        let error = failure(&place, place.run(&upload).await);
        assert!(error.to_string().contains(expected), "{case}: {error}");
        assert!(!error.passes(), "{case}: {error}");
        let told = place.read_json(ERROR);
        assert_eq!(told["retryable"], true, "{case}");
        assert!(
            told["message"].as_str().unwrap().contains(expected),
            "{case}: {told}"
        );

        let again = place.run(&upload).await;
        assert!(matches!(again, Ok(Outcome::Done(_))), "{case}: {again:?}");
        assert_eq!(server.submits(), 2, "{case}");
        assert!(!place.exists(ERROR), "{case}");
    }
}

#[tokio::test]
async fn unusable_summaries_are_paid_for_three_times_at_most() {
    let server = server(vec![JobPlan::output(json!({"summary": "s", "report": {}}))]).await;
    let place = place(&server, &[]).await;
    let upload = place.upload(KEY, text());
    for _ in 0..5 {
        let error = failure(&place, place.run(&upload).await);
        assert_eq!(error.kind(), "WorkerError");
    }
    assert_eq!(server.executions(), 3);
}

#[tokio::test]
async fn a_failed_job_is_run_again_once_and_its_worker_is_quoted() {
    let good = JobPlan::output(output(text(), WORDS).await);
    let said = "the server refused the token: 401 Unauthorized";
    let cases = [
        (
            "once",
            vec![JobPlan::failed(said), good.clone()],
            1,
            1,
            None,
        ),
        (
            "always",
            vec![JobPlan::failed(said)],
            1,
            1,
            Some(("WorkerError", said)),
        ),
        (
            "too slow once",
            vec![JobPlan::timed_out(), good.clone()],
            1,
            1,
            None,
        ),
        (
            "too slow",
            vec![JobPlan::timed_out()],
            1,
            1,
            Some(("WorkerError", "took too long")),
        ),
        (
            "cancelled once",
            vec![JobPlan::cancelled(), good.clone()],
            2,
            0,
            None,
        ),
        (
            "cancelled",
            vec![JobPlan::cancelled()],
            2,
            0,
            Some(("ModelError", "was cancelled")),
        ),
        (
            "without output",
            vec![JobPlan::without_output()],
            1,
            0,
            Some(("WorkerError", "has no output")),
        ),
        (
            "its link expired",
            vec![
                JobPlan::failed("RuntimeError: the link to the transcript has expired"),
                good.clone(),
            ],
            2,
            0,
            None,
        ),
    ];
    let runs = cases.map(|(case, plans, submits, reruns, expected)| async move {
        let server = server(plans).await;
        let place = place(&server, &[]).await;
        let upload = place.upload(KEY, text());
        let ended = place.run(&upload).await;
        assert_eq!(
            (server.submits(), server.retries()),
            (submits, reruns),
            "{case}"
        );
        match expected {
            None => {
                assert!(matches!(ended, Ok(Outcome::Done(_))), "{case}: {ended:?}");
                let usage = &place.read_json(REPORT)["usage"];
                assert_eq!(usage["calls"], submits, "{case}");
                assert_eq!(usage["retries"], submits - 1 + reruns, "{case}");
            }
            Some((kind, words)) => {
                let error = failure(&place, ended);
                assert_eq!(error.kind(), kind, "{case}: {error}");
                assert!(error.to_string().contains(words), "{case}: {error}");
                assert!(place.exists(ERROR), "{case}");
            }
        }
    });
    join_all(runs).await;
}

#[tokio::test]
async fn an_error_that_quotes_the_link_does_not_show_it() {
    let server = RunPodServer::start(|job: &SubmittedJob| {
        let link = job.input()["transcript"]["url"].as_str().unwrap();
        JobPlan::failed(format!("could not GET {link}"))
    })
    .await;
    let place = place(&server, &[]).await;
    let upload = place.upload(KEY, text());
    let error = failure(&place, place.run(&upload).await);
    assert!(error.to_string().contains("could not GET"), "{error}");
    assert!(!place.read(ERROR).contains(SIGNATURE));
}

#[tokio::test]
async fn of_a_recording_the_transcript_is_linked() {
    let written = Arc::new(Mutex::new(Value::Null));
    let server = RunPodServer::start({
        let written = Arc::clone(&written);
        move |_| JobPlan::output(written.lock().unwrap().clone())
    })
    .await;
    let place = place(&server, &[("TRANSCRIBER", "amazon")]).await;
    let transcribe = Transcribe::start(place.store()).await;
    let place = place.transcribing(transcribe.aws());
    let upload = place.upload("talk.mp4", b"\0\0\0\x20ftypisom");
    let ended = place.run(&upload).await;
    assert!(matches!(ended, Err(JobError::Transcribing)), "{ended:?}");

    let said = (1..99).map(|at| format!("We agreed that item{at} costs {at}00 dollars. "));
    let keys = transcribe.end(&Ending::Said(said.collect())).await;
    *written.lock().unwrap() = output(place.read(&keys[0]), WORDS).await;
    let ended = place.run(&upload).await;
    assert!(matches!(ended, Ok(Outcome::Done(_))), "{ended:?}");
    assert_eq!(server.jobs()[0].input()["transcript"]["key"], keys[0]);
    let source = &place.read_json("summaries/talk.mp4_summary.json")["source"];
    assert_eq!(source["transcript_key"], keys[0]);
}

#[tokio::test]
async fn what_is_not_in_s3_has_no_link_and_nothing_is_sent() {
    let server = server(vec![JobPlan::without_output()]).await;
    let task = [("RUNPOD_TASK", "transcript")];
    let place = Workplace::runpod(&server.url(), &task).await;
    let upload = place.upload(KEY, text());
    let error = failure(&place, place.run(&upload).await).to_string();
    assert!(
        error.contains("make a link to") && error.contains("s3://bucket/key"),
        "{error}"
    );
    assert!(server.calls().is_empty());
}

#[tokio::test]
async fn settings_that_the_worker_has_to_have_are_refused() {
    let runpod = [
        ("RUNPOD_API_KEY", "x"),
        ("RUNPOD_ENDPOINT_URL", "https://api.runpod.ai/v2/abc"),
        ("RUNPOD_TASK", "transcript"),
    ];
    for (variables, expected) in [
        (
            &[("RUNPOD_TASK", "whole")][..],
            "RUNPOD_TASK is \"whole\": expected",
        ),
        (
            &[("MODEL_PARAMETERS", r#"{"temperature": 0}"#)],
            "expected nothing with RUNPOD_TASK=transcript",
        ),
        (
            &[("FALLBACK_HF_API_TOKEN", "x")],
            "FALLBACK_MODEL_PROVIDER is \"huggingface\": expected no fallback",
        ),
    ] {
        let error = config(&[&runpod, variables].concat())
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert!(config(&runpod).is_ok());
}
