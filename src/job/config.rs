//! The configuration of jobs, read from environment variables. Each provider reads its own settings.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{ConfigError, Environment, Surface, Variable};
use crate::document::Formats;
use crate::http::{Http, HttpError};
use crate::job::api::{self, API_PREFIX, Api};
use crate::job::filter::Filter;
use crate::job::order::{ByOption, EXPECTED_LANGUAGE, Lists, Order, instructions_of, language_of};
use crate::prompt::Wishes;
use crate::provider::huggingface::{HF_TOKEN_PATH, login_file};
use crate::provider::{self, ConnectError, PROVIDERS, SHARED_VARIABLES};
use crate::secret::has_key;
use crate::speech::{self, Polly, Speaker};
use crate::summary::{self, Currency, Limits, Plan, Prices, ShapeError};
use crate::text::{Tokens, Words};
use crate::transcriber::{self, RECORDING_ENDINGS, Recordings, TRANSCRIBERS, Transcriber};
use crate::transcript::Transcript;

const CHUNK_TOKENS: Variable = Variable::new(
    "CHUNK_TOKENS",
    "most tokens of transcript in one request, however large the window",
)
.or("6000");

const MODEL_CONCURRENCY: Variable =
    Variable::new("MODEL_CONCURRENCY", "calls in flight per invocation").or("12");

const MAX_MODEL_CALLS: Variable = Variable::new(
    "MAX_MODEL_CALLS",
    "the most calls that a transcript may take, repeated ones included",
)
.or("150");

const PRICE_INPUT_PER_MTOK: Variable = Variable::new(
    "PRICE_INPUT_PER_MTOK",
    "what a million prompt tokens cost, in your currency: `plan` then shows what a summary will cost",
);

const PRICE_OUTPUT_PER_MTOK: Variable = Variable::new(
    "PRICE_OUTPUT_PER_MTOK",
    "the same for the tokens of answers",
);

const PRICE_CURRENCY: Variable = Variable::new(
    "PRICE_CURRENCY",
    "the currency of the prices, such as `EUR`, to be shown with costs",
);

const EXPECTED_CURRENCY: &str = "a code of three capital letters, such as EUR";

const SUMMARY_WORDS: Variable = Variable::new(
    "SUMMARY_WORDS",
    "target length; at most 60 % of the transcript, so that nothing is padded",
)
.or("4000");

/// Accepted lengths in words.
pub(crate) const WORDS_RANGE: RangeInclusive<usize> = 50..=100_000;

const SUMMARY_INSTRUCTIONS: Variable = Variable::new(
    "SUMMARY_INSTRUCTIONS",
    "what the reader wishes, in up to 2,000 characters: `Name every cost. Leave out what is said about staff.`",
);

const SUMMARY_LANGUAGE: Variable = Variable::new(
    "SUMMARY_LANGUAGE",
    "the language to write in, as a BCP 47 code such as `de`; `auto` is that of the transcript",
)
.or("auto");

pub(crate) const GLOSSARY: Variable = Variable::new(
    "GLOSSARY",
    "misheard words and what is right, a line `heard = right` each: a key in the transcript's bucket, on the command line a file",
);

pub(crate) const SPEAKER_NAMES: Variable = Variable::new(
    "SPEAKER_NAMES",
    "the same for names and for the labels of speakers: `spk_0 = Dana Ruiz`",
);

const SUMMARY_PAGE: Variable = Variable::new(
    "SUMMARY_PAGE",
    "`off` leaves out the page `_summary.html`, which also holds the transcript",
)
.or("on");

const SUMMARY_FORMAT: Variable = Variable::new(
    "SUMMARY_FORMAT",
    "`markdown` writes the summary as `_summary.md` too, with marked headings and front matter",
)
.or("text");

const OUTPUT_BUCKET: Variable =
    Variable::new("OUTPUT_BUCKET", "where results go").noting("the source's bucket");

const OUTPUT_PREFIX: Variable = Variable::new(
    "OUTPUT_PREFIX",
    "the folder results go to, never read as input",
)
.or("summaries/");

