//! Makes spoken sentences readable: removes fillers and stutters and normalizes spacing. All other words stay unchanged.

use crate::text::words::capitalized;

/// Fillers, in lower case.
const FILLERS: [&str; 22] = [
    "um", "umm", "uh", "uhm", "uhh", "er", "erm", "err", "ah", "eh", "hm", "hmm", "mm", "mmm",
    "mhm", "mm-hmm", "uh-huh", "hm-hmm", "äh", "ähm", "öh", "euh",
];

/// Returns `sentence` on one line, without fillers and stutters, and beginning with a capital letter.
pub(crate) fn clean(sentence: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    let mut dropped_filler = false;
    let is_english = |word: &str| ENGLISH.contains(&bare(word).to_lowercase().as_str());
    let mut is_english = sentence.split_whitespace().any(is_english);
    is_english |= sentence.split_whitespace().all(is_filler);
    for word in sentence.split_whitespace() {
        let before = words.last().copied().unwrap_or_default();
        let is_opening = before.is_empty() && word == "Um,";
        // `5 mm` is no hesitation, and `um` is a word in German and Portuguese, as `er` is in German and Dutch.
        let is_word = match bare(word).to_lowercase().as_str() {
            "mm" => before.ends_with(|c: char| c.is_ascii_digit()),
            "um" | "er" => !(is_english || is_opening),
            _ => false,
        };
        if is_filler(word) && !is_word {
            // Drop a comma or dash after the filler as well, but keep a mark that ends the sentence.
            dropped_filler = true;
            continue;
        }
        let after_filler = std::mem::take(&mut dropped_filler);
        if after_filler && word.chars().all(|c| matches!(c, ',' | '-' | '—' | '–')) {
            continue;
        }
        if words.last().is_some_and(|last| is_stutter(last, word)) {
            words.pop();
        }
        words.push(word);
    }
    let mut text = String::with_capacity(sentence.len());
    let mut open_quote = false;
    for word in words {
        let after_open =
            text.ends_with(['(', '[', '$', '£', '€']) || (open_quote && text.ends_with('"'));
        if !(text.is_empty() || after_open || sticks_to_last(word, open_quote)) {
            text.push(' ');
        }
        open_quote ^= word.matches('"').count() % 2 == 1;
        text.push_str(word);
    }
    let text = text
        .trim_start_matches([',', ';', '-', '—', '–', ' ', '.'])
        .trim_end();
    capitalized(text)
}

/// Words that tell a sentence in English from one in the languages in which a filler is a word.
const ENGLISH: [&str; 16] = [
    "the", "and", "that", "you", "it", "they", "this", "to", "i", "she", "have", "my", "yes",
    "yeah", "your", "with",
];

/// A word without the marks around it.
fn bare(word: &str) -> &str {
    word.trim_matches([',', '.', ';', '-', '—', '–', '…', '?', '!'])
}

/// Whether `word` is a filler, in any of the languages.
pub(crate) fn is_filler(word: &str) -> bool {
    let bare = bare(word);
    bare.len() <= 6
        && FILLERS
            .iter()
            .any(|filler| bare.eq_ignore_ascii_case(filler))
}

/// Small words that nobody says twice in a row on purpose.
#[rustfmt::skip]
const REPEATED: [&str; 60] = [
    "a", "an", "and", "as", "at", "but", "by", "for", "he", "how", "i", "if", "in", "is", "it", "my", "of", "on", "or",
    "our", "she", "the", "they", "this", "to", "was", "we", "what", "with", "you",
    "aber", "auch", "dass", "ein", "es", "ich", "ist", "mit", "und", "von", "wir", "zu",
    "dans", "de", "du", "elle", "est", "et", "il", "je", "le", "les", "mais", "tu", "un", "une",
    "con", "el", "los", "yo",
];

/// English words whose first sound is often all that is heard at first: `t two`.
#[rustfmt::skip]
const STARTED: [&str; 24] = [
    "have", "he", "her", "here", "how", "just", "like", "my", "not", "now", "she", "so", "some", "take", "that", "the",
    "they", "this", "two", "was", "we", "what", "with", "would",
];

/// Short words and titles without vowels.
const UNVOICED: [&str; 10] = ["dr", "mr", "ms", "mt", "st", "pr", "hr", "tv", "pc", "ph"];

