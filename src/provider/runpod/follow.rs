//! Waits for a queued job: polls it, reruns it under its id if it fails, and checks the workers if none picks it up.
//!
//! - With long polling, one poll is usually enough and the next one can follow at once. Without it, the durations of earlier
//!   jobs determine when to poll (`Schedule`).
//! - Polls are free and the job keeps running in the meantime, so failed polls are retried many times. This module never
//!   submits the prompt a second time.
//! - A failed job is rerun under its id instead of being submitted again: a different worker may succeed.
//! - The endpoint may not know a job yet in the first seconds after its submission.
//! - An endpoint with a maximum of 0 workers keeps jobs in its queue until they expire. So if a job is still queued after a
//!   minute, the endpoint's workers are checked. Two checks in a row that find no usable worker end the wait.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::model::failure::Retry;
use crate::model::jitter::Backoff;
use crate::model::{Answer, ErrorKind, Job, ModelClient, ModelError, Ticket};
use crate::prompt::Prompt;
use crate::provider::runpod::request::TIME_TO_LIVE;
use crate::provider::runpod::schedule::Schedule;

/// The longest long poll once a worker has started the job.
const HOLD: Duration = Duration::from_secs(90);

/// The longest long poll while the job is queued. It is shorter, because a missing worker is noticed only between polls.
const HOLD_IN_QUEUE: Duration = Duration::from_secs(45);

/// A long poll returns at least this long before the end of the invocation.
const RETURN_RESERVE: Duration = Duration::from_millis(500);

/// How long a job may stay queued before the workers are checked. A worker usually starts within some tens of seconds.
const DIAGNOSE_AFTER: Duration = Duration::from_secs(60);

/// The minimum time between two checks of the workers.
const DIAGNOSE_EVERY: Duration = Duration::from_secs(20);

/// How long after its submission a job may still be unknown to the endpoint.
const SETTLING: Duration = Duration::from_secs(5);

/// The time between polls of a job that is not known yet.
const SETTLING_WAIT: Duration = Duration::from_secs(1);

/// Reruns of a failed job, at most. If three runs have failed, a fourth seldom succeeds.
const MAX_RERUNS: usize = 2;

/// Reruns of a job that timed out or has a whole transcript to read, at most: every run takes a long time.
const MAX_LONG_RERUNS: usize = 1;

/// The wait ends when this many polls in a row have failed.
const MAX_FAILED_POLLS: u32 = 12;

/// The backoff between failed polls.
const POLL_BACKOFF: Backoff = Backoff {
    shortest: Duration::from_millis(500),
    longest: Duration::from_secs(15),
};

/// The job operations of a queue.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Polls a job once. An endpoint with long polling holds the request until the job is done, for at most `hold`.
    async fn poll(
        &self,
        ticket: &Ticket,
        prompt: &Prompt,
        hold: Duration,
    ) -> Result<Polled, ModelError>;

    /// Reruns a failed job under its ticket.
    async fn rerun(&self, ticket: &Ticket) -> Result<(), ModelError>;

    /// Checks why jobs stay queued. An error means that no worker is going to start them.
    async fn diagnose(&self) -> Result<(), ModelError>;

    /// Whether the endpoint supports long polling, as far as is known.
    fn holds(&self) -> bool;
}

/// The state of a job at the endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polled {
    /// The job is done.
    Done(Answer),
    /// The job is queued or running.
    Pending {
        /// A worker has started the job.
        started: bool,
        /// This was a long poll, so the next poll may follow at once.
        held: bool,
    },
}

/// What all jobs of a queue have shown about it.
#[derive(Debug, Default)]
pub struct QueueState {
    schedule: Schedule,
    /// When the workers were last checked, and whether none was usable.
    diagnosed: Mutex<Option<(Instant, bool)>>,
}

