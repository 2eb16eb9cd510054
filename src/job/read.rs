//! Reads a transcript from the store, decoding it as it arrives.

use crate::error::Rejected;
use crate::event::Upload;
use crate::store::{Location, Object, ObjectInfo, Store, StoreError, StoreErrorKind, Wanted};
use crate::transcript::{Decoder, Transcript};

/// An object that has been read.
#[derive(Debug)]
pub(crate) struct Read {
    /// Where it was found.
    pub(crate) at: Location,
    pub(crate) info: ObjectInfo,
    /// Its text, or why it is none.
    pub(crate) transcript: Result<Transcript, Rejected>,
}

/// Reads an upload: exactly the version or entity tag that its event named, and no more than `max_bytes` of it.
pub(crate) async fn read<S: Store>(
    source: &S,
    upload: &Upload,
    max_bytes: u64,
) -> Result<Read, StoreError> {
    let wanted = Wanted {
        if_match: upload.etag.clone().filter(|_| upload.version_id.is_none()),
        version_id: upload.version_id.clone(),
        max_bytes: Some(max_bytes),
    };
    let (at, mut object) = open(source, upload, &wanted).await?;
    let mut decoder = Decoder::default();
    let mut rejection = None;
    while let Some(bytes) = object.next().await? {
        if let Err(reason) = decoder.push(&bytes) {
            rejection = Some(reason);
            break;
        }
    }
    let decoded = rejection.map_or_else(|| decoder.finish(), Err);
    let transcript = decoded.map(Transcript::new).map_err(Rejected::from);
    Ok(Read {
        at,
        info: object.info().clone(),
        transcript,
    })
}

/// Opens the upload, under the other reading of its key if nothing is at the first.
async fn open<S: Store>(
    source: &S,
    upload: &Upload,
    wanted: &Wanted,
) -> Result<(Location, S::Object), StoreError> {
    match (source.get(&upload.at, wanted).await, &upload.other_key) {
        (Ok(object), _) => Ok((upload.at.clone(), object)),
        (Err(error), Some(other)) if error.kind == StoreErrorKind::NotFound => {
            let other = Location::new(&upload.at.bucket, other);
            // If that fails too, the key as it came is the one people know.
            source
                .get(&other, wanted)
                .await
                .map(|object| (other, object))
                .map_err(|_| error)
        }
        (Err(error), _) => Err(error),
    }
}
