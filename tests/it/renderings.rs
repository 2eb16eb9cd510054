//! What is written beside a summary: the page, the summary in Markdown and the chapters.

use std::sync::Arc;

use serde_json::json;
use transcript_summarizer::job::Outcome;

use crate::support::behaviour::Behaviour;
use crate::support::chat_server::{ChatRequest, ChatServer};
use crate::support::obedient;
use crate::support::summaries::{sample, transcripts};
use crate::support::workplace::{Workplace, meeting};
use crate::support::writer::{Habit, PROFILES, SimulatedWriter};

const ENDINGS: [&str; 5] = [
    "_summary.json",
    "_summary.html",
    "_summary.md",
    "_chapters.vtt",
    "_summary.txt",
];

/// The existing results of `key`, without the prefix of their keys.
fn endings(place: &Workplace, key: &str) -> Vec<&'static str> {
    let exists = |ending: &&str| place.exists(&format!("summaries/{key}{ending}"));
    ENDINGS.into_iter().filter(exists).collect()
}

/// Writes with a simulated model, which makes an outline.
async fn modelled(settings: &[(&str, &str)]) -> Workplace {
    let model = SimulatedWriter::new(Habit::Measured(PROFILES[0])).window(Some(131_072));
    let remote = [("HF_API_TOKEN", "hf_x"), ("MODEL_CONTEXT_TOKENS", "131072")];
    let place = Workplace::new(None, &[&remote, settings].concat()).await;
    place.with_model(Arc::new(model))
}

#[tokio::test]
async fn settings_and_times_decide_what_is_written() {
    let untimed = meeting(900).replace(['[', ']'], "");
    let untimed = untimed
        .lines()
        .map(|line| line.split_at(9).1.to_owned() + "\n");
    let untimed = untimed.collect::<String>();
    for (settings, content, expected) in [
        (
            &[][..],
            meeting(900),
            &["_summary.html", "_chapters.vtt"][..],
        ),
        (&[], untimed.clone(), &["_summary.html"]),
        (&[("SUMMARY_PAGE", "off")], untimed, &[]),
        (
            &[("SUMMARY_PAGE", "off"), ("SUMMARY_FORMAT", "markdown")],
            meeting(900),
            &["_summary.md", "_chapters.vtt"],
        ),
        (
            &[("SUMMARY_FORMAT", "markdown"), ("OUTPUT_PREFIX", "out/")],
            meeting(900),
            &[],
        ),
    ] {
        let place = Workplace::new(None, settings).await;
        let upload = place.upload("team/é.txt", content);
        let ended = place.run(&upload).await.unwrap();
        let Outcome::Done(done) = ended else {
            panic!("{ended:?}");
        };
        for key in &done.report.artifacts {
            assert!(place.exists(key), "{key}");
        }
        let page = settings.iter().all(|setting| setting.0 != "SUMMARY_PAGE");
        assert_eq!(done.page.is_some(), page);
        if settings.iter().any(|setting| setting.0 == "OUTPUT_PREFIX") {
            let keys = ENDINGS[1..]
                .iter()
                .map(|ending| format!("out/team/é.txt{ending}"));
            assert_eq!(done.report.artifacts, keys.collect::<Vec<_>>());
            continue;
        }
        let all = [&["_summary.json"], expected, &["_summary.txt"]].concat();
        assert_eq!(endings(&place, "team/é.txt"), all, "{settings:?}");
        let named = all[1..]
            .iter()
            .map(|ending| format!("summaries/team/é.txt{ending}"));
        let report = place.read_json("summaries/team/é.txt_summary.json");
        assert_eq!(report["artifacts"], json!(named.collect::<Vec<_>>()));
    }
}

#[tokio::test]
async fn markdown_says_the_same_as_the_text() {
    let place = modelled(&[("SUMMARY_FORMAT", "markdown")]).await;
    let upload = place.upload("board: \"May\".txt", sample());
    place.run(&upload).await.unwrap();
    let read = |ending: &str| place.read(&format!("summaries/board: \"May\".txt{ending}"));
    let (text, markdown, report) = (
        read("_summary.txt"),
        read("_summary.md"),
        read("_summary.json"),
    );
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let (matter, body) = markdown
        .strip_prefix("---\n")
        .unwrap()
        .split_once("---\n")
        .unwrap();
    for line in [
        "title: \"Board: \\\"May\\\"\"".to_owned(),
        "source: \"board: \\\"May\\\".txt\"".to_owned(),
        "language: \"en\"".to_owned(),
        format!("words: {}", report["summary"]["words"]),
        format!("source_words: {}", report["source"]["words"]),
    ] {
        assert!(matter.lines().any(|one| one == line), "{line} in {matter}");
    }
    let body = body.strip_prefix("\n# Board: \"May\"\n").unwrap();
    // Without the marks and escapes that this text needs.
    let plain = body
        .lines()
        .map(|line| line.trim_start_matches('#').trim().replace('\\', ""));
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert!(!text.contains('\\') && text.lines().all(|line| !line.starts_with('#')));
    assert_eq!(words(&plain.collect::<Vec<_>>().join("\n")), words(&text));
    let headings = body.lines().filter(|line| line.starts_with("## ")).count();
    let sections = report["sections"].as_array().unwrap().len();
    assert!(
        headings > sections + 1,
        "{headings} headings, {sections} sections"
    );
}

