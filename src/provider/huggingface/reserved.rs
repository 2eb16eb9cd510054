//! Members of a request body that `MODEL_PARAMETERS` cannot override, because requests, limits or answers depend on them.

use serde_json::Value;

use crate::provider::huggingface::HuggingFaceTask;
use crate::wire::chat::COMPLETION_LIMIT;

/// Why a parameter must not be set, and what to do instead; `None` if it may be set.
pub(crate) fn reason(task: HuggingFaceTask, name: &str, value: &Value) -> Option<&'static str> {
    use HuggingFaceTask::{Chat, Summarization, TextGeneration};
    Some(match (name, task) {
        ("model", _) => "set HF_MODEL",
        ("messages", Chat) | ("inputs", TextGeneration | Summarization) => {
            "the transcript is sent there"
        }
        ("parameters", TextGeneration | Summarization) | ("generate_parameters", Summarization) => {
            "give its members themselves"
        }
        ("stream", TextGeneration) => {
            "set HF_ENDPOINT_URL to the endpoint's /generate or /predict for answers in one piece"
        }
        ("stream", _) | ("return_full_text", TextGeneration) => {
            "the form of the answer is not a choice"
        }
        (COMPLETION_LIMIT, Chat) if value == true => return None,
        (COMPLETION_LIMIT, Chat) => {
            "only true is accepted, which sends the limit under that name; its number follows from SUMMARY_WORDS"
        }
        ("max_tokens", Chat)
        | ("max_new_tokens" | "max_length", TextGeneration | Summarization) => {
            "the limit follows from SUMMARY_WORDS and MODEL_REASONING_TOKENS"
        }
        ("min_new_tokens" | "min_length", Summarization) => "the length follows from SUMMARY_WORDS",
        ("n", Chat) | ("num_return_sequences", TextGeneration | Summarization) => {
            "one answer is read"
        }
        _ => return None,
    })
}
