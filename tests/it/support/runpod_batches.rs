//! The [batches](https://docs.runpod.io/serverless/batch-jobs) of a simulated RunPod endpoint. The requests of a batch become jobs
//! when it is finalized.

use serde::Serialize;
use serde_json::{Value, json};

use super::runpod_jobs::Jobs;
use super::runpod_server::Planner;

/// The status of a batch. There is none for a batch that is being processed, or is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Status {
    Draft,
    Finalized,
    Failed,
    Cancelled,
}

#[derive(Debug, Clone)]
pub(crate) struct Batch {
    id: String,
    status: Status,
    requests: Vec<Request>,
    /// It is no longer known.
    pub(crate) is_gone: bool,
}

#[derive(Debug, Clone)]
struct Request {
    id: String,
    body: Value,
    /// The id of its job.
    job: Option<String>,
}

/// The reply to a request for the state of a batch.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    id: String,
    endpoint_id: &'static str,
    status: Status,
    request_total: usize,
    request_in_progress: usize,
    request_completed: usize,
    request_failed: usize,
    created_at: i64,
}

/// A page of the requests of a batch.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    requests: Vec<Value>,
    total: usize,
    offset: usize,
    limit: usize,
    has_more: bool,
}

#[derive(Debug)]
pub(crate) struct Batches {
    batches: Vec<Batch>,
    /// How many batches may be drafted or processed at a time.
    pub(crate) most: usize,
}

impl Default for Batches {
    fn default() -> Self {
        Self {
            batches: Vec::new(),
            most: 10,
        }
    }
}

/// Status and body of a reply.
type Reply = (u16, Value);

fn refused(why: &str) -> Reply {
    (400, json!({ "error": why }))
}

impl Batches {
    pub(crate) fn create(&mut self, body: &Value) -> Reply {
        let Some(requests) = body.as_array() else {
            return refused("the body must be an array of requests");
        };
        if self.batches.len() >= self.most {
            return refused("too many active batches");
        }
        let mut batch = Batch {
            id: format!("batch_{}", self.batches.len()),
            status: Status::Draft,
            requests: Vec::new(),
            is_gone: false,
        };
        batch.push(requests);
        let created = json!({"id": batch.id, "status": batch.status});
        self.batches.push(batch);
        (200, created)
    }

    pub(crate) fn get(&mut self, id: &str) -> Option<&mut Batch> {
        self.batches
            .iter_mut()
            .find(|batch| batch.id == id && !batch.is_gone)
    }

    pub(crate) fn nth(&mut self, number: usize) -> &mut Batch {
        &mut self.batches[number]
    }

    /// The status and size of every batch.
    pub(crate) fn all(&self) -> Vec<(Status, usize)> {
        let batches = self.batches.iter();
        batches
            .map(|batch| (batch.status, batch.requests.len()))
            .collect()
    }
}

impl Batch {
    fn push(&mut self, requests: &[Value]) {
        for body in requests {
            // Ids in another order than the requests.
            let id = format!("req_{:03}", (self.requests.len() * 389 + 7) % 1000);
            let (body, job) = (body.clone(), None);
            self.requests.push(Request { id, body, job });
        }
    }

    pub(crate) fn add(&mut self, requests: &Value) -> Reply {
        match requests.as_array() {
            Some(requests) if self.status == Status::Draft => {
                self.push(requests);
                (200, json!({}))
            }
            Some(_) => refused("the batch is not a draft"),
            None => refused("requests must be an array"),
        }
    }

    pub(crate) fn finalize(&mut self, jobs: &mut Jobs, plan: &Planner) -> Reply {
        if self.status != Status::Draft {
            return refused("the batch is not a draft");
        }
        self.status = Status::Finalized;
        for request in &mut self.requests {
            request.job = Some(jobs.submit(request.body.clone(), plan));
        }
        (200, json!({"id": self.id, "status": self.status}))
    }

    /// The states of the requests.
    fn states(&self, jobs: &Jobs) -> Vec<(&Request, &'static str, Value)> {
        let state = |request: &Request| {
            let view = request.job.as_deref().and_then(|job| jobs.view(job));
            view.map_or(("PENDING", json!({})), |view| (view.status, view.body))
        };
        let requests = self.requests.iter();
        requests
            .map(|request| {
                let (status, body) = state(request);
                (request, status, body)
            })
            .collect()
    }

    pub(crate) fn view(&self, jobs: &Jobs) -> Reply {
        let states = self.states(jobs);
        let count = |names: &[&str]| {
            let states = states.iter();
            states.filter(|(_, name, _)| names.contains(name)).count()
        };
        let summary = Summary {
            id: self.id.clone(),
            endpoint_id: super::runpod_server::ENDPOINT,
            status: self.status,
            request_total: self.requests.len(),
            request_in_progress: count(&["IN_PROGRESS"]),
            request_completed: count(&["COMPLETED"]),
            request_failed: count(&["FAILED", "TIMED_OUT"]),
            created_at: 1_783_584_000_000,
        };
        (200, json!(summary))
    }

    /// A page of the requests, in the order of their ids.
    pub(crate) fn list(
        &self,
        jobs: &mut Jobs,
        offset: usize,
        limit: usize,
        arrives: bool,
    ) -> Reply {
        let mut states = self.states(jobs);
        states.sort_by(|(one, ..), (other, ..)| one.id.cmp(&other.id));
        let total = states.len();
        let page = states.into_iter().skip(offset).take(limit);
        let mut fetched = Vec::new();
        let requests: Vec<Value> = page
            .map(|(request, status, mut body)| {
                if matches!(status, "COMPLETED" | "FAILED" | "TIMED_OUT") {
                    fetched.extend(request.job.clone());
                }
                body["id"] = json!(request.id);
                body["status"] = json!(status);
                body
            })
            .collect();
        if arrives {
            fetched.iter().for_each(|job| jobs.mark_fetched(job));
        }
        let has_more = offset + requests.len() < total;
        let page = Page {
            requests,
            total,
            offset,
            limit,
            has_more,
        };
        (200, json!(page))
    }

    /// Cancels what has not been started. What has is finished and billed.
    pub(crate) fn cancel(&mut self, jobs: &mut Jobs, from_outside: bool) -> Reply {
        if !matches!(self.status, Status::Draft | Status::Finalized) {
            return refused("the batch has ended");
        }
        self.status = Status::Cancelled;
        self.stop(jobs, from_outside);
        (200, json!({"id": self.id, "status": self.status}))
    }

    pub(crate) fn fail(&mut self, jobs: &mut Jobs) {
        self.status = Status::Failed;
        self.stop(jobs, true);
    }

    fn stop(&self, jobs: &mut Jobs, from_outside: bool) {
        let queued: Vec<String> = self
            .states(jobs)
            .into_iter()
            .filter(|(_, status, _)| *status == "IN_QUEUE")
            .filter_map(|(request, ..)| request.job.clone())
            .collect();
        for job in queued {
            jobs.cancel(&job, from_outside);
        }
    }
}
