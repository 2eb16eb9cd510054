//! The published results for one transcript. A [`Document`] is rendered as text and as a report; each rendering is an
//! [`Artifact`], published as an object of its own. Pure.

pub mod report;
pub mod sources;
pub mod text;

use std::time::Duration;

use bytes::Bytes;

use crate::document::report::Report;
use crate::document::sources::Sources;
use crate::model::{Capabilities, Usage};
use crate::prompt::Wishes;
use crate::store::{Location, ObjectInfo};
use crate::summary::{Plan, Summary};
use crate::transcript::Transcript;

/// Key suffix of summaries. The summary is published last, so once it exists, all other artifacts do too.
pub const SUMMARY_ENDING: &str = "_summary.txt";

/// A summary with its source and statistics.
#[derive(Debug, Clone, Copy)]
pub struct Document<'a> {
    /// The transcript's location.
    pub at: &'a Location,
    /// The transcript's object properties.
    pub info: &'a ObjectInfo,
    /// The decoded transcript.
    pub transcript: &'a Transcript,
    /// The plan for the summary.
    pub plan: &'a Plan,
    /// The finished summary.
    pub summary: &'a Summary,
    /// What the reader wished.
    pub wishes: &'a Wishes,
    /// The model that wrote it.
    pub model: &'a Capabilities,
    /// Model usage of the job.
    pub usage: Usage,
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
    /// All artifacts in the order of publication, and the report, which is one of them.
    ///
    /// # Errors
    /// If the report cannot be serialized as JSON.
    pub fn artifacts(&self) -> Result<(Report, Vec<Artifact>), serde_json::Error> {
        let text = text::render(self.summary);
        let sources = Sources::of(self.transcript, self.summary);
        let report = Report::new(self, &text, &sources);
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
