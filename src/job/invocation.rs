//! The billable part of a job in one invocation: runs under a lease and records its calls in the ledger.
//!
//! An invocation that ends without a summary releases its lease and updates the job's counters. After ten invocations
//! without progress, each further one stops at its first failure, so that a job that cannot succeed costs one request per
//! delivery until the queue gives up on it.

use std::sync::Arc;
use std::time::Duration;

use crate::job::habits::Remembered;
use crate::job::publish::SummarySlot;
use crate::job::upload::JobSource;
use crate::job::{App, JobError, Order};
use crate::model::{CallOptions, ErrorKind, ModelClient, Trace, Usage};
use crate::run::Run;
use crate::store::StateFolder;
use crate::store::lease::{Claim, Lease, as_asked};
use crate::store::ledger::Ledger;
use crate::summary::{self, Plan, Settings, Summary, WriteError};
use crate::text::Tokens;
use crate::transcript::Transcript;

/// Time reserved for publishing, which takes a few small requests to the store.
pub(crate) const PUBLISH_RESERVE: Duration = Duration::from_secs(5);

/// The reserve is at most this fraction (one sixth) of a short invocation.
pub(crate) const PUBLISH_SHARE: u32 = 6;

/// How long a job waits for what its endpoint says of itself, while it is claimed.
const SERVED_TIMEOUT: Duration = Duration::from_millis(500);

/// After this many invocations without progress, an invocation stops at its first failure.
const STALLED_INVOCATIONS: u32 = 10;

/// A job older than this (three days) does so as soon as one invocation has made no progress.
const STALLED_AGE_MS: i64 = 3 * 24 * 3600 * 1000;

/// How often the unusable answers behind extractive sections are discarded and requested again.
const MAX_DEGRADED_RUNS: u32 = 2;

/// The input of one invocation.
pub(crate) struct Work<'w> {
    pub(crate) source: &'w JobSource<'w>,
    pub(crate) transcript: &'w Transcript,
    pub(crate) plan: &'w Plan,
    pub(crate) run: &'w Run,
    pub(crate) order: &'w Order,
}

/// A finished summary with its usage.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) summary: Summary,
    pub(crate) usage: Usage,
    /// Number of invocations.
    pub(crate) invocations: u32,
    /// When the job was started, in milliseconds since 1970.
    pub(crate) created_ms: i64,
    /// The lease on the job, if its calls are recorded.
    pub(crate) lease: Option<Arc<Lease>>,
}

impl App {
    /// Writes the summary, or as much of it as time allows.
    pub(crate) async fn write(&self, work: &Work<'_>) -> Result<Written, JobError> {
        // Calls are not recorded if the model is local and free.
        if !self.durable || self.model.capabilities().quotes {
            let client = self.model_client(work, None, false);
            let created_ms = work.run.clock.now_ms();
            let written = self.call_model(work, &client, as_asked()).await;
            if written.is_err() {
                client.cancel_open_jobs().await;
            }
            return Ok(Written {
                summary: written?,
                usage: client.usage(),
                invocations: 1,
                created_ms,
                lease: None,
            });
        }
        let state = self.state(work.source);
        let claim = async {
            let permille = self.habits(work).permille().await;
            Lease::claim(state, &work.run.clock, self.lease, permille).await
        };
        let (claim, window) = tokio::join!(claim, self.served_window());
        match claim? {
            Claim::Busy { expires_ms } => Err(JobError::Busy {
                seconds: (expires_ms - work.run.clock.now_ms()).max(0) / 1000 + 1,
            }),
            Claim::Ours(lease) => {
                // Since this run looked for the summary, another one may have finished it and removed what it had recorded.
                if self.target.directory().is_some() {
                    let results = self.results(&work.source.at).await?;
                    let slot = self.summary_slot(work.source, &results).await?;
                    if matches!(slot, SummarySlot::Done) {
                        self.clear_state(&work.source.job_id, Some(&lease)).await;
                        return Err(JobError::Busy { seconds: 0 });
                    }
                }
                self.write_on_ledger(work, &lease, window).await
            }
        }
    }

    /// The window that the endpoint says it has, if it says so at once. Plans don't depend on it, because a resumed job must
    /// make the same requests.
    async fn served_window(&self) -> Option<Tokens> {
        let served = tokio::time::timeout(SERVED_TIMEOUT, self.model.served()).await;
        let window = served.ok()?.window?;
        let configured = self.model.capabilities().context_tokens?;
        if window < configured {
            tracing::warn!(
                window = window.0,
                configured = configured.0,
                "the endpoint's window is smaller than MODEL_CONTEXT_TOKENS: set it to what the endpoint has, and the parts are \
                 planned to fit"
            );
        }
        Some(window)
    }

    /// What the keys of all state begin with.
    pub(crate) fn state_prefix(&self) -> String {
        format!("{}.work/", self.config.filter.output_prefix)
    }

    /// The folder of a job's state.
    pub(crate) fn state(&self, source: &JobSource<'_>) -> StateFolder {
        let prefix = format!("{}{}/", self.state_prefix(), source.job_id);
        StateFolder::new(&self.target, &self.output(&source.at, "").bucket, &prefix)
    }

