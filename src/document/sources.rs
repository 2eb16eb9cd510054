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
mod terms;

use std::ops::Range;

use crate::document::sources::claims::{Claim, Speakers, claims_of};
use crate::document::sources::index::Index;
use crate::document::sources::terms::Vocabulary;
use crate::summary::Summary;
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
        let mut vocabulary = Vocabulary::new(summary.is_translated);
        let mut claims =
            |text: &str, matters: &[String]| claims_of(text, matters, &speakers, &mut vocabulary);
        let overview = summary.overview.as_deref();
        let overview = overview.map_or(Vec::new(), |text| claims(text, &[]));
        let lists: Vec<Vec<Claim>> = summary
            .lists
            .iter()
            .map(|list| {
                let entries = list.entries.iter();
                entries
                    .map(|entry| Claim::of_entry(&entry.text, &speakers, &mut vocabulary))
                    .collect()
            })
            .collect();
        let mut claims =
            |text: &str, matters: &[String]| claims_of(text, matters, &speakers, &mut vocabulary);
        let sections: Vec<Vec<Claim>> = summary
            .sections
            .iter()
            .map(|section| claims(&section.body(), &section.matters))
            .collect();
        let index = Index::of(transcript, &vocabulary, &speakers);
        let cited = |claims: Vec<Claim>, spans: &[Span]| -> Vec<Cited> {
            let cited = claims.into_iter().map(|claim| {
                let passages = index.passages(&claim, spans);
                (claim, passages)
            });
            // "They agreed on two points:" rests on what the entries below it rest on.
            let cited = cited.filter(|(claim, passages)| !claim.introduces || !passages.is_empty());
            cited
                .map(|(claim, passages)| Cited {
                    at: claim.at,
                    passages,
                })
                .collect()
        };
        let whole = [Span::from(0..transcript.text().len())];
        let entries = summary.lists.iter().zip(lists).map(|(list, claims)| {
            let entries = list.entries.iter().zip(claims);
            entries
                .map(|(entry, claim)| {
                    let found = index.passages(&claim, &entry.spans);
                    let passages = match found.is_empty() {
                        true => index.passages(&claim, &whole),
                        false => found,
                    };
                    Cited {
                        at: claim.at,
                        passages,
                    }
                })
                .collect()
        });
        let sections = summary.sections.iter().zip(sections);
        Self {
            lists: entries.collect(),
            overview: cited(overview, &whole),
            sections: sections
                .map(|(section, claims)| cited(claims, &section.spans))
                .collect(),
        }
    }
}
