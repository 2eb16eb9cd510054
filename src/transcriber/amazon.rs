//! Amazon Transcribe.
//!
//! - A job's name is unique in account and region for 90 days. A second `StartTranscriptionJob` under the same name is refused
//!   (409), whatever its parameters are and however the first has ended. So starting is idempotent, and nothing has to be
//!   remembered.
//! - Transcribe acts with the rights of its caller: it reads the recording (`s3:GetObject`) and writes the transcript
//!   (`s3:PutObject`) and, before that, `.write_access_check_file.temp` in the same folder.
//! - Exactly one of `LanguageCode`, `IdentifyLanguage` and `IdentifyMultipleLanguages` may be sent.
//! - The transcript of a job with `ContentRedaction` gets `redacted-` before its file name.
//! - A failed job has a `FailureReason` for people. Some reasons are the recording's fault; the others can be fixed, and then
//!   the job has to be deleted, because its name is taken.
//! - Job records are asked for by name, and an unknown one is answered `NotFoundException`, or `BadRequestException` with "The
//!   requested job couldn't be found".
//!
//! <https://docs.aws.amazon.com/transcribe/latest/APIReference/API_StartTranscriptionJob.html>

use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use serde_json::{Map, Value, json};

use crate::aws::sdk::sdk_config;
use crate::aws::signed::{self, SignedError, SignedRequest};
use crate::chain::chain;
use crate::config::{ConfigError, Environment, Variable};
use crate::http::Http;
use crate::provider::ConnectError;
use crate::store::Location;
use crate::transcriber::{
    MAX_BYTES, Registration, Settings, State, Task, Transcriber, TranscriberError, parameters,
};

pub(crate) const REGISTRATION: Registration = Registration {
    name: "amazon",
    variables: &[TRANSCRIBE_JOB_PREFIX],
    read: |environment| Ok(Arc::new(AmazonSettings::read(environment)?)),
};

const TRANSCRIBE_JOB_PREFIX: Variable = Variable::new(
    "TRANSCRIBE_JOB_PREFIX",
    "how the names of jobs at Amazon Transcribe begin",
)
.or("transcript-summarizer-");

/// What to do about a recording in a directory.
const NOT_IN_S3: &str = "Amazon Transcribe reads recordings in S3 only: keep them in a bucket (`serve --bucket NAME`), or set \
                         TRANSCRIBER=runpod, whose worker is sent short ones of a directory";

const SERVICE: &str = "transcribe";

/// Overrides the endpoint, for a server that stands in for AWS.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_TRANSCRIBE";

/// Most speakers that Transcribe tells apart.
const MAX_SPEAKERS: u32 = 30;

/// A name has at most 200 characters, of which the id takes 32.
const MAX_NAME_PREFIX: usize = 168;

const LANGUAGES: [&str; 3] = [
    "LanguageCode",
    "IdentifyLanguage",
    "IdentifyMultipleLanguages",
];

/// What the program sets itself.
const OWN: [&str; 4] = [
    "TranscriptionJobName",
    "Media",
    "OutputBucketName",
    "OutputKey",
];

const REDACTION: &str = "ContentRedaction";

const REDACTED: &str = "redacted-";

/// The settings of Amazon Transcribe.
#[derive(Debug, Clone)]
pub struct AmazonSettings {
    /// The parameters of a job, defaults included, without what the program sets itself.
    parameters: Map<String, Value>,
    name_prefix: String,
}

impl AmazonSettings {
    fn read(environment: Environment<'_>) -> Result<Self, ConfigError> {
        let example = r#"{"LanguageCode": "en-US"}"#;
        let parameters = parameters(environment, example, completed)?;
        let expected = "at most 168 of the characters a-z, A-Z, 0-9, dot, hyphen and underscore";
        let name_prefix = environment.required(TRANSCRIBE_JOB_PREFIX, expected, |prefix| {
            let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            let is_accepted = prefix.len() <= MAX_NAME_PREFIX && prefix.bytes().all(is_legal);
            is_accepted.then(|| prefix.to_owned())
        })?;
        Ok(Self {
            parameters,
            name_prefix,
        })
    }
}

