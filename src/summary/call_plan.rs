//! Plans the number and size of the model calls for a transcript. Pure arithmetic, no I/O.
//!
//! Let N be the tokens of the transcript, T the words to write, and I the maximum number of transcript tokens in a request
//! (models overlook facts in the middle of long inputs). There are at least max(T/500, N/I) sections, and more if the
//! context window is too small for that. If each section can still have at least 150 words, every part of the transcript
//! becomes one section.
//!
//! Otherwise notes are taken first, in one or more levels. Each level is about two to ten times shorter than its input. The
//! plan aims for 2.5 tokens of notes for every word to write, plus a reserve: with fewer, the model starts to invent.
//!
//! If either plan takes more calls than allowed, only the most informative sentences of each part are shown to the model.

use std::ops::{Range, RangeInclusive};

use crate::prompt::{Style, Wishes};
use crate::text::{Tokens, Words};

/// Maximum length of a section. Models reliably write this much in one answer.
pub(crate) const SECTION_MAX_WORDS: Words = Words(500);

/// Minimum length of a section. Anything shorter is little more than a heading.
pub(crate) const SECTION_MIN_WORDS: Words = Words(150);

/// Tokens reserved for each word of an answer: 1.8, plus 10% so that a long answer is not cut off.
const RESERVED_PER_WORD: f64 = 1.8 * 1.1;

/// Tokens of notes for each word of summary: 2.5, plus 35%. With fewer, the model starts to invent.
const NOTES_PER_WORD: f64 = 2.5 * 1.35;

/// Default ratio of the transcript's length to the length of its notes.
const NOTES_SHARE: f64 = 8.0;

/// Maximum compression ratio of one level of notes: with a higher one, too much is left out at once.
const LEVEL_RATIO: f64 = 10.0;

/// Minimum compression ratio of one level of notes. It guarantees that every level makes progress.
const LEVEL_MIN_RATIO: f64 = 2.0;

/// Assumed upper bound for the ratio of the server's token count to our estimate.
pub(crate) const ESTIMATE_ERROR: f64 = 1.2;

/// Tokens of the context window that are left unused, as a safety margin.
const MARGIN_TOKENS: Tokens = Tokens(48);

/// Minimum window for an outline, and the maximum size of the text that it is made from: a share of the window, and tokens.
const OUTLINE_MIN_CONTEXT: Tokens = Tokens(16_000);
const OUTLINE_SHARE: f64 = 0.7;
const OUTLINE_MAX_TOKENS: Tokens = Tokens(64_000);

/// Words for which an outline's output limit allows.
pub(crate) const OUTLINE_WORDS: Words = Words(2000);

/// Maximum tokens of what a request tells of the whole recording, with the rules that this takes.
pub(crate) const BRIEF_TOKENS: Tokens = Tokens(2800);

/// Words of sections that are requested at once: one for so many tokens of the window, within bounds. Who writes all of them
/// tells each matter once and where it belongs; but models with smaller windows write far less in one answer than they are
/// asked to.
const TOKENS_PER_CHAPTER_WORD: usize = 28;
const CHAPTER_WORDS: RangeInclusive<usize> = 1000..=4500;

/// An answer of so many words is a long one.
const LONG_ANSWER_WORDS: usize = 3000;

/// Maximum tokens of transcript in a request for several sections: for each of its words, or in all.
const CHAPTER_TOKENS_PER_WORD: usize = 10;
const CHAPTER_TOKENS: Tokens = Tokens(24_000);

/// Share of its token limit that a chunk is planned to fill. The rest allows cutting at good boundaries.
const FILL: f64 = 0.93;

/// Minimum size of a block of text: a smaller one is not worth a request.
const MIN_BLOCK_TOKENS: Tokens = Tokens(48);

