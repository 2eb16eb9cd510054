//! The times of captions, and the line or the start of a line that they stand on.

use crate::text::Span;
use crate::text::eight::Eight;

/// Longest speaker label before the times.
const MAX_LABEL_BYTES: usize = 60;

/// How the times of a caption are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `00:01.000 --> 00:04.000`
    Arrow,
    /// `00:00:01,000 --> 00:00:04,000`
    CommaArrow,
    /// `0:00:01.000,0:00:04.000`
    Pair,
    /// `[00:01.000 --> 00:04.000]`, `[1.00s -> 4.00s]`, `(1.0, 4.0)`
    Bracketed,
    /// `[00:01.00]`
    BracketedStart,
    /// `0:01`, with text after it or alone.
    Start,
    /// `0:01text`, as copied from a page.
    Glued,
}

/// The times at the start of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) form: Form,
    /// Milliseconds.
    pub(super) start: i64,
    pub(super) end: Option<i64>,
    /// The speaker, if the name stands before the times.
    pub(super) label: Option<Span>,
    /// Offset of the text after the times, or the length of the line.
    pub(super) body: usize,
}

/// The times at the start of a line without blanks around it: `00:01.000 --> 00:04.000 align:start`,
/// `[SPEAKER_00] [00:01 --> 00:04] text`, `0:01`. A line that has only an arrow or only one half of the times has none.
pub(super) fn head(line: &str) -> Option<Head> {
    if let Some(head) = glued(line) {
        return Some(head);
    }
    let (label, at) = label_before(line)?;
    let (prefix, rest) = line.split_at(at);
    let inside = rest.strip_prefix(['[', '(']);
    let times = inside.unwrap_or(rest);
    let (start, len) = time(times)?;
    let after = times.split_at(len).1;
    let (end, after) = match second(after, inside.is_some()) {
        Some((end, after)) => (Some(end), after),
        None => (None, after),
    };
    let after = match inside {
        Some(_) => after.trim_start().strip_prefix([']', ')'])?,
        None => after,
    };
    let is_delimited = inside.is_some() || after.is_empty() || after.starts_with([' ', '\t', ':']);
    let separator = times.split_at(len).1.trim_start();
    // `1,318 credit notes` and `3.5 percent` do not start with a time.
    let is_clock = times.split_at(len).0.contains([':', ';']);
    let has_arrow = arrow(separator).is_some();
    let is_seconds = has_arrow || (inside.is_some() && end.is_some());
    if !is_clock && !is_seconds {
        return None;
    }
    let is_bare = label.is_none() && (prefix.is_empty() || end.is_some());
    if !is_delimited || !is_bare && inside.is_none() {
        return None;
    }
    let form = match (inside, end) {
        (Some(_), Some(_)) => Form::Bracketed,
        (Some(_), None) if label.is_some() => return None,
        (Some(_), None) => Form::BracketedStart,
        (None, Some(_)) if separator.starts_with(',') => Form::Pair,
        (None, Some(_)) if times.split_at(len).0.contains(',') => Form::CommaArrow,
        (None, Some(_)) => Form::Arrow,
        (None, None) => Form::Start,
    };
    let is_alone = after.trim().is_empty();
    // Between bare times, a dash or comma proves nothing if text follows: `10:15 - 11:00 lunch`.
    if matches!(form, Form::Arrow | Form::Pair | Form::CommaArrow) && !has_arrow && !is_alone {
        return None;
    }
    let has_settings =
        matches!(form, Form::Arrow | Form::CommaArrow) && after.split_whitespace().all(is_setting);
    let text = match has_settings {
        true => "",
        false => after.trim_start_matches([':', ' ', '\t']),
    };
    Some(Head {
        form,
        start,
        end,
        label,
        body: line.len() - text.len(),
    })
}

/// Whether a line has an arrow between times that a script could not compute: `NaN:NaN:NaN,NaN --> NaN:NaN:NaN,NaN`.
pub(super) fn is_lost(line: &str) -> bool {
    let may_be = line.starts_with(|c: char| c == 'N' || c.is_ascii_digit());
    may_be
        && line.split_once("-->").is_some_and(|(start, end)| {
            [start, end].iter().all(|time| {
                time.contains("NaN")
                    && time.chars().all(|c| {
                        c.is_ascii_digit() || matches!(c, 'N' | 'a' | ':' | '.' | ',' | ' ')
                    })
            })
        })
}

