//! A simulated Amazon Transcribe over HTTP. It checks signatures and queries, keeps jobs by name, and writes transcripts into the
//! store when a test lets it.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_s3::config::{Credentials, Region, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_types::date_time::{DateTime, Format};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{HeaderMap, Request, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use transcript_summarizer::store::{Location, PutOptions, Store};

use super::reset;

pub(crate) const REGION: &str = "eu-central-1";

/// How the jobs of a test end.
#[derive(Debug, Clone)]
pub(crate) enum Ending {
    Said(String),
    Failed(&'static str),
}

/// A fault in the answer to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This error instead of any effect.
    Refused(u16, &'static str, &'static str),
    /// The request takes effect, but the connection breaks.
    AnswerLost,
    /// The request takes effect and is never answered.
    Silence,
}

#[derive(Debug, Clone)]
struct Job {
    media: Location,
    output: Location,
    parameters: Value,
    status: &'static str,
    reason: Option<&'static str>,
}

type Faults = Box<dyn FnMut(&str) -> Option<Fault> + Send>;

struct Shared {
    store: Arc<dyn Store>,
    jobs: Mutex<BTreeMap<String, Job>>,
    /// The operations that were asked for, and whether they were granted.
    asked: Mutex<Vec<(String, bool)>>,
    faults: Mutex<Option<Faults>>,
    started: Notify,
}

