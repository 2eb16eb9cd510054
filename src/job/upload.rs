//! An uploaded object, with what its event says about it.

use crate::store::{Location, ObjectInfo};

/// An uploaded object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its location.
    pub at: Location,
    /// An alternative decoding of the key, tried if no object exists under the first.
    pub other_key: Option<String>,
    /// Entity tag, without quotes.
    pub etag: Option<String>,
    /// Version id, if the bucket is versioned.
    pub version_id: Option<String>,
    /// Size in bytes.
    pub size: Option<u64>,
    /// Orders the events of one key: compared as strings, the shorter padded with zeros on the right.
    pub sequencer: Option<String>,
}

/// The object that a job summarizes.
pub(crate) struct JobSource<'u> {
    pub(crate) upload: &'u Upload,
    /// The location where it was found: the upload's, or that of its other key.
    pub(crate) at: Location,
    pub(crate) info: ObjectInfo,
    /// The location of the transcript, if the object is a recording.
    pub(crate) transcript_at: Option<Location>,
    pub(crate) job_id: String,
}

impl Upload {
    /// The object at `at`, named by a person, without event data.
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

    /// Whether an event identified this state of the object.
    pub(crate) fn is_announced(&self) -> bool {
        self.etag.is_some() || self.version_id.is_some() || self.sequencer.is_some()
    }
}

impl JobSource<'_> {
    /// The key of the transcript, if the object is a recording.
    pub(crate) fn transcript_key(&self) -> Option<&str> {
        self.transcript_at.as_ref().map(|at| at.key.as_str())
    }
}
