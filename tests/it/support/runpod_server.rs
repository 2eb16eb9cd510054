//! A simulated RunPod endpoint with a queue: jobs wait for workers and are worked on as a closure says, in the time of tokio.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use hyper::Method;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use super::reset::ResettableStream;
use super::runpod_faults::{Fault, Faults, Route};
use super::runpod_jobs::{JobPlan, Jobs, SubmittedJob};
use super::runpod_routes::handle;

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

pub(super) type Planner = dyn Fn(&SubmittedJob) -> JobPlan + Send + Sync;

pub(super) struct State {
    pub(super) jobs: Jobs,
    pub(super) faults: Faults,
    pub(super) calls: Vec<Call>,
    pub(super) polls: HashMap<String, usize>,
    pub(super) long_poll: LongPoll,
    pub(super) unhealthy: u64,
    pub(super) throttled: u64,
}

pub(super) struct Shared {
    pub(super) plan: Box<Planner>,
    pub(super) state: Mutex<State>,
    pub(super) changed: Notify,
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

    /// Has one call in ten of each route go wrong from now on, beginning with the `first` of four kinds of failure.
    pub(crate) fn mix_faults(&self, first: usize) {
        self.state(|state| state.faults.mix(first));
    }

    /// Forgets a job, as RunPod does when its retention has passed.
    pub(crate) fn forget(&self, id: &str) {
        self.state(|state| state.jobs.forget(id));
    }

    /// Ends the execution of a job, however long it was planned to take.
    pub(crate) fn finish(&self, id: &str) {
        self.state(|state| state.jobs.finish(id));
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
