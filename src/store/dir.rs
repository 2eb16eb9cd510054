//! Stores objects in a local directory, for development and the command line. A key is a relative path.
//!
//! - **Behaves like S3.** Entity tags are the MD5 of the bytes, as S3 computes them for an object uploaded in one request,
//!   so the event of a real upload matches a copy here. They only detect changes; nothing relies on them being secure.
//! - **Nothing outside the root.** Keys that are not valid paths and symbolic links that lead out of the root are refused.
//! - **Conditions hold across threads and processes.** A write holds the lock file of its folder, `.metadata/.lock`, from
//!   checking the object until it is replaced. Readers need no lock, because files are replaced atomically: written under a
//!   temporary name, synced, renamed.
//! - **A crash never shows wrong metadata.** User metadata is stored in `.metadata/<name>.json`, keyed by the entity tag of
//!   the bytes it belongs to. The new entry is written before the object, next to the entry for the existing bytes, so
//!   readers always find the metadata of the bytes they see. A file created by hand has none.
//! - **Hidden folders are private.** A folder whose name begins with a dot, such as that of the state of jobs, is created for
//!   its owner alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, Write};
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use async_trait::async_trait;
use bytes::Bytes;
use md5::{Digest, Md5};

use crate::hex::hex;
use crate::store::StoreErrorKind::{
    Denied, InvalidKey, NotFound, Other, Precondition, TooLarge, Transient,
};
use crate::store::private;
use crate::store::{
    Action, CHANGED, Location, Metadata, Object, ObjectInfo, PIECE_BYTES, PutCondition, PutOptions,
    REPLACED, Store, StoreError, StoreErrorKind, StoreResult, Wanted, printable, too_large,
};

/// The folder, next to the objects, for the store's own files.
const METADATA: &str = ".metadata";

/// Maximum length of a file name on Linux and macOS.
const MAX_NAME_BYTES: usize = 255;

/// A store in a local directory.
#[derive(Debug, Clone)]
pub struct DirStore {
    root: PathBuf,
    /// If set, `root` itself is the only bucket and has this name.
    only_bucket: Option<String>,
}

/// The paths of one object and its metadata, which need not exist.
#[derive(Debug)]
struct Files {
    bucket: PathBuf,
    object: PathBuf,
    metadata: PathBuf,
}

/// The cause of a failure, before the operation and the object are added.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{1}")]
    Refused(StoreErrorKind, String),
}

