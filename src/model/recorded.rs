//! The recorded layer: no call is paid twice, whatever interrupts a job.
//!
//! A call is known by the hash of everything that is sent. Its record in the ledger has three stages: an *intent* before each
//! submission, the *ticket* as soon as the endpoint has queued it, the *outcome* at the end. A job that is resumed makes the
//! same calls and finds their records:
//!
//! - an outcome is used as it is;
//! - a ticket is asked after, and the prompt is not submitted again while the job is known;
//! - an intent alone is ambiguous: the call is submitted once more and counted as `resubmitted`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::model::failure::Retry;
use crate::model::{Answer, ErrorKind, Job, ModelError, Ticket};
use crate::prompt::Prompt;
use crate::store::StoreError;
use crate::store::lease::Overtaken;
use crate::store::ledger::{Known, Ledger, LedgerError};

/// `<call>.out`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Outcome {
    /// How often the call was submitted.
    submits: u32,
    /// The answer, or the error that another attempt would end in too.
    result: Result<Answer, ModelError>,
}

/// `<call>.job`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct QueuedCall {
    ticket: Ticket,
    /// Milliseconds since 1970.
    submitted_ms: i64,
    submits: u32,
}

/// What the ledger knows of a call.
pub(crate) enum Recalled<P> {
    /// How it ended.
    Outcome(Result<Answer, ModelError>),
    /// The job that it became, and the place that was taken for it.
    Job(Job, P),
    /// Nothing that makes the call unnecessary.
    Nothing,
}

/// The records of a job's calls; without a ledger, nothing is kept and nothing is found.
#[derive(Debug)]
pub(crate) struct Recorder {
    ledger: Option<Ledger>,
    clock: Clock,
    /// Calls that are being looked up.
    looking_up: AtomicUsize,
    looked_up: Notify,
    /// Calls whose answers could not be used.
    unusable: Mutex<Vec<String>>,
}

/// The record of one call that is being made.
#[derive(Debug)]
pub(crate) struct CallRecord<'a> {
    recorder: &'a Recorder,
    id: String,
    /// How often the call has been submitted, or may have been.
    pub(crate) submits: u32,
    /// An intent is written, and nothing has been accepted since.
    open: bool,
}

/// Submissions that a new intent reveals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Before {
    /// Intents of earlier invocations without any trace of an answer.
    pub(crate) unanswered: u32,
    /// The call was submitted before in this invocation.
    pub(crate) again: bool,
}

impl Recorder {
    pub(crate) fn new(ledger: Option<Ledger>, clock: Clock) -> Self {
        Self {
            ledger,
            clock,
            looking_up: AtomicUsize::new(0),
            looked_up: Notify::new(),
            unusable: Mutex::default(),
        }
    }

