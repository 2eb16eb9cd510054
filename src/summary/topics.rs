//! Divides a transcript by the topics of its outline: each topic becomes a section, unless it is too long for a request or a
//! section, or too short for a section of its own. People come back to a matter: a topic may have several stretches, and its
//! section tells them together.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use crate::summary::outline::{Point, Topic};
use crate::text::{Span, Tokens, tokens, words};
use crate::transcript::{Chunk, Transcript};

/// Minimum and maximum length of a section in words.
const WORDS: (f64, f64) = (90.0, 750.0);

/// A topic is divided only if more words would fall to it than this: one matter should stand in one section.
const DIVIDED_WORDS: f64 = 1500.0;

/// The length of a section grows with the tokens of its part to this power.
const SIZE_EXPONENT: f64 = 0.7;

/// Maximum words of the headline of two topics that share a section.
const HEADLINE_WORDS: usize = 12;

/// Each point of a topic makes its section longer by this share: a long talk may come to little.
const POINT_SHARE: f64 = 0.05;
const MOST_POINTS: usize = 10;

/// The weight of formalities, what it counts as, and the minimum length of their section in words.
const FORMAL: f64 = 1.0;
const FORMAL_SHARE: f64 = 0.4;
const FORMAL_WORDS: f64 = 40.0;

/// The share of its limit that a divided part is planned to fill.
const FILL: f64 = 0.93;

/// What becomes a section.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    /// The stretches of the transcript that it is about, in order.
    pub(crate) chunks: Vec<Chunk>,
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

/// What a section may be about.
#[derive(Debug, Clone)]
struct Matter {
    /// Its stretches, in order.
    spans: Vec<Span>,
    tokens: f64,
    /// What was decided, promised, left open or counted in it.
    points: usize,
    /// From 1 to 5.
    weight: f64,
    headline: String,
}

impl Matter {
    fn of(transcript: &Transcript, spans: Vec<Span>, topic: &Topic, points: &[Point]) -> Self {
        Self {
            tokens: tokens_of(transcript, &spans),
            points: points_in(&spans, points),
            spans,
            weight: topic.weight as f64,
            headline: topic.headline.clone(),
        }
    }

    /// Its stretches in about `count` matters of similar size, each of at most `most` tokens if it has several.
    fn divided(
        &self,
        transcript: &Transcript,
        points: &[Point],
        (count, most): (usize, f64),
    ) -> Vec<Self> {
        let share = self.tokens / count as f64;
        let mut groups: Vec<(f64, Vec<Span>)> = Vec::new();
        for &span in &self.spans {
            let tokens = tokens_of(transcript, &[span]);
            match groups.last_mut() {
                Some((sum, spans)) if *sum + tokens / 2.0 < share && *sum + tokens <= most => {
                    *sum += tokens;
                    spans.push(span);
                }
                _ => groups.push((tokens, vec![span])),
            }
        }
        let several = groups.len();
        let one = |(at, (tokens, spans)): (usize, (f64, Vec<Span>))| Self {
            tokens,
            points: points_in(&spans, points),
            spans,
            headline: part_of(&self.headline, at, several),
            ..self.clone()
        };
        groups.into_iter().enumerate().map(one).collect()
    }

    fn size(&self) -> f64 {
        let points = self.points.min(MOST_POINTS) as f64;
        let weight = match self.is_formal() {
            true => FORMAL_SHARE,
            false => 0.6 + 0.2 * self.weight,
        };
        self.tokens.max(1.0).powf(SIZE_EXPONENT) * weight * (1.0 + POINT_SHARE * points)
    }

    fn is_formal(&self) -> bool {
        self.weight <= FORMAL
    }

    /// Minimum words of its section.
    fn least(&self) -> f64 {
        if self.is_formal() {
            FORMAL_WORDS
        } else {
            WORDS.0
        }
    }

    fn joined(&self, next: &Self) -> Self {
        let tokens = self.tokens + next.tokens;
        let mut spans = [&self.spans[..], &next.spans].concat();
        spans.sort_by_cached_key(|span| span.start);
        let both = |one: &str, two: &str| format!("{one}; {two}");
        let headline = match both(&self.headline, &next.headline) {
            // Formalities are told in passing.
            _ if next.is_formal() || self.headline == next.headline => self.headline.clone(),
            _ if self.is_formal() => next.headline.clone(),
            both if words::count(&both) <= HEADLINE_WORDS => both,
            // What came out of them is left to the writer of the section.
            _ => {
                let both = both(&subjects(&self.headline), &subjects(&next.headline));
                let mut seen = HashSet::new();
                let once = both
                    .split("; ")
                    .filter(|one| seen.insert(one.to_lowercase()));
                once.collect::<Vec<_>>().join("; ")
            }
        };
        Self {
            spans: without_seams(spans),
            tokens,
            points: self.points + next.points,
            weight: (self.weight * self.tokens + next.weight * next.tokens) / tokens.max(1.0),
            headline,
        }
    }
}

