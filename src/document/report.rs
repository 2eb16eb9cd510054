//! The JSON formats of the report next to a summary, and of the error report if there is no summary.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::document::Document;
use crate::document::sources::{Cited, Sources};
use crate::model::Usage;
use crate::prompt::Wishes;
use crate::summary::lists::ListKind;
use crate::summary::{Section, Source, Summary, Worker};
use crate::text::corrections::Entry;
use crate::text::number::counted;
use crate::text::{Span, words};
use crate::transcript::Transcript;

/// The contents of `_summary.json`. Counts are integers, durations are in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Version of this format.
    pub version: u32,
    /// The transcript.
    pub source: SourceReport,
    /// Length of the summary.
    pub summary: SummaryReport,
    /// The model that wrote it.
    pub model: ModelReport,
    /// The language of the summary as a code: the one that was wished, or that of the transcript, as its format or its words tell.
    pub language: Option<String>,
    /// The speakers in order of first appearance.
    pub speakers: Vec<SpeakerReport>,
    /// What the summary is called, if the model gave it a title.
    pub title: Option<String>,
    /// The overview.
    pub overview: Option<String>,
    /// What the sections are about: their headings, without the time spans.
    pub topics: Vec<String>,
    /// The people named in the outline, with their roles.
    pub people: Vec<EntryReport>,
    /// What was decided.
    pub decisions: Vec<EntryReport>,
    /// What was settled before or refused.
    pub positions: Vec<EntryReport>,
    /// What somebody is to do.
    pub actions: Vec<EntryReport>,
    /// Questions that nobody answered.
    pub open_questions: Vec<EntryReport>,
    /// Numbers that matter.
    pub figures: Vec<EntryReport>,
    /// Terms with their meaning.
    pub terms: Vec<EntryReport>,
    /// The sections in order. Byte ranges refer to the source object.
    pub sections: Vec<SectionReport>,
    /// How much of the transcript the summary covers.
    pub coverage: CoverageReport,
    /// Model usage.
    pub usage: Usage,
    /// Warnings for the reader.
    pub warnings: Vec<String>,
    /// What the reader wished.
    pub wishes: WishesReport,
    /// The worker that wrote it as a whole, if one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker: Option<Worker>,
    /// The audio files in which the summary is read out, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speech: Option<SpeechReport>,
    /// Keys of the objects that were written beside this report, in the same bucket: page, Markdown and chapters, where there are
    /// any, and the summary.
    pub artifacts: Vec<String>,
    /// Wall-clock duration of the job in milliseconds.
    pub duration_ms: u64,
    /// Name and version of this program.
    pub generator: String,
}

/// The source object.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SourceReport {
    /// Bucket.
    pub bucket: String,
    /// Key, decoded.
    pub key: String,
    /// Entity tag.
    pub etag: Option<String>,
    /// Version id, if the bucket is versioned.
    pub version_id: Option<String>,
    /// The sequencer of its event, if S3 told of it: it tells two uploads of the same bytes apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequencer: Option<String>,
    /// Size in bytes.
    pub bytes: Option<u64>,
    /// Key of the transcript in the same bucket, if the object is a recording. Byte offsets refer to the transcript.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcript_key: Option<String>,
    /// Words spoken, without names, time stamps and markup.
    pub words: Option<u64>,
    /// Encoding it was decoded from.
    pub encoding: Option<String>,
    /// Format it was read as, such as `plain`, `webvtt` or `amazon-transcribe`.
    pub format: Option<String>,
    /// Mean recognition confidence from 0 to 1, where the format has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
}

/// The audio files in which a summary is read out. They are written by the service of speech, about a minute after this report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeechReport {
    /// Their bucket.
    pub bucket: String,
    /// Their keys, in order: one, unless the summary is very long.
    pub keys: Vec<String>,
    /// The voice.
    pub voice: String,
}

/// A speaker's share of the talk.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpeakerReport {
    /// Label in the transcript.
    pub label: String,
    /// Name in the summary, if it is not the label.
    pub name: Option<String>,
    /// Number of turns.
    pub turns: usize,
    /// Words spoken.
    pub words: usize,
    /// Seconds spoken, where the transcript has times.
    pub seconds: Option<f64>,
}

