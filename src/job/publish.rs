//! Publishes a document's artifacts, the summary last, unless a newer version of the transcript has been uploaded.
//!
//! Everything else is in place before the summary: once it exists, what its report names exists too, and nothing of an earlier
//! version does. A process that is killed in between leaves no summary, so the next run publishes all of it.
//!
//! All writes are conditional: a result is created where none was, or replaces the one that was looked up. So what another worker
//! publishes after the look makes a write fail, and the next attempt begins with a look. For an object without results, the look
//! with which its job began is enough, however long ago that was: whoever publishes begins with the report, and this worker then
//! cannot create its own. Results that are to be replaced are looked up again, because that look may have met another worker halfway.
//!
//! Conditions on one object at a time do not protect what a version *lacks*. A worker that was frozen may wake up beside the summary of
//! a newer version, and create the chapters or the page that this one does not have. So a worker that has been held up looks at the
//! transcript again before its next write. And whoever finds out that it is late removes what the report of the published version
//! does not name: a write may have been on its way all the time.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::chain::chain;
use crate::clock::Clock;
use crate::document::report::Report;
use crate::document::{Artifact, EARLIER_ENDINGS, REPORT_ENDING, SUMMARY_ENDING};
use crate::job::filter::ERROR_ENDING;
use crate::job::invocation::Written;
use crate::job::upload::JobSource;
use crate::job::{App, DELETED, JobError, NEWER_SUMMARY, REPLACED};
use crate::store::{
    Location, Metadata, PutCondition, PutOptions, StoreError, StoreErrorKind, StoreResult, found,
};

/// Metadata key of a summary: the id of its job.
pub(crate) const JOB_ID: &str = "job-id";

/// Metadata key of a summary: the transcript's entity tag.
pub(crate) const SOURCE_ETAG: &str = "source-etag";

/// Metadata key of a summary: the transcript's version id.
const SOURCE_VERSION_ID: &str = "source-version-id";

/// Metadata key of a summary: the sequencer of the transcript's event.
const SOURCE_SEQUENCER: &str = "source-sequencer";

// Figures of a summary, for whoever looks at its metadata and not into the report: S3 answers them without sending the text.

/// Metadata key of a summary: its length in words.
pub(crate) const WORDS: &str = "words";

/// Metadata key of a summary: (words − target) ÷ target.
const DEVIATION: &str = "deviation";

/// Metadata key of a summary: how many warnings its report has.
pub(crate) const WARNINGS: &str = "warnings";

/// Metadata key of a summary: mean recognition confidence of the transcript, from 0 to 1.
const CONFIDENCE: &str = "confidence";

/// Metadata key of a summary: the language it is in.
const LANGUAGE: &str = "language";

/// Metadata key of a summary: the provider that wrote it, and its model if it has several.
const MODEL: &str = "model";

/// Metadata key of a summary that is read out: in how many audio files.
const SPOKEN: &str = "spoken";

/// Most bytes of a report that is read for what it names.
pub(crate) const MAX_REPORT_BYTES: u64 = 64 << 20;

/// Attempts to publish while other writers interfere.
const MAX_RACES: usize = 8;

/// Wait before the next attempt.
const RACE_WAIT: Duration = Duration::from_millis(250);

/// A worker that needs longer than this between two writes looks at the transcript again. Writes take a fraction of a second.
const CHECK_LASTS_MS: i64 = 5_000;

