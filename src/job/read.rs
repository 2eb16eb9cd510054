//! Reads a transcript from the store, decoding it as it arrives.

use crate::job::error::{JobError, Rejected};
use crate::job::upload::Upload;
use crate::store::{Location, Object, Store, StoreError, StoreErrorKind, Wanted};
use crate::transcript::{Decoder, Transcript};

/// Opens an upload: exactly the version or entity tag that its event named, if it has no more than `max_bytes`. Under the
/// other reading of its key if no object is found under the first.
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
    let error = match source.get(&upload.at, &wanted).await {
        Ok(object) => return Ok((upload.at.clone(), object)),
        Err(error) => error,
    };
    if error.kind == StoreErrorKind::NotFound
        && let Some(other) = &upload.other_key
    {
        let other = Location::new(&upload.at.bucket, other);
        if let Ok(object) = source.get(&other, &wanted).await {
            return Ok((other, object));
        }
        // The key as it came is the one people know.
    }
    Err(error)
}

/// Reads an open object to its end.
///
/// # Errors
/// If it cannot be read, or is rejected because it is no transcript.
pub(crate) async fn transcribe(object: &mut dyn Object) -> Result<Transcript, JobError> {
    let mut decoder = Decoder::default();
    while let Some(bytes) = object.next().await? {
        decoder.push(&bytes).map_err(Rejected::from)?;
    }
    let decoded = decoder.finish().map_err(Rejected::from)?;
    Ok(Transcript::new(decoded))
}
