//! Finds transcripts with their references: in files of JSON lines, and as pairs of files.
//!
//! All data are read and checked once before the first is summarized, so that nothing is paid for if a line is broken. What is kept
//! of a transcript until its turn is where it is.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::job::order::at_most;
use crate::transcript::{Decoder, Rejection};

/// Members that hold the transcript, and the reference. The first that is there counts.
const TRANSCRIPT: [&str; 4] = ["dialogue", "document", "text", "transcript"];
const REFERENCE: [&str; 3] = ["summary", "reference", "highlights"];

/// What the reference of NAME.txt, NAME.vtt and so on is called after NAME.
const REFERENCE_ENDINGS: [&str; 2] = [".reference.txt", ".ref.json"];

/// The ending of files of JSON lines.
const LINES_ENDING: &str = "jsonl";

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A transcript with its reference, not yet read.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// How messages name it.
    pub(super) name: String,
    /// The key that its results are derived from.
    pub(super) key: String,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    Line {
        file: Arc<Path>,
        number: usize,
        start: u64,
        bytes: usize,
    },
    Pair {
        transcript: PathBuf,
        reference: PathBuf,
    },
}

/// A transcript as it stands in its file, and its reference.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) transcript: Vec<u8>,
    pub(super) reference: String,
}

/// The reason that data cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum DataError {
    #[error("{} cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    #[error("{path}: it has more than {1} bytes, and no more are accepted (MAX_INPUT_BYTES)", path = .0.display())]
    TooLarge(PathBuf, u64),
    #[error(
        "{path}, line {1}: {2}; expected an object with the texts `dialogue`, `document`, `text` or `transcript`, and `summary`, \
         `reference` or `highlights`", path = .0.display()
    )]
    Line(PathBuf, usize, String),
    #[error("{path}: {1}; expected text, or JSON with texts in it", path = .0.display())]
    Reference(PathBuf, String),
    #[error("{}", .0.display())]
    NotText(PathBuf, #[source] Rejection),
    #[error(
        "{}: it has no reference; expected NAME.reference.txt or NAME.ref.json beside NAME.txt, or a file of JSON lines that is \
         called NAME.jsonl", .0.display()
    )]
    NoReference(PathBuf),
    #[error("{}: there is nothing to evaluate in it; expected JSON lines", .0.display())]
    Empty(PathBuf),
    #[error(
        "{}: there is nothing to evaluate in it; expected files NAME.jsonl, or NAME.txt with NAME.reference.txt or NAME.ref.json \
         beside it", .0.display()
    )]
    NothingIn(PathBuf),
}

/// Finds and checks all data. What is named twice is used once.
pub(super) fn find(data: &[PathBuf], max_bytes: u64) -> Result<Vec<Record>, DataError> {
    let (mut records, mut known) = (Vec::new(), HashSet::new());
    for path in data {
        let files = match path.is_dir() {
            true => files_in(path)?,
            false => vec![path.clone()],
        };
        let before = records.len();
        let mut is_known = false;
        for file in files {
            let is_named = file == *path;
            let identity = file.canonicalize().map_err(unreadable(&file))?;
            let is_lines = file
                .extension()
                .is_some_and(|ending| ending == LINES_ENDING);
            let reference = reference_of(&file);
            if !is_named && !is_lines && reference.is_none() {
                continue;
            }
            if !known.insert(identity.clone()) {
                is_known = true;
                continue;
            }
            let key = key_of(&identity);
            match reference {
                _ if is_lines => lines(&file, &key, max_bytes, &mut records)?,
                Some(reference) => {
                    let record = Record {
                        name: file.display().to_string(),
                        key,
                        place: Place::Pair {
                            transcript: file,
                            reference,
                        },
                    };
                    record.read(max_bytes)?;
                    records.push(record);
                }
                None => return Err(DataError::NoReference(file)),
            }
        }
        if records.len() == before && !is_known {
            return Err(DataError::NothingIn(path.clone()));
        }
    }
    Ok(records)
}

fn unreadable(path: &Path) -> impl Fn(io::Error) -> DataError {
    |error| DataError::Unreadable(path.to_owned(), error)
}

/// All files in a directory and below, sorted. Symbolic links to directories are not followed.
fn files_in(dir: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut files = Vec::new();
    let entries = fs::read_dir(dir).map_err(unreadable(dir))?;
    for entry in entries {
        let entry = entry.map_err(unreadable(dir))?;
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files.extend(files_in(&path)?),
            _ if path.is_file() => files.push(path),
            _ => {}
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// The reference beside a transcript.
fn reference_of(file: &Path) -> Option<PathBuf> {
    let stem = file.file_stem()?;
    let named = REFERENCE_ENDINGS.iter().map(|ending| {
        let mut name = OsString::from(stem);
        name.push(ending);
        file.with_file_name(name)
    });
    let mut existing = named.filter(|path| path.is_file());
    existing.find(|path| path != file)
}

/// The path from the working directory if it is in that, else the whole path.
fn key_of(path: &Path) -> String {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    let path = path.strip_prefix(here.unwrap_or_default()).unwrap_or(path);
    let names = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy()),
        _ => None,
    });
    names.collect::<Vec<_>>().join("/")
}

