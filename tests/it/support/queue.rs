//! A queueing endpoint inside this process. Without sockets, tokio's clock can be paused and advanced.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::Instant;
use transcript_summarizer::model::{
    self, Answer, Capabilities, ErrorKind, Job, Model, ModelClient, ModelError, Reply, Ticket,
};
use transcript_summarizer::prompt::{Prompt, Style};
use transcript_summarizer::provider::runpod::follow::{self, Polled, QueueState};
use transcript_summarizer::text::Tokens;

use super::runpod_jobs::{JobPlan, Jobs, SubmittedJob};

/// Latency of a request, and again of its reply.
const ONE_WAY: Duration = Duration::from_millis(10);

/// Latency of a request and its reply together.
pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(20);

/// A queue whose jobs behave as planned.
pub(crate) struct Queue {
    plan: Box<dyn Fn(&SubmittedJob) -> JobPlan + Send + Sync>,
    /// Whether it supports long polling.
    holds: bool,
    state: QueueState,
    jobs: Mutex<Jobs>,
    changed: Notify,
    submitted: Mutex<HashMap<String, Instant>>,
    /// Time from the end of a job until the client learned of it.
    lags: Mutex<Vec<Duration>>,
    polls: AtomicUsize,
    diagnoses: AtomicUsize,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queue")
    }
}

/// The capabilities of a chat model without a known context window.
pub(crate) static CAPABILITIES: Capabilities = Capabilities {
    provider: "simulated",
    model: None,
    context_tokens: None,
    reasoning_tokens: Tokens(0),
    style: Style::Full,
    quotes: false,
    local: false,
    reads_links: false,
};

impl Queue {
    pub(crate) fn new(
        holds: bool,
        workers: usize,
        plan: impl Fn(&SubmittedJob) -> JobPlan + Send + Sync + 'static,
    ) -> Self {
        Self {
            plan: Box::new(plan),
            holds,
            state: QueueState::default(),
            jobs: Mutex::new(Jobs::new(workers)),
            changed: Notify::new(),
            submitted: Mutex::default(),
            lags: Mutex::default(),
            polls: AtomicUsize::new(0),
            diagnoses: AtomicUsize::new(0),
        }
    }

    /// Jobs that take these numbers of seconds, in the order of submission.
    pub(crate) fn of_lengths(holds: bool, workers: usize, lengths: Vec<f64>) -> Self {
        Self::new(holds, workers, move |job| {
            let length = Duration::from_secs_f64(lengths[job.number]);
            JobPlan::text("Fine.").executing_for(length)
        })
    }

    pub(crate) fn submits(&self) -> usize {
        self.jobs.lock().unwrap().all().len()
    }

    pub(crate) fn polls(&self) -> usize {
        self.polls.load(Ordering::Relaxed)
    }

    pub(crate) fn diagnoses(&self) -> usize {
        self.diagnoses.load(Ordering::Relaxed)
    }

    pub(crate) fn lags(&self) -> Vec<Duration> {
        self.lags.lock().unwrap().clone()
    }

    pub(crate) fn mean_lag(&self) -> f64 {
        let lags = self.lags();
        lags.iter().map(Duration::as_secs_f64).sum::<f64>() / lags.len() as f64
    }

    /// Cancels a job as a user at the console would.
    pub(crate) fn cancel_from_outside(&self, number: usize) {
        let mut jobs = self.jobs.lock().unwrap();
        let id = jobs.all()[number].submitted.id.clone();
        jobs.cancel(&id, true);
        drop(jobs);
        self.changed.notify_waiters();
    }

    /// Number of jobs whose result was never fetched and that the client did not cancel.
    pub(crate) fn unaccounted(&self) -> usize {
        let jobs = self.jobs.lock().unwrap();
        let jobs = jobs.all().iter();
        jobs.filter(|job| !job.fetched && job.cancelled.is_none())
            .count()
    }

    /// Waits until the job has ended or the wait is over.
    async fn hold(&self, id: &str, wait: Duration) {
        let deadline = Instant::now() + wait;
        loop {
            let changed = self.changed.notified();
            let next = match self.jobs.lock().unwrap().view(id) {
                Some(view) if !view.is_final() => view.next,
                _ => return,
            };
            if Instant::now() >= deadline {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(next.unwrap_or(deadline).min(deadline)) => {}
                () = changed => {}
            }
        }
    }

