//! Amazon Bedrock: chat models of many makers behind one format, [Converse](crate::wire::converse).
//!
//! - **Authorization.** Requests are signed with the credentials of the AWS configuration, in Lambda those of the function's
//!   role, or carry a [key](https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html) of Bedrock.
//! - **Models** are named by the id of a model, the id of an inference profile, which is that of a model after `us.`, `eu.`,
//!   `apac.` or `global.`, or an ARN of either. Newer models are served through profiles only.
//! - **Answers are streamed**, so that a call that hangs is noticed. A few models cannot stream, take no system prompt or
//!   write fewer tokens than are asked for. They refuse the first request, which costs nothing; this is remembered, and the
//!   request is sent again without.
//! - **Quotas** are counted in tokens per minute and per day. The limit of an answer counts from the start.

mod settings;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use async_trait::async_trait;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::Instant;

use crate::aws::signer::Signer;
use crate::http::Http;
use crate::model::Answer;
use crate::prompt::Prompt;
use crate::provider::RemoteSettings;
use crate::provider::connection::{Connection, Direct};
use crate::secret::Secret;
use crate::wire::answer::{self, Limit};
use crate::wire::converse::{Body, Conversation};
use crate::wire::error_text::{ErrorText, mentions};
use crate::wire::failure::{Cause, Failure, Operation};
use crate::wire::http::Timeouts;

pub use settings::BedrockSettings;
pub(crate) use settings::REGISTRATION;

/// The characters of a path segment that AWS leaves as they are.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Like those of other endpoints that stream their answers. The flex tier lets requests wait.
const TIMEOUTS: Timeouts = Timeouts {
    first: Duration::from_secs(600),
    idle: Duration::from_secs(120),
};

/// How requests are authorized.
#[derive(Debug)]
pub enum Authorization {
    /// By a key of Bedrock.
    Key(Secret),
    /// By a signature.
    Signature(Signer),
}

/// A model on Bedrock.
#[derive(Debug)]
pub struct Bedrock {
    /// By default ten minutes until an answer begins, and two minutes between its pieces.
    pub timeouts: Timeouts,
    connection: Connection,
    lacks: Lacks,
}

/// What the model has turned out not to support.
#[derive(Debug, Default)]
struct Lacks {
    streams: AtomicBool,
    system: AtomicBool,
    /// The most output tokens that it accepts; 0 if it has accepted all so far.
    most_tokens: AtomicUsize,
}

impl Bedrock {
    /// Creates the provider for the model in `settings`, whose endpoint is the URL of the service.
    #[must_use]
    pub fn new(http: Http, settings: RemoteSettings, authorization: Authorization) -> Self {
        let operation = Operation {
            action: "bedrock:InvokeModelWithResponseStream and bedrock:InvokeModel",
            resource: format!(
                "{}, and for an inference profile also on its model in all of its regions",
                settings.model()
            ),
        };
        let (secret, names, signer) = match authorization {
            Authorization::Key(secret) => (Some(secret), settings::NAMES_WITH_KEY, None),
            Authorization::Signature(signer) => (None, settings::NAMES, Some(signer)),
        };
        let mut connection = Connection::new(http, settings, secret, names);
        if let Some(signer) = signer {
            connection = connection.signed_by(signer);
        }
        connection.endpoint.operation = Some(operation);
        Self {
            timeouts: TIMEOUTS,
            connection,
            lacks: Lacks::default(),
        }
    }

    async fn converse(&self, prompt: &Prompt, until: Option<Instant>) -> Result<Answer, Failure> {
        let (settings, lacks) = (&self.connection.settings, &self.lacks);
        let max_tokens = match lacks.most_tokens.load(Relaxed) {
            0 => prompt.max_tokens().0,
            most => prompt.max_tokens().0.min(most),
        };
        let has_system = !lacks.system.load(Relaxed);
        let body = Body::new(
            prompt.messages(),
            has_system,
            max_tokens,
            &settings.parameters,
        );
        let body = serde_json::to_vec(&body);
        let body = body.map_err(|error| Cause::Unsendable.seen(error.to_string()))?;
        let operation = match lacks.streams.load(Relaxed) {
            true => "converse",
            false => "converse-stream",
        };
        let mut url = settings.endpoint.clone();
        let model = utf8_percent_encode(settings.model(), ENCODED);
        let base = url.path().trim_end_matches('/');
        let path = format!("{base}/model/{model}/{operation}");
        url.set_path(&path);
        let request = self.connection.post(&url, &[], body).await?;
        let reply = self.connection.send(request, self.timeouts).await?;
        let limit = Limit { max_tokens, until };
        answer::read(reply, Conversation, limit).await
    }
}

impl Lacks {
    /// Notes what a refusal says that the model lacks. Returns the refusal, as one that the next attempt avoids.
    fn learn(&self, failure: Failure) -> Failure {
        let Failure::Refused {
            status: 400, body, ..
        } = &failure
        else {
            return failure;
        };
        let said = ErrorText::from_text(&String::from_utf8_lossy(body)).message;
        let words = said.to_lowercase();
        let is_unsupported = mentions(&words, "support|not available");
        if is_unsupported && words.contains("stream") {
            self.streams.store(true, Relaxed);
        } else if is_unsupported && mentions(&words, "system message|system prompt") {
            self.system.store(true, Relaxed);
        } else if let Some(most) = most_tokens(&words) {
            self.most_tokens.store(most, Relaxed);
        } else {
            return failure;
        }
        Cause::Unsupported.seen(said)
    }
}

/// The number of output tokens that a model is limited to, by its refusal of more.
fn most_tokens(words: &str) -> Option<usize> {
    // "max_tokens: 8192 > 4096, which is the maximum allowed number of output tokens for …"
    let (before, _) = words
        .split_once(", which is the maximum allowed number of output tokens")
        .unwrap_or_default();
    let (_, most) = before.rsplit_once("> ").unwrap_or_default();
    // "The maximum tokens you requested exceeds the model limit of 2048. Try again with …"
    let (_, limit) = words
        .split_once("maximum tokens you requested exceeds the model limit of ")
        .unwrap_or_default();
    let limit = limit.split(|c: char| !c.is_ascii_digit()).next();
    let most = most.parse().ok().or_else(|| limit?.parse().ok());
    most.filter(|most| *most > 0)
}

#[async_trait]
impl Direct for Bedrock {
    fn connection(&self) -> &Connection {
        &self.connection
    }

    async fn exchange(&self, prompt: &Prompt, until: Option<Instant>) -> Result<Answer, Failure> {
        let answer = self.converse(prompt, until).await;
        answer.map_err(|failure| self.lacks.learn(failure))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_a_model_is_read_from_its_refusal() {
        for (words, most) in [
            (
                "the maximum tokens you requested exceeds the model limit of 2048. try again with a maximum tokens value that is lower than 2048.",
                Some(2048),
            ),
            (
                "max_tokens: 8192 > 4096, which is the maximum allowed number of output tokens for claude-3-haiku",
                Some(4096),
            ),
            ("prompt is too long: 200049 tokens > 200000 maximum", None),
        ] {
            assert_eq!(most_tokens(words), most, "{words}");
        }
    }
}
