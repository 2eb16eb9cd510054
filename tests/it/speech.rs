//! Summaries that are read out, with a simulated Amazon Polly.

use serde_json::json;
use transcript_summarizer::job::{Outcome, Upload};

use crate::support::polly::Polly;
use crate::support::transcribe::Fault;
use crate::support::workplace::{Workplace, config, meeting};

const KEY: &str = "team/a board.txt";
const SUMMARY: &str = "summaries/team/a board.txt_summary.txt";
const REPORT: &str = "summaries/team/a board.txt_summary.json";
const PAGE: &str = "summaries/team/a board.txt_summary.html";

const SETTINGS: [(&str, &str); 2] = [("SPEECH", "polly"), ("SUMMARY_WORDS", "200")];

/// A bucket with one transcript.
async fn place(settings: &[(&str, &str)]) -> (Workplace, Polly, Upload) {
    let polly = Polly::start().await;
    let place = Workplace::configured(&[&SETTINGS, settings].concat()).await;
    let place = place.unwrap().speaking(polly.aws());
    let upload = place.upload(KEY, meeting(1500));
    (place, polly, upload)
}

fn warnings(place: &Workplace) -> String {
    place.read_json(REPORT)["warnings"].to_string()
}

#[tokio::test]
async fn the_report_and_the_page_name_the_audio_of_the_summary() {
    let (place, polly, upload) = place(&[]).await;
    for _ in 0..2 {
        place.run(&upload).await.unwrap();
    }
    let tasks = polly.tasks();
    assert_eq!(tasks.len(), 1);
    let task = &tasks[0];
    assert_eq!(
        (task.voice_id.as_str(), task.engine.as_str()),
        ("Joanna", "neural")
    );
    assert_eq!(task.bucket, "transcripts");
    assert!(
        task.key
            .starts_with("summaries/team/a!20board.txt_summary."),
        "{}",
        task.key
    );
    let speech = &place.read_json(REPORT)["speech"];
    assert_eq!(
        *speech,
        json!({"bucket": "transcripts", "keys": [task.key], "voice": "Joanna"})
    );
    let page = place.read(PAGE);
    let address = task.key.rsplit('/').next().unwrap().replace('!', "%21");
    assert!(page.contains(&format!(
        "<audio controls preload=\"none\" src=\"{address}\">"
    )));
    assert!(page.contains("media-src 'self'"));
    // All of the summary is read out, without its time spans.
    let spoken = task.text.replace("&apos;", "'").replace("&quot;", "\"");
    let is_heading = |line: &&str| line.ends_with(')');
    for line in place.read(SUMMARY).lines().filter(|line| !is_heading(line)) {
        let line = line.strip_prefix("- ").unwrap_or(line);
        assert!(spoken.contains(line), "{line}");
    }
    assert!(!warnings(&place).contains("read out"));
    assert_eq!(polly.asked("List"), 0);
}

#[tokio::test]
async fn without_the_setting_nothing_is_asked_and_nothing_is_named() {
    let (place, polly, upload) = place(&[]).await;
    let place = place.with_config(&[("SUMMARY_WORDS", "200")]);
    place.run(&upload).await.unwrap();
    assert_eq!(polly.asked("Start"), 0);
    assert_eq!(place.read_json(REPORT).get("speech"), None);
    assert!(!place.read(PAGE).contains("media-src"));
}

#[tokio::test]
async fn a_voice_that_the_engine_lacks_reads_with_the_other_engine() {
    let (place, polly, upload) = place(&[("SPEECH_VOICE", "Carla")]).await;
    place.run(&upload).await.unwrap();
    let engines: Vec<String> = polly.tasks().into_iter().map(|task| task.engine).collect();
    assert_eq!(
        (engines, polly.asked("Start")),
        (vec!["standard".to_owned()], 2)
    );
}

#[tokio::test]
async fn a_voice_that_speaks_two_languages_is_told_which() {
    let (place, polly, upload) = place(&[("SPEECH_VOICE", "Kajal:neural")]).await;
    place.run(&upload).await.unwrap();
    assert_eq!(polly.tasks()[0].language_code.as_deref(), Some("en-IN"));
}

#[tokio::test]
async fn what_fails_is_a_warning_and_the_summary_is_published() {
    const DENIED: &str = "User: arn:aws:sts::1:assumed-role/r/f is not authorized to perform: polly:StartSpeechSynthesisTask";
    for (fault, starts, expected) in [
        (
            Fault::Refused(403, "AccessDeniedException", DENIED),
            1,
            DENIED,
        ),
        (
            Fault::Refused(
                400,
                "InvalidS3BucketException",
                "The bucket is in another region.",
            ),
            1,
            "The bucket is in another region.",
        ),
        (
            Fault::Refused(400, "ThrottlingException", "Rate exceeded"),
            3,
            "Rate exceeded",
        ),
        (
            Fault::Refused(500, "ServiceFailureException", "Unknown."),
            2,
            "Unknown.",
        ),
        (
            Fault::Refused(200, "failed", "The bucket is not yours."),
            1,
            "The bucket is not yours.",
        ),
        (Fault::Refused(200, "", "Hello."), 2, "names no task"),
    ] {
        let (place, polly, upload) = place(&[]).await;
        polly.set_faults(move |operation| (operation == "Start").then_some(fault));
        let ended = place.run(&upload).await.unwrap();
        assert!(matches!(ended, Outcome::Done(_)), "{ended:?}");
        let told = warnings(&place);
        assert!(told.contains("the summary is not read out: "), "{told}");
        assert!(
            told.contains("polly:StartSpeechSynthesisTask failed"),
            "{told}"
        );
        assert!(told.contains(expected), "{told}");
        assert_eq!(
            (polly.asked("Start"), polly.tasks().len()),
            (starts, 0),
            "{fault:?}"
        );
        assert_eq!(place.read_json(REPORT).get("speech"), None);
    }
}

