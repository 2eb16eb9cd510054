//! The body of a request for chat completions.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::prompt::Messages;
use crate::provider::huggingface::reserved::COMPLETION_LIMIT;

/// `model` comes first: the router reads the provider out of a short beginning of the body.
#[derive(Serialize)]
pub(crate) struct Body<'a> {
    model: &'a str,
    messages: [Message<'a>; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<usize>,
    /// The name of the limit that OpenAI's newest models insist on; other servers know `max_tokens` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<usize>,
    stream: bool,
    #[serde(flatten)]
    parameters: Map<String, Value>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

/// Asks for a stream: gateways cut long answers off that show no life.
pub(crate) fn body<'a>(
    model: &'a str,
    messages: &'a Messages,
    limit: usize,
    wanted: &Map<String, Value>,
) -> Body<'a> {
    let mut parameters = Map::new();
    // Without it a stream does not say how many tokens it took.
    parameters.insert("stream_options".to_owned(), json!({"include_usage": true}));
    parameters.extend(wanted.clone());
    let renamed = parameters.remove(COMPLETION_LIMIT).is_some();
    Body {
        model,
        messages: [
            Message {
                role: "system",
                content: &messages.system,
            },
            Message {
                role: "user",
                content: &messages.user,
            },
        ],
        max_tokens: (!renamed).then_some(limit),
        max_completion_tokens: renamed.then_some(limit),
        stream: true,
        parameters,
    }
}
