//! Makes the billable calls of one job: looks each up in the ledger, acquires a permit, submits, waits for queued jobs, and
//! counts what is used.
//!
//! A failure that concerns all calls (a refused key, an endpoint that is down) stops the job: calls that wait fail with it,
//! calls that were sent are followed to their end, because they are paid for.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::model::jitter::Jitter;
use crate::model::limited::{Permit, RateLimiter, Refusal, SHORTEST_GAP};
use crate::model::recorded::{CallRecord, Recalled, Recorder, may_be_submitted_anew};
use crate::model::trace;
use crate::model::usage::{Usage, UsageCounter};
use crate::model::{Answer, ErrorKind, Job, Model, ModelError, Reply, Ticket};
use crate::prompt::Prompt;
use crate::run::{Run, sleep_until};
use crate::store::ledger::Ledger;

/// A call to an endpoint that answers at once is not begun with less time left, if the invocation is long enough.
const CALL_RESERVE: Duration = Duration::from_secs(10);

/// Nor is a submission to a queue, which only has to give its ticket.
const SUBMIT_RESERVE: Duration = Duration::from_secs(2);

/// A reserve takes at most one part in so many of a short invocation.
const RESERVE_SHARE: u32 = 4;

/// How long cancelling one job may take.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// How the calls of a job are made.
#[derive(Debug, Clone, Default)]
pub struct CallOptions {
    /// Calls that are never exceeded. Requests that were certainly not accepted don't count.
    pub max_calls: usize,
    /// Calls in flight at most.
    pub concurrency: usize,
    /// The directory that prompts and answers are written to. They hold what was said, so only the command line sets this.
    pub trace: Option<PathBuf>,
    /// Seed of the jitter.
    pub seed: u64,
    /// The job has had no progress for long: one attempt at one call, and more only after an answer.
    pub probing: bool,
}

/// Makes the calls of one job.
#[derive(Debug)]
pub struct ModelClient {
    pub(crate) model: Arc<dyn Model>,
    pub(crate) jitter: Jitter,
    recorder: Recorder,
    limiter: RateLimiter,
    options: CallOptions,
    run: Run,
    began: Instant,
    usage: UsageCounter,
    /// Calls that count against `max_calls`.
    spent: AtomicUsize,
    /// Milliseconds of the slowest call so far.
    slowest_ms: AtomicU64,
    /// Jobs that go on at the endpoint, and the ids of their calls.
    open_jobs: Mutex<HashMap<Ticket, String>>,
    /// The error that stopped the job.
    stopped: Mutex<Option<ModelError>>,
    stopping: Notify,
}

/// The end of one attempt at a call.
pub(crate) enum Attempt {
    Answered(Answer),
    /// No answer, and nothing goes on at the endpoint that could bring one.
    Failed(ModelError),
    /// No answer yet: a job goes on at the endpoint.
    Running(ModelError),
}

impl ModelClient {
    /// A client of `model` for one job in `run`. Without a `ledger` nothing is recorded; a local model needs no record.
    #[must_use]
    pub fn new(
        model: Arc<dyn Model>,
        ledger: Option<Ledger>,
        options: CallOptions,
        run: &Run,
    ) -> Self {
        let is_local = model.capabilities().local;
        let gap = if is_local {
            Duration::ZERO
        } else {
            SHORTEST_GAP
        };
        Self {
            model,
            jitter: Jitter::new(options.seed),
            recorder: Recorder::new(ledger.filter(|_| !is_local), run.clock.clone()),
            limiter: RateLimiter::new(options.concurrency, gap, options.probing),
            options,
            run: run.clone(),
            began: Instant::now(),
            usage: UsageCounter::default(),
            spent: AtomicUsize::new(0),
            slowest_ms: AtomicU64::new(0),
            open_jobs: Mutex::default(),
            stopped: Mutex::default(),
            stopping: Notify::new(),
        }
    }