const INPUT_SUFFIXES: Variable = Variable::new(
    "INPUT_SUFFIXES",
    "endings of keys that are transcripts, comma-separated, in upper or lower case; `.json`, `.docx` and `.csv` \
     are read if they are listed",
)
.or(".txt,.vtt,.srt");

const MAX_INPUT_BYTES: Variable = Variable::new(
    "MAX_INPUT_BYTES",
    "larger objects are rejected before they are read",
)
.or("67108864");

const STORE_DIR: Variable = Variable::new("STORE_DIR", "use this directory in place of S3");

/// Read by the AWS SDK; listed here so that it appears in the documentation.
const AWS_ENDPOINT_URL_S3: Variable = Variable::new(
    "AWS_ENDPOINT_URL_S3",
    "an S3-compatible server, addressed path-style",
);

/// The variables of jobs, without those of providers.
const VARIABLES: [Variable; 19] = [
    CHUNK_TOKENS,
    MODEL_CONCURRENCY,
    MAX_MODEL_CALLS,
    PRICE_INPUT_PER_MTOK,
    PRICE_OUTPUT_PER_MTOK,
    PRICE_CURRENCY,
    SUMMARY_WORDS,
    SUMMARY_INSTRUCTIONS,
    SUMMARY_LANGUAGE,
    GLOSSARY,
    SPEAKER_NAMES,
    SUMMARY_PAGE,
    SUMMARY_FORMAT,
    OUTPUT_BUCKET,
    OUTPUT_PREFIX,
    INPUT_SUFFIXES,
    MAX_INPUT_BYTES,
    STORE_DIR,
    AWS_ENDPOINT_URL_S3,
];

/// Upper limit of the configurable input size in bytes: offsets are stored in 32 bits.
const MAX_INPUT_LIMIT: u64 = 1 << 30;

/// The configuration of jobs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The provider's settings.
    pub provider: Arc<dyn provider::Settings>,
    /// The limits set by the model and the configuration.
    pub limits: Limits,
    /// Maximum calls in flight per invocation.
    pub concurrency: usize,
    /// Target length of a summary in words.
    pub summary_words: Words,
    /// What the reader wishes of summaries.
    pub wishes: Wishes,
    /// The lists of corrections that have not been read.
    pub lists: Lists,
    /// What was chosen by options of the command line.
    pub by_option: ByOption,
    /// What is published besides the summary.
    pub formats: Formats,
    /// Token prices, if configured.
    pub prices: Option<Prices>,
    /// Bucket for results; `None` for the transcript's own bucket.
    pub output_bucket: Option<String>,
    /// Selects the keys to read; holds the output prefix.
    pub filter: Filter,
    /// Maximum size of a transcript in bytes. Larger objects are rejected before they are read.
    pub max_input_bytes: u64,
    /// A directory to use instead of S3.
    pub store_dir: Option<PathBuf>,
    /// How recordings are transcribed, if they are.
    pub recordings: Option<Recordings>,
    /// How summaries are read out, if they are.
    pub speech: Option<speech::Settings>,
    /// The folder of uploads through the HTTP API, for which the progress of their jobs is kept.
    pub api_prefix: Option<String>,
    /// Set if this function answers the HTTP API.
    pub api: Option<Api>,
}

impl Config {
    /// Reads the configuration from this process's environment.
    ///
    /// # Errors
    /// If a variable is missing or invalid: the first one found.
    pub fn from_env(surface: Surface) -> Result<Self, ConfigError> {
        let variable = |name: &str| std::env::var(name).ok();
        Self::from_lookup(surface, &|name| match name {
            name if name == HF_TOKEN_PATH.name => {
                let path = login_file(variable)?;
                Some(path.to_string_lossy().into_owned())
            }
            name => variable(name),
        })
    }

