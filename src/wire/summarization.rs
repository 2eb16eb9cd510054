//! Request body of summarization, Hugging Face's task for encoder-decoder models such as BART: only the text and the length
//! limits of the summary. The [replies](crate::wire::generation::TaskReply) are those of text generation.
//!
//! These models end a summary soon after the minimum length, whatever the maximum is, so the minimum controls the length.

use serde_json::{Map, Value, json};

use crate::prompt::Prompt;
use crate::text::tokens;

/// Tokens per summary word. The first answers show how far off this is, and later requests correct for it.
const TOKENS_PER_WORD: f64 = 1.25;

/// Maximum ratio of the minimum length to the text, in percent. A model forced to write more repeats itself.
const MAX_SHARE_PERCENT: usize = 70;

/// Parameters of the pipeline itself; all others are generation parameters.
const OF_PIPELINE: [&str; 2] = ["clean_up_tokenization_spaces", "truncation"];

/// How a server expects generation parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// In `generate_parameters`. May silently truncate the text unless told not to ([task
    /// API](https://huggingface.co/docs/inference-providers/tasks/summarization)).
    TaskApi,
    /// Next to the parameters of the pipeline, which rejects `generate_parameters` and does not truncate by default
    /// ([toolkit](https://github.com/huggingface/huggingface-inference-toolkit)).
    Pipeline,
}

/// Builds a request with the minimum and maximum length of the summary in tokens, and the parameters in `wanted`.
pub(crate) fn body(prompt: &Prompt, dialect: Dialect, wanted: &Map<String, Value>) -> Value {
    let text = &prompt.messages().user;
    let max = prompt.max_tokens().0.max(2);
    let target = (prompt.request().target_words.0 as f64 * TOKENS_PER_WORD) as usize;
    // The minimum stays below the maximum to leave room to finish a sentence.
    let most = (max * 4 / 5).min(tokens::estimate(text).0 * MAX_SHARE_PERCENT / 100);
    let (mut parameters, mut generation): (Map<_, _>, Map<_, _>) = wanted
        .clone()
        .into_iter()
        .partition(|(name, _)| OF_PIPELINE.contains(&name.as_str()));
    generation.insert("max_length".to_owned(), max.into());
    generation.insert("min_length".to_owned(), target.min(most).into());
    match dialect {
        Dialect::Pipeline => parameters.extend(generation),
        Dialect::TaskApi => {
            parameters
                .entry("truncation")
                .or_insert_with(|| "do_not_truncate".into());
            parameters.insert("generate_parameters".to_owned(), generation.into());
        }
    }
    json!({"inputs": text, "parameters": parameters})
}
