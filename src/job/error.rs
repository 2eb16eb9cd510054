//! What can go wrong with a job, and what to do about each kind.

use crate::model::ErrorKind;
use crate::model::failure::Recovery;
use crate::store::lease::Overtaken;
use crate::store::{Location, StoreError};
use crate::summary::{ShapeError, WriteError};
use crate::transcript::Rejection;
use crate::trigger::EventError;

/// Why an invocation or a job failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The payload can't be understood.
    #[error(transparent)]
    Event(#[from] EventError),
    /// One upload could not be summarized.
    #[error("could not summarize {at}: {cause}")]
    Job {
        /// Which object.
        at: Location,
        /// Why.
        #[source]
        cause: Cause,
    },
}

/// Why one upload could not be summarized.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
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
    #[error("another worker holds the job, for at most {seconds} s unless it goes on")]
    Busy {
        /// Until its lease runs out.
        seconds: i64,
    },
    /// Another worker has taken the job over.
    #[error("another worker has taken the job over")]
    Overtaken,
    /// Nothing has moved for long.
    #[error("{slices} attempts in a row have brought nothing, the last because: {cause}")]
    Hopeless {
        /// Attempts without a new answer.
        slices: u32,
        /// Why the last one failed.
        cause: Box<Cause>,
    },
    /// It is not a transcript.
    #[error(transparent)]
    Rejected(#[from] Rejected),
}

/// Why an object is not taken for a transcript. Nothing would change by trying again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Its bytes are not text.
    #[error(transparent)]
    NotText(#[from] Rejection),
    /// It is larger than is taken.
    #[error("{reason}")]
    TooLarge {
        /// The store's words, with both sizes.
        reason: String,
    },
}

impl Error {
    /// A stable name of the kind of error: `errorType` of a failed invocation, `kind` of an error report.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Event(_) => "EventError",
            Self::Job { cause, .. } => cause.kind(),
        }
    }
}

impl Error {
    /// Whether it passes without anybody's help.
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self, Self::Job { cause, .. } if cause.passes())
    }
}

impl Cause {
    /// A stable name of the kind of error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Store(error) => error.kind.policy().name,
            Self::Plan(_) => "ConfigurationError",
            Self::Write(error) => error.source.kind.policy().name,
            Self::Degraded { .. } => "UnusableAnswers",
            Self::Report(_) => "InternalError",
            Self::Busy { .. } | Self::Overtaken => "Unfinished",
            Self::Hopeless { cause, .. } => cause.kind(),
            Self::Rejected(Rejected::NotText(_)) => "NotText",
            Self::Rejected(Rejected::TooLarge { .. }) => "TooLarge",
        }
    }
}

impl Cause {
    /// How the call failed that made the job fail, if one did.
    #[must_use]
    pub fn model_error(&self) -> Option<ErrorKind> {
        match self {
            Self::Write(error) => Some(error.source.kind),
            _ => None,
        }
    }

    /// Whether it passes without anybody's help: then the job goes on later.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Store(error) => error.kind.policy().passes,
            Self::Write(error) => error.source.kind.policy().recovery == Recovery::Passes,
            Self::Busy { .. } | Self::Overtaken => true,
            Self::Plan(_)
            | Self::Report(_)
            | Self::Degraded { .. }
            | Self::Hopeless { .. }
            | Self::Rejected(_) => false,
        }
    }

    /// Whether somebody has to be told, in `_error.json`.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        match self {
            Self::Store(error) => error.kind.policy().needs_a_person,
            Self::Plan(_)
            | Self::Report(_)
            | Self::Degraded { .. }
            | Self::Hopeless { .. }
            | Self::Rejected(_) => true,
            Self::Write(_) => !self.passes(),
            Self::Busy { .. } | Self::Overtaken => false,
        }
    }

    /// What that somebody can do.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::Rejected(rejected) => rejected.next_step(),
            Self::Store(_) => {
                "allow the function's role what the message names; the upload is then summarized by itself, or after a redrive \
                 of the dead-letter queue"
            }
            Self::Plan(_) => {
                "change the limits that the message names; the upload is then summarized by itself, or after a redrive of the \
                 dead-letter queue"
            }
            Self::Write(_) | Self::Hopeless { .. } | Self::Report(_) => {
                "mend what the message names; the upload is then summarized by itself, or after a redrive of the dead-letter \
                 queue"
            }
            Self::Degraded { .. } => {
                "try the model with `transcript-summarizer summarize --trace DIR` and read its answers; set another model or \
                 MODEL_PARAMETERS, then redrive the dead-letter queue"
            }
            Self::Busy { .. } | Self::Overtaken => "wait: the job goes on",
        }
    }
}

impl From<Overtaken> for Cause {
    fn from(_: Overtaken) -> Self {
        Self::Overtaken
    }
}

impl Rejected {
    /// What the person who uploaded it can do.
    #[must_use]
    pub fn next_step(&self) -> &'static str {
        match self {
            Self::NotText(Rejection::Empty) => "upload the transcript again, with its text",
            Self::NotText(_) => {
                "export the transcript as plain text (UTF-8) and upload that under the same key"
            }
            Self::TooLarge { .. } => "upload the transcript in parts, or raise MAX_INPUT_BYTES",
        }
    }
}
