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
    /// ARN of the secret in Secrets Manager that holds it.
    SecretArn(String),
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
            (Some(_), Some(value)) => {
                let expected = format!("nothing, because {} is set too", plain.name);
                Err(ConfigError::invalid(arn, value, expected))
            }
            (Some(value), None) => Ok(Some(Self::Plain(Secret::new(value)))),
            (None, Some(value)) if value.starts_with("arn:") => Ok(Some(Self::SecretArn(value))),
            // Not shown: it may be the key itself, put into the wrong variable.
            (None, Some(_)) => {
                let expected = "the ARN of a secret, arn:aws:secretsmanager:…";
                Err(ConfigError::invalid(arn, "***", expected))
            }
            (None, None) => Ok(None),
        }
    }
}

/// The key that is valid now.
#[derive(Debug)]
pub struct CurrentKey {
    current: RwLock<Option<Secret>>,
    /// Where it is kept; `None` if it stands in the environment.
    kept: Option<Kept>,
    /// When it was read again, and whether it was another one.
    renewed: Mutex<Option<(Instant, bool)>>,
}

/// The secret that holds a key.
#[derive(Debug)]
struct Kept {
    arn: String,
    /// The name of the key in a secret with several members.
    variable: Variable,
    http: Http,
}

impl Kept {
    async fn fetch(&self) -> Result<Secret, SecretError> {
        secrets::fetch(&self.http, &self.arn, self.variable.name).await
    }
}

impl CurrentKey {
    /// A key that stays the same, or none.
    #[must_use]
    pub fn plain(key: Option<Secret>) -> Self {
        Self {
            current: RwLock::new(key),
            kept: None,
            renewed: Mutex::new(None),
        }
    }

    /// Fetches `key`, which is called `variable` in a secret with several members.
    ///
    /// # Errors
    /// If the secret cannot be read.
    pub async fn fetch(
        key: Option<&Key>,
        variable: Variable,
        http: &Http,
    ) -> Result<Self, SecretError> {
        let arn = match key {
            None => return Ok(Self::plain(None)),
            Some(Key::Plain(secret)) => return Ok(Self::plain(Some(secret.clone()))),
            Some(Key::SecretArn(arn)) => arn.clone(),
        };
        let http = http.clone();
        let kept = Kept {
            arn,
            variable,
            http,
        };
        let current = kept.fetch().await?;
        Ok(Self {
            kept: Some(kept),
            ..Self::plain(Some(current))
        })
    }

    /// The key.
    pub(crate) fn get(&self) -> Option<Secret> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// Reads the key again. True if it is another one now. One caller reads, the others wait and see whether it helped.
    pub(crate) async fn renew(&self) -> bool {
        let Some(kept) = &self.kept else {
            return false;
        };
        let mut renewed = self.renewed.lock().await;
        if let Some((at, changed)) = *renewed
            && at.elapsed() < RENEW_EVERY
        {
            return changed;
        }
        let changed = match kept.fetch().await {
            Ok(key) => {
                let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
                let changed = current.as_ref() != Some(&key);
                *current = Some(key);
                changed
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
