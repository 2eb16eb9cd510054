//! Jobs that a person waits for, with results in a directory: shared by the command line and the server on this machine.

use std::time::Duration;

use crate::job::{App, JobError, Rejected};
use crate::model::ErrorKind;
use crate::store::lease::Lease;
use crate::transcript::Rejection;

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

impl JobError {
    /// The suggested next step on this machine, where somebody runs a command.
    pub(crate) fn next_command(&self) -> String {
        let again = "run the same command again: nothing that was paid for is requested again";
        match self {
            _ if self.passes() => again.to_owned(),
            Self::Rejected(Rejected::NotText(Rejection::Empty | Rejection::NothingSaid)) => {
                "name a transcript with its text in it".to_owned()
            }
            Self::Rejected(Rejected::NotText(_)) => {
                "export the transcript as plain text (UTF-8), and name that".to_owned()
            }
            Self::Rejected(Rejected::TooLarge(_)) => {
                "raise MAX_INPUT_BYTES, or name the transcript in parts".to_owned()
            }
            Self::Rejected(_) => self.policy().next_step.to_owned(),
            Self::Degraded(..) => format!(
                "{}; the same command again requests once more what was unusable, and nothing else",
                self.policy().next_step
            ),
            _ => format!("{}, and {again}", self.policy().next_step),
        }
    }

    /// Whether every other job would fail like this one, such as with a key that is refused.
    pub(crate) fn concerns_all_jobs(&self) -> bool {
        matches!(self, Self::Write(error) if error.source.kind == ErrorKind::Configuration)
    }
}

impl App {
    /// Removes the state of a job that has ended from a person's directory. It was only needed in case of an interruption, or by
    /// whoever has taken over the job.
    pub(crate) async fn clear_state(&self, job_id: &str, lease: Option<&Lease>) {
        if self.target.directory().is_none() {
            return;
        }
        if let Some(lease) = lease
            && lease.renew().await.is_err()
        {
            return;
        }
        self.clear_folder(self.state_prefix().trim_end_matches('/'), job_id);
    }

    /// Removes the folder `name` in `parent` from a person's directory.
    pub(crate) fn clear_folder(&self, parent: &str, name: &str) {
        let cleared = self.target.directory().map(|of| of.clear(parent, name));
        if let Some(Err(error)) = cleared {
            tracing::warn!(%error, "could not remove the state of the job");
        }
    }
}
