//! Faults that hit what is published before the summary, what is removed because it is stale, and what is completed later.

use std::time::Duration;

use futures_util::future::join_all;
use transcript_summarizer::document::Formats;
use transcript_summarizer::job::{JobError, Outcome};

use crate::support::faulty::disk::StoreFault;
use crate::support::faulty::process::{Fate, When};
use crate::support::faulty::scene::{
    self, CHAPTERS, KEY, MARKDOWN, PAGE, REPORT, Reference, SUMMARY, Scene, Setup, meeting,
    reference, simulate,
};

/// Short summaries: what is at stake here comes after the calls.
const QUEUE: Setup = Setup {
    summary_words: "600",
    ..scene::QUEUE
};
const SYNC: Setup = Setup {
    summary_words: "600",
    ..scene::SYNC
};

/// What is published before the summary, besides the report.
const EARLIER: [&str; 3] = [PAGE, MARKDOWN, CHAPTERS];

const NOTHING: Formats = Formats {
    page: false,
    markdown: false,
};

const ALL: Formats = Formats {
    page: true,
    markdown: true,
};

const FAULTS: [StoreFault; 4] = [
    StoreFault::Unavailable,
    StoreFault::AnswerLost,
    StoreFault::Conflict,
    StoreFault::Precondition,
];

/// The first `count` requests for `operation` on `key` fail.
fn fail(
    scene: &Scene,
    operation: &'static str,
    key: &'static str,
    fault: StoreFault,
    count: usize,
) {
    let mut left = count;
    scene.disk().set_faults(move |asked, at| {
        let fails = asked == operation && at == key && left > 0;
        left -= usize::from(fails);
        fails.then_some(fault)
    });
}

/// The job was finished once, without paying twice, and nothing is missing.
fn check_finished(scene: &Scene, reference: &Reference, case: &str) {
    assert_eq!(
        scene.disk().read(MARKDOWN).as_ref(),
        Some(&reference.markdown),
        "{case}"
    );
    assert_eq!(
        scene.disk().read(CHAPTERS).as_ref(),
        Some(&reference.chapters),
        "{case}"
    );
    assert_eq!(scene.disk().writes(|key| key == SUMMARY).len(), 1, "{case}");
    assert_eq!(scene.extra_submits(), 0, "{case}");
    scene.check(&[&reference.text]);
    scene.check_artifacts();
}

#[test]
fn a_failed_write_beside_the_summary_is_tried_again() {
    let reference = reference(SYNC, "depot");
    for key in EARLIER {
        for fault in FAULTS {
            simulate(async {
                let scene = Scene::new(SYNC);
                let upload = scene.disk().upload(KEY, meeting("depot"));
                fail(&scene, "put", key, fault, 3);
                let ended = scene.slice(&upload, None).await;
                assert!(
                    matches!(ended, Ok(Outcome::Done(_))),
                    "{key} {fault:?}: {ended:?}"
                );
                check_finished(&scene, &reference, &format!("{key} {fault:?}"));
            });
        }
    }
}

#[test]
fn without_what_stands_beside_it_no_summary_is_published() {
    let reference = reference(SYNC, "depot");
    for key in EARLIER {
        for fault in FAULTS {
            simulate(async {
                let scene = Scene::new(SYNC);
                let upload = scene.disk().upload(KEY, meeting("depot"));
                fail(&scene, "put", key, fault, usize::MAX);
                for _ in 0..3 {
                    let ended = scene.slice(&upload, None).await;
                    assert!(
                        ended.as_ref().is_err_and(JobError::passes),
                        "{key} {fault:?}: {ended:?}"
                    );
                    assert!(scene.disk().read(SUMMARY).is_none());
                    tokio::time::sleep(Duration::from_secs(100)).await;
                }
                scene.disk().set_faults(|_, _| None);
                let (ended, _) = scene
                    .redeliver(&upload, None, Duration::from_secs(100))
                    .await;
                assert!(
                    matches!(ended, Outcome::Done(_)),
                    "{key} {fault:?}: {ended:?}"
                );
                check_finished(&scene, &reference, &format!("{key} {fault:?}"));
            });
        }
    }
}

#[test]
fn a_process_killed_while_it_publishes_has_lost_nothing() {
    let reference = reference(SYNC, "depot");
    let mut struck = Vec::new();
    for at in reference.effects - 6..=reference.effects {
        for when in [When::Before, When::After] {
            simulate(async {
                let scene = Scene::new(SYNC);
                let upload = scene.disk().upload(KEY, meeting("depot"));
                let process = scene.process(Fate::Dies { at, when });
                let ended = scene.run(&process, &upload, None).await;
                assert!(ended.is_none(), "{at}: {ended:?}");
                struck.extend(process.struck_at());
                let pause = Duration::from_secs(100);
                scene.redeliver(&upload, None, pause).await;
                check_finished(
                    &scene,
                    &reference,
                    &format!("{:?} {when:?}", process.struck_at()),
                );
            });
        }
    }
    for key in EARLIER.iter().chain(&[REPORT, SUMMARY]) {
        assert!(
            struck.contains(&format!("put {key}")),
            "{key} in {struck:?}"
        );
    }
}

