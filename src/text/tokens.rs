//! Estimates the number of tokens of a text without a tokenizer vocabulary.
//!
//! The served model's tokenizer is not known at build time, so a text is split into runs of characters of one class, and
//! each run has a cost in tokens:
//!
//! - English letters and apostrophes: 1, plus 1 for every 8 further bytes
//! - letters in other languages: 1, plus 0.23 for every further byte
//! - digits and ASCII punctuation: 1 each
//! - newlines: 1 per run
//! - blanks: 0 for a single blank, 1 for a longer run
//! - Greek and Hebrew: 1 for every 1.9 bytes
//! - other non-ASCII characters: 1 for every 2.7 bytes
//!
//! The estimate is the sum plus 10 %.
//!
//! The estimate is an upper bound for the vocabularies of eight model families (tests/it/token_estimate.rs). English has
//! its own rate because every vocabulary knows its words. Digits cost one token each because some vocabularies have no
//! multi-digit tokens. The remaining error is corrected with the `usage` that endpoints report.

use std::ops::{Add, Sub};

use crate::text::language;

/// A number of tokens: an estimate, or a limit that is compared with estimates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tokens(pub usize);

impl Add for Tokens {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Tokens {
    type Output = Self;
    /// Saturates at zero.
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// The rate at which letters are priced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rate {
    /// English, whose words are in every vocabulary.
    English,
    /// Other languages in Latin script, names and code, whose words are split into several tokens.
    Other,
}

impl Rate {
    /// The rate for the language of `text`.
    pub(crate) fn of(text: &str) -> Self {
        if language::is_english(text) {
            Self::English
        } else {
            Self::Other
        }
    }
}

/// Cost units per token. Integers are exact and can be summed in any order.
const UNIT: u64 = 100;

/// Estimates are raised by 10 %, which makes them an upper bound.
const MARGIN_PERCENT: u64 = 110;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Class {
    Letter,
    Newline,
    Blank,
    /// Digits and punctuation, which cost one token each.
    Single,
    NonAscii,
    /// Greek and Hebrew: some vocabularies have little more than their single letters.
    Dense,
}

#[expect(clippy::indexing_slicing, reason = "computed at build time")]
const CLASSES: [Class; 256] = {
    let mut classes = [Class::Single; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'\'' => Class::Letter,
            b'\n' | b'\r' => Class::Newline,
            b' ' | b'\t' => Class::Blank,
            0xce | 0xcf | 0xd6 | 0xd7 => Class::Dense,
            0x80..=0xff => Class::NonAscii,
            _ => Class::Single,
        };
        byte += 1;
    }
    classes
};

/// A cost in hundredths of a token, without the margin, so that the costs of parts add up exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cost(u64);

impl Cost {
    /// The largest cost whose estimate is at most `tokens`.
    pub(crate) fn of_tokens(tokens: Tokens) -> Self {
        Self((tokens.0 as u64).saturating_mul(UNIT * 100) / MARGIN_PERCENT)
    }

    /// The estimate in tokens, including the margin, rounded up.
    pub(crate) fn tokens(self) -> Tokens {
        let tokens = (self.0 * MARGIN_PERCENT).div_ceil(UNIT * 100);
        Tokens(usize::try_from(tokens).unwrap_or(usize::MAX))
    }

    /// `percent` percent of the cost, rounded down.
    pub(crate) fn percent(self, percent: u64) -> Self {
        Self(self.0.saturating_mul(percent) / 100)
    }

    /// The cost divided into `parts`, rounded up.
    pub(crate) fn share(self, parts: usize) -> Self {
        Self(self.0.div_ceil(parts.max(1) as u64))
    }

    /// `parts` times the cost.
    pub(crate) fn times(self, parts: usize) -> Self {
        Self(self.0.saturating_mul(parts as u64))
    }

    /// The cost divided by `part`, rounded up.
    pub(crate) fn div_ceil(self, part: Self) -> usize {
        usize::try_from(self.0.div_ceil(part.0.max(1))).unwrap_or(usize::MAX)
    }
}

