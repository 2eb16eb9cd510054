//! The HTTP API behind a Function URL, as the function answers it, with links into the S3 of s3s-fs, which checks signatures.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use transcript_summarizer::clock::Clock;
use transcript_summarizer::http::Http;
use transcript_summarizer::job::{App, KnownHabits, LEASE, Outcome, Upload};
use transcript_summarizer::lambda::api::Api;
use transcript_summarizer::run::Run;
use transcript_summarizer::store::{Location, Metadata, Presigner, PutOptions, S3Store, Store};

use crate::serve::assert_described_in;
use crate::store::s3::{SECRET, Server, config_at};
use crate::support::workplace::{config, meeting};

const SETTINGS: [(&str, &str); 5] = [
    ("API", "iam"),
    ("API_BUCKET", "bucket"),
    ("API_PREFIX", "uploads/"),
    ("SUMMARY_WORDS", "100"),
    ("MAX_INPUT_BYTES", "100000"),
];
const KEY: &str = "uploads/board 1.txt";
const LOOK: &str = "GET /v1/summaries?key=uploads%2Fboard+1.txt";

struct World {
    server: Server,
    api: Api,
    /// As the API itself describes it.
    description: String,
}

struct Answered {
    status: u64,
    json: Value,
}

impl World {
    async fn new() -> Self {
        Self::with(&SETTINGS).await
    }

    async fn with(settings: &[(&str, &str)]) -> Self {
        let server = Server::start().await;
        let aws = config_at(server.address, SECRET).await;
        let (store, presigner) = (S3Store::from_config(&aws), Presigner::from_config(&aws));
        let config = config(settings).unwrap();
        let api = Api::new(config, "bucket".to_owned(), store, presigner);
        let mut world = Self {
            server,
            api,
            description: String::new(),
        };
        world.description = world.call("GET /openapi.json", "").await["body"]
            .as_str()
            .unwrap()
            .to_owned();
        world
    }

    async fn call(&self, line: &str, body: &str) -> Value {
        let (method, target) = line.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let event = json!({
            "version": "2.0", "rawPath": path, "rawQueryString": query, "body": body, "isBase64Encoded": false,
            "headers": {"content-type": "application/json"},
            "requestContext": {"domainName": "abc.lambda-url.eu-west-1.on.aws", "http": {"method": method, "path": path}},
        });
        self.api.answer(&event).await.unwrap()
    }

    /// Asks, and checks the answer against the description.
    async fn ask(&self, line: &str, body: &str) -> Answered {
        let answer = self.call(line, body).await;
        let (status, text) = (&answer["statusCode"], answer["body"].as_str().unwrap());
        let (status, kind) = (status.as_u64().unwrap(), &answer["headers"]["content-type"]);
        assert_described_in(
            &self.description,
            line,
            &status.to_string(),
            kind.as_str().unwrap(),
            text,
        );
        Answered {
            status,
            json: serde_json::from_str(text).unwrap(),
        }
    }

    async fn refused(&self, line: &str, body: &str, status: u64, words: &str) {
        let answered = self.ask(line, body).await;
        let error = answered.json["error"].as_str().unwrap();
        assert_eq!(answered.status, status, "{line} {body}: {error}");
        assert!(error.contains(words), "{line}: {error}");
        assert_ne!(answered.json["next_step"], "", "{line}");
    }

    async fn order(&self, bytes: usize) -> Value {
        let order = json!({"name": "board 1.txt", "bytes": bytes, "instructions": "Kosten – alle"});
        let ordered = self.ask("POST /v1/uploads", &order.to_string()).await;
        assert_eq!(ordered.status, 201, "{}", ordered.json);
        ordered.json
    }

    /// Sends what was ordered.
    async fn send(&self, ordered: &Value, body: &str) -> u16 {
        let headers = ordered["headers"].as_object().unwrap().iter();
        let headers: Vec<(&str, &str)> = headers
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        let url = ordered["url"].as_str().unwrap();
        self.request("PUT", url, &headers, body).await.0
    }

