//! The recorded layer: keeps calls in the ledger, so that a resumed job does not pay for them again.
//!
//! A call is identified by a hash of everything that is sent. Its record in the ledger has three stages: an *intent* before
//! each submission, the *ticket* as soon as the endpoint has queued it, and the *outcome* at the end. A resumed job makes
//! the same calls and finds their records:
//!
//! - An outcome is used as it is. It may be the beginning of an answer that its invocation could not wait for.
//! - The job of a ticket is polled, and the prompt is not submitted again while the endpoint knows the job.
//! - An intent alone is ambiguous: the call is submitted once more and counted as `resubmitted`.
//!
//! An endpoint that takes batches processes nothing before the tickets are recorded. There an intent alone is certain to have cost
//! nothing, and so is a ticket whose batch is still a draft.
//!
//! A submission that was certainly not accepted leaves its intent open for the next attempt. If there is no next attempt,
//! the intent is withdrawn, so that a later run does not count it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{RwLock, RwLockReadGuard};
use tokio::time::Instant;

use sha2::{Digest, Sha256};

use crate::chain::chain;
use crate::clock::Clock;
use crate::hex::hex;
use crate::model::failure::Retry;
use crate::model::retried::MAX_BILLED_ATTEMPTS;
use crate::model::{Answer, ErrorKind, Job, ModelError, Ticket};
use crate::prompt::Prompt;
use crate::store::ledger::{Known, Ledger, LedgerError};

/// The record of a finished call, stored as `<call>.out`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Outcome {
    /// How often the call was submitted.
    submits: u32,
    /// The answer, or an error that another attempt would not change.
    result: Result<Answer, ModelError>,
}

/// The record of a queued call, stored as `<call>.job`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct QueuedCall {
    ticket: Ticket,
    /// Milliseconds since 1970.
    submitted_ms: i64,
    submits: u32,
}

/// What the ledger knows about a call: its outcome, or its queued job.
pub(crate) type Recalled = Known<Result<Answer, ModelError>, Job>;

/// Records the calls of a job. Without a ledger nothing is recorded and nothing is found.
#[derive(Debug)]
pub(crate) struct Recorder {
    ledger: Option<Arc<Ledger>>,
    /// The settings of the fallback model, if these are its calls: the job's id is that of the first model's settings.
    fallback: Option<String>,
    clock: Clock,
    /// Nothing that has no ticket in the ledger is paid, and failed jobs are submitted anew.
    in_batches: bool,
    /// Held for reading by each call that is being looked up.
    lookups: RwLock<()>,
    /// The ids of calls that were refused or have unusable answers.
    unusable: Mutex<Vec<String>>,
}

/// The record of a call in progress.
#[derive(Debug)]
pub(crate) struct CallRecord<'a> {
    recorder: &'a Recorder,
    pub(crate) id: String,
    /// How often the call has been submitted, or may have been.
    pub(crate) submits: u32,
    /// Its queued job may still be running, so the prompt must not be submitted again.
    pub(crate) may_still_run: bool,
    /// An intent is recorded, and no submission has been accepted since.
    has_open_intent: bool,
    /// The ledger already holds its outcome.
    is_settled: bool,
}

/// Earlier submissions of a call that is about to be submitted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Before {
    /// Submissions by earlier invocations that left only an intent.
    pub(crate) unanswered: u32,
    /// The call was submitted before, and all of its submissions are already counted.
    pub(crate) again: bool,
}

impl Recorder {
    pub(crate) fn new(ledger: Option<Arc<Ledger>>, clock: Clock) -> Self {
        Self {
            ledger,
            fallback: None,
            clock,
            in_batches: false,
            lookups: RwLock::default(),
            unusable: Mutex::default(),
        }
    }

    /// The same recorder for the calls of a fallback model with these settings.
    pub(crate) fn of_fallback(self, fingerprint: &str) -> Self {
        Self {
            fallback: Some(fingerprint.to_owned()),
            ..self
        }
    }

    /// The same recorder for calls that are sent in batches.
    pub(crate) fn of_batches(self) -> Self {
        Self {
            in_batches: true,
            ..self
        }
    }

