//! Reads any invocation payload as uploads, and gives the answer that its sender expects. Pure.
//!
//! Each file reads one source. The structs of `aws_lambda_events` demand fields that real events leave out, so payloads are
//! read tolerantly: unknown fields and newer versions pass, only what is needed must be there. Envelopes may be nested: a
//! queue fed by a topic that is fed by a bucket has three.

mod batch;
mod eventbridge;
mod key;
mod s3;
mod sns;
mod sqs;

use std::fmt::Debug;

use serde::Serialize;
use serde_json::Value;

use crate::job::{JobError, Outcome, Status, Upload};
use crate::store::Location;

/// Envelopes inside each other at most.
const MAX_DEPTH: usize = 5;

/// What a source makes of a payload; `None` if the payload is not its own.
type Reading = Option<Result<Vec<Event>, EventError>>;

/// The sources of events that are delivered by themselves or in an envelope. `usize` is the number of envelopes so far.
const SOURCES: [fn(&Value, usize) -> Reading; 5] = [
    s3::test_event,
    eventbridge::read,
    sns::read_envelope,
    sns::read,
    s3::read,
];

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// An object was created.
    Upload(Upload),
    /// Something that needs no work, such as a deletion or the test event of a new notification.
    Other {
        /// What it is, for logs.
        what: String,
    },
}

/// One thing that the sender wants an answer about: a message, a task, or the whole payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its name in the answer.
    pub id: String,
    /// What it tells of, or why that cannot be read.
    pub events: Result<Vec<Event>, EventError>,
}

/// What an invocation delivers.
#[derive(Debug)]
pub struct Delivery {
    /// All items in their order; each succeeds or fails by itself.
    pub items: Vec<Item>,
    sender: Box<dyn Sender>,
}

/// What became of the uploads of one item. The first failure stands for all of them; one that passes is still a failure.
pub type ItemResult = Result<Vec<Handled>, InvocationError>;

/// An upload that was dealt with.
#[derive(Debug)]
pub struct Handled {
    /// Which object.
    pub at: Location,
    /// What became of it.
    pub outcome: Outcome,
}

/// Who delivers items, and how it is answered.
trait Sender: Debug + Send + Sync {
    /// The answer, given the result of each item.
    ///
    /// # Errors
    /// If the invocation as a whole has to fail, so that the sender delivers it again.
    fn answer(&self, items: &[Item], results: Vec<ItemResult>) -> Result<Value, InvocationError>;
}

/// Why an invocation, or one of its items, failed.
#[derive(Debug, thiserror::Error)]
pub enum InvocationError {
    /// The payload cannot be understood.
    #[error(transparent)]
    Event(#[from] EventError),
    /// One upload could not be summarized.
    #[error("could not summarize {at}: {error}")]
    Job {
        /// Which object.
        at: Location,
        /// Why.
        error: Box<JobError>,
    },
    /// The answer cannot be put into JSON.
    #[error("the answer cannot be put into JSON")]
    Answer(#[from] serde_json::Error),
}

/// A payload that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// It has no known shape.
    #[error(
        "unknown payload: {seen}. Expected an S3 notification (Records with eventSource aws:s3), the same in SQS or SNS, or \
         an EventBridge \"Object Created\" event, or an invocation by S3 Batch Operations"
    )]
    Unknown {
        /// Its shape in short, without its values.
        seen: String,
    },
    /// A field is missing or wrong.
    #[error("{field} is missing or not {expected} in a record of {source_name}")]
    Field {
        /// Path of the field.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
        /// Where the record comes from.
        source_name: &'static str,
    },
    /// A key is not form-encoded UTF-8.
    #[error("the object key {key:?} is not valid form-encoded UTF-8")]
    Key {
        /// As it stands in the event.
        key: String,
    },
    /// A message body is not JSON.
    #[error("the {body} is not JSON: {reason}")]
    NotJson {
        /// Which body.
        body: &'static str,
        /// The parser's words.
        reason: String,
    },
    /// Envelopes without end.
    #[error("more than {MAX_DEPTH} envelopes inside each other")]
    TooDeep,
}

