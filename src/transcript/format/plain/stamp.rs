//! Parses time stamps: `0:12`, `[00:12:30.5]`, `9:00 AM`, `14:03 Uhr`, `9h05`, `3.5s`, `0'12"`, `00.00.12`, `00 00 0:03`,
//! `[12/03/24, 09:00:03]`, `2026-06-15T09:00:03Z`, `00:03 - 00:07`.

use crate::text::Span;
use crate::text::eight::Eight;

use super::name::{is_blank, is_invisible};
use super::opening::Openings;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Milliseconds since the start of the recording, or since midnight for a time of day. At most 24 days.
    pub(super) millis: i32,
    /// Position of the time without brackets and date.
    pub(super) written: Span,
    /// Offset after the stamp, including its closing bracket.
    pub(super) end: usize,
    pub(super) is_bracketed: bool,
    /// Just a time, or a time in brackets: no date, no AM, no range.
    pub(super) is_simple: bool,
    /// The milliseconds if the first of four groups are days and the last ones seconds, instead of hours and frames.
    pub(super) as_days: Option<i32>,
    /// Two groups: minutes and seconds, or hours and minutes of a day if the whole text says so.
    pub(super) is_short: bool,
}

/// Months as dates abbreviate them. Longer words that start with one of them are months too.
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Words before the time that stand for a date.
const DAYS: [&str; 9] = [
    "today",
    "yesterday",
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
];

/// How days and months start.
const DATES: Openings = Openings::of(&[&MONTHS, &DAYS]);

/// What may enclose a time stamp.
const BRACKETS: [(char, char); 5] = [('[', ']'), ('(', ')'), ('{', '}'), ('（', '）'), ('#', '#')];

/// Names of the hours, minutes and seconds in a time such as `0 minutes 1 seconds`, with their milliseconds.
const UNITS: [([&str; 5], i64); 3] = [
    (["hours", "hour", "hrs", "hr", "h"], 3_600_000),
    (["minutes", "minute", "mins", "min", "m"], 60_000),
    (["seconds", "second", "secs", "sec", "s"], 1000),
];

/// Words for the halves of a day that stand before the time.
const HALVES: [(&str, Half); 6] = [
    ("오전", Half::Morning),
    ("오후", Half::Afternoon),
    ("上午", Half::Morning),
    ("下午", Half::Afternoon),
    ("午前", Half::Morning),
    ("午後", Half::Afternoon),
];

/// Whether a text may start with a time stamp, by its first bytes.
pub(super) fn may_start(text: &str) -> bool {
    let has_digit = |most: usize| {
        let near = text.as_bytes().get(..most).unwrap_or(text.as_bytes());
        Eight::any(near, |eight| eight.within(b'0', b'9'))
    };
    match text.bytes().next() {
        None => false,
        Some(b'0'..=b'9') => true,
        Some(b'[' | b'(' | b'{' | b'-' | b'#') => has_digit(20),
        // East Asian words for the half of the day precede the time.
        Some(0xe4..) => has_digit(24),
        Some(_) => DATES.open(text) && has_digit(24),
    }
}

/// Reads the time stamp at the start of a text.
pub(super) fn read(text: &str) -> Option<Stamp> {
    if !may_start(text) {
        return None;
    }
    let mut at = Cursor { text, at: 0 };
    let close = BRACKETS
        .into_iter()
        .find_map(|(open, close)| text.starts_with(open).then_some((open, close)));
    if let Some((open, _)) = close {
        at.skip(open.len_utf8());
        at.blanks();
    }
    let close = close.map(|(_, close)| close);
    let has_date = !at.is_clock() && !at.is_dotted() && at.eat(Cursor::date);
    if has_date {
        at.blanks();
        at.eat(|at| {
            at.byte(b'T') || (at.one_of(",،").is_some() || at.word("at")) && at.blanks() > 0
        });
    }
    let half_before = at.east_asian_half();
    let start = at.at;
    let clock = at.clock(close.is_some())?;
    let half = half_before.or_else(|| at.half_of_day());
    let written = Span::from(start..at.at);
    // Tenths of a second: `#00:00:10-3#`.
    let has_tenths = close == Some('#') && at.eat(|at| at.byte(b'-') && at.number(1..=1).is_some());
    let has_range = !has_tenths && at.eat(Cursor::range_end);
    at.blanks_if(close.is_some());
    match (close, at.peek()) {
        (Some(close), Some(c)) if c == close => {
            at.skip(close.len_utf8());
            at.eat(Cursor::link);
        }
        (Some(_), _) => return None,
        (None, None) => {}
        (None, Some(c)) if is_blank(c) || is_invisible(c) || ":-|,])*_–—".contains(c) => {}
        _ => return None,
    }
    (clock.is_clear || close.is_some()).then(|| Stamp {
        millis: clock.millis(has_date, half),
        written,
        end: at.at,
        is_bracketed: close.is_some(),
        is_simple: !has_date && half.is_none() && !has_range && !has_tenths,
        as_days: clock.as_days,
        is_short: clock.is_short && !has_date && half.is_none(),
    })
}

