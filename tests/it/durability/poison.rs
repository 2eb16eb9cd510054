//! Uploads that are not transcripts, or are malformed: each ends with a defined outcome, and none crashes the program.

use serde_json::{Value, json};
use transcript_summarizer::lambda;

use crate::support::faulty::canary;
use crate::support::faulty::disk::BUCKET;
use crate::support::faulty::process::Fate;
use crate::support::faulty::scene::{SYNC, Scene, meeting, simulate};

/// Delivers one upload as a queue message. Returns whether the message is acknowledged, and the summary and error report
/// found in the bucket afterwards.
fn delivered(key: &str, encoded: &str, content: Vec<u8>) -> (bool, Option<String>, Option<Value>) {
    simulate(async {
        let scene = Scene::new(SYNC);
        let upload = scene.disk().upload(key, content);
        let record = json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {
            "bucket": {"name": BUCKET},
            "object": {"key": encoded, "eTag": upload.etag, "size": upload.size, "sequencer": upload.sequencer},
        }}]});
        let payload = json!({"Records": [{"messageId": "m", "eventSource": "aws:sqs", "body": record.to_string()}]});
        let process = scene.process(Fate::Lives);
        let app = scene.app(&process);
        let answer = lambda::answer(&app, payload, &scene.endless())
            .await
            .unwrap();
        let acknowledged = answer["batchItemFailures"].as_array().unwrap().is_empty();
        let error = format!("summaries/{key}_error.json");
        let error = scene
            .disk()
            .read(&error)
            .map(|text| serde_json::from_str(&text).unwrap());
        (
            acknowledged,
            scene.disk().read(&format!("summaries/{key}_summary.txt")),
            error,
        )
    })
}

#[test]
fn uploads_that_are_not_text_are_recorded_and_acknowledged() {
    let gzip = [b"\x1f\x8b\x08\0".as_slice(), &[7; 3000]].concat();
    let nul = meeting("depot").replace("week", "w\0\0k\0").into_bytes();
    let binary: Vec<u8> = (0..20_000_u32).map(|i| ((i * i) >> 3) as u8).collect();
    let cases = [
        ("empty", Vec::new(), "NotText"),
        ("blank", b" \n\t \n".to_vec(), "NotText"),
        ("gzip", gzip, "NotText"),
        ("binary", binary, "NotText"),
        ("NUL", nul, "NotText"),
        ("large", vec![b'a'; 4_000_001], "TooLarge"),
    ];
    for (name, content, kind) in cases {
        let (acknowledged, summary, error) = delivered("poison.txt", "poison.txt", content);
        let error = error.unwrap_or_else(|| panic!("{name}: no error report"));
        assert!(acknowledged && summary.is_none(), "{name}: {error}");
        assert_eq!(
            (&error["kind"], &error["retryable"]),
            (&kind.into(), &false.into()),
            "{name}: {error}"
        );
        assert!(!error["next_step"].as_str().unwrap().is_empty());
    }
    canary::lines();
}

#[test]
fn what_is_text_of_another_kind_is_summarized() {
    let utf16: Vec<u8> = std::iter::once(0xfeff_u16)
        .chain(meeting("depot").encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let mut invalid = meeting("depot").into_bytes();
    invalid[900] = 0xe9;
    let line = meeting("depot").replace('\n', " ").repeat(110);
    assert!(
        line.len() > 3_000_000 && line.len() < 4_000_000,
        "{}",
        line.len()
    );
    let cases = [
        ("UTF-16", utf16),
        ("invalid UTF-8", invalid),
        ("one line of 3 MB", line.into_bytes()),
    ];
    for (name, content) in cases {
        let (acknowledged, summary, error) = delivered("strange.txt", "strange.txt", content);
        assert!(acknowledged && error.is_none(), "{name}: {error:?}");
        assert!(summary.is_some_and(|text| text.len() > 1000), "{name}");
    }
    canary::lines();
}

#[test]
fn keys_with_signs_in_them_are_found_and_kept() {
    for (key, encoded) in [
        ("a b+c/100%.txt", "a+b%2Bc/100%25.txt"),
        ("é/ü %20.txt", "%C3%A9/%C3%BC+%2520.txt"),
    ] {
        let (acknowledged, summary, error) = delivered(key, encoded, meeting("depot").into_bytes());
        assert!(
            acknowledged && summary.is_some() && error.is_none(),
            "{key}: {error:?}"
        );
    }
}