impl Delivery {
    /// Reads a payload.
    ///
    /// # Errors
    /// If its shape is unknown, or items cannot be told apart. An item that cannot be read is no error here: it carries its
    /// own.
    pub fn read(payload: &Value) -> Result<Self, EventError> {
        let delivered = sqs::read(payload).or_else(|| batch::read(payload));
        delivered.unwrap_or_else(|| {
            let item = Item {
                id: String::new(),
                events: Ok(events(payload, 0)?),
            };
            Ok(Self {
                items: vec![item],
                sender: Box::new(Direct),
            })
        })
    }

    /// The answer, given the result of each item in their order.
    ///
    /// # Errors
    /// If the invocation as a whole has to fail.
    pub fn answer(&self, results: Vec<ItemResult>) -> Result<Value, InvocationError> {
        self.sender.answer(&self.items, results)
    }
}

/// A sender that gets one success or failure for everything: Lambda invokes again after a failure, and the job resumes.
#[derive(Debug)]
struct Direct;

/// What a direct invocation is told about one upload.
#[derive(Debug, Serialize)]
struct UploadOutcome {
    bucket: String,
    key: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<usize>,
}

impl Sender for Direct {
    fn answer(&self, _: &[Item], results: Vec<ItemResult>) -> Result<Value, InvocationError> {
        let handled = results.into_iter().collect::<Result<Vec<_>, _>>()?;
        let outcomes = handled.into_iter().flatten().map(UploadOutcome::from);
        let outcomes: Vec<UploadOutcome> = outcomes.collect();
        Ok(serde_json::json!({ "outcomes": serde_json::to_value(outcomes)? }))
    }
}

impl From<Handled> for UploadOutcome {
    fn from(Handled { at, outcome }: Handled) -> Self {
        let ended = Ok(outcome);
        let status = Status::of(&ended).name();
        let (summary_key, words) = match ended {
            Ok(Outcome::Done(done)) => (Some(done.summary.key), Some(done.report.summary.words)),
            Ok(Outcome::Duplicate { summary }) => (Some(summary.key), None),
            _ => (None, None),
        };
        Self {
            bucket: at.bucket,
            key: at.key,
            status,
            summary_key,
            words,
        }
    }
}

impl InvocationError {
    /// A stable name of the kind of error: `errorType` of a failed invocation.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Event(_) => "EventError",
            Self::Job { error, .. } => error.kind(),
            Self::Answer(_) => "InternalError",
        }
    }

    /// Whether it passes without anybody's help.
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self, Self::Job { error, .. } if error.passes())
    }
}

/// The events in a payload that is in `depth` envelopes.
fn events(payload: &Value, depth: usize) -> Result<Vec<Event>, EventError> {
    if depth > MAX_DEPTH {
        return Err(EventError::TooDeep);
    }
    let read = SOURCES.iter().find_map(|source| source(payload, depth));
    read.unwrap_or_else(|| Err(unknown(payload)))
}

/// The events in a message body.
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

/// An entity tag without its quotes.
fn etag(object: &Value, field: &str) -> Option<String> {
    text(object, field).map(|etag| etag.trim_matches('"').to_owned())
}

/// A version id. Objects from before a bucket kept versions have the version `null`.
fn version(object: &Value, field: &str) -> Option<String> {
    text(object, field)
        .filter(|id| !id.is_empty() && *id != "null")
        .map(str::to_owned)
}

/// The records of a payload, if `is_ours` holds for the first of them.
fn records(payload: &Value, is_ours: fn(&Value) -> bool) -> Option<&Vec<Value>> {
    let records = payload.get("Records")?.as_array()?;
    records.first().is_none_or(is_ours).then_some(records)
}

/// The error for a payload of unknown shape. Names its fields, but nothing of what it says.
fn unknown(value: &Value) -> EventError {
    let seen = match value {
        Value::Object(fields) if fields.is_empty() => "an empty object".to_owned(),
        Value::Object(fields) => {
            let names: Vec<&str> = fields.keys().take(8).map(String::as_str).collect();
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
