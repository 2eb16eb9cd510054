//! Plain text, in which a segment starts at each line with a speaker label or a time stamp.
//!
//! Supported forms are `Name:`, `[00:12:30] Name:`, `Name (00:12):`, `SPEAKER_01:`, `>> NAME:`, `<v Name>`, and a name or a
//! time stamp on its own line. Whether a label is a name depends on the whole text: it is a name if it recurs, if it has a
//! time stamp next to it, or if most lines have a label. A text without such lines has no segments, and no code depends on
//! there being any.

use std::collections::HashMap;

use crate::text::Span;
use crate::transcript::format::old_segment::{Segment, Segments, Speaker, Timestamp};

/// Maximum length of a speaker label, in bytes. Parliaments put office, name, riding and party into it.
const MAX_LABEL_BYTES: usize = 100;

/// Maximum number of words in a label, outside brackets.
const MAX_LABEL_WORDS: usize = 5;

/// Words in a name that may be lower-case.
const PARTICLES: [&str; 13] = [
    "de", "da", "di", "van", "von", "der", "den", "la", "le", "al", "of", "the", "and",
];

pub(crate) struct Plain {
    pub(crate) heads: Vec<PlainHead>,
    pub(crate) speakers: Vec<String>,
    pub(crate) drops: Vec<Span>,
    pub(crate) is_wrapped: bool,
}
#[derive(Clone, Copy)]
pub(crate) struct PlainHead {
    pub(crate) start: u32,
    pub(crate) body: u32,
    pub(crate) speaker: Option<crate::transcript::segment::Speaker>,
    pub(crate) time: Option<i32>,
    pub(crate) as_written: bool,
}
pub(crate) fn analyze(text: &str) -> Plain {
    let segments = read_old(text);
    let heads = segments
        .starting_in(0..text.len())
        .iter()
        .map(|segment| PlainHead {
            start: segment.start() as u32,
            body: segment.body().start as u32,
            speaker: segment
                .speaker
                .and_then(|s| crate::transcript::segment::Speaker::new(s.index())),
            time: segment.time().map(|time| time.millis),
            as_written: true,
        })
        .collect();
    Plain {
        heads,
        speakers: segments.speakers,
        drops: Vec::new(),
        is_wrapped: false,
    }
}

/// Splits a text into segments.
#[must_use]
pub fn read(text: &str) -> crate::transcript::segment::Segments {
    let plain = analyze(text);
    let all = plain
        .heads
        .iter()
        .filter_map(|head| {
            let mut segment = crate::transcript::segment::Segment::new(
                head.start as usize,
                head.speaker,
                head.time.map(crate::transcript::segment::Timestamp),
            )?;
            segment.set_body((head.body - head.start) as usize);
            Some(segment)
        })
        .collect();
    crate::transcript::segment::Segments::new(all, plain.speakers, text.len())
}
fn read_old(text: &str) -> Segments {
    let (mut segments, mut labels) = candidates(text);
    let mut speakers = Vec::new();
    let mut current = None;
    segments.retain_mut(|segment| {
        let had_label = segment.speaker.is_some();
        if let Some(name) = labels.name_of(segment) {
            if name.speaker.is_none() {
                name.speaker = Speaker::new(speakers.len());
                speakers.push(name.text.to_owned());
            }
            current = name.speaker;
        } else {
            let Some(time) = segment.time() else {
                return false;
            };
            if had_label {
                let line = line_at(text, segment.start());
                segment.set_body(after_time(line, time.written.end - segment.start()));
            }
            // A time stamp without a label does not change the speaker.
        }
        segment.speaker = current;
        true
    });
    Segments::new(segments, speakers, text.len())
}

/// A label and the number of its occurrences.
#[derive(Default)]
struct Label<'t> {
    text: &'t str,
    with_colon: u32,
    alone: u32,
    /// The label occurs next to a time stamp, which proves that it is a name.
    is_timed: bool,
    speaker: Option<Speaker>,
}

