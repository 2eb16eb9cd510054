//! Whether a call that failed is made again, and after what wait: pure decisions, bounded by attempts and by time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::model::ModelErrorKind;

/// How often a request is sent that was surely not accepted, the first time included. Five with the waits below bridge
/// about half a minute: a restarted gateway, not an outage.
const MAX_ATTEMPTS: u32 = 5;

/// How often a request is sent that may have been done and billed, the first time included.
const MAX_AMBIGUOUS_ATTEMPTS: u32 = 2;

/// How long one call is kept waiting by an endpoint that throttles or starts. Cold starts of large models take minutes.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Shortest and longest wait before a request is sent again that was refused in passing.
const BACKOFF: Backoff = Backoff {
    shortest: Duration::from_millis(500),
    longest: Duration::from_secs(20),
};

/// Bounds of a wait that grows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    pub(crate) shortest: Duration,
    pub(crate) longest: Duration,
}

impl Backoff {
    /// The wait after one of `last`: decorrelated jitter, between the shortest and three times the last (AWS Architecture
    /// Blog, "Exponential Backoff And Jitter"), so that clients which failed together do not come back together.
    pub(crate) fn after(self, last: Duration, dice: &Dice) -> Duration {
        let most = (last.max(self.shortest) * 3).min(self.longest);
        self.shortest + (most - self.shortest).mul_f64(dice.roll())
    }
}

/// Where chance comes from: seeded, so that tests are exact.
#[derive(Debug)]
pub(crate) struct Dice(AtomicU64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A number from 0 up to 1 (SplitMix64).
    pub(crate) fn roll(&self) -> f64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut x = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// What has been done for one call so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Effort {
    /// Refusals in passing.
    transient: u32,
    /// Outcomes that may have been billed.
    ambiguous: u32,
    last_wait: Duration,
    single: bool,
}

impl Effort {
    /// One attempt and no more, to see whether there is hope.
    pub(crate) fn single() -> Self {
        Self {
            transient: MAX_ATTEMPTS,
            ambiguous: MAX_AMBIGUOUS_ATTEMPTS,
            single: true,
            ..Self::default()
        }
    }
}

/// What is done after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Send it again after this wait.
    Again { after: Duration, maybe_billed: bool },
    /// Send it again as soon as the gate lets calls through: all of them are held back.
    WhenLetIn,
    /// The error is the outcome.
    GiveUp,
}

impl Effort {
    /// What is done about a failure of the kind `kind`, `since` after the call began.
    pub(crate) fn next(&mut self, kind: ModelErrorKind, since: Duration, dice: &Dice) -> Next {
        let maybe_billed = match kind {
            ModelErrorKind::Throttled { retry_after } | ModelErrorKind::Warming { retry_after } => {
                let fits = since + retry_after.unwrap_or_default() <= PATIENCE;
                return if fits && !self.single {
                    Next::WhenLetIn
                } else {
                    Next::GiveUp
                };
            }
            ModelErrorKind::Transient => {
                self.transient += 1;
                false
            }
            ModelErrorKind::Ambiguous | ModelErrorKind::Lost => {
                self.ambiguous += 1;
                true
            }
            ModelErrorKind::Overflow { .. }
            | ModelErrorKind::Configuration
            | ModelErrorKind::BadInput
            | ModelErrorKind::SuspectOutput
            | ModelErrorKind::BudgetSpent
            | ModelErrorKind::JobFailed { .. }
            | ModelErrorKind::OutOfTime
            | ModelErrorKind::Ledger
            | ModelErrorKind::Overtaken => return Next::GiveUp,
        };
        if self.transient >= MAX_ATTEMPTS || self.ambiguous >= MAX_AMBIGUOUS_ATTEMPTS {
            return Next::GiveUp;
        }
        self.last_wait = BACKOFF.after(self.last_wait, dice);
        Next::Again {
            after: self.last_wait,
            maybe_billed,
        }
    }
}

