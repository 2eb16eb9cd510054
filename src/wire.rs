//! The wire: HTTP, the formats of requests and answers, and failures and what they mean. Formats belong to no provider.
//!
//! `http` sends a request. `chat`, `generation` and `summarization` are formats: the body of a request, and how a
//! reply is read into an `answer`. A `failure` becomes an error with a kind, which says what is done about it, and a
//! sentence for people, from which `redact` has removed secrets and whatever the endpoint repeats of the transcript.

pub(crate) mod answer;
pub(crate) mod chat;
pub mod endpoint;
pub(crate) mod error_text;
pub(crate) mod failure;
pub(crate) mod generation;
pub mod http;
pub(crate) mod reasoning;
pub(crate) mod redact;
pub(crate) mod sse;
pub(crate) mod summarization;
