//! Every sample payload in `events/` is interpreted as its sender intends.

use std::path::Path;

use serde_json::{Value, json};
use transcript_summarizer::job::Upload;
use transcript_summarizer::store::Location;
use transcript_summarizer::trigger::{Delivery, Event, EventError, HttpRequest};

fn sample(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("events")
        .join(name);
    serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap()
}

fn events(payload: &Value) -> Vec<Event> {
    let delivery = Delivery::read(payload).unwrap();
    let items = delivery.items.into_iter();
    items.flat_map(|item| item.events.unwrap()).collect()
}

fn uploads(name: &str) -> Vec<Upload> {
    let events = events(&sample(name)).into_iter();
    let uploads = events.filter_map(|event| match event {
        Event::Upload(upload) => Some(upload),
        Event::Transcription { .. } | Event::Other { .. } => None,
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
fn a_request_to_a_function_url() {
    let mut payload = sample("function-url.json");
    let request = HttpRequest::read(&payload).unwrap();
    let asked = (request.method, request.path, request.query);
    let query = "key=uploads%2Fharbor-line-review.txt";
    assert_eq!(asked, ("GET", "/v1/summaries", query));
    assert!(request.header("authorization").is_some() && request.body().is_empty());
    assert!(request.host.ends_with(".on.aws"));
    payload["body"] = json!("e30=");
    payload["isBase64Encoded"] = json!(true);
    assert_eq!(HttpRequest::read(&payload).unwrap().body(), b"{}");
    let refused = HttpRequest::read(&sample("s3-put.json")).unwrap_err();
    assert!(
        refused.to_string().contains("requestContext.http.method"),
        "{refused}"
    );
    // A function without the API has no use for it.
    let refused = Delivery::read(&payload).unwrap_err();
    assert!(matches!(refused, EventError::Unknown { .. }), "{refused}");
}

#[test]
fn tasks_of_batch_operations() {
    for name in ["s3-batch.json", "s3-batch-v2.json"] {
        let expected = Location::new("transcripts", "meetings/harbor-line-review.txt");
        assert_eq!(uploads(name)[0].at, expected, "{name}");
    }
}

#[test]
fn a_transcription_that_has_ended() {
    let mut payload = sample("eventbridge-transcription.json");
    let name = "transcript-summarizer-8d0e7a52f3c94b6a9e21d7c05b3f4a16".to_owned();
    assert_eq!(events(&payload), [Event::Transcription { name }]);
    payload["detail"]["TranscriptionJobStatus"] = json!("IN_PROGRESS");
    assert!(matches!(&events(&payload)[..], [Event::Other { .. }]));
    payload["detail"]["TranscriptionJobName"] = json!("");
    let items = Delivery::read(&payload).unwrap_err();
    assert!(
        items.to_string().contains("detail.TranscriptionJobName"),
        "{items}"
    );
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
        let delivery = Delivery::read(&sample(name)).unwrap();
        assert!(
            delivery.items.len() == 1 && !delivery.items[0].id.is_empty(),
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
fn recognizes_events_that_need_no_work() {
    for name in [
        "s3-test-event.json",
        "s3-removed.json",
        "eventbridge-other.json",
    ] {
        let events = events(&sample(name));
        let needs_no_work = |event: &Event| matches!(event, Event::Other { .. });
        assert!(
            !events.is_empty() && events.iter().all(needs_no_work),
            "{name}"
        );
    }
}

#[test]
fn test_events_arrive_through_queues_too() {
    let body = sample("s3-test-event.json").to_string();
    let event = json!({"Records": [{"messageId": "1", "eventSource": "aws:sqs", "body": body}]});
    assert!(matches!(events(&event)[..], [Event::Other { .. }]));
}

#[test]
fn events_with_less_and_with_more_than_usual_pass() {
    let trimmed = json!({"Records": [{"eventVersion": "2.9", "eventSource": "aws:s3", "eventName": "s3:ObjectCreated:Copy",
        "s3": {"bucket": {"name": "b"}, "object": {"key": "a%2Fb.txt", "versionId": "null", "future": {}}}, "new": 1}]});
    let [Event::Upload(upload)] = &events(&trimmed)[..] else {
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
        let error = Delivery::read(&payload).unwrap_err().to_string();
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
        let error = Delivery::read(&payload).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn what_an_event_names_is_short_wherever_it_is_shown() {
    let long = "k".repeat(6_000_000);
    let mut s3 = sample("s3-put.json");
    s3["Records"][0]["s3"]["object"]["key"] = json!(long);
    let mut name = sample("s3-put.json");
    name["Records"][0]["eventName"] = json!(long);
    let mut bridge = sample("eventbridge-object-created.json");
    bridge["detail"]["object"]["key"] = json!(long);
    let mut kind = sample("eventbridge-other.json");
    kind["detail-type"] = json!(long);
    let mut batch = sample("s3-batch.json");
    batch["tasks"][0]["s3Key"] = json!(long);
    let mut queue = sample("sqs-s3.json");
    queue["Records"][0]["messageId"] = json!(long);
    for payload in [s3, name, bridge, kind, batch, queue, json!({long: 1})] {
        let told = format!("{:?}", Delivery::read(&payload));
        assert!(told.len() < 2000, "{}", &told[..2000]);
    }
}

#[test]
fn a_message_that_cannot_be_read_does_not_fail_the_others() {
    let good = sample("s3-put.json").to_string();
    let message =
        |id: &str, body: &str| json!({"messageId": id, "eventSource": "aws:sqs", "body": body});
    let event = json!({"Records": [message("bad", "not json"), message("good", &good)]});
    let items = Delivery::read(&event).unwrap().items;
    assert!(matches!(items[0].events, Err(EventError::NotJson { .. })));
    assert!(items[1].events.is_ok());
    let nameless = json!({"Records": [{"eventSource": "aws:sqs", "body": good}]});
    assert!(
        Delivery::read(&nameless)
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
    assert_eq!(Delivery::read(&payload).unwrap_err(), EventError::TooDeep);
}
