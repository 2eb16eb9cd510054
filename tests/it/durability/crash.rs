//! Kills the process at every effect and checks that the next process resumes from there.

use std::time::Duration;

use crate::support::faulty::process::{Fate, When};
use crate::support::faulty::scene::{
    BATCHES, CHAPTERS, ERROR, KEY, MARKDOWN, PAGE, QUEUE, REPORT, Reference, SUMMARY, SYNC, Scene,
    Setup, meeting, reference, simulate,
};

/// The cost of a job whose processes were killed.
#[derive(Debug, Default)]
struct Toll {
    extra: usize,
    /// Number of effects of the run that finished the job.
    effects: usize,
}

/// Kills one process after another at the given effects, then lets the last one finish.
fn killed(setup: Setup, reference: &Reference, deaths: &[(usize, When)]) -> Toll {
    simulate(async {
        let scene = Scene::new(setup);
        let upload = scene.disk().upload(KEY, meeting("depot"));
        let mut in_flight = Vec::new();
        for &(at, when) in deaths {
            let process = scene.process(Fate::Dies { at, when });
            if scene.run(&process, &upload, None).await.is_some() {
                break;
            }
            in_flight.extend(scene.in_flight());
            // The message becomes visible again after a minute. The dead process still holds its lease,
            // so the message goes back to the queue once more.
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        let mut last = scene.process(Fate::Lives);
        let pause = Duration::from_secs(45);
        let mut invocations = 0;
        while let Err(error) = scene.run(&last, &upload, None).await.unwrap() {
            assert!(error.passes(), "{error}");
            tokio::time::sleep(pause).await;
            invocations += 1;
            assert!(invocations < 5, "{deaths:?}");
            last = scene.process(Fate::Lives);
        }
        assert_eq!(
            scene.disk().read(SUMMARY).as_ref(),
            Some(&reference.text),
            "{deaths:?}"
        );
        assert_eq!(
            scene.disk().writes(|key| key == SUMMARY).len(),
            1,
            "{deaths:?}"
        );
        scene.check(&[&reference.text]);
        scene.check_artifacts();
        for (key, content) in [
            (MARKDOWN, &reference.markdown),
            (CHAPTERS, &reference.chapters),
        ] {
            assert_eq!(scene.disk().read(key).as_ref(), Some(content), "{deaths:?}");
        }
        assert!(scene.disk().read(PAGE).is_some(), "{deaths:?}");
        assert!(scene.disk().read(ERROR).is_none());
        let submits = scene.endpoint().submits();
        assert_eq!(submits.len(), reference.calls, "{deaths:?}");
        for (call, count) in &submits {
            let excused = in_flight.iter().filter(|lost| *lost == call).count();
            assert!(
                *count <= 1 + excused,
                "{deaths:?}: {call} was submitted {count} times"
            );
        }
        for job in scene.endpoint().jobs() {
            let accounted = job.fetched || job.cancelled || in_flight.contains(&job.call);
            assert!(accounted, "{deaths:?}: nobody asked after {job:?}");
        }
        if setup.batches {
            assert!(
                in_flight.is_empty(),
                "{deaths:?}: paid without a ticket: {in_flight:?}"
            );
        }
        let extra = scene.extra_submits();
        let reported = scene.disk().read_json(REPORT)["usage"]["resubmitted"]
            .as_u64()
            .unwrap();
        assert!(
            reported as usize >= extra,
            "{deaths:?}: {reported} reported of {extra}"
        );
        assert!(setup.batches || scene.endpoint().most_in_flight() <= 2 * 4);
        Toll {
            extra,
            effects: last.effects(),
        }
    })
}

/// Kills a run at every `step`-th effect, and after every third of those deaths the two runs that follow as well.
fn killed_everywhere(setup: Setup, step: usize) {
    let reference = reference(setup, "depot");
    assert!(
        (5..=20).contains(&reference.calls),
        "{} calls",
        reference.calls
    );
    let (mut runs, mut extra, mut twice) = (0, 0, 0);
    for at in (1..=reference.effects).step_by(step) {
        for when in [When::Before, When::After] {
            let toll = killed(setup, &reference, &[(at, when)]);
            runs += 1;
            extra += toll.extra;
            assert!(toll.extra <= if setup.batches { 0 } else { 4 });
            // The second at a pseudo-random one of its effects, the third about half as far in.
            if toll.effects > 0 && runs % 3 == 0 {
                let again = 1 + (at * 37 + twice) % toll.effects;
                killed(
                    setup,
                    &reference,
                    &[
                        (at, when),
                        (again, When::After),
                        (again / 2 + 1, When::Before),
                    ],
                );
                twice += 1;
            }
        }
    }
    eprintln!(
        "{} calls, {} effects: {runs} runs killed once cost {extra} extra submits; {twice} killed three times",
        reference.calls, reference.effects
    );
}

/// A step large enough for a quick test run. It is coprime to the two or three writes of a call.
const SOME: usize = 11;

#[test]
fn a_queued_job_killed_at_some_effects_is_finished_without_paying_again() {
    killed_everywhere(QUEUE, SOME);
}

#[test]
#[ignore = "long: run by the gate"]
fn a_queued_job_killed_at_any_effect_is_finished_without_paying_again() {
    killed_everywhere(QUEUE, 1);
}

#[test]
fn a_job_in_batches_killed_at_some_effects_pays_nothing_twice() {
    killed_everywhere(BATCHES, SOME);
}

#[test]
#[ignore = "long: run by the gate"]
fn a_job_in_batches_killed_at_any_effect_pays_nothing_twice() {
    killed_everywhere(BATCHES, 1);
}

#[test]
fn answers_that_were_saved_before_some_deaths_are_not_requested_again() {
    killed_everywhere(SYNC, SOME);
}

#[test]
#[ignore = "long: run by the gate"]
fn answers_that_were_saved_before_any_death_are_not_requested_again() {
    killed_everywhere(SYNC, 1);
}
