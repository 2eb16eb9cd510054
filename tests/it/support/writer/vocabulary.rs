//! The vocabulary of a text: its speakers, topics and numbers.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Long words that say nothing about the topic of a text.
const COMMON: &str = "about after again also because been before being both come could does doing done down each even every \
    from going gonna good have here into just keep kind know like look made make many maybe mean might more most much need \
    okay only other over point really right said same should some something sort still such sure take talk tell than thank \
    that their them then there these they thing things think this those three through under very want well went were what \
    when where which while will with would yeah year your that's don't it's we're they're you're there's i've";

/// Added when a text has too few terms.
const FALLBACK: [&str; 4] = ["matter", "question", "point", "matters"];

#[derive(Debug)]
pub(super) struct Vocabulary {
    pub(super) speakers: Vec<String>,
    pub(super) terms: Vec<String>,
    pub(super) numbers: Vec<String>,
    /// Written in ideographs, without spaces between words.
    pub(super) is_wide: bool,
}

impl Vocabulary {
    pub(super) fn of(text: &str) -> Self {
        let wide = text.chars().filter(|&c| is_wide(c)).count();
        if wide * 3 > text.chars().filter(|c| c.is_alphabetic()).count() {
            return Self {
                speakers: Vec::new(),
                terms: pairs(text),
                numbers: Vec::new(),
                is_wide: true,
            };
        }
        let mut terms = distinct(words(text).filter(|word| is_term(word)));
        if terms.len() < FALLBACK.len() {
            terms.extend(FALLBACK.map(str::to_owned));
        }
        let is_number =
            |word: &&str| word.len() < 8 && word.parse::<f64>().is_ok_and(f64::is_finite);
        Self {
            speakers: distinct(text.lines().filter_map(speaker)),
            terms,
            numbers: distinct(words(text).filter(is_number)),
            is_wide: false,
        }
    }
}

fn distinct<'a>(items: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen = HashSet::new();
    items
        .filter(|item| seen.insert(*item))
        .map(str::to_owned)
        .collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
}

/// Requires lower case so that names are not mistaken for terms.
fn is_term(word: &str) -> bool {
    static SET: LazyLock<HashSet<&str>> = LazyLock::new(|| COMMON.split_whitespace().collect());
    word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_lowercase()) && !SET.contains(word)
}

/// The speaker of this line of a transcript or of notes.
fn speaker(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ' '));
    let line = match line.strip_prefix('[') {
        Some(rest) => rest.split_once("] ")?.1,
        None => line,
    };
    let (name, _) = line.split_once(": ")?;
    let is_name = name.len() < 40
        && name.split(' ').count() <= 3
        && name.split(' ').all(|part| {
            part.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit())
                && part.chars().all(char::is_alphanumeric)
        });
    is_name.then_some(name)
}

fn is_wide(c: char) -> bool {
    ('\u{3040}'..='\u{30ff}').contains(&c) || ('\u{4e00}'..='\u{9fff}').contains(&c)
}

/// Pairs of ideographs, starting at the beginning of each clause.
fn pairs(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for clause in text.split(|c: char| !is_wide(c)) {
        let clause: Vec<char> = clause.chars().collect();
        for pair in clause.chunks_exact(2) {
            let pair: String = pair.iter().collect();
            if seen.insert(pair.clone()) {
                found.push(pair);
            }
        }
    }
    found
}
