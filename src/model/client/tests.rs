use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::clock::Clock;
use crate::model::{Capabilities, Fallback, SCRIPTED, TokenUsage};
use crate::prompt::tests::prompt;
use crate::prompt::{Style, Task};
use crate::run::Spending;
use crate::store::lease::{Claim, LEASE, Lease, as_asked};
use crate::store::{DirStore, StateFolder, Store};

/// Replies as scripted, and counts submissions and renewals of the key.
#[derive(Debug)]
struct Scripted {
    /// The replies in order, each with its delay; the last one is repeated.
    replies: Mutex<VecDeque<(Duration, Result<Reply, ModelError>)>>,
    submits: AtomicUsize,
    /// How many renewals of the key find a new one.
    rotations: AtomicUsize,
    renewals: AtomicUsize,
}

impl Scripted {
    fn new(replies: impl IntoIterator<Item = (u64, Result<Reply, ModelError>)>) -> Arc<Self> {
        let replies = replies.into_iter();
        let replies = replies.map(|(seconds, reply)| (Duration::from_secs(seconds), reply));
        Arc::new(Self {
            replies: Mutex::new(replies.collect()),
            submits: AtomicUsize::new(0),
            rotations: AtomicUsize::new(0),
            renewals: AtomicUsize::new(0),
        })
    }

    fn at_once(replies: Vec<Result<Reply, ModelError>>) -> Arc<Self> {
        Self::new(replies.into_iter().map(|reply| (0, reply)))
    }

    fn submits(&self) -> usize {
        self.submits.load(Ordering::SeqCst)
    }

