//! Makes long computations beside the one thread that everything else runs on, so that deadlines are kept, leases are renewed and
//! answers are read in the meantime.
//!
//! They are made one after the other: the function has one core, and each takes memory. Whoever waits for one and is dropped, as
//! when the time of an invocation is up, gives it up unless it has begun.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::LazyLock;
use std::sync::mpsc::{self, Sender};
use std::thread;

use tokio::sync::oneshot;

/// Computing on fewer bytes takes milliseconds, also if all sections of a summary are computed in a row. It is done at once, because a
/// thread costs something, too.
const SHORT_BYTES: usize = 48 * 1024;

type Work = Box<dyn FnOnce() + Send>;

/// The thread that computes. It is one for all, since the memory that a thread has freed stays with it.
static COMPUTING: LazyLock<Sender<Work>> = LazyLock::new(|| {
    let (sender, works) = mpsc::channel::<Work>();
    // Without a thread, there is nobody to send to.
    let _ = thread::Builder::new().spawn(move || works.into_iter().for_each(|work| work()));
    sender
});

/// Computes something from `bytes` bytes of text.
pub(crate) async fn aside<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    if bytes < SHORT_BYTES {
        return work();
    }
    let (sender, computed) = oneshot::channel();
    let sent = COMPUTING.send(Box::new(move || {
        if !sender.is_closed() {
            let _ = sender.send(catch_unwind(AssertUnwindSafe(work)));
        }
    }));
    if let Err(mpsc::SendError(work)) = sent {
        work();
    }
    match computed.await {
        Ok(Ok(done)) => done,
        Ok(Err(panic)) => resume_unwind(panic),
        // The process is ending.
        Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;

    use futures_util::future::join_all;
    use tokio::time::{sleep, timeout};

    use super::*;

    #[tokio::test]
    async fn the_thread_goes_on_while_one_thing_after_the_other_is_computed() {
        static NOW: AtomicUsize = AtomicUsize::new(0);
        let is_done = Arc::new(AtomicBool::new(false));
        let all = (0..3).map(|number| {
            let is_done = Arc::clone(&is_done);
            aside(SHORT_BYTES, move || {
                let others = NOW.fetch_add(1, Ordering::SeqCst);
                // Only the thread that awaits this can end it.
                while !is_done.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
                NOW.fetch_sub(1, Ordering::SeqCst);
                (number, others)
            })
        });
        let (made, ()) = tokio::join!(join_all(all), async {
            sleep(Duration::from_millis(50)).await;
            is_done.store(true, Ordering::SeqCst);
        });
        assert_eq!(made, [(0, 0), (1, 0), (2, 0)]);
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_not_begun() {
        let (is_done, is_begun) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicBool::new(false)),
        );
        let first = aside(SHORT_BYTES, {
            let is_done = Arc::clone(&is_done);
            move || {
                while !is_done.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
            }
        });
        let second = aside(SHORT_BYTES, {
            let is_begun = Arc::clone(&is_begun);
            move || is_begun.store(true, Ordering::SeqCst)
        });
        let ((), ()) = tokio::join!(first, async {
            let given_up = timeout(Duration::from_millis(50), second).await;
            assert!(given_up.is_err());
            is_done.store(true, Ordering::SeqCst);
        });
        aside(SHORT_BYTES, || ()).await;
        assert!(!is_begun.load(Ordering::SeqCst));
    }

    #[tokio::test]
    #[should_panic(expected = "in the computation")]
    async fn a_panic_is_passed_on() {
        aside(SHORT_BYTES, || panic!("in the computation")).await;
    }
}
