//! Requests that are submitted to RunPod in batches, and what is paid for them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Map;
use tokio::task::JoinHandle;
use transcript_summarizer::clock::Clock;
use transcript_summarizer::job::{Done, Outcome};
use transcript_summarizer::model::{
    Answer, CallOptions, ErrorKind, Jobs, Model, ModelClient, ModelError, Reply, Usage,
};
use transcript_summarizer::prompt::{Prompt, Request};
use transcript_summarizer::provider::runpod::RunPod;
use transcript_summarizer::provider::runpod::batch::{Batches, Pace};
use transcript_summarizer::run::{Run, Spending};
use transcript_summarizer::text::Tokens;

use crate::support::huggingface::request;
use crate::support::obedient;
use crate::support::runpod::{client_with, is_clean};
use crate::support::runpod_batches::Status;
use crate::support::runpod_faults::{Fault, Route, Trouble};
use crate::support::runpod_jobs::{JobPlan, SubmittedJob};
use crate::support::runpod_server::RunPodServer;
use crate::support::workplace::{Workplace, config};

/// A client without the waits that suit hours.
fn model(server: &RunPodServer) -> RunPod {
    let mut model = client_with(&server.url(), None, Map::new()).in_batches();
    model.batches.pace = Pace {
        gather: Duration::from_millis(20),
        poll: Duration::from_millis(5),
    };
    model
}

/// Makes `count` different calls at once.
async fn make(server: &RunPodServer, count: usize) -> (Vec<Result<Answer, ModelError>>, Usage) {
    let options = CallOptions {
        max_calls: 100,
        concurrency: 2,
        ..CallOptions::default()
    };
    let client = ModelClient::new(
        Arc::new(model(server)),
        None,
        options,
        &Run::new(Clock::System),
    );
    let prompts: Vec<Prompt> = (0..count)
        .map(|part| {
            let part = (part, 1000);
            Prompt::new(Request { part, ..request() }, Tokens(100))
        })
        .collect();
    let outcomes = join_all(prompts.iter().map(|prompt| client.call(prompt))).await;
    (outcomes, client.usage())
}

/// Answers with the id of the request, so that a mix-up shows.
fn echo(job: &SubmittedJob) -> JobPlan {
    JobPlan::text(&format!("Answer to {}.", job.correlation_id()))
}

