//! The HTTP API behind a Function URL.
//!
//! Transcripts and results do not pass through the function: it hands out links into the bucket that are signed in advance. The state
//! of a transcript is read from the objects, so the function keeps nothing and calls no model. It tells only of the folder that its
//! uploads go to, and its role may read no other.
//!
//! Where the URL is open, every request needs the token that is kept in Secrets Manager. It is read again after a minute, so that it
//! can be changed, and compared by its hash in constant time.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::aws::sdk::sdk_config;
use crate::aws::secrets;
use crate::chain::chain;
use crate::http::{Http, HttpError};
use crate::http_api::library::{Detail, Library, Links};
use crate::http_api::upload::{Instruction, Upload, taken};
use crate::http_api::{Answer, DESCRIPTION, Head, MAX_JSON_BYTES, Problem, Work, route};
use crate::job::Config;
use crate::job::api::{API_TOKEN, Api as Settings};
use crate::store::{LINK_LASTS, Presigner, S3Store, SendLink, found};
use crate::transcriber::is_recording;
use crate::trigger::{HttpRequest, InvocationError};

/// The paths that are answered here.
const PATHS: [&str; 4] = [
    "/openapi.json",
    "/v1/settings",
    "/v1/summaries",
    "/v1/uploads",
];

/// How long a token is kept before it is read again.
const KEEP_TOKEN: Duration = Duration::from_secs(60);

/// Fewer characters could be guessed.
const MIN_TOKEN: usize = 16;

/// The HTTP API.
#[derive(Debug)]
pub struct Api {
    library: Library,
    presigner: Arc<Presigner>,
    /// The folder of uploads.
    prefix: String,
    /// What callers have to send; `None` if IAM has let them in.
    token: Option<Token>,
}

impl Api {
    /// Connects to S3. Reads nothing.
    ///
    /// # Errors
    /// If TLS cannot be set up.
    pub async fn connect(
        config: Config,
        settings: Settings,
        http: &Http,
    ) -> Result<Self, HttpError> {
        let aws = sdk_config(http).await?;
        let token = settings.token_arn.map(|arn| Token {
            arn,
            http: http.clone(),
            kept: Mutex::default(),
        });
        let (store, presigner) = (S3Store::from_config(&aws), Presigner::from_config(&aws));
        Ok(Self {
            token,
            ..Self::new(config, settings.bucket, store, presigner)
        })
    }

    /// The API over a bucket of `store`, for callers whom IAM has let in.
    #[must_use]
    pub fn new(config: Config, bucket: String, store: S3Store, presigner: Presigner) -> Self {
        let presigner = Arc::new(presigner);
        Self {
            prefix: config.api_prefix.clone().unwrap_or_default(),
            library: Library {
                store: Arc::new(store),
                bucket,
                config: Arc::new(config),
                links: Links::Signed(Arc::clone(&presigner)),
            },
            presigner,
            token: None,
        }
    }

    /// Answers a request to the Function URL.
    ///
    /// # Errors
    /// If the payload is no request.
    pub async fn answer(&self, payload: &Value) -> Result<Value, InvocationError> {
        let request = HttpRequest::read(payload)
            .inspect_err(|error| tracing::error!(%error, "payload refused"))?;
        let answer = self.work(&request).await.unwrap_or_else(Problem::answer);
        let (status, method, path) = (answer.status, request.method, request.path);
        tracing::info!(status, method, path, "request");
        let mut headers = BTreeMap::new();
        headers.extend([
            ("content-type", answer.content_type.to_owned()),
            ("cache-control", "no-store".to_owned()),
            ("x-content-type-options", "nosniff".to_owned()),
        ]);
        headers.extend(answer.headers);
        if status == 401 {
            headers.insert("www-authenticate", "Bearer".to_owned());
        }
        Ok(request.answer(status, &headers, &answer.body))
    }

