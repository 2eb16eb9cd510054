//! S3 Batch Operations, schemas 1.0 and 2.0: a job over many objects invokes the function with tasks and expects exactly one
//! result for each. Temporary failures are retried before the job ends; permanent ones appear in its completion report.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::chain::chain;
use crate::job::{Status, Upload};
use crate::store::Location;
use crate::trigger::{
    Delivery, Event, EventError, Item, ItemResult, Sender, key, required, text, version,
};

const SOURCE: &str = "S3 Batch Operations";

/// What the response repeats from the invocation.
#[derive(Debug)]
pub(crate) struct Invocation {
    schema_version: String,
    id: String,
}

/// Parses the tasks of an invocation.
pub(crate) fn read(payload: &Value) -> Option<Result<Delivery, EventError>> {
    let schema_version = text(payload, "invocationSchemaVersion")?.to_owned();
    let tasks = payload.get("tasks")?.as_array()?;
    let read = || {
        let id = required(payload, "/invocationId", SOURCE)?.to_owned();
        Ok(Delivery {
            items: tasks.iter().map(item).collect::<Result<_, _>>()?,
            sender: Sender::Batch(Invocation { schema_version, id }),
        })
    };
    Some(read())
}

fn item(task: &Value) -> Result<Item, EventError> {
    Ok(Item {
        id: required(task, "/taskId", SOURCE)?.to_owned(),
        events: upload(task).map(|upload| vec![Event::Upload(upload)]),
    })
}

/// The object of a task. Keys are decoded as in S3 notifications, with `+` as a space. `other_key` keeps `+` as it is, in
/// case only percent-encoding was used.
fn upload(task: &Value) -> Result<Upload, EventError> {
    let name = text(task, "s3Bucket");
    let bucket = name.map_or_else(|| required(task, "/s3BucketArn", SOURCE), Ok)?;
    // An ARN ends in the bucket's name, which has no colons.
    let bucket = bucket.rsplit_once(':').map_or(bucket, |(_, name)| name);
    let raw = required(task, "/s3Key", SOURCE)?;
    let key = key::decode(raw)?;
    let other_key = percent_decode_str(raw).decode_utf8().ok();
    let other_key = other_key.map(String::from).filter(|other| *other != key);
    Ok(Upload {
        other_key,
        version_id: version(text(task, "s3VersionId")),
        ..Upload::named(Location::new(bucket, key))
    })
}

impl Invocation {
    /// The response: one result for each task.
    pub(crate) fn answer(&self, items: &[Item], results: Vec<ItemResult>) -> Value {
        let results = items.iter().zip(results).map(|(item, result)| {
            let (code, words) = result_of(result);
            json!({"taskId": item.id, "resultCode": code, "resultString": words})
        });
        json!({
            "invocationSchemaVersion": self.schema_version,
            // A task without a result is retried, so an omission here loses nothing.
            "treatMissingKeysAs": "TemporaryFailure",
            "invocationId": self.id,
            "results": results.collect::<Vec<Value>>(),
        })
    }
}

/// The result code and message of a task.
fn result_of(result: ItemResult) -> (&'static str, Value) {
    match result.map(|handled| handled.first().map(|handled| handled.status)) {
        Ok(None) => ("Succeeded", "".into()),
        Ok(Some(Status::Rejected)) => ("PermanentFailure", "rejected: see its _error.json".into()),
        Ok(Some(status)) => ("Succeeded", json!(status)),
        Err(error) if error.passes() => ("TemporaryFailure", chain(&error).into()),
        Err(error) => ("PermanentFailure", chain(&error).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{JobError, Outcome};
    use crate::summary::Degraded;
    use crate::trigger::{Handled, InvocationError};

    fn batch(task: Value) -> Delivery {
        let payload = json!({"invocationSchemaVersion": "1.0", "invocationId": "i1", "job": {"id": "j1"}, "tasks": [task]});
        read(&payload).unwrap().unwrap()
    }

    fn upload_of(task: Value) -> Upload {
        match &batch(task).items[0].events.as_ref().unwrap()[..] {
            [Event::Upload(upload)] => upload.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_schemas_name_the_object() {
        let upload = upload_of(
            json!({"taskId": "t1", "s3Key": "team/board+notes%C3%A9.txt", "s3VersionId": null,
            "s3BucketArn": "arn:aws:s3:::transcripts"}),
        );
        assert_eq!(
            upload.at,
            Location::new("transcripts", "team/board notesé.txt")
        );
        assert_eq!(upload.other_key.as_deref(), Some("team/board+notesé.txt"));
        let upload = upload_of(
            json!({"taskId": "t1", "s3Key": "a.txt", "s3VersionId": "v7", "s3Bucket": "transcripts"}),
        );
        assert_eq!(upload.at, Location::new("transcripts", "a.txt"));
        assert_eq!(
            (upload.version_id.as_deref(), &upload.other_key),
            (Some("v7"), &None)
        );
    }

    #[test]
    fn the_answer_has_one_result_for_each_task() {
        let at = Location::new("transcripts", "a.txt");
        let failed = |error| InvocationError::Job {
            at: at.clone(),
            source: Box::new(error),
        };
        let superseded = Handled::new(at.clone(), Outcome::Superseded);
        let degraded = JobError::Degraded(Degraded::Sections { count: 5, all: 9 }, Vec::new());
        for (result, code) in [
            (Ok(vec![superseded]), "Succeeded"),
            (Err(failed(JobError::Overtaken)), "TemporaryFailure"),
            (Err(failed(degraded)), "PermanentFailure"),
        ] {
            let batch = batch(
                json!({"taskId": "t1", "s3Key": "a.txt", "s3BucketArn": "arn:aws:s3:::transcripts"}),
            );
            let answer = batch.answer(vec![result]).unwrap();
            assert_eq!(answer["invocationSchemaVersion"], "1.0");
            assert_eq!(answer["invocationId"], "i1");
            assert_eq!(answer["treatMissingKeysAs"], "TemporaryFailure");
            assert_eq!(answer["results"][0]["taskId"], "t1");
            assert_eq!(answer["results"][0]["resultCode"], code);
        }
    }

    #[test]
    fn a_missing_field_is_named() {
        let payload = json!({"invocationSchemaVersion": "2.0", "tasks": []});
        let error = read(&payload).unwrap().unwrap_err().to_string();
        assert!(error.contains("invocationId"), "{error}");
        assert!(read(&json!({"Records": []})).is_none());
        let keyless = batch(json!({"taskId": "t1", "s3Bucket": "b"}));
        assert!(keyless.items[0].events.is_err());
    }
}
