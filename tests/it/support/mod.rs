//! Simulated services that the program talks to, in this process and over real sockets.
#![allow(
    dead_code,
    unused_imports,
    reason = "the benchmarks include some of these files, and use other parts of them"
)]

pub(crate) mod aws;
pub(crate) mod bedrock;
pub(crate) mod behaviour;
pub(crate) mod chat_server;
pub(crate) mod huggingface;
pub(crate) mod obedient;
pub(crate) mod polly;
pub(crate) mod queue;
mod reset;
pub(crate) mod runpod;
pub(crate) mod runpod_faults;
pub(crate) mod runpod_jobs;
mod runpod_routes;
pub(crate) mod runpod_server;
pub(crate) mod runpod_shapes;
pub(crate) mod sagemaker;
pub(crate) mod tasks;
pub(crate) mod transcribe;
pub(crate) mod workplace;

pub(crate) mod faulty;
pub(crate) mod languages;
pub(crate) mod links;
pub(crate) mod rouge;
pub(crate) mod summaries;
pub(crate) mod writer;
