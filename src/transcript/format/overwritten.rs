//! A text that is read in blocks and overwritten with what was found in it, so that both are never in memory at once.

use crate::transcript::decode::{Position, Rejection, SourceMap};
use crate::transcript::format::writer::Block;

pub(super) struct Overwritten<'m> {
    bytes: Vec<u8>,
    map: &'m SourceMap,
    /// Offset up to which the text has been read, and its position in the source.
    read: usize,
    source: Position,
    /// Offset up to which it has been overwritten.
    written: usize,
    /// Bytes that a block should have, and those that the next one has at least.
    size: usize,
    least: usize,
}

impl<'m> Overwritten<'m> {
    pub(super) fn new(text: String, map: &'m SourceMap, size: usize) -> Self {
        Self {
            bytes: text.into_bytes(),
            map,
            read: 0,
            source: map.position("", 0),
            written: 0,
            size,
            least: size,
        }
    }

    /// The next block, or `None` at the end of the text.
    pub(super) fn block(&self) -> Result<Option<Block<'_>>, Rejection> {
        let rest = self.bytes.split_at(self.read).1;
        let length = end_of_block(rest, self.least, self.size);
        let text = utf8(rest.split_at(length).0)?;
        Ok((length > 0).then_some(Block {
            text,
            start: self.read,
            source: self.source,
            map: self.map,
            wanted: self.size,
            is_last: length == rest.len(),
        }))
    }

    /// Goes on at offset `next`. If that is where the last block started, the next one is longer.
    pub(super) fn advance(&mut self, next: usize) -> Result<(), Rejection> {
        let next = next.clamp(self.read, self.bytes.len());
        if next == self.read {
            self.least *= 2;
            return Ok(());
        }
        let passed = utf8(self.bytes.split_at(next).0.split_at(self.read).1)?;
        self.source = self.map.position_in(passed, (self.read, self.source), next);
        self.read = next;
        self.least = self.size;
        Ok(())
    }

    /// Bytes that may be overwritten.
    pub(super) fn room(&self) -> usize {
        self.read - self.written
    }

    pub(super) fn written(&self) -> usize {
        self.written
    }

    /// Overwrites what has been read. `text` must fit into the room.
    pub(super) fn put(&mut self, text: &str) {
        let end = self.written + text.len();
        if let Some(place) = self.bytes.get_mut(self.written..end) {
            place.copy_from_slice(text.as_bytes());
            self.written = end;
        }
    }

    /// The text that was written, and `rest` after it.
    pub(super) fn finish(mut self, rest: &str) -> Result<String, Rejection> {
        self.bytes.truncate(self.written);
        self.bytes.extend_from_slice(rest.as_bytes());
        self.bytes.shrink_to_fit();
        self.unwritten()
    }

    /// The text as it was, if nothing was written.
    pub(super) fn unwritten(self) -> Result<String, Rejection> {
        String::from_utf8(self.bytes).map_err(|_| Rejection::Empty)
    }
}

/// The text of bytes that begin and end between characters.
fn utf8(bytes: &[u8]) -> Result<&str, Rejection> {
    std::str::from_utf8(bytes).map_err(|_| Rejection::Empty)
}

/// The length of a block of at least `least` bytes: to the end of a blank line if there is one near, else of a line, else
/// between two characters.
fn end_of_block(rest: &[u8], least: usize, size: usize) -> usize {
    let Some((_, after)) = rest.split_at_checked(least) else {
        return rest.len();
    };
    let near = |bytes: usize| after.get(..bytes).unwrap_or(after);
    let blank = near(size / 16)
        .windows(2)
        .position(|pair| pair == b"\n\n")
        .map(|at| at + 2);
    let line = || {
        near(size)
            .iter()
            .position(|byte| *byte == b'\n')
            .map(|at| at + 1)
    };
    let character = || after.iter().position(|byte| !(0x80..0xc0).contains(byte));
    blank
        .or_else(line)
        .or_else(character)
        .map_or(rest.len(), |end| least + end)
}
