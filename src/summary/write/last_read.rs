//! Has the summary checked and read once more, and an overview written from it if that is still missing, all at once.

use crate::model::Finish;
use crate::prompt::{Prompt, Task, begun};
use crate::summary::assemble::Section;
use crate::summary::edits;
use crate::summary::fit_length;
use crate::summary::length_control::LengthControl;
use crate::summary::lists::List;
use crate::summary::mends;
use crate::summary::plan::Plan;
use crate::summary::write::draft::Material;
use crate::summary::write::overview::{Order, Overview};
use crate::summary::write::{WriteError, Writer, all};
use crate::text::Words;
use crate::transcript::Passage;

/// Words for which the output limits of edits, of corrections, and of both allow.
const EDITS_WORDS: Words = Words(1000);
const MENDS_WORDS: Words = Words(1500);
const BOTH_WORDS: Words = Words(2000);

impl Writer<'_> {
    /// Has the summary checked and read once more, and applies what comes of it to overview, lists and sections. If these have
    /// more than `wanted` words, the last reader says what may go. An overview that is due is written from the sections meanwhile.
    /// Returns the overview.
    pub(crate) async fn finish(
        &mut self,
        plan: &Plan,
        overview: Overview,
        sections: &mut [Section],
        (wanted, control): (usize, &LengthControl),
    ) -> Result<Option<String>, WriteError> {
        let order = match overview {
            Overview::Written(_) => None,
            Overview::Due | Overview::Lost => self.overview_of_sections(plan, sections, control),
        };
        let due = order.as_ref().filter(|_| matches!(overview, Overview::Due));
        let (checks, last_read) = self.last_prompts(plan, overview.text(), sections, wanted);
        let (written, mends, edits) = tokio::join!(
            Order::written(due, self.drafter, self.extra_calls.min(1)),
            all(checks.iter().map(|prompt| self.last_read(prompt))),
            all(last_read.iter().map(|prompt| self.last_read(prompt))),
        );
        let (written, mut mends, edits) = (written?, mends?, edits?.join(""));
        mends.retain(|answer| !answer.is_empty());
        let mends = mends.join("\n\n");
        match overview {
            Overview::Written(mut text) => {
                self.apply(&mends, &edits, Some(&mut text), sections, wanted);
                Ok(Some(text))
            }
            Overview::Due | Overview::Lost => {
                self.apply(&mends, &edits, None, sections, wanted);
                Ok(self.last_overview(order.as_ref(), written.as_ref(), sections))
            }
        }
    }

    /// The requests for the checks, with the transcript, and for the last read. Where the plan has no calls for checks, the last
    /// reader looks up claims too, if the window has room for the transcript. None without an outline, or if the window is too small.
    fn last_prompts(
        &self,
        plan: &Plan,
        overview: Option<&str>,
        sections: &[Section],
        wanted: usize,
    ) -> (Vec<Prompt>, Option<Prompt>) {
        if plan.outline_tokens.is_none() {
            return (Vec::new(), None);
        }
        let excess = excess(sections, wanted);
        let titled = |title: &str, text: &str| format!("{title}\n\n{text}\n");
        let overview = overview.map(|text| titled(self.titles.overview, text));
        let lists = self.briefing.lists.iter().map(List::text);
        let opening: Vec<String> = overview.into_iter().chain(lists).collect();
        let sections = sections.iter().map(|one| titled(&one.title, &one.text));
        let parts = [opening, sections.collect()].map(|part| part.join("\n"));
        let text = parts.join("\n");
        let request = |task, (nth, text): (usize, &str), whole, has_times, Words(words)| {
            let material = Material {
                has_times,
                whole,
                brief: Some(self.briefing.last_read()),
                ..Material::of_text(Passage::of_text(text))
            };
            let drafter = self.drafter;
            let excess = if task == Task::LastRead { excess } else { 0 };
            let words = Words(words + excess);
            let prompt = drafter.prompt(task, &material, (nth, excess), None, words, 0);
            drafter.fits(&prompt).then_some(prompt)
        };
        // Edits in other languages cannot be checked.
        let has_edits = self.language.as_deref().is_some_and(edits::covers);
        let edits = || {
            let bare = || request(Task::LastRead, (0, &text), None, false, EDITS_WORDS);
            has_edits.then(bare).flatten()
        };
        let Some((whole, times)) = self.whole_beside(plan) else {
            return (Vec::new(), edits());
        };
        if self.is_checked {
            let parts = parts.iter().map(String::as_str).enumerate();
            let check = |part| request(Task::Check, part, Some(whole.clone()), times, MENDS_WORDS);
            let checks = parts.filter(|(_, text)| !text.is_empty()).filter_map(check);
            return (checks.collect(), edits());
        }
        let both = request(Task::LastRead, (0, &text), Some(whole), times, BOTH_WORDS);
        (Vec::new(), both.or_else(edits))
    }

    /// Requests a check or the last read.
    async fn last_read(&self, prompt: &Prompt) -> Result<String, WriteError> {
        let answer = self.drafter.call_or_empty(prompt).await;
        let answer = answer.map_err(WriteError::of("the last read".to_owned()))?;
        // The last pair of an answer that was cut off may be half of what was meant.
        let whole = match answer.finish {
            Finish::Length => begun::complete(prompt.request().task, &answer.text),
            _ => &answer.text,
        };
        // Who has nothing to propose says so.
        if edits::read(whole) == edits::Answer::default() && !whole.contains("NONE") {
            self.drafter.caller.mark_rejected(prompt, "no corrections");
        }
        Ok(whole.to_owned())
    }

    /// Applies corrections and edits, and reports what the last reader believes to be wrong.
    fn apply(
        &mut self,
        check: &str,
        last_read: &str,
        overview: Option<&mut String>,
        sections: &mut [Section],
        wanted: usize,
    ) {
        let edits::Answer {
            edits,
            mends,
            flags,
            cuts,
        } = edits::read(&format!("{check}\n\n{last_read}"));
        let (mut titles, texts): (Vec<&mut String>, Vec<&mut String>) = sections
            .iter_mut()
            .map(|section| (&mut section.title, &mut section.text))
            .unzip();
        let mut texts: Vec<&mut String> = overview.into_iter().chain(texts).collect();
        let lists = &mut self.briefing.lists;
        let said = self.transcript.text();
        let mended = mends::apply(&mut titles, &mut texts, lists, &mends, said);
        let lists: Vec<String> = lists.iter().map(List::text).collect();
        // Who reads beside a check has no transcript, and doubts what it has corrected.
        if check.is_empty() {
            // What a flag quotes has to stand in the summary.
            let is_there = |words: &str| {
                let bare = words.trim_end_matches(['.', ',']);
                texts.iter().any(|text| text.contains(bare))
                    || lists.iter().any(|list| list.contains(words))
            };
            let is_quoted = |words: &&str| words.contains(' ');
            let flags = flags.into_iter().filter(|flag| {
                let mut quoted = flag.split(['"', '“', '”']).skip(1).step_by(2);
                quoted.find(is_quoted).is_none_or(is_there)
            });
            self.warnings
                .extend(flags.map(|flag| format!("the last reader doubts: {flag}")));
        }
        // The overview repeats what the sections tell, and stays as it is.
        let opening = texts.len() - titles.len();
        let (overview, told) = texts.split_at_mut(opening);
        let titles = titles.iter().map(|title| title.as_str());
        let overview = overview.iter().map(|text| text.as_str());
        let lists = lists.iter().map(String::as_str);
        let others: Vec<&str> = titles.chain(overview).chain(lists).collect();
        let applied = edits::apply(told, &others, &edits);
        fit_length::cut(sections, &cuts, excess(sections, wanted));
        tracing::debug!(
            edits = edits.len(),
            applied,
            mends = mends.len(),
            mended,
            "last read"
        );
    }
}

/// The words that the sections are too long; none if they are hardly.
fn excess(sections: &[Section], wanted: usize) -> usize {
    let words: usize = sections.iter().map(Section::words).sum();
    let excess = words.saturating_sub(wanted);
    if excess * 100 > wanted { excess } else { 0 }
}