/// Limits set by the model and by the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Context window, input and output together. `None` for a model without a limit.
    pub context_tokens: Option<Tokens>,
    /// Output tokens reserved for reasoning.
    pub reasoning_tokens: Tokens,
    /// Maximum tokens of transcript in one request.
    pub chunk_tokens: Tokens,
    /// Maximum number of calls.
    pub max_calls: usize,
    /// Prompt style.
    pub style: Style,
    /// Whether the model can write an outline: one that only quotes cannot.
    pub outline: bool,
}

impl Limits {
    /// Maximum tokens of text in the request for an outline. `None` if the model writes none, or its window is too small.
    pub(crate) fn outline_tokens(&self) -> Option<Tokens> {
        let window = self.context_tokens.unwrap_or(Tokens(usize::MAX));
        if !self.outline || self.style != Style::Full || window < OUTLINE_MIN_CONTEXT {
            return None;
        }
        let most = Tokens((window.0 as f64 * OUTLINE_SHARE) as usize).min(OUTLINE_MAX_TOKENS);
        let limits = Self {
            chunk_tokens: most,
            ..self.briefed()
        };
        limits.block_beside(OUTLINE_WORDS)
    }

    /// The limits for a request that also tells what is known of the whole recording.
    pub(crate) fn briefed(&self) -> Self {
        let brief = Tokens((BRIEF_TOKENS.0 as f64 * ESTIMATE_ERROR) as usize);
        Self {
            context_tokens: self.context_tokens.map(|context| context - brief),
            ..*self
        }
    }

    /// Maximum tokens of text in a request for several sections that also tells what is known of the whole recording.
    fn chapter_tokens(&self) -> Tokens {
        let limits = Self {
            chunk_tokens: CHAPTER_TOKENS
                .max(Tokens(self.chapter_words() * CHAPTER_TOKENS_PER_WORD)),
            ..self.briefed()
        };
        limits
            .block_beside(Words(self.chapter_words()))
            .unwrap_or_default()
    }

    /// Maximum words of sections that are requested at once.
    fn chapter_words(&self) -> usize {
        let (least, most) = CHAPTER_WORDS.into_inner();
        let window = self.context_tokens.unwrap_or_default();
        (window.0 / TOKENS_PER_CHAPTER_WORD).clamp(least, most)
    }

    /// Whether the sections of a whole summary of usual length may be requested at once.
    pub(crate) fn are_for_long_answers(&self) -> bool {
        self.chapter_words() >= LONG_ANSWER_WORDS
    }

    /// Which of consecutive sections are written together, by their words and by the tokens of their parts: as few chapters
    /// of about equal length as possible.
    pub(crate) fn chapters(&self, sizes: &[(usize, Tokens)]) -> Vec<Range<usize>> {
        chapters(sizes, self.chapter_words(), self.chapter_tokens())
    }

    /// The limits for requests that also have these wishes, as far as they are obeyed.
    #[must_use]
    pub fn beside(&self, wishes: &Wishes) -> Self {
        let (wishes, _) = wishes.obeyed(self, None);
        let told = Tokens((wishes.tokens().0 as f64 * ESTIMATE_ERROR) as usize);
        Self {
            context_tokens: self.context_tokens.map(|context| context - told),
            ..*self
        }
    }

    /// The output limit for an answer of `words`, reasoning included.
    #[must_use]
    pub fn max_tokens(&self, words: Words) -> Tokens {
        self.output_tokens(words) + self.reasoning_tokens
    }

    fn output_tokens(&self, words: Words) -> Tokens {
        let tokens = Tokens((words.0 as f64 * RESERVED_PER_WORD).ceil() as usize);
        self.half().map_or(tokens, |half| tokens.min(half))
    }

    /// Half of the context window, for encoder-decoder models only: encoder and decoder have separate windows of the same
    /// size, and `context_tokens` is their sum.
    fn half(&self) -> Option<Tokens> {
        self.context_tokens
            .filter(|_| self.style == Style::Bare)
            .map(|context| Tokens(context.0 / 2))
    }

