//! The answer in a job's output, which has the shape that its worker likes (WIRE.md 1.7).

use serde_json::{Map, Value};

use crate::model::{Answer, TokenUsage};
use crate::wire::body::is_said;
use crate::wire::chat::{ChatReader, first_choice};
use crate::wire::error_text;
use crate::wire::error_text::ErrorText;
use crate::wire::failure::Failure;
use crate::wire::sse;
use crate::wire::sse::Decoder;
use crate::wire::{classify, python_repr};

/// Workers wrap what servers have wrapped: `{output: {message: {content: [{text}]}}}` and a list around it.
const MAX_DEPTH: usize = 6;

/// Where a text stands, in the order in which they are tried.
const TEXT_KEYS: [&str; 4] = ["generated_text", "summary_text", "summary", "text"];

/// Where a text, or anything that holds one, stands.
const WRAPPERS: [&str; 6] = [
    "output", "outputs", "result", "response", "content", "message",
];

/// Who says why generation ended, besides completions.
const FINISH_KEYS: [&str; 3] = ["finish_reason", "done_reason", "stop_reason"];

/// How tokens of prompt and answer are called.
const USAGE_KEYS: [(&str, &str); 3] = [
    ("prompt_tokens", "completion_tokens"),
    ("input_tokens", "output_tokens"),
    ("input", "output"),
];

/// How a web page begins.
const PAGE_STARTS: [&str; 5] = ["<!doctype", "<html", "<head", "<body", "<?xml"];

/// Reads the answer. `max_tokens` is the limit that was asked for.
///
/// # Errors
/// [`Failure::InBand`] if the output tells of an error, [`Failure::Unusable`] if there is no text in it.
pub(crate) fn read(output: &Value, max_tokens: usize) -> Result<Answer, Failure> {
    let mut walk = Walk::default();
    walk.value(output, 0)?;
    if !walk.found {
        return Err(nothing_in(output));
    }
    let text = walk.reader.take_text();
    match form(&text) {
        Form::Data(value) => {
            // A worker that has put its output into a string; within that, another string is no answer any more.
            walk.found = false;
            walk.value(&value, 0)?;
            let text = walk.reader.take_text();
            if !walk.found || !matches!(form(&text), Form::Text) {
                return Err(nothing_in(&value));
            }
            walk.reader.add(&text);
            walk.reader.close();
        }
        Form::BrokenData => return Err(Failure::Unusable("broken JSON".to_owned())),
        Form::Page => {
            let page = error_text::html_text(text.trim());
            return Err(Failure::Unusable(format!("a web page: {page}")));
        }
        Form::Error => return Err(Failure::InBand(ErrorText::from_text(&text))),
        Form::Stream => stream(&text, &mut walk.reader)?,
        Form::Text => {
            walk.reader.add(&text);
            walk.reader.close();
        }
    }
    walk.reader.settle(max_tokens)
}

/// What a text turns out to be once all of it is there: pieces of it may look like anything.
enum Form {
    Text,
    Stream,
    Data(Value),
    BrokenData,
    Page,
    Error,
}

fn form(text: &str) -> Form {
    let text = text.trim();
    let start: String = text.chars().take(9).collect::<String>().to_lowercase();
    if PAGE_STARTS.iter().any(|page| start.starts_with(page)) {
        return Form::Page;
    }
    if text.starts_with('"')
        && let Ok(value) = serde_json::from_str(text)
    {
        return Form::Data(value);
    }
    if text.starts_with(['{', '[']) {
        let json = serde_json::from_str(text).ok();
        // Prose may begin with a bracket.
        return match json.or_else(|| python_repr::parse(text)) {
            Some(value) if text.ends_with(['}', ']']) => Form::Data(value),
            _ if start.starts_with("{\"") || start.starts_with("{'") => Form::BrokenData,
            _ => Form::Text,
        };
    }
    if sse::is_stream(text.as_bytes()) == Some(true)
        && text.lines().any(|line| line.starts_with("data:"))
    {
        return Form::Stream;
    }
    if classify::is_error_text(text) {
        return Form::Error;
    }
    Form::Text
}

/// A stream that was kept instead of passed on, cut anywhere.
fn stream(text: &str, reader: &mut ChatReader) -> Result<(), Failure> {
    let mut decoder = Decoder::default();
    let mut events = decoder.push(text.as_bytes());
    events.extend(decoder.finish());
    events.iter().try_for_each(|event| reader.event(event))
}

/// Says what was found where a text should be, without its content: that may be the prompt.
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
    Failure::Unusable(format!(
        "the job is done and was paid, its output is {found}"
    ))
}

