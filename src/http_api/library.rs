//! The state of transcripts, read from the objects in the store.
//!
//! A summary that was made from the present transcript means `done`, an error report about it `failed`, and a transcript with
//! neither `waiting`. Who is working on it knows more than that, and says so instead: in this process, or by a record of its
//! progress, which counts more than the error of an earlier attempt.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use futures_util::future::join_all;
use percent_encoding::utf8_percent_encode;
use serde::{Deserialize, Serialize};

use crate::aws::signer::UNRESERVED;
use crate::chain::chain;
use crate::clock::Clock;
use crate::document::{
    CHAPTERS_ENDING, MARKDOWN_ENDING, PAGE_ENDING, REPORT_ENDING, SUMMARY_ENDING, output_key,
};
use crate::http_api::address::plain_key;
use crate::http_api::upload::SMALLER;
use crate::http_api::{Answer, Problem, RESULTS};
use crate::job::filter::ERROR_ENDING;
use crate::job::progress::{Doing, Kept};
use crate::job::{Config, SOURCE_ETAG, WARNINGS, WORDS};
use crate::once;
use crate::store::{
    LINK_LASTS, Location, Presigner, Store, StoreError, StoreErrorKind, StoreResult, found,
};
use crate::transcriber::is_recording;

/// Maximum size of a report that is read for a status, in bytes.
const MAX_REPORT_BYTES: u64 = 256 << 20;

/// Maximum size of a result that is sent, in bytes.
const MAX_RESULT_BYTES: u64 = 1 << 30;

/// Transcripts that are looked up at the same time.
const LOOKS_AT_ONCE: usize = 16;

/// The results that can be read, with their MIME types.
const RESULT_KINDS: [(&str, &str, &str); 6] = [
    ("page", PAGE_ENDING, "text/html; charset=utf-8"),
    ("text", SUMMARY_ENDING, "text/plain; charset=utf-8"),
    ("report", REPORT_ENDING, "application/json"),
    ("markdown", MARKDOWN_ENDING, "text/markdown; charset=utf-8"),
    ("chapters", CHAPTERS_ENDING, "text/vtt; charset=utf-8"),
    ("error", ERROR_ENDING, "application/json"),
];

/// Transcripts in a bucket, with their results.
#[derive(Debug, Clone)]
pub struct Library {
    /// The store of both.
    pub store: Arc<dyn Store>,
    /// The bucket of transcripts.
    pub bucket: String,
    /// The configuration of jobs.
    pub config: Arc<Config>,
    /// How results are linked to.
    pub links: Links,
}

/// How results are linked to.
#[derive(Debug, Clone)]
pub enum Links {
    /// By the routes of this API.
    Routes,
    /// By links into the bucket that are signed in advance.
    Signed(Arc<Presigner>),
}

/// The state of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is there, and nothing is known of work on it.
    Waiting,
    /// It is a recording that is being transcribed.
    Transcribing,
    /// It is being summarized.
    Summarizing,
    /// There is a summary.
    Done,
    /// There is none, and somebody has to do something.
    Failed,
}

/// The steps of a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Steps {
    /// How many are done.
    pub done: usize,
    /// How many there are.
    pub of: usize,
}

/// What is known of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// Its key.
    pub key: String,
    /// Its state.
    pub status: State,
    /// How far the summary is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Steps>,
    /// What the endpoint said, if it is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
    /// Why there is no summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// Whether the same transcript can be summarized once that is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// Length of the summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<u64>,
    /// How many warnings the report has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning_count: Option<u64>,
    /// The warnings. Left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warnings: Option<Vec<String>>,
    /// What the summary is called. Left out of lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Addresses of the results by kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub links: BTreeMap<&'static str, String>,
    /// Seconds for which the links are good; `None` if they always are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listed {
    /// The transcripts.
    pub summaries: Vec<Status>,
    /// The key to go on after, if there are more.
    pub next: Option<String>,
}

/// How much of a status is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What needs no report.
    Brief,
    /// All.
    Full,
}

/// What a status takes from a report.
#[derive(Debug, Deserialize)]
struct Reported {
    title: Option<String>,
    warnings: Vec<String>,
    artifacts: Vec<String>,
}

