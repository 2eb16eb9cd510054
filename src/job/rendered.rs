//! Renders the document of a job: what is published.

use std::sync::Arc;
use std::time::Duration;

use crate::aside::aside;
use crate::document::report::{Report, SpeechReport};
use crate::document::{Artifact, Document, Formats};
use crate::job::upload::JobSource;
use crate::job::{App, JobError, Order};
use crate::model::Usage;
use crate::summary::{Plan, Summary};
use crate::transcript::Transcript;

/// A finished summary with what is told beside it.
#[derive(Clone, Copy)]
pub(crate) struct Finished<'a> {
    pub(crate) source: &'a JobSource<'a>,
    pub(crate) transcript: &'a Transcript,
    pub(crate) plan: &'a Plan,
    pub(crate) order: &'a Order,
    /// The wanted renderings.
    pub(crate) formats: Formats,
    pub(crate) summary: &'a Summary,
    pub(crate) speech: Option<&'a SpeechReport>,
    pub(crate) usage: Usage,
    /// Time since the job was first claimed.
    pub(crate) duration: Duration,
}

impl App {
    /// The report, and all artifacts in the order of publication. The sources of each sentence are looked for in the whole
    /// transcript, which takes seconds if that is long.
    pub(crate) async fn rendered(
        &self,
        finished: Finished<'_>,
    ) -> Result<(Report, Vec<Artifact>), JobError> {
        let Finished {
            source,
            formats,
            usage,
            duration,
            ..
        } = finished;
        let config = Arc::clone(&self.config);
        let output = self.output(&source.at, "");
        let (at, info) = (source.at.clone(), source.info.clone());
        let sequencer = source.upload.sequencer.clone();
        let transcript_key = source.transcript_key().map(str::to_owned);
        let (transcript, plan) = (finished.transcript.clone(), finished.plan.clone());
        let (summary, speech) = (finished.summary.clone(), finished.speech.cloned());
        let (wishes, model) = (finished.order.wishes.clone(), self.writer_of(&summary));
        let rendered = aside(transcript.text().len(), move || {
            Document {
                at: &at,
                output_bucket: &output.bucket,
                output_prefix: &config.filter.output_prefix,
                formats,
                info: &info,
                sequencer: sequencer.as_deref(),
                transcript_key: transcript_key.as_deref(),
                transcript: &transcript,
                plan: &plan,
                summary: &summary,
                speech: speech.as_ref(),
                wishes: &wishes,
                model: &model,
                usage,
                prices: config.prices,
                duration,
            }
            .artifacts()
        });
        rendered.await.map_err(JobError::Report)
    }
}
