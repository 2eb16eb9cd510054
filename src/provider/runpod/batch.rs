//! Sends the prompts of a round as one [batch](https://docs.runpod.io/serverless/batch-jobs), which RunPod's batch workers
//! process within hours and at a discount.
//!
//! A batch has two phases. Nothing is started, and nothing is billed, while it is a draft; once it is finalized, nothing can
//! be added. Here a round goes through four steps:
//!
//! 1. **Gather.** The first prompt opens a draft, and the prompts that follow within a moment join it.
//! 2. **Draft.** The prompts are added one by one, and the batch is listed after each. RunPod does not say which id belongs to
//!    which request, and promises no order, so the one new id in the list is how to tell. It becomes part of the call's ticket.
//! 3. **Finalize.** Each call records its ticket in the ledger and confirms that its worker still owns the job. The last one to
//!    do so finalizes the batch.
//! 4. **Collect.** All calls share the polls of their batch. A batch stays FINALIZED: it is done once as many requests have
//!    completed or failed as there are.
//!
//! So there is a ticket for everything that can be billed, whenever the process is killed. A later invocation that finds a
//! ticket of a draft cancels the draft and submits the prompt anew: nothing was paid. If it finds the batch finalized, it
//! collects. Only an answer that RunPod no longer has, and a request that has failed, are paid a second time, once.
//!
//! Transcripts that are summarized at the same time share batches. If one of them gives its calls up, a draft is discarded and
//! the others submit anew, which costs nothing. A finalized batch is cancelled only once nobody waits for any of its requests.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::model::failure::Retry;
use crate::model::{Answer, ErrorKind, Job, ModelClient, ModelError, Ticket};
use crate::prompt::Prompt;
use crate::provider::runpod::follow::insist;
use crate::run::Waiting;

/// A draft with this many requests is closed. Each is listed after it was added, which takes a while.
const MOST_REQUESTS: usize = 100;

/// Attempts to add a request, or to find the one that was added.
const ADD_ATTEMPTS: u32 = 4;

/// The wait before the second of them; it grows by as much for each further one.
const ADD_WAIT: Duration = Duration::from_millis(500);

/// How long the calls of a draft wait for the tickets of the others. They are recorded at the same time, by a few small writes.
const RECORDING: Duration = Duration::from_secs(60);

/// Polls of a batch that is done until a request without a result counts as lost.
const MOST_LATE_POLLS: u32 = 4;

/// How long a batch that is being worked on counts as progress of its job.
const LONGEST_BATCH: Duration = Duration::from_secs(24 * 3600);

/// Begins the ticket of a request in a batch. The ids of the batch and of the request follow, with a slash between them.
const IN_BATCH: &str = "batch:";

/// The operations on batches. All of them are free, apart from what the finalized requests cost.
#[async_trait]
pub trait Batches: Send + Sync {
    /// Creates an empty draft and returns its id.
    async fn create(&self) -> Result<String, ModelError>;

    /// Adds a request to a draft.
    async fn add(&self, batch: &str, prompt: &Prompt) -> Result<(), ModelError>;

    /// Locks the draft and has its requests processed.
    async fn finalize(&self, batch: &str) -> Result<(), ModelError>;

    /// The state of the batch.
    async fn view(&self, batch: &str) -> Result<View, ModelError>;

    /// All of its requests, in no particular order.
    async fn list(&self, batch: &str) -> Result<Vec<Listed>, ModelError>;

    /// Cancels the batch: what is not started is neither done nor billed.
    async fn cancel(&self, batch: &str) -> Result<(), ModelError>;

    /// Reads the answer to `prompt` from a request that is over.
    fn read(&self, request: &Value, prompt: &Prompt) -> Result<Answer, ModelError>;
}

/// A batch as RunPod shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Its status.
    pub status: Status,
    /// The number of its requests.
    pub total: Option<u64>,
    /// How many of them have completed or failed.
    pub over: Option<u64>,
}

