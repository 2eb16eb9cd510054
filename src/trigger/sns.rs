//! SNS: the records of a direct subscription, and the envelope around a message delivered through a queue.

use serde_json::Value;

use crate::trigger::{Reading, body, events_in, records, text};

/// Parses the envelope of a message delivered through a queue.
pub(crate) fn read_envelope(payload: &Value, depth: usize) -> Reading {
    let body = text(payload, "Message").filter(|_| text(payload, "Type") == Some("Notification"));
    let name = "Message of an SNS notification";
    Some(events_in(body?, name, depth + 1))
}

/// Parses the records of a direct subscription.
pub(crate) fn read(payload: &Value, depth: usize) -> Reading {
    let records = records(payload, |record| {
        text(record, "EventSource") == Some("aws:sns")
    })?;
    let events = records.iter().map(|record| {
        let body = body(record, "/Sns/Message", "SNS")?;
        events_in(body, "Message of an SNS record", depth + 1)
    });
    let events: Result<Vec<_>, _> = events.collect();
    Some(events.map(|events| events.concat()))
}
