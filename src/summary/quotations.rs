//! Quotations: what stands in quotation marks was said so, word for word.

use crate::extract;
use crate::text::{Span, ngrams};

/// Marks that open a quotation, with those that close it.
const MARKS: [(char, &[char]); 10] = [
    ('"', &['"']),
    ('＂', &['＂']),
    ('“', &['”', '"']),
    ('„', &['“', '”']),
    ('«', &['»']),
    ('»', &['«']),
    ('‹', &['›']),
    ('‘', &['’']),
    ('「', &['」']),
    ('『', &['』']),
];

/// Opening marks that may follow a letter.
const UNSPACED: [char; 2] = ['「', '『'];

/// Shorter quotations are names, titles and words that are meant as such.
const MIN_WORDS: usize = 2;

/// Maximum number of words that a speaker repeats at once by accident: `in the in the`.
const MAX_STUTTERED: usize = 3;

/// `text` without the marks around what was not said in these words: it stays as a report. Fillers and stutters of the speaker
/// need not be quoted.
pub(crate) fn checked(text: &str, said: &str) -> String {
    let quotations: Vec<(Span, char)> = quotations(text);
    if quotations.is_empty() {
        return text.to_owned();
    }
    let said = letters(said);
    let mut checked = String::with_capacity(text.len());
    let mut end = 0;
    for (found, mark) in quotations {
        let quoted = found.of(text);
        let close = quoted.chars().next_back().map_or(0, char::len_utf8);
        let inner = Span::from(mark.len_utf8()..quoted.len() - close).of(quoted);
        if ngrams::words(inner).len() < MIN_WORDS || is_said(inner, &said) {
            continue;
        }
        checked.push_str(Span::from(end..found.start).of(text));
        checked.push_str(inner);
        end = found.end;
    }
    checked.push_str(Span::from(end..text.len()).of(text));
    checked
}

/// Whether `quoted` was said so. `said` are the [`letters`] of what was said.
pub(crate) fn is_said(quoted: &str, said: &str) -> bool {
    // What was added for the reader, or left out, parts it.
    let outside = quoted
        .split('[')
        .enumerate()
        .map(|(n, part)| match part.split_once(']') {
            Some((_, after)) if n > 0 => after,
            _ => part,
        });
    let mut parts = outside.flat_map(|part| part.split('…').flat_map(|part| part.split("...")));
    parts.all(|part| said.contains(&letters(part)))
}

/// The quotations in `text` with their marks, each within a line.
fn quotations(text: &str) -> Vec<(Span, char)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, char, &[char])> = None;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match open {
            _ if c == '\n' => open = None,
            // Between letters it is an apostrophe.
            Some((start, mark, closes))
                if closes.contains(&c) && !(c == '’' && is_inside(text, at)) =>
            {
                found.push((Span::from(start..at + c.len_utf8()), mark));
                open = None;
            }
            // Behind a number it is an inch.
            None if !before.is_alphanumeric() || UNSPACED.contains(&c) => {
                let marks = MARKS.iter().find(|(mark, _)| *mark == c);
                open = marks.map(|(mark, closes)| (at, *mark, *closes));
            }
            _ => {}
        }
        before = c;
    }
    found
}

/// Whether a letter stands on either side of the mark at byte `at`.
fn is_inside(text: &str, at: usize) -> bool {
    let (before, rest) = text.split_at(at);
    let after = rest.chars().nth(1).is_some_and(char::is_alphanumeric);
    before.ends_with(char::is_alphanumeric) && after
}

/// The words of a text without fillers and stutters, and without what stands between them: `L_C_D_` is `LCD`.
pub(crate) fn letters(text: &str) -> String {
    let words = ngrams::words(text);
    let mut kept: Vec<&str> = Vec::with_capacity(words.len());
    for word in words.iter().filter(|word| !extract::is_filler(word)) {
        // Of `s skip`.
        if kept
            .last()
            .is_some_and(|last| last.len() == 1 && word.starts_with(last))
        {
            kept.pop();
        }
        kept.push(word);
        // Of `we'll we'll`.
        for length in 1..=MAX_STUTTERED {
            let start = kept.len().saturating_sub(length);
            let (before, last) = kept.split_at(start);
            if before.ends_with(last) {
                kept.truncate(start);
            }
        }
    }
    kept.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_said_so_stands_in_quotation_marks() {
        let said = "Lee: It, uh, only cost a bit more, you know. We s skip the L_C_D_ and have veto veto uh rights. And and , uh , we 'll we 'll end in the in the in the depot.\nDana: 没有问题。";
        for (text, kept) in [
            ("\"It only cost a bit more\", said Lee.", true),
            ("“it only cost … you know”, said Lee.", true),
            ("They „skip the LCD“ and have \"veto rights\".", true),
            ("That is \"only [cost] a bit more\".", true),
            ("He said \"and we'll end in the depot\".", true),
            ("He said \"and we'll end in depot\".", false),
            ("That was \"only cost [the depot] a bit more\".", true),
            ("They ‘skip the LCD’ and don’t mind, the boys’ own.", true),
            ("He ‘didn’t really skip it’, they say.", false),
            ("They are ‹nearly done›.", false),
            ("彼は『問題ありません』と言った。", false),
            ("The \"depot\" is late.", true),
            ("Dana: 「没有问题」", true),
            ("A screen of 10\" is small, one of 12\" is not.", true),
            ("It was \"only a bit more\", said Lee.", false),
            ("They were «nearly done».", false),
        ] {
            let plain = |text: &str| {
                let text = text.replace(
                    ['"', '“', '”', '„', '«', '»', '‹', '›', '『', '』', '‘'],
                    "",
                );
                text.replace("it’,", "it,")
            };
            let wanted = if kept { text.to_owned() } else { plain(text) };
            assert_eq!(checked(text, said), wanted);
        }
    }
}
