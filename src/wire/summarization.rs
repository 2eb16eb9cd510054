//! Summarization, Hugging Face's task for encoder-decoder models such as BART: the body of a request, which is the text alone
//! and how long its summary is to be. The [replies](crate::wire::generation::TaskReply) are those of text generation.
//!
//! These models end a summary soon after the least length they are given, whatever the most is, so the least length is what
//! sets the length.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::prompt::Prompt;
use crate::text::tokens;

/// Tokens of a word of summary. How far that is off is learned from the first answers.
const TOKENS_PER_WORD: f64 = 1.25;

/// The least length is at most this share of the text: a model that has to write more repeats itself.
const MAX_SHARE_PERCENT: usize = 70;

/// Parameters of the pipeline; all others are of its generation.
const OF_PIPELINE: [&str; 2] = ["clean_up_tokenization_spaces", "truncation"];

#[derive(Serialize)]
pub(crate) struct Body<'a> {
    inputs: &'a str,
    parameters: Map<String, Value>,
}

/// How a server takes the parameters of generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// In `generate_parameters`. May truncate the text silently unless told not to
    /// ([task API](https://huggingface.co/docs/inference-providers/tasks/summarization)).
    TaskApi,
    /// Beside the parameters of the pipeline, which refuses `generate_parameters` and truncates nothing by itself
    /// ([toolkit](https://github.com/huggingface/huggingface-inference-toolkit)).
    Pipeline,
}

/// Limits of a summary, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lengths {
    min: usize,
    pub(crate) max: usize,
}

impl Lengths {
    /// The lengths for a request about `text`.
    pub(crate) fn of(prompt: &Prompt) -> Self {
        let text = &prompt.messages().user;
        let max = prompt.max_tokens().max(2);
        let wanted = (prompt.request().target_words as f64 * TOKENS_PER_WORD) as usize;
        // Between the two is room to end a sentence.
        let most = (max * 4 / 5).min(tokens::estimate(text) * MAX_SHARE_PERCENT / 100);
        Self {
            min: wanted.min(most),
            max,
        }
    }
}

impl<'a> Body<'a> {
    pub(crate) fn new(
        text: &'a str,
        lengths: Lengths,
        dialect: Dialect,
        wanted: &Map<String, Value>,
    ) -> Self {
        let (mut parameters, mut generation): (Map<_, _>, Map<_, _>) = wanted
            .clone()
            .into_iter()
            .partition(|(name, _)| OF_PIPELINE.contains(&name.as_str()));
        generation.insert("max_length".to_owned(), lengths.max.into());
        generation.insert("min_length".to_owned(), lengths.min.into());
        match dialect {
            Dialect::Pipeline => parameters.extend(generation),
            Dialect::TaskApi => {
                parameters
                    .entry("truncation")
                    .or_insert_with(|| "do_not_truncate".into());
                parameters.insert("generate_parameters".to_owned(), generation.into());
            }
        }
        Self {
            inputs: text,
            parameters,
        }
    }
}
