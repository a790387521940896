//! Parses a JSON file beside a picture. The fields of the file show which program wrote it.

use serde_json::Value;

use super::description::Description;
use super::{booru, gallery_dl, hydrus};

/// Parses the text of such a file.
///
/// # Errors
/// If the text has no known form, the reason, worded as the end of a sentence.
pub(super) fn parse(text: &str) -> Result<Description, String> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    match value {
        Value::Object(fields) if hydrus::is_hydrus(&fields) => Ok(hydrus::parse(&fields)),
        Value::Object(fields) if booru::is_danbooru(&fields) => {
            let mut description = booru::parse_danbooru(&fields);
            description.merge(gallery_dl::parse(&fields));
            Ok(description)
        }
        Value::Object(fields)
            if !fields.contains_key("category") && booru::is_safebooru(&fields) =>
        {
            Ok(booru::parse_safebooru(&fields))
        }
        Value::Object(fields) => Ok(gallery_dl::parse(&fields)),
        // Hydrus writes a plain list, and boards return a list of one post.
        Value::Array(members) if members.iter().all(Value::is_string) => {
            let mut description = Description::default();
            members
                .iter()
                .filter_map(Value::as_str)
                .for_each(|tag| description.add_namespaced(tag));
            Ok(description)
        }
        Value::Array(members) if members.len() == 1 && members[0].is_object() => {
            parse(&members[0].to_string())
        }
        _ => Err("it is JSON, but neither an object nor a list of tags".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_recognised_and_others_are_errors() {
        for (text, tags) in [
            (r#"["creator:wada", "fox"]"#, &["wada", "fox"][..]),
            (r#"[{"tag_string": "fox snow", "id": 1}]"#, &["fox", "snow"]),
            (r#"{"tags": {"my tags": ["fox"]}}"#, &["fox"]),
            (
                r#"{"tags": "fox snow", "file_url": "https://x", "id": 1}"#,
                &["fox", "snow"],
            ),
            (r#"{"category": "x", "tags": ["fox"]}"#, &["fox"]),
            ("{}", &[]),
        ] {
            assert_eq!(parse(text).expect(text).tags, tags, "{text}");
        }
        for text in ["", "{", "7", "[1, 2]", "<html>"] {
            assert!(parse(text).is_err(), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(parse(&deep).is_err(), "not a stack overflow");
    }
}
