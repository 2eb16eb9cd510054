//! The model that the configuration chose, dispatched statically.

use std::time::Duration;

use super::http::{Http, HttpError};
use super::{
    Extractive, HuggingFace, HuggingFaceConfig, Model, ModelError, Reply, RunPod, RunPodConfig,
    Ticket,
};
use crate::config::{Key, Provider};
use crate::prompt::Request;
use crate::secret::Secret;
use crate::secrets_manager::{self, SecretError};

/// The model that the configuration chose.
#[derive(Debug)]
pub enum AnyModel {
    /// Hugging Face, or a server that speaks the same.
    HuggingFace(Box<HuggingFace>),
    /// Jobs in a queue.
    RunPod(Box<RunPod>),
    /// The embedded one.
    Extractive(Extractive),
}

/// A model whose client can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Its key can't be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// TLS can't be set up.
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl AnyModel {
    /// Makes the model's client, with its key from Secrets Manager where it is kept there.
    ///
    /// # Errors
    /// If the key can't be read, or TLS can't be set up.
    pub async fn connect(provider: &Provider) -> Result<Self, ConnectError> {
        Ok(match provider {
            Provider::HuggingFace(settings) => {
                let config = HuggingFaceConfig {
                    task: settings.task,
                    token: resolve(settings.token.as_ref(), "HF_API_TOKEN").await?,
                    model: settings.model.clone(),
                    endpoint: settings.endpoint.clone(),
                    parameters: settings.parameters.clone(),
                };
                Self::HuggingFace(Box::new(HuggingFace::new(Http::new()?, config)))
            }
            Provider::RunPod(settings) => {
                let config = RunPodConfig {
                    key: resolve(settings.key.as_ref(), "RUNPOD_API_KEY").await?,
                    endpoint: settings.endpoint.clone(),
                    model: settings.model.clone(),
                    parameters: settings.parameters.clone(),
                };
                Self::RunPod(Box::new(RunPod::new(Http::new()?, config)))
            }
            Provider::Extractive => Self::Extractive(Extractive),
        })
    }
}

/// The key itself, read from Secrets Manager where it is kept there.
async fn resolve(key: Option<&Key>, variable: &str) -> Result<Option<Secret>, SecretError> {
    match key {
        None => Ok(None),
        Some(Key::Plain(secret)) => Ok(Some(secret.clone())),
        Some(Key::SecretArn(arn)) => secrets_manager::fetch(arn, variable).await.map(Some),
    }
}

impl Model for AnyModel {
    async fn submit(&self, request: &Request) -> Result<Reply, ModelError> {
        match self {
            Self::HuggingFace(model) => model.submit(request).await,
            Self::RunPod(model) => model.submit(request).await,
            Self::Extractive(model) => model.submit(request).await,
        }
    }

    async fn poll(
        &self,
        ticket: &Ticket,
        request: &Request,
        wait: Duration,
    ) -> Result<Reply, ModelError> {
        match self {
            Self::HuggingFace(model) => model.poll(ticket, request, wait).await,
            Self::RunPod(model) => model.poll(ticket, request, wait).await,
            Self::Extractive(model) => model.poll(ticket, request, wait).await,
        }
    }

    async fn retry(&self, ticket: &Ticket) -> Result<(), ModelError> {
        match self {
            Self::HuggingFace(model) => model.retry(ticket).await,
            Self::RunPod(model) => model.retry(ticket).await,
            Self::Extractive(model) => model.retry(ticket).await,
        }
    }

    async fn cancel(&self, ticket: &Ticket) -> Result<(), ModelError> {
        match self {
            Self::HuggingFace(model) => model.cancel(ticket).await,
            Self::RunPod(model) => model.cancel(ticket).await,
            Self::Extractive(model) => model.cancel(ticket).await,
        }
    }

    async fn diagnose(&self) -> Result<(), ModelError> {
        match self {
            Self::HuggingFace(model) => model.diagnose().await,
            Self::RunPod(model) => model.diagnose().await,
            Self::Extractive(model) => model.diagnose().await,
        }
    }

    fn queues(&self) -> bool {
        match self {
            Self::HuggingFace(model) => model.queues(),
            Self::RunPod(model) => model.queues(),
            Self::Extractive(model) => model.queues(),
        }
    }
}
