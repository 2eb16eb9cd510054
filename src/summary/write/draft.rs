//! Requests: what each call is shown, and how long its answer may be.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::extract;
use crate::hex::hex;
use crate::prompt::{Prompt, Request, Task};
use crate::summary::call_plan::{ESTIMATE_ERROR, SECTION_MAX_WORDS, SECTION_MIN_WORDS};
use crate::summary::write::Settings;
use crate::text::tokens;
use crate::transcript::Passage;

/// Speakers named in a prompt at most.
const MAX_SPEAKERS: usize = 16;

/// Room in a prompt for the speakers' own words, in tokens, when a section is written from notes.
const EXCERPT_TOKENS: usize = 400;

/// What a section is written from: a part of the transcript, or notes on it.
#[derive(Debug, Clone)]
pub(crate) struct Material {
    /// The part of the transcript that it stands for.
    pub(crate) passage: Passage,
    /// Indices of the chunks.
    pub(crate) chunks: Vec<usize>,
    /// What is shown of it.
    pub(crate) block: Passage,
    pub(crate) from_notes: bool,
}

/// Makes the requests of one job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drafter<'a> {
    pub(crate) settings: &'a Settings,
    /// The largest ratio of a server's count of a prompt's tokens to the estimate that has been seen, at least 1.
    pub(crate) token_ratio: f64,
}

impl Drafter<'_> {
    /// A request about `material`, the `index`-th of `parts`, for about `words` words. `attempt` tells repetitions apart: the
    /// same request would get the same answer.
    pub(crate) fn about(
        &self,
        task: Task,
        material: &Material,
        place: (usize, usize),
        words: usize,
        attempt: usize,
    ) -> Prompt {
        let request = self.request(task, material, place, words, attempt);
        self.limited(request, words)
    }

    fn request(
        &self,
        task: Task,
        material: &Material,
        place: (usize, usize),
        words: usize,
        attempt: usize,
    ) -> Request {
        let style = self.settings.limits.style;
        let (index, parts) = place;
        let excerpts = if material.from_notes && task == Task::Section {
            self.excerpts(material)
        } else {
            String::new()
        };
        Request {
            task,
            style,
            target_words: words,
            part: (index + 1, parts),
            time_span: material
                .passage
                .time_span()
                .map(|(from, to)| (from.to_owned(), to.to_owned())),
            speakers: within(material.passage.speakers(), style.speaker_tokens()),
            context: if material.from_notes {
                String::new()
            } else {
                Self::context(&material.passage, style.context_tokens())
            },
            block: material.block.clone(),
            from_notes: material.from_notes,
            excerpts,
            draft: None,
            fence: self.fence(task, index + 1, attempt),
        }
    }

    /// A request that works on a section's text, with or without its material.
    pub(crate) fn on_draft(
        &self,
        task: Task,
        material: &Material,
        place: (usize, usize),
        draft: &str,
        words: usize,
        attempt: usize,
    ) -> Prompt {
        let mut request = self.request(task, material, place, words, attempt);
        request.draft = Some(Arc::from(draft));
        request.context = String::new();
        if task == Task::Condense {
            request.block = Passage::of_text("");
        }
        self.limited(request, words)
    }

    /// Whether the window has room for a prompt, as far as is known how the server counts.
    pub(crate) fn fits(&self, prompt: &Prompt) -> bool {
        self.settings
            .limits
            .fits(|| prompt.tokens(), prompt.max_tokens(), self.token_ratio)
    }

    /// The prompt for `request`, with the output limit for `words` words or what the window leaves of it.
    fn limited(&self, request: Request, words: usize) -> Prompt {
        let limits = &self.settings.limits;
        let wanted = limits.max_tokens(words);
        let prompt = Prompt::new(request, wanted);
        let Some(context) = limits.context_tokens else {
            return prompt;
        };
        let counted = (prompt.tokens() as f64 * self.token_ratio.max(ESTIMATE_ERROR)) as usize;
        // Never below what was planned: then the request is refused and split.
        let least = limits.max_tokens(words.min(SECTION_MIN_WORDS));
        let limit = wanted
            .min(context.saturating_sub(counted))
            .max(least.min(wanted));
        prompt.with_max_tokens(limit)
    }

    /// What was said just before a passage: the last one or two turns, as far as they are short.
    fn context(passage: &Passage, most_tokens: usize) -> String {
        // A token has at least one byte, and rarely more than eight.
        let preceding = [2, 1].map(|count| passage.preceding(count, most_tokens * 6));
        let mut candidates = preceding.into_iter().flatten();
        candidates
            .find(|shown| tokens::estimate(shown) <= most_tokens)
            .map(|shown| shown.trim().to_owned())
            .unwrap_or_default()
    }

    /// The most telling sentences of what notes were taken on.
    fn excerpts(&self, material: &Material) -> String {
        let room = self
            .settings
            .limits
            .block_tokens(self.settings.limits.max_tokens(SECTION_MAX_WORDS));
        let spare = room
            .unwrap_or_default()
            .saturating_sub(tokens::estimate(&material.block))
            .min(EXCERPT_TOKENS);
        extract::within_tokens(&material.passage, spare).to_string()
    }

    /// Hex digits that nobody can foresee who does not know the job, the same whenever it is resumed.
    fn fence(&self, task: Task, part: usize, attempt: usize) -> String {
        let digest = Sha256::digest(format!(
            "{}/{}/{part}/{attempt}",
            self.settings.seed,
            task.name()
        ));
        hex(&digest, 8)
    }
}

/// As many of the names as have room in `most_tokens`.
fn within(names: Vec<&str>, most_tokens: usize) -> Vec<String> {
    let mut left = most_tokens;
    let mut kept = Vec::new();
    for name in names.into_iter().take(MAX_SPEAKERS) {
        // With its comma.
        let cost = tokens::estimate(name) + 2;
        if cost > left {
            break;
        }
        left -= cost;
        kept.push(name.to_owned());
    }
    kept
}
