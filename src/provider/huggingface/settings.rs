//! The settings of the Hugging Face provider, and the checks that they fit together.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use crate::config::{ConfigError, Environment, Variable};
use crate::http::Http;
use crate::model::{Capabilities, Model};
use crate::provider::huggingface::{HuggingFace, address, reserved};
use crate::provider::key::Key;
use crate::provider::task::EndpointTask;
use crate::provider::{
    ConnectError, MODEL_CONTEXT_TOKENS, Registration, RemoteSettings, Settings, parameters,
    refuse_reserved, task_capabilities,
};
use crate::wire::endpoint::parse_endpoint;
use crate::wire::failure::SettingNames;

const NAME: &str = "huggingface";

/// The entry in the registry.
pub(crate) const REGISTRATION: Registration = Registration {
    name: NAME,
    how_to_choose: "HF_API_TOKEN (or HF_API_TOKEN_SECRET_ARN) for Hugging Face",
    chosen_by: &[HF_API_TOKEN, HF_API_TOKEN_SECRET_ARN],
    variables: &[
        HF_API_TOKEN,
        HF_API_TOKEN_SECRET_ARN,
        HF_MODEL,
        HF_ENDPOINT_URL,
        HF_TASK,
    ],
    read,
};

pub(crate) const NAMES: SettingNames = SettingNames {
    token: HF_API_TOKEN.name,
    model: HF_MODEL.name,
    url: HF_ENDPOINT_URL.name,
};

const HF_API_TOKEN: Variable = Variable::new(
    "HF_API_TOKEN",
    "the Hugging Face token (provider `huggingface`)",
);

const HF_API_TOKEN_SECRET_ARN: Variable = Variable::new(
    "HF_API_TOKEN_SECRET_ARN",
    "the Secrets Manager secret that holds it, as plain text or as JSON with the key `HF_API_TOKEN`",
);

const HF_MODEL: Variable = Variable::new(
    "HF_MODEL",
    "model id; `:provider`, `:fastest`, `:cheapest` suffixes pass through. No default for the other tasks",
)
.or("openai/gpt-oss-120b");

const HF_ENDPOINT_URL: Variable = Variable::new(
    "HF_ENDPOINT_URL",
    "the router, a dedicated endpoint, or any OpenAI-compatible server",
)
.or("https://router.huggingface.co/v1");

const HF_TASK: Variable = Variable::new(
    "HF_TASK",
    "how the endpoint is spoken to: `chat`; `text-generation` for TGI's own route, toolkit containers and custom handlers; \
     `summarization` for models such as `facebook/bart-large-cnn`, whose window is 2048 if not set, half of it for the text",
)
.or("chat");

/// The settings of the Hugging Face provider.
#[derive(Debug, Clone)]
pub struct HuggingFaceSettings {
    /// How the endpoint is spoken to.
    pub task: EndpointTask,
    /// The endpoint and its model.
    pub remote: RemoteSettings,
}

#[async_trait]
impl Settings for HuggingFaceSettings {
    fn capabilities(&self) -> &Capabilities {
        &self.remote.capabilities
    }

    fn fingerprint(&self) -> String {
        format!("{NAME} {} {}", self.task.name(), self.remote.fingerprint())
    }

    async fn connect(&self, http: &Http) -> Result<Arc<dyn Model>, ConnectError> {
        let secret = self.remote.secret(http).await?;
        let (http, remote) = (http.clone(), self.remote.clone());
        Ok(Arc::new(HuggingFace::new(http, self.task, remote, secret)))
    }
}

/// Reads the settings.
///
/// # Errors
/// The first missing or invalid value.
fn read(environment: Environment<'_>) -> Result<Arc<dyn Settings>, ConfigError> {
    let key = Key::read(environment, HF_API_TOKEN, HF_API_TOKEN_SECRET_ARN)?;
    let parameters = parameters(environment)?;
    let address = environment.text(HF_ENDPOINT_URL).unwrap_or_default();
    let endpoint = parse_endpoint(HF_ENDPOINT_URL, &address)?;
    if key.is_none() && address::is_router_host(&endpoint) {
        return Err(ConfigError::missing(
            HF_API_TOKEN,
            "the router wants a token with the permission \"Make calls to Inference Providers\"; set it, or \
                 HF_API_TOKEN_SECRET_ARN",
        ));
    }
    let tasks = EndpointTask::ALL.map(|task| (task.name(), task));
    let task = environment.choice(HF_TASK, &tasks)?.unwrap_or_default();
    let model = environment.text(match task {
        EndpointTask::Chat => HF_MODEL,
        EndpointTask::TextGeneration | EndpointTask::Summarization => Variable {
            default: None,
            ..HF_MODEL
        },
    });
    // The router's task API needs the model's id for the path.
    if model.is_none() && address::is_router(&endpoint) {
        let expected = format!(
            "with HF_TASK={} the router is asked for one model, for example facebook/bart-large-cnn",
            task.name()
        );
        return Err(ConfigError::missing(HF_MODEL, expected));
    }
    let context = format!(" with HF_TASK={}", task.name());
    let reserved = |name: &str, value: &Value| reserved::reason(task, name, value);
    refuse_reserved(&parameters, &context, reserved)?;
    let capabilities = task_capabilities(environment, NAME, model, task, MODEL_CONTEXT_TOKENS)?;
    let remote = RemoteSettings {
        key,
        endpoint,
        parameters,
        capabilities,
    };
    Ok(Arc::new(HuggingFaceSettings { task, remote }))
}
