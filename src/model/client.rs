//! Makes the billable calls of one job: looks each up in the ledger, acquires a permit, submits, waits for queued jobs, and
//! counts usage.
//!
//! A failure that affects all calls, such as a refused key or an endpoint that is down, stops the job. Waiting calls then
//! fail with the same error. Requests that are already being submitted are still awaited, because they are paid for.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::model::failure::{Retry, Takeover};
use crate::model::fallback::StandIn;
use crate::model::jitter::Jitter;
use crate::model::limited::{Permit, RateLimiter, SHORTEST_GAP};
use crate::model::recorded::{CallRecord, Recorder};
use crate::model::trace::{Trace, Tracer};
use crate::model::usage::Usage;
use crate::model::window::LearnedWindow;
use crate::model::{Answer, ErrorKind, Job, Jobs, Model, ModelError, Reply, Ticket, TokenUsage};
use crate::prompt::{Prompt, begun};
use crate::run::{Run, Spending, sleep_until};
use crate::store::ledger::{Known, Ledger};
use crate::text::{Tokens, tokens};

/// The time that must be left before the deadline to start a call to an endpoint without a queue.
const CALL_RESERVE: Duration = Duration::from_secs(10);

/// The time that must be left to submit to a queue: just enough to receive the ticket.
const SUBMIT_RESERVE: Duration = Duration::from_secs(2);

/// The time that must be left to draft and finalize a batch.
const BATCH_RESERVE: Duration = Duration::from_secs(20);

/// In a short invocation, a reserve is at most the invocation's length divided by this.
const RESERVE_SHARE: u32 = 4;

/// The timeout for cancelling one job.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// Options for the calls of one job.
#[derive(Debug, Clone, Default)]
pub struct CallOptions {
    /// The maximum number of calls. Requests that were not accepted because of a transient failure don't count.
    pub max_calls: usize,
    /// The maximum number of calls in flight.
    pub concurrency: usize,
    /// Where prompts and answers are written. They contain the transcript, so only the command line sets this.
    pub trace: Option<Trace>,
    /// The seed of the jitter.
    pub seed: u64,
    /// The job has made no progress for a long time: make a single attempt at a single call, and more only after an answer.
    pub probing: bool,
}

/// Makes the calls of one job.
#[derive(Debug)]
pub struct ModelClient {
    pub(crate) model: Arc<dyn Model>,
    pub(crate) jitter: Jitter,
    pub(crate) limiter: RateLimiter,
    pub(crate) recorder: Recorder,
    /// The endpoint gets the calls of a round as one batch.
    pub(crate) in_batches: bool,
    pub(crate) window: LearnedWindow,
    tracer: Option<Tracer>,
    pub(crate) options: CallOptions,
    pub(crate) run: Run,
    began: Instant,
    pub(crate) spent: Arc<Spent>,
    state: Mutex<State>,
    stopping: Notify,
    /// The fallback model and its calls, if there is one.
    pub(crate) stand_in: Option<Box<StandIn>>,
}

/// The calls that count towards `max_calls`, those of the fallback model included.
#[derive(Debug, Default)]
pub(crate) struct Spent {
    /// Those that earlier invocations had made when the last one ended.
    told: AtomicUsize,
    /// Those of earlier invocations whose records were looked up.
    found: AtomicUsize,
    own: AtomicUsize,
}

impl Spent {
    /// Earlier invocations have told of so many when they ended.
    pub(crate) fn told_of(&self, calls: usize) {
        self.told.store(calls, Ordering::Relaxed);
    }

    /// So many of an earlier invocation were looked up.
    fn found(&self, calls: usize) {
        self.found.fetch_add(calls, Ordering::Relaxed);
    }

    fn earlier(&self) -> usize {
        let told = self.told.load(Ordering::Relaxed);
        told.max(self.found.load(Ordering::Relaxed))
    }

    pub(crate) fn all(&self) -> usize {
        self.earlier() + self.own.load(Ordering::Relaxed)
    }

