//! A simulated Amazon Polly over HTTP. It checks signatures and queries, and keeps tasks.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use aws_config::SdkConfig;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::reset;
use super::transcribe::{Fault, REGION, configuration, is_signed};

/// Tasks on a page of the list.
const PAGE: usize = 2;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub(crate) struct Task {
    pub(crate) engine: String,
    pub(crate) language_code: Option<String>,
    output_format: String,
    #[serde(rename = "OutputS3BucketName")]
    pub(crate) bucket: String,
    #[serde(rename = "OutputS3KeyPrefix")]
    prefix: String,
    pub(crate) text: String,
    text_type: String,
    pub(crate) voice_id: String,
    #[serde(skip)]
    pub(crate) key: String,
}

type Faults = Box<dyn FnMut(&str) -> Option<Fault> + Send>;

#[derive(Default)]
struct Shared {
    tasks: Mutex<Vec<Task>>,
    asked: Mutex<Vec<String>>,
    faults: Mutex<Option<Faults>>,
}

/// The server, which stops when dropped.
pub(crate) struct Polly {
    url: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Polly {
    /// Starts on a free loopback port.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
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

    /// From now on, `faults` decides which requests fail, given `Start` or `List`.
    pub(crate) fn set_faults(&self, faults: impl FnMut(&str) -> Option<Fault> + Send + 'static) {
        *self.shared.faults.lock().unwrap() = Some(Box::new(faults));
    }

    pub(crate) fn tasks(&self) -> Vec<Task> {
        self.shared.tasks.lock().unwrap().clone()
    }

    /// How often an operation was asked for.
    pub(crate) fn asked(&self, operation: &str) -> usize {
        let asked = self.shared.asked.lock().unwrap();
        asked.iter().filter(|name| *name == operation).count()
    }
}

impl Drop for Polly {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn handle(
    request: Request<Incoming>,
    url: &str,
    shared: &Shared,
    reset: &AtomicBool,
) -> Result<Response<Full<Bytes>>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    assert_eq!(head.uri.path(), "/v1/synthesisTasks");
    let operation = match head.method {
        Method::POST => "Start",
        Method::GET => "List",
        other => panic!("{other} is no method"),
    };
    shared.asked.lock().unwrap().push(operation.to_owned());
    let fault = shared.faults.lock().unwrap();
    let fault = { fault }.as_mut().and_then(|faults| faults(operation));
    let whole = format!("{url}{}", head.uri);
    let answer = match fault {
        // Accepted, and failed at once.
        Some(Fault::Refused(200, "failed", reason)) => {
            let task = json!({"TaskId": "t", "TaskStatus": "failed", "TaskStatusReason": reason});
            Ok(json!({ "SynthesisTask": task }))
        }
        Some(Fault::Refused(status, code, message)) => Err((status, code, message.to_owned())),
        _ if !is_signed(
            ("polly", head.method.as_str()),
            &head.headers,
            &whole,
            &body,
        ) =>
        {
            Err((
                403,
                "InvalidSignatureException",
                "It does not match.".to_owned(),
            ))
        }
        _ if operation == "Start" => start(shared, &body),
        _ => Ok(list(shared, head.uri.query().unwrap_or_default())),
    };
    match fault {
        Some(Fault::AnswerLost) => {
            reset.store(true, Ordering::SeqCst);
            return Err(io::Error::other("broken on purpose"));
        }
        Some(Fault::Silence) => std::future::pending().await,
        _ => {}
    }
    let (status, code, body) = match answer {
        Ok(body) => (200, None, body),
        Err((status, code, message)) => (status, Some(code), json!({ "message": message })),
    };
    let mut response = Response::builder().status(status);
    if let Some(code) = code {
        response = response.header("x-amzn-errortype", format!("{code}:http://internal/"));
    }
    response
        .body(Full::from(body.to_string()))
        .map_err(io::Error::other)
}

fn start(shared: &Shared, body: &[u8]) -> Result<Value, (u16, &'static str, String)> {
    let task: Result<Task, _> = serde_json::from_slice(body);
    let mut task = task.map_err(|error| (400, "ValidationException", error.to_string()))?;
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"/!-_.*'():;$@=+,?&".contains(&byte);
    if task.prefix.len() > 800 || !task.prefix.bytes().all(is_legal) {
        return Err((400, "InvalidS3KeyException", task.prefix));
    }
    if (task.output_format.as_str(), task.text_type.as_str()) != ("mp3", "ssml") {
        return Err((400, "ValidationException", "format or type".to_owned()));
    }
    let is_speech = task.text.starts_with("<speak><p>") && task.text.ends_with("</p></speak>");
    let marks = [
        "<speak>", "</speak>", "<p>", "</p>", "&amp;", "&lt;", "&gt;", "&quot;", "&apos;",
    ];
    let plain = marks
        .iter()
        .fold(task.text.clone(), |text, mark| text.replace(mark, ""));
    if !is_speech || plain.contains(['<', '>', '&']) {
        return Err((
            400,
            "InvalidSsmlException",
            "Invalid SSML request".to_owned(),
        ));
    }
    if task.text.encode_utf16().count() > 200_000 {
        return Err((
            400,
            "TextLengthExceededException",
            "Maximum text length has been exceeded".to_owned(),
        ));
    }
    if task.engine == "neural" && task.voice_id == "Carla" {
        let message = "This voice does not support the selected engine: neural";
        return Err((400, "EngineNotSupportedException", message.to_owned()));
    }
    let mut tasks = shared.tasks.lock().unwrap();
    let id = format!("00000000-0000-4000-8000-{:012}", tasks.len());
    task.key = format!("{}.{id}.mp3", task.prefix);
    let answer = json!({"SynthesisTask": described(&task, &id)});
    tasks.push(task);
    Ok(answer)
}

/// A page of tasks. The token of a page is its number, behind characters that have to be encoded.
fn list(shared: &Shared, query: &str) -> Value {
    let token = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("NextToken=%2B%2F"));
    let page: usize = token.map_or(0, |page| page.parse().unwrap());
    let tasks = shared.tasks.lock().unwrap();
    let told = tasks.iter().skip(page * PAGE).take(PAGE).map(|task| {
        let id = task.key.rsplit('.').nth(1).unwrap();
        described(task, id)
    });
    let mut answer = json!({"SynthesisTasks": told.collect::<Vec<_>>()});
    if tasks.len() > (page + 1) * PAGE {
        answer["NextToken"] = json!(format!("+/{}", page + 1));
    }
    answer
}

fn described(task: &Task, id: &str) -> Value {
    let key = task.key.replace('!', "%21");
    json!({"TaskId": id, "TaskStatus": "scheduled", "RequestCharacters": 100, "VoiceId": task.voice_id,
        "OutputUri": format!("https://s3.{REGION}.amazonaws.com/{}/{key}", task.bucket)})
}
