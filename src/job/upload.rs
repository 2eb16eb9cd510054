//! An object that was uploaded, as far as the one who tells of it knows.

use crate::store::Location;

/// An uploaded object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Where it is.
    pub at: Location,
    /// Another reading of its key, tried if no object is found under the first.
    pub other_key: Option<String>,
    /// Entity tag, without quotes.
    pub etag: Option<String>,
    /// Version, in buckets that keep them.
    pub version_id: Option<String>,
    /// Length in bytes.
    pub size: Option<u64>,
    /// Orders the events of one key: compare as text, the shorter padded with zeros on the right.
    pub sequencer: Option<String>,
}

impl Upload {
    /// The object at `at`, of which nothing else is known: a person named it.
    #[must_use]
    pub fn named(at: Location) -> Self {
        Self {
            at,
            other_key: None,
            etag: None,
            version_id: None,
            size: None,
            sequencer: None,
        }
    }

    /// Whether an event told of this very state of the object.
    pub(crate) fn is_announced(&self) -> bool {
        self.etag.is_some() || self.version_id.is_some() || self.sequencer.is_some()
    }
}
