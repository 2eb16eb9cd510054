//! Fault-injection tests of one guarantee: no job is lost and no call is paid for twice when processes are killed or frozen,
//! run in parallel, or outlive their lease, and when the store or the endpoint fails.

// Clippy recognizes only `#[test]` functions as test code, not the helpers they share.

mod artifacts;
mod cost;
mod crash;
mod endpoint_faults;
mod fallback;
mod frozen;
mod overwritten;
mod poison;
mod recordings;
mod slices;
mod speech;
mod store_faults;
mod worker;
