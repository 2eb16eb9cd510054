//! Finds the answer in a job's output, whose shape depends on the worker.
//!
//! - A worker's handler may return a string, an object or a list. What a generator yields becomes a list
//!   ([handlers](https://docs.runpod.io/serverless/workers/handlers/overview)).
//! - [worker-vllm](https://github.com/runpod-workers/worker-vllm) returns a list with one completion in OpenAI's format, or,
//!   if streaming was requested, fragments of server-sent events, split anywhere. Versions before 2.24, which are still in
//!   use, return `[{"choices":[{"tokens":[…]}],"usage":{"input":…,"output":…}}]` without a finish reason. The counts of
//!   later elements include the earlier ones.
//! - The worker for SGLang returns `{"text":…,"meta_info":{"finish_reason":{"type":…},…}}`, the one for
//!   text-generation-inference a list of `{"text":…}`, one token each.
//! - Custom handlers return their text under various names, as JSON in a string, or return the message of an exception. An
//!   error message must never be published, so a text that looks like an error, a web page or broken data is rejected.

use serde_json::Value;

use crate::model::Answer;
use crate::wire::answer::{self, AnswerBuilder, Format, is_said, parsed};
use crate::wire::chat::{Completion, first_choice};
use crate::wire::error_text::{self, ErrorText, starts_with_any};
use crate::wire::failure::{Cause, Failure, is_error_text};
use crate::wire::sse::{self, Decoder};

/// The maximum nesting. Workers wrap what servers have already wrapped: `[{output: {message: {content: [{text}]}}}]`.
const MAX_DEPTH: usize = 6;

/// Members that hold the answer or wrap it, in the order in which they are tried. The first four hold a text.
const ANSWER_KEYS: &str = "generated_text|summary_text|summary|text|\
    output|outputs|result|response|content|message|choices";

/// Members with the finish reason.
const FINISH_KEYS: &str = "finish_reason|done_reason|stop_reason";

/// Members that may hold the finish reason and the token counts, besides the object itself.
const ABOUT_KEYS: &str = "usage|meta_info|details";

/// Starts of a web page.
const PAGE_STARTS: &str = "<!doctype|<html|<head|<body|<?xml";

/// Starts of data in JSON or Python notation, which prose never has.
const DATA_STARTS: &str = "{\"|{'|[{\"|[{'";

/// Reads an answer that was generated with a limit of `max_tokens`.
///
/// # Errors
/// [`Failure::InBand`] if the output is an error, [`Cause::Unusable`] if it has no usable text.
pub(crate) fn read(output: &Value, max_tokens: usize) -> Result<Answer, Failure> {
    let mut answer = AnswerBuilder::default();
    let mut text = text_of(output, &mut answer)?;
    let mut form = form_of(&text)?;
    // The worker has put its output into a JSON string. This is unwrapped once; data inside it is rejected.
    if let Form::Data(inner) = form {
        text = text_of(&inner, &mut answer)?;
        let Ok(Form::Text) = form_of(&text) else {
            return Err(nothing_in(&inner));
        };
        form = Form::Text;
    }
    if let Form::Stream = form {
        stream(&text, &mut answer)?;
        return answer.settle(max_tokens);
    }
    answer.text = text;
    answer.is_closed = true;
    let answer = answer.settle(max_tokens)?;
    // Behind marks of a chat template, data is still data.
    match starts_with_any(&answer.text, DATA_STARTS) {
        true => Err(Cause::Unusable.seen("data instead of a text")),
        false => Ok(answer),
    }
}

/// The kind of a text, which can be determined only once all of its pieces are joined.
enum Form {
    Text,
    Stream,
    Data(Value),
}

