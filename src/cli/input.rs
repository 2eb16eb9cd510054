//! The inputs of a command: files, standard input, and objects as `s3://bucket/key`.
//!
//! All inputs of a command are named before the first is opened. The result of a local input has the file's own name; inputs
//! with equal names keep as much of their folders as tells them apart. The name depends on nothing but the arguments, so
//! that the same command resumes the same jobs.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::iter;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::http::{Http, HttpError};
use crate::job::filter::is_result;
use crate::job::local::LOCAL_BUCKET;
use crate::job::{Config, JobError, Order, Upload, read};
use crate::store::{self, FileStore, Location, Store};
use crate::transcript::Transcript;

/// How messages name standard input.
const STANDARD_INPUT_NAME: &str = "standard input";

/// Arguments that mean standard input.
const STANDARD_INPUT: [&str; 4] = ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

/// An input, not yet opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    /// How messages name it: as the user wrote it.
    pub(crate) name: String,
    /// The location that its results are derived from.
    pub(crate) upload: Upload,
    origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Origin {
    StandardInput,
    File(PathBuf),
    Object(Location),
}

/// Inputs that no command can work on together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UsageError {
    #[error("{0} is not the address of an object: expected s3://bucket/key")]
    Address(String),
    #[error("standard input can be read only once, and is named {0} times")]
    StandardInput(usize),
    #[error(
        "{0} and {1} would have the same summary: use a command for each, with different directories after --out"
    )]
    SameResult(String, String),
    #[error(
        "{0}: expected a transcript, not a result of this program; to summarize it all the same, use standard input: - <FILE"
    )]
    OnlyResults(String),
}

/// The reason an input cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    #[error("there is no such file")]
    NoFile,
    #[error("a directory, not a file: name the transcripts in it, {0}/*.txt")]
    Directory(String),
    #[error("it cannot be read")]
    Unreadable(#[from] io::Error),
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// Names all inputs of a command. One that is given twice is kept once; a note tells the user.
pub(crate) fn name_all(arguments: &[String]) -> Result<(Vec<Input>, Vec<String>), UsageError> {
    let origins: Vec<Origin> = arguments
        .iter()
        .map(|name| origin(name))
        .collect::<Result<_, _>>()?;
    let streams = origins
        .iter()
        .filter(|&origin| *origin == Origin::StandardInput);
    match streams.count() {
        0 | 1 => {}
        many => return Err(UsageError::StandardInput(many)),
    }
    let mut first_names = HashMap::new();
    let (mut inputs, mut notes) = (Vec::new(), Vec::new());
    for (name, origin) in arguments.iter().zip(origins) {
        if origin.is_result() {
            notes.push(format!(
                "{name} is one of this program's results and left out; standard input takes it all the same: - <{name}"
            ));
            continue;
        }
        match first_names.entry(origin.identity()) {
            Entry::Vacant(free) => free.insert(name),
            Entry::Occupied(first) => {
                let first = first.get();
                notes.push(format!("{name} is the same as {first}; it is used once"));
                continue;
            }
        };
        let upload = Upload::named(origin.location());
        let name = match origin {
            Origin::StandardInput => STANDARD_INPUT_NAME.to_owned(),
            _ => name.clone(),
        };
        inputs.push(Input {
            name,
            upload,
            origin,
        });
    }
    if inputs.is_empty() {
        return Err(UsageError::OnlyResults(arguments.join(", ")));
    }
    shorten(&mut inputs);
    let mut names = HashMap::new();
    for Input { name, upload, .. } in &inputs {
        if let Some(other) = names.insert(&upload.at.key, name) {
            return Err(UsageError::SameResult(other.clone(), name.clone()));
        }
    }
    Ok((inputs, notes))
}

fn origin(argument: &str) -> Result<Origin, UsageError> {
    if STANDARD_INPUT.contains(&argument) {
        return Ok(Origin::StandardInput);
    }
    let Some(address) = argument.strip_prefix("s3://") else {
        return Ok(Origin::File(PathBuf::from(argument)));
    };
    match address.split_once('/') {
        Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
            Ok(Origin::Object(Location::new(bucket, key)))
        }
        _ => Err(UsageError::Address(argument.to_owned())),
    }
}

