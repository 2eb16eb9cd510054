//! The answer of a text-generation or summarization task: TGI's object, array or stream, a pipeline's list, a handler's string.

use serde_json::Value;

use crate::model::{Answer, Finish, TokenUsage};
use crate::wire::body;
use crate::wire::body::is_said;
use crate::wire::error_text::ErrorText;
use crate::wire::failure::Failure;
use crate::wire::sse;
use crate::wire::sse::Decoder;
use crate::wire::{finish, thinking};

/// Lists around an answer: pipelines that are asked for one text of a batch have two.
const MAX_LISTS: usize = 3;

/// What is behind the name of a text, by task. Handlers are written by people, who name it as they like.
const GENERATED: [&str; 3] = ["generated_text", "text", "summary_text"];
const SUMMARIZED: [&str; 3] = ["summary_text", "generated_text", "summary"];

/// Reads an answer from bytes as they come, streamed or whole.
#[derive(Debug)]
pub(crate) struct TaskReader<'a> {
    keys: &'static [&'static str],
    /// What was sent, which some servers put before what they generate.
    prompt: Option<&'a str>,
    body: Vec<u8>,
    decoder: Option<Decoder>,
    /// The tokens of a stream so far, as text.
    pieces: String,
    /// And their number.
    tokens: u64,
    /// The last event of a stream, or the whole answer.
    last: Option<Said>,
    prompt_tokens: Option<u64>,
    generated_tokens: Option<u64>,
}

/// A text and what is said about it.
#[derive(Debug)]
struct Said {
    text: String,
    details: Option<Value>,
}

impl<'a> TaskReader<'a> {
    /// For a continuation of `prompt`.
    pub(crate) fn generation(prompt: &'a str) -> Self {
        Self::new(&GENERATED, Some(prompt))
    }

    /// For a summary. One that begins as the text does may well be meant so.
    pub(crate) fn summarization() -> Self {
        Self::new(&SUMMARIZED, None)
    }

