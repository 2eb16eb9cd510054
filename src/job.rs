//! Runs one job, from an upload to an outcome: reads, claims, summarizes and publishes, as far as one invocation has time.
//!
//! A job is identified by the transcript's object and the settings that affect the summary. After an interruption, the next
//! run resumes where the last one stopped ([`store::lease`](crate::store::lease), [`store::ledger`](crate::store::ledger)).
//! The summary's key never holds a partial text or an error message, and an older version never overwrites a newer one.

pub mod api;
mod complete;
pub mod config;
pub mod error;
mod error_report;
pub mod filter;
mod habits;
mod id;
mod invocation;
pub(crate) mod local;
pub mod order;
mod outcome;
pub(crate) mod progress;
mod publish;
pub(crate) mod read;
mod recording;
mod rendered;
mod speech;
mod upload;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::aside::aside;
use crate::clock::Clock;
use crate::document::report::Report;
use crate::document::{PAGE_ENDING, REPORT_ENDING, SUMMARY_ENDING, output_key};
use crate::model::Model;
use crate::model::failure::Recovery;
use crate::run::{Run, sleep_until};
use crate::speech::Speaker;
use crate::store::{Action, Location, Object, Store, StoreError, StoreErrorKind, StoreResult};
use crate::transcriber::Transcriber;
use crate::transcript::Transcript;

use complete::Completed;
use filter::ERROR_ENDING;
use invocation::{Work, Written};
use publish::{Results, SummarySlot};
use recording::Opened;
use rendered::Finished;
use upload::JobSource;

pub use crate::config::Surface;
pub use crate::store::lease::LEASE;
pub use config::Config;
pub use error::{JobError, Rejected};
pub use habits::KnownHabits;
pub use order::{ByOption, ListError, Lists, Order};
pub use outcome::{Done, Outcome, Status};
pub(crate) use publish::{Earlier, SOURCE_ETAG, WARNINGS, WORDS};
pub use upload::Upload;

/// Maximum length of a key in S3. No other ending of a result is longer than that of the report.
const MAX_KEY_BYTES: usize = 1024;

/// Time reserved for answering the invocation. What is still running then is cut off, as by a kill, and resumed later: an
/// invocation that Lambda has to stop answers for none of its messages.
const ANSWER_RESERVE: Duration = Duration::from_secs(1);

/// The reserve is at most this fraction (one twentieth) of a short invocation.
const ANSWER_SHARE: u32 = 20;

/// Everything that jobs share. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct App {
    /// The store that transcripts are read from.
    pub source: Arc<dyn Store>,
    /// The store for results and job state.
    pub target: Arc<dyn Store>,
    /// The model that writes the summaries.
    pub model: Arc<dyn Model>,
    /// Transcribes recordings, if any.
    pub transcriber: Option<Arc<dyn Transcriber>>,
    /// Reads summaries out, if anything does.
    pub speaker: Option<Arc<dyn Speaker>>,
    /// The configuration.
    pub config: Arc<Config>,
    /// The directory to write prompts and answers to, if any.
    pub trace: Option<PathBuf>,
    /// Lease duration: how long other workers wait after the owner has died.
    pub lease: Duration,
    /// What this process knows of how long the model's answers are.
    pub habits: KnownHabits,
    /// Whether calls are recorded in the ledger. If not, as in benchmarks, an interrupted job starts from the beginning.
    pub durable: bool,
}

impl App {
    /// Summarizes one upload, as far as `run` has time. A later run for the same upload resumes the job.
    ///
    /// # Errors
    /// If the job failed or is unfinished. It has then published no summary, and the same upload may be retried. Failures
    /// that someone has to fix are also reported in `_error.json`.
    pub async fn run(&self, upload: &Upload, run: &Run) -> Result<Outcome, JobError> {
        let recording = self.recording_of(upload);
        let upload = recording.as_ref().unwrap_or(upload);
        let ended = match self.config.progress_of(&upload.at) {
            Some(at) => self.keeping_progress(&at, upload, run).await,
            None => self.run_in_time(upload, run).await,
        };
        if let Err(error) = &ended
            && error.policy().recovery == Some(Recovery::Intervention)
        {
            self.report_failure(upload, error).await;
        }
        ended
    }

    async fn run_in_time(&self, upload: &Upload, run: &Run) -> Result<Outcome, JobError> {
        tokio::select! {
            biased;
            ended = self.summarize(upload, run) => ended,
            () = sleep_until(run.keeping(ANSWER_RESERVE, ANSWER_SHARE).deadline) => Err(JobError::OutOfTime),
        }
    }

