//! Strips the next turn of a chat, code fences, preambles, closing remarks and markup from an answer before it is counted or
//! checked. [`flaw`](crate::summary::flaw) says which answers are beyond repair; reasoning and the marks of chat templates are
//! removed where the answer is read from the wire.

use std::collections::HashSet;

use crate::text::{Span, sentence, words};
use crate::transcript::without_tags;
use crate::wire::error_text::starts_with_any;

/// Maximum length of a preamble or closing remark in words.
const REMARK_MAX_WORDS: usize = 30;

/// Maximum length in words of a remark that only says yes.
const YES_MAX_WORDS: usize = 2;

/// Maximum length of a label in words.
const LABEL_MAX_WORDS: usize = 6;

/// Minimum number of digits in what is taken for a fence.
const FENCE_MIN_DIGITS: usize = 6;

/// Beginnings of remarks addressed to the user, in lower case.
const PREAMBLES: &str = "here is|here's|here are|sure|certainly|of course|okay|ok,|below is|the following is|\
    this is a|this is the|as requested|summary:";
const CLOSINGS: &str = "let me know|i hope|hope this|please let|feel free|would you like|if you need|\
    if you would|note:|(note|word count|total words";

/// Beginnings of lines with which the next turn of a chat begins, and those that may stand before the answer itself.
const TURNS: [&str; 14] = [
    "Human:",
    "USER:",
    "User:",
    "### Human",
    "### User",
    "### Instruction",
    "### Input:",
    "<human>:",
    "<|user|>",
    "ASSISTANT:",
    "Assistant:",
    "### Assistant",
    "### Response",
    "<bot>:",
];

/// Tags around a whole answer.
const WRAPPERS: [&str; 8] = [
    "answer",
    "final_answer",
    "summary",
    "section",
    "output",
    "response",
    "result",
    "text",
];

/// Code fences of Markdown.
const CODE_FENCES: [&str; 2] = ["```", "~~~"];

/// Removes code fences, preambles, closing remarks and markup from an answer.
#[must_use]
pub(crate) fn strip_preamble(answer: &str) -> String {
    stripped(plain_lines(unwrapped(answer), false))
}

/// The same for a text that is to have entries, whatever stands before them.
#[must_use]
pub(crate) fn strip_preamble_of_entries(answer: &str) -> String {
    stripped(plain_lines(unwrapped(answer), true))
}

fn stripped(lines: Vec<String>) -> String {
    let lines = without_husks(&lines);
    let mut kept = &lines[..];
    while let [first, rest @ ..] = kept
        && !rest.is_empty()
        && (first.trim().is_empty() || is_preamble(first))
    {
        kept = rest;
    }
    while let [rest @ .., last] = kept
        && !rest.is_empty()
        && is_closing(last)
    {
        kept = rest;
    }
    kept.join("\n").trim().to_owned()
}

/// An answer without the next turn of a chat and without a tag or a code fence around it.
pub(crate) fn unwrapped(answer: &str) -> &str {
    without_code_fence(without_wrapper(first_turn(answer.trim())))
}

fn without_wrapper(answer: &str) -> &str {
    let inside = |name: &&str| {
        let rest = answer.strip_prefix('<')?.strip_prefix(*name)?;
        let rest = rest.strip_prefix('>')?.trim();
        let end = rest
            .strip_suffix('>')
            .and_then(|rest| rest.strip_suffix(*name));
        Some(
            end.and_then(|rest| rest.strip_suffix("</"))
                .unwrap_or(rest)
                .trim(),
        )
    };
    WRAPPERS.iter().find_map(inside).unwrap_or(answer)
}

/// The text before a line with which another turn of the chat begins.
fn first_turn(answer: &str) -> &str {
    let turn = |line: &str| TURNS.iter().find(|turn| line.starts_with(**turn)).copied();
    let answer = match turn(answer) {
        Some(start) => {
            let rest = answer.split_at(start.len()).1;
            rest.trim_start_matches([':', ' ', '\n', '\r'])
        }
        None => answer,
    };
    let mut end = 0;
    for line in answer.split_inclusive('\n') {
        if end > 0 && turn(line).is_some() {
            return answer.split_at(end).0.trim_end();
        }
        end += line.len();
    }
    answer
}

/// Whether a line opens or closes a block of code.
pub(crate) fn is_code_fence(line: &str) -> bool {
    CODE_FENCES.iter().any(|fence| line.starts_with(fence))
}

