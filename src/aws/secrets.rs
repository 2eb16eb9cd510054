//! Reads API keys stored in AWS Secrets Manager.

use aws_config::SdkConfig;
use serde_json::{Map, Value, json};

use crate::aws::sdk::sdk_config;
use crate::aws::service::Service;
use crate::aws::signed::{Operation, SignedError, SignedRequest};
use crate::http::{Http, HttpError};
use crate::secret::Secret;

const SERVICE: Service = Service {
    name: "secretsmanager",
    host: "secretsmanager{fips}",
    endpoint_variable: "AWS_ENDPOINT_URL_SECRETS_MANAGER",
};

/// A secret that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("could not read the secret {arn}")]
pub struct SecretError {
    arn: String,
    source: Cause,
}

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("its ARN names no region")]
    NoRegion,
    #[error("{advice}")]
    Request {
        advice: &'static str,
        source: SignedError,
    },
    #[error("it is empty: store the key in it")]
    Empty,
    #[error(
        "its text is neither a key nor JSON: store the key alone, without quotes or a name, or as {{\"{0}\": \"…\"}}"
    )]
    NoText(String),
    #[error("it is binary: store the key as text")]
    Binary,
    #[error("it is JSON without a text under {0:?}: add that, or store the key as plain text")]
    NoKey(String),
}

/// Reads the secret `arn` over `http`. Its value is the key itself, or a JSON object with the key in the field `variable`.
///
/// # Errors
/// If the secret cannot be read, or its value is neither.
pub async fn fetch(http: &Http, arn: &str, variable: &str) -> Result<Secret, SecretError> {
    let read = async {
        let config = sdk_config(http).await?;
        read(&config, SERVICE.endpoint(), http, arn, variable).await
    };
    read.await.map_err(|source| SecretError {
        arn: arn.to_owned(),
        source,
    })
}

/// Reads the secret from `endpoint`, `config`'s endpoint, or AWS in the ARN's region.
async fn read(
    config: &SdkConfig,
    endpoint: Option<String>,
    http: &Http,
    arn: &str,
    variable: &str,
) -> Result<Secret, Cause> {
    // arn:aws:secretsmanager:eu-central-1:123456789012:secret:name
    let region = arn.split(':').nth(3).filter(|region| !region.is_empty());
    let region = region
        .or(config.region().map(AsRef::as_ref))
        .ok_or(Cause::NoRegion)?;
    let url = SERVICE.url(config, endpoint, region);
    let request = SignedRequest {
        service: SERVICE.name,
        url: &url,
        region,
        operation: Operation::Target("secretsmanager.GetSecretValue"),
        body: json!({ "SecretId": arn }).to_string(),
    };
    let answer = request.send(config, http).await;
    let answer = answer.map_err(|source| Cause::Request {
        advice: advice(&source),
        source,
    })?;
    let value = answer.get("SecretString").and_then(Value::as_str);
    let value = value.ok_or(Cause::Binary)?;
    key_in(value, variable)
}

/// What to do about a request that failed.
fn advice(error: &SignedError) -> &'static str {
    let code = match error {
        SignedError::Refused { code, .. } => code.as_str(),
        _ => "",
    };
    match code {
        "ResourceNotFoundException" => "there is no such secret: check its ARN",
        "DecryptionFailure" => "the function's role needs kms:Decrypt on its key",
        "InvalidRequestException" => "it cannot be read now: if it is being deleted, restore it",
        _ if error.passes() => "the request failed; the next invocation tries again",
        _ => "the request failed; the function's role needs secretsmanager:GetSecretValue on it",
    }
}

