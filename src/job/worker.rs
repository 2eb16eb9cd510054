//! Jobs whose summary a worker of the endpoint writes as a whole (`RUNPOD_TASK=transcript`): one call, whose prompt is a link to
//! the transcript.
//!
//! - The call is like any other: in the ledger, submitted once, followed from invocation to invocation. Its answer is the worker's
//!   summary with its report.
//! - Nothing of the answer is published as it came. The summary is read back from the report, checked, and rendered here; that
//!   gives the worker's text again, or the worker runs another program.
//! - The worker's entity tag of its copy is the MD5 of what it read. It must be that of the transcript.
//! - A job that failed and an answer that cannot be published are forgotten, so that the next delivery has another job, as often
//!   as other unusable answers are.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::document::report::GENERATOR;
use crate::document::restored::{Restored, restore};
use crate::document::text;
use crate::job::invocation::Work;
use crate::job::{App, JobError};
use crate::model::{Capabilities, ErrorKind, ModelClient};
use crate::prompt::{Linked, Prompt};
use crate::store::{Location, ObjectInfo, StoreResult, Wanted};
use crate::summary::{Summary, WriteError, whole};
use crate::text::Tokens;

/// How long a link can be read: as long as its job may live at the endpoint.
const LINK_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// The output of the worker.
#[derive(Deserialize)]
struct Output {
    summary: String,
    report: Value,
}

impl App {
    /// Has the endpoint's worker write the whole summary.
    pub(crate) async fn have_written(
        &self,
        work: &Work<'_>,
        client: &ModelClient,
    ) -> Result<Summary, JobError> {
        let prompt = self.order_of(work).await?;
        let accepted = match client.call(&prompt).await {
            Ok(answer) => self.accept(work, &answer.text).await,
            Err(error) => Err(match error.kind {
                ErrorKind::JobFailed { .. } | ErrorKind::SuspectOutput => {
                    JobError::Worker(error.message)
                }
                _ => WriteError::of("the whole summary".to_owned())(error).into(),
            }),
        };
        if let Err(JobError::Worker(_) | JobError::Degraded(..)) = accepted {
            client.mark_unusable(&prompt);
        }
        accepted
    }

    /// The model that wrote a summary, for its report: the configured one, or that of the worker.
    pub(crate) fn writer_of(&self, summary: &Summary) -> Capabilities {
        let configured = self.model.capabilities().clone();
        let Some(worker) = &summary.worker else {
            return configured;
        };
        Capabilities {
            model: worker.model.clone().or(configured.model),
            context_tokens: worker.context_tokens.map(Tokens),
            quotes: worker.quotes(),
            ..configured
        }
    }

    /// The transcript of a job as an object: its own, or that of a recording.
    async fn transcript_object(&self, work: &Work<'_>) -> StoreResult<(Location, ObjectInfo)> {
        let source = work.source;
        Ok(match &source.transcript_at {
            Some(at) => (at.clone(), self.source.head(at).await?),
            None => (source.at.clone(), source.info.clone()),
        })
    }

    async fn order_of(&self, work: &Work<'_>) -> StoreResult<Prompt> {
        let (at, info) = self.transcript_object(work).await?;
        let version = info.version_id.as_deref();
        let linked = Linked {
            link: self.source.link(&at, version, LINK_LIFETIME).await?,
            key: at.key,
            etag: info.etag,
            bytes: info.size,
        };
        let order = work.order;
        Ok(Prompt::of_transcript(
            linked,
            order.words,
            order.wishes.clone(),
        ))
    }

    /// Reads the summary in the worker's output.
    ///
    /// # Errors
    /// If it cannot be published: [`JobError::Worker`] with the reason.
    async fn accept(&self, work: &Work<'_>, output: &str) -> Result<Summary, JobError> {
        let unusable = |reason: String| {
            JobError::Worker(format!(
                "the worker's summary cannot be published: {reason}"
            ))
        };
        let Output { summary, report } = serde_json::from_slice(output.as_bytes())
            .map_err(|error| unusable(format!("it cannot be read: {error}")))?;
        let restored = restore(report.to_string().as_bytes(), work.transcript);
        let Restored {
            etag: read,
            run,
            summary: restored,
            ..
        } = restored.map_err(|error| unusable(format!("its report cannot be read: {error}")))?;
        let sent = self.md5_of(work).await?;
        if read.as_ref() != Some(&sent) {
            let read = read.as_deref().unwrap_or("no");
            return Err(unusable(format!(
                "it is of another text, whose MD5 is {read}; that of the transcript is {sent}"
            )));
        }
        let spoken = work.transcript.language();
        let wishes = &work.order.wishes;
        let restored = Summary {
            is_translated: wishes.translate(&self.config.limits, spoken.as_deref()),
            ..restored
        };
        if text::render(&restored) != summary {
            return Err(unusable(format!(
                "its report does not tell all of it: the worker ran {}, and this is {GENERATOR}; use the same version in both places",
                run.generator
            )));
        }
        let quotes = run.quotes();
        if let Some(degraded) = restored.degraded().filter(|_| !quotes) {
            return Err(JobError::Degraded(degraded, Vec::new()));
        }
        let target = work.plan.target_words;
        let wished = wishes.language.as_ref().filter(|_| !quotes);
        if let Some(objection) = whole::objection(&restored, work.transcript, target, wished, &run)
        {
            return Err(unusable(objection));
        }
        Ok(Summary {
            worker: Some(run),
            ..restored
        })
    }

    /// The MD5 of the transcript's bytes. An entity tag need not be it: not of an upload in parts, and not with KMS.
    async fn md5_of(&self, work: &Work<'_>) -> StoreResult<String> {
        let (at, info) = self.transcript_object(work).await?;
        let wanted = Wanted {
            if_match: Some(info.etag).filter(|_| info.version_id.is_none()),
            version_id: info.version_id,
            max_bytes: Some(self.config.max_input_bytes),
        };
        self.source.get(&at, &wanted).await?.md5().await
    }
}
