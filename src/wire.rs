//! The wire layer: HTTP, request and response formats, and the classification of failures. No format is tied to one
//! provider.
//!
//! `http` sends requests. `chat`, `converse`, `generation` and `summarization` are formats: each builds a request body and
//! reads a reply into an `answer`, from one body or from a stream (`sse`, `frames`). `served` is what servers say of themselves. A `failure` becomes an error with a
//! kind, which decides how it is handled, and a message for the user. `redact` removes secrets and anything the endpoint
//! echoes of the transcript from that message.

pub(crate) mod answer;
pub(crate) mod chat;
pub(crate) mod converse;
pub mod endpoint;
pub(crate) mod error_text;
pub(crate) mod failure;
pub(crate) mod frames;
pub(crate) mod generation;
pub mod http;
pub(crate) mod redact;
pub(crate) mod served;
pub(crate) mod sse;
pub(crate) mod summarization;
pub(crate) mod template;
