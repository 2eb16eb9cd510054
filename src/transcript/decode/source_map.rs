//! Maps byte offsets in the decoded text to byte offsets in the source object.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::text::Span;

/// Bytes of text between two marks, which limits the work of a lookup.
pub(crate) const STRIDE: usize = 4096;

/// A byte offset in the text with its position in the source.
type Mark = (usize, Position);

/// Between two marks every character has its normal width in the source encoding.
#[derive(Debug, Clone)]
pub struct SourceMap {
    pub(crate) encoding: &'static Encoding,
    marks: Marks,
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
            marks: Marks {
                recent: vec![(0, Position::new(first))],
                ..Marks::default()
            },
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
            marks: Marks::default(),
            archive: self.archive,
        }
    }

    /// Marks that the text goes on at `position`, after characters were dropped, replaced or skipped.
    pub(crate) fn mark(&mut self, text: usize, position: Position) {
        match self.marks.recent.last_mut() {
            Some(last) if last.0 == text => last.1 = position,
            _ => self.marks.push((text, position)),
        }
    }

    /// Marks a position that follows from the last mark, if that is far enough back.
    pub(crate) fn note(&mut self, text: usize, position: Position) {
        let last = self.marks.recent.last().map_or(0, |mark| mark.0);
        if text >= last + STRIDE {
            self.mark(text, position);
        }
    }

    /// Removes the marks at and after text offset `at`.
    pub(crate) fn truncate(&mut self, at: usize) {
        self.marks.truncate(at);
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
        let (last, _) = self.marks.around(at);
        self.position_after(last, text, start, at)
    }

    /// The position at byte `at`, which follows the mark `last` or else `start`.
    fn position_after(&self, last: Option<Mark>, text: &str, start: Mark, at: usize) -> Position {
        let (mark, position) = last.filter(|mark| mark.0 >= start.0).unwrap_or(start);
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
            let (last, next) = self.marks.around(from);
            at = next.map_or(part.end, |next| next.min(part.end));
            (from < part.end).then(|| {
                let stretch = Span::from(from - start.0..at - start.0).of(text);
                (stretch, self.position_after(last, text, start, from))
            })
        })
    }

    /// The byte of the file at which the source of `text` before byte `at` is complete: that of the character there, or a later
    /// one if earlier text stands after it, as where the channels of a recording follow each other.
    pub(crate) fn complete_before(&self, text: &str, at: usize) -> u64 {
        let mut marks = self.marks.iter().take_while(|mark| mark.0 <= at).peekable();
        let mut source = self.source_offset(text, at);
        while let Some((from, position)) = marks.next() {
            if let Some(&(until, next)) = marks.peek()
                && next.source < position.source
            {
                let stretch = Span::from(from..until).of(text);
                source = source.max(self.after(position, stretch).source);
            }
        }
        self.archive.map_or(source, |(size, text)| {
            (u128::from(source) * u128::from(size) / u128::from(text)) as u64
        })
    }
}

/// Marks in the order of their text offsets. A transcript may have millions, so all but the last ones take a few bytes each.
#[derive(Debug, Clone, Default)]
struct Marks {
    /// The first mark of every [`GROUP`], with the length of `packed` before its other marks.
    groups: Vec<(Mark, usize)>,
    /// The other marks of the groups, as differences to the mark before.
    packed: Vec<u8>,
    /// The last marks.
    recent: Vec<Mark>,
}

/// Marks that are packed together, and unpacked to find one of them.
const GROUP: usize = 32;

impl Marks {
    fn push(&mut self, mark: Mark) {
        if self.recent.len() == 2 * GROUP {
            let mut last = None;
            for mark in self.recent.drain(..GROUP) {
                match last {
                    None => self.groups.push((mark, self.packed.len())),
                    Some(last) => pack(last, mark, &mut self.packed),
                }
                last = Some(mark);
            }
        }
        self.recent.push(mark);
    }

    fn truncate(&mut self, at: usize) {
        while self.recent.first().is_none_or(|mark| mark.0 >= at) {
            self.recent.clear();
            let Some(last) = self.groups.len().checked_sub(1) else {
                return;
            };
            self.recent = self.group(last).collect();
            if let Some((_, packed)) = self.groups.pop() {
                self.packed.truncate(packed);
            }
        }
        let kept = self.recent.partition_point(|mark| mark.0 < at);
        self.recent.truncate(kept);
    }

