//! Cues: what the readers of captions, JSON and tables find in a text.

use std::borrow::Cow;

use crate::text::Span;
use crate::text::script::Script;

/// A stretch of speech as a format delimits it: a caption, an entry of a JSON file, a row of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cue<'t> {
    /// The speaker. `None` if the format does not name one here.
    pub(crate) speaker: Option<Cow<'t, str>>,
    /// Somebody else begins to speak, even without a name.
    pub(crate) is_change: bool,
    /// Start in milliseconds from the start of the recording.
    pub(crate) start: Option<i64>,
    /// End in milliseconds.
    pub(crate) end: Option<i64>,
    /// Recognition confidence in percent, from 0 to 100.
    pub(crate) confidence: Option<u8>,
    /// The spoken text, as parts of the text that was read.
    pub(crate) text: Vec<Span>,
    /// What lies between the parts of `text`.
    pub(crate) joint: Joint,
    /// How the characters of `text` are written.
    pub(crate) escapes: Escapes,
}

/// How a format writes special characters inside spoken text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Escapes {
    /// As they are. HTML tags and entities may still occur, as in any text.
    #[default]
    None,
    /// As inside a JSON string: `\n`, `\"`, `\u00e9`.
    Json,
    /// As inside a quoted field of a CSV file: `""`.
    Csv,
}

/// What lies between two parts of a cue's text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Joint {
    /// A newline or a blank: the parts are lines or sentences.
    #[default]
    Blank,
    /// The parts are words and punctuation marks: a blank, except before a closing mark and between words of a script that is
    /// written without blanks.
    Words,
    /// Nothing: the parts bring their own blanks.
    Nothing,
}

impl Joint {
    /// Whether there is a blank between two parts.
    pub(crate) fn is_blank(self, before: &str, after: &str) -> bool {
        let unspaced = |c: Option<char>| {
            c.and_then(Script::of)
                .is_some_and(|script| script.is_ideographic() || script.is_unspaced())
        };
        match self {
            Self::Blank => true,
            Self::Words => {
                let between_unspaced =
                    unspaced(before.chars().next_back()) && unspaced(after.chars().next());
                !after.starts_with(is_closing) && !between_unspaced
            }
            Self::Nothing => false,
        }
    }
}

/// Whether a punctuation mark belongs to the word before it.
fn is_closing(c: char) -> bool {
    ".,;:?!%)]}»”…。、，；：？！）」』।؟،؛".contains(c)
}
