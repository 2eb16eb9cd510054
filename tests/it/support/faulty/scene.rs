//! A job in a world of its own: what is uploaded, how it is worked on, and what must hold of all that is left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use transcript_summarizer::clock::Clock;
use transcript_summarizer::job::error::Cause;
use transcript_summarizer::job::{App, Config, LEASE, Outcome, Surface};
use transcript_summarizer::run::Run;
use transcript_summarizer::store::Location;
use transcript_summarizer::trigger::Upload;

use super::World;
use super::canary::{self, CANARY};
use super::disk::{BUCKET, Disk};
use super::endpoint::Endpoint;
use super::process::{Fate, Process};

pub(crate) const KEY: &str = "team/board.txt";
pub(crate) const SUMMARY: &str = "summaries/team/board.txt_summary.txt";
pub(crate) const REPORT: &str = "summaries/team/board.txt_summary.json";
pub(crate) const ERROR: &str = "summaries/team/board.txt_error.json";

/// 2026-11-14.
const EPOCH_MS: i64 = 1_794_600_000_000;

/// How a job is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) queues: bool,
    pub(crate) versioned: bool,
    /// Milliseconds of the shortest and the longest call.
    pub(crate) work_ms: (u64, u64),
    pub(crate) summary_words: &'static str,
    pub(crate) concurrency: &'static str,
}

/// A RunPod job of about twelve calls.
pub(crate) const QUEUE: Setup = Setup {
    queues: true,
    versioned: false,
    work_ms: (1500, 4500),
    summary_words: "1800",
    concurrency: "4",
};

/// The same at an endpoint that answers at once.
pub(crate) const SYNC: Setup = Setup {
    queues: false,
    ..QUEUE
};

#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) world: Arc<World>,
    pub(crate) config: Arc<Config>,
}

/// Runs `test` on a clock of its own, which goes on as soon as everybody waits.
pub(crate) fn simulate<T>(test: impl Future<Output = T>) -> T {
    canary::listen();
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test)
}

/// A run that nothing happens to.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) text: String,
    /// Entity tag of the transcript.
    pub(crate) etag: String,
    pub(crate) calls: usize,
    pub(crate) effects: usize,
}

/// What a meeting about `subject` comes to.
pub(crate) fn reference(setup: Setup, subject: &str) -> Reference {
    simulate(async {
        let scene = Scene::new(setup);
        let upload = scene.disk().upload(KEY, meeting(subject));
        let process = scene.process(Fate::Lives);
        let ended = scene.run(&process, &upload, None).await.unwrap();
        assert!(matches!(ended, Ok(Outcome::Done(_))), "{ended:?}");
        assert_eq!(scene.extra_submits(), 0);
        Reference {
            text: scene.disk().read(SUMMARY).unwrap(),
            etag: upload.etag.unwrap(),
            calls: scene.endpoint().submits().len(),
            effects: process.effects(),
        }
    })
}

impl Scene {
    pub(crate) fn new(setup: Setup) -> Self {
        let provider = if setup.queues {
            [
                ("RUNPOD_API_KEY", "rpa_x"),
                ("RUNPOD_ENDPOINT_URL", "https://api.runpod.ai/v2/abc"),
            ]
        } else {
            [("HF_API_TOKEN", "hf_x"), ("MODEL_REASONING_TOKENS", "0")]
        };
        let variables: BTreeMap<&str, &str> = provider
            .into_iter()
            .chain([
                ("SUMMARY_WORDS", setup.summary_words),
                ("CHUNK_TOKENS", "900"),
                ("MODEL_CONCURRENCY", setup.concurrency),
                ("MAX_INPUT_BYTES", "4000000"),
            ])
            .collect();
        let config = Config::from_lookup(Surface::Lambda, &|name| {
            variables.get(name).map(|&value| value.to_owned())
        });
        let config = config.unwrap();
        let capabilities = config.provider.capabilities().clone();
        let (shortest, longest) = setup.work_ms;
        let work = (
            Duration::from_millis(shortest),
            Duration::from_millis(longest),
        );
        let world = World {
            disk: Disk::new(setup.versioned),
            endpoint: Endpoint::new(setup.queues, work, capabilities),
            clock: Clock::simulated(EPOCH_MS),
            processes: AtomicUsize::new(0),
        };
        Self {
            world: Arc::new(world),
            config: Arc::new(config),
        }
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.world.disk
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.world.endpoint
    }

    pub(crate) fn process(&self, fate: Fate) -> Arc<Process> {
        Arc::new(Process::new(&self.world, fate))
    }

