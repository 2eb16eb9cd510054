//! Fits a summary to its target length: drops repeated sentences, then either drops the least informative ones or adds
//! sentences from the transcript.

use std::collections::{HashMap, HashSet};

use crate::extract;
use crate::summary::assemble::{Section, Summary};
use crate::text::{Span, sentence, terms, words};
use crate::transcript::Transcript;

/// Tolerated deviation from the target length, in percent.
const LONGER_PERCENT: usize = 3;
const SHORTER_PERCENT: usize = 4;

/// A short summary is topped up to this far below its target, in percent.
const FILLED_PERCENT: usize = 2;

/// An extractive summary is topped up when it falls short of its target by more than this, in percent.
const QUOTED_PERCENT: usize = 1;

/// Minimum number of sentences to keep in each section.
const MIN_SENTENCES: usize = 2;

/// Shorter sentences may repeat: removing them gains nothing.
const MIN_DUPLICATE_WORDS: usize = 5;

/// Minimum number of words to add to a section.
const MIN_ADDED: usize = 10;

/// Maximum length in words of a summary of `target` words. There is no tolerance if the target was `reduced` because the
/// transcript is short.
pub(crate) fn longest(target: usize, reduced: bool) -> usize {
    if reduced {
        target
    } else {
        target + target * LONGER_PERCENT / 100
    }
}

/// Brings a summary to about `target` words, and aims for at most `most`. If the model `quotes` anyway, more quotations are
/// added without a warning.
pub(crate) fn fit(
    summary: &mut Summary,
    transcript: &Transcript,
    target: usize,
    most: usize,
    quotes: bool,
) {
    drop_duplicates(&mut summary.sections);
    let words = summary.words();
    if words > most {
        drop_least(&mut summary.sections, words - most);
        return;
    }
    let (tolerated, filled) = if quotes {
        (QUOTED_PERCENT, 0)
    } else {
        (SHORTER_PERCENT, FILLED_PERCENT)
    };
    if words < target - target * tolerated / 100 {
        let missing = target - target * filled / 100 - words;
        let added = top_up(&mut summary.sections, transcript, missing);
        if added > 0 && !quotes {
            summary.warnings.push(format!(
                "the model wrote less than asked: {added} words in the speakers' own sentences were added to reach the length"
            ));
        }
    }
}

/// Drops the least informative sentences of `text` until it has about `most` words; always keeps at least one.
pub(crate) fn shorten(text: &str, most: usize) -> String {
    let excess = words::count(text).saturating_sub(most);
    if excess == 0 {
        return text.to_owned();
    }
    let mut sentences = Sentences::of([text]);
    sentences.drop_least(excess, 1);
    sentences.text(0)
}

/// Removes sentences that already occurred word for word.
fn drop_duplicates(sections: &mut [Section]) {
    let mut seen: HashSet<String> = HashSet::new();
    for section in sections {
        let mut sentences = Sentences::of([section.text.as_str()]);
        for sentence in &mut sentences.all {
            let plain: String = sentence
                .text
                .to_lowercase()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ");
            if words::count(&plain) >= MIN_DUPLICATE_WORDS && !seen.insert(plain) {
                sentence.kept = false;
            }
        }
        // Keep a section that consists only of repetitions: its part of the transcript has to be represented.
        if sentences.all.iter().any(|sentence| !sentence.kept)
            && sentences.all.iter().any(|sentence| sentence.kept)
        {
            section.text = sentences.text(0);
        }
    }
}

/// Removes about `excess` words, starting with the least informative sentences.
fn drop_least(sections: &mut [Section], excess: usize) {
    let mut sentences = Sentences::of(sections.iter().map(|section| section.text.as_str()));
    sentences.drop_least(excess, MIN_SENTENCES);
    for (at, section) in sections.iter_mut().enumerate() {
        section.text = sentences.text(at);
    }
}

