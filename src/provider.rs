//! The model that the configuration chose, dispatched statically, with the key that is valid now.

pub mod builtin;
pub mod huggingface;
pub mod runpod;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use reqwest::Url;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::aws::secrets;
use crate::aws::secrets::SecretError;
use crate::config::{Key, Provider};
use crate::http::{Http, HttpError};
use crate::model::{Model, ModelError, Reply, Ticket};
use crate::prompt::Request;
use crate::provider::builtin::Extractive;
use crate::provider::huggingface::{HuggingFace, HuggingFaceConfig};
use crate::provider::runpod::{RunPod, RunPodConfig};
use crate::secret::Secret;

/// A key is not read again more often: many calls are refused at once, and each read costs.
const RENEW_EVERY: Duration = Duration::from_secs(60);

/// The model that the configuration chose.
#[derive(Debug)]
pub struct AnyModel {
    provider: Provider,
    http: Http,
    /// What calls are made with, and its key.
    current: RwLock<(Arc<Client>, Option<Secret>)>,
    /// When the key was read again, and whether it was another one.
    renewed: Mutex<Option<(Instant, bool)>>,
}

#[derive(Debug)]
enum Client {
    HuggingFace(HuggingFace),
    RunPod(RunPod),
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
    /// Makes the model's client, which calls over `http`, with its key from Secrets Manager where it is kept there.
    ///
    /// # Errors
    /// If the key can't be read, or TLS can't be set up.
    pub async fn connect(provider: &Provider, http: &Http) -> Result<Self, ConnectError> {
        if endpoint(provider).is_some() {
            http.client()?;
        }
        let key = match kept(provider) {
            None => None,
            Some((Key::Plain(secret), _)) => Some(secret.clone()),
            Some((Key::SecretArn(arn), variable)) => {
                Some(secrets::fetch(http, arn, variable).await?)
            }
        };
        let client = Client::new(provider, http, key.clone());
        Ok(Self {
            provider: provider.clone(),
            http: http.clone(),
            current: RwLock::new((Arc::new(client), key)),
            renewed: Mutex::new(None),
        })
    }

    /// Begins a connection to the endpoint, so that the first call finds it ready.
    pub fn warm_up(&self) {
        if let Some(endpoint) = endpoint(&self.provider) {
            self.http.warm_up(endpoint);
        }
    }

    fn client(&self) -> Arc<Client> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current.0)
    }
}

/// Where a provider is called.
fn endpoint(provider: &Provider) -> Option<&Url> {
    match provider {
        Provider::HuggingFace(settings) => Some(&settings.endpoint),
        Provider::RunPod(settings) => Some(&settings.endpoint),
        Provider::Extractive => None,
    }
}

/// A provider's key, and the variable that it would be in.
fn kept(provider: &Provider) -> Option<(&Key, &'static str)> {
    match provider {
        Provider::HuggingFace(settings) => Some((settings.token.as_ref()?, "HF_API_TOKEN")),
        Provider::RunPod(settings) => Some((settings.key.as_ref()?, "RUNPOD_API_KEY")),
        Provider::Extractive => None,
    }
}

impl Client {
    fn new(provider: &Provider, http: &Http, key: Option<Secret>) -> Self {
        match provider {
            Provider::HuggingFace(settings) => {
                let config = HuggingFaceConfig {
                    task: settings.task,
                    token: key,
                    model: settings.model.clone(),
                    endpoint: settings.endpoint.clone(),
                    parameters: settings.parameters.clone(),
                };
                Self::HuggingFace(HuggingFace::new(http.clone(), config))
            }
            Provider::RunPod(settings) => {
                let config = RunPodConfig {
                    key,
                    endpoint: settings.endpoint.clone(),
                    model: settings.model.clone(),
                    parameters: settings.parameters.clone(),
                };
                Self::RunPod(RunPod::new(http.clone(), config))
            }
            Provider::Extractive => Self::Extractive(Extractive),
        }
    }
}

impl Model for AnyModel {
    async fn submit(&self, request: &Request) -> Result<Reply, ModelError> {
        match &*self.client() {
            Client::HuggingFace(model) => model.submit(request).await,
            Client::RunPod(model) => model.submit(request).await,
            Client::Extractive(model) => model.submit(request).await,
        }
    }

    async fn poll(
        &self,
        ticket: &Ticket,
        request: &Request,
        wait: Duration,
    ) -> Result<Reply, ModelError> {
        match &*self.client() {
            Client::HuggingFace(model) => model.poll(ticket, request, wait).await,
            Client::RunPod(model) => model.poll(ticket, request, wait).await,
            Client::Extractive(model) => model.poll(ticket, request, wait).await,
        }
    }

    async fn retry(&self, ticket: &Ticket) -> Result<(), ModelError> {
        match &*self.client() {
            Client::HuggingFace(model) => model.retry(ticket).await,
            Client::RunPod(model) => model.retry(ticket).await,
            Client::Extractive(model) => model.retry(ticket).await,
        }
    }

    async fn cancel(&self, ticket: &Ticket) -> Result<(), ModelError> {
        match &*self.client() {
            Client::HuggingFace(model) => model.cancel(ticket).await,
            Client::RunPod(model) => model.cancel(ticket).await,
            Client::Extractive(model) => model.cancel(ticket).await,
        }
    }

    async fn diagnose(&self) -> Result<(), ModelError> {
        match &*self.client() {
            Client::HuggingFace(model) => model.diagnose().await,
            Client::RunPod(model) => model.diagnose().await,
            Client::Extractive(model) => model.diagnose().await,
        }
    }

    async fn renew_key(&self) -> bool {
        let Some((Key::SecretArn(arn), variable)) = kept(&self.provider) else {
            return false;
        };
        // One reads, the others wait and see whether that has helped.
        let mut renewed = self.renewed.lock().await;
        if let Some((at, changed)) = *renewed
            && at.elapsed() < RENEW_EVERY
        {
            return changed;
        }
        *renewed = Some((Instant::now(), false));
        let key = match secrets::fetch(&self.http, arn, variable).await {
            Ok(key) => key,
            Err(error) => {
                tracing::warn!(%error, "could not read the key again");
                return false;
            }
        };
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.1.as_ref() == Some(&key) {
            return false;
        }
        tracing::info!("the key has been rotated");
        let client = Client::new(&self.provider, &self.http, Some(key.clone()));
        *current = (Arc::new(client), Some(key));
        *renewed = Some((Instant::now(), true));
        true
    }

    fn queues(&self) -> bool {
        match &*self.client() {
            Client::HuggingFace(model) => model.queues(),
            Client::RunPod(model) => model.queues(),
            Client::Extractive(model) => model.queues(),
        }
    }

    fn is_local(&self) -> bool {
        matches!(*self.client(), Client::Extractive(_))
    }
}
