//! Recordings whose processes are killed at every effect, and recordings that are overwritten while a process is frozen.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join;
use tokio::time::sleep;
use transcript_summarizer::job::{App, JobError, Outcome, Upload};
use transcript_summarizer::store::Location;
use transcript_summarizer::transcriber::{State, Task, Transcriber, TranscriberError};

use crate::support::faulty::process::{Fate, Process, When};
use crate::support::faulty::scene::{SYNC, Scene, meeting, simulate};

const KEY: &str = "team/talk.mp4";
const SUMMARY: &str = "summaries/team/talk.mp4_summary.txt";
const REPORT: &str = "summaries/team/talk.mp4_summary.json";
const ERROR: &str = "summaries/team/talk.mp4_error.json";

/// The time until a message is visible again, in which leases expire and transcriptions end.
const PAUSE: Duration = Duration::from_secs(960);

/// The jobs of a transcriber by their ids, each with the key of its transcript and whether that was written.
#[derive(Debug, Default)]
struct Service(Mutex<BTreeMap<String, (String, bool)>>);

impl Service {
    fn starts(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Ends all running jobs, in which people have talked about `subject`.
    fn end(&self, scene: &Scene, subject: &str) {
        for (key, is_written) in self.0.lock().unwrap().values_mut() {
            if !std::mem::replace(is_written, true) {
                scene.disk().upload(key, meeting(subject));
            }
        }
    }
}

/// The transcriber as one process uses it.
#[derive(Debug)]
struct Client {
    process: Arc<Process>,
    service: Arc<Service>,
}

#[async_trait]
impl Transcriber for Client {
    async fn advance(&self, task: &Task<'_>) -> Result<State, TranscriberError> {
        let jobs = &self.service.0;
        let look = || jobs.lock().unwrap().get(task.id).map(|job| job.1);
        match self.process.effect("get", look).await {
            Some(true) => return Ok(State::Written),
            Some(false) => return Ok(State::Running),
            None => {}
        }
        let start = || {
            let job = (task.transcript.key.clone(), false);
            jobs.lock()
                .unwrap()
                .entry(task.id.to_owned())
                .or_insert(job);
        };
        self.process.effect("start", start).await;
        Ok(State::Running)
    }

    async fn recording(&self, _: &str) -> Result<Option<Location>, TranscriberError> {
        Ok(None)
    }
}

/// One delivery in `process`. `None` if it is killed.
async fn deliver(
    scene: &Scene,
    service: &Arc<Service>,
    process: &Arc<Process>,
    upload: &Upload,
) -> Option<Result<Outcome, JobError>> {
    let client = Client {
        process: Arc::clone(process),
        service: Arc::clone(service),
    };
    let app = App {
        transcriber: Some(Arc::new(client)),
        ..scene.app(process)
    };
    process.live(app.run(upload, &scene.endless())).await
}

/// Delivers the upload until it is done with. Transcriptions end between the deliveries.
async fn finish(scene: &Scene, service: &Arc<Service>, upload: &Upload, subject: &str) -> Outcome {
    for _ in 0..6 {
        let process = scene.process(Fate::Lives);
        match deliver(scene, service, &process, upload).await.unwrap() {
            Ok(outcome) => return outcome,
            Err(error) => assert!(error.passes(), "{error}"),
        }
        sleep(PAUSE).await;
        service.end(scene, subject);
    }
    panic!("six deliveries have not finished it");
}

/// Kills the process of the delivery with this number at an effect. Returns the summary, and whether it came to that.
fn killed(delivery: usize, at: usize, when: When) -> (String, bool) {
    simulate(async {
        let case = format!("delivery {delivery}, {at} {when:?}");
        let scene = Scene::new(SYNC);
        let service = Arc::new(Service::default());
        let upload = scene.disk().upload(KEY, "media");
        if delivery == 1 {
            let process = scene.process(Fate::Lives);
            let ended = deliver(&scene, &service, &process, &upload).await.unwrap();
            assert!(matches!(ended, Err(JobError::Transcribing)), "{ended:?}");
            service.end(&scene, "depot");
        }
        let process = scene.process(Fate::Dies { at, when });
        let is_killed = deliver(&scene, &service, &process, &upload).await.is_none();
        sleep(PAUSE).await;
        service.end(&scene, "depot");
        finish(&scene, &service, &upload, "depot").await;
        assert_eq!(service.starts(), 1, "{case}");
        assert_eq!(scene.disk().writes(|key| key == SUMMARY).len(), 1, "{case}");
        let source = &scene.disk().read_json(REPORT)["source"];
        assert_eq!(source["key"], KEY, "{case}");
        assert_eq!(scene.disk().read(ERROR), None, "{case}");
        assert!(scene.extra_submits() <= 4, "{case}");
        (scene.disk().read(SUMMARY).unwrap(), is_killed)
    })
}

#[test]
fn a_killed_process_neither_loses_nor_repeats_a_transcription() {
    let (reference, _) = killed(0, usize::MAX, When::Before);
    for (delivery, step) in [(0, 1), (1, 5)] {
        for at in (1..).step_by(step) {
            let mut any = false;
            for when in [When::Before, When::After] {
                let (summary, is_killed) = killed(delivery, at, when);
                assert_eq!(summary, reference, "delivery {delivery}, {at} {when:?}");
                any |= is_killed;
            }
            if !any {
                assert!(at > 3, "there are effects to die at");
                break;
            }
        }
    }
}

#[test]
fn a_recording_that_is_overwritten_at_any_moment_gets_the_newer_summary() {
    for at in 1..12 {
        simulate(async {
            let scene = Scene::new(SYNC);
            let service = Arc::new(Service::default());
            let old = scene.disk().upload(KEY, "one take");
            let fate = Fate::Freezes {
                at,
                when: When::Before,
                asleep: Duration::from_secs(50),
            };
            let slow = scene.process(fate);
            let newer = async {
                // A short delivery may end before the effect at which it would be frozen.
                tokio::select! {
                    () = slow.until_struck() => {}
                    () = sleep(Duration::from_secs(5)) => {}
                }
                scene.disk().upload(KEY, "another take")
            };
            let (_, new) = join(deliver(&scene, &service, &slow, &old), newer).await;
            let ended = finish(&scene, &service, &old, "depot").await;
            assert!(matches!(ended, Outcome::Superseded), "{at}: {ended:?}");
            service.end(&scene, "depot");
            finish(&scene, &service, &new, "garden").await;
            finish(&scene, &service, &old, "depot").await;
            assert!(service.starts() <= 2, "{at}");
            let published = scene.disk().writes(|key| key == SUMMARY);
            assert_eq!(published.len(), 1, "{at}");
            let text = scene.disk().read(SUMMARY).unwrap();
            assert!(text.contains("garden") && !text.contains("depot"), "{at}");
        });
    }
}
