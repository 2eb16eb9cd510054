//! Extracts message, code, type and wait from an error body of any form.
//!
//! Known forms are `{"error": …}` with a string, an object, or JSON in a string; flat objects
//! (`{"object":"error","message":…}`, old vLLM); FastAPI's `detail`, a string or a list of `{loc, msg, type}`; any of these
//! wrapped in another by a gateway; Python's `repr` with JSON inside (RunPod's vLLM worker); HTML from Cloudflare or nginx;
//! and plain text.

use std::time::Duration;

use serde_json::{Map, Value};

/// Maximum nesting depth. Workers, gateways and routers each wrap errors, but deeper levels add no information.
const MAX_DEPTH: usize = 10;

/// Maximum number of texts in an error, and of their bytes. Of a list of megabytes the first ones say what is wrong.
const MAX_TEXTS: usize = 100;
const MAX_BYTES: usize = 64 << 10;

/// Fields that hold the message, outermost first. Tracebacks and FastAPI's `input` are excluded on purpose.
const MESSAGE_KEYS: &str =
    "error err errors detail message Message msg error_message details metadata raw";

/// Fields that hold a status code or an error name.
const CODE_KEYS: [&str; 3] = ["code", "http_status_code", "status_code"];

/// Fields that hold the error type.
const TYPE_KEYS: [&str; 3] = ["type", "error_type", "__type"];

/// Fields that hold a wait in seconds.
const WAIT_KEYS: [&str; 2] = ["estimated_time", "retry_after"];

/// The contents of a server's error. Unscrubbed: it may quote the request or the token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ErrorText {
    /// Empty if the error has no text.
    pub(crate) message: String,
    /// A status code or an error name.
    pub(crate) code: Option<String>,
    pub(crate) kind: Option<String>,
    /// The wait that the body asks for.
    pub(crate) wait: Option<Duration>,
    /// Texts that were read.
    texts: usize,
}

impl ErrorText {
    /// Wraps a text that is known to be unstructured.
    pub(crate) fn plain(text: &str) -> Self {
        Self {
            message: text.to_owned(),
            ..Self::default()
        }
    }

    /// Reads a text that may contain JSON or HTML.
    pub(crate) fn from_text(text: &str) -> Self {
        let mut said = Self::default();
        said.gather_text(text, 0);
        said
    }

    /// Reads a JSON value. If it has no known form, the JSON itself becomes the message.
    pub(crate) fn from_value(value: &Value) -> Self {
        let mut said = Self::default();
        said.gather(value, 0);
        if said.message.is_empty() && !value.is_null() {
            said.message = value.to_string();
        }
        said
    }

    /// Applies `change` to the message, the code and the type.
    pub(crate) fn map(self, change: impl Fn(&str) -> String) -> Self {
        Self {
            message: change(&self.message),
            code: self.code.map(|code| change(&code)),
            kind: self.kind.map(|kind| change(&kind)),
            wait: self.wait,
            texts: self.texts,
        }
    }

    fn gather(&mut self, value: &Value, depth: usize) {
        match value {
            _ if depth > MAX_DEPTH => {}
            Value::String(text) => self.gather_text(text, depth),
            Value::Array(items) => items.iter().for_each(|item| self.gather(item, depth + 1)),
            Value::Object(object) => self.gather_object(object, depth),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn gather_object(&mut self, object: &Map<String, Value>, depth: usize) {
        let before = self.message.len();
        for value in MESSAGE_KEYS.split(' ').filter_map(|key| object.get(key)) {
            self.gather(value, depth + 1);
        }
        // The inner error is read first and takes precedence, because it is more specific.
        self.code = self.code.take().or_else(|| first(object, &CODE_KEYS));
        self.kind = self.kind.take().or_else(|| first(object, &TYPE_KEYS));
        let seconds = || WAIT_KEYS.iter().find_map(|key| object.get(*key)?.as_f64());
        let wait = || Duration::try_from_secs_f64(seconds()?).ok();
        self.wait = self.wait.or_else(wait);
        if let Some(place) = object.get("loc").map(place)
            && self.message.len() > before
        {
            self.message.push_str(&format!(" (at {place})"));
        }
    }

    fn gather_text(&mut self, text: &str, depth: usize) {
        self.texts += 1;
        if self.texts > MAX_TEXTS {
            return;
        }
        let text = text.trim();
        if text.starts_with('<') {
            self.add(&html_text(text));
            return;
        }
        // In `vLLM returned HTTP 400: {"error": …}` both the prefix and the JSON matter. The first brace may belong to an
        // enclosing `repr`.
        let starts = [Some(0), text.find('{'), text.find("{\"")];
        let mut starts: Vec<usize> = starts.into_iter().flatten().collect();
        starts.dedup();
        for at in starts.into_iter().filter(|_| depth <= MAX_DEPTH) {
            let (before, structured) = text.split_at(at);
            let mut inner = Self::default();
            if let Some(value) = structure(structured) {
                inner.gather(&value, depth + 1);
            }
            if !inner.message.is_empty() {
                let in_repr = before.rsplit_once("'message': ");
                let before =
                    in_repr.map_or(before, |(_, said)| said.trim_start_matches(['\'', '"']));
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
        let room = MAX_BYTES.saturating_sub(self.message.len());
        self.message
            .push_str(text.split_at(text.floor_char_boundary(room)).0);
    }
}

/// Parses the JSON value at the start of a text.
fn structure(text: &str) -> Option<Value> {
    if !text.starts_with(['{', '[', '"']) {
        return None;
    }
    // Python's `repr` adds another level of escaping.
    let unescaped = text.replace("\\'", "'").replace("\\\\", "\\");
    let read = |text| {
        serde_json::Deserializer::from_str(text)
            .into_iter()
            .next()?
            .ok()
    };
    read(text).or_else(|| read(&unescaped))
}

/// The first of these fields that holds a string or a number.
fn first(object: &Map<String, Value>, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| match object.get(*key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// Formats FastAPI's `loc`, such as `["body","max_tokens"]`.
fn place(loc: &Value) -> String {
    match loc {
        Value::Array(parts) => parts.iter().map(place).collect::<Vec<_>>().join("."),
        Value::String(part) => part.clone(),
        other => other.to_string(),
    }
}

/// The title of an HTML page, or its text if it has no title.
pub(crate) fn html_text(html: &str) -> String {
    let elements = html.split('<').filter_map(|piece| piece.split_once('>'));
    let mut titles = elements
        .clone()
        .filter(|(tag, _)| starts_with_any(tag, "title"));
    if let Some((_, title)) = titles.find(|(_, title)| !title.trim().is_empty()) {
        return title.trim().to_owned();
    }
    let texts = elements.filter(|(tag, _)| !starts_with_any(tag, "script|style"));
    let words: Vec<&str> = texts
        .flat_map(|(_, text)| text.split_whitespace())
        .collect();
    words.join(" ")
}

/// Whether a lower-case text contains any of these phrases, separated by `|`.
pub(crate) fn mentions(text: &str, phrases: &str) -> bool {
    phrases.split('|').any(|phrase| text.contains(phrase))
}

/// Whether a text starts with any of these lower-case phrases, separated by `|`.
pub(crate) fn starts_with_any(text: &str, phrases: &str) -> bool {
    let starts = |phrase: &str| {
        let start = text.as_bytes().get(..phrase.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(phrase.as_bytes()))
    };
    phrases.split('|').any(starts)
}

#[cfg(test)]
mod tests;
