//! A simulated Bedrock runtime, which checks requests strictly, and clients of it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::Url;
use serde_json::{Map, Value, json};
use transcript_summarizer::http::Http;
use transcript_summarizer::model::{Answer, Capabilities, ModelError};
use transcript_summarizer::prompt::Style;
use transcript_summarizer::provider::RemoteSettings;
use transcript_summarizer::provider::bedrock::{Authorization, Bedrock};
use transcript_summarizer::secret::Secret;
use transcript_summarizer::text::Tokens;
use transcript_summarizer::wire::http::Timeouts;

use super::aws::{self, SECRET, event};
use super::behaviour::{Behaviour, Completion, End};
use super::chat_server::{ChatRequest, ChatServer};
use super::huggingface::{assert_discreet, submit};

pub(crate) const MODEL: &str = "eu.anthropic.claude-haiku-4-5-20251001-v1:0";
pub(crate) const KEY: &str = "bedrock-api-key-AbCdEfGhIjKl";

/// The members that Converse knows.
const MEMBERS: [&str; 9] = [
    "messages",
    "system",
    "inferenceConfig",
    "additionalModelRequestFields",
    "guardrailConfig",
    "outputConfig",
    "performanceConfig",
    "requestMetadata",
    "serviceTier",
];

impl ChatRequest {
    /// The text of the system prompt or of the user's message in a request to Converse.
    pub(crate) fn converse(&self, role: &str) -> String {
        let blocks = match role {
            "system" => &self.body["system"],
            _ => &self.body["messages"][0]["content"],
        };
        let texts = blocks.as_array().into_iter().flatten();
        let texts = texts.filter_map(|block| block["text"].as_str());
        texts.collect::<Vec<_>>().join("\n\n")
    }
}

/// Authorizes with the credentials that the simulated service knows.
pub(crate) fn signed() -> Authorization {
    Authorization::Signature(aws::signer("bedrock", SECRET))
}

pub(crate) fn settings(server: &ChatServer, parameters: Map<String, Value>) -> RemoteSettings {
    RemoteSettings {
        key: None,
        endpoint: Url::parse(&server.at("/")).unwrap(),
        parameters,
        capabilities: Capabilities {
            provider: "bedrock",
            model: Some(MODEL.to_owned()),
            context_tokens: Some(Tokens(32_768)),
            reasoning_tokens: Tokens(1024),
            style: Style::Full,
            quotes: false,
            local: false,
            reads_links: false,
        },
    }
}

pub(crate) fn client(server: &ChatServer) -> Bedrock {
    client_with(server, signed(), json!({}))
}

pub(crate) fn client_with(
    server: &ChatServer,
    authorization: Authorization,
    parameters: Value,
) -> Bedrock {
    let parameters = parameters.as_object().unwrap().clone();
    let settings = settings(server, parameters);
    let mut model = Bedrock::new(Http::default(), settings, authorization);
    model.timeouts = Timeouts {
        first: Duration::from_secs(20),
        idle: Duration::from_secs(1),
    };
    model
}

/// A service that accepts requests with the right signature or key, and responds to those like this.
pub(crate) async fn service(
    respond: impl Fn(&ChatRequest) -> Behaviour + Send + Sync + 'static,
) -> ChatServer {
    ChatServer::start(move |request| refusal(request).unwrap_or_else(|| respond(request))).await
}

fn refusal(request: &ChatRequest) -> Option<Behaviour> {
    let bearer = request.header("authorization")?.strip_prefix("Bearer ");
    if let Some(key) = bearer {
        let words = "Authentication failed: Please make sure your API Key is valid.";
        return (key != KEY).then(|| aws::error(403, "AccessDeniedException", words));
    }
    if let Some(refusal) = aws::refuse(request, "bedrock") {
        return Some(refusal);
    }
    let invalid = |what: &str| Some(aws::error(400, "ValidationException", what));
    let operations = ["converse", "converse-stream"];
    let model = MODEL.replace(':', "%3A");
    if !operations
        .map(|last| format!("/model/{model}/{last}"))
        .contains(&request.path)
    {
        return Some(aws::error(404, "UnknownOperationException", &request.path));
    }
    let unknown = request.body.as_object()?.keys();
    if let Some(name) = unknown
        .clone()
        .find(|name| !MEMBERS.contains(&name.as_str()))
    {
        return invalid(&format!(
            "Malformed input request: extraneous key [{name}] is not permitted"
        ));
    }
    let limit = &request.body["inferenceConfig"]["maxTokens"];
    if limit.as_u64().unwrap_or(0) == 0 || request.converse("user").is_empty() {
        return invalid("The text field in the ContentBlock object is blank, or there is no limit");
    }
    None
}

