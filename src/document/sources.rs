//! Finds the passages of the transcript that each sentence of a summary rests on.
//!
//! A *claim* is a sentence of the summary, or an entry of a list. The transcript is divided into *units*, which are its sentences; a
//! passage is a run of units of one turn. A passage scores the weights of all the claim's terms that it has, and the best one or two
//! are the claim's sources:
//!
//! - Terms are stems, the beginnings of words (which unite their inflected forms in any language), numbers, pairs of
//!   words, and characters in pairs or threes where a script has no blanks. A term is worth its inverse document frequency over the
//!   units; numbers and names are worth more.
//! - The name of whoever speaks is a term of what is said: "Lopez agreed" rests on a turn of Maria Lopez.
//! - A section rests on its own part of the transcript. An entry of a list rests on the turns that the outline found for it, if they
//!   score; the overview may rest on anything.
//! - A passage that has too little of a claim is none of its sources. A claim without sources is honest; a wrong source is not.
//!
//! Only terms of the summary are looked up in the transcript, so the index takes a small part of its size, and the time is linear in
//! it.

mod claims;
mod index;
mod search;
mod terms;

use std::ops::Range;

use crate::document::sources::claims::{Claim, Reader, Speakers};
use crate::document::sources::index::Index;
use crate::document::sources::search::{Evidence, Search, opening};
use crate::document::sources::terms::Vocabulary;
use crate::summary::Summary;
use crate::summary::lists::Entry;
use crate::text::Span;
use crate::transcript::Transcript;

/// A sentence, or an entry of a list, with the passages of the transcript that it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cited {
    /// Byte range in the printed text of its place: the overview, the text of an entry, or the body of a section.
    pub at: Range<usize>,
    /// At most two passages of the spoken text, the better one first. Empty if nothing in the transcript is close enough.
    pub passages: Vec<Span>,
}

/// The sources of a whole summary.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// The sentences of the overview.
    pub overview: Vec<Cited>,
    /// The entries of each list.
    pub lists: Vec<Vec<Cited>>,
    /// The sentences of each section.
    pub sections: Vec<Vec<Cited>>,
}

impl Sources {
    /// Finds the sources of all sentences and entries of `summary`.
    #[must_use]
    pub fn of(transcript: &Transcript, summary: &Summary) -> Self {
        let speakers = Speakers::of(transcript, summary);
        let mut reader = Reader {
            speakers: &speakers,
            vocabulary: Vocabulary::new(summary.is_translated),
        };
        let overview = summary.overview.as_deref();
        let overview = overview.map_or(Vec::new(), |text| reader.claims(text, &[]));
        let mut of_entry = |entry: &Entry| Claim::of_entry(&entry.text, &mut reader);
        let lists: Vec<Vec<Claim>> = (summary.lists.iter())
            .map(|list| list.entries.iter().map(&mut of_entry).collect())
            .collect();
        let sections: Vec<Vec<Claim>> = (summary.sections.iter())
            .map(|section| reader.claims(&section.body(), &section.matters))
            .collect();
        let found = Found {
            index: &Index::of(transcript, &reader.vocabulary, &speakers),
            is_translated: summary.is_translated,
            whole: [Span::from(0..transcript.text().len())],
        };
        let lists = summary.lists.iter().zip(lists).map(|(list, claims)| {
            let entries = list.entries.iter().zip(claims);
            entries
                .map(|(entry, claim)| found.of_entry(entry, claim))
                .collect()
        });
        let sections = summary.sections.iter().zip(sections);
        Self {
            overview: found.of_prose(overview, &found.whole),
            lists: lists.collect(),
            sections: sections
                .map(|(section, claims)| found.of_prose(claims, &section.spans))
                .collect(),
        }
    }
}

/// Finds the sources of claims.
struct Found<'i> {
    index: &'i Index,
    is_translated: bool,
    whole: [Span; 1],
}

impl Found<'_> {
    fn of_prose(&self, claims: Vec<Claim>, spans: &[Span]) -> Vec<Cited> {
        let cited = claims.into_iter().map(|claim| {
            let mut search = Search::new(self.index, &claim, self.is_translated);
            let passages = search.within(spans, Evidence::Possible);
            (claim, passages)
        });
        let mut cited: Vec<(Claim, Vec<Span>)> = cited.collect();
        // "They agreed on two points:" rests on what the first of the points rests on.
        let mut next: &[Span] = &[];
        for (claim, passages) in cited.iter_mut().rev() {
            if claim.introduces && passages.is_empty() {
                *passages = next.to_vec();
            }
            next = passages;
        }
        let cited = cited.into_iter();
        cited
            .map(|(Claim { at, .. }, passages)| Cited { at, passages })
            .collect()
    }

    fn of_entry(&self, entry: &Entry, claim: Claim) -> Cited {
        let mut search = Search::new(self.index, &claim, self.is_translated);
        let mut passages = search.within(&entry.spans, Evidence::Given);
        if passages.is_empty() {
            passages = search.within(&self.whole, Evidence::Possible);
        }
        // In a translation nothing may be found of what the outline had from there.
        if passages.is_empty() {
            let opening = entry
                .spans
                .first()
                .and_then(|&span| opening(self.index, span));
            passages.extend(opening);
        }
        let at = claim.at;
        Cited { at, passages }
    }
}

#[cfg(test)]
mod tests;
