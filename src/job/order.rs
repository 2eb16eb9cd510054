//! The order for one summary: its length and the reader's wishes. They come from the configuration, unless the metadata of the
//! upload say otherwise.
//!
//! The lists `GLOSSARY` and `SPEAKER_NAMES` are files for the command line, which reads them once. Elsewhere they are objects in
//! the bucket of the transcript, read for each job, because a changed list makes another job.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use encoding_rs::UTF_8;

use crate::config::Variable;
use crate::job::config::{GLOSSARY, SPEAKER_NAMES, WORDS_RANGE};
use crate::job::error::Rejected;
use crate::job::{App, Config, JobError};
use crate::prompt::{MAX_INSTRUCTIONS, Wishes};
use crate::store::encoded_word;
use crate::store::{Location, Metadata};
use crate::text::corrections::{BadLine, Entry, List, read_list};
use crate::text::{Corrections, Language, Words};

/// Maximum size of a list in bytes.
const MAX_LIST_BYTES: u64 = 256 * 1024;

/// The metadata of an upload that are wishes.
pub(crate) const WISHES: [&str; 3] = ["summary-words", "summary-language", "summary-instructions"];

/// What a summary should be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Target length.
    pub words: Words,
    /// The reader's wishes.
    pub wishes: Wishes,
}

/// The values of `GLOSSARY` and `SPEAKER_NAMES`, as far as they are set and not yet read: files or keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lists {
    /// Misheard words.
    pub glossary: Option<String>,
    /// Misheard names, and labels.
    pub speaker_names: Option<String>,
}

/// What the user of the command line chose by options, which the metadata of an upload do not change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ByOption {
    /// `--words`.
    pub words: bool,
    /// `--language`.
    pub language: bool,
    /// `--instructions`.
    pub instructions: bool,
}

/// The reason that a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It is missing, too large, or cannot be read.
    #[error(
        "{variable} is {name:?}, which cannot be read; expected the name of a file of {EXPECTED}"
    )]
    Unreadable {
        /// The variable.
        variable: &'static str,
        /// The file or key.
        name: String,
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A line is broken.
    #[error("{variable} is {name:?}, where {problem}; expected {EXPECTED}")]
    Line {
        /// The variable.
        variable: &'static str,
        /// The file or key.
        name: String,
        /// The line and what is wrong with it.
        problem: BadLine,
    },
}

const EXPECTED: &str =
    "UTF-8 text with a line `heard = right` for each entry and `#` before comments";

impl Lists {
    /// The variables that are set, with their values.
    fn set(&self) -> impl Iterator<Item = (Variable, List, &String)> {
        let names = self.speaker_names.iter();
        let names = names.map(|name| (SPEAKER_NAMES, List::SpeakerNames, name));
        let glossary = self.glossary.iter();
        names.chain(glossary.map(|name| (GLOSSARY, List::Glossary, name)))
    }

    /// Whether an object is one of the lists, and so no transcript.
    pub(crate) fn have(&self, key: &str) -> bool {
        self.set().any(|(_, _, name)| name == key)
    }

    /// The corrections that the lists hold, of which `entries` have been read.
    fn corrections(&self, entries: Vec<Entry>) -> Result<Arc<Corrections>, ListError> {
        let corrections = Corrections::new(entries).map_err(|problem| {
            let set = self.set().find(|(_, list, _)| *list == problem.list);
            let (variable, name) = set.map_or((GLOSSARY.name, ""), |(variable, _, name)| {
                (variable.name, name)
            });
            let name = name.to_owned();
            ListError::Line {
                variable,
                name,
                problem,
            }
        });
        corrections.map(Arc::new)
    }
}

/// Reads the content of a list.
fn entries(
    (variable, list, name): (Variable, List, &String),
    bytes: &[u8],
) -> Result<Vec<Entry>, ListError> {
    let text = text_of(bytes).map_err(|reason| unreadable(variable, name, reason))?;
    let (variable, name) = (variable.name, name.clone());
    read_list(&text, list).map_err(|problem| ListError::Line {
        variable,
        name,
        problem,
    })
}

fn unreadable(
    variable: Variable,
    name: &str,
    source: impl Into<Box<dyn Error + Send + Sync>>,
) -> ListError {
    let (variable, name, source) = (variable.name, name.to_owned(), source.into());
    ListError::Unreadable {
        variable,
        name,
        source,
    }
}