/// The server, which stops when dropped.
pub(crate) struct Transcribe {
    url: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Start {
    transcription_job_name: String,
    media: Media,
    output_bucket_name: String,
    output_key: String,
    language_code: Option<String>,
    identify_language: Option<bool>,
    identify_multiple_languages: Option<bool>,
    settings: Option<Settings>,
    content_redaction: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Media {
    media_file_uri: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Settings {
    show_speaker_labels: Option<bool>,
    max_speaker_labels: Option<u32>,
    channel_identification: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Named {
    transcription_job_name: String,
}

struct Refusal(u16, &'static str, String);

fn bad(message: impl Into<String>) -> Refusal {
    Refusal(400, "BadRequestException", message.into())
}

impl Transcribe {
    /// Starts on a free loopback port, beside `store`.
    pub(crate) async fn start(store: Arc<dyn Store>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            store,
            jobs: Mutex::default(),
            asked: Mutex::default(),
            faults: Mutex::default(),
            started: Notify::new(),
        });
        let accepting = tokio::spawn(reset::serve(listener, {
            let (shared, url) = (Arc::clone(&shared), url.clone());
            move |request, reset| {
                let (shared, url) = (Arc::clone(&shared), url.clone());
                async move { handle(request, &url, &shared, &reset).await }
            }
        }));
        Self {
            url,
            shared,
            accepting,
        }
    }

    /// A configuration that leads here.
    pub(crate) fn aws(&self) -> SdkConfig {
        configuration(&self.url)
    }

    /// The variables of a process that uses this server.
    pub(crate) fn variables(&self) -> [(&str, &str); 6] {
        [
            ("TRANSCRIBER", "amazon"),
            ("AWS_ENDPOINT_URL_TRANSCRIBE", &self.url),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", "session"),
        ]
    }

    /// From now on, `faults` decides which requests fail, given the operation.
    pub(crate) fn set_faults(&self, faults: impl FnMut(&str) -> Option<Fault> + Send + 'static) {
        *self.shared.faults.lock().unwrap() = Some(Box::new(faults));
    }

    /// How often an operation was asked for.
    pub(crate) fn asked(&self, operation: &str) -> usize {
        let asked = self.shared.asked.lock().unwrap();
        asked.iter().filter(|(name, _)| name == operation).count()
    }

    /// How many jobs were started.
    pub(crate) fn starts(&self) -> usize {
        let asked = self.shared.asked.lock().unwrap();
        let starts = asked
            .iter()
            .filter(|(name, granted)| name == "Start" && *granted);
        starts.count()
    }

    /// The parameters of all jobs.
    pub(crate) fn parameters(&self) -> Vec<Value> {
        let jobs = self.shared.jobs.lock().unwrap();
        jobs.values().map(|job| job.parameters.clone()).collect()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.shared.jobs.lock().unwrap().keys().cloned().collect()
    }

    /// Waits until a job is started.
    pub(crate) async fn until_started(&self) {
        self.shared.started.notified().await;
    }

    /// Ends all running jobs. Returns the keys of the transcripts.
    pub(crate) async fn end(&self, ending: &Ending) -> Vec<String> {
        let jobs = self.shared.jobs.lock().unwrap().clone();
        let running = jobs
            .into_iter()
            .filter(|(_, job)| job.status == "IN_PROGRESS");
        let mut keys = Vec::new();
        for (name, mut job) in running {
            let can_read = self.shared.store.head(&job.media).await.is_ok();
            (job.status, job.reason) = match ending {
                Ending::Failed(reason) => ("FAILED", Some(*reason)),
                Ending::Said(_) if !can_read => (
                    "FAILED",
                    Some("The S3 URI that you provided can't be accessed."),
                ),
                Ending::Said(text) => {
                    let body = Bytes::from(transcript(&name, text).to_string());
                    let put = self
                        .shared
                        .store
                        .put(&job.output, body, PutOptions::default());
                    put.await.unwrap();
                    keys.push(job.output.key.clone());
                    ("COMPLETED", None)
                }
            };
            self.shared.jobs.lock().unwrap().insert(name, job);
        }
        keys
    }
}

impl Drop for Transcribe {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// The event of EventBridge about the end of a job.
pub(crate) fn state_change(name: &str, status: &str) -> Value {
    json!({"version": "0", "source": "aws.transcribe", "detail-type": "Transcribe Job State Change", "resources": [],
        "detail": {"TranscriptionJobName": name, "TranscriptionJobStatus": status}})
}

/// A transcript in which two people say the sentences of `text` in turn.
fn transcript(name: &str, text: &str) -> Value {
    let segment = |(at, sentence): (usize, &str)| {
        json!({"id": at, "transcript": sentence.trim(), "items": [], "speaker_label": format!("spk_{}", at % 2),
            "start_time": format!("{}.0", at * 6), "end_time": format!("{}.5", at * 6 + 5)})
    };
    let sentences = text
        .split_inclusive(". ")
        .filter(|text| !text.trim().is_empty());
    let segments: Vec<Value> = sentences.enumerate().map(segment).collect();
    json!({"jobName": name, "accountId": "123456789012", "status": "COMPLETED", "results": {
        "transcripts": [{"transcript": text}], "items": [], "audio_segments": segments,
        "language_code": "en-US"}})
}

/// A configuration that leads to `url`, without waits between attempts.
pub(crate) fn configuration(url: &str) -> SdkConfig {
    SdkConfig::builder()
        .credentials_provider(SharedCredentialsProvider::new(credentials()))
        .region(Region::from_static(REGION))
        .endpoint_url(url)
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
        .build()
}

pub(crate) fn credentials() -> Credentials {
    Credentials::new(
        "AKIDEXAMPLE",
        "secret",
        Some("session".into()),
        None,
        "test",
    )
}

async fn handle(
    request: Request<Incoming>,
    url: &str,
    shared: &Arc<Shared>,
    reset: &Arc<AtomicBool>,
) -> Result<Response<Full<Bytes>>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let target = head.headers["x-amz-target"].to_str().unwrap();
    let operation = target.strip_prefix("Transcribe.").unwrap();
    let operation = operation.strip_suffix("TranscriptionJob").unwrap();
    let fault = shared
        .faults
        .lock()
        .unwrap()
        .as_mut()
        .and_then(|faults| faults(operation));
    let answer = match fault {
        Some(Fault::Refused(status, code, message)) => Err(Refusal(status, code, message.into())),
        _ if !is_signed(("transcribe", "POST"), &head.headers, url, &body) => Err(Refusal(
            400,
            "InvalidSignatureException",
            "The signature does not match.".into(),
        )),
        _ => shared.answer(operation, &body),
    };
    shared
        .asked
        .lock()
        .unwrap()
        .push((operation.to_owned(), answer.is_ok()));
    if operation == "Start" && answer.is_ok() {
        shared.started.notify_one();
    }
    match fault {
        Some(Fault::AnswerLost) => {
            reset.store(true, Ordering::SeqCst);
            return Err(io::Error::other("broken on purpose"));
        }
        Some(Fault::Silence) => std::future::pending().await,
        _ => {}
    }
    let (status, body) = match answer {
        Ok(body) => (200, body),
        Err(Refusal(status, code, message)) => {
            (status, json!({"__type": code, "Message": message}))
        }
    };
    let response = Response::builder().status(status);
    response
        .header("content-type", "application/x-amz-json-1.1")
        .body(Full::from(body.to_string()))
        .map_err(io::Error::other)
}

impl Shared {
    fn answer(&self, operation: &str, body: &[u8]) -> Result<Value, Refusal> {
        let read = |error: serde_json::Error| bad(error.to_string());
        let mut jobs = self.jobs.lock().unwrap();
        if operation == "Start" {
            let start: Start = serde_json::from_slice(body).map_err(read)?;
            let job = job(&start, body)?;
            let name = start.transcription_job_name;
            if jobs.contains_key(&name) {
                let message = "The requested job name already exists.".to_owned();
                return Err(Refusal(409, "ConflictException", message));
            }
            let record = record(&name, &job);
            jobs.insert(name, job);
            return Ok(record);
        }
        let Named {
            transcription_job_name: name,
        } = serde_json::from_slice(body).map_err(read)?;
        match operation {
            "Get" => match jobs.get(&name) {
                Some(job) => Ok(record(&name, job)),
                None => Err(bad(
                    "The requested job couldn't be found. Check the job name and try your request again.",
                )),
            },
            "Delete" => {
                jobs.remove(&name);
                Ok(json!({}))
            }
            other => panic!("{other} is no operation"),
        }
    }
}

/// The job that a valid query starts.
fn job(start: &Start, body: &[u8]) -> Result<Job, Refusal> {
    let is_legal = |text: &str, others: &[u8], most: usize| {
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
        (1..=most).contains(&text.len()) && text.bytes().all(is_legal)
    };
    if !is_legal(&start.transcription_job_name, b"._-", 200) {
        return Err(bad(format!(
            "illegal name {}",
            start.transcription_job_name
        )));
    }
    if !is_legal(&start.output_key, b"-_.!*'()/", 1024) || !start.output_key.ends_with(".json") {
        return Err(bad(format!("illegal key {}", start.output_key)));
    }
    let languages = [
        start.language_code.is_some(),
        start.identify_language == Some(true),
        start.identify_multiple_languages == Some(true),
    ];
    if languages.iter().filter(|is_set| **is_set).count() != 1 {
        return Err(bad("exactly one language setting is needed"));
    }
    if let Some(settings) = &start.settings {
        let labels = settings.show_speaker_labels == Some(true);
        let most = settings.max_speaker_labels;
        if labels != most.is_some() || most.is_some_and(|most| !(2..=30).contains(&most)) {
            return Err(bad("MaxSpeakerLabels goes with ShowSpeakerLabels"));
        }
        if labels && settings.channel_identification == Some(true) {
            return Err(bad("channels or speakers"));
        }
    }
    let uri = start.media.media_file_uri.strip_prefix("s3://").unwrap();
    let (bucket, key) = uri.split_once('/').unwrap();
    let output = match start.content_redaction {
        Some(_) => {
            let (folder, file) = start.output_key.rsplit_once('/').unwrap();
            format!("{folder}/redacted-{file}")
        }
        None => start.output_key.clone(),
    };
    Ok(Job {
        media: Location::new(bucket, key),
        output: Location::new(&start.output_bucket_name, output),
        parameters: serde_json::from_slice(body).unwrap(),
        status: "IN_PROGRESS",
        reason: None,
    })
}

fn record(name: &str, job: &Job) -> Value {
    let mut record = json!({"TranscriptionJobName": name, "TranscriptionJobStatus": job.status,
        "Media": {"MediaFileUri": job.media.to_string()}, "CreationTime": 1_790_000_000.25});
    if let Some(reason) = job.reason {
        record["FailureReason"] = json!(reason);
    }
    json!({ "TranscriptionJob": record })
}

/// Whether the signature is the one that the signer makes of the same request to a service.
pub(crate) fn is_signed(
    (service, method): (&str, &str),
    headers: &HeaderMap,
    url: &str,
    body: &[u8],
) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(date), Some(authorization)) = (header("x-amz-date"), header("authorization")) else {
        return false;
    };
    let Some((_, signed)) = authorization.split_once("SignedHeaders=") else {
        return false;
    };
    let names = signed.split(',').next().unwrap_or_default().split(';');
    let own = ["host", "x-amz-date", "x-amz-security-token"];
    let signed: Vec<(&str, &str)> = names
        .filter(|name| !own.contains(name))
        .filter_map(|name| Some((name, header(name)?)))
        .collect();
    // 20261128T074500Z
    let (day, time) = date.split_once('T').unwrap();
    let date = format!(
        "{}-{}-{}T{}:{}:{}Z",
        &day[..4],
        &day[4..6],
        &day[6..],
        &time[..2],
        &time[2..4],
        &time[4..6]
    );
    let time = DateTime::from_str(&date, Format::DateTime).unwrap();
    let identity = credentials().into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name(service)
        .time(SystemTime::try_from(time).unwrap())
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let body = SignableBody::Bytes(body);
    let request = SignableRequest::new(method, url, signed.into_iter(), body).unwrap();
    let output = sign(request, &params).unwrap();
    let mut expected = output.output().headers();
    expected.any(|(name, value)| name == "authorization" && value == authorization)
}
