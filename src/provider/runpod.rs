//! RunPod Serverless: jobs in the queue of an endpoint, whatever worker is behind it

pub mod address;
pub mod follow;
mod health;
mod job;
mod output;
mod request;
mod schedule;
pub(crate) mod settings;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::http::Http;
use crate::model::{
    self, Answer, Capabilities, Jobs, Model, ModelClient, ModelError, Reply, Ticket,
};
use crate::prompt::{Messages, Prompt};
use crate::provider::Registration;
use crate::provider::key::CurrentKey;
use crate::provider::runpod::follow::{Polled, Queue, QueueState};
use crate::provider::runpod::settings::{is_configured, read};
use crate::wire::answer;
use crate::wire::failure::{Endpoint, Failure, Phase, SettingNames};
use crate::wire::http::{Authorization, Incoming, Outgoing, Timeouts};
use job::Job;

pub use request::RESERVED_PARAMETERS;
pub use settings::RunPodSettings;

/// Its name in `MODEL_PROVIDER` and in reports.
pub(crate) const NAME: &str = "runpod";

/// The line in the registry.
pub(crate) const REGISTRATION: Registration = Registration {
    name: NAME,
    variables: settings::VARIABLES,
    how_to_use: "RUNPOD_API_KEY and RUNPOD_ENDPOINT_URL to do so with RunPod",
    is_configured,
    read,
    needs_nothing: false,
};

/// How the settings are called.
const NAMES: SettingNames = SettingNames {
    token: "RUNPOD_API_KEY",
    model: "RUNPOD_MODEL",
    url: "RUNPOD_ENDPOINT_URL",
};

/// Each call only hands over or asks; the work goes on without it. A reply to a submission that comes too late costs the work
/// twice, so there is time for one.
const TIMEOUTS: Timeouts = Timeouts {
    total: Duration::from_secs(60),
    idle: Duration::from_secs(30),
};

/// How long a question may be held: RunPod's own clients stay within these limits.
const SHORTEST_HOLD: Duration = Duration::from_secs(1);
const LONGEST_HOLD: Duration = Duration::from_secs(90);

/// An endpoint with a queue. What is submitted becomes a job, which goes on whether or not anybody asks after it.
#[derive(Debug)]
pub struct RunPod {
    http: Http,
    settings: RunPodSettings,
    key: CurrentKey,
    peer: Endpoint,
    timeouts: Timeouts,
    queue: QueueState,
    /// Not every endpoint can hold a question. Found out once.
    never_holds: AtomicBool,
}

impl RunPod {
    /// An endpoint at the configured address. Sends nothing yet.
    #[must_use]
    pub fn new(http: Http, settings: RunPodSettings, key: CurrentKey) -> Self {
        Self {
            peer: Endpoint::new(&settings.endpoint, NAMES, None),
            http,
            settings,
            key,
            timeouts: TIMEOUTS,
            queue: QueueState::default(),
            never_holds: AtomicBool::new(false),
        }
    }

    /// With other limits than the usual ones of a minute in all and half of it in silence. Time for which a question is held
    /// comes on top.
    #[must_use]
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    async fn send<B: Serialize + Sync>(
        &self,
        method: Method,
        url: &Url,
        body: Option<&B>,
        timeouts: Timeouts,
    ) -> Result<Incoming, Failure> {
        let key = self.key.get();
        let outgoing = Outgoing {
            method,
            url,
            authorization: Authorization::bearer(key.as_ref()),
            headers: HeaderMap::new(),
            body,
            timeouts,
        };
        outgoing.send(&self.http).await
    }

    async fn get(&self, url: &Url, timeouts: Timeouts) -> Result<Value, Failure> {
        json(self.send(Method::GET, url, None::<&()>, timeouts).await?).await
    }

    /// Does something to a job. What is said about it is left out of errors: it may repeat the job's input, which is not at
    /// hand here to be cut out.
    async fn act(&self, operation: &str, ticket: &Ticket) -> Result<(), Failure> {
        let url = address::operation(&self.settings.endpoint, operation, Some(&ticket.id));
        let sent = self.send(Method::POST, &url, None::<&()>, self.timeouts);
        match sent.await {
            Ok(_) => Ok(()),
            Err(Failure::Refused {
                status, headers, ..
            }) => Err(Failure::Refused {
                status,
                headers,
                body: Vec::new(),
            }),
            Err(failure) => Err(failure),
        }
    }

    async fn run(&self, prompt: &Prompt) -> Result<Reply, Failure> {
        let body = request::envelope(
            prompt.messages(),
            prompt.max_tokens(),
            self.settings.model.as_deref(),
            &self.settings.parameters,
            prompt.id(),
        );
        let url = address::operation(&self.settings.endpoint, "run", None);
        let sent = self.send(Method::POST, &url, Some(&body), self.timeouts);
        let job = match sent.await {
            Ok(reply) => Job::read(json(reply).await?)?,
            Err(failure) => job::in_refusal(failure)?,
        };
        let ticket = Ticket {
            id: job.id.clone().unwrap_or_default(),
        };
        if ticket.id.is_empty() && !matches!(job.state, job::State::Ended(_)) {
            return Err(Failure::Garbled("a job without an id".to_owned()));
        }
        match job.into_polled(prompt.max_tokens(), self.holds())? {
            Polled::Done(answer) => Ok(Reply::Done(answer)),
            Polled::Pending { .. } => Ok(Reply::Queued(ticket)),
        }
    }

