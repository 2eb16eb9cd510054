//! Stand-ins for the services that the program talks to, in this process and over real sockets.
#![allow(
    dead_code,
    reason = "each test file compiles its own copy and uses its own part"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up has failed"
)]

pub(crate) mod behaviour;
pub(crate) mod chat_server;
pub(crate) mod huggingface;
pub(crate) mod obedient;
pub(crate) mod queue;
mod reset;
pub(crate) mod runpod;
pub(crate) mod runpod_faults;
pub(crate) mod runpod_jobs;
mod runpod_routes;
pub(crate) mod runpod_server;
pub(crate) mod runpod_shapes;
pub(crate) mod tasks;
pub(crate) mod workplace;
