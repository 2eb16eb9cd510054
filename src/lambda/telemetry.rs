//! Sets up logging: JSON for CloudWatch, plain text for people. Logs contain ids, sizes, counts and durations, but never
//! anything from a transcript.

use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, fmt};

use crate::text::printable::PrintableLines;

/// Logs JSON for CloudWatch to standard output. The level comes from Lambda's logging configuration
/// (`ApplicationLogLevel`) or `RUST_LOG`.
pub fn for_lambda() {
    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL").unwrap_or_else(|_| "info".to_owned());
    tracing_subscriber::registry()
        .with(lines(&level, std::io::stdout))
        .init();
}

/// JSON lines with the fields of the innermost span: those of a job name its upload, its id and its phase.
pub(super) fn lines<S, W>(level: &str, writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    let lines = fmt::layer()
        .with_writer(writer)
        .json()
        .with_current_span(true)
        .with_span_list(false)
        .flatten_event(true);
    lines.with_filter(filter(level))
}

/// Logs plain text to standard error: warnings, only errors if it is to be `quiet`, or what `RUST_LOG` selects. What an endpoint said
/// does not reach the terminal raw.
pub fn for_people(quiet: bool) {
    let level = if quiet { "error" } else { "warn" };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(|| PrintableLines(std::io::stderr()))
        .with_target(false)
        .without_time();
    tracing_subscriber::registry()
        .with(lines.with_filter(filter(level)))
        .init();
}

/// Parses `RUST_LOG` as levels by module. `EnvFilter`, which also supports spans and fields, would add 0.6 MB for a
/// regular-expression engine.
fn filter(default: &str) -> Targets {
    let chosen = std::env::var("RUST_LOG").ok();
    chosen
        .and_then(|value| value.parse().ok())
        .unwrap_or_else(|| {
            let level = default.parse().unwrap_or(LevelFilter::INFO);
            // Below warnings, the SDK logs headers and bodies. The runtime's span carries the request id.
            Targets::new()
                .with_default(LevelFilter::WARN)
                // Its warnings about credentials are Rust's debugging output. The error that follows says what to do.
                .with_target("aws_config", LevelFilter::ERROR)
                .with_target("lambda_runtime", LevelFilter::INFO)
                .with_target("transcript_summarizer", level)
        })
}
