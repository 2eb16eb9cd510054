//! SQS: a batch of messages, each of which succeeds or fails on its own. Every failure is reported as a batch item failure,
//! even if it passes by itself: the message stays in the queue, and its redelivery resumes the job.

use aws_lambda_events::sqs::SqsBatchResponse;
use serde_json::Value;

use crate::trigger::{
    Delivery, EventError, InvocationError, Item, ItemResult, Sender, events_in, records, text,
};

/// Parses the messages of a batch.
pub(crate) fn read(payload: &Value) -> Option<Result<Delivery, EventError>> {
    let records = records(payload, |record| {
        text(record, "eventSource") == Some("aws:sqs")
    })?;
    if records.is_empty() {
        return None;
    }
    let items = records.iter().map(item).collect::<Result<Vec<_>, _>>();
    Some(items.map(|items| Delivery {
        items,
        sender: Box::new(Queue),
    }))
}

fn item(record: &Value) -> Result<Item, EventError> {
    let missing = |field| EventError::Field {
        field,
        expected: "a string",
        source_name: "SQS",
    };
    // A message without an id cannot be reported as a batch item failure, so the whole batch has to fail.
    let id = text(record, "messageId").filter(|id| !id.is_empty());
    Ok(Item {
        id: id.ok_or(missing("messageId"))?.to_owned(),
        events: match text(record, "body") {
            Some(body) => events_in(body, "body of an SQS message", 1),
            None => Err(missing("body")),
        },
    })
}

#[derive(Debug)]
struct Queue;

impl Sender for Queue {
    fn answer(&self, items: &[Item], results: Vec<ItemResult>) -> Result<Value, InvocationError> {
        let mut answer = SqsBatchResponse::default();
        let failed = items
            .iter()
            .zip(results)
            .filter(|(_, result)| result.is_err());
        failed.for_each(|(item, _)| answer.add_failure(&item.id));
        Ok(serde_json::to_value(answer)?)
    }
}
