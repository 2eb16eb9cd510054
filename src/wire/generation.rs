//! Request body and replies of text generation, Hugging Face's task for models that continue a prompt. Also reads the
//! replies of [summarization](crate::wire::summarization).
//!
//! - text-generation-inference answers `/` with a list of one object, `/generate` with the object, and `/generate_stream`
//!   with one event per token, the last of which has the whole text
//!   ([API](https://huggingface.github.io/text-generation-inference/)). A pipeline that receives a batch of one text
//!   answers with a nested list. A custom handler answers in whatever form its author chose, for example a string.
//! - Some servers repeat the prompt before the generated text, even if told not to.
//! - `details` would hold the finish reason but is not requested: the
//!   [toolkit](https://github.com/huggingface/huggingface-inference-toolkit) passes `parameters` straight to the pipeline,
//!   which rejects unknown ones. Tokens are counted in the stream or read from headers instead.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::TokenUsage;
use crate::prompt::Messages;
use crate::wire::answer::{self, AnswerBuilder, Format};
use crate::wire::chat;
use crate::wire::failure::Failure;

/// Maximum number of nested lists around an answer.
const MAX_LISTS: usize = 3;

/// Fields that hold the text, by task. The names vary between handlers.
const GENERATED: &str = "generated_text|text|summary_text";
const SUMMARIZED: &str = "summary_text|generated_text|summary";

#[derive(Serialize)]
pub(crate) struct Body<'a> {
    pub(crate) inputs: &'a str,
    pub(crate) parameters: Map<String, Value>,
    /// `true` keeps gateways in front of text-generation-inference from timing out on a long answer. Servers that read only
    /// `inputs` and `parameters` ignore it and do not stream. `None` omits it, for routes with only one form of answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<bool>,
}

/// Joins the messages into one text. No chat template is applied; that is left to chat completions.
pub(crate) fn prompt(messages: &Messages) -> String {
    let messages = chat::messages(messages);
    let contents: Vec<&str> = messages.iter().map(|message| message.content).collect();
    contents.join("\n\n")
}

pub(crate) fn parameters(max_tokens: usize, wanted: &Map<String, Value>) -> Map<String, Value> {
    let mut parameters = wanted.clone();
    parameters.insert("max_new_tokens".to_owned(), max_tokens.into());
    parameters.insert("return_full_text".to_owned(), false.into());
    parameters
}

/// The format of task replies, whole or streamed.
#[derive(Debug, Default)]
pub(crate) struct TaskReply<'a> {
    /// The prompt of text generation, removed from the start of the answer if the server repeats it. `None` for
    /// summarization, because a summary may legitimately start like its source.
    prompt: Option<&'a str>,
    /// Number of tokens streamed so far.
    tokens: u64,
}

impl<'a> TaskReply<'a> {
    /// The format of text generation.
    pub(crate) fn generation(prompt: &'a str) -> Self {
        Self {
            prompt: Some(prompt),
            tokens: 0,
        }
    }

    fn keys(&self) -> &'static str {
        match self.prompt {
            Some(_) => GENERATED,
            None => SUMMARIZED,
        }
    }
}

impl Format for TaskReply<'_> {
    fn member(&self) -> &'static str {
        self.keys().split('|').next().unwrap_or_default()
    }

    fn take(&mut self, value: &Value, answer: &mut AnswerBuilder) -> Result<(), Failure> {
        let mut value = value;
        for _ in 0..MAX_LISTS {
            let Value::Array(items) = value else { break };
            value = items.first().unwrap_or(&Value::Null);
        }
        if let Some(error) = answer::error_in(value, self.keys()) {
            return Err(error);
        }
        if let Some(token) = value.get("token") {
            self.tokens += 1;
            if token.get("special") != Some(&Value::Bool(true)) {
                let text = token.get("text").and_then(Value::as_str);
                answer.text.push_str(text.unwrap_or_default());
            }
        }
        let text = answer::members(value, self.keys()).find_map(Value::as_str);
        let Some(text) = text.or_else(|| value.as_str()) else {
            return Ok(());
        };
        if !text.is_empty() {
            answer.text = text.to_owned();
        }
        if let Some(prompt) = self.prompt
            && let Some(rest) = answer.text.trim_start().strip_prefix(prompt.trim())
        {
            answer.text = rest.to_owned();
        }
        (answer.is_found, answer.is_closed) = (true, true);
        answer.used((self.tokens > 0).then_some(TokenUsage {
            prompt_tokens: 0,
            completion_tokens: self.tokens,
        }));
        let details = value.get("details").unwrap_or(&Value::Null);
        answer.ended(details.get("finish_reason"));
        answer.used(answer::usage_in(details));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
