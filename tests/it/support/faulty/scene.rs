//! A job in a simulated world of its own: its upload, its invocations, and the invariants of everything it leaves behind.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};
use transcript_summarizer::clock::Clock;
use transcript_summarizer::document::Formats;
use transcript_summarizer::job::JobError;
use transcript_summarizer::job::Upload;
use transcript_summarizer::job::{App, Config, KnownHabits, LEASE, Outcome, Surface};
use transcript_summarizer::run::Run;
use transcript_summarizer::store::Location;

use super::World;
use super::canary::{self, CANARY};
use super::disk::{BUCKET, Disk};
use super::endpoint::Endpoint;
use super::process::{Fate, Process};

pub(crate) const KEY: &str = "team/board.txt";
pub(crate) const SUMMARY: &str = "summaries/team/board.txt_summary.txt";
pub(crate) const REPORT: &str = "summaries/team/board.txt_summary.json";
pub(crate) const PAGE: &str = "summaries/team/board.txt_summary.html";
pub(crate) const MARKDOWN: &str = "summaries/team/board.txt_summary.md";
pub(crate) const CHAPTERS: &str = "summaries/team/board.txt_chapters.vtt";
pub(crate) const ERROR: &str = "summaries/team/board.txt_error.json";

/// 2026-11-14, in milliseconds since the Unix epoch.
const EPOCH_MS: i64 = 1_794_600_000_000;

/// The setup of a job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) queues: bool,
    /// Whether prompts are sent in batches.
    pub(crate) batches: bool,
    pub(crate) versioned: bool,
    /// Minimum and maximum duration of a call, in milliseconds.
    pub(crate) work_ms: (u64, u64),
    pub(crate) summary_words: &'static str,
    pub(crate) concurrency: &'static str,
    /// The task of the RunPod endpoint.
    pub(crate) task: &'static str,
}

/// A RunPod job of about twelve calls.
pub(crate) const QUEUE: Setup = Setup {
    queues: true,
    batches: false,
    versioned: false,
    work_ms: (1500, 4500),
    summary_words: "1800",
    concurrency: "4",
    task: "chat",
};

/// The same job in batches.
pub(crate) const BATCHES: Setup = Setup {
    batches: true,
    ..QUEUE
};

/// The same job at a synchronous endpoint.
pub(crate) const SYNC: Setup = Setup {
    queues: false,
    ..QUEUE
};

#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) world: Arc<World>,
    pub(crate) config: Arc<Config>,
}

/// Runs `test` on a paused clock, which advances whenever all tasks are waiting.
pub(crate) fn simulate<T>(test: impl Future<Output = T>) -> T {
    canary::listen();
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test)
}

/// A run without faults, for comparison.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) text: String,
    /// The same in Markdown.
    pub(crate) markdown: String,
    pub(crate) chapters: String,
    /// Entity tag of the transcript.
    pub(crate) etag: String,
    pub(crate) calls: usize,
    pub(crate) effects: usize,
}

/// Summarizes a meeting about `subject` without faults.
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
            markdown: scene.disk().read(MARKDOWN).unwrap(),
            chapters: scene.disk().read(CHAPTERS).unwrap(),
            etag: upload.etag.unwrap(),
            calls: scene.endpoint().submits().len(),
            effects: process.effects(),
        }
    })
}

