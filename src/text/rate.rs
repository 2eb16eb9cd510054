//! Whether a text is English, whose words every vocabulary knows.

use crate::text::tokens;

/// What letters cost in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// English, whose words every vocabulary knows.
    English,
    /// Any other language in Latin letters, names, code: words are put together from pieces.
    Other,
}

/// Words that are frequent in English and rare elsewhere.
const ENGLISH: [&str; 40] = [
    "the", "and", "of", "that", "with", "you", "we", "it", "this", "they", "have", "what", "for",
    "are", "not", "but", "be", "just", "to", "know", "would", "there", "from", "if", "about",
    "can", "our", "your", "on", "at", "is", "think", "like", "will", "do", "all", "right", "okay",
    "roger", "which",
];

/// A text is English if this share of its words is among those, in percent.
const ENGLISH_PERCENT: usize = 15;

/// Fewer words are no evidence.
const MIN_WORDS: usize = 20;

/// A long text is judged by so many pieces of so many bytes.
const SAMPLES: usize = 16;
const SAMPLE_BYTES: usize = 2048;

impl Rate {
    /// The rate for `text`, judged by samples of it.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let step = (text.len() / SAMPLES).max(SAMPLE_BYTES);
        let (mut words, mut known) = (0, 0);
        for start in (0..text.len()).step_by(step) {
            let sample = text
                .as_bytes()
                .get(start..(start + SAMPLE_BYTES).min(text.len()))
                .unwrap_or_default();
            for word in sample
                .split(|&byte| !tokens::is_letter(byte))
                .filter(|word| !word.is_empty())
            {
                words += 1;
                known += usize::from(
                    ENGLISH
                        .iter()
                        .any(|english| english.as_bytes().eq_ignore_ascii_case(word)),
                );
            }
        }
        if words >= MIN_WORDS && known * 100 >= words * ENGLISH_PERCENT {
            Self::English
        } else {
            Self::Other
        }
    }
}