    fn renewals(&self) -> usize {
        self.renewals.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Model for Scripted {
    fn capabilities(&self) -> &Capabilities {
        &SCRIPTED
    }

    async fn submit(&self, _: &Prompt) -> Result<Reply, ModelError> {
        self.submits.fetch_add(1, Ordering::SeqCst);
        let (wait, reply) = {
            let mut replies = self.replies.lock().unwrap();
            match replies.len() {
                1 => replies[0].clone(),
                _ => replies.pop_front().unwrap(),
            }
        };
        tokio::time::sleep(wait).await;
        reply
    }

    async fn renew_key(&self) -> bool {
        self.renewals.fetch_add(1, Ordering::SeqCst);
        let rotate = |left: usize| left.checked_sub(1);
        self.rotations
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, rotate)
            .is_ok()
    }
}

fn done() -> Result<Reply, ModelError> {
    Ok(Reply::Done(Answer {
        text: "text".into(),
        usage: Some(TokenUsage {
            prompt_tokens: 10,
            completion_tokens: 2,
        }),
        ..Answer::default()
    }))
}

fn fails(kind: ErrorKind) -> Result<Reply, ModelError> {
    Err(ModelError::new(kind, format!("{kind:?}")))
}

fn options() -> CallOptions {
    CallOptions {
        max_calls: 20,
        concurrency: 4,
        ..CallOptions::default()
    }
}

fn run() -> Run {
    Run::new(Clock::System)
}

fn client(model: &Arc<Scripted>, options: CallOptions) -> ModelClient {
    ModelClient::new(model.clone(), None, options, &run())
}

fn a_prompt() -> Prompt {
    prompt(Task::Section, Style::Full)
}

async fn outcome(model: &Arc<Scripted>) -> (Result<Answer, ErrorKind>, Usage) {
    let client = client(model, options());
    let outcome = client.call(&a_prompt()).await;
    (outcome.map_err(|error| error.kind), client.usage())
}

#[tokio::test(start_paused = true)]
async fn transient_failures_are_retried_and_counted() {
    let model = Scripted::at_once(vec![
        fails(ErrorKind::Transient),
        fails(ErrorKind::Throttled { retry_after: None }),
        fails(ErrorKind::Ambiguous),
        done(),
    ]);
    let (answer, usage) = outcome(&model).await;
    assert_eq!(answer.unwrap().text, "text");
    let counts = (
        usage.calls,
        usage.retries,
        usage.resubmitted,
        usage.throttled,
    );
    assert_eq!(counts, (4, 3, 1, 1));
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (10, 2));
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_does_not_count_towards_max_calls() {
    let busy = fails(ErrorKind::Throttled { retry_after: None });
    let mut replies = vec![busy; 9];
    replies.push(done());
    let one = CallOptions {
        max_calls: 1,
        ..options()
    };
    let model = Scripted::at_once(replies);
    let client = client(&model, one);
    assert!(client.call(&a_prompt()).await.is_ok());
    let second = client.call(&a_prompt()).await.unwrap_err();
    assert_eq!(second.kind, ErrorKind::BudgetSpent);
    assert!(second.message.contains("MAX_MODEL_CALLS (1)"), "{second}");
    assert_eq!(model.submits(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_fetched_again_once() {
    let refused = fails(ErrorKind::Configuration);
    let model = Scripted::at_once(vec![refused.clone(), done()]);
    model.rotations.store(1, Ordering::SeqCst);
    assert!(outcome(&model).await.0.is_ok());
    assert_eq!((model.submits(), model.renewals()), (2, 1));

    // The new key is refused as well.
    let model = Scripted::at_once(vec![refused]);
    model.rotations.store(9, Ordering::SeqCst);
    assert!(outcome(&model).await.0.is_err());
    assert_eq!((model.submits(), model.renewals()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_stops_all_calls() {
    let model = Scripted::at_once(vec![fails(ErrorKind::Configuration)]);
    let one_at_a_time = CallOptions {
        concurrency: 1,
        ..options()
    };
    let client = client(&model, one_at_a_time);
    let prompt = a_prompt();
    let outcomes = join_all((0..6).map(|_| client.call(&prompt))).await;
    for outcome in outcomes {
        assert_eq!(outcome.unwrap_err().kind, ErrorKind::Configuration);
    }
    assert_eq!(model.submits(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_one_call_does_not_stop_the_others() {
    let model = Scripted::at_once(vec![fails(ErrorKind::BadInput), done()]);
    let client = client(&model, options());
    assert!(client.call(&a_prompt()).await.is_err());
    assert!(client.call(&a_prompt()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_submitted_call_is_awaited_even_if_another_one_stops_the_job() {
    let model = Scripted::new([(9, done()), (1, fails(ErrorKind::Configuration))]);
    let client = client(&model, options());
    let prompt = a_prompt();
    let outcomes = join_all((0..3).map(|_| client.call(&prompt))).await;
    assert!(outcomes[0].is_ok(), "{outcomes:?}");
    assert!(outcomes[1].is_err() && outcomes[2].is_err());
}

#[tokio::test(start_paused = true)]
async fn no_call_starts_too_late_to_finish() {
    let model = Scripted::new([(20, done())]);
    let run = run().until(Some(Instant::now() + Duration::from_secs(70)));
    let client = ModelClient::new(model.clone(), None, options(), &run);
    let mut answered = 0;
    let last = loop {
        match client.call(&a_prompt()).await {
            Ok(_) => answered += 1,
            Err(error) => break error,
        }
    };
    // After the second call 30 seconds are left, less than twice the slowest call.
    assert_eq!((answered, last.kind), (2, ErrorKind::OutOfTime));
    assert_eq!(model.submits(), 2);
}

/// A model that another one may take over from.
#[derive(Debug)]
struct Pair(Arc<Scripted>, Fallback);

#[async_trait]
impl Model for Pair {
    fn capabilities(&self) -> &Capabilities {
        self.0.capabilities()
    }

    async fn submit(&self, prompt: &Prompt) -> Result<Reply, ModelError> {
        self.0.submit(prompt).await
    }

    fn fallback(&self) -> Option<&Fallback> {
        Some(&self.1)
    }
}

/// A client of `first` with a fallback that takes over after a minute.
fn client_with_fallback(first: &Arc<Scripted>, second: &Arc<Scripted>) -> ModelClient {
    let fallback = Fallback {
        model: second.clone(),
        fingerprint: "second".to_owned(),
        after: Duration::from_secs(60),
        rename: str::to_owned,
    };
    let pair = Pair(first.clone(), fallback);
    ModelClient::new(Arc::new(pair), None, options(), &run())
}

#[tokio::test(start_paused = true)]
async fn the_fallback_waits_until_the_first_model_has_been_down_for_long() {
    for kind in [
        ErrorKind::Unreachable,
        ErrorKind::Transient,
        ErrorKind::Warming { retry_after: None },
        ErrorKind::Throttled { retry_after: None },
    ] {
        let first = Scripted::at_once(vec![fails(kind)]);
        let client = client_with_fallback(&first, &Scripted::at_once(vec![done()]));
        let began = Instant::now();
        let answer = client.call(&a_prompt()).await.unwrap();
        assert_eq!(answer.written_by.as_deref(), Some("scripted"), "{kind:?}");
        let took = began.elapsed().as_secs();
        assert!((60..180).contains(&took), "{kind:?}: {took} s");
        // From then on nobody waits for the first one.
        let asked = client.usage().calls;
        let began = Instant::now();
        assert!(client.call(&a_prompt()).await.is_ok());
        assert_eq!(
            (began.elapsed().as_secs(), client.usage().calls),
            (0, asked + 1)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_outage_is_waited_out() {
    let outage = [fails(ErrorKind::Transient), fails(ErrorKind::Unreachable)];
    let script = [&outage[..], &[done()]].concat();
    let first = Scripted::at_once(script);
    let second = Scripted::at_once(vec![done()]);
    let client = client_with_fallback(&first, &second);
    assert_eq!(client.call(&a_prompt()).await.unwrap().written_by, None);
    assert!(client.usage().fallback.is_none() && client.fallback_notes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_fallback_does_not_take_over_for_what_it_could_not_do_better() {
    for kind in [
        ErrorKind::BadInput,
        ErrorKind::SuspectOutput,
        ErrorKind::Cancelled,
        ErrorKind::Ambiguous,
    ] {
        let first = Scripted::at_once(vec![fails(kind)]);
        let client = client_with_fallback(&first, &Scripted::at_once(vec![done()]));
        let error = client.call(&a_prompt()).await.unwrap_err();
        assert_eq!(error.kind, kind);
        assert!(client.usage().fallback.is_none(), "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn both_models_together_make_no_more_calls_than_are_allowed() {
    let first = Scripted::at_once(vec![done(), done(), fails(ErrorKind::Configuration)]);
    let client = client_with_fallback(&first, &Scripted::at_once(vec![done()]));
    let mut answers = 0;
    while client.call(&a_prompt()).await.is_ok() {
        answers += 1;
    }
    assert_eq!((answers, client.usage().calls), (19, 20));
}

#[tokio::test(start_paused = true)]
async fn what_is_withheld_from_both_models_is_as_if_there_were_no_fallback() {
    let first = Scripted::at_once(vec![fails(ErrorKind::Filtered)]);
    let client = client_with_fallback(
        &first,
        &Scripted::at_once(vec![fails(ErrorKind::Configuration)]),
    );
    let error = client.call(&a_prompt()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Filtered);
    assert!(client.fallback_notes().is_empty());
}

/// A run, and what it is told of spending in all.
fn metered() -> (Run, Arc<Mutex<Vec<Spending>>>) {
    let told: Arc<Mutex<Vec<Spending>>> = Arc::default();
    let meter = Arc::clone(&told);
    let run = run().metered_by(move |spending| meter.lock().unwrap().push(*spending));
    (run, told)
}

fn sum(told: &Mutex<Vec<Spending>>, of: impl Fn(&Spending) -> u64) -> u64 {
    told.lock().unwrap().iter().map(of).sum()
}

#[tokio::test(start_paused = true)]
async fn what_a_call_uses_is_told_even_if_it_fails() {
    let withheld = ModelError {
        usage: Some(TokenUsage {
            prompt_tokens: 700,
            completion_tokens: 30,
        }),
        ..ModelError::new(ErrorKind::SuspectOutput, "no text")
    };
    let throttled = fails(ErrorKind::Throttled { retry_after: None });
    let replies = vec![throttled, fails(ErrorKind::Ambiguous), Err(withheld)];
    let (run, told) = metered();
    let client = ModelClient::new(Scripted::at_once(replies), None, options(), &run);
    assert!(client.call(&a_prompt()).await.is_err());
    assert_eq!(sum(&told, |spending| spending.calls as u64), 3);
    assert_eq!(sum(&told, |spending| spending.throttled as u64), 1);
    assert_eq!(sum(&told, |spending| spending.resubmitted as u64), 1);
    let tokens = |spending: &Spending| spending.prompt_tokens + spending.completion_tokens;
    assert_eq!(sum(&told, tokens), 730);
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_invocation_used_is_not_told_again() {
    let dir = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(DirStore::new(dir.path()));
    let state = StateFolder::new(&store, "b", "summaries/.work/abc/");
    let model = Scripted::at_once(vec![fails(ErrorKind::Ambiguous), done()]);
    let (run, told) = metered();
    for _ in 0..2 {
        let claim = Lease::claim(state.clone(), &run.clock, LEASE, as_asked()).await;
        let Claim::Ours(lease) = claim.unwrap() else {
            panic!("another worker holds the job")
        };
        let ledger = Some(Ledger::new(&lease));
        let client = ModelClient::new(model.clone(), ledger, options(), &run);
        assert!(client.call(&a_prompt()).await.is_ok());
        assert_eq!(
            (client.usage().calls, client.usage().prompt_tokens),
            (2, 10)
        );
        lease.release(|_| {}).await.unwrap();
    }
    assert_eq!(sum(&told, |spending| spending.calls as u64), 2);
    assert_eq!(sum(&told, |spending| spending.prompt_tokens), 10);
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_told_although_the_fallback_takes_over() {
    for (kind, refused) in [(ErrorKind::Configuration, 1), (ErrorKind::QuotaSpent, 0)] {
        let fallback = Fallback {
            model: Scripted::at_once(vec![done()]),
            fingerprint: "second".to_owned(),
            after: Duration::from_secs(60),
            rename: str::to_owned,
        };
        let pair = Pair(Scripted::at_once(vec![fails(kind)]), fallback);
        let (run, told) = metered();
        let client = ModelClient::new(Arc::new(pair), None, options(), &run);
        for _ in 0..2 {
            assert!(client.call(&a_prompt()).await.is_ok());
        }
        let counted = sum(&told, |spending| spending.refused as u64);
        assert_eq!(counted, refused, "{kind:?}");
    }
}
