//! Stores a single object, a local file, for the command line: a transcript at any path, or the copy of a stream.
//!
//! A job reads its transcript more than once: for the entity tag, for the text, and before publishing to see whether it was
//! overwritten. A file is opened anew each time. A pipe delivers its bytes only once, so they are copied to a temporary file
//! that has no name, which the operating system deletes with the process.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::store::dir::{Failure, etag_of, identified, refused};
use crate::store::{
    Action, Location, Metadata, Object, ObjectInfo, PutOptions, Store, StoreErrorKind, StoreResult,
    Wanted,
};

/// A store that has one local file under every key. It cannot be written to.
#[derive(Debug, Clone)]
pub(crate) enum FileStore {
    /// The file at this path.
    Path(PathBuf),
    /// The copy of a stream with a name. Its clones share one position, so it has one reader at a time.
    Copy(Arc<File>, ObjectInfo, String),
}

impl FileStore {
    /// Copies a stream. Stops after `max_bytes`, because more than that is not accepted, and a stream may be endless.
    pub(crate) fn copied(
        stream: impl Read,
        name: impl Into<String>,
        max_bytes: u64,
    ) -> io::Result<Self> {
        let mut copy = tempfile::tempfile()?;
        let size = io::copy(&mut stream.take(max_bytes.saturating_add(1)), &mut copy)?;
        copy.rewind()?;
        let info = ObjectInfo {
            etag: etag_of(&copy)?,
            version_id: None,
            size,
            modified_ms: None,
            metadata: Metadata::new(),
        };
        Ok(Self::Copy(Arc::new(copy), info, name.into()))
    }

    fn open(&self, wanted: &Wanted) -> Result<(File, ObjectInfo), Failure> {
        let (file, info) = match self {
            Self::Path(path) => return identified(File::open(path)?, wanted),
            Self::Copy(file, info, _) => (file, info),
        };
        if let Some(max) = wanted.max_bytes.filter(|&max| info.size > max) {
            let reason = format!("it has more than {max} bytes, and no more are accepted");
            return refused(StoreErrorKind::TooLarge, reason);
        }
        let mut file = file.try_clone()?;
        file.rewind()?;
        Ok((file, info.clone()))
    }

    async fn opened(
        &self,
        action: Action,
        at: &Location,
        wanted: Wanted,
    ) -> StoreResult<(File, ObjectInfo)> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || store.open(&wanted))
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error).into()))
            .map_err(|failure| failure.during(action, self.name(at)))
    }
}

#[async_trait]
impl Store for FileStore {
    async fn get(&self, at: &Location, wanted: &Wanted) -> StoreResult<Object> {
        let (file, info) = self.opened(Action::Read, at, wanted.clone()).await?;
        Ok(Object::new(
            self.name(at),
            info,
            tokio::fs::File::from_std(file),
        ))
    }

    async fn head(&self, at: &Location) -> StoreResult<ObjectInfo> {
        let opened = self.opened(Action::LookUp, at, Wanted::default()).await;
        opened.map(|(_, info)| info)
    }

    async fn put(&self, at: &Location, _: Bytes, _: PutOptions) -> StoreResult<String> {
        Err(read_only().during(Action::Write, self.name(at)))
    }

    async fn delete(&self, at: &Location, _: Option<&str>) -> StoreResult<()> {
        Err(read_only().during(Action::Delete, self.name(at)))
    }

    fn name(&self, _: &Location) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Copy(_, _, name) => name.clone(),
        }
    }
}

fn read_only() -> Failure {
    io::Error::from(io::ErrorKind::ReadOnlyFilesystem).into()
}