/// Publishes a first version with everything beside it.
async fn first_version(scene: &Scene) {
    let upload = scene.disk().upload(KEY, meeting("depot"));
    let ended = scene.wanting(ALL).slice(&upload, None).await;
    assert!(matches!(ended, Ok(Outcome::Done(_))), "{ended:?}");
    assert!(EARLIER.iter().all(|key| scene.disk().read(key).is_some()));
}

/// A second version, without times and so without chapters.
fn untimed() -> String {
    let lines = meeting("garden");
    let lines = lines.lines().filter_map(|line| line.split_once("] "));
    lines.map(|(_, said)| format!("{said}\n")).collect()
}

#[test]
fn what_a_version_does_not_have_is_removed_before_its_summary_is_published() {
    for fault in [
        None,
        Some(StoreFault::Unavailable),
        Some(StoreFault::AnswerLost),
        Some(StoreFault::Precondition),
    ] {
        for key in EARLIER {
            simulate(async {
                let scene = Scene::new(SYNC);
                first_version(&scene).await;
                let published = scene.disk().writes(|key| key == SUMMARY).len();
                let upload = scene.disk().upload(KEY, untimed());
                if let Some(fault) = fault {
                    fail(&scene, "delete", key, fault, 2);
                }
                let ended = scene.wanting(NOTHING).slice(&upload, None).await;
                assert!(
                    matches!(ended, Ok(Outcome::Done(_))),
                    "{key} {fault:?}: {ended:?}"
                );
                scene.check_artifacts();
                let second = &scene.disk().writes(|key| key == SUMMARY)[published];
                for key in EARLIER {
                    assert!(scene.disk().read(key).is_none(), "{key} {fault:?}");
                    let removed = scene.disk().writes(|written| written == key);
                    let removed = removed.last().filter(|write| write.body.is_none());
                    assert!(
                        removed.is_some_and(|removed| removed.at <= second.at),
                        "{key} {fault:?}"
                    );
                }
            });
        }
    }
}

#[test]
fn a_slow_run_of_an_older_version_removes_nothing_of_a_newer_one() {
    let reference = reference(SYNC, "depot");
    // Replacing takes a few more than publishing the first summary.
    for at in reference.effects - 9..=reference.effects + 5 {
        for when in [When::Before, When::After] {
            simulate(async {
                let scene = Scene::new(SYNC);
                first_version(&scene).await;
                let older = scene.disk().upload(KEY, untimed());
                let off = scene.wanting(NOTHING);
                let asleep = Duration::from_secs(600);
                let slow = off.process(Fate::Freezes { at, when, asleep });
                let newer = async {
                    slow.until_struck().await;
                    let newer = scene.disk().upload(KEY, meeting("harbor"));
                    scene
                        .wanting(ALL)
                        .redeliver(&newer, None, Duration::from_secs(5))
                        .await
                };
                let pair = async { tokio::join!(off.run(&slow, &older, None), newer) };
                let Ok((ended, _)) = tokio::time::timeout(Duration::from_secs(3600), pair).await
                else {
                    // It was done before that effect.
                    return;
                };
                scene.check_artifacts();
                let page = scene
                    .disk()
                    .read(PAGE)
                    .unwrap_or_else(|| panic!("{:?}: {ended:?}", slow.struck_at()));
                assert!(page.contains("harbor"), "{:?}", slow.struck_at());
            });
        }
    }
}

#[test]
fn a_finished_job_gets_its_page_later_without_paying_even_if_its_state_is_gone() {
    for setup in [QUEUE, SYNC] {
        simulate(async {
            // As if it had been wanted from the beginning.
            let whole = Scene::new(setup);
            let upload = whole.disk().upload(KEY, meeting("depot"));
            whole.slice(&upload, None).await.unwrap();

            let scene = Scene::new(setup);
            let upload = scene.disk().upload(KEY, meeting("depot"));
            let ended = scene.wanting(NOTHING).slice(&upload, None).await;
            assert!(matches!(ended, Ok(Outcome::Done(_))), "{ended:?}");
            assert!(scene.disk().read(PAGE).is_none() && scene.disk().read(MARKDOWN).is_none());
            let submits = scene.endpoint().submits().len();
            scene.disk().forget(|key| key.contains(".work/"));
            let ended = scene.slice(&upload, None).await;
            assert!(
                matches!(ended, Ok(Outcome::Duplicate { page: Some(_), .. })),
                "{ended:?}"
            );
            assert_eq!(scene.endpoint().submits().len(), submits);
            for key in [REPORT, PAGE, MARKDOWN, CHAPTERS, SUMMARY] {
                assert_eq!(scene.disk().read(key), whole.disk().read(key), "{key}");
            }
            scene.check_artifacts();
            // From now on a duplicate writes nothing.
            let writes = scene.disk().writes(|_| true).len();
            scene.slice(&upload, None).await.unwrap();
            assert_eq!(scene.disk().writes(|_| true).len(), writes);
        });
    }
}

