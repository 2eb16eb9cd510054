//! Publishes the artifacts of a document, the summary last, unless a newer version of the transcript has been uploaded since.

use std::time::Duration;

use crate::document::{Artifact, SUMMARY_ENDING};
use crate::job::{App, JobError, Upload};
use crate::store::{Location, Metadata, ObjectInfo, PutCondition, PutOptions, StoreError, found};

/// Metadata of a summary: the job that made it.
pub(crate) const JOB_ID: &str = "job-id";

/// Metadata of a summary: the entity tag of the transcript.
const SOURCE_ETAG: &str = "source-etag";

/// Metadata of a summary: the version of the transcript.
const SOURCE_VERSION_ID: &str = "source-version-id";

/// Metadata of a summary: the sequencer of the transcript's event.
const SOURCE_SEQUENCER: &str = "source-sequencer";

/// How often other writers may come first.
const MAX_RACES: usize = 8;

/// Before the slot is looked at again.
const RACE_WAIT: Duration = Duration::from_millis(250);

/// What is to be published.
pub(crate) struct Publication<'p> {
    pub(crate) upload: &'p Upload,
    /// Where the transcript was found, and what it was.
    pub(crate) at: &'p Location,
    pub(crate) info: &'p ObjectInfo,
    pub(crate) job_id: &'p str,
    /// In the order in which they are written; the summary is the last one.
    pub(crate) artifacts: Vec<Artifact>,
}

/// What is under the key of a summary.
pub(crate) enum SummarySlot {
    /// Nothing, or the summary of an older version; writing there has this condition.
    Ours(PutCondition),
    /// The summary of this very job; writing it again has this condition.
    Done(PutCondition),
    /// The summary of a newer version.
    Newer,
}

impl App {
    /// Looks at what is under the key of the summary of `at`.
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
            // Without sequencers nothing orders them but the transcript itself, which is looked at before publishing.
            _ => false,
        };
        Ok(if is_newer {
            SummarySlot::Newer
        } else {
            SummarySlot::Ours(replaces)
        })
    }

    /// Publishes all artifacts; false if a newer version of the transcript is there, or its summary.
    ///
    /// Each artifact is written under a condition, so that a slow old run never overwrites the result of a newer one, and
    /// the transcript is looked at after all conditions were fixed: a newer version's results that were there before show
    /// by it, later ones by the conditions.
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
                // Another worker has taken over and published the same.
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
                // Where no answer came, a look at the slot tells whether it was written.
                Err(error) if error.kind.policy().passes => {
                    last = Some(error);
                    tokio::time::sleep(RACE_WAIT).await;
                }
                Err(error) => return Err(JobError::from(error)),
            }
        }
        Err(last.map_or(JobError::Overtaken, JobError::from))
    }

    /// Removes the error report of an earlier run. The summary counts for more than whether that works.
    pub(crate) async fn clear_error(&self, at: &Location) {
        if let Err(error) = self.target.delete(&self.output(at, "_error.json")).await {
            tracing::warn!(%error, "could not remove an outdated error report");
        }
    }
}

/// Whether the event with the sequencer `one` happened after the one with `other`: S3 documents to pad the shorter with zeros on
/// the right and to compare as text. Only for events of the same key.
fn is_later(one: &str, other: &str) -> bool {
    let width = one.len().max(other.len());
    let padded = |sequencer: &str| format!("{sequencer:0<width$}").to_ascii_uppercase();
    padded(one) > padded(other)
}

/// What leads from a summary back to what it was made from.
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
