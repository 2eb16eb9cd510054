//! A simulated RunPod endpoint with a queue: jobs wait for workers and run as a closure plans, on tokio's clock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use hyper::Method;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::reset;
use super::runpod_batches::{Batches, Status};
use super::runpod_faults::{Fault, Faults, Route};
use super::runpod_jobs::{JobPlan, Jobs, SubmittedJob};
use super::runpod_routes::handle;

/// The only accepted key.
pub(crate) const KEY: &str = "rpa_AbCdEfGhIjKlMnOpQrStUvWxYz";

/// The only existing endpoint.
pub(crate) const ENDPOINT: &str = "abc123def456";

/// The behaviour of `/status-sync`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LongPoll {
    /// Long polling: the reply is delayed until the job is done or the wait is over.
    Held,
    /// Answers immediately.
    AtOnce,
    /// 404: the route does not exist.
    Unknown,
    /// 405: the method is not allowed.
    NotAllowed,
}

/// A request as received.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) route: Option<Route>,
    pub(crate) method: Method,
    /// Path and query as received.
    pub(crate) target: String,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: Value,
}

pub(super) type Planner = dyn Fn(&SubmittedJob) -> JobPlan + Send + Sync;

pub(super) struct State {
    pub(super) jobs: Jobs,
    pub(super) batches: Batches,
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

/// The endpoint, which stops when dropped.
pub(crate) struct RunPodServer {
    origin: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl RunPodServer {
    /// Starts on a free loopback port, with plenty of workers.
    pub(crate) async fn start(
        plan: impl Fn(&SubmittedJob) -> JobPlan + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            plan: Box::new(plan),
            state: Mutex::new(State {
                jobs: Jobs::new(1000),
                batches: Batches::default(),
                faults: Faults::default(),
                calls: Vec::new(),
                polls: HashMap::new(),
                long_poll: LongPoll::Held,
                unhealthy: 0,
                throttled: 0,
            }),
            changed: Notify::new(),
        });
        let accepting = tokio::spawn(reset::serve(listener, {
            let shared = Arc::clone(&shared);
            move |request, reset| {
                let shared = Arc::clone(&shared);
                async move { handle(request, &shared, &reset).await }
            }
        }));
        Self {
            origin,
            shared,
            accepting,
        }
    }

    /// The value for `RUNPOD_ENDPOINT_URL`.
    pub(crate) fn url(&self) -> String {
        format!("{}/v2/{ENDPOINT}", self.origin)
    }

    fn state<T>(&self, use_it: impl FnOnce(&mut State) -> T) -> T {
        let outcome = use_it(&mut self.shared.state.lock().unwrap());
        self.shared.changed.notify_waiters();
        outcome
    }

    /// Sets how many jobs run at a time from now on.
    pub(crate) fn set_workers(&self, workers: usize) {
        self.state(|state| state.jobs.set_workers(workers));
    }

    /// Sets how many idle workers `/health` reports as unhealthy and as throttled.
    pub(crate) fn set_broken_workers(&self, unhealthy: u64, throttled: u64) {
        self.state(|state| (state.unhealthy, state.throttled) = (unhealthy, throttled));
    }

    pub(crate) fn set_long_poll(&self, long_poll: LongPoll) {
        self.state(|state| state.long_poll = long_poll);
    }

    /// Makes the next calls of this route fail, one per fault.
    pub(crate) fn fail_next(&self, route: Route, faults: impl IntoIterator<Item = Fault>) {
        self.state(|state| state.faults.next(route, faults));
    }

    /// Makes every call of this route fail from now on.
    pub(crate) fn fail_always(&self, route: Route, fault: Fault) {
        self.state(|state| state.faults.always(route, Some(fault)));
    }

    /// Stops the failures started by [`fail_always`](Self::fail_always).
    pub(crate) fn heal(&self, route: Route) {
        self.state(|state| state.faults.always(route, None));
    }

    /// Makes one call in ten of each route fail from now on, rotating through four kinds of failure, starting with `first`.
    pub(crate) fn mix_faults(&self, first: usize) {
        self.state(|state| state.faults.mix(first));
    }

    /// Forgets a job, as RunPod does after its retention period.
    pub(crate) fn forget(&self, id: &str) {
        self.state(|state| state.jobs.forget(id));
    }

    /// Ends the execution of a job, however long it was planned to run.
    pub(crate) fn finish(&self, id: &str) {
        self.state(|state| state.jobs.finish(id));
    }

    /// Cancels a job as a user at the console would.
    pub(crate) fn cancel(&self, id: &str) {
        self.state(|state| state.jobs.cancel(id, true));
    }

    /// Sets how many batches may be open at a time.
    pub(crate) fn limit_batches(&self, most: usize) {
        self.state(|state| state.batches.most = most);
    }

    /// The status of every batch and the number of its requests.
    pub(crate) fn batches(&self) -> Vec<(Status, usize)> {
        self.state(|state| state.batches.all())
    }

    /// Cancels a batch as a user at the console would.
    pub(crate) fn cancel_batch(&self, number: usize) {
        self.state(|state| {
            let batch = state.batches.nth(number);
            batch.cancel(&mut state.jobs, true);
        });
    }

    /// Has a batch fail as a whole.
    pub(crate) fn fail_batch(&self, number: usize) {
        self.state(|state| state.batches.nth(number).fail(&mut state.jobs));
    }

    /// Forgets a batch, as RunPod does some time after its end.
    pub(crate) fn forget_batch(&self, number: usize) {
        self.state(|state| state.batches.nth(number).is_gone = true);
    }

    /// Number of requests of this route.
    pub(crate) fn requests(&self, route: Route) -> usize {
        self.count(route)
    }

    /// All requests so far, in order of arrival.
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

    /// Number of requests to `/run`, including refused ones.
    pub(crate) fn submits(&self) -> usize {
        self.count(Route::Run)
    }

    /// Number of polls of `/status` and `/status-sync`.
    pub(crate) fn polls(&self) -> usize {
        self.count(Route::Status) + self.long_polls()
    }

    /// Number of polls of `/status-sync`.
    pub(crate) fn long_polls(&self) -> usize {
        self.count(Route::StatusSync)
    }

    /// Number of polls of one job.
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

    /// Accepted jobs, in order of arrival.
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

    /// Id and status of every job, with `GONE` for jobs that are no longer known.
    pub(crate) fn states(&self) -> Vec<(String, &'static str)> {
        self.state(|state| {
            let views = state.jobs.views();
            let ids = state.jobs.all().iter().map(|job| job.submitted.id.clone());
            ids.zip(views.iter().map(|view| view.status)).collect()
        })
    }

    /// Number of executions that were started, including retries: what RunPod would bill.
    pub(crate) fn executions(&self) -> usize {
        self.state(|state| state.jobs.executions())
    }

    /// Jobs whose result was never fetched and that the client did not cancel.
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
