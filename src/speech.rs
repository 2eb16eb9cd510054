//! Services that read summaries out. `SPEECH` chooses one; Amazon Polly is the only one so far.
//!
//! A reading is a task outside of this process: it is started with one request, writes an audio file into a bucket a minute later,
//! and is not waited for. The service accepts no idempotency key, so the key of the audio file names the reading: by it a task
//! whose ticket was lost is found again ([`Speaker::find`]).

pub mod polly;
mod ssml;
mod voice;

use std::error::Error;
use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::config::{ConfigError, Environment, Variable};
use crate::store::Location;

pub use polly::Polly;
pub(crate) use ssml::parts;
pub use voice::{Engine, Voice};

const SPEECH: Variable = Variable::new(
    "SPEECH",
    "`polly` has every summary read out by Amazon Polly, as an `.mp3` in the bucket of the results",
);

const SPEECH_VOICE: Variable = Variable::new(
    "SPEECH_VOICE",
    "the voice for all summaries, such as `Matthew`, or `Ruth:generative` with its engine; without it one that speaks the summary's \
     language",
);

/// The variables of speech.
pub(crate) const VARIABLES: [Variable; 2] = [SPEECH, SPEECH_VOICE];

/// How summaries are read out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The voice for all languages, if one was chosen.
    pub voice: Option<Voice>,
    /// The bucket for audio files; `None` for the transcript's own.
    pub bucket: Option<String>,
}

impl Settings {
    /// The voice for a summary in the language with this code; `None` if there is none.
    pub(crate) fn voice(&self, language: Option<&str>) -> Option<Voice> {
        match &self.voice {
            Some(voice) => Some(voice.clone().speaking(language)),
            None => voice::of_language(language?),
        }
    }
}

/// Reads the settings, if the environment chooses a service. The audio files go to `output_prefix` in `bucket`.
///
/// # Errors
/// The first invalid value.
pub(crate) fn read(
    environment: Environment<'_>,
    output_prefix: &str,
    bucket: Option<String>,
) -> Result<Option<Settings>, ConfigError> {
    let Some(()) = environment.choice(SPEECH, &[("polly", ())])? else {
        return Ok(None);
    };
    if !polly::is_prefix(output_prefix) {
        let expected = format!(
            "unset it, or let OUTPUT_PREFIX, which is {output_prefix:?}, have at most {} letters, digits and -_.*'()/",
            polly::MAX_OUTPUT_PREFIX
        );
        return Err(ConfigError::invalid(SPEECH, "polly", expected));
    }
    let expected = "the name of a voice, such as Matthew, or with its engine Ruth:generative (standard, neural, long-form, \
                    generative)";
    let voice = environment.parsed(SPEECH_VOICE, expected, Voice::parse)?;
    Ok(Some(Settings { voice, bucket }))
}

/// A text to be read out.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// The text as SSML.
    pub ssml: &'a str,
    /// The voice.
    pub voice: &'a Voice,
    /// The address of the audio file up to what the service appends. Its end is different for each reading.
    pub to: &'a Location,
}

/// A reading that was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The key of the audio file, which exists once the task is done.
    pub key: String,
}

/// A service that reads texts out.
#[async_trait]
pub trait Speaker: Debug + Send + Sync {
    /// Starts a task, each time it is called.
    async fn start(&self, reading: &Reading<'_>) -> Result<Ticket, SpeechError>;

    /// The task that was started for this reading; `None` if there is none.
    async fn find(&self, reading: &Reading<'_>) -> Result<Option<Ticket>, SpeechError>;
}

/// A request to a service of speech that failed.
#[derive(Debug, thiserror::Error)]
#[error("{action} failed")]
pub struct SpeechError {
    /// The action, as its permission is called.
    pub action: &'static str,
    /// Whether it may have taken effect.
    pub is_ambiguous: bool,
    /// The reason.
    pub source: Box<dyn Error + Send + Sync>,
}