#[derive(Default)]
struct Labels<'t> {
    all: Vec<Label<'t>>,
    known: HashMap<&'t str, Speaker>,
    /// Most lines have a label, so even a label that occurs only once is a name.
    on_most_lines: bool,
}

impl<'t> Labels<'t> {
    /// Counts a label and returns its id. `None` if there are more distinct labels than possible speakers.
    fn count(&mut self, text: &'t str, head: &Head) -> Option<Speaker> {
        let id = match self.known.get(text) {
            Some(&id) => id,
            None => {
                let id = Speaker::new(self.all.len())?;
                self.all.push(Label {
                    text,
                    ..Label::default()
                });
                self.known.insert(text, id);
                id
            }
        };
        let label = self.all.get_mut(id.index())?;
        label.is_timed |= head.time.is_some();
        label.with_colon += u32::from(head.has_colon);
        label.alone += u32::from(!head.has_colon);
        Some(id)
    }

    /// The label of a segment, if it counts as a name.
    fn name_of(&mut self, segment: &Segment) -> Option<&mut Label<'t>> {
        let label = self.all.get_mut(segment.speaker?.index())?;
        let recurs = if segment.has_colon {
            label.with_colon > 1 || self.on_most_lines
        } else {
            label.alone > 1 && !self.on_most_lines
        };
        (label.is_timed || recurs).then_some(label)
    }
}

/// Creates a segment for each line with a label or a time stamp. Its `speaker` holds the label's id for now.
fn candidates(text: &str) -> (Vec<Segment>, Labels<'_>) {
    let mut segments = Vec::new();
    let mut labels = Labels::default();
    let (mut lines, mut labelled, mut next) = (0_usize, 0_usize, 0);
    while next < text.len() {
        let start = next;
        let line = line_at(text, start);
        next += line.len() + 1;
        let line = line.trim_end_matches('\r');
        if line.chars().all(char::is_whitespace) {
            continue;
        }
        lines += 1;
        let head = head(line);
        let label = head
            .label
            .and_then(|label| labels.count(label.of(line), &head));
        labelled += usize::from(label.is_some() && head.has_colon);
        let body = match (label, head.time) {
            (Some(_), _) => head.body,
            (None, Some(time)) => after_time(line, time.written.end),
            (None, None) => continue,
        };
        if let Some(mut segment) = Segment::new(start, body, head.time) {
            segment.speaker = label;
            segment.has_colon = head.has_colon;
            segments.push(segment);
        }
    }
    labels.on_most_lines = labelled * 2 > lines;
    (segments, labels)
}

/// The line that starts at byte `start`, without its newline.
fn line_at(text: &str, start: usize) -> &str {
    let rest = text.split_at(start).1;
    rest.split_once('\n').map_or(rest, |(line, _)| line)
}

/// The offset of the spoken text after a time stamp that ends at `end` and has no speaker label after it.
fn after_time(line: &str, end: usize) -> usize {
    let rest = line.split_at(end).1;
    if rest.contains("-->") {
        return line.len();
    }
    line.len() - rest.trim_start_matches([']', ')', ' ', '\t', '-']).len()
}

/// The time stamp and speaker label at the start of a line. All offsets are relative to the line.
#[derive(Debug, Default)]
struct Head {
    time: Option<Timestamp>,
    /// A possible speaker label.
    label: Option<Span>,
    /// Offset of the spoken text, or the length of the line if there is none.
    body: usize,
    /// The label ends in a colon. Otherwise it is a short line on its own.
    has_colon: bool,
}

