//! A simulated RunPod endpoint with a queue: jobs wait for workers and are worked on as a closure says, in the time of tokio.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;

use super::reset::ResettableStream;
use super::runpod_faults::{Fault, Faults, Route};
use super::runpod_jobs::{JobPlan, Jobs, SubmittedJob};

/// The one key that is accepted.
pub(crate) const KEY: &str = "rpa_AbCdEfGhIjKlMnOpQrStUvWxYz";

/// The one endpoint there is.
pub(crate) const ENDPOINT: &str = "abc123def456";

/// What `/status-sync` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LongPoll {
    /// Holds the question until the job is done.
    Held,
    /// Answers at once.
    AtOnce,
    /// 404: there is no such route.
    Unknown,
    /// 405.
    NotAllowed,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) route: Option<Route>,
    pub(crate) method: Method,
    /// Path and query, as they were sent.
    pub(crate) target: String,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: Value,
}

type Planner = dyn Fn(&SubmittedJob) -> JobPlan + Send + Sync;

struct State {
    jobs: Jobs,
    faults: Faults,
    calls: Vec<Call>,
    polls: HashMap<String, usize>,
    long_poll: LongPoll,
    unhealthy: u64,
    throttled: u64,
}

struct Shared {
    plan: Box<Planner>,
    state: Mutex<State>,
    changed: Notify,
}

/// The endpoint. Stops when dropped.
pub(crate) struct RunPodServer {
    origin: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl RunPodServer {
    /// Starts on a free port of this machine, with plenty of workers.
    pub(crate) async fn start(
        plan: impl Fn(&SubmittedJob) -> JobPlan + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            plan: Box::new(plan),
            state: Mutex::new(State {
                jobs: Jobs::new(1000),
                faults: Faults::default(),
                calls: Vec::new(),
                polls: HashMap::new(),
                long_poll: LongPoll::Held,
                unhealthy: 0,
                throttled: 0,
            }),
            changed: Notify::new(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self {
            origin,
            shared,
            accepting,
        }
    }

    /// What belongs into `RUNPOD_ENDPOINT_URL`.
    pub(crate) fn url(&self) -> String {
        format!("{}/v2/{ENDPOINT}", self.origin)
    }

    fn state<T>(&self, use_it: impl FnOnce(&mut State) -> T) -> T {
        let outcome = use_it(&mut self.shared.state.lock().unwrap());
        self.shared.changed.notify_waiters();
        outcome
    }

    /// How many jobs are worked on at a time, from now on.
    pub(crate) fn set_workers(&self, workers: usize) {
        self.state(|state| state.jobs.set_workers(workers));
    }

    /// Workers that `/health` counts though they do nothing.
    pub(crate) fn set_broken_workers(&self, unhealthy: u64, throttled: u64) {
        self.state(|state| (state.unhealthy, state.throttled) = (unhealthy, throttled));
    }

    pub(crate) fn set_long_poll(&self, long_poll: LongPoll) {
        self.state(|state| state.long_poll = long_poll);
    }

    /// Has the next calls of this route go wrong, one for each fault.
    pub(crate) fn fail_next(&self, route: Route, faults: impl IntoIterator<Item = Fault>) {
        self.state(|state| state.faults.next(route, faults));
    }

    /// Has every call of this route go wrong from now on.
    pub(crate) fn fail_always(&self, route: Route, fault: Fault) {
        self.state(|state| state.faults.always(route, Some(fault)));
    }

    /// Ends what [`fail_always`](Self::fail_always) began.
    pub(crate) fn heal(&self, route: Route) {
        self.state(|state| state.faults.always(route, None));
    }

    /// Forgets a job, as RunPod does when its retention has passed.
    pub(crate) fn forget(&self, id: &str) {
        self.state(|state| state.jobs.forget(id));
    }

    /// Cancels a job as a person at the console would.
    pub(crate) fn cancel(&self, id: &str) {
        self.state(|state| state.jobs.cancel(id, true));
    }

    /// All requests so far, in the order of their arrival.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state(|state| state.calls.clone())
    }

    fn count(&self, route: Route) -> usize {
        let calls = self.calls();
        calls
            .iter()
            .filter(|call| call.route == Some(route))
            .count()
    }

    /// Requests to `/run`, refused ones included.
    pub(crate) fn submits(&self) -> usize {
        self.count(Route::Run)
    }

    /// Questions to `/status` and `/status-sync`.
    pub(crate) fn polls(&self) -> usize {
        self.count(Route::Status) + self.long_polls()
    }

    /// Questions to `/status-sync`.
    pub(crate) fn long_polls(&self) -> usize {
        self.count(Route::StatusSync)
    }

    /// Questions after one job.
    pub(crate) fn polls_of(&self, id: &str) -> usize {
        self.state(|state| state.polls.get(id).copied().unwrap_or(0))
    }

    pub(crate) fn retries(&self) -> usize {
        self.count(Route::Retry)
    }

    pub(crate) fn cancels(&self) -> usize {
        self.count(Route::Cancel)
    }

    pub(crate) fn healths(&self) -> usize {
        self.count(Route::Health)
    }

    /// Jobs that were accepted, in the order of their arrival.
    pub(crate) fn jobs(&self) -> Vec<SubmittedJob> {
        self.state(|state| {
            state
                .jobs
                .all()
                .iter()
                .map(|job| job.submitted.clone())
                .collect()
        })
    }

    /// Id and status of every job; `GONE` for those that are not known any more.
    pub(crate) fn states(&self) -> Vec<(String, &'static str)> {
        self.state(|state| {
            let views = state.jobs.views();
            let ids = state.jobs.all().iter().map(|job| job.submitted.id.clone());
            ids.zip(views.iter().map(|view| view.status)).collect()
        })
    }

    /// How often jobs were executed to their end or begun, retries included: what would be on the bill.
    pub(crate) fn executions(&self) -> usize {
        self.state(|state| state.jobs.executions())
    }

    /// Jobs whose end nobody has heard of, and that were not given up.
    pub(crate) fn unaccounted(&self) -> Vec<String> {
        self.state(|state| {
            let jobs = state.jobs.all().iter();
            jobs.filter(|job| !job.fetched && job.cancelled.is_none())
                .map(|job| job.submitted.id.clone())
                .collect()
        })
    }
}

impl Drop for RunPodServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Connections live in this task, and end with it.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        let reset = Arc::new(AtomicBool::new(false));
        let io = TokioIo::new(ResettableStream::new(socket, Arc::clone(&reset)));
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let service = service_fn(|request| handle(request, &shared, &reset));
            // A client that goes away is part of the game.
            let _: Result<(), hyper::Error> = hyper::server::conn::http1::Builder::new()
                .serve_connection(io, service)
                .await;
        });
    }
}

