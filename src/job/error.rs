//! Why an upload could not be summarized, and what is done about it: decided once, by [`JobError::policy`].

use crate::model::ErrorKind;
use crate::model::failure::Recovery;
use crate::store::StoreError;
use crate::store::lease::Overtaken;
use crate::summary::{ShapeError, WriteError};
use crate::transcript::Rejection;

/// Why one upload could not be summarized.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// An object could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The limits don't allow it.
    #[error(transparent)]
    Plan(#[from] ShapeError),
    /// A call failed.
    #[error(transparent)]
    Write(WriteError),
    /// The report cannot be put into JSON.
    #[error("the report cannot be put into JSON")]
    Report(#[source] serde_json::Error),
    /// Too much of the summary would not be the model's.
    #[error(
        "the model gave no usable answer for {degraded} of {sections} sections, and at most a quarter may be extractive"
    )]
    Degraded {
        /// Sections without a usable answer.
        degraded: usize,
        /// All sections.
        sections: usize,
    },
    /// Another worker works on the job.
    #[error("another worker holds the job, for at most {seconds} s unless it renews its lease")]
    Busy {
        /// Until its lease expires.
        seconds: i64,
    },
    /// Another worker has taken the job over.
    #[error("another worker has taken the job over")]
    Overtaken,
    /// The job has had no progress for long.
    #[error("{invocations} attempts in a row have brought no progress, the last because: {cause}")]
    Hopeless {
        /// Invocations without a new answer.
        invocations: u32,
        /// Why the last one failed.
        cause: Box<JobError>,
    },
    /// The object is not a transcript.
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

/// Why an object is not taken for a transcript. Nothing would change by trying again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Its bytes are not text.
    #[error(transparent)]
    NotText(#[from] Rejection),
    /// It is larger than is accepted.
    #[error("{reason}")]
    TooLarge {
        /// The store's words, with both sizes.
        reason: String,
    },
}

/// Everything that is decided by why a job failed.
pub(crate) struct Policy {
    /// Stable name of the kind of error: `errorType` of a failed invocation, `kind` of an error report.
    pub(crate) name: &'static str,
    /// Who can mend it. `None` for what nobody is told of in `_error.json`, and what does not pass by itself either.
    pub(crate) recovery: Option<Recovery>,
    /// What that person can do.
    pub(crate) next_step: &'static str,
}

const RESUMES: &str = "wait: the job is resumed by itself";

impl JobError {
    /// What is done about this failure.
    pub(crate) fn policy(&self) -> Policy {
        use Recovery::{NeedsAPerson, Passes};
        let (name, recovery, next_step) = match self {
            Self::Store(error) => {
                let policy = error.kind.policy();
                let recovery = match (policy.passes, policy.needs_a_person) {
                    (true, _) => Some(Passes),
                    (false, true) => Some(NeedsAPerson),
                    (false, false) => None,
                };
                let next_step = "allow the function's role what the message names; the upload is then summarized by itself, or \
                                 after a redrive of the dead-letter queue";
                (policy.name, recovery, next_step)
            }
            Self::Plan(_) => (
                "ConfigurationError",
                Some(NeedsAPerson),
                "change the limits that the message names; the upload is then summarized by itself, or after a redrive of the \
                 dead-letter queue",
            ),
            Self::Write(error) => {
                let policy = error.source.kind.policy();
                (policy.name, Some(policy.recovery), MEND)
            }
            Self::Hopeless { cause, .. } => (cause.policy().name, Some(NeedsAPerson), MEND),
            Self::Report(_) => ("InternalError", None, MEND),
            Self::Degraded { .. } => (
                "UnusableAnswers",
                Some(NeedsAPerson),
                "try the model with `transcript-summarizer summarize --trace DIR` and read its answers; set another model or \
                 MODEL_PARAMETERS, then redrive the dead-letter queue",
            ),
            Self::Busy { .. } | Self::Overtaken => ("Unfinished", Some(Passes), RESUMES),
            Self::Rejected(rejected) => {
                let (name, next_step) = match rejected {
                    Rejected::NotText(Rejection::Empty) => {
                        ("NotText", "upload the transcript again, with its text")
                    }
                    Rejected::NotText(_) => (
                        "NotText",
                        "export the transcript as plain text (UTF-8) and upload that under the same key",
                    ),
                    Rejected::TooLarge { .. } => (
                        "TooLarge",
                        "upload the transcript in parts, or raise MAX_INPUT_BYTES",
                    ),
                };
                (name, Some(NeedsAPerson), next_step)
            }
        };
        Policy {
            name,
            recovery,
            next_step,
        }
    }

    /// A stable name of the kind of error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.policy().name
    }

    /// Whether it passes without anybody's help: then the job is continued later.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.policy().recovery == Some(Recovery::Passes)
    }

    /// What the person who is told can do.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        self.policy().next_step
    }
}

const MEND: &str = "mend what the message names; the upload is then summarized by itself, or after a redrive of the dead-letter \
                    queue";

impl From<Overtaken> for JobError {
    fn from(_: Overtaken) -> Self {
        Self::Overtaken
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
