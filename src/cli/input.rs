//! Opens the inputs of a command: files or `s3://bucket/key`.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use crate::http::{Http, HttpError};
use crate::job::{Config, JobError, Upload, read};
use crate::store::{self, DirStore, Location, Store};
use crate::transcript::Transcript;

/// The bucket name, as in reports, for a local input's directory and for `--out`.
pub(crate) const LOCAL_BUCKET: &str = "local";

/// A transcript to read, with its store.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) upload: Upload,
}

/// An argument that does not name a readable file or object.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    #[error("not the address of an object: expected s3://bucket/key")]
    Address,
    #[error("there is no such file")]
    NoFile,
    #[error("a directory, not a file: name the transcripts in it, {0}/*.txt")]
    Directory(String),
    #[error("the file's name is not valid UTF-8: rename it")]
    Name,
    #[error(transparent)]
    Http(#[from] HttpError),
}

impl Input {
    pub(crate) async fn open(name: &str, config: &Config, http: &Http) -> Result<Self, InputError> {
        if let Some(address) = name.strip_prefix("s3://") {
            let (bucket, key) = address.split_once('/').unwrap_or_default();
            if bucket.is_empty() || key.is_empty() {
                return Err(InputError::Address);
            }
            return Ok(Self {
                store: store::connect(config.store_dir.as_deref(), http).await?,
                upload: Upload::named(Location::new(bucket, key)),
            });
        }
        let path = Path::new(name);
        if path.is_dir() {
            return Err(InputError::Directory(name.to_owned()));
        }
        if !path.exists() {
            return Err(InputError::NoFile);
        }
        let key = path.file_name().and_then(OsStr::to_str);
        let key = key.ok_or(InputError::Name)?;
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
        let dir = dir.unwrap_or(Path::new("."));
        Ok(Self {
            store: Arc::new(DirStore::single(LOCAL_BUCKET, dir)),
            upload: Upload::named(Location::new(LOCAL_BUCKET, key)),
        })
    }

    /// Reads and decodes the transcript.
    pub(crate) async fn read(&self, config: &Config) -> Result<Transcript, JobError> {
        let (_, mut object) =
            read::open(self.store.as_ref(), &self.upload, config.max_input_bytes).await?;
        read::transcribe(&mut object).await
    }
}
