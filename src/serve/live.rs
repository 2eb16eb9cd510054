//! The progress of jobs that run in this process, and who watches it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::{self, Receiver, Sender};

use crate::http_api::library::{State, Status, Steps};
use crate::run::Progress;

/// Changes that a watcher may be behind before it is told to read everything again.
const MOST_BEHIND: usize = 1024;

/// The transcripts that are worked on, or could not be finished, by key.
#[derive(Debug)]
pub(crate) struct Live {
    known: Mutex<BTreeMap<String, Doing>>,
    changed: Sender<String>,
}

#[derive(Debug, Clone)]
enum Doing {
    Waiting,
    Transcribing,
    Summarizing(Option<Steps>, Option<String>),
    Stopped(String),
}

impl Default for Live {
    fn default() -> Self {
        Self {
            known: Mutex::default(),
            changed: broadcast::channel(MOST_BEHIND).0,
        }
    }
}

impl Live {
    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Doing>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, key: &str, doing: Doing) {
        self.known().insert(key.to_owned(), doing);
        self.tell(key);
    }

    /// That nobody watches is no failure.
    fn tell(&self, key: &str) {
        let _ = self.changed.send(key.to_owned());
    }

    /// Puts a transcript in the queue, unless it is there or worked on.
    pub(crate) fn begin(&self, key: &str) -> bool {
        {
            let mut known = self.known();
            if !matches!(known.get(key), None | Some(Doing::Stopped(_))) {
                return false;
            }
            known.insert(key.to_owned(), Doing::Waiting);
        }
        self.tell(key);
        true
    }

    /// Says that a job runs, unless that is known. A recording's is looked at again and again.
    pub(crate) fn work(&self, key: &str) {
        if matches!(self.known().get(key), None | Some(Doing::Waiting)) {
            self.set(key, Doing::Summarizing(None, None));
        }
    }

    pub(crate) fn progress(&self, key: &str, Progress { done, of, .. }: Progress) {
        let steps = Steps { done, of };
        self.set(key, Doing::Summarizing(Some(steps), None));
    }

    /// Says that a job waits for its endpoint. It is told with every attempt, so only news are passed on.
    pub(crate) fn wait(&self, key: &str, reason: &str) {
        let steps = match self.known().get(key) {
            Some(Doing::Summarizing(_, Some(told))) if told == reason => return,
            Some(Doing::Summarizing(steps, _)) => *steps,
            _ => None,
        };
        self.set(key, Doing::Summarizing(steps, Some(reason.to_owned())));
    }

    pub(crate) fn transcribe(&self, key: &str) {
        if !matches!(self.known().get(key), Some(Doing::Transcribing)) {
            self.set(key, Doing::Transcribing);
        }
    }

    /// The job ended, and the objects tell how.
    pub(crate) fn end(&self, key: &str) {
        self.known().remove(key);
        self.tell(key);
    }

    /// The job ended, and no object may tell how.
    pub(crate) fn stop(&self, key: &str, error: String) {
        self.set(key, Doing::Stopped(error));
    }

    /// The status of a transcript that is worked on or could not be finished.
    pub(crate) fn status(&self, key: &str) -> Option<Status> {
        let doing = self.known().get(key)?.clone();
        Some(match doing {
            Doing::Waiting => Status::of(key, State::Waiting),
            Doing::Transcribing => Status::of(key, State::Transcribing),
            Doing::Summarizing(steps, waiting_for) => Status::doing(key, steps, waiting_for),
            Doing::Stopped(error) => Status::stopped(key, error),
        })
    }

    /// The keys whose status changes from now on.
    pub(crate) fn watch(&self) -> Receiver<String> {
        self.changed.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transcript_is_worked_on_once_at_a_time() {
        let live = Live::default();
        let mut watched = live.watch();
        assert!(live.begin("a") && !live.begin("a") && live.begin("b"));
        live.work("a");
        let progress = Progress {
            done: 1,
            of: 3,
            ..Progress::default()
        };
        live.progress("a", progress);
        assert!(!live.begin("a"));
        live.wait("a", "asleep");
        live.wait("a", "asleep");
        let status = live.status("a").unwrap();
        assert_eq!(status.progress, Some(Steps { done: 1, of: 3 }));
        assert_eq!(status.waiting_for.as_deref(), Some("asleep"));
        live.stop("a", "no key".to_owned());
        assert!(live.begin("a"));
        live.end("a");
        assert_eq!(live.status("a"), None);
        let told: Vec<String> = std::iter::from_fn(|| watched.try_recv().ok()).collect();
        assert_eq!(told, ["a", "b", "a", "a", "a", "a", "a", "a"]);
    }
}
