//! Repairs the length of a summary: if it is too short, expands the sections that are furthest below their targets; if it
//! is too long, condenses those that are furthest above. That is one more round of calls, and never two.

use std::cmp::Reverse;

use crate::model::{Answer, Finish};
use crate::prompt::{Prompt, Request, Task};
use crate::summary::assemble::{Section, Source};
use crate::summary::check::support::Comparable;
use crate::summary::check::{self, Problem, Severity};
use crate::summary::claims;
use crate::summary::fit_length;
use crate::summary::flaw::flaw;
use crate::summary::length_control::LengthControl;
use crate::summary::scaffold;
use crate::summary::told::{self, MATTER_MARK, split_heading};
use crate::summary::write::draft::Material;
use crate::summary::write::piece::problems;
use crate::summary::write::{WriteError, Writer, all};
use crate::text::{Words, terms, words};

/// Tolerated deviation from the target length, in percent: if it is too short, and if it is too long. A few matters can be dropped;
/// more would be missed.
const SHORTER_PERCENT: usize = 3;
const LONGER_PERCENT: usize = 9;

/// How much the words may be too few while half of the sections are enough to make up for it, in percent.
const FAR_SHORTER_PERCENT: usize = 25;

/// Maximum share of a section that one repair takes away, in percent.
const CUT_PERCENT: usize = 25;

/// Maximum and minimum number of words that one expansion should add.
const MAX_ADDED: usize = 350;
const MIN_ADDED: usize = 40;

/// How much of the terms of a section a longer version of it has at least, in percent.
const KEPT_PERCENT: usize = 35;

/// Sections to repair, with the requests for it.
type Round = Vec<(usize, Prompt)>;

impl Writer<'_> {
    /// Brings the total length of the sections closer to `wanted` words. A change is accepted only if it reduces the
    /// deviation. Returns whether anything had to be repaired.
    pub(crate) async fn repair(
        &mut self,
        materials: &[Material],
        sections: &mut [Section],
        wanted: usize,
        control: &LengthControl,
    ) -> Result<bool, WriteError> {
        let round = self.choose(materials, sections, wanted, control);
        let answers = self.repaired(&round).await?;
        for ((at, prompt), answer) in round.iter().zip(&answers) {
            accept(sections, *at, prompt, (answer, self.comparable), wanted);
        }
        Ok(!round.is_empty())
    }

    /// Requests the repairs.
    async fn repaired(&self, round: &Round) -> Result<Vec<Answer>, WriteError> {
        let drafter = self.drafter;
        let calls = round.iter().map(|(at, prompt)| async move {
            let task = prompt.request().task.name();
            let answer = drafter.call_or_empty(prompt).await;
            answer.map_err(WriteError::of(format!("section {}, to {task} it", at + 1)))
        });
        all(calls).await
    }

    /// Chooses sections to repair, starting with those that are furthest off their targets, until the repairs could make up
    /// for the deviation. Chooses none if the deviation is tolerated.
    fn choose(
        &mut self,
        materials: &[Material],
        sections: &[Section],
        wanted: usize,
        control: &LengthControl,
    ) -> Round {
        let total: usize = sections.iter().map(Section::words).sum();
        let mut missing = total.abs_diff(wanted);
        let short = total < wanted;
        let can_expand = self.drafter.settings.limits.style.follows_instructions();
        let tolerated = if short {
            SHORTER_PERCENT
        } else {
            LONGER_PERCENT
        };
        if missing * 100 <= wanted * tolerated || short && !can_expand {
            return Vec::new();
        }
        let need = |section: &Section| {
            if short {
                section.target_words.saturating_sub(section.words())
            } else {
                section.words().saturating_sub(section.target_words)
            }
        };
        // What would have to be quoted instead could cost the whole summary.
        let most = match short && missing * 100 > wanted * FAR_SHORTER_PERCENT {
            true => sections.len(),
            false => sections.len() / 2,
        };
        let calls = most.min(self.extra_calls);
        let candidates = sections.iter().zip(materials).enumerate();
        let mut candidates: Vec<_> = candidates
            .filter(|(_, (section, _))| section.source == Source::Model)
            .collect();
        candidates.sort_by_cached_key(|(_, (section, _))| Reverse(need(section)));
        let mut round = Vec::new();
        for (at, (section, material)) in candidates {
            if round.len() == calls || missing < MIN_ADDED {
                break;
            }
            let words = words::count(&section.text);
            let is_rewritten = material.brief.is_some();
            let (task, change, ask) = if short {
                let add = missing.min(MAX_ADDED).min(words.max(MIN_ADDED * 2));
                (
                    Task::Expand,
                    add,
                    if is_rewritten { words + add } else { add },
                )
            } else {
                // Each gives what it has too much, rather than a few of them all.
                let cut = missing
                    .min(need(section).clamp(MIN_ADDED, words * CUT_PERCENT / 100 + MIN_ADDED));
                (Task::Condense, cut, words - cut)
            };
            missing -= change;
            let (place, draft) = ((at, sections.len()), section.with_names(MATTER_MARK));
            // Who writes a text again keeps to its length better than who writes one.
            let ask = Words(match task {
                Task::Condense => control.ask(ask).max(ask * 9 / 10),
                _ if is_rewritten => control.ask(ask).clamp(ask * 9 / 10, ask * 3 / 2),
                _ => control.ask(ask),
            });
            let prompt = self
                .drafter
                .prompt(task, material, place, Some(&draft), ask, 0);
            if self.drafter.fits(&prompt) {
                round.push((at, prompt));
            }
        }
        self.extra_calls -= round.len();
        round
    }
}

