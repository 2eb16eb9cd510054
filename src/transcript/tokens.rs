//! How many tokens a text costs, estimated without any vocabulary.
//!
//! The served model's tokenizer is not known at build time, so text is priced by runs of character classes (formula and
//! measurements: ALGORITHM.md, "Tokens"). With its margin the estimate is an upper bound for the tokenizers it was held
//! against; what remains is learned from the `usage` that endpoints report.

/// Costs are counted in sixths of a token, so that they stay exact integers and can be summed in any order.
const UNIT: u64 = 6;

/// Estimates are raised by a tenth: what makes them an upper bound.
const MARGIN_PERCENT: u64 = 110;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Class {
    Letter,
    Digit,
    Newline,
    Blank,
    Symbol,
    NonAscii,
}

#[expect(clippy::indexing_slicing, reason = "computed at build time")]
const CLASSES: [Class; 256] = {
    let mut classes = [Class::Symbol; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'\'' => Class::Letter,
            b'0'..=b'9' => Class::Digit,
            b'\n' | b'\r' => Class::Newline,
            b' ' | b'\t' => Class::Blank,
            0x80..=0xff => Class::NonAscii,
            _ => Class::Symbol,
        };
        byte += 1;
    }
    classes
};

/// A price in sixths of a token, without the margin: exact, so that prices of parts can be summed and compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost(u64);

impl Cost {
    /// The largest cost whose estimate is at most `tokens`.
    #[must_use]
    pub fn of_tokens(tokens: usize) -> Self {
        Self((tokens as u64).saturating_mul(UNIT * 100) / MARGIN_PERCENT)
    }

    /// Tokens, margin included, rounded up.
    #[must_use]
    pub fn tokens(self) -> usize {
        usize::try_from((self.0 * MARGIN_PERCENT).div_ceil(UNIT * 100)).unwrap_or(usize::MAX)
    }

    /// This many hundredths of the cost.
    #[must_use]
    pub fn percent(self, percent: u64) -> Self {
        Self(self.0.saturating_mul(percent) / 100)
    }

    /// The cost divided into `parts`, rounded up.
    #[must_use]
    pub fn share(self, parts: usize) -> Self {
        Self(self.0.div_ceil(parts.max(1) as u64))
    }

    /// `parts` times the cost.
    #[must_use]
    pub fn times(self, parts: usize) -> Self {
        Self(self.0.saturating_mul(parts as u64))
    }

    /// How often `part` fits in, rounded up.
    #[must_use]
    pub fn div_ceil(self, part: Self) -> usize {
        usize::try_from(self.0.div_ceil(part.0.max(1))).unwrap_or(usize::MAX)
    }
}

impl std::ops::Add for Cost {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::ops::Sub for Cost {
    type Output = Self;
    /// Never below nothing.
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// The cost of `text`.
#[must_use]
pub fn cost(text: &str) -> Cost {
    walk(text.as_bytes(), Cost(u64::MAX)).1
}

/// Estimated tokens of `text`, margin included.
#[must_use]
pub fn estimate(text: &str) -> usize {
    cost(text).tokens()
}

/// Length of the shortest prefix that costs at least `limit` (the whole, if that costs less), and its cost.
///
/// The prefix may end inside a character.
#[must_use]
pub(super) fn walk(bytes: &[u8], limit: Cost) -> (usize, Cost) {
    let mut closed = 0;
    let mut at = 0;
    while let Some(&first) = bytes.get(at) {
        if closed >= limit.0 {
            break;
        }
        let class = class_of(first);
        // Blanks cost the same at any length; of all else a byte costs at least a sixth, so a longer look is never needed.
        let reach = match class {
            Class::Newline | Class::Blank => usize::MAX,
            _ => usize::try_from(limit.0 - closed).unwrap_or(usize::MAX),
        };
        let rest = bytes.get(at..).unwrap_or_default();
        let run = rest
            .iter()
            .take(reach)
            .take_while(|&&byte| class_of(byte) == class)
            .count()
            .max(1);
        let cost = run_cost(class, run as u64);
        if closed + cost < limit.0 {
            closed += cost;
            at += run;
        } else {
            let enough = shortest(run, |length| {
                closed + run_cost(class, length as u64) >= limit.0
            });
            closed += run_cost(class, enough as u64);
            at += enough;
        }
    }
    (at, Cost(closed))
}

/// What cutting `text` at `at` adds to the cost of its two parts, at most: a run that is cut in two is priced twice.
pub(super) fn seam(text: &str, at: usize) -> Cost {
    let class = |at: Option<usize>| {
        at.and_then(|at| text.as_bytes().get(at))
            .map(|&byte| class_of(byte))
    };
    let (before, after) = (class(at.checked_sub(1)), class(Some(at)));
    Cost(if before == after { UNIT } else { 0 })
}

/// The smallest of 1..=`most` for which `holds`, which holds for all above it too.
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

#[inline]
fn class_of(byte: u8) -> Class {
    #[expect(
        clippy::indexing_slicing,
        reason = "a table of 256 entries is indexed by a byte"
    )]
    CLASSES[usize::from(byte)]
}

/// The cost of one run in sixths of a token.
#[inline]
fn run_cost(class: Class, bytes: u64) -> u64 {
    if bytes == 0 {
        return 0;
    }
    match class {
        Class::Letter => UNIT + (bytes - 1),
        Class::Digit => UNIT * bytes.div_ceil(3),
        Class::Newline => UNIT,
        Class::Blank => UNIT * u64::from(bytes > 1),
        Class::Symbol => UNIT * bytes,
        Class::NonAscii => UNIT * (bytes * 10).div_ceil(27),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_its_price() {
        for (text, sixths) in [
            ("", 0),
            ("a", 6),
            ("seventh", 12),
            ("don't", 10),
            ("1234", 12),
            ("\n\r\n\n", 6),
            (" ", 0),
            ("  \t", 6),
            ("?!", 12),
            ("日本語", 24),
            ("one 2", 8 + 6),
        ] {
            assert_eq!(cost(text), Cost(sixths), "{text:?}");
        }
    }

    #[test]
    fn margin_is_a_tenth_rounded_up() {
        assert_eq!(estimate("a"), 2);
        assert_eq!(estimate(&"a b ".repeat(50)), 110);
    }

    #[test]
    fn a_walk_stops_at_the_first_byte_that_costs_enough() {
        let text = "Budget: 1,250,000 — approved…\n\n日本語 and more   text.";
        for limit in 0..=cost(text).0 {
            let (length, reached) = walk(text.as_bytes(), Cost(limit));
            assert_eq!(
                walk(&text.as_bytes()[..length], Cost(u64::MAX)).1,
                reached,
                "prefix of {length}"
            );
            assert!(reached.0 >= limit);
            if let Some(shorter) = length.checked_sub(1) {
                assert!(
                    walk(&text.as_bytes()[..shorter], Cost(u64::MAX)).1.0 < limit,
                    "{length} is not the shortest for {limit}"
                );
            }
        }
    }

    #[test]
    fn tokens_and_costs_agree() {
        for tokens in [0, 1, 2, 10, 999, 6000] {
            let cost = Cost::of_tokens(tokens);
            assert!(
                cost.tokens() <= tokens && Cost(cost.0 + 1).tokens() > tokens,
                "{tokens}"
            );
        }
    }
}
