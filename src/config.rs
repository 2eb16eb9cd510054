//! Every environment variable, parsed once into types. Unknown values are errors, at start-up and not at the first upload.

mod provider;
mod reader;
mod runpod;
mod variables;

use std::path::PathBuf;

use crate::prompt::Style;
use crate::provider::huggingface::HuggingFaceTask;
use crate::summary::{Limits, Prices};
use crate::trigger::Filter;

pub use provider::{HuggingFaceSettings, Key, Provider};
pub use reader::ConfigError;
pub use runpod::RunPodSettings;
pub use variables::{VARIABLES, Variable};

use reader::Reader;

/// Objects up to this size can be asked for; offsets are kept in 32 bits.
const MAX_INPUT_LIMIT: u64 = 1 << 30;

/// Smaller windows get short prompts: the full rules would take a fifth of them.
const FULL_PROMPT_CONTEXT: usize = 4096;

/// Window of an encoder-decoder summarizer such as BART: 1024 tokens of text, and as many of summary.
const SUMMARIZER_CONTEXT: usize = 2048;

/// Where the program runs, which decides what holds when no model is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// A person's command line.
    CommandLine,
    /// A Lambda function.
    Lambda,
}

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// What writes.
    pub provider: Provider,
    /// What the model and its operator allow.
    pub limits: Limits,
    /// Calls in flight per invocation.
    pub concurrency: usize,
    /// Length of a summary in words.
    pub summary_words: usize,
    /// What tokens cost, if that was said.
    pub prices: Option<Prices>,
    /// Bucket for results, if not the source's.
    pub output_bucket: Option<String>,
    /// Which keys are read, and where results go.
    pub filter: Filter,
    /// Larger objects are rejected before they are read.
    pub max_input_bytes: u64,
    /// A directory in place of S3.
    pub store_dir: Option<PathBuf>,
}

impl Config {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// The first missing or wrong value.
    pub fn from_env(surface: Surface) -> Result<Self, ConfigError> {
        Self::from_lookup(surface, &|name| std::env::var(name).ok())
    }

    /// Reads variables from `lookup`.
    ///
    /// # Errors
    /// The first missing or wrong value.
    pub fn from_lookup(
        surface: Surface,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let read = Reader(lookup);
        let store_dir = read.text("STORE_DIR").map(PathBuf::from);
        // With a directory for a bucket nobody is waiting for a real summary: development needs no key.
        let free = surface == Surface::CommandLine || store_dir.is_some();
        let provider = provider::read(&read, free)?;
        let limits = limits(&read, &provider)?;
        let output_prefix = read
            .text("OUTPUT_PREFIX")
            .unwrap_or_else(|| "summaries/".to_owned());
        if !output_prefix.ends_with('/')
            || output_prefix.starts_with('/')
            || output_prefix.contains("//")
        {
            return Err(ConfigError::Invalid {
                variable: "OUTPUT_PREFIX",
                value: output_prefix,
                expected: "a folder such as summaries/, with a slash at its end and none before it"
                    .to_owned(),
            });
        }
        Ok(Self {
            provider,
            limits,
            concurrency: read.number("MODEL_CONCURRENCY", 8, 1..=256)?,
            summary_words: read.number("SUMMARY_WORDS", 4000, 50..=100_000)?,
            prices: prices(&read)?,
            output_bucket: read.text("OUTPUT_BUCKET"),
            filter: Filter {
                output_prefix,
                suffixes: suffixes(&read)?,
            },
            max_input_bytes: read.number("MAX_INPUT_BYTES", 64 << 20, 1..=MAX_INPUT_LIMIT)?,
            store_dir,
        })
    }
}

fn limits(read: &Reader<'_>, provider: &Provider) -> Result<Limits, ConfigError> {
    // Read in any case, so that a wrong value shows before a model is added.
    let is_summarizer = matches!(provider, Provider::HuggingFace(settings) if settings.task == HuggingFaceTask::Summarization);
    let default_context = if is_summarizer {
        SUMMARIZER_CONTEXT
    } else {
        32_768
    };
    let context = read.number("MODEL_CONTEXT_TOKENS", default_context, 512..=16_000_000)?;
    let default_reasoning = if context >= 16_384 && !is_summarizer {
        1024
    } else {
        0
    };
    let reasoning = read.number("MODEL_REASONING_TOKENS", default_reasoning, 0..=1_000_000)?;
    let chunk_tokens = read.number("CHUNK_TOKENS", 6000, 100..=1_000_000)?;
    let max_calls = read.number("MAX_MODEL_CALLS", 150, 1..=100_000)?;
    Ok(match provider {
        // The embedded model has no window, and long parts give it more to choose from.
        Provider::Extractive => Limits {
            context_tokens: None,
            reasoning_tokens: 0,
            chunk_tokens: usize::MAX,
            max_calls,
            style: Style::Full,
        },
        Provider::HuggingFace(_) | Provider::RunPod(_) => Limits {
            context_tokens: Some(context),
            reasoning_tokens: reasoning,
            chunk_tokens,
            max_calls,
            style: if is_summarizer {
                Style::Bare
            } else if context < FULL_PROMPT_CONTEXT {
                Style::Compact
            } else {
                Style::Full
            },
        },
    })
}