fn head(line: &str) -> Head {
    let mut head = Head::default();
    let mut at = line.len() - line.trim_start_matches(is_lead).len();
    if let Some((time, end)) = time_at(line, at) {
        head.time = Some(time);
        at = if is_arrow(line, end) { line.len() } else { end };
    }
    at = skip_blanks(line, at);
    head.body = at;
    let rest = line.split_at(at).1;
    if let Some((name, _)) = rest
        .strip_prefix("<v ")
        .and_then(|voice| voice.split_once('>'))
    {
        let start = at + "<v ".len();
        head.label = Some(Span::from(start..start + name.len()));
        head.body = skip_blanks(line, start + name.len() + 1);
        head.has_colon = true;
        return head;
    }
    // Names do not start in lower case. This check saves most unlabelled lines the search for a colon.
    if rest.is_empty() || rest.starts_with(char::is_lowercase) {
        return head;
    }
    let colon = colon(rest);
    let (end, body) = match colon {
        Some(Span { start, end }) => (at + start, at + end),
        None => (line.trim_end().len().max(at), line.len()),
    };
    let (label, time) = without_time(line, Span::from(at..end));
    let name = label.of(line);
    // A number on its own line is a subtitle counter.
    if is_label(name) && (colon.is_some() || name.contains(char::is_alphabetic)) {
        head.time = head.time.or(time);
        head.label = Some(label);
        head.body = skip_blanks(line, body);
        head.has_colon = colon.is_some();
    }
    head
}

/// Characters that may precede a time stamp or label. A function is faster here than searching for several characters.
fn is_lead(c: char) -> bool {
    matches!(c, ' ' | '\t' | '>' | '-' | '*' | '\u{2013}')
}

/// The first colon outside brackets that ends a label: it is full-width, or followed by a blank or the end of the line.
fn colon(text: &str) -> Option<Span> {
    let mut depth = 0_usize;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate().take(MAX_LABEL_BYTES + 1) {
        let follows = bytes.get(at + 1);
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b':' if depth == 0 && matches!(follows, None | Some(b' ' | b'\t' | b'\r')) => {
                return Some(Span::from(at..at + 1));
            }
            0xef if text.split_at(at).1.starts_with('：') => {
                return Some(Span::from(at..at + '：'.len_utf8()));
            }
            _ => {}
        }
    }
    None
}

/// Separates a time stamp from the end of a label: `Name (00:12)`, `Name 0:12`.
fn without_time(line: &str, label: Span) -> (Span, Option<Timestamp>) {
    let text = label.of(line);
    let start = match text.chars().next_back() {
        Some(')' | ']') => text.rfind(['(', '[']),
        Some('0'..='9') => text.rfind([' ', '\t']).map(|blank| blank + 1),
        _ => None,
    };
    let stamp = start.and_then(|start| Some((start, time_at(line, label.start + start)?)));
    let (name, time) = match stamp {
        Some((start, (time, end))) if end == label.end => (text.split_at(start).0, Some(time)),
        _ => (text, None),
    };
    let end = label.start + name.trim_end().len();
    (Span::from(label.start..end), time)
}

/// Parses a time stamp at `at`, with or without brackets, and returns it with the offset after it: `0:12`, `00:12:30.5`,
/// `-00:00:03`, or `02:04:13:29` with days.
fn time_at(line: &str, at: usize) -> Option<(Timestamp, usize)> {
    let bytes = line.as_bytes();
    let byte = |at: usize| bytes.get(at).copied();
    let digits = |at: usize| {
        bytes
            .iter()
            .skip(at)
            .take_while(|byte| byte.is_ascii_digit())
    };
    let is_open = matches!(byte(at), Some(b'[' | b'('));
    let start = at + usize::from(is_open);
    let is_negative = byte(start) == Some(b'-');
    let mut end = start + usize::from(is_negative);
    let mut groups = 0;
    let mut parts = [0; 4];
    loop {
        let count = digits(end).count();
        let expected = if groups == 0 { 1..=3 } else { 2..=2 };
        if !expected.contains(&count) {
            return None;
        }
        parts.rotate_left(1);
        parts[3] = number(digits(end));
        end += count;
        groups += 1;
        if byte(end) != Some(b':') || digits(end + 1).next().is_none() {
            break;
        }
        end += 1;
    }
    if !(2..=4).contains(&groups) {
        return None;
    }
    let [days, hours, minutes, seconds] = parts;
    let mut millis = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
    if matches!(byte(end), Some(b'.' | b',')) && digits(end + 1).next().is_some() {
        // Read three digits of the fraction, padded with zeros.
        millis += number(digits(end + 1).chain(b"00").take(3));
        end += 1 + digits(end + 1).count();
    }
    let after = match (is_open, byte(end)) {
        (true, Some(b']' | b')')) => end + 1,
        (false, None | Some(b' ' | b'\t' | b'\r' | b':' | b'-')) => end,
        _ => return None,
    };
    let millis = i32::try_from(millis).unwrap_or(i32::MAX);
    let stamp = Timestamp {
        written: Span::from(start..end),
        millis: if is_negative { -millis } else { millis },
    };
    Some((stamp, after))
}

