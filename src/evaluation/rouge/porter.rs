//! Porter's stemmer, as the package NLTK extends it by default (`NLTK_EXTENSIONS`), which `rouge-score` uses.
//!
//! Porter, [An algorithm for suffix stripping](https://tartarus.org/martin/PorterStemmer/), 1980. Where the first rule whose suffix a
//! word has does not hold, the word stays as it is. The *measure* of a stem is the number of its vowels that a consonant follows.

/// Words that the rules get wrong.
const IRREGULAR: [(&str, &str); 16] = [
    ("sky", "sky"),
    ("skies", "sky"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("news", "news"),
    ("innings", "inning"),
    ("inning", "inning"),
    ("outings", "outing"),
    ("outing", "outing"),
    ("cannings", "canning"),
    ("canning", "canning"),
    ("howe", "howe"),
    ("proceed", "proceed"),
    ("exceed", "exceed"),
    ("succeed", "succeed"),
];

type Rules<'a> = &'a [(&'a str, &'a str)];

const PLURALS: Rules<'_> = &[("sses", "ss"), ("ies", "i"), ("ss", "ss"), ("s", "")];

const SHORTENED: Rules<'_> = &[("at", "ate"), ("bl", "ble"), ("iz", "ize")];

#[rustfmt::skip]
const DOUBLE_SUFFIXES: Rules<'_> = &[
    ("ational", "ate"), ("tional", "tion"), ("enci", "ence"), ("anci", "ance"), ("izer", "ize"), ("bli", "ble"), ("alli", "al"),
    ("entli", "ent"), ("eli", "e"), ("ousli", "ous"), ("ization", "ize"), ("ation", "ate"), ("ator", "ate"), ("alism", "al"),
    ("iveness", "ive"), ("fulness", "ful"), ("ousness", "ous"), ("aliti", "al"), ("iviti", "ive"), ("biliti", "ble"),
    ("fulli", "ful"), ("logi", "log"),
];

#[rustfmt::skip]
const SUFFIXES: Rules<'_> = &[
    ("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", ""),
];

#[rustfmt::skip]
const LAST_SUFFIXES: Rules<'_> = &[
    ("al", ""), ("ance", ""), ("ence", ""), ("er", ""), ("ic", ""), ("able", ""), ("ible", ""), ("ant", ""), ("ement", ""),
    ("ment", ""), ("ent", ""), ("ion", ""), ("ou", ""), ("ism", ""), ("ate", ""), ("iti", ""), ("ous", ""), ("ive", ""), ("ize", ""),
];

/// The stem of a word of letters from a to z and digits.
pub(super) fn stem(word: &str) -> String {
    if let Some((_, stem)) = IRREGULAR.iter().find(|(irregular, _)| *irregular == word) {
        return (*stem).to_owned();
    }
    if word.len() <= 2 {
        return word.to_owned();
    }
    let mut word = without_ending(&without_plural(word));
    if let Some(stem) = word.strip_suffix('y')
        && stem.len() > 1
        && ends_with_consonant(stem)
    {
        word = format!("{stem}i");
    }
    while let Some(stem) = word.strip_suffix("alli")
        && measure(stem) > 0
    {
        word = format!("{stem}al");
    }
    word = replaced(&word, DOUBLE_SUFFIXES, |suffix, stem| match suffix {
        "logi" => measure(&format!("{stem}l")) > 0,
        _ => measure(stem) > 0,
    });
    word = replaced(&word, SUFFIXES, |_, stem| measure(stem) > 0);
    word = replaced(&word, LAST_SUFFIXES, |suffix, stem| {
        measure(stem) > 1 && (suffix != "ion" || stem.ends_with(['s', 't']))
    });
    if let Some(stem) = word.strip_suffix('e')
        && (measure(stem) > 1 || measure(stem) == 1 && !ends_short(stem))
    {
        word = stem.to_owned();
    }
    if let Some(stem) = word.strip_suffix('l')
        && stem.ends_with('l')
        && measure(stem) > 1
    {
        word = stem.to_owned();
    }
    word
}

/// The word with the first suffix of the rules that it has replaced, if that rule holds for the suffix and the stem.
fn replaced(word: &str, rules: Rules<'_>, holds: impl Fn(&str, &str) -> bool) -> String {
    let mut found = rules.iter().filter_map(|(suffix, replacement)| {
        Some((*suffix, word.strip_suffix(suffix)?, *replacement))
    });
    match found.next() {
        Some((suffix, stem, replacement)) if holds(suffix, stem) => format!("{stem}{replacement}"),
        _ => word.to_owned(),
    }
}

fn without_plural(word: &str) -> String {
    match word.strip_suffix("ies") {
        Some(stem) if stem.len() == 1 => format!("{stem}ie"),
        _ => replaced(word, PLURALS, |_, _| true),
    }
}

/// Without -ed and -ing.
fn without_ending(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ied") {
        let ending = if stem.len() == 1 { "ie" } else { "i" };
        return format!("{stem}{ending}");
    }
    if let Some(stem) = word.strip_suffix("eed") {
        return match measure(stem) {
            0 => word.to_owned(),
            _ => format!("{stem}ee"),
        };
    }
    let stems = ["ed", "ing"].map(|suffix| word.strip_suffix(suffix));
    let mut stems = stems.into_iter().flatten();
    let Some(stem) = stems.find(|stem| vowels(stem).contains(&true)) else {
        return word.to_owned();
    };
    let lengthened = replaced(stem, SHORTENED, |_, _| true);
    if lengthened != stem {
        return lengthened;
    }
    let mut letters = stem.chars().rev();
    if let (Some(last), Some(before)) = (letters.next(), letters.next())
        && last == before
        && ends_with_consonant(stem)
    {
        let single = stem
            .strip_suffix(last)
            .filter(|_| !matches!(last, 'l' | 's' | 'z'));
        return single.unwrap_or(stem).to_owned();
    }
    match measure(stem) == 1 && ends_short(stem) {
        true => format!("{stem}e"),
        false => stem.to_owned(),
    }
}

/// Which letters are vowels: a, e, i, o, u, and y after a consonant.
fn vowels(word: &str) -> Vec<bool> {
    let mut vowels = Vec::with_capacity(word.len());
    for letter in word.bytes() {
        let is_vowel = match letter {
            b'a' | b'e' | b'i' | b'o' | b'u' => true,
            b'y' => vowels.last() == Some(&false),
            _ => false,
        };
        vowels.push(is_vowel);
    }
    vowels
}

fn measure(stem: &str) -> usize {
    let vowels = vowels(stem);
    let pairs = vowels.iter().zip(vowels.iter().skip(1));
    pairs.filter(|pair| *pair == (&true, &false)).count()
}

fn ends_with_consonant(word: &str) -> bool {
    vowels(word).last() == Some(&false)
}

/// Whether a word ends with consonant, vowel and consonant, the last one not w, x or y, or has nothing but vowel and consonant.
fn ends_short(word: &str) -> bool {
    match vowels(word)[..] {
        [true, false] => true,
        [.., false, true, false] => !word.ends_with(['w', 'x', 'y']),
        _ => false,
    }
}
