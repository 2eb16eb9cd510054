//! A summary as it is read out: its title, then the paragraphs and entries of the text, without the marks that only a reader needs,
//! such as time spans and bullets.

use crate::document::is_hidden;
use crate::summary::Summary;

/// The paragraphs of a summary that is called `title`.
#[must_use]
pub fn paragraphs(summary: &Summary, title: &str) -> Vec<String> {
    let mut paragraphs = vec![title.to_owned()];
    if let Some(overview) = &summary.overview {
        paragraphs.push(summary.overview_title().to_owned());
        paragraphs.extend(lines(overview));
    }
    for list in summary.lists.iter().filter(|list| !list.entries.is_empty()) {
        paragraphs.push(list.title.to_owned());
        paragraphs.extend(list.entries.iter().map(|entry| entry.text.clone()));
    }
    for section in &summary.sections {
        paragraphs.push(section.title.clone());
        paragraphs.extend(lines(&section.body()));
    }
    let shown = |paragraph: String| paragraph.replace(is_hidden, "").trim().to_owned();
    let mut paragraphs: Vec<String> = paragraphs.into_iter().map(shown).collect();
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}

/// The lines of a text, entries without their bullets.
fn lines(text: &str) -> impl Iterator<Item = String> {
    text.lines()
        .map(|line| line.strip_prefix("- ").unwrap_or(line).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::lists::{Entry, List, ListKind};
    use crate::summary::{Section, Source};

    #[test]
    fn what_only_a_reader_needs_is_not_read_out() {
        let entry = |text: &str| Entry {
            text: text.into(),
            ..Entry::default()
        };
        let actions = vec![entry("Ana orders it."), entry("Bo pays\u{202e}.")];
        let summary = Summary {
            overview: Some("In short.".into()),
            lists: vec![List::titled(ListKind::Actions, None, actions)],
            sections: vec![Section {
                title: "The depot".into(),
                times: vec![("0:01".into(), "0:05".into())],
                text: "They met:\n- on Monday\n\nThen they left.".into(),
                matters: Vec::new(),
                target_words: 5,
                chunks: vec![0],
                spans: vec![(0..1).into()],
                source: Source::Model,
                written_by: None,
            }],
            ..Summary::default()
        };
        assert_eq!(
            paragraphs(&summary, "Board"),
            [
                "Board",
                "Overview",
                "In short.",
                "Actions",
                "Ana orders it.",
                "Bo pays.",
                "The depot",
                "They met:",
                "on Monday",
                "Then they left."
            ]
        );
    }
}
