//! Writes the overview, and has the summary checked and read once more, all at once.

use std::collections::HashSet;

use crate::extract;
use crate::model::Finish;
use crate::prompt::{Prompt, Task};
use crate::summary::assemble::{Section, Source};
use crate::summary::check::Problem;
use crate::summary::check::support::{Comparable, all_words, words_among};
use crate::summary::claims;
use crate::summary::edits;
use crate::summary::fit_length;
use crate::summary::length_control::LengthControl;
use crate::summary::lists::List;
use crate::summary::mends;
use crate::summary::plan::Plan;
use crate::summary::quotations;
use crate::summary::scaffold::is_entry;
use crate::summary::write::draft::Material;
use crate::summary::write::piece::{Job, Piece, piece};
use crate::summary::write::{WriteError, Writer};
use crate::text::{Language, Tokens, Words, sentence, words};
use crate::transcript::Passage;

/// Smaller numbers may be the model's own counts, such as "nine matters".
const OWN_COUNTS: usize = 20;

/// Minimum number of entries that an overview keeps.
const MIN_ENTRIES: usize = 2;

/// Maximum number of its entries.
const MAX_ENTRIES: usize = 10;

const NO_OVERVIEW: &str =
    "the model gave no usable overview: it consists of the sections' most telling sentences";

/// Words for which the output limits of edits, of corrections, and of both allow.
const EDITS_WORDS: Words = Words(1000);
const MENDS_WORDS: Words = Words(1500);
const BOTH_WORDS: Words = Words(2000);

