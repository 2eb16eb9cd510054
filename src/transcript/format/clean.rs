//! Finds what is not spoken in the text of a turn: tags, entities, sound tags, Markdown, invisible characters and tokens that
//! are no words.
//!
//! The text is scanned once for the few bytes with which such a part can start. Whatever has to be found after them – the end
//! of a tag, the second half of an emphasis – is searched for up to the next character that rules it out, so the time is
//! linear on any input.

use std::borrow::Cow;
use std::ops::Range;

mod entity;
mod sound;

pub(crate) use entity::entity;
use sound::{is_applause, is_sound};

/// A longer token is no word unless its parts are: base64, hashes, addresses, endless `xxxx`.
const MAX_TOKEN_CHARS: usize = 100;

/// A longer run of letters and digits is no word.
const MAX_WORD_CHARS: usize = 30;

/// Longest tag, and longest sound tag between asterisks.
const MAX_TAG_BYTES: usize = 80;

/// Longest name in a tag of WebVTT, and most words in the value of an attribute. A longer one is what somebody said.
pub(crate) const MAX_NAME_BYTES: usize = 300;
const MAX_VALUE_WORDS: usize = 8;

/// Attributes without a value that a tag may have, such as `hidden`.
const MAX_BARE: usize = 1;

/// What stands around characters of XML that are no markup.
const CDATA: &str = "<![CDATA[";
const CDATA_END: &str = "]]>";

/// Longest sound tag between brackets: parliaments tell who applauds.
const MAX_SOUND_BYTES: usize = 160;

/// Longest text of a Markdown link.
const MAX_LINK_BYTES: usize = 300;

/// Runs of another length that may lie between the two halves of an emphasis.
const MAX_OTHER_RUNS: usize = 4;

/// Maximum depth of emphasis and links inside each other.
const MAX_DEPTH: usize = 16;

/// Tags within a line, in HTML, WebVTT and SubRip.
const INLINE: [&str; 34] = [
    "a", "abbr", "b", "bdi", "bdo", "big", "c", "center", "cite", "code", "del", "em", "font", "i",
    "ins", "kbd", "lang", "mark", "q", "rp", "rt", "ruby", "s", "small", "span", "strike",
    "strong", "sub", "sup", "tt", "u", "v", "var", "wbr",
];

/// Tags that separate words.
const BLOCK: [&str; 41] = [
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "dd",
    "div",
    "dl",
    "dt",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "img",
    "li",
    "main",
    "meta",
    "nav",
    "ol",
    "p",
    "pre",
    "script",
    "section",
    "style",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
    // SAMI, and what recognizers write for a word that they do not know.
    "sami",
    "sync",
    "unk",
];

/// Calls `edit(range, replacement)` for each part of `raw` that is not spoken or is written in markup, in order. The ranges
/// are not empty and do not overlap.
pub(crate) fn clean(raw: &str, edit: &mut dyn FnMut(Range<usize>, &str)) {
    let cleaner = Cleaner {
        raw,
        edit,
        done: 0,
        after_blank: true,
        closers: Vec::new(),
        is_in_cdata: false,
    };
    cleaner.run();
}

/// `raw` without what is not spoken.
pub(crate) fn cleaned(raw: &str) -> Cow<'_, str> {
    let mut text = String::new();
    let mut done = 0;
    clean(raw, &mut |range, replacement| {
        text.push_str(raw.get(done..range.start).unwrap_or_default());
        text.push_str(replacement);
        done = range.end;
    });
    if done == 0 {
        return Cow::Borrowed(raw);
    }
    text.push_str(raw.split_at(done).1);
    Cow::Owned(text)
}

/// Whether a word of `line` was divided at the end of the line and continues in `next`, as in `exam-` and `ple`. The hyphen
/// is then no part of it.
pub(crate) fn is_divided(line: &str, next: &str) -> bool {
    let before = line.strip_suffix('-').unwrap_or_default();
    let letters = before
        .chars()
        .rev()
        .take_while(|c| c.is_alphabetic())
        .count();
    let first = next.split_whitespace().next().unwrap_or_default();
    // "pre- and postwar" is not divided, nor is "twenty-five".
    let is_conjunction = [
        "and", "or", "und", "oder", "et", "ou", "y", "o", "e", "to", "bis", "en", "of",
    ]
    .contains(&first);
    letters >= 2 && first.starts_with(char::is_lowercase) && !is_conjunction
}

/// What is left where a part was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// What stands before and after it is one word.
    Closed,
    /// There is a blank.
    Blank,
}

struct Cleaner<'r, 'e> {
    raw: &'r str,
    edit: &'e mut dyn FnMut(Range<usize>, &str),
    /// End of the last edit.
    done: usize,
    /// Whether the clean text up to `done` is empty or ends in a blank.
    after_blank: bool,
    /// Second halves of emphasis and links that are open, innermost last.
    closers: Vec<Range<usize>>,
    /// Whether characters that are no markup have begun.
    is_in_cdata: bool,
}

impl Cleaner<'_, '_> {
    fn run(mut self) {
        let end = self.raw.len();
        let mut at = 0;
        let mut mark = next_mark(self.raw.as_bytes(), 0);
        let mut junk = next_junk(self.raw, 0);
        loop {
            while self.closers.pop_if(|closer| closer.start < at).is_some() {}
            if junk.end <= at {
                junk = next_junk(self.raw, at);
            }
            junk.start = junk.start.max(at);
            if mark < at {
                mark = next_mark(self.raw.as_bytes(), at);
            }
            let closer = self.closers.last().map_or(end, |closer| closer.start);
            if mark.min(closer).min(junk.start) == end {
                return;
            }
            at = if closer <= mark.min(junk.start) {
                let closer = self.closers.pop().unwrap_or(end..end);
                self.remove(closer, Gap::Closed)
            } else if mark > junk.start {
                self.remove(junk.start..junk.end.min(closer), Gap::Blank)
            } else if let Some(next) = self.mark(mark) {
                next
            } else if mark == junk.start {
                self.remove(junk.start..junk.end.min(closer), Gap::Blank)
            } else {
                self.raw.ceil_char_boundary(mark + 1)
            };
        }
    }

