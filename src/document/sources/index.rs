//! The units of a transcript, and which terms of the summary they have.

use std::cmp::Ordering;
use std::ops::Range;

use crate::document::sources::claims::{Claim, Speakers};
use crate::document::sources::terms::{self, Vocabulary};
use crate::text::{Span, sentence, words};
use crate::transcript::{Speaker, Transcript};

/// Maximum length of a passage in words.
const MOST_WORDS: usize = 60;

/// A second passage scores at least this share of the first.
const SECOND: f64 = 0.7;

/// The share of a claim's weight that its source has at least.
const FLOOR: f64 = 0.2;

/// What a full-length passage loses of its score against one with the same terms that has no length.
const LENGTH_COST: f64 = 0.1;

/// What a turn of the one who is quoted wins.
const QUOTED: f64 = 1.3;

/// Bytes of a turn that are divided into sentences at once.
const PIECE_BYTES: usize = 64 * 1024;

/// A sentence of the transcript.
#[derive(Debug, Clone, Copy)]
struct Unit {
    start: u32,
    end: u32,
    speaker: Option<Speaker>,
    words: u8,
    /// Whether a turn begins with it.
    begins: bool,
}

/// A run of units with its score.
#[derive(Debug, Clone)]
struct Candidate {
    units: Range<usize>,
    score: f64,
    matched: f64,
}

/// The units, and for each term those that have it, in order.
pub(super) struct Index<'t> {
    text: &'t str,
    units: Vec<Unit>,
    postings: Vec<Vec<u32>>,
    /// The terms in each speaker's name, and the units of those with a term in their name.
    named: Vec<Vec<u32>>,
    spoken_by: Vec<u32>,
}

impl<'t> Index<'t> {
    pub(super) fn of(
        transcript: &'t Transcript,
        vocabulary: &Vocabulary,
        speakers: &Speakers,
    ) -> Self {
        let text = transcript.text();
        let mut index = Self {
            text,
            units: Vec::new(),
            postings: vec![Vec::new(); vocabulary.len()],
            named: Vec::with_capacity(speakers.names.len()),
            spoken_by: vec![0; vocabulary.len()],
        };
        for names in &speakers.names {
            let mut ids = Vec::new();
            for name in names {
                terms::for_each(name, vocabulary.is_translated, |_, key, _| {
                    ids.extend(vocabulary.get(key));
                });
            }
            ids.sort_unstable();
            ids.dedup();
            index.named.push(ids);
        }
        let whole = transcript.whole();
        let mut last: Option<(Option<Speaker>, usize)> = None;
        for (speaker, span) in whole.utterance_spans() {
            let is_same = last == Some((speaker, span.start));
            last = Some((speaker, span.end));
            index.add(span, speaker, !is_same, vocabulary);
        }
        index
    }

    /// Adds the sentences of a stretch of the text.
    fn add(&mut self, span: Span, speaker: Option<Speaker>, begins: bool, vocabulary: &Vocabulary) {
        let mut begins = begins;
        let mut at = span.start;
        while at < span.end {
            let rest = Span::from(at..span.end).of(self.text);
            let length = piece(rest);
            let piece = rest.split_at(length).0;
            let begins_paragraph = piece.ends_with("\n\n");
            for sentence in sentence::sentences(piece) {
                let said = sentence.of(piece);
                let id = self.units.len() as u32;
                let unit = Unit {
                    start: (at + sentence.start) as u32,
                    end: (at + sentence.end) as u32,
                    speaker,
                    words: u8::try_from(words::count(said)).unwrap_or(u8::MAX),
                    begins,
                };
                begins = false;
                self.units.push(unit);
                terms::for_each(said, vocabulary.is_translated, |_, key, _| {
                    let postings = vocabulary.get(key).map(|id| id as usize);
                    if let Some(postings) = postings.and_then(|id| self.postings.get_mut(id))
                        && postings.last() != Some(&id)
                    {
                        postings.push(id);
                    }
                });
                let named = speaker.and_then(|speaker| self.named.get(speaker.index()));
                for &id in named.into_iter().flatten() {
                    if let Some(spoken) = self.spoken_by.get_mut(id as usize) {
                        *spoken += 1;
                    }
                }
            }
            begins |= begins_paragraph;
            at += length;
        }
    }

    /// What a term is worth by how few units have it.
    fn rarity(&self, id: u32) -> f64 {
        let id = id as usize;
        let units = self.postings.get(id).map_or(0, Vec::len);
        let spoken = self.spoken_by.get(id).copied().unwrap_or(0);
        let total = self.units.len() as f64;
        (1.0 + total / (units as f64 + f64::from(spoken)).max(0.5)).ln()
    }

    /// The numbers of the units in a span.
    fn units_in(&self, span: Span) -> Range<usize> {
        let before = |at: usize| {
            self.units
                .partition_point(|unit| (unit.start as usize) < at)
        };
        before(span.start)..before(span.end)
    }

