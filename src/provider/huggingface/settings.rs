//! The settings of the Hugging Face provider, and how they belong together.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Url;
use serde_json::{Map, Value};

use crate::config::{ConfigError, Environment, Variable};
use crate::http::Http;
use crate::model::{Capabilities, Model};
use crate::prompt::Style;
use crate::provider::huggingface::{HuggingFace, HuggingFaceTask, NAME, address, reserved};
use crate::provider::key::{CurrentKey, Key};
use crate::provider::{
    ConnectError, DEFAULT_CONTEXT, MODEL_PARAMETERS, Settings, parameters, window,
};
use crate::wire::endpoint::parse_endpoint;

pub(crate) const HF_API_TOKEN: Variable = Variable::new("HF_API_TOKEN", "the Hugging Face token");

const HF_API_TOKEN_SECRET_ARN: Variable = Variable::new(
    "HF_API_TOKEN_SECRET_ARN",
    "the Secrets Manager secret that holds it, as plain text or as JSON with the key `HF_API_TOKEN`",
);

const HF_MODEL: Variable = Variable::new(
    "HF_MODEL",
    "model id; `:provider`, `:fastest`, `:cheapest` suffixes pass through. No default for the other tasks",
)
.noting("`openai/gpt-oss-120b`");

const HF_ENDPOINT_URL: Variable = Variable::new(
    "HF_ENDPOINT_URL",
    "the router, a dedicated endpoint, or any OpenAI-compatible server",
)
.or(ROUTER);

const HF_TASK: Variable = Variable::new(
    "HF_TASK",
    "how the endpoint is spoken to: `chat`; `text-generation` for TGI's own route, toolkit containers and custom handlers; \
     `summarization` for models such as `facebook/bart-large-cnn`",
)
.or("chat");

/// The variables of this provider, its key first.
pub(crate) const VARIABLES: &[Variable] = &[
    HF_API_TOKEN,
    HF_API_TOKEN_SECRET_ARN,
    HF_MODEL,
    HF_ENDPOINT_URL,
    HF_TASK,
];

/// The router of Hugging Face's inference providers. It asks for a token; other servers may not.
const ROUTER: &str = "https://router.huggingface.co/v1";

/// The chat model that is used unless another one is named.
const CHAT_MODEL: &str = "openai/gpt-oss-120b";

/// Window of an encoder-decoder summarizer such as BART: 1024 tokens of text, and as many of summary.
const SUMMARIZER_CONTEXT: usize = 2048;

/// The settings of the Hugging Face provider.
#[derive(Debug, Clone)]
pub struct HuggingFaceSettings {
    /// How the endpoint is spoken to.
    pub task: HuggingFaceTask,
    /// The token; servers of one's own may need none.
    pub token: Option<Key>,
    /// The model's id; empty if the endpoint serves one model and its name is not known.
    pub model: String,
    /// The router, an endpoint, or one of its paths.
    pub endpoint: Url,
    /// Merged into each body. What the program sets itself is left out.
    pub parameters: Map<String, Value>,
    /// What follows from the above.
    pub capabilities: Capabilities,
}

pub(crate) fn is_configured(environment: Environment<'_>) -> Result<bool, ConfigError> {
    Ok(Key::read(environment, HF_API_TOKEN, HF_API_TOKEN_SECRET_ARN)?.is_some())
}

pub(crate) fn read(environment: Environment<'_>) -> Result<Arc<dyn Settings>, ConfigError> {
    Ok(Arc::new(HuggingFaceSettings::read(environment)?))
}

impl HuggingFaceSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// The first missing or wrong value.
    pub fn read(environment: Environment<'_>) -> Result<Self, ConfigError> {
        let token = Key::read(environment, HF_API_TOKEN, HF_API_TOKEN_SECRET_ARN)?;
        let parameters = parameters(environment)?;
        let address = environment.text(HF_ENDPOINT_URL);
        let endpoint = parse_endpoint(HF_ENDPOINT_URL, address.as_deref().unwrap_or(ROUTER))?;
        if token.is_none() && address::is_router_host(&endpoint) {
            return Err(ConfigError::missing(
                HF_API_TOKEN,
                "the router wants a token with the permission \"Make calls to Inference Providers\"; set it, or \
                 HF_API_TOKEN_SECRET_ARN",
            ));
        }
        let tasks = HuggingFaceTask::ALL.map(|task| (task.name(), task));
        let task = environment.choice(HF_TASK, &tasks)?.unwrap_or_default();
        let model = match (environment.text(HF_MODEL), task) {
            (Some(model), _) => model,
            (None, HuggingFaceTask::Chat) => CHAT_MODEL.to_owned(),
            // Requests to the router name the model in their path, so there is none without a model.
            (None, _) if address::is_router(&endpoint) => {
                let expected = format!(
                    "with HF_TASK={} the router is asked for one model, for example facebook/bart-large-cnn",
                    task.name()
                );
                return Err(ConfigError::missing(HF_MODEL, expected));
            }
            (None, _) => String::new(),
        };
        reserved::check(task, &parameters).map_err(|error| {
            let value = Value::Object(parameters.clone()).to_string();
            let expected = format!("other members with HF_TASK={} ({error})", task.name());
            ConfigError::invalid(MODEL_PARAMETERS, value, expected)
        })?;
        let is_summarizer = task == HuggingFaceTask::Summarization;
        let default_context = if is_summarizer {
            SUMMARIZER_CONTEXT
        } else {
            DEFAULT_CONTEXT
        };
        let (context, reasoning) = window(environment, default_context)?;
        let style = if is_summarizer {
            Style::Bare
        } else {
            Style::for_window(context)
        };
        Ok(Self {
            task,
            token,
            capabilities: Capabilities {
                provider: NAME,
                model: Some(model.clone()).filter(|id| !id.is_empty()),
                context_tokens: Some(context),
                reasoning_tokens: reasoning,
                style,
                quotes: false,
                local: false,
            },
            model,
            endpoint,
            parameters,
        })
    }
}

#[async_trait]
impl Settings for HuggingFaceSettings {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn fingerprint(&self) -> String {
        let parameters = Value::Object(self.parameters.clone());
        let (task, endpoint, model) = (self.task.name(), &self.endpoint, &self.model);
        format!("{NAME} {task} {endpoint} {model} {parameters}")
    }

    async fn connect(&self, http: &Http) -> Result<Arc<dyn Model>, ConnectError> {
        http.client()?;
        let key = CurrentKey::fetch(self.token.as_ref(), HF_API_TOKEN, http).await?;
        Ok(Arc::new(HuggingFace::new(http.clone(), self.clone(), key)))
    }
}
