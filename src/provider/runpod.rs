//! RunPod Serverless: jobs in the [queue of an endpoint](https://docs.runpod.io/serverless/endpoints/operation-reference),
//! with any kind of worker.
//!
//! | operation | what it does |
//! |---|---|
//! | `POST run` | submits a prompt; the reply holds the job's id, which becomes the [`Ticket`] |
//! | `GET status-sync/<id>?wait=<ms>` | long-polls a job: replies when the job is done or the wait is over |
//! | `GET status/<id>` | polls a job |
//! | `POST retry/<id>` | reruns a job that failed or timed out, under the same id and with the same input |
//! | `POST cancel/<id>` | cancels a job; what it has used so far may be billed |
//! | `GET health` | counts jobs and workers |
//!
//! - A job runs whether or not anyone polls it, so a broken connection costs nothing. Only the reply to `run` must not be
//!   lost: RunPod has no idempotency keys, so a submission without a reply may have been billed.
//! - Results are kept for 30 minutes. After that, and once a job's time to live is over, its id is unknown (404).
//! - RunPod's clients use `status-sync`, but its documentation does not mention it and other servers lack it. If an endpoint
//!   answers it with 405 or 501, or with 404 for a job that `status` knows, only `status` is used from then on.
//! - HTTP status 200 says nothing about the job. The job object says whether it failed.

mod address;
pub mod follow;
mod health;
mod job;
mod output;
mod request;
mod schedule;
mod settings;

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
use crate::prompt::Prompt;
use crate::provider::connection::{Connection, NO_BODY};
use crate::secret::Secret;
use crate::wire::answer;
use crate::wire::failure::{Cause, Endpoint, Failure, Phase};
use crate::wire::http::{Incoming, Timeouts};
use follow::{Polled, Queue, QueueState};
use job::Job;

pub(crate) use settings::REGISTRATION;
pub use settings::RunPodSettings;

/// A request only submits or polls; the job runs without it. The limits are still generous, because giving up on the reply
/// to a submission too early means paying for the job twice.
const TIMEOUTS: Timeouts = Timeouts {
    total: Duration::from_secs(60),
    idle: Duration::from_secs(30),
};

/// Bounds of a long poll. RunPod's own clients stay within them.
const SHORTEST_HOLD: Duration = Duration::from_secs(1);
const LONGEST_HOLD: Duration = Duration::from_secs(90);

/// An endpoint with a queue.
#[derive(Debug)]
pub struct RunPod {
    connection: Connection,
    settings: RunPodSettings,
    queue: QueueState,
    /// The endpoint has turned out not to support long polling.
    never_holds: AtomicBool,
}

impl RunPod {
    /// Creates the provider for the configured endpoint with the fetched key. Sends nothing yet.
    #[must_use]
    pub fn new(http: Http, settings: RunPodSettings, secret: Option<Secret>) -> Self {
        let endpoint = Endpoint::new(&settings.endpoint, settings::NAMES, None);
        let key = settings.key.clone();
        Self {
            connection: Connection::new(http, key, secret, endpoint, TIMEOUTS),
            settings,
            queue: QueueState::default(),
            never_holds: AtomicBool::new(false),
        }
    }

