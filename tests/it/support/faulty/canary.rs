//! A canary word that occurs in every transcript and must never be logged. Checks everything that the program logs.

use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Occurs in every transcript.
pub(crate) const CANARY: &str = "quokkaliber";

static LISTENING: Once = Once::new();
static LEAKED: AtomicBool = AtomicBool::new(false);
static LINES: AtomicUsize = AtomicUsize::new(0);

/// A log writer that looks for the canary in everything written to it.
struct Ear;

impl io::Write for Ear {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LINES.fetch_add(1, Ordering::Relaxed);
        if String::from_utf8_lossy(line).contains(CANARY) {
            LEAKED.store(true, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts checking the logs of all tests in this process.
pub(crate) fn listen() {
    LISTENING.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(|| Ear)
            .init();
    });
}

/// Number of log lines so far. Panics if the canary was in one of them.
pub(crate) fn lines() -> usize {
    assert!(!LEAKED.load(Ordering::Relaxed), "{CANARY} was logged");
    LINES.load(Ordering::Relaxed)
}
