//! Finds the best place to cut a text within a window. In order of preference: a blank line or the start of a turn, the end
//! of a sentence or a line, the end of a clause, a blank, a word boundary in a script without blanks, a grapheme boundary.

use std::cmp::Reverse;
use std::ops::Range;

use icu_segmenter::GraphemeClusterSegmenter;

use crate::text::sentence::{Mark, is_wide, mark};
use crate::text::{Span, words};
use crate::transcript::Passage;

/// Distance from the target, in bytes, that is searched first.
const FIRST_REACH: usize = 512;

/// Ranks of the boundaries found by scanning the text, in ascending order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Word,
    Clause,
    Sentence,
    Paragraph,
}

/// The best cut in `window`, and among equally good ones the nearest to `aim`. Both ends of the window are included, and
/// need not be character boundaries. `None` if the window has no character boundary.
pub(crate) fn best(passage: &Passage, window: Range<usize>, aim: usize) -> Option<usize> {
    let text: &str = passage;
    let start = text.ceil_char_boundary(window.start);
    let end = text.floor_char_boundary(window.end);
    if start > end {
        return None;
    }
    let turns = passage.starts(window.start..window.end + 1);
    let blank_lines = blank_lines(Span { start, end }.of(text)).map(|at| start + at);
    // A blank line ranks as high as the start of a turn. Lesser boundaries are used only if there is neither.
    let paragraphs = turns.chain(blank_lines);
    if let Some(nearest) = paragraphs.min_by_key(|at| at.abs_diff(aim)) {
        return Some(nearest);
    }
    // A good boundary is usually close to the target, so the search starts there and widens until it finds one.
    let mut reach = FIRST_REACH;
    loop {
        let near = text.ceil_char_boundary(aim.saturating_sub(reach).max(start));
        let far = text.floor_char_boundary((aim + reach).min(end)).max(near);
        let found = boundaries(Span::from(near..far).of(text))
            .map(|(rank, at)| (rank, near + at))
            .min_by_key(|&(rank, at)| (Reverse(rank), at.abs_diff(aim)));
        let is_whole = near <= start && far >= end;
        match found {
            Some((rank, at)) if is_whole || rank >= Rank::Sentence => return Some(at),
            None if is_whole => return unspaced(text, &window, aim),
            _ => reach *= 4,
        }
    }
}

/// Offsets of the text that follows each run of blank lines.
fn blank_lines(text: &str) -> impl Iterator<Item = usize> {
    let mut searched = 0;
    text.match_indices('\n').filter_map(move |(newline, _)| {
        if newline < searched {
            return None;
        }
        let after = text.split_at(newline + 1).1;
        let (blank, rest) = after.split_at(after.len() - after.trim_start().len());
        searched = newline + 1 + blank.len();
        (blank.contains('\n') && !rest.is_empty()).then_some(searched)
    })
}

/// All boundaries inside a text, with their ranks.
fn boundaries(text: &str) -> impl Iterator<Item = (Rank, usize)> {
    // The rank of a boundary here if a blank follows the last character, and if any character follows. Only full-width
    // marks need no blank.
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
        let mark = mark(c);
        let rank = match (newlines, blank) {
            (0, true) => Some(if_blank),
            (0, false) => if_any.filter(|_| mark != Some(Mark::Closer)),
            (1, _) => Some(Rank::Sentence),
            _ => Some(Rank::Paragraph),
        };
        (blank, newlines) = (false, 0);
        if mark != Some(Mark::Closer) {
            if_blank = match mark {
                Some(Mark::Stop) => Rank::Sentence,
                Some(Mark::Clause) => Rank::Clause,
                _ => Rank::Word,
            };
            if_any = (if_blank > Rank::Word && is_wide(c)).then_some(if_blank);
        }
        rank.map(|rank| (rank, at))
    })
}

/// The word boundary nearest to `aim` in a text without blanks, or a grapheme or character boundary if there is none in
/// reach.
fn unspaced(text: &str, window: &Range<usize>, aim: usize) -> Option<usize> {
    let start = text.floor_char_boundary(aim.saturating_sub(words::REACH));
    let end = text.floor_char_boundary(aim + words::REACH);
    let near = Span { start, end }.of(text);
    let is_inside = |at: &usize| window.contains(at) || *at == window.end;
    // The ends of the searched text may be inside a cluster, so they are ignored.
    let is_inner = |&at: &usize| at > 0 && at < near.len() && is_inside(&(start + at));
    let distance = |at: usize| aim.abs_diff(at);
    let known = || {
        let inner = words::breaks(near).filter(|(_, at)| is_inner(at));
        let best = inner.min_by_key(|&(rank, at)| (Reverse(rank), distance(start + at)));
        best.map(|(_, at)| start + at)
            .filter(|&at| words::is_confirmed(text, at))
    };
    let modelled = || {
        let found = words::model_breaks(text, text.floor_char_boundary(aim)).into_iter();
        found.filter(is_inside).min_by_key(|&at| distance(at))
    };
    let cluster = || {
        let clusters = GraphemeClusterSegmenter::new().segment_str(near);
        let inner = clusters.filter(is_inner).map(|at| start + at);
        inner.min_by_key(|&at| distance(at))
    };
    let nearest = known().or_else(modelled).or_else(cluster);
    let characters = [text.ceil_char_boundary(aim), text.floor_char_boundary(aim)];
    nearest.or_else(|| characters.into_iter().find(is_inside))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Transcript;

    #[test]
    fn no_word_of_an_unspaced_alphabet_is_cut() {
        for (sentence, words) in words::tests::UNSPACED {
            let text = sentence.repeat(3);
            let passage = Transcript::verbatim(text.clone()).whole();
            for aim in 60..text.len() - 60 {
                let at = best(&passage, aim - 60..aim + 60, aim).unwrap();
                assert!(
                    !words::tests::is_cut(&text, words, at),
                    "{}|{}",
                    &text[..at],
                    &text[at..]
                );
            }
        }
    }

    /// Splits the text at the best cut near the middle.
    fn cut(text: &str) -> (&str, &str) {
        let at = best(&Passage::of_text(text), 1..text.len() - 1, text.len() / 2).unwrap();
        text.split_at(at)
    }

    #[test]
    fn a_better_boundary_wins_over_a_nearer_one() {
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
    fn words_of_scripts_without_blanks_stay_whole() {
        assert_eq!(
            cut("今天会议结束得很早所以大家都回家去吃饭").1,
            "所以大家都回家去吃饭"
        );
        assert_eq!(cut("新しいカメラを買いました").0, "新しいカメラを");
    }

    #[test]
    fn grapheme_clusters_and_characters_stay_whole() {
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
