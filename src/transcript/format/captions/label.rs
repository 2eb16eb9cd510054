//! Speaker labels inside the text of captions, as `Anna Berg:` or `[SPEAKER_00]:`.

use std::collections::HashMap;

use crate::text::eight::Eight;
use crate::transcript::format::clean::{cleaned, tag_len};
use crate::transcript::format::plain::{self, MAX_BYTES, MAX_WORDS, PARTICLES, Shape};

/// Where captions name a speaker only now and then, at least one in this many has a label.
const MIN_SHARE: usize = 25;

/// Maximum number of different labels that are counted.
const MAX_LABELS: usize = 1 << 16;

/// What a recognizer calls people whose names it does not know, before a number or letter.
const PLACEHOLDERS: [&str; 14] = [
    "speaker",
    "spk",
    "spkr",
    "sprecher",
    "sprecherin",
    "locuteur",
    "intervenant",
    "hablante",
    "orador",
    "falante",
    "parlante",
    "spreker",
    "participant",
    "guest",
];

/// Capitalized words before a colon that are no names.
const NEVER: [&str; 16] = [
    "note",
    "notes",
    "example",
    "warning",
    "update",
    "summary",
    "conclusion",
    "result",
    "tip",
    "ps",
    "fact",
    "remember",
    "reminder",
    "subject",
    "http",
    "https",
];

/// A speaker label at the start of `text`: the name, and the offset of what is said. Whether a name that is no placeholder
/// really is one depends on the whole text.
pub(crate) fn label(text: &str) -> Option<(&str, usize)> {
    // As most lines.
    if is_bare(text) {
        return None;
    }
    let (start, has_chevrons) = lead(text);
    let rest = text.split_at(start).1;
    let near = rest.split_at(rest.floor_char_boundary(MAX_BYTES)).0;
    let (name, after) = match near.strip_prefix(['[', '(']) {
        Some(inside) => {
            let (name, _) = inside.split_once(if near.starts_with('(') { ')' } else { ']' })?;
            let after = rest.split_at(name.len() + 2).1;
            let colon = after.trim_start().strip_prefix([':', '：']);
            (
                name,
                colon.or((is_placeholder(name) || is_full_name(name)).then_some(after))?,
            )
        }
        None => before_colon(near, rest)?,
    };
    let name = name.trim_matches(|c: char| c.is_whitespace() || c == '*');
    let is_lower = name.starts_with(char::is_lowercase);
    let is_name = is_placeholder(name)
        || ((is_name(name) || is_unusual_name(name)) && !(is_lower && has_chevrons));
    let said = after.trim_start_matches(|c: char| c.is_whitespace() || c == '*');
    is_name.then(|| (name, text.len() - said.len()))
}

/// Whether a line of usual length has no label, tag or mark of a change, for want of a colon, bracket or chevron. Some
/// characters in full width start with the last of these bytes.
pub(super) fn is_bare(text: &str) -> bool {
    let has_mark = || {
        Eight::any(text.as_bytes(), |eight| {
            let marks = eight.within(b':', b'>').or(eight.equal(b'&'));
            marks
                .or(eight.equal(b'['))
                .or(eight.equal(b'('))
                .or(eight.equal(0xef))
        })
    };
    text.len() <= super::LINE_BYTES && !has_mark()
}

/// Skips what may stand before a label: chevrons, dashes, tags, emphasis, direction marks.
fn lead(text: &str) -> (usize, bool) {
    let mut at = 0;
    let mut has_chevrons = false;
    loop {
        let rest = text.split_at(at).1;
        let plain = rest.trim_start_matches(|c: char| {
            c.is_whitespace()
                || matches!(
                    c,
                    '-' | '–' | '>' | '*' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
                )
        });
        has_chevrons |= rest.starts_with(">>") || rest.starts_with("&gt;&gt;");
        let skipped =
            rest.len() - plain.len() + plain.strip_prefix("&gt;").map_or(0, |_| "&gt;".len());
        let brace = || {
            rest.strip_prefix("{\\")?
                .find('}')
                .map(|at| at + "{\\}".len())
        };
        let skipped = match skipped {
            0 => tag_len(rest).or_else(brace).unwrap_or(0),
            skipped => skipped,
        };
        if skipped == 0 || at > MAX_BYTES {
            return (at, has_chevrons);
        }
        at += skipped;
    }
}

