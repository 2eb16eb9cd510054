//! Access to AWS: one configuration, the SDK over the shared HTTP client, signed requests, secrets.

pub(crate) mod client;
pub mod sdk;
pub mod secrets;
pub(crate) mod service;
pub(crate) mod signed;
pub mod signer;
