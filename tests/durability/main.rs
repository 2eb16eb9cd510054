//! What the promise of DURABILITY.md comes to when processes are killed, frozen, doubled and overtaken.

// Clippy counts only `#[test]` functions as tests, not what they share.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr
)]

mod cost;
mod crash;
mod endpoint_faults;
mod frozen;
mod overwritten;
mod poison;
mod slices;
mod store_faults;

#[path = "../support/faulty/mod.rs"]
mod faulty;
#[path = "../support/writer/mod.rs"]
mod writer;
