//! Who works on a job: a lease with a fencing token in `run.json`, taken, renewed and given back by conditional writes alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::clock::Clock;
use crate::store::small;
use crate::store::{Location, PutCondition, Store, StoreError, StoreErrorKind};

/// How long a lease is good for. A dead owner's must have run out when Lambda tries a direct invocation again, after one and
/// after three minutes.
pub const LEASE: Duration = Duration::from_secs(90);

/// It is renewed after such a part of it: two renewals may fail.
const RENEW_PART: u32 = 3;

/// How often one tries to be first.
const MAX_RACES: usize = 5;

/// `run.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of this format.
    version: u32,
    /// Who works on the job, or did last.
    owner: String,
    /// Larger with every owner.
    token: u64,
    /// When the lease runs out, in milliseconds since 1970; 0 if it has been given back.
    expires_ms: i64,
    /// When the job was first taken up.
    pub created_ms: i64,
    /// Times that it was taken up.
    pub slices: u32,
    /// Of these, the last ones that brought no new answer.
    pub slices_without_progress: u32,
    /// Times that the summary was refused for having too many extractive sections.
    pub degraded_runs: u32,
}

/// The right to work on a job.
#[derive(Debug)]
pub struct Lease {
    store: Arc<dyn Store>,
    at: Location,
    clock: Clock,
    good_for: Duration,
    token: u64,
    owner: String,
    expires_ms: AtomicI64,
    /// What was written last, and its entity tag.
    written: Mutex<(RunRecord, String)>,
}

/// What came of asking for a job.
#[derive(Debug)]
pub enum Claim {
    /// It is ours.
    Ours {
        /// The right to it.
        lease: Arc<Lease>,
        /// Nobody has worked on it before.
        fresh: bool,
        /// As it was found, this slice counted.
        run: RunRecord,
    },
    /// Somebody else works on it.
    Busy {
        /// When the lease runs out at the latest, unless it is renewed.
        expires_ms: i64,
    },
}

/// Somebody else has taken the job over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another worker has taken the job over")]
pub struct Overtaken;

