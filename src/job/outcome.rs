//! The outcomes of jobs and their status names.

use serde::Serialize;

use crate::document::report::Report;
use crate::job::error::{JobError, Rejected};
use crate::job::filter::Skip;
use crate::store::Location;

/// The outcome of a job that did not fail. On a [`JobError`], the sender of the event decides whether to retry.
#[derive(Debug)]
pub enum Outcome {
    /// The summary was published.
    Done(Box<Done>),
    /// The key is not that of a transcript.
    Skipped(Skip),
    /// The summary already existed.
    Duplicate {
        /// Its location.
        summary: Location,
        /// The location of its page, if it has one.
        page: Option<Location>,
    },
    /// The transcript has been overwritten or deleted. If it was overwritten, the newer event triggers its own job.
    Superseded,
    /// The object is not a transcript; `_error.json` has the reason.
    Rejected(Rejected),
}

/// A finished job.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// Job id.
    pub job_id: String,
    /// Location of the summary.
    pub summary: Location,
    /// Location of its page, if it has one.
    pub page: Option<Location>,
    /// The published report.
    pub report: Report,
    /// Number of invocations.
    pub invocations: u32,
}

/// The status of a job in responses and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The summary was published.
    Done,
    /// The summary already existed.
    Duplicate,
    /// The transcript has been overwritten or deleted.
    Superseded,
    /// The object is not a transcript.
    Rejected,
    /// The key is not that of a transcript.
    Skipped,
    /// Unfinished; will be resumed.
    Continue,
    /// Failed.
    Failed,
}

impl Status {
    /// The status of a job's result.
    #[must_use]
    pub fn of(ended: &Result<Outcome, JobError>) -> Self {
        match ended {
            Ok(Outcome::Done(_)) => Self::Done,
            Ok(Outcome::Skipped(_)) => Self::Skipped,
            Ok(Outcome::Duplicate { .. }) => Self::Duplicate,
            Ok(Outcome::Superseded) => Self::Superseded,
            Ok(Outcome::Rejected(_)) => Self::Rejected,
            Err(error) if error.passes() => Self::Continue,
            Err(_) => Self::Failed,
        }
    }
}