/// Whether a text is a date, with or without a day of the week, and nothing else.
pub(super) fn is_date(text: &str) -> bool {
    let mut at = Cursor { text, at: 0 };
    let may_start = DATES.open(text) || text.starts_with(|c: char| c.is_ascii_digit());
    may_start && at.date() && at.peek().is_none()
}

/// Whether a text is a duration, such as `45m 12s` or `1 hr 20 min`.
pub(super) fn is_duration(text: &str) -> bool {
    let mut at = Cursor { text, at: 0 };
    let units = || UNITS.into_iter().flat_map(|(names, _)| names);
    let mut parts = 0;
    while at.number(1..=3).is_some() {
        at.blanks();
        if !units().any(|unit| at.word(unit)) {
            return false;
        }
        at.blanks();
        parts += 1;
    }
    parts > 0 && at.peek().is_none()
}

/// Whether a word is the name of a month or its abbreviation.
pub(super) fn is_month(word: &str) -> bool {
    let word = word.trim_end_matches(['.', ',']);
    let is_start = |month: &&str| {
        word.get(..3)
            .is_some_and(|start| start.eq_ignore_ascii_case(month))
    };
    word.len() <= 9
        && word.bytes().all(|byte| byte.is_ascii_alphabetic())
        && MONTHS.iter().any(is_start)
}

/// A time as written.
struct Clock {
    millis: i64,
    /// It can be nothing but a time, even without brackets.
    is_clear: bool,
    /// Two groups of digits: minutes and seconds of a recording, or hours and minutes of a day.
    is_short: bool,
    as_days: Option<i32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    Morning,
    Afternoon,
}

impl Clock {
    fn new(millis: i64) -> Self {
        Self {
            millis,
            is_clear: true,
            is_short: false,
            as_days: None,
        }
    }

    fn millis(&self, has_date: bool, half: Option<Half>) -> i32 {
        const HOUR: i64 = 3_600_000;
        let is_of_day = has_date || half.is_some();
        let mut millis = self.millis * if self.is_short && is_of_day { 60 } else { 1 };
        let is_twelve = millis / HOUR == 12;
        if half == Some(Half::Morning) && is_twelve {
            millis -= 12 * HOUR;
        } else if half == Some(Half::Afternoon) && !is_twelve {
            millis += 12 * HOUR;
        }
        i32::try_from(millis).unwrap_or(i32::MAX)
    }
}

/// Seconds of days, hours, minutes and seconds.
fn seconds([days, hours, minutes, seconds]: [i64; 4]) -> i64 {
    ((days * 24 + hours) * 60 + minutes) * 60 + seconds
}

