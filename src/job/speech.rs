//! Has the summary read out, just before it is published, so that its report and page name the audio file from the beginning.
//!
//! - A reading is paid for once: like a call to a model it has an intent before it is started and a ticket afterwards, in the ledger
//!   of the job. An intent without a ticket is ambiguous; then the service is asked whether there is such a task, and it is started
//!   again only if there is none.
//! - What fails is a warning in the report. Only a lost lease ends the job here: another worker has it.
//! - Nothing waits for the audio. It is written by the service about a minute later.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::chain::chain;
use crate::document::report::SpeechReport;
use crate::document::{self, REPORT_ENDING, restored, spoken};
use crate::hex::hex;
use crate::job::filter::{READING_DIGITS, SPEECH_ENDING};
use crate::job::invocation::{PUBLISH_RESERVE, PUBLISH_SHARE, Written};
use crate::job::publish::MAX_REPORT_BYTES;
use crate::job::upload::JobSource;
use crate::job::{App, JobError};
use crate::run::Run;
use crate::speech::{self, Reading, Speaker, SpeechError, Ticket, Voice};
use crate::store::lease::{Claim, Lease, Overtaken, as_asked};
use crate::store::ledger::{Known, Ledger, LedgerError};
use crate::store::{Location, StoreError, found};
use crate::summary::Summary;

/// Most time for starting the readings of a summary. It takes a second.
const MAX_TIME: Duration = Duration::from_secs(30);

/// How often a reading is sent whose outcome is unknown.
const ATTEMPTS: u32 = 2;

/// The reason a summary is not read out.
#[derive(Debug, thiserror::Error)]
enum Silence {
    #[error("its language is not known: set SPEECH_VOICE")]
    NoLanguage,
    #[error(
        "Amazon Polly has no voice for the language {0}: set SPEECH_VOICE to have one read it nevertheless"
    )]
    NoVoice(String),
    #[error(transparent)]
    Refused(#[from] SpeechError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Overtaken(#[from] Overtaken),
}

impl From<LedgerError> for Silence {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Overtaken(error) => error.into(),
            LedgerError::Store(error) => error.into(),
        }
    }
}

impl App {
    /// Has a summary read out. Returns the audio files, and puts what failed into the warnings of the summary.
    ///
    /// # Errors
    /// If another worker has the job.
    pub(crate) async fn speak(
        &self,
        source: &JobSource<'_>,
        written: &mut Written,
        run: &Run,
    ) -> Result<Option<SpeechReport>, JobError> {
        let (Some(speaker), Some(settings)) = (&self.speaker, &self.config.speech) else {
            return Ok(None);
        };
        // It would be read out in vain: `publish` will find that out, too.
        let now = found(self.source.head(&source.at).await)?;
        if now.is_none_or(|now| now.etag != source.info.etag) {
            return Ok(None);
        }
        let lease = match &written.lease {
            Some(lease) => Arc::clone(lease),
            None => self.claim(source, run).await?,
        };
        let bucket = settings.bucket.as_ref().unwrap_or(&source.at.bucket);
        let (ledger, mut report) = (Ledger::new(&lease), None);
        let run = run.keeping(PUBLISH_RESERVE, PUBLISH_SHARE);
        let limit = run.time_left().map_or(MAX_TIME, |left| left.min(MAX_TIME));
        let summary = &written.summary;
        let voice = match (
            &summary.language,
            settings.voice(summary.language.as_deref()),
        ) {
            (_, Some(voice)) => Ok(voice),
            (Some(language), None) => Err(Silence::NoVoice(language.clone())),
            (None, None) => Err(Silence::NoLanguage),
        };
        let ended = match voice {
            Ok(voice) => {
                let ordered = self.order_speech(
                    speaker.as_ref(),
                    (source, summary),
                    (&voice, bucket),
                    &ledger,
                    &mut report,
                );
                tokio::select! {
                    ended = tokio::time::timeout(limit, ordered) => ended.unwrap_or_else(|_| {
                        Err(Silence::Refused(late(limit)))
                    }),
                    overtaken = lease.keep() => Err(overtaken.into()),
                }
            }
            Err(silence) => Err(silence),
        };
        match ended {
            Ok(()) => {}
            Err(Silence::Overtaken(error)) => return Err(error.into()),
            Err(silence) => {
                let reason = chain(&silence);
                tracing::warn!(error = reason, "the summary is not read out");
                let what = match &report {
                    Some(_) => "only the beginning of the summary is read out",
                    None => "the summary is not read out",
                };
                written.summary.warnings.push(format!("{what}: {reason}"));
            }
        }
        Ok(report)
    }

