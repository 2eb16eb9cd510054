//! How many sections, and how long each: the arithmetic of ALGORITHM.md, "Plan".

use crate::transcript::{Chunk, Transcript, chunk, tokens};

/// A section is at most so long: what models write reliably in one answer.
const SECTION_MAX_WORDS: usize = 500;

/// Tokens reserved for each word of an answer.
const TOKENS_PER_WORD: f64 = 1.8;

/// Nothing is padded: a summary is at most so much of its transcript.
const MAX_SHARE: f64 = 0.6;

/// Share of the summary that its overview takes, and where that ends.
const OVERVIEW_SHARE: f64 = 0.05;
const OVERVIEW_MAX_WORDS: usize = 200;

/// Shorter overviews say nothing; then the summary begins with its first section.
const OVERVIEW_MIN_WORDS: usize = 40;

/// Tokens that a section's prompt takes besides its block, at most: rules, speakers, and what was said just before.
const PROMPT_TOKENS: usize = 900;

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
}

/// What will be sent, and what is expected back.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Length of the whole summary in words.
    pub target_words: usize,
    /// The transcript is too short for the length that was asked for.
    pub target_reduced: bool,
    /// Length of the overview; 0 for none.
    pub overview_words: usize,
    /// The parts of the transcript, and the words of the section that each becomes.
    pub sections: Vec<PlannedSection>,
    /// Estimated tokens of the transcript.
    pub tokens: usize,
}

/// One section to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedSection {
    /// Its part of the transcript.
    pub chunk: Chunk,
    /// Its length in words, heading included.
    pub target_words: usize,
}

/// Why a transcript cannot be summarized with these limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
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
    /// More calls than allowed.
    #[error("{calls} calls are needed and MAX_MODEL_CALLS is {limit}: raise it, or CHUNK_TOKENS")]
    TooManyCalls {
        /// Calls of the plan.
        calls: usize,
        /// The limit.
        limit: usize,
    },
}

impl Plan {
    /// Calls that this plan makes.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.sections.len() + usize::from(self.overview_words > 0)
    }
}

/// Plans a summary of about `words` words.
///
/// # Errors
/// If the model's window is too small for anything, or the calls would exceed their limit.
pub fn plan(transcript: &Transcript, words: usize, limits: &Limits) -> Result<Plan, PlanError> {
    let most = (transcript.words as f64 * MAX_SHARE) as usize;
    let target_words = words.min(most).max(1);
    let overview = ((target_words as f64 * OVERVIEW_SHARE) as usize).min(OVERVIEW_MAX_WORDS);
    let overview_words = if overview < OVERVIEW_MIN_WORDS {
        0
    } else {
        overview
    };
    let to_write = target_words - overview_words;

    let tokens = tokens::estimate(transcript.text());
    let answers = (to_write as f64 * TOKENS_PER_WORD).ceil() as usize;
    let room = room(limits)?;
    let count = to_write
        .div_ceil(SECTION_MAX_WORDS)
        .max((tokens + answers).div_ceil(room.max(1)))
        .max(chunk::count_for(tokens, limits.chunk_tokens));
    let budget = limits
        .chunk_tokens
        .min(room.saturating_sub(answers.div_ceil(count)))
        .max(1);
    let chunks = chunk::divide(transcript.text(), &transcript.turns, budget, count);
    let sizes: Vec<f64> = chunks.iter().map(|chunk| chunk.tokens as f64).collect();
    let targets = apportion(to_write, &sizes);
    let sections = chunks
        .into_iter()
        .zip(targets)
        .map(|(chunk, target_words)| PlannedSection {
            chunk,
            target_words,
        })
        .collect();
    let plan = Plan {
        target_words,
        target_reduced: target_words < words,
        overview_words,
        sections,
        tokens,
    };
    if plan.calls() > limits.max_calls {
        return Err(PlanError::TooManyCalls {
            calls: plan.calls(),
            limit: limits.max_calls,
        });
    }
    Ok(plan)
}

/// Tokens of one request that text and answer share.
fn room(limits: &Limits) -> Result<usize, PlanError> {
    let Some(context) = limits.context_tokens else {
        return Ok(usize::MAX);
    };
    let margin = 48.max(context / 25);
    let taken = PROMPT_TOKENS + limits.reasoning_tokens + margin;
    context
        .checked_sub(taken)
        .filter(|&room| room >= PROMPT_TOKENS / 2)
        .ok_or(PlanError::NoRoom {
            context,
            prompt: PROMPT_TOKENS,
            reasoning: limits.reasoning_tokens,
        })
}

