//! The model providers. Each has a module with its settings and its [`Model`]; the only other place that names it is the
//! registry [`PROVIDERS`].

mod amazon;
pub mod bedrock;
pub mod builtin;
mod connection;
pub(crate) mod fallback;
pub mod huggingface;
pub mod key;
pub mod runpod;
pub mod sagemaker;
pub mod task;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;
use serde_json::{Map, Value};

use crate::aws::secrets::SecretError;
use crate::config::{ConfigError, Environment, Surface, Variable};
use crate::http::{Http, HttpError};
use crate::model::{Capabilities, Model};
use crate::prompt::Style;
use crate::provider::key::Key;
use crate::provider::task::EndpointTask;
use crate::secret::Secret;
use crate::text::Tokens;

/// All providers. `MODEL_PROVIDER` chooses one; without it, the key that is set does.
pub const PROVIDERS: [Registration; 5] = [
    huggingface::REGISTRATION,
    runpod::REGISTRATION,
    bedrock::REGISTRATION,
    sagemaker::REGISTRATION,
    builtin::REGISTRATION,
];

pub(crate) const MODEL_PROVIDER: Variable = Variable::new(
    "MODEL_PROVIDER",
    "name of the provider to use; needed if the keys of several are set. On the command line, and with `STORE_DIR`, the \
     built-in model is used if no key is set",
)
.noting("the one whose key is set");

pub(crate) const MODEL_CONTEXT_TOKENS: Variable = Variable::new(
    "MODEL_CONTEXT_TOKENS",
    "the model's window, input and output together",
)
.or("32768");

const MODEL_REASONING_TOKENS: Variable = Variable::new(
    "MODEL_REASONING_TOKENS",
    "output tokens kept for a model that thinks before it writes; 0 where the window is below 16384. If it is set, provider `huggingface` \
     also tells gpt-oss and vLLM to think no longer, and with 0 tells vLLM, SGLang and llama.cpp not to think",
)
.or("1024");

const MODEL_PARAMETERS: Variable = Variable::new(
    "MODEL_PARAMETERS",
    "JSON object merged into each request: `temperature`, `reasoning_effort`, `chat_template_kwargs`, … \
     `\"max_completion_tokens\": true` sends the limit under that name, as OpenAI's newest models want it",
)
.or("{}");

/// The variables that every provider reads.
pub(crate) const SHARED_VARIABLES: [Variable; 3] = [
    MODEL_CONTEXT_TOKENS,
    MODEL_REASONING_TOKENS,
    MODEL_PARAMETERS,
];

/// Windows smaller than this reserve no tokens for reasoning by default.
const REASONING_CONTEXT: usize = 16_384;

/// The window of an encoder-decoder summarizer such as BART: 1024 tokens for the text and 1024 for the summary.
const SUMMARIZER_CONTEXT: &str = "2048";

/// A provider's entry in the registry.
#[derive(Debug, Clone, Copy)]
pub struct Registration {
    /// Its name in `MODEL_PROVIDER` and in reports.
    pub name: &'static str,
    /// How to choose it, as shown in error messages: "HF_API_TOKEN for Hugging Face".
    pub how_to_choose: &'static str,
    /// The variables that choose it if one of them is set. Empty for the built-in model, which needs no settings.
    pub chosen_by: &'static [Variable],
    /// The variables that choose it if nothing else chooses a provider: they may be set for other programs.
    pub suggested_by: &'static [Variable],
    /// The variables it reads in addition to those that every provider reads.
    pub variables: &'static [Variable],
    /// Those of them that are refused if another provider is chosen, unless they are `false`. The user would wait for an effect
    /// that they do not have.
    pub refused_elsewhere: &'static [Variable],
    /// Reads its settings.
    pub read: fn(Environment<'_>) -> Result<Arc<dyn Settings>, ConfigError>,
}

/// The settings of a provider.
#[async_trait]
pub trait Settings: Debug + Send + Sync {
    /// The capabilities of its model.
    fn capabilities(&self) -> &Capabilities;

    /// A text of all settings that affect answers, without secrets.
    fn fingerprint(&self) -> String;

