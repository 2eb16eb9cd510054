//! The server on this machine: the real binary, spoken to over a socket.

mod recordings;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use boon::{Compiler, Schemas};
use serde_json::{Value, json};
use tempfile::TempDir;
use transcript_summarizer::serve::{self, Limits, Place};

use crate::support::behaviour::Behaviour;
use crate::support::chat_server::ChatServer;
use crate::support::huggingface::TOKEN;
use crate::support::obedient;
use crate::support::workplace::{config, meeting};

/// A server process, which is killed when dropped.
struct Server {
    /// `None` if it is in this process.
    process: Option<Child>,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A response.
#[derive(Debug)]
struct Answered {
    status: u16,
    head: String,
    body: String,
}

impl Answered {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The request is refused with this status, and an error that has these words.
    #[track_caller]
    fn refused(&self, status: u16, words: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let json = self.json();
        let error = json["error"].as_str().unwrap();
        assert!(error.contains(words), "{error}");
        assert!(!json["next_step"].as_str().unwrap().is_empty(), "{json}");
    }
}

/// The description of the API has this answer for this request, if it has the request.
#[track_caller]
fn assert_described(line: &str, answered: &Answered) {
    const DESCRIPTION: &str = include_str!("../../src/http_api/openapi.json");
    let status = answered.status.to_string();
    if ["414", "431"].contains(&status.as_str()) {
        return;
    }
    let kind = answered.head.split("content-type: ").nth(1).unwrap();
    let kind = kind.split('\r').next().unwrap();
    assert_described_in(DESCRIPTION, line, &status, kind, &answered.body);
}

/// The same for any description of this API, and an answer in parts.
#[track_caller]
pub(crate) fn assert_described_in(
    description: &str,
    line: &str,
    status: &str,
    kind: &str,
    body: &str,
) {
    // Braces would have to be encoded in the address of a schema.
    let text = description.replace("{name}", "_").replace("{key}", "_");
    let description: Value = serde_json::from_str(&text).unwrap();
    let (method, target) = line.split_once(' ').unwrap();
    let path = match target.split('?').next().unwrap() {
        path if path.starts_with("/v1/uploads/") => "/v1/uploads/_",
        path if path.starts_with("/v1/results/") => "/v1/results/_",
        path => path,
    };
    let method = method.to_lowercase();
    if description["paths"][path][&method].is_null() {
        return;
    }
    let kind = kind.split(';').next().unwrap();
    let place = [
        "paths",
        path,
        &method,
        "responses",
        status,
        "content",
        kind,
        "schema",
    ];
    let place = place.map(|part| part.replace('/', "~1")).join("/");
    let schema = description.pointer(&format!("/{place}"));
    assert!(schema.is_some(), "{line}: {status} {kind} is not described");
    if kind == "application/json" {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("api.json", description).unwrap();
        let address = format!("api.json#/{place}");
        let index = compiler.compile(&address, &mut schemas).unwrap();
        let value = serde_json::from_str(body).unwrap();
        if let Err(error) = schemas.validate(&value, index) {
            panic!("{line}: {error}: {body}");
        }
    }
}

impl Server {
    /// Starts on a free port with the built-in model.
    fn start(dir: &Path) -> Self {
        Self::start_with(&["--dir", dir.to_str().unwrap()], &[])
    }

    fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_transcript-summarizer"));
        command
            .args(["serve", "--port", "0"])
            .args(arguments)
            .env_clear()
            .envs(variables.iter().copied())
            .stderr(Stdio::null());
        Self::started(command)
    }

