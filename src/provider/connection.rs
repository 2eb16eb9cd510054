//! Sends a provider's requests to its endpoint with the current key, and turns failures into [`ModelError`]s.

use std::fmt::Debug;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, RequestBuilder, Url};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::aws::signer::{SignError, Signer};
use crate::chain::chain;
use crate::http::{Http, causes};
use crate::model::{Answer, Capabilities, Model, ModelError, Reply, Served};
use crate::prompt::Prompt;
use crate::provider::RemoteSettings;
use crate::provider::key::Key;
use crate::run::sleep_until;
use crate::secret::Secret;
use crate::wire::failure::{Cause, Endpoint, Failure, Phase, SettingNames};
use crate::wire::http::{self, Incoming, Pulse, Timeouts};
use crate::wire::redact;

/// The shortest interval between renewals of the key: a rotated key makes many calls fail at once, and each read is billed.
const RENEW_EVERY: Duration = Duration::from_secs(60);

/// How long after a deadline what has come of an answer is taken over at the latest.
const HANDOVER: Duration = Duration::from_millis(100);

/// For what an endpoint says at once or not at all.
const FACTS: Timeouts = Timeouts {
    first: Duration::from_secs(5),
    idle: Duration::from_secs(5),
};

/// A model whose endpoint has no queue: a request is answered or fails.
#[async_trait]
pub(crate) trait Direct: Debug + Send + Sync {
    /// The connection to the endpoint.
    fn connection(&self) -> &Connection;

    /// Sends a prompt once and reads the answer, or as much of it as has come `until` then.
    async fn exchange(&self, prompt: &Prompt, until: Option<Instant>) -> Result<Answer, Failure>;

    /// What the endpoint says of the model that it serves.
    async fn served(&self) -> Served {
        Served::default()
    }
}

#[async_trait]
impl<T: Direct> Model for T {
    fn capabilities(&self) -> &Capabilities {
        &self.connection().settings.capabilities
    }

    async fn submit(&self, prompt: &Prompt) -> Result<Reply, ModelError> {
        submitted(self, prompt, None).await
    }

    async fn submit_until(
        &self,
        prompt: &Prompt,
        deadline: Option<Instant>,
    ) -> Option<Result<Reply, ModelError>> {
        tokio::select! {
            biased;
            reply = submitted(self, prompt, deadline) => Some(reply),
            // Nothing has come, not even a refusal.
            () = sleep_until(deadline.map(|deadline| deadline + HANDOVER)) => None,
        }
    }

    async fn renew_key(&self) -> bool {
        self.connection().renew_key().await
    }

    async fn served(&self) -> Served {
        Direct::served(self).await
    }

    fn warm_up(&self) {
        self.connection().warm_up();
    }
}

async fn submitted(
    model: &impl Direct,
    prompt: &Prompt,
    until: Option<Instant>,
) -> Result<Reply, ModelError> {
    let answer = model.exchange(prompt, until).await;
    let error = |failure| {
        let connection = model.connection();
        connection.error(Phase::Submit, &failure, Some(prompt))
    };
    answer.map(Reply::Done).map_err(error)
}

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) http: Http,
    pub(crate) endpoint: Endpoint,
    pub(crate) settings: RemoteSettings,
    /// Every value of the key so far. The last one is sent. Earlier ones may still be quoted in replies to requests that
    /// were sent before the rotation.
    secrets: RwLock<Vec<Secret>>,
    /// Signs requests to a service of AWS that are sent without a key.
    signer: Option<Signer>,
    pulse: Pulse,
    /// When the key was last renewed, and whether it had changed.
    renewed: Mutex<Option<(Instant, bool)>>,
}

impl Connection {
    /// Creates a connection. `secret` is the key as fetched, `names` the variables of the settings. Sends nothing yet.
    pub(crate) fn new(
        http: Http,
        settings: RemoteSettings,
        secret: Option<Secret>,
        names: SettingNames,
    ) -> Self {
        Self {
            http,
            endpoint: Endpoint::new(&settings.endpoint, names),
            settings,
            secrets: RwLock::new(secret.into_iter().collect()),
            signer: None,
            pulse: Pulse::default(),
            renewed: Mutex::default(),
        }
    }

    /// The same connection with requests signed by `signer`.
    pub(crate) fn signed_by(mut self, signer: Signer) -> Self {
        self.signer = Some(signer);
        self
    }

    /// Connects to the endpoint in the background.
    pub(crate) fn warm_up(&self) {
        self.http.warm_up(&self.settings.endpoint);
    }

