//! A bucket, an endpoint and processes that can be killed or frozen at any effect, all in this process and on tokio's clock.

pub(crate) mod canary;
pub(crate) mod disk;
pub(crate) mod endpoint;
pub(crate) mod process;
pub(crate) mod scene;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::AtomicUsize;

use transcript_summarizer::clock::Clock;

use disk::Disk;
use endpoint::Endpoint;

/// What outlives every process.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) disk: Disk,
    pub(crate) endpoint: Endpoint,
    pub(crate) clock: Clock,
    processes: AtomicUsize,
}

/// A number that depends on `parts` alone.
pub(crate) fn hash(parts: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}
