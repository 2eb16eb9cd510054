//! Counts words, the unit of summary lengths.
//!
//! A word is a whitespace-separated token. In scripts without spaces between words, every ideograph counts as a word;
//! otherwise 33,000 Chinese characters would count as one word and never be chunked. In Thai, Lao, Khmer and Burmese, where
//! finding words takes a dictionary, every six characters count as a word.

use crate::text::script::Script;

/// A number of words that is planned or requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Words(pub usize);

/// Characters per word in an unspaced alphabet, including vowel signs and tone marks.
const UNSPACED_CHARS_PER_WORD: u8 = 6;

/// State of the word counter, which reads a text character by character.
#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Blank,
    Word,
    Ideograph,
    /// Inside a word of an unspaced alphabet, after this number of characters.
    Unspaced(u8),
}

impl State {
    /// Takes the next character and returns whether a word starts with it.
    fn starts_at(&mut self, c: char) -> bool {
        // ASCII is the common case, and looking up a script is slow.
        let script = if c.is_ascii() { None } else { Script::of(c) };
        let (state, starts) = match (script, *self) {
            (Some(script), _) if script.is_ideographic() => (Self::Ideograph, true),
            (Some(script), Self::Unspaced(n))
                if script.is_unspaced() && n < UNSPACED_CHARS_PER_WORD =>
            {
                (Self::Unspaced(n + 1), false)
            }
            (Some(script), _) if script.is_unspaced() => (Self::Unspaced(1), true),
            _ if c.is_whitespace() => (Self::Blank, false),
            (_, Self::Blank) => (Self::Word, true),
            (_, Self::Word) => (Self::Word, false),
            // Punctuation after an ideograph belongs to it; a letter or digit starts a word of another script.
            (_, before) if !c.is_alphanumeric() => (before, false),
            _ => (Self::Word, true),
        };
        *self = state;
        starts
    }
}

/// The number of words in `text`.
#[must_use]
pub fn count(text: &str) -> usize {
    let mut state = State::default();
    text.chars().filter(|&c| state.starts_at(c)).count()
}

/// The longest prefix of `text` with at most `limit` words, cut after a word.
#[must_use]
pub fn prefix(text: &str, limit: usize) -> &str {
    let mut state = State::default();
    let mut seen = 0;
    for (at, c) in text.char_indices() {
        if state.starts_at(c) {
            if seen == limit {
                return text.split_at(at).0.trim_end();
            }
            seen += 1;
        }
    }
    text
}

/// Runs of letters and digits, including inner apostrophes. Terms and n-grams are built from these.
pub(crate) fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’')))
        .map(|run| run.trim_matches(['\'', '’']))
        .filter(|run| !run.is_empty())
}

/// `text` with its first letter capitalized.
pub(crate) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars.as_str().chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_of_every_kind_separate_words() {
        assert_eq!(count(""), 0);
        assert_eq!(count("  \r\n\t "), 0);
        assert_eq!(count("well — that's\u{a0}4,000 words\u{3000}ok"), 6);
    }

    #[test]
    fn every_ideograph_is_a_word() {
        assert_eq!(count("会议记录"), 4);
        assert_eq!(count("会议记录。"), 4);
        assert_eq!(count("使用GPU和2台server。"), 7);
        assert_eq!(count("ひらがなカタカナ"), 8);
    }

    #[test]
    fn spaced_scripts_count_by_blanks() {
        assert_eq!(count("회의 기록을 요약"), 3);
        assert_eq!(count("Это запись совещания"), 3);
    }

    #[test]
    fn unspaced_alphabets_count_by_length() {
        assert_eq!(count("การประชุมครั้งนี้"), 3);
        assert_eq!(count(&"ก".repeat(600)), 100);
    }

    #[test]
    fn a_prefix_ends_after_a_word() {
        assert_eq!(prefix("one two three", 2), "one two");
        assert_eq!(prefix("one two", 5), "one two");
        assert_eq!(prefix("会议记录", 3), "会议记");
        assert_eq!(prefix("one", 0), "");
    }
}
