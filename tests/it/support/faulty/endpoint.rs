//! A simulated endpoint, queued or synchronous, that records every submission and every ticket.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};
use transcript_summarizer::model::{
    self, Answer, Capabilities, ErrorKind, Jobs, Model, ModelClient, ModelError, Reply, Ticket,
};
use transcript_summarizer::prompt::{Prompt, Task};
use transcript_summarizer::provider::runpod::follow::{Polled, Queue};

use super::batches::Batch;
use super::hash;
use super::process::Process;
use crate::support::writer::{Habit, SimulatedWriter};

/// How long results are retained.
const KEPT: Duration = Duration::from_secs(1800);

/// The message shown to a user whose key is refused.
pub(crate) const REFUSED_KEY: &str = "RUNPOD_API_KEY is refused: set another (simulated 401)";

/// The kind of a request to the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    Submit,
    Poll,
}

/// A request, as seen by the fault selector.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) question: Question,
    pub(crate) prompt: &'a Prompt,
}

/// A fault of the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The submission is rejected.
    Refused(ErrorKind),
    /// The submission is accepted, but the response is lost.
    AnswerLost,
    /// The submission is accepted, and the result is this error or, if `None`, an empty answer.
    Answers(Option<ErrorKind>),
    /// The job fails this many times and then succeeds.
    Fails { timed_out: bool, times: usize },
    /// The job becomes unknown.
    Vanishes,
    /// No worker starts the job for this long.
    Stuck(Duration),
}

type Troubles = Box<dyn FnMut(&Asked<'_>) -> Option<Trouble> + Send>;

/// A queued job or a synchronous call.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) call: String,
    pub(crate) process: usize,
    pub(crate) submitted: Instant,
    ready: Instant,
    trouble: Option<Trouble>,
    failures: usize,
    /// Whether the client has received the result.
    pub(crate) fetched: bool,
    pub(crate) cancelled: bool,
}

impl Job {
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.ready <= now
    }
}

#[derive(Debug, Default)]
struct State {
    jobs: Vec<Job>,
    requests: usize,
    polls: usize,
    most_in_flight: usize,
}

pub(crate) struct Endpoint {
    pub(crate) queues: bool,
    pub(crate) in_batches: bool,
    pub(super) batches: Mutex<Vec<Batch>>,
    /// The minimum and maximum duration of a job.
    pub(crate) work: (Duration, Duration),
    capabilities: Capabilities,
    writer: SimulatedWriter,
    state: Mutex<State>,
    troubles: Mutex<Option<Troubles>>,
    /// What a worker for whole transcripts returns.
    output: Mutex<Option<String>>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Endpoint")
    }
}

impl Endpoint {
    pub(crate) fn new(
        queues: bool,
        in_batches: bool,
        work: (Duration, Duration),
        capabilities: Capabilities,
    ) -> Self {
        Self {
            queues,
            in_batches,
            batches: Mutex::default(),
            work,
            capabilities,
            writer: SimulatedWriter::new(Habit::Willing),
            state: Mutex::default(),
            troubles: Mutex::default(),
            output: Mutex::default(),
        }
    }

    pub(crate) fn set_troubles(
        &self,
        troubles: impl FnMut(&Asked<'_>) -> Option<Trouble> + Send + 'static,
    ) {
        *self.troubles.lock().unwrap() = Some(Box::new(troubles));
    }

    pub(crate) fn mend(&self) {
        *self.troubles.lock().unwrap() = None;
    }

    /// Number of accepted submissions per call.
    pub(crate) fn submits(&self) -> BTreeMap<String, usize> {
        let mut submits = BTreeMap::new();
        for job in &self.state.lock().unwrap().jobs {
            *submits.entry(job.call.clone()).or_default() += 1;
        }
        submits
    }

    pub(crate) fn jobs(&self) -> Vec<Job> {
        self.state.lock().unwrap().jobs.clone()
    }

    /// Number of submissions, including rejected ones, and number of polls.
    pub(crate) fn requests(&self) -> (usize, usize) {
        let state = self.state.lock().unwrap();
        (state.requests, state.polls)
    }

    /// The maximum number of jobs open at once.
    pub(crate) fn most_in_flight(&self) -> usize {
        self.state.lock().unwrap().most_in_flight
    }

    pub(super) fn trouble(&self, question: Question, prompt: &Prompt) -> Option<Trouble> {
        {
            let mut state = self.state.lock().unwrap();
            match question {
                Question::Submit => state.requests += 1,
                Question::Poll => state.polls += 1,
            }
        }
        let asked = Asked { question, prompt };
        let mut troubles = self.troubles.lock().unwrap();
        troubles.as_mut().and_then(|troubles| troubles(&asked))
    }

    pub(super) fn accept(
        &self,
        process: usize,
        prompt: &Prompt,
        trouble: Option<Trouble>,
    ) -> usize {
        let call = prompt.id();
        let now = Instant::now();
        let (shortest, longest) = self.work;
        let part = hash(&call) % 1000;
        let mut ready = now + shortest + (longest - shortest) * part as u32 / 1000;
        if let Some(Trouble::Stuck(wait)) = trouble {
            ready += wait;
        }
        let mut state = self.state.lock().unwrap();
        state.jobs.push(Job {
            call,
            process,
            submitted: now,
            ready,
            trouble,
            failures: 0,
            fetched: false,
            cancelled: false,
        });
        let open = state
            .jobs
            .iter()
            .filter(|job| job.ready > now && !job.cancelled)
            .count();
        state.most_in_flight = state.most_in_flight.max(open);
        state.jobs.len() - 1
    }

    /// Makes a worker of it that answers every whole transcript with `output`.
    pub(crate) fn answer_transcripts(&self, output: &Value) {
        *self.output.lock().unwrap() = Some(output.to_string());
    }

    /// The result of a job. The same prompt always gets the same answer.
    pub(super) async fn result(
        &self,
        number: usize,
        prompt: &Prompt,
    ) -> Result<Answer, ModelError> {
        let output = self.output.lock().unwrap().clone();
        let written = match output.filter(|_| prompt.request().task == Task::Transcript) {
            Some(text) => Ok(Answer {
                text,
                ..Answer::default()
            }),
            None => self.writer.write(prompt).await,
        };
        let mut state = self.state.lock().unwrap();
        let Some(job) = state.jobs.get_mut(number) else {
            return Err(error(ErrorKind::Lost));
        };
        if job.cancelled || Instant::now() > job.ready + KEPT {
            return Err(error(ErrorKind::Lost));
        }
        job.fetched = true;
        match job.trouble {
            Some(Trouble::Fails { timed_out, times }) if job.failures < times => {
                Err(error(ErrorKind::JobFailed { timed_out }))
            }
            Some(Trouble::Vanishes) => Err(error(ErrorKind::Lost)),
            Some(Trouble::Answers(Some(kind))) => Err(error(kind)),
            Some(Trouble::Answers(None)) => Ok(Answer::default()),
            _ => written,
        }
    }
}

#[async_trait]
impl Model for Process {
    fn capabilities(&self) -> &Capabilities {
        &self.world.endpoint.capabilities
    }

