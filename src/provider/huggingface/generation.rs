//! The body of a request for text generation: one prompt, to be continued.

use reqwest::Url;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::prompt::Messages;

/// Addresses that end so have an answer of one form each, and are not told which.
const FIXED_FORMS: [&str; 3] = ["/generate", "/generate_stream", "/predict"];

#[derive(Serialize)]
pub(crate) struct Body<'a> {
    inputs: &'a str,
    parameters: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
}

/// The rules and the request as one text. A template is the business of chat completions.
pub(crate) fn prompt(messages: &Messages) -> String {
    let Messages { system, user, .. } = messages;
    format!("{system}\n\n{user}").trim_start().to_owned()
}

/// A stream is asked for: it keeps the gateways before TGI from cutting a long answer off. The toolkit's containers and the
/// task API read `inputs` and `parameters` alone, so they answer whole, which is understood as well; a handler that refuses
/// unknown members is addressed by its `/predict`.
///
/// `details` is not asked for, although it holds the finish reason: the toolkit hands `parameters` to the pipeline as they are,
/// which refuses what it does not know. TGI's tokens are counted instead, in its stream or by its headers.
pub(crate) fn body<'a>(
    url: &Url,
    prompt: &'a str,
    max_tokens: usize,
    wanted: &Map<String, Value>,
) -> Body<'a> {
    let mut parameters = wanted.clone();
    parameters.insert("max_new_tokens".to_owned(), max_tokens.into());
    parameters.insert("return_full_text".to_owned(), false.into());
    let is_fixed = FIXED_FORMS.iter().any(|end| url.path().ends_with(end));
    Body {
        inputs: prompt,
        parameters,
        stream: (!is_fixed).then_some(true),
    }
}
