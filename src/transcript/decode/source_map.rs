//! Maps byte offsets in the decoded text to byte offsets in the source object.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::text::Span;

/// Bytes of text between two marks, which limits the work of a lookup.
const STRIDE: usize = 4096;

/// Marks are pairs of corresponding offsets in text and source. Between two marks every character has its normal width in
/// the source encoding.
#[derive(Debug, Clone)]
pub struct SourceMap {
    pub(crate) encoding: &'static Encoding,
    marks: Vec<(usize, u64)>,
}

impl SourceMap {
    pub(crate) fn new(encoding: &'static Encoding, first: u64) -> Self {
        Self {
            encoding,
            marks: vec![(0, first)],
        }
    }

    /// Adds a mark for text offset `text` and source offset `source` if the last mark is far enough back.
    pub(crate) fn note(&mut self, text: usize, source: u64) {
        let is_far = |&(last, _): &(usize, u64)| text >= last + STRIDE;
        if self.marks.last().is_none_or(is_far) {
            self.mark(text, source);
        }
    }

    /// Always adds a mark, after characters were dropped or replaced.
    pub(crate) fn mark(&mut self, text: usize, source: u64) {
        match self.marks.last_mut() {
            Some(last) if last.0 == text => last.1 = source,
            _ => self.marks.push((text, source)),
        }
    }

    /// The size of `text` in the source encoding, in bytes.
    pub(crate) fn width(&self, text: &str) -> u64 {
        let width = if self.encoding == UTF_8 {
            text.len()
        } else if self.encoding == UTF_16LE || self.encoding == UTF_16BE {
            2 * text.chars().map(char::len_utf16).sum::<usize>()
        } else {
            text.chars().count()
        };
        width as u64
    }

    /// Removes the marks at and after text offset `at`.
    pub(crate) fn truncate(&mut self, at: usize) {
        let kept = self.marks.partition_point(|mark| mark.0 < at);
        self.marks.truncate(kept);
    }

    /// The source offset of the character at byte `at`. `text` must be the whole text for which this map was built.
    pub(crate) fn source_offset(&self, text: &str, at: usize) -> u64 {
        self.source_offset_in(text, (0, 0), at)
    }

    /// The same, where `text` is the part of the whole text that starts at the given text offset and source offset.
    pub(crate) fn source_offset_in(&self, text: &str, start: (usize, u64), at: usize) -> u64 {
        let next = self.marks.partition_point(|&(mark, _)| mark <= at);
        let last = next.checked_sub(1).and_then(|last| self.marks.get(last));
        let last = last.copied().filter(|mark| mark.0 >= start.0);
        let (mark, source) = last.unwrap_or(start);
        source + self.width(Span::from(mark - start.0..at - start.0).of(text))
    }
}
