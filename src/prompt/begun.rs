//! Answers whose beginning is there already, because an invocation had to end while they were arriving: what is kept of them,
//! the request for the rest, and how both are joined.

use crate::prompt::Task;
use crate::prompt::fence::fenced;
use crate::text::{sentence, words};

/// Prose of fewer words than this is not worth the words that it takes to ask for the rest.
const LEAST_WORDS: usize = 20;

/// Lines of at least so many bytes are not the same by chance.
const TELLING_BYTES: usize = 20;

/// As many bytes show that a section begins as it did before.
const OPENING_BYTES: usize = 40;

/// What begins a proposal of a checker or last reader, most of which have several lines.
const PROPOSALS: [&str; 3] = ["FIND:", "WRONG:", "CUT:"];

/// The end of the request for the rest.
pub(crate) const NOW: &str = "Write only the rest of your answer now: go on right after this beginning, in the same form, and repeat nothing of it.";

/// The part of an interrupted answer that is complete: sentences of prose, lines of notes, and all lines of an edit. Empty if
/// that is next to nothing.
pub(crate) fn complete(task: Task, text: &str) -> &str {
    let text = text.trim_end();
    if task.reads_summary() {
        let last = PROPOSALS.iter().filter_map(|key| text.rfind(key)).max();
        return text.split_at(last.unwrap_or(0)).0.trim_end();
    }
    let start = text.rfind('\n').map_or(0, |at| at + 1);
    let (before, last) = text.split_at(start);
    if is_of_lines(task) {
        return before.trim_end();
    }
    let whole = sentence::complete(last);
    let kept = match sentence::ends_sentence(whole) && !last.starts_with('#') {
        true => text.split_at(start + whole.len()).0,
        false => before.trim_end(),
    };
    match words::count(kept) < LEAST_WORDS {
        true => "",
        false => kept,
    }
}

/// What a prompt has at its end if the answer begins with `beginning`.
pub(super) fn request(beginning: &str, fence: &str) -> String {
    let beginning = fenced(beginning, fence);
    format!("\n\nThe beginning of your answer is written already:\n{beginning}\n\n{NOW}")
}

/// The whole answer. What `rest` repeats of `beginning` stands in it once.
pub(crate) fn joined(task: Task, beginning: &str, rest: &str) -> String {
    let (kept, rest) = without_repeated(task, beginning, rest.trim());
    let kept = kept.trim_end();
    let gap = match kept {
        _ if rest.is_empty() => "",
        "" => "",
        _ if is_of_lines(task) || task.reads_summary() || rest.starts_with("- ") => "\n",
        _ if rest.starts_with('#') || !sentence::ends_sentence(kept) => "\n\n",
        _ => sentence::gap(kept),
    };
    [kept, rest].join(gap)
}

fn is_of_lines(task: Task) -> bool {
    matches!(task, Task::Outline | Task::Notes)
}

