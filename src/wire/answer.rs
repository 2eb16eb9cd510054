//! Reads the answer from a reply in any format: text, reasoning, finish reason and token usage.
//!
//! A [`Format`] takes one JSON value at a time, either a stream event or a whole body, and adds its content to an
//! [`AnswerBuilder`]. A [`Reader`] parses these values from bytes, and [`AnswerBuilder::settle`] decides whether the result
//! is a usable answer.
//!
//! - Status 200 does not mean success. Gateways send it before the model has started, so errors also arrive in the body:
//!   `{"error": …}`, `{"object":"error"}`, `{"detail": …}`, a body of `null`, or an error event halfway through the text. A
//!   reply is an answer only if it has text and none of these.
//! - A reply may be streamed or not, regardless of what was requested and of its content type. Its first bytes decide.
//! - A stream ends with `[DONE]`, a finish reason, or both. With neither, the connection was lost.
//! - AWS sends streams in frames. Those of SageMaker hold pieces of the container's reply, which is read like any other.
//! - A reasoning model may reach the token limit before it writes any answer: `content` is null or empty, the reasoning is
//!   in a separate field, and the finish reason is `length`. This counts as cut off, since a higher limit helps.
//! - With the finish reason `stop` it is no cut-off: parsers of reasoning that miss its end put the whole answer there
//!   ([SGLang](https://github.com/sgl-project/sglang/issues/37644), [vLLM](https://github.com/vllm-project/vllm/issues/48645)).
//!   That text is a candidate, and marked as such. Otherwise reasoning is never part of the answer.
//! - An answer that is still arriving when nobody can wait for it any longer has been paid for. What has come of it is kept, and
//!   only the rest is asked for later.
//! - A stream is read no further once its text ends a turn or only repeats itself: the rest would be paid for and thrown away.

use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::model::{Answer, Finish, TokenUsage};
use crate::run::sleep_until;
use crate::wire::error_text::{self, ErrorText};
use crate::wire::failure::{Cause, Failure};
use crate::wire::frames;
use crate::wire::http::Incoming;
use crate::wire::sse::{self, Decoder};
use crate::wire::template;

/// Field names of the prompt and completion token counts.
const USAGE_KEYS: [(&str, &str); 4] = [
    ("prompt_tokens", "completion_tokens"),
    ("input_tokens", "output_tokens"),
    ("input_length", "generated_tokens"),
    ("input", "output"),
];

/// Fields that may hold text generated before an error.
const GENERATED: &str = "choices|token|generated_text|summary_text|summary|text|output";

/// Finish reasons of replies that are not an answer: a tool call or an engine error.
const NO_ANSWER: &str = "tool_calls|function_call|tool_use|pause_turn|error|abort|\
    malformed_model_output|malformed_tool_use";

pub(crate) trait Format {
    /// Name of the field that every answer must have, for error messages.
    fn member(&self) -> &'static str;

    /// Adds the content of a stream event or a whole body to `answer`.
    ///
    /// # Errors
    /// If the value is an error instead of an answer.
    fn take(&mut self, value: &Value, answer: &mut AnswerBuilder) -> Result<(), Failure>;
}

/// The parts of an answer received so far.
#[derive(Debug, Default)]
pub(crate) struct AnswerBuilder {
    pub(crate) text: String,
    /// The reply has reasoning in a separate field.
    pub(crate) has_reasoned: bool,
    /// That reasoning, if the format tells it from the rest.
    pub(crate) reasoning: String,
    pub(crate) has_refused: bool,
    pub(crate) usage: Option<TokenUsage>,
    /// The reply had a field for the text, even if it was empty.
    pub(crate) is_found: bool,
    /// The reply is known to be complete.
    pub(crate) is_closed: bool,
    finish: Option<Value>,
    watch: template::Watch,
}

