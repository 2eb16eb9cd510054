//! Numbers the passages that the sentences of a summary rest on, and divides the transcript into pieces that can be highlighted.
//!
//! Passages are numbered in the order of the transcript, so that a number tells where in it a sentence comes from. Passages may
//! overlap, which elements of a page cannot. So the transcript is cut into pieces wherever a passage begins or ends; a passage is
//! a run of pieces.

use std::cmp::Reverse;
use std::ops::Range;

use crate::document::sources::{Cited, Sources};
use crate::text::Span;
use crate::transcript::Transcript;

/// Maximum length of a passage in bytes. Its words have some 500, but what has no blanks may count as a word of any length.
const MOST_BYTES: usize = 4000;

/// A sentence of the summary, or an entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sentence {
    /// Byte range in the text of its place.
    pub(super) at: Range<usize>,
    /// Number of the sentence on the page, from 1.
    pub(super) number: usize,
    /// Indices of its passages, in order.
    pub(super) passages: Vec<usize>,
}

/// A passage that sentences rest on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Passage {
    pub(super) span: Span,
    /// Numbers of the sentences that rest on it, at least one.
    pub(super) sentences: Vec<usize>,
}

/// A stretch of the transcript in which no passage begins or ends, and which belongs to at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) span: Span,
    /// Index of the passage that begins here, and the number of its pieces.
    pub(super) begins: Option<(usize, usize)>,
}

/// All sentences and passages of a page.
#[derive(Debug, Default)]
pub(super) struct Citations {
    pub(super) overview: Vec<Sentence>,
    /// The entries of each list.
    pub(super) lists: Vec<Vec<Sentence>>,
    pub(super) sections: Vec<Vec<Sentence>>,
    /// The passages in order. No two begin at the same byte.
    pub(super) passages: Vec<Passage>,
}

impl Citations {
    pub(super) fn new(transcript: &Transcript, sources: &Sources) -> Self {
        let places = || {
            let lists = sources.lists.iter().chain(&sources.sections);
            [&sources.overview].into_iter().chain(lists)
        };
        let cited = places().flatten().flat_map(|cited| &cited.passages);
        let mut spans: Vec<Span> = cited.filter_map(|&span| said(transcript, span)).collect();
        spans.sort_by_cached_key(|span| Reverse(span.end));
        // The sort is stable: of those that begin together the longest stays the first.
        spans.sort_by_cached_key(|span| span.start);
        spans.dedup_by_key(|span| span.start);
        let mut passages: Vec<Passage> = spans
            .into_iter()
            .map(|span| Passage {
                span,
                sentences: Vec::new(),
            })
            .collect();
        let mut number = 0;
        let mut sentence = |cited: &Cited| {
            number += 1;
            let spans = cited.passages.iter();
            let starts = spans.filter_map(|&span| Some(said(transcript, span)?.start));
            let indices = starts.filter_map(|start| {
                passages
                    .binary_search_by_key(&start, |passage| passage.span.start)
                    .ok()
            });
            let mut indices: Vec<usize> = indices.collect();
            indices.sort_unstable();
            indices.dedup();
            for &index in &indices {
                if let Some(passage) = passages.get_mut(index) {
                    passage.sentences.push(number);
                }
            }
            Sentence {
                at: cited.at.clone(),
                number,
                passages: indices,
            }
        };
        let mut place = |cited: &Vec<Cited>| cited.iter().map(&mut sentence).collect();
        Self {
            overview: place(&sources.overview),
            lists: sources.lists.iter().map(&mut place).collect(),
            sections: sources.sections.iter().map(&mut place).collect(),
            passages,
        }
    }

    /// Whether a sentence has no source.
    pub(super) fn has_unsourced(&self) -> bool {
        let others = self.lists.iter().chain(&self.sections).flatten();
        let mut all = self.overview.iter().chain(others);
        all.any(|sentence| sentence.passages.is_empty())
    }

    /// The pieces of all passages, in order.
    pub(super) fn pieces(&self) -> Vec<Piece> {
        let ends = self.passages.iter().flat_map(|passage| {
            let Span { start, end } = passage.span;
            [start, end]
        });
        let mut cuts: Vec<usize> = ends.collect();
        cuts.sort_unstable();
        cuts.dedup();
        let mut pieces = Vec::with_capacity(cuts.len());
        let mut passages = self.passages.iter().enumerate().peekable();
        let mut covered = 0;
        for (at, pair) in cuts.windows(2).enumerate() {
            let &[start, end] = pair else { continue };
            let begins = passages.next_if(|(_, passage)| passage.span.start == start);
            let begins = begins.map(|(index, passage)| {
                covered = covered.max(passage.span.end);
                let last = cuts.partition_point(|&cut| cut < passage.span.end);
                (index, last - at)
            });
            if start < covered {
                let span = Span { start, end };
                pieces.push(Piece { span, begins });
            }
        }
        pieces
    }
}

/// The part of a passage that was said in its first turn: what a link can lead to. `None` if there is none.
fn said(transcript: &Transcript, span: Span) -> Option<Span> {
    let Span { start, end } = transcript.passage(span).span();
    let segments = &transcript.segments;
    let body = segments.at(start).map_or_else(
        || {
            let first = segments.starting_in(0..end).first();
            Span::from(0..first.map_or(end, |segment| segment.start()))
        },
        |segment| segment.body(),
    );
    let start = start.max(body.start);
    let most = transcript.text().floor_char_boundary(start + MOST_BYTES);
    let said = Span {
        start,
        end: end.min(body.end).min(most),
    };
    let is_said = said.start < said.end && !said.of(transcript.text()).trim().is_empty();
    is_said.then_some(said)
}
