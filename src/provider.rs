//! The providers of models. Each is a folder with its settings, its connection, its wire format and its [`Model`]; the
//! registry [`PROVIDERS`] is the only other place that names it.

pub mod builtin;
pub mod huggingface;
pub mod key;
pub mod runpod;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::aws::secrets::SecretError;
use crate::config::{ConfigError, Environment, Variable};
use crate::http::{Http, HttpError};
use crate::model::{Capabilities, Model};

/// All providers. What is set in the environment chooses one, or `MODEL_PROVIDER` does.
pub const PROVIDERS: [Registration; 3] = [
    huggingface::REGISTRATION,
    runpod::REGISTRATION,
    builtin::REGISTRATION,
];

pub(crate) const MODEL_PROVIDER: Variable = Variable::new(
    "MODEL_PROVIDER",
    "`huggingface`, `runpod` or `extractive`. On the command line, and with `STORE_DIR`, `extractive` if no key is set",
)
.noting("the one whose key is set");

pub(crate) const MODEL_CONTEXT_TOKENS: Variable = Variable::new(
    "MODEL_CONTEXT_TOKENS",
    "the model's window, input and output together; for `summarization` half of it each",
)
.noting("`32768` (2048 for `HF_TASK=summarization`)");

pub(crate) const MODEL_REASONING_TOKENS: Variable = Variable::new(
    "MODEL_REASONING_TOKENS",
    "output tokens kept for a model that thinks before it writes; 0 where the window is below 16384",
)
.noting("`1024`");

pub(crate) const MODEL_PARAMETERS: Variable = Variable::new(
    "MODEL_PARAMETERS",
    "JSON object merged into each request: `temperature`, `reasoning_effort`, `chat_template_kwargs`, … \
     `\"max_completion_tokens\": true` sends the limit under that name, as OpenAI's newest models want it",
)
.or("{}");

/// The variables that every provider reads.
pub const SHARED_VARIABLES: [Variable; 3] = [
    MODEL_CONTEXT_TOKENS,
    MODEL_REASONING_TOKENS,
    MODEL_PARAMETERS,
];

/// Window of a chat model, as long as nothing else is known, in tokens.
const DEFAULT_CONTEXT: usize = 32_768;

/// Smaller windows keep nothing for reasoning.
const REASONING_CONTEXT: usize = 16_384;

/// What the registry knows of a provider.
#[derive(Debug, Clone, Copy)]
pub struct Registration {
    /// Its name for `MODEL_PROVIDER` and in reports.
    pub name: &'static str,
    /// The variables that it reads besides [`SHARED_VARIABLES`].
    pub variables: &'static [Variable],
    /// What to set to use it, in words.
    pub how_to_use: &'static str,
    /// Whether the environment holds the key of this provider.
    pub is_configured: fn(Environment<'_>) -> Result<bool, ConfigError>,
    /// Reads its settings.
    pub read: fn(Environment<'_>) -> Result<Arc<dyn Settings>, ConfigError>,
    /// It needs no settings: for development, where nobody waits for a summary by a model.
    pub needs_nothing: bool,
}

/// The settings of a provider.
#[async_trait]
pub trait Settings: Debug + Send + Sync {
    /// What its model can do.
    fn capabilities(&self) -> &Capabilities;

    /// Everything that changes answers; no secrets.
    fn fingerprint(&self) -> String;

    /// Makes the model, which calls over `http`.
    async fn connect(&self, http: &Http) -> Result<Arc<dyn Model>, ConnectError>;
}

/// A model that cannot be reached, because its key cannot be read or TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The key cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// What holds where no provider is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unconfigured {
    /// The provider that needs nothing is used: on a command line, or in development.
    UseBuiltIn,
    /// It is an error: in a deployed function.
    Refuse,
}

/// Reads the provider that the environment chooses, and its settings.
///
/// # Errors
/// The first missing or wrong value.
pub fn read(
    environment: Environment<'_>,
    unconfigured: Unconfigured,
) -> Result<Arc<dyn Settings>, ConfigError> {
    let mut configured = Vec::new();
    for provider in PROVIDERS {
        if (provider.is_configured)(environment)? {
            configured.push(provider);
        }
    }
    let choices = PROVIDERS.map(|provider| (provider.name, provider));
    let chosen = match (
        environment.choice(MODEL_PROVIDER, &choices)?,
        &configured[..],
    ) {
        (Some(chosen), _) => chosen,
        (None, [one]) => *one,
        (None, []) if unconfigured == Unconfigured::UseBuiltIn => {
            let built_in = PROVIDERS
                .into_iter()
                .find(|provider| provider.needs_nothing);
            built_in.ok_or_else(nothing_configured)?
        }
        (None, []) => return Err(nothing_configured()),
        (None, several) => {
            let keys: Vec<&str> = several.iter().filter_map(Registration::key).collect();
            let names: Vec<&str> = several.iter().map(|provider| provider.name).collect();
            let (keys, names) = (keys.join(" and "), names.join(" or "));
            let expected = format!("{keys} are both set, so set it to {names}");
            return Err(ConfigError::missing(MODEL_PROVIDER, expected));
        }
    };
    (chosen.read)(environment)
}

fn nothing_configured() -> ConfigError {
    let ways: Vec<&str> = PROVIDERS
        .iter()
        .map(|provider| provider.how_to_use)
        .collect();
    ConfigError::missing(MODEL_PROVIDER, ways.join("; "))
}

impl Registration {
    /// The name of the variable that holds its key.
    fn key(&self) -> Option<&'static str> {
        self.variables.first().map(|variable| variable.name)
    }
}

/// Window and reasoning tokens of a model whose window is `default` tokens unless the environment names it.
pub(crate) fn window(
    environment: Environment<'_>,
    default: usize,
) -> Result<(usize, usize), ConfigError> {
    let context = environment.number_or(MODEL_CONTEXT_TOKENS, default, 512..=16_000_000)?;
    let reasoning = if context >= REASONING_CONTEXT {
        1024
    } else {
        0
    };
    let reasoning = environment.number_or(MODEL_REASONING_TOKENS, reasoning, 0..=1_000_000)?;
    Ok((context, reasoning))
}

/// `MODEL_PARAMETERS`.
pub(crate) fn parameters(environment: Environment<'_>) -> Result<Map<String, Value>, ConfigError> {
    let value = environment
        .text(MODEL_PARAMETERS)
        .unwrap_or_else(|| "{}".to_owned());
    serde_json::from_str(&value).map_err(|error| {
        let expected = format!("a JSON object such as {{\"temperature\": 0.3}} ({error})");
        ConfigError::invalid(MODEL_PARAMETERS, value, expected)
    })
}