/// A section with more paragraphs: those of a matter that it has follow the paragraphs of that matter.
fn with_additions(section: &str, more: &str) -> String {
    let mut paragraphs: Vec<String> = section.split("\n\n").map(str::to_owned).collect();
    for added in more.split("\n\n") {
        let Some((matter, rest)) = fit_length::label(added) else {
            paragraphs.push(added.to_owned());
            continue;
        };
        let of = |paragraph: &String| {
            fit_length::label(paragraph).map(|(label, _)| label.trim().to_lowercase())
        };
        let labels: Vec<Option<String>> = paragraphs.iter().map(of).collect();
        let matter = matter.trim().to_lowercase();
        match labels
            .iter()
            .position(|label| label.as_ref() == Some(&matter))
        {
            Some(at) => {
                let mut later = labels.iter().skip(at + 1);
                let next = later.position(Option::is_some);
                let end = next.map_or(paragraphs.len(), |next| at + 1 + next);
                paragraphs.insert(end, words::capitalized(rest.trim()));
            }
            None => paragraphs.push(added.to_owned()),
        }
    }
    paragraphs.join("\n\n")
}

/// Accepts a repaired text if it is usable and brings the total length closer to `wanted` words.
fn accept(
    sections: &mut [Section],
    at: usize,
    prompt: &Prompt,
    (answer, by): (&Answer, Comparable),
    wanted: usize,
) {
    let answered = scaffold::unwrapped(&answer.text);
    let (text, matters) = told::with_labels(answered, false);
    let text = scaffold::strip_preamble(&text);
    // The section has a heading, and a label with a list is none.
    let text = match split_heading(&text) {
        (Some(_), body)
            if !text
                .lines()
                .next()
                .is_some_and(|first| first.ends_with([':', '：'])) =>
        {
            body
        }
        _ => &text,
    };
    let is_whole = answer.finish != Finish::Length;
    let text = scaffold::complete(text, is_whole);
    let unusable = |problem: Problem| {
        problem.severity() <= Severity::Repetitive || problem == Problem::Unfinished
    };
    let request = prompt.request();
    if problems((text, flaw(answered, true)), prompt, request.target_words.0)
        .into_iter()
        .any(unusable)
    {
        return;
    }
    let total: usize = sections.iter().map(Section::words).sum();
    let Some(section) = sections.get_mut(at) else {
        return;
    };
    let changed = match request.task {
        Task::Condense if !check::is_borne_out(text, &section.text, Comparable::Words) => return,
        Task::Condense => text.to_owned(),
        Task::Expand if request.brief.is_some() => {
            let Some(longer) = going_on(text, &section.text, request, by) else {
                return;
            };
            longer
        }
        // An expansion that only repeats the section adds nothing.
        _ if section.text.contains(text) => return,
        // What it has too much would be cut from what matters more.
        _ => {
            let text = fit_length::shorten(text, wanted.saturating_sub(total).max(MIN_ADDED));
            with_additions(&section.text, &text)
        }
    };
    let new_total = total - words::count(&section.text) + words::count(&changed);
    if new_total.abs_diff(wanted) < total.abs_diff(wanted) {
        section.text = changed;
        section.matters.extend(matters);
        let written_by = answer.written_by.as_ref().map(ToString::to_string);
        section.written_by = written_by.or_else(|| section.written_by.take());
    }
}

