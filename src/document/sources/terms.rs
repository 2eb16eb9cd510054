//! The terms by which claims are found in the transcript.

use std::collections::HashMap;

use crate::summary::check::numbers;
use crate::summary::check::support::Comparable;
use crate::text::script::Script;
use crate::text::{terms, words};

/// Letters that the inflected forms of a word have in common.
const ROOT_LETTERS: usize = 4;

/// The kinds of terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The stem of a word, or a few characters of a script whose words cannot be told by blanks.
    Word,
    /// The beginning of a longer word.
    Root,
    /// A number, in digits.
    Number,
    /// Two words in a row.
    Pair,
    /// Two words in a row that tell nothing.
    CommonPair,
}

/// An occurrence of a term.
#[derive(Debug, Clone, Copy)]
pub(super) struct Occurrence<'a> {
    pub(super) kind: Kind,
    /// What is equal in all occurrences of the term.
    pub(super) key: &'a str,
    /// The word as written, or the number.
    pub(super) word: &'a str,
}

/// The terms of a summary.
#[derive(Debug)]
pub(super) struct Vocabulary {
    is_translated: bool,
    ids: HashMap<String, u32>,
}

impl Vocabulary {
    /// An empty vocabulary. A translation has words in common with its transcript only by accident: its terms are numbers and
    /// capitalized words.
    pub(super) fn new(is_translated: bool) -> Self {
        Self {
            is_translated,
            ids: HashMap::new(),
        }
    }