fn assert_all_answered(outcomes: &[Result<Answer, ModelError>]) {
    for (part, outcome) in outcomes.iter().enumerate() {
        let part = (part, 1000);
        let prompt = Prompt::new(Request { part, ..request() }, Tokens(100));
        let expected = format!("Answer to {}.", prompt.id());
        assert_eq!(
            outcome.as_ref().map(|answer| answer.text.as_str()).ok(),
            Some(&*expected),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn calls_made_at_once_are_one_batch_and_each_gets_its_own_answer() {
    let server = RunPodServer::start(echo).await;
    let (outcomes, usage) = make(&server, 12).await;
    assert_all_answered(&outcomes);
    // Whatever MODEL_CONCURRENCY is.
    assert_eq!(server.batches(), [(Status::Finalized, 12)]);
    assert_eq!((server.submits(), server.executions()), (0, 12));
    assert_eq!((usage.calls, usage.retries, usage.resubmitted), (12, 0, 0));
    assert!(server.unaccounted().is_empty());
}

fn sample() -> String {
    std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/samples/harbor-line-review.txt"
    ))
    .unwrap()
}

/// Summarizes the sample.
async fn summarized(server: &RunPodServer) -> Box<Done> {
    let place = Workplace::runpod(&server.url(), &[("CHUNK_TOKENS", "1200")]).await;
    let place = place.with_model(Arc::new(model(server)));
    let upload = place.upload("board.txt", sample());
    match place.run(&upload).await {
        Ok(Outcome::Done(done)) => done,
        other => panic!("{other:?}"),
    }
}

fn obey(job: &SubmittedJob) -> JobPlan {
    JobPlan::text(&obedient::answer(job.message("user")))
}

#[tokio::test]
async fn a_summary_takes_a_batch_for_each_round() {
    let server = RunPodServer::start(obey).await;
    let done = summarized(&server).await;
    let (usage, batches) = (done.report.usage, server.batches());
    eprintln!("{usage:?} in {batches:?}");
    assert!(done.report.summary.deviation.abs() <= 0.05);
    assert_eq!(done.report.coverage.degraded, 0);
    assert_eq!((usage.calls, usage.resubmitted), (server.executions(), 0));
    assert!(server.unaccounted().is_empty());
    assert!(batches.len() <= usage.calls / 2, "{batches:?}");
    assert!(
        batches
            .iter()
            .all(|(status, _)| *status == Status::Finalized)
    );
    assert_eq!(server.submits(), 0);
}

#[tokio::test]
async fn a_summary_in_spite_of_failures_pays_twice_only_what_failed() {
    let runs = (0..2).map(|first| async move {
        let failed = Arc::new(AtomicUsize::new(0));
        let failures = Arc::clone(&failed);
        let server = RunPodServer::start(move |job| {
            if job.number % 5 == 2 {
                failures.fetch_add(1, Ordering::Relaxed);
                return JobPlan::failed("CUDA error: device-side assert triggered");
            }
            obey(job)
        })
        .await;
        server.mix_faults(first);
        let done = summarized(&server).await;
        let (usage, failed) = (done.report.usage, failed.load(Ordering::Relaxed));
        eprintln!("{usage:?}, {failed} failed, {:?}", server.batches());
        assert_eq!(done.report.coverage.degraded, 0);
        assert!(failed >= 2, "{failed} failed");
        assert_eq!(usage.resubmitted, failed, "{usage:?}");
        let jobs = server.jobs();
        let different: BTreeSet<&str> = jobs.iter().map(SubmittedJob::correlation_id).collect();
        let different = different.len();
        assert_eq!(server.executions(), different + failed);
        assert!(server.unaccounted().is_empty());
    });
    join_all(runs).await;
}

#[tokio::test]
async fn a_failed_request_is_submitted_once_more_and_no_other_is() {
    let server = RunPodServer::start(|job| match job.number {
        1 => JobPlan::failed("CUDA out of memory"),
        3 => JobPlan::timed_out(),
        _ => echo(job),
    })
    .await;
    let (outcomes, usage) = make(&server, 6).await;
    assert_all_answered(&outcomes);
    let batches = server.batches();
    assert!(
        batches.len() <= 3 && batches[0] == (Status::Finalized, 6),
        "{batches:?}"
    );
    assert_eq!(
        (server.executions(), usage.calls, usage.resubmitted),
        (8, 8, 2)
    );
    assert_eq!(server.retries(), 0, "requests of a batch cannot be rerun");
}

#[tokio::test]
async fn a_request_that_keeps_failing_concerns_itself_only() {
    let bad = Prompt::new(
        Request {
            part: (1, 1000),
            ..request()
        },
        Tokens(100),
    );
    let bad = bad.id();
    let server = RunPodServer::start(move |job| {
        if job.correlation_id() == bad {
            JobPlan::failed("CUDA out of memory")
        } else {
            echo(job)
        }
    })
    .await;
    let (outcomes, usage) = make(&server, 4).await;
    let failed: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| outcome.as_ref().err())
        .collect();
    assert_eq!(failed.len(), 1, "{outcomes:?}");
    assert_eq!(failed[0].kind, ErrorKind::JobFailed { timed_out: false });
    assert_eq!(
        (server.executions(), usage.calls, usage.resubmitted),
        (5, 5, 1)
    );
}

#[tokio::test]
async fn an_endpoint_that_takes_no_further_batch_is_waited_for() {
    let server = RunPodServer::start(echo).await;
    server.limit_batches(0);
    let (made, ()) = tokio::join!(make(&server, 3), async {
        while server.requests(Route::BatchCreate) == 0 {
            tokio::task::yield_now().await;
        }
        server.limit_batches(10);
    });
    let (outcomes, usage) = made;
    assert_all_answered(&outcomes);
    assert_eq!(
        server.batches(),
        [(Status::Finalized, 3)],
        "all of them go on together"
    );
    assert_eq!((server.executions(), usage.resubmitted), (3, 0));
}

