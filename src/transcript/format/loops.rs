//! Finds recognizer loops: the same words three or more times in a row, which nobody said.
//!
//! A word that equals the word `p` words before continues a run of period `p`. For each period there is one counter, so that
//! a text takes linear time and the filter holds only the last words.

use crate::text::Span;
use crate::text::script::is_ideograph;

/// Words of the longest loop.
const MAX_PERIOD: usize = 30;

/// Characters of a loop that are shown in a warning.
const SHOWN_CHARS: usize = 40;

/// Words that are remembered: two repeats of the longest loop and more, and a power of two.
const TAIL: usize = 64;

/// Places for the words that were said last.
const RECENT: usize = 1024;

/// How often words must follow each other to be a loop. People say "no" seven times in a row and "thank you" four times, but
/// no sentence of four words three times. Twelve words that are said in a row are never fewer copies than these.
const fn times(period: usize) -> usize {
    match period {
        1 => 8,
        2 => 5,
        3 => 4,
        _ => 3,
    }
}

/// Filters what one speaker says, piece by piece. Remembers only the last words.
#[derive(Debug)]
pub(crate) struct Loops {
    /// The last words, in a ring.
    tail: [Word; TAIL],
    /// Number of words, and their number when the speaker began.
    words: usize,
    since: usize,
    /// The number of the last word with a hash, counted from 1. Words with equal remainders share a place, which costs time
    /// but hides nothing.
    recent: [usize; RECENT],
    /// For each period, the number of last words that continue a run.
    matching: [usize; MAX_PERIOD],
    /// Whether any of these is not 0.
    is_matching: bool,
    /// The words before this one are kept or left out for good.
    settled: usize,
    /// The loop that is under way.
    current: Option<Loop>,
    longest: Option<Loop>,
    repeats: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Word {
    hash: u32,
    /// From the start of the word to the start of the next. The first and last word include the edges of their piece.
    span: Span,
}

#[derive(Debug, Clone)]
struct Loop {
    period: usize,
    /// Words left out.
    words: usize,
    shown: String,
}

impl Default for Loops {
    fn default() -> Self {
        Self {
            tail: [Word::default(); TAIL],
            words: 0,
            since: 0,
            recent: [0; RECENT],
            matching: [0; MAX_PERIOD],
            is_matching: false,
            settled: 0,
            current: None,
            longest: None,
            repeats: 0,
        }
    }
}

impl Loops {
    /// Takes the next piece of what the speaker says, which starts at offset `at`, and adds the spans to leave out: every
    /// repeat but the first occurrence. They ascend, but may lie in earlier pieces, since a loop shows at its third or later
    /// repeat.
    pub(crate) fn push(&mut self, text: &str, at: usize, left_out: &mut Vec<Span>) {
        let mut words = words(text).peekable();
        let mut start = 0;
        while let Some((_, hash)) = words.next() {
            let end = words.peek().map_or(text.len(), |&(next, _)| next);
            let span = Span::from(at + start..at + end);
            if self.take(Word { hash, span }) {
                self.leave_out(text, at, left_out);
            }
            start = end;
        }
    }

    /// Another speaker begins. A roll call is no loop.
    pub(crate) fn change_speaker(&mut self) {
        self.end_loop();
        self.since = self.words;
        self.settled = self.words;
        self.matching = [0; MAX_PERIOD];
    }

    /// Number of repeats that were left out.
    pub(crate) fn repeats(&self) -> usize {
        self.repeats
    }

    /// The beginning of the longest loop.
    pub(crate) fn longest(&self) -> Option<&str> {
        let loops = self.longest.iter().chain(&self.current);
        let longest = loops.max_by_key(|found| found.words);
        longest.map(|found| found.shown.as_str())
    }

    fn word(&self, number: usize) -> Word {
        self.tail.get(number % TAIL).copied().unwrap_or_default()
    }

    /// Takes the next word. Returns whether it may continue a run.
    fn take(&mut self, word: Word) -> bool {
        let number = self.words;
        self.words += 1;
        let known = self.recent.get_mut(word.hash as usize % RECENT);
        let before = known.map_or(0, |known| std::mem::replace(known, self.words));
        let distance = self.words - before;
        let is_known = before > self.since && distance <= MAX_PERIOD;
        if is_known {
            let tail = &self.tail;
            let farthest = number - self.since;
            for (period, matching) in (1..=farthest).zip(&mut self.matching) {
                let is_equal = period >= distance
                    && tail
                        .get((number - period) % TAIL)
                        .is_some_and(|earlier| earlier.hash == word.hash);
                *matching = if is_equal { *matching + 1 } else { 0 };
            }
        } else if self.is_matching {
            self.matching = [0; MAX_PERIOD];
            self.end_loop();
        }
        self.is_matching = is_known;
        if let Some(place) = self.tail.get_mut(number % TAIL) {
            *place = word;
        }
        is_known
    }

    /// Leaves out the copy that is complete with the last word, and the copies before it if they were not yet known to be a
    /// loop.
    fn leave_out(&mut self, text: &str, at: usize, left_out: &mut Vec<Span>) {
        let matching = |period: usize| self.matching.get(period - 1).copied().unwrap_or(0);
        if self
            .current
            .as_ref()
            .is_some_and(|it| matching(it.period) == 0)
        {
            self.end_loop();
        }
        let matching = |period: usize| self.matching.get(period - 1).copied().unwrap_or(0);
        let period = match &self.current {
            Some(it) => Some(it.period),
            None => (1..=MAX_PERIOD).find(|&p| matching(p) >= (times(p) - 1) * p),
        };
        let Some(period) = period.filter(|&p| matching(p) % p == 0) else {
            return;
        };
        let copies = match self.current {
            Some(_) => 1,
            None => matching(period) / period,
        };
        let from = (self.words - copies * period).max(self.settled);
        for number in from..self.words {
            let Span { start, end } = self.word(number).span;
            match left_out.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => left_out.push(Span { start, end }),
            }
        }
        let count = self.words - from;
        self.settled = self.words;
        self.repeats += copies;
        let first = self.word(self.words - period).span.start;
        let current = self.current.get_or_insert_with(|| Loop {
            period,
            words: 0,
            shown: text
                .split_at(first.saturating_sub(at))
                .1
                .chars()
                .take(SHOWN_CHARS)
                .collect(),
        });
        current.words += count;
    }

