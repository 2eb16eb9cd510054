//! Takes answers apart: sections with their headings, and the names of the matters in them.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use crate::summary::fit_length::LABEL_MAX_WORDS;
use crate::summary::flaw::{Flaw, flaw};
use crate::summary::scaffold;
use crate::text::{sentence, words};

/// Maximum length of a heading in words. A longer first line is treated as prose.
const HEADING_MAX_WORDS: usize = 14;

/// The same for a first line that an empty line follows, or that is marked as a heading.
const APART_MAX_WORDS: usize = 24;

/// What the name of a matter in a section begins with, or more of these marks.
pub(crate) const MATTER_MARK: &str = "### ";
const MATTER_MARKS: usize = 3;

/// Minimum length in words of what stands before the first heading and is text.
const OPENING_MIN_WORDS: usize = 30;

/// A section as it was answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// The number that its heading has, or by which it is one of several.
    pub(crate) number: Option<usize>,
    /// Its heading, without the number.
    pub(crate) title: Option<String>,
    /// The text. A paragraph about a matter that was named in a line of its own begins with that name and a colon.
    pub(crate) text: String,
    /// Those names.
    pub(crate) matters: Vec<String>,
    /// Why it is no prose, if it is none.
    pub(crate) flaw: Option<Flaw>,
}

impl Told {
    /// A text without heading and marks, as it is.
    pub(crate) fn verbatim(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }

    /// The answer to a request for a text without a heading, which is prose or notes.
    pub(crate) fn of_text(answer: &str, is_prose: bool) -> Self {
        Self {
            flaw: flaw(scaffold::unwrapped(answer), is_prose),
            ..Self::verbatim(scaffold::strip_preamble(answer))
        }
    }

    /// The answer to a request for entries.
    pub(crate) fn of_entries(answer: &str) -> Self {
        Self {
            flaw: flaw(scaffold::unwrapped(answer), false),
            ..Self::verbatim(scaffold::strip_preamble_of_entries(answer))
        }
    }

    /// The answer to a request for one section.
    pub(crate) fn of_section(answer: &str) -> Self {
        let answer = scaffold::unwrapped(answer);
        // Whatever its mark, the first line is the heading.
        let (text, matters) = with_labels(answer, true);
        let text = scaffold::strip_preamble(&text);
        let (title, body) = split_heading(&text);
        let title = title.map(|title| numbered(title).map_or(title, |(_, title)| title));
        let body = match title {
            Some(title) => scaffold::without_heading(body, title),
            None => body.to_owned(),
        };
        Self {
            number: None,
            title: title.map(str::to_owned),
            text: body,
            matters,
            flaw: flaw(answer, true),
        }
    }

    /// A section of several, below its heading.
    fn of_body(number: usize, title: &str, lines: &[&str]) -> Self {
        let body = lines.join("\n");
        let (text, matters) = with_labels(&body, false);
        let text = scaffold::strip_preamble(&text);
        let title = scaffold::plain_line(title);
        let is_title = (1..=APART_MAX_WORDS).contains(&words::count(&title));
        let text = scaffold::without_heading(&text, &title);
        Self {
            number: Some(number),
            title: is_title.then_some(title),
            text,
            matters,
            flaw: flaw(&body, true),
        }
    }
}

/// The sections in the answer to a request for those with these numbers, in order: by the numbers of their headings, or by
/// their order if there are as many headings as sections. An answer that cannot be told apart is one section without a number.
pub(crate) fn sections(answer: &str, numbers: Range<usize>) -> Vec<Told> {
    let answer = scaffold::unwrapped(answer);
    let lines: Vec<&str> = answer.lines().collect();
    let headings = headings(&lines, &numbers);
    let Some((first, ..)) = headings.first() else {
        return vec![Told::of_section(answer)];
    };
    let opening = lines.get(..*first).unwrap_or_default().join("\n");
    let ends = headings.iter().skip(1).map(|(at, ..)| *at);
    let ends = ends.chain([lines.len()]);
    // Of an answer that begins again, the last version counts.
    let mut told: BTreeMap<usize, Told> = BTreeMap::new();
    for ((at, number, title), end) in headings.iter().zip(ends) {
        let body = lines.get(at + 1..end).unwrap_or_default();
        told.insert(*number, Told::of_body(*number, title, body));
    }
    let opening = (words::count(&opening) >= OPENING_MIN_WORDS).then(|| Told::of_section(&opening));
    let opening = opening.filter(|_| !told.contains_key(&numbers.start));
    opening.into_iter().chain(told.into_values()).collect()
}

