//! The HTTP client of the process: one pool of connections and one set of certificates for S3, Secrets Manager and the endpoints.

use std::error::Error;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, Url, redirect};

use crate::chain::chain;

/// In a region a connection takes milliseconds; across the world with packet loss, a second or two.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A frozen sandbox wakes up with connections that the other side has long closed: keep them for no longer than a pause
/// between calls.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// How this program calls itself.
const USER_AGENT: &str = concat!("transcript-summarizer/", env!("CARGO_PKG_VERSION"));

/// Limit of a connection in the background.
const WARM_UP_TIMEOUT: Duration = Duration::from_secs(3);

/// Files with all certificates of the system: on Amazon Linux (Lambda), and on Debian.
const BUNDLES: [&str; 2] = [
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
];

/// The client cannot be built, for example because this machine has no certificate store.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be set up")]
pub struct HttpError(#[from] reqwest::Error);

/// Sends requests. One for the whole process: it keeps the connections. Reading the certificates of the system takes
/// milliseconds, so it is set up when it is first needed; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Http {
    client: Arc<OnceLock<Client>>,
}

impl Http {
    /// The client. It honours the usual proxy variables, does not follow redirects (the token would go along), and sends
    /// again by itself only what a server has provably not begun (a stream refused by HTTP/2).
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

    /// Connects to the server of `url` in the background, if that takes TLS, so that the first call does not wait for it. The
    /// request is a `HEAD` of the root without a key, which no server bills or counts.
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

/// The system's certificates, if they are in one file. The client by itself would read the directory around it, too, where
/// each of them is once more: that doubles the time of a start.
fn system_certificates() -> Option<Vec<Certificate>> {
    let named = |variable| std::env::var_os(variable).map(PathBuf::from);
    let path = bundle(named("SSL_CERT_FILE"), named("SSL_CERT_DIR"))?;
    let certificates = Certificate::from_pem_bundle(&std::fs::read(path).ok()?).ok()?;
    (!certificates.is_empty()).then_some(certificates)
}

/// The file that has all certificates, where the usual variables are set to `file` and `dir`.
fn bundle(file: Option<PathBuf>, dir: Option<PathBuf>) -> Option<PathBuf> {
    match (file, dir) {
        (None, None) => BUNDLES
            .map(PathBuf::from)
            .into_iter()
            .find(|at| at.exists()),
        (Some(file), None) => Some(file),
        (Some(file), Some(dir)) if file.parent() == Some(&dir) => Some(file),
        // Certificates from a directory of their own.
        (_, Some(_)) => None,
    }
}

/// The causes of an error; reqwest's own words only if it has none.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    chain(error.source().unwrap_or(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_left_out_only_where_its_certificates_are_in_the_file_too() {
        let path = |path: &str| Some(PathBuf::from(path));
        assert_eq!(bundle(path("/a/all.crt"), None), path("/a/all.crt"));
        assert_eq!(bundle(path("/a/all.crt"), path("/a/")), path("/a/all.crt"));
        assert_eq!(bundle(path("/a/all.crt"), path("/b")), None);
        assert_eq!(bundle(None, path("/a")), None);
    }
}
