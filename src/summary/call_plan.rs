//! Plans how many calls of what size a transcript takes: arithmetic alone.
//!
//! With N tokens of transcript, T words to write, a window of U tokens beside prompt and reasoning, and at most I tokens of
//! transcript in a request (facts in the middle of long inputs get lost), there are at least max(T/500, N/I) sections, and
//! as many more as the window asks for. If that leaves sections of 150 words or more, each part becomes one section.
//! Otherwise notes are taken first, level by level, each two to ten times shorter than what it is taken from; at least 2.5
//! tokens of notes are kept for each word to be written, or the writer invents. If that takes more calls than allowed, only
//! the most telling sentences of each part are shown.

use crate::prompt::Style;

/// Longest section: what models write reliably in one answer.
pub(crate) const SECTION_MAX_WORDS: usize = 500;

/// Shortest section: less is a heading with a remark.
pub(crate) const SECTION_MIN_WORDS: usize = 150;

/// Tokens reserved for each word of an answer: 1.8, and a tenth more so that a long answer is not cut off.
const RESERVED_PER_WORD: f64 = 1.8 * 1.1;

/// Tokens of notes for each word that is written from them: fewer, and the writer invents.
const NOTES_PER_WORD: f64 = 2.5 * 1.35;

/// Notes are so much shorter than the transcript, if nothing else decides.
const NOTES_SHARE: f64 = 8.0;

/// A level of notes is at most so many times shorter, or too much is left out at once.
const LEVEL_RATIO: f64 = 10.0;

/// And at least so many times, or the levels would never end.
const LEVEL_MIN_RATIO: f64 = 2.0;

/// How far a server's own count of a prompt may lie above the estimate.
pub(crate) const ESTIMATE_ERROR: f64 = 1.2;

/// Tokens left free at the end of the window.
const MARGIN_TOKENS: usize = 48;

/// Share of its room that a chunk is planned to fill: the rest lets cuts look for good boundaries.
const FILL: f64 = 0.93;

/// Nothing is planned for blocks that are smaller than this.
const MIN_BLOCK_TOKENS: usize = 48;

/// What a model and its operator allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The window, input and output together. `None` for a model without one.
    pub context_tokens: Option<usize>,
    /// Output tokens kept for a model that thinks before it writes.
    pub reasoning_tokens: usize,
    /// Most tokens of transcript in one request.
    pub chunk_tokens: usize,
    /// Calls that are never exceeded.
    pub max_calls: usize,
    /// How requests are worded.
    pub style: Style,
}

impl Limits {
    /// The output limit of an answer of `words` words.
    #[must_use]
    pub fn max_tokens(&self, words: usize) -> usize {
        self.output_tokens(words) + self.reasoning_tokens
    }

    fn output_tokens(&self, words: usize) -> usize {
        let tokens = (words as f64 * RESERVED_PER_WORD).ceil() as usize;
        self.half().map_or(tokens, |half| tokens.min(half))
    }

    /// An encoder reads and a decoder writes in windows of their own, of the same size: each has half of what both have
    /// together.
    fn half(&self) -> Option<usize> {
        self.context_tokens
            .filter(|_| self.style == Style::Bare)
            .map(|context| context / 2)
    }

    /// Tokens that a request's text may have beside the prompt and `output` tokens of answer, even if the server counts a
    /// fifth more than the estimate. `None` if that leaves less than is worth sending.
    #[must_use]
    pub fn block_tokens(&self, output: usize) -> Option<usize> {
        let Some(context) = self.context_tokens else {
            return Some(self.chunk_tokens);
        };
        let input = context.checked_sub(MARGIN_TOKENS + self.reasoning_tokens + output)?;
        let input = self.half().map_or(input, |half| input.min(half));
        let block = (input as f64 / ESTIMATE_ERROR) as usize;
        let block = block.checked_sub(self.style.overhead_tokens())?;
        (block >= MIN_BLOCK_TOKENS).then_some(block.min(self.chunk_tokens))
    }

    /// Whether a prompt of `prompt` estimated tokens and an answer of at most `max_tokens` fit the window, if the server
    /// counts `ratio` times the estimate. Without a window nothing is counted: to put a prompt together takes several times
    /// the memory of its text.
    #[must_use]
    pub fn fits(&self, prompt: impl FnOnce() -> usize, max_tokens: usize, ratio: f64) -> bool {
        self.context_tokens
            .is_none_or(|context| (prompt() as f64 * ratio).ceil() as usize + max_tokens <= context)
    }
}

