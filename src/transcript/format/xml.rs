//! Refuses XML that is no transcript, by the name of its outermost element: read as plain text it would be all tags.

use crate::transcript::format::{captions, html};

/// Bytes that may stand before the outermost element.
const PROLOG_BYTES: usize = 16 * 1024;

/// Longest name that is shown.
const MAX_NAME_BYTES: usize = 60;

/// Why a text is not read, if it is XML of a kind that is not known, or would have to be expanded.
pub(crate) fn refused(text: &str) -> Option<String> {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let prolog = text.split_at(text.floor_char_boundary(PROLOG_BYTES)).0;
    if !prolog.starts_with("<?xml ") && !prolog.starts_with("<!DOCTYPE ") {
        return None;
    }
    if prolog.contains("<!ENTITY") {
        let reason = "the file is XML that declares entities, which are not expanded: export the transcript as text (UTF-8) and \
                      upload that";
        return Some(reason.to_owned());
    }
    if captions::kind(text).is_some() || html::is_html(text) {
        return None;
    }
    let root = root(prolog)?;
    Some(format!(
        "the file is XML, but of no transcript format that this program knows: its outermost element is <{root}>; export the \
         transcript as text and upload that"
    ))
}

/// The name of the outermost element.
fn root(prolog: &str) -> Option<&str> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, ':' | '_' | '-' | '.');
    let (_, name) = prolog.split('<').find_map(|tag| {
        let end = tag.find(|c: char| !is_name(c)).unwrap_or(tag.len());
        tag.starts_with(char::is_alphabetic)
            .then(|| (tag, tag.split_at(end).0))
    })?;
    (name.len() <= MAX_NAME_BYTES).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_xml_is_refused_by_name() {
        for (text, part) in [
            (
                "<?xml version=\"1.0\"?>\n<!-- made by hand -->\n<minutes:log><turn who=\"Ana\">Yes.</turn></minutes:log>",
                "<minutes:log>",
            ),
            (
                "<?xml version=\"1.0\"?><!DOCTYPE tt [<!ENTITY a \"Ana\">]><tt xmlns=\"http://www.w3.org/ns/ttml\"><body><p begin=\"1s\">&a;: Yes.</p></body></tt>",
                "declares entities",
            ),
        ] {
            let reason = refused(text).unwrap();
            assert!(reason.contains(part), "{reason}");
        }
    }

    #[test]
    fn pages_captions_and_talk_about_xml_are_read() {
        for text in [
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><html><body><p>Yes.</p></body></html>",
            "<?xml version=\"1.0\"?><tt xmlns=\"http://www.w3.org/ns/ttml\"><body><p begin=\"1s\">Yes.</p></body></tt>",
            "<!DOCTYPE html><p>Yes.",
            "<v Ana>Yes, <?xml it begins with.",
            "Ana: it says <?xml version at the top.",
        ] {
            assert_eq!(refused(text), None, "{text}");
        }
    }
}
