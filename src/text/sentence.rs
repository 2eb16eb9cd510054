//! Sentences of a text, as readers see them: not broken at abbreviations or at wrapped lines, and never endless.

use std::ops::Range;

use icu_segmenter::{SentenceSegmenter, options::SentenceBreakInvariantOptions};

use crate::text::words;

/// Speech recognizers leave out punctuation: what goes on for longer than this is cut at a clause or a word.
const MAX_WORDS: usize = 50;

/// A piece that is cut off has at least so many words.
const MIN_WORDS: usize = 25;

/// Words whose full stop ends no sentence. Single letters and `U.S.` are told by their shape.
const ABBREVIATIONS: [&str; 21] = [
    "mr", "mrs", "ms", "dr", "prof", "hon", "rev", "gen", "col", "lt", "sgt", "capt", "sen", "rep",
    "gov", "st", "vs", "etc", "approx", "inc", "jr",
];

/// Byte ranges of the sentences of `text`, blanks at their ends left out. What is between them is blank.
#[must_use]
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let segmenter = SentenceSegmenter::new(SentenceBreakInvariantOptions::default());
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for end in segmenter.segment_str(text).skip(1) {
        let piece = text.get(start..end).unwrap_or_default();
        if goes_on(piece, text.get(end..).unwrap_or_default()) {
            continue;
        }
        push(text, start..end, &mut found);
        start = end;
    }
    push(text, start..text.len(), &mut found);
    found
}

/// Whether the break after `piece` is none for a reader.
fn goes_on(piece: &str, rest: &str) -> bool {
    let trimmed = piece.trim_end();
    let wrapped = piece
        .get(trimmed.len()..)
        .is_some_and(|blank| blank.matches('\n').count() == 1);
    if wrapped && !trimmed.ends_with(['.', '!', '?', '…', ':', '。', '"', '”']) {
        // A line that was wrapped in the middle of a sentence goes on in lower case.
        return rest.starts_with(char::is_lowercase);
    }
    let Some(stopped) = trimmed.strip_suffix('.') else {
        return false;
    };
    let last = stopped
        .rsplit([' ', '\n', '(', '['])
        .next()
        .unwrap_or_default();
    let initial = last.chars().count() == 1 && last.starts_with(char::is_uppercase) && last != "I";
    let letter = |part: &str| part.chars().count() == 1 && part.chars().all(char::is_alphabetic);
    let dotted = last.contains('.') && last.split('.').all(letter);
    initial
        || dotted
        || ABBREVIATIONS
            .iter()
            .any(|known| last.eq_ignore_ascii_case(known))
}

/// Adds a sentence, cut into pieces if it is endless.
fn push(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let Some(sentence) = text.get(range.clone()) else {
        return;
    };
    let mut start = range.start + sentence.len() - sentence.trim_start().len();
    let mut rest = sentence.trim();
    while !rest.is_empty() {
        let most = words::prefix(rest, MAX_WORDS);
        let piece = if most.len() == rest.len() {
            rest
        } else {
            // At the last clause, if that leaves a piece worth reading.
            let least = words::prefix(rest, MIN_WORDS).len();
            let clause = most
                .rfind([',', ';', ':', '，', '、', '；'])
                .filter(|&at| at >= least);
            let end = clause.map_or(most.len(), |at| most.ceil_char_boundary(at + 1));
            most.get(..end).unwrap_or(most)
        };
        found.push(start..start + piece.len());
        let after = rest.get(piece.len()..).unwrap_or_default();
        start += rest.len() - after.trim_start().len();
        rest = after.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        sentences(text)
            .into_iter()
            .map(|range| &text[range])
            .collect()
    }

    #[test]
    fn sentences_end_where_readers_end_them() {
        assert_eq!(
            split("One. Two!  Three? Four"),
            ["One.", "Two!", "Three?", "Four"]
        );
        assert_eq!(
            split("Mr. Lee and Dr. J. Ng met. The U.S. Office paid 3.5 m."),
            ["Mr. Lee and Dr. J. Ng met.", "The U.S. Office paid 3.5 m."]
        );
        assert_eq!(
            split("It rose by 5.7. Then it fell."),
            ["It rose by 5.7.", "Then it fell."]
        );
        assert_eq!(split("我们开会。讨论预算！"), ["我们开会。", "讨论预算！"]);
        assert_eq!(split(""), [""; 0]);
        assert_eq!(split(" \n "), [""; 0]);
    }

    #[test]
    fn wrapped_lines_go_on_and_other_lines_end() {
        assert_eq!(
            split("We agreed on the\nbudget for March.\nThen we left"),
            ["We agreed on the\nbudget for March.", "Then we left"]
        );
        assert_eq!(
            split("First point\nSecond point"),
            ["First point", "Second point"]
        );
        assert_eq!(
            split("First part\n\nsecond part"),
            ["First part", "second part"]
        );
    }

    #[test]
    fn endless_runs_are_cut() {
        let run = "so we went on and on ".repeat(40);
        let pieces = split(&run);
        assert!(pieces.len() > 1);
        assert!(pieces.iter().all(|piece| words::count(piece) <= MAX_WORDS));
        assert_eq!(pieces.join(" "), run.trim());
        let clauses = "we went on and on and on, ".repeat(40);
        assert!(
            split(&clauses)
                .iter()
                .all(|piece| piece.ends_with("and on,"))
        );
        let unspaced = "会议记录".repeat(100);
        assert_eq!(split(&unspaced).concat(), unspaced);
        assert_eq!(split(&unspaced).len(), 8);
    }
}