    fn new(keys: &'static [&'static str], prompt: Option<&'a str>) -> Self {
        Self {
            keys,
            prompt,
            body: Vec::new(),
            decoder: None,
            pieces: String::new(),
            tokens: 0,
            last: None,
            prompt_tokens: None,
            generated_tokens: None,
        }
    }

    /// Takes tokens as headers tell them.
    pub(crate) fn counted(&mut self, prompt: Option<u64>, generated: Option<u64>) {
        self.prompt_tokens = prompt;
        self.generated_tokens = generated;
    }

    /// Takes the next bytes. True if the answer is complete, whatever may follow.
    ///
    /// # Errors
    /// If an event tells of an error.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<bool, Failure> {
        let events = if let Some(decoder) = &mut self.decoder {
            decoder.push(bytes)
        } else {
            self.body.extend_from_slice(bytes);
            if sse::is_stream(&self.body) != Some(true) {
                return Ok(false);
            }
            let mut decoder = Decoder::default();
            let events = decoder.push(&std::mem::take(&mut self.body));
            self.decoder = Some(decoder);
            events
        };
        for event in events {
            self.event(&event)?;
        }
        Ok(self.last.is_some())
    }

    /// Ends the answer. `max_tokens` is the limit that was asked for.
    ///
    /// # Errors
    /// If it is incomplete, tells of an error, or holds no text.
    pub(crate) fn finish(mut self, max_tokens: usize) -> Result<Answer, Failure> {
        match self.decoder.take() {
            None => self.last = Some(self.whole(&body::json(&self.body)?)?),
            Some(decoder) if self.last.is_none() => {
                // Half an event says nothing, and then the last one is missing.
                let open = decoder.finish().unwrap_or_default();
                if serde_json::from_str::<Value>(&open).is_ok() {
                    self.event(&open)?;
                }
            }
            Some(_) => {}
        }
        match self.last.take() {
            Some(said) => self.settle(&said, max_tokens),
            None => Err(Failure::Disconnected(
                "the stream ended before the answer did".to_owned(),
            )),
        }
    }

    /// Takes an event of TGI's stream: a token each, the text as a whole with the last.
    fn event(&mut self, data: &str) -> Result<(), Failure> {
        let data = data.trim();
        if data.is_empty() || data == "[DONE]" {
            return Ok(());
        }
        // What it holds is not repeated: it may be generated text.
        let value: Value = serde_json::from_str(data)
            .map_err(|_| Failure::Unusable("an event that is no JSON".to_owned()))?;
        let whole = self.keys.iter().find_map(|key| value.get(*key)?.as_str());
        if let Some(error) = error(&value, whole.is_some() || value.get("token").is_some()) {
            return Err(error);
        }
        if let Some(token) = value.get("token") {
            self.tokens += 1;
            if token.get("special") != Some(&Value::Bool(true)) {
                let text = token.get("text").and_then(Value::as_str);
                self.pieces.push_str(text.unwrap_or_default());
            }
        }
        if let Some(text) = whole {
            let text = if text.is_empty() { &self.pieces } else { text };
            self.last = Some(Said {
                text: text.to_owned(),
                details: value.get("details").cloned(),
            });
            self.generated_tokens = Some(self.tokens).filter(|&tokens| tokens > 0);
        }
        Ok(())
    }

    /// The first text of an answer that came whole.
    fn whole(&self, value: &Value) -> Result<Said, Failure> {
        let mut value = value;
        for _ in 0..MAX_LISTS {
            let Value::Array(items) = value else { break };
            value = items.first().unwrap_or(&Value::Null);
        }
        if let Value::String(text) = value {
            return Ok(Said {
                text: text.clone(),
                details: None,
            });
        }
        let text = self.keys.iter().find_map(|key| value.get(*key)?.as_str());
        if let Some(error) = error(value, text.is_some()) {
            return Err(error);
        }
        let Some(text) = text else {
            let wanted = self.keys.first().copied().unwrap_or_default();
            return Err(Failure::Unusable(format!("JSON without {wanted}")));
        };
        Ok(Said {
            text: text.to_owned(),
            details: value.get("details").cloned(),
        })
    }

    fn settle(self, said: &Said, max_tokens: usize) -> Result<Answer, Failure> {
        let detail = |key: &str| said.details.as_ref().and_then(|details| details.get(key));
        let number = |key: &str| detail(key).and_then(Value::as_u64);
        let prompt_tokens = number("input_length").or(self.prompt_tokens);
        let completion_tokens = number("generated_tokens").or(self.generated_tokens);
        let usage = completion_tokens.map(|completion_tokens| TokenUsage {
            prompt_tokens: prompt_tokens.unwrap_or(0),
            completion_tokens,
        });
        let finish = match finish::normalise(detail("finish_reason")) {
            Ok(Finish::Unknown) => finish::infer(usage, max_tokens, true),
            Ok(finish) => finish,
            Err(reason) => {
                let what = format!("generation ended with {reason:?}");
                return Err(Failure::Unusable(what));
            }
        };
        let text = self
            .prompt
            .and_then(|prompt| said.text.trim_start().strip_prefix(prompt.trim()))
            .unwrap_or(&said.text);
        let (text, thought) = thinking::strip(text);
        let finish = match finish {
            // All of the limit went into reasoning.
            _ if text.is_empty() && thought => Finish::Length,
            Finish::Stop | Finish::Unknown | Finish::Filter if text.is_empty() => {
                return Err(Failure::Unusable("an empty text".to_owned()));
            }
            finish => finish,
        };
        Ok(Answer {
            text: text.to_owned(),
            finish,
            usage,
            job_time: None,
        })
    }
}