/// The results that exist for an object: their entity tags by the endings of their keys.
#[derive(Debug, Default)]
pub(crate) struct Results(BTreeMap<&'static str, String>);

impl Results {
    pub(crate) fn have(&self, ending: &str) -> bool {
        self.0.contains_key(ending)
    }

    /// Whether no job has published anything yet.
    fn are_none(&self) -> bool {
        self.0.keys().all(|ending| *ending == ERROR_ENDING)
    }
}

/// What a summary tells of its origin.
pub(crate) struct Earlier {
    /// The job that made it.
    pub(crate) job_id: Option<String>,
    /// The entity tag of its transcript.
    pub(crate) source_etag: Option<String>,
    /// The provider that wrote it, and its model if it has several.
    pub(crate) writer: Option<String>,
}

/// The state of the summary's key.
pub(crate) enum SummarySlot {
    /// Free, or holds a summary that is not newer than the job's.
    Ours(Replaced),
    /// Holds this job's summary, of an earlier upload of the same bytes. Another version may have been there in between, and a worker
    /// may be about to publish it.
    PutBack(Replaced),
    /// Holds this job's summary.
    Done,
    /// Holds the summary of a newer version.
    Newer,
}

/// What the job's summary is to replace.
pub(crate) struct Replaced {
    /// The condition under which it is written.
    condition: PutCondition,
    /// Whether there is a summary that is read out.
    was_spoken: bool,
}

/// A step of publishing.
enum Change<'a> {
    Put(&'a Artifact, PutCondition, Metadata),
    /// Removes what an earlier version had and this one has not, in the state with this entity tag: a page that is switched off
    /// now must not stay beside the summary of another version.
    Delete(&'static str, String),
}

impl App {
    /// Looks up the results that exist for an object, the summary last.
    pub(crate) async fn results(&self, at: &Location) -> StoreResult<Results> {
        let endings = EARLIER_ENDINGS.into_iter();
        let endings: Vec<&str> = endings.chain([ERROR_ENDING, SUMMARY_ENDING]).collect();
        let keys: Vec<String> = endings
            .iter()
            .map(|ending| self.output(at, ending).key)
            .collect();
        let bucket = self.output(at, "").bucket;
        let tags = self.target.tags(&bucket, &keys).await?;
        let found = endings.into_iter().zip(tags);
        Ok(Results(
            found
                .filter_map(|(ending, tag)| Some((ending, tag?)))
                .collect(),
        ))
    }

    /// Looks up the current summary of the job's object, if there is one among its `results`.
    pub(crate) async fn summary_slot(
        &self,
        source: &JobSource<'_>,
        results: &Results,
    ) -> Result<SummarySlot, StoreError> {
        let summary = self.output(&source.at, SUMMARY_ENDING);
        let found = match results.have(SUMMARY_ENDING) {
            true => found(self.target.head(&summary).await)?,
            false => None,
        };
        let Some(found) = found else {
            return Ok(SummarySlot::Ours(Replaced {
                condition: PutCondition::IfAbsent,
                was_spoken: false,
            }));
        };
        let known = |name: &str| found.metadata.get(name).map(String::as_str);
        let is_done = known(JOB_ID) == Some(&source.job_id);
        // Without sequencers the summaries cannot be ordered. `publish` checks that the transcript is unchanged.
        let sequencers = known(SOURCE_SEQUENCER).zip(source.upload.sequencer.as_deref());
        let is_newer = sequencers.is_some_and(|(theirs, ours)| is_later(theirs, ours));
        let is_older = sequencers.is_some_and(|(theirs, ours)| is_later(ours, theirs));
        let was_spoken = known(SPOKEN).is_some();
        let replaced = Replaced {
            condition: PutCondition::IfMatch(found.etag),
            was_spoken,
        };
        Ok(match (is_done, is_newer) {
            (true, _) if is_older => SummarySlot::PutBack(replaced),
            (true, _) => SummarySlot::Done,
            (false, true) => SummarySlot::Newer,
            (false, false) => SummarySlot::Ours(replaced),
        })
    }

    /// The current summary of `at`, if there is one.
    pub(crate) async fn earlier_summary(&self, at: &Location) -> StoreResult<Option<Earlier>> {
        let summary = found(self.target.head(&self.output(at, SUMMARY_ENDING)).await)?;
        Ok(summary.map(|mut found| Earlier {
            job_id: found.metadata.remove(JOB_ID),
            source_etag: found.metadata.remove(SOURCE_ETAG),
            writer: found.metadata.remove(MODEL),
        }))
    }

    /// Publishes all artifacts, the last one being the summary. Returns the reason if the transcript or its summary has been
    /// replaced by a newer version.
    ///
    /// The transcript is checked after the results have been looked up: if those of a newer version existed by then, that check
    /// detects the newer version; if they appear later, the preconditions fail. `results` are those that existed when the job began.
    pub(crate) async fn publish(
        &self,
        source: &JobSource<'_>,
        written: &Written,
        (report, artifacts): (&Report, &[Artifact]),
        results: Results,
        clock: &Clock,
    ) -> Result<Option<&'static str>, JobError> {
        let at = &source.at;
        let mut known = Some(results).filter(Results::are_none);
        let artifact = |ending| artifacts.iter().find(|artifact| artifact.ending == ending);
        let mut last = None;
        let mut stale = Vec::new();
        let mut is_begun = false;
        for _ in 0..MAX_RACES {
            // The other results are looked up before the summary: if another worker publishes in between, either the look at the
            // summary shows that, or their conditions no longer hold.
            let results = match known.take() {
                Some(results) => results,
                None => self.results(at).await?,
            };
            // An earlier invocation may have reported an error while this one began.
            let mut is_error_told = results.have(ERROR_ENDING) || written.invocations > 1;
            let mut changes = Vec::new();
            for ending in EARLIER_ENDINGS {
                let there = results.0.get(ending).cloned();
                let change = match artifact(ending) {
                    Some(artifact) => {
                        let condition = there.map_or(PutCondition::IfAbsent, PutCondition::IfMatch);
                        Some(Change::Put(artifact, condition, Metadata::new()))
                    }
                    None => there.map(|etag| Change::Delete(ending, etag)),
                };
                changes.extend(change);
            }
            match self.summary_slot(source, &results).await? {
                SummarySlot::Ours(replaced) | SummarySlot::PutBack(replaced) => {
                    let Replaced {
                        condition,
                        was_spoken,
                    } = replaced;
                    // Before its report is overwritten.
                    if was_spoken && stale.is_empty() {
                        stale = self.spoken_before(at).await;
                    }
                    let summary = artifact(SUMMARY_ENDING);
                    let metadata = metadata(source, report);
                    changes.extend(summary.map(|text| Change::Put(text, condition, metadata)));
                }
                SummarySlot::Newer => {
                    self.clear_strays_if(is_begun, at).await;
                    return Ok(Some(NEWER_SUMMARY));
                }
                // Another worker has taken over and published the same summary.
                SummarySlot::Done => {
                    self.clear_strays_if(is_begun, at).await;
                    if is_error_told {
                        self.clear_error(source).await;
                    }
                    return Ok(None);
                }
            }
            let published = async {
                let lasts = |since_ms: i64| clock.now_ms() - since_ms <= CHECK_LASTS_MS;
                let mut checked_ms = None;
                for change in changes {
                    if !checked_ms.is_some_and(lasts) {
                        checked_ms = Some(clock.now_ms());
                        match found(self.source.head(at).await)? {
                            Some(now) if now.etag == source.info.etag => {
                                // The version in between may have been rejected.
                                is_error_told |= !now.is_same_write(&source.info);
                            }
                            Some(_) => return Ok(Some(REPLACED)),
                            None => return Ok(Some(DELETED)),
                        }
                    }
                    is_begun = true;
                    self.make(at, change).await?;
                    if checked_ms.is_some_and(lasts) {
                        checked_ms = Some(clock.now_ms());
                    }
                }
                Ok::<_, StoreError>(None)
            };
            match published.await {
                Ok(Some(overtaken)) => {
                    self.clear_strays_if(is_begun, at).await;
                    return Ok(Some(overtaken));
                }
                Ok(None) => {
                    if is_error_told {
                        self.clear_error(source).await;
                    }
                    let speech = report.speech.as_ref();
                    let is_kept =
                        |at: &Location| speech.is_some_and(|now| now.keys.contains(&at.key));
                    stale.retain(|at| !is_kept(at));
                    self.clear_speech(&stale).await;
                    return Ok(None);
                }
                // The write may have succeeded without a response. The next look at the slot shows it.
                Err(error) if error.kind.passes() => {
                    last = Some(error);
                    tokio::time::sleep(RACE_WAIT).await;
                }
                Err(error) => return Err(JobError::from(error)),
            }
        }
        Err(last.map_or(JobError::Overtaken, JobError::from))
    }

    async fn make(&self, at: &Location, change: Change<'_>) -> StoreResult<()> {
        match change {
            Change::Put(artifact, condition, metadata) => {
                self.put(at, artifact, condition, metadata).await
            }
            Change::Delete(ending, etag) => {
                let stale = self.output(at, ending);
                found(self.target.delete(&stale, Some(&etag)).await).map(|_| ())
            }
        }
    }

    pub(crate) async fn put(
        &self,
        at: &Location,
        artifact: &Artifact,
        condition: PutCondition,
        metadata: Metadata,
    ) -> StoreResult<()> {
        let options = PutOptions {
            condition,
            content_type: artifact.content_type,
            metadata,
        };
        let to = self.output(at, artifact.ending);
        self.target.put(&to, artifact.body.clone(), options).await?;
        Ok(())
    }

    /// Removes what this worker has written beside the results of another one, if it has begun to write.
    async fn clear_strays_if(&self, is_begun: bool, at: &Location) {
        if is_begun {
            self.clear_strays_among(at, self.results(at).await).await;
        }
    }

    /// Removes those of the `results` of an object that its report does not name. A failure is only logged.
    ///
    /// The report is written first and names what follows, so what is there before the report is read, and is not named in it,
    /// belongs to another report.
    pub(crate) async fn clear_strays_among(&self, at: &Location, results: StoreResult<Results>) {
        let cleared = async {
            let Results(mut strays) = results?;
            for kept in [REPORT_ENDING, ERROR_ENDING, SUMMARY_ENDING] {
                strays.remove(kept);
            }
            if strays.is_empty() {
                return Ok(());
            }
            let report = self.output(at, REPORT_ENDING);
            let report = self.target.read(&report, MAX_REPORT_BYTES).await;
            let Some((report, _)) = found(report)? else {
                return Ok(());
            };
            // Reports of earlier versions of the program do not name anything.
            let Ok(Named { artifacts }) = serde_json::from_slice(&report) else {
                return Ok(());
            };
            for (ending, tag) in strays {
                let stray = self.output(at, ending);
                if artifacts.contains(&stray.key) {
                    continue;
                }
                match self.target.delete(&stray, Some(&tag)).await {
                    // Another worker has replaced it.
                    Err(error) if error.kind == StoreErrorKind::Precondition => {}
                    deleted => deleted?,
                }
            }
            Ok::<(), StoreError>(())
        };
        if let Err(error) = cleared.await {
            tracing::warn!(
                error = chain(&error),
                "could not remove what does not belong to the published summary"
            );
        }
    }
}

/// What is read of a report to know what belongs to it.
#[derive(Deserialize)]
struct Named {
    artifacts: Vec<String>,
}

/// Whether the event with the sequencer `one` is later than that with `other`. As S3 documents, the shorter one is padded
/// with zeros on the right and both are compared as strings. Only valid for events of the same key.
pub(crate) fn is_later(one: &str, other: &str) -> bool {
    let width = one.len().max(other.len());
    let padded = |sequencer: &str| format!("{sequencer:0<width$}").to_ascii_uppercase();
    padded(one) > padded(other)
}

/// Metadata that link a summary to its source and tell how it came out.
fn metadata(source: &JobSource<'_>, report: &Report) -> Metadata {
    let JobSource { upload, info, .. } = source;
    let version = info.version_id.as_ref().or(upload.version_id.as_ref());
    let confidence = report.source.confidence;
    let spoken = report.speech.as_ref();
    let model = report.model.model.iter();
    let model = model.map(|model| format!(" {model}"));
    let writer = report.model.provider.clone() + &model.collect::<String>();
    [
        (JOB_ID, Some(source.job_id.clone())),
        (SOURCE_ETAG, Some(info.etag.clone())),
        (SOURCE_VERSION_ID, version.cloned()),
        (SOURCE_SEQUENCER, upload.sequencer.clone()),
        (WORDS, Some(report.summary.words.to_string())),
        (DEVIATION, Some(format!("{:.4}", report.summary.deviation))),
        (WARNINGS, Some(report.warnings.len().to_string())),
        (CONFIDENCE, confidence.map(|mean| format!("{mean:.2}"))),
        (LANGUAGE, report.language.clone()),
        (MODEL, Some(writer)),
        (SPOKEN, spoken.map(|speech| speech.keys.len().to_string())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

#[cfg(test)]
mod tests {
    use crate::job::publish::is_later;

    #[test]
    fn sequencers_are_padded_on_the_right() {
        for (later, earlier) in [
            ("0055AED6DCD90281E6", "0055AED6DCD90281E5"),
            ("0055AED6DCD90281E51", "0055AED6DCD90281E5"),
            ("0055AF", "0055AED6DCD90281E5"),
            ("0055aF", "0055AE"),
        ] {
            assert!(is_later(later, earlier) && !is_later(earlier, later));
        }
        assert!(!is_later("0055", "0055") && !is_later("0055", "005500"));
    }
}
