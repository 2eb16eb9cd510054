//! RunPod's stock worker for [faster-whisper](https://github.com/runpod-workers/worker-faster_whisper), behind an endpoint with a
//! queue.
//!
//! - The worker gets a link to the recording, signed with this process's credentials, and downloads it. The link is sent, and never
//!   stored or logged. A recording in a directory has no link: it is sent with the job, of which RunPod accepts
//!   [10 MB](https://docs.runpod.io/serverless/endpoints/send-requests).
//! - RunPod has no idempotency keys and cannot be asked for a job by a name of ours. So a transcription has a lease, an intent before
//!   it is submitted and a ticket afterwards, like a call to a model ([`crate::store::ledger`]). At most the submission that is in
//!   flight when a process is killed is made twice.
//! - A result is kept for 30 minutes. Whoever finds it stores it as the transcript at once: the worker's output as it is, which is
//!   the JSON of whisper.
//! - A worker raises Python's errors. A few of them are the recording's fault; all others can be fixed, and then the transcription is
//!   started afresh. Each start is paid for, so after the second one the pauses grow from an hour to a day.
//! - A worker that could not download the recording goes on with the file name `None`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::chain::chain;
use crate::config::{ConfigError, Environment, Variable};
use crate::http::Http;
use crate::model::failure::Recovery;
use crate::model::{ErrorKind, ModelError, Ticket};
use crate::provider::key::Key;
use crate::provider::runpod::RunPod;
use crate::provider::runpod::settings::{RUNPOD_API_KEY, RUNPOD_API_KEY_SECRET_ARN, endpoint};
use crate::provider::runpod::task::Look;
use crate::provider::{ConnectError, RemoteSettings, builtin};
use crate::secret::Secret;
use crate::store::lease::{Claim, LEASE, Lease, as_asked};
use crate::store::ledger::{Known, Ledger, LedgerError};
use crate::store::{Location, PutCondition, PutOptions, StoreErrorKind, Wanted};
use crate::transcriber::{
    MAX_BYTES, Registration, Settings, State, TRANSCRIBE_PARAMETERS, Task, Transcriber,
    TranscriberError, parameters,
};
use crate::wire::failure::SettingNames;

pub(crate) const REGISTRATION: Registration = Registration {
    name: "runpod",
    variables: &[
        TRANSCRIBER_RUNPOD_ENDPOINT_URL,
        TRANSCRIBER_RUNPOD_API_KEY,
        TRANSCRIBER_RUNPOD_API_KEY_SECRET_ARN,
    ],
    read: |environment| Ok(Arc::new(WhisperSettings::read(environment)?)),
};

const TRANSCRIBER_RUNPOD_ENDPOINT_URL: Variable = Variable::new(
    "TRANSCRIBER_RUNPOD_ENDPOINT_URL",
    "the endpoint with RunPod's faster-whisper worker, `https://api.runpod.ai/v2/<endpoint id>` (transcriber `runpod`)",
);

const TRANSCRIBER_RUNPOD_API_KEY: Variable = Variable::new(
    "TRANSCRIBER_RUNPOD_API_KEY",
    "the RunPod key that may call it",
)
.noting("that of provider `runpod`");

const TRANSCRIBER_RUNPOD_API_KEY_SECRET_ARN: Variable = Variable::new(
    "TRANSCRIBER_RUNPOD_API_KEY_SECRET_ARN",
    "the Secrets Manager secret that holds it, as plain text or as JSON with the key `TRANSCRIBER_RUNPOD_API_KEY`",
);

const NAMES: SettingNames = SettingNames {
    token: TRANSCRIBER_RUNPOD_API_KEY.name,
    model: TRANSCRIBE_PARAMETERS.name,
    url: TRANSCRIBER_RUNPOD_ENDPOINT_URL.name,
};

/// What the program sets itself: a link to the recording, or the recording.
const OWN: [&str; 2] = [LINK, CONTENT];
const LINK: &str = "audio";
const CONTENT: &str = "audio_base64";

/// Maximum size of a recording that is sent with its job, in bytes: 10 MB in base64.
const MAX_SENT_BYTES: u64 = 7 << 20;

/// How long the link is valid, and a job may wait and run. The credentials of a function last about as long.
const VALID: Duration = Duration::from_secs(12 * 3600);

