//! S3 failures produced over a real socket: how each is classified, and the message shown.

use std::net::SocketAddr;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_credential_types::provider::{ProvideCredentials, error::CredentialsError, future};
use aws_sdk_s3::config::Region;
use tokio::net::TcpListener;
use transcript_summarizer::aws::sdk::sdk_defaults;
use transcript_summarizer::http::Http;
use transcript_summarizer::store::{
    Location, Object, PutCondition, S3Store, Store, StoreError, StoreErrorKind, Wanted,
};

use crate::store::behaviours::put_if;
use crate::store::canned::Server;
use crate::store::s3::{config_at, store_at};

fn at() -> Location {
    Location::new("bucket", "a/talk.txt")
}

async fn get_from(address: SocketAddr) -> Result<Object, StoreError> {
    let store = store_at(address, "secret").await;
    store.get(&at(), &Wanted::default()).await
}

async fn failure_at(address: SocketAddr) -> StoreError {
    get_from(address).await.map(drop).unwrap_err()
}

/// Checks that the words occur in the error or its sources.
pub(crate) fn says(error: &StoreError, words: &[&str]) {
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |cause| {
        cause.source()
    });
    let text: String = causes.map(|cause| format!("{cause}\n")).collect();
    for word in words {
        assert!(text.contains(word), "no `{word}` in: {text}");
    }
}

#[tokio::test]
async fn a_refusal_says_what_is_missing_and_is_not_retried() {
    for (status, code, kind, words) in [
        (
            403,
            "AccessDenied",
            StoreErrorKind::Denied,
            "s3:GetObject on arn:aws:s3:::bucket/a/talk.txt",
        ),
        (
            403,
            "InvalidAccessKeyId",
            StoreErrorKind::Denied,
            "AWS_ACCESS_KEY_ID",
        ),
        (
            400,
            "ExpiredToken",
            StoreErrorKind::Denied,
            "AWS_SESSION_TOKEN",
        ),
        (
            404,
            "NoSuchKey",
            StoreErrorKind::NotFound,
            "no object `a/talk.txt` in the bucket `bucket`",
        ),
        (
            404,
            "NoSuchBucket",
            StoreErrorKind::Other,
            "no bucket `bucket`",
        ),
        (
            412,
            "PreconditionFailed",
            StoreErrorKind::Precondition,
            "replaced",
        ),
        (
            409,
            "ConditionalRequestConflict",
            StoreErrorKind::Conflict,
            "try again",
        ),
        (
            400,
            "AuthorizationHeaderMalformed",
            StoreErrorKind::Other,
            "AWS_REGION",
        ),
        (501, "NotImplemented", StoreErrorKind::Other, "lacks"),
    ] {
        let server = Server::refusing(status, code, "in words").await;
        let error = failure_at(server.address).await;
        assert_eq!(error.kind, kind, "{error}");
        let status = status.to_string();
        says(&error, &["could not read s3://bucket/a/talk.txt", words]);
        says(&error, &[&status, code, "in words", "4442587FB7D0A2F9"]);
        assert!(std::error::Error::source(&error).is_some());
        assert_eq!(server.requests(), 1, "{error}");
    }
}

#[tokio::test]
async fn a_passing_failure_is_retried_twice() {
    for (status, code) in [
        (503, "SlowDown"),
        (500, "InternalError"),
        (400, "RequestTimeout"),
    ] {
        let server = Server::refusing(status, code, "please wait").await;
        let error = failure_at(server.address).await;
        assert_eq!(error.kind, StoreErrorKind::Transient, "{error}");
        says(&error, &[code, "try again"]);
        assert_eq!(server.requests(), 3, "{error}");
    }
}

#[tokio::test]
async fn answers_without_a_body_are_understood_by_their_status() {
    for (head, kind) in [
        ("404 Not Found", StoreErrorKind::NotFound),
        ("403 Forbidden", StoreErrorKind::Denied),
        ("412 Precondition Failed", StoreErrorKind::Precondition),
        ("301 Moved Permanently", StoreErrorKind::Other),
        ("502 Bad Gateway", StoreErrorKind::Transient),
        ("429 Too Many Requests", StoreErrorKind::Transient),
    ] {
        let server = Server::answering(format!("{head}\r\nContent-Length: 0\r\n"), "").await;
        let store = store_at(server.address, "secret").await;
        let error = store.head(&at()).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        says(&error, &["could not look up"]);
    }
}

#[tokio::test]
async fn a_failed_write_is_reported_as_a_write() {
    for (status, code, kind, words) in [
        (403, "AccessDenied", StoreErrorKind::Denied, "s3:PutObject"),
        (404, "NoSuchBucket", StoreErrorKind::NotFound, "create it"),
        (
            404,
            "NoSuchKey",
            StoreErrorKind::Precondition,
            "deleted it in the meantime",
        ),
        (
            409,
            "ConditionalRequestConflict",
            StoreErrorKind::Conflict,
            "at this moment",
        ),
    ] {
        let server = Server::refusing(status, code, "in words").await;
        let store = store_at(server.address, "secret").await;
        let condition = PutCondition::IfMatch("etag".to_owned());
        let error = put_if(&store, &at(), "text", condition).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        says(&error, &["could not write", words]);
    }
}

