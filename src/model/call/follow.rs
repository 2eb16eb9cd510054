//! A job at an endpoint that queues, followed until it is done, cannot be, or has to be left to the next invocation.

use std::time::Duration;

use tokio::time::Instant;

use crate::model::call::retry::{Backoff, Dice};
use crate::model::call::{Caller, lock};
use crate::model::{Answer, Model, ModelError, ModelErrorKind, Pending, Reply, Ticket};
use crate::prompt::Request;
use crate::store::Store;

/// How long one question may be held by the endpoint, once a worker has begun the job.
const HOLD: Duration = Duration::from_secs(90);

/// And before: the less often one asks, the later it shows that no worker ever begins.
const HOLD_IN_QUEUE: Duration = Duration::from_secs(45);

/// A job that nobody has begun for so long makes one ask whether anybody will. Workers start in some tens of seconds.
const DIAGNOSE_AFTER: Duration = Duration::from_secs(60);

/// Between two such questions; the second one decides.
const DIAGNOSE_EVERY: Duration = Duration::from_secs(20);

/// A job may not be known yet for so long after its submission.
const SETTLING: Duration = Duration::from_secs(5);

/// Time kept for the end of an invocation: a question that is held must come back before it.
const RETURN_RESERVE: Duration = Duration::from_millis(500);

/// How often a job is run again under its ticket: a new worker may do better, a third one seldom does.
const MAX_RETRIES: usize = 2;

/// The same for jobs that were too slow: they take long each time.
const MAX_RETRIES_TIMED_OUT: usize = 1;

/// Questions in a row that may fail. They cost nothing, and the job goes on meanwhile.
const MAX_FAILED_POLLS: u32 = 12;

/// Between questions that failed.
const POLL_BACKOFF: Backoff = Backoff {
    shortest: Duration::from_millis(500),
    longest: Duration::from_secs(15),
};

/// Between questions after a job that nobody knows yet.
const SETTLING_WAIT: Duration = Duration::from_secs(1);

