//! The reasons an upload could not be summarized. `JobError::policy` decides how each is handled.

use crate::chain::chain;
use crate::job::order::ListError;
use crate::model::ErrorKind;
use crate::model::failure::Recovery;
use crate::store::lease::Overtaken;
use crate::store::{Location, Remedy, StoreError, StoreErrorKind};
use crate::summary::{Degraded, ShapeError, WriteError};
use crate::transcriber::TranscriberError;
use crate::transcript::Rejection;

/// The reason an upload could not be summarized.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// An object could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The context window or the call limit is too small for this transcript.
    #[error(transparent)]
    Plan(#[from] ShapeError),
    /// A list of corrections cannot be used.
    #[error(transparent)]
    List(#[from] ListError),
    /// A call failed.
    #[error(transparent)]
    Write(WriteError),
    /// The report cannot be serialized as JSON.
    #[error("the report cannot be serialized as JSON")]
    Report(#[source] serde_json::Error),
    /// Too little of the summary is the model's own. Holds what the model answered instead, by section.
    #[error("{0}{answers}", answers = listed(.1))]
    Degraded(Degraded, Vec<String>),
    /// The worker that was to write the whole summary failed, or returned what cannot be published. Holds the whole message.
    #[error("{0}")]
    Worker(String),
    /// The invocation's time ran out outside the calls to the model, such as in requests to a slow store.
    #[error("the invocation's time has run out")]
    OutOfTime,
    /// The recording is being transcribed.
    #[error(
        "the recording is being transcribed; the summary is written once its transcript exists"
    )]
    Transcribing,
    /// The recording could not be transcribed.
    #[error(transparent)]
    Transcriber(TranscriberError),
    /// Another worker holds the lease.
    #[error("another worker holds the job, for at most {seconds} s unless it renews its lease")]
    Busy {
        /// Seconds until the lease expires.
        seconds: i64,
    },
    /// Another worker has taken over the job.
    #[error("another worker has taken the job over")]
    Overtaken,
    /// Many attempts in a row made no progress.
    #[error(
        "{invocations} attempts in a row have brought no progress, the last because: {}",
        chain(cause)
    )]
    NoProgress {
        /// Invocations in a row without a new answer.
        invocations: u32,
        /// The error of the last one.
        cause: Box<JobError>,
    },
    /// The object is not a transcript.
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

/// The reason an object is rejected as a transcript. A retry would not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The bytes are not text.
    #[error(transparent)]
    NotText(#[from] Rejection),
    /// It is a recording in which nothing was heard.
    #[error(transparent)]
    Silent(Rejection),
    /// Something else lies where the transcript of the recording was stored. Holds the message.
    #[error("{0}")]
    Overwritten(String),
    /// The object is larger than the limit. Holds the store's message, with both sizes.
    #[error("{0}")]
    TooLarge(String),
    /// It is a recording that cannot be transcribed. Holds the transcriber's reason.
    #[error("{0}")]
    Recording(String),
    /// Its metadata order a summary with a value that is not accepted. Holds the message.
    #[error("{0}")]
    Metadata(String),
}

impl Rejected {
    /// The reason that the transcript `at` of a recording cannot be read.
    pub(crate) fn transcript_of_recording(rejection: Rejection, at: &Location) -> Self {
        match rejection {
            Rejection::Empty | Rejection::NothingSaid => Self::Silent(rejection),
            _ => Self::Overwritten(format!(
                "the recording's transcript {at} is no longer one: {rejection}"
            )),
        }
    }
}

/// How a job error is handled.
pub(crate) struct Policy {
    /// Stable name of the kind of error: the `errorType` of a failed invocation and the `kind` of an error report.
    pub(crate) name: &'static str,
    /// How the job can recover. `None` if it neither recovers by itself nor is reported in `_error.json`.
    pub(crate) recovery: Option<Recovery>,
    /// Suggested next step, without what makes the job go on after it.
    pub(crate) next_step: &'static str,
}

const RESUMES: &str = "wait: the job is resumed automatically";

