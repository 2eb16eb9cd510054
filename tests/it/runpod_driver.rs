//! How the driver follows queued jobs: it notices completion promptly, with few polls, and without leaving workers idle.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::queue::{CAPABILITIES, Queue, ROUND_TRIP, critical_path, lognormal};
use crate::support::runpod_jobs::JobPlan;
use crate::support::runpod_server::RunPodServer;
use crate::support::{huggingface, runpod};
use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::time::Instant;
use transcript_summarizer::clock::Clock;
use transcript_summarizer::model::{
    Answer, CallOptions, Capabilities, ErrorKind, Model, ModelClient, ModelError, Reply,
};
use transcript_summarizer::prompt::{Prompt, Request};
use transcript_summarizer::run::Run;
use transcript_summarizer::text::Tokens;

fn options(concurrency: usize) -> CallOptions {
    CallOptions {
        max_calls: 1000,
        concurrency,
        seed: 5,
        ..CallOptions::default()
    }
}

fn client(model: Arc<dyn Model>, options: CallOptions) -> ModelClient {
    ModelClient::new(model, None, options, &Run::new(Clock::System))
}

/// The `part`-th of many distinct prompts.
fn prompt(part: usize) -> Prompt {
    let request = Request {
        part: (part, 1000),
        ..huggingface::request()
    };
    Prompt::new(request, Tokens(100))
}

