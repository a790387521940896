//! Parses a line of a manifest.

use clippy_common::shorten;
use clippy_core::gallery::{
    ID_FIELD, LOCAL_PATH_FIELD, PATH_FIELD, Payload, STYLE_TAGS_FIELD, TAGS_FIELD,
};
use clippy_core::ids::PointId;
use clippy_core::ledger::{FailureKind, LineFailure};
use clippy_core::sentences::{Underscores, sentence};
use clippy_library::entry::BY_CONTENT_FIELD;
use serde_json::Value;

use super::image_folder;

/// A valid line of a manifest: one picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The point's id.
    pub id: PointId,
    /// The path of the file, as the manifest has it.
    pub local_path: String,
    /// Whether the id was made from the content of the file.
    pub by_content: bool,
    /// The tags, for the text vector.
    pub tags: Vec<String>,
    /// The payload, without `path`.
    pub payload: Payload,
}

impl Entry {
    /// Parses a line.
    ///
    /// # Errors
    /// The reason why it is invalid, for a person to read, and the id if it has a valid one.
    pub fn parse(text: &str) -> Result<Self, (Option<PointId>, LineFailure)> {
        let fail = |id, kind, reason: String| Err((id, LineFailure::new(kind, reason)));
        let value: Value = match serde_json::from_str(without_comma(text)) {
            Ok(value) => value,
            Err(error) => {
                let hint = hint(text).map_or_else(String::new, |hint| format!(". {hint}"));
                return fail(
                    None,
                    FailureKind::NotJson,
                    format!("the line is not JSON: {error}{hint}"),
                );
            }
        };
        let Value::Object(mut fields) = value else {
            return fail(
                None,
                FailureKind::NotJson,
                "the line is JSON, but not an object".to_owned(),
            );
        };
        image_folder::adapt(&mut fields);
        let by_content = fields.remove(BY_CONTENT_FIELD) == Some(Value::Bool(true));
        let id = match fields.get(ID_FIELD) {
            None | Some(Value::Null) => {
                return fail(None, FailureKind::BadId, "the line has no id".to_owned());
            }
            Some(given) => match id_of(given) {
                Some(id) => id,
                None => {
                    let given = brief(given);
                    let reason = format!(
                        "id is {given}, but must be a whole number of 0 or more, or a UUID"
                    );
                    return fail(None, FailureKind::BadId, reason);
                }
            },
        };
        // Clippy 0.2's backfill accepted `path` as well.
        let path = fields
            .remove(LOCAL_PATH_FIELD)
            .filter(|path| !path.is_null());
        let local_path = match path.or_else(|| fields.get(PATH_FIELD).cloned()) {
            Some(Value::String(path)) if !path.is_empty() => path,
            Some(other) if !other.is_null() => {
                let reason = format!(
                    "{LOCAL_PATH_FIELD} is {}, but must be a path",
                    brief(&other)
                );
                return fail(Some(id), FailureKind::NoPath, reason);
            }
            _ => {
                return fail(
                    Some(id),
                    FailureKind::NoPath,
                    format!("the line has no {LOCAL_PATH_FIELD}"),
                );
            }
        };
        // Clippy 0.2's retrieval wrote matched_queries first and matched_tags later.
        if let Some(queries) = fields.remove("matched_queries")
            && fields.get(STYLE_TAGS_FIELD).is_none_or(Value::is_null)
        {
            fields.insert(STYLE_TAGS_FIELD.to_owned(), queries);
        }
        for name in [TAGS_FIELD, STYLE_TAGS_FIELD] {
            match strings(fields.get(name)) {
                Ok(tags) => fields.insert(name.to_owned(), tags.into()),
                Err(what) => {
                    return fail(Some(id), FailureKind::BadField, format!("{name} {what}"));
                }
            };
        }
        let tags = strings(fields.get(TAGS_FIELD)).unwrap_or_default();
        Ok(Self {
            id,
            local_path,
            by_content,
            tags,
            payload: fields,
        })
    }

