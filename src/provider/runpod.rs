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
//!
//! With `RUNPOD_BATCH`, the prompts of a round are submitted as one batch instead:
//!
//! | operation | what it does |
//! |---|---|
//! | `POST batch` | creates a draft from an array of requests, here an empty one |
//! | `POST batch/<id>/requests` | adds requests to a draft, in bodies of at most 10 MiB |
//! | `POST batch/<id>/finalize` | has the requests processed |
//! | `GET batch/<id>` | the status of the batch, and how many of its requests are over |
//! | `GET batch/<id>/requests?offset=&limit=` | a page of its requests, each like a job object |
//! | `POST batch/<id>/cancel` | cancels what has not been started |
//!
//! An endpoint takes 10 batches at a time, with at most 5,000 requests each.

mod address;
pub mod batch;
pub mod follow;
mod health;
mod job;
pub(crate) mod output;
mod request;
mod schedule;
pub(crate) mod settings;
pub(crate) mod task;
mod transcript;

pub use settings::RunPodSettings;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder, Url};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::http::Http;
use crate::model::{
    self, Answer, Capabilities, ErrorKind, Jobs, Model, ModelClient, ModelError, Reply, Ticket,
};
use crate::prompt::Prompt;
use crate::provider::RemoteSettings;
use crate::provider::connection::Connection;
use crate::secret::Secret;
use crate::wire::answer;
use crate::wire::failure::{Cause, Failure, Phase, SettingNames};
use crate::wire::http::{self, Incoming, Pulse, Timeouts};
use batch::{BatchState, Batches, Listed, Status, View};
use follow::{Polled, Queue, QueueState};
use job::Job;

pub(crate) use settings::REGISTRATION;

/// A request only submits or polls; the job runs without it. The limits are still generous, because giving up on the reply
/// to a submission too early means paying for the job twice.
const TIMEOUTS: Timeouts = Timeouts {
    first: Duration::from_secs(60),
    idle: Duration::from_secs(30),
};

/// Bytes a second that a slow line sends.
const SLOW_LINE: u64 = 32 << 10;

/// Bounds of a long poll. RunPod's own clients stay within them.
const SHORTEST_HOLD: Duration = Duration::from_secs(1);
const LONGEST_HOLD: Duration = Duration::from_secs(90);

/// Requests of a batch in one page of its list.
const PAGE: usize = 100;

/// An endpoint with a queue.
#[derive(Debug)]
pub struct RunPod {
    /// By default 60 seconds until a reply begins, and 30 seconds between its pieces. The duration of a long poll is added to both.
    pub timeouts: Timeouts,
    connection: Connection,
    queue: QueueState,
    /// Whether prompts are sent in batches, instead of each as a job of its own.
    sends_batches: bool,
    /// The batches that are followed. Those of an earlier invocation are, whatever is sent now.
    pub batches: BatchState,
    /// The endpoint has turned out not to support long polling.
    never_holds: AtomicBool,
}

impl RunPod {
    /// Creates the provider for the configured endpoint with the fetched key. Sends nothing yet.
    #[must_use]
    pub fn new(http: Http, settings: RemoteSettings, secret: Option<Secret>) -> Self {
        Self::named(http, settings, secret, settings::NAMES)
    }

    /// The same with other variables in its messages.
    pub(crate) fn named(
        http: Http,
        settings: RemoteSettings,
        secret: Option<Secret>,
        names: SettingNames,
    ) -> Self {
        Self {
            timeouts: TIMEOUTS,
            connection: Connection::new(http, settings, secret, names),
            queue: QueueState::default(),
            sends_batches: false,
            batches: BatchState::default(),
            never_holds: AtomicBool::new(false),
        }
    }

