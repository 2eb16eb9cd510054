//! The requests to S3 that an upload takes. `cargo test --test it requests -- --nocapture` prints them.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use transcript_summarizer::document::Formats;
use transcript_summarizer::job::{App, Outcome, Status, Upload};
use transcript_summarizer::store::{Location, PutOptions, Store};

use crate::store::s3::{SECRET, Server, store_at};
use crate::support::faulty::disk::{Disk, StoreFault};
use crate::support::faulty::process::{Fate, When};
use crate::support::faulty::scene::{
    CHAPTERS, ERROR, KEY, PAGE, REPORT, SUMMARY, SYNC, Scene, Setup, meeting, reference, simulate,
};
use crate::support::workplace::Workplace;

/// What is asked for beside the summary and its report.
const NOTHING: Formats = Formats {
    page: false,
    markdown: false,
};

/// A meeting without times, and so without chapters.
fn untimed(subject: &str) -> String {
    let lines = meeting(subject);
    let lines = lines.lines().filter_map(|line| line.split_once("] "));
    lines.map(|(_, said)| format!("{said}\n")).collect()
}

/// The requests of a summary by the built-in model, over HTTP, without what is the same in all.
async fn over_http(page: &str, content: String) -> Vec<String> {
    let server = Server::start().await;
    let store = Arc::new(store_at(server.address, SECRET).await);
    let place = Workplace::new(None, &[("SUMMARY_PAGE", page)]).await;
    let place = place.through(store.clone());
    let at = Location::new("bucket", KEY);
    let put = store.put(&at, content.into(), PutOptions::default());
    let upload = Upload {
        etag: Some(put.await.unwrap()),
        at,
        ..Workplace::announced(KEY)
    };
    server.asked();
    let ended = place.run(&upload).await;
    assert!(matches!(ended, Ok(Outcome::Done(_))), "{ended:?}");
    let asked = server.asked().into_iter().map(|asked| {
        let is_list = asked.contains("list-type=2");
        let path = asked.split('?').next().unwrap_or_default();
        match is_list {
            true => "LIST".to_owned(),
            false => path.replace("/bucket/", ""),
        }
    });
    let mut asked: Vec<String> = asked.collect();
    // These are sent at the same time.
    asked[..2].sort();
    asked
}

#[tokio::test]
async fn a_summary_by_the_built_in_model_takes_five_requests_and_one_for_each_rendering() {
    let chapters = format!("PUT {CHAPTERS}");
    let [report, page, summary] = [REPORT, PAGE, SUMMARY].map(|key| format!("PUT {key}"));
    for (name, format, content, writes) in [
        (
            "SUMMARY_PAGE=off",
            "off",
            untimed("depot"),
            vec![&report, &summary],
        ),
        (
            "by default",
            "on",
            untimed("depot"),
            vec![&report, &page, &summary],
        ),
        (
            "by default, with times",
            "on",
            meeting("depot"),
            vec![&report, &page, &chapters, &summary],
        ),
    ] {
        let asked = over_http(format, content).await;
        eprintln!("{name}: {} requests", asked.len());
        let looks = [
            format!("GET {KEY}"),
            "LIST".to_owned(),
            format!("HEAD {KEY}"),
        ];
        let expected: Vec<&String> = looks.iter().chain(writes).collect();
        assert_eq!(asked.iter().collect::<Vec<_>>(), expected);
    }
}

/// All requests to a bucket so far.
fn requests(disk: &Disk) -> usize {
    let names = ["get", "list", "head", "put", "delete"];
    names.map(|name| disk.asked(name, |_| true)).iter().sum()
}

#[test]
fn a_duplicate_takes_three_requests_and_another_version_eight() {
    simulate(async {
        let scene = Scene::new(SYNC);
        let disk = scene.disk();
        let place = Workplace::new(None, &[("SUMMARY_PAGE", "off")]).await;
        let place = place.through(scene.process(Fate::Lives));
        // An error report that is there is read and removed.
        disk.upload(ERROR, "{}");
        let mut counts = Vec::new();
        // The second time the same bytes are uploaded again, which takes a new report.
        for subject in ["depot", "depot", "harbor"] {
            let upload = disk.upload(KEY, untimed(subject));
            for _ in 0..2 {
                let before = requests(disk);
                let ended = place.run(&upload).await;
                counts.push((Status::of(&ended), requests(disk) - before));
            }
        }
        let duplicate = |requests| (Status::Duplicate, requests);
        assert_eq!(
            counts,
            [
                (Status::Done, 7),
                duplicate(3),
                duplicate(9),
                duplicate(5),
                (Status::Done, 8),
                duplicate(3),
            ]
        );
        assert_eq!(disk.read(ERROR), None);
    });
}

