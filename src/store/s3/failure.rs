//! What a failed request to S3 means, and what people can do about it.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::RequestId;

use crate::chain::{causes, chain};
use crate::store::StoreErrorKind;
use crate::store::StoreErrorKind::{Conflict, Denied, NotFound, Other, Precondition, Transient};
use crate::store::{Location, StoreError};

use crate::store::s3::advice::advice;

/// What was asked of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Get,
    Head,
    Put,
    Delete,
}

impl Operation {
    /// In the words of [`StoreError::action`].
    pub(crate) fn action(self) -> &'static str {
        match self {
            Self::Get => "read",
            Self::Head => "look up",
            Self::Put => "write",
            Self::Delete => "delete",
        }
    }

    /// What a role needs for it.
    pub(crate) fn permission(self) -> &'static str {
        match self {
            Self::Get | Self::Head => "s3:GetObject",
            Self::Put => "s3:PutObject",
            Self::Delete => "s3:DeleteObject",
        }
    }
}

/// How far a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure<'a> {
    /// There is nothing to sign it with: no credentials could be had.
    NoCredentials,
    /// It could not be put together.
    NotBuilt,
    /// No answer in time.
    TimedOut,
    /// No connection, or it broke before an answer came.
    NoAnswer,
    /// An answer that cannot be understood.
    Garbled { status: u16 },
    /// An error. Answers to `HEAD` have no code.
    Answered { status: u16, code: &'a str },
}

/// Decides what a failure means (codes: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>).
fn classify(operation: Operation, failure: Failure<'_>) -> StoreErrorKind {
    match failure {
        Failure::NoCredentials => Denied,
        Failure::NotBuilt => Other,
        // A success of which a part is missing is a broken connection, too.
        Failure::TimedOut | Failure::NoAnswer | Failure::Garbled { status: ..400 } => Transient,
        Failure::Garbled { status } => by_status(status),
        Failure::Answered { status, code } => match code {
            // A write never misses an object, unless it is to replace one.
            "NoSuchKey" if operation == Operation::Put => Precondition,
            "NoSuchKey" | "NoSuchVersion" | "NoSuchBucket" | "NotFound" => NotFound,
            "PreconditionFailed" => Precondition,
            "ConditionalRequestConflict" | "OperationAborted" => Conflict,
            // Some of these come with status 400.
            "AccessDenied"
            | "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "TokenRefreshRequired"
            | "RequestTimeTooSkewed" => Denied,
            "SlowDown"
            | "InternalError"
            | "ServiceUnavailable"
            | "RequestTimeout"
            | "Throttling"
            | "ThrottlingException"
            | "RequestLimitExceeded" => Transient,
            // 403, but no permission helps against an archive.
            "InvalidObjectState" => Other,
            _ => by_status(status),
        },
    }
}

fn by_status(status: u16) -> StoreErrorKind {
    match status {
        401 | 403 => Denied,
        404 => NotFound,
        409 => Conflict,
        412 => Precondition,
        // What a server does not implement now, it will not have learned by the next attempt.
        501 => Other,
        408 | 429 | 500..=599 => Transient,
        _ => Other,
    }
}

/// The error of a request that the SDK has given up.
pub(crate) fn request_failed<E>(
    operation: Operation,
    at: &Location,
    error: SdkError<E, HttpResponse>,
) -> StoreError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let failure = failure_of(&error);
    let kind = classify(operation, failure);
    let advice = advice(kind, operation, at, failure);
    let details = match failure {
        Failure::Answered { status, code } => {
            let message = error.message().unwrap_or_default();
            let request = error.request_id().unwrap_or("unknown");
            let words = [code, message].join(" ");
            format!(
                "S3 answered {status} {}, request id {request}",
                words.trim()
            )
        }
        _ => chain(&error),
    };
    StoreError {
        kind,
        action: operation.action(),
        at: at.clone(),
        reason: format!("{advice} ({details})"),
        source: Some(Box::new(error)),
    }
}

fn failure_of<E>(error: &SdkError<E, HttpResponse>) -> Failure<'_>
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let status = error
        .raw_response()
        .map_or(0, |response| response.status().as_u16());
    match error {
        SdkError::TimeoutError(_) => Failure::TimedOut,
        SdkError::ServiceError(answer) => Failure::Answered {
            status,
            code: answer.err().code().unwrap_or_default(),
        },
        SdkError::ResponseError(_) => Failure::Garbled { status },
        _ if lacks_credentials(error) => Failure::NoCredentials,
        SdkError::DispatchFailure(_) => Failure::NoAnswer,
        _ => Failure::NotBuilt,
    }
}

/// The SDK reports missing credentials as a failed dispatch; only the cause tells. Where it asks several providers the
/// last one's trouble is all that is left of "there are none", be it a metadata service that refuses to answer.
fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    causes(error)
        .filter_map(|cause| cause.downcast_ref())
        .any(|cause| !matches!(cause, CredentialsError::ProviderTimedOut(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_one_meaning() {
        let answered = |status, code| Failure::Answered { status, code };
        for (failure, expected) in [
            (Failure::NoCredentials, Denied),
            (Failure::NotBuilt, Other),
            (Failure::TimedOut, Transient),
            (Failure::NoAnswer, Transient),
            (Failure::Garbled { status: 200 }, Transient),
            (Failure::Garbled { status: 502 }, Transient),
            (Failure::Garbled { status: 403 }, Denied),
            (answered(404, "NoSuchKey"), NotFound),
            (answered(404, "NoSuchBucket"), NotFound),
            (answered(404, "NoSuchVersion"), NotFound),
            (answered(404, ""), NotFound),
            (answered(412, "PreconditionFailed"), Precondition),
            (answered(412, ""), Precondition),
            (answered(409, "ConditionalRequestConflict"), Conflict),
            (answered(409, ""), Conflict),
            (answered(401, ""), Denied),
            (answered(403, "AccessDenied"), Denied),
            (answered(403, "InvalidAccessKeyId"), Denied),
            (answered(403, "SignatureDoesNotMatch"), Denied),
            (answered(400, "ExpiredToken"), Denied),
            (answered(403, ""), Denied),
            (answered(403, "InvalidObjectState"), Other),
            (answered(503, "SlowDown"), Transient),
            (answered(500, "InternalError"), Transient),
            (answered(400, "RequestTimeout"), Transient),
            (answered(429, ""), Transient),
            (answered(504, ""), Transient),
            (answered(501, "NotImplemented"), Other),
            (answered(400, "InvalidArgument"), Other),
            (answered(301, ""), Other),
        ] {
            assert_eq!(classify(Operation::Get, failure), expected, "{failure:?}");
        }
    }

    #[test]
    fn a_write_that_finds_nothing_to_replace_fails_its_condition() {
        let gone = Failure::Answered {
            status: 404,
            code: "NoSuchKey",
        };
        assert_eq!(classify(Operation::Put, gone), Precondition);
        let no_bucket = Failure::Answered {
            status: 404,
            code: "NoSuchBucket",
        };
        assert_eq!(classify(Operation::Put, no_bucket), NotFound);
    }
}
