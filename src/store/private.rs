//! Creates files and folders that hold what was said: for their owner alone.

use std::fs::{DirBuilder, File};
use std::io;
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Creates a folder, and those around it that are missing. One that exists stays as it is.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    let mut folder = DirBuilder::new();
    #[cfg(unix)]
    folder.mode(0o700);
    folder.recursive(true).create(path)
}

/// Creates a file. There must be none yet.
pub(crate) fn create_file(path: &Path) -> io::Result<File> {
    let mut file = File::options();
    #[cfg(unix)]
    file.mode(0o600);
    file.write(true).create_new(true).open(path)
}