/// Adds up to `missing` words of transcript sentences, in proportion to how far each section falls short of its target.
/// Returns the number of words added.
fn top_up(sections: &mut [Section], transcript: &Transcript, missing: usize) -> usize {
    let shortfalls: Vec<usize> = sections
        .iter()
        .map(|section| section.target_words.saturating_sub(section.words()))
        .collect();
    let all: usize = shortfalls.iter().sum();
    let count = sections.len().max(1);
    let mut added = 0;
    // A part may have too few sentences left; a second round gives its share to the others.
    for _ in 0..2 {
        for (section, shortfall) in sections.iter_mut().zip(&shortfalls) {
            let share = (missing * shortfall)
                .checked_div(all)
                .unwrap_or(missing / count);
            let room = share.max(MIN_ADDED).min(missing.saturating_sub(added));
            if room < MIN_ADDED {
                continue;
            }
            let source = transcript.passage(section.span);
            let more = extract::extract_excluding(&section.text, &source, room);
            if !more.is_empty() && !section.text.contains(&more) {
                added += words::count(&more);
                section.text = format!("{}\n\n{more}", section.text.trim_end())
                    .trim_start()
                    .to_owned();
            }
        }
    }
    added
}

/// The sentences of several texts.
struct Sentences {
    all: Vec<Sentence>,
}

struct Sentence {
    /// Index of the text it belongs to.
    of: usize,
    text: String,
    /// Whitespace between the previous sentence and this one: a space, a line break or a paragraph break.
    gap: &'static str,
    words: usize,
    stems: Vec<String>,
    kept: bool,
}

