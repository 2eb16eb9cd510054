//! Hugging Face: its router, a dedicated endpoint, or any server that speaks the format of one of three tasks.

mod address;
mod reserved;

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::http::Http;
use crate::model::{Answer, Model, ModelError, Reply};
use crate::prompt;
use crate::prompt::{Messages, Request};
use crate::secret::Secret;
use crate::wire::answer::{self, Format};
use crate::wire::failure::{Endpoint, Failure, Phase, SettingNames};
use crate::wire::generation::TaskReply;
use crate::wire::http::{Authorization, Outgoing, Timeouts};
use crate::wire::summarization::{Dialect, Lengths};
use crate::wire::{chat, generation, summarization};

pub use reserved::ParameterError;

/// Has the proxy of a dedicated endpoint hold a request for so many seconds while a replica starts, instead of answering 503.
const SCALE_UP_TIMEOUT: HeaderName = HeaderName::from_static("x-scale-up-timeout");

/// How the settings are called.
const NAMES: SettingNames = SettingNames {
    token: "HF_API_TOKEN",
    model: "HF_MODEL",
    url: "HF_ENDPOINT_URL",
};

/// A section of some hundred words takes seconds on a fast provider and minutes on a busy endpoint of one's own. Streams show
/// that they live, which is why the second limit may be short: it has to cover the reading of a prompt of several thousand
/// tokens by a slow server.
const TIMEOUTS: Timeouts = Timeouts {
    total: Duration::from_secs(600),
    idle: Duration::from_secs(120),
};

/// How an endpoint is spoken to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HuggingFaceTask {
    /// Chat completions, OpenAI's format.
    #[default]
    Chat,
    /// A prompt that is continued: TGI's own route, the toolkit's containers, custom handlers, the task API.
    TextGeneration,
    /// A text that is made shorter: encoder-decoder models such as BART, in the toolkit's containers and the task API.
    Summarization,
}

impl HuggingFaceTask {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Chat, Self::TextGeneration, Self::Summarization];

    /// As `HF_TASK` names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::TextGeneration => "text-generation",
            Self::Summarization => "summarization",
        }
    }

    /// Whether these parameters may be sent with it.
    ///
    /// # Errors
    /// The first member that is set by this program itself.
    pub fn check(self, parameters: &Map<String, Value>) -> Result<(), ParameterError> {
        reserved::check(self, parameters)
    }
}

/// Whether requests to this address name the model in its path, so that there is none without a model.
#[must_use]
pub fn needs_model(task: HuggingFaceTask, endpoint: &Url) -> bool {
    task != HuggingFaceTask::Chat && address::is_router(endpoint)
}

/// Where to send, as whom, and what to ask for.
#[derive(Debug, Clone)]
pub struct HuggingFaceConfig {
    /// How the endpoint is spoken to.
    pub task: HuggingFaceTask,
    /// Sent as a bearer token; endpoints of one's own may need none.
    pub token: Option<Secret>,
    /// The model's id, with `:provider`, `:fastest` or `:cheapest` where wanted.
    pub model: String,
    /// The router, an endpoint, or one of its paths; see [`parse_endpoint`](crate::wire::endpoint::parse_endpoint).
    pub endpoint: Url,
    /// Merged into each body: `temperature`, `reasoning_effort`, `chat_template_kwargs`, … What this program sets itself is
    /// left out; [`HuggingFaceTask::check`] says what that is.
    pub parameters: Map<String, Value>,
}

/// A model at an endpoint that answers at once: it has no tickets.
#[derive(Debug, Clone)]
pub struct HuggingFace {
    http: Http,
    task: HuggingFaceTask,
    url: Url,
    token: Option<Secret>,
    model: String,
    parameters: Map<String, Value>,
    peer: Endpoint,
    timeouts: Timeouts,
}

impl HuggingFace {
    /// A model at the configured address. Sends nothing yet.
    #[must_use]
    pub fn new(http: Http, config: HuggingFaceConfig) -> Self {
        let HuggingFaceConfig {
            task,
            token,
            model,
            endpoint,
            mut parameters,
        } = config;
        parameters.retain(|name, value| reserved::is_allowed(task, name, value));
        let mut peer = Endpoint::new(&endpoint, NAMES, token.clone());
        peer.starts_on_demand = address::is_dedicated(&endpoint);
        Self {
            peer,
            url: match task {
                HuggingFaceTask::Chat => address::chat(&endpoint),
                HuggingFaceTask::TextGeneration | HuggingFaceTask::Summarization => {
                    address::task(&endpoint, &model)
                }
            },
            http,
            task,
            token,
            model,
            parameters,
            timeouts: TIMEOUTS,
        }
    }

    /// With other limits than the usual ones of ten minutes in all and two of silence.
    #[must_use]
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// At an endpoint that starts when it is called, as dedicated endpoints are known to do by their domain.
    #[must_use]
    pub fn starting_on_demand(mut self) -> Self {
        self.peer.starts_on_demand = true;
        self
    }

    async fn exchange(&self, messages: &Messages, request: &Request) -> Result<Answer, Failure> {
        let (max_tokens, parameters) = (request.max_tokens, &self.parameters);
        match self.task {
            HuggingFaceTask::Chat => {
                let body = chat::Body::new(&self.model, messages, max_tokens, parameters);
                self.ask(&body, chat::Completion, max_tokens).await
            }
            HuggingFaceTask::TextGeneration => {
                let prompt = generation::prompt(messages);
                let body = generation::Body {
                    inputs: &prompt,
                    parameters: generation::parameters(max_tokens, parameters),
                    stream: (!address::has_fixed_form(&self.url)).then_some(true),
                };
                let format = TaskReply::generation(&prompt);
                self.ask(&body, format, max_tokens).await
            }
            HuggingFaceTask::Summarization => {
                let text = &messages.user;
                let lengths = Lengths::of(request, text);
                let dialect = match address::is_task_api(&self.url) {
                    true => Dialect::TaskApi,
                    false => Dialect::Pipeline,
                };
                let body = summarization::Body::new(text, lengths, dialect, parameters);
                self.ask(&body, TaskReply::summarization(), lengths.max)
                    .await
            }
        }
    }

    async fn ask(
        &self,
        body: &impl Serialize,
        format: impl Format,
        max_tokens: usize,
    ) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        if self.peer.starts_on_demand {
            // A request that is let in at the last moment still has as long again to be answered.
            let seconds = (self.timeouts.total / 2).as_secs();
            headers.insert(SCALE_UP_TIMEOUT, HeaderValue::from(seconds));
        }
        let outgoing = Outgoing {
            method: Method::POST,
            url: &self.url,
            authorization: Authorization::bearer(self.token.as_ref()),
            headers,
            body: Some(body),
            timeouts: self.timeouts,
        };
        answer::read(outgoing.send(&self.http).await?, format, max_tokens).await
    }
}

impl Model for HuggingFace {
    async fn submit(&self, request: &Request) -> Result<Reply, ModelError> {
        let messages = prompt::messages(request);
        match self.exchange(&messages, request).await {
            Ok(answer) => Ok(Reply::Done(answer)),
            Err(failure) => {
                let sent = [messages.system.as_str(), messages.user.as_str()];
                Err(self.peer.error(Phase::Submit, &failure, &sent))
            }
        }
    }
}
