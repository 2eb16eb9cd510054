//! The settings of the HTTP API where it runs in a function of its own, behind a Function URL.

use crate::config::{ConfigError, Environment, Variable};

const API: Variable = Variable::new(
    "API",
    "makes the function answer the HTTP API behind a Function URL, and nothing else: `iam` where the URL checks \
     signatures, `token` where it is open and callers send a token",
);

const API_BUCKET: Variable = Variable::new("API_BUCKET", "the bucket of the HTTP API (with `API`)");

pub(crate) const API_PREFIX: Variable = Variable::new(
    "API_PREFIX",
    "the folder that uploads through the HTTP API go to. A function without `API` keeps the progress of their jobs for it",
);

const API_TOKEN_SECRET_ARN: Variable = Variable::new(
    "API_TOKEN_SECRET_ARN",
    "the Secrets Manager secret that holds the token, as plain text or as JSON with the key `API_TOKEN` (with `API=token`)",
);

/// The member that holds the token if the secret is a JSON object.
pub(crate) const API_TOKEN: &str = "API_TOKEN";

pub(crate) const VARIABLES: [Variable; 4] = [API, API_BUCKET, API_PREFIX, API_TOKEN_SECRET_ARN];

/// The function answers the HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    /// The bucket of transcripts.
    pub bucket: String,
    /// The ARN of the secret that holds the token of callers; `None` if the URL lets in only whom IAM allows to call it.
    pub token_arn: Option<String>,
}

/// Whether the environment makes this function answer the HTTP API.
pub(crate) fn is_set(environment: Environment<'_>) -> bool {
    environment.text(API).is_some()
}

/// Reads the settings, if the function answers the HTTP API.
///
/// # Errors
/// The first missing or invalid value.
pub(crate) fn read(
    environment: Environment<'_>,
    prefix: Option<&str>,
) -> Result<Option<Api>, ConfigError> {
    let Some(has_token) = environment.choice(API, &[("iam", false), ("token", true)])? else {
        return Ok(None);
    };
    if prefix.is_none() {
        let expected = "the folder of uploads, such as uploads/";
        return Err(ConfigError::missing(API_PREFIX, expected));
    }
    let arn = || {
        let expected = "the ARN of a secret, arn:aws:secretsmanager:…";
        let is_arn = |value: &str| value.starts_with("arn:").then(|| value.to_owned());
        match environment.text(API_TOKEN_SECRET_ARN) {
            None => Err(ConfigError::missing(API_TOKEN_SECRET_ARN, expected)),
            // It may be the token itself.
            Some(value) => is_arn(&value)
                .ok_or_else(|| ConfigError::invalid(API_TOKEN_SECRET_ARN, "***", expected)),
        }
    };
    Ok(Some(Api {
        bucket: environment.required(API_BUCKET, "the name of a bucket", |name| {
            Some(name.to_owned())
        })?,
        token_arn: has_token.then(arn).transpose()?,
    }))
}
