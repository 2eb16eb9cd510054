//! Small objects of JSON, read and written whole: what the program keeps in the bucket for itself.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::{
    Location, Metadata, PutCondition, PutOptions, Store, StoreError, StoreErrorKind, Wanted,
};

/// None of these objects is larger: an answer has at most some thousand words.
const MAX_BYTES: u64 = 8 << 20;

/// How often a write is tried that may work later. The SDK has tried by itself before.
const MAX_ATTEMPTS: u32 = 4;

/// Before the second attempt; twice as long before each later one.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// An object and its entity tag; `None` if there is none.
pub(crate) async fn read<T: DeserializeOwned>(
    store: &dyn Store,
    at: &Location,
) -> Result<Option<(T, String)>, StoreError> {
    let Some((body, etag)) = bytes(store, at).await? else {
        return Ok(None);
    };
    let value = serde_json::from_slice(&body).map_err(|error| StoreError {
        source: Some(Box::new(error)),
        ..StoreError::new(
            StoreErrorKind::Other,
            "read",
            at,
            "it is not what this version of the program wrote: delete it, and what it stands for is done again",
        )
    })?;
    Ok(Some((value, etag)))
}

/// The same, as it is there.
async fn bytes(store: &dyn Store, at: &Location) -> Result<Option<(Vec<u8>, String)>, StoreError> {
    let wanted = Wanted {
        max_bytes: Some(MAX_BYTES),
        ..Wanted::default()
    };
    let mut object = match store.get(at, &wanted).await {
        Err(error) if error.kind == StoreErrorKind::NotFound => return Ok(None),
        object => object?,
    };
    let mut body = Vec::new();
    while let Some(bytes) = object.next().await? {
        body.extend_from_slice(&bytes);
    }
    Ok(Some((body, object.info().etag.clone())))
}

/// Writes an object and returns its entity tag; tries again what may work later. A condition that fails because an attempt
/// before had been written, and only its answer was lost, is no failure.
pub(crate) async fn write<T: Serialize>(
    store: &dyn Store,
    at: &Location,
    value: &T,
    condition: PutCondition,
) -> Result<String, StoreError> {
    let body = serde_json::to_vec(value)
        .map(Bytes::from)
        .map_err(|error| StoreError {
            source: Some(Box::new(error)),
            ..StoreError::new(
                StoreErrorKind::Other,
                "write",
                at,
                "it cannot be put into JSON",
            )
        })?;
    let mut wait = FIRST_WAIT;
    let mut attempt = 1;
    let mut unanswered = false;
    loop {
        let options = PutOptions {
            condition: condition.clone(),
            content_type: "application/json",
            metadata: Metadata::new(),
        };
        let error = match store.put(at, body.clone(), options).await {
            Ok(etag) => return Ok(etag),
            Err(error) if unanswered && error.kind == StoreErrorKind::Precondition => {
                let there = bytes(store, at).await?;
                return there
                    .filter(|(there, _)| *there == body)
                    .map_or(Err(error), |(_, etag)| Ok(etag));
            }
            Err(error) => error,
        };
        unanswered |= error.kind == StoreErrorKind::Transient;
        let passes = matches!(
            error.kind,
            StoreErrorKind::Transient | StoreErrorKind::Conflict
        );
        if !passes || attempt == MAX_ATTEMPTS {
            return Err(error);
        }
        tracing::warn!(%error, attempt, "could not write, trying again");
        tokio::time::sleep(wait).await;
        wait *= 2;
        attempt += 1;
    }
}
