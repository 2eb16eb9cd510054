//! The RunPod client against a simulated endpoint over real sockets: requests, polling, retries and cancellation of jobs.

use std::time::{Duration, Instant};

use crate::support::huggingface::{SPOKEN, prompt};
use crate::support::runpod::{LONG, client, client_with, failure, outcome, pending, poll, submit};
use crate::support::runpod_faults::{Fault, Route, Trouble};
use crate::support::runpod_jobs::JobPlan;
use crate::support::runpod_server::{ENDPOINT, KEY, LongPoll, RunPodServer};
use serde_json::{Map, json};
use transcript_summarizer::model::{ErrorKind, Finish, Jobs, Model, Reply, Ticket, TokenUsage};
use transcript_summarizer::provider::runpod::follow::{Polled, Queue};

const SHORT: Duration = Duration::from_secs(1);

#[tokio::test]
async fn the_envelope_suits_every_worker() {
    let server = RunPodServer::start(|_| JobPlan::text("Fine.")).await;
    let parameters = json!({"temperature": 0.2, "max_tokens": 1, "stream": true, "model": "other",
                            "messages": [], "prompt": "x"});
    let parameters = parameters.as_object().unwrap().clone();
    let model = client_with(&server.url(), Some("qwen"), parameters);
    assert!(model.jobs().is_some());
    // With long polling, a job may be polled immediately.
    assert!(model.holds());
    assert_eq!(submit(&model).await.id, server.jobs()[0].id);

    let calls = server.calls();
    let sent = &calls[0];
    assert_eq!(calls.len(), 1);
    assert_eq!(sent.method, "POST");
    assert_eq!(sent.target, format!("/v2/{ENDPOINT}/run"));
    assert_eq!(sent.headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(sent.headers["content-type"], "application/json");
    let prompt = prompt();
    let words = prompt.messages();
    assert_eq!(
        sent.body,
        json!({
            "input": {
                "messages": [{"role": "system", "content": words.system}, {"role": "user", "content": words.user}],
                "prompt": format!("{}\n\n{}", words.system, words.user),
                "sampling_params": {"temperature": 0.2, "max_tokens": 100},
                "max_tokens": 100,
                "model": "qwen",
                "stream": false,
                "correlation_id": prompt.id(),
            },
            "policy": {"executionTimeout": 600_000, "ttl": 86_400_000},
        })
    );
    submit(&client(&server)).await;
    let plain = &server.jobs()[1];
    assert!(plain.input().get("model").is_none());
    assert!(!format!("{model:?}").contains("AbCdEfGh"));
}

#[tokio::test]
async fn a_question_is_held_until_the_job_is_done() {
    let server = RunPodServer::start(|_| {
        JobPlan::text("The board met.")
            .queued_for(Duration::from_millis(200))
            .executing_for(Duration::from_millis(300))
    })
    .await;
    let model = client(&server);
    let ticket = submit(&model).await;
    let Polled::Done(answer) = poll(&model, &ticket, LONG).await.unwrap() else {
        panic!("not done");
    };
    assert_eq!(answer.text, "The board met.");
    assert_eq!(answer.finish, Finish::Stop);
    assert_eq!(
        answer.usage,
        Some(TokenUsage {
            prompt_tokens: 20,
            completion_tokens: 3
        })
    );
    assert_eq!(answer.job_time, Some(Duration::from_millis(500)));
    assert_eq!((server.long_polls(), server.polls()), (1, 1));
    let target = &server.calls()[1].target;
    assert_eq!(
        target,
        &format!("/v2/{ENDPOINT}/status-sync/{}?wait=60000", ticket.id)
    );
    assert!(server.unaccounted().is_empty());
}

#[tokio::test]
async fn a_question_is_held_for_no_longer_than_asked() {
    let server = RunPodServer::start(|job| {
        let plan = JobPlan::text("x").executing_for(LONG);
        match job.number {
            0 => plan.queued_for(LONG),
            _ => plan.reporting(json!("half a summary")),
        }
    })
    .await;
    let model = client(&server);
    let (waiting, running) = (submit(&model).await, submit(&model).await);
    for (ticket, started) in [(&waiting, false), (&running, true)] {
        // Below RunPod's minimum, so the client long-polls for one second.
        let began = Instant::now();
        let asked = Duration::from_millis(10);
        let held = pending(poll(&model, ticket, asked).await.unwrap());
        assert!(began.elapsed() >= Duration::from_secs(1));
        assert_eq!((held.started, held.held), (started, true));
    }
    assert!(server.calls()[2].target.ends_with("?wait=1000"));
    // With a wait of zero, the poll returns immediately.
    let asked = pending(poll(&model, &running, Duration::ZERO).await.unwrap());
    assert!(asked.started && !asked.held);
    assert_eq!((server.long_polls(), server.polls()), (2, 3));
    assert_eq!(server.polls_of(&running.id), 2);

    server.set_long_poll(LongPoll::AtOnce);
    let not_held = pending(poll(&model, &running, LONG).await.unwrap());
    assert!(!not_held.held, "asking again at once would spin");
    // The wait is capped at the longest long poll that RunPod allows.
    poll(&model, &running, LONG * 60).await.unwrap();
    assert!(
        server
            .calls()
            .last()
            .unwrap()
            .target
            .ends_with("?wait=90000")
    );
    assert_eq!(server.unaccounted().len(), 2);
}

#[tokio::test]
async fn an_endpoint_that_cannot_hold_is_asked_shortly() {
    for mode in [LongPoll::Unknown, LongPoll::NotAllowed] {
        let server = RunPodServer::start(|_| JobPlan::text("x").executing_for(LONG)).await;
        server.set_long_poll(mode);
        let model = client(&server);
        let ticket = submit(&model).await;
        for _ in 0..3 {
            let asked = pending(poll(&model, &ticket, LONG).await.unwrap());
            assert!(asked.started && !asked.held);
        }
        server.finish(&ticket.id);
        assert!(matches!(
            poll(&model, &ticket, LONG).await,
            Ok(Polled::Done(_))
        ));
        assert_eq!((server.long_polls(), server.polls()), (1, 5), "{mode:?}");
    }
}

#[tokio::test]
async fn a_job_that_is_gone_is_lost() {
    let server = RunPodServer::start(|job| match job.number {
        0 => JobPlan::vanishing(),
        _ => JobPlan::text("x"),
    })
    .await;
    let model = client(&server);
    let ticket = submit(&model).await;
    for wait in [LONG, Duration::ZERO] {
        let error = poll(&model, &ticket, wait).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Lost, "{error}");
        assert!(error.message.contains(&ticket.id), "{error}");
    }
    // An unknown job does not mean that the route is unknown: long polling continues.
    let other = submit(&model).await;
    let before = server.long_polls();
    assert!(poll(&model, &other, LONG).await.is_ok());
    assert_eq!(server.long_polls(), before + 1);
    server.forget(&other.id);
    let error = model.rerun(&other).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Lost);
    assert_eq!(server.states()[1].1, "GONE");

    let forgetful = JobPlan::failed("Job ID not found");
    assert_eq!(failure(forgetful).await.kind, ErrorKind::Lost);
}