/// The summary's length in words.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SummaryReport {
    /// Words of the published text, headings included.
    pub words: usize,
    /// Target length in words.
    pub target_words: usize,
    /// Whether the target was reduced because the transcript is too short for the requested length.
    pub target_reduced: bool,
    /// (words − target) ÷ target.
    pub deviation: f64,
}

/// The model that wrote the summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelReport {
    /// Provider name, as in `MODEL_PROVIDER`.
    pub provider: String,
    /// Model id, if any.
    pub model: Option<String>,
    /// Context window in tokens, if limited.
    pub context_tokens: Option<usize>,
}

/// One section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SectionReport {
    /// Heading, without the time span.
    pub title: String,
    /// The prose, with the names of matters in lines of their own.
    pub text: String,
    /// The names of matters in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub matters: Vec<String>,
    /// Its sentences and items of lists, in order. Names of matters, which stand in lines of their own, are none.
    pub sentences: Vec<SentenceReport>,
    /// First and last time of its part, where the transcript has times.
    pub time_start: Option<String>,
    /// See `time_start`.
    pub time_end: Option<String>,
    /// Words, heading included.
    pub words: usize,
    /// Target length in words.
    pub target_words: usize,
    /// The chunks it was written from.
    pub chunks: Vec<usize>,
    /// Start of its part of the source object, as a byte offset. The parts cover the object once, in order, unless a section is
    /// about several `passages`. Where what was said
    /// stands in another order, as in a file with one channel of a recording after the other, some of it stands before its part.
    pub byte_start: u64,
    /// End of its part (exclusive), as a byte offset.
    pub byte_end: u64,
    /// Where people came back to the matter: the stretches that the section is about, which lie apart.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passages: Vec<PassageReport>,
    /// `model` or `extractive`.
    pub source: &'static str,
    /// The name of the fallback model, if that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written_by: Option<String>,
}

/// A sentence, with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SentenceReport {
    /// The printed text.
    pub text: String,
    /// The passages that it rests on, the better one first. Empty if nothing that was said is close enough.
    pub sources: Vec<PassageReport>,
}

/// An entry of a list, with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryReport {
    /// The printed text.
    pub text: String,
    /// Who is to act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// By when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<String>,
    /// `promised`, `in progress` or `expected`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The passages that it rests on.
    pub sources: Vec<PassageReport>,
}

/// A passage of the transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PassageReport {
    /// Its start in the source object, as a byte offset.
    pub byte_start: u64,
    /// Its end (exclusive).
    pub byte_end: u64,
    /// The time at which it starts, where the transcript has times.
    pub time: Option<String>,
    /// The label of its first speaker.
    pub speaker: Option<String>,
}

/// What the reader wished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WishesReport {
    /// The language to write in as a code; `null` for that of the transcript.
    pub language: Option<String>,
    /// Whether there were instructions.
    pub instructions: bool,
    /// The entries of `GLOSSARY` and `SPEAKER_NAMES` that were found in the transcript.
    pub corrections: Vec<CorrectionReport>,
    /// What other entries would have replaced.
    pub not_found: Vec<String>,
}

/// An entry of a list of corrections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CorrectionReport {
    /// What the transcript has.
    pub heard: String,
    /// What replaced it.
    pub right: String,
    /// How often it was found; of a speaker's label, in how many turns.
    pub count: usize,
}

/// How much of the transcript the summary covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CoverageReport {
    /// Chunks of the transcript.
    pub chunks: usize,
    /// Chunks used in a section.
    pub summarized: usize,
    /// Chunks of extractive sections.
    pub degraded: usize,
}

/// The contents of `_error.json`: the reason there is no summary, and the next step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ErrorReport {
    /// Version of this format.
    pub version: u32,
    /// The transcript, as far as it was read.
    pub source: SourceReport,
    /// Kind of error, for programs.
    pub kind: String,
    /// Error message.
    pub message: String,
    /// Whether a retry can succeed without a new upload.
    pub retryable: bool,
    /// Suggested next step.
    pub next_step: String,
}

/// The version of both formats.
pub const FORMAT_VERSION: u32 = 1;

/// A summary that is further off its target, in percent, gets a warning.
const MOST_OFF_PERCENT: usize = 5;

/// Name and version of this program, as in reports.
pub const GENERATOR: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

