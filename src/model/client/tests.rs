use std::collections::VecDeque;

use super::*;
use crate::model::{Pending, Reply, Usage};
use crate::prompt::tests::request;
use crate::prompt::{Style, Task};
use crate::store::DirStore;

/// Does what it is told, in order, and remembers what it was asked.
#[derive(Default)]
struct Scripted {
    submits: Mutex<VecDeque<(Duration, Result<Reply, ModelError>)>>,
    polls: Mutex<VecDeque<(Duration, Result<Reply, ModelError>)>>,
    queues: bool,
    hopeless: bool,
    /// Times that the key turns out to have been rotated.
    rotations: AtomicUsize,
    asked: Mutex<Vec<(&'static str, Duration)>>,
    began: Mutex<Option<Instant>>,
}

impl Scripted {
    fn note(&self, what: &'static str) {
        let began = *lock(&self.began).get_or_insert_with(Instant::now);
        lock(&self.asked).push((what, began.elapsed()));
    }

    fn count(&self, what: &str) -> usize {
        lock(&self.asked).iter().filter(|(w, _)| *w == what).count()
    }

    /// The last one is repeated.
    async fn next(
        script: &Mutex<VecDeque<(Duration, Result<Reply, ModelError>)>>,
    ) -> Result<Reply, ModelError> {
        let (after, reply) = {
            let mut script = lock(script);
            match script.len() {
                0 => (Duration::ZERO, Err(error(ErrorKind::SuspectOutput))),
                1 => script[0].clone(),
                _ => script.pop_front().unwrap(),
            }
        };
        tokio::time::sleep(after).await;
        reply
    }
}

impl Model for Scripted {
    async fn submit(&self, _: &Request) -> Result<Reply, ModelError> {
        self.note("submit");
        Self::next(&self.submits).await
    }

    async fn poll(&self, _: &Ticket, _: &Request, _: Duration) -> Result<Reply, ModelError> {
        self.note("poll");
        Self::next(&self.polls).await
    }

    async fn retry(&self, _: &Ticket) -> Result<(), ModelError> {
        self.note("retry");
        Ok(())
    }

    async fn cancel(&self, _: &Ticket) -> Result<(), ModelError> {
        self.note("cancel");
        Ok(())
    }

    async fn diagnose(&self) -> Result<(), ModelError> {
        self.note("diagnose");
        if self.hopeless {
            Err(error(ErrorKind::Configuration))
        } else {
            Ok(())
        }
    }

    async fn renew_key(&self) -> bool {
        self.note("renew");
        let rotated = self
            .rotations
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        rotated.is_ok()
    }

    fn queues(&self) -> bool {
        self.queues
    }
}

fn error(kind: ErrorKind) -> ModelError {
    ModelError {
        kind,
        message: format!("{kind:?}"),
    }
}

fn done() -> Result<Reply, ModelError> {
    Ok(Reply::Done(Answer {
        text: "text".into(),
        usage: Some(Usage {
            prompt_tokens: 10,
            completion_tokens: 2,
        }),
        ..Answer::default()
    }))
}

fn pending(held: bool) -> Result<Reply, ModelError> {
    Ok(Reply::Pending(Pending {
        ticket: Ticket { id: "j1".into() },
        started: false,
        held,
    }))
}

fn fails(kind: ErrorKind) -> Result<Reply, ModelError> {
    Err(error(kind))
}

fn script(
    replies: Vec<Result<Reply, ModelError>>,
    seconds: u64,
) -> Mutex<VecDeque<(Duration, Result<Reply, ModelError>)>> {
    let after = Duration::from_secs(seconds);
    Mutex::new(replies.into_iter().map(|reply| (after, reply)).collect())
}

fn at_once(replies: Vec<Result<Reply, ModelError>>) -> Scripted {
    Scripted {
        submits: script(replies, 0),
        ..Scripted::default()
    }
}

fn queueing(polls: Vec<Result<Reply, ModelError>>, seconds: u64) -> Scripted {
    Scripted {
        submits: script(vec![pending(true)], 0),
        polls: script(polls, seconds),
        queues: true,
        ..Scripted::default()
    }
}

fn options() -> CallOptions {
    CallOptions {
        max_calls: 20,
        concurrency: 4,
        ..CallOptions::default()
    }
}

fn caller(model: &Scripted, options: CallOptions) -> Caller<'_, Scripted, DirStore> {
    Caller::new(model, None, options)
}

