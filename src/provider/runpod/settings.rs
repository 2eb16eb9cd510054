//! The settings of the RunPod provider.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Url;
use serde_json::Value;

use crate::config::{ConfigError, Environment, Variable};
use crate::http::Http;
use crate::model::{Capabilities, Model};
use crate::provider::key::Key;
use crate::provider::runpod::RunPod;
use crate::provider::runpod::address::{LOAD_BALANCING, base_url};
use crate::provider::{
    ConnectError, MODEL_CONTEXT_TOKENS, MODEL_PARAMETERS, Registration, RemoteSettings, Settings,
    parameters, remote_capabilities,
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
        RUNPOD_TASK,
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

pub(crate) const RUNPOD_API_KEY: Variable = Variable::new(
    "RUNPOD_API_KEY",
    "the RunPod key (provider `runpod`); a server on this machine needs none",
);

pub(crate) const RUNPOD_API_KEY_SECRET_ARN: Variable = Variable::new(
    "RUNPOD_API_KEY_SECRET_ARN",
    "the Secrets Manager secret that holds it, as plain text or as JSON with the key `RUNPOD_API_KEY`",
);

const RUNPOD_ENDPOINT_URL: Variable = Variable::new(
    "RUNPOD_ENDPOINT_URL",
    "the endpoint with a queue, `https://api.runpod.ai/v2/<endpoint id>`",
);

const RUNPOD_MODEL: Variable =
    Variable::new("RUNPOD_MODEL", "passed on to the worker, where it needs it");

const RUNPOD_TASK: Variable = Variable::new(
    "RUNPOD_TASK",
    "what the worker is sent: `chat`, prompts for the parts of a summary; `transcript`, a link to the whole transcript in S3, for \
     a worker that runs this program",
)
.or("chat");

pub(crate) const RUNPOD_BATCH: Variable = Variable::new(
    "RUNPOD_BATCH",
    "`true` submits the requests of a round as one batch: cheaper, but done within hours",
)
.or("false");

/// What is set for a model behind a load-balancing endpoint.
const INSTEAD: &str = "set MODEL_PROVIDER=huggingface and HF_ENDPOINT_URL to its address instead, and HF_API_TOKEN to the RunPod key";

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
        let task = match self.remote.capabilities.reads_links {
            true => " transcript",
            false => "",
        };
        format!("{NAME}{task} {}", self.remote.fingerprint())
    }

    async fn connect(&self, http: &Http) -> Result<Arc<dyn Model>, ConnectError> {
        let secret = self.remote.secret(http).await?;
        let model = RunPod::new(http.clone(), self.remote.clone(), secret);
        Ok(Arc::new(match self.in_batches {
            true => model.in_batches(),
            false => model,
        }))
    }

    async fn connect_at_once(&self, http: &Http) -> Result<Arc<dyn Model>, ConnectError> {
        let one_by_one = Self {
            in_batches: false,
            ..self.clone()
        };
        one_by_one.connect(http).await
    }
}

/// Reads the settings.
///
/// # Errors
/// The first missing or invalid value.
fn read(environment: Environment<'_>) -> Result<Arc<dyn Settings>, ConfigError> {
    let key = Key::read(environment, RUNPOD_API_KEY, RUNPOD_API_KEY_SECRET_ARN)?;
    let parameters = parameters(environment)?;
    let endpoint = endpoint(
        environment,
        RUNPOD_ENDPOINT_URL,
        "that is to write",
        (key.as_ref(), RUNPOD_API_KEY),
    );
    let endpoint = endpoint.map_err(|error| {
        error.map(|message| match message.ends_with(LOAD_BALANCING) {
            true => format!("{message}: {INSTEAD}"),
            false => message.to_owned(),
        })
    })?;
    let model = environment.text(RUNPOD_MODEL);
    let tasks = [("chat", false), ("transcript", true)];
    let reads_links = environment.choice(RUNPOD_TASK, &tasks)?.unwrap_or_default();
    if reads_links && !parameters.is_empty() {
        let value = Value::Object(parameters).to_string();
        let expected = "nothing with RUNPOD_TASK=transcript: set it in the environment of the worker, which asks the model";
        return Err(ConfigError::invalid(MODEL_PARAMETERS, value, expected));
    }
    let choices = [("true", true), ("false", false)];
    let in_batches = environment.choice(RUNPOD_BATCH, &choices)? == Some(true);
    if reads_links && in_batches {
        let expected = "false with RUNPOD_TASK=transcript, which makes one request only";
        return Err(ConfigError::invalid(RUNPOD_BATCH, "true", expected));
    }
    let capabilities = remote_capabilities(environment, NAME, model, MODEL_CONTEXT_TOKENS)?;
    Ok(Arc::new(RunPodSettings {
        in_batches,
        remote: RemoteSettings {
            key,
            endpoint,
            parameters,
            capabilities: Capabilities {
                reads_links,
                ..capabilities
            },
        },
    }))
}

/// The base URL of the endpoint that a variable names. `purpose` follows "the endpoint".
///
/// # Errors
/// If it is missing or not a URL of an endpoint with a queue, or if the endpoint wants a key and there is none.
pub(crate) fn endpoint(
    environment: Environment<'_>,
    variable: Variable,
    purpose: &str,
    (key, key_variable): (Option<&Key>, Variable),
) -> Result<Url, ConfigError> {
    let Some(address) = environment.text(variable) else {
        let expected =
            format!("set it to the endpoint {purpose}, https://api.runpod.ai/v2/<endpoint id>");
        return Err(ConfigError::missing(variable, expected));
    };
    let given = parse_endpoint(variable, &address)?;
    let endpoint =
        base_url(&given).map_err(|expected| ConfigError::invalid(variable, given, expected))?;
    // Only URLs of this machine may be unencrypted.
    if key.is_none() && endpoint.scheme() == "https" {
        let expected = format!(
            "RunPod wants a key that may call the endpoint; set it, or {}_SECRET_ARN",
            key_variable.name
        );
        return Err(ConfigError::missing(key_variable, expected));
    }
    Ok(endpoint)
}
