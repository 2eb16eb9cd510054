//! An in-memory bucket with S3 semantics: conditional writes, metadata and versions. It records every write.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Cursor;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep};
use transcript_summarizer::job::Upload;
use transcript_summarizer::secret::Secret;
use transcript_summarizer::store::{
    Action, Location, Metadata, Object, ObjectInfo, PutCondition, PutOptions, Store, StoreError,
    StoreErrorKind, Wanted,
};

use super::hash;
use super::process::Process;

pub(crate) const BUCKET: &str = "transcripts";

/// A fault injected into one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreFault {
    /// 503 before the operation takes effect.
    Unavailable,
    /// The operation takes effect, but the response is lost.
    AnswerLost,
    /// 409 in response to a write.
    Conflict,
    /// 412 in response to a write or a deletion, as if another worker had been faster.
    Precondition,
    Slow(Duration),
    /// Only half of the object arrives.
    PartialBody,
}

type Faults = Box<dyn FnMut(&str, &str) -> Option<StoreFault> + Send>;

/// One version of an object.
#[derive(Debug, Clone)]
struct State {
    version: String,
    etag: String,
    metadata: Metadata,
    body: Bytes,
    /// Which of the writes to the bucket it was.
    nth: i64,
}

/// A write, or a deletion if there is no body.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) at: Instant,
    pub(crate) process: usize,
    pub(crate) key: String,
    pub(crate) body: Option<Bytes>,
}

#[derive(Default)]
pub(crate) struct Disk {
    /// Whether the bucket is versioned.
    pub(crate) versioned: bool,
    objects: Mutex<BTreeMap<String, Vec<Option<State>>>>,
    writes: Mutex<Vec<Write>>,
    stored: AtomicI64,
    /// Every request: its operation and key.
    asked: Mutex<Vec<(&'static str, String)>>,
    faults: Mutex<Option<Faults>>,
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}

impl Disk {
    /// An empty bucket, versioned if requested.
    pub(crate) fn new(versioned: bool) -> Self {
        Self {
            versioned,
            ..Self::default()
        }
    }

    /// Stores a transcript and returns the upload as its event would describe it.
    pub(crate) fn upload(&self, key: &str, content: impl Into<Bytes>) -> Upload {
        self.upload_with(key, content, &[])
    }

    /// The same for one with user metadata.
    pub(crate) fn upload_with(
        &self,
        key: &str,
        content: impl Into<Bytes>,
        metadata: &[(&str, &str)],
    ) -> Upload {
        let body = content.into();
        let size = body.len() as u64;
        let metadata = metadata.iter();
        let metadata = metadata.map(|&(name, value)| (name.to_owned(), value.to_owned()));
        let state = self.store(key, body, metadata.collect());
        let count = self.objects.lock().unwrap()[key].len();
        Upload {
            at: Location::new(BUCKET, key),
            other_key: None,
            etag: Some(state.etag),
            version_id: self.versioned.then_some(state.version),
            size: Some(size),
            sequencer: Some(format!("0055AED6DCD9{count:06X}")),
        }
    }

    /// From now on, `faults` decides which requests fail, given the operation and the key.
    pub(crate) fn set_faults(
        &self,
        faults: impl FnMut(&str, &str) -> Option<StoreFault> + Send + 'static,
    ) {
        *self.faults.lock().unwrap() = Some(Box::new(faults));
    }

    pub(crate) fn read(&self, key: &str) -> Option<String> {
        let state = self.newest(key)?;
        Some(String::from_utf8(state.body.to_vec()).unwrap())
    }

