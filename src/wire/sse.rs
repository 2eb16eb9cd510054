//! Decodes server-sent events from bytes that are split anywhere.
//!
//! Follows the [standard](https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream), with one
//! difference: if the stream ends without the empty line that completes the last event, the event is still returned,
//! because some servers omit that line.

/// The byte order mark that may precede a stream.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// Possible starts of an event stream. JSON and HTML start with none of them.
const EVENT_STARTS: [&[u8]; 5] = [b"data:", b"event:", b"id:", b"retry:", b":"];

/// Decodes an event stream. Comments and fields other than `data` are skipped.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    line: Vec<u8>,
    data: Option<String>,
    first_line_read: bool,
    after_cr: bool,
}

impl Decoder {
    /// Takes the next bytes and returns the data of each completed event.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut events = Vec::new();
        for &byte in bytes {
            let closes_crlf = byte == b'\n' && self.after_cr;
            self.after_cr = byte == b'\r';
            match byte {
                b'\n' if closes_crlf => {}
                b'\n' | b'\r' => events.extend(self.end_line()),
                _ => self.line.push(byte),
            }
        }
        events
    }

    /// Ends the stream and returns the data of the unfinished event, if there is one.
    pub(crate) fn finish(mut self) -> Option<String> {
        let last = self.end_line();
        last.or_else(|| self.data.take())
    }

    fn end_line(&mut self) -> Option<String> {
        let bytes = std::mem::take(&mut self.line);
        let mut line = bytes.as_slice();
        if !self.first_line_read {
            self.first_line_read = true;
            line = line.strip_prefix(BOM).unwrap_or(line);
        }
        if line.is_empty() {
            return self.data.take();
        }
        let value = match line.strip_prefix(b"data") {
            Some([b':', b' ', value @ ..] | [b':', value @ ..]) => value,
            Some([]) => &[],
            _ => return None,
        };
        let value = String::from_utf8_lossy(value);
        match &mut self.data {
            Some(data) => {
                data.push('\n');
                data.push_str(&value);
            }
            None => self.data = Some(value.into_owned()),
        }
        None
    }
}

/// Whether a body that starts with these bytes, after [`without_blanks`], is an event stream.
pub(crate) fn is_stream(head: &[u8]) -> bool {
    EVENT_STARTS.iter().any(|start| head.starts_with(start))
}

/// A body from its first byte on that says something.
pub(crate) fn without_blanks(body: &[u8]) -> &[u8] {
    body.strip_prefix(BOM).unwrap_or(body).trim_ascii_start()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "\u{feff}: keep-alive\r\nid: 7\r\nevent: message\r\ndata: {\"é\":1}\r\n\r\n\
                          data:first\rdata: second\rdata\rdata:  third\r\r:x\n\nretry: 3\ndatabase: no\n\n\
                          data: [DONE]\n\ndata: open";

    const EVENTS: [&str; 4] = ["{\"é\":1}", "first\nsecond\n\n third", "[DONE]", "open"];

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let mut decoder = Decoder::default();
        let mut events: Vec<String> = pieces.iter().flat_map(|p| decoder.push(p)).collect();
        events.extend(decoder.finish());
        events
    }

    #[test]
    fn every_split_gives_the_same_events() {
        let bytes = STREAM.as_bytes();
        assert_eq!(read(&[bytes]), EVENTS);
        for at in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(at);
            assert_eq!(read(&[head, tail]), EVENTS, "split at {at}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single), EVENTS);
    }

    #[test]
    fn streams_without_data_have_no_events() {
        assert!(read(&[b""]).is_empty());
        assert!(read(&[b": ping\n\n: ping\n\nevent: end\n\n"]).is_empty());
    }
}
