//! Checks whether the numbers and names in an answer occur in its source.

use std::collections::HashSet;

use crate::text::sentence::is_stop;
use crate::text::words;

/// Smaller numbers are ignored: they are often the model's own counts, such as "two speakers" or "three reasons".
const MIN_NUMBER: f64 = 4.0;

/// Minimum number of unsupported items that counts as evidence. Fewer may be rounded numbers or inflected names.
const MIN_UNSUPPORTED: usize = 3;

const UNITS: &str = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen \
                     seventeen eighteen nineteen";

const TENS: &str = "twenty thirty forty fifty sixty seventy eighty ninety";

/// Whether most of the numbers or most of the names in `answer` are missing from `source`.
pub(crate) fn is_invented(answer: &str, source: &str) -> bool {
    mostly_missing(&large_numbers(answer), &large_numbers(source))
        || mostly_missing(&names(answer), &all_words(source))
}

fn mostly_missing(wanted: &HashSet<String>, known: &HashSet<String>) -> bool {
    let missing = wanted.iter().filter(|item| !known.contains(*item)).count();
    missing >= MIN_UNSUPPORTED && missing * 2 > wanted.len()
}

/// The numbers in a text that are too large to be the model's own counts.
pub(crate) fn large_numbers(text: &str) -> HashSet<String> {
    let is_large = |number: &String| {
        number
            .parse::<f64>()
            .is_ok_and(|number| number >= MIN_NUMBER)
    };
    numbers(text).into_iter().filter(is_large).collect()
}

/// The numbers in a text, normalized to digits, whether written in digits or in English words.
pub(crate) fn numbers(text: &str) -> HashSet<String> {
    let mut found: Vec<f64> = Vec::new();
    let mut spelled: Option<u64> = None;
    let words = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | ',')));
    // The empty word ends a spelled number at the end of the text.
    for word in words.chain([""]) {
        let word = word
            .trim_matches(['.', ','])
            .replace(',', "")
            .to_lowercase();
        match (spelled, spelled_value(&word)) {
            // twenty + five; two + hundred; hundred + twelve
            (Some(so_far), Some(value)) => {
                spelled = Some(match value {
                    100 | 1000 | 1_000_000 => so_far.max(1).saturating_mul(value),
                    _ if so_far >= 20 && so_far % 10 == 0 && value < so_far => so_far + value,
                    _ => {
                        found.push(so_far as f64);
                        value
                    }
                });
                found.push(value as f64);
            }
            (None, Some(value)) => spelled = Some(value),
            (so_far, None) => {
                spelled = None;
                found.extend(so_far.map(|number| number as f64));
                found.extend(word.trim_end_matches(char::is_alphabetic).parse::<f64>());
            }
        }
    }
    // Twelve and a half.
    for (at, _) in text.match_indices("and a half") {
        let before = text.get(..at).unwrap_or("");
        let word = before
            .split_whitespace()
            .next_back()
            .unwrap_or("")
            .to_lowercase();
        let whole = spelled_value(&word).map(|value| value as f64);
        found.extend(
            whole
                .or_else(|| word.parse().ok())
                .map(|whole: f64| whole + 0.5),
        );
    }
    found.iter().map(f64::to_string).collect()
}

fn spelled_value(word: &str) -> Option<u64> {
    let position = |list: &str| {
        let at = list.split(' ').position(|known| known == word)?;
        Some(at as u64)
    };
    match word {
        "hundred" => Some(100),
        "thousand" => Some(1000),
        "million" => Some(1_000_000),
        _ => position(UNITS).or_else(|| position(TENS).map(|at| (at + 2) * 10)),
    }
}

/// Words that are capitalized although they do not begin a sentence, converted to lower case.
pub(crate) fn names(text: &str) -> HashSet<String> {
    let mut found = HashSet::new();
    let mut begins = true;
    for word in text.split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let bare = bare.trim_end_matches("'s").trim_end_matches("’s");
        if !begins && bare.starts_with(char::is_uppercase) && bare.chars().count() > 2 {
            found.extend(words::runs(bare).map(str::to_lowercase));
        }
        begins = word.ends_with(|c| is_stop(c) || matches!(c, ':' | '"' | '”'));
    }
    found
}

/// The words of a text in lower case, without English genitives. Abbreviations are also told as one word where the text spells
/// them: `L_C_D_`, `L.C.D.` or `L C D`.
pub(crate) fn all_words(text: &str) -> HashSet<String> {
    let mut found = HashSet::new();
    let mut spelled = String::new();
    let add_spelled = |spelled: &mut String, found: &mut HashSet<String>| {
        if spelled.chars().count() > 1 {
            found.insert(std::mem::take(spelled));
        }
        spelled.clear();
    };
    for word in words::runs(text) {
        let word = word
            .trim_end_matches("'s")
            .trim_end_matches("’s")
            .to_lowercase();
        if word.chars().count() == 1 {
            spelled.push_str(&word);
        } else {
            add_spelled(&mut spelled, &mut found);
        }
        found.insert(word);
    }
    add_spelled(&mut spelled, &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "Dana: We paid twenty-five thousand to Brackwater in 2024. Lee: And 4.2 million for the Gasworks depot, \
                          Tobias said. Dana: With 212 cases, two hundred twelve.";

    #[test]
    fn what_is_in_the_source_is_supported() {
        assert!(!is_invented(
            "Dana said that 25 thousand went to Brackwater in 2024, and 4.2 million to the Gasworks depot.",
            SOURCE
        ));
        assert!(!is_invented(
            "She mentioned 212 cases; Lee and Tobias agreed with Dana.",
            SOURCE
        ));
        assert!(!is_invented("They agreed.", SOURCE));
    }

    #[test]
    fn what_is_not_is_invented() {
        assert!(is_invented(
            "They paid 77 million, then 88 million, and in 1999 another 61.",
            SOURCE
        ));
        assert!(is_invented(
            "It was said that Napoleon met Wellington and Bluecher near Waterloo.",
            SOURCE
        ));
    }

    #[test]
    fn spelled_abbreviations_are_words() {
        let words = all_words("An L_C_D_ display, the R.C. and a B B C report");
        assert!(
            ["lcd", "rc", "display"]
                .iter()
                .all(|word| words.contains(*word)),
            "{words:?}"
        );
    }

    #[test]
    fn spelled_numbers_are_numbers() {
        for (text, number) in [
            ("two hundred", "200"),
            ("twenty five", "25"),
            ("twelve", "12"),
            ("Twelve and a half . Actually", "12.5"),
            ("1,250", "1250"),
            ("3.5m", ""),
        ] {
            assert!(
                number.is_empty() || numbers(text).contains(number),
                "{text}: {:?}",
                numbers(text)
            );
        }
    }
}