    /// The same provider, sending prompts in batches.
    #[must_use]
    pub fn in_batches(self) -> Self {
        Self {
            sends_batches: true,
            ..self
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
        let url = self.of_job(operation, ticket);
        let request = self.connection.request(Method::POST, &url)?;
        let mut sent = http::send(request, self.timeouts, &Pulse::default()).await;
        if let Err(Failure::Refused { body, .. }) = &mut sent {
            body.clear();
        }
        sent.map(drop)
    }

    async fn submit_body(&self, body: &Value) -> Result<Job, Failure> {
        let url = self.operation("run", []);
        let body = body.to_string();
        // A recording may be in it, and the line slow.
        let sending = Duration::from_secs(body.len() as u64 / SLOW_LINE);
        let request = self.connection.request(Method::POST, &url)?;
        let request = request.header(CONTENT_TYPE, "application/json").body(body);
        let timeouts = Timeouts {
            first: self.timeouts.first + sending,
            ..self.timeouts
        };
        self.job(request, timeouts).await
    }

    async fn run(&self, prompt: &Prompt) -> Result<Reply, Failure> {
        let settings = &self.connection.settings;
        let model = settings.capabilities.model.as_deref();
        let body = request::envelope(prompt, model, &settings.parameters);
        let mut job = self.submit_body(&body).await?;
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
            let mut url = self.of_job("status-sync", ticket);
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
        let job = self.status(ticket).await?;
        if found_no_job {
            self.stop_long_polling();
        }
        Ok(job)
    }

    async fn status(&self, ticket: &Ticket) -> Result<Job, Failure> {
        let url = self.of_job("status", ticket);
        let request = self.connection.request(Method::GET, &url)?;
        match self.job(request, self.timeouts).await {
            Err(failure) if failure.status() == Some(404) => Err(Cause::Lost.seen(format!(
                "no job {} is known: its result is kept for 30 minutes, and the job for its time to live",
                ticket.id
            ))),
            job => job,
        }
    }

    fn stop_long_polling(&self) {
        if !self.never_holds.swap(true, Ordering::Relaxed) {
            tracing::info!("the endpoint has no /status-sync: polling /status instead");
        }
    }

    async fn health(&self) -> Result<Value, Failure> {
        let url = self.operation("health", []);
        let request = self.connection.request(Method::GET, &url)?;
        json(http::send(request, self.timeouts, &Pulse::default()).await?).await
    }

    /// The URL of an operation on a job.
    fn of_job(&self, name: &str, ticket: &Ticket) -> Url {
        self.operation(name, [ticket.id.as_str()])
    }

    fn operation<'a>(&self, name: &str, path: impl IntoIterator<Item = &'a str>) -> Url {
        address::operation(&self.connection.settings.endpoint, name, path)
    }

    /// Sends a request about batches, and returns the JSON of the reply.
    async fn manage(
        &self,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let url = self.operation("batch", path.iter().copied());
        self.managed(method, &url, body).await
    }

    async fn managed(
        &self,
        method: Method,
        url: &Url,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        let mut request = self.connection.request(method, url)?;
        if let Some(body) = body {
            request = request.json(body);
        }
        let reply = http::send(request, self.timeouts, &Pulse::default()).await?;
        let value = answer::json(&reply.body().await?).unwrap_or_default();
        // A batch that has failed is not a failed request.
        let is_batch = value.get("id").is_some() || value.get("requests").is_some();
        match answer::error_in(&value, "").filter(|_| !is_batch) {
            Some(failure) => Err(failure),
            None => Ok(value),
        }
    }

    /// The error of a request about batches. It concerns all requests of the batch, and none of them has been billed for it.
    fn batch_error(&self, failure: Failure, prompt: Option<&Prompt>) -> ModelError {
        let is_full = prompt.is_none() && matches!(failure.status(), Some(400 | 409 | 422));
        let error = self.connection.error(Phase::Poll, &failure, prompt);
        let kind = match error.kind {
            // There is nothing in an empty or drafted batch that could be wrong. RunPod limits how many there are at a time.
            _ if is_full => ErrorKind::Throttled { retry_after: None },
            kind if prompt.is_none() && kind.concerns_one_call() => ErrorKind::Transient,
            kind => kind,
        };
        ModelError { kind, ..error }
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
        if self.sends_batches {
            return self.batches.submit(self, prompt).await.map(Reply::Queued);
        }
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
        if batch::of(&job.ticket).is_some() {
            return self.batches.wait(self, job, prompt, client).await;
        }
        self.queue.follow(self, job, prompt, client).await
    }

    async fn cancel(&self, ticket: &Ticket) -> Result<(), ModelError> {
        if batch::of(ticket).is_some() {
            return self.batches.cancel(self, ticket).await;
        }
        match self.act("cancel", ticket).await {
            // The job is already gone.
            Err(failure) if failure.status() == Some(404) => Ok(()),
            outcome => outcome.map_err(|failure| self.poll_error(&failure)),
        }
    }

    fn in_batches(&self) -> bool {
        self.sends_batches
    }

    async fn was_never_sent(
        &self,
        ticket: &Ticket,
        client: &ModelClient,
    ) -> Result<bool, ModelError> {
        if batch::of(ticket).is_none() {
            return Ok(false);
        }
        self.batches.was_never_sent(self, ticket, client).await
    }

    fn was_discarded(&self, ticket: &Ticket) -> bool {
        batch::of(ticket).is_some() && self.batches.was_discarded(ticket)
    }
}

