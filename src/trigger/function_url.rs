//! Requests to a Function URL, in version 2.0 of API Gateway's payload, and the responses to them.
//!
//! Only what is used is parsed. Paths may be decoded before they arrive here, so keys are taken from the query alone, which is not.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::trigger::{EventError, required, text};

const SOURCE: &str = "a Function URL, and with API set the function answers nothing else";

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest<'p> {
    payload: &'p Value,
    /// The method in capitals.
    pub method: &'p str,
    /// The host name of the Function URL.
    pub host: &'p str,
    /// The path.
    pub path: &'p str,
    /// The query, still encoded.
    pub query: &'p str,
}

impl<'p> HttpRequest<'p> {
    /// Parses a payload.
    ///
    /// # Errors
    /// If it is no request.
    pub fn read(payload: &'p Value) -> Result<Self, EventError> {
        Ok(Self {
            payload,
            method: required(payload, "/requestContext/http/method", SOURCE)?,
            host: required(payload, "/requestContext/domainName", SOURCE)?,
            path: required(payload, "/rawPath", SOURCE)?,
            query: text(payload, "rawQueryString").unwrap_or_default(),
        })
    }

    /// The value of a header, whose name is given in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'p str> {
        text(self.payload.get("headers")?, name)
    }

    /// The body; empty if there is none, or none that can be decoded.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let body = text(self.payload, "body").unwrap_or_default();
        match self.payload.get("isBase64Encoded") {
            Some(Value::Bool(true)) => STANDARD.decode(body).unwrap_or_default(),
            _ => body.as_bytes().to_vec(),
        }
    }

    /// The response to this request.
    #[must_use]
    pub fn answer(&self, status: u16, headers: &BTreeMap<&str, String>, body: &[u8]) -> Value {
        let body = match self.method {
            "HEAD" => "".into(),
            _ => String::from_utf8_lossy(body),
        };
        json!({"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": false})
    }
}
