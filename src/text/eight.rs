//! Looks at eight bytes of a text at once, with the arithmetic of one number.
//!
//! Reading a transcript is mostly a search for the few bytes that mean something: blanks, marks, brackets. A byte at a time
//! takes two to three times as long. All of it is a few instructions each, which have to be inlined even where the program is
//! optimized for size.

use crate::text::Span;

/// One in the lowest bit of each byte.
const ONES: u64 = 0x0101_0101_0101_0101;

/// The highest bit of each byte.
const TOPS: u64 = ONES << 7;

/// Eight bytes of a text, the first of them lowest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Eight(u64);

/// Some of eight bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bytes(u64);

impl Eight {
    /// The bytes from `at` on. Zeros follow the end of the text.
    #[inline(always)]
    pub(crate) fn at(bytes: &[u8], at: usize) -> Self {
        let rest = bytes.get(at..).unwrap_or_default();
        Self(match (rest.first_chunk(), bytes.last_chunk()) {
            (Some(eight), _) => u64::from_le_bytes(*eight),
            // The last eight bytes, without those before `at`.
            (None, Some(last)) => {
                let before = 8 * (8 - rest.len() as u32);
                u64::from_le_bytes(*last).checked_shr(before).unwrap_or(0)
            }
            (None, None) => {
                (rest.iter().rev()).fold(0, |eight, byte| eight << 8 | u64::from(*byte))
            }
        })
    }

    /// Whether there is one of the bytes that `find` finds.
    #[inline(always)]
    pub(crate) fn any(bytes: &[u8], mut find: impl FnMut(Self) -> Bytes) -> bool {
        let mut at = 0;
        while at < bytes.len() {
            if !find(Self::at(bytes, at)).is_empty() {
                return true;
            }
            at += 8;
        }
        false
    }

    #[inline(always)]
    pub(crate) fn is_ascii(self) -> bool {
        self.0 & TOPS == 0
    }

    /// The bytes that equal one, which is not zero.
    #[inline(always)]
    pub(crate) fn equal(self, byte: u8) -> Bytes {
        let different = self.0 ^ (ONES * u64::from(byte));
        // The addition sets the highest bit of each byte that has a lower one.
        Bytes(!(((different & !TOPS) + !TOPS) | different) & TOPS)
    }

    /// The bytes from `first` to `last`, both of ASCII.
    #[inline(always)]
    pub(crate) fn within(self, first: u8, last: u8) -> Bytes {
        // Neither difference borrows from the next byte.
        let low = self.0 & !TOPS;
        let from_first = (low | TOPS) - ONES * u64::from(first);
        let up_to_last = ((ONES * u64::from(last)) | TOPS) - low;
        Bytes(from_first & up_to_last & !self.0 & TOPS)
    }

    /// The blanks and line breaks of ASCII.
    #[inline(always)]
    pub(crate) fn blanks(self) -> Bytes {
        self.equal(b' ').or(self.within(b'\t', b'\r'))
    }

    /// The letters and digits of ASCII.
    #[inline(always)]
    pub(crate) fn letters(self) -> Bytes {
        let folded = Self(self.0 | ONES << 5);
        folded.within(b'a', b'z').or(self.within(b'0', b'9'))
    }

    /// The letters and digits of ASCII at the start in lower case, and their number.
    #[inline(always)]
    pub(crate) fn word(self) -> (u64, usize) {
        let others = self.letters().not();
        let before = match others.is_empty() {
            true => u64::MAX,
            // The bits before the first of the others, whose own is the highest one of its byte.
            false => ((others.0 & others.0.wrapping_neg()) - 1) >> 7,
        };
        ((self.0 | ONES << 5) & before, others.before_first())
    }
}

/// The lines of a text, without the line feeds at their ends.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Span> {
    let bytes = text.as_bytes();
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let start = next?;
        let mut end = start;
        // Most eights have no line feed. To ask before the place is sought lets the next one be loaded meanwhile.
        while end < bytes.len() {
            let found = Eight::at(bytes, end).equal(b'\n');
            if !found.is_empty() {
                end += found.before_first();
                break;
            }
            end += 8;
        }
        let end = end.min(bytes.len());
        next = (end < bytes.len()).then_some(end + 1);
        Some(Span { start, end })
    })
}

