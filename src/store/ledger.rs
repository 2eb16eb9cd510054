//! What has been asked and answered in a job, so that nothing is paid twice: an intent before each submission, the ticket at
//! once after it, the outcome at the end.
//!
//! A call is known by a hash of all that is sent. Which calls a job makes follows from their outcomes, so a run that is taken
//! up again asks for the same ones and finds them here: the ledger is the checkpoint.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::store::lease::{Lease, Overtaken};
use crate::store::small;
use crate::store::{Location, PutCondition, Store, StoreError, StoreErrorKind};

/// The ledger of one job, in the hands of one owner of its lease.
#[derive(Debug)]
pub struct Ledger {
    store: Arc<dyn Store>,
    lease: Arc<Lease>,
    bucket: String,
    /// Where calls are, with a slash at its end.
    prefix: String,
    /// Nothing was there when the job was taken up.
    fresh: bool,
    /// Intents that this owner has written, and their entity tags.
    written: Mutex<HashMap<String, (Intent, String)>>,
}

/// `<call>.intent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Intent {
    owner: String,
    /// Fencing token of the owner.
    token: u64,
    /// How often the call has been submitted, this time included.
    submits: u32,
}

/// What the ledger knows of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known<O, J> {
    /// How it ended.
    Outcome(O),
    /// It became a job, which may go on.
    Job(J),
    /// Nothing, or no more than that somebody meant to submit it.
    Nothing,
}

