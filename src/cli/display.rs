//! Displays progress and results: a progress bar on a terminal, plain lines otherwise.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::job::{Config, Done};
use crate::run::Progress;
use crate::store::Location;
use crate::summary::{Plan, Prices, Tokens};
use crate::transcript::Transcript;

/// Progress of one transcript: finished chunks and elapsed time.
pub(crate) struct Bar {
    name: String,
    started: Instant,
    /// `None` unless standard error is a terminal.
    bar: Option<ProgressBar>,
}

impl Bar {
    pub(crate) fn new(name: &str) -> Self {
        let style =
            ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} chunks, {elapsed}");
        let bar = style
            .ok()
            .filter(|_| std::io::stderr().is_terminal())
            .map(|style| {
                let bar = ProgressBar::new(0)
                    .with_style(style)
                    .with_prefix(name.to_owned());
                bar.enable_steady_tick(Duration::from_millis(250));
                bar
            });
        Self {
            name: name.to_owned(),
            started: Instant::now(),
            bar,
        }
    }

    pub(crate) fn show(&self, progress: Progress) {
        if let Some(bar) = &self.bar {
            bar.set_length(progress.chunks as u64);
            bar.set_position(progress.done as u64);
        } else {
            let line = format!(
                "{}: {}/{} chunks, {:.1} s\n",
                self.name,
                progress.done,
                progress.chunks,
                self.started.elapsed().as_secs_f64()
            );
            // A closed standard error is no reason to fail.
            let _ = std::io::stderr().write_all(line.as_bytes());
        }
    }

    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Writes results to standard output and failures to standard error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lines;

impl Lines {
    pub(crate) fn error(self, error: &dyn Display) {
        let _ = writeln!(std::io::stderr(), "error: {error}");
    }

    pub(crate) fn note(self, text: &str) {
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    pub(crate) fn duplicate(self, out: &Path, summary: &Location) {
        let path = out.join(&summary.key);
        let path = path.strip_prefix(".").unwrap_or(&path);
        self.print(&format!(
            "{}: exists already, made from the same transcript with the same settings",
            path.display()
        ));
    }

    pub(crate) fn done(self, out: &Path, done: &Done, elapsed: Duration, prices: Option<Prices>) {
        let report = &done.report;
        let path = out.join(&done.summary.key);
        let path = path.strip_prefix(".").unwrap_or(&path);
        let calls = match report.model.model.as_deref() {
            Some(model) => format!("{} calls to {model}", report.usage.calls),
            None => format!("{} calls", report.usage.calls),
        };
        self.print(&format!(
            "{}: {} words of {} wanted, {} sections, {calls}, {:.1} s",
            path.display(),
            grouped(report.summary.words),
            grouped(report.summary.target_words),
            report.sections.len(),
            elapsed.as_secs_f64()
        ));
        if done.invocations > 1 {
            self.print(
                "  note: resumed an earlier run; nothing it had paid for was requested again",
            );
        }
        let tokens = Tokens {
            prompt: usize::try_from(report.usage.prompt_tokens).unwrap_or(usize::MAX),
            completion: usize::try_from(report.usage.completion_tokens).unwrap_or(usize::MAX),
        };
        if let Some(prices) = prices.filter(|_| tokens != Tokens::default()) {
            self.print(&format!(
                "  cost: {:.4} for {} tokens of prompts and {} of answers",
                prices.cost(tokens),
                grouped(tokens.prompt),
                grouped(tokens.completion)
            ));
        }
        for warning in &report.warnings {
            self.print(&format!("  note: {warning}"));
        }
    }

    pub(crate) fn plan(self, name: &str, transcript: &Transcript, plan: &Plan, config: &Config) {
        let decoded = &transcript.decoded;
        let sizes = || plan.chunks.iter().map(|chunk| chunk.tokens);
        let capabilities = config.provider.capabilities();
        let model = capabilities
            .model
            .as_ref()
            .map(|model| format!(" ({model})"))
            .unwrap_or_default();
        let mut lines = vec![
            name.to_owned(),
            format!(
                "  transcript  {} bytes of {}, {} words, {} speakers, about {} tokens",
                grouped(usize::try_from(decoded.bytes).unwrap_or(usize::MAX)),
                decoded.encoding,
                grouped(transcript.words),
                transcript.segments.speakers.len(),
                grouped(plan.tokens)
            ),
            format!(
                "  chunks      {} of {} to {} tokens",
                plan.chunks.len(),
                grouped(sizes().min().unwrap_or(0)),
                grouped(sizes().max().unwrap_or(0))
            ),
        ];
        if let Some(shown) = plan.shown_tokens {
            lines.push(format!(
                "              of each, at most {} tokens of its most telling sentences",
                grouped(shown)
            ));
        }
        lines.extend(plan.levels.iter().map(|level| {
            format!(
                "  notes       {} calls, each makes its text {:.1} times shorter",
                level.calls, level.ratio
            )
        }));
        lines.push(format!(
            "  summary     {} words{}: {} sections{}",
            grouped(plan.target_words),
            if plan.target_reduced {
                ", less than asked for, because a summary is never padded"
            } else {
                ""
            },
            plan.sections,
            match plan.overview_words {
                0 => String::new(),
                words => format!(" and an overview of {words} words"),
            }
        ));
        lines.push(format!(
            "  calls       {} to {}{model}, {} at a time, {} allowed",
            plan.calls(),
            capabilities.provider,
            config.concurrency,
            config.limits.max_calls
        ));
        if config.limits.context_tokens.is_some() {
            let tokens = plan.usage(&config.limits);
            let cost = config.prices.map_or_else(String::new, |prices| {
                format!(", which cost about {:.4}", prices.cost(tokens))
            });
            lines.push(format!(
                "  tokens      about {} of prompts and {} of answers{cost}; half as many more at most, for repairs",
                grouped(tokens.prompt),
                grouped(tokens.completion)
            ));
        }
        lines.push(String::new());
        self.print(&lines.join("\n"));
    }

    fn print(self, text: &str) {
        let _ = writeln!(std::io::stdout(), "{text}");
    }
}

/// Formats a number with thousands separators: `141,355`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
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
