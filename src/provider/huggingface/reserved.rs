//! Members of a request body that `MODEL_PARAMETERS` cannot override, because requests, limits or answers depend on them.

use serde_json::{Map, Value};

use crate::provider::huggingface::HuggingFaceTask;
use crate::wire::chat::COMPLETION_LIMIT;

const LIMIT: &str = "the limit follows from SUMMARY_WORDS and MODEL_REASONING_TOKENS";
const MODEL: &str = "set HF_MODEL";
const INPUT: &str = "the transcript is sent there";
const FORM: &str = "the form of the answer is not a choice";
const NESTED: &str = "give its members themselves";
const ONE: &str = "one answer is read";

const CHAT: [(&str, &str); 6] = [
    ("model", MODEL),
    ("messages", INPUT),
    ("stream", FORM),
    ("max_tokens", LIMIT),
    (
        COMPLETION_LIMIT,
        "only true is accepted, which sends the limit under that name; its number follows from SUMMARY_WORDS",
    ),
    ("n", ONE),
];

const TEXT_GENERATION: [(&str, &str); 8] = [
    ("model", MODEL),
    ("inputs", INPUT),
    ("parameters", NESTED),
    (
        "stream",
        "set HF_ENDPOINT_URL to the endpoint's /generate or /predict for answers in one piece",
    ),
    ("max_new_tokens", LIMIT),
    ("max_length", LIMIT),
    ("return_full_text", FORM),
    ("num_return_sequences", ONE),
];

const SUMMARIZATION: [(&str, &str); 10] = [
    ("model", MODEL),
    ("inputs", INPUT),
    ("parameters", NESTED),
    ("generate_parameters", NESTED),
    ("stream", FORM),
    ("min_length", "the length follows from SUMMARY_WORDS"),
    ("max_length", LIMIT),
    ("min_new_tokens", "the length follows from SUMMARY_WORDS"),
    ("max_new_tokens", LIMIT),
    ("num_return_sequences", ONE),
];

/// A parameter that must not be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{member} cannot be set: {instead}")]
pub(crate) struct ParameterError {
    /// Its name.
    pub(crate) member: String,
    /// What to do instead.
    pub(crate) instead: &'static str,
}

pub(crate) fn check(
    task: HuggingFaceTask,
    parameters: &Map<String, Value>,
) -> Result<(), ParameterError> {
    let refused = parameters
        .iter()
        .find_map(|(name, value)| Some((name, reason(task, name, value)?)));
    refused.map_or(Ok(()), |(member, instead)| {
        Err(ParameterError {
            member: member.clone(),
            instead,
        })
    })
}

pub(crate) fn is_allowed(task: HuggingFaceTask, name: &str, value: &Value) -> bool {
    reason(task, name, value).is_none()
}

/// Why a parameter must not be set; `None` if it may.
fn reason(task: HuggingFaceTask, name: &str, value: &Value) -> Option<&'static str> {
    let reserved: &[(&str, &'static str)] = match task {
        HuggingFaceTask::Chat if name == COMPLETION_LIMIT && value == true => return None,
        HuggingFaceTask::Chat => &CHAT,
        HuggingFaceTask::TextGeneration => &TEXT_GENERATION,
        HuggingFaceTask::Summarization => &SUMMARIZATION,
    };
    let (_, reason) = reserved.iter().find(|(member, _)| *member == name)?;
    Some(reason)
}
