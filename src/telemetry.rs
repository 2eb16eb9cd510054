//! Log lines: JSON where CloudWatch reads them, plain text for people. Ids, sizes, counts and durations only; nothing that
//! anybody said is ever logged.

use tracing_subscriber::EnvFilter;

/// Lines for CloudWatch on standard output. The level is Lambda's own setting (`ApplicationLogLevel` of its logging
/// configuration), or `RUST_LOG`.
pub fn for_lambda() {
    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL").unwrap_or_else(|_| "info".to_owned());
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter(&level))
        .with_current_span(true)
        .with_span_list(false)
        .flatten_event(true)
        .init();
}

/// Lines for people on standard error: warnings, or what `RUST_LOG` asks for.
pub fn for_people() {
    tracing_subscriber::fmt()
        .with_env_filter(filter("warn"))
        .with_writer(std::io::stderr)
        .without_time()
        .init();
}

fn filter(default: &str) -> EnvFilter {
    let default = default.to_ascii_lowercase();
    std::env::var("RUST_LOG")
        .ok()
        .and_then(|value| EnvFilter::try_new(value).ok())
        .unwrap_or_else(|| {
            // The SDK's own lines below warnings hold headers and bodies. The runtime's span carries the request id.
            EnvFilter::new(format!(
                "warn,lambda_runtime=info,transcript_summarizer={default}"
            ))
        })
}
