//! The run of one job in one invocation: when its work must have stopped, who is told how far it has come, and what time
//! it is. Everything below a surface gets these three together.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::Clock;

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Chunks that have been worked through.
    pub done: usize,
    /// All chunks.
    pub chunks: usize,
}

/// Deadline, progress and clock of one run. Clones share the listener.
#[derive(Clone)]
pub struct Run {
    /// When the work must have stopped; `None` where nothing ends it.
    pub deadline: Option<Instant>,
    /// The clock that leases and ledgers are dated by.
    pub clock: Clock,
    listener: Arc<dyn Fn(Progress) + Send + Sync>,
}

impl Run {
    /// A run without a deadline that nobody watches.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            deadline: None,
            clock,
            listener: Arc::new(|_| {}),
        }
    }

    /// The same run, ending at `deadline`.
    #[must_use]
    pub fn until(self, deadline: Option<Instant>) -> Self {
        Self { deadline, ..self }
    }

    /// The same run, with `listener` called after each chunk.
    #[must_use]
    pub fn watched_by(self, listener: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self {
            listener: Arc::new(listener),
            ..self
        }
    }

    /// The same run with a deadline that leaves `reserve` for what comes after, but at most one part in `share` of the time
    /// that is left now.
    pub(crate) fn keeping(&self, reserve: Duration, share: u32) -> Self {
        let now = Instant::now();
        let deadline = self.deadline.map(|deadline| {
            let left = deadline.saturating_duration_since(now);
            deadline - reserve.min(left / share)
        });
        self.clone().until(deadline)
    }

    /// Time left until the deadline.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    /// Tells the listener.
    pub(crate) fn tell(&self, progress: Progress) {
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

/// Sleeps until `moment`; for ever if there is none.
pub(crate) async fn sleep_until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