/// The parameters with the defaults for what is not given, or what is expected instead of them.
fn completed(mut parameters: Map<String, Value>) -> Result<Map<String, Value>, String> {
    if let Some(own) = OWN.iter().find(|name| parameters.contains_key(**name)) {
        return Err(format!("no {own}, which the program sets itself"));
    }
    parameters.retain(|name, value| !LANGUAGES.contains(&name.as_str()) || *value != json!(false));
    match LANGUAGES
        .iter()
        .filter(|name| parameters.contains_key(**name))
        .count()
    {
        0 => drop(parameters.insert("IdentifyLanguage".to_owned(), json!(true))),
        1 => {}
        _ => return Err(format!("only one of {}", LANGUAGES.join(", "))),
    }
    let settings = parameters.entry("Settings").or_insert_with(|| json!({}));
    let settings = settings
        .as_object_mut()
        .ok_or("Settings as a JSON object")?;
    // Of a recording with one speaker on each channel, the channels tell who speaks.
    let tells_speakers = settings.get("ChannelIdentification") == Some(&json!(true));
    let labels = settings
        .entry("ShowSpeakerLabels")
        .or_insert(json!(!tells_speakers));
    if *labels == json!(true) {
        settings
            .entry("MaxSpeakerLabels")
            .or_insert(json!(MAX_SPEAKERS));
    }
    Ok(parameters)
}

#[async_trait]
impl Settings for AmazonSettings {
    fn fingerprint(&self) -> String {
        Value::Object(self.parameters.clone()).to_string()
    }

    fn file_prefix(&self) -> &'static str {
        match self.parameters.contains_key(REDACTION) {
            true => REDACTED,
            false => "",
        }
    }

    fn max_bytes(&self) -> u64 {
        MAX_BYTES
    }

    fn create(&self, aws: SdkConfig, http: &Http) -> Arc<dyn Transcriber> {
        Arc::new(Amazon {
            settings: self.clone(),
            aws,
            http: http.clone(),
        })
    }

    async fn connect(&self, http: &Http) -> Result<Arc<dyn Transcriber>, ConnectError> {
        let aws = sdk_config(http).await?;
        let endpoint = std::env::var(ENDPOINT).ok().filter(|url| !url.is_empty());
        let endpoint = endpoint.or(aws.endpoint_url().map(str::to_owned));
        let mut aws = aws.into_builder();
        aws.set_endpoint_url(endpoint);
        Ok(self.create(aws.build(), http))
    }
}

#[derive(Debug)]
struct Amazon {
    settings: AmazonSettings,
    aws: SdkConfig,
    http: Http,
}

impl Amazon {
    async fn ask(&self, operation: Operation, body: Value) -> Result<Value, SignedError> {
        let region = self.aws.region().map(AsRef::as_ref);
        let region = region.ok_or(SignedError::NoRegion)?;
        let url = match self.aws.endpoint_url() {
            Some(url) => url.to_owned(),
            None => url(region, self.aws.use_fips() == Some(true)),
        };
        let request = SignedRequest {
            service: SERVICE,
            url: &url,
            region,
            operation: signed::Operation::Target(operation.target()),
            body: body.to_string(),
        };
        request.send(&self.aws, &self.http).await
    }

    /// The record of a job, if there is one.
    async fn job(&self, name: &str) -> Result<Option<Value>, TranscriberError> {
        let asked = self.ask(Operation::Get, json!({ "TranscriptionJobName": name }));
        match asked.await {
            Ok(answer) => Ok(Some(
                answer.get("TranscriptionJob").cloned().unwrap_or_default(),
            )),
            Err(error) if is_unknown_job(&error) => Ok(None),
            Err(error) => Err(Operation::Get.failed(error)),
        }
    }

    async fn start(&self, name: &str, task: &Task<'_>) -> Result<State, TranscriberError> {
        let mut body = self.settings.parameters.clone();
        let key = &task.transcript.key;
        let (folder, file) = key.split_at(key.rfind('/').map_or(0, |slash| slash + 1));
        let file = file
            .strip_prefix(self.settings.file_prefix())
            .unwrap_or(file);
        let own = json!({
            "TranscriptionJobName": name,
            "Media": {"MediaFileUri": task.recording.to_string()},
            "OutputBucketName": task.transcript.bucket,
            "OutputKey": format!("{folder}{file}"),
        });
        body.extend(own.as_object().cloned().unwrap_or_default());
        match self.ask(Operation::Start, Value::Object(body)).await {
            Ok(_) => {
                tracing::info!(job = name, "transcription started");
                Ok(State::Running)
            }
            // Another worker has started it in the meantime.
            Err(SignedError::Refused { status, code, .. })
                if status == 409 || code == "ConflictException" =>
            {
                Ok(State::Running)
            }
            Err(error) => Err(Operation::Start.failed(error)),
        }
    }

