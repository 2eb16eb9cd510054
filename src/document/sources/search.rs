//! Searches the passages that a claim rests on.

use std::collections::HashMap;

use crate::document::sources::claims::Claim;
use crate::document::sources::index::{Block, Frequencies};
use crate::text::{Span, sentence, words};
use crate::transcript::Transcript;

/// Maximum length of a passage in words.
const MAX_WORDS: usize = 60;

/// Share of its score that a passage of maximum length loses against a short one with the same terms.
const LENGTH_COST: f64 = 0.2;

/// What a passage wins that has all names and numbers of the claim.
const ANCHORED: f64 = 0.3;

/// Factor for the turns of whoever is quoted.
const QUOTED: f64 = 1.3;

/// Minimum share of a claim's weight that a source of it has.
const FLOOR: f64 = 0.13;

/// Minimum weight of a source as a multiple of that of a word that is said once: more than any one word has. A larger share of the
/// claim's weight is enough, too.
const ONE_WORD: f64 = 1.6;
const ENOUGH: f64 = 0.25;

/// Minimum score of a second source as a share of the first one's.
const SECOND: f64 = 0.7;

/// The same if it has at least this share of the weight of the names and numbers that the first one lacks.
const SECOND_WITH_ANCHORS: f64 = 0.5;
const MIN_ANCHORS: f64 = 0.5;

/// Passages that are kept to choose from.
const MAX_FOUND: usize = 64;

/// Maximum number of speakers whose names have a term in common.
const MAX_NAMED: usize = 500;

/// Names and numbers of a claim that are told apart.
const MAX_ANCHORS: u32 = 64;

/// What is known about the stretches in which the sources of a claim are searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evidence {
    /// The claim rests on them, so the best passages are taken, however little they have of it.
    Given,
    /// The claim may rest on them.
    Possible,
}

/// A passage: a run of units.
#[derive(Debug, Clone)]
struct Candidate {
    span: Span,
    /// Weight of the terms that it has.
    weight: f64,
    /// By which it is compared: the weight, and what else counts.
    score: f64,
    /// The anchors that it has, as bits.
    anchors: u64,
}

/// A search for the sources of one claim.
pub(super) struct Search<'a> {
    claim: &'a Claim,
    /// The stretches in which its sources begin.
    within: &'a [Span],
    evidence: Evidence,
    terms: Vec<Weighted>,
    /// Number of anchors among them.
    anchors: u32,
    /// Minimum weight of a source.
    floor: f64,
    /// The terms, by their places in the claim, that are in the names of speakers.
    named: HashMap<usize, Vec<u16>>,
    /// For each term, the run of units in which it was counted last.
    counted: Vec<u32>,
    run: u32,
    /// The best passages so far.
    found: Vec<Candidate>,
}