/// Determines the kind of a text.
///
/// # Errors
/// If it is an error message, a web page or broken data.
fn form_of(text: &str) -> Result<Form, Failure> {
    let trimmed = text.trim();
    if starts_with_any(trimmed, PAGE_STARTS) {
        let page = error_text::html_text(trimmed);
        return Err(Cause::Unusable.seen(format!("a web page: {page}")));
    }
    if trimmed.starts_with(['"', '{', '['])
        && let Ok(value) = parsed(trimmed)
    {
        return Ok(Form::Data(value));
    }
    let is_data_line = |line: &str| line.starts_with("data:");
    if is_error_text(trimmed) {
        Err(Failure::InBand(ErrorText::from_text(text)))
    } else if starts_with_any(trimmed, DATA_STARTS) {
        Err(Cause::Unusable.seen("broken JSON"))
    } else if sse::is_stream(trimmed.as_bytes()) && trimmed.lines().any(is_data_line) {
        Ok(Form::Stream)
    } else {
        Ok(Form::Text)
    }
}

/// Reads the events of a stream that the worker has collected in its output.
fn stream(text: &str, answer: &mut AnswerBuilder) -> Result<(), Failure> {
    let mut decoder = Decoder::default();
    let mut events = decoder.push(text.as_bytes());
    events.extend(decoder.finish());
    events
        .iter()
        .try_for_each(|data| answer::event(data, &mut Completion, answer))
}

/// The error for an output without a text. It describes the output but does not quote it, because it may contain the
/// prompt.
fn nothing_in(value: &Value) -> Failure {
    let found = match value {
        Value::Array(items) if items.is_empty() => {
            "an empty list, as of a generator without return_aggregate_stream".to_owned()
        }
        Value::Array(items) => format!("a list of {} without a text", items.len()),
        Value::Object(_) => "an object without a text".to_owned(),
        Value::String(_) => "data in a string, without a text".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) => "no text".to_owned(),
    };
    Cause::Unusable.seen(format!(
        "the job is done and was paid, its output is {found}"
    ))
}

/// Returns the text in an output. Everything else about the answer is stored in `answer`.
fn text_of(output: &Value, answer: &mut AnswerBuilder) -> Result<String, Failure> {
    answer.is_found = false;
    walk(output, answer, 0)?;
    if !answer.is_found {
        return Err(nothing_in(output));
    }
    Ok(std::mem::take(&mut answer.text))
}

fn walk(value: &Value, answer: &mut AnswerBuilder, depth: usize) -> Result<(), Failure> {
    match value {
        _ if depth > MAX_DEPTH => Ok(()),
        Value::String(text) => {
            answer.is_found = true;
            answer.text.push_str(text);
            Ok(())
        }
        Value::Array(items) => {
            let is_message = |item: &Value| answer::has_any(item, "role");
            // The last message of a conversation is the answer. Any other list holds tokens, fragments or a single item.
            let from = match items.iter().all(is_message) {
                true => items.len().saturating_sub(1),
                false => 0,
            };
            let mut items = items.iter().skip(from);
            items.try_for_each(|item| walk(item, answer, depth + 1))
        }
        Value::Object(_) => walk_object(value, answer, depth),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn walk_object(value: &Value, answer: &mut AnswerBuilder, depth: usize) -> Result<(), Failure> {
    if let Some(error) = answer::error_in(value, ANSWER_KEYS) {
        return Err(error);
    }
    let name = |key: &str| value.get(key).and_then(Value::as_str);
    if matches!(name("role"), Some("user" | "system" | "developer")) {
        return Ok(());
    }
    let is_reasoning = matches!(name("type"), Some("reasoning" | "thinking"));
    if is_reasoning || answer::has_any(value, "reasoning|reasoning_content") {
        answer.is_found = true;
        answer.has_reasoned = true;
    }
    if is_reasoning {
        return Ok(());
    }
    for place in std::iter::once(value).chain(answer::members(value, ABOUT_KEYS)) {
        answer.used(answer::usage_in(place));
        answer.ended(answer::members(place, FINISH_KEYS).next());
    }
    if let Some(choice) = first_choice(value) {
        let Some(tokens) = choice.get("tokens") else {
            return Completion.take(value, answer);
        };
        answer.is_found = true;
        answer.ended(choice.get("finish_reason"));
        return walk(tokens, answer, depth + 1);
    }
    let members = || answer::members(value, ANSWER_KEYS);
    if let Some(member) = members().find(|member| is_said(member)) {
        return walk(member, answer, depth + 1);
    }
    // An empty text counts as an answer, too.
    answer.is_found |= members().any(Value::is_string);
    Ok(())
}