/// An error in the place of an answer: HTTP 200 does not mean success (WIRE.md 0.1).
fn error(value: &Value, has_text: bool) -> Option<Failure> {
    let said = |key: &str| value.get(key).is_some_and(is_said);
    let is_error = said("error")
        || said("err")
        || !has_text && ["detail", "message", "errors"].into_iter().any(said);
    if !is_error {
        return None;
    }
    let mut error = value.clone();
    // What was generated until then is nothing to be shown.
    if let Some(members) = error.as_object_mut() {
        members.retain(|name, _| !GENERATED.contains(&name.as_str()) && name != "token");
    }
    Some(Failure::InBand(ErrorText::from_value(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(reader: TaskReader<'_>, body: &str, max_tokens: usize) -> Result<Answer, Failure> {
        let mut reader = reader;
        reader.push(body.as_bytes())?;
        reader.finish(max_tokens)
    }

    #[test]
    fn texts_of_every_shape() {
        for body in [
            json!([{"generated_text": "They met."}]),
            json!({"generated_text": "They met."}),
            json!([[{"generated_text": "They met."}]]),
            json!("They met."),
            json!(["They met."]),
            json!({"text": "They met.", "error": null}),
            json!({"generated_text": "Who? </think> They met."}),
            json!([{"generated_text": " Tell me.\n\nThey met."}]),
        ] {
            let answer = read(TaskReader::generation("Tell me."), &body.to_string(), 9).unwrap();
            assert_eq!(
                (answer.text.as_str(), answer.finish, answer.usage),
                ("They met.", Finish::Unknown, None),
                "{body}"
            );
        }
        for body in [
            json!([{"summary_text": "Tell me. They met."}]),
            json!({"summary_text": "Tell me. They met."}),
            json!("Tell me. They met."),
        ] {
            let answer = read(TaskReader::summarization(), &body.to_string(), 9).unwrap();
            assert_eq!(answer.text, "Tell me. They met.");
        }
    }

    #[test]
    fn a_used_up_limit_is_a_cut() {
        let details = |reason: &str, tokens: u64| json!([{"generated_text": "They", "details": {"finish_reason": reason, "generated_tokens": tokens}}]);
        for (body, expected) in [
            (details("length", 3), Finish::Length),
            (details("eos_token", 9), Finish::Stop),
            (details("stop_sequence", 3), Finish::Stop),
            (details("", 9), Finish::Length),
            (details("", 8), Finish::Stop),
        ] {
            let answer = read(TaskReader::generation("x"), &body.to_string(), 9).unwrap();
            assert_eq!(answer.finish, expected, "{body}");
        }
        let mut reader = TaskReader::generation("x");
        reader.counted(Some(5), Some(9));
        let answer = read(reader, r#"{"generated_text":"They"}"#, 9).unwrap();
        assert_eq!(answer.finish, Finish::Length);
        assert_eq!(answer.usage.unwrap().prompt_tokens, 5);
    }

    #[test]
    fn a_stream_is_read_however_it_is_split() {
        let stream = "data:{\"token\":{\"text\":\"Zü\",\"special\":false},\"generated_text\":null}\n\n\
                      data:{\"token\":{\"text\":\"rich\",\"special\":false},\"generated_text\":null}\n\n\
                      data:{\"token\":{\"text\":\"</s>\",\"special\":true},\"generated_text\":\"\",\"details\":null}\n\n";
        for at in 0..stream.len() {
            let (head, tail) = stream.as_bytes().split_at(at);
            let mut reader = TaskReader::generation("x");
            reader.push(head).unwrap();
            assert!(reader.push(tail).unwrap());
            let answer = reader.finish(100).unwrap();
            assert_eq!(
                (answer.text.as_str(), answer.finish),
                ("Zürich", Finish::Stop)
            );
            assert_eq!(answer.usage.unwrap().completion_tokens, 3);
        }
        let open = stream.trim_end();
        assert_eq!(
            read(TaskReader::generation("x"), open, 3).unwrap().finish,
            Finish::Length
        );
        let broken = stream.get(..stream.len() - 30).unwrap();
        assert!(matches!(
            read(TaskReader::generation("x"), broken, 9),
            Err(Failure::Disconnected(_))
        ));
    }

    #[test]
    fn no_text_is_no_answer() {
        for body in [
            "",
            "null",
            "[]",
            "{}",
            "[{}]",
            "7",
            r#"{"generated_text":" "}"#,
            "<html>x</html>",
            "oops",
            "data: oops\n\n",
        ] {
            let result = read(TaskReader::generation("x"), body, 9);
            assert!(
                matches!(result, Err(Failure::Unusable(_))),
                "{body}: {result:?}"
            );
        }
        for body in [
            r#"{"error":"x"}"#,
            r#"[{"error":"x"}]"#,
            r#"{"detail":"x"}"#,
            "data:{\"error\":\"x\",\"error_type\":\"generation\"}\n\n",
        ] {
            let result = read(TaskReader::generation("x"), body, 9);
            assert!(
                matches!(result, Err(Failure::InBand(_))),
                "{body}: {result:?}"
            );
        }
        let cut = read(
            TaskReader::generation("x"),
            r#"[{"generated_text":"They"#,
            9,
        );
        assert!(matches!(cut, Err(Failure::Disconnected(_))), "{cut:?}");
    }
}