impl DirStore {
    /// Uses the subdirectories of `root` as buckets. The first write creates what is missing.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            only_bucket: None,
        }
    }

    /// Uses the directory `dir` as the only bucket.
    #[must_use]
    pub fn single(bucket: impl Into<String>, dir: impl Into<PathBuf>) -> Self {
        Self {
            root: dir.into(),
            only_bucket: Some(bucket.into()),
        }
    }

    /// Deletes the folder `name` in the folder `parent` with its contents, and `parent` too if that leaves it empty. Only
    /// for a directory that is the only bucket, and a folder that nobody writes to any more.
    pub(crate) fn clear(&self, parent: &str, name: &str) -> io::Result<()> {
        let parent = self.root.join(parent);
        if_exists(fs::remove_dir_all(parent.join(name)))?;
        // Fails if other jobs keep their state there.
        let _: io::Result<()> = fs::remove_dir(parent);
        Ok(())
    }

    /// Claims the directory for this process, until the file is dropped; `None` if another process has done so.
    pub(crate) fn claim(&self) -> io::Result<Option<File>> {
        let folder = self.root.join(METADATA);
        fs::create_dir_all(&folder)?;
        let path = folder.join(".claim");
        let claim = File::options().create(true).append(true).open(path)?;
        match claim.try_lock() {
            Ok(()) => Ok(Some(claim)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// The directory of a bucket.
    fn bucket(&self, bucket: &str) -> Result<PathBuf, Failure> {
        match &self.only_bucket {
            None => Ok(self.root.join(checked(bucket)?)),
            Some(only) if only == bucket => Ok(self.root.clone()),
            Some(only) => {
                let root = self.root.display();
                let reason = format!("the only bucket here is `{only}`, the directory {root}");
                refused(NotFound, reason)
            }
        }
    }

    fn files(&self, at: &Location) -> Result<Files, Failure> {
        let bucket = self.bucket(&at.bucket)?;
        let (mut object, mut name) = (bucket.clone(), "");
        for part in at.key.split('/') {
            name = checked(part)?;
            object.push(name);
        }
        let mut metadata = format!("{name}.json");
        if metadata.len() > MAX_NAME_BYTES {
            metadata = format!("{}.json", etag_of(name.as_bytes())?);
        }
        let metadata = object.with_file_name(METADATA).join(metadata);
        // Only symbolic links can lead out, so it is enough to check the part of the path that exists.
        if let Some(root) = if_exists(self.root.canonicalize())? {
            for path in [&object, &metadata] {
                let existing = path.ancestors().find_map(|path| path.canonicalize().ok());
                if existing.is_some_and(|existing| !existing.starts_with(&root)) {
                    let reason = format!("a link in {} leads out of the store", path.display());
                    return refused(Other, reason);
                }
            }
        }
        Ok(Files {
            bucket,
            object,
            metadata,
        })
    }

    fn open(&self, at: &Location, wanted: &Wanted) -> Result<(File, ObjectInfo), Failure> {
        if wanted.version_id.is_some() {
            return refused(NotFound, "a directory keeps no versions of an object");
        }
        let files = self.files(at)?;
        let Some(file) = files.open()? else {
            let reason = format!("there is no file {}", files.object.display());
            return refused(NotFound, reason);
        };
        let (file, mut info) = identified(file, wanted)?;
        info.metadata = files.metadata()?.remove(&info.etag).unwrap_or_default();
        Ok((file, info))
    }

    fn write(&self, at: &Location, body: &[u8], options: PutOptions) -> Result<String, Failure> {
        let files = self.files(at)?;
        let _lock = files.lock()?;
        let current = files.open()?.map(etag_of).transpose()?;
        let holds = match &options.condition {
            PutCondition::Always => true,
            PutCondition::IfAbsent => current.is_none(),
            PutCondition::IfMatch(etag) => current.as_ref() == Some(etag),
        };
        if !holds {
            return refused(Precondition, CHANGED);
        }
        let etag = etag_of(body)?;
        let mut metadata = files.metadata()?;
        metadata.retain(|known, _| Some(known) == current.as_ref());
        metadata.insert(etag.clone(), printable(options.metadata));
        metadata.retain(|_, pairs| !pairs.is_empty());
        if metadata.is_empty() {
            if_exists(fs::remove_file(&files.metadata))?;
        } else {
            let json = serde_json::to_vec_pretty(&metadata).map_err(io::Error::from)?;
            files.replace(&files.metadata, &json)?;
        }
        files.replace(&files.object, body)?;
        Ok(etag)
    }

    /// The first keys after `after`, at most `most`. Links are not followed, and names that are not UTF-8 are no keys.
    fn keys(&self, bucket: &str, after: &str, most: usize) -> Result<Vec<String>, Failure> {
        let mut found = BTreeSet::new();
        let mut folders = vec![(self.bucket(bucket)?, String::new())];
        while let Some((folder, prefix)) = folders.pop() {
            let Some(entries) = if_exists(fs::read_dir(folder))? else {
                continue;
            };
            for entry in entries {
                let entry = entry?;
                let name = entry.file_name();
                let Some(name) = name.to_str().filter(|name| *name != METADATA) else {
                    continue;
                };
                let (kind, key) = (entry.file_type()?, format!("{prefix}{name}"));
                if kind.is_dir() {
                    let folder = format!("{key}/");
                    if after < folder.as_str() || after.starts_with(&folder) {
                        folders.push((entry.path(), folder));
                    }
                } else if kind.is_file() && key.as_str() > after {
                    found.insert(key);
                    if found.len() > most {
                        found.pop_last();
                    }
                }
            }
        }
        Ok(found.into_iter().collect())
    }

    fn remove(&self, at: &Location, if_match: Option<&str>) -> Result<(), Failure> {
        let files = self.files(at)?;
        if !files.bucket.is_dir() {
            let bucket = files.bucket.display();
            let reason = format!("its bucket, the directory {bucket}, does not exist");
            return refused(NotFound, reason);
        }
        if files.open()?.is_some() {
            let _lock = files.lock()?;
            let current = files.open()?.map(etag_of).transpose()?;
            if if_match.is_some() && current.is_some() && current.as_deref() != if_match {
                return refused(Precondition, CHANGED);
            }
            if_exists(fs::remove_file(&files.object))?;
            if_exists(fs::remove_file(&files.metadata))?;
        }
        Ok(())
    }

    /// Runs `work` on the blocking thread pool, because it waits for the disk and for locks.
    async fn blocking<T: Send + 'static>(
        &self,
        action: Action,
        at: &Location,
        work: impl FnOnce(&Self, &Location) -> Result<T, Failure> + Send + 'static,
    ) -> StoreResult<T> {
        let (store, place) = (self.clone(), at.clone());
        tokio::task::spawn_blocking(move || work(&store, &place))
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error).into()))
            .map_err(|failure| failure.during(action, self.name(at)))
    }
}

