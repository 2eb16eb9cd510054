//! The model that the configuration chose, dispatched statically.

use super::{Extractive, Model, ModelError, Reply, Ticket};
use crate::config::Provider;
use crate::prompt::Request;
use crate::secrets_manager::SecretError;

/// The model that the configuration chose.
#[derive(Debug)]
pub enum AnyModel {
    /// The embedded one.
    Extractive(Extractive),
}

impl AnyModel {
    /// Makes the model's client, with its key from Secrets Manager where it is kept there.
    ///
    /// # Errors
    /// If the key can't be read.
    pub async fn connect(provider: &Provider) -> Result<Self, SecretError> {
        Ok(match provider {
            Provider::HuggingFace(_) => Self::Extractive(Extractive),
            Provider::Extractive => Self::Extractive(Extractive),
        })
    }
}

impl Model for AnyModel {
    async fn submit(&self, request: &Request) -> Result<Reply, ModelError> {
        match self {
            Self::Extractive(model) => model.submit(request).await,
        }
    }

    async fn poll(&self, ticket: &Ticket) -> Result<Reply, ModelError> {
        match self {
            Self::Extractive(model) => model.poll(ticket).await,
        }
    }

    async fn cancel(&self, ticket: &Ticket) -> Result<(), ModelError> {
        match self {
            Self::Extractive(model) => model.cancel(ticket).await,
        }
    }
}
