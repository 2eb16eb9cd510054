//! Builds a clean text from decoded characters: line separators become newlines, and other control characters are dropped.

use encoding_rs::{Encoding, UTF_8};

use crate::transcript::decode::source_map::{Position, STRIDE, SourceMap};
use crate::transcript::decode::{Decoded, Rejection, UNDECODABLE_PERCENT};

/// With more undecodable characters than this, a file may be rejected before its end is reached.
const EARLY_JUDGEMENT: u64 = 1024;

/// Maximum length of a line that is handed to the detection of the encoding.
const LINE_BYTES: usize = 64;

pub(crate) struct TextBuilder {
    text: String,
    map: SourceMap,
    /// Position of the next character in the source.
    source: Position,
    characters: u64,
    undecodable: u64,
    /// Whether the text ends in a `\r`, which is kept only if a `\n` follows.
    after_cr: bool,
    /// Inside of a sequence that a terminal obeys.
    sequence: Sequence,
    /// Source offset of the NULs that were read last. At the end of the file they are padding.
    padding: Option<u64>,
}

/// Where the text is in a sequence that a terminal obeys, as programs write that color their output.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sequence {
    None,
    /// After the escape character.
    Escape,
    /// `ESC [`, up to a letter.
    Control,
    /// `ESC ]`, up to a bell or another sequence, on the same line.
    Command,
}

impl Default for TextBuilder {
    fn default() -> Self {
        Self::new(UTF_8, 0)
    }
}

impl TextBuilder {
    pub(crate) fn new(encoding: &'static Encoding, source: u64) -> Self {
        Self {
            text: String::new(),
            map: SourceMap::new(encoding, source),
            source: Position::new(source),
            characters: 0,
            undecodable: 0,
            after_cr: false,
            sequence: Sequence::None,
            padding: None,
        }
    }

    /// Switches the source encoding. The text so far is ASCII, which is the same in both encodings.
    pub(crate) fn switch(&mut self, encoding: &'static Encoding) {
        self.map.encoding = encoding;
    }

    /// The width of the characters beyond ASCII in a legacy encoding, in bytes.
    pub(crate) fn wide(&self) -> u64 {
        self.source.wide
    }

    /// Sets the width of the characters beyond ASCII from here on.
    pub(crate) fn set_wide(&mut self, width: u64) {
        self.source.wide = width;
        self.map.mark(self.text.len(), self.source);
    }

    /// Source offset of the next character.
    pub(crate) fn source(&self) -> u64 {
        self.source.source
    }

    /// The length of the text so far.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// The last line, or the end of a long one.
    pub(crate) fn line(&self) -> &str {
        let start = self
            .text
            .ceil_char_boundary(self.text.len().saturating_sub(LINE_BYTES));
        let near = self.text.split_at(start).1;
        near.rsplit('\n').next().unwrap_or(near)
    }

    /// Takes bytes of the source that are no characters.
    pub(crate) fn skip(&mut self, width: u64) {
        self.source.source += width;
        self.map.mark(self.text.len(), self.source);
    }

    /// Takes the next characters.
    pub(crate) fn push(&mut self, piece: &str) -> Result<(), Rejection> {
        let mut rest = self.skip_sequence(piece);
        while let Some(at) = rest.find(needs_care) {
            let (plain, odd) = rest.split_at(at);
            self.push_plain(plain)?;
            let Some(c) = odd.chars().next() else { break };
            let (this, after) = odd.split_at(c.len_utf8());
            self.push_odd(c, self.map.after(self.source, this))?;
            rest = after;
            if c == '\u{1b}' {
                self.sequence = Sequence::Escape;
                rest = self.skip_sequence(rest);
            }
        }
        self.push_plain(rest)
    }

