//! Records every call of a job, so that no call is paid for twice.
//!
//! A call is identified by a hash of the whole request. Which calls a job makes depends only on the answers it gets, so a
//! resumed run makes the same calls and finds their records here. The ledger is the only checkpoint. Each call has up to
//! three objects under `calls/`:
//!
//! | object | written | a resumed run that finds it |
//! |---|---|---|
//! | `<call>.intent` | before each submission | submits again if it finds nothing else, and counts the submission |
//! | `<call>.job` | as soon as the endpoint has returned a ticket | polls the job instead of submitting |
//! | `<call>.out` | when the call has ended | uses the recorded outcome and makes no call |
//!
//! - **Who may submit.** Only the worker that wrote the intent. The first intent is written only if none exists, a later one
//!   only over the intent that was read; each holds the fencing token of the lease. A worker that finds a higher token than
//!   its own has lost the job and must not submit. The lease is checked before and after the intent is written, because a
//!   worker may be frozen at any moment.
//! - **Tickets and outcomes** are written over nothing but what this worker has read or written itself. If another worker has
//!   written meanwhile, the owner of the lease replaces that, and a worker that was frozen keeps its own to itself: those of its
//!   successor are newer.
//! - **The beginning of an answer** that was still arriving at the end of an invocation is its outcome, unless there is one.
//! - **After a `kill -9`** an intent without ticket or outcome is ambiguous: the call may have been submitted. Endpoints
//!   accept no idempotency key, so it is submitted again. At most the submissions in flight at that moment are affected.
//! - **A submission that was certainly rejected** withdraws its intent, so that the next worker does not count it. Once the
//!   lease has expired the intent is left alone, because it may belong to another owner by then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::store::lease::{Lease, Overtaken};
use crate::store::{Action, PutCondition, StoreError, StoreErrorKind, StoreResult, written};

/// The ledger of one job, used by one owner of its lease.
#[derive(Debug)]
pub struct Ledger {
    lease: Arc<Lease>,
    /// The intents this owner has written, with their entity tags.
    intents: Mutex<HashMap<String, (Intent, String)>>,
    /// The entity tags of the tickets and outcomes that this owner has read or written.
    records: Mutex<HashMap<String, String>>,
}

/// The contents of `<call>.intent`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Intent {
    /// The owner's fencing token.
    token: u64,
    /// Number of submissions so far, including this one.
    submits: u32,
}

/// What the ledger holds about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Known<O, J> {
    /// The call has ended.
    Outcome(O),
    /// The call has been accepted as a job, which may still be running.
    Job(J),
    /// At most an intent: the call may or may not have been submitted.
    Nothing,
}

