//! Rules out a whole table of words at once, by the first two letters of a text.

/// For each letter, the letters that follow it in a row of the tables, as bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Openings([u32; 26]);

impl Openings {
    /// The first two letters of all rows that start with letters, in any case.
    #[allow(clippy::indexing_slicing, reason = "only at compile time")]
    pub(super) const fn of(tables: &[&[&str]]) -> Self {
        let mut openings = Self([0; 26]);
        let mut table = 0;
        while table < tables.len() {
            let mut row = 0;
            while row < tables[table].len() {
                if let [first, second, ..] = tables[table][row].as_bytes() {
                    openings.add(*first, *second);
                }
                row += 1;
            }
            table += 1;
        }
        openings
    }

    /// The last two letters of all rows of a table that start with `*`, the last letter first.
    #[allow(clippy::indexing_slicing, reason = "only at compile time")]
    pub(super) const fn of_endings(table: &[&str]) -> Self {
        let mut endings = Self([0; 26]);
        let mut row = 0;
        while row < table.len() {
            if let [b'*', .., second, first] = table[row].as_bytes() {
                endings.add(*first, *second);
            }
            row += 1;
        }
        endings
    }

    #[allow(clippy::indexing_slicing, reason = "only at compile time")]
    const fn add(&mut self, first: u8, second: u8) {
        if first.is_ascii_alphabetic() {
            self.0[letter(first)] |= bit(second);
        }
    }

    /// Whether a row may start with these bytes.
    pub(super) fn has(&self, first: u8, second: u8) -> bool {
        first.is_ascii_alphabetic()
            && (self.0.get(letter(first))).is_some_and(|seconds| seconds & bit(second) != 0)
    }

    /// Whether a row may start like a text.
    pub(super) fn open(&self, text: &str) -> bool {
        matches!(text.as_bytes(), [first, second, ..] if self.has(*first, *second))
    }

    /// Whether a row may end like a text.
    pub(super) fn close(&self, text: &str) -> bool {
        matches!(text.as_bytes(), [.., second, last] if self.has(*last, *second))
    }
}

const fn letter(byte: u8) -> usize {
    (byte.to_ascii_lowercase() - b'a') as usize
}

/// The bit of a letter in any case. All other bytes share one.
const fn bit(byte: u8) -> u32 {
    if byte.is_ascii_alphabetic() {
        1 << letter(byte)
    } else {
        1 << 26
    }
}
