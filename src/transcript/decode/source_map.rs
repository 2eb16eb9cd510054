//! Leads from an offset in the decoded text back to the byte of the source object that it came from.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::text::Span;

/// Most bytes of text between two marks: what a look-up has to walk.
const STRIDE: usize = 4096;

/// Pairs of offsets in text and source that belong together. Between them characters have the width that their encoding gives
/// them.
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

    /// Notes that the text at `text` was at `source`, if the last mark is far enough back.
    pub(crate) fn note(&mut self, text: usize, source: u64) {
        let is_far = |&(last, _): &(usize, u64)| text >= last + STRIDE;
        if self.marks.last().is_none_or(is_far) {
            self.mark(text, source);
        }
    }

    /// Notes that the text at `text` was at `source`, because something between was dropped or replaced.
    pub(crate) fn mark(&mut self, text: usize, source: u64) {
        match self.marks.last_mut() {
            Some(last) if last.0 == text => last.1 = source,
            _ => self.marks.push((text, source)),
        }
    }

    /// Bytes that `text` takes in the source encoding.
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

    /// The source offset of the character at byte `at` of `text`, the whole text that this map was made with.
    pub(crate) fn source_offset(&self, text: &str, at: usize) -> u64 {
        let next = self.marks.partition_point(|&(mark, _)| mark <= at);
        let last = next.checked_sub(1).and_then(|last| self.marks.get(last));
        let (mark, source) = last.copied().unwrap_or((0, 0));
        source + self.width(Span::from(mark..at).of(text))
    }
}
