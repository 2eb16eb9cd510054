//! What a model habitually writes when it is asked for a number of words, remembered from job to job in
//! `<OUTPUT_PREFIX>.work/habits/`.
//!
//! It is read when a job is claimed, and copied into the job's record, so that a resumed run makes the same requests. Losing
//! it costs a few repairs and nothing else.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::chain::chain;
use crate::hex::hex;
use crate::store::lease::as_asked;
use crate::store::{PutCondition, StateFolder};

/// Changes when new prompts make models write more or less.
const PROMPT_VERSION: u32 = 8;

/// The ratio is used in steps of this size, so that the same transcript does not get another summary for nothing.
const STEP: u32 = 50;

/// Jobs after which a further one counts no less.
const MAX_JOBS: u32 = 20;

/// What is remembered of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Habits {
    /// Words written per thousand words requested.
    permille: u32,
    /// Number of jobs that it was measured in.
    jobs: u32,
}

/// The habits of one model.
#[derive(Debug)]
pub(crate) struct Remembered {
    folder: StateFolder,
    name: String,
}

impl Remembered {
    /// The habits of the model whose settings are `fingerprint`.
    pub(crate) fn new(folder: StateFolder, fingerprint: &str) -> Self {
        let digest = Sha256::digest(format!("{PROMPT_VERSION} {fingerprint}"));
        let name = format!("{}.json", hex(&digest, 16));
        Self { folder, name }
    }

    /// Words written per thousand words requested; 1000 if nothing is known.
    pub(crate) async fn permille(&self) -> u32 {
        let read = self.folder.read::<Habits>(&self.name).await;
        let read = read.inspect_err(|error| {
            tracing::warn!(
                error = chain(error),
                "could not read how long the model's answers are"
            );
        });
        let permille = read
            .ok()
            .flatten()
            .map_or(as_asked(), |(habits, _)| habits.permille);
        (permille + STEP / 2) / STEP * STEP
    }

    /// Adds what was measured in one job. If that fails, it is not remembered.
    pub(crate) async fn add(&self, ratio: f64) {
        let Ok(read) = self.folder.read::<Habits>(&self.name).await else {
            return;
        };
        let (known, condition) = match read {
            Some((known, etag)) => (known, PutCondition::IfMatch(etag)),
            None => (
                Habits {
                    permille: as_asked(),
                    jobs: 0,
                },
                PutCondition::IfAbsent,
            ),
        };
        let jobs = known.jobs.min(MAX_JOBS);
        let sum = f64::from(known.permille) * f64::from(jobs) + ratio * 1000.0;
        let habits = Habits {
            permille: (sum / f64::from(jobs + 1)).round() as u32,
            jobs: jobs + 1,
        };
        if let Err(error) = self.folder.write(&self.name, &habits, condition).await {
            tracing::debug!(
                error = chain(&error),
                "another job has remembered meanwhile"
            );
        }
    }
}
