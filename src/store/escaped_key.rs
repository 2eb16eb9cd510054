//! Keys for services that write objects and accept fewer characters in a key than S3 does: letters, digits and `-_.!*'()/`.
//!
//! Every other byte of a key is written as `!` and two hex digits, and so are `!` itself and what begins a segment with a dot or a
//! slash. So a key stays readable and can be read back.

use percent_encoding::percent_decode_str;

/// Writes a key with the characters that all services accept.
pub(crate) fn escape(key: &str) -> String {
    let mut escaped = String::with_capacity(key.len());
    let mut begins_segment = true;
    for byte in key.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"-_*'()".contains(&byte);
        if is_plain || (matches!(byte, b'.' | b'/') && !begins_segment) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("!{byte:02X}"));
        }
        begins_segment = byte == b'/';
    }
    escaped
}

/// Reads a text back that [`escape`] has made; `None` if it has not.
pub(crate) fn unescape(escaped: &str) -> Option<String> {
    let is_plain = !escaped.contains('%');
    let encoded = escaped.replace('!', "%");
    let key = percent_decode_str(&encoded)
        .decode_utf8()
        .ok()?
        .into_owned();
    (is_plain && escape(&key) == escaped).then_some(key)
}