/// Why a call must not be submitted.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Somebody else works on this job now.
    #[error(transparent)]
    Overtaken(#[from] Overtaken),
    /// The ledger can't be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Ledger {
    /// The ledger under `prefix` (with a slash at its end) in `bucket`. `fresh` says that nobody has worked on the job before.
    #[must_use]
    pub fn new(
        store: &Arc<dyn Store>,
        lease: &Arc<Lease>,
        bucket: &str,
        prefix: &str,
        fresh: bool,
    ) -> Self {
        Self {
            store: Arc::clone(store),
            lease: Arc::clone(lease),
            bucket: bucket.to_owned(),
            prefix: format!("{prefix}calls/"),
            fresh,
            written: Mutex::default(),
        }
    }

    /// What is known of a call.
    ///
    /// # Errors
    /// If the ledger can't be read.
    pub async fn recall<O: DeserializeOwned, J: DeserializeOwned>(
        &self,
        call: &str,
    ) -> Result<Known<O, J>, StoreError> {
        // A job that nobody has worked on has no calls to look for, except the same one made twice.
        if self.fresh && !self.intents().contains_key(call) {
            return Ok(Known::Nothing);
        }
        if let Some((outcome, _)) = small::read(self.store.as_ref(), &self.at(call, "out")).await? {
            return Ok(Known::Outcome(outcome));
        }
        if let Some((job, _)) = small::read(self.store.as_ref(), &self.at(call, "job")).await? {
            return Ok(Known::Job(job));
        }
        Ok(Known::Nothing)
    }

    /// Records that the call is about to be submitted, and returns how often it may have been submitted before.
    ///
    /// # Errors
    /// If somebody else has the job, or the ledger can't be written: then it must not be submitted.
    pub async fn intend(&self, call: &str) -> Result<u32, LedgerError> {
        self.confirm().await?;
        let before = self.write_intent(call).await?;
        // Whoever has taken over since has not waited for us.
        self.confirm().await?;
        Ok(before)
    }

    /// Makes sure that the job is still ours, before a call is submitted whose intent was written long ago.
    ///
    /// # Errors
    /// If somebody else has it.
    pub async fn confirm(&self) -> Result<(), Overtaken> {
        if self.lease.is_good() {
            return Ok(());
        }
        // We were frozen. If nobody has taken over, the lease is still to be had.
        self.lease.renew().await
    }

    async fn write_intent(&self, call: &str) -> Result<u32, LedgerError> {
        let at = self.at(call, "intent");
        let mut found = self.intents().get(call).cloned();
        if found.is_none() {
            let first = self.intent(1);
            match small::write(self.store.as_ref(), &at, &first, PutCondition::IfAbsent).await {
                Ok(etag) => {
                    self.intents().insert(call.to_owned(), (first, etag));
                    return Ok(0);
                }
                Err(error) if error.kind == StoreErrorKind::Precondition => {}
                Err(error) => return Err(error.into()),
            }
            found = small::read(self.store.as_ref(), &at).await?;
        }
        let condition = match &found {
            Some((intent, _)) if intent.token > self.lease.token() => return Err(Overtaken.into()),
            Some((_, etag)) => PutCondition::IfMatch(etag.clone()),
            None => PutCondition::IfAbsent,
        };
        let before = found.map_or(0, |(intent, _)| intent.submits);
        let next = self.intent(before + 1);
        match small::write(self.store.as_ref(), &at, &next, condition).await {
            Ok(etag) => {
                self.intents().insert(call.to_owned(), (next, etag));
                Ok(before)
            }
            // Whoever else has written it is the owner now.
            Err(error) if error.kind == StoreErrorKind::Precondition => Err(Overtaken.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the intent back: the submission was certainly not accepted. Left to the next owner if the lease has run out.
    ///
    /// # Errors
    /// If the ledger can't be written.
    pub async fn withdraw(&self, call: &str) -> Result<(), StoreError> {
        let Some((intent, etag)) = self.intents().remove(call) else {
            return Ok(());
        };
        if !self.lease.is_good() {
            return Ok(());
        }
        let at = self.at(call, "intent");
        if intent.submits <= 1 {
            return self.store.delete(&at).await;
        }
        let earlier = self.intent(intent.submits - 1);
        small::write(
            self.store.as_ref(),
            &at,
            &earlier,
            PutCondition::IfMatch(etag),
        )
        .await
        .map(|_| ())
    }

    /// Records the job that the call became.
    ///
    /// # Errors
    /// If the ledger can't be written.
    pub async fn submitted<J: Serialize>(&self, call: &str, job: &J) -> Result<(), StoreError> {
        let at = self.at(call, "job");
        small::write(self.store.as_ref(), &at, job, PutCondition::Always)
            .await
            .map(|_| ())
    }

    /// Records how the call ended: it is never made again.
    ///
    /// # Errors
    /// If the ledger can't be written.
    pub async fn settle<O: Serialize>(&self, call: &str, outcome: &O) -> Result<(), StoreError> {
        let at = self.at(call, "out");
        small::write(self.store.as_ref(), &at, outcome, PutCondition::Always)
            .await
            .map(|_| ())
    }

    /// Forgets the job or the outcome of a call, so that it can be made again.
    ///
    /// # Errors
    /// If the ledger can't be written.
    pub async fn forget(&self, call: &str) -> Result<(), StoreError> {
        self.store.delete(&self.at(call, "out")).await?;
        self.store.delete(&self.at(call, "job")).await
    }

    fn intent(&self, submits: u32) -> Intent {
        Intent {
            owner: self.lease.owner().to_owned(),
            token: self.lease.token(),
            submits,
        }
    }

    fn at(&self, call: &str, ending: &str) -> Location {
        Location::new(&self.bucket, format!("{}{call}.{ending}", self.prefix))
    }

    fn intents(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Intent, String)>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;
    use crate::store::DirStore;
    use crate::store::lease::{Claim, LEASE};

    const PREFIX: &str = "summaries/.work/abc/";

    type Found = Known<String, u64>;

    async fn lease(store: &Arc<dyn Store>, owner: &str, clock: &Clock) -> Arc<Lease> {
        match Lease::claim(store, "b", PREFIX, owner, clock, LEASE)
            .await
            .unwrap()
        {
            Claim::Ours { lease, .. } => lease,
            Claim::Busy { .. } => panic!("busy"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_asked_and_answered_is_found_by_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(DirStore::new(dir.path()));
        let clock = Clock::simulated(1_000_000);
        let first_lease = lease(&store, "a", &clock).await;
        let first = Ledger::new(&store, &first_lease, "b", PREFIX, true);
        let known: Found = first.recall("c1").await.unwrap();
        assert_eq!(known, Known::Nothing);
        assert_eq!(first.intend("c1").await.unwrap(), 0);
        assert_eq!(first.intend("c2").await.unwrap(), 0);
        assert_eq!(first.intend("c3").await.unwrap(), 0);
        first.submitted("c2", &7_u64).await.unwrap();
        first.submitted("c3", &8_u64).await.unwrap();
        first.settle("c3", &"text").await.unwrap();
        first_lease.release(|_| {}).await.unwrap();

        let second_lease = lease(&store, "b", &clock).await;
        let second = Ledger::new(&store, &second_lease, "b", PREFIX, false);
        let known: [Found; 4] = [
            second.recall("c0").await.unwrap(),
            second.recall("c1").await.unwrap(),
            second.recall("c2").await.unwrap(),
            second.recall("c3").await.unwrap(),
        ];
        let expected = [
            Known::Nothing,
            Known::Nothing,
            Known::Job(7),
            Known::Outcome("text".to_owned()),
        ];
        assert_eq!(known, expected);
        // An intent alone may have been submitted, and is counted.
        assert_eq!(second.intend("c1").await.unwrap(), 1);
        assert_eq!(second.intend("c1").await.unwrap(), 2);
        assert_eq!(second.intend("c4").await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_was_overtaken_submits_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(DirStore::new(dir.path()));
        let clock = Clock::simulated(1_000_000);
        let frozen_lease = lease(&store, "a", &clock).await;
        let frozen = Ledger::new(&store, &frozen_lease, "b", PREFIX, true);
        frozen.intend("c1").await.unwrap();
        tokio::time::advance(Duration::from_secs(200)).await;
        let owner_lease = lease(&store, "b", &clock).await;
        let owner = Ledger::new(&store, &owner_lease, "b", PREFIX, false);
        owner.intend("c1").await.unwrap();
        for call in ["c1", "c2"] {
            let refused = frozen.intend(call).await;
            assert!(
                matches!(refused, Err(LedgerError::Overtaken(_))),
                "{refused:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_frozen_worker_that_nobody_replaced_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(DirStore::new(dir.path()));
        let clock = Clock::simulated(1_000_000);
        let lease = lease(&store, "a", &clock).await;
        let ledger = Ledger::new(&store, &lease, "b", PREFIX, true);
        tokio::time::advance(Duration::from_secs(200)).await;
        assert_eq!(ledger.intend("c1").await.unwrap(), 0);
        assert!(lease.is_good());
    }

    #[tokio::test(start_paused = true)]
    async fn a_submission_that_was_not_accepted_is_not_counted() {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(DirStore::new(dir.path()));
        let clock = Clock::simulated(1_000_000);
        let first_lease = lease(&store, "a", &clock).await;
        let first = Ledger::new(&store, &first_lease, "b", PREFIX, true);
        first.intend("c1").await.unwrap();
        first.withdraw("c1").await.unwrap();
        first_lease.release(|_| {}).await.unwrap();
        let second_lease = lease(&store, "b", &clock).await;
        let second = Ledger::new(&store, &second_lease, "b", PREFIX, false);
        assert_eq!(second.intend("c1").await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_forgotten_can_be_asked_again() {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(DirStore::new(dir.path()));
        let clock = Clock::simulated(1_000_000);
        let lease = lease(&store, "a", &clock).await;
        let ledger = Ledger::new(&store, &lease, "b", PREFIX, false);
        ledger.settle("c1", &"bad").await.unwrap();
        ledger.forget("c1").await.unwrap();
        let known: Found = ledger.recall("c1").await.unwrap();
        assert_eq!(known, Known::Nothing);
    }
}