/// Where `rest` begins with a line of `beginning`, the model has begun again from there: the beginning ends before. Or it has only
/// repeated the heading of the section that it goes on with.
fn without_repeated<'a>(task: Task, beginning: &'a str, rest: &'a str) -> (&'a str, &'a str) {
    let (first, below) = rest.split_once('\n').unwrap_or((rest, ""));
    let first = first.trim();
    let mut at = 0;
    let mut found = None;
    for line in beginning.split_inclusive('\n') {
        let known = line.trim();
        let is_telling = at == 0 || known.len() >= TELLING_BYTES || known.starts_with('#');
        let is_last = at + line.len() == beginning.len();
        let is_same = known == first || is_last && first.starts_with(known);
        if is_telling && is_same && !known.is_empty() {
            found = Some((at, at + line.len()));
        }
        at += line.len();
    }
    let Some((start, end)) = found else {
        return (beginning, rest);
    };
    let is_heading = !is_of_lines(task) && !task.reads_summary() && !sentence::ends_sentence(first);
    let (told, below) = (beginning.split_at(end).1.trim_start(), below.trim_start());
    let opening = told
        .split_at(told.floor_char_boundary(OPENING_BYTES))
        .0
        .trim_end();
    if is_heading && !opening.is_empty() && !below.starts_with(opening) {
        return (beginning, below);
    }
    (beginning.split_at(start).0, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTION: &str = "## 2. Depot: late\n\nDana reported that the depot was four months late, because of the coal tar in the \
        ground. Lee asked what";

    #[test]
    fn complete_sentences_lines_and_edits_are_kept() {
        let sentence = SECTION.strip_suffix(" Lee asked what").unwrap();
        let heading = format!("{sentence}\n\n## 3. Tr");
        let list = format!("{sentence}\n\nIt depends on:\n- the trams");
        let introduced = format!("{sentence}\n\nIt depends on:");
        for (task, text, expected) in [
            (Task::Section, SECTION, sentence),
            (Task::Section, &heading, sentence),
            (Task::Section, &list, &introduced),
            (Task::Section, "Depot: late\n\nDana", ""),
            (Task::Overview, "Sure! Here is", ""),
            (Task::Section, "", ""),
            (
                Task::Outline,
                "TITLE: Board\nSUBJECT: a mee",
                "TITLE: Board",
            ),
            (Task::Outline, "TITLE: Bo", ""),
            (Task::Notes, "Dana: late.\nLee: 4 mill", "Dana: late."),
            (
                Task::Check,
                "WRONG: a\nSAID: b\nRIGHT: c\nWRONG: d\nSAID: e",
                "WRONG: a\nSAID: b\nRIGHT: c",
            ),
            (Task::LastRead, "FIND: a\nREPLACE: b", ""),
            (
                Task::LastRead,
                "FIND: a\nREPLACE: b\nCUT: Lee left early\nCUT: Dana dr",
                "FIND: a\nREPLACE: b\nCUT: Lee left early",
            ),
        ] {
            assert_eq!(complete(task, text), expected, "{task:?} {text}");
        }
    }

    #[test]
    fn the_rest_follows_the_beginning_and_repeats_nothing() {
        let beginning = complete(Task::Section, SECTION);
        let rest = "Lee asked what it cost.\n\n## 3. Trams: in the yard\n\nThey wait.";
        let whole = format!("{beginning} {rest}");
        let again = format!("{beginning} Nobody knew.");
        for (rest, expected) in [
            (rest.to_owned(), whole.clone()),
            // It goes on below the heading, or begins the section again.
            (format!("## 2. Depot: late\n\n{rest}"), whole),
            (again.clone(), again.clone()),
            (
                again.split_once("\n\n").unwrap().1.to_owned(),
                again.clone(),
            ),
            (
                "## 3. Trams: in the yard\n\nThey wait.".to_owned(),
                format!("{beginning}\n\n## 3. Trams: in the yard\n\nThey wait."),
            ),
            (
                "- the trams".to_owned(),
                format!("{beginning}\n- the trams"),
            ),
            ("## 2. Depot: late".to_owned(), beginning.to_owned()),
            (String::new(), beginning.to_owned()),
        ] {
            assert_eq!(joined(Task::Section, beginning, &rest), expected, "{rest}");
        }
        let titled = "Late depot\n\nDana reported it.";
        for (rest, expected) in [
            (
                "Late depot\n\nDana reported it. Lee left.",
                "Late depot\n\nDana reported it. Lee left.",
            ),
            (
                "Late depot\n\nLee left.",
                "Late depot\n\nDana reported it. Lee left.",
            ),
        ] {
            assert_eq!(joined(Task::Section, titled, rest), expected);
        }
    }

    #[test]
    fn lines_are_joined_as_lines() {
        let outline = "TITLE: Board\nTOPIC: 1 | 3 | Depot: late by four months";
        for (rest, expected) in [
            ("OPEN: cost [3]", format!("{outline}\nOPEN: cost [3]")),
            (
                "TOPIC: 1 | 3 | Depot: late by four months\nOPEN: cost [3]",
                format!("{outline}\nOPEN: cost [3]"),
            ),
            (
                "TITLE: Board\nOPEN: cost [3]",
                "TITLE: Board\nOPEN: cost [3]".to_owned(),
            ),
        ] {
            assert_eq!(joined(Task::Outline, outline, rest), expected);
        }
        // Two corrections may have a line in common.
        let edits = "WRONG: They agreed.\nSAID: NOWHERE\nRIGHT:";
        let rest = "WRONG: He left.\nSAID: NOWHERE\nRIGHT:";
        assert_eq!(joined(Task::Check, edits, rest), format!("{edits}\n{rest}"));
    }
}
