//! Object storage: S3, or a local directory that stands in for it and passes the same tests.
//!
//! Conditional writes are the only locking primitive: a write may require that no object exists under its key, or that
//! the object it replaces still has a given entity tag. [`lease`] and [`ledger`] are built on that.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::{self, Debug};
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use md5::{Digest, Md5};
use percent_encoding::{CONTROLS, utf8_percent_encode};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt, Take};

mod dir;
pub(crate) mod encoded_word;
pub(crate) mod escaped_key;
mod file;
pub mod lease;
pub mod ledger;
mod presigned;
pub(crate) mod private;
mod s3;
mod state;

use crate::aws::sdk::sdk_config;
use crate::hex::hex;
use crate::http::{Http, HttpError};
use crate::secret::Secret;

pub use dir::DirStore;
pub(crate) use file::FileStore;
pub use presigned::{LINK_LASTS, Presigner, SendLink};
pub use s3::S3Store;
pub(crate) use state::StateFolder;

/// Size of the pieces in which objects are read.
const PIECE_BYTES: usize = 64 * 1024;

/// The address of one object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Location {
    /// Bucket name.
    pub bucket: String,
    /// Key, decoded, exactly as S3 stores it.
    pub key: String,
}

impl Location {
    /// The object `key` in `bucket`.
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

/// Percent-encodes everything but printable ASCII. Both stores do this, because S3 sends metadata in HTTP headers, where
/// other characters are rejected or mangled.
fn printable(metadata: Metadata) -> Metadata {
    metadata
        .into_iter()
        .map(|(name, value)| (name, utf8_percent_encode(&value, CONTROLS).to_string()))
        .collect()
}

/// The properties of a stored object, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Entity tag, without quotes. Changes whenever the bytes change.
    pub etag: String,
    /// Version id, if the bucket is versioned.
    pub version_id: Option<String>,
    /// Length in bytes.
    pub size: u64,
    /// When it was written, in milliseconds since 1970, as precisely as the store says: S3 counts whole seconds.
    pub modified_ms: Option<i64>,
    /// User metadata, as passed to [`Store::put`].
    pub metadata: Metadata,
}

impl ObjectInfo {
    /// Whether both come from the same write, as far as their store tells. Two writes of the same bytes have the same entity tag.
    pub(crate) fn is_same_write(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
            one.zip(other).is_none_or(|(one, other)| one == other)
        }
        self.etag == other.etag
            && agree(self.version_id.as_ref(), other.version_id.as_ref())
            && agree(self.modified_ms, other.modified_ms)
    }
}

/// The conditions of a read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Required entity tag. If it differs, the read fails with [`StoreErrorKind::Precondition`].
    pub if_match: Option<String>,
    /// The version to read instead of the current one.
    pub version_id: Option<String>,
    /// Maximum size in bytes. Larger objects fail with [`StoreErrorKind::TooLarge`] before any of their bytes are read.
    pub max_bytes: Option<u64>,
}

/// The precondition of a write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PutCondition {
    /// None: an existing object is replaced.
    #[default]
    Always,
    /// Only if no object exists under the key.
    IfAbsent,
    /// Only if the existing object has this entity tag.
    IfMatch(String),
}

/// The options of a write.
#[derive(Debug, Clone, Default)]
pub struct PutOptions {
    /// If it does not hold, or the object to replace is gone, the write fails with [`StoreErrorKind::Precondition`].
    pub condition: PutCondition,
    /// MIME type.
    pub content_type: &'static str,
    /// User metadata.
    pub metadata: Metadata,
}

/// An object opened for reading.
pub struct Object {
    /// Its properties.
    pub info: ObjectInfo,
    at: String,
    rest: Take<Pin<Box<dyn AsyncRead + Send>>>,
}

impl Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.at, self.info)
    }
}

impl Object {
    /// The object that messages name `at`, with its bytes in `body`. At most its size is read, even if a file has grown in the meantime.
    #[must_use]
    pub fn new(
        at: impl fmt::Display,
        info: ObjectInfo,
        body: impl AsyncRead + Send + 'static,
    ) -> Self {
        let body: Pin<Box<dyn AsyncRead + Send>> = Box::pin(body);
        Self {
            at: at.to_string(),
            rest: body.take(info.size),
            info,
        }
    }

