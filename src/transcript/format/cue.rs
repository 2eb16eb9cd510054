//! Cues: what the readers of captions, JSON and tables find in a text.

use std::borrow::Cow;

use crate::text::Span;

/// A stretch of speech as a format delimits it: a caption, an entry of a JSON file, a row of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cue<'t> {
    /// The speaker. `None` if the format does not name one here.
    pub(crate) speaker: Option<Cow<'t, str>>,
    /// Start in milliseconds from the start of the recording.
    pub(crate) start: Option<i64>,
    /// End in milliseconds.
    pub(crate) end: Option<i64>,
    /// Recognition confidence in percent, from 0 to 100.
    pub(crate) confidence: Option<u8>,
    /// The spoken text, as parts of the text that was read. A newline or a blank stands for what lies between two parts.
    pub(crate) text: Vec<Span>,
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