/// The cues of a track: start and end in milliseconds, and the text.
fn cues(track: &str) -> Vec<(u64, u64, String)> {
    let mut blocks = track.trim_end().split("\n\n");
    assert_eq!(blocks.next(), Some("WEBVTT"));
    let time = |text: &str| {
        let (clock, millis) = text.split_once('.').unwrap();
        let parts: Vec<u64> = clock.split(':').map(|part| part.parse().unwrap()).collect();
        assert!(parts.len() == 3 && millis.len() == 3, "{text}");
        ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1000 + millis.parse::<u64>().unwrap()
    };
    let cues = blocks.map(|block| {
        let (times, text) = block.split_once('\n').unwrap();
        let (from, until) = times.split_once(" --> ").unwrap();
        assert!(
            !text.is_empty() && !text.contains("-->") && !text.contains('\n'),
            "{block}"
        );
        (time(from), time(until), text.to_owned())
    });
    cues.collect()
}

/// Answers of a model that finds in its outline that people come back to the second matter during the sixth.
fn coming_back(request: &ChatRequest) -> Behaviour {
    let answer = obedient::answer(request.message("user"));
    let first = |matter: usize| {
        let lines = answer.lines();
        let mut topics = lines.filter_map(|line| line.strip_prefix("TOPIC: "));
        topics.nth(matter)?.split(' ').next()?.parse::<usize>().ok()
    };
    if let Some((second, sixth)) = first(1).zip(first(5)) {
        let again = sixth + second / 2;
        let (known, longer) = (
            format!("TOPIC: {second} "),
            format!("TOPIC: {second}, {again} "),
        );
        return Behaviour::text(answer.replace(&known, &longer));
    }
    // Each section has a heading of its own.
    let mut parts = answer.split("Matters of this part");
    let mut answer = parts.next().unwrap_or_default().to_owned();
    for (nth, part) in parts.enumerate() {
        answer.push_str(&format!(
            "Matters of part {}{part}",
            request.number * 10 + nth
        ));
    }
    Behaviour::text(answer)
}