    /// The record of the call that sends `prompt`.
    pub(crate) fn record(&self, prompt: &Prompt) -> CallRecord<'_> {
        CallRecord {
            recorder: self,
            // Only the ledger has a use for it, and hashing means rendering.
            id: self
                .ledger
                .as_ref()
                .map_or_else(String::new, |_| prompt.id()),
            submits: 0,
            open: false,
        }
    }

    /// Waits until every call that has been asked for was looked up, so that jobs which run already take their places before
    /// new ones are submitted.
    pub(crate) async fn all_looked_up(&self) {
        loop {
            let looked_up = self.looked_up.notified();
            if self.looking_up.load(Ordering::Relaxed) == 0 {
                return;
            }
            looked_up.await;
        }
    }

    /// Remembers that nothing could be made of the answer to `prompt`.
    pub(crate) fn mark_unusable(&self, prompt: &Prompt) {
        if self.ledger.is_some() {
            self.unusable().push(prompt.id());
        }
    }

    /// Forgets the answers that could not be used: the next run asks again.
    pub(crate) async fn forget_unusable(&self) {
        let unusable = std::mem::take(&mut *self.unusable());
        for id in unusable {
            self.forget(&id).await;
        }
    }

    /// Forgets a call's job and outcome.
    pub(crate) async fn forget(&self, id: &str) {
        if let Some(ledger) = &self.ledger
            && let Err(error) = ledger.forget(id).await
        {
            tracing::warn!(%error, "could not remove the record of a call");
        }
    }

    fn unusable(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.unusable.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CallRecord<'_> {
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Looks the call up. If it became a job, `take_place` is called before anybody in [`Recorder::all_looked_up`] goes on.
    pub(crate) async fn recall<P>(
        &mut self,
        take_place: impl FnOnce() -> P,
    ) -> Result<Recalled<P>, ModelError> {
        let recorder = self.recorder;
        let Some(ledger) = &recorder.ledger else {
            return Ok(Recalled::Nothing);
        };
        recorder.looking_up.fetch_add(1, Ordering::Relaxed);
        let known = ledger.recall::<Outcome, QueuedCall>(&self.id).await;
        let recalled = known.map(|known| match known {
            Known::Nothing => Recalled::Nothing,
            Known::Outcome(outcome) => {
                self.submits = outcome.submits;
                Recalled::Outcome(outcome.result)
            }
            Known::Job(call) => {
                self.submits = call.submits;
                Recalled::Job(recorder.resumed(call), take_place())
            }
        });
        if recorder.looking_up.fetch_sub(1, Ordering::Relaxed) == 1 {
            recorder.looked_up.notify_waiters();
        }
        recalled.map_err(ledger_failed)
    }

    /// Writes the intent of a submission, unless one is open from an attempt that was not accepted.
    ///
    /// # Errors
    /// If the job is no longer ours or the ledger cannot be written: then the prompt must not be submitted.
    pub(crate) async fn before_submission(&mut self) -> Result<Before, ModelError> {
        let mut before = Before {
            unanswered: 0,
            again: false,
        };
        if self.open {
            if let Some(ledger) = &self.recorder.ledger {
                ledger.confirm().await.map_err(overtaken)?;
            }
            return Ok(before);
        }
        let earlier = match &self.recorder.ledger {
            Some(ledger) => ledger.intend(&self.id).await.map_err(refused)?,
            None => 0,
        };
        let earlier = earlier.max(self.submits);
        before.unanswered = earlier - self.submits;
        before.again = earlier > 0 && before.unanswered == 0;
        self.submits = earlier + 1;
        self.open = true;
        Ok(before)
    }

    /// Takes the result of a submission into account: what was certainly not accepted leaves its intent open.
    pub(crate) fn after_submission(&mut self, error: Option<ErrorKind>) {
        self.open = error.is_some_and(|kind| kind.policy().not_accepted);
    }

    /// Records the job that the call became. The job is followed even if that fails.
    pub(crate) async fn queued(&self, ticket: &Ticket) {
        let Some(ledger) = &self.recorder.ledger else {
            return;
        };
        let call = QueuedCall {
            ticket: ticket.clone(),
            submitted_ms: self.recorder.clock.now_ms(),
            submits: self.submits,
        };
        if let Err(error) = ledger.submitted(&self.id, &call).await {
            tracing::error!(%error, job = ticket.id, "could not record a job: if this run is interrupted now, it is paid again");
        }
    }

    /// Closes the record: an open intent is withdrawn, and an outcome that another attempt would not change is kept. The
    /// answer is used even if that fails.
    pub(crate) async fn close(&mut self, result: &Result<Answer, ModelError>) {
        let Some(ledger) = &self.recorder.ledger else {
            return;
        };
        if std::mem::take(&mut self.open)
            && let Err(error) = ledger.withdraw(&self.id).await
        {
            // It counts as sent then, which costs nothing.
            tracing::warn!(%error, "could not withdraw an intent");
        }
        let is_final = match result {
            Ok(_) => true,
            Err(error) => error.kind.policy().job_is_over && !may_be_submitted_anew(error.kind),
        };
        if !is_final {
            return;
        }
        let outcome = Outcome {
            submits: self.submits,
            result: result.clone(),
        };
        if let Err(error) = ledger.settle(&self.id, &outcome).await {
            tracing::error!(%error, "could not record an answer: if this run is interrupted now, it is paid again");
        }
    }
}

impl Recorder {
    fn resumed(&self, call: QueuedCall) -> Job {
        let age = self.clock.now_ms() - call.submitted_ms;
        let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
        let now = Instant::now();
        tracing::info!(
            job = call.ticket.id,
            age_ms = age.as_millis(),
            "asking after a job of an earlier run"
        );
        Job {
            ticket: call.ticket,
            submitted: now.checked_sub(age).unwrap_or(now),
            resumed: true,
        }
    }
}

/// Whether a call whose job ended so is submitted again.
pub(crate) fn may_be_submitted_anew(kind: ErrorKind) -> bool {
    kind.policy().retry == Retry::MaybeBilled
}

fn refused(error: LedgerError) -> ModelError {
    match error {
        LedgerError::Store(error) => ledger_failed(error),
        LedgerError::Overtaken(error) => overtaken(error),
    }
}

fn overtaken(error: Overtaken) -> ModelError {
    ModelError::new(ErrorKind::Overtaken, error.to_string())
}

fn ledger_failed(error: StoreError) -> ModelError {
    let message = format!("the record of earlier calls cannot be read or written: {error}");
    ModelError::new(ErrorKind::Ledger, message)
}
