//! A job whose first model is refused in the middle, and whose process is killed at any effect: what either model has answered is
//! not paid again, and once the fallback has been asked, the first model is left alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use transcript_summarizer::job::App;
use transcript_summarizer::model::{
    Capabilities, ErrorKind, Fallback, Jobs, Model, ModelError, Reply,
};
use transcript_summarizer::prompt::Prompt;

use crate::support::faulty::process::{Fate, Process, When};
use crate::support::faulty::scene::{
    KEY, QUEUE, Reference, SUMMARY, SYNC, Scene, Setup, meeting, reference, simulate,
};

/// Calls that the first model accepts before it is refused.
const ACCEPTED: usize = 4;

/// The most calls in flight.
const CONCURRENCY: usize = 4;

/// A model that refuses all calls after some. Both models are the same endpoint, which counts the calls of both.
#[derive(Debug)]
struct First {
    process: Arc<Process>,
    accepts: usize,
    asked: AtomicUsize,
    fallback: Fallback,
}

impl First {
    fn new(process: &Arc<Process>, accepts: usize) -> Self {
        Self {
            process: Arc::clone(process),
            accepts,
            asked: AtomicUsize::new(0),
            fallback: Fallback {
                model: process.clone(),
                fingerprint: "second".to_owned(),
                after: Duration::from_secs(600),
                rename: str::to_owned,
            },
        }
    }
}

#[async_trait]
impl Model for First {
    fn capabilities(&self) -> &Capabilities {
        self.process.capabilities()
    }

    async fn submit(&self, prompt: &Prompt) -> Result<Reply, ModelError> {
        match self.asked.fetch_add(1, Ordering::Relaxed) < self.accepts {
            true => self.process.submit(prompt).await,
            false => Err(ModelError::new(ErrorKind::Configuration, "no credits")),
        }
    }

    fn jobs(&self) -> Option<&dyn Jobs> {
        self.process.jobs()
    }

    fn fallback(&self) -> Option<&Fallback> {
        Some(&self.fallback)
    }
}

/// Whether the record of the job says that the first model was given up.
fn is_given_up(scene: &Scene) -> bool {
    let keys = scene.disk().keys();
    let record = keys.iter().find(|key| key.ends_with("/run.json"));
    record.is_some_and(|key| !scene.disk().read_json(key)["fallback"].is_null())
}

/// Kills the first process at this effect, and lets the second one finish, in which the first model would accept everything.
fn killed(setup: Setup, reference: &Reference, at: usize, when: When) {
    simulate(async {
        let scene = Scene::new(setup);
        let upload = scene.disk().upload(KEY, meeting("depot"));
        let run = async |first: &Arc<First>| {
            let app = App {
                model: first.clone(),
                ..scene.app(&first.process)
            };
            first.process.live(app.run(&upload, &scene.endless())).await
        };
        let dying = Arc::new(First::new(
            &scene.process(Fate::Dies { at, when }),
            ACCEPTED,
        ));
        let ended = run(&dying).await;
        let case = format!("{setup:?}, {at}, {when:?}: {:?}", dying.process.struck_at());
        let is_given_up = is_given_up(&scene);
        if ended.is_none() {
            // Its lease has to expire.
            tokio::time::sleep(Duration::from_secs(100)).await;
            let last = Arc::new(First::new(&scene.process(Fate::Lives), usize::MAX));
            let ended = run(&last).await.unwrap();
            assert!(ended.is_ok(), "{case}: {ended:?}");
            let asked = last.asked.load(Ordering::Relaxed);
            assert!(!is_given_up || asked == 0, "{case}: {asked} calls");
        }
        let text = scene.disk().read(SUMMARY);
        assert_eq!(text.as_ref(), Some(&reference.text), "{case}");
        let submits = scene.endpoint().submits();
        assert_eq!(submits.len(), reference.calls, "{case}");
        // Those that were in flight, and those that were cancelled because the first model was given up.
        let cancelled = scene.endpoint().jobs();
        let cancelled = cancelled.iter().filter(|job| job.cancelled).count();
        let most = CONCURRENCY + cancelled;
        assert!(scene.extra_submits() <= most, "{case}: {submits:?}");
        if ended.is_some() {
            assert!(is_given_up && scene.extra_submits() <= cancelled, "{case}");
        }
    });
}

#[test]
fn a_killed_process_leaves_the_choice_of_the_model_behind() {
    for (setup, step) in [(SYNC, 13), (QUEUE, 17)] {
        let reference = reference(setup, "depot");
        for at in (1..=reference.effects + step).step_by(step) {
            for when in [When::Before, When::After] {
                killed(setup, &reference, at, when);
            }
        }
    }
}
