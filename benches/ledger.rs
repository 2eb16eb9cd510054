//! Measures the overhead of the ledger: how much longer a job takes with it than without it, and how many objects it writes
//! per call. Runs on a simulated clock.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "figures are for people"
)]

mod support;
#[path = "../tests/it/support/writer/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "written for tests"
)]
mod writer;

use std::collections::HashMap;
use std::io::Cursor;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use support::{Claims, meetings};
use tokio::time::{Instant, sleep};
use transcript_summarizer::clock::Clock;
use transcript_summarizer::job::Upload;
use transcript_summarizer::job::{App, Config, KnownHabits, LEASE, Outcome, Surface};
use transcript_summarizer::model::{
    Answer, Capabilities, Job, Jobs, Model, ModelClient, ModelError, Reply, Ticket,
};
use transcript_summarizer::prompt::Prompt;
use transcript_summarizer::provider::runpod::follow::{Polled, Queue, QueueState};
use transcript_summarizer::run;
use transcript_summarizer::store::{
    Action, Location, Metadata, Object, ObjectInfo, PutCondition, PutOptions, Store, StoreError,
    StoreErrorKind, Wanted,
};
use transcript_summarizer::text::words;
use writer::{Habit, SimulatedWriter};

/// Latency of S3 for a small object.
const STORE_LATENCY: Duration = Duration::from_millis(20);

/// Duration of a call, and latency of a submission or a poll at a queueing endpoint.
const CALL: Duration = Duration::from_secs(5);
const LATENCY: Duration = Duration::from_millis(25);

/// Limits that the benchmark enforces.
const MOST_OVERHEAD: f64 = 0.03;
const MOST_WRITES_PER_CALL: f64 = 3.0;

const BUCKET: &str = "transcripts";
const KEY: &str = "meeting.txt";

fn main() -> ExitCode {
    let mut claims = Claims::default();
    let meetings = meetings();
    println!(
        "endpoint    words   calls   without ledger   with it   longer by   writes per call   of the lease"
    );
    for queues in [false, true] {
        for size in [10_000_usize, 50_000] {
            let long = meetings.repeat(size.div_ceil(words::count(&meetings)));
            let text = words::prefix(&long, size);
            let without = Run::of(text, queues, false);
            let with = Run::of(text, queues, true);
            let overhead = with.took / without.took - 1.0;
            let writes = with.call_writes as f64 / with.calls as f64;
            let endpoint = if queues { "queues" } else { "answers" };
            println!(
                "{endpoint:8} {size:8} {:7} {:14.2} s {:7.2} s {:9.2} % {writes:17.2} {:14}",
                with.calls,
                without.took,
                with.took,
                overhead * 100.0,
                with.lease_writes
            );
            claims.check(
                &format!(
                    "{:.2} % longer (at most {} %)",
                    overhead * 100.0,
                    MOST_OVERHEAD * 100.0
                ),
                overhead <= MOST_OVERHEAD,
            );
            claims.check(
                &format!("{writes:.2} small writes per call (at most {MOST_WRITES_PER_CALL})"),
                writes <= MOST_WRITES_PER_CALL,
            );
        }
    }
    claims.verdict()
}

struct Run {
    took: f64,
    calls: usize,
    call_writes: usize,
    lease_writes: usize,
}

impl Run {
    fn of(text: &str, queues: bool, durable: bool) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let variables = [("HF_API_TOKEN", "hf_none")];
        let config = Config::from_lookup(Surface::CommandLine, &|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
        .unwrap();
        runtime.block_on(async {
            let store = Arc::new(Memory::default());
            store.insert(
                &Location::new(BUCKET, KEY),
                Bytes::from(text.to_owned()),
                Metadata::new(),
            );
            let app = App {
                source: store.clone(),
                target: store.clone(),
                model: Arc::new(Slow {
                    writer: SimulatedWriter::new(Habit::Willing),
                    queues,
                    queue_state: QueueState::default(),
                    jobs: Mutex::default(),
                }),
                transcriber: None,
                speaker: None,
                config: Arc::new(config),
                trace: None,
                lease: LEASE,
                habits: KnownHabits::default(),
                durable,
            };
            let run = run::Run::new(Clock::simulated(1_800_000_000_000));
            let upload = Upload {
                at: Location::new(BUCKET, KEY),
                other_key: None,
                etag: None,
                version_id: None,
                size: None,
                sequencer: None,
            };
            let began = Instant::now();
            let outcome = app.run(&upload, &run).await.unwrap();
            let took = began.elapsed().as_secs_f64();
            let Outcome::Done(done) = outcome else {
                panic!("not done: {outcome:?}")
            };
            let (call_writes, lease_writes) = *store.small_writes.lock().unwrap();
            Self {
                took,
                calls: done.report.usage.calls,
                call_writes,
                lease_writes,
            }
        })
    }
}

