//! The published results for one transcript. A [`Document`] is rendered as text and as a report; each rendering is an
//! [`Artifact`], published as an object of its own. Pure.

mod chapters;
mod markdown;
pub mod page;
pub mod report;
pub(crate) mod restored;
pub mod sources;
pub mod spoken;
pub mod text;

use std::time::Duration;

use bytes::Bytes;

use crate::document::report::{Report, SpeechReport};
use crate::document::sources::Sources;
use crate::model::{Capabilities, Usage};
use crate::prompt::Wishes;
use crate::store::{Location, ObjectInfo};
use crate::summary::{Plan, Prices, Summary};
use crate::text::words;
use crate::transcript::Transcript;

/// Key suffix of summaries. The summary is published last, so once it exists, all other artifacts do too.
pub const SUMMARY_ENDING: &str = "_summary.txt";

/// Key suffix of reports.
pub const REPORT_ENDING: &str = "_summary.json";

/// Key suffix of pages.
pub const PAGE_ENDING: &str = "_summary.html";

/// Key suffix of summaries in Markdown.
pub const MARKDOWN_ENDING: &str = "_summary.md";

/// Key suffix of chapters.
pub const CHAPTERS_ENDING: &str = "_chapters.vtt";

/// Key suffixes of what is published before the summary, in this order.
pub const EARLIER_ENDINGS: [&str; 4] =
    [REPORT_ENDING, PAGE_ENDING, MARKDOWN_ENDING, CHAPTERS_ENDING];

/// Which renderings are wanted besides the summary, its report, and the chapters of a transcript that has times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formats {
    /// A page to read it on.
    pub page: bool,
    /// The summary in Markdown.
    pub markdown: bool,
}

/// A summary with its source and statistics.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// The location of the transcript, or of the recording that it is of.
    pub at: &'a Location,
    /// The bucket of results.
    pub output_bucket: &'a str,
    /// Prefix of the keys of results.
    pub output_prefix: &'a str,
    /// The wanted renderings.
    pub formats: Formats,
    /// The properties of that object.
    pub info: &'a ObjectInfo,
    /// The sequencer of its event, if there is one.
    pub sequencer: Option<&'a str>,
    /// The key of the transcript, if the object is a recording.
    pub transcript_key: Option<&'a str>,
    /// The decoded transcript.
    pub transcript: &'a Transcript,
    /// The plan for the summary.
    pub plan: &'a Plan,
    /// The finished summary.
    pub summary: &'a Summary,
    /// How the summary is read out, if it is.
    pub speech: Option<&'a SpeechReport>,
    /// What the reader wished.
    pub wishes: &'a Wishes,
    /// The model that wrote it.
    pub model: &'a Capabilities,
    /// Model usage of the job.
    pub usage: Usage,
    /// Token prices, if configured.
    pub prices: Option<Prices>,
    /// Time since the job was first claimed.
    pub duration: Duration,
}

/// A rendering of a document: an object to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Suffix appended to the transcript's key.
    pub ending: &'static str,
    /// MIME type.
    pub content_type: &'static str,
    /// Contents.
    pub body: Bytes,
}

impl Document<'_> {
    /// All artifacts in the order of publication, and the report, which is the first of them.
    ///
    /// # Errors
    /// If the report cannot be serialized as JSON.
    pub fn artifacts(&self) -> Result<(Report, Vec<Artifact>), serde_json::Error> {
        let text = text::render(self.summary);
        let sources = Sources::of(self.transcript, self.summary);
        let mut report = Report::new(self, &text, &sources);
        let chapters = chapters::render(self.transcript, &self.summary.sections);
        let Formats { page, markdown } = self.formats;
        let beside = [
            page.then(|| Artifact {
                ending: PAGE_ENDING,
                content_type: "text/html; charset=utf-8",
                body: page::render(self, &sources, &report).into(),
            }),
            markdown.then(|| Artifact {
                ending: MARKDOWN_ENDING,
                content_type: "text/markdown; charset=utf-8",
                body: markdown::render(self, &report).into(),
            }),
            chapters.map(|chapters| Artifact {
                ending: CHAPTERS_ENDING,
                content_type: "text/vtt; charset=utf-8",
                body: chapters.into(),
            }),
            Some(Artifact {
                ending: SUMMARY_ENDING,
                content_type: "text/plain; charset=utf-8",
                body: text.into(),
            }),
        ];
        let beside: Vec<Artifact> = beside.into_iter().flatten().collect();
        let keys = beside.iter().map(|artifact| self.key(artifact.ending));
        report.artifacts = keys.collect();
        let mut artifacts = vec![Artifact {
            ending: REPORT_ENDING,
            content_type: "application/json",
            body: serde_json::to_vec_pretty(&report)?.into(),
        }];
        artifacts.extend(beside);
        Ok((report, artifacts))
    }

    /// What the summary is called.
    fn title(&self) -> String {
        title(self.summary, self.at)
    }

    /// The key of the artifact with this ending.
    fn key(&self, ending: &str) -> String {
        output_key(self.output_prefix, &self.at.key, ending)
    }
}

/// What the summary of the object `at` is called: its title, or the name of the object.
pub(crate) fn title(summary: &Summary, at: &Location) -> String {
    let title = summary.title.clone();
    title.unwrap_or_else(|| title_of(&at.key))
}

/// The key of a result for the object `key`. It includes the whole key, so no two objects share a result.
#[must_use]
pub fn output_key(prefix: &str, key: &str, ending: &str) -> String {
    format!("{prefix}{key}{ending}")
}

/// Whether a character of a text from outside is left out of what a person reads: control characters, and marks that override
/// the direction of reading.
pub(crate) fn is_hidden(c: char) -> bool {
    let is_override = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    is_override || (c.is_control() && !matches!(c, '\n' | '\t'))
}

/// A title for a key: the file's name, without its ending, and with blanks between words.
fn title_of(key: &str) -> String {
    let file = key.rsplit('/').find(|part| !part.is_empty()).unwrap_or(key);
    let stem = match file.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() <= 5 => stem,
        _ => file,
    };
    let letters: Vec<char> = stem.chars().collect();
    let is_letter = |at: Option<usize>| {
        at.and_then(|at| letters.get(at))
            .is_some_and(|c| c.is_alphabetic())
    };
    let spaced = letters.iter().enumerate().map(|(at, &c)| match c {
        '_' => ' ',
        '-' if is_letter(at.checked_sub(1)) && is_letter(at.checked_add(1)) => ' ',
        c => c,
    });
    let title = spaced.collect::<String>();
    match title.contains(char::is_alphanumeric) {
        true => words::capitalized(&title),
        false => "Transcript".to_owned(),
    }
}
