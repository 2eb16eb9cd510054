//! Recordings, from their upload to the published summary, with a simulated Amazon Transcribe.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::future::join_all;
use serde_json::{Value, json};
use transcript_summarizer::job::Upload;
use transcript_summarizer::store::{Location, PutOptions, Store};
use transcript_summarizer::transcriber::{State, Task, Transcriber, TranscriberError};

use crate::support::transcribe::{Ending, Fault, Transcribe, state_change};
use crate::support::workplace::{BUCKET, Workplace, event, message};

const KEY: &str = "talk.mp4";
const SUMMARY: &str = "summaries/talk.mp4_summary.txt";
const REPORT: &str = "summaries/talk.mp4_summary.json";
const ERROR: &str = "summaries/talk.mp4_error.json";

const SETTINGS: [(&str, &str); 2] = [("TRANSCRIBER", "amazon"), ("SUMMARY_WORDS", "200")];

/// A bucket with one recording.
async fn place(settings: &[(&str, &str)]) -> (Workplace, Transcribe) {
    let place = Workplace::configured(&[&SETTINGS, settings].concat())
        .await
        .unwrap();
    let transcribe = Transcribe::start(place.store()).await;
    let place = place.transcribing(transcribe.aws());
    place.upload(KEY, b"\0\0\0\x20ftypisom");
    (place, transcribe)
}

fn said(subject: &str) -> Ending {
    let sentence = |at: usize| {
        format!(
            "On the {subject} we agreed that item{at} costs {at}00 dollars and vendor{at} delivers it in week {at}. "
        )
    };
    Ending::Said((1..60).map(sentence).collect())
}

/// The event of an object in its current version.
async fn current(place: &Workplace, key: &str) -> Value {
    let info = place
        .store()
        .head(&Location::new(BUCKET, key))
        .await
        .unwrap();
    let mut event = event(&[&key.replace('%', "%25").replace('+', "%2B")]);
    event["Records"][0]["s3"]["object"]["eTag"] = json!(info.etag);
    event
}

/// Whether the message with this body stays in the queue.
async fn stays(place: &Workplace, body: &Value) -> bool {
    let answer = place
        .answer(json!({"Records": [message("m", body)]}))
        .await
        .unwrap();
    !answer["batchItemFailures"].as_array().unwrap().is_empty()
}

/// The status of the only upload of a direct invocation.
async fn status(place: &Workplace, body: &Value) -> Value {
    place.answer(body.clone()).await.unwrap()["outcomes"][0]["status"].clone()
}

#[tokio::test]
async fn a_message_stays_until_the_summary_exists_and_a_look_costs_one_request() {
    let (place, transcribe) = place(&[]).await;
    let upload = current(&place, KEY).await;
    assert!(stays(&place, &upload).await);
    assert!(stays(&place, &upload).await);
    assert_eq!((transcribe.asked("Get"), transcribe.starts()), (2, 1));
    assert!(!place.exists(ERROR) && !place.exists(SUMMARY));

    let keys = transcribe.end(&said("depot")).await;
    assert!(!stays(&place, &upload).await);
    // What exists is not asked for.
    assert_eq!((transcribe.asked("Get"), transcribe.starts()), (2, 1));
    assert!(place.read(SUMMARY).contains("depot"));
    let source = &place.read_json(REPORT)["source"];
    assert_eq!(
        (&source["key"], &source["bytes"]),
        (&json!(KEY), &json!(12))
    );
    assert_eq!(source["format"], "amazon-transcribe");
    assert_eq!(json!([source["transcript_key"]]), json!(keys));
    let page = place.read("summaries/talk.mp4_summary.html");
    for told in ["<dt>Recording</dt>", "<dt>Transcript</dt>", &keys[0]] {
        assert!(page.contains(told), "the page does not tell {told}");
    }

    let parameters = &transcribe.parameters()[0];
    assert_eq!(parameters["IdentifyLanguage"], true);
    assert_eq!(
        parameters["Settings"],
        json!({"ShowSpeakerLabels": true, "MaxSpeakerLabels": 30})
    );
    assert_eq!(
        parameters["Media"]["MediaFileUri"],
        "s3://transcripts/talk.mp4"
    );
    assert_eq!(parameters["OutputBucketName"], BUCKET);
    assert!(transcribe.names()[0].starts_with("transcript-summarizer-"));
}

