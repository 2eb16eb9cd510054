//! Connections over HTTP/1.1: reads requests with limits on everything, and writes responses and the stream of events.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::http_api::upload::METADATA;
use crate::http_api::{Answer, Head, MAX_JSON_BYTES, Problem, RESULTS, Work, route};
use crate::job::order::misspelt_wish;
use crate::serve::door::Door;
use crate::serve::socket::Socket;
use crate::serve::{guard, page};

/// Connections at the same time. Browsers keep up to six for each window.
const MOST_CONNECTIONS: usize = 64;

/// Watchers of the events at the same time: they leave room for other requests.
const MOST_WATCHERS: usize = 24;
static WATCHERS: Semaphore = Semaphore::const_new(MOST_WATCHERS);

/// Uploads at the same time: they leave room too. The page sends one after another.
const MOST_UPLOADS: usize = 24;
static UPLOADS: Semaphore = Semaphore::const_new(MOST_UPLOADS);

/// Maximum size of the head of a request, in bytes: 2,000 characters of instructions are up to 11,000.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// How long the head of a request may take, an order, and an upload, which `Limits` gives up sooner if nothing arrives.
const HEAD_TIME: Duration = Duration::from_secs(10);
const ORDER_TIME: Duration = Duration::from_secs(10);
const UPLOAD_TIME: Duration = Duration::from_secs(300);

/// How long a watcher may watch before it has to ask again, which browsers do by themselves: heartbeats alone would not show for days
/// that nobody reads them.
const WATCH_TIME: Duration = Duration::from_secs(60 * 60);

/// How often a watcher is told that the server is still there.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Wait after a connection could not be accepted, such as for want of file descriptors.
const ACCEPT_WAIT: Duration = Duration::from_millis(100);

/// What the page may load: its own files, and answers of this server.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; \
                           form-action 'none'; frame-ancestors 'none'";

/// What a result may load: the style inside it. It is another origin than the page, whatever is in it, and runs no script.
const RESULT_POLICY: &str = "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                             form-action 'none'; frame-ancestors 'none'";

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Serves connections until the process ends.
pub(crate) fn serve(listener: TcpListener, door: Door) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(accept(listener, Arc::new(door))),
        Err(error) => tracing::error!(%error, "the server has no runtime"),
    }
}

async fn accept(listener: TcpListener, door: Arc<Door>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the server cannot listen");
            return;
        }
    };
    let permits = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let permit = Arc::clone(&permits).acquire_owned().await;
        let socket = match listener.accept().await {
            Ok((socket, _)) => socket,
            Err(error) => {
                tracing::debug!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_WAIT).await;
                continue;
            }
        };
        let door = Arc::clone(&door);
        tokio::spawn(async move {
            let respond = service_fn(|request| {
                let door = Arc::clone(&door);
                async move { Ok::<_, Infallible>(respond(request, &door).await) }
            });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIME)
                .max_buf_size(MAX_HEAD_BYTES)
                .serve_connection(TokioIo::new(Socket::new(socket)), respond)
                .await;
            if let Err(error) = served {
                tracing::debug!(%error, "a connection broke");
            }
            drop(permit);
        });
    }
}

async fn respond(request: Request<Incoming>, door: &Arc<Door>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let policy = match head.uri.path().starts_with(RESULTS) {
        true => RESULT_POLICY,
        false => PAGE_POLICY,
    };
    match work(&head, door.port) {
        Err(problem) => {
            // Whoever is refused does not keep one of the few connections.
            let mut refused = whole(problem.answer(), policy);
            let close = HeaderValue::from_static("close");
            refused.headers_mut().insert(header::CONNECTION, close);
            refused
        }
        Ok(Asked::File(answer)) => whole(answer, policy),
        Ok(Asked::Work(Work::Watch)) => {
            let Ok(permit) = WATCHERS.try_acquire() else {
                let next = "close other windows of this page";
                let problem = Problem::new(503, "too many windows watch this server", next);
                return whole(problem.answer(), policy);
            };
            let ending = Box::pin(tokio::time::sleep(WATCH_TIME));
            let held = events(Arc::clone(door))
                .take_until(ending)
                .map(move |event| {
                    let _held = &permit;
                    event
                });
            let body = StreamBody::new(held);
            response(200, "text/event-stream", &[], policy, body.boxed_unsync())
        }
        Ok(Asked::Work(work)) => {
            let answer = answer(work, body, door).await;
            whole(answer.unwrap_or_else(Problem::answer), policy)
        }
    }
}

