//! Displays progress and results: a progress bar on a terminal, plain lines otherwise.

use std::cmp::Ordering;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde::Serialize;
use serde_json::{Value, json};

use crate::job::{Config, Done, Earlier, Order, Status};
use crate::model::{Capabilities, Served};
use crate::prompt::Wishes;
use crate::provider::builtin;
use crate::run::{Phase, Progress, Waiting};
use crate::store::Location;
use crate::summary::{Plan, Prices, Sample, TokenTotals};
use crate::text::corrections::{Entry, List};
use crate::text::number::{counted, grouped};
use crate::text::printable::{printable, printable_json};
use crate::transcript::Transcript;

/// Maximum number of entries that are named because they were not found.
const MOST_NAMED: usize = 5;

/// What is encoded in the path of a link.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~');

/// Whether results are JSON, and whether only these and errors are shown.
static IS_JSON: AtomicBool = AtomicBool::new(false);
static IS_QUIET: AtomicBool = AtomicBool::new(false);

/// Whether a result could not be written.
static IS_LOST: AtomicBool = AtomicBool::new(false);

/// Chooses what this process shows.
pub(crate) fn choose(json: bool, quiet: bool) {
    IS_JSON.store(json, Relaxed);
    IS_QUIET.store(quiet, Relaxed);
}

/// All bars. What is written meanwhile stands above them.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

fn new_bar(length: usize) -> ProgressBar {
    match IS_QUIET.load(Relaxed) {
        true => ProgressBar::hidden(),
        false => BARS.add(ProgressBar::new(length as u64)),
    }
}

/// Most characters of a name beside a bar, so that nothing wraps in 60 columns.
const NAME_BESIDE_BAR: usize = 16;

/// The progress of one transcript: a bar on a terminal, plain lines elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Progressing {
    name: String,
    bar: ProgressBar,
}

impl Progressing {
    /// Begins with the transcript `name`.
    pub(crate) fn new(name: &str) -> Self {
        Self::on(name, new_bar(0))
    }

    /// The same for one of many that are counted together.
    pub(crate) fn hidden(name: &str) -> Self {
        Self::on(name, ProgressBar::hidden())
    }

    fn on(name: &str, bar: ProgressBar) -> Self {
        let shown = printable(name);
        let length = shown.chars().count();
        let shown = match length > NAME_BESIDE_BAR {
            true => "…"
                .chars()
                .chain(shown.chars().skip(length + 1 - NAME_BESIDE_BAR))
                .collect(),
            false => shown.into_owned(),
        };
        let bar = bar.with_prefix(shown).with_message(Phase::Reading.name());
        let template = "{prefix} {wide_bar} {pos}/{len} calls, {msg}, {elapsed}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        let name = name.to_owned();
        Self { name, bar }
    }

    pub(crate) fn show(&self, Progress { phase, done, of }: Progress) {
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(phase.name());
        if self.bar.is_hidden() {
            let (phase, seconds) = (phase.name(), self.bar.elapsed().as_secs_f64());
            self.note(&format!("{phase}, {done} of {of} calls, {seconds:.1} s"));
        }
    }

