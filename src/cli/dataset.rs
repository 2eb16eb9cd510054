//! `dataset`: makes examples for fine-tuning out of what `--trace` has written, so that a small model learns from a large one.
//!
//! An example is a request with an answer that was used as it came. Left out are answers that were rejected, cut off or continued,
//! failed calls, texts that hold what looks like a key, and answers of the built-in model: who learns from those learns to quote. All examples of a transcript are on the same side of the split, or a model
//! would be validated on what it was taught. A transcript stays on its side as others are added, because its own digest decides;
//! only if a side would be empty does the transcript that is nearest to it change sides.

use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::chain::chain;
use crate::cli::display;
use crate::job::order::at_most;
use crate::prompt::Task;
use crate::provider::builtin;
use crate::secret::has_key;
use crate::text::number::{counted, grouped};

/// Traces that are larger are not read: they take a few times a context window.
const MAX_TRACE_BYTES: u64 = 256 << 20;

/// The sides of the split.
const FILES: [&str; 2] = ["train.jsonl", "validation.jsonl"];

#[derive(Debug, Args)]
pub(super) struct Dataset {
    /// Directories that were given to --trace.
    #[arg(value_name = "TRACE_DIR", required = true)]
    traces: Vec<PathBuf>,
    /// Put train.jsonl and validation.jsonl into this directory.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Share of the transcripts whose examples are for validation, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=50))]
    validation: u8,
    /// Replace the examples that are in --out.
    #[arg(long)]
    force: bool,
}

/// What is read of the trace of a call.
#[derive(Debug, Deserialize)]
struct Traced {
    etag: String,
    provider: String,
    task: String,
    system: String,
    user: String,
    answer: TracedAnswer,
    rejected: bool,
}

#[derive(Debug, Deserialize)]
struct TracedAnswer {
    text: Option<String>,
    #[serde(default)]
    cut_off: bool,
}

/// Why a call is no example.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unfit {
    Quoted,
    Failed,
    Rejected,
    CutOff,
    HasKey,
    Repeated,
}

impl Unfit {
    fn name(self) -> &'static str {
        match self {
            Self::Quoted => "quoted by the built-in model",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::CutOff => "cut off or continued",
            Self::HasKey => "with what looks like a key",
            Self::Repeated => "repeated",
        }
    }
}

/// An example: where it is traced, and of which transcript.
struct Example {
    path: PathBuf,
    transcript: u64,
}

/// Writes the data set, and returns how many of its files could not be written.
///
/// # Errors
/// If a trace cannot be read, or there is no example in them, or an earlier set would be replaced.
pub(super) fn dataset(arguments: &Dataset) -> Result<usize, Box<dyn Error>> {
    let out = arguments.out.display();
    let paths = FILES.map(|name| arguments.out.join(name));
    if !arguments.force && paths.iter().any(|path| path.exists()) {
        return Err(
            format!("--out {out}: it holds a data set: each needs a directory of its own; --force replaces it").into(),
        );
    }
    let (mut examples, mut unfit) = (Vec::new(), BTreeMap::new());
    let mut known = HashSet::new();
    for dir in &arguments.traces {
        for path in files_in(dir)? {
            let traced = read(&path)?;
            match example(&traced) {
                Ok(line) if known.insert(digest(&line)) => examples.push(Example {
                    path,
                    transcript: digest(&traced.etag),
                }),
                Ok(_) => *unfit.entry(Unfit::Repeated).or_insert(0) += 1,
                Err(why) => *unfit.entry(why).or_insert(0) += 1,
            }
        }
    }
    let left_out: Vec<String> = (unfit.iter())
        .map(|(why, count)| format!("{} {}", grouped(*count), why.name()))
        .collect();
    let left_out = left_out.join(", ");
    if examples.is_empty() {
        return Err(
            format!("the traces have no answer that was used as it came ({left_out})").into(),
        );
    }
    let transcripts: HashSet<u64> = examples.iter().map(|example| example.transcript).collect();
    let validation = validation(transcripts, arguments.validation);
    let mut failed = 0;
    for (path, is_validation) in paths.iter().zip([false, true]) {
        let of_side =
            |example: &&Example| validation.contains(&example.transcript) == is_validation;
        let of_side: Vec<&Example> = examples.iter().filter(of_side).collect();
        if let Err(error) = write(path, &of_side) {
            display::error(&format!("{}: {}", path.display(), chain(error.as_ref())));
            failed += 1;
            continue;
        }
        let transcripts: HashSet<u64> = of_side.iter().map(|example| example.transcript).collect();
        display::result(
            || {
                json!({
                    "file": path.display().to_string(),
                    "examples": of_side.len(),
                    "transcripts": transcripts.len(),
                })
            },
            || {
                format!(
                    "{}: {} of {}",
                    path.display(),
                    counted(of_side.len(), "example"),
                    counted(transcripts.len(), "transcript")
                )
            },
        );
    }
    if !left_out.is_empty() {
        display::print(&format!("  left out: {left_out}"));
    }
    Ok(failed)
}

/// The traces in a directory, sorted.
fn files_in(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let read = || {
        let entries = fs::read_dir(dir)?.map(|entry| Ok(entry?.path()));
        entries.collect::<io::Result<Vec<PathBuf>>>()
    };
    let wrong = |reason: &str| {
        format!(
            "{}: expected a directory that was given to --trace: {reason}",
            dir.display()
        )
    };
    let mut paths = read().map_err(|error| wrong(&chain(&error)))?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    if paths.is_empty() {
        return Err(wrong("it has no file NAME.json"));
    }
    paths.sort_unstable();
    Ok(paths)
}

