//! Summaries that are read out, whose processes are killed around that: each is read out once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::time::sleep;
use transcript_summarizer::job::{App, Config, JobError, Outcome, Upload};
use transcript_summarizer::speech::{Reading, Settings, Speaker, SpeechError, Ticket};

use crate::support::faulty::process::{Fate, Process, When};
use crate::support::faulty::scene::{KEY, REPORT, SUMMARY, SYNC, Scene, Setup, meeting, simulate};

/// A job of few calls.
const SHORT: Setup = Setup {
    summary_words: "300",
    ..SYNC
};

/// The time until a message is visible again, in which leases expire.
const PAUSE: Duration = Duration::from_secs(960);

#[derive(Debug, Default)]
struct Service {
    /// What each task was started for, and the key of its audio.
    tasks: Mutex<Vec<(String, String)>>,
    /// The number of the effect that started the last one, in its process.
    at: AtomicUsize,
}

/// The service as one process uses it.
#[derive(Debug)]
struct Client {
    process: Arc<Process>,
    service: Arc<Service>,
}

#[async_trait]
impl Speaker for Client {
    async fn start(&self, reading: &Reading<'_>) -> Result<Ticket, SpeechError> {
        let at = self.process.effects() + 1;
        self.service.at.store(at, Ordering::Relaxed);
        let start = || {
            let mut tasks = self.service.tasks.lock().unwrap();
            let key = format!("{}.{}.mp3", reading.to.key, tasks.len());
            tasks.push((reading.to.key.clone(), key.clone()));
            Ticket { key }
        };
        Ok(self.process.effect("speak", start).await)
    }

    async fn find(&self, reading: &Reading<'_>) -> Result<Option<Ticket>, SpeechError> {
        let find = || {
            let tasks = self.service.tasks.lock().unwrap();
            let found = tasks.iter().find(|(of, _)| *of == reading.to.key);
            found.map(|(_, key)| Ticket { key: key.clone() })
        };
        Ok(self.process.effect("find", find).await)
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
    let speech = Settings {
        voice: None,
        bucket: None,
    };
    let app = App {
        speaker: Some(Arc::new(client)),
        config: Arc::new(Config {
            speech: Some(speech),
            ..(*scene.config).clone()
        }),
        ..scene.app(process)
    };
    process.live(app.run(upload, &scene.endless())).await
}

/// Kills a process at an effect, and delivers the upload again. Returns the effect.
fn killed(at: usize, when: When) -> Option<String> {
    simulate(async {
        let case = format!("{at} {when:?}");
        let scene = Scene::new(SHORT);
        let service = Arc::new(Service::default());
        let upload = scene.disk().upload(KEY, meeting("depot"));
        let process = scene.process(Fate::Dies { at, when });
        let _ = deliver(&scene, &service, &process, &upload).await;
        sleep(PAUSE).await;
        let next = scene.process(Fate::Lives);
        let ended = deliver(&scene, &service, &next, &upload).await.unwrap();
        assert!(ended.is_ok(), "{case}: {ended:?}");
        let tasks = service.tasks.lock().unwrap().clone();
        assert_eq!(tasks.len(), 1, "{case}");
        let report = scene.disk().read_json(REPORT);
        assert_eq!(report["speech"]["keys"], json!([tasks[0].1]), "{case}");
        assert_eq!(scene.disk().writes(|key| key == SUMMARY).len(), 1, "{case}");
        process.struck_at()
    })
}

#[test]
fn a_killed_process_has_the_summary_read_out_once() {
    let (spoke, last) = simulate(async {
        let scene = Scene::new(SHORT);
        let service = Arc::new(Service::default());
        let upload = scene.disk().upload(KEY, meeting("depot"));
        let process = scene.process(Fate::Lives);
        let ended = deliver(&scene, &service, &process, &upload).await;
        assert!(matches!(ended, Some(Ok(Outcome::Done(_)))), "{ended:?}");
        (service.at.load(Ordering::Relaxed), process.effects())
    });
    // The intent, the task, the ticket, and the end of publishing.
    let mut struck = Vec::new();
    for at in (spoke - 1..=spoke + 2).chain([last - 2, last]) {
        for when in [When::Before, When::After] {
            struck.extend(killed(at, when));
        }
    }
    let deaths = struck.iter().filter(|effect| *effect == "speak").count();
    assert_eq!((deaths, struck.len()), (2, 12), "{struck:?}");
}