/// A worker takes minutes for an hour of speech. One that takes longer hangs, at the user's expense.
const EXECUTION_TIMEOUT: Duration = Duration::from_secs(3 * 3600);

/// How long after its submission a job may still be unknown to the endpoint.
const SETTLING_MS: i64 = 60_000;

/// How often a request without effect is sent within one invocation.
const ATTEMPTS: u32 = 3;

/// The wait before the second attempt; it is longer before each later one.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The transcription in its ledger.
const CALL: &str = "transcription";

const HOUR_MS: i64 = 3_600_000;

/// The settings of a faster-whisper worker on RunPod.
#[derive(Debug, Clone)]
pub struct WhisperSettings {
    key: Option<Key>,
    endpoint: Url,
    /// The parameters of a job, defaults included, without what the program sets itself.
    parameters: Map<String, Value>,
}

impl WhisperSettings {
    fn read(environment: Environment<'_>) -> Result<Self, ConfigError> {
        let own = Key::read(
            environment,
            TRANSCRIBER_RUNPOD_API_KEY,
            TRANSCRIBER_RUNPOD_API_KEY_SECRET_ARN,
        )?;
        let key = match own {
            Some(own) => Some(own),
            None => Key::read(environment, RUNPOD_API_KEY, RUNPOD_API_KEY_SECRET_ARN)?,
        };
        let url = TRANSCRIBER_RUNPOD_ENDPOINT_URL;
        Ok(Self {
            endpoint: endpoint(
                environment,
                url,
                "that is to transcribe",
                (key.as_ref(), TRANSCRIBER_RUNPOD_API_KEY),
            )?,
            key,
            parameters: parameters(environment, r#"{"language": "en"}"#, completed)?,
        })
    }

    fn transcriber(&self, http: &Http, secret: Option<Secret>) -> Arc<dyn Transcriber> {
        let remote = RemoteSettings {
            key: self.key.clone(),
            endpoint: self.endpoint.clone(),
            parameters: Map::new(),
            // No model is asked through this connection.
            capabilities: builtin::CAPABILITIES.clone(),
        };
        Arc::new(Whisper {
            parameters: self.parameters.clone(),
            endpoint: RunPod::named(http.clone(), remote, secret, NAMES),
        })
    }
}

/// The parameters with the defaults for what is not given, or what is expected instead of them.
fn completed(mut parameters: Map<String, Value>) -> Result<Map<String, Value>, String> {
    if let Some(own) = OWN.iter().find(|name| parameters.contains_key(**name)) {
        return Err(format!("no {own}, which the program sets itself"));
    }
    parameters.entry("model").or_insert(json!("turbo"));
    // Whisper makes up sentences for silence that it is given.
    parameters.entry("enable_vad").or_insert(json!(true));
    Ok(parameters)
}

#[async_trait]
impl Settings for WhisperSettings {
    fn fingerprint(&self) -> String {
        let parameters = Value::Object(self.parameters.clone());
        format!("{} {parameters}", self.endpoint)
    }

    fn max_bytes(&self) -> u64 {
        MAX_BYTES
    }

    fn create(&self, _: SdkConfig, http: &Http) -> Arc<dyn Transcriber> {
        let secret = match &self.key {
            Some(Key::Plain(secret)) => Some(secret.clone()),
            // It is fetched when the endpoint refuses the request without it.
            Some(Key::Kept { .. }) | None => None,
        };
        self.transcriber(http, secret)
    }

    async fn connect(&self, http: &Http) -> Result<Arc<dyn Transcriber>, ConnectError> {
        let secret = match &self.key {
            Some(key) => Some(key.fetch(http).await?),
            None => None,
        };
        Ok(self.transcriber(http, secret))
    }
}

#[derive(Debug)]
struct Whisper {
    parameters: Map<String, Value>,
    endpoint: RunPod,
}

/// A transcription that was submitted.
#[derive(Debug, Serialize, Deserialize)]
struct Started {
    ticket: Ticket,
    /// In milliseconds since 1970.
    started_ms: i64,
    /// How often it may have been started, this time included.
    starts: u32,
}

/// A transcription that has ended without a transcript.
#[derive(Debug, Serialize, Deserialize)]
enum Ended {
    /// It would end the same way each time.
    Unusable(String),
    Failed {
        reason: String,
        /// In milliseconds since 1970.
        ended_ms: i64,
        starts: u32,
    },
}

/// The reason nothing more can be said of a transcription now.
enum Halt {
    /// Another worker has it.
    Overtaken,
    Error(TranscriberError),
}

impl<E: Into<TranscriberError>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

impl From<LedgerError> for Halt {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Overtaken(_) => Self::Overtaken,
            LedgerError::Store(error) => error.into(),
        }
    }
}