    /// Whether a call that was submitted `submits` times, and whose job ended with `kind`, is submitted again. What a batch has
    /// is seen by a later invocation, which does not know of the attempts before it.
    pub(crate) fn may_be_submitted_anew(&self, kind: ErrorKind, submits: u32) -> bool {
        self.retry(kind) == Retry::MaybeBilled
            && !(self.in_batches && submits >= MAX_BILLED_ATTEMPTS)
    }

    /// Whether and how a call that failed with `kind` is retried.
    pub(crate) fn retry(&self, kind: ErrorKind) -> Retry {
        match kind {
            // Its job cannot be rerun.
            ErrorKind::JobFailed { .. } if self.in_batches => Retry::MaybeBilled,
            kind => kind.policy().retry,
        }
    }

    /// Checks that this worker still owns the job.
    ///
    /// # Errors
    /// If another worker owns it.
    pub(crate) async fn confirm_ownership(&self) -> Result<(), ModelError> {
        if let Some(ledger) = &self.ledger {
            ledger.confirm().await.map_err(LedgerError::from)?;
        }
        Ok(())
    }

    /// The id of the call that sends `prompt`.
    pub(crate) fn id(&self, prompt: &Prompt) -> String {
        let id = prompt.id();
        match &self.fallback {
            Some(settings) => hex(&Sha256::digest(format!("{id} {settings}")), 16),
            None => id,
        }
    }

    /// The record of the call that sends `prompt`.
    pub(crate) fn record(&self, prompt: &Prompt) -> CallRecord<'_> {
        // Only the ledger uses the id, and hashing requires rendering the prompt.
        let id = self
            .ledger
            .as_ref()
            .map_or_else(String::new, |_| self.id(prompt));
        CallRecord {
            recorder: self,
            id,
            submits: 0,
            may_still_run: false,
            has_open_intent: false,
            is_settled: false,
        }
    }

    /// Starts a lookup, which lasts until the guard is dropped.
    pub(crate) async fn start_lookup(&self) -> RwLockReadGuard<'_, ()> {
        self.lookups.read().await
    }

    /// Waits for all started lookups to end, so that running jobs take their permits before new calls are submitted.
    pub(crate) async fn all_looked_up(&self) {
        drop(self.lookups.write().await);
    }

    /// Marks the answer to `prompt` as unusable.
    pub(crate) fn mark_unusable(&self, prompt: &Prompt) {
        if self.ledger.is_some() {
            self.unusable().push(self.id(prompt));
        }
    }

    /// Removes refusals and unusable answers from the ledger, so that the next run makes these calls again.
    pub(crate) async fn forget_unusable(&self) {
        let unusable = std::mem::take(&mut *self.unusable());
        for id in unusable {
            self.forget(&id).await;
        }
    }

    /// Removes a call's job and outcome from the ledger.
    pub(crate) async fn forget(&self, id: &str) {
        if let Some(ledger) = &self.ledger
            && let Err(error) = ledger.forget(id).await
        {
            tracing::warn!(
                error = chain(&error),
                "could not remove the record of a call"
            );
        }
    }

    fn unusable(&self) -> MutexGuard<'_, Vec<String>> {
        self.unusable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resumed(&self, call: QueuedCall) -> Job {
        let age = self.clock.now_ms() - call.submitted_ms;
        let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
        let now = Instant::now();
        tracing::info!(
            job = call.ticket.id,
            age_ms = age.as_millis(),
            "resuming a job of an earlier run"
        );
        Job {
            ticket: call.ticket,
            submitted: now.checked_sub(age).unwrap_or(now),
            resumed: true,
        }
    }
}

