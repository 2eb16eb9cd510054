//! Recordings: jobs whose object is audio or video. Such a job reads the transcript that a transcriber has written of it, and
//! otherwise starts the transcription and ends unfinished, so that its message stays in the queue.
//!
//! - The results are those of the recording: under its key, with its entity tag, superseded when it is overwritten.
//! - The transcript's own upload, and the transcriber's event that it has finished, are events about the recording. They only save
//!   time: without them the recording's message continues the job when it is delivered again.
//! - The transcript's key names the version of the recording, so a transcript that exists is not paid for again, whatever becomes
//!   of the transcriber's records.

use sha2::{Digest, Sha256};

use crate::clock::Clock;
use crate::hex::hex;
use crate::job::filter::Skip;
use crate::job::upload::{JobSource, Upload};
use crate::job::{App, Config, JobError, Rejected};
use crate::store::{
    Action, Location, Object, ObjectInfo, StateFolder, StoreError, StoreErrorKind, StoreResult,
    Wanted, found,
};
use crate::transcriber::{Origin, Recordings, State, Task, TranscriberError, is_recording};

/// Most bytes of the name of a transcript in a directory. Linux and macOS have names of up to 255.
const MAX_FILE_NAME: usize = 240;

/// The object of a job with its transcript: the same object, or that of a recording, which may not exist yet.
pub(crate) struct Opened {
    pub(crate) at: Location,
    pub(crate) info: ObjectInfo,
    pub(crate) transcript: Option<Object>,
    /// The location of a recording's transcript.
    pub(crate) transcript_at: Option<Location>,
}

impl Config {
    /// Whether an object is the transcript of a recording, by its key.
    pub(crate) fn is_of_recording(&self, key: &str) -> bool {
        let recordings = self.recordings.as_ref();
        recordings.is_some_and(|recordings| recordings.keys.origin(key).is_some())
    }

    /// The reason to skip the object at `key`; `None` to read it.
    #[must_use]
    pub fn skips(&self, key: &str) -> Option<Skip> {
        let recordings = self.recordings.as_ref();
        match recordings.and_then(|recordings| recordings.keys.origin(key)) {
            Some(Origin::Recording { .. }) => None,
            Some(Origin::Unknown) => Some(Skip::Transcript),
            None => {
                let list = self.lists.have(key).then_some(Skip::List);
                self.filter.skips(key).or(list)
            }
        }
    }

    /// The reason to skip an upload: that of its key, or that it would be a result under the other reading of its key. An event
    /// whose sender encodes keys would otherwise have the program work on what it wrote, over and over.
    #[must_use]
    pub fn skips_upload(&self, upload: &Upload) -> Option<Skip> {
        let other = || upload.other_key.as_deref().and_then(|key| self.skips(key));
        let is_result = |skip: &Skip| *skip == Skip::OwnOutput;
        self.skips(&upload.at.key)
            .or_else(|| other().filter(is_result))
    }
}

impl App {
    /// The recording that the transcription with this name is of, as it is now; `None` if it does not exist or is another
    /// deployment's.
    ///
    /// # Errors
    /// If the transcriber or the store cannot be asked.
    pub async fn recording_of_transcription(&self, name: &str) -> Result<Option<Upload>, JobError> {
        let Some(transcriber) = &self.transcriber else {
            return Ok(None);
        };
        let Some(at) = transcriber.recording(name).await? else {
            return Ok(None);
        };
        let info = found(self.source.head(&at).await)?;
        Ok(info.map(|info| Upload {
            etag: Some(info.etag),
            ..Upload::named(at)
        }))
    }

    /// The recording that an upload is the transcript of.
    pub(crate) fn recording_of(&self, upload: &Upload) -> Option<Upload> {
        let recordings = self.config.recordings.as_ref();
        let keys = recordings
            .filter(|_| self.transcriber.is_some())
            .map(|recordings| &recordings.keys);
        let Origin::Recording { key, etag } = keys?.origin(&upload.at.key)? else {
            return None;
        };
        let recording = Upload::named(Location::new(&upload.at.bucket, key));
        Some(Upload {
            etag: Some(etag),
            ..recording
        })
    }