#[tokio::test]
async fn an_html_page_of_a_proxy_is_an_outage() {
    let page = "<html><body><h1>502 Bad Gateway</h1></body></html>";
    let head = format!(
        "502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: {}\r\n",
        page.len()
    );
    let server = Server::answering(head, page).await;
    let error = failure_at(server.address).await;
    assert_eq!(error.kind, StoreErrorKind::Transient, "{error}");
    says(&error, &["502"]);
}

#[tokio::test]
async fn a_refused_connection_names_the_endpoint_setting_and_the_vpc() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = failure_at(address).await;
    assert_eq!(error.kind, StoreErrorKind::Transient, "{error}");
    says(&error, &["refused", "AWS_ENDPOINT_URL_S3", "VPC"]);
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_in_time() {
    // Connections stay in the backlog because nothing accepts them.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = config_at(listener.local_addr().unwrap(), "secret").await;
    let soon = TimeoutConfig::builder()
        .read_timeout(Duration::from_millis(20))
        .build();
    let store = S3Store::from_config(&config.into_builder().timeout_config(soon).build());
    let error = store
        .get(&at(), &Wanted::default())
        .await
        .map(drop)
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Transient, "{error}");
    says(&error, &["did not answer in time", "20ms"]);
}

/// A provider without credentials that returns the given error.
#[derive(Debug)]
struct Nobody(fn() -> CredentialsError);

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(self.0()))
    }
}

#[tokio::test]
async fn without_credentials_the_error_says_where_to_put_them() {
    for (provider, reason) in [
        (
            Nobody(|| CredentialsError::not_loaded("no provider has any")),
            "there are no usable AWS credentials",
        ),
        (
            Nobody(|| CredentialsError::provider_error("request forbidden")),
            "request forbidden",
        ),
    ] {
        let config = sdk_defaults(&Http::default())
            .unwrap()
            .region(Region::from_static("eu-west-1"))
            .credentials_provider(provider);
        let store = S3Store::from_config(&config.load().await);
        let error = store.head(&at()).await.unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::Denied, "{error}");
        says(&error, &["AWS_ACCESS_KEY_ID", "STORE_DIR", reason]);
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    let server = Server::answering(
        "200 OK\r\nETag: \"tag\"\r\nContent-Length: 1000\r\n",
        "the beginning",
    )
    .await;
    let mut object = get_from(server.address).await.unwrap();
    let error = loop {
        match object.next().await {
            Ok(Some(piece)) => assert_eq!(piece, "the beginning"),
            Ok(None) => panic!("taken for the whole object"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind, StoreErrorKind::Transient, "{error}");
    says(&error, &["13 of 1000 bytes", "try again"]);
}

#[tokio::test]
async fn an_object_that_is_too_large_is_refused_before_its_body_arrives() {
    // The server announces 5 GB but sends no body.
    let server = Server::answering(
        "200 OK\r\nETag: \"tag\"\r\nContent-Length: 5000000000\r\n",
        "",
    )
    .await;
    let store = store_at(server.address, "secret").await;
    let wanted = Wanted {
        max_bytes: Some(67_108_864),
        ..Wanted::default()
    };
    let error = store.get(&at(), &wanted).await.map(drop).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::TooLarge);
    says(&error, &["5000000000 bytes", "at most 67108864"]);
}

#[tokio::test]
async fn the_version_null_counts_as_none() {
    for (header, version) in [
        ("null", None),
        ("3HL4kqtJvjVBH40Nrjfkd", Some("3HL4kqtJvjVBH40Nrjfkd")),
    ] {
        let head = format!(
            "200 OK\r\nETag: \"tag\"\r\nContent-Length: 0\r\nx-amz-version-id: {header}\r\n"
        );
        let server = Server::answering(head, "").await;
        let object = get_from(server.address).await.unwrap();
        assert_eq!(object.info.version_id.as_deref(), version);
        assert_eq!(object.info.etag, "tag");
    }
}

#[tokio::test]
async fn metadata_of_any_bytes_arrive() {
    for (sent, read) in [
        ("Kürzer – 短".as_bytes(), "Kürzer – 短"),
        (b"K\xfcrzer", "K\u{fffd}rzer"),
    ] {
        let head =
            "200 OK\r\nETag: \"tag\"\r\nContent-Length: 0\r\nx-amz-meta-summary-instructions: ";
        let server = Server::answering([head.as_bytes(), sent, b"\r\n"].concat(), "").await;
        let info = get_from(server.address).await.unwrap().info;
        assert_eq!(info.metadata["summary-instructions"], read);
    }
}

#[tokio::test]
async fn an_answer_without_etag_or_length_is_an_error() {
    let server = Server::answering("200 OK\r\nContent-Length: 0\r\n", "").await;
    says(&failure_at(server.address).await, &["`ETag`"]);
    let server = Server::answering("200 OK\r\nETag: \"tag\"\r\n", "until it closes").await;
    says(&failure_at(server.address).await, &["`Content-Length`"]);
}
