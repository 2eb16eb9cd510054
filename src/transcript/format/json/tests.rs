use proptest::prelude::*;

use super::*;

/// The cues of a text as `start Speaker: words`, with the maker of the format. Times are in seconds.
fn cues(text: &str) -> (&'static str, Vec<String>) {
    let mut lines = Vec::new();
    let found = read(text, &mut |cue| lines.push(line(text, &cue))).unwrap();
    (found.maker, lines)
}

fn line(text: &str, cue: &Cue) -> String {
    let mut spoken = String::new();
    let mut before = None;
    for part in &cue.text {
        let part = unescaped(part.of(text));
        if before.is_some_and(|before: Cow<str>| cue.joint.is_blank(&before, &part)) {
            spoken.push(' ');
        }
        spoken.push_str(&part);
        before = Some(part);
    }
    let start = cue
        .start
        .map(|start| format!("{:.1} ", start as f64 / 1000.0));
    let speaker = cue.speaker.as_ref().map(|name| format!("{name}: "));
    format!(
        "{}{}{}",
        start.unwrap_or_default(),
        speaker.unwrap_or_default(),
        spoken.trim()
    )
}
