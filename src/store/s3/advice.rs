//! What people are told when a request to S3 fails: what is the matter and what to do, in one sentence.

use crate::store::Location;
use crate::store::StoreErrorKind;
use crate::store::StoreErrorKind::{
    Conflict, Denied, NotFound, Other, Precondition, TooLarge, Transient,
};
use crate::store::s3::failure::{Failure, Operation};

/// The sentence for a failure that means `kind`.
pub(crate) fn advice(
    kind: StoreErrorKind,
    operation: Operation,
    at: &Location,
    failure: Failure<'_>,
) -> String {
    match kind {
        NotFound => missing(at, failure),
        Precondition => changed(operation).to_owned(),
        Conflict => "somebody else is writing it at this moment; try again".to_owned(),
        Denied => denied(operation, at, failure),
        Transient => trouble(failure).to_owned(),
        TooLarge | Other => refused(at, failure),
    }
}

/// What it says that a condition does not hold.
pub(crate) fn changed(operation: Operation) -> &'static str {
    match operation {
        Operation::Put => "somebody else has written, replaced or deleted it in the meantime",
        Operation::Get | Operation::Head | Operation::Delete => {
            "it has been replaced: its entity tag is not the one that was asked for"
        }
    }
}

fn missing(at: &Location, failure: Failure<'_>) -> String {
    let Location { bucket, key } = at;
    match failure {
        Failure::Answered {
            code: "NoSuchBucket",
            ..
        } => {
            format!("there is no bucket `{bucket}`: create it, or check its name")
        }
        Failure::Answered {
            code: "NoSuchKey", ..
        } => {
            format!("there is no object `{key}` in the bucket `{bucket}`")
        }
        Failure::Answered {
            code: "NoSuchVersion",
            ..
        } => {
            format!("this version of `{key}` is gone from the bucket `{bucket}`")
        }
        _ => format!("there is no object `{key}` in the bucket `{bucket}`, or no such bucket"),
    }
}

fn denied(operation: Operation, at: &Location, failure: Failure<'_>) -> String {
    let Location { bucket, key } = at;
    let permission = operation.permission();
    let code = match failure {
        Failure::NoCredentials => {
            return "there are no usable AWS credentials: give the function a role, set AWS_ACCESS_KEY_ID and \
                    AWS_SECRET_ACCESS_KEY (or AWS_PROFILE), or set STORE_DIR to use a directory instead of S3"
                .to_owned();
        }
        Failure::Answered { code, .. } => code,
        _ => "",
    };
    match code {
        "RequestTimeTooSkewed" => "the clock of this machine is wrong; set it".to_owned(),
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken" | "InvalidToken"
        | "TokenRefreshRequired" => {
            "the AWS credentials are wrong or have expired: renew AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and \
             AWS_SESSION_TOKEN, or the profile or role they come from"
                .to_owned()
        }
        _ => format!(
            "the role needs {permission} on arn:aws:s3:::{bucket}/{key}, and s3:ListBucket on arn:aws:s3:::{bucket} \
             (without it, objects that do not exist are refused like this, too)"
        ),
    }
}

fn trouble(failure: Failure<'_>) -> &'static str {
    match failure {
        Failure::NoAnswer | Failure::TimedOut => {
            "S3 could not be reached or did not answer in time: try again; if it lasts, check AWS_ENDPOINT_URL_S3 and the \
             network (a function in a VPC needs a gateway endpoint for S3)"
        }
        _ => "S3 is busy or in trouble; try again",
    }
}

fn refused(at: &Location, failure: Failure<'_>) -> String {
    let bucket = &at.bucket;
    match failure {
        Failure::Answered {
            code: "InvalidObjectState",
            ..
        } => "it is in an archive; restore it first".to_owned(),
        Failure::Answered {
            code: "NotImplemented",
            ..
        } => {
            "this server lacks something that is needed here, such as conditional writes".to_owned()
        }
        Failure::Answered {
            status: 300..400, ..
        }
        | Failure::Answered {
            code: "AuthorizationHeaderMalformed",
            ..
        } => {
            format!("the bucket `{bucket}` is in another region; set AWS_REGION to it")
        }
        _ => "S3 refuses the request as it is; trying again will not help".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_permission_that_is_missing() {
        let at = Location::new("bucket", "a/b.txt");
        let failure = Failure::Answered {
            status: 403,
            code: "AccessDenied",
        };
        for (operation, permission) in [
            (
                Operation::Get,
                "s3:GetObject on arn:aws:s3:::bucket/a/b.txt",
            ),
            (Operation::Head, "s3:ListBucket on arn:aws:s3:::bucket "),
            (Operation::Put, "s3:PutObject"),
            (Operation::Delete, "s3:DeleteObject"),
        ] {
            let advice = advice(Denied, operation, &at, failure);
            assert!(advice.contains(permission), "{advice}");
        }
    }

    #[test]
    fn every_kind_of_failure_has_its_advice() {
        let at = Location::new("bucket", "key");
        let answered = |status, code| Failure::Answered { status, code };
        for (kind, failure, expected) in [
            (NotFound, answered(404, "NoSuchBucket"), "create it"),
            (
                NotFound,
                answered(404, "NoSuchKey"),
                "no object `key` in the bucket `bucket`",
            ),
            (NotFound, answered(404, ""), "or no such bucket"),
            (Denied, Failure::NoCredentials, "STORE_DIR"),
            (Denied, answered(400, "ExpiredToken"), "AWS_SESSION_TOKEN"),
            (Transient, Failure::NoAnswer, "AWS_ENDPOINT_URL_S3"),
            (Transient, answered(503, "SlowDown"), "try again"),
            (Other, answered(301, ""), "AWS_REGION"),
            (Other, answered(403, "InvalidObjectState"), "restore it"),
            (Other, answered(501, "NotImplemented"), "conditional writes"),
        ] {
            let advice = advice(kind, Operation::Head, &at, failure);
            assert!(advice.contains(expected), "{advice}");
        }
    }
}