    /// Handles the character at `at`, which may start a part that is not spoken, and returns where to go on. `None` if it is
    /// spoken.
    fn mark(&mut self, at: usize) -> Option<usize> {
        let rest = self.raw.split_at(at).1;
        let first = rest.chars().next()?;
        let next = at + first.len_utf8();
        match first {
            '<' if rest.starts_with(CDATA) => {
                self.is_in_cdata = true;
                Some(self.remove(at..at + CDATA.len(), Gap::Closed))
            }
            '<' => {
                // `<<b>i>` must not become a tag.
                let len = run(rest, '<');
                let found = tag(rest.split_at(len - 1).1);
                Some(found.map_or(at + len, |(tag, gap)| {
                    self.remove(at..at + len - 1 + tag, gap)
                }))
            }
            '&' => entity(rest).map(|(c, len)| self.entity(at, c, len)),
            '>' if self.is_in_cdata && self.ends_cdata(next) => {
                self.is_in_cdata = false;
                Some(self.remove(next - CDATA_END.len()..next, Gap::Closed))
            }
            '>' => self.chevrons(at).or_else(|| self.quote(at..next)),
            '[' => self.bracket(at, rest),
            '!' if rest.starts_with("![") => {
                image(rest).map(|len| self.remove(at..at + len, Gap::Blank))
            }
            '(' | '【' | '（' | '〔' | '［' => {
                sound(rest).map(|len| self.remove(at..at + len, Gap::Blank))
            }
            '{' if rest.starts_with("{\\") => inside(rest, '}', MAX_LINK_BYTES)
                .map(|text| self.remove(at..at + text.len() + 2, Gap::Closed)),
            '*' | '_' => self.emphasis(at, rest, first),
            '\\' => self.backslash(at, rest.split_at(1).1),
            ESCAPE => Some(self.remove(at..at + sequence(rest), Gap::Closed)),
            '\u{a0}' | '\u{2007}' | '\u{202f}' => Some(self.blanks(at, at)),
            _ if self.is_invisible(first, at, next) => Some(self.remove(at..next, Gap::Closed)),
            _ => None,
        }
    }

    /// Whether an end of [`CDATA`] that is not edited yet stands before `at`.
    fn ends_cdata(&self, at: usize) -> bool {
        let before = self.raw.get(self.done..at);
        before.is_some_and(|before| before.ends_with(CDATA_END))
    }

    /// Removes a part, so that no two blanks meet and no blank stays before a comma. Returns where to go on.
    fn remove(&mut self, Range { mut start, mut end }: Range<usize>, gap: Gap) -> usize {
        let after = self.raw.split_at(end).1;
        let mut replacement = "";
        if self.is_after_blank(start) {
            let following = after.trim_start_matches([' ', '\t']);
            end = self.raw.len() - following.len();
            if following.starts_with([',', '.', ';', '?', '!']) && !following.starts_with("..") {
                let before = self.raw.get(self.done..start).unwrap_or_default();
                start -= before.len() - before.trim_end_matches(' ').len();
            }
        } else if gap == Gap::Blank && !after.is_empty() && !after.starts_with(is_blank_or_stop) {
            replacement = " ";
        }
        self.edit(start..end, replacement);
        end
    }

    fn edit(&mut self, range: Range<usize>, replacement: &str) {
        self.after_blank = match replacement.chars().next_back() {
            Some(last) => last.is_whitespace(),
            None => self.is_after_blank(range.start),
        };
        self.done = range.end;
        (self.edit)(range, replacement);
    }

    /// Whether the clean text before `at` is empty or ends in a blank.
    fn is_after_blank(&self, at: usize) -> bool {
        let unchanged = self.raw.get(self.done..at).unwrap_or_default();
        let last = unchanged.chars().next_back();
        last.map_or(self.after_blank, char::is_whitespace)
    }

    /// Replaces a run of no-break spaces and blanks that starts at `at` by one blank.
    fn blanks(&mut self, at: usize, from: usize) -> usize {
        let rest = self.raw.split_at(from).1;
        let after = rest.trim_start_matches([' ', '\u{a0}', '\u{2007}', '\u{202f}']);
        let end = self.raw.len() - after.len();
        let is_needed = !self.is_after_blank(at)
            && !after.is_empty()
            && !after.starts_with(char::is_whitespace);
        self.edit(at..end, if is_needed { " " } else { "" });
        end
    }

    /// Replaces an entity of `len` bytes by the character it stands for, or removes what it starts.
    fn entity(&mut self, at: usize, stands_for: char, len: usize) -> usize {
        let end = at + len;
        if stands_for == '>'
            && let Some(end) = self.chevrons(at)
        {
            return end;
        }
        if stands_for == '<'
            && let Some((len, gap)) = escaped_tag(self.raw.split_at(at).1)
        {
            return self.remove(at..at + len, gap);
        }
        if stands_for == ESCAPE {
            let end = end - ESCAPE.len_utf8() + sequence(self.raw.split_at(end - 1).1);
            return self.remove(at..end, Gap::Closed);
        }
        if stands_for.is_whitespace() || stands_for.is_control() {
            return self.blanks(at, end);
        }
        if self.is_invisible(stands_for, at, end) {
            return self.remove(at..end, Gap::Closed);
        }
        self.edit(at..end, stands_for.encode_utf8(&mut [0; 4]));
        end
    }