#[tokio::test]
async fn the_upload_of_the_transcript_finishes_the_job_of_its_recording() {
    let (place, transcribe) = place(&[("INPUT_SUFFIXES", ".txt,.json")]).await;
    let upload = current(&place, KEY).await;
    assert!(stays(&place, &upload).await);
    let keys = transcribe.end(&said("depot")).await;
    assert_eq!(
        status(&place, &current(&place, &keys[0]).await).await,
        "done"
    );
    assert_eq!(status(&place, &upload).await, "duplicate");
    assert!(place.exists(SUMMARY) && !place.exists("summaries/transcripts"));
    // With its summary finished, a recording is not transcribed again, even if its transcript was deleted.
    place.remove("transcripts");
    assert_eq!(status(&place, &upload).await, "duplicate");
    assert_eq!(transcribe.starts(), 1);
}

#[tokio::test]
async fn the_event_that_a_transcription_has_ended_finishes_the_job() {
    let (place, transcribe) = place(&[]).await;
    let upload = current(&place, KEY).await;
    assert!(stays(&place, &upload).await);
    let name = &transcribe.names()[0];
    assert!(!stays(&place, &state_change(name, "IN_PROGRESS")).await);
    transcribe.end(&said("depot")).await;
    assert!(!stays(&place, &state_change("somebody-elses", "COMPLETED")).await);
    assert!(!place.exists(SUMMARY));
    assert_eq!(
        status(&place, &state_change(name, "COMPLETED")).await,
        "done"
    );
    assert_eq!(status(&place, &upload).await, "duplicate");
}

#[tokio::test]
async fn a_hundred_deliveries_at_once_start_one_job() {
    let (place, transcribe) = place(&[]).await;
    let upload = current(&place, KEY).await;
    let all = (0..100).map(|_| stays(&place, &upload));
    assert!(join_all(all).await.into_iter().all(|stays| stays));
    assert_eq!(transcribe.starts(), 1);
    transcribe.end(&said("depot")).await;
    join_all((0..100).map(|_| stays(&place, &upload))).await;
    assert_eq!(status(&place, &upload).await, "duplicate");
    assert_eq!(transcribe.starts(), 1);
}

#[tokio::test]
async fn a_process_that_dies_after_starting_has_started_it() {
    let (place, transcribe) = place(&[]).await;
    let upload = current(&place, KEY).await;
    transcribe.set_faults(|operation| (operation == "Start").then_some(Fault::Silence));
    tokio::select! {
        stays = stays(&place, &upload) => panic!("it was answered: {stays}"),
        () = transcribe.until_started() => {}
    }
    transcribe.set_faults(|_| None);
    assert!(stays(&place, &upload).await);
    transcribe.end(&said("depot")).await;
    assert_eq!(status(&place, &upload).await, "done");
    assert_eq!(transcribe.starts(), 1);
}

#[tokio::test]
async fn a_lost_answer_starts_no_second_job() {
    let (place, transcribe) = place(&[]).await;
    let upload = current(&place, KEY).await;
    let mut is_lost = false;
    transcribe.set_faults(move |operation| {
        let is_first = operation == "Start" && !std::mem::replace(&mut is_lost, true);
        is_first.then_some(Fault::AnswerLost)
    });
    assert!(stays(&place, &upload).await);
    assert_eq!((transcribe.asked("Start"), transcribe.starts()), (2, 1));
}

#[tokio::test]
async fn a_job_of_this_name_is_being_transcribed() {
    for status in [409, 400] {
        let (place, transcribe) = place(&[]).await;
        let upload = current(&place, KEY).await;
        transcribe.set_faults(move |operation| {
            let message = "The requested job name already exists.";
            let refused = Fault::Refused(status, "ConflictException", message);
            (operation == "Start").then_some(refused)
        });
        assert!(stays(&place, &upload).await);
        assert!(!place.exists(ERROR), "{status}");
    }
}

#[tokio::test]
async fn a_recording_that_cannot_be_transcribed_is_rejected_once_and_for_all() {
    let (place, transcribe) = place(&[]).await;
    let upload = current(&place, KEY).await;
    assert!(stays(&place, &upload).await);
    transcribe
        .end(&Ending::Failed("Unsupported media format."))
        .await;
    for _ in 0..2 {
        assert!(!stays(&place, &upload).await);
        let error = place.read_json(ERROR);
        assert_eq!(
            (&error["kind"], &error["retryable"]),
            (&json!("NotTranscribed"), &json!(false))
        );
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("Unsupported media format")
        );
    }
    let failed = state_change(&transcribe.names()[0], "FAILED");
    assert_eq!(status(&place, &failed).await, "rejected");
    assert_eq!((transcribe.starts(), transcribe.asked("Delete")), (1, 0));
}

