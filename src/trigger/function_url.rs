//! Requests to a Function URL, in version 2.0 of API Gateway's payload, and the responses to them.
//!
//! Only what is used is parsed. Paths may be decoded before they arrive here, so keys are taken from the query alone, which is not.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::trigger::EventError;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRequest {
    /// The path.
    #[serde(rename = "rawPath")]
    pub path: String,
    /// The query, still encoded.
    #[serde(rename = "rawQueryString", default)]
    pub query: String,
    /// The headers, with their names in lower case.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    request_context: Context,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    domain_name: String,
    http: Http,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Http {
    method: String,
}

impl HttpRequest {
    /// Parses a payload.
    ///
    /// # Errors
    /// If it is no request.
    pub fn read(payload: &Value) -> Result<Self, EventError> {
        Self::deserialize(payload).map_err(|error| EventError::NotHttp {
            reason: error.to_string(),
        })
    }

    /// The method in capitals.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.request_context.http.method
    }

    /// The host name of the Function URL.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.request_context.domain_name
    }

    /// The value of a header, whose name is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The body; empty if there is none, or none that can be decoded.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let body = self.body.as_deref().unwrap_or_default();
        match self.is_base64_encoded {
            true => STANDARD.decode(body).unwrap_or_default(),
            false => body.as_bytes().to_vec(),
        }
    }

    /// The response to this request.
    #[must_use]
    pub fn answer(&self, status: u16, headers: &BTreeMap<&str, String>, body: &[u8]) -> Value {
        let body = match self.method() {
            "HEAD" => "".into(),
            _ => String::from_utf8_lossy(body),
        };
        json!({"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": false})
    }
}
