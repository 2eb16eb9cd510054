//! The best place to cut a text within a window: blank line or start of a turn › sentence end or end of a line › clause ›
//! word › grapheme.

use std::ops::Range;

use icu_segmenter::GraphemeClusterSegmenter;

use crate::transcript::turn::{Turn, Turns};

/// Bytes to either side of the aim in which graphemes are looked at.
const GRAPHEME_REACH: usize = 256;

/// Bytes to either side of the aim that are looked at first.
const FIRST_REACH: usize = 512;

/// Ranks of boundaries that are found by looking at the text, best last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Word,
    Clause,
    Sentence,
    Paragraph,
}

/// The best cut of `text` within `window`, nearest to `aim` among equals. The window's ends count as inside; it need not
/// begin or end on a character. `None` if there is no character boundary in it.
pub(crate) fn best(text: &str, turns: &Turns, window: Range<usize>, aim: usize) -> Option<usize> {
    let nearest = |a: &usize, b: &usize| a.abs_diff(aim).cmp(&b.abs_diff(aim));
    let turn = turns
        .starting_in(&(window.start..window.end + 1))
        .iter()
        .map(Turn::start)
        .min_by(nearest);
    let start = text.ceil_char_boundary(window.start);
    let seen = text.get(start..text.floor_char_boundary(window.end).max(start))?;
    // Blank lines are worth as much as turns; lesser boundaries only matter where neither is.
    if let Some(turn) = turn {
        let blank = blank_lines(seen).map(|at| start + at).min_by(nearest);
        return [Some(turn), blank].into_iter().flatten().min_by(nearest);
    }
    if let Some(blank) = blank_lines(seen).map(|at| start + at).min_by(nearest) {
        return Some(blank);
    }
    // Of the others the nearest good one is usually near: the look widens until it has found one.
    let mut reach = FIRST_REACH;
    loop {
        let near = text.ceil_char_boundary(aim.saturating_sub(reach).max(start));
        let far = text.floor_char_boundary((aim + reach).min(start + seen.len()));
        let found = best_in(text.get(near..far).unwrap_or_default(), near, aim);
        let whole = near <= start && far >= start + seen.len();
        match found {
            Some((rank, at)) if whole || rank >= Rank::Sentence => return Some(at),
            None if whole => return grapheme(text, &window, aim),
            _ => reach *= 4,
        }
    }
}

/// The best boundary inside `text`, which begins at `start`: of the highest rank, nearest to `aim`.
fn best_in(text: &str, start: usize, aim: usize) -> Option<(Rank, usize)> {
    boundaries(text)
        .map(|(rank, at)| (rank, start + at))
        .min_by_key(|&(rank, at)| (std::cmp::Reverse(rank), at.abs_diff(aim)))
}

/// Offsets after blank lines.
fn blank_lines(text: &str) -> impl Iterator<Item = usize> {
    let mut searched = 0;
    text.match_indices('\n').filter_map(move |(newline, _)| {
        if newline < searched {
            return None;
        }
        let after = text.get(newline + 1..).unwrap_or_default();
        let blank = after.len() - after.trim_start().len();
        searched = newline + 1 + blank;
        let is_blank_line = after.get(..blank).is_some_and(|blank| blank.contains('\n'));
        (is_blank_line && searched < text.len()).then_some(searched)
    })
}

/// All boundaries inside a text, with their ranks.
fn boundaries(text: &str) -> impl Iterator<Item = (Rank, usize)> {
    // What a blank after the last character would mean, and what any character would: full-width marks need no blank.
    let mut if_blank = Rank::Word;
    let mut if_any = None;
    let mut blank = false;
    let mut newlines = 0_u8;
    text.char_indices().filter_map(move |(at, c)| {
        if c.is_whitespace() {
            blank = true;
            newlines = newlines.saturating_add(u8::from(c == '\n'));
            return None;
        }
        let rank = match (newlines, blank) {
            (0, true) => Some(if_blank),
            (0, false) => if_any.filter(|_| !closes(c)),
            (1, _) => Some(Rank::Sentence),
            _ => Some(Rank::Paragraph),
        };
        (blank, newlines) = (false, 0);
        (if_blank, if_any) = match c {
            '.' | '!' | '?' | '…' => (Rank::Sentence, None),
            ',' | ';' | ':' | '–' | '—' => (Rank::Clause, None),
            '。' | '！' | '？' | '｡' => (Rank::Sentence, Some(Rank::Sentence)),
            '、' | '，' | '；' | '：' => (Rank::Clause, Some(Rank::Clause)),
            _ if closes(c) => (if_blank, if_any),
            _ => (Rank::Word, None),
        };
        rank.map(|rank| (rank, at))
    })
}

/// Quotes and brackets that belong to the sentence before them.
fn closes(c: char) -> bool {
    matches!(
        c,
        '"' | '\'' | ')' | ']' | '”' | '’' | '»' | '」' | '』' | '）'
    )
}

/// The boundary between user-perceived characters nearest to `aim`, or between characters if one fills the window.
fn grapheme(text: &str, window: &Range<usize>, aim: usize) -> Option<usize> {
    let start = text.floor_char_boundary(aim.saturating_sub(GRAPHEME_REACH));
    let end = text.floor_char_boundary((aim + GRAPHEME_REACH).min(text.len()));
    let near = text.get(start..end)?;
    let segmenter = GraphemeClusterSegmenter::new();
    let inside = |at: &usize| window.contains(at) || *at == window.end;
    segmenter
        .segment_str(near)
        // The look may have begun and ended inside a cluster.
        .filter(|&at| at > 0 && at < near.len())
        .map(|at| start + at)
        .filter(inside)
        .min_by_key(|at| at.abs_diff(aim))
        .or_else(|| Some(text.ceil_char_boundary(aim)).filter(inside))
        .or_else(|| Some(text.floor_char_boundary(aim)).filter(inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text before and after the best cut near the middle.
    fn cut(text: &str) -> (&str, &str) {
        let at = best(text, &Turns::parse(text), 1..text.len() - 1, text.len() / 2).unwrap();
        text.split_at(at)
    }

    #[test]
    fn better_boundaries_win_over_nearer_ones() {
        assert_eq!(
            cut("Ann: one. two three.\nBob: four five. six seven eight nine.").1,
            "Bob: four five. six seven eight nine."
        );
        assert_eq!(
            cut("one two.\n\nthree four. five six seven eight.").1,
            "three four. five six seven eight."
        );
        assert_eq!(
            cut("one two three. four, five six seven eight").1,
            "four, five six seven eight"
        );
        assert_eq!(cut("one two, three four five six").1, "three four five six");
        assert_eq!(cut("one two three four").1, "three four");
        assert_eq!(cut("we paid 3.5 m").1, "3.5 m");
    }

    #[test]
    fn full_width_marks_need_no_blank() {
        assert_eq!(cut("今天开会。讨论预算和人员的事情").0, "今天开会。");
        assert_eq!(cut("他说「好的。」然后走了很远的路").0, "他说「好的。」");
    }

    #[test]
    fn clusters_and_characters_stay_whole() {
        let family = "👨\u{200d}👩\u{200d}👧";
        let (before, after) = (family.repeat(8), family.repeat(8));
        assert_eq!(
            cut(&format!("{before}{after}")),
            (before.as_str(), after.as_str())
        );
        let marks = format!("a{}", "\u{301}".repeat(2000));
        let (before, after) = cut(&marks);
        assert_eq!(before.len() + after.len(), marks.len());
    }
}
