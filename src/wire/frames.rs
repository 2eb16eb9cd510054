//! Decodes the event streams of AWS (`application/vnd.amazon.eventstream`) from bytes that are split anywhere.
//!
//! A frame has a length, headers, a payload and two checksums. The header `:message-type` tells events from exceptions,
//! which end the stream although its status is 200.

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::event_stream::{HeaderValue, Message};
use bytes::{Bytes, BytesMut};
use serde_json::Value;

use crate::wire::error_text::ErrorText;
use crate::wire::failure::{Cause, Failure};

/// An event: the name of its type, and its payload.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) payload: Bytes,
}

/// Decodes frames.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    buffer: BytesMut,
    frames: MessageFrameDecoder,
}

impl Decoder {
    /// Takes the next bytes and returns the next complete event. Call again without bytes until there is none.
    ///
    /// # Errors
    /// If the frame is an exception, or damaged.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Option<Event>, Failure> {
        self.buffer.extend_from_slice(bytes);
        match self.frames.decode_frame(&mut self.buffer) {
            Ok(DecodedFrame::Complete(message)) => event(&message).map(Some),
            Ok(DecodedFrame::Incomplete) => Ok(None),
            Err(error) => Err(Cause::Garbled.seen(format!("a damaged event: {error}"))),
        }
    }
}

/// Whether a body that starts with these bytes is an event stream: the length of a frame has three bytes at most.
pub(crate) fn is_stream(head: &[u8]) -> bool {
    head.first() == Some(&0)
}

fn event(message: &Message) -> Result<Event, Failure> {
    let header = |name: &str| {
        let mut headers = message.headers().iter();
        let header = headers.find(|header| header.name().as_str() == name)?;
        match header.value() {
            HeaderValue::String(value) => Some(value.as_str().to_owned()),
            _ => None,
        }
    };
    let payload = message.payload();
    match header(":message-type").as_deref() {
        Some("exception") => {
            let body: Value = serde_json::from_slice(payload).unwrap_or_default();
            let mut said = ErrorText::from_text(&String::from_utf8_lossy(payload));
            let original = ["originalStatusCode", "OriginalStatusCode", "ErrorCode"]
                .iter()
                .find_map(|name| body.get(*name));
            said.code = original.map(|code| match code {
                Value::String(code) => code.clone(),
                code => code.to_string(),
            });
            let name = header(":exception-type").unwrap_or_default();
            Err(Failure::Exception(name, said))
        }
        Some("error") => {
            let said = ErrorText::plain(&header(":error-message").unwrap_or_default());
            let name = header(":error-code").unwrap_or_default();
            Err(Failure::Exception(name, said))
        }
        _ => Ok(Event {
            name: header(":event-type").unwrap_or_default(),
            payload: payload.clone(),
        }),
    }
}
