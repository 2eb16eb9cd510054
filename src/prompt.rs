//! A request in typed parts, and how it is worded.

use std::sync::Arc;

/// What is asked of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Write the section about one part of the transcript.
    Section,
    /// Write the overview that opens the summary, from its sections.
    Overview,
}

/// A request in typed parts. `summary` fills it in, this module words it, each endpoint puts it into its wire form.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is asked.
    pub task: Task,
    /// How long the answer should be, in words.
    pub target_words: usize,
    /// The answer's limit in tokens, room for reasoning included. Always sent.
    pub max_tokens: usize,
    /// Which part of how many, counted from 1.
    pub part: (usize, usize),
    /// First and last time stamp of the part.
    pub time_span: Option<(String, String)>,
    /// Who speaks in it.
    pub speakers: Vec<String>,
    /// What was said just before the part, to understand it by.
    pub context: String,
    /// Who is speaking when the part begins, if it begins in the middle of a turn.
    pub going_on: Option<String>,
    /// The text to work on.
    pub block: Arc<str>,
    /// Hex digits that fence the block: not to be foreseen by whoever wrote it, the same when a run is resumed.
    pub fence: String,
}
