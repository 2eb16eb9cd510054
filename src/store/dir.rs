//! Stores objects in a local directory, for development and the command line. A key is a relative path.
//!
//! - **Behaves like S3.** Entity tags are the MD5 of the bytes, as S3 computes them for an object uploaded in one request,
//!   so the event of a real upload matches a copy here. They only detect changes; nothing relies on them being secure. That of a
//!   large file that has not changed is not computed again to look it up.
//! - **Nothing outside the root.** Keys that are not valid paths and symbolic links that lead out of the root are refused.
//! - **Only files.** A pipe, a socket, a device or a broken link is no object: it is neither opened, which could block for ever,
//!   nor replaced, nor listed. The log tells once that it is left out.
//! - **Conditions hold across threads and processes.** A write holds the lock file of its folder, `.metadata/.lock`, from
//!   checking the object until it is replaced. Readers need no lock, because files are replaced atomically: written under a
//!   temporary name, synced, renamed.
//! - **A crash never shows wrong metadata.** User metadata is stored in `.metadata/<name>.json`, keyed by the entity tag of
//!   the bytes it belongs to. The new entry is written before the object, next to the entry for the existing bytes, so
//!   readers always find the metadata of the bytes they see. A file created by hand has none.
//! - **Hidden folders are private.** A folder whose name begins with a dot, such as that of the state of jobs, is created for
//!   its owner alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Display;
use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Seek, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use bytes::Bytes;
use md5::{Digest, Md5};

use crate::hex::hex;
use crate::once;
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

/// The entity tags of so many files are remembered, each of at least this size, and unchanged for at least so long.
const MAX_KNOWN: usize = 10_000;
const MIN_KNOWN_BYTES: u64 = 1 << 20;
const MIN_AGE_SECONDS: i64 = 2;

/// Maximum size of the metadata of an object in its file, in bytes. S3 keeps 2 KB.
const MAX_METADATA_BYTES: u64 = 1 << 20;

/// The error reason if something else is in the place of an object.
const NO_FILE: &str =
    "a pipe, a socket, a device or a broken link is in its place; remove that, or use another name";

/// A store in a local directory.
#[derive(Debug, Clone)]
pub struct DirStore {
    root: PathBuf,
    /// If set, `root` itself is the only bucket and has this name.
    only_bucket: Option<String>,
    known_tags: Arc<Mutex<KnownTags>>,
}

