//! Classifies failed S3 requests and phrases the message for people. [`meaning`] is the table of error responses.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;

use crate::chain::with_causes;
use crate::store::StoreErrorKind::{Conflict, Denied, NotFound, Other, Precondition, Transient};
use crate::store::{Action, CHANGED, Location, REPLACED, StoreError, StoreErrorKind};

/// The error for a request that the SDK has given up on.
pub(crate) fn request_failed<E>(
    action: Action,
    at: &Location,
    error: SdkError<E, HttpResponse>,
) -> StoreError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let response = error.raw_response();
    let status = response.map_or(0, |response| response.status().as_u16());
    let code = error.code().unwrap_or_default();
    let (kind, advice) = match &error {
        // A success status, but the connection broke in the response.
        SdkError::ResponseError(_) if status < 400 => (Transient, BUSY),
        // Error responses to `HEAD`, and those that cannot be parsed, have no code.
        SdkError::ServiceError(_) | SdkError::ResponseError(_) => meaning(action, status, code),
        SdkError::TimeoutError(_) => (Transient, UNREACHABLE),
        _ if lacks_credentials(&error) => (Denied, NO_CREDENTIALS),
        SdkError::DispatchFailure(_) => (Transient, UNREACHABLE),
        // The request could not be built.
        _ => (Other, REFUSED),
    };
    let failure = StoreError::new(kind, action, at, fill(advice, action, at));
    // Which of the SDK's features are missing is of no use to anybody who runs the program; why a role was refused is.
    if advice == NO_CREDENTIALS && has_no_provider(&error) {
        return failure;
    }
    let source: Box<dyn Error + Send + Sync> = match &error {
        SdkError::ServiceError(_) => {
            let words = [code, error.message().unwrap_or_default()].join(" ");
            let request = error.request_id().unwrap_or("unknown");
            let words = words.trim();
            format!("S3 answered {status} {words}, request id {request}").into()
        }
        _ => error.into(),
    };
    failure.caused_by(source)
}

/// Whether credentials were missing, which the SDK reports as a dispatch failure. If several credential providers were
/// tried, only the last one's error is kept, such as that of a metadata service that refuses to answer.
fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    with_causes(error)
        .filter_map(|cause| cause.downcast_ref())
        .any(|cause| !matches!(cause, CredentialsError::ProviderTimedOut(_)))
}

