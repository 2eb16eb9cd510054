//! What a model habitually writes when it is asked for a number of words, remembered from job to job in
//! `<OUTPUT_PREFIX>.work/habits/`.
//!
//! It is known when a job is claimed, and copied into the job's record, so that a resumed run makes the same requests. Losing it
//! costs a few repairs and nothing else. So a process reads it once, and a job that only confirms it is not written: it counts from
//! the next write on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::chain::chain;
use crate::hex::hex;
use crate::store::lease::as_asked;
use crate::store::{PutCondition, StateFolder, StoreErrorKind, StoreResult};

/// Changes when new prompts make models write more or less.
const PROMPT_VERSION: u32 = 8;

/// The ratio is used in steps of this size, so that the same transcript does not get another summary for nothing.
const STEP: u32 = 50;

/// Jobs after which a further one counts no less.
const MAX_JOBS: u32 = 20;

/// A model that writes more than a hundred times what is requested is not measured more exactly.
const MAX_PERMILLE: f64 = 100_000.0;

/// What is remembered of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Habits {
    /// Words written per thousand words requested.
    permille: u32,
    /// Number of jobs that it was measured in.
    jobs: u32,
}

impl Habits {
    /// With what was measured in one more job.
    fn with(self, permille: u32) -> Self {
        let jobs = self.jobs.min(MAX_JOBS);
        let sum = f64::from(self.permille) * f64::from(jobs) + f64::from(permille);
        Self {
            permille: (sum / f64::from(jobs + 1)).round() as u32,
            jobs: jobs + 1,
        }
    }
}

/// What a process knows of the habits of models, by the names of their objects. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct KnownHabits(Arc<Mutex<HashMap<String, Known>>>);

#[derive(Debug, Clone)]
struct Known {
    habits: Habits,
    /// Holds as long as no other process has written.
    condition: PutCondition,
}

impl KnownHabits {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The habits of one model.
#[derive(Debug)]
pub(crate) struct Remembered {
    folder: StateFolder,
    name: String,
    known: KnownHabits,
}

impl Remembered {
    /// The habits of the model whose settings are `fingerprint`.
    pub(crate) fn new(folder: StateFolder, fingerprint: &str, known: &KnownHabits) -> Self {
        let digest = Sha256::digest(format!("{PROMPT_VERSION} {fingerprint}"));
        let name = format!("{}.json", hex(&digest, 16));
        let known = known.clone();
        Self {
            folder,
            name,
            known,
        }
    }

    /// Words written per thousand words requested; 1000 if nothing is known.
    pub(crate) async fn permille(&self) -> u32 {
        let known = self.known().await.inspect_err(|error| {
            tracing::warn!(
                error = chain(error),
                "could not read how long the model's answers are"
            );
        });
        in_steps(known.map_or(as_asked(), |known| known.habits.permille))
    }

    async fn known(&self) -> StoreResult<Known> {
        let key = self.folder.name(&self.name);
        if let Some(known) = self.known.lock().get(&key) {
            return Ok(known.clone());
        }
        let known = match self.folder.read(&self.name).await? {
            Some((habits, etag)) => Known {
                habits,
                condition: PutCondition::IfMatch(etag),
            },
            None => Known {
                habits: Habits {
                    permille: as_asked(),
                    jobs: 0,
                },
                condition: PutCondition::IfAbsent,
            },
        };
        self.known.lock().insert(key, known.clone());
        Ok(known)
    }

    /// Adds what was measured in one job. If that fails, it is not remembered.
    pub(crate) async fn add(&self, ratio: f64) {
        let key = self.folder.name(&self.name);
        let measured = (ratio * 1000.0).round().min(MAX_PERMILLE) as u32;
        // The second attempt knows what another process has written since the first one.
        for _ in 0..2 {
            let Ok(Known { habits, condition }) = self.known().await else {
                return;
            };
            let is_news = habits.jobs == 0 || in_steps(measured) != in_steps(habits.permille);
            let habits = habits.with(measured);
            if !is_news {
                self.known.lock().insert(key, Known { habits, condition });
                return;
            }
            match self.folder.write(&self.name, &habits, condition).await {
                Ok(etag) => {
                    let condition = PutCondition::IfMatch(etag);
                    self.known.lock().insert(key, Known { habits, condition });
                    return;
                }
                Err(error) => {
                    self.known.lock().remove(&key);
                    tracing::debug!(error = chain(&error), "could not remember");
                    if error.kind != StoreErrorKind::Precondition {
                        return;
                    }
                }
            }
        }
    }
}

fn in_steps(permille: u32) -> u32 {
    (permille + STEP / 2) / STEP * STEP
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::{DirStore, Location, Store};

    #[tokio::test]
    async fn habits_are_written_when_they_are_news_and_what_another_process_wrote_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(DirStore::new(dir.path()));
        let process = || {
            let folder = StateFolder::new(&store, "b", "habits/");
            Remembered::new(folder, "a model", &KnownHabits::default())
        };
        let first = process();
        let written = async || {
            let at = Location::new("b", format!("habits/{}", first.name));
            let read = store.read(&at, 1000).await;
            read.ok()
                .and_then(|(json, _)| serde_json::from_slice::<Habits>(&json).ok())
        };
        let habits = |permille, jobs| Some(Habits { permille, jobs });
        assert_eq!((first.permille().await, written().await), (1000, None));
        first.add(1.2).await;
        assert_eq!(written().await, habits(1200, 1));
        // Nothing new, three times: it counts with what is.
        let second = process();
        for ratio in [1.21, 1.19, 1.2] {
            first.add(ratio).await;
        }
        assert_eq!(written().await, habits(1200, 1));
        assert_eq!(
            (first.permille().await, second.permille().await),
            (1200, 1200)
        );
        first.add(0.8).await;
        assert_eq!(written().await, habits(1120, 5));
        // The second process has not read that.
        second.add(1.6).await;
        assert_eq!(written().await, habits(1200, 6));
        // Neither a division by zero nor nonsense counts for more than a hundred times.
        first.add(f64::INFINITY).await;
        assert!(
            written()
                .await
                .is_some_and(|habits| habits.permille < 20_000)
        );
    }
}