    /// Waits before the job is tried again, and counts the seconds down.
    pub(crate) async fn count_down(&self, reason: &str, wait: Duration) {
        let seconds = wait.as_secs();
        self.note(&format!("{reason}; trying again in {seconds} s"));
        for left in (1..=seconds).rev() {
            self.bar.set_message(format!("again in {left} s"));
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    pub(crate) fn note(&self, text: &str) {
        note(&format!("{}: {text}", self.name));
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// A progress bar that counts to `length`; hidden unless standard error is a terminal.
pub(crate) fn count_bar(what: &str, length: usize) -> ProgressBar {
    let bar = new_bar(length).with_prefix(what.to_owned());
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len} {prefix}, {elapsed}") {
        bar.set_style(style);
    }
    bar
}

/// Counts one more on the bar. If it is hidden, every tenth of the whole has a line of its own.
pub(crate) fn count(bar: &ProgressBar) {
    bar.inc(1);
    let (count, all) = (bar.position(), bar.length().unwrap_or(0).max(1));
    if bar.is_hidden() && count * 10 / all > (count - 1) * 10 / all {
        let (what, seconds) = (bar.prefix(), bar.elapsed().as_secs_f64());
        note(&format!("{count}/{all} {what}, {seconds:.1} s"));
    }
}

/// Says that a job waits for its endpoint: once for each reason, and again after progress.
#[derive(Debug)]
pub(crate) struct Waits {
    name: String,
    bar: ProgressBar,
    /// The last reason told, and the position of the bar then.
    told: Mutex<Option<(String, u64)>>,
}

impl Waits {
    /// Of one transcript.
    pub(crate) fn new(progressing: &Progressing) -> Self {
        Self::beside(&progressing.name, &progressing.bar)
    }

    /// Of `name`, while `bar` counts something.
    pub(crate) fn beside(name: &str, bar: &ProgressBar) -> Self {
        Self {
            name: name.to_owned(),
            bar: bar.clone(),
            told: Mutex::default(),
        }
    }

    pub(crate) fn show(&self, Waiting { reason, longest }: &Waiting) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Some((reason.clone(), self.bar.position()));
        if *told == now {
            return;
        }
        *told = now;
        let (name, minutes) = (&self.name, longest.as_secs().div_ceil(60));
        note(&format!(
            "{name}: {reason}; waiting for it, up to {minutes} min"
        ));
    }
}

/// Writes an error to standard error.
pub(crate) fn error(text: &str) {
    BARS.suspend(|| drop(writeln!(io::stderr(), "error: {}", printable(text))));
}

/// Writes a line to standard error. That nobody reads it is no reason to fail.
pub(crate) fn note(text: &str) {
    if !IS_QUIET.load(Relaxed) {
        BARS.suspend(|| drop(writeln!(io::stderr(), "{}", printable(text))));
    }
}

/// Writes results for people to standard output.
pub(crate) fn print(text: &str) {
    if !IS_JSON.load(Relaxed) && !IS_QUIET.load(Relaxed) {
        write_line(&printable(text));
    }
}

/// Writes a result to standard output: for programs if `--json` was given, else for people.
pub(crate) fn result(json: impl FnOnce() -> Value, text: impl FnOnce() -> String) {
    match IS_JSON.load(Relaxed) {
        true => json_line(&json().to_string()),
        false => print(&text()),
    }
}

/// Writes a result to standard output if `--json` was given.
pub(crate) fn result_line(result: &impl Serialize) {
    if IS_JSON.load(Relaxed)
        && let Ok(line) = serde_json::to_string(result)
    {
        json_line(&line);
    }
}

fn json_line(line: &str) {
    write_line(&printable_json(line));
}

/// Writes a line to standard output. That nobody reads it is no reason to fail, but a full disk is.
fn write_line(line: &str) {
    let written = BARS.suspend(|| writeln!(io::stdout(), "{line}"));
    if let Err(reason) = written
        && reason.kind() != io::ErrorKind::BrokenPipe
        && !IS_LOST.swap(true, Relaxed)
    {
        error(&format!("standard output cannot be written to: {reason}"));
    }
}

/// Whether a result could not be written to standard output.
pub(crate) fn is_lost() -> bool {
    IS_LOST.load(Relaxed)
}

/// Shows that there is no result for an input.
pub(crate) fn failure(name: &str, status: Status, reason: &str, next_step: Option<&str>) {
    result_line(&json!({"input": name, "status": status, "error": reason, "next_step": next_step}));
    error(&format!("{name}: {reason}"));
    if let Some(next_step) = next_step {
        note(&format!("  next: {next_step}"));
    }
}

/// Shows how many inputs of a command came to what.
pub(crate) fn tally(done: usize, failed: usize, untried: usize) {
    let more = match untried {
        0 => String::new(),
        untried => format!(
            ", {} not tried: what is wrong would be wrong for {}, too",
            grouped(untried),
            if untried == 1 { "it" } else { "them" }
        ),
    };
    note(&format!(
        "{} done, {} failed{more}",
        grouped(done),
        grouped(failed)
    ));
}

/// The path of a result as the user would write it.
fn shown_path(out: &Path, key: &str) -> String {
    if out == Path::new(".") {
        return key.to_owned();
    }
    out.join(key).display().to_string()
}

pub(crate) fn serving(url: &str) {
    result(
        || json!({"url": url}),
        || format!("{url} takes transcripts; Ctrl-C stops it"),
    );
}

pub(crate) fn duplicate(name: &str, out: &Path, summary: &Location, page: Option<&Location>) {
    let path = shown_path(out, &summary.key);
    result(
        || {
            json!({
                "input": name,
                "status": Status::Duplicate,
                "summary": path,
                "page": page.map(|page| shown_path(out, &page.key)),
            })
        },
        || format!("{path}: exists already, made from the same transcript with the same settings"),
    );
    show_page(out, page);
}

/// Tells that a summary took the place of an `earlier` one: of the transcript with this entity tag, or of another.
pub(crate) fn replaced(earlier: &Earlier, etag: Option<&str>) {
    let writer = match earlier.writer.as_deref() {
        Some(writer) if writer == builtin::CAPABILITIES.provider => "the built-in model",
        writer => writer.unwrap_or("another version"),
    };
    note(&match earlier.source_etag.as_deref() == etag {
        true => format!("  note: it replaces an earlier summary, which {writer} wrote"),
        false => format!(
            "  note: it replaces the summary that {writer} wrote of another file with this name, or of this one before it was \
             changed; with different directories after --out, both stay"
        ),
    });
}

/// Names the page on the last line, as a link where the terminal follows links.
fn show_page(out: &Path, page: Option<&Location>) {
    let Some(page) = page.filter(|_| !IS_JSON.load(Relaxed) && !IS_QUIET.load(Relaxed)) else {
        return;
    };
    let path = shown_path(out, &page.key);
    let shown = printable(&path);
    let target = std::path::absolute(out.join(&page.key));
    match target.ok().filter(|_| io::stdout().is_terminal()) {
        Some(target) => {
            let path = target.as_os_str().as_encoded_bytes();
            let url = percent_encode(path, UNRESERVED);
            let link = format!("\x1b]8;;file://{url}\x1b\\{shown}\x1b]8;;\x1b\\");
            BARS.suspend(|| drop(writeln!(io::stdout(), "  page: {link}")));
        }
        None => print(&format!("  page: {path}")),
    }
}

pub(crate) fn done(name: &str, out: &Path, done: &Done, elapsed: Duration, prices: Option<Prices>) {
    let report = &done.report;
    let model = report.model.model.as_ref();
    let seconds = elapsed.as_secs_f64();
    let tokens = TokenTotals {
        prompt: usize::try_from(report.usage.prompt_tokens).unwrap_or(usize::MAX),
        completion: usize::try_from(report.usage.completion_tokens).unwrap_or(usize::MAX),
    };
    let cost = prices.and_then(|prices| prices.cost_of(&report.usage));
    let path = shown_path(out, &done.summary.key);
    result(
        || {
            json!({
                "input": name,
                "status": Status::Done,
                "summary": path,
                "page": done.page.as_ref().map(|page| shown_path(out, &page.key)),
                "words": report.summary.words,
                "target_words": report.summary.target_words,
                "sections": report.sections.len(),
                "provider": report.model.provider,
                "model": model,
                "calls": report.usage.calls,
                "fallback_calls": report.usage.fallback.calls,
                "prompt_tokens": tokens.prompt,
                "completion_tokens": tokens.completion,
                "cost": cost,
                "seconds": seconds,
                "warnings": report.warnings,
            })
        },
        || {
            format!(
                "{path}: {} of {} wanted, {}, {} to {}{}, {seconds:.1} s",
                counted(report.summary.words, "word"),
                grouped(report.summary.target_words),
                counted(report.sections.len(), "section"),
                counted(report.usage.calls, "call"),
                model.unwrap_or(&report.model.provider),
                match report.usage.fallback.calls {
                    0 => String::new(),
                    calls => format!(" ({} of them to the fallback)", grouped(calls)),
                },
            )
        },
    );
    if done.invocations > 1 {
        print(&match report.usage.resubmitted {
            0 => "  note: resumed an earlier run; nothing it had paid for was requested again"
                .to_owned(),
            again => format!(
                "  note: resumed an earlier run; {} under way when it ended had to be made again",
                counted(again, "call")
            ),
        });
    }
    let shown = prices.zip(cost).map(|(prices, cost)| prices.shown(cost));
    if let Some(cost) = shown.filter(|_| tokens != TokenTotals::default()) {
        print(&format!(
            "  cost: {cost} for {} tokens of prompts and {} of answers",
            grouped(tokens.prompt),
            grouped(tokens.completion)
        ));
    }
    for warning in &report.warnings {
        print(&format!("  note: {warning}"));
    }
    if let Some(speech) = &report.speech {
        for key in &speech.keys {
            let at = Location::new(&speech.bucket, key);
            print(&format!("  read out: {at}, in about a minute"));
        }
    }
    show_page(out, done.page.as_ref());
}

pub(crate) fn plan(
    name: &str,
    transcript: &Transcript,
    plan: &Plan,
    config: &Config,
    order: &Order,
) {
    let spoken = &transcript.spoken;
    let sizes = || plan.chunks.iter().map(|chunk| chunk.tokens.0);
    let capabilities = config.provider.capabilities();
    let model = capabilities.model.as_ref();
    let calls = plan.expected_calls(&config.limits);
    let mut tokens = plan.usage(&config.limits);
    let (obeyed, _) = order.wishes.obeyed(&config.limits, None);
    tokens.prompt += calls * obeyed.tokens().0;
    let one_job = capabilities.reads_links;
    let has_tokens = config.limits.context_tokens.is_some() && !one_job;
    result(
        || {
            json!({
                "input": name,
                "bytes": spoken.bytes,
                "format": spoken.format,
                "words": spoken.words,
                "speakers": transcript.segments.speakers.len(),
                "tokens": plan.tokens.0,
                "chunks": plan.chunks.len(),
                "target_words": plan.target_words.0,
                "target_reduced": plan.target_reduced,
                "sections": (!one_job).then_some(plan.sections),
                "provider": capabilities.provider,
                "model": model,
                "calls": calls,
                "max_calls": config.limits.max_calls,
                "prompt_tokens": has_tokens.then_some(tokens.prompt),
                "completion_tokens": has_tokens.then_some(tokens.completion),
                "cost": config.prices.filter(|_| has_tokens).map(|prices| prices.cost(tokens)),
            })
        },
        || name.to_owned(),
    );
    print(&format!(
        "  transcript  {} of {} ({}), {}, {}, about {}",
        counted(usize::try_from(spoken.bytes).unwrap_or(usize::MAX), "byte"),
        spoken.encoding,
        spoken.format,
        counted(spoken.words, "word"),
        counted(transcript.segments.speakers.len(), "speaker"),
        counted(plan.tokens.0, "token")
    ));
    let (least, most) = (sizes().min().unwrap_or(0), sizes().max().unwrap_or(0));
    if !one_job {
        print(&format!(
            "  chunks      {} of {} to {}",
            grouped(plan.chunks.len()),
            grouped(least),
            counted(most, "token")
        ));
    }
    if let Some(shown) = plan.shown_tokens {
        print(&format!(
            "              only the most telling sentences of each are sent, at most {}",
            counted(shown.0, "token")
        ));
    }
    for level in &plan.levels {
        print(&format!(
            "  notes       {}, to write notes that are {:.1} times shorter than what they are about",
            counted(level.calls, "call"),
            level.ratio
        ));
    }
    if let Some(most) = plan.outline_tokens {
        print(&format!(
            "  outline     1 call, about {}, and 1 for a last read; the topics that it finds become the sections",
            counted(plan.tokens.min(most).0, "token")
        ));
    }
    let overview = match plan.overview_words.0 {
        0 => String::new(),
        words => format!(" and an overview of {}", counted(words, "word")),
    };
    let sections = match one_job {
        true => String::new(),
        false => format!(": {}{overview}", counted(plan.sections, "section")),
    };
    print(&format!(
        "  summary     {}{sections}",
        counted(plan.target_words.0, "word")
    ));
    if plan.target_reduced {
        print(&format!(
            "              less than the {} asked for: a summary is at most 60 % of its transcript, so that nothing is padded",
            grouped(order.words.0)
        ));
    }
    wishes(&order.wishes, transcript, config);
    let one_by_one = match plan.calls() {
        more if more > calls => format!(
            ", {} if each section has to be asked for by itself",
            grouped(more)
        ),
        _ => String::new(),
    };
    let to = format!(
        "{}{}",
        config
            .provider
            .own_server()
            .unwrap_or(capabilities.provider),
        model.map_or_else(String::new, |model| format!(" ({model})")),
    );
    print(&match one_job {
        true => format!(
            "  calls       1 job to {to}, whose worker reads the transcript from a link and asks its model by itself"
        ),
        false => format!(
            "  calls       {} to {to}, {} at a time{one_by_one}, at most {} in all",
            grouped(calls),
            config.concurrency,
            grouped(config.limits.max_calls)
        ),
    });
    if has_tokens {
        print(&format!(
            "  tokens      about {} for prompts and {} for answers, if every answer is used as it comes{}",
            grouped(tokens.prompt),
            grouped(tokens.completion),
            match config.limits.reasoning_tokens.0 {
                0 => String::new(),
                most => format!(", and up to {} a call for reasoning", grouped(most)),
            }
        ));
        let again = plan.extra_call(&config.limits);
        print(&format!(
            "              what is asked for again or continued takes its part once more: up to {} and {}, at most {}",
            grouped(again.prompt),
            grouped(again.completion),
            counted(plan.extra_calls(&config.limits), "time")
        ));
        if let Some(prices) = config.prices {
            let cost = prices.shown(prices.cost(tokens));
            print(&format!("  cost        about {cost}"));
        }
        if let Some((fallback, after)) = config.provider.fallback() {
            let Capabilities {
                provider, model, ..
            } = fallback.capabilities();
            let name = model.as_deref().unwrap_or(provider);
            let second = config.prices.and_then(|prices| prices.of_fallback());
            let cost =
                second.map(|prices| format!(": about {}", prices.shown(prices.cost(tokens))));
            print(&format!(
                "  fallback    {name}{}, if the first model is refused, without credits or down for {} s",
                cost.unwrap_or_default(),
                after.as_secs()
            ));
        }
    }
    if config.speech.is_some() {
        let letters = transcript.text().chars().count() * plan.target_words.0;
        print(&format!(
            "  speech      about {}, which Amazon Polly bills",
            counted(letters / spoken.words.max(1), "character")
        ));
    }
}

pub(crate) fn end_of_plan() {
    print("");
}

/// Shows what an endpoint says of itself, and what came of a request for one section.
pub(crate) fn probe(
    name: &str,
    plan: &Plan,
    config: &Config,
    served: Served,
    sample: Option<&Sample>,
) {
    let probed = |sample: &Sample| {
        json!({
            "words_asked": sample.asked.0,
            "words_written": sample.written.0,
            "seconds": sample.took.as_secs_f64(),
            "tokens_per_second": sample.tokens_per_second(),
            "flaw": sample.flaw,
        })
    };
    result_line(&json!({
        "input": name,
        "probe": {
            "window": served.window.map(|window| window.0),
            "slots": served.slots,
            "section": sample.map(probed),
        },
    }));
    let configured = config.limits.context_tokens;
    if let (Some(window), Some(configured)) = (served.window, configured) {
        let advice = match window.cmp(&configured) {
            Ordering::Less => "set it to that, or requests are refused",
            Ordering::Equal => "as it is set",
            Ordering::Greater => "set it to that to use all of it",
        };
        print(&format!(
            "  window      the endpoint says {}; MODEL_CONTEXT_TOKENS is {}: {advice}",
            counted(window.0, "token"),
            grouped(configured.0)
        ));
    }
    let slots = served.slots.filter(|slots| *slots < config.concurrency);
    if let Some(slots) = slots {
        print(&format!(
            "  slots       the endpoint works on {} at a time, and the rest waits: MODEL_CONCURRENCY={slots} is enough",
            counted(slots, "request")
        ));
    }
    let Some(sample) = sample else { return };
    print(&format!(
        "  probe       {} asked for, {} written, in {:.1} s: {:.1} tokens a second",
        counted(sample.asked.0, "word"),
        grouped(sample.written.0),
        sample.took.as_secs_f64(),
        sample.tokens_per_second()
    ));
    let verdict = match (sample.flaw, sample.written.0 * 2 < sample.asked.0) {
        (Some(flaw), _) => Some(format!("the answer is no section, but {flaw}")),
        (None, true) => Some("the model writes less than half of what it is asked for".to_owned()),
        (None, false) => None,
    };
    if let Some(verdict) = verdict {
        print(&format!(
            "              {verdict}: expect a poor summary, or none; a larger model may do"
        ));
    }
    let whole = sample.whole(plan.usage(&config.limits));
    let at_once = slots.unwrap_or(config.concurrency);
    let time = sample.whole_time(whole, plan.target_words, at_once);
    let cost = config.prices.map_or_else(String::new, |prices| {
        format!(", and cost about {}", prices.shown(prices.cost(whole)))
    });
    print(&format!(
        "  whole       at this rate it takes about {}{cost}",
        match time.as_secs() {
            seconds @ 0..120 => counted(usize::try_from(seconds.max(1)).unwrap_or(0), "second"),
            seconds => counted(usize::try_from(seconds.div_ceil(60)).unwrap_or(0), "minute"),
        }
    ));
}

/// Shows what is wished, in a line each, and what of it is ignored.
fn wishes(wishes: &Wishes, transcript: &Transcript, config: &Config) {
    if let Some(language) = &wishes.language {
        print(&format!("  language    {language}"));
    }
    if !wishes.instructions.is_empty() {
        let mut words = wishes.instructions.split_whitespace();
        let begin: Vec<&str> = words.by_ref().take(8).collect();
        let more = if words.next().is_some() { " …" } else { "" };
        print(&format!(
            "  wishes      {}: “{}{more}”",
            counted(wishes.instructions.chars().count(), "character"),
            begin.join(" ")
        ));
    }
    for (name, list) in [("names", List::SpeakerNames), ("glossary", List::Glossary)] {
        let entries = wishes.corrections.entries().iter();
        let all: Vec<&Entry> = entries.filter(|entry| entry.list == list).collect();
        let missed: Vec<&&Entry> = all.iter().filter(|entry| entry.found == 0).collect();
        if all.is_empty() {
            continue;
        }
        let entries = if all.len() == 1 { "entry" } else { "entries" };
        let shown = |entry: &&&Entry| match entry.labels_only {
            true => format!("{} (as a label)", entry.heard),
            false => entry.heard.clone(),
        };
        let named: Vec<String> = missed.iter().take(MOST_NAMED).map(shown).collect();
        let more = match missed.len() - named.len() {
            0 => String::new(),
            more => format!(" and {} more", grouped(more)),
        };
        let named = match named.is_empty() {
            true => String::new(),
            false => format!("; not found: {}{more}", named.join(", ")),
        };
        print(&format!(
            "  {name:<12}{} {entries}, {} found in the transcript{named}",
            grouped(all.len()),
            grouped(all.len() - missed.len())
        ));
    }
    for warning in wishes
        .obeyed(&config.limits, transcript.language().as_deref())
        .1
    {
        print(&format!("  note        {warning}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use indicatif::{ProgressDrawTarget, TermLike};

    use super::*;

    /// A terminal of 60 columns that keeps what is written.
    #[derive(Debug, Clone, Default)]
    struct Narrow(Arc<Mutex<String>>);

    impl TermLike for Narrow {
        fn width(&self) -> u16 {
            60
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(&format!("{text}\n"))
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            self.write_str("\n")
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_bar_names_the_phase_and_keeps_to_60_columns() {
        let terminal = Narrow::default();
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let name = "meetings/2026/a-very-long-name-of-a-transcript.txt";
        let progressing = Progressing::on(name, bar);
        for phase in [
            Phase::Outline,
            Phase::Sections,
            Phase::Finish,
            Phase::Length,
        ] {
            progressing.show(Progress {
                phase,
                done: 12,
                of: 14,
            });
            progressing.bar.force_draw();
            let drawn = std::mem::take(&mut *terminal.0.lock().unwrap());
            let told = format!("12/14 calls, {}, ", phase.name());
            assert!(
                drawn.contains(&told) && drawn.contains("transcript.txt"),
                "{drawn}"
            );
            for line in drawn.lines() {
                let columns = line.trim_end().chars().count();
                assert!(columns <= 60, "{columns} columns: {line}");
            }
        }
    }
}
