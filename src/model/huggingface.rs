//! Hugging Face: chat completions from its router, a dedicated endpoint, or any server that speaks OpenAI's format.

use std::time::Duration;

use reqwest::{Method, Url};
use serde::Serialize;
use serde_json::{Map, Value};

use super::advice::Names;
use super::chat::ChatReader;
use super::failure::{Failure, Peer, Phase};
use super::http::{Http, Outgoing, Timeouts};
use super::{Answer, Model, ModelError, Reply};
use crate::prompt::{self, Messages, Request};
use crate::secret::Secret;

/// Members of the body that parameters cannot override: without them an answer cannot be asked for, limited or read.
pub const RESERVED_PARAMETERS: [&str; 4] = ["model", "messages", "stream", "max_tokens"];

/// Where endpoints live that scale to zero.
const DEDICATED_DOMAIN: &str = ".endpoints.huggingface.cloud";

/// How the settings are called.
const NAMES: Names = Names {
    token: "HF_API_TOKEN",
    model: "HF_MODEL",
    url: "HF_ENDPOINT_URL",
};

/// A section of some hundred words takes seconds on a fast provider and minutes on a busy endpoint of one's own. Streams show
/// that they live, which is why the second limit may be short: it has to cover the reading of a prompt of several thousand
/// tokens by a slow server.
const TIMEOUTS: Timeouts = Timeouts {
    total: Duration::from_secs(600),
    idle: Duration::from_secs(120),
};

/// Where to send, as whom, and what to ask for.
#[derive(Debug, Clone)]
pub struct HuggingFaceConfig {
    /// Sent as a bearer token; endpoints of one's own may need none.
    pub token: Option<Secret>,
    /// The model's id, with `:provider`, `:fastest` or `:cheapest` where wanted.
    pub model: String,
    /// The router, an endpoint, or one of its paths; see [`parse_endpoint`](super::endpoint::parse_endpoint).
    pub endpoint: Url,
    /// Merged into each body: `temperature`, `reasoning_effort`, `chat_template_kwargs`, …
    pub parameters: Map<String, Value>,
}

/// A chat model. Answers at once: it has no tickets.
#[derive(Debug, Clone)]
pub struct HuggingFace {
    http: Http,
    url: Url,
    token: Option<Secret>,
    model: String,
    parameters: Map<String, Value>,
    peer: Peer,
    timeouts: Timeouts,
}

/// The body of a request. `model` comes first: the router reads the provider out of a short beginning of the body.
#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: [Message<'a>; 2],
    max_tokens: usize,
    stream: bool,
    #[serde(flatten)]
    parameters: &'a Map<String, Value>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

impl HuggingFace {
    /// A model at the configured address. Sends nothing yet.
    #[must_use]
    pub fn new(http: Http, config: HuggingFaceConfig) -> Self {
        let HuggingFaceConfig {
            token,
            model,
            endpoint,
            parameters: wanted,
        } = config;
        let mut parameters = Map::new();
        // Without it a stream does not say how many tokens it took.
        parameters.insert(
            "stream_options".to_owned(),
            serde_json::json!({"include_usage": true}),
        );
        parameters.extend(wanted);
        parameters.retain(|name, _| !RESERVED_PARAMETERS.contains(&name.as_str()));
        let host = endpoint.host_str().unwrap_or_default();
        Self {
            peer: Peer {
                starts_on_demand: host.ends_with(DEDICATED_DOMAIN),
                host: match endpoint.port() {
                    Some(port) => format!("{host}:{port}"),
                    None => host.to_owned(),
                },
                names: NAMES,
                secret: token.clone(),
            },
            url: chat_url(&endpoint),
            http,
            token,
            model,
            parameters,
            timeouts: TIMEOUTS,
        }
    }

    /// With other limits than the usual ones of ten minutes in all and two of silence.
    #[must_use]
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    async fn exchange(&self, messages: &Messages, max_tokens: usize) -> Result<Answer, Failure> {
        let body = Body {
            model: &self.model,
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
            max_tokens,
            stream: true,
            parameters: &self.parameters,
        };
        let outgoing = Outgoing {
            method: Method::POST,
            url: &self.url,
            token: self.token.as_ref(),
            body: Some(&body),
            timeouts: self.timeouts,
        };
        let mut reply = self.http.send(outgoing).await?.accepted().await?;
        let mut reader = ChatReader::default();
        while let Some(bytes) = reply.chunk().await? {
            if reader.push(&bytes)? {
                break;
            }
        }
        reader.finish(max_tokens)
    }
}

impl Model for HuggingFace {
    async fn submit(&self, request: &Request) -> Result<Reply, ModelError> {
        let messages = prompt::messages(request);
        match self.exchange(&messages, request.max_tokens).await {
            Ok(answer) => Ok(Reply::Done(answer)),
            Err(failure) => {
                let sent = [messages.system.as_str(), messages.user.as_str()];
                Err(self.peer.error(Phase::Submit, &failure, &sent))
            }
        }
    }
}

/// The address of chat completions below the configured one, as huggingface_hub builds it (WIRE.md 2.3).
fn chat_url(endpoint: &Url) -> Url {
    let path = endpoint.path().trim_end_matches('/');
    let path = if path.ends_with("/chat/completions") {
        path.to_owned()
    } else if path.ends_with("/v1") {
        format!("{path}/chat/completions")
    } else {
        format!("{path}/v1/chat/completions")
    };
    let mut url = endpoint.clone();
    url.set_path(&path);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chat_completions_are_found_below_any_address() {
        for (given, expected) in [
            (
                "https://router.huggingface.co/v1",
                "https://router.huggingface.co/v1/chat/completions",
            ),
            (
                "https://router.huggingface.co/v1/",
                "https://router.huggingface.co/v1/chat/completions",
            ),
            (
                "https://x.endpoints.huggingface.cloud",
                "https://x.endpoints.huggingface.cloud/v1/chat/completions",
            ),
            (
                "https://host/v1/chat/completions",
                "https://host/v1/chat/completions",
            ),
            (
                "https://host/novita/v3/openai",
                "https://host/novita/v3/openai/v1/chat/completions",
            ),
            (
                "https://router.huggingface.co/hf-inference/models/a/b",
                "https://router.huggingface.co/hf-inference/models/a/b/v1/chat/completions",
            ),
        ] {
            assert_eq!(chat_url(&Url::parse(given).unwrap()).as_str(), expected);
        }
    }
}