/// Both prices, or none: with one alone the sum would be wrong.
fn prices(read: &Reader<'_>) -> Result<Option<Prices>, ConfigError> {
    let input = read.decimal("PRICE_INPUT_PER_MTOK")?;
    let output = read.decimal("PRICE_OUTPUT_PER_MTOK")?;
    let missing = |variable, other| ConfigError::Missing {
        variable,
        expected: format!("{other} is set, and costs are the sum of both"),
    };
    match (input, output) {
        (Some(input_per_mtok), Some(output_per_mtok)) => Ok(Some(Prices {
            input_per_mtok,
            output_per_mtok,
        })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(missing("PRICE_INPUT_PER_MTOK", "PRICE_OUTPUT_PER_MTOK")),
        (Some(_), None) => Err(missing("PRICE_OUTPUT_PER_MTOK", "PRICE_INPUT_PER_MTOK")),
    }
}

fn suffixes(read: &Reader<'_>) -> Result<Vec<String>, ConfigError> {
    let value = read
        .text("INPUT_SUFFIXES")
        .unwrap_or_else(|| ".txt".to_owned());
    let suffixes: Vec<String> = value
        .split(',')
        .map(|suffix| suffix.trim().to_owned())
        .collect();
    if suffixes
        .iter()
        .any(|suffix| !suffix.starts_with('.') || suffix.len() < 2)
    {
        return Err(ConfigError::Invalid {
            variable: "INPUT_SUFFIXES",
            value,
            expected: "endings with their dots, separated by commas, such as .txt,.vtt".to_owned(),
        });
    }
    Ok(suffixes)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    pub(crate) fn config(
        surface: Surface,
        variables: &[(&str, &str)],
    ) -> Result<Config, ConfigError> {
        let variables: HashMap<&str, &str> = variables.iter().copied().collect();
        Config::from_lookup(surface, &|name| {
            variables.get(name).map(|&value| value.to_owned())
        })
    }

    #[test]
    fn defaults_are_those_of_the_interface() {
        let config = config(Surface::Lambda, &[("HF_API_TOKEN", "hf_x")]).unwrap();
        assert_eq!(config.summary_words, 4000);
        assert_eq!(config.concurrency, 8);
        assert_eq!(config.max_input_bytes, 67_108_864);
        assert_eq!(
            config.filter,
            Filter {
                output_prefix: "summaries/".into(),
                suffixes: vec![".txt".into()]
            }
        );
        assert_eq!(
            config.limits,
            Limits {
                context_tokens: Some(32_768),
                reasoning_tokens: 1024,
                chunk_tokens: 6000,
                max_calls: 150,
                style: Style::Full
            }
        );
        assert_eq!((config.output_bucket, config.store_dir), (None, None));
    }

    #[test]
    fn small_windows_keep_nothing_for_reasoning() {
        let variables = [("HF_API_TOKEN", "hf_x"), ("MODEL_CONTEXT_TOKENS", "8192")];
        assert_eq!(
            config(Surface::Lambda, &variables)
                .unwrap()
                .limits
                .reasoning_tokens,
            0
        );
    }

    #[test]
    fn a_summarizer_has_a_small_window_and_is_sent_the_text_alone() {
        let variables = [
            ("HF_API_TOKEN", "hf_x"),
            ("HF_TASK", "summarization"),
            ("HF_MODEL", "m"),
        ];
        let limits = config(Surface::Lambda, &variables).unwrap().limits;
        assert_eq!(
            (limits.context_tokens, limits.reasoning_tokens, limits.style),
            (Some(2048), 0, Style::Bare)
        );
    }

    #[test]
    fn wrong_values_name_variable_value_and_what_is_accepted() {
        for (variable, value, expected) in [
            ("SUMMARY_WORDS", "many", "a whole number from 50 to 100000"),
            ("MODEL_CONCURRENCY", "0", "a whole number from 1 to 256"),
            (
                "MODEL_PROVIDER",
                "openai",
                "one of huggingface, runpod, extractive",
            ),
            ("OUTPUT_PREFIX", "summaries", "a slash at its end"),
            ("INPUT_SUFFIXES", ".txt,vtt", "endings with their dots"),
            ("MODEL_CONTEXT_TOKENS", "-1", "a whole number"),
            ("PRICE_INPUT_PER_MTOK", "1,5", "a number such as 0.15"),
            ("MODEL_PARAMETERS", "[1]", "a JSON object"),
            ("HF_ENDPOINT_URL", "http://example.org/v1", "https://"),
            (
                "HF_TASK",
                "completion",
                "one of chat, text-generation, summarization",
            ),
        ] {
            let error = config(
                Surface::Lambda,
                &[("HF_API_TOKEN", "hf_x"), (variable, value)],
            )
            .unwrap_err()
            .to_string();
            assert!(
                error.starts_with(&format!("{variable} is {value:?}")),
                "{error}"
            );
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn an_empty_value_is_none() {
        let config = config(
            Surface::CommandLine,
            &[("STORE_DIR", ""), ("SUMMARY_WORDS", " ")],
        )
        .unwrap();
        assert_eq!((config.store_dir, config.summary_words), (None, 4000));
    }
}