/// Summarizes another object. Returns the requests that this took without two for each call and the renewals of the lease, and
/// how often it was read and written how long the model's answers are.
async fn at_an_endpoint(scene: &Scene, app: &App, key: &str) -> (usize, usize, usize) {
    let disk = scene.disk();
    let upload = disk.upload(key, untimed("depot"));
    let is_habit = |key: &str| key.contains("/habits/");
    let count = || {
        [
            requests(disk),
            scene.endpoint().submits().len(),
            disk.asked("put", |key| key.ends_with("run.json")),
            disk.asked("get", is_habit),
            disk.asked("put", is_habit),
        ]
    };
    let (before, began) = (count(), Instant::now());
    let ended = app.run(&upload, &scene.endless()).await;
    assert!(matches!(ended, Ok(Outcome::Done(_))), "{ended:?}");
    let after = count();
    let [all, calls, leases, read, written] = std::array::from_fn(|nth| after[nth] - before[nth]);
    let renewals = leases - 1;
    assert!(renewals <= began.elapsed().as_secs() as usize / 30);
    let own = all - 2 * calls - renewals - read - written;
    eprintln!(
        "an endpoint: {own} requests, 2 for each of {calls} calls, {renewals} for the lease, {read} and {written} for habits"
    );
    (own, read, written)
}

#[test]
fn a_summary_by_an_endpoint_takes_six_requests_and_two_for_each_call() {
    simulate(async {
        let scene = Scene::new(SYNC).wanting(NOTHING);
        let app = scene.app(&scene.process(Fate::Lives));
        assert_eq!(
            at_an_endpoint(&scene, &app, "team/first.txt").await,
            (6, 1, 1)
        );
        // A process reads it once. This writer's answers are of another length each time, which is written.
        for key in ["team/second.txt", "team/third.txt"] {
            let (own, read, written) = at_an_endpoint(&scene, &app, key).await;
            assert_eq!((own, read), (6, 0));
            assert!(written <= 1);
        }
    });
}

#[test]
fn the_first_requests_do_not_wait_for_each_other() {
    simulate(async {
        const SLOW: Duration = Duration::from_secs(20);
        let scene = Scene::new(SYNC);
        let upload = scene.disk().upload(KEY, meeting("depot"));
        scene.disk().set_faults(|operation, key| {
            let is_first = operation == "list" || (operation, key) == ("get", KEY);
            is_first.then_some(StoreFault::Slow(SLOW))
        });
        let began = Instant::now();
        scene.slice(&upload, None).await.unwrap();
        let claimed = scene.disk().writes(|_| true)[0].at - began;
        assert!(
            claimed >= SLOW && claimed < SLOW + Duration::from_secs(1),
            "{claimed:?}"
        );
    });
}

#[test]
fn an_error_report_of_a_replaced_version_does_not_stay_beside_a_summary() {
    for versioned in [false, true] {
        error_reports_of_replaced_versions(Setup {
            summary_words: "600",
            versioned,
            ..SYNC
        });
    }
}

fn error_reports_of_replaced_versions(setup: Setup) {
    let new = reference(setup, "garden");
    let mut struck = Vec::new();
    for at in 1..=7 {
        for when in [When::Before, When::After] {
            for dies in [false, true] {
                simulate(async {
                    let scene = Scene::new(setup);
                    let first = scene.disk().upload(KEY, vec![0; 3000]);
                    let asleep = Duration::from_secs(400);
                    let process = scene.process(match dies {
                        true => Fate::Dies { at, when },
                        false => Fate::Freezes { at, when, asleep },
                    });
                    let newer = async {
                        process.until_struck().await;
                        let second = scene.disk().upload(KEY, meeting("garden"));
                        scene.redeliver(&second, None, Duration::from_secs(5)).await;
                    };
                    let pair = async { tokio::join!(scene.run(&process, &first, None), newer) };
                    let in_time = tokio::time::timeout(Duration::from_secs(3600), pair).await;
                    let Ok((ended, ())) = in_time else {
                        // It was done before that effect.
                        return;
                    };
                    if ended.is_none() {
                        scene.redeliver(&first, None, Duration::from_secs(5)).await;
                    }
                    let case = format!("{:?} {when:?}, dies: {dies}", process.struck_at());
                    struck.extend(process.struck_at());
                    assert_eq!(
                        scene.disk().read(SUMMARY).as_ref(),
                        Some(&new.text),
                        "{case}"
                    );
                    assert_eq!(scene.disk().read(ERROR), None, "{case}");
                });
            }
        }
    }
    assert!(struck.contains(&format!("put {ERROR}")), "{struck:?}");
}

/// The upload that the error report is about, as its sequencer.
fn reported(scene: &Scene) -> Option<String> {
    scene.disk().read(ERROR)?;
    let sequencer = scene.disk().read_json(ERROR)["source"]["sequencer"].clone();
    Some(sequencer.as_str().unwrap_or_default().to_owned())
}

const REJECTED: [u8; 3000] = [0; 3000];