fn a_request() -> Request {
    request(Task::Section, Style::Full)
}

async fn outcome(model: &Scripted, options: CallOptions) -> (Result<Answer, ErrorKind>, Tally) {
    let caller = caller(model, options);
    let outcome = caller.call(&a_request()).await;
    (outcome.map_err(|error| error.kind), caller.tally())
}

#[tokio::test(start_paused = true)]
async fn failures_in_passing_are_sent_again_and_counted() {
    let model = at_once(vec![
        fails(ErrorKind::Transient),
        fails(ErrorKind::Throttled { retry_after: None }),
        fails(ErrorKind::Ambiguous),
        done(),
    ]);
    let (answer, tally) = outcome(&model, options()).await;
    assert_eq!(answer.unwrap().text, "text");
    let counts = (
        tally.calls,
        tally.retries,
        tally.resubmitted,
        tally.throttled,
    );
    assert_eq!(counts, (4, 3, 1, 1));
    assert_eq!((tally.prompt_tokens, tally.completion_tokens), (10, 2));
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_is_not_taken_from_the_calls_allowed() {
    let busy = fails(ErrorKind::Throttled { retry_after: None });
    let mut replies = vec![busy; 9];
    replies.push(done());
    let one = CallOptions {
        max_calls: 1,
        ..options()
    };
    let model = at_once(replies);
    let caller = caller(&model, one);
    assert!(caller.call(&a_request()).await.is_ok());
    let second = caller.call(&a_request()).await.unwrap_err();
    assert_eq!(second.kind, ErrorKind::BudgetSpent);
    assert!(second.message.contains("MAX_MODEL_CALLS (1)"), "{second}");
    assert_eq!(model.count("submit"), 10);
}

#[tokio::test(start_paused = true)]
async fn a_rotated_key_is_read_again_once() {
    let refused = fails(ErrorKind::Configuration);
    let model = at_once(vec![refused.clone(), done()]);
    model.rotations.store(1, Ordering::SeqCst);
    assert!(outcome(&model, options()).await.0.is_ok());
    assert_eq!((model.count("submit"), model.count("renew")), (2, 1));

    // The new one is refused as well.
    let model = at_once(vec![refused.clone()]);
    model.rotations.store(9, Ordering::SeqCst);
    assert!(outcome(&model, options()).await.0.is_err());
    assert_eq!((model.count("submit"), model.count("renew")), (2, 1));

    // A job outlives its key.
    let model = queueing(vec![refused, done()], 1);
    model.rotations.store(1, Ordering::SeqCst);
    assert!(outcome(&model, options()).await.0.is_ok());
    assert_eq!((model.count("submit"), model.count("poll")), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_stops_all_calls() {
    let model = at_once(vec![fails(ErrorKind::Configuration)]);
    let one_at_a_time = CallOptions {
        concurrency: 1,
        ..options()
    };
    let caller = caller(&model, one_at_a_time);
    let request = a_request();
    let outcomes = join_all((0..6).map(|_| caller.call(&request))).await;
    for outcome in outcomes {
        assert_eq!(outcome.unwrap_err().kind, ErrorKind::Configuration);
    }
    assert_eq!(model.count("submit"), 1);
}

#[tokio::test(start_paused = true)]
async fn what_concerns_one_call_leaves_the_others_alone() {
    let model = at_once(vec![fails(ErrorKind::BadInput), done()]);
    let caller = caller(&model, options());
    assert!(caller.call(&a_request()).await.is_err());
    assert!(caller.call(&a_request()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_is_answered_even_if_another_call_fails_for_all() {
    let model = Scripted {
        submits: Mutex::new(VecDeque::from([
            (Duration::from_secs(9), done()),
            (Duration::from_secs(1), fails(ErrorKind::Configuration)),
        ])),
        ..Scripted::default()
    };
    let caller = caller(&model, options());
    let request = a_request();
    let outcomes = join_all((0..3).map(|_| caller.call(&request))).await;
    assert!(outcomes[0].is_ok(), "{outcomes:?}");
    assert!(outcomes[1].is_err() && outcomes[2].is_err());
}

#[tokio::test(start_paused = true)]
async fn a_held_question_finds_the_job_done_with_two_requests() {
    let model = queueing(vec![done()], 15);
    let (answer, tally) = outcome(&model, options()).await;
    assert!(answer.is_ok());
    assert_eq!((model.count("submit"), model.count("poll")), (1, 1));
    assert_eq!(tally.calls, 1);
}

#[tokio::test(start_paused = true)]
async fn a_job_is_never_submitted_twice_because_of_failed_questions() {
    let mut polls = vec![fails(ErrorKind::Transient); 8];
    polls.push(fails(ErrorKind::Throttled {
        retry_after: Some(Duration::from_secs(30)),
    }));
    polls.push(done());
    let model = queueing(polls, 0);
    assert!(outcome(&model, options()).await.0.is_ok());
    assert_eq!((model.count("submit"), model.count("poll")), (1, 10));

    let model = queueing(vec![fails(ErrorKind::Transient)], 0);
    assert_eq!(
        outcome(&model, options()).await.0,
        Err(ErrorKind::Transient)
    );
    assert_eq!(model.count("submit"), 1, "the job may still go on");
}

#[tokio::test(start_paused = true)]
async fn failed_jobs_run_again_under_their_ticket() {
    let failed = fails(ErrorKind::JobFailed { timed_out: false });
    let model = queueing(vec![failed.clone(), failed.clone(), done()], 1);
    let (answer, tally) = outcome(&model, options()).await;
    assert!(answer.is_ok());
    assert_eq!((model.count("submit"), model.count("retry")), (1, 2));
    assert_eq!((tally.retries, tally.resubmitted), (2, 0));

    let model = queueing(vec![failed], 1);
    assert!(outcome(&model, options()).await.0.is_err());
    assert_eq!((model.count("submit"), model.count("retry")), (1, 2));

    let slow = fails(ErrorKind::JobFailed { timed_out: true });
    let model = queueing(vec![slow], 1);
    assert!(outcome(&model, options()).await.0.is_err());
    assert_eq!((model.count("submit"), model.count("retry")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_lost_job_is_asked_after_for_a_moment_and_submitted_once_more() {
    let model = queueing(vec![fails(ErrorKind::Lost)], 0);
    let (answer, tally) = outcome(&model, options()).await;
    assert_eq!(answer, Err(ErrorKind::Lost));
    assert_eq!((model.count("submit"), tally.resubmitted), (2, 1));
    assert!(model.count("poll") >= 8, "it may not be known at once");

    // An answer that comes after the settling.
    let model = queueing(vec![fails(ErrorKind::Lost), done()], 0);
    assert!(outcome(&model, options()).await.0.is_ok());
    assert_eq!(model.count("submit"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_nobody_works_on_is_reported_and_left() {
    let mut model = queueing(vec![pending(true)], 45);
    model.hopeless = true;
    let caller = caller(&model, options());
    let request = a_request();
    let outcomes = join_all((0..3).map(|_| caller.call(&request))).await;
    for outcome in outcomes {
        assert_eq!(outcome.unwrap_err().kind, ErrorKind::Configuration);
    }
    assert_eq!(model.count("diagnose"), 2, "{:?}", lock(&model.asked));
    caller.abandon().await;
    // The script gives all jobs the same ticket.
    assert_eq!(model.count("cancel"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_queue_is_waited_for() {
    let mut polls = vec![pending(true); 8];
    polls.push(done());
    let model = queueing(polls, 45);
    assert!(outcome(&model, options()).await.0.is_ok());
}

#[tokio::test(start_paused = true)]
async fn no_call_starts_that_cannot_finish() {
    let model = Scripted {
        submits: script(vec![done()], 20),
        ..Scripted::default()
    };
    let minute = CallOptions {
        deadline: Some(Instant::now() + Duration::from_secs(70)),
        ..options()
    };
    let caller = caller(&model, minute);
    let mut answered = 0;
    let last = loop {
        match caller.call(&a_request()).await {
            Ok(_) => answered += 1,
            Err(error) => break error,
        }
    };
    // After the second, 30 seconds are left: less than twice the slowest call.
    assert_eq!((answered, last.kind), (2, ErrorKind::OutOfTime));
    assert_eq!(model.count("submit"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_job_goes_on_when_time_is_over() {
    let model = queueing(vec![pending(true)], 45);
    let short = CallOptions {
        deadline: Some(Instant::now() + Duration::from_secs(6)),
        ..options()
    };
    let began = Instant::now();
    let (answer, _) = outcome(&model, short).await;
    assert_eq!(answer, Err(ErrorKind::OutOfTime));
    assert_eq!(began.elapsed(), Duration::from_secs(6));
    assert_eq!((model.count("submit"), model.count("cancel")), (1, 0));
}
