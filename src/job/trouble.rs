//! What a person must look at, written where the summary would be.

use bytes::Bytes;

use crate::document::report::{ErrorReport, FORMAT_VERSION, SourceReport};
use crate::job::App;
use crate::job::error::{Cause, Rejected};
use crate::store::{Location, Metadata, ObjectInfo, PutOptions, StoreError, Wanted};
use crate::trigger::Upload;

impl App {
    /// Records why an upload is not summarized and never will be.
    pub(crate) async fn reject(
        &self,
        upload: &Upload,
        at: &Location,
        info: Option<&ObjectInfo>,
        rejected: &Rejected,
    ) -> Result<(), StoreError> {
        let cause = Cause::from(rejected.clone());
        self.write_error(upload, at, info, &cause, false).await?;
        tracing::warn!(kind = cause.kind(), "rejected");
        Ok(())
    }

    /// Records what keeps an upload from being summarized until somebody mends it, unless a newer version has taken its place.
    /// Should that fail, the failure that it is about still reaches the sender of the event.
    pub(crate) async fn report_trouble(&self, upload: &Upload, cause: &Cause) {
        if upload.etag.is_some()
            && let Ok(now) = self.source.head(&upload.at).await
            && Some(now.etag) != upload.etag
        {
            return;
        }
        let written = self
            .write_error(upload, &upload.at, None, cause, true)
            .await;
        if let Err(error) = written {
            tracing::error!(%error, "could not write the error report");
        }
    }

    /// Whether an object has exactly these bytes; false if that can't be seen.
    async fn holds(&self, at: &Location, bytes: &[u8]) -> bool {
        let wanted = Wanted {
            max_bytes: Some(bytes.len() as u64),
            ..Wanted::default()
        };
        let Ok(mut object) = self.target.get(at, &wanted).await else {
            return false;
        };
        let mut found = Vec::with_capacity(bytes.len());
        while let Ok(Some(piece)) = object.next().await {
            found.extend_from_slice(&piece);
        }
        found == bytes
    }

    async fn write_error(
        &self,
        upload: &Upload,
        at: &Location,
        info: Option<&ObjectInfo>,
        cause: &Cause,
        retryable: bool,
    ) -> Result<(), StoreError> {
        let report = ErrorReport {
            version: FORMAT_VERSION,
            source: SourceReport {
                bucket: at.bucket.clone(),
                key: at.key.clone(),
                etag: info
                    .map(|info| info.etag.clone())
                    .or_else(|| upload.etag.clone()),
                version_id: upload.version_id.clone(),
                bytes: info.map(|info| info.size).or(upload.size),
                ..SourceReport::default()
            },
            kind: cause.kind().to_owned(),
            message: cause.to_string(),
            retryable,
            next_step: cause.next_step().to_owned(),
        };
        let json = serde_json::to_vec_pretty(&report).unwrap_or_default();
        let options = PutOptions {
            content_type: "application/json",
            metadata: Metadata::new(),
            ..PutOptions::default()
        };
        let at = self.output(at, "_error.json");
        // Each write of it is an event, and may be a mail to somebody: the same trouble is told once.
        if self.holds(&at, &json).await {
            return Ok(());
        }
        self.target
            .put(&at, Bytes::from(json), options)
            .await
            .map(|_| ())
    }
}
