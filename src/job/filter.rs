//! Decides by its key whether an object is a transcript.

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
    /// It starts with the output prefix.
    OwnOutput,
    /// It is a folder marker, as created by S3 consoles.
    Folder,
    /// It has none of the suffixes.
    OtherSuffix,
}

impl Skip {
    /// The reason, for logs.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::OwnOutput => "it is under OUTPUT_PREFIX",
            Self::Folder => "it is a folder",
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
        if key.starts_with(&self.output_prefix) {
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
            suffixes: vec![".txt".into(), ".vtt".into()],
        };
        for (key, expected) in [
            ("a/notes.txt", None),
            ("a/NOTES.TXT", None),
            ("a/notes.vtt", None),
            ("my-summaries/notes.txt", None),
            ("summaries/notes.txt_summary.txt", Some(Skip::OwnOutput)),
            ("a/photo.jpg", Some(Skip::OtherSuffix)),
            ("txt", Some(Skip::OtherSuffix)),
            ("é", Some(Skip::OtherSuffix)),
            ("a/", Some(Skip::Folder)),
        ] {
            assert_eq!(filter.skips(key), expected, "{key}");
        }
    }
}
