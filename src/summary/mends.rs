//! The corrections of a last reader who has the transcript: sentences and entries that report it wrongly.
//!
//! Writers soften a refusal, promote a proposal to a decision, or take one speaker's words for another's. No check of numbers and
//! names sees that, but somebody who reads both texts does. Each correction quotes the words of the transcript that show it, and is
//! taken only if they were said so, if it keeps to the sentence, and if it brings no number, name or other word that neither the
//! transcript nor the summary has.

use std::collections::HashSet;

use crate::summary::check::numbers::{numbers, readings};
use crate::summary::check::support::{all_words, names, words_among};
use crate::summary::claims;
use crate::summary::edits::{is_invisible, sentences};
use crate::summary::lists::{Entry, List, ListKind};
use crate::summary::outline::known_status;
use crate::summary::quotations;
use crate::text::{Span, ngrams, sentence, words};

/// Maximum number of corrections, and of those among them that only take something out. Further ones are ignored.
pub(crate) const MAX_MENDS: usize = 40;
const MAX_CUTS: usize = 12;

/// Words of evidence that a correction needs.
const MIN_SAID: usize = 3;

/// A correction may be longer than the sentence by this factor and so many characters.
const MAX_GROWTH: (usize, usize) = (4, 3);
const SPARE_CHARS: usize = 20;

/// Share of its words that a correction has from the sentence, in percent.
const MIN_KEPT: usize = 50;

/// Shorter words carry no facts. Of longer ones, so many first letters are compared: the rest is inflection.
const STEM: usize = 4;

/// A text keeps at least this many sentences.
const MIN_SENTENCES: usize = 2;

/// A sentence or entry that reports the transcript wrongly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mend {
    /// The sentence or entry.
    pub(crate) wrong: String,
    /// The words of the transcript that show it.
    pub(crate) said: String,
    /// The sentence as it should be. Empty to take it out.
    pub(crate) right: String,
}

/// What corrections are compared with.
struct Known {
    /// The letters of the transcript.
    said: String,
    /// The numbers of the transcript that the summary has too.
    numbers: HashSet<String>,
    /// The words of the summary, and those of the transcript among the words of corrections.
    summary: HashSet<String>,
    transcript: HashSet<String>,
    stems: HashSet<String>,
}

/// Applies those of `mends` that the `transcript` bears out to titles, texts and lists, and returns their number.
pub(crate) fn apply(
    titles: &mut [&mut String],
    texts: &mut [&mut String],
    lists: &mut Vec<List>,
    mends: &[Mend],
    transcript: &str,
) -> usize {
    if mends.is_empty() {
        return 0;
    }
    let known = Known::of((titles, texts), lists, mends, transcript);
    let (mut applied, mut cuts) = (0, 0);
    for mend in mends.iter().take(MAX_MENDS) {
        let is_cut = mend.right.is_empty();
        if is_cut && cuts == MAX_CUTS || !known.shows(mend) {
            continue;
        }
        let is_mended = mend_list(lists, mend, &known)
            || mend_heading(titles, mend, &known)
            || mend_text(texts, mend, &known);
        if is_mended {
            applied += 1;
            cuts += usize::from(is_cut);
        }
    }
    lists.retain(|list| !list.entries.is_empty());
    applied
}

impl Known {
    fn of(
        (titles, texts): (&[&mut String], &[&mut String]),
        lists: &[List],
        mends: &[Mend],
        transcript: &str,
    ) -> Self {
        let texts = titles.iter().chain(texts).map(|text| (**text).clone());
        let summary: Vec<String> = texts.chain(lists.iter().map(List::text)).collect();
        let summary = summary.join("\n");
        let wanted: HashSet<String> = mends
            .iter()
            .flat_map(|mend| all_words(&mend.right))
            .collect();
        let stems: HashSet<String> = wanted.iter().filter_map(|word| stem(word)).collect();
        let is_wanted = |word: &str| {
            wanted.contains(word) || stem(word).is_some_and(|stem| stems.contains(&stem))
        };
        let transcript_words = words_among(transcript, is_wanted);
        let summary_words = all_words(&summary);
        let both = transcript_words.iter().chain(&summary_words);
        let of_transcript = readings(transcript);
        Self {
            said: quotations::letters(transcript),
            numbers: readings(&summary)
                .intersection(&of_transcript)
                .cloned()
                .collect(),
            stems: both.filter_map(|word| stem(word)).collect(),
            transcript: transcript_words,
            summary: summary_words,
        }
    }

