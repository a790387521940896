//! Reads single variables, and says which one is wrong.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// Gives a variable's value.
type Lookup = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A source of variables.
pub struct Reader {
    lookup: Lookup,
}

impl fmt::Debug for Reader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Reader")
    }
}

impl Reader {
    /// The process's environment.
    #[must_use]
    pub fn environment() -> Self {
        Self { lookup: Box::new(|name| std::env::var(name).ok()) }
    }

    /// These variables and no others.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let map: HashMap<String, String> =
            pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { lookup: Box::new(move |name| map.get(name).cloned()) }
    }

    /// The value of the first of these names that is set to something; spaces around it are cut.
    #[must_use]
    pub fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| {
            let value = (self.lookup)(name)?;
            let value = value.trim();
            (!value.is_empty()).then(|| value.to_owned())
        })
    }

    /// The value parsed, or the default when it is not set.
    ///
    /// # Errors
    /// [`crate::ErrorCode::InvalidInput`] that names the variable and says what it `expected`.
    pub fn parsed<T: FromStr>(&self, name: &str, default: T, expected: &str) -> Result<T> {
        self.checked(name, default, expected, |_| true)
    }

    /// As [`Reader::parsed`], and the value must also be `good`.
    ///
    /// # Errors
    /// As [`Reader::parsed`].
    pub fn checked<T: FromStr>(&self, name: &str, default: T, expected: &str, good: impl Fn(&T) -> bool) -> Result<T> {
        match self.text(&[name]) {
            None => Ok(default),
            Some(value) => value.parse().ok().filter(good).ok_or_else(|| wrong(name, &value, expected)),
        }
    }

    /// A list with commas between its members.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        let value = self.text(&[name]).unwrap_or_default();
        value.split(',').map(str::trim).filter(|member| !member.is_empty()).map(str::to_owned).collect()
    }
}

/// The error for a variable whose value cannot be used.
pub(super) fn wrong(name: &str, value: &str, expected: &str) -> Error {
    Error::invalid(format!("{name} is \"{value}\", but must be {expected}"))
}

/// A key or password: usable, never printable.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    /// The secret itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[secret]")
    }
}
