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
//! - With `RUNPOD_TASK=transcript`, a job is sent a link to the whole transcript in place of a prompt (`transcript`).

mod address;
pub mod follow;
mod health;
mod job;
mod output;
mod request;
mod schedule;
mod settings;
mod transcript;

pub use settings::RunPodSettings;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Method, RequestBuilder, Url};
use serde_json::Value;
use tokio::time::Instant;

use crate::http::Http;
use crate::model::{
    self, Answer, Capabilities, Jobs, Model, ModelClient, ModelError, Reply, Ticket,
};
use crate::prompt::Prompt;
use crate::provider::RemoteSettings;
use crate::provider::connection::Connection;
use crate::secret::Secret;
use crate::wire::answer;
use crate::wire::failure::{Cause, Failure, Phase};
use crate::wire::http::{self, Incoming, Pulse, Timeouts};
use follow::{Polled, Queue, QueueState};
use job::Job;

pub(crate) use settings::REGISTRATION;

/// A request only submits or polls; the job runs without it. The limits are still generous, because giving up on the reply
/// to a submission too early means paying for the job twice.
const TIMEOUTS: Timeouts = Timeouts {
    first: Duration::from_secs(60),
    idle: Duration::from_secs(30),
};

/// Bounds of a long poll. RunPod's own clients stay within them.
const SHORTEST_HOLD: Duration = Duration::from_secs(1);
const LONGEST_HOLD: Duration = Duration::from_secs(90);

/// An endpoint with a queue.
#[derive(Debug)]
pub struct RunPod {
    /// By default 60 seconds until a reply begins, and 30 seconds between its pieces. The duration of a long poll is added to both.
    pub timeouts: Timeouts,
    connection: Connection,
    queue: QueueState,
    /// The endpoint has turned out not to support long polling.
    never_holds: AtomicBool,
}

impl RunPod {
    /// Creates the provider for the configured endpoint with the fetched key. Sends nothing yet.
    #[must_use]
    pub fn new(http: Http, settings: RemoteSettings, secret: Option<Secret>) -> Self {
        Self {
            timeouts: TIMEOUTS,
            connection: Connection::new(http, settings, secret, settings::NAMES),
            queue: QueueState::default(),
            never_holds: AtomicBool::new(false),
        }
    }

    /// Sends a request whose reply is a job object.
    async fn job(&self, request: RequestBuilder, timeouts: Timeouts) -> Result<Job, Failure> {
        match http::send(request, timeouts, &Pulse::default()).await {
            Ok(reply) => Job::read(json(reply).await?),
            Err(failure) => job::in_refusal(failure),
        }
    }

    /// Cancels or reruns a job. The body of a refusal is dropped from errors: it may repeat the prompt, which is not
    /// available here to redact it.
    async fn act(&self, operation: &str, ticket: &Ticket) -> Result<(), Failure> {
        let url = self.operation(operation, Some(ticket));
        let request = self.connection.request(Method::POST, &url)?;
        let mut sent = http::send(request, self.timeouts, &Pulse::default()).await;
        if let Err(Failure::Refused { body, .. }) = &mut sent {
            body.clear();
        }
        sent.map(drop)
    }

    async fn run(&self, prompt: &Prompt) -> Result<Reply, Failure> {
        let settings = &self.connection.settings;
        let model = settings.capabilities.model.as_deref();
        let body = request::envelope(prompt, model, &settings.parameters);
        let url = self.operation("run", None);
        let request = self.connection.request(Method::POST, &url)?.json(&body);
        let mut job = self.job(request, self.timeouts).await?;
        let id = job.id.take();
        match (job.into_polled(prompt)?, id) {
            (Polled::Done(answer), _) => Ok(Reply::Done(answer)),
            (Polled::Pending { .. }, Some(id)) => Ok(Reply::Queued(Ticket { id })),
            (Polled::Pending { .. }, None) => Err(Cause::Garbled.seen("a job without an id")),
        }
    }

    /// Polls a job.
    async fn ask(&self, ticket: &Ticket, wait: Duration) -> Result<Job, Failure> {
        let mut found_no_job = false;
        if !wait.is_zero() && self.holds() {
            let wait = wait.clamp(SHORTEST_HOLD, LONGEST_HOLD);
            let mut url = self.operation("status-sync", Some(ticket));
            url.set_query(Some(&format!("wait={}", wait.as_millis())));
            let request = self.connection.request(Method::GET, &url)?;
            let timeouts = Timeouts {
                first: wait + self.timeouts.first,
                idle: wait + self.timeouts.idle,
            };
            let began = Instant::now();
            match self.job(request, timeouts).await {
                Ok(mut job) => {
                    // A server may hold the request for less than the requested time. One that ignores `wait` replies at
                    // once.
                    job.held = began.elapsed() >= SHORTEST_HOLD / 2;
                    return Ok(job);
                }
                Err(failure) => match failure.status() {
                    Some(405 | 501) => self.stop_long_polling(),
                    // Either the route or the job is unknown.
                    Some(404) => found_no_job = true,
                    _ => return Err(failure),
                },
            }
        }
        let url = self.operation("status", Some(ticket));
        let request = self.connection.request(Method::GET, &url)?;
        match self.job(request, self.timeouts).await {
            Err(failure) if failure.status() == Some(404) => Err(Cause::Lost.seen(format!(
                "no job {} is known: its result is kept for 30 minutes, and the job for its time to live",
                ticket.id
            ))),
            Ok(job) => {
                if found_no_job {
                    self.stop_long_polling();
                }
                Ok(job)
            }
            failed => failed,
        }
    }

    fn stop_long_polling(&self) {
        if !self.never_holds.swap(true, Ordering::Relaxed) {
            tracing::info!("the endpoint has no /status-sync: polling /status instead");
        }
    }

    async fn health(&self) -> Result<Value, Failure> {
        let url = self.operation("health", None);
        let request = self.connection.request(Method::GET, &url)?;
        json(http::send(request, self.timeouts, &Pulse::default()).await?).await
    }

    /// The URL of an operation. The ticket's id is encoded as one path segment.
    fn operation(&self, name: &str, ticket: Option<&Ticket>) -> Url {
        let id = ticket.map(|ticket| ticket.id.as_str());
        address::operation(&self.connection.settings.endpoint, name, id)
    }

    fn poll_error(&self, failure: &Failure) -> ModelError {
        self.connection.error(Phase::Poll, failure, None)
    }
}

#[async_trait]
impl Model for RunPod {
    fn capabilities(&self) -> &Capabilities {
        &self.connection.settings.capabilities
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
        self.connection.warm_up();
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
            Err(failure) if failure.status() == Some(404) => Ok(()),
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
        asked.and_then(|job| job.into_polled(prompt)).map_err(error)
    }

    async fn rerun(&self, ticket: &Ticket) -> Result<(), ModelError> {
        match self.act("retry", ticket).await {
            // Only failed jobs can be rerun. This one is probably running already, which the next poll will show.
            Err(failure) if matches!(failure.status(), Some(400 | 409)) => {
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