    async fn summarize(&self, upload: &Upload, run: &Run) -> Result<Outcome, JobError> {
        self.check_names(&upload.at)?;
        let open = async {
            match self.transcribes(upload) {
                Some(recordings) => self.open_recording(upload, recordings).await,
                None => self.open(upload).await,
            }
        };
        // Neither waits for the other.
        let (opened, results) = tokio::join!(open, self.results(&upload.at));
        let Opened {
            at,
            info,
            mut transcript,
            transcript_at,
        } = match opened {
            Ok(opened) => opened,
            Err(error) => match error.kind {
                StoreErrorKind::Precondition => {
                    self.withdraw_error_of(upload).await;
                    self.clear_strays_among(&upload.at, results).await;
                    return Ok(superseded(REPLACED));
                }
                // It existed when the event was sent. An object named by a person, in contrast, has to exist.
                StoreErrorKind::NotFound if upload.is_announced() => {
                    return Ok(superseded(DELETED));
                }
                StoreErrorKind::TooLarge => {
                    let is_recording = self.transcribes(upload).is_some()
                        && error.at == self.source.name(&upload.at);
                    let rejected = match is_recording {
                        true => Rejected::Recording(error.reason),
                        false => Rejected::TooLarge(error.reason),
                    };
                    return self.reject(upload, &upload.at, None, rejected).await;
                }
                _ => return Err(error.into()),
            },
        };
        let mut order = match self.order(&at, &info.metadata).await {
            Err(JobError::Rejected(rejected)) => {
                return self.reject(upload, &at, Some(&info), rejected).await;
            }
            order => order?,
        };
        let job_id = id::job_id(&at, &info, transcript_at.as_ref(), &self.config, &order);
        run.is_of_job(&job_id);
        let source = JobSource {
            upload,
            at,
            info,
            transcript_at,
            job_id,
        };
        let JobSource { at, info, .. } = &source;
        let results = match *at == upload.at {
            true => results?,
            false => self.results(at).await?,
        };
        match self.summary_slot(&source, &results).await? {
            slot @ (SummarySlot::Done | SummarySlot::PutBack(_)) => {
                // The worker that published the summary may have been killed before it deleted the error report.
                if results.have(ERROR_ENDING) {
                    self.clear_error(&source).await;
                }
                let is_put_back = matches!(slot, SummarySlot::PutBack(_));
                let there = (&results, is_put_back);
                let completed = self.complete(&source, &order, transcript.as_mut(), there);
                if let Completed::Whole { page } = completed.await? {
                    let summary = self.output(at, SUMMARY_ENDING);
                    return Ok(Outcome::Duplicate { summary, page });
                }
            }
            SummarySlot::Newer => {
                self.withdraw_error_of(upload).await;
                self.clear_strays_among(at, Ok(results)).await;
                return Ok(superseded(NEWER_SUMMARY));
            }
            SummarySlot::Ours(_) => {}
        }
        let transcript = match self.read(transcript, &source, &run.clock).await {
            Err(JobError::Rejected(rejected)) => {
                return self.reject(upload, at, Some(info), rejected).await;
            }
            transcript => transcript?,
        };
        let config = Arc::clone(&self.config);
        let planned = aside(transcript.text().len(), move || {
            let transcript = order.wishes.correct(transcript);
            let plan = config.plan(&transcript, &order);
            (transcript, order, plan)
        });
        let (transcript, order, plan) = planned.await;
        let plan = plan?;
        tracing::info!(
            bytes = info.size,
            words = transcript.spoken.words,
            chunks = plan.chunks.len(),
            calls = plan.calls(),
            target_words = plan.target_words.0,
            "planned"
        );
        let work = Work {
            source: &source,
            transcript: &transcript,
            plan: &plan,
            run,
            order: &order,
        };
        let mut written = self.write(&work).await?;
        let published = self.finish(&work, &mut written, results).await;
        let lease = written.lease.as_deref();
        if let Err(error) = &published
            && !matches!(error, JobError::Overtaken)
            && let Some(lease) = lease
        {
            // Nobody works on it now.
            let calls = written.usage.calls as usize;
            lease
                .give_back(|run| run.calls = run.calls.max(calls))
                .await;
        }
        let (report, overtaken) = published?;
        self.clear_state(&source.job_id, lease).await;
        if let Some(reason) = overtaken {
            return Ok(superseded(reason));
        }
        tracing::info!(
            summary = self.output(at, SUMMARY_ENDING).key,
            words = report.summary.words,
            calls = report.usage.calls,
            resubmitted = report.usage.resubmitted,
            invocations = written.invocations,
            duration_ms = report.duration_ms,
            "done"
        );
        Ok(Outcome::Done(Box::new(Done {
            summary: self.output(at, SUMMARY_ENDING),
            page: (self.config.formats.page).then(|| self.output(at, PAGE_ENDING)),
            job_id: source.job_id,
            report,
            invocations: written.invocations,
        })))
    }