/// How a transcript is worked through.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Parts of the transcript, each sent once.
    pub chunks: usize,
    /// Most tokens of text in the requests about parts.
    pub chunk_tokens: usize,
    /// How much of each part is shown, 1 for all of it: less, if more calls than allowed would be needed otherwise.
    pub shown: f64,
    /// Levels of notes between the parts and the sections; none if sections are written from the parts themselves.
    pub levels: Vec<Level>,
    /// Sections to be written.
    pub sections: usize,
}

/// A level of notes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Calls that write it.
    pub calls: usize,
    /// Tokens of text in each of its requests at most.
    pub input_tokens: usize,
    /// Notes are so many times shorter than what they are taken from.
    pub ratio: f64,
}

impl Shape {
    /// Calls, without the overview.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.sections + self.levels.iter().map(|level| level.calls).sum::<usize>()
    }
}

/// Why no shape fits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// The window leaves no room for text.
    #[error(
        "MODEL_CONTEXT_TOKENS is {context}, which leaves no room for a transcript beside the prompt ({prompt} tokens), \
         MODEL_REASONING_TOKENS ({reasoning}) and the answer: use a model with a larger window"
    )]
    NoRoom {
        /// The window.
        context: usize,
        /// Tokens of the prompt.
        prompt: usize,
        /// Tokens for reasoning.
        reasoning: usize,
    },
    /// More calls than allowed, however little of the transcript is shown.
    #[error(
        "MAX_MODEL_CALLS is {limit}, and a summary of this length takes at least {calls} calls: raise it, or lower SUMMARY_WORDS"
    )]
    TooManyCalls {
        /// Calls of the smallest plan.
        calls: usize,
        /// The limit.
        limit: usize,
    },
}

/// The shape for a transcript of `tokens` estimated tokens, of which `words` words are written in sections, with at most
/// `calls` calls.
///
/// # Errors
/// If the window is too small, or the calls are too few.
pub fn shape(
    tokens: usize,
    words: usize,
    calls: usize,
    limits: &Limits,
) -> Result<Shape, ShapeError> {
    let no_room = || ShapeError::NoRoom {
        context: limits.context_tokens.unwrap_or_default(),
        prompt: limits.style.overhead_tokens(),
        reasoning: limits.reasoning_tokens,
    };
    let whole = with_shown(tokens, words, 1.0, limits).ok_or_else(no_room)?;
    if whole.calls() <= calls {
        return Ok(whole);
    }
    // The largest share that fits, to a hundredth. Fewer tokens never need more calls by much, so halving finds it.
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
        calls: words.div_ceil(SECTION_MAX_WORDS) + 1,
        limit: limits.max_calls,
    })
}

fn with_shown(tokens: usize, words: usize, shown: f64, limits: &Limits) -> Option<Shape> {
    let effective = (tokens as f64 * shown).ceil() as usize;
    let most = (words / SECTION_MIN_WORDS).max(1);
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
        .fold(effective as f64, |tokens, level| tokens / level.ratio)
        .ceil() as usize;
    let sections = sections(left, words, most, limits).map_or(most, |(sections, _)| sections);
    Some(Shape {
        chunks: first.calls,
        chunk_tokens: first.input_tokens,
        shown,
        sections,
        levels,
    })
}

/// The fewest sections that `tokens` of text can be written in, at most `most`, and the tokens each may be made from.
fn sections(tokens: usize, words: usize, most: usize, limits: &Limits) -> Option<(usize, usize)> {
    let fewest = words
        .div_ceil(SECTION_MAX_WORDS)
        .max(parts(tokens, limits.chunk_tokens))
        .max(1);
    (fewest..=most.max(words.div_ceil(SECTION_MAX_WORDS))).find_map(|count| {
        let block = limits.block_tokens(limits.output_tokens(words.div_ceil(count)))?;
        (parts(tokens, block) <= count).then_some((count, block))
    })
}

/// Parts of at most `block` tokens.
fn parts(tokens: usize, block: usize) -> usize {
    (tokens as f64 / (block as f64 * FILL)).ceil() as usize
}

