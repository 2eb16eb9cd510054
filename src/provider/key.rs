//! The key of a provider: in the environment, or in a secret that may be rotated while the function runs.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::aws::secrets::{self, SecretError};
use crate::config::{ConfigError, Environment, Variable};
use crate::http::Http;
use crate::secret::Secret;

/// A key is not read again more often: many calls are refused at once, and each read costs.
const RENEW_EVERY: Duration = Duration::from_secs(60);

/// A key, or where it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// The key itself.
    Plain(Secret),
    /// A secret in Secrets Manager.
    Kept {
        /// The ARN of the secret.
        arn: String,
        /// The name of the key in a secret with several members.
        member: &'static str,
    },
}

impl Key {
    /// Reads a key from the variable that holds it or the one that says where it is kept.
    ///
    /// # Errors
    /// If both are set, or the second one holds no ARN.
    pub(crate) fn read(
        environment: Environment<'_>,
        plain: Variable,
        arn: Variable,
    ) -> Result<Option<Self>, ConfigError> {
        match (environment.text(plain), environment.text(arn)) {
            (None, None) => Ok(None),
            (Some(value), None) => Ok(Some(Self::Plain(Secret::new(value)))),
            (None, Some(value)) if value.starts_with("arn:") => Ok(Some(Self::Kept {
                arn: value,
                member: plain.name,
            })),
            // Not shown: it may be the key itself, put into the wrong variable.
            (None, Some(_)) => {
                let expected = "the ARN of a secret, arn:aws:secretsmanager:…";
                Err(ConfigError::invalid(arn, "***", expected))
            }
            (Some(_), Some(value)) => {
                let expected = format!("nothing, because {} is set too", plain.name);
                Err(ConfigError::invalid(arn, value, expected))
            }
        }
    }

    async fn fetch(&self, http: &Http) -> Result<Secret, SecretError> {
        match self {
            Self::Plain(secret) => Ok(secret.clone()),
            Self::Kept { arn, member } => secrets::fetch(http, arn, member).await,
        }
    }
}

/// The key that is valid now.
#[derive(Debug)]
pub struct CurrentKey {
    key: Option<Key>,
    http: Http,
    current: RwLock<Option<Secret>>,
    /// When it was read again, and whether it was another one.
    renewed: Mutex<Option<(Instant, bool)>>,
}

impl CurrentKey {
    /// Fetches `key` over `http` from where it is kept.
    ///
    /// # Errors
    /// If the secret cannot be read.
    pub async fn fetch(key: Option<Key>, http: &Http) -> Result<Self, SecretError> {
        let current = match &key {
            Some(key) => Some(key.fetch(http).await?),
            None => None,
        };
        Ok(Self {
            key,
            http: http.clone(),
            current: RwLock::new(current),
            renewed: Mutex::default(),
        })
    }

    /// A key that stays the same, or none.
    #[must_use]
    pub fn plain(key: Option<Secret>) -> Self {
        Self {
            key: None,
            http: Http::default(),
            current: RwLock::new(key),
            renewed: Mutex::default(),
        }
    }

    pub(crate) fn get(&self) -> Option<Secret> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// Reads the key again. True if it is another one now. One caller reads; the others wait and see whether it helped.
    pub(crate) async fn renew(&self) -> bool {
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
            Ok(key) => {
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                let before = current.replace(key);
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
}
