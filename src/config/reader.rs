//! Reads single values; each failure names the variable, the value and what is accepted.

use std::ops::RangeInclusive;

/// A missing or wrong value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Nothing there.
    #[error("{variable} is not set: {expected}")]
    Missing {
        /// Which variable.
        variable: &'static str,
        /// What it should hold, and what to do.
        expected: String,
    },
    /// Not what is accepted.
    #[error("{variable} is {value:?}: expected {expected}")]
    Invalid {
        /// Which variable.
        variable: &'static str,
        /// What it holds.
        value: String,
        /// What is accepted.
        expected: String,
    },
    /// An address that is not accepted.
    #[error(transparent)]
    Endpoint(#[from] crate::wire::endpoint::EndpointError),
}

/// A source of variables. Empty values count as not set: templates set every variable.
pub(crate) struct Reader<'a>(pub(crate) &'a dyn Fn(&str) -> Option<String>);

impl Reader<'_> {
    pub(crate) fn text(&self, variable: &'static str) -> Option<String> {
        (self.0)(variable)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    pub(crate) fn number<T>(
        &self,
        variable: &'static str,
        default: T,
        range: RangeInclusive<T>,
    ) -> Result<T, ConfigError>
    where
        T: std::str::FromStr + PartialOrd + std::fmt::Display,
    {
        let Some(value) = self.text(variable) else {
            return Ok(default);
        };
        match value.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(ConfigError::Invalid {
                variable,
                value,
                expected: format!("a whole number from {} to {}", range.start(), range.end()),
            }),
        }
    }

    /// A price or the like: not negative.
    pub(crate) fn decimal(&self, variable: &'static str) -> Result<Option<f64>, ConfigError> {
        let Some(value) = self.text(variable) else {
            return Ok(None);
        };
        match value.parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => Ok(Some(number)),
            _ => Err(ConfigError::Invalid {
                variable,
                value,
                expected: "a number such as 0.15".to_owned(),
            }),
        }
    }

    /// One of the named values.
    pub(crate) fn choice<T: Copy>(
        &self,
        variable: &'static str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.text(variable) else {
            return Ok(None);
        };
        match choices.iter().find(|(name, _)| *name == value) {
            Some(&(_, choice)) => Ok(Some(choice)),
            None => {
                let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
                Err(ConfigError::Invalid {
                    variable,
                    value,
                    expected: format!("one of {}", names.join(", ")),
                })
            }
        }
    }
}
