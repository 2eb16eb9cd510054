//! The settings of the Hugging Face provider, and the checks that they fit together.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Url;
use serde_json::Value;

use crate::config::{ConfigError, Environment, Variable};
use crate::http::Http;
use crate::model::{Capabilities, Model};
use crate::provider::huggingface::{HuggingFace, address, reserved};
use crate::provider::key::Key;
use crate::provider::task::EndpointTask;
use crate::provider::{
    ConnectError, MODEL_CONTEXT_TOKENS, Registration, RemoteSettings, Settings, is_reasoning_set,
    parameters, refuse_reserved, task_capabilities,
};
use crate::secret::Secret;
use crate::text::Tokens;
use crate::wire::endpoint::parse_endpoint;
use crate::wire::failure::SettingNames;

const NAME: &str = "huggingface";

/// The entry in the registry.
pub(crate) const REGISTRATION: Registration = Registration {
    name: NAME,
    how_to_choose: "HF_API_TOKEN (or HF_API_TOKEN_SECRET_ARN, or HF_TOKEN) for Hugging Face, HF_ENDPOINT_URL for a server of your own",
    chosen_by: &[HF_API_TOKEN, HF_API_TOKEN_SECRET_ARN],
    // Not the file of a login: that alone is no reason to send transcripts anywhere.
    suggested_by: &[HF_TOKEN, HF_ENDPOINT_URL, HF_MODEL],
    variables: &[
        HF_API_TOKEN,
        HF_API_TOKEN_SECRET_ARN,
        HF_TOKEN,
        HF_TOKEN_PATH,
        HF_MODEL,
        HF_ENDPOINT_URL,
        HF_TASK,
    ],
    refused_elsewhere: &[],
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

const HF_TOKEN: Variable = Variable::new(
    "HF_TOKEN",
    "read if neither of them is set: the name that Hugging Face's own tools use. It is sent to Hugging Face and to servers on this machine only",
);

/// On a machine where somebody has logged in, its default is the file of that login.
pub(crate) const HF_TOKEN_PATH: Variable = Variable::new(
    "HF_TOKEN_PATH",
    "read if none of them is set, and sent to the same: the file in which `hf auth login` keeps the token. It does not choose the provider",
)
.noting("that of `hf auth login`");

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
    /// The variable that the token comes from, or should.
    pub token_variable: &'static str,
    /// The most tokens that the model is to reason for, if the user has set that.
    pub thinking: Option<Tokens>,
}

#[async_trait]
impl Settings for HuggingFaceSettings {
    fn capabilities(&self) -> &Capabilities {
        &self.remote.capabilities
    }

    fn fingerprint(&self) -> String {
        format!("{NAME} {} {}", self.task.name(), self.remote.fingerprint())
    }

    fn own_server(&self) -> Option<&str> {
        let endpoint = &self.remote.endpoint;
        (!address::is_router_host(endpoint)).then(|| endpoint.authority())
    }

    async fn connect(&self, http: &Http) -> Result<Arc<dyn Model>, ConnectError> {
        let secret = self.remote.secret(http).await?;
        let (http, remote) = (http.clone(), self.remote.clone());
        let model = HuggingFace::new(http, self.task, remote, secret);
        let model = model.with_token_of(self.token_variable);
        Ok(Arc::new(model.thinking_at_most(self.thinking)))
    }
}

/// Reads the settings.
///
/// # Errors
/// The first missing or invalid value.
fn read(environment: Environment<'_>) -> Result<Arc<dyn Settings>, ConfigError> {
    let parameters = parameters(environment)?;
    let address = environment.text(HF_ENDPOINT_URL).unwrap_or_default();
    let endpoint = parse_endpoint(HF_ENDPOINT_URL, &address)?;
    let (key, token_variable) = key(environment, &endpoint)?;
    if key.is_none() && address::is_router_host(&endpoint) {
        return Err(ConfigError::missing(
            HF_API_TOKEN,
            "the router wants a token with the permission \"Make calls to Inference Providers\"; set it, \
             HF_API_TOKEN_SECRET_ARN or HF_TOKEN, or log in with `hf auth login`",
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
    let thinking = is_reasoning_set(environment).then_some(capabilities.reasoning_tokens);
    let remote = RemoteSettings {
        key,
        endpoint,
        parameters,
        capabilities,
    };
    Ok(Arc::new(HuggingFaceSettings {
        task,
        remote,
        token_variable,
        thinking,
    }))
}

/// The token for `endpoint` and the variable that it comes from. What is there for Hugging Face's tools goes nowhere else.
fn key(
    environment: Environment<'_>,
    endpoint: &Url,
) -> Result<(Option<Key>, &'static str), ConfigError> {
    if let Some(key) = Key::read(environment, HF_API_TOKEN, HF_API_TOKEN_SECRET_ARN)? {
        return Ok((Some(key), HF_API_TOKEN.name));
    }
    if !address::is_for_tokens_of_tools(endpoint) {
        return Ok((None, HF_API_TOKEN.name));
    }
    let plain = |token: &str| Some(Key::Plain(Secret::new(token.trim())));
    if let Some(token) = environment.text(HF_TOKEN) {
        return Ok((plain(&token), HF_TOKEN.name));
    }
    let Some(path) = environment.text(HF_TOKEN_PATH) else {
        return Ok((None, HF_API_TOKEN.name));
    };
    match std::fs::read_to_string(&path) {
        Ok(token) if !token.trim().is_empty() => Ok((plain(&token), HF_TOKEN_PATH.name)),
        Ok(_) => Ok((None, HF_API_TOKEN.name)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok((None, HF_API_TOKEN.name)),
        Err(error) => {
            let expected = format!("a file with a token that can be read ({error})");
            Err(ConfigError::invalid(HF_TOKEN_PATH, path, expected))
        }
    }
}

/// The file in which `hf auth login` keeps the token, by the variables that Hugging Face's tools
/// [go by](https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables).
pub(crate) fn login_file(lookup: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let set = |name: &str| {
        lookup(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let cache = || set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    let home = || set("HF_HOME").or_else(|| Some(cache()?.join("huggingface")));
    set(HF_TOKEN_PATH.name).or_else(|| Some(home()?.join("token")))
}
