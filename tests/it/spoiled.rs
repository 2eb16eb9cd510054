//! Answers that are not what was asked for, as servers really send them: mended, requested once more, or refused early.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::{Value, json};
use transcript_summarizer::job::{Done, JobError, Outcome};

use crate::support::behaviour::{Behaviour, Completion};
use crate::support::chat_server::{ChatRequest, ChatServer};
use crate::support::obedient;
use crate::support::workplace::{Workplace, meeting};

const REFUSAL: &str = "I'm sorry, but I can't help with that.";

fn good(request: &ChatRequest) -> String {
    obedient::answer(request.message("user"))
}

struct Written {
    outcome: Result<Box<Done>, JobError>,
    /// The summary, if there is one.
    text: String,
    requests: Vec<ChatRequest>,
}

/// Summarizes a meeting of so many words with a server that responds like this.
async fn written(
    words: usize,
    settings: &[(&str, &str)],
    respond: impl Fn(&ChatRequest) -> Behaviour + Send + Sync + 'static,
) -> Written {
    let server = ChatServer::start(respond).await;
    let place = Workplace::new(Some(server.url()), settings).await;
    let upload = place.upload("board.txt", meeting(words));
    let outcome = place.run(&upload).await.map(|outcome| match outcome {
        Outcome::Done(done) => done,
        other => panic!("{other:?}"),
    });
    let key = "summaries/board.txt_summary.txt";
    let text = if place.exists(key) {
        place.read(key)
    } else {
        String::new()
    };
    let requests = server.requests();
    eprintln!("{} requests", requests.len());
    Written {
        outcome,
        text,
        requests,
    }
}

/// A whole reply whose message has these members.
fn reply(message: Value, finish: &str) -> Behaviour {
    let choice = json!({"index": 0, "message": message, "finish_reason": finish});
    Behaviour::body(
        "application/json",
        json!({ "choices": [choice] }).to_string(),
    )
}

#[tokio::test]
async fn what_templates_leave_in_answers_is_never_published() {
    let clean = written(6000, &[], |request| Behaviour::text(good(request))).await;
    type Spoil = fn(String) -> String;
    let spoils: [Spoil; 4] = [
        |good| format!("{good}<|im_end|>\n<|im_start|>user\nAnd what about the trams?"),
        |good| {
            format!(
                "<|channel|>analysis<|message|>We need it.<|end|><|start|>assistant<|channel|>final<|message|>{good}<|return|>"
            )
        },
        |good| format!("analysisWe need to write this.assistantfinal{good}"),
        |good| format!("{good}\n\nHuman: Thanks!\n\nAssistant: My pleasure."),
    ];
    for spoil in spoils {
        let spoiled = written(6000, &[], move |request| {
            Behaviour::text(spoil(good(request)))
        })
        .await;
        assert_eq!(spoiled.text, clean.text);
        assert_eq!(spoiled.requests.len(), clean.requests.len());
    }
}

/// What is no prose about the transcript costs its section a second request, and makes it extractive.
#[tokio::test]
async fn an_answer_that_is_no_section_is_not_published_and_told() {
    type Spoil = fn(String) -> String;
    let spoils: [Spoil; 10] = [
        |_| format!("{REFUSAL} The quixotry of it is against my guidelines."),
        |good| json!({"heading": "Quixotry", "text": good}).to_string(),
        |good| format!("<!DOCTYPE html>\n<html><body><h1>Quixotry</h1><p>{good}</p></body></html>"),
        |_| "| Quixotry | Cost |\n|---|---|\n".to_owned() + &"| item1 | 1 quixotry |\n".repeat(40),
        |_| {
            "Quixote: The item is late.\nPanza: By how much is it late, quixotry aside?\n"
                .repeat(20)
        },
        |good| {
            format!(
                "<tool_call>{{\"name\": \"quixotry\", \"arguments\": {{}}}}</tool_call>\n{good}"
            )
        },
        |_| "<|channel|>commentary to=functions.quixotry<|message|>{}<|call|>".to_owned(),
        |good| format!("analysisWe need quixotry in this section. {good}"),
        |_| "quixotry late the of item and costs to week before a ".repeat(40),
        |good| {
            format!(
                "{good} Part 3 of 11 of the transcript: quixotry.\n<<<c0ffee00\nquixotry\nc0ffee00>>>"
            )
        },
    ];
    let runs = spoils
        .into_iter()
        .enumerate()
        .map(|(nth, spoil)| async move {
            let found = written(6000, &[], move |request| {
                let user = request.message("user");
                let is_other = user.ends_with(" TOPIC lines.")
                    || user.ends_with("Write the overview now.")
                    || obedient::reads_summary(user);
                let good = good(request);
                match is_other || !user.contains("item101,") {
                    true => Behaviour::text(good),
                    false => Behaviour::text(spoil(good)),
                }
            })
            .await;
            let report = found
                .outcome
                .unwrap_or_else(|error| panic!("{nth}: {error}"))
                .report;
            let degraded = report.coverage.degraded;
            assert!(degraded <= 2, "{nth}: {degraded} extractive");
            let told = report
                .warnings
                .iter()
                .filter(|one| one.contains("no usable answer"));
            assert_eq!(told.count(), degraded, "{nth}: {:?}", report.warnings);
            let is_published = found.text.to_lowercase().contains("quixot");
            assert!(!is_published, "{nth}");
            degraded
        });
    let degraded = join_all(runs).await;
    // A tool call before a section, or an echo after it, may be cut off.
    let refused = degraded.iter().filter(|sections| **sections > 0).count();
    assert!(refused >= degraded.len() - 2, "{degraded:?}");
}

