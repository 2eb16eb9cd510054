//! Stores objects in S3 or an S3-compatible server.
//!
//! A conditional write may succeed although its response is lost. The SDK then retries, and the retry fails its precondition
//! because the object is already there: a lease we hold would look lost, and our own intent like someone else's.
//! Conditional writes therefore carry a random id in their metadata. If one fails its precondition, the object is looked
//! up, and if it has the same id, the write succeeded.
//!
//! Several objects are looked up by listing what their keys begin with: one request instead of one for each. S3 lists what exists at
//! that moment, in the order of the keys.

mod failure;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Builder, Region};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::EncodingType;
use bytes::Bytes;
use percent_encoding::percent_decode_str;

use crate::secret::Secret;
use crate::store::{
    Action, Location, Object, ObjectInfo, Presigner, PutCondition, PutOptions, REPLACED, Store,
    StoreError, StoreErrorKind, StoreResult, Wanted, found, one_by_one, printable, too_large,
};

use super::presigned::DEFAULT_REGION;
use failure::request_failed;

/// Metadata key for the id of a conditional write; hidden from callers.
const WRITE_ID: &str = "write-id";

/// A store in S3.
#[derive(Debug, Clone)]
pub struct S3Store {
    client: Client,
    presigner: Arc<Presigner>,
}

impl S3Store {
    /// Creates a store for the S3 that `config` describes.
    #[must_use]
    pub fn from_config(config: &SdkConfig) -> Self {
        let region = config.region().cloned();
        let presigner = Arc::new(Presigner::from_config(config));
        let config = Builder::from(config)
            .force_path_style(presigner.is_other_server)
            .region(region.unwrap_or(Region::from_static(DEFAULT_REGION)))
            .build();
        Self {
            client: Client::from_conf(config),
            presigner,
        }
    }

    /// Looks up an object. The returned metadata still includes the [`WRITE_ID`].
    async fn look_up(&self, at: &Location) -> StoreResult<ObjectInfo> {
        let action = Action::LookUp;
        let request = self.client.head_object().bucket(&at.bucket).key(&at.key);
        let found = request.send().await;
        let found = found.map_err(|error| request_failed(action, at, error))?;
        Ok(ObjectInfo {
            etag: etag(action, at, found.e_tag)?,
            version_id: version_id(found.version_id),
            size: size(action, at, found.content_length)?,
            modified_ms: found.last_modified.and_then(|at| at.to_millis().ok()),
            metadata: found.metadata.into_iter().flatten().collect(),
        })
    }

    /// The keys that begin with `prefix`, with their entity tags; `None` if they are too many for one answer.
    async fn beginning_with(
        &self,
        prefix: &Location,
    ) -> StoreResult<Option<HashMap<String, String>>> {
        let action = Action::List;
        let request = self.client.list_objects_v2().bucket(&prefix.bucket);
        // Otherwise a key with a control character makes an answer that is no XML.
        let request = request.encoding_type(EncodingType::Url);
        let listed = request.prefix(&prefix.key).send().await;
        let listed = listed.map_err(|error| request_failed(action, prefix, error))?;
        if listed.is_truncated == Some(true) {
            return Ok(None);
        }
        let is_encoded = listed.encoding_type == Some(EncodingType::Url);
        let mut tags = HashMap::new();
        for object in listed.contents.into_iter().flatten() {
            let Some(key) = object.key else { continue };
            let tag = etag(action, prefix, object.e_tag)?;
            let spaced = key.replace('+', " ");
            if is_encoded && let Ok(decoded) = percent_decode_str(&spaced).decode_utf8() {
                tags.insert(decoded.into_owned(), tag.clone());
            }
            // Some servers say that keys are encoded, and send them as they are.
            tags.entry(key).or_insert(tag);
        }
        Ok(Some(tags))
    }
}

/// What all keys begin with.
fn common_prefix(keys: &[String]) -> &str {
    let mut prefix = keys.first().map_or("", String::as_str);
    for key in keys {
        while !key.starts_with(prefix) {
            let last = prefix.char_indices().next_back();
            prefix = last.map_or("", |(at, _)| prefix.split_at(at).0);
        }
    }
    prefix
}

#[async_trait]
impl Store for S3Store {
    async fn get(&self, at: &Location, wanted: &Wanted) -> StoreResult<Object> {
        let action = Action::Read;
        let request = self.client.get_object().bucket(&at.bucket).key(&at.key);
        let found = request
            .set_if_match(wanted.if_match.as_deref().map(quoted))
            .set_version_id(wanted.version_id.clone())
            .send()
            .await
            .map_err(|error| request_failed(action, at, error))?;
        let mut info = ObjectInfo {
            etag: etag(action, at, found.e_tag)?,
            version_id: version_id(found.version_id),
            size: size(action, at, found.content_length)?,
            modified_ms: found.last_modified.and_then(|at| at.to_millis().ok()),
            metadata: found.metadata.into_iter().flatten().collect(),
        };
        info.metadata.remove(WRITE_ID);
        let refused = |kind, reason: &str| Err(StoreError::new(kind, action, at, reason));
        // Some servers ignore If-Match.
        let if_match = wanted.if_match.as_ref();
        if if_match.is_some_and(|etag| *etag != info.etag) {
            return refused(StoreErrorKind::Precondition, REPLACED);
        }
        if let Some(reason) = too_large(info.size, wanted.max_bytes) {
            return refused(StoreErrorKind::TooLarge, &reason);
        }
        Ok(Object::new(at, info, found.body.into_async_read()))
    }

