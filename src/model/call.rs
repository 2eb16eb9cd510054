//! One paid call, the same for every model: let through, counted, bounded, sent again where that is safe, followed to its end.

mod follow;
mod gate;
mod record;
mod retry;
mod schedule;
mod tally;
mod trace;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Answer, Model, ModelError, ModelErrorKind, Reply, Ticket};
use crate::clock::Clock;
use crate::prompt::{self, Request};
use crate::store::Store;
use crate::store::ledger::Ledger;
use follow::has_ended;
use gate::{Gate, Pass};
use retry::{Dice, Effort, Next, concerns_one_call};
use schedule::Schedule;
use tally::Counters;

pub use tally::Tally;

/// A call to an endpoint that answers at once is not begun with less time left, if the invocation is long enough.
const CALL_RESERVE: Duration = Duration::from_secs(10);

/// Nor a submission to a queue, which only has to give its ticket.
const SUBMIT_RESERVE: Duration = Duration::from_secs(2);

/// Of a short invocation no more than this part is kept as a reserve.
const RESERVE_SHARE: u32 = 4;

/// How long giving up the jobs of a failed run may take.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// How the calls of a job are made.
#[derive(Debug, Clone, Default)]
pub struct CallOptions {
    /// Calls that are never exceeded. Requests that were surely not accepted don't count.
    pub max_calls: usize,
    /// Calls in flight at most.
    pub concurrency: usize,
    /// When this invocation's work must have stopped.
    pub deadline: Option<Instant>,
    /// Where requests and answers are written to. They hold what was said, so only the command line does this.
    pub trace: Option<PathBuf>,
    /// What jitter is drawn from.
    pub seed: u64,
    /// There is little hope: one attempt, and more only after an answer.
    pub probing: bool,
    /// Dates the jobs in the ledger.
    pub clock: Clock,
}

/// Makes the calls of one job.
#[derive(Debug)]
pub struct Caller<'a, M, S> {
    model: &'a M,
    ledger: Option<&'a Ledger<'a, S>>,
    options: CallOptions,
    began: Instant,
    gate: Gate,
    dice: Dice,
    schedule: Schedule,
    counters: Counters,
    /// Calls that may be billed.
    spent: AtomicUsize,
    /// Milliseconds of the slowest call so far.
    slowest: AtomicU64,
    /// Jobs that go on at the endpoint, and the calls that they are.
    open: Mutex<HashMap<Ticket, String>>,
    /// When the endpoint was asked why it begins no jobs, and whether it had a reason.
    diagnosed: Mutex<Option<(Instant, bool)>>,
    /// Calls whose answers could not be used.
    unusable: Mutex<Vec<String>>,
    /// The error that ended the work for all calls.
    halted: Mutex<Option<ModelError>>,
    halting: Notify,
}

/// What the ledger holds of a call that is being made.
#[derive(Debug, Default)]
struct Intent {
    /// Written, and nothing has been accepted since.
    open: bool,
    /// How often the call has been submitted, or may have been.
    submits: u32,
}

/// Whether the endpoint has certainly not accepted the request.
fn is_refusal(kind: ModelErrorKind) -> bool {
    matches!(
        kind,
        ModelErrorKind::Throttled { .. }
            | ModelErrorKind::Warming { .. }
            | ModelErrorKind::Transient
            | ModelErrorKind::Configuration
            | ModelErrorKind::BadInput
            | ModelErrorKind::Overflow { .. }
    )
}

/// An attempt that failed.
struct Failed {
    error: ModelError,
    /// Nothing goes on at the endpoint that could still bring the answer.
    ended: bool,
}

impl From<ModelError> for Failed {
    fn from(error: ModelError) -> Self {
        Self { error, ended: true }
    }
}

impl<'a, M: Model, S: Store> Caller<'a, M, S> {
    /// Calls `model` as `options` say. With a `ledger`, what was asked and answered before is not asked again.
    pub fn new(model: &'a M, ledger: Option<&'a Ledger<'a, S>>, options: CallOptions) -> Self {
        Self {
            model,
            ledger,
            began: Instant::now(),
            gate: Gate::new(options.concurrency),
            dice: Dice::new(options.seed),
            options,
            schedule: Schedule::default(),
            counters: Counters::default(),
            spent: AtomicUsize::new(0),
            slowest: AtomicU64::new(0),
            open: Mutex::default(),
            diagnosed: Mutex::default(),
            unusable: Mutex::default(),
            halted: Mutex::default(),
            halting: Notify::new(),
        }
    }