    /// The reply to a poll of this job, and when the job ended.
    fn look(&self, ticket: &Ticket) -> (Result<Polled, ModelError>, Option<Instant>) {
        let mut jobs = self.jobs.lock().unwrap();
        let view = jobs.view(&ticket.id).unwrap();
        if view.is_final() {
            jobs.mark_fetched(&ticket.id);
        }
        let error = |kind, message| (Err(ModelError::new(kind, message)), None);
        match view.status {
            "COMPLETED" => {
                let took = |name: &str| Duration::from_millis(view.body[name].as_u64().unwrap());
                let took = took("delayTime") + took("executionTime");
                let answer = Answer {
                    text: "Fine.".to_owned(),
                    job_time: Some(took),
                    ..Answer::default()
                };
                let submitted = self.submitted.lock().unwrap()[&ticket.id];
                (Ok(Polled::Done(answer)), Some(submitted + took))
            }
            "CANCELLED" => error(ErrorKind::Configuration, "the job was cancelled"),
            "FAILED" => error(ErrorKind::JobFailed { timed_out: false }, "it failed"),
            status => {
                let (started, held) = (status == "IN_PROGRESS", self.holds);
                (Ok(Polled::Pending { started, held }), None)
            }
        }
    }
}

#[async_trait]
impl Model for Queue {
    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    async fn submit(&self, _: &Prompt) -> Result<Reply, ModelError> {
        tokio::time::sleep(ONE_WAY).await;
        let id = self.jobs.lock().unwrap().submit(json!({}), &self.plan);
        self.changed.notify_waiters();
        let now = Instant::now();
        self.submitted.lock().unwrap().insert(id.clone(), now);
        tokio::time::sleep(ONE_WAY).await;
        Ok(Reply::Queued(Ticket { id }))
    }

    fn jobs(&self) -> Option<&dyn model::Jobs> {
        Some(self)
    }
}

#[async_trait]
impl model::Jobs for Queue {
    async fn wait(
        &self,
        job: Job,
        prompt: &Prompt,
        client: &ModelClient,
    ) -> Result<Answer, ModelError> {
        self.state.follow(self, job, prompt, client).await
    }

    async fn cancel(&self, ticket: &Ticket) -> Result<(), ModelError> {
        tokio::time::sleep(ROUND_TRIP).await;
        self.jobs.lock().unwrap().cancel(&ticket.id, false);
        Ok(())
    }
}

#[async_trait]
impl follow::Queue for Queue {
    async fn poll(
        &self,
        ticket: &Ticket,
        _: &Prompt,
        wait: Duration,
    ) -> Result<Polled, ModelError> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(ONE_WAY).await;
        if self.holds {
            self.hold(&ticket.id, wait).await;
        }
        let (polled, ended) = self.look(ticket);
        tokio::time::sleep(ONE_WAY).await;
        let lag = ended.map(|ended| ended.elapsed());
        self.lags.lock().unwrap().extend(lag);
        polled
    }

    async fn rerun(&self, ticket: &Ticket) -> Result<(), ModelError> {
        let mut jobs = self.jobs.lock().unwrap();
        jobs.retry(&ticket.id, &self.plan);
        Ok(())
    }

    async fn diagnose(&self) -> Result<(), ModelError> {
        self.diagnoses.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(ROUND_TRIP).await;
        if self.jobs.lock().unwrap().workers() > 0 {
            return Ok(());
        }
        Err(ModelError::new(
            ErrorKind::Configuration,
            "the endpoint has no workers",
        ))
    }

    fn holds(&self) -> bool {
        self.holds
    }
}

/// Log-normal lengths in seconds with this median. Uses SplitMix64, and sums of twelve uniform numbers as normal ones.
pub(crate) fn lognormal(median: f64, sigma: f64, seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed;
    let mut even = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut normal = || (0..12).map(|_| even()).sum::<f64>() - 6.0;
    (0..count)
        .map(|_| median * (sigma * normal()).exp())
        .collect()
}

/// The makespan if each job starts in the order of submission as soon as one of `lanes` workers is free.
pub(crate) fn critical_path(lengths: &[f64], lanes: usize) -> f64 {
    let mut free = vec![0.0_f64; lanes];
    for length in lengths {
        let next = free.iter_mut().min_by(|a, b| a.total_cmp(b)).unwrap();
        *next += length;
    }
    free.into_iter().fold(0.0, f64::max)
}