/// The status of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Requests may be added; none is processed.
    Draft,
    /// Its requests are processed, or all of them have been.
    Finalized,
    /// It has failed as a whole.
    Failed,
    /// Somebody has cancelled it.
    Cancelled,
}

/// A request of a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// RunPod's id.
    pub id: String,
    /// It has ended, with an answer or without.
    pub is_over: bool,
    /// No worker has started it.
    pub is_pending: bool,
    /// The whole object.
    pub request: Value,
}

/// The waits between the steps.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// A draft is closed when no prompt has joined it for this long.
    pub gather: Duration,
    /// The shortest time between two polls of a batch.
    pub poll: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            gather: Duration::from_secs(1),
            poll: Duration::from_secs(5),
        }
    }
}

/// The longest time between two polls.
const LONGEST_POLL: Duration = Duration::from_secs(60);

/// The time between two polls is this share of the age of the batch.
const POLL_SHARE: u32 = 16;

/// The batches of an endpoint, as far as this process has to do with them.
#[derive(Debug, Default)]
pub struct BatchState {
    /// The waits between the steps.
    pub pace: Pace,
    gathering: Mutex<Option<Gathering>>,
    batches: Mutex<HashMap<String, Arc<Batch>>>,
}

/// A draft that prompts may still join.
#[derive(Debug, Clone)]
struct Gathering {
    prompts: Arc<Mutex<Vec<Prompt>>>,
    /// The tickets of the prompts, once they are drafted. Closed without them if the call that drafts is dropped.
    drafted: watch::Receiver<Option<Drafted>>,
}

type Drafted = Arc<Vec<Result<Ticket, ModelError>>>;

#[derive(Debug)]
struct Batch {
    phase: watch::Sender<Phase>,
    /// What was not sent of a batch of an earlier invocation, once that is known.
    unsent: AsyncMutex<Option<Unsent>>,
    seen: AsyncMutex<Seen>,
    /// The requests that nobody waits for any more.
    given_up: Mutex<HashSet<String>>,
    is_cancelled: AsyncMutex<bool>,
}

/// The requests of a batch that certainly cost nothing.
#[derive(Debug)]
enum Unsent {
    All,
    These(HashSet<String>),
}

/// How far a batch of this process has come.
#[derive(Debug, Clone)]
enum Phase {
    /// So many calls have not recorded their tickets yet.
    Recording(usize),
    /// All tickets are recorded.
    Recorded,
    Finalized,
    /// It will not be finalized.
    Discarded(ModelError),
    /// It could not be finalized, for all that is known.
    Failed(ModelError),
}

/// What polls have shown.
#[derive(Debug)]
struct Seen {
    over: HashMap<String, Value>,
    last: Option<View>,
    /// Polls since all requests are over.
    late: u32,
    next: Instant,
}

impl Batch {
    fn new(phase: Phase) -> Arc<Self> {
        Arc::new(Self {
            phase: watch::Sender::new(phase),
            unsent: AsyncMutex::default(),
            seen: AsyncMutex::new(Seen {
                over: HashMap::new(),
                last: None,
                late: 0,
                next: Instant::now(),
            }),
            given_up: Mutex::default(),
            is_cancelled: AsyncMutex::default(),
        })
    }

    /// Whether its calls are still recording their tickets, or were told that it is discarded.
    fn is_unsent(&self) -> bool {
        !matches!(*self.phase.borrow(), Phase::Finalized | Phase::Failed(_))
    }
}

/// The batch of the ticket, if it is that of a request in a batch.
pub(crate) fn of(ticket: &Ticket) -> Option<&str> {
    Some(ticket.id.strip_prefix(IN_BATCH)?.split_once('/')?.0)
}

/// The ids of the batch and of the request.
fn ids(ticket: &Ticket) -> (&str, &str) {
    let id = ticket.id.strip_prefix(IN_BATCH).unwrap_or(&ticket.id);
    id.split_once('/').unwrap_or((id, ""))
}