impl Whisper {
    async fn advance_on(&self, ledger: &Ledger, task: &Task<'_>) -> Result<State, Halt> {
        match ledger.recall::<Ended, Started>(CALL).await? {
            Known::Nothing => self.start(ledger, task).await,
            Known::Job(started) => self.look(ledger, task, &started).await,
            Known::Outcome(Ended::Unusable(reason)) => Ok(State::Unusable(reason)),
            Known::Outcome(Ended::Failed {
                reason,
                ended_ms,
                starts,
            }) => {
                if task.clock.now_ms() < ended_ms + pause_ms(starts) {
                    return Err(TranscriberError::Failed(reason).into());
                }
                self.start_afresh(ledger, task).await
            }
        }
    }

    async fn start_afresh(&self, ledger: &Ledger, task: &Task<'_>) -> Result<State, Halt> {
        ledger.forget(CALL).await?;
        self.start(ledger, task).await
    }

    async fn start(&self, ledger: &Ledger, task: &Task<'_>) -> Result<State, Halt> {
        let (name, audio) = match audio(task).await? {
            Audio::Link(link) => (LINK, link),
            Audio::Content(content) => (CONTENT, content),
            Audio::Unsent(state) => return Ok(state),
        };
        let mut input = self.parameters.clone();
        input.insert(name.to_owned(), Value::from(audio.expose()));
        let policy = json!({
            "executionTimeout": EXECUTION_TIMEOUT.as_millis() as u64, "ttl": VALID.as_millis() as u64});
        let body = json!({"input": input, "policy": policy});
        let starts = ledger.intend(CALL).await? + 1;
        if starts > 1 {
            tracing::warn!(id = task.id, starts, "the transcription is started again");
        }
        let mut attempts = Attempts::default();
        let submitted = loop {
            match self.endpoint.submit_job(&body, audio.expose()).await {
                Err(error) if attempts.again(&error).await => {
                    ledger.confirm().await.map_err(LedgerError::from)?;
                }
                submitted => break submitted,
            }
        };
        let error = match submitted {
            Ok(ticket) => {
                tracing::info!(job = ticket.id, "transcription started");
                let started = Started {
                    ticket,
                    started_ms: task.clock.now_ms(),
                    starts,
                };
                ledger.submitted(CALL, &started).await?;
                return Ok(State::Running);
            }
            Err(error) => error,
        };
        if error.kind.policy().not_accepted {
            // The next start would be counted as one more, no worse.
            if let Err(error) = ledger.withdraw(CALL).await {
                tracing::warn!(error = chain(&error), "could not withdraw an intent");
            }
        } else {
            let ended = Ended::Failed {
                reason: error.message.clone(),
                ended_ms: task.clock.now_ms(),
                starts,
            };
            ledger.settle(CALL, &ended).await?;
        }
        Err(request("starting the transcription on RunPod", error).into())
    }

