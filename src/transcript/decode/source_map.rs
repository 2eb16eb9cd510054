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
    /// The sizes of an archive and of the text in it, if the source is the text of an archive.
    archive: Option<(u64, u64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    text: usize,
    source: u64,
    /// The width of the characters beyond ASCII that follow, in bytes. Not used for UTF-8 and UTF-16, where the character
    /// tells its width.
    wide: u64,
}

impl Mark {
    fn position(self) -> Position {
        Position {
            source: self.source,
            wide: self.wide,
        }
    }
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
            archive: None,
        }
    }

    /// The map of a text that stands in an archive of `size` bytes. The bytes of a word are compressed together with others,
    /// so what is known of its place there is only how far into the text it is.
    pub(crate) fn in_archive(self, size: u64, text: &str) -> Self {
        Self {
            archive: Some((size, text.len().max(1) as u64)),
            ..self
        }
    }

    /// A map for another text from the same source.
    pub(crate) fn restarted(&self) -> Self {
        Self {
            archive: self.archive,
            ..Self::new(self.encoding, 0)
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
        width(self.encoding, self.last().wide, text)
    }

    /// The source offset of the character at byte `at`. `text` must be the whole text for which this map was built.
    pub(crate) fn source_offset(&self, text: &str, at: usize) -> u64 {
        self.position(text, at).source
    }

    /// The position in the source of the character at byte `at`, as [`source_offset`](Self::source_offset).
    pub(crate) fn position(&self, text: &str, at: usize) -> Position {
        self.position_in(text, (0, Position::START), at)
    }

    /// The same, where `text` is the part of the whole text that starts at the given text offset and position.
    pub(crate) fn position_in(&self, text: &str, start: (usize, Position), at: usize) -> Position {
        let next = self.marks.partition_point(|mark| mark.text <= at);
        let last = next.checked_sub(1).and_then(|last| self.marks.get(last));
        let last = last
            .filter(|mark| mark.text >= start.0)
            .map(|mark| (mark.text, mark.position()));
        let (mark, position) = last.unwrap_or(start);
        self.after(position, Span::from(mark - start.0..at - start.0).of(text))
    }

    /// The byte of the file at which the source of `text` before byte `at` is complete: that of the character there, or a later
    /// one if earlier text stands after it, as where the channels of a recording follow each other.
    pub(crate) fn complete_before(&self, text: &str, at: usize) -> u64 {
        let before = self.marks.partition_point(|mark| mark.text <= at);
        let marks = self.marks.split_at(before).0.windows(2);
        let jumps_back = marks.filter_map(|pair| match pair {
            [mark, next] if next.source < mark.source => {
                let stretch = Span::from(mark.text..next.text).of(text);
                Some(self.after(mark.position(), stretch).source)
            }
            _ => None,
        });
        let source = jumps_back.fold(self.source_offset(text, at), u64::max);
        self.archive.map_or(source, |(size, text)| {
            (u128::from(source) * u128::from(size) / u128::from(text)) as u64
        })
    }

    /// Text offset of the first mark after byte `at`.
    pub(crate) fn next_mark(&self, at: usize) -> Option<usize> {
        let next = self.marks.partition_point(|mark| mark.text <= at);
        self.marks.get(next).map(|mark| mark.text)
    }

    /// The position after a text that starts at `position` in the source.
    pub(crate) fn after(&self, position: Position, text: &str) -> Position {
        let source = position.source + width(self.encoding, position.wide, text);
        Position { source, ..position }
    }

    /// Always adds a mark, at which the text goes on at another position in the source.
    pub(crate) fn mark_at(&mut self, text: usize, position: Position) {
        self.set_wide(position.wide, text, position.source);
    }

    /// Removes the marks at and after text offset `at`.
    pub(crate) fn truncate(&mut self, at: usize) {
        let kept = self.marks.partition_point(|mark| mark.text < at);
        self.marks.truncate(kept);
    }
}

/// A place in the source from which characters are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// Byte offset.
    pub(crate) source: u64,
    /// The width of the characters beyond ASCII.
    wide: u64,
}

impl Position {
    /// The start of a source.
    pub(crate) const START: Self = Self { source: 0, wide: 1 };
}

/// The size of a text in the source, where characters beyond ASCII have `wide` bytes unless the encoding is UTF-8 or UTF-16.
fn width(encoding: &'static Encoding, wide: u64, text: &str) -> u64 {
    if encoding == UTF_8 {
        return text.len() as u64;
    }
    if encoding == UTF_16LE || encoding == UTF_16BE {
        return 2 * text.chars().map(char::len_utf16).sum::<usize>() as u64;
    }
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let beyond = text.chars().count() - ascii;
    ascii as u64 + wide * beyond as u64
}