#[tokio::test]
async fn a_failure_that_can_be_fixed_is_reported_and_its_job_starts_afresh() {
    let (place, transcribe) = place(&[]).await;
    let upload = current(&place, KEY).await;
    assert!(stays(&place, &upload).await);
    transcribe
        .end(&Ending::Failed(
            "The KMS key that you provided is disabled.",
        ))
        .await;
    assert!(stays(&place, &upload).await);
    let error = place.read_json(ERROR);
    assert_eq!(error["retryable"], true);
    for words in [
        "KMS key that you provided is disabled",
        "s3:PutObject",
        "s3://transcripts/talk.mp4",
    ] {
        assert!(
            error["message"].as_str().unwrap().contains(words),
            "{error}"
        );
    }
    assert_eq!(transcribe.names(), [""; 0]);
    assert!(stays(&place, &upload).await);
    assert_eq!(transcribe.starts(), 2);
    transcribe.end(&said("depot")).await;
    assert!(!stays(&place, &upload).await);
    assert!(place.exists(SUMMARY) && !place.exists(ERROR));
}

#[tokio::test]
async fn a_missing_permission_names_the_action() {
    let (place, transcribe) = place(&[]).await;
    let upload = current(&place, KEY).await;
    let message = "User: arn:aws:sts::1:assumed-role/r/f is not authorized to perform: transcribe:StartTranscriptionJob";
    transcribe.set_faults(move |operation| {
        (operation == "Start").then_some(Fault::Refused(400, "AccessDeniedException", message))
    });
    assert!(stays(&place, &upload).await);
    let error = place.read_json(ERROR);
    assert_eq!(
        (&error["kind"], &error["retryable"]),
        (&json!("TranscriberError"), &json!(true))
    );
    assert!(
        error["message"].as_str().unwrap().contains(message),
        "{error}"
    );
    assert_eq!(transcribe.asked("Start"), 1);
}

#[tokio::test]
async fn a_full_service_is_waited_for() {
    let (place, transcribe) = place(&[]).await;
    let upload = current(&place, KEY).await;
    for (operation, status) in [("Get", 429), ("Start", 429), ("Start", 400)] {
        transcribe.set_faults(move |asked| {
            let message = "Either you've sent too many requests or your input file is too long.";
            let refused = Fault::Refused(status, "LimitExceededException", message);
            (asked == operation).then_some(refused)
        });
        assert!(stays(&place, &upload).await);
        assert!(!place.exists(ERROR), "{operation}");
    }
    transcribe.set_faults(|_| None);
    assert!(stays(&place, &upload).await);
    assert_eq!(transcribe.starts(), 1);
}

#[tokio::test]
async fn an_overwritten_recording_is_superseded_in_each_phase() {
    let (place, transcribe) = place(&[]).await;
    let old = current(&place, KEY).await;
    assert!(stays(&place, &old).await);
    place.upload(KEY, b"another take");
    let new = current(&place, KEY).await;
    assert_eq!(status(&place, &old).await, "superseded");
    let old_keys = transcribe.end(&said("depot")).await;
    assert_eq!(
        status(&place, &current(&place, &old_keys[0]).await).await,
        "superseded"
    );
    assert!(!place.exists(SUMMARY));

    assert!(stays(&place, &new).await);
    transcribe.end(&said("garden")).await;
    assert_eq!(status(&place, &new).await, "done");
    for late in [&old, &current(&place, &old_keys[0]).await] {
        assert_eq!(status(&place, late).await, "superseded");
    }
    assert!(place.read(SUMMARY).contains("garden") && !place.read(SUMMARY).contains("depot"));
    assert_eq!(transcribe.starts(), 2);
    place.remove(KEY);
    for name in transcribe.names() {
        let ended = state_change(&name, "COMPLETED");
        assert!(!stays(&place, &ended).await, "its recording was deleted");
    }
    assert_eq!(
        status(&place, &current(&place, &old_keys[0]).await).await,
        "superseded"
    );
}

#[tokio::test]
async fn silence_is_the_error_of_an_empty_transcript() {
    let (place, transcribe) = place(&[]).await;
    let upload = current(&place, KEY).await;
    assert!(stays(&place, &upload).await);
    transcribe.end(&Ending::Said(String::new())).await;
    assert!(!stays(&place, &upload).await);
    let error = place.read_json(ERROR);
    assert_eq!(
        (&error["kind"], &error["retryable"]),
        (&json!("NotText"), &json!(false))
    );
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("the transcript is empty"),
        "{error}"
    );
}

#[tokio::test]
async fn an_empty_recording_is_not_sent() {
    let (place, transcribe) = place(&[]).await;
    place.upload(KEY, b"");
    let upload = current(&place, KEY).await;
    assert!(!stays(&place, &upload).await);
    let error = place.read_json(ERROR);
    assert_eq!(error["kind"], "NotTranscribed");
    let told = error["message"].as_str().unwrap();
    assert!(told.contains("the recording is empty"), "{error}");
    assert_eq!(transcribe.starts(), 0);
}

