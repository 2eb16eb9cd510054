//! Decides by its key whether an object is a transcript.

use crate::document::SUMMARY_ENDING;

/// Endings of the program's results. No key that has one is read, even if the results were copied to another folder, or
/// the output prefix was another one when they were written.
const RESULT_ENDINGS: [&str; 3] = [SUMMARY_ENDING, "_summary.json", "_error.json"];

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
            Self::List => "it is the object that GLOSSARY or SPEAKER_NAMES names",
            Self::OtherSuffix => "its ending is not in INPUT_SUFFIXES",
        }
    }
}

impl Filter {
    /// The reason to skip the object at `key`; `None` to read it.
    #[must_use]
    pub fn skips(&self, key: &str) -> Option<Skip> {
        let lower_case = key.to_ascii_lowercase();
        let ends = |suffix: &String| lower_case.ends_with(&suffix.to_ascii_lowercase());
        let is_result = RESULT_ENDINGS
            .iter()
            .any(|ending| lower_case.ends_with(ending));
        if is_result || key.starts_with(&self.output_prefix) {
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
            suffixes: [".txt", ".vtt", ".srt", ".JSON"].map(String::from).to_vec(),
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