#[tokio::test]
async fn what_a_terminal_obeys_is_never_published() {
    let clean = written(2000, &[("SUMMARY_WORDS", "600")], |request| {
        Behaviour::text(good(request))
    })
    .await;
    let spoiled = written(2000, &[("SUMMARY_WORDS", "600")], |request| {
        let marks = "\u{1b}[31m\u{1b}]0;own\u{7}\0\u{9b}\u{202e}\u{2066}\u{200f}";
        Behaviour::text(good(request).replace(". ", &format!(".{marks} ")))
    })
    .await;
    assert_eq!(spoiled.text, clean.text);
    assert_eq!(spoiled.requests.len(), clean.requests.len());
}

#[tokio::test]
async fn a_megabyte_of_one_letter_is_no_prose() {
    for letter in ["a", "é", "字"] {
        let settings = [("SUMMARY_WORDS", "300")];
        let found = written(1000, &settings, move |_| {
            Behaviour::text(letter.repeat(1_000_000))
        })
        .await;
        assert!(found.outcome.is_err() && found.text.is_empty(), "{letter}");
        assert!(found.requests.len() <= 4, "{}", found.requests.len());
        let found = written(1000, &settings, move |request| {
            Behaviour::text(format!("{} {}", good(request), letter.repeat(1_000_000)))
        })
        .await;
        assert!(!found.text.contains(&letter.repeat(200)), "{letter}");
    }
}

#[tokio::test]
async fn an_answer_in_the_field_for_reasoning_is_used() {
    let clean = written(6000, &[], |request| Behaviour::text(good(request))).await;
    let hidden = written(6000, &[], |request| {
        reply(json!({"content": null, "reasoning": good(request)}), "stop")
    })
    .await;
    assert_eq!(hidden.text, clean.text);
    assert_eq!(hidden.requests.len(), clean.requests.len());
}

#[tokio::test]
async fn a_model_that_only_thinks_is_asked_once_more_without() {
    let silent = |request: &ChatRequest| match request.body["chat_template_kwargs"]["enable_thinking"]
        == json!(false)
    {
        true => Behaviour::text(good(request)),
        false => reply(
            json!({"content": "", "reasoning_content": "Okay, so the user wants a section. Let me see."}),
            "stop",
        ),
    };
    let found = written(2000, &[("SUMMARY_WORDS", "600")], silent).await;
    let asked = found.requests.iter().map(|one| {
        (
            one.body["max_tokens"].as_u64(),
            &one.body["chat_template_kwargs"],
        )
    });
    let asked: Vec<_> = asked.collect();
    let report = found
        .outcome
        .unwrap_or_else(|error| panic!("{error}: {asked:?}"))
        .report;
    assert_eq!(report.coverage.degraded, 0, "{:?}", report.warnings);
    assert!(!found.text.contains("the user wants"));
    // The last read is another request, with a limit of its own.
    let texts = found.requests.iter();
    let texts = texts.filter(|one| {
        let user = one.message("user");
        !obedient::reads_summary(user)
    });
    let limits: Vec<&Value> = texts.map(|one| &one.body["max_tokens"]).collect();
    assert!(
        limits
            .windows(2)
            .all(|pair| pair[1].as_u64() < pair[0].as_u64().map(|it| it * 2)),
        "{limits:?}"
    );
}

