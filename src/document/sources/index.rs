//! The units of a transcript, and which terms of the summary they have.

use std::ops::Range;

use crate::document::sources::claims::Speakers;
use crate::document::sources::terms::Vocabulary;
use crate::text::{Span, sentence, words};
use crate::transcript::{Speaker, Transcript};

/// Bytes of a paragraph that are divided into sentences at once.
const PIECE_BYTES: usize = 64 * 1024;

/// A sentence of the transcript. A long transcript has a million, so each takes only 12 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unit {
    start: u32,
    end: u32,
    speaker: Option<Speaker>,
    words: u8,
    /// Whether a turn begins with it.
    pub(super) begins_turn: bool,
}

impl Unit {
    pub(super) fn words(&self) -> usize {
        self.words.into()
    }

    /// The index of its speaker.
    pub(super) fn speaker(&self) -> Option<usize> {
        self.speaker.map(Speaker::index)
    }
}

/// The units in order, and for each term those that have it.
pub(super) struct Index {
    pub(super) units: Vec<Unit>,
    /// For each term, the numbers of the units that have it, in order.
    postings: Vec<Vec<u32>>,
    /// Terms in the names of speakers, with the speakers' indices, in order.
    named: Vec<(u32, u32)>,
    /// For each term, the number of units of the speakers in whose names it is.
    spoken: Vec<u32>,
}

impl Index {
    pub(super) fn of(
        transcript: &Transcript,
        vocabulary: &Vocabulary,
        speakers: &Speakers,
    ) -> Self {
        let mut index = Self {
            units: Vec::new(),
            postings: vec![Vec::new(); vocabulary.len()],
            named: Vec::new(),
            spoken: vec![0; vocabulary.len()],
        };
        for (speaker, forms) in (0..).zip(&speakers.names) {
            for form in forms {
                vocabulary.for_each_known(form, |id| index.named.push((id, speaker)));
            }
        }
        index.named.sort_unstable();
        index.named.dedup();
        let mut end = None;
        for (speaker, said) in transcript.whole().utterance_spans() {
            // A turn goes on where a format gives another time within it. Another turn begins with a label.
            let continues = end == Some((speaker, said.start));
            end = Some((speaker, said.end));
            index.add(transcript.text(), said, speaker, !continues, vocabulary);
        }
        index.count_spoken();
        index
    }

    /// Adds what was said in a stretch of the text.
    fn add(
        &mut self,
        text: &str,
        said: Span,
        speaker: Option<Speaker>,
        mut begins_turn: bool,
        vocabulary: &Vocabulary,
    ) {
        let mut at = said.start;
        while at < said.end {
            let rest = Span::from(at..said.end).of(text);
            let (piece, _) = rest.split_at(end_of_piece(rest));
            for sentence in sentence::sentences(piece) {
                let number = self.units.len() as u32;
                self.units.push(Unit {
                    start: (at + sentence.start) as u32,
                    end: (at + sentence.end) as u32,
                    speaker,
                    words: u8::try_from(words::count(sentence.of(piece))).unwrap_or(u8::MAX),
                    begins_turn,
                });
                begins_turn = false;
                vocabulary.for_each_known(sentence.of(piece), |id| {
                    let postings = self.postings.get_mut(id as usize);
                    if let Some(postings) = postings.filter(|known| known.last() != Some(&number)) {
                        postings.push(number);
                    }
                });
            }
            begins_turn |= piece.ends_with(PARAGRAPH_END);
            at += piece.len();
        }
    }

    fn count_spoken(&mut self) {
        let mut of_speaker: Vec<u32> = Vec::new();
        for speaker in self.units.iter().filter_map(Unit::speaker) {
            if of_speaker.len() <= speaker {
                of_speaker.resize(speaker + 1, 0);
            }
            if let Some(units) = of_speaker.get_mut(speaker) {
                *units += 1;
            }
        }
        for &(id, speaker) in &self.named {
            let units = of_speaker.get(speaker as usize).copied();
            if let Some(spoken) = self.spoken.get_mut(id as usize) {
                *spoken += units.unwrap_or(0);
            }
        }
    }

    /// The inverse document frequency of a term; of one that nobody said, as if half a unit had it.
    pub(super) fn rarity(&self, id: u32) -> f64 {
        let total = self.units.len() as f64;
        (1.0 + total / (self.frequency(id) as f64).max(0.5)).ln()
    }

    /// Number of units that have a term or are said by somebody in whose name it is.
    pub(super) fn frequency(&self, id: u32) -> usize {
        let spoken = self
            .spoken
            .get(id as usize)
            .map_or(0, |&units| units as usize);
        self.postings(id).len() + spoken
    }

    fn postings(&self, id: u32) -> &[u32] {
        self.postings.get(id as usize).map_or(&[], Vec::as_slice)
    }

    /// The indices of the speakers with a term in their names.
    pub(super) fn speakers_named(&self, id: u32) -> impl Iterator<Item = usize> {
        let start = self.named.partition_point(|&(known, _)| known < id);
        let from = self.named.get(start..).unwrap_or_default().iter();
        let of_term = from.take_while(move |(known, _)| *known == id);
        of_term.map(|&(_, speaker)| speaker as usize)
    }

    /// The units that have a term and begin in a span.
    pub(super) fn with_term(&self, id: u32, span: Span) -> &[u32] {
        let postings = self.postings(id);
        let units = self.starting_in(span);
        let before = |at: usize| postings.partition_point(|&unit| (unit as usize) < at);
        let found = postings.get(before(units.start)..before(units.end));
        found.unwrap_or_default()
    }

    /// The numbers of the units that begin in a span.
    pub(super) fn starting_in(&self, span: Span) -> Range<usize> {
        let before = |at: usize| {
            self.units
                .partition_point(|unit| (unit.start as usize) < at)
        };
        before(span.start)..before(span.end)
    }

    /// The text of a run of units.
    pub(super) fn span(&self, units: &Range<usize>) -> Option<Span> {
        let units = self.units.get(units.clone())?;
        let (first, last) = units.first().zip(units.last())?;
        Some(Span::from(first.start as usize..last.end as usize))
    }
}

/// What ends a paragraph where there are no turns.
const PARAGRAPH_END: &str = "\n\n";

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
