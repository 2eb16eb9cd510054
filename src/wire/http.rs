//! Sends one request to an endpoint and reads the reply within time and size limits.
//!
//! A 2xx status does not mean success: errors also arrive in the body of a 200, and gateways answer with HTML, plain text
//! or nothing. For a non-2xx status the start of the body is kept as bytes; interpreting it is up to the caller.
//!
//! Nothing is sent twice here, because no inference API takes an idempotency key. Only an error before the connection is
//! made proves that nothing was sent. After that, a request without a reply may have been billed.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, Response};
use tokio::time::{Instant, sleep_until};

use crate::http::causes;
use crate::wire::failure::{Cause, Failure};

/// Maximum size of a reply. A streamed token takes about 300 bytes, so this allows more than 20,000 tokens.
const MAX_REPLY_BYTES: usize = 8 << 20;

/// Maximum number of bytes kept of an error body.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// How long to wait for the body of an error. The status code alone is usually enough.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// Headers that identify the request, which the provider's support needs to look it up.
const CORRELATION_HEADERS: &str = "\
    x-request-id x-amzn-requestid x-amz-cf-id x-inference-provider x-inference-id x-proxied-host \
    x-compute-time x-total-time cf-ray ratelimit";

/// How long an endpoint may be silent. An answer that keeps arriving has no limit but the caller's deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From sending a request to the first byte of its reply.
    pub first: Duration,
    /// Between two chunks of a reply that has started.
    pub idle: Duration,
}

/// When an endpoint was last heard, by any of the calls that share this. A server that works on other calls is not silent:
/// llama.cpp and vLLM let requests wait until a slot is free, and send nothing while they do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pulse(Arc<Mutex<Option<Instant>>>);

impl Pulse {
    fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Waits for `work`, unless the endpoint is silent for as long as `limit`.
    async fn unless_silent<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let began = Instant::now();
        loop {
            let heard = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let until = heard.map_or(began, |heard| heard.max(began)) + limit;
            if until <= Instant::now() {
                return None;
            }
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                () = sleep_until(until) => {}
            }
        }
    }
}

/// A 2xx reply whose body has not been read yet.
#[derive(Debug)]
pub(crate) struct Incoming {
    response: Response,
    timeouts: Timeouts,
    pulse: Pulse,
    received: usize,
}

/// Sends a request once and waits for the response headers.
///
/// # Errors
/// If there is no response, or the status code is not 2xx. In the latter case the error has the start of the body.
pub(crate) async fn send(
    request: RequestBuilder,
    timeouts: Timeouts,
    pulse: &Pulse,
) -> Result<Incoming, Failure> {
    let began = Instant::now();
    let sent = pulse.unless_silent(timeouts.first, request.send()).await;
    let sent = sent.ok_or_else(|| {
        let limit = timeouts.first.as_secs_f32();
        Cause::TimedOut.seen(format!("gave no answer within {limit} s"))
    })?;
    let response = sent.map_err(|error| failure(error, began))?;
    pulse.beat();
    tracing::debug!(
        host = response.url().host_str(),
        status = response.status().as_u16(),
        after_ms = began.elapsed().as_millis(),
        correlation = correlation(response.headers()),
        "the endpoint replied"
    );
    if !response.status().is_success() {
        return Err(refusal(response).await);
    }
    Ok(Incoming {
        response,
        timeouts,
        pulse: pulse.clone(),
        received: 0,
    })
}

impl Incoming {
    /// The number in a header, if present.
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
        let (idle, began) = (self.timeouts.idle, Instant::now());
        let next = self.pulse.unless_silent(idle, self.response.chunk()).await;
        let next = next.ok_or_else(|| {
            let what = format!("went silent for {} s", idle.as_secs_f32());
            Cause::TimedOut.seen(what)
        })?;
        let bytes = next.map_err(|error| failure(error, began))?;
        self.pulse.beat();
        self.received += bytes.as_ref().map_or(0, Bytes::len);
        if self.received > MAX_REPLY_BYTES {
            let limit = MAX_REPLY_BYTES >> 20;
            return Err(Cause::Unusable.seen(format!("more than {limit} MiB")));
        }
        Ok(bytes)
    }
}

async fn refusal(mut response: Response) -> Failure {
    let mut body = Vec::new();
    let read = async {
        // Keep what was received of a body that breaks off or is compressed incorrectly.
        while body.len() < MAX_ERROR_BYTES
            && let Ok(Some(bytes)) = response.chunk().await
        {
            body.extend_from_slice(&bytes);
        }
    };
    let _: Result<(), _> = tokio::time::timeout(ERROR_BODY_TIMEOUT, read).await;
    body.truncate(MAX_ERROR_BYTES);
    Failure::Refused {
        status: response.status().as_u16(),
        headers: std::mem::take(response.headers_mut()),
        body,
    }
}

/// The failure of what was `began` then. A time-out is that of the connection: of making it, or of a network that carries nothing
/// any more, which the system notices long before the endpoint counts as silent.
fn failure(error: reqwest::Error, began: Instant) -> Failure {
    let error = error.without_url();
    let mut seen = causes(&error);
    let cause = if error.is_builder() {
        Cause::Unsendable
    } else if error.is_connect() {
        Cause::of_connection(&seen)
    } else {
        Cause::Disconnected
    };
    if error.is_timeout() {
        seen += &format!(", after {:.0} s", began.elapsed().as_secs_f32());
    }
    cause.seen(seen)
}

fn correlation(headers: &HeaderMap) -> String {
    let named = CORRELATION_HEADERS
        .split(' ')
        .filter_map(|name| Some(format!("{name}={}", headers.get(name)?.to_str().ok()?)));
    named.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn only_named_headers_are_logged() {
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
