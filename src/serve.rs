//! A server on this machine: a page to drop transcripts on, and the HTTP API behind it.
//!
//! Jobs run on the main thread, one at a time, because each keeps the endpoint busy by itself. The server has a thread of its own,
//! so that it answers while a job computes. What they share is `Live`, the progress that is in no object yet. Everything else is
//! read from the store: a server that is stopped and started again shows what is finished, and goes on with what was uploaded
//! through it and is not.

mod connection;
mod door;
mod guard;
mod live;
mod page;
mod socket;

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::chain::chain;
use crate::clock::Clock;
use crate::http::{Http, HttpError};
use crate::http_api::library::{Detail, Library, Links, State};
use crate::job::local::{LEASE, LOCAL_BUCKET};
use crate::job::{App, Config, JobError, KnownHabits, Outcome, Upload};
use crate::once;
use crate::provider::ConnectError;
use crate::run::Run;
use crate::serve::door::Door;
use crate::serve::live::Live;
use crate::store::{self, DirStore, Location, Store, StoreError, StoreErrorKind};

/// What a job waits for that somebody else holds.
const BUSY: &str = "another run works on it, or was stopped a moment ago";

/// Jobs at the same time.
const JOBS_AT_ONCE: usize = 1;

/// Metadata key of uploads that came through this server, which goes on with them when it is started again.
const UPLOADED: &str = "uploaded-through";
const HERE: &str = "http-api";

/// Endings of transcripts that are accepted besides those of `INPUT_SUFFIXES`: whoever drops a file here wants it read.
const READABLE: [&str; 15] = [
    ".txt", ".vtt", ".srt", ".json", ".docx", ".csv", ".tsv", ".md", ".html", ".htm", ".sbv",
    ".lrc", ".ttml", ".xml", ".text",
];

/// Where transcripts and summaries are kept.
#[derive(Debug, Clone)]
pub enum Place {
    /// In a directory.
    Dir(PathBuf),
    /// In a bucket of S3, or of `STORE_DIR`.
    Bucket(String),
}

/// How long clients may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Without a byte for so long, an upload is dropped (408): it keeps one of the few connections.
    pub upload_silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            upload_silence: Duration::from_secs(15),
        }
    }
}

/// The reason that the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The port is taken or not allowed.
    #[error("port {port} cannot be listened on; choose another one with --port")]
    Port {
        /// The port.
        port: u16,
        /// The cause.
        source: io::Error,
    },
    /// The model's settings are wrong.
    #[error(transparent)]
    Model(#[from] ConnectError),
    /// The bucket cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// The server's thread cannot be started.
    #[error("the server cannot be started")]
    Thread(#[source] io::Error),
}

/// A server that accepts connections, and the jobs that it is asked for.
#[derive(Debug)]
pub struct Server {
    /// The address of the page.
    pub url: String,
    app: App,
    library: Library,
    live: Arc<Live>,
    orders: UnboundedReceiver<String>,
    again: UnboundedSender<String>,
    /// Tells other servers on the directory that this one is there.
    _claim: Option<File>,
}

impl Server {
    /// Listens on `port` of this machine's loopback address; 0 chooses a free one.
    ///
    /// # Errors
    /// If the port is taken, or the model or the store cannot be set up.
    pub async fn start(
        mut config: Config,
        place: Place,
        port: u16,
        limits: Limits,
    ) -> Result<Self, ServeError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(|source| ServeError::Port { port, source })?;
        let port = listener.local_addr().map_err(ServeError::Thread)?.port();
        let readable = READABLE.into_iter().map(str::to_owned);
        let missing = readable.filter(|ending| !config.filter.suffixes.contains(ending));
        let missing: Vec<String> = missing.collect();
        config.filter.suffixes.extend(missing);
        let directory = match &place {
            Place::Dir(dir) => {
                config.output_bucket = Some(LOCAL_BUCKET.to_owned());
                if config.speech.take().is_some() {
                    tracing::warn!(
                        "no summary is read out: Amazon Polly writes into a bucket (--bucket NAME)"
                    );
                }
                Some(DirStore::single(LOCAL_BUCKET, dir))
            }
            Place::Bucket(_) => None,
        };
        let bucket = match place {
            Place::Dir(_) => LOCAL_BUCKET.to_owned(),
            Place::Bucket(bucket) => bucket,
        };
        // The connections of a client belong to one thread.
        let (http, other_http) = (Http::default(), Http::default());
        let connect = async |http: &Http| -> Result<Arc<dyn Store>, HttpError> {
            let store: Arc<dyn Store> = match &directory {
                Some(directory) => Arc::new(directory.clone()),
                None => store::connect(config.store_dir.as_deref(), http).await?,
            };
            Ok(store)
        };
        let (store, other_store) = (connect(&http).await?, connect(&other_http).await?);
        let config = Arc::new(config);
        let app = App {
            source: Arc::clone(&store),
            target: Arc::clone(&store),
            model: config.provider.connect(&http).await?,
            transcriber: config.connect_transcriber(&http).await?,
            speaker: config.connect_speaker(&http).await?,
            config: Arc::clone(&config),
            trace: None,
            lease: LEASE,
            habits: KnownHabits::default(),
            durable: true,
        };
        let library = |store| Library {
            store,
            bucket: bucket.clone(),
            config: Arc::clone(&config),
            links: Links::Routes,
        };
        // A wrong name is told at once.
        if directory.is_none() {
            library(Arc::clone(&store)).keys("", 1).await?;
        }
        let claim = directory.as_ref().map(DirStore::claim).transpose();
        let claim = claim.unwrap_or_else(|error| {
            tracing::debug!(%error, "could not tell other servers of this one");
            None
        });
        if let Some(None) = claim {
            tracing::warn!(
                "another server works on this directory: nothing is summarized twice, but each shows the progress of its own jobs only"
            );
        }
        let (again, orders) = mpsc::unbounded_channel();
        let live = Arc::new(Live::default());
        let door = Door {
            library: library(other_store),
            live: Arc::clone(&live),
            orders: again.clone(),
            port,
            limits,
        };
        std::thread::Builder::new()
            .name("server".to_owned())
            .spawn(move || connection::serve(listener, door))
            .map_err(ServeError::Thread)?;
        Ok(Self {
            url: format!("http://127.0.0.1:{port}/"),
            app,
            library: library(store),
            live,
            orders,
            again,
            _claim: claim.flatten(),
        })
    }

    /// Does the jobs that are asked for, until the process is ended.
    pub async fn work(self) {
        let Self {
            app,
            library,
            live,
            mut orders,
            again,
            _claim,
            ..
        } = self;
        // Files of any size may be there, all of which it reads.
        let unfinished = Unfinished {
            library: library.clone(),
            live: Arc::clone(&live),
            again,
        };
        tokio::spawn(async move { unfinished.order().await });
        let permits = Arc::new(Semaphore::new(JOBS_AT_ONCE));
        while let Some(key) = orders.recv().await {
            let job = Job {
                app: app.clone(),
                at: library.at(&key),
                live: Arc::clone(&live),
                permits: Arc::clone(&permits),
            };
            tokio::spawn(job.run());
        }
    }
}

