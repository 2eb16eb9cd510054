//! A simulated process. Its effects on the outside world are numbered, and it can be killed or frozen at any of them.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};
use transcript_summarizer::provider::runpod::batch::BatchState;
use transcript_summarizer::provider::runpod::follow::QueueState;

use super::World;

/// Latency of a request, and again of its response.
const TRAVEL: Duration = Duration::from_millis(4);

/// The side of an effect on which a process is killed or frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum When {
    /// The effect has not happened. A frozen process has a request in transit; that of a killed process is lost.
    Before,
    /// The effect has happened, but the process has not received the response.
    After,
}

/// The fate of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Lives,
    /// Killed at its `at`-th effect.
    Dies {
        at: usize,
        when: When,
    },
    /// Frozen for the duration `asleep` at its `at`-th effect.
    Freezes {
        at: usize,
        when: When,
        asleep: Duration,
    },
}

#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) world: Arc<World>,
    /// Identifies the process.
    pub(crate) number: usize,
    pub(super) queue_state: QueueState,
    pub(super) batch_state: BatchState,
    fate: Fate,
    effects: AtomicUsize,
    on_their_way: AtomicUsize,
    dead: AtomicBool,
    frozen_until: Mutex<Option<Instant>>,
    struck: Notify,
    /// The effect at which it was killed or frozen.
    struck_at: Mutex<Option<String>>,
}

impl Process {
    pub(crate) fn new(world: &Arc<World>, fate: Fate) -> Self {
        Self {
            world: Arc::clone(world),
            number: world.processes.fetch_add(1, Ordering::Relaxed),
            queue_state: QueueState::default(),
            batch_state: BatchState::default(),
            fate,
            effects: AtomicUsize::new(0),
            on_their_way: AtomicUsize::new(0),
            dead: AtomicBool::new(false),
            frozen_until: Mutex::default(),
            struck: Notify::new(),
            struck_at: Mutex::default(),
        }
    }

    /// Number of effects so far.
    pub(crate) fn effects(&self) -> usize {
        self.effects.load(Ordering::Relaxed)
    }

    /// The effect at which it was killed or frozen, if it has been.
    pub(crate) fn struck_at(&self) -> Option<String> {
        self.struck_at.lock().unwrap().clone()
    }

    /// Number of submissions sent before the freeze that arrived after it.
    pub(crate) fn on_their_way(&self) -> usize {
        self.on_their_way.load(Ordering::Relaxed)
    }

    /// The end of the freeze, if it is or was frozen.
    pub(crate) fn frozen_until(&self) -> Option<Instant> {
        *self.frozen_until.lock().unwrap()
    }

    /// Waits until it is killed or frozen.
    pub(crate) async fn until_struck(&self) {
        self.struck.notified().await;
    }

    /// Performs one effect on the outside world, with latency in both directions.
    pub(crate) async fn effect<T>(&self, name: &str, act: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        self.travel().await;
        // A request sent before a freeze takes effect only when the process wakes.
        let overslept = self
            .frozen_until()
            .is_some_and(|until| began < until && Instant::now() >= until);
        if overslept && name == "submit" {
            self.on_their_way.fetch_add(1, Ordering::Relaxed);
        }
        let nth = self.effects.fetch_add(1, Ordering::Relaxed) + 1;
        self.meet(nth, When::Before, name).await;
        let result = act();
        self.meet(nth, When::After, name).await;
        self.travel().await;
        result
    }

    async fn travel(&self) {
        sleep(TRAVEL).await;
        if self.dead.load(Ordering::Relaxed) {
            pending::<()>().await;
        }
    }

    async fn meet(&self, nth: usize, side: When, name: &str) {
        match self.fate {
            Fate::Dies { at, when } if (at, when) == (nth, side) => {
                self.dead.store(true, Ordering::Relaxed);
                self.strike(name);
                pending::<()>().await;
            }
            Fate::Freezes { at, when, asleep } if (at, when) == (nth, side) => {
                let until = Instant::now() + asleep;
                *self.frozen_until.lock().unwrap() = Some(until);
                self.strike(name);
                sleep_until(until).await;
            }
            _ => {}
        }
    }

    fn strike(&self, name: &str) {
        *self.struck_at.lock().unwrap() = Some(name.to_owned());
        self.struck.notify_one();
    }

    /// Runs this process's work, which makes no progress while frozen. Returns `None` if the process is killed.
    pub(crate) async fn live<F: Future>(&self, work: F) -> Option<F::Output> {
        let mut work = pin!(work);
        let mut thaw = None;
        poll_fn(|cx| {
            loop {
                let until = self.frozen_until().filter(|&until| Instant::now() < until);
                if let Some(until) = until {
                    let thaw = thaw.get_or_insert_with(|| Box::pin(sleep_until(until)));
                    if thaw.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
                let polled = work.as_mut().poll(cx);
                if self.dead.load(Ordering::Relaxed) {
                    return Poll::Ready(None);
                }
                if let Poll::Ready(output) = polled {
                    return Poll::Ready(Some(output));
                }
                if self
                    .frozen_until()
                    .is_none_or(|until| Instant::now() >= until)
                {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}