#[tokio::test]
async fn ids_stay_one_segment_of_the_path() {
    let server = RunPodServer::start(|_| JobPlan::text("x")).await;
    let model = client(&server);
    let odd = Ticket {
        id: "a/../../../x?wait=1#é".to_owned(),
    };
    poll(&model, &odd, Duration::ZERO).await.unwrap_err();
    model.cancel(&odd).await.unwrap();
    let targets: Vec<String> = server.calls().into_iter().map(|call| call.target).collect();
    let encoded = "a%2F..%2F..%2F..%2Fx%3Fwait=1%23%C3%A9";
    assert_eq!(
        targets,
        [
            format!("/v2/{ENDPOINT}/status/{encoded}"),
            format!("/v2/{ENDPOINT}/cancel/{encoded}")
        ]
    );
}

#[tokio::test]
async fn a_failed_job_is_run_again_under_its_ticket() {
    let server = RunPodServer::start(|job| match job.retries {
        0 => JobPlan::failed("CUDA out of memory"),
        _ => JobPlan::text("At last.").executing_for(Duration::from_millis(200)),
    })
    .await;
    let model = client(&server);
    let ticket = submit(&model).await;
    let error = poll(&model, &ticket, LONG).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::JobFailed { timed_out: false });
    model.rerun(&ticket).await.unwrap();
    // Rerunning a job that is already running is harmless; the next poll shows its state.
    model.rerun(&ticket).await.unwrap();
    let Polled::Done(answer) = poll(&model, &ticket, LONG).await.unwrap() else {
        panic!("not done");
    };
    assert_eq!(answer.text, "At last.");
    assert_eq!((server.submits(), server.retries()), (1, 2));
    assert_eq!(server.executions(), 2);
    assert!(server.unaccounted().is_empty());
}

