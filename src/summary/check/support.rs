//! Checks whether the numbers and names in an answer occur in its source.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::text::sentence::is_stop;
use crate::text::{Language, words};

/// Smaller numbers are ignored: they are often the model's own counts, such as "two speakers" or "three reasons".
const MIN_NUMBER: f64 = 4.0;

/// Minimum number of unsupported items that counts as evidence. Fewer may be rounded numbers or inflected names.
const MIN_UNSUPPORTED: usize = 3;

const UNITS: &str = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen \
                     seventeen eighteen nineteen";

const TENS: &str = "twenty thirty forty fifty sixty seventy eighty ninety";

/// What a text has in common with the text that it was written from. Each includes the ones before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Comparable {
    /// Figures, but for the marks between their digits: it is in other letters.
    Numbers,
    /// A name by itself. In prose it cannot be told from a noun.
    FullNames,
    /// Most names, since some are translated.
    Names,
    /// Words: it is in the same language.
    #[default]
    Words,
}

impl Comparable {
    /// For a text in `language`, or else in that of its source, which has the code `source` if that is known.
    pub(crate) fn of(language: Option<&Language>, source: Option<&str>) -> Self {
        let Some(language) = language else {
            return Self::Words;
        };
        match source {
            Some(source) if language.may_be_written_otherwise(source) => Self::Names,
            Some(source) if language.is_that_of(source) => Self::Words,
            Some(source) if !language.has_other_letters_than(source) => {
                if language.capitalizes_nouns() {
                    Self::FullNames
                } else {
                    Self::Names
                }
            }
            _ => Self::Numbers,
        }
    }

    /// Whether words can be compared.
    pub(crate) fn has_words(self) -> bool {
        self == Self::Words
    }

    /// The numbers of a source.
    pub(crate) fn known_numbers(self, source: &str) -> HashSet<String> {
        let mut known = numbers(source);
        if !self.has_words() {
            known = known.iter().map(|number| digits_of(number)).collect();
            known.extend(figures(source).into_iter().map(digits_of));
        }
        known
    }

    /// The large numbers in `text` that are not among those of its source.
    pub(crate) fn missing_numbers(self, text: &str, known: &HashSet<String>) -> (usize, usize) {
        if self.has_words() {
            let all = large_numbers(text);
            return (all.difference(known).count(), all.len());
        }
        let is_known = |digits: &str| {
            let is_small = digits
                .parse::<f64>()
                .is_ok_and(|number| number < MIN_NUMBER);
            is_small || known.contains(digits)
        };
        let all = figures(text);
        let missing = all.iter().filter(|figure| {
            // A date such as 3.11.2025 is three numbers.
            let parts = figure.split(|c: char| !c.is_ascii_digit());
            !is_known(&digits_of(figure)) && !parts.into_iter().all(is_known)
        });
        (missing.count(), all.len())
    }

    /// Whether all large numbers in `text` are known.
    pub(crate) fn has_numbers(self, text: &str, known: &HashSet<String>) -> bool {
        self.missing_numbers(text, known).0 == 0
    }

    /// Whether the names in `text` are known, as far as can be told.
    pub(crate) fn has_names(self, text: &str, known: &HashSet<String>) -> bool {
        match self {
            Self::Words => names(text).is_subset(known),
            Self::Names => !is_most(missing(&names(text), known)),
            Self::FullNames | Self::Numbers => true,
        }
    }

    /// Whether most of the numbers or most of the names in `answer` are missing from `source`.
    pub(crate) fn is_invented(self, answer: &str, source: &str) -> bool {
        is_most(self.missing_numbers(answer, &self.known_numbers(source)))
            || self >= Self::Names && is_most(missing_names(answer, source))
    }
}

/// Numbers in digits, as they are written: with marks, or spaces before three digits. Those that count tens of thousands are left
/// out.
fn figures(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let from = rest.get(start..).unwrap_or("");
        let mut end = 0;
        loop {
            let run = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
            let after = from.get(end..).unwrap_or("");
            let (digits, gap) = (run(after), after.get(run(after)..).unwrap_or(""));
            end += digits;
            let Some(mark) = gap.chars().next() else {
                break;
            };
            let next = run(gap.get(mark.len_utf8()..).unwrap_or(""));
            let goes_on = match mark {
                '.' | ',' | '\'' | '’' => next > 0,
                ' ' | '\u{a0}' | '\u{202f}' => digits <= 3 && next == 3,
                _ => false,
            };
            if !goes_on {
                break;
            }
            end += mark.len_utf8();
        }
        let (figure, after) = from.split_at(end);
        if !after.starts_with(['万', '萬', '亿', '億', '만', '억']) {
            found.push(figure);
        }
        rest = after;
    }
    found
}