/// Checks all lines of a file, and adds them.
fn lines(file: &Path, key: &str, max_bytes: u64, to: &mut Vec<Record>) -> Result<(), DataError> {
    let shared: Arc<Path> = Arc::from(file);
    let mut reader = BufReader::new(File::open(file).map_err(unreadable(file))?);
    let (mut line, mut start, before) = (Vec::new(), 0, to.len());
    for number in 1.. {
        line.clear();
        let mut limited = (&mut reader).take(max_bytes.saturating_add(1));
        let bytes = limited
            .read_until(b'\n', &mut line)
            .map_err(unreadable(file))?;
        if bytes == 0 {
            break;
        }
        let wrong = |problem| DataError::Line(file.to_owned(), number, problem);
        if bytes as u64 > max_bytes {
            return Err(wrong(format!(
                "it has more than {max_bytes} bytes, and no more are accepted (MAX_INPUT_BYTES)"
            )));
        }
        if !line.trim_ascii().is_empty() {
            pair(&line).map_err(wrong)?;
            to.push(Record {
                name: format!("{}:{number}", file.display()),
                key: format!("{key}/{number:06}.txt"),
                place: Place::Line {
                    file: Arc::clone(&shared),
                    number,
                    start,
                    bytes,
                },
            });
        }
        start += bytes as u64;
    }
    match to.len() > before {
        true => Ok(()),
        false => Err(DataError::Empty(file.to_owned())),
    }
}

/// The transcript and the reference in a line.
fn pair(line: &[u8]) -> Result<Pair, String> {
    let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
    let object: Map<String, Value> =
        serde_json::from_slice(line.trim_ascii()).map_err(|error| match error.is_data() {
            true => "it is no JSON object".to_owned(),
            false => format!("it is no JSON: column {}", error.column()),
        })?;
    let text = |names: &[&str], what: &str| {
        let found = names
            .iter()
            .find_map(|name| Some((name, object.get(*name)?)));
        let (name, value) = found.ok_or_else(|| format!("it has no {what}"))?;
        let text = value
            .as_str()
            .ok_or_else(|| format!("its `{name}` is no text"))?;
        match text.trim().is_empty() {
            true => Err(format!("its `{name}` is empty")),
            false => Ok(text.to_owned()),
        }
    };
    Ok(Pair {
        transcript: text(&TRANSCRIPT, "transcript")?.into(),
        reference: text(&REFERENCE, "reference")?,
    })
}

/// All texts of a value, in order.
fn texts<'a>(value: &'a Value, to: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => to.push(text),
        Value::Array(values) => values.iter().for_each(|value| texts(value, to)),
        Value::Object(members) => members.values().for_each(|value| texts(value, to)),
        _ => {}
    }
}

fn whole(path: &Path, max_bytes: u64) -> Result<Vec<u8>, DataError> {
    let read = File::open(path).and_then(|file| at_most(file, max_bytes));
    let bytes = read.map_err(unreadable(path))?;
    bytes.ok_or_else(|| DataError::TooLarge(path.to_owned(), max_bytes))
}

impl Record {
    /// Reads the transcript and its reference.
    pub(super) fn read(&self, max_bytes: u64) -> Result<Pair, DataError> {
        match &self.place {
            Place::Line {
                file,
                number,
                start,
                bytes,
            } => {
                let mut line = vec![0; *bytes];
                let mut read = || {
                    let mut file = File::open(file)?;
                    file.seek(SeekFrom::Start(*start))?;
                    file.read_exact(&mut line)
                };
                read().map_err(unreadable(file))?;
                pair(&line).map_err(|problem| DataError::Line(file.to_path_buf(), *number, problem))
            }
            Place::Pair {
                transcript,
                reference,
            } => Ok(Pair {
                transcript: whole(transcript, max_bytes)?,
                reference: reference_in(reference, max_bytes)?,
            }),
        }
    }
}