fn number<'a>(digits: impl Iterator<Item = &'a u8>) -> i64 {
    digits.fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
}

/// Whether the second half of a subtitle's time line is at `at`: `--> 00:00:04.000`.
fn is_arrow(line: &str, at: usize) -> bool {
    let rest = line.split_at(at).1.trim_start();
    rest.strip_prefix("-->")
        .is_some_and(|end| time_at(end.trim_start(), 0).is_some())
}

fn skip_blanks(line: &str, at: usize) -> usize {
    line.len() - line.split_at(at).1.trim_start().len()
}

/// Whether a text looks like a speaker's name: short, each word capitalized or a number, and not a sentence.
fn is_label(text: &str) -> bool {
    if text.is_empty() || text.len() > MAX_LABEL_BYTES {
        return false;
    }
    let mut words = 0;
    let mut depth = 0_usize;
    for word in text.split_whitespace() {
        let is_outside = depth == 0 && !word.starts_with('(');
        depth += word.matches('(').count();
        depth = depth.saturating_sub(word.matches(')').count());
        if !is_outside {
            continue;
        }
        words += 1;
        let plain = word.trim_end_matches([',', '.']);
        let in_names = |c: char| c.is_alphanumeric() || "'’-_./&#@+".contains(c);
        let is_shaped = plain.chars().all(in_names)
            && plain.contains(char::is_alphanumeric)
            && (word.len() == plain.len() || word.ends_with(',') || plain.chars().count() <= 4);
        let is_particle = words > 1 && PARTICLES.contains(&plain);
        if !is_shaped || (plain.starts_with(char::is_lowercase) && !is_particle) {
            return false;
        }
    }
    (1..=MAX_LABEL_WORDS).contains(&words) && depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transcript::Passage;

    /// Time stamp, label and body of a line, as text.
    fn parts(line: &str) -> (Option<&str>, Option<&str>, &str) {
        let head = head(line);
        (
            head.time.map(|time| time.written.of(line)),
            head.label.map(|label| label.of(line)),
            &line[head.body..],
        )
    }

    #[test]
    fn the_usual_forms_of_labels_and_times_are_read() {
        for (line, time, label, body) in [
            (
                "Dana Whitfield: Good morning.",
                None,
                Some("Dana Whitfield"),
                "Good morning.",
            ),
            (
                "[00:12:30] Dana: Yes.",
                Some("00:12:30"),
                Some("Dana"),
                "Yes.",
            ),
            (
                "[-00:00:00:03] CC: 3, 2, 1",
                Some("-00:00:00:03"),
                Some("CC"),
                "3, 2, 1",
            ),
            ("SPEAKER_01: So.", None, Some("SPEAKER_01"), "So."),
            ("Dana (00:12): Hi.", Some("00:12"), Some("Dana"), "Hi."),
            (
                "(1:02:03) Lee O'Neill: Hi.",
                Some("1:02:03"),
                Some("Lee O'Neill"),
                "Hi.",
            ),
            ("00:12 Dana: Hi.", Some("00:12"), Some("Dana"), "Hi."),
            (
                "Dana Whitfield  0:12",
                Some("0:12"),
                Some("Dana Whitfield"),
                "",
            ),
            ("Dana Whitfield", None, Some("Dana Whitfield"), ""),
            (">> MAYOR: Thank you.", None, Some("MAYOR"), "Thank you."),
            (
                "<v Dana Whitfield>Thank you.",
                None,
                Some("Dana Whitfield"),
                "Thank you.",
            ),
            (
                "00:00:01.000 --> 00:00:04.000",
                Some("00:00:01.000"),
                None,
                "",
            ),
            (
                "The Chair (Hon. A. Rota (North Bay, Lib.)): Order.",
                None,
                Some("The Chair (Hon. A. Rota (North Bay, Lib.))"),
                "Order.",
            ),
            ("Dr. Ng: Hi.", None, Some("Dr. Ng"), "Hi."),
            ("主席：开会。", None, Some("主席"), "开会。"),
        ] {
            assert_eq!(parts(line), (time, label, body), "{line}");
        }
    }

    #[test]
    fn sentences_are_not_labels() {
        for line in [
            "So the answer is: yes",
            "At 12:30 we stop for lunch and then go on",
            "He said it. Then: nothing.",
            "see https://example.org",
            "I mean, really: no.",
            "the end",
        ] {
            assert_eq!(parts(line), (None, None, line), "{line}");
        }
        assert_eq!(
            parts("[00:12] So the answer is: yes"),
            (Some("00:12"), None, "So the answer is: yes")
        );
    }

    #[test]
    fn the_value_of_a_time_stamp_is_its_milliseconds() {
        for (stamp, millis) in [
            ("0:12", 12_000),
            ("1:02:03", 3_723_000),
            ("00:00:04,5", 4_500),
            ("00:00:04.0625", 4_062),
            ("02:04:13:29", ((2 * 24 + 4) * 3600 + 13 * 60 + 29) * 1000),
            ("-00:00:03", -3_000),
        ] {
            assert_eq!(time_at(stamp, 0).unwrap().0.millis, millis, "{stamp}");
        }
    }

    /// (speaker, spoken text) of each segment.
    fn said(text: &str) -> Vec<(String, String)> {
        let segments = read_old(text);
        let said = segments.starting_in(0..text.len()).iter().map(|segment| {
            let name = segments.name(segment.speaker).unwrap_or("?");
            let body = segment.body().of(text).trim();
            (name.to_owned(), body.to_owned())
        });
        said.collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected
            .iter()
            .map(|&(who, what)| (who.to_owned(), what.to_owned()))
            .collect()
    }

    #[test]
    fn labels_with_colons() {
        let text = "Dana: Hi.\nLee: Two\nlines.\nGuest: Once only.\n";
        assert_eq!(
            said(text),
            pairs(&[
                ("Dana", "Hi."),
                ("Lee", "Two\nlines."),
                ("Guest", "Once only.")
            ])
        );
    }

    #[test]
    fn names_on_lines_of_their_own() {
        let text = "Dana Whitfield\nWe begin now.\n\nLee Ng\nFine with me.\n\nDana Whitfield\nGood then.\n\nLee Ng\nYes please.\n";
        let said = said(text);
        assert_eq!(said.len(), 4);
        assert_eq!(said[1], ("Lee Ng".to_owned(), "Fine with me.".to_owned()));
    }

    #[test]
    fn subtitles_have_times_and_no_speakers() {
        let text = "1\n00:00:01,000 --> 00:00:04,000\nHello there.\n\n2\n00:00:05,000 --> 00:00:09,000\nAnd more.\n";
        assert!(read_old(text).speakers.is_empty());
        let whole = Passage::of_text(text);
    }

    #[test]
    fn prose_has_no_segments() {
        let text = "It was said: nothing works.\nNote: this occurs once.\nAnd then there was a long line of text.\nAnd more.\n";
        assert_eq!(said(text), pairs(&[]));
    }
}
