//! The body of a request for summarization: the text alone, and how long its summary is to be.

use reqwest::Url;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::prompt::Prompt;
use crate::provider::huggingface::address;
use crate::text::tokens;

/// Tokens of a word of summary. Encoder-decoder models end their summaries soon after the least length they are given, whatever
/// the most is: this is what sets the length. What is off by then is learned from the first answers.
const TOKENS_PER_WORD: f64 = 1.25;

/// The least length is at most so much of the text, in percent: a model that has to write more repeats itself.
const MAX_SHARE_PERCENT: usize = 70;

/// Parameters of the pipeline; all others are of its generation.
const OF_PIPELINE: [&str; 2] = ["clean_up_tokenization_spaces", "truncation"];

#[derive(Serialize)]
pub(crate) struct Body<'a> {
    inputs: &'a str,
    parameters: Map<String, Value>,
}

/// How long a summary may be, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lengths {
    pub(crate) min: usize,
    pub(crate) max: usize,
}

impl Lengths {
    /// The lengths for a prompt that is the text alone.
    pub(crate) fn of(prompt: &Prompt) -> Self {
        let text = &prompt.messages().user;
        let max = prompt.max_tokens().max(2);
        let wanted = (prompt.request().target_words as f64 * TOKENS_PER_WORD) as usize;
        // Some room is left between the two, to end a sentence in.
        let most = (max * 4 / 5).min(tokens::estimate(text) * MAX_SHARE_PERCENT / 100);
        Self {
            min: wanted.min(most),
            max,
        }
    }
}

/// The task API takes the parameters of generation in a member of their own (WIRE.md 2.2) and may truncate silently unless told
/// not to; the toolkit's containers hand all parameters to the pipeline as they are, which refuses that member and truncates
/// nothing by itself (WIRE.md 2.3).
pub(crate) fn body<'a>(
    url: &Url,
    text: &'a str,
    lengths: Lengths,
    wanted: &Map<String, Value>,
) -> Body<'a> {
    let (mut parameters, mut generation): (Map<_, _>, Map<_, _>) = wanted
        .clone()
        .into_iter()
        .partition(|(name, _)| OF_PIPELINE.contains(&name.as_str()));
    generation.insert("max_length".to_owned(), lengths.max.into());
    generation.insert("min_length".to_owned(), lengths.min.into());
    if address::is_task_api(url) {
        parameters
            .entry("truncation")
            .or_insert_with(|| "do_not_truncate".into());
        parameters.insert("generate_parameters".to_owned(), generation.into());
    } else {
        parameters.extend(generation);
    }
    Body {
        inputs: text,
        parameters,
    }
}
