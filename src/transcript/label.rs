//! Labels that a recognizer made, as a reader would write them: "Speaker 1" for `SPEAKER_00`.

use crate::transcript::Segments;

/// Numbers the labels of a transcript. Whose name is known beside them makes no difference.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbering {
    /// What is added to the numbers of raw labels: people count from one.
    first: usize,
}

impl Numbering {
    pub(crate) fn of(segments: &Segments) -> Self {
        let mut raw = segments.labels.iter().filter(|label| is_raw(label));
        let is_zero =
            |label: &String| place(label).is_some_and(|place| place.parse() == Ok(0_usize));
        Self {
            first: usize::from(raw.any(is_zero)),
        }
    }

    /// The label as it is printed, with the word `speaker` for a speaker. `None` if no recognizer made it.
    pub(crate) fn printed(self, label: &str, speaker: &str) -> Option<String> {
        let place = place(label)?;
        Some(match place.parse::<usize>() {
            Ok(number) if is_raw(label) => format!("{speaker} {}", number + self.first),
            Ok(number) => format!("{speaker} {number}"),
            Err(_) => format!("{speaker} {}", place.to_uppercase()),
        })
    }
}

/// A label with a blank, such as `Speaker 0`, has been counted by a person.
fn is_raw(label: &str) -> bool {
    !label.contains(' ')
}

/// The number or letter in a label that a recognizer made, such as `spk_0`, `SPEAKER_01` or `Speaker A`.
fn place(label: &str) -> Option<&str> {
    let starts = ["speaker", "spkr", "spk"].into_iter();
    let mut rest = starts.filter_map(|start| {
        let (head, rest) = label.split_at_checked(start.len())?;
        head.eq_ignore_ascii_case(start)
            .then(|| rest.trim_start_matches(['_', '-', ' ', '#']))
    });
    rest.find(|rest| {
        let is_number = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
        let is_letter = rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_alphabetic());
        is_number || is_letter
    })
}
