//! The state of one job: small JSON objects in a folder of the bucket, always read and written whole.
//!
//! If the response to a write is lost, the write may or may not have happened, so it is retried. If a retried conditional
//! write fails its precondition, the object is compared with the intended bytes: if they are equal, an earlier attempt
//! succeeded.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::chain::chain;
use crate::store::{
    Action, Location, PutCondition, PutOptions, Remedy, Store, StoreError, StoreErrorKind,
    StoreResult, found,
};

/// Maximum size of a state object in bytes. An answer has at most a few thousand words.
const MAX_BYTES: u64 = 8 << 20;

/// Attempts per write. The SDK makes its own attempts within each.
const MAX_ATTEMPTS: u32 = 4;

/// Wait before the second attempt; it doubles before each later one.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// The folder of one job.
#[derive(Debug, Clone)]
pub(crate) struct StateFolder {
    store: Arc<dyn Store>,
    bucket: String,
    /// Ends in a slash.
    prefix: String,
}

impl StateFolder {
    pub(crate) fn new(store: &Arc<dyn Store>, bucket: &str, prefix: &str) -> Self {
        Self {
            store: Arc::clone(store),
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        }
    }

    /// Reads the object `name` and its entity tag; `None` if it does not exist.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        name: &str,
    ) -> StoreResult<Option<(T, String)>> {
        let Some((body, etag)) = self.bytes(name).await? else {
            return Ok(None);
        };
        let value = serde_json::from_slice(&body).map_err(|error| {
            let reason = "it is damaged, or another version of the program wrote it: delete it, and what it records is done again";
            let (kind, at) = (StoreErrorKind::Other, self.name(name));
            StoreError::new(kind, Action::Read, at, reason).caused_by(error)
        })?;
        Ok(Some((value, etag)))
    }

    /// Writes the object `name` and returns its entity tag.
    pub(crate) async fn write<T: Serialize>(
        &self,
        name: &str,
        value: &T,
        condition: PutCondition,
    ) -> StoreResult<String> {
        let json = serde_json::to_vec(value).map_err(|error| {
            let (kind, reason) = (StoreErrorKind::Other, "it cannot be serialized as JSON");
            StoreError::new(kind, Action::Write, self.name(name), reason).caused_by(error)
        });
        // On the heap, and one for all types.
        Box::pin(self.put(name, Bytes::from(json?), condition)).await
    }

    async fn put(&self, name: &str, body: Bytes, condition: PutCondition) -> StoreResult<String> {
        let at = self.at(name);
        let options = PutOptions {
            condition,
            content_type: "application/json",
            ..PutOptions::default()
        };
        let (mut attempt, mut wait, mut unanswered) = (1, FIRST_WAIT, false);
        loop {
            let mut error = match self.store.put(&at, body.clone(), options.clone()).await {
                Ok(etag) => return Ok(etag),
                Err(error) => error,
            };
            if unanswered && error.kind == StoreErrorKind::Precondition {
                error = match self.bytes(name).await {
                    Ok(Some((there, etag))) if there == body => return Ok(etag),
                    Ok(_) => return Err(error),
                    // Whether an earlier attempt succeeded is still unknown: the next one asks again.
                    Err(error) => error,
                };
            }
            if error.kind.policy().1 != Remedy::Retry || attempt == MAX_ATTEMPTS {
                return Err(error);
            }
            unanswered |= error.kind == StoreErrorKind::Transient;
            tracing::warn!(
                error = chain(&error),
                attempt,
                "could not write, trying again"
            );
            tokio::time::sleep(wait).await;
            attempt += 1;
            wait *= 2;
        }
    }

    /// Deletes the object `name`, if it exists.
    pub(crate) async fn delete(&self, name: &str) -> StoreResult<()> {
        self.store.delete(&self.at(name), None).await
    }

    async fn bytes(&self, name: &str) -> StoreResult<Option<(Vec<u8>, String)>> {
        found(self.store.read(&self.at(name), MAX_BYTES).await)
    }

    /// How messages name the object `name`.
    pub(crate) fn name(&self, name: &str) -> String {
        self.store.name(&self.at(name))
    }

    fn at(&self, name: &str) -> Location {
        Location::new(&self.bucket, format!("{}{name}", self.prefix))
    }
}
