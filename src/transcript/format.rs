//! Parsers of transcript formats, each of which splits a text into segments.

#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the spoken text is made with it next")
)]
mod cue;
mod field;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the spoken text is made with it next")
)]
mod html;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the spoken text is made with it next")
)]
mod json;
pub mod plain;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the spoken text is made with it next")
)]
mod table;