    async fn work(&self, request: &HttpRequest<'_>) -> Result<Answer, Problem> {
        if let Some(token) = &self.token {
            token.check(request.header("authorization")).await?;
        }
        let work = route(&Head {
            method: request.method,
            path: request.path,
            query: request.query,
            header: &|name| request.header(name),
        })?;
        match work {
            Work::Describe => Ok(self.description(request.host)),
            Work::Settings => Ok(self.settings()),
            Work::Order => self.order(&request.body()).await,
            Work::Look { key } if key.starts_with(&self.prefix) => {
                let status = self.library.status(&key, Detail::Full).await?;
                let status = status.ok_or_else(|| Problem::no_transcript(&key))?;
                Ok(Answer::json(200, &status))
            }
            Work::Look { key } => {
                let error = format!("this API knows nothing of {key:?}");
                let next = format!(
                    "ask for a key in {}, as POST /v1/uploads answers it",
                    self.prefix
                );
                Err(Problem::new(404, error, next))
            }
            Work::List { .. } => {
                let next = "name the transcript: GET /v1/summaries?key=, with the key that POST /v1/uploads answered";
                Err(Problem::new(400, "transcripts are not listed here", next))
            }
            Work::Store(_) | Work::Begin { .. } | Work::Read { .. } | Work::Watch => {
                let next = "use the links that POST /v1/uploads and GET /v1/summaries?key= answer; GET /openapi.json describes the rest";
                Err(Problem::new(
                    404,
                    "only `transcript-summarizer serve` does this",
                    next,
                ))
            }
        }
    }

    /// The description of what is answered here.
    fn description(&self, host: &str) -> Answer {
        let scheme = match &self.token {
            Some(_) => "bearer",
            None => "AWS4-HMAC-SHA256",
        };
        let mut described: Value = serde_json::from_str(DESCRIPTION).unwrap_or_default();
        let mut set = |place: &str, name: &str, value: Value| {
            if let Some(Value::Object(members)) = described.pointer_mut(place) {
                members.insert(name.to_owned(), value);
            }
        };
        set("", "servers", json!([{"url": format!("https://{host}")}]));
        set("", "security", json!([{"caller": []}]));
        let schemes = json!({"caller": {"type": "http", "scheme": scheme}});
        set("/components", "securitySchemes", schemes);
        if let Some(Value::Object(paths)) = described.pointer_mut("/paths") {
            paths.retain(|path, _| PATHS.contains(&path.as_str()));
        }
        if let Some(Value::Object(methods)) = described.pointer_mut("/paths/~1v1~1summaries") {
            methods.remove("post");
        }
        Answer::json(200, &described)
    }

    fn settings(&self) -> Answer {
        let config = &self.library.config;
        let settings = json!({
            "words": config.summary_words.0,
            "max_bytes": config.max_input_bytes,
            "endings": config.filter.suffixes,
            "place": self.library.at(&self.prefix).to_string(),
        });
        Answer::json(200, &settings)
    }

    /// Hands out a link for an upload.
    async fn order(&self, body: &[u8]) -> Result<Answer, Problem> {
        if body.len() as u64 > MAX_JSON_BYTES {
            let error = format!("the body has more than {MAX_JSON_BYTES} bytes");
            return Err(Problem::new(413, error, "send less"));
        }
        let config = &self.library.config;
        let mut upload = Upload::ordered(body)?;
        upload.name.insert_str(0, &self.prefix);
        let Upload {
            name: key, bytes, ..
        } = &upload;
        let most = match &config.recordings {
            Some(recordings) if is_recording(key) => recordings.settings.max_bytes(),
            _ => config.max_input_bytes,
        };
        upload.check(config, most)?;
        let suffixes = &config.filter.suffixes;
        if !suffixes.iter().any(|ending| key.ends_with(ending)) {
            let error =
                format!("{key:?} would wait for ever: S3 tells capitals from small letters");
            let next = format!("use one of the endings {} as they are", suffixes.join(", "));
            return Err(Problem::new(400, error, next));
        }
        let at = self.library.at(key);
        if found(self.library.store.head(&at).await)?.is_some() {
            return Err(taken(key));
        }
        let metadata = &upload.metadata;
        let link = self
            .presigner
            .send(&at, *bytes, metadata, SystemTime::now());
        let SendLink { url, headers } = link.await?;
        let instruction = Instruction {
            key: key.clone(),
            method: "PUT",
            url,
            headers: headers.into_iter().collect(),
            expires_in: Some(LINK_LASTS.as_secs()),
        };
        Ok(Answer::json(201, &instruction))
    }
}