    /// The MD5 of all bytes, if none has been read: the entity tag of a file with the same content.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn md5(mut self) -> StoreResult<String> {
        let mut hash = Md5::new();
        while let Some(bytes) = self.next().await? {
            hash.update(&bytes);
        }
        Ok(hex(&hash.finalize(), 16))
    }

    /// All bytes, if none has been read.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn whole(&mut self) -> StoreResult<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(bytes) = self.next().await? {
            body.extend_from_slice(&bytes);
        }
        Ok(body)
    }

    /// The next bytes as they arrive; `None` at the end.
    ///
    /// # Errors
    /// If reading fails, or the bytes end before the object's size is reached.
    pub async fn next(&mut self) -> StoreResult<Option<Bytes>> {
        let mut bytes = BytesMut::with_capacity(PIECE_BYTES);
        let left = self.rest.limit();
        let error = match self.rest.read_buf(&mut bytes).await {
            Ok(0) if left > 0 => io::ErrorKind::UnexpectedEof.into(),
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(Some(bytes.freeze())),
            Err(error) => error,
        };
        let (kind, size) = (StoreErrorKind::Transient, self.info.size);
        let received = size - left;
        let reason = format!("it broke off after {received} of {size} bytes; try again");
        Err(StoreError::new(kind, Action::Read, &self.at, reason).caused_by(error))
    }
}

/// A store of objects.
#[async_trait]
pub trait Store: Debug + Send + Sync {
    /// Opens an object for reading.
    async fn get(&self, at: &Location, wanted: &Wanted) -> StoreResult<Object>;

    /// Reads a whole object of at most `max_bytes` bytes. Returns its bytes and its entity tag.
    async fn read(&self, at: &Location, max_bytes: u64) -> StoreResult<(Vec<u8>, String)> {
        let wanted = Wanted {
            max_bytes: Some(max_bytes),
            ..Wanted::default()
        };
        let mut object = self.get(at, &wanted).await?;
        Ok((object.whole().await?, object.info.etag))
    }

    /// Returns an object's properties without reading its bytes.
    async fn head(&self, at: &Location) -> StoreResult<ObjectInfo>;

    /// The same for an object of at most `max_bytes` bytes. A larger one fails with [`StoreErrorKind::TooLarge`], before a store that
    /// has to read objects for their entity tags does so.
    async fn head_within(&self, at: &Location, max_bytes: u64) -> StoreResult<ObjectInfo> {
        let info = self.head(at).await?;
        match too_large(info.size, Some(max_bytes)) {
            None => Ok(info),
            Some(reason) => {
                let kind = StoreErrorKind::TooLarge;
                Err(StoreError::new(kind, Action::LookUp, self.name(at), reason))
            }
        }
    }

    /// Whether a new object cannot have this key, because there is one, or in a directory something else.
    async fn is_taken(&self, at: &Location) -> StoreResult<bool> {
        Ok(found(self.head(at).await)?.is_some())
    }

    /// The entity tags of the objects with these keys, `None` for those that do not exist. The last one is looked up after the
    /// others.
    async fn tags(&self, bucket: &str, keys: &[String]) -> StoreResult<Vec<Option<String>>> {
        one_by_one(self, bucket, keys).await
    }

    /// Writes a whole object and returns its entity tag. The write is atomic: readers never see part of an object.
    ///
    /// After [`StoreErrorKind::Transient`], the object may have been written or not.
    async fn put(&self, at: &Location, body: Bytes, options: PutOptions) -> StoreResult<String>;

    /// Deletes an object: with an entity tag only in that state, otherwise it fails with [`StoreErrorKind::Precondition`].
    /// Succeeds if the object does not exist, but fails if its bucket is missing.
    async fn delete(&self, at: &Location, if_match: Option<&str>) -> StoreResult<()>;

    /// The keys in `bucket` that come after `after`, in the order of their bytes: the first ones, at most `most`.
    async fn list(&self, bucket: &str, after: &str, most: usize) -> StoreResult<Vec<String>> {
        let reason = format!("this store cannot list up to {most} keys after {after:?}");
        let at = Location::new(bucket, "");
        Err(StoreError::new(
            StoreErrorKind::Other,
            Action::List,
            self.name(&at),
            reason,
        ))
    }

    /// A link with which anybody can read an object until its lifetime is over: the given version, or whatever is under the key
    /// by then.
    async fn link(&self, at: &Location, _: Option<&str>, _: Duration) -> StoreResult<Secret> {
        let reason =
            "only an object in S3 has one: upload it there, and name it as s3://bucket/key";
        let kind = StoreErrorKind::Other;
        Err(StoreError::new(kind, Action::Link, self.name(at), reason))
    }

    /// The directory that a person has results written to. Nothing but this program removes the state of jobs from it, while a
    /// bucket has rules for that.
    fn directory(&self) -> Option<&DirStore> {
        None
    }

    /// How messages name an object.
    fn name(&self, at: &Location) -> String {
        at.to_string()
    }
}

/// Looks up one object after the other, as [`Store::tags`] does by default.
async fn one_by_one<S: Store + ?Sized>(
    store: &S,
    bucket: &str,
    keys: &[String],
) -> StoreResult<Vec<Option<String>>> {
    let mut tags = Vec::with_capacity(keys.len());
    for key in keys {
        let there = found(store.head(&Location::new(bucket, key)).await)?;
        tags.push(there.map(|there| there.etag));
    }
    Ok(tags)
}

