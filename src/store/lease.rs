//! The right to work on a job: a lease with a fencing token in `run.json`.
//!
//! Any number of workers may be sent to the same job: events are delivered twice, Lambda tries again what it believes dead, and
//! a worker may be frozen and wake up minutes later. One of them at a time works on it:
//!
//! - The first worker creates `run.json` if it is absent, with the fencing token 1. The next one replaces the record of an owner
//!   whose lease has run out, on condition that it is still the same record, and takes the next token. Both are conditional
//!   writes, so that one of several wins a race.
//! - The owner renews the lease every third of its time while work goes on. Two renewals may fail. Once a renewal finds
//!   another owner's record, the worker stops at once ([`Overtaken`]).
//! - An owner that is done for now gives the lease back: it expires at once, and the counters of the job are brought up to date.
//! - After a `kill -9` nobody gives the lease back. The job waits until it has run out.
//!
//! `run.json` is written by the owner of the lease, or by whoever takes it over. The token orders the owners for everything
//! else that is written about the job: [`crate::store::ledger`] refuses to submit a call once it has seen a later token.
//!
//! Expiry compares the wall clocks of different machines. If one is wrong by more than a lease, two workers work on the job until
//! the first one renews. Then a call may be paid twice; results cannot be mixed up, because they are published conditionally.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::store::{
    Action, PutCondition, StateFolder, StoreError, StoreErrorKind, StoreResult, written,
};

/// How long a lease lasts. A dead owner's lease must have run out when Lambda tries a direct invocation again, one and three
/// minutes after it failed.
pub const LEASE: Duration = Duration::from_secs(90);

/// Renewals in the time of one lease.
const RENEWALS: u32 = 3;

/// Attempts to create or take over the record while others change it.
const MAX_RACES: usize = 10;

const RECORD: &str = "run.json";

/// `run.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    /// Version of this format.
    version: u32,
    /// The worker that has the lease, or had it last.
    owner: String,
    /// The fencing token: larger with every owner.
    token: u64,
    /// When the lease runs out, in milliseconds since 1970; 0 once it has been given back.
    expires_ms: i64,
    /// When the job was begun.
    pub(crate) created_ms: i64,
    /// Invocations that worked on the job, this one included.
    #[serde(rename = "slices")]
    pub(crate) invocations: u32,
    /// The last ones of them in a row that brought no new answer.
    #[serde(rename = "slices_without_progress")]
    pub(crate) without_progress: u32,
    /// Times that the summary was refused for having too many extractive sections.
    pub(crate) degraded_runs: u32,
}

/// The right to work on a job.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(super) state: StateFolder,
    clock: Clock,
    duration: Duration,
    /// The record of the job as it was when this lease began.
    pub(crate) claimed: RunRecord,
    expires_ms: AtomicI64,
    /// The record as it was written last, and its entity tag.
    written: Mutex<(RunRecord, String)>,
}

/// The answer to a worker that asks for a job.
#[derive(Debug)]
pub(crate) enum Claim {
    /// The job is ours.
    Ours(Arc<Lease>),
    /// Another worker has the job.
    Busy {
        /// When its lease runs out, unless it is renewed.
        expires_ms: i64,
    },
}

/// Another worker has taken the job over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another worker has taken the job over")]
pub(crate) struct Overtaken;

