//! Texts as SSML, within what one task of Amazon Polly takes: 100,000 characters that are billed, 200,000 with the markup.
//!
//! A text that is longer becomes several parts, each a file of its own, cut between paragraphs: a listener expects the whole
//! summary.

use crate::text::sentence::sentences;

/// Most characters of a part that are billed: all but the markup.
const MAX_BILLED: usize = 100_000;

/// Most characters of a part.
const MAX_WHOLE: usize = 200_000;

const OPEN: &str = "<speak>";
const CLOSE: &str = "</speak>";

/// Writes paragraphs as SSML documents, as few as possible.
pub(crate) fn parts(paragraphs: &[String]) -> Vec<String> {
    let mut parts = Vec::new();
    let (mut part, mut billed, mut whole) = (String::new(), 0, 0);
    for paragraph in paragraphs.iter().flat_map(|paragraph| divided(paragraph)) {
        let written = format!("<p>{}</p>", escaped(paragraph));
        let (more, more_whole) = (length(paragraph), length(&written));
        let most = MAX_WHOLE - OPEN.len() - CLOSE.len();
        if billed + more > MAX_BILLED || whole + more_whole > most {
            parts.push(std::mem::take(&mut part));
            (billed, whole) = (0, 0);
        }
        part.push_str(&written);
        (billed, whole) = (billed + more, whole + more_whole);
    }
    parts.push(part);
    parts.retain(|part| !part.is_empty());
    let document = |part: &String| format!("{OPEN}{part}{CLOSE}");
    parts.iter().map(document).collect()
}

/// The length in UTF-16, which is never shorter than what is billed.
fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A paragraph; its sentences if it is too long for a part; and of a sentence that is too long, stretches of any text.
fn divided(paragraph: &str) -> Vec<&str> {
    // Escaping makes a character at most six times as long.
    const SURELY_FITS: usize = MAX_WHOLE / 6 - 100;
    if length(paragraph) <= SURELY_FITS {
        return vec![paragraph];
    }
    let mut pieces = Vec::new();
    for span in sentences(paragraph) {
        let mut rest = span.of(paragraph).trim();
        while length(rest) > SURELY_FITS {
            let end = rest.char_indices().nth(SURELY_FITS / 2);
            let (piece, after) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
    }
    pieces
}

/// A text as XML, without the characters that XML does not have.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\n' | '\t' => escaped.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_marked_and_escaped() {
        let texts = ["R&D <now>", "\"Don't\u{0}\u{7}\u{ffff}\"\nsaid é"].map(str::to_owned);
        let expected =
            "<speak><p>R&amp;D &lt;now&gt;</p><p>&quot;Don&apos;t&quot; said é</p></speak>";
        assert_eq!(parts(&texts), [expected]);
        assert_eq!(parts(&[]), [""; 0]);
    }

    #[test]
    fn a_long_text_is_several_parts_that_hold_all_of_it() {
        let sentence = "They agreed on it & went. ";
        for (paragraphs, count) in [
            (vec![sentence.repeat(40).trim().to_owned(); 95], 1),
            (vec![sentence.repeat(40).trim().to_owned(); 100], 2),
            // Longer than a part, with sentences and without.
            (vec![sentence.repeat(9000).trim().to_owned()], 3),
            (vec!["中".repeat(250_000)], 3),
            // Nothing but markup.
            (vec!["&".repeat(120_000)], 4),
        ] {
            let parts = parts(&paragraphs);
            assert_eq!(parts.len(), count);
            let mut text = String::new();
            for part in &parts {
                assert!(length(part) <= MAX_WHOLE, "{}", length(part));
                let inner = part
                    .strip_prefix(OPEN)
                    .and_then(|part| part.strip_suffix(CLOSE));
                let plain = inner
                    .unwrap()
                    .replace("<p>", "")
                    .replace("</p>", "")
                    .replace("&amp;", "&");
                assert!(length(&plain) <= MAX_BILLED, "{}", length(&plain));
                text.push_str(&plain);
            }
            let blank = |text: String| text.replace(' ', "");
            assert!(
                blank(text) == blank(paragraphs.concat()),
                "something is missing"
            );
        }
    }
}
