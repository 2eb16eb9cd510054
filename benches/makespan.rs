//! Measures how long the calls of a job take at an endpoint that queues, against the critical path: a client without latency that
//! submits the next one in the moment a worker is free. On a clock that does not wait.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "figures are for people"
)]

mod support;

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::join_all;
use support::{Claims, median};
use tokio::time::Instant;
use transcript_summarizer::model::call::{CallOptions, Caller};
use transcript_summarizer::model::{Answer, Model, ModelError, Pending, Reply, Ticket};
use transcript_summarizer::prompt::{Request, Style, Task};
use transcript_summarizer::store::DirStore;
use transcript_summarizer::store::ledger::Ledger;

/// Calls in flight, and workers: the default of `MODEL_CONCURRENCY`.
const CONCURRENCY: usize = 8;

/// There and back.
const LATENCY: Duration = Duration::from_millis(25);

/// Of the logarithm of a job's length: two of three are within a third of the median.
const SPREAD: f64 = 0.3;

/// Runs with other lengths.
const RUNS: u64 = 15;

fn main() -> ExitCode {
    let mut claims = Claims::default();
    println!("makespan : critical path, median (worst) of {RUNS} runs\n");
    println!("seconds a job  jobs   questions held    questions not held, asked per job");
    for (seconds, most) in [(15.0, 1.03), (4.0, 1.05)] {
        for jobs in [20, 200] {
            let held = Figures::of(jobs, seconds, true);
            let asked = Figures::of(jobs, seconds, false);
            println!(
                "{seconds:13} {jobs:5} {:8.3} ({:.3}) {:12.3} ({:.3}) {:8.1}",
                held.median, held.worst, asked.median, asked.worst, asked.questions
            );
            claims.check(
                &format!(
                    "{:.3} for {jobs} jobs of {seconds} s (at most {most})",
                    held.median
                ),
                held.median <= most,
            );
        }
    }
    claims.verdict()
}

struct Figures {
    median: f64,
    worst: f64,
    questions: f64,
}

impl Figures {
    fn of(jobs: usize, seconds: f64, holds: bool) -> Self {
        let runs: Vec<(f64, f64)> = (0..RUNS)
            .map(|seed| run(jobs, seconds, holds, seed))
            .collect();
        let ratios: Vec<f64> = runs.iter().map(|run| run.0).collect();
        let questions: Vec<f64> = runs.iter().map(|run| run.1).collect();
        Self {
            median: median(&ratios),
            worst: ratios.iter().copied().fold(0.0, f64::max),
            questions: median(&questions),
        }
    }
}

/// The ratio, and questions per job.
fn run(jobs: usize, seconds: f64, holds: bool, seed: u64) -> (f64, f64) {
    let lengths = lengths(jobs, seconds, seed);
    let least = critical_path(&lengths);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let (took, questions) = runtime.block_on(async {
        let endpoint = Endpoint::new(lengths, holds);
        let options = CallOptions {
            max_calls: jobs,
            concurrency: CONCURRENCY,
            seed,
            ..CallOptions::default()
        };
        let caller = Caller::new(&endpoint, None::<&Ledger<'_, DirStore>>, options);
        let began = Instant::now();
        join_all((0..jobs).map(|nth| {
            let caller = &caller;
            async move { caller.call(&request(nth)).await.unwrap() }
        }))
        .await;
        (
            began.elapsed(),
            endpoint.state.into_inner().unwrap().questions,
        )
    });
    (
        took.as_secs_f64() / least.as_secs_f64(),
        questions as f64 / jobs as f64,
    )
}

/// How long the jobs take, log-normal around `median_seconds`.
fn lengths(jobs: usize, median_seconds: f64, seed: u64) -> Vec<Duration> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1;
    let mut share = || {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    (0..jobs)
        .map(|_| {
            // The sum of twelve shares is as good as normal.
            let normal: f64 = (0..12).map(|_| share()).sum::<f64>() - 6.0;
            Duration::from_secs_f64(median_seconds * (SPREAD * normal).exp())
        })
        .collect()
}

fn critical_path(lengths: &[Duration]) -> Duration {
    let mut free = [Duration::ZERO; CONCURRENCY];
    for &length in lengths {
        let first = free.iter_mut().min().unwrap();
        *first += length;
    }
    free.into_iter().max().unwrap()
}

/// Workers with a queue in front of them.
struct Endpoint {
    lengths: Vec<Duration>,
    holds: bool,
    state: Mutex<State>,
}

struct State {
    /// When each worker has done what it was given.
    free: [Instant; CONCURRENCY],
    /// When each job begins and ends, and how long it is from its submission.
    jobs: HashMap<Ticket, (Instant, Instant, Duration)>,
    questions: usize,
}

impl Endpoint {
    fn new(lengths: Vec<Duration>, holds: bool) -> Self {
        Self {
            lengths,
            holds,
            state: Mutex::new(State {
                free: [Instant::now(); CONCURRENCY],
                jobs: HashMap::new(),
                questions: 0,
            }),
        }
    }
}

impl Model for Endpoint {
    async fn submit(&self, _: &Request) -> Result<Reply, ModelError> {
        tokio::time::sleep(LATENCY / 2).await;
        let ticket = {
            let mut state = self.state.lock().unwrap();
            let nth = state.jobs.len();
            let ticket = Ticket {
                id: nth.to_string(),
            };
            let now = Instant::now();
            let worker = state.free.iter_mut().min().unwrap();
            let begins = now.max(*worker);
            *worker = begins + self.lengths[nth];
            let ends = *worker;
            state
                .jobs
                .insert(ticket.clone(), (begins, ends, ends - now));
            ticket
        };
        tokio::time::sleep(LATENCY / 2).await;
        Ok(Reply::Pending(Pending {
            ticket,
            started: false,
            held: self.holds,
        }))
    }

    async fn poll(
        &self,
        ticket: &Ticket,
        _: &Request,
        wait: Duration,
    ) -> Result<Reply, ModelError> {
        tokio::time::sleep(LATENCY / 2).await;
        let (begins, ends, took) = {
            let mut state = self.state.lock().unwrap();
            state.questions += 1;
            state.jobs[ticket]
        };
        if self.holds {
            tokio::time::sleep_until(ends.min(Instant::now() + wait)).await;
        }
        let now = Instant::now();
        tokio::time::sleep(LATENCY / 2).await;
        Ok(if now < ends {
            Reply::Pending(Pending {
                ticket: ticket.clone(),
                started: now >= begins,
                held: self.holds,
            })
        } else {
            Reply::Done(Answer {
                text: "An answer.".to_owned(),
                job_time: Some(took),
                ..Answer::default()
            })
        })
    }

    fn queues(&self) -> bool {
        true
    }
}

fn request(nth: usize) -> Request {
    Request {
        task: Task::Section,
        style: Style::Full,
        target_words: 200,
        max_tokens: 1000,
        part: (nth + 1, nth + 1),
        time_span: None,
        speakers: Vec::new(),
        context: String::new(),
        going_on: None,
        block: format!("What was said in part {nth}.").into(),
        from_notes: false,
        excerpts: String::new(),
        draft: None,
        fence: format!("{nth:016x}"),
    }
}
