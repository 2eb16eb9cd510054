//! Reads a transcript from the store, decoding it as it arrives.

use crate::aside::aside;
use crate::job::error::{JobError, Rejected};
use crate::job::upload::Upload;
use crate::store::{Location, Object, Store, StoreError, StoreErrorKind, Wanted};
use crate::transcript::{Decoder, Transcript};

/// Opens an upload of at most `max_bytes` bytes, in exactly the version or with the entity tag from its event. If no object
/// exists under its key, tries `other_key`.
pub(crate) async fn open(
    source: &dyn Store,
    upload: &Upload,
    max_bytes: u64,
) -> Result<(Location, Object), StoreError> {
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
        // Report the error for the key as the event gave it, because people know that one.
    }
    Err(error)
}

/// Reads an open object to the end and decodes it.
///
/// # Errors
/// If it cannot be read, or is rejected because it is not a transcript.
pub(crate) async fn transcribe(object: &mut Object) -> Result<Transcript, JobError> {
    let mut decoder = Decoder::default();
    while let Some(bytes) = object.next().await? {
        decoder.push(&bytes).map_err(Rejected::from)?;
    }
    let bytes = object.info.size as usize;
    let read = aside(bytes, move || Transcript::new(decoder.finish()?));
    Ok(read.await.map_err(Rejected::from)?)
}