#[derive(Clone, Copy)]
struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// Runs a parser and goes back if it fails.
    fn eat(&mut self, parse: impl FnOnce(&mut Self) -> bool) -> bool {
        let before = *self;
        let found = parse(self);
        if !found {
            *self = before;
        }
        found
    }

    fn byte(&mut self, byte: u8) -> bool {
        let found = self.rest().as_bytes().first() == Some(&byte);
        self.at += usize::from(found);
        found
    }

    fn one_of(&mut self, set: &str) -> Option<char> {
        let c = self.peek().filter(|&c| set.contains(c))?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn blanks(&mut self) -> usize {
        let rest = self.rest();
        let len = rest.len()
            - rest
                .trim_start_matches([' ', '\u{a0}', '\u{202f}', '\t'])
                .len();
        self.at += len;
        len
    }

    fn blanks_if(&mut self, condition: bool) {
        if condition {
            self.blanks();
        }
    }

    /// A word in any case that is not followed by another letter.
    fn word(&mut self, word: &str) -> bool {
        let rest = self.rest();
        let found = rest
            .get(..word.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(word))
            && !rest
                .as_bytes()
                .get(word.len())
                .is_some_and(u8::is_ascii_alphabetic);
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// A number with as many digits as `digits` allows, and not one more.
    fn number(&mut self, digits: std::ops::RangeInclusive<usize>) -> Option<i64> {
        let bytes = self.rest().bytes();
        let count = bytes.take_while(u8::is_ascii_digit).take(20).count();
        let number = self.rest().get(..count)?.parse().ok()?;
        digits.contains(&count).then(|| {
            self.at += count;
            number
        })
    }

    /// Whether digits and a colon follow, so that this is no date.
    fn is_clock(&self) -> bool {
        let mut after_digits = self.rest().bytes().skip_while(u8::is_ascii_digit);
        after_digits.next() == Some(b':')
    }

    /// Whether a time with full stops follows, `00.12.30`, and not a date with its time. Few dates are that early in a month.
    fn is_dotted(&self) -> bool {
        let Some(
            [
                hours @ ..,
                b'.',
                b'0'..=b'5',
                b'0'..=b'9',
                b'.',
                b'0'..=b'5',
                b'0'..=b'9',
            ],
        ) = self.rest().as_bytes().first_chunk::<8>()
        else {
            return false;
        };
        let after = self.rest().split_at(8).1.trim_start_matches([',', ' ']);
        matches!(hours, b"00" | b"01" | b"02")
            && !after.starts_with(|c: char| c.is_ascii_digit() || c == '.')
    }

    /// `2026-06-15`, `12/03/24`, `12.03.2024`, `15 Jun 2026`, `Jun 15, 2026`, `Monday`, `Today`.
    fn date(&mut self) -> bool {
        let has_day = self.eat(|at| {
            let len = at
                .rest()
                .bytes()
                .take(10)
                .take_while(u8::is_ascii_alphabetic)
                .count();
            let word = at.rest().get(..len).unwrap_or_default();
            at.at += len;
            let is_short = len == 3
                || word
                    .get(len.saturating_sub(3)..)
                    .is_some_and(|end| end.eq_ignore_ascii_case("day"));
            DAYS.iter().any(|day| {
                let start = word
                    .get(..day.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(day));
                start && (len == day.len() || (day.len() == 3 && is_short))
            })
        });
        if has_day {
            self.byte(b',');
            if self.blanks() == 0 {
                return true;
            }
        }
        self.eat(Self::numeric_date) || self.eat(Self::written_date) || has_day
    }

    fn numeric_date(&mut self) -> bool {
        let is_year_first = self.number(4..=4).is_some();
        if !is_year_first && self.number(1..=2).is_none() {
            return false;
        }
        let Some(separator) = self.one_of("-/.") else {
            return false;
        };
        if self.number(1..=2).is_none() {
            return false;
        }
        let last = if is_year_first { 1..=2 } else { 2..=4 };
        let has_last =
            self.eat(|at| at.one_of("-/.") == Some(separator) && at.number(last).is_some());
        has_last || (separator == '/' && !is_year_first)
    }

    fn written_date(&mut self) -> bool {
        let has_day = self.day_of_month();
        let has_hyphen = has_day && self.byte(b'-');
        self.blanks();
        let len = self
            .rest()
            .bytes()
            .take(10)
            .take_while(u8::is_ascii_alphabetic)
            .count();
        if !self.rest().get(..len).is_some_and(is_month) {
            return false;
        }
        self.at += len;
        if has_hyphen {
            return self.byte(b'-') && self.number(2..=4).is_some();
        }
        self.byte(b'.');
        self.blanks();
        if !has_day && !self.day_of_month() {
            return false;
        }
        self.eat(|at| {
            at.byte(b',');
            at.blanks();
            at.number(4..=4).is_some()
        });
        true
    }

    fn day_of_month(&mut self) -> bool {
        let found = self.eat(|at| at.number(1..=2).is_some());
        if found
            && !["st", "nd", "rd", "th"]
                .into_iter()
                .any(|ending| self.word(ending))
        {
            self.eat(|at| at.byte(b'.') && at.blanks() > 0);
        }
        found
    }

    fn clock(&mut self, in_brackets: bool) -> Option<Clock> {
        let is_negative = self.byte(b'-');
        if !in_brackets
            && !is_negative
            && let Some(millis) = self.mission_time()
        {
            return Some(Clock::new(millis));
        }
        if !is_negative && self.is_dotted() {
            let mut next = || {
                let number = self.number(2..=2);
                self.byte(b'.');
                number
            };
            let parts = [0, next()?, next()?, next()?];
            return Some(Clock::new(seconds(parts) * 1000));
        }
        // Recognizers count seconds beyond a thousand.
        let first = self.number(1..=if in_brackets { 6 } else { 3 })?;
        let mut clock = if self.byte(b':') {
            self.groups(first)?
        } else if self.one_of("'’′").is_some() {
            let millis = (first * 60 + self.number(2..=2)?) * 1000;
            let _has_mark =
                self.one_of("\"”″").is_some() || self.eat(|at| at.byte(b'\'') && at.byte(b'\''));
            Clock::new(millis)
        } else {
            self.units(first, in_brackets)?
        };
        clock.millis *= if is_negative { -1 } else { 1 };
        Some(clock)
    }

    /// Two to four groups of digits with colons between them, of which the first has been read.
    fn groups(&mut self, first: i64) -> Option<Clock> {
        let before = self.at;
        let mut parts = [0, 0, first, self.number(1..=2)?];
        let is_padded = self.at - before == 2;
        let mut next = || {
            self.eat(|at| {
                let number = at.byte(b':').then(|| at.number(1..=2)).flatten();
                if let Some(number) = number {
                    parts.rotate_left(1);
                    parts[3] = number;
                }
                number.is_some()
            })
        };
        let is_short = !next();
        let has_four = !is_short && next();
        // The frames of a video follow the seconds. The clock of a space mission has days instead of hours.
        let as_days = has_four.then(|| i32::try_from(seconds(parts) * 1000).unwrap_or(i32::MAX));
        if has_four && parts[3] < 30 {
            parts.rotate_right(1);
            parts[0] = 0;
        }
        // `3:1` is a ratio, `0:0:3.450` is a time.
        if is_short && !is_padded {
            return None;
        }
        let fraction = self.fraction().unwrap_or_default();
        self.eat(|at| at.byte(b';') && at.number(2..=2).is_some());
        // Hours and minutes, in German.
        let is_of_day = self.eat(|at| at.blanks() > 0 && at.word("Uhr"));
        let _has_suffix = self.word("s") || self.byte(b'Z') || self.eat(Self::zone);
        let factor = if is_short && is_of_day { 60_000 } else { 1000 };
        Some(Clock {
            is_short: is_short && !is_of_day,
            as_days,
            ..Clock::new(seconds(parts) * factor + fraction)
        })
    }

    /// Numbers with units, of which the first number has been read: `9h05`, `1h 2m 3s`, `3.5s`.
    fn units(&mut self, first: i64, in_brackets: bool) -> Option<Clock> {
        let fraction = self.fraction();
        let (mut millis, mut number, mut parts) = (0, Some(first), 0);
        for (names, factor) in UNITS {
            let has_unit = |at: &mut Self| {
                let [.., short] = names;
                let is_word = |at: &mut Self| {
                    at.blanks() > 0 && names.iter().any(|name| name.len() > 1 && at.word(name))
                };
                short.bytes().next().is_some_and(|short| at.byte(short)) || at.eat(is_word)
            };
            let Some(count) = number.filter(|_| has_unit(self)) else {
                continue;
            };
            millis += count * factor;
            parts += 1;
            number = None;
            self.eat(|at| {
                let has_blank = at.blanks() > 0;
                number = at
                    .number(1..=2)
                    .filter(|_| !has_blank || at.rest().trim_start().starts_with(['m', 's']));
                number.is_some()
            });
        }
        // The minutes of `9h05` and the seconds of `[3.5]` have no unit.
        match (parts, number) {
            (0, Some(seconds)) if in_brackets && fraction.is_some() => millis = seconds * 1000,
            (0, _) => return None,
            (_, minutes) => millis += minutes.unwrap_or_default() * 60_000,
        }
        Some(Clock {
            is_clear: parts > 1 || number.is_some(),
            ..Clock::new(millis + fraction.unwrap_or_default())
        })
    }

    /// Days, hours, minutes and seconds of a mission, with blanks between them: `00 00 0:03`, `00 00 00 03`.
    fn mission_time(&mut self) -> Option<i64> {
        let mut parts = [0; 4];
        let found = self.eat(|at| {
            parts.iter_mut().enumerate().all(|(index, part)| {
                let is_joined = index == 0 || at.byte(b' ') || (index == 3 && at.byte(b':'));
                let digits = if index == 2 { 1..=2 } else { 2..=2 };
                let number = at.number(digits);
                *part = number.unwrap_or_default();
                is_joined && number.is_some()
            })
        });
        found.then(|| seconds(parts) * 1000)
    }

    /// Milliseconds after a point or a comma.
    fn fraction(&mut self) -> Option<i64> {
        let before = *self;
        let has_point = self.one_of(".,").is_some();
        let digits = self.rest().bytes().take(20).take_while(u8::is_ascii_digit);
        let count = digits.clone().count();
        if !has_point || count == 0 {
            *self = before;
            return None;
        }
        let padded = digits.chain(*b"00").take(3);
        let millis = padded.fold(0, |millis, digit| millis * 10 + i64::from(digit - b'0'));
        self.at += count;
        Some(millis)
    }

    /// The target of a Markdown link: `(https://example.org/video?t=1)`.
    fn link(&mut self) -> bool {
        let target = self.rest().strip_prefix("(http");
        let end = target.and_then(|target| {
            target
                .find([')', ' '])
                .filter(|&end| target[end..].starts_with(')'))
        });
        self.at += end.map_or(0, |end| "(http".len() + end + 1);
        end.is_some()
    }

    fn east_asian_half(&mut self) -> Option<Half> {
        let (word, half) = HALVES
            .into_iter()
            .find(|(word, _)| self.rest().starts_with(word))?;
        self.skip(word.len());
        self.blanks();
        Some(half)
    }

    /// `AM` or `PM` in any spelling, `a. m.`, `ص` or `م`.
    fn half_of_day(&mut self) -> Option<Half> {
        let mut half = None;
        self.eat(|at| {
            at.blanks();
            let first = at.one_of("aApPصم");
            half = match first {
                Some('a' | 'A' | 'ص') => Some(Half::Morning),
                Some(_) => Some(Half::Afternoon),
                None => None,
            };
            let has_stop = at.byte(b'.');
            at.blanks_if(has_stop);
            let has_m = matches!(first, Some('ص' | 'م')) || at.one_of("mM").is_some();
            at.byte(b'.');
            half = half.filter(|_| has_m && !at.peek().is_some_and(char::is_alphanumeric));
            half.is_some()
        });
        half
    }

    /// The second half of a range: ` --> 00:07`, ` - 0:07`, `–0:07`.
    fn range_end(&mut self) -> bool {
        self.blanks();
        let is_range = self.one_of("–—").is_some() || {
            let rest = self.rest();
            let arrow = rest.len() - rest.trim_start_matches(['-', '>']).len();
            let is_arrow = ["-", "--", "->", "-->"].contains(&&rest[..arrow]);
            self.at += arrow;
            is_arrow
        };
        self.blanks();
        is_range && self.clock(false).is_some_and(|clock| clock.is_clear)
    }

    /// `+02:00`.
    fn zone(&mut self) -> bool {
        self.one_of("+-").is_some()
            && self.number(2..=2).is_some()
            && self.byte(b':')
            && self.number(2..=2).is_some()
            // A third group makes it the end of a range.
            && self.peek() != Some(':')
    }
}
