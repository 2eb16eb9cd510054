//! What people are told: what happened, and which setting to look at.

use crate::wire::classify::Cause;

/// How the settings of a provider are called, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Names {
    /// The variable that holds the token.
    pub(crate) token: &'static str,
    /// The variable that names the model.
    pub(crate) model: &'static str,
    /// The variable that holds the endpoint's address.
    pub(crate) url: &'static str,
}

/// One sentence about a cause, with what to do where something can be done.
pub(crate) fn sentence(cause: Cause, names: &Names) -> String {
    let Names { token, model, url } = names;
    match cause {
        Cause::Unreachable => {
            format!("the endpoint cannot be reached: check the network and {url}")
        }
        Cause::UnknownHost => format!("the endpoint's host does not exist: check {url}"),
        Cause::Certificate => {
            format!(
                "the endpoint's certificate is not valid for it or not trusted here: check {url}"
            )
        }
        Cause::NotTls => format!("the endpoint's port does not speak TLS: check {url}"),
        Cause::TimedOut => "the endpoint took too long".to_owned(),
        Cause::Disconnected => "the connection broke before the answer was complete".to_owned(),
        Cause::Unsendable => format!(
            "the request cannot be put into HTTP: check {token} for line breaks and the like"
        ),
        Cause::Token => format!(
            "the endpoint refused the token: check {token}, which must hold a valid token that may call this endpoint"
        ),
        Cause::Credits => format!(
            "no credits are left: buy credits for the account of {token}, or set a token of another account"
        ),
        Cause::Forbidden => {
            format!(
                "the token lacks a permission: allow the token in {token} to call this endpoint"
            )
        }
        Cause::NotFound => {
            format!("the endpoint knows no such model or path: check {model} and {url}")
        }
        Cause::UnknownModel => {
            format!(
                "the endpoint does not serve this model: check {model}, or set {url} to an endpoint that does"
            )
        }
        Cause::Gone => {
            format!("the endpoint's address is no longer served: set {url} to the new one")
        }
        Cause::Paused => format!("the endpoint is paused: resume it, or set {url} to another one"),
        Cause::Redirected => {
            format!(
                "the endpoint redirects, which is not followed: set {url} to the address it leads to"
            )
        }
        Cause::Throttled(Some(wait)) => {
            format!(
                "too many requests: the endpoint asks to wait {} s",
                wait.as_secs_f32()
            )
        }
        Cause::Throttled(None) => "too many requests".to_owned(),
        Cause::Loading(Some(wait)) => {
            format!(
                "the endpoint is starting, for {} s by its own estimate",
                wait.as_secs_f32()
            )
        }
        Cause::Loading(None) => "the endpoint is starting".to_owned(),
        Cause::TooLong { window, prompt } => {
            let window = window
                .map(|n| format!(" of {n} tokens"))
                .unwrap_or_default();
            let prompt = prompt
                .map(|n| format!(", with {n} tokens"))
                .unwrap_or_default();
            format!("the request does not fit into the model's window{window}{prompt}")
        }
        Cause::Unavailable => "the endpoint is unavailable for the moment".to_owned(),
        Cause::Worker => "the endpoint's worker failed for lack of memory, GPU or time".to_owned(),
        Cause::Failed => "the endpoint failed, perhaps with the work already done".to_owned(),
        Cause::Refused => "the endpoint refuses this request".to_owned(),
        Cause::Garbled => "the endpoint's reply is not what was expected".to_owned(),
        Cause::JobFailed => "the job failed, for reasons that may pass".to_owned(),
        Cause::JobTimedOut => "the job took too long, or no worker began it in time".to_owned(),
        Cause::JobCancelled => {
            "somebody cancelled the job or purged the endpoint's queue: send the transcript again \
                                once that is over"
                .to_owned()
        }
        Cause::JobErred => "the worker put out an error in the place of an answer".to_owned(),
        Cause::NoWorkers => format!(
            "the endpoint has no workers, so no job will ever begin: its max workers is 0, or RunPod has set it to 0 \
             after a week without requests; raise max workers in the settings of the endpoint in {url}"
        ),
        Cause::Unhealthy => format!(
            "all workers of the endpoint are unhealthy, so no job will begin: read their logs, and check image, model \
             and GPU in the settings of the endpoint in {url}"
        ),
        Cause::Lost => "the endpoint no longer knows the job".to_owned(),
        Cause::Unusable => "the endpoint's answer holds no usable text".to_owned(),
    }
}