/// The summary of `subject` after one of another version under the same key, whose lengths are remembered.
pub(crate) fn reference_after(setup: Setup, earlier: &str, subject: &str) -> String {
    simulate(async {
        let scene = Scene::new(setup);
        for subject in [earlier, subject] {
            let upload = scene.disk().upload(KEY, meeting(subject));
            let process = scene.process(Fate::Lives);
            let ended = scene.run(&process, &upload, None).await.unwrap();
            assert!(matches!(ended, Ok(Outcome::Done(_))), "{ended:?}");
        }
        scene.disk().read(SUMMARY).unwrap()
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
                ("RUNPOD_TASK", setup.task),
                ("CHUNK_TOKENS", "900"),
                ("MODEL_CONCURRENCY", setup.concurrency),
                ("MAX_INPUT_BYTES", "4000000"),
                ("SUMMARY_FORMAT", "markdown"),
                ("TRANSCRIBER", "amazon"),
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
            endpoint: Endpoint::new(setup.queues, setup.batches, work, capabilities),
            clock: Clock::simulated(EPOCH_MS),
            processes: AtomicUsize::new(0),
        };
        Self {
            world: Arc::new(world),
            config: Arc::new(config),
        }
    }

    /// The same world, where from now on only these renderings are wanted.
    pub(crate) fn wanting(&self, formats: Formats) -> Self {
        let config = Config {
            formats,
            ..(*self.config).clone()
        };
        Self {
            world: Arc::clone(&self.world),
            config: Arc::new(config),
        }
    }

    /// Checks that what exists beside the report is what it names.
    pub(crate) fn check_artifacts(&self) {
        let named = self.disk().read_json(REPORT)["artifacts"].clone();
        let there = [PAGE, MARKDOWN, CHAPTERS, SUMMARY].into_iter();
        let there = there.filter(|key| self.disk().read(key).is_some());
        assert_eq!(named, json!(there.collect::<Vec<_>>()));
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

    /// The application as it runs in `process`.
    pub(crate) fn app(&self, process: &Arc<Process>) -> App {
        App {
            source: process.clone(),
            target: process.clone(),
            model: process.clone(),
            transcriber: None,
            speaker: None,
            config: Arc::clone(&self.config),
            trace: None,
            lease: LEASE,
            habits: KnownHabits::default(),
            durable: true,
        }
    }

    /// An invocation without a time limit.
    pub(crate) fn endless(&self) -> Run {
        Run::new(self.world.clock.clone())
    }

    /// One invocation in `process`. Returns `None` if the process was killed.
    pub(crate) async fn run(
        &self,
        process: &Arc<Process>,
        upload: &Upload,
        slice: Option<Duration>,
    ) -> Option<Result<Outcome, JobError>> {
        let app = self.app(process);
        let run = self
            .endless()
            .until(slice.map(|slice| Instant::now() + slice));
        // On the heap: without optimization several of them are more than the stack of a test holds.
        let ended = process.live(Box::pin(app.run(upload, &run))).await;
        if let Some(Err(cause)) = &ended {
            let told = format!("{cause} {cause:?} {}", cause.next_step());
            assert!(!told.contains(CANARY), "{told}");
        }
        ended
    }

    /// One invocation without faults.
    pub(crate) async fn slice(
        &self,
        upload: &Upload,
        slice: Option<Duration>,
    ) -> Result<Outcome, JobError> {
        let process = self.process(Fate::Lives);
        self.run(&process, upload, slice).await.unwrap()
    }

    /// Repeats the invocation, with `pause` in between, until it succeeds. Returns its outcome and how many there were.
    pub(crate) async fn redeliver(
        &self,
        upload: &Upload,
        slice: Option<Duration>,
        pause: Duration,
    ) -> (Outcome, usize) {
        for nth in 1..=200 {
            match self.slice(upload, slice).await {
                Err(_) => sleep(pause).await,
                Ok(ended) => return (ended, nth),
            }
        }
        panic!("200 invocations have not finished it");
    }

    /// Calls that the endpoint accepted but for which the bucket has neither a ticket nor an answer.
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

    /// Number of submissions beyond one per call.
    pub(crate) fn extra_submits(&self) -> usize {
        self.endpoint()
            .submits()
            .values()
            .map(|count| count - 1)
            .sum()
    }

    /// Checks that the summary's key only ever held one of `texts`, that everything else was written before the summary, and
    /// that the canary leaked into neither the error report, the ledger nor the logs.
    pub(crate) fn check(&self, texts: &[&str]) {
        let published = self.disk().writes(|key| key == SUMMARY);
        for write in &published {
            let body = write.body.as_ref().expect("a summary was removed");
            assert!(
                texts.iter().any(|text| text.as_bytes() == body),
                "something else was under the summary's key"
            );
        }
        if let Some(first) = published.first() {
            for earlier in [REPORT, PAGE, MARKDOWN, CHAPTERS] {
                let earlier = self.disk().writes(|key| key == earlier);
                assert!(earlier.first().is_none_or(|earlier| earlier.at <= first.at));
            }
            assert!(!self.disk().writes(|key| key == REPORT).is_empty());
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

/// An upload described by its key alone.
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

/// A meeting about `subject` that mentions the canary.
pub(crate) fn meeting(subject: &str) -> String {
    (0..240)
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
