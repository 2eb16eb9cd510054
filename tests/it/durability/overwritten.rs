//! A transcript that is overwritten while it is being summarized, at every effect, and events that arrive out of order.

use std::time::Duration;

use futures_util::future::join;
use transcript_summarizer::job::Outcome;
use transcript_summarizer::job::Upload;

use crate::support::faulty::process::{Fate, When};
use crate::support::faulty::scene::{
    ERROR, KEY, MARKDOWN, PAGE, REPORT, Reference, SUMMARY, SYNC, Scene, Setup, meeting, named,
    reference, reference_after, simulate,
};

/// How much of the S3 event's version information an upload carries besides the key.
#[derive(Debug, Clone, Copy)]
enum Tells {
    Everything,
    /// An entity tag but no sequencer, as from a sender other than S3.
    TagAlone,
    Nothing,
}

fn event(upload: Upload, tells: Tells) -> Upload {
    match tells {
        Tells::Everything => upload,
        Tells::TagAlone => Upload {
            sequencer: None,
            ..upload
        },
        Tells::Nothing => named(KEY),
    }
}

/// Overwrites the source while the first run is frozen at effect `at`.
/// The second event is processed during the freeze or after it. If the first job was finished by then, the lengths that are
/// remembered of it may make the second summary another one, `again`.
fn overwritten(
    setup: Setup,
    tells: Tells,
    at: usize,
    when: When,
    second_first: bool,
    (old, new, again): (&Reference, &Reference, &str),
) {
    let case = format!(
        "versions {}, {tells:?}, at {at} {when:?}, at once: {second_first}",
        setup.versioned
    );
    simulate(async {
        let scene = Scene::new(setup);
        let first = event(scene.disk().upload(KEY, meeting("depot")), tells);
        let slow = scene.process(Fate::Freezes {
            at,
            when,
            asleep: Duration::from_secs(50),
        });
        let pause = Duration::from_secs(40);
        let newer = async {
            slow.until_struck().await;
            let second = event(scene.disk().upload(KEY, meeting("garden")), tells);
            if second_first {
                scene.redeliver(&second, None, pause).await;
            }
            second
        };
        let (ended, second) = join(scene.run(&slow, &first, None), newer).await;
        let ended = ended.unwrap();
        if !second_first {
            scene.redeliver(&second, None, pause).await;
        }
        // Redeliver both events, the older one last.
        for upload in [&second, &first] {
            scene.redeliver(upload, None, pause).await;
        }
        scene.check(&[&old.text, &new.text, again]);
        let is_newest = |text: &str| text == new.text || text == again;
        let text = scene.disk().read(SUMMARY).unwrap();
        assert!(is_newest(&text), "{case}: {ended:?}");
        let mut newest_seen = false;
        for write in scene.disk().writes(|key| key == SUMMARY) {
            let body = write
                .body
                .and_then(|body| String::from_utf8(body.to_vec()).ok());
            let is_new = body.as_deref().is_some_and(is_newest);
            assert!(
                is_new || !newest_seen,
                "{case}: an older summary replaced a newer one"
            );
            newest_seen |= is_new;
        }
        scene.check_artifacts();
        for key in [PAGE, MARKDOWN] {
            let content = scene.disk().read(key).unwrap().to_lowercase();
            let is_newest = content.contains("garden") && !content.contains("depot");
            assert!(is_newest, "{case}: {key} is of the other version");
        }
        let report = scene.disk().read_json(REPORT);
        assert_eq!(
            report["source"]["etag"], new.etag,
            "{case}: the report is of the other version"
        );
        assert!(scene.disk().read(ERROR).is_none(), "{case}");
    });
}

fn everywhere(setup: Setup, tells: Tells, step: usize) -> usize {
    let old = reference(setup, "depot");
    let new = reference(setup, "garden");
    let again = reference_after(setup, "depot", "garden");
    let mut runs = 0;
    let ends = old.effects.saturating_sub(12);
    // Every effect while reading and publishing; of the calls in between, every `step`-th effect.
    for at in (1..old.effects).filter(|at| *at < 6 || *at >= ends || at % step == 0) {
        for when in [When::Before, When::After] {
            overwritten(
                setup,
                tells,
                at,
                when,
                at % 4 != 0 || at >= ends,
                (&old, &new, &again),
            );
            if at >= ends {
                overwritten(setup, tells, at, when, false, (&old, &new, &again));
            }
            runs += 1;
        }
    }
    runs
}

#[test]
fn the_last_summary_is_of_the_newest_version_after_some_overwrites() {
    let old = reference(SYNC, "depot");
    let new = reference(SYNC, "garden");
    let again = reference_after(SYNC, "depot", "garden");
    let last = old.effects - 1;
    for (at, when) in [
        (2, When::After),
        (5, When::Before),
        (last / 2, When::After),
        (last, When::Before),
    ] {
        overwritten(
            SYNC,
            Tells::Everything,
            at,
            when,
            true,
            (&old, &new, &again),
        );
        overwritten(SYNC, Tells::Nothing, at, when, false, (&old, &new, &again));
    }
}

