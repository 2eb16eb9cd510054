//! Splits a text into sentences.
//!
//! Candidates come from the Unicode sentence rules. A candidate is rejected after an abbreviation, or where a line is
//! wrapped in the middle of a sentence. Speech recognizers often omit punctuation, so an overlong sentence is cut at the end of
//! a clause or a line, before a word that begins a clause, or between words. All punctuation marks, for every script, are in one table: `mark`.

use std::ops::Range;

use icu_segmenter::{SentenceSegmenter, options::SentenceBreakInvariantOptions};

use crate::text::script::Script;
use crate::text::words::Clause;
use crate::text::{Span, words};

/// Maximum words in a sentence. A longer one is cut.
const MAX_WORDS: usize = 50;

/// Minimum words before a cut at a clause.
const MIN_WORDS: usize = 25;

/// What is looked at before and after a full stop, and before the question mark of an address, in bytes. A sentence may be a
/// megabyte of `J.東.京.`, each stop of which is a candidate.
const WORD_BYTES: usize = 64;
const ADDRESS_BYTES: usize = 512;

/// Abbreviations whose full stop does not end a sentence, in several languages. Single letters and forms like `U.S.` are recognized
/// by their shape.
const ABBREVIATIONS: [&str; 78] = [
    "mr", "mrs", "ms", "messrs", "dr", "prof", "hon", "rev", "gen", "col", "lt", "sgt", "capt",
    "sen", "rep", "gov", "cllr", "st", "vs", "etc", "approx", "inc", "incl", "excl", "jr", "sr",
    "dept", "est", "fig", "vol", "ca", "evtl", "bzw", "bzgl", "inkl", "exkl", "einschl", "zzgl",
    "abzgl", "ggf", "vgl", "sog", "ehem", "nr", "mwst", "uu", "mio", "mrd", "tsd", "monatl",
    "jährl", "tägl", "hr", "fr", "frl", "dipl", "ing", "aprox", "sra", "srta", "dra", "ud", "uds",
    "dña", "lic", "núm", "pág", "ej", "ee", "env", "réf", "tél", "sig", "dott", "avv", "dhr",
    "mevr", "bijv",
];

/// Months in languages that write days as ordinals with a full stop. Those of English are among them.
const MONTHS: [&str; 30] = [
    "januar",
    "jänner",
    "februar",
    "märz",
    "april",
    "mai",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "dezember",
    "marts",
    "mars",
    "maj",
    "desember",
    "december",
    "ledna",
    "února",
    "března",
    "dubna",
    "května",
    "června",
    "července",
    "srpna",
    "září",
    "října",
    "listopadu",
    "prosince",
];

/// German words after which a number with a full stop is an ordinal.
const BEFORE_ORDINALS: [&str; 13] = [
    "vom", "zum", "beim", "im", "des", "dem", "den", "der", "die", "das", "seit", "jeden", "ab",
];

/// The role of a punctuation mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Ends a sentence.
    Stop,
    /// Ends a clause.
    Clause,
    /// Closes a quotation or a bracket. Belongs to the sentence before it.
    Closer,
}

/// The role of `c`, if it is one of the punctuation marks that structure a text.
pub(crate) fn mark(c: char) -> Option<Mark> {
    Some(match c {
        '.' | '!' | '?' | '…' | '‼' | '⁇' | '⁈' | '⁉' => Mark::Stop,
        '。' | '！' | '？' | '｡' => Mark::Stop,
        // Devanagari, Arabic, Syriac, Ethiopic, Armenian, Khmer, Burmese, Tibetan and Mongolian.
        '।' | '॥' | '۔' | '؟' | '܀' | '።' | '፧' | '፨' | '։' | '។' | '៕' | '။' | '།' | '᠃' => {
            Mark::Stop
        }
        ',' | ';' | ':' | '–' | '—' | '、' | '，' | '；' | '：' | '､' => Mark::Clause,
        '،' | '؛' | '፣' | '፤' | '፥' | '՝' | '៖' | '၊' => Mark::Clause,
        '"' | '\'' | ')' | ']' | '”' | '’' | '»' | '」' | '』' | '）' | '】' | '》' | '｣' => {
            Mark::Closer
        }
        _ => return None,
    })
}

/// Whether the mark belongs to a script without spaces, so that no blank has to follow it.
pub(crate) fn is_wide(mark: char) -> bool {
    matches!(mark, '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}' | '។' | '៕' | '။' | '၊' | '།')
}

