//! Builds requests: the text that each call is shown, and its output limit.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use sha2::{Digest, Sha256};

use crate::extract;
use crate::hex::hex;
use crate::model::window::MAX_RATIO;
use crate::model::{Answer, ErrorKind, Finish, ModelClient, ModelError};
use crate::prompt::{Brief, Portion, Prompt, Request, Task, begun};
use crate::summary::call_plan::{ESTIMATE_ERROR, SECTION_MAX_WORDS, SECTION_MIN_WORDS};
use crate::summary::check;
use crate::summary::flaw::flaw;
use crate::summary::scaffold;
use crate::summary::write::Settings;
use crate::summary::write::brief::together;
use crate::summary::write::piece::Job;
use crate::text::{Corrections, Span, Tokens, Words, tokens};
use crate::transcript::{Passage, without_invisible};

/// What stands between two stretches of the transcript in one request.
pub(crate) const LATER: &str = "\n\n[later in the recording]\n\n";

/// Maximum number of speakers named in a prompt.
const MAX_SPEAKERS: usize = 16;

/// Maximum tokens of transcript excerpts in a prompt, when a section is written from notes.
const EXCERPT_TOKENS: Tokens = Tokens(400);

/// A model of which the server counts less than one token where so many were sent has not seen the prompt.
const UNSEEN_SHARE: u64 = 10;

/// What stands in the place of an attempt's number where several sections are requested at once.
const CHAPTER: usize = 1000;

/// Bytes that no token exceeds on average in any language, and bytes of a text beyond its limit that are kept all the same.
const TOKEN_BYTES: usize = 12;
const SPARE_BYTES: usize = 4096;

/// The source of a section: a part of the transcript, or notes on it.
#[derive(Debug, Clone)]
pub(crate) struct Material {
    /// The part of the transcript that it covers.
    pub(crate) passage: Passage,
    /// Later stretches of the transcript about the same matter.
    pub(crate) more: Vec<Passage>,
    /// Indices of the chunks that it covers.
    pub(crate) chunks: Vec<usize>,
    /// The text that is shown to the model.
    pub(crate) block: Passage,
    /// Whether the block tells the time of its turns.
    pub(crate) has_times: bool,
    pub(crate) from_notes: bool,
    /// The whole transcript, for who writes about all of it or checks the summary.
    pub(crate) whole: Option<Passage>,
    /// What the writer is told of the whole recording.
    pub(crate) brief: Option<Brief>,
}

impl Material {
    /// A text that is no part of the transcript, to be shown as it is.
    pub(crate) fn of_text(text: Passage) -> Self {
        Self {
            passage: text.clone(),
            more: Vec::new(),
            chunks: Vec::new(),
            block: text,
            has_times: false,
            from_notes: false,
            whole: None,
            brief: None,
        }
    }

    /// First and last timestamp of the part.
    pub(crate) fn time_span(&self) -> Option<(String, String)> {
        let (from, to) = self.passage.time_span()?;
        let last = self.more.last().and_then(Passage::time_span);
        let to = last.map_or(to, |(_, to)| to);
        Some((from.to_string(), to.not_before(from).to_string()))
    }

    /// First and last timestamp of each stretch.
    pub(crate) fn times(&self) -> Vec<(String, String)> {
        self.stretches().filter_map(Passage::shown_times).collect()
    }

    /// The stretches of the transcript that it covers, in order.
    pub(crate) fn stretches(&self) -> impl Iterator<Item = &Passage> {
        [&self.passage].into_iter().chain(&self.more)
    }

