//! What the command line and the server on this machine share: jobs that a person waits for, with results in a directory.

use std::time::Duration;

use crate::job::{App, Done, JobError};
use crate::store::DirStore;

/// The bucket name, as in reports, of a directory.
pub(crate) const LOCAL_BUCKET: &str = "local";

/// How long a killed run keeps its job from the next run.
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// How often a recording's transcript is looked for.
const TRANSCRIPT_WAIT: Duration = Duration::from_secs(5);

impl JobError {
    /// How long to wait before the job is run again, if somebody else works for it.
    pub(crate) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Busy { seconds } => Some(Duration::from_secs(seconds.unsigned_abs())),
            Self::Transcribing => Some(TRANSCRIPT_WAIT),
            _ => None,
        }
    }
}

impl App {
    /// Removes the state of a job from the directory. It was only needed in case of an interruption.
    pub(crate) fn clear_state(&self, directory: &DirStore, done: &Done) {
        let state = self.state_prefix();
        if let Err(error) = directory.clear(state.trim_end_matches('/'), &done.job_id) {
            tracing::warn!(%error, "could not remove the state of the job");
        }
    }
}