    async fn look(
        &self,
        ledger: &Ledger,
        task: &Task<'_>,
        started: &Started,
    ) -> Result<State, Halt> {
        let now_ms = task.clock.now_ms();
        let mut attempts = Attempts::default();
        let looked = loop {
            match self.endpoint.look(&started.ticket).await {
                Err(error) if attempts.again(&error).await => {}
                looked => break looked,
            }
        };
        let failed = match looked {
            Ok(Look::Pending) => return Ok(State::Running),
            Ok(Look::Done(output)) => match transcript(&output) {
                Some(transcript) => {
                    store(task, transcript).await?;
                    return Ok(State::Written);
                }
                None => "the worker's output has neither segments nor a text: the endpoint must have RunPod's worker for \
                         faster-whisper"
                    .to_owned(),
            },
            Ok(Look::Failed(reason)) if is_fault_of_recording(&reason) => {
                let reason =
                    format!("the worker on RunPod cannot transcribe the recording: {reason}");
                ledger.settle(CALL, &Ended::Unusable(reason.clone())).await?;
                return Ok(State::Unusable(reason));
            }
            Ok(Look::Failed(reason)) => reason,
            Err(error) if error.kind == ErrorKind::Lost => {
                if now_ms < started.started_ms + SETTLING_MS {
                    return Ok(State::Running);
                }
                if pause_ms(started.starts) == 0 {
                    return self.start_afresh(ledger, task).await;
                }
                error.message
            }
            Err(error) => {
                return Err(request("looking at the transcription on RunPod", error).into());
            }
        };
        let reads = match task.store.directory() {
            Some(_) => String::new(),
            None => format!(
                "The worker reads {} by a link that is signed with the rights of this function's role or your own, which must include \
                 s3:GetObject (s3:GetObjectVersion where the bucket keeps versions) and the use of the object's key in KMS. ",
                task.recording
            ),
        };
        let reason = format!(
            "the transcription on RunPod failed: {failed}. {reads}The worker's own logs on RunPod tell more"
        );
        let ended = Ended::Failed {
            reason: reason.clone(),
            ended_ms: now_ms,
            starts: started.starts,
        };
        ledger.settle(CALL, &ended).await?;
        Err(TranscriberError::Failed(reason).into())
    }
}

#[async_trait]
impl Transcriber for Whisper {
    async fn advance(&self, task: &Task<'_>) -> Result<State, TranscriberError> {
        let claim = Lease::claim(task.state.clone(), task.clock, LEASE, as_asked());
        let Claim::Ours(lease) = claim.await? else {
            // Another worker is at it.
            return Ok(State::Running);
        };
        let ledger = Ledger::new(&lease);
        let ended = tokio::select! {
            ended = self.advance_on(&ledger, task) => ended,
            _ = lease.keep() => Err(Halt::Overtaken),
        };
        if !matches!(ended, Err(Halt::Overtaken)) {
            lease.give_back(|_| {}).await;
        }
        match ended {
            Ok(state) => Ok(state),
            Err(Halt::Overtaken) => Ok(State::Running),
            Err(Halt::Error(error)) => Err(error),
        }
    }

    /// RunPod sends no events.
    async fn recording(&self, _: &str) -> Result<Option<Location>, TranscriberError> {
        Ok(None)
    }
}

/// How the worker gets a recording.
enum Audio {
    /// By a link.
    Link(Secret),
    /// With its job, in base64.
    Content(Secret),
    /// Not at all. Holds how far the transcription then is.
    Unsent(State),
}

