//! What is sent to have a job done: one envelope for every kind of worker (WIRE.md 1.3 and 1.7).

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::prompt::Messages;

/// Members of the input that parameters cannot override: the newest workers spread them into the body of a completion.
pub const RESERVED_PARAMETERS: [&str; 5] = ["model", "messages", "prompt", "stream", "max_tokens"];

/// From submission to the end of the work. The longest that an upload is worked on is a day, and what waits in a queue costs
/// nothing; an endpoint's own setting may be as short as seconds.
const TIME_TO_LIVE: Duration = Duration::from_secs(24 * 3600);

/// The work alone, which is what is paid for: a section takes seconds to a few minutes, so a worker that takes ten hangs.
const EXECUTION_TIMEOUT: Duration = Duration::from_secs(600);

/// The body of `/run`.
#[derive(Serialize)]
pub(crate) struct Envelope<'a> {
    input: Input<'a>,
    policy: Policy,
}

/// Workers for vLLM read `messages` and `sampling_params`, others what they know of the rest; unknown members are ignored.
#[derive(Serialize)]
struct Input<'a> {
    messages: Vec<Message<'a>>,
    prompt: String,
    sampling_params: Map<String, Value>,
    max_tokens: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    stream: bool,
    correlation_id: String,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

/// In milliseconds.
#[derive(Serialize)]
struct Policy {
    #[serde(rename = "executionTimeout")]
    execution_timeout: u64,
    ttl: u64,
}

/// Puts a request into the envelope. `correlation_id` finds it again in the logs of a worker.
pub(crate) fn envelope<'a>(
    messages: &'a Messages,
    max_tokens: usize,
    model: Option<&'a str>,
    parameters: &Map<String, Value>,
    correlation_id: String,
) -> Envelope<'a> {
    let mut sampling_params = parameters.clone();
    sampling_params.retain(|name, _| !RESERVED_PARAMETERS.contains(&name.as_str()));
    // Left out, some versions stop after 16 tokens, some after 100.
    sampling_params.insert("max_tokens".to_owned(), Value::from(max_tokens));
    let parts = [
        ("system", messages.system.as_str()),
        ("user", messages.user.as_str()),
    ];
    let parts = parts.iter().filter(|(_, content)| !content.is_empty());
    let contents: Vec<&str> = parts.clone().map(|(_, content)| *content).collect();
    Envelope {
        input: Input {
            prompt: contents.join("\n\n"),
            messages: parts
                .map(|&(role, content)| Message { role, content })
                .collect(),
            sampling_params,
            max_tokens,
            model,
            // A streamed output arrives in pieces, and is not any sooner there.
            stream: false,
            correlation_id,
        },
        policy: Policy {
            execution_timeout: EXECUTION_TIMEOUT.as_secs() * 1000,
            ttl: TIME_TO_LIVE.as_secs() * 1000,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_is_sent_that_is_not_there() {
        let messages = Messages {
            system: String::new(),
            user: "Dana speaks.".to_owned(),
            tokens: 0,
        };
        let envelope = envelope(&messages, 64, None, &Map::new(), "c1".to_owned());
        assert_eq!(
            serde_json::to_value(&envelope).unwrap(),
            json!({
                "input": {
                    "messages": [{"role": "user", "content": "Dana speaks."}],
                    "prompt": "Dana speaks.",
                    "sampling_params": {"max_tokens": 64},
                    "max_tokens": 64,
                    "stream": false,
                    "correlation_id": "c1",
                },
                "policy": {"executionTimeout": 600_000, "ttl": 86_400_000},
            })
        );
    }
}