impl Files {
    /// Opens the object; `None` if it is not an existing regular file.
    fn open(&self) -> io::Result<Option<File>> {
        // Check first: opening a named pipe would block until someone writes to it.
        let found = if_exists(fs::metadata(&self.object))?;
        if !found.is_some_and(|found| found.is_file()) {
            return Ok(None);
        }
        if_exists(File::open(&self.object))
    }

    /// The object's metadata by entity tag.
    fn metadata(&self) -> Result<BTreeMap<String, Metadata>, Failure> {
        let Some(json) = if_exists(fs::read(&self.metadata))? else {
            return Ok(BTreeMap::new());
        };
        let path = self.metadata.display();
        serde_json::from_slice(&json).or_else(|error| {
            let reason = format!("its metadata in {path} is damaged ({error}): delete that file");
            refused(Other, reason)
        })
    }

    /// Creates the object's folders and waits for the folder's lock. Dropping the returned file releases it.
    fn lock(&self) -> io::Result<File> {
        if self.object.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        let folder = self.object.with_file_name(METADATA);
        if let Some(hidden) = self.hidden_folder() {
            fs::create_dir_all(hidden.parent().unwrap_or(&self.bucket))?;
            private::create_folder(hidden)?;
        }
        fs::create_dir_all(folder)?;
        let path = self.metadata.with_file_name(".lock");
        let lock = File::options().create(true).append(true).open(path)?;
        lock.lock()?;
        Ok(lock)
    }

    /// The outermost hidden folder in the bucket that the object is in.
    fn hidden_folder(&self) -> Option<&Path> {
        let folders = self.object.ancestors().skip(1);
        let inside = folders.take_while(|folder| **folder != self.bucket);
        let is_hidden = |folder: &&Path| {
            let name = folder.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with('.'))
        };
        inside.filter(is_hidden).last()
    }

    /// Atomically writes `bytes` to `path`. The caller holds the lock, so one temporary name is enough, and the next write
    /// removes what a crash left behind.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let unfinished = self.metadata.with_file_name(".unfinished");
        if_exists(fs::remove_file(&unfinished))?;
        let mut file = match self.hidden_folder() {
            Some(_) => private::create_file(&unfinished)?,
            None => File::create_new(&unfinished)?,
        };
        file.write_all(bytes)?;
        // Without this, the rename can reach the disk before the bytes, and a power failure leaves an empty object.
        file.sync_all()?;
        fs::rename(&unfinished, path)
    }
}

