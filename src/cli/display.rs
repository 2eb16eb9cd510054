//! Displays progress and results: a progress bar on a terminal, plain lines otherwise.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::job::{Config, Done};
use crate::run::Progress;
use crate::store::Location;
use crate::summary::{Plan, Prices, TokenTotals};
use crate::transcript::Transcript;

/// A progress bar for the transcript `name`; hidden unless standard error is a terminal.
pub(crate) fn progress_bar(name: &str) -> ProgressBar {
    let bar = ProgressBar::new(0).with_prefix(name.to_owned());
    let template = "{prefix} {wide_bar} {pos}/{len} chunks, {elapsed}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    if !bar.is_hidden() {
        bar.enable_steady_tick(Duration::from_millis(250));
    }
    bar
}

/// Shows progress on the bar, or on a line of its own if the bar is hidden.
pub(crate) fn show(bar: &ProgressBar, Progress { done, chunks }: Progress) {
    bar.set_length(chunks as u64);
    bar.set_position(done as u64);
    if bar.is_hidden() {
        let (name, seconds) = (bar.prefix(), bar.elapsed().as_secs_f64());
        note(&format!("{name}: {done}/{chunks} chunks, {seconds:.1} s"));
    }
}

pub(crate) fn error(text: &str) {
    note(&format!("error: {text}"));
}

/// Writes a line to standard error. That nobody reads it is no reason to fail.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Writes results to standard output. That nobody reads them is no reason to fail.
fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn shown_path(out: &Path, summary: &Location) -> String {
    let path = out.join(&summary.key);
    let path = path.strip_prefix(".").unwrap_or(&path);
    path.display().to_string()
}

pub(crate) fn duplicate(out: &Path, summary: &Location) {
    let path = shown_path(out, summary);
    print(&format!(
        "{path}: exists already, made from the same transcript with the same settings"
    ));
}

pub(crate) fn done(out: &Path, done: &Done, elapsed: Duration, prices: Option<Prices>) {
    let report = &done.report;
    let model = report.model.model.as_ref();
    print(&format!(
        "{}: {} words of {} wanted, {} sections, {} calls{}, {:.1} s",
        shown_path(out, &done.summary),
        grouped(report.summary.words),
        grouped(report.summary.target_words),
        report.sections.len(),
        report.usage.calls,
        model.map_or_else(String::new, |model| format!(" to {model}")),
        elapsed.as_secs_f64()
    ));
    if done.invocations > 1 {
        print("  note: resumed an earlier run; nothing it had paid for was requested again");
    }
    let tokens = TokenTotals {
        prompt: usize::try_from(report.usage.prompt_tokens).unwrap_or(usize::MAX),
        completion: usize::try_from(report.usage.completion_tokens).unwrap_or(usize::MAX),
    };
    if let Some(prices) = prices.filter(|_| tokens != TokenTotals::default()) {
        print(&format!(
            "  cost: {:.4} for {} tokens of prompts and {} of answers",
            prices.cost(tokens),
            grouped(tokens.prompt),
            grouped(tokens.completion)
        ));
    }
    for warning in &report.warnings {
        print(&format!("  note: {warning}"));
    }
}

pub(crate) fn plan(name: &str, transcript: &Transcript, plan: &Plan, config: &Config) {
    let spoken = &transcript.spoken;
    let sizes = || plan.chunks.iter().map(|chunk| chunk.tokens.0);
    let capabilities = config.provider.capabilities();
    let model = capabilities.model.as_ref();
    print(name);
    print(&format!(
        "  transcript  {} bytes of {}, {} words, {} speakers, about {} tokens",
        grouped(usize::try_from(spoken.bytes).unwrap_or(usize::MAX)),
        spoken.encoding,
        grouped(spoken.words),
        transcript.segments.speakers.len(),
        grouped(plan.tokens.0)
    ));
    print(&format!(
        "  chunks      {} of {} to {} tokens",
        plan.chunks.len(),
        grouped(sizes().min().unwrap_or(0)),
        grouped(sizes().max().unwrap_or(0))
    ));
    if let Some(shown) = plan.shown_tokens.map(|tokens| grouped(tokens.0)) {
        print(&format!(
            "              of each, at most {shown} tokens of its most telling sentences"
        ));
    }
    for level in &plan.levels {
        let (calls, ratio) = (level.calls, level.ratio);
        print(&format!(
            "  notes       {calls} calls, each makes its text {ratio:.1} times shorter"
        ));
    }
    let reduced = if plan.target_reduced {
        ", less than asked for, because a summary is never padded"
    } else {
        ""
    };
    let overview = match plan.overview_words.0 {
        0 => String::new(),
        words => format!(" and an overview of {words} words"),
    };
    print(&format!(
        "  summary     {} words{reduced}: {} sections{overview}",
        grouped(plan.target_words.0),
        plan.sections
    ));
    print(&format!(
        "  calls       {} to {}{}, {} at a time, {} allowed",
        plan.calls(),
        capabilities.provider,
        model.map_or_else(String::new, |model| format!(" ({model})")),
        config.concurrency,
        config.limits.max_calls
    ));
    if config.limits.context_tokens.is_some() {
        let tokens = plan.usage(&config.limits);
        let cost = config.prices.map_or_else(String::new, |prices| {
            format!(", which cost about {:.4}", prices.cost(tokens))
        });
        print(&format!(
            "  tokens      about {} of prompts and {} of answers{cost}; half as many more at most, for repairs",
            grouped(tokens.prompt),
            grouped(tokens.completion)
        ));
    }
    print("");
}

/// Formats a number with thousands separators: `141,355`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use crate::cli::display::grouped;

    #[test]
    fn thousands_are_separated() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (141_355, "141,355"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }
}
