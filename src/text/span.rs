use std::ops::Range;

/// A byte range that starts and ends on character boundaries of its text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

impl Span {
    /// The span shrunk to character boundaries, leaving out characters of `text` that it cuts.
    pub(crate) fn whole_characters(self, text: &str) -> Self {
        let end = text.floor_char_boundary(self.end);
        let start = text.ceil_char_boundary(self.start).min(end);
        Self { start, end }
    }

    /// The part of `text` that the span covers. `text` must be the text in which the span was found.
    ///
    /// # Panics
    /// If the span belongs to another text and does not fit this one.
    #[must_use]
    #[inline(always)]
    pub fn of(self, text: &str) -> &str {
        // A span of another text is a bug, which returning an empty text would hide.
        &text[self.start..self.end]
    }

    /// Length in bytes.
    pub(crate) fn len(self) -> usize {
        self.end - self.start
    }
}

impl From<Range<usize>> for Span {
    fn from(Range { start, end }: Range<usize>) -> Self {
        Self { start, end }
    }
}
