//! Finds the JSON in a text that also has something else: a line of a log, a text after it, damaged records between others.

use crate::text::Span;
use crate::transcript::format::json::cursor::{Broken, Cursor};
use crate::transcript::format::json::is_json;

/// Lines of something else that may stand before JSON.
const MAX_PREAMBLE: usize = 10;

/// Where the JSON of a text begins, if it has any: at its start, or after a few other lines if it is most of the text.
pub(super) fn start(text: &str) -> Option<usize> {
    if is_json(text) {
        return Some(0);
    }
    let mut at = 0;
    for line in text.split_inclusive('\n').take(MAX_PREAMBLE) {
        at += line.len();
        let rest = text.split_at(at).1;
        if rest.starts_with(['{', '[']) && is_json(rest) {
            let values = values(text, at).unwrap_or_default();
            return (bytes(&values) * 2 > text.len()).then_some(at);
        }
    }
    None
}

/// The values of a text with other things between them. If most lines are records (JSON Lines), each line is read alone, so
/// that a damaged one does not spoil others; otherwise values begin at the start of a line.
///
/// # Errors
/// If the first value is broken.
pub(super) fn values(text: &str, start: usize) -> Result<Vec<Span>, Broken> {
    let (mut values, mut lines) = (Vec::new(), 0);
    for line in lines_from(text, start).filter(|line| !line.of(text).trim().is_empty()) {
        lines += 1;
        values.extend(record(text, line));
    }
    if values.len() > 1 && values.len() * 2 > lines {
        return Ok(values);
    }
    values.clear();
    let mut at = start;
    while at < text.len() {
        let rest = text.split_at(at).1;
        let mut cursor = Cursor::new(text, at);
        at = if !is_json(rest) {
            rest.find('\n').map_or(text.len(), |end| at + end + 1)
        } else {
            match cursor.check() {
                Ok(value) => {
                    values.push(value);
                    value.end
                }
                Err(error) if values.is_empty() => return Err(error),
                // All that follows may be inside this one.
                Err(_) => text.len(),
            }
        };
    }
    Ok(values)
}

/// The value that is all of a line. A comma after it tells that it is an element of something larger.
fn record(text: &str, line: Span) -> Option<Span> {
    let mut cursor = Cursor::new(text.split_at(line.end).0, line.start);
    let is_value = matches!(cursor.peek(), Some(b'{' | b'['));
    let value = is_value.then(|| cursor.check().ok()).flatten()?;
    cursor.peek().is_none().then_some(value)
}

fn lines_from(text: &str, start: usize) -> impl Iterator<Item = Span> {
    let mut next = start;
    text.split_at(start)
        .1
        .split_inclusive('\n')
        .map(move |line| {
            let start = next;
            next += line.len();
            Span::from(start..next)
        })
}

/// Objects with nothing but blanks between them, as one part of the text each.
pub(super) fn runs(text: &str, values: &[Span]) -> Vec<Span> {
    let objects = values
        .iter()
        .filter(|value| value.of(text).starts_with('{'));
    let mut runs: Vec<Span> = Vec::new();
    for object in objects {
        match runs.last_mut() {
            Some(last)
                if Span::from(last.end..object.start)
                    .of(text)
                    .trim()
                    .is_empty() =>
            {
                last.end = object.end;
            }
            _ => runs.push(*object),
        }
    }
    runs
}

pub(super) fn bytes(values: &[Span]) -> usize {
    values.iter().map(|value| value.len()).sum()
}

/// What stands before, between and after values: more than blanks and commas.
pub(super) fn gaps<'v>(text: &'v str, values: &'v [Span]) -> impl Iterator<Item = Span> + 'v {
    let starts = [0].into_iter().chain(values.iter().map(|value| value.end));
    let ends = values.iter().map(|value| value.start).chain([text.len()]);
    starts
        .zip(ends)
        .map(|(start, end)| Span::from(start..end))
        .filter(|gap| {
            gap.of(text)
                .contains(|c: char| !c.is_whitespace() && c != ',')
        })
}

/// A warning about what stands beside the values.
pub(super) fn warning(text: &str, values: &[Span]) -> Option<String> {
    let first = gaps(text, values).next()?;
    let (mut lines, mut bytes) = (0, 0);
    for gap in gaps(text, values) {
        let gap = gap.of(text).trim();
        bytes += gap.len();
        lines += gap.lines().filter(|line| !line.trim().is_empty()).count();
    }
    let before = text
        .split_at(first.end - first.of(text).trim_start().len())
        .0;
    let line = before.matches('\n').count() + 1;
    Some(match lines {
        1 => format!("line {line} is no complete JSON and was left out: {bytes} bytes"),
        _ => format!(
            "{lines} lines are no complete JSON and were left out: {bytes} bytes, the first in line {line}"
        ),
    })
}
