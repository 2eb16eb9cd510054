//! What the ledger keeps of a call, and how a call is taken up from it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::model::call::gate::Pass;
use crate::model::call::{Caller, has_ended, lock};
use crate::model::{Answer, Model, ModelError, ModelErrorKind, Pending, Ticket};
use crate::prompt::Request;
use crate::store::Store;
use crate::store::lease::Overtaken;
use crate::store::ledger::{Known, LedgerError};

/// `<call>.out`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// How often the call was submitted.
    submits: u32,
    /// The answer, or why there is none: asking again would not give another.
    result: Result<Answer, ModelError>,
}

/// `<call>.job`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    ticket: Ticket,
    /// Milliseconds since 1970.
    submitted_ms: i64,
    submits: u32,
}

/// What a call comes to without being made.
pub(crate) enum Recalled {
    /// Its answer.
    Answer(Answer),
    /// None: it has to be made.
    Nothing {
        /// Submissions that are known and counted, of a job that was lost or ended in an error.
        submits: u32,
    },
}

impl<M: Model, S: Store> Caller<'_, M, S> {
    /// The outcome of a call that an earlier invocation made, if it came to one, or its job does now.
    pub(crate) async fn recall(&self, id: &str, request: &Request) -> Result<Recalled, ModelError> {
        let Some(ledger) = self.ledger else {
            return Ok(Recalled::Nothing { submits: 0 });
        };
        self.recalling.fetch_add(1, Ordering::Relaxed);
        let known = ledger.recall::<Outcome, Job>(id).await;
        // A job takes its place before anybody who waits for this count submits another one.
        let known = known.map(|known| match known {
            Known::Job(job) => {
                let pass = (!self.options.probing).then(|| self.gate.enter_again());
                Known::Job((job, pass))
            }
            Known::Outcome(outcome) => Known::Outcome(outcome),
            Known::Nothing => Known::Nothing,
        });
        if self.recalling.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.recalled.notify_waiters();
        }
        match known {
            Ok(Known::Nothing) => Ok(Recalled::Nothing { submits: 0 }),
            Ok(Known::Outcome(Outcome { submits, result })) => {
                let usage = result.as_ref().ok().and_then(|answer| answer.usage);
                self.counters.recalled(submits as usize, usage);
                self.spent_before(submits);
                result.map(Recalled::Answer)
            }
            Ok(Known::Job((job, pass))) => {
                let pass = match pass {
                    Some(pass) => pass,
                    // Where there is little hope, one of them is asked after first.
                    None => self.enter().await?,
                };
                self.resume(id, job, pass, request).await
            }
            Err(error) => Err(ledger_failed(error)),
        }
    }

    /// Follows a job that an earlier invocation submitted.
    async fn resume(
        &self,
        id: &str,
        job: Job,
        pass: Pass<'_>,
        request: &Request,
    ) -> Result<Recalled, ModelError> {
        self.counters.recalled(job.submits as usize, None);
        self.spent_before(job.submits);
        let age = self.options.clock.now_ms() - job.submitted_ms;
        let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
        let submitted = Instant::now().checked_sub(age).unwrap_or(pass.started);
        tracing::info!(
            job = job.ticket.id,
            age_ms = age.as_millis(),
            "asking after a job of an earlier run"
        );
        let pending = Pending {
            ticket: job.ticket,
            started: true,
            held: true,
        };
        let outcome = self.follow(id, pending, request, submitted).await;
        match &outcome {
            Err(error) if may_be_made_anew(error.kind) => {
                return Ok(Recalled::Nothing {
                    submits: job.submits,
                });
            }
            Ok(answer) => {
                self.gate.answered();
                self.counters.answered(answer.usage, pass.started.elapsed());
                self.counters.progress();
            }
            Err(_) => {}
        }
        drop(pass);
        self.settle(id, job.submits, &outcome).await;
        outcome.map(Recalled::Answer)
    }

    /// Records that a call is about to be submitted; returns how often it has been by then.
    pub(crate) async fn intend(&self, id: &str) -> Result<u32, ModelError> {
        let Some(ledger) = self.ledger else {
            return Ok(0);
        };
        ledger.intend(id).await.map_err(|error| match error {
            LedgerError::Store(error) => ledger_failed(error),
            LedgerError::Overtaken(overtaken) => refused(overtaken),
        })
    }

    /// Makes sure that the job is still ours before a call is submitted once more under the intent that it has.
    pub(crate) async fn confirm(&self) -> Result<(), ModelError> {
        match self.ledger {
            Some(ledger) => ledger.confirm().await.map_err(refused),
            None => Ok(()),
        }
    }

    /// Takes back the intent of a call that was certainly not accepted. If that fails, it counts as sent: no harm.
    pub(crate) async fn withdraw(&self, id: &str) {
        if let Some(ledger) = self.ledger
            && let Err(error) = ledger.withdraw(id).await
        {
            tracing::warn!(%error, "could not take back an intent");
        }
    }

    /// Records the job that a call became. It is followed even if that fails.
    pub(crate) async fn submitted(&self, id: &str, ticket: &Ticket, submits: u32) {
        self.counters.progress();
        let Some(ledger) = self.ledger else {
            return;
        };
        let job = Job {
            ticket: ticket.clone(),
            submitted_ms: self.options.clock.now_ms(),
            submits,
        };
        if let Err(error) = ledger.submitted(id, &job).await {
            tracing::error!(%error, job = ticket.id, "could not record a job: if this run is cut off now, it is paid again");
        }
    }

    /// Records how a call ended, if another attempt would not end otherwise. The answer is used even if that fails.
    pub(crate) async fn settle(&self, id: &str, submits: u32, result: &Result<Answer, ModelError>) {
        let Some(ledger) = self.ledger else {
            return;
        };
        let settled = match result {
            Ok(_) => true,
            Err(error) => has_ended(error.kind) && !may_be_made_anew(error.kind),
        };
        if !settled {
            return;
        }
        let outcome = Outcome {
            submits,
            result: result.clone(),
        };
        if let Err(error) = ledger.settle(id, &outcome).await {
            tracing::error!(%error, "could not record an answer: if this run is cut off now, it is paid again");
        }
    }

    /// Takes note that nothing can be made of the answer to a request.
    pub fn disown(&self, request: &Request) {
        if self.ledger.is_some() {
            lock(&self.unusable).push(crate::prompt::call_id(request));
        }
    }

    /// Forgets the answers of which nothing could be made, so that the next run asks again.
    pub async fn forget_unusable(&self) {
        let unusable = std::mem::take(&mut *lock(&self.unusable));
        for id in unusable {
            self.forget(&id).await;
        }
    }

    /// Forgets a call's job and outcome.
    pub(crate) async fn forget(&self, id: &str) {
        if let Some(ledger) = self.ledger
            && let Err(error) = ledger.forget(id).await
        {
            tracing::warn!(%error, "could not forget a call");
        }
    }
}

/// Whether a call whose job ended so is submitted again.
fn may_be_made_anew(kind: ModelErrorKind) -> bool {
    matches!(kind, ModelErrorKind::Lost | ModelErrorKind::Ambiguous)
}

fn refused(overtaken: Overtaken) -> ModelError {
    ModelError {
        kind: ModelErrorKind::Overtaken,
        message: overtaken.to_string(),
    }
}

fn ledger_failed(error: crate::store::StoreError) -> ModelError {
    ModelError {
        kind: ModelErrorKind::Ledger,
        message: format!("the record of what was asked and answered is not at hand: {error}"),
    }
}