impl Writer<'_> {
    /// Returns the overview, and applies the last reader's edits to the sections.
    pub(crate) async fn finish(
        &mut self,
        plan: &Plan,
        sections: &mut [Section],
        control: &LengthControl,
    ) -> Result<Option<String>, WriteError> {
        let lists = &self.briefing.lists.clone();
        let overview = self.overview_material(plan, sections, control);
        let [check, last_read] = self.last_prompts(plan, sections, lists);
        let (written, mends, edits) = tokio::join!(
            self.overview(plan, overview.as_ref(), control),
            self.last_read(check.as_ref()),
            self.last_read(last_read.as_ref()),
        );
        let (written, mends, edits) = (written?, mends?, edits?);
        self.apply(&mends, &edits, sections);
        let Some(piece) = written else {
            return Ok(None);
        };
        self.account(&piece);
        let mut is_usable = piece.source == Source::Model;
        let text = match &overview {
            Some(material) if is_usable => {
                let known = self.borne_out(&piece.text, material);
                known.unwrap_or_else(|| {
                    is_usable = false;
                    extract::extract(&material.passage, overview_words(plan))
                })
            }
            _ => piece.text,
        };
        if !is_usable {
            self.warnings.push(NO_OVERVIEW.to_owned());
        }
        // An overview that is far too long would take up the words of the sections.
        let most = overview_words(plan) * 3 / 2;
        let text = fit_length::shorten(&without_last_entries(&in_paragraphs(&text), most), most);
        Ok((!text.is_empty()).then_some(text))
    }

    /// What the overview is written from. `None` if there is none.
    fn overview_material(
        &self,
        plan: &Plan,
        sections: &[Section],
        control: &LengthControl,
    ) -> Option<Material> {
        if plan.overview_words == Words(0) {
            return None;
        }
        let ask = control.ask(overview_words(plan));
        // The built-in model would quote a heading as if it had been said.
        let has_outline = plan.outline_tokens.is_some() && !self.briefing.outline.is_empty();
        let mut limits = self.limits(plan);
        if has_outline {
            // The sections are shorter than the transcript that the outline was made from, and shown as they are.
            limits.chunk_tokens = Tokens(usize::MAX);
        }
        let most = limits.block_beside(Words(ask))?;
        let bodies: Vec<String> = sections
            .iter()
            .map(|section| match has_outline {
                true => format!("{}\n\n{}", section.title, section.text),
                false => section.text.clone(),
            })
            .collect();
        let bodies = Passage::of_text(bodies.join("\n\n"));
        let material = Material {
            block: extract::within_tokens(&bodies, most),
            passage: bodies,
            more: Vec::new(),
            chunks: Vec::new(),
            has_times: false,
            from_notes: false,
            whole: None,
            brief: has_outline.then(|| self.briefing.overview()),
        };
        if material.block.is_empty() {
            return None;
        }
        // Without the transcript, the overview repeats what the sections have wrong, and the last reader corrects only them.
        let beside = self.whole_beside(plan).filter(|_| has_outline);
        if let Some((whole, _)) = beside {
            let with_whole = Material {
                whole: Some(whole),
                ..material.clone()
            };
            let drafter = self.drafter;
            let prompt = drafter.prompt(Task::Overview, &with_whole, (0, 0), None, Words(ask), 0);
            if drafter.fits(&prompt) {
                return Some(with_whole);
            }
        }
        Some(material)
    }

    /// The transcript as it is shown beside the sections, and whether it has times. `None` if it is too long, or its words cannot
    /// be compared.
    fn whole_beside(&self, plan: &Plan) -> Option<(Passage, bool)> {
        if !plan.is_read_beside() || !self.comparable.has_words() {
            return None;
        }
        let whole = self.transcript.whole();
        Some(match whole.is_log() {
            true => (Passage::of_text(whole.by_the_clock()), true),
            false => (whole, false),
        })
    }

    /// Writes the overview from the sections. If the model gives no usable answer, the overview consists of their most
    /// informative sentences.
    async fn overview(
        &self,
        plan: &Plan,
        material: Option<&Material>,
        control: &LengthControl,
    ) -> Result<Option<Piece>, WriteError> {
        let Some(material) = material else {
            return Ok(None);
        };
        // The server may not have room for the transcript, whatever it says.
        let bare = material.whole.as_ref().map(|_| Material {
            whole: None,
            ..material.clone()
        });
        let want = overview_words(plan);
        let mut written: Option<Piece> = None;
        for (nth, material) in [Some(material), bare.as_ref()]
            .into_iter()
            .flatten()
            .enumerate()
        {
            let spent = nth + written.as_ref().map_or(0, |first| first.extra_calls);
            let Some(allowance) = self.extra_calls.min(1).checked_sub(spent) else {
                break;
            };
            let job = Job {
                task: Task::Overview,
                material,
                place: (0, 0),
                ask: control.ask(want),
                want,
                first_attempt: 0,
                allowance,
                // The source is the summary itself, so an overview may copy from it.
                tolerated: &[Problem::Copied],
                splits: 0,
            };
            let piece = piece(self.drafter, job).await;
            let piece = piece.map_err(WriteError::of("the overview".to_owned()))?;
            let is_written = piece.source == Source::Model;
            written = Some(Piece {
                extra_calls: spent + piece.extra_calls,
                ..piece
            });
            if is_written {
                break;
            }
        }
        Ok(written)
    }

    /// The overview `text` without the sentences that have numbers or names of their own. `None` if nothing is left.
    fn borne_out(&self, text: &str, material: &Material) -> Option<String> {
        if self.drafter.settings.quotes {
            return Some(text.to_owned());
        }
        let notes = material.brief.as_ref().map(|brief| brief.notes.clone());
        let lists = self.briefing.lists.iter().map(List::text);
        let sections = [material.passage.to_string()].into_iter();
        // Who has the transcript may take a figure from it.
        let whole = material
            .whole
            .as_ref()
            .map(|_| self.transcript.text().to_owned());
        let source = sections.chain(notes).chain(lists).chain(whole);
        let source: Vec<String> = source.collect();
        let mut words = all_words(&source.join("\n"));
        let wanted = all_words(text);
        words.extend(words_among(self.transcript.text(), |word| {
            wanted.contains(word)
        }));
        // Names cannot be told from nouns.
        let language = self.language.as_deref().and_then(Language::parse);
        let has_nouns = language.is_some_and(|language| language.capitalizes_nouns());
        let words = Some(words).filter(|_| !has_nouns);
        let source = source.join("\n");
        // What the sections quote has been checked.
        let text = match self.comparable.has_words() {
            true => quotations::checked(text, &source),
            false => text.to_owned(),
        };
        borne_out(&text, &source, words.as_ref(), self.comparable)
    }

    /// The requests for the check, with the transcript, and for the last read. Where the plan has no call for the check, the last
    /// reader looks up claims too, if the window has room for the transcript. None without an outline, or if the window is too small.
    fn last_prompts(
        &self,
        plan: &Plan,
        sections: &[Section],
        lists: &[List],
    ) -> [Option<Prompt>; 2] {
        if plan.outline_tokens.is_none() {
            return [None, None];
        }
        let language = self.language.as_deref();
        let has_edits = language.is_some_and(edits::covers);
        let lists = lists.iter().map(List::text);
        let sections = sections
            .iter()
            .map(|section| format!("{}\n\n{}\n", section.title, section.text));
        let text: Vec<String> = lists.chain(sections).collect();
        let block = Passage::of_text(text.join("\n"));
        let request = |task, whole, has_times, words| {
            let material = Material {
                passage: Passage::of_text(""),
                more: Vec::new(),
                chunks: Vec::new(),
                block: block.clone(),
                has_times,
                from_notes: false,
                whole,
                brief: Some(self.briefing.last_read()),
            };
            let drafter = self.drafter;
            let prompt = drafter.prompt(task, &material, (0, 0), None, words, 0);
            drafter.fits(&prompt).then_some(prompt)
        };
        // Edits in other languages cannot be checked.
        let edits = || {
            let edits = has_edits.then(|| request(Task::LastRead, None, false, EDITS_WORDS));
            edits.flatten()
        };
        let Some((whole, times)) = self.whole_beside(plan) else {
            return [None, edits()];
        };
        if self.is_checked {
            let check = request(Task::Check, Some(whole), times, MENDS_WORDS);
            return [check, edits()];
        }
        let both = request(Task::LastRead, Some(whole), times, BOTH_WORDS);
        [None, both.or_else(edits)]
    }

    /// Requests the check or the last read.
    async fn last_read(&self, prompt: Option<&Prompt>) -> Result<String, WriteError> {
        let Some(prompt) = prompt else {
            return Ok(String::new());
        };
        let answer = self.drafter.call_or_empty(prompt).await;
        let answer = answer.map_err(WriteError::of("the last read".to_owned()))?;
        // The last pair of an answer that was cut off may be half of what was meant.
        let whole = match answer.finish {
            Finish::Length => {
                let last = ["FIND:", "WRONG:"].map(|key| answer.text.rfind(key));
                let last = last.into_iter().flatten().max();
                last.and_then(|at| answer.text.get(..at)).unwrap_or("")
            }
            _ => &answer.text,
        };
        // Who has nothing to propose says so.
        if edits::read(whole) == edits::Answer::default() && !whole.contains("NONE") {
            self.drafter.caller.mark_rejected(prompt, "no corrections");
        }
        Ok(whole.to_owned())
    }

    /// Applies corrections and edits, and reports what the last reader believes to be wrong.
    fn apply(&mut self, check: &str, last_read: &str, sections: &mut [Section]) {
        let edits::Answer {
            edits,
            mends,
            flags,
        } = edits::read(&format!("{check}\n\n{last_read}"));
        // Who reads beside a check has no transcript, and doubts what it has corrected.
        let flags = match check.is_empty() {
            true => flags,
            false => Vec::new(),
        };
        let lists = &mut self.briefing.lists;
        let mended = mends::apply(sections, lists, &mends, self.transcript.text());
        let listed: String = lists.iter().map(List::text).collect();
        let is_listed = |words: &str| listed.contains(words);
        // What a flag quotes has to stand in the summary.
        let is_there = |words: &str| sections.iter().any(|section| section.text.contains(words));
        let is_quoted = |words: &&str| words.contains(' ');
        let flags = flags.into_iter().filter(|flag| {
            let quoted = flag
                .split(['"', '“', '”'])
                .skip(1)
                .step_by(2)
                .find(is_quoted);
            quoted.is_none_or(|words| {
                is_there(words.trim_end_matches(['.', ','])) || is_listed(words)
            })
        });
        self.warnings
            .extend(flags.map(|flag| format!("the last reader doubts: {flag}")));
        let titles: Vec<String> = sections
            .iter()
            .map(|section| section.title.clone())
            .collect();
        let lists: Vec<String> = lists.iter().map(List::text).collect();
        let others: Vec<&str> = titles.iter().chain(&lists).map(String::as_str).collect();
        let mut texts: Vec<&mut String> = sections
            .iter_mut()
            .map(|section| &mut section.text)
            .collect();
        let applied = edits::apply(&mut texts, &others, &edits);
        tracing::debug!(
            edits = edits.len(),
            applied,
            mends = mends.len(),
            mended,
            "last read"
        );
    }
}

