//! Links to objects in S3 that are signed in advance: whoever has one may send or read that one object for a while, without
//! credentials.
//!
//! - A link for sending is signed with the object's exact length and with `If-None-Match: *`. The length is thereby a limit, and
//!   nothing is overwritten: S3 compares the signed headers with those of the request.
//! - A link ends with the credentials that signed it, too. Those of a function are valid for hours.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use percent_encoding::utf8_percent_encode;

use crate::aws::service::Service;
use crate::aws::signer::{SignError, Signer, UNRESERVED};
use crate::store::{Action, Location, Metadata, StoreError, StoreErrorKind, StoreResult};

/// How long links are good.
pub const LINK_LASTS: Duration = Duration::from_secs(15 * 60);

/// How long they can be good: a week, says S3.
const MAX_LASTS: Duration = Duration::from_secs(7 * 86_400);

/// Used if no region is configured: compatible servers ignore it, and S3 itself replies with a bucket's real region.
pub(super) const DEFAULT_REGION: &str = "us-east-1";

const SERVICE: Service = Service {
    name: "s3",
    host: "s3{fips}",
    endpoint_variable: "AWS_ENDPOINT_URL_S3",
};

/// Signs links to objects.
#[derive(Debug)]
pub struct Presigner {
    signer: Signer,
    /// Ends in a slash.
    endpoint: String,
    /// Whether the endpoint is a server that stands in for S3. These rarely support a host name per bucket.
    pub(super) is_other_server: bool,
}

/// A link for sending an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendLink {
    /// The address.
    pub url: String,
    /// The headers to send with it, besides `Content-Length`.
    pub headers: Vec<(String, String)>,
}

impl Presigner {
    /// Creates a signer of links to the S3 that `config` and the environment describe.
    #[must_use]
    pub fn from_config(config: &SdkConfig) -> Self {
        let region = config.region().map_or(DEFAULT_REGION, AsRef::as_ref);
        let own = SERVICE.endpoint().filter(|url| !url.is_empty());
        let is_other_server = own.is_some() || config.endpoint_url().is_some();
        let endpoint = SERVICE.url(config, own, region);
        Self {
            signer: Signer::new(config.credentials_provider(), SERVICE.name, region),
            endpoint: endpoint.trim_end_matches('/').to_owned() + "/",
            is_other_server,
        }
    }

    /// A link for reading the object, from `now` on.
    ///
    /// # Errors
    /// If there are no credentials.
    pub async fn read(&self, at: &Location, now: SystemTime) -> StoreResult<String> {
        self.get(&self.url(at), at, now, LINK_LASTS).await
    }

    /// A link for reading a version of the object, or whatever is under its key by then, for as long as it `lasts` from now on.
    ///
    /// # Errors
    /// If there are no credentials, or no link lasts as long.
    pub(crate) async fn read_version(
        &self,
        at: &Location,
        version_id: Option<&str>,
        lasts: Duration,
    ) -> StoreResult<String> {
        if lasts > MAX_LASTS {
            let reason = "no link lasts as long as that";
            return Err(StoreError::new(
                StoreErrorKind::Other,
                Action::Link,
                at,
                reason,
            ));
        }
        let version = version_id.map_or_else(String::new, |id| {
            format!("?versionId={}", utf8_percent_encode(id, UNRESERVED))
        });
        let url = self.url(at) + &version;
        self.get(&url, at, SystemTime::now(), lasts).await
    }

    async fn get(
        &self,
        url: &str,
        at: &Location,
        now: SystemTime,
        lasts: Duration,
    ) -> StoreResult<String> {
        let link = self.signer.link(("GET", url), &[], now, lasts).await;
        link.map_err(|error| unsigned(Action::Link, at, error))
    }

    /// A link for sending an object of exactly `bytes` bytes, unless there is one.
    ///
    /// # Errors
    /// If there are no credentials.
    pub async fn send(
        &self,
        at: &Location,
        bytes: u64,
        metadata: &Metadata,
        now: SystemTime,
    ) -> StoreResult<SendLink> {
        let metadata = metadata.iter();
        let mut headers: Vec<(String, String)> = metadata
            .map(|(name, value)| (format!("x-amz-meta-{name}"), value.clone()))
            .collect();
        headers.push(("if-none-match".to_owned(), "*".to_owned()));
        let length = bytes.to_string();
        let signed = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .chain([("content-length", length.as_str())]);
        let (url, signed) = (self.url(at), signed.collect::<Vec<_>>());
        let link = self.signer.link(("PUT", &url), &signed, now, LINK_LASTS);
        let url = link
            .await
            .map_err(|error| unsigned(Action::Write, at, error))?;
        Ok(SendLink { url, headers })
    }

    fn url(&self, at: &Location) -> String {
        let Location { bucket, key } = at;
        let segments = key.split('/');
        let encode = |part| utf8_percent_encode(part, UNRESERVED).to_string();
        let key = segments.map(encode).collect::<Vec<_>>().join("/");
        match self.endpoint.split_once("://") {
            // A certificate for `*.s3…` does not cover a name with dots.
            Some((scheme, host)) if !self.is_other_server && !bucket.contains('.') => {
                format!("{scheme}://{bucket}.{host}{key}")
            }
            _ => format!("{}{bucket}/{key}", self.endpoint),
        }
    }
}

fn unsigned(action: Action, at: &Location, error: SignError) -> StoreError {
    let kind = match error {
        SignError::NotReached(_) => StoreErrorKind::Transient,
        _ => StoreErrorKind::Denied,
    };
    StoreError::new(kind, action, at, "no link to it can be signed").caused_by(error)
}

#[cfg(test)]
mod tests {
    use aws_config::Region;

    use super::*;

    #[test]
    fn a_bucket_is_a_host_of_s3_and_a_path_of_other_servers() {
        let region = Region::new("eu-central-1");
        let aws = SdkConfig::builder().region(region).build();
        let other = aws.to_builder();
        let other = other.endpoint_url("http://localhost:9000").build();
        for (config, bucket, expected) in [
            (
                &aws,
                "ours",
                "https://ours.s3.eu-central-1.amazonaws.com/a/b%20%2B%C3%A9.txt",
            ),
            (
                &aws,
                "our.own",
                "https://s3.eu-central-1.amazonaws.com/our.own/a/b%20%2B%C3%A9.txt",
            ),
            (
                &other,
                "ours",
                "http://localhost:9000/ours/a/b%20%2B%C3%A9.txt",
            ),
        ] {
            let presigner = Presigner::from_config(config);
            assert_eq!(
                presigner.url(&Location::new(bucket, "a/b +é.txt")),
                expected
            );
        }
    }
}