/// A longer version of a section, without the sentences whose numbers or names neither the section nor its part has. `None` if it
/// does not tell most of what the section told.
fn going_on(longer: &str, section: &str, request: &Request, by: Comparable) -> Option<String> {
    let notes = request.brief.as_ref().map_or("", |brief| &brief.notes);
    let source = [section, &request.block, notes].join("\n");
    let bears_out = check::bears_out(&source, by);
    let longer = claims::without(longer, 1, |sentence| !bears_out(sentence))?;
    let before = terms::stems(section);
    let kept = before.intersection(&terms::stems(&longer)).count();
    (kept * 100 >= before.len() * KEPT_PERCENT).then_some(longer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::Style;
    use crate::prompt::tests::request;
    use crate::text::Tokens;
    use crate::transcript::Passage;

    #[test]
    fn a_shorter_section_says_nothing_new() {
        let long = "The board of the harbor met on Monday and heard that the depot is late. It costs 42 million more than was \
                    planned, said Lee, and nobody knew why that was so. The matter was put off until the next meeting in May.";
        let accepted = |answer: &str| {
            let request = Request {
                draft: Some(long.into()),
                block: Passage::of_text(""),
                target_words: Words(25),
                ..request(Task::Condense, Style::Full)
            };
            let mut sections = [Section {
                title: "Depot".into(),
                times: Vec::new(),
                text: long.into(),
                matters: Vec::new(),
                target_words: 25,
                chunks: vec![0],
                spans: Vec::new(),
                source: Source::Model,
                written_by: None,
            }];
            let prompt = Prompt::new(request, Tokens(2000));
            let given = Answer {
                text: answer.to_owned(),
                ..Answer::default()
            };
            accept(&mut sections, 0, &prompt, (&given, Comparable::Words), 25);
            sections[0].text == answer
        };
        for (answer, is_accepted) in [
            (
                "The board heard on Monday that the depot is late. It costs 42 million more than was planned, said Lee.",
                true,
            ),
            (
                "The board heard on Monday that the depot is late. It costs 77 million more than was planned, said Lee.",
                false,
            ),
            (
                "The board heard on Monday that the depot is late. It costs 42 million more than was planned, said Napoleon.",
                false,
            ),
        ] {
            assert_eq!(accepted(answer), is_accepted, "{answer}");
        }
    }

    #[test]
    fn a_longer_section_tells_what_it_told_and_nothing_foreign() {
        let section = "The board of the harbor heard that the depot is late. Lee called the tar in the ground the reason.";
        let request = Request {
            block: Passage::of_text(
                "Lee: It costs 42 million more, as Brackwater wrote to the board.",
            ),
            ..request(Task::Expand, Style::Full)
        };
        let with = |more: &str| {
            let longer = format!("{section} {more}");
            going_on(&longer, section, &request, Comparable::Words)
        };
        let known = "It costs 42 million more, as Brackwater wrote.";
        let goes_on = format!("{section} {known}");
        for (more, expected) in [
            (known.to_owned(), goes_on.as_str()),
            (format!("It costs 77 million more. {known}"), &goes_on),
            (
                format!("{known} It costs more, as Napoleon wrote."),
                &goes_on,
            ),
            ("It costs more, as Napoleon wrote.".to_owned(), section),
        ] {
            assert_eq!(with(&more).as_deref(), Some(expected), "{more}");
        }
        let other = "The trams are red. Nobody spoke of anything else for hours, and then all of them left.";
        assert_eq!(going_on(other, section, &request, Comparable::Words), None);
    }

    #[test]
    fn what_is_added_stands_with_its_matter() {
        let section = "Depot: it is late.\n\nNobody knew why.\n\nTrams: they run.";
        for (more, with) in [
            (
                "Depot: it costs 4 million.",
                "Depot: it is late.\n\nNobody knew why.\n\nIt costs 4 million.\n\nTrams: they run.",
            ),
            (
                "TRAMS: at night too.",
                "Depot: it is late.\n\nNobody knew why.\n\nTrams: they run.\n\nAt night too.",
            ),
            (
                "Lee left.",
                "Depot: it is late.\n\nNobody knew why.\n\nTrams: they run.\n\nLee left.",
            ),
            (
                "Yard: it closes.\n\nDepot: it costs more.",
                "Depot: it is late.\n\nNobody knew why.\n\nIt costs more.\n\nTrams: they run.\n\nYard: it closes.",
            ),
        ] {
            assert_eq!(with_additions(section, more), with);
        }
    }
}