#[tokio::test]
async fn an_endpoint_that_knows_no_batches_is_a_matter_of_configuration() {
    for status in [404, 405] {
        let server = RunPodServer::start(echo).await;
        let fault = Fault::Before(Trouble::status(status, "{\"detail\":\"Not Found\"}"));
        server.fail_always(Route::BatchCreate, fault);
        let (outcomes, _) = make(&server, 2).await;
        let error = outcomes[0].as_ref().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Configuration, "{error}");
        assert!(error.message.contains("remove RUNPOD_BATCH"), "{error}");
        is_clean(error);
        assert_eq!(server.executions(), 0);
    }
}

#[tokio::test]
async fn a_draft_that_cannot_be_completed_costs_nothing() {
    let server = RunPodServer::start(echo).await;
    // Not even the list tells whether the request was added.
    server.fail_always(Route::BatchList, Fault::Before(Trouble::status(401, "")));
    let (outcomes, _) = make(&server, 2).await;
    assert!(outcomes.iter().all(Result::is_err), "{outcomes:?}");
    assert_eq!(server.executions(), 0);
    let batches = server.batches();
    assert!(
        batches
            .iter()
            .all(|(status, _)| *status == Status::Cancelled),
        "{batches:?}"
    );
}

#[tokio::test]
async fn replies_that_are_lost_neither_double_a_request_nor_a_batch() {
    let server = RunPodServer::start(echo).await;
    for route in [
        Route::BatchAdd,
        Route::BatchFinalize,
        Route::BatchView,
        Route::BatchList,
    ] {
        server.fail_next(
            route,
            [
                Fault::After(Trouble::HangUp),
                Fault::After(Trouble::gateway()),
            ],
        );
    }
    let (outcomes, usage) = make(&server, 3).await;
    assert_all_answered(&outcomes);
    assert_eq!(
        (server.executions(), usage.calls, usage.resubmitted),
        (3, 3, 0)
    );
    assert_eq!(server.batches(), [(Status::Finalized, 3)]);
}

/// Makes three calls to an endpoint that completes one request and then waits, does something to their batch, and lets it
/// answer from then on.
async fn after(
    harm: impl Fn(&RunPodServer),
) -> (Vec<Result<Answer, ModelError>>, Usage, RunPodServer) {
    let server = RunPodServer::start(|job| {
        let queue = Duration::from_secs(if (1..3).contains(&job.number) {
            3600
        } else {
            0
        });
        echo(job).queued_for(queue)
    })
    .await;
    let ((outcomes, usage), ()) = tokio::join!(make(&server, 3), async {
        while server.requests(Route::BatchView) < 3 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        harm(&server);
    });
    (outcomes, usage, server)
}

#[tokio::test]
async fn a_batch_that_somebody_cancels_is_submitted_once_more_without_what_was_done() {
    let (outcomes, usage, server) = after(|server| server.cancel_batch(0)).await;
    assert_all_answered(&outcomes);
    // The answer that was there is used.
    assert_eq!(
        (server.executions(), usage.calls, usage.resubmitted),
        (3, 5, 2)
    );
    assert_eq!(server.batches()[0], (Status::Cancelled, 3));

    let server = RunPodServer::start(|job| echo(job).queued_for(Duration::from_secs(3600))).await;
    let ((outcomes, _), ()) = tokio::join!(make(&server, 2), async {
        for number in 0..2 {
            while server.batches().get(number) != Some(&(Status::Finalized, 2)) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            server.cancel_batch(number);
        }
    });
    let error = outcomes[0].as_ref().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Cancelled, "twice means it: {error}");
    assert_eq!((server.executions(), server.batches().len()), (0, 2));
}

#[tokio::test]
async fn a_batch_that_fails_is_submitted_once_more_without_what_was_done() {
    let (outcomes, usage, server) = after(|server| server.fail_batch(0)).await;
    assert_all_answered(&outcomes);
    assert_eq!(
        (server.executions(), usage.calls, usage.resubmitted),
        (3, 5, 2)
    );
}