    /// Maximum tokens of text in a request, next to the prompt and an answer of `output`, even if the server counts 20%
    /// more than the estimate. `None` if that leaves too little to be worth sending.
    #[must_use]
    pub fn block_tokens(&self, output: Tokens) -> Option<Tokens> {
        let Some(context) = self.context_tokens else {
            return Some(self.chunk_tokens);
        };
        let input = context - (MARGIN_TOKENS + self.reasoning_tokens + output);
        let input = self.half().map_or(input, |half| input.min(half));
        let prompt = Tokens((input.0 as f64 / ESTIMATE_ERROR) as usize);
        let block = prompt - self.style.overhead_tokens();
        (block >= MIN_BLOCK_TOKENS).then_some(block.min(self.chunk_tokens))
    }

    /// Maximum tokens of text in a request, next to the prompt and an answer of `words`.
    #[must_use]
    pub(crate) fn block_beside(&self, words: Words) -> Option<Tokens> {
        self.block_tokens(self.output_tokens(words))
    }

    /// Whether a prompt of `prompt` estimated tokens and an answer of at most `max_tokens` fit the context window, if the
    /// server counts `ratio` times the estimate. Without a window, `prompt` is not called: rendering a prompt takes several
    /// times the memory of its text.
    #[must_use]
    pub fn fits(&self, prompt: impl FnOnce() -> Tokens, max_tokens: Tokens, ratio: f64) -> bool {
        let counted = || Tokens((prompt().0 as f64 * ratio).ceil() as usize);
        self.context_tokens
            .is_none_or(|context| counted() + max_tokens <= context)
    }
}

/// The number and size of the calls for one transcript.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Number of parts of the transcript; each is sent once.
    pub chunks: usize,
    /// Maximum tokens of text in a request about a part.
    pub chunk_tokens: Tokens,
    /// Share of each part that is shown to the model. Below 1 if showing everything would take more calls than allowed.
    pub shown: f64,
    /// Levels of notes between parts and sections. Empty if sections are written directly from the parts.
    pub levels: Vec<Level>,
    /// Number of sections to write.
    pub sections: usize,
}

/// A level of notes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Number of calls.
    pub calls: usize,
    /// Maximum tokens of text in each request.
    pub input_tokens: Tokens,
    /// Compression ratio: length of the input divided by the length of the notes.
    pub ratio: f64,
}

impl Shape {
    /// Number of calls, not counting the overview.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.sections + self.levels.iter().map(|level| level.calls).sum::<usize>()
    }
}

/// Reasons why there is no possible plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// The context window leaves no room for text.
    #[error(
        "MODEL_CONTEXT_TOKENS is {context}, which leaves no room for a transcript beside the prompt ({prompt} tokens), \
         MODEL_REASONING_TOKENS ({reasoning}) and the answer: use a model with a larger window"
    )]
    NoRoom {
        /// Context window in tokens.
        context: usize,
        /// Tokens of the prompt without the text.
        prompt: usize,
        /// Tokens reserved for reasoning.
        reasoning: usize,
    },
    /// Even the smallest plan takes more calls than allowed.
    #[error(
        "MAX_MODEL_CALLS is {limit}, and a summary of this length takes at least {calls} calls: raise it, or lower SUMMARY_WORDS"
    )]
    TooManyCalls {
        /// Number of calls of the smallest plan.
        calls: usize,
        /// Maximum number of calls.
        limit: usize,
    },
}

/// Consecutive sections in as few chapters of about equal length as possible, each with about `length` words and at most
/// `most` tokens of text.
fn chapters(sizes: &[(usize, Tokens)], length: usize, most: Tokens) -> Vec<Range<usize>> {
    let all: usize = sizes.iter().map(|(words, _)| words).sum();
    let count = all.div_ceil(length).max(1);
    let sections = length / SECTION_MIN_WORDS.0;
    let mut chapters: Vec<Range<usize>> = Vec::new();
    let (mut before, mut tokens) = (0, Tokens(0));
    for (at, (words, size)) in sizes.iter().enumerate() {
        // The middle of a section decides to which chapter it belongs.
        let is_next = (before + words / 2) * count > all * chapters.len();
        match chapters.last_mut() {
            Some(last) if !is_next && last.len() < sections && tokens + *size <= most => {
                last.end += 1;
                tokens = tokens + *size;
            }
            _ => {
                chapters.push(at..at + 1);
                tokens = *size;
            }
        }
        before += words;
    }
    chapters
}

