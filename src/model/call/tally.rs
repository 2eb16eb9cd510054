//! What the calls of a job come to.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::model::Usage;

/// What the calls of a job came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests sent.
    pub calls: usize,
    /// Of these, sent again after a failure.
    pub retries: usize,
    /// Of these, sent again though the first may have been billed.
    pub resubmitted: usize,
    /// Calls answered in this invocation, or become jobs: what a run that is taken up again goes on from.
    pub progress: usize,
    /// Requests refused because there were too many.
    pub throttled: usize,
    /// Tokens of all prompts, as far as reported.
    pub prompt_tokens: u64,
    /// Tokens of all answers, as far as reported.
    pub completion_tokens: u64,
    /// Time that the endpoint worked or let us wait, summed over the calls that were answered.
    pub endpoint_time: Duration,
}

/// Counts while calls are going on.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    calls: AtomicUsize,
    retries: AtomicUsize,
    resubmitted: AtomicUsize,
    progress: AtomicUsize,
    throttled: AtomicUsize,
    prompt_tokens: AtomicU64,
    completion_tokens: AtomicU64,
    endpoint_ms: AtomicU64,
}

impl Counters {
    /// Counts a request and returns its number, from 1.
    pub(crate) fn sent(&self) -> usize {
        self.calls.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Counts a request that is sent once more.
    pub(crate) fn again(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts requests of earlier invocations that are made again.
    pub(crate) fn sent_before(&self, requests: usize) {
        for counter in [&self.calls, &self.retries, &self.resubmitted] {
            counter.fetch_add(requests, Ordering::Relaxed);
        }
    }

    /// Counts a request that may have been billed before.
    pub(crate) fn resubmitted(&self) {
        self.resubmitted.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts what a call took in an earlier invocation, all its submissions.
    pub(crate) fn recalled(&self, submits: usize, usage: Option<Usage>) {
        self.calls.fetch_add(submits, Ordering::Relaxed);
        let again = submits.saturating_sub(1);
        self.retries.fetch_add(again, Ordering::Relaxed);
        self.resubmitted.fetch_add(again, Ordering::Relaxed);
        self.used(usage);
    }

    pub(crate) fn progress(&self) {
        self.progress.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn answered(&self, usage: Option<Usage>, took: Duration) {
        self.used(usage);
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.endpoint_ms.fetch_add(took, Ordering::Relaxed);
    }

    fn used(&self, usage: Option<Usage>) {
        let usage = usage.unwrap_or_default();
        self.prompt_tokens
            .fetch_add(usage.prompt_tokens, Ordering::Relaxed);
        self.completion_tokens
            .fetch_add(usage.completion_tokens, Ordering::Relaxed);
    }

    pub(crate) fn tally(&self) -> Tally {
        Tally {
            calls: self.calls.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            resubmitted: self.resubmitted.load(Ordering::Relaxed),
            progress: self.progress.load(Ordering::Relaxed),
            throttled: self.throttled.load(Ordering::Relaxed),
            prompt_tokens: self.prompt_tokens.load(Ordering::Relaxed),
            completion_tokens: self.completion_tokens.load(Ordering::Relaxed),
            endpoint_time: Duration::from_millis(self.endpoint_ms.load(Ordering::Relaxed)),
        }
    }
}
