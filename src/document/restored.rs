//! Reads a summary back from its report, so that what is missing beside it can be rendered without asking the model again.
//!
//! The report has everything that is printed, and the bytes of the source that it rests on, which lead back to spans of the
//! transcript. Whether the result is the published summary can be told by rendering it: reports of other versions of this
//! program may lack something.

use std::time::Duration;

use serde::Deserialize;

use crate::document::report::SpeechReport;
use crate::model::Usage;
use crate::provider::builtin;
use crate::summary::lists::{Entry, List, ListKind};
use crate::summary::people::Renaming;
use crate::summary::{Section, Source, Summary, Worker};
use crate::text::Span;
use crate::transcript::Transcript;

/// A summary with the statistics of its job.
#[derive(Debug)]
pub(crate) struct Restored {
    /// The entity tag of its source, if the report has one.
    pub(crate) etag: Option<String>,
    /// The run that wrote the report.
    pub(crate) run: Worker,
    pub(crate) summary: Summary,
    pub(crate) usage: Usage,
    pub(crate) speech: Option<SpeechReport>,
    pub(crate) duration: Duration,
}

/// What is read of a report.
#[derive(Deserialize)]
struct Stored {
    source: StoredSource,
    model: StoredModel,
    worker: Option<Worker>,
    generator: String,
    language: Option<String>,
    #[serde(default)]
    title: Option<String>,
    overview: Option<String>,
    #[serde(default)]
    speakers: Vec<StoredSpeaker>,
    #[serde(default)]
    people: Vec<StoredEntry>,
    #[serde(default)]
    decisions: Vec<StoredEntry>,
    #[serde(default)]
    positions: Vec<StoredEntry>,
    #[serde(default)]
    actions: Vec<StoredEntry>,
    #[serde(default)]
    open_questions: Vec<StoredEntry>,
    #[serde(default)]
    figures: Vec<StoredEntry>,
    #[serde(default)]
    terms: Vec<StoredEntry>,
    sections: Vec<StoredSection>,
    coverage: StoredCoverage,
    usage: Usage,
    speech: Option<SpeechReport>,
    warnings: Vec<String>,
    duration_ms: u64,
}

#[derive(Deserialize)]
struct StoredSource {
    etag: Option<String>,
}

#[derive(Deserialize)]
struct StoredModel {
    provider: String,
    model: Option<String>,
    context_tokens: Option<usize>,
}

#[derive(Deserialize)]
struct StoredSpeaker {
    name: Option<String>,
}

#[derive(Deserialize)]
struct StoredEntry {
    text: String,
    owner: Option<String>,
    due: Option<String>,
    status: Option<String>,
    #[serde(default)]
    sources: Vec<StoredPassage>,
}

#[derive(Deserialize)]
struct StoredSection {
    title: String,
    text: String,
    #[serde(default)]
    matters: Vec<String>,
    target_words: usize,
    chunks: Vec<usize>,
    byte_start: u64,
    time_start: Option<String>,
    #[serde(default)]
    passages: Vec<StoredPassage>,
    source: String,
    written_by: Option<String>,
}

#[derive(Deserialize)]
struct StoredPassage {
    byte_start: u64,
    byte_end: u64,
    time: Option<String>,
}

#[derive(Deserialize)]
struct StoredCoverage {
    chunks: usize,
    #[serde(default)]
    degraded: usize,
}

impl StoredSection {
    /// Where its stretches start in the text.
    fn starts(&self, transcript: &Transcript) -> Vec<usize> {
        if self.passages.is_empty() {
            return vec![transcript.place_of(self.byte_start, self.time_start.as_deref())];
        }
        let stretches = self.passages.iter();
        stretches.map(|stretch| stretch.start(transcript)).collect()
    }
}

impl StoredPassage {
    fn start(&self, transcript: &Transcript) -> usize {
        transcript.place_of(self.byte_start, self.time.as_deref())
    }

    fn span(&self, transcript: &Transcript) -> Span {
        let start = self.start(transcript);
        Span::from(start..transcript.place_of(self.byte_end, None).max(start))
    }
}

/// The audio files that a report names.
pub(crate) fn speech(report: &[u8]) -> serde_json::Result<Option<SpeechReport>> {
    #[derive(Deserialize)]
    struct Stored {
        speech: Option<SpeechReport>,
    }
    Ok(serde_json::from_slice::<Stored>(report)?.speech)
}

impl Worker {
    /// Whether its model was the built-in one, whose text consists of sentences from the transcript.
    pub(crate) fn quotes(&self) -> bool {
        self.provider == builtin::CAPABILITIES.provider
    }
}