    /// Reads the configuration from `lookup`, which returns the value of a variable.
    ///
    /// # Errors
    /// If a variable is missing or invalid: the first one found.
    pub fn from_lookup(
        surface: Surface,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let environment = Environment(lookup);
        refuse_misplaced_keys(environment)?;
        let store_dir = environment.text(STORE_DIR).map(PathBuf::from);
        // A directory instead of S3 means development, which should need no API key.
        let surface = store_dir.as_ref().map_or(surface, |_| Surface::CommandLine);
        // Nor does the HTTP API, which calls no model.
        let surface = match api::is_set(environment) {
            true => Surface::CommandLine,
            false => surface,
        };
        let provider = provider::read(environment, surface)?;
        let provider = provider::fallback::read(environment, provider)?;
        // Read in any case, so that an invalid value is reported before a model is configured.
        let chunk_tokens = environment.number(CHUNK_TOKENS, 100..=1_000_000)?;
        let capabilities = provider.capabilities();
        let recordings = transcriber::read(environment)?;
        let mut suffixes = suffixes(environment)?;
        if recordings.is_some() {
            suffixes.extend(RECORDING_ENDINGS.map(str::to_owned));
        }
        let output_bucket = environment.text(OUTPUT_BUCKET);
        let expected = "a folder such as summaries/, with a slash at its end and none before it";
        let output_prefix = environment.required(OUTPUT_PREFIX, expected, folder)?;
        let expected = "a folder such as uploads/, with a slash at its end and none before it";
        let api_prefix = environment.parsed(API_PREFIX, expected, folder)?;
        let speech = speech::read(environment, &output_prefix, output_bucket.clone())?;
        Ok(Self {
            limits: Limits {
                context_tokens: capabilities.context_tokens,
                reasoning_tokens: capabilities.reasoning_tokens,
                // A model without a context window selects better from long parts.
                chunk_tokens: match capabilities.context_tokens {
                    Some(_) => Tokens(chunk_tokens),
                    None => Tokens(usize::MAX),
                },
                max_calls: environment.number(MAX_MODEL_CALLS, 1..=100_000)?,
                style: capabilities.style,
                outline: !capabilities.quotes,
            },
            provider,
            concurrency: environment.number(MODEL_CONCURRENCY, 1..=256)?,
            summary_words: Words(environment.number(SUMMARY_WORDS, WORDS_RANGE)?),
            wishes: wishes(environment)?,
            lists: Lists {
                glossary: environment.text(GLOSSARY),
                speaker_names: environment.text(SPEAKER_NAMES),
            },
            by_option: ByOption::default(),
            formats: formats(environment)?,
            prices: all_prices(environment)?,
            output_bucket,
            filter: Filter {
                output_prefix,
                suffixes,
            },
            max_input_bytes: environment.number(MAX_INPUT_BYTES, 1..=MAX_INPUT_LIMIT)?,
            store_dir,
            recordings,
            speech,
            api: api::read(environment, api_prefix.as_deref())?,
            api_prefix,
        })
    }

    /// Plans the summary of a transcript.
    ///
    /// # Errors
    /// If the context window is too small, or too few calls are allowed.
    pub(crate) fn plan(&self, transcript: &Transcript, order: &Order) -> Result<Plan, ShapeError> {
        if self.provider.capabilities().reads_links {
            return Ok(Plan::of_one_job(transcript, order.words));
        }
        let limits = self.limits.beside(&order.wishes);
        summary::plan(transcript, order.words, &limits)
    }

    /// Connects to the transcriber, if recordings are transcribed.
    ///
    /// # Errors
    /// If TLS cannot be set up or the key cannot be read.
    pub async fn connect_transcriber(
        &self,
        http: &Http,
    ) -> Result<Option<Arc<dyn Transcriber>>, ConnectError> {
        match &self.recordings {
            Some(recordings) => Ok(Some(recordings.settings.connect(http).await?)),
            None => Ok(None),
        }
    }

