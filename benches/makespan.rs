//! Measures the makespan of a job's calls at a queueing endpoint, relative to the critical path: a client without latency
//! that submits the next call as soon as a worker is free. Runs on a simulated clock.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "figures are for people"
)]

#[path = "../tests/it/support/queue.rs"]
#[allow(dead_code, unused_imports, clippy::panic, reason = "written for tests")]
mod queue;
#[path = "../tests/it/support/runpod_jobs.rs"]
#[allow(dead_code, unused_imports, clippy::panic, reason = "written for tests")]
mod runpod_jobs;
mod support;

use std::process::ExitCode;
use std::sync::Arc;

use futures_util::future::join_all;
use queue::{Queue, critical_path, lognormal};
use support::{Claims, median};
use tokio::time::Instant;
use transcript_summarizer::clock::Clock;
use transcript_summarizer::model::{CallOptions, ModelClient};
use transcript_summarizer::prompt::{Prompt, Request, Style, Task, Wishes};
use transcript_summarizer::run::Run;
use transcript_summarizer::text::{Tokens, Words};
use transcript_summarizer::transcript::Passage;

/// Calls in flight and number of workers: the default of `MODEL_CONCURRENCY`.
const CONCURRENCY: usize = 8;

/// Standard deviation of the logarithm of a job's length: about two in three jobs are within a third of the median.
const SPREAD: f64 = 0.3;

/// Number of runs, each with different job lengths.
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

/// The ratio of makespan to critical path, and the number of polls per job.
fn run(jobs: usize, seconds: f64, holds: bool, seed: u64) -> (f64, f64) {
    let lengths = lognormal(seconds, SPREAD, seed, jobs);
    let least = critical_path(&lengths, CONCURRENCY);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let endpoint = Arc::new(Queue::of_lengths(holds, CONCURRENCY, lengths));
        let options = CallOptions {
            max_calls: jobs,
            concurrency: CONCURRENCY,
            seed,
            ..CallOptions::default()
        };
        let run = Run::new(Clock::System);
        let client = ModelClient::new(endpoint.clone(), None, options, &run);
        let began = Instant::now();
        join_all((0..jobs).map(|nth| {
            let client = &client;
            async move { client.call(&prompt(nth)).await.unwrap() }
        }))
        .await;
        let took = began.elapsed().as_secs_f64();
        (took / least, endpoint.polls() as f64 / jobs as f64)
    })
}

fn prompt(nth: usize) -> Prompt {
    let request = Request {
        task: Task::Section,
        style: Style::Full,
        target_words: Words(200),
        part: (nth + 1, nth + 1),
        time_span: None,
        speakers: Vec::new(),
        context: String::new(),
        block: Passage::of_text(format!("What was said in part {nth}.")),
        portions: Vec::new(),
        has_times: false,
        from_notes: false,
        excerpts: String::new(),
        brief: None,
        draft: None,
        wishes: Wishes::default(),
        fence: format!("{nth:016x}"),
    };
    Prompt::new(request, Tokens(1000))
}
