//! Text generation, Hugging Face's task for models that continue a prompt: the body of a request, and the replies of this
//! task and of [summarization](crate::wire::summarization).
//!
//! - text-generation-inference answers `/` with a list of one object, `/generate` with the object, `/generate_stream` with
//!   events of one token each, the last of which has the whole text
//!   ([API](https://huggingface.github.io/text-generation-inference/)). A pipeline that is given one text of a batch answers
//!   with a list in a list, and a custom handler with whatever its author chose, for example a string.
//! - Some servers put the prompt before what they generate, even if asked not to.
//! - `details` would hold the finish reason, but is not asked for: the
//!   [toolkit](https://github.com/huggingface/huggingface-inference-toolkit) hands `parameters` to the pipeline as they are,
//!   which refuses what it does not know. Tokens are counted in the stream or read from headers instead.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::TokenUsage;
use crate::prompt::Messages;
use crate::wire::answer::{self, AnswerBuilder, Format};
use crate::wire::chat;
use crate::wire::failure::Failure;

/// Most lists around an answer.
const MAX_LISTS: usize = 3;

/// Members that hold the text, by task. Handlers are written by people, who name it in several ways.
const GENERATED: &str = "generated_text|text|summary_text";
const SUMMARIZED: &str = "summary_text|generated_text|summary";

#[derive(Serialize)]
pub(crate) struct Body<'a> {
    pub(crate) inputs: &'a str,
    pub(crate) parameters: Map<String, Value>,
    /// `true` keeps the gateways before text-generation-inference from cutting off a long answer. Servers that read `inputs`
    /// and `parameters` alone answer whole. `None` is for routes that have one form of answer and are not told which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<bool>,
}

/// The messages as one text. A template is the business of chat completions.
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

/// The format of task replies and of the events of their stream.
#[derive(Debug)]
pub(crate) struct TaskReply<'a> {
    keys: &'static str,
    /// Cut off where it opens the answer.
    prompt: Option<&'a str>,
    /// Tokens in the stream so far.
    tokens: u64,
}

impl<'a> TaskReply<'a> {
    /// The continuation of a prompt.
    pub(crate) fn generation(prompt: &'a str) -> Self {
        Self {
            keys: GENERATED,
            prompt: Some(prompt),
            tokens: 0,
        }
    }

    /// A summary. One that begins like its text may well be right.
    pub(crate) fn summarization() -> Self {
        Self {
            keys: SUMMARIZED,
            prompt: None,
            tokens: 0,
        }
    }
}

impl Format for TaskReply<'_> {
    fn member(&self) -> &'static str {
        self.keys.split('|').next().unwrap_or_default()
    }

    fn take(&mut self, value: &Value, answer: &mut AnswerBuilder) -> Result<(), Failure> {
        let mut value = value;
        for _ in 0..MAX_LISTS {
            let Value::Array(items) = value else { break };
            value = items.first().unwrap_or(&Value::Null);
        }
        if let Some(error) = answer::error_in(value, self.keys) {
            return Err(error);
        }
        if let Some(token) = value.get("token") {
            self.tokens += 1;
            if token.get("special") != Some(&Value::Bool(true)) {
                let text = token.get("text").and_then(Value::as_str);
                answer.text.push_str(text.unwrap_or_default());
            }
        }
        let member = self
            .keys
            .split('|')
            .find_map(|key| value.get(key)?.as_str());
        let Some(text) = member.or_else(|| value.as_str()) else {
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
