//! A simulated chat completions server. A closure chooses its behaviour, and it records every request.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{Request, Response};
use serde_json::Value;
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::task::JoinHandle;

use super::behaviour::{Behaviour, Completion, End, events, whole};
use super::reset;

/// A request as received.
#[derive(Debug, Clone)]
pub(crate) struct ChatRequest {
    /// Sequence number, starting from 0.
    pub(crate) number: usize,
    pub(crate) path: String,
    pub(crate) headers: hyper::HeaderMap,
    /// The body as received, and parsed; null if it is not JSON.
    pub(crate) raw: Bytes,
    pub(crate) body: Value,
    pub(crate) at: Instant,
    /// Requests in flight when it arrived, itself included.
    pub(crate) in_flight: usize,
}

impl ChatRequest {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The content of the first message with this role.
    pub(crate) fn message(&self, role: &str) -> &str {
        let messages = self.body["messages"].as_array().into_iter().flatten();
        messages
            .filter(|message| message["role"] == role)
            .find_map(|message| message["content"].as_str())
            .unwrap_or_default()
    }

    pub(crate) fn max_tokens(&self) -> usize {
        self.body["max_tokens"].as_u64().unwrap_or(0) as usize
    }
}

type Responder = dyn Fn(&ChatRequest) -> Behaviour + Send + Sync;

struct Shared {
    /// What it says of itself, by path; it has no other routes for `GET`.
    facts: Mutex<HashMap<&'static str, Value>>,
    /// The paths it was asked for with `GET`.
    asked: Mutex<Vec<String>>,
    respond: Box<Responder>,
    count_tokens: fn(&str) -> usize,
    requests: Mutex<Vec<ChatRequest>>,
    in_flight: AtomicUsize,
    max_in_flight: AtomicUsize,
}

