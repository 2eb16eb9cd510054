//! What the reader wishes of a summary: instructions, its language, and lists of corrections.

use serde_json::Value;
use transcript_summarizer::job::{Done, Outcome, Rejected, Upload};

use crate::support::behaviour::Behaviour;
use crate::support::chat_server::{ChatRequest, ChatServer};
use crate::support::obedient;
use crate::support::workplace::{BUCKET, Workplace, event, meeting};

/// A writer that obeys, in German.
fn in_german(request: &ChatRequest) -> Behaviour {
    Behaviour::text(german(request))
}

/// What a writer that obeys answers, in German.
pub(crate) fn german(request: &ChatRequest) -> String {
    let answer = obedient::answer(request.message("user"));
    let answer = answer
        .replace("They noted", "Sie nannten")
        .replace(" with ", " mit ");
    let answer = answer
        .replace(" beside ", " und ")
        .replace(" there.", " dort.");
    answer.replace("Matters of this part", "Themen in diesem Teil")
}

async fn done(place: &Workplace, upload: &Upload) -> Box<Done> {
    match place.run(upload).await.unwrap() {
        Outcome::Done(done) => done,
        other => panic!("not done: {other:?}"),
    }
}

/// The text of a request without what stands between fences.
fn outside(request: &ChatRequest) -> String {
    let (system, user) = (request.message("system"), request.message("user"));
    let outside = user
        .split("<<<")
        .map(|part| part.split_once(">>>").map_or(part, |(_, after)| after));
    format!("{system}\n{}", outside.collect::<String>())
}

