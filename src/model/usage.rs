//! Counts what the calls of a job use.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::TokenUsage;

/// What the calls of a job have used, earlier invocations included where the ledger tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests sent.
    pub calls: usize,
    /// Of these, sent again after a failure.
    pub retries: usize,
    /// Of these, sent again though the first may have been billed.
    pub resubmitted: usize,
    /// Calls that were answered or became jobs in this invocation: what the next one can build on.
    pub progress: usize,
    /// Requests refused because there were too many.
    pub throttled: usize,
    /// Tokens of all prompts, as far as reported.
    pub prompt_tokens: u64,
    /// Tokens of all answers, as far as reported.
    pub completion_tokens: u64,
    /// Time from permit to answer, summed over the answered calls.
    pub endpoint_time: Duration,
}

/// A [`Usage`] that concurrent calls add to.
#[derive(Debug, Default)]
pub(crate) struct UsageCounter(Mutex<Usage>);

impl UsageCounter {
    pub(crate) fn total(&self) -> Usage {
        *self.lock()
    }

    /// Changes the counts; `count` gets them exclusively.
    pub(crate) fn count<T>(&self, count: impl FnOnce(&mut Usage) -> T) -> T {
        count(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Usage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Usage {
    /// Counts a call of an earlier invocation with all its submissions.
    pub(crate) fn add_earlier_call(&mut self, submits: u32) {
        let again = submits.saturating_sub(1) as usize;
        self.calls += submits as usize;
        self.retries += again;
        self.resubmitted += again;
    }

    /// Counts requests that earlier invocations may have sent, and that are sent again now.
    pub(crate) fn add_unanswered(&mut self, requests: u32) {
        let requests = requests as usize;
        self.calls += requests;
        self.retries += requests;
        self.resubmitted += requests;
    }

    /// Counts the tokens of an answer, if the endpoint reported them.
    pub(crate) fn add_tokens(&mut self, tokens: Option<TokenUsage>) {
        let tokens = tokens.unwrap_or_default();
        self.prompt_tokens += tokens.prompt_tokens;
        self.completion_tokens += tokens.completion_tokens;
    }
}
