//! Renders a summary as plain text: the overview, then each section under its heading.

use crate::summary::{Section, Summary};

/// Renders a summary as text that ends in a newline.
#[must_use]
pub fn render(summary: &Summary) -> String {
    let overview = summary.overview.as_deref();
    let mut text = String::new();
    if let Some(overview) = overview {
        text.push_str(&format!("{}\n\n{overview}\n\n", summary.overview_title()));
    }
    for list in &summary.lists {
        text.push_str(&format!("{}\n", list.text()));
    }
    for (heading, section) in headed(summary) {
        text.push_str(&format!("{heading}\n\n{}\n\n", section.body()));
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// The sections with their headings, numbered where the summary numbers them.
pub(super) fn headed(summary: &Summary) -> impl Iterator<Item = (String, &Section)> {
    let sections = summary.sections.iter().enumerate();
    sections.map(|(at, section)| {
        let heading = match summary.is_numbered() {
            true => format!("{}. {}", at + 1, section.heading()),
            false => section.heading(),
        };
        (heading, section)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::Source;
    use crate::text::words;

    #[test]
    fn sections_stand_in_order_under_their_headings() {
        let section = |title: &str, span: Option<(&str, &str)>| Section {
            title: title.into(),
            times: span
                .iter()
                .map(|(a, b)| ((*a).into(), (*b).into()))
                .collect(),
            text: "They met.".into(),
            matters: Vec::new(),
            target_words: 5,
            chunks: vec![0],
            spans: vec![(0..1).into()],
            source: Source::Model,
            written_by: None,
        };
        let summary = Summary {
            overview: Some("In short.".into()),
            sections: vec![section("One", Some(("0:01", "0:05"))), section("Two", None)],
            ..Summary::default()
        };
        let text = render(&summary);
        assert_eq!(
            text,
            "Overview\n\nIn short.\n\nOne (0:01–0:05)\n\nThey met.\n\nTwo\n\nThey met.\n"
        );
        assert_eq!(words::count(&text), summary.words());
    }
}