/// What was uploaded through an earlier server and has no summary.
struct Unfinished {
    library: Library,
    live: Arc<Live>,
    again: UnboundedSender<String>,
}

impl Unfinished {
    /// Orders all of it.
    async fn order(&self) {
        let mut after = String::new();
        loop {
            let (keys, next) = match self.library.keys(&after, 1000).await {
                Ok(listed) => listed,
                Err(error) => {
                    tracing::warn!(
                        error = chain(&error),
                        "could not look for unfinished uploads"
                    );
                    return;
                }
            };
            for key in keys {
                if self.is_unfinished(&key).await && self.live.begin(&key) {
                    // The receiver is in this process.
                    let _ = self.again.send(key);
                }
            }
            match next {
                Some(next) => after = next,
                None => return,
            }
        }
    }

    async fn is_unfinished(&self, key: &str) -> bool {
        let (store, at) = (&self.library.store, self.library.at(key));
        let most = self.library.config.max_input_bytes;
        let info = match store.head_within(&at, most).await {
            Ok(info) => info,
            Err(error) => {
                // One may have been deleted since it was listed, and what is too large is listed as failed.
                let is_told = [StoreErrorKind::NotFound, StoreErrorKind::TooLarge];
                if !is_told.contains(&error.kind) {
                    once::left_out(key, &chain(&error));
                }
                return false;
            }
        };
        if info.metadata.get(UPLOADED).is_none_or(|by| by != HERE) {
            return false;
        }
        let status = self.library.status(key, Detail::Brief).await;
        status
            .ok()
            .flatten()
            .is_some_and(|status| match status.status {
                State::Waiting => true,
                State::Failed => status.retryable == Some(true),
                State::Done | State::Summarizing | State::Transcribing => false,
            })
    }
}

/// The work on one transcript.
struct Job {
    app: App,
    at: Location,
    live: Arc<Live>,
    permits: Arc<Semaphore>,
}

impl Job {
    async fn run(self) {
        let ended = self.outcome().await;
        let key = &self.at.key;
        match ended {
            Ok(
                Outcome::Done(_)
                | Outcome::Duplicate { .. }
                | Outcome::Rejected(_)
                | Outcome::Skipped(_),
            ) => self.live.end(key),
            Ok(Outcome::Superseded) => {
                let error = "it was replaced or deleted while it was read";
                self.live.stop(key, error.to_owned());
            }
            Err(error) => self.live.stop(key, chain(&error)),
        }
    }

    /// Runs the job until it ends. While somebody else works for it, others may run.
    async fn outcome(&self) -> Result<Outcome, JobError> {
        let (upload, key) = (Upload::named(self.at.clone()), &self.at.key);
        loop {
            let permit = self.permits.acquire().await;
            // Its time begins when it does.
            let run = self.watched();
            self.live.work(key);
            let ended = self.app.run(&upload, &run).await;
            drop(permit);
            let Some(wait) = ended.as_ref().err().and_then(JobError::wait) else {
                return ended;
            };
            match &ended {
                Err(JobError::Transcribing) => self.live.transcribe(key),
                _ => self.live.wait(key, BUSY),
            }
            tokio::time::sleep(wait).await;
        }
    }

    fn watched(&self) -> Run {
        let (live, key) = (Arc::clone(&self.live), self.at.key.clone());
        let (waits, waiting) = (Arc::clone(&live), key.clone());
        Run::of_a_person(Clock::System)
            .watched_by(move |progress| live.progress(&key, progress))
            .telling_of_waits(move |wait| waits.wait(&waiting, &wait.reason))
    }
}