impl Sentences {
    fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = Vec::new();
        for (of, text) in texts.into_iter().enumerate() {
            let mut end = 0;
            for found in sentence::sentences(text) {
                let between = Span::from(end..found.start).of(text);
                end = found.end;
                let text = found.of(text);
                all.push(Sentence {
                    of,
                    gap: match between.matches('\n').count() {
                        0 => " ",
                        1 => "\n",
                        _ => "\n\n",
                    },
                    words: words::count(text),
                    stems: terms::stems(text).into_iter().collect(),
                    text: text.to_owned(),
                    kept: true,
                });
            }
        }
        Self { all }
    }

    /// Drops the least informative sentences until `excess` words are gone, keeping at least `least` sentences of each text.
    fn drop_least(&mut self, mut excess: usize, least: usize) {
        let mut shared: HashMap<String, usize> = HashMap::new();
        let mut left: HashMap<usize, usize> = HashMap::new();
        for sentence in &self.all {
            *left.entry(sentence.of).or_default() += 1;
            for stem in &sentence.stems {
                *shared.entry(stem.clone()).or_default() += 1;
            }
        }
        while excess > 0 {
            // A rarer term is worth more, because it could be lost with its sentence. Numbers count three times as much.
            let worth = |sentence: &Sentence| {
                let terms = sentence.stems.iter().map(|stem| {
                    let shared = shared.get(stem).copied().unwrap_or(1) as f64;
                    if stem.contains(|c: char| c.is_ascii_digit()) {
                        3.0 / shared
                    } else {
                        1.0 / shared
                    }
                });
                let mut terms: Vec<f64> = terms.collect();
                terms.sort_by(f64::total_cmp);
                terms.iter().sum::<f64>() / (sentence.words.max(1) as f64).sqrt()
            };
            let candidates = self.all.iter().enumerate().filter(|(_, sentence)| {
                sentence.kept
                    && sentence.words <= excess + 12
                    && left.get(&sentence.of).is_some_and(|&left| left > least)
            });
            let Some((at, _)) = candidates.min_by(|(_, a), (_, b)| worth(a).total_cmp(&worth(b)))
            else {
                break;
            };
            let Some(sentence) = self.all.get_mut(at) else {
                break;
            };
            sentence.kept = false;
            excess = excess.saturating_sub(sentence.words);
            for stem in &sentence.stems {
                if let Some(count) = shared.get_mut(stem) {
                    *count = count.saturating_sub(1);
                }
            }
            if let Some(count) = left.get_mut(&sentence.of) {
                *count -= 1;
            }
        }
    }

    /// The kept sentences of text `of`, joined.
    fn text(&self, of: usize) -> String {
        let mut text = String::new();
        let mut gap = "";
        for sentence in self.all.iter().filter(|sentence| sentence.of == of) {
            // Keep a paragraph break even if the sentence after it was dropped.
            gap = if sentence.gap.len() > gap.len() || gap == " " && sentence.gap == "\n" {
                sentence.gap
            } else {
                gap
            };
            if sentence.kept {
                if !text.is_empty() {
                    text.push_str(gap);
                }
                text.push_str(&sentence.text);
                gap = "";
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::assemble::Source;
    use crate::transcript::Decoder;

    fn section(text: &str, target_words: usize, range: std::ops::Range<usize>) -> Section {
        Section {
            title: "Title".into(),
            time_span: None,
            text: text.into(),
            target_words,
            chunks: vec![0],
            span: range.into(),
            source: Source::Model,
        }
    }

    fn transcript() -> Transcript {
        let text: String = (0..60)
            .map(|i| {
                format!("Dana: Item number{i} was about topic{i} and cost {i} dollars in all.\n")
            })
            .collect();
        let mut decoder = Decoder::default();
        decoder.push(text.as_bytes()).unwrap();
        Transcript::new(decoder.finish().unwrap())
    }

    #[test]
    fn too_long_loses_what_adds_least() {
        let filler = "They talked about the depot again. ";
        let text = format!(
            "The depot cost 4711 dollars. {filler}They talked about the depot. Brackwater built it in March."
        );
        let mut summary = Summary {
            overview: None,
            sections: vec![section(&text, 14, 0..10)],
            warnings: Vec::new(),
        };
        fit(&mut summary, &transcript(), 14, 14, false);
        let text = summary.sections[0].text.clone();
        assert!(
            text.contains("4711") && text.contains("Brackwater"),
            "{text}"
        );
        assert!(words::count(&text) <= 16, "{text}");
    }

    #[test]
    fn too_short_is_filled_and_flagged() {
        let transcript = transcript();
        let half = transcript.text().len() / 2;
        let sections = vec![
            section("Dana spoke.", 100, 0..half),
            section("Dana went on.", 100, half..transcript.text().len()),
        ];
        let mut summary = Summary {
            overview: None,
            sections,
            warnings: Vec::new(),
        };
        fit(&mut summary, &transcript, 200, longest(200, false), false);
        let words = summary.words();
        assert!((190..=206).contains(&words), "{words}");
        assert!(
            summary.warnings[0].contains("speakers' own"),
            "{:?}",
            summary.warnings
        );
        assert!(summary.sections.iter().all(|section| section.words() > 60));
    }

    #[test]
    fn what_stands_twice_goes_once() {
        let twice = "The city will answer before the end of November.";
        let mut sections = vec![
            section(twice, 9, 0..1),
            section(&format!("Lee agreed to wait. {twice}"), 13, 1..2),
        ];
        drop_duplicates(&mut sections);
        assert_eq!(
            (sections[0].text.as_str(), sections[1].text.as_str()),
            (twice, "Lee agreed to wait.")
        );
    }

    #[test]
    fn paragraphs_survive() {
        let sentences =
            Sentences::of(["One is here. Two is here.\n\nThree is here. Four is here."]);
        assert_eq!(
            sentences.text(0),
            "One is here. Two is here.\n\nThree is here. Four is here."
        );
        assert_eq!(
            shorten("Alpha beta gamma 7. Alpha beta. Delta epsilon 8.", 8),
            "Alpha beta gamma 7. Delta epsilon 8."
        );
    }
}