    /// Connects to the service that reads summaries out, if they are.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub async fn connect_speaker(
        &self,
        http: &Http,
    ) -> Result<Option<Arc<dyn Speaker>>, HttpError> {
        match &self.speech {
            Some(_) => Ok(Some(Arc::new(Polly::connect(http).await?))),
            None => Ok(None),
        }
    }

    /// Those of `names` that are no variable of this program, each with the one that it was probably meant to be.
    pub fn misspelt(names: impl IntoIterator<Item = String>) -> Vec<(String, String)> {
        let known = Self::variables().into_iter().map(|variable| variable.name);
        let known: Vec<&str> = known.collect();
        let meant = |name: &String| {
            let (block, rest) = match name.strip_prefix(FALLBACK) {
                Some(rest) if !known.contains(&name.as_str()) => (FALLBACK, rest),
                _ => ("", name.as_str()),
            };
            // AWS has a variable for each service.
            if known.contains(&rest) || rest.starts_with("AWS_") {
                return None;
            }
            let close = known.iter();
            let close = close.filter_map(|known| Some((slips(rest, known)?, known)));
            let (_, meant) = close.min_by_key(|(slips, _)| *slips)?;
            Some(format!("{block}{meant}"))
        };
        let names = names.into_iter();
        let pairs = names.filter_map(|name| meant(&name).map(|meant| (name, meant)));
        let mut pairs: Vec<_> = pairs.collect();
        pairs.sort_unstable();
        pairs
    }

    /// All variables, in the order in which they are shown.
    #[must_use]
    pub fn variables() -> Vec<Variable> {
        let of_providers = PROVIDERS.iter().flat_map(|provider| provider.variables);
        [provider::MODEL_PROVIDER]
            .iter()
            .chain(of_providers)
            .chain(&SHARED_VARIABLES)
            .chain(&provider::fallback::VARIABLES)
            .chain(&VARIABLES)
            .chain(&transcriber::SHARED_VARIABLES)
            .chain(
                TRANSCRIBERS
                    .iter()
                    .flat_map(|transcriber| transcriber.variables),
            )
            .chain(&speech::VARIABLES)
            .chain(&api::VARIABLES)
            .copied()
            .collect()
    }
}

/// Begins the names of the second block of variables.
const FALLBACK: &str = "FALLBACK_";

/// Most letters in which a misspelt name differs.
const MOST_SLIPS: usize = 2;