fn digits_of(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

/// How many of `wanted` are missing from `known`, and of how many.
fn missing(wanted: &HashSet<String>, known: &HashSet<String>) -> (usize, usize) {
    (wanted.difference(known).count(), wanted.len())
}

/// How many of the names in `answer` are no words of `source`, and of how many.
fn missing_names(answer: &str, source: &str) -> (usize, usize) {
    let names = names(answer);
    missing(&names, &words_among(source, |word| names.contains(word)))
}

/// Whether so many are missing that this is evidence.
fn is_most((missing, of): (usize, usize)) -> bool {
    missing >= MIN_UNSUPPORTED && missing * 2 > of
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

/// The numbers in a text, normalized to digits, whether written in digits or in English words. What is said short has both of its
/// readings: `two fifty` is 250, or 2 and 50.
pub(crate) fn numbers(text: &str) -> HashSet<String> {
    let mut found: Vec<f64> = Vec::new();
    let mut spelled: Option<u64> = None;
    // Of `two fifty`, the two hundred that may be meant.
    let mut hundreds = 0_u64;
    let mut decimals: Option<String> = None;
    let mut is_after_digits = false;
    let text = with_plain_fractions(text);
    let words = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | ',')));
    let words = words.filter(|word| !word.is_empty());
    // The empty word ends a spelled number at the end of the text.
    for word in words.chain([""]) {
        let word = word
            .trim_matches(['.', ','])
            .replace(',', "")
            .to_lowercase();
        // The million of 2.41 million is no number of its own.
        let is_unit = matches!(&*word, "hundred" | "thousand" | "million") && is_after_digits;
        let value = spelled_value(&word).filter(|_| !is_unit);
        is_after_digits = word.ends_with(|c: char| c.is_ascii_digit());
        match (&mut decimals, value) {
            (Some(written), Some(value)) if value < 10 => {
                written.push_str(&value.to_string());
                found.extend(written.parse::<f64>());
            }
            (Some(_), _) => decimals = None,
            (None, _) => {}
        }
        match (spelled, value) {
            // twenty + five; two + hundred; hundred + twelve
            (Some(so_far), Some(value)) => {
                spelled = Some(match value {
                    100 | 1000 | 1_000_000 => so_far.max(1).saturating_mul(value),
                    _ if so_far >= 20 && so_far % 10 == 0 && value < so_far => so_far + value,
                    _ => {
                        found.push(hundreds.saturating_add(so_far) as f64);
                        found.push(so_far as f64);
                        let may_be_short = so_far < 100 && (10..100).contains(&value);
                        hundreds = if may_be_short { so_far * 100 } else { 0 };
                        value
                    }
                });
                found.push(value as f64);
            }
            (None, Some(value)) => spelled = Some(value),
            // a hundred and twelve
            (Some(so_far), None) if word == "and" && so_far >= 100 => found.push(so_far as f64),
            (so_far, None) => {
                if let Some(so_far) = so_far {
                    found.extend([so_far as f64, hundreds.saturating_add(so_far) as f64]);
                    decimals = (word == "point").then(|| format!("{so_far}."));
                }
                (spelled, hundreds) = (None, 0);
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

/// The text with fractions such as `¾` as `3/4`.
fn with_plain_fractions(text: &str) -> Cow<'_, str> {
    if !text.contains(['¼', '½', '¾']) {
        return Cow::Borrowed(text);
    }
    let plain = [('¼', " 1/4"), ('½', " 1/2"), ('¾', " 3/4")];
    let plain = plain
        .into_iter()
        .fold(text.to_owned(), |text, (one, plain)| {
            text.replace(one, plain)
        });
    Cow::Owned(plain)
}

/// Whether a word in lower case is a number, or a part of one.
pub(crate) fn is_number_word(word: &str) -> bool {
    spelled_value(word).is_some()
}

fn spelled_value(word: &str) -> Option<u64> {
    static VALUES: LazyLock<HashMap<&str, u64>> = LazyLock::new(|| {
        let units = (0..).zip(UNITS.split(' '));
        let tens = (2..).map(|ten| ten * 10).zip(TENS.split(' '));
        let powers = [(100, "hundred"), (1000, "thousand"), (1_000_000, "million")];
        let all = units.chain(tens).chain(powers);
        all.map(|(value, word)| (word, value)).collect()
    });
    // A whole transcript is searched for numbers, and most words are none.
    let is_short = word.len() <= "seventeen".len();
    is_short.then(|| VALUES.get(word).copied()).flatten()
}

/// Words that are capitalized although they do not begin a sentence, converted to lower case.
pub(crate) fn names(text: &str) -> HashSet<String> {
    names_among(text, |_| true)
}

/// Those of the [`names`] in a text that are `wanted`.
pub(crate) fn names_among(text: &str, wanted: impl Fn(&str) -> bool) -> HashSet<String> {
    let mut found = HashSet::new();
    let mut begins = true;
    for word in text.split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let bare = bare.trim_end_matches("'s").trim_end_matches("’s");
        if !begins && bare.starts_with(char::is_uppercase) && bare.chars().count() > 2 {
            let runs = words::runs(bare).filter(|run| !run.starts_with(char::is_lowercase));
            found.extend(runs.map(str::to_lowercase).filter(|name| wanted(name)));
        }
        begins = word.ends_with(|c| is_stop(c) || matches!(c, ':' | '"' | '”'));
    }
    found
}

/// The words of a text in lower case, without English genitives. Abbreviations are also told as one word where the text spells
/// them: `L_C_D_`, `L.C.D.` or `L C D`.
pub(crate) fn all_words(text: &str) -> HashSet<String> {
    words_among(text, |_| true)
}

/// Those of [`all_words`] that are `wanted`. A long transcript may have millions, which would take several times its size.
pub(crate) fn words_among(text: &str, wanted: impl Fn(&str) -> bool) -> HashSet<String> {
    let mut found = HashSet::new();
    let mut spelled = String::new();
    let add_spelled = |spelled: &mut String, found: &mut HashSet<String>| {
        if spelled.chars().count() > 1 && wanted(spelled) {
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
        if wanted(&word) {
            found.insert(word);
        }
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
        let is_invented = |answer, source| Comparable::Words.is_invented(answer, source);
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
        let is_invented = |answer, source| Comparable::Words.is_invented(answer, source);
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
    fn a_translation_is_compared_by_numbers_and_perhaps_names() {
        let language = |tag| Language::parse(tag).unwrap();
        let of = |tag, source| Comparable::of(Some(&language(tag)), source);
        assert_eq!(of("de-CH", Some("de")), Comparable::Words);
        assert_eq!(of("de", Some("en")), Comparable::FullNames);
        assert_eq!(of("fr", Some("en")), Comparable::Names);
        assert_eq!(of("ru", Some("en")), Comparable::Numbers);
        assert_eq!(of("fr", None), Comparable::Numbers);
        let source = "It cost 4.2 million, 250,000 on March 3, 2025, twelve and a half percent, 420 of them.";
        for (text, is_known) in [
            ("4,2 Millionen, 250.000 am 3.3.2025, 12,5 Prozent", true),
            ("250 000 und 250\u{a0}000", true),
            ("42万、420人", true),
            ("9,7 Millionen", false),
            ("260.000", false),
        ] {
            let known = Comparable::FullNames.known_numbers(source);
            assert_eq!(
                Comparable::FullNames.has_numbers(text, &known),
                is_known,
                "{text}"
            );
        }
        let german = "Der Vorstand sprach über Kosten und Depot, Haushalt und Stadt.";
        assert!(!Comparable::FullNames.is_invented(german, source));
        assert!(Comparable::FullNames.is_invented("Es waren 77, 88 und 99.", source));
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
    fn the_unit_of_a_number_is_none() {
        let known = numbers("We use 2.41 from now on.");
        assert!(numbers("2.41 million").is_subset(&known));
        assert!(numbers("a million").contains("1000000"));
    }

    #[test]
    fn spelled_numbers_are_numbers() {
        for (text, number) in [
            ("two hundred", "200"),
            ("twenty five", "25"),
            ("twelve", "12"),
            ("Twelve and a half . Actually", "12.5"),
            ("1,250", "1250"),
            ("2.41 million", "2.41"),
            ("about ¾ of a mile", "3"),
            ("a hundred and thirty-six milliseconds", "136"),
            ("two thousand and five", "2005"),
            ("a hundred and so", "100"),
            ("a hundred and thirty - six milliseconds ,", "136"),
            ("sixty - four", "64"),
            ("Two-fifty, say", "250"),
            ("Two - fifty , unless", "250"),
            ("three thirty five", "335"),
            ("nineteen eighty four", "1984"),
            ("two fifty", "50"),
            ("sixteen point seven five", "16.75"),
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