    /// Returns the sentence that the text vector is made from, or `None` without tags.
    #[must_use]
    pub fn text(&self, template: &str, underscores: Underscores) -> Option<String> {
        let tags: Vec<&str> = self.tags.iter().map(String::as_str).collect();
        sentence(&tags, template, underscores)
    }
}

/// Parses an id. Spreadsheets write whole numbers as `1.0`, so that is accepted too, also as text.
fn id_of(given: &Value) -> Option<PointId> {
    if let Some(whole) = given
        .as_str()
        .and_then(|text| text.trim().trim_end_matches('0').strip_suffix('.'))
        && let Ok(number) = whole.parse()
    {
        return Some(PointId::Number(number));
    }
    serde_json::from_value(given.clone()).ok()
}

/// Removes a comma at the end: the lines of a JSON list have one when its brackets are removed.
fn without_comma(text: &str) -> &str {
    let trimmed = text.trim();
    match trimmed.strip_suffix(',') {
        Some(object) if object.trim_end().ends_with('}') => object,
        _ => trimmed,
    }
}

/// Guesses the mistake in a line that is not JSON.
fn hint(text: &str) -> Option<&'static str> {
    let dense: String = text
        .chars()
        .filter(|character| !character.is_whitespace())
        .collect();
    if dense.contains(",}") || dense.contains(",]") {
        Some("JSON has no comma before } or ]: remove it")
    } else if dense.contains("{'") || dense.contains("':") {
        Some("JSON needs double quotes around text")
    } else if dense.contains("NaN") || dense.contains("Infinity") {
        Some("JSON has no NaN and no Infinity: write null")
    } else if !dense.starts_with('{') && dense.contains(',') {
        Some("Is this a table? Its first row must name the columns, one of them file_name")
    } else {
        None
    }
}

fn strings(value: Option<&Value>) -> Result<Vec<String>, String> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(members)) => members
            .iter()
            .map(|member| match member {
                Value::String(text) => Ok(text.clone()),
                other => Err(format!(
                    "holds {}, but must be a list of texts",
                    brief(other)
                )),
            })
            .collect(),
        Some(other) => Err(format!("is {}, but must be a list of texts", brief(other))),
    }
}

/// Shortens a value for a message.
fn brief(value: &Value) -> String {
    shorten(&value.to_string(), 60).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(line: &str) -> PointId {
        Entry::parse(line)
            .map(|entry| entry.id)
            .unwrap_or_else(|(_, failure)| panic!("{line}: {failure:?}"))
    }

    #[test]
    fn decimal_ids_of_spreadsheets_and_commas_at_the_end_are_accepted() {
        for line in [
            r#"{"id":5000001,"local_path":"a"}"#,
            r#"{"id":5000001.0,"local_path":"a"}"#,
            r#"{"id":"5000001","local_path":"a"}"#,
            r#"{"id":"5000001.0","local_path":"a"}"#,
            "{\"id\":5000001,\"local_path\":\"a\"},\r\n",
            r#"{"id":5000001,"path":"a"}"#,
        ] {
            assert_eq!(id(line), PointId::Number(5_000_001), "{line}");
        }
        for line in [
            r#"{"id":1.5,"local_path":"a"}"#,
            r#"{"id":"1.5","local_path":"a"}"#,
            r#"{"id":"","local_path":"a"}"#,
        ] {
            let (_, failure) = Entry::parse(line).expect_err(line);
            assert_eq!(failure.kind, FailureKind::BadId, "{line}");
        }
    }

    #[test]
    fn a_line_that_is_not_json_gives_a_hint() {
        for (line, word) in [
            (
                r#"{"id":1,"tags_all":["a",],"local_path":"a"}"#,
                "no comma before",
            ),
            (r#"{"id":1,"local_path":"a",}"#, "no comma before"),
            ("{'id': 1, 'local_path': 'a'}", "double quotes"),
            (r#"{"id":1,"score":NaN,"local_path":"a"}"#, "NaN"),
            ("1,a.png,fox", "a table"),
        ] {
            let (_, failure) = Entry::parse(line).expect_err(line);
            assert_eq!(failure.kind, FailureKind::NotJson);
            assert!(failure.reason.contains(word), "{line}: {}", failure.reason);
        }
    }
}
