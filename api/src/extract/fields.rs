//! Reads fields by name from a form or from JSON: numbers may be text, and lists may be CSV, JSON
//! or repeated fields.

use std::collections::HashMap;
use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use clippy_common::shorten;
use clippy_core::{Error, ErrorCode, Result};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;

use super::large::describe;
use super::scalar::{LONGEST_TEXT, MOST_MEMBERS, Scalar};

/// Standard base64, with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The fields of a body, not parsed yet. Unknown fields are never stored.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    values: HashMap<String, Vec<Scalar>>,
    files: HashMap<String, Result<Bytes>>,
}

impl Fields {
    /// Reads the fields with these names from a JSON object. Files are decoded at once.
    ///
    /// # Errors
    /// When it is not JSON, or not an object.
    pub(crate) fn from_json(json: &[u8], texts: &[&str], files: &[&str]) -> Result<Self> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let names = Names { texts, files };
        let read = deserializer
            .deserialize_map(names)
            .and_then(|fields| deserializer.end().map(|()| fields));
        read.map_err(|error| match error.classify() {
            Category::Data => Error::invalid(
                "the body must be a JSON object, such as {\"query_text\": \"apple\"}",
            ),
            _ => Error::invalid(format!("the body is not JSON: {}", describe(&error))),
        })
    }

    pub(crate) fn add_text(&mut self, name: String, text: String) {
        self.values
            .entry(name)
            .or_default()
            .push(Scalar::Text(text));
    }

    pub(crate) fn add_file(&mut self, name: String, bytes: Bytes) {
        self.files.insert(name, Ok(bytes));
    }

    /// Whether a field has a value, which is not null or empty text.
    pub(crate) fn has_value(&self, name: &str) -> bool {
        self.files.contains_key(name) || self.last(name).is_some()
    }

    /// Returns the last value of a field that is not null or empty text.
    fn last(&self, name: &str) -> Option<&Scalar> {
        self.values
            .get(name)?
            .iter()
            .rev()
            .find(|value| match value {
                Scalar::Null => false,
                Scalar::Text(text) => !text.trim().is_empty(),
                _ => true,
            })
    }

    /// Reads a file: the bytes of a form's file, a data URL or base64 text.
    pub(crate) fn file(&mut self, name: &str) -> Result<Option<Bytes>> {
        if let Some(file) = self.files.remove(name) {
            return file.map(Some);
        }
        match self.last(name) {
            None => Ok(None),
            Some(Scalar::Text(text)) => decode_file_text(name, text).map(Some),
            Some(_) => Err(Error::invalid(format!(
                "{name} must be a file, as a data URL or as base64 text"
            ))),
        }
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<String>> {
        match self.last(name) {
            None => Ok(None),
            Some(Scalar::Text(text)) => Ok(Some(text.clone())),
            Some(Scalar::Number(number)) => Ok(Some(number.to_string())),
            Some(other) => Err(wrong(name, other, "text")),
        }
    }

    /// Reads a number. The search checks whether it is valid; it may be NaN here.
    pub(crate) fn number(&self, name: &str) -> Result<Option<f32>> {
        let parsed = match self.last(name) {
            None => return Ok(None),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a weight or share needs no more than 32 bits"
            )]
            Some(Scalar::Number(number)) => number.as_f64().map(|number| number as f32),
            Some(Scalar::Text(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        match (parsed, self.last(name)) {
            (None, Some(value)) => Err(wrong(name, value, "a number, such as 0.5")),
            (number, _) => Ok(number),
        }
    }

    /// Reads a whole number of 0 or more.
    pub(crate) fn count(&self, name: &str) -> Result<Option<usize>> {
        let Some(value) = self.last(name) else {
            return Ok(None);
        };
        let parsed = match value {
            Scalar::Number(number) => number.as_u64(),
            Scalar::Text(text) => text.trim().parse().ok(),
            _ => None,
        };
        parsed
            .and_then(|count| usize::try_from(count).ok())
            .map(Some)
            .ok_or_else(|| wrong(name, value, "a whole number, such as 24"))
    }

    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>> {
        let Some(value) = self.last(name) else {
            return Ok(None);
        };
        let parsed = match value {
            Scalar::Bool(boolean) => Some(*boolean),
            Scalar::Number(number) => match number.as_u64() {
                Some(0) => Some(false),
                Some(1) => Some(true),
                _ => None,
            },
            Scalar::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "on" | "yes" => Some(true),
                "false" | "0" | "off" | "no" => Some(false),
                _ => None,
            },
            _ => None,
        };
        parsed
            .map(Some)
            .ok_or_else(|| wrong(name, value, "true or false"))
    }

    /// Reads all members of a list, which may be repeated fields, CSV, a JSON list, or a JSON list
    /// as text.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<String>> {
        let mut members = Vec::new();
        for value in self.values.get(name).into_iter().flatten() {
            match value {
                Scalar::Text(text) if text.trim_start().starts_with('[') => {
                    // A tag may begin with a bracket, so text that is not a JSON list is read as
                    // CSV.
                    match serde_json::from_str(text) {
                        Ok(Scalar::List(list, count)) => add_all(name, &list, count, &mut members)?,
                        _ => add_csv(text, &mut members),
                    }
                }
                Scalar::Text(text) => add_csv(text, &mut members),
                Scalar::List(list, count) => add_all(name, list, *count, &mut members)?,
                other => add_all(name, std::slice::from_ref(other), 1, &mut members)?,
            }
        }
        if members.len() > MOST_MEMBERS {
            return Err(too_many(name, members.len()));
        }
        Ok(members)
    }
}