impl Add for Cost {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Cost {
    type Output = Self;
    /// Saturates at zero.
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// The cost of `text` at a given rate. Costs of parts are comparable only at the same rate, usually that of the whole text.
pub(crate) fn cost_at(text: &str, rate: Rate) -> Cost {
    runs(text.as_bytes(), usize::MAX, rate).1
}

/// The estimated tokens of `text`, including the margin.
#[must_use]
pub fn estimate(text: &str) -> Tokens {
    cost_at(text, Rate::of(text)).tokens()
}

/// Length in bytes and cost of the leading runs that together have at least `least` bytes, or of all runs.
pub(crate) fn runs(bytes: &[u8], least: usize, rate: Rate) -> (usize, Cost) {
    let (mut at, mut cost) = (0, 0);
    while at < least
        && let Some(&first) = bytes.get(at)
    {
        let class = class_of(first);
        let run = run_length(class, bytes.split_at(at).1);
        cost += run_cost(class, run as u64, rate);
        at += run;
    }
    (at, Cost(cost))
}

/// Length in bytes and cost of the shortest prefix that costs at least `limit`, or of everything if that costs less.
///
/// The prefix may end inside a character.
pub(crate) fn walk(bytes: &[u8], limit: Cost, rate: Rate) -> (usize, Cost) {
    let mut closed = 0;
    let mut at = 0;
    while let Some(&first) = bytes.get(at) {
        if closed >= limit.0 {
            break;
        }
        let class = class_of(first);
        // A newline or blank run costs at most one token at any length, so it is read whole. In all other runs each byte
        // costs at least a hundredth of a token, so there is no need to look further than the remaining hundredths.
        let reach = match class {
            Class::Newline | Class::Blank => usize::MAX,
            _ => usize::try_from(limit.0 - closed).unwrap_or(usize::MAX),
        };
        let rest = bytes.split_at(at).1;
        let run = run_length(class, rest.get(..reach).unwrap_or(rest)).max(1);
        let closed_after = |length: usize| closed + run_cost(class, length as u64, rate);
        let length = if closed_after(run) < limit.0 {
            run
        } else {
            shortest(run, |length| closed_after(length) >= limit.0)
        };
        closed = closed_after(length);
        at += length;
    }
    (at, Cost(closed))
}

/// Upper bound for the cost that cutting `text` at byte `at` adds: a run that is cut in two is charged twice.
pub(crate) fn seam(text: &str, at: usize) -> Cost {
    let around = at
        .checked_sub(1)
        .and_then(|before| text.as_bytes().get(before..=at));
    match around {
        Some(&[before, after]) if class_of(before) == class_of(after) => Cost(UNIT),
        _ => Cost::default(),
    }
}

/// The smallest number in 1..=`most` for which `holds` is true, by binary search. `holds` must stay true above it.
fn shortest(most: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (1, most);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle
        } else {
            low = middle + 1
        }
    }
    low
}

/// Whether a byte is an ASCII letter or an apostrophe.
pub(crate) fn is_letter(byte: u8) -> bool {
    class_of(byte) == Class::Letter
}

#[inline]
fn class_of(byte: u8) -> Class {
    #[expect(
        clippy::indexing_slicing,
        reason = "a table of 256 entries is indexed by a byte"
    )]
    CLASSES[usize::from(byte)]
}

/// Whether a run of `class` continues with this byte. Continuation bytes belong to the run of their character.
#[inline]
fn continues(class: Class, byte: u8) -> bool {
    class_of(byte) == class || (class == Class::Dense && matches!(byte, 0x80..=0xbf))
}

/// Length in bytes of the run of `class` at the start.
#[inline]
fn run_length(class: Class, bytes: &[u8]) -> usize {
    let mut length = 0;
    if class == Class::Letter {
        // Most of a transcript is words, so letters are scanned eight bytes at a time without a branch per letter.
        let (eights, _) = bytes.as_chunks::<8>();
        for eight in eights {
            let letters = leading_letters(u64::from_le_bytes(*eight));
            length += letters;
            if letters < 8 {
                return length;
            }
        }
    }
    let rest = bytes.split_at(length).1.iter();
    length + rest.take_while(|&&byte| continues(class, byte)).count()
}

