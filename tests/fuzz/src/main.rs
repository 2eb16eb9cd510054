//! Runs under libFuzzer the target that `FUZZ_TARGET` names:
//!
//! ```sh
//! cd tests/fuzz
//! cp ../../Cargo.lock .
//! FUZZ_TARGET=format cargo run --release -- -max_total_time=60 corpus/format
//! ```
//!
//! New inputs go into that folder. One that fails belongs in the corpus, over which `cargo test` runs every target.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use transcript_summarizer::fuzz::TARGETS;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let wished = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|(name, _)| *name == wished);
    let names = TARGETS.map(|(name, _)| name).join(", ");
    found.unwrap_or_else(|| panic!("FUZZ_TARGET must be one of {names}")).1
});

fuzz_target!(|data: &[u8]| TARGET(data));
