//! S3 and the directory store behave the same. Behaviour specific to one of them is tested in its own file.

// Clippy recognizes only `#[test]` functions as test code, not the helpers they share.

mod behaviours;
mod canned;
mod checksums;
mod directory;
mod failures;
pub(crate) mod s3;
