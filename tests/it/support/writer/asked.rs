//! What a server can infer from the words of a request alone.

use std::collections::HashMap;

use transcript_summarizer::prompt::{Messages, Task};

/// Output tokens reserved per word. If no instruction states a length, it is inferred from the output limit.
const RESERVED_PER_WORD: f64 = 1.98;

/// A request as interpreted by its receiver.
#[derive(Debug)]
pub(super) struct Asked {
    /// The task, copied from the request because no server would misread it.
    pub(super) task: Task,
    /// Whether only the text was sent, without instructions.
    pub(super) is_bare: bool,
    /// The requested length in words.
    pub(super) words: usize,
    /// The part number, or 0 if none is stated.
    pub(super) part: usize,
    /// The number of topics requested, or 0 if none is stated.
    pub(super) topics: usize,
    /// The text to be summarized.
    pub(super) source: String,
    /// The text to write again, longer.
    pub(super) draft: Option<String>,
    /// The sections to write, if there are several: number, words, and text.
    pub(super) sections: Vec<(usize, usize, String)>,
    /// The hex digits that mark the fences.
    pub(super) fence: Option<String>,
    /// The instructions outside the fences, line by line.
    pub(super) instructions: Vec<String>,
}

/// A fenced text.
#[derive(Debug)]
struct Block<'a> {
    /// The line before it.
    label: &'a str,
    fence: &'a str,
    text: &'a str,
}

impl Asked {
    pub(super) fn of(messages: &Messages, task: Task, max_tokens: usize) -> Self {
        let (blocks, outside) = blocks(&messages.user);
        let is_bare = blocks.is_empty();
        let said = format!("{}\n{outside}", messages.system);
        let sources: Vec<&str> = blocks
            .iter()
            .enumerate()
            .filter(|(at, block)| {
                let is_draft = matches!(task, Task::Expand | Task::Continue)
                    && block.label == "The section as it is:"
                    && blocks.len() > 1
                    && *at < blocks.len();
                let is_about_others = [
                    "Said just before",
                    "What follows",
                    "Notes on the whole",
                    "Notes on the part,",
                    "Notes on the part for",
                    "The sections of the document",
                ];
                !is_draft
                    && !is_about_others
                        .iter()
                        .any(|label| block.label.starts_with(label))
            })
            .map(|(_, block)| block.text)
            .collect();
        let shares: HashMap<usize, usize> = blocks
            .iter()
            .filter(|block| block.label.starts_with("The sections of the document"))
            .flat_map(|block| block.text.lines())
            .filter_map(|line| Some((number_after(line, ">> ")?, last_number(line)?)))
            .collect();
        let sections = blocks.iter().filter_map(|block| {
            let number = number_after(block.label, " of the transcript for section ")?;
            Some((number, shares[&number], block.text.to_owned()))
        });
        let draft = blocks
            .iter()
            .find(|block| block.label == "The section as it is:");
        Self {
            draft: draft
                .filter(|_| task == Task::Expand && said.contains("write it again, longer"))
                .map(|block| block.text.trim().to_owned()),
            sections: sections.collect(),
            task,
            is_bare,
            words: length(&said)
                .filter(|_| !is_bare)
                .unwrap_or((max_tokens as f64 / RESERVED_PER_WORD) as usize),
            part: number_after(&said, "Part ")
                .or_else(|| number_after(&said, "Parts "))
                .unwrap_or(0),
            topics: number_after(&said, "with about ").unwrap_or(0),
            source: if is_bare {
                messages.user.clone()
            } else {
                sources.join("\n")
            },
            fence: blocks.first().map(|block| block.fence.to_owned()),
            instructions: if is_bare {
                Vec::new()
            } else {
                said.lines().map(str::to_owned).collect()
            },
        }
    }
}

/// The fenced texts, and everything outside of them.
fn blocks(user: &str) -> (Vec<Block<'_>>, String) {
    let (mut blocks, mut outside) = (Vec::new(), String::new());
    let mut rest = user;
    while let Some((before, after)) = rest.split_once("<<<") {
        let Some((fence, body)) = after.split_once('\n') else {
            break;
        };
        let Some((text, tail)) = body.split_once(&format!("{fence}>>>")) else {
            break;
        };
        assert!(
            !fence.is_empty() && fence.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "a fence of other than hex digits: {fence}"
        );
        let label = before.trim_end().lines().next_back().unwrap_or_default();
        outside.push_str(before);
        blocks.push(Block { label, fence, text });
        rest = tail;
    }
    outside.push_str(rest);
    (blocks, outside)
}

/// The first number followed by `words`.
fn length(text: &str) -> Option<usize> {
    text.match_indices(" words").find_map(|(end, _)| {
        let before = &text[..end];
        let start = before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        before[start..].parse().ok()
    })
}

fn number_after(text: &str, mark: &str) -> Option<usize> {
    let (_, after) = text.split_once(mark)?;
    let end = after
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(after.len());
    after[..end].parse().ok()
}

/// The last number of a line.
fn last_number(line: &str) -> Option<usize> {
    let runs = line.split(|c: char| !c.is_ascii_digit());
    runs.filter_map(|run| run.parse().ok()).next_back()
}
