//! Records cumulative token costs along a text, so that any part can be priced without rereading it.

use std::ops::Range;

use crate::text::tokens::{self, Cost, Rate};

/// Minimum bytes between two marks. About this much is reread at each end of a part.
const STRIDE: usize = 1024;

/// Cumulative costs at marks. Marks are at the starts of character-class runs, so the costs between them are exact.
#[derive(Debug)]
pub(crate) struct CostMap<'t> {
    bytes: &'t [u8],
    rate: Rate,
    /// Byte offset of the start of a run, and the cost of the text before it.
    marks: Vec<(usize, Cost)>,
    /// The cost of the whole text.
    pub(crate) total: Cost,
}

impl<'t> CostMap<'t> {
    /// Builds the map in one pass over `text`.
    pub(crate) fn of(text: &'t str) -> Self {
        let (bytes, rate) = (text.as_bytes(), Rate::of(text));
        let mut marks = Vec::with_capacity(bytes.len() / STRIDE + 1);
        let (mut at, mut total) = (0, Cost::default());
        while at < bytes.len() {
            marks.push((at, total));
            let (length, cost) = tokens::runs(bytes.split_at(at).1, STRIDE, rate);
            at += length;
            total = total + cost;
        }
        Self {
            bytes,
            rate,
            marks,
            total,
        }
    }

    /// The cost of a part that starts and ends on character boundaries.
    pub(crate) fn cost(&self, part: Range<usize>) -> Cost {
        let first = self.marks.partition_point(|mark| mark.0 < part.start);
        let last = self.marks.partition_point(|mark| mark.0 <= part.end);
        match self.marks.get(first..last) {
            Some([first, .., last]) => {
                self.read(part.start..first.0) + (last.1 - first.1) + self.read(last.0..part.end)
            }
            _ => self.read(part),
        }
    }

    /// The offset at which a part that starts at `start` reaches the cost `limit`, or the end of the text. It may be inside
    /// a character.
    pub(crate) fn reach(&self, start: usize, limit: Cost) -> usize {
        let next = self.marks.partition_point(|mark| mark.0 < start);
        let marks = self.marks.split_at(next).1;
        let Some(&first) = marks.first() else {
            return self.walk(start..self.bytes.len(), limit);
        };
        let before = self.read(start..first.0);
        if before >= limit {
            return self.walk(start..first.0, limit);
        }
        let passed = marks.partition_point(|mark| before + (mark.1 - first.1) < limit);
        let last = marks.get(passed.saturating_sub(1)).unwrap_or(&first);
        let left = limit - before - (last.1 - first.1);
        self.walk(last.0..self.bytes.len(), left)
    }

    fn read(&self, part: Range<usize>) -> Cost {
        tokens::runs(self.bytes(&part), usize::MAX, self.rate).1
    }

    fn walk(&self, part: Range<usize>, limit: Cost) -> usize {
        part.start + tokens::walk(self.bytes(&part), limit, self.rate).0
    }

    fn bytes(&self, part: &Range<usize>) -> &[u8] {
        self.bytes.split_at(part.end).0.split_at(part.start).1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::Tokens;

    const PIECES: [&str; 8] = [
        "depot ",
        "and",
        "\n",
        "12:30, ",
        "日本語",
        "αβγ ",
        "   ",
        "...",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        #[test]
        fn a_part_costs_what_it_costs_when_it_is_read(
            pieces in prop::collection::vec((0..PIECES.len(), 1..40_usize), 1..100),
            long in 0..5_000_usize,
            cuts in (0.0..1.0_f64, 0.0..1.0_f64),
            limit in 0..5_000_usize,
        ) {
            let mut text: String = pieces.iter().map(|&(at, times)| PIECES[at].repeat(times)).collect();
            // A run longer than the distance between marks.
            text += &"x".repeat(long);
            let rate = Rate::of(&text);
            let map = CostMap::of(&text);
            prop_assert_eq!(map.total, tokens::cost_at(&text, rate));
            let at = |share: f64| text.floor_char_boundary((text.len() as f64 * share) as usize);
            let (start, end) = (at(cuts.0.min(cuts.1)), at(cuts.0.max(cuts.1)));
            prop_assert_eq!(map.cost(start..end), tokens::cost_at(&text[start..end], rate));
            let limit = Cost::of_tokens(Tokens(limit));
            let (length, _) = tokens::walk(&text.as_bytes()[start..], limit, rate);
            prop_assert_eq!(map.reach(start, limit), start + length);
        }
    }
}