/// Whether an error concerns this call alone, so that the others go on.
pub(crate) fn concerns_one_call(kind: ModelErrorKind) -> bool {
    match kind {
        ModelErrorKind::Overflow { .. }
        | ModelErrorKind::BadInput
        | ModelErrorKind::SuspectOutput
        | ModelErrorKind::BudgetSpent
        | ModelErrorKind::JobFailed { .. } => true,
        ModelErrorKind::Throttled { .. }
        | ModelErrorKind::Warming { .. }
        | ModelErrorKind::Transient
        | ModelErrorKind::Ambiguous
        | ModelErrorKind::Configuration
        | ModelErrorKind::Lost
        | ModelErrorKind::OutOfTime
        | ModelErrorKind::Ledger
        | ModelErrorKind::Overtaken => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(kind: ModelErrorKind) -> usize {
        let (mut effort, dice) = (Effort::default(), Dice::new(1));
        1 + (0..100)
            .take_while(|_| effort.next(kind, Duration::ZERO, &dice) != Next::GiveUp)
            .count()
    }

    #[test]
    fn only_what_may_help_is_sent_again() {
        assert_eq!(sent(ModelErrorKind::Transient), 5);
        assert_eq!(sent(ModelErrorKind::Ambiguous), 2);
        assert_eq!(sent(ModelErrorKind::Lost), 2);
        for kind in [
            ModelErrorKind::Overflow {
                window: None,
                prompt_tokens: None,
            },
            ModelErrorKind::Configuration,
            ModelErrorKind::BadInput,
            ModelErrorKind::SuspectOutput,
            ModelErrorKind::BudgetSpent,
            ModelErrorKind::JobFailed { timed_out: true },
            ModelErrorKind::OutOfTime,
        ] {
            assert_eq!(sent(kind), 1, "{kind:?}");
        }
    }

    #[test]
    fn what_may_have_been_billed_is_said_so() {
        let dice = Dice::new(1);
        for (kind, billed) in [
            (ModelErrorKind::Transient, false),
            (ModelErrorKind::Ambiguous, true),
            (ModelErrorKind::Lost, true),
        ] {
            let next = Effort::default().next(kind, Duration::ZERO, &dice);
            assert!(
                matches!(next, Next::Again { maybe_billed, .. } if maybe_billed == billed),
                "{kind:?} {next:?}"
            );
        }
    }

    #[test]
    fn patience_with_a_full_or_sleeping_endpoint_ends() {
        let (mut effort, dice) = (Effort::default(), Dice::new(1));
        let busy = |seconds| ModelErrorKind::Throttled {
            retry_after: Some(Duration::from_secs(seconds)),
        };
        let minutes = |n: u64| Duration::from_secs(60 * n);
        assert_eq!(effort.next(busy(7), minutes(0), &dice), Next::WhenLetIn);
        assert_eq!(effort.next(busy(7), minutes(14), &dice), Next::WhenLetIn);
        assert_eq!(effort.next(busy(7), minutes(15), &dice), Next::GiveUp);
        assert_eq!(effort.next(busy(1800), minutes(0), &dice), Next::GiveUp);
    }

    #[test]
    fn waits_grow_within_their_bounds_and_differ() {
        let waits = |seed| {
            let dice = Dice::new(seed);
            let mut last = Duration::ZERO;
            (0..50)
                .map(|_| {
                    let wait = BACKOFF.after(last, &dice);
                    assert!(wait >= BACKOFF.shortest && wait <= BACKOFF.longest);
                    assert!(wait <= last.max(BACKOFF.shortest) * 3);
                    last = wait;
                    wait
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
        assert!(waits(1).iter().any(|wait| *wait > BACKOFF.longest / 4));
    }

    #[test]
    fn dice_are_even() {
        let dice = Dice::new(7);
        let mean = (0..10_000).map(|_| dice.roll()).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
    }
}