/// A writer whose calls take [`CALL`], either synchronously or as queued jobs.
#[derive(Debug)]
struct Slow {
    writer: SimulatedWriter,
    queues: bool,
    queue_state: QueueState,
    jobs: Mutex<HashMap<Ticket, Instant>>,
}

#[async_trait]
impl Model for Slow {
    fn capabilities(&self) -> &Capabilities {
        self.writer.capabilities()
    }

    async fn submit(&self, prompt: &Prompt) -> Result<Reply, ModelError> {
        if !self.queues {
            sleep(CALL).await;
            return self.writer.submit(prompt).await;
        }
        sleep(LATENCY).await;
        let mut jobs = self.jobs.lock().unwrap();
        let ticket = Ticket {
            id: jobs.len().to_string(),
        };
        jobs.insert(ticket.clone(), Instant::now() + CALL);
        Ok(Reply::Queued(ticket))
    }

    fn jobs(&self) -> Option<&dyn Jobs> {
        self.queues.then_some(self as &dyn Jobs)
    }
}

#[async_trait]
impl Jobs for Slow {
    async fn wait(
        &self,
        job: Job,
        prompt: &Prompt,
        client: &ModelClient,
    ) -> Result<Answer, ModelError> {
        self.queue_state.follow(self, job, prompt, client).await
    }

    async fn cancel(&self, _: &Ticket) -> Result<(), ModelError> {
        Ok(())
    }
}

#[async_trait]
impl Queue for Slow {
    async fn poll(
        &self,
        ticket: &Ticket,
        prompt: &Prompt,
        _: Duration,
    ) -> Result<Polled, ModelError> {
        let ends = self.jobs.lock().unwrap().get(ticket).copied().unwrap();
        tokio::time::sleep_until(ends).await;
        sleep(LATENCY).await;
        let answer = self.writer.write(prompt).await?;
        Ok(Polled::Done(Answer {
            job_time: Some(CALL),
            ..answer
        }))
    }

    async fn rerun(&self, _: &Ticket) -> Result<(), ModelError> {
        Ok(())
    }

    async fn diagnose(&self) -> Result<(), ModelError> {
        Ok(())
    }

    fn holds(&self) -> bool {
        true
    }
}

/// An in-memory store with the latency of S3.
#[derive(Debug, Default)]
struct Memory {
    objects: Mutex<HashMap<Location, (ObjectInfo, Bytes)>>,
    /// Number of internal objects written: for calls, and for the lease.
    small_writes: Mutex<(usize, usize)>,
}

impl Memory {
    fn insert(&self, at: &Location, body: Bytes, metadata: Metadata) -> String {
        let mut objects = self.objects.lock().unwrap();
        let before = objects
            .get(at)
            .map_or(0, |(info, _)| info.etag.parse().unwrap());
        let etag = (before + 1_u64).to_string();
        let info = ObjectInfo {
            etag: etag.clone(),
            version_id: None,
            size: body.len() as u64,
            modified_ms: None,
            metadata,
        };
        objects.insert(at.clone(), (info, body));
        etag
    }

    fn find(&self, at: &Location) -> Result<(ObjectInfo, Bytes), StoreError> {
        let found = self.objects.lock().unwrap().get(at).cloned();
        found.ok_or_else(|| {
            StoreError::new(StoreErrorKind::NotFound, Action::Read, at, "nothing there")
        })
    }
}

#[async_trait]
impl Store for Memory {
    async fn get(&self, at: &Location, _: &Wanted) -> Result<Object, StoreError> {
        sleep(STORE_LATENCY).await;
        let (info, body) = self.find(at)?;
        Ok(Object::new(at, info, Cursor::new(body)))
    }

    async fn head(&self, at: &Location) -> Result<ObjectInfo, StoreError> {
        sleep(STORE_LATENCY).await;
        self.find(at).map(|(info, _)| info)
    }

    async fn put(
        &self,
        at: &Location,
        body: Bytes,
        options: PutOptions,
    ) -> Result<String, StoreError> {
        sleep(STORE_LATENCY).await;
        if at.key.contains("/.work/") {
            let mut small_writes = self.small_writes.lock().unwrap();
            if at.key.contains("/calls/") {
                small_writes.0 += 1;
            } else {
                small_writes.1 += 1;
            }
        }
        let found = self.find(at).ok().map(|(info, _)| info.etag);
        let holds = match &options.condition {
            PutCondition::Always => true,
            PutCondition::IfAbsent => found.is_none(),
            PutCondition::IfMatch(etag) => found.as_ref() == Some(etag),
        };
        if !holds {
            let kind = StoreErrorKind::Precondition;
            return Err(StoreError::new(
                kind,
                Action::Write,
                at,
                "another writer was faster",
            ));
        }
        Ok(self.insert(at, body, options.metadata))
    }

    async fn delete(&self, at: &Location, _: Option<&str>) -> Result<(), StoreError> {
        sleep(STORE_LATENCY).await;
        self.objects.lock().unwrap().remove(at);
        Ok(())
    }
}
