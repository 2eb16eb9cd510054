//! The one place that sends requests to endpoints and reads their replies.

use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Method, Response, Url};
use serde::Serialize;

use crate::http::{Http, causes};
use crate::secret::Secret;
use crate::wire::failure::Failure;

/// Largest reply. A streamed token takes some 300 bytes, so this is above 20,000 of them.
const MAX_REPLY_BYTES: usize = 8 << 20;

/// What is kept of the body of an error.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// How long to wait for the body of an error: its status says most.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// Headers that help a provider's support to find a call, and that name who served it.
const CORRELATION_HEADERS: [&str; 10] = [
    "x-request-id",
    "x-amzn-requestid",
    "x-amz-cf-id",
    "x-inference-provider",
    "x-inference-id",
    "x-proxied-host",
    "x-compute-time",
    "x-total-time",
    "cf-ray",
    "ratelimit",
];

/// How long calls may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From the first byte sent to the last one received.
    pub total: Duration,
    /// Between two pieces of a reply that has begun.
    pub idle: Duration,
}

/// A request to be sent.
#[derive(Debug)]
pub(crate) struct Outgoing<'a, B> {
    pub(crate) method: Method,
    pub(crate) url: &'a Url,
    /// Sent as a bearer token, marked so that it is neither logged nor kept in HTTP/2's header table.
    pub(crate) token: Option<&'a Secret>,
    /// Sent as JSON.
    pub(crate) body: Option<&'a B>,
    pub(crate) timeouts: Timeouts,
}

/// A reply whose status and headers have come.
#[derive(Debug)]
pub(crate) struct Incoming {
    status: u16,
    response: Response,
    timeouts: Timeouts,
    received: usize,
}

impl Http {
    /// Sends a request once and waits for the head of the reply, whatever its status.
    pub(crate) async fn send<B: Serialize>(
        &self,
        outgoing: Outgoing<'_, B>,
    ) -> Result<Incoming, Failure> {
        self.send_with(outgoing, HeaderMap::new()).await
    }

    /// The same with headers besides.
    pub(crate) async fn send_with<B: Serialize>(
        &self,
        outgoing: Outgoing<'_, B>,
        headers: HeaderMap,
    ) -> Result<Incoming, Failure> {
        let timeouts = outgoing.timeouts;
        let client = self
            .client()
            .map_err(|error| Failure::Unsendable(causes(&error)))?;
        let mut request = client
            .request(outgoing.method, outgoing.url.clone())
            .headers(headers)
            .timeout(timeouts.total);
        if let Some(token) = outgoing.token {
            request = request.bearer_auth(token.expose());
        }
        if let Some(body) = outgoing.body {
            request = request.json(body);
        }
        let began = Instant::now();
        let response = request
            .send()
            .await
            .map_err(|error| failure(error, timeouts))?;
        tracing::debug!(
            host = outgoing.url.host_str(),
            status = response.status().as_u16(),
            after_ms = began.elapsed().as_millis(),
            correlation = correlation(response.headers()),
            "the endpoint replied"
        );
        Ok(Incoming {
            status: response.status().as_u16(),
            response,
            timeouts,
            received: 0,
        })
    }
}

impl Incoming {
    /// The reply, if its status is one of success.
    ///
    /// # Errors
    /// Otherwise the refusal, with the beginning of its body.
    pub(crate) async fn accepted(mut self) -> Result<Self, Failure> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let mut body = Vec::new();
        let read = async {
            while body.len() < MAX_ERROR_BYTES {
                // A body that breaks off, or that is compressed wrongly, is still worth what has come of it.
                let Ok(Some(bytes)) = self.response.chunk().await else {
                    break;
                };
                body.extend_from_slice(&bytes);
            }
        };
        let _: Result<(), _> = tokio::time::timeout(ERROR_BODY_TIMEOUT, read).await;
        body.truncate(MAX_ERROR_BYTES);
        Err(Failure::Refused {
            status: self.status,
            headers: std::mem::take(self.response.headers_mut()),
            body,
        })
    }

    /// The number in a header, where there is one.
    pub(crate) fn number(&self, header: &str) -> Option<u64> {
        let value = self.response.headers().get(header)?;
        value.to_str().ok()?.trim().parse().ok()
    }

    /// The whole body.
    pub(crate) async fn body(mut self) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(bytes) = self.chunk().await? {
            body.extend_from_slice(&bytes);
        }
        Ok(body)
    }

    /// The next bytes of the body, or `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        let idle = self.timeouts.idle;
        let next = tokio::time::timeout(idle, self.response.chunk()).await;
        let Ok(next) = next else {
            return Err(Failure::Timeout {
                after: idle,
                silent: true,
            });
        };
        let bytes = next.map_err(|error| failure(error, self.timeouts))?;
        self.received += bytes.as_ref().map_or(0, Bytes::len);
        if self.received > MAX_REPLY_BYTES {
            let limit = MAX_REPLY_BYTES >> 20;
            return Err(Failure::Unusable(format!("more than {limit} MiB")));
        }
        Ok(bytes)
    }
}

/// What a failed exchange was. Only what fails before there is a connection has certainly not been sent.
fn failure(error: reqwest::Error, timeouts: Timeouts) -> Failure {
    if error.is_builder() {
        Failure::Unsendable(causes(&error.without_url()))
    } else if error.is_connect() {
        Failure::Connect(causes(&error.without_url()))
    } else if error.is_timeout() {
        Failure::Timeout {
            after: timeouts.total,
            silent: false,
        }
    } else {
        Failure::Disconnected(causes(&error.without_url()))
    }
}

fn correlation(headers: &HeaderMap) -> String {
    let named: Vec<String> = CORRELATION_HEADERS
        .iter()
        .filter_map(|name| Some(format!("{name}={}", headers.get(*name)?.to_str().ok()?)))
        .collect();
    named.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn headers_for_the_log_are_chosen_by_name() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("cf-ray", "8f"),
            ("set-cookie", "secret"),
            ("x-request-id", "r1"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        assert_eq!(correlation(&headers), "x-request-id=r1 cf-ray=8f");
    }
}