    /// What has been used so far.
    pub fn tally(&self) -> Tally {
        self.counters.tally()
    }

    /// Sends a request and waits for its answer; sends it again where that is safe, or as good as safe.
    ///
    /// # Errors
    /// If the endpoint refuses or keeps failing, the job has used up its calls, or time is over. An error that concerns all
    /// calls ends the others too: those that wait fail with it, those that were sent are followed to their end.
    pub async fn call(&self, request: &Request) -> Result<Answer, ModelError> {
        let id = prompt::call_id(request);
        let outcome = match self.recall(&id, request).await {
            Ok(None) => self.insist(&id, request).await,
            Ok(Some(answer)) => Ok(answer),
            Err(error) => Err(error),
        };
        if let Err(error) = &outcome
            && !concerns_one_call(error.kind)
        {
            self.halt(error);
        }
        outcome
    }

    /// Gives up the jobs that still go on at the endpoint: nobody will ask after them.
    pub async fn abandon(&self) {
        let open: Vec<(Ticket, String)> = lock(&self.open).drain().collect();
        let cancelled = open.iter().map(|(ticket, id)| async move {
            let cancelled = tokio::time::timeout(CANCEL_TIMEOUT, self.model.cancel(ticket)).await;
            match cancelled {
                Ok(Ok(())) => {
                    tracing::info!(job = ticket.id, "cancelled");
                    self.forget(id).await;
                }
                Ok(Err(error)) => tracing::warn!(job = ticket.id, %error, "could not be cancelled"),
                Err(_) => tracing::warn!(job = ticket.id, "could not be cancelled in time"),
            }
        });
        join_all(cancelled).await;
    }

    async fn insist(&self, id: &str, request: &Request) -> Result<Answer, ModelError> {
        let began = Instant::now();
        let mut effort = if self.options.probing && self.counters.tally().progress == 0 {
            Effort::single()
        } else {
            Effort::default()
        };
        let mut intent = Intent::default();
        let outcome = loop {
            let error = match self.attempt(id, request, &mut intent).await {
                Ok(answer) => break Ok(answer),
                Err(Failed {
                    error,
                    ended: false,
                }) => return Err(error),
                Err(Failed { error, ended: true }) => error,
            };
            let (after, maybe_billed) = match effort.next(error.kind, began.elapsed(), &self.dice) {
                Next::Again {
                    after,
                    maybe_billed,
                } => (after, maybe_billed),
                Next::WhenLetIn => (Duration::ZERO, false),
                Next::GiveUp => break Err(error),
            };
            if self.is_over(Instant::now() + after) {
                break Err(error);
            }
            tracing::warn!(%error, wait_ms = after.as_millis(), maybe_billed, "call failed, trying again");
            if self.pause(Instant::now() + after).await.is_err() {
                break Err(error);
            }
            self.counters.again();
        };
        if intent.open {
            self.withdraw(id).await;
        }
        self.settle(id, intent.submits, &outcome).await;
        outcome
    }

