//! Readers of transcript formats: each divides a text into segments.

pub mod plain;
