//! Hugging Face: its router, a dedicated endpoint, or any server that implements the API of one of three tasks.
//!
//! - **URLs.** The [router](https://huggingface.co/docs/inference-providers) accepts chat completions for all models. It
//!   chooses the provider that serves a model, unless a suffix of the model's id names one. A [dedicated
//!   endpoint](https://huggingface.co/docs/inference-endpoints) serves one model at its own URL. The key is a bearer token;
//!   self-hosted servers may need none.
//! - **Answers are streamed**, because gateways reply 504 to a request if nothing is sent for about a minute. The generation
//!   may be billed even so.
//! - **Scale to zero.** The first request wakes the endpoint up. The proxy replies 503 or 502 until a replica runs, which
//!   takes minutes. With `X-Scale-Up-Timeout` it holds the request for up to that many seconds instead. A *paused* endpoint
//!   replies 400, and only a person can resume it.
//! - **Used-up credits** cause a 402 until somebody buys more. The router does not switch to another provider when one
//!   fails: it passes the provider's reply on, including 5xx.

mod address;
mod reserved;
mod settings;
mod thinking;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{CONNECTION, HeaderName};
use reqwest::{Method, Url};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::http::Http;
use crate::model::{Answer, Served};
use crate::prompt::Prompt;
use crate::provider::RemoteSettings;
use crate::provider::connection::{Connection, Direct};
use crate::provider::task::EndpointTask;
use crate::secret::Secret;
use crate::text::Tokens;
use crate::wire::answer::{self, Format, Limit};
use crate::wire::failure::{Failure, Site};
use crate::wire::http::Timeouts;
use crate::wire::{chat, generation, served, summarization};

use thinking::{Member, Thinking};

pub use settings::HuggingFaceSettings;
pub(crate) use settings::{HF_TOKEN_PATH, REGISTRATION, login_file};

const SCALE_UP_TIMEOUT: HeaderName = HeaderName::from_static("x-scale-up-timeout");

/// How llama.cpp names itself in the list of models. Its other routes tell how many slots it has.
const LLAMA_CPP: (&str, &str) = ("/data/0/owned_by", "llamacpp");

/// A server without a GPU takes minutes to read a prompt of several thousand tokens before it writes the first one. Between two
/// pieces of an answer only a server that reads the prompts of other calls is slow.
const TIMEOUTS: Timeouts = Timeouts {
    first: Duration::from_secs(600),
    idle: Duration::from_secs(120),
};

/// Where a server lists its models.
const MODELS: &str = "/v1/models";

/// A server may be started again with another model or window.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// A model behind an endpoint without a queue.
#[derive(Debug)]
pub struct HuggingFace {
    /// By default ten minutes until an answer begins, and two minutes between its pieces.
    pub timeouts: Timeouts,
    connection: Connection,
    task: EndpointTask,
    /// The URL that prompts are sent to.
    url: Url,
    /// How long the model is to reason, if the user has set that.
    thinking: Option<Thinking>,
    /// The list of models, and when the server gave it.
    models: Mutex<Option<(Instant, Arc<Value>)>>,
}

impl HuggingFace {
    /// Creates the provider for the configured endpoint with the fetched key. Sends nothing yet.
    #[must_use]
    pub fn new(
        http: Http,
        task: EndpointTask,
        mut settings: RemoteSettings,
        secret: Option<Secret>,
    ) -> Self {
        let parameters = &mut settings.parameters;
        parameters.retain(|name, value| reserved::reason(task, name, value).is_none());
        let url = match task {
            EndpointTask::Chat => address::chat(&settings.endpoint),
            EndpointTask::TextGeneration | EndpointTask::Summarization => {
                address::task(&settings.endpoint, settings.model())
            }
        };
        let site = address::site(&settings.endpoint);
        let mut connection = Connection::new(http, settings, secret, settings::NAMES);
        connection.endpoint.site = site;
        Self {
            timeouts: TIMEOUTS,
            connection,
            task,
            url,
            thinking: None,
            models: Mutex::default(),
        }
    }

    /// Tells the model to reason for at most `budget` tokens, if it is known how to.
    #[must_use]
    pub fn thinking_at_most(mut self, budget: Option<Tokens>) -> Self {
        self.thinking = budget.map(Thinking::new);
        self
    }

    /// Treats the endpoint as a dedicated one, which starts on demand. Dedicated endpoints are recognized by their domain.
    #[must_use]
    pub fn starting_on_demand(mut self) -> Self {
        self.connection.endpoint.site = Site::Dedicated;
        self
    }

    /// Names this variable in messages about the token.
    #[must_use]
    pub fn with_token_of(mut self, variable: &'static str) -> Self {
        self.connection.endpoint.settings.token = variable;
        self
    }

