//! Who speaks, and when: what the beginning of one line says about it.

use std::ops::Range;

/// Longest label taken for a speaker: parliaments put office, name, riding and party into it.
const MAX_LABEL_BYTES: usize = 100;

/// Most words of a label outside brackets.
const MAX_LABEL_WORDS: usize = 5;

/// What stands at the beginning of a line, as byte ranges of the line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// A time stamp, without its brackets.
    pub(crate) time: Option<Range<usize>>,
    /// What may be a speaker's name.
    pub(crate) label: Option<Range<usize>>,
    /// Where the spoken text begins; the line's length if the line has none.
    pub(crate) body: usize,
    /// The label had a colon after it, and is not just a short line.
    pub(crate) colon: bool,
}

/// Reads the head of a line in the usual forms: `Name:`, `[00:12:30] Name:`, `Name (00:12):`, `SPEAKER_01:`, `>> NAME:`,
/// `<v Name>`, a name or a time stamp on a line of its own.
pub(crate) fn head(line: &str) -> Head {
    let mut at = line.len() - line.trim_start_matches(is_lead).len();
    let mut head = Head::default();
    if let Some((time, end)) = time_at(line, at) {
        head.time = Some(time);
        at = end;
        if let Some((_, end)) = arrow(line, at) {
            at = end;
        }
    }
    at = skip_blanks(line, at);
    head.body = at;
    let Some(rest) = line.get(at..) else {
        return head;
    };
    if let Some(voice) = rest
        .strip_prefix("<v ")
        .and_then(|voice| voice.find('>').map(|end| 3..3 + end - 3 + 3))
    {
        head.label = Some(at + voice.start..at + voice.end);
        head.body = skip_blanks(line, at + voice.end + 1);
        head.colon = true;
        return head;
    }
    // No name begins like this, which spares most lines without one the search for its end.
    if rest.is_empty() || rest.starts_with(char::is_lowercase) {
        return head;
    }
    let (label, after) = match colon(rest) {
        Some(colon) => {
            head.colon = true;
            let width = rest
                .get(colon..)
                .and_then(|c| c.chars().next())
                .map_or(1, char::len_utf8);
            (at..at + colon, at + colon + width)
        }
        None => (at..line.trim_end().len().max(at), line.len()),
    };
    let (label, time) = without_time(line, label);
    let name = line.get(label.clone()).unwrap_or_default();
    // A number on a line of its own counts subtitles.
    if is_label(name) && (head.colon || name.contains(char::is_alphabetic)) {
        head.time = head.time.or(time);
        head.label = Some(label);
        head.body = skip_blanks(line, after);
    } else {
        head.colon = false;
    }
    head
}

/// What may stand before a head. A function, because a search for each of several characters is slower.
fn is_lead(c: char) -> bool {
    matches!(c, ' ' | '\t' | '>' | '-' | '*' | '\u{2013}')
}

/// The first colon outside brackets that ends a label: blank or nothing follows.
fn colon(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate().take(MAX_LABEL_BYTES + 1) {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b':' if depth == 0
                && matches!(bytes.get(at + 1), None | Some(b' ' | b'\t' | b'\r')) =>
            {
                return Some(at);
            }
            0xef if text.get(at..).is_some_and(|rest| rest.starts_with('：')) => return Some(at),
            _ => {}
        }
    }
    None
}

/// Takes a time stamp off the end of a label: `Name (00:12)`, `Name 0:12`.
fn without_time(line: &str, label: Range<usize>) -> (Range<usize>, Option<Range<usize>>) {
    let text = line.get(label.clone()).unwrap_or_default();
    let bracketed = || {
        text.strip_suffix([')', ']'])
            .and_then(|_| text.rfind(['(', '[']))
    };
    let start = text
        .ends_with(|last: char| last.is_ascii_digit() || matches!(last, ')' | ']'))
        .then(|| bracketed().or_else(|| text.rfind([' ', '\t']).map(|blank| blank + 1)))
        .flatten();
    if let Some((start, (time, end))) =
        start.and_then(|start| Some((label.start + start, time_at(line, label.start + start)?)))
        && end == label.end
    {
        let name = line.get(label.start..start).unwrap_or_default().trim_end();
        return (label.start..label.start + name.len(), Some(time));
    }
    let trimmed = text.trim_end().len();
    (label.start..label.start + trimmed, None)
}

