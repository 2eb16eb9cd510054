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
//! Only terms of the summary are looked up in the transcript, in time linear in its length and in little memory.

mod claims;
mod index;
mod search;
mod terms;

use std::ops::Range;

use crate::document::sources::claims::{Claim, Reader, Speakers};
use crate::document::sources::index::{Block, Frequencies, for_each_block};
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
        let claims = Claims::of(summary, &mut reader);
        let vocabulary = reader.vocabulary;
        let mut frequencies = Frequencies::new(&vocabulary, &speakers);
        let mut blocks = 0;
        let mut only = None;
        for_each_block(transcript, &vocabulary, |block| {
            frequencies.add(&block);
            blocks += 1;
            only = (blocks == 1).then_some(block);
        });
        let whole = [Span::from(0..transcript.text().len())];
        let mut searches = Searches::of(&claims, summary, &whole, &frequencies);
        match only {
            Some(block) => searches.read(&block),
            None => for_each_block(transcript, &vocabulary, |block| searches.read(&block)),
        }
        searches.found(transcript)
    }
}

/// The claims of a summary, in the same order.
struct Claims {
    overview: Vec<Claim>,
    lists: Vec<Vec<Claim>>,
    sections: Vec<Vec<Claim>>,
}

impl Claims {
    fn of(summary: &Summary, reader: &mut Reader<'_>) -> Self {
        let overview = summary.overview.as_deref();
        let overview = overview.map_or(Vec::new(), |text| reader.claims(text, &[]));
        let sections = summary.sections.iter();
        let sections = sections.map(|section| reader.claims(&section.body(), &section.matters));
        Self {
            overview,
            sections: sections.collect(),
            lists: (summary.lists.iter())
                .map(|list| {
                    let entries = list.entries.iter();
                    entries.map(|entry| reader.entry(&entry.text)).collect()
                })
                .collect(),
        }
    }
}

/// The searches for the sources of all claims.
struct Searches<'a> {
    overview: Vec<Search<'a>>,
    lists: Vec<Vec<EntrySearch<'a>>>,
    sections: Vec<Vec<Search<'a>>>,
}

struct EntrySearch<'a> {
    entry: &'a Entry,
    /// In the turns of the outline.
    own: Search<'a>,
    /// In the whole transcript.
    anywhere: Search<'a>,
}

impl<'a> Searches<'a> {
    fn of(
        claims: &'a Claims,
        summary: &'a Summary,
        whole: &'a [Span],
        frequencies: &Frequencies,
    ) -> Self {
        let search = |claim, within, evidence| {
            Search::new(claim, within, evidence, frequencies, summary.is_translated)
        };
        let prose = |claims: &'a [Claim], within| -> Vec<Search<'a>> {
            let claims = claims.iter();
            let searches = claims.map(|claim| search(claim, within, Evidence::Possible));
            searches.collect()
        };
        let of_entry = |(entry, claim): (&'a Entry, &'a Claim)| EntrySearch {
            entry,
            own: search(claim, &entry.spans, Evidence::Given),
            anywhere: search(claim, whole, Evidence::Possible),
        };
        let lists = summary.lists.iter().zip(&claims.lists);
        let sections = summary.sections.iter().zip(&claims.sections);
        Self {
            overview: prose(&claims.overview, whole),
            lists: lists
                .map(|(list, claims)| list.entries.iter().zip(claims).map(of_entry).collect())
                .collect(),
            sections: sections
                .map(|(section, claims)| prose(claims, &section.spans))
                .collect(),
        }
    }

    /// Looks for sources in a block of the transcript.
    fn read(&mut self, block: &Block) {
        for search in &mut self.overview {
            search.read(block);
        }
        for search in self.lists.iter_mut().flatten() {
            search.own.read(block);
            search.anywhere.read(block);
        }
        for search in self.sections.iter_mut().flatten() {
            search.read(block);
        }
    }

    fn found(&self, transcript: &Transcript) -> Sources {
        let of_list = |list: &Vec<EntrySearch<'_>>| {
            let entries = list.iter().map(|search| search.found(transcript));
            entries.collect()
        };
        Sources {
            overview: found(&self.overview),
            lists: self.lists.iter().map(of_list).collect(),
            sections: self.sections.iter().map(|prose| found(prose)).collect(),
        }
    }
}

impl EntrySearch<'_> {
    fn found(&self, transcript: &Transcript) -> Cited {
        let mut passages = self.own.passages();
        if passages.is_empty() {
            passages = self.anywhere.passages();
        }
        // Nothing of a translation may be found in what the outline read, but it rests on that.
        if passages.is_empty()
            && let Some(&span) = self.entry.spans.first()
        {
            passages.extend(opening(transcript, span));
        }
        Cited {
            at: 0..self.entry.text.len(),
            passages,
        }
    }
}

/// What was found for the sentences of a text.
fn found(searches: &[Search<'_>]) -> Vec<Cited> {
    let cited = searches.iter().map(|search| Cited {
        at: search.claim().at.clone(),
        passages: search.passages(),
    });
    let mut cited: Vec<Cited> = cited.collect();
    // "They agreed on two points:" rests on what the first of the points rests on.
    let mut next = Vec::new();
    for (cited, search) in cited.iter_mut().zip(searches).rev() {
        if search.claim().introduces && cited.passages.is_empty() {
            cited.passages = next;
        }
        next = cited.passages.clone();
    }
    cited
}

#[cfg(test)]
mod tests;