    /// The spans of the transcript that it covers.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.stretches().map(Passage::span).collect()
    }

    /// The last stretch of the transcript that it covers.
    pub(crate) fn last(&self) -> &Passage {
        self.more.last().unwrap_or(&self.passage)
    }

    /// What was said in all that it covers.
    pub(crate) fn said(&self) -> Cow<'_, str> {
        if self.more.is_empty() {
            return Cow::Borrowed(&self.passage);
        }
        let all: Vec<&str> = self.stretches().map(|one| &**one).collect();
        Cow::Owned(all.join("\n"))
    }

    /// Names of the speakers, in order of first appearance.
    fn speakers(&self) -> Vec<&str> {
        let mut known = HashSet::new();
        let names = self.stretches().flat_map(Passage::speakers);
        names.filter(|name| known.insert(*name)).collect()
    }

    /// The parts of several sections as that of one.
    pub(crate) fn joined(all: &[Self]) -> Option<Self> {
        let mut stretches: Vec<Passage> = all.iter().flat_map(Self::stretches).cloned().collect();
        stretches.sort_by_cached_key(|one| one.span().start);
        let mut chunks: Vec<usize> = all.iter().flat_map(|one| one.chunks.clone()).collect();
        chunks.sort_unstable();
        let blocks: Vec<&str> = all.iter().map(|one| one.block.trim()).collect();
        let briefs = || all.iter().filter_map(|one| one.brief.as_ref());
        let points: String = briefs().map(|brief| brief.points.as_str()).collect();
        let first = all.first()?;
        let passage = (!stretches.is_empty()).then(|| stretches.remove(0))?;
        Some(Self {
            passage,
            more: stretches,
            chunks,
            block: Passage::of_text(blocks.join(LATER)),
            has_times: first.has_times,
            from_notes: first.from_notes,
            whole: None,
            brief: first.brief.is_some().then(|| Brief {
                points,
                ..together(briefs())
            }),
        })
    }

    /// The two halves of the part. `None` if it is too small to divide.
    pub(crate) fn halves(&self) -> Option<[Self; 2]> {
        let Self { passage, block, .. } = self;
        let parts = block.divide(tokens::estimate(block), 2);
        let [first, _] = &parts[..] else {
            return None;
        };
        // Positions in notes or extracts do not match the passage they stand for, so the passage is divided in proportion.
        let cut = if block.len() == passage.len() {
            first.span.len()
        } else {
            (passage.len() as f64 * (first.span.len() as f64 / block.len() as f64)) as usize
        };
        let half = |passage, more, block| Self {
            passage,
            more,
            chunks: self.chunks.clone(),
            block,
            has_times: self.has_times,
            from_notes: self.from_notes,
            whole: None,
            brief: self.brief.clone(),
        };
        let blocks = block.split_at(first.span.len());
        let (passages, more) = match &self.more[..] {
            [] => (passage.split_at(cut), Vec::new()),
            [second, rest @ ..] => ((passage.clone(), second.clone()), rest.to_vec()),
        };
        Some([
            half(passages.0, Vec::new(), blocks.0),
            half(passages.1, more, blocks.1),
        ])
    }
}

/// A model is given up if the first answers for so many texts at the beginning cannot be used, or all answers for so many.
const FIRST_ANSWERS: usize = 5;
const FIRST_TEXTS: usize = 3;

/// How far a text has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failed {
    /// Its first answer cannot be used.
    Once,
    /// No answer for it can be used.
    Finally,
}

/// Which of the first texts have failed, a bit each: sections and notes, once and finally.
#[derive(Debug, Default)]
pub(crate) struct FirstTexts(AtomicU16);

impl FirstTexts {
    /// Records that a text has failed, the one at `index` of `count`. Returns whether all of the first ones have.
    fn fail(&self, task: Task, (index, count): (usize, usize), how: Failed) -> bool {
        let (most, shift) = match how {
            Failed::Once => (FIRST_ANSWERS, 0),
            Failed::Finally => (FIRST_TEXTS, FIRST_ANSWERS),
        };
        if index >= most || count < most {
            return false;
        }
        let shift = match task {
            Task::Notes => shift + FIRST_ANSWERS + FIRST_TEXTS,
            _ => shift,
        };
        let (all, bit) = (((1 << most) - 1) << shift, 1 << (index + shift));
        let failed = self.0.fetch_or(bit, Ordering::Relaxed) | bit;
        failed & all == all
    }
}

/// Builds requests and sends them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drafter<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) caller: &'a ModelClient,
    /// What is replaced in answers.
    pub(crate) corrections: &'a Corrections,
    /// The largest ratio seen so far of the server's token count of a prompt to our estimate, at least 1.
    pub(crate) token_ratio: f64,
    /// Which of the first texts have failed.
    pub(crate) first: &'a FirstTexts,
    /// Whether the model may reason before it writes.
    pub(crate) thinks: bool,
}