#[tokio::test]
async fn chapters_are_the_stretches_of_the_sections() {
    let server = ChatServer::start(coming_back).await;
    let place = Workplace::new(Some(server.url()), &[]).await;
    let upload = place.upload("board.txt", meeting(9000));
    place.run(&upload).await.unwrap();
    let report = place.read_json("summaries/board.txt_summary.json");
    let cues = cues(&place.read("summaries/board.txt_chapters.vtt"));
    for pair in cues.windows(2) {
        assert!(pair[0].0 < pair[0].1 && pair[0].1 == pair[1].0, "{pair:?}");
        assert_ne!(pair[0].2, pair[1].2);
    }
    let clock = |millis: u64| {
        let seconds = millis / 1000;
        format!(
            "{}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )
    };
    let mut several = 0;
    for section in report["sections"].as_array().unwrap() {
        let title = section["title"].as_str().unwrap();
        let stretches = section["passages"]
            .as_array()
            .map_or(&[][..], Vec::as_slice);
        let starts = match stretches {
            [] => vec![section["time_start"].clone()],
            stretches => stretches
                .iter()
                .map(|stretch| stretch["time"].clone())
                .collect(),
        };
        several += usize::from(starts.len() > 1);
        for start in starts {
            let found = cues.iter().filter(|(from, ..)| clock(*from) == start);
            let titles: Vec<&String> = found.map(|(.., text)| text).collect();
            assert!(
                titles.iter().any(|text| text.contains(title)),
                "{title} at {start}: {titles:?}"
            );
        }
    }
    assert!(several > 0, "no section with several stretches");
}

/// What is removed beside a summary is written again as it was, without a call.
async fn comes_back(name: &str, content: impl AsRef<[u8]>) {
    for place in [
        modelled(&MARKDOWN).await,
        Workplace::new(None, &MARKDOWN).await,
    ] {
        comes_back_in(&place, name, content.as_ref()).await;
    }
}

const MARKDOWN: [(&str, &str); 1] = [("SUMMARY_FORMAT", "markdown")];

async fn comes_back_in(place: &Workplace, name: &str, content: &[u8]) {
    let upload = place.upload(name, content);
    let ended = place.run(&upload).await;
    let Ok(Outcome::Done(done)) = ended else {
        panic!("{name}: {ended:?}");
    };
    let read = || -> Vec<(&str, String)> {
        let there = endings(place, name).into_iter();
        there
            .map(|ending| (ending, place.read(&format!("summaries/{name}{ending}"))))
            .collect()
    };
    let before = read();
    for ending in ["_summary.html", "_summary.md", "_chapters.vtt"] {
        place.remove(&format!("summaries/{name}{ending}"));
    }
    place.remove("summaries/.work");
    let ended = place.run(&upload).await.unwrap();
    let page = match ended {
        Outcome::Duplicate { page, .. } => page,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(page, done.page, "{name}");
    assert!(
        !place.exists("summaries/.work"),
        "{name}: a model was asked"
    );
    for ((ending, before), (same, after)) in before.iter().zip(read()) {
        assert_eq!(*ending, same, "{name}");
        let line = before
            .lines()
            .zip(after.lines())
            .find(|(one, other)| one != other);
        let line = line.map(|(one, other)| {
            [one, other].map(|line| line.chars().take(300).collect::<String>())
        });
        assert_eq!((line, before.len()), (None, after.len()), "{name}{ending}");
    }
    assert_eq!(before.len(), read().len(), "{name}");
}

/// The channels of a recording after each other, as a recognizer has them.
fn channels() -> String {
    let word = |at: usize, word: &str| {
        json!({"type": "pronunciation", "start_time": format!("{}.0", at), "end_time": format!("{}.5", at),
            "alternatives": [{"content": word, "confidence": "0.93"}]})
    };
    let channel = |name: &str, from: usize| {
        let words = (0..400).flat_map(|turn| {
            let said = format!("We looked at item{turn} of {name} which costs {turn} dollars");
            let words: Vec<String> = said.split(' ').map(str::to_owned).collect();
            let words = words.into_iter().enumerate();
            let words = words.map(move |(nth, said)| word(from + turn * 24 + nth, &said));
            let stop = json!({"type": "punctuation", "alternatives": [{"content": ".", "confidence": "0.0"}]});
            words.chain([stop]).collect::<Vec<_>>()
        });
        json!({"channel_label": name, "items": words.collect::<Vec<_>>()})
    };
    let channels = json!([channel("ch_0", 0), channel("ch_1", 12)]);
    json!({"jobName": "j", "accountId": "1", "status": "COMPLETED", "results": {
        "transcripts": [{"transcript": "We looked"}],
        "channel_labels": {"number_of_channels": 2, "channels": channels}, "items": []}})
    .to_string()
}

#[tokio::test]
async fn a_finished_summary_gets_back_what_is_missing_beside_it() {
    let utf16: Vec<u8> = sample().encode_utf16().flat_map(u16::to_le_bytes).collect();
    let captions = meeting(5000);
    let captions = captions.lines().enumerate().map(|(at, turn)| {
        let (_, turn) = turn.split_once("] ").unwrap();
        let (name, said) = turn.split_once(": ").unwrap();
        let (minute, second) = (at / 6, at % 6 * 10);
        format!("00:{minute:02}:{second:02}.250 --> 00:{minute:02}:{second:02}.750\n<v {name}>{said}</v>\n\n")
    });
    let captions = format!("WEBVTT\n\n{}", captions.collect::<String>());
    comes_back("sample.txt", sample()).await;
    comes_back("wide.txt", [&b"\xff\xfe"[..], &utf16].concat()).await;
    comes_back("captions.vtt", captions).await;
    comes_back("channels.json", channels()).await;
    let server = ChatServer::start(coming_back).await;
    let place = Workplace::new(Some(server.url()), &MARKDOWN).await;
    comes_back_in(&place, "board.txt", meeting(9000).as_bytes()).await;
}

#[tokio::test]
#[ignore = "long: run by the gate"]
async fn every_finished_summary_gets_back_what_is_missing_beside_it() {
    for (name, text) in transcripts(2000) {
        comes_back(&format!("{name}.txt"), &text).await;
    }
}