#[tokio::test]
async fn a_lost_answer_starts_no_second_task() {
    let (place, polly, upload) = place(&[]).await;
    // Others' tasks fill the pages of the list before it.
    for other in ["b.txt", "c.txt", "d.txt"] {
        let upload = place.upload(other, meeting(600));
        place.run(&upload).await.unwrap();
    }
    polly.set_faults(|operation| (operation == "Start").then_some(Fault::AnswerLost));
    place.run(&upload).await.unwrap();
    assert_eq!((polly.tasks().len(), polly.asked("Start")), (4, 4));
    let key = &polly.tasks()[3].key;
    assert_eq!(place.read_json(REPORT)["speech"]["keys"], json!([key]));
    assert!(!warnings(&place).contains("read out"));
}

#[tokio::test]
async fn a_task_that_nobody_knows_of_is_not_paid_twice() {
    let (place, polly, upload) = place(&[]).await;
    polly.set_faults(|operation| {
        Some(match operation {
            "Start" => Fault::AnswerLost,
            _ => Fault::Refused(
                403,
                "AccessDeniedException",
                "no polly:ListSpeechSynthesisTasks",
            ),
        })
    });
    place.run(&upload).await.unwrap();
    assert_eq!((polly.tasks().len(), polly.asked("Start")), (1, 1));
    let told = warnings(&place);
    assert!(
        told.contains("polly:ListSpeechSynthesisTasks failed"),
        "{told}"
    );
}

#[tokio::test]
async fn a_language_without_a_voice_is_a_warning() {
    let (place, polly, _) = place(&[("SUMMARY_WORDS", "50")]).await;
    let sentence =
        "Το συμβούλιο αποφάσισε ότι η γέφυρα θα ανοίξει τον Μάιο και κοστίζει πολλά χρήματα. ";
    let upload = place.upload(KEY, sentence.repeat(40));
    place.run(&upload).await.unwrap();
    assert_eq!(polly.asked("Start"), 0);
    let told = warnings(&place);
    assert!(
        told.contains("no voice for the language el: set SPEECH_VOICE"),
        "{told}"
    );
}

#[tokio::test]
async fn the_audio_of_an_earlier_version_is_removed() {
    let (place, polly, upload) = place(&[]).await;
    place.run(&upload).await.unwrap();
    let old = polly.tasks()[0].key.clone();
    place.upload(&old, "audio");
    let upload = place.upload(KEY, meeting(1700));
    place.run(&upload).await.unwrap();
    assert_eq!(polly.tasks().len(), 2);
    assert!(!place.exists(&old));
    // Also if the newer one is not read out.
    let new = polly.tasks()[1].key.clone();
    place.upload(&new, "audio");
    let place = place.with_config(&[("SUMMARY_WORDS", "200")]);
    let upload = place.upload(KEY, meeting(1900));
    place.run(&upload).await.unwrap();
    assert!(!place.exists(&new));
}

#[tokio::test]
async fn a_page_that_is_made_later_names_the_audio_too() {
    let (place, polly, upload) = place(&[("SUMMARY_PAGE", "off")]).await;
    place.run(&upload).await.unwrap();
    let place = place.with_config(&SETTINGS);
    place.run(&upload).await.unwrap();
    assert_eq!(polly.tasks().len(), 1);
    let key = &polly.tasks()[0].key;
    assert_eq!(place.read_json(REPORT)["speech"]["keys"], json!([key]));
    assert!(place.read(PAGE).contains("<audio controls"));
}

#[tokio::test]
async fn a_long_summary_is_read_out_in_parts() {
    let (place, polly, _) = place(&[("SUMMARY_WORDS", "22000")]).await;
    let upload = place.upload(KEY, meeting(40_000));
    place.run(&upload).await.unwrap();
    let tasks = polly.tasks();
    assert_eq!(tasks.len(), 2);
    let keys: Vec<&str> = tasks.iter().map(|task| task.key.as_str()).collect();
    assert!(
        keys[0].contains("_summary.1of2.") && keys[1].contains("_summary.2of2."),
        "{keys:?}"
    );
    assert_eq!(place.read_json(REPORT)["speech"]["keys"], json!(keys));
    assert_eq!(place.read(PAGE).matches("<audio").count(), 2);
}

#[test]
fn wrong_settings_say_what_is_accepted() {
    let error = |settings: &[(&str, &str)]| config(settings).unwrap_err().to_string();
    for (settings, expected) in [
        (vec![("SPEECH", "aloud")], "SPEECH is \"aloud\""),
        (
            vec![("SPEECH", "polly"), ("SPEECH_VOICE", "Ruth:best")],
            "SPEECH_VOICE is \"Ruth:best\"",
        ),
        (
            vec![("SPEECH", "polly"), ("OUTPUT_PREFIX", "a b/")],
            "OUTPUT_PREFIX, which is \"a b/\"",
        ),
    ] {
        let told = error(&settings);
        assert!(told.contains(expected), "{told}");
    }
}