#[tokio::test]
async fn a_summary_is_written_in_the_wished_language() {
    let server = ChatServer::start(in_german).await;
    let wishes = [
        ("SUMMARY_LANGUAGE", "de-CH"),
        ("SUMMARY_INSTRUCTIONS", "Name every cost."),
    ];
    let place = Workplace::new(Some(server.url()), &wishes).await;
    let upload = place.upload("board.txt", meeting(9000));
    let report = done(&place, &upload).await.report;

    for request in server.requests() {
        let outside = outside(&request);
        assert!(outside.contains("in German (de-CH)"), "{outside}");
        let is_last = obedient::reads_summary(&outside);
        assert_eq!(outside.contains("Name every cost."), !is_last, "{outside}");
    }
    // Edits can be checked in German, of any country.
    let is_last = |request: &ChatRequest| request.message("user").ends_with("Write the edits now.");
    assert!(server.requests().iter().any(is_last));
    assert_eq!(report.language.as_deref(), Some("de-CH"));
    assert!(
        place
            .read("summaries/board.txt_summary.txt")
            .starts_with("Überblick\n")
    );
    let metadata = place.read_json("summaries/.metadata/board.txt_summary.txt.json");
    assert!(
        metadata.to_string().contains(r#""language":"de-CH""#),
        "{metadata}"
    );
    // No answer is asked for again because its words are not those of the transcript.
    assert_eq!(report.warnings, Vec::<String>::new());
    assert_eq!(report.coverage.degraded, 0);
    assert!(
        report.summary.deviation.abs() <= 0.05,
        "{:?}",
        report.summary
    );
    assert!(
        report
            .sections
            .iter()
            .all(|section| section.title.starts_with("Themen in diesem"))
    );
}

#[tokio::test]
async fn an_answer_in_the_language_of_the_transcript_is_asked_for_again() {
    let server =
        ChatServer::start(|request| Behaviour::text(obedient::answer(request.message("user"))))
            .await;
    let place = Workplace::new(
        Some(server.url()),
        &[("SUMMARY_LANGUAGE", "de"), ("SUMMARY_WORDS", "300")],
    )
    .await;
    let upload = place.upload("board.txt", meeting(3000));
    // A German title over English sections would be no summary in German.
    let error = place.run(&upload).await.unwrap_err();
    let reason = "the model gave no usable answer for 2 of 2 sections";
    assert!(error.to_string().contains(reason), "{error}");
    assert!(error.to_string().contains("in another language"), "{error}");
    assert!(server.requests().len() > 1);
    assert!(!place.exists("summaries/board.txt_summary.txt"));
}

#[tokio::test]
async fn an_uploads_own_metadata_win() {
    let server = ChatServer::start(in_german).await;
    let variables = [
        ("SUMMARY_LANGUAGE", "fr"),
        ("SUMMARY_INSTRUCTIONS", "Name every cost."),
    ];
    let place = Workplace::new(Some(server.url()), &variables).await;
    let metadata = [
        ("summary-words", "600"),
        ("summary-language", "de"),
        ("summary-instructions", "=?UTF-8?Q?Nur_f=C3=BCr_den_Rat.?="),
    ];
    let upload = place
        .upload_with("board.txt", meeting(9000), &metadata)
        .await;
    let first = done(&place, &upload).await;
    assert_eq!(first.report.summary.target_words, 600);
    assert_eq!(first.report.language.as_deref(), Some("de"));
    let asked = server.requests().len();
    for request in server.requests() {
        let outside = outside(&request);
        assert!(outside.contains("German") && !outside.contains("French"));
        assert!(!outside.contains("Name every cost."));
    }
    assert!(
        server
            .requests()
            .iter()
            .any(|request| outside(request).contains("Nur für den Rat."))
    );
    // The same again is done already; with another wish it is another job, and no old answer is used.
    assert!(matches!(
        place.run(&upload).await.unwrap(),
        Outcome::Duplicate { .. }
    ));
    let metadata = [("summary-words", "600"), ("summary-language", "de")];
    let upload = place
        .upload_with("board.txt", meeting(9000), &metadata)
        .await;
    let second = done(&place, &upload).await;
    assert_ne!(second.job_id, first.job_id);
    assert_eq!(server.requests().len(), asked + second.report.usage.calls);
}

#[tokio::test]
async fn wrong_metadata_are_rejected_with_their_reason() {
    let place = Workplace::new(None, &[]).await;
    let upload = place
        .upload_with("board.txt", meeting(900), &[("summary-language", "german")])
        .await;
    let outcome = place.run(&upload).await.unwrap();
    assert!(
        matches!(outcome, Outcome::Rejected(Rejected::Metadata(_))),
        "{outcome:?}"
    );
    let report = place.read_json("summaries/board.txt_error.json");
    assert_eq!(
        (&report["kind"], &report["retryable"]),
        (&Value::from("WrongMetadata"), &Value::from(false))
    );
    let message = report["message"].as_str().unwrap();
    assert!(
        message.starts_with("x-amz-meta-summary-language is \"german\": expected a BCP 47 code"),
        "{message}"
    );
    assert!(!place.exists("summaries/board.txt_summary.txt"));
}

#[tokio::test]
async fn small_windows_are_told_the_language_only() {
    let server = ChatServer::start(in_german).await;
    let variables = [
        ("SUMMARY_LANGUAGE", "de"),
        ("SUMMARY_INSTRUCTIONS", "Name every cost."),
        ("SUMMARY_WORDS", "600"),
        ("MODEL_CONTEXT_TOKENS", "2048"),
    ];
    let place = Workplace::new(Some(server.url()), &variables).await;
    let upload = place.upload("board.txt", meeting(3000));
    let report = done(&place, &upload).await.report;
    for request in server.requests() {
        let outside = outside(&request);
        assert!(outside.contains("Write in German.") && !outside.contains("Name every cost."));
    }
    let warning = "too small for the instructions that were wished";
    let warnings = report.warnings.iter().filter(|text| text.contains(warning));
    assert_eq!(warnings.count(), 1, "{:?}", report.warnings);
}

#[tokio::test]
async fn the_builtin_model_ignores_wishes_with_one_warning() {
    let variables = [
        ("SUMMARY_LANGUAGE", "de"),
        ("SUMMARY_INSTRUCTIONS", "Costs."),
    ];
    let place = Workplace::new(None, &variables).await;
    let upload = place.upload("board.txt", meeting(9000));
    let report = done(&place, &upload).await.report;
    assert_eq!(report.language.as_deref(), Some("en"));
    assert!(
        place
            .read("summaries/board.txt_summary.txt")
            .starts_with("Overview\n")
    );
    let warnings: Vec<_> = report
        .warnings
        .iter()
        .filter(|text| text.contains("built-in"))
        .collect();
    assert_eq!(warnings.len(), 1, "{:?}", report.warnings);
}

/// A meeting with labels and misheard names.
fn misheard() -> String {
    let meeting = meeting(6000);
    meeting
        .replace("Dana Whitfield", "spk_0")
        .replace("agreed that", "agreed with brack water that")
}

const NAMES: &str = "# Who they are\nspk_0 = Dana Whitfield\nLee Ng = Lee Nguyen\n";
const GLOSSARY: &str = "brack water = Brackwater\nsea horse = Seahorse\n";

#[tokio::test]
async fn misheard_words_and_labels_are_right_in_prompts_and_in_print() {
    for model in [true, false] {
        // The model mishears, too.
        let server = ChatServer::start(|request| {
            let answer = obedient::answer(request.message("user"));
            Behaviour::text(answer.replace(" there.", " at brack water."))
        })
        .await;
        let variables = [
            ("GLOSSARY", "settings/glossary.txt"),
            ("SPEAKER_NAMES", "settings/names"),
        ];
        let place = Workplace::new(model.then_some(server.url()), &variables).await;
        place.upload("settings/glossary.txt", GLOSSARY);
        place.upload("settings/names", NAMES);
        let text = misheard();
        let upload = place.upload("board.txt", &text);
        let report = done(&place, &upload).await.report;

        for request in server.requests() {
            let outside = outside(&request);
            let all = request.message("user").to_lowercase();
            assert!(
                !all.contains("brack water") && !all.contains("spk_0"),
                "{all}"
            );
            assert!(
                !all.contains("seahorse") && !all.contains("lee ng:"),
                "{all}"
            );
            let is_section = request.message("user").starts_with("Part ");
            assert!(!is_section || outside.contains("Spelled as here: Dana Whitfield"));
        }
        let mut json = place.read_json("summaries/board.txt_summary.json");
        let wishes = json.as_object_mut().unwrap().remove("wishes").unwrap();
        let count = |at: usize| wishes["corrections"][at]["count"].as_u64().unwrap();
        assert!(count(0) > 10 && count(2) > 1, "{wishes}");
        assert_eq!(wishes["corrections"][2]["heard"], "brack water");
        assert_eq!(wishes["not_found"], serde_json::json!(["sea horse"]));
        let published = place.read("summaries/board.txt_summary.txt") + &json.to_string();
        assert!(published.contains("Brackwater") && !published.contains("brack water"));
        let speakers: Vec<_> = report
            .speakers
            .iter()
            .map(|speaker| (speaker.label.as_str(), speaker.name.as_deref()))
            .collect();
        assert_eq!(
            speakers[..2],
            [
                ("spk_0", Some("Dana Whitfield")),
                ("Lee Ng", Some("Lee Nguyen"))
            ]
        );
        // The parts still cover the source, and each contains what it is said to.
        let mut at = 0;
        for section in &report.sections {
            assert_eq!(section.byte_start, at);
            at = section.byte_end;
            let part = text
                .get(section.byte_start as usize..section.byte_end as usize)
                .unwrap();
            let first = section.time_start.as_ref().unwrap();
            assert!(
                part.starts_with(&format!("[0{}", &first[..4])),
                "{first}: {}",
                &part[..40]
            );
        }
        assert_eq!(at, text.len() as u64);
    }
}

#[tokio::test]
async fn lists_leave_the_words_of_another_language_alone() {
    let server = ChatServer::start(|request| {
        let answer = german(request).replace("Sie nannten", "spk_0 und die anderen nannten");
        Behaviour::text(answer)
    })
    .await;
    let variables = [
        ("SUMMARY_LANGUAGE", "de"),
        (
            "SUMMARY_INSTRUCTIONS",
            "Name what spk_0 and brack water cost.",
        ),
        ("GLOSSARY", "glossary"),
        ("SPEAKER_NAMES", "names"),
    ];
    let place = Workplace::new(Some(server.url()), &variables).await;
    place.upload(
        "glossary",
        "die = dye\nund = and\nbrack water = Brackwater\n",
    );
    place.upload("names", NAMES);
    let upload = place.upload("board.txt", misheard());
    let report = done(&place, &upload).await.report;
    let summary = place.read("summaries/board.txt_summary.txt");
    assert!(
        summary.contains("Dana Whitfield und die anderen"),
        "{summary}"
    );
    assert!(
        !summary.contains("dye") && !summary.contains("spk_0"),
        "{summary}"
    );
    let told = "Name what Dana Whitfield and Brackwater cost.";
    let sections = server.requests().into_iter();
    let mut sections = sections.filter(|request| request.message("user").starts_with("Part "));
    assert!(sections.all(|request| outside(&request).contains(told)));
    assert_eq!(report.warnings, Vec::<String>::new());
}

#[tokio::test]
async fn a_translation_that_stays_short_has_one_note() {
    let half = |request: &ChatRequest| {
        let answer = german(request);
        let sentences: Vec<&str> = answer.split_inclusive(". ").collect();
        Behaviour::text(sentences[..sentences.len().div_ceil(2)].concat())
    };
    let server = ChatServer::start(half).await;
    let variables = [("SUMMARY_LANGUAGE", "de"), ("SUMMARY_WORDS", "600")];
    let place = Workplace::new(Some(server.url()), &variables).await;
    let upload = place.upload("board.txt", meeting(3000));
    let warnings = done(&place, &upload).await.report.warnings;
    let about = |words| warnings.iter().filter(|text| text.contains(words)).count();
    assert_eq!(
        (
            about("words less than asked"),
            about("fewer than its target")
        ),
        (1, 0),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn a_missing_or_broken_list_is_one_clear_error() {
    let place = Workplace::new(
        None,
        &[("GLOSSARY", "settings/glossary"), ("SUMMARY_WORDS", "100")],
    )
    .await;
    let upload = place.upload("board.txt", meeting(900));
    for (list, message) in [
        (
            None,
            "GLOSSARY is \"settings/glossary\", which cannot be read; expected the name of a file of UTF-8 text with a line `heard = right`",
        ),
        (
            Some("a = b\nc"),
            "GLOSSARY is \"settings/glossary\", where line 2 has no `=`; expected",
        ),
    ] {
        if let Some(list) = list {
            place.upload("settings/glossary", list);
        }
        let error = place.run(&upload).await.unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        let report = place.read_json("summaries/board.txt_error.json");
        assert_eq!(
            (&report["kind"], &report["retryable"]),
            (&Value::from("ConfigurationError"), &Value::from(true))
        );
    }
    // Mended, the upload is summarized.
    place.upload("settings/glossary", "vendor1 = Vendor One");
    done(&place, &upload).await;
    assert!(!place.exists("summaries/board.txt_error.json"));
}

#[tokio::test]
async fn a_list_is_no_transcript() {
    let place = Workplace::new(None, &[("GLOSSARY", "glossary.txt")]).await;
    place.upload("glossary.txt", GLOSSARY);
    let answer = place.answer(event(&["glossary.txt"])).await.unwrap();
    assert_eq!(answer["outcomes"][0]["status"], "skipped", "{answer}");
    assert_eq!(answer["outcomes"][0]["bucket"], BUCKET);
}