    fn started(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let port = line.strip_prefix("http://127.0.0.1:");
        let port = port.and_then(|rest| rest.split('/').next());
        let port = port.and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("no port in {line:?}"));
        Self {
            process: Some(process),
            port,
        }
    }

    fn socket(&self) -> TcpStream {
        let socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let limit = Some(Duration::from_secs(60));
        socket.set_read_timeout(limit).unwrap();
        socket
    }

    /// Sends exactly these bytes, as far as the server takes them.
    fn send(&self, request: &[u8]) -> Answered {
        let mut socket = self.socket();
        let _ = socket.write_all(request);
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Answered {
            status: status.unwrap_or(0),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    fn ask_with(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Answered {
        let mut request = format!("{line} HTTP/1.1\r\nconnection: close\r\n");
        let host = ("host", format!("127.0.0.1:{}", self.port));
        if !headers.iter().any(|(name, _)| *name == "host") {
            request += &format!("{}: {}\r\n", host.0, host.1);
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        let mut request = (request + "\r\n").into_bytes();
        request.extend_from_slice(body);
        let answered = self.send(&request);
        assert_described(line, &answered);
        answered
    }

    fn get(&self, target: &str) -> Answered {
        self.ask_with(&format!("GET {target}"), &[], b"")
    }

    fn order(&self, order: &Value) -> Answered {
        let body = order.to_string();
        let length = body.len().to_string();
        let headers = [
            ("content-type", "application/json"),
            ("content-length", length.as_str()),
        ];
        self.ask_with("POST /v1/uploads", &headers, body.as_bytes())
    }

    fn put(&self, target: &str, body: &[u8]) -> Answered {
        let length = body.len().to_string();
        let headers = [("content-length", length.as_str())];
        self.ask_with(&format!("PUT {target}"), &headers, body)
    }

    /// Orders an upload and sends it as the answer says.
    #[track_caller]
    fn upload(&self, name: &str, body: &[u8], mut order: Value) -> Answered {
        order["name"] = json!(name);
        order["bytes"] = json!(body.len());
        let ordered = self.order(&order);
        assert_eq!(ordered.status, 201, "{ordered:?}");
        let json = ordered.json();
        let length = body.len().to_string();
        let headers = json["headers"].as_object().unwrap().iter();
        let mut headers: Vec<(&str, &str)> = headers
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        headers.push(("content-length", &length));
        let line = format!("PUT {}", json["url"].as_str().unwrap());
        self.ask_with(&line, &headers, body)
    }

    /// The status of a transcript as soon as it is this.
    #[track_caller]
    fn wait_for(&self, key: &str, wanted: &str) -> Value {
        let began = Instant::now();
        loop {
            let status = self.get(&format!("/v1/summaries?key={key}")).json();
            if status["status"] == wanted {
                return status;
            }
            assert!(began.elapsed() < Duration::from_secs(120), "{status}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn library() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("library");
    (dir, path)
}

#[test]
fn three_transcripts_are_summarized_and_their_results_can_be_read() {
    let (_dir, library) = library();
    let buckets = library.to_str().unwrap();
    let server = Server::start_with(&["--bucket", "ours"], &[("STORE_DIR", buckets)]);
    let mut events = BufReader::new(server.socket());
    let host = format!("127.0.0.1:{}", server.port);
    write!(
        events.get_mut(),
        "GET /v1/events HTTP/1.1\r\nhost: {host}\r\n\r\n"
    )
    .unwrap();
    let names = ["board.txt", "café & más.txt", "call.vtt"];
    for name in names {
        let order = json!({"words": 200, "instructions": "Kosten nennen – alle"});
        let sent = server.upload(name, meeting(900).as_bytes(), order);
        assert_eq!((sent.status, &sent.json()["key"]), (201, &json!(name)));
    }
    for (name, key) in names
        .iter()
        .zip(["board.txt", "caf%C3%A9+%26+m%C3%A1s.txt", "call.vtt"])
    {
        let status = server.wait_for(key, "done");
        assert_eq!(status["key"], *name);
        let words = status["words"].as_u64().unwrap();
        assert!((190..=210).contains(&words), "{status}");
        // The built-in model follows no instructions, and says so.
        let warnings = status["warnings"].as_array().unwrap();
        assert_eq!(status["warning_count"], warnings.len());
        assert!(!warnings.is_empty(), "{status}");
        let links = status["links"].as_object().unwrap();
        let kinds: Vec<&str> = links.keys().map(String::as_str).collect();
        assert_eq!(kinds, ["chapters", "page", "report", "text"]);
        for link in links.values() {
            let result = server.get(link.as_str().unwrap());
            assert_eq!(result.status, 200, "{link}");
            assert!(result.head.contains("content-security-policy: sandbox"));
        }
    }
    let listed = server.get("/v1/summaries").json();
    let keys: Vec<&Value> = listed["summaries"].as_array().unwrap().iter().collect();
    let states: Vec<_> = keys
        .iter()
        .map(|one| (&one["key"], &one["status"]))
        .collect();
    let done = json!("done");
    let expected = names.map(|name| json!(name));
    assert_eq!(
        states,
        expected
            .iter()
            .map(|name| (name, &done))
            .collect::<Vec<_>>()
    );
    assert_eq!(listed["next"], Value::Null);
    let first = server.get("/v1/summaries?limit=1").json();
    assert_eq!(first["next"], "board.txt");
    let rest = server.get("/v1/summaries?limit=2&after=board.txt").json();
    assert_eq!(rest["summaries"].as_array().unwrap().len(), 2);

    let (mut told, mut line) = (Vec::new(), String::new());
    while told.iter().filter(|status| **status == "done").count() < names.len() {
        line.clear();
        assert!(events.read_line(&mut line).unwrap() > 0, "{told:?}");
        if let Some(json) = line.strip_prefix("data: ") {
            let status: Value = serde_json::from_str(json).unwrap();
            told.push(status["status"].as_str().unwrap().to_owned());
        }
    }
    assert!(
        told.iter().any(|status| status == "summarizing"),
        "{told:?}"
    );
}

#[test]
fn uploads_that_cannot_be_summarized_are_refused_with_the_reason() {
    let (_dir, library) = library();
    let place = library.to_str().unwrap();
    let server = Server::start_with(&["--dir", place], &[("MAX_INPUT_BYTES", "100000")]);
    let order = |name: &str, bytes: u64| server.order(&json!({"name": name, "bytes": bytes}));
    order("empty.txt", 0).refused(400, "is empty");
    order("large.txt", 100_001).refused(413, "at most 100,000 are accepted");
    order("photo.jpg", 5).refused(400, "not a transcript");
    order("a.txt_summary.txt", 5).refused(400, "one of this program's results");
    for name in [
        "",
        ".",
        "..",
        "../a.txt",
        "/etc/passwd.txt",
        "a/b.txt",
        "a\\b.txt",
        "a\nb.txt",
        ".a.txt",
        " a.txt",
    ] {
        order(name, 5).refused(400, "cannot be the name");
    }
    order(&"x".repeat(300), 5).refused(400, "cannot be the name");
    let wishes = json!({"name": "a.txt", "bytes": 5, "words": 3});
    server.order(&wishes).refused(400, "a whole number from 50");
    let kept = json!({"name": "a.txt", "bytes": 5, "instructions": "中".repeat(900)});
    server.order(&kept).refused(400, "S3 keeps at most 2048");
    let misspelt = [("content-length", "5"), ("x-amz-meta-summary-word", "300")];
    server
        .ask_with("PUT /v1/uploads/a.txt?bytes=5", &misspelt, b"hello")
        .refused(400, "x-amz-meta-summary-word is not known");
    let unknown = json!({"name": "a.txt", "bytes": 5, "speed": 3});
    server.order(&unknown).refused(400, "unknown field `speed`");
    server.order(&json!([])).refused(400, "not an order");
    let long = json!({"name": "a.txt", "bytes": 5, "instructions": "x".repeat(70_000)});
    server.order(&long).refused(413, "more than 65536 bytes");

    let binary: Vec<u8> = (0..4000_u32).map(|n| (n * n % 256) as u8).collect();
    server
        .upload("binary.txt", &binary, json!({}))
        .refused(422, "is not a transcript");
    server
        .upload("blank.txt", b"  \n\n ", json!({}))
        .refused(422, "is not a transcript");

    let text = meeting(600);
    server
        .put("/v1/uploads/a.txt?bytes=12", text.as_bytes())
        .refused(400, "and 12 were ordered");
    server
        .put("/v1/uploads/a.txt", text.as_bytes())
        .refused(400, "how many bytes");
    server
        .ask_with(
            "PUT /v1/uploads/a.txt?bytes=5",
            &[("transfer-encoding", "chunked")],
            b"5\r\nhello\r\n0\r\n\r\n",
        )
        .refused(411, "length");
    let target = format!("/v1/uploads/large.txt?bytes={}", 200_000);
    server
        .put(&target, &[b'x'; 200_000])
        .refused(413, "at most 100,000");
    let wish = [
        ("content-length", "5"),
        ("x-amz-meta-summary-instructions", "Kürzer"),
    ];
    server
        .ask_with("PUT /v1/uploads/a.txt?bytes=5", &wish, b"hello")
        .refused(400, "not ASCII");
    // A client that goes away in the middle leaves nothing behind.
    let target = format!(
        "PUT /v1/uploads/half.txt?bytes={} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\ncontent-length: {}\r\n\r\nhalf",
        text.len(),
        server.port,
        text.len()
    );
    let mut socket = server.socket();
    socket.write_all(target.as_bytes()).unwrap();
    drop(socket);

    let listed = server.get("/v1/summaries").json();
    assert_eq!(listed["summaries"], json!([]));
    server
        .get("/v1/summaries?key=half.txt")
        .refused(404, "no transcript");

    assert_eq!(
        server
            .upload("a.txt", text.as_bytes(), json!({"words": 100}))
            .status,
        201
    );
    let target = format!("/v1/uploads/a.txt?bytes={}", text.len());
    server
        .put(&target, text.as_bytes())
        .refused(409, "is there already");
    order("a.txt", 5).refused(409, "is there already");
    server.wait_for("a.txt", "done");
    server
        .ask_with("POST /v1/summaries?key=a.txt", &[], b"")
        .refused(409, "there already");
    server
        .ask_with("POST /v1/summaries?key=b.txt", &[], b"")
        .refused(404, "no transcript");
    assert_eq!(
        std::fs::read_to_string(library.join("a.txt")).unwrap(),
        text
    );
}

#[test]
fn only_this_machine_and_no_other_site_is_answered() {
    let (dir, library) = library();
    std::fs::write(dir.path().join("secret_summary.txt"), "secret").unwrap();
    let server = Server::start(&library);
    let port = server.port;
    let here = format!("127.0.0.1:{port}");
    let page = server.get("/");
    assert_eq!(page.status, 200);
    for header in [
        "content-security-policy: default-src 'none'",
        "x-content-type-options: nosniff",
        "frame-ancestors 'none'",
    ] {
        assert!(page.head.contains(header), "{page:?}");
    }
    let other = format!("evil.example:{port}");
    for headers in [
        &[("host", other.as_str())][..],
        &[("host", "evil.example")],
        &[("host", "")],
        &[("origin", "http://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
    ] {
        for line in [
            "GET /",
            "GET /v1/summaries",
            "PUT /v1/uploads/a.txt?bytes=1",
            "OPTIONS /v1/uploads",
        ] {
            let refused = server.ask_with(line, headers, b"");
            refused.refused(403, "");
            assert!(
                !refused.head.contains("access-control-allow"),
                "{refused:?}"
            );
        }
    }
    // Without a host, or with two, or as to a proxy.
    assert_eq!(
        server
            .send(b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n")
            .status,
        403
    );
    let two = [("host", here.as_str()), ("host", "evil.example")];
    server.ask_with("GET /", &two, b"").refused(400, "several");
    server
        .ask_with("GET http://evil.example/", &[], b"")
        .refused(400, "proxy");
    for target in [
        "/v1/results/../secret_summary.txt",
        "/v1/results/summaries/../../secret_summary.txt",
        "/v1/results/summaries/%2e%2e/%2e%2e/secret_summary.txt",
        "/v1/results/summaries%2f..%2f..%2fsecret_summary.txt",
        "/v1/results/summaries/..%5c..%5csecret_summary.txt",
        "/v1/results/%2Fetc%2Fpasswd",
        "/v1/summaries?key=../secret.txt",
        "/v1/summaries?key=%2e%2e%2fsecret.txt",
        "/v1/summaries?key=/etc/passwd",
    ] {
        server.get(target).refused(400, "");
    }
    for target in [
        "/v1/results/secret_summary.txt",
        "/v1/results/summaries/.work/habits/x.json",
        "/../secret_summary.txt",
        "/v1/",
        "/index.html",
    ] {
        server.get(target).refused(404, "");
    }
    // What cannot be parsed is refused in the same form.
    let long = "x".repeat(40_000);
    let answered = server.ask_with("GET /", &[("x-long", &long)], b"");
    answered.refused(431, "headers");
    let answered = server.get(&format!("/{long}"));
    answered.refused(answered.status, "too l");
    assert!([414, 431].contains(&answered.status), "{}", answered.status);
    let many: Vec<(&str, &str)> = (0..200).map(|_| ("x-many", "x")).collect();
    let answered = server.ask_with("GET /", &many, b"");
    answered.refused(431, "headers");
    let answered = server.send(b"\x16\x03\x01\x02\x00\r\n\r\n");
    answered.refused(400, "HTTP/1.1");
    // Nor are keys that no file can have, and the answer names no path of this machine.
    for key in ["x".repeat(260), "x".repeat(250), ".metadata/a".to_owned()] {
        for line in ["GET", "POST"] {
            let answered =
                server.ask_with(&format!("{line} /v1/summaries?key={key}.txt"), &[], b"");
            answered.refused(400, "");
            assert!(
                !answered.body.contains(library.to_str().unwrap()),
                "{answered:?}"
            );
        }
    }
    assert_eq!(server.get("/").status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_started_again_goes_on_with_what_was_not_finished() {
    let (_dir, library) = library();
    let place = library.to_str().unwrap();
    let is_stuck = Arc::new(AtomicBool::new(true));
    let stuck = Arc::clone(&is_stuck);
    let endpoint = ChatServer::start(move |request| {
        if request.number == 3 && stuck.load(Ordering::SeqCst) {
            return Behaviour::After(Duration::from_secs(600), Box::new(Behaviour::HangUp));
        }
        Behaviour::text(obedient::answer(request.message("user")))
    })
    .await;
    let variables = [
        ("HF_API_TOKEN", TOKEN),
        ("HF_ENDPOINT_URL", endpoint.url()),
        ("MODEL_CONCURRENCY", "1"),
    ];
    let start = || Server::start_with(&["--dir", place], &variables);
    let server = start();
    // This one was not uploaded here, and costs nothing until somebody asks for it.
    std::fs::create_dir_all(&library).unwrap();
    std::fs::write(library.join("other.txt"), meeting(600)).unwrap();
    let text = meeting(3000);
    let sent = server.upload("board.txt", text.as_bytes(), json!({"words": 900}));
    assert_eq!(sent.status, 201);
    while endpoint.requests().len() < 4 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.wait_for("board.txt", "summarizing");
    drop(server);
    is_stuck.store(false, Ordering::SeqCst);

    let server = start();
    let status = server.wait_for("board.txt", "done");
    let report = server.get(status["links"]["report"].as_str().unwrap());
    let usage = &report.json()["usage"];
    // Three calls had been answered, and the fourth is the only one that is made again.
    assert_eq!(usage["resubmitted"], 1, "{usage}");
    let requests = endpoint.requests().len();
    assert_eq!(usage["calls"].as_u64(), Some(requests as u64), "{usage}");

    let other = server.get("/v1/summaries?key=other.txt").json();
    assert_eq!(other["status"], "waiting");
    let next_step = "have it summarized: POST /v1/summaries?key=other.txt";
    assert_eq!(other["next_step"], next_step);
    let begun = server.ask_with("POST /v1/summaries?key=other.txt", &[], b"");
    assert_eq!(begun.status, 202);
    server.wait_for("other.txt", "done");
}

#[test]
fn windows_that_watch_leave_room_and_a_broken_entry_hides_no_other() {
    let (_held, dir) = library();
    let server = Server::start(&dir);
    let watch = || {
        let mut socket = server.socket();
        let head = format!(
            "GET /v1/events HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n\r\n",
            server.port
        );
        socket.write_all(head.as_bytes()).unwrap();
        let mut status = [0; 12];
        socket.read_exact(&mut status).unwrap();
        (socket, String::from_utf8_lossy(&status).into_owned())
    };
    let windows: Vec<_> = (0..40).map(|_| watch()).collect();
    let refused = windows.iter().filter(|(_, status)| status.ends_with("503"));
    assert_eq!(refused.count(), 40 - 24);
    assert_eq!(server.get("/v1/summaries").status, 200);
    for language in ["\r\n\r\nen", "de\u{2028}", "<b>"] {
        let order = json!({"name": "call.txt", "bytes": 5, "language": language});
        server.order(&order).refused(400, "is no language");
    }
    std::fs::create_dir_all(dir.join("summaries")).unwrap();
    std::fs::write(dir.join("good.txt"), meeting(100)).unwrap();
    std::fs::write(dir.join("bad.txt"), meeting(100)).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", dir.join("summaries/bad.txt_summary.txt")).unwrap();
    let listed = server.get("/v1/summaries").json();
    let keys = listed["summaries"].as_array().unwrap().iter();
    let keys: Vec<&Value> = keys.map(|one| &one["key"]).collect();
    assert_eq!(keys, ["good.txt"]);
}

#[tokio::test]
async fn uploads_that_stop_are_dropped_and_keep_nobody_out() {
    let (_held, dir) = library();
    let limits = Limits {
        upload_silence: Duration::from_secs(2),
    };
    let place = Place::Dir(dir.clone());
    let config = config(&[]).unwrap();
    let started = serve::Server::start(config, place, 0, limits)
        .await
        .unwrap();
    let port = started
        .url
        .trim_end_matches('/')
        .rsplit_once(':')
        .unwrap()
        .1;
    let server = Server {
        process: None,
        port: port.parse().unwrap(),
    };
    let text = meeting(300);
    let begin = |name: &str| {
        let mut socket = server.socket();
        let (length, port) = (text.len(), server.port);
        let head = format!(
            "PUT /v1/uploads/{name}?bytes={length} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\
             content-length: {length}\r\n\r\n{}",
            &text[..10]
        );
        socket.write_all(head.as_bytes()).unwrap();
        socket
    };
    let status = |mut socket: TcpStream| {
        let mut status = [0; 12];
        socket.read_exact(&mut status).unwrap();
        String::from_utf8_lossy(&status[9..]).into_owned()
    };
    let began = Instant::now();
    let stopped: Vec<TcpStream> = (0..64).map(|n| begin(&format!("{n}.txt"))).collect();
    // There is room at once for whoever reads, and before long for uploads.
    assert_eq!(server.get("/v1/summaries").status, 200);
    let answers: Vec<String> = stopped.into_iter().map(status).collect();
    let dropped = answers.iter().filter(|status| *status == "408").count();
    let refused = answers.iter().filter(|status| *status == "503").count();
    // On a busy machine, one begins after another was dropped.
    assert!(
        dropped >= 24 && refused > 0 && dropped + refused == 64,
        "{answers:?}"
    );
    assert!(began.elapsed() < Duration::from_secs(20), "{began:?}");
    let sent = server.upload("after.txt", text.as_bytes(), json!({}));
    assert_eq!(sent.status, 201, "{sent:?}");
    let listed = server.get("/v1/summaries").json();
    assert_eq!(listed["summaries"].as_array().unwrap().len(), 1, "{listed}");

    // One that goes on arriving may take longer.
    let mut slow = begin("slow.txt");
    let began = Instant::now();
    for piece in text.as_bytes()[10..].chunks(text.len() / 10) {
        std::thread::sleep(Duration::from_millis(250));
        slow.write_all(piece).unwrap();
    }
    assert!(began.elapsed() > limits.upload_silence);
    assert_eq!(status(slow), "201");
}

#[test]
fn files_of_gigabytes_are_listed_without_being_read() {
    let (_held, dir) = library();
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("small.txt"), meeting(100)).unwrap();
    for n in 0..4 {
        let large = std::fs::File::create(dir.join(format!("{n}.txt"))).unwrap();
        large.set_len(4 << 30).unwrap();
    }
    let server = Server::start(&dir);
    let began = Instant::now();
    let listed = server.get("/v1/summaries").json();
    let order = server.order(&json!({"name": "0.txt", "bytes": 5}));
    order.refused(409, "is there already");
    assert!(began.elapsed() < Duration::from_secs(5), "{began:?}");
    let listed = listed["summaries"].as_array().unwrap();
    assert_eq!(listed.len(), 5);
    for one in &listed[..4] {
        assert_eq!(
            (&one["status"], &one["retryable"]),
            (&json!("failed"), &json!(false))
        );
        let error = one["error"].as_str().unwrap();
        assert!(error.contains("it has 4294967296 bytes"), "{error}");
    }
    assert_eq!(listed[4]["status"], "waiting");
}

/// A server on `dir` as a user whom files can be closed to, which they cannot to root, with its log in a file.
#[cfg(unix)]
fn start_as_nobody(dir: &Path, log: &Path) -> Server {
    use std::fs::{File, set_permissions};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    use std::os::unix::process::CommandExt;

    const NOBODY: u32 = 65_534;
    let program = env!("CARGO_BIN_EXE_transcript-summarizer");
    let outer = dir.parent().unwrap();
    let opened = File::open(program).unwrap();
    let mut command = match outer.metadata().unwrap().uid() {
        0 => {
            set_permissions(outer, PermissionsExt::from_mode(0o755)).unwrap();
            for folder in [dir.to_owned(), dir.join(".metadata")] {
                chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
            }
            // The folders around the program may be closed to others.
            let mut command = Command::new(format!("/proc/self/fd/{}", opened.as_raw_fd()));
            command.uid(NOBODY).gid(NOBODY);
            command
        }
        _ => Command::new(program),
    };
    command
        .args(["serve", "--port", "0", "--dir"])
        .arg(dir)
        .env_clear()
        .stderr(File::create(log).unwrap());
    Server::started(command)
}

#[cfg(unix)]
#[test]
fn what_cannot_be_a_transcript_stops_nothing_is_not_followed_and_told_once() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let (held, dir) = library();
    let pipe = |path: PathBuf| {
        let made = Command::new("mkfifo").arg(path).status().unwrap();
        assert!(made.success());
    };
    let close = |path: PathBuf| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o000)).unwrap();
    };
    let outside = held.path().join("outside");
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::write(outside.join("secret.txt"), meeting(100)).unwrap();
    std::fs::create_dir_all(dir.join(".metadata")).unwrap();
    for name in ["good.txt", "closed.txt", "odd.txt", "endless.txt"] {
        std::fs::write(dir.join(name), meeting(300)).unwrap();
    }
    for folder in ["folder.txt", "closed"] {
        std::fs::create_dir(dir.join(folder)).unwrap();
        std::fs::write(dir.join(folder).join("inner.txt"), meeting(100)).unwrap();
    }
    close(dir.join("closed.txt"));
    close(dir.join("closed"));
    pipe(dir.join("pipe.txt"));
    // What the store keeps beside its objects may be anything too.
    pipe(dir.join(".metadata/odd.txt.json"));
    symlink("/dev/zero", dir.join(".metadata/endless.txt.json")).unwrap();
    symlink(outside.join("made"), dir.join(".metadata/.claim")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dir.join("socket.txt")).unwrap();
    for (target, link) in [
        (Path::new("/dev/zero"), "device.txt"),
        (Path::new("loop.txt"), "loop.txt"),
        (Path::new("missing.txt"), "broken.txt"),
        (Path::new("."), "round"),
        (&outside.join("secret.txt"), "secret.txt"),
        (&outside, "away"),
    ] {
        symlink(target, dir.join(link)).unwrap();
    }

    let log = held.path().join("log");
    let server = start_as_nobody(&dir, &log);
    let began = Instant::now();
    for _ in 0..3 {
        let listed = server.get("/v1/summaries").json();
        let keys = listed["summaries"].as_array().unwrap().iter();
        let keys: Vec<&Value> = keys.map(|one| &one["key"]).collect();
        assert_eq!(keys, ["folder.txt/inner.txt", "good.txt"]);
    }
    for key in ["pipe.txt", "socket.txt", "folder.txt", "broken.txt"] {
        let look = server.get(&format!("/v1/summaries?key={key}"));
        look.refused(404, "no transcript");
    }
    for (key, words) in [
        ("closed.txt", "owner or mode"),
        ("odd.txt", "is not a file"),
        ("endless.txt", "leads out"),
        ("device.txt", "leads out"),
        ("secret.txt", "leads out"),
        ("away/secret.txt", "leads out"),
        ("loop.txt", "the file system refuses it"),
    ] {
        for line in ["GET", "POST"] {
            let line = format!("{line} /v1/summaries?key={key}");
            server.ask_with(&line, &[], b"").refused(500, words);
        }
    }
    for name in [
        "pipe.txt",
        "socket.txt",
        "folder.txt",
        "broken.txt",
        "loop.txt",
    ] {
        let order = server.order(&json!({"name": name, "bytes": 5}));
        order.refused(409, "is there already");
    }
    assert!(began.elapsed() < Duration::from_secs(30), "{began:?}");
    server.ask_with("POST /v1/summaries?key=good.txt", &[], b"");
    server.wait_for("good.txt", "done");
    drop(server);
    std::fs::set_permissions(dir.join("closed"), PermissionsExt::from_mode(0o755)).unwrap();

    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
    let log = std::fs::read_to_string(log).unwrap();
    for entry in [
        "closed",
        "closed.txt",
        "odd.txt",
        "endless.txt",
        "folder.txt",
        "pipe.txt",
        "socket.txt",
        "device.txt",
        "loop.txt",
        "broken.txt",
        "round",
        "secret.txt",
        "away",
    ] {
        let told = log.lines().filter(|line| {
            let end = format!("{entry}\"");
            line.contains("left out")
                && (line.contains(&format!("\"{end}")) || line.contains(&format!("/{end}")))
        });
        assert_eq!(told.count(), 1, "{entry}: {log}");
    }
}

#[test]
fn a_second_server_on_a_directory_says_that_there_is_another() {
    let (_held, dir) = library();
    let second = || {
        let mut process = Command::new(env!("CARGO_BIN_EXE_transcript-summarizer"))
            .args(["serve", "--port", "0", "--dir"])
            .arg(&dir)
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        process.kill().unwrap();
        let told = process.wait_with_output().unwrap().stderr;
        String::from_utf8(told).unwrap()
    };
    assert_eq!(second(), "");
    let _first = Server::start(&dir);
    let told = second();
    assert!(
        told.contains("another server works on this directory"),
        "{told}"
    );
}
