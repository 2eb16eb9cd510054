//! The report beside a summary, and the error report where there is no summary: their JSON formats.

use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::summary::{Section, Source};
use crate::text::words;
use crate::transcript::Transcript;

/// `_summary.json`. All counts are integers, durations in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Version of this format.
    pub version: u32,
    /// The transcript.
    pub source: SourceReport,
    /// The summary's length.
    pub summary: SummaryReport,
    /// What wrote it.
    pub model: ModelReport,
    /// Its sections, in order; their byte ranges are of the source object.
    pub sections: Vec<SectionReport>,
    /// How much of the transcript is in it.
    pub coverage: CoverageReport,
    /// What it took.
    pub usage: UsageReport,
    /// What a reader should know.
    pub warnings: Vec<String>,
    /// Wall time of the job.
    pub duration_ms: u64,
    /// Program and version.
    pub generator: String,
}

/// The source object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceReport {
    /// Bucket.
    pub bucket: String,
    /// Key, decoded.
    pub key: String,
    /// Entity tag.
    pub etag: Option<String>,
    /// Version, in buckets that keep them.
    pub version_id: Option<String>,
    /// Length.
    pub bytes: Option<u64>,
    /// Words of the text.
    pub words: Option<u64>,
    /// Encoding it was read in.
    pub encoding: Option<String>,
}

/// The summary's length in words.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SummaryReport {
    /// Words of the published text, headings included.
    pub words: usize,
    /// Words it should have.
    pub target_words: usize,
    /// The transcript was too short for the length that was asked for.
    pub target_reduced: bool,
    /// (words − target) ÷ target.
    pub deviation: f64,
}

/// What wrote the summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelReport {
    /// The name that `MODEL_PROVIDER` has for it.
    pub provider: String,
    /// The model's id, where there is one.
    pub model: Option<String>,
    /// Its window, where it has one.
    pub context_tokens: Option<usize>,
}

/// One section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionReport {
    /// Heading without the time span.
    pub title: String,
    /// Words, heading included.
    pub words: usize,
    /// Words it should have.
    pub target_words: usize,
    /// Chunks it was written from.
    pub chunks: Vec<usize>,
    /// First byte of its part of the source object.
    pub byte_start: u64,
    /// Byte after its part.
    pub byte_end: u64,
    /// `model` or `extractive`.
    pub source: String,
}

/// How much of the transcript is in the summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoverageReport {
    /// Chunks of the transcript.
    pub chunks: usize,
    /// Chunks that a section was written from.
    pub summarized: usize,
    /// Chunks of sections that the model did not write.
    pub degraded: usize,
}

/// What the summary took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageReport {
    /// Requests sent to the model.
    pub calls: usize,
    /// Of these, sent again after a refusal or failure.
    pub retries: usize,
    /// Of these, sent again though the first may have been billed.
    pub resubmitted: usize,
    /// Tokens of all prompts, as far as reported.
    pub prompt_tokens: u64,
    /// Tokens of all answers, as far as reported.
    pub completion_tokens: u64,
}

/// `_error.json`: why there is no summary, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReport {
    /// Version of this format.
    pub version: u32,
    /// The transcript, as far as it was read.
    pub source: SourceReport,
    /// What kind of error, for machines.
    pub kind: String,
    /// What happened.
    pub message: String,
    /// Whether it can work later without a new upload.
    pub retryable: bool,
    /// What to do about it.
    pub next_step: String,
}

/// The version of both formats.
pub const FORMAT_VERSION: u32 = 1;

/// This program, as reports name it.
pub const GENERATOR: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

impl Report {
    /// The report on a document whose published text is `text`.
    #[must_use]
    pub(crate) fn new(document: &Document<'_>, text: &str) -> Self {
        let Document {
            at,
            info,
            transcript,
            plan,
            summary,
            model,
            usage,
            duration,
        } = document;
        let words = words::count(text);
        let target = plan.target_words;
        let chunks = |counts: fn(&Section) -> bool| {
            let sections = summary.sections.iter().filter(|section| counts(section));
            sections.map(|section| section.chunks.len()).sum()
        };
        let mut warnings = summary.warnings.clone();
        if plan.target_reduced {
            warnings.push(format!(
                "the transcript has {} words, too few for a longer summary without padding: the target was reduced to {target}",
                transcript.words
            ));
        }
        if plan.shown_tokens.is_some() {
            warnings.push(
                "MAX_MODEL_CALLS would not have been enough for the whole text: of each part only its most telling sentences \
                 were shown to the model"
                    .to_owned(),
            );
        }
        Self {
            version: FORMAT_VERSION,
            source: SourceReport {
                bucket: at.bucket.clone(),
                key: at.key.clone(),
                etag: Some(info.etag.clone()),
                version_id: info.version_id.clone(),
                bytes: Some(info.size),
                words: Some(transcript.words as u64),
                encoding: Some(transcript.decoded.encoding.to_owned()),
            },
            summary: SummaryReport {
                words,
                target_words: target,
                target_reduced: plan.target_reduced,
                deviation: (words as f64 - target as f64) / target as f64,
            },
            model: ModelReport {
                provider: model.provider.to_owned(),
                model: model.model.clone(),
                context_tokens: model.context_tokens,
            },
            sections: summary
                .sections
                .iter()
                .map(|section| SectionReport::new(section, transcript, model.quotes))
                .collect(),
            coverage: CoverageReport {
                chunks: plan.chunks.len(),
                summarized: chunks(|_| true),
                degraded: chunks(|section| section.source == Source::Extractive),
            },
            usage: UsageReport {
                calls: usage.calls,
                retries: usage.retries,
                resubmitted: usage.resubmitted,
                prompt_tokens: usage.prompt_tokens,
                completion_tokens: usage.completion_tokens,
            },
            warnings,
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
            generator: GENERATOR.to_owned(),
        }
    }
}

impl SectionReport {
    fn new(section: &Section, transcript: &Transcript, model_quotes: bool) -> Self {
        let bytes = transcript.source_bytes(section.span);
        Self {
            title: section.title.clone(),
            words: section.words(),
            target_words: section.target_words,
            chunks: section.chunks.clone(),
            byte_start: bytes.start,
            byte_end: bytes.end,
            source: match section.source {
                Source::Model if !model_quotes => "model",
                Source::Model | Source::Extractive => "extractive",
            }
            .to_owned(),
        }
    }
}