#[tokio::test]
async fn a_job_is_given_up_once_and_for_all() {
    let server = RunPodServer::start(|_| JobPlan::text("x").executing_for(LONG)).await;
    let model = client(&server);
    let ticket = submit(&model).await;
    assert_eq!(server.unaccounted(), std::slice::from_ref(&ticket.id));
    model.cancel(&ticket).await.unwrap();
    assert_eq!(server.states(), [(ticket.id.clone(), "CANCELLED")]);
    assert!(server.unaccounted().is_empty());
    server.forget(&ticket.id);
    model.cancel(&ticket).await.unwrap();
    assert_eq!(server.cancels(), 2);

    let quoted = format!("{{\"error\":\"no: {KEY} {}\"}}", SPOKEN);
    server.fail_next(
        Route::Cancel,
        [
            Fault::Before(Trouble::status(500, quoted)),
            Fault::Before(Trouble::status(401, "")),
        ],
    );
    let error = model.cancel(&ticket).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient);
    crate::support::runpod::is_clean(&error);
    let error = model.cancel(&ticket).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Configuration);
}

#[tokio::test]
async fn reports_a_job_that_was_cancelled_elsewhere() {
    let server = RunPodServer::start(|_| JobPlan::text("x").executing_for(LONG)).await;
    let model = client(&server);
    let ticket = submit(&model).await;
    let (outcome, ()) = tokio::join!(poll(&model, &ticket, LONG), async {
        while server.long_polls() == 0 {
            tokio::task::yield_now().await;
        }
        server.cancel(&ticket.id);
    });
    let error = outcome.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Cancelled, "{error}");
    assert!(error.message.contains("the job was cancelled"), "{error}");
    let error = failure(JobPlan::cancelled()).await;
    assert_eq!(error.kind, ErrorKind::Cancelled, "{error}");
}

#[tokio::test]
async fn explains_a_wait_without_workers() {
    let server = RunPodServer::start(|_| JobPlan::text("x")).await;
    let model = client(&server);
    server.set_workers(0);
    model.diagnose().await.unwrap();
    let ticket = submit(&model).await;
    let asked = pending(poll(&model, &ticket, Duration::ZERO).await.unwrap());
    assert!(!asked.started);

    let error = model.diagnose().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Configuration);
    assert!(error.message.contains("max workers"), "{error}");
    assert!(error.message.contains("RUNPOD_ENDPOINT_URL"), "{error}");
    server.set_broken_workers(2, 0);
    let error = model.diagnose().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Configuration);
    assert!(error.message.contains("unhealthy"), "{error}");
    // Throttled workers are waiting for a GPU and will start eventually.
    server.set_broken_workers(2, 1);
    model.diagnose().await.unwrap();
    server.set_broken_workers(0, 0);
    for trouble in [Trouble::status(500, ""), Trouble::status(200, "pong")] {
        server.fail_next(Route::Health, [Fault::Before(trouble)]);
        model.diagnose().await.unwrap();
    }
    assert!(model.diagnose().await.is_err());
    server.set_workers(1);
    model.diagnose().await.unwrap();
    assert!(matches!(
        poll(&model, &ticket, SHORT).await,
        Ok(Polled::Done(_))
    ));
    assert_eq!(server.healths(), 8);
}