    /// What has been used so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage.total()
    }

    /// Gets the answer to a prompt: from the ledger, from a job of an earlier invocation, or by a call.
    ///
    /// # Errors
    /// If the endpoint refuses or keeps failing, the job has used up its calls, or time is over.
    pub async fn call(&self, prompt: &Prompt) -> Result<Answer, ModelError> {
        let mut record = self.recorder.record(prompt);
        let outcome = match self.recall(&mut record, prompt).await {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => {
                self.recorder.all_looked_up().await;
                self.call_with_retries(&mut record, prompt).await
            }
            Err(error) => Err(error),
        };
        self.stop_if_shared(&outcome);
        outcome
    }

    /// Remembers that nothing could be made of the answer to `prompt`.
    pub(crate) fn mark_unusable(&self, prompt: &Prompt) {
        self.recorder.mark_unusable(prompt);
    }

    /// Removes the answers that could not be used from the ledger: the next run asks again.
    pub(crate) async fn forget_unusable(&self) {
        self.recorder.forget_unusable().await;
    }

    /// Cancels the jobs that still go on at the endpoint.
    pub async fn cancel_open_jobs(&self) {
        let open: Vec<(Ticket, String)> = lock(&self.open_jobs).drain().collect();
        let Some(jobs) = self.model.jobs() else {
            return;
        };
        let cancelled = open.iter().map(|(ticket, id)| async move {
            match tokio::time::timeout(CANCEL_TIMEOUT, jobs.cancel(ticket)).await {
                Ok(Ok(())) => {
                    tracing::info!(job = ticket.id, "cancelled");
                    self.recorder.forget(id).await;
                }
                Ok(Err(error)) => tracing::warn!(job = ticket.id, %error, "could not be cancelled"),
                Err(_) => tracing::warn!(job = ticket.id, "could not be cancelled in time"),
            }
        });
        join_all(cancelled).await;
    }

    /// The answer that an earlier invocation paid for, if there is one or its job has one now.
    async fn recall(
        &self,
        record: &mut CallRecord<'_>,
        prompt: &Prompt,
    ) -> Result<Option<Answer>, ModelError> {
        // A job that is probed waits for its turn like a new call.
        let take_place = || (!self.options.probing).then(|| self.limiter.acquire_for_running_job());
        let recalled = record.recall(take_place).await?;
        if record.submits > 0 {
            let submits = record.submits;
            self.usage.count(|usage| usage.add_earlier_call(submits));
            self.spent.fetch_add(submits as usize, Ordering::Relaxed);
        }
        match recalled {
            Recalled::Nothing => Ok(None),
            Recalled::Outcome(result) => {
                let tokens = result.as_ref().ok().and_then(|answer| answer.usage);
                self.usage.count(|usage| usage.add_tokens(tokens));
                result.map(Some)
            }
            Recalled::Job(job, place) => {
                let permit = match place {
                    Some(permit) => permit,
                    None => self.acquire().await?,
                };
                let outcome = self.follow(record, job, prompt).await;
                match &outcome {
                    Err(error) if may_be_submitted_anew(error.kind) => return Ok(None),
                    Ok(answer) => self.count_answer(answer, &permit),
                    Err(_) => {}
                }
                if outcome.is_ok() {
                    self.usage.count(|usage| usage.progress += 1);
                }
                drop(permit);
                record.close(&outcome).await;
                outcome.map(Some)
            }
        }
    }

    /// Sends the prompt once, and waits for the job that it may become.
    pub(crate) async fn attempt(&self, record: &mut CallRecord<'_>, prompt: &Prompt) -> Attempt {
        let ready = async {
            let permit = self.acquire().await?;
            self.spend()?;
            let before = record.before_submission().await?;
            self.spent
                .fetch_add(before.unanswered as usize, Ordering::Relaxed);
            let number = self.usage.count(|usage| {
                usage.add_unanswered(before.unanswered);
                usage.resubmitted += usize::from(before.again);
                usage.calls += 1;
                usage.calls
            });
            Ok((permit, number))
        };
        let (permit, number) = match ready.await {
            Ok(ready) => ready,
            Err(error) => return Attempt::Failed(error),
        };
        let submitted = match self.run.deadline {
            // A request that is dropped here may be billed: it is counted when it is sent again.
            Some(deadline) => tokio::time::timeout_at(deadline, self.model.submit(prompt))
                .await
                .unwrap_or_else(|_| Err(out_of_time())),
            None => self.model.submit(prompt).await,
        };
        record.after_submission(submitted.as_ref().err().map(|error| error.kind));
        let attempt = match submitted {
            Ok(Reply::Done(answer)) => {
                self.usage.count(|usage| usage.progress += 1);
                Attempt::Answered(answer)
            }
            Ok(Reply::Queued(ticket)) => {
                self.usage.count(|usage| usage.progress += 1);
                record.queued(&ticket).await;
                self.limiter.accepted();
                let job = Job {
                    ticket,
                    submitted: permit.started,
                    resumed: false,
                };
                match self.follow(record, job, prompt).await {
                    Ok(answer) => Attempt::Answered(answer),
                    Err(error) if error.kind.policy().job_is_over => Attempt::Failed(error),
                    Err(error) => Attempt::Running(error),
                }
            }
            Err(error) => {
                self.learn_from_refusal(error.kind, &permit);
                Attempt::Failed(error)
            }
        };
        if let Attempt::Answered(answer) = &attempt {
            self.count_answer(answer, &permit);
            let took = u64::try_from(permit.started.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.slowest_ms.fetch_max(took, Ordering::Relaxed);
        }
        drop(permit);
        match &self.options.trace {
            Some(dir) => trace::write(dir, number, prompt, attempt).await,
            None => attempt,
        }
    }

    /// Waits for a job's answer at an endpoint that queues.
    async fn follow(
        &self,
        record: &CallRecord<'_>,
        job: Job,
        prompt: &Prompt,
    ) -> Result<Answer, ModelError> {
        let ticket = job.ticket.clone();
        let Some(jobs) = self.model.jobs() else {
            let message = format!(
                "this endpoint queues nothing, so {} is not its job",
                ticket.id
            );
            return Err(ModelError::new(ErrorKind::SuspectOutput, message));
        };
        lock(&self.open_jobs).insert(ticket.clone(), record.id().to_owned());
        let outcome = jobs.wait(job, prompt, &JobContext { client: self }).await;
        let is_over = match &outcome {
            Ok(_) => true,
            Err(error) => error.kind.policy().job_is_over,
        };
        if is_over {
            lock(&self.open_jobs).remove(&ticket);
        }
        outcome
    }

    /// Waits for a permit; an error if the job stops first or too little time is left.
    async fn acquire(&self) -> Result<Permit<'_>, ModelError> {
        let permit = self
            .until_stopped(self.limiter.acquire(self.run.deadline))
            .await?;
        if let Some(error) = self.stopped() {
            return Err(error);
        }
        permit
            .filter(|_| !self.is_too_late_at(Instant::now()))
            .ok_or_else(out_of_time)
    }

    /// Takes one call from those that the job may make.
    fn spend(&self) -> Result<(), ModelError> {
        let most = self.options.max_calls;
        let spent = self
            .spent
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |spent| {
                (spent < most).then_some(spent + 1)
            });
        spent.map(|_| ()).map_err(|_| {
            let message = format!("MAX_MODEL_CALLS ({most}) is used up: raise it, or CHUNK_TOKENS");
            ModelError::new(ErrorKind::BudgetSpent, message)
        })
    }

    /// Draws conclusions for all calls from a submission that was not accepted.
    fn learn_from_refusal(&self, kind: ErrorKind, permit: &Permit<'_>) {
        let (refusal, asked) = match kind {
            ErrorKind::Throttled { retry_after } => {
                self.usage.count(|usage| usage.throttled += 1);
                (Some(Refusal::Throttled), retry_after)
            }
            ErrorKind::Warming { retry_after } => (Some(Refusal::Warming), retry_after),
            ErrorKind::Transient => (None, None),
            _ => return,
        };
        self.spent.fetch_sub(1, Ordering::Relaxed);
        if let Some(refusal) = refusal {
            self.limiter.refused(permit, refusal, asked, &self.jitter);
        }
    }

    fn count_answer(&self, answer: &Answer, permit: &Permit<'_>) {
        self.limiter.answered();
        let took = permit.started.elapsed();
        self.usage.count(|usage| {
            usage.add_tokens(answer.usage);
            usage.endpoint_time += took;
        });
    }

    pub(crate) fn count_retry(&self) {
        self.usage.count(|usage| usage.retries += 1);
    }

    /// Whether a call begun at `moment` could not be finished in this invocation.
    pub(crate) fn is_too_late_at(&self, moment: Instant) -> bool {
        let Some(deadline) = self.run.deadline else {
            return false;
        };
        let share = (deadline - self.began) / RESERVE_SHARE;
        let reserve = if self.model.jobs().is_some() {
            SUBMIT_RESERVE.min(share)
        } else {
            let slowest = Duration::from_millis(self.slowest_ms.load(Ordering::Relaxed));
            CALL_RESERVE.min(share).max(slowest * 2)
        };
        moment + reserve > deadline
    }

    /// Whether nothing is tried twice, because nothing has worked for long.
    pub(crate) fn is_probing(&self) -> bool {
        self.options.probing && self.usage().progress == 0
    }

    /// Stops the job if the failure of one call concerns all of them.
    pub(crate) fn stop_if_shared(&self, outcome: &Result<Answer, ModelError>) {
        if let Err(error) = outcome
            && !error.kind.concerns_one_call()
        {
            lock(&self.stopped).get_or_insert_with(|| error.clone());
            self.stopping.notify_waiters();
        }
    }

    fn stopped(&self) -> Option<ModelError> {
        lock(&self.stopped).clone()
    }

    /// Does `work` unless the job stops or time is over first.
    async fn until_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, ModelError> {
        let stopping = self.stopping.notified();
        if let Some(error) = self.stopped() {
            return Err(error);
        }
        tokio::select! {
            done = work => Ok(done),
            () = sleep_until(self.run.deadline) => Err(out_of_time()),
            () = stopping => Err(self.stopped().unwrap_or_else(out_of_time)),
        }
    }

    /// Waits until `moment`; an error at once if that is after the deadline.
    pub(crate) async fn pause_until(&self, moment: Instant) -> Result<(), ModelError> {
        if self.run.deadline.is_some_and(|deadline| moment >= deadline) {
            return Err(self.stopped().unwrap_or_else(out_of_time));
        }
        self.until_stopped(tokio::time::sleep_until(moment)).await
    }
}

