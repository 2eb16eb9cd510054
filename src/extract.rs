//! Extractive summarizing: the sentences of a text that cover most of what it is about.
//!
//! Budgeted submodular term coverage by lazy greedy selection (Lin and Bilmes, 2011): a sentence is worth the terms that no
//! chosen sentence has yet, weighed by tf-idf with sublinear tf, and is taken by worth ÷ length^0.2. On 232 meetings this
//! beat LexRank, TextRank, LSA, SumBasic, MMR and the lead (ALGORITHM.md, "Extractive").

mod clean;
mod information;
mod reduce;
mod select;
mod terms;
mod title;
mod unit;

pub use information::Information;
pub use title::title;

pub(crate) use terms::stems;

use crate::text::{tokens, words};

use select::Selection;
use terms::Terms;
use unit::Units;

/// Sentences with fewer words say too little by themselves; they are taken only when nothing longer is left.
const MIN_WORDS: usize = 6;

/// Parts of the text that are each represented, as long as the budget has room for it. More than ten, so that every tenth of
/// the text has something in the summary wherever its borders fall.
const STRATA: usize = 18;

/// Words that the smallest stratum is worth a sentence for.
const STRATUM_WORDS: usize = 20;

/// About `budget` words (never more) of the most telling sentences of `text`, in their order, each turn with its speaker's
/// name. `going_on` speaks at the beginning, if the text begins in the middle of a turn.
#[must_use]
pub fn extract(text: &str, going_on: Option<&str>, budget: usize) -> String {
    beyond("", text, going_on, budget)
}

/// The same, of what `known` does not say already.
#[must_use]
pub fn beyond(known: &str, text: &str, going_on: Option<&str>, budget: usize) -> String {
    if text.len() > reduce::LARGE_BYTES {
        let reduced = reduce::reduce(text, going_on, budget);
        return choose(known, &reduced, going_on, budget);
    }
    choose(known, text, going_on, budget)
}

fn choose(known: &str, text: &str, going_on: Option<&str>, budget: usize) -> String {
    let units = Units::of(text, going_on);
    let terms = Terms::of(&units);
    let mut chosen = Selection::new(&units, &terms, budget);
    chosen.cover(known);
    if budget >= STRATA * STRATUM_WORDS {
        let strata = units.strata(STRATA);
        for (at, stratum) in strata.iter().enumerate() {
            // An even share of what is left, so that the last ones get something too.
            let share = chosen.left() / (strata.len() - at);
            if chosen.take_best(stratum.clone(), 1, MIN_WORDS..=share) == 0 {
                chosen.take_best(stratum.clone(), 1, 1..=share * 2);
            }
        }
    }
    chosen.take_best(0..units.len(), usize::MAX, MIN_WORDS..=usize::MAX);
    // A "Perfect." here and there would fill the last gap and tell nobody anything; of a text that has little else it is all.
    if known.is_empty() && chosen.left() * 10 > budget {
        chosen.take_best(0..units.len(), usize::MAX, 1..=usize::MAX);
    }
    chosen.render()
}

/// As much of the most telling sentences of `text` as `most` estimated tokens hold.
#[must_use]
pub fn within_tokens(text: &str, going_on: Option<&str>, most: usize) -> String {
    let whole = tokens::estimate(text);
    if whole <= most {
        return text.to_owned();
    }
    // As many words as the tokens hold if all words cost the same; names and marks may make it fewer.
    let mut budget = words::count(text) * most / whole;
    loop {
        let shorter = extract(text, going_on, budget);
        if tokens::estimate(&shorter) <= most {
            return shorter;
        }
        budget = budget * 9 / 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meeting() -> String {
        let topics = [
            "trams",
            "depot",
            "budget",
            "fares",
            "winter",
            "signals",
            "hiring",
            "platforms",
        ];
        (0..160)
            .map(|i| {
                let topic = topics[i / 20];
                format!("[00:{:02}:00] Speaker{}: The {topic} need {} more people by month {}. Yes. We said so about {topic}.\n", i % 60, i % 3, i * 7, i % 12)
            })
            .collect()
    }

    #[test]
    fn the_budget_is_kept_and_used() {
        let text = meeting();
        for budget in [20, 60, 200, 450, 900] {
            let words = words::count(&extract(&text, None, budget));
            assert!(
                words <= budget && words + 12 >= budget,
                "{words} of {budget}"
            );
        }
        assert_eq!(extract(&text, None, 0), "");
        assert_eq!(extract("", None, 100), "");
    }

    #[test]
    fn every_topic_is_represented_in_order() {
        let summary = extract(&meeting(), None, 200);
        let at = |topic| {
            summary
                .find(topic)
                .unwrap_or_else(|| panic!("{topic} is missing from {summary}"))
        };
        assert!(
            at("trams") < at("budget")
                && at("budget") < at("winter")
                && at("winter") < at("platforms")
        );
    }

    #[test]
    fn sentences_are_attributed() {
        let summary = extract(
            "Dana: We will close the depot in March of next year.\nLee: I would rather wait until the summer.",
            None,
            100,
        );
        assert_eq!(
            summary,
            "Dana: We will close the depot in March of next year.\nLee: I would rather wait until the summer."
        );
        let goes_on = extract(
            "and we will close the depot in March then.",
            Some("Dana"),
            100,
        );
        assert_eq!(goes_on, "Dana: And we will close the depot in March then.");
    }
}