    /// Counts one more of this invocation, unless that is more than `most`.
    fn add(&self, most: usize) -> bool {
        let left = most.saturating_sub(self.earlier());
        let one_more = |own: usize| (own < left).then_some(own + 1);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        self.own.fetch_update(set, fetch, one_more).is_ok()
    }

    /// One of them was none.
    fn take_back(&self) {
        for calls in [&self.own, &self.found] {
            let one_less = |calls: usize| calls.checked_sub(1);
            let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
            if calls.fetch_update(set, fetch, one_less).is_ok() {
                return;
            }
        }
    }
}

#[derive(Debug, Default)]
struct State {
    usage: Usage,
    /// What of it the run's meter has been told, or earlier invocations have told theirs.
    told: Usage,
    /// Since when the endpoint has failed or kept its jobs waiting, without an answer in between.
    down_since: Option<Instant>,
    /// The duration of the slowest call so far.
    slowest: Duration,
    /// Jobs that may still be running at the endpoint, with the ids of their calls.
    open_jobs: HashMap<Ticket, String>,
    /// The error that stopped the job.
    stopped: Option<ModelError>,
}

impl ModelClient {
    /// Creates a client of `model` for one job in `run`. Without a `ledger` nothing is recorded. A local model never uses
    /// the ledger.
    #[must_use]
    pub fn new(
        model: Arc<dyn Model>,
        ledger: Option<Ledger>,
        options: CallOptions,
        run: &Run,
    ) -> Self {
        let ledger = ledger.map(Arc::new);
        let first = Self::of_one(Arc::clone(&model), ledger.clone(), options, run);
        match model.fallback() {
            Some(fallback) => first.with_fallback(fallback, ledger),
            None => first,
        }
    }

    /// Creates a client that knows of no fallback.
    pub(crate) fn of_one(
        model: Arc<dyn Model>,
        ledger: Option<Arc<Ledger>>,
        options: CallOptions,
        run: &Run,
    ) -> Self {
        let capabilities = model.capabilities();
        let local = capabilities.local;
        let trace = options.trace.clone();
        let tracer = trace.map(|trace| Tracer::new(trace, capabilities));
        let gap = if local { Duration::ZERO } else { SHORTEST_GAP };
        let in_batches = model.jobs().is_some_and(Jobs::in_batches);
        let (limiter, recorder) = (
            RateLimiter::new(&options, gap),
            Recorder::new(ledger.filter(|_| !local), run.clock.clone()),
        );
        let (limiter, recorder) = match in_batches {
            true => (limiter.of_batches(), recorder.of_batches()),
            false => (limiter, recorder),
        };
        Self {
            model,
            jitter: Jitter::new(options.seed),
            limiter,
            recorder,
            in_batches,
            window: LearnedWindow::default(),
            tracer,
            options,
            run: run.clone(),
            began: Instant::now(),
            spent: Arc::default(),
            state: Mutex::default(),
            stopping: Notify::new(),
            stand_in: None,
        }
    }

