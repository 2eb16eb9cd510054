//! Objects in a local directory whose sub-directories are buckets: what S3 is for a function, for everybody else.

mod file;
mod path;
mod sidecar;
mod trouble;

use std::fs;
use std::path::PathBuf;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;

use self::file::{Guard, PIECE_BYTES, etag_of, etag_of_file, open};
use self::path::{Folder, address, checked};
use self::sidecar::Sidecar;
use self::trouble::Trouble;
use crate::store::{
    Location, Object, ObjectInfo, PutCondition, PutOptions, Store, StoreError, StoreErrorKind,
    Wanted, printable, too_large,
};

/// Objects in a directory.
///
/// A key is a relative path; keys that cannot be one are refused, and no link leads out. An entity tag is a hash of the
/// bytes. Writes to a folder happen one after the other, so that conditions hold between processes too.
#[derive(Debug, Clone)]
pub struct DirStore {
    root: PathBuf,
    /// The name under which `root` itself is the only bucket.
    only_bucket: Option<String>,
}

/// An object that is being read from a directory.
#[derive(Debug)]
struct DirObject {
    at: Location,
    info: ObjectInfo,
    file: tokio::fs::File,
    left: u64,
}

impl DirStore {
    /// The directory `root`, whose sub-directories are buckets. What is missing is created by the first write.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            only_bucket: None,
        }
    }

    /// The directory `dir` as the one bucket there is.
    #[must_use]
    pub fn single(bucket: impl Into<String>, dir: impl Into<PathBuf>) -> Self {
        Self {
            root: dir.into(),
            only_bucket: Some(bucket.into()),
        }
    }

    /// Removes the folder `name` below the folder `below` with all that is in it, and `below` itself if nothing else is there:
    /// only where a directory is the one bucket, and nobody else writes to that folder any more.
    ///
    /// # Errors
    /// If something of it can't be removed.
    pub fn clear(&self, below: &str, name: &str) -> std::io::Result<()> {
        let below = self.root.join(below);
        match fs::remove_dir_all(below.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // Others may be in it.
        let _: std::io::Result<()> = fs::remove_dir(below);
        Ok(())
    }

    /// The name of the sub-directory that is the bucket; `None` where it is the root itself.
    fn bucket_folder<'a>(&self, at: &'a Location) -> Result<Option<&'a str>, Trouble> {
        match &self.only_bucket {
            None => checked(&at.bucket).map(Some),
            Some(only) if *only == at.bucket => Ok(None),
            Some(only) => Err(Trouble::not_found(format!(
                "the only bucket here is `{only}`, which is the directory {}",
                self.root.display()
            ))),
        }
    }

    fn bucket(&self, at: &Location) -> Result<Folder, Trouble> {
        let name = self.bucket_folder(at)?;
        let bucket = Folder::root(&self.root).and_then(|root| match name {
            Some(name) => root.enter(name),
            None => Ok(root),
        });
        bucket.map_err(|trouble| {
            trouble.if_missing(|| {
                let path = self.root.join(name.unwrap_or_default());
                format!(
                    "there is no directory {} to be the bucket `{}`",
                    path.display(),
                    at.bucket
                )
            })
        })
    }

    fn bucket_or_create(&self, at: &Location) -> Result<Folder, Trouble> {
        let name = self.bucket_folder(at)?;
        fs::create_dir_all(&self.root)?;
        let root = Folder::root(&self.root)?;
        match name {
            Some(name) => root.enter_or_create(name),
            None => Ok(root),
        }
    }

    /// Opens an object. Its file is read twice: now for the entity tag, later for the bytes.
    fn open(&self, at: &Location, wanted: &Wanted) -> Result<(fs::File, ObjectInfo), Trouble> {
        if wanted.version_id.is_some() {
            return Err(Trouble::not_found(
                "a directory keeps no versions of an object",
            ));
        }
        let address = address(&at.key)?;
        let bucket = self.bucket(at)?;
        let found = address.folder(bucket, Folder::enter).and_then(|folder| {
            let file = open(&folder, address.name)?;
            Ok((folder, file))
        });
        let (folder, mut file) = found.map_err(|trouble| {
            trouble.if_missing(|| {
                format!(
                    "there is no object `{}` in the bucket `{}`",
                    at.key, at.bucket
                )
            })
        })?;
        let fits = |size| match too_large(size, wanted.max_bytes) {
            Some(reason) => Err(Trouble::new(StoreErrorKind::TooLarge, reason)),
            None => Ok(()),
        };
        fits(file.metadata()?.len())?;
        let (etag, size) = etag_of_file(&mut file)?;
        fits(size)?;
        if wanted.if_match.as_ref().is_some_and(|tag| *tag != etag) {
            return Err(Trouble::new(
                StoreErrorKind::Precondition,
                "it has been replaced: its entity tag is not the one that was asked for",
            ));
        }
        let info = ObjectInfo {
            metadata: Sidecar::load(&folder, address.name)?.of(&etag),
            etag,
            version_id: None,
            size,
        };
        Ok((file, info))
    }

    fn write(&self, at: &Location, body: &[u8], options: PutOptions) -> Result<String, Trouble> {
        let address = address(&at.key)?;
        let folder = address.folder(self.bucket_or_create(at)?, Folder::enter_or_create)?;
        let path = folder.entry(address.name);
        if path.is_dir() {
            return Err(Trouble::other(format!(
                "a directory cannot hold both an object `{0}` and objects below `{0}/`",
                at.key
            )));
        }
        let guard = Guard::wait(&folder)?;
        let current = match open(&folder, address.name) {
            Ok(mut file) => Some(etag_of_file(&mut file)?.0),
            Err(trouble) if trouble.kind == StoreErrorKind::NotFound => None,
            Err(trouble) => return Err(trouble),
        };
        let holds = match &options.condition {
            PutCondition::Always => true,
            PutCondition::IfAbsent => current.is_none(),
            PutCondition::IfMatch(etag) => current.as_ref() == Some(etag),
        };
        if !holds {
            return Err(Trouble::new(
                StoreErrorKind::Precondition,
                "somebody else has written, replaced or deleted it in the meantime",
            ));
        }
        let etag = etag_of(body);
        let mut sidecar = Sidecar::load(&folder, address.name)?;
        sidecar.announce(&etag, printable(options.metadata), current.as_deref());
        sidecar.save(&guard, address.name)?;
        guard.replace(&path, body)?;
        Ok(etag)
    }

    fn remove(&self, at: &Location) -> Result<(), Trouble> {
        let address = address(&at.key)?;
        let folder = match address.folder(self.bucket(at)?, Folder::enter) {
            Err(trouble) if trouble.kind == StoreErrorKind::NotFound => return Ok(()),
            folder => folder?,
        };
        let path = folder.entry(address.name);
        if path.is_dir() || path.symlink_metadata().is_err() {
            return Ok(());
        }
        let guard = Guard::wait(&folder)?;
        file::remove(&path)?;
        Sidecar::default().save(&guard, address.name)
    }

    /// Runs `work` where waiting for a disk or a lock holds nobody up.
    async fn blocking<T: Send + 'static>(
        &self,
        action: &'static str,
        at: &Location,
        work: impl FnOnce(&Self, &Location) -> Result<T, Trouble> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (store, place) = (self.clone(), at.clone());
        tokio::task::spawn_blocking(move || work(&store, &place))
            .await
            .unwrap_or_else(|error| Err(std::io::Error::other(error).into()))
            .map_err(|trouble| trouble.during(action, at))
    }
}