/// A time to the second with the first word or number of the text right after it.
fn glued(line: &str) -> Option<Head> {
    let digits = |from: usize| {
        line.bytes()
            .skip(from)
            .take_while(u8::is_ascii_digit)
            .count()
    };
    let (mut start, mut at) = (0, digits(0));
    let starts_group = |at: usize| line.as_bytes().get(at) == Some(&b':') && digits(at + 1) >= 2;
    if !(1..=2).contains(&at) || !starts_group(at) {
        return None;
    }
    start += line.split_at(at).0.parse::<i64>().ok()?;
    // Of `0:138977` the first two digits are the seconds.
    for _ in 0..2 {
        if starts_group(at) {
            start = start * 60 + line.get(at + 1..at + 3)?.parse::<i64>().ok()?;
            at += 3;
        }
    }
    let is_half = |rest: &str| {
        ["am", "pm", "h"]
            .iter()
            .any(|half| rest.eq_ignore_ascii_case(half))
    };
    let rest = line.split_at(at).1;
    let word = rest.split(' ').next().unwrap_or_default();
    (rest.starts_with(char::is_alphanumeric) && !is_half(word)).then_some(Head {
        form: Form::Glued,
        start: start * 1000,
        end: None,
        label: None,
        body: at,
    })
}

/// Whether a line without a head had the times of a caption before it was damaged: `00:00:0x,000 --> 00:00:04,000`,
/// `00:00:01,000 -`.
pub(super) fn is_damaged(line: &str) -> bool {
    if is_lost(line) {
        return true;
    }
    if line.len() > MAX_LABEL_BYTES
        || !Eight::any(line.as_bytes(), |eight| eight.within(b'0', b'9'))
    {
        return false;
    }
    let digits = line.bytes().filter(u8::is_ascii_digit).count();
    if digits < 6 {
        return false;
    }
    let is_mark = |c: &char| ":;.,->–—→= \t[]()".contains(*c);
    let marks = line.chars().filter(is_mark).count();
    let others = line.chars().count() - digits - marks;
    let has_arrow = line.contains(['>', '→']) || line.contains("--");
    // Two times with hours and fractions.
    let has_clocks = line.matches(':').count() >= 4 && line.matches([',', '.']).count() >= 2;
    others * 3 <= digits && (has_arrow || has_clocks)
}

/// What may stand before the times: nothing, a speaker, or the number of the caption. Returns the offset of the times.
fn label_before(line: &str) -> Option<(Option<Span>, usize)> {
    let first = line.bytes().next()?;
    if first.is_ascii_digit() {
        let (number, after) = line.split_at(line.bytes().take_while(u8::is_ascii_digit).count());
        let times = after.trim_start_matches([' ', '\t']);
        let has_number = times.len() < after.len()
            && times.starts_with(|c: char| c.is_ascii_digit() || c == '[');
        return Some((
            None,
            if has_number {
                line.len() - times.len()
            } else {
                line.len() - after.len() - number.len()
            },
        ));
    }
    let starts_time = |rest: &str| {
        let second = rest.as_bytes().get(1);
        rest.starts_with(['[', '(']) && second.is_some_and(u8::is_ascii_digit)
    };
    if starts_time(line) {
        return Some((None, 0));
    }
    let near = line.split_at(line.floor_char_boundary(MAX_LABEL_BYTES)).0;
    // Most lines are speech.
    if !Eight::any(near.as_bytes(), |eight| {
        eight.equal(b'[').or(eight.equal(b'('))
    }) {
        return None;
    }
    let at = near
        .match_indices(['[', '('])
        .map(|(at, _)| at)
        .find(|&at| starts_time(line.split_at(at).1))?;
    let written = line.split_at(at).0;
    let name = written.trim_matches(['[', ']', '(', ')', ':', ' ', '\t', '-']);
    let start = written.find(name)?;
    (!name.is_empty()).then(|| (Some(Span::from(start..start + name.len())), at))
}

/// The second of two times, and the text after it.
fn second(text: &str, is_bracketed: bool) -> Option<(i64, &str)> {
    let text = text.trim_start();
    let dash = || text.strip_prefix(['-', '–', '—', '~']);
    let pair = || text.strip_prefix(',');
    let to = || text.strip_prefix("to ").filter(|_| is_bracketed);
    let after = arrow(text)
        .or_else(dash)
        .or_else(pair)
        .or_else(to)?
        .trim_start();
    let (time, len) = time(after)?;
    Some((time, after.split_at(len).1))
}

/// The text after an arrow at the start of `text`. Word processors and web pages change how it is written.
fn arrow(text: &str) -> Option<&str> {
    const ARROWS: [&str; 9] = ["-->", "->", "→", "–>", "—>", "--&gt;", "-&gt;", "==>", "=>"];
    ARROWS.iter().find_map(|arrow| text.strip_prefix(arrow))
}