impl AnswerBuilder {
    /// Records a finish reason. In events before the last one it is `""` or null.
    pub(crate) fn ended(&mut self, reason: Option<&Value>) {
        if let Some(reason) = reason.filter(|reason| is_said(reason)) {
            self.finish = Some(reason.clone());
        }
    }

    /// Records token usage. Counts in later events include those of earlier ones.
    pub(crate) fn used(&mut self, usage: Option<TokenUsage>) {
        let Some(usage) = usage else { return };
        let known = self.usage.get_or_insert_default();
        known.prompt_tokens = known.prompt_tokens.max(usage.prompt_tokens);
        known.completion_tokens = known.completion_tokens.max(usage.completion_tokens);
    }

    /// Turns the collected parts into an answer. `max_tokens` is the limit that was requested.
    ///
    /// # Errors
    /// If there is no text, unless the model ran into the token limit. Also if the finish reason rules out an answer.
    pub(crate) fn settle(self, max_tokens: usize) -> Result<Answer, Failure> {
        let unusable = |what: &str| Err(Cause::Unusable.seen(what));
        let finish = match finish(self.finish.as_ref()) {
            Err(reason) => return unusable(&format!("generation ended with {reason:?}")),
            Ok(_) if self.has_refused => Finish::Filter,
            Ok(Finish::Unknown) => infer(self.usage, max_tokens, self.is_closed),
            Ok(finish) => finish,
        };
        let (mut text, has_thought) = template::strip(&self.text);
        let is_reasoning = text.is_empty() && finish == Finish::Stop && !has_thought;
        if is_reasoning {
            text = template::strip(&self.reasoning).0;
        }
        let finish = match finish {
            _ if !text.is_empty() => finish,
            Finish::Filter => return Err(Failure::Withheld(self.usage)),
            _ if has_thought || self.has_reasoned => Finish::Length,
            Finish::Length => Finish::Length,
            Finish::Stop | Finish::Unknown => return unusable("an empty text"),
        };
        Ok(Answer {
            is_reasoning: is_reasoning && !text.is_empty(),
            text,
            finish,
            usage: self.usage,
            ..Answer::default()
        })
    }

    /// Closes the answer if its text has come to an end that the server does not know, or repeats itself.
    fn close_at_end(&mut self) {
        if self.is_closed {
            return;
        }
        let reason = match self.watch.end_of(&self.text) {
            None => return,
            Some(template::End::OfTurn) => "stop",
            Some(template::End::Loop) => "length",
        };
        self.is_closed = true;
        self.finish.get_or_insert_with(|| reason.into());
    }
}

/// Reads an answer incrementally from the bytes of a reply.
#[derive(Debug)]
pub(crate) struct Reader<F> {
    format: F,
    answer: AnswerBuilder,
    /// The bytes received so far, until the reply turns out to be a stream. Blanks before it say nothing and are dropped: a
    /// peer may send megabytes of them, byte by byte.
    body: Vec<u8>,
    /// The body begins with what is neither blank nor a part of a byte order mark.
    has_begun: bool,
    decoder: Option<Decoder>,
    /// Set if the reply is sent in frames.
    frames: Option<frames::Decoder>,
    /// Nothing was received yet.
    is_first: bool,
}

/// The event of SageMaker that holds bytes of the container's reply.
const PAYLOAD_PART: &str = "PayloadPart";

/// What an answer may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit {
    /// The limit of tokens that was requested.
    pub(crate) max_tokens: usize,
    /// Until when the caller waits.
    pub(crate) until: Option<Instant>,
}