impl Lease {
    /// Asks for the job whose state is under `prefix` (with a slash at its end) in `bucket`, for `good_for` at a time.
    ///
    /// # Errors
    /// If the state can't be read or written.
    pub async fn claim(
        store: &Arc<dyn Store>,
        bucket: &str,
        prefix: &str,
        owner: &str,
        clock: &Clock,
        good_for: Duration,
    ) -> Result<Claim, StoreError> {
        let at = Location::new(bucket, format!("{prefix}run.json"));
        let lease = |run: RunRecord, etag| Lease {
            store: Arc::clone(store),
            at: at.clone(),
            clock: clock.clone(),
            good_for,
            token: run.token,
            owner: owner.to_owned(),
            expires_ms: AtomicI64::new(run.expires_ms),
            written: Mutex::new((run, etag)),
        };
        let mut last = None;
        for _ in 0..MAX_RACES {
            let now = clock.now_ms();
            let first = RunRecord {
                version: 1,
                owner: owner.to_owned(),
                token: 1,
                expires_ms: now + good_for.as_millis() as i64,
                created_ms: now,
                slices: 1,
                slices_without_progress: 0,
                degraded_runs: 0,
            };
            match small::write(store.as_ref(), &at, &first, PutCondition::IfAbsent).await {
                Ok(etag) => {
                    return Ok(Claim::Ours {
                        lease: Arc::new(lease(first.clone(), etag)),
                        fresh: true,
                        run: first,
                    });
                }
                Err(error) if error.kind == StoreErrorKind::Precondition => last = Some(error),
                Err(error) => return Err(error),
            }
            let Some((found, etag)) = small::read::<RunRecord>(store.as_ref(), &at).await? else {
                // Removed in the meantime.
                continue;
            };
            // Our own write, whose answer was lost.
            if found.owner == owner && found.expires_ms > now {
                return Ok(Claim::Ours {
                    lease: Arc::new(lease(found.clone(), etag)),
                    fresh: found.token == 1,
                    run: found,
                });
            }
            if found.expires_ms > now {
                return Ok(Claim::Busy {
                    expires_ms: found.expires_ms,
                });
            }
            let ours = RunRecord {
                owner: owner.to_owned(),
                token: found.token + 1,
                expires_ms: first.expires_ms,
                slices: found.slices + 1,
                ..found
            };
            match small::write(store.as_ref(), &at, &ours, PutCondition::IfMatch(etag)).await {
                Ok(etag) => {
                    return Ok(Claim::Ours {
                        lease: Arc::new(lease(ours.clone(), etag)),
                        fresh: false,
                        run: ours,
                    });
                }
                Err(error) if error.kind == StoreErrorKind::Precondition => last = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(last.unwrap_or_else(|| {
            StoreError::new(
                StoreErrorKind::Conflict,
                "write",
                &at,
                "others keep removing it",
            )
        }))
    }

    /// The fencing token.
    #[must_use]
    pub fn token(&self) -> u64 {
        self.token
    }

    /// Who we are.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Whether it is still good by our own clock: a worker that was frozen finds that it is not.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.clock.now_ms() < self.expires_ms.load(Ordering::Relaxed)
    }

    /// Renews the lease again and again; ends when somebody else has it.
    pub async fn keep(&self) -> Overtaken {
        loop {
            tokio::time::sleep(self.good_for / RENEW_PART).await;
            if let Err(overtaken) = self.renew().await {
                return overtaken;
            }
        }
    }

    /// Renews the lease once. A store that is down is no reason to stop before the lease has run out.
    ///
    /// # Errors
    /// If somebody else has it, or it has run out and can't be renewed.
    pub async fn renew(&self) -> Result<(), Overtaken> {
        let expires_ms = self.clock.now_ms() + self.good_for.as_millis() as i64;
        match self.rewrite(|run| run.expires_ms = expires_ms).await {
            Ok(()) => Ok(()),
            Err(error) if error.kind == StoreErrorKind::Precondition => Err(Overtaken),
            Err(error) => {
                tracing::warn!(%error, "could not renew the lease");
                if self.is_good() {
                    Ok(())
                } else {
                    Err(Overtaken)
                }
            }
        }
    }

    /// Gives the job back, with its counters changed by `count`.
    ///
    /// # Errors
    /// If it can't be written, or somebody else has it.
    pub async fn release(&self, count: impl FnOnce(&mut RunRecord)) -> Result<(), StoreError> {
        self.rewrite(|run| {
            count(run);
            run.expires_ms = 0;
        })
        .await
    }

    async fn rewrite(&self, change: impl FnOnce(&mut RunRecord)) -> Result<(), StoreError> {
        let mut written = self.written.lock().await;
        let mut run = written.0.clone();
        change(&mut run);
        let condition = PutCondition::IfMatch(written.1.clone());
        let etag = match small::write(self.store.as_ref(), &self.at, &run, condition).await {
            // A renewal that was cut off may have been written all the same: what is there is still ours then.
            Err(error) if error.kind == StoreErrorKind::Precondition => {
                let found = small::read::<RunRecord>(self.store.as_ref(), &self.at).await?;
                let Some((_, etag)) = found
                    .filter(|(found, _)| found.token == self.token && found.owner == self.owner)
                else {
                    return Err(error);
                };
                small::write(
                    self.store.as_ref(),
                    &self.at,
                    &run,
                    PutCondition::IfMatch(etag),
                )
                .await?
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
    use super::*;
    use crate::store::DirStore;

    const PREFIX: &str = "summaries/.work/abc/";

    async fn claim(store: &Arc<dyn Store>, owner: &str, clock: &Clock) -> Claim {
        Lease::claim(store, "b", PREFIX, owner, clock, LEASE)
            .await
            .unwrap()
    }

    fn ours(claim: Claim) -> (Arc<Lease>, bool, RunRecord) {
        match claim {
            Claim::Ours { lease, fresh, run } => (lease, fresh, run),
            Claim::Busy { expires_ms } => panic!("busy until {expires_ms}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_at_a_time_and_the_next_when_it_has_run_out() {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(DirStore::new(dir.path()));
        let clock = Clock::simulated(1_000_000);
        let (first, fresh, run) = ours(claim(&store, "a", &clock).await);
        assert!(fresh && first.is_good());
        assert_eq!((first.token(), run.slices), (1, 1));
        assert!(matches!(
            claim(&store, "b", &clock).await,
            Claim::Busy {
                expires_ms: 1_090_000
            }
        ));

        tokio::time::advance(Duration::from_secs(60)).await;
        first.renew().await.unwrap();
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(matches!(
            claim(&store, "b", &clock).await,
            Claim::Busy { .. }
        ));

        tokio::time::advance(Duration::from_secs(31)).await;
        assert!(!first.is_good());
        let (second, fresh, run) = ours(claim(&store, "b", &clock).await);
        assert!(!fresh);
        assert_eq!((second.token(), run.slices), (2, 2));
        assert_eq!(first.renew().await, Err(Overtaken));
        assert!(first.release(|_| {}).await.is_err());
        second.renew().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_given_back_can_be_taken_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(DirStore::new(dir.path()));
        let clock = Clock::simulated(1_000_000);
        let (first, _, _) = ours(claim(&store, "a", &clock).await);
        first
            .release(|run| run.slices_without_progress += 1)
            .await
            .unwrap();
        let (second, fresh, run) = ours(claim(&store, "b", &clock).await);
        assert_eq!((second.token(), fresh), (2, false));
        assert_eq!((run.slices, run.slices_without_progress), (2, 1));
        assert_eq!(run.created_ms, 1_000_000);
    }

    #[tokio::test(start_paused = true)]
    async fn keeping_ends_when_another_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(DirStore::new(dir.path()));
        let clock = Clock::simulated(1_000_000);
        let (first, _, _) = ours(claim(&store, "a", &clock).await);
        // Kept alive for ten minutes, which no lease lasts.
        let kept = tokio::time::timeout(Duration::from_secs(600), first.keep()).await;
        assert!(kept.is_err() && first.is_good());
        first.release(|_| {}).await.unwrap();
        let _second = claim(&store, "b", &clock).await;
        assert_eq!(first.keep().await, Overtaken);
    }
}