/// Whether no provider of credentials had any, or could be built.
fn has_no_provider(error: &(dyn Error + 'static)) -> bool {
    with_causes(error)
        .filter_map(|cause| cause.downcast_ref())
        .any(|cause| {
            matches!(
                cause,
                CredentialsError::CredentialsNotLoaded(_)
                    | CredentialsError::InvalidConfiguration(_)
            )
        })
}

const NO_CREDENTIALS: &str = "there are no usable AWS credentials: give the function a role, set AWS_ACCESS_KEY_ID and \
    AWS_SECRET_ACCESS_KEY, set AWS_PROFILE to a profile that has keys or a role (for one with SSO or credential_process, first run \
    `eval \"$(aws configure export-credentials --format env)\"`), or set STORE_DIR to use a directory instead of S3";
const UNREACHABLE: &str = "S3 could not be reached or did not answer in time: try again; if it lasts, check \
    AWS_ENDPOINT_URL_S3 and the network (a function in a VPC needs a gateway endpoint for S3)";
const BUSY: &str = "S3 is busy or in trouble; try again";
const BEING_WRITTEN: &str = "another writer is writing it at this moment; try again";
const NO_BUCKET: &str = "there is no bucket `{bucket}`: create it, or check its name";
const NO_OBJECT: &str = "there is no object `{key}` in the bucket `{bucket}`";
const NOTHING: &str = "there is no object `{key}` in the bucket `{bucket}`, or no such bucket";
const NO_S3: &str = "what answered does not seem to be S3: check AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL and any proxy";
const NO_VERSION: &str = "this version of `{key}` is gone from the bucket `{bucket}`";
const ARCHIVED: &str = "it is in an archive; restore it first";
const WRONG_CLOCK: &str = "the clock of this machine is wrong; set it";
const WRONG_CREDENTIALS: &str = "the AWS credentials are wrong or have expired: renew AWS_ACCESS_KEY_ID, \
    AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or the profile or role they come from";
const NOT_ALLOWED: &str = "the role needs {permission} on arn:aws:s3:::{bucket}/{key}, and s3:ListBucket on \
    arn:aws:s3:::{bucket} (without it, objects that do not exist are refused like this, too)";
const ELSEWHERE: &str = "the bucket `{bucket}` is in another region; set AWS_REGION to it";
const LACKING: &str = "this server lacks something that is needed here, such as conditional writes";
const REFUSED: &str = "S3 refuses the request as it is; trying again will not help";

/// The kind of an error response and the message for people. Error codes are those of
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>; for any code not listed here, the status decides.
fn meaning(action: Action, status: u16, code: &str) -> (StoreErrorKind, &'static str) {
    let writing = action == Action::Write;
    match (code, status) {
        // A write can only miss an object that it was to replace.
        ("NoSuchKey", _) if writing => (Precondition, CHANGED),
        ("NoSuchKey", _) => (NotFound, NO_OBJECT),
        // It is not known then whether the object is gone.
        ("NoSuchBucket", _) if action == Action::Read => (Other, NO_BUCKET),
        ("NoSuchBucket", _) => (NotFound, NO_BUCKET),
        ("NoSuchVersion", _) => (NotFound, NO_VERSION),
        // The status is 403, but no permission would help: the object is archived.
        ("InvalidObjectState", _) => (Other, ARCHIVED),
        ("RequestTimeTooSkewed", _) => (Denied, WRONG_CLOCK),
        ("InvalidAccessKeyId" | "SignatureDoesNotMatch", _) => (Denied, WRONG_CREDENTIALS),
        ("ExpiredToken" | "InvalidToken", _) => (Denied, WRONG_CREDENTIALS),
        ("TokenRefreshRequired", _) => (Denied, WRONG_CREDENTIALS),
        ("AuthorizationHeaderMalformed", _) => (Other, ELSEWHERE),
        ("RequestTimeout" | "Throttling", _) => (Transient, BUSY),
        ("ThrottlingException" | "RequestLimitExceeded", _) => (Transient, BUSY),
        (_, 300..=399) => (Other, ELSEWHERE),
        (_, 401 | 403) => (Denied, NOT_ALLOWED),
        // S3 answers a read with an error code; only what has no body has none.
        (_, 404) if action == Action::Read => (Other, NO_S3),
        (_, 404) => (NotFound, NOTHING),
        (_, 409) => (Conflict, BEING_WRITTEN),
        (_, 412) if writing => (Precondition, CHANGED),
        (_, 412) => (Precondition, REPLACED),
        // Not implemented: a retry cannot succeed.
        (_, 501) => (Other, LACKING),
        (_, 408 | 429 | 500..=599) => (Transient, BUSY),
        _ => (Other, REFUSED),
    }
}

/// Fills in the placeholders of a message.
fn fill(advice: &str, action: Action, at: &Location) -> String {
    let permission = match action {
        Action::Read | Action::LookUp | Action::Link => "s3:GetObject",
        Action::Write => "s3:PutObject",
        Action::Delete => "s3:DeleteObject",
        Action::List => "s3:ListBucket",
    };
    let advice = advice.replace("{permission}", permission);
    let advice = advice.replace("{bucket}", &at.bucket);
    // The key comes last, because it may contain text that looks like a placeholder.
    advice.replace("{key}", &at.key)
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::error::ErrorMetadata;
    use aws_sdk_s3::primitives::SdkBody;
    use aws_smithy_runtime_api::client::result::ConnectorError;

    use super::*;

    #[test]
    fn every_failure_has_one_meaning_and_one_sentence() {
        let raw = |status: u16| HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        let metadata = |code| ErrorMetadata::builder().code(code).build();
        let answered = |status, code| SdkError::service_error(metadata(code), raw(status));
        let garbled = |status| SdkError::response_error("garbled", raw(status));
        let no_credentials = CredentialsError::not_loaded("none");
        let no_credentials = ConnectorError::other(no_credentials.into(), None);
        let at = Location::new("bucket", "a/b.txt");
        let (read, write) = (Action::Read, Action::Write);
        let (look_up, delete) = (Action::LookUp, Action::Delete);
        for (action, failure, kind, words) in [
            (
                read,
                SdkError::dispatch_failure(no_credentials),
                Denied,
                "STORE_DIR",
            ),
            (
                read,
                SdkError::construction_failure("no URL"),
                Other,
                "will not help",
            ),
            (
                read,
                SdkError::timeout_error("late"),
                Transient,
                "AWS_ENDPOINT_URL_S3",
            ),
            (read, garbled(200), Transient, "try again"),
            (read, garbled(502), Transient, "try again"),
            (read, garbled(403), Denied, "the role needs"),
            (
                read,
                answered(404, "NoSuchKey"),
                NotFound,
                "no object `a/b.txt` in the bucket `bucket`",
            ),
            (read, answered(404, "NoSuchBucket"), Other, "create it"),
            (read, answered(404, ""), Other, "not seem to be S3"),
            (read, garbled(404), Other, "AWS_ENDPOINT_URL_S3"),
            (
                read,
                answered(404, "NoSuchVersion"),
                NotFound,
                "this version of `a/b.txt` is gone",
            ),
            (
                look_up,
                answered(404, "NotFound"),
                NotFound,
                "or no such bucket",
            ),
            (look_up, answered(404, ""), NotFound, "or no such bucket"),
            (
                read,
                answered(412, "PreconditionFailed"),
                Precondition,
                "it has been replaced",
            ),
            (
                read,
                answered(412, ""),
                Precondition,
                "it has been replaced",
            ),
            (
                write,
                answered(412, "PreconditionFailed"),
                Precondition,
                "another writer",
            ),
            (write, answered(412, ""), Precondition, "another writer"),
            (
                write,
                answered(404, "NoSuchKey"),
                Precondition,
                "deleted it in the meantime",
            ),
            (write, answered(404, "NoSuchBucket"), NotFound, "create it"),
            (
                write,
                answered(409, "ConditionalRequestConflict"),
                Conflict,
                "at this moment",
            ),
            (
                write,
                answered(409, "OperationAborted"),
                Conflict,
                "try again",
            ),
            (write, answered(409, ""), Conflict, "try again"),
            (read, answered(401, ""), Denied, "the role needs"),
            (
                read,
                answered(403, ""),
                Denied,
                "s3:ListBucket on arn:aws:s3:::bucket ",
            ),
            (
                read,
                answered(403, "AccessDenied"),
                Denied,
                "s3:GetObject on arn:aws:s3:::bucket/a/b.txt",
            ),
            (
                look_up,
                answered(403, "AccessDenied"),
                Denied,
                "s3:GetObject",
            ),
            (write, answered(403, "AccessDenied"), Denied, "s3:PutObject"),
            (
                delete,
                answered(403, "AccessDenied"),
                Denied,
                "s3:DeleteObject",
            ),
            (
                read,
                answered(403, "InvalidAccessKeyId"),
                Denied,
                "AWS_ACCESS_KEY_ID",
            ),
            (
                read,
                answered(403, "SignatureDoesNotMatch"),
                Denied,
                "AWS_SECRET_ACCESS_KEY",
            ),
            (
                read,
                answered(400, "ExpiredToken"),
                Denied,
                "AWS_SESSION_TOKEN",
            ),
            (read, answered(403, "RequestTimeTooSkewed"), Denied, "clock"),
            (
                read,
                answered(403, "InvalidObjectState"),
                Other,
                "restore it",
            ),
            (read, answered(503, "SlowDown"), Transient, "try again"),
            (read, answered(500, "InternalError"), Transient, "try again"),
            (
                read,
                answered(400, "RequestTimeout"),
                Transient,
                "try again",
            ),
            (read, answered(429, ""), Transient, "try again"),
            (read, answered(504, ""), Transient, "try again"),
            (
                write,
                answered(501, "NotImplemented"),
                Other,
                "conditional writes",
            ),
            (read, answered(301, ""), Other, "AWS_REGION"),
            (
                read,
                answered(400, "AuthorizationHeaderMalformed"),
                Other,
                "AWS_REGION",
            ),
            (
                read,
                answered(400, "InvalidArgument"),
                Other,
                "will not help",
            ),
        ] {
            let error = request_failed(action, &at, failure);
            assert_eq!(error.kind, kind, "{error}");
            assert!(error.reason.contains(words), "{error}");
            // What the SDK says of missing credentials is about its own features.
            let is_told = words != "STORE_DIR";
            assert_eq!(error.source.is_some(), is_told, "{error}");
        }
    }
}
