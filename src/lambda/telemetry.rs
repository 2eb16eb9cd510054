//! Sets up log lines: JSON for CloudWatch, plain text for people. They hold ids, sizes, counts and durations; nothing that
//! anybody said is ever logged.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

/// Lines for CloudWatch on standard output. The level is Lambda's own setting (`ApplicationLogLevel` of its logging
/// configuration), or `RUST_LOG`.
pub fn for_lambda() {
    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL").unwrap_or_else(|_| "info".to_owned());
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .with_current_span(true)
        .with_span_list(false)
        .flatten_event(true);
    tracing_subscriber::registry()
        .with(lines.with_filter(filter(&level)))
        .init();
}

/// Lines for people on standard error: warnings, or what `RUST_LOG` asks for.
pub fn for_people() {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .without_time();
    tracing_subscriber::registry()
        .with(lines.with_filter(filter("warn")))
        .init();
}

/// `RUST_LOG` as levels by module. The filter that also knows spans and fields brings a regular-expression engine along:
/// 0.6 MB.
fn filter(default: &str) -> Targets {
    let asked = std::env::var("RUST_LOG").ok();
    asked
        .and_then(|value| value.parse().ok())
        .unwrap_or_else(|| usual(default))
}

fn usual(level: &str) -> Targets {
    let level = level.parse().unwrap_or(LevelFilter::INFO);
    // The SDK's own lines below warnings hold headers and bodies. The runtime's span carries the request id.
    Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("lambda_runtime", LevelFilter::INFO)
        .with_target("transcript_summarizer", level)
}
