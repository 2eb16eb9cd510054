//! How AWS is reached: one configuration, requests over the shared client, secrets.

pub(crate) mod client;
pub mod sdk;
pub mod secrets;