/// How many of `points` rest first of all on one of `spans`.
fn points_in(spans: &[Span], points: &[Point]) -> usize {
    let firsts = points.iter().filter_map(|point| point.spans.first());
    let is_here = |first: &&Span| {
        let mut spans = spans.iter();
        spans.any(|span| span.start <= first.start && first.start < span.end)
    };
    firsts.filter(is_here).count()
}

fn tokens_of(transcript: &Transcript, spans: &[Span]) -> f64 {
    let tokens = |span: &Span| tokens::estimate(&transcript.passage(*span)).0;
    spans.iter().map(tokens).sum::<usize>() as f64
}

/// What a headline such as `Depot: lease renewed; Trams` is about.
fn subjects(headline: &str) -> String {
    let all = headline.split("; ");
    let subjects = all.map(|one| one.split([':', '：']).next().unwrap_or(one));
    subjects.collect::<Vec<_>>().join("; ")
}

/// The headline of part `at` of several.
fn part_of(headline: &str, at: usize, several: usize) -> String {
    match several {
        1 => headline.to_owned(),
        _ => format!("{headline} (part {} of {several})", at + 1),
    }
}

/// The spans, with those joined that follow on one another.
fn without_seams(spans: Vec<Span>) -> Vec<Span> {
    let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some(last) if last.end == span.start => last.end = span.end,
            _ => joined.push(span),
        }
    }
    joined
}

/// Divides `transcript` by `topics`. `None` if they cannot be brought within `bounds`.
pub(crate) fn divide(
    transcript: &Transcript,
    topics: &[Topic],
    points: &[Point],
    bounds: &Bounds,
) -> Option<Vec<Part>> {
    let mut matters = matters(transcript, topics, points, bounds);
    if matters.len() < 2 {
        return None;
    }
    join(&mut matters, bounds);
    let all: f64 = matters.iter().map(Matter::size).sum();
    let mut parts: Vec<(Matter, Vec<Chunk>)> = Vec::new();
    for matter in &matters {
        let words = bounds.words as f64 * matter.size() / all;
        let by_tokens = matter.tokens / (bounds.budget.0 as f64 * FILL);
        let count = by_tokens.max(words / DIVIDED_WORDS).ceil().max(1.0) as usize;
        let divide = |span: &Span, count| transcript.passage(*span).divide(bounds.budget, count);
        let [span] = &matter.spans[..] else {
            let chunks = matter.spans.iter().flat_map(|span| divide(span, 1));
            parts.push((matter.clone(), chunks.collect()));
            continue;
        };
        let chunks = divide(span, count);
        let several = chunks.len();
        for (at, chunk) in chunks.into_iter().enumerate() {
            let part = Matter {
                tokens: chunk.tokens.0 as f64,
                points: points_in(&[chunk.span], points),
                headline: part_of(&matter.headline, at, several),
                ..matter.clone()
            };
            parts.push((part, vec![chunk]));
        }
    }
    if !bounds.count.contains(&parts.len()) {
        return None;
    }
    let sizes: Vec<(f64, f64)> = parts
        .iter()
        .map(|(matter, _)| (matter.size(), matter.least()))
        .collect();
    let weights = weights(&sizes, bounds.words as f64);
    let parts = parts.into_iter().zip(weights);
    let part = |((matter, chunks), weight): ((Matter, _), _)| Part {
        chunks,
        weight,
        headline: matter.headline,
    };
    Some(parts.map(part).collect())
}

