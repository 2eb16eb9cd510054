//! The S3 store with the real SDK over HTTP, against s3s-fs in this process or a server named by environment variables.
//!
//! s3s-fs 0.14 ignores `If-Match` on reads, so the store also checks the response. Its conditional writes check first and
//! then write, without a lock, so races are tested only against the other server.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_s3::config::{Credentials, Region};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;
use tokio::net::TcpListener;
use transcript_summarizer::aws::sdk::{sdk_config, sdk_defaults};
use transcript_summarizer::http::Http;
use transcript_summarizer::store::{
    Location, Metadata, PutCondition, S3Store, Store, StoreErrorKind,
};

use crate::store::behaviours::{self, kind, put, put_if, read};
use crate::store::failures::says;

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// The production client, except for the waits between its attempts.
pub(crate) async fn store_at(address: SocketAddr, secret: &str) -> S3Store {
    S3Store::from_config(&config_at(address, secret).await)
}

pub(crate) async fn config_at(address: SocketAddr, secret: &str) -> SdkConfig {
    let config = sdk_defaults(&Http::default())
        .unwrap()
        .endpoint_url(format!("http://{address}"))
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(Credentials::new(KEY, secret, None, None, "test"))
        .load()
        .await;
    let retry = config.retry_config().unwrap().clone();
    config
        .into_builder()
        .retry_config(retry.with_initial_backoff(Duration::from_millis(1)))
        .build()
}

/// S3 on a loopback port, backed by a temporary directory.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    lose_answer: Arc<AtomicBool>,
    asked: Arc<Mutex<Vec<String>>>,
    _dir: TempDir,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join("bucket")).unwrap();
        let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(dir.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
        let service = builder.build();

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let lose_answer = Arc::new(AtomicBool::new(false));
        let lose = lose_answer.clone();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (service, lose, log) = (service.clone(), lose.clone(), log.clone());
                let answer = service_fn(move |request: Request<Incoming>| {
                    let asked = format!("{} {}", request.method(), request.uri());
                    log.lock().unwrap().push(asked);
                    answer(service.clone(), lose.clone(), request)
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
            }
        });
        Self {
            address,
            lose_answer,
            asked,
            _dir: dir,
        }
    }

    /// The requests since the last time.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// Makes the next write take effect but report an error, once.
    fn lose_next_answer(&self) {
        self.lose_answer.store(true, Ordering::SeqCst);
    }
}

async fn answer(
    service: S3Service,
    lose: Arc<AtomicBool>,
    request: Request<Incoming>,
) -> Result<Response<s3s::Body>, s3s::HttpError> {
    let is_write = request.method() == Method::PUT;
    let answer = service.call(request.map(s3s::Body::from)).await?;
    if is_write && lose.swap(false, Ordering::SeqCst) {
        assert!(answer.status().is_success());
        let lost = Response::builder().status(500).body(s3s::Body::empty());
        return Ok(lost.unwrap());
    }
    Ok(answer)
}

#[tokio::test]
async fn s3_behaves_as_the_list_says() {
    let server = Server::start().await;
    let store = store_at(server.address, SECRET).await;
    behaviours::all(&store, "bucket").await;
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_recognized_as_our_own() {
    let server = Server::start().await;
    let store = store_at(server.address, SECRET).await;
    let at = Location::new("bucket", ".work/17/run.json");

    server.lose_next_answer();
    let first = put_if(&store, &at, "mine", PutCondition::IfAbsent)
        .await
        .unwrap();
    assert_eq!(store.head(&at).await.unwrap().etag, first);

    server.lose_next_answer();
    let renewal = PutCondition::IfMatch(first.clone());
    let second = put_if(&store, &at, "mine, renewed", renewal.clone())
        .await
        .unwrap();
    assert_eq!(read(&store, &at).await, b"mine, renewed");
    let info = store.head(&at).await.unwrap();
    assert_eq!((info.etag, info.metadata), (second, Metadata::new()));

    let late = put_if(&store, &at, "mine, renewed", renewal).await;
    assert_eq!(
        kind(late),
        StoreErrorKind::Precondition,
        "the same bytes in another write"
    );
}

#[tokio::test]
async fn a_wrong_secret_is_denied() {
    let server = Server::start().await;
    let store = store_at(server.address, "wrong").await;
    let at = Location::new("bucket", "talk.txt");
    let error = put_if(&store, &at, "talk", PutCondition::Always)
        .await
        .unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Denied);
    says(&error, &["SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"]);
}

#[tokio::test]
#[ignore = "needs the environment of an S3-compatible server: AWS_ENDPOINT_URL_S3, AWS_REGION, keys"]
async fn the_server_of_the_environment_behaves_as_the_list_says() {
    let bucket = format!("store-test-{}", std::process::id());
    let environment = sdk_config(&Http::default()).await.unwrap();
    let config = aws_sdk_s3::config::Builder::from(&environment)
        .region(Region::from_static("us-east-1"))
        .force_path_style(true)
        .build();
    let client = aws_sdk_s3::Client::from_conf(config);
    client.create_bucket().bucket(&bucket).send().await.unwrap();

    let store = S3Store::from_config(&environment);
    behaviours::all(&store, &bucket).await;
    behaviours::deletions_if_match(&store, &bucket).await;

    let at = Location::new(&bucket, "lease.json");
    let tries = (0..16).map(|writer| {
        let (store, at) = (store.clone(), at.clone());
        tokio::spawn(async move {
            let body = writer.to_string();
            put_if(&store, &at, &body, PutCondition::IfAbsent).await
        })
    });
    let mut winners = 0;
    for writer in tries.collect::<Vec<_>>() {
        winners += usize::from(writer.await.unwrap().is_ok());
    }
    assert_eq!(winners, 1);

    let swapped = put(&store, &at, "swapped").await;
    assert_eq!(store.head(&at).await.unwrap().etag, swapped);
}

#[tokio::test]
async fn keys_with_segments_of_dots_are_signed_as_they_are_sent() {
    let server = Server::start().await;
    let store = store_at(server.address, SECRET).await;
    let at = Location::new("bucket", "talks/./today.txt");
    put_if(&store, &at, "talk", PutCondition::Always)
        .await
        .unwrap();
    assert_eq!(read(&store, &at).await, b"talk");
}

#[tokio::test]
async fn a_link_reads_its_object_without_credentials_and_no_other() {
    let server = Server::start().await;
    let store = store_at(server.address, SECRET).await;
    let (day, week) = (Duration::from_secs(86_400), Duration::from_secs(7 * 86_400));
    let at = Location::new("bucket", "team/a b+c%41 é.txt");
    for at in [&at, &Location::new("bucket", "meet/a b+c%41 é.txt")] {
        put(&store, at, "talk").await;
    }
    let link = store.link(&at, None, day).await.unwrap();
    assert!(!format!("{link:?}").contains("X-Amz"));
    let client = reqwest::Client::new();
    let get = async |url: &str| client.get(url).send().await.unwrap();
    let answer = get(link.expose()).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text().await.unwrap(), "talk");
    let other = link.expose().replace("/team/", "/meet/");
    assert_eq!(get(&other).await.status(), 403);

    let versioned = store.link(&at, Some("v 1"), day).await.unwrap();
    assert!(
        versioned.expose().contains("versionId=v%201"),
        "{}",
        versioned.expose()
    );
    let error = store.link(&at, None, week * 2).await.unwrap_err();
    assert!(
        error.to_string().contains("no link lasts as long as that"),
        "{error}"
    );
}
