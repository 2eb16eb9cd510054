//! Renders a summary as Markdown: the text with marked headings, below front matter in YAML.
//!
//! What people said is text, never markup: it is escaped, so that a reader sees what `_summary.txt` says. Lists stay lists.

use std::fmt::Write;

use crate::document::report::Report;
use crate::document::text::headed;
use crate::document::{Document, is_hidden};
use crate::summary::Summary;

/// Renders a document with the facts of its report.
pub(super) fn render(document: &Document<'_>, report: &Report) -> String {
    let title = document.title();
    let heading = format!("\n# {}\n", inline(&title));
    front_matter(report, &title) + &heading + &body(document.summary)
}

fn body(summary: &Summary) -> String {
    let mut markdown = String::new();
    if let Some(overview) = &summary.overview {
        let title = inline(summary.overview_title());
        let _ = write!(markdown, "\n## {title}\n\n{}\n", blocks(overview));
    }
    for list in &summary.lists {
        let _ = write!(markdown, "\n## {}\n\n", inline(list.title));
        for entry in &list.entries {
            let _ = writeln!(markdown, "- {}", line(&entry.text));
        }
    }
    for (heading, section) in headed(summary) {
        let _ = write!(markdown, "\n## {}\n", inline(&heading));
        for (name, paragraph) in section.paragraphs() {
            if let Some(name) = name {
                let _ = write!(markdown, "\n### {}\n", inline(name));
            }
            let _ = write!(markdown, "\n{}\n", blocks(paragraph));
        }
    }
    markdown
}

fn front_matter(report: &Report, title: &str) -> String {
    let source = &report.source;
    let members = [
        ("title", Some(quoted(title))),
        ("source", Some(quoted(&source.key))),
        ("source_words", source.words.map(|words| words.to_string())),
        ("language", report.language.as_deref().map(quoted)),
        ("words", Some(report.summary.words.to_string())),
        ("provider", Some(quoted(&report.model.provider))),
        ("model", report.model.model.as_deref().map(quoted)),
        ("generator", Some(quoted(&report.generator))),
    ];
    let mut matter = "---\n".to_owned();
    for (name, value) in members {
        if let Some(value) = value {
            let _ = writeln!(matter, "{name}: {value}");
        }
    }
    matter + "---\n"
}

/// A YAML string in double quotes. JSON's escapes are YAML's too; line separators and what YAML does not accept unescaped are
/// escaped in addition.
fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c if is_hidden(c) || c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

/// The lines of a text as paragraphs and lists. Only lines that begin with a hyphen and a blank are items of a list.
fn blocks(text: &str) -> String {
    let (text, mut blocks) = (clean(text), String::new());
    let mut follows_item = None;
    for one in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let item = one.strip_prefix("- ").map(str::trim_start);
        let is_item = item.is_some_and(|item| !item.is_empty());
        blocks.push_str(match follows_item {
            None => "",
            Some(follows_item) if follows_item != is_item => "\n\n",
            Some(true) => "\n",
            // Two blanks keep the line break.
            Some(false) => "  \n",
        });
        match item.filter(|_| is_item) {
            Some(item) => {
                let _ = write!(blocks, "- {}", line(item));
            }
            None => blocks.push_str(&line(one)),
        }
        follows_item = Some(is_item);
    }
    blocks
}

/// A line of text that begins no other block: neither a heading nor a list, a quotation or a rule.
fn line(text: &str) -> String {
    let text = clean(text);
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    let begins_block = match digits {
        0 => rest.starts_with(['-', '+', '=', '>', ':']),
        _ => {
            let after = rest.strip_prefix(['.', ')']);
            after.is_some_and(|after| !after.starts_with(char::is_alphanumeric))
        }
    };
    let escape = if begins_block { "\\" } else { "" };
    format!("{number}{escape}{}", escaped(rest))
}

/// A title.
fn inline(text: &str) -> String {
    escaped(&clean(text).replace('\n', " ")).trim().to_owned()
}

/// Text without [hidden](is_hidden) characters. White space other than line breaks is a blank.
fn clean(text: &str) -> String {
    let kept = text.chars().filter_map(|c| match c {
        '\n' => Some(c),
        c if c.is_control() => c.is_whitespace().then_some(' '),
        c => (!is_hidden(c)).then_some(c),
    });
    kept.collect()
}

