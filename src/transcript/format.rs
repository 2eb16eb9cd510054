//! Parsers of transcript formats, each of which splits a text into segments.

#[expect(dead_code, reason = "the readers that make cues come next")]
mod cue;
mod field;
#[expect(dead_code, reason = "the spoken text is read with it next")]
mod html;
#[expect(dead_code, reason = "the spoken text is read with it next")]
mod json;
pub mod plain;
#[expect(dead_code, reason = "the spoken text is read with it next")]
mod table;
