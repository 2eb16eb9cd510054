//! What services of AWS have in common: signed requests, errors with names, and event streams.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use serde_json::{Value, json};
use transcript_summarizer::aws::signer::Signer;

use super::behaviour::Behaviour;
use super::chat_server::ChatRequest;

pub(crate) const REGION: &str = "eu-central-1";
pub(crate) const KEY_ID: &str = "AKIDEXAMPLE";
pub(crate) const SECRET: &str = "wJalrXUtnFEMI-AbCdEfGh";
pub(crate) const SESSION: &str = "FwoGZXIvYXdzE-AbCdEfGh";

fn credentials(secret: &str) -> Credentials {
    Credentials::new(KEY_ID, secret, Some(SESSION.to_owned()), None, "test")
}

/// A signer with the credentials that the services know, or with another secret.
pub(crate) fn signer(service: &'static str, secret: &str) -> Signer {
    let provider = SharedCredentialsProvider::new(credentials(secret));
    Signer::new(Some(provider), service, REGION)
}

/// Why a service refuses the signature of a request, if it does: it signs what it has received, and compares.
pub(crate) fn refuse(request: &ChatRequest, service: &str) -> Option<Behaviour> {
    let stated = request.header("authorization").unwrap_or_default();
    let Some((_, names)) = stated.split_once("SignedHeaders=") else {
        let refusal = error(403, "MissingAuthenticationTokenException", "Missing token");
        return Some(refusal);
    };
    let own = ["host", "x-amz-date", "x-amz-security-token"];
    let headers = names.split(',').next().unwrap().split(';');
    let headers = headers.filter(|name| !own.contains(name));
    let headers: Vec<_> = headers
        .map(|name| (name, request.header(name).unwrap()))
        .collect();
    assert!(headers.iter().any(|(name, _)| *name == "content-type"));
    let identity = credentials(SECRET).into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name(service)
        .time(time(request.header("x-amz-date").unwrap()))
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let url = format!("http://{}{}", request.header("host").unwrap(), request.path);
    let body = SignableBody::Bytes(&request.raw);
    let signable = SignableRequest::new("POST", url, headers.into_iter(), body).unwrap();
    let signed = sign(signable, &params).unwrap();
    let mut headers = signed.output().headers();
    let (_, expected) = headers.find(|(name, _)| *name == "authorization").unwrap();
    // A refusal of AWS quotes the request that was signed.
    let quoted = format!("The request signature we calculated does not match. {SESSION}");
    (stated != expected || request.header("x-amz-security-token") != Some(SESSION))
        .then(|| error(403, "InvalidSignatureException", &quoted))
}

/// The moment of `20261128T074500Z`.
fn time(date: &str) -> SystemTime {
    let part = |from: usize, to: usize| date.get(from..to).unwrap();
    let (day, time) = (
        format!("{}-{}-{}", part(0, 4), part(4, 6), part(6, 8)),
        format!("{}:{}:{}", part(9, 11), part(11, 13), part(13, 15)),
    );
    let time = DateTime::from_str(&format!("{day}T{time}Z"), Format::DateTime).unwrap();
    time.try_into().unwrap()
}

/// An error as REST services answer it.
pub(crate) fn error(status: u16, name: &str, message: &str) -> Behaviour {
    let headers = vec![(
        "x-amzn-errortype",
        format!("{name}:http://internal.amazon.com/coral/com.amazon.bedrock/"),
    )];
    Behaviour::Status(status, headers, json!({ "message": message }).to_string())
}

fn frame(headers: &[(&'static str, &str)], payload: Bytes) -> Bytes {
    let message = headers
        .iter()
        .fold(Message::new(payload), |message, (name, value)| {
            let value = HeaderValue::String((*value).to_owned().into());
            message.add_header(Header::new(*name, value))
        });
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).unwrap();
    bytes.into()
}

/// A frame with an event.
pub(crate) fn event(name: &str, payload: impl Into<Bytes>) -> Bytes {
    let headers = [
        (":event-type", name),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ];
    frame(&headers, payload.into())
}

/// A frame with an exception.
pub(crate) fn exception(name: &str, payload: &Value) -> Bytes {
    let headers = [
        (":exception-type", name),
        (":content-type", "application/json"),
        (":message-type", "exception"),
    ];
    frame(&headers, payload.to_string().into())
}