/// The headings of sections: their lines, their numbers, which are among `numbers`, and the rest of them. They all have the same
/// mark, the highest with which there are such numbers, or else the highest of all if there are as many as numbers.
fn headings<'a>(lines: &[&'a str], numbers: &Range<usize>) -> Vec<(usize, usize, &'a str)> {
    let mut is_code = false;
    let marked = lines.iter().enumerate().filter_map(|(at, line)| {
        is_code ^= line.trim_start().starts_with("```");
        let (marks, title) = marked(line).filter(|_| !is_code)?;
        let (number, title) = match numbered(title) {
            Some((number, title)) => (Some(number), title),
            None => (None, title),
        };
        Some((
            marks,
            at,
            number.filter(|number| numbers.contains(number)),
            title,
        ))
    });
    let marked: Vec<(usize, usize, Option<usize>, &str)> = marked.collect();
    let with = |level: usize| marked.iter().filter(move |(marks, ..)| *marks == level);
    let of_numbers = marked.iter().filter(|(.., number, _)| number.is_some());
    let level = of_numbers.map(|(marks, ..)| *marks).min();
    let top = marked.iter().map(|(marks, ..)| *marks).min();
    let count = |level: usize| {
        let all: HashSet<usize> = with(level).filter_map(|(.., number, _)| *number).collect();
        all.len()
    };
    let are_counted = top.is_some_and(|top| with(top).count() == numbers.len());
    match (level, top) {
        (Some(level), _) if count(level) == numbers.len() || !are_counted => with(level)
            .filter_map(|(_, at, number, title)| Some((*at, (*number)?, *title)))
            .collect(),
        (_, Some(top)) if are_counted => with(top)
            .zip(numbers.clone())
            .map(|((_, at, _, title), number)| (*at, number, *title))
            .collect(),
        _ => Vec::new(),
    }
}

/// A line that is marked as a heading: the number of marks, and the rest. Bold type counts as the mark of a matter.
fn marked(line: &str) -> Option<(usize, &str)> {
    let line = line.trim_end();
    let bare = line.trim_start_matches('#');
    let marks = line.len() - bare.len();
    let is_bold = line.len() > 4 && line.starts_with("**") && line.ends_with("**");
    let marks = match (marks, is_bold) {
        (0, false) => return None,
        (0, true) => MATTER_MARKS,
        (marks, _) => marks,
    };
    let title = bare.trim_matches(|c: char| c.is_whitespace() || "#*_:".contains(c));
    (!title.is_empty()).then_some((marks, title))
}

/// The number at the beginning of a heading, and the rest.
fn numbered(heading: &str) -> Option<(usize, &str)> {
    let bare = heading.trim_start_matches("Section ");
    let digits = bare.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = bare.split_at(digits);
    let rest = rest.strip_prefix(['.', ':', ')'])?;
    let title = rest.trim_matches(|c: char| c.is_whitespace() || "*_".contains(c));
    Some((digits.parse().ok()?, title)).filter(|_| !title.is_empty() && rest.starts_with(' '))
}

/// The text with the name of a matter before its first paragraph instead of in a line above, and these names. The first line is
/// left as it is if it `is_heading`.
pub(crate) fn with_labels(text: &str, is_heading: bool) -> (String, Vec<String>) {
    let mut lines: Vec<String> = Vec::new();
    let mut matters = Vec::new();
    let mut label: Option<&str> = None;
    let mut is_first = is_heading;
    let mut heading = None;
    for line in text.lines() {
        let is_blank = line.trim().is_empty();
        match marked(line) {
            Some((_, name)) if Some(name) == heading => label = None,
            Some((_, name)) if !is_first => {
                let name = numbered(name).map_or(name, |(_, name)| name);
                let is_label = words::count(name) <= LABEL_MAX_WORDS
                    && !name.contains([':', '：'])
                    && !name.ends_with(sentence::is_stop);
                label = is_label.then_some(name);
            }
            None if label.is_some() && is_blank => {}
            None => {
                let name = label.take().filter(|_| !scaffold::is_entry(line));
                match name {
                    Some(name) => {
                        matters.push(name.to_owned());
                        lines.extend([String::new(), format!("{name}: {}", line.trim_start())]);
                    }
                    None => lines.push(line.to_owned()),
                }
            }
            Some((_, name)) => {
                (label, heading) = (None, Some(name));
                lines.push(line.to_owned());
            }
        }
        is_first &= is_blank;
    }
    (lines.join("\n"), matters)
}

