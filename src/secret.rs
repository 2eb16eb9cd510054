//! Keeps secrets from being printed by accident.

use std::fmt;

/// A token or key. Neither `Debug` nor `Display` shows it, and it cannot be serialized.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `value` from being printed.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself: for the one header it belongs into, and for cutting it out of what others wrote.
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

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_does_not_show_it() {
        let secret = Secret::new("hf_abcdefgh");
        assert_eq!(format!("{secret} {secret:?} {secret:#?}").find("hf_"), None);
        assert_eq!(secret.expose(), "hf_abcdefgh");
    }
}
