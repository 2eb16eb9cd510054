//! SNS: the records of a direct subscription, and the envelope around a message delivered through a queue.

use serde_json::Value;

use crate::trigger::{EventError, Reading, events_in, records, text};

/// Parses the envelope of a message delivered through a queue.
pub(crate) fn read_envelope(payload: &Value, depth: usize) -> Reading {
    let body = text(payload, "Message").filter(|_| text(payload, "Type") == Some("Notification"));
    Some(events_in(
        body?,
        "Message of an SNS notification",
        depth + 1,
    ))
}

/// Parses the records of a direct subscription.
pub(crate) fn read(payload: &Value, depth: usize) -> Reading {
    let records = records(payload, |record| {
        text(record, "EventSource") == Some("aws:sns")
    })?;
    let mut events = Vec::new();
    for record in records {
        let body = record.pointer("/Sns/Message").and_then(Value::as_str);
        let read = match body {
            Some(body) => events_in(body, "Message of an SNS record", depth + 1),
            None => Err(EventError::Field {
                field: "Sns.Message",
                expected: "a string",
                source_name: "SNS",
            }),
        };
        match read {
            Ok(read) => events.extend(read),
            Err(error) => return Some(Err(error)),
        }
    }
    Some(Ok(events))
}