    /// Claims a job whose model needs no ledger.
    async fn claim(&self, source: &JobSource<'_>, run: &Run) -> Result<Arc<Lease>, JobError> {
        let claim = Lease::claim(self.state(source), &run.clock, self.lease, as_asked());
        match claim.await? {
            Claim::Ours(lease) => Ok(lease),
            Claim::Busy { expires_ms } => Err(JobError::Busy {
                seconds: (expires_ms - run.clock.now_ms()).max(0) / 1000 + 1,
            }),
        }
    }

    /// Starts the readings of a summary, one after the other, and adds them to the report.
    async fn order_speech(
        &self,
        speaker: &dyn Speaker,
        (source, summary): (&JobSource<'_>, &Summary),
        (voice, bucket): (&Voice, &str),
        ledger: &Ledger,
        report: &mut Option<SpeechReport>,
    ) -> Result<(), Silence> {
        let at = &source.at;
        let paragraphs = spoken::paragraphs(summary, &document::title(summary, at));
        let parts = speech::parts(&paragraphs);
        let count = parts.len();
        for (index, ssml) in parts.iter().enumerate() {
            let part = match count {
                1 => String::new(),
                _ => format!(".{}of{count}", index + 1),
            };
            let id = reading_id(at, voice, bucket, ssml);
            let key = speech::polly::key_prefix(
                &self.config.filter.output_prefix,
                &at.key,
                &format!("{SPEECH_ENDING}{part}.{id}"),
            );
            let reading = Reading {
                ssml,
                voice,
                to: &Location::new(bucket, key),
            };
            let Ticket { key } = start(speaker, &reading, ledger, &format!("speech-{id}")).await?;
            let report = report.get_or_insert_with(|| SpeechReport {
                bucket: bucket.to_owned(),
                keys: Vec::new(),
                voice: voice.id.clone(),
            });
            report.keys.push(key);
        }
        Ok(())
    }

    /// The audio files of the summary that is published now, as its report names them. A report that cannot be read names none.
    pub(crate) async fn spoken_before(&self, at: &Location) -> Vec<Location> {
        let report = self.output(at, REPORT_ENDING);
        let read = self.target.read(&report, MAX_REPORT_BYTES).await;
        let named = read
            .ok()
            .and_then(|(report, _)| restored::speech(&report).ok()?);
        // Audio in another bucket than the results is not this function's to delete.
        let named = named.filter(|speech| speech.bucket == report.bucket);
        let keys = named.map(|speech| speech.keys).unwrap_or_default();
        keys.into_iter()
            .map(|key| Location::new(&report.bucket, key))
            .collect()
    }

    /// Deletes audio files of an earlier version. A failure is only logged, because the summary is already published.
    pub(crate) async fn clear_speech(&self, stale: &[Location]) {
        for at in stale {
            if let Err(error) = self.target.delete(at, None).await {
                tracing::warn!(error = chain(&error), "could not remove outdated speech");
            }
        }
    }
}

/// Starts one reading, unless it has been started before.
async fn start(
    speaker: &dyn Speaker,
    reading: &Reading<'_>,
    ledger: &Ledger,
    call: &str,
) -> Result<Ticket, Silence> {
    if let Known::Job(ticket) = ledger.recall::<Ticket, Ticket>(call).await? {
        return Ok(ticket);
    }
    let mut attempt = 1;
    let ticket = loop {
        if ledger.intend(call).await? > 0
            && let Some(ticket) = speaker.find(reading).await?
        {
            break ticket;
        }
        match speaker.start(reading).await {
            Ok(ticket) => break ticket,
            Err(error) if error.is_ambiguous && attempt < ATTEMPTS => attempt += 1,
            Err(error) => {
                if !error.is_ambiguous {
                    // The next run would look for a task in vain, no more.
                    if let Err(error) = ledger.withdraw(call).await {
                        tracing::warn!(error = chain(&error), "could not withdraw an intent");
                    }
                } else if let Some(ticket) = speaker.find(reading).await? {
                    break ticket;
                }
                return Err(error.into());
            }
        }
    };
    ledger.submitted(call, &ticket).await?;
    Ok(ticket)
}

/// Tells readings apart: a hash of what is read, by whom, and where to.
fn reading_id(at: &Location, voice: &Voice, bucket: &str, ssml: &str) -> String {
    let voice = format!("{voice:?}");
    let mut hash = Sha256::new();
    for part in [&at.bucket, &at.key, bucket, &voice, ssml] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize(), READING_DIGITS / 2)
}

fn late(limit: Duration) -> SpeechError {
    let seconds = limit.as_secs();
    SpeechError {
        action: "polly:StartSpeechSynthesisTask",
        is_ambiguous: true,
        source: format!("no answer within {seconds} s").into(),
    }
}