/// What a status takes from an error report.
#[derive(Debug, Deserialize)]
struct ReportedError {
    source: ErrorSource,
    message: String,
    retryable: bool,
    next_step: String,
}

#[derive(Debug, Deserialize)]
struct ErrorSource {
    etag: Option<String>,
}

/// What to do about a failure that somebody has to fix.
fn try_again(key: &str) -> String {
    let begin = begin(key);
    format!("fix what the message names, then have it summarized again: {begin}")
}

fn begin(key: &str) -> String {
    let key = utf8_percent_encode(key, UNRESERVED);
    format!("POST /v1/summaries?key={key}")
}

impl Status {
    /// A status of which nothing but the state is known.
    #[must_use]
    pub fn of(key: impl Into<String>, status: State) -> Self {
        Self {
            key: key.into(),
            status,
            progress: None,
            waiting_for: None,
            error: None,
            next_step: None,
            retryable: None,
            words: None,
            warning_count: None,
            warnings: None,
            title: None,
            links: BTreeMap::new(),
            expires_in: None,
        }
    }

    /// The status of a transcript that somebody works on.
    pub(crate) fn doing(key: &str, steps: Option<Steps>, waiting_for: Option<String>) -> Self {
        Self {
            progress: steps,
            waiting_for,
            ..Self::of(key, State::Summarizing)
        }
    }

    /// The status of a transcript that waits for somebody to have it summarized.
    pub(crate) fn not_queued(self) -> Self {
        let next_step = format!("have it summarized: {}", begin(&self.key));
        Self {
            next_step: Some(next_step),
            ..self
        }
    }

    /// The status of a transcript that failed, which can be summarized again by this server.
    pub(crate) fn begun_again_here(self) -> Self {
        match self.retryable {
            Some(true) => Self {
                next_step: Some(try_again(&self.key)),
                ..self
            },
            _ => self,
        }
    }

    /// The status of a transcript that is not read, because it is too large.
    fn too_large(key: &str, reason: String) -> Self {
        Self {
            error: Some(reason),
            next_step: Some(SMALLER.to_owned()),
            retryable: Some(false),
            ..Self::of(key, State::Failed)
        }
    }

    /// The status of a transcript that could not be summarized for now.
    pub(crate) fn stopped(key: &str, error: String) -> Self {
        Self {
            error: Some(error),
            next_step: Some(try_again(key)),
            retryable: Some(true),
            ..Self::of(key, State::Failed)
        }
    }
}

impl Library {
    /// The location of a transcript.
    #[must_use]
    pub fn at(&self, key: &str) -> Location {
        Location::new(&self.bucket, key)
    }

    fn result(&self, key: &str, ending: &str) -> Location {
        let bucket = self.config.output_bucket.as_ref().unwrap_or(&self.bucket);
        let prefix = &self.config.filter.output_prefix;
        Location::new(bucket, output_key(prefix, key, ending))
    }

