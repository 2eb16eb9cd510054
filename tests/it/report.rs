//! The report: its schema, the sources of its sentences, and what other programs make of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};
use transcript_summarizer::job::Outcome;

use crate::support::behaviour::Behaviour;
use crate::support::chat_server::{ChatRequest, ChatServer};
use crate::support::obedient;
use crate::support::summaries::sample;
use crate::support::workplace::{Workplace, meeting};
use crate::wishes::german;

const KEY: &str = "team/board.txt";

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn schema() -> Value {
    let text = std::fs::read_to_string(in_repository("samples/summary.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The schema, for validation.
pub(crate) struct Validator(Schemas, SchemaIndex);

impl Validator {
    pub(crate) fn new() -> Self {
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.add_resource("schema.json", schema()).unwrap();
        let index = compiler.compile("schema.json", &mut schemas).unwrap();
        Self(schemas, index)
    }

    pub(crate) fn assert(&self, report: &Value) {
        if let Err(error) = self.0.validate(report, self.1) {
            let error = error.to_string();
            panic!("{}", error.chars().take(1000).collect::<String>());
        }
    }

    fn rejects(&self, report: &Value) -> bool {
        self.0.validate(report, self.1).is_err()
    }
}

/// The report on `text`, which has its schema. Every source of a section lies within its part.
async fn report(url: Option<&str>, settings: &[(&str, &str)], text: &str) -> Value {
    let place = Workplace::new(url, settings).await;
    let upload = place.upload(KEY, text);
    let outcome = place.run(&upload).await.unwrap();
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
    let report = place.read_json(&format!("summaries/{KEY}_summary.json"));
    Validator::new().assert(&report);
    for section in list(&report, "sections") {
        let body = section["text"].as_str().unwrap();
        let mut rest = body;
        for sentence in list(section, "sentences") {
            let said = sentence["text"].as_str().unwrap();
            let (_, after) = rest.split_once(said).expect("sentences are in order");
            rest = after;
        }
        for source in sources(section) {
            assert!(within(section, source), "{source} in {}", section["title"]);
        }
    }
    report
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().unwrap()
}

/// The sources of all sentences of a section.
fn sources(section: &Value) -> impl Iterator<Item = &Value> {
    let sentences = list(section, "sentences").iter();
    sentences.flat_map(|sentence| list(sentence, "sources"))
}

fn bytes(passage: &Value) -> std::ops::Range<usize> {
    let at = |name: &str| usize::try_from(passage[name].as_u64().unwrap()).unwrap();
    at("byte_start")..at("byte_end")
}

fn within(section: &Value, source: &Value) -> bool {
    let (part, source) = (bytes(section), bytes(source));
    part.start <= source.start && source.end <= part.end && !source.is_empty()
}

#[tokio::test]
async fn the_builtin_model_says_where_it_quotes() {
    let text = sample();
    let timed = report(None, &[], &text).await;
    let untimed = {
        let lines = text.lines().map(|line| line.get(11..).unwrap_or("").trim());
        report(None, &[], &lines.collect::<Vec<_>>().join("\n")).await
    };
    for (report, has_times) in [(&timed, true), (&untimed, false)] {
        let sections = list(report, "sections");
        let titles: Vec<&Value> = sections.iter().map(|section| &section["title"]).collect();
        assert_eq!(list(report, "topics").iter().collect::<Vec<_>>(), titles);
        let all: Vec<&Value> = sections.iter().flat_map(sources).collect();
        assert!(all.len() > 100, "{}", all.len());
        assert!(
            all.iter()
                .all(|source| source["time"].is_string() == has_times)
        );
        assert!(all.iter().all(|source| source["speaker"].is_string()));
    }
    // The first words of a quotation are in its passage.
    let (mut all, mut found) = (0, 0);
    for section in list(&timed, "sections") {
        for sentence in list(section, "sentences") {
            let said = sentence["text"].as_str().unwrap();
            let said = said.split_once(": ").map_or(said, |(_, said)| said);
            let words: Vec<&str> = said.split(' ').take(3).collect();
            let there = |source: &Value| {
                let passage = &text[bytes(source)];
                passage.contains(words.last().unwrap())
            };
            all += 1;
            found += usize::from(list(sentence, "sources").first().is_some_and(there));
        }
    }
    assert!(found * 100 >= all * 95, "{found} of {all}");
}

/// An author that obeys, whose outline has entries of every kind.
fn with_lists(request: &ChatRequest) -> Behaviour {
    let prompt = request.message("user");
    let answer = obedient::answer(prompt);
    Behaviour::text(match prompt.ends_with(" TOPIC lines.") {
        true => format!(
            "{answer}PERSON: Lee Ng | buyer | Ng\nTERM: item7 | a part of the depot\n\
             DECIDED: vendor3 delivers item3 before week 4 [4]\n\
             ACTION: Lee Ng | to order item5 from vendor5 | week 6 | promised [6]\n\
             OPEN: who looks at item8 [9]\nFIGURE: 1021 dollars | the cost of item3 [4]\n"
        ),
        // A term is explained where it is used.
        false if prompt.contains(" of the transcript for section ") => {
            format!("{answer} Nobody asked what item7 costs.")
        }
        false => answer,
    })
}

#[tokio::test]
async fn entries_rest_on_the_lines_of_the_outline_or_on_the_closest_passages() {
    let server = ChatServer::start(with_lists).await;
    let text = meeting(3000);
    let settings = [("SUMMARY_WORDS", "1000")];
    let report = report(Some(server.url()), &settings, &text).await;
    let passages = |name: &str| -> Vec<&str> {
        let entries = list(&report, name).iter();
        let sources = entries.flat_map(|entry| list(entry, "sources"));
        sources
            .map(|source| text.get(bytes(source)).unwrap())
            .collect()
    };
    let line = |nth: usize| text.lines().nth(nth).unwrap();
    assert_eq!(passages("decisions")[0].trim(), line(3));
    assert_eq!(passages("actions")[0].trim(), line(5));
    assert_eq!(passages("open_questions")[0].trim(), line(8));
    // The outline names no lines for these.
    assert!(
        passages("terms")[0].contains("item7,"),
        "{:?}",
        passages("terms")
    );
    assert_eq!(report["actions"][0]["owner"], "Lee Ng");
}

#[tokio::test]
async fn reports_of_every_kind_have_their_schema() {
    // A translation.
    let server = ChatServer::start(|request| Behaviour::text(german(request))).await;
    let translated = report(
        Some(server.url()),
        &[("SUMMARY_LANGUAGE", "de"), ("SUMMARY_WORDS", "600")],
        &meeting(3000),
    )
    .await;
    assert_eq!(translated["language"], "de");
    // One section that nobody writes.
    let server = ChatServer::start(|request| {
        let prompt = request.message("user");
        match prompt.contains("item400,") && !prompt.ends_with(" TOPIC lines.") {
            true => Behaviour::text("I'm sorry, but I cannot help with that."),
            false => Behaviour::text(obedient::answer(prompt)),
        }
    })
    .await;
    let degraded = report(Some(server.url()), &[], &meeting(9000)).await;
    assert!(degraded["coverage"]["degraded"].as_u64().unwrap() > 0);
    let is_extractive = |section: &&Value| section["source"] == "extractive";
    let quoted = list(&degraded, "sections")
        .iter()
        .find(is_extractive)
        .unwrap();
    assert!(sources(quoted).count() > 0);
    // Captions with a mean confidence, and a text in which nobody is named.
    let words = "the depot floods whenever the harbor rises and the crane is late";
    let items = (0..300).map(|nth| {
        json!({"start_time": f64::from(nth) * 3.0, "end_time": f64::from(nth) * 3.0 + 2.0, "type": "pronunciation",
            "alternatives": [{"confidence": "0.91", "content": words.split(' ').nth(nth as usize % 12)}]})
    });
    let items: Vec<Value> = items.collect();
    let transcript = json!({"jobName": "job", "accountId": "1", "status": "COMPLETED",
        "results": {"transcripts": [{"transcript": words.repeat(25)}], "items": items}});
    for text in [transcript.to_string(), format!("{words}. ").repeat(30)] {
        report(None, &[], &text).await;
    }
}

#[tokio::test]
async fn the_schema_rejects_what_no_report_is() {
    let report = report(None, &[("SUMMARY_WORDS", "300")], &sample()).await;
    let validator = Validator::new();
    let changed = |change: fn(&mut Value)| {
        let mut changed = report.clone();
        change(&mut changed);
        changed
    };
    for change in [
        (|report| report["version"] = json!(2)) as fn(&mut Value),
        |report| report["color"] = json!("blue"),
        |report| drop(report.as_object_mut().unwrap().remove("topics")),
        |report| report["sections"][0]["sentences"][0]["sources"] = json!([{"byte_start": 1}]),
        |report| report["sections"][0]["sentences"][0]["sources"][0]["byte_start"] = json!(-1),
        |report| report["sections"][0]["sentences"][0]["text"] = json!(""),
        |report| report["language"] = json!(1),
    ] {
        assert!(validator.rejects(&changed(change)));
    }
}

/// Whatever has properties says what they are, and lets no others pass.
#[test]
fn the_schema_describes_every_member() {
    fn check(path: &str, schema: &Value) {
        let Some(object) = schema.as_object() else {
            return;
        };
        let is_reference = object.contains_key("$ref");
        assert!(
            is_reference
                || object["description"]
                    .as_str()
                    .is_some_and(|text| text.ends_with('.')),
            "{path}"
        );
        if let Some(properties) = object.get("properties").and_then(Value::as_object) {
            assert_eq!(object["additionalProperties"], false, "{path}");
            for (name, member) in properties {
                check(&format!("{path}.{name}"), member);
            }
        }
        if let Some(items) = object.get("items") {
            check(&format!("{path}[]"), items);
        }
    }
    let schema = schema();
    check("report", &schema);
    for (name, definition) in schema["$defs"].as_object().unwrap() {
        check(name, definition);
    }
}

#[tokio::test]
async fn a_line_of_jq_makes_speakers_topics_and_summary_of_a_report() {
    let report = report(None, &[("SUMMARY_WORDS", "300")], &sample()).await;
    let page = std::fs::read_to_string(in_repository("src/guide/results.md")).unwrap();
    let line = page.lines().find_map(|line| line.strip_prefix("jq '"));
    let (filter, _) = line.unwrap().split_once("' ").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("report.json");
    std::fs::write(&file, report.to_string()).unwrap();
    let Ok(output) = Command::new("jq").arg(filter).arg(&file).output() else {
        eprintln!("skipped: jq is not here");
        return;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let projection: Value = serde_json::from_slice(&output.stdout).unwrap();
    let speakers = ["Marguerite Oyelaran", "Tobias Renwick", "Dell Kowalczyk"];
    assert_eq!(
        projection["speakers"].as_array().unwrap()[..3],
        speakers.map(Value::from)
    );
    assert_eq!(projection["topics"], report["topics"]);
    let texts = list(&report, "sections")
        .iter()
        .map(|section| section["text"].clone());
    assert_eq!(projection["summary"], Value::from_iter(texts));
}

#[test]
fn the_summary_among_the_samples_is_of_the_sample_and_the_readme_quotes_it() {
    let read = |path: &str| std::fs::read_to_string(in_repository(path)).unwrap();
    let report: Value = serde_json::from_str(&read("samples/by-claude/summary.json")).unwrap();
    Validator::new().assert(&report);
    let transcript = read("samples/harbor-line-review.txt");
    assert_eq!(report["source"]["bytes"], transcript.len());
    let summary = read("samples/by-claude/summary.txt");
    let quoted: Vec<String> = read("README.md")
        .lines()
        .skip_while(|line| !line.contains("samples/by-claude/summary.txt"))
        .skip_while(|line| !line.starts_with("> "))
        .map_while(|line| line.strip_prefix("> ").map(str::to_owned))
        .collect();
    assert!(!quoted.is_empty() && summary.contains(&quoted.join(" ")));
}