/// Goes through an output and hands to the reader what belongs to the answer.
#[derive(Default)]
struct Walk {
    reader: ChatReader,
    found: bool,
}

impl Walk {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Failure> {
        if depth > MAX_DEPTH {
            return Ok(());
        }
        match value {
            Value::String(text) => {
                self.found = true;
                self.reader.add(text);
                Ok(())
            }
            Value::Array(items) => self.list(items, depth),
            Value::Object(members) => self.object(value, members, depth),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    /// Tokens, pieces, or one answer in a list of its own.
    fn list(&mut self, items: &[Value], depth: usize) -> Result<(), Failure> {
        let is_message = |item: &Value| item.get("role").is_some_and(is_said);
        if !items.is_empty() && items.iter().all(is_message) {
            // A conversation, of which the request is the beginning.
            return items
                .last()
                .map_or(Ok(()), |last| self.value(last, depth + 1));
        }
        items
            .iter()
            .try_for_each(|item| self.value(item, depth + 1))
    }

    fn object(
        &mut self,
        value: &Value,
        members: &Map<String, Value>,
        depth: usize,
    ) -> Result<(), Failure> {
        if is_error(members) {
            let mut error = members.clone();
            // What was generated until then is nothing to be shown.
            error.retain(|key, _| {
                key != "choices" && !TEXT_KEYS.contains(&key.as_str()) && key != "output"
            });
            return Err(Failure::InBand(ErrorText::from_value(&Value::Object(
                error,
            ))));
        }
        let name = |key: &str| members.get(key).and_then(Value::as_str);
        if matches!(name("role"), Some("user" | "system" | "developer")) {
            return Ok(());
        }
        if matches!(name("type"), Some("reasoning" | "thinking")) {
            self.found = true;
            self.reader.reasoned();
            return Ok(());
        }
        self.particulars(members);
        if let Some(choice) = first_choice(value) {
            self.found = true;
            let Some(tokens) = choice.get("tokens") else {
                return self.reader.take(value);
            };
            if let Some(reason) = choice.get("finish_reason") {
                self.reader.ended(reason);
            }
            return self.value(tokens, depth + 1);
        }
        let said = |key: &&&str| members.get(**key).is_some_and(is_said);
        let keys = || TEXT_KEYS.iter().chain(&WRAPPERS);
        if let Some(inner) = keys().find(said).and_then(|key| members.get(*key)) {
            return self.value(inner, depth + 1);
        }
        // An empty text is one, too.
        self.found |= keys().any(|key| members.get(*key).is_some_and(Value::is_string));
        Ok(())
    }

    /// Everything about the answer but its text.
    fn particulars(&mut self, members: &Map<String, Value>) {
        let about = |key: &str| members.get(key).and_then(Value::as_object);
        for place in [
            Some(members),
            about("usage"),
            about("meta_info"),
            about("details"),
        ] {
            let Some(place) = place else { continue };
            if let Some(usage) = usage(place) {
                self.reader.used(usage);
            }
            if let Some(reason) = FINISH_KEYS.iter().find_map(|key| place.get(*key)) {
                self.reader.ended(reason);
            }
        }
        if ["reasoning", "reasoning_content"]
            .iter()
            .any(|key| members.get(*key).is_some_and(is_said))
        {
            self.found = true;
            self.reader.reasoned();
        }
    }
}

/// An error that a handler returned as if it were a result.
fn is_error(members: &Map<String, Value>) -> bool {
    let said = |key: &str| members.get(key).is_some_and(is_said);
    let text = |key: &str| members.get(key).and_then(Value::as_str).unwrap_or_default();
    let is_false = |key: &str| members.get(key) == Some(&Value::Bool(false));
    let status = text("status").to_lowercase();
    ["error", "err", "error_message", "traceback"]
        .iter()
        .any(|key| said(key))
        || text("object") == "error"
        || matches!(status.as_str(), "error" | "failed" | "failure")
        || is_false("success")
        || is_false("ok")
        // FastAPI's, and OpenAI's without what is around it.
        || members.len() == 1 && (said("detail") || said("errors"))
        || said("message") && members.contains_key("code")
}

fn usage(place: &Map<String, Value>) -> Option<TokenUsage> {
    USAGE_KEYS.iter().find_map(|(prompt, completion)| {
        Some(TokenUsage {
            prompt_tokens: place.get(*prompt)?.as_u64()?,
            completion_tokens: place.get(*completion)?.as_u64()?,
        })
    })
}
