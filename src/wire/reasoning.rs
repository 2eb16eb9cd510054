//! Removes reasoning that a server has left inside the text, because it has no parser for this model's.
//!
//! Most models put it between tags such as `<think>`. Some chat templates open the tag themselves, so that only its end
//! comes. gpt-oss writes channels ([harmony](https://cookbook.openai.com/articles/openai-harmony)), of which the final one is
//! the answer.

/// Opening and closing tags of reasoning.
const TAGS: [(&str, &str); 3] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
];

/// Opens the answer of gpt-oss.
const HARMONY_FINAL: &str = "<|channel|>final<|message|>";

/// Opens its reasoning.
const HARMONY_ANALYSIS: &str = "<|channel|>analysis";

/// Close one of its messages.
const HARMONY_ENDS: [&str; 2] = ["<|return|>", "<|end|>"];

/// Characters that end a sentence.
const ENDS: [char; 8] = ['.', '!', '?', '…', '。', '！', '？', '।'];

/// The answer in `text`, trimmed, and whether reasoning was removed. Reasoning that is never closed has no answer after it.
///
/// Reasoning begins where a sentence has ended. A tag inside a sentence is one that the transcript talks about.
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

/// The text before and after the first tag that opens reasoning.
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
