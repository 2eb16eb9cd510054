//! Sends a provider's requests to its endpoint with the current key, and turns failures into [`ModelError`]s.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::chain::chain;
use crate::http::Http;
use crate::model::ModelError;
use crate::prompt::{Messages, Prompt};
use crate::provider::key::Key;
use crate::secret::Secret;
use crate::wire::failure::{Endpoint, Failure, Phase};
use crate::wire::http::{Authorization, Incoming, Outgoing, Timeouts};

/// The shortest interval between renewals of the key: a rotated key makes many calls fail at once, and each read is billed.
const RENEW_EVERY: Duration = Duration::from_secs(60);

/// The body of a request that has none.
pub(crate) const NO_BODY: Option<&()> = None;

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) endpoint: Endpoint,
    pub(crate) timeouts: Timeouts,
    http: Http,
    key: Option<Key>,
    /// The current key.
    secret: RwLock<Option<Secret>>,
    /// When the key was last renewed, and whether it had changed.
    renewed: Mutex<Option<(Instant, bool)>>,
}

impl Connection {
    /// Creates a connection. `secret` is the key as fetched from `key`. Sends nothing yet.
    pub(crate) fn new(
        http: Http,
        key: Option<Key>,
        secret: Option<Secret>,
        endpoint: Endpoint,
        timeouts: Timeouts,
    ) -> Self {
        Self {
            endpoint,
            timeouts,
            http,
            key,
            secret: RwLock::new(secret),
            renewed: Mutex::default(),
        }
    }

    /// Sends one request. `hold` is the duration of a long poll, which is added to the timeouts.
    pub(crate) async fn send<B: Serialize + Sync>(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Option<&B>,
        hold: Duration,
    ) -> Result<Incoming, Failure> {
        let secret = self.secret();
        let outgoing = Outgoing {
            method,
            url,
            authorization: Authorization::bearer(secret.as_ref()),
            headers,
            body,
            timeouts: Timeouts {
                total: hold + self.timeouts.total,
                idle: hold + self.timeouts.idle,
            },
        };
        outgoing.send(&self.http).await
    }

    /// Builds the error for a failure. The key and the texts of `prompt` are removed from what the endpoint said.
    pub(crate) fn error(
        &self,
        phase: Phase,
        failure: &Failure,
        prompt: Option<&Prompt>,
    ) -> ModelError {
        let endpoint = self.endpoint.with_secret(self.secret());
        match prompt.map(Prompt::messages) {
            Some(Messages { system, user, .. }) => endpoint.error(phase, failure, &[system, user]),
            None => endpoint.error(phase, failure, &[]),
        }
    }

    /// Fetches the key again and returns whether it has changed. Concurrent callers wait for the first one and share its
    /// result.
    pub(crate) async fn renew_key(&self) -> bool {
        let Some(key @ Key::Kept { .. }) = &self.key else {
            return false;
        };
        let mut renewed = self.renewed.lock().await;
        if let Some((at, changed)) = *renewed
            && at.elapsed() < RENEW_EVERY
        {
            return changed;
        }
        let changed = match key.fetch(&self.http).await {
            Ok(secret) => {
                let mut current = self.secret.write().unwrap_or_else(PoisonError::into_inner);
                let before = current.replace(secret);
                *current != before
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), "could not read the key again");
                false
            }
        };
        if changed {
            tracing::info!("the key has been rotated");
        }
        *renewed = Some((Instant::now(), changed));
        changed
    }

    /// Connects to the endpoint in the background.
    pub(crate) fn warm_up(&self, url: &Url) {
        self.http.warm_up(url);
    }

    fn secret(&self) -> Option<Secret> {
        let secret = self.secret.read().unwrap_or_else(PoisonError::into_inner);
        secret.clone()
    }
}
