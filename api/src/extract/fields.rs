//! Fields by name, alike from a form and from JSON: numbers may come as text, lists as CSV, JSON or repeated fields.

use std::collections::HashMap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use clippy_core::{Error, Result};
use serde_json::Value;

/// Standard base64, with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What was sent, not yet understood. Fields that nobody asks for are never kept.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    values: HashMap<String, Vec<Value>>,
    files: HashMap<String, Bytes>,
}

impl Fields {
    /// The fields of a JSON object.
    ///
    /// # Errors
    /// When it is not an object.
    pub(crate) fn from_json(value: Value) -> Result<Self> {
        let Value::Object(object) = value else {
            return Err(Error::invalid("the body must be a JSON object, such as {\"query_text\": \"apple\"}"));
        };
        Ok(Self { values: object.into_iter().map(|(name, value)| (name, vec![value])).collect(), ..Self::default() })
    }

    pub(crate) fn add_text(&mut self, name: String, text: String) {
        self.values.entry(name).or_default().push(Value::String(text));
    }

    pub(crate) fn add_file(&mut self, name: String, bytes: Bytes) {
        self.files.insert(name, bytes);
    }

    /// The last value of a field that says anything: absent, null and empty text all say nothing.
    fn last(&self, name: &str) -> Option<&Value> {
        self.values.get(name)?.iter().rev().find(|value| match value {
            Value::Null => false,
            Value::String(text) => !text.trim().is_empty(),
            _ => true,
        })
    }

    /// A file: bytes of a form's file, or a data URL or base64 text.
    pub(crate) fn file(&mut self, name: &str) -> Result<Option<Bytes>> {
        if let Some(bytes) = self.files.remove(name) {
            return Ok(Some(bytes));
        }
        match self.last(name) {
            None => Ok(None),
            Some(Value::String(text)) => decode_file_text(name, text).map(Some),
            Some(_) => Err(Error::invalid(format!("{name} must be a file, as a data URL or as base64 text"))),
        }
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<String>> {
        match self.last(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(other) => Err(wrong(name, other, "text")),
        }
    }

    /// A number; whether it makes sense is for the search to say, NaN included.
    pub(crate) fn number(&self, name: &str) -> Result<Option<f32>> {
        let parsed = match self.last(name) {
            None => return Ok(None),
            #[expect(clippy::cast_possible_truncation, reason = "a weight or share needs no more than 32 bits")]
            Some(Value::Number(number)) => number.as_f64().map(|number| number as f32),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        match (parsed, self.last(name)) {
            (None, Some(value)) => Err(wrong(name, value, "a number, such as 0.5")),
            (number, _) => Ok(number),
        }
    }

    /// A whole number of 0 or more.
    pub(crate) fn count(&self, name: &str) -> Result<Option<usize>> {
        let Some(value) = self.last(name) else { return Ok(None) };
        let parsed = match value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        parsed
            .and_then(|count| usize::try_from(count).ok())
            .map(Some)
            .ok_or_else(|| wrong(name, value, "a whole number, such as 24"))
    }

    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>> {
        let Some(value) = self.last(name) else { return Ok(None) };
        let parsed = match value {
            Value::Bool(boolean) => Some(*boolean),
            Value::Number(number) => match number.as_u64() {
                Some(0) => Some(false),
                Some(1) => Some(true),
                _ => None,
            },
            Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "on" | "yes" => Some(true),
                "false" | "0" | "off" | "no" => Some(false),
                _ => None,
            },
            _ => None,
        };
        parsed.map(Some).ok_or_else(|| wrong(name, value, "true or false"))
    }

    /// All members of a list, however it came: repeated fields, CSV, a JSON list, or a JSON list as text.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<String>> {
        let mut members = Vec::new();
        for value in self.values.get(name).into_iter().flatten() {
            match value {
                Value::String(text) if text.trim_start().starts_with('[') => {
                    // A tag may begin with a bracket: what is no JSON list is read as CSV.
                    match serde_json::from_str(text) {
                        Ok(Value::Array(list)) => add_all(name, &list, &mut members)?,
                        _ => add_csv(text, &mut members),
                    }
                }
                Value::String(text) => add_csv(text, &mut members),
                Value::Array(list) => add_all(name, list, &mut members)?,
                other => add_all(name, std::slice::from_ref(other), &mut members)?,
            }
        }
        Ok(members)
    }
}

