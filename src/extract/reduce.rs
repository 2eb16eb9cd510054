//! Very long texts are reduced piece by piece before they are chosen from: every sentence of a text costs some forty times
//! its bytes while it is weighed.

use crate::extract::choose;
use crate::text::words;

/// Texts up to this length are weighed whole. A part of a transcript of 400,000 words is shorter.
pub(crate) const LARGE_BYTES: usize = 256 * 1024;

/// What is weighed at once of longer ones.
const PIECE_BYTES: usize = 96 * 1024;

/// So many times more than is wanted is kept, for the last choice to be made from.
const KEPT: usize = 6;

/// Of each piece at least so many words.
const MIN_KEPT_WORDS: usize = 60;

/// The most telling sentences of each piece of `text`, for `budget` words to be chosen from.
pub(crate) fn reduce(text: &str, going_on: Option<&str>, budget: usize) -> String {
    let pieces = text.len().div_ceil(PIECE_BYTES);
    let kept = (budget * KEPT / pieces).max(MIN_KEPT_WORDS);
    let mut reduced = String::new();
    let mut rest = text;
    let mut going_on = going_on;
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(end_of_piece(rest));
        if words::count(piece) > 0 {
            reduced.push_str(&choose("", piece, going_on, kept));
            reduced.push('\n');
        }
        going_on = None;
        rest = tail;
    }
    reduced
}

/// Where the first piece of `text` ends: after a line, else after a word, else between characters.
fn end_of_piece(text: &str) -> usize {
    if text.len() <= PIECE_BYTES {
        return text.len();
    }
    let most = text.floor_char_boundary(PIECE_BYTES);
    let head = text.get(..most).unwrap_or_default();
    let after = |at: usize| at + 1;
    head.rfind('\n')
        .filter(|at| *at > most / 2)
        .or_else(|| head.rfind(' '))
        .map_or(most, after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_after_lines_words_or_characters() {
        let line = "Dana: The depot is late.\n";
        let text = line.repeat(20_000);
        assert!(text[..end_of_piece(&text)].ends_with(".\n"));
        let one_line = "word ".repeat(40_000);
        assert!(one_line[..end_of_piece(&one_line)].ends_with(' '));
        let unbroken = "é".repeat(100_000);
        assert_eq!(end_of_piece(&unbroken), PIECE_BYTES);
        assert_eq!(end_of_piece("short"), 5);
    }

    #[test]
    fn a_long_text_keeps_something_of_all_its_pieces() {
        let text: String = (0..9000)
            .map(|i| {
                format!(
                    "Speaker{}: The topic{} needs {i} more people in all.\n",
                    i % 3,
                    i / 900
                )
            })
            .collect();
        assert!(text.len() > LARGE_BYTES);
        let summary = crate::extract::extract(&text, None, 400);
        for topic in 0..10 {
            assert!(
                summary.contains(&format!("topic{topic}")),
                "{topic}: {summary}"
            );
        }
        let words = words::count(&summary);
        assert!((380..=400).contains(&words), "{words}");
    }
}