/// What stands between the sentence `before` and the next one of its paragraph: nothing after the wide marks of Chinese and Japanese,
/// else a blank. Thai, Khmer and Burmese have no blanks between words, but between sentences.
pub(crate) fn gap(before: &str) -> &'static str {
    let closes = |c| mark(c) == Some(Mark::Closer) && !is_wide(c);
    let last = before.trim_end_matches(closes).chars().next_back();
    match last.is_some_and(|last| last >= '\u{3000}' && is_wide(last)) {
        true => "",
        false => " ",
    }
}

pub(crate) fn is_stop(c: char) -> bool {
    mark(c) == Some(Mark::Stop)
}

/// Whether a text ends at the end of a sentence. Thai and Lao do not mark sentence ends, so any end counts.
pub(crate) fn ends_sentence(text: &str) -> bool {
    let closes = |c| mark(c) == Some(Mark::Closer) || matches!(c, '*' | '_');
    let unmarked = |c| matches!(Script::of(c), Some(Script::Thai | Script::Lao));
    let last = text.trim_end().trim_end_matches(closes).chars().next_back();
    last.is_some_and(|c| is_stop(c) || unmarked(c))
}

/// The text up to the end of its last complete sentence, or all of it if there is none.
pub(crate) fn complete(text: &str) -> &str {
    let text = text.trim_end();
    if ends_sentence(text) {
        return text;
    }
    let mut reversed = sentences(text).into_iter().rev();
    let last = reversed.find(|sentence| ends_sentence(sentence.of(text)));
    last.map_or(text, |last| text.split_at(last.end).0)
}

/// The sentences of `text`, trimmed. There is only whitespace between them.
#[must_use]
pub fn sentences(text: &str) -> Vec<Span> {
    let segmenter = SentenceSegmenter::new(SentenceBreakInvariantOptions::default());
    let mut found = Vec::new();
    let mut start = 0;
    for end in segmenter.segment_str(text).skip(1) {
        let (piece, rest) = text.split_at(end);
        if end == text.len() || !continues(piece.split_at(start).1, rest) {
            push(text, Span { start, end }, &mut found);
            start = end;
        }
    }
    found
}

/// Whether the sentence continues in `rest`, so that the candidate boundary after `piece` is rejected.
fn continues(piece: &str, rest: &str) -> bool {
    let (trimmed, blank) = piece.split_at(piece.trim_end().len());
    let is_wrapped = blank.matches('\n').count() == 1;
    if is_wrapped && !ends_sentence(trimmed) && !trimmed.ends_with(':') {
        return rest.starts_with(char::is_lowercase);
    }
    // The query of an address.
    let mut address = end_of(trimmed, ADDRESS_BYTES).rsplit(char::is_whitespace);
    let mut is_address = || address.next().is_some_and(|word| word.contains("://"));
    if blank.is_empty() && trimmed.ends_with('?') && is_address() {
        return true;
    }
    let Some(stopped) = trimmed.strip_suffix('.') else {
        // The Unicode rules take the Burmese comma for a full stop.
        let is_clause = trimmed.chars().next_back().and_then(mark) == Some(Mark::Clause);
        return is_clause && !blank.contains('\n');
    };
    let mut words = end_of(stopped, WORD_BYTES).rsplit([' ', '\n', '(', '[']);
    let last = words.next().unwrap_or_default();
    let rest = rest.split_at(rest.floor_char_boundary(WORD_BYTES)).0;
    let is_single = |part: &str| part.chars().count() == 1;
    let letter = |part: &str| is_single(part) && part.chars().all(char::is_alphabetic);
    // "z. B.", "i. d. R."
    let is_next_letter = words::runs(rest).next().is_some_and(letter);
    let is_lower = letter(last) && last.starts_with(char::is_lowercase) && is_next_letter;
    let initial = is_single(last) && last.starts_with(char::is_uppercase) && last != "I";
    let dotted = last.contains('.') && last.split('.').all(letter);
    let is_last = |known: &&str| last.eq_ignore_ascii_case(known);
    let before = words.next().unwrap_or_default();
    initial
        || is_lower
        || dotted
        || is_ordinal(before, last, rest)
        || ABBREVIATIONS.iter().any(is_last)
}