#[async_trait]
impl Store for DirStore {
    async fn get(&self, at: &Location, wanted: &Wanted) -> StoreResult<Object> {
        let wanted = wanted.clone();
        let open = move |store: &Self, at: &Location| store.open(at, &wanted);
        let (file, info) = self.blocking(Action::Read, at, open).await?;
        Ok(Object::new(
            self.name(at),
            info,
            tokio::fs::File::from(file),
        ))
    }

    async fn head(&self, at: &Location) -> StoreResult<ObjectInfo> {
        let open = |store: &Self, at: &Location| store.open(at, &Wanted::default());
        let (_, info) = self.blocking(Action::LookUp, at, open).await?;
        Ok(info)
    }

    async fn put(&self, at: &Location, body: Bytes, options: PutOptions) -> StoreResult<String> {
        let write = move |store: &Self, at: &Location| store.write(at, &body, options);
        self.blocking(Action::Write, at, write).await
    }

    async fn delete(&self, at: &Location, if_match: Option<&str>) -> StoreResult<()> {
        let if_match = if_match.map(str::to_owned);
        let remove = move |store: &Self, at: &Location| store.remove(at, if_match.as_deref());
        self.blocking(Action::Delete, at, remove).await
    }

    async fn list(&self, bucket: &str, after: &str, most: usize) -> StoreResult<Vec<String>> {
        let (at, after) = (Location::new(bucket, ""), after.to_owned());
        let list = move |store: &Self, at: &Location| store.keys(&at.bucket, &after, most);
        self.blocking(Action::List, &at, list).await
    }

    fn directory(&self) -> Option<&DirStore> {
        self.only_bucket.as_ref().map(|_| self)
    }

    /// In a directory that is the only bucket, the path from the working directory.
    fn name(&self, at: &Location) -> String {
        if self.only_bucket.as_ref() != Some(&at.bucket) {
            return at.to_string();
        }
        match self.root.as_os_str() == "." {
            true => at.key.clone(),
            false => self.root.join(&at.key).display().to_string(),
        }
    }
}

/// Turns "not found" into `None`. A file in place of a parent folder means the same: nothing can exist below it.
fn if_exists<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result.map_err(|error| (error.kind(), error)) {
        Err((ErrorKind::NotFound | ErrorKind::NotADirectory, _)) => Ok(None),
        result => result.map(Some).map_err(|(_, error)| error),
    }
}

/// A file that is the wanted object, at its start, with its properties. It is read twice: here for the entity tag, later for
/// the bytes.
pub(super) fn identified(mut file: File, wanted: &Wanted) -> Result<(File, ObjectInfo), Failure> {
    let metadata = file.metadata()?;
    let size = metadata.len();
    if let Some(reason) = too_large(size, wanted.max_bytes) {
        return refused(TooLarge, reason);
    }
    let etag = etag_of((&file).take(size))?;
    file.rewind()?;
    if wanted.if_match.as_ref().is_some_and(|tag| *tag != etag) {
        return refused(Precondition, REPLACED);
    }
    let info = ObjectInfo {
        metadata: Metadata::new(),
        etag,
        version_id: None,
        size,
        modified_ms: metadata.modified().ok().and_then(|at| {
            let since = at.duration_since(UNIX_EPOCH).ok()?;
            i64::try_from(since.as_millis()).ok()
        }),
    };
    Ok((file, info))
}

/// The entity tag of all bytes of a reader.
pub(super) fn etag_of(bytes: impl Read) -> io::Result<String> {
    let mut bytes = BufReader::with_capacity(PIECE_BYTES, bytes);
    let mut hash = Md5::new();
    while let piece @ [_, ..] = bytes.fill_buf()? {
        hash.update(piece);
        let read = piece.len();
        bytes.consume(read);
    }
    Ok(hex(&hash.finalize(), 16))
}

