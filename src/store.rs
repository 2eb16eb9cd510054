//! Where objects live: S3, or a directory that stands in for it. Both give the same answers to the same tests.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use percent_encoding::{CONTROLS, utf8_percent_encode};

mod dir;
pub mod lease;
pub mod ledger;
mod s3;
mod small;

use crate::http::{Http, HttpError};

pub use dir::DirStore;
pub use s3::S3Store;

/// The address of one object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// Bucket name.
    pub bucket: String,
    /// Key, decoded: exactly as S3 stores it.
    pub key: String,
}

impl Location {
    /// `key` in `bucket`.
    #[must_use]
    pub fn new(bucket: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            bucket: bucket.into(),
            key: key.into(),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// User metadata of an object: lower-case names, ASCII values.
pub type Metadata = BTreeMap<String, String>;

/// Metadata travels in HTTP headers, where anything but printable ASCII is refused or mangled: what a caller lets through
/// by mistake is percent-encoded, in every store alike.
fn printable(metadata: Metadata) -> Metadata {
    metadata
        .into_iter()
        .map(|(name, value)| (name, utf8_percent_encode(&value, CONTROLS).to_string()))
        .collect()
}

/// What is known of an object besides its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Entity tag without its quotes. Changes whenever the bytes do.
    pub etag: String,
    /// In buckets that keep versions.
    pub version_id: Option<String>,
    /// Length in bytes.
    pub size: u64,
    /// As given to [`Store::put`].
    pub metadata: Metadata,
}

/// Which state of an object is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only if its entity tag is this; otherwise [`StoreErrorKind::Precondition`].
    pub if_match: Option<String>,
    /// This version instead of the newest.
    pub version_id: Option<String>,
    /// Larger objects are refused with [`StoreErrorKind::TooLarge`] before a byte of them is read.
    pub max_bytes: Option<u64>,
}

/// On what condition an object is written. S3's conditional writes are the only lock there is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PutCondition {
    /// Whatever is there is replaced.
    #[default]
    Always,
    /// Only if nothing is there.
    IfAbsent,
    /// Only over the object that has this entity tag.
    IfMatch(String),
}

/// How an object is written.
#[derive(Debug, Clone, Default)]
pub struct PutOptions {
    /// Failing it gives [`StoreErrorKind::Precondition`], also where the object to replace is gone.
    pub condition: PutCondition,
    /// MIME type.
    pub content_type: &'static str,
    /// User metadata.
    pub metadata: Metadata,
}

/// An object that is being read: what is known of it, and its bytes as they arrive.
#[async_trait]
pub trait Object: Debug + Send {
    /// What is known of it.
    fn info(&self) -> &ObjectInfo;

    /// The next bytes; `None` after the last.
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError>;
}

/// A place for objects.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// Opens an object for reading.
    async fn get(&self, at: &Location, wanted: &Wanted) -> Result<Box<dyn Object>, StoreError>;

    /// What is known of an object.
    async fn head(&self, at: &Location) -> Result<ObjectInfo, StoreError>;

    /// Writes an object whole and returns its entity tag. Nobody ever sees a part of it.
    ///
    /// After [`StoreErrorKind::Transient`] it may have been written all the same.
    async fn put(
        &self,
        at: &Location,
        body: Bytes,
        options: PutOptions,
    ) -> Result<String, StoreError>;

    /// Removes an object; it is no error if there is none, unless its bucket is missing too.
    async fn delete(&self, at: &Location) -> Result<(), StoreError>;
}

/// Connects to the directory `dir`, if one is given, otherwise to the S3 that the environment describes, over `http`.
///
/// # Errors
/// If TLS cannot be set up.
pub async fn connect(dir: Option<&Path>, http: &Http) -> Result<Arc<dyn Store>, HttpError> {
    Ok(match dir {
        Some(dir) => Arc::new(DirStore::new(dir)),
        None => Arc::new(S3Store::from_env(http).await?),
    })
}

/// What kind of failure it was, which decides what is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// No such object (or version), or no such bucket.
    NotFound,
    /// A condition does not hold (412): somebody else has written.
    Precondition,
    /// Somebody else is writing at this moment (409): try again.
    Conflict,
    /// Credentials are missing, wrong, or do not allow it.
    Denied,
    /// Larger than the caller takes.
    TooLarge,
    /// It may work later: timeouts, throttling, server errors, broken connections.
    Transient,
    /// Anything else.
    Other,
}

impl StoreErrorKind {
    /// Whether it passes by itself: the same operation may succeed later.
    pub(crate) fn passes(self) -> bool {
        match self {
            Self::Transient | Self::Conflict | Self::Precondition => true,
            Self::NotFound | Self::Denied | Self::TooLarge | Self::Other => false,
        }
    }
}

/// A failed operation on an object.
#[derive(Debug, thiserror::Error)]
#[error("could not {action} {at}: {reason}")]
pub struct StoreError {
    /// Decides what is done about it.
    pub kind: StoreErrorKind,
    /// `read`, `write`, `look up`, `delete`.
    pub action: &'static str,
    /// Which object.
    pub at: Location,
    /// What happened, for people: the store's own words where it gave any, and what to do.
    pub reason: String,
    /// The underlying error.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// An error that has no underlying one.
    #[must_use]
    pub fn new(
        kind: StoreErrorKind,
        action: &'static str,
        at: &Location,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            action,
            at: at.clone(),
            reason: reason.into(),
            source: None,
        }
    }
}

/// Why an object of `size` bytes is more than its reader takes, if it is; to be asked before a byte is read.
fn too_large(size: u64, max_bytes: Option<u64>) -> Option<String> {
    max_bytes
        .filter(|&max| size > max)
        .map(|max| format!("it has {size} bytes, and at most {max} are accepted"))
}
