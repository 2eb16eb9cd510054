//! Plans a summary: its length, the parts of the transcript, and the weight of each part.

use crate::extract;
use crate::summary::call_plan;
use crate::summary::call_plan::{Level, Limits, ShapeError};
use crate::summary::topics::Part;
use crate::text::{Tokens, Words, tokens, words};
use crate::transcript::{Chunk, Transcript};

/// Maximum length of a summary as a share of its transcript. A longer one would have to be padded.
const MAX_SHARE: f64 = 0.6;

/// Length of the overview as a share of the summary, and its maximum length in words.
const OVERVIEW_SHARE: f64 = 0.055;
const OVERVIEW_MAX_WORDS: usize = 220;

/// Minimum length of the overview in words. If it would be shorter, the summary has no overview.
const OVERVIEW_MIN_WORDS: usize = 40;

/// Tolerated excess over the target length, in thousandths.
const LONGER_PERMILLE: usize = 11;

/// A transcript of at most this many words is its own summary: nothing can be left out of it.
const WHOLE_WORDS: usize = 20;

/// Words of the heading over such a summary.
const HEADING_WORDS: usize = 1;

/// A shorter summary has no outline: its sections are too few to need one.
const OUTLINE_MIN_WORDS: usize = 500;

/// Usual length of the section about a topic, in words.
pub(crate) const TOPIC_WORDS: usize = 400;

/// No more sections than are written at once by default, unless the transcript or the summary is long.
pub(crate) const ONE_ROUND: usize = 12;

/// Calls of a check: one for overview and lists, one for the sections. Who looks up everything at once overlooks more.
pub(crate) const CHECKS: usize = 2;

/// Longer transcripts are not shown to who checks the summary: nobody finds a sentence in them, and everybody would pay for it.
const READ_BESIDE_TOKENS: Tokens = Tokens(64_000);

/// The calls that an outline takes: its own, and the last read.
const OUTLINE_CALLS: usize = 2;

/// Calls beyond the plan: up to half the number of planned calls, plus this many. Some of them are reserved for repairs.
const EXTRA_CALLS: usize = 5;

/// One call in this many is reserved for repairs.
const RESERVE: usize = 10;

/// How much the length of a section depends on the size of its part. The rest depends on the part's information content.
const BY_SIZE: f64 = 0.7;

/// The plan of a summary.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Length of the whole summary.
    pub target_words: Words,
    /// Whether the target is below the requested length because the transcript is too short.
    pub target_reduced: bool,
    /// Length of the overview; 0 for none.
    pub overview_words: Words,
    /// Estimated tokens of the transcript.
    pub tokens: Tokens,
    /// Parts of the transcript. Without notes, each becomes one section.
    pub chunks: Vec<Chunk>,
    /// The parts that each section is about, where a section may be about several. Empty if each is about one.
    pub groups: Vec<Vec<usize>>,
    /// The weight of each part or group of parts, by size and information content, as a share of all.
    pub weights: Vec<f64>,
    /// Maximum tokens of each part that are shown to the model. `None` if parts are shown in full.
    pub shown_tokens: Option<Tokens>,
    /// Levels of notes between parts and sections.
    pub levels: Vec<Level>,
    /// Number of sections to write.
    pub sections: usize,
    /// Maximum tokens of text in the request for the outline. `None` if the summary has no outline, and so no last read.
    pub outline_tokens: Option<Tokens>,
    /// Maximum tokens of text in a request about a part.
    pub chunk_tokens: Tokens,
}

