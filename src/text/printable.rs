//! Shows texts from outside on a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

/// A line without characters that a terminal obeys instead of showing them. The names of files and what they hold may have
/// been chosen by anybody.
pub(crate) fn printable(line: &str) -> Cow<'_, str> {
    escaped(line, |c, shown| shown.extend(c.escape_default()))
}

/// The same for a line of JSON, which stays what it says.
pub(crate) fn printable_json(line: &str) -> Cow<'_, str> {
    escaped(line, |c, shown| {
        // None of them is beyond the first plane.
        let _ = write!(shown, "\\u{:04x}", u32::from(c));
    })
}

fn escaped(line: &str, escape: impl Fn(char, &mut String)) -> Cow<'_, str> {
    let is_obeyed = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !line.contains(is_obeyed) {
        return line.into();
    }
    let mut shown = String::with_capacity(line.len());
    for c in line.chars() {
        match is_obeyed(c) {
            true => escape(c, &mut shown),
            false => shown.push(c),
        }
    }
    shown.into()
}

/// Writes lines that are [`printable`].
#[derive(Debug)]
pub(crate) struct PrintableLines<W>(pub(crate) W);

impl<W: Write> Write for PrintableLines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        for line in text.split_inclusive('\n') {
            let (line, end) = match line.strip_suffix('\n') {
                Some(line) => (line, "\n"),
                None => (line, ""),
            };
            self.0.write_all(printable(line).as_bytes())?;
            self.0.write_all(end.as_bytes())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_commands_the_terminal() {
        for (text, shown) in [
            ("an ordinary näme.txt", "an ordinary näme.txt"),
            ("\u{1b}[31mred\u{1b}[0m.txt", "\\u{1b}[31mred\\u{1b}[0m.txt"),
            ("two\nlines\r.txt", "two\\nlines\\r.txt"),
            ("nul \0 and csi \u{9b}2J", "nul \\u{0} and csi \\u{9b}2J"),
            ("cod.\u{202e}txt", "cod.\\u{202e}txt"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }

    #[test]
    fn json_says_the_same_and_commands_nothing() {
        let said = "csi \u{9b}2J, cod.\u{202e}txt, \u{1b}[0m";
        let json = serde_json::to_string(said).unwrap();
        let shown = printable_json(&json);
        assert_eq!(printable(&shown), shown);
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), said);
    }

    #[test]
    fn lines_stay_apart() {
        let mut written = PrintableLines(Vec::new());
        written.write_all(b"one \x1b]0;own\x07\ntwo\n").unwrap();
        let shown = String::from_utf8(written.0).unwrap();
        assert_eq!(shown, "one \\u{1b}]0;own\\u{7}\ntwo\n");
    }
}