fn read(path: &Path) -> Result<Traced, String> {
    let wrong = |reason: &str| {
        let path = path.display();
        format!(
            "{path}: expected a request and its answer as --trace of this version writes them: {reason}"
        )
    };
    let bytes = File::open(path).and_then(|file| at_most(file, MAX_TRACE_BYTES));
    let bytes = bytes.map_err(|error| wrong(&chain(&error)))?;
    let bytes = bytes.ok_or_else(|| wrong("it is too large"))?;
    serde_json::from_slice(&bytes).map_err(|error| wrong(&error.to_string()))
}

/// The call as a line of the data set.
fn example(traced: &Traced) -> Result<String, Unfit> {
    if traced.provider == builtin::CAPABILITIES.provider {
        return Err(Unfit::Quoted);
    }
    let text = traced.answer.text.as_deref().ok_or(Unfit::Failed)?;
    if traced.rejected || text.trim().is_empty() {
        return Err(Unfit::Rejected);
    }
    if traced.answer.cut_off || traced.task == Task::Continue.name() {
        return Err(Unfit::CutOff);
    }
    let messages = [
        ("system", &*traced.system),
        ("user", &*traced.user),
        ("assistant", text),
    ];
    if messages.iter().any(|(_, text)| has_key(text)) {
        return Err(Unfit::HasKey);
    }
    let messages = messages.iter().filter(|(_, text)| !text.is_empty());
    let messages = messages.map(|(role, content)| json!({"role": role, "content": content}));
    Ok(json!({ "messages": messages.collect::<Vec<_>>() }).to_string())
}

/// The first 64 bits of a digest.
fn digest(text: &str) -> u64 {
    let digest = Sha256::digest(text.as_bytes());
    let bytes = digest.iter().take(8);
    bytes.fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The transcripts whose examples are for validation.
fn validation(transcripts: HashSet<u64>, percent: u8) -> HashSet<u64> {
    let mut sorted: Vec<u64> = transcripts.into_iter().collect();
    sorted.sort_unstable();
    let limit = (u128::from(percent) << 64) / 100;
    let below = sorted.partition_point(|transcript| u128::from(*transcript) < limit);
    let count = match (sorted.len(), percent) {
        (0 | 1, _) | (_, 0) => 0,
        (all, _) => below.clamp(1, all - 1),
    };
    sorted.truncate(count);
    sorted.into_iter().collect()
}

/// Writes one side, all of it or nothing.
fn write(path: &Path, examples: &[&Example]) -> Result<(), Box<dyn Error>> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let unfinished = path.with_extension("jsonl.unfinished");
    let mut file = BufWriter::new(File::create(&unfinished)?);
    for Example { path, .. } in examples {
        if let Ok(line) = example(&read(path)?) {
            writeln!(file, "{line}")?;
        }
    }
    file.flush()?;
    Ok(fs::rename(&unfinished, path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traced(answer: &str) -> Traced {
        Traced {
            etag: "e".into(),
            provider: "huggingface".into(),
            task: "section".into(),
            system: "You write.".into(),
            user: "Write about this: <<<a>>>".into(),
            answer: TracedAnswer {
                text: Some(answer.into()),
                cut_off: false,
            },
            rejected: false,
        }
    }

    #[test]
    fn an_example_is_a_chat() {
        let expected = r#"{"messages":[{"content":"You write.","role":"system"},{"content":"Write about this: <<<a>>>","role":"user"},{"content":"It is \"late\".","role":"assistant"}]}"#;
        assert_eq!(example(&traced("It is \"late\".")).as_deref(), Ok(expected));
        let without_system = Traced {
            system: String::new(),
            ..traced("Yes.")
        };
        assert_eq!(example(&without_system).unwrap().matches("role").count(), 2);
    }

    #[test]
    fn what_was_not_used_as_it_came_is_no_example() {
        let mut failed = traced("");
        failed.answer.text = None;
        let mut rejected = traced("They met.");
        rejected.rejected = true;
        let mut cut_off = traced("They met and");
        cut_off.answer.cut_off = true;
        let mut continued = traced("then left.");
        continued.task = "continue".into();
        let key = format!("The key is hf_{}.", "a1".repeat(17));
        let quoted = Traced {
            provider: "extractive".into(),
            ..traced("Dana: They met.")
        };
        for (traced, expected) in [
            (quoted, Unfit::Quoted),
            (failed, Unfit::Failed),
            (rejected, Unfit::Rejected),
            (traced(" \n"), Unfit::Rejected),
            (cut_off, Unfit::CutOff),
            (continued, Unfit::CutOff),
            (traced(&key), Unfit::HasKey),
            (traced("-----BEGIN RSA PRIVATE KEY-----"), Unfit::HasKey),
        ] {
            assert_eq!(example(&traced), Err(expected), "{traced:?}");
        }
        // Words that only begin like one.
        assert!(example(&traced("sk-iing and hf_short1, AKIAN")).is_ok());
    }

    #[test]
    fn a_transcript_stays_on_its_side_as_others_are_added() {
        let all: Vec<u64> = (0..400)
            .map(|n| digest(&format!("transcript {n}")))
            .collect();
        let split = |count: usize| validation(all[..count].iter().copied().collect(), 10);
        let (few, many) = (split(200), split(400));
        assert!(
            few.is_subset(&many) && (20..60).contains(&many.len()),
            "{}",
            many.len()
        );
        assert!(
            all[..200]
                .iter()
                .all(|one| few.contains(one) == many.contains(one))
        );
        // No side is empty, unless there is nothing to divide.
        assert_eq!((split(1).len(), split(2).len()), (0, 1));
        assert_eq!(validation(all.iter().copied().collect(), 0).len(), 0);
    }
}