/// Reads the report on a summary of `transcript`.
pub(crate) fn restore(report: &[u8], transcript: &Transcript) -> serde_json::Result<Restored> {
    let stored: Stored = serde_json::from_slice(report)?;
    let run = Worker {
        provider: stored.model.provider,
        model: stored.model.model,
        context_tokens: stored.model.context_tokens,
        usage: stored.usage,
        duration_ms: stored.duration_ms,
        generator: stored.generator,
    };
    let model_quotes = stored.worker.as_ref().unwrap_or(&run).quotes();
    let language = stored.language;
    let lists = [
        (ListKind::People, stored.people),
        (ListKind::Decisions, stored.decisions),
        (ListKind::Positions, stored.positions),
        (ListKind::Actions, stored.actions),
        (ListKind::OpenQuestions, stored.open_questions),
        (ListKind::Figures, stored.figures),
        (ListKind::Terms, stored.terms),
    ];
    let lists = lists.into_iter().filter(|(_, entries)| !entries.is_empty());
    let lists = lists.map(|(kind, entries)| {
        let entries = entries.into_iter().map(|entry| Entry {
            spans: entry
                .sources
                .iter()
                .map(|part| part.span(transcript))
                .collect(),
            text: entry.text,
            owner: entry.owner,
            due: entry.due,
            status: entry.status,
        });
        List::titled(kind, language.as_deref(), entries.collect())
    });
    let lists = lists.collect();
    // The stretches cover the transcript once, so each ends where the next one starts.
    let starts: Vec<Vec<usize>> = stored
        .sections
        .iter()
        .map(|section| section.starts(transcript))
        .collect();
    let mut ends = starts.concat();
    ends.push(transcript.text().len());
    ends.sort_unstable();
    let sections = stored
        .sections
        .into_iter()
        .zip(starts)
        .map(|(section, starts)| {
            let spans = starts.into_iter().map(|start| {
                let next = ends.partition_point(|&end| end <= start);
                Span::from(start..ends.get(next).copied().unwrap_or(start))
            });
            let spans: Vec<Span> = spans.collect();
            let times = spans
                .iter()
                .filter_map(|&span| transcript.passage(span).shown_times());
            Section {
                times: times.collect(),
                text: without_names(&section.text, &section.matters),
                title: section.title,
                matters: section.matters,
                target_words: section.target_words,
                chunks: section.chunks,
                spans,
                source: match section.source.as_str() {
                    "extractive" if !model_quotes => Source::Extractive,
                    _ => Source::Model,
                },
                written_by: section.written_by,
            }
        });
    let segments = &transcript.segments;
    let speakers = segments.speakers.iter().zip(&segments.labels);
    let renamings = speakers
        .zip(stored.speakers)
        .map(|((speaker, label), stored)| Renaming {
            label: speaker.clone(),
            name: stored.name.unwrap_or_else(|| label.clone()),
        });
    let sections: Vec<Section> = sections.collect();
    let extractive = sections
        .iter()
        .filter(|one| one.source == Source::Extractive);
    let extractive: usize = extractive.map(|section| section.chunks.len()).sum();
    Ok(Restored {
        etag: stored.source.etag,
        run,
        summary: Summary {
            unusable: Vec::new(),
            sections,
            // The report has only their number.
            unread: (extractive..stored.coverage.degraded).collect(),
            added_words: 0,
            renamings: renamings
                .filter(|renaming| renaming.label != renaming.name)
                .collect(),
            title: stored.title,
            overview: stored.overview,
            lists,
            chunks: stored.coverage.chunks,
            ratio: 1.0,
            is_translated: false,
            warnings: stored.warnings,
            worker: stored.worker,
            language,
        },
        usage: stored.usage,
        speech: stored.speech,
        duration: Duration::from_millis(stored.duration_ms),
    })
}

/// The prose of a section whose published text has names of matters in lines above their paragraphs.
fn without_names(body: &str, matters: &[String]) -> String {
    let mut paragraphs: Vec<String> = Vec::new();
    let mut name = None;
    for paragraph in body.split("\n\n") {
        match name.take() {
            None if matters.iter().any(|matter| matter == paragraph) => name = Some(paragraph),
            None => paragraphs.push(paragraph.to_owned()),
            Some(name) => paragraphs.push(format!("{name}: {paragraph}")),
        }
    }
    paragraphs.extend(name.map(str::to_owned));
    paragraphs.join("\n\n")
}