#[tokio::test]
async fn a_batch_that_has_expired_is_paid_once_more_and_counted() {
    let (outcomes, usage, server) = after(|server| server.forget_batch(0)).await;
    assert_all_answered(&outcomes);
    let answered = 6 - usage.calls;
    assert_eq!(usage.resubmitted, 3 - answered, "{usage:?}");
    assert_eq!(server.batches().len(), 2);
}

fn prompts(parts: std::ops::Range<usize>) -> Vec<Prompt> {
    let request = |part| Request {
        part: (part, 1000),
        ..request()
    };
    parts
        .map(|part| Prompt::new(request(part), Tokens(100)))
        .collect()
}

/// A client of a model that has others.
fn sharing(model: &Arc<RunPod>) -> Arc<ModelClient> {
    let options = CallOptions {
        max_calls: 100,
        concurrency: 2,
        ..CallOptions::default()
    };
    let run = Run::new(Clock::System);
    Arc::new(ModelClient::new(model.clone(), None, options, &run))
}

/// Has a client make its calls in the background.
fn calls(
    client: &Arc<ModelClient>,
    prompts: Vec<Prompt>,
) -> JoinHandle<Vec<Result<Answer, ModelError>>> {
    let client = Arc::clone(client);
    tokio::spawn(async move { join_all(prompts.iter().map(|prompt| client.call(prompt))).await })
}

async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn calls_that_are_given_up_do_not_cancel_a_batch_that_others_wait_for() {
    let server = RunPodServer::start(|job| echo(job).queued_for(Duration::from_millis(400))).await;
    let model = Arc::new(model(&server));
    let (one, other) = (sharing(&model), sharing(&model));
    let (ones, others) = (calls(&one, prompts(0..2)), calls(&other, prompts(2..4)));
    until(|| server.batches() == [(Status::Finalized, 4)]).await;
    one.cancel_open_jobs().await;
    ones.abort();
    let answers = others.await.unwrap();
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(server.batches(), [(Status::Finalized, 4)]);
    assert_eq!(other.usage().resubmitted, 0);
}

#[tokio::test]
async fn a_batch_is_cancelled_once_nobody_waits_for_it() {
    let server = RunPodServer::start(|job| {
        let queue = Duration::from_secs(if job.number == 0 { 0 } else { 3600 });
        echo(job).queued_for(queue)
    })
    .await;
    let model = Arc::new(model(&server));
    let clients = [sharing(&model), sharing(&model)];
    let made = [
        calls(&clients[0], prompts(0..2)),
        calls(&clients[1], prompts(2..4)),
    ];
    until(|| server.batches() == [(Status::Finalized, 4)]).await;
    // What is done needs no cancelling.
    until(|| {
        clients
            .iter()
            .any(|client| client.usage().completion_tokens > 0)
    })
    .await;
    made.iter().for_each(JoinHandle::abort);
    clients[0].cancel_open_jobs().await;
    assert_eq!(server.batches()[0].0, Status::Finalized);
    clients[1].cancel_open_jobs().await;
    assert_eq!(server.batches()[0].0, Status::Cancelled);
    assert_eq!(server.executions(), 1);
}

#[tokio::test]
async fn what_may_have_been_started_of_a_batch_that_was_cancelled_counts_as_sent() {
    // One request has been started, the other waits; and a draft.
    for (is_finalized, was_sent) in [(true, [true, true]), (false, [false, false])] {
        let server = RunPodServer::start(|job| {
            let hour = Duration::from_secs(3600);
            match job.number {
                0 => echo(job).executing_for(hour),
                _ => echo(job).queued_for(hour),
            }
        })
        .await;
        let first = model(&server);
        let asked = prompts(0..2);
        let replies = join_all(asked.iter().map(|prompt| first.submit(prompt))).await;
        let batch = "batch_0";
        if is_finalized {
            Batches::finalize(&first, batch).await.unwrap();
        }
        server.cancel_batch(0);
        assert_eq!(server.batches(), [(Status::Cancelled, 2)]);
        // Another run finds the tickets.
        let second = Arc::new(model(&server));
        let client = sharing(&second);
        for (reply, was_sent) in replies.into_iter().zip(was_sent) {
            let Ok(Reply::Queued(ticket)) = reply else {
                panic!("{reply:?}");
            };
            let never = second.was_never_sent(&ticket, &client).await.unwrap();
            assert_eq!(never, !was_sent, "finalized: {is_finalized}");
        }
    }
}

