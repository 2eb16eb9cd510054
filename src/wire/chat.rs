//! Chat completions, the answer: streamed or whole, from any server that speaks OpenAI's format (WIRE.md 2.4).

mod pieces;

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::model::{Answer, Finish, TokenUsage};
use crate::wire::body;
use crate::wire::body::is_said;
use crate::wire::error_text::ErrorText;
use crate::wire::failure::Failure;
use crate::wire::sse;
use crate::wire::sse::Decoder;
use crate::wire::{finish, thinking};

/// Reads an answer from bytes as they come. Whether they are a stream is seen from them: the content type may be wrong, and a
/// server may ignore that a stream was asked for.
#[derive(Debug, Default)]
pub(crate) struct ChatReader {
    form: Form,
    text: String,
    /// The model has reasoned, in a member of its own.
    thought: bool,
    refused: bool,
    finish: Option<Value>,
    usage: Option<TokenUsage>,
    has_choice: bool,
    /// `[DONE]` has come.
    closed: bool,
}

#[derive(Debug)]
enum Form {
    Unknown(Vec<u8>),
    Events(Decoder),
    Whole(Vec<u8>),
}

impl Default for Form {
    fn default() -> Self {
        Self::Unknown(Vec::new())
    }
}

impl ChatReader {
    /// Takes the next bytes. True if the answer is complete, whatever may follow.
    ///
    /// # Errors
    /// If an event tells of an error.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<bool, Failure> {
        let events = match &mut self.form {
            Form::Whole(body) => {
                body.extend_from_slice(bytes);
                return Ok(false);
            }
            Form::Events(decoder) => decoder.push(bytes),
            Form::Unknown(head) => {
                head.extend_from_slice(bytes);
                match sse::is_stream(head) {
                    None => return Ok(false),
                    Some(false) => {
                        self.form = Form::Whole(std::mem::take(head));
                        return Ok(false);
                    }
                    Some(true) => {
                        let mut decoder = Decoder::default();
                        let events = decoder.push(head);
                        self.form = Form::Events(decoder);
                        events
                    }
                }
            }
        };
        for event in events {
            self.event(&event)?;
        }
        Ok(self.closed)
    }

    /// Ends the answer. `max_tokens` is the limit that was asked for.
    ///
    /// # Errors
    /// If it is incomplete, tells of an error, or holds no text.
    pub(crate) fn finish(mut self, max_tokens: usize) -> Result<Answer, Failure> {
        match std::mem::take(&mut self.form) {
            Form::Unknown(body) | Form::Whole(body) => self.whole(&body)?,
            Form::Events(decoder) => {
                // Half an event says nothing, and then the finish reason is missing as well.
                let last = decoder.finish().unwrap_or_default();
                if is_complete(&last) {
                    self.event(&last)?;
                } else {
                    let mut lines = last.lines().filter(|line| is_complete(line));
                    lines.try_for_each(|line| self.event(line))?;
                }
                if !self.closed && finish_name(self.finish.as_ref()).is_none() {
                    return Err(Failure::Disconnected(
                        "the stream ended before the answer did".to_owned(),
                    ));
                }
            }
        }
        self.settle(max_tokens)
    }

    /// Takes the data of an event.
    ///
    /// # Errors
    /// If it tells of an error, or is no JSON.
    pub(crate) fn event(&mut self, data: &str) -> Result<(), Failure> {
        match data.trim() {
            "" => Ok(()),
            "[DONE]" => {
                self.closed = true;
                Ok(())
            }
            data => match serde_json::from_str(data) {
                Ok(value) => self.take(&value),
                // Events that were not separated by empty lines.
                Err(_) if data.contains('\n') => data.lines().try_for_each(|line| self.event(line)),
                // What it holds is not repeated: it may be generated text.
                Err(_) => Err(Failure::Unusable("an event that is no JSON".to_owned())),
            },
        }
    }

    fn whole(&mut self, body: &[u8]) -> Result<(), Failure> {
        self.take(&body::json(body)?)?;
        if self.has_choice {
            Ok(())
        } else {
            Err(Failure::Unusable("JSON without choices".to_owned()))
        }
    }

    /// Takes a completion, or a piece of one.
    ///
    /// # Errors
    /// If it tells of an error.
    pub(crate) fn take(&mut self, value: &Value) -> Result<(), Failure> {
        if is_error(value) {
            let mut error = value.clone();
            // What was generated until then is nothing to be shown.
            if let Some(members) = error.as_object_mut() {
                members.remove("choices");
            }
            return Err(Failure::InBand(ErrorText::from_value(&error)));
        }
        if let Some(usage) = value.get("usage").and_then(usage) {
            self.usage = Some(usage);
        }
        let Some(choice) = first_choice(value) else {
            return Ok(());
        };
        if let Some(error) = choice.get("error").filter(|error| is_said(error)) {
            return Err(Failure::InBand(ErrorText::from_value(error)));
        }
        self.has_choice = true;
        if let Some(reason) = choice.get("finish_reason")
            && finish_name(Some(reason)).is_some()
        {
            self.finish = Some(reason.clone());
        }
        let message = ["delta", "message"]
            .iter()
            .find_map(|key| choice.get(*key).filter(|message| message.is_object()))
            .unwrap_or(choice);
        for key in ["content", "text"] {
            if let Some(content) = message.get(key) {
                push_text(content, &mut self.text);
                break;
            }
        }
        let has = |key: &str| message.get(key).is_some_and(is_said);
        self.thought |= has("reasoning") || has("reasoning_content");
        self.refused |= has("refusal");
        Ok(())
    }

    /// The answer in what was taken. `max_tokens` is the limit that was asked for.
    ///
    /// # Errors
    /// If there is no text in it.
    pub(crate) fn settle(self, max_tokens: usize) -> Result<Answer, Failure> {
        if !self.has_choice {
            return Err(Failure::Unusable("a stream without choices".to_owned()));
        }
        let finish = match finish::normalise(self.finish.as_ref()) {
            Ok(_) if self.refused => Finish::Filter,
            Ok(Finish::Unknown) => finish::infer(self.usage, max_tokens, self.closed),
            Ok(finish) => finish,
            Err(reason) => {
                return Err(Failure::Unusable(format!(
                    "generation ended with {reason:?}"
                )));
            }
        };
        let (text, thought) = thinking::strip(&self.text);
        let finish = match finish {
            _ if !text.is_empty() => finish,
            Finish::Filter => {
                return Err(Failure::Unusable("withheld by a content filter".to_owned()));
            }
            // All of the limit went into reasoning, whatever the endpoint calls it.
            _ if thought || self.thought => Finish::Length,
            Finish::Length => Finish::Length,
            Finish::Stop | Finish::Unknown => {
                return Err(Failure::Unusable("an empty text".to_owned()));
            }
        };
        Ok(Answer {
            text: text.to_owned(),
            finish,
            usage: self.usage,
            job_time: None,
        })
    }
}

