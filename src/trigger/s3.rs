//! S3 event notifications. Keys are form-encoded: `+` for a space, then percent-encoding. S3-compatible stores may use
//! another `eventSource` (`minio:s3`) and prefix the event name with `s3:`.

use serde_json::Value;

use crate::job::Upload;
use crate::store::Location;
use crate::trigger::{Event, EventError, Reading, etag, key, records, text, unknown, version};

/// Parses the test event that S3 sends when notifications are configured.
pub(crate) fn test_event(payload: &Value, _: usize) -> Reading {
    const NAME: &str = "s3:TestEvent";
    let what = text(payload, "Event").filter(|event| *event == NAME)?;
    Some(Ok(vec![Event::Other {
        what: what.to_owned(),
    }]))
}

/// Parses the records of a notification.
pub(crate) fn read(payload: &Value, _: usize) -> Reading {
    let is_ours =
        |record: &Value| matches!(text(record, "eventSource"), Some("aws:s3" | "minio:s3"));
    let read = |one: &Value| {
        if is_ours(one) {
            record(one)
        } else {
            Err(unknown(one))
        }
    };
    let records = records(payload, |_| true)?;
    Some(records.iter().map(read).collect())
}

fn record(record: &Value) -> Result<Event, EventError> {
    let missing = |field| EventError::Field {
        field,
        expected: "a string",
        source_name: "S3",
    };
    let name = text(record, "eventName").ok_or(missing("eventName"))?;
    if !name.trim_start_matches("s3:").starts_with("ObjectCreated:") {
        let what = name.to_owned();
        return Ok(Event::Other { what });
    }
    let bucket = record.pointer("/s3/bucket/name").and_then(Value::as_str);
    let object = record.pointer("/s3/object").unwrap_or(&Value::Null);
    let raw = text(object, "key").ok_or(missing("s3.object.key"))?;
    let key = key::decode(raw)?;
    Ok(Event::Upload(Upload {
        etag: etag(object, "eTag"),
        version_id: version(object, "versionId"),
        size: object.get("size").and_then(Value::as_u64),
        sequencer: text(object, "sequencer").map(str::to_owned),
        ..Upload::named(Location::new(bucket.ok_or(missing("s3.bucket.name"))?, key))
    }))
}
