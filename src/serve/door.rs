//! Does what requests to the API ask for, in the library of this machine.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::mpsc::UnboundedSender;

use crate::http_api::library::{Detail, Library, State, Status};
use crate::http_api::upload::{Upload, rejected, taken};
use crate::http_api::{Answer, Problem, Work};
use crate::job::Rejected;
use crate::serve::live::Live;
use crate::serve::{HERE, Limits, UPLOADED};
use crate::store::{PutCondition, PutOptions, StoreErrorKind, StoreResult};
use crate::transcriber::is_recording;
use crate::transcript::{Decoder, Transcript};

/// What the server's thread has.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) library: Library,
    pub(crate) live: Arc<Live>,
    /// Keys of transcripts to be summarized.
    pub(crate) orders: UnboundedSender<String>,
    pub(crate) port: u16,
    pub(crate) limits: Limits,
}

impl Door {
    /// Answers a request whose body has been read. [`Work::Watch`] is a stream, and not answered here.
    pub(crate) async fn answer(&self, work: Work, body: Bytes) -> Result<Answer, Problem> {
        match work {
            Work::Describe | Work::Watch => Ok(Answer::description()),
            Work::Settings => Ok(self.settings()),
            Work::Order => self.order(&body).await,
            Work::Store(upload) => self.store(upload, body).await,
            Work::List { after, limit } => {
                let mut listed = self.library.list(&after, limit).await?;
                let summaries = std::mem::take(&mut listed.summaries);
                let told = summaries.into_iter().map(|status| self.told(status));
                listed.summaries = told.collect();
                Ok(Answer::json(200, &listed))
            }
            Work::Look { key } => match self.status(&key).await? {
                Some(status) => Ok(Answer::json(200, &status)),
                None => Err(Problem::no_transcript(&key)),
            },
            Work::Begin { key } => self.begin(&key).await,
            Work::Read { key } => self.library.read(&key).await,
        }
    }

    /// The status of a transcript: what is live, else what the objects tell.
    pub(crate) async fn status(&self, key: &str) -> StoreResult<Option<Status>> {
        match self.live.status(key) {
            Some(status) => Ok(Some(status)),
            None => {
                let status = self.library.status(key, Detail::Full).await?;
                Ok(status.map(|status| self.told(status)))
            }
        }
    }

    /// The status that the objects tell, with what is known here.
    fn told(&self, status: Status) -> Status {
        match (self.live.status(&status.key), status.status) {
            (Some(live), _) => live,
            (None, State::Waiting) => status.not_queued(),
            (None, State::Failed) => status.begun_again_here(),
            (None, _) => status,
        }
    }

    fn settings(&self) -> Answer {
        let config = &self.library.config;
        let capabilities = config.provider.capabilities();
        let settings = json!({
            "provider": config.provider.own_server().unwrap_or(capabilities.provider),
            "model": capabilities.model,
            "words": config.summary_words.0,
            "max_bytes": config.max_input_bytes,
            "endings": config.filter.suffixes,
            "place": self.library.store.name(&self.library.at("")),
        });
        Answer::json(200, &settings)
    }

    async fn order(&self, body: &[u8]) -> Result<Answer, Problem> {
        let upload = Upload::ordered(body)?;
        let config = &self.library.config;
        upload.check(config, config.max_input_bytes)?;
        let at = self.library.at(&upload.name);
        match self.library.store.is_taken(&at).await? {
            true => Err(taken(&upload.name)),
            false => Ok(Answer::json(201, &upload.instruction())),
        }
    }

    async fn store(&self, upload: Upload, body: Bytes) -> Result<Answer, Problem> {
        let config = &self.library.config;
        let is_text = upload.is_text(config);
        let Upload {
            name, mut metadata, ..
        } = upload;
        let at = self.library.at(&name);
        // A name that is taken is told before what is wrong with the text.
        if self.library.store.is_taken(&at).await? {
            return Err(taken(&name));
        }
        if is_text {
            let text = body.clone();
            let read = tokio::task::spawn_blocking(move || readable(&text)).await;
            // A file that cannot even be read without a panic fails as a job, where that is told.
            read.unwrap_or(Ok(()))
                .map_err(|reason| rejected(&name, reason))?;
        }
        metadata.insert(UPLOADED.to_owned(), HERE.to_owned());
        let options = PutOptions {
            condition: PutCondition::IfAbsent,
            content_type: "application/octet-stream",
            metadata,
        };
        match self.library.store.put(&at, body, options).await {
            Ok(_) => {}
            Err(error) if error.kind == StoreErrorKind::Precondition => return Err(taken(&name)),
            Err(error) => return Err(error.into()),
        }
        self.begin_now(&name);
        Ok(Answer::json(201, &Status::of(&name, State::Waiting)))
    }

    async fn begin(&self, key: &str) -> Result<Answer, Problem> {
        let status = self.library.status(key, Detail::Brief).await?;
        let status = status.ok_or_else(|| match self.is_not_transcribed(key) {
            true => Problem::not_transcribed(key),
            false => Problem::no_transcript(key),
        })?;
        if status.status == State::Done {
            let next = "to have another one, upload the transcript under another name";
            return Err(Problem::new(409, "its summary is there already", next));
        }
        self.begin_now(key);
        let status = self.live.status(key);
        let status = status.unwrap_or_else(|| Status::of(key, State::Waiting));
        Ok(Answer::json(202, &status))
    }

    /// Whether a key is that of a recording, and there is no transcriber.
    fn is_not_transcribed(&self, key: &str) -> bool {
        self.library.config.recordings.is_none() && is_recording(key)
    }

    fn begin_now(&self, key: &str) {
        if self.live.begin(key) {
            // The receiver is in this process, and lives as long as it.
            let _ = self.orders.send(key.to_owned());
        }
    }
}

/// Whether bytes are a transcript.
fn readable(bytes: &Bytes) -> Result<(), Rejected> {
    let mut decoder = Decoder::default();
    decoder.push(bytes)?;
    Transcript::new(decoder.finish()?)?;
    Ok(())
}
