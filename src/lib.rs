//! Long transcripts in, summaries of about 4,000 words out.

pub mod event;
pub mod extract;
pub mod model;
pub mod prompt;
pub mod store;
pub mod summary;
pub mod transcript;
