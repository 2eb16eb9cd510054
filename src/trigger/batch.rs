//! S3 Batch Operations: a job over many objects invokes the function for each and wants to know what became of it.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::store::Location;
use crate::trigger::{EventError, Upload, key, text, version};

/// An invocation by S3 Batch Operations, schema 1.0 or 2.0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    schema_version: String,
    invocation_id: String,
    /// What is to be worked on; today always one object.
    pub tasks: Vec<Task>,
}

/// One object of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    id: String,
    /// The object, or why that can't be read.
    pub upload: Result<Upload, EventError>,
}

/// What became of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskResult {
    /// Done.
    Succeeded,
    /// Tried again before the job ends.
    TemporaryFailure,
    /// Listed in the job's report.
    PermanentFailure,
}

impl TaskResult {
    fn code(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::TemporaryFailure => "TemporaryFailure",
            Self::PermanentFailure => "PermanentFailure",
        }
    }
}

impl Batch {
    /// Reads an invocation, if it is one by S3 Batch Operations.
    pub(crate) fn parse(payload: &Value) -> Option<Result<Self, EventError>> {
        let schema_version = text(payload, "invocationSchemaVersion")?;
        let tasks = payload.get("tasks")?.as_array()?;
        Some(Self::read(payload, schema_version, tasks))
    }

    fn read(payload: &Value, schema_version: &str, tasks: &[Value]) -> Result<Self, EventError> {
        let invocation_id = text(payload, "invocationId").ok_or(missing("invocationId"))?;
        let tasks = tasks.iter().map(|task| {
            let id = text(task, "taskId").ok_or(missing("tasks.taskId"))?;
            Ok(Task {
                id: id.to_owned(),
                upload: upload(task),
            })
        });
        Ok(Self {
            schema_version: schema_version.to_owned(),
            invocation_id: invocation_id.to_owned(),
            tasks: tasks.collect::<Result<_, EventError>>()?,
        })
    }

    /// The answer that S3 expects: one result for each task, in their order.
    #[must_use]
    pub fn answer(&self, results: &[(TaskResult, String)]) -> Value {
        let results: Vec<Value> = self
            .tasks
            .iter()
            .zip(results)
            .map(|(task, (result, words))| {
                json!({"taskId": task.id, "resultCode": result.code(), "resultString": words})
            })
            .collect();
        json!({
            "invocationSchemaVersion": self.schema_version,
            // A task without a result is tried again: nothing is lost by a mistake here.
            "treatMissingKeysAs": "TemporaryFailure",
            "invocationId": self.invocation_id,
            "results": results,
        })
    }
}

/// The object of a task. Keys are encoded as in notifications; should a blank be meant by `%20` alone and a plus by itself, the
/// second reading finds it.
fn upload(task: &Value) -> Result<Upload, EventError> {
    let bucket = match (text(task, "s3Bucket"), text(task, "s3BucketArn")) {
        (Some(name), _) => name,
        (None, Some(arn)) => arn.rsplit(':').next().unwrap_or(arn),
        (None, None) => return Err(missing("tasks.s3BucketArn")),
    };
    let raw = text(task, "s3Key").ok_or(missing("tasks.s3Key"))?;
    let key = key::decode(raw).ok_or_else(|| EventError::Key {
        key: raw.to_owned(),
    })?;
    let other_key = percent_decode_str(raw)
        .decode_utf8()
        .ok()
        .map(String::from)
        .filter(|other| *other != key);
    Ok(Upload {
        at: Location::new(bucket, key),
        other_key,
        etag: None,
        version_id: version(text(task, "s3VersionId")),
        size: None,
        sequencer: None,
    })
}

fn missing(what: &'static str) -> EventError {
    EventError::Field {
        what,
        expected: "a string",
        source_name: "S3 Batch Operations",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(task: Value) -> Batch {
        let payload = json!({"invocationSchemaVersion": "1.0", "invocationId": "i1", "job": {"id": "j1"}, "tasks": [task]});
        Batch::parse(&payload).unwrap().unwrap()
    }

    #[test]
    fn both_schemas_name_the_object() {
        let first = batch(
            json!({"taskId": "t1", "s3Key": "team/board+notes%C3%A9.txt", "s3VersionId": null,
            "s3BucketArn": "arn:aws:s3:::transcripts"}),
        );
        let upload = first.tasks[0].upload.as_ref().unwrap();
        assert_eq!(
            upload.at,
            Location::new("transcripts", "team/board notesé.txt")
        );
        assert_eq!(upload.other_key.as_deref(), Some("team/board+notesé.txt"));
        let second = batch(
            json!({"taskId": "t1", "s3Key": "a.txt", "s3VersionId": "v7", "s3Bucket": "transcripts"}),
        );
        let upload = second.tasks[0].upload.as_ref().unwrap();
        assert_eq!(upload.at, Location::new("transcripts", "a.txt"));
        assert_eq!(
            (upload.version_id.as_deref(), &upload.other_key),
            (Some("v7"), &None)
        );
    }

    #[test]
    fn the_answer_has_a_result_for_each_task() {
        let batch = batch(
            json!({"taskId": "t1", "s3Key": "a.txt", "s3BucketArn": "arn:aws:s3:::transcripts"}),
        );
        let answer = batch.answer(&[(TaskResult::TemporaryFailure, "later".to_owned())]);
        assert_eq!(
            answer,
            json!({"invocationSchemaVersion": "1.0", "treatMissingKeysAs": "TemporaryFailure", "invocationId": "i1",
                "results": [{"taskId": "t1", "resultCode": "TemporaryFailure", "resultString": "later"}]})
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let payload = json!({"invocationSchemaVersion": "2.0", "tasks": []});
        let error = Batch::parse(&payload).unwrap().unwrap_err().to_string();
        assert!(error.contains("invocationId"), "{error}");
        assert_eq!(Batch::parse(&json!({"Records": []})), None);
        let keyless = batch(json!({"taskId": "t1", "s3Bucket": "b"}));
        assert!(keyless.tasks[0].upload.is_err());
    }
}
