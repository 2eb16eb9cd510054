//! S3 event notifications. Keys are form-encoded: `+` for a space, then percent-encoding. S3-compatible stores may use
//! another `eventSource` (`minio:s3`) and prefix the event name with `s3:`.

use serde_json::Value;

use crate::store::Location;
use crate::trigger::{
    Event, EventError, Reading, described, key, records, required, text, unknown,
};

/// Parses the test event that S3 sends when notifications are configured.
pub(crate) fn test_event(payload: &Value, _: usize) -> Reading {
    let event = text(payload, "Event").filter(|event| *event == "s3:TestEvent")?;
    let what = event.to_owned();
    Some(Ok(vec![Event::Other { what }]))
}

/// Parses the records of a notification.
pub(crate) fn read(payload: &Value, _: usize) -> Reading {
    let records = records(payload, |_| true)?;
    Some(records.iter().map(event).collect())
}

fn event(record: &Value) -> Result<Event, EventError> {
    if !matches!(text(record, "eventSource"), Some("aws:s3" | "minio:s3")) {
        return Err(unknown(record));
    }
    let required = |pointer| required(record, pointer, "S3");
    let name = required("/eventName")?;
    if !name.trim_start_matches("s3:").starts_with("ObjectCreated:") {
        let what = name.to_owned();
        return Ok(Event::Other { what });
    }
    let key = key::decode(required("/s3/object/key")?)?;
    let at = Location::new(required("/s3/bucket/name")?, key);
    let object = record.pointer("/s3/object").unwrap_or(&Value::Null);
    Ok(Event::Upload(described(at, object)))
}