/// Makes `count` calls, with as many in flight as the options allow, and returns how long they took.
async fn make(
    model: Arc<dyn Model>,
    options: CallOptions,
    count: usize,
) -> (Vec<Result<Answer, ModelError>>, Duration) {
    let client = client(model, options);
    let began = Instant::now();
    let prompts: Vec<Prompt> = (0..count).map(prompt).collect();
    let outcomes = join_all(prompts.iter().map(|prompt| client.call(prompt))).await;
    (outcomes, began.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_held_question_tells_of_the_end_within_a_round_trip() {
    for concurrency in [1, 4, 8] {
        let lengths = lognormal(15.0, 0.2, 1, 20);
        let queue = Arc::new(Queue::of_lengths(true, 20, lengths));
        let (outcomes, _) = make(queue.clone(), options(concurrency), 20).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        let requests = (queue.submits() + queue.polls()) as f64 / 20.0;
        let latest = queue.lags().into_iter().max().unwrap();
        eprintln!(
            "held, {concurrency} at a time: {requests} requests per job, lag at most {latest:?}"
        );
        assert!(requests <= 2.2, "{requests} requests per job");
        assert!(
            queue.lags().len() == 20 && latest <= ROUND_TRIP,
            "{latest:?}"
        );
        assert_eq!(queue.unaccounted(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn few_polls_notice_the_end_soon() {
    for (median, most_polls, most_lag) in [(4.0, 3.0, 0.5), (15.0, 6.0, 0.85)] {
        for sigma in [0.0, 0.1, 0.2, 0.3] {
            let (mut polls, mut lag, seeds, jobs) = (0.0, 0.0, 10, 100);
            for seed in 0..seeds {
                let lengths = lognormal(median, sigma, seed, jobs);
                let queue = Arc::new(Queue::of_lengths(false, jobs, lengths));
                let (outcomes, _) = make(queue.clone(), options(4), jobs).await;
                assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
                assert_eq!((queue.submits(), queue.unaccounted()), (jobs, 0));
                polls += queue.polls() as f64 / jobs as f64 / seeds as f64;
                lag += queue.mean_lag() / seeds as f64;
            }
            eprintln!("{median} s, sigma {sigma}: {polls:.2} polls, {lag:.3} s lag");
            assert!(
                polls <= most_polls && lag <= most_lag,
                "{median} s, sigma {sigma}: {polls} polls, {lag} s"
            );
        }
    }
}

/// Relative excess of the makespan of twenty jobs over the critical path: the mean and the maximum over ten seeds.
async fn excess(holds: bool, concurrency: usize, workers: usize, sigma: f64) -> (f64, f64) {
    let (mut mean, mut worst, seeds) = (0.0, 0.0_f64, 10);
    for seed in 0..seeds {
        let lengths = lognormal(15.0, sigma, seed, 20);
        let least = critical_path(&lengths, concurrency.min(workers));
        let queue = Arc::new(Queue::of_lengths(holds, workers, lengths));
        let (outcomes, took) = make(queue.clone(), options(concurrency), 20).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        let excess = took.as_secs_f64() / least - 1.0;
        worst = worst.max(excess);
        mean += excess / seeds as f64;
    }
    eprintln!(
        "held {holds}, {concurrency} on {workers} workers, sigma {sigma}: mean {:.2} %, worst {:.2} %",
        mean * 100.0,
        worst * 100.0
    );
    (mean, worst)
}

#[tokio::test(start_paused = true)]
async fn twenty_jobs_take_as_long_as_their_workers_need() {
    for sigma in [0.3, 0.6] {
        for (concurrency, workers) in [(8, 8), (8, 4), (4, 4)] {
            let (_, worst) = excess(true, concurrency, workers, sigma).await;
            assert!(worst <= 0.01, "{worst}");
        }
        // With more jobs queued than workers, the poll delay between one job's end and the next job's start is hidden.
        let (_, worst) = excess(false, 8, 4, sigma).await;
        assert!(worst <= 0.05, "{worst}");
        // When every worker idles until its job is polled, the bound holds on average. A single long job that ends between
        // two polls may cost twice as much.
        let (mean, worst) = excess(false, 8, 8, sigma).await;
        assert!(mean <= 0.05 && worst <= 0.10, "{mean} {worst}");
        excess(false, 4, 4, sigma).await;
    }
}

/// A model that answers in three seconds and throttles with a token bucket that holds `burst` requests. If `says` is set, a
/// refusal carries a Retry-After of one second.
#[derive(Debug)]
struct Limited {
    per_second: f64,
    burst: f64,
    says: bool,
    left: Mutex<(f64, Instant)>,
    requests: AtomicUsize,
}

#[async_trait]
impl Model for Limited {
    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    async fn submit(&self, _: &Prompt) -> Result<Reply, ModelError> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(50)).await;
        {
            let mut left = self.left.lock().unwrap();
            let now = Instant::now();
            let filled = left.0 + (now - left.1).as_secs_f64() * self.per_second;
            *left = (filled.min(self.burst), now);
            if left.0 < 1.0 {
                let retry_after = self.says.then_some(Duration::from_secs(1));
                let kind = ErrorKind::Throttled { retry_after };
                return Err(ModelError::new(kind, "too many requests"));
            }
            left.0 -= 1.0;
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
        Ok(Reply::Done(Answer::default()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_refusals_costs_few_requests() {
    for (per_second, burst, says) in [
        (2.0, 4.0, true),
        (2.0, 4.0, false),
        (1.0, 1.0, true),
        (0.5, 2.0, true),
        (0.5, 2.0, false),
    ] {
        let model = Arc::new(Limited {
            per_second,
            burst,
            says,
            left: Mutex::new((burst, Instant::now())),
            requests: AtomicUsize::new(0),
        });
        let (outcomes, took) = make(model.clone(), options(8), 60).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        let ratio = model.requests.load(Ordering::Relaxed) as f64 / 60.0;
        let case = format!(
            "{per_second}/s, burst {burst}, says {says}: {ratio:.2} requests per answer in {took:?}"
        );
        eprintln!("{case}");
        assert!(ratio <= 1.3, "{case}");
    }
}

/// Throttles its first requests, each with a one-second Retry-After, and records when requests arrive.
#[derive(Debug, Default)]
struct Refusing {
    came: Mutex<Vec<Instant>>,
}

const REFUSED: usize = 5;

#[async_trait]
impl Model for Refusing {
    fn capabilities(&self) -> &Capabilities {
        &CAPABILITIES
    }

    async fn submit(&self, _: &Prompt) -> Result<Reply, ModelError> {
        let nth = {
            let mut came = self.came.lock().unwrap();
            came.push(Instant::now());
            came.len()
        };
        tokio::time::sleep(Duration::from_millis(50)).await;
        if nth > REFUSED {
            return Ok(Reply::Done(Answer::default()));
        }
        let retry_after = Some(Duration::from_secs(1));
        let kind = ErrorKind::Throttled { retry_after };
        Err(ModelError::new(kind, "too many requests"))
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_in_a_row_neither_add_up_nor_slow_down_what_follows() {
    let model = Arc::new(Refusing::default());
    let (outcomes, _) = make(model.clone(), options(8), 8).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let came = model.came.lock().unwrap();
    let waits: Vec<_> = came.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for wait in &waits[..REFUSED] {
        assert!((1050..1150).contains(&wait.as_millis()), "{waits:?}");
    }
    let rest: Duration = waits[REFUSED..].iter().sum();
    assert!(rest < Duration::from_secs(2), "{waits:?}");
}

/// Counts polls only; how promptly completion is noticed is asserted above, on a simulated clock.
#[tokio::test]
async fn held_questions_over_real_sockets_are_one_for_each_job() {
    let server =
        RunPodServer::start(|_| JobPlan::text("Fine.").executing_for(Duration::from_millis(300)))
            .await;
    let client = client(Arc::new(runpod::client(&server)), options(4));
    join_all((0..20).map(|part| {
        let client = &client;
        async move { client.call(&prompt(part)).await.unwrap() }
    }))
    .await;
    let requests = server.calls().len() as f64 / 20.0;
    assert!(requests <= 2.2, "{requests} requests per job");
    assert!(server.unaccounted().is_empty());
}