/// How many bytes have to be put in, left out or replaced to make one name the other; `None` if they are more than [`MOST_SLIPS`].
/// That is found out early: every start compares all names of the environment with all variables.
fn slips(one: &str, other: &str) -> Option<usize> {
    if one.len().abs_diff(other.len()) > MOST_SLIPS {
        return None;
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, byte) in one.bytes().enumerate() {
        let mut before = at;
        let mut left = at + 1;
        let mut least = left;
        for (cell, counterpart) in row.iter_mut().skip(1).zip(other.bytes()) {
            let replaced = before + usize::from(byte != counterpart);
            before = *cell;
            left = replaced.min(before + 1).min(left + 1);
            least = least.min(left);
            *cell = left;
        }
        // No later row has less.
        if least > MOST_SLIPS {
            return None;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().filter(|slips| *slips <= MOST_SLIPS)
}

fn wishes(environment: Environment<'_>) -> Result<Wishes, ConfigError> {
    let language = environment.required(SUMMARY_LANGUAGE, EXPECTED_LANGUAGE, language_of)?;
    let instructions = environment.text(SUMMARY_INSTRUCTIONS).unwrap_or_default();
    let wrong = |problem| ConfigError::wrong(SUMMARY_INSTRUCTIONS, problem);
    Ok(Wishes {
        instructions: instructions_of(&instructions).map_err(wrong)?,
        language,
        ..Wishes::default()
    })
}

fn formats(environment: Environment<'_>) -> Result<Formats, ConfigError> {
    let page = environment.choice(SUMMARY_PAGE, &[("on", true), ("off", false)])?;
    let markdown = environment.choice(SUMMARY_FORMAT, &[("text", false), ("markdown", true)])?;
    Ok(Formats {
        page: page.unwrap_or(true),
        markdown: markdown.unwrap_or(false),
    })
}

fn folder(prefix: &str) -> Option<String> {
    let is_folder = prefix.ends_with('/') && !prefix.starts_with('/');
    (is_folder && !prefix.contains("//")).then(|| prefix.to_owned())
}

/// The prices of the first model, and those of the fallback beside them.
fn all_prices(environment: Environment<'_>) -> Result<Option<Prices>, ConfigError> {
    let first = prices(environment)?;
    let second = provider::fallback::within(environment, prices)?;
    let second = second.map(|second| (second.input_per_mtok, second.output_per_mtok));
    match first {
        Some(first) => Ok(Some(Prices {
            fallback: second,
            currency: environment.parsed(PRICE_CURRENCY, EXPECTED_CURRENCY, Currency::read)?,
            ..first
        })),
        None if second.is_some() => {
            let expected = "those of the fallback model are set, and a cost needs those of both";
            Err(ConfigError::missing(PRICE_INPUT_PER_MTOK, expected))
        }
        None => Ok(None),
    }
}

/// Both prices or neither: with only one, the cost would be wrong.
fn prices(environment: Environment<'_>) -> Result<Option<Prices>, ConfigError> {
    let input = environment.decimal(PRICE_INPUT_PER_MTOK)?;
    let output = environment.decimal(PRICE_OUTPUT_PER_MTOK)?;
    let missing = match (input, output) {
        (Some(input_per_mtok), Some(output_per_mtok)) => {
            return Ok(Some(Prices {
                input_per_mtok,
                output_per_mtok,
                fallback: None,
                currency: None,
            }));
        }
        (None, None) => return Ok(None),
        (None, Some(_)) => PRICE_INPUT_PER_MTOK,
        (Some(_), None) => PRICE_OUTPUT_PER_MTOK,
    };
    let expected = "set both prices or neither, because a cost is the sum of both";
    Err(ConfigError::missing(missing, expected))
}

/// Refuses a variable that holds what looks like a key and is not for one: as the name of a model, say, it would be in every
/// request, message and report.
fn refuse_misplaced_keys(environment: Environment<'_>) -> Result<(), ConfigError> {
    for variable in Config::variables() {
        if ["_TOKEN", "_KEY", "_BEDROCK"]
            .iter()
            .any(|end| variable.name.ends_with(end))
        {
            continue;
        }
        for block in ["", FALLBACK] {
            let name = format!("{block}{}", variable.name);
            if (environment.0)(&name).is_some_and(|value| has_key(&value)) {
                return Err(ConfigError::misplaced_key(&name));
            }
        }
    }
    Ok(())
}

fn suffixes(environment: Environment<'_>) -> Result<Vec<String>, ConfigError> {
    let expected = "endings with their dots, separated by commas, such as .txt,.vtt";
    environment.required(INPUT_SUFFIXES, expected, |value| {
        let suffix = |one: &str| {
            let is_ending = one.starts_with('.') && one.len() >= 2;
            is_ending.then(|| one.to_owned())
        };
        value.split(',').map(str::trim).map(suffix).collect()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use crate::prompt::Style;

    use super::*;

    const KEY: (&str, &str) = ("RUNPOD_API_KEY", "rpa_canary");
    const URL: (&str, &str) = ("RUNPOD_ENDPOINT_URL", "https://api.runpod.ai/v2/abc123/run");

    fn config(surface: Surface, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let variables: HashMap<&str, &str> = variables.iter().copied().collect();
        Config::from_lookup(surface, &|name| {
            variables.get(name).map(|&value| value.to_owned())
        })
    }

    fn error(variables: &[(&str, &str)]) -> String {
        let error = config(Surface::Lambda, variables).unwrap_err().to_string();
        assert!(!error.contains("canary"), "{error}");
        error
    }

    #[test]
    fn names_that_differ_in_more_than_two_letters_are_not_compared_to_the_end() {
        for (one, other, expected) in [
            ("HF_MODEL", "HF_MODEL", Some(0)),
            ("SUMMARY_WORD", "SUMMARY_WORDS", Some(1)),
            ("HF_MODLE", "HF_MODEL", Some(2)),
            ("STATE_DIR", "STORE_DIR", Some(2)),
            ("XHF_MODELX", "HF_MODEL", Some(2)),
            ("HF_TOEKNS", "HF_TOKEN", None),
            ("SPEECHES", "SPEECH", Some(2)),
            ("HOSTNAME", "HF_MODEL", None),
            ("AB", "", Some(2)),
            ("", "ABC", None),
        ] {
            assert_eq!(slips(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn defaults_are_those_of_the_readme() {
        let config = config(Surface::Lambda, &[("HF_API_TOKEN", "hf_x")]).unwrap();
        assert_eq!(config.summary_words, Words(4000));
        assert_eq!(config.concurrency, 12);
        assert_eq!(config.max_input_bytes, 67_108_864);
        assert_eq!(
            config.filter,
            Filter {
                output_prefix: "summaries/".into(),
                suffixes: [".txt", ".vtt", ".srt"].map(String::from).to_vec()
            }
        );
        assert_eq!(
            config.limits,
            Limits {
                context_tokens: Some(Tokens(32_768)),
                reasoning_tokens: Tokens(1024),
                chunk_tokens: Tokens(6000),
                max_calls: 150,
                style: Style::Full,
                outline: true,
            }
        );
        assert_eq!((config.output_bucket, config.store_dir), (None, None));
        let formats = Formats {
            page: true,
            markdown: false,
        };
        assert_eq!(config.formats, formats);
    }

    #[test]
    fn small_windows_reserve_no_tokens_for_reasoning() {
        let variables = [("HF_API_TOKEN", "hf_x"), ("MODEL_CONTEXT_TOKENS", "8192")];
        assert_eq!(
            config(Surface::Lambda, &variables)
                .unwrap()
                .limits
                .reasoning_tokens,
            Tokens(0)
        );
    }

    #[test]
    fn a_summarization_model_has_a_small_window_and_gets_only_the_text() {
        let variables = [
            ("HF_API_TOKEN", "hf_x"),
            ("HF_TASK", "summarization"),
            ("HF_MODEL", "m"),
        ];
        let limits = config(Surface::Lambda, &variables).unwrap().limits;
        assert_eq!(
            (limits.context_tokens, limits.reasoning_tokens, limits.style),
            (Some(Tokens(2048)), Tokens(0), Style::Bare)
        );
    }

    #[test]
    fn wrong_values_name_variable_value_and_what_is_accepted() {
        for (variable, value, expected) in [
            ("SUMMARY_WORDS", "many", "a whole number from 50 to 100000"),
            ("MODEL_CONCURRENCY", "0", "a whole number from 1 to 256"),
            ("SUMMARY_LANGUAGE", "german", "a BCP 47 code such as de"),
            (
                "MODEL_PROVIDER",
                "openai",
                "one of huggingface, runpod, bedrock, sagemaker, extractive",
            ),
            ("SUMMARY_PAGE", "yes", "one of on, off"),
            ("SUMMARY_FORMAT", "md", "one of text, markdown"),
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
    fn wishes_are_read_and_limited() {
        let instructions = |length: usize| "ü".repeat(length);
        let config = |length, language| {
            config(
                Surface::CommandLine,
                &[
                    ("SUMMARY_INSTRUCTIONS", &instructions(length)),
                    ("SUMMARY_LANGUAGE", language),
                ],
            )
        };
        let wishes = config(2000, "PT-br").unwrap().wishes;
        assert_eq!(&*wishes.instructions, instructions(2000));
        assert_eq!(wishes.language.unwrap().tag(), "pt-BR");
        assert!(config(0, "auto").unwrap().wishes.is_empty());
        assert_eq!(
            config(2001, "de").unwrap_err().to_string(),
            "SUMMARY_INSTRUCTIONS has 2001 characters: expected at most 2000"
        );
    }

    #[test]
    fn a_blank_value_counts_as_not_set() {
        let config = config(
            Surface::CommandLine,
            &[("STORE_DIR", ""), ("SUMMARY_WORDS", " ")],
        )
        .unwrap();
        assert_eq!(
            (config.store_dir, config.summary_words),
            (None, Words(4000))
        );
    }

    #[test]
    fn the_key_that_is_set_chooses_the_provider() {
        let name = |surface, variables: &[_]| {
            config(surface, variables).map(|config| config.provider.capabilities().provider)
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
    fn variables_of_other_tools_choose_only_if_nothing_else_does() {
        let read = |variables: &[_]| config(Surface::Lambda, variables).unwrap().provider;
        let token = ("HF_TOKEN", "hf_canary");
        let own = ("HF_ENDPOINT_URL", "https://vllm.example.org/v1");
        for (variables, provider) in [
            (&[token][..], "huggingface"),
            (&[own], "huggingface"),
            (&[token, KEY, URL], "runpod"),
            (&[token, ("MODEL_PROVIDER", "extractive")], "extractive"),
        ] {
            assert_eq!(read(variables).capabilities().provider, provider);
        }
        // It is not sent to other servers.
        let has_key = |variables: &[_]| !format!("{:?}", read(variables)).contains("key: None");
        assert!(has_key(&[token]));
        assert!(!has_key(&[token, own]));
        assert!(has_key(&[("HF_API_TOKEN", "x"), own]));
        let error = error(&[("HF_MODEL", "a/b")]);
        assert!(error.starts_with("HF_API_TOKEN is not set"), "{error}");
        assert!(error.contains("HF_TOKEN"), "{error}");
    }

    #[test]
    fn a_key_in_the_wrong_variable_is_refused_and_not_shown() {
        let key = "hf_AbCdEfGhIjKlMnOp1234";
        let url = format!("https://api.runpod.ai/v2/{key}");
        for name in [
            "HF_MODEL",
            "SUMMARY_WORDS",
            "HF_ENDPOINT_URL",
            "FALLBACK_HF_MODEL",
            "HF_API_TOKEN_SECRET_ARN",
            "OUTPUT_BUCKET",
        ] {
            for value in [key, &url] {
                let error = config(Surface::CommandLine, &[(name, value)]).unwrap_err();
                let error = error.to_string();
                assert!(
                    error.starts_with(name) && !error.contains("AbCd"),
                    "{error}"
                );
            }
        }
        for name in ["HF_API_TOKEN", "HF_TOKEN", "FALLBACK_HF_API_TOKEN"] {
            let set = [("HF_API_TOKEN", "hf_x"), (name, key)];
            let read = config(Surface::CommandLine, &set);
            assert!(!format!("{read:?}").contains("AbCd"), "{name}");
            let is_refused = read.is_err_and(|error| error.to_string().contains("looks like"));
            assert!(!is_refused, "{name}");
        }
    }

    #[test]
    fn keys_are_never_shown() {
        let error = config(Surface::Lambda, &[("HF_API_TOKEN_SECRET_ARN", "hf_oops")]).unwrap_err();
        assert!(!error.to_string().contains("oops"), "{error}");
        let config = config(Surface::Lambda, &[("HF_API_TOKEN", "hf_canary")]).unwrap();
        assert!(!format!("{config:?}").contains("canary"));
    }

    #[test]
    fn misspelt_variables_are_named() {
        let names = [
            "MODEL_CONTEXT_TOKEN",
            "FALLBACK_HF_MODLE",
            "SUMARY_WORDS",
            "FALLBACK_AFTER",
            "FALLBACK_HF_MODEL",
            "HF_HOME",
            "HF_HUB_CACHE",
            "RUNPOD_POD_ID",
            "SPEECH_KEY",
            "AWS_ENDPOINT_URL_SQS",
            "PATH",
        ];
        let found = Config::misspelt(names.map(str::to_owned));
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(name, meant)| (name.as_str(), meant.as_str()))
            .collect();
        let expected = [
            ("FALLBACK_HF_MODLE", "FALLBACK_HF_MODEL"),
            ("MODEL_CONTEXT_TOKEN", "MODEL_CONTEXT_TOKENS"),
            ("SUMARY_WORDS", "SUMMARY_WORDS"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn only_documented_variables_are_read() {
        let seen = std::cell::RefCell::new(Vec::new());
        let _ = Config::from_lookup(Surface::CommandLine, &|name| {
            seen.borrow_mut().push(name.to_owned());
            None
        });
        for name in seen.into_inner() {
            // A second block is read with the same names.
            let documented = name.strip_prefix("FALLBACK_");
            assert!(
                Config::variables()
                    .iter()
                    .any(|variable| variable.name == name || Some(variable.name) == documented),
                "{name} is not documented"
            );
        }
    }

    #[test]
    fn a_local_server_needs_no_token() {
        let url = ("HF_ENDPOINT_URL", "http://127.0.0.1:8080/v1");
        assert!(config(Surface::Lambda, &[("MODEL_PROVIDER", "huggingface"), url]).is_ok());
        let error = config(Surface::Lambda, &[("MODEL_PROVIDER", "huggingface")]).unwrap_err();
        assert!(
            error.to_string().starts_with("HF_API_TOKEN is not set"),
            "{error}"
        );
    }

    #[test]
    fn the_task_decides_which_model_is_used_or_needed() {
        let provider = |variables: &[_]| {
            let token = [("HF_API_TOKEN", "hf_x")];
            let all = [&token[..], variables].concat();
            config(Surface::Lambda, &all).map(|config| config.provider)
        };
        let chat = provider(&[]).unwrap();
        assert_eq!(
            chat.capabilities().model.as_deref(),
            Some("openai/gpt-oss-120b")
        );
        let bart = [
            ("HF_TASK", "summarization"),
            ("HF_MODEL", "facebook/bart-large-cnn"),
        ];
        let bart = provider(&bart).unwrap();
        assert_eq!(
            bart.capabilities().model.as_deref(),
            Some("facebook/bart-large-cnn")
        );
        assert!(
            bart.fingerprint()
                .starts_with("huggingface summarization https://router")
        );
        assert_ne!(chat.fingerprint(), bart.fingerprint());
        let own = [
            ("HF_TASK", "text-generation"),
            ("HF_ENDPOINT_URL", "http://127.0.0.1:8080"),
        ];
        assert_eq!(
            provider(&own).unwrap().capabilities().model.as_deref(),
            None
        );
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

    #[test]
    fn a_key_and_an_endpoint_are_enough_for_runpod() {
        let arn = [("RUNPOD_API_KEY_SECRET_ARN", "arn:aws:x"), URL];
        let from_arn = config(Surface::Lambda, &arn).unwrap();
        assert_eq!(from_arn.provider.capabilities().provider, "runpod");
        let config = config(Surface::Lambda, &[KEY, URL, ("RUNPOD_MODEL", "qwen")]).unwrap();
        assert_eq!(config.provider.capabilities().provider, "runpod");
        assert_eq!(
            config.provider.capabilities().model.as_deref(),
            Some("qwen")
        );
        assert_eq!(config.limits.context_tokens, Some(Tokens(32_768)));
        assert_eq!(
            config.provider.fingerprint(),
            "runpod https://api.runpod.ai/v2/abc123 qwen {}"
        );
        assert!(!format!("{config:?}").contains("canary"));
    }

    #[test]
    fn a_missing_runpod_setting_is_named() {
        assert!(error(&[KEY]).starts_with("RUNPOD_ENDPOINT_URL is not set"));
        let chosen = ("MODEL_PROVIDER", "runpod");
        assert!(error(&[chosen, URL]).starts_with("RUNPOD_API_KEY is not set"));
        let local = ("RUNPOD_ENDPOINT_URL", "http://127.0.0.1:8000");
        assert!(config(Surface::Lambda, &[chosen, local]).is_ok());
    }

    #[test]
    fn with_two_keys_the_provider_has_to_be_named() {
        let both = [KEY, URL, ("HF_API_TOKEN", "hf_canary")];
        let error = error(&both);
        assert!(
            error.starts_with("MODEL_PROVIDER is not set") && error.contains("RUNPOD_API_KEY"),
            "{error}"
        );
        for provider in ["runpod", "huggingface", "extractive"] {
            let variables = [&both[..], &[("MODEL_PROVIDER", provider)]].concat();
            let config = config(Surface::Lambda, &variables).unwrap();
            assert_eq!(config.provider.capabilities().provider, provider);
        }
    }

    #[test]
    fn a_wrong_runpod_url_is_refused_with_what_to_set_instead() {
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
