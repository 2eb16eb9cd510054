//! The settings of the fallback model: a second block of the variables of a provider, each with the prefix `FALLBACK_`. It is read
//! like the first one, and nothing that the first one has is used for it.
//!
//! Requests are planned and worded for the first model. So the fallback has to be of its kind, with a window that holds the same
//! requests; otherwise the configuration is refused. Planning with the smaller of two windows would be simpler for the user, but a
//! job that has begun would be planned anew, and paid again, when a fallback is added.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::config::{ConfigError, Environment, Surface, Variable};
use crate::http::Http;
use crate::model::{Capabilities, Fallback, Jobs, Model, ModelError, Reply, Served};
use crate::prompt::Prompt;
use crate::provider::{
    self, ConnectError, MODEL_CONTEXT_TOKENS, MODEL_PROVIDER, PROVIDERS, SHARED_VARIABLES, Settings,
};

const PREFIX: &str = "FALLBACK_";

const FALLBACK_MODEL_PROVIDER: Variable = Variable::new(
    "FALLBACK_MODEL_PROVIDER",
    "the provider of a fallback model. All variables above and both prices are read for it with `FALLBACK_` before \
     their names: `FALLBACK_HF_API_TOKEN`, …",
)
.noting("the one whose key is set");

const FALLBACK_AFTER: Variable = Variable::new(
    "FALLBACK_AFTER",
    "seconds for which the first model may be down, starting or throttling before the fallback takes over",
)
.or("600");

/// The variables that only the fallback has.
pub(crate) const VARIABLES: [Variable; 2] = [FALLBACK_MODEL_PROVIDER, FALLBACK_AFTER];

/// The variables of a block.
fn block() -> impl Iterator<Item = Variable> {
    let of_providers = PROVIDERS.iter().flat_map(|provider| provider.variables);
    let shared = [MODEL_PROVIDER].into_iter().chain(SHARED_VARIABLES);
    shared.chain(of_providers.copied())
}

/// The text with the prefix before the names of variables.
fn rename(text: &str) -> String {
    let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let mut renamed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_name) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c| !is_name(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        renamed.push_str(before);
        let is_price = word.starts_with("PRICE_");
        if is_price || block().any(|variable| variable.name == word) {
            renamed.push_str(PREFIX);
        }
        renamed.push_str(word);
        rest = after;
    }
    renamed + rest
}