#[async_trait]
impl Batches for RunPod {
    async fn create(&self) -> Result<String, ModelError> {
        let created = self.manage(Method::POST, &[], Some(&json!([]))).await;
        let id = created.and_then(|created| {
            let id = created.get("id").and_then(Value::as_str);
            let id = id.filter(|id| !id.is_empty()).map(str::to_owned);
            id.ok_or_else(|| Cause::Garbled.seen("a batch without an id"))
        });
        id.map_err(|failure| match failure.status() {
            Some(404 | 405 | 501) => {
                let error = self.connection.error(Phase::Submit, &failure, None);
                let hint = "if the endpoint is right, it takes no batches: remove RUNPOD_BATCH";
                ModelError::new(error.kind, format!("{}; {hint}", error.message))
            }
            _ => self.batch_error(failure, None),
        })
    }

    async fn add(&self, batch: &str, prompt: &Prompt) -> Result<(), ModelError> {
        let settings = &self.connection.settings;
        let model = settings.capabilities.model.as_deref();
        let body = json!({"requests": [request::envelope(prompt, model, &settings.parameters)]});
        let path = [batch, "requests"];
        let added = self.manage(Method::POST, &path, Some(&body)).await;
        added
            .map(drop)
            .map_err(|failure| self.batch_error(failure, Some(prompt)))
    }

    async fn finalize(&self, batch: &str) -> Result<(), ModelError> {
        let finalized = self.manage(Method::POST, &[batch, "finalize"], None).await;
        finalized
            .map(drop)
            .map_err(|failure| self.batch_error(failure, None))
    }

    async fn view(&self, batch: &str) -> Result<View, ModelError> {
        let seen = self.manage(Method::GET, &[batch], None).await;
        let seen = seen.map_err(|failure| self.batch_error(failure, None))?;
        let count = |name: &str| seen.get(name).and_then(Value::as_u64);
        let (completed, failed) = (count("requestCompleted"), count("requestFailed"));
        let Some(status) = seen.get("status").and_then(Value::as_str) else {
            let failure = Cause::Garbled.seen("a batch without a status");
            return Err(self.batch_error(failure, None));
        };
        Ok(View {
            status: match status {
                "DRAFT" | "OPEN" => Status::Draft,
                "FAILED" => Status::Failed,
                "CANCELLED" => Status::Cancelled,
                // Once finalized, whatever names are added for its progress.
                _ => Status::Finalized,
            },
            total: count("requestTotal"),
            over: completed.and_then(|completed| Some(completed + failed?)),
        })
    }

    async fn list(&self, batch: &str) -> Result<Vec<Listed>, ModelError> {
        let mut all = Vec::new();
        loop {
            let mut url = self.operation("batch", [batch, "requests"]);
            url.set_query(Some(&format!("offset={}&limit={PAGE}", all.len())));
            let page = self.managed(Method::GET, &url, None).await;
            let mut page = page.map_err(|failure| self.batch_error(failure, None))?;
            let has_more = page.get("hasMore") == Some(&Value::Bool(true));
            let Some(Value::Array(requests)) = page.get_mut("requests").map(Value::take) else {
                let failure = Cause::Garbled.seen("a batch without a list of its requests");
                return Err(self.batch_error(failure, None));
            };
            let is_last = !has_more || requests.is_empty();
            all.extend(requests.into_iter().map(|request| {
                Listed {
                    id: request
                        .get("id")
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                        .to_owned(),
                    is_over: Job::has_ended(&request),
                    is_pending: request.get("status").and_then(Value::as_str) == Some("PENDING")
                        && request.get("startedAt").is_none_or(Value::is_null),
                    request,
                }
            }));
            if is_last {
                return Ok(all);
            }
        }
    }

    async fn cancel(&self, batch: &str) -> Result<(), ModelError> {
        match self.manage(Method::POST, &[batch, "cancel"], None).await {
            // The batch is already gone.
            Err(failure) if failure.status() == Some(404) => Ok(()),
            outcome => outcome
                .map(drop)
                .map_err(|failure| self.batch_error(failure, None)),
        }
    }

    fn read(&self, request: &Value, prompt: &Prompt) -> Result<Answer, ModelError> {
        let polled = Job::read(request.clone()).and_then(|job| job.into_polled(prompt));
        match polled {
            Ok(Polled::Done(answer)) => Ok(answer),
            Ok(Polled::Pending { .. }) => Err(Cause::Lost.seen("a request without a result")),
            Err(failure) => Err(failure),
        }
        .map_err(|failure| self.connection.error(Phase::Poll, &failure, Some(prompt)))
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