impl Plan {
    /// Number of calls in this plan, without repairs, if each section is requested by itself.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.sections + self.other_calls()
    }

    /// The same if sections are written together where they can be. The topics that an outline finds may divide otherwise.
    #[must_use]
    pub fn expected_calls(&self, limits: &Limits) -> usize {
        if self.outline_tokens.is_none() || !self.levels.is_empty() {
            return self.calls();
        }
        let checks = if self.is_checked(limits) { CHECKS } else { 0 };
        self.section_calls(limits) + checks + self.other_calls()
    }

    fn section_calls(&self, limits: &Limits) -> usize {
        let words = apportion(self.section_words().0, &self.weights).into_iter();
        let sizes = words.zip(self.chunks.iter().map(|chunk| chunk.tokens));
        let sizes: Vec<(usize, Tokens)> = sizes.collect();
        limits.chapters(&sizes).len()
    }

    /// The plan of a summary of about `wanted` words that a worker writes as a whole: one call.
    #[must_use]
    pub fn of_one_job(transcript: &Transcript, wanted: Words) -> Self {
        let (target_words, _) = lengths(most_words(transcript), wanted.0);
        Self {
            target_words,
            target_reduced: target_words < wanted,
            overview_words: Words(0),
            tokens: tokens::estimate(transcript.text()),
            chunks: transcript.whole().divide(Tokens(usize::MAX), 1),
            groups: Vec::new(),
            weights: vec![1.0],
            shown_tokens: None,
            levels: Vec::new(),
            sections: 1,
            outline_tokens: None,
            chunk_tokens: Tokens(usize::MAX),
        }
    }

    /// Maximum number of calls beyond the plan, for texts that are requested again or continued.
    #[must_use]
    pub fn extra_calls(&self, limits: &Limits) -> usize {
        let calls = self.calls();
        (calls / 2 + EXTRA_CALLS).min(limits.max_calls.saturating_sub(calls))
    }

    /// Whether claims are looked up in calls of their own, beside the last read: if sections that are written together have
    /// saved as many. Who does both overlooks more.
    pub(crate) fn is_checked(&self, limits: &Limits) -> bool {
        self.is_read_beside()
            && self.levels.is_empty()
            && self.section_calls(limits) + CHECKS <= self.sections
            && self.extra_calls(limits) >= CHECKS
    }

    /// Whether who writes the overview or checks the summary is shown the transcript, if the window has room for it.
    pub(crate) fn is_read_beside(&self) -> bool {
        let whole = self.outline_tokens.map(|most| most.min(READ_BESIDE_TOKENS));
        whole.is_some_and(|most| self.tokens <= most)
    }

    fn other_calls(&self) -> usize {
        self.levels.iter().map(|level| level.calls).sum::<usize>()
            + usize::from(self.overview_words > Words(0))
            + self.outline_tokens.map_or(0, |_| OUTLINE_CALLS)
    }

    /// Replaces the parts by those of an outline.
    pub(crate) fn follow(&mut self, parts: &[Part]) {
        let chunks = parts.iter().enumerate().flat_map(|(at, part)| {
            let own = part.chunks.iter().cloned();
            own.map(move |chunk| (chunk, at))
        });
        let mut chunks: Vec<(Chunk, usize)> = chunks.collect();
        chunks.sort_by_cached_key(|(chunk, _)| chunk.span.start);
        self.groups = vec![Vec::new(); parts.len()];
        for (index, (_, part)) in chunks.iter().enumerate() {
            if let Some(group) = self.groups.get_mut(*part) {
                group.push(index);
            }
        }
        self.chunks = chunks.into_iter().map(|(chunk, _)| chunk).collect();
        self.weights = parts.iter().map(|part| part.weight).collect();
        self.sections = parts.len();
    }

    /// Maximum length of the whole summary. There is no tolerance if the target was reduced because the transcript
    /// is short.
    pub(crate) fn max_words(&self) -> Words {
        let tolerated = if self.target_reduced {
            0
        } else {
            LONGER_PERMILLE
        };
        Words(self.target_words.0 * (1000 + tolerated) / 1000)
    }

    /// Total length of the sections.
    #[must_use]
    pub fn section_words(&self) -> Words {
        Words(self.target_words.0 - self.overview_words.0)
    }
}

/// Plans a summary of about `wanted` words.
///
/// # Errors
/// If the context window is too small, or too few calls are allowed.
pub fn plan(transcript: &Transcript, wanted: Words, limits: &Limits) -> Result<Plan, ShapeError> {
    let most = most_words(transcript);
    let is_long = wanted.0.min(most) >= OUTLINE_MIN_WORDS;
    if is_long && let Some(outline) = limits.outline_tokens() {
        let max_calls = limits.max_calls.saturating_sub(OUTLINE_CALLS);
        let limits = Limits {
            max_calls,
            ..limits.briefed()
        };
        if let Ok(plan) = without_outline(transcript, wanted, most, &limits, Some(TOPIC_WORDS)) {
            return Ok(Plan {
                outline_tokens: Some(outline),
                ..plan
            });
        }
    }
    without_outline(transcript, wanted, most, limits, None)
}

fn without_outline(
    transcript: &Transcript,
    wanted: Words,
    most: usize,
    limits: &Limits,
    section_length: Option<usize>,
) -> Result<Plan, ShapeError> {
    let (target_words, overview_words) = lengths(most, wanted.0);
    let tokens = tokens::estimate(transcript.text());
    let calls = (limits.max_calls - limits.max_calls / RESERVE)
        .saturating_sub(usize::from(overview_words > Words(0)));
    let section_words = Words(target_words.0 - overview_words.0);
    let mut shape = call_plan::shape(tokens, section_words, calls, limits)?;
    // If only a share of each chunk is shown, chunks may be longer by the same factor.
    let budget = Tokens((shape.chunk_tokens.0 as f64 / shape.shown) as usize);
    let by_length = section_length.filter(|_| shape.levels.is_empty());
    let by_length = by_length.map_or(0, |words| {
        (section_words.0 / words).min(ONE_ROUND).min(calls)
    });
    let chunks = transcript
        .whole()
        .divide(budget, shape.chunks.max(by_length));
    if let Some(first) = shape.levels.first_mut() {
        first.calls = chunks.len();
    } else {
        shape.sections = chunks.len();
    }
    let texts = chunks.iter().map(|chunk| chunk.span.of(transcript.text()));
    let sizes: Vec<f64> = chunks.iter().map(|chunk| chunk.tokens.0 as f64).collect();
    Ok(Plan {
        target_words,
        target_reduced: target_words < wanted,
        overview_words,
        tokens,
        weights: weights(&sizes, texts),
        shown_tokens: (shape.shown < 1.0).then_some(shape.chunk_tokens),
        levels: shape.levels,
        sections: shape.sections,
        outline_tokens: None,
        chunk_tokens: shape.chunk_tokens,
        chunks,
        groups: Vec::new(),
    })
}

