//! The fallback layer: makes the calls of a job with a second model if the first one cannot be used.
//!
//! - **For the rest of the job** if the first model is refused, is out of credits, or has been down for `FALLBACK_AFTER`. The
//!   reason is written into the job's record before the fallback is asked for anything, so that a resumed job goes on with the
//!   fallback too. What the first model has answered is kept: every call is looked up among its answers first.
//! - **For one call** if a content filter of the first model has withheld its answer.
//!
//! [`Policy::takeover`](crate::model::failure::Policy) says which failures count. The fallback has a client of its own, with its own
//! rate limiter and learned window. Both share the ledger and the budget of calls. The ids of the fallback's calls depend on its
//! settings, and the job's id does not: a job that never needs a fallback does not notice when one is configured or changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::model::client::ModelClient;
use crate::model::failure::Takeover;
use crate::model::{
    Answer, CallOptions, Capabilities, ErrorKind, Finish, Model, ModelError, Trace,
};
use crate::prompt::Prompt;
use crate::run::Spending;
use crate::store::ledger::Ledger;
use crate::text::Tokens;

/// A model that takes over from another one.
#[derive(Debug, Clone)]
pub struct Fallback {
    /// The model.
    pub model: Arc<dyn Model>,
    /// Its settings that affect answers, as a text without secrets.
    pub fingerprint: String,
    /// How long the first model may be down.
    pub after: Duration,
    /// Puts the names of its variables into a message that has those of the first model.
    pub rename: fn(&str) -> String,
}

/// A fallback in one job.
#[derive(Debug)]
pub(crate) struct StandIn {
    pub(crate) client: ModelClient,
    after: Duration,
    rename: fn(&str) -> String,
    ledger: Option<Arc<Ledger>>,
    /// Output tokens kept for reasoning in prompts for the first model.
    reasoning: Tokens,
    /// Why the first model was given up, if it was.
    reason: OnceCell<String>,
    /// Answers of the first model that a filter has withheld, and that the fallback has given.
    withheld: AtomicUsize,
}

/// The name of a model in messages and reports.
fn name(capabilities: &Capabilities) -> &str {
    let model = capabilities.model.as_deref();
    model.unwrap_or(capabilities.provider)
}

impl StandIn {
    /// Gets the answer to a prompt from `first`, or from the fallback if that has to take over.
    pub(crate) async fn call(
        &self,
        first: &ModelClient,
        prompt: &Prompt,
    ) -> Result<Answer, ModelError> {
        let outcome = match self.reason.get() {
            None => first.call_model(prompt).await.map(Some),
            Some(_) => first.recall_only(prompt).await,
        };
        let withheld = match outcome {
            Ok(Some(answer)) if answer.finish != Finish::Filter => return Ok(answer),
            Ok(answer) => answer.map(Ok),
            Err(error) => match error.kind.policy().takeover {
                Takeover::Never => return Err(error),
                Takeover::OneCall => Some(Err(error)),
                Takeover::WhenDown
                    if self.reason.get().is_none()
                        && first.time_to_takeover(error.kind) > Some(Duration::ZERO) =>
                {
                    return Err(error);
                }
                Takeover::AtOnce | Takeover::WhenDown => {
                    self.give_up_first_model(&error).await?;
                    first.cancel_job_of(prompt).await;
                    None
                }
            },
        };
        let answered = self.client.call_model(&self.prompt(prompt)).await;
        let is_withheld = usize::from(withheld.is_some());
        match (answered, withheld) {
            (Ok(answer), _) => {
                self.withheld.fetch_add(is_withheld, Ordering::Relaxed);
                Ok(Answer {
                    written_by: Some(name(self.client.model.capabilities()).into()),
                    ..answer
                })
            }
            (Err(error), withheld) => {
                let error = self.told(error);
                let ends = matches!(
                    error.kind,
                    ErrorKind::OutOfTime | ErrorKind::Ledger | ErrorKind::Overtaken
                );
                match withheld.filter(|_| !ends) {
                    Some(withheld) => {
                        tracing::warn!(%error, "the fallback gave no answer in the place of one that was withheld");
                        withheld
                    }
                    None => Err(error),
                }
            }
        }
    }