    /// Fails if the names of the results would be too long, before anything is paid for them.
    fn check_names(&self, at: &Location) -> StoreResult<()> {
        let report = self.output(at, REPORT_ENDING);
        let excess = report.key.len().saturating_sub(MAX_KEY_BYTES);
        if excess == 0 || self.target.directory().is_some() {
            return Ok(());
        }
        let reason = format!(
            "its name would be longer than the {MAX_KEY_BYTES} bytes that S3 allows: shorten that of the upload by {excess} bytes"
        );
        let (kind, action) = (StoreErrorKind::InvalidKey, Action::Write);
        Err(StoreError::new(kind, action, report, reason))
    }

    /// Renders and publishes a summary. Returns its report, and why it was not published if another version has replaced its source.
    async fn finish(
        &self,
        work: &Work<'_>,
        written: &mut Written,
        results: Results,
    ) -> Result<(Report, Option<&'static str>), JobError> {
        let Work { source, run, .. } = *work;
        let speech = self.speak(source, written, run).await?;
        let took_ms = run.clock.now_ms() - written.created_ms;
        let rendered = self.rendered(Finished {
            source,
            transcript: work.transcript,
            plan: work.plan,
            order: work.order,
            formats: self.config.formats,
            summary: &written.summary,
            speech: speech.as_ref(),
            usage: written.usage,
            duration: Duration::from_millis(u64::try_from(took_ms).unwrap_or(0)),
        });
        let (report, artifacts) = match &written.lease {
            Some(lease) => {
                let rendered = tokio::select! {
                    rendered = rendered => rendered?,
                    overtaken = lease.keep() => return Err(overtaken.into()),
                };
                lease.secure().await?;
                rendered
            }
            None => rendered.await?,
        };
        tracing::Span::current().record("phase", "publishing");
        let document = (&report, &artifacts[..]);
        let published = self.publish(source, written, document, results, &run.clock);
        let overtaken = published.await?;
        Ok((report, overtaken))
    }

    /// Opens an upload that is a transcript itself.
    async fn open(&self, upload: &Upload) -> StoreResult<Opened> {
        let max_bytes = self.config.max_input_bytes;
        let (at, object) = read::open(self.source.as_ref(), upload, max_bytes).await?;
        Ok(Opened {
            at,
            info: object.info.clone(),
            transcript: Some(object),
            transcript_at: None,
        })
    }

    /// Reads the transcript, or that of a recording as soon as it exists.
    async fn read(
        &self,
        opened: Option<Object>,
        source: &JobSource<'_>,
        clock: &Clock,
    ) -> Result<Transcript, JobError> {
        let mut object = match opened {
            Some(object) => object,
            None => self.transcribed(source, clock).await?,
        };
        let read = read::transcribe(&mut object).await;
        read.map_err(|error| match (error, &source.transcript_at) {
            (JobError::Rejected(Rejected::NotText(none)), Some(at)) => {
                Rejected::transcript_of_recording(none, at).into()
            }
            (error, _) => error,
        })
    }

    /// The location of a result for the object `at`.
    fn output(&self, at: &Location, ending: &str) -> Location {
        let bucket = self.config.output_bucket.as_ref().unwrap_or(&at.bucket);
        let prefix = &self.config.filter.output_prefix;
        Location::new(bucket, output_key(prefix, &at.key, ending))
    }
}

/// Why a job has nothing to do any more.
const REPLACED: &str =
    "the transcript has been replaced by another version, whose own event is worked on";
const DELETED: &str = "the transcript has been deleted";
const NEWER_SUMMARY: &str = "the summary of a newer version of the transcript is there already";

fn superseded(reason: &'static str) -> Outcome {
    tracing::info!(reason, "superseded");
    Outcome::Superseded
}
