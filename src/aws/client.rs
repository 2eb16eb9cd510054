//! Requests of the AWS SDK, sent over the pool of connections that the endpoints are called over.

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

/// No answer has begun.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {0:?}")]
struct Silence(Duration);

/// An object that cannot be asked for.
#[derive(Debug, thiserror::Error)]
#[error("a key with a segment of dots only, as in `a/../b`, means another one in a URL")]
struct DotSegment;

/// The HTTP client of the process, as the SDK sees it.
#[derive(Debug, Clone)]
pub(crate) struct PooledClient(pub(crate) Client);

/// The same with the time that an answer may take to begin.
#[derive(Debug)]
struct Connector {
    client: Client,
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
        let (client, limit) = (self.client.clone(), self.read_timeout);
        HttpConnectorFuture::new(async move {
            let answer = client.execute(outgoing(request)?);
            let response = match limit {
                Some(limit) => tokio::time::timeout(limit, answer)
                    .await
                    .map_err(|_| ConnectorError::timeout(Silence(limit).into()))?,
                None => answer.await,
            };
            incoming(response.map_err(failed)?)
        })
    }
}

fn outgoing(request: HttpRequest) -> Result<Request, ConnectorError> {
    let request = request
        .try_into_http1x()
        .map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let url =
        Url::parse(&parts.uri.to_string()).map_err(|error| ConnectorError::user(error.into()))?;
    let url =
        unresolved(url, parts.uri.path()).ok_or_else(|| ConnectorError::user(DotSegment.into()))?;
    let mut request = Request::new(parts.method, url);
    *request.headers_mut() = parts.headers;
    if body.content_length() != Some(0) {
        *request.body_mut() = Some(Body::wrap(body));
    }
    Ok(request)
}

/// The URL with the path as it is meant. URLs resolve segments of dots, keys do not; but S3 takes the slashes beside them
/// encoded, too, and then they are none.
fn unresolved(mut url: Url, path: &str) -> Option<Url> {
    if url.path() == path {
        return Some(url);
    }
    let mut segments = path.strip_prefix('/')?.split('/');
    let mut before = segments.next()?;
    let mut encoded = format!("/{before}");
    for segment in segments {
        let between_dots = is_dots(before) || is_dots(segment);
        encoded.push_str(if between_dots { "%2F" } else { "/" });
        encoded.push_str(segment);
        before = segment;
    }
    url.set_path(&encoded);
    (url.path() == encoded).then_some(url)
}

fn is_dots(segment: &str) -> bool {
    matches!(segment, "." | "..")
}

fn incoming(response: Response) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(response.status().as_u16())
        .map_err(|error| ConnectorError::other(error.into(), None))?;
    let headers = response.headers().clone();
    let mut answer = HttpResponse::new(status, SdkBody::from_body_1_x(Body::from(response)));
    for (name, value) in &headers {
        // What is not text, nobody asks for.
        if let Ok(value) = value.to_str() {
            answer
                .headers_mut()
                .append(name.as_str().to_owned(), value.to_owned());
        }
    }
    Ok(answer)
}

/// What a failed exchange was. Everything that happened to the connection may be tried again.
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
    fn keys_with_segments_of_dots_stay_what_they_are() {
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
