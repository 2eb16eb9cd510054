//! What a word is: the unit in which summaries are asked for and measured.
//!
//! A word is a whitespace-separated token. In scripts that put no blanks between words every ideograph counts as one (a
//! counter that sees 33,000 Chinese characters as one word never chunks them), and in Thai, Lao, Khmer and Burmese, where
//! a word can't be told without a dictionary, every six characters do.

/// Characters to a word in the unspaced alphabets of South-East Asia, vowel signs and tone marks included.
const UNSPACED_CHARS_PER_WORD: u8 = 6;

/// Sees a text character by character and says where words start.
#[derive(Default)]
struct Words {
    state: State,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Blank,
    Word,
    Ideograph,
    /// In an unspaced alphabet, after so many characters of the current word.
    Unspaced(u8),
}

impl Words {
    fn starts_at(&mut self, c: char) -> bool {
        if c.is_ascii() {
            // The common case, kept short.
            if c.is_ascii_whitespace() || c == '\u{b}' {
                self.state = State::Blank;
                return false;
            }
            return self.in_word(c);
        }
        if c.is_whitespace() {
            self.state = State::Blank;
            false
        } else if is_ideograph(c) {
            self.state = State::Ideograph;
            true
        } else if is_unspaced(c) {
            match self.state {
                State::Unspaced(n) if n < UNSPACED_CHARS_PER_WORD => {
                    self.state = State::Unspaced(n + 1);
                    false
                }
                _ => {
                    self.state = State::Unspaced(1);
                    true
                }
            }
        } else {
            self.in_word(c)
        }
    }

    fn in_word(&mut self, c: char) -> bool {
        match self.state {
            State::Blank => {
                self.state = State::Word;
                true
            }
            State::Word => false,
            // Punctuation after an ideograph belongs to it; a letter or digit begins a word of another script.
            State::Ideograph | State::Unspaced(_) => {
                let starts = c.is_alphanumeric();
                if starts {
                    self.state = State::Word;
                }
                starts
            }
        }
    }
}

/// Words in `text`.
#[must_use]
pub fn count(text: &str) -> usize {
    let mut words = Words::default();
    text.chars().filter(|&c| words.starts_at(c)).count()
}

/// The longest prefix of `text` that has at most `limit` words, cut after a word.
#[must_use]
pub fn prefix(text: &str, limit: usize) -> &str {
    let mut words = Words::default();
    let mut seen = 0;
    for (at, c) in text.char_indices() {
        if words.starts_at(c) {
            if seen == limit {
                return text.get(..at).unwrap_or(text).trim_end();
            }
            seen += 1;
        }
    }
    text
}

/// Han, kana and bopomofo.
fn is_ideograph(c: char) -> bool {
    matches!(u32::from(c),
        0x3005..=0x3007 | 0x3041..=0x3096 | 0x30a1..=0x30fa | 0x3105..=0x312f | 0x31f0..=0x31ff
        | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x20000..=0x3ffff)
}

/// Thai, Lao, Burmese and Khmer.
fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c), 0x0e00..=0x0eff | 0x1000..=0x109f | 0x1780..=0x17ff)
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
