//! Sends one request to a JSON service of AWS, signed, over this process's HTTP client.
//!
//! - A service of JSON 1.1 is told the operation by the header `x-amz-target`, as `Service.Operation`. A REST service is told
//!   by method and path.
//! - An error response has its code in the header `x-amzn-errortype`, possibly before a `:`, or in `__type`, possibly after a
//!   `#`, and its text in `message` or `Message`.
//! - Requests are retried within the SDK's limits: without a connection or response, after 429 and 5xx, and when throttled,
//!   which may come with status 400. One that must not take effect twice is retried only after a refusal for now.

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use reqwest::Method;
use serde_json::Value;

use crate::aws::signer::{SignError, Signer};
use crate::chain::chain;
use crate::http::{Http, HttpError};

/// A request to a JSON service.
#[derive(Debug)]
pub(crate) struct SignedRequest<'a> {
    /// The service name used in the signature.
    pub(crate) service: &'static str,
    pub(crate) url: &'a str,
    pub(crate) region: &'a str,
    pub(crate) operation: Operation<'a>,
    /// JSON, or nothing.
    pub(crate) body: String,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operation<'a> {
    /// `Service.Operation` of JSON 1.1.
    Target(&'a str),
    /// GET of a REST service.
    Get,
    /// POST to a REST service, which takes effect each time.
    PostOnce,
}

/// The reason a request has no response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignedError {
    #[error("no region is set: set AWS_REGION to that of the bucket")]
    NoRegion,
    #[error(transparent)]
    NotSigned(#[from] SignError),
    #[error(transparent)]
    NoClient(#[from] HttpError),
    #[error("no response arrived")]
    NoAnswer(#[from] reqwest::Error),
    #[error("AWS answered {status} {code}: {message}")]
    Refused {
        status: u16,
        code: String,
        message: String,
    },
}

impl SignedRequest<'_> {
    /// Sends the request with the credentials and limits of `config`, retrying where that may help.
    pub(crate) async fn send(&self, config: &SdkConfig, http: &Http) -> Result<Value, SignedError> {
        let retry = config.retry_config().cloned();
        let retry = retry.unwrap_or_else(RetryConfig::standard);
        let (mut attempt, mut wait) = (1, retry.initial_backoff());
        let signer = Signer::new(config.credentials_provider(), self.service, self.region);
        loop {
            match self.attempt(&signer, config, http).await {
                Err(error) if self.may_repeat(&error) && attempt < retry.max_attempts() => {
                    tracing::warn!(
                        error = chain(&error),
                        attempt,
                        "request to AWS failed, trying again"
                    );
                    tokio::time::sleep(wait).await;
                    attempt += 1;
                    wait *= 2;
                }
                ended => return ended,
            }
        }
    }

    fn may_repeat(&self, error: &SignedError) -> bool {
        match self.operation {
            Operation::PostOnce => error.is_throttled(),
            Operation::Get | Operation::Target(_) => error.passes(),
        }
    }

    async fn attempt(
        &self,
        signer: &Signer,
        config: &SdkConfig,
        http: &Http,
    ) -> Result<Value, SignedError> {
        let json = [("content-type", "application/json")];
        let (method, headers) = match self.operation {
            Operation::Target(target) => {
                let content_type = ("content-type", "application/x-amz-json-1.1");
                (Method::POST, vec![content_type, ("x-amz-target", target)])
            }
            Operation::Get => (Method::GET, Vec::new()),
            Operation::PostOnce => (Method::POST, json.to_vec()),
        };
        let signed = signer
            .sign(method.as_str(), self.url, &headers, self.body.as_bytes())
            .await?;
        let mut request = http.client()?.request(method, self.url);
        if !self.body.is_empty() {
            request = request.body(self.body.clone());
        }
        let limits = config.timeout_config();
        if let Some(limit) = limits.and_then(TimeoutConfig::operation_attempt_timeout) {
            request = request.timeout(limit);
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        for (name, value) in signed {
            request = request.header(name, value);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let kind = answer.headers().get("x-amzn-errortype");
        let kind = kind.and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        // A proxy may answer with something other than JSON.
        let body: Value = serde_json::from_slice(&answer.bytes().await?).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(body);
        }
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let kind = kind.as_deref().and_then(|kind| kind.split(':').next());
        let code = kind
            .or(text("__type"))
            .and_then(|code| code.rsplit('#').next());
        let message = text("message").or(text("Message"));
        Err(SignedError::Refused {
            status: status.as_u16(),
            code: code.unwrap_or("without a code").to_owned(),
            message: message.unwrap_or("no message").to_owned(),
        })
    }
}

impl SignedError {
    /// Whether a later request may succeed without anyone's help.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Self::NotSigned(SignError::NotReached(_)) => true,
            Self::NoRegion | Self::NotSigned(_) | Self::NoClient(_) => false,
            Self::NoAnswer(error) => !error.is_builder(),
            Self::Refused { status, .. } => *status >= 500 || self.is_throttled(),
        }
    }

    /// Whether the request was refused for now, and has had no effect.
    pub(crate) fn is_throttled(&self) -> bool {
        match self {
            Self::Refused { status, code, .. } => {
                *status == 429 || code.starts_with("Throttling") || code == "LimitExceededException"
            }
            _ => false,
        }
    }

    /// Whether the request may have taken effect.
    pub(crate) fn is_ambiguous(&self) -> bool {
        match self {
            Self::NoAnswer(error) => !error.is_builder() && !error.is_connect(),
            Self::Refused { status, .. } => *status >= 500,
            Self::NoRegion | Self::NotSigned(_) | Self::NoClient(_) => false,
        }
    }
}
