//! The jobs of a simulated RunPod endpoint. The state of each at any time follows from its arrival time and its plan.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

/// How long results are retained.
const RETENTION: Duration = Duration::from_secs(30 * 60);

/// A job as submitted.
#[derive(Debug, Clone)]
pub(crate) struct SubmittedJob {
    /// Sequence number, starting from 0.
    pub(crate) number: usize,
    pub(crate) id: String,
    /// How often the job has been retried.
    pub(crate) retries: usize,
    /// The request body, including the `input` envelope.
    pub(crate) body: Value,
}

impl SubmittedJob {
    pub(crate) fn input(&self) -> &Value {
        &self.body["input"]
    }

    /// The content of the first message with this role.
    pub(crate) fn message(&self, role: &str) -> &str {
        let messages = self.input()["messages"].as_array().into_iter().flatten();
        messages
            .filter(|message| message["role"] == role)
            .find_map(|message| message["content"].as_str())
            .unwrap_or_default()
    }

    pub(crate) fn max_tokens(&self) -> usize {
        self.input()["sampling_params"]["max_tokens"]
            .as_u64()
            .unwrap_or(0) as usize
    }

    pub(crate) fn correlation_id(&self) -> &str {
        self.input()["correlation_id"].as_str().unwrap_or_default()
    }
}

/// The planned course of a job.
#[derive(Debug, Clone)]
pub(crate) struct JobPlan {
    queue: Duration,
    execution: Duration,
    progress: Option<Value>,
    retention: Duration,
    end: &'static str,
    /// Members added to the job object once it has ended.
    result: Value,
    /// Members of the job object in every state, overriding the others.
    always: Value,
}

impl JobPlan {
    fn ends(end: &'static str, result: Value) -> Self {
        Self {
            queue: Duration::ZERO,
            execution: Duration::ZERO,
            progress: None,
            retention: RETENTION,
            end,
            result,
            always: json!({}),
        }
    }

    /// COMPLETED with this output.
    pub(crate) fn output(output: Value) -> Self {
        Self::ends("COMPLETED", json!({"output": output}))
    }

    /// COMPLETED with the output of a vLLM worker.
    pub(crate) fn text(text: &str) -> Self {
        Self::output(json!([{
            "object": "chat.completion",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 20, "completion_tokens": text.split_whitespace().count()},
        }]))
    }

    /// The same with the tokens of a long prompt, as a server counts them.
    fn counted(mut self, job: &SubmittedJob) -> Self {
        let words = |role| job.message(role).split_whitespace().count();
        let tokens = (words("system") + words("user")) * 4 / 3;
        let counted = self.result.pointer_mut("/output/0/usage/prompt_tokens");
        if let Some(counted) = counted.filter(|counted| **counted == 20 && tokens > 500) {
            *counted = tokens.into();
        }
        self
    }

    /// COMPLETED without an output.
    pub(crate) fn without_output() -> Self {
        Self::ends("COMPLETED", json!({}))
    }

    pub(crate) fn failed(error: impl Into<Value>) -> Self {
        Self::ends("FAILED", json!({"error": error.into()}))
    }

    pub(crate) fn timed_out() -> Self {
        Self::ends("TIMED_OUT", json!({}))
    }

    pub(crate) fn cancelled() -> Self {
        Self::ends("CANCELLED", json!({}))
    }

    /// Unknown as soon as it has ended.
    pub(crate) fn vanishing() -> Self {
        Self::without_output().kept_for(Duration::ZERO)
    }

    pub(crate) fn queued_for(self, queue: Duration) -> Self {
        Self { queue, ..self }
    }

    pub(crate) fn executing_for(self, execution: Duration) -> Self {
        Self { execution, ..self }
    }

    /// Shows this output while it is in progress.
    pub(crate) fn reporting(self, progress: Value) -> Self {
        let progress = Some(progress);
        Self { progress, ..self }
    }

    pub(crate) fn kept_for(self, retention: Duration) -> Self {
        Self { retention, ..self }
    }

    /// Sets these members of the job object in every state, whether true or not.
    pub(crate) fn always_saying(self, always: Value) -> Self {
        Self { always, ..self }
    }
}

