//! Publishes a document's artifacts, the summary last, unless a newer version of the transcript has been uploaded.

use std::time::Duration;

use crate::chain::chain;
use crate::document::{Artifact, SUMMARY_ENDING};
use crate::job::{App, JobError, Upload};
use crate::store::{Location, Metadata, ObjectInfo, PutCondition, PutOptions, StoreError, found};

/// Metadata key of a summary: the id of its job.
pub(crate) const JOB_ID: &str = "job-id";

/// Metadata key of a summary: the transcript's entity tag.
const SOURCE_ETAG: &str = "source-etag";

/// Metadata key of a summary: the transcript's version id.
const SOURCE_VERSION_ID: &str = "source-version-id";

/// Metadata key of a summary: the sequencer of the transcript's event.
const SOURCE_SEQUENCER: &str = "source-sequencer";

/// Attempts to publish while other writers interfere.
const MAX_RACES: usize = 8;

/// Wait before the next attempt.
const RACE_WAIT: Duration = Duration::from_millis(250);

/// The input of [`App::publish`].
pub(crate) struct Publication<'p> {
    pub(crate) upload: &'p Upload,
    /// The transcript's location.
    pub(crate) at: &'p Location,
    pub(crate) info: &'p ObjectInfo,
    pub(crate) job_id: &'p str,
    /// In the order of publication; the summary is last.
    pub(crate) artifacts: Vec<Artifact>,
}

/// The state of the summary's key.
pub(crate) enum SummarySlot {
    /// Free, or holds the summary of another job that is not newer. The condition is for writing the summary.
    Ours(PutCondition),
    /// Holds this job's summary. The condition is for overwriting it.
    Done(PutCondition),
    /// Holds the summary of a newer version.
    Newer,
}

impl App {
    /// Looks up the current summary of the object `at`.
    pub(crate) async fn summary_slot(
        &self,
        upload: &Upload,
        at: &Location,
        job_id: &str,
    ) -> Result<SummarySlot, StoreError> {
        let Some(found) = found(self.target.head(&self.output(at, SUMMARY_ENDING)).await)? else {
            return Ok(SummarySlot::Ours(PutCondition::IfAbsent));
        };
        let known = |name: &str| found.metadata.get(name).map(String::as_str);
        let replaces = PutCondition::IfMatch(found.etag.clone());
        if known(JOB_ID) == Some(job_id) {
            return Ok(SummarySlot::Done(replaces));
        }
        let is_newer = match (known(SOURCE_SEQUENCER), &upload.sequencer) {
            (Some(theirs), Some(ours)) => is_later(theirs, ours),
            // Without sequencers the summaries cannot be ordered. `publish` checks that the transcript is unchanged.
            _ => false,
        };
        Ok(if is_newer {
            SummarySlot::Newer
        } else {
            SummarySlot::Ours(replaces)
        })
    }

    /// Publishes all artifacts. Returns false if the transcript or its summary has been replaced by a newer version.
    ///
    /// All writes are conditional, so a slow old run never overwrites a newer result. The transcript is checked after the
    /// preconditions have been read: if a newer version's results existed by then, that check detects the newer version; if
    /// they appear later, the preconditions fail.
    pub(crate) async fn publish(&self, publication: Publication<'_>) -> Result<bool, JobError> {
        let Publication {
            upload,
            at,
            info,
            job_id,
            artifacts,
        } = publication;
        let mut last = None;
        for _ in 0..MAX_RACES {
            let slot = match self.summary_slot(upload, at, job_id).await? {
                SummarySlot::Ours(condition) => condition,
                SummarySlot::Newer => return Ok(false),
                // Another worker has taken over and published the same summary.
                SummarySlot::Done(_) if self.trace.is_none() => {
                    self.clear_error(at).await;
                    return Ok(true);
                }
                SummarySlot::Done(condition) => condition,
            };
            let mut writes = Vec::with_capacity(artifacts.len());
            for artifact in &artifacts {
                let to = self.output(at, artifact.ending);
                let is_summary = artifact.ending == SUMMARY_ENDING;
                let condition = if is_summary {
                    slot.clone()
                } else {
                    match found(self.target.head(&to).await)? {
                        Some(there) => PutCondition::IfMatch(there.etag),
                        None => PutCondition::IfAbsent,
                    }
                };
                let options = PutOptions {
                    condition,
                    content_type: artifact.content_type,
                    metadata: if is_summary {
                        metadata(upload, info, job_id)
                    } else {
                        Metadata::new()
                    },
                };
                writes.push((to, artifact.body.clone(), options));
            }
            match found(self.source.head(at).await)? {
                Some(now) if now.etag == info.etag => {}
                _ => return Ok(false),
            }
            let written = async {
                for (to, body, options) in writes {
                    self.target.put(&to, body, options).await?;
                }
                Ok::<(), StoreError>(())
            };
            match written.await {
                Ok(()) => {
                    self.clear_error(at).await;
                    return Ok(true);
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

    /// Deletes the error report of an earlier run. A failure is only logged, because the summary is already published.
    pub(crate) async fn clear_error(&self, at: &Location) {
        if let Err(error) = self.target.delete(&self.output(at, "_error.json")).await {
            tracing::warn!(
                error = chain(&error),
                "could not remove an outdated error report"
            );
        }
    }
}

/// Whether the event with the sequencer `one` is later than that with `other`. As S3 documents, the shorter one is padded
/// with zeros on the right and both are compared as strings. Only valid for events of the same key.
fn is_later(one: &str, other: &str) -> bool {
    let width = one.len().max(other.len());
    let padded = |sequencer: &str| format!("{sequencer:0<width$}").to_ascii_uppercase();
    padded(one) > padded(other)
}

/// Metadata that links a summary to its source.
fn metadata(upload: &Upload, info: &ObjectInfo, job_id: &str) -> Metadata {
    let version = info.version_id.as_ref().or(upload.version_id.as_ref());
    [
        (SOURCE_ETAG, Some(&info.etag)),
        (SOURCE_VERSION_ID, version),
        (SOURCE_SEQUENCER, upload.sequencer.as_ref()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?.clone())))
    .chain([(JOB_ID.to_owned(), job_id.to_owned())])
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