    async fn submit(&self, prompt: &Prompt) -> Result<Reply, ModelError> {
        let endpoint = &self.world.endpoint;
        if endpoint.in_batches {
            return self
                .batch_state
                .submit(self, prompt)
                .await
                .map(Reply::Queued);
        }
        let accept = || match endpoint.trouble(Question::Submit, prompt) {
            Some(Trouble::Refused(kind)) => Err(error(kind)),
            trouble => Ok((endpoint.accept(self.number, prompt, trouble), trouble)),
        };
        let (number, trouble) = self.effect("submit", accept).await?;
        if trouble == Some(Trouble::AnswerLost) {
            return Err(error(ErrorKind::Ambiguous));
        }
        if endpoint.queues {
            let id = format!("job-{number}");
            return Ok(Reply::Queued(Ticket { id }));
        }
        let ready = endpoint.state.lock().unwrap().jobs[number].ready;
        sleep_until(ready).await;
        endpoint.result(number, prompt).await.map(Reply::Done)
    }

    fn jobs(&self) -> Option<&dyn Jobs> {
        self.world.endpoint.queues.then_some(self as &dyn Jobs)
    }
}

#[async_trait]
impl Jobs for Process {
    async fn wait(
        &self,
        job: model::Job,
        prompt: &Prompt,
        client: &ModelClient,
    ) -> Result<Answer, ModelError> {
        if self.world.endpoint.in_batches {
            return self.batch_state.wait(self, job, prompt, client).await;
        }
        self.queue_state.follow(self, job, prompt, client).await
    }

    fn in_batches(&self) -> bool {
        self.world.endpoint.in_batches
    }

    async fn was_never_sent(
        &self,
        ticket: &Ticket,
        client: &ModelClient,
    ) -> Result<bool, ModelError> {
        if !self.world.endpoint.in_batches {
            return Ok(false);
        }
        self.batch_state.was_never_sent(self, ticket, client).await
    }

    fn was_discarded(&self, ticket: &Ticket) -> bool {
        self.world.endpoint.in_batches && self.batch_state.was_discarded(ticket)
    }

    async fn cancel(&self, ticket: &Ticket) -> Result<(), ModelError> {
        let endpoint = &self.world.endpoint;
        if endpoint.in_batches {
            return self.batch_state.cancel(self, ticket).await;
        }
        let cancel = || endpoint.state.lock().unwrap().jobs[number(ticket)].cancelled = true;
        self.effect("cancel", cancel).await;
        Ok(())
    }
}

#[async_trait]
impl Queue for Process {
    async fn poll(
        &self,
        ticket: &Ticket,
        prompt: &Prompt,
        hold: Duration,
    ) -> Result<Polled, ModelError> {
        let endpoint = &self.world.endpoint;
        let number = number(ticket);
        let arrive = || match endpoint.trouble(Question::Poll, prompt) {
            Some(Trouble::Refused(kind)) => Err(error(kind)),
            _ => Ok(endpoint.state.lock().unwrap().jobs[number].ready),
        };
        let ready = self.effect("poll", arrive).await?;
        let until = ready.min(Instant::now() + hold);
        sleep_until(until).await;
        if ready <= Instant::now() {
            return endpoint.result(number, prompt).await.map(Polled::Done);
        }
        Ok(Polled::Pending {
            started: true,
            held: !hold.is_zero(),
        })
    }

    async fn rerun(&self, ticket: &Ticket) -> Result<(), ModelError> {
        let endpoint = &self.world.endpoint;
        let rerun = || {
            let mut state = endpoint.state.lock().unwrap();
            let job = &mut state.jobs[number(ticket)];
            job.failures += 1;
            job.ready = Instant::now() + endpoint.work.0;
        };
        self.effect("retry", rerun).await;
        Ok(())
    }

    async fn diagnose(&self) -> Result<(), ModelError> {
        Ok(())
    }

    /// No long polling: the driver delays its first poll until the job may be done.
    fn holds(&self) -> bool {
        false
    }
}

fn number(ticket: &Ticket) -> usize {
    ticket.id.strip_prefix("job-").unwrap().parse().unwrap()
}

pub(super) fn error(kind: ErrorKind) -> ModelError {
    let message = match kind {
        ErrorKind::Configuration => REFUSED_KEY.to_owned(),
        _ => format!("simulated: {kind:?}"),
    };
    ModelError::new(kind, message)
}
