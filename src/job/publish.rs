//! Puts a summary and its report in their places, unless a newer version of the transcript has been uploaded since.

use std::time::Duration;

use bytes::Bytes;

use crate::job::App;
use crate::job::error::Cause;
use crate::store::{Location, Metadata, ObjectInfo, PutCondition, PutOptions, StoreError, found};
use crate::trigger::Upload;

/// Metadata of a summary: the job that made it.
pub(crate) const JOB_ID: &str = "job-id";

/// Metadata of a summary: the entity tag of the transcript.
const SOURCE_ETAG: &str = "source-etag";

/// Metadata of a summary: the version of the transcript.
const SOURCE_VERSION_ID: &str = "source-version-id";

/// Metadata of a summary: the sequencer of the transcript's event.
const SOURCE_SEQUENCER: &str = "source-sequencer";

/// How often others may come first.
const MAX_RACES: usize = 8;

/// Before the place is looked at again.
const RACE_WAIT: Duration = Duration::from_millis(250);

/// What is to be published.
pub(crate) struct Publication<'p> {
    pub(crate) upload: &'p Upload,
    /// Where the transcript was found, and what it was.
    pub(crate) at: &'p Location,
    pub(crate) info: &'p ObjectInfo,
    pub(crate) job_id: &'p str,
    pub(crate) report: Vec<u8>,
    pub(crate) text: String,
}

/// What has become of the place where a summary goes.
pub(crate) enum Place {
    /// Free, or taken by the summary of an older version; writing there has this condition.
    Ours(PutCondition),
    /// It holds the summary of this very job; writing it again has this condition.
    Done(PutCondition),
    /// It holds the summary of a newer version.
    Newer,
}

impl App {
    /// Looks at the place where the summary of `at` goes.
    pub(crate) async fn place(
        &self,
        upload: &Upload,
        at: &Location,
        job_id: &str,
    ) -> Result<Place, StoreError> {
        let Some(found) = found(self.target.head(&self.output(at, "_summary.txt")).await)? else {
            return Ok(Place::Ours(PutCondition::IfAbsent));
        };
        let known = |name: &str| found.metadata.get(name).map(String::as_str);
        let replaces = PutCondition::IfMatch(found.etag.clone());
        if known(JOB_ID) == Some(job_id) {
            return Ok(Place::Done(replaces));
        }
        let is_newer = match (known(SOURCE_SEQUENCER), &upload.sequencer) {
            (Some(theirs), Some(ours)) => is_later(theirs, ours),
            // Without sequencers nothing orders them but the transcript itself, which is looked at before publishing.
            _ => false,
        };
        Ok(if is_newer {
            Place::Newer
        } else {
            Place::Ours(replaces)
        })
    }

    /// Publishes; false if a newer version of the transcript is there, or its summary.
    pub(crate) async fn publish(&self, publication: Publication<'_>) -> Result<bool, Cause> {
        let Publication {
            upload,
            at,
            info,
            job_id,
            report,
            text,
        } = publication;
        let (report, text) = (Bytes::from(report), Bytes::from(text));
        let report_at = self.output(at, "_summary.json");
        let summary_at = self.output(at, "_summary.txt");
        let mut last = None;
        for _ in 0..MAX_RACES {
            let condition = match self.place(upload, at, job_id).await? {
                Place::Ours(condition) => condition,
                Place::Newer => return Ok(false),
                // The same by another worker, who has taken over: nothing is left to be done.
                Place::Done(_) if self.trace.is_none() => {
                    self.clear_error(at).await;
                    return Ok(true);
                }
                Place::Done(condition) => condition,
            };
            // The report first: whoever sees the summary finds it too. Under a condition, so that it never is an older one's.
            let report_condition = match found(self.target.head(&report_at).await)? {
                Some(there) => PutCondition::IfMatch(there.etag),
                None => PutCondition::IfAbsent,
            };
            // The transcript after both: a newer version's results that were there before show by it, and later ones by the
            // conditions.
            match found(self.source.head(at).await)? {
                Some(now) if now.etag == info.etag => {}
                _ => return Ok(false),
            }
            let report_options = PutOptions {
                condition: report_condition,
                content_type: "application/json",
                metadata: Metadata::new(),
            };
            let summary_options = PutOptions {
                condition,
                content_type: "text/plain; charset=utf-8",
                metadata: metadata(upload, info, job_id),
            };
            let written = async {
                self.target
                    .put(&report_at, report.clone(), report_options)
                    .await?;
                self.target
                    .put(&summary_at, text.clone(), summary_options)
                    .await
            };
            match written.await {
                Ok(_) => {
                    self.clear_error(at).await;
                    return Ok(true);
                }
                // Where no answer came, a look at the place tells whether it was written.
                Err(error) if error.kind.policy().passes => {
                    last = Some(error);
                    tokio::time::sleep(RACE_WAIT).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(last.map_or(Cause::Overtaken, Cause::from))
    }

    /// Removes what an earlier run had to say about a failure. That the summary is there counts for more than whether it works.
    pub(crate) async fn clear_error(&self, at: &Location) {
        if let Err(error) = self.target.delete(&self.output(at, "_error.json")).await {
            tracing::warn!(%error, "could not remove an error report that no longer holds");
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
