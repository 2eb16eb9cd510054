//! The possible behaviours of a simulated chat server, good and bad, and well-formed answers in OpenAI's wire format.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::Barrier;

/// The server's behaviour for one request.
#[derive(Debug, Clone)]
pub(crate) enum Behaviour {
    /// A well-formed answer, streamed if the request asked for a stream.
    Answer(Completion),
    /// Answers with this status, these headers and this body.
    Status(u16, Vec<(&'static str, String)>, String),
    /// Status 200 with these pieces, each sent separately, ending as specified.
    Pieces(&'static str, Vec<Bytes>, End),
    /// Sends these events one by one, with a pause before each, and ends the body properly.
    Paced(Duration, Vec<Bytes>),
    /// Closes the connection without a response.
    HangUp,
    /// Behaves this way after a delay.
    After(Duration, Box<Behaviour>),
    /// Behaves this way once as many requests have arrived as the barrier waits for.
    Together(Arc<Barrier>, Box<Behaviour>),
}

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Properly,
    /// Closes the connection in the middle of the body.
    Abort,
    /// Resets the connection (TCP RST).
    Reset,
    /// Sends nothing more but keeps the connection open.
    Silence,
}

impl Behaviour {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::finished(text, "stop")
    }

    pub(crate) fn finished(text: impl Into<String>, finish: &'static str) -> Self {
        Self::Answer(Completion {
            text: text.into(),
            finish,
            usage: None,
        })
    }

    pub(crate) fn status(status: u16, body: impl Into<String>) -> Self {
        Self::Status(status, Vec::new(), body.into())
    }

    /// Status 200 with this body, sent as is.
    pub(crate) fn body(content_type: &'static str, body: impl Into<String>) -> Self {
        Self::Pieces(content_type, vec![Bytes::from(body.into())], End::Properly)
    }
}

/// A well-formed answer.
#[derive(Debug, Clone)]
pub(crate) struct Completion {
    pub(crate) text: String,
    pub(crate) finish: &'static str,
    /// Prompt and completion tokens. If absent, the server counts them.
    pub(crate) usage: Option<(u64, u64)>,
}

fn usage_json((prompt, completion): (u64, u64)) -> Value {
    json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion})
}

/// A well-formed answer as a single body.
pub(crate) fn whole(completion: &Completion, usage: (u64, u64)) -> Bytes {
    let message = json!({"role": "assistant", "content": completion.text});
    let choice = json!({"index": 0, "message": message, "finish_reason": completion.finish});
    let body =
        json!({"object": "chat.completion", "choices": [choice], "usage": usage_json(usage)});
    Bytes::from(body.to_string())
}

/// The events of a streamed answer, word by word.
pub(crate) fn events(completion: &Completion, usage: (u64, u64)) -> Vec<Bytes> {
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({"object": "chat.completion.chunk", "choices": choices, "usage": usage});
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let words = completion.text.split_inclusive(' ').map(|word| {
        chunk(
            json!([{"index": 0, "delta": {"content": word}, "finish_reason": null}]),
            Value::Null,
        )
    });
    let last = [
        chunk(
            json!([{"index": 0, "delta": {}, "finish_reason": completion.finish}]),
            Value::Null,
        ),
        chunk(json!([]), usage_json(usage)),
        Bytes::from_static(b"data: [DONE]\n\n"),
    ];
    words.chain(last).collect()
}
