//! What can go wrong with a job, and what to do about each kind.

use crate::event::EventError;
use crate::model::{ModelError, ModelErrorKind};
use crate::store::{Location, StoreError, StoreErrorKind};
use crate::summary::{ShapeError, WriteError};
use crate::transcript::Rejection;

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
    Write(#[from] WriteError),
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

impl Cause {
    /// A stable name of the kind of error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Store(error) => match error.kind {
                StoreErrorKind::NotFound => "NotFound",
                StoreErrorKind::Denied => "AccessDenied",
                StoreErrorKind::TooLarge => "TooLarge",
                StoreErrorKind::Precondition
                | StoreErrorKind::Conflict
                | StoreErrorKind::Transient
                | StoreErrorKind::Other => "StoreError",
            },
            Self::Plan(_) => "ConfigurationError",
            Self::Write(WriteError {
                source: ModelError { kind, .. },
                ..
            }) => match kind {
                ModelErrorKind::Configuration => "ConfigurationError",
                _ => "ModelError",
            },
            Self::Rejected(Rejected::NotText(_)) => "NotText",
            Self::Rejected(Rejected::TooLarge { .. }) => "TooLarge",
        }
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