    pub(crate) fn read_json(&self, key: &str) -> serde_json::Value {
        serde_json::from_str(&self.read(key).unwrap_or_else(|| panic!("no {key}"))).unwrap()
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        let objects = self.objects.lock().unwrap();
        let there = |states: &Vec<Option<State>>| states.last().is_some_and(Option::is_some);
        objects
            .iter()
            .filter(|(_, states)| there(states))
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// Drops objects, as a lifecycle rule does.
    pub(crate) fn forget(&self, old: impl Fn(&str) -> bool) {
        self.objects.lock().unwrap().retain(|key, _| !old(key));
    }

    /// All writes to keys that match `wanted`, in order.
    pub(crate) fn writes(&self, wanted: impl Fn(&str) -> bool) -> Vec<Write> {
        let writes = self.writes.lock().unwrap();
        writes
            .iter()
            .filter(|write| wanted(&write.key))
            .cloned()
            .collect()
    }

    /// Number of requests for `operation` on keys that match `wanted`.
    pub(crate) fn asked(&self, operation: &str, wanted: impl Fn(&str) -> bool) -> usize {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .filter(|(name, key)| *name == operation && wanted(key))
            .count()
    }

    /// Total number of requests.
    pub(crate) fn requests(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    fn newest(&self, key: &str) -> Option<State> {
        self.objects.lock().unwrap().get(key)?.last()?.clone()
    }

    fn version(&self, key: &str, version: &str) -> Option<State> {
        let objects = self.objects.lock().unwrap();
        let mut states = objects.get(key)?.iter().flatten();
        states.find(|state| state.version == version).cloned()
    }

    fn store(&self, key: &str, body: Bytes, metadata: Metadata) -> State {
        let mut objects = self.objects.lock().unwrap();
        let states = objects.entry(key.to_owned()).or_default();
        let state = State {
            version: format!("v{}", states.len() + 1),
            etag: format!("{:016x}", hash(&body)),
            metadata,
            body,
            nth: self.stored.fetch_add(1, Ordering::Relaxed),
        };
        states.push(Some(state.clone()));
        state
    }

    fn fault(&self, operation: &'static str, key: &str) -> Option<StoreFault> {
        self.asked.lock().unwrap().push((operation, key.to_owned()));
        let mut faults = self.faults.lock().unwrap();
        faults.as_mut().and_then(|faults| faults(operation, key))
    }

    fn put(
        &self,
        process: usize,
        at: &Location,
        body: Bytes,
        options: PutOptions,
    ) -> Answer<String> {
        let there = self.newest(&at.key);
        let fits = match &options.condition {
            PutCondition::Always => true,
            PutCondition::IfAbsent => there.is_none(),
            PutCondition::IfMatch(etag) => there.is_some_and(|there| there.etag == *etag),
        };
        if !fits {
            return Err((StoreErrorKind::Precondition, "simulated 412"));
        }
        self.record(process, &at.key, Some(body.clone()));
        Ok(self.store(&at.key, body, options.metadata).etag)
    }

    fn delete(&self, process: usize, key: &str, if_match: Option<&str>) -> Answer<()> {
        let Some(there) = self.newest(key) else {
            return Ok(());
        };
        if if_match.is_some_and(|etag| there.etag != etag) {
            return Err((StoreErrorKind::Precondition, "simulated 412"));
        }
        self.record(process, key, None);
        let mut objects = self.objects.lock().unwrap();
        objects.entry(key.to_owned()).or_default().push(None);
        Ok(())
    }

    fn record(&self, process: usize, key: &str, body: Option<Bytes>) {
        self.writes.lock().unwrap().push(Write {
            at: Instant::now(),
            process,
            key: key.to_owned(),
            body,
        });
    }

    fn open(&self, key: &str, wanted: &Wanted) -> Answer<State> {
        let state = match &wanted.version_id {
            Some(version) => self.version(key, version),
            None => self.newest(key),
        };
        let state = state.ok_or((StoreErrorKind::NotFound, "simulated 404"))?;
        if wanted
            .if_match
            .as_ref()
            .is_some_and(|etag| *etag != state.etag)
        {
            return Err((StoreErrorKind::Precondition, "simulated 412"));
        }
        if wanted
            .max_bytes
            .is_some_and(|most| state.body.len() as u64 > most)
        {
            return Err((
                StoreErrorKind::TooLarge,
                "it has more bytes than are accepted",
            ));
        }
        Ok(state)
    }
}

type Answer<T> = Result<T, (StoreErrorKind, &'static str)>;

impl State {
    fn info(&self, versioned: bool) -> ObjectInfo {
        ObjectInfo {
            etag: self.etag.clone(),
            version_id: versioned.then(|| self.version.clone()),
            size: self.body.len() as u64,
            modified_ms: Some(self.nth * 1000),
            metadata: self.metadata.clone(),
        }
    }
}

impl Process {
    /// Sends a request to the bucket, subject to fault injection.
    async fn request<T>(
        &self,
        (operation, action): (&'static str, Action),
        at: &Location,
        act: impl FnOnce() -> Answer<T>,
    ) -> Result<T, StoreError> {
        let fails = |(kind, why): (StoreErrorKind, &str)| StoreError::new(kind, action, at, why);
        let name = format!("{operation} {}", at.key);
        let lost = (StoreErrorKind::Transient, "simulated: no answer");
        match self.world.disk.fault(operation, &at.key) {
            Some(StoreFault::Unavailable) => {
                self.effect(&name, || ()).await;
                Err(fails((StoreErrorKind::Transient, "simulated 503")))
            }
            Some(StoreFault::Conflict) if operation == "put" => {
                self.effect(&name, || ()).await;
                Err(fails((StoreErrorKind::Conflict, "simulated 409")))
            }
            Some(StoreFault::Precondition) if matches!(operation, "put" | "delete") => {
                self.effect(&name, || ()).await;
                Err(fails((StoreErrorKind::Precondition, "simulated 412")))
            }
            Some(StoreFault::AnswerLost) => {
                let _ = self.effect(&name, act).await;
                Err(fails(lost))
            }
            Some(StoreFault::Slow(wait)) => {
                sleep(wait).await;
                self.effect(&name, act).await.map_err(fails)
            }
            _ => self.effect(&name, act).await.map_err(fails),
        }
    }
}

#[async_trait]
impl Store for Process {
    async fn get(&self, at: &Location, wanted: &Wanted) -> Result<Object, StoreError> {
        let disk = &self.world.disk;
        let breaks_off = disk.fault("body", &at.key) == Some(StoreFault::PartialBody);
        let opened = self.request(("get", Action::Read), at, || disk.open(&at.key, wanted));
        let state = opened.await?;
        // The object arrives in two pieces.
        let (first, second) = state.body.split_at(state.body.len() / 2);
        let second = if breaks_off { &[] } else { second };
        let body = Cursor::new(first.to_vec()).chain(Cursor::new(second.to_vec()));
        Ok(Object::new(at, state.info(disk.versioned), body))
    }

    async fn head(&self, at: &Location) -> Result<ObjectInfo, StoreError> {
        let disk = &self.world.disk;
        let look = || disk.open(&at.key, &Wanted::default());
        let state = self.request(("head", Action::LookUp), at, look).await?;
        Ok(state.info(disk.versioned))
    }

    /// In one request, as S3 lists objects.
    async fn tags(&self, bucket: &str, keys: &[String]) -> Result<Vec<Option<String>>, StoreError> {
        let disk = &self.world.disk;
        let tag = |key: &String| disk.newest(key).map(|state| state.etag);
        let list = || Ok(keys.iter().map(tag).collect());
        let at = Location::new(bucket, keys.last().unwrap());
        self.request(("list", Action::List), &at, list).await
    }

    async fn put(
        &self,
        at: &Location,
        body: Bytes,
        options: PutOptions,
    ) -> Result<String, StoreError> {
        let disk = &self.world.disk;
        let put = || disk.put(self.number, at, body, options);
        self.request(("put", Action::Write), at, put).await
    }

    async fn link(
        &self,
        at: &Location,
        _: Option<&str>,
        _: Duration,
    ) -> Result<Secret, StoreError> {
        Ok(Secret::new(format!("https://{}?signed", at.key)))
    }

    async fn delete(&self, at: &Location, if_match: Option<&str>) -> Result<(), StoreError> {
        let disk = &self.world.disk;
        let delete = || disk.delete(self.number, &at.key, if_match);
        self.request(("delete", Action::Delete), at, delete).await
    }
}
