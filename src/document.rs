//! What is delivered: the text of a summary and the report beside it. Pure.

pub mod report;