    /// The number of a term, which is new if it was not in the vocabulary.
    pub(super) fn add(&mut self, key: &str) -> u32 {
        if let Some(&id) = self.ids.get(key) {
            return id;
        }
        let id = self.ids.len() as u32;
        self.ids.insert(key.to_owned(), id);
        id
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Calls `each` with the number of every term of `text` that is in the vocabulary, as often as it occurs.
    pub(super) fn for_each_known(&self, text: &str, mut each: impl FnMut(u32)) {
        self.for_each(text, |found| {
            if let Some(&id) = self.ids.get(found.key) {
                each(id);
            }
        });
    }

    /// Calls `each` with every term of `text`, as often as it occurs.
    pub(super) fn for_each(&self, text: &str, mut each: impl FnMut(Occurrence<'_>)) {
        let mut before = Before::default();
        let mut has_numbers = false;
        for run in words::runs(text) {
            has_numbers |= run.contains(char::is_numeric);
            let mut rest = run;
            while let Some(first) = rest.chars().next() {
                let width = characters_of_term(first);
                let end = rest.find(|c| characters_of_term(c) != width);
                let (stretch, after) = rest.split_at(end.unwrap_or(rest.len()));
                rest = after;
                match width {
                    Some(_) if self.is_translated => {}
                    Some(width) => {
                        before.clear();
                        for_each_part(stretch, width, &mut each);
                    }
                    None => {
                        has_numbers |= self.word(stretch, &mut before, &mut each);
                        // Between characters without blanks, as in 第28号, it is not seen as a number.
                        if stretch.len() < run.len()
                            && let Ok(number) = stretch.parse::<u64>()
                        {
                            number_term(&number.to_string(), &mut each);
                        }
                    }
                }
            }
        }
        if has_numbers {
            self.for_each_number(text, &mut each);
        }
    }

    fn for_each_number(&self, text: &str, each: &mut impl FnMut(Occurrence<'_>)) {
        let numbers = match self.is_translated {
            true => Comparable::Numbers.known_numbers(text),
            false => numbers::readings(text),
        };
        let mut numbers: Vec<String> = numbers.into_iter().collect();
        numbers.sort_unstable();
        for number in numbers {
            number_term(&number, each);
        }
    }

    /// Calls `each` with the terms that end with a word. Returns whether the word may belong to a number.
    fn word(&self, word: &str, before: &mut Before, each: &mut impl FnMut(Occurrence<'_>)) -> bool {
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            before.clear();
            return true;
        }
        if self.is_translated && !word.starts_with(char::is_uppercase) {
            before.clear();
            return numbers::is_number_word(word);
        }
        let lower = without_elision(word).to_lowercase();
        let is_common = terms::is_stopword(&lower);
        let stem = match is_common {
            true => &lower,
            false => terms::stem(&lower),
        };
        if !is_common && stem.len() > 1 {
            let kind = Kind::Word;
            each(Occurrence {
                kind,
                key: stem,
                word,
            });
            if let Some((end, letter)) = lower.char_indices().nth(ROOT_LETTERS - 1) {
                let kind = Kind::Root;
                let key = &format!("{}*", lower.split_at(end + letter.len_utf8()).0);
                each(Occurrence { kind, key, word });
            }
        }
        if !self.is_translated {
            before.pair(stem, is_common, |kind, key| {
                each(Occurrence { kind, key, word });
            });
        }
        numbers::is_number_word(&lower)
    }
}

/// The word before.
#[derive(Debug, Default)]
struct Before {
    /// Its stem. Empty if there is none.
    stem: String,
    is_common: bool,
    pair: String,
}

impl Before {
    fn clear(&mut self) {
        self.stem.clear();
    }

    /// Goes on to the next word, and calls `each` with the pair of both.
    fn pair(&mut self, stem: &str, is_common: bool, each: impl FnOnce(Kind, &str)) {
        if !self.stem.is_empty() {
            self.pair.clear();
            self.pair.push_str(&self.stem);
            self.pair.push(' ');
            self.pair.push_str(stem);
            let kind = match self.is_common && is_common {
                true => Kind::CommonPair,
                false => Kind::Pair,
            };
            each(kind, &self.pair);
        }
        stem.clone_into(&mut self.stem);
        self.is_common = is_common;
    }
}

fn number_term(number: &str, each: &mut impl FnMut(Occurrence<'_>)) {
    each(Occurrence {
        kind: Kind::Number,
        key: &format!("#{number}"),
        word: number,
    });
}

/// Calls `each` with all runs of `width` characters.
fn for_each_part(text: &str, width: usize, each: &mut impl FnMut(Occurrence<'_>)) {
    let starts = text.char_indices().map(|(at, _)| at);
    let ends = starts.clone().skip(width).chain([text.len()]);
    for (start, end) in starts.zip(ends) {
        let part = text.split_at(end).0.split_at(start).1;
        each(Occurrence {
            kind: Kind::Word,
            key: part,
            word: part,
        });
    }
}

/// Characters of a term in a script whose words cannot be told by blanks or, in Korean, end in particles.
fn characters_of_term(c: char) -> Option<usize> {
    if c.is_ascii() {
        return None;
    }
    match Script::of(c)? {
        Script::Han | Script::Kana | Script::Hangul => Some(2),
        script => script.is_unspaced().then_some(3),
    }
}

/// `école` of `l'école`, but all of `don't`.
fn without_elision(word: &str) -> &str {
    let tail = word.rsplit(['\'', '’']).next().unwrap_or(word);
    match tail.chars().nth(2) {
        Some(_) => tail,
        None => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str, is_translated: bool) -> Vec<String> {
        let mut keys = Vec::new();
        Vocabulary::new(is_translated).for_each(text, |found| keys.push(found.key.to_owned()));
        keys
    }

    fn shared(a: &str, b: &str) -> Vec<String> {
        let b = keys(b, false);
        let mut shared = keys(a, false);
        shared.retain(|key| b.contains(key));
        shared
    }

    #[test]
    fn numbers_are_equal_however_they_are_written() {
        assert_eq!(shared("25 trams", "twenty-five buses"), ["#25"]);
        assert_eq!(shared("1,250.5 tons", "1250.5"), ["#1250.5"]);
    }

    #[test]
    fn inflected_forms_share_their_beginning() {
        for (a, b, root) in [
            ("decided", "decision", "deci*"),
            ("defer", "deferred", "defe*"),
            ("мост", "моста", "мост*"),
            ("совещания", "совещанию", "сове*"),
            ("l'économie", "économies", "écon*"),
            ("kokouksessa", "kokoukset", "koko*"),
        ] {
            assert!(shared(a, b).contains(&root.to_owned()), "{a} {b}");
        }
    }

    #[test]
    fn scripts_without_blanks_share_runs_of_characters() {
        assert_eq!(shared("讨论预算", "预算会议"), ["预算"]);
        assert_eq!(shared("회의를", "회의가"), ["회의"]);
        assert!(!shared("การประชุมวันนี้", "เริ่มประชุม").is_empty());
        assert_eq!(shared("使用Verghese的", "Verghese:"), ["verghes", "verg*"]);
    }

    #[test]
    fn of_a_translation_names_and_numbers_count() {
        assert_eq!(
            keys("Verghese zahlte 17 Dollar im Labor", true),
            [
                "verghes", "verg*", "dollar", "doll*", "labor", "labo*", "#17"
            ]
        );
    }
}
