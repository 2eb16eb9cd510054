use std::ops::Range;

/// A range of bytes that begins and ends between characters of the text it was found in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

impl Span {
    /// The span without the characters of `text` that it cuts.
    pub(crate) fn whole_characters(self, text: &str) -> Self {
        let end = text.floor_char_boundary(self.end);
        let start = text.ceil_char_boundary(self.start).min(end);
        Self { start, end }
    }

    /// The bytes of `text`, in which the span was found.
    ///
    /// # Panics
    /// If the span is of another text.
    #[must_use]
    pub fn of(self, text: &str) -> &str {
        // A span of another text is a bug, and an empty text in its place would hide that.
        &text[self.start..self.end]
    }

    /// Bytes.
    pub(crate) fn len(self) -> usize {
        self.end - self.start
    }
}

impl From<Range<usize>> for Span {
    fn from(Range { start, end }: Range<usize>) -> Self {
        Self { start, end }
    }
}