#[test]
fn a_version_that_is_put_back_while_it_is_published_has_no_error_report_of_the_one_in_between() {
    let setup = Setup {
        summary_words: "600",
        ..SYNC
    };
    let effects = reference(setup, "garden").effects;
    for at in effects - 7..effects {
        for when in [When::Before, When::After] {
            let versioned = at % 2 == 0;
            simulate(async {
                let scene = Scene::new(Setup { versioned, ..setup });
                let first = scene.disk().upload(KEY, meeting("garden"));
                let asleep = Duration::from_secs(50);
                let slow = scene.process(Fate::Freezes { at, when, asleep });
                let meanwhile = async {
                    slow.until_struck().await;
                    let between = scene.disk().upload(KEY, REJECTED.to_vec());
                    let rejected = scene.slice(&between, None).await;
                    assert!(matches!(rejected, Ok(Outcome::Rejected(_))), "{rejected:?}");
                    assert!(scene.disk().read(ERROR).is_some());
                    scene.disk().upload(KEY, meeting("garden"))
                };
                let (ended, again) = tokio::join!(scene.run(&slow, &first, None), meanwhile);
                let case = format!("{:?} {when:?}: {ended:?}", slow.struck_at());
                // The last look at the transcript may have been before the rejection; then the second event puts it right.
                let is_last = slow.struck_at().as_deref() == Some(&format!("put {SUMMARY}"));
                assert!(is_last || scene.disk().read(ERROR).is_none(), "{case}");
                let ended = scene.slice(&again, None).await;
                assert!(ended.is_ok(), "{case}, {ended:?}");
                assert!(scene.disk().read(ERROR).is_none(), "{case}");
                assert!(scene.disk().read(SUMMARY).is_some(), "{case}");
            });
        }
    }
}

#[test]
fn the_error_report_of_a_later_version_stays_when_an_earlier_one_is_done() {
    let setup = Setup {
        summary_words: "600",
        ..SYNC
    };
    let effects = reference(setup, "garden").effects;
    let mut struck = Vec::new();
    // Up to the removal of the report that was there before.
    for at in effects - 2..effects + 5 {
        for when in [When::Before, When::After] {
            let versioned = at % 2 == 0;
            simulate(async {
                let scene = Scene::new(Setup { versioned, ..setup });
                let rejected = scene.disk().upload(KEY, REJECTED.to_vec());
                scene.slice(&rejected, None).await.unwrap();
                let first = scene.disk().upload(KEY, meeting("garden"));
                let asleep = Duration::from_secs(50);
                let slow = scene.process(Fate::Freezes { at, when, asleep });
                let later = async {
                    slow.until_struck().await;
                    let later = scene.disk().upload(KEY, [&REJECTED[..], &[0]].concat());
                    scene.slice(&later, None).await.unwrap();
                    later
                };
                let pair = async { tokio::join!(scene.run(&slow, &first, None), later) };
                let in_time = tokio::time::timeout(Duration::from_secs(3600), pair).await;
                let Ok((ended, later)) = in_time else {
                    // It was done before that effect.
                    return;
                };
                let case = format!("{:?} {when:?}: {ended:?}", slow.struck_at());
                struck.extend(slow.struck_at());
                assert_eq!(reported(&scene), later.sequencer, "{case}");
                // A duplicate of the first event, whose version is still there if the bucket keeps versions.
                scene.redeliver(&first, None, Duration::from_secs(5)).await;
                assert_eq!(reported(&scene), later.sequencer, "{case}");
            });
        }
    }
    let removal = format!("delete {ERROR}");
    assert!(struck.contains(&removal), "{struck:?}");
}

#[test]
fn a_mistake_in_the_metadata_is_not_reported_beside_the_summary_of_the_same_bytes_without_it() {
    let setup = Setup {
        summary_words: "600",
        ..SYNC
    };
    let mistaken = [("summary-words", "many")];
    for at in 1..=7 {
        for when in [When::Before, When::After] {
            let versioned = at % 2 == 0;
            simulate(async {
                let scene = Scene::new(Setup { versioned, ..setup });
                let text = meeting("garden");
                let first = scene.disk().upload_with(KEY, text.clone(), &mistaken);
                let asleep = Duration::from_secs(400);
                let slow = scene.process(Fate::Freezes { at, when, asleep });
                let mended = async {
                    slow.until_struck().await;
                    let second = scene.disk().upload(KEY, text);
                    scene.redeliver(&second, None, Duration::from_secs(5)).await;
                };
                let pair = async { tokio::join!(scene.run(&slow, &first, None), mended) };
                let in_time = tokio::time::timeout(Duration::from_secs(3600), pair).await;
                let Ok((ended, ())) = in_time else {
                    // It was done before that effect.
                    return;
                };
                let case = format!("{:?} {when:?}: {ended:?}", slow.struck_at());
                assert!(scene.disk().read(SUMMARY).is_some(), "{case}");
                assert_eq!(scene.disk().read(ERROR), None, "{case}");
            });
        }
    }
}

#[tokio::test]
async fn a_name_that_leaves_no_room_for_those_of_the_results_is_refused_before_anything_is_asked() {
    let server = Server::start().await;
    let store = Arc::new(store_at(server.address, SECRET).await);
    let place = Workplace::new(None, &[]).await.through(store);
    let key = format!("{}.txt", "a".repeat(1005));
    let error = place.run(&Workplace::announced(&key)).await.unwrap_err();
    let told = "the 1024 bytes that S3 allows: shorten that of the upload by 8 bytes";
    assert!(error.to_string().contains(told), "{error}");
    assert_eq!(server.asked(), Vec::<String>::new());
}