/// Validates a bucket name or one segment of a key as a file name.
fn checked(name: &str) -> Result<&str, Failure> {
    let only = [Component::Normal(name.as_ref())];
    let is_one_name = Path::new(name).components().eq(only) && !name.contains('\0');
    let is_reserved = name.eq_ignore_ascii_case(METADATA);
    if is_one_name && name.len() <= MAX_NAME_BYTES && !is_reserved {
        return Ok(name);
    }
    let problem = format!(
        "a directory cannot hold this key: {name:?} in it is not the name of a file (not empty, at most {MAX_NAME_BYTES} \
         bytes, other than `.`, `..` and `{METADATA}`); rename the object"
    );
    refused(InvalidKey, problem)
}

pub(super) fn refused<T>(kind: StoreErrorKind, reason: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Refused(kind, reason.into()))
}

impl Failure {
    pub(super) fn during(self, action: Action, at: impl Display) -> StoreError {
        use ErrorKind as Io;
        let error = match self {
            Self::Refused(kind, reason) => return StoreError::new(kind, action, at, reason),
            Self::Io(error) => error,
        };
        let (kind, advice) = match error.kind() {
            Io::NotFound => (NotFound, "there is no such file"),
            Io::PermissionDenied | Io::ReadOnlyFilesystem => {
                (Denied, "change the owner or mode of the file")
            }
            Io::TimedOut | Io::WouldBlock | Io::ResourceBusy | Io::StaleNetworkFileHandle => {
                (Transient, "the file system is busy; try again")
            }
            Io::InvalidFilename => (InvalidKey, "its name is too long for the file system"),
            Io::StorageFull | Io::QuotaExceeded => (Other, "the disk is full; make room"),
            Io::IsADirectory | Io::NotADirectory => {
                (Other, "it cannot be both an object and a folder of objects")
            }
            _ => (Other, "the file system refuses it"),
        };
        StoreError::new(kind, action, at, advice).caused_by(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_names_that_only_look_dangerous() {
        for name in [
            "...",
            "..a",
            "~",
            "-rf",
            "a\\b",
            "C:x",
            "\u{202e}txt",
            "a\nb",
            "x%2Fy",
        ] {
            assert_eq!(checked(name).ok(), Some(name));
        }
    }

    #[test]
    fn rejects_keys_that_are_not_file_names() {
        let long = "x".repeat(256);
        for name in [
            "",
            ".",
            "..",
            "/",
            "a/",
            "/a",
            "a/b",
            "./a",
            "a/.",
            "a\0b",
            ".metadata",
            ".METADATA",
            &long,
        ] {
            let failure = checked(name).unwrap_err().to_string();
            assert!(failure.contains("cannot hold this key"), "{name:?}");
        }
    }

    #[test]
    fn file_system_errors_keep_their_cause_and_advise() {
        for (cause, kind, advice) in [
            (
                ErrorKind::NotFound,
                StoreErrorKind::NotFound,
                "no such file",
            ),
            (
                ErrorKind::PermissionDenied,
                StoreErrorKind::Denied,
                "owner or mode",
            ),
            (ErrorKind::StorageFull, StoreErrorKind::Other, "make room"),
            (
                ErrorKind::ResourceBusy,
                StoreErrorKind::Transient,
                "try again",
            ),
        ] {
            let failure = Failure::from(io::Error::from(cause));
            let error = failure.during(Action::Write, Location::new("b", "k"));
            assert_eq!(error.kind, kind);
            assert!(error.reason.contains(advice), "{error}");
            assert!(error.source.is_some());
        }
    }

    proptest::proptest! {
        #[test]
        fn no_key_leads_out_of_the_root(key in r"([a./\\]|\PC){0,12}") {
            let store = DirStore::single("b", "/root-that-does-not-exist");
            if let Ok(files) = store.files(&Location::new("b", &key)) {
                let plain = |part: Component<'_>| !matches!(part, Component::ParentDir | Component::CurDir);
                proptest::prop_assert_eq!(files.object.to_str().unwrap(), format!("/root-that-does-not-exist/{key}"));
                proptest::prop_assert!(files.object.components().all(plain));
            }
        }
    }
}