/// Levels of notes after which the sections can be written.
fn notes(tokens: usize, words: usize, most: usize, limits: &Limits) -> Option<Vec<Level>> {
    let block = limits.block_tokens(limits.output_tokens(words.div_ceil(most)))?;
    let needed = words as f64 * NOTES_PER_WORD;
    let room = most as f64 * block as f64 * FILL;
    let wanted = (tokens as f64 / NOTES_SHARE).max(needed).min(room);
    let overall = (tokens as f64 / wanted).max(LEVEL_MIN_RATIO);
    let count = (overall.ln() / LEVEL_RATIO.ln()).ceil().max(1.0);
    let ratio = overall.powf(1.0 / count).max(LEVEL_MIN_RATIO);
    let input_tokens = notes_input(ratio, limits)?;
    let mut left = tokens as f64;
    let levels = (0..count as usize).map(|_| {
        let level = Level {
            calls: parts(left.ceil() as usize, input_tokens),
            input_tokens,
            ratio,
        };
        left /= ratio;
        level
    });
    Some(levels.collect())
}

/// Tokens of text in a request for notes `ratio` times shorter: text and notes share the window.
fn notes_input(ratio: f64, limits: &Limits) -> Option<usize> {
    let whole = limits.block_tokens(0)? as f64;
    let mut input = limits.chunk_tokens.min(whole as usize);
    // Less text makes shorter notes, which makes room: a few steps settle it.
    for _ in 0..40 {
        if limits
            .block_tokens(notes_output(input, ratio))
            .is_some_and(|room| room >= input)
        {
            return Some(input);
        }
        input = input * 19 / 20;
    }
    None
}

/// Output tokens of the notes on `input` tokens.
#[must_use]
pub fn notes_output(input: usize, ratio: f64) -> usize {
    (input as f64 / ratio * 1.1).ceil() as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits(context: usize, style: Style) -> Limits {
        let reasoning_tokens = if context >= 16_384 { 1024 } else { 0 };
        Limits {
            context_tokens: Some(context),
            reasoning_tokens,
            chunk_tokens: 6000,
            max_calls: 150,
            style,
        }
    }

    #[test]
    fn calls_grow_as_measured() {
        // Transcripts of 10,000, 100,000 and 300,000 words; tokens as conversation has them, margin included.
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
            let shape = shape(words * 145 / 100, 3800, 1000, &limits).unwrap();
            assert!(
                shape.calls() <= most,
                "{words} words at {context}: {shape:?}"
            );
        }
    }

    #[test]
    fn too_many_calls_show_less_of_each_part() {
        let limits = limits(2048, Style::Compact);
        let shape = shape(430_000, 3800, 134, &limits).unwrap();
        assert!(
            shape.calls() <= 134 && shape.shown < 1.0 && shape.shown > 0.05,
            "{shape:?}"
        );
        assert!(crate::summary::call_plan::shape(430_000, 3800, 4, &limits).is_err());
    }

    #[test]
    fn a_window_without_room_is_an_error() {
        let error = shape(10_000, 3800, 100, &limits(700, Style::Full))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("MODEL_CONTEXT_TOKENS is 700"), "{error}");
    }

    /// A random transcript of so many tokens, the length that is wanted, the settings, and a server's factor of counting.
    fn plans() -> impl Strategy<Value = (usize, usize, Limits, f64)> {
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
                    context_tokens: Some(context),
                    reasoning_tokens,
                    chunk_tokens,
                    max_calls,
                    style,
                }
            },
        );
        (100..2_000_000_usize, 50..6000_usize, limits, 0.8..1.2_f64)
    }

    fn every_request_fits(
        (tokens, words, limits, error): (usize, usize, Limits, f64),
    ) -> Result<(), TestCaseError> {
        let Ok(shape) = shape(tokens, words, limits.max_calls, &limits) else {
            return Ok(());
        };
        let context = limits.context_tokens.unwrap();
        let reasoning = limits.reasoning_tokens;
        prop_assert!(shape.calls() <= limits.max_calls);
        prop_assert!(shape.sections >= 1 && shape.chunks >= 1);
        let request = |block: usize, output: usize| {
            let prompt = (block + limits.style.overhead_tokens()) as f64 * error;
            prompt.ceil() as usize + output + reasoning
        };
        if limits.style == Style::Bare {
            prop_assert!(request(shape.chunk_tokens, 0) - reasoning <= context / 2);
            prop_assert!(limits.max_tokens(words) - reasoning <= context / 2);
        }
        for level in &shape.levels {
            prop_assert!(level.ratio >= LEVEL_MIN_RATIO);
            let output = notes_output(level.input_tokens, level.ratio);
            prop_assert!(request(level.input_tokens, output) <= context);
        }
        if shape.levels.is_empty() {
            let target = words.div_ceil(shape.sections);
            prop_assert!(request(shape.chunk_tokens, limits.output_tokens(target)) <= context);
            prop_assert!(shape.chunk_tokens <= limits.chunk_tokens);
            let shown = (tokens as f64 * shape.shown) as usize;
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