fn not_sent(message: impl Into<String>) -> ModelError {
    ModelError::new(ErrorKind::Transient, message)
}

impl BatchState {
    /// Adds the prompt to a draft and returns its ticket. Nothing is processed before [`wait`](Self::wait) has been called
    /// with all tickets of the draft.
    ///
    /// # Errors
    /// If the draft cannot be made, or the request is refused. Nothing is paid then.
    pub async fn submit(&self, api: &dyn Batches, prompt: &Prompt) -> Result<Ticket, ModelError> {
        let (mut gathering, nth, leads) = self.join(prompt);
        if let Some(drafted) = leads {
            let prompts = self.gathered(&gathering).await;
            let tickets = self.draft(api, &prompts).await;
            drafted.send_replace(Some(Arc::new(tickets)));
        }
        let drafted = gathering.drafted.wait_for(Option::is_some).await;
        let ticket = drafted.ok().and_then(|drafted| {
            let tickets = drafted.as_ref()?;
            tickets.get(nth).cloned()
        });
        ticket.unwrap_or_else(|| Err(not_sent("the draft of the batch was given up")))
    }

    /// Joins the draft that is open, or opens one. Whoever opens it drafts it and tells the others.
    fn join(&self, prompt: &Prompt) -> (Gathering, usize, Option<watch::Sender<Option<Drafted>>>) {
        let mut open = lock(&self.gathering);
        if let Some(gathering) = &*open
            && gathering.drafted.has_changed().is_ok()
        {
            let mut prompts = lock(&gathering.prompts);
            if prompts.len() < MOST_REQUESTS {
                prompts.push(prompt.clone());
                return (gathering.clone(), prompts.len() - 1, None);
            }
        }
        let (sender, drafted) = watch::channel(None);
        let gathering = Gathering {
            prompts: Arc::new(Mutex::new(vec![prompt.clone()])),
            drafted,
        };
        *open = Some(gathering.clone());
        (gathering, 0, Some(sender))
    }

    /// The prompts of a draft, once no other joins it.
    async fn gathered(&self, gathering: &Gathering) -> Vec<Prompt> {
        let count = || lock(&gathering.prompts).len();
        loop {
            let before = count();
            sleep(self.pace.gather).await;
            let mut open = lock(&self.gathering);
            if count() == before {
                open.take_if(|open| Arc::ptr_eq(&open.prompts, &gathering.prompts));
                return std::mem::take(&mut *lock(&gathering.prompts));
            }
        }
    }

    /// Makes a draft of the prompts.
    async fn draft(
        &self,
        api: &dyn Batches,
        prompts: &[Prompt],
    ) -> Vec<Result<Ticket, ModelError>> {
        let all = |error: &ModelError| prompts.iter().map(|_| Err(error.clone())).collect();
        let batch = match api.create().await {
            Ok(batch) => batch,
            Err(error) => return all(&error),
        };
        let (mut known, mut tickets) = (HashSet::new(), Vec::new());
        for prompt in prompts {
            let added = add(api, &batch, prompt, &mut known).await;
            if let Err(error) = &added
                && !error.kind.concerns_one_call()
            {
                discard(api, &batch).await;
                return all(error);
            }
            tickets.push(added.map(|id| Ticket {
                id: format!("{IN_BATCH}{batch}/{id}"),
            }));
        }
        if known.is_empty() {
            discard(api, &batch).await;
        } else {
            let drafted = Batch::new(Phase::Recording(known.len()));
            let mut batches = lock(&self.batches);
            batches.retain(|_, batch| Arc::strong_count(batch) > 1 || batch.is_unsent());
            batches.insert(batch, drafted);
        }
        tickets
    }

    fn batch(&self, id: &str) -> Arc<Batch> {
        let mut batches = lock(&self.batches);
        let batch = batches
            .entry(id.to_owned())
            .or_insert_with(|| Batch::new(Phase::Finalized));
        Arc::clone(batch)
    }