    /// Records why the first model is given up, once.
    async fn give_up_first_model(&self, error: &ModelError) -> Result<(), ModelError> {
        let record = async || {
            tracing::warn!(%error, "the first model is given up: the fallback takes over");
            if let Some(ledger) = &self.ledger {
                ledger.give_up_first_model(&error.message).await?;
            }
            if error.kind == ErrorKind::Configuration {
                // The summary is written all the same, so nobody would hear of it.
                self.client.run.tell_of_spending(&Spending {
                    refused: 1,
                    ..Spending::default()
                });
            }
            Ok::<_, ModelError>(error.message.clone())
        };
        self.reason.get_or_try_init(record).await.map(drop)
    }

    /// The prompt with room for the reasoning of the fallback.
    fn prompt(&self, prompt: &Prompt) -> Prompt {
        let own = self.client.model.capabilities().reasoning_tokens;
        let visible = prompt.max_tokens() - self.reasoning;
        let limit = match prompt.goes_on() {
            // What is left may be less than the first model's reasoning.
            true => visible.max(prompt.least_rest()) + own,
            false => visible + own,
        };
        prompt.clone().with_max_tokens(limit)
    }

    /// An error of the fallback with the names of its variables, and why it was asked.
    fn told(&self, error: ModelError) -> ModelError {
        let message = (self.rename)(&error.message);
        let message = match self.reason.get() {
            Some(reason) if error.kind != ErrorKind::OutOfTime => {
                format!(
                    "the fallback model fails too: {message}; the first one was given up: {reason}"
                )
            }
            _ => message,
        };
        ModelError { message, ..error }
    }

    /// What the reader is told.
    fn notes(&self, first: &ModelClient) -> Vec<String> {
        let (own, given_up) = (
            name(self.client.model.capabilities()),
            name(first.model.capabilities()),
        );
        let switched = self.reason.get().map(|reason| {
            format!("{given_up} was given up, and {own} wrote in its place from then on: {reason}")
        });
        let withheld = match self.withheld.load(Ordering::Relaxed) {
            0 => None,
            1 => Some("1 answer".to_owned()),
            more => Some(format!("{more} answers")),
        };
        let withheld = withheld.map(|answers| {
            format!("{own} gave {answers} that a content filter of {given_up} had withheld")
        });
        switched.into_iter().chain(withheld).collect()
    }
}

impl ModelClient {
    /// The same client with a fallback. If an earlier invocation has given the first model up, so does this one.
    pub(crate) fn with_fallback(
        mut self,
        fallback: &Fallback,
        ledger: Option<Arc<Ledger>>,
    ) -> Self {
        let trace = self.options.trace.as_ref();
        let options = CallOptions {
            trace: trace.map(|trace| Trace {
                dir: trace.dir.join("fallback"),
                ..trace.clone()
            }),
            ..self.options.clone()
        };
        let model = Arc::clone(&fallback.model);
        let mut client = Self::of_one(model, ledger.clone(), options, &self.run);
        client.spent = Arc::clone(&self.spent);
        client.recorder = client.recorder.of_fallback(&fallback.fingerprint);
        let down_since_ms = ledger.as_ref().and_then(|ledger| ledger.down_since_ms());
        if let Some(since_ms) = down_since_ms {
            let age = u64::try_from(self.run.clock.now_ms() - since_ms).unwrap_or(0);
            let since = Instant::now().checked_sub(Duration::from_millis(age));
            self.is_down_since(since.unwrap_or_else(Instant::now), ErrorKind::Unreachable);
        }
        let reason = ledger.as_ref().and_then(|ledger| ledger.fallback());
        self.stand_in = Some(Box::new(StandIn {
            client,
            after: fallback.after,
            rename: fallback.rename,
            reason: OnceCell::new_with(reason.map(str::to_owned)),
            ledger,
            reasoning: self.model.capabilities().reasoning_tokens,
            withheld: AtomicUsize::new(0),
        }));
        self
    }

