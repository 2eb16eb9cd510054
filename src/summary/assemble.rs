//! The parts of a summary: an overview, and sections with a heading and a span of the transcript.

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

/// A summary in its published form.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// The language it is written in, as a code, if it is known.
    pub language: Option<String>,
    /// What it is called, if the model gave it a title.
    pub title: Option<String>,
    /// The opening paragraph.
    pub overview: Option<String>,
    /// The lists at a glance.
    pub lists: Vec<List>,
    /// One section for each part of the transcript, in order.
    pub sections: Vec<Section>,
    /// Number of chunks that the transcript was divided into.
    pub chunks: usize,
    /// Words that the model has written per word requested.
    pub ratio: f64,
    /// The labels of speakers that are written otherwise in the summary.
    pub renamings: Vec<Renaming>,
    /// Whether it is in another language than the transcript, whose sentences cannot fill it.
    pub is_translated: bool,
    /// Warnings for the reader.
    pub warnings: Vec<String>,
}

impl Summary {
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
