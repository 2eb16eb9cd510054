//! The body of a reply as JSON, or what it is instead.

use serde_json::Value;

use crate::wire::error_text;
use crate::wire::failure::Failure;

/// Reads a whole body. What is no JSON is never repeated, except for a page's title: it may be generated text.
///
/// # Errors
/// If it is empty, a page, ends in the middle, or is something else.
pub(crate) fn json(body: &[u8]) -> Result<Value, Failure> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    serde_json::from_str(text).map_err(|error| {
        if text.is_empty() {
            Failure::Unusable("an empty body".to_owned())
        } else if text.starts_with('<') {
            let page = error_text::html_text(text);
            Failure::Unusable(format!("a web page: {page}"))
        } else if error.is_eof() {
            Failure::Disconnected("the body ends in the middle".to_owned())
        } else {
            Failure::Unusable(format!("{} bytes that are no JSON", body.len()))
        }
    })
}

/// Neither null nor empty: some servers send every member always.
pub(crate) fn is_said(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    }
}
