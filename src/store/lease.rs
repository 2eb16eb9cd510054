//! Makes sure that one worker at a time works on a job: a lease with a fencing token, kept in `run.json`.
//!
//! Any number of workers may start on the same job: events are delivered twice, Lambda retries invocations it believes
//! dead, and a frozen worker may wake up minutes later. One of them holds the lease:
//!
//! - The first worker creates `run.json` if it does not exist, with fencing token 1. Once the owner's lease has expired, the
//!   next worker replaces the record, provided that it has not changed, and takes the next token. Both are conditional
//!   writes, so exactly one of several competing workers wins.
//! - The owner renews the lease three times per lease duration while working, so two renewals may fail. When a renewal finds
//!   another owner's record, the worker stops at once (`Overtaken`).
//! - An owner that stops early releases the lease: it expires at once, and the job's counters are updated.
//! - After a `kill -9` nobody releases the lease. The job waits until it expires.
//!
//! Only the lease's owner, or the worker that takes it over, writes `run.json`. The token orders the owners for everything
//! else written about the job: [`crate::store::ledger`] refuses to submit a call once it has seen a higher token.
//!
//! Expiry compares the wall clocks of different machines. A lease that ends further off than leases last counts as expired. If one is off by more than a lease duration, two workers work on
//! the job until the first one renews. A call may then be paid for twice, but results are never mixed up, because they are
//! published with conditional writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::chain::chain;
use crate::clock::Clock;
use crate::store::{
    Action, PutCondition, StateFolder, StoreError, StoreErrorKind, StoreResult, written,
};

/// Duration of a lease. Lambda retries an asynchronous invocation one minute and three minutes after it failed; a dead
/// owner's lease must have expired by the last retry.
pub const LEASE: Duration = Duration::from_secs(90);

/// Renewals per lease duration.
const RENEWALS: u32 = 3;

/// Attempts to create or take over the record while other workers change it.
const MAX_RACES: usize = 10;

const RECORD: &str = "run.json";

/// Version of its format.
const VERSION: u32 = 1;

/// The contents of `run.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    /// Version of this format.
    version: u32,
    /// The worker that holds the lease or held it last.
    owner: String,
    /// The fencing token. Each new owner's is higher.
    token: u64,
    /// Expiry of the lease, in milliseconds since 1970; 0 once it has been released.
    expires_ms: i64,
    /// When the job was started, in milliseconds since 1970.
    pub(crate) created_ms: i64,
    /// Invocations that have worked on the job, including this one.
    #[serde(rename = "slices")]
    pub(crate) invocations: u32,
    /// How many of the most recent invocations in a row have brought no new answer.
    #[serde(rename = "slices_without_progress")]
    pub(crate) without_progress: u32,
    /// Words that the model wrote per thousand words requested, as known when the job was first claimed.
    #[serde(default = "as_asked")]
    pub(crate) permille: u32,
    /// The calls that all invocations have made, when the last one ended.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) calls: usize,
    /// Times the summary was refused because it had too many extractive sections.
    pub(crate) degraded_runs: u32,
    /// Why the first model was given up, if the fallback makes the rest of the calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fallback: Option<String>,
    /// Since when the endpoint was down at the end of the last invocation, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) down_since_ms: Option<i64>,
}

/// What a job that knows nothing of the model assumes: it writes as many words as are requested.
pub(crate) fn as_asked() -> u32 {
    1000
}

fn is_zero(calls: &usize) -> bool {
    *calls == 0
}

/// Whether another worker holds the lease. One that ends further off than two of the longest leases take is none: a clock was
/// set back since, or was wrong when it was claimed.
fn is_held(run: &RunRecord, now_ms: i64) -> bool {
    let left_ms = run.expires_ms.saturating_sub(now_ms);
    0 < left_ms && left_ms <= 2 * LEASE.as_millis() as i64
}

/// A lease on a job.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(super) state: StateFolder,
    clock: Clock,
    duration: Duration,
    /// The job's record when this lease was claimed.
    pub(crate) claimed: RunRecord,
    expires_ms: AtomicI64,
    /// The record as last written, with its entity tag.
    written: Mutex<(RunRecord, String)>,
}