#[tokio::test]
async fn jobs_wait_for_workers_and_not_for_each_other() {
    let server = RunPodServer::start(|_| JobPlan::text("x").executing_for(LONG)).await;
    server.set_workers(1);
    let model = client(&server);
    let (first, second) = (submit(&model).await, submit(&model).await);
    let begun = |polled| pending(polled).started;
    assert!(begun(poll(&model, &first, Duration::ZERO).await.unwrap()));
    assert!(!begun(poll(&model, &second, Duration::ZERO).await.unwrap()));
    server.finish(&first.id);
    assert!(begun(poll(&model, &second, Duration::ZERO).await.unwrap()));
    server.finish(&second.id);
    let (a, b) = tokio::join!(poll(&model, &first, LONG), poll(&model, &second, LONG));
    assert!(matches!(a, Ok(Polled::Done(_))), "{a:?}");
    assert!(matches!(b, Ok(Polled::Done(_))), "{b:?}");
    assert!(
        server
            .states()
            .iter()
            .all(|(_, state)| *state == "COMPLETED")
    );
}

#[tokio::test]
async fn states_of_any_name_are_taken() {
    for (state, output) in [
        ("RUNNING", json!(null)),
        (
            "IN_PROGRESS",
            json!([{"choices": [{"message": {"content": "early"}}]}]),
        ),
        ("PREEMPTED", json!("early")),
    ] {
        let server = RunPodServer::start(move |_| {
            JobPlan::text("x").always_saying(json!({"status": state, "output": output}))
        })
        .await;
        let model = client(&server);
        let ticket = submit(&model).await;
        let asked = pending(poll(&model, &ticket, Duration::ZERO).await.unwrap());
        assert!(asked.started, "{state}");
    }
    // Unknown members are ignored, and times may have any numeric form.
    let plan =
        JobPlan::text("x").always_saying(json!({"retries": 1, "input": {}, "delayTime": 7.5}));
    let answer = outcome(plan).await.unwrap();
    assert_eq!(answer.job_time, Some(Duration::from_micros(7500)));
}

#[tokio::test]
async fn a_reply_to_run_may_be_the_whole_job() {
    let server = RunPodServer::start(|_| JobPlan::text("x")).await;
    let model = client_with(&server.url(), None, Map::new());
    let reply =
        |status, body: serde_json::Value| Fault::After(Trouble::status(status, body.to_string()));
    server.fail_next(
        Route::Run,
        [
            reply(
                200,
                json!({"id": "sync-1", "status": "COMPLETED", "output": "Done at once."}),
            ),
            reply(
                400,
                json!({"id": "sync-2", "status": "FAILED", "error": "CUDA error"}),
            ),
            reply(400, json!({"error": "input is required"})),
            reply(200, json!({"id": 17, "status": "IN_PROGRESS"})),
        ],
    );
    let Reply::Done(answer) = model.submit(&prompt()).await.unwrap() else {
        panic!("not done");
    };
    assert_eq!(answer.text, "Done at once.");
    let error = model.submit(&prompt()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::JobFailed { timed_out: false });
    let error = model.submit(&prompt()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadInput);
    let running = model.submit(&prompt()).await.unwrap();
    let id = "17".to_owned();
    assert_eq!(running, Reply::Queued(Ticket { id }));
}
