//! Completes a finished job whose page or Markdown is missing, such as one that was finished while they were switched off. No
//! model is asked: the summary is read back from its report.
//!
//! The report is written first, with the artifacts that it names, then what is missing, only where nothing exists. If a newer
//! version of the transcript is published meanwhile, it replaces all of them, or its publication is tried again.
//!
//! The same is done where nothing is missing if a version was *put back* after another one: its summary is there already, but a worker
//! may be about to publish that of the version in between, and has looked at what it replaces. The report with the new upload in it
//! is another one, so that worker's first write fails. If its report is there already, the summary has to be written again.

use serde::Deserialize;

use crate::chain::chain;
use crate::document::restored::{Restored, restore};
use crate::document::{Formats, MARKDOWN_ENDING, PAGE_ENDING, REPORT_ENDING, SUMMARY_ENDING};
use crate::job::publish::{Results, SummarySlot};
use crate::job::rendered::Finished;
use crate::job::upload::JobSource;
use crate::job::{App, JobError, Order, read};
use crate::store::{
    Location, Metadata, Object, PutCondition, StoreError, StoreErrorKind, StoreResult, found,
};

/// Reports and summaries that are larger are not read. They take a few times the length of a summary.
const MAX_BYTES: u64 = 64 << 20;

/// What is beside the summary of a finished job.
pub(crate) enum Completed {
    /// All that could be completed. `page` is its page, if it has one.
    Whole { page: Option<Location> },
    /// The report of another version.
    Torn,
}

/// The outcome of completing it.
enum Completion {
    Done,
    /// The report is not of this version of the program, or the summary was replaced.
    Impossible,
    Torn,
}

/// What is read of a report before the transcript is.
#[derive(Deserialize)]
struct Stored {
    source: StoredSource,
}

#[derive(Deserialize)]
struct StoredSource {
    etag: Option<String>,
    sequencer: Option<String>,
}

impl App {
    /// Writes what is wanted and missing among the `results` of a finished job, and its report if the object `is_put_back`.
    pub(crate) async fn complete(
        &self,
        source: &JobSource<'_>,
        order: &Order,
        object: Option<&mut Object>,
        (results, is_put_back): (&Results, bool),
    ) -> Result<Completed, JobError> {
        let at = &source.at;
        let page = self.config.formats.page;
        let mut has_page = results.have(PAGE_ENDING);
        let is_complete = self.is_complete(results);
        // The transcript of a recording may have been deleted.
        if let Some(object) = object.filter(|_| !is_complete || is_put_back) {
            let there = (results, is_put_back);
            has_page |= match self
                .complete_with(source, order.clone(), object, there)
                .await
            {
                Ok(Completion::Torn) => return Ok(Completed::Torn),
                Ok(Completion::Done) => page,
                Ok(Completion::Impossible) => false,
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
        Ok(Completed::Whole {
            page: has_page.then(|| self.output(at, PAGE_ENDING)),
        })
    }

    async fn complete_with(
        &self,
        source: &JobSource<'_>,
        mut order: Order,
        object: &mut Object,
        (results, is_put_back): (&Results, bool),
    ) -> Result<Completion, JobError> {
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
            return Ok(Completion::Impossible);
        };
        if is_put_back && let Ok(Stored { source: stored }) = serde_json::from_slice(&report) {
            if stored.etag.as_ref() != Some(&info.etag) {
                return Ok(Completion::Torn);
            }
            if stored.sequencer == source.upload.sequencer && self.is_complete(results) {
                return Ok(Completion::Done);
            }
        }
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
                return Ok(Completion::Impossible);
            }
        };
        summary.is_translated = order
            .wishes
            .translate(&self.config.limits, transcript.language().as_deref());
        let finished = Finished {
            source,
            transcript: &transcript,
            plan: &plan,
            order: &order,
            // The report names what is there already, wanted or not.
            formats: Formats {
                page: self.config.formats.page || results.have(PAGE_ENDING),
                markdown: self.config.formats.markdown || results.have(MARKDOWN_ENDING),
            },
            summary: &summary,
            speech: speech.as_ref(),
            usage,
            duration,
        };
        let (_, artifacts) = self.rendered(finished).await?;
        if artifacts.last().is_none_or(|last| last.body != text) {
            tracing::warn!("the report does not tell the whole summary: no page is made of it");
            return Ok(Completion::Impossible);
        }
        // After the preconditions have been read, as in `publish`.
        let is_current =
            found(self.source.head(at).await)?.is_some_and(|now| now.etag == info.etag);
        let slot = self.summary_slot(source, results).await?;
        if !is_current || !matches!(slot, SummarySlot::Done | SummarySlot::PutBack(_)) {
            return Ok(Completion::Impossible);
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
                // The next delivery finds out by whom.
                return match is_put_back {
                    true => Err(JobError::Overtaken),
                    false => Ok(Completion::Impossible),
                };
            }
        }
        // If this worker was held up, a newer version without a page may have been published in the meantime.
        self.clear_strays_among(at, self.results(at).await).await;
        tracing::info!("completed what was missing beside the summary");
        Ok(Completion::Done)
    }

    /// Whether all wanted renderings exist.
    fn is_complete(&self, results: &Results) -> bool {
        let Formats { page, markdown } = self.config.formats;
        (!page || results.have(PAGE_ENDING)) && (!markdown || results.have(MARKDOWN_ENDING))
    }
}

fn unless_overtaken(result: StoreResult<()>) -> Result<(), StoreError> {
    match result {
        Err(error) if error.kind == StoreErrorKind::Precondition => Ok(()),
        result => result,
    }
}
