//! The calls that write a summary, several in flight, their answers taken in order.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use sha2::{Digest, Sha256};

use super::assemble::{self, Section, Summary};
use super::plan::{self, Limits, Plan, PlannedSection};
use crate::model::call::Caller;
use crate::model::{Model, ModelError};
use crate::prompt::{Request, Task};
use crate::transcript::Transcript;

/// Bytes shown of what was said just before a part.
const CONTEXT_BYTES: usize = 400;

/// Speakers named in a prompt at most.
const MAX_SPEAKERS: usize = 16;

/// How a summary is written.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the model allows.
    pub limits: Limits,
    /// Calls in flight at most.
    pub concurrency: usize,
    /// What the fences are derived from: the job's id.
    pub seed: String,
}

/// How far the work has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Chunks whose section has been written.
    pub done: usize,
    /// All chunks.
    pub chunks: usize,
}

/// A call that failed.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub struct WriteError {
    /// Which call.
    what: String,
    /// Why.
    pub source: ModelError,
}

/// Writes the summary that `plan` describes. `progress` is told after each chunk.
///
/// # Errors
/// If a call fails.
pub async fn write<M: Model>(
    transcript: &Transcript,
    plan: &Plan,
    settings: &Settings,
    caller: &Caller<'_, M>,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Summary, WriteError> {
    let parts = plan.sections.len();
    let mut written = stream::iter(plan.sections.iter().enumerate())
        .map(|(index, planned)| section(transcript, planned, (index, parts), settings, caller))
        .buffered(settings.concurrency);
    let mut sections = Vec::with_capacity(parts);
    while let Some(section) = written.try_next().await? {
        sections.push(section);
        progress(Progress {
            done: sections.len(),
            chunks: parts,
        });
    }
    drop(written);
    let overview = overview(plan, &sections, settings, caller).await?;
    Ok(Summary { overview, sections })
}

async fn section<M: Model>(
    transcript: &Transcript,
    planned: &PlannedSection,
    (index, parts): (usize, usize),
    settings: &Settings,
    caller: &Caller<'_, M>,
) -> Result<Section, WriteError> {
    let range = &planned.chunk.range;
    let time_span = transcript.turns.time_span(transcript.text(), range);
    let span_words = usize::from(time_span.is_some());
    let target = planned.target_words.saturating_sub(span_words).max(1);
    let request = Request {
        task: Task::Section,
        target_words: target,
        max_tokens: plan::max_tokens(target, &settings.limits),
        part: (index + 1, parts),
        time_span: time_span.map(|(from, to)| (from.to_owned(), to.to_owned())),
        speakers: speakers(transcript, planned),
        context: context(transcript, range.start).to_owned(),
        going_on: going_on(transcript, range.start),
        block: Arc::from(transcript.slice(&planned.chunk)),
        fence: fence(&settings.seed, index + 1),
    };
    let answer = caller.call(&request).await.map_err(|source| WriteError {
        what: format!("part {} of {parts}", index + 1),
        source,
    })?;
    Ok(assemble::section(&answer.text, &request, planned, index))
}

async fn overview<M: Model>(
    plan: &Plan,
    sections: &[Section],
    settings: &Settings,
    caller: &Caller<'_, M>,
) -> Result<Option<String>, WriteError> {
    if plan.overview_words == 0 {
        return Ok(None);
    }
    let bodies: Vec<&str> = sections
        .iter()
        .map(|section| section.text.as_str())
        .collect();
    let target = plan.overview_words.saturating_sub(1).max(1);
    let request = Request {
        task: Task::Overview,
        target_words: target,
        max_tokens: plan::max_tokens(target, &settings.limits),
        part: (0, sections.len()),
        time_span: None,
        speakers: Vec::new(),
        context: String::new(),
        going_on: None,
        block: Arc::from(bodies.join("\n\n")),
        fence: fence(&settings.seed, 0),
    };
    let answer = caller.call(&request).await.map_err(|source| WriteError {
        what: "the overview".to_owned(),
        source,
    })?;
    Ok(Some(answer.text.trim().to_owned()))
}

/// Who speaks in a part: the first of them, if there are many.
fn speakers(transcript: &Transcript, planned: &PlannedSection) -> Vec<String> {
    transcript
        .turns
        .speakers_in(&planned.chunk.range)
        .into_iter()
        .take(MAX_SPEAKERS)
        .map(str::to_owned)
        .collect()
}

/// What was said just before byte `start`: the last one or two turns, as far as they are short.
fn context(transcript: &Transcript, start: usize) -> &str {
    let text = transcript.text();
    let earliest = text.ceil_char_boundary(start.saturating_sub(CONTEXT_BYTES));
    let turns = transcript.turns.starting_in(&(earliest..start));
    let from = turns
        .len()
        .checked_sub(2)
        .and_then(|at| turns.get(at))
        .or(turns.first())
        .map(crate::transcript::Turn::start);
    // A turn that is longer than what is shown is cut at a word.
    let from = from.unwrap_or_else(|| {
        let cut = text
            .get(earliest..start)
            .and_then(|shown| shown.find(char::is_whitespace))
            .map_or(start, |at| earliest + at);
        if earliest == 0 { 0 } else { cut }
    });
    text.get(from..start).unwrap_or_default().trim()
}

/// Who is speaking at byte `start`, if that is in the middle of a turn.
fn going_on(transcript: &Transcript, start: usize) -> Option<String> {
    let turn = transcript
        .turns
        .at(start)
        .filter(|turn| turn.start() < start)?;
    transcript.turns.speaker(turn).map(str::to_owned)
}

/// Hex digits that nobody can foresee who does not know the job, the same whenever it is resumed.
fn fence(seed: &str, part: usize) -> String {
    let digest = Sha256::digest(format!("{seed}/{part}"));
    digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