/// Plans the calls for a transcript of `tokens` estimated tokens, to be summarized in sections of `words` in total,
/// with at most `calls` calls.
///
/// # Errors
/// If the context window is too small, or too few calls are allowed.
pub fn shape(
    tokens: Tokens,
    words: Words,
    calls: usize,
    limits: &Limits,
) -> Result<Shape, ShapeError> {
    let no_room = || ShapeError::NoRoom {
        context: limits.context_tokens.unwrap_or_default().0,
        prompt: limits.style.overhead_tokens().0,
        reasoning: limits.reasoning_tokens.0,
    };
    let whole = with_shown(tokens, words, 1.0, limits).ok_or_else(no_room)?;
    if whole.calls() <= calls {
        return Ok(whole);
    }
    // Binary search for the largest share of the transcript that fits. Good enough, although the number of calls is not
    // strictly monotonic in the number of tokens.
    let (mut fits, mut low, mut high) = (None, 0.0, 1.0);
    for _ in 0..12 {
        let middle = f64::midpoint(low, high);
        match with_shown(tokens, words, middle, limits) {
            Some(shape) if shape.calls() <= calls => {
                fits = Some(shape);
                low = middle;
            }
            _ => high = middle,
        }
    }
    fits.ok_or(ShapeError::TooManyCalls {
        calls: words.0.div_ceil(SECTION_MAX_WORDS.0) + 1,
        limit: limits.max_calls,
    })
}

fn with_shown(tokens: Tokens, words: Words, shown: f64, limits: &Limits) -> Option<Shape> {
    let effective = Tokens((tokens.0 as f64 * shown).ceil() as usize);
    let most = (words.0 / SECTION_MIN_WORDS.0).max(1);
    if let Some((sections, chunk_tokens)) = sections(effective, words, most, limits) {
        return Some(Shape {
            chunks: sections,
            chunk_tokens,
            shown,
            levels: Vec::new(),
            sections,
        });
    }
    let levels = notes(effective, words, most, limits)?;
    let first = levels.first()?;
    let left = levels
        .iter()
        .fold(effective.0 as f64, |tokens, level| tokens / level.ratio)
        .ceil() as usize;
    let sections =
        sections(Tokens(left), words, most, limits).map_or(most, |(sections, _)| sections);
    Some(Shape {
        chunks: first.calls,
        chunk_tokens: first.input_tokens,
        shown,
        sections,
        levels,
    })
}

/// The smallest number of sections for `tokens` tokens of text, normally at most `most`, and the maximum tokens of text
/// for each.
fn sections(tokens: Tokens, words: Words, most: usize, limits: &Limits) -> Option<(usize, Tokens)> {
    let by_length = words.0.div_ceil(SECTION_MAX_WORDS.0);
    let fewest = by_length.max(parts(tokens, limits.chunk_tokens)).max(1);
    (fewest..=most.max(by_length)).find_map(|count| {
        let block = limits.block_beside(Words(words.0.div_ceil(count)))?;
        (parts(tokens, block) <= count).then_some((count, block))
    })
}

/// Number of parts when each has at most `block` tokens.
fn parts(tokens: Tokens, block: Tokens) -> usize {
    (tokens.0 as f64 / (block.0 as f64 * FILL)).ceil() as usize
}

