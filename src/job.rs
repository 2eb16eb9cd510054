//! One upload → one outcome: read, claimed, summarized, published; or as much of that as one invocation has time for.

pub mod config;
pub mod error;
mod id;
mod publish;
pub(crate) mod read;
mod slice;
mod trouble;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::document::report::{ModelReport, Report, SourceReport};
use crate::job::error::{Cause, Rejected};
use crate::model::Model;
use crate::run::Run;
use crate::store::{Location, ObjectInfo, Store, StoreErrorKind};
use crate::summary;
use crate::summary::Plan;
use crate::transcript::Transcript;
use crate::trigger::Upload;

use publish::{Place, Publication};
use slice::{Work, Written};

pub use crate::store::lease::LEASE;
pub use config::{Config, Surface};

/// What jobs work with. Clones share everything.
#[derive(Debug, Clone)]
pub struct App {
    /// Where transcripts are.
    pub source: Arc<dyn Store>,
    /// Where results go, and the state of jobs.
    pub target: Arc<dyn Store>,
    /// The model that writes.
    pub model: Arc<dyn Model>,
    /// The configuration.
    pub config: Arc<Config>,
    /// The directory that prompts and answers are written to, if any.
    pub trace: Option<PathBuf>,
    /// How long a worker's claim to a job is good for: others wait so long after it has died.
    pub lease: Duration,
    /// Whether what is paid for is recorded as it comes. Without it a run that is interrupted starts again: for benchmarks.
    pub durable: bool,
}

/// How a job ended, or this part of it.
#[derive(Debug)]
pub enum Outcome {
    /// The summary is there.
    Done(Box<Done>),
    /// The summary was there already.
    Duplicate {
        /// Where it is.
        summary: Location,
    },
    /// Not done yet, and worth going on with: time was over, or something is wrong that passes.
    Continue(Cause),
    /// The object has been overwritten or removed since: a newer event brings the summary, if there is to be one.
    Superseded,
    /// Not a transcript; `_error.json` says why.
    Rejected(Rejected),
}

/// A finished job.
#[derive(Debug, Clone, PartialEq)]
pub struct Done {
    /// Its id.
    pub job_id: String,
    /// Where the summary is.
    pub summary: Location,
    /// Its report.
    pub report: Report,
    /// Invocations that it took.
    pub slices: u32,
    /// Requests refused because there were too many.
    pub throttled: usize,
    /// Time that the endpoint took, summed over all calls of this invocation.
    pub endpoint_time: Duration,
}

impl App {
    /// Summarizes one upload, until `deadline` if there is one. `progress` is told after each chunk. What was done is not done
    /// again by the next run for the same upload.
    ///
    /// # Errors
    /// If something is wrong that a person must mend (`_error.json` says what), or that is not understood. Nothing is then
    /// under the summary's key, and the same upload may be tried again.
    pub async fn run(&self, upload: &Upload, run: &Run) -> Result<Outcome, Cause> {
        match self.summarize(upload, run).await {
            Err(cause) if cause.passes() => Ok(Outcome::Continue(cause)),
            Err(cause) => {
                if cause.needs_a_person() {
                    self.report_trouble(upload, &cause).await;
                }
                Err(cause)
            }
            ended => ended,
        }
    }

    async fn summarize(&self, upload: &Upload, run: &Run) -> Result<Outcome, Cause> {
        let opened = read::open(self.source.as_ref(), upload, self.config.max_input_bytes).await;
        let (at, mut object) = match opened {
            Ok(opened) => opened,
            Err(error) => match error.kind {
                StoreErrorKind::Precondition => return Ok(Outcome::Superseded),
                // It was there when its event was sent. What a person names has to be there.
                StoreErrorKind::NotFound if upload.is_announced() => {
                    return Ok(Outcome::Superseded);
                }
                StoreErrorKind::TooLarge => {
                    let rejected = Rejected::TooLarge {
                        reason: error.reason,
                    };
                    self.reject(upload, &upload.at, None, &rejected).await?;
                    return Ok(Outcome::Rejected(rejected));
                }
                _ => return Err(error.into()),
            },
        };
        let info = object.info().clone();
        let job_id = id::job_id(&at, &info, &self.config);
        match self.place(upload, &at, &job_id).await? {
            Place::Done(_) if self.trace.is_none() => {
                // Whoever published it may not have come so far.
                self.clear_error(&at).await;
                return Ok(Outcome::Duplicate {
                    summary: self.output(&at, "_summary.txt"),
                });
            }
            Place::Newer => return Ok(Outcome::Superseded),
            Place::Done(_) | Place::Ours(_) => {}
        }
        let transcript = match read::transcribe(object.as_mut()).await? {
            Ok(transcript) => transcript,
            Err(rejected) => {
                self.reject(upload, &at, Some(&info), &rejected).await?;
                return Ok(Outcome::Rejected(rejected));
            }
        };
        drop(object);
        let plan = summary::plan(&transcript, self.config.summary_words, &self.config.limits)?;
        tracing::info!(
            job_id,
            bytes = info.size,
            words = transcript.words,
            chunks = plan.chunks.len(),
            calls = plan.calls(),
            target_words = plan.target_words,
            "planned"
        );
        let bucket = self.output(&at, "").bucket;
        let work = Work {
            bucket: &bucket,
            job_id: &job_id,
            transcript: &transcript,
            plan: &plan,
            run,
        };
        let written = self.write(work).await?;
        let text = written.summary.text();
        let mut report = self.report(&at, &info, &transcript, &plan, &written, &text);
        let took = run.clock.now_ms() - written.created_ms;
        report.duration_ms = u64::try_from(took).unwrap_or(0);
        let publication = Publication {
            upload,
            at: &at,
            info: &info,
            job_id: &job_id,
            report: serde_json::to_vec_pretty(&report).map_err(Cause::Report)?,
            text,
        };
        if !self.publish(publication).await? {
            return Ok(Outcome::Superseded);
        }
        tracing::info!(
            words = report.summary.words,
            calls = report.usage.calls,
            resubmitted = report.usage.resubmitted,
            slices = written.slices,
            duration_ms = report.duration_ms,
            "done"
        );
        Ok(Outcome::Done(Box::new(Done {
            summary: self.output(&at, "_summary.txt"),
            job_id,
            report,
            slices: written.slices,
            throttled: written.usage.throttled,
            endpoint_time: written.usage.endpoint_time,
        })))
    }

    fn report(
        &self,
        at: &Location,
        info: &ObjectInfo,
        transcript: &Transcript,
        plan: &Plan,
        written: &Written,
        text: &str,
    ) -> Report {
        let source = SourceReport {
            bucket: at.bucket.clone(),
            key: at.key.clone(),
            etag: Some(info.etag.clone()),
            version_id: info.version_id.clone(),
            bytes: Some(info.size),
            words: Some(transcript.words as u64),
            encoding: Some(transcript.decoded.encoding.to_owned()),
        };
        let capabilities = self.model.capabilities();
        let model = ModelReport {
            provider: capabilities.provider.to_owned(),
            model: capabilities.model.clone(),
            context_tokens: capabilities.context_tokens,
        };
        Report::new(
            source,
            model,
            transcript,
            plan,
            &written.summary,
            text,
            written.usage,
        )
    }

    /// Where a result of the object `at` goes: its key is kept whole, so that no two objects share a result.
    fn output(&self, at: &Location, ending: &str) -> Location {
        let bucket = self.config.output_bucket.as_ref().unwrap_or(&at.bucket);
        Location::new(
            bucket,
            format!("{}{}{ending}", self.config.filter.output_prefix, at.key),
        )
    }
}