    async fn request(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, String) {
        let host = self.server.address.to_string();
        let target = url.strip_prefix(&format!("http://{host}")).unwrap();
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        if method == "PUT" {
            head += &format!("content-length: {}\r\n", body.len());
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        let mut socket = TcpStream::connect(self.server.address).await.unwrap();
        let request = format!("{head}\r\n{body}");
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        (status, body.to_owned())
    }

    async fn store(&self) -> S3Store {
        S3Store::from_config(&config_at(self.server.address, SECRET).await)
    }

    /// Runs the job of an upload, as the other function does.
    async fn summarize(&self, key: &str) -> Outcome {
        let store: Arc<dyn Store> = Arc::new(self.store().await);
        let settings = [("API_PREFIX", "uploads/"), ("SUMMARY_WORDS", "100")];
        let config = config(&settings).unwrap();
        let app = App {
            source: Arc::clone(&store),
            target: store,
            model: config.provider.connect(&Http::default()).await.unwrap(),
            transcriber: None,
            speaker: None,
            config: Arc::new(config),
            trace: None,
            lease: LEASE,
            habits: KnownHabits::default(),
            durable: true,
        };
        let upload = Upload::named(Location::new("bucket", key));
        app.run(&upload, &Run::new(Clock::System)).await.unwrap()
    }

    async fn progress(&self) -> Vec<String> {
        let listed = self.store().await.list("bucket", "", 1000).await.unwrap();
        let is_progress = |key: &String| key.contains(".work/progress/");
        listed.into_iter().filter(is_progress).collect()
    }
}

#[tokio::test]
async fn a_link_takes_exactly_what_was_ordered_once_and_results_have_links() {
    let world = World::new().await;
    let text = meeting(600);
    let ordered = world.order(text.len()).await;
    assert_eq!(
        (&ordered["key"], &ordered["expires_in"]),
        (&json!(KEY), &json!(900))
    );
    world.refused(LOOK, "", 404, "no transcript").await;

    let (shorter, longer) = (&text[..text.len() - 1], format!("{text}x"));
    for wrong in [shorter, &longer, ""] {
        assert_eq!(
            world.send(&ordered, wrong).await,
            403,
            "{} bytes",
            wrong.len()
        );
    }
    let url = ordered["url"].as_str().unwrap();
    let unconditional = world.request("PUT", url, &[], &text).await;
    assert_eq!(unconditional.0, 403, "without if-none-match and the wishes");
    let elsewhere = url.replace("board", "other");
    assert_eq!(world.request("PUT", &elsewhere, &[], &text).await.0, 403);
    assert_eq!(world.send(&ordered, &text).await, 200);
    assert_eq!(world.send(&ordered, &text).await, 412);
    let again = json!({"name": "board 1.txt", "bytes": 5}).to_string();
    world
        .refused("POST /v1/uploads", &again, 409, "there already")
        .await;

    let status = world.ask(LOOK, "").await.json;
    assert_eq!(status, json!({"key": KEY, "status": "waiting"}));
    assert!(matches!(world.summarize(KEY).await, Outcome::Done(_)));
    let status = world.ask(LOOK, "").await.json;
    assert_eq!(
        (&status["status"], &status["expires_in"]),
        (&json!("done"), &json!(900))
    );
    // The built-in model follows no instructions, and says so: they have arrived.
    let warnings = status["warnings"].to_string();
    assert!(warnings.contains("instructions"), "{status}");
    for kind in ["page", "report", "text"] {
        let link = status["links"][kind].as_str().unwrap();
        let (read, body) = world.request("GET", link, &[], "").await;
        assert_eq!(read, 200, "{kind}: {body}");
        let other = link.replace("uploads/", "others/");
        assert_eq!(world.request("GET", &other, &[], "").await.0, 403);
    }
}

#[tokio::test]
async fn a_link_that_has_expired_is_refused() {
    let world = World::new().await;
    let presigner = Presigner::from_config(&config_at(world.server.address, SECRET).await);
    let at = Location::new("bucket", KEY);
    for (minutes_ago, expected) in [(14, 200), (16, 403)] {
        let signed = SystemTime::now() - Duration::from_secs(minutes_ago * 60);
        let link = presigner
            .send(&at, 4, &Metadata::new(), signed)
            .await
            .unwrap();
        let ordered = json!({"url": link.url, "headers": {"if-none-match": "*"}});
        assert_eq!(
            world.send(&ordered, "text").await,
            expected,
            "{minutes_ago} minutes"
        );
        let link = presigner.read(&at, signed).await.unwrap();
        assert_eq!(world.request("GET", &link, &[], "").await.0, expected);
    }
}

#[tokio::test]
async fn the_status_is_that_of_the_objects() {
    let world = World::new().await;
    let text = meeting(600);
    let ordered = world.order(text.len()).await;
    assert_eq!(world.send(&ordered, &text).await, 200);
    world.summarize(KEY).await;
    // Before the summary is written there is the progress of its job.
    let store = world.store().await;
    let summary = Location::new("bucket", format!("summaries/{KEY}_summary.txt"));
    store.delete(&summary, None).await.unwrap();
    let status = world.ask(LOOK, "").await.json;
    assert_eq!(status["status"], "summarizing", "{status}");
    let steps = |name: &str| status["progress"][name].as_u64().unwrap();
    // What is not published is not done.
    assert!(0 < steps("done") && steps("done") < steps("of"), "{status}");
    // One that nobody has written for long counts for nothing.
    let [progress] = world.progress().await.try_into().unwrap();
    let progress = Location::new("bucket", progress);
    let (kept, _) = store.read(&progress, 1000).await.unwrap();
    let mut kept: Value = serde_json::from_slice(&kept).unwrap();
    kept["at_ms"] = json!(kept["at_ms"].as_i64().unwrap() - 21 * 60 * 1000);
    let body = kept.to_string().into();
    store
        .put(&progress, body, PutOptions::default())
        .await
        .unwrap();
    assert_eq!(world.ask(LOOK, "").await.json["status"], "waiting");

    // What is rejected says why, and leaves no progress behind.
    let order = json!({"name": "blank.txt", "bytes": 3}).to_string();
    let ordered = world.ask("POST /v1/uploads", &order).await.json;
    assert_eq!(world.send(&ordered, "\n \n").await, 200);
    assert!(matches!(
        world.summarize("uploads/blank.txt").await,
        Outcome::Rejected(_)
    ));
    let status = world
        .ask("GET /v1/summaries?key=uploads/blank.txt", "")
        .await
        .json;
    assert_eq!(
        (&status["status"], &status["retryable"]),
        (&json!("failed"), &json!(false))
    );
    assert_eq!(
        status["next_step"],
        "upload the transcript again, with its text"
    );
    let link = status["links"]["error"].as_str().unwrap();
    assert_eq!(world.request("GET", link, &[], "").await.0, 200);
    assert_eq!(world.progress().await, [progress.key]);
}

#[tokio::test]
async fn what_this_api_does_not_do_is_refused_with_what_to_do() {
    let world = World::new().await;
    let order = |name: &str, bytes: u64| json!({"name": name, "bytes": bytes}).to_string();
    for (body, status, words) in [
        (order("a.txt", 0), 400, "is empty"),
        (order("a.txt", 100_001), 413, "at most 100,000"),
        (order("a.TXT", 5), 400, "capitals"),
        (order("a.jpg", 5), 400, "not a transcript"),
        (order("../a.txt", 5), 400, "cannot be the name"),
        (
            order("a.txt_summary.txt", 5),
            400,
            "one of this program's results",
        ),
        ("[]".to_owned(), 400, "not an order"),
        ("x".repeat(70_000), 413, "more than 65536 bytes"),
    ] {
        world
            .refused("POST /v1/uploads", &body, status, words)
            .await;
    }
    for (line, status, words) in [
        ("GET /v1/summaries", 400, "not listed"),
        ("GET /v1/summaries?key=uploads/../a.txt", 400, "asked for"),
        ("GET /v1/summaries?key=board.txt", 404, "knows nothing"),
        ("GET /v1/summaries?key=uploads/a.jpg", 404, "no transcript"),
        ("POST /v1/summaries?key=uploads/a.txt", 404, "serve"),
        ("PUT /v1/uploads/a.txt?bytes=1", 411, "length"),
        (
            "GET /v1/results/summaries/uploads/a.txt_summary.txt",
            404,
            "serve",
        ),
        ("GET /v1/events", 404, "serve"),
        ("DELETE /v1/uploads", 405, "method"),
        ("GET /", 404, "nothing under this path"),
    ] {
        world.refused(line, "", status, words).await;
    }
    let settings = world.ask("GET /v1/settings", "").await;
    assert_eq!(
        (settings.status, &settings.json["words"]),
        (200, &json!(100))
    );
    let description: Value = serde_json::from_str(&world.description).unwrap();
    assert_eq!(
        description["servers"][0]["url"],
        "https://abc.lambda-url.eu-west-1.on.aws"
    );
    let operations = description["paths"].as_object().unwrap().iter();
    let operations: Vec<String> = operations
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(move |method| format!("{method} {path}"))
        })
        .collect();
    let expected = [
        "get /openapi.json",
        "get /v1/settings",
        "get /v1/summaries",
        "post /v1/uploads",
    ];
    assert_eq!(operations, expected);
    let refused = world.api.answer(&json!({"Records": []})).await.unwrap_err();
    assert!(refused.to_string().contains("Function URL"), "{refused}");
}

#[test]
fn settings_of_the_api_are_checked_at_start() {
    for (changed, words) in [
        (("API", "open"), "one of iam, token"),
        (("API_BUCKET", ""), "API_BUCKET is not set"),
        (("API_PREFIX", ""), "API_PREFIX is not set"),
        (("API_PREFIX", "uploads"), "a slash at its end"),
        (("API", "token"), "API_TOKEN_SECRET_ARN is not set"),
    ] {
        let error = config(&[&SETTINGS[..], &[changed]].concat()).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    let token = [
        ("API", "token"),
        ("API_TOKEN_SECRET_ARN", "secret-token-1234"),
    ];
    let error = config(&[&SETTINGS[..], &token].concat()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("API_TOKEN_SECRET_ARN is \"***\""),
        "{error}"
    );
}
