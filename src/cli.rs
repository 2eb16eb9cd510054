//! The command line: `summarize` and `plan`, for files, standard input and objects in S3; `serve`, `evaluate`, `dataset` and
//! `variables`.

mod dataset;
mod display;
mod evaluate;
mod input;
mod variables;

use std::cell::Cell;
use std::error::Error;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::builder::NonEmptyStringValueParser;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use futures_util::{StreamExt, future, stream};

use crate::chain::chain;
use crate::clock::Clock;
use crate::http::Http;
use crate::job::local::{LEASE, LOCAL_BUCKET};
use crate::job::order::{self, EXPECTED_LANGUAGE};
use crate::job::{
    App, Config, Done, Earlier, JobError, KnownHabits, Outcome, Status, Surface, Upload,
};
use crate::model::{CallOptions, ModelClient};
use crate::prompt::MAX_INSTRUCTIONS;
use crate::provider::PROVIDERS;
use crate::provider::huggingface::login_file;
use crate::run::Run;
use crate::serve::{Limits, Place, Server};
use crate::store::{DirStore, Location, StoreErrorKind};
use crate::summary;
use crate::text::Words;
use crate::text::printable::PrintableLines;
use crate::transcriber::is_recording;

use dataset::Dataset;
use display::Progressing;
use evaluate::Evaluate;
use input::Input;
use variables::Variables;

/// How long `plan --probe` waits for what an endpoint says of itself.
const SERVED_TIMEOUT: Duration = Duration::from_secs(5);

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
    /// Write results to standard output as JSON, a line for each.
    #[arg(long, global = true)]
    json: bool,
    /// Show neither progress nor notes, and no results but with --json. Errors are shown.
    #[arg(long, global = true)]
    quiet: bool,
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
`transcript-summarizer variables` lists all variables.

Examples:
  transcript-summarizer summarize meeting.txt
  transcript-summarizer summarize --words 1500 --out results *.txt
  transcript-summarizer plan --words 1500 s3://transcripts/2026/board.txt
  curl --silent https://example.org/hearing.txt | transcript-summarizer summarize -
  transcript-summarizer evaluate samples/dialogues.jsonl
  transcript-summarizer serve --dir transcripts

Exit status: 0 done, 1 failed, 2 wrong usage."
    )
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Summarize transcripts.
    #[command(alias = "summarise")]
    Summarize(Summarize),
    /// Show what a summary takes: words, tokens, chunks, calls and their cost. Sends nothing without --probe.
    Plan(PlanArguments),
    /// Serve a page on this machine to drop transcripts on, and an HTTP API.
    Serve(Serve),
    /// Summarize transcripts that have references, and measure the summaries: ROUGE, length, coverage, unsupported numbers and
    /// names, calls, cost and time.
    ///
    /// Without --words and SUMMARY_WORDS, a summary is as long as its reference.
    Evaluate(Evaluate),
    /// Make examples for fine-tuning out of traces: chats in JSON lines, divided by transcript, without rejected answers.
    Dataset(Dataset),
    /// List the environment variables, with their defaults and what they are for.
    Variables(Variables),
}

#[derive(Debug, Args)]
struct Inputs {
    /// Transcripts: files, s3://bucket/key, or - for standard input.
    #[arg(value_name = "INPUT", required = true, value_parser = NonEmptyStringValueParser::new())]
    inputs: Vec<String>,
    #[command(flatten)]
    wanted: Wanted,
}