/// Maximum length of a summary of a transcript.
fn most_words(transcript: &Transcript) -> usize {
    match transcript.spoken.words {
        // With the speakers' names and a heading.
        0..=WHOLE_WORDS => words::spoken(transcript.text()) + HEADING_WORDS,
        spoken => (spoken as f64 * MAX_SHARE) as usize,
    }
}

/// Length of the summary and of its overview, if it may have `most` words and `wanted` words were requested.
fn lengths(most: usize, wanted: usize) -> (Words, Words) {
    let target = wanted.min(most);
    let overview = ((target as f64 * OVERVIEW_SHARE) as usize).min(OVERVIEW_MAX_WORDS);
    let has_overview = overview >= OVERVIEW_MIN_WORDS;
    let overview = if has_overview { overview } else { 0 };
    (Words(target), Words(overview))
}

/// The weight of each part of a text, by its tokens and its information content. Weights add up to 1.
pub(crate) fn weights<'a>(tokens: &[f64], parts: impl Iterator<Item = &'a str>) -> Vec<f64> {
    let (sizes, information) = (extract::shares(tokens), extract::information_shares(parts));
    let weight = |(size, information)| BY_SIZE * size + (1.0 - BY_SIZE) * information;
    sizes.iter().zip(information).map(weight).collect()
}

/// Divides `total` in proportion to `weights` by the largest-remainder method. The parts add up to exactly `total`.
#[must_use]
pub fn apportion(total: usize, weights: &[f64]) -> Vec<usize> {
    let shares = extract::shares(weights).into_iter();
    let exact: Vec<f64> = shares.map(|share| total as f64 * share).collect();
    let mut parts: Vec<usize> = exact.iter().map(|part| part.floor() as usize).collect();
    let mut by_remainder: Vec<usize> = (0..parts.len()).collect();
    let remainder = |&at: &usize| exact.get(at).map_or(0.0, |part| part.fract());
    // Of numbers from 0 to 1 the bits are in their order.
    by_remainder.sort_by_cached_key(|at| std::cmp::Reverse(remainder(at).to_bits() as usize));
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
                    "Speaker{}: we have all agreed on item {i} of the list.\n",
                    i % 4
                )
            })
            .collect();
        let mut decoder = Decoder::default();
        decoder.push(text.as_bytes()).unwrap();
        Transcript::new(decoder.finish().unwrap()).unwrap()
    }

    const LIMITS: Limits = Limits {
        context_tokens: Some(Tokens(32_768)),
        reasoning_tokens: Tokens(1024),
        chunk_tokens: Tokens(6000),
        max_calls: 150,
        style: Style::Full,
        outline: false,
    };

    #[test]
    fn marks_are_no_words_to_plan_for() {
        let mut decoder = Decoder::default();
        let text = format!("Ana: we met. {}", "<- ".repeat(5000));
        decoder.push(text.as_bytes()).unwrap();
        let transcript = Transcript::new(decoder.finish().unwrap()).unwrap();
        let plan = plan(&transcript, Words(4000), &LIMITS).unwrap();
        assert!(plan.target_words < Words(20), "{:?}", plan.target_words);
    }

    #[test]
    fn targets_are_kept_and_chunks_cover_the_text() {
        for words in [100, 1000, 10_000, 60_000, 300_000] {
            let transcript = transcript(words);
            let plan = plan(&transcript, Words(4000), &LIMITS).unwrap();
            assert_eq!(plan.target_words, Words(4000.min(words * 6 / 10)));
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
        let filler = "Dana: Yes, yes, I see, I see, all right then.\nLee: Yes, I see.\n".repeat(60);
        let dense: String = (0..60)
            .map(|i| format!("Lee: Item{i} costs {i}50 at Vendor{i} until week{i}.\n"))
            .collect();
        let mut decoder = Decoder::default();
        decoder.push(format!("{filler}{dense}").as_bytes()).unwrap();
        let transcript = Transcript::new(decoder.finish().unwrap()).unwrap();
        let plan = plan(
            &transcript,
            Words(600),
            &Limits {
                chunk_tokens: Tokens(1000),
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
