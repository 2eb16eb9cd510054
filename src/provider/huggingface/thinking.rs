//! Tells a model how long to reason, if `MODEL_REASONING_TOKENS` is set and it is known what the server understands.
//!
//! - gpt-oss knows three efforts, whoever serves it, and no zero.
//! - [vLLM](https://docs.vllm.ai/en/latest/features/reasoning_outputs.html) stops the reasoning after `thinking_token_budget` tokens. Without
//!   a reasoning parser it refuses the member.
//! - vLLM, SGLang and llama.cpp render the model's template with `chat_template_kwargs`; `enable_thinking` is the switch in those of
//!   Qwen, GLM and their like, and means nothing to others.
//! - Other servers refuse what they do not know, so they are sent nothing. A server says which program it is in its list of
//!   models.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::text::Tokens;
use crate::wire::failure::{Cause, Failure};

/// A member of a request.
pub(crate) type Member = (&'static str, Value);

/// Tokens of reasoning up to which gpt-oss is asked for low and for medium effort.
const LOW: Tokens = Tokens(1024);
const MEDIUM: Tokens = Tokens(4096);

/// How long the model is to reason, and what is known of how to tell it.
#[derive(Debug)]
pub(super) struct Thinking {
    pub(super) budget: Tokens,
    /// The member that tells the model, if there is one.
    pub(super) member: OnceCell<Option<Member>>,
    /// The server has refused it.
    is_refused: AtomicBool,
}

impl Thinking {
    pub(super) fn new(budget: Tokens) -> Self {
        Self {
            budget,
            member: OnceCell::new(),
            is_refused: AtomicBool::new(false),
        }
    }

    pub(super) fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }

    /// Learns that the server refuses the member, if that is why a request has failed: it is sent again without it.
    pub(super) fn learned(&self, (name, _): &Member, failure: Failure) -> Failure {
        let said = match &failure {
            Failure::Refused {
                status: 400 | 422,
                body,
                ..
            } => String::from_utf8_lossy(body).into_owned(),
            _ => return failure,
        };
        let names = match *name {
            "chat_template_kwargs" => ["chat_template_kwargs", "enable_thinking"],
            name => [name, name],
        };
        if !names.iter().any(|name| said.contains(name)) {
            return failure;
        }
        tracing::warn!(
            member = name,
            "the server refuses it: sent without from now on"
        );
        self.is_refused.store(true, Ordering::Relaxed);
        Cause::Unsupported.seen(said)
    }
}

/// The member that limits the reasoning of gpt-oss.
pub(super) fn of_model(model: &str, budget: Tokens) -> Option<Member> {
    let effort = match budget {
        _ if budget <= LOW => "low",
        _ if budget <= MEDIUM => "medium",
        _ => "high",
    };
    let is_known = model.to_ascii_lowercase().contains("gpt-oss");
    is_known.then(|| ("reasoning_effort", json!(effort)))
}

/// The member that limits the reasoning at a server with this list of models.
pub(super) fn of_server(models: &Value, budget: Tokens) -> Option<Member> {
    let owner = models.pointer("/data/0/owned_by")?.as_str()?;
    match (owner, budget) {
        ("vllm" | "sglang" | "llamacpp", Tokens(0)) => {
            Some(("chat_template_kwargs", json!({"enable_thinking": false})))
        }
        ("vllm", Tokens(budget)) => Some(("thinking_token_budget", json!(budget))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_model_or_server_is_known_to_understand_is_sent() {
        for (model, budget, effort) in [
            ("openai/gpt-oss-120b:fastest", 0, Some("low")),
            ("gpt-oss-20b", 1024, Some("low")),
            ("openai/GPT-OSS-20b", 2048, Some("medium")),
            ("openai/gpt-oss-20b", 8192, Some("high")),
            ("Qwen/Qwen3-8B", 0, None),
            ("", 0, None),
        ] {
            let expected = effort.map(|effort| ("reasoning_effort", json!(effort)));
            assert_eq!(of_model(model, Tokens(budget)), expected, "{model}");
        }
        let off = || Some(("chat_template_kwargs", json!({"enable_thinking": false})));
        for (owner, budget, expected) in [
            ("vllm", 0, off()),
            ("sglang", 0, off()),
            ("llamacpp", 0, off()),
            ("vllm", 512, Some(("thinking_token_budget", json!(512)))),
            ("sglang", 512, None),
            ("llamacpp", 512, None),
            ("openai", 0, None),
            ("", 512, None),
        ] {
            let models = json!({"object": "list", "data": [{"id": "x", "owned_by": owner}]});
            assert_eq!(
                of_server(&models, Tokens(budget)),
                expected,
                "{owner} {budget}"
            );
        }
        for models in [
            json!(null),
            json!({"data": []}),
            json!([]),
            json!({"data": [{}]}),
        ] {
            assert_eq!(of_server(&models, Tokens(0)), None);
        }
    }
}
