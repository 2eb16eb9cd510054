//! Drops what rolling and growing captions repeat, so that each spoken line is read once.
//!
//! Rolling captions show each line again above the next one, and often a third time alone for some milliseconds. Growing
//! captions show a sentence anew with each word. In both, a caption begins with the last lines of the one before it. Only
//! letters and digits are compared, because a recognizer revises case and punctuation.

use crate::text::sentence;
use crate::transcript::format::captions::Caption;
use crate::transcript::format::clean::clean;

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
    last: Letters,
    next: Letters,
    /// Rises with each repetition and falls with each caption that repeats nothing.
    evidence: u8,
}

/// The letters and digits of a caption, in lower case.
#[derive(Debug, Default)]
struct Letters {
    text: String,
    /// For each letter the offset after it in the block that was read.
    ends: Vec<usize>,
    /// Where the lines start in `text`.
    lines: Vec<usize>,
    speaker: Option<String>,
    start: Option<i64>,
    end: Option<i64>,
    ends_sentence: bool,
}

impl Letters {
    fn read(&mut self, block: &str, caption: &Caption<'_>) {
        self.text.clear();
        self.ends.clear();
        self.lines.clear();
        self.speaker
            .clone_from(&caption.speaker.as_deref().map(str::to_owned));
        (self.start, self.end) = (caption.start, caption.end);
        for &line in &caption.lines {
            self.lines.push(self.text.len());
            self.text.reserve(line.len());
            self.ends.reserve(line.len());
            let raw = line.of(block);
            let mut done = 0;
            clean(raw, &mut |range, replacement| {
                self.push(raw, done..range.start, line.start);
                let written = replacement.chars().filter(|c| c.is_alphanumeric());
                for c in written {
                    self.push_letter(c, line.start + range.end);
                }
                done = range.end;
            });
            self.push(raw, done..raw.len(), line.start);
        }
        let last = caption.lines.last().map(|line| line.of(block));
        self.ends_sentence = last.is_some_and(sentence::ends_sentence);
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

    /// How many letters at the start of `self` revise `last`, which is shown from the same time on.
    fn revised(&self, last: &Self, block: &str) -> Option<usize> {
        let shared = self
            .text
            .chars()
            .zip(last.text.chars())
            .take_while(|(a, b)| a == b)
            .count();
        if self.start.is_none()
            || self.start != last.start
            || shared < 4
            || shared * 2 < last.ends.len()
        {
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
        self.next.read(block, caption);
        let count = self.repeated(block);
        std::mem::swap(&mut self.last, &mut self.next);
        self.evidence = match count {
            Some(_) => (self.evidence + 2).min(MAX_EVIDENCE),
            None => self.evidence.saturating_sub(1),
        };
        let Some(count) = count else { return };
        caption.is_change = false;
        let Some(&end) = count
            .checked_sub(1)
            .and_then(|last| self.last.ends.get(last))
        else {
            return;
        };
        if count == self.last.ends.len() {
            caption.lines.clear();
            return;
        }
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

    /// How many letters at the start of the next caption the last one has shown.
    fn repeated(&self, block: &str) -> Option<usize> {
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
        if !is_same_speaker || !follows {
            return None;
        }
        let Some(count) = next.repeated(last, block) else {
            return next.revised(last, block);
        };
        let is_flash = || {
            next.end
                .zip(next.start)
                .is_some_and(|(end, start)| end - start <= FLASH)
        };
        let is_evident = if count == next.ends.len() {
            // A recognizer in a loop repeats captions of the usual length, and people say "Yes." twice.
            is_flash() || next.start == last.start
        } else {
            count >= MANY_LETTERS || !last.ends_sentence
        };
        (is_evident || self.evidence > 0).then_some(count)
    }
}
