//! The terms by which a claim is found in the transcript.

use std::collections::HashMap;

use crate::summary::check::support;
use crate::text::script::Script;
use crate::text::{terms, words};

/// Letters of a word that its inflected forms have in common.
const ROOT_LETTERS: usize = 4;

/// The kinds of terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The stem of a word, or a few characters of a script without blanks.
    Word,
    /// The beginning of a longer word.
    Root,
    /// A number, in digits.
    Number,
    /// Two words in a row.
    Pair,
}

/// Calls `each` with every term of `text`, as often as it occurs, and the word that it was made from.
///
/// Of a translation, which has its words in common with the transcript only by accident, the terms are numbers and capitalized words.
pub(super) fn for_each(text: &str, is_translated: bool, mut each: impl FnMut(Kind, &str, &str)) {
    let numbers = match is_translated {
        true => support::Comparable::Numbers.known_numbers(text),
        false => support::numbers(text),
    };
    let mut numbers: Vec<String> = numbers.into_iter().collect();
    numbers.sort_unstable();
    for number in &numbers {
        each(Kind::Number, &format!("#{number}"), number);
    }
    let mut before = String::new();
    let mut pair = String::new();
    for run in words::runs(text) {
        if is_translated && !run.starts_with(char::is_uppercase) {
            continue;
        }
        if let Some(width) = run.chars().find_map(unspaced_width) {
            before.clear();
            let starts = run.char_indices().map(|(at, _)| at);
            let ends = starts.clone().skip(width).chain([run.len()]);
            for (start, end) in starts.zip(ends) {
                let part = run.split_at(end).0.split_at(start).1;
                each(Kind::Word, part, part);
            }
            continue;
        }
        if run.bytes().all(|byte| byte.is_ascii_digit()) {
            before.clear();
            continue;
        }
        let lower = without_elision(run).to_lowercase();
        let is_common = terms::is_stopword(&lower);
        let stem = match is_common {
            true => lower.as_str(),
            false => terms::stem(&lower),
        };
        if !is_common && stem.len() > 1 {
            each(Kind::Word, stem, run);
            if let Some((root, _)) = stem.char_indices().nth(ROOT_LETTERS) {
                pair.clear();
                pair.push_str(stem.split_at(root).0);
                pair.push('*');
                each(Kind::Root, &pair, run);
            }
        }
        if !before.is_empty() && !is_translated {
            pair.clear();
            pair.push_str(&before);
            pair.push(' ');
            pair.push_str(stem);
            each(Kind::Pair, &pair, run);
        }
        before.clear();
        before.push_str(stem);
    }
}

/// Characters of a term in a script whose words cannot be told by blanks, or, in Korean, whose words end in particles.
fn unspaced_width(c: char) -> Option<usize> {
    match Script::of(c).filter(|_| !c.is_ascii())? {
        Script::Han | Script::Kana | Script::Hangul => Some(2),
        script if script.is_unspaced() => Some(3),
        _ => None,
    }
}

/// `école` of `l'école`.
fn without_elision(run: &str) -> &str {
    let tail = run.rsplit(['\'', '’']).next().unwrap_or(run);
    if tail.chars().nth(2).is_some() {
        tail
    } else {
        run
    }
}

/// The terms of a summary, by which the transcript is searched.
#[derive(Debug, Default)]
pub(super) struct Vocabulary {
    pub(super) is_translated: bool,
    ids: HashMap<String, u32>,
}

impl Vocabulary {
    pub(super) fn new(is_translated: bool) -> Self {
        Self {
            is_translated,
            ids: HashMap::new(),
        }
    }

    /// The number of a term, which is new if there is none yet.
    pub(super) fn add(&mut self, key: &str) -> u32 {
        if let Some(&id) = self.ids.get(key) {
            return id;
        }
        let id = self.ids.len() as u32;
        self.ids.insert(key.to_owned(), id);
        id
    }

    pub(super) fn get(&self, key: &str) -> Option<u32> {
        self.ids.get(key).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }
}
