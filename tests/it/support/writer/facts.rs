//! Planted facts: sentences with a unique code that can reach the summary only from the transcript.

/// The prefix of every code.
const MARK: &str = "QX-";

/// Plants one fact in each of `count` equal parts of `text`, as a turn of the current speaker.
/// Returns the new text and the codes of the facts.
pub(crate) fn plant(text: &str, count: usize) -> (String, Vec<String>) {
    let (mut planted, mut codes) = (String::new(), Vec::new());
    let mut from = 0;
    for part in 0..count {
        let middle = text.len() * (2 * part + 1) / (2 * count);
        let at = text[from.max(text.floor_char_boundary(middle))..]
            .find('\n')
            .map(|newline| from.max(text.floor_char_boundary(middle)) + newline + 1)
            .expect("lines to plant facts between");
        planted.push_str(&text[from..at]);
        let label = text[at..]
            .lines()
            .chain(text.lines())
            .find_map(label)
            .expect("somebody who speaks");
        let code = format!("{MARK}{}", 4711 + 37 * part);
        planted.push_str(&format!(
            "{label}Please write down that {code} was settled, with the costs as they were shown here.\n"
        ));
        codes.push(code);
        from = at;
    }
    planted.push_str(&text[from..]);
    (planted, codes)
}

/// The distinct codes in `text`.
pub(crate) fn codes(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (at, _) in text.match_indices(MARK) {
        let digits = text[at + MARK.len()..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        let code = &text[at..at + MARK.len() + digits];
        if digits > 0 && !found.iter().any(|known| known == code) {
            found.push(code.to_owned());
        }
    }
    found
}

/// The start of a line up to and including the speaker's name, such as `[00:12:30] Dana: `.
fn label(line: &str) -> Option<&str> {
    let after_time = line
        .strip_prefix('[')
        .and_then(|rest| rest.find(']'))
        .map_or(0, |end| end + 2);
    let colon = line[after_time..].find(": ")?;
    (colon > 0 && colon < 40).then(|| &line[..after_time + colon + 2])
}
