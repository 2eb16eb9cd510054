//! Long transcripts: while one is computed on, everything else goes on, on the one thread that there is. `cargo test --test it long --
//! --nocapture` prints how long it stood still.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use transcript_summarizer::clock::Clock;
use transcript_summarizer::job::{JobError, Outcome};
use transcript_summarizer::run::Run;

use crate::support::behaviour::Behaviour;
use crate::support::chat_server::ChatServer;
use crate::support::obedient;
use crate::support::workplace::Workplace;

/// A meeting of so many bytes, in which each turn has something of its own.
fn meeting(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 256);
    for turn in 0.. {
        if text.len() >= bytes {
            break;
        }
        let (hour, minute, second) = (turn / 1200, turn / 20 % 60, turn % 20 * 3);
        let (speaker, matter, cost) = (turn % 5, turn % 97, turn * 7 + 1000);
        text += &format!(
            "[{hour:02}:{minute:02}:{second:02}] Speaker{speaker}: On matter{matter} we agreed that item{turn} costs {cost} dollars, \
             and vendor{turn} delivers it before week {} of next year.\n",
            turn % 50 + 1
        );
    }
    text
}

/// Awaits `work`. Returns how long that took, and how long other tasks stood still meanwhile at most.
async fn beside<T>(work: impl Future<Output = T>) -> (T, Duration, Duration) {
    let began = Instant::now();
    let longest = Arc::new(AtomicU64::new(0));
    let ticking = tokio::spawn({
        let longest = Arc::clone(&longest);
        async move {
            let mut last = Instant::now();
            loop {
                tokio::time::sleep(Duration::from_millis(2)).await;
                longest.fetch_max(last.elapsed().as_millis() as u64, Ordering::Relaxed);
                last = Instant::now();
            }
        }
    });
    // So that it has begun.
    tokio::task::yield_now().await;
    let done = work.await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    ticking.abort();
    let longest = Duration::from_millis(longest.load(Ordering::Relaxed));
    (done, began.elapsed(), longest)
}

const BYTES: usize = 1 << 20;

#[tokio::test]
async fn other_tasks_go_on_and_deadlines_are_kept_while_a_long_transcript_is_computed_on() {
    let place = Workplace::new(None, &[]).await;
    let upload = place.upload("board.txt", meeting(BYTES));
    let (ended, took, longest) = beside(place.run(&upload)).await;
    eprintln!("the built-in model: {longest:?} of {took:?} at a stretch");
    assert!(matches!(ended, Ok(Outcome::Done(_))), "{ended:?}");
    assert!(longest < took / 5, "{longest:?} of {took:?}");

    place.remove("summaries");
    let deadline = Instant::now() + took / 6;
    let run = Run::new(Clock::System).until(Some(deadline.into()));
    let ended = place.app().run(&upload, &run).await;
    assert!(ended.as_ref().is_err_and(JobError::passes), "{ended:?}");
    let late = deadline.elapsed();
    assert!(late < took / 5, "{late:?} after the deadline of {took:?}");
}

/// The record of the only job that there is.
fn record(work: &PathBuf) -> Option<Value> {
    let job = std::fs::read_dir(work).ok()?.flatten();
    let mut records = job.map(|job| job.path().join("run.json"));
    let record = std::fs::read(records.find(|path| path.exists())?).ok()?;
    serde_json::from_slice(&record).ok()
}

/// Looks at the record from a thread of its own. Returns how often its lease had expired, and how often it was renewed.
fn watch(work: PathBuf, is_over: &AtomicBool) -> (usize, usize) {
    let (mut expired, mut seen) = (0, Vec::new());
    while !is_over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(5));
        let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let Some(record) = record(&work) else {
            continue;
        };
        let expires_ms = record["expires_ms"].as_u64().unwrap();
        // Zero once it has been released.
        if expires_ms > 0 {
            expired += usize::from(u128::from(expires_ms) < before.as_millis());
            if seen.last() != Some(&expires_ms) {
                seen.push(expires_ms);
            }
        }
    }
    (expired, seen.len())
}

#[tokio::test]
async fn a_lease_is_renewed_while_a_long_transcript_is_computed_on() {
    let server =
        ChatServer::start(|request| Behaviour::text(obedient::answer(request.message("user"))))
            .await;
    // Few calls, so an extract of each part is made under the lease.
    let settings = [
        ("MAX_MODEL_CALLS", "12"),
        ("CHUNK_TOKENS", "2000"),
        ("SUMMARY_WORDS", "1000"),
    ];
    let place = Workplace::new(Some(server.url()), &settings).await;
    let upload = place.upload("board.txt", meeting(BYTES));
    let built_in = Workplace::new(None, &[]).await;
    let began = Instant::now();
    let same = built_in.upload("board.txt", meeting(BYTES));
    built_in.run(&same).await.unwrap();
    let mut app = place.app();
    // Shorter than an extract of all parts takes, on any machine.
    app.lease = (began.elapsed() / 8).max(Duration::from_secs(1));
    let work = place.directory_path().join("summaries/.work");
    let is_over = Arc::new(AtomicBool::new(false));
    let watching = std::thread::spawn({
        let is_over = Arc::clone(&is_over);
        move || watch(work, &is_over)
    });
    let run = Run::new(Clock::System);
    let (ended, took, longest) = beside(app.run(&upload, &run)).await;
    is_over.store(true, Ordering::Relaxed);
    let (expired, renewed) = watching.join().unwrap();
    eprintln!("an endpoint: {longest:?} of {took:?} at a stretch, {renewed} leases");
    assert!(matches!(ended, Ok(Outcome::Done(_))), "{ended:?}");
    assert_eq!(expired, 0, "of {renewed} leases");
    assert!(longest < took / 4, "{longest:?} of {took:?}");
}