/// All bits of the first `count` bytes.
#[inline(always)]
fn lowest(count: usize) -> u64 {
    let above = 8_usize.saturating_sub(count) as u32;
    u64::MAX.checked_shr(8 * above).unwrap_or(0)
}

impl Bytes {
    #[inline(always)]
    pub(crate) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[inline(always)]
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    #[inline(always)]
    pub(crate) fn not(self) -> Self {
        Self(!self.0 & TOPS)
    }

    /// The bytes that follow these. `carry` tells whether the first one does, and then whether the next eight begin with one.
    #[inline(always)]
    pub(crate) fn following(self, carry: &mut bool) -> Self {
        let first = u64::from(std::mem::replace(carry, self.0 >> 63 == 1)) << 7;
        Self(self.0 << 8 | first)
    }

    /// Those among the first `count` bytes.
    #[inline(always)]
    pub(crate) fn first(self, count: usize) -> Self {
        Self(self.0 & lowest(count))
    }

    #[inline(always)]
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[inline(always)]
    pub(crate) fn count(self) -> usize {
        ((self.0 >> 7).wrapping_mul(ONES) >> 56) as usize
    }

    /// How many bytes stand before the first of these.
    #[inline(always)]
    pub(crate) fn before_first(self) -> usize {
        self.0.trailing_zeros() as usize / 8
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The bytes as one bool each.
    fn each(found: Bytes) -> Vec<bool> {
        (0..8).map(|at| found.0 >> (8 * at + 7) & 1 == 1).collect()
    }

    fn expected(bytes: &[u8], is: impl Fn(&u8) -> bool) -> Vec<bool> {
        bytes.iter().map(is).collect()
    }

    proptest! {
        #[test]
        fn eight_bytes_are_told_as_if_they_were_looked_at_one_by_one(bytes: [u8; 8], first in 0..128_u8, last in 0..128_u8, one: u8, carry: bool) {
            let eight = Eight::at(&bytes, 0);
            prop_assert_eq!(eight.is_ascii(), bytes.is_ascii());
            prop_assert_eq!(each(eight.within(first, last)), expected(&bytes, |byte| (first..=last).contains(byte)));
            for one in [one, first, bytes[0], bytes[5]] {
                prop_assert_eq!(each(eight.equal(one)), expected(&bytes, |byte| *byte == one));
            }
            prop_assert_eq!(each(eight.letters()), expected(&bytes, u8::is_ascii_alphanumeric));
            let blanks = expected(&bytes, |byte| matches!(byte, b'\t'..=b'\r' | b' '));
            prop_assert_eq!(each(eight.blanks()), blanks.clone());
            prop_assert_eq!(eight.blanks().count(), blanks.iter().filter(|is| **is).count());
            prop_assert_eq!(eight.blanks().before_first(), blanks.iter().position(|is| *is).unwrap_or(8));
            prop_assert_eq!(each(eight.blanks().not()), blanks.iter().map(|is| !is).collect::<Vec<_>>());
            let mut after = carry;
            let mut shifted = vec![carry];
            shifted.extend(&blanks[..7]);
            prop_assert_eq!(each(eight.blanks().following(&mut after)), shifted);
            prop_assert_eq!(after, blanks[7]);
            let count = usize::from(first % 12);
            prop_assert_eq!(eight.blanks().first(count).count(), blanks.iter().take(count).filter(|is| **is).count());
        }

        #[test]
        fn lines_end_at_line_feeds(text in "[a\n\r]{0,40}") {
            let found: Vec<&str> = lines(&text).map(|line| line.of(&text)).collect();
            prop_assert_eq!(found, text.split('\n').collect::<Vec<_>>());
        }

        #[test]
        fn letters_are_folded_and_zeros_follow_the_end(word in "[a-zA-Z0-9]{0,8}") {
            let (folded, count) = Eight::at(word.as_bytes(), 0).word();
            prop_assert_eq!(count, word.len());
            let folded = folded.to_le_bytes();
            prop_assert_eq!(folded[..count].to_vec(), word.to_ascii_lowercase().into_bytes());
            prop_assert!(folded[count..].iter().all(|byte| *byte == 0));
        }
    }
}