/// The levels of notes needed before the sections can be written.
fn notes(tokens: Tokens, words: Words, most: usize, limits: &Limits) -> Option<Vec<Level>> {
    let block = limits.block_beside(Words(words.0.div_ceil(most)))?;
    let needed = words.0 as f64 * NOTES_PER_WORD;
    let room = most as f64 * block.0 as f64 * FILL;
    let wanted = (tokens.0 as f64 / NOTES_SHARE).max(needed).min(room);
    let overall = (tokens.0 as f64 / wanted).max(LEVEL_MIN_RATIO);
    let count = (overall.ln() / LEVEL_RATIO.ln()).ceil().max(1.0);
    let ratio = overall.powf(1.0 / count).max(LEVEL_MIN_RATIO);
    let input_tokens = notes_input(ratio, limits)?;
    let mut left = tokens.0 as f64;
    let levels = (0..count as usize).map(|_| {
        let level = Level {
            calls: parts(Tokens(left.ceil() as usize), input_tokens),
            input_tokens,
            ratio,
        };
        left /= ratio;
        level
    });
    Some(levels.collect())
}

/// Maximum tokens of text in a request for notes `ratio` times shorter. Text and notes share the context window.
fn notes_input(ratio: f64, limits: &Limits) -> Option<Tokens> {
    let mut input = limits.chunk_tokens.min(limits.block_tokens(Tokens(0))?);
    // Less text means shorter notes, which in turn leaves more room. Reduce the text by 5% until both fit.
    for _ in 0..40 {
        if limits
            .block_tokens(notes_output(input, ratio))
            .is_some_and(|room| room >= input)
        {
            return Some(input);
        }
        input = Tokens(input.0 * 19 / 20);
    }
    None
}

