//! Every sample payload in `events/` is understood as its sender means it.

use std::path::Path;

use serde_json::{Value, json};
use transcript_summarizer::store::Location;
use transcript_summarizer::trigger::{EventError, Invocation, Record, Upload, parse};

fn sample(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("events")
        .join(name);
    serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap()
}

fn direct(payload: &Value) -> Vec<Record> {
    match parse(payload).unwrap() {
        Invocation::Direct(records) => records,
        other => panic!("not a direct event: {other:?}"),
    }
}

/// The uploads of an event, those of a queue's messages included.
fn uploads(name: &str) -> Vec<Upload> {
    let records = match parse(&sample(name)).unwrap() {
        Invocation::Direct(records) => records,
        Invocation::Queue(messages) => messages
            .into_iter()
            .flat_map(|message| message.records.unwrap())
            .collect(),
        Invocation::Batch(batch) => batch
            .tasks
            .into_iter()
            .map(|task| Record::Upload(task.upload.unwrap()))
            .collect(),
    };
    let uploads = records.into_iter().filter_map(|record| match record {
        Record::Upload(upload) => Some(upload),
        Record::Other { .. } => None,
    });
    uploads.collect()
}

fn keys(name: &str) -> Vec<String> {
    uploads(name)
        .into_iter()
        .map(|upload| upload.at.key)
        .collect()
}

#[test]
fn tasks_of_batch_operations() {
    for name in ["s3-batch.json", "s3-batch-v2.json"] {
        let expected = Location::new("transcripts", "meetings/harbor-line-review.txt");
        assert_eq!(uploads(name)[0].at, expected, "{name}");
    }
}

#[test]
fn notifications_of_s3() {
    let uploads = uploads("s3-put.json");
    assert_eq!(uploads.len(), 1);
    let upload = &uploads[0];
    assert_eq!(
        upload.at,
        Location::new("transcripts", "meetings/harbor-line-review.txt")
    );
    assert!(upload.etag.as_ref().is_some_and(|etag| !etag.contains('"')));
    assert!(upload.size.is_some() && upload.sequencer.is_some());
    assert_eq!(keys("s3-put-special-key.json"), ["a b+(1)/é ü.txt"]);
    assert_eq!(
        keys("s3-multi.json"),
        ["team-a/notes.txt", "team-b/notes.txt"]
    );
}

#[test]
fn the_same_inside_envelopes() {
    for name in ["sqs-s3.json", "sqs-sns-s3.json", "sns-s3.json"] {
        assert_eq!(uploads(name).len(), 1, "{name}");
    }
    for name in ["sqs-s3.json", "sqs-sns-s3.json"] {
        assert!(
            matches!(parse(&sample(name)), Ok(Invocation::Queue(messages)) if messages.len() == 1),
            "{name}"
        );
    }
}

#[test]
fn event_bridge_keys_are_raw() {
    let uploads = uploads("eventbridge-object-created.json");
    assert_eq!(uploads[0].at.key, "meetings/harbor line+review.txt");
    assert_eq!(
        uploads[0].other_key.as_deref(),
        Some("meetings/harbor line review.txt")
    );
}

#[test]
fn what_needs_no_work_is_told_apart() {
    for name in [
        "s3-test-event.json",
        "s3-removed.json",
        "eventbridge-other.json",
    ] {
        let records = direct(&sample(name));
        assert!(
            !records.is_empty()
                && records
                    .iter()
                    .all(|record| matches!(record, Record::Other { .. })),
            "{name}"
        );
    }
}

#[test]
fn test_events_arrive_through_queues_too() {
    let body = sample("s3-test-event.json").to_string();
    let event = json!({"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": body}]});
    let Ok(Invocation::Queue(messages)) = parse(&event) else {
        panic!("not a queue's event")
    };
    assert!(matches!(
        messages[0].records.as_deref(),
        Ok([Record::Other { .. }])
    ));
}

#[test]
fn events_with_less_and_with_more_than_usual_pass() {
    let trimmed = json!({"Records": [{"eventVersion": "2.9", "eventSource": "aws:s3", "eventName": "s3:ObjectCreated:Copy",
        "s3": {"bucket": {"name": "b"}, "object": {"key": "a%2Fb.txt", "versionId": "null", "future": {}}}, "new": 1}]});
    let [Record::Upload(upload)] = &direct(&trimmed)[..] else {
        panic!("no upload")
    };
    assert_eq!(upload.at, Location::new("b", "a/b.txt"));
    assert_eq!(
        (&upload.version_id, &upload.etag, upload.size),
        (&None, &None, None)
    );
}

#[test]
fn unknown_payloads_say_what_was_seen() {
    for (payload, seen) in [
        (json!({}), "an empty object"),
        (
            json!({"hello": "secret words", "other": 1}),
            "an object with hello, other",
        ),
        (json!([1, 2]), "a list of 2"),
        (
            json!({"Records": [{"eventSource": "aws:dynamodb", "dynamodb": {}}]}),
            "an object with dynamodb, eventSource",
        ),
    ] {
        let error = parse(&payload).unwrap_err().to_string();
        assert!(error.contains(seen), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn broken_records_name_the_field() {
    let record = |s3: Value| json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3}]});
    for (payload, named) in [
        (
            record(json!({"bucket": {"name": "b"}, "object": {}})),
            "s3.object.key",
        ),
        (
            record(json!({"object": {"key": "k.txt"}})),
            "s3.bucket.name",
        ),
        (
            record(json!({"bucket": {"name": "b"}, "object": {"key": "%ff.txt"}})),
            "%ff.txt",
        ),
        (
            json!({"Records": [{"EventSource": "aws:sns"}]}),
            "Sns.Message",
        ),
    ] {
        let error = parse(&payload).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn a_message_that_cannot_be_read_does_not_fail_the_others() {
    let good = sample("s3-put.json").to_string();
    let message =
        |id: &str, body: &str| json!({"messageId": id, "eventSource": "aws:sqs", "body": body});
    let event = json!({"Records": [message("bad", "not json"), message("good", &good)]});
    let Ok(Invocation::Queue(messages)) = parse(&event) else {
        panic!("not a queue's event")
    };
    assert!(matches!(
        messages[0].records,
        Err(EventError::NotJson { .. })
    ));
    assert!(messages[1].records.is_ok());
    let nameless = json!({"Records": [{"eventSource": "aws:sqs", "body": good}]});
    assert!(
        parse(&nameless)
            .unwrap_err()
            .to_string()
            .contains("messageId")
    );
}

#[test]
fn endless_envelopes_end() {
    let mut body = sample("s3-put.json").to_string();
    for _ in 0..10 {
        body = json!({"Type": "Notification", "Message": body}).to_string();
    }
    let payload: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(parse(&payload), Err(EventError::TooDeep));
}
