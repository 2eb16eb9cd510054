//! What the promise "nothing lost, nothing paid twice" comes to when processes are killed, frozen, doubled and overtaken.

// Clippy counts only `#[test]` functions as tests, not what they share.

mod cost;
mod crash;
mod endpoint_faults;
mod frozen;
mod overwritten;
mod poison;
mod slices;
mod store_faults;