/// `lines` without those that have no letters, only a fence, or a label with nothing below it.
fn without_husks(lines: &[String]) -> Vec<&str> {
    let is_fence = |line: &str| {
        let digits = line
            .strip_prefix("<<<")
            .or_else(|| line.strip_suffix(">>>"));
        digits.is_some_and(|digits| {
            digits.len() >= FENCE_MIN_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    let is_label = |line: &str| {
        line.ends_with([':', '：']) && !is_entry(line) && words::count(line) <= LABEL_MAX_WORDS
    };
    let mut kept: Vec<&str> = Vec::new();
    // From the end: whether a label follows, or nothing.
    let mut is_next_label = true;
    let mut is_next_apart = true;
    // The first line may be a heading.
    let first = lines.iter().position(|line| !line.trim().is_empty());
    for (at, line) in lines.iter().enumerate().rev() {
        let bare = line.trim();
        if bare.is_empty() {
            is_next_apart = true;
            kept.push(line);
        } else if bare.contains(char::is_alphanumeric) && !is_fence(bare) && !is_code_fence(bare) {
            let label = is_label(bare);
            if !(label && is_next_label && is_next_apart) || Some(at) == first {
                kept.push(line);
                is_next_label = label;
                is_next_apart = false;
            }
        }
    }
    kept.reverse();
    // What stood between two blank lines may be gone.
    kept.dedup_by(|next, before| next.trim().is_empty() && before.trim().is_empty());
    kept
}

/// Whether a line is an entry of a list.
pub(crate) fn is_entry(line: &str) -> bool {
    line.starts_with("- ")
}

/// Whether a text ends with an entry of a list, which may have no stop.
pub(crate) fn ends_with_entry(text: &str) -> bool {
    text.trim_end().lines().next_back().is_some_and(is_entry)
}

/// The text up to the end of its last complete sentence. A list at the end is complete if the answer `is_whole`.
pub(crate) fn complete(text: &str, is_whole: bool) -> &str {
    match is_whole && ends_with_entry(text) {
        true => text.trim_end(),
        false => sentence::complete(text),
    }
}

/// `body` without the lines that repeat its heading.
pub(crate) fn without_heading(body: &str, heading: &str) -> String {
    let plain = |line: &str| {
        line.trim_matches(|c: char| !c.is_alphanumeric())
            .to_lowercase()
    };
    let heading = plain(heading);
    let lines = body
        .lines()
        .filter(|line| plain(line) != heading || heading.is_empty());
    let lines: Vec<&str> = lines.collect();
    let text = lines.join("\n");
    let paragraphs = text.split("\n\n").map(|one| one.trim_matches('\n'));
    let paragraphs: Vec<&str> = paragraphs.filter(|one| !one.trim().is_empty()).collect();
    paragraphs.join("\n\n")
}

/// The content of a Markdown code fence if it encloses the whole answer, apart from short remarks around it.
fn without_code_fence(text: &str) -> &str {
    let found = CODE_FENCES.iter().filter_map(|fence| text.find(fence));
    let Some((before, opened)) = found.min().map(|at| text.split_at(at)) else {
        return text;
    };
    let (fence, after) = opened.split_at(CODE_FENCES.map(str::len).into_iter().max().unwrap_or(0));
    let inside = after.split_once('\n').map_or(after, |(_, inside)| inside);
    let (inside, rest) = inside.rsplit_once(fence).unwrap_or((inside, ""));
    let is_remark = |text: &str| words::count(text) <= REMARK_MAX_WORDS;
    if is_remark(before) && is_remark(rest) {
        inside.trim()
    } else {
        text
    }
}

/// The lines of `text` without markup. Lines with bullets stay a list where a line that ends with a colon introduces them:
/// prose in bullets is prose. They always stay one if it `has_entries`.
fn plain_lines(text: &str, has_entries: bool) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut is_list = false;
    for line in text.lines() {
        let is_blank = line.trim().is_empty();
        match bullet(line) {
            Some(entry) => {
                let before = lines.iter().rposition(|line| !line.trim().is_empty());
                let introduces = |at: usize| {
                    let line = lines.get(at).map_or("", |line| line.trim_end());
                    line.ends_with([':', '：'])
                };
                is_list |= before.is_some_and(introduces);
                let entry = plain_line(entry);
                if has_entries {
                    lines.push(format!("- {entry}"));
                } else if is_list {
                    lines.truncate(before.map_or(0, |before| before + 1));
                    lines.push(format!("- {entry}"));
                } else {
                    lines.push(entry);
                }
            }
            None if is_list && !is_blank => {
                is_list = false;
                if lines.last().is_some_and(|last| !last.trim().is_empty()) {
                    lines.push(String::new());
                }
                lines.push(plain_line(line));
            }
            None => lines.push(plain_line(line)),
        }
    }
    lines
}

/// The text after a bullet.
fn bullet(line: &str) -> Option<&str> {
    let line = line.trim_start();
    ["- ", "* ", "• "]
        .iter()
        .find_map(|mark| line.strip_prefix(mark))
}

/// Removes heading marks, emphasis, bullets and the marks of quotations from a line.
pub(crate) fn plain_line(line: &str) -> String {
    let line = without_tags(line);
    let line = line.trim_end();
    let line = match line.trim_start().strip_prefix('#') {
        Some(heading) => heading.trim_start_matches('#').trim_start(),
        None => line,
    };
    let line = line.strip_prefix("> ").unwrap_or(line);
    let line = bullet(line).unwrap_or(line);
    line.replace("**", "").replace("__", "")
}

/// Recognizes `Here is the section:`, but not a heading or a sentence that happens to begin the same way.
pub(crate) fn is_preamble(line: &str) -> bool {
    let lower = line.trim().to_lowercase();
    starts_with_any(&lower, PREAMBLES)
        && words::count(&lower) <= REMARK_MAX_WORDS
        && (lower.ends_with(':')
            || (lower.ends_with(['.', '!'])
                && (lower.contains("summary")
                    || lower.contains("section")
                    || words::count(&lower) <= YES_MAX_WORDS)))
}

/// Recognizes a remark after the text, a word count, or a line without words.
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
    let is_remark = starts_with_any(&lower, CLOSINGS) && words::count(&lower) <= REMARK_MAX_WORDS;
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
    fn strips_everything_but_the_text() {
        for (answer, text) in [
            ("They met.", "They met."),
            ("They met.\n\nHuman: And then?", "They met."),
            (
                "Sure! Here is the section:\n\n## **Budget**\n\nThey met.\n\n(450 words)",
                "Budget\n\nThey met.",
            ),
            (
                "Here's the summary:\n```markdown\nBudget\n\nThey met.\n```\nLet me know if you need changes.",
                "Budget\n\nThey met.",
            ),
            ("They say <think> is a tag.", "They say <think> is a tag."),
            (
                "Budget\n\nThey met.\n\nWord count: 450",
                "Budget\n\nThey met.",
            ),
            ("- They met.\n* They left.", "They met.\nThey left."),
            (
                "They met.\n\nIt cost:\n* 5 for A\n* 6 for B\n* 7 for C\n\nThey left.\n\nLee stayed.",
                "They met.\n\nIt cost:\n- 5 for A\n- 6 for B\n- 7 for C\n\nThey left.\n\nLee stayed.",
            ),
            (
                "Rent\n\n**For:**\n\n- It is low.\n\n* It is near.\nThey left.\n- Lee stayed.",
                "Rent\n\nFor:\n- It is low.\n- It is near.\n\nThey left.\nLee stayed.",
            ),
            (
                "Here is where they disagreed: Dana wanted more.",
                "Here is where they disagreed: Dana wanted more.",
            ),
            (
                "They met.\n\n<<<0123456789abcdef\n:\n::\n-\n\nThey left.\n0123456789abcdef>>>",
                "They met.\n\nThey left.",
            ),
            (
                "Rent:\n\nTrams:\n\nBudget:\n\nThey met.\n\nNaming:",
                "Rent:\n\nBudget:\n\nThey met.",
            ),
            (
                "<p>They <b>met</b>.</p> It is so if a < b and c > d.",
                "They met. It is so if a < b and c > d.",
            ),
        ] {
            assert_eq!(strip_preamble(answer), text, "{answer}");
        }
    }

    #[test]
    fn a_heading_stands_once() {
        let body = "Trams\n\nThey met.\n\n**Trams:**\nThey left the Trams.\n- one";
        assert_eq!(
            without_heading(body, "Trams"),
            "They met.\n\nThey left the Trams.\n- one"
        );
    }

    #[test]
    fn removes_repeated_sentences() {
        assert_eq!(
            without_repetitions("They met. They left.\n\nThey met. They left. They slept."),
            "They met. They left. They slept."
        );
    }
}