impl Report {
    /// Creates the report on a document whose published text is `text`.
    pub(crate) fn new(document: &Document<'_>, text: &str, sources: &Sources) -> Self {
        let (transcript, plan, summary) = (document.transcript, document.plan, document.summary);
        let (at, info, model) = (document.at, document.info, document.model);
        let words = words::count(text);
        let target = plan.target_words.0;
        let chunks = |counts: fn(&Section) -> bool| {
            let sections = summary.sections.iter().filter(|section| counts(section));
            sections.map(|section| section.chunks.len()).sum()
        };
        let list = |kind| EntryReport::all(summary, transcript, sources, kind);
        let sections = summary.sections.iter().zip(&sources.sections);
        let titles = summary.sections.iter().map(|section| section.title.clone());
        let spoken = &transcript.spoken;
        let mut warnings = spoken.warnings.clone();
        warnings.extend(summary.warnings.iter().cloned());
        if plan.target_reduced {
            warnings.push(format!(
                "the transcript has {}, too few for a longer summary without padding: the target was reduced to {target}",
                counted(spoken.words, "word")
            ));
        }
        if plan.shown_tokens.is_some() {
            warnings.push(
                "MAX_MODEL_CALLS is too low for the whole text: the model was shown only the most informative sentences of each \
                 part"
                    .to_owned(),
            );
        }
        // Of a translation that stays short a warning says so already.
        let is_told = summary.is_translated && words < target;
        warnings.extend(off_target(words, target).filter(|_| !is_told));
        // A restored summary has all warnings of its report.
        let mut told = HashSet::new();
        warnings.retain(|warning| told.insert(warning.clone()));
        Self {
            version: FORMAT_VERSION,
            source: SourceReport {
                bucket: at.bucket.clone(),
                key: at.key.clone(),
                etag: Some(info.etag.clone()),
                version_id: info.version_id.clone(),
                sequencer: document.sequencer.map(str::to_owned),
                bytes: Some(info.size),
                transcript_key: document.transcript_key.map(str::to_owned),
                words: Some(spoken.words as u64),
                encoding: Some(spoken.encoding.to_owned()),
                format: Some(spoken.format.to_owned()),
                confidence: spoken.confidence.map(|percent| f64::from(percent) / 100.0),
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
                context_tokens: model.context_tokens.map(|tokens| tokens.0),
            },
            language: summary.language.clone(),
            speakers: SpeakerReport::all(transcript, summary),
            title: summary.title.clone(),
            overview: summary.overview.clone(),
            topics: titles.collect(),
            people: list(ListKind::People),
            decisions: list(ListKind::Decisions),
            positions: list(ListKind::Positions),
            actions: list(ListKind::Actions),
            open_questions: list(ListKind::OpenQuestions),
            figures: list(ListKind::Figures),
            terms: list(ListKind::Terms),
            sections: sections
                .map(|(section, cited)| {
                    SectionReport::new(section, cited, transcript, model.quotes)
                })
                .collect(),
            coverage: CoverageReport {
                chunks: summary.chunks,
                summarized: chunks(|_| true),
                // Nothing stands in for a model that quotes.
                degraded: match model.quotes {
                    true => 0,
                    false => {
                        chunks(|section| section.source == Source::Extractive)
                            + summary.unread.len()
                    }
                },
            },
            usage: document.usage,
            warnings,
            wishes: WishesReport::new(document.wishes),
            worker: summary.worker.clone(),
            speech: document.speech.cloned(),
            artifacts: Vec::new(),
            duration_ms: u64::try_from(document.duration.as_millis()).unwrap_or(u64::MAX),
            generator: GENERATOR.to_owned(),
        }
    }
}

/// A warning if a summary of `words` words is more than 5 % off its target.
fn off_target(words: usize, target: usize) -> Option<String> {
    let percent = (words.abs_diff(target) * 100).div_ceil(target.max(1));
    let (compared, cause) = if words < target {
        (
            "fewer",
            "the transcript has too few different sentences to fill the rest",
        )
    } else {
        (
            "more",
            "it cannot be cut further without losing a part of the transcript",
        )
    };
    (percent > MOST_OFF_PERCENT).then(|| {
        format!(
            "the summary has {}, {percent} % {compared} than its target of {target}: {cause}",
            counted(words, "word")
        )
    })
}