/// The text before the first colon outside parentheses, and that after it. The name may end in a tag: `<b>Anna</b>: Yes`.
fn before_colon<'t>(near: &'t str, rest: &'t str) -> Option<(&'t str, &'t str)> {
    let mut depth = 0_usize;
    for (at, c) in near.char_indices() {
        let (name, from) = rest.split_at(at);
        let from = match c {
            '(' => {
                depth += 1;
                continue;
            }
            ')' => {
                depth = depth.saturating_sub(1);
                continue;
            }
            '<' => from.split_at(tag_len(from)?).1,
            ':' | '：' if depth == 0 => from,
            '.' | '?' | '!' | ';' | '"' if depth == 0 && at > 40 => return None,
            _ => continue,
        };
        let after = from
            .trim_start_matches([' ', '*'])
            .strip_prefix([':', '：'])?;
        // `12:30`, `https://`, `std::fmt`
        let is_glued = after.starts_with(|c: char| {
            c.is_ascii_digit() || c.is_lowercase() || matches!(c, '/' | ':' | '\\')
        });
        return (!is_glued || c == '：').then_some((name, after));
    }
    None
}

/// Whether a label has the form of `SPEAKER_00`, `spk_0`, `Speaker 1` or `Speaker A`.
fn is_placeholder(name: &str) -> bool {
    let Some(end) = name.rfind(|c: char| !c.is_alphanumeric() && c != '#') else {
        // `Speaker1`
        let word = name.trim_end_matches(|c: char| c.is_ascii_digit());
        return word.len() < name.len() && is_any(&PLACEHOLDERS, word);
    };
    let (word, number) = name.split_at(end);
    let number = number.trim_start_matches([' ', '_', '-', '#', '\u{a0}']);
    (1..=3).contains(&number.len())
        && (number.bytes().all(|byte| byte.is_ascii_digit()) || number.len() == 1)
        && is_any(&PLACEHOLDERS, word)
}

fn is_any(words: &[&str], word: &str) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// Whether a line may be a name without a colon.
fn is_heading(line: &str) -> bool {
    line.len() <= MAX_BYTES
        && (is_placeholder(line)
            || is_name(line)
                && !line.starts_with(char::is_lowercase)
                && !line.ends_with(|c: char| c.is_ascii_punctuation() && c != ')'))
}

/// Whether a label has at least two words, all of them capitalized.
fn is_full_name(name: &str) -> bool {
    is_name(name)
        && name.contains(' ')
        && name
            .split(' ')
            .all(|word| word.starts_with(char::is_uppercase))
}

/// Whether a text looks like a name: a few capitalized words, or a single word in lower case.
fn is_name(text: &str) -> bool {
    let mut words = 0;
    let mut depth = 0_usize;
    for word in text.split_whitespace() {
        let is_outside = depth == 0 && !word.starts_with('(');
        depth = (depth + word.matches('(').count()).saturating_sub(word.matches(')').count());
        if !is_outside {
            continue;
        }
        words += 1;
        let plain = word.trim_end_matches(['.', ',']);
        let is_shaped = plain
            .chars()
            .all(|c| c.is_alphanumeric() || "'’-_./&#@+".contains(c) || is_mark_or_emoji(c))
            && (plain.len() == word.len() || plain.chars().count() <= 4 || word.ends_with(','));
        let is_lower = plain.starts_with(char::is_lowercase);
        if !is_shaped || (is_lower && words > 1 && !PARTICLES.contains(&plain)) {
            return false;
        }
    }
    let is_lower = text.starts_with(char::is_lowercase);
    (1..=MAX_WORDS).contains(&words)
        && depth == 0
        && text.contains(char::is_alphabetic)
        && !(is_lower && words > 1)
        && !is_any(&NEVER, text)
}

/// Whether a text is a name as people call themselves in meetings: `anna berg`, `van der Berg`, `Anna's iPhone`, `Ben | Acme`,
/// `+49 170 1234567`.
fn is_unusual_name(text: &str) -> bool {
    // What has a stop or a comma of its own, as from a recognizer, is a sentence.
    let mut before = b' ';
    let has_stop = text.bytes().any(|byte| {
        let after_blank = std::mem::replace(&mut before, byte) == b' ';
        after_blank && matches!(byte, b'.' | b',' | b'?' | b'!')
    });
    if has_stop {
        return false;
    }
    match plain::shape(text) {
        Some(Shape::Strict) => !is_any(&NEVER, text),
        Some(Shape::Loose) => !text.starts_with(char::is_uppercase),
        None => false,
    }
}

