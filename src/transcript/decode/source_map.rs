//! Maps byte offsets in the decoded text to byte offsets in the source object.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::text::Span;

/// Bytes of text between two marks, which limits the work of a lookup.
pub(crate) const STRIDE: usize = 4096;

/// Marks are pairs of corresponding offsets in text and source. Between two marks every character has its normal width in
/// the source encoding.
#[derive(Debug, Clone)]
pub struct SourceMap {
    pub(crate) encoding: &'static Encoding,
    marks: Vec<Mark>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    text: usize,
    source: u64,
    /// The width of the characters beyond ASCII that follow, in bytes. Not used for UTF-8 and UTF-16, where the character
    /// tells its width.
    wide: u64,
}

impl SourceMap {
    pub(crate) fn new(encoding: &'static Encoding, first: u64) -> Self {
        Self {
            encoding,
            marks: vec![Mark {
                text: 0,
                source: first,
                wide: 1,
            }],
        }
    }

    fn last(&self) -> Mark {
        let none = Mark {
            text: 0,
            source: 0,
            wide: 1,
        };
        self.marks.last().copied().unwrap_or(none)
    }

    /// Adds a mark for text offset `text` and source offset `source` if the last mark is far enough back.
    pub(crate) fn note(&mut self, text: usize, source: u64) {
        if text >= self.last().text + STRIDE {
            self.mark(text, source);
        }
    }

    /// Always adds a mark, after characters were dropped or replaced.
    pub(crate) fn mark(&mut self, text: usize, source: u64) {
        self.set_wide(self.wide(), text, source);
    }

    /// The width of the characters beyond ASCII.
    pub(crate) fn wide(&self) -> u64 {
        self.last().wide
    }

    /// Adds a mark after which the characters beyond ASCII have another width.
    pub(crate) fn set_wide(&mut self, wide: u64, text: usize, source: u64) {
        let mark = Mark { text, source, wide };
        match self.marks.last_mut() {
            Some(last) if last.text == text => *last = mark,
            _ => self.marks.push(mark),
        }
    }

    /// The size of `text`, the next part of the text, in the source encoding.
    pub(crate) fn width(&self, text: &str) -> u64 {
        self.width_at(self.last(), text)
    }

    fn width_at(&self, mark: Mark, text: &str) -> u64 {
        if self.encoding == UTF_8 {
            return text.len() as u64;
        }
        if self.encoding == UTF_16LE || self.encoding == UTF_16BE {
            return 2 * text.chars().map(char::len_utf16).sum::<usize>() as u64;
        }
        let ascii = text.bytes().filter(u8::is_ascii).count();
        let beyond = text.chars().count() - ascii;
        ascii as u64 + mark.wide * beyond as u64
    }

    /// The source offset of the character at byte `at`. `text` must be the whole text for which this map was built.
    pub(crate) fn source_offset(&self, text: &str, at: usize) -> u64 {
        let next = self.marks.partition_point(|mark| mark.text <= at);
        let last = next.checked_sub(1).and_then(|last| self.marks.get(last));
        last.map_or(0, |&mark| {
            mark.source + self.width_at(mark, Span::from(mark.text..at).of(text))
        })
    }
}
