//! Jobs of workers that are no language models: with any input and any output, and looked at now and then instead of waited for.

use serde_json::Value;

use crate::model::{ErrorKind, ModelError, Ticket};
use crate::provider::runpod::RunPod;
use crate::provider::runpod::job::Job;
use crate::wire::failure::{Cause, Failure, Phase};

/// How far a job is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Look {
    /// Waiting or running.
    Pending,
    /// It has ended with this output.
    Done(Value),
    /// It has ended without one, for this reason.
    Failed(String),
}

impl RunPod {
    /// Submits a job with a link, which is removed from errors.
    pub(crate) async fn submit_job(&self, body: &Value, link: &str) -> Result<Ticket, ModelError> {
        match self.submit_job_once(body, link).await {
            Err(error) if self.renews_key_after(&error).await => {
                self.submit_job_once(body, link).await
            }
            submitted => submitted,
        }
    }

    async fn submit_job_once(&self, body: &Value, link: &str) -> Result<Ticket, ModelError> {
        let job = self.submit_body(body).await;
        let ticket = job.and_then(|job| match job.id {
            Some(id) => Ok(Ticket { id }),
            None => Err(Cause::Garbled.seen("a job without an id")),
        });
        ticket.map_err(|failure| {
            self.connection
                .error_of(Phase::Submit, &failure, &[link], Some(link))
        })
    }

    /// Looks at a job, with one request.
    ///
    /// # Errors
    /// If the request fails. A job that failed is no error.
    pub(crate) async fn look(&self, ticket: &Ticket) -> Result<Look, ModelError> {
        match self.look_once(ticket).await {
            Err(error) if self.renews_key_after(&error).await => self.look_once(ticket).await,
            looked => looked,
        }
    }

    async fn look_once(&self, ticket: &Ticket) -> Result<Look, ModelError> {
        let job = self.status(ticket).await;
        match job.and_then(Job::into_output) {
            Ok(None) => Ok(Look::Pending),
            Ok(Some(output)) => Ok(Look::Done(output)),
            Err(Failure::Job(end, said)) => {
                let (end, said) = (end.name(), self.connection.shown(&said.message));
                Ok(Look::Failed(match said.is_empty() {
                    true => format!("the job is {end}"),
                    false => format!("the job is {end}: {said}"),
                }))
            }
            Err(Failure::Known(Cause::Unusable, what)) => Ok(Look::Failed(what)),
            Err(failure) => Err(self.connection.error_of(Phase::Poll, &failure, &[], None)),
        }
    }

    /// Whether a refused request is to be sent again, because the key has been rotated.
    async fn renews_key_after(&self, error: &ModelError) -> bool {
        error.kind == ErrorKind::Configuration && self.connection.renew_key().await
    }
}
