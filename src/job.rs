//! One upload → one outcome: read, summarize, publish.

mod id;
pub(crate) mod read;

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::time::Instant;

use bytes::Bytes;

use crate::config::Config;
use crate::error::{Cause, Rejected};
use crate::event::Upload;
use crate::model::Model;
use crate::model::call::{CallOptions, Caller};
use crate::store::ledger::Ledger;
use crate::store::{Location, Metadata, ObjectInfo, PutOptions, Store, StoreError, StoreErrorKind};
use crate::summary::report::{ErrorReport, FORMAT_VERSION, ModelReport, Report, SourceReport};
use crate::summary::{self, Progress, Settings};

use read::Read;

/// What jobs work with, made once.
#[derive(Debug)]
pub struct Workshop<'a, S, T, M> {
    /// Where transcripts are.
    pub source: &'a S,
    /// Where results go.
    pub target: &'a T,
    /// What writes.
    pub model: &'a M,
    /// The configuration.
    pub config: &'a Config,
    /// Where requests and answers are written to, if anywhere.
    pub trace: Option<PathBuf>,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The summary is there.
    Done(Box<Done>),
    /// The object has been overwritten since: its newer event brings the summary.
    Superseded,
    /// Not a transcript; `_error.json` says why.
    Rejected(Rejected),
}

/// A finished job.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// Where the summary is.
    pub summary: Location,
    /// Its report.
    pub report: Report,
}

impl<S: Store, T: Store, M: Model> Workshop<'_, S, T, M> {
    /// Summarizes one upload. `progress` is told after each chunk.
    ///
    /// # Errors
    /// If it could not be finished; nothing is then under the summary's key, and the same upload may be tried again.
    pub async fn run(
        &self,
        upload: &Upload,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Outcome, Cause> {
        let started = Instant::now();
        let read = match read::read(self.source, upload, self.config.max_input_bytes).await {
            Ok(read) => read,
            Err(error) if error.kind == StoreErrorKind::Precondition => {
                return Ok(Outcome::Superseded);
            }
            Err(error) if error.kind == StoreErrorKind::TooLarge => {
                return self
                    .reject(
                        upload,
                        None,
                        Rejected::TooLarge {
                            reason: error.reason,
                        },
                    )
                    .await;
            }
            Err(error) => return Err(error.into()),
        };
        let Read {
            at,
            info,
            transcript,
        } = read;
        let transcript = match transcript {
            Ok(transcript) => transcript,
            Err(rejected) => return self.reject(upload, Some(&info), rejected).await,
        };
        let job_id = id::job_id(&at, &info, self.config);
        let plan = summary::plan(&transcript, self.config.summary_words, &self.config.limits)?;
        let settings = Settings {
            limits: self.config.limits,
            seed: job_id.clone(),
            quotes: self.config.provider.quotes(),
        };
        tracing::info!(
            job_id,
            bytes = info.size,
            words = transcript.words,
            chunks = plan.chunks.len(),
            calls = plan.calls(),
            target_words = plan.target_words,
            "planned"
        );
        let options = CallOptions {
            max_calls: self.config.limits.max_calls,
            concurrency: self.config.concurrency,
            trace: self.trace.clone(),
            seed: RandomState::new().hash_one(&job_id),
            ..CallOptions::default()
        };
        let caller = Caller::new(self.model, None::<&Ledger<'_, T>>, options);
        let written = summary::write(&transcript, &plan, &settings, &caller, progress).await;
        if written.is_err() {
            caller.abandon().await;
        }
        let summary = written?;
        let text = summary.text();
        let source = SourceReport {
            bucket: at.bucket.clone(),
            key: at.key.clone(),
            etag: Some(info.etag.clone()),
            version_id: info.version_id.clone(),
            bytes: Some(info.size),
            words: Some(transcript.words as u64),
            encoding: Some(transcript.decoded.encoding.to_owned()),
        };
        let model = ModelReport {
            provider: self.config.provider.name().to_owned(),
            model: self.config.provider.model().map(str::to_owned),
            context_tokens: self.config.limits.context_tokens,
        };
        let mut report = Report::new(
            source,
            model,
            &transcript,
            &plan,
            &summary,
            &text,
            caller.tally(),
        );
        report.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);

        // The report first: whoever sees the summary finds it too.
        let json = serde_json::to_vec_pretty(&report).unwrap_or_default();
        self.put(
            &self.output(&at, "_summary.json"),
            json,
            "application/json",
            Metadata::new(),
        )
        .await?;
        let summary_at = self.output(&at, "_summary.txt");
        let metadata = metadata(upload, &info, job_id);
        self.put(
            &summary_at,
            text.into_bytes(),
            "text/plain; charset=utf-8",
            metadata,
        )
        .await?;
        tracing::info!(
            words = report.summary.words,
            calls = report.usage.calls,
            duration_ms = report.duration_ms,
            "done"
        );
        Ok(Outcome::Done(Box::new(Done {
            summary: summary_at,
            report,
        })))
    }

    /// Records why an upload is not summarized, for the person who waits for it.
    async fn reject(
        &self,
        upload: &Upload,
        info: Option<&ObjectInfo>,
        rejected: Rejected,
    ) -> Result<Outcome, Cause> {
        let cause = Cause::from(rejected.clone());
        let report = ErrorReport {
            version: FORMAT_VERSION,
            source: SourceReport {
                bucket: upload.at.bucket.clone(),
                key: upload.at.key.clone(),
                etag: info
                    .map(|info| info.etag.clone())
                    .or_else(|| upload.etag.clone()),
                version_id: upload.version_id.clone(),
                bytes: info.map(|info| info.size).or(upload.size),
                ..SourceReport::default()
            },
            kind: cause.kind().to_owned(),
            message: cause.to_string(),
            retryable: false,
            next_step: rejected.next_step().to_owned(),
        };
        let json = serde_json::to_vec_pretty(&report).unwrap_or_default();
        self.put(
            &self.output(&upload.at, "_error.json"),
            json,
            "application/json",
            Metadata::new(),
        )
        .await?;
        tracing::warn!(kind = cause.kind(), "rejected");
        Ok(Outcome::Rejected(rejected))
    }

    /// Where a result of the object `at` goes: its key is kept whole, so that no two objects share a result.
    fn output(&self, at: &Location, ending: &str) -> Location {
        let bucket = self.config.output_bucket.as_ref().unwrap_or(&at.bucket);
        Location::new(
            bucket,
            format!("{}{}{ending}", self.config.filter.output_prefix, at.key),
        )
    }

    async fn put(
        &self,
        at: &Location,
        body: Vec<u8>,
        content_type: &'static str,
        metadata: Metadata,
    ) -> Result<(), StoreError> {
        let options = PutOptions {
            content_type,
            metadata,
            ..PutOptions::default()
        };
        self.target
            .put(at, Bytes::from(body), options)
            .await
            .map(|_| ())
    }
}

/// What leads from a summary back to what it was made from.
fn metadata(upload: &Upload, info: &ObjectInfo, job_id: String) -> Metadata {
    let version = info
        .version_id
        .clone()
        .or_else(|| upload.version_id.clone());
    [
        ("source-etag", Some(info.etag.clone())),
        ("source-version-id", version),
        ("source-sequencer", upload.sequencer.clone()),
        ("job-id", Some(job_id)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}