/// An answer in the form that was asked for.
pub(crate) fn answer(request: &ChatRequest, completion: &Completion) -> Behaviour {
    let count = |text: &str| text.split_whitespace().count() as u64;
    let prompt = count(&request.converse("system")) + count(&request.converse("user"));
    let (input, output) = completion
        .usage
        .unwrap_or((prompt, count(&completion.text)));
    // A third was in a cache.
    let usage = json!({"inputTokens": input - input / 3, "outputTokens": output, "totalTokens": input + output,
        "cacheReadInputTokens": input / 3, "cacheWriteInputTokens": 0});
    if request.path.ends_with("/converse") {
        let thought = json!({"reasoningContent": {"reasoningText": {"text": "Who spoke?", "signature": "x"}}});
        let content = json!([thought, {"text": completion.text}]);
        let body = json!({"output": {"message": {"role": "assistant", "content": content}},
            "stopReason": completion.finish, "usage": usage, "metrics": {"latencyMs": 7}});
        return Behaviour::body("application/json", body.to_string());
    }
    let words = completion.text.split_inclusive(' ').map(text);
    let ended = [
        event(
            "contentBlockStop",
            json!({"contentBlockIndex": 1}).to_string(),
        ),
        event(
            "messageStop",
            json!({"stopReason": completion.finish}).to_string(),
        ),
        event(
            "metadata",
            json!({"usage": usage, "metrics": {"latencyMs": 7}}).to_string(),
        ),
    ];
    framed(
        opening().into_iter().chain(words).chain(ended).collect(),
        End::Properly,
    )
}

/// The first frames of an answer: it begins with reasoning.
pub(crate) fn opening() -> Vec<Bytes> {
    let thought =
        json!({"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "Who spoke?"}}});
    vec![
        event("messageStart", json!({"role": "assistant"}).to_string()),
        event("contentBlockDelta", thought.to_string()),
        event(
            "contentBlockStop",
            json!({"contentBlockIndex": 0}).to_string(),
        ),
    ]
}

/// A frame with a piece of the text.
pub(crate) fn text(piece: &str) -> Bytes {
    let delta = json!({"contentBlockIndex": 1, "delta": {"text": piece}, "p": "abcd"});
    event("contentBlockDelta", delta.to_string())
}

pub(crate) fn framed(pieces: Vec<Bytes>, end: End) -> Behaviour {
    Behaviour::Pieces("application/vnd.amazon.eventstream", pieces, end)
}

pub(crate) fn finished(text: &str, finish: &'static str) -> Completion {
    Completion {
        text: text.to_owned(),
        finish,
        usage: None,
    }
}

/// The client's result for one behaviour of the service.
pub(crate) async fn answer_to(behaviour: Behaviour) -> Result<Answer, ModelError> {
    let server = service(move |_| behaviour.clone()).await;
    let result = submit(&client(&server)).await;
    assert_eq!(server.requests().len(), 1, "a request must be sent once");
    assert_discreet(&result);
    result
}

/// A key of Bedrock.
pub(crate) fn key(key: &str) -> Authorization {
    Authorization::Key(Secret::new(key))
}

/// The settings that choose the simulated model.
pub(crate) const SETTINGS: [(&str, &str); 2] =
    [("MODEL_PROVIDER", "bedrock"), ("BEDROCK_MODEL_ID", MODEL)];

pub(crate) fn model(server: &ChatServer) -> Arc<Bedrock> {
    Arc::new(client(server))
}