    /// Removes `>>` before what a new speaker says, in captions made by hand.
    fn chevrons(&mut self, at: usize) -> Option<usize> {
        let mut end = at;
        let mut count = 0;
        while count <= 3
            && let Some(len) = chevron(self.raw.split_at(end).1)
        {
            end += len;
            count += 1;
        }
        ((2..=3).contains(&count) && self.is_after_blank(at))
            .then(|| self.remove(at..end, Gap::Closed))
    }

    /// Removes the `>` with which mail and Markdown quote a line.
    fn quote(&mut self, mark: Range<usize>) -> Option<usize> {
        let (before, after) = (
            self.raw.split_at(mark.start).0,
            self.raw.split_at(mark.end).1,
        );
        let is_quote = (before.is_empty() || before.ends_with('\n'))
            && (after.is_empty() || after.starts_with(char::is_whitespace));
        is_quote.then(|| self.remove(mark, Gap::Closed))
    }

    /// Handles a backslash before `after`, which escapes a character of Markdown or breaks a line.
    fn backslash(&mut self, at: usize, after: &str) -> Option<usize> {
        let Some(escaped) = after.chars().next().filter(|c| !c.is_whitespace()) else {
            return Some(self.remove(at..at + 1, Gap::Closed));
        };
        if !is_escapable(escaped) {
            return None;
        }
        // The asterisks of `\*so\*` are no emphasis, but they are no words either.
        let before = self.raw.split_at(at).0.chars().next_back();
        let next = after.split_at(1).1.chars().next();
        let [before, next] = [before, next].map(|c| c.is_some_and(char::is_alphanumeric));
        if escaped == '*' && before != next {
            return Some(self.remove(at..at + 2, Gap::Closed));
        }
        self.remove(at..at + 1, Gap::Closed);
        Some(at + 2)
    }

    /// Handles `[`: a sound tag, a Markdown link, or the target of a Markdown reference.
    fn bracket(&mut self, at: usize, rest: &str) -> Option<usize> {
        if let Some(len) = sound(rest).or_else(|| reference(rest)) {
            return Some(self.remove(at..at + len, Gap::Blank));
        }
        let text = inside(rest, ']', MAX_LINK_BYTES)?;
        let close = at + 1 + text.len();
        let target = target(self.raw.split_at(close + 1).1)?;
        self.open(at..at + 1, close..close + 1 + target)
    }

    /// Handles a run of `*` or `_`.
    fn emphasis(&mut self, at: usize, rest: &str, mark: char) -> Option<usize> {
        let len = run(rest, mark);
        let after = rest.split_at(len).1;
        if len > 3 || after.is_empty() || after.starts_with(char::is_whitespace) {
            let is_rule = len >= 3
                && self.is_after_blank(at)
                && !after.starts_with(|c: char| !c.is_whitespace());
            return Some(if is_rule {
                self.remove(at..at + len, Gap::Closed)
            } else {
                at + len
            });
        }
        let before = self.raw.split_at(at).0.chars().next_back();
        let is_opener = before.is_none_or(|c| !c.is_alphanumeric()) && (mark == '*' || len > 1);
        let closed = is_opener.then(|| closing_run(after, mark, len)).flatten();
        let Some(text) = closed else {
            return Some(at + len);
        };
        let close = at + len + text.len();
        if mark == '*' && text.len() <= MAX_TAG_BYTES && is_sound(text) {
            return Some(self.remove(at..close + len, Gap::Blank));
        }
        self.open(at..at + len, close..close + len)
            .or(Some(at + len))
    }

    /// Removes the first half of an emphasis or link, and later the second one.
    fn open(&mut self, opener: Range<usize>, closer: Range<usize>) -> Option<usize> {
        let is_nested = self
            .closers
            .last()
            .is_none_or(|outer| closer.end <= outer.start);
        if !is_nested || self.closers.len() == MAX_DEPTH {
            return None;
        }
        self.closers.push(closer);
        Some(self.remove(opener, Gap::Closed))
    }

    /// Whether a character has no visible form and does not change that of its neighbours.
    fn is_invisible(&self, c: char, at: usize, next: usize) -> bool {
        is_invisible(c, self.raw.split_at(at).0, self.raw.split_at(next).1)
            || matches!(c, '♩'..='♬' | '🎵' | '🎶')
    }
}

/// Whether a character between `before` and `after` has no visible form and does not change that of its neighbours.
fn is_invisible(c: char, before: &str, after: &str) -> bool {
    match c {
        '\u{200c}' | '\u{200d}' => {
            let (before, after) = (before.chars().next_back(), after.chars().next());
            !(before.is_some_and(takes_joiners) && after.is_some_and(takes_joiners))
        }
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' => {
            true
        }
        '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffc}' => true,
        // Fillers, tags, and characters that mean nothing outside of a font: private and unassigned ones.
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{e0000}'..='\u{e007f}' => true,
        '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{f0000}'.. => true,
        _ => u32::from(c) & 0xfffe == 0xfffe,
    }
}

/// `text` without what is not shown: terminal sequences, control characters, and marks of direction or without width.
pub(crate) fn without_invisible(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = text.split_at(at).1.chars().next() {
        let (before, rest) = text.split_at(at);
        at += if c == ESCAPE {
            sequence(rest)
        } else {
            c.len_utf8()
        };
        match c {
            '\n' => kept.push('\n'),
            '\t' => kept.push(' '),
            '\r' if !rest.starts_with("\r\n") => kept.push('\n'),
            _ if c.is_control() || is_invisible(c, before, text.split_at(at).1) => {}
            _ => kept.push(c),
        }
    }
    kept
}

