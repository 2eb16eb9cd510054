//! The parts of a summary: an overview, and sections with a heading and a span of the transcript.

use serde::{Deserialize, Serialize};

use crate::model::Usage;
use crate::summary::lists::{self, List};
use crate::summary::people::{Renaming, renamed};
use crate::summary::titles::titles;
use crate::text::{Corrections, Span, words};

/// Who wrote a section.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The configured model.
    #[default]
    Model,
    /// The embedded extractive model, because the configured one gave no usable answer.
    Extractive,
}

/// Maximum number of time spans in a heading. Of more, only the beginning and the end are told.
const MOST_SPANS: usize = 3;

/// A section of the summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its heading, without the time span.
    pub title: String,
    /// First and last timestamp of each stretch of its part, as far as they are known.
    pub times: Vec<(String, String)>,
    /// The prose.
    pub text: String,
    /// Names of matters that are printed in lines of their own: a paragraph that begins with one and a colon is the first about it.
    pub matters: Vec<String>,
    /// Planned length in words, heading included.
    pub target_words: usize,
    /// Indices of the chunks that it covers.
    pub chunks: Vec<usize>,
    /// The spans of the decoded transcript that it covers, in order, at least one.
    pub spans: Vec<Span>,
    /// Who wrote it.
    pub source: Source,
    /// The name of the fallback model, if that wrote it.
    pub written_by: Option<String>,
}

impl Section {
    /// The heading line: the title, followed by the time spans if the transcript has timestamps.
    #[must_use]
    pub fn heading(&self) -> String {
        match self.clock() {
            Some(spans) => format!("{} ({spans})", self.title),
            None => self.title.clone(),
        }
    }

    /// The time spans on one line, if the transcript has timestamps.
    pub(crate) fn clock(&self) -> Option<String> {
        let one = |from: &str, to: &str| match from == to {
            true => from.to_owned(),
            false => format!("{from}–{to}"),
        };
        match &self.times[..] {
            [] => None,
            [(from, _), .., (_, to)] if self.times.len() > MOST_SPANS => Some(one(from, to)),
            few => {
                let few: Vec<String> = few.iter().map(|(from, to)| one(from, to)).collect();
                Some(few.join(", "))
            }
        }
    }

    /// The prose as it is published, with the names of its matters above their paragraphs.
    #[must_use]
    pub fn body(&self) -> String {
        self.with_names("")
    }

    /// The prose with `mark` before the names of its matters, in lines above their paragraphs.
    pub(crate) fn with_names(&self, mark: &str) -> String {
        let paragraphs = self.paragraphs().map(|(name, paragraph)| match name {
            Some(name) => format!("{mark}{name}\n\n{paragraph}"),
            None => paragraph.to_owned(),
        });
        paragraphs.collect::<Vec<_>>().join("\n\n")
    }

    /// The paragraphs of the prose, each with the name of the matter that stands above it.
    pub(crate) fn paragraphs(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        self.text.split("\n\n").map(|paragraph| {
            let named = paragraph.split_once(": ");
            let named = named.filter(|(name, _)| self.matters.iter().any(|one| one == name));
            named.map_or((None, paragraph), |(name, rest)| (Some(name), rest))
        })
    }

    /// Length in words, heading included.
    #[must_use]
    pub fn words(&self) -> usize {
        words::count(&self.heading()) + words::count(&self.text)
    }
}

/// The run of this program that wrote a whole summary, on a worker of the endpoint, as its report tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// The provider of the model that it asked.
    pub provider: String,
    /// That model's id, if any.
    pub model: Option<String>,
    /// That model's window in tokens, if limited.
    pub context_tokens: Option<usize>,
    /// What its calls used.
    pub usage: Usage,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Name and version of the program that it ran.
    pub generator: String,
}

/// A summary in its published form.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// The language it is written in, as a code, if it is known.
    pub language: Option<String>,
    /// What it is called, if the model gave it a title.
    pub title: Option<String>,
    /// What the model answered instead of usable texts, by section or part.
    pub unusable: Vec<String>,
    /// The opening paragraph.
    pub overview: Option<String>,
    /// The lists at a glance.
    pub lists: Vec<List>,
    /// One section for each part of the transcript, in order.
    pub sections: Vec<Section>,
    /// Number of chunks that the transcript was divided into.
    pub chunks: usize,
    /// Indices of the chunks of which the model gave no usable notes, in sections that it wrote from the notes on others too.
    pub unread: Vec<usize>,
    /// Words in the speakers' own sentences that were added to the model's, to reach the length.
    pub added_words: usize,
    /// Words that the model has written per word requested.
    pub ratio: f64,
    /// The labels of speakers that are written otherwise in the summary.
    pub renamings: Vec<Renaming>,
    /// Whether it is in another language than the transcript, whose sentences cannot fill it.
    pub is_translated: bool,
    /// Warnings for the reader.
    pub warnings: Vec<String>,
    /// The worker that wrote it as a whole, if one did.
    pub worker: Option<Worker>,
}

/// A summary is published only if at most one section, part or word in four is not the model's.
pub(crate) const DEGRADED_SHARE: usize = 4;