    /// The usage so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let usage = self.state().usage;
        match &self.stand_in {
            Some(stand_in) => usage.with_fallback(stand_in.client.usage()),
            None => usage,
        }
    }

    /// Gets the answer to a prompt: from the ledger, from a job of an earlier invocation, or with a new call.
    ///
    /// # Errors
    /// If the endpoint refuses or keeps failing, the job has used up its calls, or the time is up.
    pub async fn call(&self, prompt: &Prompt) -> Result<Answer, ModelError> {
        let outcome = match &self.stand_in {
            Some(stand_in) => stand_in.call(self, prompt).await,
            None => self.call_model(prompt).await,
        };
        if outcome.is_ok() {
            self.run.count_answer();
        }
        outcome
    }

    /// Gets the answer to a prompt from this client's own model.
    pub(crate) async fn call_model(&self, prompt: &Prompt) -> Result<Answer, ModelError> {
        // Given back when this returns: where calls are made one at a time, no other starts before what the caller makes of this
        // answer at once, such as giving the model up.
        let mut place = None;
        let mut record = self.recorder.record(prompt);
        let recalled = self.recall(&mut record, prompt).await;
        let is_recalled = matches!(recalled, Ok(Some(_)));
        let outcome = match recalled {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => {
                self.recorder.all_looked_up().await;
                self.call_with_retries(&mut record, prompt, &mut place)
                    .await
            }
            Err(error) => Err(error),
        };
        // Before the next await, because other calls are admitted until the job is stopped.
        self.stop_if_shared(&outcome);
        record.close(&outcome).await;
        let answer = outcome?;
        if answer.is_interrupted && !is_recalled {
            // The next invocation gets the rest.
            return Err(out_of_time());
        }
        self.window.answered(prompt, &answer);
        Ok(answer)
    }

    /// Marks the answer to `prompt` that this client got as rejected in the trace, with the reason.
    pub(crate) fn trace_rejected(&self, prompt: &Prompt, reason: &str) {
        if let Some(tracer) = &self.tracer {
            tracer.reject(prompt, reason);
        }
    }

    /// Gets the answer that an earlier invocation has paid for, if there is one. Never submits.
    pub(crate) async fn recall_only(&self, prompt: &Prompt) -> Result<Option<Answer>, ModelError> {
        let mut record = self.recorder.record(prompt);
        let recalled = self.recall(&mut record, prompt).await;
        if let Some(outcome) = recalled.clone().transpose() {
            record.close(&outcome).await;
        }
        recalled
    }

    /// Cancels the jobs that may still be running at the endpoint.
    pub async fn cancel_open_jobs(&self) {
        self.cancel_jobs(|_| true).await;
        if let Some(stand_in) = &self.stand_in {
            stand_in.client.cancel_jobs(|_| true).await;
        }
    }

    /// Cancels the job of one call, if it has any.
    pub(crate) async fn cancel_job_of(&self, prompt: &Prompt) {
        // A batch has others' calls too.
        if self.model.jobs().is_some() && !self.in_batches {
            let id = self.recorder.id(prompt);
            self.cancel_jobs(|call| call == id).await;
        }
    }

    async fn cancel_jobs(&self, is_meant: impl Fn(&str) -> bool) {
        let Some(jobs) = self.model.jobs() else {
            return;
        };
        let open: Vec<_> = {
            let open = &mut self.state().open_jobs;
            open.extract_if(|_, id| is_meant(id)).collect()
        };
        let cancelled = open.iter().map(|(ticket, id)| async move {
            if cancel_job(jobs, ticket).await {
                self.recorder.forget(id).await;
            }
        });
        join_all(cancelled).await;
    }

    /// Gets the answer that an earlier invocation has paid for: the recorded one, or that of its job.
    async fn recall(
        &self,
        record: &mut CallRecord<'_>,
        prompt: &Prompt,
    ) -> Result<Option<Answer>, ModelError> {
        let lookup = self.recorder.start_lookup().await;
        let mut recalled = record.recall().await?;
        if let Known::Job(job) = &recalled
            && let Some(jobs) = self.model.jobs()
            && jobs.was_never_sent(&job.ticket, self).await?
        {
            record.was_never_sent();
            recalled = Known::Nothing;
        }
        self.count_earlier(|usage| usage.add_earlier_call(record.submits));
        self.spent.found(record.submits as usize);
        let job = match recalled {
            Known::Job(job) => job,
            Known::Nothing => return Ok(None),
            Known::Outcome(outcome) => {
                self.count_earlier(|usage| usage.add_tokens(outcome.as_ref()));
                let answer = outcome.inspect_err(|error| {
                    self.window.failed(prompt, error);
                })?;
                return Ok(Some(answer));
            }
        };
        // A running job takes its permit before new calls are admitted. When probing, it waits for a permit like a new
        // call.
        let permit = (!self.options.probing).then(|| self.limiter.acquire_for_running_job());
        drop(lookup);
        let permit = match permit {
            Some(permit) => permit,
            None => self.acquire().await?,
        };
        match self.follow(record, job, prompt).await {
            Ok(answer) => {
                self.state().usage.progress += 1;
                self.count_answer(&answer, &permit);
                Ok(Some(answer))
            }
            Err(error)
                if self
                    .recorder
                    .may_be_submitted_anew(error.kind, record.submits) =>
            {
                Ok(None)
            }
            Err(error) => {
                self.count(|usage| usage.add_tokens(Err(&error)));
                Err(error)
            }
        }
    }

    /// Submits the prompt once, and waits for the job if the endpoint queues it. The permit of an answered call that may be the
    /// only one in flight is left in `place`.
    pub(crate) async fn attempt<'s>(
        &'s self,
        record: &mut CallRecord<'_>,
        prompt: &Prompt,
        place: &mut Option<Permit<'s>>,
    ) -> Result<Answer, ModelError> {
        let permit = self.acquire().await?;
        // It may have been learned since the request was made, from one that was refused in the meantime.
        if let Some(error) = self.window.refusal_of(prompt) {
            return Err(error);
        }
        let number = self.begin(record).await?;
        let outcome = self.submit(record, prompt, &permit).await;
        let outcome = match outcome {
            Err(error)
                if matches!(error.kind, ErrorKind::Overflow { .. })
                    && self.window.is_in_doubt() =>
            {
                // On the heap, because hardly any call takes it.
                let refusal = Box::pin(self.refusal_of_everything_by(&permit)).await;
                Err(refusal.unwrap_or(error))
            }
            outcome => outcome,
        };
        match &outcome {
            Ok(answer) => {
                let took = self.count_answer(answer, &permit);
                let mut state = self.state();
                state.slowest = state.slowest.max(took);
            }
            Err(error) => {
                self.count(|usage| usage.add_tokens(Err(error)));
            }
        }
        *place = Some(permit).filter(|_| outcome.is_ok() && self.limiter.is_for_one());
        if let Some(tracer) = &self.tracer {
            tracer.write(number, prompt, &outcome);
        }
        outcome
    }

    /// Spends one call and records that it is about to be submitted. Returns its number.
    async fn begin(&self, record: &mut CallRecord<'_>) -> Result<usize, ModelError> {
        self.spend()?;
        let before = record.before_submission().await?;
        self.spent.found(before.unanswered as usize);
        // Those that an earlier invocation sent, it has told of.
        self.count_earlier(|usage| usage.add_unanswered(before.unanswered as usize));
        let number = {
            let mut state = self.state();
            state.usage.add_submission(before);
            state.usage.calls
        };
        // A draft may be discarded.
        if !self.in_batches {
            self.tell_of_spending();
        }
        Ok(number)
    }

    /// The error of an endpoint that calls even the shortest request too long. `None` if it takes that.
    async fn refusal_of_everything_by(&self, permit: &Permit<'_>) -> Option<ModelError> {
        // The job of a queue may outlive this, and would be waited for.
        if self.model.jobs().is_some() {
            return None;
        }
        let shortest = Prompt::shortest();
        let mut record = self.recorder.record(&shortest);
        if self.recall(&mut record, &shortest).await.ok()?.is_some() {
            return None;
        }
        let number = self.begin(&mut record).await.ok()?;
        let outcome = self.submit(&mut record, &shortest, permit).await;
        let outcome = outcome.map_err(|error| match error.kind {
            ErrorKind::Overflow { .. } => {
                let tokens = shortest.tokens().0;
                let message = format!(
                    "the endpoint calls every request too long, even one of {tokens} tokens: check the window that its server was started with; {error}"
                );
                ModelError::new(ErrorKind::Configuration, message)
            }
            _ => error,
        });
        record.close(&outcome).await;
        match &outcome {
            Ok(answer) => self.count(|usage| usage.add_tokens(Ok(answer))),
            Err(error) if error.kind == ErrorKind::Configuration => {}
            // That it was throttled, say, tells nothing about its length.
            Err(_) => self.window.remains_in_doubt(),
        }
        if let Some(tracer) = &self.tracer {
            tracer.write(number, &shortest, &outcome);
            tracer.reject(&shortest, "no part of the summary");
        }
        outcome
            .err()
            .filter(|error| error.kind == ErrorKind::Configuration)
    }

    async fn submit(
        &self,
        record: &mut CallRecord<'_>,
        prompt: &Prompt,
        permit: &Permit<'_>,
    ) -> Result<Answer, ModelError> {
        let submitted = self.model.submit_until(prompt, self.run.deadline).await;
        // A request that is given up here may be billed. Its intent stays in the ledger, so it is counted when it is sent again.
        let submitted = submitted.unwrap_or_else(|| Err(out_of_time()));
        let submitted = submitted.and_then(|reply| match reply {
            Reply::Done(answer) if answer.is_interrupted => {
                let beginning = beginning(prompt, answer);
                beginning.map(Reply::Done).ok_or_else(out_of_time)
            }
            reply => Ok(reply),
        });
        let submitted = submitted.map_err(|error| match error.kind {
            // It had the window to itself.
            ErrorKind::Crowded if !self.limiter.crowded(permit) => ModelError {
                kind: ErrorKind::Overflow {
                    window: None,
                    prompt_tokens: None,
                },
                ..error
            },
            _ => error,
        });
        if let Err(error) = &submitted
            && self.window.failed(prompt, error)
        {
            self.limiter.probe();
        }
        if let Err(error) = &submitted {
            self.is_down_since(permit.started, error.kind);
        }
        record.after_submission(submitted.as_ref().err().map(|error| error.kind));
        let reply = submitted.inspect_err(|error| self.learn_from_refusal(error.kind, permit))?;
        self.state().usage.progress += 1;
        match reply {
            Reply::Done(answer) => Ok(answer),
            Reply::Queued(ticket) => {
                if let Err(error) = record.queued(&ticket).await {
                    // The draft that has its request is not finalized: the others need not wait for it.
                    if let Some(jobs) = self.model.jobs() {
                        cancel_job(jobs, &ticket).await;
                    }
                    return Err(error);
                }
                self.limiter.accepted();
                let job = Job {
                    ticket,
                    submitted: permit.started,
                    resumed: false,
                };
                self.follow(record, job, prompt).await
            }
        }
    }

    /// Waits for the answer to a queued job.
    async fn follow(
        &self,
        record: &mut CallRecord<'_>,
        job: Job,
        prompt: &Prompt,
    ) -> Result<Answer, ModelError> {
        let ticket = job.ticket.clone();
        let Some(jobs) = self.model.jobs() else {
            let id = ticket.id;
            let message = format!("this endpoint has no queue, so job {id} cannot be polled");
            return Err(ModelError::new(ErrorKind::SuspectOutput, message));
        };
        let (key, id) = (ticket.clone(), record.id.clone());
        self.state().open_jobs.insert(key, id);
        let outcome = jobs.wait(job, prompt, self).await;
        let error = outcome.as_ref().err();
        if let Some(error) = error {
            self.window.failed(prompt, error);
        }
        let is_discarded = error.is_some() && jobs.was_discarded(&ticket);
        if is_discarded {
            record.was_never_sent();
            self.spent.take_back();
            self.state().usage.take_back_submission(record.submits);
        }
        record.may_still_run =
            error.is_some_and(|error| !is_discarded && !error.kind.policy().job_is_over);
        if !record.may_still_run {
            self.state().open_jobs.remove(&ticket);
        }
        outcome
    }

    /// Waits for a permit. Fails if the job stops first or too little time is left.
    async fn acquire(&self) -> Result<Permit<'_>, ModelError> {
        let acquired = self.limiter.acquire(self.run.deadline);
        let permit = self.until_stopped(acquired).await?;
        if let Some(error) = self.stopped() {
            return Err(error);
        }
        permit
            .filter(|_| !self.is_too_late_at(Instant::now()))
            .ok_or_else(out_of_time)
    }

    /// Counts one call towards `max_calls`. Fails if the job has used them up.
    fn spend(&self) -> Result<(), ModelError> {
        let most = self.options.max_calls;
        if self.spent.add(most) {
            return Ok(());
        }
        let message = format!("MAX_MODEL_CALLS ({most}) is used up: raise it, or CHUNK_TOKENS");
        Err(ModelError::new(ErrorKind::BudgetSpent, message))
    }

    /// Handles a submission that was not accepted: refunds the call and tells the rate limiter.
    fn learn_from_refusal(&self, kind: ErrorKind, permit: &Permit<'_>) {
        match kind.policy().retry {
            Retry::WhenAdmitted { .. } | Retry::Free => {
                self.spent.take_back();
            }
            Retry::MaybeBilled | Retry::Never => return,
        }
        if matches!(kind, ErrorKind::Throttled { .. }) {
            self.count(|usage| usage.throttled += 1);
        }
        self.limiter.refused(permit, kind, &self.jitter);
    }

    /// Counts an answer and returns the duration of its call.
    fn count_answer(&self, answer: &Answer, permit: &Permit<'_>) -> Duration {
        self.limiter.answered();
        let took = permit.started.elapsed();
        self.is_up();
        self.count(|usage| {
            usage.add_tokens(Ok(answer));
            usage.endpoint_time += took;
        });
        took
    }

    /// Counts what this invocation uses, and tells of it.
    fn count(&self, change: impl FnOnce(&mut Usage)) {
        change(&mut self.state().usage);
        self.tell_of_spending();
    }

    /// Counts what an earlier invocation has used, and told of.
    fn count_earlier(&self, change: impl Fn(&mut Usage)) {
        let mut state = self.state();
        change(&mut state.usage);
        change(&mut state.told);
    }

    /// Tells of what has been used since this was last told: at once of a call, of one in a batch when the batch is sent.
    pub(crate) fn tell_of_spending(&self) {
        let spending = {
            let mut state = self.state();
            let (now, told) = (state.usage, state.told);
            state.told = Usage {
                // Of a draft that is discarded after it was told, the next request is not told.
                calls: now.calls.max(told.calls),
                resubmitted: now.resubmitted.max(told.resubmitted),
                ..now
            };
            Spending {
                calls: now.calls.saturating_sub(told.calls),
                resubmitted: now.resubmitted.saturating_sub(told.resubmitted),
                throttled: now.throttled.saturating_sub(told.throttled),
                refused: 0,
                prompt_tokens: now.prompt_tokens.saturating_sub(told.prompt_tokens),
                completion_tokens: now.completion_tokens.saturating_sub(told.completion_tokens),
                endpoint_time: now.endpoint_time.saturating_sub(told.endpoint_time),
            }
        };
        // A local model costs nothing.
        if !self.model.capabilities().local && spending != Spending::default() {
            self.run.tell_of_spending(&spending);
        }
    }

    pub(crate) fn count_retry(&self) {
        self.state().usage.retries += 1;
    }

    /// Counts the rerun of a queued job. Fails if `max_calls` is used up.
    pub(crate) fn count_rerun(&self) -> Result<(), ModelError> {
        self.spend()?;
        self.count_retry();
        Ok(())
    }

    /// Whether `moment` is too close to the deadline to start a call.
    pub(crate) fn is_too_late_at(&self, moment: Instant) -> bool {
        let Some(deadline) = self.run.deadline else {
            return false;
        };
        let share = (deadline - self.began) / RESERVE_SHARE;
        let reserve = if self.in_batches {
            BATCH_RESERVE.min(share)
        } else if self.model.jobs().is_some() {
            SUBMIT_RESERVE.min(share)
        } else {
            CALL_RESERVE.min(share).max(self.state().slowest * 2)
        };
        moment + reserve > deadline
    }

    /// Records that the endpoint has failed, or that it has kept a job waiting, since `moment`.
    pub(crate) fn is_down_since(&self, moment: Instant, kind: ErrorKind) {
        if kind.policy().takeover == Takeover::WhenDown {
            self.state().down_since.get_or_insert(moment);
        }
    }

    pub(crate) fn is_up(&self) {
        self.state().down_since = None;
    }

    /// Since when the endpoint has been down, if it is.
    pub(crate) fn down_since(&self) -> Option<Instant> {
        self.state().down_since
    }

    /// Checks that this worker still owns the job.
    ///
    /// # Errors
    /// If another worker does. Nothing may be paid then.
    pub(crate) async fn confirm_ownership(&self) -> Result<(), ModelError> {
        self.recorder.confirm_ownership().await
    }

    /// Counts as progress that the endpoint works on the calls, because a batch takes longer than an invocation.
    pub(crate) fn is_being_worked_on(&self) {
        self.is_up();
        self.state().usage.progress += 1;
    }

    /// Whether nothing is retried, because the job was without progress before and still is.
    pub(crate) fn is_probing(&self) -> bool {
        self.options.probing && self.usage().progress == 0
    }

    /// Stops the job if the failure of a call affects all calls.
    fn stop_if_shared(&self, outcome: &Result<Answer, ModelError>) {
        if let Err(error) = outcome
            && !error.kind.concerns_one_call()
        {
            self.stop_calls(error);
        }
    }

    /// Stops the job, whichever model makes its calls: those that wait for a permit fail with `error`.
    pub(crate) fn stop(&self, error: &ModelError) {
        if let Some(stand_in) = &self.stand_in {
            stand_in.client.stop(error);
        }
        self.stop_calls(error);
    }

    fn stop_calls(&self, error: &ModelError) {
        let mut state = self.state();
        state.stopped.get_or_insert_with(|| error.clone());
        self.stopping.notify_waiters();
    }

    fn stopped(&self) -> Option<ModelError> {
        self.state().stopped.clone()
    }

    /// Runs `work` unless the job stops or the deadline passes first.
    pub(crate) async fn until_stopped<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, ModelError> {
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

    /// Sleeps until `moment`. Fails at once if that is not before the deadline.
    pub(crate) async fn pause_until(&self, moment: Instant) -> Result<(), ModelError> {
        if self.run.deadline.is_some_and(|deadline| moment >= deadline) {
            return Err(self.stopped().unwrap_or_else(out_of_time));
        }
        self.until_stopped(tokio::time::sleep_until(moment)).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Cancels a job. Returns false if it may go on.
async fn cancel_job(jobs: &dyn Jobs, ticket: &Ticket) -> bool {
    match tokio::time::timeout(CANCEL_TIMEOUT, jobs.cancel(ticket)).await {
        Ok(Ok(())) => {
            tracing::info!(job = ticket.id, "cancelled");
            return true;
        }
        Ok(Err(error)) => tracing::warn!(job = ticket.id, %error, "could not be cancelled"),
        Err(_) => tracing::warn!(job = ticket.id, "could not be cancelled in time"),
    }
    false
}

/// What is kept of an interrupted answer. `None` if there is nothing to go on from.
fn beginning(prompt: &Prompt, answer: Answer) -> Option<Answer> {
    let request = prompt.request();
    let kept = begun::complete(request.task, &answer.text);
    if kept.is_empty() || !request.style.follows_instructions() {
        return None;
    }
    let count = |tokens: Tokens| u64::try_from(tokens.0).unwrap_or(u64::MAX);
    let estimated = || TokenUsage {
        prompt_tokens: count(prompt.tokens()),
        completion_tokens: count(tokens::estimate(&answer.text)),
    };
    Some(Answer {
        usage: Some(answer.usage.unwrap_or_else(estimated)),
        text: kept.to_owned(),
        ..answer
    })
}

fn out_of_time() -> ModelError {
    let message = "this invocation is out of time; the next one resumes the job";
    ModelError::new(ErrorKind::OutOfTime, message)
}

#[cfg(test)]
mod tests;