#[tokio::test]
async fn the_variable_sends_batches_with_runpod_only() {
    let server = RunPodServer::start(obey).await;
    let batch = [("RUNPOD_BATCH", "true"), ("SUMMARY_WORDS", "300")];
    let place = Workplace::runpod(&server.url(), &batch).await;
    let upload = place.upload("board.txt", crate::support::workplace::meeting(700));
    let ended = place.run(&upload).await;
    assert!(matches!(ended, Ok(Outcome::Done(_))), "{ended:?}");
    assert!(server.submits() == 0 && !server.batches().is_empty());

    for (value, provider, expected) in [
        (
            "true",
            "huggingface",
            "it is for runpod only, so remove it or set MODEL_PROVIDER=runpod",
        ),
        ("true", "extractive", "it is for runpod only"),
        ("yes", "runpod", "one of true, false"),
    ] {
        let settings = [
            ("RUNPOD_BATCH", value),
            ("MODEL_PROVIDER", provider),
            ("HF_API_TOKEN", "hf_x"),
            ("RUNPOD_API_KEY", "rpa_x"),
            ("RUNPOD_ENDPOINT_URL", "https://api.runpod.ai/v2/abc"),
        ];
        let error = config(&settings).unwrap_err().to_string();
        assert!(
            error.starts_with("RUNPOD_BATCH is") && error.contains(expected),
            "{error}"
        );
    }
    let fallback = [
        ("HF_API_TOKEN", "hf_x"),
        ("RUNPOD_BATCH", "false"),
        ("FALLBACK_MODEL_PROVIDER", "runpod"),
        ("FALLBACK_RUNPOD_API_KEY", "rpa_x"),
        (
            "FALLBACK_RUNPOD_ENDPOINT_URL",
            "https://api.runpod.ai/v2/abc",
        ),
        ("FALLBACK_RUNPOD_BATCH", "true"),
    ];
    assert!(config(&fallback).is_ok());
}

#[tokio::test]
async fn a_draft_that_is_discarded_is_in_no_metric() {
    let server = RunPodServer::start(echo).await;
    let model = Arc::new(model(&server));
    let told = Arc::new(Mutex::new(Vec::new()));
    let meter = Arc::clone(&told);
    let run = Run::new(Clock::System)
        .metered_by(move |spending: &Spending| meter.lock().unwrap().push(*spending));
    let options = CallOptions {
        max_calls: 100,
        concurrency: 2,
        ..CallOptions::default()
    };
    let client = Arc::new(ModelClient::new(model.clone(), None, options, &run));
    let mut asked = prompts(0..2);
    let given_up = asked.pop().unwrap();
    let answered = calls(&client, asked);
    // Another transcript's call is given up when both are drafted.
    let reply = model.submit(&given_up).await;
    let Ok(Reply::Queued(ticket)) = reply else {
        panic!("{reply:?}");
    };
    Jobs::cancel(&*model, &ticket).await.unwrap();
    let answers = answered.await.unwrap();
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(
        server.batches(),
        [(Status::Cancelled, 2), (Status::Finalized, 1)]
    );
    let usage = client.usage();
    assert_eq!((usage.calls, usage.resubmitted), (1, 0), "{usage:?}");
    let told = told.lock().unwrap();
    let sum = |count: fn(&Spending) -> u64| told.iter().map(count).sum::<u64>();
    assert_eq!(sum(|spending| spending.calls as u64), 1, "{told:?}");
    assert_eq!(sum(|spending| spending.resubmitted as u64), 0, "{told:?}");
    assert_eq!(sum(|spending| spending.prompt_tokens), usage.prompt_tokens);
    let completed = sum(|spending| spending.completion_tokens);
    assert_eq!(completed, usage.completion_tokens);
}
