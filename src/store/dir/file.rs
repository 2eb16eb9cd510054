//! Files as a store needs them: told apart by their bytes, replaced whole, changed by one writer at a time.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::Path;

use md5::{Digest, Md5};

use crate::store::dir::path::{Folder, METADATA};
use crate::store::dir::trouble::Trouble;

/// What is read at once.
pub(crate) const PIECE_BYTES: usize = 64 * 1024;

/// The entity tag of `bytes`: their MD5, as S3 has it for an object that was put whole, so that the events of a real upload fit
/// a copy of it here. It tells versions of a transcript apart; nothing relies on nobody being able to forge it.
pub(crate) fn etag_of(bytes: &[u8]) -> String {
    hex(Md5::new_with_prefix(bytes))
}

fn hex(hash: Md5) -> String {
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Opens the file `name` in `folder`.
pub(crate) fn open(folder: &Folder, name: &str) -> Result<File, Trouble> {
    let path = folder.file(name)?;
    // Asked first, because to open a pipe is to wait for whoever writes into it.
    if !path.is_file() {
        return Err(Trouble::not_found(format!("`{name}` is not a file")));
    }
    Ok(File::open(path)?)
}

/// The entity tag of all of `file`, and its size; afterwards it can be read from its beginning.
pub(crate) fn etag_of_file(file: &mut File) -> Result<(String, u64), Trouble> {
    let mut hash = Md5::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut size = 0;
    loop {
        let read = file.read(&mut piece)?;
        let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        hash.update(bytes);
        size += bytes.len() as u64;
    }
    file.rewind()?;
    Ok((hex(hash), size))
}

/// Removes a file that need not exist.
pub(crate) fn remove(path: &Path) -> Result<(), Trouble> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// The right to change what is in one folder: held until dropped, against other processes too.
#[derive(Debug)]
pub(crate) struct Guard {
    metadata: Folder,
    _lock: File,
}

impl Guard {
    /// Waits until nobody else changes `folder`.
    pub(crate) fn wait(folder: &Folder) -> Result<Self, Trouble> {
        let metadata = folder.enter_or_create(METADATA)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(metadata.entry(".lock"))?;
        lock.lock()?;
        Ok(Self {
            metadata,
            _lock: lock,
        })
    }

    /// The folder for metadata.
    pub(crate) fn metadata(&self) -> &Folder {
        &self.metadata
    }

    /// Puts `bytes` at `path`, of which others see all or nothing.
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), Trouble> {
        // One name for all is enough under the lock, and what a crash leaves behind is gone with the next write.
        let unfinished = self.metadata.entry(".unfinished");
        remove(&unfinished)?;
        let mut file = File::create_new(&unfinished)?;
        file.write_all(bytes)?;
        // Else a rename can reach the disk before the bytes do, and a power failure leaves an empty object.
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        Ok(())
    }
}