    fn end_loop(&mut self) {
        let ended = self.current.take();
        let least = self.longest.as_ref().map_or(0, |longest| longest.words);
        self.longest = ended.filter(|it| it.words > least).or(self.longest.take());
    }
}

/// The words of a text in the order of their starts, as hashes of their letters and digits in lower case. Each ideograph is a
/// word.
fn words(text: &str) -> impl Iterator<Item = (usize, u32)> {
    let mut at = 0;
    // Most characters are ASCII, whose bytes are faster to read.
    let next = move |at: usize| {
        let byte = *text.as_bytes().get(at)?;
        match byte.is_ascii() {
            true => Some(char::from(byte)),
            false => text.split_at(at).1.chars().next(),
        }
    };
    std::iter::from_fn(move || {
        let mut c = next(at)?;
        while !c.is_alphanumeric() {
            at += c.len_utf8();
            c = next(at)?;
        }
        let start = at;
        let mut hash = FNV_OFFSET;
        if is_ideograph(c) {
            at += c.len_utf8();
            return Some((start, hashed(hash, c)));
        }
        let mut following = Some(c);
        while let Some(c) = following {
            if c.is_alphanumeric() && (c.is_ascii() || !is_ideograph(c)) {
                hash = hashed(hash, c);
            } else if !matches!(c, '\'' | '’') {
                break;
            }
            at += c.len_utf8();
            following = next(at);
        }
        Some((start, hash))
    })
}

/// FNV-1a.
const FNV_OFFSET: u32 = 0x811c_9dc5;
const FNV_PRIME: u32 = 0x0100_0193;

fn hashed(hash: u32, c: char) -> u32 {
    let add = |hash: u32, c: char| (hash ^ u32::from(c)).wrapping_mul(FNV_PRIME);
    if c.is_ascii() {
        add(hash, c.to_ascii_lowercase())
    } else {
        c.to_lowercase().fold(hash, add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of pieces that one speaker says.
    fn left(pieces: &[&str]) -> (String, Loops) {
        let mut loops = Loops::default();
        let (mut out, mut at) = (Vec::new(), 0);
        for piece in pieces {
            loops.push(piece, at, &mut out);
            at += piece.len();
        }
        let mut text = pieces.concat();
        assert!(out.is_sorted_by(|a, b| a.end <= b.start), "{out:?}");
        for span in out.into_iter().rev() {
            text.replace_range(span.start..span.end, "");
        }
        (text, loops)
    }

    #[test]
    fn a_loop_is_kept_once() {
        for (text, kept, repeats) in [
            (
                "So. Please like and subscribe! Please like and subscribe. please like and subscribe. Bye.",
                "So. Please like and subscribe! Bye.",
                2,
            ),
            (
                "and then we go to the shop and then we go to the shop and then we go to the shop and left",
                "and then we go to the shop and left",
                2,
            ),
            (
                "我们下次再见。我们下次再见。我们下次再见。好。",
                "我们下次再见。好。",
                2,
            ),
            (
                "yeah yeah yeah yeah yeah yeah yeah yeah yeah okay",
                "yeah okay",
                8,
            ),
            (
                "I don't know. I don’t know. I dont know. I don't know.",
                "I don't know. ",
                3,
            ),
        ] {
            let (found, loops) = left(&[text]);
            assert_eq!((found.as_str(), loops.repeats()), (kept, repeats), "{text}");
        }
    }

    #[test]
    fn a_loop_may_run_over_many_pieces() {
        let cue = "See you in the next one! ";
        let (text, loops) =
            left(&[&["It rained. "][..], &[cue; 500], &["Then it stopped."]].concat());
        assert_eq!(text, format!("It rained. {cue}Then it stopped."));
        assert_eq!(loops.repeats(), 499);
        assert_eq!(loops.longest(), Some(cue));
        // A sentence over two cues.
        let (text, _) = left(&["we went to ", "the river "].repeat(40));
        assert_eq!(text, "we went to the river ");
    }

    #[test]
    fn what_people_say_is_kept() {
        for text in [
            "No, no, no. That is very, very, very late. Ten, ten, ten.",
            "bye bye bye bye bye bye",
            "Thank you. Thank you. Thank you. Thank you.",
            "Yes we can. Yes we can. Yes we can.",
            "testing 1 1 1 2 2 2",
            "We agreed on that point. We agreed on that point. And that was all.",
            "对对对对，好的好的好的。",
            "one two one two one two one two",
        ] {
            assert_eq!(left(&[text]).0, text);
        }
    }

    #[test]
    fn a_roll_call_is_no_loop() {
        let mut loops = Loops::default();
        let mut out = Vec::new();
        for at in 0..50 {
            loops.push("I vote aye on this.", at * 20, &mut out);
            loops.change_speaker();
        }
        assert!(out.is_empty());
        assert_eq!(loops.longest(), None);
    }

    #[test]
    fn only_whole_repeats_are_left_out() {
        let cue = "the next slide shows it. ";
        let (text, loops) = left(&[cue, cue, cue, "The next slide is blank."]);
        assert_eq!(text, format!("{cue}The next slide is blank."));
        assert_eq!(loops.longest(), Some(cue));
    }
}
