//! `evaluate`: summarizes transcripts that have references, and measures the summaries.
//!
//! Each transcript is a job like any other, with its summary and report under `--out`. What an earlier run of the same command has
//! made is measured as it is, so an evaluation that was interrupted continues where it stopped, and pays nothing twice. How long that
//! took is only known from what the earlier run recorded, which is kept.

mod data;
mod table;

use std::cell::Cell;
use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use clap::Args;
use futures_util::StreamExt;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::chain::chain;
use crate::cli::display::Progressing;
use crate::cli::{Ready, Wanted, check_writable, configure};
use crate::cli::{display, run_to_end};
use crate::clock::Clock;
use crate::document::report::GENERATOR;
use crate::document::{Formats, REPORT_ENDING, SUMMARY_ENDING, output_key};
use crate::evaluation::{Case, Comparison, Figures, Measured, Speed, compare, measure};
use crate::hex::hex;
use crate::http::Http;
use crate::job::config::WORDS_RANGE;
use crate::job::local::{LEASE, LOCAL_BUCKET};
use crate::job::{App, Config, KnownHabits, Status, Upload};
use crate::run::Run;
use crate::store::{DirStore, FileStore, Location, Store};
use crate::text::{Words, words};
use crate::transcript::{Decoder, Transcript};

use data::{Pair, Record};

/// Name of the file with the results.
const RESULTS: &str = "evaluation.json";

/// Version of its format.
const VERSION: u32 = 1;

/// Results that are larger are not read: those of a million transcripts.
const MAX_RESULT_BYTES: u64 = 1 << 30;

/// No more transcripts are started if so many have failed and none was summarized.
const MAX_FIRST_FAILURES: usize = 10;

#[derive(Debug, Args)]
pub(super) struct Evaluate {
    /// Transcripts with references: a file NAME.jsonl with an object in each line, that has `dialogue`, `document`, `text` or
    /// `transcript`, and `summary`, `reference` or `highlights`; a transcript NAME.txt with NAME.reference.txt or NAME.ref.json
    /// beside it; or a directory of these.
    #[arg(value_name = "DATA", required = true)]
    data: Vec<PathBuf>,
    #[command(flatten)]
    wanted: Wanted,
    /// Put the results under this directory, one for each configuration: evaluation.json, and summaries/.
    #[arg(long, value_name = "DIR", default_value = "evaluation")]
    out: PathBuf,
    /// Compare with an earlier evaluation of the same data: its evaluation.json.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Transcripts at the same time, each with up to MODEL_CONCURRENCY calls; 1 if not given, and with the built-in model as many
    /// as there are cores.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    at_once: Option<u16>,
    /// Replace the evaluation of another configuration under --out.
    #[arg(long)]
    force: bool,
}

/// The contents of `evaluation.json`.
#[derive(Debug, Serialize)]
struct Evaluation<'a> {
    version: u32,
    generator: &'a str,
    configuration: Configuration,
    /// `null` if no transcript was summarized.
    figures: Option<Figures>,
    /// That of the last run that made summaries; `null` if there was none.
    speed: Option<Speed>,
    against: Option<Comparison>,
    transcripts: Vec<Measured>,
    failed: Vec<Failed>,
}

/// What was evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Configuration {
    provider: String,
    model: Option<String>,
    /// Words asked for; `null` for those of each reference.
    words: Option<usize>,
    /// The language asked for; `null` for that of each transcript.
    language: Option<String>,
}

/// A transcript that was not summarized.
#[derive(Debug, Serialize)]
struct Failed {
    input: String,
    error: String,
}

/// What is read of an earlier evaluation.
#[derive(Debug, Deserialize)]
struct Earlier {
    configuration: Configuration,
    speed: Option<Speed>,
    transcripts: Vec<Measured>,
}

/// What all jobs of an evaluation share.
#[derive(Clone)]
struct Evaluator {
    app: App,
    target: DirStore,
    /// `None` for as many as each reference has.
    words: Option<Words>,
    /// The seconds that earlier runs have recorded, by the digests of transcripts.
    recorded: Arc<HashMap<String, f64>>,
}

