//! The settings of the RunPod provider.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Url;
use serde_json::{Map, Value};

use crate::config::{ConfigError, Environment, Variable};
use crate::http::Http;
use crate::model::{Capabilities, Model};
use crate::prompt::Style;
use crate::provider::key::{CurrentKey, Key};
use crate::provider::runpod::address::base_url;
use crate::provider::runpod::{NAME, RunPod};
use crate::provider::{ConnectError, DEFAULT_CONTEXT, Settings, parameters, window};
use crate::wire::endpoint::parse_endpoint;

pub(crate) const RUNPOD_API_KEY: Variable = Variable::new(
    "RUNPOD_API_KEY",
    "the RunPod key; a server on this machine needs none",
);

const RUNPOD_API_KEY_SECRET_ARN: Variable = Variable::new(
    "RUNPOD_API_KEY_SECRET_ARN",
    "the Secrets Manager secret that holds it, as plain text or as JSON with the key `RUNPOD_API_KEY`",
);

const RUNPOD_ENDPOINT_URL: Variable = Variable::new(
    "RUNPOD_ENDPOINT_URL",
    "the endpoint with a queue, `https://api.runpod.ai/v2/<endpoint id>`",
);

const RUNPOD_MODEL: Variable =
    Variable::new("RUNPOD_MODEL", "passed on to the worker, where it needs it");

/// The variables of this provider, its key first.
pub(crate) const VARIABLES: &[Variable] = &[
    RUNPOD_API_KEY,
    RUNPOD_API_KEY_SECRET_ARN,
    RUNPOD_ENDPOINT_URL,
    RUNPOD_MODEL,
];

/// The settings of the RunPod provider.
#[derive(Debug, Clone)]
pub struct RunPodSettings {
    /// The key; a server on this machine may need none.
    pub key: Option<Key>,
    /// The endpoint, `https://api.runpod.ai/v2/<endpoint id>`, without what may have been copied along.
    pub endpoint: Url,
    /// Passed on to workers that serve several models.
    pub model: Option<String>,
    /// Merged into the sampling parameters.
    pub parameters: Map<String, Value>,
    /// What follows from the above.
    pub capabilities: Capabilities,
}

pub(crate) fn is_configured(environment: Environment<'_>) -> Result<bool, ConfigError> {
    Ok(Key::read(environment, RUNPOD_API_KEY, RUNPOD_API_KEY_SECRET_ARN)?.is_some())
}

pub(crate) fn read(environment: Environment<'_>) -> Result<Arc<dyn Settings>, ConfigError> {
    Ok(Arc::new(RunPodSettings::read(environment)?))
}

impl RunPodSettings {
    /// Reads the settings.
    ///
    /// # Errors
    /// The first missing or wrong value.
    pub fn read(environment: Environment<'_>) -> Result<Self, ConfigError> {
        let key = Key::read(environment, RUNPOD_API_KEY, RUNPOD_API_KEY_SECRET_ARN)?;
        let parameters = parameters(environment)?;
        let Some(address) = environment.text(RUNPOD_ENDPOINT_URL) else {
            return Err(ConfigError::missing(
                RUNPOD_ENDPOINT_URL,
                "set it to the endpoint that is to write, https://api.runpod.ai/v2/<endpoint id>",
            ));
        };
        let given = parse_endpoint(RUNPOD_ENDPOINT_URL, &address)?;
        let endpoint = base_url(&given)
            .map_err(|error| ConfigError::invalid(RUNPOD_ENDPOINT_URL, given, error.to_string()))?;
        // Addresses without encryption are those of this machine.
        if key.is_none() && endpoint.scheme() == "https" {
            return Err(ConfigError::missing(
                RUNPOD_API_KEY,
                "RunPod wants a key that may call the endpoint; set it, or RUNPOD_API_KEY_SECRET_ARN",
            ));
        }
        let (context, reasoning) = window(environment, DEFAULT_CONTEXT)?;
        let model = environment.text(RUNPOD_MODEL);
        Ok(Self {
            key,
            endpoint,
            capabilities: Capabilities {
                provider: NAME,
                model: model.clone(),
                context_tokens: Some(context),
                reasoning_tokens: reasoning,
                style: Style::for_window(context),
                quotes: false,
                local: false,
            },
            model,
            parameters,
        })
    }
}

#[async_trait]
impl Settings for RunPodSettings {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn fingerprint(&self) -> String {
        let parameters = Value::Object(self.parameters.clone());
        let model = self.model.as_deref().unwrap_or("");
        format!("{NAME} {} {model} {parameters}", self.endpoint)
    }

    async fn connect(&self, http: &Http) -> Result<Arc<dyn Model>, ConnectError> {
        http.client()?;
        let key = CurrentKey::fetch(self.key.as_ref(), RUNPOD_API_KEY, http).await?;
        Ok(Arc::new(RunPod::new(http.clone(), self.clone(), key)))
    }
}
