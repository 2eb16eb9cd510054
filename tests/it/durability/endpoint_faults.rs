//! An endpoint that is down, rejects the key, or returns unusable answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use transcript_summarizer::job::JobError;
use transcript_summarizer::job::Outcome;
use transcript_summarizer::model::ErrorKind;
use transcript_summarizer::prompt::Task;

use crate::support::faulty::endpoint::{Question, REFUSED_KEY, Trouble};
use crate::support::faulty::hash;
use crate::support::faulty::scene::{
    ERROR, KEY, QUEUE, REPORT, SUMMARY, SYNC, Scene, meeting, reference, simulate,
};

const SLICE: Option<Duration> = Some(Duration::from_secs(60));

#[test]
fn an_outage_longer_than_a_slice_loses_nothing() {
    // The first invocation (in seconds) ends while queued jobs are still running, or between two waves of jobs.
    for (setup, first_slice) in [(QUEUE, 6), (QUEUE, 9), (SYNC, 12)] {
        let reference = reference(setup, "depot");
        simulate(async {
            let scene = Scene::new(setup);
            let upload = scene.disk().upload(KEY, meeting("depot"));
            // The outage begins mid-job: some calls are done, some jobs are still open.
            let first = scene
                .slice(&upload, Some(Duration::from_secs(first_slice)))
                .await;
            assert!(first.as_ref().is_err_and(JobError::passes), "{first:?}");
            scene
                .endpoint()
                .set_troubles(|_| Some(Trouble::Refused(ErrorKind::Transient)));
            let mut asked = Vec::new();
            for nth in 1..=14 {
                let before = scene.endpoint().requests();
                let ended = scene.slice(&upload, SLICE).await;
                let after = scene.endpoint().requests();
                asked.push((after.0 - before.0) + (after.1 - before.1));
                match ended {
                    Err(error) if error.passes() && nth <= 11 => {}
                    Err(JobError::NoProgress { .. }) if nth > 10 => {}
                    other => panic!("slice {nth}: {other:?}"),
                }
                tokio::time::sleep(Duration::from_secs(960)).await;
            }
            eprintln!(
                "queues: {}: requests in each slice of an outage: {asked:?}",
                setup.queues
            );
            assert!(asked[11..].iter().all(|&count| count == 1), "{asked:?}");
            assert!(scene.disk().read(SUMMARY).is_none());
            assert_eq!(scene.disk().read_json(ERROR)["retryable"], true);
            scene.endpoint().mend();
            scene
                .redeliver(&upload, SLICE, Duration::from_secs(1))
                .await;
            scene.check(&[&reference.text]);
            assert!(scene.disk().read(ERROR).is_none());
            // Results are kept for 30 minutes, so queued jobs that were running when the outage began have expired by now.
            let extra = scene.extra_submits();
            eprintln!(
                "queues: {}: {extra} extra submits for jobs that expired",
                setup.queues
            );
            assert!(extra <= if setup.queues { 4 } else { 0 }, "{extra}");
        });
    }
}

#[test]
fn a_refused_key_is_reported_by_name_and_costs_one_request_in_each_slice() {
    for setup in [QUEUE, SYNC] {
        let reference = reference(setup, "depot");
        simulate(async {
            let scene = Scene::new(setup);
            let upload = scene.disk().upload(KEY, meeting("depot"));
            scene
                .endpoint()
                .set_troubles(|_| Some(Trouble::Refused(ErrorKind::Configuration)));
            for _ in 0..3 {
                let before = scene.endpoint().requests();
                let ended = scene.slice(&upload, SLICE).await;
                assert!(ended.is_err(), "{ended:?}");
                assert_eq!(scene.endpoint().requests().0 - before.0, 1);
                let error = scene.disk().read_json(ERROR);
                assert_eq!(
                    (&error["kind"], &error["retryable"]),
                    (&"ConfigurationError".into(), &true.into())
                );
                assert!(
                    error["message"].as_str().unwrap().contains(REFUSED_KEY),
                    "{error}"
                );
                tokio::time::sleep(Duration::from_secs(960)).await;
            }
            scene.endpoint().mend();
            scene
                .redeliver(&upload, SLICE, Duration::from_secs(1))
                .await;
            assert!(scene.disk().read(ERROR).is_none());
            assert_eq!(scene.extra_submits(), 0);
            scene.check(&[&reference.text]);
        });
    }
}