/// Combining marks, joiners and emoji may be parts of a display name.
fn is_mark_or_emoji(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{1aff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2190}'..='\u{2bff}' | '\u{fe0f}' | '\u{1f000}'..)
}

/// Counts the labels of a text, to tell names from words before a colon.
#[derive(Debug, Default)]
pub(super) struct Labels {
    times: HashMap<String, u32>,
    captions: usize,
    labelled: usize,
    /// Captions of several lines, of which the first looks like a name.
    headed: usize,
    /// What the last label was followed by, which rolling captions repeat.
    last: String,
}

impl Labels {
    /// Counts the labels of one caption, given its lines.
    pub(super) fn count<'t>(&mut self, lines: impl Iterator<Item = &'t str>) {
        let mut is_labelled = false;
        let mut lines = lines.peekable();
        let mut is_first = true;
        while let Some(line) = lines.next() {
            let has_more = lines.peek().is_some();
            let may_be_heading = std::mem::take(&mut is_first);
            if may_be_heading && has_more && is_heading(line) {
                self.headed += 1;
                self.add(line);
                continue;
            }
            let Some((name, body)) = label(line) else {
                continue;
            };
            if may_be_heading && is_heading(line) {
                continue;
            }
            is_labelled = true;
            let said = cleaned(line.split_at(body).1);
            let is_repeated = !said.is_empty()
                && (said == self.last || said.starts_with(&self.last) && !self.last.is_empty());
            if !is_repeated {
                self.add(name);
            }
            self.last.clear();
            self.last.extend(said.chars().take(MAX_BYTES));
        }
        self.captions += 1;
        self.labelled += usize::from(is_labelled);
    }

    fn add(&mut self, name: &str) {
        if let Some(times) = self.times.get_mut(name) {
            *times += 1;
        } else if self.times.len() < MAX_LABELS {
            self.times.insert(name.to_owned(), 1);
        }
    }

    /// Whether the first line of a caption is a speaker: it recurs, and most captions start with such a line.
    pub(super) fn is_heading(&self, line: &str) -> bool {
        self.headed * 2 > self.captions
            && is_heading(line)
            && (is_placeholder(line) || self.times.get(line).is_some_and(|&times| times > 1))
    }

    /// Whether the label at the start of a line is a speaker. In round brackets it may as well be a sound.
    pub(super) fn is_speaker_of(&self, line: &str, name: &str) -> bool {
        let is_round = line.trim_start().starts_with('(');
        self.is_speaker(name)
            && (!is_round || is_placeholder(name) || (self.recurs(name) && self.are_usual()))
    }

    fn recurs(&self, name: &str) -> bool {
        self.times.get(name).is_some_and(|&times| times > 1)
    }

    fn are_usual(&self) -> bool {
        self.labelled * 2 > self.captions
    }

    /// Whether a label is a speaker: a placeholder, one that recurs, or any one if labels stand on most captions. In lower
    /// case it has to do both, and so has a number. Two labels in an hour are words before a colon, and so are `Monday` and
    /// `Step 2`.
    pub(super) fn is_speaker(&self, name: &str) -> bool {
        let (recurs, on_most) = (self.recurs(name), self.are_usual());
        let is_capitals = !name.contains(char::is_lowercase);
        let are_usual = is_capitals || self.labelled * MIN_SHARE >= self.captions;
        let suffices = if name.starts_with(|c: char| c.is_lowercase() || c.is_ascii_digit()) {
            recurs && on_most
        } else {
            recurs && on_most || (recurs && are_usual || on_most) && !plain::is_other(name)
        };
        suffices || is_placeholder(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read() {
        for (text, name, said) in [
            ("Anna Berg: Yes.", "Anna Berg", "Yes."),
            ("SPEAKER_00: Yes.", "SPEAKER_00", "Yes."),
            ("[SPEAKER_00]: Yes.", "SPEAKER_00", "Yes."),
            ("[SPEAKER_00] Yes.", "SPEAKER_00", "Yes."),
            ("[Anna Berg] Yes.", "Anna Berg", "Yes."),
            ("[anna]: Yes.", "anna", "Yes."),
            ("spk_0: Yes.", "spk_0", "Yes."),
            ("speaker 1: yes", "speaker 1", "yes"),
            ("Speaker A: Yes.", "Speaker A", "Yes."),
            (">> MAYOR: Yes.", "MAYOR", "Yes."),
            ("&gt;&gt; MAYOR: Yes.", "MAYOR", "Yes."),
            ("- Tom: Yes.", "Tom", "Yes."),
            ("<b>Anna Berg</b>: Yes.", "Anna Berg", "Yes."),
            ("<i>Anna Berg: Yes.</i>", "Anna Berg", "Yes.</i>"),
            ("**Anna Berg:** Yes.", "Anna Berg", "Yes."),
            ("Anna Berg:Yes.", "Anna Berg", "Yes."),
            ("Dr. Ng (Guest): Yes.", "Dr. Ng (Guest)", "Yes."),
            ("Anna 🎤: Yes.", "Anna 🎤", "Yes."),
            ("José Núñez: Yes.", "José Núñez", "Yes."),
            ("主席：开会。", "主席", "开会。"),
            ("anna: yes", "anna", "yes"),
            ("tom@example.com: Yes.", "tom@example.com", "Yes."),
            ("(Anna Berg) Yes.", "Anna Berg", "Yes."),
            ("(speaker 0) Yes.", "speaker 0", "Yes."),
            ("anna berg: yes", "anna berg", "yes"),
            ("van der Berg, Piet: Yes.", "van der Berg, Piet", "Yes."),
            ("María del Carmen Ruiz: Sí.", "María del Carmen Ruiz", "Sí."),
            ("+49 170 1234567: Yes.", "+49 170 1234567", "Yes."),
            ("Anna's iPhone: Yes.", "Anna's iPhone", "Yes."),
            ("iPhone von Anna: Yes.", "iPhone von Anna", "Yes."),
            ("Ben | Acme: Yes.", "Ben | Acme", "Yes."),
            ("Anna \"Annie\" Berg: Yes.", "Anna \"Annie\" Berg", "Yes."),
            ("Anna Berg:", "Anna Berg", ""),
            ("Note well: this", "Note well", "this"),
        ] {
            let expected = (name, text.len() - said.len());
            // A second word in lower case is no name.
            let expected = (name != "Note well").then_some(expected);
            assert_eq!(label(text), expected, "{text}");
        }
        for text in [
            "",
            ":",
            "Yes.",
            "At 12:30 we stop",
            "https://example.com",
            "Note: this is new.",
            "So the answer is: yes",
            "He said it. Then: no",
            "[Music] Yes.",
            "(laughs) Yes.",
            "(Music) Yes.",
            "so here is the plan: yes",
            "[Musik]",
            "12: yes",
            "what I mean is: no",
            "12:30",
        ] {
            assert_eq!(label(text), None, "{text}");
        }
    }

    #[test]
    fn a_label_is_a_speaker_if_it_recurs_or_labels_are_the_rule() {
        let count = |captions: &[&str]| {
            let mut labels = Labels::default();
            for caption in captions {
                labels.count(caption.lines());
            }
            labels
        };
        let rare = count(&["Anna: a", "b", "c", "Anna: d", "Answer: e", "f", "g", "h"]);
        assert!(
            rare.is_speaker("Anna") && !rare.is_speaker("Answer") && rare.is_speaker("Speaker 3")
        );
        let sounds = count(&["(Loud Music) a", "b", "c", "(Loud Music) d", "e"]);
        assert!(!sounds.is_speaker_of("(Loud Music) a", "Loud Music"));
        let round = count(&["(Anna Berg) We do.", "(Tom Roe) So?", "(Anna Berg) It is."]);
        assert!(round.is_speaker_of("(Anna Berg) We do.", "Anna Berg"));
        let mut captions = vec!["x"; 200];
        captions.splice(20..23, ["Fazit: we", "stay", "Fazit: no"]);
        assert!(!count(&captions).is_speaker("Fazit"));
        for other in ["Today", "Step 2", "Monday", "Yes", "Option A", "Slide 4"] {
            let labelled = format!("{other}: a");
            let often = count(&[&labelled, "b", &labelled, "c", "d", "e", &labelled, "f"]);
            assert!(!often.is_speaker(other), "{other}");
        }
        let usual = count(&["Anna: a", "Tom: b", "c"]);
        assert!(usual.is_speaker("Anna") && usual.is_speaker("Tom"));
        let rolling = count(&[
            "x",
            "Answer: this is",
            "Answer: this is\nand that",
            "Answer: this is",
            "y",
            "z",
            "a",
        ]);
        assert!(!rolling.is_speaker("Answer"));
    }
}