/// Evaluates, and returns how many transcripts failed.
///
/// # Errors
/// If settings or data are wrong. Nothing was sent.
pub(super) async fn evaluate(arguments: &Evaluate) -> Result<usize, Box<dyn Error>> {
    let mut config = configure(&arguments.wanted)?;
    let earlier = arguments.against.as_deref().map(earlier).transpose()?;
    let records = data::find(&arguments.data, config.max_input_bytes)?;
    let out = &arguments.out;
    // Only texts are measured.
    config.formats = Formats {
        page: false,
        markdown: false,
    };
    config.speech = None;
    config.output_bucket = Some(LOCAL_BUCKET.to_owned());
    let is_set = config.by_option.words || std::env::var_os("SUMMARY_WORDS").is_some();
    let words = is_set.then_some(config.summary_words);
    let capabilities = config.provider.capabilities();
    let configuration = Configuration {
        provider: capabilities.provider.to_owned(),
        model: capabilities.model.clone().map(|model| model.to_string()),
        words: words.map(|words| words.0),
        language: config
            .wishes
            .language
            .as_ref()
            .map(|language| language.tag().to_owned()),
    };
    let recorded = recorded(out, &configuration, arguments.force)?;
    let at_once = match (arguments.at_once, capabilities.local) {
        (Some(given), _) => usize::from(given),
        (None, true) => thread::available_parallelism().map_or(1, usize::from),
        (None, false) => 1,
    };
    let prices = config.prices;
    let (recorded, recorded_speed) = match recorded {
        Some(recorded) => (recorded.transcripts, recorded.speed),
        None => (Vec::new(), None),
    };
    let recorded = recorded.into_iter().map(|one| (one.digest, one.seconds));
    let evaluator = match Evaluator::connect(config, out, words).await {
        Ok(evaluator) => Evaluator {
            recorded: Arc::new(recorded.collect()),
            ..evaluator
        },
        Err(error) => {
            display::error(&chain(error.as_ref()));
            return Ok(records.len());
        }
    };
    let started = Instant::now();
    let (transcripts, failed) = evaluator.all(records, at_once).await;
    let speed = Speed::of(&transcripts, started.elapsed().as_secs_f64()).or(recorded_speed);
    let evaluation = Evaluation {
        version: VERSION,
        generator: GENERATOR,
        configuration,
        figures: Figures::of(&transcripts, prices),
        speed,
        against: earlier
            .as_ref()
            .and_then(|earlier| compare(&transcripts, &earlier.transcripts)),
        transcripts,
        failed,
    };
    table::print_all(&evaluation, earlier.as_ref());
    let path = out.join(RESULTS);
    match write(&path, &evaluation) {
        Ok(()) => display::result(|| evaluation.line(&path), || table::written(&path)),
        Err(error) => {
            display::error(&format!("{}: {}", path.display(), chain(&error)));
            return Ok(evaluation.failed.len() + 1);
        }
    }
    Ok(evaluation.failed.len())
}

/// The earlier evaluation of the same configuration. Refuses to replace that of another one, whose summaries may have been paid for.
fn recorded(out: &Path, ours: &Configuration, force: bool) -> Result<Option<Earlier>, String> {
    match results(&out.join(RESULTS)).ok() {
        Some(there) if there.configuration == *ours => Ok(Some(there)),
        Some(there) if !force => Err(format!(
            "--out {}: it holds the evaluation of {}: each configuration needs a directory of its own; --force replaces it",
            out.display(),
            there.configuration.shown()
        )),
        _ => Ok(None),
    }
}

impl Evaluation<'_> {
    /// What programs are told after the transcripts, each of which has a line of its own.
    fn line(&self, path: &Path) -> Value {
        json!({
            "evaluation": path.display().to_string(),
            "configuration": self.configuration,
            "figures": self.figures,
            "speed": self.speed,
            "against": self.against,
            "summarized": self.transcripts.len(),
            "failed": self.failed.len(),
        })
    }
}

impl Configuration {
    /// As messages name it.
    fn shown(&self) -> String {
        let model = self.model.as_deref();
        let model = model.map_or_else(String::new, |model| format!(" {model}"));
        let words = self.words.map(|words| format!(" with {words} words"));
        let language = self
            .language
            .iter()
            .map(|language| format!(" in {language}"));
        let others: String = words.into_iter().chain(language).collect();
        format!("{}{model}{others}", self.provider)
    }
}

/// Reads an earlier evaluation.
fn earlier(path: &Path) -> Result<Earlier, Box<dyn Error>> {
    let wrong = |reason: &(dyn Error + 'static)| {
        let (path, reason) = (path.display(), chain(reason));
        format!("--against {path}: expected the {RESULTS} of an earlier evaluation: {reason}")
    };
    Ok(results(path).map_err(|error| wrong(&error))?)
}

fn results(path: &Path) -> io::Result<Earlier> {
    let mut read = Vec::new();
    fs::File::open(path)?
        .take(MAX_RESULT_BYTES)
        .read_to_end(&mut read)?;
    Ok(serde_json::from_slice(&read)?)
}

/// Writes the results, all or none.
fn write(path: &Path, evaluation: &Evaluation<'_>) -> io::Result<()> {
    let unfinished = path.with_extension("json.unfinished");
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let mut file = io::BufWriter::new(fs::File::create(&unfinished)?);
    serde_json::to_writer_pretty(&mut file, evaluation)?;
    writeln!(file)?;
    file.flush()?;
    fs::rename(&unfinished, path)
}

impl Evaluator {
    async fn connect(
        config: Config,
        out: &Path,
        words: Option<Words>,
    ) -> Result<Self, Box<dyn Error>> {
        check_writable("--out", out, &config.filter.output_prefix)?;
        let target = DirStore::single(LOCAL_BUCKET, out);
        let app = App {
            source: Arc::new(target.clone()),
            target: Arc::new(target.clone()),
            model: config.provider.connect(&Http::default()).await?,
            transcriber: None,
            speaker: None,
            config: Arc::new(config),
            trace: None,
            lease: LEASE,
            habits: KnownHabits::default(),
            durable: true,
        };
        Ok(Self {
            app,
            target,
            words,
            recorded: Arc::default(),
        })
    }