/// A job and its history.
pub(crate) struct Job {
    pub(crate) submitted: SubmittedJob,
    plan: JobPlan,
    /// When it arrived or was last retried.
    since: Instant,
    /// Whether its end has been reported to the client.
    pub(crate) fetched: bool,
    /// When the client cancelled it.
    pub(crate) cancelled: Option<Instant>,
    /// When someone else cancelled it.
    cancelled_from_outside: Option<Instant>,
    forgotten: bool,
}

/// The state of a job at one moment.
pub(crate) struct View {
    /// `GONE` if the job is no longer known.
    pub(crate) status: &'static str,
    pub(crate) body: Value,
    /// When the state will change next, if known.
    pub(crate) next: Option<Instant>,
    begun: bool,
}

impl View {
    pub(crate) fn is_final(&self) -> bool {
        !matches!(self.status, "IN_QUEUE" | "IN_PROGRESS")
    }
}

/// All jobs, and the workers.
pub(crate) struct Jobs {
    jobs: Vec<Job>,
    workers: usize,
    workers_since: Instant,
    /// Executions of jobs that were retried afterwards.
    earlier_executions: usize,
}

impl Jobs {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            jobs: Vec::new(),
            workers,
            workers_since: Instant::now(),
            earlier_executions: 0,
        }
    }

    pub(crate) fn all(&self) -> &[Job] {
        &self.jobs
    }

    pub(crate) fn workers(&self) -> usize {
        self.workers
    }

    /// Jobs that have already started keep their start times only if there were no workers before.
    pub(crate) fn set_workers(&mut self, workers: usize) {
        self.workers = workers;
        self.workers_since = Instant::now();
    }

    pub(crate) fn submit(
        &mut self,
        body: Value,
        plan: &dyn Fn(&SubmittedJob) -> JobPlan,
    ) -> String {
        let number = self.jobs.len();
        let id = format!("{number:08x}-5e1f-4c0d-9b1a-2f6d7c8e9a0b-u1");
        let submitted = SubmittedJob {
            number,
            id: id.clone(),
            retries: 0,
            body,
        };
        self.jobs.push(Job {
            plan: plan(&submitted).counted(&submitted),
            submitted,
            since: Instant::now(),
            fetched: false,
            cancelled: None,
            cancelled_from_outside: None,
            forgotten: false,
        });
        id
    }

    fn position(&self, id: &str) -> Option<usize> {
        let found = self.jobs.iter().position(|job| job.submitted.id == id)?;
        let view = self.views().into_iter().nth(found)?;
        (view.status != "GONE").then_some(found)
    }

    /// Retries a job. Returns `None` if it is unknown, `Some(false)` if it has not failed.
    pub(crate) fn retry(
        &mut self,
        id: &str,
        plan: &dyn Fn(&SubmittedJob) -> JobPlan,
    ) -> Option<bool> {
        let found = self.position(id)?;
        let view = self.views().into_iter().nth(found)?;
        if !matches!(view.status, "FAILED" | "TIMED_OUT") {
            return Some(false);
        }
        self.earlier_executions += usize::from(view.begun);
        let job = &mut self.jobs[found];
        job.submitted.retries += 1;
        job.plan = plan(&job.submitted).counted(&job.submitted);
        job.since = Instant::now();
        job.fetched = false;
        Some(true)
    }

    /// Cancels a job. Returns false if it is unknown.
    pub(crate) fn cancel(&mut self, id: &str, from_outside: bool) -> bool {
        let Some(found) = self.position(id) else {
            return false;
        };
        let job = &mut self.jobs[found];
        let moment = if from_outside {
            &mut job.cancelled_from_outside
        } else {
            &mut job.cancelled
        };
        moment.get_or_insert(Instant::now());
        true
    }

    /// Ends the execution of a job that a worker has started.
    pub(crate) fn finish(&mut self, id: &str) {
        if let Some(found) = self.position(id) {
            self.jobs[found].plan.execution = Duration::ZERO;
        }
    }

    pub(crate) fn forget(&mut self, id: &str) {
        if let Some(found) = self.position(id) {
            self.jobs[found].forgotten = true;
        }
    }

    pub(crate) fn mark_fetched(&mut self, id: &str) {
        if let Some(found) = self.position(id) {
            self.jobs[found].fetched = true;
        }
    }

    /// The current state of a job, or `None` if it is no longer known.
    pub(crate) fn view(&self, id: &str) -> Option<View> {
        let found = self.position(id)?;
        self.views().into_iter().nth(found)
    }

    pub(crate) fn executions(&self) -> usize {
        let begun = self.views().iter().filter(|view| view.begun).count();
        self.earlier_executions + begun
    }

    /// The current state of every job. Jobs start in order of arrival, each on the first free worker.
    pub(crate) fn views(&self) -> Vec<View> {
        let now = Instant::now();
        let mut free = vec![self.workers_since; self.workers.min(self.jobs.len())];
        let mut order: Vec<usize> = (0..self.jobs.len()).collect();
        order.sort_by_key(|&at| self.jobs[at].since);
        let mut views: Vec<Option<View>> = self.jobs.iter().map(|_| None).collect();
        for at in order {
            let job = &self.jobs[at];
            let worker = free.iter_mut().min();
            let start = worker
                .as_deref()
                .map(|free| (job.since + job.plan.queue).max(*free));
            let cancelled = job.cancelled.into_iter().chain(job.cancelled_from_outside);
            let cancelled = cancelled.min();
            let end = start.map(|start| start + job.plan.execution);
            if let (Some(worker), Some(start), Some(end)) = (worker, start, end) {
                let end = cancelled.map_or(end, |moment| end.min(moment));
                *worker = end.max(start.min(end)).max(*worker);
            }
            views[at] = Some(job.view(now, start, end, cancelled));
        }
        views.into_iter().flatten().collect()
    }
}

