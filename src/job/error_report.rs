//! Writes `_error.json` next to where the summary would be, for failures that someone has to look at.

use bytes::Bytes;

use crate::chain::chain;
use crate::document::report::{ErrorReport, FORMAT_VERSION, SourceReport};
use crate::job::filter::ERROR_ENDING;
use crate::job::{App, JobError, Outcome, Rejected, Upload};
use crate::store::{Location, ObjectInfo, PutOptions};

impl App {
    /// Reports a transcript that is rejected for good.
    pub(crate) async fn reject(
        &self,
        upload: &Upload,
        at: &Location,
        info: Option<&ObjectInfo>,
        rejected: Rejected,
    ) -> Result<Outcome, JobError> {
        let error = JobError::from(rejected.clone());
        self.write_error(upload, at, info, &error).await?;
        tracing::info!(kind = error.kind(), "rejected");
        Ok(Outcome::Rejected(rejected))
    }

    /// Reports a failure that someone has to fix, unless a newer version of the transcript exists. If the report cannot be
    /// written, the sender of the event still gets the failure itself.
    pub(crate) async fn report_failure(&self, upload: &Upload, error: &JobError) {
        if upload.etag.is_some()
            && let Ok(now) = self.source.head(&upload.at).await
            && Some(now.etag) != upload.etag
        {
            return;
        }
        if let Err(error) = self.write_error(upload, &upload.at, None, error).await {
            tracing::error!(error = chain(&error), "could not write the error report");
        }
    }

    async fn write_error(
        &self,
        upload: &Upload,
        at: &Location,
        info: Option<&ObjectInfo>,
        error: &JobError,
    ) -> Result<(), JobError> {
        let etag = info.map(|info| info.etag.clone());
        let report = ErrorReport {
            version: FORMAT_VERSION,
            source: SourceReport {
                bucket: at.bucket.clone(),
                key: at.key.clone(),
                etag: etag.or_else(|| upload.etag.clone()),
                version_id: upload.version_id.clone(),
                bytes: info.map(|info| info.size).or(upload.size),
                ..SourceReport::default()
            },
            kind: error.kind().to_owned(),
            message: chain(error),
            retryable: !matches!(error, JobError::Rejected(_)),
            next_step: error.next_step(),
        };
        let json = Bytes::from(serde_json::to_vec_pretty(&report).map_err(JobError::Report)?);
        let at = self.output(at, ERROR_ENDING);
        // Each write sends an event and possibly an email, so do not repeat an identical report.
        if self.holds(&at, &json).await {
            return Ok(());
        }
        let options = PutOptions {
            content_type: "application/json",
            ..PutOptions::default()
        };
        self.target.put(&at, json, options).await?;
        Ok(())
    }

    /// Whether the object has exactly these bytes; false if it cannot be read.
    async fn holds(&self, at: &Location, bytes: &[u8]) -> bool {
        let read = self.target.read(at, bytes.len() as u64).await;
        read.is_ok_and(|(found, _)| found == bytes)
    }
}
