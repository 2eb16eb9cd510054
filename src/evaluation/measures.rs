//! Measures one summary: against its reference, and against the transcript.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::evaluation::rouge::{By, Rouge, rouge};
use crate::model::Usage;
use crate::summary::check::support::{self, Comparable};
use crate::text::Language;
use crate::transcript::Transcript;

/// Lists of a report whose entries are part of the summary.
const LISTS: [&str; 7] = [
    "people",
    "decisions",
    "positions",
    "actions",
    "open_questions",
    "figures",
    "terms",
];

/// A summary to be measured.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The transcript.
    pub transcript: &'a Transcript,
    /// What a person wrote about it.
    pub reference: &'a str,
    /// The published summary.
    pub summary: &'a str,
    /// The report on it.
    pub report: &'a Value,
    /// The language that was wished, if not that of the transcript.
    pub language: Option<&'a Language>,
}

/// What is measured of one summary.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Measures {
    /// Overlap with the reference.
    pub rouge: Rouge,
    /// The same by stems.
    pub rouge_stemmed: Rouge,
    /// Words of the summary.
    pub words: usize,
    /// Words that were asked for, or fewer where the transcript is too short for them.
    pub target_words: usize,
    /// (words − target) ÷ target.
    pub deviation: f64,
    /// Shares of the tenths of the transcript that are in passages which sentences of the summary rest on.
    pub tenths: [f64; 10],
    /// Different numbers of the summary, from 4 up, that are not in the transcript.
    pub unsupported_numbers: usize,
    /// Different names of the summary that are not in the transcript. `None` where names cannot be told from nouns, or are
    /// translated.
    pub unsupported_names: Option<usize>,
    /// Model usage.
    pub usage: Usage,
}

/// A summary that was evaluated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// How its transcript is named.
    pub input: String,
    /// Digest of the transcript and its reference, by which evaluations of the same data are paired.
    pub digest: String,
    /// Where the summary was written.
    pub summary: String,
    /// Seconds from the start of the summary to its end.
    pub seconds: f64,
    /// Whether an earlier run of the evaluation made it.
    pub is_earlier: bool,
    /// What was measured.
    pub measures: Measures,
}

/// Measures a summary.
///
/// # Errors
/// If the report lacks what is measured.
pub fn measure(case: &Case<'_>) -> serde_json::Result<Measures> {
    let report = case.report;
    let read = |part: &str, member: &str| {
        let value = report.get(part).and_then(|part| part.get(member));
        value.cloned().unwrap_or_default()
    };
    let bytes = serde_json::from_value(read("source", "bytes"))?;
    let (unsupported_numbers, unsupported_names) = unsupported(case);
    Ok(Measures {
        rouge: rouge(case.reference, case.summary, By::Words),
        rouge_stemmed: rouge(case.reference, case.summary, By::Stems),
        words: serde_json::from_value(read("summary", "words"))?,
        target_words: serde_json::from_value(read("summary", "target_words"))?,
        deviation: serde_json::from_value(read("summary", "deviation"))?,
        tenths: tenths(cited(report), bytes),
        unsupported_numbers,
        unsupported_names,
        usage: Usage::deserialize(report.get("usage").unwrap_or(&Value::Null))?,
    })
}

/// The entries of a list in a report.
fn list<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    of.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// The byte ranges of the passages that sentences rest on.
fn cited(report: &Value) -> Vec<(u64, u64)> {
    let sentences = list(report, "sections").flat_map(|section| list(section, "sentences"));
    let passages = sentences.flat_map(|sentence| list(sentence, "sources"));
    let byte = |passage: &Value, name| passage.get(name).and_then(Value::as_u64);
    passages
        .filter_map(|passage| Some((byte(passage, "byte_start")?, byte(passage, "byte_end")?)))
        .collect()
}

/// The share of each tenth of `bytes` bytes that is in one of the ranges.
fn tenths(mut ranges: Vec<(u64, u64)>, bytes: u64) -> [f64; 10] {
    ranges.sort_unstable();
    let tenth = bytes as f64 / 10.0;
    let mut shares = [0.0; 10];
    let mut covered = 0;
    for (start, end) in ranges {
        let (start, end) = (start.max(covered) as f64, end.min(bytes).max(covered));
        for (at, share) in (0..).map(f64::from).zip(&mut shares) {
            let overlap = (end as f64).min((at + 1.0) * tenth) - start.max(at * tenth);
            *share += overlap.max(0.0) / tenth;
        }
        covered = end;
    }
    shares
}

