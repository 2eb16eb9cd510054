//! Long transcripts in, summaries of about 4,000 words out.

mod chain;
pub mod cli;
pub mod clock;
pub mod config;
pub mod error;
pub mod event;
pub mod extract;
pub mod http;
pub mod job;
pub mod metrics;
pub mod model;
pub mod prompt;
pub mod secret;
pub mod secrets_manager;
pub mod serve;
pub mod store;
pub mod summary;
pub mod telemetry;
pub mod transcript;
