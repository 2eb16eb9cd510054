//! The settings of the RunPod provider.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use crate::config::{ConfigError, Environment, Variable};
use crate::http::Http;
use crate::model::{Capabilities, Model};
use crate::provider::key::Key;
use crate::provider::runpod::RunPod;
use crate::provider::runpod::address::base_url;
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
    ],
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

const RUNPOD_TASK: Variable = Variable::new(
    "RUNPOD_TASK",
    "what the worker is sent: `chat`, prompts for the parts of a summary; `transcript`, a link to the whole transcript in S3, for \
     a worker that runs this program",
)
.or("chat");

/// The settings of the RunPod provider. The endpoint is the base URL, `https://api.runpod.ai/v2/<endpoint id>`.
#[derive(Debug, Clone)]
pub struct RunPodSettings(pub RemoteSettings);

#[async_trait]
impl Settings for RunPodSettings {
    fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    fn fingerprint(&self) -> String {
        let task = match self.0.capabilities.reads_links {
            true => " transcript",
            false => "",
        };
        format!("{NAME}{task} {}", self.0.fingerprint())
    }

    async fn connect(&self, http: &Http) -> Result<Arc<dyn Model>, ConnectError> {
        let secret = self.0.secret(http).await?;
        Ok(Arc::new(RunPod::new(http.clone(), self.0.clone(), secret)))
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
    let tasks = [("chat", false), ("transcript", true)];
    let reads_links = environment.choice(RUNPOD_TASK, &tasks)?.unwrap_or_default();
    if reads_links && !parameters.is_empty() {
        let value = Value::Object(parameters).to_string();
        let expected = "nothing with RUNPOD_TASK=transcript: set it in the environment of the worker, which asks the model";
        return Err(ConfigError::invalid(MODEL_PARAMETERS, value, expected));
    }
    let capabilities = remote_capabilities(environment, NAME, model, MODEL_CONTEXT_TOKENS)?;
    Ok(Arc::new(RunPodSettings(RemoteSettings {
        key,
        endpoint,
        parameters,
        capabilities: Capabilities {
            reads_links,
            ..capabilities
        },
    })))
}