/// The last bytes of a text, `most` at most.
fn end_of(text: &str, most: usize) -> &str {
    text.split_at(text.ceil_char_boundary(text.len().saturating_sub(most)))
        .1
}

/// Whether a number with a full stop is an ordinal, as in German, Danish or Czech: "am 30. September", "der 2. Weltkrieg".
fn is_ordinal(before: &str, number: &str, rest: &str) -> bool {
    let is_day = number.len() <= 2 && number.bytes().all(|byte| byte.is_ascii_digit());
    let next = words::runs(rest).next().unwrap_or_default().to_lowercase();
    let before = before.to_lowercase();
    is_day && (MONTHS.contains(&next.as_str()) || BEFORE_ORDINALS.contains(&before.as_str()))
}

/// Adds a sentence, cutting it into pieces if it is too long.
fn push(text: &str, sentence: Span, found: &mut Vec<Span>) {
    let mut rest = sentence.of(text).trim_start();
    let mut start = sentence.end - rest.len();
    rest = rest.trim_end();
    while !rest.is_empty() {
        let end = |words| {
            let at = words::start_after(rest, words)?;
            Some(rest.split_at(at).0.trim_end().len())
        };
        let length = match (end(MIN_WORDS), end(MAX_WORDS)) {
            (Some(least), Some(most)) => cut(rest, least..most),
            _ => rest.len(),
        };
        found.push(Span::from(start..start + length));
        let after = rest.split_at(length).1.trim_start();
        start += rest.len() - after.len();
        rest = after;
    }
}

/// How good a place to cut is, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// Before a word that may begin a clause.
    Word(Clause),
    /// After a mark, a line, or a blank in a script that has blanks only between phrases.
    Pause,
}

