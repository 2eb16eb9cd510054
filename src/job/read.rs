//! Reads a transcript from the store, decoding it as it arrives.

use crate::job::error::Rejected;
use crate::store::{Location, Object, Store, StoreError, StoreErrorKind, Wanted};
use crate::transcript::{Decoder, Transcript};
use crate::trigger::Upload;

/// Opens an upload: exactly the version or entity tag that its event named, if it has no more than `max_bytes`. Under the
/// other reading of its key if nothing is at the first.
pub(crate) async fn open(
    source: &dyn Store,
    upload: &Upload,
    max_bytes: u64,
) -> Result<(Location, Box<dyn Object>), StoreError> {
    let wanted = Wanted {
        if_match: upload.etag.clone().filter(|_| upload.version_id.is_none()),
        version_id: upload.version_id.clone(),
        max_bytes: Some(max_bytes),
    };
    match (source.get(&upload.at, &wanted).await, &upload.other_key) {
        (Ok(object), _) => Ok((upload.at.clone(), object)),
        (Err(error), Some(other)) if error.kind == StoreErrorKind::NotFound => {
            let other = Location::new(&upload.at.bucket, other);
            // If that fails too, the key as it came is the one people know.
            source
                .get(&other, &wanted)
                .await
                .map(|object| (other, object))
                .map_err(|_| error)
        }
        (Err(error), _) => Err(error),
    }
}

/// Reads an open object to its end. The inner error says why it is no transcript.
pub(crate) async fn transcribe(
    object: &mut dyn Object,
) -> Result<Result<Transcript, Rejected>, StoreError> {
    let mut decoder = Decoder::default();
    while let Some(bytes) = object.next().await? {
        if let Err(reason) = decoder.push(&bytes) {
            return Ok(Err(reason.into()));
        }
    }
    let decoded = decoder.finish();
    Ok(decoded.map(Transcript::new).map_err(Rejected::from))
}
