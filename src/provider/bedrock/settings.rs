//! The settings of the Bedrock provider.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::aws::service::Service;
use crate::config::{ConfigError, Environment, Variable};
use crate::http::Http;
use crate::model::{Capabilities, Model};
use crate::provider::amazon::{self, AWS_REGION, Access, CREDENTIALS};
use crate::provider::bedrock::{Authorization, Bedrock};
use crate::provider::{
    ConnectError, MODEL_CONTEXT_TOKENS, Registration, RemoteSettings, Settings, parameters,
    refuse_reserved, remote_capabilities,
};
use crate::secret::Secret;
use crate::wire::converse;
use crate::wire::failure::SettingNames;

const NAME: &str = "bedrock";

/// The entry in the registry.
pub(crate) const REGISTRATION: Registration = Registration {
    name: NAME,
    how_to_choose: "BEDROCK_MODEL_ID for Amazon Bedrock",
    chosen_by: &[BEDROCK_MODEL_ID],
    suggested_by: &[],
    variables: &[BEDROCK_MODEL_ID, AWS_BEARER_TOKEN_BEDROCK],
    refused_elsewhere: &[],
    read,
};

pub(crate) const NAMES: SettingNames = SettingNames {
    token: CREDENTIALS,
    model: BEDROCK_MODEL_ID.name,
    url: AWS_REGION.name,
};

pub(crate) const NAMES_WITH_KEY: SettingNames = SettingNames {
    token: AWS_BEARER_TOKEN_BEDROCK.name,
    ..NAMES
};

const BEDROCK_MODEL_ID: Variable = Variable::new(
    "BEDROCK_MODEL_ID",
    "id or ARN of a model or an inference profile (provider `bedrock`), in the region of `AWS_REGION` or of the ARN; \
     `AWS_ENDPOINT_URL_BEDROCK_RUNTIME` leads elsewhere",
);

const AWS_BEARER_TOKEN_BEDROCK: Variable = Variable::new(
    "AWS_BEARER_TOKEN_BEDROCK",
    "a Bedrock API key, used instead of the function's role",
);

const SERVICE: Service = Service {
    name: "bedrock",
    host: "bedrock-runtime{fips}",
    endpoint_variable: "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
};

/// The settings of the Bedrock provider.
#[derive(Debug, Clone)]
pub struct BedrockSettings {
    model: String,
    key: Option<Secret>,
    parameters: Map<String, Value>,
    capabilities: Capabilities,
}

#[async_trait]
impl Settings for BedrockSettings {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn fingerprint(&self) -> String {
        let parameters = Value::Object(self.parameters.clone());
        format!("{NAME} {} {parameters}", self.model)
    }

    async fn connect(&self, http: &Http) -> Result<Arc<dyn Model>, ConnectError> {
        let Access { url, signer } = amazon::access(&SERVICE, region(&self.model), http).await?;
        let settings = RemoteSettings {
            key: None,
            endpoint: url,
            parameters: self.parameters.clone(),
            capabilities: self.capabilities.clone(),
        };
        let authorization = match &self.key {
            Some(key) => Authorization::Key(key.clone()),
            None => Authorization::Signature(signer),
        };
        Ok(Arc::new(Bedrock::new(
            http.clone(),
            settings,
            authorization,
        )))
    }
}

/// The region of an ARN: `arn:aws:bedrock:eu-central-1:123456789012:inference-profile/…`.
fn region(model: &str) -> Option<&str> {
    let region = model.strip_prefix("arn:")?.split(':').nth(2)?;
    Some(region).filter(|region| !region.is_empty())
}

/// Reads the settings.
///
/// # Errors
/// The first missing or invalid value.
fn read(environment: Environment<'_>) -> Result<Arc<dyn Settings>, ConfigError> {
    let expected = "the id of a model or an inference profile, such as \
                    eu.anthropic.claude-haiku-4-5-20251001-v1:0, or the ARN of one";
    let model = environment.required(BEDROCK_MODEL_ID, expected, |value| {
        let is_known = |c: char| c.is_ascii_alphanumeric() || "-._:/".contains(c);
        (value.len() <= 2048 && value.chars().all(is_known)).then(|| value.to_owned())
    })?;
    let parameters = parameters(environment)?;
    refuse_reserved(&parameters, "", converse::reserved)?;
    let capabilities =
        remote_capabilities(environment, NAME, Some(model.clone()), MODEL_CONTEXT_TOKENS)?;
    Ok(Arc::new(BedrockSettings {
        model,
        key: environment.text(AWS_BEARER_TOKEN_BEDROCK).map(Secret::new),
        parameters,
        capabilities,
    }))
}
