//! Warnings that are logged once, however often their cause is met: a listing that is asked for every second meets it every second.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Warnings that are remembered. Whoever fills a directory with oddities fills neither the memory nor the log.
const MOST: usize = 1000;

static TOLD: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());

/// Logs that `entry` of a store is left out and why, unless this process has logged that.
pub(crate) fn left_out(entry: &str, reason: &str) {
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    if told.len() < MOST && told.insert((entry.to_owned(), reason.to_owned())) {
        tracing::warn!(entry, reason, "left out; this is not said again");
        if told.len() == MOST {
            tracing::warn!("whatever else is left out is not named");
        }
    }
}