/// The server, which stops when dropped.
pub(crate) struct ChatServer {
    url: String,
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl ChatServer {
    /// Starts on a free loopback port and counts each word as one token.
    pub(crate) async fn start(
        respond: impl Fn(&ChatRequest) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        Self::start_counting(|text| text.split_whitespace().count(), respond).await
    }

    /// Starts with a custom token counter.
    pub(crate) async fn start_counting(
        count_tokens: fn(&str) -> usize,
        respond: impl Fn(&ChatRequest) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        Self::listening("127.0.0.1:0", count_tokens, respond).await
    }

    /// Starts where another server was.
    pub(crate) async fn start_at(
        address: SocketAddr,
        respond: impl Fn(&ChatRequest) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        Self::listening(address, |text| text.split_whitespace().count(), respond).await
    }

    async fn listening(
        address: impl ToSocketAddrs,
        count_tokens: fn(&str) -> usize,
        respond: impl Fn(&ChatRequest) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        Self::serving(listener, count_tokens, respond)
    }

    /// Accepts the connections of a socket that listens already.
    pub(crate) fn accepting(
        listener: TcpListener,
        respond: impl Fn(&ChatRequest) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        Self::serving(listener, |text| text.split_whitespace().count(), respond)
    }

    fn serving(
        listener: TcpListener,
        count_tokens: fn(&str) -> usize,
        respond: impl Fn(&ChatRequest) -> Behaviour + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let url = format!("http://{address}/v1");
        let shared = Arc::new(Shared {
            facts: Mutex::default(),
            asked: Mutex::default(),
            respond: Box::new(respond),
            count_tokens,
            requests: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            max_in_flight: AtomicUsize::new(0),
        });
        let accepting = tokio::spawn(reset::serve(listener, {
            let shared = Arc::clone(&shared);
            move |request, reset| {
                let shared = Arc::clone(&shared);
                async move { handle(request, &shared, &reset).await }
            }
        }));
        Self {
            url,
            address,
            shared,
            accepting,
        }
    }

    /// The value for `HF_ENDPOINT_URL`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers `GET` requests for `path` with `fact`; with null, that it is not up yet.
    pub(crate) fn say(&self, path: &'static str, fact: Value) {
        self.shared.facts.lock().unwrap().insert(path, fact);
    }

    /// The paths of all `GET` requests so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// The URL of another path on this server.
    pub(crate) fn at(&self, path: &str) -> String {
        self.url.replace("/v1", path)
    }

    /// All requests so far, in order of arrival.
    pub(crate) fn requests(&self) -> Vec<ChatRequest> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// The maximum number of requests in flight at once.
    pub(crate) fn max_in_flight(&self) -> usize {
        self.shared.max_in_flight.load(Ordering::SeqCst)
    }
}

impl Drop for ChatServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A request in flight.
struct InFlight(Arc<Shared>);

impl InFlight {
    fn new(shared: &Arc<Shared>) -> Self {
        let now = shared.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        shared.max_in_flight.fetch_max(now, Ordering::SeqCst);
        Self(Arc::clone(shared))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

type Body = BoxBody<Bytes, io::Error>;

async fn handle(
    request: Request<Incoming>,
    shared: &Arc<Shared>,
    reset: &Arc<AtomicBool>,
) -> Result<Response<Body>, io::Error> {
    let in_flight = InFlight::new(shared);
    let (head, body) = request.into_parts();
    if head.method == hyper::Method::GET {
        let path = head.uri.path();
        shared.asked.lock().unwrap().push(path.to_owned());
        let fact = shared.facts.lock().unwrap().get(path).cloned();
        let status = match &fact {
            Some(Value::Null) => 503,
            Some(_) => 200,
            None => 404,
        };
        let response = Response::builder().status(status);
        let body = Full::from(fact.unwrap_or_default().to_string());
        let response = response.body(body.map_err(infallible).boxed());
        return response.map_err(io::Error::other);
    }
    let raw = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let request = {
        let mut requests = shared.requests.lock().unwrap();
        let request = ChatRequest {
            number: requests.len(),
            path: head.uri.path().to_owned(),
            headers: head.headers,
            body: serde_json::from_slice(&raw).unwrap_or_default(),
            raw,
            at: Instant::now(),
            in_flight: shared.in_flight.load(Ordering::SeqCst),
        };
        requests.push(request.clone());
        request
    };
    let mut behaviour = (shared.respond)(&request);
    loop {
        behaviour = match behaviour {
            Behaviour::After(delay, next) => {
                tokio::time::sleep(delay).await;
                *next
            }
            Behaviour::Together(all, next) => {
                all.wait().await;
                *next
            }
            _ => break,
        };
    }
    let response = Response::builder();
    let response = match behaviour {
        Behaviour::Answer(completion) => {
            let streaming = request.body["stream"] == true;
            let usage = completion
                .usage
                .unwrap_or_else(|| count(&request, &completion, shared));
            let (content_type, pieces) = if streaming {
                ("text/event-stream", events(&completion, usage))
            } else {
                ("application/json", vec![whole(&completion, usage)])
            };
            response
                .header("content-type", content_type)
                .body(pieces_body(
                    pieces,
                    Duration::ZERO,
                    End::Properly,
                    in_flight,
                    reset,
                ))
        }
        Behaviour::Status(status, headers, body) => headers
            .into_iter()
            .fold(response.status(status), |response, (name, value)| {
                response.header(name, value)
            })
            .body(Full::from(body).map_err(infallible).boxed()),
        Behaviour::Pieces(content_type, pieces, end) => response
            .header("content-type", content_type)
            .body(pieces_body(pieces, Duration::ZERO, end, in_flight, reset)),
        Behaviour::Paced(pause, pieces) => response
            .header("content-type", "text/event-stream")
            .body(pieces_body(pieces, pause, End::Properly, in_flight, reset)),
        Behaviour::HangUp | Behaviour::After(..) | Behaviour::Together(..) => {
            return Err(io::Error::other("hung up"));
        }
    };
    response.map_err(io::Error::other)
}

fn infallible(never: Infallible) -> io::Error {
    match never {}
}

/// A body whose pieces are sent one by one. It holds the request's in-flight guard until it ends.
fn pieces_body(
    pieces: Vec<Bytes>,
    pause: Duration,
    end: End,
    in_flight: InFlight,
    reset: &Arc<AtomicBool>,
) -> Body {
    let reset = Arc::clone(reset);
    let last = stream::once(async move {
        match end {
            End::Properly => return Ok(Frame::data(Bytes::new())),
            End::Abort => {}
            End::Reset => reset.store(true, Ordering::SeqCst),
            End::Silence => std::future::pending().await,
        }
        Err(io::Error::other("broken on purpose"))
    });
    let frames = stream::iter(pieces)
        .then(move |piece| async move {
            // Let the connection flush what it has before the next piece, even without a pause.
            tokio::task::yield_now().await;
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            Ok(Frame::data(piece))
        })
        .chain(last)
        .map(move |frame| {
            let _answered_with_the_body = &in_flight;
            frame
        });
    BodyExt::boxed(StreamBody::new(frames))
}

fn count(request: &ChatRequest, completion: &Completion, shared: &Shared) -> (u64, u64) {
    let prompt = (shared.count_tokens)(request.message("system"))
        + (shared.count_tokens)(request.message("user"));
    (
        prompt as u64,
        (shared.count_tokens)(&completion.text) as u64,
    )
}