/// What an endpoint that queues may ask of the client while it waits for a job.
#[derive(Debug, Clone, Copy)]
pub struct JobContext<'a> {
    client: &'a ModelClient,
}

impl JobContext<'_> {
    /// Waits until `moment`.
    ///
    /// # Errors
    /// If the job stops before, or `moment` is after the deadline.
    pub async fn pause_until(&self, moment: Instant) -> Result<(), ModelError> {
        self.client.pause_until(moment).await
    }

    /// Does `work`.
    ///
    /// # Errors
    /// If the job stops or time is over first.
    pub async fn until_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, ModelError> {
        self.client.until_stopped(work).await
    }

    /// Time left in this invocation.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.client.run.time_left()
    }

    /// Counts a further run of a job under its ticket.
    ///
    /// # Errors
    /// If the job has used up its calls.
    pub fn count_rerun(&self) -> Result<(), ModelError> {
        self.client.spend()?;
        self.client.count_retry();
        Ok(())
    }

    /// Starts no call for `wait`, because the endpoint throttles questions too.
    pub fn hold_back(&self, wait: Duration) {
        self.client.limiter.hold_back(wait);
    }

    /// Whether failures that pass are not met by asking again.
    #[must_use]
    pub fn is_probing(&self) -> bool {
        self.client.is_probing()
    }

    pub(crate) fn jitter(&self) -> &Jitter {
        &self.client.jitter
    }
}

fn out_of_time() -> ModelError {
    let message = "the time of this invocation is over; the next one continues";
    ModelError::new(ErrorKind::OutOfTime, message)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