    /// Replaces the default timeouts: 60 seconds in total, 30 seconds without data. The duration of a long poll is added to
    /// both.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.connection.timeouts = timeouts;
        self
    }

    async fn send<B: Serialize + Sync>(
        &self,
        method: Method,
        url: &Url,
        body: Option<&B>,
        hold: Duration,
    ) -> Result<Incoming, Failure> {
        let headers = HeaderMap::new();
        self.connection.send(method, url, headers, body, hold).await
    }

    /// Sends a request whose reply is a job object.
    async fn job<B: Serialize + Sync>(
        &self,
        method: Method,
        url: &Url,
        body: Option<&B>,
        hold: Duration,
    ) -> Result<Job, Failure> {
        match self.send(method, url, body, hold).await {
            Ok(reply) => Job::read(json(reply).await?),
            Err(failure) => job::in_refusal(failure),
        }
    }

    /// Cancels or reruns a job. The body of a refusal is dropped from errors: it may repeat the prompt, which is not
    /// available here to redact it.
    async fn act(&self, operation: &str, ticket: &Ticket) -> Result<(), Failure> {
        let url = self.operation(operation, Some(ticket));
        let sent = self.send(Method::POST, &url, NO_BODY, Duration::ZERO);
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
            self.settings.capabilities.model.as_deref(),
            &self.settings.parameters,
            prompt.id(),
        );
        let url = self.operation("run", None);
        let sent = self.job(Method::POST, &url, Some(&body), Duration::ZERO);
        let mut job = sent.await?;
        let id = job.id.take();
        match (job.into_polled(prompt.max_tokens(), self.holds())?, id) {
            (Polled::Done(answer), _) => Ok(Reply::Done(answer)),
            (Polled::Pending { .. }, Some(id)) => Ok(Reply::Queued(Ticket { id })),
            (Polled::Pending { .. }, None) => Err(Cause::Garbled.seen("a job without an id")),
        }
    }

    /// Polls a job. Also returns whether the endpoint held the request.
    async fn ask(&self, ticket: &Ticket, wait: Duration) -> Result<(Job, bool), Failure> {
        let mut found_no_job = false;
        if !wait.is_zero() && self.holds() {
            let wait = wait.clamp(SHORTEST_HOLD, LONGEST_HOLD);
            let mut url = self.operation("status-sync", Some(ticket));
            url.set_query(Some(&format!("wait={}", wait.as_millis())));
            let began = Instant::now();
            match self.job(Method::GET, &url, NO_BODY, wait).await {
                // A server may hold the request for less than the requested time. One that ignores `wait` replies at once.
                Ok(job) => return Ok((job, began.elapsed() >= SHORTEST_HOLD / 2)),
                Err(Failure::Refused {
                    status: 405 | 501, ..
                }) => self.stop_long_polling(),
                // Either the route or the job is unknown.
                Err(Failure::Refused { status: 404, .. }) => found_no_job = true,
                Err(failure) => return Err(failure),
            }
        }
        let url = self.operation("status", Some(ticket));
        match self.job(Method::GET, &url, NO_BODY, Duration::ZERO).await {
            Ok(job) => {
                if found_no_job {
                    self.stop_long_polling();
                }
                Ok((job, false))
            }
            Err(Failure::Refused { status: 404, .. }) => Err(Cause::Lost.seen(format!(
                "no job {} is known: its result is kept for 30 minutes, and the job for its time to live",
                ticket.id
            ))),
            Err(failure) => Err(failure),
        }
    }

    fn stop_long_polling(&self) {
        if !self.never_holds.swap(true, Ordering::Relaxed) {
            tracing::info!("the endpoint has no /status-sync: polling /status instead");
        }
    }

    async fn health(&self) -> Result<Value, Failure> {
        let url = self.operation("health", None);
        let sent = self.send(Method::GET, &url, NO_BODY, Duration::ZERO);
        json(sent.await?).await
    }

    /// The URL of an operation. The ticket's id is encoded as one path segment.
    fn operation(&self, name: &str, ticket: Option<&Ticket>) -> Url {
        let id = ticket.map(|ticket| ticket.id.as_str());
        address::operation(&self.settings.endpoint, name, id)
    }

    fn poll_error(&self, failure: &Failure) -> ModelError {
        self.connection.error(Phase::Poll, failure, None)
    }
}

#[async_trait]
impl Model for RunPod {
    fn capabilities(&self) -> &Capabilities {
        &self.settings.capabilities
    }

    async fn submit(&self, prompt: &Prompt) -> Result<Reply, ModelError> {
        let error = |failure| self.connection.error(Phase::Submit, &failure, Some(prompt));
        self.run(prompt).await.map_err(error)
    }

    fn jobs(&self) -> Option<&dyn Jobs> {
        Some(self)
    }

    async fn renew_key(&self) -> bool {
        self.connection.renew_key().await
    }

    fn warm_up(&self) {
        self.connection.warm_up(&self.settings.endpoint);
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
            // The job is already gone.
            Err(Failure::Refused { status: 404, .. }) => Ok(()),
            outcome => outcome.map_err(|failure| self.poll_error(&failure)),
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
        let error = |failure| self.connection.error(Phase::Poll, &failure, Some(prompt));
        asked
            .and_then(|(job, held)| job.into_polled(prompt.max_tokens(), held))
            .map_err(error)
    }

    async fn rerun(&self, ticket: &Ticket) -> Result<(), ModelError> {
        match self.act("retry", ticket).await {
            // Only failed jobs can be rerun. This one is probably running already, which the next poll will show.
            Err(Failure::Refused {
                status: 400 | 409, ..
            }) => {
                tracing::warn!(job = ticket.id, "the endpoint refused to rerun the job");
                Ok(())
            }
            outcome => outcome.map_err(|failure| self.poll_error(&failure)),
        }
    }

    async fn diagnose(&self) -> Result<(), ModelError> {
        match self.health().await {
            Ok(health) => health::judge(&health).map_err(|failure| self.poll_error(&failure)),
            // The check is optional: if something is wrong with the jobs, polls will show it.
            Err(failure) => {
                let error = self.poll_error(&failure);
                tracing::warn!(%error, "could not read the state of the workers");
                Ok(())
            }
        }
    }

    fn holds(&self) -> bool {
        !self.never_holds.load(Ordering::Relaxed)
    }
}

/// Reads the JSON body of a reply.
async fn json(reply: Incoming) -> Result<Value, Failure> {
    answer::json(&reply.body().await?).map_err(|failure| match failure {
        Failure::Known(Cause::Unusable, what) => Cause::Garbled.seen(what),
        failure => failure,
    })
}
