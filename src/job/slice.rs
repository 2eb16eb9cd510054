//! The paid part of a job in one invocation: under a lease, on the ledger, until it is done or time is over.

use std::sync::Arc;
use std::time::Duration;

use crate::job::App;
use crate::job::error::Cause;
use crate::model::{CallOptions, ErrorKind, ModelClient, Usage};
use crate::run::Run;
use crate::store::StateFolder;
use crate::store::lease::{Claim, Lease};
use crate::store::ledger::Ledger;
use crate::summary;
use crate::summary::{Plan, Settings, Source, Summary, WriteError};
use crate::transcript::Transcript;

/// Kept of an invocation for publishing: some small requests to the store.
const PUBLISH_RESERVE: Duration = Duration::from_secs(5);

/// Of a short invocation no more than this part.
const PUBLISH_SHARE: u32 = 6;

/// After so many slices in a row without a new answer a slice ends with one failed request.
const HOPELESS_SLICES: u32 = 10;

/// Also for a job of this age, once a slice has brought nothing.
const HOPELESS_AGE_MS: i64 = 3 * 24 * 3600 * 1000;

/// Extractive sections that are published, as a part of all: more, and it is not the summary that was ordered.
const DEGRADED_SHARE: usize = 4;

/// How often the unusable answers behind them are asked for again.
const MAX_DEGRADED_RUNS: u32 = 2;

/// What is written, and how.
pub(crate) struct Work<'w> {
    pub(crate) bucket: &'w str,
    pub(crate) job_id: &'w str,
    pub(crate) transcript: &'w Transcript,
    pub(crate) plan: &'w Plan,
    pub(crate) run: &'w Run,
}

/// A finished text and what it took.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) summary: Summary,
    pub(crate) usage: Usage,
    /// Invocations that it took.
    pub(crate) slices: u32,
    /// When the job was first taken up, in milliseconds since 1970.
    pub(crate) created_ms: i64,
}

impl App {
    /// Writes the summary, or as much of it as there is time for.
    pub(crate) async fn write(&self, work: Work<'_>) -> Result<Written, Cause> {
        // What costs nothing and takes a moment needs no record; and a trace is to show all calls.
        if !self.durable || self.model.capabilities().quotes || self.trace.is_some() {
            let caller = self.client(&work, None, false);
            let written = self.call_model(&work, &caller).await;
            if written.is_err() {
                caller.cancel_open_jobs().await;
            }
            return Ok(Written {
                summary: written?,
                usage: caller.usage(),
                slices: 1,
                created_ms: work.run.clock.now_ms(),
            });
        }
        let prefix = format!("{}.work/{}/", self.config.filter.output_prefix, work.job_id);
        let state = StateFolder::new(&self.target, work.bucket, &prefix);
        match Lease::claim(state, &work.run.clock, self.lease).await? {
            Claim::Busy { expires_ms } => Err(Cause::Busy {
                seconds: (expires_ms - work.run.clock.now_ms()).max(0) / 1000 + 1,
            }),
            Claim::Ours(lease) => self.write_on_ledger(&work, &lease).await,
        }
    }

    async fn write_on_ledger(&self, work: &Work<'_>, lease: &Arc<Lease>) -> Result<Written, Cause> {
        let run = &lease.claimed;
        let age_ms = work.run.clock.now_ms() - run.created_ms;
        let hopeless = run.without_progress >= HOPELESS_SLICES
            || age_ms > HOPELESS_AGE_MS && run.without_progress > 0;
        tracing::info!(
            slice = run.invocations,
            age_s = age_ms / 1000,
            slices_without_progress = run.without_progress,
            "claimed"
        );
        let caller = self.client(work, Some(Ledger::new(lease)), hopeless);
        let written = tokio::select! {
            written = self.call_model(work, &caller) => written,
            overtaken = lease.keep() => Err(overtaken.into()),
        };
        let usage = caller.usage();
        let ended = match written {
            Ok(summary) => {
                lease.renew().await?;
                return Ok(Written {
                    summary,
                    usage,
                    slices: run.invocations,
                    created_ms: run.created_ms,
                });
            }
            Err(Cause::Overtaken) => return Err(Cause::Overtaken),
            Err(cause) => cause,
        };
        // What was submitted to an endpoint that will never do it is taken back; otherwise it goes on.
        if ended.model_error() == Some(ErrorKind::Configuration) {
            caller.cancel_open_jobs().await;
        }
        let degraded = matches!(ended, Cause::Degraded { .. });
        if degraded && run.degraded_runs < MAX_DEGRADED_RUNS {
            caller.forget_unusable().await;
        }
        let released = lease
            .release(|run| {
                run.degraded_runs += u32::from(degraded);
                run.without_progress = if usage.progress > 0 {
                    0
                } else {
                    run.without_progress + 1
                };
            })
            .await;
        if let Err(error) = released {
            tracing::warn!(%error, "could not give the lease back: the next invocation waits until it has run out");
        }
        if hopeless && usage.progress == 0 {
            return Err(Cause::Hopeless {
                slices: run.without_progress + 1,
                cause: Box::new(ended),
            });
        }
        Err(ended)
    }

    /// Writes the whole summary; refuses it if too much of it is not the model's.
    async fn call_model(&self, work: &Work<'_>, caller: &ModelClient) -> Result<Summary, Cause> {
        let settings = Settings {
            limits: self.config.limits,
            seed: work.job_id.to_owned(),
            quotes: self.model.capabilities().quotes,
        };
        let summary =
            summary::write(work.transcript, work.plan, &settings, caller, work.run).await?;
        let sections = summary.sections.len();
        let degraded = summary
            .sections
            .iter()
            .filter(|section| section.source == Source::Extractive)
            .count();
        if !settings.quotes && degraded * DEGRADED_SHARE > sections {
            return Err(Cause::Degraded { degraded, sections });
        }
        Ok(summary)
    }

    fn client(&self, work: &Work<'_>, ledger: Option<Ledger>, probing: bool) -> ModelClient {
        let options = CallOptions {
            max_calls: self.config.limits.max_calls,
            concurrency: self.config.concurrency,
            trace: self.trace.clone(),
            seed: fastrand::u64(..),
            probing,
        };
        let run = work.run.keeping(PUBLISH_RESERVE, PUBLISH_SHARE);
        ModelClient::new(Arc::clone(&self.model), ledger, options, &run)
    }
}

impl From<WriteError> for Cause {
    fn from(error: WriteError) -> Self {
        match error.source.kind {
            ErrorKind::Overtaken => Self::Overtaken,
            _ => Self::Write(error),
        }
    }
}
