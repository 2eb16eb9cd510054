//! The RunPod client, and helpers that submit, poll and classify jobs.

use std::time::Duration;

use reqwest::Url;
use serde_json::{Map, Value};
use transcript_summarizer::http::Http;
use transcript_summarizer::model::{Answer, Capabilities, Model, ModelError, Reply, Ticket};
use transcript_summarizer::prompt::Style;
use transcript_summarizer::provider::RemoteSettings;
use transcript_summarizer::provider::key::Key;
use transcript_summarizer::provider::runpod::RunPod;
use transcript_summarizer::provider::runpod::follow::{Polled, Queue};
use transcript_summarizer::secret::Secret;
use transcript_summarizer::text::Tokens;
use transcript_summarizer::wire::http::Timeouts;

use super::huggingface::prompt;
use super::runpod_jobs::JobPlan;
use super::runpod_server::{KEY, RunPodServer};

/// Longer than any test takes.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) fn client_with(
    url: &str,
    model: Option<&str>,
    parameters: Map<String, Value>,
) -> RunPod {
    let secret = Some(Secret::new(KEY));
    let settings = settings(KEY, url, model, parameters);
    let mut model = RunPod::new(Http::default(), settings, secret);
    model.timeouts = Timeouts {
        first: Duration::from_secs(20),
        idle: Duration::from_secs(20),
    };
    model
}

pub(crate) fn settings(
    key: &str,
    url: &str,
    model: Option<&str>,
    parameters: Map<String, Value>,
) -> RemoteSettings {
    RemoteSettings {
        key: Some(Key::Plain(Secret::new(key))),
        endpoint: Url::parse(url).unwrap(),
        capabilities: Capabilities {
            provider: "runpod",
            model: model.map(str::to_owned),
            context_tokens: None,
            reasoning_tokens: Tokens(0),
            style: Style::Full,
            quotes: false,
            local: false,
            reads_links: false,
        },
        parameters,
    }
}

pub(crate) fn client(server: &RunPodServer) -> RunPod {
    client_with(&server.url(), None, Map::new())
}

/// A client with short timeouts.
pub(crate) fn impatient(server: &RunPodServer) -> RunPod {
    let limit = Duration::from_millis(300);
    let mut model = client(server);
    model.timeouts = Timeouts {
        first: limit,
        idle: limit,
    };
    model
}

/// An unfinished job.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) started: bool,
    pub(crate) held: bool,
}

pub(crate) fn pending(polled: Polled) -> Pending {
    match polled {
        Polled::Pending { started, held } => Pending { started, held },
        Polled::Done(answer) => panic!("done: {answer:?}"),
    }
}

pub(crate) async fn submit(model: &RunPod) -> Ticket {
    match model.submit(&prompt()).await.unwrap() {
        Reply::Queued(ticket) => ticket,
        Reply::Done(answer) => panic!("done: {answer:?}"),
    }
}

/// Polls once.
pub(crate) async fn poll(
    model: &RunPod,
    ticket: &Ticket,
    wait: Duration,
) -> Result<Polled, ModelError> {
    let outcome = model.poll(ticket, &prompt(), wait).await;
    if let Err(error) = &outcome {
        is_clean(error);
    }
    outcome
}

/// Checks that an error shows neither transcript text nor secrets.
pub(crate) fn is_clean(error: &ModelError) {
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("AbCdEfGh"), "the key shows: {shown}");
    assert!(
        !shown.contains("merger before today"),
        "the prompt shows: {shown}"
    );
    assert!(error.message.chars().count() < 700, "{shown}");
}

/// The client's result for a job that ends like this.
pub(crate) async fn outcome(plan: JobPlan) -> Result<Answer, ModelError> {
    let server = RunPodServer::start(move |_| plan.clone()).await;
    let model = client(&server);
    let ticket = submit(&model).await;
    match poll(&model, &ticket, LONG).await? {
        Polled::Done(answer) => Ok(answer),
        pending @ Polled::Pending { .. } => panic!("{pending:?}"),
    }
}

pub(crate) async fn failure(plan: JobPlan) -> ModelError {
    outcome(plan).await.unwrap_err()
}
