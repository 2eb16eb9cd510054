//! Names people in the finished text: labels such as `spk_0` become the names that the transcript gives them, and nobody is
//! introduced twice.

use std::collections::HashMap;

use crate::summary::assemble::Section;
use crate::summary::outline::{Outline, Person};
use crate::transcript::{Numbering, Segments};

/// What stands for a label in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renaming {
    /// The label in the transcript.
    pub label: String,
    /// The name, or the label as a reader would write it: "Speaker 1".
    pub name: String,
}

/// The labels that a reader should not see, and what is written instead. `speaker` is the word "Speaker" in the language of
/// the summary.
pub(crate) fn renamings(segments: &Segments, outline: &Outline, speaker: &str) -> Vec<Renaming> {
    let numbering = Numbering::of(segments);
    let mut renamings = Vec::new();
    for label in &segments.speakers {
        let named = |person: &&Person| person.label.as_ref() == Some(label);
        let printed = numbering.printed(label, speaker);
        let name = match (outline.people.iter().find(named), printed) {
            // Nothing tells such a label from a word.
            (Some(_), None) if label.chars().all(char::is_lowercase) => continue,
            (Some(person), _) => person.name.clone(),
            (None, Some(printed)) => printed,
            (None, None) => continue,
        };
        if name != *label {
            let label = label.clone();
            renamings.push(Renaming { label, name });
        }
    }
    // Longer labels first, so that `spk_1` does not take the beginning of `spk_10`.
    renamings.sort_by_cached_key(|renaming| std::cmp::Reverse(renaming.label.len()));
    renamings
}

/// `text` with all labels renamed, all at once: a name may be the label of somebody else. A name that has its label in it, such as
/// "Ana Ruiz" for "Ruiz", stays as it is.
pub(crate) fn renamed(text: &str, renamings: &[Renaming]) -> String {
    let mut marked = text.to_owned();
    let names =
        renamings.iter().map(
            |Renaming { label, name }| match name.contains(label.as_str()) {
                true => name.as_str(),
                false => "",
            },
        );
    let labels = renamings.iter().map(|renaming| renaming.label.as_str());
    for (nth, from) in names.enumerate().chain(labels.enumerate()) {
        if !from.is_empty() && marked.contains(from) {
            marked = replaced(&marked, from, |_| Some(format!("{MARK}{nth}{MARK}")));
        }
    }
    for (nth, Renaming { name, .. }) in renamings.iter().enumerate() {
        marked = marked.replace(&format!("{MARK}{nth}{MARK}"), name);
    }
    marked
}

/// Stands around the number of a renaming while others are made. No text has it.
const MARK: char = '\u{1}';

/// Shortens every mention of a person's full name after the first one in the sections.
pub(crate) fn shorten_names(sections: &mut [Section], outline: &Outline) {
    let mut shorts: HashMap<&str, usize> = HashMap::new();
    for person in &outline.people {
        *shorts.entry(person.short.as_str()).or_default() += 1;
    }
    for person in &outline.people {
        let (name, short) = (person.name.as_str(), person.short.as_str());
        // Two people with one short form keep their full names.
        // "the chair" is no name, and neither is a word.
        let is_word = name.starts_with(char::is_lowercase);
        if is_word || short.is_empty() || short.len() >= name.len() || shorts.get(short) != Some(&1)
        {
            continue;
        }
        let mut is_known = false;
        for section in &mut *sections {
            section.text = replaced(&section.text, name, |_| {
                let was_known = std::mem::replace(&mut is_known, true);
                was_known.then(|| short.to_owned())
            });
        }
    }
}