async fn audio(task: &Task<'_>) -> Result<Audio, TranscriberError> {
    if task.store.directory().is_none() {
        let link = task.store.link(task.recording, task.version_id, VALID);
        return Ok(Audio::Link(link.await?));
    }
    let wanted = Wanted {
        if_match: Some(task.etag.to_owned()),
        max_bytes: Some(MAX_SENT_BYTES),
        ..Wanted::default()
    };
    let content = match task.store.get(task.recording, &wanted).await {
        Ok(mut object) => object.whole().await?,
        Err(error) if error.kind == StoreErrorKind::TooLarge => {
            let reason = format!(
                "it cannot be sent to the worker on RunPod, because {}: keep recordings in a bucket (`serve --bucket NAME`), where \
                 larger ones are read by a link, or export it with fewer bits a second",
                error.reason
            );
            return Ok(Audio::Unsent(State::Unusable(reason)));
        }
        // It has been replaced, which the next run sees.
        Err(error) if error.kind == StoreErrorKind::Precondition => {
            return Ok(Audio::Unsent(State::Running));
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Audio::Content(Secret::new(STANDARD.encode(content))))
}

/// Attempts at a request in one invocation.
#[derive(Debug, Default)]
struct Attempts(u32);

impl Attempts {
    /// Waits for the next attempt, if the request has had no effect and another one may succeed.
    async fn again(&mut self, error: &ModelError) -> bool {
        let policy = error.kind.policy();
        let may_repeat = policy.not_accepted && policy.recovery == Recovery::Passes;
        self.0 += 1;
        if !may_repeat || self.0 >= ATTEMPTS {
            return false;
        }
        tracing::warn!(%error, attempt = self.0, "request to RunPod failed, trying again");
        tokio::time::sleep(FIRST_WAIT * self.0).await;
        true
    }
}

fn request(action: &'static str, error: ModelError) -> TranscriberError {
    TranscriberError::Request {
        action,
        passes: error.kind.policy().recovery == Recovery::Passes,
        source: Box::new(error),
    }
}

/// How long a transcription that has failed is not started again.
fn pause_ms(starts: u32) -> i64 {
    match starts {
        0 | 1 => 0,
        _ => HOUR_MS << (starts - 2).min(5),
    }
    .min(24 * HOUR_MS)
}

/// The output as a transcript, if it is one: the JSON of whisper, or a text alone.
fn transcript(output: &Value) -> Option<&Value> {
    // Workers that stream return a list.
    let output = match output.as_array().map(Vec::as_slice) {
        Some([only]) => only,
        _ => output,
    };
    let is_text = |name: &str| output.get(name).is_some_and(Value::is_string);
    let has_segments = output.get("segments").is_some_and(Value::is_array);
    (has_segments || is_text("transcription") || is_text("text")).then_some(output)
}

/// Stores the transcript, unless another worker has stored it.
async fn store(task: &Task<'_>, transcript: &Value) -> Result<(), TranscriberError> {
    let options = PutOptions {
        condition: PutCondition::IfAbsent,
        content_type: "application/json",
        ..PutOptions::default()
    };
    let body = transcript.to_string().into();
    match task.store.put(task.transcript, body, options).await {
        Err(error) if error.kind != StoreErrorKind::Precondition => Err(error.into()),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Whether another attempt with the same recording would fail again.
fn is_fault_of_recording(reason: &str) -> bool {
    const RECORDING: [&str; 9] = [
        "invalid data found",
        "moov atom",
        "end of file",
        "tuple index out of range",
        "no audio stream",
        "does not contain any stream",
        "max() arg is an empty sequence",
        "max() iterable argument is empty",
        "decoder not found",
    ];
    let reason = reason.to_lowercase();
    RECORDING.iter().any(|words| reason.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<WhisperSettings, String> {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        WhisperSettings::read(Environment(&lookup)).map_err(|error| error.to_string())
    }

    const URL: (&str, &str) = (
        TRANSCRIBER_RUNPOD_ENDPOINT_URL.name,
        "https://api.runpod.ai/v2/abc/run",
    );

    #[test]
    fn the_key_is_its_own_or_that_of_the_provider() {
        let provider = (RUNPOD_API_KEY.name, "rpa_1");
        let own = (TRANSCRIBER_RUNPOD_API_KEY.name, "rpa_2");
        for (variables, expected) in [
            (vec![URL, provider], "rpa_1"),
            (vec![URL, provider, own], "rpa_2"),
        ] {
            let read = settings(&variables).unwrap();
            assert_eq!(read.key, Some(Key::Plain(Secret::new(expected))));
            assert_eq!(read.endpoint.as_str(), "https://api.runpod.ai/v2/abc");
            assert!(!read.fingerprint().contains("rpa_"));
        }
        for (variables, expected) in [
            (vec![provider], "TRANSCRIBER_RUNPOD_ENDPOINT_URL is not set"),
            (vec![URL], "TRANSCRIBER_RUNPOD_API_KEY is not set"),
        ] {
            let error = settings(&variables).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn parameters_are_the_workers_own() {
        let read = |given| {
            settings(&[
                URL,
                (RUNPOD_API_KEY.name, "x"),
                ("TRANSCRIBE_PARAMETERS", given),
            ])
        };
        for (given, expected) in [
            ("{}", json!({"model": "turbo", "enable_vad": true})),
            (
                r#"{"model": "large-v3", "language": "de", "enable_vad": false}"#,
                json!({"model": "large-v3", "language": "de", "enable_vad": false}),
            ),
        ] {
            assert_eq!(Value::Object(read(given).unwrap().parameters), expected);
        }
        for (given, expected) in [
            (
                r#"{"audio": "x"}"#,
                "no audio, which the program sets itself",
            ),
            ("3", "a JSON object such as"),
        ] {
            let error = read(given).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn pauses_grow_from_an_hour_to_a_day() {
        let hours = [0, 1, 2, 3, 4, 5, 6, 7, 60].map(|starts| pause_ms(starts) / HOUR_MS);
        assert_eq!(hours, [0, 0, 1, 2, 4, 8, 16, 24, 24]);
    }
}
