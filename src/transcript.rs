//! Reads transcripts: bytes → text → segments. All later steps work with passages and chunks of the result.
//!
//! `decode` decodes the bytes. A reader in `format` finds what was said, by whom and when, and writes it as the spoken text:
//! without markup, one paragraph per turn. Its `Segment`s have one speaker each. No later step parses speaker labels or time
//! stamps again, since a [`Passage`] knows its segments. Everything here is pure: no
//! waiting, network or storage.

use std::ops::Range;
use std::sync::Arc;

use crate::text::{Span, language};

pub mod chunk;
mod corrected;
pub mod decode;
mod format;
mod label;
mod passage;
mod segment;

pub use chunk::Chunk;
pub use decode::{Decoded, Decoder, Rejection};
pub use format::{Spoken, Talk};
pub(crate) use format::{without_invisible, without_tags};
pub(crate) use label::Numbering;
pub use passage::Passage;
pub use segment::Segments;
pub(crate) use segment::{Segment, Speaker, Timestamp};

/// A complete transcript. Clones share its data.
#[derive(Debug, Clone)]
pub struct Transcript {
    /// What was said, with the mapping back to the source.
    pub spoken: Arc<Spoken>,
    /// The segments, with their speakers and times.
    pub segments: Arc<Segments>,
}

impl Transcript {
    /// Reads what was said out of a decoded text.
    ///
    /// # Errors
    /// If nothing was said, or the text is JSON of an unknown format.
    pub fn new(decoded: Decoded) -> Result<Self, Rejection> {
        let (spoken, segments) = format::read(decoded)?;
        Ok(Self {
            spoken: Arc::new(spoken),
            segments: Arc::new(segments),
        })
    }

    /// Takes a text as it is, and finds the speaker labels in it.
    pub(crate) fn verbatim(text: String) -> Self {
        Self {
            segments: Arc::new(format::plain::read(&text)),
            spoken: Arc::new(Spoken::verbatim(text)),
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.spoken.text
    }

    /// The language that was spoken, as a code, if the format or the words tell.
    pub(crate) fn language(&self) -> Option<String> {
        let known = self.spoken.language.clone();
        known.or_else(|| language::detect(self.text()).map(str::to_owned))
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

    /// The byte range of the file in which a part of the text stands, cut so that the ranges of consecutive parts cover the file
    /// once, in order. Bytes before and after the text, such as a byte order mark, belong to the first and last part.
    ///
    /// Where the order of the text is not that of the file, as when the channels of a recording follow each other, a range
    /// begins after all that is said before; what is said in the part may then stand before its range, too. In a Word
    /// document, whose text is compressed, ranges tell how far into the text a part is.
    pub(crate) fn source_bytes(&self, part: Span) -> Range<u64> {
        let (start, end) = (self.source_byte(part.start), self.source_byte(part.end));
        start..end.max(start)
    }

    /// The place in the text whose source begins at `byte` of the file. Where several do, as in a Word document or where the
    /// channels of a recording follow each other, that of a segment is meant, rather one that starts at `time`.
    pub(crate) fn place_of(&self, byte: u64, time: Option<&str>) -> usize {
        let text = self.text();
        let first = |is_there: &dyn Fn(u64) -> bool| {
            let (mut low, mut high) = (0, text.len());
            while low < high {
                let middle = text.floor_char_boundary(low + (high - low) / 2);
                match is_there(self.source_byte(middle)) {
                    false => low = text.ceil_char_boundary(middle + 1),
                    true => high = middle,
                }
            }
            low
        };
        let first_place = first(&|source| source >= byte);
        let places = first_place..first(&|source| source > byte).max(first_place + 1);
        let segments = self.segments.starting_in(places);
        let starts_then = |segment: &&Segment| {
            let starts = segment.from().map(|from| from.to_string());
            starts.as_deref() == time
        };
        let segment = segments.iter().find(starts_then).or(segments.first());
        segment.map_or(first_place, Segment::start)
    }

    /// The byte of the file at which what stands before byte `at` of the text is complete.
    fn source_byte(&self, at: usize) -> u64 {
        let text = self.text();
        match at {
            0 => 0,
            at if at == text.len() => self.spoken.bytes,
            at => {
                let complete = self.spoken.source_map.complete_before(text, at);
                complete.min(self.spoken.bytes)
            }
        }
    }
}