    /// The one or two passages within `spans` that have most of a claim, or none.
    pub(super) fn passages(&self, claim: &Claim, spans: &[Span]) -> Vec<Span> {
        let weights: Vec<f64> = claim
            .terms
            .iter()
            .map(|term| term.worth * self.rarity(term.id))
            .collect();
        let total: f64 = weights.iter().sum();
        let mut hits: Vec<(u32, u16)> = Vec::new();
        for span in spans {
            let Range { start, end } = self.units_in(*span);
            for (nth, term) in claim.terms.iter().enumerate() {
                let postings = self.postings.get(term.id as usize);
                let postings = postings.map_or(&[][..], Vec::as_slice);
                let before = |at: usize| postings.partition_point(|&unit| (unit as usize) < at);
                let within = postings.get(before(start)..before(end)).unwrap_or(&[]);
                hits.extend(within.iter().map(|&unit| (unit, nth as u16)));
            }
        }
        hits.sort_unstable();
        let mut candidates = self.candidates(claim, &hits, &weights);
        candidates.retain(|candidate| candidate.matched >= FLOOR * total);
        let better = |a: &Candidate, b: &Candidate| {
            let order = b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal);
            order.then(a.units.start.cmp(&b.units.start))
        };
        candidates.sort_by(better);
        let least = candidates.first().map_or(0.0, |best| best.score * SECOND);
        candidates
            .iter()
            .take_while(|candidate| candidate.score >= least)
            .take(2)
            .filter_map(|candidate| self.span(&candidate.units))
            .collect()
    }

    /// The best runs of units around the hits, none of which overlap.
    fn candidates(&self, claim: &Claim, hits: &[(u32, u16)], weights: &[f64]) -> Vec<Candidate> {
        let mut found: Vec<Candidate> = Vec::new();
        let mut has = vec![0_u32; weights.len()];
        let mut round = 0;
        let mut at = 0;
        while let Some(&(first, _)) = hits.get(at) {
            round += 1;
            let rest = hits.get(at..).unwrap_or(&[]);
            if let Some(best) =
                self.best_from(claim, first as usize, rest, weights, &mut has, round)
            {
                match found.last_mut() {
                    Some(last) if last.units.end > best.units.start => {
                        if best.score > last.score {
                            *last = best;
                        }
                    }
                    _ => found.push(best),
                }
            }
            at += rest.iter().take_while(|(unit, _)| *unit == first).count();
        }
        found
    }

    /// The best run that begins with the unit `first`. `has` notes the round in which a term was counted.
    fn best_from(
        &self,
        claim: &Claim,
        first: usize,
        hits: &[(u32, u16)],
        weights: &[f64],
        has: &mut [u32],
        round: u32,
    ) -> Option<Candidate> {
        let speaker = self.units.get(first)?.speaker.map(Speaker::index);
        let mut matched = 0.0;
        let mut count = |nth: usize| {
            if let (Some(seen), Some(weight)) = (has.get_mut(nth), weights.get(nth))
                && *seen != round
            {
                *seen = round;
                matched += weight;
            }
            matched
        };
        let named = speaker.and_then(|speaker| self.named.get(speaker));
        if let Some(named) = named.filter(|named| !named.is_empty()) {
            for (nth, term) in claim.terms.iter().enumerate() {
                if named.binary_search(&term.id).is_ok() {
                    count(nth);
                }
            }
        }
        let bonus = if claim.quoted.is_some() && claim.quoted == speaker {
            QUOTED
        } else {
            1.0
        };
        let mut best: Option<Candidate> = None;
        let mut hits = hits.iter().peekable();
        let mut words = 0;
        for (at, unit) in self.units.iter().enumerate().skip(first) {
            words += usize::from(unit.words);
            if at > first && (unit.begins || words > MOST_WORDS) || hits.peek().is_none() {
                break;
            }
            let mut matched = None;
            while let Some((_, nth)) = hits.next_if(|(hit, _)| *hit as usize == at) {
                matched = Some(count(usize::from(*nth)));
            }
            let Some(matched) = matched else { continue };
            let length = words as f64 / MOST_WORDS as f64;
            let score = matched * bonus * (1.0 - LENGTH_COST * length);
            if best.as_ref().is_none_or(|best| score > best.score) {
                best = Some(Candidate {
                    units: first..at + 1,
                    score,
                    matched,
                });
            }
        }
        best
    }

    /// The text of a run of units.
    fn span(&self, units: &Range<usize>) -> Option<Span> {
        let (first, last) = (
            self.units.get(units.start)?,
            self.units.get(units.end.checked_sub(1)?)?,
        );
        Some(Span::from(first.start as usize..last.end as usize))
    }
}

/// Length of the first piece of a text: its first paragraph, or if that is long, a part of it that ends at a blank.
fn piece(text: &str) -> usize {
    let paragraph = text.find("\n\n").map_or(text.len(), |at| at + 2);
    if paragraph <= PIECE_BYTES {
        return paragraph;
    }
    let most = text.floor_char_boundary(PIECE_BYTES);
    let blank = text.split_at(most).0.rfind(char::is_whitespace);
    blank.filter(|&at| at > 0).unwrap_or(most)
}