impl Drafter<'_> {
    /// Gives the model up if this text has failed like all the first ones: no others are requested.
    ///
    /// # Errors
    /// If they have.
    pub(crate) fn fail(
        &self,
        job: &Job<'_>,
        how: Failed,
        why: Option<&str>,
    ) -> Result<(), ModelError> {
        let may_fail = matches!(job.task, Task::Section | Task::Notes) && job.place.1 > 0;
        if !may_fail || !self.first.fail(job.task, job.place, how) {
            return Ok(());
        }
        let why = why.map_or_else(String::new, |why| format!(" (the last one is {why})"));
        let message = format!(
            "none of the model's first answers can be used{why}, so no others were requested"
        );
        let error = ModelError::new(ErrorKind::Unusable, message);
        self.caller.stop(&error);
        Err(error)
    }

    /// Compares the server's count of a prompt's tokens with what was sent.
    ///
    /// # Errors
    /// If the model has not seen the prompt, or not all of it. A count of 0 says nothing.
    fn compare(&self, prompt: &Prompt, counted: u64) -> Result<(), ModelError> {
        let messages = prompt.messages();
        let texts = [&messages.system, &messages.user];
        // No vocabulary has tokens for two words.
        let words = texts.iter().map(|text| text.split_whitespace().count());
        let (least, sent) = (words.sum::<usize>() as u64, prompt.tokens().0 as u64);
        if counted == 0 || counted >= least {
            return Ok(());
        }
        self.caller.mark_unusable(prompt);
        if counted.saturating_mul(UNSEEN_SHARE) < sent {
            let message = format!(
                "the endpoint counted {counted} tokens in a prompt of about {sent}: the model does not see it. Its chat template \
                 probably drops the messages, or another program stands before it that does: check both"
            );
            let error = ModelError::new(ErrorKind::Unusable, message);
            self.caller.stop(&error);
            return Err(error);
        }
        let message = format!(
            "the endpoint counted {counted} tokens in a prompt of {least} words: it has cut the prompt, so its context window is smaller \
             than MODEL_CONTEXT_TOKENS"
        );
        let kind = ErrorKind::Overflow {
            window: None,
            prompt_tokens: None,
        };
        Err(ModelError::new(kind, message))
    }

    /// Builds a request about `material` for about `words`, or about `draft`, the text of its section. The material is
    /// left out for condensing. `place` is the index of the part and the number of parts. `attempt` makes repeated requests
    /// differ: an identical one would get the recorded answer.
    pub(crate) fn prompt(
        &self,
        task: Task,
        material: &Material,
        place: (usize, usize),
        draft: Option<&str>,
        words: Words,
        attempt: usize,
    ) -> Prompt {
        let style = self.settings.limits.style;
        let (index, parts) = place;
        let context = match &material.whole {
            Some(whole) => whole.to_string(),
            None if draft.is_some() || material.from_notes => String::new(),
            None => Self::context(&material.passage, style.context_tokens()),
        };
        let excerpts = if material.from_notes && task == Task::Section {
            self.excerpts(material)
        } else {
            String::new()
        };
        let block = match task {
            // Of notes there is nothing to understand the section by.
            Task::Condense if material.brief.is_none() => Passage::of_text(""),
            _ => material.block.clone(),
        };
        // Rules about the whole document would be lost on a text that is only shortened, and notes are the whole of what
        // their writer may use.
        let is_briefed = !matches!(task, Task::Condense | Task::Notes);
        let request = Request {
            task,
            style,
            target_words: words,
            part: (index + 1, parts),
            time_span: material.time_span(),
            speakers: within(material.speakers(), style.speaker_tokens()),
            context,
            block,
            portions: Vec::new(),
            has_times: material.has_times,
            from_notes: material.from_notes,
            excerpts,
            brief: material.brief.clone().filter(|_| is_briefed),
            draft: draft.map(Arc::from),
            wishes: self.settings.wishes.clone(),
            fence: self.fence(task, index + 1, attempt),
        };
        self.limited(request, words)
    }

    /// Builds a request for the text of `job`.
    pub(crate) fn section_prompt(&self, job: &Job<'_>, attempt: usize) -> Prompt {
        let (task, ask) = (job.task, Words(job.ask));
        self.prompt(task, job.material, job.place, None, ask, attempt)
    }

    /// Builds a request for several sections in a row.
    pub(crate) fn chapter_prompt(&self, jobs: &[Job<'_>]) -> Prompt {
        let style = self.settings.limits.style;
        let materials = || jobs.iter().map(|job| job.material);
        let words: usize = jobs.iter().map(|job| job.ask).sum();
        let portion = |job: &Job<'_>| {
            let Job { material, ask, .. } = *job;
            let points = material.brief.as_ref().map(|brief| brief.points.clone());
            Portion {
                number: job.place.0 + 1,
                words: Words(ask),
                time_span: material.time_span(),
                block: material.block.clone(),
                points: points.unwrap_or_default(),
                excerpts: match material.from_notes {
                    true => self.excerpts(material),
                    false => String::new(),
                },
            }
        };
        let mut known = HashSet::new();
        let speakers = materials().flat_map(Material::speakers);
        let speakers: Vec<&str> = speakers.filter(|name| known.insert(*name)).collect();
        let from_notes = materials().any(|material| material.from_notes);
        let first = jobs.first().filter(|_| !from_notes);
        let context = first.map_or_else(String::new, |job| {
            Self::context(&job.material.passage, style.context_tokens())
        });
        let (index, parts) = jobs.first().map_or((0, 0), |job| job.place);
        let request = Request {
            task: Task::Section,
            style,
            target_words: Words(words),
            part: (index + 1, parts),
            time_span: None,
            speakers: within(speakers, style.speaker_tokens()),
            context,
            block: Passage::of_text(""),
            portions: jobs.iter().map(portion).collect(),
            has_times: materials().any(|material| material.has_times),
            from_notes,
            excerpts: String::new(),
            brief: Some(together(materials().filter_map(|one| one.brief.as_ref()))),
            draft: None,
            wishes: self.settings.wishes.clone(),
            fence: self.fence(Task::Section, index + 1, CHAPTER),
        };
        self.limited(request, Words(words))
    }

    /// Learns from the server's token count of `prompt`, if it reports one.
    pub(crate) fn learn_ratio(&mut self, prompt: &Prompt, counted: Option<u64>) {
        // Without a count, do not render the prompt: a local model gets by without its text.
        let Some(counted) = counted else { return };
        let ratio = counted as f64 / prompt.tokens().0.max(1) as f64;
        if ratio <= MAX_RATIO {
            self.token_ratio = self.token_ratio.max(ratio);
        }
    }

    /// Sends a request. What is not shown is removed from its answer, and misheard words that the model writes all the same
    /// are replaced. Of an answer that an earlier invocation has interrupted, only the rest is requested.
    pub(crate) async fn call(&self, prompt: &Prompt) -> Result<Answer, ModelError> {
        let mut answer = self.ask(prompt).await?;
        while answer.is_interrupted {
            // Its tokens are those of several prompts, or estimated.
            answer.usage = None;
            // On the heap, because hardly any call takes it.
            let longer = Box::pin(self.longer(prompt, &answer)).await?;
            match longer {
                Some(longer) => answer = longer,
                None => break,
            }
        }
        if !self.settings.quotes {
            bound(&mut answer, prompt);
            answer.text = without_invisible(&answer.text);
        }
        Ok(match self.corrections.is_empty() {
            true => answer,
            false => Answer {
                text: self.corrections.apply(&answer.text).into_owned(),
                ..answer
            },
        })
    }

    async fn ask(&self, prompt: &Prompt) -> Result<Answer, ModelError> {
        let answer = self.caller.call(prompt).await?;
        if let Some(usage) = answer.usage.filter(|_| !answer.is_interrupted) {
            self.compare(prompt, usage.prompt_tokens)?;
        }
        Ok(answer)
    }

    /// An interrupted answer with the rest of it, or with more of it. `None` if it has to do as it is, like one that was cut off.
    async fn longer(&self, prompt: &Prompt, begun: &Answer) -> Result<Option<Answer>, ModelError> {
        let task = prompt.request().task;
        let is_flawed =
            |text: &str| !task.is_protocol() && flaw(scaffold::unwrapped(text), false).is_some();
        let more = prompt.going_on_from(&begun.text);
        if is_flawed(&begun.text) || !self.fits(&more) {
            return Ok(None);
        }
        let rest = match self.ask(&more).await {
            Err(error) if error.kind.concerns_one_call() => return Ok(None),
            rest => rest?,
        };
        let told = scaffold::without_preamble(scaffold::unwrapped(&rest.text));
        if rest.is_reasoning || is_flawed(told) || check::has_line_of(told, begun::NOW) {
            self.caller
                .mark_rejected(&more, "not the rest of an answer");
            return Ok(None);
        }
        let text = begun::joined(task, &begun.text, told);
        // Else the same would be requested over and over.
        let is_more = !rest.is_interrupted || text.len() > begun.text.len();
        Ok(is_more.then(|| Answer {
            text,
            usage: None,
            written_by: rest.written_by.clone().or_else(|| begun.written_by.clone()),
            ..rest
        }))
    }

    /// Sends a request that the summary can do without: an error that affects only this call becomes an empty answer.
    pub(crate) async fn call_or_empty(&self, prompt: &Prompt) -> Result<Answer, ModelError> {
        match self.call(prompt).await {
            Err(error) if error.kind.concerns_one_call() => Ok(Answer::default()),
            outcome => outcome,
        }
    }

    /// Whether a prompt and its answer fit the context window, given the server's token ratio so far, and what it has refused.
    pub(crate) fn fits(&self, prompt: &Prompt) -> bool {
        let limits = &self.settings.limits;
        limits.fits(|| prompt.tokens(), prompt.max_tokens(), self.token_ratio)
            && self.caller.may_fit(prompt)
    }

    /// Builds the prompt for `request`. Its output limit allows for `words`, or fewer if the context window is too
    /// small.
    fn limited(&self, request: Request, words: Words) -> Prompt {
        let limits = &self.settings.limits;
        let wanted = limits.max_tokens(words);
        let prompt = Prompt::new(request, wanted).thinking(self.thinks);
        let Some(context) = limits.context_tokens else {
            return prompt;
        };
        let ratio = self.token_ratio.max(ESTIMATE_ERROR);
        let counted = Tokens((prompt.tokens().0 as f64 * ratio) as usize);
        // Leave room for a section of minimum length. If even that is too much, `fits` fails and the part is split.
        let least = limits.max_tokens(words.min(SECTION_MIN_WORDS));
        let limit = wanted.min(context - counted).max(least.min(wanted));
        prompt.with_max_tokens(limit)
    }

    /// The context before a passage: the last one or two segments, if they have at most `most` estimated tokens.
    fn context(passage: &Passage, most: Tokens) -> String {
        // Skip segments that are probably too long: a token rarely has more than six bytes.
        let preceding = [2, 1].map(|count| passage.preceding(count, most.0 * 6));
        let mut candidates = preceding.into_iter().flatten();
        candidates
            .find(|shown| tokens::estimate(shown) <= most)
            .map(|shown| shown.trim().to_owned())
            .unwrap_or_default()
    }

    /// The most informative sentences of the passage that the notes were taken on.
    fn excerpts(&self, material: &Material) -> String {
        let Settings { limits, wishes, .. } = self.settings;
        let room = limits.beside(wishes).block_beside(SECTION_MAX_WORDS);
        let spare = room.unwrap_or_default() - tokens::estimate(&material.block);
        extract::within_tokens(&material.passage, spare.min(EXCERPT_TOKENS)).to_string()
    }

    /// Hex digits that cannot be predicted without the job's id. They are the same whenever the job is resumed.
    fn fence(&self, task: Task, part: usize, attempt: usize) -> String {
        let (seed, task) = (&self.settings.seed, task.name());
        let digest = Sha256::digest(format!("{seed}/{task}/{part}/{attempt}"));
        hex(&digest, 8)
    }
}

/// Cuts a text that is longer than its request allows: the server ignored the limit, and all that follows would have to be read.
fn bound(answer: &mut Answer, prompt: &Prompt) {
    let most = prompt.max_tokens().0.saturating_mul(TOKEN_BYTES) + SPARE_BYTES;
    if answer.text.len() > most && !prompt.request().task.is_protocol() {
        answer.text.truncate(answer.text.floor_char_boundary(most));
        answer.finish = Finish::Length;
    }
}

/// The first names that fit in `most`, at most [`MAX_SPEAKERS`].
fn within(names: Vec<&str>, most: Tokens) -> Vec<String> {
    let mut left = most;
    let mut kept = Vec::new();
    for name in names.into_iter().take(MAX_SPEAKERS) {
        // Two more for the comma.
        let cost = tokens::estimate(name) + Tokens(2);
        if cost > left {
            break;
        }
        left = left - cost;
        kept.push(name.to_owned());
    }
    kept
}
