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
    for word in sentence.split_whitespace() {
        if is_filler(word) {
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

fn is_filler(word: &str) -> bool {
    let bare = word.trim_matches([',', '.', ';', '-', '—', '–', '…', '?', '!']);
    bare.len() <= 6
        && FILLERS
            .iter()
            .any(|filler| bare.eq_ignore_ascii_case(filler))
}

/// Words that speakers repeat on purpose.
const DOUBLED: [&str; 7] = ["that", "had", "very", "no", "bye", "so", "ha"];

/// Short words that are not a stutter even if the next word begins with them, as in `to tomorrow`.
const SHORT: [&str; 32] = [
    "a", "i", "am", "an", "and", "as", "at", "be", "but", "by", "do", "for", "go", "he", "if",
    "in", "is", "it", "me", "my", "no", "of", "on", "or", "so", "the", "to", "up", "us", "we",
    "you", "her",
];

/// Whether `last` is a stutter: the same word twice in a row, as in `the the`, or its beginning, as in `th these`.
fn is_stutter(last: &str, word: &str) -> bool {
    let bare = last.trim_end_matches([',', '-', '—']).to_lowercase();
    let word = word
        .trim_end_matches([',', '.', '?', '!', ';', ':'])
        .to_lowercase();
    let short = !bare.is_empty() && bare.len() <= 4 && bare.chars().all(char::is_alphabetic);
    let same = bare == word && !DOUBLED.contains(&bare.as_str());
    let beginning = bare.len() <= 3
        && word.len() > bare.len()
        && word.starts_with(&bare)
        && !SHORT.contains(&bare.as_str());
    short && (same || beginning)
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
        assert_eq!(clean("Um."), "");
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
