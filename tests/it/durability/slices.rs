//! A job that takes several invocations, and events that are delivered more than once.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use transcript_summarizer::job::Outcome;
use transcript_summarizer::prompt::Task;

use crate::support::faulty::endpoint::{Question, Trouble};
use crate::support::faulty::scene::{
    BATCHES, ERROR, KEY, QUEUE, REPORT, SUMMARY, SYNC, Scene, Setup, meeting, reference, simulate,
};

const SLICE: Option<Duration> = Some(Duration::from_secs(6));

fn in_slices(setup: Setup) -> usize {
    let reference = reference(setup, "depot");
    simulate(async {
        let scene = Scene::new(setup);
        let upload = scene.disk().upload(KEY, meeting("depot"));
        let (ended, slices) = scene
            .redeliver(&upload, SLICE, Duration::from_secs(1))
            .await;
        assert!(matches!(ended, Outcome::Done(_)), "{ended:?}");
        assert_eq!(scene.extra_submits(), 0);
        assert_eq!(scene.endpoint().submits().len(), reference.calls);
        assert!(scene.endpoint().jobs().iter().all(|job| job.fetched));
        scene.check(&[&reference.text]);
        assert!(scene.disk().read(ERROR).is_none());
        let usage = &scene.disk().read_json(REPORT)["usage"];
        assert_eq!(usage["resubmitted"], 0);
        assert_eq!(usage["calls"], reference.calls);
        slices
    })
}

#[test]
fn a_job_of_several_slices_is_paid_once_and_says_the_same() {
    let slices = in_slices(QUEUE);
    eprintln!("queued: {slices} slices of 6 s, no extra submit");
    assert!((3..=10).contains(&slices), "{slices} slices");
    let slices = in_slices(Setup {
        work_ms: (15_000, 40_000),
        ..BATCHES
    });
    eprintln!("in batches: {slices} slices of 6 s, no extra submit");
    assert!(slices >= 2, "{slices} slices");
    let slices = in_slices(Setup {
        work_ms: (400, 1000),
        ..SYNC
    });
    eprintln!("synchronous: {slices} slices of 6 s, no extra submit");
    assert!(slices >= 2, "{slices} slices");
}

#[test]
fn a_request_of_batches_that_always_fails_is_submitted_twice_however_many_slices_it_takes() {
    let setup = Setup {
        work_ms: (15_000, 40_000),
        ..BATCHES
    };
    simulate(async {
        let scene = Scene::new(setup);
        let upload = scene.disk().upload(KEY, meeting("depot"));
        scene.endpoint().set_troubles(|asked| {
            let request = asked.prompt.request();
            let is_meant = request.task == Task::Section && request.part.0 == 1;
            let fails = Trouble::Fails {
                timed_out: false,
                times: usize::MAX,
            };
            (asked.question == Question::Submit && is_meant).then_some(fails)
        });
        let mut slices = 0;
        while !matches!(scene.slice(&upload, SLICE).await, Ok(Outcome::Done(_))) && slices < 60 {
            slices += 1;
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        let submits = scene.endpoint().submits();
        let most = submits.values().max().unwrap();
        assert_eq!(*most, 2, "{slices} slices: {submits:?}");
        assert!(slices > 4, "{slices} slices");
    });
}

#[test]
fn a_hundred_events_eight_at_a_time_bring_one_summary() {
    for setup in [QUEUE, SYNC] {
        let reference = reference(setup, "depot");
        simulate(async {
            let scene = Scene::new(setup);
            let upload = scene.disk().upload(KEY, meeting("depot"));
            let endings: Vec<_> = stream::iter(0..100)
                .map(|_| scene.redeliver(&upload, None, Duration::from_secs(30)))
                .buffer_unordered(8)
                .collect()
                .await;
            let mut counts = BTreeMap::new();
            for (ended, _) in &endings {
                let name = match ended {
                    Outcome::Done(_) => "done",
                    Outcome::Duplicate { .. } => "duplicate",
                    other => panic!("{other:?}"),
                };
                *counts.entry(name).or_insert(0) += 1;
            }
            assert_eq!(counts, BTreeMap::from([("done", 1), ("duplicate", 99)]));
            assert_eq!(scene.extra_submits(), 0);
            assert_eq!(scene.endpoint().submits().len(), reference.calls);
            assert_eq!(scene.disk().writes(|key| key == SUMMARY).len(), 1);
            scene.check(&[&reference.text]);
        });
    }
}

#[test]
fn a_summary_that_is_there_ends_what_was_said_about_a_failure() {
    simulate(async {
        let scene = Scene::new(SYNC);
        let upload = scene.disk().upload(KEY, meeting("depot"));
        scene.redeliver(&upload, None, Duration::from_secs(1)).await;
        // The state left by a process killed between publishing and cleaning up.
        scene.disk().upload(ERROR, "{}");
        let ended = scene.slice(&upload, None).await;
        assert!(matches!(ended, Ok(Outcome::Duplicate { .. })), "{ended:?}");
        assert!(scene.disk().read(ERROR).is_none());
    });
}