/// Status, headers and body.
pub(crate) type Reply = (u16, Vec<(&'static str, String)>, String);

fn json_reply(status: u16, body: &Value) -> Reply {
    let content_type = ("content-type", "application/json".to_owned());
    (status, vec![content_type], body.to_string())
}

async fn handle(
    request: Request<Incoming>,
    shared: &Shared,
    reset: &AtomicBool,
) -> Result<Response<Full<Bytes>>, io::Error> {
    let (head, body) = request.into_parts();
    let raw = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let path = head.uri.path().to_owned();
    let target = path.strip_prefix(&format!("/v2/{ENDPOINT}/"));
    let (name, id) = target.map_or(("", None), |target| match target.split_once('/') {
        Some((name, id)) => (name, Some(decode(id))),
        None => (target, None),
    });
    let route = Route::named(&head.method, name).filter(|route| route.needs_id() == id.is_some());
    let call = Call {
        route,
        method: head.method,
        target: head
            .uri
            .path_and_query()
            .map(ToString::to_string)
            .unwrap_or_default(),
        headers: head.headers,
        body: serde_json::from_slice(&raw).unwrap_or_default(),
    };
    let fault = {
        let mut state = shared.state.lock().unwrap();
        state.calls.push(call.clone());
        route.and_then(|route| state.faults.take(route))
    };
    let id = id.unwrap_or_default();
    let wait = head.uri.query().and_then(|query| {
        let value = query.split('&').find_map(|pair| pair.strip_prefix("wait="));
        value?.parse().ok().map(Duration::from_millis)
    });
    let reply = match fault {
        Some(Fault::Before(trouble)) => trouble.happen(None, reset).await?,
        Some(Fault::After(trouble)) => {
            let reply = answer(shared, &call, &id, wait, false).await;
            trouble.happen(Some(reply), reset).await?
        }
        None => answer(shared, &call, &id, wait, true).await,
    };
    let (status, headers, body) = reply;
    headers
        .into_iter()
        .fold(Response::builder().status(status), |response, header| {
            response.header(header.0, header.1)
        })
        .body(Full::from(body))
        .map_err(io::Error::other)
}

fn decode(id: &str) -> String {
    percent_encoding::percent_decode_str(id)
        .decode_utf8_lossy()
        .into_owned()
}

/// What a healthy endpoint says. `arrives` tells whether the caller will get to read it.
async fn answer(
    shared: &Shared,
    call: &Call,
    id: &str,
    wait: Option<Duration>,
    arrives: bool,
) -> Reply {
    let authorization = call.headers.get("authorization");
    if authorization.and_then(|value| value.to_str().ok()) != Some(&format!("Bearer {KEY}")) {
        return (401, Vec::new(), String::new());
    }
    let unknown = || json_reply(404, &json!({"error": "not found"}));
    match call.route {
        None => unknown(),
        Some(Route::Run) => submit(shared, call),
        Some(Route::Status) => look(shared, id, arrives),
        Some(Route::StatusSync) => {
            let mode = shared.state.lock().unwrap().long_poll;
            match mode {
                LongPoll::Unknown => return unknown(),
                LongPoll::NotAllowed => {
                    return json_reply(405, &json!({"detail": "Method Not Allowed"}));
                }
                LongPoll::AtOnce => {}
                LongPoll::Held => hold(shared, id, wait.unwrap_or(Duration::from_secs(90))).await,
            }
            look(shared, id, arrives)
        }
        Some(Route::Retry) => {
            let outcome = shared.state.lock().unwrap().jobs.retry(id, &shared.plan);
            shared.changed.notify_waiters();
            match outcome {
                None => unknown(),
                Some(true) => json_reply(200, &json!({"id": id, "status": "IN_QUEUE"})),
                Some(false) => json_reply(400, &json!({"error": "job is not in a failed state"})),
            }
        }
        Some(Route::Cancel) => {
            let known = shared.state.lock().unwrap().jobs.cancel(id, false);
            shared.changed.notify_waiters();
            if known {
                json_reply(200, &json!({"id": id, "status": "CANCELLED"}))
            } else {
                unknown()
            }
        }
        Some(Route::Health) => {
            let state = shared.state.lock().unwrap();
            let views = state.jobs.views();
            let count = |status| views.iter().filter(|view| view.status == status).count();
            let running = count("IN_PROGRESS");
            let idle = state.jobs.workers().saturating_sub(running);
            json_reply(
                200,
                &json!({
                    "jobs": {"completed": count("COMPLETED"), "failed": count("FAILED"),
                             "inProgress": running, "inQueue": count("IN_QUEUE"), "retried": 0},
                    "workers": {"idle": idle, "running": running, "initializing": 0, "ready": idle,
                                "throttled": state.throttled, "unhealthy": state.unhealthy},
                }),
            )
        }
    }
}

fn submit(shared: &Shared, call: &Call) -> Reply {
    if !call.body["input"].is_object() {
        return json_reply(400, &json!({"error": "input is required"}));
    }
    let mut state = shared.state.lock().unwrap();
    let id = state.jobs.submit(call.body.clone(), &shared.plan);
    json_reply(200, &json!({"id": id, "status": "IN_QUEUE"}))
}

/// Waits until the job has ended, is unknown, or time is up.
async fn hold(shared: &Shared, id: &str, wait: Duration) {
    let deadline = Instant::now() + wait;
    loop {
        let changed = shared.changed.notified();
        let next = match shared.state.lock().unwrap().jobs.view(id) {
            None => return,
            Some(view) if view.is_final() => return,
            Some(view) => view.next,
        };
        let now = Instant::now();
        if now >= deadline {
            return;
        }
        let until = next.unwrap_or(deadline).min(deadline);
        tokio::select! {
            () = tokio::time::sleep_until(until) => {}
            () = changed => {}
        }
    }
}

fn look(shared: &Shared, id: &str, arrives: bool) -> Reply {
    let mut state = shared.state.lock().unwrap();
    *state.polls.entry(id.to_owned()).or_default() += 1;
    let Some(view) = state.jobs.view(id) else {
        return json_reply(404, &json!({"error": "job not found"}));
    };
    if view.is_final() && arrives {
        state.jobs.mark_fetched(id);
    }
    json_reply(200, &view.body)
}
