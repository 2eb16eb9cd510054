//! Backoff with decorrelated jitter: each wait is drawn between the shortest wait and three times the previous one
//! (<https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>), so that clients that failed together do
//! not retry together.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A seeded random number generator, so that tests get the same waits every time.
#[derive(Debug)]
pub(crate) struct Jitter(Mutex<fastrand::Rng>);

impl Jitter {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }

    /// A random number from 0 (inclusive) to 1 (exclusive).
    pub(crate) fn share(&self) -> f64 {
        let mut random = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        random.f64()
    }
}

/// The bounds of the waits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    pub(crate) shortest: Duration,
    pub(crate) longest: Duration,
}

impl Backoff {
    /// The wait after one of length `last`.
    pub(crate) fn after(self, last: Duration, jitter: &Jitter) -> Duration {
        let most = (last.max(self.shortest) * 3).min(self.longest);
        self.shortest + (most - self.shortest).mul_f64(jitter.share())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_within_their_bounds_and_differ_by_seed() {
        let backoff = Backoff {
            shortest: Duration::from_millis(500),
            longest: Duration::from_secs(20),
        };
        let waits = |seed| {
            let jitter = Jitter::new(seed);
            let mut last = Duration::ZERO;
            (0..50)
                .map(|_| {
                    let wait = backoff.after(last, &jitter);
                    assert!(wait >= backoff.shortest && wait <= backoff.longest);
                    assert!(wait <= last.max(backoff.shortest) * 3);
                    last = wait;
                    wait
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
        assert!(waits(1).iter().any(|wait| *wait > backoff.longest / 4));
    }

    #[test]
    fn random_shares_average_one_half() {
        let jitter = Jitter::new(7);
        let mean = (0..10_000).map(|_| jitter.share()).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
    }
}
