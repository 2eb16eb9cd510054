//! Terms and what they are worth: tf-idf with sublinear tf, over the sentences of one text.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::extract::unit::Units;

/// Words that say nothing of what a text is about: English function words and what meetings are full of. In other
/// languages idf alone does this work.
const STOPWORDS: &str = "a about above after again all also am an and any are as at back be because been before being both \
    but by can can't could did didn't do does doesn't doing don't down each even every for from get gets getting give go \
    goes going gonna good got had has have having he her here him his how i i'd i'll i'm i've if in into is isn't it it's \
    its just kind know let let's like look lot make maybe me mean might more most much my no not now of off oh ok okay on \
    one only or other our out over own part people point put quite really right said same say see she should so some \
    something sort still such sure take than thank thanks that that's the their them then there there's these they \
    they're thing things think this those three through time to too two under up us use very want was wasn't way we we'd \
    we'll we're we've well were what what's when where which while who why will with won't would yeah yep yes yet you \
    you'd you'll you're you've your roger copy";

/// Numbers are facts: dates, amounts, codes.
const NUMBER_WORTH: f64 = 2.0;

/// The terms of a text.
pub(crate) struct Terms {
    ids: HashMap<String, u32>,
    /// Per unit, its distinct terms.
    of_unit: Vec<Box<[u32]>>,
    weight: Vec<f64>,
    stats: Vec<Stats>,
}

/// What is known of one term.
pub(crate) struct Stats {
    /// Occurrences.
    count: u32,
    /// Sentences it is in.
    pub(crate) sentences: u32,
    /// As it was written, in lower case wherever it was.
    pub(crate) surface: String,
}

impl Terms {
    pub(crate) fn of(units: &Units) -> Self {
        let mut ids: HashMap<String, u32> = HashMap::new();
        let mut stats: Vec<Stats> = Vec::new();
        let mut of_unit = Vec::with_capacity(units.len());
        for unit in units.iter() {
            let mut terms: Vec<u32> = Vec::new();
            for_each_word(&unit.text, |word| {
                let lower = word.to_lowercase();
                if is_stopword(&lower) {
                    return;
                }
                let id = *ids.entry(stem(&lower).to_owned()).or_insert_with(|| {
                    stats.push(Stats {
                        count: 0,
                        sentences: 0,
                        surface: word.to_owned(),
                    });
                    u32::try_from(stats.len() - 1).unwrap_or(u32::MAX)
                });
                if let Some(term) = stats.get_mut(id as usize) {
                    term.count += 1;
                    if !terms.contains(&id) {
                        term.sentences += 1;
                        terms.push(id);
                    }
                    // A name is capitalized everywhere, another word only where a sentence begins.
                    if !word.starts_with(char::is_uppercase)
                        && term.surface.starts_with(char::is_uppercase)
                    {
                        word.clone_into(&mut term.surface);
                    }
                }
            });
            of_unit.push(terms.into_boxed_slice());
        }
        let total = units.len().max(1) as f64;
        let weight = stats
            .iter()
            .map(|term| {
                let number = term.surface.contains(|c: char| c.is_ascii_digit());
                let worth = if number { NUMBER_WORTH } else { 1.0 };
                worth
                    * (1.0 + f64::from(term.count).ln())
                    * (total / f64::from(term.sentences.max(1))).ln().max(0.1)
            })
            .collect();
        Self {
            ids,
            of_unit,
            weight,
            stats,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.weight.len()
    }

    /// What the terms of `unit` that are not covered yet are worth.
    pub(crate) fn gain(&self, unit: usize, covered: &[bool]) -> f64 {
        self.terms(unit)
            .iter()
            .filter(|&&term| covered.get(term as usize) == Some(&false))
            .filter_map(|&term| self.weight.get(term as usize))
            .sum()
    }

    pub(crate) fn cover(&self, unit: usize, covered: &mut [bool]) {
        for &term in self.terms(unit) {
            if let Some(covered) = covered.get_mut(term as usize) {
                *covered = true;
            }
        }
    }

    /// Covers every term that is in `known`.
    pub(crate) fn cover_all(&self, known: &str, covered: &mut [bool]) {
        for id in stems(known).iter().filter_map(|stem| self.ids.get(stem)) {
            if let Some(covered) = covered.get_mut(*id as usize) {
                *covered = true;
            }
        }
    }

    fn terms(&self, unit: usize) -> &[u32] {
        self.of_unit
            .get(unit)
            .map(AsRef::as_ref)
            .unwrap_or_default()
    }

    /// All terms.
    pub(crate) fn stats(&self) -> &[Stats] {
        &self.stats
    }
}

/// The distinct stems of a text.
pub(crate) fn stems(text: &str) -> HashSet<String> {
    let mut stems = HashSet::new();
    for_each_stem(text, |stem| {
        if !stems.contains(stem) {
            stems.insert(stem.to_owned());
        }
    });
    stems
}

/// Calls `each` for the stem of every word that is no stopword.
pub(crate) fn for_each_stem(text: &str, mut each: impl FnMut(&str)) {
    for_each_word(text, |word| {
        let lower = word.to_lowercase();
        if !is_stopword(&lower) {
            each(stem(&lower));
        }
    });
}

/// Calls `each` for every word: letters and digits, with apostrophes inside; ideographs in pairs, which is what carries
/// meaning where there are no blanks.
fn for_each_word<'a>(text: &'a str, mut each: impl FnMut(&'a str)) {
    for word in text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’')) {
        let word = word.trim_matches(['\'', '’']);
        if word.is_ascii() {
            if word.len() > 1 {
                each(word);
            }
            continue;
        }
        if crate::text::words::count(word) < 2 {
            each(word);
            continue;
        }
        let mut starts = word.char_indices().map(|(at, _)| at).chain([word.len()]);
        let (mut one, mut two) = (starts.next(), starts.next());
        for three in starts {
            if let Some(pair) = one.and_then(|one| word.get(one..three)) {
                each(pair);
            }
            (one, two) = (two, Some(three));
        }
    }
}