    /// Whether the request of a ticket of an earlier invocation was never sent. A draft is cancelled then, so that a worker that
    /// was frozen cannot finalize it.
    ///
    /// # Errors
    /// If the state of the batch cannot be found out.
    pub async fn was_never_sent(
        &self,
        api: &dyn Batches,
        ticket: &Ticket,
        client: &ModelClient,
    ) -> Result<bool, ModelError> {
        let (id, request) = ids(ticket);
        let batch = self.batch(id);
        let mut unsent = batch.unsent.lock().await;
        let found = match unsent.take() {
            Some(found) => found,
            None => find_unsent(api, id, client).await?,
        };
        Ok(match unsent.insert(found) {
            Unsent::All => true,
            Unsent::These(requests) => requests.contains(request),
        })
    }

    /// Whether the draft of a ticket of this invocation was discarded: its request has cost nothing.
    pub fn was_discarded(&self, ticket: &Ticket) -> bool {
        let batch = self.batch(ids(ticket).0);
        matches!(*batch.phase.borrow(), Phase::Discarded(_))
    }

    /// Gives up the request of a ticket. A draft is discarded. A finalized batch is cancelled with the last request that anybody
    /// waits for.
    ///
    /// # Errors
    /// If others wait for requests of the batch, or it cannot be cancelled.
    pub async fn cancel(&self, api: &dyn Batches, ticket: &Ticket) -> Result<(), ModelError> {
        let (id, request) = ids(ticket);
        let batch = self.batch(id);
        lock(&batch.given_up).insert(request.to_owned());
        let is_draft = batch.phase.send_if_modified(|phase| {
            let is_draft = matches!(phase, Phase::Recording(_));
            if is_draft {
                let message = "a request of the draft was given up: the others are submitted anew";
                *phase = Phase::Discarded(not_sent(message));
            }
            is_draft
        });
        let mut is_cancelled = batch.is_cancelled.lock().await;
        if *is_cancelled {
            return Ok(());
        }
        if !is_draft {
            let listed = api.list(id).await?;
            let given_up = lock(&batch.given_up);
            let is_awaited = |one: &Listed| !one.is_over && !given_up.contains(&one.id);
            if listed.iter().any(is_awaited) {
                let message = format!("batch {id} goes on: it has requests of other transcripts");
                return Err(ModelError::new(ErrorKind::Transient, message));
            }
        }
        api.cancel(id).await?;
        *is_cancelled = true;
        Ok(())
    }

    /// Finalizes the batch of the job as soon as all of its tickets are recorded, and waits for the answer.
    ///
    /// # Errors
    /// If another worker owns the job, the batch cannot be finalized, or the request ends without an answer.
    pub async fn wait(
        &self,
        api: &dyn Batches,
        job: Job,
        prompt: &Prompt,
        client: &ModelClient,
    ) -> Result<Answer, ModelError> {
        let (id, request) = ids(&job.ticket);
        let batch = self.batch(id);
        lock(&batch.given_up).remove(request);
        if !job.resumed {
            client.confirm_ownership().await?;
            client
                .until_stopped(finalize(api, id, &batch, client))
                .await??;
            client.tell_of_spending();
        }
        let age = || job.submitted.elapsed();
        let collected = self.collect(api, &batch, (id, request), age, client);
        let request = client.until_stopped(collected).await??;
        api.read(&request, prompt)
    }

