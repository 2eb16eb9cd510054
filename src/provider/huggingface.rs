//! Hugging Face: its router, a dedicated endpoint, or any server that speaks the format of one of three tasks.

mod address;
mod reserved;
pub(crate) mod settings;

use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::Serialize;

use crate::http::Http;
use crate::model::{Answer, Capabilities, Model, ModelError, Reply};
use crate::prompt::{Messages, Prompt};
use crate::provider::Registration;
use crate::provider::huggingface::settings::{is_configured, read};
use crate::provider::key::CurrentKey;
use crate::secret::Secret;
use crate::wire::answer::{self, Format};
use crate::wire::failure::{Endpoint, Failure, Phase, SettingNames};
use crate::wire::generation::TaskReply;
use crate::wire::http::{Authorization, Outgoing, Timeouts};
use crate::wire::summarization::{Dialect, Lengths};
use crate::wire::{chat, generation, summarization};

pub use settings::HuggingFaceSettings;

/// Its name in `MODEL_PROVIDER` and in reports.
pub(crate) const NAME: &str = "huggingface";

/// The line in the registry.
pub(crate) const REGISTRATION: Registration = Registration {
    name: NAME,
    variables: settings::VARIABLES,
    how_to_use: "set HF_API_TOKEN (or HF_API_TOKEN_SECRET_ARN) to summarize with Hugging Face",
    is_configured,
    read,
    needs_nothing: false,
};

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
}

/// A model at an endpoint that answers at once: it has no tickets.
#[derive(Debug)]
pub struct HuggingFace {
    http: Http,
    settings: HuggingFaceSettings,
    url: Url,
    key: CurrentKey,
    peer: Endpoint,
    timeouts: Timeouts,
}

impl HuggingFace {
    /// A model at the configured address. Sends nothing yet.
    #[must_use]
    pub fn new(http: Http, mut settings: HuggingFaceSettings, key: CurrentKey) -> Self {
        let task = settings.task;
        let parameters = &mut settings.parameters;
        parameters.retain(|name, value| reserved::is_allowed(task, name, value));
        let endpoint = &settings.endpoint;
        let mut peer = Endpoint::new(endpoint, NAMES, None);
        peer.starts_on_demand = address::is_dedicated(endpoint);
        Self {
            peer,
            url: match task {
                HuggingFaceTask::Chat => address::chat(endpoint),
                HuggingFaceTask::TextGeneration | HuggingFaceTask::Summarization => {
                    address::task(endpoint, &settings.model)
                }
            },
            http,
            settings,
            key,
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

    async fn exchange(&self, prompt: &Prompt, key: Option<&Secret>) -> Result<Answer, Failure> {
        let (messages, max_tokens) = (prompt.messages(), prompt.max_tokens());
        let parameters = &self.settings.parameters;
        match self.settings.task {
            HuggingFaceTask::Chat => {
                let body = chat::Body::new(&self.settings.model, messages, max_tokens, parameters);
                self.ask(&body, key, chat::Completion, max_tokens).await
            }
            HuggingFaceTask::TextGeneration => {
                let text = generation::prompt(messages);
                let body = generation::Body {
                    inputs: &text,
                    parameters: generation::parameters(max_tokens, parameters),
                    stream: (!address::has_fixed_form(&self.url)).then_some(true),
                };
                let format = TaskReply::generation(&text);
                self.ask(&body, key, format, max_tokens).await
            }
            HuggingFaceTask::Summarization => {
                let text = &messages.user;
                let lengths = Lengths::of(prompt);
                let dialect = match address::is_task_api(&self.url) {
                    true => Dialect::TaskApi,
                    false => Dialect::Pipeline,
                };
                let body = summarization::Body::new(text, lengths, dialect, parameters);
                self.ask(&body, key, TaskReply::summarization(), lengths.max)
                    .await
            }
        }
    }

    async fn ask(
        &self,
        body: &(impl Serialize + Sync),
        key: Option<&Secret>,
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
            authorization: Authorization::bearer(key),
            headers,
            body: Some(body),
            timeouts: self.timeouts,
        };
        answer::read(outgoing.send(&self.http).await?, format, max_tokens).await
    }
}

#[async_trait]
impl Model for HuggingFace {
    fn capabilities(&self) -> &Capabilities {
        &self.settings.capabilities
    }

    async fn submit(&self, prompt: &Prompt) -> Result<Reply, ModelError> {
        let key = self.key.get();
        let answer = self.exchange(prompt, key.as_ref()).await;
        answer.map(Reply::Done).map_err(|failure| {
            let Messages { system, user, .. } = prompt.messages();
            let peer = self.peer.with_secret(key);
            peer.error(Phase::Submit, &failure, &[system, user])
        })
    }

    async fn renew_key(&self) -> bool {
        self.key.renew().await
    }

    fn warm_up(&self) {
        self.http.warm_up(&self.settings.endpoint);
    }
}
