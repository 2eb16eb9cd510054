//! Long transcripts in, summaries of about 4,000 words out.

pub mod aws;
mod chain;
pub mod cli;
pub mod clock;
pub mod config;
pub mod document;
pub mod extract;
mod hex;
pub mod http;
pub mod job;
pub mod lambda;
pub mod model;
pub mod prompt;
pub mod provider;
pub mod run;
pub mod secret;
pub mod store;
pub mod summary;
pub mod text;
pub mod transcript;
pub mod trigger;
pub mod wire;