    /// Polls the batch until the request is over.
    async fn collect(
        &self,
        api: &dyn Batches,
        batch: &Batch,
        (id, request): (&str, &str),
        age: impl Fn() -> Duration,
        client: &ModelClient,
    ) -> Result<Value, ModelError> {
        loop {
            let mut seen = batch.seen.lock().await;
            if let Some(request) = seen.over.get(request) {
                return Ok(request.clone());
            }
            if let Some(error) = seen.is_missing(id) {
                return Err(error);
            }
            let next = seen.next;
            if Instant::now() < next {
                drop(seen);
                client.pause_until(next).await?;
                continue;
            }
            let view = insist(client, || api.view(id)).await?;
            if seen.last.is_none() && !view.is_over() {
                client.run.tell_of_wait(&Waiting {
                    reason: format!("batch {id} is being processed by RunPod"),
                    longest: LONGEST_BATCH.saturating_sub(age()),
                });
            }
            if seen.has_news(view) {
                let listed = insist(client, || api.list(id)).await?;
                let over = listed.into_iter().filter(|listed| listed.is_over);
                seen.over
                    .extend(over.map(|listed| (listed.id, listed.request)));
            }
            if view.status == Status::Finalized && age() < LONGEST_BATCH {
                client.is_being_worked_on();
            }
            seen.late += u32::from(view.is_over());
            seen.last = Some(view);
            let wait = (age() / POLL_SHARE).clamp(self.pace.poll, LONGEST_POLL);
            seen.next = Instant::now() + wait;
        }
    }
}

impl View {
    fn is_over(&self) -> bool {
        self.total.is_some() && self.over >= self.total
    }
}

impl Seen {
    /// Whether results may have been added since the last poll.
    fn has_news(&self, view: View) -> bool {
        view.status != Status::Finalized
            || view.is_over()
            || view.over.is_none()
            || self.last.and_then(|last| last.over) != view.over
    }

    /// The error for a request that is not over, if it never will be.
    fn is_missing(&self, id: &str) -> Option<ModelError> {
        let (kind, message) = match self.last?.status {
            Status::Cancelled => (
                ErrorKind::Cancelled,
                format!("somebody cancelled batch {id} at RunPod"),
            ),
            Status::Failed => (
                ErrorKind::Lost,
                format!("batch {id} failed at RunPod without a result"),
            ),
            _ if self.late >= MOST_LATE_POLLS => (
                ErrorKind::Lost,
                format!("RunPod counts batch {id} as done, but has no result of this request"),
            ),
            Status::Draft | Status::Finalized => return None,
        };
        Some(ModelError::new(kind, message))
    }
}

/// Adds the prompt to the draft and returns the id of its request, the one in the list that is not `known`.
async fn add(
    api: &dyn Batches,
    batch: &str,
    prompt: &Prompt,
    known: &mut HashSet<String>,
) -> Result<String, ModelError> {
    let mut added = Err(not_sent(""));
    let mut last = not_sent("RunPod does not list the request that was added to a draft");
    let mut is_missing = true;
    for attempt in 0..ADD_ATTEMPTS {
        sleep(ADD_WAIT * attempt).await;
        if is_missing {
            added = api.add(batch, prompt).await;
            is_missing = false;
        }
        // A request whose reply was lost may have been added.
        match api.list(batch).await {
            Ok(listed) => {
                let mut new = listed.into_iter().map(|listed| listed.id);
                let mut new = new.by_ref().filter(|id| !known.contains(id));
                match (new.next(), new.next()) {
                    (Some(id), None) => {
                        known.insert(id.clone());
                        return Ok(id);
                    }
                    (Some(_), Some(_)) => {
                        return Err(not_sent("a draft holds a request twice"));
                    }
                    (None, _) => is_missing = added.is_err(),
                }
            }
            Err(error) => last = error,
        }
        if let Err(error) = &added {
            last = error.clone();
        }
        if !matches!(last.kind.policy().retry, Retry::Free) {
            break;
        }
    }
    Err(last)
}