impl Lease {
    /// Asks for the job that has its state in `state`, for `duration` at a time.
    ///
    /// # Errors
    /// If the state can't be read or written.
    pub(crate) async fn claim(
        state: StateFolder,
        clock: &Clock,
        duration: Duration,
    ) -> StoreResult<Claim> {
        let owner = format!("{:016x}", fastrand::u64(..));
        let first = RunRecord {
            version: 1,
            owner: owner.clone(),
            token: 1,
            created_ms: clock.now_ms(),
            invocations: 1,
            ..RunRecord::default()
        };
        // Most jobs are new: their record is written without looking first.
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
                Some((found, _)) if found.expires_ms > clock.now_ms() => {
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
                // It was removed in the meantime.
                None => (first.clone(), PutCondition::IfAbsent),
            };
        }
        let (kind, at) = (StoreErrorKind::Conflict, state.at(RECORD));
        let reason = "other workers keep changing it";
        Err(StoreError::new(kind, Action::Write, &at, reason))
    }

    /// The fencing token: 1 if nobody has worked on the job before.
    pub(crate) fn token(&self) -> u64 {
        self.claimed.token
    }

    /// Whether the lease holds by our own clock. A worker that was frozen finds that it does not.
    pub(crate) fn is_good(&self) -> bool {
        self.clock.now_ms() < self.expires_ms.load(Ordering::Relaxed)
    }

    /// Renews the lease again and again. Ends when another worker has the job.
    pub(crate) async fn keep(&self) -> Overtaken {
        loop {
            tokio::time::sleep(self.duration / RENEWALS).await;
            if let Err(overtaken) = self.renew().await {
                return overtaken;
            }
        }
    }

    /// Renews the lease once. A store that is down does not end the work before the lease has run out.
    ///
    /// # Errors
    /// If another worker has the job, or the lease has run out and can't be renewed.
    pub(crate) async fn renew(&self) -> Result<(), Overtaken> {
        let expires_ms = self.clock.now_ms() + self.duration.as_millis() as i64;
        match self.rewrite(|run| run.expires_ms = expires_ms).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind == StoreErrorKind::Precondition => Err(Overtaken),
            Err(error) => {
                tracing::warn!(%error, "could not renew the lease");
                self.is_good().then_some(()).ok_or(Overtaken)
            }
        }
    }

    /// Gives the job back, with its counters changed by `count`.
    ///
    /// # Errors
    /// If the record can't be written, or another worker has the job.
    pub(crate) async fn release(&self, count: impl FnOnce(&mut RunRecord)) -> StoreResult<()> {
        self.rewrite(|run| {
            count(run);
            run.expires_ms = 0;
        })
        .await
    }

    async fn rewrite(&self, change: impl FnOnce(&mut RunRecord)) -> StoreResult<()> {
        let mut written = self.written.lock().await;
        let (mut run, mut etag) = written.clone();
        change(&mut run);
        let write = |etag| self.state.write(RECORD, &run, PutCondition::IfMatch(etag));
        etag = match write(etag).await {
            // A renewal that was cancelled may have been written all the same. Then the record is still ours.
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

    /// The state of one job in a directory of its own.
    fn state() -> (TempDir, StateFolder) {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(DirStore::new(dir.path()));
        let state = StateFolder::new(&store, "b", "summaries/.work/abc/");
        (dir, state)
    }

    async fn claim(state: &StateFolder, clock: &Clock) -> Claim {
        Lease::claim(state.clone(), clock, LEASE).await.unwrap()
    }

    fn ours(claim: Claim) -> Arc<Lease> {
        match claim {
            Claim::Ours(lease) => lease,
            Claim::Busy { expires_ms } => panic!("busy until {expires_ms}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_worker_at_a_time_has_the_job_and_the_next_one_once_the_lease_has_run_out() {
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
    async fn a_job_that_was_given_back_can_be_claimed_at_once() {
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
    async fn renewing_ends_when_another_worker_has_the_job() {
        let (_dir, state) = state();
        let clock = Clock::simulated(1_000_000);
        let first = ours(claim(&state, &clock).await);
        // Renewed for ten minutes, which no lease lasts.
        let kept = tokio::time::timeout(Duration::from_secs(600), first.keep()).await;
        assert!(kept.is_err() && first.is_good());
        first.release(|_| {}).await.unwrap();
        let _second = claim(&state, &clock).await;
        assert_eq!(first.keep().await, Overtaken);
    }

    #[tokio::test(start_paused = true)]
    async fn of_eight_workers_that_claim_a_job_at_once_one_gets_it() {
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
