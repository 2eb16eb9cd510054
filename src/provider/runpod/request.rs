//! The body of a request to RunPod's [`/run`](https://docs.runpod.io/serverless/endpoints/send-requests), the same for every
//! kind of worker.
//!
//! - vLLM workers prefer `messages` to `prompt` and merge `sampling_params` into the body of a completion. Other workers
//!   read the members they know and ignore the rest.
//! - Without `max_tokens`, workers stop after 16 or 100 tokens, depending on their version.
//! - `ttl` counts from submission and ends a job in any state; `executionTimeout` limits the execution alone. Without them
//!   the endpoint's own settings apply, which may be seconds.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::prompt::Prompt;
use crate::provider::runpod::transcript;
use crate::wire::chat::{self, Message};
use crate::wire::generation;

/// Members that `MODEL_PARAMETERS` cannot override.
const RESERVED_PARAMETERS: [&str; 5] = ["model", "messages", "prompt", "stream", "max_tokens"];

/// An upload is processed for at most a day, and a queued job costs nothing.
pub(crate) const TIME_TO_LIVE: Duration = Duration::from_secs(24 * 3600);

/// A section takes seconds to a few minutes, so a worker that takes ten minutes is hanging, at the user's expense.
const EXECUTION_TIMEOUT: Duration = Duration::from_secs(600);

#[derive(Serialize)]
struct Input<'a> {
    messages: Vec<Message<'a>>,
    prompt: String,
    sampling_params: Map<String, Value>,
    max_tokens: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    stream: bool,
    /// Helps to find the request in a worker's logs.
    correlation_id: String,
}

/// Builds the body of a request.
pub(crate) fn envelope(
    prompt: &Prompt,
    model: Option<&str>,
    parameters: &Map<String, Value>,
) -> Value {
    if let Some(linked) = prompt.linked() {
        let input = transcript::input(prompt, linked, model);
        return enveloped(&input, transcript::EXECUTION_TIMEOUT);
    }
    let (messages, max_tokens) = (prompt.messages(), prompt.max_tokens());
    let mut sampling_params = match prompt.thinks() {
        true => parameters.clone(),
        false => chat::without_thinking(parameters, false),
    };
    sampling_params.retain(|name, _| !RESERVED_PARAMETERS.contains(&name.as_str()));
    sampling_params.insert("max_tokens".to_owned(), Value::from(max_tokens.0));
    let input = Input {
        prompt: generation::prompt(messages),
        messages: chat::messages(messages),
        sampling_params,
        max_tokens: max_tokens.0,
        model,
        // Streaming would only split the output, not deliver it sooner.
        stream: false,
        correlation_id: prompt.id(),
    };
    enveloped(&input, EXECUTION_TIMEOUT)
}

fn enveloped(input: &impl Serialize, execution: Duration) -> Value {
    // Time limits in milliseconds.
    let policy = json!({
        "executionTimeout": execution.as_secs() * 1000,
        "ttl": TIME_TO_LIVE.as_secs() * 1000,
    });
    json!({"input": input, "policy": policy})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::tests::request;
    use crate::prompt::{Style, Task};
    use crate::text::Tokens;

    #[test]
    fn empty_messages_and_an_unset_model_are_left_out() {
        let prompt = Prompt::new(request(Task::Section, Style::Bare), Tokens(64));
        let user = &prompt.messages().user;
        assert_eq!(
            envelope(&prompt, None, &Map::new()),
            json!({
                "input": {
                    "messages": [{"role": "user", "content": user}],
                    "prompt": user,
                    "sampling_params": {"max_tokens": 64},
                    "max_tokens": 64,
                    "stream": false,
                    "correlation_id": prompt.id(),
                },
                "policy": {"executionTimeout": 600_000, "ttl": 86_400_000},
            })
        );
    }
}
