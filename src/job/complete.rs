//! Completes a finished job whose page or Markdown is missing, such as one that was finished while they were switched off. No
//! model is asked: the summary is read back from its report.
//!
//! The report is written first, with the artifacts that it names, then what is missing, only where nothing exists. If a newer
//! version of the transcript is published meanwhile, it replaces all of them, or its publication is tried again.

use crate::chain::chain;
use crate::document::restored::{Restored, restore};
use crate::document::{
    Document, Formats, MARKDOWN_ENDING, PAGE_ENDING, REPORT_ENDING, SUMMARY_ENDING,
};
use crate::job::publish::{Results, SummarySlot};
use crate::job::upload::JobSource;
use crate::job::{App, JobError, Order, read};
use crate::store::{
    Location, Metadata, Object, PutCondition, StoreError, StoreErrorKind, StoreResult, found,
};

/// Reports and summaries that are larger are not read. They take a few times the length of a summary.
const MAX_BYTES: u64 = 64 << 20;

impl App {
    /// Writes what is wanted and missing among the `results` of a finished job. Returns the location of its page, if it has one.
    pub(crate) async fn complete(
        &self,
        source: &JobSource<'_>,
        order: Order,
        object: Option<&mut Object>,
        results: &Results,
    ) -> Result<Option<Location>, JobError> {
        let at = &source.at;
        let Formats { page, markdown } = self.config.formats;
        let mut has_page = results.have(PAGE_ENDING);
        let is_complete = (has_page || !page) && (!markdown || results.have(MARKDOWN_ENDING));
        // The transcript of a recording may have been deleted.
        if let Some(object) = object.filter(|_| !is_complete) {
            has_page |= match self.complete_with(source, order, object, results).await {
                Ok(is_completed) => is_completed && page,
                Err(error) if error.passes() => return Err(error),
                Err(error) => {
                    tracing::warn!(
                        error = chain(&error),
                        "could not complete what is beside the summary"
                    );
                    false
                }
            };
        }
        Ok(has_page.then(|| self.output(at, PAGE_ENDING)))
    }

    /// Returns false if that cannot be done: the report is not of this version of the program, or the summary was replaced.
    async fn complete_with(
        &self,
        source: &JobSource<'_>,
        mut order: Order,
        object: &mut Object,
        results: &Results,
    ) -> Result<bool, JobError> {
        let JobSource { at, info, .. } = source;
        let report = found(
            self.target
                .read(&self.output(at, REPORT_ENDING), MAX_BYTES)
                .await,
        )?;
        let summary = found(
            self.target
                .read(&self.output(at, SUMMARY_ENDING), MAX_BYTES)
                .await,
        )?;
        let (Some((report, report_etag)), Some((text, _))) = (report, summary) else {
            return Ok(false);
        };
        let transcript = read::transcribe(object).await?;
        let transcript = order.wishes.correct(transcript);
        let plan = self.config.plan(&transcript, &order)?;
        let Restored {
            mut summary,
            usage,
            speech,
            duration,
            ..
        } = match restore(&report, &transcript) {
            Ok(restored) => restored,
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "the report cannot be read: no page is made of it"
                );
                return Ok(false);
            }
        };
        summary.is_translated = order
            .wishes
            .translate(&self.config.limits, transcript.language().as_deref());
        let document = Document {
            at,
            output_bucket: &self.output(at, "").bucket,
            output_prefix: &self.config.filter.output_prefix,
            formats: self.config.formats,
            info,
            transcript_key: source.transcript_key(),
            transcript: &transcript,
            plan: &plan,
            summary: &summary,
            speech: speech.as_ref(),
            wishes: &order.wishes,
            model: &self.writer_of(&summary),
            usage,
            prices: self.config.prices,
            duration,
        };
        let (_, artifacts) = document.artifacts().map_err(JobError::Report)?;
        if artifacts.last().is_none_or(|last| last.body != text) {
            tracing::warn!("the report does not tell the whole summary: no page is made of it");
            return Ok(false);
        }
        // After the preconditions have been read, as in `publish`.
        let is_current =
            found(self.source.head(at).await)?.is_some_and(|now| now.etag == info.etag);
        let slot = self.summary_slot(source, results).await?;
        if !is_current || !matches!(slot, SummarySlot::Done) {
            return Ok(false);
        }
        for artifact in artifacts
            .iter()
            .filter(|artifact| artifact.ending != SUMMARY_ENDING)
        {
            let condition = match artifact.ending {
                REPORT_ENDING => PutCondition::IfMatch(report_etag.clone()),
                _ => PutCondition::IfAbsent,
            };
            let written = self.put(at, artifact, condition, Metadata::new()).await;
            // Another worker was faster: with the same artifact, or those of a newer version, beside which nothing of this one belongs.
            let is_overtaken =
                matches!(&written, Err(error) if error.kind == StoreErrorKind::Precondition);
            unless_overtaken(written)?;
            if is_overtaken && artifact.ending == REPORT_ENDING {
                return Ok(false);
            }
        }
        tracing::info!("completed what was missing beside the summary");
        Ok(true)
    }
}

fn unless_overtaken(result: StoreResult<()>) -> Result<(), StoreError> {
    match result {
        Err(error) if error.kind == StoreErrorKind::Precondition => Ok(()),
        result => result,
    }
}
