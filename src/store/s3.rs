//! Objects in S3, or in any server that speaks its protocol.

mod advice;
mod failure;

use std::collections::HashMap;

use crate::aws::sdk::sdk_config;
use crate::http::{Http, HttpError};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Region;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use self::failure::{Operation, request_failed};
use crate::chain::chain;

use crate::store::{
    Location, Metadata, Object, ObjectInfo, PutCondition, PutOptions, Store, StoreError,
    StoreErrorKind, Wanted, printable, too_large,
};

/// Where other servers do not care, and where S3 itself says which region a bucket is in.
const DEFAULT_REGION: &str = "us-east-1";

/// Metadata that tells whose write an object is; not shown to callers.
const WRITE_ID: &str = "write-id";

/// Objects in S3.
#[derive(Debug, Clone)]
pub struct S3Store {
    client: Client,
}

/// An object that is being read from S3.
#[derive(Debug)]
struct S3Object {
    at: Location,
    info: ObjectInfo,
    body: ByteStream,
    received: u64,
}

impl S3Store {
    /// The S3 that the environment describes, over `http`.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub async fn from_env(http: &Http) -> Result<Self, HttpError> {
        Ok(Self::from_config(&sdk_config(http).await?))
    }

    /// The S3 that `config` describes.
    #[must_use]
    pub fn from_config(config: &SdkConfig) -> Self {
        // Other servers rarely have a host name for every bucket.
        let other_server = config.endpoint_url().is_some()
            || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some_and(|url| !url.is_empty());
        let region = config.region().cloned();
        let config = aws_sdk_s3::config::Builder::from(config)
            .force_path_style(other_server)
            .region(region.unwrap_or(Region::from_static(DEFAULT_REGION)))
            .build();
        Self::new(aws_sdk_s3::Client::from_conf(config))
    }
}

impl S3Store {
    /// S3 as `client` reaches it.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Why a conditional write failed, or the entity tag if it did not fail at all.
    ///
    /// An attempt whose answer is lost on the way may have been carried out. The SDK tries again, meets its own object and
    /// is told that the condition does not hold: a lease that is held would seem lost, and an intent somebody else's.
    async fn unless_own(
        &self,
        at: &Location,
        write_id: &str,
        failed: StoreError,
    ) -> Result<String, StoreError> {
        match self.look_up(at).await {
            Ok((info, id)) if id.as_deref() == Some(write_id) => Ok(info.etag),
            Err(error) if error.kind == StoreErrorKind::Transient => Err(error),
            Ok(_) | Err(_) => Err(failed),
        }
    }

    /// What is known of an object, and its [`WRITE_ID`].
    async fn look_up(&self, at: &Location) -> Result<(ObjectInfo, Option<String>), StoreError> {
        let request = self.client.head_object().bucket(&at.bucket).key(&at.key);
        let found = request
            .send()
            .await
            .map_err(|error| request_failed(Operation::Head, at, error))?;
        object_info(
            Operation::Head,
            at,
            found.e_tag,
            found.version_id,
            found.content_length,
            found.metadata,
        )
    }
}

#[async_trait]
impl Store for S3Store {
    async fn get(&self, at: &Location, wanted: &Wanted) -> Result<Box<dyn Object>, StoreError> {
        let operation = Operation::Get;
        let found = self
            .client
            .get_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .set_if_match(wanted.if_match.as_deref().map(quoted))
            .set_version_id(wanted.version_id.clone())
            .send()
            .await
            .map_err(|error| request_failed(operation, at, error))?;
        let (info, _) = object_info(
            operation,
            at,
            found.e_tag,
            found.version_id,
            found.content_length,
            found.metadata,
        )?;
        // There are servers that do not know the condition and ignore it.
        if wanted
            .if_match
            .as_ref()
            .is_some_and(|tag| *tag != info.etag)
        {
            return Err(StoreError::new(
                StoreErrorKind::Precondition,
                operation.action(),
                at,
                advice::changed(operation),
            ));
        }
        if let Some(reason) = too_large(info.size, wanted.max_bytes) {
            let kind = StoreErrorKind::TooLarge;
            return Err(StoreError::new(kind, operation.action(), at, reason));
        }
        Ok(Box::new(S3Object {
            at: at.clone(),
            info,
            body: found.body,
            received: 0,
        }))
    }

