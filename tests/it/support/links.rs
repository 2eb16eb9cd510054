//! A store whose objects have links, as those in S3 have, and the output of a worker that has read one.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Value, json};
use transcript_summarizer::job::Outcome;
use transcript_summarizer::secret::Secret;
use transcript_summarizer::store::{
    Location, Object, ObjectInfo, PutOptions, Store, StoreResult, Wanted,
};

use super::workplace::Workplace;

/// What signs every link.
pub(crate) const SIGNATURE: &str = "5f1c0de7canary9b2e";

/// Another store, with links that are numbered.
#[derive(Debug)]
pub(crate) struct Links {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) made: AtomicUsize,
}

#[async_trait]
impl Store for Links {
    async fn get(&self, at: &Location, wanted: &Wanted) -> StoreResult<Object> {
        self.store.get(at, wanted).await
    }

    async fn head(&self, at: &Location) -> StoreResult<ObjectInfo> {
        self.store.head(at).await
    }

    async fn put(&self, at: &Location, body: Bytes, options: PutOptions) -> StoreResult<String> {
        self.store.put(at, body, options).await
    }

    async fn delete(&self, at: &Location, if_match: Option<&str>) -> StoreResult<()> {
        self.store.delete(at, if_match).await
    }

    async fn link(&self, at: &Location, _: Option<&str>, _: Duration) -> StoreResult<Secret> {
        let number = self.made.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(Secret::new(format!(
            "https://s3.example.org/{}/{}?number={number}&X-Amz-Signature={SIGNATURE}",
            at.bucket, at.key
        )))
    }
}

/// What a worker returns for a transcript: with the built-in model, in `words` words.
pub(crate) async fn output(content: impl AsRef<[u8]>, words: &str) -> Value {
    let settings = [("SUMMARY_WORDS", words), ("SUMMARY_PAGE", "off")];
    let place = Workplace::new(None, &settings).await;
    let upload = place.upload("transcript.txt", content);
    let ended = place.run(&upload).await;
    assert!(matches!(ended, Ok(Outcome::Done(_))), "{ended:?}");
    json!({
        "summary": place.read("summaries/transcript.txt_summary.txt"),
        "report": place.read_json("summaries/transcript.txt_summary.json"),
    })
}
