//! The current time. Leases compare it across machines, so it is the wall clock. Simulations use a clock of their own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// A source of the current time.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The system clock.
    #[default]
    System,
    /// Advances with tokio's clock, which tests can pause.
    Simulated {
        /// When the clock was created, on tokio's clock.
        began: Instant,
        /// The time at that moment, in milliseconds since 1970.
        epoch_ms: i64,
    },
}

impl Clock {
    /// A clock that starts at `epoch_ms`, in milliseconds since 1970, and advances with tokio's.
    #[must_use]
    pub fn simulated(epoch_ms: i64) -> Self {
        let began = Instant::now();
        Self::Simulated { began, epoch_ms }
    }

    /// The current time in milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        match self {
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, milliseconds),
            Self::Simulated { began, epoch_ms } => epoch_ms + milliseconds(began.elapsed()),
        }
    }

    /// Converts `unix_ms`, in milliseconds since 1970, to an instant of tokio's clock; now, if it is in the past.
    #[must_use]
    pub fn instant(&self, unix_ms: i64) -> Instant {
        let left = unix_ms.saturating_sub(self.now_ms());
        Instant::now() + Duration::from_millis(u64::try_from(left).unwrap_or(0))
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_simulated_clock_advances_with_tokios() {
        let clock = Clock::simulated(5_000);
        assert_eq!(clock.now_ms(), 5_000);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(clock.now_ms(), 7_000);
        assert_eq!(
            clock.instant(8_000),
            Instant::now() + Duration::from_secs(1)
        );
        assert_eq!(clock.instant(1), Instant::now());
    }

    #[test]
    fn the_machines_clock_is_past_2026() {
        assert!(Clock::System.now_ms() > 1_767_000_000_000);
    }
}
