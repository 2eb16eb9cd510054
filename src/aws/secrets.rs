//! Keys that are kept in AWS Secrets Manager.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::DisplayErrorContext;
use serde_json::{Map, Value};

use crate::aws::sdk::sdk_config;
use crate::http::Http;
use crate::secret::Secret;

/// A secret that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("could not read the secret {arn}: {reason}")]
pub struct SecretError {
    arn: String,
    reason: String,
}

/// Reads the secret `arn` over `http`: a plain string, or a JSON object that has the key under the name `variable`.
///
/// # Errors
/// If it can't be read, or holds neither.
pub async fn fetch(http: &Http, arn: &str, variable: &str) -> Result<Secret, SecretError> {
    let error = |reason| SecretError {
        arn: arn.to_owned(),
        reason,
    };
    let config = sdk_config(http)
        .await
        .map_err(|cause| error(cause.to_string()))?;
    let client = Client::new(&config);
    let answer = client
        .get_secret_value()
        .secret_id(arn)
        .send()
        .await
        .map_err(|cause| {
            error(format!(
                "{}; the function's role needs secretsmanager:GetSecretValue on it",
                DisplayErrorContext(&cause)
            ))
        })?;
    let value = answer
        .secret_string()
        .ok_or_else(|| error("it is binary: store the key as text".to_owned()))?;
    key_in(value, variable).ok_or_else(|| {
        error(format!(
            "it is JSON without a text under {variable:?}: add that, or store the key as plain text"
        ))
    })
}

/// The key in the value of a secret.
fn key_in(value: &str, variable: &str) -> Option<Secret> {
    let key = match serde_json::from_str::<Map<String, Value>>(value) {
        Ok(fields) => fields.get(variable)?.as_str()?.trim().to_owned(),
        Err(_) => value.trim().to_owned(),
    };
    (!key.is_empty()).then(|| Secret::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_plain_or_json() {
        let key = |value| key_in(value, "HF_API_TOKEN").map(|secret| secret.expose().to_owned());
        assert_eq!(key("hf_abc\n").as_deref(), Some("hf_abc"));
        assert_eq!(
            key(r#"{"HF_API_TOKEN": "hf_abc", "other": 1}"#).as_deref(),
            Some("hf_abc")
        );
        assert_eq!(key(r#"{"token": "hf_abc"}"#), None);
        assert_eq!(key("  "), None);
    }
}