    /// The host of a server that is not the provider's own, for messages.
    fn own_server(&self) -> Option<&str> {
        None
    }

    /// The settings of the model that takes over if this one cannot be used, and how long this one may be down.
    fn fallback(&self) -> Option<(&dyn Settings, Duration)> {
        None
    }

    /// Creates the model, which sends its requests over `http`. Sends nothing to it yet.
    ///
    /// # Errors
    /// If TLS cannot be set up, the key cannot be read, or the configuration of AWS does not say where to send requests.
    async fn connect(&self, http: &Http) -> Result<Arc<dyn Model>, ConnectError>;

    /// Creates the model for a single request that somebody waits for, which is not sent in a batch.
    ///
    /// # Errors
    /// Those of `connect`.
    async fn connect_at_once(&self, http: &Http) -> Result<Arc<dyn Model>, ConnectError> {
        self.connect(http).await
    }
}

/// The settings of a model behind an endpoint.
#[derive(Debug, Clone)]
pub struct RemoteSettings {
    /// The key; a self-hosted server may need none.
    pub key: Option<Key>,
    /// The URL of the endpoint: for Hugging Face also that of the router or of a route, for RunPod the base URL
    /// `https://api.runpod.ai/v2/<endpoint id>`, for AWS that of the service.
    pub endpoint: Url,
    /// Merged into each request, except for members that the program sets itself.
    pub parameters: Map<String, Value>,
    /// The capabilities of the model, with its id.
    pub capabilities: Capabilities,
}

impl RemoteSettings {
    /// The model's id; empty if none is set, because the endpoint serves only one model.
    fn model(&self) -> &str {
        self.capabilities.model.as_deref().unwrap_or("")
    }

    /// Sets up TLS and fetches the key.
    async fn secret(&self, http: &Http) -> Result<Option<Secret>, ConnectError> {
        http.client()?;
        Ok(match &self.key {
            Some(key) => Some(key.fetch(http).await?),
            None => None,
        })
    }