impl<M: Model, S: Store> Caller<'_, M, S> {
    /// Follows the job `pending` of the call `id`, submitted at `submitted`, to its answer.
    pub(crate) async fn follow(
        &self,
        id: &str,
        pending: Pending,
        request: &Request,
        submitted: Instant,
    ) -> Result<Answer, ModelError> {
        let ticket = pending.ticket.clone();
        lock(&self.open).insert(ticket.clone(), id.to_owned());
        let outcome = self.wait_for(pending, request, submitted).await;
        match &outcome {
            Ok(answer) => {
                lock(&self.open).remove(&ticket);
                let took = answer.job_time.unwrap_or_else(|| submitted.elapsed());
                self.schedule.learn(took);
            }
            Err(error) if has_ended(error.kind) => {
                lock(&self.open).remove(&ticket);
            }
            Err(_) => {}
        }
        outcome
    }

    async fn wait_for(
        &self,
        mut pending: Pending,
        request: &Request,
        submitted: Instant,
    ) -> Result<Answer, ModelError> {
        let ticket = pending.ticket.clone();
        let mut failed_polls = Failures::default();
        let mut retries = 0;
        let mut renewed = false;
        loop {
            if !pending.held {
                let next = submitted + self.schedule.next(submitted.elapsed());
                self.pause(next).await?;
            }
            let error = match self.ask(&pending, request).await? {
                Ok(Reply::Done(answer)) => return Ok(answer),
                Ok(Reply::Pending(still)) => {
                    failed_polls = Failures::default();
                    pending = still;
                    if !pending.started && submitted.elapsed() >= DIAGNOSE_AFTER {
                        self.diagnose(&ticket).await?;
                    }
                    continue;
                }
                Err(error) => error,
            };
            pending.held = true;
            match error.kind {
                ModelErrorKind::Configuration
                    if !std::mem::replace(&mut renewed, true) && self.model.renew_key().await => {}
                ModelErrorKind::Lost if submitted.elapsed() < SETTLING => {
                    self.pause(Instant::now() + SETTLING_WAIT).await?;
                }
                ModelErrorKind::JobFailed { timed_out } => {
                    let most = if timed_out {
                        MAX_RETRIES_TIMED_OUT
                    } else {
                        MAX_RETRIES
                    };
                    if retries >= most {
                        return Err(error);
                    }
                    retries += 1;
                    tracing::warn!(job = ticket.id, %error, "the job is run again");
                    self.spend()?;
                    self.counters.again();
                    self.run_again(&ticket).await?;
                    self.pause(Instant::now() + POLL_BACKOFF.shortest).await?;
                }
                ModelErrorKind::Throttled { .. }
                | ModelErrorKind::Warming { .. }
                | ModelErrorKind::Transient => {
                    let Some(wait) = failed_polls
                        .next(error.kind, &self.dice)
                        .filter(|_| !self.has_little_hope())
                    else {
                        return Err(error);
                    };
                    tracing::warn!(job = ticket.id, %error, wait_ms = wait.as_millis(), "could not ask after the job");
                    if matches!(error.kind, ModelErrorKind::Throttled { .. }) {
                        self.gate.hold_back(wait);
                    }
                    self.pause(Instant::now() + wait).await?;
                }
                // The job is done and paid, and its result is an error.
                ModelErrorKind::Ambiguous
                | ModelErrorKind::Overflow { .. }
                | ModelErrorKind::Configuration
                | ModelErrorKind::BadInput
                | ModelErrorKind::SuspectOutput
                | ModelErrorKind::BudgetSpent
                | ModelErrorKind::Lost
                | ModelErrorKind::OutOfTime
                | ModelErrorKind::Ledger
                | ModelErrorKind::Overtaken => return Err(error),
            }
        }
    }

    /// Asks once. The outer error ends the following: time is over, or the work of all calls.
    async fn ask(
        &self,
        pending: &Pending,
        request: &Request,
    ) -> Result<Result<Reply, ModelError>, ModelError> {
        let halting = self.halting.notified();
        if let Some(error) = self.is_halted() {
            return Err(error);
        }
        let hold = if pending.started { HOLD } else { HOLD_IN_QUEUE };
        let now = Instant::now();
        let left = self
            .options
            .deadline
            .map_or(hold, |deadline| deadline.saturating_duration_since(now));
        let hold = hold.min(left.saturating_sub(RETURN_RESERVE));
        let until = self.options.deadline;
        tokio::select! {
            reply = self.model.poll(&pending.ticket, request, hold) => Ok(reply),
            () = sleep_until(until) => Err(self.out_of_time()),
            () = halting => Err(self.is_halted().unwrap_or_else(|| self.out_of_time())),
        }
    }

    /// Has a failed job run again under its ticket.
    async fn run_again(&self, ticket: &Ticket) -> Result<(), ModelError> {
        let mut failures = Failures::default();
        loop {
            let Err(error) = self.model.retry(ticket).await else {
                return Ok(());
            };
            match error.kind {
                ModelErrorKind::Throttled { .. }
                | ModelErrorKind::Warming { .. }
                | ModelErrorKind::Transient
                | ModelErrorKind::Ambiguous => {
                    let Some(wait) = failures.next(error.kind, &self.dice) else {
                        return Err(error);
                    };
                    self.pause(Instant::now() + wait).await?;
                }
                _ => return Err(error),
            }
        }
    }

    /// Asks why nobody has begun a job; an error if nobody ever will, as was found twice.
    async fn diagnose(&self, ticket: &Ticket) -> Result<(), ModelError> {
        let hopeless_before = {
            let mut diagnosed = lock(&self.diagnosed);
            match *diagnosed {
                Some((at, _)) if at.elapsed() < DIAGNOSE_EVERY => return Ok(()),
                known => {
                    let hopeless = known.is_some_and(|(_, hopeless)| hopeless);
                    *diagnosed = Some((Instant::now(), hopeless));
                    hopeless
                }
            }
        };
        let found = self.model.diagnose().await;
        let hopeless = found.is_err();
        *lock(&self.diagnosed) = Some((Instant::now(), hopeless));
        match found {
            Err(error) if hopeless_before => {
                tracing::error!(job = ticket.id, %error, "no worker begins the job");
                Err(error)
            }
            Err(_) | Ok(()) => Ok(()),
        }
    }

    /// Waits until `moment`, unless the work ends before.
    pub(crate) async fn pause(&self, moment: Instant) -> Result<(), ModelError> {
        let halting = self.halting.notified();
        if let Some(error) = self.is_halted() {
            return Err(error);
        }
        let deadline = self.options.deadline;
        if deadline.is_some_and(|deadline| moment >= deadline) {
            return Err(self.out_of_time());
        }
        tokio::select! {
            () = tokio::time::sleep_until(moment) => Ok(()),
            () = halting => Err(self.is_halted().unwrap_or_else(|| self.out_of_time())),
        }
    }
}

/// Failures in a row.
#[derive(Debug, Default)]
struct Failures {
    count: u32,
    last_wait: Duration,
}

impl Failures {
    /// The wait after one more; `None` if it was one too many.
    fn next(&mut self, kind: ModelErrorKind, dice: &Dice) -> Option<Duration> {
        self.count += 1;
        self.last_wait = POLL_BACKOFF.after(self.last_wait, dice);
        let asked = match kind {
            ModelErrorKind::Throttled { retry_after } | ModelErrorKind::Warming { retry_after } => {
                retry_after
            }
            _ => None,
        };
        (self.count < MAX_FAILED_POLLS).then(|| asked.unwrap_or(self.last_wait))
    }
}

/// Whether a job that ended so is over at the endpoint too.
pub(crate) fn has_ended(kind: ModelErrorKind) -> bool {
    match kind {
        ModelErrorKind::Overflow { .. }
        | ModelErrorKind::BadInput
        | ModelErrorKind::SuspectOutput
        | ModelErrorKind::Lost
        | ModelErrorKind::Ambiguous
        | ModelErrorKind::JobFailed { .. } => true,
        ModelErrorKind::Throttled { .. }
        | ModelErrorKind::Warming { .. }
        | ModelErrorKind::Transient
        | ModelErrorKind::Configuration
        | ModelErrorKind::BudgetSpent
        | ModelErrorKind::OutOfTime
        | ModelErrorKind::Ledger
        | ModelErrorKind::Overtaken => false,
    }
}

/// Never, if there is no moment.
pub(crate) async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