/// Does `read` with the environment of the fallback. Errors name its variables.
pub(crate) fn within<T>(
    environment: Environment<'_>,
    read: impl FnOnce(Environment<'_>) -> Result<T, ConfigError>,
) -> Result<T, ConfigError> {
    let lookup = |name: &str| (environment.0)(&format!("{PREFIX}{name}"));
    read(Environment(&lookup)).map_err(|error| error.map(rename))
}

/// Adds the fallback to the settings of the `first` model, if one is configured.
///
/// # Errors
/// The first missing or invalid value, or the reason why the fallback cannot take over from the first model.
pub(crate) fn read(
    environment: Environment<'_>,
    first: Arc<dyn Settings>,
) -> Result<Arc<dyn Settings>, ConfigError> {
    let seconds = environment.number(FALLBACK_AFTER, 0..=86_400)?;
    let second = within(environment, |environment| {
        let is_set = |variable: Variable| {
            let default = None;
            environment
                .text(Variable {
                    default,
                    ..variable
                })
                .is_some()
        };
        match block().any(is_set) {
            // Not the built-in model because nothing else is chosen.
            true => provider::read(environment, Surface::Lambda).map(Some),
            false => Ok(None),
        }
    })?;
    let Some(second) = second else {
        return Ok(first);
    };
    check(first.capabilities(), second.capabilities())?;
    let after = Duration::from_secs(seconds);
    Ok(Arc::new(WithFallback {
        first,
        second,
        after,
    }))
}

/// Checks that the second model can be sent what is planned for the first one.
fn check(first: &Capabilities, second: &Capabilities) -> Result<(), ConfigError> {
    if first.quotes {
        let expected = "set the key of the first model too, from which the fallback takes over";
        return Err(ConfigError::missing(MODEL_PROVIDER, expected));
    }
    if first.reads_links || second.reads_links {
        let expected = "no fallback: one that is sent prompts cannot take over from a worker that is sent whole transcripts \
                        (RUNPOD_TASK=transcript), nor the other way round";
        let value = second.provider;
        return Err(ConfigError::invalid(
            FALLBACK_MODEL_PROVIDER,
            value,
            expected,
        ));
    }
    let kind = |model: &Capabilities| (model.quotes, model.style.follows_instructions());
    if kind(first) != kind(second) {
        let expected = format!(
            "a model that is asked like the first one, which is of {}: both must follow instructions, or both must serve the task \
             summarization, and neither may be the built-in one",
            first.provider
        );
        let value = second.provider;
        return Err(ConfigError::invalid(
            FALLBACK_MODEL_PROVIDER,
            value,
            expected,
        ));
    }
    let (Some(own), Some(window)) = (second.context_tokens, first.context_tokens) else {
        return Ok(());
    };
    let least = window - first.reasoning_tokens + second.reasoning_tokens;
    if own < least {
        let expected = format!(
            "at least {}, because both models get the same requests: raise it if the fallback's window is larger, or lower \
             {}",
            least.0, MODEL_CONTEXT_TOKENS.name
        );
        let value = own.0.to_string();
        let error = ConfigError::invalid(MODEL_CONTEXT_TOKENS, value, "");
        return Err(error.map(|text| format!("{PREFIX}{text}{expected}")));
    }
    Ok(())
}

/// The settings of two models, of which the second one takes over if necessary.
#[derive(Debug)]
struct WithFallback {
    first: Arc<dyn Settings>,
    second: Arc<dyn Settings>,
    after: Duration,
}

#[async_trait]
impl Settings for WithFallback {
    fn capabilities(&self) -> &Capabilities {
        self.first.capabilities()
    }

    fn fingerprint(&self) -> String {
        self.first.fingerprint()
    }

    fn own_server(&self) -> Option<&str> {
        self.first.own_server()
    }

    fn fallback(&self) -> Option<(&dyn Settings, Duration)> {
        Some((&*self.second, self.after))
    }

    async fn connect(&self, http: &Http) -> Result<Arc<dyn Model>, ConnectError> {
        let fallback = Fallback {
            model: self.second.connect(http).await?,
            fingerprint: self.second.fingerprint(),
            after: self.after,
            rename,
        };
        let first = self.first.connect(http).await?;
        Ok(Arc::new(Pair { first, fallback }))
    }

    /// The first model alone: a request that is to show how it writes is not answered by another.
    async fn connect_at_once(&self, http: &Http) -> Result<Arc<dyn Model>, ConnectError> {
        self.first.connect_at_once(http).await
    }
}

/// The first model, which knows of its fallback.
#[derive(Debug)]
struct Pair {
    first: Arc<dyn Model>,
    fallback: Fallback,
}

#[async_trait]
impl Model for Pair {
    fn capabilities(&self) -> &Capabilities {
        self.first.capabilities()
    }

    async fn submit(&self, prompt: &Prompt) -> Result<Reply, ModelError> {
        self.first.submit(prompt).await
    }

    async fn submit_until(
        &self,
        prompt: &Prompt,
        deadline: Option<Instant>,
    ) -> Option<Result<Reply, ModelError>> {
        self.first.submit_until(prompt, deadline).await
    }

    fn jobs(&self) -> Option<&dyn Jobs> {
        self.first.jobs()
    }

    async fn renew_key(&self) -> bool {
        self.first.renew_key().await
    }

    fn fallback(&self) -> Option<&Fallback> {
        Some(&self.fallback)
    }

    async fn served(&self) -> Served {
        self.first.served().await
    }

    fn warm_up(&self) {
        self.first.warm_up();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<Arc<dyn Settings>, ConfigError> {
        let first = [("HF_API_TOKEN", "hf_canary"), ("HF_MODEL", "first/model")];
        let all = [&first, variables].concat();
        let lookup = |name: &str| {
            let set = all.iter().rev().find(|(variable, _)| *variable == name);
            set.map(|(_, value)| (*value).to_owned())
        };
        let environment = Environment(&lookup);
        let first = provider::read(environment, Surface::CommandLine)?;
        read(environment, first)
    }

    #[test]
    fn a_second_block_is_read_with_the_prefix_and_takes_nothing_of_the_first() {
        let alone = settings(&[]).unwrap();
        assert!(alone.fallback().is_none());
        let both = settings(&[
            ("FALLBACK_HF_ENDPOINT_URL", "https://vllm.example.org/v1"),
            ("FALLBACK_MODEL_PARAMETERS", r#"{"temperature":0.1}"#),
            ("FALLBACK_AFTER", "90"),
            ("MODEL_PARAMETERS", r#"{"top_p":0.9}"#),
        ]);
        let both = both.unwrap();
        let (second, after) = both.fallback().unwrap();
        assert_eq!(after, Duration::from_secs(90));
        assert_eq!(second.own_server(), Some("vllm.example.org"));
        assert!(format!("{second:?}").contains("key: None"));
        let fingerprint = second.fingerprint();
        assert!(!fingerprint.contains("first/model"), "{fingerprint}");
        assert!(
            fingerprint.ends_with(r#"{"temperature":0.1}"#),
            "{fingerprint}"
        );
        // The job is the same with and without a fallback.
        let parameters = ("MODEL_PARAMETERS", r#"{"top_p":0.9}"#);
        assert_eq!(
            both.fingerprint(),
            settings(&[parameters]).unwrap().fingerprint()
        );
    }

    #[test]
    fn errors_name_the_variables_of_the_fallback() {
        let token = ("FALLBACK_HF_API_TOKEN", "x");
        for (variables, expected) in [
            (
                &[("FALLBACK_MODEL_PROVIDER", "runpod")][..],
                "FALLBACK_RUNPOD_ENDPOINT_URL is not set",
            ),
            (
                &[("FALLBACK_HF_MODEL", "a/b")],
                "FALLBACK_HF_API_TOKEN is not set",
            ),
            (
                &[token, ("FALLBACK_RUNPOD_API_KEY", "x")],
                "FALLBACK_MODEL_PROVIDER is not set: FALLBACK_HF_API_TOKEN and FALLBACK_RUNPOD_API_KEY are both set",
            ),
            (
                &[token, ("FALLBACK_MODEL_PARAMETERS", "[]")],
                "FALLBACK_MODEL_PARAMETERS is \"[]\"",
            ),
            (
                &[("FALLBACK_MODEL_CONTEXT_TOKENS", "40000")],
                "FALLBACK_MODEL_PROVIDER is not set: set FALLBACK_HF_API_TOKEN",
            ),
            (
                &[("FALLBACK_MODEL_PROVIDER", "extractive")],
                "FALLBACK_MODEL_PROVIDER is \"extractive\": expected a model that is asked like the first one",
            ),
            (
                &[
                    token,
                    ("FALLBACK_HF_TASK", "summarization"),
                    ("FALLBACK_HF_MODEL", "b"),
                ],
                "FALLBACK_MODEL_PROVIDER is \"huggingface\": expected a model that is asked like",
            ),
            (
                &[
                    ("FALLBACK_RUNPOD_API_KEY", "x"),
                    (
                        "FALLBACK_RUNPOD_ENDPOINT_URL",
                        "https://api.runpod.ai/v2/abc",
                    ),
                    ("FALLBACK_RUNPOD_TASK", "transcript"),
                ],
                "FALLBACK_MODEL_PROVIDER is \"runpod\": expected no fallback",
            ),
            (
                &[token, ("FALLBACK_AFTER", "5m")],
                "FALLBACK_AFTER is \"5m\"",
            ),
        ] {
            let error = settings(variables).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_window_that_does_not_hold_the_first_models_requests_is_refused() {
        let token = ("FALLBACK_HF_API_TOKEN", "x");
        for (own, reasoning, first, least) in [
            ("32768", "1024", "32768", None),
            ("32767", "1024", "32768", Some("32768")),
            // Beside what it thinks, it must have as much room.
            ("32768", "4096", "32768", Some("35840")),
            ("32768", "0", "33792", None),
            ("8192", "0", "131072", Some("130048")),
        ] {
            let ended = settings(&[
                token,
                ("FALLBACK_MODEL_CONTEXT_TOKENS", own),
                ("FALLBACK_MODEL_REASONING_TOKENS", reasoning),
                ("MODEL_CONTEXT_TOKENS", first),
            ]);
            let error = ended.err().map(|error| error.to_string());
            let expected = least.map(|least| {
                format!(
                    "FALLBACK_MODEL_CONTEXT_TOKENS is \"{own}\": expected at least {least}, because both models get the same requests: \
                     raise it if the fallback's window is larger, or lower MODEL_CONTEXT_TOKENS"
                )
            });
            assert_eq!(error, expected);
        }
    }
}
