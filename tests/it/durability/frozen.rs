//! Several workers on one job: one is frozen at every effect in turn and wakes after another has taken over the job.

use std::time::Duration;

use futures_util::future::{join, join_all};
use tokio::time::sleep;

use crate::support::faulty::process::{Fate, When};
use crate::support::faulty::scene::{
    KEY, QUEUE, Reference, SUMMARY, SYNC, Scene, Setup, meeting, reference, simulate,
};

/// Longer than a lease, and long enough for the other workers to finish.
const ASLEEP: Duration = Duration::from_secs(400);

/// The actions of a worker after it woke up.
#[derive(Debug, Default)]
struct Woken {
    submits: usize,
    published: usize,
    extra: usize,
}

fn frozen(setup: Setup, reference: &Reference, others: usize, at: usize, when: When) -> Woken {
    let case = format!("{others} others, frozen at {at} {when:?}");
    simulate(async {
        let scene = Scene::new(setup);
        let upload = scene.disk().upload(KEY, meeting("depot"));
        let sleeper = scene.process(Fate::Freezes {
            at,
            when,
            asleep: ASLEEP,
        });
        let work = scene.run(&sleeper, &upload, None);
        let rivals = join_all((0..others).map(|nth| {
            let (scene, upload) = (&scene, &upload);
            async move {
                sleep(Duration::from_millis(50 + 3 * nth as u64)).await;
                scene.redeliver(upload, None, Duration::from_secs(30)).await
            }
        }));
        let (ended, _) = join(work, rivals).await;
        assert!(ended.is_some());
        scene.check(&[&reference.text]);
        assert_eq!(
            scene.disk().read(SUMMARY).as_ref(),
            Some(&reference.text),
            "{case}"
        );
        let Some(woken_at) = sleeper.frozen_until() else {
            return Woken::default();
        };
        let jobs = scene.endpoint().jobs();
        let after = jobs
            .iter()
            .filter(|job| job.process == sleeper.number && job.submitted >= woken_at);
        let published = scene
            .disk()
            .writes(|key| key.starts_with("summaries/team/"));
        let published = published
            .iter()
            .filter(|write| write.process == sleeper.number && write.at >= woken_at);
        let woken = Woken {
            submits: after.count(),
            published: published.count(),
            extra: scene.extra_submits(),
        };
        // A request already sent when the worker froze still arrives when it wakes; it cannot be recalled.
        let struck = when == When::Before && sleeper.struck_at().as_deref() == Some("submit");
        let on_its_way = usize::from(struck) + sleeper.on_their_way();
        assert!(
            woken.submits <= on_its_way,
            "{case} ({:?}): {woken:?}",
            sleeper.struck_at()
        );
        assert_eq!(
            woken.published,
            0,
            "{case} ({:?}): {woken:?}",
            sleeper.struck_at()
        );
        woken
    })
}

#[test]
fn a_worker_frozen_at_some_effects_and_replaced_publishes_and_submits_nothing() {
    frozen_everywhere(13);
}

#[test]
#[ignore = "long: run by the gate"]
fn a_worker_frozen_at_any_effect_and_replaced_publishes_and_submits_nothing() {
    frozen_everywhere(1);
}

/// Freezes a worker at every `step`-th effect, either before or after it, with 1, 3 or 15 other workers.
fn frozen_everywhere(step: usize) {
    for setup in [QUEUE, SYNC] {
        let reference = reference(setup, "depot");
        let (mut runs, mut submits, mut extra) = (0, 0, 0);
        for at in (1..=reference.effects).step_by(step) {
            let when = if at % 2 == 0 {
                When::Before
            } else {
                When::After
            };
            let others = [1, 3, 15][at % 3];
            let woken = frozen(setup, &reference, others, at, when);
            runs += 1;
            submits += woken.submits;
            extra += woken.extra;
        }
        eprintln!(
            "queues: {}: {runs} freezes: {submits} submits that were on their way, {extra} extra submits, nothing published",
            setup.queues
        );
    }
}