    /// The last mark at or before text offset `at`, and the offset of the next one.
    fn around(&self, at: usize) -> (Option<Mark>, Option<usize>) {
        let next = self.recent.partition_point(|mark| mark.0 <= at);
        if let Some(last) = next.checked_sub(1) {
            let next = self.recent.get(next).map(|mark| mark.0);
            return (self.recent.get(last).copied(), next);
        }
        let first = self.recent.first().map(|mark| mark.0);
        let after = self.groups.partition_point(|(mark, _)| mark.0 <= at);
        let first = self.groups.get(after).map(|(mark, _)| mark.0).or(first);
        let Some(group) = after.checked_sub(1) else {
            return (None, first);
        };
        let mut last = None;
        for mark in self.group(group) {
            if mark.0 > at {
                return (last, Some(mark.0));
            }
            last = Some(mark);
        }
        (last, first)
    }

    fn group(&self, group: usize) -> impl Iterator<Item = Mark> {
        let first = self.groups.get(group);
        let packed = first.and_then(|(_, from)| self.packed.get(*from..));
        let mut packed = packed.unwrap_or_default();
        let first = first.map(|(mark, _)| *mark);
        std::iter::successors(first, move |last| unpack(*last, &mut packed)).take(GROUP)
    }

    fn iter(&self) -> impl Iterator<Item = Mark> {
        let groups = (0..self.groups.len()).flat_map(|group| self.group(group));
        groups.chain(self.recent.iter().copied())
    }
}

/// Writes a mark as the growth of the text, whether the width changes, how much more or less the source grows, and the width
/// if it changes.
fn pack(last: Mark, mark: Mark, packed: &mut Vec<u8>) {
    let text = (mark.0 - last.0) as u64;
    let gap = mark.1.source.wrapping_sub(last.1.source).wrapping_sub(text) as i64;
    let is_wider = mark.1.wide != last.1.wide;
    pack_number(text << 1 | u64::from(is_wider), packed);
    // Small numbers for small gaps in both directions.
    pack_number((gap << 1 ^ gap >> 63) as u64, packed);
    if is_wider {
        pack_number(mark.1.wide, packed);
    }
}

/// Reads the mark after `last`.
fn unpack(last: Mark, packed: &mut &[u8]) -> Option<Mark> {
    let text = unpack_number(packed)?;
    let gap = unpack_number(packed)?;
    let wide = match text & 1 {
        1 => unpack_number(packed)?,
        _ => last.1.wide,
    };
    let text = text >> 1;
    let gap = (gap >> 1) ^ (gap & 1).wrapping_neg();
    let source = last.1.source.wrapping_add(text).wrapping_add(gap);
    Some((last.0 + text as usize, Position { source, wide }))
}

/// Writes seven bits a byte, the lowest first.
fn pack_number(mut number: u64, packed: &mut Vec<u8>) {
    while number >= 0x80 {
        packed.push(number as u8 | 0x80);
        number >>= 7;
    }
    packed.push(number as u8);
}

fn unpack_number(packed: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let (&byte, rest) = packed.split_first()?;
        *packed = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
        shift += 7;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packed_marks_are_found_as_if_they_were_not_packed(
            steps in prop::collection::vec((1..300_usize, -500..500_i64, 1..3_u64, prop::option::weighted(0.01, 0..2_000_usize)), 1..400),
            seeks in prop::collection::vec(0..60_000_usize, 20),
        ) {
            let (mut marks, mut plain) = (Marks::default(), Vec::new());
            let (mut text, mut source) = (0, 1_000_000);
            for (step, gap, wide, cut) in steps {
                if let Some(back) = cut {
                    marks.truncate(text - back.min(text));
                    plain.retain(|mark: &Mark| mark.0 < text - back.min(text));
                }
                text += step;
                source = u64::saturating_add_signed(source, gap);
                let mark = (text, Position { source, wide });
                marks.push(mark);
                plain.push(mark);
            }
            prop_assert_eq!(marks.iter().collect::<Vec<_>>(), plain.clone());
            for at in seeks {
                let next = plain.partition_point(|mark| mark.0 <= at);
                let expected = (next.checked_sub(1).map(|last| plain[last]), plain.get(next).map(|mark| mark.0));
                prop_assert_eq!(marks.around(at), expected);
            }
        }
    }

    #[test]
    fn a_mark_takes_a_few_bytes() {
        let mut map = SourceMap::new(UTF_8, 0);
        for caption in 1..=100_000_u64 {
            map.mark(60 * caption as usize, Position::new(95 * caption));
        }
        let marks = &map.marks;
        let groups = marks.groups.len() * size_of::<(Mark, usize)>();
        assert!(groups + marks.packed.len() < 4 * 100_000);
    }
}
