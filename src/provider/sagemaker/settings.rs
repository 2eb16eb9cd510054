//! The settings of the SageMaker provider.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::aws::service::Service;
use crate::config::{ConfigError, Environment, Variable};
use crate::http::Http;
use crate::model::{Capabilities, Model};
use crate::provider::amazon::{self, AWS_REGION, Access, CREDENTIALS};
use crate::provider::sagemaker::{SageMaker, Target};
use crate::provider::task::EndpointTask;
use crate::provider::{
    ConnectError, MODEL_CONTEXT_TOKENS, Registration, RemoteSettings, Settings, parameters,
    refuse_reserved, task_capabilities,
};
use crate::wire::failure::SettingNames;

const NAME: &str = "sagemaker";

/// The entry in the registry.
pub(crate) const REGISTRATION: Registration = Registration {
    name: NAME,
    how_to_choose: "SAGEMAKER_ENDPOINT for Amazon SageMaker",
    chosen_by: &[SAGEMAKER_ENDPOINT],
    suggested_by: &[],
    variables: &[
        SAGEMAKER_ENDPOINT,
        SAGEMAKER_INFERENCE_COMPONENT,
        SAGEMAKER_TASK,
    ],
    refused_elsewhere: &[],
    read,
};

pub(crate) const NAMES: SettingNames = SettingNames {
    token: CREDENTIALS,
    model: "SAGEMAKER_ENDPOINT, SAGEMAKER_INFERENCE_COMPONENT",
    url: AWS_REGION.name,
};

const SAGEMAKER_ENDPOINT: Variable = Variable::new(
    "SAGEMAKER_ENDPOINT",
    "name of an endpoint (provider `sagemaker`) in `AWS_REGION`; `AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME` leads elsewhere",
);

const SAGEMAKER_INFERENCE_COMPONENT: Variable = Variable::new(
    "SAGEMAKER_INFERENCE_COMPONENT",
    "name of the inference component, where the endpoint has any",
);

const SAGEMAKER_TASK: Variable = Variable::new(
    "SAGEMAKER_TASK",
    "how its container is spoken to: `chat`, streamed; `text-generation`, window 8192 if not set; `summarization` for \
     pipelines such as BART or a FLAN-T5 of your own, window 2048 if not set, half of it for the text",
)
.or("chat");

/// With this window no more than 500 words are asked for at a time, which a container writes within 60 seconds.
const WHOLE_CONTEXT: &str = "8192";

const SERVICE: Service = Service {
    name: "sagemaker",
    host: "runtime{fips}.sagemaker",
    endpoint_variable: "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME",
};

/// The settings of the SageMaker provider.
#[derive(Debug, Clone)]
pub struct SageMakerSettings {
    target: Target,
    parameters: Map<String, Value>,
    capabilities: Capabilities,
}

#[async_trait]
impl Settings for SageMakerSettings {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn fingerprint(&self) -> String {
        let Target {
            endpoint,
            component,
            task,
        } = &self.target;
        let component = component.as_deref().unwrap_or("-");
        let parameters = Value::Object(self.parameters.clone());
        format!("{NAME} {} {endpoint} {component} {parameters}", task.name())
    }

    async fn connect(&self, http: &Http) -> Result<Arc<dyn Model>, ConnectError> {
        let Access { url, signer } = amazon::access(&SERVICE, None, http).await?;
        let settings = RemoteSettings {
            key: None,
            endpoint: url,
            parameters: self.parameters.clone(),
            capabilities: self.capabilities.clone(),
        };
        let target = self.target.clone();
        Ok(Arc::new(SageMaker::new(
            http.clone(),
            target,
            settings,
            signer,
        )))
    }
}

/// Reads the settings.
///
/// # Errors
/// The first missing or invalid value.
fn read(environment: Environment<'_>) -> Result<Arc<dyn Settings>, ConfigError> {
    let is_name = |value: &str| {
        let is_known = |c: char| c.is_ascii_alphanumeric() || c == '-';
        (value.len() <= 63 && value.chars().all(is_known)).then(|| value.to_owned())
    };
    let expected = "the name of an endpoint: letters, digits and hyphens, at most 63";
    let endpoint = environment.required(SAGEMAKER_ENDPOINT, expected, is_name)?;
    let expected = "the name of an inference component: letters, digits and hyphens, at most 63";
    let component = environment.parsed(SAGEMAKER_INFERENCE_COMPONENT, expected, is_name)?;
    let tasks = EndpointTask::ALL.map(|task| (task.name(), task));
    let task = environment
        .choice(SAGEMAKER_TASK, &tasks)?
        .unwrap_or_default();
    let parameters = parameters(environment)?;
    let context = format!(" with SAGEMAKER_TASK={}", task.name());
    refuse_reserved(&parameters, &context, |name, value| {
        task.reserved(name, value)
    })?;
    let window = match task {
        EndpointTask::TextGeneration => MODEL_CONTEXT_TOKENS.or(WHOLE_CONTEXT),
        EndpointTask::Chat | EndpointTask::Summarization => MODEL_CONTEXT_TOKENS,
    };
    let model = match &component {
        Some(component) => format!("{endpoint}/{component}"),
        None => endpoint.clone(),
    };
    Ok(Arc::new(SageMakerSettings {
        target: Target {
            endpoint,
            component,
            task,
        },
        capabilities: task_capabilities(environment, NAME, Some(model), task, window)?,
        parameters,
    }))
}