/// `text` without HTML tags. Declarations and whole pages stay: they are no text with tags.
pub(crate) fn without_tags(text: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    let mut rest = text;
    let mut from = 0;
    while let Some(open) = rest.get(from..).and_then(|rest| rest.find('<')) {
        let (before, at) = rest.split_at(from + open);
        let is_page = ["<!", "<?", "<html"].iter().any(|start| {
            at.get(..start.len())
                .is_some_and(|it| it.eq_ignore_ascii_case(start))
        });
        match tag(at).filter(|_| !is_page) {
            Some((len, gap)) => {
                kept.push_str(before);
                rest = at.split_at(len).1;
                from = 0;
                if matches!(gap, Gap::Blank) {
                    rest = rest.trim_start_matches(' ');
                    if !kept.is_empty() && !kept.ends_with([' ', '\n']) {
                        kept.push(' ');
                    }
                }
            }
            None => from += open + 1,
        }
    }
    if rest.len() == text.len() {
        return Cow::Borrowed(text);
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// The first character of a sequence that a terminal obeys.
const ESCAPE: char = '\u{1b}';

/// The length of such a sequence at the start of `text`: `ESC [ 31 m`, or `ESC ] 0;title BEL`, which `ESC \` may end, too.
fn sequence(text: &str) -> usize {
    const LONGEST: usize = 32;
    const LONGEST_COMMAND: usize = 2048;
    if text.starts_with("\u{1b}\\") {
        return 2;
    }
    if let Some(command) = text.strip_prefix("\u{1b}]") {
        let mut bytes = command.bytes().take(LONGEST_COMMAND);
        let end = bytes.position(|byte| matches!(byte, 7 | 0x1b | b'\n'));
        return match end.and_then(|end| Some((end, command.as_bytes().get(end)?))) {
            Some((end, 7)) => end + 3,
            Some((end, 0x1b)) => end + 2,
            _ => 1,
        };
    }
    let mut bytes = text.bytes().take(LONGEST);
    let is_opened = bytes.by_ref().nth(1) == Some(b'[');
    let end = bytes.position(|byte| !(b' '..=b'?').contains(&byte));
    match end.filter(|_| is_opened) {
        Some(end) if text.is_char_boundary(end + 3) => end + 3,
        _ => 1,
    }
}

/// Whether a joiner beside the character changes how a word or emoji looks: in scripts from Arabic to Mongolian, and emoji.
fn takes_joiners(c: char) -> bool {
    matches!(c, '\u{620}'..='\u{1aff}' | '\u{2190}'..='\u{2bff}' | '\u{fb50}'..='\u{fdff}' | '\u{fe0f}' | '\u{fe70}'..='\u{fefc}' | '\u{1f000}'..)
}

fn is_escapable(c: char) -> bool {
    matches!(
        c,
        '*' | '_'
            | '['
            | ']'
            | '('
            | ')'
            | '#'
            | '+'
            | '-'
            | '.'
            | '!'
            | '>'
            | '~'
            | '|'
            | '{'
            | '}'
            | '`'
    )
}

fn is_blank_or_stop(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | '.' | ';' | '?' | '!' | ':')
}

/// The offset of the next byte at or after `from` that may start a part that is not spoken.
fn next_mark(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = bytes.get(at..).and_then(|rest| {
        rest.iter()
            .position(|&byte| MARKS.get(usize::from(byte)) == Some(&true))
    }) {
        at += found;
        let starts = match bytes.get(at..) {
            Some([0xc2, second, ..]) => matches!(second, 0xa0 | 0xad),
            Some([0xcd, second, ..]) => *second == 0x8f,
            Some([0xd8, second, ..]) => *second == 0x9c,
            Some([0xe1, second, third, ..]) => {
                matches!((second, third), (0xa0, 0x8e) | (0x85, 0x9f | 0xa0))
            }
            Some([0xe2, 0x80, third, ..]) => matches!(third, 0x87 | 0x8b..=0x8f | 0xaa..=0xaf),
            Some([0xe2, second, third, ..]) => {
                matches!((second, third), (0x81, 0xa0..=0xaf) | (0x99, 0xa9..=0xac))
            }
            Some([0xe3, second, third, ..]) => {
                matches!((second, third), (0x80, 0x90 | 0x94) | (0x85, 0xa4))
            }
            Some([0xef, second, third, ..]) => matches!(
                (second, third),
                (0xbb | 0xbf, 0xbf | 0xb9..=0xbc)
                    | (0xbc, 0x88 | 0xbb)
                    | (0x80..=0xa3, _)
                    | (0xb7, 0x90..=0xaf)
                    | (0xbe, 0xa0)
                    | (0xbf, 0xbe)
            ),
            Some([0xf0, second, third, fourth, ..]) => {
                [*second, *third] == [0x9f, 0x8e] || matches!((third, fourth), (0xbf, 0xbe | 0xbf))
            }
            Some([0xf3, second, third, ..]) => {
                matches!(
                    (second, third),
                    (0xa0, 0x80 | 0x81) | (0xb0.., _) | (0xaf, 0xbf)
                )
            }
            Some([0xf1 | 0xf2, _, third, fourth, ..]) => {
                matches!((third, fourth), (0xbf, 0xbe | 0xbf))
            }
            _ => true,
        };
        if starts {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

/// [`is_mark`] of each byte.
#[allow(clippy::indexing_slicing, reason = "only at compile time")]
const MARKS: [bool; 256] = {
    let mut marks = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        marks[byte] = is_mark(byte as u8);
        byte += 1;
    }
    marks
};

const fn is_mark(byte: u8) -> bool {
    matches!(
        byte,
        b'<' | b'>'
            | b'&'
            | b'['
            | b'!'
            | b'('
            | b'{'
            | b'*'
            | b'_'
            | b'\\'
            | 0xc2
            | 0xcd
            | 0xd8
            | 0xe1..=0xe3 | 0xee | 0xef | 0xf0..=0xf4 | 0x1b
    )
}

/// The text after the first character of `rest` up to `close`, if it is on the same line, has at most `most` bytes, and does
/// not contain the first character again.
fn inside(rest: &str, close: char, most: usize) -> Option<&str> {
    let open = rest.chars().next()?;
    let text = rest.split_at(open.len_utf8()).1;
    let text = text.split_at(text.floor_char_boundary(most)).0;
    let (end, found) = text
        .char_indices()
        .find(|&(_, c)| c == close || c == open || c == '\n')?;
    (found == close).then(|| text.split_at(end).0)
}

/// The length of a sound tag at the start of `rest`.
fn sound(rest: &str) -> Option<usize> {
    let open = rest.chars().next()?;
    let close = match open {
        '[' => ']',
        '(' => ')',
        '【' => '】',
        '（' => '）',
        '〔' => '〕',
        _ => '］',
    };
    let text = inside(rest, close, MAX_SOUND_BYTES)?;
    // `[ __ ]` stands for a word that was masked, `[?]` for one that was not understood.
    let has_no_words = open == '[' && !text.contains(char::is_alphanumeric);
    (has_no_words || is_sound(text) || is_applause(text))
        .then(|| open.len_utf8() + text.len() + close.len_utf8())
}

/// The length of a tag at the start of `text`, and what it leaves.
fn tag(text: &str) -> Option<(usize, Gap)> {
    let inside = text.strip_prefix('<')?;
    let end = inside
        .bytes()
        .position(|byte| matches!(byte, b'<' | b'>'))?;
    let (inside, rest) = inside.split_at(end);
    if !rest.starts_with('>') {
        return None;
    }
    let len = end + 2;
    if let Some(declared) = inside.strip_prefix(['!', '?']) {
        let is_declaration = declared.starts_with(|c: char| c == '-' || c.is_ascii_alphabetic());
        return is_declaration.then_some((len, Gap::Blank));
    }
    if inside.contains(':')
        && inside
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b':' | b'.'))
    {
        return Some((len, Gap::Closed));
    }
    let named = inside.strip_prefix('/').unwrap_or(inside);
    let name_len = named.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let (name, rest) = named.split_at(name_len);
    let is_in = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    // In a transcript by Apple each word has its own element, and nothing stands between them.
    let is_unit = || {
        ["unit=\"word\"", "unit=\"sentence\""]
            .iter()
            .any(|unit| rest.contains(unit))
    };
    let gap = if is_in(&INLINE) && !is_unit() {
        Gap::Closed
    } else if is_in(&BLOCK) || is_in(&INLINE) {
        Gap::Blank
    } else {
        return None;
    };
    // `a <b and c> d` is no tag: attributes have a `=`. WebVTT has classes, and a name after `v`, `c` or `lang`.
    let is_annotated = match name {
        "v" | "c" | "lang" => {
            rest.len() <= MAX_NAME_BYTES
                && rest.starts_with(|c: char| c == '.' || c.is_whitespace())
        }
        _ if rest.starts_with('.') => rest.len() <= MAX_NAME_BYTES,
        _ => rest.starts_with(char::is_whitespace) && rest.contains('=') && has_attributes(rest),
    };
    (is_annotated || matches!(rest.trim(), "" | "/")).then_some((len, gap))
}

/// Whether what follows the name of a tag can be its attributes: a stranger may hide in a tag what was said.
fn has_attributes(inside: &str) -> bool {
    let mut rest = inside.trim().trim_end_matches('/').trim_end();
    let mut bare = 0;
    while !rest.is_empty() {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.');
        let after = rest.trim_start_matches(is_name);
        let name = rest.split_at(rest.len() - after.len()).0;
        let Some(value) = after.trim_start().strip_prefix('=') else {
            bare += 1;
            if name.is_empty() || bare > MAX_BARE {
                return false;
            }
            rest = after.trim_start();
            continue;
        };
        let value = value.trim_start();
        let quoted = value.strip_prefix('"').map(|value| (value, '"'));
        let quoted = quoted.or_else(|| value.strip_prefix('\'').map(|value| (value, '\'')));
        let (value, after) = match quoted {
            Some((value, quote)) => value.split_once(quote).unwrap_or((value, "")),
            None => value.split_once(char::is_whitespace).unwrap_or((value, "")),
        };
        let is_styled = name.eq_ignore_ascii_case("style") || name.eq_ignore_ascii_case("class");
        let mut words = value.split_whitespace();
        if name.is_empty() || !is_styled && words.nth(MAX_VALUE_WORDS).is_some() {
            return false;
        }
        rest = after.trim_start();
    }
    true
}

/// The length of a tag at the start of `text`.
pub(crate) fn tag_len(text: &str) -> Option<usize> {
    tag(text).map(|(len, _)| len)
}

/// The length of a tag whose brackets are written as entities: `&lt;i&gt;`.
fn escaped_tag(text: &str) -> Option<(usize, Gap)> {
    let mut decoded = String::new();
    let mut len = 0;
    while decoded.len() < MAX_TAG_BYTES && !decoded.ends_with('>') {
        let rest = text.split_at(len).1;
        let first = rest.chars().next()?;
        let (c, width) = entity(rest).unwrap_or((first, first.len_utf8()));
        if c == '<' && len > 0 {
            return None;
        }
        decoded.push(c);
        len += width;
    }
    tag(&decoded).map(|(_, gap)| (len, gap))
}

/// The length of a `>` at the start of `text`, which may be written as an entity.
fn chevron(text: &str) -> Option<usize> {
    match entity(text) {
        Some(('>', len)) => Some(len),
        _ => text.starts_with('>').then_some(1),
    }
}

/// The length of a Markdown image at the start of `text`: `![text](address)` or `![text][reference]`.
fn image(text: &str) -> Option<usize> {
    let bang = 1;
    let start = text.split_at(bang).1;
    let len = bang + inside(start, ']', MAX_LINK_BYTES)?.len() + 2;
    let after = text.split_at(len).1;
    let reference = || {
        Some(
            inside(
                after.starts_with('[').then_some(after)?,
                ']',
                MAX_LINK_BYTES,
            )?
            .len()
                + 2,
        )
    };
    Some(len + target(after).or_else(reference)?)
}

/// The length of the target of a Markdown link at the start of `text`, with its parentheses.
fn target(text: &str) -> Option<usize> {
    let address = text.strip_prefix('(')?;
    let end = address
        .bytes()
        .position(|byte| matches!(byte, b')' | b'(' | b'[' | b'\n'))?;
    let (address, rest) = address.split_at(end);
    let is_address =
        address.contains([':', '/', '#', '.']) && !address.trim_end_matches('"').contains(' ');
    let has_title = address.contains(" \"");
    (rest.starts_with(')') && (is_address || has_title)).then_some(end + 2)
}

/// The length of a Markdown reference at the start of `text`: `[image1]: <data:image/png;base64,…>`.
fn reference(text: &str) -> Option<usize> {
    let name = inside(text, ']', MAX_LINK_BYTES)?;
    let after = text.split_at(name.len() + 2).1.strip_prefix(':')?;
    let address = after.trim_start_matches(' ');
    let bare = address.strip_prefix('<').unwrap_or(address);
    let is_address = ["data:", "http:", "https:"]
        .iter()
        .any(|scheme| bare.starts_with(scheme));
    let end = || address.bytes().position(|byte| byte.is_ascii_whitespace());
    is_address.then(|| text.len() - address.len() + end().unwrap_or(address.len()))
}

/// The number of times that `mark` stands at the start of `text`.
fn run(text: &str, mark: char) -> usize {
    text.len() - text.trim_start_matches(mark).len()
}

/// The text up to the run of `len` marks that closes an emphasis.
fn closing_run(text: &str, mark: char, len: usize) -> Option<&str> {
    let mut at = 0;
    for _ in 0..=MAX_OTHER_RUNS {
        let rest = text.split_at(at).1;
        let found = rest.find([mark, '\n'])?;
        at += found;
        let (inside, rest) = text.split_at(at);
        if rest.starts_with('\n') {
            return None;
        }
        let found = run(rest, mark);
        at += found;
        let after = text.split_at(at).1.chars().next();
        if found == len
            && !inside.ends_with(char::is_whitespace)
            && after.is_none_or(|c| !c.is_alphanumeric())
        {
            return Some(inside);
        }
    }
    None
}

/// The next token at or after `from` that is too long and is no word, or an empty range at the end.
fn next_junk(raw: &str, mut from: usize) -> Range<usize> {
    let is_separator = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'<' | b'>');
    while let Some(window) = raw.as_bytes().get(from..=from + MAX_TOKEN_CHARS) {
        if let Some(separator) = window.iter().rposition(is_separator) {
            from += separator + 1;
            continue;
        }
        let rest = raw.split_at(from).1;
        let token = rest.split(separates).next().unwrap_or_default();
        let end = from + token.len();
        if token.chars().nth(MAX_TOKEN_CHARS).is_some() && is_junk(token) {
            return from..end;
        }
        let after = raw.split_at(end).1;
        from = raw.len() - after.trim_start_matches(separates).len();
    }
    raw.len()..raw.len()
}

