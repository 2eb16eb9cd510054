//! Reads transcripts: bytes → text → segments, of which every later step takes passages and chunks.
//!
//! `decode` makes text of the bytes, a reader in `format` divides the text into [`Segment`]s, each spoken by one speaker, and
//! nothing after that parses a speaker or a time again: a [`Passage`] knows its segments. Pure: nothing in here waits, sends or
//! stores.

use std::ops::Range;
use std::sync::Arc;

use crate::text::{Span, words};

pub mod chunk;
pub mod decode;
pub mod format;
mod passage;
mod segment;

pub use chunk::Chunk;
pub use decode::{Decoded, Decoder, Rejection};
pub use passage::Passage;
pub use segment::Segments;
pub(crate) use segment::{Speaker, Timestamp};

/// A transcript that has been read whole. Clones share it.
#[derive(Debug, Clone)]
pub struct Transcript {
    /// The text, and where it came from.
    pub decoded: Arc<Decoded>,
    /// Who said what when, as far as the text tells.
    pub segments: Arc<Segments>,
    /// Words of the text.
    pub words: usize,
}

impl Transcript {
    /// Finds the segments of a decoded text and counts its words.
    #[must_use]
    pub fn new(decoded: Decoded) -> Self {
        Self {
            segments: Arc::new(format::plain::read(&decoded.text)),
            words: words::count(&decoded.text),
            decoded: Arc::new(decoded),
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.decoded.text
    }

    /// The whole of it.
    #[must_use]
    pub fn whole(&self) -> Passage {
        self.passage(0..self.text().len())
    }

    /// A part of the text, without the characters that it cuts.
    pub(crate) fn passage(&self, part: impl Into<Span>) -> Passage {
        let span = part.into().whole_characters(self.text());
        Passage::new(self.clone(), span)
    }

    /// The bytes of the source object that a part of the text was decoded from. What is before and after the text (a byte order
    /// mark, say) belongs to its first and last part.
    pub(crate) fn source_bytes(&self, part: Span) -> Range<u64> {
        let Decoded {
            text,
            bytes,
            source_map,
            ..
        } = &*self.decoded;
        let start = match part.start {
            0 => 0,
            start => source_map.source_offset(text, start),
        };
        let end = if part.end == text.len() {
            *bytes
        } else {
            source_map.source_offset(text, part.end)
        };
        start..end
    }
}