    /// Handles a failed job. One that can be repeated is deleted, which makes room for another of its name.
    async fn failed(
        &self,
        name: &str,
        job: &Value,
        task: &Task<'_>,
    ) -> Result<State, TranscriberError> {
        let reason = job.get("FailureReason").and_then(Value::as_str);
        let reason = reason.unwrap_or("it gave no reason");
        if is_fault_of_recording(reason) {
            return Ok(State::Unusable(format!(
                "Amazon Transcribe cannot transcribe the recording: {reason}"
            )));
        }
        let deleted = self.ask(Operation::Delete, json!({ "TranscriptionJobName": name }));
        if let Err(error) = deleted.await {
            tracing::warn!(
                error = chain(&error),
                job = name,
                "could not delete the failed job"
            );
        }
        let Task {
            recording,
            transcript,
            ..
        } = task;
        Err(TranscriberError::Failed(format!(
            "Amazon Transcribe failed: {reason} It uses the rights of this function's role or your own: s3:GetObject on \
             {recording}, s3:PutObject in the folder of {transcript}, and the use of their keys in KMS"
        )))
    }
}

#[async_trait]
impl Transcriber for Amazon {
    async fn advance(&self, task: &Task<'_>) -> Result<State, TranscriberError> {
        if task.store.directory().is_some() {
            return Err(TranscriberError::Failed(NOT_IN_S3.to_owned()));
        }
        let name = format!("{}{}", self.settings.name_prefix, task.id);
        let Some(job) = self.job(&name).await? else {
            return self.start(&name, task).await;
        };
        match job.get("TranscriptionJobStatus").and_then(Value::as_str) {
            Some("COMPLETED") => Ok(State::Written),
            Some("FAILED") => self.failed(&name, &job, task).await,
            _ => Ok(State::Running),
        }
    }

    async fn recording(&self, name: &str) -> Result<Option<Location>, TranscriberError> {
        if !name.starts_with(&self.settings.name_prefix) {
            return Ok(None);
        }
        let job = self.job(name).await?;
        let uri = job
            .as_ref()
            .and_then(|job| job.pointer("/Media/MediaFileUri"));
        let address = uri
            .and_then(Value::as_str)
            .and_then(|uri| uri.strip_prefix("s3://"));
        let parts = address.and_then(|address| address.split_once('/'));
        Ok(parts.map(|(bucket, key)| Location::new(bucket, key)))
    }
}

#[derive(Debug, Clone, Copy)]
enum Operation {
    Start,
    Get,
    Delete,
}

impl Operation {
    fn target(self) -> &'static str {
        match self {
            Self::Start => "Transcribe.StartTranscriptionJob",
            Self::Get => "Transcribe.GetTranscriptionJob",
            Self::Delete => "Transcribe.DeleteTranscriptionJob",
        }
    }

    fn failed(self, error: SignedError) -> TranscriberError {
        TranscriberError::Request {
            action: match self {
                Self::Start => "transcribe:StartTranscriptionJob",
                Self::Get => "transcribe:GetTranscriptionJob",
                Self::Delete => "transcribe:DeleteTranscriptionJob",
            },
            passes: error.passes(),
            source: error.into(),
        }
    }
}

fn url(region: &str, fips: bool) -> String {
    let domain = match region.starts_with("cn-") {
        true => "amazonaws.com.cn",
        false => "amazonaws.com",
    };
    let fips = if fips { "fips." } else { "" };
    format!("https://{fips}{SERVICE}.{region}.{domain}/")
}

fn is_unknown_job(error: &SignedError) -> bool {
    let SignedError::Refused {
        status,
        code,
        message,
    } = error
    else {
        return false;
    };
    *status == 404
        || code == "NotFoundException"
        || code == "BadRequestException" && message.contains("couldn't be found")
}

