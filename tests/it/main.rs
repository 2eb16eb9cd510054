//! Tests of the program from the outside: simulated services over real sockets, failing stores, and models that behave as
//! badly as real ones.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that cannot be set up has failed, and its figures are for people"
)]

mod answers;
mod api;
mod bedrock;
mod command_line;
mod coverage;
mod determinism;
mod durability;
mod endpoints;
mod evaluate;
mod events;
mod extractive;
mod fallback;
mod first_hour;
mod huggingface;
mod huggingface_failures;
mod huggingface_summaries;
mod huggingface_tasks;
mod interrupted;
mod job;
mod length;
mod long;
mod readme;
mod recordings;
mod recordings_on_runpod;
mod refusals;
mod renderings;
mod report;
mod requests;
mod runpod;
mod runpod_accounts;
mod runpod_batch;
mod runpod_driver;
mod runpod_failures;
mod runpod_outputs;
mod runpod_summaries;
mod runpod_transcripts;
mod sagemaker;
mod serve;
mod sources;
mod speech;
mod spoiled;
mod store;
mod support;
mod token_estimate;
mod window;
mod wishes;