    /// How the object of an upload is transcribed, if it is a recording.
    pub(crate) fn transcribes(&self, upload: &Upload) -> Option<&Recordings> {
        let is_transcribed = self.transcriber.is_some() && is_recording(&upload.at.key);
        self.config.recordings.as_ref().filter(|_| is_transcribed)
    }

    /// Looks up a recording and opens its transcript, if that exists.
    pub(crate) async fn open_recording(
        &self,
        upload: &Upload,
        recordings: &Recordings,
    ) -> StoreResult<Opened> {
        let at = upload.at.clone();
        let info = self.source.head(&at).await?;
        let name = self.source.name(&at);
        let failed = |kind, reason: String| Err(StoreError::new(kind, Action::Read, &name, reason));
        let is_another = match &upload.etag {
            Some(etag) => *etag != info.etag,
            None => upload.version_id.is_some() && upload.version_id != info.version_id,
        };
        if is_another {
            let reason = "it has been replaced by another version".to_owned();
            return failed(StoreErrorKind::Precondition, reason);
        }
        let (bytes, max_bytes) = (info.size, recordings.settings.max_bytes());
        if bytes == 0 {
            return failed(
                StoreErrorKind::TooLarge,
                "the recording is empty".to_owned(),
            );
        }
        if bytes > max_bytes {
            let reason =
                format!("it has {bytes} bytes, and at most {max_bytes} can be transcribed");
            return failed(StoreErrorKind::TooLarge, reason);
        }
        let keys = &recordings.keys;
        let transcript_key = match self.source.directory() {
            Some(_) => keys.of_file(&at.key, &info.etag, MAX_FILE_NAME),
            None => keys.of(&at.key, &info.etag),
        };
        let transcript_at = Location::new(&at.bucket, transcript_key);
        Ok(Opened {
            transcript: self.open_transcript(&transcript_at).await?,
            transcript_at: Some(transcript_at),
            at,
            info,
        })
    }

    async fn open_transcript(&self, at: &Location) -> StoreResult<Option<Object>> {
        let wanted = Wanted {
            max_bytes: Some(self.config.max_input_bytes),
            ..Wanted::default()
        };
        let opened = found(self.source.get(at, &wanted).await);
        opened.map_err(|error| match error.kind {
            StoreErrorKind::TooLarge => StoreError {
                reason: format!(
                    "the recording's transcript {at} is too large: {}",
                    error.reason
                ),
                ..error
            },
            _ => error,
        })
    }

    /// The transcript of a recording, which did not exist a moment ago.
    pub(crate) async fn transcribed(
        &self,
        source: &JobSource<'_>,
        clock: &Clock,
    ) -> Result<Object, JobError> {
        let (Some(transcriber), Some(transcript)) = (&self.transcriber, &source.transcript_at)
        else {
            return Err(JobError::Transcribing);
        };
        let id = hex(&Sha256::digest(transcript.to_string()), 16);
        let transcriptions = format!("{}transcriptions", self.state_prefix());
        let folder = format!("{transcriptions}/{id}/");
        let bucket = self.output(&source.at, "").bucket;
        let task = Task {
            id: &id,
            recording: &source.at,
            etag: &source.info.etag,
            version_id: source.info.version_id.as_deref(),
            transcript,
            store: self.source.as_ref(),
            state: StateFolder::new(&self.target, &bucket, &folder),
            clock,
        };
        match transcriber.advance(&task).await? {
            State::Running => Err(JobError::Transcribing),
            State::Unusable(reason) => Err(Rejected::Recording(reason).into()),
            State::Written => {
                let object = self.open_transcript(transcript).await;
                let object = object.map_err(|error| match error.kind {
                    StoreErrorKind::TooLarge => Rejected::TooLarge(error.reason).into(),
                    _ => JobError::from(error),
                });
                let object = object?.ok_or_else(|| {
                    let reason = format!(
                        "the transcription {id} has ended, but {transcript} does not exist: if it was deleted, delete the \
                         transcription job whose name ends with that number, too"
                    );
                    JobError::from(TranscriberError::Failed(reason))
                })?;
                // Nobody asks the transcriber again while there is a transcript.
                self.clear_folder(&transcriptions, &id);
                Ok(object)
            }
        }
    }
}