    /// How much longer the endpoint may fail like this before the fallback takes over; `None` if it never does.
    pub(crate) fn time_to_takeover(&self, kind: ErrorKind) -> Option<Duration> {
        let after = self.stand_in.as_ref()?.after;
        let down = self
            .down_since()
            .map_or(Duration::ZERO, |since| since.elapsed());
        (kind.policy().takeover == Takeover::WhenDown).then(|| after.saturating_sub(down))
    }

    /// Records that a job was polled, and whether a worker has `started` it. As long as none has started any job and none was
    /// answered, the endpoint counts as down.
    ///
    /// # Errors
    /// If the fallback has to take over.
    pub(crate) fn waits_for_worker(&self, started: bool) -> Result<(), ModelError> {
        let kind = ErrorKind::Warming { retry_after: None };
        if started {
            self.is_up();
            return Ok(());
        }
        self.is_down_since(Instant::now(), kind);
        match self.time_to_takeover(kind) {
            Some(Duration::ZERO) => Err(ModelError::new(
                kind,
                "no worker of the endpoint has started a job within FALLBACK_AFTER",
            )),
            _ => Ok(()),
        }
    }

    /// What the reader is told of the fallback, if it was needed.
    pub(crate) fn fallback_notes(&self) -> Vec<String> {
        let stand_in = self.stand_in.as_ref();
        stand_in.map_or_else(Vec::new, |stand_in| stand_in.notes(self))
    }

    /// Whether the first model makes the calls.
    pub(crate) fn is_first_model(&self) -> bool {
        let stand_in = self.stand_in.as_ref();
        stand_in.is_none_or(|stand_in| stand_in.reason.get().is_none())
    }

    /// Whether a request may fit into the window of the model that gets it.
    pub(crate) fn may_fit(&self, prompt: &Prompt) -> bool {
        self.active().window.may_fit(prompt)
    }

    /// Whether the answer to `prompt` was cut off because both together have filled the window of the model that gave it.
    pub(crate) fn fills_window(&self, prompt: &Prompt, answer: &Answer) -> bool {
        self.active().window.is_filled_by(prompt, answer)
    }

    /// The last refusal, if the model that makes the calls has refused all of them as too long.
    pub(crate) fn refusal_of_everything(&self) -> Option<ModelError> {
        self.active().window.refusal_of_everything()
    }

    /// Marks the answer to `prompt` as rejected for this reason, whoever gave it: it is not used as it is.
    pub(crate) fn mark_rejected(&self, prompt: &Prompt, reason: &str) {
        self.trace_rejected(prompt, reason);
        if let Some(stand_in) = &self.stand_in {
            let own = stand_in.prompt(prompt);
            stand_in.client.trace_rejected(&own, reason);
        }
    }

    /// Marks the answer to `prompt` as unusable, whoever gave it: the call is to be made again by a later run.
    pub(crate) fn mark_unusable(&self, prompt: &Prompt) {
        self.mark_rejected(prompt, "not what was asked for");
        self.recorder.mark_unusable(prompt);
        if let Some(stand_in) = &self.stand_in {
            let own = stand_in.prompt(prompt);
            stand_in.client.recorder.mark_unusable(&own);
        }
    }

    /// Removes unusable answers from the ledger, so that the next run makes these calls again.
    pub(crate) async fn forget_unusable(&self) {
        self.recorder.forget_unusable().await;
        if let Some(stand_in) = &self.stand_in {
            stand_in.client.recorder.forget_unusable().await;
        }
    }

    /// The client of the model that makes the calls.
    fn active(&self) -> &Self {
        match &self.stand_in {
            Some(stand_in) if stand_in.reason.get().is_some() => &stand_in.client,
            _ => self,
        }
    }
}
