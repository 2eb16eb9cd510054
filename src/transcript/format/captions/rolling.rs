//! Drops what rolling and growing captions repeat, so that each spoken line is read once.
//!
//! Rolling captions show each line again above the next one, and often a third time alone for some milliseconds. Growing
//! captions show a sentence anew with each word. In both, a caption begins with the last lines of the one before it. Only
//! letters and digits are compared, because a recognizer revises case and punctuation.

use crate::text::{Span, sentence};
use crate::transcript::format::captions::Caption;
use crate::transcript::format::clean::{clean, cleaned};

/// Captions of this length in bytes do not roll.
const MAX_BYTES: usize = 4096;

/// Two captions follow each other if there are at most this many milliseconds between them.
const MAX_PAUSE: i64 = 1000;

/// A repeated caption that is shown at most this long, in milliseconds, is not spoken again.
const FLASH: i64 = 250;

/// Repeating this many letters is no coincidence, even in a text that has not rolled so far.
const MANY_LETTERS: usize = 12;

/// Maximum of `Rolling::evidence`.
const MAX_EVIDENCE: u8 = 8;

#[derive(Debug, Default)]
pub(super) struct Rolling {
    last: Shown,
    next: Shown,
    /// Rises with each repetition and falls with each caption that repeats nothing.
    evidence: u8,
}

/// A caption that was shown. Its letters are read when they are compared, which most captions never are.
#[derive(Debug, Default)]
struct Shown {
    raw: String,
    /// The lines in `raw`.
    lines: Vec<Span>,
    speaker: Option<String>,
    start: Option<i64>,
    end: Option<i64>,
}

impl Shown {
    fn set(&mut self, block: &str, caption: &Caption<'_>) {
        self.raw.clear();
        self.lines.clear();
        for line in &caption.lines {
            let start = self.raw.len();
            self.raw.push_str(line.of(block));
            self.lines.push(Span::from(start..self.raw.len()));
        }
        self.speaker = caption.speaker.as_deref().map(str::to_owned);
        (self.start, self.end) = (caption.start, caption.end);
    }

    fn ends_sentence(&self) -> bool {
        let last = self.lines.last().map(|line| line.of(&self.raw));
        last.is_some_and(sentence::ends_sentence)
    }

    /// The first letter of each line, in lower case.
    fn first_letters(&self) -> impl Iterator<Item = char> {
        self.lines.iter().filter_map(|line| {
            let cleaned = cleaned(line.of(&self.raw));
            let first = cleaned.chars().find(|c| c.is_alphanumeric())?;
            first.to_lowercase().next()
        })
    }

    /// Whether the caption may begin as a line of `last`, or revise it.
    fn may_repeat(&self, last: &Self) -> bool {
        let first = self.first_letters().next();
        first.is_some_and(|first| last.first_letters().any(|other| other == first))
            || self.start == last.start
    }
}

/// The letters and digits of a caption, in lower case.
#[derive(Debug, Default)]
struct Letters {
    text: String,
    /// For each letter the offset after it in the text that was read.
    ends: Vec<usize>,
    /// Where the lines start in `text`.
    lines: Vec<usize>,
}

impl Letters {
    fn of(block: &str, lines: &[Span]) -> Self {
        let mut letters = Self::default();
        for &line in lines {
            letters.lines.push(letters.text.len());
            let raw = line.of(block);
            let mut done = 0;
            clean(raw, &mut |range, replacement| {
                letters.push(raw, done..range.start, line.start);
                let written = replacement.chars().filter(|c| c.is_alphanumeric());
                for c in written {
                    letters.push_letter(c, line.start + range.end);
                }
                done = range.end;
            });
            letters.push(raw, done..raw.len(), line.start);
        }
        letters
    }