/// What `source` has, or `None` if it has more than `most` bytes: a device has no end.
pub(crate) fn at_most(source: impl Read, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    source.take(most + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

impl Config {
    /// Reads the lists from files.
    ///
    /// # Errors
    /// If one is missing or broken: the first one found.
    pub fn read_lists(&mut self) -> Result<(), ListError> {
        let lists = std::mem::take(&mut self.lists);
        let mut all = Vec::new();
        for set in lists.set() {
            let (variable, _, name) = set;
            let read = File::open(name).and_then(|file| at_most(file, MAX_LIST_BYTES));
            let read = read.map_err(|error| unreadable(variable, name, error))?;
            let bytes = read.ok_or_else(|| {
                let reason = format!("at most {MAX_LIST_BYTES} bytes are accepted");
                unreadable(variable, name, reason)
            })?;
            all.extend(entries(set, &bytes)?);
        }
        if !all.is_empty() {
            self.wishes.corrections = lists.corrections(all)?;
        }
        Ok(())
    }

    /// The order for an upload with these metadata.
    ///
    /// # Errors
    /// If they have a value that is not accepted.
    pub(crate) fn order(&self, metadata: &Metadata) -> Result<Order, Rejected> {
        let mut order = Order {
            words: self.summary_words,
            wishes: self.wishes.clone(),
        };
        let wrong = |name: &str, value: &str, expected: &str| {
            let value: String = value.chars().take(60).collect();
            Rejected::Metadata(format!(
                "x-amz-meta-{name} is {value:?}: expected {expected}"
            ))
        };
        let value = |name: &str, is_chosen: bool| -> Result<Option<String>, Rejected> {
            let Some(value) = metadata.get(name).filter(|_| !is_chosen) else {
                return Ok(None);
            };
            let decoded = encoded_word::decoded(value);
            let decoded = decoded.ok_or_else(|| wrong(name, value, "text in UTF-8"))?;
            Ok(Some(decoded.trim().to_owned()).filter(|value| !value.is_empty()))
        };
        if let Some(problem) = misspelt_wish(metadata.keys().map(String::as_str)) {
            return Err(Rejected::Metadata(problem));
        }
        let [words_name, language_name, instructions_name] = WISHES;
        let ByOption {
            words,
            language,
            instructions,
        } = self.by_option;
        let name = words_name;
        if let Some(value) = value(name, words)? {
            let number = value
                .parse()
                .ok()
                .filter(|number| WORDS_RANGE.contains(number));
            let expected = format!(
                "a whole number from {} to {}",
                WORDS_RANGE.start(),
                WORDS_RANGE.end()
            );
            order.words = Words(number.ok_or_else(|| wrong(name, &value, &expected))?);
        }
        let name = language_name;
        if let Some(value) = value(name, language)? {
            order.wishes.language =
                language_of(&value).ok_or_else(|| wrong(name, &value, EXPECTED_LANGUAGE))?;
        }
        let name = instructions_name;
        if let Some(value) = value(name, instructions)? {
            let wrong = |problem| Rejected::Metadata(format!("x-amz-meta-{name} {problem}"));
            order.wishes.instructions = instructions_of(&value).map_err(wrong)?;
        }
        Ok(order)
    }
}

/// What is accepted as a language.
pub(crate) const EXPECTED_LANGUAGE: &str =
    "a BCP 47 code such as de or pt-BR, or auto for the language of the transcript";

/// The language that a value stands for: `None` inside for that of the transcript.
pub(crate) fn language_of(value: &str) -> Option<Option<Language>> {
    match value.trim() {
        value if value.eq_ignore_ascii_case("auto") => Some(None),
        value => Language::parse(value).map(Some),
    }
}

/// Instructions, or what is wrong with them.
pub(crate) fn instructions_of(value: &str) -> Result<Arc<str>, String> {
    let value = value.trim();
    let count = value.chars().count();
    let mut controls = value
        .chars()
        .filter(|c| c.is_control() && !c.is_whitespace());
    match controls.next() {
        Some(c) => Err(format!(
            "has the control character U+{:04X}: expected plain text",
            u32::from(c)
        )),
        None if count > MAX_INSTRUCTIONS => Err(format!(
            "has {count} characters: expected at most {MAX_INSTRUCTIONS}"
        )),
        None => Ok(value.into()),
    }
}

/// A text in UTF-8, or in UTF-16 with a byte order mark.
pub(crate) fn text_of(bytes: &[u8]) -> Result<String, &'static str> {
    let (text, _, is_broken) = UTF_8.decode(bytes);
    (!is_broken)
        .then(|| text.into_owned())
        .ok_or("it is not UTF-8")
}

impl App {
    /// The order for a summary of the object at `at`. Lists that have not been read are objects in the same bucket.
    pub(crate) async fn order(
        &self,
        at: &Location,
        metadata: &Metadata,
    ) -> Result<Order, JobError> {
        let mut order = self.config.order(metadata)?;
        let lists = &self.config.lists;
        let mut all = Vec::new();
        for set in lists.set() {
            let (variable, _, name) = set;
            let read = self
                .source
                .read(&Location::new(&at.bucket, name), MAX_LIST_BYTES)
                .await;
            let (bytes, _) = match read {
                Err(error) if error.kind.passes() => return Err(error.into()),
                read => read.map_err(|error| unreadable(variable, name, error))?,
            };
            all.extend(entries(set, &bytes)?);
        }
        if !all.is_empty() {
            order.wishes.corrections = lists.corrections(all)?;
        }
        Ok(order)
    }
}

/// The complaint about the first of these names of metadata that begins like a wish and is none.
pub(crate) fn misspelt_wish<'n>(mut names: impl Iterator<Item = &'n str>) -> Option<String> {
    let name = names.find(|name| name.starts_with("summary-") && !WISHES.contains(name))?;
    let known = WISHES.join(", x-amz-meta-");
    Some(format!(
        "x-amz-meta-{name} is not known: expected x-amz-meta-{known}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::chain;
    use crate::job::Surface;

    fn config(variables: &[(&str, &str)]) -> Config {
        Config::from_lookup(Surface::CommandLine, &|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|&(_, value)| value.to_owned())
        })
        .unwrap()
    }

    fn metadata(pairs: &[(&str, &str)]) -> Metadata {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn metadata_win_over_variables_and_options_over_both() {
        let mut config = config(&[
            ("SUMMARY_WORDS", "900"),
            ("SUMMARY_LANGUAGE", "fr"),
            ("SUMMARY_INSTRUCTIONS", "Costs."),
        ]);
        let order = config.order(&Metadata::new()).unwrap();
        assert_eq!(
            (order.words, &*order.wishes.instructions),
            (Words(900), "Costs.")
        );
        assert_eq!(order.wishes.language, Language::parse("fr"));
        let given = metadata(&[
            ("summary-words", " 700 "),
            ("summary-language", "AUTO"),
            ("summary-instructions", "=?UTF-8?Q?K=C3=BCrzer!?="),
            ("other", "x"),
        ]);
        let order = config.order(&given).unwrap();
        assert_eq!(
            (order.words, &*order.wishes.instructions),
            (Words(700), "Kürzer!")
        );
        assert_eq!(order.wishes.language, None);
        config.by_option = ByOption {
            words: true,
            language: true,
            instructions: true,
        };
        assert_eq!(config.order(&given), config.order(&Metadata::new()));
        let blank = metadata(&[("summary-words", ""), ("summary-language", " ")]);
        assert_eq!(config.order(&blank), config.order(&Metadata::new()));
    }

    #[test]
    fn wrong_metadata_are_rejected() {
        let long = "x".repeat(2001);
        for (name, value, expected) in [
            ("summary-words", "many", "a whole number from 50 to 100000"),
            ("summary-words", "49", "a whole number"),
            ("summary-language", "german", "a BCP 47 code such as de"),
            (
                "summary-instructions",
                long.as_str(),
                "has 2001 characters: expected at most 2000",
            ),
            (
                "summary-instructions",
                "Costs\0",
                "has the control character U+0000",
            ),
            (
                "summary-instructions",
                "=?UTF-8?Q?K=FCrzer?=",
                "is \"=?UTF-8?Q?K=FCrzer?=\": expected text in UTF-8",
            ),
            (
                "summary-instruction",
                "Costs.",
                "is not known: expected x-amz-meta-summary-words, x-amz-meta-summary-language, x-amz-meta-summary-instructions",
            ),
        ] {
            let error = config(&[])
                .order(&metadata(&[(name, value)]))
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(&format!("x-amz-meta-{name} ")), "{error}");
            assert!(error.contains(expected) && error.len() < 200, "{error}");
        }
    }

    #[test]
    fn lists_are_read_from_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str, content: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, content).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (words, names) = (
            path("w", "brack = Brack\n".as_bytes()),
            path("n", b"\xff\xfes\0=\0D\0\n\0"),
        );
        let mut config = config(&[("GLOSSARY", &words), ("SPEAKER_NAMES", &names)]);
        config.read_lists().unwrap();
        assert_eq!(
            (config.wishes.corrections.entries().len(), &config.lists),
            (2, &Lists::default())
        );
        for (content, expected) in [
            (
                &b"a = b\n\nc"[..],
                "line 3 has no `=`; expected UTF-8 text with a line `heard = right`",
            ),
            (b"a = b\nb = a", "is part of a circle"),
            (b"\xff = b", "UTF-8 text with a line `heard = right`"),
            (
                b"b\0=\0c\0",
                "line 1 has control characters: it is not UTF-8",
            ),
            (&[b'x'; 300_000], "at most 262144 bytes are accepted"),
        ] {
            let broken = path("broken", content);
            let mut config = self::config(&[("GLOSSARY", &broken)]);
            let error = chain(&config.read_lists().unwrap_err());
            assert!(
                error.starts_with("GLOSSARY is ") && error.contains(&broken),
                "{error}"
            );
            assert!(error.contains(expected), "{error}");
        }
        let mut config = self::config(&[("SPEAKER_NAMES", "/no/such/file")]);
        let error = chain(&config.read_lists().unwrap_err());
        assert!(
            error.starts_with("SPEAKER_NAMES is \"/no/such/file\", which cannot be read"),
            "{error}"
        );
    }
}
