//! The batches of a simulated endpoint. Creating, adding, listing and so on are effects at which the process can be killed.

use async_trait::async_trait;
use serde_json::Value;
use tokio::time::Instant;
use transcript_summarizer::model::{Answer, ErrorKind, ModelError};
use transcript_summarizer::prompt::Prompt;
use transcript_summarizer::provider::runpod::batch::{Batches, Listed, Status, View};

use super::endpoint::{Question, error};
use super::hash;
use super::process::Process;

/// A batch, whose requests become jobs when it is finalized: only they are paid.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) status: Status,
    requests: Vec<Request>,
}

#[derive(Debug, Clone)]
struct Request {
    id: String,
    prompt: Prompt,
    /// The number of its job.
    job: Option<usize>,
}

impl Process {
    /// Does something with a batch, as one effect.
    async fn with_batch<T>(&self, effect: &str, id: &str, act: impl FnOnce(&mut Batch) -> T) -> T {
        let number: usize = id.strip_prefix("batch-").unwrap().parse().unwrap();
        let endpoint = &self.world.endpoint;
        self.effect(
            effect,
            || act(&mut endpoint.batches.lock().unwrap()[number]),
        )
        .await
    }
}

#[async_trait]
impl Batches for Process {
    async fn create(&self) -> Result<String, ModelError> {
        let create = || {
            let mut batches = self.world.endpoint.batches.lock().unwrap();
            batches.push(Batch {
                status: Status::Draft,
                requests: Vec::new(),
            });
            format!("batch-{}", batches.len() - 1)
        };
        Ok(self.effect("create", create).await)
    }

    async fn add(&self, batch: &str, prompt: &Prompt) -> Result<(), ModelError> {
        let add = |batch: &mut Batch| {
            batch.requests.push(Request {
                id: format!("req-{:x}", hash((prompt.id(), batch.requests.len()))),
                prompt: prompt.clone(),
                job: None,
            });
            // The order of a list is nobody's business.
            batch.requests.sort_by(|one, other| one.id.cmp(&other.id));
        };
        self.with_batch("add", batch, add).await;
        Ok(())
    }

    async fn finalize(&self, batch: &str) -> Result<(), ModelError> {
        let endpoint = &self.world.endpoint;
        let finalize = |batch: &mut Batch| {
            if batch.status != Status::Draft {
                return Err(error(ErrorKind::Throttled { retry_after: None }));
            }
            batch.status = Status::Finalized;
            for request in &mut batch.requests {
                let trouble = endpoint.trouble(Question::Submit, &request.prompt);
                request.job = Some(endpoint.accept(self.number, &request.prompt, trouble));
            }
            Ok(())
        };
        self.with_batch("finalize", batch, finalize).await
    }

    async fn view(&self, batch: &str) -> Result<View, ModelError> {
        let jobs = self.world.endpoint.jobs();
        let view = |batch: &mut Batch| View {
            status: batch.status,
            total: Some(batch.requests.len() as u64),
            over: Some(
                batch
                    .requests
                    .iter()
                    .filter(|request| is_over(request, &jobs))
                    .count() as u64,
            ),
        };
        Ok(self.with_batch("view", batch, view).await)
    }

    async fn list(&self, batch: &str) -> Result<Vec<Listed>, ModelError> {
        let requests = self
            .with_batch("list", batch, |batch| batch.requests.clone())
            .await;
        let endpoint = &self.world.endpoint;
        let jobs = endpoint.jobs();
        let mut listed = Vec::new();
        for request in requests {
            let is_over = is_over(&request, &jobs);
            let result = match request.job {
                Some(job) if is_over => Some(endpoint.result(job, &request.prompt).await),
                _ => None,
            };
            listed.push(Listed {
                id: request.id,
                is_over,
                is_pending: request.job.is_none(),
                request: serde_json::to_value(result).unwrap(),
            });
        }
        Ok(listed)
    }

    async fn cancel(&self, batch: &str) -> Result<(), ModelError> {
        let cancel = |batch: &mut Batch| {
            assert_eq!(batch.status, Status::Draft, "what was paid is cancelled");
            batch.status = Status::Cancelled;
        };
        self.with_batch("cancel", batch, cancel).await;
        Ok(())
    }

    fn read(&self, request: &Value, _: &Prompt) -> Result<Answer, ModelError> {
        serde_json::from_value::<Option<Result<Answer, ModelError>>>(request.clone())
            .unwrap()
            .unwrap()
    }
}

fn is_over(request: &Request, jobs: &[super::endpoint::Job]) -> bool {
    request
        .job
        .is_some_and(|job| jobs[job].is_over(Instant::now()))
}
