//! Decodes metadata that are not ASCII. S3 returns them as the encoded words of RFC 2047, such as `=?UTF-8?B?w7w=?=`.
//! See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html>.

use encoding_rs::{Encoding, UTF_8};

/// The text that a value stands for. What is no encoded word stays as it is. `None` if it, or an encoded word, is broken.
pub(crate) fn decoded(value: &str) -> Option<String> {
    let mut text = String::new();
    // Characters may be divided between words.
    let mut bytes: Vec<u8> = Vec::new();
    let mut last = UTF_8;
    let mut rest = value;
    while let Some((before, word)) = rest.split_once("=?") {
        let Some((encoding, decoded, after)) = encoded_word(word) else {
            text.push_str(&std::mem::take(&mut bytes).decoded(last));
            text.push_str(before);
            text.push_str("=?");
            rest = word;
            continue;
        };
        let continues = !bytes.is_empty() && before.trim().is_empty() && encoding == last;
        if !continues {
            let is_gap = !bytes.is_empty() && before.trim().is_empty();
            text.push_str(&std::mem::take(&mut bytes).decoded(last));
            text.push_str(if is_gap { "" } else { before });
        }
        bytes.extend(decoded);
        (last, rest) = (encoding, after);
    }
    text.push_str(&bytes.decoded(last));
    let text = text + rest;
    let is_encoded = value.starts_with("=?") && value.ends_with("?=");
    let is_broken = is_encoded && text == value || text.contains(char::REPLACEMENT_CHARACTER);
    (!is_broken).then_some(text)
}

trait Decoded {
    fn decoded(self, encoding: &'static Encoding) -> String;
}

impl Decoded for Vec<u8> {
    fn decoded(self, encoding: &'static Encoding) -> String {
        encoding.decode_without_bom_handling(&self).0.into_owned()
    }
}

/// The encoding and the bytes of an encoded word, of which `=?` has been read, and what follows it.
fn encoded_word(word: &str) -> Option<(&'static Encoding, Vec<u8>, &str)> {
    let (charset, rest) = word.split_once('?')?;
    let (kind, rest) = rest.split_once('?')?;
    let (text, after) = rest.split_once("?=")?;
    let charset = charset.split('*').next()?;
    let bytes = match kind {
        "B" | "b" => aws_smithy_types::base64::decode(text).ok()?,
        "Q" | "q" => quoted(text)?,
        _ => return None,
    };
    Some((Encoding::for_label(charset.as_bytes())?, bytes, after))
}

fn quoted(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'_' => b' ',
            b'=' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_are_decoded() {
        for (value, text) in [
            ("plain", "plain"),
            ("=?UTF-8?B?w7w=?=", "ü"),
            ("=?UTF-8?Q?K=C3=BCrzer_bitte?=", "Kürzer bitte"),
            ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
            ("=?UTF-8?B?w7w=?= x =?UTF-8*de?B?w7w=?= y", "ü x ü y"),
            ("=?UTF-8?Q?=C3?=\r\n =?UTF-8?Q?=BC?=", "ü"),
            ("=?ISO-8859-1?Q?=FC?= =?UTF-8?Q?=C3=BC?=", "üü"),
            ("Kürzer", "Kürzer"),
            ("=?UTF-8?Q?=C?= and =?", "=?UTF-8?Q?=C?= and =?"),
            ("a =? b", "a =? b"),
        ] {
            assert_eq!(decoded(value).as_deref(), Some(text), "{value}");
        }
        for broken in [
            "=?UTF-8?X?abc?=",
            "=?UTF-8?Q?=FC?=",
            "=?UTF-9?Q?=FC?=",
            "K\u{fffd}rzer",
        ] {
            assert_eq!(decoded(broken), None, "{broken}");
        }
    }
}
