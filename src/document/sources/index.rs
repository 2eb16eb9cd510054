//! The units of a transcript, block by block, and which terms of the summary they have.
//!
//! How rare a term is follows from the whole transcript, so a first reading counts. A second one searches. Only one block is held
//! at a time: the units of all would take a third of the transcript's size.

use std::ops::Range;

use crate::document::sources::claims::Speakers;
use crate::document::sources::terms::Vocabulary;
use crate::text::{Span, sentence, words};
use crate::transcript::{Speaker, Transcript};

/// Bytes of the spoken text in a block, at least, but for the last one.
const BLOCK_BYTES: usize = 1024 * 1024;

/// Units in a block at most, which take three times the text where turns have three words. Most speech has fewer in these bytes.
const BLOCK_UNITS: usize = 1 << 14;

/// Bytes of a paragraph that are divided into sentences at once.
const PIECE_BYTES: usize = 64 * 1024;

/// What ends a paragraph where there are no turns.
const PARAGRAPH_END: &str = "\n\n";

/// A sentence of the transcript.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    pub(super) span: Span,
    /// The index of its speaker.
    pub(super) speaker: Option<usize>,
    pub(super) words: usize,
    /// Whether a turn begins with it.
    pub(super) begins_turn: bool,
}

/// Successive units.
#[derive(Default)]
pub(super) struct Block {
    pub(super) units: Vec<Unit>,
    /// For each term, the numbers of the units that have it, in order.
    postings: Vec<Vec<u32>>,
}

impl Block {
    fn new(vocabulary: &Vocabulary) -> Self {
        Self {
            units: Vec::new(),
            postings: vec![Vec::new(); vocabulary.len()],
        }
    }

    fn bytes(&self) -> usize {
        let ends = self.units.first().zip(self.units.last());
        ends.map_or(0, |(first, last)| last.span.end - first.span.start)
    }

    fn add(&mut self, unit: Unit, said: &str, vocabulary: &Vocabulary) {
        let number = self.units.len() as u32;
        self.units.push(unit);
        vocabulary.for_each_known(said, |id| {
            let postings = self.postings.get_mut(id as usize);
            if let Some(postings) = postings.filter(|known| known.last() != Some(&number)) {
                postings.push(number);
            }
        });
    }

    /// The numbers of the units that begin in a span.
    pub(super) fn starting_in(&self, span: Span) -> Range<usize> {
        let before = |at| self.units.partition_point(|unit| unit.span.start < at);
        before(span.start)..before(span.end)
    }

    /// Those of the `units` that have a term.
    pub(super) fn with_term(&self, id: u32, units: &Range<usize>) -> &[u32] {
        let postings = self.postings.get(id as usize);
        let postings = postings.map_or(&[][..], Vec::as_slice);
        let before = |at: usize| postings.partition_point(|&unit| (unit as usize) < at);
        let found = postings.get(before(units.start)..before(units.end));
        found.unwrap_or_default()
    }
}

/// Reads a transcript, and calls `each` with every block of it.
pub(super) fn for_each_block(
    transcript: &Transcript,
    vocabulary: &Vocabulary,
    mut each: impl FnMut(Block),
) {
    let text = transcript.text();
    let mut block = Block::new(vocabulary);
    let mut end = None;
    for (speaker, said) in transcript.whole().utterance_spans() {
        // A turn goes on where a format gives another time within it. Another turn begins with a label.
        let mut begins_turn = end != Some((speaker, said.start));
        end = Some((speaker, said.end));
        let mut start = said.start;
        while start < said.end {
            let rest = Span::from(start..said.end).of(text);
            let (piece, _) = rest.split_at(end_of_piece(rest));
            for sentence in sentence::sentences(piece) {
                let unit = Unit {
                    span: Span::from(start + sentence.start..start + sentence.end),
                    speaker: speaker.map(Speaker::index),
                    words: words::count(sentence.of(piece)),
                    begins_turn,
                };
                block.add(unit, sentence.of(piece), vocabulary);
                begins_turn = false;
            }
            begins_turn |= piece.ends_with(PARAGRAPH_END);
            start += piece.len();
            if block.bytes() >= BLOCK_BYTES || block.units.len() >= BLOCK_UNITS {
                each(std::mem::replace(&mut block, Block::new(vocabulary)));
            }
        }
    }
    each(block);
}

/// The byte offset at which the first paragraph of `text` ends, or a part of it if it is long: after a word if possible.
fn end_of_piece(text: &str) -> usize {
    let near = text.split_at(text.floor_char_boundary(PIECE_BYTES)).0;
    if let Some(at) = near.find(PARAGRAPH_END) {
        return at + PARAGRAPH_END.len();
    }
    if near.len() == text.len() {
        return text.len();
    }
    let blank = near.rfind(char::is_whitespace).filter(|&at| at > 0);
    blank.unwrap_or(near.len())
}

/// How often the terms of the summary occur in the transcript.
pub(super) struct Frequencies {
    /// Number of units.
    pub(super) units: usize,
    /// For each term, the number of units that have it.
    of_terms: Vec<usize>,
    /// For each speaker, the number of their units.
    of_speakers: Vec<usize>,
    /// Terms in the names of speakers, with the speakers' indices, in order.
    named: Vec<(u32, usize)>,
}

impl Frequencies {
    pub(super) fn new(vocabulary: &Vocabulary, speakers: &Speakers) -> Self {
        let mut named = Vec::new();
        for (speaker, forms) in speakers.names.iter().enumerate() {
            for form in forms {
                vocabulary.for_each_known(form, |id| named.push((id, speaker)));
            }
        }
        named.sort_unstable();
        named.dedup();
        Self {
            units: 0,
            of_terms: vec![0; vocabulary.len()],
            of_speakers: vec![0; speakers.names.len()],
            named,
        }
    }

    pub(super) fn add(&mut self, block: &Block) {
        self.units += block.units.len();
        for (count, postings) in self.of_terms.iter_mut().zip(&block.postings) {
            *count += postings.len();
        }
        for speaker in block.units.iter().filter_map(|unit| unit.speaker) {
            if let Some(count) = self.of_speakers.get_mut(speaker) {
                *count += 1;
            }
        }
    }

    /// Number of units that have a term or are said by somebody in whose name it is.
    pub(super) fn of(&self, id: u32) -> usize {
        let speakers = self.speakers_named(id);
        let said = speakers.filter_map(|speaker| self.of_speakers.get(speaker));
        self.of_terms.get(id as usize).copied().unwrap_or(0) + said.sum::<usize>()
    }

    /// The inverse document frequency of a term; of one that nobody said, as if half a unit had it.
    pub(super) fn rarity(&self, id: u32) -> f64 {
        (1.0 + self.units as f64 / (self.of(id) as f64).max(0.5)).ln()
    }

    /// The indices of the speakers with a term in their names.
    pub(super) fn speakers_named(&self, id: u32) -> impl Iterator<Item = usize> + Clone {
        let start = self.named.partition_point(|&(known, _)| known < id);
        let from = self.named.get(start..).unwrap_or_default().iter();
        let of_term = from.take_while(move |(known, _)| *known == id);
        of_term.map(|&(_, speaker)| speaker)
    }
}
