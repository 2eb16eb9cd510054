//! One paid call, the same for every model: let through, counted, bounded, sent again where that is safe, followed to its end.

mod attempt;
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

use crate::clock::Clock;
use crate::model::{Answer, Model, ModelError, ModelErrorKind, Ticket};
use crate::prompt;
use crate::prompt::Request;
use crate::store::Store;
use crate::store::ledger::Ledger;
use follow::has_ended;
use gate::{Gate, Pass, SHORTEST_GAP};
use record::Recalled;
use retry::{Dice, concerns_one_call};
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
    /// There is little hope: one attempt at one call, and more only after an answer.
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
    /// Calls that are looking into the ledger.
    recalling: AtomicUsize,
    recalled: Notify,
    /// Calls whose answers could not be used.
    unusable: Mutex<Vec<String>>,
    /// The error that ended the work for all calls.
    halted: Mutex<Option<ModelError>>,
    halting: Notify,
}

impl<'a, M: Model, S: Store> Caller<'a, M, S> {
    /// Calls `model` as `options` say. With a `ledger`, what was asked and answered before is not asked again; what a model in
    /// this process answers is not worth keeping.
    pub fn new(model: &'a M, ledger: Option<&'a Ledger<'a, S>>, options: CallOptions) -> Self {
        let gap = if model.is_local() {
            Duration::ZERO
        } else {
            SHORTEST_GAP
        };
        Self {
            model,
            ledger: ledger.filter(|_| !model.is_local()),
            began: Instant::now(),
            gate: Gate::new(options.concurrency, gap, options.probing),
            dice: Dice::new(options.seed),
            options,
            schedule: Schedule::default(),
            counters: Counters::default(),
            spent: AtomicUsize::new(0),
            slowest: AtomicU64::new(0),
            open: Mutex::default(),
            diagnosed: Mutex::default(),
            recalling: AtomicUsize::new(0),
            recalled: Notify::new(),
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
        // A hash of all that is sent: only the ledger has a use for it.
        let id = self
            .ledger
            .map_or_else(String::new, |_| prompt::call_id(request));
        let outcome = match self.recall(&id, request).await {
            Ok(Recalled::Answer(answer)) => Ok(answer),
            Ok(Recalled::Nothing { submits }) => {
                self.everybody_has_recalled().await;
                self.insist(&id, request, submits).await
            }
            Err(error) => Err(error),
        };
        self.halt_if_shared(&outcome);
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

    /// Waits until all calls that have been asked for have looked into the ledger: jobs that go on at the endpoint take their
    /// places before new ones are submitted.
    async fn everybody_has_recalled(&self) {
        loop {
            let recalled = self.recalled.notified();
            if self.recalling.load(Ordering::Relaxed) == 0 {
                return;
            }
            recalled.await;
        }
    }

    /// Counts what earlier invocations spent.
    fn spent_before(&self, submits: u32) {
        self.spent.fetch_add(submits as usize, Ordering::Relaxed);
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

    /// Ends the work for all calls if what made this one fail concerns them too.
    fn halt_if_shared(&self, outcome: &Result<Answer, ModelError>) {
        if let Err(error) = outcome
            && !concerns_one_call(error.kind)
        {
            lock(&self.halted).get_or_insert_with(|| error.clone());
            self.halting.notify_waiters();
        }
    }

    /// Whether nothing is to be tried twice, as nothing has worked for long.
    fn has_little_hope(&self) -> bool {
        self.options.probing && self.counters.tally().progress == 0
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
