//! What a directory keeps about an object besides its bytes, in `.metadata/<name>.json`: user metadata by entity tag.
//!
//! Because an entry belongs to certain bytes, it can be written before the object and may outlive it: at every moment,
//! also after a crash, readers find the metadata of the bytes they see. An object put there by hand has none.

use std::collections::BTreeMap;
use std::fs;

use crate::store::dir::file::{Guard, etag_of, remove};
use crate::store::dir::path::{Folder, METADATA};
use crate::store::dir::trouble::Trouble;
use crate::store::{Metadata, StoreErrorKind};

/// Longer names leave no room for the `.json` in the 255 bytes of a file name.
const MAX_NAME_BYTES: usize = 250;

/// User metadata of one object, by entity tag.
#[derive(Debug, Default)]
pub(crate) struct Sidecar(BTreeMap<String, Metadata>);

impl Sidecar {
    /// What is recorded about the object `name` in `folder`.
    pub(crate) fn load(folder: &Folder, name: &str) -> Result<Self, Trouble> {
        let name = file_name(name);
        let text = folder
            .enter(METADATA)
            .and_then(|metadata| metadata.file(&name))
            .and_then(|path| Ok(fs::read(path)?));
        match text {
            Ok(text) => serde_json::from_slice(&text).map(Self).map_err(|error| {
                Trouble::other(format!(
                    "its metadata in `{METADATA}/{name}` cannot be understood ({error}); delete that file"
                ))
            }),
            Err(trouble) if trouble.kind == StoreErrorKind::NotFound => Ok(Self::default()),
            Err(trouble) => Err(trouble),
        }
    }

    /// The metadata of the state that has this entity tag.
    pub(crate) fn of(mut self, etag: &str) -> Metadata {
        self.0.remove(etag).unwrap_or_default()
    }

    /// Records the `metadata` of a state that is about to be written, and forgets all others but the `current` one, which
    /// stays until the object is replaced.
    pub(crate) fn announce(&mut self, etag: &str, metadata: Metadata, current: Option<&str>) {
        self.0.retain(|known, _| Some(known.as_str()) == current);
        if metadata.is_empty() {
            self.0.remove(etag);
        } else {
            self.0.insert(etag.to_owned(), metadata);
        }
    }

    /// Writes what is recorded about the object `name`; nothing is written where there is nothing to say.
    pub(crate) fn save(&self, guard: &Guard, name: &str) -> Result<(), Trouble> {
        let path = guard.metadata().entry(&file_name(name));
        if self.0.is_empty() {
            return remove(&path);
        }
        let text = serde_json::to_vec_pretty(&self.0).map_err(std::io::Error::from)?;
        guard.replace(&path, &text)
    }
}

fn file_name(name: &str) -> String {
    if name.len() > MAX_NAME_BYTES {
        format!("{}.json", etag_of(name.as_bytes()))
    } else {
        format!("{name}.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(value: &str) -> Metadata {
        [("job-id".to_owned(), value.to_owned())].into()
    }

    #[test]
    fn the_state_that_is_still_there_keeps_its_metadata_until_it_is_replaced() {
        let mut sidecar = Sidecar::default();
        sidecar.announce("first", metadata("1"), None);
        sidecar.announce("second", metadata("2"), Some("first"));
        assert_eq!(Sidecar(sidecar.0.clone()).of("first"), metadata("1"));
        assert_eq!(Sidecar(sidecar.0.clone()).of("second"), metadata("2"));
        sidecar.announce("third", metadata("3"), Some("second"));
        assert_eq!(sidecar.0.len(), 2);
        assert_eq!(sidecar.of("first"), Metadata::new());
    }

    #[test]
    fn the_same_bytes_written_without_metadata_lose_it() {
        let mut sidecar = Sidecar::default();
        sidecar.announce("same", metadata("1"), None);
        sidecar.announce("same", Metadata::new(), Some("same"));
        assert!(sidecar.0.is_empty());
    }

    #[test]
    fn every_name_of_a_file_has_room_for_its_metadata() {
        for length in [1, 250, 251, 255] {
            assert!(file_name(&"x".repeat(length)).len() <= 255);
        }
    }
}