    /// Evaluates all records, `at_once` of them at a time. The results are in the order of the records.
    async fn all(&self, records: Vec<Record>, at_once: usize) -> (Vec<Measured>, Vec<Failed>) {
        let bar = display::count_bar("evaluated", records.len());
        let is_given_up = Cell::new(false);
        let records = records.into_iter().enumerate();
        let records = records.take_while(|_| !is_given_up.get());
        let evaluated = records.map(|(place, record)| {
            let (evaluator, handle, name) = (self.clone(), Handle::current(), record.name.clone());
            let waits = display::Waits::beside(&name, &bar);
            let run = Run::of_a_person(Clock::System)
                .telling_of_waits(move |waiting| waits.show(waiting));
            // A thread for each: the built-in model computes.
            let job = spawn_blocking(move || {
                let measured = handle.block_on(evaluator.one(&record, &run));
                measured.map_err(|error| chain(error.as_ref()))
            });
            async move {
                let measured = job.await.unwrap_or_else(|error| Err(error.to_string()));
                (
                    place,
                    measured.map_err(|error| Failed { input: name, error }),
                )
            }
        });
        let mut evaluated = stream::iter(evaluated).buffer_unordered(at_once);
        let (mut measured, mut failed) = (Vec::new(), Vec::new());
        while let Some((place, result)) = evaluated.next().await {
            display::count(&bar);
            match result {
                Ok(result) => {
                    display::result_line(&result);
                    measured.push((place, result));
                }
                Err(failure) => {
                    let Failed { input, error } = &failure;
                    display::failure(input, Status::Failed, error, None);
                    failed.push((place, failure));
                }
            }
            // Those that were started are waited for.
            if measured.is_empty()
                && failed.len() >= MAX_FIRST_FAILURES
                && !is_given_up.replace(true)
            {
                let first = format!("the first {MAX_FIRST_FAILURES} transcripts have failed");
                display::error(&format!("{first}: the rest are left out"));
            }
        }
        bar.finish_and_clear();
        (in_order(measured), in_order(failed))
    }

    async fn one(&self, record: &Record, run: &Run) -> Result<Measured, Box<dyn Error>> {
        let max_bytes = self.app.config.max_input_bytes;
        let Pair {
            transcript: bytes,
            reference,
        } = record.read(max_bytes)?;
        let digest = digest(&bytes, &reference);
        let mut config = Config::clone(&self.app.config);
        let fitting = words::count(&reference).clamp(*WORDS_RANGE.start(), *WORDS_RANGE.end());
        config.summary_words = self.words.unwrap_or(Words(fitting));
        let app = App {
            source: Arc::new(FileStore::copied(&*bytes, &record.name, max_bytes)?),
            config: Arc::new(config),
            ..self.app.clone()
        };
        let mut decoder = Decoder::default();
        decoder.push(&bytes)?;
        drop(bytes);
        let transcript = Transcript::new(decoder.finish()?)?;
        let upload = Upload::named(Location::new(LOCAL_BUCKET, &record.key));
        let started = Instant::now();
        let progressing = Progressing::hidden(&record.name);
        let made = match run_to_end(&app, &upload, &progressing, run).await? {
            Ready::Done(_) => Some(started.elapsed().as_secs_f64()),
            Ready::Duplicate { .. } => None,
        };
        let prefix = &app.config.filter.output_prefix;
        let read = async |ending| {
            let at = Location::new(LOCAL_BUCKET, output_key(prefix, &record.key, ending));
            let (bytes, _) = self.target.read(&at, MAX_RESULT_BYTES).await?;
            Ok::<_, Box<dyn Error>>((at.key, bytes))
        };
        let (summary, text) = read(SUMMARY_ENDING).await?;
        let report: Value = serde_json::from_slice(&read(REPORT_ENDING).await?.1)?;
        let earlier = || {
            let reported = || report.get("duration_ms").and_then(Value::as_f64);
            let recorded = self.recorded.get(&digest).copied();
            recorded.unwrap_or_else(|| reported().unwrap_or(0.0) / 1000.0)
        };
        let seconds = made.unwrap_or_else(earlier);
        let measures = measure(&Case {
            transcript: &transcript,
            reference: &reference,
            summary: &String::from_utf8_lossy(&text),
            report: &report,
            language: app.config.wishes.language.as_ref(),
        })?;
        Ok(Measured {
            input: record.name.clone(),
            digest,
            summary,
            seconds,
            is_earlier: made.is_none(),
            measures,
        })
    }
}

fn in_order<T>(mut placed: Vec<(usize, T)>) -> Vec<T> {
    placed.sort_by_cached_key(|(place, _)| *place);
    placed.into_iter().map(|(_, item)| item).collect()
}

/// Tells equal pairs, whatever their files are called.
fn digest(transcript: &[u8], reference: &str) -> String {
    let mut hash = Sha256::new();
    for part in [transcript, reference.as_bytes()] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize(), 16)
}
