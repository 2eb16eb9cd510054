//! Reaches AWS: one configuration, requests over the shared HTTP client, secrets.

pub(crate) mod client;
pub mod sdk;
pub mod secrets;