impl SpeakerReport {
    fn all(transcript: &Transcript, summary: &Summary) -> Vec<Self> {
        let segments = &transcript.segments;
        // There may be tens of thousands. The first one of a label counts.
        let renamings = summary.renamings.iter().rev();
        let names: HashMap<&str, &String> = renamings
            .map(|renaming| (&*renaming.label, &renaming.name))
            .collect();
        let name = |speaker: &String, label: &String| {
            let name = names.get(&**speaker).copied().unwrap_or(speaker);
            (name != label).then(|| name.clone())
        };
        let speakers = segments.speakers.iter().zip(&segments.labels);
        let talk = speakers.zip(&transcript.spoken.talk);
        talk.map(|((speaker, label), talk)| Self {
            label: label.clone(),
            name: name(speaker, label),
            turns: talk.turns,
            words: talk.words,
            seconds: (talk.seconds > 0.0).then_some(talk.seconds.round()),
        })
        .collect()
    }
}

impl WishesReport {
    fn new(wishes: &Wishes) -> Self {
        let entries = wishes.corrections.entries();
        let (found, missed): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| entry.found > 0);
        let correction = |entry: &Entry| CorrectionReport {
            heard: entry.heard.clone(),
            right: entry.right.clone(),
            count: entry.found,
        };
        Self {
            language: wishes.language.as_ref().map(ToString::to_string),
            instructions: !wishes.instructions.is_empty(),
            corrections: found.into_iter().map(correction).collect(),
            not_found: missed.iter().map(|entry| entry.heard.clone()).collect(),
        }
    }
}

impl EntryReport {
    fn all(
        summary: &Summary,
        transcript: &Transcript,
        sources: &Sources,
        kind: ListKind,
    ) -> Vec<Self> {
        let lists = summary.lists.iter().zip(&sources.lists);
        let lists = lists.filter(|(list, _)| list.kind == kind);
        let entries = lists.flat_map(|(list, cited)| list.entries.iter().zip(cited));
        entries
            .map(|(entry, cited)| Self {
                text: entry.text.clone(),
                owner: entry.owner.clone(),
                due: entry.due.clone(),
                status: entry.status.clone(),
                sources: match &entry.spans[..] {
                    [] => PassageReport::all(&cited.passages, transcript),
                    of_outline => PassageReport::all(of_outline, transcript),
                },
            })
            .collect()
    }
}

impl SentenceReport {
    /// The sentences of a text.
    fn all(text: &str, cited: &[Cited], transcript: &Transcript) -> Vec<Self> {
        let sentences = cited.iter().map(|Cited { at, passages }| Self {
            text: Span::from(at.clone()).of(text).to_owned(),
            sources: PassageReport::all(passages, transcript),
        });
        sentences.collect()
    }
}

impl PassageReport {
    fn all(spans: &[Span], transcript: &Transcript) -> Vec<Self> {
        let spans = spans.iter();
        spans.map(|&span| Self::new(span, transcript)).collect()
    }

    fn new(span: Span, transcript: &Transcript) -> Self {
        let (bytes, passage) = (transcript.source_bytes(span), transcript.passage(span));
        Self {
            byte_start: bytes.start,
            byte_end: bytes.end,
            time: passage.time_span().map(|(from, _)| from.to_string()),
            speaker: passage
                .speakers()
                .first()
                .map(|name| transcript.segments.label(name).to_owned()),
        }
    }
}

impl SectionReport {
    fn new(
        section: &Section,
        cited: &[Cited],
        transcript: &Transcript,
        model_quotes: bool,
    ) -> Self {
        let first = section.spans.first().copied().unwrap_or_default();
        let last = section.spans.last().copied().unwrap_or_default();
        let bytes = transcript.source_bytes((first.start..last.end).into());
        let stretches = match &section.spans[..] {
            [_] => &[],
            several => several,
        };
        let text = section.body();
        Self {
            title: section.title.clone(),
            matters: section.matters.clone(),
            sentences: SentenceReport::all(&text, cited, transcript),
            text,
            time_start: section.times.first().map(|(from, _)| from.clone()),
            time_end: section.times.last().map(|(_, until)| until.clone()),
            words: section.words(),
            target_words: section.target_words,
            chunks: section.chunks.clone(),
            byte_start: bytes.start,
            byte_end: bytes.end,
            passages: PassageReport::all(stretches, transcript),
            source: match section.source {
                Source::Model if !model_quotes => "model",
                Source::Model | Source::Extractive => "extractive",
            },
            written_by: section.written_by.clone(),
        }
    }
}
