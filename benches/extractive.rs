//! Measures how many words the built-in extractive model reads in a second of CPU time, and how much memory that takes.
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
use transcript_summarizer::transcript::words;

/// Length of a summary.
const SUMMARY_WORDS: usize = 4000;

fn main() -> ExitCode {
    let meetings = meetings();
    println!("words       words per CPU-second    memory besides the text");
    for size in [10_000_usize, 100_000, 1_000_000] {
        let long = meetings.repeat(size.div_ceil(words::count(&meetings)));
        let text = words::prefix(&long, size).to_owned();
        drop(long);
        let before = reset_peak();
        std::hint::black_box(extract::extract(&text, None, SUMMARY_WORDS));
        let bytes = peak().saturating_sub(before);
        let seconds = least_cpu(5, Duration::from_secs(10), || {
            extract::extract(&text, None, SUMMARY_WORDS)
        });
        println!(
            "{size:9} {:18.0} {:20.1} MB, {:.1} times the text",
            size as f64 / seconds,
            bytes as f64 / 1e6,
            bytes as f64 / text.len() as f64
        );
    }
    ExitCode::SUCCESS
}

/// Sets the peak of the memory in use to what is in use now, and returns that.
fn reset_peak() -> u64 {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    peak()
}

/// Most bytes in use at a time.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1024
}
