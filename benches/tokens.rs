//! Measures how many megabytes of text per CPU second the token estimate processes, compared with tiktoken's exact count.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "figures are for people"
)]

mod support;

use std::process::ExitCode;
use std::time::Duration;

use support::{least_cpu, meetings, repeated};
use transcript_summarizer::text::tokens;

const MB: usize = 1_000_000;

/// Vocabularies of current models.
const VOCABULARIES: [&str; 3] = ["o200k_base", "llama3", "qwen2"];

fn main() -> ExitCode {
    let meetings = meetings();
    let patience = Duration::from_secs(10);
    let text = repeated(&meetings, 20 * MB);
    let ours = 20.0 / least_cpu(5, patience, || tokens::estimate(&text));
    println!("estimate:             {ours:6.1} MB per CPU-second");
    let text = repeated(&meetings, 5 * MB);
    for name in VOCABULARIES {
        let vocabulary = tiktoken::get_encoding(name).unwrap();
        let theirs = 5.0 / least_cpu(3, patience, || vocabulary.count(&text));
        println!(
            "tiktoken {name:12} {theirs:6.1} MB per CPU-second, {:.0} times as long",
            ours / theirs
        );
    }
    ExitCode::SUCCESS
}