/// What a summary should be like.
#[derive(Debug, Default, Args)]
struct Wanted {
    /// Length of the summary in words; SUMMARY_WORDS if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(50..=100_000))]
    words: Option<u32>,
    /// Language to write in, such as de or pt-BR, or auto for that of the transcript; SUMMARY_LANGUAGE if not given.
    #[arg(long, value_name = "L")]
    language: Option<String>,
    /// A text file with what you wish of the summary, up to 2,000 characters, or - for standard input; SUMMARY_INSTRUCTIONS if
    /// not given.
    #[arg(long, value_name = "FILE")]
    instructions: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct PlanArguments {
    #[command(flatten)]
    inputs: Inputs,
    /// Ask the endpoint for one section, and show how the model writes, how fast, and what the whole takes at that rate.
    #[arg(long)]
    probe: bool,
}

#[derive(Debug, Args)]
struct Summarize {
    #[command(flatten)]
    inputs: Inputs,
    /// Put results under this directory: summaries/<name>_summary.txt and .json; that of standard input is stdin.txt. Inputs with
    /// equal names are told apart by their folders: summaries/<folder>/<name>_summary.txt.
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// Write every request and answer to this directory, for debugging and for `dataset`. They hold what was said.
    #[arg(long, value_name = "DIR")]
    trace: Option<PathBuf>,
    /// Work on this many transcripts at a time. They share MODEL_CONCURRENCY, and the built-in model takes one after another.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=100))]
    jobs: u16,
    /// Replace also a file that this program did not write, and a model's summary by one of the built-in model, which only quotes.
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
struct Serve {
    /// Port of the loopback address to listen on; 0 chooses a free one.
    #[arg(long, value_name = "N", default_value_t = 8080)]
    port: u16,
    /// Keep transcripts in this directory, and results under it.
    #[arg(long, value_name = "DIR", default_value = "transcripts")]
    dir: PathBuf,
    /// Keep them in this bucket instead: in S3, or in the directory STORE_DIR.
    #[arg(long, value_name = "BUCKET", conflicts_with = "dir", value_parser = NonEmptyStringValueParser::new())]
    bucket: Option<String>,
}

/// The arguments of this process. Exits if they are wrong, and says how to summarize a file that is given without a command.
fn parsed() -> Cli {
    let error = match Cli::try_parse() {
        Ok(cli) => return cli,
        Err(error) => error,
    };
    let file = std::env::args()
        .nth(1)
        .filter(|file| Path::new(file).is_file());
    let error = match file.filter(|_| error.kind() == ErrorKind::InvalidSubcommand) {
        Some(file) => Cli::command().error(
            error.kind(),
            format!("{file} is a file, not a command: did you mean `summarize {file}`?"),
        ),
        None => error,
    };
    if !error.use_stderr() {
        error.exit();
    }
    // Arguments may be names of files that somebody else has chosen.
    let _ = write!(PrintableLines(std::io::stderr()), "{}", error.render());
    std::process::exit(error.exit_code());
}

/// Runs the command line of this process. `log` is told whether only errors are to be shown.
pub async fn run(log: fn(bool)) -> ExitCode {
    let Cli {
        command,
        json,
        quiet,
    } = parsed();
    display::choose(json, quiet);
    log(quiet);
    let failed = match execute(command).await {
        Ok(failed) => failed,
        Err(error) => {
            display::error(&chain(error.as_ref()));
            return ExitCode::from(WRONG_USAGE);
        }
    };
    ExitCode::from(u8::from(failed > 0 || display::is_lost()))
}

/// Does what is asked for, and returns how much of it failed.
///
/// # Errors
/// If arguments or settings are wrong. Nothing was sent.
async fn execute(command: Command) -> Result<usize, Box<dyn Error>> {
    Ok(match command {
        Command::Summarize(Summarize {
            inputs,
            out,
            trace,
            jobs,
            force,
        }) => {
            let (mut config, inputs) = prepare(&inputs)?;
            let jobs = match config.provider.capabilities().local {
                true => 1,
                false => usize::from(jobs).min(inputs.len()).min(config.concurrency),
            };
            config.concurrency /= jobs;
            let tally = summarize(&inputs, &out, trace, (jobs, force), config).await;
            if inputs.len() > 1 {
                display::tally(tally.done, tally.failed, tally.untried);
            }
            tally.failed + tally.untried
        }
        Command::Plan(PlanArguments { inputs, probe }) => {
            let (config, inputs) = prepare(&inputs)?;
            let http = Http::default();
            let plan = async |input: &Input| plan(input, &config, &http, probe).await;
            for_each(&inputs, 1, plan).await.failed
        }
        Command::Serve(options) => {
            let served = serve(&options, configure(&Wanted::default())?).await;
            if let Err(error) = &served {
                display::error(&chain(error.as_ref()));
            }
            usize::from(served.is_err())
        }
        Command::Evaluate(arguments) => evaluate::evaluate(&arguments).await?,
        Command::Dataset(arguments) => dataset::dataset(&arguments)?,
        Command::Variables(asked) => {
            variables::variables(&asked)?;
            0
        }
    })
}

/// Serves the page and the API until the process is ended.
async fn serve(options: &Serve, config: Config) -> Result<(), Box<dyn Error>> {
    let place = match &options.bucket {
        Some(bucket) => Place::Bucket(bucket.clone()),
        None => {
            check_writable("--dir", &options.dir, &config.filter.output_prefix)?;
            Place::Dir(options.dir.clone())
        }
    };
    let server = Server::start(config, place, options.port, Limits::default()).await?;
    display::serving(&server.url);
    server.work().await;
    Ok(())
}

/// The configuration and the inputs of a command. Shows notes about inputs that were given twice.
fn prepare(arguments: &Inputs) -> Result<(Config, Vec<Input>), Box<dyn Error>> {
    let wanted = &arguments.wanted;
    let reads_instructions = wanted.instructions.as_deref() == Some(Path::new("-"));
    if reads_instructions && arguments.inputs.iter().any(|input| input == "-") {
        return Err("standard input cannot be both the instructions and a transcript".into());
    }
    let config = configure(wanted)?;
    let (inputs, notes) = input::name_all(&arguments.inputs)?;
    for text in notes {
        display::note(&format!("note: {text}"));
    }
    Ok((config, inputs))
}

/// The configuration, with what is wanted.
fn configure(arguments: &Wanted) -> Result<Config, Box<dyn Error>> {
    let mut config = Config::from_env(Surface::CommandLine)?;
    if let Some(words) = arguments.words {
        config.summary_words = Words(words as usize);
        config.by_option.words = true;
    }
    if let Some(language) = &arguments.language {
        let wrong = || format!("--language is {language:?}: expected {EXPECTED_LANGUAGE}");
        config.wishes.language = order::language_of(language).ok_or_else(wrong)?;
        config.by_option.language = true;
    }
    if let Some(path) = &arguments.instructions {
        config.wishes.instructions = instructions(path)?;
        config.by_option.instructions = true;
    }
    config.read_lists()?;
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for (name, meant) in Config::misspelt(names) {
        display::note(&format!(
            "note: {name} is set, but there is no such variable: did you mean {meant}?"
        ));
    }
    if let Some(note) = login_note(&config) {
        display::note(&note);
    }
    Ok(config)
}

/// Says how to use a login at Hugging Face that nothing else chooses.
fn login_note(config: &Config) -> Option<String> {
    let file = login_file(|name| std::env::var(name).ok()).filter(|file| file.is_file())?;
    let file = file.display();
    is_builtin_by_default(config).then(|| {
        format!(
            "note: the built-in model is used; MODEL_PROVIDER=huggingface uses the login in {file}"
        )
    })
}

/// Whether the built-in model is used although nobody chose it.
fn is_builtin_by_default(config: &Config) -> bool {
    config.provider.capabilities().local && std::env::var_os("MODEL_PROVIDER").is_none()
}

/// Bytes beyond which a file has more than [`MAX_INSTRUCTIONS`] characters in every encoding.
const MAX_INSTRUCTIONS_BYTES: u64 = 4 * MAX_INSTRUCTIONS as u64 + 4;

/// The text of the file that `--instructions` names.
fn instructions(path: &Path) -> Result<Arc<str>, String> {
    let shown = path.display();
    let read = match path.as_os_str() == "-" {
        true => order::at_most(io::stdin(), MAX_INSTRUCTIONS_BYTES),
        false => File::open(path).and_then(|file| order::at_most(file, MAX_INSTRUCTIONS_BYTES)),
    };
    let bytes = read.map_err(|error| {
        let reason = chain(&error);
        format!("--instructions {shown}: expected a text file, or - for standard input: {reason}")
    })?;
    let bytes = bytes.ok_or_else(|| {
        format!("--instructions {shown}: it has more than {MAX_INSTRUCTIONS} characters")
    })?;
    let text = order::text_of(&bytes);
    let text = text.map_err(|reason| format!("--instructions {shown}: {reason}"))?;
    order::instructions_of(&text).map_err(|problem| format!("--instructions {shown} {problem}"))
}

/// What the inputs of a command came to.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    done: usize,
    failed: usize,
    /// Left out, because what went wrong with another one would have gone wrong with these, too.
    untried: usize,
}

/// Summarizes all inputs, `jobs` at a time.
async fn summarize(
    inputs: &[Input],
    out: &Path,
    trace: Option<PathBuf>,
    (jobs, force): (usize, bool),
    mut config: Config,
) -> Tally {
    let nothing = Tally {
        failed: inputs.len(),
        ..Tally::default()
    };
    // Checked before anything is sent, so that nothing is paid for that cannot be kept.
    let traced = trace
        .as_deref()
        .map(|dir| check_writable("--trace", dir, ""));
    let checked = traced.unwrap_or(Ok(()));
    let checked = checked.and_then(|()| check_writable("--out", out, &config.filter.output_prefix));
    if let Err(problem) = checked {
        display::error(&problem);
        return nothing;
    }
    // Results are written under --out, whatever bucket the transcript is in.
    config.output_bucket = Some(LOCAL_BUCKET.to_owned());
    let target = DirStore::single(LOCAL_BUCKET, out);
    let http = Http::default();
    let model = match config.provider.connect(&http).await {
        Ok(model) => model,
        Err(error) => {
            display::error(&chain(&error));
            return nothing;
        }
    };
    let app = App {
        source: Arc::new(target.clone()),
        target: Arc::new(target),
        model,
        transcriber: None,
        speaker: None,
        config: Arc::new(config),
        trace,
        lease: LEASE,
        habits: KnownHabits::default(),
        durable: true,
    };
    let is_told = Cell::new(!is_builtin_by_default(&app.config));
    for_each(inputs, jobs, async |input| {
        let started = Instant::now();
        let earlier = app.earlier_summary(&input.upload.at).await?;
        if !force {
            check_replaceable(earlier.as_ref(), &app)?;
        }
        match summarize_one(input, &app, &http).await? {
            Ready::Done(done) => {
                let prices = app.config.prices;
                display::done(&input.name, out, &done, started.elapsed(), prices);
                let is_another = |earlier: &Earlier| {
                    earlier.job_id.as_ref().is_some_and(|id| *id != done.job_id)
                };
                let earlier = earlier.filter(is_another);
                if let Some(earlier) = earlier {
                    display::replaced(&earlier, done.report.source.etag.as_deref());
                }
                if !is_told.replace(true) {
                    display::note(
                        "note: the built-in model only quotes; with a key, a model writes the summary (--help lists them)",
                    );
                }
            }
            Ready::Duplicate { summary, page } => {
                display::duplicate(&input.name, out, &summary, page.as_ref());
                if app.trace.is_some() {
                    display::note(
                        "  note: nothing was asked, so nothing is traced; with another --out it is made, and paid for, again",
                    );
                }
            }
        }
        Ok(())
    })
    .await
}

/// Refuses to replace what this program did not write, and to let the built-in model replace a summary that another model wrote: the
/// key may have been forgotten.
fn check_replaceable(earlier: Option<&Earlier>, app: &App) -> Result<(), String> {
    if earlier.is_some_and(|earlier| earlier.job_id.is_none()) {
        return Err(
            "where its summary would be is another file, which this program did not write: choose another --out, or add --force"
                .to_owned(),
        );
    }
    let ours = app.model.capabilities();
    if !ours.local {
        return Ok(());
    }
    let writer = earlier.and_then(|earlier| earlier.writer.as_deref());
    match writer.filter(|writer| *writer != ours.provider) {
        Some(writer) => Err(format!(
            "the summary of this name was written by {writer}, and the built-in model, which only quotes, would replace it: set the \
             key for it again, choose another --out, or add --force"
        )),
        None => Ok(()),
    }
}

/// A summary that is ready.
enum Ready {
    Done(Box<Done>),
    Duplicate {
        summary: Location,
        page: Option<Location>,
    },
}

/// The reason that there is no summary.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
struct NoSummary {
    status: Status,
    reason: String,
    /// What to do about it.
    next_step: Option<String>,
    /// Every other job would fail like this one.
    concerns_all: bool,
}

impl Ready {
    fn of(ended: Result<Outcome, JobError>) -> Result<Self, NoSummary> {
        let status = Status::of(&ended);
        let reason = match ended {
            Ok(Outcome::Done(done)) => return Ok(Self::Done(done)),
            Ok(Outcome::Duplicate { summary, page }) => {
                return Ok(Self::Duplicate { summary, page });
            }
            Ok(Outcome::Skipped(skip)) => skip.reason().to_owned(),
            Ok(Outcome::Superseded) => {
                "it was overwritten while it was read; run this again".to_owned()
            }
            Ok(Outcome::Rejected(rejected)) => return Err(Self::none(status, &rejected.into())),
            Err(error) => return Err(Self::none(status, &error)),
        };
        Err(NoSummary {
            status,
            reason,
            next_step: None,
            concerns_all: false,
        })
    }

