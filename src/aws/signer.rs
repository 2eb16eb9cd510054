//! Signature Version 4 for requests to AWS.
//!
//! - The signature covers the given headers, `host`, the date, the session token and the hash of the body, but not the
//!   headers that the HTTP client adds. Each attempt is signed anew, because signatures are valid for minutes only.
//! - The path is encoded a second time in what is signed, as every service but S3 wants it.
//! - The providers of credentials in ECS, EKS and EC2 ask a server each time, so their credentials are kept until shortly
//!   before they expire.

use std::error::Error;
use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use tokio::sync::Mutex;

use crate::secret::Secret;

/// Credentials are renewed this long before they expire, so that none expires on its way.
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);

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
        let credentials = {
            let mut kept = self.kept.lock().await;
            let is_fresh = |credentials: &&Credentials| {
                let expiry = credentials.expiry();
                expiry.is_none_or(|expiry| SystemTime::now() + RENEW_BEFORE < expiry)
            };
            match kept.as_ref().filter(is_fresh) {
                Some(credentials) => credentials.clone(),
                None => kept.insert(self.fetch().await?).clone(),
            }
        };
        authorize(
            &credentials,
            (self.service, &self.region),
            (method, url),
            headers,
            body,
        )
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

/// The headers that authorize a request with these credentials for a service in a region.
fn authorize(
    credentials: &Credentials,
    (service, region): (&str, &str),
    (method, url): (&str, &str),
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Vec<(String, String)>, SignError> {
    let unsignable = |error: Box<dyn Error + Send + Sync>| SignError::Unsignable(error);
    let identity = credentials.clone().into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| unsignable(error.into()))?
        .into();
    let body = SignableBody::Bytes(body);
    let signed = SignableRequest::new(method, url, headers.iter().copied(), body)
        .and_then(|request| sign(request, &params))
        .map_err(|error| unsignable(error.into()))?;
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Ok(signed.output().headers().map(owned).collect())
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