/// Leaves of the keys of local inputs, which are whole paths, only what tells them apart.
fn shorten(inputs: &mut [Input]) {
    let keys: Vec<String> = inputs
        .iter()
        .map(|input| input.upload.at.key.clone())
        .collect();
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for ending in keys.iter().flat_map(|key| endings(key)) {
        *uses.entry(ending).or_default() += 1;
    }
    for (input, key) in inputs.iter_mut().zip(&keys) {
        let unique = endings(key).find(|ending| uses.get(ending) == Some(&1));
        if let (Origin::File(_), Some(unique)) = (&input.origin, unique) {
            input.upload.at.key = unique.to_owned();
        }
    }
}

/// The endings of a path that begin after a slash, the shortest first, and the whole path.
fn endings(path: &str) -> impl Iterator<Item = &str> {
    let after_slashes = path
        .rmatch_indices('/')
        .map(|(at, _)| path.split_at(at + 1).1);
    after_slashes.chain(iter::once(path))
}

impl Origin {
    /// Whether it is named like a result, as what a pattern such as `summaries/*` also finds.
    fn is_result(&self) -> bool {
        match self {
            Self::StandardInput => false,
            Self::File(path) => is_result(&path.to_string_lossy()),
            Self::Object(at) => is_result(&at.key),
        }
    }

    /// Equal for two names of the same input, whatever symbolic links and `..` are in them.
    fn identity(&self) -> Self {
        match self {
            Self::File(path) => {
                let canonical = path.canonicalize();
                Self::File(canonical.unwrap_or_else(|_| absolute(path)))
            }
            other => other.clone(),
        }
    }

    /// The location for reports. The key of a file is its whole path, from the working directory if it is in that.
    fn location(&self) -> Location {
        match self {
            Self::Object(at) => at.clone(),
            Self::StandardInput => Location::new(LOCAL_BUCKET, "stdin.txt"),
            Self::File(path) => {
                let path = absolute(path);
                let here = std::env::current_dir().unwrap_or_default();
                let path = path.strip_prefix(here).unwrap_or(&path);
                let names = path.components().filter_map(|part| match part {
                    Component::Normal(name) => Some(name.to_string_lossy()),
                    _ => None,
                });
                Location::new(LOCAL_BUCKET, names.collect::<Vec<_>>().join("/"))
            }
        }
    }
}

/// The absolute path of a file. Its folder is named as it was written, unless that has `..`, which leads elsewhere than it
/// seems to after a symbolic link.
fn absolute(path: &Path) -> PathBuf {
    let folder = path
        .parent()
        .filter(|_| path.components().any(|part| part == Component::ParentDir));
    let canonical = folder.and_then(|folder| folder.canonicalize().ok());
    match (canonical, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    }
}

impl Input {
    /// Whether it is an object in S3.
    pub(crate) fn is_object(&self) -> bool {
        matches!(self.origin, Origin::Object(_))
    }

    /// The store to read it from. Reads a stream to its end.
    pub(crate) async fn open(
        &self,
        config: &Config,
        http: &Http,
    ) -> Result<Arc<dyn Store>, InputError> {
        let path = match &self.origin {
            Origin::Object(_) => {
                return Ok(store::connect(config.store_dir.as_deref(), http).await?);
            }
            Origin::File(path) => Some(path.clone()),
            Origin::StandardInput => None,
        };
        let max_bytes = config.max_input_bytes;
        let opened = tokio::task::spawn_blocking(move || match path {
            Some(path) => open_file(path, max_bytes),
            None => Ok(FileStore::copied(
                io::stdin().lock(),
                STANDARD_INPUT_NAME,
                max_bytes,
            )?),
        });
        let store = opened
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error).into()))?;
        Ok(Arc::new(store))
    }

    /// Reads and decodes the transcript. Also returns what is ordered for it.
    pub(crate) async fn read(
        &self,
        config: &Config,
        http: &Http,
    ) -> Result<(Transcript, Order), Box<dyn Error>> {
        let store = self.open(config, http).await?;
        let opened = read::open(store.as_ref(), &self.upload, config.max_input_bytes);
        let (_, mut object) = opened.await.map_err(JobError::from)?;
        let mut order = config.order(&object.info.metadata)?;
        let transcript = read::transcribe(&mut object).await?;
        Ok((order.wishes.correct(transcript), order))
    }
}

