//! Reads the environment into values. A missing or wrong value is one error at start-up that names the variable, the value and
//! what is accepted.
//!
//! Each variable is a constant with its default and its meaning, in the room that reads it. Tables of these constants become
//! the README's table, which a test compares with them.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// An environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The value that is read where it is not set.
    pub default: Option<&'static str>,
    /// What the README says about the default besides its value.
    pub note: &'static str,
    /// What it is for, as the README says it.
    pub meaning: &'static str,
}

impl Variable {
    /// A variable that has no default.
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

    /// The same variable with a remark about its default.
    #[must_use]
    pub const fn noting(self, note: &'static str) -> Self {
        Self { note, ..self }
    }
}

/// A missing or wrong value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The variable is not set.
    #[error("{variable} is not set: {expected}")]
    Missing {
        /// Which variable.
        variable: &'static str,
        /// What it should hold, and what to do.
        expected: String,
    },
    /// The value is not one that is accepted.
    #[error("{variable} is {value:?}: expected {expected}")]
    Invalid {
        /// Which variable.
        variable: &'static str,
        /// What it holds; `***` where that may be a secret.
        value: String,
        /// What is accepted.
        expected: String,
    },
}

impl ConfigError {
    /// The error for a variable that is needed and not set.
    pub(crate) fn missing(variable: Variable, expected: impl Into<String>) -> Self {
        Self::Missing {
            variable: variable.name,
            expected: expected.into(),
        }
    }

    /// The error for a value that is not accepted.
    pub(crate) fn invalid(
        variable: Variable,
        value: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::Invalid {
            variable: variable.name,
            value: value.into(),
            expected: expected.into(),
        }
    }
}

/// The environment. Blank values count as not set, because templates set every variable.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Environment<'a> {
    /// The environment that `lookup` shows.
    #[must_use]
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup }
    }

    /// The value of a variable or its default.
    pub(crate) fn text(&self, variable: Variable) -> Option<String> {
        let set = (self.lookup)(variable.name).map(|value| value.trim().to_owned());
        set.filter(|value| !value.is_empty())
            .or_else(|| variable.default.map(str::to_owned))
    }

    /// The value as `parse` reads it. It returns `None` for a value that is not as `expected`.
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

    /// The same for a variable that is needed.
    pub(crate) fn required<T>(
        &self,
        variable: Variable,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let parsed = self.parsed(variable, expected, parse)?;
        parsed.ok_or_else(|| ConfigError::missing(variable, expected))
    }

    /// A whole number within `range`, which is needed.
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

    /// A number that is not negative, such as a price.
    pub(crate) fn decimal(&self, variable: Variable) -> Result<Option<f64>, ConfigError> {
        self.parsed(variable, "a number such as 0.15", |value| {
            let number = value.parse::<f64>().ok();
            number.filter(|number| number.is_finite() && *number >= 0.0)
        })
    }

    /// One of the named values.
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
