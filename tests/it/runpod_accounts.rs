//! No job is lost track of: however the work ends, every submitted job is finished, cancelled or recorded in the ledger.

use std::sync::Arc;
use std::time::Duration;

use crate::support::obedient;
use crate::support::queue::Queue;
use crate::support::runpod_faults::{Fault, Route, Trouble};
use crate::support::runpod_jobs::{JobPlan, SubmittedJob};
use crate::support::runpod_server::RunPodServer;
use crate::support::workplace::{Workplace, meeting};
use crate::support::{huggingface, runpod};
use futures_util::future::join_all;
use tokio::time::Instant;
use transcript_summarizer::clock::Clock;
use transcript_summarizer::job::Outcome;
use transcript_summarizer::model::{CallOptions, ErrorKind, Model, ModelClient};
use transcript_summarizer::prompt::{Prompt, Request};
use transcript_summarizer::run::Run;
use transcript_summarizer::text::Tokens;

const ROUTES: [Route; 6] = [
    Route::Run,
    Route::Status,
    Route::StatusSync,
    Route::Retry,
    Route::Cancel,
    Route::Health,
];

const SETTINGS: [(&str, &str); 2] = [("MODEL_CONCURRENCY", "8"), ("CHUNK_TOKENS", "1500")];

fn options() -> CallOptions {
    CallOptions {
        max_calls: 100,
        concurrency: 8,
        ..CallOptions::default()
    }
}

fn client(model: Arc<dyn Model>, options: CallOptions) -> ModelClient {
    ModelClient::new(model, None, options, &Run::new(Clock::System))
}

fn prompts(count: usize) -> Vec<Prompt> {
    let request = |part| Request {
        part: (part, count),
        ..huggingface::request()
    };
    let requests = (1..=count).map(request);
    requests
        .map(|request| Prompt::new(request, Tokens(100)))
        .collect()
}

/// A server whose workers take 200 ms per job.
async fn server() -> RunPodServer {
    let plan = |job: &SubmittedJob| {
        let text = obedient::answer(job.message("user"));
        JobPlan::text(&text).executing_for(Duration::from_millis(200))
    };
    let server = RunPodServer::start(plan).await;
    server.set_workers(3);
    server
}

/// Waits until at least `jobs` jobs have been submitted.
async fn until_submitted(server: &RunPodServer, jobs: usize) {
    let all = async {
        while server.jobs().len() < jobs {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(60), all).await;
    waited.expect("so many jobs are submitted");
}

/// Runs the upload again and checks that it resumes: every job is known, and none is submitted twice.
async fn summarizes_after_recovery(place: &Workplace, server: &RunPodServer, given_up: usize) {
    let upload = Workplace::announced("board.txt");
    let done = match place.run(&upload).await {
        Ok(Outcome::Done(done)) => done,
        other => panic!("{other:?}"),
    };
    assert_eq!(server.unaccounted(), Vec::<String>::new());
    // The report counts every submission for this upload, including cancelled jobs.
    assert_eq!(done.report.usage.calls, server.jobs().len());
    // Cancelled jobs may have been billed.
    assert_eq!(done.report.usage.resubmitted, given_up);
}

#[tokio::test]
async fn a_key_that_is_revoked_in_the_middle() {
    let server = server().await;
    let place = Workplace::runpod(&server.url(), &SETTINGS).await;
    let upload = place.upload("board.txt", meeting(9000));
    let revoked = async {
        until_submitted(&server, 5).await;
        let before = server.calls().len();
        for route in ROUTES {
            server.fail_always(route, Fault::Before(Trouble::status(401, "")));
        }
        before
    };
    let (outcome, before) = tokio::join!(place.run(&upload), revoked);
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains("check RUNPOD_API_KEY"), "{error}");
    let report = place.read_json("summaries/board.txt_error.json");
    assert_eq!(report["kind"], "ConfigurationError", "{report}");
    // One request that discovers the refusal, the requests in flight, and one cancellation attempt per job.
    let after = server.calls().len() - before;
    assert!(after <= 2 * 8 + 1, "{after} requests with a refused key");

    // These jobs could be neither polled nor cancelled, so they stay in the ledger.
    assert!(!server.unaccounted().is_empty());
    for route in ROUTES {
        server.heal(route);
    }
    summarizes_after_recovery(&place, &server, 0).await;
    assert_eq!(
        server.executions(),
        server.jobs().len(),
        "nothing was paid twice"
    );
}