    /// Sends the request once, and follows the job that it may become.
    async fn attempt(
        &self,
        id: &str,
        request: &Request,
        intent: &mut Intent,
    ) -> Result<Answer, Failed> {
        let pass = self.enter().await?;
        self.spend()?;
        if !intent.open {
            let before = self.intend(id).await?.max(intent.submits);
            if before > 0 {
                self.counters.resubmitted();
            }
            intent.submits = before + 1;
            intent.open = true;
        }
        let number = self.counters.sent();
        let submitted = match self.options.deadline {
            // Dropping a request that was sent leaves it open whether it is billed: it is counted when it is sent again.
            Some(deadline) => tokio::time::timeout_at(deadline, self.model.submit(request))
                .await
                .unwrap_or_else(|_| Err(self.out_of_time())),
            None => self.model.submit(request).await,
        };
        // What was refused was not submitted: the intent holds for the next attempt.
        intent.open = submitted
            .as_ref()
            .err()
            .is_some_and(|error| is_refusal(error.kind));
        let (outcome, ended) = match submitted {
            Ok(Reply::Done(answer)) => {
                self.counters.progress();
                (Ok(answer), true)
            }
            Ok(Reply::Pending(pending)) => {
                self.gate.accepted();
                self.submitted(id, &pending.ticket, intent.submits).await;
                let outcome = self.follow(id, pending, request, pass.started).await;
                // A job that may still go on is not submitted a second time.
                let ended = outcome
                    .as_ref()
                    .err()
                    .is_none_or(|error| has_ended(error.kind));
                (outcome, ended)
            }
            Err(error) => {
                self.learn(error.kind, &pass);
                (Err(error), true)
            }
        };
        if let Ok(answer) = &outcome {
            let took = pass.started.elapsed();
            self.gate.answered();
            self.counters.answered(answer.usage, took);
            let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            self.slowest.fetch_max(took, Ordering::Relaxed);
        }
        drop(pass);
        if let Some(dir) = &self.options.trace {
            trace::write(dir, number, request, &outcome).await?;
        }
        outcome.map_err(|error| Failed { error, ended })
    }

    /// Counts what earlier invocations spent.
    fn spent_before(&self, submits: u32) {
        self.spent.fetch_add(submits as usize, Ordering::Relaxed);
    }

    /// Draws conclusions for all calls from the failure of one.
    fn learn(&self, kind: ModelErrorKind, pass: &Pass<'_>) {
        match kind {
            ModelErrorKind::Throttled { retry_after } => {
                self.counters.refused();
                self.spent.fetch_sub(1, Ordering::Relaxed);
                self.gate.refused(pass, retry_after, false, &self.dice);
            }
            ModelErrorKind::Warming { retry_after } => {
                self.spent.fetch_sub(1, Ordering::Relaxed);
                self.gate.refused(pass, retry_after, true, &self.dice);
            }
            ModelErrorKind::Transient => {
                self.spent.fetch_sub(1, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    /// Waits for its turn; an error if there will be none.
    async fn enter(&self) -> Result<Pass<'_>, ModelError> {
        let halting = self.halting.notified();
        if let Some(error) = self.is_halted() {
            return Err(error);
        }
        let pass = tokio::select! {
            pass = self.gate.enter(self.options.deadline) => pass,
            () = halting => None,
        };
        if let Some(error) = self.is_halted() {
            return Err(error);
        }
        match pass {
            Some(pass) if !self.is_over(Instant::now()) => Ok(pass),
            _ => Err(self.out_of_time()),
        }
    }

    /// Takes one call from those that the job may make.
    fn spend(&self) -> Result<(), ModelError> {
        let most = self.options.max_calls;
        let spent = self
            .spent
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |spent| {
                (spent < most).then_some(spent + 1)
            });
        spent.map(|_| ()).map_err(|_| ModelError {
            kind: ModelErrorKind::BudgetSpent,
            message: format!("MAX_MODEL_CALLS ({most}) is used up: raise it, or CHUNK_TOKENS"),
        })
    }

    /// Whether a call begun at `moment` could not be finished in this invocation.
    fn is_over(&self, moment: Instant) -> bool {
        let Some(deadline) = self.options.deadline else {
            return false;
        };
        let share = (deadline - self.began) / RESERVE_SHARE;
        let reserve = if self.model.queues() {
            SUBMIT_RESERVE.min(share)
        } else {
            let slowest = Duration::from_millis(self.slowest.load(Ordering::Relaxed));
            CALL_RESERVE.min(share).max(slowest * 2)
        };
        moment + reserve > deadline
    }

    fn out_of_time(&self) -> ModelError {
        ModelError {
            kind: ModelErrorKind::OutOfTime,
            message: "the time of this invocation is over; the next one goes on".to_owned(),
        }
    }

    fn halt(&self, error: &ModelError) {
        lock(&self.halted).get_or_insert_with(|| error.clone());
        self.halting.notify_waiters();
    }

    fn is_halted(&self) -> Option<ModelError> {
        lock(&self.halted).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