/// The entity tags of files that have not changed since they were read.
type KnownTags = HashMap<PathBuf, (Stamp, String)>;

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
            known_tags: Arc::default(),
        }
    }

    /// Uses the directory `dir` as the only bucket.
    #[must_use]
    pub fn single(bucket: impl Into<String>, dir: impl Into<PathBuf>) -> Self {
        Self {
            root: dir.into(),
            only_bucket: Some(bucket.into()),
            known_tags: Arc::default(),
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
        self.check_inside(&[&folder]).map_err(io::Error::other)?;
        fs::create_dir_all(&folder)?;
        let claim = open_lock(&folder.join(".claim"))?;
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
        self.check_inside(&[&object, &metadata])?;
        Ok(Files {
            bucket,
            object,
            metadata,
        })
    }

    /// Refuses paths that lead out of the root. Only symbolic links can, so it is enough to check the part that exists.
    fn check_inside(&self, paths: &[&Path]) -> Result<(), Failure> {
        let Some(root) = if_exists(self.root.canonicalize())? else {
            return Ok(());
        };
        for path in paths {
            let existing = path.ancestors().find_map(|path| path.canonicalize().ok());
            if existing.is_some_and(|existing| !existing.starts_with(&root)) {
                let reason = format!("a link in {} leads out of the store", path.display());
                return refused(Other, reason);
            }
        }
        Ok(())
    }

    fn open(&self, at: &Location, wanted: &Wanted) -> Result<(File, ObjectInfo), Failure> {
        if wanted.version_id.is_some() {
            return refused(NotFound, "a directory keeps no versions of an object");
        }
        let files = self.files(at)?;
        let (file, mut info) = identified(files.opened()?, wanted)?;
        info.metadata = files.metadata()?.remove(&info.etag).unwrap_or_default();
        Ok((file, info))
    }

    /// The properties of an object. Unlike those of one that is opened, its entity tag may be known.
    fn look(&self, at: &Location, max_bytes: Option<u64>) -> Result<ObjectInfo, Failure> {
        let files = self.files(at)?;
        let file = files.opened()?;
        let (about, stamp) = (file.metadata()?, Stamp::of(&file)?);
        let size = about.len();
        if let Some(reason) = too_large(size, max_bytes) {
            return refused(TooLarge, reason);
        }
        let known = |tags: &KnownTags| {
            let (of, tag) = tags.get(&files.object)?;
            (Some(of) == stamp.as_ref()).then(|| tag.clone())
        };
        let known = known(&self.known_tags());
        let etag = match known {
            Some(etag) => etag,
            None => {
                let etag = etag_of((&file).take(size))?;
                if let Some(stamp) =
                    stamp.filter(|stamp| Stamp::of(&file).ok() == Some(Some(*stamp)))
                {
                    let mut tags = self.known_tags();
                    if tags.len() >= MAX_KNOWN {
                        tags.clear();
                    }
                    tags.insert(files.object.clone(), (stamp, etag.clone()));
                }
                etag
            }
        };
        Ok(ObjectInfo {
            metadata: files.metadata()?.remove(&etag).unwrap_or_default(),
            etag,
            version_id: None,
            size,
            modified_ms: modified_ms(&about),
        })
    }

    fn known_tags(&self) -> MutexGuard<'_, KnownTags> {
        self.known_tags
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, at: &Location, body: &[u8], options: PutOptions) -> Result<String, Failure> {
        let files = self.files(at)?;
        let _lock = files.lock()?;
        let current = files.open()?.map(etag_of).transpose()?;
        if current.is_none() && files.is_there()? {
            return refused(Other, NO_FILE);
        }
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

    /// The first keys after `after`, at most `most`. Links are not followed, names that are not UTF-8 are no keys, and what
    /// cannot be read hides nothing else.
    fn keys(&self, bucket: &str, after: &str, most: usize) -> Result<Vec<String>, Failure> {
        let bucket = self.bucket(bucket)?;
        self.check_inside(&[&bucket])?;
        let mut found = BTreeSet::new();
        let mut folders = vec![(bucket, String::new())];
        while let Some((folder, prefix)) = folders.pop() {
            let entries = match if_exists(fs::read_dir(&folder)) {
                Ok(Some(entries)) => entries,
                Ok(None) => continue,
                Err(error) if !prefix.is_empty() && is_lasting(&error) => {
                    once::left_out(&folder.display().to_string(), &error.to_string());
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            for entry in entries {
                let entry = entry?;
                let name = entry.file_name();
                let leave_out =
                    |reason| once::left_out(&entry.path().display().to_string(), reason);
                let Some(name) = name.to_str() else {
                    leave_out("its name is not UTF-8");
                    continue;
                };
                if name == METADATA {
                    continue;
                }
                let (kind, key) = (entry.file_type()?, format!("{prefix}{name}"));
                if kind.is_dir() {
                    let folder = format!("{key}/");
                    if after < folder.as_str() || after.starts_with(&folder) {
                        folders.push((entry.path(), folder));
                    }
                } else if kind.is_symlink() {
                    leave_out("it is a link");
                } else if !kind.is_file() {
                    leave_out("it is a pipe, a socket or a device");
                } else if key.as_str() > after {
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

    /// The object, opened.
    fn opened(&self) -> Result<File, Failure> {
        match self.open()? {
            Some(file) => Ok(file),
            None => {
                let reason = format!("there is no file {}", self.object.display());
                refused(NotFound, reason)
            }
        }
    }

    /// Whether anything is in the place of the object: also a folder, a pipe or a broken link.
    fn is_there(&self) -> io::Result<bool> {
        Ok(if_exists(fs::symlink_metadata(&self.object))?.is_some())
    }

    /// The object's metadata by entity tag.
    fn metadata(&self) -> Result<BTreeMap<String, Metadata>, Failure> {
        let path = self.metadata.display();
        // Check first, as for the object.
        let found = if_exists(fs::metadata(&self.metadata))?;
        if found.is_some_and(|found| !found.is_file()) {
            return refused(Other, format!("{path} is not a file: remove it"));
        }
        let Some(file) = if_exists(File::open(&self.metadata))? else {
            return Ok(BTreeMap::new());
        };
        let mut json = Vec::new();
        file.take(MAX_METADATA_BYTES).read_to_end(&mut json)?;
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
        let lock = open_lock(&self.metadata.with_file_name(".lock"))?;
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

/// What tells a version of a large file from another without reading it. Nobody can set the time of a file's last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    /// Device and inode.
    file: (u64, u64),
    size: u64,
    /// Seconds and nanoseconds of the last change of the bytes, and of the last change of anything.
    times: [i64; 4],
}

impl Stamp {
    /// The stamp of a file; `None` if it is small, or has changed so shortly before that it may change again at the same time of
    /// the file system's clock.
    #[cfg(unix)]
    fn of(file: &File) -> io::Result<Option<Self>> {
        use std::os::unix::fs::MetadataExt;

        let found = file.metadata()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| now.as_secs());
        let age = i64::try_from(now).unwrap_or(0) - found.ctime().max(found.mtime());
        let stamp = Self {
            file: (found.dev(), found.ino()),
            size: found.len(),
            times: [
                found.mtime(),
                found.mtime_nsec(),
                found.ctime(),
                found.ctime_nsec(),
            ],
        };
        Ok((stamp.size >= MIN_KNOWN_BYTES && age >= MIN_AGE_SECONDS).then_some(stamp))
    }

    #[cfg(not(unix))]
    fn of(_: &File) -> io::Result<Option<Self>> {
        Ok(None)
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
        let look = |store: &Self, at: &Location| store.look(at, None);
        self.blocking(Action::LookUp, at, look).await
    }

    async fn head_within(&self, at: &Location, max_bytes: u64) -> StoreResult<ObjectInfo> {
        let look = move |store: &Self, at: &Location| store.look(at, Some(max_bytes));
        self.blocking(Action::LookUp, at, look).await
    }

    async fn is_taken(&self, at: &Location) -> StoreResult<bool> {
        let look = |store: &Self, at: &Location| Ok(store.files(at)?.is_there()?);
        self.blocking(Action::LookUp, at, look).await
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

/// Opens a file of the store's own to lock it, and creates it if it is missing. Nothing else is opened in its place: a pipe would
/// block, and a link could lead out of the root.
fn open_lock(path: &Path) -> io::Result<File> {
    match if_exists(fs::symlink_metadata(path))? {
        Some(there) if !there.is_file() => {
            let reason = format!("{} is not a file: remove it", path.display());
            Err(io::Error::other(reason))
        }
        _ => File::options().create(true).append(true).open(path),
    }
}

/// Whether a folder that cannot be read will not be readable in a moment either.
fn is_lasting(error: &io::Error) -> bool {
    use ErrorKind::{InvalidFilename, PermissionDenied};
    matches!(error.kind(), PermissionDenied | InvalidFilename)
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
        modified_ms: modified_ms(&metadata),
    };
    Ok((file, info))
}

/// When a file was written, in milliseconds since 1970.
fn modified_ms(file: &fs::Metadata) -> Option<i64> {
    let since = file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
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
