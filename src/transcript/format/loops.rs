//! Finds recognizer loops: the same words three or more times in a row, which nobody said.
//!
//! A word that equals the word `p` words before continues a run of period `p`. For each period there is one counter, so that
//! a text takes linear time and the filter holds only the last words.

use crate::text::Span;
use crate::text::eight::Eight;
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
    /// The number of the last word with a hash, counted from 1. Words whose hashes start alike share a place, which costs time
    /// but hides nothing.
    recent: [usize; RECENT],
    /// For each period, the number of last words that continue a run.
    matching: [usize; MAX_PERIOD],
    /// The periods for which it is not 0, as bits.
    matching_periods: u32,
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
    /// The number of the word that had its place in [`Loops::recent`] before.
    before: usize,
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
            matching_periods: 0,
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
    ///
    /// Returns the number of tokens with a letter or digit, if all characters are ASCII.
    pub(crate) fn push(
        &mut self,
        text: &str,
        at: usize,
        left_out: &mut Vec<Span>,
    ) -> Option<usize> {
        let mut words = Words {
            text,
            at: 0,
            is_ascii: true,
            tokens: 0,
        };
        let mut start = 0;
        let mut next = words.next();
        while let Some(word) = next {
            next = words.next();
            let end = next.as_ref().map_or(text.len(), |next| next.start);
            if self.take(word.hash, Span::from(at + start..at + end)) {
                self.leave_out(text, at, left_out);
            }
            start = end;
        }
        words.is_ascii.then_some(words.tokens)
    }

    /// Another speaker begins. A roll call is no loop.
    pub(crate) fn change_speaker(&mut self) {
        self.end_loop();
        self.since = self.words;
        self.settled = self.words;
        self.matching = [0; MAX_PERIOD];
        self.matching_periods = 0;
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

    /// Takes the next word. Returns whether it continues a run.
    fn take(&mut self, hash: u32, span: Span) -> bool {
        let number = self.words;
        self.words += 1;
        let known = self
            .recent
            .get_mut((hash >> (u32::BITS - RECENT.ilog2())) as usize);
        let before = known.map_or(0, |known| std::mem::replace(known, self.words));
        // Equal words share a place, so they are among those that stood there before.
        let (mut last, mut equal) = (before, 0_u32);
        while last > self.since && self.words - last <= MAX_PERIOD {
            let earlier = self.word(last - 1);
            if earlier.hash == hash {
                equal |= 1 << (self.words - last);
            }
            last = earlier.before;
        }
        let word = Word { hash, span, before };
        if let Some(place) = self.tail.get_mut(number % TAIL) {
            *place = word;
        }
        let periods = equal | self.matching_periods;
        if periods == 0 {
            return false;
        }
        for period in bits(periods) {
            if let Some(matching) = self.matching.get_mut(period - 1) {
                *matching = if equal >> period & 1 == 1 {
                    *matching + 1
                } else {
                    0
                };
            }
        }
        self.matching_periods = equal;
        if (self.current.as_ref()).is_some_and(|it| equal >> it.period & 1 == 0) {
            self.end_loop();
        }
        equal != 0
    }

    /// Leaves out the copy that is complete with the last word, and the copies before it if they were not yet known to be a
    /// loop.
    fn leave_out(&mut self, text: &str, at: usize, left_out: &mut Vec<Span>) {
        let matching = |period: usize| self.matching.get(period - 1).copied().unwrap_or(0);
        let period = match &self.current {
            Some(it) => Some(it.period),
            None => bits(self.matching_periods).find(|&p| matching(p) >= (times(p) - 1) * p),
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

/// The places of the bits that are set.
fn bits(mut set: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(place)
    })
}

/// The words of a text.
struct Words<'t> {
    text: &'t str,
    at: usize,
    /// Whether all characters so far are ASCII, and if so, the number of tokens with a letter or digit.
    is_ascii: bool,
    tokens: usize,
}

struct Found {
    start: usize,
    /// Of the letters and digits in lower case.
    hash: u32,
}

impl Words<'_> {
    /// The next word. Each ideograph is a word.
    fn next(&mut self) -> Option<Found> {
        let bytes = self.text.as_bytes();
        let (mut at, mut is_token) = (self.at, self.at == 0);
        let start = loop {
            match *bytes.get(at)? {
                b' ' => is_token = true,
                b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => break at,
                b'\t'..=b'\r' => is_token = true,
                0x80.. => {
                    self.is_ascii = false;
                    let c = self.char_at(at)?;
                    if c.is_alphanumeric() && is_ideograph(c) {
                        self.at = at + c.len_utf8();
                        let mut letters = Letters::default();
                        letters.add_char(c);
                        let hash = letters.hash();
                        return Some(Found { start: at, hash });
                    }
                    if c.is_alphanumeric() {
                        break at;
                    }
                    at += c.len_utf8() - 1;
                }
                _ => {}
            }
            at += 1;
        };
        self.tokens += usize::from(is_token);
        // Most words are short and end before a blank.
        let (folded, count) = Eight::at(bytes, at).word();
        let end = at + count;
        if count < 8
            && bytes
                .get(end)
                .is_none_or(|&byte| byte.is_ascii() && byte != b'\'')
        {
            self.at = end;
            let hash = hashed(0, folded);
            return Some(Found { start, hash });
        }
        let hash = self.long_word(at);
        Some(Found { start, hash })
    }

    /// Goes to the end of the word at `at`, and returns its hash.
    fn long_word(&mut self, mut at: usize) -> u32 {
        let bytes = self.text.as_bytes();
        let mut letters = Letters::default();
        loop {
            let (folded, count) = Eight::at(bytes, at).word();
            letters.add(folded, count);
            at += count;
            match bytes.get(at) {
                Some(byte) if byte.is_ascii_alphanumeric() => {}
                Some(b'\'') => at += 1,
                Some(0x80..) => {
                    self.is_ascii = false;
                    match self.char_at(at) {
                        Some('’') => at += '’'.len_utf8(),
                        Some(c) if c.is_alphanumeric() && !is_ideograph(c) => {
                            letters.add_char(c);
                            at += c.len_utf8();
                        }
                        _ => break,
                    }
                }
                _ => break,
            }
        }
        self.at = at;
        letters.hash()
    }

    fn char_at(&self, at: usize) -> Option<char> {
        self.text.split_at(at).1.chars().next()
    }
}

/// Hashes the letters and digits of a word in lower case, eight bytes at a time, however they are handed over.
#[derive(Default)]
struct Letters {
    hash: u32,
    /// Bytes that are not yet in the hash, the first of them lowest, and their number, which is less than eight.
    held: u64,
    count: usize,
}

impl Letters {
    /// Adds the lowest `count` bytes. Those above them are zero.
    fn add(&mut self, bytes: u64, count: usize) {
        self.held |= bytes << (8 * self.count);
        let room = 8 - self.count;
        self.count += count;
        if self.count >= 8 {
            self.hash = hashed(self.hash, self.held);
            self.held = bytes.checked_shr(8 * room as u32).unwrap_or(0);
            self.count -= 8;
        }
    }

    fn add_char(&mut self, c: char) {
        for c in c.to_lowercase() {
            self.add(u32::from(c).into(), 4);
        }
    }

    fn hash(&self) -> u32 {
        hashed(self.hash, self.held)
    }
}

/// The hash of eight bytes that follow those with another hash. All of them change its highest bits.
fn hashed(before: u32, bytes: u64) -> u32 {
    let product = (bytes ^ u64::from(before)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (product >> 32) as u32
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