/// The output limit of an answer of `words` words.
#[must_use]
pub fn max_tokens(words: usize, limits: &Limits) -> usize {
    (words as f64 * TOKENS_PER_WORD * 1.1).ceil() as usize + limits.reasoning_tokens
}

/// Divides `total` in proportion to `weights`, by largest remainder: the parts sum to exactly `total`.
#[must_use]
pub fn apportion(total: usize, weights: &[f64]) -> Vec<usize> {
    let sum: f64 = weights.iter().sum();
    if weights.is_empty() {
        return Vec::new();
    }
    let exact: Vec<f64> = weights
        .iter()
        .map(|weight| {
            total as f64
                * if sum > 0.0 {
                    weight / sum
                } else {
                    1.0 / weights.len() as f64
                }
        })
        .collect();
    let mut parts: Vec<usize> = exact.iter().map(|part| part.floor() as usize).collect();
    let mut by_remainder: Vec<usize> = (0..parts.len()).collect();
    let remainder = |&at: &usize| exact.get(at).map_or(0.0, |part| part.fract());
    by_remainder.sort_by(|a, b| remainder(b).total_cmp(&remainder(a)));
    let missing = total.saturating_sub(parts.iter().sum());
    for at in by_remainder.into_iter().cycle().take(missing) {
        if let Some(part) = parts.get_mut(at) {
            *part += 1;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Decoder;

    fn transcript(words: usize) -> Transcript {
        let text: String = (0..words / 10)
            .map(|i| {
                format!(
                    "Speaker{}: we have agreed on item {i} of the list.\n",
                    i % 4
                )
            })
            .collect();
        let mut decoder = Decoder::default();
        decoder.push(text.as_bytes()).unwrap();
        Transcript::new(decoder.finish().unwrap())
    }

    const LIMITS: Limits = Limits {
        context_tokens: Some(32_768),
        reasoning_tokens: 1024,
        chunk_tokens: 6000,
        max_calls: 150,
    };

    #[test]
    fn targets_sum_exactly_and_chunks_cover_the_text() {
        for words in [100, 1000, 10_000, 60_000] {
            let transcript = transcript(words);
            let plan = plan(&transcript, 4000, &LIMITS).unwrap();
            let sum: usize = plan
                .sections
                .iter()
                .map(|section| section.target_words)
                .sum();
            assert_eq!(sum + plan.overview_words, plan.target_words);
            assert_eq!(plan.target_words, 4000.min(words * 6 / 10));
            assert_eq!(plan.target_reduced, words < 6667);
            assert!(
                plan.sections
                    .iter()
                    .all(|section| section.target_words <= SECTION_MAX_WORDS + 100)
            );
            let end = plan.sections.iter().fold(0, |at, section| {
                assert_eq!(section.chunk.range.start, at);
                section.chunk.range.end
            });
            assert_eq!(end, transcript.text().len());
        }
    }

    #[test]
    fn requests_fit_the_window() {
        let transcript = transcript(20_000);
        for context in [4096, 8192, 131_072] {
            let limits = Limits {
                context_tokens: Some(context),
                ..LIMITS
            };
            for section in plan(&transcript, 4000, &limits).unwrap().sections {
                let request = section.chunk.tokens
                    + PROMPT_TOKENS
                    + max_tokens(section.target_words, &limits);
                assert!(request <= context, "{request} of {context}");
            }
        }
    }

    #[test]
    fn what_cannot_work_says_which_variable() {
        let transcript = transcript(20_000);
        let small = Limits {
            context_tokens: Some(1000),
            ..LIMITS
        };
        assert!(
            plan(&transcript, 4000, &small)
                .unwrap_err()
                .to_string()
                .contains("MODEL_CONTEXT_TOKENS is 1000")
        );
        let few = Limits {
            max_calls: 3,
            ..LIMITS
        };
        assert!(
            plan(&transcript, 4000, &few)
                .unwrap_err()
                .to_string()
                .contains("MAX_MODEL_CALLS is 3")
        );
    }

    #[test]
    fn apportioning_is_exact() {
        assert_eq!(apportion(10, &[1.0, 1.0, 1.0]), [4, 3, 3]);
        assert_eq!(apportion(7, &[0.0, 0.0]), [4, 3]);
        assert!(apportion(5, &[]).is_empty());
        assert_eq!(apportion(100, &[1.0, 2.0, 7.0]), [10, 20, 70]);
    }
}
