//! A transcript: bytes → text → turns → chunks. Pure: nothing in here waits, sends or stores.

use std::ops::Range;
use std::sync::Arc;

use crate::text::words;

mod boundary;
pub mod chunk;
mod cost_map;
pub mod decode;
mod excerpt;
mod label;
pub mod turn;

pub use chunk::Chunk;
pub use decode::{Decoded, Decoder, Rejection};
pub use excerpt::Excerpt;
pub use turn::{Turn, Turns};

/// A transcript that has been read whole.
#[derive(Debug, Clone)]
pub struct Transcript {
    /// The text and where it came from.
    pub decoded: Arc<Decoded>,
    /// Who said what when, as far as the text tells.
    pub turns: Turns,
    /// Words of the text.
    pub words: usize,
}

impl Transcript {
    /// Finds the turns of a decoded text and counts its words.
    #[must_use]
    pub fn new(decoded: Decoded) -> Self {
        let turns = Turns::parse(&decoded.text);
        let words = words::count(&decoded.text);
        Self {
            decoded: Arc::new(decoded),
            turns,
            words,
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.decoded.text
    }

    /// A part of the text, to be held on to.
    #[must_use]
    pub fn excerpt(&self, range: Range<usize>) -> Excerpt {
        Excerpt::part(&self.decoded, range)
    }

    /// The text of a chunk.
    #[must_use]
    pub fn slice(&self, chunk: &Chunk) -> &str {
        self.text().get(chunk.range.clone()).unwrap_or_default()
    }
}
