//! Request body and replies of chat completions, OpenAI's [format](https://platform.openai.com/docs/api-reference/chat).
//! vLLM, llama.cpp, SGLang, text-generation-inference and most gateways support it.
//!
//! - `content` is a string, null, or a list of parts `{"type":"text","text":…}`. Reasoning is in `reasoning` or
//!   `reasoning_content`, or in a part of another type.
//! - A stream reports token usage only if `stream_options` asks for it, in a last event without choices.
//! - Answers are streamed because gateways close connections that stay silent during a long answer.
//! - Hugging Face's router looks for the model only near the start of the body, so `model` comes first.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::prompt::Messages;
use crate::wire::answer::{self, AnswerBuilder, Format, is_said};
use crate::wire::error_text::ErrorText;
use crate::wire::failure::Failure;

/// The name of the token limit that OpenAI's newest models require; other servers know only `max_tokens`. If the parameters
/// contain this name (with any value), the limit is sent under it.
pub(crate) const COMPLETION_LIMIT: &str = "max_completion_tokens";

/// The parameters that keep a model from reasoning, besides those that are `wanted`. Servers that render the template
/// themselves know the first form; the providers behind a router know the second at best.
pub(crate) fn without_thinking(wanted: &Map<String, Value>, is_router: bool) -> Map<String, Value> {
    let (name, value) = match is_router {
        false => ("chat_template_kwargs", json!({"enable_thinking": false})),
        true => ("reasoning_effort", json!("low")),
    };
    let mut parameters = wanted.clone();
    match (parameters.get_mut(name), value) {
        (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
        (_, value) => {
            parameters.insert(name.to_owned(), value);
        }
    }
    parameters
}

#[derive(Serialize)]
pub(crate) struct Body<'a> {
    /// Left out if it is empty, for servers of one model.
    #[serde(skip_serializing_if = "str::is_empty")]
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(flatten)]
    parameters: Map<String, Value>,
}

#[derive(Serialize)]
pub(crate) struct Message<'a> {
    role: &'static str,
    pub(crate) content: &'a str,
}

/// The non-empty messages.
pub(crate) fn messages(messages: &Messages) -> Vec<Message<'_>> {
    [("system", &messages.system), ("user", &messages.user)]
        .into_iter()
        .filter(|(_, content)| !content.is_empty())
        .map(|(role, content)| Message { role, content })
        .collect()
}

impl<'a> Body<'a> {
    /// Builds a request for a streamed answer of at most `limit` tokens, with the parameters in `wanted`.
    pub(crate) fn new(
        model: &'a str,
        messages: &'a Messages,
        limit: usize,
        wanted: &Map<String, Value>,
    ) -> Self {
        let mut parameters = Map::new();
        parameters.insert("stream_options".to_owned(), json!({"include_usage": true}));
        parameters.extend(wanted.clone());
        let limit_name = match parameters.remove(COMPLETION_LIMIT) {
            Some(_) => COMPLETION_LIMIT,
            None => "max_tokens",
        };
        parameters.insert(limit_name.to_owned(), limit.into());
        parameters.insert("stream".to_owned(), true.into());
        Self {
            model,
            messages: self::messages(messages),
            parameters,
        }
    }
}

/// The format of completions, whole or streamed.
#[derive(Debug, Default)]
pub(crate) struct Completion;

impl Format for Completion {
    fn member(&self) -> &'static str {
        "choices"
    }

    fn take(&mut self, value: &Value, answer: &mut AnswerBuilder) -> Result<(), Failure> {
        if let Some(error) = answer::error_in(value, "choices") {
            return Err(error);
        }
        answer.used(value.get("usage").and_then(answer::usage_in));
        let Some(choice) = first_choice(value) else {
            return Ok(());
        };
        if let Some(error) = choice.get("error").filter(|error| is_said(error)) {
            return Err(Failure::InBand(ErrorText::from_value(error)));
        }
        answer.is_found = true;
        answer.ended(choice.get("finish_reason"));
        let message = ["delta", "message"]
            .iter()
            .find_map(|key| choice.get(*key).filter(|message| message.is_object()))
            .unwrap_or(choice);
        if let Some(content) = message.get("content").or_else(|| message.get("text")) {
            push_text(content, &mut answer.text);
        }
        let mut thoughts = answer::members(message, "reasoning|reasoning_content");
        if let Some(thought) = thoughts.find(|thought| is_said(thought)) {
            answer.has_reasoned = true;
            push_text(thought, &mut answer.reasoning);
        }
        answer.has_refused |= answer::has_any(message, "refusal");
        Ok(())
    }
}

/// One answer is requested. If a server returns several, the first is used.
pub(crate) fn first_choice(value: &Value) -> Option<&Value> {
    let choices = value.get("choices")?.as_array()?;
    choices
        .iter()
        .find(|choice| choice.get("index").and_then(Value::as_u64).unwrap_or(0) == 0)
}

fn push_text(content: &Value, text: &mut String) {
    match content {
        Value::String(piece) => text.push_str(piece),
        Value::Array(parts) => {
            let is_text = |part: &&Value| {
                let kind = part.get("type").and_then(Value::as_str);
                matches!(kind, None | Some("text" | "output_text"))
            };
            for part in parts.iter().filter(is_text) {
                push_text(part.get("text").unwrap_or(part), text);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
