//! Amazon Polly.
//!
//! - `StartSpeechSynthesisTask` accepts no idempotency token: each request is a task that is billed by its characters. So it is sent
//!   again only after a refusal. Where the response was lost, `ListSpeechSynthesisTasks` shows whether there is a task.
//! - Polly writes `<prefix>.<task id>.mp3` with the rights of its caller (`s3:PutObject`). The prefix has at most 800 of the
//!   characters of [escaped keys](crate::store::escaped_key), among others.
//! - A voice that an engine does not have is refused with `EngineNotSupportedException`. Neural voices are not in every region.
//!
//! <https://docs.aws.amazon.com/polly/latest/dg/API_StartSpeechSynthesisTask.html>

use async_trait::async_trait;
use aws_config::SdkConfig;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::aws::sdk::sdk_config;
use crate::aws::service::Service;
use crate::aws::signed::{Operation, SignedError, SignedRequest};
use crate::hex::hex;
use crate::http::{Http, HttpError};
use crate::speech::{Engine, Reading, Speaker, SpeechError, Ticket};
use crate::store::escaped_key::escape;

const SERVICE: Service = Service {
    name: "polly",
    host: "polly{fips}",
    endpoint_variable: "AWS_ENDPOINT_URL_POLLY",
};

const PATH: &str = "v1/synthesisTasks";

const START: &str = "polly:StartSpeechSynthesisTask";
const LIST: &str = "polly:ListSpeechSynthesisTasks";

/// Most pages of tasks, of 100 each, among which one is looked for. Polly lists those of the last 72 hours.
const MAX_PAGES: usize = 20;

/// Most characters of the prefix of an audio file.
const MAX_PREFIX: usize = 800;

/// Most characters of the folder of results, which leaves room for a hash.
pub(crate) const MAX_OUTPUT_PREFIX: usize = 600;

/// Whether audio files can be written under a folder.
pub(crate) fn is_prefix(folder: &str) -> bool {
    folder.len() <= MAX_OUTPUT_PREFIX && escape(folder) == folder
}

/// The key of an audio file up to what Polly appends: that of a result of the object `key`, escaped, and `ending`. A key that
/// becomes too long is replaced by its hash.
pub(crate) fn key_prefix(output_prefix: &str, key: &str, ending: &str) -> String {
    let prefix = format!("{output_prefix}{}{ending}", escape(key));
    if prefix.len() <= MAX_PREFIX {
        return prefix;
    }
    let hash = hex(&Sha256::digest(key), 32);
    format!("{output_prefix}{hash}{ending}")
}

/// Amazon Polly in one region.
#[derive(Debug)]
pub struct Polly {
    aws: SdkConfig,
    endpoint: Option<String>,
    http: Http,
}

impl Polly {
    /// Sends requests over `http`, with the credentials, region, endpoint and limits of `aws`.
    #[must_use]
    pub fn new(aws: SdkConfig, http: &Http) -> Self {
        Self {
            aws,
            endpoint: None,
            http: http.clone(),
        }
    }

    /// Reads the configuration of AWS.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub async fn connect(http: &Http) -> Result<Self, HttpError> {
        Ok(Self {
            endpoint: SERVICE.endpoint(),
            ..Self::new(sdk_config(http).await?, http)
        })
    }

    async fn ask(
        &self,
        operation: Operation<'_>,
        query: &str,
        body: String,
    ) -> Result<Value, SignedError> {
        let region = self.aws.region().map(AsRef::as_ref);
        let region = region.ok_or(SignedError::NoRegion)?;
        let url = SERVICE.url(&self.aws, self.endpoint.clone(), region);
        let request = SignedRequest {
            service: SERVICE.name,
            url: &format!("{}/{PATH}{query}", url.trim_end_matches('/')),
            region,
            operation,
            body,
        };
        request.send(&self.aws, &self.http).await
    }

    async fn start_with(
        &self,
        reading: &Reading<'_>,
        engine: Engine,
    ) -> Result<Value, SignedError> {
        let Reading { ssml, voice, to } = reading;
        let mut body = json!({
            "Engine": engine.name(),
            "OutputFormat": "mp3",
            "OutputS3BucketName": to.bucket,
            "OutputS3KeyPrefix": to.key,
            "Text": ssml,
            "TextType": "ssml",
            "VoiceId": voice.id,
        });
        if let (Some(language), Some(body)) = (voice.language, body.as_object_mut()) {
            body.insert("LanguageCode".to_owned(), json!(language));
        }
        self.ask(Operation::PostOnce, "", body.to_string()).await
    }
}

