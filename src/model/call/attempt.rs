//! Attempts at one call: each through the gate and onto the ledger, until there is an answer or no more sense in it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::call::follow::has_ended;
use crate::model::call::gate::Pass;
use crate::model::call::retry::{Effort, Next};
use crate::model::call::{Caller, trace};
use crate::model::{Answer, Model, ModelError, ModelErrorKind, Reply};
use crate::prompt::Request;
use crate::store::Store;

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

impl<M: Model, S: Store> Caller<'_, M, S> {
    /// Makes a call that has been submitted `submits` times, as far as is known and counted.
    pub(crate) async fn insist(
        &self,
        id: &str,
        request: &Request,
        submits: u32,
    ) -> Result<Answer, ModelError> {
        let began = Instant::now();
        let mut effort = if self.has_little_hope() {
            Effort::single()
        } else {
            Effort::default()
        };
        let mut intent = Intent {
            submits,
            ..Intent::default()
        };
        if submits > 0 {
            self.counters.again();
        }
        let mut renewed = false;
        let outcome = loop {
            let error = match self.attempt(id, request, &mut intent).await {
                Ok(answer) => break Ok(answer),
                Err(Failed {
                    error,
                    ended: false,
                }) => return Err(error),
                Err(Failed { error, ended: true }) => error,
            };
            if error.kind == ModelErrorKind::Configuration
                && !std::mem::replace(&mut renewed, true)
                && self.model.renew_key().await
            {
                self.counters.again();
                continue;
            }
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
        // Before anything is waited for: until then others are let through.
        self.halt_if_shared(&outcome);
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
        if intent.open {
            self.confirm().await?;
        } else {
            let before = self.intend(id).await?.max(intent.submits);
            // Submissions of earlier invocations, of which no more is known than that they were meant.
            let earlier = before - intent.submits;
            if earlier > 0 {
                self.counters.sent_before(earlier as usize);
                self.spent_before(earlier);
            } else if before > 0 {
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
                self.submitted(id, &pending.ticket, intent.submits).await;
                self.gate.accepted();
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
}
