//! Sets up the HTTP client of the process: one pool of connections and one set of certificates for AWS and the endpoints.

use std::error::Error;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, Url, redirect};

use crate::chain::chain;

/// Within a region a connection takes milliseconds; across the world, with packets lost, a second or two.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A sandbox that was frozen wakes up with connections that the other side has long closed. They are kept no longer than the
/// pause between two calls.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(10);

const USER_AGENT: &str = concat!("transcript-summarizer/", env!("CARGO_PKG_VERSION"));

/// Nobody waits for the connection that is made in advance.
const WARM_UP_TIMEOUT: Duration = Duration::from_secs(3);

/// Where Amazon Linux and Debian, and systems derived from them, keep all certificates in one file.
const BUNDLES: [&str; 2] = [
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
];

/// The client cannot be built, for example because this machine has no certificate store.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be set up")]
pub struct HttpError(#[from] reqwest::Error);

/// The HTTP client of the process, which keeps the connections. Clones share it. It is set up when it is first needed, because
/// reading the certificates of the system takes milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Http {
    client: Arc<OnceLock<Client>>,
}

impl Http {
    /// The client. It honours the usual proxy variables, follows no redirects (the token would be sent along), and retries by
    /// itself only requests that the server has certainly not begun (a stream refused by HTTP/2).
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

    /// Begins a connection to the server of `url` over TLS, so that the first call finds it ready. The request for it is a `HEAD`
    /// of the root without a key, which costs the server no work and is not billed.
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

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(POOL_IDLE_TIMEOUT)
}

/// The certificates of the system, if they are in one file. By itself the client would also read the directory around it, which
/// holds each of them once more: that doubles the time of a start.
fn system_certificates() -> Option<Vec<Certificate>> {
    let named = |variable| std::env::var_os(variable).map(PathBuf::from);
    let path = bundle(named("SSL_CERT_FILE"), named("SSL_CERT_DIR"))?;
    let certificates = Certificate::from_pem_bundle(&std::fs::read(path).ok()?).ok()?;
    (!certificates.is_empty()).then_some(certificates)
}

/// The file that has all certificates, given the values of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
fn bundle(file: Option<PathBuf>, dir: Option<PathBuf>) -> Option<PathBuf> {
    match (file, dir) {
        (None, None) => BUNDLES
            .map(PathBuf::from)
            .into_iter()
            .find(|at| at.exists()),
        (Some(file), None) => Some(file),
        (Some(file), Some(dir)) if file.parent() == Some(&dir) => Some(file),
        // The directory may hold certificates that the file does not.
        (_, Some(_)) => None,
    }
}

/// The causes of an error in one line. The words of the error itself are left out, unless it has no cause: reqwest's say little.
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
