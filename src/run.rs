//! The run of one job in one invocation: its deadline, its clock, and who hears of its progress and of what it spends. They are
//! passed down together.
//!
//! Id and phase of the job are also recorded in the current span, so that every log line names them.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::Clock;

/// How long a person's run lasts at most. No job lives longer at its endpoint.
const LONGEST_RUN: Duration = Duration::from_secs(24 * 3600);

/// What a job does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Phase {
    /// Reads the transcript and plans the summary.
    #[default]
    Reading,
    /// Takes notes on a transcript that is too long to be shown.
    Notes,
    /// Outlines the whole.
    Outline,
    /// Writes the sections, and the overview beside them.
    Sections,
    /// Corrects the length.
    Length,
    /// Checks everything and reads it once more, and writes the overview if that is still missing.
    Finish,
}

impl Phase {
    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Notes => "notes",
            Self::Outline => "outline",
            Self::Sections => "sections",
            Self::Length => "length",
            Self::Finish => "last read",
        }
    }
}

/// The progress of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// What is done at the moment.
    pub phase: Phase,
    /// The number of calls that are answered.
    pub done: usize,
    /// The number of calls that are expected in all. It is an estimate, and above `done` as long as the job runs.
    pub of: usize,
}

/// A job waits, because its endpoint is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// What the endpoint said, for people.
    pub reason: String,
    /// How much longer the job waits at most.
    pub longest: Duration,
}

/// What one request of a job has used. It is told at once, whatever becomes of the job, and only in the invocation that used it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spending {
    /// Requests sent.
    pub calls: usize,
    /// Requests sent again although an earlier one may have been billed.
    pub resubmitted: usize,
    /// Requests that the endpoint throttled.
    pub throttled: usize,
    /// Times that a model was given up because its key, its model or its address is refused.
    pub refused: usize,
    /// Tokens of the prompt, if reported.
    pub prompt_tokens: u64,
    /// Tokens of the answer, if reported.
    pub completion_tokens: u64,
    /// The time from permit to answer.
    pub endpoint_time: Duration,
}

/// Deadline, progress and clock of one run. Clones share the listeners.
#[derive(Clone)]
pub struct Run {
    /// When the work must have stopped; `None` if there is no limit.
    pub deadline: Option<Instant>,
    /// The clock for timestamps in leases and ledgers.
    pub clock: Clock,
    /// The id of the invocation, empty outside Lambda.
    pub invocation: Arc<str>,
    progress: Arc<Mutex<Progress>>,
    job_id: Arc<Mutex<String>>,
    listener: Arc<dyn Fn(Progress) + Send + Sync>,
    waits: Arc<dyn Fn(&Waiting) + Send + Sync>,
    meter: Arc<dyn Fn(&Spending) + Send + Sync>,
}

impl Run {
    /// Creates a run without a deadline and without a listener.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            deadline: None,
            clock,
            invocation: Arc::from(""),
            progress: Arc::default(),
            job_id: Arc::default(),
            listener: Arc::new(|_| {}),
            waits: Arc::new(|_| {}),
            meter: Arc::new(|_| {}),
        }
    }

    /// Creates a run that a person waits for: an endpoint that says it is working on a job for ever is given up in the end.
    pub(crate) fn of_a_person(clock: Clock) -> Self {
        Self::new(clock).until(Some(Instant::now() + LONGEST_RUN))
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

    /// The same run, with `meter` called whenever a request has used something.
    #[must_use]
    pub fn metered_by(self, meter: impl Fn(&Spending) + Send + Sync + 'static) -> Self {
        Self {
            meter: Arc::new(meter),
            ..self
        }
    }

    /// The same run for another job, of which nothing is known yet.
    #[must_use]
    pub fn of_one_job(self) -> Self {
        Self {
            progress: Arc::default(),
            job_id: Arc::default(),
            ..self
        }
    }

    /// The same run as a part of the invocation with this id.
    #[must_use]
    pub fn of_invocation(self, id: &str) -> Self {
        Self {
            invocation: Arc::from(id),
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

    /// How many calls of the summary are answered.
    pub(crate) fn answers(&self) -> usize {
        let progress = self.progress.lock();
        progress.unwrap_or_else(PoisonError::into_inner).done
    }

    /// Begins a summary that takes about `calls` calls.
    pub(crate) fn begin(&self, calls: usize) {
        self.report(|progress| {
            *progress = Progress {
                of: calls,
                ..Progress::default()
            };
        });
    }

    pub(crate) fn tell_of_spending(&self, spending: &Spending) {
        (self.meter)(spending);
    }

    /// Names the job of this run.
    pub(crate) fn is_of_job(&self, id: &str) {
        tracing::Span::current().record("job_id", id);
        id.clone_into(&mut self.job_id.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The id of the job, empty as long as the transcript has not been opened.
    pub(crate) fn job_id(&self) -> String {
        let id = self.job_id.lock();
        id.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the job does at the moment.
    pub(crate) fn phase(&self) -> Phase {
        let progress = self.progress.lock();
        progress.unwrap_or_else(PoisonError::into_inner).phase
    }

    /// Begins a phase.
    pub(crate) fn enter(&self, phase: Phase) {
        tracing::Span::current().record("phase", phase.name());
        self.report(|progress| progress.phase = phase);
    }

    /// Counts an answer.
    pub(crate) fn count_answer(&self) {
        self.report(|progress| progress.done += 1);
    }

    /// Tells the listener of the progress that another run has reported.
    pub(crate) fn pass_on(&self, progress: Progress) {
        (self.listener)(progress);
    }

    /// Reports a change to the listener.
    fn report(&self, change: impl FnOnce(&mut Progress)) {
        let now = {
            let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut progress);
            progress.of = progress.of.max(progress.done + 1);
            *progress
        };
        (self.listener)(now);
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
