//! Reads the key of a provider: from the environment, or from a secret that may be rotated while the function runs.

use crate::aws::secrets::{self, SecretError};
use crate::config::{ConfigError, Environment, Variable};
use crate::http::Http;
use crate::secret::Secret;

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
            // Its value is not shown: it may be the key itself, put into the wrong variable.
            (None, Some(_)) => {
                let expected = "the ARN of a secret, arn:aws:secretsmanager:…";
                Err(ConfigError::invalid(arn, "***", expected))
            }
            (Some(_), Some(_)) => {
                let expected = format!("nothing, because {} is set too", plain.name);
                Err(ConfigError::invalid(arn, "***", expected))
            }
        }
    }

    /// Fetches the key from where it is kept.
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