/// Opens the directory `dir` if given; otherwise connects over `http` to the S3 that the environment configures.
///
/// # Errors
/// If TLS cannot be set up.
pub async fn connect(dir: Option<&Path>, http: &Http) -> Result<Arc<dyn Store>, HttpError> {
    Ok(match dir {
        Some(dir) => Arc::new(DirStore::new(dir)),
        None => Arc::new(S3Store::from_config(&sdk_config(http).await?)),
    })
}

/// The operation that failed.
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
    /// [`Store::list`].
    List,
    /// [`Store::link`].
    Link,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::LookUp => "look up",
            Self::Delete => "delete",
            Self::List => "list",
            Self::Link => "make a link to",
        })
    }
}

/// Kinds of failed operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// The object, version or bucket does not exist.
    NotFound,
    /// A precondition does not hold (412): another writer was faster.
    Precondition,
    /// Another write to the same key is in progress (409).
    Conflict,
    /// Credentials are missing, invalid or lack a permission.
    Denied,
    /// The object is larger than the caller accepts.
    TooLarge,
    /// No object can have this key here.
    InvalidKey,
    /// A retry may succeed: timeouts, throttling, server errors, broken connections.
    Transient,
    /// Anything else.
    Other,
}

/// What it takes for a failed operation to succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// An immediate retry of the same request, or a later run.
    Retry,
    /// A later run, once it has looked at the object again.
    LaterRun,
    /// Someone has to act, and is told so in `_error.json`.
    Intervention,
    /// Nothing helps.
    None,
}

impl StoreErrorKind {
    /// How failures of this kind are handled: the error name used in CloudWatch, invocation errors and `_error.json`, and
    /// the remedy.
    pub(crate) fn policy(self) -> (&'static str, Remedy) {
        match self {
            Self::NotFound => ("NotFound", Remedy::None),
            Self::Precondition => ("StoreError", Remedy::LaterRun),
            Self::Conflict | Self::Transient => ("StoreError", Remedy::Retry),
            Self::Denied => ("AccessDenied", Remedy::Intervention),
            Self::TooLarge => ("TooLarge", Remedy::None),
            Self::InvalidKey | Self::Other => ("StoreError", Remedy::None),
        }
    }

    /// Whether a later run may succeed without anyone's help.
    pub(crate) fn passes(self) -> bool {
        matches!(self.policy().1, Remedy::Retry | Remedy::LaterRun)
    }
}

/// A failed operation on an object.
#[derive(Debug, thiserror::Error)]
#[error("could not {action} {at}: {reason}")]
pub struct StoreError {
    /// Determines how the failure is handled.
    pub kind: StoreErrorKind,
    /// The operation that failed.
    pub action: Action,
    /// The object, as its store names it to people.
    pub at: String,
    /// Human-readable reason, and what to do about it.
    pub reason: String,
    /// The underlying error, or the answer of the server.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// The result of an operation on an object.
pub type StoreResult<T> = Result<T, StoreError>;

impl StoreError {
    /// An error without a source.
    #[must_use]
    pub fn new(
        kind: StoreErrorKind,
        action: Action,
        at: impl fmt::Display,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            action,
            at: at.to_string(),
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

/// Turns "not found" into `None`.
pub(crate) fn found<T>(result: StoreResult<T>) -> StoreResult<Option<T>> {
    unless(StoreErrorKind::NotFound, result)
}

/// The entity tag of the written object; `None` if the precondition failed.
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

/// The error reason when a read requires a different entity tag.
const REPLACED: &str = "it has been replaced: its entity tag is not the requested one";

/// The error reason when the precondition of a write does not hold.
const CHANGED: &str = "another writer has created, replaced or deleted it in the meantime";

/// The error reason if `size` exceeds `max_bytes`; both in bytes.
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
        for (kind, name, remedy) in [
            (StoreErrorKind::NotFound, "NotFound", Remedy::None),
            (StoreErrorKind::Precondition, "StoreError", Remedy::LaterRun),
            (StoreErrorKind::Conflict, "StoreError", Remedy::Retry),
            (StoreErrorKind::Denied, "AccessDenied", Remedy::Intervention),
            (StoreErrorKind::TooLarge, "TooLarge", Remedy::None),
            (StoreErrorKind::Transient, "StoreError", Remedy::Retry),
            (StoreErrorKind::InvalidKey, "StoreError", Remedy::None),
            (StoreErrorKind::Other, "StoreError", Remedy::None),
        ] {
            assert_eq!(kind.policy(), (name, remedy), "{kind:?}");
            let passes = matches!(remedy, Remedy::Retry | Remedy::LaterRun);
            assert_eq!(kind.passes(), passes, "{kind:?}");
        }
    }
}
