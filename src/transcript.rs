//! A transcript: bytes → text → turns → chunks. Pure: nothing in here waits, sends or stores.

mod boundary;
pub mod chunk;
mod clean;
pub mod decode;
mod label;
pub mod sentence;
mod sniff;
mod source_map;
pub mod tokens;
pub mod turn;
pub mod words;

pub use chunk::Chunk;
pub use decode::{Decoded, Decoder, Rejection};
pub use source_map::SourceMap;
pub use turn::{Turn, Turns};
