//! The process's HTTP client: one connection pool and one set of certificates for AWS and the endpoints.

use std::error::Error;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, Url, redirect};

use crate::chain::chain;

/// Connecting takes milliseconds within a region, and a second or two across the world with packet loss.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A frozen sandbox wakes up with connections that the server closed long ago, so idle connections are kept only for about
/// as long as the pause between two calls.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(10);

const USER_AGENT: &str = concat!("transcript-summarizer/", env!("CARGO_PKG_VERSION"));

/// Timeout of the warm-up connection. Nothing waits for it.
const WARM_UP_TIMEOUT: Duration = Duration::from_secs(3);

/// Certificate bundles on Amazon Linux, Debian and derived systems.
const BUNDLES: [&str; 2] = [
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
];

/// The HTTP client cannot be built, for example because the system has no certificate store.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be set up")]
pub struct HttpError(#[from] reqwest::Error);

/// This process's HTTP client with its connection pool. Clones share it. It is built on first use, because reading the
/// system certificates takes milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Http {
    client: Arc<OnceLock<Client>>,
}

impl Http {
    /// The client. It honors the usual proxy variables and follows no redirects, because the token would be sent along. It
    /// speaks HTTP/1.1: each call has a connection of its own, and HTTP/2 would add 0.4 MB.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub(crate) fn client(&self) -> Result<&Client, HttpError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let trusting = system_certificates()
            .and_then(|certificates| builder().tls_certs_only(certificates).build().ok());
        let client = match trusting {
            Some(client) => client,
            None => builder().build()?,
        };
        Ok(self.client.get_or_init(|| client))
    }

    /// Opens a TLS connection to the server of `url` in the background, so that the first call need not wait for it. It
    /// sends a `HEAD` request for the root without an API key, which is not billed.
    pub fn warm_up(&self, url: &Url) {
        let mut root = url.clone();
        root.set_path("/");
        root.set_query(None);
        if root.scheme() != "https" {
            return;
        }
        let Ok(client) = self.client() else { return };
        let asked = client.head(root).timeout(WARM_UP_TIMEOUT).send();
        tokio::spawn(async move {
            match asked.await {
                Ok(_) => tracing::debug!("connected to the endpoint"),
                Err(error) => tracing::debug!(error = causes(&error), "not connected yet"),
            }
        });
    }
}

/// A client with the process's TLS, which reqwest is built without: `ring` compiles in a fraction of aws-lc's time.
pub(crate) fn client_builder() -> ClientBuilder {
    // An error says that this was done before.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
}

fn builder() -> ClientBuilder {
    client_builder()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
}

/// The system certificates, if they are in one bundle. By default the client would also read the directory around it, which
/// contains each certificate again and doubles the startup time.
fn system_certificates() -> Option<Vec<Certificate>> {
    let named = |variable| std::env::var_os(variable).map(PathBuf::from);
    let path = bundle(named("SSL_CERT_FILE"), named("SSL_CERT_DIR"))?;
    let certificates = Certificate::from_pem_bundle(&std::fs::read(path).ok()?).ok()?;
    (!certificates.is_empty()).then_some(certificates)
}

/// Finds the file with all certificates, given the values of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
fn bundle(file: Option<PathBuf>, dir: Option<PathBuf>) -> Option<PathBuf> {
    match (file, dir) {
        (None, None) => BUNDLES
            .map(PathBuf::from)
            .into_iter()
            .find(|at| at.exists()),
        (Some(file), None) => Some(file),
        (Some(file), Some(dir)) if file.parent() == Some(&dir) => Some(file),
        // The directory may contain certificates that the file lacks.
        (_, Some(_)) => None,
    }
}

/// The causes of an error in one line. The error's own message is omitted unless it has no cause: reqwest's says little.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    chain(error.source().unwrap_or(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_directory_is_skipped_only_if_the_bundle_is_in_it() {
        let path = |path: &str| Some(PathBuf::from(path));
        assert_eq!(bundle(path("/a/all.crt"), None), path("/a/all.crt"));
        assert_eq!(bundle(path("/a/all.crt"), path("/a/")), path("/a/all.crt"));
        assert_eq!(bundle(path("/a/all.crt"), path("/b")), None);
        assert_eq!(bundle(None, path("/a")), None);
    }
}
