//! Reads single variables. Errors name the variable.

use clippy_common::shorten;
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;

use crate::settings::address::without_credentials;
use crate::settings::table;
use crate::{Error, Result};

/// Gives a variable's value.
type Lookup = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// The variables that were read, with their defaults.
type Asked = BTreeMap<String, Option<String>>;

/// A source of variables.
pub struct Reader {
    lookup: Lookup,
    asked: Mutex<Asked>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Reader")
    }
}

impl Reader {
    fn new(lookup: Lookup) -> Self {
        Self {
            lookup,
            asked: Mutex::default(),
        }
    }

    /// Reads the process's environment. Bytes that are not UTF-8 become U+FFFD. A key with such
    /// bytes still closes the server; ignoring it would open the server.
    #[must_use]
    pub fn environment() -> Self {
        Self::new(Box::new(|name| {
            std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
        }))
    }

    /// Reads these variables and no others.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let map: HashMap<String, String> = pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self::new(Box::new(move |name| map.get(name).cloned()))
    }

    /// Returns the variables that were read so far, with their defaults, to compare with the table
    /// of settings.
    #[must_use]
    pub fn asked(&self) -> BTreeMap<String, Option<String>> {
        self.asked.lock().clone()
    }

    fn note(&self, name: &str, default: Option<String>) {
        let mut asked = self.asked.lock();
        let known = asked.entry(name.to_owned()).or_default();
        if default.is_some() {
            *known = default;
        }
    }

    /// Returns the trimmed value of the first of these names that is set and not empty.
    #[must_use]
    pub fn text(&self, names: &[&str]) -> Option<String> {
        for name in names {
            self.note(name, None);
        }
        names.iter().find_map(|name| {
            let value = (self.lookup)(name)?;
            let value = value.trim();
            (!value.is_empty()).then(|| value.to_owned())
        })
    }

    /// Returns the value of a variable of the system or of another program, if it is set and not
    /// empty. It is no setting of Clippy, and so is in no table.
    #[must_use]
    pub(super) fn foreign(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// Like [`Reader::text`], with a default.
    #[must_use]
    pub fn text_or(&self, names: &[&str], default: &str) -> String {
        if let Some(first) = names.first() {
            self.note(first, Some(default.to_owned()));
        }
        self.text(names).unwrap_or_else(|| default.to_owned())
    }

    /// Parses the value; gives the default when it is not set.
    ///
    /// # Errors
    /// [`crate::ErrorCode::InvalidInput`] that names the variable and says what it `expected`.
    pub fn parsed<T: FromStr + fmt::Display>(
        &self,
        name: &str,
        default: T,
        expected: &str,
    ) -> Result<T> {
        self.checked(name, default, expected, |_| true)
    }

    /// Like [`Reader::parsed`], and the value must also be `good`.
    ///
    /// # Errors
    /// Like [`Reader::parsed`].
    pub fn checked<T: FromStr + fmt::Display>(
        &self,
        name: &str,
        default: T,
        expected: &str,
        good: impl Fn(&T) -> bool,
    ) -> Result<T> {
        self.note(name, Some(default.to_string()));
        match self.text(&[name]) {
            None => Ok(default),
            Some(value) => value
                .parse()
                .ok()
                .filter(good)
                .ok_or_else(|| wrong(name, &value, expected)),
        }
    }

    /// Reads a list separated by commas.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        members(&self.text(&[name]).unwrap_or_default())
    }
}

/// Splits a list at its commas.
pub(super) fn members(list: &str) -> Vec<String> {
    list.split(',')
        .map(str::trim)
        .filter(|member| !member.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Returns the error for a variable with an unusable value. Secrets are not shown.
#[must_use]
pub fn wrong(name: &str, value: &str, expected: &str) -> Error {
    const LONGEST: usize = 200;
    if table::is_secret(name) {
        return Error::invalid(format!(
            "{name} cannot be used as it is set: it must be {expected}"
        ));
    }
    let shown: String = without_credentials(value)
        .chars()
        .filter(|letter| !letter.is_control())
        .collect();
    let shown = shorten(&shown, LONGEST);
    Error::invalid(format!("{name} is \"{shown}\", but must be {expected}"))
}

/// A key or password. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(secret)
    }

    /// Returns the secret itself.
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