/// A time stamp at `at`, with or without brackets, of two to four groups: `0:12`, `00:12:30.5`, `02:04:13:29`, `-00:00:03`.
/// Returns the range of the stamp and the offset after it.
fn time_at(line: &str, at: usize) -> Option<(Range<usize>, usize)> {
    let rest = line.get(at..)?;
    let open = rest.starts_with(['[', '(']);
    let start = usize::from(open);
    let bytes = rest.as_bytes();
    let mut end = start + usize::from(bytes.get(start) == Some(&b'-'));
    let mut groups = 0;
    loop {
        let digits = bytes
            .iter()
            .skip(end)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let expected = if groups == 0 { 1..=3 } else { 2..=2 };
        if !expected.contains(&digits) {
            return None;
        }
        end += digits;
        groups += 1;
        if bytes.get(end) != Some(&b':') || !bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
            break;
        }
        end += 1;
    }
    if !(2..=4).contains(&groups) {
        return None;
    }
    if matches!(bytes.get(end), Some(b'.' | b','))
        && bytes.get(end + 1).is_some_and(u8::is_ascii_digit)
    {
        end += 1 + bytes
            .iter()
            .skip(end + 1)
            .take_while(|byte| byte.is_ascii_digit())
            .count();
    }
    let after = match (open, bytes.get(end)) {
        (true, Some(b']' | b')')) => end + 1,
        (false, None | Some(b' ' | b'\t' | b'\r' | b':' | b'-')) => end,
        _ => return None,
    };
    Some((at + start..at + end, at + after))
}

/// The second half of a subtitle's time line: `--> 00:00:04.000`, to the end of the line.
fn arrow(line: &str, at: usize) -> Option<(Range<usize>, usize)> {
    let rest = line.get(at..)?;
    let after = rest.trim_start().strip_prefix("-->")?.trim_start();
    time_at(line, line.len() - after.len()).map(|(time, _)| (time, line.len()))
}

fn skip_blanks(line: &str, at: usize) -> usize {
    line.get(at..)
        .map_or(line.len(), |rest| line.len() - rest.trim_start().len())
}

/// Whether a text has the shape of a speaker's name: short, each word capitalized or a number, no sentence.
fn is_label(text: &str) -> bool {
    if text.is_empty() || text.len() > MAX_LABEL_BYTES {
        return false;
    }
    let mut words = 0;
    let mut depth = 0_usize;
    for word in text.split_whitespace() {
        let outside = depth == 0 && !word.starts_with('(');
        depth += word.matches('(').count();
        depth = depth.saturating_sub(word.matches(')').count());
        if !outside {
            continue;
        }
        words += 1;
        let plain = word.trim_end_matches([',', '.']);
        let shaped = plain.chars().all(|c| {
            c.is_alphanumeric()
                || matches!(
                    c,
                    '\'' | '’' | '-' | '_' | '.' | '/' | '&' | '#' | '@' | '+'
                )
        }) && plain.chars().any(char::is_alphanumeric)
            && (word.len() == plain.len() || word.ends_with(',') || plain.chars().count() <= 4);
        let particle = matches!(
            plain,
            "de" | "da"
                | "di"
                | "van"
                | "von"
                | "der"
                | "den"
                | "la"
                | "le"
                | "al"
                | "of"
                | "the"
                | "and"
        );
        let capital = !plain.starts_with(char::is_lowercase);
        if !shaped || !(capital || (particle && words > 1)) {
            return false;
        }
    }
    (1..=MAX_LABEL_WORDS).contains(&words) && depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Time, label and body of a line, as text.
    fn read(line: &str) -> (Option<&str>, Option<&str>, &str) {
        let head = head(line);
        (
            head.time.map(|r| &line[r]),
            head.label.map(|r| &line[r]),
            &line[head.body..],
        )
    }

    #[test]
    fn the_usual_forms_are_read() {
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
            assert_eq!(read(line), (time, label, body), "{line}");
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
            assert_eq!(read(line), (None, None, line), "{line}");
        }
        assert_eq!(
            read("[00:12] So the answer is: yes"),
            (Some("00:12"), None, "So the answer is: yes")
        );
    }
}
