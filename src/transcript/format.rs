//! Parsers of transcript formats, each of which splits a text into segments.

#[expect(dead_code, reason = "the writer of the spoken text reads them next")]
mod captions;
#[expect(dead_code, reason = "the writer of the spoken text calls it next")]
mod clean;
#[expect(dead_code, reason = "the readers that make cues come next")]
mod cue;
#[expect(dead_code, reason = "the writer of the spoken text joins cues next")]
mod join;
pub mod plain;
