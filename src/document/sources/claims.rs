//! Divides the text of a summary into claims, each with its terms.

use std::collections::HashSet;
use std::ops::Range;

use crate::document::sources::terms::{self, Kind, Vocabulary};
use crate::summary::Summary;
use crate::summary::check::support;
use crate::text::{sentence, words};
use crate::transcript::Transcript;

/// What terms of a claim are worth, times their inverse document frequency.
const NUMBER_WORTH: f64 = 2.5;
const NAME_WORTH: f64 = 1.5;
const ROOT_WORTH: f64 = 0.5;
const PAIR_WORTH: f64 = 0.4;

/// Numbers below are often counts that the author made.
const MIN_NUMBER: f64 = 4.0;

/// A claim with fewer words that tell something is also found by pairs of words that tell nothing.
const FEW_WORDS: usize = 4;

/// The names of those who speak, as the transcript and the summary have them.
pub(super) struct Speakers {
    /// All forms of each speaker's name, by the speaker's index.
    pub(super) names: Vec<Vec<String>>,
    /// Their words in lower case.
    words: HashSet<String>,
}

impl Speakers {
    pub(super) fn of(transcript: &Transcript, summary: &Summary) -> Self {
        let segments = &transcript.segments;
        let names: Vec<Vec<String>> = segments
            .speakers
            .iter()
            .map(|speaker| {
                let renamed = summary
                    .renamings
                    .iter()
                    .filter(|renaming| renaming.label == *speaker);
                let renamed = renamed.map(|renaming| renaming.name.clone());
                [speaker.clone()].into_iter().chain(renamed).collect()
            })
            .collect();
        let words = names
            .iter()
            .flatten()
            .flat_map(|name| words::runs(name))
            .map(str::to_lowercase)
            .collect();
        Self { names, words }
    }

    /// The speaker whose name and a colon a paragraph begins with, and their length.
    fn label(&self, paragraph: &str) -> Option<(usize, usize)> {
        let (head, _) = paragraph.split_once(": ")?;
        let is_named = |names: &Vec<String>| names.iter().any(|name| name == head);
        let speaker = self.names.iter().position(is_named)?;
        Some((speaker, head.len() + 2))
    }
}

/// A term of a claim.
#[derive(Debug, Clone, Copy)]
pub(super) struct Term {
    pub(super) id: u32,
    pub(super) worth: f64,
}

/// A sentence of the summary, or an entry of a list.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) at: Range<usize>,
    pub(super) terms: Vec<Term>,
    /// Whoever is quoted: the index of the speaker whose name the paragraph begins with.
    pub(super) quoted: Option<usize>,
    /// Whether it ends with a colon.
    pub(super) introduces: bool,
}

impl Claim {
    fn new(
        text: &str,
        at: Range<usize>,
        quoted: Option<usize>,
        speakers: &Speakers,
        vocabulary: &mut Vocabulary,
    ) -> Self {
        let names = support::names(text);
        let mut found: Vec<(String, f64, Kind)> = Vec::new();
        let is_translated = vocabulary.is_translated;
        terms::for_each(text, is_translated, |kind, key, run| {
            let lower = run.to_lowercase();
            let is_name = names.contains(&lower) || speakers.words.contains(&lower);
            let worth = match kind {
                Kind::Word if is_name => NAME_WORTH,
                Kind::Word => 1.0,
                Kind::Root => ROOT_WORTH,
                Kind::Pair => PAIR_WORTH,
                Kind::Number if run.parse().is_ok_and(|number: f64| number < MIN_NUMBER) => 1.0,
                Kind::Number => NUMBER_WORTH,
            };
            if found.iter().all(|(known, ..)| known != key) {
                found.push((key.to_owned(), worth, kind));
            }
        });
        let told = found.iter().filter(|(.., kind)| *kind == Kind::Word);
        let is_short = told.count() < FEW_WORDS;
        let is_telling = |key: &str, kind| {
            let mut words = key.split(' ');
            kind != Kind::Pair || words.any(|word| !crate::text::terms::is_stopword(word))
        };
        let terms = found.into_iter();
        let terms = terms.filter(|(key, _, kind)| is_short || is_telling(key, *kind));
        // What is in the vocabulary is looked up in the whole transcript, so only what counts is added.
        let terms = terms.map(|(key, worth, _)| Term {
            id: vocabulary.add(&key),
            worth,
        });
        Self {
            at,
            terms: terms.collect(),
            quoted,
            introduces: text.ends_with([':', '：']),
        }
    }

    /// The claim of a list's entry.
    pub(super) fn of_entry(text: &str, speakers: &Speakers, vocabulary: &mut Vocabulary) -> Self {
        Self::new(text, 0..text.len(), None, speakers, vocabulary)
    }
}

/// The claims of a text in which `matters` stand in lines of their own.
pub(super) fn claims_of(
    text: &str,
    matters: &[String],
    speakers: &Speakers,
    vocabulary: &mut Vocabulary,
) -> Vec<Claim> {
    let mut claims = Vec::new();
    let mut at = 0;
    for paragraph in text.split_inclusive('\n') {
        let start = at;
        at += paragraph.len();
        let line = paragraph.trim();
        let start = start + (paragraph.len() - paragraph.trim_start().len());
        if line.is_empty() || matters.iter().any(|matter| matter == line) {
            continue;
        }
        if let Some(item) = line.strip_prefix("- ") {
            let start = start + line.len() - item.len();
            claims.push(Claim::new(
                item,
                start..start + item.len(),
                None,
                speakers,
                vocabulary,
            ));
            continue;
        }
        let label = speakers.label(line);
        let quoted = label.map(|(speaker, _)| speaker);
        let mut label = label.map_or(0, |(_, length)| length);
        for sentence in sentence::sentences(line) {
            let said = sentence.of(line).split_at(label.min(sentence.len())).1;
            let at = start + sentence.start..start + sentence.end;
            claims.push(Claim::new(said, at, quoted, speakers, vocabulary));
            label = 0;
        }
    }
    claims
}