    /// Whether the evidence of a correction was said so. What is only taken out may have been said nowhere.
    fn shows(&self, mend: &Mend) -> bool {
        let count = ngrams::words(&mend.said).len();
        match mend.right.is_empty() {
            true if count < MIN_SAID => true,
            _ => count >= MIN_SAID && quotations::is_said(&mend.said, &self.said),
        }
    }

    /// Whether `right` is `wrong` with another wording, and brings nothing that is not known.
    fn bears_out(&self, wrong: &str, right: &str) -> bool {
        let chars = |text: &str| text.chars().count();
        let (most, of) = MAX_GROWTH;
        let is_plain =
            !right.contains(|c: char| c.is_control() || is_invisible(c) || "*_#|<>`".contains(c));
        let grows = chars(right) * of > chars(wrong) * most + SPARE_CHARS * of;
        if !is_plain || grows || right == wrong {
            return false;
        }
        let (old, new) = (all_words(wrong), all_words(right));
        let kept = new.intersection(&old).count();
        let old_numbers = readings(wrong);
        let is_known = |word: &String| stem(word).is_none_or(|stem| self.stems.contains(&stem));
        kept * 100 >= new.len() * MIN_KEPT
            && numbers(right)
                .iter()
                .all(|number| number.is_among(&old_numbers) || number.is_among(&self.numbers))
            && names(right).iter().all(|name| {
                old.contains(name) || self.summary.contains(name) && self.transcript.contains(name)
            })
            && new.difference(&old).all(is_known)
    }
}

/// The beginning of a word that may carry a fact.
fn stem(word: &str) -> Option<String> {
    let stem: String = word.chars().take(STEM).collect();
    (stem.chars().count() == STEM && stem.chars().all(char::is_alphabetic)).then_some(stem)
}

/// Corrects an entry.
fn mend_list(lists: &mut [List], mend: &Mend, known: &Known) -> bool {
    let wrong = mend.wrong.trim_start_matches(['-', ' ']);
    let places = lists.iter().enumerate().flat_map(|(list, one)| {
        let entries = one.entries.iter().enumerate();
        let found = entries.filter(|(_, entry)| entry.text == wrong);
        found.map(move |(entry, _)| (list, entry))
    });
    let places: Vec<(usize, usize)> = places.collect();
    let [(list, at)] = places[..] else {
        return false;
    };
    let Some(list) = lists.get_mut(list) else {
        return false;
    };
    let right = mend.right.trim_start_matches(['-', ' ']);
    if right.is_empty() {
        list.entries.remove(at);
        return true;
    }
    let is_task = list.kind == ListKind::Actions;
    let Some(entry) = list.entries.get_mut(at) else {
        return false;
    };
    if is_task && let Some(status) = other_status(entry, right) {
        entry.status = Some(status.to_owned());
    } else if !known.bears_out(wrong, right) || is_task && frame(wrong) != frame(right) {
        return false;
    }
    right.clone_into(&mut entry.text);
    true
}

/// The status of a task in `right`, if that is all that it changes.
fn other_status(entry: &Entry, right: &str) -> Option<&'static str> {
    let before = entry.text.strip_suffix(')')?;
    let before = before.strip_suffix(entry.status.as_deref()?)?;
    let status = right.strip_prefix(before)?.strip_suffix(')')?;
    Some(known_status(status)).filter(|known| !known.is_empty() && *known == status)
}

/// What has members of its own in the report: the owner before a task, date and status behind it.
fn frame(task: &str) -> (Option<&str>, Option<&str>) {
    let owner = task.split_once(": ").map(|(owner, _)| owner);
    (owner, task.rsplit_once(" (").map(|(_, notes)| notes))
}

/// Corrects a heading.
fn mend_heading(titles: &mut [&mut String], mend: &Mend, known: &Known) -> bool {
    let wrong = mend.wrong.trim_start_matches(['#', ' ']);
    let mut found = titles.iter_mut().filter(|title| **title == wrong);
    let Some(title) = found.next() else {
        return false;
    };
    let right = mend.right.trim_end_matches('.');
    let is_right = !right.is_empty() && known.bears_out(wrong, right);
    if is_right {
        right.clone_into(title);
    }
    is_right
}