/// Reads the answer from the reply to a request. When its time is up, what has come of a stream is the answer, and is marked as
/// interrupted; if that has no text, this returns nothing any more.
pub(crate) async fn read(
    mut reply: Incoming,
    format: impl Format,
    limit: Limit,
) -> Result<Answer, Failure> {
    let mut reader = Reader::new(format);
    // text-generation-inference sends token counts in these headers when the body has none.
    let generated = reply.number("x-generated-tokens");
    reader.answer.usage = generated.map(|completion_tokens| TokenUsage {
        prompt_tokens: reply.number("x-prompt-tokens").unwrap_or(0),
        completion_tokens,
    });
    loop {
        let chunk = tokio::select! {
            biased;
            chunk = reply.chunk() => chunk,
            () = sleep_until(limit.until) => {
                return match reader.interrupted(limit.max_tokens) {
                    Some(answer) => Ok(answer),
                    None => std::future::pending().await,
                };
            }
        };
        match chunk {
            Ok(Some(bytes)) => {
                if reader.push(&bytes)? {
                    break;
                }
            }
            Ok(None) => break,
            // Only the usage is missing.
            Err(_) if reader.frames.is_some() && reader.answer.finish.is_some() => break,
            Err(error) => return Err(error),
        }
    }
    reader.finish(limit.max_tokens)
}

impl<F: Format> Reader<F> {
    pub(crate) fn new(format: F) -> Self {
        Self {
            format,
            answer: AnswerBuilder::default(),
            body: Vec::new(),
            has_begun: false,
            decoder: None,
            frames: None,
            is_first: true,
        }
    }

    /// Takes the next bytes. Returns true if the answer is complete and the rest of the reply can be ignored, as what follows in
    /// these bytes is: an answer does not depend on how its reply was split.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<bool, Failure> {
        let is_first = self.is_first;
        self.is_first &= bytes.is_empty();
        if is_first && frames::is_stream(bytes) {
            self.frames = Some(frames::Decoder::default());
        }
        let Some(mut frames) = self.frames.take() else {
            return self.push_bytes(bytes);
        };
        let mut bytes = bytes;
        while !self.answer.is_closed
            && let Some(event) = frames.push(std::mem::take(&mut bytes))?
        {
            if event.name == PAYLOAD_PART {
                self.push_bytes(&event.payload)?;
            } else {
                let value = Value::Object(Map::from_iter([(event.name, json(&event.payload)?)]));
                self.format.take(&value, &mut self.answer)?;
            }
        }
        self.frames = Some(frames);
        Ok(self.answer.is_closed)
    }

    fn push_bytes(&mut self, bytes: &[u8]) -> Result<bool, Failure> {
        let events = if let Some(decoder) = &mut self.decoder {
            decoder.push(bytes)
        } else {
            self.body.extend_from_slice(bytes);
            if !self.has_begun {
                self.body = sse::without_blanks(&self.body).to_vec();
                self.has_begun = self.body.len() > 3;
            }
            if !sse::is_stream(&self.body) {
                return Ok(false);
            }
            let head = std::mem::take(&mut self.body);
            self.decoder.insert(Decoder::default()).push(&head)
        };
        for data in events {
            event(&data, &mut self.format, &mut self.answer)?;
            self.answer.close_at_end();
            if self.answer.is_closed {
                break;
            }
        }
        Ok(self.answer.is_closed)
    }

    /// What has come of a stream that is read no further. `None` if that is no text.
    pub(crate) fn interrupted(self, max_tokens: usize) -> Option<Answer> {
        if self.answer.finish.is_some() {
            // Only the usage is missing.
            return self.finish(max_tokens).ok();
        }
        let is_stream = self.decoder.is_some() || self.frames.is_some();
        let (text, _) = template::strip(&self.answer.text);
        (is_stream && !self.answer.has_refused && !text.is_empty()).then(|| Answer {
            text,
            is_interrupted: true,
            finish: Finish::Length,
            usage: self.answer.usage,
            ..Answer::default()
        })
    }

    /// Finishes reading at the end of the reply.
    ///
    /// # Errors
    /// If the reply is incomplete, is an error, or has no text.
    pub(crate) fn finish(mut self, max_tokens: usize) -> Result<Answer, Failure> {
        let is_framed = self.frames.is_some() && self.body.is_empty();
        let form = if is_framed || self.decoder.is_some() {
            // A truncated event is dropped. The finish reason is then missing too, so the cut is still detected.
            let open = self.decoder.and_then(Decoder::finish).unwrap_or_default();
            let is_complete = |data: &&str| *data == "[DONE]" || parsed(data).is_ok();
            for data in open.lines().map(str::trim).filter(is_complete) {
                if !self.answer.is_closed {
                    event(data, &mut self.format, &mut self.answer)?;
                }
            }
            if !self.answer.is_closed && self.answer.finish.is_none() {
                return Err(Cause::Disconnected.seen("the stream ended before the answer did"));
            }
            "a stream"
        } else {
            self.format.take(&json(&self.body)?, &mut self.answer)?;
            "JSON"
        };
        if !self.answer.is_found {
            let what = format!("{form} without {}", self.format.member());
            return Err(Cause::Unusable.seen(what));
        }
        self.answer.settle(max_tokens)
    }
}