    /// The settings that affect answers, as a text without secrets.
    fn fingerprint(&self) -> String {
        let parameters = Value::Object(self.parameters.clone());
        format!("{} {} {parameters}", self.endpoint, self.model())
    }
}

/// A failure to create the model.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The key cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The configuration of AWS lacks something or is wrong.
    #[error(transparent)]
    Aws(#[from] ConfigError),
}

/// Reads the settings of the provider that the environment chooses. If it chooses none, the command line uses the built-in
/// model, which needs no settings.
///
/// # Errors
/// The first missing or invalid value.
pub fn read(
    environment: Environment<'_>,
    surface: Surface,
) -> Result<Arc<dyn Settings>, ConfigError> {
    let is_set = |variable: &Variable| environment.text(*variable).is_some();
    let is_named = |variable: &Variable| {
        let default = None;
        is_set(&Variable {
            default,
            ..*variable
        })
    };
    let configured: Vec<Registration> = PROVIDERS
        .into_iter()
        .filter(|provider| provider.chosen_by.iter().any(is_set))
        .collect();
    let choices = PROVIDERS.map(|provider| (provider.name, provider));
    let chosen = environment.choice(MODEL_PROVIDER, &choices)?;
    let suggested = || {
        let is_suggested = |provider: &Registration| provider.suggested_by.iter().any(is_named);
        PROVIDERS.into_iter().find(is_suggested)
    };
    let chosen = match (chosen, &configured[..]) {
        (Some(chosen), _) | (None, &[chosen]) => chosen,
        (None, []) if let Some(suggested) = suggested() => suggested,
        (None, []) => {
            let needs_nothing = |one: &Registration| one.chosen_by.is_empty();
            let built_in = match surface {
                Surface::CommandLine => PROVIDERS.into_iter().find(needs_nothing),
                Surface::Lambda => None,
            };
            let ways = PROVIDERS.map(|provider| provider.how_to_choose).join("; ");
            built_in.ok_or_else(|| ConfigError::missing(MODEL_PROVIDER, format!("set {ways}")))?
        }
        (None, several) => {
            let keys = several.iter().filter_map(|one| one.chosen_by.first());
            let keys: Vec<&str> = keys.map(|variable| variable.name).collect();
            let names: Vec<&str> = several.iter().map(|one| one.name).collect();
            let (keys, names) = (keys.join(" and "), names.join(" or "));
            let expected = format!("{keys} are both set, so set it to {names}");
            return Err(ConfigError::missing(MODEL_PROVIDER, expected));
        }
    };
    for other in PROVIDERS.iter().filter(|other| other.name != chosen.name) {
        for variable in other.refused_elsewhere {
            let value = environment.text(*variable);
            if let Some(value) = value.filter(|value| value != "false") {
                let (own, chosen) = (other.name, chosen.name);
                let expected = format!(
                    "false or nothing with the provider {chosen}: it is for {own} only, so remove it or set {}={own}",
                    MODEL_PROVIDER.name
                );
                return Err(ConfigError::invalid(*variable, value, expected));
            }
        }
    }
    (chosen.read)(environment)
}

/// The capabilities of a model behind an endpoint. `window` is [`MODEL_CONTEXT_TOKENS`] with the provider's default.
fn remote_capabilities(
    environment: Environment<'_>,
    provider: &'static str,
    model: Option<String>,
    window: Variable,
) -> Result<Capabilities, ConfigError> {
    let context = Tokens(environment.number(window, 512..=16_000_000)?);
    let reasoning = match context {
        Tokens(REASONING_CONTEXT..) => MODEL_REASONING_TOKENS,
        _ => MODEL_REASONING_TOKENS.or("0"),
    };
    Ok(Capabilities {
        provider,
        model,
        context_tokens: Some(context),
        reasoning_tokens: Tokens(environment.number(reasoning, 0..=1_000_000)?),
        style: Style::for_window(context),
        quotes: false,
        local: false,
        reads_links: false,
    })
}

/// Whether the user has set how long the model is to reason.
fn is_reasoning_set(environment: Environment<'_>) -> bool {
    let default = None;
    let variable = Variable {
        default,
        ..MODEL_REASONING_TOKENS
    };
    environment.text(variable).is_some()
}

/// The capabilities of a model that serves a task. Encoder-decoder summarizers have windows of their own.
fn task_capabilities(
    environment: Environment<'_>,
    provider: &'static str,
    model: Option<String>,
    task: EndpointTask,
    window: Variable,
) -> Result<Capabilities, ConfigError> {
    Ok(match task {
        EndpointTask::Chat | EndpointTask::TextGeneration => {
            remote_capabilities(environment, provider, model, window)?
        }
        EndpointTask::Summarization => Capabilities {
            style: Style::Bare,
            ..remote_capabilities(environment, provider, model, window.or(SUMMARIZER_CONTEXT))?
        },
    })
}

/// Refuses `MODEL_PARAMETERS` with a member that must not be set. `reserved` gives the reason, and `context` says which
/// setting it depends on.
fn refuse_reserved(
    parameters: &Map<String, Value>,
    context: &str,
    reserved: impl Fn(&str, &Value) -> Option<&'static str>,
) -> Result<(), ConfigError> {
    let refused = parameters
        .iter()
        .find_map(|(name, value)| Some((name, reserved(name, value)?)));
    let Some((member, instead)) = refused else {
        return Ok(());
    };
    let expected = format!("other members{context} ({member} cannot be set: {instead})");
    let value = Value::Object(parameters.clone()).to_string();
    Err(ConfigError::invalid(MODEL_PARAMETERS, value, expected))
}

/// Parses `MODEL_PARAMETERS`.
fn parameters(environment: Environment<'_>) -> Result<Map<String, Value>, ConfigError> {
    let value = environment.text(MODEL_PARAMETERS).unwrap_or_default();
    serde_json::from_str(&value).map_err(|error| {
        let expected = format!("a JSON object such as {{\"temperature\": 0.3}} ({error})");
        ConfigError::invalid(MODEL_PARAMETERS, value, expected)
    })
}