/// Corrects a sentence that stands once in the texts.
fn mend_text(texts: &mut [&mut String], mend: &Mend, known: &Known) -> bool {
    let wrong = mend.wrong.trim_start_matches(['-', ' ']);
    let mut found = texts.iter_mut().filter(|text| text.contains(wrong));
    let Some(text) = found.next() else {
        return false;
    };
    if found.next().is_some() || text.matches(wrong).count() > 1 {
        return false;
    }
    let start = text.find(wrong).unwrap_or_default();
    let end = start + wrong.len();
    let mut units = sentences(text).into_iter();
    let Some(unit) = units.find(|unit| unit.start <= start && end <= unit.end) else {
        return false;
    };
    // What a paragraph is about, or a bullet, may stand before the sentence.
    let before = Span::from(unit.start..start).of(text);
    let is_whole = end == unit.end
        && (before.is_empty()
            || before.ends_with([' ']) && before.trim_end().ends_with([':', '-']));
    if !is_whole {
        return false;
    }
    let right = mend.right.trim_start_matches(['-', ' ']);
    if right.is_empty() {
        let unit = unit.of(text).to_owned();
        let left = claims::without(text, MIN_SENTENCES, |sentence| sentence == unit);
        let left = left.filter(|left| before.is_empty() && words::count(left) < words::count(text));
        return match left {
            Some(left) => {
                **text = left;
                true
            }
            None => false,
        };
    }
    if !known.bears_out(wrong, right) || !sentence::ends_sentence(right) {
        return false;
    }
    text.replace_range(start..end, right);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSCRIPT: &str = "Dana: I signed off on taking delivery of nine vehicles, five accepted. Lee: I, uh, don't think it was the jets, maybe. \
                              Dana: Dell gets a provisional answer from me by October 24. Lee: Could we close the Depot? Dana: No.";

    const TITLES: [&str; 2] = ["Vehicles accepted", "Answers"];
    const TEXTS: [&str; 2] = [
        "Vehicles: Dana had accepted nine vehicles. It was not the jets, Lee said. They talked.",
        "- Mechanics get a provisional answer by October 24. Dell asked for more. Lee closed the Depot.",
    ];

    fn lists() -> Vec<List> {
        let entry = |text: &&str| Entry {
            text: (*text).to_owned(),
            ..Entry::default()
        };
        let list = |kind, entries: &[&str]| {
            List::titled(kind, Some("en"), entries.iter().map(entry).collect())
        };
        let mut lists = vec![
            list(
                ListKind::Decisions,
                &["The Depot is closed.", "Dana takes nine."],
            ),
            list(
                ListKind::Actions,
                &["Dana: an answer (by October 24; assigned)"],
            ),
        ];
        lists[1].entries[0].status = Some("assigned".to_owned());
        lists
    }

    /// How many of `mends` are applied, with the titles, texts and lists that come of it.
    fn applied(mends: &[Mend]) -> (usize, [String; 2], [String; 2], Vec<List>) {
        let (mut titles, mut texts) = (TITLES.map(str::to_owned), TEXTS.map(str::to_owned));
        let mut lists = lists();
        let count = apply(
            &mut titles.each_mut(),
            &mut texts.each_mut(),
            &mut lists,
            mends,
            TRANSCRIPT,
        );
        (count, titles, texts, lists)
    }

    fn mended(wrong: &str, said: &str, right: &str) -> Option<String> {
        let mend = Mend {
            wrong: wrong.to_owned(),
            said: said.to_owned(),
            right: right.to_owned(),
        };
        let (count, titles, texts, lists) = applied(&[mend]);
        let texts = titles.into_iter().chain(texts);
        let all: Vec<String> = texts.chain(lists.iter().map(List::text)).collect();
        (count == 1).then(|| all.join("\n"))
    }

    #[test]
    fn what_the_transcript_bears_out_is_corrected() {
        for (wrong, said, right, there) in [
            (
                "Dana had accepted nine vehicles.",
                "I signed off on taking delivery of nine vehicles",
                "Dana had signed off on nine vehicles.",
                "Vehicles: Dana had signed off on nine vehicles. It was",
            ),
            (
                "It was not the jets, Lee said.",
                "I don't think it was the jets, maybe",
                "Lee did not think it was the jets, maybe.",
                "vehicles. Lee did not think it was the jets, maybe. They",
            ),
            (
                "- Mechanics get a provisional answer by October 24.",
                "Dell gets a provisional answer from me",
                "- Dell gets a provisional answer by October 24.",
                "- Dell gets a provisional answer by October 24. Dell",
            ),
            (
                "Lee closed the Depot.",
                "Could we close the Depot? Dana: No",
                "",
                "Dell asked for more.\n",
            ),
            ("They talked.", "NOWHERE", "", "Lee said.\n"),
            (
                "Vehicles accepted",
                "signed off on taking delivery of nine vehicles",
                "Vehicles delivered",
                "Vehicles delivered\n",
            ),
            (
                "Dana: an answer (by October 24; assigned)",
                "Dell gets a provisional answer from me",
                "Dana: an answer (by October 24; promised)",
                "- Dana: an answer (by October 24; promised)\n",
            ),
            (
                "Dana: an answer (by October 24; assigned)",
                "Dell gets a provisional answer from me",
                "Dana: a provisional answer (by October 24; assigned)",
                "- Dana: a provisional answer (by October 24; assigned)\n",
            ),
            (
                "- The Depot is closed.",
                "",
                "",
                "Decisions\n\n- Dana takes nine.\n",
            ),
            (
                "The Depot is closed.",
                "Could we close the Depot",
                "The Depot is not closed.",
                "- The Depot is not closed.\n",
            ),
        ] {
            let found = mended(wrong, said, right);
            assert!(
                found.as_ref().is_some_and(|text| text.contains(there)),
                "{wrong}: {found:?}"
            );
        }
    }

    #[test]
    fn what_it_does_not_bear_out_stays() {
        for (wrong, said, right) in [
            // Not said so, or nothing quoted.
            (
                "Dana had accepted nine vehicles.",
                "I took nine vehicles",
                "Dana had taken nine vehicles.",
            ),
            (
                "Dana had accepted nine vehicles.",
                "",
                "Dana had signed off on nine vehicles.",
            ),
            // A number, a name and a word of its own.
            (
                "Dana had accepted nine vehicles.",
                "signed off on taking delivery",
                "Dana had signed off on 12 vehicles.",
            ),
            (
                "Dana had accepted nine vehicles.",
                "signed off on taking delivery",
                "Trump had signed off on nine vehicles.",
            ),
            (
                "Dana had accepted nine vehicles.",
                "signed off on taking delivery",
                "Dana had embezzled nine vehicles.",
            ),
            // Another sentence, a longer one, none, one with markup, and part of one.
            (
                "Dana had accepted nine vehicles.",
                "signed off on taking delivery",
                "Lee gets a provisional answer by October 24.",
            ),
            (
                "They talked.",
                "signed off on taking delivery",
                "They talked of taking delivery of nine vehicles and a provisional answer.",
            ),
            (
                "Dana had accepted nine vehicles.",
                "signed off on taking delivery",
                "Dana had signed off on nine",
            ),
            (
                "Dana had accepted nine vehicles.",
                "signed off on taking delivery",
                "Dana had <b>signed</b> off on nine vehicles.",
            ),
            (
                "accepted nine vehicles",
                "signed off on taking delivery",
                "signed off on nine vehicles",
            ),
            ("vehicles", "signed off on taking delivery", ""),
            // What stands nowhere, and a task, whose parts have fields of their own.
            (
                "Dana left.",
                "signed off on taking delivery",
                "Dana signed off.",
            ),
            (
                "Dana: an answer (by October 24; assigned)",
                "Dell gets a provisional answer",
                "Dell: an answer (by October 24; assigned)",
            ),
        ] {
            assert_eq!(mended(wrong, said, right), None, "{right}");
        }
    }

    #[test]
    fn a_text_is_not_emptied() {
        let cut = |wrong: &str| Mend {
            wrong: wrong.to_owned(),
            ..Mend::default()
        };
        let mends = [
            "They talked.",
            "It was not the jets, Lee said.",
            "Dell asked for more.",
            "Lee closed the Depot.",
        ];
        let (_, _, texts, _) = applied(&mends.map(cut));
        for text in texts {
            assert!(sentences(&text).len() >= MIN_SENTENCES);
        }
    }
}
