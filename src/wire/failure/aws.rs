//! Finds the cause of an error of an AWS service from its name.
//!
//! The name is in the header `x-amzn-errortype`, before a colon; else in the body's `__type`, after a `#`, or in its `code`.
//! In event streams its first letter is lower-case.
//!
//! - Statuses say little: throttling comes with 400 and 429, a spent quota with 400, a model that is starting with 429.
//! - "Too many tokens, please wait before trying again" is throttling; "Too many tokens per day" lasts until tomorrow.
//! - Bedrock answers 404 until the use case for a model of Anthropic has been submitted, and for a model that was retired.
//! - `ModelErrorException` carries the status of the model's server.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::wire::error_text::mentions;
use crate::wire::failure::cause::{self, Cause};
use crate::wire::failure::overflow;

pub(super) const ERROR_TYPE: &str = "x-amzn-errortype";

/// Quotas that are not renewed within minutes.
const DAILY: &str = "per day|daily";

/// A bearer token is refused.
const KEY_REFUSED: &str = "api key|bearer token|authentication failed";

const NO_MODEL_ACCESS: &str = "\
    don't have access to the model|do not have access to the model|use case details|\
    model access is denied|aws-marketplace|operation not allowed|ftuformnotfilled";

const NEEDS_PROFILE: &str = "on-demand throughput isn|on-demand throughput is not";

const UNKNOWN_MODEL: &str = "\
    model identifier is invalid|model id is invalid|end of its life|isn't supported on this route|\
    not supported in this region|model is not supported";

/// An inference component of SageMaker has no copies, and is scaled up because of this request.
const NO_CAPACITY: &str = "no capacity";

/// SageMaker's endpoint or one of its inference components is missing.
const UNKNOWN_ENDPOINT: &str = "not found|inference component name header";

/// The name of the error in a reply.
pub(super) fn name(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let header = headers.get(ERROR_TYPE).and_then(|name| name.to_str().ok());
    let name = header.map(str::to_owned).or_else(|| {
        let body: Value = serde_json::from_slice(body).ok()?;
        let name = body.get("__type").or_else(|| body.get("code"))?;
        name.as_str().map(str::to_owned)
    })?;
    let name = name.split(':').next()?.rsplit('#').next()?;
    Some(name.trim().to_owned())
}

/// The status of the model's own server, if the error is about its reply.
pub(super) fn original_status(body: &[u8]) -> Option<u16> {
    let body: Value = serde_json::from_slice(body).ok()?;
    body.get("originalStatusCode")?.as_u64()?.try_into().ok()
}

/// The cause of an error of this name; `None` if the name is not known. `original` is the status of the model's own server.
pub(super) fn cause(
    name: &str,
    original: Option<u16>,
    wait: Option<Duration>,
    words: &str,
) -> Option<Cause> {
    let name = name.to_ascii_lowercase();
    Some(match name.strip_suffix("exception").unwrap_or(&name) {
        "throttling"
        | "throttled"
        | "toomanyrequests"
        | "limitexceeded"
        | "requestlimitexceeded"
        | "servicequotaexceeded" => match mentions(words, DAILY) {
            true => Cause::QuotaSpent,
            false => Cause::Throttled(wait),
        },
        "modelnotready" => Cause::Loading(wait),
        "modeltimeout" => Cause::TimedOut,
        "modelerror" | "modelstreamerror" => match original {
            _ if mentions(words, "invocationtimeexceeded") => Cause::TimedOut,
            Some(status @ 400..) => cause::refused(status, wait, words),
            _ => Cause::Failed,
        },
        "internalserver" | "internalfailure" | "internaldependency" | "internalstreamfailure" => {
            Cause::Failed
        }
        "serviceunavailable" if mentions(words, cause::THROTTLED) => Cause::Throttled(wait),
        "serviceunavailable" => Cause::Unavailable,
        "accessdenied" | "notauthorized" | "resourcenotfound" | "validation"
        | "validationerror"
            if mentions(words, NO_MODEL_ACCESS) =>
        {
            Cause::NoModelAccess
        }
        "accessdenied" | "notauthorized" if mentions(words, KEY_REFUSED) => Cause::Token,
        "accessdenied" | "notauthorized" => Cause::NotAllowed,
        "expiredtoken"
        | "unrecognizedclient"
        | "invalidclienttokenid"
        | "invalidsignature"
        | "incompletesignature"
        | "signaturedoesnotmatch"
        | "missingauthenticationtoken"
        | "requestexpired"
        | "requesttimetooskewed" => Cause::Credentials,
        "resourcenotfound" => Cause::UnknownModel,
        "validation" | "validationerror" => {
            if mentions(words, cause::THROTTLED) {
                Cause::Throttled(wait)
            } else if overflow::is_recognized(words) {
                Cause::TooLong(overflow::sizes(words))
            } else if mentions(words, NEEDS_PROFILE) {
                Cause::NeedsProfile
            } else if mentions(words, UNKNOWN_MODEL) {
                Cause::UnknownModel
            } else if mentions(words, NO_CAPACITY) {
                Cause::Loading(wait)
            } else if name == "validationerror" && mentions(words, UNKNOWN_ENDPOINT) {
                Cause::NotFound
            } else {
                Cause::Refused
            }
        }
        _ => return None,
    })
}
