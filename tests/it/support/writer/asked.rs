//! What a server can tell of a request: its words, and nothing else.

use transcript_summarizer::prompt::{Messages, Task};

/// Output tokens that are reserved for a word: what the length is told by where no instruction says it.
const RESERVED_PER_WORD: f64 = 1.98;

/// A request as its receiver understands it.
#[derive(Debug)]
pub(super) struct Asked {
    /// What for. Looked up, as no server would misread it.
    pub(super) task: Task,
    /// The text alone was sent.
    pub(super) is_bare: bool,
    /// How long the answer should be, in words.
    pub(super) words: usize,
    /// Which part, if that is said.
    pub(super) part: usize,
    /// The text to work on.
    pub(super) source: String,
    /// The hex digits around the texts.
    pub(super) fence: Option<String>,
    /// Instructions: what stands outside the fences, line by line.
    pub(super) instructions: Vec<String>,
}

/// A text between fences.
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
                let is_draft =
                    matches!(task, Task::Expand | Task::Continue) && *at == 0 && blocks.len() > 1;
                !is_draft && !block.label.starts_with("Said just before")
            })
            .map(|(_, block)| block.text)
            .collect();
        Self {
            task,
            is_bare,
            words: length(&said)
                .filter(|_| !is_bare)
                .unwrap_or((max_tokens as f64 / RESERVED_PER_WORD) as usize),
            part: number_after(&said, "Part ").unwrap_or(0),
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

/// The fenced texts, and what stands outside of them.
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

/// The first digits that are followed by `words`.
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