    fn none(status: Status, error: &JobError) -> NoSummary {
        NoSummary {
            status,
            reason: chain(error),
            next_step: Some(error.next_command()),
            concerns_all: error.concerns_all_jobs(),
        }
    }
}

/// Says why no file can be created in `folder` in the directory of an option. Neither needs to exist yet.
fn check_writable(option: &str, dir: &Path, folder: &str) -> Result<(), String> {
    // With a slash behind it, a file would not exist.
    let whole = match folder {
        "" => dir.to_owned(),
        folder => dir.join(folder),
    };
    let existing = whole.ancestors().find(|folder| folder.exists());
    match tempfile::tempfile_in(existing.unwrap_or(Path::new("."))) {
        Ok(_) => Ok(()),
        Err(error) => {
            let (dir, reason) = (dir.display(), error.kind());
            Err(format!(
                "{option} {dir}: no file can be created there: {reason}"
            ))
        }
    }
}

/// Does `work` for each input, `jobs` at a time, and displays its error. After one that concerns all, none is begun.
async fn for_each(
    inputs: &[Input],
    jobs: usize,
    work: impl AsyncFn(&Input) -> Result<(), Box<dyn Error>>,
) -> Tally {
    let mut tally = Tally::default();
    let is_over = Cell::new(false);
    let begun = stream::iter(inputs).take_while(|_| future::ready(!is_over.get()));
    let mut ended = pin!(
        begun
            .map(async |input| (input, work(input).await))
            .buffer_unordered(jobs)
    );
    while let Some((input, result)) = ended.next().await {
        let Err(error) = result else {
            tally.done += 1;
            continue;
        };
        tally.failed += 1;
        let none = error.downcast_ref::<NoSummary>();
        let status = none.map_or(Status::Failed, |none| none.status);
        let next_step = none.and_then(|none| none.next_step.as_deref());
        display::failure(&input.name, status, &chain(error.as_ref()), next_step);
        is_over.set(is_over.get() || none.is_some_and(|none| none.concerns_all));
    }
    tally.untried = inputs.len() - tally.done - tally.failed;
    tally
}

/// Summarizes one input.
async fn summarize_one(input: &Input, app: &App, http: &Http) -> Result<Ready, Box<dyn Error>> {
    let name = &input.name;
    let transcriber = match is_recording(name) {
        true => app.config.connect_transcriber(http).await?,
        false => None,
    };
    if is_recording(name) && transcriber.is_none() {
        return Err("it is a recording: set TRANSCRIBER, and name it as s3://bucket/key".into());
    }
    if transcriber.is_some() && !input.is_object() {
        return Err(
            "recordings are transcribed in S3, or on the page of `serve`: upload it and name it as s3://bucket/key".into(),
        );
    }
    let bucket = app.config.speech.as_ref().map(|speech| &speech.bucket);
    let speaker = match (bucket, input.is_object()) {
        (Some(None), false) => {
            display::note(&format!(
                "{name}: its summary is not read out: Amazon Polly writes into a bucket; set OUTPUT_BUCKET, or name an object as \
                 s3://bucket/key"
            ));
            None
        }
        _ => app.config.connect_speaker(http).await?,
    };
    let app = App {
        source: input.open(&app.config, http).await?,
        transcriber,
        speaker,
        ..app.clone()
    };
    let progressing = Progressing::new(name);
    let shown = progressing.clone();
    let waits = display::Waits::new(&progressing);
    let run = Run::of_a_person(Clock::System)
        .watched_by(move |progress| shown.show(progress))
        .telling_of_waits(move |waiting| waits.show(waiting));
    let ended = run_to_end(&app, &input.upload, &progressing, &run).await;
    progressing.end();
    Ok(ended?)
}

/// How often and how long a job is tried again that no longer gets on, as a queue would deliver its upload again.
#[derive(Debug)]
struct Patience {
    /// When the job last got on, and how many answers it had then.
    since: Instant,
    answers: usize,
    wait: Duration,
}

impl Patience {
    const LONGEST: Duration = Duration::from_secs(15 * 60);
    const FIRST_WAIT: Duration = Duration::from_secs(1);
    const LONGEST_WAIT: Duration = Duration::from_secs(60);

