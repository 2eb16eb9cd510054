//! Reads transcripts: bytes → text → segments. All later steps work with passages and chunks of the result.
//!
//! `decode` decodes the bytes, and a reader in `format` splits the text into `Segment`s with one speaker each. No later
//! step parses speaker labels or time stamps again, since a [`Passage`] knows its segments. Everything here is pure: no
//! waiting, network or storage.

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

/// A complete transcript. Clones share its data.
#[derive(Debug, Clone)]
pub struct Transcript {
    /// The decoded text, with the mapping back to the source.
    pub decoded: Arc<Decoded>,
    /// The segments, with the speakers and time stamps found in the text.
    pub segments: Arc<Segments>,
    /// Number of words in the text.
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

    /// The whole transcript as a passage.
    #[must_use]
    pub fn whole(&self) -> Passage {
        self.passage(0..self.text().len())
    }

    /// The passage at a byte range of the text, leaving out characters that the range cuts.
    pub(crate) fn passage(&self, part: impl Into<Span>) -> Passage {
        Passage {
            span: part.into().whole_characters(self.text()),
            of: self.clone(),
        }
    }

    /// The byte range in the source object that a part of the text was decoded from. Bytes before and after the text, such
    /// as a byte order mark, belong to the first and last part.
    pub(crate) fn source_bytes(&self, part: Span) -> Range<u64> {
        let text = self.text();
        let offset = |at| match at {
            0 => 0,
            at if at == text.len() => self.decoded.bytes,
            at => self.decoded.source_map.source_offset(text, at),
        };
        offset(part.start)..offset(part.end)
    }
}