impl QueueState {
    /// Waits for the answer to `job`.
    ///
    /// # Errors
    /// If the job fails for good or is lost, polls keep failing, no worker is going to start the job, or the call is stopped
    /// or out of time.
    pub async fn follow(
        &self,
        queue: &dyn Queue,
        job: Job,
        prompt: &Prompt,
        client: &ModelClient,
    ) -> Result<Answer, ModelError> {
        let (ticket, submitted) = (&job.ticket, job.submitted);
        let followed_since = Instant::now();
        let mut started = job.resumed;
        let mut held = job.resumed || queue.holds();
        let mut failed_polls = FailedPolls::default();
        let mut reruns = 0;
        let mut key_renewed = false;
        loop {
            if !held {
                let next = submitted + self.schedule.next(submitted.elapsed());
                client.pause_until(next).await?;
            }
            let hold = if started { HOLD } else { HOLD_IN_QUEUE };
            let left = client.run.time_left().unwrap_or(hold);
            let hold = hold.min(left.saturating_sub(RETURN_RESERVE));
            let polled = queue.poll(ticket, prompt, hold);
            let error = match client.until_stopped(polled).await? {
                Ok(Polled::Done(answer)) => {
                    // Whatever unit the endpoint reports it in, the job took no longer than since its submission.
                    let since = submitted.elapsed();
                    let took = answer.job_time.map_or(since, |told| told.min(since));
                    self.schedule.learn(took);
                    return Ok(answer);
                }
                Ok(Polled::Pending {
                    started: is_started,
                    held: was_held,
                }) => {
                    (started, held) = (is_started, was_held);
                    if started && prompt.linked().is_some() && submitted.elapsed() < TIME_TO_LIVE {
                        // It takes longer than an invocation.
                        client.is_being_worked_on();
                    }
                    failed_polls = FailedPolls::default();
                    client.waits_for_worker(started)?;
                    if !started && submitted.elapsed() >= DIAGNOSE_AFTER {
                        self.diagnose(queue, ticket, followed_since).await?;
                    }
                    continue;
                }
                Err(error) => error,
            };
            held = true;
            let wait = match error.kind {
                ErrorKind::Configuration
                    if !std::mem::replace(&mut key_renewed, true)
                        && client.model.renew_key().await =>
                {
                    continue;
                }
                ErrorKind::Lost if submitted.elapsed() < SETTLING => SETTLING_WAIT,
                ErrorKind::JobFailed { timed_out } => {
                    let is_long = prompt.linked().is_some();
                    let most = match timed_out || is_long {
                        // Each invocation would run it once more.
                        true if is_long && job.resumed => 0,
                        true => MAX_LONG_RERUNS,
                        false => MAX_RERUNS,
                    };
                    if reruns >= most {
                        return Err(error);
                    }
                    reruns += 1;
                    tracing::warn!(job = ticket.id, %error, "running the job again");
                    client.count_rerun()?;
                    insist(client, || queue.rerun(ticket)).await?;
                    POLL_BACKOFF.shortest
                }
                kind => {
                    let wait = failed_polls.next(kind, client);
                    let Some(wait) = wait.filter(|_| !client.is_probing()) else {
                        return Err(error);
                    };
                    tracing::warn!(job = ticket.id, %error, wait_ms = wait.as_millis(), "could not poll the job");
                    if matches!(kind, ErrorKind::Throttled { .. }) {
                        client.limiter.hold_back(wait);
                    }
                    wait
                }
            };
            client.pause_until(Instant::now() + wait).await?;
        }
    }

    /// Checks why a job is still queued. Fails if two checks in a row have found no usable worker. Checks before `since`
    /// don't count: workers may have been added, and other jobs may have finished in the meantime.
    async fn diagnose(
        &self,
        queue: &dyn Queue,
        ticket: &Ticket,
        since: Instant,
    ) -> Result<(), ModelError> {
        // If the lock is taken, another call is checking right now.
        let Ok(mut diagnosed) = self.diagnosed.try_lock() else {
            return Ok(());
        };
        let had_no_worker = match *diagnosed {
            Some((at, _)) if at.elapsed() < DIAGNOSE_EVERY => return Ok(()),
            Some((at, had_no_worker)) => had_no_worker && at > since,
            None => false,
        };
        let found = queue.diagnose().await;
        *diagnosed = Some((Instant::now(), found.is_err()));
        match found {
            Err(error) if had_no_worker => {
                tracing::error!(job = ticket.id, %error, "no worker will start the job");
                Err(error)
            }
            Err(_) | Ok(()) => Ok(()),
        }
    }
}