/// Whether a character is no part of a token. Scripts without spaces between words have no tokens.
fn separates(c: char) -> bool {
    matches!(c, '<' | '>')
        || c.is_whitespace()
        || matches!(u32::from(c), 0xe00..=0x109f | 0x1780..=0x17ff | 0x1950..=0x1aaf | 0x1b00..=0x1bff | 0x2e80..=0xd7ff | 0xf900..=0xfaff)
        || matches!(u32::from(c), 0xfe30..=0xfe4f | 0xff00..=0xffef | 0x20000..=0x3ffff)
}

/// Whether a long token is no word, nor words that are joined by dashes or slashes.
fn is_junk(token: &str) -> bool {
    if token.contains("://") || token.contains("data:") {
        return true;
    }
    let (mut parts, mut words) = (0, 0);
    for part in token.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric()) {
        if part.chars().nth(MAX_WORD_CHARS).is_some() {
            return true;
        }
        let later = part.get(1..).unwrap_or(part);
        let is_word = part.bytes().all(|byte| byte.is_ascii_digit())
            || !later.contains(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit())
            || !part.contains(|c: char| !c.is_ascii_uppercase());
        parts += usize::from(!part.is_empty());
        words += usize::from(!part.is_empty() && is_word);
    }
    words * 2 <= parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(cases: &[(&str, &str)]) {
        for (raw, expected) in cases {
            assert_eq!(cleaned(raw), *expected, "{raw}");
        }
    }

    #[test]
    fn prose_is_not_changed() {
        for text in [
            "",
            "We agreed on 39 trucks, I think – “not 40”, he said.",
            "a < b and c > d, so x<y",
            "a <b and c> d <Name> <anna@example.com>",
            "At 02:34 --> that is when it broke.",
            "(2026) [sic] (Ontario) (see page 3) [Anna Berg] [00:12]",
            "3 * 4 * 5 = 60, 2*3*4, f**k, a_b_c, price*",
            "AT&T & R&D; see &unknown;",
            "C:\\temp",
            "我们今天讨论第一季度的预算，然后决定谁来负责。",
            "می‌خواهم क्‍ष 👩‍👩‍👧",
            "the-longest/of-all/lists-of-words/that-anybody/ever-joined/with-dashes/and-slashes/in-one-breath/without-any/blank",
        ] {
            assert_eq!(cleaned(text), text);
            assert!(matches!(cleaned(text), Cow::Borrowed(_)), "{text}");
        }
        let unspaced = [
            "会议记录",
            "การประชุม",
            "ຄວາມ",
            "ការប្រជុំ",
            "အစည်းအဝေး",
            "ひらがな",
        ];
        for text in unspaced.map(|word| word.repeat(100)) {
            assert_eq!(cleaned(&text), text);
        }
    }

    #[test]
    fn nothing_invisible_is_left_in_an_answer() {
        for (answer, text) in [
            ("\u{1b}[31mRed\u{1b}[0m \u{0}\u{7}plan", "Red plan"),
            ("\u{1b}]0;own\u{7}One\u{1b}]8;;x\u{1b}\\ two", "One two"),
            ("\u{1b}]One\ntwo", "]One\ntwo"),
            ("\u{202e}One\u{2066} two\u{200f}\u{feff}", "One two"),
            ("Zero\u{200b}width\u{200d}", "Zerowidth"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("One\r\ntwo\rthree\tfour", "One\ntwo\nthree four"),
        ] {
            assert_eq!(without_invisible(answer), text, "{answer:?}");
        }
    }

    #[test]
    fn an_answer_has_no_tags() {
        for (answer, text) in [
            ("a < b and c > d", "a < b and c > d"),
            ("<b>One</b><br>two <script>x", "One two x"),
            ("<!doctype html><html>", "<!doctype html><html>"),
            ("<<b>i>so", "<i>so"),
        ] {
            assert_eq!(without_tags(answer), text, "{answer}");
        }
    }

    #[test]
    fn tags_are_removed() {
        check(&[
            ("<i>Yes,</i> <b>we</b> do.", "Yes, we do."),
            ("<font color=\"#fff\">Right</font>", "Right"),
            ("<FONT COLOR=red>Right</FONT>", "Right"),
            ("<c.colorE5E5E5>so</c><00:00:01.200><c> now</c>", "so now"),
            ("<v Anna Berg>Yes.</v>", "Yes."),
            ("<v.loud Anna>Yes.", "Yes."),
            ("<lang en>Yes</lang>", "Yes"),
            ("&lt;script&gt;Yes&lt;/script&gt; <style>no", "Yes no"),
            ("one<br>two<br/>three<BR />four", "one two three four"),
            ("<p class='x'>One.</p><p>Two.</p>", "One. Two."),
            ("<!-- page 3 -->One", "One"),
            ("<![CDATA[We met & left]]> early.", "We met & left early."),
            ("a[[1]]> b", "a[[1]]> b"),
            ("<! so we met >", "<! so we met >"),
            (
                "<a href=\"we met at the depot and paid for all of it\">One</a>",
                "<a href=\"we met at the depot and paid for all of it\">One",
            ),
            ("<a we paid for = all>One</a>", "<a we paid for = all>One"),
            ("<a hidden href='x.html' target=_blank>One</a>", "One"),
            ("&lt;i&gt;One&lt;/i&gt; &amp;lt;b&amp;gt;two", "One two"),
            ("wo<b>rd</b>s", "words"),
            ("{\\an8}Up {\\i1}here{\\i0}", "Up here"),
            ("<img src=\"data:image/png;base64,AAAA\">One", "One"),
            (
                "<span p:unit=\"sentence\"><span p:unit=\"word\">We</span><span p:unit=\"word\">met.</span></span><span p:unit=\"sentence\">Then</span>",
                "We met. Then",
            ),
            (
                "<span begin=\"1\">De</span><span begin=\"2\">pot</span>",
                "Depot",
            ),
            ("the <unk> depot", "the depot"),
        ]);
        let image = format!(
            "One <img src=\"data:image/png;base64,{}\"/> two",
            "iVBORw0K".repeat(50)
        );
        assert_eq!(cleaned(&image), "One two");
    }

    #[test]
    fn entities_are_decoded() {
        check(&[
            ("R&amp;D isn&#39;t &quot;free&quot;", "R&D isn't \"free\""),
            ("isn&amp;#39;t AT&amp;amp;T", "isn't AT&T"),
            ("on&nbsp;the&nbsp; &nbsp;night", "on the night"),
            ("caf&eacute;&hellip; 3 &lt; 4", "café… 3 < 4"),
            ("a&lrm;b&zwj;c&shy;d", "abcd"),
            ("&gt;&gt; So we begin.", "So we begin."),
            ("&#9834; la la &#9834;", "la la "),
        ]);
    }

    #[test]
    fn sound_tags_are_removed() {
        check(&[
            ("[Music] We begin.", "We begin."),
            ("We [crosstalk] begin (laughter) now.", "We begin now."),
            ("We begin [inaudible 00:12:03].", "We begin."),
            ("We begin. [BLANK_AUDIO]", "We begin. "),
            ("one[Musik]two", "one two"),
            ("*laughs* no", "no"),
            ("♪ la la ♪", "la la "),
            ("好的【音楽】开始（笑）", "好的 开始"),
            ("that [ __ ] thing [?]", "that thing "),
            (">> MAYOR: Yes. >> No.", "MAYOR: Yes. No."),
            (
                "So ist es. (Beifall bei der Grünen Liste und im Übrigen bei Abgeordneten aller Fraktionen – Unruhe) Weiter.",
                "So ist es. Weiter.",
            ),
            ("Oui. (Applaudissements sur plusieurs bancs.)", "Oui. "),
            (
                "(Applause is what they want) yes",
                "(Applause is what they want) yes",
            ),
        ]);
    }

    #[test]
    fn markdown_is_removed() {
        check(&[
            (
                "**Anna Berg:** It is *very* late.",
                "Anna Berg: It is very late.",
            ),
            ("__So__ ***what***?", "So what?"),
            ("**both *kinds* here**", "both kinds here"),
            ("snake\\_case \\[x\\]", "snake_case [x]"),
            (
                "see [the plan](https://example.com/a_(b)) now",
                "see [the plan](https://example.com/a_(b)) now",
            ),
            (
                "see [the plan](https://example.com/a) now",
                "see the plan now",
            ),
            ("see ![plan](image.png) now", "see now"),
            ("see ![][image1] now", "see now"),
            ("[image1]: <data:image/png;base64,iVBORw0K> x", "x"),
            ("one\n***\ntwo", "one\n\ntwo"),
        ]);
    }

    #[test]
    fn invisible_characters_are_removed() {
        check(&[
            ("inspec\u{ad}tions \u{200b}of", "inspections of"),
            ("\u{202a}Anna\u{202c}\u{feff}", "Anna"),
            ("ab\u{200d}c", "abc"),
            ("39\u{a0}trucks \u{a0} and\u{202f}", "39 trucks and"),
            ("bud\u{ffff}\u{fff9}\u{fdd0}\u{1fffe}get", "budget"),
            (
                "bud\u{e0041}\u{34f}\u{180e}\u{3164}\u{115f}\u{ffa0}get",
                "budget",
            ),
            ("\u{f0b7} bud\u{e000}\u{f8ff}\u{10fffd}get", "budget"),
            (
                "글 ㄱ 한 \u{1100}\u{1161} 🙂🏽 \u{20000} ￥ ﷺ 豈",
                "글 ㄱ 한 \u{1100}\u{1161} 🙂🏽 \u{20000} ￥ ﷺ 豈",
            ),
            ("\u{1b}[1;31mred&#27;[0m &#x1b;[Kplan\u{1b}", "red plan"),
        ]);
    }

    #[test]
    fn what_was_cleaned_stays_the_same() {
        check(&[
            ("<<b>i>so</b>", "i>so"),
            ("a <<b and <<", "a <<b and <<"),
            ("it is \\*so\\* said", "it is so said"),
            ("3 \\* 4 and snake\\_case", "3 * 4 and snake_case"),
            ("We begin\\\nand end\\", "We begin\nand end"),
            ("> We begin.\n>\n> a > b", "We begin.\n\na > b"),
        ]);
        for text in [
            "<<b>i>so</b>",
            "\\*so\\* **it** &amp;amp; is",
            "{\\i1}we\\",
            "> we",
        ] {
            let once = cleaned(text);
            assert_eq!(cleaned(&once), once, "{text}");
        }
    }

    #[test]
    fn tokens_that_are_no_words_are_removed() {
        let base64 = "iVBORw0KGgoAAAANSUhEUgAAB4AAAAQ4CAYAAADo08FDAAAgAElEQVR4nOzdd3".repeat(3);
        let hash = "9f86d081884c7d659a2feaa0c55ad015".repeat(4);
        let address = format!("https://example.com/{}", "page/".repeat(20));
        for token in [
            base64.as_str(),
            &hash,
            &address,
            &"x".repeat(101),
            &".".repeat(300),
        ] {
            assert_eq!(cleaned(&format!("We {token} begin")), "We begin", "{token}");
            assert_eq!(cleaned(&format!("我们{token}开始")), "我们 开始", "{token}");
        }
        assert_eq!(cleaned(&"x".repeat(100)), "x".repeat(100));
        let image = format!("a ![](data:image/png;base64,{base64}) b");
        assert_eq!(cleaned(&image), "a b");
    }

    #[test]
    fn divided_words_are_recognized() {
        for (line, next, expected) in [
            ("for exam-", "ple we", true),
            ("the Über-", "gabe", true),
            ("pre-", "and postwar", false),
            ("Anna-", "Berg", false),
            ("so -", "well", false),
            ("so", "well", false),
            ("a-", "b", false),
        ] {
            assert_eq!(is_divided(line, next), expected, "{line} {next}");
        }
    }

    /// Texts of words and markup.
    fn mixed() -> impl Strategy<Value = String> {
        let part = prop::sample::select(vec![
            "we",
            "agreed",
            "39",
            "don't",
            "会议",
            "é",
            "<i>",
            "</i>",
            "<br>",
            "<00:00:01.200>",
            "<c> so</c>",
            "&amp;",
            "&#39;",
            "&nbsp;",
            "[Music]",
            "(laughter)",
            "(see",
            "page",
            "3)",
            "**",
            "*",
            "__",
            "\u{a0}",
            "\u{200b}",
            "♪",
            "[a](b.c)",
            "{\\an8}",
            ",",
            ".",
            "\n",
            ">>",
            "-->",
            "&lt;b&gt;",
            "AT&amp;T",
            "*laughs*",
            "<Name>",
        ]);
        prop::collection::vec((part, prop::bool::ANY), 0..40).prop_map(|parts| {
            parts
                .into_iter()
                .map(|(part, blank)| format!("{part}{}", if blank { " " } else { "" }))
                .collect()
        })
    }

    fn edits_are_in_order(raw: &str) {
        let mut done = 0;
        clean(raw, &mut |range, _| {
            assert!(
                done <= range.start && range.start < range.end,
                "{range:?} after {done} in {raw:?}"
            );
            assert!(raw.get(range.clone()).is_some(), "{range:?} in {raw:?}");
            done = range.end;
        });
    }

    proptest! {
        #[test]
        fn edits_are_in_order_and_on_characters(raw in any::<String>(), mixed in mixed(), marks in "[<>&;ai/ *_()\\[\\]!:\u{a0}\u{200d}é.\\\\{}]{0,60}") {
            edits_are_in_order(&raw);
            edits_are_in_order(&mixed);
            edits_are_in_order(&marks);
        }

        #[test]
        fn no_word_of_prose_is_lost(words in prop::collection::vec("[a-zäé]{1,9}|[0-9]{1,4}", 0..30)) {
            let text = words.join(" ");
            prop_assert_eq!(cleaned(&text), text.as_str());
        }
    }
}