/// How many numbers and names of the summary's prose and lists are not in the transcript. Its headings are left out: they
/// capitalize other words.
fn unsupported(case: &Case<'_>) -> (usize, Option<usize>) {
    let transcript = case.transcript;
    let labels = transcript.segments.speakers.iter();
    let labels = labels.chain(&transcript.segments.labels);
    let mut source = transcript.text().to_owned();
    for label in labels {
        source.push('\n');
        source.push_str(label);
    }
    let spoken = transcript.language();
    let by = Comparable::of(case.language, spoken.as_deref());
    let entries = LISTS.iter().flat_map(|name| list(case.report, name));
    let sections = list(case.report, "sections");
    let texts = sections
        .chain(entries)
        .filter_map(|entry| entry.get("text"));
    let texts = texts.chain(case.report.get("overview"));
    let texts: Vec<&str> = texts.filter_map(Value::as_str).collect();
    let numbers = by
        .missing_numbers(&texts.join("\n"), &by.known_numbers(&source))
        .0;
    let has_names = by.has_words()
        && !spoken.is_some_and(|spoken| {
            let spoken = Language::parse(&spoken);
            spoken.is_some_and(|spoken| spoken.capitalizes_nouns())
        });
    let names = || {
        let names: HashSet<String> = texts.iter().flat_map(|text| support::names(text)).collect();
        let known = support::words_among(&source, |word| names.contains(word));
        names.difference(&known).count()
    };
    (numbers, has_names.then(names))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::transcript::Decoder;

    const TRANSCRIPT: &str = "Dana: The depot at Gasworks Lane costs 4.2 million.\nLee: Until the 27th of March, then.\n";

    fn measured(text: &str, sources: &Value) -> Measures {
        let mut decoder = Decoder::default();
        decoder.push(TRANSCRIPT.as_bytes()).unwrap();
        let report = json!({
            "source": {"bytes": TRANSCRIPT.len()},
            "summary": {"words": 10, "target_words": 8, "deviation": 0.25},
            "overview": null,
            "decisions": [{"text": "By 31 May, says Ruiz.", "sources": []}],
            "sections": [{"title": "Paid By Napoleon 1815", "text": text, "sentences": [{"text": text, "sources": sources}]}],
            "usage": {"calls": 2},
        });
        measure(&Case {
            transcript: &Transcript::new(decoder.finish().unwrap()).unwrap(),
            reference: "The depot costs 4.2 million.",
            summary: text,
            report: &report,
            language: None,
        })
        .unwrap()
    }

    #[test]
    fn numbers_and_names_are_looked_up_in_the_transcript_and_its_labels() {
        let text = "Today Dana and Lee said that it costs 4.2 million until March 27, and 77 million for Brackwater.";
        let found = measured(text, &json!([]));
        // 77 and 31; Brackwater, May and Ruiz.
        assert_eq!(
            (found.unsupported_numbers, found.unsupported_names),
            (2, Some(3))
        );
        assert_eq!(
            (found.words, found.target_words, found.usage.calls),
            (10, 8, 2)
        );
    }

    #[test]
    fn tenths_count_what_is_cited_once() {
        let at = |start: usize, end: usize| json!({"byte_start": start, "byte_end": end});
        let found = measured("It costs much.", &json!([at(0, 20), at(10, 15), at(5, 25)]));
        let covered: f64 = found.tenths.iter().sum();
        let expected = 25.0 / (TRANSCRIPT.len() as f64 / 10.0);
        assert!((covered - expected).abs() < 1e-9, "{:?}", found.tenths);
        assert_eq!((found.tenths[0], found.tenths[9]), (1.0, 0.0));
    }

    #[test]
    fn a_report_that_lacks_something_is_an_error() {
        let transcript = Transcript::verbatim("Dana: Yes.".to_owned());
        let case = Case {
            transcript: &transcript,
            reference: "",
            summary: "",
            report: &json!({"summary": {}}),
            language: None,
        };
        assert!(measure(&case).is_err());
    }
}
