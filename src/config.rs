//! Reads settings from environment variables. A missing or invalid value is an error at start-up that names the variable,
//! its value and what is accepted.
//!
//! Each variable is a constant with its default and its meaning, in the module that reads it. The command `variables` shows
//! them, and a test compares the README's table of the most important ones with them.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::secret::has_key;

/// An environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The value that is used if the variable is not set.
    pub default: Option<&'static str>,
    /// What is to be known of the default in addition to its value.
    pub note: &'static str,
    /// What it is for.
    pub meaning: &'static str,
}

impl Variable {
    /// Creates a variable without a default.
    #[must_use]
    pub const fn new(name: &'static str, meaning: &'static str) -> Self {
        Self {
            name,
            default: None,
            note: "",
            meaning,
        }
    }

    /// The same variable with a default.
    #[must_use]
    pub const fn or(self, default: &'static str) -> Self {
        Self {
            default: Some(default),
            ..self
        }
    }

    /// The same variable with a note about its default.
    #[must_use]
    pub const fn noting(self, note: &'static str) -> Self {
        Self { note, ..self }
    }
}

/// A missing or invalid value. The message names the variable and what is accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    /// The error for a required variable that is not set. `expected` says what it should hold, and what to do.
    pub(crate) fn missing(variable: Variable, expected: impl Display) -> Self {
        Self(format!("{} is not set: {expected}", variable.name))
    }

    /// The error for a value that is not accepted and too long to be shown. `problem` follows the name.
    pub(crate) fn wrong(variable: Variable, problem: impl Display) -> Self {
        Self(format!("{} {problem}", variable.name))
    }

    /// The error for a variable that holds what looks like a key, and is not for keys.
    pub(crate) fn misplaced_key(name: &str) -> Self {
        Self(format!(
            "{name} holds what looks like a key: set the variable that is for it, such as HF_API_TOKEN or RUNPOD_API_KEY"
        ))
    }

    /// The same error with another message.
    pub(crate) fn map(self, change: impl FnOnce(&str) -> String) -> Self {
        Self(change(&self.0))
    }

    /// The error for a value that is not accepted. `value` is `***` if it may be a secret.
    pub(crate) fn invalid(
        variable: Variable,
        value: impl Into<String>,
        expected: impl Display,
    ) -> Self {
        let (name, value) = (variable.name, value.into());
        let value = if has_key(&value) { "***" } else { &value };
        Self(format!("{name} is {value:?}: expected {expected}"))
    }
}

/// Where the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// The command line, or a function that is being developed: needs no configuration.
    CommandLine,
    /// AWS Lambda: refuses to start if no model is configured.
    Lambda,
}

/// The environment variables. Blank values count as not set, because deployment templates set every variable.
///
/// Holds the function that returns the value of a variable.
#[derive(Clone, Copy)]
pub struct Environment<'a>(pub(crate) &'a dyn Fn(&str) -> Option<String>);

impl Environment<'_> {
    /// The value of a variable or its default.
    pub(crate) fn text(&self, variable: Variable) -> Option<String> {
        let set = (self.0)(variable.name).map(|value| value.trim().to_owned());
        set.filter(|value| !value.is_empty())
            .or_else(|| variable.default.map(str::to_owned))
    }

    /// The value as parsed by `parse`, which returns `None` for a value that is not accepted. `expected` describes what is.
    pub(crate) fn parsed<T>(
        &self,
        variable: Variable,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.text(variable) else {
            return Ok(None);
        };
        match parse(&value) {
            Some(parsed) => Ok(Some(parsed)),
            None => Err(ConfigError::invalid(variable, value, expected)),
        }
    }

    /// The same for a required variable.
    pub(crate) fn required<T>(
        &self,
        variable: Variable,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let parsed = self.parsed(variable, expected, parse)?;
        parsed.ok_or_else(|| ConfigError::missing(variable, expected))
    }

    /// A required whole number within `range`.
    pub(crate) fn number<T: FromStr + PartialOrd + Display>(
        &self,
        variable: Variable,
        range: RangeInclusive<T>,
    ) -> Result<T, ConfigError> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        self.required(variable, &expected, |value| {
            value.parse().ok().filter(|number| range.contains(number))
        })
    }

    /// An optional non-negative number, such as a price.
    pub(crate) fn decimal(&self, variable: Variable) -> Result<Option<f64>, ConfigError> {
        self.parsed(variable, "a number such as 0.15", |value| {
            let number = value.parse::<f64>().ok();
            number.filter(|number| number.is_finite() && *number >= 0.0)
        })
    }

    /// One of the named `choices`.
    pub(crate) fn choice<T: Copy>(
        &self,
        variable: Variable,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, ConfigError> {
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let expected = format!("one of {}", names.join(", "));
        self.parsed(variable, &expected, |value| {
            let chosen = choices.iter().find(|(name, _)| *name == value);
            chosen.map(|(_, choice)| *choice)
        })
    }
}