/// `text` with the whole words `from` replaced, where `by` says so.
fn replaced(text: &str, from: &str, mut by: impl FnMut(&str) -> Option<String>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut end = 0;
    for (at, found) in text.match_indices(from) {
        let (before, after) = (
            text.get(..at).unwrap_or(""),
            text.get(at + found.len()..).unwrap_or(""),
        );
        if from.is_empty() || goes_on(before.chars().rev()) || goes_on(after.chars()) {
            continue;
        }
        if let Some(to) = by(found) {
            result.push_str(text.get(end..at).unwrap_or(""));
            result.push_str(&to);
            end = at + found.len();
        }
    }
    result.push_str(text.get(end..).unwrap_or(""));
    result
}

/// Whether a word goes on with the characters next to it: the `S` of "U.S. Marines" and the `A` of "A-level" are no words.
fn goes_on(mut next: impl Iterator<Item = char>) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    match next.next() {
        Some('.' | '-') => next.next().is_some_and(is_word),
        Some(c) => is_word(c),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::Source;

    fn person(label: Option<&str>, name: &str, short: &str) -> Person {
        Person {
            label: label.map(str::to_owned),
            name: name.to_owned(),
            role: "chair".to_owned(),
            short: short.to_owned(),
        }
    }

    #[test]
    fn a_label_within_a_word_is_none() {
        let renaming = |label: &str, name: &str| Renaming {
            label: label.to_owned(),
            name: name.to_owned(),
        };
        let renamings = [renaming("S", "the surgeon"), renaming("A", "Speaker A")];
        for (text, renamed_text) in [
            (
                "S asked the U.S. Marines.",
                "the surgeon asked the U.S. Marines.",
            ),
            ("the surgeon asked S.", "the surgeon asked the surgeon."),
            ("Speaker A sat.", "Speaker A sat."),
            (
                "It was S. A agreed.",
                "It was the surgeon. Speaker A agreed.",
            ),
            (
                "A sat an A-level in S's office.",
                "Speaker A sat an A-level in the surgeon's office.",
            ),
        ] {
            assert_eq!(renamed(text, &renamings), renamed_text);
        }
    }

    #[test]
    fn labels_become_names_or_readable_labels() {
        let labels = [
            "spk_0",
            "Dana",
            "SPEAKER_01",
            "spk_10",
            "Speaker A",
            "Speakman",
            "said",
        ]
        .map(str::to_owned);
        let outline = Outline {
            people: vec![
                person(Some("spk_0"), "Michael Hill", "Hill"),
                person(Some("said"), "Dell", ""),
            ],
            ..Outline::default()
        };
        let segments = Segments::new(Vec::new(), labels.to_vec(), 0);
        let renamings = renamings(&segments, &outline, "Speaker");
        let text =
            "spk_0 asked spk_10, SPEAKER_01 and Speaker A; Speakman said that spk_01 did not.";
        assert_eq!(
            renamed(text, &renamings),
            "Michael Hill asked Speaker 11, Speaker 2 and Speaker A; Speakman said that spk_01 did not."
        );
    }

    #[test]
    fn a_full_name_stands_once() {
        let outline = Outline {
            people: vec![
                person(None, "Professor Ana Ruiz", "Ruiz"),
                person(None, "Tom Lee", "Lee"),
                person(None, "Kim Lee", "Lee"),
                person(None, "thanked", "paid"),
            ],
            ..Outline::default()
        };
        let section = |text: &str| Section {
            title: "Title".into(),
            times: Vec::new(),
            text: text.into(),
            matters: Vec::new(),
            target_words: 9,
            chunks: vec![0],
            spans: vec![(0..1).into()],
            source: Source::Model,
            written_by: None,
        };
        let mut sections = [
            section("Professor Ana Ruiz opened. Tom Lee agreed with Professor Ana Ruiz."),
            section("Tom Lee thanked Professor Ana Ruiz's team."),
        ];
        shorten_names(&mut sections, &outline);
        assert_eq!(
            sections[0].text,
            "Professor Ana Ruiz opened. Tom Lee agreed with Ruiz."
        );
        assert_eq!(sections[1].text, "Tom Lee thanked Ruiz's team.");
    }
}
