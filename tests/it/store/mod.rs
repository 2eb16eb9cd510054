//! S3 and a directory give the same answers; what only one of them can do, or get wrong, is in a file of its own.

// Clippy counts only `#[test]` functions as tests, not what they share.

mod behaviours;
mod canned;
mod directory;
mod failures;
mod s3;