fn add_csv(text: &str, members: &mut Vec<String>) {
    members.extend(text.split(',').map(str::trim).filter(|member| !member.is_empty()).map(str::to_owned));
}

fn add_all(name: &str, list: &[Value], members: &mut Vec<String>) -> Result<()> {
    for value in list {
        match value {
            Value::Null => {}
            Value::String(text) if text.trim().is_empty() => {}
            Value::String(text) => members.push(text.trim().to_owned()),
            Value::Number(number) => members.push(number.to_string()),
            other => return Err(wrong(name, other, "a list of words or numbers")),
        }
    }
    Ok(())
}

fn decode_file_text(name: &str, text: &str) -> Result<Bytes> {
    let encoded = match text.trim().strip_prefix("data:") {
        None => text.trim(),
        Some(url) => match url.split_once(',') {
            Some((kind, encoded)) if kind.ends_with(";base64") => encoded,
            _ => return Err(Error::invalid(format!("{name} is a data URL that is not base64: only base64 is read"))),
        },
    };
    let decoded = if encoded.contains(|letter: char| letter.is_ascii_whitespace()) {
        BASE64.decode(encoded.split_ascii_whitespace().collect::<String>())
    } else {
        BASE64.decode(encoded)
    };
    decoded
        .map(Bytes::from)
        .map_err(|error| Error::invalid(format!("{name} is neither a data URL nor base64 text ({error})")))
}

fn wrong(name: &str, value: &Value, expected: &str) -> Error {
    let shown = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let shown: String = shown.chars().take(60).collect();
    Error::invalid(format!("{name} is \"{shown}\", but must be {expected}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        Fields::from_json(value).expect("an object")
    }

    #[test]
    fn numbers_and_booleans_may_be_text() {
        let fields = fields(json!({
            "a": "0.5", "b": 0.5, "c": "on", "d": 1, "e": "", "f": null, "g": "24", "h": "NaN", "i": true, "j": "maybe"
        }));
        assert_eq!(fields.number("a").expect("text"), Some(0.5));
        assert_eq!(fields.number("b").expect("a number"), Some(0.5));
        assert!(fields.number("h").expect("a float").is_some_and(f32::is_nan));
        assert_eq!(fields.number("e").expect("empty"), None);
        assert_eq!(fields.boolean("c").expect("a checkbox"), Some(true));
        assert_eq!(fields.boolean("d").expect("a number"), Some(true));
        assert_eq!(fields.boolean("i").expect("a boolean"), Some(true));
        assert_eq!(fields.boolean("f").expect("null"), None);
        assert!(fields.boolean("j").expect_err("no boolean").message.contains("j is \"maybe\""));
        assert_eq!(fields.count("g").expect("text"), Some(24));
        assert!(fields.count("a").is_err() && fields.number("i").is_err());
    }

    #[test]
    fn lists_come_in_every_way() {
        for value in [json!("7, 8"), json!([7, "8"]), json!("[7, 8]"), json!(["7", 8, null, ""])] {
            assert_eq!(fields(json!({ "like": value })).list("like").expect("a list"), ["7", "8"], "{value}");
        }
        let mut repeated = Fields::default();
        repeated.add_text("like".to_owned(), "7".to_owned());
        repeated.add_text("like".to_owned(), "8,9".to_owned());
        assert_eq!(repeated.list("like").expect("a list"), ["7", "8", "9"]);
        assert!(fields(json!({ "like": [{}] })).list("like").is_err());
        assert_eq!(fields(json!({ "like": 7 })).list("like").expect("one"), ["7"]);
    }

    #[test]
    fn files_come_as_data_urls_and_as_base64() {
        for text in ["data:image/png;base64,AQID", "AQID", "AQI\nD", " AQID "] {
            assert_eq!(
                fields(json!({ "a": text })).file("a").expect("a file").as_deref(),
                Some(&[1, 2, 3][..]),
                "{text}"
            );
        }
        assert_eq!(fields(json!({ "a": "AQ" })).file("a").expect("no padding").as_deref(), Some(&[1][..]));
        for wrong in [json!("data:image/png,raw"), json!("!!"), json!(7)] {
            assert!(fields(json!({ "a": wrong })).file("a").is_err(), "{wrong}");
        }
    }
}
