//! Which model writes, and what it needs.

mod hugging_face;

use serde_json::{Map, Value};

use crate::config::reader::{ConfigError, Reader};
use crate::config::runpod;
use crate::config::runpod::RunPodSettings;
use crate::secret::Secret;

pub use hugging_face::HuggingFaceSettings;

/// A key, or where it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// The key itself.
    Plain(Secret),
    /// ARN of the secret in Secrets Manager that holds it.
    SecretArn(String),
}

/// What writes the summary.
#[derive(Debug, Clone)]
pub enum Provider {
    /// Hugging Face, or any server that speaks the same.
    HuggingFace(HuggingFaceSettings),
    /// Jobs in the queue of a RunPod endpoint.
    RunPod(RunPodSettings),
    /// The embedded model.
    Extractive,
}

#[derive(Clone, Copy)]
enum Choice {
    HuggingFace,
    RunPod,
    Extractive,
}

impl Provider {
    /// As `MODEL_PROVIDER` and reports name it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::HuggingFace(_) => "huggingface",
            Self::RunPod(_) => "runpod",
            Self::Extractive => "extractive",
        }
    }

    /// Whether it quotes the transcript instead of writing about it.
    #[must_use]
    pub fn quotes(&self) -> bool {
        matches!(self, Self::Extractive)
    }

    /// The model's id, where there is one.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        match self {
            Self::HuggingFace(settings) => {
                Some(settings.model.as_str()).filter(|id| !id.is_empty())
            }
            Self::RunPod(settings) => settings.model.as_deref(),
            Self::Extractive => None,
        }
    }

    /// Everything about the provider that changes its answers; no secrets.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        match self {
            Self::HuggingFace(settings) => format!(
                "huggingface {} {} {} {}",
                settings.task.name(),
                settings.endpoint,
                settings.model,
                Value::Object(settings.parameters.clone())
            ),
            Self::RunPod(settings) => settings.fingerprint(),
            Self::Extractive => format!("extractive {}", env!("CARGO_PKG_VERSION")),
        }
    }
}

/// Reads the provider. `free` allows the embedded model when none is configured.
pub(crate) fn read(read: &Reader<'_>, free: bool) -> Result<Provider, ConfigError> {
    let choices = [
        ("huggingface", Choice::HuggingFace),
        ("runpod", Choice::RunPod),
        ("extractive", Choice::Extractive),
    ];
    let token = key(read, "HF_API_TOKEN", "HF_API_TOKEN_SECRET_ARN")?;
    let runpod_key = key(read, "RUNPOD_API_KEY", "RUNPOD_API_KEY_SECRET_ARN")?;
    let choice = match read.choice("MODEL_PROVIDER", &choices)? {
        Some(choice) => choice,
        None if token.is_some() && runpod_key.is_some() => {
            return Err(ConfigError::Missing {
                variable: "MODEL_PROVIDER",
                expected: "HF_API_TOKEN and RUNPOD_API_KEY are both set, so set it to huggingface or runpod"
                    .to_owned(),
            });
        }
        None if token.is_some() => Choice::HuggingFace,
        None if runpod_key.is_some() => Choice::RunPod,
        None if free => Choice::Extractive,
        None => {
            return Err(ConfigError::Missing {
                variable: "MODEL_PROVIDER",
                expected: "set HF_API_TOKEN (or HF_API_TOKEN_SECRET_ARN) to summarize with Hugging Face, \
                           RUNPOD_API_KEY and RUNPOD_ENDPOINT_URL to do so with RunPod, or MODEL_PROVIDER=extractive for the embedded model"
                    .to_owned(),
            });
        }
    };
    let parameters = parameters(read)?;
    match choice {
        Choice::Extractive => Ok(Provider::Extractive),
        Choice::HuggingFace => {
            hugging_face::read(read, token, parameters).map(Provider::HuggingFace)
        }
        Choice::RunPod => runpod::read(read, runpod_key, parameters).map(Provider::RunPod),
    }
}

/// A key from the variable that holds it or the one that says where it is kept; both would be a contradiction.
fn key(
    read: &Reader<'_>,
    plain: &'static str,
    arn: &'static str,
) -> Result<Option<Key>, ConfigError> {
    match (read.text(plain), read.text(arn)) {
        (Some(_), Some(value)) => Err(ConfigError::Invalid {
            variable: arn,
            value,
            expected: format!("nothing, because {plain} is set too"),
        }),
        (Some(value), None) => Ok(Some(Key::Plain(Secret::new(value)))),
        (None, Some(value)) if value.starts_with("arn:") => Ok(Some(Key::SecretArn(value))),
        // Not shown: it may be the key itself, put into the wrong variable.
        (None, Some(_)) => Err(ConfigError::Invalid {
            variable: arn,
            value: "***".to_owned(),
            expected: "the ARN of a secret, arn:aws:secretsmanager:…".to_owned(),
        }),
        (None, None) => Ok(None),
    }
}

fn parameters(read: &Reader<'_>) -> Result<Map<String, Value>, ConfigError> {
    let Some(value) = read.text("MODEL_PARAMETERS") else {
        return Ok(Map::new());
    };
    serde_json::from_str(&value).map_err(|error| ConfigError::Invalid {
        variable: "MODEL_PARAMETERS",
        value,
        expected: format!("a JSON object such as {{\"temperature\": 0.3}} ({error})"),
    })
}

#[cfg(test)]
mod tests {
    use crate::config::tests::config;
    use crate::config::{Surface, VARIABLES};

    #[test]
    fn the_key_that_is_set_decides() {
        let name = |surface, variables: &[_]| {
            config(surface, variables).map(|config| config.provider.name())
        };
        assert_eq!(
            name(Surface::Lambda, &[("HF_API_TOKEN", "x")]),
            Ok("huggingface")
        );
        assert_eq!(
            name(Surface::Lambda, &[("HF_API_TOKEN_SECRET_ARN", "arn:aws:x")]),
            Ok("huggingface")
        );
        assert_eq!(
            name(
                Surface::Lambda,
                &[("MODEL_PROVIDER", "extractive"), ("HF_API_TOKEN", "x")]
            ),
            Ok("extractive")
        );
        assert_eq!(name(Surface::CommandLine, &[]), Ok("extractive"));
        assert_eq!(
            name(Surface::Lambda, &[("STORE_DIR", "bucket")]),
            Ok("extractive")
        );
        assert!(
            name(Surface::Lambda, &[])
                .unwrap_err()
                .to_string()
                .contains("HF_API_TOKEN")
        );
    }

    #[test]
    fn keys_are_never_shown() {
        let error = config(Surface::Lambda, &[("HF_API_TOKEN_SECRET_ARN", "hf_oops")]).unwrap_err();
        assert!(!error.to_string().contains("oops"), "{error}");
        let config = config(Surface::Lambda, &[("HF_API_TOKEN", "hf_canary")]).unwrap();
        assert!(!format!("{config:?}").contains("canary"));
    }

    #[test]
    fn only_documented_variables_are_read() {
        let seen = std::cell::RefCell::new(Vec::new());
        let _ = crate::config::Config::from_lookup(Surface::CommandLine, &|name| {
            seen.borrow_mut().push(name.to_owned());
            None
        });
        for name in seen.into_inner() {
            assert!(
                VARIABLES.iter().any(|variable| variable.name == name),
                "{name} is not documented"
            );
        }
    }
}
