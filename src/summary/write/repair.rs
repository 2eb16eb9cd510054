//! Repairs the length of a summary: while it is too short, expands the sections that are furthest below their targets;
//! while it is too long, condenses those that are furthest above.

use std::cmp::Reverse;

use crate::prompt::{Prompt, Task};
use crate::summary::assemble::{Section, Source};
use crate::summary::check;
use crate::summary::check::{Expected, Problem, Severity};
use crate::summary::length_control::LengthControl;
use crate::summary::scaffold;
use crate::summary::write::draft::Material;
use crate::summary::write::piece::bearable;
use crate::summary::write::{WriteError, Writer, all};
use crate::text::{sentence, words};

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
        let mut repaired = vec![0_usize; sections.len()];
        while budget > 0 {
            let total: usize = sections.iter().map(Section::words).sum();
            let off = total.abs_diff(wanted);
            if off * 100 <= wanted * TOLERATED_PERCENT {
                break;
            }
            let short = total < wanted;
            if short && !self.drafter.settings.limits.style.follows_instructions() {
                break;
            }
            let round = self.round(materials, sections, &repaired, off, short, control, budget);
            if round.is_empty() {
                break;
            }
            budget -= round.len();
            self.extra_calls -= round.len();
            for &(at, _) in &round {
                if let Some(count) = repaired.get_mut(at) {
                    *count += 1;
                }
            }
            let answers = self.answers(round).await?;
            for (at, request, text) in answers {
                take(sections, at, &request, &text, wanted);
            }
        }
        Ok(())
    }

    /// Plans the repairs that could make up for `off` words, starting with the sections that are furthest off their targets.
    #[expect(clippy::too_many_arguments, reason = "all of it describes one round")]
    fn round(
        &self,
        materials: &[Material],
        sections: &[Section],
        repaired: &[usize],
        off: usize,
        short: bool,
        control: &LengthControl,
        budget: usize,
    ) -> Vec<(usize, Prompt)> {
        let candidate = |at: &usize| {
            repaired.get(*at).is_some_and(|&count| count < MAX_REPAIRS)
                && sections
                    .get(*at)
                    .is_some_and(|section| section.source == Source::Model)
        };
        let mut order: Vec<usize> = (0..sections.len()).filter(candidate).collect();
        let need = |at: &usize| {
            sections.get(*at).map_or(0, |section| {
                let (words, target) = (section.words(), section.target_words);
                if short {
                    target.saturating_sub(words)
                } else {
                    words.saturating_sub(target)
                }
            })
        };
        order.sort_by_key(|at| Reverse(need(at)));
        let mut missing = off;
        let mut round = Vec::new();
        for at in order {
            let (Some(section), Some(material)) = (sections.get(at), materials.get(at)) else {
                continue;
            };
            if round.len() == budget || missing < MIN_ADDED {
                break;
            }
            let words = words::count(&section.text);
            // Makes the second repair of a section differ from the first: an identical request would get the same answer.
            let attempt = repaired.get(at).copied().unwrap_or(0);
            let place = (at, sections.len());
            let request = if short {
                let add = missing.min(MAX_ADDED).min(words.max(MIN_ADDED * 2));
                missing = missing.saturating_sub(add);
                self.drafter.on_draft(
                    Task::Expand,
                    material,
                    place,
                    &section.text,
                    control.ask(add),
                    attempt,
                )
            } else {
                let cut = missing.min(words * 2 / 5);
                missing = missing.saturating_sub(cut);
                self.drafter.on_draft(
                    Task::Condense,
                    material,
                    place,
                    &section.text,
                    control.ask(words - cut),
                    attempt,
                )
            };
            if self.drafter.fits(&request) {
                round.push((at, request));
            }
        }
        round
    }

    async fn answers(
        &self,
        round: Vec<(usize, Prompt)>,
    ) -> Result<Vec<(usize, Prompt, String)>, WriteError> {
        let caller = self.caller;
        let waiting = round.into_iter().map(|(at, request)| async move {
            let answer = caller
                .call(&request)
                .await
                .or_else(bearable)
                .map_err(|source| WriteError {
                    what: format!(
                        "section {}, to {} it",
                        at + 1,
                        request.request().task.name()
                    ),
                    source,
                })?;
            Ok((at, request, scaffold::strip_preamble(&answer.text)))
        });
        all(waiting, |_| {}).await
    }
}

/// Accepts a repaired text if it is usable and brings the total length closer to `wanted` words.
fn take(sections: &mut [Section], at: usize, prompt: &Prompt, text: &str, wanted: usize) {
    let request = prompt.request();
    let text = sentence::complete(text);
    let total: usize = sections.iter().map(Section::words).sum();
    let Some(section) = sections.get_mut(at) else {
        return;
    };
    let source = if request.block.is_empty() {
        section.text.clone()
    } else {
        request.block.to_string()
    };
    let expected = Expected {
        words: request.target_words,
        source: &source,
        instructions: "",
        fence: &request.fence,
    };
    let fatal =
        |problem: Problem| problem.severity() == Severity::Fatal || problem == Problem::Unfinished;
    if check::check(text, &expected).into_iter().any(fatal) {
        return;
    }
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
