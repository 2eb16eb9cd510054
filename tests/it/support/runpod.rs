//! The RunPod client, and what it makes of a job.

use std::time::Duration;

use serde_json::{Map, Value};
use transcript_summarizer::http::Http;
use transcript_summarizer::model::{Answer, Model, ModelError, Pending, Reply, Ticket};
use transcript_summarizer::provider::runpod::{RunPod, RunPodConfig};
use transcript_summarizer::secret::Secret;
use transcript_summarizer::wire::endpoint::Url;
use transcript_summarizer::wire::http::Timeouts;

use super::huggingface::request;
use super::runpod_jobs::JobPlan;
use super::runpod_server::{KEY, RunPodServer};

/// Longer than a test takes.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) fn client_with(
    url: &str,
    model: Option<&str>,
    parameters: Map<String, Value>,
) -> RunPod {
    let config = RunPodConfig {
        key: Some(Secret::new(KEY)),
        endpoint: Url::parse(url).unwrap(),
        model: model.map(str::to_owned),
        parameters,
    };
    RunPod::new(Http::default(), config).with_timeouts(Timeouts {
        total: Duration::from_secs(20),
        idle: Duration::from_secs(20),
    })
}

pub(crate) fn client(server: &RunPodServer) -> RunPod {
    client_with(&server.url(), None, Map::new())
}

/// A client that does not wait long.
pub(crate) fn impatient(server: &RunPodServer) -> RunPod {
    let limit = Duration::from_millis(300);
    client(server).with_timeouts(Timeouts {
        total: limit,
        idle: limit,
    })
}

pub(crate) fn pending(reply: Reply) -> Pending {
    match reply {
        Reply::Pending(pending) => pending,
        Reply::Done(answer) => panic!("done: {answer:?}"),
    }
}

pub(crate) async fn submit(model: &RunPod) -> Ticket {
    pending(model.submit(&request()).await.unwrap()).ticket
}

/// Asks once.
pub(crate) async fn poll(
    model: &RunPod,
    ticket: &Ticket,
    wait: Duration,
) -> Result<Reply, ModelError> {
    let outcome = model.poll(ticket, &request(), wait).await;
    if let Err(error) = &outcome {
        is_clean(error);
    }
    outcome
}

/// No error may show what was said or what is secret.
pub(crate) fn is_clean(error: &ModelError) {
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("AbCdEfGh"), "the key shows: {shown}");
    assert!(
        !shown.contains("merger before today"),
        "the prompt shows: {shown}"
    );
    assert!(error.message.chars().count() < 700, "{shown}");
}

/// What the client makes of a job that has ended like this.
pub(crate) async fn outcome(plan: JobPlan) -> Result<Answer, ModelError> {
    let server = RunPodServer::start(move |_| plan.clone()).await;
    let model = client(&server);
    let ticket = submit(&model).await;
    match poll(&model, &ticket, LONG).await? {
        Reply::Done(answer) => Ok(answer),
        Reply::Pending(pending) => panic!("{pending:?}"),
    }
}

pub(crate) async fn failure(plan: JobPlan) -> ModelError {
    outcome(plan).await.unwrap_err()
}