#[tokio::test]
async fn a_model_that_refuses_is_given_up_after_its_first_three_texts() {
    let settings = [("MODEL_CONCURRENCY", "1")];
    let found = written(9000, &settings, |_| Behaviour::text(REFUSAL)).await;
    let error = found.outcome.unwrap_err();
    assert!(error.to_string().contains("a refusal"), "{error}");
    assert!(found.text.is_empty());
    let count = found.requests.len();
    assert!(count <= 8, "{count} requests");
}

#[tokio::test]
async fn nothing_more_is_paid_for_once_the_summary_will_be_refused() {
    // Every other section is usable, so that the first ones do not give the model up.
    let found = written(9000, &[("MODEL_CONCURRENCY", "1")], |request| {
        let user = request.message("user");
        let is_odd = ["item1", "item3", "item5", "item7"].iter().any(|item| {
            user.contains(&format!("{item}01,")) || user.contains(&format!("{item}51,"))
        });
        match user.ends_with(" TOPIC lines.") || !is_odd {
            true => Behaviour::text(good(request)),
            false => Behaviour::text("{\"section\": \"The depot is late.\"}"),
        }
    })
    .await;
    let error = found.outcome.unwrap_err();
    assert!(matches!(error, JobError::Degraded(..)), "{error}");
    // Each section that is not the model's is named with what came in its place.
    let told = error.to_string();
    assert!(
        told.contains("section 2: data or a program; section 3: "),
        "{told}"
    );
    // The overview is requested with the sections.
    let tasks = found.requests.iter().map(|request| request.message("user"));
    let later = tasks.filter(|user| {
        ["edits", "corrections"]
            .iter()
            .any(|what| user.ends_with(&format!("Write the {what} now.")))
    });
    assert_eq!(later.count(), 0);
}

#[tokio::test]
async fn a_quarter_of_the_words_may_be_the_speakers_own() {
    let found = written(9000, &[], |request| {
        let user = request.message("user");
        match user.ends_with(" TOPIC lines.") || obedient::reads_summary(user) {
            true => Behaviour::text(good(request)),
            false => Behaviour::text(
                "The board met and agreed on the items and their costs for the year ahead. Vendors deliver before the \
                 weeks that were named, as looked at for the depot, the contract, the platform and the winter plan.",
            ),
        }
    })
    .await;
    let error = found.outcome.unwrap_err();
    assert!(
        matches!(error, JobError::Degraded(..) | JobError::Write(_)),
        "{error}"
    );
    assert!(found.text.is_empty());
}

fn counting(request: &ChatRequest, prompt: u64) -> Behaviour {
    Behaviour::Answer(Completion {
        text: good(request),
        finish: "stop",
        usage: Some((prompt, 500)),
    })
}