/// The last of the best places in `within`, or a boundary between words before its end if a clause neither ends nor begins
/// there.
fn cut(text: &str, within: Range<usize>) -> usize {
    let mut best = None;
    let mut before = ' ';
    // Start of the blank before the character, and whether it has a newline.
    let mut blank: Option<(usize, bool)> = None;
    for (at, c) in text.char_indices() {
        if c.is_whitespace() {
            let (start, has_newline) = blank.unwrap_or((at, false));
            blank = Some((start, has_newline || c == '\n'));
            continue;
        }
        let (end, has_newline) = blank.unwrap_or((at, false));
        if end > within.end {
            break;
        }
        let is_unspaced = words::is_unspaced(before) && words::is_unspaced(c);
        let has_blank = blank.take().is_some();
        let is_separate = has_blank || is_wide(before);
        let after_mark = is_separate && mark(before) == Some(Mark::Clause);
        let place = if end < within.start {
            None
        } else if has_newline || after_mark || (has_blank && is_unspaced) {
            Some(Place::Pause)
        } else if is_separate || is_unspaced {
            words::starts_clause(text.split_at(at).1).map(Place::Word)
        } else {
            None
        };
        if place.is_some_and(|place| best.is_none_or(|(found, _)| place >= found)) {
            best = place.map(|place| (place, end));
        }
        before = c;
    }
    let best = best.map(|(_, at)| at);
    let confirmed = best.filter(|&at| words::is_confirmed(text, at));
    let end = || words::last_break(text, within.end);
    text.split_at(confirmed.unwrap_or_else(end))
        .0
        .trim_end()
        .len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        let found = sentences(text).into_iter();
        found.map(|sentence| sentence.of(text)).collect()
    }

    #[test]
    fn sentences_end_where_readers_end_them() {
        assert_eq!(
            split("One. Two!  Three? Four"),
            ["One.", "Two!", "Three?", "Four"]
        );
        assert_eq!(
            split("See https://example.org/watch?v=12a now. Is it so?So"),
            [
                "See https://example.org/watch?v=12a now.",
                "Is it so?",
                "So"
            ]
        );
        assert_eq!(
            split("Mr. Lee and Dr. J. Ng met. The U.S. Office paid 3.5 m."),
            ["Mr. Lee and Dr. J. Ng met.", "The U.S. Office paid 3.5 m."]
        );
        assert_eq!(
            split("It rose by 5.7. Then it fell."),
            ["It rose by 5.7.", "Then it fell."]
        );
        assert_eq!(
            split("Er endet am 30. September. Der 2. Termin ist am 3. Wir kommen, z. B. Ada."),
            [
                "Er endet am 30. September.",
                "Der 2. Termin ist am 3.",
                "Wir kommen, z. B. Ada."
            ]
        );
        for whole in [
            "Das Budget beträgt ca. 12.000 Euro, davon sind inkl. MwSt. 7.500 Euro ausgegeben.",
            "Die Lieferung kommt evtl. Mittwoch, spätestens aber am Freitag.",
            "Pagamos aprox. 38.400 euros a EE. UU. por el alquiler, p. ej. Madrid.",
        ] {
            assert_eq!(split(whole), [whole]);
        }
        assert_eq!(
            split("I am 30. We sold 12. That is a lot. It is on April 3. Then we met."),
            [
                "I am 30.",
                "We sold 12.",
                "That is a lot.",
                "It is on April 3.",
                "Then we met."
            ]
        );
        assert_eq!(split("我们开会。讨论预算！"), ["我们开会。", "讨论预算！"]);
        assert_eq!(split(""), [""; 0]);
        assert_eq!(split(" \n "), [""; 0]);
    }

    #[test]
    fn a_wrapped_line_continues_and_other_lines_end_their_sentence() {
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
    fn sentences_without_an_end_are_cut() {
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
        let phrases = "ประชุมครั้งนี้เริ่มแล้ว ".repeat(60);
        assert!(split(&phrases).iter().all(|piece| piece.ends_with("แล้ว")));
        let unspaced = "会议记录".repeat(100);
        assert_eq!(split(&unspaced).concat(), unspaced);
        assert_eq!(split(&unspaced).len(), 8);
    }

    #[test]
    fn a_sentence_without_punctuation_is_cut_where_a_clause_begins() {
        for (clause, begins) in [
            (
                "because the road by the old mill and the bridge was closed we all came in late ",
                "because",
            ),
            (
                "und sie kamen alle viel später an weil die Straße am alten Hafen gesperrt war ",
                "weil",
            ),
            (
                "они приехали\nпозже всех остальных по старой дороге через мост ",
                "позже",
            ),
            ("所以桥关闭以后车辆都走小路", "所以"),
            ("เพราะสะพานปิดทุกคนจึงมาสาย", "เพราะ"),
            ("それで橋が閉鎖されて遠回りをしました", "それで"),
        ] {
            let text = clause.repeat(12);
            let pieces = split(&text);
            assert!(pieces.len() > 1, "{clause}");
            assert_eq!(
                pieces.concat().replace([' ', '\n'], ""),
                text.replace([' ', '\n'], "")
            );
            for piece in pieces.iter().skip(1) {
                assert!(piece.starts_with(begins), "{piece}");
            }
        }
    }

    #[test]
    fn every_script_has_its_marks() {
        for (text, first) in [
            ("यह ठीक है। हम चलें।", "यह ठीक है।"),
            ("هل وصلت؟ نعم وصلت.", "هل وصلت؟"),
            ("វាល្អ។ យើងទៅ។", "វាល្អ។"),
            ("ကောင်းတယ်၊ သွားမယ်။ ပြန်မယ်။", "ကောင်းတယ်၊ သွားမယ်။"),
            ("ጥሩ ነው። እንሂድ።", "ጥሩ ነው።"),
            ("Լավ է։ Գնանք։", "Լավ է։"),
        ] {
            assert_eq!(split(text).first(), Some(&first));
            assert!(ends_sentence(first));
        }
        assert_eq!(mark('،'), Some(Mark::Clause));
    }

    #[test]
    fn the_end_of_a_sentence_is_recognized_in_every_script() {
        for text in [
            "Yes.",
            "Yes!”",
            "他同意。",
            "(So be it.)",
            "ใช่ครับ",
            "क्या यह ठीक है।",
        ] {
            assert!(ends_sentence(text), "{text}");
        }
        for text in ["and then", "the budget,", "他同意", ""] {
            assert!(!ends_sentence(text), "{text}");
        }
    }

    #[test]
    fn a_text_that_was_cut_off_is_complete_up_to_its_last_sentence() {
        assert_eq!(complete("One. Two and"), "One.");
        assert_eq!(complete("He said “yes.” And then"), "He said “yes.”");
        assert_eq!(complete("It cost 3.5 and"), "It cost 3.5 and");
        assert_eq!(complete("他同意。然后"), "他同意。");
        assert_eq!(complete("Done."), "Done.");
    }
}