fn too_many(name: &str, count: usize) -> Error {
    Error::invalid(format!(
        "{name} has {count} members, but at most {MOST_MEMBERS} are allowed"
    ))
}

fn add_csv(text: &str, members: &mut Vec<String>) {
    members.extend(
        text.split(',')
            .map(str::trim)
            .filter(|member| !member.is_empty())
            .map(str::to_owned),
    );
}

fn add_all(name: &str, list: &[Scalar], count: usize, members: &mut Vec<String>) -> Result<()> {
    if count > list.len() {
        return Err(too_many(name, count));
    }
    for value in list {
        match value {
            Scalar::Null => {}
            Scalar::Text(text) if text.trim().is_empty() => {}
            Scalar::Text(text) => members.push(text.trim().to_owned()),
            Scalar::Number(number) => members.push(number.to_string()),
            other => return Err(wrong(name, other, "a list of words or numbers")),
        }
    }
    Ok(())
}

/// The names of the known fields.
#[derive(Clone, Copy)]
struct Names<'n> {
    texts: &'n [&'n str],
    files: &'n [&'n str],
}

/// The name of a field. The value of an unknown one is skipped.
enum FieldName<'n> {
    Text(&'n str),
    File(&'n str),
    Other,
}

impl<'de> Visitor<'de> for Names<'_> {
    type Value = Fields;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> std::result::Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(name) = members.next_key_seed(self)? {
            match name {
                FieldName::Text(name) => {
                    fields
                        .values
                        .insert(name.to_owned(), vec![members.next_value()?]);
                }
                FieldName::File(name) => {
                    let file = members.next_value_seed(FileText(name))?;
                    fields.files.remove(name);
                    fields
                        .files
                        .extend(file.map(|file| (name.to_owned(), file)));
                }
                FieldName::Other => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(fields)
    }
}

impl<'de, 'n> DeserializeSeed<'de> for Names<'n> {
    type Value = FieldName<'n>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<FieldName<'n>, D::Error> {
        struct KeyVisitor<'n>(Names<'n>);
        impl<'n> Visitor<'_> for KeyVisitor<'n> {
            type Value = FieldName<'n>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a name")
            }

            fn visit_str<E>(self, given: &str) -> std::result::Result<FieldName<'n>, E> {
                let named = |names: &[&'n str]| names.iter().copied().find(|name| *name == given);
                let text = named(self.0.texts).map(FieldName::Text);
                Ok(text
                    .or_else(|| named(self.0.files).map(FieldName::File))
                    .unwrap_or(FieldName::Other))
            }
        }
        deserializer.deserialize_str(KeyVisitor(self))
    }
}

/// Decodes a file in JSON from a data URL or base64. `None` for null and empty text.
struct FileText<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for FileText<'_> {
    type Value = Option<Result<Bytes>>;

    fn deserialize<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> std::result::Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl FileText<'_> {
    fn no_file(&self) -> Option<Result<Bytes>> {
        Some(Err(Error::invalid(format!(
            "{} must be a file, as a data URL or as base64 text",
            self.0
        ))))
    }
}

impl<'de> Visitor<'de> for FileText<'_> {
    type Value = Option<Result<Bytes>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a file")
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Self::Value, E> {
        Ok((!text.trim().is_empty()).then(|| decode_file_text(self.0, text)))
    }

    fn visit_unit<E>(self) -> std::result::Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<Self::Value, E> {
        Ok(self.no_file())
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<Self::Value, E> {
        Ok(self.no_file())
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<Self::Value, E> {
        Ok(self.no_file())
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<Self::Value, E> {
        Ok(self.no_file())
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(
        self,
        mut members: A,
    ) -> std::result::Result<Self::Value, A::Error> {
        while members.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self.no_file())
    }

    fn visit_map<A: MapAccess<'de>>(
        self,
        mut members: A,
    ) -> std::result::Result<Self::Value, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self.no_file())
    }
}

fn decode_file_text(name: &str, text: &str) -> Result<Bytes> {
    let encoded = match text.trim().strip_prefix("data:") {
        None => text.trim(),
        Some(url) => match url.split_once(',') {
            Some((kind, encoded)) if kind.ends_with(";base64") => encoded,
            _ => {
                return Err(Error::invalid(format!(
                    "{name} is a data URL that is not base64, but only base64 is supported"
                )));
            }
        },
    };
    let decoded = if encoded.contains(|letter: char| letter.is_ascii_whitespace()) {
        BASE64.decode(encoded.split_ascii_whitespace().collect::<String>())
    } else {
        BASE64.decode(encoded)
    };
    decoded.map(Bytes::from).map_err(|error| {
        Error::invalid(format!(
            "{name} is neither a data URL nor base64 text ({error})"
        ))
    })
}

fn wrong(name: &str, value: &Scalar, expected: &str) -> Error {
    if let Scalar::LongText(bytes) = value {
        let message = format!("{name} has {bytes} bytes, but at most {LONGEST_TEXT} are allowed");
        return Error::new(ErrorCode::TooLarge, message);
    }
    let value = value.to_string();
    let shown = shorten(&value, 60);
    Error::invalid(format!("{name} is \"{shown}\", but must be {expected}"))
}

#[cfg(test)]
mod tests;
