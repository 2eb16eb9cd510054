//! The command line: `summarize` and `plan`, for files and objects in S3.

mod display;
mod input;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, Parser, Subcommand};

use crate::chain::chain;
use crate::clock::Clock;
use crate::http::Http;
use crate::job::{App, Config, JobError, Outcome, Surface};
use crate::provider::PROVIDERS;
use crate::run::Run;
use crate::store::DirStore;
use crate::summary;
use crate::text::Words;

use input::{Input, LOCAL_BUCKET};

/// How long a killed run keeps its job from the next run.
const LEASE: Duration = Duration::from_secs(10);

/// Exit status of wrong usage, wrong settings included.
const WRONG_USAGE: u8 = 2;

/// Summarizes long transcripts.
///
/// Turns each transcript into a summary of about 4,000 words that covers every part of it: the text is divided into chunks,
/// the model writes a section about each, and the sections are stitched in order. Without a key the built-in extractive
/// model is used, which needs no network. Under AWS Lambda (AWS_LAMBDA_RUNTIME_API is set) the same program serves
/// invocations instead.
#[derive(Debug, Parser)]
#[command(name = "transcript-summarizer", version, arg_required_else_help = true, after_help = after_help())]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn after_help() -> String {
    let ways = PROVIDERS
        .map(|provider| format!("  {}\n", provider.how_to_choose))
        .concat();
    format!(
        "\
Models are chosen by the environment. Set
{ways}  MODEL_PROVIDER, if more than one of these is possible
  SUMMARY_WORDS for the length of a summary, if not 4000 words
The README documents all variables.

Examples:
  transcript-summarizer summarize meeting.txt
  transcript-summarizer summarize --words 1500 --out results *.txt
  transcript-summarizer plan s3://transcripts/2026/board.txt

Exit status: 0 done, 1 failed, 2 wrong usage."
    )
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Summarize transcripts.
    Summarize(Summarize),
    /// Show what would be sent: words, tokens, chunks, calls. Sends nothing.
    Plan(Inputs),
}

#[derive(Debug, Args)]
struct Inputs {
    /// Transcripts: files, or s3://bucket/key.
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<String>,
}

#[derive(Debug, Args)]
struct Summarize {
    #[command(flatten)]
    inputs: Inputs,
    /// Put results under this directory: summaries/<name>_summary.txt and .json.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// Length of the summary in words; SUMMARY_WORDS if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(50..=100_000))]
    words: Option<u32>,
    /// Write every request and answer to this directory, for debugging. They hold what was said.
    #[arg(long, value_name = "DIR")]
    trace: Option<PathBuf>,
}

/// Runs the command line of this process.
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    let config = match Config::from_env(Surface::CommandLine) {
        Ok(config) => config,
        Err(error) => {
            display::error(&chain(&error));
            return ExitCode::from(WRONG_USAGE);
        }
    };
    let failed = match cli.command {
        Command::Summarize(arguments) => summarize(arguments, config).await,
        Command::Plan(Inputs { inputs }) => {
            let http = Http::default();
            for_each(&inputs, async |name| plan(name, &config, &http).await).await
        }
    };
    ExitCode::from(u8::from(failed > 0))
}

/// Summarizes all inputs and returns how many failed.
async fn summarize(arguments: Summarize, mut config: Config) -> usize {
    let inputs = arguments.inputs.inputs;
    if let Some(words) = arguments.words {
        config.summary_words = Words(words as usize);
    }
    // Results are written under --out, whatever bucket the transcript is in.
    config.output_bucket = Some(LOCAL_BUCKET.to_owned());
    let out = DirStore::single(LOCAL_BUCKET, &arguments.out);
    let http = Http::default();
    let model = match config.provider.connect(&http).await {
        Ok(model) => model,
        Err(error) => {
            display::error(&chain(&error));
            return inputs.len();
        }
    };
    let app = App {
        source: Arc::new(out.clone()),
        target: Arc::new(out.clone()),
        model,
        config: Arc::new(config),
        trace: arguments.trace,
        lease: LEASE,
        durable: true,
    };
    for_each(&inputs, async |name| {
        let started = Instant::now();
        let problem = match summarize_one(name, &app, &http).await? {
            Outcome::Done(done) => {
                let elapsed = started.elapsed();
                display::done(&arguments.out, &done, elapsed, app.config.prices);
                // The state was only needed in case of an interruption.
                let state = format!("{}.work", app.config.filter.output_prefix);
                if let Err(error) = out.clear(&state, &done.job_id) {
                    tracing::warn!(%error, "could not remove the state of the job");
                }
                return Ok(());
            }
            Outcome::Duplicate { summary } => {
                display::duplicate(&arguments.out, &summary);
                return Ok(());
            }
            Outcome::Skipped(skip) => skip.reason().to_owned(),
            Outcome::Rejected(rejected) => rejected.to_string(),
            Outcome::Superseded => "was overwritten while it was read; run this again".to_owned(),
        };
        Err(problem.into())
    })
    .await
}

/// Does `work` for each input, displays its error, and returns how many failed.
async fn for_each(
    inputs: &[String],
    work: impl AsyncFn(&str) -> Result<(), Box<dyn Error>>,
) -> usize {
    let mut failed = 0;
    for name in inputs {
        if let Err(error) = work(name).await {
            display::error(&format!("{name}: {}", chain(error.as_ref())));
            failed += 1;
        }
    }
    failed
}

/// Summarizes one input. If another run holds the job, such as one that was killed a moment ago, waits for its lease.
async fn summarize_one(name: &str, app: &App, http: &Http) -> Result<Outcome, Box<dyn Error>> {
    let input = Input::open(name, &app.config, http).await?;
    let app = App {
        source: Arc::clone(&input.store),
        ..app.clone()
    };
    let bar = display::progress_bar(name);
    let shown = bar.clone();
    let run = Run::new(Clock::System).watched_by(move |progress| display::show(&shown, progress));
    let mut waiting = false;
    let ended = loop {
        let ended = app.run(&input.upload, &run).await;
        let Err(JobError::Busy { seconds }) = ended else {
            break ended;
        };
        if !waiting {
            display::note(&format!(
                "{name}: another run works on it, or was killed less than {} s ago; waiting for it",
                LEASE.as_secs()
            ));
            waiting = true;
        }
        tokio::time::sleep(Duration::from_secs(seconds.unsigned_abs())).await;
    };
    bar.finish_and_clear();
    ended.map_err(|error| {
        if !error.passes() {
            return error.into();
        }
        let reason = chain(&error);
        format!("{reason}; run the same command again: it continues where it stopped").into()
    })
}

/// Shows the plan of one input.
async fn plan(name: &str, config: &Config, http: &Http) -> Result<(), Box<dyn Error>> {
    let input = Input::open(name, config, http).await?;
    let transcript = input.read(config).await?;
    let plan = summary::plan(&transcript, config.summary_words, &config.limits)?;
    display::plan(name, &transcript, &plan, config);
    Ok(())
}