    async fn head(&self, at: &Location) -> StoreResult<ObjectInfo> {
        let mut info = self.look_up(at).await?;
        info.metadata.remove(WRITE_ID);
        Ok(info)
    }

    async fn tags(&self, bucket: &str, keys: &[String]) -> StoreResult<Vec<Option<String>>> {
        let prefix = common_prefix(keys);
        if !prefix.is_empty() {
            match self.beginning_with(&Location::new(bucket, prefix)).await {
                Ok(Some(mut tags)) => {
                    return Ok(keys.iter().map(|key| tags.remove(key)).collect());
                }
                Err(error) if error.kind == StoreErrorKind::Transient => return Err(error),
                // There are too many, or they may not be listed.
                Ok(None) | Err(_) => {}
            }
        }
        one_by_one(self, bucket, keys).await
    }

    async fn put(&self, at: &Location, body: Bytes, options: PutOptions) -> StoreResult<String> {
        let action = Action::Write;
        let write_id = format!("{:032x}", fastrand::u128(..));
        let mut metadata = printable(options.metadata);
        let content_type = Some(options.content_type).filter(|kind| !kind.is_empty());
        let request = self.client.put_object().bucket(&at.bucket).key(&at.key);
        let request = match &options.condition {
            PutCondition::Always => request,
            PutCondition::IfAbsent => request.if_none_match("*"),
            PutCondition::IfMatch(etag) => request.if_match(quoted(etag)),
        };
        if options.condition != PutCondition::Always {
            metadata.insert(WRITE_ID.to_owned(), write_id.clone());
        }
        let request = request
            .set_content_type(content_type.map(str::to_owned))
            .set_metadata(Some(metadata.into_iter().collect()))
            .body(ByteStream::from(body));
        let failed = match request.send().await {
            Ok(written) => return etag(action, at, written.e_tag),
            Err(error) => request_failed(action, at, error),
        };
        if failed.kind != StoreErrorKind::Precondition {
            return Err(failed);
        }
        match self.look_up(at).await {
            Ok(info) if info.metadata.get(WRITE_ID) == Some(&write_id) => Ok(info.etag),
            Err(error) if error.kind == StoreErrorKind::Transient => Err(error),
            Ok(_) | Err(_) => Err(failed),
        }
    }

    async fn delete(&self, at: &Location, if_match: Option<&str>) -> StoreResult<()> {
        let request = self.client.delete_object().bucket(&at.bucket).key(&at.key);
        let request = request.set_if_match(if_match.map(quoted));
        let Err(error) = request.send().await else {
            return Ok(());
        };
        let failed = request_failed(Action::Delete, at, error);
        if failed.kind != StoreErrorKind::Precondition {
            return Err(failed);
        }
        // What does not exist has no entity tag. A deletion whose answer was lost ends here too.
        match found(self.look_up(at).await)? {
            None => Ok(()),
            Some(_) => Err(failed),
        }
    }

    async fn list(&self, bucket: &str, after: &str, most: usize) -> StoreResult<Vec<String>> {
        let request = self.client.list_objects_v2().bucket(bucket);
        let after = Some(after).filter(|after| !after.is_empty());
        let request = request.set_start_after(after.map(str::to_owned));
        let most = i32::try_from(most).unwrap_or(i32::MAX);
        let listed = request.max_keys(most).send().await;
        let at = Location::new(bucket, "");
        let listed = listed.map_err(|error| request_failed(Action::List, &at, error))?;
        let objects = listed.contents.into_iter().flatten();
        Ok(objects.filter_map(|object| object.key).collect())
    }

    async fn link(
        &self,
        at: &Location,
        version_id: Option<&str>,
        lasts: Duration,
    ) -> StoreResult<Secret> {
        let link = self.presigner.read_version(at, version_id, lasts);
        link.await.map(Secret::new)
    }
}

/// Strips the quotes from an entity tag.
fn etag(action: Action, at: &Location, tag: Option<String>) -> StoreResult<String> {
    let tag = tag.ok_or_else(|| incomplete(action, at, "ETag"))?;
    Ok(tag.trim_start_matches("W/").trim_matches('"').to_owned())
}

/// Quotes an entity tag for use in a header.
fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

fn size(action: Action, at: &Location, length: Option<i64>) -> StoreResult<u64> {
    let size = length.and_then(|length| u64::try_from(length).ok());
    size.ok_or_else(|| incomplete(action, at, "Content-Length"))
}

/// A version id; `None` for `null`, which S3 uses for objects without versions.
fn version_id(id: Option<String>) -> Option<String> {
    id.filter(|id| id != "null")
}

fn incomplete(action: Action, at: &Location, header: &str) -> StoreError {
    let reason = format!("the answer has no header `{header}`, which S3 always sends");
    StoreError::new(StoreErrorKind::Other, action, at, reason)
}

#[cfg(test)]
mod tests {
    use super::common_prefix;

    #[test]
    fn keys_have_a_common_prefix_of_whole_characters() {
        for (keys, expected) in [
            (
                &["a/é.txt_summary.txt", "a/é.txt_error.json"][..],
                "a/é.txt_",
            ),
            // Their first bytes are equal.
            (&["é", "è"], ""),
            (&["ab", "a", "abc"], "a"),
            (&["alone"], "alone"),
            (&[], ""),
        ] {
            let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
            assert_eq!(common_prefix(&keys), expected);
        }
    }
}