    fn new() -> Self {
        Self {
            since: Instant::now(),
            answers: 0,
            wait: Self::FIRST_WAIT,
        }
    }

    /// How long to wait before the job with so many answers is tried again; `None` to give up.
    fn next(&mut self, answers: usize) -> Option<Duration> {
        if answers > self.answers {
            *self = Self {
                answers,
                ..Self::new()
            };
        }
        let wait = self.wait;
        self.wait = (wait * 2).min(Self::LONGEST_WAIT);
        (self.since.elapsed() + wait <= Self::LONGEST).then_some(wait)
    }
}

/// Runs a job to its end. If another run holds it, such as one that was killed a moment ago, waits for its lease. What passes by
/// itself is waited for, too.
async fn run_to_end(
    app: &App,
    upload: &Upload,
    progressing: &Progressing,
    run: &Run,
) -> Result<Ready, NoSummary> {
    let mut noted = String::new();
    let mut patience = Patience::new();
    let ended = loop {
        let ended = app.run(upload, run).await;
        let Some(wait) = ended.as_ref().err().and_then(JobError::wait) else {
            match &ended {
                Err(error) if error.passes() => match patience.next(run.answers()) {
                    Some(wait) => progressing.count_down(&chain(error), wait).await,
                    None => break ended,
                },
                _ => break ended,
            }
            continue;
        };
        let note = match &ended {
            Err(JobError::Transcribing) => {
                "it is being transcribed; waiting for its transcript".to_owned()
            }
            _ => format!(
                "another run works on it, or was killed less than {} s ago; waiting for it",
                LEASE.as_secs()
            ),
        };
        if note != noted {
            progressing.note(&note);
            noted = note;
        }
        tokio::time::sleep(wait).await;
    };
    let is_superseded = matches!(ended, Ok(Outcome::Superseded));
    if is_superseded && is_missing(app, upload).await {
        return Err(NoSummary {
            status: Status::Superseded,
            reason: "it was deleted while it was read".to_owned(),
            next_step: None,
            concerns_all: false,
        });
    }
    Ready::of(ended)
}

/// Whether an input exists no longer.
async fn is_missing(app: &App, upload: &Upload) -> bool {
    let found = app.source.head(&upload.at).await;
    found.is_err_and(|error| error.kind == StoreErrorKind::NotFound)
}

/// Shows the plan of one input, and with `probe` what the endpoint makes of its first section.
async fn plan(
    input: &Input,
    config: &Config,
    http: &Http,
    probe: bool,
) -> Result<(), Box<dyn Error>> {
    if is_recording(&input.name) {
        return Err("it is a recording: give `plan` its transcript".into());
    }
    let (transcript, order) = input.read(config, http).await?;
    let plan = config.plan(&transcript, &order)?;
    display::plan(&input.name, &transcript, &plan, config, &order);
    if probe && config.provider.capabilities().reads_links {
        display::note(
            "note: there is nothing to probe: with RUNPOD_TASK=transcript, the worker plans and asks its model by itself",
        );
    } else if probe && config.provider.capabilities().local {
        display::note("note: there is nothing to probe: the built-in model runs in this program");
    } else if probe {
        let model = config.provider.connect_at_once(http).await?;
        let served = tokio::time::timeout(SERVED_TIMEOUT, model.served()).await;
        let settings = summary::Settings {
            limits: config.limits,
            seed: input.name.clone(),
            quotes: model.capabilities().quotes,
            ratio: 1.0,
            wishes: order.wishes.obeyed(&config.limits, None).0,
        };
        let progressing = Progressing::new(&input.name);
        let waits = display::Waits::new(&progressing);
        let run = Run::new(Clock::System).telling_of_waits(move |waiting| waits.show(waiting));
        let options = CallOptions {
            max_calls: config.limits.max_calls,
            concurrency: 1,
            ..CallOptions::default()
        };
        let client = ModelClient::new(model, None, options, &run);
        let sample = summary::sample(&transcript, &plan, &settings, &client).await;
        progressing.end();
        display::probe(
            &input.name,
            &plan,
            config,
            served.unwrap_or_default(),
            sample?.as_ref(),
        );
    }
    display::end_of_plan();
    Ok(())
}