#[async_trait]
impl Speaker for Polly {
    async fn start(&self, reading: &Reading<'_>) -> Result<Ticket, SpeechError> {
        let started = match reading.voice.engine {
            Some(engine) => self.start_with(reading, engine).await,
            None => match self.start_with(reading, Engine::Neural).await {
                Err(error) if is_other_engine(&error) => {
                    self.start_with(reading, Engine::Standard).await
                }
                started => started,
            },
        };
        let started = started.map_err(|error| failed(START, error))?;
        let text = |name: &str| started.pointer(&format!("/SynthesisTask/{name}"))?.as_str();
        let unusable = |is_ambiguous, reason: String| SpeechError {
            action: START,
            is_ambiguous,
            source: reason.into(),
        };
        match text("TaskId") {
            _ if text("TaskStatus") == Some("failed") => {
                let reason = text("TaskStatusReason").unwrap_or("it gives no reason");
                Err(unusable(false, format!("Amazon Polly failed: {reason}")))
            }
            None | Some("") => Err(unusable(true, "the answer names no task".to_owned())),
            Some(id) => {
                tracing::info!(task = id, "speech started");
                Ok(ticket(reading, id))
            }
        }
    }

    async fn find(&self, reading: &Reading<'_>) -> Result<Option<Ticket>, SpeechError> {
        let mut query = "?MaxResults=100".to_owned();
        for _ in 0..MAX_PAGES {
            let asked = self.ask(Operation::Get, &query, String::new()).await;
            let page = asked.map_err(|error| failed(LIST, error))?;
            let tasks = page.get("SynthesisTasks").and_then(Value::as_array);
            let found = tasks.into_iter().flatten().find_map(|task| {
                let text = |name: &str| task.get(name).and_then(Value::as_str);
                let (id, uri) = text("TaskId").zip(text("OutputUri"))?;
                let ticket = ticket(reading, id);
                // What is before the last dots may be encoded.
                let (_, end) = reading.to.key.rsplit_once('.')?;
                let is_this = text("TaskStatus") != Some("failed");
                (is_this && uri.ends_with(&format!(".{end}.{id}.mp3"))).then_some(ticket)
            });
            let next = page.get("NextToken").and_then(Value::as_str);
            match (found, next) {
                (Some(ticket), _) => return Ok(Some(ticket)),
                (None, None) => break,
                (None, Some(next)) => {
                    let next = utf8_percent_encode(next, NON_ALPHANUMERIC);
                    query = format!("?MaxResults=100&NextToken={next}");
                }
            }
        }
        Ok(None)
    }
}

fn ticket(reading: &Reading<'_>, id: &str) -> Ticket {
    Ticket {
        key: format!("{}.{id}.mp3", reading.to.key),
    }
}

fn is_other_engine(error: &SignedError) -> bool {
    matches!(error, SignedError::Refused { code, .. } if code.starts_with("EngineNotSupported"))
}

fn failed(action: &'static str, error: SignedError) -> SpeechError {
    SpeechError {
        action,
        is_ambiguous: error.is_ambiguous(),
        source: error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_an_audio_file_is_legal_and_readable() {
        let key = |key: &str| key_prefix("summaries/", key, "_summary.0f");
        assert_eq!(key("a b/é.txt"), "summaries/a!20b/!C3!A9.txt_summary.0f");
        let long = key(&"é".repeat(300));
        assert!(long.len() < 100 && long.ends_with("_summary.0f"), "{long}");
        for (folder, expected) in [("summaries/", true), ("a b/", false), ("", true)] {
            assert_eq!(is_prefix(folder), expected, "{folder}");
        }
    }
}
