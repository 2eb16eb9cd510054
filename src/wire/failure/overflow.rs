//! Recognizes errors that say the request is too long for the model, and reads the token counts they state.
//!
//! The phrases come from vLLM (whose wording changes every few releases), text-generation-inference, llama.cpp, SGLang,
//! Groq, Cerebras, OpenAI, Anthropic and Bedrock. All texts are lower-case.
//!
//! - "You passed N input characters", or "your prompt contains X characters (more than Y characters, which is the upper bound
//!   for Z input tokens)": vLLM rejects the request before it counts tokens, so N and X are not the prompt's token count. Z is
//!   the window.
//! - "at least N input tokens": vLLM stopped counting at N.
//! - Old versions of vLLM say `max_tokens must be at least 1, got -512` when the prompt alone fills the context window.
//! - Transformers' tokenizer warns of a `specified maximum sequence length`. Past the end of the position embedding,
//!   PyTorch says `index out of range in self`.

use crate::wire::error_text::mentions;

/// Phrases that each identify the error on their own.
const PHRASES: &str = "\
    context_length_exceeded|exceed_context_size_error|maximum context length|\
    model's context length|maximum context limit|exceed context limit|maximum model length|\
    `inputs` tokens + `max_new_tokens` must be <=|`inputs` must have less than|\
    exceeds the available context size|reduce the length of the messages|\
    reduce the length of the input prompt|reduce the length of the prompt|prompt is too long|\
    input is too long|is too long to fit into the model|too many input tokens|expected maxlength|\
    too large for model with|exceeds the maximum number of tokens allowed|\
    input tokens exceed the configured limit|input tokens exceeds maximum length|max_tokens must be at least 1, got -|\
    cannot be greater than max_model_len|cannot be greater than max_total_tokens|\
    request fewer output tokens|exceeds this limit even without any output tokens|which is the upper bound for|model_context_window_exceeded|\
    longer than the specified maximum sequence length|index out of range in self";

/// Pairs of phrases that identify the error if both occur.
const PAIRS: [(&str, &str); 4] = [
    ("context window", "exceed"),
    ("maximum input length is", "tokens"),
    ("current length is", "while limit is"),
    REQUEST_RATE,
];

/// Groq: this one request exceeds the account's tokens per minute, so waiting does not help.
const REQUEST_RATE: (&str, &str) = ("request too large", "tokens per minute");

/// OpenAI's error for a string field with too many characters, which does not concern the context window.
const NOT_OVERFLOW: &str = "string_above_max_length";

/// Text that precedes the size of the context window, most specific first.
const BEFORE_WINDOW: &str = "\
    maximum context length|context length is only|model's context length|context length|\
    maximum model length of|maximum model length|available context size|must be <=|\
    must have less than|while limit is|max_model_len|max_total_tokens|number of tokens allowed|\
    configured limit of|max input tokens|too large for model with|tpm): limit|tokens >|maximum input length is|\
    which is the upper bound for";

/// Text that precedes the prompt's token count.
const BEFORE_PROMPT: &str = "\
    given:|current length is|request (|the input (|input length (|input token count (|\
    input token count:|prompt contains|\
    prompt (length|total length|prompt is too long:";

/// Text that follows the prompt's token count.
const BEHIND_PROMPT: &str = "\
    in the messages|in your prompt|in the prompt|input tokens|tokens in the input|`inputs` tokens";

/// Maximum number of bytes between a number and the text that identifies it.
const GAP: usize = 12;

/// Maximum number of bytes of a number with its commas.
const MAX_NUMBER: usize = 32;

/// The token counts that an error states.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// The context window: input plus output.
    pub(crate) window: Option<u64>,
    /// The input, as counted by the server. A lower bound if the server stopped counting early.
    pub(crate) prompt: Option<u64>,
}

/// Whether the text says that the request is too long for the model.
pub(crate) fn is_recognized(text: &str) -> bool {
    !text.contains(NOT_OVERFLOW)
        && (mentions(text, PHRASES) || PAIRS.iter().any(|pair| has_both(text, *pair)))
}

/// Whether this one request exceeds the account's tokens per minute. The status code is 413 or 429.
pub(crate) fn is_above_rate(text: &str) -> bool {
    has_both(text, REQUEST_RATE)
}

pub(crate) fn sizes(text: &str) -> Sizes {
    // Bedrock: `188240 + 21333 > 200000`.
    if let Some((_, sum)) = text.split_once("exceed context limit:") {
        return Sizes {
            prompt: number_after(sum, ""),
            window: number_after(sum, ">"),
        };
    }
    let after = |words| number_after(text, words);
    let before = |words| number_before(text, words);
    Sizes {
        window: BEFORE_WINDOW.split('|').find_map(after),
        prompt: BEFORE_PROMPT
            .split('|')
            .find_map(after)
            .or_else(|| BEHIND_PROMPT.split('|').find_map(before))
            // OpenAI: `Your messages resulted in 9000 tokens`.
            .or_else(|| number_after(text, "resulted in"))
            .filter(|_| !mentions(text, "input characters|characters (more than")),
    }
}

fn has_both(text: &str, (one, other): (&str, &str)) -> bool {
    text.contains(one) && text.contains(other)
}

/// The number after an occurrence of `words`, within [`GAP`] bytes and the same clause.
fn number_after(text: &str, words: &str) -> Option<u64> {
    text.match_indices(words).find_map(|(at, _)| {
        let rest = text.get(at + words.len()..)?;
        let near = rest.split_at(rest.floor_char_boundary(GAP + 1)).0;
        let (gap, number) = rest.split_at(near.find(|c: char| c.is_ascii_digit())?);
        let is_near = !gap.contains(['.', ';', '-']);
        is_near.then(|| leading_number(number)).flatten()
    })
}

/// The number directly before an occurrence of `words`.
fn number_before(text: &str, words: &str) -> Option<u64> {
    text.match_indices(words).find_map(|(at, _)| {
        let head = text.get(..at)?.trim_end();
        leading_number(
            head.rsplit(|c: char| !c.is_ascii_digit() && c != ',')
                .next()?,
        )
    })
}

fn leading_number(text: &str) -> Option<u64> {
    let near = text.split_at(text.floor_char_boundary(MAX_NUMBER)).0;
    let number = near
        .split(|c: char| !c.is_ascii_digit() && c != ',')
        .next()?;
    let is_whole = number.len() < MAX_NUMBER;
    is_whole.then(|| number.replace(',', "").parse().ok())?
}

#[cfg(test)]
mod tests;
