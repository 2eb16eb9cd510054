//! Unicode scripts and the characters that belong to them.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Script {
    Latin,
    Greek,
    Cyrillic,
    Hebrew,
    Arabic,
    Devanagari,
    Thai,
    Lao,
    Burmese,
    Khmer,
    Hangul,
    Kana,
    /// Ideographs and Bopomofo letters.
    Han,
}

impl Script {
    /// The script of a letter. Basic Latin letters are recognized only in lower case, and punctuation has no script.
    pub(crate) fn of(c: char) -> Option<Self> {
        Some(match u32::from(c) {
            0x61..=0x7a | 0xc0..=0x24f => Self::Latin,
            0x370..=0x3ff => Self::Greek,
            0x400..=0x52f => Self::Cyrillic,
            0x590..=0x5ff => Self::Hebrew,
            0x600..=0x6ff => Self::Arabic,
            0x900..=0x97f => Self::Devanagari,
            0xe00..=0xe7f => Self::Thai,
            0xe80..=0xeff => Self::Lao,
            0x1000..=0x109f => Self::Burmese,
            0x1780..=0x17ff => Self::Khmer,
            0x1100..=0x11ff | 0xac00..=0xd7af => Self::Hangul,
            0x3041..=0x3096 | 0x30a1..=0x30fa | 0x30fc..=0x30ff | 0x31f0..=0x31ff => Self::Kana,
            0x3005..=0x3007 | 0x3105..=0x312f | 0x3400..=0x4dbf | 0x4e00..=0x9fff => Self::Han,
            0xf900..=0xfaff | 0x20000..=0x3ffff => Self::Han,
            _ => return None,
        })
    }

    /// Whether this is Han or kana, which have no spaces between words. Each character counts as a word.
    pub(crate) fn is_ideographic(self) -> bool {
        matches!(self, Self::Han | Self::Kana)
    }

    /// Whether this is an alphabet without spaces between words, where only a dictionary could separate them.
    pub(crate) fn is_unspaced(self) -> bool {
        matches!(self, Self::Thai | Self::Lao | Self::Burmese | Self::Khmer)
    }
}

pub(crate) fn is_ideograph(c: char) -> bool {
    c >= '\u{3005}' && Script::of(c).is_some_and(Script::is_ideographic)
}