#[test]
fn a_page_is_completed_whatever_fails_meanwhile() {
    for fault in FAULTS {
        for key in [REPORT, PAGE, MARKDOWN] {
            simulate(async {
                let scene = Scene::new(SYNC);
                let upload = scene.disk().upload(KEY, meeting("depot"));
                scene.wanting(NOTHING).slice(&upload, None).await.unwrap();
                fail(&scene, "put", key, fault, 1);
                // Duplicates at once.
                join_all((0..8).map(|_| scene.slice(&upload, None))).await;
                let (ended, _) = scene.redeliver(&upload, None, Duration::from_secs(1)).await;
                assert!(
                    matches!(ended, Outcome::Duplicate { page: Some(_), .. }),
                    "{ended:?}"
                );
                scene.check_artifacts();
                assert_eq!(scene.extra_submits(), 0);
                assert_eq!(scene.disk().writes(|key| key == SUMMARY).len(), 1);
            });
        }
    }
}

/// What is under the key that belongs to no other version than the newest, whose report names `named`.
fn check_newest(scene: &Scene, subject: &str, case: &str) {
    scene.check_artifacts();
    let report = scene.disk().read(REPORT).unwrap();
    assert!(report.contains(subject), "{case}");
    for key in [PAGE, MARKDOWN].map(|key| scene.disk().read(key)) {
        assert!(key.is_none_or(|text| text.contains(subject)), "{case}");
    }
}

#[test]
fn a_slow_run_of_an_older_version_leaves_nothing_beside_a_newer_one() {
    let reference = reference(SYNC, "depot");
    let mut struck = Vec::new();
    // What is published first, or in place of an earlier summary.
    for earlier in [false, true] {
        let last = reference.effects + if earlier { 3 } else { 0 };
        for at in last - 6..=last {
            for when in [When::Before, When::After] {
                // Shorter than a lease, and longer.
                let asleep = Duration::from_secs(if at % 2 == 0 { 50 } else { 600 });
                simulate(async {
                    let scene = Scene::new(SYNC);
                    if earlier {
                        let first = scene.disk().upload(KEY, untimed());
                        scene.wanting(NOTHING).slice(&first, None).await.unwrap();
                    }
                    let older = scene.disk().upload(KEY, meeting("depot"));
                    let slow = scene.process(Fate::Freezes { at, when, asleep });
                    let newer = async {
                        slow.until_struck().await;
                        // It has neither times nor renderings.
                        let newer = scene
                            .disk()
                            .upload(KEY, untimed().replace("garden", "harbor"));
                        let off = scene.wanting(NOTHING);
                        off.redeliver(&newer, None, Duration::from_secs(5)).await
                    };
                    let pair = async { tokio::join!(scene.run(&slow, &older, None), newer) };
                    let Ok((ended, _)) =
                        tokio::time::timeout(Duration::from_secs(3600), pair).await
                    else {
                        // It was done before that effect.
                        return;
                    };
                    let case = format!("{:?} {when:?}: {ended:?}", slow.struck_at());
                    struck.extend(slow.struck_at());
                    for key in EARLIER {
                        assert!(scene.disk().read(key).is_none(), "{key} of {case}");
                    }
                    check_newest(&scene, "harbor", &case);
                });
            }
        }
    }
    for key in EARLIER.iter().chain(&[REPORT, SUMMARY]) {
        let write = format!("put {key}");
        assert!(struck.contains(&write), "{write} in {struck:?}");
    }
}

#[test]
fn what_a_killed_run_of_an_older_version_wrote_too_late_is_removed_when_it_is_delivered_again() {
    for versioned in [false, true] {
        simulate(async {
            let scene = Scene::new(Setup { versioned, ..SYNC });
            let older = scene.disk().upload(KEY, meeting("depot"));
            let newer = scene.disk().upload(KEY, untimed());
            let scene = scene.wanting(Formats {
                page: true,
                markdown: false,
            });
            scene.slice(&newer, None).await.unwrap();
            let page = scene.disk().read(PAGE);
            // They were on their way when it was killed.
            for key in [MARKDOWN, CHAPTERS] {
                scene.disk().upload(key, "of the depot");
            }
            let late = scene.slice(&older, None).await;
            assert!(matches!(late, Ok(Outcome::Superseded)), "{late:?}");
            check_newest(&scene, "garden", "late");
            assert!(page.is_some() && scene.disk().read(PAGE) == page);
        });
    }
}