/// Whether `last` is a stutter: a small word twice in a row, as in `the the`, or the beginning of `word` that was cut off, as
/// in `can- cancel`. A beginning without a dash may be a word, as in `can cancel` or `sin sindicato`, unless nobody can say
/// it: `th these`.
fn is_stutter(last: &str, word: &str) -> bool {
    let fragment = last.trim_end_matches([',', '-', '—']);
    let (bare, lower) = (fragment.to_lowercase(), word.to_lowercase());
    let lower = lower.trim_end_matches([',', '.', '?', '!', ';', ':']);
    if bare.is_empty() || bare.len() > 4 || !bare.chars().all(char::is_alphabetic) {
        return false;
    }
    if bare == lower {
        return REPEATED.contains(&bare.as_str());
    }
    if !lower
        .strip_prefix(&bare)
        .is_some_and(|rest| rest.starts_with(char::is_alphabetic))
    {
        return false;
    }
    let is_cut_off = last.ends_with('-') && !last.ends_with("--");
    let is_unvoiced = fragment.len() > 1
        && bare
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() && !b"aeiouy".contains(&byte))
        && fragment
            .get(1..)
            .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_lowercase()))
        && !UNVOICED.contains(&bare.as_str());
    let is_started = (matches!(
        fragment,
        "h" | "l" | "m" | "n" | "t" | "s" | "w" | "ha" | "tha"
    )) && STARTED.contains(&lower);
    is_cut_off || is_unvoiced || is_started
}

/// Whether a word follows the previous one without a space. Some transcripts are tokenized: `I 've seen it , yes .`
fn sticks_to_last(word: &str, open_quote: bool) -> bool {
    match word {
        "n't" | "'s" | "'ve" | "'re" | "'ll" | "'d" | "'m" | "'S" => true,
        "\"" => open_quote,
        _ => {
            word.chars()
                .all(|c| matches!(c, '.' | ',' | ';' | ':' | '?' | '!' | ')' | ']' | '%' | '…'))
                && !word.starts_with("..")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fillers_and_stutter_are_removed() {
        assert_eq!(
            clean("Um, so we we agreed, uh, on the the budget."),
            "So we agreed, on the budget."
        );
        assert_eq!(clean("Uh - yes, I, I think so."), "Yes, I think so.");
        assert_eq!(
            clean("That that is is very very good."),
            "That that is very very good."
        );
        assert_eq!(
            clean("the error in the umbrella"),
            "The error in the umbrella"
        );
        assert_eq!(
            clean("We ha have to tomorrow, th these t two."),
            "We have to tomorrow, these two."
        );
        assert_eq!(
            clean("They can- cancel it, str- strictly on on Friday."),
            "They cancel it, strictly on Friday."
        );
        assert_eq!(clean("Um."), "");
    }

    #[test]
    fn a_word_that_begins_like_the_next_is_no_stutter() {
        for text in [
            "We can cancel it for 40 euros per person, if you can, cancer or no cancer.",
            "It was not nothing, and the one one-way street has five five tonners.",
            "Call five five one, one two, for the PR printer at 5 m more.",
            "Vitamin d does what plan b before it did, says dr drake.",
            "Er zahlt pro Projekt ein einziges Mal, wo wohnt er, die die dieses Haus bauen.",
            "Il ne nettoie rien, nous nous servons de la lampe en entreprise, un univers.",
            "Trabaja sin sindicato y la labor sigue con confianza.",
            "Pracuje w wielu miastach z zarządem.",
            "Hat er das Rad um 5 mm gedreht, um Zeit zu sparen?",
            "Há um problema com um barco.",
            // The sign of the kelvin becomes a plain letter in lower case.
            "In \u{212a}st kst.",
        ] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn tokens_are_joined_to_words() {
        assert_eq!(clean("I 've seen it , yes ."), "I've seen it, yes.");
        assert_eq!(
            clean("It was \" fine \" , 5 % up ( or so ) ."),
            "It was \"fine\", 5% up (or so)."
        );
        assert_eq!(clean("don 't\nbreak   lines"), "Don 't break lines");
    }

    #[test]
    fn other_text_is_not_changed() {
        let text = "We paid $2.47 million — “too much”, she said; I agree.";
        assert_eq!(clean(text), text);
        assert_eq!(clean("我们开会。"), "我们开会。");
    }
}
