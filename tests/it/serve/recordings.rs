//! Recordings among the transcripts of a directory, with a simulated faster-whisper worker on RunPod.

use std::fs::{self, File};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::task::block_in_place;

use super::{Server, library};
use crate::recordings_on_runpod::said;
use crate::support::runpod_server::{KEY, RunPodServer};

/// An endpoint whose jobs run until they are let end.
async fn endpoint() -> RunPodServer {
    let plan = said("depot").executing_for(Duration::from_secs(3600));
    RunPodServer::start(move |_| plan.clone()).await
}

fn finish(runpod: &RunPodServer) {
    for job in runpod.jobs() {
        runpod.finish(&job.id);
    }
}

fn at_runpod(url: &str) -> [(&str, &str); 4] {
    [
        ("TRANSCRIBER", "runpod"),
        ("TRANSCRIBER_RUNPOD_ENDPOINT_URL", url),
        ("TRANSCRIBER_RUNPOD_API_KEY", KEY),
        ("SUMMARY_WORDS", "200"),
    ]
}

fn begin(server: &Server, key: &str) -> super::Answered {
    server.ask_with(&format!("POST /v1/summaries?key={key}"), &[], b"")
}

fn listed(server: &Server) -> Vec<Value> {
    let listed = server.get("/v1/summaries").json();
    let of = listed["summaries"].as_array().unwrap().iter();
    of.map(|one| json!([one["key"], one["status"]])).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recordings_are_sent_with_their_jobs_and_summarized_though_the_server_is_killed_meanwhile()
{
    let runpod = endpoint().await;
    let url = runpod.url();
    let (_dir, place) = library();
    let start = || Server::start_with(&["--dir", place.to_str().unwrap()], &at_runpod(&url));
    block_in_place(|| {
        let server = start();
        let sent = server.upload("talk.mp3", b"ID3\x03\0\0 first", json!({}));
        assert_eq!(sent.status, 201, "{sent:?}");
        // The name of its transcript would be too long for a file.
        let name = format!("calls/{}.WAV", "é".repeat(100));
        fs::create_dir(place.join("calls")).unwrap();
        fs::write(place.join(&name), b"RIFF second").unwrap();
        let key = utf8_percent_encode(&name, NON_ALPHANUMERIC).to_string();
        let waiting = server.get(&format!("/v1/summaries?key={key}")).json();
        assert_eq!(waiting["status"], "waiting");
        assert!(waiting["next_step"].as_str().unwrap().contains("POST"));
        assert_eq!(begin(&server, &key).status, 202);
        for key in ["talk.mp3", &key] {
            server.wait_for(key, "transcribing");
        }
        drop(server);
        finish(&runpod);
        let server = start();
        assert_eq!(begin(&server, &key).status, 202);
        for key in ["talk.mp3", &key] {
            let done = server.wait_for(key, "done");
            let text = server.get(done["links"]["text"].as_str().unwrap());
            assert!(text.body.contains("depot"), "{text:?}");
        }
        assert_eq!(
            listed(&server),
            [json!([name, "done"]), json!(["talk.mp3", "done"])],
        );
    });
    let mut audio: Vec<Value> = runpod
        .jobs()
        .iter()
        .map(|job| job.input().clone())
        .collect();
    audio.sort_by_key(Value::to_string);
    let sent = |bytes: &[u8]| json!({"audio_base64": STANDARD.encode(bytes), "model": "turbo", "enable_vad": true});
    assert_eq!(audio, [sent(b"ID3\x03\0\0 first"), sent(b"RIFF second")]);
    assert!(!place.join("summaries/.work").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_that_no_job_can_hold_is_rejected_with_what_can_be_done() {
    let runpod = endpoint().await;
    let url = runpod.url();
    let (_dir, place) = library();
    block_in_place(|| {
        let server = Server::start_with(&["--dir", place.to_str().unwrap()], &at_runpod(&url));
        let long = File::create(place.join("long.mp3")).unwrap();
        long.set_len((7 << 20) + 1).unwrap();
        assert_eq!(begin(&server, "long.mp3").status, 202);
        let failed = server.wait_for("long.mp3", "failed");
        let error = failed["error"].as_str().unwrap();
        for words in ["7340033 bytes, and at most 7340032", "serve --bucket NAME"] {
            assert!(error.contains(words), "{error}");
        }
        assert_eq!(failed["retryable"], false);
        assert!(place.join("summaries/long.mp3_error.json").exists());
    });
    assert_eq!(runpod.submits(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn amazon_transcribe_cannot_read_a_directory_and_the_error_says_what_can() {
    let runpod = endpoint().await;
    let url = runpod.url();
    let (_dir, place) = library();
    let directory = ["--dir", place.to_str().unwrap()];
    block_in_place(|| {
        let amazon = [("TRANSCRIBER", "amazon"), ("AWS_REGION", "eu-central-1")];
        let server = Server::start_with(&directory, &amazon);
        server.upload("talk.mp3", b"ID3\x03\0\0 first", json!({}));
        let failed = server.wait_for("talk.mp3", "failed");
        let error = failed["error"].as_str().unwrap();
        for words in ["in S3 only", "serve --bucket NAME", "TRANSCRIBER=runpod"] {
            assert!(error.contains(words), "{error}");
        }
        assert_eq!(failed["retryable"], true);
        let report = fs::read(place.join("summaries/talk.mp3_error.json")).unwrap();
        let report: Value = serde_json::from_slice(&report).unwrap();
        assert_eq!(report["message"], error);
        drop(server);
        // Started as it says, the server goes on with it.
        let server = Server::start_with(&directory, &at_runpod(&url));
        server.wait_for("talk.mp3", "transcribing");
        finish(&runpod);
        server.wait_for("talk.mp3", "done");
        assert!(!place.join("summaries/talk.mp3_error.json").exists());
    });
    assert_eq!(runpod.submits(), 1);
}

#[test]
fn without_a_transcriber_a_recording_is_refused_with_what_transcribes_it() {
    let (_dir, place) = library();
    let server = Server::start(&place);
    fs::write(place.join("there.mp4"), b"\0\0\0\x20ftypisom").unwrap();
    let refused = [
        server.order(&json!({"name": "talk.mp3", "bytes": 5})),
        server.put("/v1/uploads/talk.mp3?bytes=3", b"ID3"),
        begin(&server, "there.mp4"),
    ];
    for answered in refused {
        answered.refused(400, "is a recording, and nothing transcribes it");
        let next = answered.json()["next_step"].to_string();
        assert!(next.contains("TRANSCRIBER=runpod"), "{next}");
    }
    assert!(listed(&server).is_empty());
}
