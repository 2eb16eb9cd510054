//! The response to an invocation, depending on the event source.

use crate::support::workplace::{BUCKET, Workplace, event, meeting, message};
use serde_json::json;

#[tokio::test]
async fn a_direct_invocation_learns_what_became_of_each_upload() {
    let place = Workplace::new(None, &[]).await;
    place.upload("a/notes.txt", meeting(900));
    place.upload("b/notes.txt", meeting(1000));
    place.upload("empty.txt", "");
    let keys = [
        "a/notes.txt",
        "b/notes.txt",
        "empty.txt",
        "photo.jpg",
        "folder/",
        "summaries/x_summary.txt",
    ];
    let answer = place.answer(event(&keys)).await.unwrap();
    let outcomes = answer["outcomes"].as_array().unwrap();
    let statuses: Vec<&str> = outcomes
        .iter()
        .map(|outcome| outcome["status"].as_str().unwrap())
        .collect();
    assert_eq!(
        statuses,
        ["done", "done", "rejected", "skipped", "skipped", "skipped"]
    );
    assert_eq!(
        outcomes[0]["summary_key"],
        "summaries/a/notes.txt_summary.txt"
    );
    assert_eq!(
        (&outcomes[1]["bucket"], &outcomes[1]["key"]),
        (&json!(BUCKET), &json!("b/notes.txt"))
    );
    assert!(outcomes[0]["words"].as_u64().unwrap() > 400);
}

#[tokio::test]
async fn one_failure_fails_a_direct_invocation_and_the_others_are_done() {
    let place = Workplace::new(None, &[]).await;
    place.upload("there.txt", meeting(900));
    let error = place
        .answer(event(&["gone.txt", "there.txt"]))
        .await
        .unwrap_err();
    assert!(
        error.starts_with("NotFound: could not summarize s3://transcripts/gone.txt"),
        "{error}"
    );
    assert!(place.exists("summaries/there.txt_summary.txt"));
}

#[tokio::test]
async fn messages_of_a_queue_fail_by_themselves() {
    let place = Workplace::new(None, &[]).await;
    place.upload("there.txt", meeting(900));
    place.upload("empty.txt", "");
    let messages = [
        message("done", &event(&["there.txt"])),
        message("missing", &event(&["gone.txt"])),
        message("rejected", &event(&["empty.txt"])),
        message(
            "test",
            &json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": BUCKET}),
        ),
        message("unknown", &json!({"hello": 1})),
    ];
    let answer = place.answer(json!({ "Records": messages })).await.unwrap();
    assert_eq!(
        answer,
        json!({"batchItemFailures": [{"itemIdentifier": "missing"}, {"itemIdentifier": "unknown"}]})
    );
}

#[tokio::test]
async fn events_without_work_succeed() {
    let place = Workplace::new(None, &[]).await;
    for payload in [
        json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": BUCKET}),
        json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectRemoved:Delete", "s3": {}}]}),
        json!({"detail-type": "Object Deleted", "source": "aws.s3", "detail": {}}),
    ] {
        assert_eq!(place.answer(payload).await, Ok(json!({"outcomes": []})));
    }
    assert!(
        place
            .answer(json!({"hello": 1}))
            .await
            .unwrap_err()
            .starts_with("EventError: unknown payload")
    );
}

#[tokio::test]
async fn each_batch_task_gets_its_own_result() {
    let place = Workplace::new(None, &[]).await;
    place.upload("a b.txt", meeting(900));
    place.upload("empty.txt", "");
    let task = |key: &str| {
        json!({"invocationSchemaVersion": "1.0", "invocationId": "i1", "job": {"id": "j1"}, "tasks": [
            {"taskId": "t1", "s3Key": key, "s3VersionId": null, "s3BucketArn": format!("arn:aws:s3:::{BUCKET}")}]})
    };
    for (key, code, words) in [
        ("a+b.txt", "Succeeded", "done"),
        ("a+b.txt", "Succeeded", "duplicate"),
        ("photo.jpg", "Succeeded", "skipped"),
        ("empty.txt", "PermanentFailure", "_error.json"),
        ("gone.txt", "PermanentFailure", "gone.txt"),
    ] {
        let answer = place.answer(task(key)).await.unwrap();
        let result = &answer["results"][0];
        assert_eq!(
            (&answer["invocationSchemaVersion"], &answer["invocationId"]),
            (&json!("1.0"), &json!("i1"))
        );
        assert_eq!(
            (&result["taskId"], &result["resultCode"]),
            (&json!("t1"), &json!(code)),
            "{key}: {answer}"
        );
        assert!(
            result["resultString"].as_str().unwrap().contains(words),
            "{key}: {answer}"
        );
    }
}
