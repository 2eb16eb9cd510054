//! Language tags by BCP 47, such as `de`, `pt-BR` or `zh-Hant`.

use std::fmt;

/// A language to write in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language(String);

/// English names of languages, which models understand better than codes.
const NAMES: [(&str, &str); 66] = [
    ("af", "Afrikaans"),
    ("am", "Amharic"),
    ("ar", "Arabic"),
    ("az", "Azerbaijani"),
    ("be", "Belarusian"),
    ("bg", "Bulgarian"),
    ("bn", "Bengali"),
    ("bs", "Bosnian"),
    ("ca", "Catalan"),
    ("cs", "Czech"),
    ("cy", "Welsh"),
    ("da", "Danish"),
    ("de", "German"),
    ("el", "Greek"),
    ("en", "English"),
    ("es", "Spanish"),
    ("et", "Estonian"),
    ("eu", "Basque"),
    ("fa", "Persian"),
    ("fi", "Finnish"),
    ("fr", "French"),
    ("ga", "Irish"),
    ("gl", "Galician"),
    ("gu", "Gujarati"),
    ("he", "Hebrew"),
    ("hi", "Hindi"),
    ("hr", "Croatian"),
    ("hu", "Hungarian"),
    ("hy", "Armenian"),
    ("id", "Indonesian"),
    ("is", "Icelandic"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("ka", "Georgian"),
    ("kk", "Kazakh"),
    ("km", "Khmer"),
    ("ko", "Korean"),
    ("lb", "Luxembourgish"),
    ("lo", "Lao"),
    ("lt", "Lithuanian"),
    ("lv", "Latvian"),
    ("mk", "Macedonian"),
    ("mr", "Marathi"),
    ("ms", "Malay"),
    ("mt", "Maltese"),
    ("my", "Burmese"),
    ("nb", "Norwegian Bokmål"),
    ("ne", "Nepali"),
    ("nl", "Dutch"),
    ("nn", "Norwegian Nynorsk"),
    ("no", "Norwegian"),
    ("pl", "Polish"),
    ("pt", "Portuguese"),
    ("ro", "Romanian"),
    ("ru", "Russian"),
    ("sk", "Slovak"),
    ("sl", "Slovenian"),
    ("sq", "Albanian"),
    ("sr", "Serbian"),
    ("sv", "Swedish"),
    ("sw", "Swahili"),
    ("th", "Thai"),
    ("tr", "Turkish"),
    ("uk", "Ukrainian"),
    ("vi", "Vietnamese"),
    ("zh", "Chinese"),
];

/// Languages that are written in other letters than Latin ones, by the letters that they share.
const OTHER_LETTERS: [&str; 16] = [
    "ru uk bg be mk sr kk",
    "el",
    "he yi",
    "ar fa ur ps ug",
    "hi mr ne",
    "bn",
    "gu",
    "th",
    "lo",
    "my",
    "km",
    "ko",
    "ja",
    "zh yue cmn",
    "hy",
    "ka",
];

impl Language {
    /// Reads a tag, whatever its case: a language code of two or three letters, perhaps with subtags. `None` if it is none.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Self> {
        let mut subtags = tag.trim().split(['-', '_']);
        let primary = subtags.next()?.to_ascii_lowercase();
        let is_code = |code: &str| code.bytes().all(|byte| byte.is_ascii_lowercase());
        if !(2..=3).contains(&primary.len()) || !is_code(&primary) {
            return None;
        }
        let mut written = primary;
        for subtag in subtags {
            let is_subtag = |byte: u8| byte.is_ascii_alphanumeric();
            if !(1..=8).contains(&subtag.len()) || !subtag.bytes().all(is_subtag) {
                return None;
            }
            written.push('-');
            // A script such as Hant, a region such as BR.
            written.push_str(&match subtag.len() {
                2 => subtag.to_ascii_uppercase(),
                4 => {
                    let (first, rest) = subtag.split_at(1);
                    first.to_ascii_uppercase() + &rest.to_ascii_lowercase()
                }
                _ => subtag.to_ascii_lowercase(),
            });
        }
        (written.len() <= MAX_LEN).then_some(Self(written))
    }

    /// The tag.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.0
    }

    /// The language as a model is told it: `German`, `Portuguese (pt-BR)`.
    pub(crate) fn told(&self) -> String {
        let known = |(code, _): &&(&str, &str)| *code == primary(&self.0);
        match NAMES.iter().find(known) {
            Some((code, name)) if *code == self.0 => (*name).to_owned(),
            Some((_, name)) => format!("{name} ({})", self.0),
            None => format!("the language with the BCP 47 code {}", self.0),
        }
    }

    /// Whether it is the language with the code `other`, whatever its region and script.
    pub(crate) fn is_that_of(&self, other: &str) -> bool {
        let norwegian = |code: &str| matches!(code, "no" | "nb" | "nn");
        let (own, other) = (primary(&self.0), primary(other));
        own == other || norwegian(own) && norwegian(other)
    }

    /// Whether a text in the language with the code `other` may have other characters: Chinese has two sets of them.
    pub(crate) fn may_be_written_otherwise(&self, other: &str) -> bool {
        primary(&self.0) == "zh" && self.0 != "zh" && self.0 != other
    }

    /// Whether it has other letters than the language with the code `other`.
    pub(crate) fn has_other_letters_than(&self, other: &str) -> bool {
        let letters = |code: &str| {
            let share = |languages: &&str| languages.split(' ').any(|known| known == code);
            OTHER_LETTERS.iter().position(share)
        };
        letters(primary(&self.0)) != letters(primary(other))
    }

    /// Whether it writes all nouns with capital letters, as names.
    pub(crate) fn capitalizes_nouns(&self) -> bool {
        matches!(primary(&self.0), "de" | "lb")
    }
}

/// No tag in use is longer.
const MAX_LEN: usize = 35;

/// The language code of a tag.
pub(crate) fn primary(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or_default()
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_in_any_case() {
        for (given, tag, told) in [
            ("de", "de", "German"),
            (" PT_br ", "pt-BR", "Portuguese (pt-BR)"),
            ("zh-hant", "zh-Hant", "Chinese (zh-Hant)"),
            ("tlh", "tlh", "the language with the BCP 47 code tlh"),
            ("es-419", "es-419", "Spanish (es-419)"),
        ] {
            let language = Language::parse(given).unwrap();
            assert_eq!((language.tag(), language.told().as_str()), (tag, told));
        }
    }

    #[test]
    fn names_of_languages_are_no_tags() {
        for given in [
            "",
            "german",
            "d",
            "d3",
            "de-",
            "de--CH",
            "de CH",
            "de-Österreich",
            "日本語",
            "-",
        ] {
            assert_eq!(Language::parse(given), None, "{given}");
        }
    }

    #[test]
    fn languages_are_compared() {
        let language = |tag| Language::parse(tag).unwrap();
        assert!(language("de-CH").is_that_of("de") && language("nb").is_that_of("no"));
        assert!(
            !language("de").is_that_of("en") && language("zh-Hant").may_be_written_otherwise("zh")
        );
        assert!(language("ru").has_other_letters_than("en"));
        assert!(
            !language("ru").has_other_letters_than("uk")
                && !language("de").has_other_letters_than("vi")
        );
    }
}