impl JobError {
    /// How this failure is handled.
    pub(crate) fn policy(&self) -> Policy {
        use Recovery::{Intervention, Passes};
        let (name, recovery, next_step) = match self {
            Self::Store(error) => {
                let (name, remedy) = error.kind.policy();
                let recovery = match remedy {
                    Remedy::Retry | Remedy::LaterRun => Some(Passes),
                    Remedy::Intervention => Some(Intervention),
                    Remedy::None => None,
                };
                (name, recovery, "allow the program what the message names")
            }
            Self::Plan(_) => (
                "ConfigurationError",
                Some(Intervention),
                "change the limits that the message names",
            ),
            Self::List(_) => ("ConfigurationError", Some(Intervention), FIX),
            Self::Write(error) if error.source.kind == ErrorKind::Unusable => {
                ("UnusableAnswers", Some(Intervention), ANOTHER_MODEL)
            }
            Self::Write(error) => {
                let policy = error.source.kind.policy();
                (policy.name, Some(policy.recovery), FIX)
            }
            Self::NoProgress { cause, .. } => (cause.policy().name, Some(Intervention), FIX),
            Self::Report(_) => ("InternalError", None, FIX),
            Self::Degraded(..) => ("UnusableAnswers", Some(Intervention), ANOTHER_MODEL),
            Self::Worker(_) => ("WorkerError", Some(Intervention), MEND_WORKER),
            Self::Transcriber(error) if error.passes() => {
                ("TranscriberError", Some(Passes), RESUMES)
            }
            Self::Transcriber(_) => ("TranscriberError", Some(Intervention), FIX),
            Self::OutOfTime | Self::Transcribing | Self::Busy { .. } | Self::Overtaken => {
                ("Unfinished", Some(Passes), RESUMES)
            }
            Self::Rejected(rejected) => {
                let (name, next_step) = match rejected {
                    Rejected::NotText(Rejection::Empty | Rejection::NothingSaid) => {
                        ("NotText", "upload the transcript again, with its text")
                    }
                    Rejected::Silent(_) => (
                        "NotText",
                        "upload a recording in which somebody speaks; if somebody does, name the language in TRANSCRIBE_PARAMETERS",
                    ),
                    Rejected::Overwritten(_) => (
                        "NotText",
                        "delete that transcript, with Amazon Transcribe also its job, and upload the recording again",
                    ),
                    Rejected::NotText(_) => (
                        "NotText",
                        "export the transcript as plain text (UTF-8), and upload that",
                    ),
                    Rejected::TooLarge(_) => (
                        "TooLarge",
                        "upload the transcript in parts, or raise MAX_INPUT_BYTES",
                    ),
                    Rejected::Recording(_) => (
                        "NotTranscribed",
                        "export the recording in a common format, such as MP3, and upload that; longer ones than four hours in parts",
                    ),
                    Rejected::Metadata(_) => (
                        "WrongMetadata",
                        "upload the transcript again, with metadata as the message names them or without",
                    ),
                };
                (name, Some(Intervention), next_step)
            }
        };
        Policy {
            name,
            recovery,
            next_step,
        }
    }

    /// A stable name for the kind of error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.policy().name
    }

    /// Whether the failure passes without anyone's help. The job is then resumed later.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.policy().recovery == Some(Recovery::Passes)
    }

    /// Whether a key, a permission, a limit or another setting is refused: every upload will fail like this one until somebody
    /// changes it.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        match self {
            Self::Store(error) => error.kind == StoreErrorKind::Denied,
            // A plan may be impossible only because of what this upload wishes.
            Self::List(_) => true,
            Self::Write(error) => error.source.kind == ErrorKind::Configuration,
            Self::Transcriber(error) => {
                matches!(error, TranscriberError::Request { passes: false, .. })
            }
            Self::NoProgress { cause, .. } => cause.is_refused(),
            Self::Plan(_)
            | Self::Report(_)
            | Self::Degraded(..)
            | Self::Worker(_)
            | Self::OutOfTime
            | Self::Transcribing
            | Self::Busy { .. }
            | Self::Overtaken
            | Self::Rejected(_) => false,
        }
    }

    /// The suggested next step, where a queue delivers uploads.
    #[must_use]
    pub fn next_step(&self) -> String {
        let policy = self.policy();
        match (self, policy.recovery) {
            (Self::Rejected(_), _) | (_, None | Some(Recovery::Passes)) => {
                policy.next_step.to_owned()
            }
            (_, Some(Recovery::Intervention)) => format!(
                "{}; the upload is then summarized automatically, or after a redrive of the dead-letter queue",
                policy.next_step
            ),
        }
    }
}

/// What the model answered instead of usable texts, as the end of a message.
fn listed(unusable: &[String]) -> String {
    match unusable {
        [] => String::new(),
        some => format!(": {}", some.join("; ")),
    }
}

const FIX: &str = "fix what the message names";

const ANOTHER_MODEL: &str = "look at the model's answers with `transcript-summarizer summarize --trace DIR`, and set another model or \
                             MODEL_PARAMETERS";

const MEND_WORKER: &str = "read the job's log in RunPod's console and mend the worker; it is asked again when the upload is delivered \
                            again, three times in all: after that, upload the transcript with a change, or delete its folder in .work/";

impl From<Overtaken> for JobError {
    fn from(_: Overtaken) -> Self {
        Self::Overtaken
    }
}

impl From<TranscriberError> for JobError {
    fn from(error: TranscriberError) -> Self {
        match error {
            TranscriberError::Store(error) => Self::Store(error),
            error => Self::Transcriber(error),
        }
    }
}

impl From<WriteError> for JobError {
    fn from(error: WriteError) -> Self {
        match error.source.kind {
            ErrorKind::Overtaken => Self::Overtaken,
            _ => Self::Write(error),
        }
    }
}