    /// Asks after a job; also says whether the endpoint held the question.
    async fn ask(&self, ticket: &Ticket, wait: Duration) -> Result<(Job, bool), Failure> {
        let mut found_no_job = false;
        if !wait.is_zero() && self.holds() {
            let wait = wait.clamp(SHORTEST_HOLD, LONGEST_HOLD);
            let began = Instant::now();
            match self.ask_and_wait(ticket, wait).await {
                Err(Failure::Refused {
                    status: 405 | 501, ..
                }) => self.settle_for_short_questions(),
                // The route is unknown, or the job.
                Err(Failure::Refused { status: 404, .. }) => found_no_job = true,
                Err(failure) => return Err(failure),
                // A server may hold for less than it is asked to; one that cannot hold answers at once.
                Ok(job) => return Ok((job, began.elapsed() >= SHORTEST_HOLD / 2)),
            }
        }
        let url = address::operation(&self.settings.endpoint, "status", Some(&ticket.id));
        let answered = self.get(&url, self.timeouts).await;
        match answered.and_then(Job::read).or_else(job::in_refusal) {
            Err(Failure::Refused { status: 404, .. }) => Err(Failure::Lost(format!(
                "no job {} is known: its result is kept for 30 minutes, and the job for its time to live",
                ticket.id
            ))),
            Ok(job) => {
                if found_no_job {
                    self.settle_for_short_questions();
                }
                Ok((job, false))
            }
            failed => failed.map(|job| (job, false)),
        }
    }

    async fn ask_and_wait(&self, ticket: &Ticket, wait: Duration) -> Result<Job, Failure> {
        let mut url = address::operation(&self.settings.endpoint, "status-sync", Some(&ticket.id));
        url.query_pairs_mut()
            .append_pair("wait", &wait.as_millis().to_string());
        let timeouts = Timeouts {
            total: wait + self.timeouts.total,
            idle: wait + self.timeouts.idle,
        };
        let answered = self.get(&url, timeouts).await;
        answered.and_then(Job::read).or_else(job::in_refusal)
    }

    fn settle_for_short_questions(&self) {
        if !self.never_holds.swap(true, Ordering::Relaxed) {
            tracing::info!("the endpoint has no /status-sync: asking /status instead");
        }
    }

    /// The error for a failure; the texts that were `sent` are cut out of what the endpoint said.
    fn error(&self, phase: Phase, failure: &Failure, prompt: Option<&Prompt>) -> ModelError {
        let peer = self.peer.with_secret(self.key.get());
        match prompt.map(Prompt::messages) {
            Some(Messages { system, user, .. }) => peer.error(phase, failure, &[system, user]),
            None => peer.error(phase, failure, &[]),
        }
    }
}

#[async_trait]
impl Model for RunPod {
    fn capabilities(&self) -> &Capabilities {
        &self.settings.capabilities
    }

    async fn submit(&self, prompt: &Prompt) -> Result<Reply, ModelError> {
        let outcome = self.run(prompt).await;
        outcome.map_err(|failure| self.error(Phase::Submit, &failure, Some(prompt)))
    }

    fn jobs(&self) -> Option<&dyn Jobs> {
        Some(self)
    }

    async fn renew_key(&self) -> bool {
        self.key.renew().await
    }

    fn warm_up(&self) {
        self.http.warm_up(&self.settings.endpoint);
    }
}

#[async_trait]
impl Jobs for RunPod {
    async fn wait(
        &self,
        job: model::Job,
        prompt: &Prompt,
        client: &ModelClient,
    ) -> Result<Answer, ModelError> {
        self.queue.follow(self, job, prompt, client).await
    }

    async fn cancel(&self, ticket: &Ticket) -> Result<(), ModelError> {
        match self.act("cancel", ticket).await {
            // It is gone already.
            Err(Failure::Refused { status: 404, .. }) => Ok(()),
            outcome => outcome.map_err(|failure| self.error(Phase::Poll, &failure, None)),
        }
    }
}

#[async_trait]
impl Queue for RunPod {
    async fn poll(
        &self,
        ticket: &Ticket,
        prompt: &Prompt,
        hold: Duration,
    ) -> Result<Polled, ModelError> {
        let asked = self.ask(ticket, hold).await;
        asked
            .and_then(|(job, held)| job.into_polled(prompt.max_tokens(), held))
            .map_err(|failure| self.error(Phase::Poll, &failure, Some(prompt)))
    }

    async fn rerun(&self, ticket: &Ticket) -> Result<(), ModelError> {
        match self.act("retry", ticket).await {
            // Only jobs that failed are run again: this one is running already, and asking after it shows that.
            Err(Failure::Refused {
                status: 400 | 409, ..
            }) => {
                tracing::warn!(job = ticket.id, "the endpoint does not run the job again");
                Ok(())
            }
            outcome => outcome.map_err(|failure| self.error(Phase::Poll, &failure, None)),
        }
    }

    async fn diagnose(&self) -> Result<(), ModelError> {
        let url = address::operation(&self.settings.endpoint, "health", None);
        let health = match self.get(&url, self.timeouts).await {
            Ok(health) => health,
            // It was only a question about the reasons; the jobs themselves will say if something is wrong.
            Err(failure) => {
                let error = self.error(Phase::Poll, &failure, None);
                tracing::warn!(%error, "the endpoint does not say how its workers are");
                return Ok(());
            }
        };
        health::judge(&health).map_err(|failure| self.error(Phase::Poll, &failure, None))
    }

    fn holds(&self) -> bool {
        !self.never_holds.load(Ordering::Relaxed)
    }

    async fn renew_key(&self) -> bool {
        self.key.renew().await
    }
}

/// The JSON that a reply promised to be.
async fn json(reply: Incoming) -> Result<Value, Failure> {
    answer::json(&reply.body().await?).map_err(|failure| match failure {
        Failure::Unusable(what) => Failure::Garbled(what),
        failure => failure,
    })
}
