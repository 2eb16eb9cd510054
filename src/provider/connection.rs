//! Sends the requests of a provider to its endpoint with the key that is valid now, and explains what fails.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use serde::Serialize;

use crate::http::Http;
use crate::model::ModelError;
use crate::prompt::{Messages, Prompt};
use crate::provider::key::CurrentKey;
use crate::wire::failure::{Endpoint, Failure, Phase};
use crate::wire::http::{Authorization, Incoming, Outgoing, Timeouts};

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) http: Http,
    pub(crate) key: CurrentKey,
    pub(crate) endpoint: Endpoint,
    pub(crate) timeouts: Timeouts,
}

/// The body of a request that has none.
pub(crate) const NO_BODY: Option<&()> = None;

impl Connection {
    /// Sends one request. `hold` is the time for which the endpoint may hold it besides the usual limits.
    pub(crate) async fn send<B: Serialize + Sync>(
        &self,
        method: Method,
        url: &Url,
        headers: HeaderMap,
        body: Option<&B>,
        hold: Duration,
    ) -> Result<Incoming, Failure> {
        let key = self.key.get();
        let outgoing = Outgoing {
            method,
            url,
            authorization: Authorization::bearer(key.as_ref()),
            headers,
            body,
            timeouts: Timeouts {
                total: hold + self.timeouts.total,
                idle: hold + self.timeouts.idle,
            },
        };
        outgoing.send(&self.http).await
    }

    /// The error for a failure. The key and the texts of `prompt` are cut out of what the endpoint said.
    pub(crate) fn error(
        &self,
        phase: Phase,
        failure: &Failure,
        prompt: Option<&Prompt>,
    ) -> ModelError {
        let endpoint = self.endpoint.with_secret(self.key.get());
        match prompt.map(Prompt::messages) {
            Some(Messages { system, user, .. }) => endpoint.error(phase, failure, &[system, user]),
            None => endpoint.error(phase, failure, &[]),
        }
    }
}
