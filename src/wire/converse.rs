//! Request body and replies of [Converse](https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html),
//! Bedrock's format for chat models of all makers, whole or streamed.
//!
//! - Only blocks with `text` belong to the answer; `reasoningContent` is reasoning.
//! - A stream ends with `messageStop`, which has the stop reason, and then `metadata`, which has the usage. Without
//!   `messageStop` it was broken off.
//! - `inputTokens` leaves out tokens that were read from a cache or written to it.
//! - Without `maxTokens` the model's maximum is reserved against the account's quota, so it is always set.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::model::TokenUsage;
use crate::prompt::Messages;
use crate::wire::answer::{self, AnswerBuilder, Format};
use crate::wire::failure::Failure;

/// Members of a request that are passed on as they are.
const MEMBERS: [&str; 5] = [
    "guardrailConfig",
    "outputConfig",
    "performanceConfig",
    "requestMetadata",
    "serviceTier",
];

const INFERENCE: &str = "inferenceConfig";
const ADDITIONAL: &str = "additionalModelRequestFields";

/// Other names of parameters that every model has.
const INFERENCE_NAMES: [(&str, &str); 6] = [
    ("temperature", "temperature"),
    ("topP", "topP"),
    ("top_p", "topP"),
    ("stopSequences", "stopSequences"),
    ("stop_sequences", "stopSequences"),
    ("stop", "stopSequences"),
];

/// A request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Body {
    messages: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<Value>,
    inference_config: Map<String, Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    additional_model_request_fields: Map<String, Value>,
    #[serde(flatten)]
    members: Map<String, Value>,
}

impl Body {
    /// Builds a request for an answer of at most `limit` tokens. The parameters in `wanted` are sorted into the places where
    /// Converse expects them; those that it does not know are the model's own. Without `has_system`, for models that know no
    /// system prompt, its text precedes the request.
    pub(crate) fn new(
        messages: &Messages,
        has_system: bool,
        limit: usize,
        wanted: &Map<String, Value>,
    ) -> Self {
        let (mut inference, mut additional, mut members) = (Map::new(), Map::new(), Map::new());
        for (name, value) in wanted {
            let known = INFERENCE_NAMES.iter().find(|(known, _)| known == name);
            match (known, value) {
                (Some((_, name)), value) => {
                    inference.insert((*name).to_owned(), value.clone());
                }
                (None, Value::Object(given)) if name == INFERENCE => {
                    inference.extend(given.clone())
                }
                (None, Value::Object(given)) if name == ADDITIONAL => {
                    additional.extend(given.clone());
                }
                (None, _) if MEMBERS.contains(&name.as_str()) => {
                    members.insert(name.clone(), value.clone());
                }
                (None, _) => {
                    additional.insert(name.clone(), value.clone());
                }
            }
        }
        if let Some(Value::String(stop)) = inference.get("stopSequences") {
            let list = json!([stop]);
            inference.insert("stopSequences".to_owned(), list);
        }
        inference.insert("maxTokens".to_owned(), limit.into());
        let Messages { system, user, .. } = messages;
        let system = Some(system).filter(|system| !system.is_empty());
        let (system, user) = match (system, has_system) {
            (Some(system), false) => (None, json!([{"text": system}, {"text": user}])),
            (system, _) => (
                system.map(|text| json!([{ "text": text }])),
                json!([{ "text": user }]),
            ),
        };
        Self {
            messages: json!([{"role": "user", "content": user}]),
            system,
            inference_config: inference,
            additional_model_request_fields: additional,
            members,
        }
    }
}

/// Why a parameter must not be set, and what to do instead; `None` if it may be set.
pub(crate) fn reserved(name: &str, value: &Value) -> Option<&'static str> {
    const LIMIT: &str = "the limit follows from SUMMARY_WORDS and MODEL_REASONING_TOKENS";
    Some(match name {
        "model" | "modelId" => "set BEDROCK_MODEL_ID",
        "messages" | "system" => "the transcript is sent there",
        "stream" | "toolConfig" => "the form of the answer is not a choice",
        "maxTokens" | "max_tokens" | "max_completion_tokens" => LIMIT,
        INFERENCE if value.get("maxTokens").is_some() => LIMIT,
        INFERENCE | ADDITIONAL if !value.is_object() => "it has to be an object",
        _ => return None,
    })
}

/// The format of replies: a whole one, or `{name: payload}` for each event.
#[derive(Debug, Default)]
pub(crate) struct Conversation;

impl Format for Conversation {
    fn member(&self) -> &'static str {
        "output"
    }

    fn take(&mut self, value: &Value, answer: &mut AnswerBuilder) -> Result<(), Failure> {
        if let Some(error) = answer::error_in(value, "output") {
            return Err(error);
        }
        if let Some(content) = value.pointer("/output/message/content") {
            (answer.is_found, answer.is_closed) = (true, true);
            for block in content.as_array().into_iter().flatten() {
                block_into(block, answer);
            }
        }
        if let Some(delta) = value.pointer("/contentBlockDelta/delta") {
            answer.is_found = true;
            block_into(delta, answer);
        }
        if let Some(stop) = value.get("messageStop") {
            answer.is_found = true;
            answer.ended(stop.get("stopReason"));
        }
        answer.ended(value.get("stopReason"));
        let metadata = value.get("metadata");
        answer.is_closed |= metadata.is_some();
        answer.used(usage(metadata.unwrap_or(value)));
        Ok(())
    }
}

fn block_into(block: &Value, answer: &mut AnswerBuilder) {
    let text = block.get("text").and_then(Value::as_str);
    answer.text.push_str(text.unwrap_or_default());
    answer.has_reasoned |= block.get("reasoningContent").is_some();
}

fn usage(value: &Value) -> Option<TokenUsage> {
    let usage = value.get("usage")?;
    let tokens = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or(0);
    let input = [
        "inputTokens",
        "cacheReadInputTokens",
        "cacheWriteInputTokens",
    ];
    Some(TokenUsage {
        prompt_tokens: input.into_iter().map(tokens).sum(),
        completion_tokens: tokens("outputTokens"),
    })
}
