//! Maps byte offsets in the decoded text to byte offsets in the source object.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::text::Span;

/// Bytes of text between two marks, which limits the work of a lookup.
pub(crate) const STRIDE: usize = 4096;

/// Marks are pairs of corresponding places in text and source. Between two marks every character has its normal width in the
/// source encoding.
#[derive(Debug, Clone)]
pub struct SourceMap {
    pub(crate) encoding: &'static Encoding,
    /// Byte offsets in the text, ascending, with their positions in the source.
    marks: Vec<(usize, Position)>,
    /// The sizes of an archive and of the text in it, if the source is the text of an archive.
    archive: Option<(u64, u64)>,
}

/// A place in the source from which characters are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    /// Byte offset.
    pub(crate) source: u64,
    /// The width of the characters beyond ASCII that follow, in bytes. Not used for UTF-8 and UTF-16, where the character
    /// tells its width.
    pub(crate) wide: u64,
}

impl Position {
    /// The position at byte `source`, where all characters have one byte unless the encoding says otherwise.
    pub(crate) fn new(source: u64) -> Self {
        Self { source, wide: 1 }
    }
}

impl SourceMap {
    pub(crate) fn new(encoding: &'static Encoding, first: u64) -> Self {
        Self {
            encoding,
            marks: vec![(0, Position::new(first))],
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
        // Before the first mark all positions are those of a source that starts with the text.
        Self {
            encoding: self.encoding,
            marks: Vec::new(),
            archive: self.archive,
        }
    }

    /// Marks that the text goes on at `position`, after characters were dropped, replaced or skipped.
    pub(crate) fn mark(&mut self, text: usize, position: Position) {
        match self.marks.last_mut() {
            Some(last) if last.0 == text => last.1 = position,
            _ => self.marks.push((text, position)),
        }
    }

    /// Marks a position that follows from the last mark, if that is far enough back.
    pub(crate) fn note(&mut self, text: usize, position: Position) {
        let last = self.marks.last().map_or(0, |mark| mark.0);
        if text >= last + STRIDE {
            self.mark(text, position);
        }
    }

    /// Removes the marks at and after text offset `at`.
    pub(crate) fn truncate(&mut self, at: usize) {
        let kept = self.marks.partition_point(|mark| mark.0 < at);
        self.marks.truncate(kept);
    }

    /// The position after a text that starts at `position`.
    pub(crate) fn after(&self, position: Position, text: &str) -> Position {
        let source = position.source + width(self.encoding, position.wide, text);
        Position { source, ..position }
    }

    /// The source offset of the character at byte `at`. `text` must be the whole text for which this map was built.
    pub(crate) fn source_offset(&self, text: &str, at: usize) -> u64 {
        self.position(text, at).source
    }

    /// The position in the source of the character at byte `at`, as [`source_offset`](Self::source_offset).
    pub(crate) fn position(&self, text: &str, at: usize) -> Position {
        self.position_in(text, (0, Position::new(0)), at)
    }

    /// The same, where `text` is the part of the whole text that starts at the given text offset and position.
    pub(crate) fn position_in(&self, text: &str, start: (usize, Position), at: usize) -> Position {
        let next = self.marks.partition_point(|mark| mark.0 <= at);
        let last = next.checked_sub(1).and_then(|last| self.marks.get(last));
        let &(mark, position) = last.filter(|mark| mark.0 >= start.0).unwrap_or(&start);
        self.after(position, Span::from(mark - start.0..at - start.0).of(text))
    }

    /// The stretches of `part` between two marks, with their positions. `text` starts at `start`, as in
    /// [`position_in`](Self::position_in).
    pub(crate) fn stretches<'a>(
        &'a self,
        text: &'a str,
        start: (usize, Position),
        part: Span,
    ) -> impl Iterator<Item = (&'a str, Position)> {
        let mut at = part.start;
        std::iter::from_fn(move || {
            let from = at;
            let next = self.marks.partition_point(|mark| mark.0 <= from);
            at = self
                .marks
                .get(next)
                .map_or(part.end, |mark| mark.0.min(part.end));
            (from < part.end).then(|| {
                let stretch = Span::from(from - start.0..at - start.0).of(text);
                (stretch, self.position_in(text, start, from))
            })
        })
    }

    /// The byte of the file at which the source of `text` before byte `at` is complete: that of the character there, or a later
    /// one if earlier text stands after it, as where the channels of a recording follow each other.
    pub(crate) fn complete_before(&self, text: &str, at: usize) -> u64 {
        let before = self.marks.partition_point(|mark| mark.0 <= at);
        let marks = self.marks.split_at(before).0.windows(2);
        let jumps_back = marks.filter_map(|pair| match pair {
            &[(from, position), (until, next)] if next.source < position.source => {
                let stretch = Span::from(from..until).of(text);
                Some(self.after(position, stretch).source)
            }
            _ => None,
        });
        let source = jumps_back.fold(self.source_offset(text, at), u64::max);
        self.archive.map_or(source, |(size, text)| {
            (u128::from(source) * u128::from(size) / u128::from(text)) as u64
        })
    }
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