#[test]
#[ignore = "long: run by the gate"]
fn the_last_summary_is_of_the_newest_version_whenever_it_came() {
    let runs = everywhere(SYNC, Tells::Everything, 5);
    eprintln!("overwritten in {runs} places");
}

#[test]
#[ignore = "long: run by the gate"]
fn the_last_summary_is_of_the_newest_version_with_versioning_and_without_sequencers() {
    let versioned = Setup {
        versioned: true,
        ..SYNC
    };
    let runs = everywhere(versioned, Tells::Everything, 9)
        + everywhere(SYNC, Tells::TagAlone, 9)
        + everywhere(SYNC, Tells::Nothing, 9);
    eprintln!("overwritten in {runs} places");
}

#[test]
fn an_event_that_comes_late_changes_nothing() {
    for versioned in [false, true] {
        let setup = Setup { versioned, ..SYNC };
        let new = reference(setup, "garden");
        simulate(async {
            let scene = Scene::new(setup);
            let first = scene.disk().upload(KEY, meeting("depot"));
            let second = scene.disk().upload(KEY, meeting("garden"));
            let done = scene.slice(&second, None).await;
            assert!(matches!(done, Ok(Outcome::Done(_))), "{done:?}");
            let late = scene.slice(&first, None).await;
            assert!(matches!(late, Ok(Outcome::Superseded)), "{late:?}");
            assert_eq!(scene.endpoint().submits().len(), new.calls);
            scene.check(&[&new.text]);
        });
    }
}

#[test]
fn trouble_with_a_version_that_was_replaced_is_not_reported() {
    use crate::support::faulty::endpoint::Trouble;
    use transcript_summarizer::model::ErrorKind;
    simulate(async {
        let scene = Scene::new(SYNC);
        let first = scene.disk().upload(KEY, meeting("depot"));
        scene
            .endpoint()
            .set_troubles(|_| Some(Trouble::Refused(ErrorKind::Configuration)));
        // The refusal is frozen on its way back until the newer version has been summarized.
        let slow = scene.process(Fate::Freezes {
            at: 6,
            when: When::After,
            asleep: Duration::from_secs(60),
        });
        let newer = async {
            slow.until_struck().await;
            scene.endpoint().mend();
            let second = scene.disk().upload(KEY, meeting("garden"));
            scene.redeliver(&second, None, Duration::from_secs(5)).await;
        };
        let (ended, ()) = join(scene.run(&slow, &first, None), newer).await;
        assert_eq!(slow.struck_at().as_deref(), Some("submit"));
        assert!(ended.unwrap().is_err());
        assert!(scene.disk().read(SUMMARY).is_some());
        assert!(scene.disk().read(ERROR).is_none());
    });
}

#[test]
fn a_version_that_is_put_back_while_another_is_published_keeps_its_summary() {
    let setup = Setup {
        summary_words: "600",
        ..SYNC
    };
    let reference = reference(setup, "depot");
    let effects = simulate(async {
        let scene = Scene::new(setup);
        let first = scene.disk().upload(KEY, meeting("depot"));
        scene.slice(&first, None).await.unwrap();
        let between = scene.disk().upload(KEY, meeting("garden"));
        let process = scene.process(Fate::Lives);
        scene.run(&process, &between, None).await.unwrap().unwrap();
        process.effects()
    });
    let mut struck = Vec::new();
    // While it is published.
    for at in effects - 9..=effects {
        for when in [When::Before, When::After] {
            // Shorter than what a look at the transcript lasts, and longer.
            let asleep_ms = if at % 2 == 0 { 1_000 } else { 50_000 };
            simulate(async {
                let scene = Scene::new(setup);
                let first = scene.disk().upload(KEY, meeting("depot"));
                scene.slice(&first, None).await.unwrap();
                let between = scene.disk().upload(KEY, meeting("garden"));
                let asleep = Duration::from_millis(asleep_ms);
                let slow = scene.process(Fate::Freezes { at, when, asleep });
                let put_back = async {
                    slow.until_struck().await;
                    let back = scene.disk().upload(KEY, meeting("depot"));
                    scene.redeliver(&back, None, Duration::from_secs(5)).await;
                    back
                };
                let pair = async { tokio::join!(scene.run(&slow, &between, None), put_back) };
                let in_time = tokio::time::timeout(Duration::from_secs(3600), pair).await;
                let Ok((ended, back)) = in_time else {
                    // It was done before that effect.
                    return;
                };
                let case = format!("{:?} {when:?} {asleep_ms}: {ended:?}", slow.struck_at());
                struck.extend(slow.struck_at());
                for upload in [&between, &back] {
                    scene.redeliver(upload, None, Duration::from_secs(5)).await;
                }
                let summary = scene.disk().read(SUMMARY).unwrap();
                assert!(!summary.contains("garden"), "{case}");
                let report = scene.disk().read_json(REPORT);
                assert_eq!(report["source"]["etag"], reference.etag, "{case}");
                scene.check_artifacts();
            });
        }
    }
    for key in [REPORT, PAGE, MARKDOWN, SUMMARY] {
        let write = format!("put {key}");
        assert!(struck.contains(&write), "{write} in {struck:?}");
    }
}
