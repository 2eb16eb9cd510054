//! Counts the requests, tokens and time that a job's calls use.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::recorded::Before;
use crate::model::{Answer, ModelError};

/// The usage of a job's calls, including those of earlier invocations that are in the ledger. As JSON, it is part of a
/// summary's report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Requests sent.
    pub calls: usize,
    /// Retries, including reruns of queued jobs.
    pub retries: usize,
    /// Requests sent again although an earlier one may have been billed.
    pub resubmitted: usize,
    /// Calls that were answered or queued in this invocation, which the next one can build on.
    #[serde(skip)]
    pub progress: usize,
    /// Requests that the endpoint throttled.
    #[serde(skip)]
    pub throttled: usize,
    /// Tokens of all prompts, as far as reported; estimated for answers that the end of an invocation has interrupted.
    pub prompt_tokens: u64,
    /// Tokens of all answers, likewise.
    pub completion_tokens: u64,
    /// What of these calls and tokens is the fallback model's, if it was used.
    #[serde(skip_serializing_if = "FallbackUsage::is_none")]
    pub fallback: FallbackUsage,
    /// The time from permit to answer, summed over the answered calls.
    #[serde(skip)]
    pub endpoint_time: Duration,
}

/// The fallback model's share of a job's usage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FallbackUsage {
    /// Requests sent to it.
    pub calls: usize,
    /// Tokens of its prompts, as far as reported.
    pub prompt_tokens: u64,
    /// Tokens of its answers, as far as reported.
    pub completion_tokens: u64,
}

impl FallbackUsage {
    /// Whether it was not used.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl Usage {
    /// The usage of two models together.
    pub(crate) fn with_fallback(self, of: Self) -> Self {
        Self {
            calls: self.calls + of.calls,
            retries: self.retries + of.retries,
            resubmitted: self.resubmitted + of.resubmitted,
            progress: self.progress + of.progress,
            throttled: self.throttled + of.throttled,
            prompt_tokens: self.prompt_tokens.saturating_add(of.prompt_tokens),
            completion_tokens: self.completion_tokens.saturating_add(of.completion_tokens),
            fallback: FallbackUsage {
                calls: of.calls,
                prompt_tokens: of.prompt_tokens,
                completion_tokens: of.completion_tokens,
            },
            endpoint_time: self.endpoint_time + of.endpoint_time,
        }
    }

    /// Counts a call of an earlier invocation with all its submissions.
    pub(crate) fn add_earlier_call(&mut self, submits: u32) {
        let again = submits.saturating_sub(1) as usize;
        self.calls += submits as usize;
        self.retries += again;
        self.resubmitted += again;
    }

    /// Counts submissions of earlier invocations that have no answer, and may have been billed.
    pub(crate) fn add_unanswered(&mut self, submissions: usize) {
        self.calls += submissions;
        self.retries += submissions;
    }

    /// Counts a submission, which is another one of the unanswered ones before it.
    pub(crate) fn add_submission(&mut self, before: Before) {
        self.calls += 1;
        self.resubmitted += before.unanswered as usize + usize::from(before.again);
    }

    /// Takes back a submission that cost nothing, because its draft was discarded: there were `before` others of its call.
    pub(crate) fn take_back_submission(&mut self, before: u32) {
        self.calls = self.calls.saturating_sub(1);
        self.resubmitted = self.resubmitted.saturating_sub(usize::from(before > 0));
    }

    /// Counts the tokens of a call, if the endpoint reported them: of its answer, or of one that was withheld.
    pub(crate) fn add_tokens(&mut self, outcome: Result<&Answer, &ModelError>) {
        let usage = match outcome {
            Ok(answer) => answer.usage,
            Err(error) => error.usage,
        };
        let tokens = usage.unwrap_or_default();
        self.prompt_tokens = self.prompt_tokens.saturating_add(tokens.prompt_tokens);
        self.completion_tokens = self
            .completion_tokens
            .saturating_add(tokens.completion_tokens);
    }
}