/// Opens what is at `path`. Anything but a regular file, such as a named pipe or `/dev/fd/63`, may be read only once.
fn open_file(path: PathBuf, max_bytes: u64) -> Result<FileStore, InputError> {
    let found = fs::metadata(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => InputError::NoFile,
        _ => error.into(),
    })?;
    if found.is_dir() {
        let path = path.display().to_string();
        return Err(InputError::Directory(path.trim_end_matches('/').to_owned()));
    }
    if found.is_file() {
        return Ok(FileStore::Path(path));
    }
    let name = path.display().to_string();
    Ok(FileStore::copied(File::open(&path)?, name, max_bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(arguments: &[&str]) -> Result<Vec<String>, UsageError> {
        let arguments: Vec<String> = arguments.iter().map(|&name| name.to_owned()).collect();
        let inputs = name_all(&arguments)?.0.into_iter();
        Ok(inputs.map(|input| input.upload.at.key).collect())
    }

    #[test]
    fn keys_have_the_folders_that_tell_equal_names_apart() {
        for (arguments, expected) in [
            (&["/x/a/call.txt"][..], &["call.txt"][..]),
            (&["call.txt", "-"], &["call.txt", "stdin.txt"]),
            (&["a/1.txt", "b/2.txt"], &["1.txt", "2.txt"]),
            (&["a/call.txt", "b/call.txt"], &["a/call.txt", "b/call.txt"]),
            (
                &["./a/call.txt", "/x/b//call.txt"],
                &["a/call.txt", "b/call.txt"],
            ),
            (&["call.txt", "a/call.txt"], &["call.txt", "a/call.txt"]),
            (
                &["b/call.txt", "x/b/call.txt"],
                &["b/call.txt", "x/b/call.txt"],
            ),
            (
                &["/r/a/x/call.txt", "/r/b/x/call.txt", "/r/c/y/call.txt"],
                &["a/x/call.txt", "b/x/call.txt", "y/call.txt"],
            ),
            (&["/call.txt", "/a/call.txt"], &["call.txt", "a/call.txt"]),
            (&["-", "/a/stdin.txt"], &["stdin.txt", "a/stdin.txt"]),
            // The key of an object is never changed.
            (
                &["s3://b/m/call.txt", "/n/call.txt"],
                &["m/call.txt", "n/call.txt"],
            ),
            // Results of this program among transcripts, as a pattern finds them.
            (
                &[
                    "s/a.txt",
                    "s/a.txt_summary.txt",
                    "s/a.txt_summary.html",
                    "s/a.txt_summary.json",
                    "s/a.txt_summary.md",
                    "s/a.txt_chapters.vtt",
                    "s/b.txt_error.json",
                    "s/b_Summary.txt",
                ],
                &["a.txt"],
            ),
            // The same input twice.
            (&["a/call.txt", "./a//call.txt"], &["call.txt"]),
            (&["s3://b/call.txt", "s3://b/call.txt"], &["call.txt"]),
        ] {
            assert_eq!(keys(arguments).unwrap(), expected, "{arguments:?}");
        }
    }

    #[test]
    fn inputs_that_cannot_be_told_apart_are_wrong_usage() {
        for (arguments, expected) in [
            (
                &["-", "a.txt", "/dev/stdin"][..],
                UsageError::StandardInput(2),
            ),
            (
                &["s3://bucket/"],
                UsageError::Address("s3://bucket/".into()),
            ),
            (&["s3:///key"], UsageError::Address("s3:///key".into())),
            (
                &["a.txt_summary.txt", "s3://b/a.vtt_chapters.vtt"],
                UsageError::OnlyResults("a.txt_summary.txt, s3://b/a.vtt_chapters.vtt".into()),
            ),
            (
                &["s3://a/x.txt", "s3://b/x.txt"],
                UsageError::SameResult("s3://a/x.txt".into(), "s3://b/x.txt".into()),
            ),
        ] {
            assert_eq!(keys(arguments), Err(expected));
        }
    }

    proptest::proptest! {
        #[test]
        fn keys_are_distinct_and_lead_nowhere_else(paths in proptest::collection::vec("/?([a.]{1,2}/){0,3}[ab]", 1..6)) {
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            if let Ok(keys) = keys(&paths) {
                for (at, key) in keys.iter().enumerate() {
                    proptest::prop_assert!(!key.is_empty() && key.split('/').all(|part| !["", ".", ".."].contains(&part)));
                    proptest::prop_assert_eq!(keys.iter().position(|other| other == key), Some(at));
                }
            }
        }
    }
}
