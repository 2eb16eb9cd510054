//! The rate limiter that all calls of a job share. It limits the number of calls in flight and slows all calls down when the
//! endpoint throttles.
//!
//! When the endpoint throttles a call, the limiter halves the concurrency, widens the gap between starts to match the rate
//! that the endpoint has accepted, and pauses all calls for as long as the endpoint asks. After a pause a single call probes
//! the endpoint, and its answer admits the others. Every answer raises the concurrency by one and narrows the gap again.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::model::jitter::{Backoff, Jitter};
use crate::model::{CallOptions, ErrorKind};
use crate::run::sleep_until;

/// The shortest gap between two starts. If the endpoint accepts fewer calls than are allowed, the first refusal arrives
/// before all of them are sent. With eight calls in flight this costs 70 ms once, at the start.
pub(crate) const SHORTEST_GAP: Duration = Duration::from_millis(10);

/// The longest gap between two starts. Without it, one refusal after a long quiet period would stop everything.
const LONGEST_GAP: Duration = Duration::from_secs(30);

/// The gap after the very first call, unless that call is accepted sooner. An endpoint that refuses the key, the model or
/// the address usually does so within this time, before anything else is sent.
const FIRST_LOOK: Duration = Duration::from_millis(500);

/// Each answer multiplies the gap by this. Twenty answers about double the rate, so that near the limit about one call in
/// ten or fewer is refused.
const SPEED_UP: f64 = 0.96;

/// The pause after throttling, if the endpoint does not say how long to wait.
const THROTTLE_BACKOFF: Backoff = Backoff {
    shortest: Duration::from_secs(1),
    longest: Duration::from_secs(60),
};

/// The pause while a model is loading, which takes from half a minute to many minutes.
const WARMING_BACKOFF: Backoff = Backoff {
    shortest: Duration::from_secs(5),
    longest: Duration::from_secs(30),
};

/// The pause after a connection was refused. A gateway or a server is back within seconds or minutes.
const UNREACHABLE_BACKOFF: Backoff = Backoff {
    shortest: Duration::from_millis(500),
    longest: Duration::from_secs(20),
};

/// The shortest pause, for endpoints that ask to wait 0 s or until a moment that has passed.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// Admits the calls of one job.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    shortest_gap: Duration,
    /// All calls may start at once, and after a refusal as well.
    together: bool,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    in_flight: usize,
    /// The most calls in flight that are allowed, or that the endpoint has room for.
    most: f64,
    /// The current limit of calls in flight.
    limit: f64,
    /// The time between two starts.
    gap: Duration,
    next_start: Instant,
    /// No call has been started yet.
    fresh: bool,
    /// No call starts before this moment.
    paused_until: Instant,
    /// Only one call may be in flight, to find out whether a pause is over or whether the endpoint works at all.
    probing: bool,
    last_pause: Duration,
    /// When a refusal last changed the rate.
    paced_since: Instant,
    /// Calls started since then, without those refused.
    starts: u32,
}

/// Permission for one call. Dropping it makes room for the next call.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    limiter: &'a RateLimiter,
    pub(crate) started: Instant,
}

impl RateLimiter {
    /// Admits at most `options.concurrency` calls at a time, at least `shortest_gap` apart. If the job is `probing`, admits
    /// a single call at a time until one is answered.
    pub(crate) fn new(options: &CallOptions, shortest_gap: Duration) -> Self {
        let now = Instant::now();
        let most = options.concurrency.max(1) as f64;
        Self {
            shortest_gap,
            together: false,
            state: Mutex::new(State {
                in_flight: 0,
                most,
                limit: most,
                gap: shortest_gap,
                next_start: now,
                fresh: true,
                paused_until: now,
                probing: options.probing,
                last_pause: Duration::ZERO,
                paced_since: now,
                starts: 0,
            }),
            changed: Notify::new(),
        }
    }

    /// The same limiter for an endpoint that takes all calls of a round as one batch: none goes ahead of the others, and no
    /// number of calls is too high. A refusal still holds all of them back.
    pub(crate) fn of_batches(self) -> Self {
        {
            let mut state = self.state();
            (state.most, state.limit) = (f64::MAX, f64::MAX);
            (state.gap, state.fresh) = (Duration::ZERO, false);
        }
        Self {
            shortest_gap: Duration::ZERO,
            together: true,
            ..self
        }
    }

