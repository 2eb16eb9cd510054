//! Divides the text of a summary into claims, each with its terms.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use crate::document::sources::terms::{Kind, Vocabulary};
use crate::summary::Summary;
use crate::summary::check::support;
use crate::text::{Span, sentence, words};
use crate::transcript::Transcript;

/// What terms are worth, times their inverse document frequency.
const NUMBER_WORTH: f64 = 2.5;
const NAME_WORTH: f64 = 1.5;
const WORD_WORTH: f64 = 1.0;
const PAIR_WORTH: f64 = 0.6;
const ROOT_WORTH: f64 = 0.5;

/// Smaller whole numbers are often counts that the author made, such as "two reasons".
const MIN_NUMBER: u32 = 4;

/// A claim with fewer telling words is also found by pairs of common ones.
const FEW_WORDS: usize = 4;

/// Maximum number of terms that are read of a claim. A sentence has at most 50 words, but an item of a list may have any number.
const MAX_TERMS: usize = 400;

/// Those who speak.
pub(super) struct Speakers {
    /// The forms of each speaker's name in the transcript and in the summary, by the speaker's index.
    pub(super) names: Vec<Vec<String>>,
    /// The words of all names in lower case.
    words: HashSet<String>,
}

impl Speakers {
    pub(super) fn of(transcript: &Transcript, summary: &Summary) -> Self {
        // There may be tens of thousands.
        let mut renamed: HashMap<&str, Vec<&String>> = HashMap::new();
        for renaming in &summary.renamings {
            let names = renamed.entry(&renaming.label).or_default();
            names.push(&renaming.name);
        }
        let forms = |speaker: &String| {
            let names = renamed.get(&**speaker).into_iter().flatten().copied();
            [speaker].into_iter().chain(names).cloned().collect()
        };
        let speakers = transcript.segments.speakers.iter();
        let names: Vec<Vec<String>> = speakers.map(forms).collect();
        let all = names.iter().flatten().flat_map(|name| words::runs(name));
        Self {
            words: all.map(str::to_lowercase).collect(),
            names,
        }
    }

    /// What a line quotes: the name of a speaker and a colon at its start.
    fn quotation(&self, line: &str) -> Quotation {
        let name = line.split_once(": ").map(|(name, _)| name);
        let is_named = |forms: &Vec<String>| forms.iter().any(|form| Some(form.as_str()) == name);
        let speakers = self.names.iter().enumerate();
        let named = speakers.filter(|(_, forms)| is_named(forms));
        let speakers: Vec<usize> = named.map(|(index, _)| index).collect();
        let label = name.filter(|_| !speakers.is_empty());
        Quotation {
            label: label.map_or(0, |name| name.len() + ": ".len()),
            speakers,
        }
    }
}

/// Who is quoted.
#[derive(Debug, Clone, Default)]
struct Quotation {
    /// Length of the name and the colon.
    label: usize,
    /// The indices of all speakers of that name.
    speakers: Vec<usize>,
}

/// A term of a claim.
#[derive(Debug, Clone, Copy)]
pub(super) struct Term {
    pub(super) id: u32,
    pub(super) worth: f64,
    /// Whether it is a name, or a number that is no small count.
    pub(super) is_anchor: bool,
}

/// A sentence of a summary, or an entry of a list.
#[derive(Debug)]
pub(super) struct Claim {
    /// Byte range in its text.
    pub(super) at: Range<usize>,
    pub(super) terms: Vec<Term>,
    /// The indices of the speakers, one of whom is quoted.
    pub(super) quoted: Vec<usize>,
    /// Whether it ends with a colon.
    pub(super) introduces: bool,
}

/// Reads claims and collects their terms.
pub(super) struct Reader<'s> {
    pub(super) speakers: &'s Speakers,
    pub(super) vocabulary: Vocabulary,
}