/// Output tokens of the notes on `input` of text, with a reserve of 10%.
#[must_use]
pub fn notes_output(input: Tokens, ratio: f64) -> Tokens {
    Tokens((input.0 as f64 / ratio * 1.1).ceil() as usize)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits(context: usize, style: Style) -> Limits {
        let reasoning_tokens = Tokens(if context >= 16_384 { 1024 } else { 0 });
        Limits {
            context_tokens: Some(Tokens(context)),
            reasoning_tokens,
            chunk_tokens: Tokens(6000),
            max_calls: 150,
            style,
            outline: false,
        }
    }

    #[test]
    fn chapters_are_few_and_about_equal() {
        let of = |words: &[usize], tokens: usize, most: usize| -> Vec<usize> {
            let sizes: Vec<(usize, Tokens)> =
                words.iter().map(|&words| (words, Tokens(tokens))).collect();
            let chapters = chapters(&sizes, 1000, Tokens(most));
            let end = chapters.iter().fold(0, |end, chapter| {
                assert_eq!(chapter.start, end);
                chapter.end
            });
            assert_eq!(end, words.len());
            chapters.iter().map(ExactSizeIterator::len).collect()
        };
        assert_eq!(of(&[300; 10], 500, 9000), [3, 4, 3]);
        assert_eq!(of(&[900, 100, 100, 900], 500, 9000), [2, 2]);
        assert_eq!(of(&[100; 8], 500, 9000), [6, 2]);
        assert_eq!(of(&[300; 4], 500, 900), [1, 1, 1, 1]);
        assert_eq!(of(&[1500, 200, 200], 500, 9000), [1, 2]);
        assert_eq!(of(&[400], 9999, 900), [1]);
        assert!(of(&[], 0, 900).is_empty());
    }

    #[test]
    fn calls_grow_as_measured() {
        // Transcripts of 10,000, 100,000 and 300,000 words, at 1.45 tokens per word of conversation, margin included.
        for (words, context, style, most) in [
            (10_000, 2048, Style::Compact, 16),
            (10_000, 8192, Style::Full, 9),
            (100_000, 8192, Style::Full, 40),
            (100_000, 32_768, Style::Full, 36),
            (300_000, 131_072, Style::Full, 90),
        ] {
            let limits = Limits {
                max_calls: 1000,
                ..limits(context, style)
            };
            let shape = shape(Tokens(words * 145 / 100), Words(3800), 1000, &limits).unwrap();
            assert!(
                shape.calls() <= most,
                "{words} words at {context}: {shape:?}"
            );
        }
    }

    #[test]
    fn too_many_calls_show_less_of_each_part() {
        let limits = limits(2048, Style::Compact);
        let shape = shape(Tokens(430_000), Words(3800), 134, &limits).unwrap();
        assert!(
            shape.calls() <= 134 && shape.shown < 1.0 && shape.shown > 0.05,
            "{shape:?}"
        );
        let shape = crate::summary::call_plan::shape(Tokens(430_000), Words(3800), 4, &limits);
        assert!(shape.is_err());
    }

    #[test]
    fn a_window_without_room_is_an_error() {
        let error = shape(Tokens(10_000), Words(3800), 100, &limits(700, Style::Full))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("MODEL_CONTEXT_TOKENS is 700"), "{error}");
    }

    /// Random tokens of transcript, requested words, limits, and ratio of the server's token count to the estimate.
    fn plans() -> impl Strategy<Value = (Tokens, Words, Limits, f64)> {
        let limits = (
            1024..200_000_usize,
            0..2048_usize,
            100..20_000_usize,
            20..400_usize,
            any::<bool>(),
        );
        let limits = limits.prop_map(
            |(context, reasoning_tokens, chunk_tokens, max_calls, bare)| {
                let style = match bare {
                    true => Style::Bare,
                    false if context < 6000 => Style::Compact,
                    false => Style::Full,
                };
                Limits {
                    context_tokens: Some(Tokens(context)),
                    reasoning_tokens: Tokens(reasoning_tokens),
                    chunk_tokens: Tokens(chunk_tokens),
                    max_calls,
                    style,
                    outline: false,
                }
            },
        );
        let (tokens, words) = (100..2_000_000_usize, 50..6000_usize);
        (
            tokens.prop_map(Tokens),
            words.prop_map(Words),
            limits,
            0.8..1.2_f64,
        )
    }

    fn every_request_fits(
        (tokens, words, limits, error): (Tokens, Words, Limits, f64),
    ) -> Result<(), TestCaseError> {
        let Ok(shape) = shape(tokens, words, limits.max_calls, &limits) else {
            return Ok(());
        };
        let context = limits.context_tokens.unwrap();
        let (reasoning, half) = (limits.reasoning_tokens, Tokens(context.0 / 2));
        prop_assert!(shape.calls() <= limits.max_calls);
        prop_assert!(shape.sections >= 1 && shape.chunks >= 1);
        let request = |block: Tokens, output: Tokens| {
            let prompt = (block + limits.style.overhead_tokens()).0 as f64 * error;
            Tokens(prompt.ceil() as usize) + output + reasoning
        };
        if limits.style == Style::Bare {
            prop_assert!(request(shape.chunk_tokens, Tokens(0)) - reasoning <= half);
            prop_assert!(limits.max_tokens(words) - reasoning <= half);
        }
        for level in &shape.levels {
            prop_assert!(level.ratio >= LEVEL_MIN_RATIO);
            let output = notes_output(level.input_tokens, level.ratio);
            prop_assert!(request(level.input_tokens, output) <= context);
        }
        if shape.levels.is_empty() {
            let target = Words(words.0.div_ceil(shape.sections));
            prop_assert!(request(shape.chunk_tokens, limits.output_tokens(target)) <= context);
            prop_assert!(shape.chunk_tokens <= limits.chunk_tokens);
            let shown = Tokens((tokens.0 as f64 * shape.shown) as usize);
            prop_assert!(parts(shown, shape.chunk_tokens) <= shape.sections);
        }
        Ok(())
    }

    fn cases(cases: u32) -> ProptestConfig {
        ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::with_cases(cases)
        }
    }

    proptest! {
        #![proptest_config(cases(500))]
        #[test]
        fn no_request_exceeds_the_window(plan in plans()) {
            every_request_fits(plan)?;
        }
    }

    proptest! {
        #![proptest_config(cases(100_000))]
        #[test]
        #[ignore = "long: run by the gate"]
        fn no_request_exceeds_the_window_in_any_of_many_plans(plan in plans()) {
            every_request_fits(plan)?;
        }
    }
}
