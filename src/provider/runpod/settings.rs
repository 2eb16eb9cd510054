//! The settings of the RunPod provider.

use std::sync::Arc;

use async_trait::async_trait;

use crate::config::{ConfigError, Environment, Variable};
use crate::http::Http;
use crate::model::{Capabilities, Model};
use crate::provider::key::Key;
use crate::provider::runpod::RunPod;
use crate::provider::runpod::address::base_url;
use crate::provider::{
    ConnectError, MODEL_CONTEXT_TOKENS, Registration, RemoteSettings, Settings, parameters,
    remote_capabilities,
};
use crate::wire::endpoint::parse_endpoint;
use crate::wire::failure::SettingNames;

const NAME: &str = "runpod";

/// The entry in the registry.
pub(crate) const REGISTRATION: Registration = Registration {
    name: NAME,
    how_to_choose: "RUNPOD_API_KEY and RUNPOD_ENDPOINT_URL for RunPod",
    chosen_by: &[RUNPOD_API_KEY, RUNPOD_API_KEY_SECRET_ARN],
    suggested_by: &[],
    variables: &[
        RUNPOD_API_KEY,
        RUNPOD_API_KEY_SECRET_ARN,
        RUNPOD_ENDPOINT_URL,
        RUNPOD_MODEL,
        RUNPOD_BATCH,
    ],
    refused_elsewhere: &[RUNPOD_BATCH],
    read,
};

pub(crate) const NAMES: SettingNames = SettingNames {
    token: RUNPOD_API_KEY.name,
    model: RUNPOD_MODEL.name,
    url: RUNPOD_ENDPOINT_URL.name,
};

const RUNPOD_API_KEY: Variable = Variable::new(
    "RUNPOD_API_KEY",
    "the RunPod key (provider `runpod`); a server on this machine needs none",
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

pub(crate) const RUNPOD_BATCH: Variable = Variable::new(
    "RUNPOD_BATCH",
    "`true` submits the requests of a round as one [batch](#runpods-batches): cheaper, but done within hours",
)
.or("false");

/// The settings of the RunPod provider. The endpoint is the base URL, `https://api.runpod.ai/v2/<endpoint id>`.
#[derive(Debug, Clone)]
pub struct RunPodSettings {
    /// Those that every provider has.
    pub remote: RemoteSettings,
    /// Whether prompts are sent in batches.
    pub in_batches: bool,
}

#[async_trait]
impl Settings for RunPodSettings {
    fn capabilities(&self) -> &Capabilities {
        &self.remote.capabilities
    }

    fn fingerprint(&self) -> String {
        format!("{NAME} {}", self.remote.fingerprint())
    }

    async fn connect(&self, http: &Http) -> Result<Arc<dyn Model>, ConnectError> {
        let secret = self.remote.secret(http).await?;
        let model = RunPod::new(http.clone(), self.remote.clone(), secret);
        Ok(Arc::new(match self.in_batches {
            true => model.in_batches(),
            false => model,
        }))
    }
}

/// Reads the settings.
///
/// # Errors
/// The first missing or invalid value.
fn read(environment: Environment<'_>) -> Result<Arc<dyn Settings>, ConfigError> {
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
        .map_err(|expected| ConfigError::invalid(RUNPOD_ENDPOINT_URL, given, expected))?;
    // Only URLs of this machine may be unencrypted.
    if key.is_none() && endpoint.scheme() == "https" {
        return Err(ConfigError::missing(
            RUNPOD_API_KEY,
            "RunPod wants a key that may call the endpoint; set it, or RUNPOD_API_KEY_SECRET_ARN",
        ));
    }
    let model = environment.text(RUNPOD_MODEL);
    let choices = [("true", true), ("false", false)];
    Ok(Arc::new(RunPodSettings {
        in_batches: environment.choice(RUNPOD_BATCH, &choices)? == Some(true),
        remote: RemoteSettings {
            key,
            endpoint,
            parameters,
            capabilities: remote_capabilities(environment, NAME, model, MODEL_CONTEXT_TOKENS)?,
        },
    }))
}
