//! Decides by its key whether an object is a transcript.

use crate::document::{EARLIER_ENDINGS, SUMMARY_ENDING};

/// Key suffix of error reports.
pub(crate) const ERROR_ENDING: &str = "_error.json";

/// How the keys of summaries that are read out go on after that of the transcript; of one that is too long for one file, before
/// the number of the part.
pub(crate) const SPEECH_ENDING: &str = "_summary";
const SPEECH_PART: &str = "_summary.";

/// Hex digits in such a key, which tell its text and voice.
pub(crate) const READING_DIGITS: usize = 16;

/// Selects the keys to read. The program's own output is never read, whatever filter the trigger has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Key prefix of results.
    pub output_prefix: String,
    /// Suffixes of transcript keys, case-insensitive.
    pub suffixes: Vec<String>,
}

/// The reason a key is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// It starts with the output prefix, or has the ending of a result.
    OwnOutput,
    /// It is a folder marker, as created by S3 consoles.
    Folder,
    /// It has none of the suffixes.
    OtherSuffix,
    /// It is the transcript of a recording, and the recording's own event continues that job.
    Transcript,
    /// It is a list of corrections.
    List,
}

impl Skip {
    /// The reason, for logs.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::OwnOutput => "it is one of this program's results",
            Self::Folder => "it is a folder",
            Self::Transcript => {
                "it is the transcript of a recording, which is summarized under the recording's key"
            }
            Self::List => "it is the object that GLOSSARY or SPEAKER_NAMES names",
            Self::OtherSuffix => "its ending is not in INPUT_SUFFIXES",
        }
    }
}

/// Whether a key has the ending of a result. No such key is read, even if the results were copied to another folder, or the
/// output prefix was another one when they were written.
pub(crate) fn is_result(key: &str) -> bool {
    let lower_case = key.to_ascii_lowercase();
    EARLIER_ENDINGS
        .iter()
        .chain(&[SUMMARY_ENDING, ERROR_ENDING])
        .any(|ending| lower_case.ends_with(ending))
        || is_speech(&lower_case)
}

/// Whether a key is that of a summary that is read out: `…_summary.<reading>.<task>.mp3`. Without this it would be a recording.
fn is_speech(lower_case: &str) -> bool {
    let mut parts = lower_case.rsplitn(4, '.');
    let (ending, _task, reading) = (parts.next(), parts.next(), parts.next());
    let is_reading = |reading: &str| {
        reading.len() == READING_DIGITS && reading.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let is_of_summary = |rest: &str| rest.ends_with(SPEECH_ENDING) || rest.contains(SPEECH_PART);
    ending == Some("mp3")
        && reading.is_some_and(is_reading)
        && parts.next().is_some_and(is_of_summary)
}

impl Filter {
    /// The reason to skip the object at `key`; `None` to read it.
    #[must_use]
    pub fn skips(&self, key: &str) -> Option<Skip> {
        let lower_case = key.to_ascii_lowercase();
        let ends = |suffix: &String| lower_case.ends_with(&suffix.to_ascii_lowercase());
        if is_result(key) || key.starts_with(&self.output_prefix) {
            Some(Skip::OwnOutput)
        } else if key.ends_with('/') {
            Some(Skip::Folder)
        } else if !self.suffixes.iter().any(ends) {
            Some(Skip::OtherSuffix)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_transcripts_are_read() {
        let filter = Filter {
            output_prefix: "summaries/".into(),
            suffixes: [".txt", ".vtt", ".srt", ".JSON", ".html", ".md"]
                .map(String::from)
                .to_vec(),
        };
        for (key, expected) in [
            ("a/notes.txt", None),
            ("a/NOTES.TXT", None),
            ("a/notes.vtt", None),
            ("a/Notes.Srt", None),
            ("a/notes.json", None),
            ("a/notes_summary.vtt", None),
            ("a/summary.txt", None),
            ("my-summaries/notes.txt", None),
            ("summaries/notes.txt_summary.txt", Some(Skip::OwnOutput)),
            ("summaries/photo.jpg", Some(Skip::OwnOutput)),
            ("old/notes.txt_summary.txt", Some(Skip::OwnOutput)),
            ("old/notes.vtt_summary.json", Some(Skip::OwnOutput)),
            ("old/NOTES.TXT_ERROR.JSON", Some(Skip::OwnOutput)),
            ("old/notes.txt_summary.html", Some(Skip::OwnOutput)),
            ("old/notes.txt_Summary.md", Some(Skip::OwnOutput)),
            ("old/notes.txt_chapters.vtt", Some(Skip::OwnOutput)),
            (
                "old/a.txt_summary.0123456789abcdef.b-1.mp3",
                Some(Skip::OwnOutput),
            ),
            (
                "old/A.TXT_SUMMARY.2of3.0123456789abcdef.b-1.MP3",
                Some(Skip::OwnOutput),
            ),
            ("a/team_summary.mp3", Some(Skip::OtherSuffix)),
            ("a/notes.html", None),
            ("a/chapters.vtt", None),
            ("a/photo.jpg", Some(Skip::OtherSuffix)),
            ("a/notes.docx", Some(Skip::OtherSuffix)),
            ("txt", Some(Skip::OtherSuffix)),
            ("é", Some(Skip::OtherSuffix)),
            ("a/", Some(Skip::Folder)),
        ] {
            assert_eq!(filter.skips(key), expected, "{key}");
        }
    }
}
