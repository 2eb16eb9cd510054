//! Plans a summary: its length, its parts and what each contributes.

use crate::extract;
use crate::summary::call_plan;
use crate::summary::call_plan::{Level, Limits, ShapeError};
use crate::text::tokens;
use crate::transcript::{Chunk, Transcript};

/// A summary is at most this share of its transcript, so that nothing is padded.
const MAX_SHARE: f64 = 0.6;

/// Share of the summary that its overview takes, and its greatest length.
const OVERVIEW_SHARE: f64 = 0.05;
const OVERVIEW_MAX_WORDS: usize = 200;

/// Shorter overviews say nothing; then the summary begins with its first section.
const OVERVIEW_MIN_WORDS: usize = 40;

/// Calls kept for repairs: one in so many.
const RESERVE: usize = 10;

/// Share of a section's length that the size of its part decides; its information decides the rest.
const BY_SIZE: f64 = 0.7;

/// The plan of a summary.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Length of the whole summary in words.
    pub target_words: usize,
    /// The transcript is too short for the length that was asked for.
    pub target_reduced: bool,
    /// Length of the overview; 0 for none.
    pub overview_words: usize,
    /// Estimated tokens of the transcript.
    pub tokens: usize,
    /// Parts of the transcript: without notes, each becomes a section.
    pub chunks: Vec<Chunk>,
    /// How informative each part is, as a share of all.
    pub weights: Vec<f64>,
    /// Tokens of each part that are shown, if not all of it can be.
    pub shown_tokens: Option<usize>,
    /// Levels of notes between the parts and the sections.
    pub levels: Vec<Level>,
    /// Sections to be written.
    pub sections: usize,
}

impl Plan {
    /// Calls that this plan makes, if nothing has to be repaired.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.sections
            + self.levels.iter().map(|level| level.calls).sum::<usize>()
            + usize::from(self.overview_words > 0)
    }

    /// Words that the sections have together.
    #[must_use]
    pub fn section_words(&self) -> usize {
        self.target_words - self.overview_words
    }
}

/// Plans a summary of about `words` words.
///
/// # Errors
/// If the model's window is too small for anything, or the allowed calls are too few.
pub fn plan(transcript: &Transcript, words: usize, limits: &Limits) -> Result<Plan, ShapeError> {
    let (target_words, overview_words) = lengths(transcript.words, words);
    let tokens = tokens::estimate(transcript.text());
    let calls = (limits.max_calls - limits.max_calls / RESERVE)
        .saturating_sub(usize::from(overview_words > 0));
    let mut shape = call_plan::shape(tokens, target_words - overview_words, calls, limits)?;
    // Chunks that are shown in part may be as much longer.
    let budget = (shape.chunk_tokens as f64 / shape.shown) as usize;
    let chunks = transcript.whole().divide(budget, shape.chunks);
    if let Some(first) = shape.levels.first_mut() {
        first.calls = chunks.len();
    } else {
        shape.sections = chunks.len();
    }
    let texts = chunks.iter().map(|chunk| chunk.span.of(transcript.text()));
    let sizes: Vec<f64> = chunks.iter().map(|chunk| chunk.tokens as f64).collect();
    Ok(Plan {
        target_words,
        target_reduced: target_words < words,
        overview_words,
        tokens,
        weights: weights(&sizes, texts),
        shown_tokens: (shape.shown < 1.0).then_some(shape.chunk_tokens),
        levels: shape.levels,
        sections: shape.sections,
        chunks,
    })
}

/// Length of the summary of a transcript of `available` words of which `wanted` were asked for, and of its overview.
fn lengths(available: usize, wanted: usize) -> (usize, usize) {
    let target = wanted.min((available as f64 * MAX_SHARE) as usize).max(1);
    let overview = ((target as f64 * OVERVIEW_SHARE) as usize).min(OVERVIEW_MAX_WORDS);
    (
        target,
        if overview < OVERVIEW_MIN_WORDS {
            0
        } else {
            overview
        },
    )
}

/// What each part of a text contributes, as shares of one: by its tokens, and by what is in it.
pub(crate) fn weights<'a>(tokens: &[f64], parts: impl Iterator<Item = &'a str>) -> Vec<f64> {
    let (sizes, information) = (extract::shares(tokens), extract::information_shares(parts));
    let weight = |(size, information)| BY_SIZE * size + (1.0 - BY_SIZE) * information;
    sizes.iter().zip(information).map(weight).collect()
}

/// Divides `total` in proportion to `weights`, by largest remainder: the parts sum to exactly `total`.
#[must_use]
pub fn apportion(total: usize, weights: &[f64]) -> Vec<usize> {
    if weights.is_empty() {
        return Vec::new();
    }
    let shares = extract::shares(weights).into_iter();
    let exact: Vec<f64> = shares.map(|share| total as f64 * share).collect();
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
    use crate::prompt::Style;
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
        style: Style::Full,
    };

    #[test]
    fn targets_are_kept_and_chunks_cover_the_text() {
        for words in [100, 1000, 10_000, 60_000, 300_000] {
            let transcript = transcript(words);
            let plan = plan(&transcript, 4000, &LIMITS).unwrap();
            assert_eq!(plan.target_words, 4000.min(words * 6 / 10));
            assert_eq!(plan.target_reduced, words < 6667);
            assert!(plan.calls() <= 150, "{} calls", plan.calls());
            assert!((plan.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let end = plan.chunks.iter().fold(0, |at, chunk| {
                assert_eq!(chunk.span.start, at);
                chunk.span.end
            });
            assert_eq!(end, transcript.text().len());
        }
    }

    #[test]
    fn parts_with_more_in_them_get_more_words() {
        let filler = "Dana: Yes, yes, I see, I see, all right then.\n".repeat(60);
        let dense: String = (0..60)
            .map(|i| format!("Lee: Item{i} costs {i}50 at Vendor{i} until week{i}.\n"))
            .collect();
        let mut decoder = Decoder::default();
        decoder.push(format!("{filler}{dense}").as_bytes()).unwrap();
        let transcript = Transcript::new(decoder.finish().unwrap());
        let plan = plan(
            &transcript,
            600,
            &Limits {
                chunk_tokens: 1000,
                ..LIMITS
            },
        )
        .unwrap();
        assert!(
            plan.weights.last() > plan.weights.first(),
            "{:?}",
            plan.weights
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
