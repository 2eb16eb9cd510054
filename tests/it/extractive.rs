//! The embedded extractive model: its measured quality, and its coverage of the whole meeting.

use std::collections::HashSet;
use std::path::Path;

use serde_json::Value;
use transcript_summarizer::extract;
use transcript_summarizer::text::{sentence, words};
use transcript_summarizer::transcript::Passage;

/// Length in words of the word runs by which a sentence is recognized in the summary.
const RUN: usize = 4;

/// Number of equal parts of a meeting, each of which must be represented.
const TENTHS: usize = 10;

/// A meeting and its human-written summaries.
struct Meeting {
    name: String,
    text: String,
    /// The reference summary of the whole meeting, one paragraph.
    general: String,
    /// The same, plus the answers to questions about specific parts.
    all: String,
}

fn extract(text: &str, words: usize) -> String {
    extract::extract(&Passage::of_text(text), words)
}

/// The QMSum meetings, or nothing if the shared data is not available.
fn meetings() -> Vec<Meeting> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/transcripts/qmsum");
    let Ok(entries) = std::fs::read_dir(&dir) else {
        eprintln!("skipped: {} is not here", dir.display());
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "txt"));
    paths.sort();
    let read = |path: std::path::PathBuf| {
        let reference = std::fs::read(path.with_extension("ref.json")).unwrap();
        let reference: Value = serde_json::from_slice(&reference).unwrap();
        let joined = |field: &str| {
            let texts = reference[field].as_array().unwrap().iter();
            texts
                .map(|text| text.as_str().unwrap())
                .collect::<Vec<_>>()
                .join(" ")
        };
        Meeting {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            text: std::fs::read_to_string(&path).unwrap(),
            general: joined("general"),
            all: format!("{} {}", joined("general"), joined("specific")),
        }
    };
    paths.into_iter().map(read).collect()
}

#[test]
fn it_says_what_people_found_worth_saying() {
    let meetings = meetings();
    if meetings.is_empty() {
        return;
    }
    let mean = |score: &dyn Fn(&Meeting) -> f64| {
        meetings.iter().map(score).sum::<f64>() / meetings.len() as f64
    };
    let long =
        mean(&|meeting| crate::support::rouge::rouge_1(&extract(&meeting.text, 450), &meeting.all));
    let short = mean(&|meeting| {
        crate::support::rouge::rouge_1(&extract(&meeting.text, 110), &meeting.general)
    });
    println!(
        "{} meetings: ROUGE-1 {long:.4} at 450 words, {short:.4} at 110",
        meetings.len()
    );
    assert!(long >= 0.36, "{long}");
    assert!(short >= 0.24, "{short}");
}

#[test]
fn every_tenth_of_a_meeting_is_represented() {
    let mut missing = Vec::new();
    for meeting in meetings() {
        let summary = extract(&meeting.text, 450);
        let tenths: Vec<HashSet<Vec<String>>> = tenths(&meeting.text);
        let mut taken = [0_usize; TENTHS];
        for sentence in said(&summary) {
            let runs: Vec<_> = sentence.windows(RUN.min(sentence.len())).collect();
            let hits = |tenth: &HashSet<Vec<String>>| {
                runs.iter().filter(|run| tenth.contains(**run)).count()
            };
            let best = (0..TENTHS).max_by_key(|&at| hits(&tenths[at])).unwrap();
            if hits(&tenths[best]) > 0 {
                taken[best] += 1;
            }
        }
        if taken.contains(&0) {
            missing.push(format!(
                "{} ({} words): {taken:?}",
                meeting.name,
                words::count(&meeting.text)
            ));
        }
    }
    assert!(
        missing.is_empty(),
        "sentences from each tenth:\n{}",
        missing.join("\n")
    );
}

/// The word runs in each tenth of a text, with tenths measured in words.
fn tenths(text: &str) -> Vec<HashSet<Vec<String>>> {
    let all: Vec<Vec<String>> = said(text);
    let total: usize = all.iter().map(Vec::len).sum();
    let mut tenths = vec![HashSet::new(); TENTHS];
    let mut before = 0;
    for sentence in all {
        let tenth = (before * TENTHS / total.max(1)).min(TENTHS - 1);
        before += sentence.len();
        tenths[tenth].extend(
            sentence
                .windows(RUN.min(sentence.len()).max(1))
                .map(<[_]>::to_vec),
        );
    }
    tenths
}

/// The sentences of a transcript or extract as normalized words, without labels, fillers and stutter.
fn said(text: &str) -> Vec<Vec<String>> {
    const FILLERS: [&str; 14] = [
        "um", "umm", "uh", "uhm", "er", "erm", "ah", "eh", "hm", "hmm", "mm", "mmm", "mhm", "err",
    ];
    let mut sentences = Vec::new();
    for line in text.lines() {
        let spoken = line.split_once(": ").map_or(line, |(_, spoken)| spoken);
        for found in sentence::sentences(spoken) {
            let mut words: Vec<String> = found
                .of(spoken)
                .to_lowercase()
                .split(|c: char| !c.is_alphanumeric())
                .filter(|word| !word.is_empty() && !FILLERS.contains(word))
                .map(str::to_owned)
                .collect();
            words.dedup();
            if !words.is_empty() {
                sentences.push(words);
            }
        }
    }
    sentences
}
