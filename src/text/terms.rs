//! Extracts terms: the stems of the words that carry a text's subject.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::text::words;

/// Stopwords: English function words and the usual vocabulary of meetings. In other languages, frequent words are only
/// down-weighted by inverse document frequency.
const STOPWORDS: &str = "a about above after again all also am an and any are as at back be because been before being both \
    but by can can't could did didn't do does doesn't doing don't down each even every for from get gets getting give go \
    goes going gonna good got had has have having he her here him his how i i'd i'll i'm i've if in into is isn't it it's \
    its just kind know let let's like look lot make maybe me mean might more most much my no not now of off oh ok okay on \
    one only or other our out over own part people point put quite really right said same say see she should so some \
    something sort still such sure take than thank thanks that that's the their them then there there's these they \
    they're thing things think this those three through time to too two under up us use very want was wasn't way we we'd \
    we'll we're we've well were what what's when where which while who why will with won't would yeah yep yes yet you \
    you'd you'll you're you've your roger copy";

/// English word endings that are stripped from a stem if at least three letters remain.
const ENDINGS: [&str; 17] = [
    "ations", "ation", "ingly", "edly", "ings", "ing", "ies", "ied", "ers", "est", "ed", "es",
    "er", "ly", "s", "y", "e",
];

/// Calls `each` with every word that is not a stopword, as written, and its stem.
pub(crate) fn for_each(text: &str, mut each: impl FnMut(&str, &str)) {
    for_each_word(text, |word| {
        let lower = word.to_lowercase();
        if !is_stopword(&lower) {
            each(word, stem(&lower));
        }
    });
}

/// The distinct stems of a text.
pub(crate) fn stems(text: &str) -> HashSet<String> {
    let mut stems = HashSet::new();
    for_each(text, |_, stem| {
        if !stems.contains(stem) {
            stems.insert(stem.to_owned());
        }
    });
    stems
}

/// Calls `each` with every word of more than one letter. In text without spaces between words, pairs of characters take the
/// place of words.
fn for_each_word<'a>(text: &'a str, mut each: impl FnMut(&'a str)) {
    for run in words::runs(text) {
        if run.is_ascii() {
            if run.len() > 1 {
                each(run);
            }
        } else if words::count(run) < 2 {
            each(run);
        } else {
            let starts = run.char_indices().map(|(at, _)| at);
            let ends = starts.clone().skip(2).chain([run.len()]);
            for (start, end) in starts.zip(ends) {
                each(run.split_at(end).0.split_at(start).1);
            }
        }
    }
}

pub(crate) fn is_stopword(lower: &str) -> bool {
    static SET: LazyLock<HashSet<&str>> = LazyLock::new(|| STOPWORDS.split_whitespace().collect());
    SET.contains(lower) || (lower.contains('’') && SET.contains(lower.replace('’', "'").as_str()))
}

pub(crate) fn stem(lower: &str) -> &str {
    let possessive = lower
        .strip_suffix("'s")
        .or_else(|| lower.strip_suffix("’s"));
    let word = possessive.unwrap_or(lower);
    if !word.is_ascii() {
        return word;
    }
    let stem = ENDINGS.iter().find_map(|ending| {
        let stem = word.strip_suffix(ending)?;
        (stem.len() >= 3 && !(*ending == "s" && stem.ends_with('s'))).then_some(stem)
    });
    stem.unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_have_one_stem() {
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
    fn ideographs_are_read_in_pairs() {
        let mut seen = Vec::new();
        for_each_word("讨论预算 GPU", |word| seen.push(word));
        assert_eq!(seen, ["讨论", "论预", "预算", "GPU"]);
    }
}