/// The number of [`Class::Letter`] bytes before the first other byte, starting from the lowest of eight bytes.
#[inline]
fn leading_letters(eight: u64) -> usize {
    const fn all(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    // The results are in the highest bit of each byte. Adding two 7-bit numbers never carries into the next byte.
    let lower = (eight | all(0x20)) & all(0x7f);
    let from_a = lower + all(0x80 - b'a');
    let past_z = lower + all(0x7f - b'z');
    let letter = from_a & !past_z;
    let other_than_apostrophe = ((eight ^ all(b'\'')) & all(0x7f)) + all(0x7f);
    let is_letter = (letter | !other_than_apostrophe) & !eight & all(0x80);
    ((is_letter ^ all(0x80)).trailing_zeros() / 8) as usize
}

/// The cost of one run in hundredths of a token.
#[inline]
fn run_cost(class: Class, bytes: u64, rate: Rate) -> u64 {
    if bytes == 0 {
        return 0;
    }
    match (class, rate) {
        (Class::Letter, Rate::English) => UNIT * (1 + (bytes - 1) / 8),
        (Class::Letter, Rate::Other) => UNIT + 23 * (bytes - 1),
        (Class::Single, _) => UNIT * bytes,
        (Class::Newline, _) => UNIT,
        (Class::Blank, _) => UNIT * u64::from(bytes > 1),
        (Class::NonAscii, _) => UNIT * (bytes * 10).div_ceil(27),
        (Class::Dense, _) => UNIT * (bytes * 10).div_ceil(19),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_its_price() {
        for (text, english, other) in [
            ("", 0, 0),
            ("a", 100, 100),
            ("committee", 200, 284),
            ("don't", 100, 192),
            ("1234", 400, 400),
            ("\n\r\n\n", 100, 100),
            (" ", 0, 0),
            ("  \t", 100, 100),
            ("?!", 200, 200),
            ("日本語", 400, 400),
            ("αβγδ", 500, 500),
            ("one 2", 200, 246),
        ] {
            assert_eq!(cost_at(text, Rate::English), Cost(english), "{text:?}");
            assert_eq!(cost_at(text, Rate::Other), Cost(other), "{text:?}");
        }
    }

    #[test]
    fn the_margin_is_a_tenth_rounded_up() {
        assert_eq!(estimate("a"), Tokens(2));
        assert_eq!(estimate(&"a b ".repeat(50)), Tokens(110));
    }

    #[test]
    fn letters_are_recognized_eight_at_a_time() {
        for byte in 0..=u8::MAX {
            let eight = [b'a', b'Z', byte, b'\'', b'z', b'A', byte, b' '];
            let expected = if class_of(byte) == Class::Letter {
                7
            } else {
                2
            };
            assert_eq!(
                leading_letters(u64::from_le_bytes(eight)),
                expected,
                "{byte:#x}"
            );
        }
        assert_eq!(leading_letters(u64::from_le_bytes([b'e'; 8])), 8);
    }

    #[test]
    fn a_walk_stops_at_the_first_byte_that_reaches_the_limit() {
        let text = "Budget: 1,250,000 — approved…\n\n日本語 and more   text.";
        for rate in [Rate::English, Rate::Other] {
            for limit in (0..=cost_at(text, rate).0).step_by(7) {
                let (length, reached) = walk(text.as_bytes(), Cost(limit), rate);
                let whole =
                    |length: usize| walk(&text.as_bytes()[..length], Cost(u64::MAX), rate).1;
                assert_eq!(whole(length), reached, "prefix of {length}");
                assert!(reached.0 >= limit);
                if let Some(shorter) = length.checked_sub(1) {
                    assert!(
                        whole(shorter).0 < limit,
                        "{length} is not the shortest for {limit}"
                    );
                }
            }
        }
    }

    #[test]
    fn tokens_and_costs_agree() {
        for tokens in [0, 1, 2, 10, 999, 6000].map(Tokens) {
            let cost = Cost::of_tokens(tokens);
            assert!(
                cost.tokens() <= tokens && Cost(cost.0 + 1).tokens() > tokens,
                "{tokens:?}"
            );
        }
    }
}