/// Whether a word is a setting of a WebVTT cue or a coordinate of SubRip: `align:start`, `X1:40`.
fn is_setting(word: &str) -> bool {
    word.split_once(':').is_some_and(|(name, value)| {
        !value.is_empty()
            && !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// A time at the start of `text` in milliseconds, with its length: `1:02:03.5`, `00:00:04,500`, `00:00:04:12` with frames,
/// `4.50s`. Hours have no limit.
pub(super) fn time(text: &str) -> Option<(i64, usize)> {
    if let Some(millis) = usual(text) {
        return Some((millis, USUAL_BYTES));
    }
    let (mut seconds, first) = number(text, 9)?;
    let (mut at, mut millis) = (first, 0);
    let mut groups = 1;
    while groups < 4
        && let Some(next) = text.split_at(at).1.strip_prefix([':', ';'])
        && let Some((value, len)) = number(next, 3)
    {
        groups += 1;
        at += 1 + len;
        match (groups, len) {
            (2 | 3, 1 | 2) if value < 60 => seconds = seconds * 60 + value,
            // Frames, whose rate is not written, or milliseconds.
            (4, 1 | 2) => {}
            (4, 3) => millis = value,
            _ => return None,
        }
    }
    let rest = text.split_at(at).1;
    if groups < 4
        && let Some(fraction) = rest.strip_prefix(['.', ','])
        && let Some((value, len)) = number(fraction, 9)
        && !fraction.split_at(len).1.starts_with(':')
    {
        millis = match len {
            1 => value * 100,
            2 => value * 10,
            _ => value / 10_i64.pow(len as u32 - 3),
        };
        at += 1 + len;
    }
    let has_unit = groups == 1 && text.split_at(at).1.starts_with('s');
    let is_time = groups > 1 || has_unit || at > first;
    is_time.then_some((seconds * 1000 + millis, at + usize::from(has_unit)))
}

/// The milliseconds of a time as most captions write it, `00:00:04,500`, if nothing follows that could belong to it.
fn usual(text: &str) -> Option<i64> {
    let bytes: &[u8; USUAL_BYTES] = text.as_bytes().first_chunk()?;
    let after = text.as_bytes().get(USUAL_BYTES);
    let [
        h1 @ b'0'..=b'9',
        h2 @ b'0'..=b'9',
        b':',
        m1 @ b'0'..=b'5',
        m2 @ b'0'..=b'9',
        b':',
        s1 @ b'0'..=b'5',
        s2 @ b'0'..=b'9',
        b'.' | b',',
        f1 @ b'0'..=b'9',
        f2 @ b'0'..=b'9',
        f3 @ b'0'..=b'9',
    ] = *bytes
    else {
        return None;
    };
    let of = |tens: u8, ones: u8| i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
    let seconds = (of(h1, h2) * 60 + of(m1, m2)) * 60 + of(s1, s2);
    let millis = i64::from(f1 - b'0') * 100 + of(f2, f3);
    (!after.is_some_and(|byte| byte.is_ascii_digit() || *byte == b':'))
        .then_some(seconds * 1000 + millis)
}

const USUAL_BYTES: usize = 12;

/// The number of at most `most` digits at the start of `text`, with its length.
fn number(text: &str, most: usize) -> Option<(i64, usize)> {
    let (mut value, mut len) = (0, 0);
    for byte in text.bytes().take_while(u8::is_ascii_digit) {
        value = value * 10 + i64::from(byte - b'0');
        len += 1;
        if len > most {
            return None;
        }
    }
    (len > 0).then_some((value, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (text, expected) in [
            ("0:03", Some((3_000, 4))),
            ("00:00:04.5", Some((4_500, 10))),
            ("00:00:04,500 x", Some((4_500, 12))),
            ("99:59:59.999", Some((359_999_999, 12))),
            ("00:00:04,5000", Some((4_500, 13))),
            ("00:00:04.500:1", Some((4_000, 8))),
            ("00:61:04,500", None),
            ("00:00:60,500", None),
            ("00:0/:04,500", Some((0, 4))),
            ("00:00:04,5/0", Some((4_500, 10))),
            ("1:2:3", Some((3_723_000, 5))),
            ("127:00:00.000", Some((127 * 3_600_000, 13))),
            ("00:00:04:12", Some((4_000, 11))),
            ("00;00;04;12", Some((4_000, 11))),
            ("00:00:04:120", Some((4_120, 12))),
            ("4.50s", Some((4_500, 5))),
            ("4.50", Some((4_500, 4))),
            ("4s", Some((4_000, 2))),
            ("0:00:01.000,0:00:04.000", Some((1_000, 11))),
            ("0:00:01,0:00:04", Some((1_000, 7))),
            ("00:00.0625000", Some((62, 13))),
            ("4", None),
            ("", None),
            ("x", None),
            ("12:99", None),
            ("99999999999999999999:00", None),
        ] {
            assert_eq!(time(text), expected, "{text}");
        }
    }

    #[test]
    fn heads_are_read() {
        use Form::{Arrow, Bracketed, BracketedStart, CommaArrow, Glued, Pair, Start};
        for (line, form, label, body) in [
            ("00:01.000 --> 00:04.000", Arrow, None, ""),
            (
                "00:01.000 --> 00:04.000 align:start position:0%",
                Arrow,
                None,
                "",
            ),
            ("00:01.000-->00:04.000", Arrow, None, ""),
            ("00:00:01.000 → 00:00:04.000", Arrow, None, ""),
            ("00:00:01.000 --&gt; 00:00:04.000", Arrow, None, ""),
            ("00:00:01:00 - 00:00:04:12", Arrow, None, ""),
            ("00:01.000 --> 00:04.000 We begin", Arrow, None, "We begin"),
            (
                "7 00:00:01,000 --> 00:00:04,000 We begin",
                CommaArrow,
                None,
                "We begin",
            ),
            (
                "00:00:01,000 --> 00:00:04,000 X1:40 X2:600",
                CommaArrow,
                None,
                "",
            ),
            ("0:00:01.000,0:00:04.000", Pair, None, ""),
            (
                "[00:01.000 --> 00:04.000]  We begin",
                Bracketed,
                None,
                "We begin",
            ),
            ("[1.00s -> 4.00s] We begin", Bracketed, None, "We begin"),
            ("(1.0, 4.0) We begin", Bracketed, None, "We begin"),
            ("[0:01 - 0:04]: We begin", Bracketed, None, "We begin"),
            (
                "[SPEAKER_00] [0:01 --> 0:04] We begin",
                Bracketed,
                Some("SPEAKER_00"),
                "We begin",
            ),
            (
                "Anna Berg [0:01 --> 0:04]: We begin",
                Bracketed,
                Some("Anna Berg"),
                "We begin",
            ),
            ("[00:01.00] We begin", BracketedStart, None, "We begin"),
            ("0:01", Start, None, ""),
            ("0:01 We begin", Start, None, "We begin"),
            ("0:01We begin", Glued, None, "We begin"),
            ("0:0112 trucks", Glued, None, "12 trucks"),
        ] {
            let head = head(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((head.form, head.start), (form, 1_000), "{line}");
            assert_eq!(
                head.end,
                (!matches!(form, Start | BracketedStart | Glued)).then_some(4_000),
                "{line}"
            );
            assert_eq!(head.label.map(|label| label.of(line)), label, "{line}");
            assert_eq!(&line[head.body..], body, "{line}");
        }
        for line in [
            "",
            "We begin",
            "02x",
            "0:01x",
            "00:00:01.000 --> [",
            "[0:01 --> 0:04",
            "[SPEAKER_00] We begin",
            "10:15 - 11:00 lunch",
            "39 trucks",
            "Then (at 0:01) we",
            "Anna (0:01) We begin",
            "1,318 credit notes",
            "12",
        ] {
            assert!(
                head(line)
                    .is_none_or(|head| matches!(head.form, Start | Glued) && head.end.is_none()),
                "{line}"
            );
        }
        for (line, damaged) in [
            ("00:00:0x,000 --> 00:00:04,000", true),
            ("00:00:01,000 --> 0", true),
            ("00:00:01,000 --", true),
            ("00:00:01,000 > 00:00:04,000", true),
            ("00:00:01,000 00:00:04,000", true),
            ("x0:00:0\u{fffd},000 --> 00:00:04,000", true),
            ("02:34 --> that is when", false),
            ("10:15 - 11:00, 12:15 - 13:00", false),
            ("12 -- 14", false),
            ("1-800-555-0199", false),
            ("39 trucks -- or 40", false),
        ] {
            assert_eq!(is_damaged(line), damaged, "{line}");
        }
        // The second half is no time, so the line is speech.
        let speech = head("02:34 --> that is when").unwrap();
        assert_eq!((speech.form, speech.end), (Start, None));
    }
}
