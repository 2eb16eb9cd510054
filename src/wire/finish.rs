//! Why generation ended: the many names that servers have for it (WIRE.md 8).

use serde_json::Value;

use crate::model::{Finish, TokenUsage};

/// What a finish reason means; [`Finish::Unknown`] if there is none, or one nobody knows.
///
/// # Errors
/// The reason itself, if what was generated is no answer: a tool call, or an error of the engine.
pub(crate) fn normalise(reason: Option<&Value>) -> Result<Finish, String> {
    // SGLang: `{"type": "stop"}`.
    let reason = reason.map(|reason| reason.get("type").unwrap_or(reason));
    let reason = reason.and_then(Value::as_str).unwrap_or_default();
    match reason.to_ascii_lowercase().as_str() {
        "stop" | "eos" | "eos_token" | "stop_sequence" | "end_turn" | "complete" => {
            Ok(Finish::Stop)
        }
        "length" | "max_tokens" | "model_length" | "model_context_window_exceeded" => {
            Ok(Finish::Length)
        }
        "content_filter" | "content_filtered" | "guardrail_intervened" | "refusal" | "safety" => {
            Ok(Finish::Filter)
        }
        "tool_calls"
        | "function_call"
        | "tool_use"
        | "pause_turn"
        | "error"
        | "abort"
        | "repetition"
        | "malformed_model_output"
        | "malformed_tool_use" => Err(reason.to_owned()),
        _ => Ok(Finish::Unknown),
    }
}

/// What is to be concluded where the endpoint did not say why generation ended: a used-up limit is a cut, and an answer that
/// was closed with its usage is complete.
pub(crate) fn infer(usage: Option<TokenUsage>, max_tokens: usize, closed: bool) -> Finish {
    match usage {
        Some(usage) if usage.completion_tokens >= max_tokens as u64 => Finish::Length,
        Some(_) if closed => Finish::Stop,
        _ => Finish::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_name_of_the_table() {
        for (expected, names) in [
            (
                Ok(Finish::Stop),
                "stop eos eos_token stop_sequence end_turn COMPLETE",
            ),
            (
                Ok(Finish::Length),
                "length max_tokens model_length model_context_window_exceeded MAX_TOKENS",
            ),
            (
                Ok(Finish::Filter),
                "content_filter content_filtered guardrail_intervened refusal SAFETY",
            ),
            (Err(()), "tool_calls function_call tool_use pause_turn"),
            (
                Err(()),
                "error abort repetition malformed_model_output malformed_tool_use",
            ),
            (Ok(Finish::Unknown), "something_new"),
        ] {
            for name in names.split(' ') {
                assert_eq!(
                    normalise(Some(&json!(name))).map_err(|_| ()),
                    expected,
                    "{name}"
                );
                assert_eq!(
                    normalise(Some(&json!({"type": name}))).map_err(|_| ()),
                    expected,
                    "{name}"
                );
            }
        }
        for none in [None, Some(&json!(null)), Some(&json!("")), Some(&json!(7))] {
            assert_eq!(normalise(none), Ok(Finish::Unknown));
        }
    }

    #[test]
    fn usage_tells_what_the_endpoint_does_not() {
        let usage = |completion_tokens| {
            Some(TokenUsage {
                prompt_tokens: 10,
                completion_tokens,
            })
        };
        assert_eq!(infer(usage(100), 100, true), Finish::Length);
        assert_eq!(infer(usage(99), 100, true), Finish::Stop);
        assert_eq!(infer(usage(99), 100, false), Finish::Unknown);
        assert_eq!(infer(None, 100, true), Finish::Unknown);
    }
}
