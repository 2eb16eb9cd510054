//! Divides a transcript by the topics of its outline: each topic becomes a section, unless it is too long for a request or a
//! section, or too short for a section of its own.

use std::ops::RangeInclusive;

use crate::summary::outline::Topic;
use crate::text::{Span, Tokens, tokens};
use crate::transcript::{Chunk, Transcript};

/// Minimum and maximum length of a section in words.
const WORDS: (f64, f64) = (120.0, 600.0);

/// A topic is divided only if more words would fall to it than this: one matter should stand in one section.
const DIVIDED_WORDS: f64 = 900.0;

/// The length of a section grows with the tokens of its part to this power.
const SIZE_EXPONENT: f64 = 0.7;

/// The share of its limit that a divided part is planned to fill.
const FILL: f64 = 0.93;

/// A part of the transcript that becomes a section.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) chunk: Chunk,
    /// Its share of the words of all sections.
    pub(crate) weight: f64,
    /// What came out of it.
    pub(crate) headline: String,
}

/// The limits of a division.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    /// Words of all sections.
    pub(crate) words: usize,
    /// Maximum tokens of a part.
    pub(crate) budget: Tokens,
    /// Number of parts.
    pub(crate) count: RangeInclusive<usize>,
}

#[derive(Debug, Clone)]
struct Stretch {
    span: Span,
    tokens: f64,
    /// From 1 to 5.
    weight: f64,
    headline: String,
}

impl Stretch {
    fn size(&self) -> f64 {
        self.tokens.max(1.0).powf(SIZE_EXPONENT) * (0.6 + 0.2 * self.weight)
    }

    fn joined(&self, next: &Self) -> Self {
        let tokens = self.tokens + next.tokens;
        let heavier = if next.size() > self.size() {
            next
        } else {
            self
        };
        Self {
            span: (self.span.start..next.span.end).into(),
            tokens,
            weight: (self.weight * self.tokens + next.weight * next.tokens) / tokens.max(1.0),
            headline: heavier.headline.clone(),
        }
    }
}

/// Divides `transcript` by `topics`. `None` if they cannot be brought within `bounds`.
pub(crate) fn divide(
    transcript: &Transcript,
    topics: &[Topic],
    bounds: &Bounds,
) -> Option<Vec<Part>> {
    let mut stretches = stretches(transcript, topics);
    if stretches.len() < 2 {
        return None;
    }
    join(&mut stretches, bounds);
    let all: f64 = stretches.iter().map(Stretch::size).sum();
    let mut parts = Vec::new();
    for stretch in &stretches {
        let words = bounds.words as f64 * stretch.size() / all;
        let by_tokens = stretch.tokens / (bounds.budget.0 as f64 * FILL);
        let count = by_tokens.max(words / DIVIDED_WORDS).ceil().max(1.0) as usize;
        let chunks = transcript
            .passage(stretch.span)
            .divide(bounds.budget, count);
        let several = chunks.len();
        for (at, chunk) in chunks.into_iter().enumerate() {
            let headline = match several {
                1 => stretch.headline.clone(),
                _ => format!("{} (part {} of {several})", stretch.headline, at + 1),
            };
            let part = Stretch {
                tokens: chunk.tokens.0 as f64,
                ..stretch.clone()
            };
            parts.push((part.size(), chunk, headline));
        }
    }
    if !bounds.count.contains(&parts.len()) {
        return None;
    }
    let sizes: Vec<f64> = parts.iter().map(|(size, ..)| *size).collect();
    let weights = weights(&sizes, bounds.words as f64);
    let parts = parts.into_iter().zip(weights);
    let part = |((_, chunk, headline), weight)| Part {
        chunk,
        weight,
        headline,
    };
    Some(parts.map(part).collect())
}

/// The topics as stretches that cover the transcript.
fn stretches(transcript: &Transcript, topics: &[Topic]) -> Vec<Stretch> {
    let end = transcript.text().len();
    let mut stretches = Vec::with_capacity(topics.len());
    for (at, topic) in topics.iter().enumerate() {
        let start = if at == 0 { 0 } else { topic.start };
        let end = topics.get(at + 1).map_or(end, |next| next.start);
        if start >= end {
            continue;
        }
        stretches.push(Stretch {
            span: (start..end).into(),
            tokens: tokens::estimate(&transcript.passage(start..end)).0 as f64,
            weight: topic.weight as f64,
            headline: topic.headline.clone(),
        });
    }
    stretches
}

