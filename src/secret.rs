//! Prevents tokens and keys from being printed by accident, and recognizes them where they don't belong.

use std::fmt;

/// What keys of well-known services begin with, and their minimum length.
const KEYS: [&str; 11] = [
    "hf_",
    "rpa_",
    "sk-",
    "AKIA",
    "ASIA",
    "ABSK",
    "ghp_",
    "gho_",
    "github_pat_",
    "xoxb-",
    "glpat-",
];
const KEY_LENGTH: usize = 20;

/// Whether there is what looks like a key in a text.
pub(crate) fn has_key(text: &str) -> bool {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')));
    let is_key = |word: &str| {
        word.len() >= KEY_LENGTH
            && word.contains(|c: char| c.is_ascii_digit())
            && KEYS.iter().any(|begin| word.starts_with(begin))
    };
    text.contains("PRIVATE KEY-----") || words.into_iter().any(is_key)
}

/// A token or key. `Debug` hides the value, and it can be neither formatted with `Display` nor serialized.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps `value`.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for request headers and for redacting it in text from elsewhere.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_secret_does_not_show_its_value() {
        let secret = Secret::new("hf_abcdefgh");
        assert_eq!(format!("{secret:?} {secret:#?}").find("hf_"), None);
        assert_eq!(secret.expose(), "hf_abcdefgh");
    }
}