/// The text of a file with a reference.
fn reference_in(path: &Path, max_bytes: u64) -> Result<String, DataError> {
    let bytes = whole(path, max_bytes)?;
    let wrong = |problem: &str| DataError::Reference(path.to_owned(), problem.to_owned());
    let text = if path.extension().is_some_and(|ending| ending == "json") {
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes);
        let value = serde_json::from_slice(bytes).map_err(|_| wrong("it is no JSON"))?;
        let mut found = Vec::new();
        texts(&value, &mut found);
        found.join("\n")
    } else {
        let mut decoder = Decoder::default();
        let decoded = decoder.push(&bytes).and_then(|()| decoder.finish());
        decoded
            .map_err(|error| DataError::NotText(path.to_owned(), error))?
            .text
    };
    match text.trim().is_empty() {
        true => Err(wrong("it has no text")),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::chain;

    const MAX: u64 = 1000;

    fn found(files: &[(&str, &str)], data: &[&str]) -> Result<Vec<(String, Pair)>, String> {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let data: Vec<PathBuf> = data.iter().map(|name| dir.path().join(name)).collect();
        let shown = |text: &str| text.replace(&format!("{}/", dir.path().display()), "");
        let records = find(&data, MAX).map_err(|error| shown(&chain(&error)))?;
        let keys: HashSet<&String> = records.iter().map(|record| &record.key).collect();
        assert_eq!(keys.len(), records.len());
        let read = |record: &Record| (shown(&record.name), record.read(MAX).unwrap());
        Ok(records.iter().map(read).collect())
    }

    fn pair_of(transcript: &str, reference: &str) -> Pair {
        Pair {
            transcript: transcript.into(),
            reference: reference.to_owned(),
        }
    }

    #[test]
    fn lines_and_pairs_of_files_are_found() {
        let lines = "\u{feff}{\"dialogue\": \"A: Hi.\", \"summary\": \"A greets.\", \"id\": 7}\n\n\
                     {\"highlights\": \"B\", \"document\": \"b\"}\r\n{\"text\": \"c\\nd\", \"reference\": \"C\"}";
        let files = [
            ("set.jsonl", lines),
            ("a/call.txt", "A: Hello."),
            ("a/call.reference.txt", "A greets."),
            ("a/b/talk.vtt", "WEBVTT"),
            (
                "a/b/talk.ref.json",
                r#"{"general": ["One."], "specific": ["Two.", "Three."]}"#,
            ),
            ("a/without.txt", "nothing beside it"),
        ];
        let in_lines = [
            ("set.jsonl:1".to_owned(), pair_of("A: Hi.", "A greets.")),
            ("set.jsonl:3".to_owned(), pair_of("b", "B")),
            ("set.jsonl:4".to_owned(), pair_of("c\nd", "C")),
        ];
        let in_files = [
            (
                "a/b/talk.vtt".to_owned(),
                pair_of("WEBVTT", "One.\nTwo.\nThree."),
            ),
            ("a/call.txt".to_owned(), pair_of("A: Hello.", "A greets.")),
        ];
        assert_eq!(
            found(&files, &["set.jsonl", "set.jsonl"]).unwrap(),
            in_lines
        );
        assert_eq!(found(&files, &["a", "a/call.txt"]).unwrap(), in_files);
        assert_eq!(found(&files, &["a/call.txt"]).unwrap(), in_files[1..]);
        assert_eq!(found(&files, &["."]).unwrap().len(), 5);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let long = format!("{{\"text\": \"{}\", \"summary\": \"s\"}}", "x".repeat(1000));
        for (line, expected) in [
            (
                "[1]",
                "set.jsonl, line 2: it is no JSON object; expected an object with the texts",
            ),
            (
                "{\"text\": \"a\"",
                "set.jsonl, line 2: it is no JSON: column 12; expected",
            ),
            (
                "{\"text\": \"a\"}",
                "set.jsonl, line 2: it has no reference; expected",
            ),
            (
                "{\"summary\": \"a\"}",
                "set.jsonl, line 2: it has no transcript; expected",
            ),
            (
                "{\"text\": [\"a\"], \"summary\": \"a\"}",
                "set.jsonl, line 2: its `text` is no text; expected",
            ),
            (
                "{\"text\": \"a\", \"summary\": \" \"}",
                "set.jsonl, line 2: its `summary` is empty; expected",
            ),
            (
                &long,
                "set.jsonl, line 2: it has more than 1000 bytes, and no more are accepted (MAX_INPUT_BYTES)",
            ),
        ] {
            let content = format!("{{\"text\": \"a\", \"summary\": \"b\"}}\n{line}\n");
            let error = found(&[("set.jsonl", &content)], &["set.jsonl"]).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        let files = [
            ("empty.jsonl", "\n"),
            ("a.txt", "A: Hi."),
            ("b/b.txt", "B: Hi."),
            ("b/b.ref.json", "{}"),
            ("c/c.txt", "C: Hi."),
            ("c/c.reference.txt", " "),
            ("d/d.txt", "D: Hi."),
        ];
        for (data, expected) in [
            ("gone.jsonl", "gone.jsonl cannot be read: "),
            (
                "empty.jsonl",
                "empty.jsonl: there is nothing to evaluate in it",
            ),
            (
                "a.txt",
                "a.txt: it has no reference; expected NAME.reference.txt",
            ),
            ("b", "b/b.ref.json: it has no text; expected"),
            ("c", "c/c.reference.txt: "),
            (
                "d",
                "d: there is nothing to evaluate in it; expected files NAME.jsonl",
            ),
        ] {
            let error = found(&files, &[data]).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
