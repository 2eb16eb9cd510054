//! Removes secrets and quotes of the request from a server's error text, before it is shown or logged.
//!
//! Servers quote rejected input in full, truncated or escaped, and show the start of an invalid key. So the search is for
//! runs of bytes rather than whole texts.

use std::collections::HashSet;

use crate::secret::Secret;

/// Maximum length of a server's text in a message, in characters.
const MAX_SHOWN: usize = 300;

/// Minimum length of a run that counts as quoted from the request rather than coincidence: four or five words.
const ECHO_BYTES: usize = 24;

/// Minimum length of a run that counts as part of a secret, in bytes.
const SECRET_BYTES: usize = 8;

const SECRET_MARK: &str = "[secret]";

const ECHO_MARK: &str = "[request]";

/// Returns `text` with the secrets replaced. One that is shorter than [`SECRET_BYTES`] is replaced where it stands alone: people
/// set `x` for servers of their own, and that is a letter of many words.
pub(crate) fn without_secrets(text: &str, secrets: &[Secret]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().map(Secret::expose).filter(|s| !s.is_empty()) {
        text = match secret.len() < SECRET_BYTES {
            true => without_word(&text, secret),
            false => text.replace(secret, SECRET_MARK),
        };
        text = without_runs(&text, &[secret.to_owned()], SECRET_BYTES, SECRET_MARK);
    }
    text
}

/// Returns `text` without `word` where no letter or digit stands beside it.
fn without_word(text: &str, word: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut end = 0;
    for (at, found) in text.match_indices(word) {
        let (before, rest) = text.split_at(at);
        let after = rest.strip_prefix(found).unwrap_or_default();
        let is_alone =
            !before.ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric);
        if is_alone {
            kept.push_str(text.get(end..at).unwrap_or_default());
            kept.push_str(SECRET_MARK);
            end = at + found.len();
        }
    }
    kept.push_str(text.get(end..).unwrap_or_default());
    kept
}

/// Returns `text` on one line, with any quotes of the texts in `sent` replaced. It is not shortened, so that the whole text can
/// be classified. Text for display goes through [`shorten`].
pub(crate) fn without_quotes(text: &str, sent: &[&str]) -> String {
    let text = on_one_line(text);
    if sent.is_empty() || text.len() < ECHO_BYTES {
        return text;
    }
    // JSON nested in JSON escapes non-ASCII characters, and Python's `repr` around it escapes the backslashes again.
    let text = text.replace("\\\\", "\\");
    let sources: Vec<String> = sent
        .iter()
        .map(|text| on_one_line(text))
        .flat_map(|text| {
            let escaped = (!text.is_ascii()).then(|| escaped(&text));
            escaped.into_iter().chain([text])
        })
        .collect();
    without_runs(&text, &sources, ECHO_BYTES, ECHO_MARK)
}

/// Shortens a scrubbed text to `MAX_SHOWN` characters for display.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", text.split_at(end).0),
        None => text.to_owned(),
    }
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn escaped(text: &str) -> String {
    let escape = |unit| match u8::try_from(unit) {
        Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
        _ => format!("\\u{unit:04x}"),
    };
    text.encode_utf16().map(escape).collect()
}

/// Replaces every run of at least `window` bytes that also occurs in a source with `mark`. Runs in linear time.
fn without_runs(text: &str, sources: &[String], window: usize, mark: &str) -> String {
    // A source may be a recording, and a text is short.
    let shown: HashSet<&[u8]> = text.as_bytes().windows(window).collect();
    let known: HashSet<&[u8]> = sources
        .iter()
        .flat_map(|source| source.as_bytes().windows(window))
        .filter(|run| shown.contains(run))
        .collect();
    let mut kept = String::with_capacity(text.len());
    let mut hidden_to = 0;
    let mut next_mark_at = 0;
    for (at, c) in text.char_indices() {
        let run = text.as_bytes().get(at..at + window);
        if run.is_some_and(|run| known.contains(run)) {
            if at >= next_mark_at {
                kept.push_str(mark);
            }
            hidden_to = at + window;
            next_mark_at = hidden_to + 1;
        }
        if at >= hidden_to {
            kept.push(c);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_cut_out_whole_and_in_part() {
        let secrets = ["hf_AbCdEfGhIjKlMnOp", "", "abc"].map(Secret::new);
        for (text, expected) in [
            ("bad token hf_AbCdEfGhIjKlMnOp.", "bad token [secret]."),
            ("bad token hf_AbCdEfGhI...", "bad token [secret]..."),
            ("ends in IjKlMnOp", "ends in [secret]"),
            ("bad token", "bad token"),
            ("key abc, abcd", "key [secret], abcd"),
            ("it exceeds abc-def", "it exceeds [secret]-def"),
        ] {
            assert_eq!(without_secrets(text, &secrets), expected);
        }
    }

    #[test]
    fn words_of_the_request_are_cut_out() {
        let sent = "DANA: I never told anybody\nabout the merger before today.";
        let said = "invalid content 'DANA: I never told anybody about the merger before today.' (type=value_error)";
        assert_eq!(
            without_quotes(said, &["system", sent]),
            "invalid content '[request]' (type=value_error)"
        );
        let japanese = "私たちは来年の春に新しい工場を建てる予定です。";
        for said in [
            format!("input: {japanese}"),
            format!("input: {}", escaped(japanese)),
            format!("input: {}", escaped(japanese).replace('\\', "\\\\")),
        ] {
            let said = without_quotes(&said, &[japanese]);
            assert!(
                said.starts_with("input: [request]") && said.len() < 30,
                "{said}"
            );
        }
        assert_eq!(
            without_quotes("maximum context length is 4096 tokens", &[sent]),
            "maximum context length is 4096 tokens"
        );
    }

    #[test]
    fn long_texts_are_shortened_between_characters() {
        assert_eq!(shorten("kurz"), "kurz");
        assert_eq!(shorten(&"é".repeat(900)), format!("{}…", "é".repeat(300)));
    }
}
