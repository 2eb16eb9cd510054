//! What is delivered about one transcript. A [`Document`] is rendered as text and as a report; each rendering becomes an
//! [`Artifact`], an object beside the others. Pure.

pub mod report;
pub mod text;

use std::time::Duration;

use bytes::Bytes;

use crate::document::report::Report;
use crate::model::{Capabilities, Usage};
use crate::store::{Location, ObjectInfo};
use crate::summary::{Plan, Summary};
use crate::transcript::Transcript;

/// Ending of the key of a summary. It is published last: whoever sees it finds everything else.
pub const SUMMARY_ENDING: &str = "_summary.txt";

/// A summary, with where it came from and what it took.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// Where the transcript is.
    pub at: &'a Location,
    /// The transcript as an object.
    pub info: &'a ObjectInfo,
    /// The transcript as text.
    pub transcript: &'a Transcript,
    /// What was to be written.
    pub plan: &'a Plan,
    /// What was written.
    pub summary: &'a Summary,
    /// The model that wrote it.
    pub model: &'a Capabilities,
    /// What its calls used.
    pub usage: Usage,
    /// From the first claim of the job to now.
    pub duration: Duration,
}

/// A rendering of a document: an object to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Put behind the key of the transcript.
    pub ending: &'static str,
    /// MIME type.
    pub content_type: &'static str,
    /// Its bytes.
    pub body: Bytes,
}

impl Document<'_> {
    /// All artifacts in the order in which they are published, and the report that is one of them.
    ///
    /// # Errors
    /// If the report cannot be put into JSON.
    pub fn artifacts(&self) -> Result<(Report, Vec<Artifact>), serde_json::Error> {
        let text = text::render(self.summary);
        let report = Report::new(self, &text);
        let artifacts = vec![
            Artifact {
                ending: "_summary.json",
                content_type: "application/json",
                body: serde_json::to_vec_pretty(&report)?.into(),
            },
            Artifact {
                ending: SUMMARY_ENDING,
                content_type: "text/plain; charset=utf-8",
                body: text.into(),
            },
        ];
        Ok((report, artifacts))
    }
}