/// A line in which nothing is markup. Besides that of CommonMark this covers tables, struck text and formulas, and addresses, of
/// which GitHub makes [links](https://github.github.com/gfm/#autolinks-extension-): what was said at a stranger's wish would
/// lead there.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let after = chars.peek().copied().unwrap_or(' ');
        let is_markup = match c {
            '\\' | '`' | '*' | '[' | '<' | '~' | '|' => true,
            // A formula ends with a mark right behind it, and no digit follows: "$45,000" stays as it is.
            '$' => !before.is_whitespace() || !after.is_alphanumeric(),
            '_' => !(before.is_alphanumeric() && after.is_alphanumeric()),
            '&' => after.is_ascii_alphabetic() || after == '#',
            '#' => before == ' ' || before == '#',
            _ => false,
        };
        let is_address = match c {
            ':' => chars.clone().take(2).eq(['/', '/']),
            '.' => (escaped.as_bytes().last_chunk::<3>())
                .is_some_and(|last| last.eq_ignore_ascii_case(b"www")),
            _ => false,
        };
        if is_markup || is_address {
            escaped.push('\\');
        } else if c == '@' && !before.is_whitespace() && after.is_alphanumeric() {
            // GitHub looks for addresses of mail when escapes are read already. Nothing that is not text may stand in one.
            escaped.push_str("<!-- -->");
        }
        escaped.push(c);
        before = c;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
    use saphyr::{LoadableYamlNode, Yaml};

    use super::*;
    use crate::document::text;
    use crate::summary::lists::{Entry, List, ListKind};
    use crate::summary::{Section, Source};

    /// The blocks that a reader of the Markdown sees, with `## ` and `- ` before headings and items. Anything that is neither
    /// a paragraph nor a heading or an item is told by name.
    fn seen(markdown: &str) -> Vec<String> {
        let mut blocks = vec![String::new()];
        let unusual = Options::ENABLE_SMART_PUNCTUATION
            | Options::ENABLE_HEADING_ATTRIBUTES
            | Options::ENABLE_SUPERSCRIPT;
        for event in Parser::new_ext(markdown, Options::all() - unusual) {
            let last = blocks.last_mut().unwrap();
            match event {
                Event::Start(Tag::Heading { level, .. }) => match level {
                    HeadingLevel::H2 => last.push_str("## "),
                    HeadingLevel::H3 => last.push_str("### "),
                    other => last.push_str(&format!("<{other}>")),
                },
                Event::Start(Tag::Item) => last.push_str("- "),
                Event::Start(Tag::Paragraph | Tag::List(None)) | Event::End(TagEnd::List(_)) => {}
                Event::End(TagEnd::Heading(_) | TagEnd::Paragraph | TagEnd::Item) => {
                    if !last.is_empty() {
                        blocks.push(String::new());
                    }
                }
                Event::Text(text) => last.push_str(&text),
                Event::SoftBreak => last.push_str("<soft>"),
                Event::HardBreak => last.push('\n'),
                other => last.push_str(&format!("<{other:?}>")),
            }
        }
        blocks.retain(|block| !block.is_empty());
        blocks
    }

    fn section(title: &str, text: &str, matters: &[&str]) -> Section {
        Section {
            title: title.to_owned(),
            times: Vec::new(),
            text: text.to_owned(),
            matters: matters.iter().map(|&name| name.to_owned()).collect(),
            target_words: 0,
            chunks: Vec::new(),
            spans: Vec::new(),
            source: Source::Model,
            written_by: None,
        }
    }

    #[test]
    fn headings_lists_and_names_of_matters_are_marked() {
        let summary = Summary {
            overview: Some("They met.".to_owned()),
            lists: vec![List {
                kind: ListKind::Actions,
                title: "Actions",
                entries: vec![Entry {
                    text: "Ada: sends $5 (by Friday)".to_owned(),
                    ..Entry::default()
                }],
            }],
            sections: vec![section(
                "Costs",
                "Rent: It rose:\n- to $3\n- then to $4\nThat is much.\n\n1986. It was spk_0.",
                &["Rent"],
            )],
            ..Summary::default()
        };
        assert_eq!(
            body(&summary),
            "\n## Overview\n\nThey met.\n\n## Actions\n\n- Ada: sends $5 (by Friday)\n\n## 1. Costs\n\n### Rent\n\n\
             It rose:\n\n- to $3\n- then to $4\n\nThat is much.\n\n1986\\. It was spk_0.\n"
        );
    }

    #[test]
    fn what_was_said_is_no_markup() {
        let hostile = "# no heading\n1. no number\n> no quotation\n---\n===\n***\n- # item\n- - item\n- [ ] task\n\
                       <script>alert(1)</script>\n[a](javascript:b) ![c](d) `e` **f** __g__ ~~h~~ $i$ &lt; x_y_z\n\
                       | a | b |\n| - | - |\n    code\n\u{0}\u{1b}+ plus\n[^1]: note\nterm\n: definition\nend  ";
        let found = seen(&body(&Summary {
            sections: vec![section("# One # <b> #", hostile, &[])],
            ..Summary::default()
        }));
        let expected: Vec<String> = [
            "## # One # <b> #",
            "# no heading\n1. no number\n> no quotation\n---\n===\n***",
            "- # item",
            "- - item",
            "- [ ] task",
            "<script>alert(1)</script>\n[a](javascript:b) ![c](d) `e` **f** __g__ ~~h~~ $i$ &lt; x_y_z\n\
             | a | b |\n| - | - |\ncode\n+ plus\n[^1]: note\nterm\n: definition\nend",
        ]
        .map(str::to_owned)
        .into();
        assert_eq!(found, expected);
    }

    #[test]
    fn addresses_are_text_and_no_links() {
        for (said, written) in [
            ("See https://a.example/b.", "See https\\://a.example/b."),
            ("WWW.a.example, http://b", "WWW\\.a.example, http\\://b"),
            ("dana@a.example", "dana<!-- -->@a.example"),
            ("at 5: //so @home", "at 5: //so @home"),
        ] {
            assert_eq!(escaped(said), written);
            let shown = seen(&escaped(said)).join("");
            assert_eq!(
                shown.replace("<InlineHtml(Borrowed(\"<!-- -->\"))>", ""),
                said
            );
        }
    }

    #[test]
    fn front_matter_is_yaml() {
        let text =
            "a\"b\\c: 'd' # e\n\u{85}\u{2028}\u{feff}\u{7f}\u{0}\u{202e}{[&*!|>%@` é 会 \u{1f600}";
        let written = format!("---\ntitle: {}\n---\n", quoted(text));
        assert!(!written.contains(is_hidden));
        let read = Yaml::load_from_str(&written).unwrap();
        assert_eq!(read[0]["title"].as_str(), Some(text));
    }

    proptest! {
        #[test]
        fn any_text_is_quoted(text in any::<String>()) {
            let read = Yaml::load_from_str(&quoted(&text)).unwrap();
            prop_assert_eq!(read[0].as_str(), Some(text.as_str()));
        }

        #[test]
        fn a_reader_sees_the_text(lines in vec("[-+#>*_`~|$&<=:.!a1 \\[\\]()\\\\]{0,12}", 1..5), title in "[#*_<a1. ]{0,6}a") {
            let text = lines.join("\n");
            let summary = Summary {
                sections: vec![section(&title, &text, &[])],
                ..Summary::default()
            };
            let found = seen(&body(&summary)).join("\n");
            let plain: String = text::render(&summary);
            // Blanks at the ends of lines and blank lines are not seen; a hyphen that begins an item has one blank after it.
            let shown = |text: &str| {
                let lines = text.lines().map(|line| match line.trim().strip_prefix("- ") {
                    Some(item) if !item.trim().is_empty() => format!("- {}", item.trim()),
                    _ => line.trim().to_owned(),
                });
                lines.filter(|line| !line.is_empty()).collect::<Vec<_>>()
            };
            // One mark is the heading's; any other is of its text.
            let found = shown(found.strip_prefix("## ").unwrap());
            prop_assert_eq!(found, shown(&plain));
        }
    }
}