/// Extracts the key from the value of a secret.
fn key_in(value: &str, variable: &str) -> Result<Secret, Cause> {
    let fields = serde_json::from_str::<Map<String, Value>>(value);
    let key = match &fields {
        Ok(fields) => {
            let key = fields.get(variable).and_then(Value::as_str);
            key.ok_or_else(|| Cause::NoKey(variable.to_owned()))?
        }
        Err(_) => value,
    };
    let key = key.trim();
    let is_of_keys = |c: char| c.is_ascii_graphic() && !"{}[]\"'`,<>".contains(c);
    let has_name = key
        .split_once('=')
        .is_some_and(|(name, _)| name == variable);
    match key {
        "" => Err(Cause::Empty),
        key if has_name || !key.chars().all(is_of_keys) => Err(Cause::NoText(variable.to_owned())),
        key => Ok(Secret::new(key.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use aws_config::retry::RetryConfig;
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::chain::chain;

    const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:model-AbCdEf";

    /// Serves `answers` in turn, repeating the last one, and records the requests.
    async fn server(answers: Vec<(u16, &'static str)>) -> (String, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                // The ARN is in the body, which arrives last.
                while !String::from_utf8_lossy(&request).contains(ARN) {
                    stream.read_buf(&mut request).await.unwrap();
                }
                let served = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(String::from_utf8(request).unwrap());
                    seen.len()
                };
                let (status, body) = answers[served.min(answers.len()) - 1];
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} Status\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        (url, requests)
    }

    async fn read_from(url: &str) -> Result<Secret, Cause> {
        let credentials = Credentials::new(
            "AKIDEXAMPLE",
            "secret",
            Some("session".into()),
            None,
            "test",
        );
        let config = SdkConfig::builder()
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
            .build();
        read(
            &config,
            Some(url.to_owned()),
            &Http::default(),
            ARN,
            "HF_API_TOKEN",
        )
        .await
    }

    #[tokio::test]
    async fn a_secret_is_read_with_one_signed_request() {
        let (url, requests) = server(vec![(200, r#"{"SecretString": "hf_abc"}"#)]).await;
        let secret = read_from(&url).await.unwrap();
        assert_eq!(secret.expose(), "hf_abc");
        let requests = requests.lock().unwrap();
        let [request] = requests.as_slice() else {
            panic!("{requests:?}");
        };
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert_eq!(body, format!(r#"{{"SecretId":"{ARN}"}}"#));
        let header = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            lines.find_map(|(found, value)| found.eq_ignore_ascii_case(name).then_some(value))
        };
        assert!(head.starts_with("POST / HTTP/1.1\r\n"), "{head}");
        assert_eq!(
            header("x-amz-target"),
            Some("secretsmanager.GetSecretValue")
        );
        assert_eq!(header("content-type"), Some("application/x-amz-json-1.1"));
        assert_eq!(header("x-amz-security-token"), Some("session"));
        let date = header("x-amz-date").unwrap();
        let day = &date[..8];
        let signature = header("authorization")
            .unwrap()
            .rsplit_once("Signature=")
            .unwrap();
        assert_eq!(
            signature.0,
            format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{day}/eu-central-1/secretsmanager/aws4_request, \
                 SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, "
            )
        );
        assert!(
            signature.1.len() == 64 && signature.1.bytes().all(|byte| byte.is_ascii_hexdigit())
        );
    }

    #[tokio::test]
    async fn a_refusal_keeps_the_message_of_aws_and_is_not_retried() {
        let refusal = r#"{"__type": "com.amazonaws#AccessDeniedException", "Message": "User is not authorized"}"#;
        let (url, requests) = server(vec![(400, refusal)]).await;
        let reason = chain(&read_from(&url).await.unwrap_err());
        for words in [
            "400 AccessDeniedException",
            "User is not authorized",
            "secretsmanager:GetSecretValue",
        ] {
            assert!(reason.contains(words), "{reason}");
        }
        assert_eq!(requests.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn what_has_to_be_done_depends_on_the_refusal() {
        for (code, words) in [
            ("ResourceNotFoundException", "no such secret"),
            ("DecryptionFailure", "kms:Decrypt"),
            ("InvalidRequestException", "restore it"),
        ] {
            let refusal = format!(r#"{{"__type": "{code}", "Message": "No."}}"#);
            let (url, _) = server(vec![(400, refusal.leak())]).await;
            let reason = chain(&read_from(&url).await.unwrap_err());
            assert!(reason.contains(words), "{reason}");
            assert!(!reason.contains("GetSecretValue"), "{reason}");
        }
    }

    #[tokio::test]
    async fn a_busy_service_gets_three_attempts() {
        let throttled = r#"{"__type": "ThrottlingException", "message": "Rate exceeded"}"#;
        let answers = vec![
            (400, throttled),
            (503, "<html>"),
            (200, r#"{"SecretString": "hf_abc"}"#),
        ];
        let (url, requests) = server(answers).await;
        assert_eq!(read_from(&url).await.unwrap().expose(), "hf_abc");
        assert_eq!(requests.lock().unwrap().len(), 3);

        let (url, requests) = server(vec![(503, "<html>")]).await;
        let reason = chain(&read_from(&url).await.unwrap_err());
        assert!(reason.contains("503"), "{reason}");
        assert_eq!(requests.lock().unwrap().len(), 3);
    }

    #[tokio::test]
    async fn a_secret_without_a_key_says_what_to_store() {
        for (value, words) in [
            (r#"{"SecretBinary": "aGY="}"#, "store the key as text"),
            (r#"{"SecretString": ""}"#, "it is empty"),
            (r#"{"SecretString": "\"hf\""}"#, "without quotes"),
            (
                r#"{"SecretString": "{\"token\": \"hf\"}"}"#,
                "under \"HF_API_TOKEN\"",
            ),
        ] {
            let (url, _) = server(vec![(200, value)]).await;
            let reason = chain(&read_from(&url).await.unwrap_err());
            assert!(reason.contains(words), "{reason}");
        }
    }

    #[tokio::test]
    async fn without_credentials_nothing_is_sent() {
        let (url, requests) = server(vec![(200, "{}")]).await;
        let config = SdkConfig::builder().build();
        let read = read(&config, Some(url), &Http::default(), ARN, "HF_API_TOKEN").await;
        let reason = chain(&read.unwrap_err());
        assert!(reason.contains("AWS credentials"), "{reason}");
        assert!(requests.lock().unwrap().is_empty());
    }

    #[test]
    fn a_secret_is_plain_text_or_a_member_of_json() {
        let key = |value| {
            let key = key_in(value, "HF_API_TOKEN").ok();
            key.map(|secret| secret.expose().to_owned())
        };
        assert_eq!(key("hf_abc\n").as_deref(), Some("hf_abc"));
        assert_eq!(
            key(r#"{"HF_API_TOKEN": "hf_abc", "other": 1}"#).as_deref(),
            Some("hf_abc")
        );
        assert_eq!(key(r#"{"token": "hf_abc"}"#), None);
        assert_eq!(key("abc/+=").as_deref(), Some("abc/+="));
        // Nothing else is sent to a server as a key.
        for other in [
            "  ",
            r#"{"HF_API_TOKEN": "hf_abc""#,
            r#"["hf_abc"]"#,
            r#""hf_abc""#,
            "HF_API_TOKEN=hf_abc",
            "hf_abc hf_def",
            "hf_äbc",
        ] {
            assert_eq!(key(other), None, "{other}");
        }
    }
}
