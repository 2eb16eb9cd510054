//! Helpers shared by the benchmarks: CPU time, input texts, and checks of claims.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "each benchmark compiles its own copy, and its figures are for people"
)]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// CPU seconds used by this thread so far, so that other processes on the machine do not count.
fn cpu_seconds() -> f64 {
    // The kernel updates this figure at its ticks, 4 ms apart, and whenever a thread yields.
    std::thread::yield_now();
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds: u64 = stat.split(' ').next().unwrap().parse().unwrap();
    nanoseconds as f64 / 1e9
}

/// CPU seconds that `work` takes: the minimum of several runs, because interference only ever adds time. Stops early once
/// the runs have taken `patience` in total.
pub(crate) fn least_cpu<T>(runs: usize, patience: Duration, mut work: impl FnMut() -> T) -> f64 {
    let began = Instant::now();
    let mut least = f64::INFINITY;
    for _ in 0..runs {
        let before = cpu_seconds();
        std::hint::black_box(work());
        least = least.min(cpu_seconds() - before);
        if began.elapsed() > patience {
            break;
        }
    }
    least
}

/// The median, or NaN for an empty slice.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The QMSum meetings concatenated if available, otherwise the sample.
pub(crate) fn meetings() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = std::fs::read_dir(root.join("../shared/data/transcripts/qmsum"))
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default();
    paths.retain(|path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "txt"));
    paths.sort();
    if paths.is_empty() {
        println!("the QMSum meetings are not here: measured on the sample\n");
        paths.push(root.join("samples/harbor-line-review.txt"));
    }
    paths
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap() + "\n")
        .collect()
}

/// `text` repeated and truncated to `bytes` bytes, at a character boundary.
pub(crate) fn repeated(text: &str, bytes: usize) -> String {
    let mut long = text.repeat(bytes.div_ceil(text.len()));
    long.truncate(long.floor_char_boundary(bytes));
    long
}

/// Counts the claims that do not hold.
#[derive(Default)]
pub(crate) struct Claims {
    broken: usize,
}

impl Claims {
    /// Prints whether `claim` holds.
    pub(crate) fn check(&mut self, claim: &str, holds: bool) {
        println!("{} {claim}", if holds { "holds:" } else { "BROKEN:" });
        self.broken += usize::from(!holds);
    }

    /// Exit code 0 if all claims hold, otherwise 1.
    pub(crate) fn verdict(&self) -> ExitCode {
        ExitCode::from(u8::from(self.broken > 0))
    }
}