    fn push(&mut self, raw: &str, part: std::ops::Range<usize>, base: usize) {
        let base = base + part.start;
        let part = raw.get(part).unwrap_or_default();
        for (at, c) in part.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
            self.push_letter(c, base + at + c.len_utf8());
        }
    }

    fn push_letter(&mut self, c: char, end: usize) {
        if c.is_ascii() {
            self.text.push(c.to_ascii_lowercase());
            self.ends.push(end);
            return;
        }
        for c in c.to_lowercase() {
            self.text.push(c);
            self.ends.push(end);
        }
    }

    /// How many letters at the start of `self` were shown before, if it begins with the last lines of `last`.
    fn repeated(&self, last: &Self, block: &str) -> Option<usize> {
        let shown = last.lines.iter().map(|&line| last.text.split_at(line).1);
        let mut repeated = shown.filter(|lines| !lines.is_empty() && self.text.starts_with(lines));
        let count = repeated.next()?.chars().count();
        self.is_word_end(count, block).then_some(count)
    }

    /// How many letters at the start of `self` revise `last`, if both are shown from the same time on.
    fn revised(&self, last: &Self, block: &str) -> Option<usize> {
        let shared = self
            .text
            .chars()
            .zip(last.text.chars())
            .take_while(|(a, b)| a == b)
            .count();
        if shared < 4 || shared * 2 < last.ends.len() {
            return None;
        }
        (last.ends.len()..self.ends.len())
            .find(|&count| self.is_word_end(count, block))
            .or(Some(self.ends.len()))
    }

    /// Whether a word ends after `count` letters. In scripts without spaces between words it may end anywhere.
    fn is_word_end(&self, count: usize, block: &str) -> bool {
        let after = count
            .checked_sub(1)
            .and_then(|last| self.ends.get(last))
            .and_then(|&end| block.get(end..));
        let next = after.and_then(|after| after.chars().next());
        next.is_none_or(|c| !c.is_alphanumeric() || c >= '\u{e00}')
    }
}

impl Rolling {
    /// Removes from `caption` what was shown before. Nothing may be left.
    pub(super) fn drop_repeated(&mut self, block: &str, caption: &mut Caption<'_>) {
        if caption.lines.iter().map(|line| line.len()).sum::<usize>() > MAX_BYTES {
            *self = Self::default();
            return;
        }
        self.next.set(block, caption);
        let repeated = self.repeated(block, &caption.lines);
        std::mem::swap(&mut self.last, &mut self.next);
        self.evidence = match repeated {
            Some(_) => (self.evidence + 2).min(MAX_EVIDENCE),
            None => self.evidence.saturating_sub(1),
        };
        let Some(end) = repeated else { return };
        caption.is_change = false;
        let Some(end) = end else {
            caption.lines.clear();
            return;
        };
        caption.lines.retain_mut(|line| {
            if line.start < end {
                let rest = block.get(end.min(line.end)..line.end).unwrap_or_default();
                // The marks after the last repeated word go with it.
                let word = rest.trim_start_matches(|c: char| {
                    !c.is_alphanumeric() && !c.is_whitespace() && !"<{([\"“«¿¡&$€£#".contains(c)
                });
                line.start = line.end - word.trim_start().len();
            }
            line.len() > 0
        });
    }

    /// Where what the last caption has shown ends in the next one, if that begins with it: `Some(None)` if it is all of it.
    fn repeated(&self, block: &str, lines: &[Span]) -> Option<Option<usize>> {
        let (last, next) = (&self.last, &self.next);
        let is_same_speaker =
            next.speaker.is_none() || last.speaker.is_none() || next.speaker == last.speaker;
        // Where all times are zero, the exporter knew none.
        let is_timed = last.end.is_none() || last.end > last.start || next.start > last.start;
        let follows = match (last.start, last.end.or(last.start), next.start) {
            _ if !is_timed => false,
            (Some(start), Some(end), Some(next)) => (start..=end + MAX_PAUSE).contains(&next),
            _ => false,
        };
        if !is_same_speaker || !follows || !next.may_repeat(last) {
            return None;
        }
        let letters = Letters::of(block, lines);
        let shown = Letters::of(&last.raw, &last.lines);
        let starts_with_it = next.start == last.start;
        let is_flash = || {
            next.end
                .zip(next.start)
                .is_some_and(|(end, start)| end - start <= FLASH)
        };
        let count = match letters.repeated(&shown, block) {
            Some(count) => {
                let is_evident = if count == letters.ends.len() {
                    // A recognizer in a loop repeats captions of the usual length, and people say "Yes." twice.
                    is_flash() || starts_with_it
                } else {
                    count >= MANY_LETTERS || !last.ends_sentence()
                };
                (is_evident || self.evidence > 0).then_some(count)?
            }
            None if starts_with_it => letters.revised(&shown, block)?,
            None => return None,
        };
        let end = count.checked_sub(1).and_then(|last| letters.ends.get(last));
        Some(end.copied().filter(|_| count < letters.ends.len()))
    }
}
