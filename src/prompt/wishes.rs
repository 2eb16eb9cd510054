//! What the reader wishes of a summary. Whoever runs the program or uploads a transcript says so, and is trusted: wishes stand
//! outside the fences, after the rules, and the rules win.

use std::sync::Arc;

use crate::prompt::fence::neutralized;
use crate::prompt::{Request, Style, Task};
use crate::text::{Corrections, Language, Tokens, tokens};

/// Maximum length of instructions in characters.
pub const MAX_INSTRUCTIONS: usize = 2000;

/// Maximum tokens of the list of spellings in a prompt.
const SPELLING_TOKENS: Tokens = Tokens(80);

/// The words around instructions, and around the language.
const AROUND_TOKENS: Tokens = Tokens(150);

/// Instructions are left out of prompts if they take more than one token in this many of the context window.
const MAX_SHARE: usize = 5;

/// What is wished of a summary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Instructions in the reader's own words; empty for none.
    pub instructions: Arc<str>,
    /// The language to write in; `None` for that of the transcript.
    pub language: Option<Language>,
    /// Misheard words and names. They are already replaced in the texts; prompts only tell how to spell what occurs.
    pub corrections: Arc<Corrections>,
}

/// How rules say in which language to write, if nothing else is wished.
const OWN_LANGUAGE: [(&str, &str); 5] = [
    ("in the language of the transcript", "in "),
    ("In the language of the transcript", "In "),
    ("in the language of the sections", "in "),
    ("in the language of the section", "in "),
    (", in its language", ", in "),
];

impl Wishes {
    /// Whether nothing is wished.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// A text that differs for different wishes.
    pub(crate) fn fingerprint(&self) -> String {
        let entries = self.corrections.entries().iter();
        let entries: Vec<_> = entries
            .map(|entry| (entry.list, &entry.heard, &entry.right))
            .collect();
        format!("{:?} {:?} {entries:?}", self.instructions, self.language)
    }

    /// Maximum tokens that the wishes add to a prompt.
    pub(crate) fn tokens(&self) -> Tokens {
        let spellings = match self.corrections.is_empty() {
            true => Tokens(0),
            false => SPELLING_TOKENS,
        };
        let told = !self.instructions.is_empty() || self.language.is_some();
        let around = if told { AROUND_TOKENS } else { Tokens(0) };
        tokens::estimate(&self.instructions) + around + spellings
    }

    /// Whether the instructions leave enough of a context window of `context` tokens, if there is a limit.
    pub(crate) fn have_room_in(&self, context: Option<Tokens>) -> bool {
        let size = tokens::estimate(&self.instructions).0 + AROUND_TOKENS.0;
        context.is_none_or(|context| size * MAX_SHARE <= context.0)
    }
}

/// The rules together with the wishes that concern the task.
pub(crate) fn with_wishes(rules: &str, request: &Request) -> String {
    let Wishes {
        instructions,
        language,
        ..
    } = &request.wishes;
    let mut text = rules.to_owned();
    if request.style == Style::Bare {
        return text;
    }
    // The last reader only corrects and smooths what others wrote.
    let is_last = request.task.reads_summary();
    if let Some(language) = language {
        let told = language.told();
        if is_last {
            return text
                + &format!(
                    "\n- What stands after RIGHT, REPLACE and FLAG is in {told}, as the summary is."
                );
        }
        for (own, before) in OWN_LANGUAGE {
            text = text.replace(own, &format!("{before}{told}"));
        }
        if request.style == Style::Compact {
            return text.replace("In its language.", &format!("Write in {told}."));
        }
        text.push_str(&format!(
            "\n- Write in {told}, whatever language the texts are in; quotations are translated too."
        ));
        if request.task == Task::Outline {
            text.push_str(
                " Only the words in capitals at the beginning of lines and names stay as they are.",
            );
        }
    }
    if request.style == Style::Full && !is_last && !instructions.is_empty() {
        let instructions = neutralized(instructions, &request.fence);
        let kept = match request.task {
            Task::Outline => {
                "They say what matters and how entries are worded; which lines there are and how they are written stays as above."
            }
            _ => {
                "Where they contradict the rules above, the rules win; what is not about this task is for others."
            }
        };
        text.push_str(&format!(
            "\n\nWishes of the reader of the summary. {kept}\n{}",
            instructions.trim()
        ));
    }
    text
}

/// The right spellings of what occurs in the text to work on and was corrected there, in a line. `None` if nothing was.
pub(crate) fn spellings(request: &Request) -> Option<String> {
    let corrections = &request.wishes.corrections;
    if corrections.is_empty() || request.task.reads_summary() {
        return None;
    }
    let mut left = SPELLING_TOKENS - tokens::estimate("Spelled as here: .");
    let mut shown: Vec<String> = Vec::new();
    let draft = request.draft.as_deref().unwrap_or("");
    let blocks = request.portions.iter().map(|portion| &*portion.block);
    let texts = [draft, &request.block].into_iter().chain(blocks);
    for entry in texts.flat_map(|text| corrections.occurring(text)) {
        let right = neutralized(&entry.right, &request.fence).into_owned();
        let cost = tokens::estimate(&right) + Tokens(2);
        if shown.contains(&right) {
            continue;
        }
        if cost > left {
            break;
        }
        left = left - cost;
        shown.push(right);
    }
    (!shown.is_empty()).then(|| format!("Spelled as here: {}.", shown.join(", ")))
}