/// Words wanted of the overview, without its heading.
fn overview_words(plan: &Plan) -> usize {
    plan.overview_words.0.saturating_sub(1).max(1)
}

/// `text` with an empty line between its paragraphs, if it has no entries.
fn in_paragraphs(text: &str) -> String {
    if text.lines().any(is_entry) {
        return text.to_owned();
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.collect::<Vec<_>>().join("\n\n")
}

/// `text` without its last entries, until it has at most `most` words or two entries.
fn without_last_entries(text: &str, most: usize) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let entries = |lines: &[&str]| lines.iter().filter(|line| is_entry(line)).count();
    while entries(&lines) > MIN_ENTRIES
        && lines.last().is_some_and(|last| is_entry(last))
        && words::count(&lines.join("\n")) > most
    {
        lines.pop();
    }
    lines.join("\n")
}

/// `text` without the sentences that have large numbers that are not in `source`, or names that are not among the `words` known,
/// and without entries that begin with such a sentence. `None` if nothing is left.
fn borne_out(
    text: &str,
    source: &str,
    words: Option<&HashSet<String>>,
    by: Comparable,
) -> Option<String> {
    let mut numbers = by.known_numbers(source);
    numbers.extend((0..OWN_COUNTS).map(|count| count.to_string()));
    let is_invented = |sentence: &str| {
        !by.has_numbers(sentence, &numbers)
            || words.is_some_and(|words| !by.has_names(sentence, words))
    };
    let without = |text: &str| claims::without(text, 1, is_invented);
    if !text.lines().any(is_entry) {
        return without(text);
    }
    // Entries stand together below what opens the text. Headings and other lists are not asked for.
    let first = text.lines().position(is_entry).unwrap_or_default();
    let opens = |line: &str| line.trim().is_empty() || sentence::ends_sentence(line);
    let has_place = |(at, line): &(usize, &str)| is_entry(line) || *at < first && opens(line);
    let lines = text.lines().enumerate().filter(has_place);
    let kept = lines
        .map(|(_, line)| line)
        .take(first + MAX_ENTRIES)
        .filter_map(|line| match line.strip_prefix("- ") {
            // What an entry is about stands in its first sentence.
            Some(entry) => {
                let first = sentence::sentences(entry)
                    .first()
                    .map(|first| first.of(entry));
                let kept = first
                    .filter(|first| !is_invented(first))
                    .and(without(entry));
                kept.map(|entry| format!("- {entry}"))
            }
            None if line.trim().is_empty() => Some(String::new()),
            None => without(line),
        });
    let text = kept.collect::<Vec<String>>().join("\n");
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overview_in_prose_has_paragraphs() {
        for (text, shown) in [
            ("One.\nTwo. Three.\n\nFour.", "One.\n\nTwo. Three.\n\nFour."),
            (
                "One.\n\n- A: two.\n- B: three.",
                "One.\n\n- A: two.\n- B: three.",
            ),
        ] {
            assert_eq!(in_paragraphs(text), shown);
        }
    }

    #[test]
    fn an_overview_tells_what_the_sections_tell() {
        let source = "Renwick asked for 3.1 million, and Dana Ruiz refused the Depot on May 25.";
        for (text, kept) in [
            (
                "Renwick asked for 3.1 million. Donald Trump was there. In all, 777 died. Dana Ruiz spoke of nine matters.",
                Some("Renwick asked for 3.1 million. Dana Ruiz spoke of nine matters."),
            ),
            (
                "They met. In all, 777 died.\n\n- Money: Renwick asked for 3.1 million. It cost 777.\n- Deaths: In all, 777 died. They met.",
                Some("They met.\n\n- Money: Renwick asked for 3.1 million."),
            ),
            (
                "They met.\n\n- Money: Renwick asked for 3.1 million.\n\nDecisions\n\n1. The Depot closed.\n\nThey left.",
                Some("They met.\n\n- Money: Renwick asked for 3.1 million."),
            ),
            ("Donald Trump was there. In all, 777 died.", None),
        ] {
            let words = all_words(source);
            let found = borne_out(text, source, Some(&words), Comparable::Words);
            assert_eq!(found.as_deref(), kept);
        }
        let found = borne_out(
            "Die Sitzung am 25. war die Neunte.",
            source,
            None,
            Comparable::Words,
        );
        assert!(found.is_some());
    }
}
