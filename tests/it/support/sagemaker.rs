//! A simulated SageMaker runtime in front of a container, and clients of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Url;
use serde_json::{Value, json};
use transcript_summarizer::http::Http;
use transcript_summarizer::model::Capabilities;
use transcript_summarizer::prompt::Style;
use transcript_summarizer::provider::RemoteSettings;
use transcript_summarizer::provider::sagemaker::{SageMaker, Target};
use transcript_summarizer::provider::task::EndpointTask;
use transcript_summarizer::text::Tokens;
use transcript_summarizer::wire::http::Timeouts;

use super::aws::{self, SECRET, event};
use super::behaviour::{Behaviour, End, events};
use super::chat_server::{ChatRequest, ChatServer};
use super::tasks;

pub(crate) const ENDPOINT: &str = "Summaries-1";
pub(crate) const COMPONENT: &str = "flan-t5";

/// A client of the endpoint. With a component, the endpoint has several.
pub(crate) fn client(
    server: &ChatServer,
    task: EndpointTask,
    component: Option<&str>,
    parameters: Value,
) -> SageMaker {
    let settings = RemoteSettings {
        key: None,
        endpoint: Url::parse(&server.at("/")).unwrap(),
        parameters: parameters.as_object().unwrap().clone(),
        capabilities: Capabilities {
            provider: "sagemaker",
            model: Some(ENDPOINT.to_owned()),
            context_tokens: Some(Tokens(32_768)),
            reasoning_tokens: Tokens(0),
            style: Style::Full,
            quotes: false,
            local: false,
            reads_links: false,
        },
    };
    let target = Target {
        endpoint: ENDPOINT.to_owned(),
        component: component.map(str::to_owned),
        task,
    };
    let signer = aws::signer("sagemaker", SECRET);
    let mut model = SageMaker::new(Http::default(), target, settings, signer);
    model.timeouts = Timeouts {
        first: Duration::from_secs(20),
        idle: Duration::from_secs(1),
    };
    model
}

pub(crate) fn model(server: &ChatServer, task: EndpointTask) -> Arc<SageMaker> {
    Arc::new(client(server, task, None, json!({})))
}

/// A runtime that accepts requests with the right signature, and passes them to a container that responds like this.
pub(crate) async fn runtime(
    container: impl Fn(&ChatRequest) -> Behaviour + Send + Sync + 'static,
) -> ChatServer {
    ChatServer::start(move |request| {
        if let Some(refusal) = aws::refuse(request, "sagemaker") {
            return refusal;
        }
        let path = request
            .path
            .strip_prefix(&format!("/endpoints/{ENDPOINT}/"));
        // About the tokens of a long prompt.
        let tokens = match request.body.to_string().len() as u64 / 4 {
            0..1000 => 100,
            tokens => tokens,
        };
        match path {
            Some("invocations") => passed_on(container(request), tokens, false),
            Some("invocations-response-stream") => passed_on(container(request), tokens, true),
            _ => {
                let message = format!(
                    "Endpoint {} of account 123456789012 not found.",
                    request.path
                );
                aws::error(400, "ValidationError", &message)
            }
        }
    })
    .await
}

/// What the runtime makes of a container's reply. Its own errors pass.
fn passed_on(reply: Behaviour, tokens: u64, is_streamed: bool) -> Behaviour {
    match reply {
        Behaviour::Status(status, headers, body)
            if status != 200 && headers.iter().all(|(name, _)| *name != "x-amzn-errortype") =>
        {
            wrapped(u64::from(status), &body)
        }
        Behaviour::Answer(completion) => {
            let usage = completion.usage.unwrap_or((tokens, 50));
            let pieces = events(&completion, usage);
            passed_on(
                Behaviour::Pieces("text/event-stream", pieces, End::Properly),
                tokens,
                is_streamed,
            )
        }
        Behaviour::Pieces(_, pieces, end) if is_streamed => {
            // Parts and events have nothing to do with each other.
            let bytes = pieces.concat();
            let parts = bytes
                .chunks(37)
                .map(|part| event("PayloadPart", Bytes::copy_from_slice(part)));
            Behaviour::Pieces("application/vnd.amazon.eventstream", parts.collect(), end)
        }
        other => other,
    }
}

/// The error in which a container's reply is wrapped.
pub(crate) fn wrapped(status: u64, body: &str) -> Behaviour {
    let message = format!("Received client error ({status}) from primary with message \"{body}\".");
    let error = json!({"ErrorCode": "CLIENT_ERROR_FROM_MODEL", "LogStreamArn": "arn:aws:logs:x", "Message": message,
        "OriginalMessage": body, "OriginalStatusCode": status});
    let headers = vec![("x-amzn-errortype", "ModelError".to_owned())];
    Behaviour::Status(424, headers, error.to_string())
}

/// FLAN-T5 in the Hugging Face container, under the task text2text-generation.
pub(crate) fn flan_t5(request: &ChatRequest) -> Behaviour {
    match tasks::bart(request) {
        Behaviour::Pieces(content_type, pieces, end) => {
            let body = String::from_utf8(pieces.concat()).unwrap();
            let body = body.replace("summary_text", "generated_text");
            Behaviour::Pieces(content_type, vec![body.into()], end)
        }
        other => other,
    }
}
