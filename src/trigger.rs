//! Parses invocation payloads into uploads and builds the response that the sender expects. Pure.
//!
//! Each submodule handles one event source. Payloads are parsed leniently, because real events lack fields that the structs
//! of `aws_lambda_events` require: unknown fields and newer versions are accepted, and only the fields used here must be
//! present. Envelopes may be nested: an S3 event sent through SNS to SQS has three layers.

mod batch;
mod eventbridge;
mod function_url;
mod key;
mod s3;
mod sns;
mod sqs;

use serde::Serialize;
use serde_json::Value;

use crate::job::{JobError, Outcome, Status, Upload};
use crate::store::Location;

pub use function_url::HttpRequest;

/// Maximum length in bytes of what an event names: a key has 1,024 bytes, and up to three times as many if it is encoded. It is
/// in logs, metrics and answers.
const MAX_NAME: usize = 4096;

/// Maximum length of the name of a field in the description of an unknown payload.
const MAX_SHOWN: usize = 64;

/// Maximum depth of nested envelopes.
const MAX_DEPTH: usize = 5;

/// The events that a source finds in a payload; `None` if the payload is from another source.
type Reading = Option<Result<Vec<Event>, EventError>>;

/// The sources that may be nested in an envelope. `usize` is the number of envelopes around the payload.
const SOURCES: [fn(&Value, usize) -> Reading; 5] = [
    s3::test_event,
    eventbridge::read,
    sns::read_envelope,
    sns::read,
    s3::read,
];

/// An event from any source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An object was created.
    Upload(Upload),
    /// A transcription of a recording has ended.
    Transcription {
        /// Its name.
        name: String,
    },
    /// An event that needs no work, such as a deletion or the test event of a new notification.
    Other {
        /// Description for logs.
        what: String,
    },
}

/// The unit that the sender expects a result for: a message, a task, or the whole payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its id in the response.
    pub id: String,
    /// Its events, or the reason they cannot be parsed.
    pub events: Result<Vec<Event>, EventError>,
}

/// The contents of one invocation.
#[derive(Debug)]
pub struct Delivery {
    /// All items in order. Each succeeds or fails on its own.
    pub items: Vec<Item>,
    sender: Sender,
}

/// The sender of an invocation, which determines the form of the response.
#[derive(Debug)]
enum Sender {
    /// A direct invocation, which succeeds or fails as a whole. After a failure Lambda retries it, and the job resumes.
    Direct,
    Queue,
    Batch(batch::Invocation),
}

/// The result of one item. If uploads of the item fail, this is the first failure, even if it passes by itself.
pub type ItemResult = Result<Vec<Handled>, InvocationError>;

/// The outcome of an upload that was handled without a failure, as in the response to a direct invocation.
#[derive(Debug, Serialize)]
pub struct Handled {
    #[serde(flatten)]
    at: Location,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<usize>,
}

/// The reason an invocation or one of its items failed.
#[derive(Debug, thiserror::Error)]
pub enum InvocationError {
    /// The payload cannot be parsed.
    #[error(transparent)]
    Event(#[from] EventError),
    /// An upload could not be summarized.
    #[error("could not summarize {at}")]
    Job {
        /// The uploaded object.
        at: Location,
        /// The reason.
        source: Box<JobError>,
    },
    /// The response cannot be serialized as JSON.
    #[error("could not serialize the response as JSON")]
    Answer(#[from] serde_json::Error),
}

/// A payload that cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The shape is unknown.
    #[error(
        "unknown payload: {seen}. Expected an S3 notification (Records with eventSource aws:s3), the same in SQS or SNS, or \
         an EventBridge \"Object Created\" event, or an invocation by S3 Batch Operations"
    )]
    Unknown {
        /// Summary of its shape, without values.
        seen: String,
    },
    /// A required field is missing, empty, too long or not a string.
    #[error("{field} is missing, empty, too long or not a string in a record of {source_name}")]
    Field {
        /// Path of the field.
        field: String,
        /// The source of the record.
        source_name: &'static str,
    },
    /// An object key is not form-encoded UTF-8.
    #[error("the object key {key:?} is not valid form-encoded UTF-8")]
    Key {
        /// The key as it appears in the event.
        key: String,
    },
    /// A message body is not JSON.
    #[error("the {body} is not JSON: {reason}")]
    NotJson {
        /// The body.
        body: &'static str,
        /// The parser's message.
        reason: String,
    },
    /// Too many nested envelopes.
    #[error("more than {MAX_DEPTH} nested envelopes")]
    TooDeep,
}

impl Delivery {
    /// Parses a payload.
    ///
    /// # Errors
    /// If the shape is unknown or items lack an id. An item that cannot be parsed is no error here; it holds its own error.
    pub fn read(payload: &Value) -> Result<Self, EventError> {
        let delivered = sqs::read(payload).or_else(|| batch::read(payload));
        delivered.unwrap_or_else(|| {
            let item = Item {
                id: String::new(),
                events: Ok(events(payload, 0)?),
            };
            Ok(Self {
                items: vec![item],
                sender: Sender::Direct,
            })
        })
    }

