//! Any invocation payload → uploads, and the answer that its sender expects. Pure.
//!
//! The structs of aws_lambda_events demand fields that real events leave out, so payloads are read tolerantly: unknown
//! fields and newer versions pass, only what is needed must be there (shapes and traps: WIRE.md, section 6).

mod batch;
mod filter;
mod key;

use serde_json::Value;

use crate::store::Location;

pub use batch::{Batch, Task, TaskResult};
pub use filter::{Filter, Skip};

/// Envelopes inside envelopes: a queue that is fed by a topic that is fed by a bucket has three.
const MAX_DEPTH: usize = 5;

/// An object that was uploaded, as far as its event tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Where it is.
    pub at: Location,
    /// Another reading of its key, to try if nothing is at the first.
    pub other_key: Option<String>,
    /// Entity tag, without quotes.
    pub etag: Option<String>,
    /// Version, in buckets that keep them.
    pub version_id: Option<String>,
    /// Length in bytes.
    pub size: Option<u64>,
    /// Orders the events of one key: compare as text, the shorter padded with zeros on the right.
    pub sequencer: Option<String>,
}

impl Upload {
    /// Whether it was told of by an event about this very state of the object, not named by a person.
    #[must_use]
    pub fn is_announced(&self) -> bool {
        self.etag.is_some() || self.version_id.is_some() || self.sequencer.is_some()
    }
}

/// What a payload holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invocation {
    /// Messages of a queue; each succeeds or fails by itself.
    Queue(Vec<Message>),
    /// Tasks of S3 Batch Operations; each has a result of its own.
    Batch(Batch),
    /// Anything else: one success or failure for all.
    Direct(Vec<Record>),
}

/// A message of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Names it in the answer.
    pub id: String,
    /// What it holds, or why that can't be read.
    pub records: Result<Vec<Record>, EventError>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// An object was created.
    Upload(Upload),
    /// Something that needs no work: the test event of a new notification, a deletion.
    Other {
        /// What it is, for logs.
        what: String,
    },
}

/// A payload that can't be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// No known shape.
    #[error(
        "unknown payload: {seen}. Expected an S3 notification (Records with eventSource aws:s3), the same in SQS or SNS, or \
         an EventBridge \"Object Created\" event, or an invocation by S3 Batch Operations"
    )]
    Unknown {
        /// Its shape in short, without its values.
        seen: String,
    },
    /// A field is missing or wrong.
    #[error("{what} is missing or not {expected} in a record of {source_name}")]
    Field {
        /// Path of the field.
        what: &'static str,
        /// What it should be.
        expected: &'static str,
        /// Where the record comes from.
        source_name: &'static str,
    },
    /// A key that is not form-encoded UTF-8.
    #[error("the object key {key:?} is not valid form-encoded UTF-8")]
    Key {
        /// As it stands in the event.
        key: String,
    },
    /// A message body that is no JSON.
    #[error("the {what} is not JSON: {reason}")]
    NotJson {
        /// Which body.
        what: &'static str,
        /// The parser's words.
        reason: String,
    },
    /// Envelopes without end.
    #[error("more than {MAX_DEPTH} envelopes inside each other")]
    TooDeep,
}

/// Reads a payload.
///
/// # Errors
/// If its shape is unknown, or a record of a direct invocation can't be read. A message of a queue that can't be read is
/// no error here: it carries its own.
pub fn parse(payload: &Value) -> Result<Invocation, EventError> {
    if let Some(messages) = sqs_messages(payload) {
        return messages.map(Invocation::Queue);
    }
    if let Some(batch) = Batch::parse(payload) {
        return batch.map(Invocation::Batch);
    }
    records(payload, 0).map(Invocation::Direct)
}

/// The messages, if this is an event of a queue.
fn sqs_messages(payload: &Value) -> Option<Result<Vec<Message>, EventError>> {
    let list = payload.get("Records")?.as_array()?;
    if text(list.first()?, "eventSource") != Some("aws:sqs") {
        return None;
    }
    Some(list.iter().map(message).collect())
}

fn message(record: &Value) -> Result<Message, EventError> {
    let missing = |what, expected| EventError::Field {
        what,
        expected,
        source_name: "SQS",
    };
    // Without an id no failure of it could be reported: the whole batch has to fail.
    let id = text(record, "messageId")
        .filter(|id| !id.is_empty())
        .ok_or(missing("messageId", "a string"))?;
    let records = match text(record, "body") {
        Some(body) => envelope(body, "body of an SQS message", 1),
        None => Err(missing("body", "a string")),
    };
    Ok(Message {
        id: id.to_owned(),
        records,
    })
}

fn envelope(body: &str, what: &'static str, depth: usize) -> Result<Vec<Record>, EventError> {
    let inner: Value = serde_json::from_str(body).map_err(|error| EventError::NotJson {
        what,
        reason: error.to_string(),
    })?;
    records(&inner, depth)
}

