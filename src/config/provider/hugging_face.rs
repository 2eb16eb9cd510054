//! Settings of the Hugging Face provider, and how they belong together.

use serde_json::{Map, Value};

use crate::config::provider::Key;
use crate::config::reader::{ConfigError, Reader};
use crate::provider::huggingface;
use crate::provider::huggingface::HuggingFaceTask;
use crate::wire::endpoint::{Url, parse_endpoint};

/// The router of Hugging Face's inference providers. It asks for a token; other servers may not.
const ROUTER: &str = "https://router.huggingface.co/v1";

/// What writes if nothing else is asked for.
const CHAT_MODEL: &str = "openai/gpt-oss-120b";

/// Settings of the Hugging Face provider.
#[derive(Debug, Clone)]
pub struct HuggingFaceSettings {
    /// `HF_TASK`.
    pub task: HuggingFaceTask,
    /// `HF_API_TOKEN` or `HF_API_TOKEN_SECRET_ARN`.
    pub token: Option<Key>,
    /// `HF_MODEL`; empty if the endpoint serves one model and its name is not known.
    pub model: String,
    /// `HF_ENDPOINT_URL`.
    pub endpoint: Url,
    /// `MODEL_PARAMETERS`.
    pub parameters: Map<String, Value>,
}

/// Reads the settings; `token` and `parameters` are read already.
pub(crate) fn read(
    read: &Reader<'_>,
    token: Option<Key>,
    parameters: Map<String, Value>,
) -> Result<HuggingFaceSettings, ConfigError> {
    let endpoint = read
        .text("HF_ENDPOINT_URL")
        .unwrap_or_else(|| ROUTER.to_owned());
    let endpoint = parse_endpoint("HF_ENDPOINT_URL", &endpoint)?;
    if token.is_none()
        && Some(endpoint.host_str()) == Url::parse(ROUTER).ok().as_ref().map(Url::host_str)
    {
        return Err(ConfigError::Missing {
            variable: "HF_API_TOKEN",
            expected: "the router wants a token with the permission \"Make calls to Inference Providers\"; set it, or \
                       HF_API_TOKEN_SECRET_ARN"
                .to_owned(),
        });
    }
    let tasks = HuggingFaceTask::ALL.map(|task| (task.name(), task));
    let task = read.choice("HF_TASK", &tasks)?.unwrap_or_default();
    let model = match (read.text("HF_MODEL"), task) {
        (Some(model), _) => model,
        (None, HuggingFaceTask::Chat) => CHAT_MODEL.to_owned(),
        (None, _) if huggingface::needs_model(task, &endpoint) => {
            return Err(ConfigError::Missing {
                variable: "HF_MODEL",
                expected: format!(
                    "with HF_TASK={} the router is asked for one model, for example facebook/bart-large-cnn",
                    task.name()
                ),
            });
        }
        (None, _) => String::new(),
    };
    task.check(&parameters)
        .map_err(|error| ConfigError::Invalid {
            variable: "MODEL_PARAMETERS",
            value: Value::Object(parameters.clone()).to_string(),
            expected: format!("other members with HF_TASK={} ({error})", task.name()),
        })?;
    Ok(HuggingFaceSettings {
        task,
        token,
        model,
        endpoint,
        parameters,
    })
}

#[cfg(test)]
mod tests {
    use crate::config::Surface;
    use crate::config::tests::config;

    #[test]
    fn a_server_of_ones_own_needs_no_token() {
        let url = ("HF_ENDPOINT_URL", "http://127.0.0.1:8080/v1");
        assert!(config(Surface::Lambda, &[("MODEL_PROVIDER", "huggingface"), url]).is_ok());
        let error = config(Surface::Lambda, &[("MODEL_PROVIDER", "huggingface")]).unwrap_err();
        assert!(
            error.to_string().starts_with("HF_API_TOKEN is not set"),
            "{error}"
        );
    }

    #[test]
    fn a_task_and_its_model_decide_what_is_asked() {
        let provider = |variables: &[_]| {
            let token = [("HF_API_TOKEN", "hf_x")];
            let all = [&token[..], variables].concat();
            config(Surface::Lambda, &all).map(|config| config.provider)
        };
        let chat = provider(&[]).unwrap();
        assert_eq!(chat.model(), Some("openai/gpt-oss-120b"));
        let bart = [
            ("HF_TASK", "summarization"),
            ("HF_MODEL", "facebook/bart-large-cnn"),
        ];
        let bart = provider(&bart).unwrap();
        assert_eq!(bart.model(), Some("facebook/bart-large-cnn"));
        assert!(
            bart.fingerprint()
                .starts_with("huggingface summarization https://router")
        );
        assert_ne!(chat.fingerprint(), bart.fingerprint());
        let own = [
            ("HF_TASK", "text-generation"),
            ("HF_ENDPOINT_URL", "http://127.0.0.1:8080"),
        ];
        assert_eq!(provider(&own).unwrap().model(), None);
        let error = provider(&[("HF_TASK", "text-generation")])
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("HF_MODEL is not set: with HF_TASK=text-generation"),
            "{error}"
        );
    }

    #[test]
    fn parameters_that_are_not_a_choice_are_refused_by_name() {
        for (task, parameters, words) in [
            (
                "chat",
                r#"{"temperature":0.3,"max_tokens":9}"#,
                "max_tokens cannot be set: the limit follows from SUMMARY_WORDS",
            ),
            (
                "chat",
                r#"{"model":"x"}"#,
                "model cannot be set: set HF_MODEL",
            ),
            (
                "chat",
                r#"{"max_completion_tokens":9}"#,
                "max_completion_tokens cannot be set: only true",
            ),
            (
                "text-generation",
                r#"{"return_full_text":true}"#,
                "return_full_text cannot be set",
            ),
            (
                "text-generation",
                r#"{"stream":false}"#,
                "stream cannot be set: set HF_ENDPOINT_URL",
            ),
            (
                "summarization",
                r#"{"generate_parameters":{}}"#,
                "generate_parameters cannot be set: give its members",
            ),
            (
                "summarization",
                r#"{"max_length":9}"#,
                "max_length cannot be set",
            ),
        ] {
            let settings = [
                ("HF_API_TOKEN", "x"),
                ("HF_MODEL", "m"),
                ("HF_TASK", task),
                ("MODEL_PARAMETERS", parameters),
            ];
            let error = config(Surface::Lambda, &settings).unwrap_err().to_string();
            assert!(
                error.starts_with("MODEL_PARAMETERS is ") && error.contains(words),
                "{error}"
            );
        }
        for (task, parameters) in [
            (
                "chat",
                r#"{"max_completion_tokens":true,"reasoning_effort":"low"}"#,
            ),
            ("text-generation", r#"{"temperature":0.3,"details":true}"#),
            (
                "summarization",
                r#"{"num_beams":4,"truncation":"longest_first"}"#,
            ),
        ] {
            let settings = [
                ("HF_API_TOKEN", "x"),
                ("HF_MODEL", "m"),
                ("HF_TASK", task),
                ("MODEL_PARAMETERS", parameters),
            ];
            assert!(config(Surface::Lambda, &settings).is_ok(), "{parameters}");
        }
    }
}