    async fn head(&self, at: &Location) -> Result<ObjectInfo, StoreError> {
        self.look_up(at).await.map(|(info, _)| info)
    }

    async fn put(
        &self,
        at: &Location,
        body: Bytes,
        options: PutOptions,
    ) -> Result<String, StoreError> {
        let operation = Operation::Put;
        let content_type = Some(options.content_type).filter(|kind| !kind.is_empty());
        let mut request = self
            .client
            .put_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .set_content_type(content_type.map(str::to_owned))
            .set_metadata(Some(printable(options.metadata).into_iter().collect()))
            .body(ByteStream::from(body));
        request = match &options.condition {
            PutCondition::Always => request,
            PutCondition::IfAbsent => request.if_none_match("*"),
            PutCondition::IfMatch(etag) => request.if_match(quoted(etag)),
        };
        let write_id = (options.condition != PutCondition::Always)
            .then(|| format!("{:032x}", fastrand::u128(..)));
        if let Some(id) = &write_id {
            request = request.metadata(WRITE_ID, id);
        }

        let error = match request.send().await {
            Ok(written) => return etag(operation, at, written.e_tag),
            Err(error) => request_failed(operation, at, error),
        };
        match write_id {
            Some(id) if error.kind == StoreErrorKind::Precondition => {
                self.unless_own(at, &id, error).await
            }
            _ => Err(error),
        }
    }

    async fn delete(&self, at: &Location) -> Result<(), StoreError> {
        self.client
            .delete_object()
            .bucket(&at.bucket)
            .key(&at.key)
            .send()
            .await
            .map_err(|error| request_failed(Operation::Delete, at, error))?;
        Ok(())
    }
}

#[async_trait]
impl Object for S3Object {
    fn info(&self) -> &ObjectInfo {
        &self.info
    }

    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        let size = self.info.size;
        match self.body.next().await {
            None => Ok(None),
            Some(Ok(bytes)) => {
                self.received += bytes.len() as u64;
                if self.received > size {
                    return Err(self.broken(format!("more than its {size} bytes arrived")));
                }
                Ok(Some(bytes))
            }
            Some(Err(error)) => {
                let (received, chain) = (self.received, chain(&error));
                let reason = format!("it broke off after {received} of {size} bytes ({chain})");
                Err(StoreError {
                    source: Some(error.into()),
                    ..self.broken(reason)
                })
            }
        }
    }
}

impl S3Object {
    fn broken(&self, reason: String) -> StoreError {
        let (kind, action) = (StoreErrorKind::Transient, Operation::Get.action());
        StoreError::new(kind, action, &self.at, reason + "; try again")
    }
}

/// The parts that the answers to a `GET` and a `HEAD` have in common, checked.
fn object_info(
    operation: Operation,
    at: &Location,
    e_tag: Option<String>,
    version_id: Option<String>,
    length: Option<i64>,
    metadata: Option<HashMap<String, String>>,
) -> Result<(ObjectInfo, Option<String>), StoreError> {
    let size = length
        .and_then(|length| u64::try_from(length).ok())
        .ok_or_else(|| incomplete(operation, at, "Content-Length"))?;
    let mut metadata: Metadata = metadata.unwrap_or_default().into_iter().collect();
    let write_id = metadata.remove(WRITE_ID);
    let info = ObjectInfo {
        etag: etag(operation, at, e_tag)?,
        // What S3 calls the only version in a bucket that keeps none.
        version_id: version_id.filter(|id| id != "null"),
        size,
        metadata,
    };
    Ok((info, write_id))
}

/// An entity tag without its quotes.
fn etag(operation: Operation, at: &Location, tag: Option<String>) -> Result<String, StoreError> {
    let tag = tag.ok_or_else(|| incomplete(operation, at, "ETag"))?;
    Ok(tag.trim_start_matches("W/").trim_matches('"').to_owned())
}

/// An entity tag as it stands in a header.
fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

fn incomplete(operation: Operation, at: &Location, header: &str) -> StoreError {
    StoreError::new(
        StoreErrorKind::Other,
        operation.action(),
        at,
        format!("the server answered without the header `{header}`, which S3 always sends"),
    )
}