    /// The JSON at a URL of the endpoint: null if there is none, `None` if the endpoint is not to be asked further.
    pub(crate) async fn get(&self, url: &Url) -> Option<Value> {
        let request = self.request(Method::GET, url).ok()?;
        let body = match http::send(request, FACTS, &self.pulse).await {
            Ok(reply) => reply.body().await.ok()?,
            Err(Failure::Refused {
                status: 404 | 405, ..
            }) => return Some(Value::Null),
            Err(_) => return None,
        };
        Some(serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Creates a request with the current key. Its `Authorization` header is marked so that it is not logged.
    pub(crate) fn request(&self, method: Method, url: &Url) -> Result<RequestBuilder, Failure> {
        let client = self.http.client();
        let client = client.map_err(|error| Cause::Unsendable.seen(causes(&error)))?;
        let request = client.request(method, url.clone());
        Ok(match self.secrets().last() {
            Some(secret) => request.bearer_auth(secret.expose()),
            None => request,
        })
    }

    /// Creates a POST request with a JSON body that is signed or carries the current key.
    pub(crate) async fn post(
        &self,
        url: &Url,
        headers: &[(&'static str, &str)],
        body: Vec<u8>,
    ) -> Result<RequestBuilder, Failure> {
        let headers = [&[(CONTENT_TYPE.as_str(), "application/json")], headers].concat();
        let mut request = self.request(Method::POST, url)?;
        if let Some(signer) = &self.signer {
            let signed = signer.sign("POST", url.as_str(), &headers, &body).await;
            let signed = signed.map_err(|error| match &error {
                // Which of the SDK's features are missing is of no use to anybody who runs the program.
                SignError::NoCredentials(_) => Cause::NoCredentials.seen(error.to_string()),
                SignError::NotReached(_) => Cause::Unreachable.seen(chain(&error)),
                SignError::Unsignable(_) => Cause::Unsendable.seen(chain(&error)),
            })?;
            for (name, value) in signed {
                let value = HeaderValue::try_from(value);
                let mut value = value.map_err(|error| Cause::Unsendable.seen(chain(&error)))?;
                value.set_sensitive(true);
                request = request.header(name, value);
            }
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        Ok(request.body(body))
    }

    /// Sends a request whose answer the endpoint works on until it is complete. It counts as silent if none of the calls of this
    /// connection hears from it.
    pub(crate) async fn send(
        &self,
        request: RequestBuilder,
        timeouts: Timeouts,
    ) -> Result<Incoming, Failure> {
        http::send(request, timeouts, &self.pulse).await
    }

    /// Builds the error for a failure. The key and the texts of `prompt` are removed from what the endpoint said.
    pub(crate) fn error(
        &self,
        phase: Phase,
        failure: &Failure,
        prompt: Option<&Prompt>,
    ) -> ModelError {
        let messages = prompt.map(Prompt::messages).into_iter();
        let sent: Vec<&str> = messages
            .flat_map(|sent| [sent.system.as_str(), sent.user.as_str()])
            .collect();
        let link = prompt.and_then(Prompt::linked);
        self.error_of(
            phase,
            failure,
            &sent,
            link.map(|linked| linked.link.expose()),
        )
    }

    /// The same with the texts and the link that were sent.
    pub(crate) fn error_of(
        &self,
        phase: Phase,
        failure: &Failure,
        sent: &[&str],
        link: Option<&str>,
    ) -> ModelError {
        let mut secrets = self.secrets().clone();
        if let Some(signer) = &self.signer {
            secrets.extend(signer.secrets());
        }
        // What signs a link makes it a key.
        let query = link.and_then(|link| link.split_once('?'));
        secrets.extend(query.map(|(_, query)| Secret::new(query)));
        self.endpoint.error(phase, failure, &secrets, sent)
    }

    /// A text of the endpoint as it is shown: on one line, shortened, without the key and the queries of links, which authorize.
    pub(crate) fn shown(&self, said: &str) -> String {
        let words = said
            .split_whitespace()
            .map(|word| match word.split_once('?') {
                Some((link, _)) if link.contains("://") => link,
                _ => word,
            });
        let said = words.collect::<Vec<_>>().join(" ");
        redact::shorten(&redact::without_secrets(&said, &self.secrets()))
    }

    /// Fetches the key again and returns whether it has changed. Concurrent callers wait for the first one and share its
    /// result.
    pub(crate) async fn renew_key(&self) -> bool {
        if let Some(signer) = &self.signer {
            return signer.renew().await;
        }
        let Some(key @ Key::Kept { .. }) = &self.settings.key else {
            return false;
        };
        let mut renewed = self.renewed.lock().await;
        if let Some((at, changed)) = *renewed
            && at.elapsed() < RENEW_EVERY
        {
            return changed;
        }
        let changed = match key.fetch(&self.http).await {
            Ok(secret) => {
                let mut secrets = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
                let changed = secrets.last() != Some(&secret);
                if changed {
                    secrets.push(secret);
                }
                changed
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), "could not read the key again");
                false
            }
        };
        if changed {
            tracing::info!("the key has been rotated");
        }
        *renewed = Some((Instant::now(), changed));
        changed
    }

    fn secrets(&self) -> RwLockReadGuard<'_, Vec<Secret>> {
        self.secrets.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::builtin::CAPABILITIES;

    #[test]
    fn errors_show_neither_the_current_key_nor_an_earlier_one() {
        let names = SettingNames {
            token: "KEY",
            model: "MODEL",
            url: "URL",
        };
        let settings = RemoteSettings {
            key: None,
            endpoint: Url::parse("https://host").unwrap(),
            parameters: serde_json::Map::new(),
            capabilities: CAPABILITIES.clone(),
        };
        let first = Some(Secret::new("rp_FirstKey1"));
        let connection = Connection::new(Http::default(), settings, first, names);
        let second = Secret::new("rp_SecondKey2");
        connection.secrets.write().unwrap().push(second);
        let failure = Cause::Token.seen("rp_FirstKey1 is not rp_SecondKey2");
        let message = connection.error(Phase::Submit, &failure, None).message;
        assert!(message.contains("[secret] is not [secret]"), "{message}");
    }
}
