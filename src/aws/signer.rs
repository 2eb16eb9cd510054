//! Signature Version 4 for requests to AWS.
//!
//! - The signature covers the given headers, `host`, the date, the session token and the hash of the body, but not the
//!   headers that the HTTP client adds. Each attempt is signed anew, because signatures are valid for minutes only.
//! - The path is encoded a second time in what is signed, as every service but S3 wants it.
//! - A link that is signed in advance holds the signature in its query. It covers the given headers and `host`, which the request has to
//!   have exactly so, but no body. It is valid for as long as it says, but never longer than the credentials are.
//! - The providers of credentials in ECS, EKS and EC2 ask a server each time, so their credentials are kept until shortly
//!   before they expire.

use std::error::Error;
use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningInstructions,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::Mutex;

use crate::secret::Secret;

/// Credentials are renewed this long before they expire, so that none expires on its way.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);

/// What is encoded in links.
pub(crate) const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~');

/// The reason a request is not signed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignError {
    #[error("there are no usable AWS credentials")]
    NoCredentials(#[source] CredentialsError),
    #[error("the server that hands out AWS credentials did not answer")]
    NotReached(#[source] CredentialsError),
    #[error("the request cannot be signed")]
    Unsignable(#[source] Box<dyn Error + Send + Sync>),
}

/// Signs requests to one service in one region.
pub struct Signer {
    provider: Option<SharedCredentialsProvider>,
    service: &'static str,
    region: String,
    kept: Mutex<Option<Credentials>>,
    /// All secrets so far. Earlier ones may still be quoted in replies to requests that they signed.
    secrets: RwLock<Vec<Secret>>,
}

impl Signer {
    /// Creates a signer. `service` is the name used in signatures.
    #[must_use]
    pub fn new(
        provider: Option<SharedCredentialsProvider>,
        service: &'static str,
        region: impl Into<String>,
    ) -> Self {
        Self {
            provider,
            service,
            region: region.into(),
            kept: Mutex::default(),
            secrets: RwLock::default(),
        }
    }

    /// The headers that authorize a request, in addition to `headers`.
    pub(crate) async fn sign(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Vec<(String, String)>, SignError> {
        let request = (method, url, headers, SignableBody::Bytes(body));
        let now = SystemTime::now();
        let signed = self.signed(SigningSettings::default(), now, request);
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Ok(signed.await?.headers().map(owned).collect())
    }

    /// The link with which whoever has it may send this request to S3 from `now` on for as long as it `lasts`, with exactly these
    /// headers and any body.
    pub(crate) async fn link(
        &self,
        (method, url): (&str, &str),
        headers: &[(&str, &str)],
        now: SystemTime,
        lasts: Duration,
    ) -> Result<String, SignError> {
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(lasts);
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let request = (method, url, headers, SignableBody::UnsignedPayload);
        let signed = self.signed(settings, now, request).await?;
        let query = signed.params().iter();
        let query: Vec<String> = query
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, UNRESERVED)))
            .collect();
        Ok(format!("{url}?{}", query.join("&")))
    }

    async fn signed(
        &self,
        settings: SigningSettings,
        now: SystemTime,
        (method, url, headers, body): (&str, &str, &[(&str, &str)], SignableBody<'_>),
    ) -> Result<SigningInstructions, SignError> {
        let unsignable = |error: Box<dyn Error + Send + Sync>| SignError::Unsignable(error);
        let identity = self.credentials().await?.into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(now)
            .settings(settings)
            .build()
            .map_err(|error| unsignable(error.into()))?
            .into();
        let request = SignableRequest::new(method, url, headers.iter().copied(), body);
        let signed = request.and_then(|request| sign(request, &params));
        let signed = signed.map_err(|error| unsignable(error.into()))?;
        Ok(signed.into_parts().0)
    }

    async fn credentials(&self) -> Result<Credentials, SignError> {
        let mut kept = self.kept.lock().await;
        let is_fresh = |credentials: &&Credentials| {
            let expiry = credentials.expiry();
            expiry.is_none_or(|expiry| SystemTime::now() + RENEW_BEFORE < expiry)
        };
        match kept.as_ref().filter(is_fresh) {
            Some(credentials) => Ok(credentials.clone()),
            None => Ok(kept.insert(self.fetch().await?).clone()),
        }
    }

    /// Fetches the credentials again and returns whether they have changed.
    pub(crate) async fn renew(&self) -> bool {
        let mut kept = self.kept.lock().await;
        match self.fetch().await {
            Ok(fetched) => kept.replace(fetched.clone()) != Some(fetched),
            Err(_) => false,
        }
    }

    /// The secrets that must not be shown: a refusal may quote the whole request.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        let secrets = self.secrets.read();
        secrets.unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn fetch(&self) -> Result<Credentials, SignError> {
        let missing = || CredentialsError::not_loaded("there is no provider of credentials");
        let provider = self.provider.as_ref();
        let provider = provider.ok_or_else(|| SignError::NoCredentials(missing()))?;
        let fetched = provider.provide_credentials().await;
        let fetched = fetched.map_err(|error| match error {
            CredentialsError::ProviderTimedOut(_) => SignError::NotReached(error),
            _ => SignError::NoCredentials(error),
        })?;
        let secrets = [Some(fetched.secret_access_key()), fetched.session_token()];
        let mut known = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        for secret in secrets.into_iter().flatten().map(Secret::new) {
            if !known.contains(&secret) {
                known.push(secret);
            }
        }
        Ok(fetched)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            service, region, ..
        } = self;
        f.debug_struct("Signer")
            .field("service", service)
            .field("region", region)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use aws_credential_types::provider::future;

    use super::*;

    /// Hands out other credentials each time, which expire after `lifetime`.
    #[derive(Debug)]
    struct Rotating {
        lifetime: Duration,
        fetched: Arc<AtomicU64>,
    }

    impl ProvideCredentials for Rotating {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let number = self.fetched.fetch_add(1, Ordering::Relaxed);
            let (id, expiry) = (format!("AKID{number}"), SystemTime::now() + self.lifetime);
            let token = Some("session-token-1".to_owned());
            let credentials = Credentials::new(id, "very-secret", token, Some(expiry), "test");
            future::ProvideCredentials::ready(Ok(credentials))
        }
    }

    fn signer(lifetime: u64) -> (Signer, Arc<AtomicU64>) {
        let fetched = Arc::new(AtomicU64::new(0));
        let provider = Rotating {
            lifetime: Duration::from_secs(lifetime),
            fetched: Arc::clone(&fetched),
        };
        let provider = Some(SharedCredentialsProvider::new(provider));
        (Signer::new(provider, "bedrock", "eu-central-1"), fetched)
    }

    async fn signed_by(signer: &Signer) -> String {
        let url = "https://bedrock-runtime.eu-central-1.amazonaws.com/model/a%3A0/converse";
        let headers = signer.sign("POST", url, &[], b"{}").await.unwrap();
        let mut headers = headers.into_iter();
        let (_, value) = headers.find(|(name, _)| name == "authorization").unwrap();
        value.split(['=', '/']).nth(1).unwrap().to_owned()
    }

    #[tokio::test]
    async fn credentials_are_kept_until_they_are_about_to_expire() {
        let (signer, fetched) = signer(3600);
        for _ in 0..3 {
            assert_eq!(signed_by(&signer).await, "AKID0");
        }
        assert!(signer.renew().await);
        assert_eq!(signed_by(&signer).await, "AKID1");
        assert_eq!(fetched.load(Ordering::Relaxed), 2);

        let (signer, fetched) = self::signer(200);
        signed_by(&signer).await;
        signed_by(&signer).await;
        assert_eq!(fetched.load(Ordering::Relaxed), 2);
        let secrets = signer.secrets();
        assert!(secrets.contains(&Secret::new("session-token-1")));
        assert!(!format!("{signer:?}").contains("secret"));
    }
}