impl Reader<'_> {
    fn claim(&mut self, text: &str, at: Range<usize>, quoted: Vec<usize>) -> Claim {
        let names = support::names(text);
        let mut found: Vec<(String, Kind, f64, bool)> = Vec::new();
        self.vocabulary.for_each(text, |term| {
            if found.len() == MAX_TERMS || found.iter().any(|(key, ..)| key == term.key) {
                return;
            }
            let lower = term.word.to_lowercase();
            let is_name = || names.contains(&lower) || self.speakers.words.contains(&lower);
            let is_count = || lower.parse().is_ok_and(|number: u32| number < MIN_NUMBER);
            let (worth, is_anchor) = match term.kind {
                Kind::Number if is_count() => (WORD_WORTH, false),
                Kind::Number => (NUMBER_WORTH, true),
                Kind::Word if is_name() => (NAME_WORTH, true),
                Kind::Word => (WORD_WORTH, false),
                Kind::Root => (ROOT_WORTH, false),
                Kind::Pair | Kind::CommonPair => (PAIR_WORTH, false),
            };
            found.push((term.key.to_owned(), term.kind, worth, is_anchor));
        });
        let is = |wanted| move |(_, kind, ..): &&(String, Kind, f64, bool)| *kind == wanted;
        if found.iter().filter(is(Kind::Word)).count() >= FEW_WORDS {
            found.retain(|(_, kind, ..)| *kind != Kind::CommonPair);
        }
        let terms = found.iter().map(|(key, _, worth, is_anchor)| Term {
            id: self.vocabulary.add(key),
            worth: *worth,
            is_anchor: *is_anchor,
        });
        Claim {
            at,
            terms: terms.collect(),
            quoted,
            introduces: text.ends_with([':', '：']),
        }
    }

    /// The claim of an entry of a list.
    pub(super) fn entry(&mut self, text: &str) -> Claim {
        self.claim(text, 0..text.len(), Vec::new())
    }

    /// The claims of a text in which the names of `matters` stand in lines of their own. Of prose each sentence is one, of a
    /// list each item.
    pub(super) fn claims(&mut self, text: &str, matters: &[String]) -> Vec<Claim> {
        let mut claims = Vec::new();
        let mut prose: Option<(Span, Quotation)> = None;
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let start = at;
            at += line.len();
            let trimmed = line.trim();
            let item = trimmed.strip_prefix("- ").map(str::trim_start);
            let is_prose = !trimmed.is_empty()
                && item.is_none()
                && !matters.iter().any(|matter| matter == trimmed);
            let quotation = self.speakers.quotation(line);
            // A sentence may go on in the next line.
            if is_prose
                && quotation.label == 0
                && let Some((span, _)) = &mut prose
            {
                span.end = at;
                continue;
            }
            claims.extend(
                prose
                    .take()
                    .into_iter()
                    .flat_map(|prose| self.sentences(text, prose)),
            );
            if is_prose {
                prose = Some((Span::from(start..at), quotation));
            } else if let Some(item) = item {
                let start = start + line.trim_end().len() - item.len();
                claims.push(self.claim(item, start..start + item.len(), Vec::new()));
            }
        }
        claims.extend(
            prose
                .into_iter()
                .flat_map(|prose| self.sentences(text, prose)),
        );
        claims
    }

    fn sentences(&mut self, text: &str, (span, quotation): (Span, Quotation)) -> Vec<Claim> {
        let prose = span.of(text);
        let sentences = sentence::sentences(prose).into_iter();
        let sentences = sentences.flat_map(|sentence| broken_off(prose, sentence));
        sentences
            .map(|sentence| {
                let label = quotation.label.clamp(sentence.start, sentence.end);
                let said = Span::from(label..sentence.end).of(prose);
                let at = span.start + sentence.start..span.start + sentence.end;
                self.claim(said, at, quotation.speakers.clone())
            })
            .collect()
    }
}

/// A sentence, divided after sentences that were broken off: quotations end them with an ellipsis, which need not end a sentence.
fn broken_off(text: &str, sentence: Span) -> Vec<Span> {
    let mut parts = Vec::new();
    let mut start = sentence.start;
    for (at, found) in sentence.of(text).match_indices("… ") {
        let end = sentence.start + at + found.len();
        let next = Span::from(end..sentence.end).of(text).trim_start();
        if !next.is_empty() && !next.starts_with(char::is_lowercase) {
            parts.push(Span::from(start..end - 1));
            start = sentence.end - next.len();
        }
    }
    parts.push(Span::from(start..sentence.end));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::people::Renaming;

    fn claims(text: &str, matters: &[&str]) -> Vec<(String, Vec<usize>)> {
        let transcript = Transcript::verbatim("spk_0: So.\nLee: It is.\n".to_owned());
        let summary = Summary {
            renamings: vec![Renaming {
                label: "spk_0".to_owned(),
                name: "Dana Ruiz".to_owned(),
            }],
            ..Summary::default()
        };
        let speakers = Speakers::of(&transcript, &summary);
        let mut reader = Reader {
            speakers: &speakers,
            vocabulary: Vocabulary::new(false),
        };
        let matters: Vec<String> = matters.iter().map(|&matter| matter.to_owned()).collect();
        let claims = reader.claims(text, &matters).into_iter();
        claims
            .map(|claim| (text[claim.at].to_owned(), claim.quoted))
            .collect()
    }

    fn texts(text: &str, matters: &[&str]) -> Vec<String> {
        claims(text, matters)
            .into_iter()
            .map(|(text, _)| text)
            .collect()
    }

    #[test]
    fn sentences_and_items_are_claims_and_names_of_matters_are_not() {
        assert_eq!(
            texts(
                "They met. What to do was debated:\n- Serve notice. At once.\n-  Pay.\n\nThe depot\n\nIt floods\nin spring. Always.\n",
                &["The depot"]
            ),
            [
                "They met.",
                "What to do was debated:",
                "Serve notice. At once.",
                "Pay.",
                "It floods\nin spring.",
                "Always."
            ]
        );
        assert_eq!(texts("", &[]), [""; 0]);
        assert_eq!(
            texts("我们开会。讨论预算！", &[]),
            ["我们开会。", "讨论预算！"]
        );
    }

    #[test]
    fn sentences_that_were_broken_off_are_claims() {
        assert_eq!(
            texts("We went… And it… rained. So…", &[]),
            ["We went…", "And it… rained.", "So…"]
        );
    }

    #[test]
    fn a_line_that_begins_with_a_speaker_quotes_them() {
        let said = claims("Dana Ruiz: We met. It rained.\nLee: Yes.\nNobody: No.", &[]);
        let said: Vec<(&str, &[usize])> = said
            .iter()
            .map(|(text, who)| (text.as_str(), &who[..]))
            .collect();
        assert_eq!(
            said,
            [
                ("Dana Ruiz: We met.", &[0][..]),
                ("It rained.", &[0]),
                ("Lee: Yes.", &[1]),
                ("Nobody: No.", &[1]),
            ]
        );
    }
}