#[tokio::test]
async fn a_job_that_someone_else_cancels_is_submitted_once_more() {
    let server = server().await;
    let place = Workplace::runpod(&server.url(), &SETTINGS).await;
    let upload = place.upload("board.txt", meeting(9000));
    let cancelled = async {
        // One of the sections, which are written at once after the outline.
        until_submitted(&server, 4).await;
        server.cancel(&server.jobs()[3].id);
    };
    let (outcome, ()) = tokio::join!(place.run(&upload), cancelled);
    let Ok(Outcome::Done(done)) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(done.report.usage.resubmitted, 1);
    assert_eq!(server.unaccounted(), Vec::<String>::new());
}

#[tokio::test]
async fn jobs_that_someone_else_goes_on_cancelling() {
    let server = server().await;
    let place = Workplace::runpod(&server.url(), &SETTINGS).await;
    let upload = place.upload("board.txt", meeting(9000));
    let cancelled = async {
        until_submitted(&server, 4).await;
        loop {
            let jobs = server.jobs();
            jobs.iter().skip(3).for_each(|job| server.cancel(&job.id));
            tokio::task::yield_now().await;
        }
    };
    let outcome = tokio::select! {
        outcome = place.run(&upload) => outcome,
        () = cancelled => unreachable!(),
    };
    let error = outcome.unwrap_err().to_string();
    assert!(
        error.contains("the job was cancelled") && error.contains("send the transcript again"),
        "{error}"
    );
    assert!(place.exists("summaries/board.txt_error.json"));
    let given_up = server.states();
    let given_up = given_up.iter().filter(|(_, state)| *state == "CANCELLED");
    summarizes_after_recovery(&place, &server, given_up.count()).await;
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_without_workers() {
    for (holds, calls) in [(true, 1), (true, 12), (false, 12)] {
        let queue = Arc::new(Queue::new(holds, 0, |_| JobPlan::text("Fine.")));
        let client = client(queue.clone(), options());
        let began = Instant::now();
        let prompts = prompts(calls);
        let outcomes = join_all(prompts.iter().map(|prompt| client.call(prompt))).await;
        for outcome in outcomes {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Configuration);
            assert!(error.message.contains("no workers"), "{error}");
        }
        let took = began.elapsed().as_secs();
        assert!((80..=140).contains(&took), "told after {took} s");
        assert_eq!(queue.diagnoses(), 2);
        assert_eq!(queue.submits(), calls.min(8));
        client.cancel_open_jobs().await;
        assert_eq!(queue.unaccounted(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_is_spent() {
    for (max_calls, failing) in [(5, false), (8, true)] {
        let plan = move |job: &SubmittedJob| match job.retries {
            0 if failing => JobPlan::failed("CUDA out of memory"),
            _ => JobPlan::text("Fine."),
        };
        let queue = Arc::new(Queue::new(true, 3, move |job: &SubmittedJob| {
            plan(job).executing_for(Duration::from_secs(9))
        }));
        let options = CallOptions {
            max_calls,
            ..options()
        };
        let client = client(queue.clone(), options);
        let prompts = prompts(12);
        let outcomes = join_all(prompts.iter().map(|prompt| client.call(prompt))).await;
        let answered = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        for error in outcomes.into_iter().filter_map(Result::err) {
            assert_eq!(error.kind, ErrorKind::BudgetSpent, "{error}");
            let told = format!("MAX_MODEL_CALLS ({max_calls}) is used up: raise it");
            assert!(error.message.starts_with(&told), "{error}");
        }
        assert_eq!(queue.unaccounted(), 0, "budget {max_calls}");
        assert!(queue.submits() <= max_calls);
        if !failing {
            assert_eq!((queue.submits(), answered), (5, 5));
        }
    }
}

#[tokio::test]
async fn a_submission_whose_reply_is_lost_is_reported() {
    let server = server().await;
    server.fail_next(
        Route::Run,
        [
            Fault::After(Trouble::HangUp),
            Fault::After(Trouble::gateway()),
        ],
    );
    let client = client(Arc::new(runpod::client(&server)), options());
    let prompts = prompts(6);
    let outcomes = join_all(prompts.iter().map(|prompt| client.call(prompt))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let usage = client.usage();
    assert_eq!(server.jobs().len(), 8);
    assert_eq!((usage.calls, usage.retries), (8, 2), "{usage:?}");
    // A job whose id was never received cannot be polled or cancelled.
    assert_eq!(server.unaccounted().len(), 2);
    assert_eq!(usage.resubmitted, 2, "{usage:?}");
}
