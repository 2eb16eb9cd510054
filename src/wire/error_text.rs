//! What an error body says, whatever its form: JSON of many shapes, JSON in a string, Python's `repr`, HTML, plain text.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::wire::python_repr;

/// Errors are wrapped by workers, gateways and routers in turn; deeper than this nothing new is said.
const MAX_DEPTH: usize = 10;

/// Where errors are kept (WIRE.md 0.3, 2.3), outermost first. Tracebacks are left out on purpose.
const MESSAGE_KEYS: [&str; 11] = [
    "error",
    "err",
    "errors",
    "detail",
    "message",
    "Message",
    "msg",
    "error_message",
    "details",
    "metadata",
    "raw",
];

/// Numbers or names of what went wrong.
const CODE_KEYS: [&str; 3] = ["code", "http_status_code", "status_code"];

/// Names of the kind of error.
const TYPE_KEYS: [&str; 3] = ["type", "error_type", "__type"];

/// Seconds to wait.
const WAIT_KEYS: [&str; 2] = ["estimated_time", "retry_after"];

/// What a server says about an error. Unscrubbed: it may repeat the request or the token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ErrorText {
    /// In words; empty if there are none.
    pub(crate) message: String,
    /// `code` and its like: a status or a name.
    pub(crate) code: Option<String>,
    /// `type` and its like.
    pub(crate) kind: Option<String>,
    /// How long the body asks to wait.
    pub(crate) wait: Option<Duration>,
}

impl ErrorText {
    /// Reads the body of an error.
    pub(crate) fn from_body(body: &[u8]) -> Self {
        Self::from_text(&String::from_utf8_lossy(body))
    }

    /// Reads a text that may hold a structure.
    pub(crate) fn from_text(text: &str) -> Self {
        let mut said = Self::default();
        said.gather_text(text, 0);
        said
    }

    /// Reads a JSON value. A value of unknown shape is its own message.
    pub(crate) fn from_value(value: &Value) -> Self {
        let mut said = Self::default();
        said.gather(value, 0);
        if said.message.is_empty() && !value.is_null() {
            said.message = value.to_string();
        }
        said
    }

    fn gather(&mut self, value: &Value, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match value {
            Value::String(text) => self.gather_text(text, depth),
            Value::Array(items) => {
                for item in items {
                    self.gather(item, depth + 1);
                }
            }
            Value::Object(object) => self.gather_object(object, depth),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn gather_object(&mut self, object: &Map<String, Value>, depth: usize) {
        let before = self.message.len();
        for key in MESSAGE_KEYS {
            if let Some(value) = object.get(key) {
                self.gather(value, depth + 1);
            }
        }
        // What is inside is more exact than its wrapping, so it has been read first.
        if self.code.is_none() {
            self.code = first(object, &CODE_KEYS);
        }
        if self.kind.is_none() {
            self.kind = first(object, &TYPE_KEYS);
        }
        if self.wait.is_none() {
            self.wait = WAIT_KEYS
                .iter()
                .find_map(|key| object.get(*key)?.as_f64())
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        }
        if let Some(place) = object.get("loc").map(place)
            && self.message.len() > before
        {
            self.message.push_str(&format!(" (at {place})"));
        }
    }

    fn gather_text(&mut self, text: &str, depth: usize) {
        let text = text.trim();
        if depth > MAX_DEPTH {
            self.add(text);
            return;
        }
        if text.starts_with('<') {
            self.add(&html_text(text));
            return;
        }
        // `vLLM returned HTTP 400: {"error": …}` says two things.
        for at in [0].into_iter().chain(text.find('{')) {
            let (before, structured) = text.split_at(at);
            let Some(value) = structure(structured) else {
                continue;
            };
            let mut inner = Self::default();
            inner.gather(&value, depth + 1);
            if !inner.message.is_empty() {
                self.add(format!("{before}{}", inner.message).trim());
                self.code = self.code.take().or(inner.code);
                self.kind = self.kind.take().or(inner.kind);
                self.wait = self.wait.or(inner.wait);
                return;
            }
        }
        self.add(text);
    }

    fn add(&mut self, text: &str) {
        if text.is_empty() || self.message.contains(text) {
            return;
        }
        if !self.message.is_empty() {
            self.message.push_str("; ");
        }
        self.message.push_str(text);
    }
}

/// JSON or Python at the beginning of a text.
fn structure(text: &str) -> Option<Value> {
    if !text.starts_with(['{', '[', '"']) {
        return None;
    }
    let json = serde_json::Deserializer::from_str(text)
        .into_iter::<Value>()
        .next()?;
    json.ok().or_else(|| python_repr::parse(text))
}

/// The first of these members that is a text or a number.
fn first(object: &Map<String, Value>, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| match object.get(*key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// FastAPI's `loc`: `["body","max_tokens"]`.
fn place(loc: &Value) -> String {
    match loc {
        Value::Array(parts) => parts.iter().map(place).collect::<Vec<_>>().join("."),
        Value::String(part) => part.clone(),
        other => other.to_string(),
    }
}

/// The title of a page, or else its text: gateways answer in HTML.
pub(crate) fn html_text(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|open| {
        let start = open + lower.get(open..)?.find('>')? + 1;
        let end = start + lower.get(start..)?.find('<')?;
        html.get(start..end).map(str::trim)
    });
    if let Some(title) = title.filter(|title| !title.is_empty()) {
        return title.to_owned();
    }
    let mut text = String::new();
    for piece in html.split('<') {
        let is_code = ["script", "style"].iter().any(|tag| piece.starts_with(tag));
        if let Some((_, words)) = piece.split_once('>').filter(|_| !is_code) {
            text.push_str(words);
            text.push(' ');
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
