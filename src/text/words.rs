//! Counts words, the unit in which summaries are ordered and measured.
//!
//! A word is a whitespace-separated token. In scripts without blanks between words every ideograph counts as one (a
//! counter that sees 33,000 Chinese characters as one word never chunks them), and in Thai, Lao, Khmer and Burmese, where
//! only a dictionary could tell words apart, every six characters do.

use crate::text::script::Script;

/// Characters of a word in an unspaced alphabet, vowel signs and tone marks included.
const UNSPACED_CHARS_PER_WORD: u8 = 6;

/// What a text that is read character by character has reached.
#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Blank,
    Word,
    Ideograph,
    /// This many characters of a word in an unspaced alphabet.
    Unspaced(u8),
}

impl State {
    /// Takes the next character, and says whether a word starts with it.
    fn starts_at(&mut self, c: char) -> bool {
        // The common case first: a table of scripts is slow to search.
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
            // Punctuation after an ideograph belongs to it; a letter or digit begins a word of another script.
            (_, before) if !c.is_alphanumeric() => (before, false),
            _ => (Self::Word, true),
        };
        *self = state;
        starts
    }
}

/// Words in `text`.
#[must_use]
pub fn count(text: &str) -> usize {
    let mut state = State::default();
    text.chars().filter(|&c| state.starts_at(c)).count()
}

/// The longest prefix of `text` that has at most `limit` words, cut after a word.
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

/// Runs of letters and digits, with the apostrophes inside them: what terms and n-grams are made of.
pub(crate) fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’')))
        .map(|run| run.trim_matches(['\'', '’']))
        .filter(|run| !run.is_empty())
}

/// `text` with a capital at its beginning.
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
