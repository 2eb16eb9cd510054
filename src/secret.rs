//! Prevents tokens and keys from being printed by accident.

use std::fmt;

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
