//! Services that transcribe recordings. Each has a module with its settings and its [`Transcriber`]; the only other place that
//! names it is the registry [`TRANSCRIBERS`].
//!
//! A transcriber works outside of this process, for minutes or hours. It writes the transcript as an object under a key that
//! tells which recording it is of, in which version ([`TranscriptKeys`]). The job of the recording starts it, ends unfinished, and
//! continues once that object exists.

pub mod amazon;
mod key;
pub mod runpod;

use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::config::{ConfigError, Environment, Variable};
use crate::http::Http;
use crate::provider::ConnectError;
use crate::store::{Location, StateFolder, Store, StoreError};

pub use key::{Origin, TranscriptKeys};

/// All transcribers. `TRANSCRIBER` chooses one.
pub const TRANSCRIBERS: [Registration; 2] = [amazon::REGISTRATION, runpod::REGISTRATION];

/// Suffixes of the keys of recordings, case-insensitive.
pub const RECORDING_ENDINGS: [&str; 8] = [
    ".mp3", ".mp4", ".m4a", ".wav", ".flac", ".ogg", ".amr", ".webm",
];

const TRANSCRIBER: Variable = Variable::new(
    "TRANSCRIBER",
    "`amazon` has recordings (`.mp3`, `.mp4`, `.m4a`, `.wav`, `.flac`, `.ogg`, `.amr`, `.webm`) transcribed by Amazon \
     Transcribe, and `runpod` by a faster-whisper worker on RunPod; without it they are skipped",
);

const TRANSCRIPT_PREFIX: Variable = Variable::new(
    "TRANSCRIPT_PREFIX",
    "the folder in the bucket of a recording that its transcript goes to",
)
.or("transcripts/");

pub(crate) const TRANSCRIBE_PARAMETERS: Variable = Variable::new(
    "TRANSCRIBE_PARAMETERS",
    "JSON object merged into each request. `amazon`: into `StartTranscriptionJob` (`LanguageCode`, `Settings`, `ContentRedaction`, …); \
     without it the language is identified and up to 30 speakers are told apart. `runpod`: into the worker's `input` (`model`, \
     `language`, `initial_prompt`, …); without it the model is `turbo`",
)
.or("{}");

/// The size of the largest recording that Transcribe accepts, and that a worker on RunPod is given, in bytes.
const MAX_BYTES: u64 = 2 << 30;

/// Leaves most of a key's 1,024 characters to the recording.
const MAX_PREFIX: usize = 200;

/// The variables that every transcriber reads.
pub(crate) const SHARED_VARIABLES: [Variable; 3] =
    [TRANSCRIBER, TRANSCRIPT_PREFIX, TRANSCRIBE_PARAMETERS];

/// A transcriber's entry in the registry.
#[derive(Debug, Clone, Copy)]
pub struct Registration {
    /// Its name in `TRANSCRIBER`.
    pub name: &'static str,
    /// The variables it reads in addition to those that every transcriber reads.
    pub variables: &'static [Variable],
    /// Reads its settings.
    pub read: fn(Environment<'_>) -> Result<Arc<dyn Settings>, ConfigError>,
}

/// The settings of a transcriber.
#[async_trait]
pub trait Settings: Debug + Send + Sync {
    /// A text of all settings that affect transcripts, without secrets.
    fn fingerprint(&self) -> String;

    /// What the transcriber itself writes before the file name of a transcript.
    fn file_prefix(&self) -> &'static str {
        ""
    }

    /// The size of the largest recording that is accepted, in bytes.
    fn max_bytes(&self) -> u64;

    /// Creates the transcriber, which sends its requests over `http`, with the credentials, region and limits of `aws`.
    fn create(&self, aws: SdkConfig, http: &Http) -> Arc<dyn Transcriber>;

    /// Reads the configuration of AWS, fetches the key, and creates the transcriber.
    ///
    /// # Errors
    /// If TLS cannot be set up or the key cannot be read.
    async fn connect(&self, http: &Http) -> Result<Arc<dyn Transcriber>, ConnectError>;
}