/// Processes the data of one event.
///
/// # Errors
/// If it is an error or not valid JSON.
pub(crate) fn event(
    data: &str,
    format: &mut impl Format,
    answer: &mut AnswerBuilder,
) -> Result<(), Failure> {
    match data.trim() {
        "" => {}
        "[DONE]" => answer.is_closed = true,
        data => match parsed(data) {
            Ok(value) => format.take(&value, answer)?,
            // Some servers do not separate events by empty lines.
            Err(_) if data.contains('\n') => {
                data.lines()
                    .try_for_each(|line| event(line, format, answer))?;
            }
            // The message does not quote the data, which may be generated text.
            Err(_) => return Err(Cause::Unusable.seen("an event that is no JSON")),
        },
    }
    Ok(())
}

/// Parses a text as JSON. One half of a surrogate pair, such as `\ud83d`, is read as U+FFFD: servers in Python and JavaScript
/// write it where a model stopped within an emoji, and the rest of the answer is good.
pub(crate) fn parsed(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str(text).or_else(|error| match without_lone_surrogates(text) {
        Some(mended) => serde_json::from_str(&mended),
        None => Err(error),
    })
}

/// The text with U+FFFD instead of lone surrogates in escapes, if there are any.
fn without_lone_surrogates(text: &str) -> Option<String> {
    const ESCAPE: usize = "\\uXXXX".len();
    let unit = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let mut mended = String::with_capacity(text.len());
    let (mut rest, mut is_mended) = (text, false);
    while let Some((before, escape)) = rest.find('\\').map(|at| rest.split_at(at)) {
        mended.push_str(before);
        let second = || unit(escape.get(ESCAPE..)?);
        let length = match unit(escape) {
            Some(0xd800..0xdc00) if matches!(second(), Some(0xdc00..0xe000)) => 2 * ESCAPE,
            Some(0xd800..0xe000) => {
                mended.push(char::REPLACEMENT_CHARACTER);
                is_mended = true;
                rest = escape.split_at(ESCAPE).1;
                continue;
            }
            _ => escape.chars().take(2).map(char::len_utf8).sum(),
        };
        let (kept, after) = escape.split_at(length);
        mended.push_str(kept);
        rest = after;
    }
    mended.push_str(rest);
    is_mended.then_some(mended)
}

/// Parses a whole body as JSON. Error messages do not quote the body, which may be generated text, except for the title or
/// text of an HTML page.
///
/// # Errors
/// If the body is empty, an HTML page, truncated, or otherwise not JSON.
pub(crate) fn json(body: &[u8]) -> Result<Value, Failure> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    parsed(text).map_err(|error| {
        if text.is_empty() {
            Cause::Unusable.seen("an empty body")
        } else if text.starts_with('<') {
            Cause::Unusable.seen(format!("a web page: {}", error_text::html_text(text)))
        } else if error.is_eof() {
            Cause::Disconnected.seen("the body ends in the middle")
        } else {
            Cause::Unusable.seen(format!("{} bytes that are no JSON", text.len()))
        }
    })
}

