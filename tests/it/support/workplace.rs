//! The environment of a job: a bucket in a temporary directory, a configuration, and a model on a simulated server.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use aws_config::SdkConfig;
use serde_json::{Value, json};
use tempfile::TempDir;
use transcript_summarizer::clock::Clock;
use transcript_summarizer::config::ConfigError;
use transcript_summarizer::http::Http;
use transcript_summarizer::job::JobError;
use transcript_summarizer::job::Upload;
use transcript_summarizer::job::{App, Config, KnownHabits, LEASE, Outcome, Surface};
use transcript_summarizer::lambda;
use transcript_summarizer::model::Model;
use transcript_summarizer::run::Run;
use transcript_summarizer::speech::Polly;
use transcript_summarizer::store::{DirStore, Location, PutOptions, Store};
use transcript_summarizer::transcriber::Transcriber;

use super::huggingface::TOKEN;
use super::links::Links;
use super::runpod_server::KEY;

pub(crate) const BUCKET: &str = "transcripts";

pub(crate) struct Workplace {
    dir: TempDir,
    app: App,
}

impl Workplace {
    /// Uses the embedded model, or the one at `url`, plus these settings.
    pub(crate) async fn new(url: Option<&str>, settings: &[(&str, &str)]) -> Self {
        let model = url.map(|url| [("HF_API_TOKEN", TOKEN), ("HF_ENDPOINT_URL", url)]);
        let model = model.as_ref().map_or(&[][..], |model| &model[..]);
        Self::configured(&[settings, model].concat()).await.unwrap()
    }

    /// Uses a RunPod endpoint at `url`, plus these settings.
    pub(crate) async fn runpod(url: &str, settings: &[(&str, &str)]) -> Self {
        let model = [("RUNPOD_API_KEY", KEY), ("RUNPOD_ENDPOINT_URL", url)];
        Self::configured(&[&model, settings].concat())
            .await
            .unwrap()
    }

    /// Uses these settings; later ones override earlier ones.
    pub(crate) async fn configured(settings: &[(&str, &str)]) -> Result<Self, ConfigError> {
        let config = config(settings)?;
        let model = config.provider.connect(&Http::default()).await.unwrap();
        Ok(Self::built(config, model))
    }

    /// Uses this model with these settings, without the AWS configuration of this machine.
    pub(crate) fn at_aws(settings: &[(&str, &str)], model: Arc<dyn Model>) -> Self {
        Self::built(config(settings).unwrap(), model)
    }

    fn built(config: Config, model: Arc<dyn Model>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(DirStore::new(dir.path()));
        let app = App {
            source: store.clone(),
            target: store,
            model,
            transcriber: None,
            speaker: None,
            config: Arc::new(config),
            trace: None,
            lease: LEASE,
            habits: KnownHabits::default(),
            durable: true,
        };
        Self { dir, app }
    }

    /// The same place, where another model writes.
    pub(crate) fn with_model(mut self, model: Arc<dyn Model>) -> Self {
        self.app.model = model;
        self
    }

    /// The same place with the transcriber that its settings choose, at the server that `aws` names.
    pub(crate) fn transcribing(mut self, aws: SdkConfig) -> Self {
        let recordings = self.app.config.recordings.as_ref().unwrap();
        self.app.transcriber = Some(recordings.settings.create(aws, &Http::default()));
        self
    }

    /// The same place with Amazon Polly at the server that `aws` names.
    pub(crate) fn speaking(mut self, aws: SdkConfig) -> Self {
        self.app.speaker = Some(Arc::new(Polly::new(aws, &Http::default())));
        self
    }

    /// The same place, where objects have links.
    pub(crate) fn linking(mut self) -> Self {
        self.app.source = Arc::new(Links {
            store: self.app.source,
            made: AtomicUsize::new(0),
        });
        self
    }

    /// The same place with other settings.
    pub(crate) fn with_config(mut self, settings: &[(&str, &str)]) -> Self {
        self.app.config = Arc::new(config(settings).unwrap());
        self
    }

    /// The same place with another store in front of its own.
    pub(crate) fn through(mut self, store: Arc<dyn Store>) -> Self {
        self.app.source = Arc::clone(&store);
        self.app.target = store;
        self
    }

    /// The same place with another transcriber.
    pub(crate) fn with_transcriber(mut self, transcriber: Arc<dyn Transcriber>) -> Self {
        self.app.transcriber = Some(transcriber);
        self
    }

