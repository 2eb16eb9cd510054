//! Reads the environment into values. Each variable stands once in a table, with its default and its meaning; the README
//! shows the same table. A missing or wrong value is one error at start-up that names the variable, the value and what is
//! accepted.

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

    /// A whole number within `range`.
    pub(crate) fn number<T: FromStr + PartialOrd + Display>(
        &self,
        variable: Variable,
        range: RangeInclusive<T>,
    ) -> Result<T, ConfigError> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let Some(value) = self.text(variable) else {
            return Err(ConfigError::missing(variable, expected));
        };
        match value.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(ConfigError::invalid(variable, value, expected)),
        }
    }

    /// A whole number within `range`, `default` where the variable is not set.
    pub(crate) fn number_or<T: FromStr + PartialOrd + Display>(
        &self,
        variable: Variable,
        default: T,
        range: RangeInclusive<T>,
    ) -> Result<T, ConfigError> {
        match self.text(variable) {
            Some(_) => self.number(variable, range),
            None => Ok(default),
        }
    }

    /// A number that is not negative, such as a price.
    pub(crate) fn decimal(&self, variable: Variable) -> Result<Option<f64>, ConfigError> {
        let Some(value) = self.text(variable) else {
            return Ok(None);
        };
        match value.parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => Ok(Some(number)),
            _ => Err(ConfigError::invalid(
                variable,
                value,
                "a number such as 0.15",
            )),
        }
    }

    /// One of the named values.
    pub(crate) fn choice<T: Copy>(
        &self,
        variable: Variable,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.text(variable) else {
            return Ok(None);
        };
        match choices.iter().find(|(name, _)| *name == value) {
            Some(&(_, choice)) => Ok(Some(choice)),
            None => {
                let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
                let expected = format!("one of {}", names.join(", "));
                Err(ConfigError::invalid(variable, value, expected))
            }
        }
    }
}
