//! Parsers of transcript formats, each of which splits a text into segments.

#[expect(dead_code, reason = "the readers that make cues come next")]
mod cue;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the writer of the spoken text comes next")
)]
mod loops;
pub mod plain;
