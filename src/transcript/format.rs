//! Parsers of transcript formats, each of which splits a text into segments.

pub mod plain;
