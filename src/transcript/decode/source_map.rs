//! From an offset in the decoded text back to the byte of the source object that it came from.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Text bytes between two marks at most: what a look-up has to walk.
const STRIDE: usize = 4096;

/// Marks at which a text offset and a source offset are known to belong together; between them characters are as wide as
/// their encoding makes them.
#[derive(Debug, Clone)]
pub struct SourceMap {
    encoding: &'static Encoding,
    marks: Vec<(usize, u64)>,
}

impl SourceMap {
    pub(crate) fn new(encoding: &'static Encoding, first: u64) -> Self {
        Self {
            encoding,
            marks: vec![(0, first)],
        }
    }

    /// From here on the source is in another encoding; what came before was ASCII, which both read alike.
    pub(crate) fn switch(&mut self, encoding: &'static Encoding) {
        self.encoding = encoding;
    }

    /// Notes that the text at `text` was at `source`, if the last mark is far enough behind.
    pub(crate) fn note(&mut self, text: usize, source: u64) {
        if self
            .marks
            .last()
            .is_none_or(|&(last, _)| text >= last + STRIDE)
        {
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
    #[must_use]
    pub fn source_offset(&self, text: &str, at: usize) -> u64 {
        let next = self.marks.partition_point(|&(mark, _)| mark <= at);
        let (mark, source) = next
            .checked_sub(1)
            .and_then(|i| self.marks.get(i))
            .copied()
            .unwrap_or((0, 0));
        source + text.get(mark..at).map_or(0, |between| self.width(between))
    }
}
