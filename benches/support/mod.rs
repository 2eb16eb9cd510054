//! What the benchmarks share: CPU time, texts, and saying whether a claim holds.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "each benchmark compiles its own copy, and its figures are for people"
)]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// CPU seconds of this thread so far: other processes of the machine do not count.
fn cpu_seconds() -> f64 {
    // The kernel brings the figure up to date at its ticks, 4 ms apart, and whenever a thread gives way.
    std::thread::yield_now();
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds: u64 = stat.split(' ').next().unwrap().parse().unwrap();
    nanoseconds as f64 / 1e9
}

/// CPU seconds that `work` takes: the least of several runs, as all that disturbs only ever adds. Stops early when the runs
/// have taken `patience` together.
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

/// The middle one.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The QMSum meetings after one another where they are at hand, otherwise the sample.
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

/// The first `bytes` of `text` after one another as often as that takes.
pub(crate) fn repeated(text: &str, bytes: usize) -> String {
    let mut long = text.repeat(bytes.div_ceil(text.len()));
    long.truncate(long.floor_char_boundary(bytes));
    long
}

/// Claims, and whether all of them hold.
#[derive(Default)]
pub(crate) struct Claims {
    broken: usize,
}

impl Claims {
    /// Says whether `claim` holds.
    pub(crate) fn check(&mut self, claim: &str, holds: bool) {
        println!("{} {claim}", if holds { "holds:" } else { "BROKEN:" });
        self.broken += usize::from(!holds);
    }

    /// Success if all hold.
    pub(crate) fn verdict(&self) -> ExitCode {
        ExitCode::from(u8::from(self.broken > 0))
    }
}
