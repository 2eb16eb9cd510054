//! Writes `_error.json` next to where the summary would be, for failures that someone has to look at.
//!
//! A report is about one upload, and must not stay beside the summary of a later one, even if that has the same bytes. Two rules
//! see to it, whichever of them is late:
//!
//! - Whoever writes a report looks at the transcript once more, and removes the report if another upload is there.
//! - A job that publishes a summary removes the report that it found when it began, and any other if the transcript was uploaded
//!   again in the meantime. It leaves the report about an upload that is later than its own.

use bytes::Bytes;
use serde::Deserialize;

use crate::chain::chain;
use crate::document::report::{ErrorReport, FORMAT_VERSION, SourceReport};
use crate::job::filter::ERROR_ENDING;
use crate::job::publish::is_later;
use crate::job::upload::JobSource;
use crate::job::{App, JobError, Outcome, Rejected, Upload};
use crate::store::{Location, ObjectInfo, PutOptions, StoreErrorKind, StoreResult, found};

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
        // A newer version may have been rejected, too, and nobody would report that again.
        if self.is_replaced(at, upload, info).await {
            self.withdraw_error(at, upload, info).await;
        } else {
            self.write_error(upload, at, info, &error).await?;
        }
        tracing::info!(kind = error.kind(), "rejected");
        Ok(Outcome::Rejected(rejected))
    }

    /// Reports a failure that someone has to fix, unless a newer version of the transcript exists. If the report cannot be
    /// written, the sender of the event still gets the failure itself.
    pub(crate) async fn report_failure(&self, upload: &Upload, error: &JobError) {
        if self.is_replaced(&upload.at, upload, None).await {
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
        let report = ErrorReport {
            version: FORMAT_VERSION,
            source: SourceReport {
                bucket: at.bucket.clone(),
                key: at.key.clone(),
                etag: etag_of(upload, info).map(str::to_owned),
                version_id: upload.version_id.clone(),
                sequencer: upload.sequencer.clone(),
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
        let tag = match self.tag_of(&to, &json).await {
            Some(tag) => tag,
            None => {
                let options = PutOptions {
                    content_type: "application/json",
                    ..PutOptions::default()
                };
                self.target.put(&to, json, options).await?
            }
        };
        if self.is_replaced(at, upload, info).await {
            warn_unless_removed(self.remove_error(at, &tag).await);
        }
        Ok(())
    }

    /// Whether another upload than this one is there now; false if that is not known. `info` is of the object that was opened.
    async fn is_replaced(&self, at: &Location, upload: &Upload, info: Option<&ObjectInfo>) -> bool {
        if etag_of(upload, info).is_none() {
            return false;
        }
        let Ok(now) = self.source.head(at).await else {
            return false;
        };
        match info {
            Some(info) => !now.is_same_write(info),
            None => {
                let is_other = |ours: &Option<String>, now| {
                    ours.as_ref()
                        .zip(now)
                        .is_some_and(|(ours, now)| ours != now)
                };
                is_other(&upload.etag, Some(&now.etag))
                    || is_other(&upload.version_id, now.version_id.as_ref())
            }
        }
    }

    /// Removes the error report of an upload that has been replaced, if its job was killed before it could do so.
    pub(crate) async fn withdraw_error_of(&self, upload: &Upload) {
        self.withdraw_error(&upload.at, upload, None).await;
    }

    /// Removes the error report about this upload. Those about others are left.
    async fn withdraw_error(&self, at: &Location, upload: &Upload, info: Option<&ObjectInfo>) {
        let Some(etag) = etag_of(upload, info) else {
            return;
        };
        let ours = About {
            etag: Some(etag.to_owned()),
            version_id: upload.version_id.clone(),
            sequencer: upload.sequencer.clone(),
        };
        let removed = async {
            match self.error_report(at).await? {
                Some((about, reported)) if about == ours => self.remove_error(at, &reported).await,
                _ => Ok(()),
            }
        };
        warn_unless_removed(removed.await);
    }

    /// Removes the error report beside a summary that is published, unless it is about a later upload. A failure is only logged.
    pub(crate) async fn clear_error(&self, source: &JobSource<'_>) {
        let removed = async {
            match self.error_report(&source.at).await? {
                Some((about, reported)) if !self.is_about_later(source, &about).await? => {
                    self.remove_error(&source.at, &reported).await
                }
                _ => Ok(()),
            }
        };
        warn_unless_removed(removed.await);
    }

    /// Whether an error report is about an upload after that of this job.
    async fn is_about_later(&self, source: &JobSource<'_>, about: &About) -> StoreResult<bool> {
        let sequencers = about
            .sequencer
            .as_ref()
            .zip(source.upload.sequencer.as_ref());
        let may_be_later = match sequencers {
            Some((theirs, ours)) => is_later(theirs, ours),
            None => about
                .etag
                .as_ref()
                .is_some_and(|etag| *etag != source.info.etag),
        };
        if !may_be_later {
            return Ok(false);
        }
        // A version that has been put back is later still.
        let now = found(self.source.head(&source.at).await)?;
        Ok(now.is_some_and(|now| about.etag == Some(now.etag)))
    }

    /// The error report of an object: what it is about, and its entity tag.
    async fn error_report(&self, at: &Location) -> StoreResult<Option<(About, String)>> {
        let reported = self
            .target
            .read(&self.output(at, ERROR_ENDING), MAX_BYTES)
            .await;
        Ok(found(reported)?.map(|(json, tag)| {
            let Stored { source } = serde_json::from_slice(&json).unwrap_or_default();
            (source, tag)
        }))
    }

    async fn remove_error(&self, at: &Location, tag: &str) -> StoreResult<()> {
        self.target
            .delete(&self.output(at, ERROR_ENDING), Some(tag))
            .await
    }

    /// The entity tag of the object if it has exactly these bytes; `None` also if it cannot be read.
    async fn tag_of(&self, at: &Location, bytes: &[u8]) -> Option<String> {
        let (found, tag) = self.target.read(at, bytes.len() as u64).await.ok()?;
        (found == bytes).then_some(tag)
    }
}

/// What is read of an error report.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Stored {
    source: About,
}

/// The upload that an error report is about.
#[derive(Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct About {
    etag: Option<String>,
    version_id: Option<String>,
    sequencer: Option<String>,
}

fn warn_unless_removed(removed: StoreResult<()>) {
    match removed {
        Err(error) if error.kind == StoreErrorKind::Precondition => {
            tracing::info!("another worker has replaced an outdated error report");
        }
        Err(error) => tracing::warn!(
            error = chain(&error),
            "could not remove an outdated error report"
        ),
        Ok(()) => {}
    }
}

/// The version that is worked on: the one that was opened, or the one that the event tells of.
fn etag_of<'u>(upload: &'u Upload, info: Option<&'u ObjectInfo>) -> Option<&'u str> {
    let opened = info.map(|info| info.etag.as_str());
    opened.or(upload.etag.as_deref())
}
