//! Strips reasoning, code fences, preambles, closing remarks and markup from an answer before it is counted or checked.

use std::collections::HashSet;

use crate::text::{Span, sentence, words};

/// Maximum length of a preamble or closing remark in words.
const REMARK_MAX_WORDS: usize = 30;

/// Beginnings of remarks addressed to the user, in lower case.
const PREAMBLES: [&str; 14] = [
    "here is",
    "here's",
    "here are",
    "sure",
    "certainly",
    "of course",
    "okay",
    "ok,",
    "below is",
    "the following is",
    "this is a",
    "this is the",
    "as requested",
    "summary:",
];
const CLOSINGS: [&str; 12] = [
    "let me know",
    "i hope",
    "hope this",
    "please let",
    "feel free",
    "would you like",
    "if you need",
    "if you would",
    "note:",
    "(note",
    "word count",
    "total words",
];

/// Removes reasoning, code fences, preambles, closing remarks and markup from an answer.
#[must_use]
pub(crate) fn strip_preamble(answer: &str) -> String {
    let text = without_reasoning(answer);
    let text = without_code_fence(text.trim());
    let mut lines: Vec<String> = text.lines().map(plain_line).collect();
    trim_blank(&mut lines);
    while lines.len() > 1 && lines.first().is_some_and(|line| is_preamble(line)) {
        lines.remove(0);
        trim_blank(&mut lines);
    }
    while lines.len() > 1 && lines.last().is_some_and(|line| is_closing(line)) {
        lines.pop();
        trim_blank(&mut lines);
    }
    lines.join("\n").trim().to_owned()
}

/// Removes reasoning that the server left in the text. If a block is never closed, everything after its opening tag is
/// removed.
fn without_reasoning(text: &str) -> String {
    let mut text = text.to_owned();
    for (open, close) in [
        ("<think>", "</think>"),
        ("<thinking>", "</thinking>"),
        ("<reasoning>", "</reasoning>"),
    ] {
        while let Some(start) = text.find(open) {
            let end = text
                .get(start..)
                .and_then(|rest| rest.find(close))
                .map(|at| start + at + close.len());
            text.replace_range(start..end.unwrap_or(text.len()), "");
        }
        // Some chat templates open the reasoning block themselves, so only the closing tag is in the answer.
        if let Some(end) = text.rfind(close) {
            text.replace_range(..end + close.len(), "");
        }
    }
    text
}

/// The content of a Markdown code fence if it encloses the whole answer, apart from short remarks around it.
fn without_code_fence(text: &str) -> &str {
    let Some((before, after)) = text.split_once("```") else {
        return text;
    };
    let inside = after.split_once('\n').map_or(after, |(_, inside)| inside);
    let (inside, rest) = inside.rsplit_once("```").unwrap_or((inside, ""));
    let is_remark = |text: &str| words::count(text) <= REMARK_MAX_WORDS;
    if is_remark(before) && is_remark(rest) {
        inside.trim()
    } else {
        text
    }
}

/// Removes heading marks, emphasis and bullets from a line.
fn plain_line(line: &str) -> String {
    let line = line.trim_end();
    let heading = line.trim_start().trim_start_matches('#');
    let line = if heading.len() < line.trim_start().len() {
        heading.trim_start()
    } else {
        line
    };
    let bullet = line.trim_start();
    let line = ["- ", "* ", "• "]
        .iter()
        .find_map(|mark| bullet.strip_prefix(mark))
        .unwrap_or(line);
    line.replace("**", "").replace("__", "")
}

fn trim_blank(lines: &mut Vec<String>) {
    while lines.first().is_some_and(|line| line.trim().is_empty()) {
        lines.remove(0);
    }
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
}

/// Recognizes `Here is the section:`, but not a heading or a sentence that happens to begin the same way.
fn is_preamble(line: &str) -> bool {
    let lower = line.trim().to_lowercase();
    PREAMBLES.iter().any(|start| lower.starts_with(start))
        && words::count(&lower) <= REMARK_MAX_WORDS
        && (lower.ends_with(':')
            || (lower.ends_with(['.', '!'])
                && (lower.contains("summary") || lower.contains("section"))))
}

fn is_closing(line: &str) -> bool {
    let lower = line
        .trim()
        .trim_matches(['*', '_', '(', ')', '[', ']', '-', ' '])
        .to_lowercase();
    let count = lower
        .strip_suffix("words")
        .or_else(|| lower.strip_suffix("words."))
        .map(str::trim);
    let is_count =
        count.is_some_and(|count| count.trim_start_matches("about ").parse::<usize>().is_ok());
    let is_remark = CLOSINGS.iter().any(|start| lower.starts_with(start))
        && words::count(&lower) <= REMARK_MAX_WORDS;
    is_count || is_remark || lower.is_empty()
}

/// Removes repeated sentences, for answers in which the model got stuck in a loop.
#[must_use]
pub fn without_repetitions(text: &str) -> String {
    let mut seen = HashSet::new();
    let mut kept = String::new();
    let mut end = 0;
    for found in sentence::sentences(text) {
        let (gap, this) = (Span::from(end..found.start).of(text), found.of(text));
        end = found.end;
        if seen.insert(this.to_lowercase()) {
            kept.push_str(if kept.is_empty() { "" } else { gap });
            kept.push_str(this);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaffolding_is_taken_off() {
        for (answer, text) in [
            ("They met.", "They met."),
            ("<think>who?</think>\nThey met.", "They met."),
            ("who? </think>They met.", "They met."),
            ("They met. <think>more", "They met."),
            (
                "Sure! Here is the section:\n\n## **Budget**\n\nThey met.\n\n(450 words)",
                "Budget\n\nThey met.",
            ),
            (
                "Here's the summary:\n```markdown\nBudget\n\nThey met.\n```\nLet me know if you need changes.",
                "Budget\n\nThey met.",
            ),
            (
                "Budget\n\nThey met.\n\nWord count: 450",
                "Budget\n\nThey met.",
            ),
            ("- They met.\n* They left.", "They met.\nThey left."),
            (
                "Here is where they disagreed: Dana wanted more.",
                "Here is where they disagreed: Dana wanted more.",
            ),
            ("<think>never done", ""),
        ] {
            assert_eq!(strip_preamble(answer), text, "{answer}");
        }
    }

    #[test]
    fn of_a_loop_its_first_round_is_left() {
        assert_eq!(
            without_repetitions("They met. They left.\n\nThey met. They left. They slept."),
            "They met. They left. They slept."
        );
    }
}
