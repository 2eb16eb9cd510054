//! Sections stitched in order, each under its heading.

use std::ops::Range;

use crate::text::words;

/// The longest first line that is taken for a heading.
const HEADING_MAX_WORDS: usize = 14;

/// Who wrote a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The configured model.
    Model,
    /// The embedded extractive model, in place of an answer that could not be had.
    Extractive,
}

/// A section of the summary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its heading, without the time span.
    pub title: String,
    /// First and last time stamp of its part.
    pub time_span: Option<(String, String)>,
    /// The prose.
    pub text: String,
    /// Length that was planned, heading included.
    pub target_words: usize,
    /// Indices of its chunks.
    pub chunks: Vec<usize>,
    /// Bytes of the decoded text that it covers.
    pub range: Range<usize>,
    /// Who wrote it.
    pub source: Source,
}

impl Section {
    /// The heading line: the title, and the time span where the transcript has times.
    #[must_use]
    pub fn heading(&self) -> String {
        match &self.time_span {
            Some((from, to)) if from != to => format!("{} ({from}–{to})", self.title),
            Some((from, _)) => format!("{} ({from})", self.title),
            None => self.title.clone(),
        }
    }

    /// Words, heading included.
    #[must_use]
    pub fn words(&self) -> usize {
        words::count(&self.heading()) + words::count(&self.text)
    }
}

/// A summary, as it is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The opening paragraph.
    pub overview: Option<String>,
    /// One section for each part of the transcript, in order.
    pub sections: Vec<Section>,
    /// What a reader should know.
    pub warnings: Vec<String>,
}

impl Summary {
    /// The text of the summary: overview, then each section under its heading.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Some(overview) = &self.overview {
            text.push_str("Overview\n\n");
            text.push_str(overview);
            text.push_str("\n\n");
        }
        for section in &self.sections {
            text.push_str(&section.heading());
            text.push_str("\n\n");
            text.push_str(&section.text);
            text.push_str("\n\n");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }
}

/// The heading and the prose of an answer. A first line is a heading if it is short, is no sentence, and prose follows.
pub(crate) fn split_heading(answer: &str) -> (Option<&str>, &str) {
    let answer = answer.trim();
    let Some((first, rest)) = answer.split_once('\n') else {
        return (None, answer);
    };
    let heading = first.trim_matches(|c: char| c.is_whitespace() || "#*_\":".contains(c));
    let is_heading = !heading.is_empty()
        && words::count(heading) <= HEADING_MAX_WORDS
        && !heading.ends_with(['.', '!', '?', '。', '！', '？'])
        && !rest.trim().is_empty();
    if is_heading {
        (Some(heading), rest.trim())
    } else {
        (None, answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_told_from_prose() {
        assert_eq!(
            split_heading("Budget and depot\n\nThey met."),
            (Some("Budget and depot"), "They met.")
        );
        assert_eq!(
            split_heading("## **Budget**:\nThey met."),
            (Some("Budget"), "They met.")
        );
        assert_eq!(
            split_heading("They met.\n\nThey left."),
            (None, "They met.\n\nThey left.")
        );
        assert_eq!(split_heading("Just a title"), (None, "Just a title"));
    }

    #[test]
    fn a_summary_is_stitched_in_order() {
        let section = |title: &str, span: Option<(&str, &str)>| Section {
            title: title.into(),
            time_span: span.map(|(a, b)| (a.into(), b.into())),
            text: "They met.".into(),
            target_words: 5,
            chunks: vec![0],
            range: 0..1,
            source: Source::Model,
        };
        let summary = Summary {
            overview: Some("In short.".into()),
            sections: vec![section("One", Some(("0:01", "0:05"))), section("Two", None)],
            warnings: Vec::new(),
        };
        assert_eq!(
            summary.text(),
            "Overview\n\nIn short.\n\nOne (0:01–0:05)\n\nThey met.\n\nTwo\n\nThey met.\n"
        );
        assert_eq!(
            words::count(&summary.text()),
            3 + summary.sections.iter().map(Section::words).sum::<usize>()
        );
    }
}
