//! What providers share on the wire: HTTP, answers in their formats, failures and what they mean.

pub(crate) mod advice;
pub(crate) mod body;
pub(crate) mod chat;
pub(crate) mod classify;
pub mod endpoint;
pub(crate) mod error_text;
pub(crate) mod failure;
pub(crate) mod finish;
pub(crate) mod generation;
pub mod http;
pub(crate) mod python_repr;
pub(crate) mod redact;
pub(crate) mod sse;
pub(crate) mod thinking;
