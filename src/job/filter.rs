//! Which uploads are transcripts.

/// Which keys are read. What the trigger's filter says does not matter: the program's own output never is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Where results go.
    pub output_prefix: String,
    /// Endings of keys that are transcripts, compared without regard to case.
    pub suffixes: Vec<String>,
}

/// Why an upload is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// It lies where results go.
    OwnOutput,
    /// It is a folder, as consoles create them.
    Folder,
    /// It has another ending.
    OtherSuffix,
}

impl Skip {
    /// For logs.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::OwnOutput => "it lies under OUTPUT_PREFIX",
            Self::Folder => "it is a folder",
            Self::OtherSuffix => "its ending is not in INPUT_SUFFIXES",
        }
    }
}

impl Filter {
    /// Why the object at `key` is not read; `None` if it is.
    #[must_use]
    pub fn skips(&self, key: &str) -> Option<Skip> {
        let ends = |suffix: &String| {
            let tail = key
                .len()
                .checked_sub(suffix.len())
                .and_then(|at| key.get(at..));
            tail.is_some_and(|tail| tail.eq_ignore_ascii_case(suffix))
        };
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