    /// Leaves out what belongs to a sequence that a terminal obeys. Returns the text after it.
    fn skip_sequence<'t>(&mut self, text: &'t str) -> &'t str {
        let mut rest = text;
        while self.sequence != Sequence::None
            && let Some(c) = rest.chars().next()
        {
            let (next, is_part) = match (self.sequence, c) {
                (Sequence::Escape, '[') => (Sequence::Control, true),
                (Sequence::Escape, ']') => (Sequence::Command, true),
                (Sequence::Escape, '\\') => (Sequence::None, true),
                (Sequence::Control, ' '..='?') => (Sequence::Control, true),
                (Sequence::Control, '@'..='~') | (Sequence::Command, '\u{7}') => {
                    (Sequence::None, true)
                }
                (Sequence::Command, c) if !matches!(c, '\u{1b}' | '\n' | '\r' | '\0') => {
                    (Sequence::Command, true)
                }
                _ => (Sequence::None, false),
            };
            self.sequence = next;
            if is_part {
                let (this, after) = rest.split_at(c.len_utf8());
                self.source = self.map.after(self.source, this);
                rest = after;
            }
        }
        if rest.len() < text.len() {
            self.map.mark(self.text.len(), self.source);
        }
        rest
    }

    fn push_plain(&mut self, plain: &str) -> Result<(), Rejection> {
        if plain.is_empty() {
            return Ok(());
        }
        self.refuse_nuls()?;
        self.settle_cr(plain.starts_with('\n'));
        self.characters += plain.chars().count() as u64;
        let mut rest = plain;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.floor_char_boundary(STRIDE));
            self.map.note(self.text.len(), self.source);
            self.text.push_str(piece);
            self.source = self.map.after(self.source, piece);
            rest = after;
        }
        Ok(())
    }

    /// Takes a character that needs care, and the position after it.
    fn push_odd(&mut self, c: char, after: Position) -> Result<(), Rejection> {
        if c == '\0' {
            self.padding.get_or_insert(self.source.source);
            self.source = after;
            return Ok(());
        }
        self.refuse_nuls()?;
        self.settle_cr(false);
        self.characters += 1;
        let stands_for = match c {
            '\r' => Some('\r'),
            // Form feeds, vertical tabs and Unicode line separators end a line.
            '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some('\n'),
            _ => None,
        };
        self.after_cr = c == '\r';
        self.text.extend(stands_for);
        self.source = after;
        if stands_for.is_none_or(|kept| kept.len_utf8() != c.len_utf8()) {
            self.map.mark(self.text.len(), self.source);
        }
        // C1 control characters: five bytes are undefined in windows-1252, and text in other encodings does not use them.
        if matches!(c, '\u{80}'..='\u{84}' | '\u{86}'..='\u{9f}') {
            self.undecodable += 1;
            return self.judge(EARLY_JUDGEMENT);
        }
        Ok(())
    }

    /// Rejects NULs that something follows.
    fn refuse_nuls(&self) -> Result<(), Rejection> {
        self.padding.map_or(Ok(()), |at| Err(Rejection::Nul { at }))
    }

    /// Turns a trailing `\r` into `\n` (old Mac line ending) unless a `\n` follows.
    fn settle_cr(&mut self, newline_follows: bool) {
        if std::mem::take(&mut self.after_cr) && !newline_follows {
            self.text.pop();
            self.text.push('\n');
        }
    }

    /// Adds a replacement character for `width` source bytes that could not be decoded.
    pub(crate) fn push_undecodable(&mut self, width: u64) -> Result<(), Rejection> {
        self.refuse_nuls()?;
        self.settle_cr(false);
        self.characters += 1;
        self.text.push(char::REPLACEMENT_CHARACTER);
        self.undecodable += 1;
        self.source.source += width;
        self.map.mark(self.text.len(), self.source);
        self.judge(EARLY_JUDGEMENT)
    }

    fn judge(&self, after: u64) -> Result<(), Rejection> {
        let is_too_much = self.undecodable * 100 > self.characters * UNDECODABLE_PERCENT;
        if self.undecodable > after && is_too_much {
            let percent = (self.undecodable * 100).div_ceil(self.characters.max(1));
            return Err(Rejection::Undecodable {
                percent: percent.min(100),
            });
        }
        Ok(())
    }

    pub(crate) fn finish(mut self, bytes: u64) -> Result<Decoded, Rejection> {
        self.settle_cr(false);
        // A download that stopped early may have cut one character off.
        self.judge(1)?;
        if self.text.trim().is_empty() {
            return Err(Rejection::Empty);
        }
        self.text.shrink_to_fit();
        Ok(Decoded {
            text: self.text,
            encoding: self.map.encoding.name(),
            bytes,
            source_map: self.map,
        })
    }
}

/// Whether a character is dropped, replaced or otherwise handled specially.
fn needs_care(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}
