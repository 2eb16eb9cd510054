//! EventBridge events. Their keys are not encoded, but in case a sender encodes them, the decoded key is tried second.

use serde_json::Value;

use crate::job::Upload;
use crate::store::Location;
use crate::trigger::{Event, EventError, Reading, etag, key, text, version};

/// Parses the payload as a single event.
pub(crate) fn read(payload: &Value, _: usize) -> Reading {
    let (kind, source) = (text(payload, "detail-type")?, text(payload, "source")?);
    if source != "aws.s3" || kind != "Object Created" {
        let what = format!("{source}: {kind}");
        return Some(Ok(vec![Event::Other { what }]));
    }
    let detail = payload.get("detail").unwrap_or(&Value::Null);
    Some(upload(detail).map(|upload| vec![Event::Upload(upload)]))
}

fn upload(detail: &Value) -> Result<Upload, EventError> {
    let missing = |field| EventError::Field {
        field,
        expected: "a string",
        source_name: "EventBridge",
    };
    let bucket = detail.pointer("/bucket/name").and_then(Value::as_str);
    let bucket = bucket.ok_or(missing("detail.bucket.name"))?;
    let object = detail.get("object").unwrap_or(&Value::Null);
    let raw = text(object, "key").ok_or(missing("detail.object.key"))?;
    Ok(Upload {
        other_key: key::decode(raw).ok().filter(|decoded| decoded != raw),
        etag: etag(object, "etag"),
        version_id: version(object, "version-id"),
        size: object.get("size").and_then(Value::as_u64),
        sequencer: text(object, "sequencer").map(str::to_owned),
        ..Upload::named(Location::new(bucket, raw))
    })
}
