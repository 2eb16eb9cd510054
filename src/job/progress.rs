//! Keeps how far a job is in an object, for the HTTP API, which runs in a function of its own.
//!
//! Only jobs of uploads through that API do so. The object is written when something changes, and every few minutes. It counts
//! only while it is fresh, because nobody removes it when a function is killed. Nothing depends on it: what cannot be written is
//! left out.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::chain::chain;
use crate::hex::hex;
use crate::job::{App, Config, JobError, Outcome, Upload};
use crate::run::Run;
use crate::store::{Location, PutOptions};

/// How long a record counts. A job that an invocation could not finish is delivered again after 16 minutes at the latest.
const FRESH: Duration = Duration::from_secs(20 * 60);

/// How often it is written if nothing changes.
const REPEAT: Duration = Duration::from_secs(5 * 60);

/// How far a job is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) doing: Doing,
    /// Calls that are answered, and those expected in all; 0 if that is not known.
    pub(crate) done: usize,
    pub(crate) of: usize,
    /// What the endpoint said, if it is waited for.
    pub(crate) waiting_for: Option<String>,
    /// Milliseconds since 1970.
    at_ms: i64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Doing {
    Transcribing,
    #[default]
    Summarizing,
}

impl Kept {
    pub(crate) fn is_fresh(&self, now_ms: i64) -> bool {
        now_ms - self.at_ms < FRESH.as_millis() as i64
    }
}

impl Config {
    /// Where the progress of the job on this object is kept, if it is.
    pub(crate) fn progress_of(&self, at: &Location) -> Option<Location> {
        let folder = self.api_prefix.as_ref()?;
        at.key.starts_with(folder.as_str()).then(|| {
            let bucket = self.output_bucket.as_ref().unwrap_or(&at.bucket);
            let name = hex(&Sha256::digest(at.to_string()), 16);
            let prefix = &self.filter.output_prefix;
            Location::new(bucket, format!("{prefix}.work/progress/{name}.json"))
        })
    }
}

impl App {
    /// Runs a job while its progress is kept at `at`.
    pub(crate) async fn keeping_progress(
        &self,
        at: &Location,
        upload: &Upload,
        run: &Run,
    ) -> Result<Outcome, JobError> {
        let (told, news) = watch::channel(Kept::default());
        let (told, outer) = (Arc::new(told), run.clone());
        let (waits, outer_too) = (Arc::clone(&told), run.clone());
        let run = run
            .clone()
            .watched_by(move |progress| {
                outer.pass_on(progress);
                told.send_modify(|kept| {
                    (kept.done, kept.of) = (progress.done, progress.of);
                    kept.waiting_for = None;
                });
            })
            .telling_of_waits(move |waiting| {
                outer_too.tell_of_wait(waiting);
                waits.send_if_modified(|kept| {
                    let reason = Some(&waiting.reason);
                    let is_new = kept.waiting_for.as_ref() != reason;
                    kept.waiting_for = reason.cloned();
                    is_new
                });
            });
        let ended = tokio::select! {
            biased;
            ended = self.run_in_time(upload, &run) => ended,
            never = self.keep(at, news, &run) => match never {},
        };
        match &ended {
            Err(JobError::Transcribing) => {
                let doing = Doing::Transcribing;
                let kept = Kept {
                    doing,
                    ..Kept::default()
                };
                self.write_progress(at, kept, &run).await;
            }
            // It goes on soon.
            Err(error) if error.passes() => {}
            // The summary counts more.
            Ok(Outcome::Done(_) | Outcome::Duplicate { .. }) => {}
            _ => {
                if let Err(error) = self.target.delete(at, None).await {
                    tracing::warn!(error = chain(&error), "could not forget the progress");
                }
            }
        }
        ended
    }

    async fn keep(&self, at: &Location, mut news: watch::Receiver<Kept>, run: &Run) -> Infallible {
        // The first news come once the transcript has been read: what is rejected before leaves no trace.
        if news.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        loop {
            let kept = news.borrow_and_update().clone();
            self.write_progress(at, kept, run).await;
            // That nothing is new is an error here, and no reason to end.
            let _ = tokio::time::timeout(REPEAT, news.changed()).await;
        }
    }

    async fn write_progress(&self, at: &Location, kept: Kept, run: &Run) {
        let at_ms = run.clock.now_ms();
        let json = serde_json::to_vec(&Kept { at_ms, ..kept });
        let options = PutOptions {
            content_type: "application/json",
            ..PutOptions::default()
        };
        // Numbers and texts can always be serialized.
        let body = Bytes::from(json.unwrap_or_default());
        if let Err(error) = self.target.put(at, body, options).await {
            tracing::warn!(error = chain(&error), "could not keep the progress");
        }
    }
}