#[async_trait]
impl Store for DirStore {
    async fn get(&self, at: &Location, wanted: &Wanted) -> Result<Box<dyn Object>, StoreError> {
        let wanted = wanted.clone();
        let (file, info) = self
            .blocking("read", at, move |store, at| store.open(at, &wanted))
            .await?;
        Ok(Box::new(DirObject {
            at: at.clone(),
            left: info.size,
            info,
            file: file.into(),
        }))
    }

    async fn head(&self, at: &Location) -> Result<ObjectInfo, StoreError> {
        self.blocking("look up", at, |store, at| {
            store.open(at, &Wanted::default()).map(|(_, info)| info)
        })
        .await
    }

    async fn put(
        &self,
        at: &Location,
        body: Bytes,
        options: PutOptions,
    ) -> Result<String, StoreError> {
        self.blocking("write", at, move |store, at| {
            store.write(at, &body, options)
        })
        .await
    }

    async fn delete(&self, at: &Location) -> Result<(), StoreError> {
        self.blocking("delete", at, Self::remove).await
    }
}

#[async_trait]
impl Object for DirObject {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        if self.left == 0 {
            return Ok(None);
        }
        let mut piece = BytesMut::with_capacity(PIECE_BYTES);
        // What somebody appends meanwhile belongs to another state of the object.
        let mut rest = (&mut self.file).take(self.left);
        let read = match rest.read_buf(&mut piece).await {
            Ok(0) => Err(Trouble::new(
                StoreErrorKind::Transient,
                "it became shorter while it was read; try again",
            )),
            Ok(read) => Ok(read),
            Err(error) => Err(error.into()),
        };
        let read = read.map_err(|trouble| trouble.during("read", &self.at))?;
        self.left -= read as u64;
        Ok(Some(piece.freeze()))
    }
}
