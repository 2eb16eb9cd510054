//! Checks a summary that a worker elsewhere has written as a whole. Its parts were checked there, when they could still be asked for
//! again. Here is looked for what must not be published, whoever wrote it.

use crate::summary::check::{Expected, Problem, Severity, check};
use crate::summary::flaw::flaw;
use crate::summary::{Summary, Worker};
use crate::text::{Language, Words, words};
use crate::transcript::Transcript;

/// Minimum and maximum length in percent of the target. Most summaries are within five percent of it; a transcript that repeats
/// itself gives a shorter one.
const MIN_PERCENT: usize = 50;
const MAX_PERCENT: usize = 120;

/// The reason not to publish a summary that `worker` wrote, if there is one: what follows "the summary cannot be published:".
pub(crate) fn objection(
    summary: &Summary,
    transcript: &Transcript,
    target: Words,
    wished: Option<&Language>,
    worker: &Worker,
) -> Option<String> {
    let length = summary.words();
    if length * 100 < target.0 * MIN_PERCENT || length * 100 > target.0 * MAX_PERCENT {
        return Some(format!(
            "it has {length} words for a target of {}",
            target.0
        ));
    }
    let sections = summary.sections.iter().map(|section| section.text.as_str());
    let texts: Vec<&str> = summary
        .overview
        .as_deref()
        .into_iter()
        .chain(sections)
        .collect();
    let prose = texts.join("\n\n");
    // What is quoted may be a dialogue, and is copied of course.
    let flaws = texts.iter().filter(|_| !worker.quotes());
    let flaw = flaws.filter_map(|text| flaw(text, true)).next();
    let problems = check(
        &prose,
        flaw,
        &Expected {
            words: words::count(&prose),
            source: transcript.text(),
            notes: "",
            instructions: "",
            fence: "",
            language: wished,
        },
    );
    let mut grave = problems
        .into_iter()
        .filter(|problem| match problem.severity() {
            Severity::Fatal => true,
            Severity::Repetitive | Severity::Content => !worker.quotes(),
            Severity::Length => false,
        });
    let problem = grave.next()?;
    let told = flaw.map(|flaw| format!("a part of it is {}", flaw.name()));
    Some(told.unwrap_or_else(|| match problem {
        Problem::Empty => "it has no text".to_owned(),
        Problem::NotProse => "it is no prose".to_owned(),
        Problem::Echo => "it repeats the transcript or a prompt".to_owned(),
        other => other.warning().unwrap_or("it is no summary").to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Usage;
    use crate::summary::check::tests::{GOOD, SOURCE};
    use crate::summary::{Section, Source};
    use crate::transcript::Decoder;

    fn worker(provider: &str) -> Worker {
        Worker {
            provider: provider.to_owned(),
            model: None,
            context_tokens: None,
            usage: Usage::default(),
            duration_ms: 0,
            generator: String::new(),
        }
    }

    #[test]
    fn what_must_not_be_published_is_found() {
        let mut decoder = Decoder::default();
        decoder.push(SOURCE.as_bytes()).unwrap();
        let transcript = Transcript::new(decoder.finish().unwrap()).unwrap();
        let objection = |text: &str, target, provider| {
            let summary = Summary {
                sections: vec![Section {
                    title: "The depot".to_owned(),
                    times: Vec::new(),
                    text: text.to_owned(),
                    matters: Vec::new(),
                    target_words: target,
                    chunks: vec![0],
                    spans: Vec::new(),
                    source: Source::Model,
                    written_by: None,
                }],
                ..Summary::default()
            };
            objection(
                &summary,
                &transcript,
                Words(target),
                None,
                &worker(provider),
            )
        };
        let invented = GOOD
            .replace("27", "72")
            .replace("1.2", "9.6")
            .replace("2.74", "8.81");
        for (text, target, expected) in [
            (GOOD, 60, None),
            (GOOD, 200, Some("words for a target of 200")),
            (GOOD, 40, Some("words for a target of 40")),
            (&invented, 60, Some("most numbers or names")),
            (
                &format!("I'm sorry, but I cannot do that. {GOOD}"),
                70,
                Some("is a refusal"),
            ),
            (SOURCE, 90, Some("word for word")),
        ] {
            let found = objection(text, target, "huggingface");
            let is_expected = match expected {
                None => found.is_none(),
                Some(expected) => found.as_ref().is_some_and(|found| found.contains(expected)),
            };
            assert!(is_expected, "{found:?} for {expected:?}");
        }
        assert_eq!(objection(SOURCE, 90, "extractive"), None);
    }
}