/// Why too little of a summary is the model's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Degraded {
    /// The model gave no usable text.
    #[error(
        "the model gave no usable answer for {count} of {all} sections, and at most a quarter may be extractive"
    )]
    Sections {
        /// Sections without a usable answer.
        count: usize,
        /// All sections.
        all: usize,
    },
    /// The model gave no usable notes.
    #[error(
        "the model gave no usable notes on {count} of {all} parts, and at most a quarter may be extractive"
    )]
    Notes {
        /// Parts without usable notes.
        count: usize,
        /// All parts.
        all: usize,
    },
    /// The model wrote too little.
    #[error(
        "the model wrote so little that {count} of {all} words are the speakers' own, and at most a quarter may be"
    )]
    Words {
        /// Words in the speakers' own sentences.
        count: usize,
        /// All words.
        all: usize,
    },
}

impl Summary {
    /// Why the summary is not published, if too little of it is the model's own.
    #[must_use]
    pub fn degraded(&self) -> Option<Degraded> {
        let extractive = || {
            let sections = self.sections.iter();
            sections.filter(|section| section.source == Source::Extractive)
        };
        let most = |all: usize| all / DEGRADED_SHARE;
        let (count, all) = (extractive().count(), self.sections.len());
        if count > most(all) {
            return Some(Degraded::Sections { count, all });
        }
        let parts = extractive().map(|section| section.chunks.len());
        let (count, all) = (parts.sum::<usize>() + self.unread.len(), self.chunks);
        if !self.unread.is_empty() && count > most(all) {
            return Some(Degraded::Notes { count, all });
        }
        let own = extractive().map(Section::words).sum::<usize>();
        let (count, all) = (own + self.added_words, self.words());
        (self.added_words > 0 && count > most(all)).then_some(Degraded::Words { count, all })
    }

    /// Writes names instead of labels, and right words instead of misheard ones.
    pub(crate) fn rename(&mut self, corrections: &Corrections) {
        if self.renamings.is_empty() && corrections.is_empty() {
            return;
        }
        let renamings = std::mem::take(&mut self.renamings);
        let rename = |text: &mut String| {
            *text = renamed(text, &renamings);
            *text = corrections.apply(text).into_owned();
        };
        let entries = self.lists.iter_mut().flat_map(|list| &mut list.entries);
        for entry in entries {
            rename(&mut entry.text);
            let fields = entry.owner.iter_mut().chain(&mut entry.due);
            fields.for_each(rename);
        }
        self.overview.iter_mut().for_each(rename);
        for section in &mut self.sections {
            rename(&mut section.title);
            rename(&mut section.text);
            section.matters.iter_mut().for_each(rename);
        }
        self.renamings = renamings;
    }

    /// The title of the overview, in the language of the summary.
    #[must_use]
    pub fn overview_title(&self) -> &'static str {
        titles(self.language.as_deref()).overview
    }

    /// Whether its sections are numbered: below lists, headings are hard to tell from what begins a paragraph.
    #[must_use]
    pub fn is_numbered(&self) -> bool {
        !self.lists.is_empty()
    }

    /// Length of the published text in words, headings included.
    #[must_use]
    pub fn words(&self) -> usize {
        let overview = self.overview.as_deref();
        let overview = overview.map_or(0, |text| {
            words::count(text) + words::count(self.overview_title())
        });
        let numbers = if self.is_numbered() {
            self.sections.len()
        } else {
            0
        };
        overview
            + numbers
            + lists::length(&self.lists)
            + self.sections.iter().map(Section::words).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_a_quarter_is_not_the_models() {
        let section = |nth: usize, is_lost: bool| Section {
            title: String::new(),
            times: Vec::new(),
            text: "They met in the depot at nine. ".repeat(10),
            matters: Vec::new(),
            target_words: 70,
            chunks: vec![nth],
            spans: Vec::new(),
            source: match is_lost {
                true => Source::Extractive,
                false => Source::Model,
            },
            written_by: None,
        };
        // Of eight sections of 70 words each: sections lost, parts without notes, words added.
        for (lost, unread, added_words, expected) in [
            (0, 0, 0, None),
            (2, 0, 0, None),
            (3, 0, 0, Some(Degraded::Sections { count: 3, all: 8 })),
            (0, 2, 0, None),
            (1, 2, 0, Some(Degraded::Notes { count: 3, all: 8 })),
            (0, 0, 140, None),
            (
                0,
                0,
                141,
                Some(Degraded::Words {
                    count: 141,
                    all: 560,
                }),
            ),
            (
                1,
                0,
                71,
                Some(Degraded::Words {
                    count: 141,
                    all: 560,
                }),
            ),
        ] {
            let summary = Summary {
                sections: (0..8).map(|nth| section(nth, nth < lost)).collect(),
                chunks: 8,
                unread: (8 - unread..8).collect(),
                added_words,
                ..Summary::default()
            };
            let found = summary.degraded();
            assert_eq!(found, expected, "{lost}, {unread}, {added_words}");
        }
    }
}