#[test]
fn a_quarter_without_usable_answers_is_flagged_and_more_is_not_published() {
    for kind in [None, Some(ErrorKind::SuspectOutput)] {
        let sections = simulate(async {
            let scene = Scene::new(QUEUE);
            let upload = scene.disk().upload(KEY, meeting("depot"));
            scene.redeliver(&upload, None, Duration::from_secs(1)).await;
            scene.disk().read_json(REPORT)["sections"]
                .as_array()
                .unwrap()
                .len()
        });
        for bad in [sections / 4, sections / 4 + 1] {
            simulate(async {
                let scene = Scene::new(QUEUE);
                let upload = scene.disk().upload(KEY, meeting("depot"));
                scene.endpoint().set_troubles(move |asked| {
                    let request = asked.prompt.request();
                    let unlucky = request.task == Task::Section && request.part.0 <= bad;
                    (asked.question == Question::Submit && unlucky)
                        .then_some(Trouble::Answers(kind))
                });
                let ended = scene.slice(&upload, None).await;
                if bad * 4 > sections {
                    let Err(JobError::Degraded(..) | JobError::Write(_)) = ended else {
                        panic!("{ended:?}");
                    };
                    assert!(
                        scene
                            .disk()
                            .writes(|key| key == SUMMARY || key == REPORT)
                            .is_empty()
                    );
                    assert_eq!(scene.disk().read_json(ERROR)["kind"], "UnusableAnswers");
                    scene.check(&[]);
                    // At most two later runs request the unusable answers again. The runs after those send nothing.
                    let mut requests = Vec::new();
                    for _ in 0..4 {
                        let before = scene.endpoint().requests().0;
                        assert!(scene.slice(&upload, None).await.is_err());
                        requests.push(scene.endpoint().requests().0 - before);
                    }
                    eprintln!("{bad} of {sections} unusable: {requests:?} submits in later runs");
                    assert_eq!(requests[2..], [0, 0], "{requests:?}");
                } else {
                    assert!(matches!(ended, Ok(Outcome::Done(_))), "{ended:?}");
                    let report = scene.disk().read_json(REPORT);
                    let flagged = report["warnings"].as_array().unwrap().len();
                    assert_eq!(
                        (flagged, &report["coverage"]["degraded"]),
                        (bad, &bad.into())
                    );
                    assert!(scene.disk().read(ERROR).is_none());
                }
            });
        }
    }
}

/// Injects `trouble` into one call in three, the first time that call is made.
fn met_by(trouble: Trouble) -> (usize, usize, usize) {
    let reference = reference(QUEUE, "depot");
    simulate(async {
        let scene = Scene::new(QUEUE);
        let upload = scene.disk().upload(KEY, meeting("depot"));
        let mut met = BTreeMap::new();
        scene.endpoint().set_troubles(move |asked| {
            let call = asked.prompt.id();
            if asked.question != Question::Submit || !hash(&call).is_multiple_of(2) {
                return None;
            }
            let times = met.entry(call).or_insert(0);
            *times += 1;
            (*times == 1).then_some(trouble)
        });
        let (ended, slices) = scene
            .redeliver(
                &upload,
                Some(Duration::from_secs(300)),
                Duration::from_secs(5),
            )
            .await;
        assert!(matches!(ended, Outcome::Done(_)), "{trouble:?}: {ended:?}");
        assert_eq!(
            scene.endpoint().submits().len(),
            reference.calls,
            "{trouble:?}"
        );
        scene.check(&[&reference.text]);
        assert!(scene.disk().read(ERROR).is_none(), "{trouble:?}");
        let reported = scene.disk().read_json(REPORT)["usage"]["resubmitted"]
            .as_u64()
            .unwrap();
        assert_eq!(reported as usize, scene.extra_submits(), "{trouble:?}");
        (scene.extra_submits(), scene.endpoint().requests().0, slices)
    })
}

#[test]
fn calls_that_fail_once_are_paid_twice_only_if_their_outcome_is_unknown() {
    let retry_after = Some(Duration::from_secs(20));
    let free = [
        Trouble::Refused(ErrorKind::Throttled { retry_after }),
        Trouble::Refused(ErrorKind::Throttled { retry_after: None }),
        Trouble::Refused(ErrorKind::Warming { retry_after: None }),
        Trouble::Refused(ErrorKind::Transient),
        Trouble::Refused(ErrorKind::QuotaSpent),
        Trouble::Fails {
            timed_out: false,
            times: 2,
        },
        Trouble::Fails {
            timed_out: true,
            times: 1,
        },
        Trouble::Stuck(Duration::from_secs(200)),
    ];
    for trouble in free {
        let (extra, requests, slices) = met_by(trouble);
        eprintln!("{trouble:?}: {extra} extra submits, {requests} requests, {slices} slices");
        assert_eq!(extra, 0, "{trouble:?}");
    }
    for trouble in [
        Trouble::AnswerLost,
        Trouble::Vanishes,
        Trouble::Answers(Some(ErrorKind::Ambiguous)),
    ] {
        let (extra, requests, slices) = met_by(trouble);
        eprintln!("{trouble:?}: {extra} extra submits, {requests} requests, {slices} slices");
        assert!(
            extra > 0 && extra == requests - met_by(Trouble::Stuck(Duration::ZERO)).1,
            "{trouble:?}"
        );
    }
}

#[test]
fn the_calls_of_all_deliveries_stay_within_the_limit() {
    for most in [12, 30] {
        simulate(async {
            let mut scene = Scene::new(SYNC);
            let mut config = (*scene.config).clone();
            config.limits.max_calls = most;
            scene.config = Arc::new(config);
            let upload = scene.disk().upload(KEY, meeting("depot"));
            scene.endpoint().set_troubles(|asked| {
                let fails = asked.prompt.request().task != Task::Section;
                fails.then_some(Trouble::Answers(Some(ErrorKind::Ambiguous)))
            });
            for _ in 0..12 {
                assert!(scene.slice(&upload, SLICE).await.is_err());
            }
            let calls: usize = scene.endpoint().submits().values().sum();
            assert!((10..=most).contains(&calls), "{calls} of {most}");
        });
    }
}