/// The reason a call must not be submitted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LedgerError {
    #[error(transparent)]
    Overtaken(#[from] Overtaken),
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Ledger {
    pub(crate) fn new(lease: &Arc<Lease>) -> Self {
        Self {
            lease: Arc::clone(lease),
            intents: Mutex::default(),
            records: Mutex::default(),
        }
    }

    /// Why an earlier owner of the job has given up the first model.
    pub(crate) fn fallback(&self) -> Option<&str> {
        self.lease.claimed.fallback.as_deref()
    }

    /// Since when the endpoint was down when an earlier owner of the job stopped, in milliseconds since 1970.
    pub(crate) fn down_since_ms(&self) -> Option<i64> {
        self.lease.claimed.down_since_ms
    }

    /// Records why the first model is given up, for all later owners of the job.
    ///
    /// # Errors
    /// If another worker owns the job or the record cannot be written. The fallback must not be used then.
    pub(crate) async fn give_up_first_model(&self, reason: &str) -> Result<(), LedgerError> {
        self.confirm().await?;
        let written = self.lease.give_up_first_model(reason).await;
        written.map_err(|error| match error.kind {
            StoreErrorKind::Precondition => Overtaken.into(),
            _ => error.into(),
        })
    }

    /// Looks up a call.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub(crate) async fn recall<O: DeserializeOwned, J: DeserializeOwned>(
        &self,
        call: &str,
    ) -> StoreResult<Known<O, J>> {
        // The first owner of a job finds no records, except of calls it has made itself: skip the reads.
        if self.lease.token() == 1 && !self.intents().contains_key(call) {
            return Ok(Known::Nothing);
        }
        if let Some(outcome) = self.read(name(call, "out")).await? {
            return Ok(Known::Outcome(outcome));
        }
        let job = self.read(name(call, "job")).await?;
        Ok(job.map_or(Known::Nothing, Known::Job))
    }

    async fn read<T: DeserializeOwned>(&self, name: String) -> StoreResult<Option<T>> {
        let Some((record, etag)) = self.lease.state.read(&name).await? else {
            self.records().remove(&name);
            return Ok(None);
        };
        self.records().insert(name, etag);
        Ok(Some(record))
    }

    /// Records that the call is about to be submitted. Returns how many times it may have been submitted before.
    ///
    /// # Errors
    /// If another worker owns the job or the ledger cannot be written. The call must then not be submitted.
    pub(crate) async fn intend(&self, call: &str) -> Result<u32, LedgerError> {
        self.confirm().await?;
        let before = self.write_intent(call).await?;
        // Writing may have taken so long that another worker has taken over.
        self.confirm().await?;
        Ok(before)
    }

    /// Checks that this worker still owns the job, for a submission whose intent was written a while ago.
    ///
    /// # Errors
    /// If another worker owns it.
    pub(crate) async fn confirm(&self) -> Result<(), Overtaken> {
        if self.lease.is_good() {
            return Ok(());
        }
        // This worker was frozen. The lease can still be renewed if nobody has taken over.
        self.lease.renew().await
    }

    async fn write_intent(&self, call: &str) -> Result<u32, LedgerError> {
        let (state, name) = (&self.lease.state, name(call, "intent"));
        let mut found = self.intents().get(call).cloned();
        // The second attempt replaces the intent found by the first.
        for _ in 0..2 {
            let (before, condition) = match found {
                Some((intent, _)) if intent.token > self.lease.token() => break,
                Some((intent, etag)) => (intent.submits, PutCondition::IfMatch(etag)),
                None => (0, PutCondition::IfAbsent),
            };
            let next = self.intent(before + 1);
            if let Some(etag) = written(state.write(&name, &next, condition).await)? {
                self.intents().insert(call.to_owned(), (next, etag));
                return Ok(before);
            }
            found = state.read(&name).await?;
        }
        // Only another owner of the job can have written that intent.
        Err(Overtaken.into())
    }

    /// Withdraws the intent of a submission that was certainly rejected.
    ///
    /// # Errors
    /// If the ledger cannot be written.
    pub(crate) async fn withdraw(&self, call: &str) -> StoreResult<()> {
        let removed = self.intents().remove(call);
        let Some((intent, etag)) = removed.filter(|_| self.lease.is_good()) else {
            return Ok(());
        };
        let (state, name) = (&self.lease.state, name(call, "intent"));
        if intent.submits <= 1 {
            return state.delete(&name).await;
        }
        let earlier = self.intent(intent.submits - 1);
        let condition = PutCondition::IfMatch(etag);
        state.write(&name, &earlier, condition).await.map(drop)
    }

    /// Records the job that the endpoint created for the call.
    ///
    /// # Errors
    /// If the ledger cannot be written.
    pub(crate) async fn submitted<J: Serialize>(&self, call: &str, job: &J) -> StoreResult<()> {
        self.record(name(call, "job"), job).await
    }

    /// Records the outcome of the call, which is then never made again.
    ///
    /// # Errors
    /// If the ledger cannot be written.
    pub(crate) async fn settle<O: Serialize>(&self, call: &str, outcome: &O) -> StoreResult<()> {
        self.record(name(call, "out"), outcome).await
    }

    /// Records the beginning of an answer as the outcome of its call, over nothing: whoever has taken the job over in the meantime
    /// may have all of it.
    ///
    /// # Errors
    /// If the ledger cannot be written.
    pub(crate) async fn settle_beginning<O: Serialize>(
        &self,
        call: &str,
        beginning: &O,
    ) -> StoreResult<()> {
        if !self.lease.is_good() {
            return Ok(());
        }
        let (state, name) = (&self.lease.state, name(call, "out"));
        let condition = PutCondition::IfAbsent;
        if let Some(etag) = written(state.write(&name, beginning, condition).await)? {
            self.records().insert(name, etag);
        }
        Ok(())
    }

    async fn record<T: Serialize>(&self, name: String, value: &T) -> StoreResult<()> {
        let state = &self.lease.state;
        // The second attempt replaces what another worker has written.
        for _ in 0..2 {
            let known = self.records().get(&name).cloned();
            let condition = known.map_or(PutCondition::IfAbsent, PutCondition::IfMatch);
            if let Some(etag) = written(state.write(&name, value, condition).await)? {
                self.records().insert(name, etag);
                return Ok(());
            }
            if self.confirm().await.is_err() {
                tracing::warn!(name, "another worker has recorded this call");
                return Ok(());
            }
            self.read::<IgnoredAny>(name.clone()).await?;
        }
        let (kind, at) = (StoreErrorKind::Conflict, state.name(&name));
        let reason = "other workers keep changing it";
        Err(StoreError::new(kind, Action::Write, at, reason))
    }

    /// Deletes the job and the outcome of a call, so that it can be made again.
    ///
    /// # Errors
    /// If the ledger cannot be written.
    pub(crate) async fn forget(&self, call: &str) -> StoreResult<()> {
        for name in [name(call, "out"), name(call, "job")] {
            self.lease.state.delete(&name).await?;
            self.records().remove(&name);
        }
        Ok(())
    }

    fn intent(&self, submits: u32) -> Intent {
        Intent {
            token: self.lease.token(),
            submits,
        }
    }

    fn records(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn intents(&self) -> MutexGuard<'_, HashMap<String, (Intent, String)>> {
        self.intents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(call: &str, ending: &str) -> String {
    format!("calls/{call}.{ending}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tempfile::TempDir;

    use super::*;
    use crate::clock::Clock;
    use crate::store::lease::{Claim, LEASE, as_asked};
    use crate::store::{DirStore, StateFolder, Store};

    type Found = Known<String, u64>;

    /// One job, with the clock that its workers share.
    struct Job {
        clock: Clock,
        state: StateFolder,
        _dir: TempDir,
    }

    impl Job {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let store: Arc<dyn Store> = Arc::new(DirStore::new(dir.path()));
            Self {
                clock: Clock::simulated(1_000_000),
                state: StateFolder::new(&store, "b", "summaries/.work/abc/"),
                _dir: dir,
            }
        }

        async fn claim(&self) -> (Arc<Lease>, Ledger) {
            let claim = Lease::claim(self.state.clone(), &self.clock, LEASE, as_asked()).await;
            match claim.unwrap() {
                Claim::Ours(lease) => (Arc::clone(&lease), Ledger::new(&lease)),
                Claim::Busy { expires_ms } => panic!("busy until {expires_ms}"),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_worker_finds_jobs_and_outcomes() {
        let job = Job::new();
        let (lease, first) = job.claim().await;
        let known: Found = first.recall("c1").await.unwrap();
        assert_eq!(known, Known::Nothing);
        for call in ["c1", "c2", "c3"] {
            assert_eq!(first.intend(call).await.unwrap(), 0);
        }
        first.submitted("c2", &7_u64).await.unwrap();
        first.submitted("c3", &8_u64).await.unwrap();
        first.settle("c3", &"text").await.unwrap();
        lease.release(|_| {}).await.unwrap();

        let (_lease, second) = job.claim().await;
        for (call, expected) in [
            ("c0", Known::Nothing),
            ("c1", Known::Nothing),
            ("c2", Known::Job(7)),
            ("c3", Known::Outcome("text".to_owned())),
        ] {
            let known: Found = second.recall(call).await.unwrap();
            assert_eq!(known, expected, "{call}");
        }
        // A call with only an intent may have been submitted, so it counts.
        assert_eq!(second.intend("c1").await.unwrap(), 1);
        assert_eq!(second.intend("c1").await.unwrap(), 2);
        assert_eq!(second.intend("c4").await.unwrap(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_overtaken_worker_submits_nothing() {
        let job = Job::new();
        let (_, frozen) = job.claim().await;
        frozen.intend("c1").await.unwrap();
        tokio::time::advance(Duration::from_secs(200)).await;
        let (_lease, owner) = job.claim().await;
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
    async fn a_frozen_worker_that_wakes_does_not_replace_what_its_successor_recorded() {
        let job = Job::new();
        let (_, frozen) = job.claim().await;
        for call in ["c1", "c2"] {
            frozen.intend(call).await.unwrap();
        }
        tokio::time::advance(Duration::from_secs(200)).await;
        let (lease, owner) = job.claim().await;
        for call in ["c1", "c2"] {
            let known: Found = owner.recall(call).await.unwrap();
            assert_eq!(known, Known::Nothing);
            owner.intend(call).await.unwrap();
        }
        // The ticket of one call arrives after that of the owner, that of the other one before.
        owner.submitted("c1", &2_u64).await.unwrap();
        frozen.submitted("c1", &1_u64).await.unwrap();
        frozen.submitted("c2", &1_u64).await.unwrap();
        owner.submitted("c2", &2_u64).await.unwrap();
        owner.settle("c2", &"the owner's").await.unwrap();
        frozen.settle("c2", &"older").await.unwrap();
        lease.release(|_| {}).await.unwrap();
        let (_lease, next) = job.claim().await;
        let ticket: Found = next.recall("c1").await.unwrap();
        assert_eq!(ticket, Known::Job(2));
        let outcome: Found = next.recall("c2").await.unwrap();
        assert_eq!(outcome, Known::Outcome("the owner's".to_owned()));
        let ticket: u64 = next.read(name("c2", "job")).await.unwrap().unwrap();
        assert_eq!(ticket, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn the_beginning_of_an_answer_is_kept_until_somebody_has_all_of_it() {
        let job = Job::new();
        let (_, frozen) = job.claim().await;
        frozen.intend("c1").await.unwrap();
        frozen.settle_beginning("c1", &"They").await.unwrap();
        // A worker that was frozen records none.
        frozen.intend("c2").await.unwrap();
        tokio::time::advance(Duration::from_secs(200)).await;
        frozen.settle_beginning("c2", &"They").await.unwrap();
        let (lease, owner) = job.claim().await;
        for (call, expected) in [
            ("c1", Known::Outcome("They".to_owned())),
            ("c2", Known::Nothing),
        ] {
            let known: Found = owner.recall(call).await.unwrap();
            assert_eq!(known, expected, "{call}");
        }
        owner.settle("c2", &"They met.").await.unwrap();
        owner.settle_beginning("c2", &"They").await.unwrap();
        lease.release(|_| {}).await.unwrap();
        let (_lease, next) = job.claim().await;
        let known: Found = next.recall("c2").await.unwrap();
        assert_eq!(known, Known::Outcome("They met.".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_intent_with_a_higher_token_prevents_submission() {
        let job = Job::new();
        let (_lease, ledger) = job.claim().await;
        let later = Intent {
            token: 2,
            submits: 1,
        };
        let name = name("c1", "intent");
        let written = job.state.write(&name, &later, PutCondition::Always).await;
        written.unwrap();
        let refused = ledger.intend("c1").await;
        assert!(
            matches!(refused, Err(LedgerError::Overtaken(_))),
            "{refused:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_frozen_worker_renews_a_lease_that_is_still_its_own() {
        let job = Job::new();
        let (lease, ledger) = job.claim().await;
        tokio::time::advance(Duration::from_secs(200)).await;
        assert_eq!(ledger.intend("c1").await.unwrap(), 0);
        assert!(lease.is_good());
    }

    #[tokio::test(start_paused = true)]
    async fn a_rejected_submission_is_not_counted() {
        let job = Job::new();
        let (lease, first) = job.claim().await;
        first.intend("c1").await.unwrap();
        first.withdraw("c1").await.unwrap();
        lease.release(|_| {}).await.unwrap();
        let (_lease, second) = job.claim().await;
        assert_eq!(second.intend("c1").await.unwrap(), 0);
        assert_eq!(second.intend("c1").await.unwrap(), 1);
        second.withdraw("c1").await.unwrap();
        assert_eq!(second.intend("c1").await.unwrap(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_forgotten_call_can_be_made_again() {
        let job = Job::new();
        let (lease, _) = job.claim().await;
        lease.release(|_| {}).await.unwrap();
        // Only a worker that is not the first looks calls up.
        let (_lease, ledger) = job.claim().await;
        ledger.settle("c1", &"bad").await.unwrap();
        let known: Found = ledger.recall("c1").await.unwrap();
        assert_eq!(known, Known::Outcome("bad".to_owned()));
        ledger.forget("c1").await.unwrap();
        let known: Found = ledger.recall("c1").await.unwrap();
        assert_eq!(known, Known::Nothing);
    }
}