/// Sends a request that is free and safe to repeat until it succeeds. Failed requests are retried like failed polls.
pub(crate) async fn insist<'a, T>(
    client: &ModelClient,
    request: impl Fn() -> BoxFuture<'a, Result<T, ModelError>>,
) -> Result<T, ModelError> {
    let mut failed = FailedPolls::default();
    let mut key_renewed = false;
    loop {
        let error = match request().await {
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        if error.kind == ErrorKind::Configuration
            && !std::mem::replace(&mut key_renewed, true)
            && client.model.renew_key().await
        {
            continue;
        }
        let wait = failed.next(error.kind, client);
        let Some(wait) = wait.filter(|_| !client.is_probing()) else {
            return Err(error);
        };
        client.pause_until(Instant::now() + wait).await?;
    }
}

/// Consecutive failed polls.
#[derive(Debug, Default)]
struct FailedPolls {
    count: u32,
    last_wait: Duration,
}

impl FailedPolls {
    /// Counts a failed poll and returns how long to wait before the next one. `None` if the limit is reached or a retry
    /// would not help.
    fn next(&mut self, kind: ErrorKind, client: &ModelClient) -> Option<Duration> {
        let asked = match kind.policy().retry {
            Retry::WhenAdmitted { asked } => asked,
            Retry::Free => None,
            Retry::MaybeBilled | Retry::Never => return None,
        };
        self.count += 1;
        client.is_down_since(Instant::now(), kind);
        if client.time_to_takeover(kind) == Some(Duration::ZERO) {
            return None;
        }
        self.last_wait = POLL_BACKOFF.after(self.last_wait, &client.jitter);
        // An endpoint that asks for next to nothing would use up the polls at once.
        let asked = asked.filter(|asked| *asked >= POLL_BACKOFF.shortest);
        (self.count < MAX_FAILED_POLLS).then(|| asked.unwrap_or(self.last_wait))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use futures_util::future::join_all;

    use super::*;
    use crate::clock::Clock;
    use crate::model::{CallOptions, Capabilities, Jobs, Model, Reply, SCRIPTED, Usage};
    use crate::prompt::tests::prompt;
    use crate::prompt::{Style, Task};
    use crate::run::Run;

    /// Queues every prompt as a job, answers polls as scripted, and records the requests.
    #[derive(Debug)]
    struct Scripted {
        state: QueueState,
        /// The results of the polls in order; the last one is repeated.
        polls: Mutex<VecDeque<Result<Polled, ModelError>>>,
        /// How long each poll is held.
        held: Duration,
        has_no_workers: bool,
        /// Whether renewing the key finds a new one.
        is_rotated: bool,
        asked: Mutex<Vec<&'static str>>,
    }

    impl Scripted {
        fn new(polls: Vec<Result<Polled, ModelError>>, held_seconds: u64) -> Self {
            Self {
                state: QueueState::default(),
                polls: Mutex::new(polls.into()),
                held: Duration::from_secs(held_seconds),
                has_no_workers: false,
                is_rotated: false,
                asked: Mutex::default(),
            }
        }

        fn note(&self, what: &'static str) {
            self.asked.lock().unwrap().push(what);
        }

        fn count(&self, what: &str) -> usize {
            let asked = self.asked.lock().unwrap();
            asked.iter().filter(|one| **one == what).count()
        }
    }

    #[async_trait]
    impl Model for Scripted {
        fn capabilities(&self) -> &Capabilities {
            &SCRIPTED
        }

        async fn submit(&self, _: &Prompt) -> Result<Reply, ModelError> {
            self.note("submit");
            let id = "j1".to_owned();
            Ok(Reply::Queued(Ticket { id }))
        }

        fn jobs(&self) -> Option<&dyn Jobs> {
            Some(self)
        }

        async fn renew_key(&self) -> bool {
            self.is_rotated
        }
    }

    #[async_trait]
    impl Jobs for Scripted {
        async fn wait(
            &self,
            job: Job,
            prompt: &Prompt,
            client: &ModelClient,
        ) -> Result<Answer, ModelError> {
            self.state.follow(self, job, prompt, client).await
        }

        async fn cancel(&self, _: &Ticket) -> Result<(), ModelError> {
            self.note("cancel");
            Ok(())
        }
    }

    #[async_trait]
    impl Queue for Scripted {
        async fn poll(&self, _: &Ticket, _: &Prompt, _: Duration) -> Result<Polled, ModelError> {
            self.note("poll");
            let polled = {
                let mut polls = self.polls.lock().unwrap();
                match polls.len() {
                    1 => polls[0].clone(),
                    _ => polls.pop_front().unwrap(),
                }
            };
            tokio::time::sleep(self.held).await;
            polled
        }

        async fn rerun(&self, _: &Ticket) -> Result<(), ModelError> {
            self.note("rerun");
            Ok(())
        }

        async fn diagnose(&self) -> Result<(), ModelError> {
            self.note("diagnose");
            if self.has_no_workers {
                return Err(ModelError::new(ErrorKind::Configuration, "no workers"));
            }
            Ok(())
        }

        fn holds(&self) -> bool {
            true
        }
    }

    fn done() -> Result<Polled, ModelError> {
        Ok(Polled::Done(Answer::default()))
    }

    fn not_started() -> Result<Polled, ModelError> {
        Ok(Polled::Pending {
            started: false,
            held: true,
        })
    }

    fn fails(kind: ErrorKind) -> Result<Polled, ModelError> {
        Err(ModelError::new(kind, format!("{kind:?}")))
    }

    fn a_prompt() -> Prompt {
        prompt(Task::Section, Style::Full)
    }

    fn client(queue: &Arc<Scripted>, run: &Run) -> ModelClient {
        let options = CallOptions {
            max_calls: 20,
            concurrency: 4,
            ..CallOptions::default()
        };
        ModelClient::new(queue.clone(), None, options, run)
    }

    /// Makes one call to `queue`.
    async fn outcome(queue: Scripted) -> (Result<Answer, ErrorKind>, Usage, Arc<Scripted>) {
        let queue = Arc::new(queue);
        let client = client(&queue, &Run::new(Clock::System));
        let outcome = client.call(&a_prompt()).await;
        (outcome.map_err(|error| error.kind), client.usage(), queue)
    }

    #[tokio::test(start_paused = true)]
    async fn a_held_question_finds_the_job_done_with_two_requests() {
        let (answer, usage, queue) = outcome(Scripted::new(vec![done()], 15)).await;
        assert!(answer.is_ok());
        assert_eq!((queue.count("submit"), queue.count("poll")), (1, 1));
        assert_eq!(usage.calls, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_is_never_submitted_twice_because_of_failed_questions() {
        let mut polls = vec![fails(ErrorKind::Transient); 8];
        polls.push(fails(ErrorKind::Throttled {
            retry_after: Some(Duration::from_secs(30)),
        }));
        polls.push(done());
        let (answer, _, queue) = outcome(Scripted::new(polls, 0)).await;
        assert!(answer.is_ok());
        assert_eq!((queue.count("submit"), queue.count("poll")), (1, 10));

        let polls = vec![fails(ErrorKind::Transient)];
        let (answer, _, queue) = outcome(Scripted::new(polls, 0)).await;
        assert_eq!(answer, Err(ErrorKind::Transient));
        assert_eq!(queue.count("submit"), 1, "the job may still go on");
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_outlives_its_key() {
        let polls = vec![fails(ErrorKind::Configuration), done()];
        let (answer, _, queue) = outcome(Scripted {
            is_rotated: true,
            ..Scripted::new(polls, 1)
        })
        .await;
        assert!(answer.is_ok());
        assert_eq!((queue.count("submit"), queue.count("poll")), (1, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn failed_jobs_run_again_under_their_ticket() {
        let failed = fails(ErrorKind::JobFailed { timed_out: false });
        let polls = vec![failed.clone(), failed.clone(), done()];
        let (answer, usage, queue) = outcome(Scripted::new(polls, 1)).await;
        assert!(answer.is_ok());
        assert_eq!((queue.count("submit"), queue.count("rerun")), (1, 2));
        assert_eq!((usage.retries, usage.resubmitted), (2, 0));

        let slow = fails(ErrorKind::JobFailed { timed_out: true });
        for (failure, reruns) in [(failed, 2), (slow, 1)] {
            let (answer, _, queue) = outcome(Scripted::new(vec![failure], 1)).await;
            assert!(answer.is_err());
            assert_eq!((queue.count("submit"), queue.count("rerun")), (1, reruns));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_job_is_asked_after_for_a_moment_and_submitted_once_more() {
        let lost = || fails(ErrorKind::Lost);
        let (answer, usage, queue) = outcome(Scripted::new(vec![lost()], 0)).await;
        assert_eq!(answer, Err(ErrorKind::Lost));
        assert_eq!((queue.count("submit"), usage.resubmitted), (2, 1));
        assert!(queue.count("poll") >= 8, "it may not be known at once");

        // The endpoint learns of the job a moment later.
        let (answer, _, queue) = outcome(Scripted::new(vec![lost(), done()], 0)).await;
        assert!(answer.is_ok());
        assert_eq!(queue.count("submit"), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_no_worker_serves_is_reported_and_its_jobs_are_cancelled() {
        let queue = Arc::new(Scripted {
            has_no_workers: true,
            ..Scripted::new(vec![not_started()], 45)
        });
        // Checks made before this wait began don't count.
        for diagnoses in [2, 4] {
            let client = client(&queue, &Run::new(Clock::System));
            let prompt = a_prompt();
            let outcomes = join_all((0..3).map(|_| client.call(&prompt))).await;
            for outcome in outcomes {
                assert_eq!(outcome.unwrap_err().kind, ErrorKind::Configuration);
            }
            assert_eq!(queue.count("diagnose"), diagnoses);
            client.cancel_open_jobs().await;
            // All jobs have the same ticket.
            assert_eq!(queue.count("cancel"), diagnoses / 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_time_in_another_unit_does_not_keep_the_next_job_from_being_asked_after() {
        let told = Duration::from_secs(15_000);
        let slow = Ok(Polled::Done(Answer {
            job_time: Some(told),
            ..Answer::default()
        }));
        let running = Ok(Polled::Pending {
            started: true,
            held: false,
        });
        let queue = Arc::new(Scripted::new(vec![slow, running, done()], 0));
        let client = client(&queue, &Run::new(Clock::System));
        let prompt = a_prompt();
        client.call(&prompt).await.unwrap();
        let began = Instant::now();
        client.call(&prompt).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(60), "{began:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_queue_is_waited_for() {
        let mut polls = vec![not_started(); 8];
        polls.push(done());
        assert!(outcome(Scripted::new(polls, 45)).await.0.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_runs_for_ever_is_given_up_when_the_day_of_a_run_is_over() {
        let running = Ok(Polled::Pending {
            started: true,
            held: true,
        });
        let queue = Arc::new(Scripted::new(vec![running], 90));
        let began = Instant::now();
        let run = Run::of_a_person(Clock::System);
        let error = client(&queue, &run).call(&a_prompt()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::OutOfTime);
        assert!(began.elapsed() <= Duration::from_secs(24 * 3600));
        assert_eq!((queue.count("submit"), queue.count("cancel")), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_stays_running_when_time_is_over() {
        let queue = Arc::new(Scripted::new(vec![not_started()], 45));
        let began = Instant::now();
        let run = Run::new(Clock::System).until(Some(began + Duration::from_secs(6)));
        let error = client(&queue, &run).call(&a_prompt()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::OutOfTime);
        assert_eq!(began.elapsed(), Duration::from_secs(6));
        assert_eq!((queue.count("submit"), queue.count("cancel")), (1, 0));
    }
}
