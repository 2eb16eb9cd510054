//! Amazon SageMaker: an endpoint of one's own, with any of the usual containers.
//!
//! - **Containers.** TGI, vLLM and DJL serve chat completions at `/invocations`, the Hugging Face toolkit serves pipelines
//!   such as summarization by BART or FLAN-T5. SageMaker passes bodies through unchanged.
//! - **Time.** A container must answer within 60 seconds, or within 8 minutes if it streams
//!   ([runtime](https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html)). So chat
//!   completions are streamed, and other tasks have a smaller window by default, with which no answer is longer than 500
//!   words. A container that is too slow goes on computing, and its work is billed.
//! - **Errors of the container** are wrapped in a `ModelError` with its status and its body, and are treated as if the
//!   container had answered itself.
//! - `return_full_text` is not sent: pipelines of encoder-decoder models refuse it.

mod settings;

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::aws::signer::Signer;
use crate::http::Http;
use crate::model::Answer;
use crate::prompt::Prompt;
use crate::provider::RemoteSettings;
use crate::provider::connection::{Connection, Direct};
use crate::provider::task::EndpointTask;
use crate::wire::answer::{self, Format, Limit};
use crate::wire::error_text::mentions;
use crate::wire::failure::{Cause, Failure, Operation};
use crate::wire::http::Timeouts;
use crate::wire::summarization::Dialect;
use crate::wire::{chat, generation, summarization};

pub(crate) use settings::REGISTRATION;
pub use settings::SageMakerSettings;

const INFERENCE_COMPONENT: &str = "x-amzn-sagemaker-inference-component";

/// SageMaker's own limit for a stream is eight minutes.
const STREAMED: Timeouts = Timeouts {
    first: Duration::from_secs(490),
    idle: Duration::from_secs(120),
};

/// SageMaker's own limit is 60 seconds. Its refusal says more than a timeout here.
const WHOLE: Timeouts = Timeouts {
    first: Duration::from_secs(70),
    idle: Duration::from_secs(70),
};

/// A container has not answered in time.
const TOO_SLOW: &str = "timed out while waiting for a response|invocation timed out";

/// The endpoint of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The name of the endpoint.
    pub endpoint: String,
    /// The name of the inference component, if the endpoint has several.
    pub component: Option<String>,
    /// How its container is spoken to.
    pub task: EndpointTask,
}

/// A model behind an endpoint of SageMaker.
#[derive(Debug)]
pub struct SageMaker {
    /// By default a little more than SageMaker's own limits.
    pub timeouts: Timeouts,
    connection: Connection,
    target: Target,
    url: Url,
}

impl SageMaker {
    /// Creates the provider. The endpoint in `settings` is the URL of the service.
    #[must_use]
    pub fn new(http: Http, target: Target, settings: RemoteSettings, signer: Signer) -> Self {
        let (action, operation, timeouts) = match target.task {
            EndpointTask::Chat => (
                "sagemaker:InvokeEndpointWithResponseStream",
                "invocations-response-stream",
                STREAMED,
            ),
            EndpointTask::TextGeneration | EndpointTask::Summarization => {
                ("sagemaker:InvokeEndpoint", "invocations", WHOLE)
            }
        };
        let Target {
            endpoint,
            component,
            ..
        } = &target;
        let mut url = settings.endpoint.clone();
        let base = url.path().trim_end_matches('/');
        let path = format!("{base}/endpoints/{endpoint}/{operation}");
        url.set_path(&path);
        // Permissions name endpoints in lower case.
        let mut resource = format!("endpoint/{}", endpoint.to_lowercase());
        if let Some(component) = component {
            resource.push_str(&format!(" and inference-component/{component}"));
        }
        let connection = Connection::new(http, settings, None, settings::NAMES);
        let mut connection = connection.signed_by(signer);
        connection.endpoint.operation = Some(Operation { action, resource });
        Self {
            timeouts,
            connection,
            target,
            url,
        }
    }

    async fn ask(
        &self,
        body: &impl Serialize,
        format: impl Format,
        limit: Limit,
    ) -> Result<Answer, Failure> {
        let body = serde_json::to_vec(body);
        let body = body.map_err(|error| Cause::Unsendable.seen(error.to_string()))?;
        let component = self.target.component.as_deref();
        let headers: Vec<_> = component
            .map(|name| (INFERENCE_COMPONENT, name))
            .into_iter()
            .collect();
        let request = self.connection.post(&self.url, &headers, body).await?;
        let reply = self.connection.send(request, self.timeouts).await;
        answer::read(reply.map_err(unwrapped)?, format, limit).await
    }
}

/// The container's own reply, if the failure wraps one.
fn unwrapped(failure: Failure) -> Failure {
    let Failure::Refused {
        status: 424, body, ..
    } = &failure
    else {
        return failure;
    };
    let error: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
    let status = error.get("OriginalStatusCode").and_then(Value::as_u64);
    let (said, about) = (text("OriginalMessage"), text("Message"));
    let words = format!("{said} {about}").to_lowercase();
    if status == Some(0) || mentions(&words, TOO_SLOW) {
        let what = "the container gave no answer within SageMaker's limit of 60 s, or of 8 minutes for a stream";
        return Cause::TimedOut.seen(what);
    }
    match status.map(u16::try_from) {
        Some(Ok(status @ 400..=599)) => Failure::Refused {
            status,
            headers: HeaderMap::new(),
            body: said.as_bytes().to_vec(),
        },
        _ => failure,
    }
}

#[async_trait]
impl Direct for SageMaker {
    fn connection(&self) -> &Connection {
        &self.connection
    }

    async fn exchange(&self, prompt: &Prompt, until: Option<Instant>) -> Result<Answer, Failure> {
        let (messages, max_tokens) = (prompt.messages(), prompt.max_tokens().0);
        let limit = Limit { max_tokens, until };
        let parameters = &self.connection.settings.parameters;
        match self.target.task {
            EndpointTask::Chat => {
                let parameters = &match prompt.thinks() {
                    true => parameters.clone(),
                    false => chat::without_thinking(parameters, false),
                };
                let body = chat::Body::new("", messages, max_tokens, parameters);
                self.ask(&body, chat::Completion, limit).await
            }
            EndpointTask::TextGeneration => {
                let text = generation::prompt(messages);
                let mut parameters = generation::parameters(max_tokens, parameters);
                parameters.remove("return_full_text");
                let body = generation::Body {
                    inputs: &text,
                    parameters,
                    stream: None,
                };
                self.ask(&body, generation::TaskReply::generation(&text), limit)
                    .await
            }
            EndpointTask::Summarization => {
                let body = summarization::body(prompt, Dialect::Pipeline, parameters);
                self.ask(&body, generation::TaskReply::default(), limit)
                    .await
            }
        }
    }
}