/// The result of claiming a job.
#[derive(Debug)]
pub(crate) enum Claim {
    /// The lease was acquired.
    Ours(Arc<Lease>),
    /// Another worker holds the lease.
    Busy {
        /// When that lease expires unless it is renewed, in milliseconds since 1970.
        expires_ms: i64,
    },
}

/// Another worker has taken over the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another worker has taken the job over")]
pub(crate) struct Overtaken;

impl Lease {
    /// Claims the job whose state is in `state`, with a lease of `duration`. `permille` is what is known of the model's habits:
    /// a job that is claimed for the first time keeps it.
    ///
    /// # Errors
    /// If the state cannot be read or written.
    pub(crate) async fn claim(
        state: StateFolder,
        clock: &Clock,
        duration: Duration,
        permille: u32,
    ) -> StoreResult<Claim> {
        let owner = format!("{:016x}", fastrand::u64(..));
        let first = RunRecord {
            version: VERSION,
            owner: owner.clone(),
            token: 1,
            created_ms: clock.now_ms(),
            invocations: 1,
            permille,
            ..RunRecord::default()
        };
        // Most jobs are new, so the first attempt writes the record without reading first.
        let (mut run, mut condition) = (first.clone(), PutCondition::IfAbsent);
        for _ in 0..MAX_RACES {
            run.expires_ms = clock.now_ms() + duration.as_millis() as i64;
            if let Some(etag) = written(state.write(RECORD, &run, condition).await)? {
                return Ok(Claim::Ours(Arc::new(Self {
                    state,
                    clock: clock.clone(),
                    duration,
                    expires_ms: AtomicI64::new(run.expires_ms),
                    claimed: run.clone(),
                    written: Mutex::new((run, etag)),
                })));
            }
            (run, condition) = match state.read::<RunRecord>(RECORD).await? {
                Some((found, _)) if found.version > VERSION => {
                    let reason = format!(
                        "it has version {}, and this program knows {VERSION}: use the newer one that works on this job, or delete it, \
                         and what it records is done again",
                        found.version
                    );
                    let (kind, at) = (StoreErrorKind::Other, state.name(RECORD));
                    return Err(StoreError::new(kind, Action::Read, at, reason));
                }
                Some((found, _)) if is_held(&found, clock.now_ms()) => {
                    let expires_ms = found.expires_ms;
                    return Ok(Claim::Busy { expires_ms });
                }
                Some((found, etag)) => {
                    let ours = RunRecord {
                        owner: owner.clone(),
                        token: found.token + 1,
                        invocations: found.invocations + 1,
                        ..found
                    };
                    (ours, PutCondition::IfMatch(etag))
                }
                // The record was deleted in the meantime.
                None => (first.clone(), PutCondition::IfAbsent),
            };
        }
        let (kind, at) = (StoreErrorKind::Conflict, state.name(RECORD));
        let reason = "other workers keep changing it";
        Err(StoreError::new(kind, Action::Write, at, reason))
    }

    /// The fencing token; 1 if no other worker has owned the job.
    pub(crate) fn token(&self) -> u64 {
        self.claimed.token
    }

    /// Whether the lease is still valid by this machine's clock. It may have expired while the worker was frozen.
    pub(crate) fn is_good(&self) -> bool {
        self.clock.now_ms() < self.expires_ms.load(Ordering::Relaxed)
    }

    /// Keeps renewing the lease. Returns only when the lease is lost.
    pub(crate) async fn keep(&self) -> Overtaken {
        loop {
            tokio::time::sleep(self.duration / RENEWALS).await;
            if let Err(overtaken) = self.renew().await {
                return overtaken;
            }
        }
    }

    /// Makes sure that the lease lasts for work of a few seconds: renews it only if less than half of it is left.
    ///
    /// # Errors
    /// As for [`renew`](Self::renew).
    pub(crate) async fn secure(&self) -> Result<(), Overtaken> {
        let half = self.duration.as_millis() as i64 / 2;
        if self.clock.now_ms() + half < self.expires_ms.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.renew().await
    }