#[tokio::test]
async fn a_transcript_that_somebody_has_spoiled_is_named() {
    for (body, kind, words, remedy) in [
        (
            "\0\u{1}binary",
            "NotText",
            "is no longer one",
            "delete that transcript",
        ),
        (
            r#"{"images": []}"#,
            "NotText",
            "is no longer one",
            "delete that transcript",
        ),
        (
            &"x".repeat(3000),
            "TooLarge",
            "is too large: it has 3000 bytes",
            "MAX_INPUT_BYTES",
        ),
    ] {
        let (place, transcribe) = place(&[("MAX_INPUT_BYTES", "2000")]).await;
        let upload = current(&place, KEY).await;
        assert!(stays(&place, &upload).await);
        let keys = transcribe.end(&Ending::Said("Hello. ".into())).await;
        place.upload(&keys[0], body);
        assert!(!stays(&place, &upload).await);
        let error = place.read_json(ERROR);
        assert_eq!(error["kind"], kind, "{error}");
        let told = error["message"].as_str().unwrap();
        for words in [words, &keys[0]] {
            assert!(told.contains(words), "{error}");
        }
        assert!(
            error["next_step"].as_str().unwrap().contains(remedy),
            "{error}"
        );
        assert_eq!(transcribe.starts(), 1);
    }
}

#[tokio::test]
async fn keys_of_all_kinds_are_transcribed() {
    let (place, transcribe) = place(&[]).await;
    // A file name in the bucket's directory has at most 255 bytes.
    let long = format!("{}/{}.webm", "é".repeat(110), "a b".repeat(60));
    for key in ["a b+(1)/é %2F!.MP3", &long] {
        place.upload(key, key);
        let upload = current(&place, key).await;
        assert!(stays(&place, &upload).await, "{key}");
        let keys = transcribe.end(&said("depot")).await;
        // A key that becomes too long cannot be read back: its own event finishes the job.
        let (by_transcript, by_recording) = match keys[0].contains("/.long/") {
            true => ("skipped", "done"),
            false => ("done", "duplicate"),
        };
        let transcript = current(&place, &keys[0]).await;
        assert_eq!(status(&place, &transcript).await, by_transcript, "{key}");
        assert_eq!(status(&place, &upload).await, by_recording, "{key}");
        assert!(
            place.exists(&format!("summaries/{key}_summary.txt")),
            "{key}"
        );
    }
}

#[tokio::test]
async fn a_redacted_transcript_is_the_one_that_is_read() {
    let redaction = r#"{"ContentRedaction": {"RedactionType": "PII", "RedactionOutput": "redacted"}, "LanguageCode": "en-US"}"#;
    let (place, transcribe) = place(&[("TRANSCRIBE_PARAMETERS", redaction)]).await;
    let upload = current(&place, KEY).await;
    assert!(stays(&place, &upload).await);
    let keys = transcribe.end(&said("depot")).await;
    assert!(
        keys[0].starts_with("transcripts/redacted-talk.mp4."),
        "{keys:?}"
    );
    assert_eq!(
        status(&place, &current(&place, &keys[0]).await).await,
        "done"
    );
}

#[tokio::test]
async fn without_a_transcriber_recordings_are_skipped() {
    let place = Workplace::configured(&[]).await.unwrap();
    place.upload(KEY, b"\0\0\0\x20ftypisom");
    assert_eq!(status(&place, &event(&[KEY])).await, "skipped");
}

/// Writes the transcript when it is asked for the third time.
#[derive(Debug)]
struct Third {
    store: Arc<dyn Store>,
    asked: AtomicUsize,
}

#[async_trait]
impl Transcriber for Third {
    async fn advance(&self, task: &Task<'_>) -> Result<State, TranscriberError> {
        if self.asked.fetch_add(1, Ordering::SeqCst) < 2 {
            return Ok(State::Running);
        }
        let Ending::Said(text) = said("depot") else {
            unreachable!()
        };
        let body = json!({"results": {"transcripts": [{"transcript": text}], "items": []}});
        let put = self.store.put(
            task.transcript,
            body.to_string().into(),
            PutOptions::default(),
        );
        put.await.unwrap();
        Ok(State::Written)
    }

    async fn recording(&self, _: &str) -> Result<Option<Location>, TranscriberError> {
        Ok(None)
    }
}

#[tokio::test(start_paused = true)]
async fn a_direct_invocation_waits_for_the_transcript() {
    let place = Workplace::configured(&SETTINGS).await.unwrap();
    let third = Arc::new(Third {
        store: place.store(),
        asked: AtomicUsize::new(0),
    });
    let place = place.with_transcriber(third.clone());
    let Upload { at, .. } = place.upload(KEY, b"\0");
    assert_eq!(status(&place, &event(&[&at.key])).await, "done");
    assert_eq!(third.asked.load(Ordering::SeqCst), 3);
}
