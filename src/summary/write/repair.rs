//! Repairs the length of a summary: while it is too short, expands the sections that are furthest below their targets;
//! while it is too long, condenses those that are furthest above.

use std::cmp::Reverse;

use crate::prompt::{Prompt, Task};
use crate::summary::assemble::{Section, Source};
use crate::summary::check::{Problem, Severity};
use crate::summary::length_control::LengthControl;
use crate::summary::scaffold;
use crate::summary::write::draft::Material;
use crate::summary::write::piece::problems;
use crate::summary::write::{WriteError, Writer, all};
use crate::text::{Words, sentence, words};

/// Tolerated deviation from the target length, in percent.
const TOLERATED_PERCENT: usize = 4;

/// Maximum and minimum number of words that one expansion should add.
const MAX_ADDED: usize = 350;
const MIN_ADDED: usize = 40;

/// Maximum number of repairs per section.
const MAX_REPAIRS: usize = 2;

impl Writer<'_> {
    /// Brings the total length of the sections closer to `wanted` words. A change is accepted only if it reduces the
    /// deviation. The loop ends because calls and repairs per section are limited.
    pub(crate) async fn repair(
        &mut self,
        materials: &[Material],
        sections: &mut [Section],
        wanted: usize,
        control: &LengthControl,
    ) -> Result<(), WriteError> {
        let mut budget = (sections.len() / 2).min(self.extra_calls);
        let mut repairs = vec![0; sections.len()];
        loop {
            let round = self.choose(materials, sections, &mut repairs, wanted, control, budget);
            if round.is_empty() {
                return Ok(());
            }
            budget -= round.len();
            self.extra_calls -= round.len();
            let drafter = self.drafter;
            let calls = round.iter().map(|(at, prompt)| async move {
                let task = prompt.request().task.name();
                let answer = drafter.call_or_empty(prompt).await;
                answer.map_err(WriteError::of(format!("section {}, to {task} it", at + 1)))
            });
            let answers = all(calls, |_| {}).await?;
            for ((at, prompt), answer) in round.iter().zip(answers) {
                accept(sections, *at, prompt, &answer.text, wanted);
            }
        }
    }

    /// Chooses up to `budget` sections to repair, starting with those that are furthest off their targets, until the repairs
    /// could make up for the deviation. Chooses none if the deviation is tolerated.
    fn choose(
        &self,
        materials: &[Material],
        sections: &[Section],
        repairs: &mut [usize],
        wanted: usize,
        control: &LengthControl,
        budget: usize,
    ) -> Vec<(usize, Prompt)> {
        let total: usize = sections.iter().map(Section::words).sum();
        let mut missing = total.abs_diff(wanted);
        let short = total < wanted;
        let can_expand = self.drafter.settings.limits.style.follows_instructions();
        if missing * 100 <= wanted * TOLERATED_PERCENT || short && !can_expand {
            return Vec::new();
        }
        let need = |section: &Section| {
            if short {
                section.target_words.saturating_sub(section.words())
            } else {
                section.words().saturating_sub(section.target_words)
            }
        };
        let candidates = sections.iter().zip(materials).zip(repairs).enumerate();
        let mut candidates: Vec<_> = candidates
            .filter(|(_, ((section, _), repairs))| {
                **repairs < MAX_REPAIRS && section.source == Source::Model
            })
            .collect();
        candidates.sort_by_key(|(_, ((section, _), _))| Reverse(need(section)));
        let mut round = Vec::new();
        for (at, ((section, material), repairs)) in candidates {
            if round.len() == budget || missing < MIN_ADDED {
                break;
            }
            let words = words::count(&section.text);
            let (task, change, ask) = if short {
                let add = missing.min(MAX_ADDED).min(words.max(MIN_ADDED * 2));
                (Task::Expand, add, add)
            } else {
                let cut = missing.min(words * 2 / 5);
                (Task::Condense, cut, words - cut)
            };
            missing -= change;
            let (place, draft) = ((at, sections.len()), Some(&*section.text));
            // The count makes the second repair of a section differ from the first: an identical request would get the same
            // answer.
            let ask = Words(control.ask(ask));
            let prompt = self
                .drafter
                .prompt(task, material, place, draft, ask, *repairs);
            if self.drafter.fits(&prompt) {
                *repairs += 1;
                round.push((at, prompt));
            }
        }
        round
    }
}

/// Accepts a repaired text if it is usable and brings the total length closer to `wanted` words.
fn accept(sections: &mut [Section], at: usize, prompt: &Prompt, answer: &str, wanted: usize) {
    let text = scaffold::strip_preamble(answer);
    let text = sentence::complete(&text);
    let unusable = |problem: Problem| {
        problem.severity() <= Severity::Repetitive || problem == Problem::Unfinished
    };
    let request = prompt.request();
    if problems(text, prompt, request.target_words.0)
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
        Task::Condense => text.to_owned(),
        // An expansion that only repeats the section adds nothing.
        _ if section.text.contains(text) => return,
        _ => format!("{}\n\n{text}", section.text),
    };
    let new_total = total - words::count(&section.text) + words::count(&changed);
    if new_total.abs_diff(wanted) < total.abs_diff(wanted) {
        section.text = changed;
    }
}