    /// Waits until a call may start. Returns `None` if it cannot start before `deadline`.
    pub(crate) async fn acquire(&self, deadline: Option<Instant>) -> Option<Permit<'_>> {
        loop {
            // Registered before the state is read, so that no change is missed.
            let changed = self.changed.notified();
            let wait_until = match self.state().admit(Instant::now()) {
                Ok(()) => return Some(self.permit()),
                Err(wait_until) => wait_until,
            };
            if wait_until.is_some_and(|at| deadline.is_some_and(|deadline| at >= deadline)) {
                return None;
            }
            tokio::select! {
                () = changed => {}
                () = sleep_until(wait_until.or(deadline)) => {
                    wait_until?;
                }
            }
        }
    }

    /// A permit for a job that is already running at the endpoint. It is granted at once, whatever the limits are.
    pub(crate) fn acquire_for_running_job(&self) -> Permit<'_> {
        self.state().in_flight += 1;
        self.permit()
    }

    fn permit(&self) -> Permit<'_> {
        Permit {
            limiter: self,
            started: Instant::now(),
        }
    }

    /// Slows all calls down after the endpoint has throttled one or was not ready. Other failures don't affect the rate.
    pub(crate) fn refused(&self, permit: &Permit<'_>, kind: ErrorKind, jitter: &Jitter) {
        let (backoff, asked) = match kind {
            ErrorKind::Throttled { retry_after } => (THROTTLE_BACKOFF, retry_after),
            ErrorKind::Warming { retry_after } => (WARMING_BACKOFF, retry_after),
            ErrorKind::Unreachable => (UNREACHABLE_BACKOFF, None),
            _ => return,
        };
        let now = Instant::now();
        let mut state = self.state();
        // Calls that were in flight together are refused together. Only the first refusal says something new.
        let is_news = permit.started >= state.paced_since;
        if is_news || asked.is_some() {
            let pause = match asked {
                Some(asked) if asked >= backoff.shortest => asked,
                // An endpoint that asks for next to nothing is believed once.
                Some(asked) if state.last_pause.is_zero() => asked.max(SHORTEST_PAUSE),
                _ => backoff.after(state.last_pause, jitter),
            };
            state.last_pause = pause;
            state.paused_until = state.paused_until.max(now + pause);
        }
        if self.together {
            state.paced_since = now;
            return;
        }
        state.probing = true;
        if !is_news {
            state.starts = state.starts.saturating_sub(1);
            return;
        }
        if matches!(kind, ErrorKind::Throttled { .. }) {
            let accepted = state.starts.saturating_sub(1);
            // If no call was accepted since the last refusal, only the pause was too short; the rate was not.
            if accepted > 0 {
                // The endpoint has accepted `accepted` calls in the time up to the end of the pause.
                let measured = (state.paused_until - state.paced_since) / accepted;
                let gap = measured.max(state.gap * 2);
                state.gap = gap.clamp(self.shortest_gap, LONGEST_GAP);
            }
            state.limit = (state.limit / 2.0).max(1.0);
        }
        (state.paced_since, state.starts) = (now, 0);
    }

    /// Allows fewer calls at a time, for good, because those in flight have filled the window that they share. Returns false if
    /// the refused call had the window to itself.
    pub(crate) fn crowded(&self, permit: &Permit<'_>) -> bool {
        let mut state = self.state();
        // Calls that were in flight together are refused together.
        if permit.started < state.paced_since {
            return true;
        }
        if state.most <= 1.0 {
            return false;
        }
        state.most = state.in_flight.div_ceil(2) as f64;
        state.limit = state.limit.min(state.most);
        (state.paced_since, state.starts) = (Instant::now(), 0);
        tracing::warn!(
            calls = state.most,
            "the endpoint's window is shared: making fewer calls at a time"
        );
        true
    }

    /// Whether calls are made one at a time, for good.
    pub(crate) fn is_for_one(&self) -> bool {
        self.state().most <= 1.0
    }

    /// Starts no new call for `wait`, because the endpoint has throttled a poll.
    pub(crate) fn hold_back(&self, wait: Duration) {
        let mut state = self.state();
        state.paused_until = state.paused_until.max(Instant::now() + wait);
    }

    /// Lets a single call at a time find out what the endpoint accepts, until one is answered.
    pub(crate) fn probe(&self) {
        self.state().probing = !self.together;
    }

    /// Records that a call was queued as a job, which proves that the endpoint works.
    pub(crate) fn accepted(&self) {
        self.state().end_first_look();
        self.changed.notify_waiters();
    }

    /// Records that a call was answered.
    pub(crate) fn answered(&self) {
        let mut state = self.state();
        state.end_first_look();
        state.probing = false;
        state.last_pause = Duration::ZERO;
        state.limit = (state.limit + 1.0).min(state.most);
        state.gap = state.gap.mul_f64(SPEED_UP).max(self.shortest_gap);
        drop(state);
        self.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Starts a call, or returns when to try again; `None` means after another call has ended.
    fn admit(&mut self, now: Instant) -> Result<(), Option<Instant>> {
        let limit = if self.probing { 1 } else { self.limit as usize };
        if self.in_flight >= limit {
            return Err(None);
        }
        let earliest = self.next_start.max(self.paused_until);
        if now < earliest {
            return Err(Some(earliest));
        }
        self.in_flight += 1;
        self.starts += 1;
        let gap = if self.fresh { FIRST_LOOK } else { self.gap };
        self.fresh = false;
        self.next_start = now + gap;
        Ok(())
    }

    fn end_first_look(&mut self) {
        self.next_start = self.next_start.min(Instant::now() + self.gap);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.limiter.state().in_flight -= 1;
        self.limiter.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;

    use super::*;

    fn limiter(concurrency: usize) -> RateLimiter {
        let options = CallOptions {
            concurrency,
            ..CallOptions::default()
        };
        RateLimiter::new(&options, SHORTEST_GAP)
    }

    /// An endpoint with a token bucket of `per_second` and `burst` requests. If `asks`, its refusals say how long to wait.
    struct Limited {
        per_second: f64,
        burst: f64,
        asks: bool,
        bucket: Mutex<(f64, Instant)>,
        requests: AtomicUsize,
    }

    impl Limited {
        fn take(&self) -> Result<(), Option<Duration>> {
            self.requests.fetch_add(1, Ordering::Relaxed);
            let mut bucket = self.bucket.lock().unwrap();
            let now = Instant::now();
            let filled = bucket.0 + (now - bucket.1).as_secs_f64() * self.per_second;
            *bucket = (filled.min(self.burst), now);
            if bucket.0 >= 1.0 {
                bucket.0 -= 1.0;
                return Ok(());
            }
            Err(self.asks.then_some(Duration::from_secs(1)))
        }
    }

    async fn storm(per_second: f64, burst: f64, asks: bool, needed: usize) -> (f64, Duration) {
        let endpoint = Limited {
            per_second,
            burst,
            asks,
            bucket: Mutex::new((burst, Instant::now())),
            requests: AtomicUsize::new(0),
        };
        let (limiter, jitter, began) = (limiter(8), Jitter::new(3), Instant::now());
        join_all((0..needed).map(|_| async {
            loop {
                let permit = limiter.acquire(None).await.unwrap();
                // The time to reach the endpoint.
                tokio::time::sleep(Duration::from_millis(5)).await;
                match endpoint.take() {
                    Ok(()) => {
                        tokio::time::sleep(Duration::from_millis(300)).await;
                        limiter.answered();
                        return;
                    }
                    Err(retry_after) => {
                        limiter.refused(&permit, ErrorKind::Throttled { retry_after }, &jitter);
                    }
                }
            }
        }))
        .await;
        let ratio = endpoint.requests.load(Ordering::Relaxed) as f64 / needed as f64;
        (ratio, began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_storm_of_refusals_costs_few_requests_and_little_time() {
        for (per_second, burst, asks) in [
            (2.0, 4.0, true),
            (2.0, 4.0, false),
            (5.0, 5.0, true),
            (0.5, 2.0, true),
            (1.0, 1.0, true),
        ] {
            let (ratio, took) = storm(per_second, burst, asks, 60).await;
            let least = (60.0 - burst) / per_second;
            let case = format!("{per_second}/s, burst {burst}, says {asks}: {ratio} in {took:?}");
            assert!(ratio <= 1.3, "{case}");
            assert!(
                took.as_secs_f64() <= 2.5 * least + 10.0,
                "{case}, least {least}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_calls_wait_as_long_as_the_endpoint_asks() {
        let (limiter, jitter) = (limiter(8), Jitter::new(3));
        let permit = limiter.acquire(None).await.unwrap();
        let retry_after = Some(Duration::from_secs(7));
        limiter.refused(&permit, ErrorKind::Throttled { retry_after }, &jitter);
        let refused = Instant::now();
        drop(permit);
        let starts = join_all((0..3).map(|_| async {
            let _permit = limiter.acquire(None).await.unwrap();
            let waited = refused.elapsed();
            tokio::time::sleep(Duration::from_secs(1)).await;
            limiter.answered();
            waited
        }))
        .await;
        let first = starts.iter().min().unwrap();
        assert!(
            (7000..7050).contains(&first.as_millis()),
            "the first starts after {first:?}"
        );
        let others = starts.iter().filter(|&at| at != first);
        assert!(
            others.clone().count() == 2 && others.clone().all(|at| at.as_secs() >= 8),
            "the others wait for its answer: {starts:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_endpoint_that_asks_to_wait_for_next_to_nothing_is_believed_once() {
        for asked in [Duration::ZERO, Duration::from_millis(5)] {
            let (limiter, jitter) = (limiter(8), Jitter::new(3));
            let (began, mut requests) = (Instant::now(), Vec::new());
            while began.elapsed() < Duration::from_secs(60) {
                let permit = limiter.acquire(None).await.unwrap();
                requests.push(began.elapsed());
                let retry_after = Some(asked);
                limiter.refused(&permit, ErrorKind::Throttled { retry_after }, &jitter);
            }
            assert!(requests[1] - requests[0] >= SHORTEST_PAUSE, "{requests:?}");
            assert!(
                requests[1] - requests[0] < Duration::from_secs(1),
                "{requests:?}"
            );
            assert!(requests.len() < 20, "{requests:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_window_that_calls_have_filled_is_shared_by_fewer_for_good() {
        let limiter = limiter(8);
        for (in_flight, then) in [(8, 4), (4, 2), (2, 1)] {
            let permits = join_all((0..in_flight).map(|_| limiter.acquire(None))).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            // All of them are refused, which is one piece of news.
            assert!(
                permits
                    .iter()
                    .flatten()
                    .all(|permit| limiter.crowded(permit))
            );
            drop(permits);
            tokio::time::sleep(Duration::from_secs(1)).await;
            (0..20).for_each(|_| limiter.answered());
            assert_eq!(limiter.state().limit, f64::from(then));
        }
        let alone = limiter.acquire(None).await.unwrap();
        assert!(
            !limiter.crowded(&alone),
            "its request does not fit by itself"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_calls_than_allowed_are_in_flight_and_all_are_admitted() {
        let limiter = limiter(3);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let began = Instant::now();
        join_all((0..30).map(|_| async {
            let _permit = limiter.acquire(None).await.unwrap();
            most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(2)).await;
            now.fetch_sub(1, Ordering::Relaxed);
            limiter.answered();
        }))
        .await;
        assert_eq!(most.into_inner(), 3);
        assert!(began.elapsed() < Duration::from_millis(20_000) + 2 * FIRST_LOOK);
    }

    #[tokio::test(start_paused = true)]
    async fn other_calls_wait_for_the_first_one_to_be_accepted() {
        let short = Duration::from_millis(30);
        for (accepted, expected) in [(true, short + SHORTEST_GAP), (false, FIRST_LOOK)] {
            let limiter = limiter(8);
            let began = Instant::now();
            let _first = limiter.acquire(None).await.unwrap();
            let second = async {
                let _second = limiter.acquire(None).await.unwrap();
                let _third = limiter.acquire(None).await.unwrap();
                began.elapsed()
            };
            let (third, ()) = tokio::join!(second, async {
                tokio::time::sleep(short).await;
                if accepted {
                    limiter.accepted();
                }
            });
            assert_eq!(third, expected + SHORTEST_GAP, "accepted: {accepted}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_call_waits_past_the_deadline() {
        let limiter = limiter(1);
        let deadline = Instant::now() + Duration::from_secs(5);
        let _first = limiter.acquire(Some(deadline)).await.unwrap();
        assert!(limiter.acquire(Some(deadline)).await.is_none());
        assert_eq!(Instant::now(), deadline);
    }
}
