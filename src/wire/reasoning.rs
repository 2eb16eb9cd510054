//! Removes reasoning that is left inside the text because the server has no reasoning parser for the model.
//!
//! Most models put reasoning between tags such as `<think>`. Some chat templates add the opening tag themselves, so that
//! only the closing tag is generated. gpt-oss writes [harmony](https://cookbook.openai.com/articles/openai-harmony)
//! channels; its answer is in the final channel.

/// Opening and closing tags of reasoning.
const TAGS: [(&str, &str); 3] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
];

/// Starts the answer of gpt-oss.
const HARMONY_FINAL: &str = "<|channel|>final<|message|>";

/// Starts the reasoning of gpt-oss.
const HARMONY_ANALYSIS: &str = "<|channel|>analysis";

/// Markers that end a gpt-oss message.
const HARMONY_ENDS: [&str; 2] = ["<|return|>", "<|end|>"];

/// Characters that end a sentence.
const ENDS: [char; 8] = ['.', '!', '?', '…', '。', '！', '？', '।'];

/// Returns the trimmed answer in `text`, and whether reasoning was removed. Everything after an unclosed opening tag is
/// reasoning.
///
/// An opening tag counts only at the start of a line or after the end of a sentence. Inside a sentence it is quoted text.
pub(crate) fn strip(text: &str) -> (String, bool) {
    let mut rest = text.trim().to_owned();
    if let Some((_, answer)) = text.rsplit_once(HARMONY_FINAL) {
        let end = HARMONY_ENDS.iter().filter_map(|end| answer.find(end)).min();
        let (answer, _) = answer.split_at(end.unwrap_or(answer.len()));
        rest = answer.trim().to_owned();
    } else if text.contains(HARMONY_ANALYSIS) {
        rest.clear();
    }
    for (open, close) in TAGS {
        while let Some((before, inside)) = opened(&rest, open) {
            let after = inside.split_once(close).map_or("", |(_, after)| after);
            rest = format!("{before}{after}").trim().to_owned();
        }
        if let Some((before, answer)) = rest.split_once(close)
            && !before.contains(open)
        {
            rest = answer.trim().to_owned();
        }
    }
    let has_thought = rest.len() < text.trim().len();
    (rest, has_thought)
}

/// Splits `text` at the first `tag` that opens reasoning.
fn opened<'a>(text: &'a str, tag: &str) -> Option<(&'a str, &'a str)> {
    let mut places = text.match_indices(tag).map(|(at, _)| at);
    let at = places.find(|at| {
        let before = text.split_at(*at).0;
        before.ends_with('\n') || before.trim_end().is_empty() || before.trim_end().ends_with(ENDS)
    })?;
    let (before, rest) = text.split_at(at);
    Some((before, rest.strip_prefix(tag)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasoning_is_removed_and_the_answer_stays() {
        for (text, answer, found) in [
            (" The board met. ", "The board met.", false),
            (
                "<think>who?</think>\n\nThe board met.",
                "The board met.",
                true,
            ),
            (
                "<think>\n</think><think>b</think> The board met.",
                "The board met.",
                true,
            ),
            ("who spoke? </think>The board met.", "The board met.", true),
            (
                "<thinking>x</thinking>The board met.",
                "The board met.",
                true,
            ),
            ("<think>never done", "", true),
            ("The board met. <think>more", "The board met.", true),
            (
                "The board met.\n<think>more?</think>\nIt closed.",
                "The board met.\n\nIt closed.",
                true,
            ),
            (
                "They say <think> is a tag.",
                "They say <think> is a tag.",
                false,
            ),
            (
                "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>The board met.<|return|>",
                "The board met.",
                true,
            ),
            ("<|channel|>analysis<|message|>hm", "", true),
        ] {
            assert_eq!(strip(text), (answer.to_owned(), found), "{text}");
        }
    }
}
