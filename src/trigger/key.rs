//! Form-encoded object keys, as in S3 notifications.

use percent_encoding::percent_decode_str;

use crate::trigger::EventError;

/// Decodes a key: `+` becomes a space, then percent-decoding, applied exactly once.
pub(crate) fn decode(raw: &str) -> Result<String, EventError> {
    let spaced = raw.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(String::from).map_err(|_| EventError::Key {
        key: raw.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn keys_are_decoded_once() {
        for (raw, key) in [
            ("this+im+%2B+age+blah.txt", "this im + age blah.txt"),
            ("a+b%2B%281%29/%C3%A9+%C3%BC.txt", "a b+(1)/é ü.txt"),
            ("100%2525.txt", "100%25.txt"),
            ("100%.txt", "100%.txt"),
            ("plain/name.txt", "plain/name.txt"),
        ] {
            assert_eq!(decode(raw).as_deref(), Ok(key), "{raw}");
        }
        assert!(decode("%ff.txt").is_err());
    }
}