    /// The program, as it runs in `process`.
    pub(crate) fn app(&self, process: &Arc<Process>) -> App {
        App {
            source: process.clone(),
            target: process.clone(),
            model: process.clone(),
            config: Arc::clone(&self.config),
            trace: None,
            lease: LEASE,
            durable: true,
        }
    }

    /// An invocation that nothing ends.
    pub(crate) fn endless(&self) -> Run {
        Run::new(self.world.clock.clone())
    }

    /// One invocation, in `process`; `None` if it was killed.
    pub(crate) async fn run(
        &self,
        process: &Arc<Process>,
        upload: &Upload,
        slice: Option<Duration>,
    ) -> Option<Result<Outcome, Cause>> {
        let app = self.app(process);
        let run = self
            .endless()
            .until(slice.map(|slice| Instant::now() + slice));
        let ended = process.live(app.run(upload, &run)).await;
        if let Some(Err(cause) | Ok(Outcome::Continue(cause))) = &ended {
            let told = format!("{cause} {cause:?} {}", cause.next_step());
            assert!(!told.contains(CANARY), "{told}");
        }
        ended
    }

    /// One invocation that nothing happens to.
    pub(crate) async fn slice(
        &self,
        upload: &Upload,
        slice: Option<Duration>,
    ) -> Result<Outcome, Cause> {
        let process = self.process(Fate::Lives);
        self.run(&process, upload, slice).await.unwrap()
    }

    /// Invocations until there is nothing more to do, `pause` after each other; how many there were.
    pub(crate) async fn redeliver(
        &self,
        upload: &Upload,
        slice: Option<Duration>,
        pause: Duration,
    ) -> (Outcome, usize) {
        for nth in 1..=200 {
            match self.slice(upload, slice).await {
                Ok(Outcome::Continue(_)) | Err(_) => sleep(pause).await,
                Ok(ended) => return (ended, nth),
            }
        }
        panic!("200 invocations have not finished it");
    }

    /// Calls that the endpoint accepted and of which the bucket knows neither ticket nor answer.
    pub(crate) fn in_flight(&self) -> BTreeSet<String> {
        let keys = self.disk().keys();
        let known: BTreeSet<&str> = keys
            .iter()
            .filter_map(|key| key.rsplit('/').next()?.split_once('.'))
            .filter(|(_, ending)| matches!(*ending, "job" | "out"))
            .map(|(call, _)| call)
            .collect();
        let submits = self.endpoint().submits();
        submits
            .into_keys()
            .filter(|call| !known.contains(call.as_str()))
            .collect()
    }

    /// Submissions beyond one per call.
    pub(crate) fn extra_submits(&self) -> usize {
        self.endpoint()
            .submits()
            .values()
            .map(|count| count - 1)
            .sum()
    }

    /// Nothing but whole summaries was ever under the summary's key, the report was there first, and nobody told what was said.
    pub(crate) fn check(&self, texts: &[&str]) {
        let published = self.disk().writes(|key| key == SUMMARY);
        for write in &published {
            let body = write.body.as_ref().expect("a summary was removed");
            assert!(
                texts.iter().any(|text| text.as_bytes() == body),
                "something else was under the summary's key"
            );
        }
        let reported = self.disk().writes(|key| key == REPORT);
        if let Some(first) = published.first() {
            assert!(reported.first().is_some_and(|report| report.at <= first.at));
        }
        let secret = |key: &str| {
            key.ends_with("_error.json") || key.contains(".work/") && !key.ends_with(".out")
        };
        for write in self.disk().writes(secret) {
            let body = write.body.unwrap_or_default();
            let body = String::from_utf8_lossy(&body);
            assert!(!body.contains(CANARY), "{}: {body}", write.key);
        }
        canary::lines();
    }
}

/// The upload of a key that an event tells of without saying more.
pub(crate) fn named(key: &str) -> Upload {
    Upload {
        at: Location::new(BUCKET, key),
        other_key: None,
        etag: None,
        version_id: None,
        size: None,
        sequencer: None,
    }
}

/// A meeting about `subject`; somebody says what must not be told.
pub(crate) fn meeting(subject: &str) -> String {
    (0..170)
        .map(|i| {
            let said = if i % 17 == 5 {
                format!(" Nobody outside may hear of the {CANARY}.")
            } else {
                String::new()
            };
            format!(
                "[00:{:02}:{:02}] Speaker{}: On the {subject} we agreed that item{i} costs {} dollars and vendor{i} delivers \
                 before week {} of next year.{said}\n",
                i / 60,
                i % 60,
                i % 4,
                1000 + i * 7,
                i % 50 + 1
            )
        })
        .collect()
}