    pub(crate) fn app(&self) -> App {
        self.app.clone()
    }

    pub(crate) fn directory_path(&self) -> PathBuf {
        self.dir.path().join(BUCKET)
    }

    /// The bucket as the directory of a person.
    pub(crate) fn directory(&self) -> DirStore {
        DirStore::single(BUCKET, self.directory_path())
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.app.source)
    }

    fn path(&self, key: &str) -> PathBuf {
        self.dir.path().join(BUCKET).join(key)
    }

    pub(crate) fn upload(&self, key: &str, content: impl AsRef<[u8]>) -> Upload {
        let path = self.path(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        Self::announced(key)
    }

    /// Uploads an object with metadata.
    pub(crate) async fn upload_with(
        &self,
        key: &str,
        content: String,
        metadata: &[(&str, &str)],
    ) -> Upload {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        let options = PutOptions {
            metadata: metadata.iter().map(owned).collect(),
            ..PutOptions::default()
        };
        let at = Location::new(BUCKET, key);
        self.app
            .source
            .put(&at, content.into(), options)
            .await
            .unwrap();
        Self::announced(key)
    }

    /// The upload as an event would announce it, whether or not the object exists.
    pub(crate) fn announced(key: &str) -> Upload {
        Upload {
            at: Location::new(BUCKET, key),
            other_key: None,
            etag: None,
            version_id: None,
            size: None,
            sequencer: None,
        }
    }

    pub(crate) fn exists(&self, key: &str) -> bool {
        self.path(key).exists()
    }

    /// Removes an object or a folder, if it exists.
    pub(crate) fn remove(&self, key: &str) {
        let path = self.path(key);
        let _ = match path.is_dir() {
            true => std::fs::remove_dir_all(path),
            false => std::fs::remove_file(path),
        };
    }

    pub(crate) fn read(&self, key: &str) -> String {
        std::fs::read_to_string(self.path(key)).unwrap()
    }

    pub(crate) fn read_json(&self, key: &str) -> Value {
        serde_json::from_str(&self.read(key)).unwrap()
    }

    pub(crate) async fn run(&self, upload: &Upload) -> Result<Outcome, JobError> {
        self.app.run(upload, &Run::new(Clock::System)).await
    }

    /// The response to an invocation.
    pub(crate) async fn answer(&self, payload: Value) -> Result<Value, String> {
        self.answer_at(payload, Clock::System).await
    }

    /// The same at the time of this clock.
    pub(crate) async fn answer_at(&self, payload: Value, clock: Clock) -> Result<Value, String> {
        lambda::answer(&self.app, payload, &Run::new(clock))
            .await
            .map_err(|error| format!("{}: {error}", error.kind()))
    }
}

/// The configuration with these settings; later ones override earlier ones.
pub(crate) fn config(settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables: HashMap<String, String> = settings
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Config::from_lookup(Surface::CommandLine, &|name| variables.get(name).cloned())
}

/// An S3 notification about these keys.
pub(crate) fn event(keys: &[&str]) -> Value {
    let records: Vec<Value> = keys
        .iter()
        .map(|key| {
            json!({"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": BUCKET}, "object": {"key": key}}})
        })
        .collect();
    json!({ "Records": records })
}

/// The notification wrapped in an SQS message.
pub(crate) fn message(id: &str, body: &Value) -> Value {
    json!({"messageId": id, "eventSource": "aws:sqs", "body": body.to_string()})
}

/// A meeting of about `words` spoken words in which every turn has a different topic.
pub(crate) fn meeting(words: usize) -> String {
    const NAMES: [&str; 4] = ["Dana Whitfield", "Lee Ng", "Tobias Renwick", "Anjali Rao"];
    const TOPICS: [&str; 6] = [
        "depot",
        "timetable",
        "contract",
        "platform",
        "winter plan",
        "fare pilot",
    ];
    (0..words / 21)
        .map(|i| {
            format!(
                "[{:02}:{:02}:00] {}: For the {} we looked at item{i}, which costs {} dollars, and agreed that vendor{i} \
                 delivers before week {} of next year.\n",
                i / 60,
                i % 60,
                NAMES[i % NAMES.len()],
                TOPICS[i / 40 % TOPICS.len()],
                1000 + i * 7,
                i % 50 + 1
            )
        })
        .collect()
}