    /// Whether the sender keeps what was not finished and delivers it again, for days.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        matches!(self.sender, Sender::Queue)
    }

    /// Builds the response from the results of the items, in order.
    ///
    /// # Errors
    /// If the whole invocation has to fail.
    pub fn answer(&self, results: Vec<ItemResult>) -> Result<Value, InvocationError> {
        match &self.sender {
            Sender::Direct => answer(results),
            Sender::Queue => Ok(sqs::answer(&self.items, &results)?),
            Sender::Batch(invocation) => Ok(invocation.answer(&self.items, results)),
        }
    }
}

/// The response to a direct invocation.
fn answer(results: Vec<ItemResult>) -> Result<Value, InvocationError> {
    let handled = results.into_iter().collect::<Result<Vec<_>, _>>()?;
    let outcomes: Vec<Handled> = handled.into_iter().flatten().collect();
    Ok(serde_json::json!({ "outcomes": serde_json::to_value(outcomes)? }))
}

impl Handled {
    /// The `outcome` of the upload of the object at `at`.
    pub(crate) fn new(at: Location, outcome: Outcome) -> Self {
        let ended = Ok(outcome);
        let status = Status::of(&ended);
        let (summary_key, words) = match ended {
            Ok(Outcome::Done(done)) => (Some(done.summary.key), Some(done.report.summary.words)),
            Ok(Outcome::Duplicate { summary, .. }) => (Some(summary.key), None),
            _ => (None, None),
        };
        Self {
            at,
            status,
            summary_key,
            words,
        }
    }
}

impl InvocationError {
    /// A stable name for the kind of error, used as the `errorType` of a failed invocation.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Event(_) => "EventError",
            Self::Job { source, .. } => source.kind(),
            Self::Answer(_) => "InternalError",
        }
    }

    /// Whether a retry may succeed without anyone's help.
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self, Self::Job { source, .. } if source.passes())
    }
}

/// The events of a payload that is nested in `depth` envelopes.
fn events(payload: &Value, depth: usize) -> Result<Vec<Event>, EventError> {
    if depth > MAX_DEPTH {
        return Err(EventError::TooDeep);
    }
    let read = SOURCES.iter().find_map(|source| source(payload, depth));
    read.unwrap_or_else(|| Err(unknown(payload)))
}

/// The events of a message body.
fn events_in(body: &str, name: &'static str, depth: usize) -> Result<Vec<Event>, EventError> {
    let inner: Value = serde_json::from_str(body).map_err(|error| EventError::NotJson {
        body: name,
        reason: error.to_string(),
    })?;
    events(&inner, depth)
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str)
}

/// The name at the JSON pointer `pointer` in a record of the source `source_name`.
fn required<'r>(
    record: &'r Value,
    pointer: &str,
    source_name: &'static str,
) -> Result<&'r str, EventError> {
    let name = body(record, pointer, source_name)?;
    short(Some(name)).ok_or_else(|| unusable(pointer, source_name))
}

/// The text at the JSON pointer `pointer` in a record of the source `source_name`, which must not be empty.
fn body<'r>(
    record: &'r Value,
    pointer: &str,
    source_name: &'static str,
) -> Result<&'r str, EventError> {
    let text = record.pointer(pointer).and_then(Value::as_str);
    let text = text.filter(|text| !text.is_empty());
    text.ok_or_else(|| unusable(pointer, source_name))
}

fn unusable(pointer: &str, source_name: &'static str) -> EventError {
    EventError::Field {
        field: pointer.trim_start_matches('/').replace('/', "."),
        source_name,
    }
}

/// The upload of the object at `at`, as described by an S3 notification or an EventBridge event, which spell two fields
/// differently.
fn described(at: Location, object: &Value) -> Upload {
    let either = |one, other| short(text(object, one).or(text(object, other)));
    Upload {
        etag: either("eTag", "etag").map(|etag| etag.trim_matches('"').to_owned()),
        version_id: version(either("versionId", "version-id")),
        size: object.get("size").and_then(Value::as_u64),
        sequencer: short(text(object, "sequencer")).map(str::to_owned),
        ..Upload::named(at)
    }
}

/// What may be kept and logged.
fn short(text: Option<&str>) -> Option<&str> {
    text.filter(|text| text.len() <= MAX_NAME)
}

/// A version id; `None` for `null`, the id of objects stored before the bucket was versioned.
fn version(id: Option<&str>) -> Option<String> {
    id.filter(|id| !matches!(*id, "" | "null"))
        .map(str::to_owned)
}

/// The records of a payload, if there are none or the first satisfies `is_ours`.
fn records(payload: &Value, is_ours: fn(&Value) -> bool) -> Option<&Vec<Value>> {
    let records = payload.get("Records")?.as_array()?;
    records.first().is_none_or(is_ours).then_some(records)
}

/// The error for a payload of unknown shape. It names the payload's fields but none of its values.
fn unknown(value: &Value) -> EventError {
    let seen = match value {
        Value::Object(fields) if fields.is_empty() => "an empty object".to_owned(),
        Value::Object(fields) => {
            let shown = |name: &'_ String| {
                name.split_at(name.floor_char_boundary(MAX_SHOWN))
                    .0
                    .to_owned()
            };
            let names: Vec<String> = fields.keys().take(8).map(shown).collect();
            let more = if fields.len() > 8 { ", …" } else { "" };
            format!("an object with {}{more}", names.join(", "))
        }
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::String(_) => "a string".to_owned(),
        Value::Null => "null".to_owned(),
        Value::Number(_) | Value::Bool(_) => "a number or boolean".to_owned(),
    };
    EventError::Unknown { seen }
}