/// Joins neighbours while there are too many stretches, or one would have too few words.
fn join(stretches: &mut Vec<Stretch>, bounds: &Bounds) {
    // A stretch that fits with neither neighbour stays as it is.
    let mut settled: Vec<Span> = Vec::new();
    while stretches.len() > 1 {
        let all: f64 = stretches.iter().map(Stretch::size).sum();
        let candidates = stretches.iter().enumerate();
        let smallest = candidates
            .filter(|(_, stretch)| !settled.contains(&stretch.span))
            .min_by(|(_, a), (_, b)| a.size().total_cmp(&b.size()));
        let Some((at, stretch)) = smallest else {
            return;
        };
        let words = bounds.words as f64 * stretch.size() / all;
        if stretches.len() <= *bounds.count.end() && words >= WORDS.0 {
            return;
        }
        let fits = |&first: &usize| {
            let pair = stretches.get(first).zip(stretches.get(first + 1));
            pair.is_some_and(|(one, two)| {
                let joined = one.joined(two);
                joined.tokens <= bounds.budget.0 as f64
                    && bounds.words as f64 * joined.size() / all <= WORDS.1
            })
        };
        let size = |first: usize| stretches.get(first).map_or(f64::MAX, Stretch::size);
        let firsts = [at.checked_sub(1), Some(at)]
            .into_iter()
            .flatten()
            .filter(fits);
        let other = |&first: &usize| size(if first == at { at + 1 } else { first });
        let best = firsts.min_by(|a, b| other(a).total_cmp(&other(b)));
        match best {
            Some(first) => {
                let pair = stretches.get(first).zip(stretches.get(first + 1));
                let Some(joined) = pair.map(|(one, two)| one.joined(two)) else {
                    return;
                };
                stretches.splice(first..first + 2, [joined]);
            }
            None => settled.push(stretch.span),
        }
    }
}

/// The shares of `words` that sections of these sizes get, each at least and at most as long as a section should be where
/// that is possible.
fn weights(sizes: &[f64], words: f64) -> Vec<f64> {
    let count = sizes.len() as f64;
    let (least, most) = (WORDS.0.min(words / count), WORDS.1.max(words / count));
    let mut shares: Vec<f64> = sizes.to_vec();
    // Clamping some changes the shares of the others, which then may exceed the bounds.
    for _ in 0..8 {
        let all: f64 = shares.iter().sum();
        for share in &mut shares {
            *share = (*share * words / all).clamp(least, most);
        }
    }
    let all: f64 = shares.iter().sum();
    shares.iter().map(|share| share / all).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::transcript::Passage;

    fn meeting(turns: usize) -> Transcript {
        let text = (0..turns).map(|i| {
            format!(
                "Speaker{}: We agreed on item {i} of the list of today.\n",
                i % 3
            )
        });
        let passage = Passage::of_text(text.collect::<String>());
        Transcript::verbatim(passage.to_string())
    }

    fn topics(transcript: &Transcript, starts: &[(usize, usize)]) -> Vec<Topic> {
        let turn = |nth: usize| {
            transcript
                .text()
                .match_indices('\n')
                .nth(nth)
                .map_or(0, |(at, _)| at + 1)
        };
        let topic = |&(nth, weight): &(usize, usize)| Topic {
            start: if nth == 0 { 0 } else { turn(nth - 1) },
            weight,
            headline: format!("Topic at {nth}"),
        };
        starts.iter().map(topic).collect()
    }

    fn bounds(words: usize) -> Bounds {
        Bounds {
            words,
            budget: Tokens(1500),
            count: 1..=20,
        }
    }

    #[test]
    fn topics_become_parts_and_small_ones_are_joined() {
        let transcript = meeting(300);
        let topics = topics(&transcript, &[(0, 3), (4, 1), (60, 5), (150, 3), (220, 3)]);
        let bounds = Bounds {
            budget: Tokens(3000),
            ..bounds(1500)
        };
        let parts = divide(&transcript, &topics, &bounds).unwrap();
        let headlines: Vec<&str> = parts.iter().map(|part| part.headline.as_str()).collect();
        assert_eq!(
            headlines,
            ["Topic at 4", "Topic at 60", "Topic at 150", "Topic at 220"]
        );
        assert!(
            parts[1]
                .chunk
                .span
                .of(transcript.text())
                .starts_with("Speaker0: We agreed on item 60 ")
        );
        assert!(parts[1].weight > parts[2].weight, "{parts:?}");
    }

    #[test]
    fn a_topic_that_is_too_long_is_divided() {
        let transcript = meeting(600);
        let topics = topics(&transcript, &[(0, 3), (30, 3), (60, 3)]);
        let parts = divide(&transcript, &topics, &bounds(2000)).unwrap();
        assert!(parts.len() > 4 && parts.iter().all(|part| part.chunk.tokens <= Tokens(1500)));
        assert!(parts.last().unwrap().headline.contains("(part "));
    }

    proptest! {
        #[test]
        fn parts_cover_the_transcript_once_and_in_order(
            starts in prop::collection::vec((0..400_usize, 1..6_usize), 0..30),
            words in 300..5000_usize,
            budget in 300..6000_usize,
        ) {
            let transcript = meeting(400);
            let mut topics = topics(&transcript, &starts);
            topics.sort_by_key(|topic| topic.start);
            topics.dedup_by_key(|topic| topic.start);
            let bounds = Bounds { words, budget: Tokens(budget), count: 1..=60 };
            if let Some(parts) = divide(&transcript, &topics, &bounds) {
                let mut at = 0;
                for part in &parts {
                    prop_assert_eq!(part.chunk.span.start, at);
                    prop_assert!(part.chunk.tokens <= bounds.budget);
                    at = part.chunk.span.end;
                }
                prop_assert_eq!(at, transcript.text().len());
                prop_assert!((parts.iter().map(|part| part.weight).sum::<f64>() - 1.0).abs() < 1e-9);
            }
        }
    }
}