/// A transcription.
#[derive(Debug, Clone)]
pub struct Task<'a> {
    /// Its id: 32 hex digits, the same for the same version of a recording and the same settings.
    pub id: &'a str,
    /// The recording.
    pub recording: &'a Location,
    /// The entity tag of the recording.
    pub etag: &'a str,
    /// The version of the recording, if its bucket keeps versions.
    pub version_id: Option<&'a str>,
    /// Where the transcript goes.
    pub transcript: &'a Location,
    /// The store of both.
    pub store: &'a dyn Store,
    /// Where a transcriber that cannot be asked for a task by its id keeps what it has to remember.
    pub(crate) state: StateFolder,
    pub(crate) clock: &'a Clock,
}

/// How far a transcription is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Waiting or running.
    Running,
    /// The transcript has been written.
    Written,
    /// The recording cannot be transcribed, whoever tries again. Holds the transcriber's reason.
    Unusable(String),
}

/// A service that transcribes recordings.
#[async_trait]
pub trait Transcriber: Debug + Send + Sync {
    /// Starts a transcription unless it was started before, and returns how far it is. A transcription that failed for a reason
    /// outside of the recording is an error, and is started afresh the next time.
    async fn advance(&self, task: &Task<'_>) -> Result<State, TranscriberError>;

    /// The recording that the transcription with this name is of, as an event names it; `None` if it was not started by this
    /// deployment.
    async fn recording(&self, name: &str) -> Result<Option<Location>, TranscriberError>;
}

/// A transcription that could not be started or finished.
#[derive(Debug, thiserror::Error)]
pub enum TranscriberError {
    /// A request failed.
    #[error("{action} failed")]
    Request {
        /// The action, as its permission is called.
        action: &'static str,
        /// Whether a later request may succeed without anyone's help.
        passes: bool,
        /// The reason.
        source: Box<dyn Error + Send + Sync>,
    },
    /// An object could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The transcriber could not read the recording or write the transcript. Holds the whole message.
    #[error("{0}")]
    Failed(String),
}

impl TranscriberError {
    /// Whether a later run may succeed without anyone's help.
    pub(crate) fn passes(&self) -> bool {
        matches!(self, Self::Request { passes: true, .. })
    }
}

/// How recordings are transcribed.
#[derive(Debug, Clone)]
pub struct Recordings {
    /// The settings of the transcriber.
    pub settings: Arc<dyn Settings>,
    /// The keys of transcripts.
    pub keys: TranscriptKeys,
}

/// Reads the settings of the transcriber that the environment chooses, if it chooses one.
///
/// # Errors
/// The first missing or invalid value.
pub(crate) fn read(environment: Environment<'_>) -> Result<Option<Recordings>, ConfigError> {
    let choices = TRANSCRIBERS.map(|transcriber| (transcriber.name, transcriber));
    let Some(chosen) = environment.choice(TRANSCRIBER, &choices)? else {
        return Ok(None);
    };
    let expected =
        "a folder such as transcripts/, with a slash at its end, of letters, digits and -_.*'()";
    let prefix = environment.required(TRANSCRIPT_PREFIX, expected, |prefix| {
        let is_short = prefix.len() <= MAX_PREFIX;
        (is_short && key::is_folder(prefix)).then(|| prefix.to_owned())
    })?;
    let settings = (chosen.read)(environment)?;
    let fingerprint = format!("{} {}", chosen.name, settings.fingerprint());
    Ok(Some(Recordings {
        keys: TranscriptKeys::new(prefix, &fingerprint, settings.file_prefix()),
        settings,
    }))
}

/// Reads `TRANSCRIBE_PARAMETERS` and checks and completes them. `example` shows what is expected.
fn parameters(
    environment: Environment<'_>,
    example: &str,
    complete: impl FnOnce(Map<String, Value>) -> Result<Map<String, Value>, String>,
) -> Result<Map<String, Value>, ConfigError> {
    let value = environment.text(TRANSCRIBE_PARAMETERS).unwrap_or_default();
    let given = serde_json::from_str(&value)
        .map_err(|error| format!("a JSON object such as {example} ({error})"));
    given
        .and_then(complete)
        .map_err(|expected| ConfigError::invalid(TRANSCRIBE_PARAMETERS, value, expected))
}

/// Whether a key is that of a recording.
pub(crate) fn is_recording(key: &str) -> bool {
    let lower_case = key.to_ascii_lowercase();
    RECORDING_ENDINGS
        .iter()
        .any(|ending| lower_case.ends_with(ending))
}