/// Reads the body, if the work has one, and does the work.
async fn answer(work: Work, body: Incoming, door: &Door) -> Result<Answer, Problem> {
    let most = match &work {
        Work::Order => MAX_JSON_BYTES,
        Work::Store(upload) => {
            // Before any of it is read.
            let config = &door.library.config;
            upload.check(config, config.max_input_bytes)?;
            upload.bytes
        }
        _ => 0,
    };
    let (time, silence) = match work {
        Work::Store(_) => (UPLOAD_TIME, door.limits.upload_silence),
        _ => (ORDER_TIME, ORDER_TIME),
    };
    let _permit = match work {
        Work::Store(_) => Some(UPLOADS.try_acquire().map_err(|_| {
            let next = "send it again in a few seconds";
            Problem::new(503, "too many uploads arrive at the same time", next)
        })?),
        _ => None,
    };
    let body = match most {
        0 => Bytes::new(),
        most => match tokio::time::timeout(time, read(body, most, silence)).await {
            Ok(read) => read?,
            Err(_) => return Err(Problem::new(408, "the body took too long", "send it again")),
        },
    };
    door.answer(work, body).await
}

enum Asked {
    File(Answer),
    Work(Work),
}

/// What a request asks for, if it may.
fn work(head: &Parts, port: u16) -> Result<Asked, Problem> {
    guard::check(head, port)?;
    let method = head.method.as_str();
    if let Some(file) = page::file(head.uri.path())
        && matches!(method, "GET" | "HEAD")
    {
        return Ok(Asked::File(file));
    }
    const NEXT: &str = "send it as POST /v1/uploads answered it";
    // One that is not ASCII would be taken for none, and the wish with it.
    let is_broken = |(name, value): &(&HeaderName, &HeaderValue)| {
        name.as_str().starts_with(METADATA) && value.to_str().is_err()
    };
    if let Some((name, _)) = head.headers.iter().find(is_broken) {
        let error = format!("the header {name} is not ASCII");
        return Err(Problem::new(400, error, NEXT));
    }
    // Nothing else would say that a wish is misspelt.
    let names = head.headers.keys().map(HeaderName::as_str);
    if let Some(error) = misspelt_wish(names.filter_map(|name| name.strip_prefix(METADATA))) {
        return Err(Problem::new(400, error, NEXT));
    }
    let header = |name: &str| head.headers.get(name)?.to_str().ok();
    route(&Head {
        method,
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        header: &header,
    })
    .map(Asked::Work)
}

/// Reads the body of a request, at most `most` bytes. Gives up when nothing has come for `silence`.
async fn read(mut body: Incoming, most: u64, silence: Duration) -> Result<Bytes, Problem> {
    let mut bytes = BytesMut::new();
    let stopped = |_| {
        let error = format!("nothing has come for {silence:?}, and the body is not complete");
        Problem::new(408, error, "send it again")
    };
    while let Some(frame) = tokio::time::timeout(silence, body.frame())
        .await
        .map_err(stopped)?
    {
        let broken = |_| Problem::new(400, "the body broke off", "send the request again");
        let piece = frame.map_err(broken)?.into_data().unwrap_or_default();
        if (bytes.len() + piece.len()) as u64 > most {
            let error = format!("the body has more than {most} bytes");
            return Err(Problem::new(413, error, "send less"));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.freeze())
}

fn whole(answer: Answer, policy: &'static str) -> Response<Body> {
    let Answer {
        status,
        content_type,
        headers,
        body,
    } = answer;
    let body = Full::new(body).boxed_unsync();
    response(status, content_type, &headers, policy, body)
}

fn response(
    status: u16,
    content_type: &'static str,
    headers: &[(&'static str, String)],
    policy: &'static str,
    body: Body,
) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    let fixed = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    let map = response.headers_mut();
    for (name, value) in fixed {
        map.insert(name, HeaderValue::from_static(value));
    }
    map.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("same-origin"),
    );
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            map.insert(*name, value);
        }
    }
    response
}

/// The stream of events: a status whenever one changes, and `missed` for a client that has been too slow for some of them.
fn events(door: Arc<Door>) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> + Send {
    let watched = door.live.watch();
    let hello = Some("retry: 1000\n\n".to_owned());
    stream::unfold(
        (door, watched, hello),
        |(door, mut watched, hello)| async move {
            let event = match hello {
                Some(hello) => hello,
                None => next_event(&door, &mut watched).await?,
            };
            let frame = Frame::data(Bytes::from(event));
            Some((Ok(frame), (door, watched, None)))
        },
    )
}

async fn next_event(door: &Door, watched: &mut Receiver<String>) -> Option<String> {
    let key = match tokio::time::timeout(HEARTBEAT, watched.recv()).await {
        Err(_) => return Some(":\n\n".to_owned()),
        Ok(Err(RecvError::Closed)) => return None,
        Ok(Err(RecvError::Lagged(_))) => return Some("event: missed\ndata: {}\n\n".to_owned()),
        Ok(Ok(key)) => key,
    };
    let status = door.status(&key).await.ok().flatten();
    let json = status.and_then(|status| serde_json::to_string(&status).ok());
    // The store could not be read: the client does so later.
    Some(json.map_or_else(
        || "event: missed\ndata: {}\n\n".to_owned(),
        |json| format!("event: status\ndata: {json}\n\n"),
    ))
}