    async fn write_on_ledger(
        &self,
        work: &Work<'_>,
        lease: &Arc<Lease>,
        window: Option<Tokens>,
    ) -> Result<Written, JobError> {
        let run = &lease.claimed;
        let age_ms = work.run.clock.now_ms() - run.created_ms;
        let stalled = run.without_progress >= STALLED_INVOCATIONS
            || age_ms > STALLED_AGE_MS && run.without_progress > 0;
        tracing::info!(
            invocation = run.invocations,
            age_s = age_ms / 1000,
            without_progress = run.without_progress,
            "claimed"
        );
        let client = self.model_client(work, Some(Ledger::new(lease)), stalled);
        if let Some(window) = window {
            client.window.told(window);
        }
        // Of the requests of a batch, some are never sent.
        if !client.in_batches {
            client.spent.told_of(run.calls);
        }
        let written = tokio::select! {
            written = self.call_model(work, &client, run.permille) => written,
            overtaken = lease.keep() => Err(overtaken.into()),
        };
        let usage = client.usage();
        let ended = match written {
            Ok(summary) => {
                lease.secure().await?;
                if client.is_first_model() && summary.worker.is_none() {
                    self.habits(work).add(summary.ratio).await;
                }
                return Ok(Written {
                    summary,
                    usage,
                    invocations: run.invocations,
                    created_ms: run.created_ms,
                    lease: Some(Arc::clone(lease)),
                });
            }
            Err(JobError::Overtaken) => return Err(JobError::Overtaken),
            Err(cause) => cause,
        };
        // Cancel the open jobs at an endpoint that can never run them, or whose jobs somebody cancels. Otherwise leave them running
        // for the next invocation.
        if matches!(&ended, JobError::Write(error) if matches!(error.source.kind, ErrorKind::Configuration | ErrorKind::Cancelled))
        {
            client.cancel_open_jobs().await;
        }
        let degraded = match &ended {
            JobError::Degraded(..) | JobError::Worker(_) => true,
            JobError::Write(error) => error.source.kind == ErrorKind::Unusable,
            _ => false,
        };
        // A refusal costs nothing, so it is always asked again.
        let refused =
            matches!(&ended, JobError::Write(error) if error.source.kind == ErrorKind::BadInput);
        if refused || degraded && run.degraded_runs < MAX_DEGRADED_RUNS {
            client.forget_unusable().await;
        }
        let down_since_ms = match &ended {
            JobError::Write(error) if client.time_to_takeover(error.source.kind).is_some() => {
                let down = client
                    .down_since()
                    .map(|since| since.elapsed().as_millis() as i64);
                down.map(|ms| work.run.clock.now_ms() - ms)
            }
            _ => None,
        };
        lease
            .give_back(|run| {
                run.down_since_ms = down_since_ms;
                run.calls = client.spent.all();
                run.degraded_runs += u32::from(degraded);
                run.without_progress = match usage.progress {
                    0 => run.without_progress + 1,
                    _ => 0,
                };
            })
            .await;
        if stalled && usage.progress == 0 {
            return Err(JobError::NoProgress {
                invocations: run.without_progress + 1,
                cause: Box::new(ended),
            });
        }
        Err(ended)
    }

    /// How long the model's answers usually are.
    fn habits(&self, work: &Work<'_>) -> Remembered {
        let prefix = self.state_prefix() + "habits/";
        let bucket = self.output(&work.source.at, "").bucket;
        let folder = StateFolder::new(&self.target, &bucket, &prefix);
        Remembered::new(folder, &self.config.provider.fingerprint(), &self.habits)
    }

    /// Writes the whole summary. Fails if too many sections are extractive.
    async fn call_model(
        &self,
        work: &Work<'_>,
        client: &ModelClient,
        permille: u32,
    ) -> Result<Summary, JobError> {
        if self.model.capabilities().reads_links {
            return self.have_written(work, client).await;
        }
        let settings = Settings {
            limits: self.config.limits,
            seed: work.source.job_id.clone(),
            quotes: self.model.capabilities().quotes,
            ratio: f64::from(permille) / 1000.0,
            wishes: work.order.wishes.clone(),
        };
        let mut summary =
            summary::write(work.transcript, work.plan, &settings, client, work.run).await?;
        summary.warnings.extend(client.fallback_notes());
        match summary.degraded().filter(|_| !settings.quotes) {
            // Not the answers were unusable: there were none.
            Some(degraded) => Err(match client.refusal_of_everything() {
                Some(refusal) => WriteError::of("every request".to_owned())(refusal).into(),
                None => JobError::Degraded(degraded, summary.unusable),
            }),
            None => Ok(summary),
        }
    }

    fn model_client(&self, work: &Work<'_>, ledger: Option<Ledger>, probing: bool) -> ModelClient {
        let options = CallOptions {
            max_calls: self.config.limits.max_calls,
            concurrency: self.config.concurrency,
            trace: self.trace.as_ref().map(|dir| Trace {
                dir: dir.clone(),
                job: work.source.job_id.clone(),
                transcript: work.source.at.key.clone(),
                etag: work.source.info.etag.clone(),
            }),
            seed: fastrand::u64(..),
            probing,
        };
        let run = work.run.keeping(PUBLISH_RESERVE, PUBLISH_SHARE);
        ModelClient::new(Arc::clone(&self.model), ledger, options, &run)
    }
}