    /// The status of the transcript under a key; `None` if neither it nor a summary of it exists.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn status(&self, key: &str, detail: Detail) -> StoreResult<Option<Status>> {
        if self.config.skips(key).is_some() {
            return Ok(None);
        }
        let most = match &self.config.recordings {
            Some(recordings) if is_recording(key) => {
                let most = recordings.settings.max_bytes();
                // To be looked at, they are read.
                let is_read = self.store.directory().is_some();
                most.min(if is_read {
                    self.config.max_input_bytes
                } else {
                    most
                })
            }
            _ => self.config.max_input_bytes,
        };
        let transcript = match self.store.head_within(&self.at(key), most).await {
            // Its entity tag is not known, so a summary may be that of a smaller one that it has replaced.
            Err(error) if error.kind == StoreErrorKind::TooLarge => {
                return Ok(Some(Status::too_large(key, error.reason)));
            }
            looked => found(looked)?,
        };
        let is_of_another = |etag: Option<&String>| {
            let now = transcript.as_ref().map(|info| &info.etag);
            now.is_some() && etag.is_some() && now != etag
        };
        let summary = self.result(key, SUMMARY_ENDING);
        let summary = found(self.store.head_within(&summary, MAX_RESULT_BYTES).await)?;
        if let Some(info) = summary.filter(|info| !is_of_another(info.metadata.get(SOURCE_ETAG))) {
            let figure = |name: &str| info.metadata.get(name).and_then(|text| text.parse().ok());
            let mut status = Status {
                words: figure(WORDS),
                warning_count: figure(WARNINGS),
                ..Status::of(key, State::Done)
            };
            if detail == Detail::Full {
                self.add_report(&mut status).await?;
            }
            return Ok(Some(status));
        }
        if transcript.is_some()
            && let Some(status) = self.progress(key).await?
        {
            return Ok(Some(status));
        }
        if let Some(report) = self.error(key).await?
            && !is_of_another(report.source.etag.as_ref())
        {
            let mut status = Status {
                error: Some(report.message),
                next_step: Some(report.next_step),
                retryable: Some(report.retryable),
                ..Status::of(key, State::Failed)
            };
            self.link(&mut status, |ending| ending == ERROR_ENDING)
                .await?;
            return Ok(Some(status));
        }
        Ok(transcript.map(|_| Status::of(key, State::Waiting)))
    }

    /// The status of a transcript whose job keeps its progress and runs elsewhere.
    async fn progress(&self, key: &str) -> StoreResult<Option<Status>> {
        let Some(at) = self.config.progress_of(&self.at(key)) else {
            return Ok(None);
        };
        let kept = found(self.store.read(&at, MAX_REPORT_BYTES).await)?;
        let kept = kept.and_then(|(json, _)| serde_json::from_slice::<Kept>(&json).ok());
        let now_ms = Clock::System.now_ms();
        let fresh = kept.filter(|kept| kept.is_fresh(now_ms));
        Ok(fresh.map(|kept| match kept.doing {
            Doing::Transcribing => Status::of(key, State::Transcribing),
            Doing::Summarizing => {
                let (done, of) = (kept.done, kept.of);
                let steps = (of > 0).then_some(Steps { done, of });
                Status::doing(key, steps, kept.waiting_for)
            }
        }))
    }

    async fn add_report(&self, status: &mut Status) -> StoreResult<()> {
        let at = self.result(&status.key, REPORT_ENDING);
        let Some((json, _)) = found(self.store.read(&at, MAX_REPORT_BYTES).await)? else {
            return Ok(());
        };
        // Without a report that can be read there is still a summary.
        let Ok(report) = serde_json::from_slice::<Reported>(&json) else {
            return self.link(status, |ending| ending == SUMMARY_ENDING).await;
        };
        let key = status.key.clone();
        let is_there = |ending: &str| {
            let key = self.result(&key, ending).key;
            ending == REPORT_ENDING || report.artifacts.contains(&key)
        };
        self.link(status, is_there).await?;
        status.title = report.title;
        status.warning_count = u64::try_from(report.warnings.len()).ok();
        status.warnings = Some(report.warnings);
        Ok(())
    }

    async fn error(&self, key: &str) -> StoreResult<Option<ReportedError>> {
        let at = self.result(key, ERROR_ENDING);
        let report = found(self.store.read(&at, MAX_REPORT_BYTES).await)?;
        Ok(report.and_then(|(json, _)| serde_json::from_slice(&json).ok()))
    }

    /// Adds links to the results that exist.
    async fn link(&self, status: &mut Status, is_there: impl Fn(&str) -> bool) -> StoreResult<()> {
        for (kind, ending, _) in RESULT_KINDS {
            if !is_there(ending) {
                continue;
            }
            let at = self.result(&status.key, ending);
            let link = match &self.links {
                Links::Signed(presigner) => presigner.read(&at, SystemTime::now()).await?,
                Links::Routes => {
                    let parts = at.key.split('/');
                    let encode = |part| utf8_percent_encode(part, UNRESERVED).to_string();
                    RESULTS.to_owned() + &parts.map(encode).collect::<Vec<_>>().join("/")
                }
            };
            status.links.insert(kind, link);
        }
        let is_signed = matches!(self.links, Links::Signed(_));
        status.expires_in = is_signed.then_some(LINK_LASTS.as_secs());
        Ok(())
    }

    /// The keys of transcripts after `after`, at most `limit`, and the key to go on after.
    ///
    /// # Errors
    /// If the store cannot be listed.
    pub async fn keys(
        &self,
        after: &str,
        limit: usize,
    ) -> StoreResult<(Vec<String>, Option<String>)> {
        /// Objects that are listed in one request.
        const AT_ONCE: usize = 1000;
        // The results are under a prefix of their own, which is jumped over.
        let prefix = &self.config.filter.output_prefix;
        let behind_results = format!("{prefix}{}", char::MAX);
        let (mut keys, mut after) = (Vec::new(), after.to_owned());
        loop {
            let listed = self.store.list(&self.bucket, &after, AT_ONCE).await?;
            let are_all = listed.len() < AT_ONCE;
            let mut jumped = false;
            for key in listed {
                if key.starts_with(prefix.as_str()) {
                    (after, jumped) = (behind_results.clone(), true);
                    break;
                }
                if let Some((folder, _)) = key.rsplit_once('/')
                    && self.store.directory().is_some()
                    && self.config.skips(folder).is_none()
                {
                    once::left_out(folder, "it is a folder; the files in it are listed");
                }
                let is_read = self.config.skips(&key).is_none();
                // A key that nobody may ask for would be a dead end.
                if is_read && !self.config.is_of_recording(&key) && plain_key(key.clone()).is_ok() {
                    if keys.len() == limit {
                        let next = keys.last().cloned();
                        return Ok((keys, next));
                    }
                    keys.push(key.clone());
                }
                after = key;
            }
            if are_all && !jumped {
                return Ok((keys, None));
            }
        }
    }

    /// The status of the transcripts after `after`, at most `limit`.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn list(&self, after: &str, limit: usize) -> StoreResult<Listed> {
        let (keys, next) = self.keys(after, limit).await?;
        let mut summaries = Vec::new();
        for some in keys.chunks(LOOKS_AT_ONCE) {
            let looks = some.iter().map(|key| self.status(key, Detail::Brief));
            // One may have been deleted since it was listed.
            for (key, look) in some.iter().zip(join_all(looks).await) {
                match look {
                    Ok(status) => summaries.extend(status),
                    Err(error) if error.kind.passes() => return Err(error),
                    // A link that leads elsewhere, for one, must not hide the others.
                    Err(error) => once::left_out(key, &chain(&error)),
                }
            }
        }
        Ok(Listed { summaries, next })
    }

    /// A result, by its own key.
    ///
    /// # Errors
    /// If it is none, does not exist, or cannot be read.
    pub async fn read(&self, key: &str) -> Result<Answer, Problem> {
        let none = || {
            let error = format!("there is no result {key:?}");
            let next = "follow the links of GET /v1/summaries?key=";
            Problem::new(404, error, next)
        };
        let prefix = &self.config.filter.output_prefix;
        let kind = RESULT_KINDS
            .iter()
            .find(|(_, ending, _)| key.ends_with(ending));
        let (_, ending, content_type) = kind.ok_or_else(none)?;
        let source = key.strip_prefix(prefix.as_str());
        let source = source.and_then(|rest| rest.strip_suffix(ending));
        let source = source.filter(|source| self.config.skips(source).is_none());
        let at = self.result(source.ok_or_else(none)?, ending);
        match found(self.store.read(&at, MAX_RESULT_BYTES).await)? {
            None => Err(none()),
            Some((body, _)) => Ok(Answer {
                status: 200,
                content_type,
                headers: Vec::new(),
                body: body.into(),
            }),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.kind == StoreErrorKind::InvalidKey {
            let next =
                "expected a path of file names such as meetings/board.txt, of up to 240 bytes each";
            return Self::new(400, error.reason, next);
        }
        let (status, next_step) = match error.kind {
            StoreErrorKind::TooLarge => (500, "read it in the store"),
            kind if kind.passes() => (503, "try again in a few seconds"),
            _ => (500, "fix what the message names, and try again"),
        };
        Self::new(status, chain(&error), next_step)
    }
}