/// Splits an answer into heading and prose. The first line is a heading if it is short, does not end like a sentence, and
/// is followed by more text.
pub(crate) fn split_heading(answer: &str) -> (Option<&str>, &str) {
    let answer = answer.trim();
    let Some((first, rest)) = answer.split_once('\n') else {
        return (None, answer);
    };
    let heading = first.trim_matches(|c: char| c.is_whitespace() || "#*_:".contains(c));
    let inside = heading
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let heading = inside.unwrap_or(heading);
    let is_apart = rest.starts_with(['\n', '\r']);
    let most = if is_apart {
        APART_MAX_WORDS
    } else {
        HEADING_MAX_WORDS
    };
    let is_heading = !heading.is_empty()
        && words::count(heading) <= most
        && !heading.ends_with(sentence::is_stop)
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

    /// Number, heading and text of each section.
    fn told(answer: &str, numbers: Range<usize>) -> Vec<(usize, String, String)> {
        let told = sections(answer, numbers).into_iter();
        told.map(|one| {
            let title = one.title.unwrap_or_default();
            (one.number.unwrap_or_default(), title, one.text)
        })
        .collect()
    }

    #[test]
    fn sections_are_told_apart_by_their_numbers_or_their_order() {
        let both = [
            (3, "Depot: sold", "It is sold."),
            (4, "Trams", "They run. Dana said so."),
        ];
        for answer in [
            "## 3. Depot: sold\n\nIt is sold.\n\n## 4. Trams\n\nThey run. Dana said so.",
            "Here are the sections:\n\n## Section 3: Depot: sold\nIt is sold.\n## 4) **Trams**\nThey run. Dana said so.",
            "```markdown\n# 3. Depot: sold\n\nIt is sold.\n\n# 4. Trams\n\nThey run. Dana said so.\n```",
            "**3. Depot: sold**\n\nIt is sold.\n\n**4. Trams**\n\nThey run. Dana said so.",
            "### 3. Depot: sold\n\nIt is sold.\n\n### 4. Trams\n\nThey run. Dana said so.\n\nLet me know if you need more.",
            "## Depot: sold\n\nIt is sold.\n\n## Trams\n\nThey run. Dana said so.",
            "## 4. Trams\n\nThey run. Dana said so.\n\n## 3. Depot: sold\n\nIt is sold.",
            "## 1. Depot: sold\n\nIt is sold.\n\n## 2. Trams\n\nThey run. Dana said so.",
            "## 3. Depot\n\nDraft.\n\n## 4. Trams\n\nDraft.\n\n## 3. Depot: sold\n\nIt is sold.\n\n## 4. Trams\n\nThey run. Dana said so.",
            "## 3. <b>Depot: sold</b>\n\nIt is sold.\n\n## 4. Trams\n\nThey run. Dana said so.",
            "## 3. Depot: sold\n\nDepot: sold\n\nIt is sold.\n\n## 4. Trams\n\nTrams\n\nThey run. Dana said so.",
        ] {
            let expected =
                both.map(|(number, title, text)| (number, title.to_owned(), text.to_owned()));
            assert_eq!(told(answer, 3..5), expected, "{answer}");
        }
    }

    #[test]
    fn what_cannot_be_told_apart_is_one_section_or_some() {
        let one = told("Depot and trams\n\nIt is sold. They run.", 3..5);
        assert_eq!(
            one,
            [(
                0,
                "Depot and trams".to_owned(),
                "It is sold. They run.".to_owned()
            )]
        );
        for (answer, numbers) in [
            ("## 4. Trams\n\nThey run.", [4].as_slice()),
            ("## 3. Depot\n\nIt is sold.", &[3]),
            // A list is no heading.
            ("## 3. Depot\n\nThree steps:\n4. They run.", &[3]),
            (
                "## Depot\n\nSold.\n\n## Trams\n\nRun.\n\n## Ferries\n\nWait.",
                &[0],
            ),
        ] {
            let found: Vec<usize> = told(answer, 3..5)
                .into_iter()
                .map(|(number, ..)| number)
                .collect();
            assert_eq!(found, numbers, "{answer}");
        }
        let opening = format!(
            "{}\n\n## 4. Trams\n\nThey run.",
            "It is sold there. ".repeat(9)
        );
        assert_eq!(told(&opening, 3..5).len(), 2);
    }

    #[test]
    fn names_of_matters_stand_before_their_paragraphs() {
        for (answer, text, matters) in [
            (
                "## 3. Depot\n\n### Price\n\nIt cost 4.\n\nIt was paid.\n\n### Sale\nLee sold it.",
                "Price: It cost 4.\n\nIt was paid.\n\nSale: Lee sold it.",
                ["Price", "Sale"].as_slice(),
            ),
            (
                "## 3. Depot\n\n**Price:**\n\nThree parts:\n- A.\n- B.",
                "Price: Three parts:\n- A.\n- B.",
                &["Price"],
            ),
            // Too long for a name, nothing below it, or a name below a name.
            (
                "## 3. Depot\n\n### What Lee and Dana had to say of it all\n\nNothing.\n\n### Sale",
                "Nothing.",
                &[],
            ),
            (
                "## 3. Depot\n\n### Money\n\n#### 1. Price\n\nIt cost 4.",
                "Price: It cost 4.",
                &["Price"],
            ),
        ] {
            let found = sections(answer, 3..5);
            assert_eq!(
                (found[0].text.as_str(), &found[0].matters[..]),
                (
                    text,
                    &matters
                        .iter()
                        .map(|one| (*one).to_owned())
                        .collect::<Vec<_>>()[..]
                )
            );
        }
        let one = Told::of_section("### Depot\n\n### Price\n\nIt cost 4.");
        assert_eq!(
            (one.title.as_deref(), one.text.as_str()),
            (Some("Depot"), "Price: It cost 4.")
        );
    }

    #[test]
    fn recognizes_headings() {
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
}
