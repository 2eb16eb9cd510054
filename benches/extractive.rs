//! Measures how many words per CPU second the embedded extractive model reads.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "figures are for people"
)]

mod support;

use std::process::ExitCode;
use std::time::Duration;

use support::{least_cpu, meetings};
use transcript_summarizer::extract;
use transcript_summarizer::text::words;
use transcript_summarizer::transcript::Passage;

/// Target length of the summary, in words.
const SUMMARY_WORDS: usize = 4000;

fn main() -> ExitCode {
    let meetings = meetings();
    println!("words       words per CPU-second");
    for size in [10_000_usize, 100_000, 1_000_000] {
        let long = meetings.repeat(size.div_ceil(words::count(&meetings)));
        let text = words::prefix(&long, size);
        let passage = Passage::of_text(text);
        let seconds = least_cpu(5, Duration::from_secs(10), || {
            extract::extract(&passage, SUMMARY_WORDS)
        });
        println!("{size:9} {:18.0}", size as f64 / seconds);
    }
    ExitCode::SUCCESS
}
