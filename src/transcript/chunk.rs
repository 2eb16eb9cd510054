//! Balanced chunks on natural boundaries.
//!
//! Every byte of the text is in exactly one chunk, in order. Not greedy: the i-th cut aims at what remains divided by the
//! chunks left, and takes the best boundary within ±15 % of it, so that no small tail is left (measurements: ALGORITHM.md,
//! "Chunks"). The time is linear in the text, for every shape of it.

use std::ops::Range;

use crate::text::tokens;
use crate::text::tokens::Cost;
use crate::transcript::boundary;
use crate::transcript::cost_map::CostMap;
use crate::transcript::turn::Turns;

/// How far a cut may be from its aim, in percent of the aim.
const SLACK_PERCENT: u64 = 15;

/// How much of the budget chunks are planned to fill: the rest lets cuts look for good boundaries.
const FILL_PERCENT: u64 = 93;

/// A part of the transcript that is sent in one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// Estimated tokens, margin included.
    pub tokens: usize,
}

/// How many chunks a text of `tokens` needs if each may have `budget` tokens.
#[must_use]
pub fn count_for(tokens: usize, budget: usize) -> usize {
    Cost::of_tokens(tokens)
        .div_ceil(Cost::of_tokens(budget).percent(FILL_PERCENT))
        .max(1)
}

/// Divides `text` into at least `at_least` chunks of at most `budget` tokens each.
///
/// A single character that costs more than the budget is still one chunk; a text of few characters gives fewer chunks.
#[must_use]
pub fn divide(text: &str, turns: &Turns, budget: usize, at_least: usize) -> Vec<Chunk> {
    let costs = CostMap::of(text);
    let mut count = at_least
        .max(
            costs
                .total()
                .div_ceil(Cost::of_tokens(budget).percent(FILL_PERCENT)),
        )
        .max(1);
    loop {
        let chunks = cut(text, turns, &costs, Cost::of_tokens(budget), count);
        // Cuts that found no boundary where they needed one: more chunks leave more room.
        if count >= text.len() || chunks.iter().all(|chunk| chunk.tokens <= budget) {
            return chunks;
        }
        count += (count / 50).max(1);
    }
}

fn cut(text: &str, turns: &Turns, costs: &CostMap<'_>, budget: Cost, count: usize) -> Vec<Chunk> {
    let mut chunks = Vec::with_capacity(count.min(text.len()));
    let mut remaining = costs.total();
    let mut start = 0;
    for left in (2..=count).rev() {
        let aim = remaining.share(left);
        // Not so small that the chunks after this one would have to exceed the budget, not so large that this one does.
        let least = aim
            .percent(100 - SLACK_PERCENT)
            .max(remaining - budget.times(left - 1))
            .min(aim);
        let most = aim.percent(100 + SLACK_PERCENT).min(budget).max(aim);
        let low = costs.reach(start, least);
        let middle = costs.reach(start, aim);
        // The last byte of the way may be the one too many.
        let high = costs.reach(start, most).saturating_sub(1).max(middle);
        let end = boundary::best(text, turns, low..high, middle)
            .filter(|&end| end > start)
            .unwrap_or_else(|| text.ceil_char_boundary(low.max(start + 1)));
        if end >= text.len() {
            break;
        }
        let cost = costs.cost(start..end);
        chunks.push(Chunk {
            range: start..end,
            tokens: cost.tokens(),
        });
        remaining = remaining - cost + tokens::seam(text, end);
        start = end;
    }
    if start < text.len() {
        chunks.push(Chunk {
            range: start..text.len(),
            tokens: costs.cost(start..text.len()).tokens(),
        });
    }
    chunks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::rate::Rate;

    fn divided(text: &str, budget: usize, at_least: usize) -> Vec<Chunk> {
        divide(text, &Turns::parse(text), budget, at_least)
    }

    /// A meeting of `turns` turns whose lengths vary from one sentence to `longest`.
    fn meeting(turns: usize, longest: usize) -> String {
        (0..turns)
            .map(|i| {
                format!(
                    "Speaker {}: {}\n",
                    i % 5,
                    "We agreed on the budget for March. ".repeat(1 + (i * 7) % longest)
                )
            })
            .collect()
    }

    #[test]
    fn ordinary_turns_give_balanced_chunks_cut_at_turns() {
        let text = meeting(400, 9);
        let chunks = divided(&text, 1000, 1);
        let sizes = || chunks.iter().map(|chunk| chunk.tokens);
        assert!(sizes().max() <= Some(1000));
        assert!(
            sizes().max().unwrap() as f64 / sizes().min().unwrap() as f64 <= 1.2,
            "{:?}",
            sizes().collect::<Vec<_>>()
        );
        assert!(
            chunks
                .iter()
                .all(|chunk| text[chunk.range.clone()].starts_with("Speaker "))
        );
    }

    #[test]
    fn as_many_chunks_as_asked_for() {
        let text = meeting(200, 5);
        assert_eq!(divided(&text, 100_000, 9).len(), 9);
        assert_eq!(divided("ab", 100, 9).len(), 2);
        assert_eq!(divided("", 100, 3), []);
    }

    #[test]
    fn a_long_turn_is_cut_at_a_sentence() {
        let text = format!(
            "Dana: {}",
            "This sentence has a handful of words. ".repeat(300)
        );
        for chunk in divided(&text, 500, 1).iter().skip(1) {
            assert!(text[chunk.range.clone()].starts_with("This sentence"));
        }
    }

    #[test]
    fn hostile_shapes_are_cut_too() {
        let shapes = [
            "a",
            "é",
            "日",
            "——",
            "👨\u{200d}👩\u{200d}👧",
            "ก",
            "7",
            "word ",
            "a. ",
            "\u{301}",
        ]
        .map(|unit| unit.repeat(60_000));
        for text in shapes {
            let chunks = divided(&text, 2000, 3);
            let sizes = || chunks.iter().map(|chunk| chunk.tokens);
            let shape: String = text.chars().take(5).collect();
            assert!(chunks.len() >= 3, "{shape:?}: {} chunks", chunks.len());
            assert!(
                sizes().max().unwrap() as f64 <= 1.5 * sizes().min().unwrap() as f64,
                "{shape:?}: {:?}",
                sizes().collect::<Vec<_>>()
            );
        }
    }

    /// Texts of hostile shapes next to ordinary ones.
    fn texts() -> impl Strategy<Value = String> {
        let unit = prop::sample::select(vec![
            "a",
            " ",
            "\n",
            "word ",
            "One more sentence. ",
            "Dana: yes.\n",
            "\n\n",
            "7",
            "——",
            "会议。",
            "ก",
            "👨\u{200d}👩\u{200d}👧",
            "\u{301}",
            "é",
        ]);
        prop::collection::vec((unit, 1..200_usize), 1..12).prop_map(|parts| {
            parts
                .into_iter()
                .map(|(unit, times)| unit.repeat(times))
                .collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]
        #[test]
        fn chunks_are_an_exact_partition_within_the_budget(text in texts(), budget in 12..400_usize, at_least in 1..9_usize) {
            let chunks = divided(&text, budget, at_least);
            let joined: String = chunks.iter().map(|chunk| &text[chunk.range.clone()]).collect();
            prop_assert_eq!(&joined, &text);
            for chunk in &chunks {
                prop_assert!(!chunk.range.is_empty());
                prop_assert!(chunk.tokens <= budget, "{} tokens of {}", chunk.tokens, budget);
                let rate = Rate::of(&text);
                prop_assert_eq!(chunk.tokens, tokens::cost_at(&text[chunk.range.clone()], rate).tokens());
            }
        }
    }
}