impl CallRecord<'_> {
    /// Looks the call up in the ledger.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub(crate) async fn recall(&mut self) -> Result<Recalled, ModelError> {
        let Some(ledger) = &self.recorder.ledger else {
            return Ok(Known::Nothing);
        };
        let known = ledger.recall::<Outcome, QueuedCall>(&self.id).await;
        Ok(match known.map_err(LedgerError::from)? {
            Known::Nothing => Known::Nothing,
            Known::Outcome(outcome) => {
                self.submits = outcome.submits;
                self.is_settled = true;
                self.note_refusal(&outcome.result);
                Known::Outcome(outcome.result)
            }
            Known::Job(call) => {
                self.submits = call.submits;
                Known::Job(self.recorder.resumed(call))
            }
        })
    }

    /// Takes back the last submission: its job was never processed.
    pub(crate) fn was_never_sent(&mut self) {
        self.submits = self.submits.saturating_sub(1);
    }

    /// Records the intent to submit, unless an intent is still open from an attempt that was not accepted.
    ///
    /// # Errors
    /// If another worker has taken the job over or the ledger cannot be written. The prompt must not be submitted then.
    pub(crate) async fn before_submission(&mut self) -> Result<Before, ModelError> {
        let ledger = self.recorder.ledger.as_ref();
        if self.has_open_intent {
            self.recorder.confirm_ownership().await?;
            return Ok(Before::default());
        }
        let recorded = match ledger {
            Some(ledger) => ledger.intend(&self.id).await?,
            None => 0,
        };
        let counted = self.submits;
        let earlier = match self.recorder.in_batches {
            true => counted,
            false => recorded.max(counted),
        };
        self.submits = earlier + 1;
        self.has_open_intent = true;
        Ok(Before {
            unanswered: earlier - counted,
            again: counted > 0 && counted == earlier,
        })
    }

    /// Updates the record after a submission. If it was certainly not accepted, its intent stays open.
    pub(crate) fn after_submission(&mut self, error: Option<ErrorKind>) {
        self.has_open_intent = error.is_some_and(|kind| kind.policy().not_accepted);
    }

    /// Records the ticket of the queued job. The job is polled even if recording fails, but a batch is not finalized: it would
    /// hardly be over before this run is.
    ///
    /// # Errors
    /// If the ticket of a call in a batch is not recorded.
    pub(crate) async fn queued(&self, ticket: &Ticket) -> Result<(), ModelError> {
        let Some(ledger) = &self.recorder.ledger else {
            return Ok(());
        };
        let call = QueuedCall {
            ticket: ticket.clone(),
            submitted_ms: self.recorder.clock.now_ms(),
            submits: self.submits,
        };
        match ledger.submitted(&self.id, &call).await {
            Err(error) if self.recorder.in_batches => Err(LedgerError::Store(error).into()),
            Err(error) => {
                tracing::error!(
                    error = chain(&error),
                    job = ticket.id,
                    "could not record a job: if this run is interrupted now, it is paid again"
                );
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    /// Closes the record: withdraws an open intent, and stores an outcome that another attempt would not change. The answer
    /// is used even if that fails.
    pub(crate) async fn close(&mut self, result: &Result<Answer, ModelError>) {
        let Some(ledger) = &self.recorder.ledger else {
            return;
        };
        if std::mem::take(&mut self.has_open_intent)
            && let Err(error) = ledger.withdraw(&self.id).await
        {
            // A later run will count it as sent, which costs nothing.
            tracing::warn!(error = chain(&error), "could not withdraw an intent");
        }
        let is_final = match result {
            Ok(_) => true,
            Err(error) => {
                let is_over = error.kind.policy().job_is_over;
                is_over
                    && !self
                        .recorder
                        .may_be_submitted_anew(error.kind, self.submits)
            }
        };
        // A call that was never sent may be, with other settings.
        if !is_final || self.is_settled || self.submits == 0 {
            return;
        }
        let outcome = Outcome {
            submits: self.submits,
            result: result.clone(),
        };
        self.note_refusal(result);
        let settled = match result {
            Ok(answer) if answer.is_interrupted => {
                ledger.settle_beginning(&self.id, &outcome).await
            }
            _ => ledger.settle(&self.id, &outcome).await,
        };
        if let Err(error) = settled {
            tracing::error!(
                error = chain(&error),
                "could not record an answer: if this run is interrupted now, it is paid again"
            );
        }
    }
    /// A refused request may be accepted once the endpoint is mended.
    fn note_refusal(&self, result: &Result<Answer, ModelError>) {
        if matches!(result, Err(error) if error.kind == ErrorKind::BadInput) {
            self.recorder.unusable().push(self.id.clone());
        }
    }
}

impl From<LedgerError> for ModelError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Overtaken(error) => Self::new(ErrorKind::Overtaken, error.to_string()),
            LedgerError::Store(error) => Self::new(
                ErrorKind::Ledger,
                format!(
                    "the record of earlier calls cannot be read or written: {}",
                    chain(&error)
                ),
            ),
        }
    }
}
