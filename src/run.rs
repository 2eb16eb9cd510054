//! The run of one job in one invocation: its deadline, its progress listener and its clock. They are passed down together.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::Clock;

/// The progress of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The number of chunks that are done.
    pub done: usize,
    /// The number of all chunks.
    pub chunks: usize,
}

/// A job waits, because its endpoint is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// What the endpoint said, for people.
    pub reason: String,
    /// How much longer the job waits at most.
    pub longest: Duration,
}

/// Deadline, progress and clock of one run. Clones share the listeners.
#[derive(Clone)]
pub struct Run {
    /// When the work must have stopped; `None` if there is no limit.
    pub deadline: Option<Instant>,
    /// The clock for timestamps in leases and ledgers.
    pub clock: Clock,
    listener: Arc<dyn Fn(Progress) + Send + Sync>,
    waits: Arc<dyn Fn(&Waiting) + Send + Sync>,
}

impl Run {
    /// Creates a run without a deadline and without a listener.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            deadline: None,
            clock,
            listener: Arc::new(|_| {}),
            waits: Arc::new(|_| {}),
        }
    }

    /// The same run, ending at `deadline`.
    #[must_use]
    pub fn until(self, deadline: Option<Instant>) -> Self {
        Self { deadline, ..self }
    }

    /// The same run, with `listener` called on progress.
    #[must_use]
    pub fn watched_by(self, listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self {
            listener: Arc::new(listener),
            ..self
        }
    }

    /// The same run, with `listener` called whenever a call has to wait for the endpoint.
    #[must_use]
    pub fn telling_of_waits(self, listener: impl Fn(&Waiting) + Send + Sync + 'static) -> Self {
        Self {
            waits: Arc::new(listener),
            ..self
        }
    }

    /// The same run with an earlier deadline, which leaves `reserve` for later work, but at most `1 / share` of the time
    /// left now.
    pub(crate) fn keeping(&self, reserve: Duration, share: u32) -> Self {
        let now = Instant::now();
        let deadline = self.deadline.map(|deadline| {
            let left = deadline.saturating_duration_since(now);
            deadline - reserve.min(left / share)
        });
        self.clone().until(deadline)
    }

    pub(crate) fn tell_of_wait(&self, waiting: &Waiting) {
        (self.waits)(waiting);
    }

    /// The time left until the deadline; `None` if there is none.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// Reports progress to the listener.
    pub(crate) fn report(&self, progress: Progress) {
        (self.listener)(progress);
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// Sleeps until `moment`, or forever if it is `None`.
pub(crate) async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
