//! Runs the AWS SDK's requests over this process's HTTP client, so that S3 and the endpoints share connections and
//! certificates.

use std::time::Duration;

use aws_sdk_s3::config::RuntimeComponents;
use aws_sdk_s3::config::http::{HttpRequest, HttpResponse};
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use reqwest::{Body, Client, Request, Response, Url};

/// Adapts this process's HTTP client to the SDK's interface.
#[derive(Debug, Clone)]
pub(crate) struct PooledClient(pub(crate) Client);

#[derive(Debug)]
struct Connector {
    client: Client,
    /// Timeout until the response begins.
    read_timeout: Option<Duration>,
}

impl HttpClient for PooledClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            client: self.0.clone(),
            read_timeout: settings.read_timeout(),
        })
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.client.clone();
        let limit = self.read_timeout.unwrap_or(Duration::MAX);
        HttpConnectorFuture::new(async move {
            let answer = client.execute(outgoing(request)?);
            let response = tokio::time::timeout(limit, answer).await.map_err(|_| {
                ConnectorError::timeout(format!("no answer within {limit:?}").into())
            })?;
            incoming(response.map_err(failed)?)
        })
    }
}

fn outgoing(request: HttpRequest) -> Result<Request, ConnectorError> {
    let request = request
        .try_into_http1x()
        .map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let url = Url::parse(&parts.uri.to_string());
    let url = url.map_err(|error| ConnectorError::user(error.into()))?;
    let url = unresolved(url, parts.uri.path()).ok_or_else(|| {
        let reason = "a URL cannot address the key `.` or `..`";
        ConnectorError::user(reason.into())
    })?;
    let mut request = Request::new(parts.method, url);
    *request.headers_mut() = parts.headers;
    if body.content_length() != Some(0) {
        *request.body_mut() = Some(Body::wrap(body));
    }
    Ok(request)
}

/// The URL with `path` unchanged. `a/../b` is a valid key, but URL parsing would resolve the dots. S3 accepts the slashes
/// around them percent-encoded, which leaves no dot segments to resolve.
fn unresolved(mut url: Url, path: &str) -> Option<Url> {
    if url.path() == path {
        return Some(url);
    }
    let is_dots = |segment| matches!(segment, "." | "..");
    let mut segments = path.strip_prefix('/')?.split('/');
    let mut before = segments.next()?;
    let mut encoded = format!("/{before}");
    for segment in segments {
        let beside_dots = is_dots(before) || is_dots(segment);
        encoded.push_str(if beside_dots { "%2F" } else { "/" });
        encoded.push_str(segment);
        before = segment;
    }
    url.set_path(&encoded);
    (url.path() == encoded).then_some(url)
}

fn incoming(response: Response) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(response.status().as_u16())
        .map_err(|error| ConnectorError::other(error.into(), None))?;
    let headers = response.headers().clone();
    let mut answer = HttpResponse::new(status, SdkBody::from_body_1_x(Body::from(response)));
    for (name, value) in &headers {
        // Metadata may have any bytes. The SDK refuses what is not UTF-8, and the whole object with it.
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let appended = answer
            .headers_mut()
            .try_append(name.as_str().to_owned(), value);
        appended.map_err(|error| ConnectorError::other(error.into(), None))?;
    }
    Ok(answer)
}

/// Classifies a failed exchange, which decides whether the SDK retries it. Connection failures of any kind are retryable.
fn failed(error: reqwest::Error) -> ConnectorError {
    let error = error.without_url();
    if error.is_builder() {
        ConnectorError::user(error.into())
    } else if error.is_timeout() {
        ConnectorError::timeout(error.into())
    } else {
        ConnectorError::io(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_of_dots_in_a_key_reach_the_server_unresolved() {
        let meant = |path: &str| {
            let url = Url::parse(&format!("https://s3.example{path}?x-id=GetObject")).unwrap();
            unresolved(url, path).map(|url| url.as_str().replace("https://s3.example", ""))
        };
        for (path, expected) in [
            ("/b/a%20b//c%C3%A9'.txt", "/b/a%20b//c%C3%A9'.txt"),
            ("/b/a/../c.txt", "/b/a%2F..%2Fc.txt"),
            ("/b/a/./c/d", "/b/a%2F.%2Fc/d"),
            ("/b/a..b/...", "/b/a..b/..."),
            ("/../b", "/..%2Fb"),
            ("//b/../c", "//b%2F..%2Fc"),
        ] {
            let expected = format!("{expected}?x-id=GetObject");
            assert_eq!(meant(path), Some(expected), "{path}");
        }
        assert_eq!(meant("/.."), None);
    }
}
