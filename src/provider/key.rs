//! The key of a provider, read from the environment or from a secret that may be rotated while the function runs.

use crate::aws::secrets::{self, SecretError};
use crate::config::{ConfigError, Environment, Variable};
use crate::http::Http;
use crate::secret::Secret;

/// A key, or the secret that holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// The key itself.
    Plain(Secret),
    /// A secret in Secrets Manager.
    Kept {
        /// The ARN of the secret.
        arn: String,
        /// The member that holds the key if the secret is a JSON object.
        member: &'static str,
    },
}

impl Key {
    /// Reads a key from the variable with the key itself or from the one with the ARN of its secret.
    ///
    /// # Errors
    /// If both are set, or the second one does not hold an ARN.
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
            // The value is not shown, because it may be the key itself in the wrong variable.
            (None, Some(_)) => {
                let expected = "the ARN of a secret, arn:aws:secretsmanager:…";
                Err(ConfigError::invalid(arn, "***", expected))
            }
            (Some(_), Some(_)) => {
                let expected = format!("no value, because {} is set: remove one", plain.name);
                Err(ConfigError::invalid(arn, "***", expected))
            }
        }
    }

    /// Returns the key, fetched from Secrets Manager if it is kept there.
    ///
    /// # Errors
    /// If the secret cannot be read.
    pub(crate) async fn fetch(&self, http: &Http) -> Result<Secret, SecretError> {
        match self {
            Self::Plain(secret) => Ok(secret.clone()),
            Self::Kept { arn, member } => secrets::fetch(http, arn, member).await,
        }
    }
}
