//! Writes the overview: from the transcript while the sections are written, so that it is checked with them, or from the
//! sections if the transcript is too long.

use std::collections::HashSet;

use crate::extract;
use crate::prompt::Task;
use crate::summary::assemble::{Section, Source};
use crate::summary::check::Problem;
use crate::summary::check::support::{Comparable, abbreviations, all_words, words_among};
use crate::summary::claims;
use crate::summary::fit_length;
use crate::summary::length_control::LengthControl;
use crate::summary::lists::List;
use crate::summary::plan::Plan;
use crate::summary::quotations;
use crate::summary::scaffold::is_entry;
use crate::summary::write::draft::{Drafter, Material};
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

/// What an overview is written from.
#[derive(Debug)]
pub(crate) struct Order {
    material: Material,
    /// Words to request, and words wanted.
    ask: usize,
    want: usize,
}

impl Order {
    /// Requests the overview, with at most `allowance` calls beyond the first. `None` if there is nothing to request.
    pub(crate) async fn written(
        order: Option<&Self>,
        drafter: Drafter<'_>,
        allowance: usize,
    ) -> Result<Option<Piece>, WriteError> {
        let Some(order) = order else {
            return Ok(None);
        };
        let job = Job {
            task: Task::Overview,
            material: &order.material,
            place: (0, 0),
            ask: order.ask,
            want: order.want,
            first_attempt: 0,
            allowance,
            tolerated: match order.material.whole {
                Some(_) => &[],
                // The sections are the summary itself, so an overview may copy from them.
                None => &[Problem::Copied],
            },
            splits: 0,
        };
        let piece = piece(drafter, job).await;
        let piece = piece.map_err(WriteError::of("the overview".to_owned()))?;
        Ok(Some(piece))
    }
}

/// How far the overview is when the sections are written.
#[derive(Debug)]
pub(crate) enum Overview {
    /// It was written from the transcript, and will be checked with the sections.
    Written(String),
    /// It is to be written from the sections.
    Due,
    /// The call for it was made in vain, and there is none left.
    Lost,
}

impl Overview {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Written(text) => Some(text),
            Self::Due | Self::Lost => None,
        }
    }
}

impl Writer<'_> {
    /// An overview to be written from the transcript. `None` if the transcript is too long, its words cannot be compared, or there
    /// is no outline.
    pub(crate) fn overview_of_transcript(
        &self,
        plan: &Plan,
        control: &LengthControl,
    ) -> Option<Order> {
        let is_wanted = plan.overview_words > Words(0) && !self.briefing.outline.is_empty();
        if !is_wanted {
            return None;
        }
        let (whole, has_times) = self.whole_beside(plan)?;
        let want = overview_words(plan);
        let order = Order {
            material: Material {
                has_times,
                whole: Some(whole),
                brief: Some(self.briefing.overview()),
                ..Material::of_text(Passage::of_text(""))
            },
            ask: control.ask(want),
            want,
        };
        let (material, ask) = (&order.material, Words(order.ask));
        let drafter = self.drafter;
        let prompt = drafter.prompt(Task::Overview, material, (0, 0), None, ask, 0);
        drafter.fits(&prompt).then_some(order)
    }

    /// An overview to be written from the sections. `None` if there is to be none.
    pub(crate) fn overview_of_sections(
        &self,
        plan: &Plan,
        sections: &[Section],
        control: &LengthControl,
    ) -> Option<Order> {
        if plan.overview_words == Words(0) {
            return None;
        }
        let want = overview_words(plan);
        let ask = control.ask(want);
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
            brief: has_outline.then(|| self.briefing.overview()),
            ..Material::of_text(bodies)
        };
        (!material.block.is_empty()).then_some(Order {
            material,
            ask,
            want,
        })
    }

    /// The transcript as it is shown to who writes about the whole or checks it, and whether it has times. `None` if it is too long,
    /// or its words cannot be compared.
    pub(crate) fn whole_beside(&self, plan: &Plan) -> Option<(Passage, bool)> {
        if !plan.is_read_beside() || !self.comparable.has_words() {
            return None;
        }
        let whole = self.transcript.whole();
        Some(match whole.is_log() {
            true => (Passage::of_text(whole.by_the_clock()), true),
            false => (whole, false),
        })
    }

    /// What came of the overview that was requested with the sections.
    pub(crate) fn first_overview(
        &mut self,
        order: Option<&Order>,
        written: Option<Piece>,
    ) -> Overview {
        let (Some(order), Some(piece)) = (order, written) else {
            return Overview::Due;
        };
        self.account(&piece);
        if let Some(text) = self.overview_in(&piece, order) {
            return Overview::Written(text);
        }
        // The server may not have room for the transcript, whatever it says. Another call is beyond the plan.
        match self.extra_calls.checked_sub(1) {
            Some(left) => {
                self.extra_calls = left;
                Overview::Due
            }
            None => Overview::Lost,
        }
    }

    /// What came of the overview that was to be written from the sections: if there is no usable answer, their most telling
    /// sentences.
    pub(crate) fn last_overview(
        &mut self,
        order: Option<&Order>,
        written: Option<&Piece>,
        sections: &[Section],
    ) -> Option<String> {
        let order = order?;
        if let Some(piece) = written {
            self.account(piece);
            if let Some(text) = self.overview_in(piece, order) {
                return Some(text);
            }
        }
        self.warnings.push(NO_OVERVIEW.to_owned());
        let texts: Vec<&str> = sections.iter().map(|one| one.text.as_str()).collect();
        let text = extract::extract(&Passage::of_text(texts.join("\n\n")), order.want);
        (!text.is_empty()).then_some(text)
    }

    /// The overview in an answer. `None` if it is not usable.
    fn overview_in(&self, piece: &Piece, order: &Order) -> Option<String> {
        if piece.source != Source::Model {
            return None;
        }
        let text = self.borne_out(&piece.text, &order.material)?;
        // An overview that is far too long would take up the words of the sections.
        let most = order.want * 3 / 2;
        let text = fit_length::shorten(&without_last_entries(&in_paragraphs(&text), most), most);
        (!text.is_empty()).then_some(text)
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
        words.extend(abbreviations(text));
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
        let kept = borne_out(&text, &source, words.as_ref(), self.comparable)?;
        Some(match self.briefing.outline.subject.as_deref() {
            Some(subject) if self.comparable.has_words() => with_opening(&kept, &text, subject),
            _ => kept,
        })
    }
}

/// `kept` of an overview `text`. If that is without its first sentence, which tells what the whole is, the `subject` of the outline
/// tells it.
fn with_opening(kept: &str, text: &str, subject: &str) -> String {
    let opening = sentence::sentences(text);
    let opening = opening.first().map_or("", |first| first.of(text).trim());
    match kept.trim_start().starts_with(opening) || kept.lines().any(is_entry) {
        true => kept.to_owned(),
        false => format!("{}.\n\n{kept}", subject.trim_end_matches('.')),
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
    let without = |text: &str| claims::without_invented(text, is_invented);
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
    fn an_overview_without_its_first_sentence_opens_with_the_subject() {
        let text = "The board met in Oslo. Ruiz refused. Lee left.";
        for (kept, shown) in [
            (
                "Ruiz refused. Lee left.",
                "A board meeting.\n\nRuiz refused. Lee left.",
            ),
            (
                "The board met in Oslo. Lee left.",
                "The board met in Oslo. Lee left.",
            ),
            ("- Ruiz: refused.", "- Ruiz: refused."),
        ] {
            assert_eq!(with_opening(kept, text, "A board meeting"), shown);
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
