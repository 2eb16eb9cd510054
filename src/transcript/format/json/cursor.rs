//! A cursor over JSON text, which reads values where they stand and skips the others without building them.
//!
//! It is lenient where that harms nobody: `NaN`, missing or trailing commas and raw newlines in strings are accepted, as
//! exporters write them. Brackets and quotes must match.

use crate::text::Span;

/// Maximum depth of brackets.
const MAX_DEPTH: u32 = 128;

/// Why JSON cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    /// The text ends inside a value, as after a broken download.
    #[error("the JSON ends early, at byte {0}: the file is incomplete")]
    Early(usize),
    #[error("the JSON is not valid at byte {0}")]
    Invalid(usize),
    #[error("the JSON has more than {MAX_DEPTH} nested brackets at byte {0}")]
    Deep(usize),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'t> {
    pub(crate) text: &'t str,
    pub(crate) at: usize,
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(text: &'t str, at: usize) -> Self {
        Self { text, at }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not blank.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.byte() {
            if !byte.is_ascii_whitespace() {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    pub(crate) fn take(&mut self, expected: u8) -> bool {
        let is_next = self.peek() == Some(expected);
        self.at += usize::from(is_next);
        is_next
    }

    fn broken(&self) -> Broken {
        if self.at >= self.text.len() {
            Broken::Early(self.text.len())
        } else {
            Broken::Invalid(self.at)
        }
    }

    /// Reads a string and returns what is between its quotes.
    pub(crate) fn string(&mut self) -> Result<Span, Broken> {
        if !self.take(b'"') {
            return Err(self.broken());
        }
        let start = self.at;
        let bytes = self.text.as_bytes();
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            let Some(next) = rest.iter().position(|&byte| matches!(byte, b'"' | b'\\')) else {
                return Err(Broken::Early(self.text.len()));
            };
            self.at += next;
            if self.byte() == Some(b'"') {
                self.at += 1;
                return Ok(Span::from(start..self.at - 1));
            }
            self.at += 2;
        }
    }

    /// Skips a value and returns its bytes. Does not recurse: brackets are a stack of bits.
    pub(crate) fn skip(&mut self) -> Result<Span, Broken> {
        self.peek();
        let start = self.at;
        let (mut depth, mut objects) = (0, 0_u128);
        loop {
            match self.byte() {
                Some(b'"') => {
                    self.string()?;
                }
                Some(open @ (b'{' | b'[')) => {
                    if depth == MAX_DEPTH {
                        return Err(Broken::Deep(self.at));
                    }
                    depth += 1;
                    objects = objects << 1 | u128::from(open == b'{');
                    self.at += 1;
                }
                Some(close @ (b'}' | b']')) if depth > 0 => {
                    if (objects & 1 == 1) != (close == b'}') {
                        return Err(Broken::Invalid(self.at));
                    }
                    depth -= 1;
                    objects >>= 1;
                    self.at += 1;
                }
                Some(b',' | b':') if depth > 0 => self.at += 1,
                Some(byte) if byte.is_ascii_whitespace() => self.at += 1,
                Some(byte) if is_literal(byte) => self.literal(),
                _ => return Err(self.broken()),
            }
            if depth == 0 {
                return Ok(Span::from(start..self.at));
            }
        }
    }

    /// Reads a value to its end like [`skip`](Self::skip), and checks that its objects have keys.
    pub(crate) fn check(&mut self) -> Result<Span, Broken> {
        let value = Self::clone(self).skip()?;
        match self.peek() {
            Some(b'{') => self.members(|_, cursor| cursor.check_below())?,
            Some(b'[') => self.elements(Self::check_below)?,
            _ => {}
        }
        self.at = value.end;
        Ok(value)
    }

    /// Checks a value whose depth is known to be bounded.
    fn check_below(&mut self) -> Result<(), Broken> {
        match self.peek() {
            Some(b'{') => self.members(|_, cursor| cursor.check_below()),
            Some(b'[') => self.elements(Self::check_below),
            _ => self.skip().map(drop),
        }
    }

    /// Skips a number, `true`, `null` or `NaN`.
    fn literal(&mut self) {
        while self.byte().is_some_and(is_literal) {
            self.at += 1;
        }
    }

    /// Reads an object. `member` gets each key and must read or skip its value.
    pub(crate) fn members<E: From<Broken>>(
        &mut self,
        mut member: impl FnMut(&'t str, &mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.take(b'{') {
            return Err(self.broken().into());
        }
        while !self.take(b'}') {
            let key = self.string()?.of(self.text);
            if !self.take(b':') {
                return Err(self.broken().into());
            }
            member(key, self)?;
            self.take(b',');
        }
        Ok(())
    }

    /// Reads an array, a list whose elements have numbers, or objects and arrays one after the other up to the end of the text (JSON Lines). `element` must read
    /// or skip each value.
    pub(crate) fn elements<E: From<Broken>>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let is_map = self.opens_map();
        let is_array = self.take(if is_map { b'{' } else { b'[' });
        loop {
            let is_end = if is_map {
                self.take(b'}')
            } else if is_array {
                self.take(b']')
            } else {
                self.peek().is_none()
            };
            if is_end {
                return Ok(());
            }
            if !is_array && !matches!(self.peek(), Some(b'{' | b'[')) {
                return Err(self.broken().into());
            }
            if is_map {
                self.key()?;
            }
            element(self)?;
            self.take(b',');
        }
    }

    /// Whether an object that begins here is a list whose elements have numbers: `{"0": {…`, as PHP writes arrays.
    pub(crate) fn opens_map(&self) -> bool {
        let mut cursor = *self;
        let is_number = |key: Span| {
            key.len() > 0 && key.of(self.text).bytes().all(|byte| byte.is_ascii_digit())
        };
        cursor.take(b'{')
            && cursor.string().is_ok_and(is_number)
            && cursor.take(b':')
            && cursor.peek() == Some(b'{')
    }

    /// Skips the key of a member.
    pub(crate) fn key(&mut self) -> Result<(), Broken> {
        self.string()?;
        self.take(b':');
        Ok(())
    }
}

/// Whether the byte may occur in a number or a bare word.
fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}
