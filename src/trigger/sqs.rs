//! SQS: a batch of messages, each of which succeeds or fails on its own. Every failure is reported as a batch item failure,
//! even if it passes by itself: the message stays in the queue, and its redelivery resumes the job.

use aws_lambda_events::sqs::SqsBatchResponse;
use serde_json::Value;

use crate::trigger::{
    Delivery, EventError, Item, ItemResult, Sender, body, events_in, records, required, text,
};

/// Parses the messages of a batch.
pub(crate) fn read(payload: &Value) -> Option<Result<Delivery, EventError>> {
    let is_ours = |record: &Value| text(record, "eventSource") == Some("aws:sqs");
    let records = records(payload, is_ours).filter(|records| !records.is_empty())?;
    let items: Result<Vec<_>, _> = records.iter().map(item).collect();
    let sender = Sender::Queue;
    Some(items.map(|items| Delivery { items, sender }))
}

fn item(record: &Value) -> Result<Item, EventError> {
    // A message without an id cannot be reported as a batch item failure, so the whole batch has to fail.
    let id = required(record, "/messageId", "SQS")?.to_owned();
    let body = body(record, "/body", "SQS");
    let events = body.and_then(|body| events_in(body, "body of an SQS message", 1));
    Ok(Item { id, events })
}

/// The response: the messages that have to stay in the queue.
pub(crate) fn answer(items: &[Item], results: &[ItemResult]) -> serde_json::Result<Value> {
    let failed = items.iter().zip(results);
    let failed = failed.filter(|(_, result)| result.is_err());
    let mut answer = SqsBatchResponse::default();
    answer.set_failures(failed.map(|(item, _)| &item.id));
    serde_json::to_value(answer)
}
