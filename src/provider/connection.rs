//! Sends the requests of a provider to its endpoint with the key that is valid now, and explains what fails.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::http::Http;
use crate::model::ModelError;
use crate::prompt::{Messages, Prompt};
use crate::provider::key::Key;
use crate::secret::Secret;
use crate::wire::failure::{Endpoint, Failure, Phase};
use crate::wire::http::{Authorization, Incoming, Outgoing, Timeouts};

/// A key is not read again more often: many calls are refused at once, and each read costs.
const RENEW_EVERY: Duration = Duration::from_secs(60);

/// The body of a request that has none.
pub(crate) const NO_BODY: Option<&()> = None;

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) endpoint: Endpoint,
    pub(crate) timeouts: Timeouts,
    http: Http,
    key: Option<Key>,
    /// The key that is valid now.
    secret: RwLock<Option<Secret>>,
    /// When the key was read again, and whether it was another one.
    renewed: Mutex<Option<(Instant, bool)>>,
}

impl Connection {
    /// A connection with the key `secret`, which was fetched from where `key` says. Sends nothing yet.
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

    /// Sends one request. `hold` is the time for which the endpoint may hold it besides the usual limits.
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

    /// The error for a failure. The key and the texts of `prompt` are cut out of what the endpoint said.
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

    /// Reads the key again. True if it is another one now. One caller reads; the others wait and see whether it helped.
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
                tracing::warn!(%error, "could not read the key again");
                false
            }
        };
        if changed {
            tracing::info!("the key has been rotated");
        }
        *renewed = Some((Instant::now(), changed));
        changed
    }

    /// Connects in the background.
    pub(crate) fn warm_up(&self, url: &Url) {
        self.http.warm_up(url);
    }

    fn secret(&self) -> Option<Secret> {
        let secret = self.secret.read().unwrap_or_else(PoisonError::into_inner);
        secret.clone()
    }
}
