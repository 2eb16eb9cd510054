//! Hugging Face: its router, a dedicated endpoint, or any server that speaks the format of one of three tasks.
//!
//! - **Addresses.** The [router](https://huggingface.co/docs/inference-providers) takes chat completions for all models and
//!   chooses who serves one, or takes the choice as a suffix of the model's id. A [dedicated
//!   endpoint](https://huggingface.co/docs/inference-endpoints) serves one model below an address of its own. The key is a
//!   bearer token; servers of one's own may need none.
//! - **Answers are streamed**, because gateways answer 504 to requests that show no life for about a minute. Such a
//!   generation may be billed all the same.
//! - **Scale to zero.** The first request wakes an endpoint up; the proxy answers 503 or 502 until a replica runs, which takes
//!   minutes, unless `X-Scale-Up-Timeout` has it hold the request for so many seconds. A *paused* endpoint answers 400, and
//!   only a person can resume it.
//! - **Used-up credits** are 402, and stay so until somebody buys more. The router's choice of a server is not per request:
//!   what that server answers, 5xx included, is passed on.

mod address;
mod reserved;
mod settings;

use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::Serialize;

use crate::http::Http;
use crate::model::{Answer, Capabilities, Model, ModelError, Reply};
use crate::prompt::Prompt;
use crate::provider::connection::Connection;
use crate::secret::Secret;
use crate::wire::answer::{self, Format};
use crate::wire::failure::{Endpoint, Failure, Phase};
use crate::wire::generation::TaskReply;
use crate::wire::http::Timeouts;
use crate::wire::summarization::{Dialect, Lengths};
use crate::wire::{chat, generation, summarization};

pub(crate) use settings::REGISTRATION;
pub use settings::{HuggingFaceSettings, HuggingFaceTask};

const SCALE_UP_TIMEOUT: HeaderName = HeaderName::from_static("x-scale-up-timeout");

/// A section of some hundred words takes seconds on a fast provider and minutes on a busy endpoint of one's own. A stream
/// shows life, so the second limit may be short: it has to cover the time in which a slow server reads a prompt of several
/// thousand tokens.
const TIMEOUTS: Timeouts = Timeouts {
    total: Duration::from_secs(600),
    idle: Duration::from_secs(120),
};

/// A model at an endpoint that answers at once.
#[derive(Debug)]
pub struct HuggingFace {
    connection: Connection,
    settings: HuggingFaceSettings,
    /// Where prompts are sent.
    url: Url,
}

impl HuggingFace {
    /// A model at the configured address, with a key that was fetched. Sends nothing yet.
    #[must_use]
    pub fn new(http: Http, mut settings: HuggingFaceSettings, secret: Option<Secret>) -> Self {
        let task = settings.task;
        let parameters = &mut settings.parameters;
        parameters.retain(|name, value| reserved::is_allowed(task, name, value));
        let url = match task {
            HuggingFaceTask::Chat => address::chat(&settings.endpoint),
            HuggingFaceTask::TextGeneration | HuggingFaceTask::Summarization => {
                address::task(&settings.endpoint, settings.model())
            }
        };
        let mut endpoint = Endpoint::new(&settings.endpoint, settings::NAMES, None);
        endpoint.starts_on_demand = address::is_dedicated(&settings.endpoint);
        let key = settings.token.clone();
        Self {
            connection: Connection::new(http, key, secret, endpoint, TIMEOUTS),
            settings,
            url,
        }
    }

    /// The same model with other limits than ten minutes in all and two of silence.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.connection.timeouts = timeouts;
        self
    }

    /// The same model at an endpoint that starts when it is called. Dedicated endpoints are known by their domain.
    #[must_use]
    pub fn starting_on_demand(mut self) -> Self {
        self.connection.endpoint.starts_on_demand = true;
        self
    }

    async fn exchange(&self, prompt: &Prompt) -> Result<Answer, Failure> {
        let (messages, max_tokens) = (prompt.messages(), prompt.max_tokens());
        let parameters = &self.settings.parameters;
        match self.settings.task {
            HuggingFaceTask::Chat => {
                let body = chat::Body::new(self.settings.model(), messages, max_tokens, parameters);
                self.ask(&body, chat::Completion, max_tokens).await
            }
            HuggingFaceTask::TextGeneration => {
                let text = generation::prompt(messages);
                let body = generation::Body {
                    inputs: &text,
                    parameters: generation::parameters(max_tokens, parameters),
                    stream: (!address::has_fixed_form(&self.url)).then_some(true),
                };
                self.ask(&body, TaskReply::generation(&text), max_tokens)
                    .await
            }
            HuggingFaceTask::Summarization => {
                let lengths = Lengths::of(prompt);
                let dialect = match address::is_task_api(&self.url) {
                    true => Dialect::TaskApi,
                    false => Dialect::Pipeline,
                };
                let body = summarization::Body::new(&messages.user, lengths, dialect, parameters);
                self.ask(&body, TaskReply::summarization(), lengths.max)
                    .await
            }
        }
    }

    async fn ask(
        &self,
        body: &(impl Serialize + Sync),
        format: impl Format,
        max_tokens: usize,
    ) -> Result<Answer, Failure> {
        let mut headers = HeaderMap::new();
        if self.connection.endpoint.starts_on_demand {
            // A request that is let in at the last moment has as long again to be answered.
            let seconds = (self.connection.timeouts.total / 2).as_secs();
            headers.insert(SCALE_UP_TIMEOUT, HeaderValue::from(seconds));
        }
        let hold = Duration::ZERO;
        let sent = self
            .connection
            .send(Method::POST, &self.url, headers, Some(body), hold);
        answer::read(sent.await?, format, max_tokens).await
    }
}

#[async_trait]
impl Model for HuggingFace {
    fn capabilities(&self) -> &Capabilities {
        &self.settings.capabilities
    }

    async fn submit(&self, prompt: &Prompt) -> Result<Reply, ModelError> {
        let answer = self.exchange(prompt).await;
        let error = |failure| self.connection.error(Phase::Submit, &failure, Some(prompt));
        answer.map(Reply::Done).map_err(error)
    }

    async fn renew_key(&self) -> bool {
        self.connection.renew_key().await
    }

    fn warm_up(&self) {
        self.connection.warm_up(&self.settings.endpoint);
    }
}