fn is_stopword(lower: &str) -> bool {
    static SET: LazyLock<HashSet<&'static str>> =
        LazyLock::new(|| STOPWORDS.split_whitespace().collect());
    SET.contains(lower) || (lower.contains('’') && SET.contains(lower.replace('’', "'").as_str()))
}

/// A light stem: English endings off, as far as at least three letters stay.
fn stem(lower: &str) -> &str {
    let lower = lower
        .strip_suffix("'s")
        .or_else(|| lower.strip_suffix("’s"))
        .unwrap_or(lower);
    if !lower.is_ascii() {
        return lower;
    }
    for ending in [
        "ations", "ation", "ingly", "edly", "ings", "ing", "ies", "ied", "ers", "est", "ed", "es",
        "er", "ly", "s", "y", "e",
    ] {
        if let Some(stem) = lower.strip_suffix(ending)
            && stem.len() >= 3
            && !(ending == "s" && stem.ends_with('s'))
        {
            return stem;
        }
    }
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_are_one_term() {
        for (a, b) in [
            ("platforms", "platform"),
            ("delayed", "delays"),
            ("boarding", "boardings"),
            ("city", "cities"),
            ("lee's", "lee"),
        ] {
            assert_eq!(stem(a), stem(b), "{a} {b}");
        }
        assert_ne!(stem("platform"), stem("plates"));
    }

    #[test]
    fn covered_terms_are_worth_nothing_again() {
        let units = Units::of(
            "The tram stops here. The tram is late today. Buses run well.",
            None,
        );
        let terms = Terms::of(&units);
        let mut covered = vec![false; terms.len()];
        let before = terms.gain(1, &covered);
        terms.cover(0, &mut covered);
        assert!(terms.gain(1, &covered) < before);
        terms.cover(1, &mut covered);
        assert!(terms.gain(1, &covered).abs() < f64::EPSILON);
    }

    #[test]
    fn ideographs_pair_up() {
        let mut seen = Vec::new();
        for_each_word("讨论预算 GPU", |word| seen.push(word));
        assert_eq!(seen, ["讨论", "论预", "预算", "GPU"]);
    }
}