    /// Renews the lease once. If the store is unavailable, the worker keeps the lease until it expires.
    ///
    /// # Errors
    /// If another worker owns the job, or the lease has expired and cannot be renewed.
    pub(crate) async fn renew(&self) -> Result<(), Overtaken> {
        let expires_ms = self.clock.now_ms() + self.duration.as_millis() as i64;
        match self.rewrite(|run| run.expires_ms = expires_ms).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind == StoreErrorKind::Precondition => Err(Overtaken),
            Err(error) => {
                tracing::warn!(error = chain(&error), "could not renew the lease");
                self.is_good().then_some(()).ok_or(Overtaken)
            }
        }
    }

    /// Releases the lease, after `count` has updated the job's counters.
    ///
    /// # Errors
    /// If the record cannot be written, or another worker owns the job.
    pub(crate) async fn release(&self, count: impl FnOnce(&mut RunRecord)) -> StoreResult<()> {
        self.rewrite(|run| {
            count(run);
            run.expires_ms = 0;
        })
        .await
    }

    /// Releases the lease, if the store can be written.
    pub(crate) async fn give_back(&self, count: impl FnOnce(&mut RunRecord)) {
        if let Err(error) = self.release(count).await {
            tracing::warn!(
                error = chain(&error),
                "could not release the lease: the next invocation waits until it expires"
            );
        }
    }

    /// Records why the first model is given up.
    ///
    /// # Errors
    /// As for [`release`](Self::release).
    pub(crate) async fn give_up_first_model(&self, reason: &str) -> StoreResult<()> {
        self.rewrite(|run| run.fallback = Some(reason.to_owned()))
            .await
    }

    async fn rewrite(&self, change: impl FnOnce(&mut RunRecord)) -> StoreResult<()> {
        let mut written = self.written.lock().await;
        let mut run = written.0.clone();
        change(&mut run);
        self.replace(&mut written, run).await
    }

    async fn replace(&self, written: &mut (RunRecord, String), run: RunRecord) -> StoreResult<()> {
        let write = |etag| self.state.write(RECORD, &run, PutCondition::IfMatch(etag));
        let etag = match write(written.1.clone()).await {
            // A cancelled renewal may still have been written. If so, the record is ours under a newer entity tag.
            Err(error) if error.kind == StoreErrorKind::Precondition => {
                match self.state.read::<RunRecord>(RECORD).await? {
                    Some((found, etag)) if found.owner == run.owner => write(etag).await?,
                    _ => return Err(error),
                }
            }
            written => written?,
        };
        self.expires_ms.store(run.expires_ms, Ordering::Relaxed);
        *written = (run, etag);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::store::{DirStore, Store};

    /// The state of one job, in a temporary directory.
    fn state() -> (TempDir, StateFolder) {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(DirStore::new(dir.path()));
        let state = StateFolder::new(&store, "b", "summaries/.work/abc/");
        (dir, state)
    }

    async fn claim(state: &StateFolder, clock: &Clock) -> Claim {
        Lease::claim(state.clone(), clock, LEASE, as_asked())
            .await
            .unwrap()
    }

    fn ours(claim: Claim) -> Arc<Lease> {
        match claim {
            Claim::Ours(lease) => lease,
            Claim::Busy { expires_ms } => panic!("busy until {expires_ms}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_expired_lease_passes_to_the_next_worker() {
        let (_dir, state) = state();
        let clock = Clock::simulated(1_000_000);
        let first = ours(claim(&state, &clock).await);
        assert!(first.is_good());
        assert_eq!((first.token(), first.claimed.invocations), (1, 1));
        let busy = claim(&state, &clock).await;
        let until = 1_090_000;
        assert!(
            matches!(busy, Claim::Busy { expires_ms } if expires_ms == until),
            "{busy:?}"
        );

        tokio::time::advance(Duration::from_secs(60)).await;
        first.renew().await.unwrap();
        tokio::time::advance(Duration::from_secs(60)).await;
        let busy = claim(&state, &clock).await;
        assert!(matches!(busy, Claim::Busy { .. }), "{busy:?}");

        tokio::time::advance(Duration::from_secs(31)).await;
        assert!(!first.is_good());
        let second = ours(claim(&state, &clock).await);
        assert_eq!((second.token(), second.claimed.invocations), (2, 2));
        assert_eq!(first.renew().await, Err(Overtaken));
        assert!(first.release(|_| {}).await.is_err());
        second.renew().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_ends_too_far_off_is_none() {
        let (_dir, state) = state();
        let day_ms = 24 * 3600 * 1000;
        ours(claim(&state, &Clock::simulated(1_000_000 + day_ms)).await);
        // The clock has been set back by a day.
        let clock = Clock::simulated(1_000_000);
        let second = ours(claim(&state, &clock).await);
        assert_eq!(second.token(), 2);
        let busy = claim(&state, &Clock::simulated(1_000_000 - 60_000)).await;
        assert!(
            matches!(busy, Claim::Busy { .. }),
            "clocks differ by a minute: {busy:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_record_of_a_newer_program_is_left_alone() {
        let (_dir, state) = state();
        let newer = RunRecord {
            version: 99,
            ..RunRecord::default()
        };
        let written = state.write(RECORD, &newer, PutCondition::Always).await;
        written.unwrap();
        let clock = Clock::simulated(1_000_000);
        let refused = Lease::claim(state.clone(), &clock, LEASE, as_asked()).await;
        let error = chain(&refused.unwrap_err());
        assert!(error.contains("it has version 99"), "{error}");
        let (kept, _) = state.read::<RunRecord>(RECORD).await.unwrap().unwrap();
        assert_eq!(kept, newer);
    }

    #[tokio::test(start_paused = true)]
    async fn a_released_lease_can_be_claimed_at_once() {
        let (_dir, state) = state();
        let clock = Clock::simulated(1_000_000);
        let first = ours(claim(&state, &clock).await);
        let released = first.release(|run| run.without_progress += 1).await;
        released.unwrap();
        let second = ours(claim(&state, &clock).await);
        let run = &second.claimed;
        assert_eq!((second.token(), run.created_ms), (2, 1_000_000));
        assert_eq!((run.invocations, run.without_progress), (2, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn renewing_ends_when_another_worker_owns_the_job() {
        let (_dir, state) = state();
        let clock = Clock::simulated(1_000_000);
        let first = ours(claim(&state, &clock).await);
        // Ten minutes is far longer than one lease.
        let kept = tokio::time::timeout(Duration::from_secs(600), first.keep()).await;
        assert!(kept.is_err() && first.is_good());
        first.release(|_| {}).await.unwrap();
        let _second = claim(&state, &clock).await;
        assert_eq!(first.keep().await, Overtaken);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_of_which_most_is_left_need_not_be_renewed() {
        let (_dir, state) = state();
        let clock = Clock::simulated(1_000_000);
        let lease = ours(claim(&state, &clock).await);
        for (passed, until) in [(40, 1_090_000), (6, 1_136_000), (44, 1_136_000)] {
            tokio::time::advance(Duration::from_secs(passed)).await;
            lease.secure().await.unwrap();
            let busy = claim(&state, &clock).await;
            assert!(
                matches!(busy, Claim::Busy { expires_ms } if expires_ms == until),
                "{busy:?}"
            );
        }
        // Longer than the lease: another worker takes the job over.
        tokio::time::advance(LEASE).await;
        ours(claim(&state, &clock).await);
        assert_eq!(lease.secure().await, Err(Overtaken));
    }

    #[tokio::test(start_paused = true)]
    async fn one_of_eight_concurrent_claims_wins() {
        let (_dir, state) = state();
        let clock = Clock::simulated(1_000_000);
        for token in [1, 2] {
            let claims = (0..8).map(|_| claim(&state, &clock));
            let claims = futures_util::future::join_all(claims).await;
            let winners = claims.into_iter().filter_map(|claim| match claim {
                Claim::Ours(lease) => Some(lease),
                Claim::Busy { .. } => None,
            });
            let tokens: Vec<u64> = winners.map(|lease| lease.token()).collect();
            assert_eq!(tokens, [token]);
            tokio::time::advance(LEASE).await;
        }
    }
}