/// The token of callers.
#[derive(Debug)]
struct Token {
    arn: String,
    http: Http,
    /// Its hash, and when it was read.
    kept: Mutex<Option<(Instant, Vec<u8>)>>,
}

impl Token {
    /// Refuses a caller without the token.
    async fn check(&self, authorization: Option<&str>) -> Result<(), Problem> {
        let refused = |error: &str| {
            let next = "send Authorization: Bearer and the token of this API";
            Problem::new(401, error, next)
        };
        let given = bearer(authorization).ok_or_else(|| refused("there is no token"))?;
        let mut kept = self.kept.lock().await;
        let is_fresh = |(read, _): &&(Instant, Vec<u8>)| read.elapsed() < KEEP_TOKEN;
        let hash = match kept.as_ref().filter(is_fresh) {
            Some((_, hash)) => hash.clone(),
            None => {
                let hash = self.read().await?;
                kept.insert((Instant::now(), hash)).1.clone()
            }
        };
        match are_equal(&Sha256::digest(given), &hash) {
            true => Ok(()),
            false => Err(refused("the token is wrong")),
        }
    }

    /// Reads the token and returns its hash.
    async fn read(&self) -> Result<Vec<u8>, Problem> {
        let unusable = |reason: String| {
            tracing::error!(error = reason, "the token of the API cannot be used");
            let next = "ask who runs it: the log of its function says why";
            Problem::new(500, "the token of this API cannot be read", next)
        };
        let secret = secrets::fetch(&self.http, &self.arn, API_TOKEN).await;
        let secret = secret.map_err(|error| unusable(chain(&error)))?;
        match secret.expose().len() >= MIN_TOKEN {
            true => Ok(Sha256::digest(secret.expose()).to_vec()),
            false => Err(unusable(format!(
                "{} holds fewer than {MIN_TOKEN} characters",
                self.arn
            ))),
        }
    }
}

/// The token in an `Authorization` header.
fn bearer(authorization: Option<&str>) -> Option<&str> {
    let (scheme, token) = authorization?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// Compares in a time that does not depend on where they differ.
fn are_equal(one: &[u8], other: &[u8]) -> bool {
    let pairs = one.iter().zip(other);
    let differences = pairs.fold(0, |seen, (one, other)| black_box(seen | (one ^ other)));
    one.len() == other.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_hash_is_equal() {
        let hash = |token: &str| Sha256::digest(token).to_vec();
        assert!(are_equal(&hash("a token"), &hash("a token")));
        for other in ["", "a toke", "b token", "a token "] {
            assert!(!are_equal(&hash("a token"), &hash(other)), "{other}");
        }
        assert!(!are_equal(&hash("a token"), &hash("a token")[..31]));
    }

    #[tokio::test]
    async fn a_caller_without_the_token_is_refused() {
        let token = Token {
            arn: String::new(),
            http: Http::default(),
            kept: Mutex::new(Some((
                Instant::now(),
                Sha256::digest("right-token-1234").to_vec(),
            ))),
        };
        for (header, expected) in [
            (Some("Bearer right-token-1234"), None),
            (Some("bearer  right-token-1234"), None),
            (Some("Bearer wrong-token-1234"), Some(401)),
            (Some("Bearer "), Some(401)),
            (Some("right-token-1234"), Some(401)),
            (Some("Basic right-token-1234"), Some(401)),
            (None, Some(401)),
        ] {
            let refused = token.check(header).await.err();
            assert_eq!(
                refused.map(|problem| problem.status),
                expected,
                "{header:?}"
            );
        }
    }
}
