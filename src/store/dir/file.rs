//! Files as a store needs them: told apart by their bytes, replaced whole, changed by one writer at a time.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::path::{Folder, METADATA};
use super::trouble::Trouble;

/// What is read at once.
pub(super) const PIECE_BYTES: usize = 64 * 1024;

/// Half of a SHA-256: nobody needs to fear a collision, and it is as long as what S3 shows.
const ETAG_BYTES: usize = 16;

/// The entity tag of `bytes`.
pub(super) fn etag_of(bytes: &[u8]) -> String {
    shortened(Sha256::new_with_prefix(bytes))
}

fn shortened(hash: Sha256) -> String {
    let digest = hash.finalize();
    let hex = digest
        .iter()
        .take(ETAG_BYTES)
        .map(|byte| format!("{byte:02x}"));
    hex.collect()
}

/// Opens the file `name` in `folder`.
pub(super) fn open(folder: &Folder, name: &str) -> Result<File, Trouble> {
    let path = folder.file(name)?;
    // Asked first, because to open a pipe is to wait for whoever writes into it.
    if !path.is_file() {
        return Err(Trouble::not_found(format!("`{name}` is not a file")));
    }
    Ok(File::open(path)?)
}

/// The entity tag of all of `file`, and its size; afterwards it can be read from its beginning.
pub(super) fn etag_of_file(file: &mut File) -> Result<(String, u64), Trouble> {
    let mut hash = Sha256::new();
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
    Ok((shortened(hash), size))
}

/// Removes a file that need not exist.
pub(super) fn remove(path: &Path) -> Result<(), Trouble> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// The right to change what is in one folder: held until dropped, against other processes too.
#[derive(Debug)]
pub(super) struct Guard {
    metadata: Folder,
    _lock: File,
}

impl Guard {
    /// Waits until nobody else changes `folder`.
    pub(super) fn wait(folder: &Folder) -> Result<Self, Trouble> {
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
    pub(super) fn metadata(&self) -> &Folder {
        &self.metadata
    }

    /// Puts `bytes` at `path`, of which others see all or nothing.
    pub(super) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), Trouble> {
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