/// The topics as matters that cover the transcript, in the order in which they come up. A topic that is too large for one
/// section is several matters.
fn matters(
    transcript: &Transcript,
    topics: &[Topic],
    points: &[Point],
    bounds: &Bounds,
) -> Vec<Matter> {
    let starts = topics.iter().enumerate().flat_map(|(at, topic)| {
        let own = topic.starts.iter();
        own.map(move |&start| (start, at))
    });
    let mut starts: Vec<(usize, usize)> = starts.collect();
    starts.sort_unstable();
    let mut spans: Vec<Vec<Span>> = vec![Vec::new(); topics.len()];
    let mut from = 0;
    for (nth, &(_, topic)) in starts.iter().enumerate() {
        let until = starts
            .get(nth + 1)
            .map_or(transcript.text().len(), |next| next.0);
        if from < until
            && let Some(own) = spans.get_mut(topic)
        {
            own.push((from..until).into());
            from = until;
        }
    }
    let matters: Vec<Matter> = topics
        .iter()
        .zip(spans)
        .flat_map(|(topic, spans)| {
            let spans = without_seams(spans);
            // The opening belongs to what comes first, the close to what comes last.
            let matters: Vec<Vec<Span>> = match topic.weight as f64 <= FORMAL {
                true => spans.into_iter().map(|span| vec![span]).collect(),
                false => vec![spans],
            };
            let matters = matters.into_iter().filter(|spans| !spans.is_empty());
            matters.map(move |spans| Matter::of(transcript, spans, topic, points))
        })
        .collect();
    let all: f64 = matters.iter().map(Matter::size).sum();
    let most = bounds.budget.0 as f64 * FILL;
    let divided = matters.iter().flat_map(|matter| {
        let by_words = bounds.words as f64 * matter.size() / all / DIVIDED_WORDS;
        let count = by_words.max(matter.tokens / most).ceil().max(1.0);
        matter.divided(transcript, points, (count as usize, most))
    });
    let mut divided: Vec<Matter> = divided.collect();
    divided.sort_by_cached_key(|matter| matter.spans.first().map(|span| span.start));
    divided
}

/// Joins neighbours while there are too many matters, or one would have too few words or is about formalities between others.
fn join(matters: &mut Vec<Matter>, bounds: &Bounds) {
    // A matter that fits with neither neighbour stays as it is.
    let mut settled: Vec<Vec<Span>> = Vec::new();
    while matters.len() > 1 {
        let all: f64 = matters.iter().map(Matter::size).sum();
        let candidates = matters.iter().enumerate();
        let smallest = candidates
            .filter(|(_, matter)| !settled.contains(&matter.spans))
            .min_by(|(_, a), (_, b)| {
                let order = b.is_formal().cmp(&a.is_formal());
                order.then(a.size().total_cmp(&b.size()))
            });
        let Some((at, matter)) = smallest else {
            return;
        };
        let words = bounds.words as f64 * matter.size() / all;
        let is_edge = at == 0 || at + 1 == matters.len();
        let is_settled = (is_edge || !matter.is_formal()) && words >= matter.least();
        if matters.len() <= *bounds.count.end() && is_settled {
            return;
        }
        let fits = |&first: &usize| {
            let pair = matters.get(first).zip(matters.get(first + 1));
            pair.is_some_and(|(one, two)| {
                let joined = one.joined(two);
                joined.tokens <= bounds.budget.0 as f64
                    && bounds.words as f64 * joined.size() / all <= WORDS.1
            })
        };
        let size = |first: usize| matters.get(first).map_or(f64::MAX, Matter::size);
        let firsts = [at.checked_sub(1), Some(at)]
            .into_iter()
            .flatten()
            .filter(fits);
        let other = |&first: &usize| size(if first == at { at + 1 } else { first });
        let best = firsts.min_by(|a, b| other(a).total_cmp(&other(b)));
        match best {
            Some(first) => {
                let pair = matters.get(first).zip(matters.get(first + 1));
                let Some(joined) = pair.map(|(one, two)| one.joined(two)) else {
                    return;
                };
                matters.splice(first..first + 2, [joined]);
            }
            None => settled.push(matter.spans.clone()),
        }
    }
}

