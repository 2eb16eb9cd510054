//! What the RunPod provider needs.

use serde_json::{Map, Value};

use crate::config::provider::Key;
use crate::config::reader::{ConfigError, Reader};
use crate::provider::runpod::address::base_url;
use crate::wire::endpoint::{Url, parse_endpoint};

/// Settings of the RunPod provider.
#[derive(Debug, Clone)]
pub struct RunPodSettings {
    /// `RUNPOD_API_KEY` or `RUNPOD_API_KEY_SECRET_ARN`.
    pub key: Option<Key>,
    /// `RUNPOD_ENDPOINT_URL`, without what may have been copied along.
    pub endpoint: Url,
    /// `RUNPOD_MODEL`.
    pub model: Option<String>,
    /// `MODEL_PARAMETERS`.
    pub parameters: Map<String, Value>,
}

impl RunPodSettings {
    /// Everything that changes answers; no secrets.
    pub(crate) fn fingerprint(&self) -> String {
        format!(
            "runpod {} {} {}",
            self.endpoint,
            self.model.as_deref().unwrap_or_default(),
            Value::Object(self.parameters.clone())
        )
    }
}

/// Reads what is left to read when RunPod is chosen.
pub(crate) fn read(
    read: &Reader<'_>,
    key: Option<Key>,
    parameters: Map<String, Value>,
) -> Result<RunPodSettings, ConfigError> {
    const URL: &str = "RUNPOD_ENDPOINT_URL";
    let Some(value) = read.text(URL) else {
        return Err(ConfigError::Missing {
            variable: URL,
            expected:
                "set it to the endpoint that is to write, https://api.runpod.ai/v2/<endpoint id>"
                    .to_owned(),
        });
    };
    let given = parse_endpoint(URL, &value)?;
    let endpoint = base_url(&given).map_err(|error| ConfigError::Invalid {
        variable: URL,
        value: given.to_string(),
        expected: error.to_string(),
    })?;
    // Unencrypted addresses are those of this machine.
    if key.is_none() && endpoint.scheme() == "https" {
        return Err(ConfigError::Missing {
            variable: "RUNPOD_API_KEY",
            expected: "RunPod wants a key that may call the endpoint; set it, or RUNPOD_API_KEY_SECRET_ARN"
                .to_owned(),
        });
    }
    Ok(RunPodSettings {
        key,
        endpoint,
        model: read.text("RUNPOD_MODEL"),
        parameters,
    })
}

#[cfg(test)]
mod tests {
    use crate::config::tests::config;
    use crate::config::{Provider, Surface};

    const KEY: (&str, &str) = ("RUNPOD_API_KEY", "rpa_canary");
    const URL: (&str, &str) = ("RUNPOD_ENDPOINT_URL", "https://api.runpod.ai/v2/abc123/run");

    fn error(variables: &[(&str, &str)]) -> String {
        let error = config(Surface::Lambda, variables).unwrap_err().to_string();
        assert!(!error.contains("canary"), "{error}");
        error
    }

    #[test]
    fn a_key_and_an_endpoint_are_enough() {
        let config = config(Surface::Lambda, &[KEY, URL, ("RUNPOD_MODEL", "qwen")]).unwrap();
        assert_eq!(config.provider.name(), "runpod");
        assert_eq!(config.provider.model(), Some("qwen"));
        assert_eq!(config.limits.context_tokens, Some(32_768));
        assert_eq!(
            config.provider.fingerprint(),
            "runpod https://api.runpod.ai/v2/abc123 qwen {}"
        );
        assert!(!format!("{config:?}").contains("canary"));
        let arn = [("RUNPOD_API_KEY_SECRET_ARN", "arn:aws:x"), URL];
        let from_arn = crate::config::tests::config(Surface::Lambda, &arn).unwrap();
        assert!(matches!(from_arn.provider, Provider::RunPod(_)));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(error(&[KEY]).starts_with("RUNPOD_ENDPOINT_URL is not set"));
        let chosen = ("MODEL_PROVIDER", "runpod");
        assert!(error(&[chosen, URL]).starts_with("RUNPOD_API_KEY is not set"));
        let local = ("RUNPOD_ENDPOINT_URL", "http://127.0.0.1:8000");
        assert!(config(Surface::Lambda, &[chosen, local]).is_ok());
    }

    #[test]
    fn two_keys_leave_the_choice_open() {
        let both = [KEY, URL, ("HF_API_TOKEN", "hf_canary")];
        let error = error(&both);
        assert!(
            error.starts_with("MODEL_PROVIDER is not set") && error.contains("RUNPOD_API_KEY"),
            "{error}"
        );
        for provider in ["runpod", "huggingface", "extractive"] {
            let variables = [&both[..], &[("MODEL_PROVIDER", provider)]].concat();
            let config = config(Surface::Lambda, &variables).unwrap();
            assert_eq!(config.provider.name(), provider);
        }
    }

    #[test]
    fn addresses_that_lead_elsewhere_say_where_to_go() {
        for (url, words) in [
            ("https://abc123.api.runpod.ai", "HF_ENDPOINT_URL"),
            ("https://api.runpod.ai/v2/", "<endpoint id>"),
            ("https://user:canary@api.runpod.ai/v2/x", "credentials"),
            ("http://api.runpod.ai/v2/x", "unencrypted"),
        ] {
            let error = error(&[KEY, ("RUNPOD_ENDPOINT_URL", url)]);
            assert!(error.starts_with("RUNPOD_ENDPOINT_URL is "), "{error}");
            assert!(error.contains(words), "{error}");
        }
    }
}
