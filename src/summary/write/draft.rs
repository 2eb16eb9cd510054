//! Requests: what each call is shown, and how long its answer may be.

use std::ops::Range;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::extract;
use crate::hex::hex;
use crate::prompt::{Prompt, Request, Task};
use crate::summary::call_plan::{ESTIMATE_ERROR, SECTION_MAX_WORDS, SECTION_MIN_WORDS};
use crate::summary::write::Settings;
use crate::text::tokens;
use crate::transcript::{Excerpt, Transcript, Turn};

/// Speakers named in a prompt at most.
const MAX_SPEAKERS: usize = 16;

/// Room in a prompt for the speakers' own words, in tokens, when a section is written from notes.
const EXCERPT_TOKENS: usize = 400;

/// What a section is written from: a part of the transcript, or notes on it.
#[derive(Debug, Clone)]
pub(crate) struct Material {
    /// Bytes of the transcript that it stands for.
    pub(crate) range: Range<usize>,
    /// Indices of the chunks.
    pub(crate) chunks: Vec<usize>,
    /// What is shown of it.
    pub(crate) block: Excerpt,
    pub(crate) from_notes: bool,
}

/// Makes the requests of one job.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drafter<'a> {
    pub(crate) transcript: &'a Transcript,
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
        let text = self.transcript.text();
        let turns = &self.transcript.turns;
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
            time_span: turns
                .time_span(text, &material.range)
                .map(|(from, to)| (from.to_owned(), to.to_owned())),
            speakers: within(turns.speakers_in(&material.range), style.speaker_tokens()),
            context: if material.from_notes {
                String::new()
            } else {
                self.context(material.range.start, style.context_tokens())
            },
            going_on: self
                .going_on(material.range.start)
                .filter(|_| !material.from_notes),
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
            request.block = "".into();
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

    /// What was said just before byte `start`: the last one or two turns, as far as they are short.
    fn context(&self, start: usize, most_tokens: usize) -> String {
        let text = self.transcript.text();
        // A token has at least one byte, and rarely more than eight.
        let earliest = text.ceil_char_boundary(start.saturating_sub(most_tokens * 6));
        let turns = self.transcript.turns.starting_in(&(earliest..start));
        let starts = [turns.len().checked_sub(2), turns.len().checked_sub(1)];
        let candidates = starts
            .into_iter()
            .flatten()
            .filter_map(|at| turns.get(at))
            .map(Turn::start);
        candidates
            .filter_map(|from| text.get(from..start))
            .find(|shown| tokens::estimate(shown) <= most_tokens)
            .map(|shown| shown.trim().to_owned())
            .unwrap_or_default()
    }

    /// Who is speaking at byte `start`, if that is in the middle of a turn.
    pub(crate) fn going_on(&self, start: usize) -> Option<String> {
        let turn = self
            .transcript
            .turns
            .at(start)
            .filter(|turn| turn.start() < start)?;
        self.transcript.turns.speaker(turn).map(str::to_owned)
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
        let text = self
            .transcript
            .text()
            .get(material.range.clone())
            .unwrap_or_default();
        extract::within_tokens(text, self.going_on(material.range.start).as_deref(), spare)
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