/// Returns the error in a value, if it has one. `answers` lists the fields that would hold an answer, separated by `|`.
pub(crate) fn error_in(value: &Value, answers: &str) -> Option<Failure> {
    // Some gateways send an array with the error.
    let value = match value.as_array().map(Vec::as_slice) {
        Some([only]) => only,
        _ => value,
    };
    let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let is_false = |key: &str| value.get(key) == Some(&Value::Bool(false));
    let is_answer = |at: &Value| at.is_string() || at.is_array() || at.is_object();
    let is_error = has_any(value, "error|err|error_message|traceback")
        || has_any(value, "message") && value.get("code").is_some()
        || text("object") == "error"
        || ["error", "failed", "failure"].contains(&text("status").to_lowercase().as_str())
        || is_false("success")
        || is_false("ok")
        || has_any(value, "detail|message|errors") && !members(value, answers).any(is_answer);
    is_error.then(|| {
        let mut value = value.clone();
        // Text generated before the error must not be shown.
        if let Some(members) = value.as_object_mut() {
            members.retain(|name, _| !GENERATED.split('|').any(|key| key == name));
        }
        Failure::InBand(ErrorText::from_value(&value))
    })
}

/// The values of the fields `keys`, separated by `|`, in that order.
pub(crate) fn members<'a>(value: &'a Value, keys: &str) -> impl Iterator<Item = &'a Value> {
    keys.split('|').filter_map(|key| value.get(key))
}

/// Whether any of the fields `keys`, separated by `|`, has a value in the sense of [`is_said`].
pub(crate) fn has_any(value: &Value, keys: &str) -> bool {
    members(value, keys).any(is_said)
}

/// Whether a value is neither null, false nor empty. Some servers always send every field.
pub(crate) fn is_said(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}

/// The token usage in an object.
pub(crate) fn usage_in(value: &Value) -> Option<TokenUsage> {
    let number = |key: &str| value.get(key).and_then(Value::as_u64);
    USAGE_KEYS.iter().find_map(|(prompt, completion)| {
        let (prompt, completion) = (number(prompt), number(completion));
        prompt.or(completion).map(|_| TokenUsage {
            prompt_tokens: prompt.unwrap_or(0),
            completion_tokens: completion.unwrap_or(0),
        })
    })
}

/// Maps a finish reason; [`Finish::Unknown`] if there is none or it is not a known name.
///
/// # Errors
/// Returns the reason itself if the reply is not an answer: a tool call or an engine error.
fn finish(reason: Option<&Value>) -> Result<Finish, String> {
    // SGLang: `{"type": "stop"}`.
    let reason = reason.map(|reason| reason.get("type").unwrap_or(reason));
    let reason = reason.and_then(Value::as_str).unwrap_or_default();
    Ok(match reason.to_ascii_lowercase().as_str() {
        "stop" | "eos" | "eos_token" | "stop_sequence" | "end_turn" | "complete" => Finish::Stop,
        // vLLM stops a text that repeats itself: it is cut off, and its repetitions are dropped.
        "length"
        | "max_tokens"
        | "model_length"
        | "model_context_window_exceeded"
        | "repetition" => Finish::Length,
        "content_filter" | "content_filtered" | "guardrail_intervened" | "refusal" | "safety" => {
            Finish::Filter
        }
        name if NO_ANSWER.split('|').any(|known| known == name) => return Err(reason.to_owned()),
        _ => Finish::Unknown,
    })
}

/// Infers the finish reason when the endpoint gives none: reaching the token limit means cut off, and a complete reply with
/// usage below the limit means stopped normally.
fn infer(usage: Option<TokenUsage>, max_tokens: usize, is_closed: bool) -> Finish {
    match usage {
        Some(usage) if usage.completion_tokens >= max_tokens as u64 => Finish::Length,
        Some(_) if is_closed => Finish::Stop,
        _ => Finish::Unknown,
    }
}

#[cfg(test)]
mod tests;