/// Whether the data of an event is all there.
fn is_complete(data: &str) -> bool {
    data.trim() == "[DONE]" || serde_json::from_str::<IgnoredAny>(data).is_ok()
}

/// An error in the place of a completion: HTTP 200 does not mean success (WIRE.md 0.1).
fn is_error(value: &Value) -> bool {
    let said = |key: &str| value.get(key).is_some_and(is_said);
    let has_choices = value.get("choices").is_some_and(Value::is_array);
    said("error")
        || said("err")
        || value.get("object").and_then(Value::as_str) == Some("error")
        || !has_choices && ["detail", "message", "errors"].into_iter().any(said)
}

/// One answer is asked for; should a server give several, the first is taken.
pub(crate) fn first_choice(value: &Value) -> Option<&Value> {
    let choices = value.get("choices")?.as_array()?;
    choices
        .iter()
        .find(|choice| choice.get("index").and_then(Value::as_u64).unwrap_or(0) == 0)
}

/// A finish reason that says something: `""` and null stand in pieces before the last.
fn finish_name(reason: Option<&Value>) -> Option<&Value> {
    reason.filter(|reason| is_said(reason))
}

/// Content is a string, or a list of parts of which some are text.
fn push_text(content: &Value, text: &mut String) {
    match content {
        Value::String(piece) => text.push_str(piece),
        Value::Array(parts) => {
            for part in parts {
                match part.get("type").and_then(Value::as_str) {
                    None | Some("text" | "output_text") => {
                        push_text(part.get("text").unwrap_or(part), text)
                    }
                    Some(_) => {}
                }
            }
        }
        _ => {}
    }
}

fn usage(value: &Value) -> Option<TokenUsage> {
    Some(TokenUsage {
        prompt_tokens: value.get("prompt_tokens")?.as_u64()?,
        completion_tokens: value
            .get("completion_tokens")
            .and_then(Value::as_u64)
            .unwrap_or(0),
    })
}

#[cfg(test)]
mod tests;
