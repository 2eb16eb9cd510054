//! Reasoning that a server without a parser for it leaves inside the text.

/// What opens and closes reasoning in the text of most models.
const TAGS: [(&str, &str); 3] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
];

/// What opens the answer of gpt-oss (<https://cookbook.openai.com/articles/openai-harmony>).
const HARMONY_FINAL: &str = "<|channel|>final<|message|>";

/// What opens its reasoning.
const HARMONY_ANALYSIS: &str = "<|channel|>analysis";

/// What may close any message of it.
const HARMONY_ENDS: [&str; 2] = ["<|return|>", "<|end|>"];

/// The answer in `text`, trimmed, and whether reasoning was taken away. Reasoning that never ends leaves nothing.
pub(crate) fn strip(text: &str) -> (&str, bool) {
    let mut rest = text.trim();
    let mut found = false;
    if let Some((_, answer)) = rest.rsplit_once(HARMONY_FINAL) {
        let end = HARMONY_ENDS
            .iter()
            .filter_map(|end| answer.find(end))
            .min()
            .unwrap_or(answer.len());
        rest = answer.get(..end).unwrap_or(answer).trim();
        found = true;
    } else if rest.contains(HARMONY_ANALYSIS) {
        return ("", true);
    }
    for (open, close) in TAGS {
        while let Some(inside) = rest.strip_prefix(open) {
            found = true;
            rest = inside
                .split_once(close)
                .map_or("", |(_, answer)| answer)
                .trim();
        }
        // Templates that open the reasoning themselves leave only its end in the answer.
        if let Some((before, answer)) = rest.split_once(close)
            && !before.contains(open)
        {
            found = true;
            rest = answer.trim();
        }
    }
    (rest, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasoning_goes_and_the_answer_stays() {
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
            assert_eq!(strip(text), (answer, found), "{text}");
        }
    }
}