/// The shares of `words` that sections of these sizes and minimum lengths get, each at most as long as a section should be
/// where that is possible.
fn weights(sizes: &[(f64, f64)], words: f64) -> Vec<f64> {
    let even = words / sizes.len() as f64;
    let most = WORDS.1.max(even);
    let mut shares: Vec<f64> = sizes.iter().map(|(size, _)| *size).collect();
    // Clamping some changes the shares of the others, which then may exceed the bounds.
    for _ in 0..8 {
        let all: f64 = shares.iter().sum();
        for (share, (_, least)) in shares.iter_mut().zip(sizes) {
            *share = (*share * words / all).clamp(least.min(even), most);
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
            starts: vec![if nth == 0 { 0 } else { turn(nth - 1) }],
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
        let parts = divide(&transcript, &topics, &[], &bounds).unwrap();
        let headlines: Vec<&str> = parts.iter().map(|part| part.headline.as_str()).collect();
        assert_eq!(
            headlines,
            // What is of weight 1 is told in passing.
            ["Topic at 0", "Topic at 60", "Topic at 150", "Topic at 220"]
        );
        assert!(
            parts[1].chunks[0]
                .span
                .of(transcript.text())
                .starts_with("Speaker0: We agreed on item 60 ")
        );
        assert!(parts[1].weight > parts[2].weight, "{parts:?}");
    }

    #[test]
    fn what_people_come_back_to_is_one_section() {
        let transcript = meeting(300);
        let mut topics = topics(
            &transcript,
            &[(0, 3), (60, 3), (150, 3), (200, 3), (260, 3)],
        );
        let later = topics.remove(3).starts;
        topics[1].starts.extend(later);
        let bounds = Bounds {
            budget: Tokens(3000),
            ..bounds(1500)
        };
        let parts = divide(&transcript, &topics, &[], &bounds).unwrap();
        let item = |chunk: &Chunk| {
            let text = chunk.span.of(transcript.text());
            let (_, item) = text.split_once("item ").unwrap();
            item.split_once(' ').unwrap().0.to_owned()
        };
        let firsts: Vec<Vec<String>> = parts
            .iter()
            .map(|part| part.chunks.iter().map(item).collect())
            .collect();
        assert_eq!(
            firsts,
            [vec!["0"], vec!["60", "200"], vec!["150"], vec!["260"]]
        );
        // Too long for one section, it is told where it comes up.
        let small = Bounds {
            budget: Tokens(1500),
            ..bounds
        };
        let parts = divide(&transcript, &topics, &[], &small).unwrap();
        assert!(parts.iter().all(|part| part.chunks.len() == 1), "{parts:?}");
    }

    #[test]
    fn an_opening_and_a_close_stand_with_their_neighbours() {
        let transcript = meeting(60);
        let mut topics = topics(&transcript, &[(0, 1), (2, 4), (30, 4)]);
        topics[0]
            .starts
            .push(transcript.text().rfind("Speaker").unwrap());
        let parts = divide(&transcript, &topics, &[], &bounds(1000)).unwrap();
        let headlines: Vec<&str> = parts.iter().map(|part| part.headline.as_str()).collect();
        assert_eq!(headlines, ["Topic at 2", "Topic at 30"]);
        let starts = parts.iter().map(|part| part.chunks[0].span.start);
        assert!(starts.eq([0, topics[2].starts[0]]));
        let last = parts[1].chunks.last().unwrap();
        assert_eq!(last.span.end, transcript.text().len());
    }

    #[test]
    fn what_came_to_more_gets_more_words() {
        let transcript = meeting(200);
        let topics = topics(&transcript, &[(0, 3), (100, 3)]);
        let point = |at: usize| Point {
            kind: crate::summary::outline::PointKind::Decision,
            text: String::new(),
            subject: String::new(),
            due: String::new(),
            status: String::new(),
            spans: vec![(at..at + 1).into()],
        };
        let second = topics[1].starts[0];
        let points: Vec<Point> = (0..6).map(|nth| point(second + nth)).collect();
        let weights = |points: &[Point]| {
            let bounds = Bounds {
                budget: Tokens(3000),
                ..bounds(1000)
            };
            let parts = divide(&transcript, &topics, points, &bounds).unwrap();
            parts.iter().map(|part| part.weight).collect::<Vec<_>>()
        };
        let (without, with) = (weights(&[]), weights(&points));
        assert!((without[0] - without[1]).abs() < 0.05, "{without:?}");
        assert!(with[1] > with[0] * 1.2, "{with:?}");
    }

    #[test]
    fn a_topic_that_is_too_long_is_divided() {
        let transcript = meeting(600);
        let topics = topics(&transcript, &[(0, 3), (30, 3), (60, 3)]);
        let parts = divide(&transcript, &topics, &[], &bounds(2000)).unwrap();
        assert!(
            parts.len() > 4
                && parts
                    .iter()
                    .all(|part| part.chunks[0].tokens <= Tokens(1500))
        );
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
            // Every other start is a return to the topic four before.
            topics.sort_by_key(|topic| topic.starts.clone());
            topics.dedup_by_key(|topic| topic.starts.clone());
            let mut at = topics.len();
            while at > 5 {
                at -= 2;
                let later = topics.remove(at);
                topics[at - 4].starts.extend(later.starts);
            }
            let bounds = Bounds { words, budget: Tokens(budget), count: 1..=60 };
            if let Some(parts) = divide(&transcript, &topics, &[], &bounds) {
                let mut at = 0;
                let mut chunks: Vec<&Chunk> = parts.iter().flat_map(|part| &part.chunks).collect();
                chunks.sort_by_key(|chunk| chunk.span.start);
                for chunk in chunks {
                    prop_assert_eq!(chunk.span.start, at);
                    at = chunk.span.end;
                }
                for part in &parts {
                    let tokens: usize = part.chunks.iter().map(|chunk| chunk.tokens.0).sum();
                    prop_assert!(tokens <= bounds.budget.0 + part.chunks.len());
                }
                prop_assert_eq!(at, transcript.text().len());
                prop_assert!((parts.iter().map(|part| part.weight).sum::<f64>() - 1.0).abs() < 1e-9);
            }
        }
    }
}
