//! Language tags by BCP 47, such as `de`, `pt-BR` or `zh-Hant`.

use std::fmt;

/// A language to write in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language(String);

/// English names of languages, which models understand better than codes, and their other codes by ISO 639.
const NAMES: [(&str, &str, &str); 68] = [
    ("af", "Afrikaans", "afr"),
    ("am", "Amharic", "amh"),
    ("ar", "Arabic", "ara"),
    ("az", "Azerbaijani", "aze"),
    ("be", "Belarusian", "bel"),
    ("bg", "Bulgarian", "bul"),
    ("bn", "Bengali", "ben"),
    ("bs", "Bosnian", "bos"),
    ("ca", "Catalan", "cat"),
    ("cs", "Czech", "ces cze"),
    ("cy", "Welsh", "cym wel"),
    ("da", "Danish", "dan"),
    ("de", "German", "deu ger"),
    ("el", "Greek", "ell gre"),
    ("en", "English", "eng"),
    ("es", "Spanish", "spa"),
    ("et", "Estonian", "est"),
    ("eu", "Basque", "eus baq"),
    ("fa", "Persian", "fas per"),
    ("fi", "Finnish", "fin"),
    ("fr", "French", "fra fre"),
    ("ga", "Irish", "gle"),
    ("gl", "Galician", "glg"),
    ("gu", "Gujarati", "guj"),
    ("he", "Hebrew", "heb iw"),
    ("hi", "Hindi", "hin"),
    ("hr", "Croatian", "hrv"),
    ("hu", "Hungarian", "hun"),
    ("hy", "Armenian", "hye arm"),
    ("id", "Indonesian", "ind in"),
    ("is", "Icelandic", "isl ice"),
    ("it", "Italian", "ita"),
    ("ja", "Japanese", "jpn"),
    ("ka", "Georgian", "kat geo"),
    ("kk", "Kazakh", "kaz"),
    ("km", "Khmer", "khm"),
    ("ko", "Korean", "kor"),
    ("lb", "Luxembourgish", "ltz"),
    ("lo", "Lao", "lao"),
    ("lt", "Lithuanian", "lit"),
    ("lv", "Latvian", "lav"),
    ("mk", "Macedonian", "mkd mac"),
    ("mr", "Marathi", "mar"),
    ("ms", "Malay", "msa may"),
    ("mt", "Maltese", "mlt"),
    ("my", "Burmese", "mya bur"),
    ("nb", "Norwegian Bokmål", "nob"),
    ("ne", "Nepali", "nep"),
    ("nl", "Dutch", "nld dut"),
    ("nn", "Norwegian Nynorsk", "nno"),
    ("no", "Norwegian", "nor"),
    ("pl", "Polish", "pol"),
    ("pt", "Portuguese", "por"),
    ("ro", "Romanian", "ron rum mo"),
    ("ru", "Russian", "rus"),
    ("sk", "Slovak", "slk slo"),
    ("sl", "Slovenian", "slv"),
    ("sq", "Albanian", "sqi alb"),
    ("sr", "Serbian", "srp"),
    ("sv", "Swedish", "swe"),
    ("sw", "Swahili", "swa"),
    ("th", "Thai", "tha"),
    ("tr", "Turkish", "tur"),
    ("uk", "Ukrainian", "ukr"),
    ("ur", "Urdu", "urd"),
    ("vi", "Vietnamese", "vie"),
    ("yi", "Yiddish", "yid ji"),
    ("zh", "Chinese", "zho chi cmn"),
];

/// All codes of two letters.
const TWO_LETTERS: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo \
    es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg \
    ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn \
    no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw \
    ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

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
        let other_code =
            |(_, _, codes): &&(&str, &str, &str)| codes.split(' ').any(|code| code == primary);
        let mut written = match NAMES.iter().find(other_code) {
            Some((code, ..)) => (*code).to_owned(),
            None if is_language(&primary) => primary,
            None => return None,
        };
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
        let known = |(code, ..): &&(&str, &str, &str)| *code == primary(&self.0);
        match NAMES.iter().find(known) {
            Some((code, name, _)) if *code == self.0 => (*name).to_owned(),
            Some((_, name, _)) => format!("{name} ({})", self.0),
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

/// Whether a code may be one of a language: `zxx`, `und` and the codes for private use are none.
fn is_language(code: &str) -> bool {
    match code.len() {
        2 => TWO_LETTERS.split(' ').any(|known| known == code),
        _ => !matches!(code, "zxx" | "und" | "mul" | "mis") && !("qaa".."qua").contains(&code),
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
            ("que", "que", "the language with the BCP 47 code que"),
            ("deu", "de", "German"),
            ("GER-at", "de-AT", "German (de-AT)"),
            ("iw", "he", "Hebrew"),
            ("cmn-Hans", "zh-Hans", "Chinese (zh-Hans)"),
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
            "xx",
            "zz-ZZ",
            "qaa",
            "qtz",
            "zxx",
            "und",
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
