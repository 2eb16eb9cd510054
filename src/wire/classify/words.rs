//! The words of an error: what is looked for in them.

use std::time::Duration;

use crate::wire::classify::wait;
use crate::wire::error_text::ErrorText;

/// The account has run dry, whatever the status.
pub(crate) const NO_CREDITS: [&str; 6] = [
    "monthly included credits",
    "insufficient_quota",
    "insufficient credits",
    "insufficient balance",
    "insufficient funds",
    "exceeded your current quota, please check your plan and billing",
];

/// Too many requests, whatever the status.
pub(crate) const THROTTLED: [&str; 6] = [
    "throttl",
    "rate limit",
    "rate_limit",
    "please wait",
    "too many requests",
    "overloaded",
];

/// The model is not served.
pub(crate) const UNKNOWN_MODEL: [&str; 6] = [
    "not supported by any provider",
    "model not supported by provider",
    "model_not_supported",
    "model_not_found",
    "model not found",
    "unknown model",
];

/// A custom handler answers 400 to every exception of its own, also to those that pass (WIRE.md 2.3).
pub(crate) const WORKER_TROUBLE: [&str; 9] = [
    "cuda",
    "out of memory",
    "worker is unhealthy",
    "process is not running",
    "request to vllm failed",
    "enginedead",
    "engine is dead",
    "engine loop is not running",
    "connection refused",
];

/// Everything an error says, in lower case: message, code and type.
pub(crate) struct Words(String);

impl Words {
    pub(crate) fn new(said: &ErrorText) -> Self {
        let parts = [Some(&said.message), said.code.as_ref(), said.kind.as_ref()];
        let all: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        Self(all.join("; ").to_lowercase())
    }

    pub(crate) fn any(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.0.contains(phrase))
    }

    pub(crate) fn wait(&self, said: &ErrorText) -> Option<Duration> {
        said.wait.or_else(|| wait::in_words(&self.0))
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// The HTTP status inside an error that came with another one, or with none: its code, its type, or in its words.
    pub(crate) fn status(&self, said: &ErrorText) -> Option<u16> {
        let number = |text: &str| text.parse().ok().filter(|n| (300..600).contains(n));
        said.code
            .as_deref()
            .and_then(number)
            .or_else(|| {
                ["returned http ", "status code ", "http error "]
                    .iter()
                    .find_map(|words| number(self.0.split_once(words)?.1.get(..3)?))
            })
            .or_else(|| {
                let kind = said.kind.as_deref()?.to_lowercase().replace('_', "");
                let (_, status) = ERROR_TYPES
                    .iter()
                    .find(|(name, _)| kind.starts_with(name))?;
                Some(*status)
            })
    }
}

/// Types of errors (WIRE.md 2.3), lower-case and without underscores, and the status they come with elsewhere.
const ERROR_TYPES: [(&str, u16); 11] = [
    ("badrequest", 400),
    ("invalidrequest", 400),
    ("authentication", 401),
    ("permission", 403),
    ("notfound", 404),
    ("validation", 422),
    ("template", 422),
    ("ratelimit", 429),
    ("unavailable", 503),
    ("notsupported", 501),
    ("notimplemented", 501),
];
