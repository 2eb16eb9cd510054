//! Stores objects in S3, or in a directory that stands in for it and gives the same answers to the same tests.
//!
//! Conditional writes are the only lock there is: a write may demand that nothing is at its place, or that the object it
//! replaces still has a certain entity tag. [`lease`] and [`ledger`] are built on that.

use std::collections::BTreeMap;
use std::error::Error;
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
mod state;

use crate::aws::sdk::sdk_config;
use crate::http::{Http, HttpError};

pub use dir::DirStore;
pub use s3::S3Store;
pub(crate) use state::StateFolder;

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

/// Percent-encodes everything but printable ASCII, in every store alike: metadata travels in HTTP headers, where other
/// characters are refused or mangled.
fn printable(metadata: Metadata) -> Metadata {
    metadata
        .into_iter()
        .map(|(name, value)| (name, utf8_percent_encode(&value, CONTROLS).to_string()))
        .collect()
}

/// What a store tells about an object besides its bytes.
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

/// The state of an object that a reader wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only if its entity tag is this; otherwise [`StoreErrorKind::Precondition`].
    pub if_match: Option<String>,
    /// This version instead of the newest.
    pub version_id: Option<String>,
    /// Larger objects are refused with [`StoreErrorKind::TooLarge`] before a byte of them is read.
    pub max_bytes: Option<u64>,
}

/// The condition of a write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PutCondition {
    /// None: an object that is there is replaced.
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

/// An object that is being read.
#[async_trait]
pub trait Object: Debug + Send {
    /// What is known about it.
    fn info(&self) -> &ObjectInfo;

    /// The next bytes, as they arrive; `None` after the last.
    async fn next(&mut self) -> StoreResult<Option<Bytes>>;
}

/// A place for objects.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// Opens an object for reading.
    async fn get(&self, at: &Location, wanted: &Wanted) -> StoreResult<Box<dyn Object>>;

    /// Looks an object up without reading it.
    async fn head(&self, at: &Location) -> StoreResult<ObjectInfo>;

    /// Writes an object whole and returns its entity tag. Nobody ever sees a part of it.
    ///
    /// After [`StoreErrorKind::Transient`] it may have been written all the same.
    async fn put(&self, at: &Location, body: Bytes, options: PutOptions) -> StoreResult<String>;

    /// Removes an object. It is no error if there is none, unless its bucket is missing too.
    async fn delete(&self, at: &Location) -> StoreResult<()>;
}

/// Connects to the directory `dir` if one is given, otherwise to the S3 that the environment describes, over `http`.
///
/// # Errors
/// If TLS cannot be set up.
pub async fn connect(dir: Option<&Path>, http: &Http) -> Result<Arc<dyn Store>, HttpError> {
    Ok(match dir {
        Some(dir) => Arc::new(DirStore::new(dir)),
        None => Arc::new(S3Store::from_config(&sdk_config(http).await?)),
    })
}

/// What was being done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// [`Store::get`] and [`Object::next`].
    Read,
    /// [`Store::put`].
    Write,
    /// [`Store::head`].
    LookUp,
    /// [`Store::delete`].
    Delete,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::LookUp => "look up",
            Self::Delete => "delete",
        })
    }
}

/// Kinds of failed operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// There is no such object, version or bucket.
    NotFound,
    /// A condition does not hold (412): somebody else has written.
    Precondition,
    /// Somebody else is writing at this moment (409).
    Conflict,
    /// Credentials are missing, wrong, or do not allow it.
    Denied,
    /// The object is larger than the caller accepts.
    TooLarge,
    /// It may work later: timeouts, throttling, server errors, broken connections.
    Transient,
    /// Anything else.
    Other,
}

/// Everything that is decided by the kind of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StorePolicy {
    /// The name of the error for CloudWatch, invocation errors and `_error.json`.
    pub(crate) name: &'static str,
    /// The same request may succeed a moment later.
    pub(crate) repeat: bool,
    /// It passes without anybody's help, once the object has been looked at again.
    pub(crate) passes: bool,
    /// A person has to do something and is told in `_error.json`.
    pub(crate) needs_a_person: bool,
}

impl StoreErrorKind {
    /// What is done about a failure of this kind.
    pub(crate) fn policy(self) -> StorePolicy {
        let (name, repeat, passes, needs_a_person) = match self {
            Self::NotFound => ("NotFound", false, false, false),
            Self::Precondition => ("StoreError", false, true, false),
            Self::Conflict | Self::Transient => ("StoreError", true, true, false),
            Self::Denied => ("AccessDenied", false, false, true),
            Self::TooLarge => ("TooLarge", false, false, false),
            Self::Other => ("StoreError", false, false, false),
        };
        StorePolicy {
            name,
            repeat,
            passes,
            needs_a_person,
        }
    }
}

/// A failed operation on an object.
#[derive(Debug, thiserror::Error)]
#[error("could not {action} {at}: {reason}")]
pub struct StoreError {
    /// Decides what is done about it.
    pub kind: StoreErrorKind,
    /// What was tried.
    pub action: Action,
    /// Which object.
    pub at: Location,
    /// What happened, for people: the store's own words where it gave any, and what to do.
    pub reason: String,
    /// The underlying error.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// The result of an operation on an object.
pub type StoreResult<T> = Result<T, StoreError>;

impl StoreError {
    /// An error that has no underlying one.
    #[must_use]
    pub fn new(
        kind: StoreErrorKind,
        action: Action,
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

    fn caused_by(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..self
        }
    }
}

/// What was read or looked up; `None` where there is no such object.
pub(crate) fn found<T>(result: StoreResult<T>) -> StoreResult<Option<T>> {
    unless(StoreErrorKind::NotFound, result)
}

/// The entity tag of what was written; `None` where the condition did not hold.
fn written(result: StoreResult<String>) -> StoreResult<Option<String>> {
    unless(StoreErrorKind::Precondition, result)
}

fn unless<T>(kind: StoreErrorKind, result: StoreResult<T>) -> StoreResult<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind == kind => Ok(None),
        Err(error) => Err(error),
    }
}

/// The reason for refusing an object that has another entity tag than its reader wants.
const REPLACED: &str = "it has been replaced: its entity tag is not the one that was asked for";

/// The reason for not writing an object whose condition does not hold.
const CHANGED: &str = "somebody else has written, replaced or deleted it in the meantime";

/// The reason for refusing an object of `size` bytes, if it has more than `max_bytes`.
fn too_large(size: u64, max_bytes: Option<u64>) -> Option<String> {
    max_bytes
        .filter(|&max| size > max)
        .map(|max| format!("it has {size} bytes, and at most {max} are accepted"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_failure_has_one_policy() {
        // kind, name, the same request may succeed, passes by itself, a person is told
        for (kind, name, repeat, passes, needs_a_person) in [
            (StoreErrorKind::NotFound, "NotFound", false, false, false),
            (
                StoreErrorKind::Precondition,
                "StoreError",
                false,
                true,
                false,
            ),
            (StoreErrorKind::Conflict, "StoreError", true, true, false),
            (StoreErrorKind::Denied, "AccessDenied", false, false, true),
            (StoreErrorKind::TooLarge, "TooLarge", false, false, false),
            (StoreErrorKind::Transient, "StoreError", true, true, false),
            (StoreErrorKind::Other, "StoreError", false, false, false),
        ] {
            let expected = StorePolicy {
                name,
                repeat,
                passes,
                needs_a_person,
            };
            assert_eq!(kind.policy(), expected, "{kind:?}");
        }
    }
}