    /// The member that tells the model how long to reason, unless the user has set it otherwise.
    async fn thinking_member(&self, prompt: &Prompt) -> Option<(&Thinking, &Member)> {
        let thinking = self.thinking.as_ref().filter(|_| prompt.thinks())?;
        let settings = &self.connection.settings;
        let find = async || match thinking::of_model(settings.model(), thinking.budget) {
            None if !address::is_router_host(&settings.endpoint) => {
                // If it is not up yet, it is asked again.
                let models = self.models().await.ok_or(())?;
                Ok(thinking::of_server(&models, thinking.budget))
            }
            member => Ok::<_, ()>(member),
        };
        let member = thinking.member.get_or_try_init(find).await.ok()?.as_ref();
        let member = member.filter(|(name, _)| {
            !thinking.is_refused() && !settings.parameters.contains_key(*name)
        })?;
        Some((thinking, member))
    }

    /// The server's list of models. Whoever asks within a minute shares a request.
    async fn models(&self) -> Option<Arc<Value>> {
        let mut known = self.models.lock().await;
        if let Some((at, models)) = &*known
            && at.elapsed() < ASK_AGAIN
        {
            return Some(Arc::clone(models));
        }
        let url = address::beside(&self.connection.settings.endpoint, MODELS);
        let models = Arc::new(self.connection.get(&url).await?);
        *known = Some((Instant::now(), Arc::clone(&models)));
        Some(models)
    }

    /// What the server says of its model. The router's window depends on the provider that it chooses; encoder-decoder models
    /// have a window for the text and one for the summary.
    async fn ask_about_model(&self) -> Served {
        let settings = &self.connection.settings;
        let endpoint = &settings.endpoint;
        if self.task == EndpointTask::Summarization || address::is_router_host(endpoint) {
            return Served::default();
        }
        let ask = async |route| self.connection.get(&address::beside(endpoint, route)).await;
        let Some(models) = self.models().await else {
            return Served::default();
        };
        let served = served::in_models(&models, settings.model());
        if served.window.is_some() && models.pointer(LLAMA_CPP.0) != Some(&LLAMA_CPP.1.into()) {
            return served;
        }
        let props = served::in_props(&ask("/props").await.unwrap_or_default());
        match props.window.or(served.window) {
            None => served::in_info(&ask("/info").await.unwrap_or_default()),
            window => Served { window, ..props },
        }
    }

    async fn ask(
        &self,
        body: &impl Serialize,
        format: impl Format,
        limit: Limit,
    ) -> Result<Answer, Failure> {
        let connection = &self.connection;
        // Many servers close a connection after an answer without saying so. A request that is sent over it at that moment is
        // lost, and HTTP/1.1 does not tell whether it was read. A new connection costs a few milliseconds, an answer that may have
        // been generated in vain costs minutes.
        let request = connection.request(Method::POST, &self.url)?;
        let mut request = request.header(CONNECTION, "close").json(body);
        if connection.endpoint.site == Site::Dedicated {
            // Half of the limit, so that a request that is held until the last moment still has the other half.
            let seconds = (self.timeouts.first / 2).as_secs();
            request = request.header(SCALE_UP_TIMEOUT, seconds);
        }
        let reply = connection.send(request, self.timeouts).await?;
        answer::read(reply, format, limit).await
    }
}

#[async_trait]
impl Direct for HuggingFace {
    fn connection(&self) -> &Connection {
        &self.connection
    }

    async fn served(&self) -> Served {
        self.ask_about_model().await
    }

    async fn exchange(&self, prompt: &Prompt, until: Option<Instant>) -> Result<Answer, Failure> {
        let (messages, max_tokens) = (prompt.messages(), prompt.max_tokens().0);
        let limit = Limit { max_tokens, until };
        let settings = &self.connection.settings;
        let parameters = &settings.parameters;
        match self.task {
            EndpointTask::Chat => {
                let is_router = address::is_router_host(&settings.endpoint);
                let thinking = self.thinking_member(prompt).await;
                let parameters = &match (prompt.thinks(), thinking) {
                    (true, None) => Cow::Borrowed(parameters),
                    (true, Some((_, (name, value)))) => {
                        let mut parameters = parameters.clone();
                        parameters.insert((*name).to_owned(), value.clone());
                        Cow::Owned(parameters)
                    }
                    (false, _) => Cow::Owned(chat::without_thinking(parameters, is_router)),
                };
                let body = chat::Body::new(settings.model(), messages, max_tokens, parameters);
                let asked = self.ask(&body, chat::Completion, limit).await;
                asked.map_err(|failure| match thinking {
                    Some((thinking, member)) => thinking.learned(member, failure),
                    None => failure,
                })
            }
            EndpointTask::TextGeneration => {
                let text = generation::prompt(messages);
                let body = generation::Body {
                    inputs: &text,
                    parameters: generation::parameters(max_tokens, parameters),
                    stream: (!address::has_fixed_form(&self.url)).then_some(true),
                };
                self.ask(&body, generation::TaskReply::generation(&text), limit)
                    .await
            }
            EndpointTask::Summarization => {
                let dialect = address::dialect(&self.url);
                let body = summarization::body(prompt, dialect, parameters);
                self.ask(&body, generation::TaskReply::default(), limit)
                    .await
            }
        }
    }
}
