//! EventBridge events. Their keys are not encoded, but in case a sender encodes them, the decoded key is tried second.

use serde_json::Value;

use crate::job::Upload;
use crate::store::Location;
use crate::trigger::{Event, EventError, Reading, described, key, required, short, text};

/// Parses the payload as a single event.
pub(crate) fn read(payload: &Value, _: usize) -> Reading {
    let (kind, source) = (text(payload, "detail-type")?, text(payload, "source")?);
    let (kind, source) = (short(Some(kind))?, short(Some(source))?);
    if source == "aws.transcribe" && kind == "Transcribe Job State Change" {
        return Some(transcription(payload).map(|event| vec![event]));
    }
    if source != "aws.s3" || kind != "Object Created" {
        let what = format!("{source}: {kind}");
        return Some(Ok(vec![Event::Other { what }]));
    }
    Some(upload(payload).map(|upload| vec![Event::Upload(upload)]))
}

/// A change in the state of a transcription. It tells the job's name, but not its recording.
fn transcription(payload: &Value) -> Result<Event, EventError> {
    let required = |pointer| required(payload, pointer, "EventBridge");
    let name = required("/detail/TranscriptionJobName")?.to_owned();
    Ok(match required("/detail/TranscriptionJobStatus")? {
        "COMPLETED" | "FAILED" => Event::Transcription { name },
        status => Event::Other {
            what: format!("a transcription is {status}"),
        },
    })
}

fn upload(payload: &Value) -> Result<Upload, EventError> {
    let required = |pointer| required(payload, pointer, "EventBridge");
    let raw = required("/detail/object/key")?;
    let at = Location::new(required("/detail/bucket/name")?, raw);
    let object = payload.pointer("/detail/object").unwrap_or(&Value::Null);
    Ok(Upload {
        other_key: key::decode(raw).ok().filter(|decoded| decoded != raw),
        ..described(at, object)
    })
}
