//! Writes prompts and answers to files, for debugging and to teach another model. They contain the transcript, so only the command
//! line enables this.
//!
//! A file is written as soon as its call has ended. Whether the answer is any good turns out later: the file of one that is rejected
//! is written again, with a mark.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::model::{Answer, Capabilities, Finish, ModelError};
use crate::prompt::{Prompt, Task};
use crate::store::private;

/// The member that marks an answer as rejected.
pub(crate) const REJECTED: &str = "rejected";

/// The member that tells why.
const REASON: &str = "reason";

/// Digits of a job's id in the names of its files.
const JOB_DIGITS: usize = 8;

/// Where the calls of a job are traced, and what they are about.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// The directory.
    pub dir: PathBuf,
    /// The job's id.
    pub job: String,
    /// The key of the transcript.
    pub transcript: String,
    /// Its entity tag, which tells equal transcripts.
    pub etag: String,
}

/// Writes the trace of one job.
#[derive(Debug)]
pub(crate) struct Tracer {
    trace: Trace,
    /// Who answers.
    provider: &'static str,
    model: Option<String>,
    /// The files of prompts, by the ids of these.
    written: Mutex<HashMap<String, PathBuf>>,
}

impl Tracer {
    /// A trace of calls that go to a model with these capabilities.
    pub(crate) fn new(trace: Trace, of: &Capabilities) -> Self {
        Self {
            trace,
            provider: of.provider,
            model: of.model.clone(),
            written: Mutex::default(),
        }
    }

    /// Writes the `number`-th prompt of the job and its outcome. If that fails, the answer, which was paid for, is used all the same.
    pub(crate) fn write(
        &self,
        number: usize,
        prompt: &Prompt,
        outcome: &Result<Answer, ModelError>,
    ) {
        let Trace {
            dir,
            job,
            transcript,
            etag,
        } = &self.trace;
        let request = prompt.request();
        // Half of an answer teaches nobody to write a whole one.
        let task = match prompt.goes_on() {
            true => Task::Continue.name(),
            false => request.task.name(),
        };
        let answer = match outcome {
            Ok(answer) => json!({
                "text": answer.text,
                "cut_off": answer.finish == Finish::Length,
                "usage": answer.usage,
            }),
            Err(error) => json!({ "error": error.to_string() }),
        };
        let content = json!({
            "job": job,
            "transcript": transcript,
            "etag": etag,
            "provider": self.provider,
            "model": self.model,
            "task": task,
            "part": request.part.0,
            "target_words": request.target_words.0,
            "max_tokens": prompt.max_tokens().0,
            "system": prompt.messages().system,
            "user": prompt.messages().user,
            "answer": answer,
            REJECTED: false,
        });
        let job = job.get(..JOB_DIGITS).unwrap_or(job);
        let name = format!("{job}-{number:04}-{task}-{:03}.json", request.part.0);
        let path = dir.join(name);
        let written = || {
            private::create_folder(dir)?;
            // An earlier run may have made as many calls.
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            private::create_file(&path)?.write_all(format!("{content:#}").as_bytes())
        };
        if let Err(error) = written() {
            tracing::warn!(%error, path = %path.display(), "could not write a trace");
            return;
        }
        let mut files = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(prompt.id(), path);
    }

    /// Marks the answer to `prompt` as rejected for this reason. Does nothing if it came from the ledger: the run that got it has marked it.
    pub(crate) fn reject(&self, prompt: &Prompt, reason: &str) {
        let files = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(path) = files.get(&prompt.id()) else {
            return;
        };
        let mark = || {
            let mut content: Value = serde_json::from_slice(&fs::read(path)?)?;
            if let Value::Object(members) = &mut content {
                members.insert(REJECTED.to_owned(), true.into());
                // The first reason is the most precise one.
                members
                    .entry(REASON.to_owned())
                    .or_insert_with(|| reason.into());
            }
            fs::write(path, format!("{content:#}"))
        };
        mark().unwrap_or_else(|error: io::Error| {
            tracing::warn!(%error, path = %path.display(), "could not mark an answer as rejected in the trace");
        });
    }
}