/// Whether another attempt with the same recording would fail again.
fn is_fault_of_recording(reason: &str) -> bool {
    const RIGHTS: [&str; 5] = ["accessed", "access denied", "permission", "kms", "s3 uri"];
    const RECORDING: [&str; 10] = [
        "media format",
        "sample rate",
        "file size",
        "number of channels",
        "media file isn't valid",
        "audio file must",
        "speech segment",
        "too large",
        "too long",
        "too short",
    ];
    let reason = reason.to_lowercase().replace('\u{2019}', "'");
    let names = |words: &[&str]| words.iter().any(|word| reason.contains(word));
    !names(&RIGHTS) && names(&RECORDING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcriber::TRANSCRIBE_PARAMETERS;

    fn settings(parameters: &str) -> Result<AmazonSettings, String> {
        let lookup =
            |name: &str| (name == TRANSCRIBE_PARAMETERS.name).then(|| parameters.to_owned());
        AmazonSettings::read(Environment(&lookup)).map_err(|error| error.to_string())
    }

    #[test]
    fn exactly_one_language_setting_is_sent() {
        let labels = json!({"ShowSpeakerLabels": true, "MaxSpeakerLabels": 30});
        for (given, expected) in [
            ("{}", json!({"IdentifyLanguage": true, "Settings": labels})),
            (
                r#"{"LanguageCode": "de-DE", "IdentifyLanguage": false}"#,
                json!({"LanguageCode": "de-DE", "Settings": labels}),
            ),
            (
                r#"{"IdentifyMultipleLanguages": true, "Settings": {"ChannelIdentification": true}}"#,
                json!({"IdentifyMultipleLanguages": true,
                    "Settings": {"ChannelIdentification": true, "ShowSpeakerLabels": false}}),
            ),
            (
                r#"{"Settings": {"MaxSpeakerLabels": 4, "VocabularyName": "rail"}, "Tags": []}"#,
                json!({"IdentifyLanguage": true, "Tags": [],
                    "Settings": {"ShowSpeakerLabels": true, "MaxSpeakerLabels": 4, "VocabularyName": "rail"}}),
            ),
        ] {
            assert_eq!(Value::Object(settings(given).unwrap().parameters), expected);
        }
    }

    #[test]
    fn wrong_parameters_say_what_is_accepted() {
        for (given, expected) in [
            ("[]", "expected a JSON object such as"),
            (
                r#"{"LanguageCode": "de-DE", "IdentifyLanguage": true}"#,
                "only one of LanguageCode",
            ),
            (
                r#"{"OutputKey": "x"}"#,
                "no OutputKey, which the program sets itself",
            ),
            (r#"{"Settings": 3}"#, "Settings as a JSON object"),
        ] {
            let error = settings(given).unwrap_err();
            assert!(error.starts_with("TRANSCRIBE_PARAMETERS is "), "{error}");
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_failure_is_the_recordings_fault_or_can_be_fixed() {
        for reason in [
            "Unsupported media format.",
            "The media format provided does not match the detected media format.",
            "Invalid sample rate for audio file.",
            "The sample rate provided does not match the detected sample rate.",
            "Invalid file size: file size too large.",
            "Invalid number of channels: number of channels too large.",
            "Your audio file must have a speech segment long enough in duration to perform automatic language identification.",
            "The data in your input media file isn\u{2019}t valid.",
        ] {
            assert!(is_fault_of_recording(reason), "{reason}");
        }
        for reason in [
            "The S3 URI that you provided can't be accessed. Make sure that you have read permission and try your request again.",
            "The KMS key that you provided is disabled.",
            "Internal failure. Please try your request again.",
            "it gave no reason",
        ] {
            assert!(!is_fault_of_recording(reason), "{reason}");
        }
    }

    #[test]
    fn the_endpoint_is_that_of_the_region() {
        for (region, fips, expected) in [
            (
                "eu-central-1",
                false,
                "https://transcribe.eu-central-1.amazonaws.com/",
            ),
            (
                "us-east-1",
                true,
                "https://fips.transcribe.us-east-1.amazonaws.com/",
            ),
            (
                "cn-north-1",
                false,
                "https://transcribe.cn-north-1.amazonaws.com.cn/",
            ),
        ] {
            assert_eq!(url(region, fips), expected);
        }
    }
}
