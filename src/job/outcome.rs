//! How a job ends, and the one list of names for that.

use std::time::Duration;

use crate::document::report::Report;
use crate::job::error::{JobError, Rejected};
use crate::job::filter::Skip;
use crate::store::Location;

/// How a job ended. A failure is a [`JobError`]: who sent the upload decides what becomes of one that passes.
#[derive(Debug)]
pub enum Outcome {
    /// The summary is there.
    Done(Box<Done>),
    /// The object is not a transcript by its key.
    Skipped(Skip),
    /// The summary was there already.
    Duplicate {
        /// Where it is.
        summary: Location,
    },
    /// The object has been overwritten or removed since: a newer event brings the summary, if there is to be one.
    Superseded,
    /// Not a transcript; `_error.json` says why.
    Rejected(Rejected),
}

/// A finished job.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// Its id.
    pub job_id: String,
    /// Where the summary is.
    pub summary: Location,
    /// Its report.
    pub report: Report,
    /// Invocations that it took.
    pub invocations: u32,
    /// Requests refused because there were too many.
    pub throttled: usize,
    /// Time that the endpoint took, summed over all calls of this invocation.
    pub endpoint_time: Duration,
}

/// The end of a job as answers, logs and metrics name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The summary is there.
    Done,
    /// It was there already.
    Duplicate,
    /// A newer version of the transcript has taken its place.
    Superseded,
    /// Not a transcript.
    Rejected,
    /// Not a transcript by its key.
    Skipped,
    /// Not finished, and continued later.
    Continue,
    /// Failed.
    Failed,
}

impl Status {
    /// The statuses that jobs are counted by.
    pub(crate) const COUNTED: [Self; 6] = [
        Self::Done,
        Self::Rejected,
        Self::Continue,
        Self::Failed,
        Self::Duplicate,
        Self::Superseded,
    ];

    /// The status of what a job came to.
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

    /// Its name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Duplicate => "duplicate",
            Self::Superseded => "superseded",
            Self::Rejected => "rejected",
            Self::Skipped => "skipped",
            Self::Continue => "continue",
            Self::Failed => "failed",
        }
    }
}