/// What was not sent of a batch of an earlier invocation. A draft is cancelled.
async fn find_unsent(
    api: &dyn Batches,
    id: &str,
    client: &ModelClient,
) -> Result<Unsent, ModelError> {
    let view = async || match insist(client, || api.view(id)).await {
        Ok(view) => Ok(Some(view.status)),
        // It was processed, for all that is known.
        Err(error) if error.kind == ErrorKind::Lost => Ok(None),
        Err(error) => Err(error),
    };
    let mut found = view().await?;
    if found == Some(Status::Draft) {
        tracing::info!(batch = id, "discarding a draft of an earlier run");
        if discard(api, id).await {
            return Ok(Unsent::All);
        }
        found = view().await?;
    }
    Ok(match found {
        Some(Status::Draft) => Unsent::All,
        // By a run that was killed then, or by somebody who did not want the finalized batch: what a worker had started by then
        // may be billed.
        Some(Status::Cancelled) => {
            let listed = insist(client, || api.list(id)).await?;
            let pending = listed.into_iter().filter(|listed| listed.is_pending);
            Unsent::These(pending.map(|listed| listed.id).collect())
        }
        Some(Status::Finalized | Status::Failed) | None => Unsent::These(HashSet::new()),
    })
}

/// Cancels a draft. Returns false if that is refused.
async fn discard(api: &dyn Batches, batch: &str) -> bool {
    let cancelled = api.cancel(batch).await;
    if let Err(error) = &cancelled {
        tracing::warn!(%error, batch, "could not cancel a draft, which costs nothing");
    }
    cancelled.is_ok()
}

/// Notes that the ticket of a call is recorded, and finalizes the batch once all of them are.
async fn finalize(
    api: &dyn Batches,
    id: &str,
    batch: &Batch,
    client: &ModelClient,
) -> Result<(), ModelError> {
    batch.phase.send_modify(|phase| {
        if let Phase::Recording(left) = phase {
            *phase = match *left {
                0 | 1 => Phase::Recorded,
                left => Phase::Recording(left - 1),
            };
        }
    });
    let mut phase = batch.phase.subscribe();
    let mut is_mine = matches!(*phase.borrow(), Phase::Recorded);
    loop {
        if !is_mine {
            let is_settled =
                |phase: &Phase| !matches!(phase, Phase::Recording(_) | Phase::Recorded);
            // The call that had to do it may have been dropped.
            let _ = timeout(RECORDING, phase.wait_for(is_settled)).await;
        }
        let now = phase.borrow().clone();
        let settled = match &now {
            Phase::Finalized => return Ok(()),
            Phase::Discarded(error) | Phase::Failed(error) => return Err(error.clone()),
            Phase::Recorded => match finalize_now(api, id, client).await {
                Ok(()) => Phase::Finalized,
                Err(error) => Phase::Failed(error),
            },
            Phase::Recording(_) => Phase::Discarded(not_sent(
                "not all requests of a batch could be recorded: it is submitted anew",
            )),
        };
        let is_lapsed = matches!(now, Phase::Recording(_));
        let is_changed = batch.phase.send_if_modified(|phase| {
            let is_open = match phase {
                Phase::Recording(_) => is_lapsed,
                Phase::Recorded => !is_lapsed,
                Phase::Finalized | Phase::Discarded(_) | Phase::Failed(_) => false,
            };
            if is_open {
                *phase = settled;
            }
            is_open
        });
        if is_lapsed && is_changed {
            discard(api, id).await;
        }
        is_mine = true;
    }
}

/// Finalizes the batch, and checks that it is. A request whose reply was lost may have done it.
async fn finalize_now(api: &dyn Batches, id: &str, client: &ModelClient) -> Result<(), ModelError> {
    insist(client, || {
        Box::pin(async move {
            let finalized = api.finalize(id).await;
            match api.view(id).await {
                Ok(view) if view.status != Status::Draft => {
                    tracing::info!(batch = id, requests = view.total, "finalized");
                    Ok(())
                }
                viewed => Err(finalized
                    .and_then(|()| viewed.map(drop))
                    .err()
                    .unwrap_or_else(|| not_sent("RunPod keeps a batch as a draft"))),
            }
        })
    })
    .await
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
