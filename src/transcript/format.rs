//! Parsers of transcript formats, each of which splits a text into segments.

#[expect(dead_code, reason = "the readers that make cues come next")]
mod cue;
pub mod plain;