impl Job {
    fn view(
        &self,
        now: Instant,
        start: Option<Instant>,
        end: Option<Instant>,
        cancelled: Option<Instant>,
    ) -> View {
        let passed = |moment: Option<Instant>| moment.is_some_and(|moment| moment <= now);
        let ended = passed(end) && cancelled.is_none_or(|moment| end <= Some(moment));
        let expired = end.is_some_and(|end| ended && end + self.plan.retention <= now);
        let mut body = json!({"id": self.submitted.id, "workerId": "w1"});
        let (status, next) = if self.forgotten || expired {
            ("GONE", None)
        } else if ended {
            merge(&mut body, &self.plan.result);
            let delay = start.map_or(Duration::ZERO, |start| start - self.since);
            let times = json!({"delayTime": delay.as_millis() as u64,
                               "executionTime": self.plan.execution.as_millis() as u64});
            merge(&mut body, &times);
            (self.plan.end, None)
        } else if passed(cancelled) {
            ("CANCELLED", None)
        } else if passed(start) {
            if let Some(progress) = &self.plan.progress {
                merge(&mut body, &json!({"output": progress}));
            }
            ("IN_PROGRESS", end)
        } else {
            ("IN_QUEUE", start)
        };
        merge(&mut body, &json!({"status": status}));
        merge(&mut body, &self.plan.always);
        View {
            status,
            body,
            next,
            begun: passed(start)
                && cancelled.is_none_or(|moment| start.is_some_and(|start| start < moment)),
        }
    }
}

fn merge(body: &mut Value, more: &Value) {
    let more = more.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(more);
}