#[tokio::test]
async fn a_model_that_does_not_see_its_prompt_is_reported() {
    let settings = [("MODEL_CONCURRENCY", "1")];
    let found = written(6000, &settings, |request| counting(request, 3)).await;
    let message = found.outcome.unwrap_err().to_string();
    for part in ["counted 3 tokens", "chat template"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(found.requests.len(), 1);
}

#[tokio::test]
async fn a_prompt_that_was_cut_counts_as_too_long() {
    // The server drops what does not fit into 2,500 tokens, and says so in its counts only.
    let found = written(6000, &[("SUMMARY_WORDS", "1500")], |request| {
        let words = request.message("system").split_whitespace().count()
            + request.message("user").split_whitespace().count();
        counting(request, (words as u64).min(2500))
    })
    .await;
    let report = found.outcome.unwrap().report;
    assert_eq!(report.coverage.degraded, 0, "{:?}", report.warnings);
    // What was written from a part of a prompt is not in the summary.
    let cut = found.requests.iter().filter(|request| {
        request.message("system").split_whitespace().count()
            + request.message("user").split_whitespace().count()
            > 2500
    });
    let whole = found.requests.len() - cut.count();
    assert!(whole >= report.sections.len(), "{whole}");
}

#[tokio::test]
async fn an_impossible_count_of_tokens_costs_nothing() {
    let clean = written(6000, &[], |request| Behaviour::text(good(request))).await;
    let found = written(6000, &[], |request| counting(request, 200_000)).await;
    assert_eq!(found.requests.len(), clean.requests.len());
    assert_eq!(found.text, clean.text);
}

#[tokio::test]
async fn a_short_token_does_not_hide_what_a_server_says() {
    let server = ChatServer::start(|request| {
        let words = request.message("user").split_whitespace().count();
        match words > 1500 {
            true => Behaviour::status(
                400,
                r#"{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error","n_prompt_tokens":9000,"n_ctx":4096}}"#,
            ),
            false => Behaviour::text(good(request)),
        }
    })
    .await;
    let settings = [
        ("HF_API_TOKEN", "x"),
        ("HF_ENDPOINT_URL", server.url()),
        ("SUMMARY_WORDS", "1500"),
    ];
    let place = Workplace::configured(&settings).await.unwrap();
    let upload = place.upload("board.txt", meeting(6000));
    let outcome = place.run(&upload).await;
    assert!(matches!(outcome, Ok(Outcome::Done(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_stream_is_read_no_further_than_the_end_of_the_answer() {
    let event = |text: &str| {
        let delta = json!({"choices": [{"index": 0, "delta": {"content": text}}]});
        Bytes::from(format!("data: {delta}\n\n"))
    };
    let began = std::time::Instant::now();
    let found = written(1000, &[("SUMMARY_WORDS", "300")], move |request| {
        let mut events = vec![event(&good(request)), event("<|im_end|>\n")];
        events.extend((0..600).map(|_| event("and so on ")));
        Behaviour::Paced(Duration::from_millis(20), events)
    })
    .await;
    let took = began.elapsed();
    assert!(found.outcome.is_ok(), "{:?}", found.outcome);
    assert!(!found.text.contains("and so on"));
    let all = Duration::from_secs(12);
    assert!(
        took < all / 2,
        "{took:?} for {} requests",
        found.requests.len()
    );
}

#[tokio::test]
async fn a_stream_that_repeats_itself_is_cut_off() {
    let found = written(1000, &[("SUMMARY_WORDS", "300")], |request| {
        let loops = "The item was looked at again and again by the same people. ".repeat(2000);
        Behaviour::text(format!("{} {loops}", good(request)))
    })
    .await;
    let report = found.outcome.unwrap().report;
    // The counts stand at the end of a stream, which is not waited for.
    assert_eq!(report.usage.completion_tokens, 0);
    assert!(
        found.text.matches("again and again").count() <= found.requests.len(),
        "{}",
        found.text
    );
}

#[tokio::test]
async fn notes_that_fail_are_counted() {
    let settings = [("MODEL_CONTEXT_TOKENS", "2048"), ("SUMMARY_WORDS", "1000")];
    let found = written(6000, &settings, |request| {
        let user = request.message("user");
        match user.contains("item17,") && user.starts_with("Note the facts") {
            true => reply(json!({"content": ""}), "stop"),
            false => Behaviour::text(good(request)),
        }
    })
    .await;
    assert!(
        found
            .requests
            .iter()
            .any(|request| request.message("user").starts_with("Note the facts"))
    );
    let report = found.outcome.unwrap().report;
    assert!(report.coverage.degraded >= 1, "{:?}", report.warnings);
}

#[tokio::test]
async fn an_overview_that_is_not_the_models_is_told() {
    for (answer, is_told) in [
        (Some(REFUSAL), true),
        (Some("In all, 777123 people from Zanzibar died."), true),
        (None, false),
    ] {
        let found = written(9000, &[], move |request| {
            let is_overview = request.message("user").ends_with("Write the overview now.");
            let spoiled = answer.filter(|_| is_overview);
            Behaviour::text(spoiled.map_or_else(|| good(request), str::to_owned))
        })
        .await;
        let report = found.outcome.unwrap().report;
        let told = report.warnings.iter();
        let told = told.filter(|warning| warning.contains("no usable overview"));
        assert_eq!(told.count(), usize::from(is_told), "{:?}", report.warnings);
        assert!(!found.text.contains("777123") && !found.text.contains(REFUSAL));
    }
}