/// A term of a claim.
#[derive(Debug, Clone, Copy)]
struct Weighted {
    weight: f64,
    /// Its bit if it is an anchor that occurs in the transcript.
    anchor: u64,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        claim: &'a Claim,
        within: &'a [Span],
        evidence: Evidence,
        frequencies: &Frequencies,
        is_translated: bool,
    ) -> Self {
        let mut anchors = 0;
        let terms = claim.terms.iter().map(|term| {
            let mut anchor = 0;
            if term.is_anchor && frequencies.of(term.id) > 0 && anchors < MAX_ANCHORS {
                anchor = 1 << anchors;
                anchors += 1;
            }
            Weighted {
                weight: term.worth * frequencies.rarity(term.id),
                anchor,
            }
        });
        let terms: Vec<Weighted> = terms.collect();
        let mut named: HashMap<usize, Vec<u16>> = HashMap::new();
        for (place, term) in (0..).zip(&claim.terms) {
            let speakers = frequencies.speakers_named(term.id);
            // What many are called tells none of them from the others.
            if speakers.clone().nth(MAX_NAMED).is_none() {
                for speaker in speakers {
                    named.entry(speaker).or_default().push(place);
                }
            }
        }
        let total: f64 = terms.iter().map(|term| term.weight).sum();
        let rarest = (1.0 + frequencies.units as f64).ln();
        let floor = match is_translated {
            // Most words of a translation are in other forms. A rare name is enough, a frequent one is not.
            true => rarest,
            false => (FLOOR * total).max((ONE_WORD * rarest).min(ENOUGH * total)),
        };
        Self {
            claim,
            within,
            evidence,
            counted: vec![0; terms.len()],
            terms,
            anchors,
            floor,
            named,
            run: 0,
            found: Vec::new(),
        }
    }

    pub(super) fn claim(&self) -> &Claim {
        self.claim
    }

    /// Looks for sources in a block.
    pub(super) fn read(&mut self, block: &Block) {
        let mut hits: Vec<(u32, u16)> = Vec::new();
        for &span in self.within {
            let units = block.starting_in(span);
            if units.is_empty() {
                continue;
            }
            for (place, term) in (0..).zip(&self.claim.terms) {
                let units = block.with_term(term.id, &units).iter();
                hits.extend(units.map(|&unit| (unit, place)));
            }
        }
        hits.sort_unstable();
        #[cfg(test)]
        tests::HITS.with(|count| count.set(count.get() + hits.len()));
        let mut candidates = self.candidates(block, &hits);
        if self.evidence == Evidence::Possible {
            candidates.retain(|candidate| candidate.weight >= self.floor);
        }
        for candidate in candidates {
            // Of equal ones the earlier is the better.
            let place = self
                .found
                .partition_point(|found| found.score >= candidate.score);
            if place < MAX_FOUND {
                self.found.insert(place, candidate);
                self.found.truncate(MAX_FOUND);
            }
        }
    }

    /// At most two passages, the better one first.
    pub(super) fn passages(&self) -> Vec<Span> {
        let Some((first, others)) = self.found.split_first() else {
            return Vec::new();
        };
        let second = self.second(first, others);
        let chosen = [Some(first), second].into_iter().flatten();
        chosen.map(|candidate| candidate.span).collect()
    }

    /// The second source: the one that has most of the names and numbers that the first one lacks, or else the next best.
    fn second<'c>(&self, first: &Candidate, others: &'c [Candidate]) -> Option<&'c Candidate> {
        let missing = self.anchor_weight(!first.anchors);
        let least = |share: f64| move |other: &&Candidate| other.score >= share * first.score;
        let near = others.iter().take_while(least(SECOND_WITH_ANCHORS));
        let with_anchors = near
            .map(|other| (self.anchor_weight(other.anchors & !first.anchors), other))
            .filter(|(weight, _)| missing > 0.0 && *weight >= MIN_ANCHORS * missing)
            .reduce(|best, other| if other.0 > best.0 { other } else { best });
        // One that lacks a number or a name of the first is about something else.
        let next = others
            .iter()
            .take_while(least(SECOND))
            .find(|other| first.anchors & !other.anchors == 0);
        with_anchors.map(|(_, other)| other).or(next)
    }

    fn anchor_weight(&self, anchors: u64) -> f64 {
        let terms = self.terms.iter();
        let terms = terms.filter(|term| term.anchor & anchors != 0);
        terms.map(|term| term.weight).sum()
    }

    /// The best runs of units around the hits, which are units with the places of terms in the claim. Of two that overlap, the
    /// better one.
    fn candidates(&mut self, block: &Block, hits: &[(u32, u16)]) -> Vec<Candidate> {
        let mut found: Vec<Candidate> = Vec::new();
        let mut rest = hits;
        while let Some(&(first, _)) = rest.first() {
            if let Some(best) = self.best_from(block, first as usize, rest) {
                match found.last_mut() {
                    Some(last) if last.span.end > best.span.start => {
                        if best.score > last.score {
                            *last = best;
                        }
                    }
                    _ => found.push(best),
                }
            }
            let next = rest.iter().take_while(|(unit, _)| *unit == first).count();
            rest = rest.split_at(next).1;
        }
        found
    }

    /// The best run that begins with the unit `first`, which is that of the first of the hits.
    fn best_from(&mut self, block: &Block, first: usize, hits: &[(u32, u16)]) -> Option<Candidate> {
        self.run += 1;
        let (mut weight, mut anchors) = (0.0, 0);
        let mut count = |place: u16| {
            let place = usize::from(place);
            let term = self.terms.get(place).zip(self.counted.get_mut(place));
            if let Some((term, counted)) = term.filter(|(_, counted)| **counted != self.run) {
                *counted = self.run;
                weight += term.weight;
                anchors |= term.anchor;
            }
            (weight, anchors)
        };
        let begin = block.units.get(first)?;
        let speaker = begin.speaker;
        let named = speaker.and_then(|speaker| self.named.get(&speaker));
        for &place in named.into_iter().flatten() {
            count(place);
        }
        let is_quoted = speaker.is_some_and(|speaker| self.claim.quoted.contains(&speaker));
        let factor = if is_quoted { QUOTED } else { 1.0 };
        let mut best: Option<Candidate> = None;
        let mut hits = hits.iter().peekable();
        let mut words = 0;
        for (at, unit) in block.units.iter().enumerate().skip(first) {
            words += unit.words;
            let is_over = at > first && (unit.begins_turn || words > MAX_WORDS);
            if is_over || hits.peek().is_none() {
                break;
            }
            let mut counted = None;
            while let Some((_, place)) = hits.next_if(|(unit, _)| *unit as usize == at) {
                counted = Some(count(*place));
            }
            let Some((weight, anchors)) = counted else {
                continue;
            };
            let length = words as f64 / MAX_WORDS as f64;
            let anchored = f64::from(anchors.count_ones()) / f64::from(self.anchors.max(1));
            let brevity = 1.0 - LENGTH_COST * length.min(1.0);
            let score = weight * factor * (1.0 + ANCHORED * anchored) * brevity;
            if best.as_ref().is_none_or(|best| score > best.score) {
                best = Some(Candidate {
                    span: Span::from(begin.span.start..unit.span.end),
                    weight,
                    score,
                    anchors,
                });
            }
        }
        best
    }
}

/// The longest passage with which a part of the transcript begins.
pub(super) fn opening(transcript: &Transcript, part: Span) -> Option<Span> {
    let part = transcript.passage(part);
    let mut said = part.utterance_spans().map(|(_, said)| said);
    let said = said.find(|said| !said.of(transcript.text()).trim().is_empty())?;
    let text = words::prefix(said.of(transcript.text()), MAX_WORDS);
    let sentences = sentence::sentences(text);
    let first = sentences.first()?;
    // The last one may be cut.
    let (last, whole) = sentences.split_last()?;
    let end = whole.last().unwrap_or(last).end;
    let end = if text.len() == said.len() {
        last.end
    } else {
        end
    };
    Some(Span::from(said.start + first.start..said.start + end))
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::Cell;

    thread_local! {
        /// Number of occurrences of terms that were looked at on this thread.
        pub(in crate::document::sources) static HITS: Cell<usize> = const { Cell::new(0) };
    }
}
