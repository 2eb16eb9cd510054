//! A bucket, an endpoint and processes that can be killed or frozen at any effect, all in this process on tokio's clock.

mod batches;
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

/// The state that survives every process.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) disk: Disk,
    pub(crate) endpoint: Endpoint,
    pub(crate) clock: Clock,
    processes: AtomicUsize,
}

/// A hash that depends only on `parts`.
pub(crate) fn hash(parts: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}
