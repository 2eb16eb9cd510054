//! Checks whether the numbers and names in an answer occur in its source.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use crate::summary::check::numbers;
use crate::text::sentence::is_stop;
use crate::text::{Language, words};

/// Minimum number of unsupported items that counts as evidence. Fewer may be rounded numbers or inflected names.
const MIN_UNSUPPORTED: usize = 3;

/// Lengths of abbreviations that a text makes itself, in bytes.
const ABBREVIATION_BYTES: RangeInclusive<usize> = 2..=10;

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
        let mut known = numbers::readings(source);
        if !self.has_words() {
            known = known.iter().map(|number| digits_of(number)).collect();
            known.extend(figures(source).into_iter().map(digits_of));
        }
        known
    }

    /// The large numbers in `text` that are not among those of its source.
    pub(crate) fn missing_numbers(self, text: &str, known: &HashSet<String>) -> (usize, usize) {
        if self.has_words() {
            let all = numbers::large_numbers(text);
            let missing = all.iter().filter(|number| !number.is_among(known));
            return (missing.count(), all.len());
        }
        let is_known = |digits: &str| numbers::is_small(digits) || known.contains(digits);
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
        let named = || &names(text) - &abbreviations(text);
        match self {
            Self::Words => named().is_subset(known),
            Self::Names => !is_most(missing(&named(), known)),
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

/// The abbreviations that a text makes of its own words, as in `the Higher Education Funding Council for Wales (HEFCW)`, in lower case.
pub(crate) fn abbreviations(text: &str) -> HashSet<String> {
    let in_brackets = text.match_indices('(').filter_map(|(at, _)| {
        let (before, rest) = text.split_at(at);
        let (short, _) = rest.get(1..)?.split_once(')')?;
        stands_for(short, before).then(|| short.to_lowercase())
    });
    in_brackets.collect()
}

/// Whether `short` consists of the initials of the words that `text` ends with. Words in lower case may be left out.
fn stands_for(short: &str, text: &str) -> bool {
    if !ABBREVIATION_BYTES.contains(&short.len()) || !short.chars().all(char::is_alphabetic) {
        return false;
    }
    let mut words = text
        .rsplit(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    short.to_lowercase().chars().rev().all(|letter| {
        let has_letter = |word: &&str| word.to_lowercase().starts_with(letter);
        let is_in_name = |word: &&str| !word.starts_with(char::is_lowercase);
        words
            .find(|word| has_letter(word) || is_in_name(word))
            .is_some_and(|word| has_letter(&word))
    })
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
    fn abbreviations_of_the_words_before_them_are_known() {
        let known = all_words(
            "The higher education funding council for Wales met the Department for Transport.",
        );
        for (text, are_known) in [
            (
                "They heard the Higher Education Funding Council for Wales (HEFCW).",
                true,
            ),
            ("They heard the Department for Transport (DfT).", true),
            (
                "They heard the Department for Transport (DT), and DT agreed.",
                true,
            ),
            ("They heard the Department for Transport (BBC).", false),
            ("They heard the Wales Transport Department (DTW).", false),
            ("They heard the DfT.", false),
            ("They heard (", true),
        ] {
            assert_eq!(
                Comparable::Words.has_names(text, &known),
                are_known,
                "{text}"
            );
        }
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
}