/// The records of a payload that is not a queue's.
fn records(payload: &Value, depth: usize) -> Result<Vec<Record>, EventError> {
    if depth > MAX_DEPTH {
        return Err(EventError::TooDeep);
    }
    if text(payload, "Event") == Some("s3:TestEvent") {
        return Ok(vec![Record::Other {
            what: "s3:TestEvent".to_owned(),
        }]);
    }
    if let (Some(kind), Some(source)) = (text(payload, "detail-type"), text(payload, "source")) {
        return event_bridge(payload, kind, source).map(|record| vec![record]);
    }
    if text(payload, "Type") == Some("Notification")
        && let Some(body) = text(payload, "Message")
    {
        return envelope(body, "Message of an SNS notification", depth + 1);
    }
    let Some(list) = payload.get("Records").and_then(Value::as_array) else {
        return Err(EventError::Unknown {
            seen: shape(payload),
        });
    };
    let mut found = Vec::new();
    for record in list {
        match (text(record, "eventSource"), text(record, "EventSource")) {
            (Some("aws:s3" | "minio:s3"), _) => found.push(s3(record)?),
            (_, Some("aws:sns")) => {
                let body = record
                    .pointer("/Sns/Message")
                    .and_then(Value::as_str)
                    .ok_or(EventError::Field {
                        what: "Sns.Message",
                        expected: "a string",
                        source_name: "SNS",
                    })?;
                found.extend(envelope(body, "Message of an SNS record", depth + 1)?);
            }
            _ => {
                return Err(EventError::Unknown {
                    seen: shape(record),
                });
            }
        }
    }
    Ok(found)
}

/// A record of an S3 notification. Its key is form-encoded: `+` is a blank, then percent-encoding.
fn s3(record: &Value) -> Result<Record, EventError> {
    let missing = |what, expected| EventError::Field {
        what,
        expected,
        source_name: "S3",
    };
    let name = text(record, "eventName").ok_or(missing("eventName", "a string"))?;
    if !name.trim_start_matches("s3:").starts_with("ObjectCreated:") {
        return Ok(Record::Other {
            what: name.to_owned(),
        });
    }
    let bucket = record.pointer("/s3/bucket/name").and_then(Value::as_str);
    let object = record.pointer("/s3/object").unwrap_or(&Value::Null);
    let raw = text(object, "key").ok_or(missing("s3.object.key", "a string"))?;
    let key = key::decode(raw).ok_or_else(|| EventError::Key {
        key: raw.to_owned(),
    })?;
    Ok(Record::Upload(Upload {
        at: Location::new(bucket.ok_or(missing("s3.bucket.name", "a string"))?, key),
        other_key: None,
        etag: text(object, "eTag").map(unquoted),
        version_id: version(text(object, "versionId")),
        size: object.get("size").and_then(Value::as_u64),
        sequencer: text(object, "sequencer").map(str::to_owned),
    }))
}

/// An EventBridge event. Its key is not encoded; senders that encode it all the same are met by a second reading.
fn event_bridge(payload: &Value, kind: &str, source: &str) -> Result<Record, EventError> {
    if source != "aws.s3" || kind != "Object Created" {
        return Ok(Record::Other {
            what: format!("{source}: {kind}"),
        });
    }
    let missing = |what, expected| EventError::Field {
        what,
        expected,
        source_name: "EventBridge",
    };
    let detail = payload.get("detail").unwrap_or(&Value::Null);
    let bucket = detail.pointer("/bucket/name").and_then(Value::as_str);
    let object = detail.get("object").unwrap_or(&Value::Null);
    let raw = text(object, "key").ok_or(missing("detail.object.key", "a string"))?;
    Ok(Record::Upload(Upload {
        at: Location::new(
            bucket.ok_or(missing("detail.bucket.name", "a string"))?,
            raw,
        ),
        other_key: key::decode(raw).filter(|decoded| decoded != raw),
        etag: text(object, "etag").map(unquoted),
        version_id: version(text(object, "version-id")),
        size: object.get("size").and_then(Value::as_u64),
        sequencer: text(object, "sequencer").map(str::to_owned),
    }))
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str)
}

fn unquoted(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
}

/// Objects from before a bucket kept versions have the version `null`.
fn version(id: Option<&str>) -> Option<String> {
    id.filter(|id| !id.is_empty() && *id != "null")
        .map(str::to_owned)
}

/// The names of a payload's fields: enough to see what was sent, nothing of what it says.
fn shape(value: &Value) -> String {
    match value {
        Value::Object(fields) if fields.is_empty() => "an empty object".to_owned(),
        Value::Object(fields) => {
            let names: Vec<&str> = fields.keys().take(8).map(String::as_str).collect();
            format!(
                "an object with {}{}",
                names.join(", "),
                if fields.len() > 8 { ", …" } else { "" }
            )
        }
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::String(_) => "a string".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Number(_) | Value::Bool(_) => "a number or boolean".to_owned(),
    }
}
