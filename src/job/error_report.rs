//! Writes `_error.json` next to where the summary would be, for failures that someone has to look at.
//!
//! A job that publishes a summary removes the report that it found when it began. One of an earlier version may be written after
//! that, so whoever writes a report looks at the transcript once more, and removes the report if the transcript has been replaced.

use bytes::Bytes;
use serde_json::Value;

use crate::chain::chain;
use crate::document::report::{ErrorReport, FORMAT_VERSION, SourceReport};
use crate::job::filter::ERROR_ENDING;
use crate::job::{App, JobError, Outcome, Rejected, Upload};
use crate::store::{Location, ObjectInfo, PutOptions, StoreResult, found};

/// Reports of errors that are larger are not read.
const MAX_BYTES: u64 = 1 << 20;

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
        let etag = etag_of(upload, info);
        // A newer version may have been rejected, too, and nobody would report that again.
        if self.is_replaced(at, etag).await {
            self.withdraw_error(at, etag).await;
        } else {
            self.write_error(upload, at, info, &error).await?;
        }
        tracing::info!(kind = error.kind(), "rejected");
        Ok(Outcome::Rejected(rejected))
    }

    /// Reports a failure that someone has to fix, unless a newer version of the transcript exists. If the report cannot be
    /// written, the sender of the event still gets the failure itself.
    pub(crate) async fn report_failure(&self, upload: &Upload, error: &JobError) {
        if self.is_replaced(&upload.at, upload.etag.as_deref()).await {
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
        let etag = etag_of(upload, info);
        let report = ErrorReport {
            version: FORMAT_VERSION,
            source: SourceReport {
                bucket: at.bucket.clone(),
                key: at.key.clone(),
                etag: etag.map(str::to_owned),
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
        let to = self.output(at, ERROR_ENDING);
        // Each write sends an event and possibly an email, so do not repeat an identical report.
        if !self.holds(&to, &json).await {
            let options = PutOptions {
                content_type: "application/json",
                ..PutOptions::default()
            };
            self.target.put(&to, json, options).await?;
        }
        if self.is_replaced(at, etag).await {
            self.withdraw_error(at, etag).await;
        }
        Ok(())
    }

    /// Whether another version of the object than that with this entity tag exists; false if that is not known.
    async fn is_replaced(&self, at: &Location, etag: Option<&str>) -> bool {
        match etag {
            Some(etag) => matches!(self.source.head(at).await, Ok(now) if now.etag != etag),
            None => false,
        }
    }

    /// Removes the error report of an upload that has been replaced, if its job was killed before it could do so.
    pub(crate) async fn withdraw_error_of(&self, upload: &Upload) {
        self.withdraw_error(&upload.at, upload.etag.as_deref())
            .await;
    }

    /// Removes the error report about the version `etag` of an object. Those about other versions are left.
    async fn withdraw_error(&self, at: &Location, etag: Option<&str>) {
        let at = self.output(at, ERROR_ENDING);
        let withdrawn: StoreResult<()> = async {
            let Some((json, tag)) = found(self.target.read(&at, MAX_BYTES).await)? else {
                return Ok(());
            };
            let report = serde_json::from_slice(&json).unwrap_or(Value::Null);
            let about = report.pointer("/source/etag").and_then(Value::as_str);
            match about.is_some() && about == etag {
                true => self.target.delete(&at, Some(&tag)).await,
                false => Ok(()),
            }
        }
        .await;
        if let Err(error) = withdrawn {
            tracing::warn!(
                error = chain(&error),
                "could not remove an outdated error report"
            );
        }
    }

    /// Whether the object has exactly these bytes; false if it cannot be read.
    async fn holds(&self, at: &Location, bytes: &[u8]) -> bool {
        let read = self.target.read(at, bytes.len() as u64).await;
        read.is_ok_and(|(found, _)| found == bytes)
    }
}

/// The version that is worked on: the one that was opened, or the one that the event tells of.
fn etag_of<'u>(upload: &'u Upload, info: Option<&'u ObjectInfo>) -> Option<&'u str> {
    let opened = info.map(|info| info.etag.as_str());
    opened.or(upload.etag.as_deref())
}
